"""Turns what the Threads API sends (posts, replies, quotes) into posts; pure.

A poll's answers, a long text's attachment and the topic that readers see above a post are part of its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors._html import clean, web_address
from connectors._toot import dump, id_of
from connectors.post import Author, Media, Post

Item = Mapping[str, Any]

_LINK = re.compile(r"https?://[^\s<>\"]+")
_PUNCTUATION = ".,;:!?)]}'’”…"
_KINDS = {"IMAGE": "image", "VIDEO": "video", "AUDIO": "audio"}
_REPOST = "REPOST_FACADE"
_OPTIONS = ("option_a", "option_b", "option_c", "option_d")


def to_post(item: Item, *, own: Author | None, owned: bool = False, root: str | None = None) -> Post | None:
    """A post or reply, or ``None`` where it only repeats another's; ``owned`` says that only ``own`` can have written.

    ``root`` is the post under which it was found. The kind depends on the item alone, so it is the same by every way.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a post.
    """
    number = id_of(item)
    if number is None:
        raise ValueError("without a usable id")
    if item.get("media_type") == _REPOST:
        return None
    answered, begun = id_of(item.get("replied_to")), id_of(item.get("root_post"))
    is_reply = item.get("is_reply") is True or answered is not None
    text = _text(item)
    return Post(
        platform="threads",
        id=number,
        kind="reply" if is_reply else "post",
        text=text,
        url=web_address(str(item.get("permalink") or "")),
        author=_author(item, own, owned),
        created_at=_moment(item),
        reply_to=(answered or begun or root) if is_reply else None,
        thread=begun or root or answered or number,
        links=tuple(dict.fromkeys(_links(item, text))),
        media=tuple(_media(item)),
        raw=dump(item),
    )


def _text(item: Item) -> str:
    parts = [_word(item, "text")]
    attached = item.get("text_attachment")
    if isinstance(attached, dict):
        parts.append(_word(attached, "plaintext"))
    poll = item.get("poll_attachment")
    if isinstance(poll, dict):
        parts.append("\n".join(f"- {_word(poll, name)}" for name in _OPTIONS if _word(poll, name)))
    topic = _word(item, "topic_tag").strip().lstrip("#")
    if topic and topic.lower() not in parts[0].lower():
        parts.append(f"#{topic}")
    return "\n\n".join(part for part in parts if part)


def _author(item: Item, own: Author | None, owned: bool) -> Author | None:
    """Who wrote an item; of others Threads tells the name alone, and of those with private profiles not even that."""
    name = _word(item, "username").strip().lstrip("@")
    mine = own is not None and (
        owned or item.get("is_reply_owned_by_me") is True or (bool(name) and name.lower() == (own.handle or "").lower())
    )
    if mine and own is not None:
        return Author(id=own.id, handle=name or own.handle, official=own.official)
    return Author(id=name, handle=name) if name else None


def _word(item: Item, name: str) -> str:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} that is no text")
    return clean(value or "")


def _moment(item: Item) -> datetime | None:
    moment = item.get("timestamp")
    if moment is None:
        return None
    read = datetime.fromisoformat(moment)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)


def _links(item: Item, text: str) -> Iterator[str]:
    attached = item.get("text_attachment")
    for source in (item, attached if isinstance(attached, dict) else {}):
        address = web_address(str(source.get("link_attachment_url") or ""))
        if address:
            yield address
    for match in _LINK.findall(text):
        address = web_address(match.rstrip(_PUNCTUATION))
        if address:
            yield address


def _media(item: Item) -> Iterator[Media]:
    """The picture, film or sound of an item, or those of its carousel, and a moving picture that was chosen for it."""
    within = item.get("children")
    children = within.get("data") if isinstance(within, dict) else None
    for one in children if isinstance(children, list) and children else [item]:
        kind = _KINDS.get(str(one.get("media_type")))
        address = web_address(str(one.get("media_url") or one.get("thumbnail_url") or ""))
        if kind is not None or address is not None:
            yield Media(kind=kind or "other", url=address, alt=_word(one, "alt_text").strip() or None)
    moving = web_address(str(item.get("gif_url") or ""))
    if moving:
        yield Media(kind="image", url=moving)
