"""What a week came to in figures as one reader may see it: counts, comparison, topics, speeds and spending.

Whatever a reader must not know of is taken out of every figure, so that none moves when such a matter comes or goes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from statistics import median
from zoneinfo import ZoneInfo

from alerts import topic
from alerts.digest import Past, Speed, Tone, week_bounds
from alerts.incident import Incident
from alerts.school import School
from alerts.topic import Topic
from connectors.tariff import POUNDS
from watcher.serving import served
from watcher.store import Store

# Micropounds a penny; what is told of money is rounded, so that no single post shows in it.
_PENNY = 10_000
_ROUNDED = 10


@dataclass(frozen=True, kw_only=True)
class Week:
    """A week of some schools, and by school the references of what the reader must not know of."""

    name: str
    schools: tuple[School, ...]
    hidden: Mapping[str, tuple[str, ...]]

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        """The moments at which it begins and at which the next one does."""
        return week_bounds(self.name, self.schools[0].timezone)

    @property
    def days(self) -> tuple[date, date]:
        """Its Monday and its Sunday."""
        first = self.bounds[0].astimezone(ZoneInfo(self.schools[0].timezone)).date()
        return first, first + timedelta(days=6)

    def all_hidden(self) -> list[str]:
        """The references of all that the reader must not know of."""
        return [reference for references in self.hidden.values() for reference in references]


class Figures:
    """Adds up weeks."""

    def __init__(self, store: Store, batches: Callable[[], Mapping[str, tuple[str, ...]]]) -> None:
        self._store, self._batches = store, batches

    def counts(self, week: Week) -> dict[str, int]:
        """What was counted, by name: ``mentions:yes``, ``flags:criticism``, ``unread:language``; nothing below one."""
        found: Counter[str] = Counter()
        for school in week.schools:
            found.update(self._store.counts.between(school.id, *week.days))
            found.subtract(self._store.weeks.counts_in(week.hidden.get(school.id, ()), *week.days))
        return {what: n for what, n in found.items() if n > 0}

    def past(self, week: Week) -> Past | None:
        """An earlier week to compare with, or ``None`` where none of the schools was watched then."""
        counts, (start, end) = self.counts(week), week.bounds
        mine, every = {school.id for school in week.schools}, self._store.register.all().schools
        sources = self._store.accounts.all()
        since = [state.added_at for state in sources if any(school.id in mine for school in served(state, every))]
        if not counts and not any(added <= start for added in since):
            return None
        opened = 0
        for school in week.schools:
            matters = self._store.weeks.matters(school.id, start, end)
            seen = (m for m in matters if m.reference not in week.hidden.get(school.id, ()))
            opened += sum(start <= matter.opened_at < end for matter in seen)
        return Past(week=week.name, mentions=counts.get("mentions:yes", 0), tone=tone(counts), opened=opened)

    def topics(self, week: Week) -> tuple[Topic, ...]:
        """What people spoke about, as it may be told."""
        texts = self._store.weeks.texts
        return topic.told({s.id: topic.tally(texts(s.id, *week.days, week.hidden.get(s.id, ()))) for s in week.schools})

    def pence(self, week: Week) -> int | None:
        """What reading cost, in pence to the next ten; ``None`` where it cost nothing.

        What several schools share is split evenly among them. The share of posts that the reader must not know of is
        taken out at the price of a post.
        """
        start, end = week.bounds
        mine = {school.id for school in week.schools}
        shared = self._batches()
        everybody = tuple(school.id for school in self._store.register.all().schools)
        hidden = Counter(self._store.weeks.brought(week.all_hidden(), start, end))
        total = Fraction(0)
        for cost in self._store.weeks.spent(POUNDS, start, end):
            payers = (cost.school,) if cost.school else shared.get(cost.account) or everybody
            ours = sum(payer in mine for payer in payers)
            left = max(cost.posts - hidden[cost.account], 0)
            amount = Fraction(cost.amount * left, cost.posts) if cost.posts else Fraction(cost.amount)
            total += amount * ours / max(len(payers), 1)
        if total <= 0:
            return None
        return max(round(total / (_PENNY * _ROUNDED)), 1) * _ROUNDED


def tone(counts: Mapping[str, int]) -> Tone:
    """What the mentions were like, by their flags."""
    against = counts.get("flags:criticism", 0) + counts.get("flags:complaint", 0)
    praise = counts.get("flags:praise", 0)
    return Tone(criticism=against, praise=praise, other=max(counts.get("mentions:yes", 0) - against - praise, 0))


def speeds(matters: Iterable[Incident], start: datetime, end: datetime) -> tuple[Speed, Speed]:
    """How fast the matters that somebody took in hand, and those that were closed, in that time were handled.

    A source that can be read again ends its matter by itself: that is no handling.
    """
    handled = [matter for matter in matters if "blind_spot" not in matter.concerns]
    taken = [_minutes(m, m.acknowledged_at) for m in handled if m.acknowledged_at and start <= m.acknowledged_at < end]
    closed = [_minutes(m, m.closed_at) for m in handled if m.closed_at and start <= m.closed_at < end]
    return _speed(taken), _speed(closed)


def _minutes(matter: Incident, until: datetime) -> int:
    since = matter.found_at or matter.opened_at
    return max(int((until - since).total_seconds() // 60), 0)


def _speed(minutes: Sequence[int]) -> Speed:
    return Speed(matters=len(minutes), half_within=int(median(minutes))) if minutes else Speed()
