"""The one web client: bounds of time and memory, redirects, credentials, and what never shows in an error."""

from __future__ import annotations

import gzip
import logging
import socket
import time
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    RefusedAddressError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.http import MAX_BYTES, HttpClient, error_for, origin_of, retry_at

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


@pytest.fixture
def client(httpserver: HTTPServer):
    with HttpClient(timeout_s=2, total_s=4, allow_private=httpserver.url_for("/")) as made:
        yield made


def test_an_answer_comes_with_status_headers_body_and_address(httpserver: HTTPServer, client: HttpClient) -> None:
    httpserver.expect_request("/a", query_string={"q": "x y", "n": "1"}).respond_with_data(
        "hello", headers={"X-Thing": "1"}
    )
    answer = client.get(httpserver.url_for("/a"), params={"q": "x y", "n": 1, "absent": None})
    assert (answer.status, answer.body, answer.headers["x-thing"]) == (200, b"hello", "1")
    assert answer.url.endswith("/a?q=x+y&n=1") or answer.url.endswith("/a?q=x%20y&n=1")
    assert answer.check() is answer


def test_json_that_is_none_is_an_unexpected_response(httpserver: HTTPServer, client: HttpClient) -> None:
    httpserver.expect_request("/cut").respond_with_data('{"a": [1, 2', content_type="application/json")
    httpserver.expect_request("/deep").respond_with_data("[" * 200_000, content_type="application/json")
    for path in ("/cut", "/deep"):
        with pytest.raises(UnexpectedResponseError, match="not JSON"):
            client.get(httpserver.url_for(path)).json()


def test_post_sends_json_and_form_and_follows_no_redirect(httpserver: HTTPServer, client: HttpClient) -> None:
    httpserver.expect_request("/hook", method="POST", json={"a": 1}).respond_with_data("json")
    httpserver.expect_request("/form", method="POST", data="a=1").respond_with_data("form")
    httpserver.expect_request("/moved", method="POST").respond_with_data("", 302, headers={"Location": "/hook"})
    assert client.post(httpserver.url_for("/hook"), json={"a": 1}).body == b"json"
    assert client.post(httpserver.url_for("/form"), data={"a": "1"}).body == b"form"
    with pytest.raises(UnexpectedResponseError):
        client.post(httpserver.url_for("/moved"), content=b"x").check()


@pytest.mark.parametrize("packed", [gzip.compress(b"words " * 50_000), zlib.compress(b"words " * 50_000)])
def test_packed_bodies_are_unpacked(httpserver: HTTPServer, client: HttpClient, packed: bytes) -> None:
    encoding = "gzip" if packed[:2] == b"\x1f\x8b" else "deflate"
    httpserver.expect_request("/z").respond_with_response(Response(packed, headers={"Content-Encoding": encoding}))
    assert client.get(httpserver.url_for("/z")).body == b"words " * 50_000


def test_bare_deflate_several_members_and_padding_are_unpacked(httpserver: HTTPServer, client: HttpClient) -> None:
    bare = zlib.compressobj(wbits=-15)
    body = bare.compress(b"bare") + bare.flush()
    httpserver.expect_request("/bare").respond_with_response(Response(body, headers={"Content-Encoding": "deflate"}))
    two = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0" * 100
    httpserver.expect_request("/two").respond_with_response(Response(two, headers={"Content-Encoding": "gzip"}))
    httpserver.expect_request("/none").respond_with_response(Response(b"", headers={"Content-Encoding": "gzip"}))
    assert client.get(httpserver.url_for("/bare")).body == b"bare"
    assert client.get(httpserver.url_for("/two")).body == b"one two"
    assert client.get(httpserver.url_for("/none")).body == b""


def test_a_packed_body_that_breaks_off_or_is_none_is_unexpected(httpserver: HTTPServer, client: HttpClient) -> None:
    whole = gzip.compress(b"words " * 1000)
    for path, body in (("/cut", whole[:-20]), ("/not", b"plain text"), ("/bad", whole[:20] + b"xx" + whole[22:])):
        httpserver.expect_request(path).respond_with_response(Response(body, headers={"Content-Encoding": "gzip"}))
        with pytest.raises(UnexpectedResponseError, match="packed"):
            client.get(httpserver.url_for(path))
    httpserver.expect_request("/br").respond_with_response(Response(b"x", headers={"Content-Encoding": "br"}))
    with pytest.raises(UnexpectedResponseError, match="not asked for"):
        client.get(httpserver.url_for("/br"))


def test_a_gzip_bomb_costs_little_memory(httpserver: HTTPServer, client: HttpClient) -> None:
    bomb = zlib.compressobj(9, wbits=31)
    body = b"".join(bomb.compress(b"\0" * 1_000_000) for _ in range(300)) + bomb.flush()
    httpserver.expect_request("/bomb").respond_with_response(Response(body, headers={"Content-Encoding": "gzip"}))
    client.get(httpserver.url_for("/bomb-not-there"))  # what is loaded once is no cost of the bomb
    tracemalloc.start()
    try:
        with pytest.raises(UnexpectedResponseError, match="more than"):
            client.get(httpserver.url_for("/bomb"))
        assert tracemalloc.get_traced_memory()[1] < 12_000_000  # the server in this process has its share
    finally:
        tracemalloc.stop()


def test_a_body_beyond_the_cap_is_given_up(httpserver: HTTPServer, client: HttpClient) -> None:
    httpserver.expect_request("/large").respond_with_data(b"x" * (MAX_BYTES + 1))
    with pytest.raises(UnexpectedResponseError, match="more than"):
        client.get(httpserver.url_for("/large"))


def test_a_slow_drip_does_not_outlast_the_total_deadline(raw_server) -> None:
    def drip_body(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    def drip_header(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            connection.sendall(b"x")
            time.sleep(0.05)

    for behave in (drip_body, drip_header):
        address = raw_server(behave)
        begun = time.monotonic()
        with HttpClient(timeout_s=0.5, total_s=0.8, allow_private=address) as client, pytest.raises(TransientError):
            client.get(address)
        assert time.monotonic() - begun < 2


def test_a_hanging_server_is_left_after_the_time_out(raw_server) -> None:
    address = raw_server(lambda connection: time.sleep(1))
    begun = time.monotonic()
    with (
        HttpClient(timeout_s=0.3, total_s=5, allow_private=address) as client,
        pytest.raises(TransientError, match="time-out"),
    ):
        client.get(address)
    assert time.monotonic() - begun < 2


def test_broken_answers_are_transient(raw_server) -> None:
    def hang_up(connection: socket.socket) -> None:
        connection.recv(4096)

    def break_off(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    def babble(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"SSH-2.0-OpenSSH_9\r\n")

    for behave in (hang_up, break_off, babble):
        address = raw_server(behave)
        with HttpClient(timeout_s=1, total_s=2, allow_private=address) as client, pytest.raises(TransientError):
            client.get(address)


def test_nobody_listening_is_transient_and_tried_twice_at_most() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    begun = time.monotonic()
    with HttpClient(total_s=3, allow_private=address) as client, pytest.raises(TransientError, match="no connection"):
        client.get(address)
    assert time.monotonic() - begun < 2


def test_a_connection_that_fails_once_is_tried_again(httpserver: HTTPServer, monkeypatch) -> None:
    import httpcore

    httpserver.expect_request("/a").respond_with_data("ok")
    connect, failures = httpcore.SyncBackend.connect_tcp, []

    def flaky(self, *args, **kwargs):
        if not failures:
            failures.append(1)
            raise httpcore.ConnectError
        return connect(self, *args, **kwargs)

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", flaky)
    with HttpClient(allow_private=httpserver.url_for("/")) as client:
        assert client.get(httpserver.url_for("/a")).body == b"ok"


def test_redirects_are_followed_five_times_and_no_more(httpserver: HTTPServer, client: HttpClient) -> None:
    for hop in range(7):
        httpserver.expect_request(f"/{hop}").respond_with_data("", 302, headers={"Location": f"/{hop + 1}"})
    httpserver.expect_request("/7").respond_with_data("there")
    assert client.get(httpserver.url_for("/2")).body == b"there"
    with pytest.raises(UnexpectedResponseError, match="redirects more than 5 times"):
        client.get(httpserver.url_for("/1"))


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:9/",
        "http://169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "http://[::1]/",
        "//10.0.0.1/",
    ],
)
def test_a_redirect_to_a_private_address_is_refused(httpserver: HTTPServer, client: HttpClient, location: str) -> None:
    httpserver.expect_request("/out").respond_with_data("", 302, headers={"Location": location})
    with pytest.raises(RefusedAddressError):
        client.get(httpserver.url_for("/out"))


def test_credentials_stay_with_their_origin(httpserver: HTTPServer) -> None:
    seen: list[dict[str, str]] = []

    def note(request: Request) -> Response:
        seen.append(dict(request.headers))
        return Response("ok")

    port = httpserver.port
    httpserver.expect_request("/here").respond_with_data("", 302, headers={"Location": "/there"})
    httpserver.expect_request("/away").respond_with_data(
        "", 302, headers={"Location": f"http://127.0.0.1:{port}/there"}
    )
    httpserver.expect_request("/there").respond_with_handler(note)
    here = f"http://localhost:{port}"
    secret = {"Authorization": "Bearer s3cret", "X-Api-Key": "s3cret", "Cookie": "a=s3cret", "Accept": "text/plain"}
    with HttpClient(allow_private=here) as client:
        client.get(f"{here}/here", headers=secret)
        assert seen[0]["Authorization"] == "Bearer s3cret"
        assert "Authorization" in seen[0]
        with pytest.raises(RefusedAddressError):  # another origin, although the same machine
            client.get(f"{here}/away", headers=secret)


def test_credentials_do_not_cross_to_another_origin(httpserver: HTTPServer, monkeypatch) -> None:
    import connectors.http

    seen: list[dict[str, str]] = []

    def note(request: Request) -> Response:
        seen.append(dict(request.headers))
        return Response("ok")

    away = f"http://127.0.0.1:{httpserver.port}/there"
    httpserver.expect_request("/away").respond_with_data("", 302, headers={"Location": away})
    httpserver.expect_request("/there").respond_with_handler(note)
    monkeypatch.setattr(connectors.http, "resolve_public", lambda *_, **__: ("127.0.0.1",))
    secret = {"Authorization": "Bearer s3cret", "X-Api-Key": "s3cret", "Cookie": "a=s3cret", "Accept": "text/plain"}
    with HttpClient() as client:
        client.get(f"http://name:s3cret@localhost:{httpserver.port}/away", headers=secret)
    assert "s3cret" not in repr(seen[0])
    assert seen[0]["Accept"] == "text/plain"


def test_name_and_password_in_the_address_become_basic_authentication(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/feed", headers={"Authorization": "Basic bmFtZTpwYXNz"}).respond_with_data("in")
    address = f"http://name:pass@localhost:{httpserver.port}/feed"
    with HttpClient(allow_private=address) as client:
        answer = client.get(address)
    assert answer.body == b"in"
    assert "pass" not in answer.url


def test_cookies_are_not_kept(httpserver: HTTPServer, client: HttpClient) -> None:
    seen: list[str | None] = []

    def set_cookie(request: Request) -> Response:
        seen.append(request.headers.get("Cookie"))
        return Response("ok", headers={"Set-Cookie": "track=1; Path=/"})

    httpserver.expect_request("/c").respond_with_handler(set_cookie)
    for _ in range(2):
        client.get(httpserver.url_for("/c"))
    assert seen == [None, None]


def test_the_proxy_of_the_environment_is_not_used(httpserver: HTTPServer, monkeypatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    httpserver.expect_request("/a").respond_with_data("direct")
    with HttpClient(allow_private=httpserver.url_for("/")) as client:
        assert client.get(httpserver.url_for("/a")).body == b"direct"


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 418, 429, 500, 503])
def test_no_error_shows_path_query_or_token(httpserver: HTTPServer, client: HttpClient, status: int) -> None:
    httpserver.expect_request("/s3cret").respond_with_data("s3cret", status)
    with pytest.raises(ConnectorError) as caught:
        client.get(httpserver.url_for("/s3cret?key=s3cret"), headers={"Authorization": "Bearer s3cret"}).check()
    assert "s3cret" not in str(caught.value)
    assert "localhost" in str(caught.value)


@pytest.mark.parametrize("token", ["line\nbreak", "snö-☃"])
def test_a_token_that_no_header_can_hold_is_not_shown(httpserver: HTTPServer, client: HttpClient, token: str) -> None:
    with pytest.raises(PermanentError) as caught:
        client.get(httpserver.url_for("/"), headers={"Authorization": f"Bearer {token}"})
    assert token not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, UnexpectedResponseError),
        (400, PermanentError),
        (401, AuthenticationError),
        (402, PermanentError),
        (403, AuthenticationError),
        (404, AccountNotFoundError),
        (408, TransientError),
        (410, AccountNotFoundError),
        (422, PermanentError),
        (429, RateLimitedError),
        (500, TransientError),
        (502, TransientError),
        (599, TransientError),
        (100, UnexpectedResponseError),
    ],
)
def test_every_status_has_its_error(status: int, kind: type[ConnectorError]) -> None:
    assert type(error_for(status, {})) is kind


@pytest.mark.parametrize("status", [200, 204, 206, 304])
def test_success_and_not_modified_are_no_error(status: int) -> None:
    assert error_for(status, {}) is None


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Retry-After": "120"}, NOW + timedelta(seconds=120)),
        ({"Retry-After": "Fri, 20 Nov 2026 08:05:00 GMT"}, NOW + timedelta(minutes=5)),
        ({"X-RateLimit-Reset": "2026-11-20T08:05:00.507467Z"}, NOW + timedelta(minutes=5, microseconds=507467)),
        ({"x-rate-limit-reset": str(int(NOW.timestamp()) + 60)}, NOW + timedelta(seconds=60)),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "1e300"}, None),
        ({"Retry-After": "9" * 100}, None),
        ({"X-RateLimit-Reset": "2999-01-01T00:00:00Z"}, NOW + timedelta(days=31)),
        ({"Retry-After": "junk", "X-RateLimit-Reset": "30"}, NOW + timedelta(seconds=30)),
    ],
)
def test_the_pause_that_a_server_asks_for(headers: dict[str, str], expected: datetime | None) -> None:
    assert retry_at(headers, NOW) == expected
    error = error_for(429, headers, now=NOW)
    assert isinstance(error, RateLimitedError)
    assert error.retry_at == expected


def test_a_503_with_a_pause_is_a_rate_limit() -> None:
    error = error_for(503, {"retry-after": "60"}, now=NOW)
    assert isinstance(error, RateLimitedError)
    assert error.retry_at == NOW + timedelta(seconds=60)
    assert not isinstance(error_for(503, {}), RateLimitedError)


def test_an_origin_shows_scheme_host_and_port_only() -> None:
    assert origin_of("HTTPS://user:pw@School.Example/path?key=1#x") == "https://school.example:443"
    assert origin_of("http://[2606:4700::1]:8080/") == "http://[2606:4700::1]:8080"


def test_no_log_shows_path_query_or_token(httpserver: HTTPServer, caplog) -> None:
    caplog.set_level(logging.DEBUG)
    httpserver.expect_request("/").respond_with_data("ok", headers={"X-Echo": "s3cret"})
    with HttpClient(allow_private=httpserver.url_for("/")) as client:
        client.get(httpserver.url_for("/?key=s3cret"), headers={"Authorization": "Bearer s3cret"})
    assert not [r for r in caplog.records if r.name.startswith("http") and "s3cret" in r.getMessage()]
    assert "httpx" not in {record.name for record in caplog.records}


@pytest.mark.parametrize("name", ["Authorization", "Api-Key"])
@pytest.mark.parametrize("value", ["Bearer s3cret…", "Bearer s3cret\n", "Bearer s3\x00cret"])
def test_a_token_that_no_header_can_hold_is_no_good(
    httpserver: HTTPServer, client: HttpClient, name: str, value: str
) -> None:
    for ask in (client.get, client.post):
        with pytest.raises(AuthenticationError, match="copy it again") as caught:
            ask(httpserver.url_for("/a"), headers={name: value})
        assert "s3" not in str(caught.value)


def test_a_mark_of_a_server_that_no_header_can_hold_is_not_called_a_token(
    httpserver: HTTPServer, client: HttpClient
) -> None:
    with pytest.raises(PermanentError, match="a header holds a forbidden sign") as caught:
        client.get(httpserver.url_for("/a"), headers={"If-None-Match": '"…"', "Authorization": "Bearer s3cret"})
    assert not isinstance(caught.value, AuthenticationError)
