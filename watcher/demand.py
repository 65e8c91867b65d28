"""How many requests a day all searches of a platform make together, beside how many it allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime

from connectors.tariff import CALLS, SEARCHES, SPOKEN, TARIFFS, Limit, window
from watcher.config import Settings
from watcher.terms import readings

_DAY_S = 86400
# Any time will do: only how long a period lasts counts here.
_ANY = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a platform's searches ask for in a day, and the most that it allows, ``None`` where it names no limit."""

    platform: str
    queries: int
    calls_a_day: int
    limit_a_day: int | None

    @property
    def passes(self) -> bool:
        """Whether more is asked for than is allowed: then each search waits longer than its schedule says."""
        return self.limit_a_day is not None and self.calls_a_day > self.limit_a_day


def limits_of(platform: str) -> str | None:
    """A platform's limits as people say them, or ``None`` where it names none: ``3000 calls in five minutes``."""
    tariff = TARIFFS.get(platform)
    limits = tariff.limits if tariff is not None else ()
    return "; ".join(f"{one.amount} {one.unit} {SPOKEN[one.period]}" for one in limits) or None


def limit_a_day(platform: str) -> int | None:
    """How many searches a platform allows an app in a day, by the narrowest limit that counts them."""
    tariff = TARIFFS.get(platform)
    if tariff is None:
        return None
    own = [one for one in tariff.limits if one.unit == SEARCHES]
    counted = own or [one for one in tariff.limits if one.unit == CALLS]
    return min(map(_in_a_day, counted), default=None)


def _in_a_day(limit: Limit) -> int:
    start, end = window(limit.period, _ANY)
    return int(limit.amount * _DAY_S / (end - start).total_seconds())


def calls_a_day(every_s: int) -> int:
    """How many readings a day a pause comes to, the begun one counted."""
    return -(-_DAY_S // every_s)


def demands(settings: Settings, today: date) -> Iterator[Demand]:
    """What all searches together ask of each platform, for all schools: its limit is the app's and not a school's."""
    asked: dict[str, list[int]] = {}
    for reading in readings(settings, today):
        if "search" in reading.row.reads:
            every = reading.row.every_s or settings.schedule.poll_every_s
            asked.setdefault(reading.row.platform, []).append(calls_a_day(every))
    for platform, calls in sorted(asked.items()):
        yield demand(platform, calls)


def demand(platform: str, calls: Iterable[int]) -> Demand:
    """What so many searches of a platform ask for, each with its calls a day."""
    each = tuple(calls)
    return Demand(platform=platform, queries=len(each), calls_a_day=sum(each), limit_a_day=limit_a_day(platform))
