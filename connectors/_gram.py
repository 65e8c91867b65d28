"""Turns what the Instagram Graph API sends (media, comments, replies) into posts; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors._html import clean, web_address
from connectors._toot import dump, id_of
from connectors.post import Author, Media, Post
from connectors.profile import Profile, linked, plain

Item = Mapping[str, Any]

_LINK = re.compile(r"https?://[^\s<>\"]+")
_PUNCTUATION = ".,;:!?)]}'’”…"
_KINDS = {"IMAGE": "image", "VIDEO": "video", "REELS": "video", "BROADCAST": "video"}


PROFILE_FIELDS = ("username,name,biography,website", "username,name")


def to_profile(body: Item, whole: bool) -> Profile:
    """What an account says of itself; ``whole`` says that its description was given."""
    return Profile(
        handle=plain(body.get("username")),
        name=plain(body.get("name")),
        about=plain(body.get("biography")),
        links=linked(body.get("website")),
        unseen="" if whole else "Instagram did not give the account's description",
    )


def to_post(item: Item, *, own: Author | None, owned: bool = False) -> Post:
    """A photo, a film or an album; ``own`` is the account that is read, ``owned`` says that only it can have written.

    Media found by a hashtag have no author: Instagram does not tell who published them.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a medium.
    """
    number, text = _number(item), _text(item, "caption")
    writer = _owner(item, own) if owned and own is not None else _author(item.get("username"), item.get("owner"), own)
    return Post(
        platform="instagram",
        id=number,
        kind="post",
        text=text,
        url=web_address(str(item.get("permalink") or "")),
        author=writer,
        created_at=_moment(item),
        thread=number,
        links=links(text),
        media=tuple(_media(item)),
        raw=dump(item),
    )


def to_comment(item: Item, *, under: str, own: Author | None) -> Post:
    """A comment on the medium ``under``, or a reply where it answers another comment.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a comment.
    """
    number, text = _number(item), _text(item, "text")
    answered = str(item["parent_id"]) if item.get("parent_id") else None
    said, medium = item.get("from") or {}, item.get("media") or {}
    return Post(
        platform="instagram",
        id=number,
        kind="reply" if answered else "comment",
        text=text,
        url=web_address(str(medium.get("permalink") or "")),
        author=_author(said.get("username") or item.get("username"), item.get("user") or said, own),
        created_at=_moment(item),
        reply_to=answered or under,
        thread=under,
        links=links(text),
        raw=dump({key: value for key, value in item.items() if key != "replies"}),
    )


def links(text: str) -> tuple[str, ...]:
    """The web addresses that a text holds, in its order."""
    found = (web_address(match.rstrip(_PUNCTUATION)) for match in _LINK.findall(text))
    return tuple(dict.fromkeys(address for address in found if address))


def _owner(item: Item, own: Author) -> Author | None:
    """Who wrote an item of the account's own: the account, unless it names another, with whom it was published."""
    if (id_of(item.get("owner")) or own.id) != own.id:
        return _author(item.get("username"), item.get("owner"), own)
    return Author(id=own.id, handle=_handle(item.get("username")) or own.handle, official=own.official)


def _handle(value: Any) -> str | None:
    return clean(value).strip().lstrip("@") or None if isinstance(value, str) else None


def _author(handle: Any, user: Any, own: Author | None) -> Author | None:
    """Who wrote an item: the school's own account by its id or handle, others as far as Instagram tells."""
    name, number = _handle(handle), id_of(user)
    if own is not None and (number == own.id or (name and own.handle and name.lower() == own.handle.lower())):
        return Author(id=own.id, handle=name or own.handle, official=own.official)
    if not number and not name:
        return None
    return Author(id=str(number or name), handle=name)


def _number(item: Item) -> str:
    number = id_of(item)
    if number is None:
        raise ValueError("without a usable id")
    return number


def _text(item: Item, name: str) -> str:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} that is no text")
    return clean(value or "")


def _moment(item: Item) -> datetime | None:
    """When an item was published: the API writes ``+0000``, its webhooks seconds since 1970."""
    moment = item.get("timestamp")
    if moment is None:
        return None
    if isinstance(moment, int) and not isinstance(moment, bool):
        return datetime.fromtimestamp(moment, UTC)
    read = datetime.fromisoformat(moment)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _media(item: Item) -> Iterator[Media]:
    """The picture or film of an item, or those of its album."""
    within = item.get("children")
    children = within.get("data") if isinstance(within, dict) else None
    for one in children if isinstance(children, list) and children else [item]:
        kind = _KINDS.get(str(one.get("media_type")))
        address = web_address(str(one.get("media_url") or one.get("thumbnail_url") or ""))
        if kind is None and address is None:
            continue
        alt = one.get("alt_text")
        said = clean(alt).strip() if isinstance(alt, str) else ""
        yield Media(kind=kind or "other", url=address, alt=said or None)
