"""No way of writing an address, no name, no redirect and no link in an answer leads Watcher into a private network.

Each is refused before any packet leaves: the resolver and the network are stood in for, every attempt to connect is
noted, and one to anything but the test's own server on loopback fails the test.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors._requests import CheckedSession
from connectors.connector import Connector
from connectors.errors import (
    AccountNotFoundError,
    ConnectorError,
    PermanentError,
    RefusedAddressError,
    TransientError,
)
from connectors.http import HttpClient, is_public
from connectors.post import Account
from connectors.registry import load
from tests.connectors.ssrf_forms import FORMS, NAMES
from tests.connectors.test_contract import OVER_HTTP, Source, numbers

PUBLIC = "93.184.216.34"
ALL = [(kind, form) for kind, forms in FORMS.items() for form in forms]
# What can stand in a header and, as a reference, leads away from the server that answers it.
REDIRECTS = [
    (kind, form)
    for kind, form in ALL
    if re.match(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]*:|//)", form) and form.isprintable() and form == form.strip()
]
ONE_OF_EACH = [
    "http://169.254.169.254/latest/meta-data/", "http://[::ffff:127.0.0.1]/", "http://ten.example/", "http://0x7f.1/",
    "http://public.example\\@127.0.0.1/", "file:///etc/passwd",
]  # fmt: skip


class Network:
    """What was looked up and connected to; ``open`` are the ports of the test's own servers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.connected: list[tuple[str, int]] = []
        self.open: set[int] = set()
        self.names: dict[str, Callable[[], tuple[str, ...]]] = {}
        self.diverted: dict[str, tuple[str, int]] = {}

    @property
    def strayed(self) -> list[tuple[str, int]]:
        """Connections to anything but the test's own servers."""
        return [(host, port) for host, port in self.connected if not (host == "127.0.0.1" and port in self.open)]


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> Iterator[Network]:
    """Stands in for resolver and network for every test of this module; nothing but loopback is ever connected to."""
    seen = Network()
    connect = socket.socket.connect

    def getaddrinfo(host: Any, port: Any, *_: Any, **__: Any) -> list[Any]:
        name = host.decode() if isinstance(host, bytes) else str(host)
        if name.replace(".", "").isdecimal():
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (name, port))]  # a number is not looked up
        seen.asked.append(name)
        found = seen.names.get(name, lambda: NAMES.get(name.lower(), ()))()
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "not known in this test")
        family = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(family[":" in one], socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    def checked(self: socket.socket, address: Any) -> None:
        if self.family not in (socket.AF_INET, socket.AF_INET6):
            connect(self, address)  # a socket of the system's own, within the machine
            return
        host, port = address[:2]
        seen.connected.append((host, port))
        host, port = seen.diverted.get(host, (host, port))
        if host != "127.0.0.1" or port not in seen.open:
            raise ConnectionRefusedError("no test connects to anything but its own server")
        connect(self, (host, port))

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", checked)
    monkeypatch.setattr(socket.socket, "connect_ex", lambda *_: pytest.fail("connect_ex is not expected"))
    monkeypatch.setattr(socket.socket, "sendto", lambda *_: pytest.fail("no datagram is expected"))
    yield seen
    assert [one for one in seen.strayed if one[0] not in seen.diverted] == []


def refusal(ask: Callable[[], object]) -> str | None:
    """Nothing where an address is refused, otherwise what came instead."""
    try:
        ask()
    except RefusedAddressError as exc:
        return None if "pass" not in str(exc) else "its text shows a password"
    except ConnectorError as exc:
        return f"{type(exc).__name__}: {exc}"
    return "nothing was raised"


def test_there_are_more_than_150_forms_and_no_two_are_the_same() -> None:
    forms = [form for _, form in ALL]
    assert len(forms) == len(set(forms)) >= 300
    assert len(REDIRECTS) >= 200


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("method", ["get", "post"])
def test_the_client_refuses_every_form(network: Network, kind: str, method: str) -> None:
    with HttpClient(timeout_s=1, total_s=2) as client:
        wrong = {form: why for form in FORMS[kind] if (why := refusal(lambda form=form: getattr(client, method)(form)))}
    assert wrong == {}
    assert network.connected == []
    assert {name.lower() for name in network.asked} <= NAMES.keys()


@pytest.mark.parametrize("kind", FORMS)
def test_the_session_of_the_platforms_libraries_refuses_every_form(network: Network, kind: str) -> None:
    def ask(form: str) -> object:
        with HttpClient(timeout_s=1, total_s=2) as client:
            session = CheckedSession(
                client, prefix="https://api.example", base_url=form, check=lambda answer: answer.check()
            )
            return session.get("https://api.example/2/x")

    assert {form: why for form in FORMS[kind] if (why := refusal(lambda form=form: ask(form)))} == {}
    assert network.connected == []


def raw_redirect(raw_server: Callable[..., str], network: Network) -> tuple[str, list[str]]:
    """A server that sends everybody on to the last address of the list, as it is written, and its own address."""
    target: list[str] = []

    def send_on(connection: socket.socket) -> None:
        connection.recv(65536)
        head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nConnection: close\r\nLocation: "
        connection.sendall(head + target[-1].encode() + b"\r\n\r\n")

    base = raw_server(send_on)
    network.open.add(int(base.rpartition(":")[2]))
    return base, target


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in REDIRECTS}))
def test_a_redirect_to_any_form_is_refused(network: Network, raw_server: Callable[..., str], kind: str) -> None:
    base, target = raw_redirect(raw_server, network)
    wrong = {}
    with HttpClient(timeout_s=2, total_s=4, allow_private=base) as client:
        for form in (form for one, form in REDIRECTS if one == kind):
            target.append(form)
            why = refusal(lambda: client.get(f"{base}/start"))
            # Without a host the reference is one of the same server's, as RFC 3986 has it, and stays there.
            if why and not (kind in ("backslash", "no address") and "redirects more than 5 times" in why):
                wrong[form] = why
    assert wrong == {}
    assert network.strayed == []


@pytest.fixture
def source(request: pytest.FixtureRequest, httpserver: HTTPServer, tmp_path: Path, network: Network) -> Source:
    network.open.add(httpserver.port)
    made: Source = request.param(httpserver, tmp_path)
    return made


every_source = pytest.mark.parametrize("source", OVER_HTTP, indirect=True, ids=lambda kind: kind.platform)


@every_source
def test_every_connector_refuses_such_a_form_as_its_base_url(source: Source, network: Network) -> None:
    """A sixth of the forms for each platform, another sixth for the next: all of them ask through the one client."""
    connector = source.connector(timeout_s=1.0, total_s=2.0)
    wrong = {}
    for _, form in ALL[len(source.platform) % 6 :: 6]:
        account = source.account(base_url=form, allow_private=False)
        if form and (why := refusal(lambda account=account: connector.fetch(account, None))):
            wrong[form] = why
    assert wrong == {}
    assert network.connected == []


@pytest.mark.parametrize("platform", ["rss", "wordpress", "forum"])
def test_such_a_form_is_refused_where_the_target_is_an_address(network: Network, platform: str) -> None:
    connector = load(platform, {"timeout_s": 1.0, "total_s": 2.0})
    wrong = {}
    for kind, form in ALL if platform == "rss" else ALL[len(platform) % 3 :: 3]:
        account = Account(name="a", platform=platform, target=form)
        try:
            connector.fetch(account, None)
            wrong[form] = "nothing was raised"
        except (RefusedAddressError, AccountNotFoundError):
            continue
        except TransientError as exc:  # a bare word reads as a host for those that add https:// themselves
            if kind not in ("backslash", "no address", "scheme"):
                wrong[form] = str(exc)
    assert wrong == {}
    assert network.connected == []


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "169.254.169.254", "[::1]", "ten.example", "0x7f000001", "2130706433"]
)
def test_a_handle_of_mastodon_leads_to_no_private_host(network: Network, host: str) -> None:
    connector: Connector = load("mastodon", {"timeout_s": 1.0, "total_s": 2.0})
    for target in (f"@alderbrook@{host}", f"https://{host}/@alderbrook"):
        with pytest.raises(PermanentError):
            connector.fetch(Account(name="a", platform="mastodon", target=target), None)
    assert network.connected == []


@every_source
@pytest.mark.parametrize("form", ONE_OF_EACH)
def test_no_connector_follows_a_redirect_of_any_kind(source: Source, network: Network, form: str) -> None:
    source.broken = (
        Response("", 302, {"Location": form})
        if form.isascii()
        else Response("", 302, [("Location", form.encode().decode("latin-1"))])
    )
    source.broken.autocorrect_location_header = False
    with pytest.raises(ConnectorError):
        source.connector(timeout_s=2.0, total_s=4.0).fetch(source.account(), None)
    assert network.strayed == []


def evil(value: Any, form: str) -> Any:
    """An answer in which every address leads elsewhere, the addresses of next pages among them."""
    if isinstance(value, dict):
        return {name: evil(one, form) for name, one in value.items()}
    if isinstance(value, list):
        return [evil(one, form) for one in value]
    if isinstance(value, str) and re.match(r"https?://|/rest/", value):
        at = value.find("?")
        return form + (value[at:] if at >= 0 else "")
    return value


@every_source
@pytest.mark.parametrize("form", ["http://169.254.169.254/latest", "http://ten.example/"])
def test_no_link_in_an_answer_leads_to_a_private_address(
    source: Source, httpserver: HTTPServer, network: Network, drain: Callable[..., Any], form: str
) -> None:
    """Next pages in bodies and headers, feeds and interfaces that a page names: all of them lead into the trap."""
    answer = source.answer
    relations = ("next", "prev", "https://api.w.org/", "alternate", "self", "hub")
    links = ", ".join(f'<{form}>; rel="{name}"' for name in relations)

    def trapped(request: Request) -> Response:
        found = answer(request)
        if not isinstance(found, Response):
            found = Response(json.dumps(evil(found, form)), mimetype="application/json")
        elif "json" in found.content_type:
            found.set_data(json.dumps(evil(json.loads(found.get_data()), form)))
        else:
            atom = f"<atom:link xmlns:atom='http://www.w3.org/2005/Atom' rel='next' href='{form}'/>"
            found.set_data(found.get_data(as_text=True).replace("<channel>", f"<channel><link>{form}</link>{atom}"))
        found.headers["Link"] = links
        return found

    source.answer = trapped  # type: ignore[method-assign]
    source.put(*range(1, 14))
    posts = []
    try:
        posts = drain(source.connector(page_size=5, timeout_s=2.0, total_s=4.0), source.account()).posts
    except RefusedAddressError:
        pass
    else:
        assert numbers(posts) == list(range(1, 14))
    assert source.asked >= 1
    assert network.strayed == []
    assert not [name for name in network.asked if name == "ten.example" and posts]


def test_a_name_that_turns_private_is_refused_at_its_next_look_up(network: Network, httpserver: HTTPServer) -> None:
    """The first answer comes from a public address, and sends on to the same name, which now leads inside."""
    network.open.add(httpserver.port)
    network.diverted[PUBLIC] = ("127.0.0.1", httpserver.port)
    answers = iter([(PUBLIC,), ("127.0.0.1",)])
    network.names["rebind.example"] = lambda: next(answers)
    for path in ("/", "/two"):
        onward = Response("", 302, {"Location": "http://rebind.example/two", "Connection": "close"})
        httpserver.expect_request(path).respond_with_response(onward)
    with HttpClient(timeout_s=2, total_s=4) as client, pytest.raises(RefusedAddressError):
        client.get("http://rebind.example/")
    assert network.asked == ["rebind.example", "rebind.example"]
    assert network.connected == [(PUBLIC, 80)]


def test_a_name_that_turns_private_between_two_calls_is_refused(network: Network, httpserver: HTTPServer) -> None:
    network.open.add(httpserver.port)
    network.diverted[PUBLIC] = ("127.0.0.1", httpserver.port)
    answers = iter([(PUBLIC,), (PUBLIC, "192.168.0.1")])
    network.names["rebind.example"] = lambda: next(answers)
    httpserver.expect_request("/").respond_with_data("fine", headers={"Connection": "close"})
    with HttpClient(timeout_s=2, total_s=4) as client:
        assert client.get("http://rebind.example/").body == b"fine"
        with pytest.raises(RefusedAddressError):
            client.get("http://rebind.example/")
    assert network.connected == [(PUBLIC, 80)]


def test_only_the_origin_that_the_operator_wrote_is_exempt(network: Network, httpserver: HTTPServer) -> None:
    """Not another port of it, not another name for it, and nothing that it redirects to."""
    network.open.add(httpserver.port)
    httpserver.expect_request("/").respond_with_data("fine")
    with HttpClient(timeout_s=1, total_s=2, allow_private=httpserver.url_for("/")) as client:
        assert client.get(httpserver.url_for("/")).body == b"fine"
        before = len(network.connected)
        for form in (form for _, form in ALL):
            assert refusal(lambda form=form: client.get(form)) is None, form
    assert len(network.connected) == before


@pytest.mark.parametrize("inside", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "8.8.8.8"])
def test_an_address_that_carries_another_is_not_public(inside: str) -> None:
    packed = socket.inet_aton(inside).hex()
    high, low = packed[:4], packed[4:]
    carriers = (
        f"::ffff:{inside}", f"::{inside}", f"64:ff9b::{inside}", f"64:ff9b:1::{inside}", f"2002:{high}:{low}::1",
        f"2001:0:{high}:{low}::", f"2a00:1450:4009:80b:0:5efe:{high}:{low}",
        f"2a00:1450:4009:80b:200:5efe:{high}:{low}",
    )  # fmt: skip
    assert not [one for one in carriers if is_public(one)]
    assert is_public("2a00:1450:4009:80b::200e")
