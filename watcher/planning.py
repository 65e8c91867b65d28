"""Planning: each incident's news become notices; what a new source's history holds is told in one mail a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog

from alerts.notice import Notice
from watcher.probe import Probe
from watcher.store import Store
from watcher.store.histories import Found
from watcher.store.incidents import Unplanned
from watcher.synthetic import SCHOOL
from watcher.telling import Prepared, Teller

log = structlog.get_logger(__name__)

# A grave matter waits for the rest of a long history no longer than this.
LONGEST = timedelta(minutes=15)
# One matter alone is told as any other.
_SEVERAL = 2


class Planner:
    """Writes notices into the outbox."""

    def __init__(self, store: Store, teller: Teller, probe: Probe | None = None) -> None:
        """Put the parts together; ``probe`` writes the mail of the daily test, which is nobody's matter."""
        self._store, self._teller, self._probe = store, teller, probe

    def plan(self, now: datetime, limit: int) -> int:
        """Write the notices that the incidents' news call for; how many incidents were planned."""
        found = self._store.histories.untold()
        come = self._come(found, now)
        told = self._tell_together(come, now)
        first = {one.number for one in found}
        waiting = self._store.incidents.unplanned(limit, leaving=first)
        return told + sum(self._plan_one(unplanned, now) for unplanned in waiting)

    def _come(self, found: Sequence[Found], now: datetime) -> tuple[Found, ...]:
        """Those whose source has been read to its end, or all as soon as one has waited too long."""
        if any(now - one.found_at >= LONGEST or now < one.found_at for one in found):
            return tuple(found)
        read = {accounts: self._store.histories.is_read(accounts) for accounts in {one.accounts for one in found}}
        return tuple(one for one in found if read[one.accounts])

    def _tell_together(self, found: Sequence[Found], now: datetime) -> int:
        come = [one.number for one in found]
        ready: list[tuple[Unplanned, Prepared | None]] = []
        for unplanned in self._store.incidents.unplanned(len(come), only=come) if come else ():
            try:
                ready.append((unplanned, self._teller.prepare(unplanned, now)))
            except Exception:
                log.exception("incident_not_told", incident=unplanned.incident.reference)
        by_person: dict[str, list[Prepared]] = {}
        for _, prepared in ready:
            if prepared is not None:
                for intent in prepared.intents:
                    by_person.setdefault(intent.receiver.person, []).append(prepared)
        several = {person: of for person, of in by_person.items() if len(of) >= _SEVERAL}
        summaries: dict[str, dict[str, Notice]] = {}
        for person, of in several.items():
            try:
                summaries[person] = {notice.subject_of: notice for notice in self._teller.summary(person, of)}
            except Exception:
                # Rather one mail for each matter than none for all.
                log.exception("summary_not_written", matters=len(of))
        return sum(self._keep(unplanned, prepared, summaries, now) for unplanned, prepared in ready)

    def _keep(
        self, unplanned: Unplanned, prepared: Prepared | None, summaries: dict[str, dict[str, Notice]], now: datetime
    ) -> int:
        try:
            own = () if prepared is None else self._teller.written(prepared, leaving=summaries.keys())
        except Exception:
            log.exception("incident_not_told", incident=unplanned.incident.reference)
            return 0
        reference = unplanned.incident.reference
        shared = [notices[reference] for notices in summaries.values() if reference in notices]
        self._store.notices.keep(unplanned.number, unplanned.incident.news, (*own, *shared), now)
        return 1

    def _plan_one(self, unplanned: Unplanned, now: datetime) -> int:
        try:
            notices = self._notices(unplanned, now)
        except Exception:
            # One matter that cannot be written must not keep all others from being told; it stays due and is
            # shown by `watcher status` as a matter of which nobody was told.
            log.exception("incident_not_told", incident=unplanned.incident.reference)
            return 0
        self._store.notices.keep(unplanned.number, unplanned.incident.news, notices, now)
        return 1

    def _notices(self, unplanned: Unplanned, now: datetime) -> Sequence[Notice]:
        if unplanned.incident.school == SCHOOL:
            return () if self._probe is None else self._probe.notices(unplanned, now)
        return self._teller.notices(unplanned, now)
