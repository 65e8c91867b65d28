"""The nouns that platforms are turned into: Account, Author, Media, Post, Cursor, Gap and Page; pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

KINDS = ("post", "comment", "reply", "review", "report")
READS = ("posts", "comments", "mentions", "search")
MEDIA_KINDS = ("image", "video", "audio", "other")


@dataclass(frozen=True, kw_only=True)
class Account:
    """One source that is read: a platform, a target on it, and what is read there.

    ``target`` is what the platform calls the source: a handle, a page id, a feed address, a folder, a query.
    ``official`` says that the school owns it; ``token`` is the secret itself and never shows in ``repr``. ``schools``
    are those that a shared search looks for, where it is built from their terms; none means ``school``, or any.
    """

    name: str
    platform: str
    target: str
    school: str | None = None
    reads: tuple[str, ...] = ("posts",)
    official: bool = False
    base_url: str | None = None
    allow_private: bool = False
    token: str | None = field(default=None, repr=False)
    schools: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Author:
    """Who wrote a post, as the platform names them; ``official`` says that the school's own account wrote it."""

    id: str
    handle: str | None = None
    name: str | None = None
    official: bool = False


@dataclass(frozen=True, kw_only=True)
class Media:
    """One picture, video or sound that belongs to a post: named by address, never downloaded."""

    kind: str
    url: str | None = None
    alt: str | None = None


@dataclass(frozen=True, kw_only=True)
class Post:
    """One version of one public post, comment, reply, review or report.

    ``origin`` is the instance, site or feed, and empty where the platform's ids are global.
    ``reply_to`` and ``thread`` are ids on the same platform and origin. All times are aware and in UTC.
    ``raw`` is what the platform sent for this post, ``sha256`` the hexadecimal digest of it.
    """

    platform: str
    id: str
    kind: str
    text: str
    origin: str = ""
    url: str | None = None
    author: Author | None = None
    language: str | None = None
    created_at: datetime | None = None
    edited_at: datetime | None = None
    reply_to: str | None = None
    thread: str | None = None
    links: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    raw: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        """Refuse what could never be stored: no id, an unknown kind, a time without a zone."""
        if not self.platform or not self.id:
            raise ValueError("a post needs a platform and an id")
        if self.kind not in KINDS:
            raise ValueError(f"kind {self.kind!r} is not one of {', '.join(KINDS)}")
        for name in ("created_at", "edited_at"):
            moment = getattr(self, name)
            if moment is not None and moment.tzinfo is None:
                raise ValueError(f"{name} needs a time zone")

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes a post unique: platform, origin, id."""
        return (self.platform, self.origin, self.id)

    @property
    def sha256(self) -> str:
        """The hexadecimal SHA-256 of the raw bytes."""
        return hashlib.sha256(self.raw).hexdigest()

    @property
    def content_digest(self) -> str:
        """The digest that tells one version of a post from the next: what its readers see, and nothing else.

        Counters, request ids and the like change the raw bytes at every poll, so they do not count.
        """
        seen = {
            "kind": self.kind,
            "text": self.text,
            "reply_to": self.reply_to,
            "links": list(self.links),
            "media": [[m.kind, m.alt] for m in self.media],
        }
        return hashlib.sha256(json.dumps(seen, sort_keys=True, ensure_ascii=True).encode()).hexdigest()

    def as_dict(self) -> dict[str, Any]:
        """The post as plain JSON values, raw bytes left out, absent values as ``None``, times in RFC 3339 UTC."""
        author = self.author
        return {
            "platform": self.platform,
            "origin": self.origin,
            "id": self.id,
            "kind": self.kind,
            "url": self.url,
            "author": None
            if author is None
            else {"id": author.id, "handle": author.handle, "name": author.name, "official": author.official},
            "text": self.text,
            "language": self.language,
            "created_at": rfc3339(self.created_at),
            "edited_at": rfc3339(self.edited_at),
            "reply_to": self.reply_to,
            "thread": self.thread,
            "links": list(self.links),
            "media": [{"kind": m.kind, "url": m.url, "alt": m.alt} for m in self.media],
            "sha256": self.sha256,
        }

    @classmethod
    def from_dict(cls, body: Mapping[str, Any], raw: bytes = b"") -> Post:
        """The post that ``as_dict`` wrote.

        Raises:
            KeyError: a field that every post has is missing.
            ValueError: a field's value cannot be.
        """
        author = body.get("author")
        return cls(
            platform=body["platform"],
            origin=body.get("origin") or "",
            id=body["id"],
            kind=body["kind"],
            url=body.get("url"),
            author=None if author is None else Author(**author),
            text=body["text"],
            language=body.get("language"),
            created_at=parse_time(body.get("created_at")),
            edited_at=parse_time(body.get("edited_at")),
            reply_to=body.get("reply_to"),
            thread=body.get("thread"),
            links=tuple(body.get("links") or ()),
            media=tuple(Media(**m) for m in body.get("media") or ()),
            raw=raw,
        )


def parse_time(text: str | None) -> datetime | None:
    """An RFC 3339 time as an aware one in UTC; ``None`` stays ``None``.

    Raises:
        ValueError: it is no such time, or has no zone.
    """
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone")
    return moment.astimezone(UTC)


def rfc3339(moment: datetime | None) -> str | None:
    """A time as RFC 3339 in UTC, ``2026-11-20T08:15:00Z``, with microseconds only where there are any."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """Where reading goes on: a text that only its own connector understands."""

    state: str


@dataclass(frozen=True, kw_only=True)
class Gap:
    """A stretch of time that a platform could not give, and why; an open end is ``None``."""

    start: datetime | None
    end: datetime | None
    why: str


@dataclass(frozen=True, kw_only=True)
class Oddity:
    """One item of an otherwise sound page that could not be understood, kept with its bytes."""

    raw: bytes
    why: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer of a platform: posts oldest first, where to go on, whether more waits, and what is missing.

    ``gaps`` are told once. ``lacks`` says in words what cannot be read at all at present although the rest can, such as
    for want of a permission: with every page for as long as that lasts.
    """

    posts: tuple[Post, ...]
    cursor: Cursor | None
    more: bool = False
    gaps: tuple[Gap, ...] = ()
    oddities: tuple[Oddity, ...] = ()
    lacks: tuple[str, ...] = ()
