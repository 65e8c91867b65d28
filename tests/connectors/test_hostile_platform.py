"""Whatever a platform does while it is read, no post is skipped and none comes twice: a machine of random steps.

Every step is one of: publish (in ties and bursts), edit, delete, let the next answers fail or come out of order, read
a page and save it, read a page and lose it to a crash before it was saved, go on from an older save. At the end all
faults stop and the platform is read to its end; then what was saved is compared with what was published.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from connectors import registry
from connectors.errors import ConnectorError
from connectors.post import Account, Cursor, Gap
from tests.connectors.hostile import FAULTS, FIRST, Server

# In all faces together: `.ci/run` takes 20,000 steps, bench/hostile.py as many as it is told.
STEPS = int(os.environ.get("WATCHER_STEPS", "20000"))
A_RUN = 50
_MOST_FAULTS = 3
_TARGETS = {"mastodon": "@alderbrook", "x": "9001", "bluesky": "alderbrook.example", "rss": "/feed"}
_FACES = tuple(_TARGETS)


def _number(platform: str, id_: str) -> int:
    """The post's number that the platform's id stands for."""
    if platform in ("mastodon", "x"):
        return int(id_) - FIRST
    return int(id_.rsplit("-" if platform == "rss" else "/", 1)[1])


class Reader(RuleBasedStateMachine):
    """Reads one hostile platform, and keeps what a store would keep."""

    face = "mastodon"
    server: Server

    @initialize()
    def begin(self) -> None:
        self.server.platform = replace(self.server.platform, items=[], faults=[], minutes=0)
        self.platform = self.server.platform
        self.connector = registry.load(self.face, {"timeout_s": 5, "total_s": 10, **_sized(self.face)})
        self.account = Account(
            name="alderbrook",
            platform=self.face,
            target=_TARGETS[self.face],
            official=True,
            base_url=self.server.url,
            allow_private=True,
            token="invented" if self.face == "x" else None,
        )
        self.cursor: Cursor | None = None
        self.kept: Counter[tuple[int, str]] = Counter()
        self.gaps: list[Gap] = []
        self.first = 0

    @rule(count=st.integers(1, 14), minutes=st.integers(0, 2))
    def publish(self, count: int, minutes: int) -> None:
        self.platform.publish(count, minutes)

    @rule(back=st.integers(0, 8))
    def edit(self, back: int) -> None:
        alive = self.platform.alive()
        if back < len(alive):
            self.platform.edit(alive[back].number)

    @rule(back=st.integers(0, 8))
    def delete(self, back: int) -> None:
        alive = self.platform.alive()
        if back < len(alive):
            alive[back].gone = True

    @rule(fault=st.sampled_from(FAULTS))
    def spoil(self, fault: str) -> None:
        if len(self.platform.faults) < _MOST_FAULTS:
            self.platform.faults.append(fault)

    @rule(times=st.integers(1, 4))
    def read(self, times: int) -> None:
        for _ in range(times):
            if not self._read():
                return

    @rule()
    def crash(self) -> None:
        """A page is read, and the machine dies before it is saved."""
        cursor, kept, gaps = self.cursor, self.kept.copy(), list(self.gaps)
        self._read()
        self.cursor, self.kept, self.gaps = cursor, kept, gaps

    def _read(self) -> bool:
        """One page, saved with its cursor; whether more waits."""
        try:
            page = self.connector.fetch(self.account, self.cursor)
        except ConnectorError:
            return False
        if self.cursor is None and self.face == "rss":
            # A feed shows no more than its window: what had left it before the first look was never to be had.
            self.first = min((_number(self.face, post.id) for post in page.posts), default=0)
        self.kept.update((_number(self.face, post.id), post.text) for post in page.posts)
        self.gaps += page.gaps
        self.cursor = page.cursor
        return page.more

    def teardown(self) -> None:
        """Read to the end without faults and settle up; then everything is quiet."""
        if not hasattr(self, "platform"):
            return
        self.platform.faults.clear()
        for _ in range(2):
            for _ in range(200):
                if not self._read():
                    break
        self._all_there()
        before = self.kept.copy()
        self._read()
        assert self.kept == before, "a platform on which nothing happens brings nothing"

    def _all_there(self) -> None:
        have = {number for number, _ in self.kept}
        invented = have - {item.number for item in self.platform.items}
        assert not invented
        missing = [item for item in self.platform.alive() if item.number not in have and item.number >= self.first]
        uncovered = [i.number for i in missing if not any(_covers(gap, i.made) for gap in self.gaps)]
        assert not uncovered, f"skipped: {uncovered[:10]} of {len(self.platform.items)}"
        twice = {key: n for key, n in self.kept.items() if n > 1}
        assert not twice, f"came twice: {sorted(twice.items())[:5]}"


def _sized(face: str) -> dict[str, object]:
    return {} if face == "rss" else {"page_size": 5}


def _covers(gap: Gap, made: datetime) -> bool:
    return (gap.start is None or gap.start <= made) and (gap.end is None or made <= gap.end)


@pytest.fixture(params=_FACES)
def machine(request: pytest.FixtureRequest) -> Iterator[type[Reader]]:
    server = Server(request.param)
    yield type(f"Reader{request.param.title()}", (Reader,), {"face": request.param, "server": server})
    server.close()


@pytest.mark.timeout(900)
def test_nothing_is_skipped_and_nothing_comes_twice(machine: type[Reader]) -> None:
    walk(machine, max(1, STEPS // A_RUN // len(_FACES)))


def walk(machine: type[Reader], runs: int, *, fresh: bool = False) -> None:
    """So many runs of up to 50 steps each; the same ones each time, or fresh ones."""
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine,
        settings=settings(
            max_examples=runs,
            stateful_step_count=A_RUN,
            deadline=None,
            derandomize=not fresh,
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
