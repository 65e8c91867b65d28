"""The week as leaders read it, and which weeks are due; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.excerpt import Excerpt
from alerts.topic import Topic

# Monday before school: the week that ended is read over the first coffee.
DUE_AT = time(7, 30)
# How many missed weeks are made up for after a long time off.
MADE_UP = 8
_WEEK = re.compile(r"(\d{4})-W(\d{2})")


@dataclass(frozen=True, kw_only=True)
class Tone:
    """What the week's mentions were like, by count; ``other`` is neither criticism nor praise."""

    criticism: int = 0
    praise: int = 0
    other: int = 0


@dataclass(frozen=True, kw_only=True)
class Past:
    """An earlier week to compare with: the posts about the school, their tone, and how many incidents it brought."""

    week: str
    mentions: int = 0
    tone: Tone = Tone()
    opened: int = 0


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How many matters reached a point in the week, and within how many minutes half of them did (the median)."""

    matters: int = 0
    half_within: int = 0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One incident as a digest shows it; ``clause`` (``WMAT 8.1.9 ¶2``) is ``None`` where the rule is our own.

    ``shut`` says that whoever reads it may know of its number alone: in the previews of those who run Watcher.
    """

    reference: str
    school: str
    concerns: tuple[str, ...]
    state: str
    clause: str | None
    opened_at: datetime
    posts: int = 1
    overdue: bool = False
    link: str | None = None
    shut: bool = False

    @property
    def waits(self) -> bool:
        """Whether somebody must still take it in hand."""
        return self.state == "open" or self.overdue


@dataclass(frozen=True, kw_only=True)
class Blind:
    """A source that could not be read, since when, and whether it can be again; ``partly`` where the rest could."""

    source: str
    platform: str
    since: datetime
    until: datetime | None = None
    partly: bool = False


@dataclass(frozen=True, kw_only=True)
class Digest:
    """One week of one school or trust (``scope``), as one receiver may see it: the caller leaves out all else.

    ``mentions`` are the posts about the school among the ``read``; ``flags`` counts them by concern, ``unread`` by
    reason. ``opened`` is how many incidents the week brought, ``matters`` those still open and those closed in it.
    ``before`` and ``year_ago`` are the week before and the same week last year, ``None`` if nothing was watched then.
    ``taken`` and ``closed`` are how fast the week's matters were taken in hand and closed. ``pence`` is what reading
    cost, ``None`` where nothing that is read costs anything.
    """

    scope: str
    week: str
    timezone: str = "Europe/London"
    read: int = 0
    mentions: int = 0
    tone: Tone = Tone()
    flags: Mapping[str, int] = field(default_factory=dict)
    opened: int = 0
    matters: tuple[Line, ...] = ()
    praise: tuple[Excerpt, ...] = ()
    blind: tuple[Blind, ...] = ()
    unread: Mapping[str, int] = field(default_factory=dict)
    link: str | None = None
    before: Past | None = None
    year_ago: Past | None = None
    topics: tuple[Topic, ...] = ()
    taken: Speed = Speed()
    closed: Speed = Speed()
    pence: int | None = None

    @property
    def waiting(self) -> tuple[Line, ...]:
        """The incidents that need somebody, overdue ones first, then the oldest."""
        return tuple(sorted((m for m in self.matters if m.waits), key=lambda m: (not m.overdue, m.opened_at)))

    @property
    def others(self) -> tuple[Line, ...]:
        """The incidents that somebody has in hand or has closed, the oldest first."""
        return tuple(sorted((m for m in self.matters if not m.waits), key=lambda m: m.opened_at))


def digest_subject(scope: str, week: str) -> str:
    """What a digest's notice is the subject of: with the receiver it makes the digest unique."""
    return f"{scope}/{week}"


def week_of(moment: datetime, timezone: str) -> str:
    """The ISO week in which the moment falls there, ``2026-W46``."""
    year, week, _ = moment.astimezone(ZoneInfo(timezone)).isocalendar()
    return f"{year:04}-W{week:02}"


def week_bounds(week: str, timezone: str) -> tuple[datetime, datetime]:
    """The moments in UTC at which the week begins there and at which the next one does.

    Raises:
        ValueError: no such week.
    """
    return _at(week, timezone, time(0)), _at(_after(week), timezone, time(0))


def week_before(week: str) -> str:
    """The week before.

    Raises:
        ValueError: no such week.
    """
    return _before(week)


def week_last_year(week: str) -> str:
    """The week of the same number a year before; of a 53rd week the last one, where that year has none.

    Raises:
        ValueError: no such week.
    """
    year, number, _ = _monday(week).isocalendar()
    # The 28th of December always lies in a year's last week.
    last = datetime(year - 1, 12, 28, tzinfo=UTC).isocalendar().week
    return f"{year - 1:04}-W{min(number, last):02}"


def due_at(week: str, timezone: str) -> datetime:
    """The moment in UTC at which the digest of that week is due: Monday after it, 07:30 there."""
    return _at(_after(week), timezone, DUE_AT)


def weeks_due(now: datetime, timezone: str, last_week: str | None) -> tuple[str, ...]:
    """The weeks whose digest is due and comes after ``last_week``, the oldest first.

    Without a last week only the newest of them; after a long time off the newest eight. A clock that was set back
    makes nothing due again.
    """
    newest = _before(week_of(now, timezone))
    if now < due_at(newest, timezone):
        newest = _before(newest)
    if last_week is None:
        return (newest,)
    weeks: list[str] = []
    while newest > last_week and len(weeks) < MADE_UP:
        weeks.append(newest)
        newest = _before(newest)
    return tuple(reversed(weeks))


def next_digest_at(now: datetime, timezone: str, last_week: str | None) -> datetime:
    """When the next digest is due, in UTC; in the past where one is due already."""
    due = weeks_due(now, timezone, last_week)
    if due:
        return due_at(due[0], timezone)
    # The week that `now` belongs to, or a later one where the last digest came from a clock that ran ahead.
    week = _before(week_of(now, timezone))
    while week <= (last_week or ""):
        week = _after(week)
    return due_at(week, timezone)


def _monday(week: str) -> datetime:
    found = _WEEK.fullmatch(week)
    if found is None:
        raise ValueError(f"week {week!r} is not written like 2026-W46")
    return datetime.fromisocalendar(int(found[1]), int(found[2]), 1)


def _at(week: str, timezone: str, clock: time) -> datetime:
    return datetime.combine(_monday(week), clock, tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def _after(week: str) -> str:
    return _named(_monday(week) + timedelta(days=7))


def _before(week: str) -> str:
    return _named(_monday(week) - timedelta(days=7))


def _named(day: datetime) -> str:
    year, week, _ = day.isocalendar()
    return f"{year:04}-W{week:02}"
