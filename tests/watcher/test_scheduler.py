"""The scheduler only ticks: slow and broken sources stay by themselves, and a stuck stream is told of."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.post import Account
from watcher.scheduler import STILL, Scheduler, clock
from watcher.store.accounts import AccountState

START = datetime(2026, 11, 20, 8, tzinfo=UTC)


def state(name: str) -> AccountState:
    return AccountState(
        account=Account(name=name, platform="rss", target=name),
        every_s=1,
        kept_by="test",
        added_at=START,
        cursor=None,
        next_poll_at=START,
        last_attempt_at=None,
        last_success_at=None,
        failures=0,
        last_error=None,
        permanent=False,
        blind_since=None,
    )


@dataclass
class FakeStore:
    """All accounts are always due; facts are remembered."""

    names: tuple[str, ...]
    facts: list[str] = field(default_factory=list)
    purged: datetime | None = None
    beat: tuple[Any, datetime] | None = None

    def __post_init__(self) -> None:
        self.accounts = self
        self.purge = self

    def recall(self, _key: str) -> tuple[Any, datetime] | None:
        return self.beat

    def get(self, name: str) -> AccountState:
        return state(name)

    def last(self) -> tuple[datetime, dict[str, int]] | None:
        return None if self.purged is None else (self.purged, {})

    def remember(self, key: str, _value: Any, _now: datetime) -> None:
        self.facts.append(key)


@dataclass
class FakeService:
    """Counts what it is asked for; ``does`` says what polling an account is like."""

    store: FakeStore
    does: dict[str, Callable[[], bool]] = field(default_factory=dict)
    polls: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    advanced: int = 0
    purges: int = 0
    stuck: threading.Event | None = None
    has_room: bool = True
    looked_back: int = 0
    probes: int = 0

    def may_poll(self) -> bool:
        return self.has_room

    def due(self, _now: datetime) -> tuple[AccountState, ...]:
        return tuple(state(name) for name in self.store.names)

    def poll(self, of: AccountState, _now: datetime) -> bool:
        self.polls[of.account.name] += 1
        return self.does.get(of.account.name, lambda: False)()

    def broke(self, of: AccountState, _now: datetime) -> None:
        self.broken[of.account.name] += 1

    def advance(self, _now: datetime) -> int:
        self.advanced += 1
        if self.stuck is not None:
            self.stuck.wait(10)
        return 0

    def deliver(self, _now: datetime) -> int:
        return 0

    def digest(self, _now: datetime) -> int:
        return 0

    def recheck(self, _now: datetime, going: Callable[[], bool]) -> int:
        self.looked_back += going()
        return 0

    def fill(self, _now: datetime, going: Callable[[], bool]) -> int:
        self.looked_back += going()
        return 0

    def probe(self, _now: datetime) -> None:
        self.probes += 1

    def mind(self, _now: datetime) -> int:
        return 0

    def purge(self, now: datetime) -> dict[str, int]:
        self.purges += 1
        self.store.purged = now
        return {}


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end
        time.sleep(0.01)


Made = Callable[..., tuple[Scheduler, FakeService]]


@pytest.fixture
def make() -> Iterator[Made]:
    running: list[Scheduler] = []

    def start(*names: str, workers: int = 4, **does: Callable[[], bool]) -> tuple[Scheduler, FakeService]:
        service = FakeService(FakeStore(names), does)
        scheduler = Scheduler(service, tick_s=0.02, workers=workers)  # type: ignore[arg-type]
        running.append(scheduler)
        scheduler.start()
        return scheduler, service

    yield start
    for scheduler in running:
        scheduler.stop()


def test_a_slow_source_delays_no_other_and_is_never_read_twice_at_once(make: Made) -> None:
    gate = threading.Event()

    def slow() -> bool:
        gate.wait(10)
        return False

    _, service = make("slow", "quick", slow=slow)
    until(lambda: service.polls["quick"] >= 10)
    assert service.polls["slow"] == 1
    gate.set()
    until(lambda: service.polls["slow"] >= 2)


def test_a_bug_in_one_source_is_noted_and_stops_no_other(make: Made) -> None:
    def bug() -> bool:
        raise ZeroDivisionError

    _, service = make("bug", "sound", bug=bug)
    until(lambda: service.polls["sound"] >= 5 and service.broken["bug"] >= 2)


def test_a_backlog_is_drained_page_by_page_but_gives_way(make: Made) -> None:
    _, service = make("deep", "other", workers=1, deep=lambda: True)
    until(lambda: service.polls["deep"] >= 45 and service.polls["other"] >= 2)


def test_what_is_stored_is_looked_at_again_unless_the_disk_is_full(make: Made) -> None:
    scheduler, service = make("a")
    until(lambda: service.looked_back == 2 and service.probes == 1)
    service.has_room = False
    scheduler._look_back()
    assert service.looked_back == 2


def test_the_purge_runs_once_a_day(make: Made) -> None:
    scheduler, service = make("a")
    until(lambda: service.purges == 1)
    scheduler._purge()
    assert service.purges == 1
    assert service.store.purged is not None
    service.store.purged -= timedelta(hours=25)
    scheduler._purge()
    assert service.purges == 2


def test_a_stream_that_stands_still_gives_no_sign_of_life() -> None:
    service = FakeService(FakeStore(()))
    beats: list[datetime] = []
    scheduler = Scheduler(service, tick_s=1, workers=1, beat=beats.append)  # type: ignore[arg-type]
    scheduler._alive()
    assert (service.store.facts, len(beats)) == (["beat"], 1)
    scheduler._progress = clock() - STILL - timedelta(seconds=1)
    scheduler._alive()
    assert (service.store.facts, len(beats)) == (["beat"], 1)
    scheduler._advance()
    scheduler._alive()
    assert len(beats) == 2


def test_stopping_ends_what_is_under_way_and_starts_nothing_new(make: Made) -> None:
    scheduler, service = make("deep", deep=lambda: True)
    until(lambda: service.polls["deep"] >= 1)
    scheduler.stop()
    polls = service.polls["deep"]
    time.sleep(0.1)
    assert service.polls["deep"] == polls


def test_a_full_disk_stops_the_fetching_and_nothing_else(make: Made) -> None:
    _, service = make("a")
    until(lambda: service.polls["a"] >= 2)
    service.has_room = False
    time.sleep(0.1)
    polls, advanced = service.polls["a"], service.advanced
    until(lambda: service.advanced > advanced + 3)
    assert service.polls["a"] <= polls + 1
    service.has_room = True
    until(lambda: service.polls["a"] > polls + 1)


def test_a_clock_that_jumps_purges_nothing(make: Made) -> None:
    scheduler, service = make("a")
    until(lambda: service.purges == 1)
    service.store.purged = None
    scheduler._wall -= timedelta(days=3650)
    scheduler._purge()
    assert service.purges == 1


def test_a_clock_that_is_set_back_stops_no_tick(make: Made) -> None:
    """The ticker waits until the time on the wall at which it meant to tick: six days, and nobody would be told."""
    scheduler, service = make("a")
    until(lambda: service.polls["a"] >= 1)
    days = timedelta(days=6)
    for job in scheduler._ticker.get_jobs():
        job.modify(next_run_time=clock() + days)  # as it is after the clock went back by so much
    time.sleep(0.1)
    before = service.polls["a"], service.advanced
    scheduler._ahead += days.total_seconds()
    until(lambda: service.polls["a"] > before[0] + 1 and service.advanced > before[1] + 1)


def test_after_a_month_without_a_sign_of_life_the_purge_waits_a_day() -> None:
    service = FakeService(FakeStore((), beat=({}, clock() - timedelta(days=40))))
    scheduler = Scheduler(service, tick_s=60, workers=1)  # type: ignore[arg-type]
    scheduler.start()
    time.sleep(0.3)
    assert service.purges == 0
    scheduler._steady -= 86_401
    scheduler._wall -= timedelta(seconds=86_401)
    scheduler._purge()
    assert service.purges == 1
    scheduler.stop()


def test_mail_that_hangs_is_a_stream_that_stands_still() -> None:
    service = FakeService(FakeStore(()))
    scheduler = Scheduler(service, tick_s=1, workers=1)  # type: ignore[arg-type]
    scheduler._delivered = clock() - STILL - timedelta(seconds=1)
    scheduler._alive()
    assert service.store.facts == []
