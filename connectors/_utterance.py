"""Turns what the forum software Discourse sends (posts of topics) into posts; pure.

A post is known by its topic and its number in it (``41/3``), as its answers name it. What was deleted, hidden after
flags, or is a notice of the software itself is nothing.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from connectors._html import Plain, clean, plain
from connectors.post import Author, Oddity, Post

Item = Mapping[str, Any]
_REGULAR, _MODERATOR = 1, 2
_SLUG = re.compile(r"[^\s/?#]{1,300}")
# What a picture's frame adds: its file's name, size and bytes, and a link to the file itself.
_FRAME = re.compile(r'<div class="meta">.*?</div>|<a class="lightbox"[^>]*>', re.DOTALL)
_AVATAR = re.compile(r"/(?:user_avatar|letter_avatar|letter_avatar_proxy)/")


def read_utterance(item: Any, site: str, origin: str, *, official: bool) -> Post | Oddity | None:
    """One post of a topic, set aside with the reason, or nothing where it is gone or no person's words.

    ``site`` is the forum's public address, ``official`` says that the forum is the school's: its staff then is, too.
    """
    raw = dump(item)
    try:
        return None if _is_gone(item) else _post(item, site, origin, raw, official)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        named = str(exc)[:60] if isinstance(exc, KeyError) or str(exc).startswith("with") else ""
        return Oddity(raw=raw, why=f"a forum post that cannot be read: {type(exc).__name__} {named}".rstrip())


def key_of(item: Any) -> str | None:
    """Topic and number of a post, or ``None`` where it has none that could be used."""
    if not isinstance(item, Mapping):
        return None
    topic, number = item.get("topic_id"), item.get("post_number")
    return f"{topic}/{number}" if _counts(topic) and _counts(number) else None


def id_of(item: Any) -> int | None:
    """The forum's own number of a post, by which lists are paged."""
    found = item.get("id") if isinstance(item, Mapping) else None
    return found if isinstance(found, int) and _counts(found) else None


def dump(item: Any) -> bytes:
    """The bytes that are kept of one post: the same JSON without its white space."""
    try:
        return json.dumps(item, ensure_ascii=True, separators=(",", ":")).encode()
    except RecursionError:
        return b'"nested too deep to be kept"'


def _counts(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**15


def _is_gone(item: Item) -> bool:
    """Whether it is deleted, hidden, or an entry such as "closed this topic"; whispers are the staff's alone."""
    if item.get("deleted_at") or item.get("user_deleted") or item.get("hidden"):
        return True
    return item.get("post_type", _REGULAR) not in (_REGULAR, _MODERATOR)


def _post(item: Item, site: str, origin: str, raw: bytes, official: bool) -> Post:
    key = key_of(item)
    if key is None:
        raise ValueError("without a usable topic or number")
    topic, number = key.split("/")
    slug = str(item.get("topic_slug") or "")
    url = f"{site}/t/{slug if _SLUG.fullmatch(slug) else '-'}/{topic}/{number}"
    body = _body(item, url)
    title = clean(str(item.get("topic_title") or "")).strip() if number == "1" else ""
    answered = item.get("reply_to_post_number")
    version = item.get("version")
    return Post(
        platform="forum",
        origin=origin,
        id=key,
        kind="post" if number == "1" else "reply" if _counts(answered) else "comment",
        text="\n\n".join(part for part in (title, body.text) if part),
        url=url,
        author=_author(item, official),
        language=clean(str(item["locale"]))[:35] if item.get("locale") else None,
        created_at=_moment(item.get("created_at")),
        edited_at=_moment(item.get("updated_at")) if isinstance(version, int) and version > 1 else None,
        reply_to=None if number == "1" else f"{topic}/{answered if _counts(answered) else 1}",
        thread=f"{topic}/1",
        links=body.links,
        media=body.media,
        raw=raw,
    )


def _body(item: Item, url: str) -> Plain:
    if not isinstance(item["cooked"], str):
        raise TypeError("with cooked that is no text")
    body = plain(_FRAME.sub("", item["cooked"]), url)
    shown = (one for one in body.media if not one.url or not _AVATAR.search(urlsplit(one.url).path))
    return replace(body, media=tuple(shown))


def _author(item: Item, official: bool) -> Author | None:
    handle = clean(str(item.get("username") or "")).strip()
    if not handle:
        return None  # the account was deleted
    name = clean(str(item.get("name") or item.get("display_username") or "")).strip()
    staff = any(item.get(role) is True for role in ("staff", "admin", "moderator"))
    return Author(
        id=str(item.get("user_id") or handle.lower()), handle=handle, name=name or None, official=official and staff
    )


def _moment(text: Any) -> datetime | None:
    """A time in UTC; one that cannot be read is unknown, which is no reason to lose the post."""
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(str(text or ""))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return None
