"""How soon a stored post is looked at again at its source: the fresher and the graver, the sooner; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zlib import crc32

from connectors.tariff import TARIFFS

# A post is edited or taken down mostly while it is new; whoever acts on a matter wants to know within hours.
_AGES = (
    (timedelta(days=1), timedelta(hours=4)),
    (timedelta(days=7), timedelta(days=1)),
    (timedelta(days=30), timedelta(days=7)),
)
# With the spread on top it stays below the 30 days after which Google wants stored data refreshed or deleted.
_OLD = timedelta(days=22)
_IN_MATTER, _IN_OLD_MATTER = timedelta(hours=1), timedelta(hours=12)
_SPREAD = 0.2
# Where each asking is paid, and at which ages: there only what something rests on is asked for.
PAID = {platform: tariff.again_after for platform, tariff in TARIFFS.items() if tariff.again_after}
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


def check_after(age: timedelta, key: str, *, in_matter: bool = False) -> timedelta:
    """The time until a post is checked again, given its age; ``in_matter`` says that an open incident rests on it.

    ``key`` spreads posts of one age apart by up to a fifth, the same post always by the same.
    """
    if in_matter:
        pause = _IN_MATTER if age < timedelta(days=7) else _IN_OLD_MATTER
    else:
        pause = next((pause for limit, pause in _AGES if age < limit), _OLD)
    lot = crc32(key.encode("utf-8", "replace")) % 1000 / 1000
    return pause * (1 - _SPREAD + 2 * _SPREAD * lot)


def check_at(
    platform: str, key: str, first: datetime, age: timedelta, now: datetime, *, in_matter: bool = False
) -> datetime | None:
    """When a post of that age, read ``first`` then, is checked next; ``None`` where it never is again."""
    if platform in PAID:
        return paid_check(first, PAID[platform], now)
    return now + check_after(age, key, in_matter=in_matter)


def paid_check(first: datetime, ages: Iterable[timedelta], now: datetime) -> datetime | None:
    """When a post is asked for next where each asking is paid: at the first of these ages to come, on the full hour.

    So that many go in one request. An age of less than a day counts only where it is still the UTC day of the reading.
    """
    first = first.astimezone(UTC)
    for age in ages:
        at = (first + age + _HOUR).replace(minute=0, second=0, microsecond=0)
        if at > now and (age >= _DAY or at.date() == first.date()):
            return at
    return None
