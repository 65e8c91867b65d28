"""Turns what the Mastodon API calls a status into a post."""

from __future__ import annotations

import contextlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from connectors._html import clean, plain, web_address
from connectors.post import Author, Media, Oddity, Post

_MEDIA_KINDS = {"image": "image", "gifv": "video", "video": "video", "audio": "audio"}
_SOUND_ID = re.compile(r"[!-~]{1,200}")
# snac puts the second before its ids in which the status was last written, and takes any other for it as well.
_SNACS_ID = re.compile(r"\d{10}([0-9a-f]{32})")


def read_status(item: Any, origin: str, *, own: str | None, root: str | None = None) -> Post | Oddity:
    """One status as a post, or set aside with the reason.

    ``own`` is the id of the account that is read, where it is the school's; ``root`` is the id of the thread's
    first status, where it is known. The kind depends on the status alone, so that it is the same by every way in
    which the status is found.
    """
    raw = dump(item)
    try:
        return _post(item, origin, raw, own, root)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        return Oddity(raw=raw, why=f"a status that cannot be read: {type(exc).__name__} {_named(exc)}".rstrip())


def id_of(item: Any) -> str | None:
    """The id of a status, notification or account as text, or ``None`` where it has none that could be used."""
    found = item.get("id") if isinstance(item, dict) else None
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    return _lasting(str(found)) if _SOUND_ID.fullmatch(str(found)) else None


def _lasting(id_: str) -> str:
    """An id that stays when the status is edited, by which the server knows it, too."""
    return _SNACS_ID.sub(r"0000000000\1", id_) if _SNACS_ID.fullmatch(id_) else id_


def dump(item: Any) -> bytes:
    """The bytes that are kept of one item of a larger answer: the same JSON, without its white space."""
    try:
        return json.dumps(item, ensure_ascii=True, separators=(",", ":")).encode()
    except RecursionError:
        return b'"nested too deep to be kept"'


def _post(item: Any, origin: str, raw: bytes, own: str | None, root: str | None) -> Post:
    id_, account = id_of(item), item["account"]
    author_id = id_of(account)
    if id_ is None or author_id is None:
        raise ValueError("without a usable id")
    told = web_address(str(item.get("url") or item.get("uri") or ""))
    body = plain(_given(item, "content"), told or "")
    warning = clean(_given(item, "spoiler_text")).strip()
    reply_to = None if item.get("in_reply_to_id") is None else _lasting(str(item["in_reply_to_id"]))
    return Post(
        platform="mastodon",
        origin=origin,
        id=id_,
        kind="reply" if reply_to else "post",
        text="\n\n".join(part for part in (warning, body.text, *_poll(item)) if part),
        url=told,
        author=_author(account, author_id, origin, official=own is not None and author_id == own),
        language=clean(str(item["language"]))[:35] if item.get("language") else None,
        created_at=_moment(item, "created_at"),
        edited_at=_moment(item, "edited_at"),
        reply_to=reply_to,
        thread=root or reply_to or id_,
        links=body.links,
        media=tuple(_media(one) for one in item.get("media_attachments") or () if isinstance(one, dict)),
        raw=raw,
    )


def _author(account: dict[str, Any], id_: str, origin: str, *, official: bool) -> Author:
    """The handle is the whole one, host included, so that it can be told from a namesake's elsewhere."""
    acct = clean(str(account.get("acct") or account.get("username") or "")).strip().lstrip("@")
    handle = f"{acct}@{origin}" if acct and "@" not in acct else acct
    name = clean(str(account.get("display_name") or "")).strip()
    return Author(id=id_, handle=handle or None, name=name or None, official=official)


def _media(item: dict[str, Any]) -> Media:
    address = web_address(str(item.get("url") or item.get("remote_url") or item.get("preview_url") or ""))
    alt = clean(str(item.get("description") or "")).strip()
    return Media(kind=_MEDIA_KINDS.get(str(item.get("type")), "other"), url=address, alt=alt or None)


def _poll(item: dict[str, Any]) -> list[str]:
    """The answers of a poll, one a line: they are as public as the text."""
    poll = item.get("poll")
    options = poll.get("options") or [] if isinstance(poll, dict) else []
    titles = [clean(str(one["title"])).strip() for one in options if isinstance(one, dict) and one.get("title")]
    return ["\n".join(f"- {title}" for title in titles)] if titles else []


def _given(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if value is None and name != "content":
        return ""
    if not isinstance(value, str):
        raise TypeError(f"with {name} that is no text")
    return value


def _moment(item: dict[str, Any], name: str) -> datetime | None:
    """A time in UTC; one that cannot be read is unknown, which is no reason to lose the post."""
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(str(item.get(name) or ""))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return None


def _named(exc: Exception) -> str:
    """What is missing or wrong, by the name of the field; never by its value."""
    return str(exc)[:60] if isinstance(exc, KeyError) or str(exc).startswith("with") else ""
