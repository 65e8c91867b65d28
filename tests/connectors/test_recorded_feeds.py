"""Every recorded feed, read over HTTP and compared with what Python's own XML and HTML parsers find in it.

Bytes go out as they were recorded, under the content type that the recording names. The posts are those of real
people, so no message of a failed test shows one of them.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as Tree
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from connectors.errors import UnexpectedResponseError
from connectors.post import Account, Post
from connectors.rss import RssConnector

REAL = {
    "AmazonWebServicesBlog": 10,
    "FeedjiraBlog": 1,
    "Permalinks": 4,
    "SamRuby": 20,
    "TenderLovemaking": 10,
    "a10": 5,
    "atom_simple_single_entry": 1,
    "itunes": 3,
}
# The odd ones: the texts that must come out, as the recording's own comment says, or by what a reader would see.
ODD = {
    "encoding_bozo_double-encoded-html": ["\N{HORIZONTAL ELLIPSIS}"],
    "encoding_demoronize-2": ["don\N{RIGHT SINGLE QUOTATION MARK}t"],
    "encoding_encoding_attribute_crash_2": [None],
    "encoding_http_text_xml_charset_2": ["Foo\n\nThis is a £\u201ctest.\u201d"],
    "illformed_chardet_gb2312": [None],
}  # fmt: skip
EMPTY = (
    "encoding_bozo_http_text_plain_charset", "encoding_http_application_atom_xml_charset",
    "encoding_http_application_atom_xml_gb2312_charset", "encoding_http_application_rss_xml_charset_overrides_encoding",
    "encoding_http_application_xml_charset_overrides_encoding", "encoding_http_application_xml_dtd_default",
    "encoding_http_application_xml_epe_charset_overrides_encoding", "encoding_http_i18n",
    "encoding_http_text_atom_xml_encoding", "encoding_http_text_rss_xml_encoding", "encoding_http_text_xml_epe_charset",
    "encoding_http_text_xml_qs", "encoding_utf-16be-autodetect", "encoding_utf-16le-bom", "encoding_utf-32be",
    "encoding_utf-8-bom", "illformed_aaa_illformed",
)  # fmt: skip
NO_FEED = ("illformed_rss_empty_document",)
SET_ASIDE = ("illformed_geo_georss_point_no_coords",)  # an entry without id, link, title and text
ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}encoded"
PODCAST = "{http://www.itunes.com/dtds/podcast-1.0.dtd}summary"
# One recording uses this prefix without saying what it stands for.
CONTENT_TAG = b'<content xmlns="http://www.w3.org/2005/Atom" type="html">'
CREATOR, DATE = "{http://purl.org/dc/elements/1.1/}creator", "{http://purl.org/dc/elements/1.1/}date"


def path_of(payloads: Path, name: str) -> Path:
    (found,) = (payloads / "feeds").glob(f"*__*{name}.xml")
    return found


def here(server: HTTPServer) -> Account:
    base = server.url_for("").rstrip("/")
    target = "https://feed.example/feed"
    return Account(name="replay", platform="rss", target=target, base_url=base, allow_private=True)


def serve(server: HTTPServer, body: bytes) -> None:
    told = re.search(rb"Header:\s*Content-type:\s*([^\n]+)", body)
    kind = told[1].decode().strip() if told else "application/xml"
    server.expect_request("/feed").respond_with_response(Response(body, headers={"Content-Type": kind}))


class Words(HTMLParser):
    """The text of a piece of HTML without its white space, and the addresses it links to."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.links, self.pictures, self.unread = "", [], [], 0
        self.feed(source)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += "" if self.unread else "".join(data.split())

    def handle_endtag(self, tag: str) -> None:
        self.unread -= tag.rpartition(":")[2] in ("style", "script", "svg")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.unread += tag.rpartition(":")[2] in ("style", "script", "svg")
        if tag == "a" and (given.get("href") or "").startswith("http"):
            self.links.append(given["href"])
        if tag == "img" and (given.get("src") or "").startswith("http"):
            self.pictures.append((given["src"], (given.get("alt") or "").strip() or None))


def inner(element: Tree.Element | None) -> str:
    """What an element holds: its text, or with XHTML its markup."""
    if element is None:
        return ""
    if element.get("type") == "xhtml" or len(element):
        return "".join(Tree.tostring(one, encoding="unicode") for one in element)
    return element.text or ""


class Expected:
    """What an entry says, whichever dialect it is written in."""

    def __init__(self, entry: Tree.Element) -> None:
        def first(*names: str) -> Tree.Element | None:
            return next((found for name in names if (found := entry.find(name)) is not None), None)

        self.title = Words(inner(first("title", ATOM + "title")))
        given = [entry.find(name) for name in (ATOM + "content", CONTENT, ATOM + "summary", "description", PODCAST)]
        self.body = max((Words(inner(one)) for one in given), key=lambda words: len(words.text))
        self.id = inner(first("guid", ATOM + "id")).strip()
        self.times = {
            moment(inner(one).strip())
            for name in (ATOM + "published", "pubDate", DATE, ATOM + "updated")
            for one in entry.findall(name)
        }
        links = [one.get("href") for one in entry.findall(ATOM + "link") if one.get("rel", "alternate") == "alternate"]
        self.links = {*links, inner(entry.find("link")).strip()} - {"", None}
        person = first(f"{ATOM}author/{ATOM}name", CREATOR)
        self.author = inner(person).strip() or None
        self.enclosures = {one.get("url") for one in entry.findall("enclosure")}


def moment(text: str) -> datetime:
    if text[:1].isdecimal():
        return datetime.fromisoformat(text).astimezone(UTC)
    return parsedate_to_datetime(text).astimezone(UTC)


def same(pairs: Mapping[str, bool]) -> None:
    """Every field holds; otherwise the names of those that do not, and never what they hold."""
    assert not [name for name, right in pairs.items() if not right]


def check(post: Post, one: Expected, home: str) -> None:
    text = "".join(post.text.split())
    whole = one.title.text + one.body.text
    same(
        {
            "text": text in (whole, one.body.text),
            "id": not one.id or post.id == one.id,
            "url": not one.links or post.url in {urljoin(home, link) for link in one.links},
            "author": one.author is None or (post.author is not None and post.author.name == one.author),
            "written": not one.times or {post.created_at, post.edited_at} - {None} <= one.times,
            "a time": bool(one.times) == (post.created_at is not None),
            "in UTC": post.created_at is None or post.created_at.tzinfo is UTC,
            "links": {without(link) for link in one.body.links} <= {without(link) for link in post.links},
            "pictures": {(src, alt) for src, alt in one.body.pictures} <= {(m.url, m.alt) for m in post.media},
            "enclosures": one.enclosures <= {m.url for m in post.media},
            "raw": bool(post.raw),
        }
    )


def without(link: str) -> str:
    """A link as far as its query, of which what tracks is dropped."""
    return link.partition("?")[0]


@pytest.mark.parametrize("name", REAL)
def test_every_entry_of_a_recorded_feed_is_whole(httpserver: HTTPServer, payloads: Path, drain: Any, name: str) -> None:
    body = path_of(payloads, name).read_bytes()
    serve(httpserver, body)
    reading = drain(RssConnector(), here(httpserver))
    assert (len(reading.oddities), reading.gaps) == (0, [])
    sound = body.strip().replace(b"<content:encoded>", CONTENT_TAG).replace(b"</content:encoded>", b"</content>")
    entries = [one for one in Tree.fromstring(sound).iter() if one.tag in ("item", ATOM + "entry")]
    expected = [Expected(entry) for entry in entries]
    assert len(reading.posts) == len(expected) == REAL[name]
    # A feed runs from newest to oldest, posts the other way; what has no time keeps its place.
    by_id = {post.id: post for post in reading.posts}
    by_url = {post.url: post for post in reading.posts}
    for one in expected:
        found = by_id.get(one.id) or next((by_url[link] for link in one.links if link in by_url), None)
        check(found or by_title(reading.posts, one), one, httpserver.url_for("/feed"))
    assert drain(RssConnector(), here(httpserver), reading.cursor).posts == []


def by_title(posts: list[Post], one: Expected) -> Post:
    (found,) = (post for post in posts if "".join(post.text.split()).startswith(one.title.text))
    return found


@pytest.mark.parametrize("name", [*ODD, *EMPTY, *SET_ASIDE])
def test_recorded_feeds_with_odd_encodings_are_read(
    httpserver: HTTPServer, payloads: Path, drain: Any, name: str
) -> None:
    serve(httpserver, path_of(payloads, name).read_bytes())
    reading = drain(RssConnector(), here(httpserver))
    texts = ODD.get(name, [])
    assert len(reading.posts) == len(texts)
    assert len(reading.oddities) == (1 if name in SET_ASIDE else 0)
    for post, text in zip(reading.posts, texts, strict=True):
        assert text is None or post.text == text
        assert "\ufffd" not in post.text or text is None


def test_a_recorded_feed_in_an_unnamed_charset_keeps_its_bytes(
    httpserver: HTTPServer, payloads: Path, drain: Any
) -> None:
    """The charset is told nowhere: it may be guessed wrong, but the bytes are kept to be read again."""
    body = path_of(payloads, "chardet_gb2312").read_bytes()
    serve(httpserver, body)
    (post,) = drain(RssConnector(), here(httpserver)).posts
    inside = body[body.index(b"<item>") : body.index(b"</item>") + len(b"</item>")]
    assert post.raw == inside


@pytest.mark.parametrize("name", NO_FEED)
def test_what_is_no_feed_is_refused(httpserver: HTTPServer, payloads: Path, name: str) -> None:
    serve(httpserver, path_of(payloads, name).read_bytes())
    with pytest.raises(UnexpectedResponseError):
        RssConnector().fetch(here(httpserver), None)


def test_every_recorded_feed_is_in_one_of_the_tables(payloads: Path) -> None:
    files = {file.name for file in (payloads / "feeds").iterdir()}
    named = {path_of(payloads, name).name for name in (*REAL, *ODD, *EMPTY, *SET_ASIDE, *NO_FEED)}
    assert files == named
