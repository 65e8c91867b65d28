"""How well verdicts agree with labelled posts: figures a label, over all, with intervals, and the worst errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.rows import LabelledPassage
from classifiers.verdict import LABELS, OperatingPoint, Verdict

Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]
SEVERE = ("threat", "self_harm", "sexual_content", "extremism")
WORST = 10
_BINS, _BINNED_FROM = 10, 0.05
_RESAMPLES, _SEED = 1000, 11
_DRAWN_AT_ONCE = 4_000_000  # counts held while rows are drawn again
_PERSON = [index for index, label in enumerate(LABELS) if label != "praise"]
_OF_POSITIVES = (
    "precision",
    "recall",
    "f1",
    "average_precision",
    "calibration_error",
    "brier",
    "brier_of_base_rate",
)
_NAME_KINDS = ("pupil_name", "adult_name")


@dataclass(frozen=True)
class Judged:
    """Verdicts beside the truth, all rows × labels: scores, what was raised, what was undecided, what is so."""

    scores: Numbers
    raised: Flags
    undecided: Flags
    targets: Flags


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A label on which a model was sure and wrong: it raised what is not so, or passed over what is."""

    row: int
    label: str
    score: float
    raised: bool


def judged(scores: Numbers, points: dict[str, OperatingPoint], targets: Numbers, unread: Flags) -> Judged:
    """Scores against the points; an unread row raises nothing."""
    high = np.array([points[label].raise_at for label in LABELS])
    low = np.array([points[label].review_at for label in LABELS])
    readable = ~unread[:, None]
    return Judged(scores, (scores >= high) & readable, (scores >= low) & (scores < high) & readable, targets > 0)


def judge_verdicts(verdicts: Sequence[Verdict], targets: Numbers) -> Judged:
    """A model's verdicts beside the truth."""
    scores = np.array([[verdict.scores.get(label, 0.0) for label in LABELS] for verdict in verdicts])
    raised = np.array([[label in verdict.labels for label in LABELS] for verdict in verdicts])
    undecided = np.array([[label in verdict.review for label in LABELS] for verdict in verdicts])
    return Judged(scores, raised, undecided, targets > 0)


def targets_of(rows: Sequence[LabelledPassage]) -> Numbers:
    """The truth of each row, rows × labels."""
    return np.array([[float(label in row.labels) for label in LABELS] for row in rows])


def not_read(verdicts: Sequence[Verdict]) -> Flags:
    """Which rows the model could say nothing of."""
    return np.array([not verdict.scores for verdict in verdicts])


def figures(rows: Judged) -> dict[str, Any]:
    """Per label precision, recall, F1, average precision and calibration; over all, macro-F1 and false alarms.

    What cannot be measured on these rows is ``None``, never 0; a label without a row counts for no mean.
    """
    labels = {label: _label_figures(rows, index) for index, label in enumerate(LABELS)}
    there = [figure for figure in labels.values() if figure["positives"]]
    seen = _any((rows.raised | rows.undecided)[:, _PERSON])
    needed = _any(rows.targets[:, _PERSON])
    harmless = ~_any(rows.targets)
    severe = [LABELS.index(label) for label in SEVERE]
    return {
        "rows": len(rows.targets),
        "harmless": int(harmless.sum()),
        "labels_with_rows": len(there),
        "macro_f1": _mean([figure["f1"] for figure in there]),
        "macro_average_precision": _mean([figure["average_precision"] for figure in there]),
        "recall_of_severe": _share(rows.raised[:, severe], rows.targets[:, severe]),
        "recall_of_severe_with_undecided": _share((rows.raised | rows.undecided)[:, severe], rows.targets[:, severe]),
        "recall_of_posts_that_need_a_person": _share(seen, needed),
        "false_alarms_per_1000_harmless": _in_1000(_any(rows.raised[:, _PERSON]), harmless),
        "false_alarms_per_1000_harmless_with_undecided": _in_1000(seen, harmless),
        "labels": labels,
    }


def _label_figures(rows: Judged, index: int) -> dict[str, Any]:
    raised, wanted, scores = rows.raised[:, index], rows.targets[:, index], rows.scores[:, index]
    alarms = {"alarms_per_1000_harmless": _in_1000(raised, ~_any(rows.targets))}
    if not wanted.any():
        return {"positives": 0, **dict.fromkeys(_OF_POSITIVES), **alarms}
    base = float(wanted.mean())
    return {
        "positives": int(wanted.sum()),
        **rates(int((raised & wanted).sum()), int(raised.sum()), int(wanted.sum())),
        "average_precision": average_precision(scores, wanted),
        "calibration_error": _calibration_error(scores, wanted),
        "brier": round(float(((scores - wanted) ** 2).mean()), 5),
        "brier_of_base_rate": round(base * (1 - base), 5),
        **alarms,
    }


def rates(hits: int, raised: int, wanted: int) -> dict[str, float | None]:
    """Precision, recall and F1 of so many hits; ``None`` where nothing was raised, or nothing was there to find."""
    return {
        "precision": round(hits / raised, 4) if raised else None,
        "recall": round(hits / wanted, 4) if wanted else None,
        "f1": round(2 * hits / (raised + wanted), 4) if raised + wanted else None,
    }


def written(value: float | None, form: str) -> str:
    """A figure as people read it: a dash where it could not be measured."""
    return "–" if value is None else format(value, form)


def _any(flags: Flags) -> Flags:
    return np.asarray(flags.any(axis=1))


def _share(part: Flags, whole: Flags) -> float | None:
    return round(float((part & whole).sum()) / int(whole.sum()), 4) if whole.any() else None


def _in_1000(part: Flags, whole: Flags) -> float | None:
    return round(1000 * float((part & whole).sum()) / int(whole.sum()), 1) if whole.any() else None


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None


def average_precision(scores: Numbers, wanted: Flags) -> float:
    """The mean precision at each hit, best scores first (0 where there is nothing to find)."""
    hits = wanted[np.argsort(-scores, kind="stable")]
    if not hits.any():
        return 0.0
    return round(float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean()), 4)


def precision_recall(scores: Numbers, wanted: Flags) -> list[tuple[float, float]]:
    """(recall, precision) as ever lower scores are taken, one point a distinct score; none without a hit."""
    total = int(wanted.sum())
    if not total:
        return []
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(wanted[order])
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    return [(float(hits[i] / total), float(hits[i] / (i + 1))) for i in last]


def calibration_bins(scores: Numbers, wanted: Flags) -> list[tuple[float, float, int]]:
    """(mean score, share that is so, rows) of ten bins of equal size, of posts scored 0.05 or more."""
    chosen = np.flatnonzero(scores >= _BINNED_FROM)
    if len(chosen) < _BINS:
        return []
    bins = np.array_split(chosen[np.argsort(scores[chosen], kind="stable")], _BINS)
    return [(float(scores[b].mean()), float(wanted[b].mean()), len(b)) for b in bins]


def _calibration_error(scores: Numbers, wanted: Flags) -> float | None:
    """Mean distance of score and truth over the bins; of fewer posts than bins there is none."""
    return _mean([abs(score - so) for score, so, _ in calibration_bins(scores, wanted)])


def intervals(rows: Judged) -> dict[str, Any]:
    """95 % intervals of macro-F1, each label's F1, both counts of false alarms and the recall of what needs a person.

    By the bootstrap: a thousand times as many rows are drawn again, with replacement. ``None`` where there is nothing
    to measure on.
    """
    counted = _counted(rows)
    chance = np.random.default_rng(_SEED)
    n = len(counted)
    drawn: list[NDArray[Any]] = []
    step = max(1, _DRAWN_AT_ONCE // max(n, 1))
    for begin in range(0, _RESAMPLES, step):
        weights = chance.multinomial(n, np.full(n, 1 / n), size=min(step, _RESAMPLES - begin))
        drawn.append(weights.astype(np.float32) @ counted)
    sums: Numbers = np.vstack(drawn).astype(np.float64)
    size = len(LABELS)
    hits, raised, wanted = sums[:, :size], sums[:, size : 2 * size], sums[:, 2 * size : 3 * size]
    f1 = 2 * hits / np.maximum(raised + wanted, 1)
    there = np.asarray(rows.targets.any(axis=0))
    harmless, alarms, both, needed, seen = sums[:, 3 * size :].T
    none_harmless, none_needed = not harmless.any(), not needed.any()
    return {
        "macro_f1": _interval(f1[:, there].mean(axis=1)) if there.any() else None,
        "false_alarms_per_1000_harmless": None if none_harmless else _shares(1000 * alarms, harmless, 1),
        "false_alarms_per_1000_harmless_with_undecided": None if none_harmless else _shares(1000 * both, harmless, 1),
        "recall_of_posts_that_need_a_person": None if none_needed else _shares(seen, needed),
        "f1": {label: _interval(f1[:, i]) if there[i] else None for i, label in enumerate(LABELS)},
    }


def _counted(rows: Judged) -> NDArray[np.float32]:
    """What each row adds: per label hit, raised and wanted; then harmless, both kinds of alarm, needed and seen."""
    harmless = ~_any(rows.targets)
    raised = _any(rows.raised[:, _PERSON])
    seen = _any((rows.raised | rows.undecided)[:, _PERSON])
    needed = _any(rows.targets[:, _PERSON])
    over_all = np.column_stack([harmless, harmless & raised, harmless & seen, needed, needed & seen])
    return np.hstack([rows.raised & rows.targets, rows.raised, rows.targets, over_all]).astype(np.float32)


def _shares(part: Numbers, whole: Numbers, digits: int = 4) -> list[float]:
    """The interval of a share; a draw without a row of the whole says nothing of it."""
    there = whole > 0
    return _interval(part[there] / whole[there], digits)


def _interval(values: Numbers, digits: int = 4) -> list[float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return [round(float(low), digits), round(float(high), digits)]


def worst(rows: Judged, unread: Flags, most: int = WORST) -> tuple[Mistake, ...]:
    """The rows on which the model was surest and wrong, one label a row; what it did not read or decide is none."""
    wrong_up = rows.raised & ~rows.targets
    wrong_down = rows.targets & ~rows.raised & ~rows.undecided & ~unread[:, None]
    surety = np.where(wrong_up, rows.scores, np.where(wrong_down, 1 - rows.scores, 0.0))
    labels = surety.argmax(axis=1)
    best = surety.max(axis=1) if len(surety) else np.zeros(0)
    order = np.argsort(-best, kind="stable")[:most]
    return tuple(
        Mistake(
            row=int(row),
            label=LABELS[labels[row]],
            score=float(rows.scores[row, labels[row]]),
            raised=bool(wrong_up[row, labels[row]]),
        )
        for row in order
        if best[row] > 0
    )


def span_figures(
    found: Sequence[set[tuple[int, int]]], wanted: Sequence[set[tuple[int, int]]]
) -> dict[str, float | None]:
    """Precision, recall and F1 of exact stretches, over all rows."""
    hits = sum(len(f & w) for f, w in zip(found, wanted, strict=True))
    return rates(hits, sum(map(len, found)), sum(map(len, wanted)))


def name_figures(rows: Sequence[LabelledPassage], verdicts: Sequence[Verdict]) -> dict[str, dict[str, float | None]]:
    """Span figures of pupils' and adults' names, over the rows in which somebody marked them and the model read."""
    said: dict[str, dict[str, float | None]] = {}
    for kind in _NAME_KINDS:
        marked = [(row.pupils if kind == "pupil_name" else row.adults) for row in rows]
        pairs = [(m, v) for m, v in zip(marked, verdicts, strict=True) if m is not None]
        if not any(truth for truth, _ in pairs):
            continue
        found = [{(s.start, s.end) for s in verdict.spans if s.kind == kind} for _, verdict in pairs]
        said[kind] = {
            "rows": len(pairs),
            "names": sum(len(truth) for truth, _ in pairs),
            **span_figures(found, [set(truth) for truth, _ in pairs]),
        }
    return said


def table(said: dict[str, Any]) -> str:
    """The figures as lines of text."""
    head = f"{'label':<18}{'n':>6}{'P':>7}{'R':>7}{'F1':>7}{'AP':>7}{'cal':>7}{'alarms':>8}"
    lines = [head] + [
        f"{label:<18}{row['positives']:>6}{written(row['precision'], '.2f'):>7}{written(row['recall'], '.2f'):>7}"
        f"{written(row['f1'], '.2f'):>7}{written(row['average_precision'], '.2f'):>7}"
        f"{written(row['calibration_error'], '.3f'):>7}{written(row['alarms_per_1000_harmless'], ''):>8}"
        for label, row in said["labels"].items()
    ]
    lines += [f"{name}: {value}" for name, value in said.items() if name != "labels"]
    return "\n".join(lines)
