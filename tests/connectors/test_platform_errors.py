"""How every platform goes wrong, as its library would or would not tell: each error over HTTP, for every connector.

The rows are those that stand in `docs/errors.md`, where the tests of single platforms are named besides.
"""

from __future__ import annotations

import ast
import contextlib
import json
import logging
import re
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.connector import Connector
from connectors.errors import (
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.registry import known
from tests.connectors.test_contract import OVER_HTTP, TOKEN, Source, numbers
from watcher.remedy import remedy

HERE = Path(__file__).parent
TABLE = HERE.parent.parent / "docs" / "errors.md"
PROBLEM = "the requested thing is gone"
# What a platform says with status 200 where something is wrong; an interface that has no such way is given its error.
TOLD = {
    "x": {"errors": [{"title": "Not Found Error", "type": "https://api.twitter.com/2/problems/resource-not-found"}]},
    "facebook": {"error": {"message": PROBLEM, "type": "OAuthException", "code": 190}},
    "instagram": {"error": {"message": PROBLEM, "type": "OAuthException", "code": 190}},
    "threads": {"error": {"message": PROBLEM, "type": "OAuthException", "code": 190}},
    "youtube": {"error": {"code": 403, "message": PROBLEM, "errors": [{"reason": "forbidden"}]}},
    "google_reviews": {"error": {"code": 403, "message": PROBLEM, "status": "PERMISSION_DENIED"}},
    "linkedin": {"serviceErrorCode": 65604, "message": PROBLEM, "status": 401},
    "tiktok": {"data": {}, "error": {"code": "access_token_invalid", "message": PROBLEM, "log_id": "1"}},
    "bluesky": {"error": "ExpiredToken", "message": PROBLEM},
    "mastodon": {"error": PROBLEM},
    "reddit": {"message": "Forbidden", "error": 403},
    "wordpress": {"code": "rest_forbidden", "message": PROBLEM, "data": {"status": 401}},
    "forum": {"errors": [PROBLEM], "error_type": "invalid_access"},
    "rss": {"error": PROBLEM},
}


@pytest.fixture
def source(request: pytest.FixtureRequest, httpserver: HTTPServer, tmp_path: Path) -> Source:
    made: Source = request.param(httpserver, tmp_path)
    made.put(1)
    return made


def named(kind: type[Source]) -> str:
    return kind.__name__.removesuffix("Source").lower()


every_source = pytest.mark.parametrize("source", OVER_HTTP, indirect=True, ids=named)


def quick(source: Source) -> Connector:
    return source.connector(timeout_s=3.0, total_s=6.0)


def fails(source: Source, answer: Response) -> ConnectorError:
    """The error that an answer becomes; it cost few requests and tells no token."""
    source.broken, before = answer, source.asked
    with pytest.raises(ConnectorError) as caught:
        quick(source).fetch(source.account(), None)
    assert source.asked - before <= 6  # a forum is asked which software it runs
    assert TOKEN not in f"{caught.value!r} {caught.value.__cause__!r}"
    return caught.value


def test_every_platform_that_is_known_has_its_way_of_saying_no() -> None:
    assert TOLD.keys() == {*known()} - {"archive"}


@every_source
def test_a_pause_with_its_end_is_told_with_it(source: Source) -> None:
    ends = datetime.now(UTC) + timedelta(seconds=90)
    headers = {"Retry-After": "90", "x-rate-limit-reset": str(int(ends.timestamp()))}
    error = fails(source, Response('{"message": "slow down"}', 429, headers, content_type="application/json"))
    assert isinstance(error, RateLimitedError)
    assert error.retry_at is not None
    assert abs((error.retry_at - ends).total_seconds()) < 30


@every_source
def test_a_pause_without_an_end_is_asked_once_and_no_more(source: Source) -> None:
    """tweepy asks 976 times before it gives up; a pause that a platform's own window ends may be told all the same."""
    error = fails(source, Response("{}", 429, content_type="application/json"))
    assert isinstance(error, RateLimitedError)
    assert error.retry_at is None or error.retry_at > datetime.now(UTC)


@every_source
def test_servers_out_of_order_are_transient_whatever_they_send(source: Source) -> None:
    for status in (500, 502, 503, 504):
        for body, kind in (
            ("<html><h1>Bad gateway</h1></html>", "text/html"),
            ('{"status": "an error of the server, without the key error"}', "application/json"),
            ("", "text/plain"),
            ("[]", "application/json"),
        ):
            error = fails(source, Response(body, status, content_type=kind))
            assert isinstance(error, TransientError), (status, kind, type(error))


@every_source
def test_success_with_an_error_inside_is_no_empty_page(source: Source) -> None:
    fails(source, Response(json.dumps(TOLD[source.platform]), 200, content_type="application/json"))


@every_source
def test_an_error_with_a_list_for_a_body_is_an_error_still(source: Source) -> None:
    """tweepy and facebook-sdk stumble over it."""
    for status in (400, 401, 402, 403, 404, 410, 422, 451):
        for body in ("[]", '["no"]', "null", '"no"', "7"):
            assert isinstance(
                fails(source, Response(body, status, content_type="application/json")), PermanentError | TransientError
            ), (status, body)


ODD = {"letters": "схованка-7", "dots": "s3cret…", "end": "s3cret\n", "nul": "s3 cret\x00"}


@every_source
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_a_token_with_signs_that_no_token_has_is_to_be_copied_again(source: Source, odd: str) -> None:
    """Whoever reads the remedy is told of the token, not of the settings."""
    told: list[ConnectorError] = []
    try:
        quick(source).fetch(source.account(token=odd), None)
    except ConnectorError as problem:
        told.append(problem)
    # Bluesky's goes into a login's body; some are read without the end of a line, as it is in many a file of secrets.
    assert told or source.platform == "bluesky" or odd.endswith("\n")
    for error in told:
        assert isinstance(error, AuthenticationError), (type(error), str(error))
        assert "copy it again" in str(error)
        assert odd.strip() not in str(error)
        assert remedy(source.platform, "page", f"AuthenticationError: {error}").kind == "token"


@every_source
def test_json_that_breaks_off_anywhere_is_refused(source: Source) -> None:
    whole = json.dumps({"data": [{"id": "1", "text": "Invented"}], "meta": {"result_count": 1}})
    for cut in (1, len(whole) // 3, len(whole) // 2, len(whole) - 1):
        error = fails(source, Response(whole[:cut], 200, content_type="application/json"))
        assert isinstance(error, UnexpectedResponseError)


@every_source
@pytest.mark.parametrize("kind", ["text/javascript; charset=UTF-8", "text/plain", None])
def test_a_sound_answer_under_another_content_type_or_none_is_read(
    source: Source, drain: Callable[..., Any], kind: str | None
) -> None:
    """facebook-sdk refuses the one and stumbles over the other."""
    answer = type(source).answer

    def mistyped(request: Request) -> Response:
        found = answer(source, request)
        if not isinstance(found, Response):
            found = Response(json.dumps(found))
        del found.headers["Content-Type"]
        if kind:
            found.headers["Content-Type"] = kind
        return found

    source.answer = mistyped  # type: ignore[method-assign]
    assert numbers(drain(quick(source), source.account()).posts) == [1]


@every_source
def test_a_cursor_that_repeats_comes_to_an_end_that_is_told(source: Source, drain: Callable[..., Any]) -> None:
    """facebook-sdk would go on for ever: the first page comes again and again, always with a next one."""
    source.put(*range(1, 14))
    answer, first = type(source).answer, dict[Any, tuple[bytes, Any]]()

    def repeating(request: Request) -> Response:
        key = (request.path, request.args.get("id"), request.args.get("t"))
        if key not in first:
            found = answer(source, request)
            found = found if isinstance(found, Response) else Response(json.dumps(found), mimetype="application/json")
            first[key] = (found.get_data(), found.headers)
        body, headers = first[key]
        return Response(body, headers=headers)

    source.answer = repeating  # type: ignore[method-assign]
    reading = None
    with contextlib.suppress(UnexpectedResponseError, TransientError):
        reading = drain(source.connector(page_size=5, timeout_s=3.0, total_s=6.0), source.account(), most=60)
    assert source.asked < 200
    if reading is None:
        return
    assert len({post.key for post in reading.posts}) == len(reading.posts)
    assert reading.gaps or source.platform == "rss" or numbers(reading.posts) == list(range(1, 14))


@every_source
def test_a_connection_that_breaks_within_the_answer_is_transient(
    source: Source, raw_server: Callable[..., str]
) -> None:
    def reset(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(
            b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"data": ['
        )
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    with pytest.raises(TransientError):
        quick(source).fetch(source.account(base_url=raw_server(reset)), None)


@every_source
def test_no_log_shows_a_token_or_a_post(
    source: Source, drain: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """tweepy writes the Authorization header at DEBUG, httpx whole addresses at INFO."""
    caplog.set_level(logging.DEBUG)
    drain(quick(source), source.account())
    with contextlib.suppress(ConnectorError):
        source.broken = Response("no", 500)
        quick(source).fetch(source.account(), None)
    kept = [record.getMessage() for record in caplog.records if record.name != "werkzeug"]
    assert not [line for line in kept if TOKEN in line or "Invented post" in line]


def test_the_table_of_errors_names_tests_that_exist() -> None:
    cells = re.findall(r"`(test_\w+\.py)::(\w+)`", TABLE.read_text())
    assert len(cells) >= 40
    for module, test in cells:
        defined = {
            node.name for node in ast.parse((HERE / module).read_text()).body if isinstance(node, ast.FunctionDef)
        }
        assert test in defined, f"{module}::{test}"
