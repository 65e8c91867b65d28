"""How to walk through a timeline that gives its newest page first, without losing, doubling or going in circles.

A walk goes from the newest page to older ones until it meets what the last walk knew. It believes neither that ids
are numbers nor that they fall, and a page that was asked for once is not asked for again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

_MOST_KNOWN = 400  # items; more than ten pages of overlap with the last walk
_MOST_ASKED = 500  # pages; a circle that is longer is not looked for
_MOST_BLANKS = 10


@dataclass(frozen=True, kw_only=True)
class Walk:
    """Where a walk stands; ``query`` is ``None`` between walks.

    ``known`` maps what the walks before met to its marks (a mark changes when the item does), ``met`` what this one
    met so far, both newest first; ``asked`` holds digests of the pages asked for, ``blanks`` counts those in a row
    that brought nothing.
    """

    known: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] | None = None
    met: Mapping[str, str] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    blanks: int = 0

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Walk:
        """A walk from what `dump` gave."""
        query = state.get("query")
        return cls(
            known=dict(state.get("known", {})),
            query=None if query is None else dict(query),
            met=dict(state.get("met", {})),
            asked=tuple(state.get("asked", ())),
            blanks=int(state.get("blanks", 0)),
        )

    def dump(self) -> dict[str, Any]:
        """The walk as JSON values."""
        if self.query is None:
            return {"known": dict(self.known)}
        return {
            "known": dict(self.known),
            "query": dict(self.query),
            "met": dict(self.met),
            "asked": list(self.asked),
            "blanks": self.blanks,
        }


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one page led to: the walk after it, which of its items are fresh, and why the rest cannot be had."""

    walk: Walk
    fresh: tuple[int, ...]
    why_cut: str | None = None

    @property
    def done(self) -> bool:
        """Whether the walk came to its end."""
        return self.walk.query is None


def short(text: str | bytes) -> str:
    """Twelve hexadecimal digits that stand for an id or a version in a cursor."""
    data = text if isinstance(text, bytes) else text.encode(errors="replace")
    return hashlib.sha256(data).hexdigest()[:12]


def advance(
    walk: Walk,
    marks: Sequence[tuple[str, str]],
    onward: Mapping[str, str] | None,
    fallback: Mapping[str, str] | None,
    *,
    full: bool = True,
) -> Step:
    """The step that a page makes: ``marks`` are its items' ids and versions in the server's order.

    ``onward`` is the query of the next page as the server names it, ``fallback`` the one to try where it names one
    that was asked for already; both ``None`` means that the server says it has no more. ``full`` says that the page
    holds as many items as were asked for, so that older ones are likely.
    """
    fresh = tuple(
        i
        for i, (id_, mark) in enumerate(marks)
        if mark not in (walk.known.get(id_), walk.met.get(id_)) and (id_, mark) not in marks[:i]
    )
    asked = (*walk.asked, _digest(walk.query or {}))[-_MOST_ASKED:]
    seen_before = bool(marks) and all(id_ in walk.met for id_, _ in marks)
    met = dict(list({**walk.met, **dict(marks)}.items())[:_MOST_KNOWN])
    after = replace(walk, met=met, asked=asked, blanks=0 if marks and not seen_before else walk.blanks + 1)
    if _caught_up(walk, marks) or (onward is None and fallback is None):
        return Step(walk=_ended(after), fresh=fresh)
    if after.blanks > _MOST_BLANKS:
        return Step(walk=_ended(after), fresh=fresh, why_cut="the server gives pages with nothing new without end")
    for query in (onward, None if seen_before else fallback):
        if query is not None and _digest(query) not in asked:
            return Step(walk=replace(after, query=dict(query)), fresh=fresh)
    why = "the server repeats its pages" if onward is not None or (seen_before and full) else None
    return Step(walk=_ended(after), fresh=fresh, why_cut=why)


def _caught_up(walk: Walk, marks: Sequence[tuple[str, str]]) -> bool:
    """Whether the page's oldest item was known before: one known item alone may be a pinned or a late one."""
    return bool(marks) and marks[-1][0] in walk.known


def _ended(walk: Walk) -> Walk:
    return Walk(known=dict(list({**walk.met, **walk.known, **walk.met}.items())[:_MOST_KNOWN]))


def _digest(query: Mapping[str, str]) -> str:
    return short(repr(sorted(query.items())))[:8]
