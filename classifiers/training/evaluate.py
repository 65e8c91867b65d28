"""``python -m classifiers.training.evaluate FILE …``: how well a model's verdicts agree with labelled posts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from classifiers.measure import figures, judge_verdicts, table
from classifiers.verdict import Verdict

_BATCH = 64


def main(arguments: Sequence[str] | None = None) -> None:
    """Read labelled rows, classify them with the shipped model and print the figures."""
    from classifiers.encoder import EncoderClassifier
    from classifiers.training.data import read_file

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--model", type=Path, default=None, help="a model's folder; the shipped one by default")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    rows = [row for path in chosen.files for row in read_file(path)]
    model = EncoderClassifier(chosen.model)
    verdicts: list[Verdict] = []
    for begin in range(0, len(rows), _BATCH):
        verdicts += model.classify([row.passage for row in rows[begin : begin + _BATCH]])
    said = figures(judge_verdicts(verdicts, np.array([row.targets for row in rows])))
    print(json.dumps(said, indent=1) if chosen.json else table(said))


if __name__ == "__main__":
    main()
