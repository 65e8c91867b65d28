"""Turns one record of an export, from JSON or CSV, into a post."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from connectors._html import clean, web_address
from connectors.post import KINDS, MEDIA_KINDS, Account, Author, Media, Post

_SPLIT = re.compile(r"[\s|;]+")
_TRUE, _FALSE = {"true", "yes", "1"}, {"false", "no", "0", ""}


def read_record(record: Any, account: Account, file: str, raw: bytes) -> Post:
    """A record whose fields are those of a post; ``id`` and ``text`` must be there, the rest may be.

    A record that names another platform is that platform's post and keeps its origin; every other one belongs to
    ``account`` and ``file``, so that the ids of two exports never meet.

    Raises:
        ValueError: a field is missing or wrong; the text names it and says what to write.
    """
    if not isinstance(record, Mapping):
        raise ValueError("a record is an object with at least id and text")
    id_ = _text(record, "id")
    if not id_:
        raise ValueError("id is missing")
    if not isinstance(record.get("text"), str):
        raise ValueError("text is missing or no text")
    platform = _text(record, "platform") or account.platform
    origin = _text(record, "origin") or ("" if platform != account.platform else f"{account.name}/{file}")
    kind = _text(record, "kind") or "post"
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}")
    return Post(
        platform=platform,
        origin=origin,
        id=id_,
        kind=kind,
        text=clean(record["text"]),
        url=web_address(_text(record, "url") or ""),
        author=_author(record, official=account.official and kind == "post"),
        language=_text(record, "language"),
        created_at=_moment(record, "created_at"),
        edited_at=_moment(record, "edited_at"),
        reply_to=_text(record, "reply_to"),
        thread=_text(record, "thread") or _text(record, "reply_to") or id_,
        links=tuple(link for link in map(web_address, _list(record, "links")) if link),
        media=tuple(_media(one) for one in _list(record, "media")),
        raw=raw,
    )


def _text(record: Mapping[str, Any], name: str) -> str | None:
    """A short field as text, numbers included; ``None`` where it is absent or empty."""
    value = record.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float | None):
        raise ValueError(f"{name} must be a text")
    return (clean(str(value)).strip() or None) if value is not None else None


def _author(record: Mapping[str, Any], *, official: bool) -> Author | None:
    """The author as an object, as a bare handle, or spread over ``author_id``, ``author_handle``, …, as in CSV."""
    given = record.get("author")
    if given is None or isinstance(given, str):
        fields = ("id", "handle", "name", "official")
        spread = {field: record[f"author_{field}"] for field in fields if record.get(f"author_{field}") is not None}
        given = {"handle": given, **spread} if given else spread
    if not isinstance(given, Mapping):
        raise ValueError("author must be a text or an object with id, handle, name, official")
    handle, name = _text(given, "handle"), _text(given, "name")
    id_ = _text(given, "id") or (handle or "").lstrip("@") or name
    told = _truth(given.get("official"))
    return Author(id=id_, handle=handle, name=name, official=official if told is None else told) if id_ else None


def _truth(value: Any) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if str(value).strip().lower() in _TRUE | _FALSE:
        return str(value).strip().lower() in _TRUE
    raise ValueError("official must be true or false")


def _moment(record: Mapping[str, Any], name: str) -> datetime | None:
    text = _text(record, name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{name} must be a time such as 2026-11-20T08:15:00Z") from None


def _list(record: Mapping[str, Any], name: str) -> list[Any]:
    """A list, or a text that holds one: JSON, or items set apart by spaces, bars or semicolons."""
    value = record.get(name)
    if value is None or value == "":
        return []
    if isinstance(value, str):
        if value.lstrip().startswith("["):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                raise ValueError(f"{name} begins like a JSON list but is none") from None
        else:
            return [part for part in _SPLIT.split(value) if part]
    if not isinstance(value, list) or not all(isinstance(one, str | dict) for one in value):
        raise ValueError(f"{name} must be a list")
    return [one for one in value if name == "media" or isinstance(one, str)]


def _media(item: Any) -> Media:
    if isinstance(item, str):
        return Media(kind=_guessed(item), url=web_address(item))
    kind = _text(item, "kind") or "other"
    if kind not in MEDIA_KINDS:
        raise ValueError(f"a medium's kind must be one of {', '.join(MEDIA_KINDS)}")
    return Media(kind=kind, url=web_address(_text(item, "url") or ""), alt=_text(item, "alt"))


def _guessed(address: str) -> str:
    """The kind by the ending of the name, where an export gives the address only."""
    try:
        ending = urlsplit(address).path.lower().rpartition(".")[2]
    except ValueError:
        return "other"
    kinds = {"image": "jpg jpeg png gif webp avif", "video": "mp4 mov webm m4v", "audio": "mp3 m4a ogg wav"}
    return next((kind for kind, endings in kinds.items() if ending in endings.split()), "other")
