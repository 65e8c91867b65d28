"""Planning: each incident's news become notices; what a new source's history holds is told in one mail a person.

What is not grave keeps a pace: see ``alerts.plan.Pace``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from alerts.notice import Notice
from alerts.plan import Held, Pace, held
from watcher.probe import Probe
from watcher.store import Store
from watcher.store.histories import Found
from watcher.store.incidents import Unplanned
from watcher.synthetic import SCHOOL
from watcher.telling import Prepared, Teller

log = structlog.get_logger(__name__)

# A grave matter waits for the rest of a long history no longer than this, so that it is still told within five minutes.
LONGEST = timedelta(minutes=4)
# One matter alone is told as any other.
_SEVERAL = 2


class Planner:
    """Writes notices into the outbox."""

    def __init__(
        self,
        store: Store,
        teller: Teller,
        probe: Probe | None = None,
        *,
        pace: Pace | None = None,
        oldest: timedelta = timedelta(days=14),
    ) -> None:
        """Put the parts together; ``probe`` writes the mail of the daily test, which is nobody's matter.

        Without a ``pace`` nothing is held back. What was said longer than ``oldest`` ago is history.
        """
        self._store, self._teller, self._probe = store, teller, probe
        self._pace, self._oldest = pace, oldest

    def plan(self, now: datetime, limit: int) -> int:
        """Write the notices that the incidents' news call for; how many incidents were planned."""
        found = self._store.histories.untold()
        told = self._tell_together([one.number for one in self._come(found, now)], now)
        first = {one.number for one in found}
        told += self._sum_up(first, now)
        waiting = self._store.incidents.unplanned(limit, leaving=first, now=now)
        return told + sum(self._plan_one(unplanned, now) for unplanned in waiting)

    def _sum_up(self, leaving: Iterable[int], now: datetime) -> int:
        """Tell in one mail a person of what the daily cap has held back; how many incidents were planned."""
        released = {} if self._pace is None else self._store.notices.released(now)
        numbers = set().union(*released.values()).difference(leaving) if released else set()
        return self._tell_together(sorted(numbers), now, only=released) if numbers else 0

    def _come(self, found: Sequence[Found], now: datetime) -> tuple[Found, ...]:
        """Those whose source has been read to its end, or all as soon as one has waited too long.

        What was said lately is no history: it may be happening now, and waits for nothing.
        """
        if any(now - one.found_at >= LONGEST or now < one.found_at for one in found):
            return tuple(found)
        read = {accounts: self._store.histories.is_read(accounts) for accounts in {one.accounts for one in found}}
        lately = now - self._oldest
        return tuple(one for one in found if one.said_at >= lately or read[one.accounts])

    def _tell_together(self, come: Sequence[int], now: datetime, only: dict[str, frozenset[int]] | None = None) -> int:
        """One mail a person for several incidents; by ``only`` to these persons, and of these incidents each."""
        ready: list[tuple[Unplanned, Prepared | None]] = []
        for unplanned in self._store.incidents.unplanned(len(come), only=come) if come else ():
            try:
                ready.append((unplanned, self._teller.prepare(unplanned, now)))
            except Exception:
                log.exception("incident_not_told", incident=unplanned.incident.reference)
        by_person: dict[str, list[Prepared]] = {}
        for unplanned, prepared in ready:
            if prepared is not None:
                for intent in prepared.intents:
                    if only is None or unplanned.number in only.get(intent.receiver.person, ()):
                        by_person.setdefault(intent.receiver.person, []).append(prepared)
        several = {person: of for person, of in by_person.items() if len(of) >= _SEVERAL}
        summaries: dict[str, dict[str, Notice]] = {}
        for person, of in several.items():
            try:
                notices = self._teller.summary(person, of, capped=only is not None)
                summaries[person] = {notice.subject_of: notice for notice in notices}
            except Exception:
                # Rather one mail for each matter than none for all.
                log.exception("summary_not_written", matters=len(of))
        free = frozenset(by_person)
        return sum(self._keep(unplanned, prepared, summaries, free, now) for unplanned, prepared in ready)

    def _keep(
        self,
        unplanned: Unplanned,
        prepared: Prepared | None,
        summaries: dict[str, dict[str, Notice]],
        free: frozenset[str],
        now: datetime,
    ) -> int:
        """Write what is due of one incident: its part of the summaries, and mails of its own to all others."""
        reference = unplanned.incident.reference
        shared = [notices[reference] for notices in summaries.values() if reference in notices]
        summed = {notice.receiver for notice in shared}
        try:
            goes, waits = (None, ()) if prepared is None else self._paced(prepared, free, now)
            own = () if goes is None else self._teller.written(goes, leaving=summed)
        except Exception:
            log.exception("incident_not_told", incident=reference)
            return 0
        waits = tuple(one for one in waits if one.intent.receiver.person not in summed)
        passed = () if prepared is None else prepared.passed
        self._store.notices.keep(unplanned.number, unplanned.incident.news, (*own, *shared), now, waits, passed)
        return 1

    def _paced(self, prepared: Prepared, free: frozenset[str], now: datetime) -> tuple[Prepared, tuple[Held, ...]]:
        """What goes out now, and what is held back; those who are ``free`` have waited long enough."""
        if self._pace is None:
            return prepared, ()
        incident, zone = prepared.view.incident, prepared.school.timezone
        midnight = datetime.combine(now.astimezone(ZoneInfo(zone)).date(), time(0), ZoneInfo(zone))
        waits: list[Held] = []
        for intent in prepared.intents:
            if intent.receiver.person in free:
                continue
            mails = self._store.notices.mails_since(intent.receiver.person, midnight)
            one = held(intent, incident, self._store.notices, mails, self._pace, zone, now)
            if one is not None:
                waits.append(one)
        late = {one.intent for one in waits}
        return replace(prepared, intents=tuple(i for i in prepared.intents if i not in late)), tuple(waits)

    def _plan_one(self, unplanned: Unplanned, now: datetime) -> int:
        if unplanned.incident.school == SCHOOL:
            return self._plan_test(unplanned, now)
        try:
            prepared = self._teller.prepare(unplanned, now)
        except Exception:
            # One matter that cannot be written must not keep all others from being told; it stays due and is
            # shown by `watcher status` as a matter of which nobody was told.
            log.exception("incident_not_told", incident=unplanned.incident.reference)
            return 0
        return self._keep(unplanned, prepared, {}, frozenset(), now)

    def _plan_test(self, unplanned: Unplanned, now: datetime) -> int:
        """The mail of the daily test, which is no matter."""
        try:
            notices = () if self._probe is None else self._probe.notices(unplanned, now)
        except Exception:
            log.exception("incident_not_told", incident=unplanned.incident.reference)
            return 0
        self._store.notices.keep(unplanned.number, unplanned.incident.news, notices, now)
        return 1
