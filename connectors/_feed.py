"""Bytes of an RSS or Atom feed to entries; what declares a document type is refused before anything parses it."""

from __future__ import annotations

import calendar
import codecs
import contextlib
import hashlib
import html
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import feedparser

from connectors._html import Plain, clean, looks_like_html, plain, web_address
from connectors.errors import UnexpectedResponseError
from connectors.post import Author, Media, Oddity

_MAX_ENTRIES = 20_000
_LONGEST_NAME = 300
_TAIL = 2000  # bytes in which the root's end is looked for; comments of a web server may follow it
_MEDIA_KINDS = {"image", "video", "audio"}
# Codecs that a feed may name; some others of Python's take time that grows with the square of the length.
_CODEC = re.compile(
    r"ascii|utf-(8|16|32)(-sig|-le|-be)?|iso8859-\d+|cp\d+|koi8-[rut]|gb(2312|k|18030)|big5(hkscs)?|hz|"
    r"shift_?jis\w*|euc_\w+|iso2022_\w+|mac-\w+|tis-620|johab|ptcp154"
)
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]{1,40})", re.IGNORECASE)
# The hosts whose links lead elsewhere, by this path.
_REDIRECTS = (
    (re.compile(r"(?:www\.)?google\.[a-z]{2,3}(?:\.[a-z]{2})?"), "/url"),
    (re.compile(r"(?:www\.)?bing\.com"), "/news/apiclick.aspx"),
)
_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid?|mc_[ce]id|_hs(?:enc|mi)|"
    r"mkt_tok|vero_(?:id|conv)|oly_(?:anon|enc)_id|wt\.mc_id|at_(?:medium|campaign|custom\d)|ns_(?:source|mchannel|"
    r"campaign|linkname)|cmpid|guccounter|guce_\w+",
    re.IGNORECASE,
)
_ENTRY_TAG = re.compile(rb"<!\[CDATA\[|<!--|<(/?)(?:[A-Za-z0-9_-]{1,20}:)?(?:item|entry)(?=[\s>/])")
_MAIL = re.compile(r"(?:mailto:)?[^\s@<>()]{1,100}@[^\s@<>()]{1,200}")
_ROOT_END = re.compile(rb"</\s*([A-Za-z0-9_-]{1,20}:)?(rss|feed|rdf)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of a feed; ``reply_to`` is the id of the entry that it answers."""

    id: str
    text: str
    url: str | None = None
    author: Author | None = None
    language: str | None = None
    published: datetime | None = None
    updated: datetime | None = None
    reply_to: str | None = None
    links: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    raw: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Feed:
    """What a feed holds, in its own order; ``whole`` is false where it breaks off."""

    title: str | None
    entries: tuple[Entry, ...]
    oddities: tuple[Oddity, ...]
    whole: bool = True


def read_feed(body: bytes, content_type: str = "", base: str = "") -> Feed:
    """Read a feed; broken markup is read as far as it goes, relative addresses are taken from ``base``.

    Raises:
        UnexpectedResponseError: no feed at all, or one that declares a document type or a forbidden charset.
    """
    charset = _charset(body, content_type)
    _refuse_declarations(body, charset)
    if body.count(b"<item") + body.count(b"<entry") > _MAX_ENTRIES:
        raise UnexpectedResponseError(f"the feed holds more than {_MAX_ENTRIES} entries")
    kind = content_type.partition(";")[0].strip() or "application/xml"
    told = {"content-type": f"{kind}; charset={charset}" if charset else kind}
    found = _parsed(body, told)
    if not found.get("version") and not found.entries:
        raise UnexpectedResponseError(f"this is no RSS or Atom feed but {_what(body)}; give the feed's own address")
    whole = not found.bozo or _ROOT_END.search(body[-_TAIL:].replace(b"\0", b"")) is not None
    return _assembled(found, body, base, whole)


def _parsed(body: bytes, told: dict[str, str]) -> Any:
    """What feedparser makes of it: a stream, because bytes that look like a path would be opened as a file."""
    try:
        return feedparser.parse(
            io.BytesIO(body), response_headers=told, sanitize_html=False, resolve_relative_uris=False
        )
    except Exception as exc:
        raise UnexpectedResponseError(f"the feed's markup cannot be read ({type(exc).__name__})") from exc


def _assembled(found: Any, body: bytes, base: str, whole: bool) -> Feed:
    sources = found.entries
    raws = _slices(body, len(sources)) or [_dump(source) for source in sources]
    title = _text(found.feed, "title").text or None
    language = found.feed.get("language")
    home = web_address(str(found.feed.get("link") or ""), base) or base
    entries: list[Entry] = []
    oddities: list[Oddity] = []
    for number, (source, raw) in enumerate(zip(sources, raws, strict=False), 1):
        if not whole and number == len(sources):
            oddities.append(Oddity(raw=raw, why="the feed breaks off in this entry"))
            continue
        entry = _entry(source, raw, home, language)
        if entry is None:
            oddities.append(Oddity(raw=raw, why="an entry without id, link, title and text"))
        else:
            entries.append(entry)
    return Feed(title=title, entries=tuple(entries), oddities=tuple(oddities), whole=whole)


def _entry(source: Mapping[str, Any], raw: bytes, home: str, language: Any) -> Entry | None:
    title, body = _text(source, "title", home), _body(source, home)
    text = _joined(title.text, body.text)
    url = _link(source, home)
    media = tuple(_media(source, home, (*title.media, *body.media)))
    id_ = clean(str(source.get("id") or "")).strip() or url or ""
    if not id_ and not text and not media:
        return None
    published, updated = _moment(source, "published", "created"), _moment(source, "updated")
    said = source.get("language") or (source.get("title_detail") or {}).get("language") or language
    return Entry(
        id=id_ or "sha256:" + hashlib.sha256(text.encode() + repr(media).encode()).hexdigest()[:32],
        text=text,
        url=url,
        author=_author(source, home),
        language=clean(str(said))[:35] if said else None,
        published=published or updated,
        updated=updated if published and updated and updated > published else None,
        reply_to=_reply_to(source),
        links=tuple(dict.fromkeys(unwrapped(link) for link in (*title.links, *body.links))),
        media=media,
        raw=raw,
    )


def unwrapped(link: str) -> str:
    """The address behind a redirect of Google's or Bing's, as alerts and news searches write it, without what tracks.

    Every other link stays as it is, but for the parameters that only tell how its reader came by it.
    """
    return untracked(_behind(_behind(link)))  # an alert may find a page that is a redirect itself


def untracked(link: str) -> str:
    """The link without the parameters that only follow its reader about; all others stay as they were written."""
    before, mark, rest = link.partition("?")
    query, fragment_mark, fragment = rest.partition("#")
    kept = [one for one in query.split("&") if not _TRACKING.fullmatch(one.partition("=")[0])]
    if not mark or "#" in before or len(kept) == query.count("&") + 1:
        return link
    return before + (mark + "&".join(kept) if any(kept) else "") + fragment_mark + fragment


def _behind(link: str) -> str:
    try:
        parts = urlsplit(link)
        if not any(host.fullmatch(parts.hostname or "") and parts.path == path for host, path in _REDIRECTS):
            return link
        query = parse_qs(parts.query, max_num_fields=50)
    except ValueError:
        return link
    return web_address((query.get("url") or query.get("q") or [link])[0]) or link


def _text(source: Mapping[str, Any], name: str, base: str = "") -> Plain:
    """A title or summary as plain text, even where it calls itself plain and holds tags all the same."""
    value = str(source.get(name) or "")
    declared = str((source.get(f"{name}_detail") or {}).get("type") or "")
    return _as_plain(value, declared, base)


def _as_plain(value: str, declared: str, base: str) -> Plain:
    if "html" in declared or looks_like_html(value):
        return plain(value, base)
    return Plain(text=clean(html.unescape(value)).strip())  # titles are often escaped twice


def _body(source: Mapping[str, Any], base: str) -> Plain:
    """The longest of what the entry gives as content or summary."""
    given = [_as_plain(str(c.get("value") or ""), str(c.get("type") or ""), base) for c in source.get("content") or ()]
    return max([*given, _text(source, "summary", base)], key=lambda one: len(one.text))


def _joined(title: str, body: str) -> str:
    """Title and body, without the title where the body begins with it, as feeds of short messages do."""
    opening = title.rstrip("….").strip()
    if not body or not opening:
        return body or title
    return body if " ".join(body.split()).startswith(" ".join(opening.split())) else f"{title}\n\n{body}"


def _link(source: Mapping[str, Any], home: str) -> str | None:
    told = str(source.get("link") or "")
    found = web_address(told, "" if told == source.get("id") else home)  # a guid stands in for a missing link
    return unwrapped(found) if found else None


def _author(source: Mapping[str, Any], home: str) -> Author | None:
    detail = source.get("author_detail") or {}
    told = clean(str(source.get("author") or detail.get("name") or "")).strip()[:_LONGEST_NAME]
    name = _MAIL.sub("", told).strip(" ()<>\t\n,")  # RSS wants an e-mail address here; it is not kept
    address = web_address(str(detail.get("href") or ""), home)
    return Author(id=address or name, name=name or None) if address or name else None


def _reply_to(source: Mapping[str, Any]) -> str | None:
    told = source.get("thr_in-reply-to")
    ref = told.get("ref") if isinstance(told, Mapping) else None
    return clean(str(ref)).strip() or None if ref else None


def _moment(source: Mapping[str, Any], *names: str) -> datetime | None:
    for name in names:
        parsed = source.get(f"{name}_parsed") if f"{name}_parsed" in source else None
        if parsed is not None:
            with contextlib.suppress(ValueError, OverflowError, OSError, TypeError):
                return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    return None


def _media(source: Mapping[str, Any], home: str, shown: tuple[Media, ...]) -> Iterator[Media]:
    """Enclosures, Media RSS and the pictures within the text, each address once."""
    told = [link for link in source.get("links") or () if link.get("rel") == "enclosure"]
    told += [*(source.get("media_content") or ()), *(source.get("media_thumbnail") or ())]
    seen: set[str | None] = set()
    for item in (*shown, *(_attached(item, home) for item in told)):
        if item is not None and item.url not in seen:
            seen.add(item.url)
            yield item


def _attached(item: Mapping[str, Any], home: str) -> Media | None:
    address = web_address(str(item.get("href") or item.get("url") or ""), home)
    if address is None:
        return None
    declared = str(item.get("medium") or item.get("type") or "").partition("/")[0].lower()
    if not declared and "width" in item:
        declared = "image"  # a thumbnail names no type
    alt = clean(str(item.get("title") or "")).strip() or None
    return Media(kind=declared if declared in _MEDIA_KINDS else "other", url=address, alt=alt)


def _charset(body: bytes, content_type: str) -> str:
    """The charset that the server or the document names, or nothing where Python knows none of that name.

    Raises:
        UnexpectedResponseError: a codec that has no place in a feed.
    """
    said = _CHARSET.search(content_type)
    inside = _DECLARED.search(body[:1000])
    names = [said[1] if said else "", inside[1].decode() if inside else ""]
    for name in filter(None, names):
        with contextlib.suppress(LookupError):
            if not _CODEC.fullmatch(codecs.lookup(name).name):
                raise UnexpectedResponseError(f"the feed's charset {name!r} is none that feeds use")
    return names[0]


def _refuse_declarations(body: bytes, charset: str) -> None:
    """Refuse a document type, in every encoding that the parser might read the bytes in."""
    texts = [body.replace(b"\0", b"").decode("latin-1")]
    if charset:
        with contextlib.suppress(LookupError):
            texts.append(body.decode(charset, "replace"))
    for text in texts:
        declared = _declaration(text)
        if declared is not None and declared.startswith("<!doctype html"):
            raise UnexpectedResponseError("this is no feed but a web page; give the feed's own address")
        if declared is not None:
            raise UnexpectedResponseError("the feed declares a document type or entity (DTD), which is refused")


def _declaration(text: str) -> str | None:
    """The first declaration ahead of the first element, in lower case; comments and instructions do not count."""
    at = text.find("<")
    while at >= 0:
        if text.startswith("<!--", at):
            at = text.find("-->", at + 4)
        elif text.startswith("<?", at):
            at = text.find("?>", at + 2)
        elif text.startswith("<!", at):
            return text[at : at + 20].lower()
        elif text[at + 1 : at + 2].isalpha():
            return None
        at = text.find("<", at + 1) if at >= 0 else -1
    return None


def _what(body: bytes) -> str:
    start = body[:1000].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if not start:
        return "an empty answer"
    if start[:1] in {b"{", b"["}:
        return "JSON"
    return "a web page" if re.search(rb"<(html|head|body|!doctype html)", start, re.IGNORECASE) else "something else"


def _slices(body: bytes, count: int) -> list[bytes]:
    """The entries' own bytes, or nothing where they cannot be told apart for certain."""
    found: list[bytes] = []
    start: int | None = None
    at = 0
    while match := _ENTRY_TAG.search(body, at):
        at = match.end()
        if match[0].startswith(b"<!"):
            ends = b"]]>" if match[0] == b"<![CDATA[" else b"-->"
            closed = body.find(ends, at)
            if closed < 0:
                break
            at = closed
        elif match[1] and start is not None:
            closed = body.find(b">", at)
            found.append(body[start : closed + 1])
            start = None
        elif not match[1]:
            start = match.start()
    if start is not None:
        found.append(body[start:])
    return found if len(found) == count else []


def _dump(source: Mapping[str, Any]) -> bytes:
    return json.dumps(source, default=str, ensure_ascii=True).encode()
