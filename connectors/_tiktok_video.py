"""Turns what TikTok's Display API sends (an account's own videos) into posts; pure.

What is read of a video is its caption. TikTok gives it twice, as title and as description, one of them often cut.
How often a video was liked, shared, seen and commented on stands in what is kept of it, not in its text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from connectors._html import clean, web_address
from connectors._toot import dump
from connectors.post import Author, Media, Post

Item = Mapping[str, Any]

FIELDS = (
    "id,create_time,title,video_description,share_url,embed_link,duration,"
    "like_count,comment_count,share_count,view_count"
)
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_HANDLE = re.compile(r"/@([\w.]{1,60})/", re.ASCII)
_LINK = re.compile(r"https?://[^\s<>\"]+")
_PUNCTUATION = ".,;:!?)]}'’”…"


def to_post(item: Item, *, own: Author) -> Post:
    """A video of the account ``own``.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a video.
    """
    number, text = video_id(item), _caption(item)
    address = _address(item, "share_url")
    return Post(
        platform="tiktok",
        id=number,
        kind="post",
        text=text,
        url=address,
        author=own,
        created_at=_moment(item.get("create_time")),
        thread=number,
        links=_links(text),
        media=(Media(kind="video", url=_address(item, "embed_link") or address),),
        raw=dump(item),
    )


def video_id(item: Item) -> str:
    """The id of a video.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it has none that could be used.
    """
    number = item["id"]
    if isinstance(number, bool) or not isinstance(number, str | int) or not _ID.fullmatch(str(number)):
        raise ValueError("without a usable id")
    return str(number)


def handle_of(item: Any) -> str | None:
    """Whose video it is, by its address, where that tells it."""
    address = item.get("share_url") if isinstance(item, dict) else None
    found = _HANDLE.match(_path(address)) if isinstance(address, str) else None
    return found[1] if found else None


def _caption(item: Item) -> str:
    title, description = clean(_word(item, "title")).strip(), clean(_word(item, "video_description")).strip()
    shorter, longer = sorted((title, description), key=len)
    if longer.startswith(shorter.rstrip("….")):
        return longer
    return f"{title}\n\n{description}"


def _address(item: Item, name: str) -> str | None:
    """An address of the video without the marks by which TikTok knows the app that asked."""
    address = web_address(_word(item, name))
    return address.partition("?")[0] if address else None


def _path(address: str) -> str:
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


def _moment(value: Any) -> datetime | None:
    """Seconds since 1970 in UTC; what cannot be read is unknown, which is no reason to lose the video."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _links(text: str) -> tuple[str, ...]:
    found = (web_address(match.rstrip(_PUNCTUATION)) for match in _LINK.findall(text))
    return tuple(dict.fromkeys(address for address in found if address))


def _word(item: Item, name: str) -> str:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} that is no text")
    return value or ""
