"""The simulation of a month's reading decides as the service does, and its ledger sums as the store's does."""

from __future__ import annotations

import importlib.util
import random
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from connectors.tariff import CALLS, POUNDS
from watcher.store import Store
from watcher.store.ledger import Cap, Purse, Refusal

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 10, 30, 22, tzinfo=UTC)
CAPS = (
    Cap(unit=CALLS, amount=40, period="quarter_hour", key="a", app="x"),
    Cap(unit=CALLS, amount=300, period="day", key="b", platform="x"),
    Cap(unit=POUNDS, amount=9000, period="month", key="c", platform="x"),
    Cap(unit=POUNDS, amount=2000, period="month", key="d", platform="x", school="dene", kept=100),
)


def _bench(name: str) -> ModuleType:
    """The scripts of ``bench`` are no package: load one by its file."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", ROOT / "bench" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


polling = _bench("polling")
Twin, measure, put, figures = polling.Twin, polling.measure, polling.put, polling.figures


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path}/watcher.db")
    made.migrate()
    yield made
    made.close()


def test_the_twin_refuses_and_sums_as_the_real_ledger_does(store: Store) -> None:
    rng, twin, refused = random.Random(4), Twin(CAPS), 0
    now = NOW
    for _ in range(250):
        now += timedelta(seconds=rng.randrange(1, 900))
        purse = Purse(app=rng.choice("xy"), platform="x", account="a", school=rng.choice(("dene", "hill", None)))
        wants = {CALLS: rng.randrange(1, 20), POUNDS: rng.randrange(1, 500)}
        real, found = store.ledger.reserve(purse, wants, CAPS, now), twin.reserve(purse, wants, now)
        if isinstance(real, Refusal):
            refused += 1
            assert found == real.until
            continue
        assert isinstance(found, list)
        if rng.random() < 0.8:
            came = {unit: rng.randrange(amount + 1) for unit, amount in wants.items()}
            with store.writing() as connection:
                for unit, row in real.items():
                    store.ledger.settle(connection, row, came[unit], now)
            twin.settle(found, wants, came, now)
        assert [twin.spent(n, now) for n in range(len(CAPS))] == [store.ledger.spent(cap, now) for cap in CAPS]
    assert 20 < refused < 230


def test_two_days_of_a_few_schools_reach_what_a_month_of_many_must() -> None:
    said = measure(2, 600.0, 1, number=40)
    assert set(said["past_a_cap"].values()) == {0}
    assert said["paid_twice"] <= 0.02
    assert said["calls"]["x"] * 10 <= said["naive"]["calls"]["x"]
    assert said["delays"]["x own day"]["99_s"] <= 305
    assert said["delays"]["x own night"]["99_s"] <= 305, "what is said to the schools' own is not slowed at night"


def test_a_month_without_money_reads_nothing_that_is_paid() -> None:
    said = measure(1, 0.2, 1, number=20)
    assert said["posts"].get("x", 0) == 0
    assert said["pounds"] == 0
    assert said["waited_for_a_cap"]["x"] > 0


def test_the_table_is_put_between_its_marks(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.md"
    file.write_text("before\n<!-- polling -->\nold\n<!-- /polling -->\nafter\n", encoding="utf-8")
    put(file, "new")
    assert file.read_text(encoding="utf-8") == "before\n<!-- polling -->\nnew\n<!-- /polling -->\nafter\n"
    file.write_text("no marks", encoding="utf-8")
    with pytest.raises(SystemExit, match="lacks the marks"):
        put(file, "new")


def _month(**changes: Any) -> dict[str, Any]:
    delays = {"x own day": 299, "x own night": 304, "x own storm": 298, "x search day": 359, "x search night": 1074}
    return {
        "calls": {"x": 10, "bluesky": 90},
        "past_a_cap": {"x calls a quarter_hour": 0},
        "paid_twice": 0.0031,
        "pounds": 318.4,
        "polls_to_catch_up": 1,
        "delays": {key: {"99_s": late} for key, late in delays.items()},
        "naive": {"calls": {"x": 900, "bluesky": 101}, "past_a_cap": {"a": 1200}, "paid_twice": 0.6, "pounds": 566.1},
        **changes,
    }


def test_the_figures_are_written_from_the_month_and_say_what_is_not_reached() -> None:
    rows = dict(line.strip("| ").split(" | ", 1) for line in figures(_month()).splitlines()[2:])
    late = "≤ interval (300 s) + 5 s"
    assert rows == {
        "posts paid for twice, X": "≤ 2 % | 0.3 % | 60 %",
        "X, what comes along counted": "– | £318 | £566",
        "calls, all platforms together": "≤ 1/10 | 1/10.0 | 1",
        "calls past a limit or a cap": "0 | 0 | 1,200",
        "99 in 100 of what is said to the schools' own on X, day, night and storm": f"{late} | 304 s | –",
        "99 in 100 of what X's searches find by day": f"{late} | 359 s, not reached for searches | –",
        "readings until all is caught up after an hour in which half of all calls failed": "≤ 2 | 1 | –",
    }
    worse = figures(_month(calls={"x": 101}, paid_twice=0.021, past_a_cap={"x": 3}, polls_to_catch_up=3))
    for words in ("1/9.9, not reached", "2.1 %, not reached", "| 3, not reached | 1,200 |", "| 3, not reached | –"):
        assert words in worse


def test_the_page_does_not_contradict_its_own_table() -> None:
    page = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    (late,) = re.findall(r"\| x, found by search \| by day \|[^|]+\|[^|]+\| ([\d,]+ s) \|", page)
    (said,) = re.findall(r"\| 99 in 100 of what X's searches find by day \|[^|]+\| ([\d,]+ s)", page)
    assert said == late
    total = re.findall(r"\| all \|.*\| (1/[\d.]+) \|", page)
    assert re.findall(r"\| calls, all platforms together \|[^|]+\| (1/[\d.]+)", page) == total
