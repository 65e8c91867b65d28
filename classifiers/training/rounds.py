"""From what the rounds of validation said of unseen authors to calibration and to figures that are not flattered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifiers.measure import Judged, figures, judged, span_figures
from classifiers.neutral import OF_PEOPLE, wavers
from classifiers.training.calibration import Calibration, calibrate
from classifiers.training.data import ADULT, FOLDS, PUPIL, Row

Numbers = NDArray[np.float64]
STREAMS = ("M", "Q", "W", "AB", "AJ", "AO")  # who wrote a school's ordinary stream; the others wrote balanced sets
_NAMES = {"pupil_name": PUPIL, "adult_name": ADULT}
_RESAMPLED, _SEED = 400, 11
_BRIEF = (
    "rows",
    "macro_f1",
    "macro_average_precision",
    "recall_of_posts_that_need_a_person",
    "false_alarms_per_1000_harmless",
    "false_alarms_per_1000_harmless_with_undecided",
)
INTERVALS = _BRIEF[1:]


@dataclass(frozen=True)
class Heard:
    """Rows with what both parts said of each (rows × labels), the names seen, and which could not be read.

    ``renamed`` holds, where a row names somebody and its round was read so, what both parts say of it under each set
    of other names (sets × labels).
    """

    rows: Sequence[Row]
    deep: Numbers
    wide: Numbers
    spans: Sequence[Sequence[Any]]
    unread: NDArray[np.bool_]
    renamed: Sequence[tuple[Numbers, Numbers] | None] = ()

    @property
    def targets(self) -> Numbers:
        """Rows × labels, 0 or 1."""
        return np.array([row.targets for row in self.rows])

    def of(self, authors: Sequence[str]) -> NDArray[np.bool_]:
        """Which rows these authors wrote."""
        return np.array([row.author in authors for row in self.rows])

    def calibrated(self, chosen: NDArray[np.bool_]) -> Calibration:
        """The calibration that the chosen rows ask for, those left out that could not be read."""
        rows = chosen & ~self.unread
        return calibrate(self.deep[rows], self.wide[rows], self.targets[rows])

    def scores(self, calibration: Calibration, chosen: NDArray[np.bool_]) -> Numbers:
        """Calibrated scores of the chosen rows, as the model gives them: where a name might decide, evened out."""
        deep, wide = self.deep.copy(), self.wide.copy()
        for at, others in enumerate(self.renamed):
            if chosen[at] and others is not None and wavers(calibration.logits(deep[at], wide[at]), calibration.points):
                deep[at] = np.vstack([deep[at], others[0]]).mean(axis=0)
                wide[at] = np.vstack([wide[at], others[1]]).mean(axis=0)
        return calibration.scores(deep[chosen], wide[chosen])


def judge(heard: Heard) -> tuple[Calibration, dict[str, Any]]:
    """The calibration from all rows, and figures: every round under a calibration that has not seen it."""
    everything = crosswise(heard)
    said = figures(everything)
    said["intervals"] = intervals(everything)
    said["unread"] = int(heard.unread.sum())
    said["with_other_names"] = with_other_names(heard, everything)
    for name, kind in _NAMES.items():
        said[name] = _names(heard, name, kind)
    authors = sorted({row.author for row in heard.rows}, key=lambda author: (len(author), author))
    said["authors"] = {author: _brief(everything, heard.of([author])) for author in authors}
    streams = heard.of(STREAMS)
    said["stream"] = _brief(everything, streams) if streams.any() else {}
    said["balanced"] = _brief(everything, ~streams) if not streams.all() else {}
    return heard.calibrated(np.ones(len(heard.rows), dtype=bool)), said


def crosswise(heard: Heard) -> Judged:
    """Each round's scores under the calibration of the other rounds; of a single round, under its own."""
    present = [chosen for fold in FOLDS if (chosen := heard.of(fold)).any()]
    shape = (len(heard.rows), heard.targets.shape[1])
    parts = Judged(np.zeros(shape), np.zeros(shape, bool), np.zeros(shape, bool), heard.targets > 0)
    for chosen in present:
        calibration = heard.calibrated(~chosen if len(present) > 1 else chosen)
        scores = heard.scores(calibration, chosen)
        part = judged(scores, calibration.points, heard.targets[chosen], heard.unread[chosen])
        parts.scores[chosen], parts.raised[chosen], parts.undecided[chosen] = part.scores, part.raised, part.undecided
    return parts


def with_other_names(heard: Heard, everything: Judged) -> dict[str, Any]:
    """What reading again under other names changes, in the rounds that were read so: F1 with and without it."""
    folds = [chosen for fold in FOLDS if (chosen := heard.of(fold)).any() and _renamed(heard, chosen)]
    if not folds:
        return {}
    chosen = np.logical_or.reduce(folds)
    once = crosswise(replace(heard, renamed=()))
    both = {"with": _part(everything, chosen), "without": _part(once, chosen)}
    changed = (everything.raised != once.raised).any(axis=1) & chosen
    said = {
        way: {label: figures(part)["labels"][label]["f1"] for label in OF_PEOPLE}
        | {"macro_f1": figures(part)["macro_f1"]}
        for way, part in both.items()
    }
    return {"rounds": len(folds), "rows": int(chosen.sum()), "otherwise": int(changed.sum()), **said}


def _renamed(heard: Heard, chosen: NDArray[np.bool_]) -> bool:
    return any(others is not None for others, of in zip(heard.renamed, chosen, strict=False) if of)


def intervals(rows: Judged) -> dict[str, tuple[float, float] | None]:
    """The middle 95 % of the chief figures over rows drawn again with replacement."""
    chance = np.random.default_rng(_SEED)
    drawn = [_brief(rows, chance.integers(0, len(rows.targets), len(rows.targets))) for _ in range(_RESAMPLED)]
    return {name: _middle([sample[name] for sample in drawn]) for name in INTERVALS}


def _middle(values: Sequence[float | None]) -> tuple[float, float] | None:
    # A draw in which something could not be measured says nothing of it.
    there = [value for value in values if value is not None]
    if not there:
        return None
    low, high = np.quantile(there, [0.025, 0.975])
    return round(float(low), 4), round(float(high), 4)


def _brief(rows: Judged, chosen: NDArray[Any]) -> dict[str, Any]:
    said = figures(_part(rows, chosen))
    return {name: said[name] for name in _BRIEF}


def _part(rows: Judged, chosen: NDArray[Any]) -> Judged:
    return Judged(rows.scores[chosen], rows.raised[chosen], rows.undecided[chosen], rows.targets[chosen])


def _names(heard: Heard, name: str, kind: int) -> dict[str, float | None]:
    pairs = list(_stretches(heard, name, kind))
    return span_figures([found for found, _ in pairs], [wanted for _, wanted in pairs])


def _stretches(heard: Heard, name: str, kind: int) -> Iterator[tuple[set[tuple[int, int]], set[tuple[int, int]]]]:
    """Found and wanted names of one kind, in rows whose names are marked."""
    for row, spans in zip(heard.rows, heard.spans, strict=True):
        if row.names is not None and row.adult_names is not None:
            found = {(start, end) for start, end, said in spans if said == name}
            yield found, {(start, end) for start, end, said in row.people() if said == kind}
