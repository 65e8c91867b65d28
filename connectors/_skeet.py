"""Turns what the AT protocol's app.bsky API calls a post view into a post; pure.

What a post says is taken from its record, which its author signed; addresses of pictures come from the server's view of
it. So a post reads the same by whichever way it was found, and only an edit makes a new version of it.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from connectors._html import clean, web_address
from connectors.post import Author, Media, Oddity, Post

_URI = re.compile(
    r"at://((?:did:[a-z]{1,20}:)?[A-Za-z0-9._:%-]{1,250})/([A-Za-z0-9.-]{1,300})/([A-Za-z0-9._:~-]{1,512})"
)
_PLACES = {
    "app.bsky.feed.post": "https://bsky.app/profile/{0}/post/{1}",
    "app.bsky.feed.generator": "https://bsky.app/profile/{0}/feed/{1}",
    "app.bsky.graph.list": "https://bsky.app/profile/{0}/lists/{1}",
    "app.bsky.graph.starterpack": "https://bsky.app/starter-pack/{0}/{1}",
    "app.bsky.labeler.service": "https://bsky.app/profile/{0}",
}
_GIFS = {"media.tenor.com", "static.klipy.com"}  # the app's own pictures that move are written as links to these
_GIF_ALT = re.compile(r"alt: ?", re.IGNORECASE)
_WITHDRAWN = {"!hide", "!takedown", "!suspend"}
_MEMBERS_ONLY = "!no-unauthenticated"
_CONTINUES = 0b11000000, 0b10000000  # the first two bits of a byte within a sign of UTF-8


def read_view(view: Any, *, own: str | None) -> Post | Oddity:
    """One post view as a post, or set aside with the reason; ``own`` is the DID of the school's own account."""
    raw = dump(view)
    try:
        return _post(view, raw, own)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        return _odd(raw, exc)


def read_repost(item: Any, *, own: str | None) -> Post | Oddity | None:
    """A repost of somebody else's post as a post of whoever reposted it; nothing for a repost of one's own.

    It reads ``RT @handle: `` and the original's text, and its thread is the original's.
    """
    raw = dump(item)
    try:
        reason = item["reason"]
        original, by = _post(item["post"], raw, own), _author(reason["by"], own)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        return _odd(raw, exc)
    if original.author is None or original.author.id == by.id:
        return None
    uri = str(reason.get("uri") or "")
    return Post(
        platform="bluesky",
        id=uri if _URI.fullmatch(uri) else f"{original.id}#{by.id}",
        kind="post",
        url=original.url,
        author=by,
        text=f"RT @{original.author.handle or original.author.id}: {original.text}",
        language=original.language,
        created_at=_moment(reason.get("indexedAt")) or original.created_at,
        thread=original.thread,
        links=original.links,
        media=original.media,
        raw=raw,
    )


def uri_of(view: Any) -> str | None:
    """The at-uri of a view, or ``None`` where it has none that could be used."""
    uri = view.get("uri") if isinstance(view, dict) else None
    return uri if isinstance(uri, str) and _URI.fullmatch(uri) else None


def web_link(uri: Any) -> str | None:
    """Where people find on the web what an at-uri names; by the DID, which stays when a handle changes."""
    match = _URI.fullmatch(uri) if isinstance(uri, str) else None
    place = _PLACES.get(match[2]) if match else None
    return place.format(match[1], match[3]) if match and place else None


def is_withheld(view: Any, *, logged_in: bool, own: str | None) -> bool:
    """Whether a post is not ours to read: the platform withdrew it, or its author shows posts to members only."""
    author = _map(_map(view).get("author"))
    did = author.get("did")
    # Nobody can hide a post from Watcher by labelling it themselves: only others' words count.
    if any(value in _WITHDRAWN and source != did for value, source in (*_labels(view), *_labels(author))):
        return True
    return not logged_in and did != own and _MEMBERS_ONLY in {value for value, _ in _labels(author)}


def speaks_of(view: Any, *, did: str | None = None, handle: str | None = None, tag: str | None = None) -> bool:
    """Whether a post names an account by facet or in its words, or bears a tag."""
    record = _map(_map(view).get("record"))
    words = str(record.get("text") or "").casefold()
    if tag is not None:
        tags = [str(feature.get("tag")) for _, feature in _facets(record, "tag")] + [
            str(t) for t in _list(record, "tags")
        ]
        return tag.casefold() in {one.casefold() for one in tags} or _stands_in(words, f"#{tag.casefold()}")
    named = [(shown.lstrip("@").casefold(), feature.get("did")) for shown, feature in _facets(record, "mention")]
    if did is not None and did in {found for _, found in named}:
        return True
    return handle is not None and (
        handle.casefold() in {shown for shown, _ in named} or _stands_in(words, f"@{handle.casefold()}")
    )


def dump(item: Any) -> bytes:
    """The bytes that are kept of one item of a larger answer: the same JSON, without its white space."""
    try:
        return json.dumps(item, ensure_ascii=True, separators=(",", ":")).encode()
    except RecursionError:
        return b'"nested too deep to be kept"'


def _post(view: dict[str, Any], raw: bytes, own: str | None) -> Post:
    uri, record, author = uri_of(view), view["record"], _author(view["author"], own)
    if uri is None:
        raise ValueError("without a usable uri")
    if not uri.startswith(f"at://{author.id}/"):
        raise ValueError("without its author's own uri")
    text = record["text"]
    if not isinstance(text, str):
        raise TypeError("with text that is no text")
    reply = _map(record.get("reply"))
    parent, root = uri_of(reply.get("parent")), uri_of(reply.get("root"))
    media, links = _embedded(_map(record.get("embed")), _map(view.get("embed")), author.id)
    facets = (web_address(str(feature.get("uri") or "")) for _, feature in _facets(record, "link"))
    return Post(
        platform="bluesky",
        id=uri,
        kind="reply" if reply else "post",
        url=web_link(uri),
        author=author,
        text=clean(text),
        language=next((clean(one)[:35] for one in _list(record, "langs") if isinstance(one, str) and one), None),
        created_at=_moment(record.get("createdAt")) or _moment(view.get("indexedAt")),
        reply_to=parent,
        thread=root or parent or uri,
        links=tuple(dict.fromkeys(link for link in (*facets, *links) if link)),
        media=tuple(media),
        raw=raw,
    )


def _stands_in(words: str, name: str) -> bool:
    """Whether a tag or a handle stands in the words, and is not only how a longer one begins."""
    return re.search(rf"{re.escape(name)}(?!\w|\.\w)", words) is not None


def _author(profile: dict[str, Any], own: str | None) -> Author:
    did, handle = profile["did"], clean(str(profile.get("handle") or ""))
    if not isinstance(did, str) or not did.startswith("did:"):
        raise ValueError("without its author's DID")
    name = clean(str(profile.get("displayName") or "")).strip()
    known = None if handle in {"", "handle.invalid"} else handle
    return Author(id=did, handle=known, name=name or None, official=own is not None and did == own)


def _facets(record: Mapping[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The features of a kind with the words that they lie on, in the order of the text.

    Offsets count bytes of UTF-8. As in the app, a facet that lies outside of the text, within a sign or over
    another facet is no facet.
    """
    data, reached = str(record.get("text") or "").encode("utf-8", "surrogatepass"), 0
    for start, end, facet in sorted(_spans(record), key=lambda span: span[:2]):
        if not (reached <= start < end <= len(data)) or _within_sign(data, start) or _within_sign(data, end):
            continue
        reached = end
        for feature in _list(facet, "features"):
            if isinstance(feature, dict) and feature.get("$type") == f"app.bsky.richtext.facet#{kind}":
                yield data[start:end].decode("utf-8", "replace"), feature


def _spans(record: Mapping[str, Any]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    for facet in _list(record, "facets"):
        index = _map(_map(facet).get("index"))
        start, end = index.get("byteStart"), index.get("byteEnd")
        if isinstance(start, int) and isinstance(end, int):
            yield start, end, facet


def _within_sign(data: bytes, at: int) -> bool:
    mask, follows = _CONTINUES
    return at < len(data) and data[at] & mask == follows


def _embedded(embed: dict[str, Any], view: dict[str, Any], did: str) -> tuple[list[Media], list[str | None]]:
    """Pictures, films and link cards of an embed, and the addresses that it leads to."""
    match str(embed.get("$type") or "").removeprefix("app.bsky.embed."):
        case "recordWithMedia":
            media, links = _embedded(_map(embed.get("media")), _map(view.get("media")), did)
            quoted = _map(_map(embed.get("record")).get("record")).get("uri")
            return media, [*links, web_link(quoted)]
        case "record":
            return [], [web_link(_map(embed.get("record")).get("uri"))]
        case "images" | "gallery":
            name = "images" if "images" in embed else "items"
            shown = _list(view, name)
            return [_image(_map(one), _at(shown, i), did) for i, one in enumerate(_list(embed, name))], []
        case "video":
            return [Media(kind="video", url=_address(view.get("playlist")), alt=_words(embed.get("alt")))], []
        case "external":
            return _card(_map(embed.get("external")), _map(view.get("external")))
    return [], []


def _image(image: dict[str, Any], shown: dict[str, Any], did: str) -> Media:
    blob = _map(image.get("image"))
    link = _map(blob.get("ref")).get("$link") or blob.get("cid")
    address = _address(shown.get("fullsize") or shown.get("thumb"))
    if address is None and link:
        address = _address(f"https://cdn.bsky.app/img/feed_fullsize/plain/{did}/{link}@jpeg")
    return Media(kind="image", url=address, alt=_words(image.get("alt")))


def _card(card: dict[str, Any], shown: dict[str, Any]) -> tuple[list[Media], list[str | None]]:
    """A link with its preview, whose title and summary are read as a picture's description is."""
    address = _address(card.get("uri"))
    title, about = _words(card.get("title")), _words(card.get("description"))
    if address and urlsplit(address).hostname in _GIFS:
        described = _GIF_ALT.match(about or "")
        alt = about[described.end() :] if about and described else about or title
        return [Media(kind="image", url=address, alt=alt or None)], [address]
    said = "\n".join(part for part in (title, about) if part)
    return [Media(kind="other", url=_address(shown.get("thumb")), alt=said)] if said else [], [address]


def _labels(view: Any) -> list[tuple[str, Any]]:
    """What is said of a view, and the DID of who says it; labels that were taken back left out."""
    found = (_map(one) for one in _list(_map(view), "labels"))
    return [(str(one.get("val")), one.get("src")) for one in found if one.get("src") and not one.get("neg")]


def _moment(text: Any) -> datetime | None:
    """A time in UTC; one that cannot be read is unknown, which is no reason to lose the post."""
    with contextlib.suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(str(text or ""))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return None


def _odd(raw: bytes, exc: Exception) -> Oddity:
    """Set aside by the name of the field that is missing or wrong; never by its value."""
    named = str(exc)[:60] if isinstance(exc, KeyError) or str(exc).startswith("with") else ""
    return Oddity(raw=raw, why=f"a post of Bluesky that cannot be read: {type(exc).__name__} {named}".rstrip())


def _address(value: Any) -> str | None:
    return web_address(value) if isinstance(value, str) else None


def _words(value: Any) -> str | None:
    return (clean(value).strip() or None) if isinstance(value, str) else None


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(values: Mapping[str, Any], name: str) -> list[Any]:
    found = values.get(name)
    return found if isinstance(found, list) else []


def _at(values: list[Any], i: int) -> dict[str, Any]:
    return _map(values[i]) if i < len(values) else {}
