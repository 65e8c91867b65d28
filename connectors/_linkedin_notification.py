"""Reads LinkedIn's notifications of a page: who named it, who reposted it with words, what was commented on its posts.

LinkedIn keeps them for 60 days, in an order of its own. A notification of a comment is only the sign for it: the
comment itself is asked for, so that it is the same post as among the comments of the page's newest posts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from connectors._edge import items_of
from connectors._linkedin_api import ADMIN, FINDER, LinkedInApi, encoded, following
from connectors._linkedin_post import comment_of, to_comment, to_mention, to_noted_comment
from connectors._timeline import Walk, advance, short
from connectors._toot import dump
from connectors._tour import Find, Item, State, oldest
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    PermanentError,
    RateLimitedError,
    RefusedAddressError,
)
from connectors.post import Author, Gap, Oddity, Post, parse_time, rfc3339

_COMMENTED = ("COMMENT", "ADMIN_COMMENT", "COMMENT_EDIT")
_SHARED = ("SHARE", "SHARE_MENTION")
_DOCUMENTED = ("COMMENT", "SHARE_MENTION")  # which every version can be asked for
_KEPT = timedelta(days=60)
_LAG = timedelta(hours=1)  # a notification may appear that much later than what it tells of
_MOST_KNOWN = 1000  # notifications that are remembered
_MOST_FETCHED = 10  # comments that are asked for in one call: its time is bounded


def read_notifications(api: LinkedInApi, own: Author, state: State, size: int) -> tuple[Find, State]:
    """One page of the notifications since the last look, or a part of it where it tells of many comments."""
    walk, gaps = Walk.load(state.get("walk", {})), []
    if walk.query is None:
        now = datetime.now(UTC)
        state = {**state, "since": state.get("began"), "began": rfc3339(now)}
        gaps = _too_late(parse_time(state["since"]), now)
    start = int((walk.query or {}).get("start", 0))
    body = _asked(api, own, state, start, size)
    reader = _Reader(api, own, walk)
    items = reader.read(body["elements"])
    marks = [(short(key), "-") for key, _ in items]
    if len(items) < len(body["elements"]):
        half = replace(walk, query={"start": str(start)}, met={**walk.met, **dict(marks)})
        return _found(items, gaps, done=False), {**state, "walk": half.dump()}
    onward = following(body, start, size)
    step = advance(replace(walk, known={}), marks, None if onward is None else {"start": str(onward)}, None)
    if step.why_cut:
        gaps.append(Gap(start=None, end=oldest(items), why=step.why_cut))
    known = dict(list({**step.walk.known, **walk.known}.items())[:_MOST_KNOWN]) if step.done else walk.known
    return _found(items, gaps, done=step.done), {**state, "walk": replace(step.walk, known=known).dump()}


class _Reader:
    """Reads the notifications of one page; those that are known from before bring nothing."""

    def __init__(self, api: LinkedInApi, own: Author, walk: Walk) -> None:
        self._api, self._own, self._walk = api, own, walk
        self._fetched = 0

    def read(self, elements: Sequence[Any]) -> list[Item]:
        """What the notifications tell of, up to the one whose comment would be one too many."""
        items: list[Item] = []
        for note in elements:
            if self._fetched >= _MOST_FETCHED:
                break
            items.append(self._item(note))
        return items

    def _item(self, note: Any) -> Item:
        number = note.get("notificationId") if isinstance(note, dict) else None
        key = f"note:{number}" if isinstance(number, int | str) else f"odd:{short(dump(note))}"
        if short(key) in self._walk.known or short(key) in self._walk.met:
            return key, None
        ((_, one),) = items_of([note], self._told, "a notification of LinkedIn")
        return key, one

    def _told(self, note: Mapping[str, Any]) -> Post | None:
        if note["action"] in _SHARED:
            return to_mention(note, own=self._own)
        if note["action"] not in _COMMENTED:
            return None
        noted, where = to_noted_comment(note, own=self._own), comment_of(note)
        if where is None:
            return noted
        self._fetched += 1
        try:
            item = self._api.comment(*where)
        except AccountNotFoundError:
            return None  # it was deleted meanwhile
        except (RateLimitedError, RefusedAddressError):
            raise
        except PermanentError:
            return noted
        return to_comment(item, own=self._own, thread=noted.thread or where[0])


def _asked(api: LinkedInApi, own: Author, state: State, start: int, size: int) -> dict[str, Any]:
    """One page of notifications; a version that knows fewer kinds of them is asked for fewer."""
    since, until = parse_time(state.get("since")), parse_time(state.get("began"))
    params = {"q": "criteria", "organizationalEntity": encoded(own.id)}
    if since is not None and until is not None:
        params["timeRange"] = f"(start:{_millis(since - _LAG)},end:{_millis(until)})"
    path = "organizationalEntityNotifications"
    ask = partial(api.page, path, start=start, count=size, method=FINDER, needs=ADMIN)
    try:
        return ask({**params, "actions": f"List({','.join((*_COMMENTED, *_SHARED))})"})
    except (AuthenticationError, AccountNotFoundError, RefusedAddressError):
        raise
    except PermanentError as exc:
        if "api_version" in str(exc):
            raise
    return ask({**params, "actions": f"List({','.join(_DOCUMENTED)})"})


def _found(items: Sequence[Item], gaps: list[Gap], *, done: bool) -> Find:
    """What the items bring; a comment of which two notifications tell comes once."""
    posts = {(one.id, one.content_digest): one for _, one in items if isinstance(one, Post)}
    return Find(
        posts=list(posts.values()),
        oddities=[one for _, one in items if isinstance(one, Oddity)],
        gaps=gaps,
        done=done,
    )


def _too_late(since: datetime | None, now: datetime) -> list[Gap]:
    if since is None or now - since <= _KEPT:
        return []
    return [Gap(start=since, end=now - _KEPT, why="LinkedIn keeps a page's notifications for 60 days only")]


def _millis(when: datetime) -> int:
    return int(when.timestamp() * 1000)
