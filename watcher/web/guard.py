"""What holds for every answer: it goes only to whoever asked for this house by name, with headers that shut it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HOST = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9._-]+))(?::[0-9]{0,5})?")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


class Guard:
    """Refuses hosts that are not this one, for a page elsewhere can lead any name to loopback; seals every answer."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], refusal: Callable[[], Response]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                seal(MutableHeaders(scope=message))
            await send(message)

        known = host_of(Headers(scope=scope).get("host", "")) in self._hosts
        await (self._app if known else self._refusal())(scope, receive, sealed)


def seal(headers: MutableHeaders) -> None:
    """Put the headers that every answer carries on this one."""
    for name, value in HEADERS.items():
        headers[name] = value


def hosts(public_url: str | None) -> tuple[str, ...]:
    """The names by which this house may be asked for: loopback's, and that of the address in its mails."""
    public = urlsplit(public_url or "").hostname
    return (*LOOPBACK, public) if public else LOOPBACK


def host_of(header: str) -> str:
    """The name in a Host header without port, brackets and a closing dot; empty where it is no such header."""
    found = _HOST.fullmatch(header.strip().lower())
    return (found["six"] or found["name"]).rstrip(".") if found else ""
