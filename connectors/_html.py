"""Turns the HTML of a post into plain text, links and pictures, in time that grows only with its length."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from connectors.post import Media

_PARAGRAPHS = {"p", "blockquote", "ul", "ol", "table", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "figure"}
_LINES = {"br", "div", "li", "tr", "dt", "dd", "section", "article", "header", "footer", "figcaption", "caption"}
_UNREAD = {"script", "style", "template", "title", "iframe", "object", "svg", "math"}
_READ_ATTRIBUTES = {"a", "img", "video", "audio", "source"}
_LONGEST_TAG = 20_000  # characters of attributes that are looked at

_NAME = re.compile(r"/?([A-Za-z][A-Za-z0-9:-]*)")
_TAG_STOP = re.compile(r"[\"'>]")
_ATTRIBUTE = re.compile(r"([^\s=/>\"']+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s>]*))?")
_LOOKS_LIKE = re.compile(
    r"</?(?:a|abbr|article|audio|b|blockquote|body|br|button|code|del|details|div|em|embed|figure|font|form|h[1-6]|"
    r"head|hr|html|i|iframe|img|input|ins|li|link|math|meta|object|ol|p|pre|s|script|section|small|source|span|"
    r"strong|style|sub|sup|svg|table|td|th|tr|u|ul|video)(?:[\s/>]|$)",
    re.IGNORECASE,
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SPACES, _AROUND_BREAKS, _BREAKS = re.compile(r"[ \t\r\f\v]+"), re.compile(r" ?\n ?"), re.compile(r"\n{3,}")


@dataclass(frozen=True, kw_only=True)
class Plain:
    """What a reader sees of a piece of HTML: text, addresses linked to, pictures and films shown."""

    text: str
    links: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()


def clean(text: str) -> str:
    """The text without what no store can hold: NUL and lone surrogates become U+FFFD, one for one."""
    return _UNSTORABLE.sub("\ufffd", text)


def looks_like_html(text: str) -> bool:
    """Whether a text that claims to be plain holds a tag that browsers know."""
    return _LOOKS_LIKE.search(text) is not None


def plain(source: str, base: str = "") -> Plain:
    """Read HTML as a person would; relative addresses are taken from ``base``."""
    text: list[str] = []
    links: dict[str, None] = {}
    media: dict[str, Media] = {}
    unread = ""
    for name, closing, attributes, words in _pieces(source):
        if unread:
            unread = "" if closing and name == unread else unread
        elif words:
            text.append(_SPACES.sub(" ", html.unescape(words).replace("\n", " ")))
        elif name in _UNREAD and not closing and not attributes.rstrip().endswith("/"):
            unread = name
        elif name in _PARAGRAPHS or name in _LINES:
            text.append("\n\n" if name in _PARAGRAPHS else "\n")
        elif name in _READ_ATTRIBUTES and not closing:
            text.append(_collect(name, _attributes(attributes), base, links, media))
        elif name in {"td", "th"}:
            text.append(" ")
    return Plain(text=_tidy("".join(text)), links=tuple(links), media=tuple(media.values()))


def web_address(reference: str, base: str = "") -> str | None:
    """A reference as an absolute web address, or ``None`` where it is none (``mailto:``, ``javascript:``, …)."""
    reference = clean(reference.strip())
    if not reference:
        return None
    try:
        found = urljoin(base, reference) if base else reference
        parts = urlsplit(found)
    except ValueError:
        return None
    return found if parts.scheme.lower() in {"http", "https"} and parts.netloc else None


def _collect(name: str, values: dict[str, str], base: str, links: dict[str, None], media: dict[str, Media]) -> str:
    """Note the link or picture of a tag; the return value is the text that it stands for."""
    classes = values.get("class", "").lower().split()
    if name == "a":
        address = web_address(values.get("href", ""), base)
        if address and not {"mention", "hashtag"} & set(classes):
            links.setdefault(address)
        return ""
    alt = clean(values.get("alt", "")).strip() or None
    if {"emoji", "wp-smiley", "custom-emoji", "emojione"} & set(classes):
        return alt or ""
    address = web_address(values.get("src", ""), base)
    if address or alt:
        kind = {"img": "image", "video": "video", "audio": "audio"}.get(name, "other")
        media.setdefault(address or alt or "", Media(kind=kind, url=address, alt=alt))
    return ""


def _attributes(source: str) -> dict[str, str]:
    """A tag's attributes by name in lower case; the first of a name counts, as in browsers."""
    found: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(source[:_LONGEST_TAG]):
        value = match[2] or ""
        if value[:1] in {'"', "'"} and value[-1:] == value[:1]:
            value = value[1:-1]
        found.setdefault(match[1].lower(), html.unescape(value))
    return found


def _pieces(source: str) -> Iterator[tuple[str, bool, str, str]]:
    """Tags as (name, closing, attributes, "") and stretches of text as ("", False, "", text).

    ``html.parser`` grows with the square of the length on unclosed comments and quotes; here every search that
    fails once is not tried again.
    """
    at, end, quotes = 0, len(source), True
    while at < end:
        opened = source.find("<", at)
        if opened < 0:
            break
        if opened > at:
            yield "", False, "", source[at:opened]
        if source.startswith("<!--", opened):
            closed = source.find("-->", opened + 4)
            at = end if closed < 0 else closed + 3
            continue
        if source.startswith("<![CDATA[", opened):
            at = opened + 9
            continue
        name = _NAME.match(source, opened + 1)
        if name is None and source[opened + 1 : opened + 2] not in {"!", "?"}:
            yield "", False, "", "<"
            at = opened + 1
            continue
        closed = _tag_end(source, opened + 1) if quotes else source.find(">", opened)
        if closed < 0 and quotes:
            quotes, closed = False, source.find(">", opened)
        if closed < 0:  # a tag that is never closed is what the writer typed
            yield "", False, "", source[opened:]
            return
        if name is not None:
            yield name[1].lower(), source[opened + 1] == "/", source[name.end() : closed], ""
        at = closed + 1
    yield "", False, "", source[at:]


def _tag_end(source: str, at: int) -> int:
    """Where the tag's closing bracket stands, brackets within quotes not counted; -1 where there is none."""
    while stop := _TAG_STOP.search(source, at):
        if stop[0] == ">":
            return stop.start()
        closing = source.find(stop[0], stop.end())
        if closing < 0:
            return -1
        at = closing + 1
    return -1


def _tidy(text: str) -> str:
    """Single spaces, at most one empty line, nothing at either end."""
    text = _SPACES.sub(" ", clean(text).replace("\u00a0", " "))
    return _BREAKS.sub("\n\n", _AROUND_BREAKS.sub("\n", text)).strip()
