"""Servers and sources for the connectors' tests: real sockets on loopback, invented schools and people."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.connector import Connector
from connectors.post import Account, Cursor, Gap, Oddity, Post


@pytest.fixture(scope="session")
def golden() -> Path:
    """Where the golden pairs lie."""
    return Path(__file__).parent / "golden"


@pytest.fixture(scope="session")
def payloads() -> Path:
    """The folder of recorded answers; the tests that replay them skip by name where it is absent."""
    folder = os.environ.get("WATCHER_PAYLOADS")
    if not folder or not Path(folder).is_dir():
        pytest.skip("WATCHER_PAYLOADS names no folder of recorded answers")
    return Path(folder)


@pytest.fixture
def raw_server() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Starts a server that does with each connection what the test says, and gives its address."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(behave: Callable[[socket.socket], None]) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                thread = threading.Thread(target=answer, args=(connection,), daemon=True)
                threads.append(thread)
                thread.start()

        def answer(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):  # the client hangs up, as it should
                behave(connection)

        threads.append(threading.Thread(target=serve, daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join(timeout=5)


class Reading:
    """What a source gave when it was read to its end."""

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.gaps: list[Gap] = []
        self.oddities: list[Oddity] = []
        self.pages = 0
        self.cursor: Cursor | None = None


def read_to_end(connector: Connector, account: Account, cursor: Cursor | None = None, most: int = 60) -> Reading:
    reading = Reading()
    reading.cursor = cursor
    while reading.pages < most:
        page = connector.fetch(account, reading.cursor)
        reading.pages += 1
        reading.posts += page.posts
        reading.gaps += page.gaps
        reading.oddities += page.oddities
        reading.cursor = page.cursor
        if not page.more:
            return reading
    raise AssertionError(f"more waits after {most} pages")


@pytest.fixture(scope="session")
def drain() -> Callable[..., Reading]:
    """Reads a source until it has no more, as `watcher poll` does."""
    return read_to_end
