"""How soon a source is read again, never faster than the budget lasts, and how soon its posts really came; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

# From eleven at night to six in the morning, where the school is.
_NIGHT_FROM, _NIGHT_TO = 23, 6
_NIGHT_FACTOR, _STORM_FACTOR = 3, 3
# So many new posts in one reading are a storm; faster than once a minute nobody is told sooner.
STORM = 10
_SHORTEST_S = 60
# By so many days what is to come is foretold; after how long it is decided by, and the least to tell a pace by.
LOOKED_BACK = timedelta(days=7)
_TELLING, _SHORTEST_LOOK = timedelta(days=1), timedelta(hours=1)
# From these shares in use, by the platform's own word, a source is read half, and a quarter as often.
_WARNED, _NEARLY = 0.8, 0.9
# From this share on nothing is asked for a while, also where a backlog waits.
NO_MORE = 0.95


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How one source is read: its own interval, whether it is the school's own, and how far its budget reaches.

    ``stretch`` is by how much the app's sources together would have to slow down to stay within what is left: 1 or
    more. What is written to a school's own accounts is never slowed by night, nor by others' appetite; only where they
    alone are more than their app may ask for, ``own_stretch`` has all of them wait a little longer, so that none waits
    for a day.
    """

    every_s: int
    own: bool = False
    metered: bool = False
    stretch: float = 1.0
    own_stretch: float = 1.0

    def interval(self, local: datetime, new: int) -> timedelta:
        """The time until the next reading, after one at that local time that brought so many new posts."""
        seconds = float(self.every_s)
        if self.own or not self.metered:
            return timedelta(seconds=seconds * max(self.own_stretch, 1.0))
        if new >= STORM:
            seconds = max(seconds / _STORM_FACTOR, min(seconds, _SHORTEST_S))
        elif not new and (local.hour >= _NIGHT_FROM or local.hour < _NIGHT_TO):
            # No longer than until the morning, however long the interval.
            seconds = max(seconds, min(seconds * _NIGHT_FACTOR, _until_morning(local)))
        return timedelta(seconds=seconds * max(self.stretch, 1.0))


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is spent a second, as it has gone lately; ``is_early`` says that too little is known to decide by it."""

    a_second: float
    is_early: bool

    def until(self, end: datetime, now: datetime) -> float:
        """What will be spent from now until then."""
        return self.a_second * (end - now).total_seconds()


def forecast(amount: float, first: datetime | None, now: datetime) -> Forecast:
    """How spending goes on, from what was spent in the last ``LOOKED_BACK`` and when anything was for the first time.

    A first day reads the past and tells little of the days to come; of less than an hour no pace can be told at all.
    """
    known = now - first if first is not None else timedelta(0)
    seconds = min(max(known, _SHORTEST_LOOK), LOOKED_BACK).total_seconds()
    return Forecast(a_second=amount / seconds, is_early=known < _TELLING)


@dataclass(frozen=True, kw_only=True)
class Delay:
    """From posts' publication until Watcher had them, in seconds: of ``posts`` half came sooner, and 99 in 100."""

    posts: int
    half_s: float
    most_s: float


def delay(seconds: Iterable[float]) -> Delay | None:
    """The real delay of so many posts; ``None`` where there are none.

    A platform's clock may run ahead of ours: no post comes before it is published.
    """
    found = sorted(max(one, 0.0) for one in seconds)
    n = len(found)
    return Delay(posts=n, half_s=found[n // 2], most_s=found[min(n * 99 // 100, n - 1)]) if n else None


def brake(used: float) -> float:
    """By how much a source slows down whose platform says that so much of what it allows is used, 1 being all."""
    if used < _WARNED:
        return 1.0
    return 2.0 if used < _NEARLY else 4.0


def _until_morning(local: datetime) -> float:
    """The seconds until the night ends, by the clock on the wall."""
    passed = (local.hour * 60 + local.minute) * 60 + local.second
    return float((_NIGHT_TO * 3600 - passed) % 86400)


def stretch(*, left: float, seconds: float, own: float, others: float) -> float:
    """By how much the others must slow down so that what is left lasts for the rest of the period.

    ``own`` and ``others`` are what the schools' own accounts and the others spend a second at their usual pace. Where
    the own accounts alone use up what is left, the others are read a hundredth as often.
    """
    if others <= 0 or seconds <= 0:
        return 1.0
    free = left / seconds - own
    return min(max(others / free, 1.0), 100.0) if free > 0 else 100.0
