"""Turns what the forum software Misago sends (lists of threads, posts of a thread) into posts; pure.

A post is known by its number, which stays when it is moved to another thread. Hidden posts, posts that wait for
approval and events such as "closed this thread" are nothing.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors._html import clean, plain, web_address
from connectors._topic import Leaf, Listing, Place, Sheet, Topic, counts, dump
from connectors.errors import UnexpectedResponseError
from connectors.post import Author, Media, Oddity, Post

NAME = "misago"
LIST = "/api/threads/"
MOST_LISTED: int | None = None
_PINNED_EVERYWHERE = 2
_ADDRESS = re.compile(r"/threads/(\d{1,15})/posts/")
_TEAM = "forum-team"  # the rank that Misago itself gives to those who run the forum

Item = Mapping[str, Any]


def listing_of(answer: Any) -> Listing:
    """One page of threads; newer versions page by a post's number, older ones by pages.

    Raises:
        UnexpectedResponseError: it is no such page.
    """
    if not isinstance(answer, Mapping) or not isinstance(answer.get("results"), list) or "next" not in answer:
        raise UnexpectedResponseError("the forum answered JSON of another shape than Misago's list of threads")
    onward = answer["next"]
    name = "page" if "pages" in answer else "start"
    read = [_topic(item) for item in answer["results"]]
    return Listing(
        topics=tuple(one for one in read if isinstance(one, Topic)),
        onward={name: str(onward)} if counts(onward) else None,
        oddities=tuple(one for one in read if isinstance(one, Oddity)),
    )


def sheet_at(topic: str, page: int) -> tuple[str, dict[str, str]]:
    """Where a page of a thread's posts is."""
    return f"/api/threads/{topic}/posts/", {"page": str(page)} if page > 1 else {}


def topic_of(item: Any) -> str | None:
    """The thread in which a post stands, by the post's own address."""
    addresses = item.get("api") if isinstance(item, Mapping) else None
    found = _ADDRESS.search(str(addresses.get("index") or "")) if isinstance(addresses, Mapping) else None
    return found[1] if found else None


def sheet_of(answer: Any, place: Place, opener: str | None) -> Sheet:
    """One page of a thread's posts, which begins with the last one of the page before.

    Raises:
        UnexpectedResponseError: it is no such page.
    """
    held = answer.get("post_set") if isinstance(answer, Mapping) else None
    if not isinstance(held, Mapping) or not isinstance(held.get("results"), list):
        raise UnexpectedResponseError("the forum answered JSON of another shape than Misago's posts of a thread")
    page = held["page"] if counts(held.get("page")) else 1
    pages = held["pages"] if counts(held.get("pages")) else page
    items = held["results"]
    if page == 1:
        opener = next((str(i["id"]) for i in items if _has_number(i) and not i.get("is_event")), opener)
    title = clean(str(answer.get("title") or "")).strip()
    return Sheet(
        leaves=tuple(_leaf(item, place, title, opener) for item in items), page=page, pages=pages, opener=opener
    )


def _topic(item: Any) -> Topic | Oddity:
    if not _has_number(item):
        return Oddity(raw=dump(item), why="a thread without a usable number")
    last = item.get("last_post")
    return Topic(
        id=str(item["id"]),
        mark=f"{last}:{item.get('replies')}:{item.get('title')}",
        last_at=_moment(item.get("last_post_on")),
        pinned=item.get("weight") == _PINNED_EVERYWHERE,
    )


def _has_number(item: Any) -> bool:
    return isinstance(item, Mapping) and counts(item.get("id"))


def _leaf(item: Any, place: Place, title: str, opener: str | None) -> Leaf:
    raw = dump(item)
    if not _has_number(item):
        return Leaf(key="", one=Oddity(raw=raw, why="a forum post without a usable number"), title=title)
    key = str(item["id"])
    if item.get("is_event") or item.get("is_hidden") or item.get("is_unapproved"):
        return Leaf(key=key, one=None, title=title)
    try:
        return Leaf(key=key, one=_post(item, place, title, opener, raw), title=title)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        named = str(exc)[:60] if isinstance(exc, KeyError) or str(exc).startswith("with") else ""
        why = f"a forum post that cannot be read: {type(exc).__name__} {named}".rstrip()
        return Leaf(key=key, one=Oddity(raw=raw, why=why), title=title)


def _post(item: Item, place: Place, title: str, opener: str | None, raw: bytes) -> Post:
    key = str(item["id"])
    addresses = item.get("url")
    told = addresses.get("index") if isinstance(addresses, Mapping) else None
    url = web_address(str(told or ""), f"{place.site}/")
    if not isinstance(item["content"], str):
        raise TypeError("with content that is no text")
    body = plain(item["content"], url or f"{place.site}/")
    opens = key == opener
    shown = {media.url: media for media in (*body.media, *_attachments(item, place))}
    return Post(
        platform="forum",
        origin=place.origin,
        id=key,
        kind="post" if opens else "comment",
        text="\n\n".join(part for part in (title if opens else "", body.text) if part),
        url=url,
        author=_author(item, place),
        created_at=_moment(item.get("posted_on")),
        edited_at=_moment(item.get("updated_on")) if counts(item.get("edits")) else None,
        reply_to=None if opens else opener,
        thread=opener,
        links=body.links,
        media=tuple(shown.values()),
        raw=raw,
    )


def _author(item: Item, place: Place) -> Author | None:
    """Who wrote it; of a deleted account only the name is left."""
    told = item.get("poster")
    name = clean(str(item.get("poster_name") or "")).strip()
    if not isinstance(told, Mapping) or not told.get("id"):
        return Author(id=name.lower(), handle=name) if name else None
    rank = told.get("rank")
    team = isinstance(rank, Mapping) and rank.get("slug") == _TEAM
    handle = clean(str(told.get("username") or name)).strip()
    real = clean(str(told.get("real_name") or "")).strip()
    return Author(id=str(told["id"]), handle=handle or None, name=real or None, official=place.official and team)


def _attachments(item: Item, place: Place) -> Iterator[Media]:
    held = item.get("attachments")
    for one in held if isinstance(held, list) else ():
        addresses = one.get("url") if isinstance(one, Mapping) else None
        told = addresses.get("index") if isinstance(addresses, Mapping) else None
        address = web_address(str(told or ""), f"{place.site}/")
        if address:
            name = clean(str(one.get("filename") or "")).strip()
            yield Media(kind="image" if one.get("is_image") else "other", url=address, alt=name or None)


def _moment(text: Any) -> datetime | None:
    """A time in UTC; one that cannot be read is unknown, which is no reason to lose the post."""
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(str(text or ""))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return None
