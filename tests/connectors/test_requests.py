"""The web client's rules hold for libraries that ask through a requests session."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors._requests import CheckedSession, as_json, said, translated
from connectors.errors import (
    AuthenticationError,
    PermanentError,
    RefusedAddressError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient
from connectors.http import Response as Answer
from connectors.post import Account
from connectors.x import XConnector

PREFIX = "https://api.example"


def unchanged(answer: Answer) -> Answer:
    return answer


def session(server: HTTPServer, *, private: bool = True, **limits: float) -> CheckedSession:
    base = server.url_for("").rstrip("/")
    client = HttpClient(allow_private=base if private else None, **{"total_s": 5.0, **limits})  # type: ignore[arg-type]
    return CheckedSession(client, prefix=PREFIX, base_url=base + "/proxied", check=unchanged)


def test_an_answer_arrives_as_the_library_expects_it(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/proxied/a", query_string={"q": "school fair", "n": "1"}).respond_with_json({"ä": 1})
    with session(httpserver) as asking:
        answer = asking.get(f"{PREFIX}/a", params={"q": "school fair", "n": 1})
    assert (answer.status_code, answer.ok, answer.reason) == (200, True, "OK")
    assert answer.json() == {"ä": 1}
    assert "json" in answer.headers["Content-Type"]


def test_a_packed_answer_is_unpacked_once(httpserver: HTTPServer) -> None:
    packed = gzip.compress(json.dumps({"a": "b" * 1000}).encode())
    httpserver.expect_request("/proxied/a").respond_with_data(packed, headers={"Content-Encoding": "gzip"})
    with session(httpserver) as asking:
        answer = asking.get(f"{PREFIX}/a")
    assert answer.json() == {"a": "b" * 1000}
    assert "Content-Encoding" not in answer.headers


def test_the_library_passes_on_its_token_and_nothing_else(httpserver: HTTPServer) -> None:
    seen: list[Request] = []

    def note(request: Request) -> Response:
        seen.append(request)
        return Response("{}", headers={"Set-Cookie": "follow=me; Path=/"})

    httpserver.expect_request("/proxied/a").respond_with_handler(note)
    with session(httpserver) as asking:
        for _ in range(2):
            asking.get(f"{PREFIX}/a", headers={"Authorization": "Bearer t", "User-Agent": "lib", "X-Other": "1"})
    assert [request.headers["Authorization"] for request in seen] == ["Bearer t"] * 2
    assert all("br" not in request.headers["Accept-Encoding"] for request in seen)
    assert all("Watcher" in request.headers["User-Agent"] for request in seen)
    assert not any("X-Other" in request.headers or "Cookie" in request.headers for request in seen)


def test_the_environment_adds_no_password_and_no_proxy(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.example login a password b\nmachine 127.0.0.1 login a password b\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    httpserver.expect_request("/proxied/a", headers={"Authorization": "Bearer t"}).respond_with_json({})
    with session(httpserver) as asking:
        assert asking.get(f"{PREFIX}/a", headers={"Authorization": "Bearer t"}).status_code == 200


def test_only_the_prefix_is_answered_and_only_reading_is_done(httpserver: HTTPServer) -> None:
    with session(httpserver) as asking:
        for url in ("https://elsewhere.example/a", httpserver.url_for("/proxied/a")):
            with pytest.raises(PermanentError), translated("it"):
                asking.get(url)
        with pytest.raises(PermanentError, match="only reads"):
            asking.post(f"{PREFIX}/a", json={})
    assert httpserver.log == []


def test_a_private_address_is_refused_without_the_operators_word(httpserver: HTTPServer) -> None:
    with session(httpserver, private=False) as asking, pytest.raises(RefusedAddressError):
        asking.get(f"{PREFIX}/a")
    assert httpserver.log == []


def test_a_redirect_to_a_private_address_is_refused(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/proxied/a").respond_with_data("", 302, {"Location": "http://127.0.0.2:9/"})
    with session(httpserver) as asking, pytest.raises(RefusedAddressError):
        asking.get(f"{PREFIX}/a")


def test_a_redirect_on_the_same_server_is_followed(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/proxied/a").respond_with_data("", 302, {"Location": "/proxied/b"})
    httpserver.expect_request("/proxied/b").respond_with_json({"b": 1})
    with session(httpserver) as asking:
        assert asking.get(f"{PREFIX}/a").json() == {"b": 1}


class Elsewhere(HttpClient):
    """A web client that was sent on to another server."""

    def get(self, url: str, **_: object) -> Answer:  # type: ignore[override]
        return Answer(status=200, headers={}, body=b"{}", url="https://elsewhere.example/a")


def test_what_another_server_says_is_not_the_platforms_word() -> None:
    asking = CheckedSession(Elsewhere(), prefix=PREFIX, base_url=PREFIX, check=unchanged)
    with asking, pytest.raises(UnexpectedResponseError, match=r"elsewhere\.example"):
        asking.get(f"{PREFIX}/a")


def test_a_bomb_and_an_endless_answer_are_cut_off(httpserver: HTTPServer) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    httpserver.expect_request("/proxied/bomb").respond_with_data(bomb, headers={"Content-Encoding": "gzip"})
    httpserver.expect_request("/proxied/long").respond_with_data(b"0" * 2_000_000)
    with session(httpserver, max_bytes=1_000_000) as asking:
        for path in ("bomb", "long"):
            with pytest.raises(UnexpectedResponseError, match="1000000 bytes"):
                asking.get(f"{PREFIX}/{path}")


@pytest.fixture
def dripping() -> Iterator[str]:
    """A server that sends its head at once and then a byte every tenth of a second."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
            while not done.wait(0.1):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    thread = threading.Thread(target=drip)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    done.set()
    thread.join()
    listener.close()


def test_a_slow_drip_ends_at_the_total_deadline(dripping: str) -> None:
    client = HttpClient(timeout_s=1.0, total_s=0.7, allow_private=dripping)
    began = time.monotonic()
    asking = CheckedSession(client, prefix=PREFIX, base_url=dripping, check=unchanged)
    with asking, pytest.raises(TransientError):
        asking.get(f"{PREFIX}/a")
    assert time.monotonic() - began < 1.5


def test_no_server_at_all_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        base = f"http://127.0.0.1:{taken.getsockname()[1]}"
    client = HttpClient(allow_private=base, total_s=2.0)
    asking = CheckedSession(client, prefix=PREFIX, base_url=base, check=unchanged)
    with asking, pytest.raises(TransientError):
        asking.get(f"{PREFIX}/a")


def answer(body: bytes, **headers: str) -> Answer:
    return Answer(status=200, headers=headers, body=body, url="https://api.example/a")


def test_json_objects_come_back_as_plain_ascii() -> None:
    mended = as_json(answer('{"a": "é\\ud800"}'.encode()), "it")
    assert mended.body == b'{"a": "\\u00e9\\ud800"}'
    assert mended.headers["content-type"] == "application/json"


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b'{"a', b"\xff", b"null"])
def test_what_is_no_json_object_is_unexpected(body: bytes) -> None:
    with pytest.raises(UnexpectedResponseError):
        as_json(answer(body), "it")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"detail": "wrong\\n token abc", "title": "T"}', " (wrong token …)"),
        (b'{"title": "T"}', " (T)"),
        (b'{"detail": 3}', ""),
        (b"[]", ""),
        (b"<html>", ""),
    ],
)
def test_what_a_server_says_is_told_without_the_secret(body: bytes, expected: str) -> None:
    assert said(answer(body), "abc", "detail", "title") == expected


def test_what_requests_itself_refuses_is_translated_without_its_text() -> None:
    with pytest.raises(AuthenticationError) as caught, translated("it"):
        raise requests.exceptions.InvalidHeader("Bearer secret")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_one_connector_serves_many_threads_and_mixes_nothing_up(httpserver: HTTPServer) -> None:
    def echo(request: Request) -> Response:
        number = int(request.path.split("/")[3])
        owner = request.headers["Authorization"].removeprefix("Bearer t")
        body = {"data": [{"id": str(number), "text": owner}], "meta": {"result_count": 1}}
        return Response(json.dumps(body), mimetype="application/json")

    httpserver.expect_request("/2/users/1000/tweets").respond_with_handler(echo)
    for n in range(1001, 1008):
        httpserver.expect_request(f"/2/users/{n}/tweets").respond_with_handler(echo)
    connector, base = XConnector(), httpserver.url_for("").rstrip("/")

    def read(n: int) -> tuple[str, str]:
        source = Account(
            name=str(n), platform="x", target=str(1000 + n), base_url=base, allow_private=True, token=f"t{n}"
        )
        (post,) = connector.fetch(source, None).posts
        return post.id, post.text

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(read, [n % 8 for n in range(40)]))
    assert got == [(str(1000 + n % 8), str(n % 8)) for n in range(40)]
