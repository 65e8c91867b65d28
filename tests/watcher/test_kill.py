"""SIGKILL at random and at chosen moments: nothing is lost, nothing is doubled but a mail with the same Message-ID.

``WATCHER_KILLS`` says how often (20 by default, 200 in CI).
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import func, select

from connectors import registry
from watcher.config import load
from watcher.demo.scenario import load as script
from watcher.demo.scenario import settings
from watcher.demo.server import DemoServer
from watcher.enrolment import account_of
from watcher.store import Store
from watcher.store import schema as t
from watcher.store.engine import reading

KILLS = int(os.environ.get("WATCHER_KILLS", "20"))
pytestmark = [pytest.mark.kill, pytest.mark.timeout(1500)]


@dataclass
class Assassin:
    """Kills the service when its chosen moment comes; ``moments`` counts what it killed at."""

    pid: int | None = None
    mode: str = "time"
    moments: Counter[str] = field(default_factory=Counter)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def strike(self, mode: str) -> None:
        """Kill, if this is the moment."""
        with self._guard:
            if self.pid is None or self.mode != mode:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.moments[mode] += 1
            self.pid = None

    @property
    def has_struck(self) -> bool:
        """Whether the service of this round is dead."""
        return self.pid is None


@dataclass
class Inbox:
    """A mail server's memory: every message it took responsibility for."""

    assassin: Assassin
    messages: list[bytes] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.assassin.strike("before the mail is taken")
        self.messages.append(envelope.content)
        self.assassin.strike("after the mail is taken")
        return "250 OK"


@contextlib.contextmanager
def mail_server(inbox: Inbox) -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@contextlib.contextmanager
def demo_server(speed: float, assassin: Assassin) -> Iterator[DemoServer]:
    """The demo's server; asking its clock is the moment between a request and its answer."""

    def clock() -> datetime:
        assassin.strike("while a platform answers")
        return datetime.now(UTC)

    with DemoServer(script(), datetime.now(UTC), speed=speed, clock=clock) as server:
        yield server


def write_settings(folder: Path, url: str, platform: int, mail: int) -> Path:
    text = settings(platform, folder)
    text = text.replace(json.dumps(f"sqlite:///{folder.absolute().as_posix()}/watcher.db"), json.dumps(url))
    text = text.replace('channel = "folder"', f'channel = "smtp"\nhost = "127.0.0.1"\nport = {mail}\nsecurity = "none"')
    text = text.replace("port = 8030", "port = 0").replace("every_s = 3", "every_s = 1")
    file = folder / "watcher.toml"
    file.write_text(text + "\n[schedule]\ntick_s = 0.1\n", encoding="utf-8")
    return file


def until(done: Callable[[], bool], seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"{what} took longer than {seconds} s"
        time.sleep(0.02)


def is_dead(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@dataclass
class Zygote:
    """Gives births to services."""

    process: subprocess.Popen[str]
    children: list[int] = field(default_factory=list)

    def start(self, config: Path) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{config}\n")
        self.process.stdin.flush()
        self.children.append(int(self.process.stdout.readline()))
        return self.children[-1]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    command = [sys.executable, str(Path(__file__).with_name("zygote.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/") as process:
        born = Zygote(process)
        yield born
        for pid in born.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.terminate()


def count(store: Store, query: Any) -> int:
    with reading(store.engine) as connection:
        return connection.scalar(query) or 0


def served(config: Path) -> set[tuple[str, ...]]:
    """All that the platform gives at this moment: key and content of every post, read from the beginning."""
    found: set[tuple[str, ...]] = set()
    for number, row in enumerate(load(config).accounts, 1):
        account, connector = account_of(row, f"accounts[{number}]", with_token=True), registry.load(row.platform)
        page = connector.fetch(account, None)
        found |= {(*post.key, post.content_digest) for post in page.posts}
        while page.more:
            page = connector.fetch(account, page.cursor)
            found |= {(*post.key, post.content_digest) for post in page.posts}
    return found


def stored(store: Store) -> set[tuple[str, ...]]:
    """Key and content of every version."""
    columns = (t.post.c.platform, t.post.c.origin, t.post.c.post_id, t.version.c.digest)
    with reading(store.engine) as connection:
        rows = connection.execute(select(*columns).join(t.version, t.version.c.post == t.post.c.id))
        return {tuple(row) for row in rows}


def is_quiet(store: Store) -> bool:
    """Whether everything was fetched and nothing waits any more, but for news that is held back with a named reason."""
    held_back = select(t.untold.c.incident)
    waiting = (
        select(func.count()).select_from(t.sighting).where(t.sighting.c.matched_at.is_(None)),
        select(func.count()).select_from(t.version).where(t.version.c.read_by.is_(None)),
        select(func.count()).select_from(t.mention).where(t.mention.c.judged_at.is_(None)),
        select(func.count()).select_from(t.flag).where(t.flag.c.grouped_at.is_(None), t.flag.c.withdrawn_at.is_(None)),
        select(func.count()).select_from(t.incident).where(t.incident.c.plan_due, t.incident.c.id.not_in(held_back)),
        select(func.count()).select_from(t.notice).where(t.notice.c.state != "sent"),
    )
    return all(count(store, query) == 0 for query in waiting)


MODES = ("time", "time", "while a platform answers", "before the mail is taken", "after the mail is taken")
# A service is up after about half a second; some are killed before that, most in the middle of their work.
EARLIEST_S, LATEST_S = 0.05, 2.0


def test_nothing_is_lost_however_often_it_is_killed(url: str, tmp_path: Path, zygote: Zygote) -> None:
    seed = random.randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    lines = script()
    assassin = Assassin()
    inbox = Inbox(assassin)
    # The posts arrive while the killing goes on.
    speed = max(line.at for line in lines) / KILLS
    with demo_server(speed, assassin) as platform, mail_server(inbox) as mail:
        all_out = time.monotonic() + max(line.at for line in lines) / speed + 1
        config = write_settings(tmp_path, url, platform.port, mail)
        for _ in range(KILLS):
            assassin.mode = chance.choice(MODES)
            pid = assassin.pid = zygote.start(config)
            end = time.monotonic() + chance.uniform(EARLIEST_S, LATEST_S)
            while time.monotonic() < end and not assassin.has_struck:
                time.sleep(0.005)
            assassin.mode = "time"
            assassin.strike("time")
            until(lambda pid=pid: is_dead(pid), 10, "dying")  # type: ignore[misc]
        pid = zygote.start(config)
        store = Store(url)
        until(lambda: time.monotonic() > all_out, KILLS + 5, "publishing the last post")
        wanted = served(config)
        assert len({version[:3] for version in wanted}) == len(lines)
        until(lambda: stored(store) >= wanted, 120, "fetching what is left")
        until(lambda: is_quiet(store), 120, "becoming quiet")
        os.kill(pid, signal.SIGTERM)
        until(lambda: is_dead(pid), 40, "ending in peace")
    assert sum(assassin.moments.values()) == KILLS
    look(store, inbox, {version[:3] for version in wanted})
    print(dict(assassin.moments), store.views.totals(), len(inbox.messages), "mails")
    store.close()


def look(store: Store, inbox: Inbox, wanted: set[tuple[str, ...]]) -> None:
    """Posts stored = posts served, one verdict each, every incident told, repeats only with the same Message-ID."""
    totals = store.views.totals()
    assert {version[:3] for version in stored(store)} == wanted
    assert totals["post"] == len(wanted)
    assert totals["verdict"] == totals["version"] == len(stored(store))
    with reading(store.engine) as connection:
        incidents = set(connection.scalars(select(t.incident.c.id)))
        told = set(connection.scalars(select(t.notice.c.incident).where(t.notice.c.state == "sent")))
        rows = connection.execute(select(t.notice.c.id, t.notice.c.reason)).all()
        flags = connection.execute(select(t.flag.c.mention, t.flag.c.rule)).all()
    assert incidents
    assert incidents <= told
    assert len(flags) == len(set(flags))
    received: dict[str, set[bytes]] = {}
    for raw in inbox.messages:
        parsed = message_from_bytes(raw, policy=policy.default)
        received.setdefault(str(parsed["Message-ID"]), set()).add(raw.replace(b"\r\n", b"\n").rstrip(b"\n"))
    # The grave matters of a source's history share one mail a receiver.
    mails = {f"{row.id.partition('>')[0]}>" if row.reason == "summary" else row.id for row in rows}
    assert set(received) == mails, "every notice arrived, and nothing else did"
    assert all(len(copies) == 1 for copies in received.values()), "a repeat is the same message, byte for byte"
