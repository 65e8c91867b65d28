"""Which addresses are refused: every way of writing a private one, and a name that changes its mind."""

from __future__ import annotations

import socket
import time

import pytest
from pytest_httpserver import HTTPServer

from connectors.errors import ConnectorError, RefusedAddressError, TransientError
from connectors.http import HttpClient, is_public, origin_of, resolve_public

REFUSED = [
    "http://127.0.0.1/", "http://127.0.0.1:8080/", "http://127.1/", "http://127.0.1/", "http://2130706433/",
    "http://0x7f000001/", "http://0x7f.0.0.1/", "http://0177.0.0.1/", "http://017700000001/", "http://0/",
    "http://0.0.0.0/", "http://localhost/", "http://LOCALHOST/", "http://127.0.0.1./", "http://127.127.127.127/",
    "http://user:pass@127.0.0.1/", "http://public.example@127.0.0.1/", "http://[::1]/", "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/", "http://[::127.0.0.1]/",
    "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/", "http://[2001:0:7f00:1::]/", "http://[fe80::1]/", "http://[fe80::1%25lo]/",
    "http://[fc00::1]/", "http://[fd12:3456::1]/", "http://[ff02::1]/", "http://[2001:db8::1]/",
    "http://10.0.0.1/", "http://172.16.0.1/", "http://172.31.255.255/", "http://192.168.1.1/", "http://169.254.169.254/",
    "http://100.64.0.1/", "http://100.127.255.254/", "http://192.0.0.1/", "http://192.0.2.1/", "http://198.18.0.1/",
    "http://198.51.100.1/", "http://203.0.113.1/", "http://192.88.99.1/", "http://224.0.0.1/", "http://239.1.2.3/",
    "http://240.0.0.1/", "http://255.255.255.255/", "http://256.256.256.256/", "http://1.2.3.4.5/", "http://0x/",
    "http://①②⑦.⓪.⓪.①/", "http://１２７.０.０.１/", "http://127。0。0。1/", "http://xn--/", "http://a b/",
    "http://127.0.0.1%00.public.example/", "http://127.0.0.1%2f@public.example%23/", "http://\u202e127.0.0.1/",
    "http://localhost\t/", "http://[::1/", "http://[127.0.0.1]/", "http:///path", "http://",
    "//127.0.0.1/", "127.0.0.1",
    "file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "data:text/plain,x", "javascript:alert(1)",
    "http://public.example:99999/", "http://public.example:port/", "",
]  # fmt: skip


@pytest.mark.parametrize("address", REFUSED)
def test_private_and_odd_addresses_are_refused(address: str) -> None:
    with HttpClient(timeout_s=2, total_s=4) as client, pytest.raises(RefusedAddressError) as caught:
        client.get(address)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4009::200e", "93.184.216.34"]
)
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::", "no address", ""]
)
def test_addresses_that_hide_another_are_not(address: str) -> None:
    assert not is_public(address)


def _answering(*addresses: str):
    def getaddrinfo(host, port, *args, **kwargs):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    return getaddrinfo


def test_one_private_address_among_public_ones_is_enough(monkeypatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _answering("93.184.216.34", "10.0.0.1"))
    with pytest.raises(RefusedAddressError, match="allow_private"):
        resolve_public("mixed.example", 443)
    assert resolve_public("mixed.example", 443, allow_private=True) == ("93.184.216.34", "10.0.0.1")


def test_a_name_that_changes_its_mind_leads_nowhere(httpserver: HTTPServer, monkeypatch) -> None:
    """The connection goes to the address that was checked; the name is not looked up a second time."""
    asked: list[str] = []
    first = _answering("93.184.216.34")
    real = socket.getaddrinfo

    def rebinding(host, port, *args, **kwargs):
        if host != "rebind.example":
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return first(host, port) if len(asked) == 1 else _answering("127.0.0.1")(host, port)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    connected: list[tuple[str, int]] = []

    def refuse(address, *args, **kwargs):
        connected.append(address)
        raise OSError("not connected in this test")

    monkeypatch.setattr(socket, "create_connection", refuse)
    with HttpClient(total_s=2, retries=0) as client, pytest.raises(TransientError):
        client.get(f"http://rebind.example:{httpserver.port}/")
    assert connected == [("93.184.216.34", httpserver.port)]
    assert asked == ["rebind.example"]


def test_a_second_try_looks_the_name_up_and_checks_it_again(monkeypatch) -> None:
    answers = iter([_answering("93.184.216.34"), _answering("127.0.0.1")])

    def answer(host, port, *args, **kwargs):
        return next(answers)(host, port)

    monkeypatch.setattr(socket, "getaddrinfo", answer)

    def refuse(address, *args, **kwargs):
        raise OSError("not connected in this test")

    monkeypatch.setattr(socket, "create_connection", refuse)
    with HttpClient(total_s=3) as client, pytest.raises(RefusedAddressError):
        client.get("http://rebind.example/")


def test_only_the_exact_origin_is_exempt(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/").respond_with_data("ok")
    allowed = f"http://127.0.0.1:{httpserver.port}"
    with HttpClient(total_s=3, allow_private=f"{allowed}/some/path") as client:
        assert client.get(f"{allowed}/").body == b"ok"
        for other in (
            f"https://127.0.0.1:{httpserver.port}/",
            f"http://localhost:{httpserver.port}/",
            "http://127.0.0.1:1/",
        ):
            with pytest.raises(RefusedAddressError):
                client.get(other)


def test_a_resolver_that_hangs_is_left_behind(monkeypatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(1.5) or [])
    begun = time.monotonic()
    with pytest.raises(TransientError, match="not resolved within"):
        resolve_public("slow.example", 443, timeout_s=0.2)
    assert time.monotonic() - begun < 1


def test_a_name_that_is_not_known_may_be_known_later() -> None:
    with pytest.raises(TransientError, match="could not be resolved"):
        resolve_public("no-such-host.invalid", 443)


def test_only_addresses_of_the_web_have_an_origin() -> None:
    for address in ("mailto:a@b.example", "school.example/feed", "http://[bad", ""):
        with pytest.raises(ConnectorError):
            origin_of(address)
