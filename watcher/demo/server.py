"""The demo's server: a Mastodon instance and five feeds on loopback, each post visible once its time has come."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from watcher.demo.scenario import Line, load
from watcher.demo.site import Answer, Ask, Site
from watcher.errors import WatcherError

_NOTE = "demo.json"


class DemoServer:
    """Publishes the script over HTTP on 127.0.0.1, from ``started_at`` on, ``speed`` times as fast as written.

    With the same ``started_at`` and ``port`` a second server goes on exactly where the first ended: same ids, same
    addresses, same times. ``port`` 0 takes a free one; ``self.port`` says which.
    """

    def __init__(
        self,
        posts: Sequence[Line],
        started_at: datetime,
        port: int = 0,
        speed: float = 1.0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._posts = tuple(posts)
        self._started_at = started_at
        self._wanted_port = port
        self._speed = speed
        self._clock = clock
        self._server: ThreadingHTTPServer | None = None
        self._thread: Thread | None = None
        self.port = port

    @property
    def base_url(self) -> str:
        """The address of the instance."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> DemoServer:
        """Take the port and answer from now on, in a thread of its own.

        Raises:
            OSError: the port is taken.
        """
        self._server = _Listener(("127.0.0.1", self._wanted_port), _Handler)
        self.port = self._server.server_port
        site = Site(self._posts, self._started_at, self.base_url, self._speed)
        self._server.answer = self._answerer(site)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Answer nobody any more and give the port back; stopping twice is harmless."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = self._thread = None

    def __enter__(self) -> DemoServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _answerer(self, site: Site) -> Callable[[str, str | None], Answer]:
        """A function from a request's target and token to its answer at this moment."""

        def answer(target: str, bearer: str | None) -> Answer:
            split = urlsplit(target)
            elapsed = (self._clock() - self._started_at).total_seconds() * self._speed
            return site.answer(Ask(split.path, dict(parse_qsl(split.query)), bearer, elapsed))

        return answer


def resume(folder: Path, now: datetime, speed: float = 1.0) -> tuple[DemoServer, datetime]:
    """A running server and the moment at which this folder's demo began: now, or when it was first started.

    The beginning and the port are noted in the folder, since posts are known by their instance's address: on another
    port a second start would bring everything anew.

    Raises:
        WatcherError: another program holds the port of the first start, or the note cannot be read.
    """
    note = folder / _NOTE
    try:
        started_at, port = _read(note) if note.exists() else (now, 0)
        server = DemoServer(load(), started_at, port, speed).start()
    except (OSError, ValueError, KeyError, TypeError) as error:
        advice = f"end the program that uses its port, or delete {folder} to begin a fresh demo"
        raise WatcherError(f"the demo of {note} cannot go on ({error}): {advice}") from error
    folder.mkdir(parents=True, exist_ok=True)
    fresh = note.with_suffix(".new")
    fresh.write_text(json.dumps({"started_at": started_at.isoformat(), "port": server.port}), encoding="utf-8")
    fresh.replace(note)
    return server, started_at


def _read(note: Path) -> tuple[datetime, int]:
    """The beginning and the port that a note holds."""
    noted = json.loads(note.read_text(encoding="utf-8"))
    started_at = datetime.fromisoformat(noted["started_at"])
    if started_at.tzinfo is None:
        raise ValueError("its started_at has no time zone")
    return started_at, int(noted["port"])


class _Listener(ThreadingHTTPServer):
    """Hands every request to ``answer``; requests still open when it closes end with the process."""

    daemon_threads = True
    block_on_close = False
    # Where the system lets two programs share a port, a second demo must not slip onto the first one's.
    allow_reuse_address = os.name != "nt"
    answer: Callable[[str, str | None], Answer]

    def server_bind(self) -> None:
        """Take the port without the look-up of the host's name that the standard library adds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a reader go who hangs up half-way; anything else is a bug and shows."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    """Speaks HTTP and nothing else; it writes no log, since paths and queries may hold what people wrote."""

    protocol_version = "HTTP/1.1"
    server_version = "WatcherDemo"
    sys_version = ""
    timeout = 30
    # An answer is written in two parts, and without this the second waits for the first one's receipt.
    disable_nagle_algorithm = True
    server: _Listener

    def do_GET(self) -> None:
        """Answer one request, with 304 where the asker has the bytes already."""
        scheme, _, bearer = self.headers.get("Authorization", "").partition(" ")
        answer = self.server.answer(self.path, bearer if scheme.lower() == "bearer" else None)
        etag = f'W/"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
        if answer.status == 200 and self.headers.get("If-None-Match") == etag:  # noqa: PLR2004
            answer = Answer(304, b"", answer.type)
        self.send_response(answer.status)
        headers = {"Content-Type": answer.type, "ETag": etag, "X-Content-Type-Options": "nosniff"} | dict(
            answer.headers
        )
        for name, value in headers.items():
            self.send_header(name, value)
        if answer.status != 304:  # noqa: PLR2004
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's
        """Say nothing."""
