"""As many random steps as wanted against platforms that misbehave: no post skipped, none given twice.

    python bench/hostile.py [--steps 1000000] [--face mastodon]

The same machine as tests/connectors/test_hostile_platform.py, with new random runs each time; a failure prints the
shortest steps that lead to it. Progress goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.connectors.hostile import FACES, Server
from tests.connectors.test_hostile_platform import A_RUN, Reader, walk

_AT_A_TIME = 200  # runs between two lines of progress


def main(arguments: Sequence[str] | None = None) -> None:
    """Walk, and say how far."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000, help="in all faces together")
    parser.add_argument("--face", choices=sorted(FACES), nargs="*", default=sorted(FACES))
    chosen = parser.parse_args(arguments)
    began, said = time.monotonic(), {}
    for face in chosen.face:
        runs = max(1, chosen.steps // A_RUN // len(chosen.face))
        server = Server(face)
        made = type("Walker", (Reader,), {"face": face, "server": server})
        for done in range(0, runs, _AT_A_TIME):
            walk(made, min(_AT_A_TIME, runs - done), fresh=True)
            steps = min(done + _AT_A_TIME, runs) * A_RUN
            print(f"{face}: {steps} steps, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        said[face] = {"steps": runs * A_RUN, "requests": server.platform.asked}
        server.close()
    # Nothing was skipped and nothing came twice, or it would not have come so far.
    print(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
