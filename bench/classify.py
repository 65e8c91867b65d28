"""How fast the shipped model reads, against a transformers pipeline and the machine's own limit, all in one run.

    python bench/classify.py [--posts 2000] [--model FOLDER] [--others 64]

Posts come in arrival order from ``data/schoolposts``; prints one JSON object. The contenders take turns in short
bursts, so that what else the machine does troubles all alike, and each figure is the median of its bursts.

The pipeline on a RoBERTa-base shape (random weights, made on the spot: speed does not depend on them) needs
transformers and torch, and reads every so many posts (``--others`` in all); without them its rows say so. ``limit`` is
what two threads reach in the best product of eight-bit matrices at the encoder's shapes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from matrices import best_product  # noqa: E402

from classifiers.batch import filled  # noqa: E402
from classifiers.encoder import _REMEMBERED, SHIPPED, EncoderClassifier, _job  # noqa: E402
from classifiers.training.data import read_rows  # noqa: E402
from classifiers.verdict import Passage  # noqa: E402

DATA = ROOT / "data" / "schoolposts"
FIRST = (
    "from classifiers.encoder import EncoderClassifier as E; from classifiers.verdict import Passage as P;"
    "E({folder!r}).classify([P(text='Is the inset day still Monday?')])"
)
LINE = json.dumps({"id": 1, "text": "Is the inset day still Monday?"}) + "\n"
CALL = 256  # posts in one call, as the service makes it
THREADS = 2
OPERATIONS = 2 * 6 * (384 * 1152 + 384 * 384 + 2 * 384 * 1536)  # of the encoder's products, for one token


def passages(count: int) -> list[Passage]:
    """The first ``count`` posts, begun again where there are fewer."""
    return list(islice(cycle([row.passage for row in read_rows(DATA)]), count))


def seconds(do: Callable[[], object]) -> float:
    """How long it takes."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def start_seconds(command: Sequence[str], given: str | None = None, times: int = 5) -> float:
    """From process start to its end with the first verdict, the best of several."""

    def once() -> None:
        subprocess.run(command, check=True, cwd=ROOT, input=given, text=True, capture_output=True)

    return min(seconds(once) for _ in range(times))


def pipeline() -> tuple[Callable[[Sequence[str], int], object] | None, str]:
    """A transformers pipeline on a RoBERTa-base shape with random weights, or why there is none."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import torch
        import transformers
        from tokenizers import Tokenizer
    except ImportError as error:
        return None, f"not measured: {error}; run this where transformers and torch are installed"
    torch.set_num_threads(THREADS)
    words = transformers.PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_file(str(SHIPPED / "tokenizer.json")), pad_token="[PAD]", model_max_length=512
    )
    shape = transformers.RobertaConfig(
        vocab_size=50_265, num_labels=12, max_position_embeddings=514, pad_token_id=0, type_vocab_size=2
    )
    model = transformers.RobertaForSequenceClassification(shape).eval()
    ready = transformers.pipeline("text-classification", model=model, tokenizer=words, top_k=None, device="cpu")

    def read(texts: Sequence[str], size: int) -> object:
        with torch.inference_mode():
            return (
                [ready(text, truncation=True) for text in texts]
                if size == 1
                else ready(list(texts), batch_size=size, truncation=True)
            )

    read(["warm up"] * 4, 1)
    return read, f"torch {torch.__version__}, transformers {transformers.__version__}"


def agreement(model: EncoderClassifier, posts: Sequence[Passage]) -> dict[str, float]:
    """The largest difference of a score, and how many posts' labels differ, between alone and in odd company."""
    generator = np.random.default_rng(1)
    order = [int(place) for place in generator.permutation(len(posts))]
    together: dict[int, Any] = {}
    while order:
        some = [order.pop() for _ in range(min(len(order), int(generator.integers(2, 65))))]
        together |= dict(zip(some, model.classify([posts[place] for place in some]), strict=True))
    worst, changed = 0.0, 0
    for place, post in enumerate(posts):
        alone, said = model.classify([post])[0], together[place]
        worst = max([worst, *(abs(alone.scores[label] - said.scores[label]) for label in alone.scores)])
        changed += (alone.labels, alone.review) != (said.labels, said.review)
    return {"posts": len(posts), "largest_difference_of_a_score": worst, "posts_with_other_labels": changed}


def tokens_of(model: EncoderClassifier, posts: Sequence[Passage]) -> int:
    """The tokens that the encoder reads of the posts, closer looks at long ones counted, filling not."""
    jobs = [_job(post, model._reader.read(post)) for post in posts]
    return sum(len(window.ids) for job in jobs for window in job.windows if filled(window))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=2000)
    parser.add_argument("--model", type=Path, default=SHIPPED)
    parser.add_argument("--others", type=int, default=64, help="posts that the pipeline reads each way")
    chosen = parser.parse_args()
    posts = passages(chosen.posts)
    folder = chosen.model.resolve()
    starts = {
        "classifiers": start_seconds([sys.executable, "-c", FIRST.format(folder=str(folder))]),
        "watcher_classify": start_seconds([sys.executable, "-m", "watcher", "classify"], LINE),
    }
    model = EncoderClassifier(folder, remember=0)
    for begin in range(0, len(posts), CALL):
        model.classify(posts[begin : begin + CALL])
    memory = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    cached = EncoderClassifier(folder, remember=_REMEMBERED)
    other, about = pipeline()
    product = best_product(THREADS)
    rates: dict[str, list[float]] = {}

    def burst(name: str, count: int, do: Callable[[], object]) -> None:
        rates.setdefault(name, []).append(count / seconds(do))

    alone: list[float] = []
    bursts = [posts[begin : begin + CALL] for begin in range(0, len(posts), CALL)]
    step = max(1, len(posts) // chosen.others)
    sampled = [posts[begin : begin + CALL : step] for begin in range(0, len(posts), CALL)]
    for some, few in zip(bursts, sampled, strict=True):
        burst("called_by_the_service", len(some), lambda: model.classify(some))  # noqa: B023 - called at once
        burst("with_memory_of_texts", len(some), lambda: cached.classify(some))  # noqa: B023
        alone += [seconds(lambda: model.classify([post])) for post in some[::4]]  # noqa: B023
        rates.setdefault("limit_gop", []).append(product())
        if other is not None:
            texts = [post.text for post in few if post.text.strip()]
            burst("pipeline_one_at_a_time", len(texts), lambda: other(texts, 1))  # noqa: B023
            burst("pipeline_batches_of_32", len(texts), lambda: other(texts, 32))  # noqa: B023
    print(json.dumps(report(model, posts, rates, alone, starts, memory, about, folder), indent=1))


def report(
    model: EncoderClassifier,
    posts: Sequence[Passage],
    rates: dict[str, list[float]],
    alone: list[float],
    starts: dict[str, float],
    memory: int,
    about: str,
    folder: Path,
) -> dict[str, Any]:
    """All figures; memory is the peak of reading alone, before the other contenders were loaded."""
    middle = {name: statistics.median(found) for name, found in rates.items()}
    operations = OPERATIONS * tokens_of(model, posts) / len(posts)
    ours, other = middle["called_by_the_service"], middle.get("pipeline_one_at_a_time")
    single = len(alone) / sum(alone)
    keys = {(post.text, post.reply_to, post.official, post.has_image) for post in posts}
    return {
        "model": f"{model.name}@{model.version}",
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "threads": THREADS,
        "posts": len(posts),
        "posts_sent_before": len(posts) - len(keys),
        "posts_per_second": {
            f"calls_of_{CALL}": round(ours),
            f"calls_of_{CALL}_with_memory_of_texts": round(middle["with_memory_of_texts"]),
            "one_at_a_time": round(single),
        },
        "milliseconds_a_post_alone": {f"p{p}": round(1000 * float(np.percentile(alone, p)), 2) for p in (50, 95, 99)},
        "roberta_base_pipeline": {
            "with": about,
            "one_at_a_time": round(other, 1) if other else None,
            "batches_of_32": round(middle["pipeline_batches_of_32"], 1) if other else None,
        },
        "times_the_pipeline_one_at_a_time": {
            f"calls_of_{CALL}": round(ours / other, 1) if other else None,
            "one_at_a_time": round(single / other, 1) if other else None,
        },
        "int8_limit": {
            "gop_per_second": round(middle["limit_gop"]),
            "gop_a_post": round(operations / 1e9, 3),
            "share_reached": round(ours * operations / 1e9 / middle["limit_gop"], 3),
        },
        "start_to_first_verdict_seconds": {name: round(value, 2) for name, value in starts.items()},
        "peak_memory_mb": memory,
        "model_mb": round(sum(path.stat().st_size for path in folder.iterdir()) / 1e6, 1),
        "alone_against_any_batch": agreement(model, posts[:: max(1, len(posts) // 300)]),
    }


if __name__ == "__main__":
    main()
