"""What every live test needs: another project's server on a free port, killed with its workers, and a real store."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from sqlalchemy import select

from connectors.connector import Connector, Rechecker
from connectors.post import Account, Cursor, Page, Post
from watcher.polling import Poller
from watcher.recheck import Checker
from watcher.store import Store
from watcher.store import schema as t
from watcher.store.accounts import AccountState

START_S = float(os.environ.get("WATCHER_LIVE_START_S", "300"))
MOST_POLLS = 400


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def running(
    command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A server and everything that it starts, ended together."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env=env, cwd=cwd, start_new_session=True
        )
    try:
        yield process
    finally:
        for sign in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, sign)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
        process.wait(timeout=10)


def ready(address: str, process: subprocess.Popen[bytes], log: Path) -> str:
    """The address, as soon as something answers there."""
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        assert process.poll() is None, f"the server ended at once: {log.read_text(errors='replace')[-2000:]}"
        with contextlib.suppress(httpx.TransportError):
            if httpx.get(address, timeout=30).status_code < 500:
                return address
        time.sleep(0.3)
    raise AssertionError(f"no answer within {START_S:g} s: {log.read_text(errors='replace')[-2000:]}")


class Counting:
    """A connector that keeps count of what it gave, because the store forgives what comes twice."""

    def __init__(self, connector: Connector) -> None:
        self.inner = connector
        self.given: Counter[tuple[str, str]] = Counter()

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        page = self.inner.fetch(account, cursor)
        self.given.update((post.id, post.content_digest) for post in page.posts)
        return page


class Watched:
    """One account read by the real Poller into a real store."""

    def __init__(self, folder: Path, account: Account, connector: Connector) -> None:
        self._url = f"sqlite:///{folder / account.name}.db"
        self.account, self.connector = account, Counting(connector)
        self.now = datetime.now(UTC)
        self.store = Store(self._url)
        self.store.migrate()
        with self.store.writing() as connection:
            self.store.accounts.put(connection, account, 60, "file", self.now)
        self._begin()

    def _begin(self) -> None:
        self.poller = Poller(self.store, lambda _: self.connector, lambda _: self.account.token)

    def restart(self) -> None:
        """End the store and begin anew with what is on the disk."""
        self.store.close()
        self.store = Store(self._url)
        self._begin()

    @property
    def state(self) -> AccountState:
        return self.store.accounts.get(self.account.name)

    def poll(self, *, restarts: bool = False, between: Callable[[], object] = lambda: None, breaks: int = 0) -> int:
        """Read to the end, as the service does, with something done ``between`` any two pages; how much was new.

        A connection that the server breaks off is taken up again by the next poll, up to ``breaks`` times.
        """
        self.now += timedelta(seconds=61)
        new = 0
        for _ in range(MOST_POLLS):
            if restarts:
                self.restart()
            polled = self.poller.poll(self.state, self.now)
            if breaks and (self.state.last_error or "").startswith("TransientError"):
                breaks, self.now = breaks - 1, self.now + timedelta(minutes=10)
                continue
            assert self.state.failures == 0, self.state.last_error
            new += polled.new
            if not polled.more:
                return new
            between()
        raise AssertionError(f"more waits after {MOST_POLLS} pages")

    def fail(self) -> str:
        """Poll once where it must go wrong; what is noted about it."""
        self.now += timedelta(seconds=61)
        self.poller.poll(self.state, self.now)
        assert self.state.last_error is not None
        return self.state.last_error

    def versions(self) -> dict[str, list[Post]]:
        """What is stored: every post's versions, the oldest first."""
        found: dict[str, list[Post]] = {}
        with self.store.writing() as connection:
            rows = connection.execute(select(t.version.c.body, t.version.c.raw).order_by(t.version.c.id)).all()
        for body, raw in rows:
            post = Post.from_dict(body, raw)
            found.setdefault(post.id, []).append(post)
        return found

    def recheck(self) -> dict[str, Post | None]:
        """What the platform says today of every stored post."""
        assert isinstance(self.connector.inner, Rechecker)
        newest = [versions[-1] for versions in self.versions().values()]
        return {post.id: now for post, now in self.connector.inner.recheck(self.account, newest)}

    def check_again(self) -> set[str]:
        """Look at every stored post again as the service does, a month later; which of them are gone."""
        self.now += timedelta(days=30)
        poller = Poller(self.store, lambda _: self.connector.inner, lambda _: self.account.token)
        checker = Checker(self.store, poller)
        checker.begin(self.now)
        while checker.check(self.now):
            pass
        with self.store.writing() as connection:
            return set(connection.execute(select(t.post.c.post_id).where(t.post.c.gone_at.is_not(None))).scalars())

    def nothing_came_twice(self) -> bool:
        return all(count == 1 for count in self.connector.given.values())


@contextlib.contextmanager
def watched(folder: Path, account: Account, connector: Connector) -> Iterator[Watched]:
    """An account that is watched, with its store closed at the end."""
    one = Watched(folder, account, connector)
    try:
        yield one
    finally:
        one.store.close()
