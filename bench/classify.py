"""How fast the shipped model reads: ``python bench/classify.py [--posts 2000]``; prints one JSON object.

Posts come in arrival order from ``data/schoolposts``; nothing is sorted or read twice. Each figure says what it
counts; ratios against other models need the same run on the same machine and are a later matter.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from classifiers.encoder import SHIPPED, EncoderClassifier
from classifiers.training.data import read_rows
from classifiers.verdict import Passage

DATA = Path(__file__).parents[1] / "data" / "schoolposts"
FIRST = (
    "from classifiers.encoder import EncoderClassifier as E; from classifiers.verdict import Passage as P;"
    "E().classify([P(text='Is the inset day still Monday?')])"
)
BATCH = 16


def passages(count: int) -> list[Passage]:
    """The first ``count`` posts, begun again where there are fewer."""
    return list(islice(cycle([row.passage for row in read_rows(DATA)]), count))


def start_seconds(times: int = 5) -> float:
    """From process start to the first verdict, the best of several."""
    found = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", FIRST], check=True, cwd=Path(__file__).parents[1])
        found.append(time.perf_counter() - began)
    return min(found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=2000)
    chosen = parser.parse_args()
    posts = passages(chosen.posts)
    model = EncoderClassifier()
    model.classify(posts[:BATCH])
    began = time.perf_counter()
    for begin in range(0, len(posts), BATCH):
        model.classify(posts[begin : begin + BATCH])
    batched = time.perf_counter() - began
    alone = []
    for post in posts:
        began = time.perf_counter()
        model.classify([post])
        alone.append(time.perf_counter() - began)
    said = {
        "model": f"{model.name}@{model.version}",
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "posts": len(posts),
        "posts_per_second_in_batches_of_16_two_threads": round(len(posts) / batched),
        "posts_per_second_one_at_a_time": round(len(posts) / sum(alone)),
        "milliseconds_a_post": {f"p{p}": round(1000 * float(np.percentile(alone, p)), 2) for p in (50, 95, 99)},
        "start_to_first_verdict_seconds": round(start_seconds(), 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "model_mb": round(sum(path.stat().st_size for path in SHIPPED.iterdir()) / 1e6, 1),
    }
    print(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
