"""Two packs side by side on every concern, and what of a pack has no route of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alerts.flag import CONCERNS
from alerts.policy import Pack
from alerts.route import Route
from alerts.row import Row

# The cases in which packs are compared: nobody known, then who is accused, who wrote it, whom it is aimed at.
CASES: tuple[dict[str, str], ...] = (
    {},
    *({"about": role} for role in ("headteacher", "dsl", "ceo", "chair_of_governors", "teacher", "governor")),
    *({"author": role} for role in ("staff", "teacher", "pupil", "parent")),
    *({"target": role} for role in ("pupil", "teacher", "headteacher")),
    {"target": "pupil", "author": "staff"},
    {"target": "teacher", "author": "staff"},
    {"target": "teacher", "author": "parent"},
)
_COMPARED = ("recipients", "alternates", "clause", "within", "approver", "record", "fallback")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How two packs answer one concern in one case; ``keys`` are in what they differ."""

    concern: str
    case: Mapping[str, str]
    one: Route
    other: Route

    @property
    def keys(self) -> tuple[str, ...]:
        """In what they differ; the same nowhere where it is empty."""
        return tuple(key for key in _COMPARED if getattr(self.one, key) != getattr(self.other, key))


def compare(one: Pack, other: Pack) -> tuple[Difference, ...]:
    """Every concern: how both answer it while nobody is known, and each further case in which they differ otherwise."""
    return tuple(found for concern in CONCERNS for found in _of(one, other, concern))


def _of(one: Pack, other: Pack, concern: str) -> Iterator[Difference]:
    seen: list[tuple[Route, Route]] = []
    for case in CASES:
        found = Difference(
            concern=concern, case=case, one=one.route(concern, **case), other=other.route(concern, **case)
        )
        if not case or (found.keys and (found.one, found.other) not in seen):
            yield found
        seen.append((found.one, found.other))


def silent(pack: Pack) -> tuple[str, ...]:
    """The concerns for which the policy itself has no route, so that the house answers."""
    return tuple(concern for concern in CONCERNS if pack.route(concern).clause is None)


def shadowed(pack: Pack) -> tuple[Row, ...]:
    """The rows that can never be reached, because for each of their concerns one before them holds for everybody."""
    found: list[Row] = []
    for number, row in enumerate(pack.rows):
        before = [other for other in pack.rows[:number] if not other.when.asks]
        if row.clause is not None and all(any(c in other.concerns for other in before) for c in row.concerns):
            found.append(row)
    return tuple(found)
