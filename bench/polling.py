"""A month of 400 schools' reading against the platforms' published limits: calls, pounds, paid twice, delay.

    python bench/polling.py [--days 31] [--pounds 600] [--seed 1] [--write docs/benchmarks.md]

A simulation of events. The decisions are the service's own: how searches are batched (`alerts.query`), when a source
is read again (`watcher.pace`, `watcher.polling.next_try`), when a period ends (`connectors.tariff`); the ledger is a
twin in memory that tests/bench/test_polling.py holds against the real one. Posts are invented, see bench/traffic.py.
What matters rest on is asked for again on X as the service does (`watcher.recheck`), and counts as paid twice.
Beside it stands the naive way: every school's own account and name asked for by itself, every interval.
"""

from __future__ import annotations

import argparse
import heapq
import json
import random
import sys
import time
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[1]))

from alerts.query import answers, plan
from alerts.school import School
from bench.table import INTERVAL_S, figures, put, table
from bench.traffic import RATES, START, Item, Traffic, schools
from bench.twin import Twin
from connectors.errors import TransientError
from connectors.tariff import CALLS, MICRO, POSTS, POUNDS, SEARCHES, TARIFFS, window
from watcher.budget import Bill
from watcher.freshness import paid_check
from watcher.pace import Pace, stretch
from watcher.polling import next_try
from watcher.store.ledger import Cap, Purse

EVERY_S, TICK_S, READ_S = INTERVAL_S, 1.0, 1.0
RATE = 0.80
# The share of each platform's like sources that is simulated; counts are multiplied, limits divided.
SHARE = {"facebook": 68, "instagram": 50, "youtube": 5, "reddit": 3, "bluesky": 100, "mastodon": 100}
# Requests of a reading that brings nothing, and for each post with news; of a naive reading, which asks every one of
# the newest 50 posts for its comments, as nothing tells it where something was said. On Instagram the newest ten are
# asked in one reading of six, whatever their number of comments says.
IDLE = {"facebook": (4, 1), "instagram": (5, 1), "youtube": (2, 0)}
NAIVE = {"facebook": 53, "instagram": 52, "youtube": 2, "x": 3}
# How many posts matters rest on, our assumption: of an ordinary day's and of a storm's, without what schools say.
MATTERS, MATTERS_STORM = 0.10, 0.50
LET_BE = 10 * 86400
OUTAGE = (14 * 86400 + 12 * 3600, 14 * 86400 + 13 * 3600)


@dataclass(kw_only=True)
class Source:
    """One account or search as it is read; ``each`` is how many like it stands for."""

    name: str
    platform: str
    own: bool
    every_s: float
    unit: str = CALLS
    idle: int = 1
    active: int = 0
    each: int = 1
    items: list[Item] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    at: int = 0
    failures: int = 0
    behind: int = 0


def limits(pounds: float) -> list[Cap]:
    """The platforms' own limits and the month's money."""
    made = [
        Cap(
            unit=limit.unit,
            # Searches are few, and none of them is left out.
            amount=limit.amount // (SHARE.get(platform, 1) if limit.unit == CALLS else 1),
            period=limit.period,
            key=f"{platform} {limit.unit} a {limit.period}",
            app=platform,
        )
        for platform, tariff in TARIFFS.items()
        if platform in RATES
        for limit in tariff.limits
    ]
    return [*made, Cap(unit=POUNDS, amount=int(pounds * MICRO), period="month", key="x pounds a month", platform="x")]


def sources(every: Sequence[School], traffic: Traffic) -> list[Source]:
    """What is read: the handles on X and the searches as they are batched, every other account by itself."""
    own = frozenset(handle.casefold() for school in every for handle in school.handles)
    found: list[Source] = []
    batches: list[tuple[Source, frozenset[str]]] = []
    for query in answers(every).queries:
        source = Source(name=f"answers~{query.place}", platform="x", own=True, every_s=EVERY_S)
        batches.append((source, frozenset(query.batch)))
    for platform in ("x", "reddit", "youtube"):
        queries = plan(platform, every, START.date(), own=own if platform == "x" else ()).queries
        every_s = max(EVERY_S, 86400 * len(queries) / 90) if platform == "youtube" else EVERY_S
        unit, each = (SEARCHES, 1) if platform == "youtube" else (CALLS, SHARE.get(platform, 1))
        for query in queries[::each]:
            made = Source(name=f"{platform}~{query.place}", platform=platform, own=False, every_s=every_s, unit=unit)
            batches.append((replace(made, each=each), frozenset(query.batch)))
    for platform in ("bluesky", "mastodon"):
        for school in every[:: SHARE[platform]]:
            made = Source(name=f"{platform}~{school.id}", platform=platform, own=False, every_s=EVERY_S)
            batches.append((replace(made, each=SHARE[platform]), frozenset((school.id,))))
    for platform, (idle, active) in IDLE.items():
        every_s = 1800.0 if platform == "youtube" else EVERY_S
        for school in traffic.members[platform][:: SHARE[platform]]:
            made = Source(name=f"{platform} {school}", platform=platform, own=True, every_s=every_s, idle=idle)
            batches.append((replace(made, active=active, each=SHARE[platform]), frozenset((school,))))
    _deal(traffic.posts(), batches)
    found += [source for source, _ in batches]
    return found


def _deal(items: Sequence[Item], batches: Sequence[tuple[Source, frozenset[str]]]) -> None:
    """Give every post to the sources that find it: handles' searches what is said to them, the others names alone."""
    by_school: dict[tuple[str, str, bool], list[Source]] = defaultdict(list)
    for source, ids in batches:
        for school in ids:
            by_school[source.platform, school, source.own].append(source)
    for item in items:
        concerned = {
            id(s): s for school in item.schools for s in by_school[item.platform, school, item.kind != "named"]
        }
        for source in concerned.values():
            source.items.append(item)
            source.times.append(item.at)


@dataclass
class Result:
    """What a month came to."""

    calls: Counter[str] = field(default_factory=Counter)
    posts: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    pounds: int = 0
    delays: dict[tuple[str, bool, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    polls_to_catch_up: int = 0
    checks: Counter[str] = field(default_factory=Counter)


class Month:
    """The month's events, in order: each is a reading whose time has come."""

    def __init__(self, found: Sequence[Source], days: int, pounds: float, rng: random.Random) -> None:
        self._rng, self._end = rng, days * 86400.0
        self.twin, self.result = Twin(limits(pounds)), Result()
        self._paid: set[int] = set()
        # What X is asked for again: when, how grave, since when it is known, and by which source.
        self._again: list[tuple[float, float, float, str]] = []
        # Lots of their own, so that the others fall as they did without checks.
        self._lots, self._checked = random.Random(days), 0.0
        self._paces: dict[str, Pace] = {}
        self._purses: dict[str, Purse] = {platform: _purse(platform) for platform in RATES}
        self._local = [
            (START + timedelta(hours=hour)).astimezone(ZoneInfo("Europe/London")) for hour in range(days * 24 + 2)
        ]
        self._queue = [(rng.random() * source.every_s, n, source) for n, source in enumerate(found)]
        self._stretch = self._stretches(found)
        heapq.heapify(self._queue)

    def _stretches(self, found: Sequence[Source]) -> dict[tuple[str, bool], float]:
        """By how much a platform's sources must slow down to stay within its limits."""
        rates: dict[tuple[str, str, bool], float] = defaultdict(float)
        for source in found:
            rates[source.platform, source.unit, source.own] += source.idle / source.every_s
        made: dict[tuple[str, bool], float] = {}
        for cap in self.twin.caps:
            if cap.unit == POUNDS or cap.app is None:
                continue
            start, end = window(cap.period, START)
            seconds, first = (end - start).total_seconds(), rates[cap.app, cap.unit, True]
            needed = {
                True: stretch(left=cap.amount, seconds=seconds, own=0, others=first),
                False: stretch(left=cap.amount, seconds=seconds, own=first, others=rates[cap.app, cap.unit, False]),
            }
            for own, by in needed.items():
                made[cap.app, own] = max(made.get((cap.app, own), 1.0), by)
        return made

    def run(self) -> Result:
        """All of it."""
        while self._queue:
            at, number, source = heapq.heappop(self._queue)
            if at >= self._end:
                continue
            at += self._rng.random() * TICK_S
            while self._checked + 3600 <= at:
                self._checked += 3600
                self._check(self._checked)
            heapq.heappush(self._queue, (self._read(source, at), number, source))
        return self.result

    def _read(self, source: Source, at: float) -> float:
        """One turn of a source, until nothing waits; when its next one is."""
        now, hurt = START + timedelta(seconds=at), source.failures > 0
        while True:
            waiting = bisect_right(source.times, at) - source.at
            came = self._page(source, waiting, at, hurt=hurt)
            if isinstance(came, datetime):
                self.result.refused[source.platform] += source.each
                return (came - START).total_seconds() + 1
            if came < 0:
                failed = SimpleNamespace(every_s=source.every_s, failures=source.failures)
                source.failures += 1
                until = next_try(failed, TransientError("it fails"), now)  # type: ignore[arg-type]
                return (until - START).total_seconds()
            source.failures = 0
            if waiting <= came:
                break
        return at + self._pace(source).interval(self._local[int(at // 3600)], came).total_seconds()

    def _check(self, at: float) -> None:
        """Ask X again for what matters rest on, by the service's own schedule and share, a request a source."""
        now, tariff = START + timedelta(seconds=at), TARIFFS["x"]
        free: list[tuple[float, float, float, str]] = []
        paid: list[tuple[float, float, float, str]] = []
        while self._again and self._again[0][0] <= at:
            check = heapq.heappop(self._again)
            (free if (START + timedelta(seconds=check[2])).date() == now.date() else paid).append(check)
        room = max(int(self.result.posts["x"] * tariff.again_share) - self.result.again["x"], 0)
        paid.sort(key=lambda check: -check[1])
        asked = [*free, *paid[:room]]
        calls = sum(-(-number // 100) for number in Counter(check[3] for check in asked).values())
        wants = {CALLS: calls, POUNDS: _BILL.price({POSTS: len(asked)})}
        held = self.twin.reserve(self._purses["x"], wants, now) if asked else []
        if not isinstance(held, list):
            asked, paid = [], [*free, *paid]
        elif asked:
            self.twin.settle(held, wants, wants, now)
            self.result.pounds += wants[POUNDS]
            self.result.calls["x"] += calls
        again = sum(check in paid for check in asked)
        self.result.posts["x"] += again
        self.result.again["x"] += again
        self.result.checks.update({"on the day": len(asked) - again, "paid": again})
        for check in asked:
            self._check_later(check[1], check[2], check[3], at)
        for check in paid[0 if not asked else room :]:
            late = at - check[2] > LET_BE
            self.result.checks["let be"] += late
            if not late:
                heapq.heappush(self._again, (at + 43200, *check[1:]))

    def _check_later(self, grave: float, first: float, name: str, at: float) -> None:
        began, now = START + timedelta(seconds=first), START + timedelta(seconds=at)
        due = paid_check(began, TARIFFS["x"].again_after, now)
        if due is not None:
            heapq.heappush(self._again, ((due - START).total_seconds(), grave, first, name))

    def _pace(self, source: Source) -> Pace:
        if source.name not in self._paces:
            self._paces[source.name] = Pace(
                every_s=int(source.every_s),
                own=source.own,
                metered=source.platform in TARIFFS,
                stretch=self._stretch.get((source.platform, False), 1.0),
                own_stretch=self._stretch.get((source.platform, True), 1.0),
            )
        return self._paces[source.name]

    def _page(self, source: Source, waiting: int, at: float, *, hurt: bool) -> int | datetime:
        """One page: how many posts it brought, -1 where the call fails, or until when it must wait."""
        now = START + timedelta(seconds=at)
        purse = self._purses[source.platform]
        tariff = TARIFFS.get(source.platform)
        size, noted, wants = 100, [], {}
        if tariff is not None:
            wants = {source.unit: max(source.idle, 1)}
            while True:
                if tariff.dollars_post:
                    wants[POUNDS] = _price(size)
                held = self.twin.reserve(purse, wants, now)
                if isinstance(held, list):
                    noted = held
                    break
                if not tariff.dollars_post or size <= tariff.least_posts:
                    return held
                size = max(size // 3, tariff.least_posts)
        calls = source.idle
        failed = OUTAGE[0] <= at < OUTAGE[1] and self._rng.random() < 0.5
        items = [] if failed else source.items[source.at : source.at + min(waiting, size)]
        calls += source.active * len({item.schools for item in items})
        self.result.calls[source.platform] += calls * source.each
        pounds = _BILL.price(brought(items)) if items and tariff is not None and tariff.dollars_post else 0
        self.result.pounds += pounds
        self.twin.settle(noted, wants, {source.unit: source.idle, POUNDS: pounds}, now)
        self._note(source, items, at, hurt=hurt)
        return -1 if failed else len(items)

    def _note(self, source: Source, items: Sequence[Item], at: float, *, hurt: bool) -> None:
        source.at += len(items)
        if at >= OUTAGE[1] and source.behind >= 0:
            # Since the hour ended, how many readings until nothing that was said in it waits.
            source.behind += 1
            old = source.at < len(source.times) and source.times[source.at] < OUTAGE[1]
            if not old:
                self.result.polls_to_catch_up = max(self.result.polls_to_catch_up, source.behind)
                source.behind = -1
        for item in items:
            self.result.posts[item.platform] += source.each
            if id(item) in self._paid:
                self.result.again[item.platform] += source.each
                continue
            self._paid.add(id(item))
            share = MATTERS_STORM if item.storm else MATTERS
            if item.platform == "x" and item.kind != "said" and self._lots.random() < share:
                self._check_later(self._lots.random(), at, source.name, at)
            hour = self._local[int(item.at // 3600)].hour
            when = "night" if hour >= 23 or hour < 6 else "day"
            if item.storm:
                when = "storm"
            elif OUTAGE[0] <= item.at < OUTAGE[1]:
                when = "failing" if hurt else "beside"
            self.result.delays[source.platform, source.own, when].append(at + READ_S - item.at)


def _purse(platform: str) -> Purse:
    return Purse(app=platform, platform=platform, account="all")


_BILL = Bill(purse=Purse(app="x", platform="x", account="all"), tariff=TARIFFS["x"], pounds_per_dollar=RATE)
_MOST: dict[int, int] = {}


def _price(size: int) -> int:
    if size not in _MOST:
        _MOST[size] = _BILL.most(size)
    return _MOST[size]


def brought(items: Sequence[Item]) -> dict[str, int]:
    """What comes with posts on X: an author each, what an answer answers with its author, a picture in four."""
    replies = sum(item.kind == "answer" for item in items)
    return {"posts": len(items), "users": len(items) + replies, "quoted": replies, "media": -(-len(items) // 4)}


def naive(every: Sequence[School], traffic: Traffic, items: Sequence[Item], days: int) -> dict[str, Any]:
    """The same month with every school's account and name asked for by itself, every interval, day and night."""
    a_poll = {platform: len(traffic.members[platform]) * calls for platform, calls in NAIVE.items()}
    for platform in ("x", "reddit", "youtube", "bluesky", "mastodon"):
        a_poll[platform] = a_poll.get(platform, 0) + len(every)
    polls = days * 86400 // EVERY_S
    paid = posts = 0
    pounds = 0
    for item in (item for item in items if item.platform == "x"):
        # A reply is a mention, too, and what names the school is found a second time by its name.
        times = {"said": 1, "answer": 2, "mention": 1, "named": 0}[item.kind] + item.named * len(item.schools)
        posts, paid = posts + 1, paid + times
        pounds += times * _BILL.price(brought([item]))
    past = {}
    for platform, tariff in TARIFFS.items():
        for limit in tariff.limits if platform in a_poll else ():
            start, end = window(limit.period, START)
            asked = a_poll[platform] if limit.unit == CALLS else len(every)
            windows = days * 86400 / (end - start).total_seconds()
            over = asked * (end - start).total_seconds() / EVERY_S - limit.amount
            past[f"{platform} {limit.unit} a {limit.period}"] = round(max(over, 0) * windows)
    return {
        "calls": {platform: calls * polls for platform, calls in a_poll.items()},
        "past_a_cap": past,
        "pounds": round(pounds / MICRO, 2),
        "paid_twice": round((paid - posts) / max(posts, 1), 4),
    }


def measure(days: int, pounds: float, seed: int, number: int = 400) -> dict[str, Any]:
    """Both months, as figures."""
    rng = random.Random(seed)
    every = schools(number, rng)
    traffic = Traffic(every, days, rng)
    found = sources(every, traffic)
    month = Month(found, days, pounds, rng)
    result = month.run()
    items = [item for source in found for item in source.items]
    unique = list({id(item): item for item in items if item.platform == "x"}.values())
    beside = naive(every, traffic, unique, days)
    return {
        "days": days,
        "schools": number,
        "sources": dict(Counter({s.platform: 0 for s in found}) + _counted(found)),
        "calls": dict(result.calls),
        "pounds": round(result.pounds / MICRO, 2),
        "posts": dict(result.posts),
        "paid_twice": round(result.again["x"] / max(result.posts["x"], 1), 4),
        "asked_again": dict(result.checks),
        "past_a_cap": {key: max(most, 0) for key, most in month.twin.most.items()},
        "waited_for_a_cap": dict(result.refused),
        "polls_to_catch_up": result.polls_to_catch_up,
        "delays": {
            f"{platform} {'own' if own else 'search'} {when}": _quantiles(values)
            for (platform, own, when), values in sorted(result.delays.items())
        },
        "naive": beside,
    }


def _counted(found: Sequence[Source]) -> Counter[str]:
    counted: Counter[str] = Counter()
    for source in found:
        counted[source.platform] += source.each
    return counted


def _quantiles(values: list[float]) -> dict[str, float]:
    values.sort()
    return {
        "posts": len(values),
        "half_s": round(values[len(values) // 2]),
        "99_s": round(values[min(len(values) * 99 // 100, len(values) - 1)]),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, print, and put the table where it is told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--pounds", type=float, default=600.0, help="the month's budget for X")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schools", type=int, default=400)
    parser.add_argument("--write", type=Path, help="a Markdown file with the marks of this section")
    chosen = parser.parse_args(arguments)
    began = time.process_time()
    said = measure(chosen.days, chosen.pounds, chosen.seed, chosen.schools)
    print(json.dumps(said, indent=1))
    print(table(said), f"{time.process_time() - began:.0f} s of processor time", sep="\n", file=sys.stderr)
    if chosen.write:
        put(chosen.write, table(said))
        put(chosen.write, figures(said), "polling figures")


if __name__ == "__main__":
    main()
