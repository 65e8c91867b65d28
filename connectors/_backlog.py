"""How far a platform with several reads has been read: each backlog is drained before its mark moves.

Platforms give newest first, in pages. The newest id of a round's *first* page becomes the mark only when the last
page of that round has been given, so that a stop in between loses nothing and repeats little.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from connectors.errors import ConnectorError, RateLimitedError, UnexpectedResponseError
from connectors.post import Account, Cursor, Page

_VERSION = 1
_TOKENS_KEPT = 500


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """One read: ``since`` is drained, ``newest`` will be when this round ends, ``token`` is its next page.

    ``seen`` holds short digests of the tokens that this round has followed, the last 500 of them; ``last`` the ids
    that its last page gave, for a page may overlap with the one before it.
    """

    since: str | None = None
    newest: str | None = None
    token: str | None = None
    seen: tuple[str, ...] = ()
    last: tuple[str, ...] = ()

    def advanced(self, newest: str | None, token: str | None) -> Backlog:
        """The backlog after one page, whose newest id and next token these are.

        Raises:
            UnexpectedResponseError: the token was followed before in this round: it would never end.
        """
        # A first page may be blank and yet have another after it: then the mark is the newest of that one.
        mark = (self.newest if self.token else None) or newest
        if not token:
            return Backlog(since=mark or self.since)
        digest = hashlib.blake2s(token.encode("utf-8", "replace"), digest_size=6).hexdigest()
        if digest in self.seen:
            raise UnexpectedResponseError("the platform's paging goes in a circle: the next page was read before")
        return replace(self, newest=mark, token=token, seen=(*self.seen, digest)[-_TOKENS_KEPT:])


@dataclass(frozen=True, kw_only=True)
class Position:
    """Where an account's reads stand: the read at hand, the backlog of each, and what the connector keeps besides.

    ``kept`` holds plain JSON values, such as the id that a handle was found to have. ``home`` is the read whose turn
    it is while another one is visited, because the former failed.
    """

    target: str
    at: str
    home: str | None = None
    backlogs: Mapping[str, Backlog] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, account: Account, cursor: Cursor | None, reads: tuple[str, ...]) -> Position:
        """The position that a cursor stands for; the beginning, where it is none, unreadable, or another target's."""
        fresh = cls(target=account.target, at=reads[0])
        try:
            state = json.loads(cursor.state) if cursor is not None else {}
            if state.get("v") != _VERSION or state.get("target") != account.target:
                return fresh
            backlogs = {
                name: Backlog(**{**values, "seen": tuple(values["seen"]), "last": tuple(values.get("last", ()))})
                for name, values in state["reads"].items()
            }
            at = state["at"] if state["at"] in reads else reads[0]
            return cls(target=account.target, at=at, backlogs=backlogs, kept=dict(state["kept"]))
        except (ValueError, TypeError, KeyError, AttributeError):
            return fresh

    @property
    def backlog(self) -> Backlog:
        """The backlog of the read at hand."""
        return self.backlogs.get(self.at, Backlog())

    def keeping(self, **values: Any) -> Position:
        """The position with these values kept besides."""
        return replace(self, kept={**self.kept, **values})

    def stepped(self, backlog: Backlog, reads: tuple[str, ...], *, drained: bool) -> tuple[Position, bool]:
        """The position after a page of the read at hand, and whether more waits in this round.

        A drained read hands over to the next; the last one ends the round, and the first begins the next. A visit
        hands back, and more waits only where the read visited is not drained.
        """
        moved = replace(self, backlogs={**self.backlogs, self.at: backlog})
        if self.home is not None:
            return replace(moved, at=self.home, home=None), not drained
        if not drained:
            return moved, True
        following = reads.index(self.at) + 1
        if following < len(reads):
            return replace(moved, at=reads[following]), True
        return replace(moved, at=reads[0]), False

    def cursor(self) -> Cursor:
        """The position as a cursor."""
        state = {
            "v": _VERSION,
            "target": self.target,
            "at": self.at,
            "reads": {name: asdict(backlog) for name, backlog in self.backlogs.items()},
            "kept": dict(self.kept),
        }
        return Cursor(state=json.dumps(state, separators=(",", ":"), sort_keys=True))


def page_of_round(place: Position, reads: tuple[str, ...], ask: Callable[[Position], Page], patience_s: float) -> Page:
    """The page of the read at hand, or where that fails, news of another: a failing read blinds no other.

    The failing read keeps its turn, so its error is raised as soon as the others bring nothing new. Others are not
    asked where the failure took longer than ``patience_s`` or was the platform's wish for a pause.

    Raises:
        ConnectorError: what the read at hand met.
    """
    began = time.monotonic()
    try:
        return ask(place)
    except RateLimitedError:
        raise
    except ConnectorError as exc:
        problem = exc
    for other in reads:
        if other == place.at or time.monotonic() - began > patience_s:
            continue
        try:
            page = ask(replace(place, at=other, home=place.at))
        except ConnectorError:
            continue
        if page.posts or page.oddities or page.gaps or page.more:
            return replace(page, more=True)
    raise problem
