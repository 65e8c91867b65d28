"""Posts stored → verdicts stored: how the time splits between the model and everything else.

    python bench/backlog.py [--posts 20000] [--url sqlite:///…|postgresql://…] [--model encoder]

The posts are the project's own invented ones, each with another short ending, so that none is read for free; they are
stored before the clock starts. Then the service's own reader takes them a batch at a time, as it does after a stop.
Progress goes to standard error; the store keeps what is done, so that a run that is stopped has lost nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from pipeline import START, posts, prepare  # noqa: E402

from classifiers import registry  # noqa: E402
from classifiers.classifier import Classifier  # noqa: E402
from classifiers.verdict import Passage, Verdict  # noqa: E402
from watcher.classification import Reader  # noqa: E402
from watcher.journal import begin  # noqa: E402

STORED = 500  # posts in one transaction while the store is filled


class Timed:
    """A model whose seconds are counted."""

    def __init__(self, model: Classifier) -> None:
        self._model = model
        self.name, self.version, self.seconds = model.name, model.version, 0.0

    def classify(self, passages: Sequence[Passage]) -> list[Verdict]:
        """What the model says."""
        began = time.perf_counter()
        try:
            return self._model.classify(passages)
        finally:
            self.seconds += time.perf_counter() - began


def measure(count: int, url: str, model: str) -> dict[str, Any]:
    """Fill the store, have everything read, and split the time."""
    with tempfile.TemporaryDirectory() as folder:
        settings, store = prepare(Path(folder), url.replace("FOLDER", folder))
        account = next(row.name for row in settings.accounts if row.official)
        waiting = list(posts(count))
        for at in range(0, count, STORED):
            with store.writing() as connection:
                store.posts.keep(connection, account, waiting[at : at + STORED], START, 30)
        timed = Timed(registry.load(model))
        timed.classify([Passage(text="Is the inset day still Monday?")])
        timed.seconds = 0.0
        reader = Reader(store, [timed], batch=settings.models.batch)
        done, said, began = 0, 0, time.perf_counter()
        while read := reader.classify(START):
            done += read
            if done - said >= STORED * 4:
                said = done
                rate = done / (time.perf_counter() - began)
                print(f"{done} of {count}, {rate:.0f} a second", file=sys.stderr, flush=True)
        took = time.perf_counter() - began
    return {
        "store": url.partition(":")[0],
        "model": f"{timed.name}@{timed.version}",
        "load": round(os.getloadavg()[0], 1),
        "posts": done,
        "posts_per_second": round(done / took),
        "model_seconds": round(timed.seconds, 1),
        "rest_seconds": round(took - timed.seconds, 1),
        "rest_milliseconds_a_post": round(1000 * (took - timed.seconds) / max(1, done), 3),
        "rest_share": round(1 - timed.seconds / took, 3),
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=20_000)
    parser.add_argument("--url", default="sqlite:///FOLDER/bench.db")
    parser.add_argument("--model", default="encoder")
    chosen = parser.parse_args()
    begin("error")
    print(json.dumps(measure(chosen.posts, chosen.url, chosen.model), indent=1))


if __name__ == "__main__":
    main()
