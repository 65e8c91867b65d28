"""``python -m classifiers.training.benchmark FOLDER``: the recipe on public tasks, beside a linear baseline.

Learns from a set's training split and is judged on its official validation split; nothing of it is shipped. Prints
one JSON object and, while it works, its progress.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline

from classifiers.encoder import TokenReader
from classifiers.measure import span_figures
from classifiers.training.auxiliary import TaskExample, classes_said, persons_said, task_of, train_tasks
from classifiers.training.network import backbone_folder
from classifiers.training.public import NAME_SETS, SETS, PublicRow, PublicSet, rows_of

_EPOCHS, _SEED, _RESAMPLED = 3, 11, 1000
LABELLED = ("tweeteval_offensive", "tweeteval_hate")
NAMED = ("broad_twitter_ner", "wnut17")
Interval = tuple[float, float]


def say(message: str) -> None:
    """One line of progress, beside the result."""
    print(f"{time.strftime('%H:%M:%S')} {message}", file=sys.stderr, flush=True)


def macro_f1(said: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """The mean over the classes of the harmonic mean of precision and recall."""
    scores = []
    for kind in np.unique(truth):
        hits = int(((said == kind) & (truth == kind)).sum())
        scores.append(2 * hits / max(int((said == kind).sum() + (truth == kind).sum()), 1))
    return float(np.mean(scores))


def interval(said: NDArray[np.int64], truth: NDArray[np.int64]) -> Interval:
    """The middle 95 % of macro-F1 over rows drawn again with replacement."""
    chance = np.random.default_rng(_SEED)
    drawn = [chance.integers(0, len(truth), len(truth)) for _ in range(_RESAMPLED)]
    low, high = np.quantile([macro_f1(said[rows], truth[rows]) for rows in drawn], [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)


def labelled(folder: Path, chosen: PublicSet, reader: TokenReader, epochs: int) -> dict[str, object]:
    """Macro-F1 of the recipe and of n-grams with logistic regression on the set's validation split."""
    learned, judged = rows_of(folder, chosen), rows_of(folder, chosen, held_out=True)
    truth = np.array([row.target for row in judged])
    task = task_of(chosen, learned, reader)
    network, heads = train_tasks([task], epochs=epochs, seed=_SEED, say=say)
    said = classes_said(network, heads[chosen.name], task_of(chosen, judged, reader).made)
    linear = _linear().fit([row.text for row in learned], [row.target for row in learned])
    plain = np.array(linear.predict([row.text for row in judged]))
    return {
        "rows": len(learned),
        "judged": len(judged),
        "macro_f1": round(macro_f1(said, truth), 4),
        "interval": interval(said, truth),
        "linear_macro_f1": round(macro_f1(plain, truth), 4),
        "linear_interval": interval(plain, truth),
    }


def _linear() -> Pipeline:
    words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True)
    parts = FeatureUnion([("words", words), ("characters", characters)])
    return make_pipeline(parts, LogisticRegression(C=4.0, class_weight="balanced", solver="liblinear"))


def named(folder: Path, chosen: PublicSet, reader: TokenReader, epochs: int) -> dict[str, object]:
    """F1 of persons' names, exact stretches, of the recipe and of a linear model of each word and its neighbours."""
    learned, judged = rows_of(folder, chosen), rows_of(folder, chosen, held_out=True)
    network, _ = train_tasks([task_of(chosen, learned, reader)], epochs=epochs, seed=_SEED, say=say)
    wanted = [set(row.persons or ()) for row in judged]
    found = [
        persons_said(network, row, example.tokens) if example else set()
        for row, example in _read(chosen, judged, reader)
    ]
    linear = make_pipeline(DictVectorizer(), LogisticRegression(C=4.0, max_iter=400))
    seen = [(features, person) for row in learned for features, person, _ in _words(row)]
    linear.fit([features for features, _ in seen], [person for _, person in seen])
    plain = [_joined(row, linear.predict([f for f, _, _ in _words(row)])) for row in judged]
    return {
        "rows": len(learned),
        "judged": len(judged),
        "person": span_figures(found, wanted),
        "linear_person": span_figures(plain, wanted),
    }


def _read(
    chosen: PublicSet, rows: Sequence[PublicRow], reader: TokenReader
) -> list[tuple[PublicRow, TaskExample | None]]:
    """Each row with its tokens; a row that holds nothing to read has none, and names nobody."""
    return [(row, next(iter(task_of(chosen, [row], reader).made), None)) for row in rows]


def _words(row: PublicRow) -> list[tuple[dict[str, object], bool, tuple[int, int]]]:
    """Each word of a row: its features, whether it names a person, and where it lies."""
    words, places = row.text.split(" "), 0
    made = []
    for index, word in enumerate(words):
        start, end = places, places + len(word)
        places = end + 1
        before = words[index - 1] if index else "<"
        after = words[index + 1] if index + 1 < len(words) else ">"
        features: dict[str, object] = {
            "word": word.lower(), "before": before.lower(), "after": after.lower(), "head": word[:3].lower(),
            "tail": word[-3:].lower(), "title": word.istitle(), "upper": word.isupper(), "first": index == 0,
            "title before": before.istitle(), "title after": after.istitle(), "at": word.startswith("@"),
        }  # fmt: skip
        person = any(a <= start and end <= b for a, b in row.persons or ())
        made.append((features, person, (start, end)))
    return made


def _joined(row: PublicRow, persons: Sequence[bool]) -> set[tuple[int, int]]:
    """Neighbouring words that the linear model takes for a person, as one stretch; handles left out."""
    found: list[tuple[int, int]] = []
    for (_, _, (start, end)), person in zip(_words(row), persons, strict=True):
        if not person or (start, end) in row.masked:
            continue
        if found and found[-1][1] == start - 1:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return set(found)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run every task whose file is there and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the public sets lie, as NAME.jsonl.gz")
    parser.add_argument("--epochs", type=int, default=_EPOCHS)
    parser.add_argument("--only", nargs="*", default=[*LABELLED, *NAMED])
    chosen = parser.parse_args(arguments)
    reader = TokenReader(backbone_folder() / "tokenizer.json")
    said: dict[str, object] = {}
    for entry in (*SETS, *NAME_SETS):
        if entry.name in chosen.only:
            say(entry.name)
            measure = named if entry in NAME_SETS else labelled
            said[entry.name] = measure(chosen.folder, entry, reader, chosen.epochs)
            say(json.dumps(said[entry.name]))
    print(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
