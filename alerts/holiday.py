"""On which days a school is closed: bank holidays of its nation, its own closed days, and the time between terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache

import holidays

from alerts.deadline import Calendar
from alerts.school import School

# How each nation is called where bank holidays are looked up.
NATIONS = {"england": "ENG", "scotland": "SCT", "wales": "WLS", "northern_ireland": "NIR"}


def is_bank_holiday(day: date, nation: str = "england") -> bool:
    """Whether that day is a bank holiday in England, Scotland, Wales or Northern Ireland.

    Raises:
        KeyError: no such nation.
    """
    return day in _of(NATIONS[nation], day.year)


@lru_cache(maxsize=64)
def _of(subdivision: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv=subdivision, years=year))


def closed(
    nation: str = "england",
    terms: Iterable[tuple[date, date]] = (),
    periods: Iterable[tuple[date, date]] = (),
) -> Callable[[date], bool]:
    """Whether a school is closed on a day, from its nation, its terms and the days on which it says it is closed.

    Both ends of a term and of a period count. A day outside every term is closed only where a later term is known:
    dates that nobody has entered yet must not put off a promise.
    """
    known, shut = sorted(terms), tuple(periods)

    def is_closed(day: date) -> bool:
        if is_bank_holiday(day, nation) or any(start <= day <= end for start, end in shut):
            return True
        inside = any(start <= day <= end for start, end in known)
        return not inside and any(end < day for _, end in known) and any(start > day for start, _ in known)

    return is_closed


def calendar_of(school: School) -> Calendar:
    """When a school works."""
    terms, shut = ([(p.start, p.end) for p in periods] for periods in (school.terms, school.closed))
    hours = school.hours
    return Calendar(
        timezone=school.timezone,
        days=hours.days,
        start=hours.start,
        end=hours.end,
        is_closed=closed(school.nation, terms, shut),
    )
