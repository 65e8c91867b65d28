"""Which of an account's newest posts are asked for answers, because something may have happened on them; pure.

A post's sign is its number of answers where the platform tells it: posts whose sign stands still are left alone, all
but the newest few, on which an answer deleted and another one written would leave the number as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connectors._timeline import Walk
from connectors.post import Post, parse_time, rfc3339

_RECENT = 10  # posts that are asked whatever their sign says, where the platform does not count calls by the day
_ANSWERS_KNOWN = 100  # a post
_QUIET = "0"
_LATE = timedelta(hours=1)  # an answer may come into a page that was read already while the next ones are read


class Watch:
    """The posts that wait for being asked, and how far each was read; made from what `dump` gave, or from nothing."""

    def __init__(self, state: Mapping[str, Any], most: int, *, recent: int = _RECENT, rest: int = 1) -> None:
        """``recent`` of the newest posts are asked whatever their sign says, in one round of ``rest``."""
        self._most, self._recent, self._rest = max(most, 1), recent, rest
        self._round = int(state.get("round", 0))
        self.query: dict[str, str] = dict(state.get("query", {}))
        self._found: list[list[Any]] = list(state.get("found", ()))
        self._signs: dict[str, str] = dict(state.get("signs", {}))
        self._waiting: list[list[Any]] = list(state.get("waiting", ()))
        self._walks: dict[str, dict[str, Any]] = dict(state.get("walks", {}))

    def dump(self) -> dict[str, Any]:
        """The watch as JSON values."""
        return {
            "query": self.query,
            "found": self._found,
            "signs": self._signs,
            "waiting": self._waiting,
            "walks": self._walks,
            "round": self._round,
        }

    @property
    def at(self) -> str | None:
        """The id of the post whose turn it is."""
        return self._waiting[0][0] if self._waiting else None

    @property
    def missing(self) -> int:
        """How many answers are new by the post's sign, and not found yet."""
        return int(self._waiting[0][2])

    def listed(self, found: list[tuple[str, str | None]], query: Mapping[str, str] | None) -> None:
        """Note a page of the newest posts with their signs; after the last one, those with news wait."""
        seen = {number for number, _ in self._found}
        self._found += [[number, sign] for number, sign in found if number not in seen]
        self.query = dict(query) if query and len(self._found) < self._most else {}
        if self.query:
            return
        newest, self._found = self._found[: self._most], []
        recent = 0 if self._round % self._rest else self._recent
        self._round += 1
        for place, (number, sign) in enumerate(newest):
            before = self._signs.get(number, _QUIET)
            if sign is None or sign != before or (place < recent and sign != _QUIET):
                self._waiting.append([number, sign, _risen(before, sign)])
        numbers = {number for number, _ in newest}
        self._signs = {number: sign for number, sign in self._signs.items() if number in numbers}
        self._walks = {number: walk for number, walk in self._walks.items() if number in numbers}

    def restart(self) -> bool:
        """Begin noting the newest posts anew, as after a forgotten cursor; whether there was anything to begin anew."""
        begun, self.query, self._found = bool(self.query), {}, []
        return begun

    def walk(self) -> Walk:
        """How far the answers to the post at hand were read."""
        return Walk.load(self._walks.get(self._waiting[0][0], {}))

    def fresh(self, posts: list[Post]) -> list[Post]:
        """Those of the posts that were not given before; of many answers only the newest are remembered one by one."""
        since = parse_time(self._walks.get(self._waiting[0][0], {}).get("since"))
        return [post for post in posts if since is None or post.created_at is None or post.created_at >= since]

    def stepped(self, walk: Walk, brought: int, newest: datetime | None) -> None:
        """Note how far the post at hand was read now; at its end, the next one has its turn."""
        number, sign, missing = self._waiting[0]
        before = self._walks.get(number, {})
        times = [time for time in (newest, parse_time(before.get("top"))) if time is not None]
        top = rfc3339(max(times)) if times else None
        if walk.query is not None:
            self._waiting[0] = [number, sign, max(missing - brought, 0)]
            self._walks[number] = {**walk.dump(), "top": top, "since": before.get("since")}
            return
        since = rfc3339(max(times) - _LATE) if times and len(walk.known) > _ANSWERS_KNOWN else before.get("since")
        kept = replace(walk, known=dict(list(walk.known.items())[:_ANSWERS_KNOWN]))
        self._walks[number] = {**kept.dump(), "top": top, "since": since}
        self.leave()

    def leave(self) -> None:
        """Go on to the next post: this one is read, or gone."""
        number, sign, _ = self._waiting.pop(0)
        if sign is not None:
            self._signs[number] = sign


def sign_of(count: Any) -> str | None:
    """A number of answers as a sign, or ``None`` where the platform does not tell it."""
    return str(count) if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None


def _risen(before: str, sign: str | None) -> int:
    return max(int(sign) - int(before), 0) if sign is not None and sign.isdecimal() and before.isdecimal() else 0
