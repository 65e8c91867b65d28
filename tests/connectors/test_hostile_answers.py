"""What a hostile server may answer, held against every connector over HTTP: none takes long, much memory, or a post.

Feeds meet the bombs of XML, interfaces those of JSON, all of them those of packing, of headers and of endless bodies.
Where posts come through nevertheless, they are such as any store can hold.
"""

from __future__ import annotations

import functools
import gzip
import itertools
import json
import socket
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.errors import ConnectorError, TransientError, UnexpectedResponseError
from connectors.http import HttpClient
from connectors.post import Page
from connectors.registry import known, load
from tests.connectors.test_contract import OVER_HTTP, RssSource, Source

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
HELD = "<rss version='2.0'><channel><item><guid>1</guid><title>{}</title></item></channel></rss>"
XML = {
    "billion laughs": f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY l0 "ha">{LAUGHS}]>' + HELD.format("&l9;"),
    "quadratic blow-up": f'<!DOCTYPE rss [<!ENTITY a "{"a" * 50_000}">]>' + HELD.format("&a;" * 50_000),
    "external entity": '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + HELD.format("&x;"),
    "external entity over HTTP": '<!DOCTYPE rss [<!ENTITY x SYSTEM "http://127.0.0.1:1/x">]>' + HELD.format("&x;"),
    "external DTD": '<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/x.dtd">' + HELD.format("x"),
    "public DTD": '<!DOCTYPE rss PUBLIC "-//N//DTD RSS 0.91//EN" "http://127.0.0.1:1/x.dtd">' + HELD.format("x"),
    "parameter entity": '<!DOCTYPE rss [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p"> %p;]>' + HELD.format("x"),
    "recursive entity": '<!DOCTYPE rss [<!ENTITY a "&b;"><!ENTITY b "&a;">]>' + HELD.format("&a;"),
    "entity in an attribute": '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/x">]>' + HELD.replace("'2.0'", "'&x;'"),
    "declared after a comment": "<!-- x --><?pi x?><!DOCTYPE rss [<!ENTITY a 'aa'>]>" + HELD.format("&a;"),
    "unclosed declaration": '<!DOCTYPE rss [<!ENTITY a "' + "a" * 100_000,
}  # fmt: skip
INCLUDED = (
    "<rss version='2.0' xmlns:xi='http://www.w3.org/2001/XInclude'><channel><item><guid>1</guid><title>Invented</title>"
    "<description><xi:include href='file:///etc/passwd' parse='text'><xi:fallback>no</xi:fallback></xi:include>"
    "</description></item></channel></rss>"
)
JSON = {
    "lists in lists": "[" * 50_000,
    "closed lists in lists": "[" * 20_000 + "]" * 20_000,
    "objects in objects": '{"data":' * 20_000 + "1" + "}" * 20_000,
    "a list deep in data": '{"data":[' + "[" * 9_000 + "]" * 9_000 + '],"elements":[' + "[" * 990 + "]" * 990 + "]}",
    "a number of 100,000 figures": '{"data":' + "9" * 100_000 + "}",
    "a text that never ends": '{"data":"' + "a" * 1_000_000,
    "very many keys": "{" + ",".join(f'"{n}":0' for n in range(20_000)) + "}",
    "a byte that is no UTF-8": b'{"data": ["\xff\xfe"]}',
    "Latin-1": '{"data": ["é"]}'.encode("latin-1"),
    "UTF-7": b"+AHs-+AH0-",
    "two values": '{"data": []} {"data": []}',
    "null": "null",
    "a text": '"data"',
    "true": "true",
    "not a number": "NaN",
    "endless": "Infinity",
    "a list of nulls": "[null, null]",
    "NUL bytes": "\x00" * 1000,
    "nothing but space": " " * 100_000,
}


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Libraries and authorities are loaded once a process, which is no part of what a call takes."""
    for name in known():
        load(name)
    with HttpClient() as client:
        client._transport()


@pytest.fixture
def source(request: pytest.FixtureRequest, httpserver: HTTPServer, tmp_path: Path) -> Source:
    made: Source = request.param(httpserver, tmp_path)
    return made


def named(kind: type[Source]) -> str:
    return kind.__name__.removesuffix("Source").lower()


every_source = pytest.mark.parametrize("source", OVER_HTTP, indirect=True, ids=named)
the_feed = pytest.mark.parametrize("source", [RssSource], indirect=True, ids=named)


def asked(source: Source, body: bytes | str, kind: str = "application/json", **headers: str) -> Page | ConnectorError:
    """What a connector makes of an answer: a page, or the error."""
    source.broken = Response(body, headers={"Content-Type": kind, **headers})
    try:
        return source.connector(timeout_s=3.0, total_s=6.0).fetch(source.account(), None)
    except ConnectorError as exc:
        return exc


@every_source
def test_bombs_of_xml_burst_in_no_connector(source: Source) -> None:
    for name, body in XML.items() if isinstance(source, RssSource) else list(XML.items())[:3]:
        began = time.process_time()
        found = asked(source, body, "application/xml")
        assert isinstance(found, ConnectorError), name
        assert time.process_time() - began < 3, name


@the_feed
def test_a_feed_includes_no_file_and_asks_no_other_server(source: Source) -> None:
    page = asked(source, INCLUDED, "application/rss+xml")
    assert isinstance(page, Page)
    (post,) = page.posts
    assert "Invented" in post.text
    assert "root:" not in post.text
    assert source.asked == 1


@every_source
def test_hostile_json_is_refused_or_holds_no_post(source: Source) -> None:
    for name, body in JSON.items():
        began = time.process_time()
        found = asked(source, body)
        assert len(str(found)) < 1000 if isinstance(found, ConnectorError) else found.posts == (), name
        assert time.process_time() - began < 5, name


@functools.cache
def packed(size: int) -> list[tuple[str, bytes, str]]:
    """Bodies of ``size`` spaces, packed in several ways, with the encoding that is announced."""
    spaces = b" " * size
    once, bare = gzip.compress(spaces, 9), zlib.compressobj(9, wbits=-15)
    return [
        ("gzip in gzip", gzip.compress(once), "gzip"),
        ("announced twice", gzip.compress(once), "gzip, gzip"),
        ("gzip", once, "gzip"),
        ("many members", gzip.compress(b" " * 100_000) * (size // 100_000), "gzip"),
        ("deflate", zlib.compress(spaces, 9), "deflate"),
        ("bare deflate", bare.compress(spaces) + bare.flush(), "deflate"),
        ("brotli, which was not asked for", b"\x0b\x02\x80\x03", "br"),
        ("unknown", spaces[:100], "exi"),
    ]


@every_source
def test_packed_bombs_burst_in_no_connector(source: Source) -> None:
    for name, body, encoding in packed(30_000_000):
        tracemalloc.start()
        try:
            found = asked(source, body, **{"Content-Encoding": encoding})
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert isinstance(found, ConnectorError), name
        assert peak < 45_000_000, name


def lines(connection: socket.socket) -> None:
    connection.sendall(b"".join(b"X-%d: %s\r\n" % (n, b"a" * 50) for n in range(20_000)))


def line(connection: socket.socket) -> None:
    connection.sendall(b"X-Long: " + b"a" * 2_000_000 + b"\r\n")


def links(connection: socket.socket) -> None:
    link = b", ".join(b'<http://127.0.0.1/?max_id=%d>; rel="next"' % n for n in range(1500))
    connection.sendall(b"Link: " + link + b"\r\nContent-Length: 2\r\n\r\n[]")


@every_source
@pytest.mark.parametrize("behave", [lines, line, links], ids=lambda one: one.__name__)
def test_huge_headers_are_refused(source: Source, raw_server: Callable[..., str], behave: Any) -> None:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        behave(connection)

    account = source.account(base_url=raw_server(answer))
    try:
        page = source.connector(timeout_s=2.0, total_s=4.0).fetch(account, None)
    except ConnectorError:
        return
    assert page.posts == ()


@every_source
def test_a_head_that_drips_is_left_in_time(source: Source, raw_server: Callable[..., str]) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        for byte in itertools.chain(b"HTTP/1.1 200 OK\r\nX-Slow: ", itertools.repeat(ord("a"), 300)):
            connection.sendall(bytes([byte]))
            time.sleep(0.03)

    connector, account = source.connector(timeout_s=0.5, total_s=0.8), source.account(base_url=raw_server(drip))
    began = time.monotonic()
    with pytest.raises(TransientError):
        connector.fetch(account, None)
    assert time.monotonic() - began < 5


@every_source
@pytest.mark.parametrize(
    "head", [b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n"], ids=["chunked", "plain"]
)
def test_a_body_without_end_is_cut_off(source: Source, raw_server: Callable[..., str], head: bytes) -> None:
    def pour(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + head + b"\r\n")
        piece = b"[" + b" " * 65_535
        chunk = b"10000\r\n" + piece + b"\r\n" if b"chunked" in head else piece
        for _ in range(2000):
            connection.sendall(chunk)

    account = source.account(base_url=raw_server(pour))
    began = time.monotonic()
    with pytest.raises((UnexpectedResponseError, TransientError)):
        source.connector(timeout_s=2.0, total_s=5.0).fetch(account, None)
    assert time.monotonic() - began < 15


TEXTS = {
    "NUL": "Invented \x00 post",
    "a lone surrogate": "Invented \ud800 post",
    "another lone surrogate": "Invented \udfff\ud83d post",
    "right to left": "Invented \u202etsop",
    "very long": "Invented " + "post " * 40_000,
    "marks without end": "Invented a" + "\u0301" * 20_000,
}
NUMBERS = {
    "negative": -1,
    "beyond 64 bits": 10**30,
    "beyond a double": 10**400,
    "a thousand figures": 10**1000,
    "not a number": float("nan"),
    "endless": float("inf"),
    "nought": 0,
    "a fraction": 0.1,
    "true": True,
}


def changed(value: Any, fits: Callable[[Any], bool], new: Any) -> Any:
    """The same JSON with a hostile value in each place that fits."""
    if isinstance(value, dict):
        return {name: changed(one, fits, new) for name, one in value.items()}
    if isinstance(value, list):
        return [changed(one, fits, new) for one in value]
    return new if fits(value) else value


def serve(source: Source, fits: Callable[[Any], bool], new: Any) -> None:
    """From now on the source's own answers come with the hostile value."""
    answer = type(source).answer

    def hostile(request: Request) -> Any:
        found = answer(source, request)
        if not isinstance(found, Response):
            return changed(found, fits, new)
        if "json" in found.content_type:
            found.set_data(json.dumps(changed(json.loads(found.get_data()), fits, new)))
        elif isinstance(new, str):
            text = found.get_data(as_text=True).replace("Invented post 1", new)
            found.set_data(text.encode("utf-8", "surrogatepass"))
        return found

    source.answer = hostile  # type: ignore[method-assign]


def storable(page: Page) -> bool:
    """Whether any store takes every field: no NUL, no lone surrogate, no number that JSON has not."""
    for post in page.posts:
        written = json.dumps(post.as_dict(), ensure_ascii=False, allow_nan=False)
        if "\\u0000" in written or "\x00" in written:
            return False
        written.encode("utf-8")
    written = page.cursor.state if page.cursor else ""
    return "\x00" not in written and bool(written.encode("utf-8") or True)


@every_source
def test_hostile_texts_are_kept_in_a_form_that_can_be_stored(source: Source, drain: Callable[..., Any]) -> None:
    """They are not lost, either: a person may have written a sign that a store cannot hold."""
    source.put(1)
    for name, text in TEXTS.items():
        serve(source, lambda value: isinstance(value, str) and "Invented post" in value, text)
        reading = drain(source.connector(timeout_s=5.0, total_s=15.0), source.account())
        assert len(reading.posts) == 1, name
        assert "Invented" in reading.posts[0].text, name
        assert storable(Page(posts=tuple(reading.posts), cursor=reading.cursor)), name


@every_source
def test_hostile_numbers_break_no_connector(source: Source) -> None:
    source.put(1)
    for name, number in NUMBERS.items():
        serve(source, lambda value: isinstance(value, int | float) and not isinstance(value, bool), number)
        try:
            page = source.connector(timeout_s=3.0, total_s=6.0).fetch(source.account(), None)
        except ConnectorError:
            continue
        assert storable(page), name
        assert len(page.posts) + len(page.oddities) <= 2, name


@every_source
@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "utf-16-be", "cp1252"])
def test_an_answer_in_another_charset_is_read_or_refused(source: Source, encoding: str) -> None:
    source.put(1)
    answer = type(source).answer

    def recoded(request: Request) -> Response:
        found = answer(source, request)
        if not isinstance(found, Response):
            found = Response(json.dumps(found), mimetype="application/json")
        found.set_data(found.get_data(as_text=True).replace("Invented", "Invénted").encode(encoding))
        return found

    source.answer = recoded  # type: ignore[method-assign]
    try:
        page = source.connector(timeout_s=3.0, total_s=6.0).fetch(source.account(), None)
    except ConnectorError:
        return
    assert storable(page)
    assert all("Inv" in post.text for post in page.posts)
