"""Whether a source that brings nothing is quiet or has fallen silent: told from its own past; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

# A source that has brought less has no habit that could be broken.
ENOUGH, DAYS = 12, 6
LEAST = timedelta(days=14)
_TIMES = 10
# Schools fall silent in their holidays: from and until, month and day, with room for Scotland and for fringe days.
_HOLIDAYS = (((6, 24), (9, 10)), ((12, 16), (12, 31)), ((1, 1), (1, 8)))
_EASTER = (timedelta(days=-17), timedelta(days=17))


@dataclass(frozen=True, kw_only=True)
class Silence:
    """A source that used to bring posts and has stopped: since when, and how often one came before."""

    since: datetime
    usual: timedelta


def silence(times: Sequence[datetime], now: datetime) -> Silence | None:
    """Whether these posts' times (any order) break off unusually long before ``now``; ``None`` while they may not.

    Unusual is a pause of at least a fortnight, ten times the usual one and longer than any before, school holidays
    not counted. A source with few posts, or posts on few days, was always quiet.
    """
    said = sorted(moment for moment in times if moment <= now)
    days = {moment.date() for moment in said}
    if len(said) < ENOUGH or len(days) < DAYS:
        return None
    # By days: ten posts in one afternoon are one sign of life, and not a habit of one in every six minutes.
    firsts = sorted(days)
    pauses = [timedelta(days=(after - before).days) for before, after in pairwise(firsts)]
    usual = timedelta(seconds=median(pause.total_seconds() for pause in pauses))
    pause = term_time(said[-1], now)
    if pause < max(LEAST, _TIMES * usual) or now - said[-1] <= max(pauses):
        return None
    return Silence(since=said[-1], usual=usual)


def term_time(since: datetime, until: datetime) -> timedelta:
    """How long it is from one moment to another, days of school holidays left out."""
    free = sum(_is_holiday((since + timedelta(days=n)).date()) for n in range((until - since).days))
    return until - since - timedelta(days=free)


def _is_holiday(day: date) -> bool:
    if any(start <= (day.month, day.day) <= end for start, end in _HOLIDAYS):
        return True
    easter = _easter(day.year)
    return easter + _EASTER[0] <= day <= easter + _EASTER[1]


def _easter(year: int) -> date:
    """Easter Sunday (the anonymous Gregorian rule; Meeus, Astronomical Algorithms, chapter 8)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)
