"""Turns what the forum software NodeBB sends (recent topics, posts of a topic) into posts; pure.

A post is known by its number; one that came from another server of the fediverse is known by its address. Deleted
posts are nothing.
"""

from __future__ import annotations

import contextlib
import html
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from connectors._html import clean, plain
from connectors._topic import Leaf, Listing, Place, Sheet, Topic, counts, dump
from connectors.errors import AuthenticationError, UnexpectedResponseError
from connectors.post import Author, Oddity, Post

NAME = "nodebb"
LIST = "/api/recent"
MOST_LISTED: int | None = 200
_LONGEST_ID = 500
_TEAM = {"administrators", "Global Moderators"}

Item = Mapping[str, Any]


def listing_of(answer: Any) -> Listing:
    """One page of the recent topics.

    Raises:
        UnexpectedResponseError: it is no such page.
        AuthenticationError: there is no category that whoever asks may read.
    """
    if not isinstance(answer, Mapping) or not isinstance(answer.get("topics"), list):
        raise UnexpectedResponseError("the forum answered JSON of another shape than NodeBB's recent topics")
    if answer["topics"] == answer.get("categories") == []:
        # It answers so, with 200, once all is for members only: taken for silence, every post would count as deleted.
        raise AuthenticationError("the forum shows no category to whoever asks: it is for members only, or not for us")
    page, pages = _pagination(answer)
    read = [_topic(item) for item in answer["topics"]]
    return Listing(
        topics=tuple(one for one in read if isinstance(one, Topic)),
        onward={"page": str(page + 1)} if page < pages and read else None,
        oddities=tuple(one for one in read if isinstance(one, Oddity)),
    )


def sheet_at(topic: str, page: int) -> tuple[str, dict[str, str]]:
    """Where a page of a topic's posts is; who reads may prefer another order, so it is named."""
    return f"/api/topic/{quote(topic, safe='')}", {"page": str(page), "sort": "oldest_to_newest"}


def topic_of(item: Any) -> str | None:
    """The topic in which a post stands, as the post itself names it."""
    return _id(item.get("tid")) if isinstance(item, Mapping) else None


def sheet_of(answer: Any, place: Place, opener: str | None) -> Sheet:
    """One page of a topic's posts.

    Raises:
        UnexpectedResponseError: it is no such page.
    """
    if not isinstance(answer, Mapping) or not isinstance(answer.get("posts"), list):
        raise UnexpectedResponseError("the forum answered JSON of another shape than NodeBB's posts of a topic")
    page, pages = _pagination(answer)
    opener = _id(answer.get("mainPid")) or next(
        (_id(item.get("pid")) for item in answer["posts"] if isinstance(item, Mapping) and item.get("index") == 0),
        opener,
    )
    title = _title(answer)
    leaves = tuple(_leaf(item, place, title, opener) for item in answer["posts"])
    return Sheet(leaves=leaves, page=page, pages=max(page, pages), opener=opener)


def _pagination(answer: Item) -> tuple[int, int]:
    told = answer.get("pagination")
    told = told if isinstance(told, Mapping) else {}
    page, pages = told.get("currentPage"), told.get("pageCount")
    page = page if isinstance(page, int) and counts(page) else 1
    return page, pages if isinstance(pages, int) and counts(pages) else page


def _topic(item: Any) -> Topic | Oddity | None:
    """A topic of the list; a deleted one has nothing to read."""
    if item is None or (isinstance(item, Mapping) and _says(item.get("deleted"))):
        return None
    id_ = _id(item.get("tid")) if isinstance(item, Mapping) else None
    if id_ is None:
        return Oddity(raw=dump(item), why="a topic without a usable number")
    teaser = item.get("teaser")
    last = teaser.get("pid") if isinstance(teaser, Mapping) else item.get("teaserPid")
    return Topic(
        id=id_,
        mark=f"{last}:{item.get('postcount')}:{item.get('lastposttime')}:{_title(item)}",
        last_at=_moment(item, "lastposttime"),
        pinned=_says(item.get("pinned")),
    )


def _id(value: Any) -> str | None:
    """A number, or for what another server sent an address or UUID; older versions write numbers as text."""
    if isinstance(value, str) and value.strip() and len(value) <= _LONGEST_ID and value.isprintable():
        return value.strip()
    return str(value) if counts(value) else None


def _says(value: Any) -> bool:
    return value in {True, "1", "true"} if isinstance(value, (bool, int, str)) else False


def _title(item: Item) -> str:
    raw = item.get("titleRaw")
    return clean(str(raw) if raw else html.unescape(str(item.get("title") or ""))).strip()


def _leaf(item: Any, place: Place, title: str, opener: str | None) -> Leaf:
    raw = dump(item)
    key = _id(item.get("pid")) if isinstance(item, Mapping) else None
    if key is None:
        return Leaf(key="", one=Oddity(raw=raw, why="a forum post without a usable number"), title=title)
    if _says(item.get("deleted")):
        return Leaf(key=key, one=None, title=title)
    try:
        return Leaf(key=key, one=_post(item, key, place, title, opener, raw), title=title)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        named = str(exc)[:60] if isinstance(exc, KeyError) or str(exc).startswith("with") else ""
        why = f"a forum post that cannot be read: {type(exc).__name__} {named}".rstrip()
        return Leaf(key=key, one=Oddity(raw=raw, why=why), title=title)


def _post(item: Item, key: str, place: Place, title: str, opener: str | None, raw: bytes) -> Post:
    url = key if key.startswith(("https://", "http://")) else f"{place.site}/post/{quote(key, safe='')}"
    if not isinstance(item["content"], str):
        raise TypeError("with content that is no text")
    body = plain(item["content"], url)
    opens, answered = key == opener, _id(item.get("toPid"))
    return Post(
        platform="forum",
        origin=place.origin,
        id=key,
        kind="post" if opens else "reply" if answered else "comment",
        text="\n\n".join(part for part in (title if opens else "", body.text) if part),
        url=url,
        author=_author(item, place),
        created_at=_moment(item, "timestamp"),
        edited_at=_moment(item, "edited"),
        reply_to=None if opens else answered or opener,
        thread=opener,
        links=tuple(link for link in body.links if not link.startswith(f"{place.site}/user/")),
        media=body.media,
        raw=raw,
    )


def _author(item: Item, place: Place) -> Author | None:
    """Who wrote it; a guest has no number, a deleted account none either."""
    told = item.get("user")
    told = told if isinstance(told, Mapping) else {}
    handle = clean(html.unescape(str(told.get("username") or item.get("handle") or ""))).strip()
    number = _id(told.get("uid")) or _id(item.get("uid"))
    if number is None or number == "0":
        return Author(id=handle.lower(), handle=handle) if handle and not handle.startswith("[[") else None
    shown = clean(html.unescape(str(told.get("fullname") or told.get("displayname") or ""))).strip()
    groups = told.get("groupTitleArray")
    team = isinstance(groups, list) and any(isinstance(one, str) and one in _TEAM for one in groups)
    return Author(
        id=number,
        handle=handle or None,
        name=shown if shown and shown != handle else None,
        official=place.official and team,
    )


def _moment(item: Item, name: str) -> datetime | None:
    """A time in UTC: milliseconds since 1970, which older versions write as text, or the same in words."""
    with contextlib.suppress(ValueError, OverflowError, TypeError, OSError):
        count = int(item[name]) if item.get(name) else 0
        if count > 0:
            return datetime.fromtimestamp(count / 1000, UTC)
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(str(item.get(f"{name}ISO") or ""))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return None
