"""By when a policy's word asks for somebody to have acted, in the hours that a school keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from alerts.flag import GRAVE
from alerts.route import Route

# Whatever is shorter than this is an emergency to the policy: no office hours delay it.
_IMMEDIATE = 60
# As mails say it: up to so many minutes is a matter of hours, of this working day, of the next.
_HOURS, _THIS_DAY, _NEXT_DAY, _DAY = 300, 600, 2880, 1440
# A school that is closed for longer than this has forgotten to say when it opens again.
_LONGEST_CLOSED = 120
WORKING_WEEK = (0, 1, 2, 3, 4)


@dataclass(frozen=True, kw_only=True)
class Speed:
    """How soon somebody has to act: within ``minutes``, or by the end of the ``working_days``-th day from now on.

    ``Speed(working_days=0)`` is the same working day, ``1`` the next. ``immediate`` minutes run on the wall clock;
    all others run in a school's hours.
    """

    minutes: int | None = None
    working_days: int | None = None
    immediate: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no time at all, or two."""
        given = self.minutes if self.minutes is not None else self.working_days
        if (self.minutes is None) == (self.working_days is None) or given is None or given < 0:
            raise ValueError("a speed is a number of minutes or of working days, one of the two, and not below 0")
        if self.immediate and self.minutes is None:
            raise ValueError("what is immediate is counted in minutes")


IMMEDIATELY = Speed(minutes=5, immediate=True)
SAME_WORKING_DAY = Speed(working_days=0)
NEXT_WORKING_DAY = Speed(working_days=1)
# The policies' own words, as this project reads them; a pack may read them otherwise.
WORDS = {
    "immediately": IMMEDIATELY,
    "without unreasonable delay": SAME_WORKING_DAY,
    "same working day": SAME_WORKING_DAY,
    "promptly": NEXT_WORKING_DAY,
    "swiftly": NEXT_WORKING_DAY,
    "quickly": NEXT_WORKING_DAY,
    "next working day": NEXT_WORKING_DAY,
}


def _never(_day: date) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """When a school works: its weekdays (Monday is 0) and hours on its own clock, and the days on which it is closed.

    Hours that end where they begin, or before, end on the next morning.
    """

    timezone: str = "Europe/London"
    days: tuple[int, ...] = WORKING_WEEK
    start: time = time(8, 0)
    end: time = time(17, 0)
    is_closed: Callable[[date], bool] = _never

    def is_working(self, moment: datetime) -> bool:
        """Whether the school works at that moment."""
        return self.begin(moment)[1] == moment

    def works_on(self, day: date) -> bool:
        """Whether the school works on that day."""
        return day.weekday() in (self.days or WORKING_WEEK) and not self.is_closed(day)

    def opens(self, day: date) -> datetime:
        """When work begins on that day."""
        return self._at(day, self.start)

    def closes(self, day: date) -> datetime:
        """When the work of that day ends."""
        return self._at(day if self.end > self.start else day + timedelta(days=1), self.end)

    def begin(self, moment: datetime) -> tuple[date, datetime]:
        """The working day on which a promise made at that moment begins, and when: at once, or the next working hour.

        Work that goes on past midnight belongs to the day on which it began.
        """
        today = moment.astimezone(ZoneInfo(self.timezone)).date()
        for day in (today - timedelta(days=1), today):
            if self.works_on(day) and moment < self.closes(day):
                return day, max(moment, self.opens(day))
        day = self.after(today)
        return day, self.opens(day)

    def after(self, day: date) -> date:
        """The next day on which the school works."""
        for ahead in range(1, _LONGEST_CLOSED):
            found = day + timedelta(days=ahead)
            if self.works_on(found):
                return found
        # Closed without an end in sight: a promise must end all the same.
        week = self.days or WORKING_WEEK
        return next(d for d in (day + timedelta(days=n) for n in range(1, 9)) if d.weekday() in week)

    def _at(self, day: date, hour: time) -> datetime:
        return datetime.combine(day, hour, ZoneInfo(self.timezone)).astimezone(UTC)


def speed_of(route: Route) -> Speed:
    """How soon a route's policy asks for somebody to act; the reading is the one that its mails give in words."""
    minutes = route.within_minutes
    if route.concern in GRAVE or minutes < _IMMEDIATE:
        return Speed(minutes=minutes, immediate=True)
    if minutes < _HOURS:
        return Speed(minutes=minutes)
    if minutes <= _THIS_DAY:
        return SAME_WORKING_DAY
    return NEXT_WORKING_DAY if minutes <= _NEXT_DAY else Speed(working_days=-(-minutes // _DAY))


def deadline(speed: Speed, at: datetime, calendar: Calendar) -> datetime:
    """By when somebody must have acted on what was found ``at``, in UTC.

    What is immediate ignores hours. Any other promise runs from the next working hour: a matter found on a Friday
    night is on a school's desk on Monday morning, and "the next working day" is then the day after.
    """
    if speed.minutes is not None and speed.immediate:
        return (at + timedelta(minutes=speed.minutes)).astimezone(UTC)
    day, begin = calendar.begin(at)
    if speed.minutes is not None:
        return _within_hours(timedelta(minutes=speed.minutes), day, begin, calendar)
    for _ in range(speed.working_days or 0):
        day = calendar.after(day)
    return calendar.closes(day)


def _within_hours(left: timedelta, day: date, begin: datetime, calendar: Calendar) -> datetime:
    """The moment at which so much working time has passed."""
    begin = begin.astimezone(UTC)
    while begin + left > calendar.closes(day):
        left -= calendar.closes(day) - begin
        day = calendar.after(day)
        begin = calendar.opens(day)
    return begin + left
