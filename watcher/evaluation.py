"""Measures a classifier on labelled posts: figures for a terminal, for a program, and what the plot is drawn from."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerts.wording import counted
from classifiers import measure, registry
from classifiers.classifier import Classifier
from classifiers.measure import written
from classifiers.rows import LabelledPassage, read_labelled
from classifiers.sentence import likelihood
from classifiers.verdict import LABELS, Passage, Verdict
from watcher.config import Settings
from watcher.errors import WatcherError
from watcher.versions import ENCODER, load, taught_here

OWN_ROWS = Path(__file__).parents[1] / "data" / "schoolposts"
_BATCH = 32
_TELL_EVERY_S = 5.0
_TEXT_SHOWN = 160


@dataclass(frozen=True, kw_only=True)
class Curves:
    """What the plot shows of one label: (recall, precision) pairs, where the model stands, and calibration bins."""

    precision_recall: tuple[tuple[float, float], ...]
    calibration: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """The report (plain values, as they are written as JSON) and each label's curves."""

    report: dict[str, Any]
    curves: dict[str, Curves]


def evaluate(
    rows: Sequence[LabelledPassage], classifier: Classifier, *, file: str, note: Callable[[str], None]
) -> Evaluation:
    """Have a classifier read labelled rows and measure it; ``note`` hears of the progress where it takes long.

    Raises:
        ClassifierError: the model broke on a row.
    """
    verdicts = read([row.passage for row in rows], classifier, note)
    judged = measure.judge_verdicts(verdicts, measure.targets_of(rows))
    figures = measure.figures(judged)
    report = {
        "file": file,
        "model": f"{classifier.name}@{classifier.version}",
        "unread": _unread(verdicts),
        "learned_from": learned_from(rows),
        **{key: value for key, value in figures.items() if key != "labels"},
        "intervals_95": measure.intervals(judged),
        "labels": figures["labels"],
        "names": measure.name_figures(rows, verdicts),
        "worst_errors": [
            _mistake(m, rows[m.row], verdicts[m.row]) for m in measure.worst(judged, measure.not_read(verdicts))
        ],
    }
    curves = {
        label: Curves(
            precision_recall=tuple(measure.precision_recall(judged.scores[:, i], judged.targets[:, i])),
            calibration=tuple(measure.calibration_bins(judged.scores[:, i], judged.targets[:, i])),
        )
        for i, label in enumerate(LABELS)
    }
    return Evaluation(report=report, curves=curves)


def read(passages: Sequence[Passage], classifier: Classifier, note: Callable[[str], None]) -> list[Verdict]:
    """The verdict on each passage, in order; ``note`` hears of the progress where it takes long."""
    verdicts: list[Verdict] = []
    began = told = time.monotonic()
    for begin in range(0, len(passages), _BATCH):
        verdicts += classifier.classify(passages[begin : begin + _BATCH])
        now = time.monotonic()
        if now - told >= _TELL_EVERY_S:
            told = now
            speed = len(verdicts) / (now - began)
            left = round((len(passages) - len(verdicts)) / speed)
            done = f"{len(verdicts):,} of {counted(len(passages), 'post')} read"
            note(f"{done}, {speed:.0f} a second, about {left} s to go")
    return verdicts


def _unread(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """How many posts could not be read, by reason; each counts as raised by nobody."""
    reasons = [verdict.unread for verdict in verdicts if verdict.unread and not verdict.scores]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def _mistake(mistake: measure.Mistake, row: LabelledPassage, verdict: Verdict) -> dict[str, Any]:
    return {
        "line": row.line,
        "id": row.id,
        "text": row.passage.text,
        "reply_to": row.passage.reply_to,
        "truth": list(row.labels),
        "said": list(verdict.labels),
        "undecided": list(verdict.review),
        "label": mistake.label,
        "error": "raised wrongly" if mistake.raised else "missed",
        "score": round(mistake.score, 4),
        "score_means": likelihood(mistake.label, mistake.score),
    }


def lines(report: dict[str, Any]) -> Iterator[str]:
    """The report for a terminal."""
    unread = sum(report["unread"].values())
    posts = counted(report["rows"], "post")
    yield f"{report['model']} on {report['file']}: {posts}, {report['harmless']:,} harmless"
    if report["learned_from"]:
        yield (
            f"{counted(report['learned_from'], 'of these posts stands', 'of these posts stand')} among those that the "
            "shipped model learned from: "
            "of it, these figures flatter; its model card has others"
        )
    if unread:
        reasons = ", ".join(f"{n} {reason}" for reason, n in report["unread"].items())
        yield f"not read, counted as missed: {unread} ({reasons})"
    yield ""
    yield from _label_lines(report)
    yield ""
    yield from _overall(report)
    for kind, said in report["names"].items():
        yield (
            f"{kind:<44} P {written(said['precision'], '.2f')}  R {written(said['recall'], '.2f')}"
            f"  F1 {written(said['f1'], '.2f')}   ({counted(said['names'], 'name')} in {counted(said['rows'], 'post')})"
        )
    yield ""
    yield from _worst_lines(report["worst_errors"])


def _label_lines(report: dict[str, Any]) -> Iterator[str]:
    head = (
        "label",
        "posts",
        "precision",
        "recall",
        "F1",
        "95 % of F1",
        "AP",
        "calib.",
        "Brier",
        "base",
        "alarms/1,000",
    )
    widths = (18, 6, 10, 8, 6, 12, 6, 8, 8, 8, 13)
    yield "".join(
        name.ljust(w) if not i else name.rjust(w) for i, (name, w) in enumerate(zip(head, widths, strict=True))
    )
    for label, row in report["labels"].items():
        between = report["intervals_95"]["f1"][label]
        cells = [
            label,
            f"{row['positives']:,}",
            written(row["precision"], ".2f"),
            written(row["recall"], ".2f"),
            written(row["f1"], ".2f"),
            f"{between[0]:.2f}–{between[1]:.2f}" if between else "–",
            written(row["average_precision"], ".2f"),
            written(row["calibration_error"], ".3f"),
            written(row["brier"], ".3f"),
            written(row["brier_of_base_rate"], ".3f"),
            written(row["alarms_per_1000_harmless"], ".1f"),
        ]
        yield "".join(c.ljust(w) if not i else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True)))


def _overall(report: dict[str, Any]) -> Iterator[str]:
    between = report["intervals_95"]
    alarms = "false_alarms_per_1000_harmless"
    shown = (
        (f"macro-F1 over {counted(report['labels_with_rows'], 'label')}", "macro_f1", ".3f"),
        ("macro average precision", "macro_average_precision", ".3f"),
        ("recall of threat, self-harm, sexual, extremism", "recall_of_severe", ".3f"),
        ("  the undecided counted as raised", "recall_of_severe_with_undecided", ".3f"),
        ("recall of posts that need a person", "recall_of_posts_that_need_a_person", ".3f"),
        ("false alarms per 1,000 harmless posts", alarms, ".1f"),
        ("  the undecided counted as raised", f"{alarms}_with_undecided", ".1f"),
    )
    for name, key, form in shown:
        said = f"{name:<48}{written(report[key], form)}"
        if between.get(key):
            said += f"   (95 %: {format(between[key][0], form)} to {format(between[key][1], form)})"
        yield said


def _worst_lines(errors: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield "worst errors, the surest first" if errors else "no errors"
    for number, error in enumerate(errors, 1):
        truth = ", ".join(error["truth"]) or "harmless"
        said = ", ".join(error["said"]) or "nothing"
        yield f"{number:>2}. {error['label']} {error['error']}, score {error['score']:.3f} (line {error['line']})"
        text = " ".join(error["text"].split())
        yield f"    {text if len(text) <= _TEXT_SHOWN else text[: _TEXT_SHOWN - 1] + '…'}"
        yield f"    truth: {truth}; said: {said}"


def measure_file(
    file: Path, settings: Settings | None, name: str | None, note: Callable[[str], None]
) -> tuple[Evaluation, str]:
    """Measure a classifier of the settings (by default their first; without settings the shipped one) on a file.

    The classifier's name comes back too. A version that was taught here goes by its own name.

    Raises:
        RowError: the file cannot be measured on.
        ModelNotFoundError: there is no such classifier, or its files are missing or broken.
        ConfigError: its options are none of the model's.
        OSError: the file cannot be read.
    """
    rows = read_labelled(file)
    chosen = name or (settings.models.classifiers[0] if settings else ENCODER)
    return evaluate(rows, _open(chosen, settings), file=file.name, note=note), chosen


def _open(name: str, settings: Settings | None) -> Classifier:
    options = dict(settings.models.options.get(name, {})) if settings else {}
    taught = {v.name: v for v in taught_here(settings)} if settings and name not in registry.known() else {}
    if name in taught:
        options = {**settings.models.options.get(ENCODER, {}), "path": str(taught[name].folder)} if settings else {}
        name = ENCODER
    return load(name, options)


def check_places(file: Path, *places: Path) -> None:
    """Refuse, before anything is measured, places where the report cannot or must not go.

    Raises:
        WatcherError: a place is the labelled file itself or given twice, or its folder does not exist.
    """
    taken = {file.resolve()}
    for place in places:
        if place.resolve() in taken:
            raise WatcherError(f"{place}: give each result a name of its own, other than that of the labelled file")
        if not place.resolve().parent.is_dir():
            raise WatcherError(f"{place}: there is no folder {place.parent}; make it first")
        taken.add(place.resolve())


def learned_from(rows: Sequence[LabelledPassage]) -> int:
    """How many rows stand, word for word, among those that the shipped model learned from (none outside a clone)."""
    texts = {line["text"] for path in OWN_ROWS.glob("*.jsonl") for line in _raw(path)}
    return sum(row.passage.text in texts for row in rows)


def _raw(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def keep(evaluation: Evaluation, json_file: Path, plot_file: Path) -> None:
    """Write the report as JSON and as a plot, each whole or not at all.

    Raises:
        OSError: a file cannot be written.
    """
    from watcher.plot import draw

    for path, text in (
        (json_file, json.dumps(evaluation.report, indent=1, ensure_ascii=True) + "\n"),
        (plot_file, draw(evaluation)),
    ):
        part = path.with_name(f".{path.name}.part")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
