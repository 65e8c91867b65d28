"""Turns what WordPress sends by REST (posts and comments) into posts; pure.

Posts and comments are numbered apart, so a comment's id is written as its anchor is: ``comment-5``.
"""

from __future__ import annotations

import contextlib
import html
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors._html import Plain, clean, plain, web_address
from connectors.post import Author, Media, Oddity, Post

Item = Mapping[str, Any]
_MEDIA_KINDS = ("image", "video", "audio")


def read_item(item: Any, origin: str, *, comment: bool, official: bool) -> Post | Oddity:
    """One post or comment, or the item set aside with the reason; ``official`` says that the site is the school's."""
    raw = dump(item)
    try:
        return _comment(item, origin, raw) if comment else _article(item, origin, raw, official)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        named = str(exc)[:60] if isinstance(exc, KeyError) or str(exc).startswith("with") else ""
        return Oddity(raw=raw, why=f"an item that cannot be read: {type(exc).__name__} {named}".rstrip())


def number_of(item: Any) -> int | None:
    """The number of a post or comment, or ``None`` where it has none that could be used."""
    found = item.get("id") if isinstance(item, Mapping) else None
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else None


def dump(item: Any) -> bytes:
    """The bytes that are kept of one item: the same JSON without its white space."""
    try:
        return json.dumps(item, ensure_ascii=True, separators=(",", ":")).encode()
    except RecursionError:
        return b'"nested too deep to be kept"'


def _article(item: Item, origin: str, raw: bytes, official: bool) -> Post:
    number, link = _number(item), web_address(str(item.get("link") or ""))
    title, body = _rendered(item, "title", link), _rendered(item, "content", link)
    if not body.text and isinstance(item.get("excerpt"), Mapping):
        body = _rendered(item, "excerpt", link)  # some sites show their posts' text to browsers only
    picture = _featured(item)
    shown = {media.url: media for media in (*picture, *body.media)}
    created = _moment(item, "date_gmt")
    changed = _moment(item, "modified_gmt")
    language = item.get("lang")  # where a plug-in for several languages gives one
    return Post(
        platform="wordpress",
        origin=origin,
        id=number,
        kind="post",
        text="\n\n".join(part for part in (title.text, body.text) if part),
        url=link,
        author=_author(item, origin, official),
        language=clean(language)[:35] if isinstance(language, str) and language else None,
        created_at=created,
        edited_at=changed if changed and created and changed > created else None,
        thread=number,
        links=body.links,
        media=tuple(shown.values()),
        raw=raw,
    )


def _comment(item: Item, origin: str, raw: bytes) -> Post:
    number, link = _number(item), web_address(str(item.get("link") or ""))
    body = _rendered(item, "content", link)
    parent, under = item.get("parent") or 0, item.get("post") or 0
    thread = str(under) if under else None
    name = clean(html.unescape(str(item.get("author_name") or ""))).strip()
    writer = f"user-{item['author']}" if item.get("author") else name
    return Post(
        platform="wordpress",
        origin=origin,
        id=f"comment-{number}",
        kind="reply" if parent else "comment",
        text=body.text,
        url=link,
        author=Author(id=writer, name=name or None) if writer else None,
        created_at=_moment(item, "date_gmt"),
        reply_to=f"comment-{parent}" if parent else thread,
        thread=thread,
        links=body.links,
        media=body.media,
        raw=raw,
    )


def _number(item: Item) -> str:
    number = number_of(item)
    if number is None:
        raise ValueError("without a usable id")
    return str(number)


def _rendered(item: Item, name: str, link: str | None) -> Plain:
    value = item[name]["rendered"]
    if not isinstance(value, str):
        raise TypeError(f"with {name} that is no text")
    return plain(value, link or "")


def _embedded(item: Item, name: str) -> Item | None:
    """The first of what was asked for along with the post; WordPress puts an error there where it must not be seen."""
    held = item.get("_embedded")
    found = held.get(name) if isinstance(held, Mapping) else None
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, Mapping) and "code" not in first else None


def _author(item: Item, origin: str, official: bool) -> Author | None:
    """Who wrote a post; where an official site does not say, the site itself did."""
    told = _embedded(item, "author")
    number = item.get("author")
    if told is not None and told.get("name"):
        return Author(
            id=f"user-{number}",
            handle=clean(str(told.get("slug") or "")) or None,
            name=clean(html.unescape(str(told["name"]))).strip(),
            official=official,
        )
    if number:
        return Author(id=f"user-{number}", official=official)
    return Author(id=origin, official=True) if official else None


def _featured(item: Item) -> Iterator[Media]:
    """The picture above a post."""
    told = _embedded(item, "wp:featuredmedia")
    address = web_address(str(told.get("source_url") or "")) if told is not None else None
    if told is not None and address:
        kind = str(told.get("mime_type") or told.get("media_type") or "").partition("/")[0]
        alt = clean(str(told.get("alt_text") or "")).strip()
        yield Media(kind=kind if kind in _MEDIA_KINDS else "other", url=address, alt=alt or None)


def _moment(item: Item, name: str) -> datetime | None:
    """A time that WordPress writes in UTC without saying so; one that cannot be read is unknown."""
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(str(item.get(name) or ""))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return None
