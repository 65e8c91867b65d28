"""Two versions of a model beside each other on the same rows, of which neither has learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerts.wording import counted
from classifiers.classifier import Classifier
from classifiers.measure import rates
from classifiers.rows import RowError, read_labelled
from classifiers.verdict import LABELS, Passage, Verdict
from watcher.errors import TrainingError
from watcher.evaluation import read

# Praise troubles nobody: it is no alarm.
_QUIET = frozenset({"praise"})


@dataclass(frozen=True, kw_only=True)
class Row:
    """A post with what is known of its labels; ``name`` is where a person finds it, never its text."""

    name: str
    passage: Passage
    labels: Mapping[str, bool]

    @property
    def is_harmless(self) -> bool:
        """Whether it is known of every label that it does not hold."""
        return len(self.labels) == len(LABELS) and not any(self.labels.values())


@dataclass(frozen=True, kw_only=True)
class Change:
    """A row of which the two versions raise different labels; ``gain`` is how many more the new one has right."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    gain: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The figures of both versions on the same rows, and the rows on which they differ, the losses first."""

    rows: int
    old: Mapping[str, Any]
    new: Mapping[str, Any]
    changes: tuple[Change, ...]

    def as_dict(self) -> dict[str, Any]:
        """Figures alone, for a card: no row is named in it."""
        counts = {"better": sum(c.gain > 0 for c in self.changes), "worse": sum(c.gain < 0 for c in self.changes)}
        return {"rows": self.rows, "old": dict(self.old), "new": dict(self.new), "changed": len(self.changes), **counts}


def read_rows(path: Path) -> list[Row]:
    """The labelled posts of a file, as `watcher evaluate` reads them, each with all of its labels known.

    Raises:
        TrainingError: the file cannot be read, or a line is no labelled post.
    """
    try:
        found = read_labelled(path)
    except OSError as error:
        raise TrainingError(f"{path}: {error.strerror or error}; name another file with --held-out") from error
    except RowError as error:
        raise TrainingError(f"{error}\nmend it, or name another file with --held-out") from error
    return [
        Row(
            name=f"{path.name} {row.id}",
            passage=row.passage,
            labels={label: label in row.labels for label in LABELS},
        )
        for row in found
    ]


def compare(old: Classifier, new: Classifier, rows: Sequence[Row], say: Callable[[str], None]) -> Comparison:
    """Have both read the rows, and set what they say side by side."""
    before, after = (_verdicts(model, rows, say) for model in (old, new))
    changes = [
        _change(row, b, a) for row, b, a in zip(rows, before, after, strict=True) if set(b.labels) ^ set(a.labels)
    ]
    return Comparison(
        rows=len(rows),
        old={"version": old.version, **figures(rows, before)},
        new={"version": new.version, **figures(rows, after)},
        changes=tuple(sorted(changes, key=lambda change: change.gain)),
    )


def _verdicts(model: Classifier, rows: Sequence[Row], say: Callable[[str], None]) -> list[Verdict]:
    say(f"version {model.version} reads {counted(len(rows), 'row')}")
    return read([row.passage for row in rows], model, say)


def _change(row: Row, before: Verdict, after: Verdict) -> Change:
    def right(verdict: Verdict) -> int:
        return sum((label in verdict.labels) == holds for label, holds in row.labels.items())

    return Change(name=row.name, before=before.labels, after=after.labels, gain=right(after) - right(before))


def figures(rows: Sequence[Row], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Per label precision, recall and F1 over the rows of which it is known; macro-F1; alarms on harmless rows.

    A label that holds nowhere and was raised nowhere has no figures, and does not count for the mean.
    """
    labels = {label: found for label in LABELS if (found := _of_label(label, rows, verdicts)) is not None}
    quiet = [verdict for row, verdict in zip(rows, verdicts, strict=True) if row.is_harmless]
    alarms = sum(bool(set(verdict.labels) - _QUIET) for verdict in quiet)
    looks = sum(bool({*verdict.labels, *verdict.review} - _QUIET) for verdict in quiet)
    return {
        "macro_f1": round(sum(f["f1"] for f in labels.values()) / len(labels), 4) if labels else None,
        "harmless": len(quiet),
        "false_alarms_per_1000": round(1000 * alarms / len(quiet), 1) if quiet else None,
        "false_alarms_per_1000_with_undecided": round(1000 * looks / len(quiet), 1) if quiet else None,
        "labels": labels,
    }


def _of_label(label: str, rows: Sequence[Row], verdicts: Sequence[Verdict]) -> dict[str, Any] | None:
    pairs = [(r.labels[label], label in v.labels) for r, v in zip(rows, verdicts, strict=True) if label in r.labels]
    hits = sum(holds and raised for holds, raised in pairs)
    wanted, raised = sum(holds for holds, _ in pairs), sum(raised for _, raised in pairs)
    if not wanted and not raised:
        return None
    return {
        "known": len(pairs),
        "positives": wanted,
        **rates(hits, raised, wanted),
    }


def table(comparison: Comparison) -> list[dict[str, Any]]:
    """Both versions' figures as rows for a terminal, a label each, then the means."""
    old, new = comparison.old, comparison.new
    columns = f"F1 {old['version']}", f"F1 {new['version']}"
    rows = []
    for label in LABELS:
        before, after = old["labels"].get(label), new["labels"].get(label)
        if before is None and after is None:
            continue
        holds = (before or after)["positives"]
        rows.append(_line(label, holds, columns, *(None if f is None else f["f1"] for f in (before, after))))
    rows.append(_line("macro-F1", None, columns, old["macro_f1"], new["macro_f1"]))
    rows += [
        _line(f"{key.replace('_', ' ')} harmless", old["harmless"], columns, old[key], new[key])
        for key in ("false_alarms_per_1000", "false_alarms_per_1000_with_undecided")
    ]
    return rows


def _line(what: str, n: int | None, columns: tuple[str, str], old: Any, new: Any) -> dict[str, Any]:
    difference = None if old is None or new is None else f"{new - old:+.3g}"
    return {"on the same rows": what, "rows": n, columns[0]: old, columns[1]: new, "difference": difference}
