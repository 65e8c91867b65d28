"""``python -m classifiers.training.evaluate FILE …``: how well a model's verdicts agree with labelled posts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.verdict import LABELS, OperatingPoint, Verdict

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
_BINS, _BINNED_FROM = 10, 0.05
_BATCH = 64


@dataclass(frozen=True)
class Judged:
    """Verdicts beside the truth, all rows × labels: scores, what was raised, what was undecided, what is so."""

    scores: Numbers
    raised: Flags
    undecided: Flags
    targets: Flags


def judged(scores: Numbers, points: dict[str, OperatingPoint], targets: Numbers, unread: Flags) -> Judged:
    """Scores against the points; an unread row raises nothing."""
    high = np.array([points[label].raise_at for label in LABELS])
    low = np.array([points[label].review_at for label in LABELS])
    readable = ~unread[:, None]
    return Judged(scores, (scores >= high) & readable, (scores >= low) & (scores < high) & readable, targets > 0)


def figures(rows: Judged) -> dict[str, Any]:
    """Per label precision, recall, F1, average precision and calibration error; over all, macro-F1 and alarms."""
    labels = {label: _label_figures(rows, index) for index, label in enumerate(LABELS)}
    person = [index for index, label in enumerate(LABELS) if label != "praise"]
    seen = _any((rows.raised | rows.undecided)[:, person])
    needed = _any(rows.targets[:, person])
    harmless = ~_any(rows.targets)
    severe = [LABELS.index(label) for label in ("threat", "self_harm", "sexual_content", "extremism")]
    return {
        "rows": len(rows.targets),
        "harmless": int(harmless.sum()),
        "macro_f1": _mean([figure["f1"] for figure in labels.values()]),
        "macro_average_precision": _mean([figure["average_precision"] for figure in labels.values()]),
        "recall_of_severe": _share(rows.raised[:, severe], rows.targets[:, severe]),
        "recall_of_severe_with_undecided": _share((rows.raised | rows.undecided)[:, severe], rows.targets[:, severe]),
        "recall_of_posts_that_need_a_person": _share(seen, needed),
        "false_alarms_per_1000_harmless": round(1000 * _share(_any(rows.raised[:, person]), harmless), 1),
        "false_alarms_per_1000_harmless_with_undecided": round(1000 * _share(seen, harmless), 1),
        "labels": labels,
    }


def _label_figures(rows: Judged, index: int) -> dict[str, float]:
    raised, wanted, scores = rows.raised[:, index], rows.targets[:, index], rows.scores[:, index]
    precision, recall = _share(wanted, raised), _share(raised, wanted)
    return {
        "positives": int(wanted.sum()),
        "precision": precision,
        "recall": recall,
        "f1": round(2 * precision * recall / max(precision + recall, 1e-9), 4),
        "average_precision": average_precision(scores, wanted),
        "calibration_error": _calibration_error(scores, wanted),
        "alarms_per_1000_harmless": round(1000 * _share(raised, ~_any(rows.targets)), 1),
    }


def _any(flags: Flags) -> Flags:
    return np.asarray(flags.any(axis=1))


def _share(part: Flags, whole: Flags) -> float:
    return round(float((part & whole).sum()) / max(int(whole.sum()), 1), 4)


def _mean(values: Sequence[float]) -> float:
    return round(float(np.mean(values)), 4)


def average_precision(scores: Numbers, wanted: Flags) -> float:
    """The mean precision at each hit, best scores first (0 where there is nothing to find)."""
    hits = wanted[np.argsort(-scores, kind="stable")]
    if not hits.any():
        return 0.0
    return round(float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean()), 4)


def _calibration_error(scores: Numbers, wanted: Flags) -> float:
    """Mean distance of score and truth over ten bins of equal size, of posts scored 0.05 or more."""
    chosen = np.flatnonzero(scores >= _BINNED_FROM)
    if len(chosen) < _BINS:
        return 0.0
    bins = np.array_split(chosen[np.argsort(scores[chosen])], _BINS)
    return _mean([abs(float(scores[b].mean() - wanted[b].mean())) for b in bins])


def span_figures(found: Sequence[set[tuple[int, int]]], wanted: Sequence[set[tuple[int, int]]]) -> dict[str, float]:
    """Precision, recall and F1 of exact stretches, over all rows."""
    hits = sum(len(f & w) for f, w in zip(found, wanted, strict=True))
    precision = hits / max(sum(map(len, found)), 1)
    recall = hits / max(sum(map(len, wanted)), 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {"precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def table(said: dict[str, Any]) -> str:
    """The figures as lines of text."""
    head = f"{'label':<18}{'n':>6}{'P':>7}{'R':>7}{'F1':>7}{'AP':>7}{'cal':>7}{'alarms':>8}"
    lines = [head] + [
        f"{label:<18}{row['positives']:>6}{row['precision']:>7.2f}{row['recall']:>7.2f}{row['f1']:>7.2f}"
        f"{row['average_precision']:>7.2f}{row['calibration_error']:>7.3f}{row['alarms_per_1000_harmless']:>8}"
        for label, row in said["labels"].items()
    ]
    lines += [f"{name}: {value}" for name, value in said.items() if name != "labels"]
    return "\n".join(lines)


def judge_verdicts(verdicts: Sequence[Verdict], targets: Numbers) -> Judged:
    """A model's verdicts beside the truth."""
    scores = np.array([[verdict.scores.get(label, 0.0) for label in LABELS] for verdict in verdicts])
    raised = np.array([[label in verdict.labels for label in LABELS] for verdict in verdicts])
    undecided = np.array([[label in verdict.review for label in LABELS] for verdict in verdicts])
    return Judged(scores, raised, undecided, targets > 0)


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
