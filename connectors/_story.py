"""Turns what Facebook's Graph API sends (posts, comments, replies of a Page) into posts; pure.

Facebook's word for a post that it wrote itself ("… updated their cover photo.") is a story; it is the text where
there is no message. Previews of links are media of kind ``other``: their title is read, their picture is not ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors._html import clean
from connectors.post import Author, Media, Post
from connectors.profile import Profile, linked, plain

Item = Mapping[str, Any]

_SITE = "https://www.facebook.com"
_LINK = re.compile(r"https?://[^\s<>\"]+")
_PUNCTUATION = ".,;:!?)]}'’”…"
# media_type of posts, and type of comments' attachments.
_PICTURES = ("photo", "sticker", "animated_image", "cover", "profile_media")
_MOVING = ("video",)
_SHARED = ("link", "share", "event", "note", "map", "fallback", "avatar", "native_templates")


def page_of(number: str) -> str | None:
    """The page (or profile) on which a post stands: the part of its id before the underscore."""
    page, line, _ = number.partition("_")
    return page if line and page.isdecimal() else None


def to_profile(body: Item, *, whole: bool) -> Profile:
    """What a page says of itself; an unpublished one is seen by nobody but those who manage it."""
    texts = (plain(body.get("about")), plain(body.get("description")))
    return Profile(
        handle=plain(body.get("username")),
        name=plain(body.get("name")),
        about=" ".join(filter(None, texts)),
        links=linked(body.get("website")),
        protected=body.get("is_published") is False if "is_published" in body else None,
        unseen="" if whole else "Facebook did not give the page's long description",
    )


def to_post(item: Item, *, author: Author | None, owner: str | None) -> Post:
    """A post; ``author`` is who wrote it where the item does not say, ``owner`` the id of the school's own page.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a post.
    """
    return _post(item, kind="post", author=_author(item, owner) or author, attachments=_attachments(item))


def to_comment(item: Item, *, under: str, owner: str | None) -> Post:
    """A comment on the post ``under``, or a reply where it answers another comment.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a comment.
    """
    parent = item.get("parent") or {}
    attached = item.get("attachment")
    return _post(
        item,
        kind="reply" if parent.get("id") else "comment",
        author=_author(item, owner),
        attachments=[attached] if attached else [],
        reply_to=clean(str(parent.get("id") or under)),
        thread=under,
    )


def written(item: Item) -> datetime | None:
    """When an item was published: Graph writes ``+0000``, its webhooks seconds since 1970."""
    moment = item.get("created_time")
    if moment is None:
        return None
    if isinstance(moment, int):
        return datetime.fromtimestamp(moment, UTC)
    read = datetime.fromisoformat(moment)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def direct(address: str) -> str:
    """The address behind Facebook's redirect, ``l.facebook.com/l.php?u=…``; any other address as it is."""
    try:
        parts = urlsplit(address)
        if parts.hostname in ("l.facebook.com", "lm.facebook.com") and parts.path == "/l.php":
            return parse_qs(parts.query)["u"][0]
    except (ValueError, KeyError, IndexError):
        return address
    return address


def as_bytes(value: Any) -> bytes:
    """An item as it is kept: JSON in ASCII, keys sorted."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _post(
    item: Item,
    *,
    kind: str,
    author: Author | None,
    attachments: list[Item],
    reply_to: str | None = None,
    thread: str | None = None,
) -> Post:
    number, said = clean(str(item["id"])), item.get("message") or item.get("story") or ""
    if not isinstance(said, str):
        raise TypeError("a message of Facebook is a string")
    text, address = clean(said), clean(str(item.get("permalink_url") or f"/{number}"))
    return Post(
        platform="facebook",
        id=number,
        kind=kind,
        text=text,
        url=_SITE + address if address.startswith("/") else address,
        author=author,
        created_at=written(item),
        reply_to=reply_to,
        thread=thread or number,
        links=tuple(dict.fromkeys(_links(text, attachments))),
        media=tuple(_media(attachments, text)),
        raw=as_bytes(item),
    )


def _author(item: Item, owner: str | None) -> Author | None:
    """Who wrote an item; Facebook hides it from tokens that may not know."""
    writer = item.get("from") or {}
    if not writer.get("id"):
        return None
    number = clean(str(writer["id"]))
    return Author(id=number, name=_word(writer.get("name")), official=number == owner)


def _word(value: Any) -> str | None:
    """A piece of text as a store can hold it, or nothing where Facebook sent something else in its place."""
    return clean(value) if isinstance(value, str) else None


def _attachments(item: Item) -> list[Item]:
    """The attachments of a post, each album taken apart."""
    found: list[Item] = []
    for attached in (item.get("attachments") or {}).get("data") or ():
        parts = (attached.get("subattachments") or {}).get("data")
        found.extend(parts or [attached])
    return found


def _type(attached: Item) -> str:
    named = str(attached.get("media_type") or attached.get("type") or "")
    return str(attached.get("type") or named) if named == "album" else named


def _media(attachments: list[Item], text: str) -> Iterator[Media]:
    for attached in attachments:
        named, media = _type(attached), attached.get("media") or {}
        kind = "image" if named.startswith(_PICTURES) else "video" if named.startswith(_MOVING) else "other"
        picture = (media.get("image") or {}).get("src")
        said = (clean(str(attached.get(key) or "")).strip() for key in ("title", "description"))
        alt = "\n".join(dict.fromkeys(words for words in said if words and words != text.strip()))
        if picture or alt or kind != "other":
            yield Media(kind=kind, url=_word(media.get("source")) or _word(picture), alt=alt or None)


def _links(text: str, attachments: list[Item]) -> Iterator[str]:
    for found in _LINK.findall(text):
        yield direct(found.rstrip(_PUNCTUATION))
    for attached in attachments:
        if _type(attached).startswith(_SHARED):
            address = attached.get("unshimmed_url") or attached.get("url") or (attached.get("target") or {}).get("url")
            if address:
                yield direct(clean(str(address)))
