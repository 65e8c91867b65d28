"""Reads the edges of Meta's graphs (an account's media, a post's comments) page by page, for Instagram and Threads.

A page becomes items for `connectors._tour.take`. Where an edge gives late arrivals between what is known (replies to
old comments, hashtags in no order), it is walked *widely*: what is known does not end the walk, it is only left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from connectors._refusal import following
from connectors._timeline import Walk, short
from connectors._toot import dump, id_of
from connectors._tour import Find, Item, oldest, take
from connectors.errors import AuthenticationError, PermanentError, RefusedAddressError
from connectors.post import Cursor, Oddity, Page, Post

Ask = Callable[[dict[str, str]], Mapping[str, Any]]
Read = Callable[[Any], Post | None]

_COUNT = "#"  # stands in a walk's query, is never sent
_ODD = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


def asked(walk: Walk, ask: Ask) -> tuple[Walk, Mapping[str, Any]]:
    """The page at which a walk stands; where the platform forgot its cursor, the walk begins anew."""
    query = {name: value for name, value in (walk.query or {}).items() if name != _COUNT}
    try:
        return walk, ask(query)
    except (AuthenticationError, RefusedAddressError):
        raise
    except PermanentError:
        if not query:
            raise
    return Walk(known=walk.known), ask({})


def onward(body: Mapping[str, Any], who: str, *, count: int | None = None) -> dict[str, str] | None:
    """The query of the page after this one; with ``count`` one that differs where the platform's cursor does not."""
    token = following(body, who)
    if token is None:
        return None
    return {**dict(parse_qsl(token)), **({} if count is None else {_COUNT: str(count)})}


def items_of(data: Iterable[Any], read: Read, what: str) -> list[Item]:
    """Each item of a page under its id; what cannot be read is set aside, what is no post of its own is ``None``."""
    return [_item(one, read, what) for one in data]


def _item(one: Any, read: Read, what: str) -> Item:
    try:
        post = read(one)
    except _ODD as exc:
        raw = dump(one)
        return f"odd:{short(raw)}", Oddity(raw=raw, why=f"not {what}: {type(exc).__name__}")
    return (id_of(one) or "") if post is None else post.id, post


def take_widely(
    walk: Walk, items: list[Item], query: Mapping[str, str] | None, *, stop: bool = False
) -> tuple[Find, Walk]:
    """What a page brings that is not known, and the walk after it, which only ``stop`` or the last page ends."""
    find, step = take(replace(walk, known={}), items, None if stop else query)
    known = walk.known
    find.posts = [post for post in find.posts if known.get(short(post.id)) != short(post.content_digest)]
    find.oddities = [odd for odd in find.oddities if f"odd:{short(odd.raw)}" not in _keys(items, known)]
    merged = {**step.walk.known, **{k: v for k, v in known.items() if k not in step.walk.known}}
    return find, replace(step.walk, known=merged if step.done else known)


def _keys(items: list[Item], known: Mapping[str, str]) -> set[str]:
    return {key for key, _ in items if short(key) in known}


def all_known(walk: Walk, items: list[Item]) -> bool:
    """Whether a page holds nothing that is new or changed."""
    return all(
        walk.known.get(short(key)) == (short(one.content_digest) if isinstance(one, Post) else "-")
        for key, one in items
    )


def past_page(
    ask: Ask, read: Read, since: datetime, until: datetime, cursor: Cursor | None, *, who: str, what: str
) -> Page:
    """One page of what an edge, newest first, holds from ``since`` up to ``until``; for `Backfiller.backfill`."""
    walk = Walk.load(_loaded(cursor))
    walk, body = asked(walk, ask)
    items = items_of(body["data"], read, what)
    find, step = take(walk, items, onward(body, who))
    end = oldest(items)
    more = not step.done and (end is None or end >= since)
    posts = [post for post in find.posts if post.created_at and since <= post.created_at < until]
    return Page(
        posts=tuple(sorted(reversed(posts), key=lambda post: post.created_at or since)),  # noqa: C414
        cursor=Cursor(state=json.dumps(step.walk.dump())) if more else None,
        more=more,
        gaps=tuple(find.gaps),
        oddities=tuple(find.oddities),
    )


def _loaded(cursor: Cursor | None) -> dict[str, Any]:
    try:
        state = json.loads(cursor.state) if cursor is not None else {}
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}
