"""Turns what YouTube sends (videos, playlist items, search results, comment threads, comments) into posts; pure.

A video is the same post by whichever way it was found: title and description. A comment's text is ``textOriginal``,
and where YouTube keeps that back, ``textDisplay``, which is HTML: ``It&#39;s <br> ...``.
"""

from __future__ import annotations

import contextlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors._html import clean, looks_like_html, plain
from connectors.post import Author, Media, Oddity, Post

Item = Mapping[str, Any]

ODD = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
_SITE = "https://www.youtube.com"
_SOUND_ID = re.compile(r"[!-~]{1,200}")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_PUNCTUATION = ".,;:!?)]}'’”…"
_NO_LANGUAGE = {"zxx", "und"}
_HIDDEN = {"private", "unlisted"}
_STAND_INS = {"Private video", "Deleted video"}


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel: its id, handle (without the at sign), and the playlist that holds its uploads."""

    id: str
    handle: str | None = None
    uploads: str = ""
    official: bool = False


@dataclass(frozen=True, kw_only=True)
class Thread:
    """A comment with those replies that came along; ``replies`` is how many YouTube says it has."""

    id: str
    video: str | None
    posts: tuple[Post, ...]
    oddities: tuple[Oddity, ...]
    replies: int

    @property
    def cut(self) -> bool:
        """Whether there are more replies than came along."""
        return self.replies > len(self.posts) - 1 + len(self.oddities)


def to_channel(item: Item, *, official: bool) -> Channel:
    """A channel of ``channels.list``.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a channel.
    """
    id_ = _id(item["id"])
    details = item.get("contentDetails") or {}
    listed = details.get("relatedPlaylists") or {}
    handle = str((item.get("snippet") or {}).get("customUrl") or "").lstrip("@")
    # Where a channel's uploads are not named, their playlist has the channel's id with another second letter.
    uploads = _id(listed.get("uploads") or f"UU{id_[2:]}")
    return Channel(id=id_, handle=clean(handle) or None, uploads=uploads, official=official)


def film_id(item: Any) -> str | None:
    """The id of the video that an item of any list is about, or ``None`` where it is about none."""
    with contextlib.suppress(*ODD):
        id_, snippet = item.get("id"), item.get("snippet") or {}
        if isinstance(id_, dict):
            return _id(id_["videoId"])
        within = (snippet.get("resourceId") or {}).get("videoId") or (item.get("contentDetails") or {}).get("videoId")
        return _id(within or id_) if within or item.get("kind") in (None, "youtube#video") else None
    return None


def is_hidden(item: Any) -> bool:
    """Whether a video is not public: private, unlisted, or a mere stand-in for a deleted one."""
    if not isinstance(item, dict):
        return False
    status, snippet = item.get("status"), item.get("snippet")
    if isinstance(status, dict) and str(status.get("privacyStatus")) in _HIDDEN:
        return True
    if item.get("kind") != "youtube#playlistItem" or not isinstance(snippet, dict):
        return False
    return str(snippet.get("title")) in _STAND_INS and not snippet.get("thumbnails")


def to_film(item: Item, own: Channel | None) -> Post:
    """A video, by any of the lists in which YouTube names it.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a video.
    """
    id_ = film_id(item)
    if id_ is None:
        raise ValueError("not a video")
    snippet = item["snippet"]
    words = [_text(snippet, name) for name in ("title", "description")]
    if item.get("kind") == "youtube#searchResult":  # these alone are escaped
        words = [html.unescape(text) for text in words]
    text = "\n\n".join(part for part in (clean(words[0]).strip(), clean(words[1]).strip()) if part)
    channel = snippet.get("videoOwnerChannelId") or snippet.get("channelId")
    name = snippet.get("videoOwnerChannelTitle") or snippet.get("channelTitle")
    published = (item.get("contentDetails") or {}).get("videoPublishedAt") or snippet.get("publishedAt")
    return Post(
        platform="youtube",
        id=id_,
        kind="post",
        text=text,
        url=f"{_SITE}/watch?v={id_}",
        author=_author(channel, name, own),
        language=_language(snippet),
        created_at=_moment(published),
        thread=id_,
        links=_links(text),
        media=(Media(kind="video", url=f"{_SITE}/watch?v={id_}"),),
        raw=as_bytes(item),
    )


def to_comment(item: Item, own: Channel | None, *, video: str | None = None, parent: str | None = None) -> Post:
    """A comment or reply; ``video`` and ``parent`` are what it stands under, where it does not say so itself.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a comment.
    """
    id_, snippet = _id(item["id"]), item["snippet"]
    parent, video = _some_id(snippet.get("parentId")) or parent, _some_id(snippet.get("videoId")) or video
    text, links = _words(snippet)
    created, updated = _moment(snippet.get("publishedAt")), _moment(snippet.get("updatedAt"))
    writer = snippet.get("authorChannelId")
    writer = writer.get("value") if isinstance(writer, dict) else writer
    writer = writer or str(snippet.get("authorChannelUrl") or "").rpartition("/")[2] or snippet.get("authorDisplayName")
    return Post(
        platform="youtube",
        id=id_,
        kind="reply" if parent else "comment",
        text=text,
        url=f"{_SITE}/watch?v={video}&lc={id_}" if video else None,
        author=_author(writer, snippet.get("authorDisplayName"), own),
        created_at=created,
        edited_at=updated if updated != created else None,
        reply_to=parent or video,
        thread=video or parent or id_,
        links=links,
        raw=as_bytes(item),
    )


def to_thread(item: Item, own: Channel | None) -> Thread:
    """A thread of ``commentThreads.list`` with the replies that came along, at most five.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a thread.
    """
    snippet = item["snippet"]
    video = _some_id(snippet.get("videoId"))
    top = to_comment(snippet["topLevelComment"], own, video=video)
    count, within = snippet.get("totalReplyCount"), item.get("replies") or {}
    replies, oddities = to_replies(within.get("comments") or [], own, video=video, parent=top.id)
    count = count if isinstance(count, int) else 0
    return Thread(id=top.id, video=video, posts=(top, *replies), oddities=tuple(oddities), replies=count)


def to_replies(
    items: list[Any], own: Channel | None, *, video: str | None, parent: str
) -> tuple[list[Post], list[Oddity]]:
    """The replies of a list, and those items that could not be understood."""
    posts, oddities = [], []
    for item in items:
        try:
            posts.append(to_comment(item, own, video=video, parent=parent))
        except ODD as exc:
            oddities.append(odd(item, "comment", exc))
    return posts, oddities


def odd(item: Any, what: str, exc: Exception) -> Oddity:
    """An item that could not be understood, with its bytes."""
    return Oddity(raw=as_bytes(item), why=f"not a {what} of YouTube: {type(exc).__name__}")


def as_bytes(value: Any) -> bytes:
    """An item as it is kept: JSON in ASCII, keys sorted."""
    try:
        return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    except RecursionError:
        return b'"nested too deep to be kept"'


def _id(value: Any) -> str:
    if not isinstance(value, str) or not _SOUND_ID.fullmatch(value):
        raise ValueError("without a usable id")
    return value


def _some_id(value: Any) -> str | None:
    return value if isinstance(value, str) and _SOUND_ID.fullmatch(value) else None


def _text(snippet: Item, name: str) -> str:
    value = snippet.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"a {name} of YouTube is a string")
    return value or ""


def _words(snippet: Item) -> tuple[str, tuple[str, ...]]:
    """A comment's text as it was written, and the addresses in it."""
    original, shown = _text(snippet, "textOriginal"), _text(snippet, "textDisplay")
    if original or not shown:
        text = clean(original).strip()
        return text, _links(text)
    if not looks_like_html(shown):
        text = clean(html.unescape(shown)).strip()
        return text, _links(text)
    read = plain(shown, _SITE)
    return read.text, tuple(link for link in read.links if not link.startswith(f"{_SITE}/results?"))


def _author(id_: Any, name: Any, own: Channel | None) -> Author | None:
    """Who wrote it; YouTube shows a handle in place of most people's names."""
    shown = clean(name).strip() if isinstance(name, str) else ""
    if not isinstance(id_, str) or not id_:
        return None
    is_own = own is not None and id_ == own.id
    handle = shown[1:] if shown.startswith("@") else own.handle if own is not None and is_own else None
    official = own is not None and is_own and own.official
    return Author(id=clean(id_), handle=handle or None, name=shown or None, official=official)


def _language(snippet: Item) -> str | None:
    for name in ("defaultLanguage", "defaultAudioLanguage"):
        value = snippet.get(name)
        if isinstance(value, str) and value and value not in _NO_LANGUAGE:
            return clean(value)[:35]
    return None


def _links(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found.rstrip(_PUNCTUATION) for found in _LINK.findall(text)))


def _moment(value: Any) -> datetime | None:
    """A time in UTC; one that cannot be read is unknown, which is no reason to lose the post."""
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(str(value or ""))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return None
