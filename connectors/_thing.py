"""Turns what Reddit calls a thing (a submission, ``t3``, or a comment, ``t1``) into a post; pure.

What its author deleted, or a moderator removed, is no longer public: it is nothing, whatever is left of it.
"""

from __future__ import annotations

import contextlib
import html
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from connectors._html import Plain, clean, plain, web_address
from connectors.post import Author, Media, Oddity, Post

SITE = "https://www.reddit.com"
GONE = (
    *("[deleted]", "[removed]", "[deleted by user]", "[ Removed by Reddit ]"),
    "[ Removed by reddit in response to a copyright notice. ]",
)
_ID = re.compile(r"[0-9a-z]{1,13}")
_THREAD = re.compile(r"/comments/([0-9a-z]{1,13})(?:/|$)")
_PERSON_OR_PLACE = re.compile(r"/(?:u|user|r)/[^/]+/?")
_PICTURE = re.compile(r"\.(?:jpe?g|png|gif|webp)$", re.IGNORECASE)
_ANIMATED = {"image": "image", "animatedimage": "video", "redditvideo": "video"}
_OWN_FILES = ("i.redd.it", "v.redd.it", "preview.redd.it")
_NOT_PUBLIC = ("t4",)  # private messages

Item = Mapping[str, Any]


def read_thing(thing: Any, *, own: str | None) -> Post | Oddity | None:
    """One thing of a listing as a post, set aside with the reason, or nothing where it is none or is gone.

    ``own`` is the name of the school's own account, in lower case.
    """
    if isinstance(thing, Mapping) and thing.get("kind") in _NOT_PUBLIC:
        return None
    try:
        item = thing["data"]
        match thing["kind"]:
            case "t3":
                return None if is_gone(item) else _submission(item, own, dump(thing))
            case "t1":
                return None if is_gone(item) else _comment(item, own, dump(thing))
            case _:
                raise ValueError("with a kind that is neither submission nor comment")
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as exc:
        named = str(exc)[:60] if isinstance(exc, KeyError) or str(exc).startswith("with") else ""
        return Oddity(raw=dump(thing), why=f"a thing that cannot be read: {type(exc).__name__} {named}".rstrip())


def is_gone(item: Item) -> bool:
    """Whether its text was deleted by its author or removed from public view."""
    text = item.get("body") if "body" in item else item.get("selftext")
    if text in GONE or item.get("title") in GONE:
        return True
    return bool(item.get("removed_by_category") or item.get("removal_reason") == "legal")


def name_of(thing: Any) -> str | None:
    """The full name (``t3_abc``) of a thing, or ``None`` where it has none that could be used."""
    try:
        kind, id_ = thing["kind"], thing["data"]["id"]
    except (TypeError, KeyError):
        return None
    return f"{kind}_{id_}" if kind in ("t1", "t3") and isinstance(id_, str) and _ID.fullmatch(id_) else None


def dump(value: Any) -> bytes:
    """The bytes that are kept of one thing: the same JSON without its white space, and without the answers below it."""
    if isinstance(value, Mapping) and isinstance(value.get("data"), Mapping):
        value = {**value, "data": {k: v for k, v in value["data"].items() if k != "replies"}}
    try:
        return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()
    except RecursionError:
        return b'"nested too deep to be kept"'


def _submission(item: Item, own: str | None, raw: bytes) -> Post:
    title, url = _given(item, "title"), _url(item)
    body = _body(item, "selftext")
    shown = _crossposted(item)
    media = tuple({m.url: m for one in (item, *shown) for m in _media(one)}.values())
    texts = [body.text, *_poll(item)]
    for one in shown:  # with a title of its own, the crosspost shows the other's below it
        other = _plain(str(one.get("title") or ""), one)
        texts += [other if other != _plain(title, item) else "", _body(one, "selftext").text]
    links = [*body.links, *_link(item), *(link for one in shown for link in (_url(one) or "", *_link(one)))]
    id_ = f"t3_{_id(item)}"
    return Post(
        platform="reddit",
        id=id_,
        kind="post",
        text="\n\n".join(part for part in (_plain(title, item), *texts) if part),
        url=url,
        author=_author(item, own),
        created_at=_moment(item.get("created_utc")),
        edited_at=_moment(item.get("edited")),
        thread=id_,
        links=tuple(dict.fromkeys(link for link in links if link)),
        media=(*media, *body.media),
        raw=raw,
    )


def _comment(item: Item, own: str | None, raw: bytes) -> Post:
    _given(item, "body")
    body, parent = _body(item, "body"), str(item.get("parent_id") or "")
    found = _THREAD.search(str(item.get("context") or item.get("permalink") or ""))
    thread = str(item.get("link_id") or (f"t3_{found[1]}" if found else "")) or parent or None
    return Post(
        platform="reddit",
        id=f"t1_{_id(item)}",
        kind="reply" if parent.startswith("t1_") else "comment",
        text=body.text,
        url=_url(item),
        author=_author(item, own),
        created_at=_moment(item.get("created_utc")),
        edited_at=_moment(item.get("edited")),
        reply_to=parent or thread,
        thread=thread,
        links=body.links,
        media=(*_inline(item), *body.media),
        raw=raw,
    )


def _id(item: Item) -> str:
    if not isinstance(item["id"], str) or not _ID.fullmatch(item["id"]):
        raise ValueError("without a usable id")
    return str(item["id"])


def _given(item: Item, name: str) -> str:
    if not isinstance(item[name], str):
        raise TypeError(f"with {name} that is no text")
    return str(item[name])


def _author(item: Item, own: str | None) -> Author | None:
    """Who wrote it; nobody where the account was deleted."""
    name = clean(str(item.get("author") or "")).strip()
    if not name or name in GONE:
        return None
    id_ = item.get("author_fullname")
    return Author(id=str(id_) if id_ else name.lower(), handle=name, official=own is not None and name.lower() == own)


def _escaped(item: Item) -> bool:
    """Whether a server that does not know ``raw_json`` escaped every text once more."""
    return any(str(item.get(name) or "").startswith("&lt;") for name in ("selftext_html", "body_html"))


def _plain(text: str, item: Item) -> str:
    return clean(html.unescape(text) if _escaped(item) else text).strip()


def _body(item: Item, name: str) -> Plain:
    """The text as readers see it; Reddit gives its HTML, and the Markdown where it has none."""
    source = item.get(f"{name}_html")
    if not isinstance(source, str) or not source:
        return Plain(text=_plain(str(item.get(name) or ""), item))
    found = plain(html.unescape(source) if _escaped(item) else source, SITE)
    links = tuple(link for link in found.links if not _names_somebody(link))
    return Plain(text=found.text, links=links, media=found.media)


def _names_somebody(link: str) -> bool:
    parts = urlsplit(link)
    return (parts.hostname or "").endswith("reddit.com") and _PERSON_OR_PLACE.fullmatch(parts.path) is not None


def _url(item: Item) -> str | None:
    path = str(item.get("permalink") or str(item.get("context") or "").partition("?")[0])
    return web_address(path, SITE) if path else None


def _crossposted(item: Item) -> list[Item]:
    """The submission that a crosspost shows below its own title, unless it is gone."""
    shown = item.get("crosspost_parent_list")
    if not isinstance(shown, list):
        return []
    return [one for one in shown[:1] if isinstance(one, Mapping) and not is_gone(one)]


def _link(item: Item) -> Iterator[str]:
    """What a submission links to, where that is neither itself, a file of Reddit's own nor what it crossposts."""
    address = web_address(_unescaped(item.get("url_overridden_by_dest") or item.get("url")), SITE)
    if address is None or item.get("is_self") or item.get("crosspost_parent"):
        return
    parts = urlsplit(address)
    own_page = (parts.hostname or "").endswith("reddit.com") and ("/gallery/" in parts.path or address == _url(item))
    if parts.hostname not in _OWN_FILES and not own_page:
        yield address


def _media(item: Item) -> Iterator[Media]:
    """Pictures and films of a submission: a gallery's in its order with captions, else the one it links to."""
    video = next((v for v in _videos(item)), None)
    address = web_address(_unescaped(item.get("url_overridden_by_dest") or item.get("url")))
    if video is not None:
        yield Media(kind="video", url=web_address(_unescaped(video)))
    elif address and not item.get("is_self") and _PICTURE.search(urlsplit(address).path):
        yield Media(kind="image", url=address)
    yield from _inline(item)


def _videos(item: Item) -> Iterator[Any]:
    for name in ("secure_media", "media"):
        held = item.get(name)
        film = held.get("reddit_video") if isinstance(held, Mapping) else None
        if isinstance(film, Mapping) and film.get("fallback_url"):
            yield film["fallback_url"]


def _inline(item: Item) -> Iterator[Media]:
    """What ``media_metadata`` holds, in a gallery's order where there is one."""
    held, gallery = item.get("media_metadata"), item.get("gallery_data")
    if not isinstance(held, Mapping):
        return
    entries = gallery.get("items") if isinstance(gallery, Mapping) else None
    order = entries if isinstance(entries, list) else [{"media_id": key} for key in held]
    for entry in order:
        file = held.get(str(entry.get("media_id"))) if isinstance(entry, Mapping) else None
        if not isinstance(file, Mapping) or file.get("status", "valid") != "valid":
            continue
        held_file = file.get("s")
        source = held_file if isinstance(held_file, Mapping) else {}
        address = next((source[k] for k in ("u", "mp4", "gif") if source.get(k)), file.get("hlsUrl"))
        alt = clean(str(entry.get("caption") or "")).strip()
        kind = _ANIMATED.get(str(file.get("e")).lower(), "other")
        yield Media(kind=kind, url=web_address(_unescaped(address)), alt=alt or None)


def _unescaped(address: Any) -> str:
    """An address without the ``&amp;`` that stands in it where ``raw_json`` was not understood."""
    return str(address or "").replace("&amp;", "&")


def _poll(item: Item) -> list[str]:
    poll = item.get("poll_data")
    options = poll.get("options") if isinstance(poll, Mapping) else None
    titles = [clean(str(one["text"])) for one in options or () if isinstance(one, Mapping) and one.get("text")]
    return ["\n".join(f"- {title}" for title in titles)] if titles else []


def _moment(seconds: Any) -> datetime | None:
    """Seconds since 1970 as a time in UTC; ``edited`` is ``false``, or on old things ``true`` without a time."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    with contextlib.suppress(ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(seconds, UTC)
    return None
