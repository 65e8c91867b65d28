"""Tells those whom a policy names ahead when it is due for review, and once when it is overdue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

import structlog

from alerts.errors import AlertError
from alerts.notice import Notice
from alerts.policy import Pack
from alerts.receiver import receivers
from alerts.render import review_mail
from alerts.route import Receiver, Route
from alerts.school import School
from watcher.config import Settings
from watcher.letterhead import Letterhead
from watcher.serving import reachable
from watcher.store import Store

log = structlog.get_logger(__name__)

REASON = "review_due"
# So many days ahead it is said, each once.
AHEAD = (60, 14)
OVERDUE = -1


def due(review_on: date, today: date) -> int | None:
    """The step at which a review stands: so many days ahead at most, ``OVERDUE`` once the day is past, or ``None``."""
    left = (review_on - today).days
    return OVERDUE if left < 0 else min((days for days in AHEAD if left <= days), default=None)


class Reviews:
    """Writes what is due into the outbox, once a step, whoever is told for however many schools."""

    def __init__(self, settings: Settings, store: Store, pack_of: Callable[[str], Pack]) -> None:
        self._store, self._pack_of = store, pack_of
        self._head = Letterhead(settings)

    def remind(self, now: datetime) -> int:
        """Write what is due; how many notices were new."""
        schools = self._store.register.all().schools
        return sum(self._of(name, schools, now) for name in sorted({school.pack for school in schools}))

    def _of(self, name: str, schools: tuple[School, ...], now: datetime) -> int:
        pack = self._pack_of(name)
        step = None if pack.review_on is None else due(pack.review_on, now.date())
        if pack.review_on is None or step is None:
            return 0
        said = f"{pack.review_on.isoformat()} {step}"
        if self._store.packs.reminded(name) == said:
            return 0
        told: dict[str, Receiver] = {}
        for school in schools:
            if school.pack == name:
                for receiver in self._receivers(pack, school, now):
                    told.setdefault(receiver.address.casefold(), receiver)
        new = sum(self._write(pack, one, pack.review_on, step, now) for one in told.values())
        # After the notices: a crash in between repeats them, and each has a place of its own only once.
        self._store.packs.remind(name, pack.version, pack.digest, said, now)
        return new

    def _receivers(self, pack: Pack, school: School, now: datetime) -> tuple[Receiver, ...]:
        route = Route(concern="policy_question", recipients=pack.review_told, within_minutes=7 * 24 * 60, fallback=True)
        return receivers(
            route,
            school,
            reachable(self._store, now),
            now,
            last_resort=self._head.last_resort,
            document=pack.document,
        )

    def _write(self, pack: Pack, receiver: Receiver, due_on: date, step: int, now: datetime) -> bool:
        subject = f"policy:{pack.name}/{due_on.isoformat()}"
        # A step has a place of its own among the notices to one person; OVERDUE comes after the steps ahead.
        letter = self._head.letter(subject, receiver, REASON, step + 1, now)
        try:
            message = review_mail(pack.title, pack.version, pack.review, due_on, now.date(), receiver, letter)
        except AlertError as error:
            log.error("review_not_written", pack=pack.name, error=type(error).__name__)
            return False
        notice = Notice(
            id=letter.message_id,
            subject_of=subject,
            receiver=receiver.person,
            address=receiver.address,
            role=receiver.role,
            reason=REASON,
            sequence=step + 1,
            message=message,
            created_at=now,
        )
        return self._store.notices.add(notice, now)
