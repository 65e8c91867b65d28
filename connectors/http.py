"""The one web client: time-outs, a total deadline, size caps, checked addresses, and what a status means.

Nothing here puts a path, a query, a header or a body into an error's text: secrets live in all four.
"""

from __future__ import annotations

import base64
import functools
import json
import logging
import math
import random
import re
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpcore
import httpx

from connectors import meter
from connectors._address import is_public, origin_of, resolve_public
from connectors._body import STEP, unpacker
from connectors._status import error_for, retry_at
from connectors.errors import (
    AuthenticationError,
    PermanentError,
    RefusedAddressError,
    TransientError,
    UnexpectedResponseError,
)

__all__ = ["MAX_BYTES", "HttpClient", "Response", "error_for", "is_public", "origin_of", "resolve_public", "retry_at"]

MAX_BYTES = 6 * 1024 * 1024
MAX_REDIRECTS = 5
USER_AGENT = "Watcher/0.1 (school safeguarding monitor)"
_HOST = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_REDIRECTS = {301, 302, 303, 307, 308}
# Sent on to another origin; everything else a caller adds may be a credential.
_HARMLESS = {"accept", "accept-encoding", "accept-language", "user-agent", "if-none-match", "if-modified-since"}
_SENDABLE = re.compile(r"[\t\x20-\x7e]*")

for _name in ("httpx", "httpcore"):  # at INFO and DEBUG they write whole addresses and headers, secrets included
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, kw_only=True)
class Response:
    """What a server answered: status, headers (names in lower case), unpacked body, and the final address."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def check(self, what: str = "the server") -> Response:
        """Itself, where the status says success or "not modified".

        Raises:
            ConnectorError: the one that the status stands for.
        """
        problem = error_for(self.status, self.headers, what=f"{what} at {origin_of(self.url)}")
        if problem is not None:
            raise problem
        return self

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            UnexpectedResponseError: it is none.
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            kind = self.headers.get("content-type", "no content type")[:60]
            place = origin_of(self.url)
            raise UnexpectedResponseError(f"{place} answered {len(self.body)} bytes of {kind}, not JSON") from None


@dataclass(frozen=True)
class _Leash:
    """How long the call at hand may still take, and whether its origin is the one that the operator allowed."""

    ends: float
    exempt: bool

    def left(self, timeout: float | None = None) -> float:
        """The seconds left, at most ``timeout``; never nought, which would mean "do not block"."""
        left = max(self.ends - time.monotonic(), 0.001)
        return left if timeout is None else min(left, timeout)

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.ends


_leash: ContextVar[_Leash] = ContextVar("leash")


class _Stream(httpcore.NetworkStream):
    """A connection whose every step keeps to the call's total deadline, however slowly bytes drip."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        leash = _leash.get()
        if leash.over:
            raise httpcore.ReadTimeout
        return self._inner.read(max_bytes, leash.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), STEP):
            leash = _leash.get()
            if leash.over:
                raise httpcore.WriteTimeout
            self._inner.write(buffer[start : start + STEP], leash.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, _leash.get().left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _CheckedNetwork(httpcore.NetworkBackend):
    """Connects to the very address that was checked, so that a second name lookup cannot lead elsewhere."""

    def __init__(self) -> None:
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        leash = _leash.get()
        addresses = resolve_public(host, port, allow_private=leash.exempt, timeout_s=leash.left(timeout))
        failure: Exception = httpcore.ConnectError()
        for address in addresses:
            if leash.over:
                raise httpcore.ConnectTimeout
            try:
                limit = leash.left(timeout)
                return _Stream(self._inner.connect_tcp(address, port, limit, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as exc:
                failure = exc
        raise failure


class _CheckedTransport(httpx.HTTPTransport):
    """httpx over the checked network; it takes no proxy from the environment, which would undo the check."""

    def __init__(self) -> None:
        super().__init__(verify=_trust(), trust_env=False)
        self._pool.close()
        self._pool = httpcore.ConnectionPool(ssl_context=_trust(), network_backend=_CheckedNetwork())


@functools.cache
def _trust() -> ssl.SSLContext:
    """Known authorities, and those that the machine trusts besides: many schools inspect TLS with their own."""
    context = httpx.create_ssl_context(trust_env=True)
    context.load_default_certs()
    return context


class HttpClient:
    """Asks web servers, one call at a time a thread, within bounds of time and memory.

    ``timeout_s`` bounds each connect, read and write, ``total_s`` the whole call with its redirects;
    ``max_bytes`` holds for the bytes on the wire and for the unpacked body. ``allow_private`` is the one address
    whose exact origin (scheme, host, port) may lie in a private network. Connections are kept until ``close``.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        max_bytes: int = MAX_BYTES,
        allow_private: str | None = None,
        user_agent: str = USER_AGENT,
        retries: int = 1,
    ) -> None:
        self._timeout_s, self._total_s = timeout_s, total_s
        self._max_bytes, self._retries = max_bytes, retries
        self._exempt = None if allow_private is None else _place(_url(allow_private))
        self._headers = {"user-agent": user_agent, "accept-encoding": "gzip, deflate"}
        self._made: _CheckedTransport | None = None
        self._making = threading.Lock()

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        with self._making:
            if self._made is not None:
                self._made.close()
                self._made = None

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Any] | None = None,
        ends: float | None = None,
    ) -> Response:
        """Ask for ``url``, following up to five redirects; every status is an answer, see `Response.check`.

        ``ends`` is a moment of the monotonic clock by which several calls together must be over.

        Raises:
            AuthenticationError: a header that may be a token holds signs that no header can.
            RefusedAddressError: the address, or one it redirects to, is private or no address of the web.
            TransientError: no answer in time, or the connection failed.
            UnexpectedResponseError: the answer is too large, badly packed, or redirects without end.
        """
        at, login = _split_login(_url(url, params))
        sent = {**self._headers, **login, **_lowered(headers)}
        ends = min(time.monotonic() + self._total_s, ends or math.inf)
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._send(_request("GET", at, sent, None), ends)
            target = answer.headers.get("location")
            if answer.status not in _REDIRECTS or not target:
                return answer
            onward, _ = _split_login(_url(_joined(answer.url, target)))
            if _place(onward) != _place(at):
                sent = {name: value for name, value in sent.items() if name in _HARMLESS}
            at = onward
        raise UnexpectedResponseError(f"{_place(at)} redirects more than {MAX_REDIRECTS} times")

    def post(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
    ) -> Response:
        """Send ``content``, a JSON value or form ``data`` to ``url``; redirects are not followed.

        Raises:
            ConnectorError: as for `get`.
        """
        body = httpx.Request("POST", "http://body", content=content, json=json, data=data)
        own = {k: v for k, v in body.headers.items() if k == "content-type"}
        ends = time.monotonic() + self._total_s
        at, login = _split_login(_url(url))
        sent = {**self._headers, **login, **own, **_lowered(headers)}
        return self._send(_request("POST", at, sent, body.content), ends)

    def _transport(self) -> _CheckedTransport:
        """The connections themselves: httpx's client would read every redirect, and stumble over a hostile one."""
        with self._making:
            if self._made is None:
                self._made = _CheckedTransport()
            return self._made

    def _send(self, request: httpx.Request, ends: float) -> Response:
        """One exchange; a connection that fails is tried once more, because nothing was asked of the server yet."""
        place = _place(request.url)
        for tries_left in range(self._retries, -1, -1):
            token = _leash.set(_Leash(ends, place == self._exempt))
            try:
                return self._exchange(request, ends)
            except httpx.LocalProtocolError:
                raise _unsendable(place, request.headers) from None
            except httpx.TransportError as exc:
                pause = random.uniform(0.1, 0.4)  # noqa: S311 (spreads load, hides nothing)
                if not isinstance(exc, httpx.ConnectError) or not tries_left or time.monotonic() + pause >= ends:
                    raise TransientError(f"{place} gave no answer: {_reason(exc)}") from exc
                time.sleep(pause)
            finally:
                _leash.reset(token)
        raise AssertionError("unreachable")

    def _exchange(self, request: httpx.Request, ends: float) -> Response:
        meter.leaving(request.url.path)
        request.extensions = {"timeout": httpx.Timeout(self._timeout_s).as_dict()}
        answer = self._transport().handle_request(request)
        answer.request = request
        try:
            body = b"".join(self._body(answer, ends))
        finally:
            answer.close()
        meter.answered(answer.status_code)
        return Response(status=answer.status_code, headers=_headers(answer), body=body, url=str(answer.url))

    def _body(self, answer: httpx.Response, ends: float) -> Iterator[bytes]:
        """The unpacked body in small pieces, given up at the first byte too many."""
        place = _place(answer.url)
        unpack = unpacker(answer.headers.get("content-encoding", ""), place)
        wire = size = 0
        for chunk in answer.iter_raw(STEP):
            wire += len(chunk)
            for piece in unpack.feed(chunk):
                size += len(piece)
                if size > self._max_bytes:
                    break
                yield piece
            if max(wire, size) > self._max_bytes:
                raise UnexpectedResponseError(f"{place} answered more than {self._max_bytes} bytes")
            if time.monotonic() >= ends:
                raise TransientError(f"{place} took longer than {self._total_s:g} s in all")
        if not unpack.whole:
            raise UnexpectedResponseError(f"{place} answered a packed body that breaks off")


def _url(url: str, params: Mapping[str, Any] | None = None) -> httpx.URL:
    """A web address as read once and for all: the same host is judged, shown and connected to."""
    origin_of(url)
    try:
        asked = httpx.URL(url.strip()).copy_with(fragment=None)
        if params:
            asked = asked.copy_merge_params({name: value for name, value in params.items() if value is not None})
        if asked.host and _HOST.fullmatch(asked.raw_host):
            return asked
    except (httpx.InvalidURL, ValueError, TypeError):
        pass
    raise RefusedAddressError("this is no address of the web: its host cannot be read")


def _joined(base: str, reference: str) -> str:
    """Where a redirect leads; what cannot even be joined is no address, which `_url` then says."""
    try:
        return urljoin(base, reference)
    except ValueError:
        return ""


def _place(url: httpx.URL) -> str:
    return origin_of(f"{url.scheme}://{url.netloc.decode('ascii')}")


def _split_login(url: httpx.URL) -> tuple[httpx.URL, dict[str, str]]:
    """The address without the name and password in it, and these as the header they stand for."""
    if not url.userinfo:
        return url, {}
    pair = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    return url.copy_with(username=None, password=None), {"authorization": f"Basic {pair}"}


def _request(method: str, url: httpx.URL, headers: Mapping[str, str], content: bytes | None) -> httpx.Request:
    try:
        return httpx.Request(method, url, headers=dict(headers), content=content)
    except UnicodeEncodeError:
        raise _unsendable(_place(url), headers) from None


def _unsendable(place: str, headers: Mapping[str, str]) -> PermanentError:
    """What a header is that cannot be sent: mostly a token that was copied with a sign too many."""
    odd = [name for name, value in headers.items() if value.strip() != value or not _SENDABLE.fullmatch(value)]
    if odd and all(name.lower() in _HARMLESS for name in odd):
        return PermanentError(f"{place} cannot be asked: a header holds a forbidden sign")
    return AuthenticationError(f"the token for {place} holds signs that no token has: copy it again")


def _headers(answer: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def _lowered(headers: Mapping[str, str] | None) -> dict[str, str]:
    return {name.lower(): value for name, value in (headers or {}).items()}


def _reason(exc: httpx.TransportError) -> str:
    """The failure in words of our own: a library's text may quote the address."""
    match exc:
        case httpx.TimeoutException():
            return "time-out"
        case httpx.ConnectError() if "CERTIFICATE_VERIFY_FAILED" in str(exc):
            return "its certificate is not trusted or not its own"
        case httpx.ConnectError():
            return "no connection"
        case httpx.RemoteProtocolError():
            return "the answer broke off or is no HTTP"
        case _:
            return "the connection broke"
