"""One read that pages by tokens: a walk from the newest page on, that survives forgotten tokens and shrinking lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from connectors._google import PageTokenError
from connectors._timeline import Step, Walk, advance

MOST_DEPTH = 400  # items that a walk remembers
_MOST_RESTARTS = 3


@dataclass(frozen=True, kw_only=True)
class Leg:
    """Where a read stands; ``restarts`` counts how often this walk began anew because its token was forgotten.

    ``total`` is how many items the list had when the walk began. Where pages are counted off, an item that is
    deleted meanwhile moves another one out of sight; such a walk is done ``again``, once.
    """

    walk: Walk = field(default_factory=Walk)
    restarts: int = 0
    total: int | None = None
    again: bool = False

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Leg:
        """A leg from what `dump` gave."""
        return cls(
            walk=Walk.load(state.get("walk", {})),
            restarts=int(state.get("restarts", 0)),
            total=state.get("total"),
            again=bool(state.get("again", False)),
        )

    def dump(self) -> dict[str, Any]:
        """The leg as JSON values."""
        return {"walk": self.walk.dump(), "restarts": self.restarts, "total": self.total, "again": self.again}

    def page(self, ask: Callable[[Mapping[str, str]], dict[str, Any]]) -> tuple[dict[str, Any] | None, Leg]:
        """The next page and the leg it belongs to; no page where the token is refused again and again.

        ``ask`` is given the query that names the page.
        """
        try:
            return ask(self.walk.query or {}), self
        except PageTokenError:
            if self.walk.query is None:
                raise
        if self.restarts >= _MOST_RESTARTS:
            return None, self
        anew = replace(self, walk=Walk(known=self.walk.known), restarts=self.restarts + 1, total=None)
        return ask({}), anew

    def taken(
        self, marks: Sequence[tuple[str, str]], token: str | None, *, depth: int = 0, total: int | None = None
    ) -> tuple[Leg, Step]:
        """The leg and the step after a page; ``marks`` are its items' ids and versions in the platform's order.

        ``token`` names the next page. At least ``depth`` items are looked at, also where they are known: what hangs
        on old ones may be new.
        """
        first = self.walk.query is None
        began = total if first else self.total
        step = _step(self.walk, marks, token, depth)
        if not step.done:
            return replace(self, walk=step.walk, total=began), step
        if not first and not self.again and None not in (total, began) and (total or 0) < (began or 0):
            anew = Walk(known=self.walk.known)
            unfinished = replace(step, walk=replace(anew, query={}))
            return replace(self, walk=anew, again=True, total=None), unfinished
        return Leg(walk=step.walk), step


def _step(walk: Walk, marks: Sequence[tuple[str, str]], token: str | None, depth: int) -> Step:
    onward = {"pageToken": token} if token else None
    tail = marks[-1] if marks else ("", "")
    if onward is None or tail[0] not in walk.known or len(walk.met) + len(marks) >= min(depth, MOST_DEPTH):
        return advance(walk, marks, onward, None)
    # A known item at the end of a page ends the walk; to go deeper it is forgotten, and not taken for a new one.
    unknown = replace(walk, known={id_: mark for id_, mark in walk.known.items() if id_ != tail[0]})
    step = advance(unknown, marks, onward, None)
    return replace(step, fresh=tuple(i for i in step.fresh if walk.known.get(marks[i][0]) != marks[i][1]))
