"""Times as people say them, in the time of the school."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.wording import counted, long_day

_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
# Longer ago than this, a date says more than a number of hours.
_WORDS_UP_TO = timedelta(hours=12)
_MOMENT = timedelta(seconds=10)


def clock_time(moment: datetime, zone: str) -> str:
    """``08:15:02`` there."""
    return f"{moment.astimezone(ZoneInfo(zone)):%H:%M:%S}"


def long(moment: datetime, zone: str) -> str:
    """``Friday 20 November 2026 at 08:15`` there, whatever the machine's language."""
    return f"{long_day(moment, zone)} at {moment.astimezone(ZoneInfo(zone)):%H:%M}"


def short(moment: datetime, now: datetime, zone: str) -> str:
    """``today at 08:15``, ``yesterday at 08:15``, ``20 November at 08:15``, the year only where it is another."""
    local, today = moment.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    days = (today.date() - local.date()).days
    names = {-1: "tomorrow", 0: "today", 1: "yesterday"}
    year = "" if local.year == today.year else f" {local.year}"
    day = names.get(days, f"{local.day} {_MONTHS[local.month - 1]}{year}")
    return f"{day} at {local:%H:%M}"


def relative(moment: datetime, now: datetime, zone: str) -> str:
    """``3 minutes ago``, ``in 2 minutes``, and a day and time where that is more than half a day off."""
    away = moment - now
    if abs(away) > _WORDS_UP_TO:
        return short(moment, now, zone)
    if abs(away) < _MOMENT:
        return "in a moment" if away > timedelta(0) else "just now"
    words = span(abs(away))
    return f"in {words}" if away > timedelta(0) else f"{words} ago"


def at_most(seconds: float) -> str:
    """A length of time in its largest unit, rounded up: ``40 seconds``, ``5 minutes``, ``2 hours``, ``3 days``."""
    size = next((size for size in (_DAY, _HOUR, _MINUTE) if seconds > size), 1)
    return span(timedelta(seconds=max(-(-seconds // size), 1) * size))


def span(length: timedelta) -> str:
    """A length of time in its largest whole unit: ``40 seconds``, ``5 minutes``, ``2 hours``, ``3 days``."""
    seconds = int(length.total_seconds())
    for size, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= size:
            return counted(seconds // size, name)
    return counted(seconds, "second")
