"""A month of 400 schools' reading against the platforms' published limits: calls, pounds, paid twice, delay.

    python bench/polling.py [--days 31] [--pounds 600] [--seed 1] [--write docs/benchmarks.md]

A simulation of events. The decisions are the service's own: how searches are batched (`alerts.query`), when a source
is read again (`watcher.pace`, `watcher.polling.next_try`), when a period ends (`connectors.tariff`); the ledger is a
twin in memory that tests/bench/test_polling.py holds against the real one. Posts are invented, see `Traffic`.
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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

sys.path.insert(0, str(Path(__file__).parents[1]))

from alerts.query import answers, plan
from alerts.school import School
from connectors.errors import TransientError
from connectors.tariff import CALLS, POUNDS, SEARCHES, TARIFFS, window
from watcher.budget import MICRO, Bill
from watcher.pace import Pace, stretch
from watcher.polling import next_try
from watcher.store.ledger import Cap, Purse

START = datetime(2026, 10, 1, tzinfo=UTC)
EVERY_S, TICK_S, READ_S = 300, 1.0, 1.0
RATE = 0.80
# The share of each platform's like sources that is simulated; counts are multiplied, limits divided.
SHARE = {"facebook": 34, "instagram": 40, "youtube": 4, "reddit": 2, "bluesky": 100, "mastodon": 100}
# Requests of a reading that brings nothing, and for each post with news; of a naive reading, which asks every one of
# the newest 50 posts for its comments, as nothing tells it where something was said.
IDLE = {"facebook": (4, 1), "instagram": (3, 1), "youtube": (2, 0)}
NAIVE = {"facebook": 53, "instagram": 52, "youtube": 2, "x": 3}
HOURS = (1, 0.5, 0.3, 0.2, 0.2, 0.4, 1.5, 5, 8, 4, 4, 4.5, 5, 4.5, 5, 8, 8, 7, 6.5, 6, 6, 5, 4, 2)
DAYS = (1.0, 1.0, 1.0, 1.0, 0.9, 0.45, 0.45)
HALF_TERM = (date(2026, 10, 26), date(2026, 10, 30))
OUTAGE = (14 * 86400 + 12 * 3600, 14 * 86400 + 13 * 3600)
# Posts a school day: what accounts say, what is answered to them, what names them, what names the school alone.
RATES = {
    "x": (1.0, 0.8, 0.3, 0.15),
    "facebook": (1.2, 2.0, 0.2, 0),
    "instagram": (0.6, 1.0, 0.1, 0),
    "youtube": (0.05, 0.1, 0, 0.01),
    "reddit": (0, 0, 0, 0.02),
    "bluesky": (0, 0, 0, 0.03),
    "mastodon": (0, 0, 0, 0.01),
}
HAVE = {"x": 0.7, "facebook": 0.85, "instagram": 0.5, "youtube": 0.25}
_FIRST = "Alder Ash Beck Birch Bourne Brook Carr Castle Clay Cliff Dale Deep Elm Fair Fern Ford Glen Green Hart Hazel"
_LAST = "bridge bury by cliffe combe den dale field ford gate ham hill hurst ley mere ness port ridge shaw thorpe wick"
_KINDS = ("Primary School", "Primary School", "Primary School", "Academy", "High School", "C of E Primary School")


@dataclass(frozen=True, kw_only=True)
class Item:
    """An invented post: when, on which platform, of which kind, and the schools that it concerns."""

    at: float
    platform: str
    kind: str
    schools: tuple[str, ...]
    named: bool = False
    storm: bool = False


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


def schools(number: int, rng: random.Random) -> list[School]:
    """So many invented schools, each with a name, a short name, and seven in ten with a handle on X."""
    found: dict[str, School] = {}
    while len(found) < number:
        place = rng.choice(_FIRST.split()) + rng.choice(_LAST.split())
        kind = rng.choice(_KINDS)
        if place in found:
            continue
        handle = (place + "".join(word[0] for word in kind.split()),) if rng.random() < HAVE["x"] else ()
        short = f"{place} {kind.removesuffix(' School')}"
        found[place] = School(
            id=place.lower(), name=f"{place} {kind}", pack="wessex", short_names=(short,), handles=handle
        )
    return list(found.values())


class Traffic:
    """Invented posts: a Poisson stream a school, platform and kind, by the hour, the weekday and half-term.

    Two storms: 600 posts in five hours on a Friday night about one school, and 1,500 in eight hours about five.
    """

    def __init__(self, every: Sequence[School], days: int, rng: random.Random) -> None:
        self._rng, self._days = rng, days
        self.members = {p: [s.id for s in every if rng.random() < share] for p, share in HAVE.items()}
        self.members["x"] = [s.id for s in every if s.handles]
        self.all = [s.id for s in every]

    def posts(self) -> list[Item]:
        """All of them, in order."""
        found = [item for platform, rates in RATES.items() for item in self._of(platform, rates)]
        found += self._storm(8, 18, 5, 600, self.members["x"][:1])
        found += self._storm(20, 12, 8, 1500, self.members["x"][1:6])
        return sorted((i for i in found if i.at < self._days * 86400), key=lambda item: item.at)

    def _of(self, platform: str, rates: Sequence[float]) -> Iterator[Item]:
        kinds = zip(("said", "answer", "mention", "named"), rates, strict=True)
        for kind, rate in ((kind, rate) for kind, rate in kinds if rate):
            members = self.all if kind == "named" else self.members[platform]
            for day in range(self._days):
                when = START + timedelta(days=day)
                holiday = 0.35 if HALF_TERM[0] <= when.date() <= HALF_TERM[1] else 1.0
                for _ in range(self._poisson(len(members) * rate * DAYS[when.weekday()] * holiday)):
                    hour = self._rng.choices(range(24), HOURS)[0]
                    yield self._item(day * 86400 + (hour + self._rng.random()) * 3600, platform, kind, members)

    def _item(self, at: float, platform: str, kind: str, members: Sequence[str]) -> Item:
        concerns = [self._rng.choice(members)]
        if kind == "named" and self._rng.random() < 0.03:
            concerns.append(self._rng.choice(members))
        named = kind == "named" or self._rng.random() < 0.3
        return Item(at=at, platform=platform, kind=kind, schools=tuple(concerns), named=named)

    def _storm(self, day: int, hour: int, hours: int, number: int, about: Sequence[str]) -> Iterator[Item]:
        for _ in range(number):
            at = day * 86400 + hour * 3600 + self._rng.random() * hours * 3600
            kind = self._rng.choice(("answer", "mention", "named"))
            yield replace(self._item(at, "x", kind, about), storm=True)

    def _poisson(self, mean: float) -> int:
        return max(round(self._rng.gauss(mean, mean**0.5)), 0)


class Twin:
    """The ledger in memory: the same sums as `watcher.store.ledger`, of the period at hand alone."""

    def __init__(self, caps: Sequence[Cap]) -> None:
        self.caps = tuple(caps)
        self.most: Counter[str] = Counter()
        self._open: dict[int, tuple[datetime, datetime, int]] = {}

    def spent(self, number: int, now: datetime) -> int:
        """What counts towards a cap now."""
        return self._at(number, now)[2]

    def reserve(self, purse: Purse, wants: Mapping[str, int], now: datetime) -> datetime | list[tuple[int, str]]:
        """Reserve all or none: where it is noted, or when the period of the cap that it would pass ends."""
        held = [(n, cap) for n, cap in enumerate(self.caps) if cap.unit in wants and cap.holds_for(purse)]
        for number, cap in held:
            _, end, spent = self._at(number, now)
            if spent + wants[cap.unit] > cap.amount - cap.kept:
                return end
        for number, cap in held:
            self._add(number, wants[cap.unit], now)
        return [(number, cap.unit) for number, cap in held]

    def settle(
        self, noted: Sequence[tuple[int, str]], wants: Mapping[str, int], came: Mapping[str, int], at: datetime
    ) -> None:
        """Write what a reservation of ``at`` came to."""
        for number, unit in noted:
            self._add(number, came.get(unit, 0) - wants[unit], at)
            cap = self.caps[number]
            self.most[cap.key] = max(self.most[cap.key], self._at(number, at)[2] - cap.amount)

    def _at(self, number: int, now: datetime) -> tuple[datetime, datetime, int]:
        known = self._open.get(number)
        if known is None or not known[0] <= now < known[1]:
            known = (*window(self.caps[number].period, now), 0)
            self._open[number] = known
        return known

    def _add(self, number: int, amount: int, now: datetime) -> None:
        start, end, spent = self._at(number, now)
        self._open[number] = (start, end, spent + amount)


def limits(pounds: float) -> list[Cap]:
    """The platforms' own limits and the month's money."""
    made = [
        Cap(
            unit=limit.unit,
            amount=limit.amount // SHARE.get(platform, 1),
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


class Month:
    """The month's events, in order: each is a reading whose time has come."""

    def __init__(self, found: Sequence[Source], days: int, pounds: float, rng: random.Random) -> None:
        self._rng, self._end = rng, days * 86400.0
        self.twin, self.result = Twin(limits(pounds)), Result()
        self._paid: set[int] = set()
        self._paces: dict[str, Pace] = {}
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
        purse = Purse(app=source.platform, platform=source.platform, account=source.name)
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
            hour = self._local[int(item.at // 3600)].hour
            when = "night" if hour >= 23 or hour < 6 else "day"
            if item.storm:
                when = "storm"
            elif OUTAGE[0] <= item.at < OUTAGE[1]:
                when = "failing" if hurt else "beside"
            self.result.delays[source.platform, source.own, when].append(at + READ_S - item.at)


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


_WHEN = {
    "day": "by day",
    "night": "by night",
    "storm": "in a storm",
    "failing": "the hour of failures, what failed",
    "beside": "the hour of failures, the others",
}


def table(said: Mapping[str, Any]) -> str:
    """The figures as Markdown."""
    rows = [
        "| platform | read as | calls | naive calls | share | past a limit | naive past a limit |",
        "|---|---|---|---|---|---|---|",
    ]
    for platform, calls in said["calls"].items():
        asked = said["naive"]["calls"][platform]
        past = sum(n for key, n in said["past_a_cap"].items() if key.startswith(platform))
        over = sum(n for key, n in said["naive"]["past_a_cap"].items() if key.startswith(platform))
        name = platform.capitalize() if platform != "x" else "X"
        rows.append(
            f"| {name} | {said['sources'][platform]} | {calls:,} | {asked:,} | 1/{asked / max(calls, 1):.1f} "
            f"| {past} | {over:,} |"
        )
    calls, asked = sum(said["calls"].values()), sum(said["naive"]["calls"].values())
    rows.append(
        f"| all | {sum(said['sources'].values())} | {calls:,} | {asked:,} | 1/{asked / max(calls, 1):.1f} | | |"
    )
    rows += ["", "| source | when | posts | half within | 99 in 100 within |", "|---|---|---|---|---|"]
    for key, found in said["delays"].items():
        platform, kind, when = key.split()
        who = {"own": "said to the schools' own", "search": "found by search"}[kind]
        late = f"{found['half_s']:,} s | {found['99_s']:,} s"
        rows.append(f"| {platform}, {who} | {_WHEN[when]} | {found['posts']:,} | {late} |")
    return "\n".join(rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, print, and put the table where it is told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=31)
    parser.add_argument("--pounds", type=float, default=600.0, help="the month's budget for X")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schools", type=int, default=400)
    parser.add_argument("--write", type=Path, help="a Markdown file with the two marks of this section")
    chosen = parser.parse_args(arguments)
    began = time.process_time()
    said = measure(chosen.days, chosen.pounds, chosen.seed, chosen.schools)
    print(json.dumps(said, indent=1))
    print(table(said), f"{time.process_time() - began:.0f} s of processor time", sep="\n", file=sys.stderr)
    if chosen.write:
        put(chosen.write, table(said))


def put(file: Path, text: str) -> None:
    """Replace what stands between the marks."""
    before, begin, rest = file.read_text(encoding="utf-8").partition("<!-- polling -->\n")
    _, end, after = rest.partition("<!-- /polling -->")
    if not begin or not end:
        raise SystemExit(f"{file} lacks the marks <!-- polling --> and <!-- /polling -->")
    file.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
