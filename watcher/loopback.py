"""Listens on this machine, for one browser and for a few minutes, to what a platform sends back."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from urllib.parse import parse_qs, urlsplit

from watcher.errors import GrantError

PATH = "/connect/return"
_HOST = "127.0.0.1"
_WORDS = (
    '<!DOCTYPE html><html lang="en-GB"><meta charset="utf-8"><title>Watcher</title><h1>{title}</h1><p>{text}</p></html>'
)


@dataclass(frozen=True, kw_only=True)
class Returned:
    """What a platform sent back: a code, or the platform's own word for why there is none."""

    state: str
    code: str = ""
    error: str = ""


def read_return(query: str) -> Returned:
    """What stands in the address to which a platform sends the browser."""
    found = parse_qs(query, max_num_fields=30)
    first = {key: values[0] for key, values in found.items()}
    return Returned(
        state=first.get("state", ""), code=first.get("code", ""), error=first.get("error", first.get("error_code", ""))
    )


class _Server(HTTPServer):
    """Waits for one state."""

    timeout = 0.5
    state = ""
    found: Returned | None = None


class Listener:
    """The end of the way back to this machine; ``port`` 0 takes any that is free."""

    def __init__(self, port: int) -> None:
        try:
            self._server = _Server((_HOST, port), _Handler)
        except OSError as error:
            raise GrantError(
                f"port {port} of this machine is taken; name another with --port, and register it at the platform too"
            ) from error

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.server_close()

    @property
    def redirect(self) -> str:
        """The address to which the platform sends the browser."""
        return f"http://{_HOST}:{self._server.server_address[1]}{PATH}"

    def wait(self, state: str, seconds: float) -> Returned:
        """What comes back for a state; whatever else knocks is sent away.

        Raises:
            GrantError: nothing came in time.
        """
        ends = time.monotonic() + seconds
        self._server.state, self._server.found = state, None
        while time.monotonic() < ends:
            self._server.handle_request()
            if self._server.found is not None:
                return self._server.found
        raise GrantError("nothing came back in time; run the command again, or with --paste")


class _Handler(BaseHTTPRequestHandler):
    """Takes the one request that bears the state."""

    server: _Server
    timeout = 5

    def do_GET(self) -> None:
        """Answer the browser in words."""
        parts = urlsplit(self.path)
        back = read_return(parts.query)
        host = (self.headers.get("Host") or "").rpartition(":")[0]
        ours = parts.path == PATH and secrets.compare_digest(back.state.encode(), self.server.state.encode())
        if not ours or host not in (_HOST, "localhost") or not (back.code or back.error):
            self._say(404, "This is not the way back", "Close this window, and go on where you were.")
            return
        self.server.found = back
        if back.error:
            self._say(200, "Nothing was granted", "You can close this window; the terminal says what to do.")
        else:
            self._say(200, "Thank you", "You can close this window; the terminal says what was granted.")

    def _say(self, status: int, title: str, text: str) -> None:
        body = _WORDS.format(title=title, text=text).encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", "default-src 'none'"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-store"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: the address holds the code."""
