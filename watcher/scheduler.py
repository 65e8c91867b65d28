"""When, and nothing else: the only place that asks the clock. Due times live in the store; this only ticks."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import structlog
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler

from watcher.errors import StoreError
from watcher.service import Service
from watcher.store.accounts import AccountState

log = structlog.get_logger(__name__)

# A first reading of years of history gives way to the others after this many pages; it goes on at the next tick.
PAGES_A_TURN = 20
BEAT_S = 5
# One batch of posts is read in seconds; a stream that has not moved for this long is stuck.
STILL = timedelta(minutes=3)
PURGE_EVERY = timedelta(hours=24)
# Summer time does not move this clock; an hour is more than any correction by the network.
JUMP_S = 3600
# The ticker goes by the clock on the wall: set back by more than this, it would stand still until it has caught up.
BACK_S = 1.0
LONG_AGO = timedelta(days=30)


def clock() -> datetime:
    """The time now, aware, in UTC."""
    return datetime.now(UTC)


def _ahead_of_steady() -> float:
    """By how many seconds the clock on the wall is ahead of the steady one, which nobody sets."""
    return time.time() - time.monotonic()


class Scheduler:
    """Ticks the verbs: each account in a thread of its own, the rest of the stream in one."""

    def __init__(
        self, service: Service, *, tick_s: float, workers: int, beat: Callable[[datetime], None] | None = None
    ) -> None:
        self._service = service
        self._tick_s = tick_s
        self._beat = beat
        self._progress = self._delivered = clock()
        self._slept = False
        self._wall, self._steady = clock(), time.monotonic()
        self._warned = datetime.min.replace(tzinfo=UTC)
        self._ahead = _ahead_of_steady()
        self._keeper = threading.Thread(target=self._keep_time, name="clock", daemon=True)
        self._stopping = threading.Event()
        self._in_flight: set[str] = set()
        self._guard = threading.Lock()
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="poll")
        self._ticker = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def start(self) -> None:
        """Begin to tick; comes back at once."""
        beat = self._service.store.recall("beat")
        # After a month without a sign of life it may be the clock that is wrong: the first purge waits for a day.
        self._slept = beat is not None and abs(clock() - beat[1]) > LONG_AGO
        for job, every in (
            (self._poll, self._tick_s),
            (self._advance, self._tick_s),
            (self._deliver, self._tick_s),
            (self._look_back, max(self._tick_s, 30)),
            (self._probe, max(self._tick_s, 15)),
            (self._digest, max(self._tick_s, 30)),
            (self._mind, max(self._tick_s, 60)),
            (self._purge, max(self._tick_s, 600)),
            (self._alive, BEAT_S),
        ):
            self._ticker.add_job(job, "interval", seconds=every, next_run_time=clock())
        self._ticker.start()
        self._keeper.start()

    def stop(self) -> None:
        """Finish what is under way and tick no more; stopping twice is harmless."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._ticker.shutdown(wait=True)
        self._workers.shutdown(wait=True, cancel_futures=True)

    def _keep_time(self) -> None:
        """Have every job ticked again at once when the clock was set back, for its next time is now far ahead."""
        while not self._stopping.wait(BACK_S):
            before, self._ahead = self._ahead, _ahead_of_steady()
            if before - self._ahead > BACK_S:
                log.warning("clock_went_back", seconds=round(before - self._ahead))
                for job in self._ticker.get_jobs():
                    with contextlib.suppress(JobLookupError):
                        job.modify(next_run_time=clock())

    def _poll(self) -> None:
        if not self._service.may_poll():
            self._warn_of_the_disk()
            return
        for state in self._service.due(clock()):
            with self._guard:
                if state.account.name in self._in_flight or self._stopping.is_set():
                    continue
                self._in_flight.add(state.account.name)
            self._workers.submit(self._poll_one, state)

    def _warn_of_the_disk(self) -> None:
        """Say once a minute that nothing is fetched; the sources' last success tells the same on the pages."""
        if clock() - self._warned > timedelta(minutes=1):
            self._warned = clock()
            log.error("disk_is_full", do="free some room: less than 5 % is left, and polling has stopped")

    def _poll_one(self, state: AccountState) -> None:
        """Read an account until nothing waits; whatever goes wrong stays with this account."""
        name = state.account.name
        try:
            for _ in range(PAGES_A_TURN):
                if self._stopping.is_set() or not self._service.poll(state, clock()):
                    return
                state = self._service.store.accounts.get(name)
        except StoreError as error:
            log.error("store_refused", account=name, error=str(error))
        except Exception:
            # A bug in one connector must neither stop the others nor spin: it is shown, and tried again later.
            log.exception("poll_broke", account=name)
            self._service.broke(state, clock())
        finally:
            with self._guard:
                self._in_flight.discard(name)

    def _advance(self) -> None:
        while not self._stopping.is_set() and self._service.advance(clock()):
            self._progress = clock()
        self._progress = clock()

    def _deliver(self) -> None:
        while not self._stopping.is_set() and self._service.deliver(clock()):
            self._delivered = clock()
        self._delivered = clock()

    def _look_back(self) -> None:
        """Check what is stored and fill what is missing; what is new never waits for it."""
        if self._service.may_poll():
            self._service.recheck(clock(), self._goes_on)
            self._service.fill(clock(), self._goes_on)

    def _goes_on(self) -> bool:
        return not self._stopping.is_set()

    def _probe(self) -> None:
        self._service.probe(clock())

    def _digest(self) -> None:
        self._service.digest(clock())

    def _mind(self) -> None:
        self._service.mind(clock())

    def _purge(self) -> None:
        now = clock()
        if abs((now - self._wall).total_seconds() - (time.monotonic() - self._steady)) > JUMP_S:
            # To delete by a clock that has jumped would delete what is not past its time; a restart trusts it again.
            log.error("clock_jumped", do="set the clock right and restart; nothing is purged until then")
            return
        if self._slept and time.monotonic() - self._steady < PURGE_EVERY.total_seconds():
            return
        last = self._service.store.purge.last()
        if last is None or not timedelta(0) <= now - last[0] < PURGE_EVERY:
            self._service.purge(now)

    def _alive(self) -> None:
        """Say that all is well, unless the stream has stood still: a beat that cannot fail would tell nothing."""
        now = clock()
        if now - min(self._progress, self._delivered) > STILL:
            log.error("stream_stands_still", since=min(self._progress, self._delivered).isoformat())
            return
        self._service.store.remember("beat", {}, now)
        if self._beat is not None:
            self._beat(now)
