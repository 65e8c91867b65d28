"""Tells the IT provider ahead when a permission to read ends that only a person can give anew."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import replace
from datetime import datetime

import structlog

from alerts.errors import AlertError
from alerts.notice import Notice
from alerts.reminder import Reminder
from alerts.render import reminder_mail
from alerts.school import School
from connectors.grant import PASTED
from watcher.config import AccountRow, Settings
from watcher.store import Store
from watcher.store.tokens import Token
from watcher.telling import Teller
from watcher.token import final_end, reminder_due, renews

log = structlog.get_logger(__name__)

REASON = "token_ends"


class Reminders:
    """Writes the reminders that are due, each once, into the outbox."""

    def __init__(self, settings: Settings, store: Store, teller: Teller) -> None:
        self._store, self._teller = store, teller
        self._rows = {row.name: row for row in settings.accounts}

    def remind(self, now: datetime) -> int:
        """Write what is due; how many notices were new."""
        return sum(self._of(token, now) for token in self._store.tokens.all())

    def _of(self, token: Token, now: datetime) -> int:
        row, ends = self._rows.get(token.account), final_end(token)
        days = reminder_due(token, row is not None and renews(row, token), now)
        if row is None or ends is None or days is None:
            return 0
        school = self._school(row)
        if school is None:
            log.error("reminder_without_school", account=token.account)
            return 0
        try:
            new = self._write(token, row, school, ends, days, now)
        except AlertError as error:
            log.error("reminder_not_written", account=token.account, error=type(error).__name__)
            return 0
        # After the notices: a crash in between repeats them, and each has a place of its own only once.
        self._store.tokens.reminded(token, days)
        return new

    def _write(self, token: Token, row: AccountRow, school: School, ends: datetime, days: int, now: datetime) -> int:
        shown = _reminder(token, row, school, ends, now)
        named = hashlib.sha256(token.account.encode("utf-8", "replace")).hexdigest()[:16]
        subject = f"token:{named}/{ends.date().isoformat()}"
        new = 0
        for receiver, letter in self._teller.to_provider(school, subject, REASON, days, now):
            notice = Notice(
                id=letter.message_id,
                subject_of=subject,
                receiver=receiver.person,
                address=receiver.address,
                role=receiver.role,
                reason=REASON,
                sequence=days,
                message=reminder_mail(shown, receiver, letter),
                created_at=now,
            )
            new += self._store.notices.add(notice, now)
        return new

    def _school(self, row: AccountRow) -> School | None:
        schools = self._store.register.all().schools
        # A search shared by many schools still has to be somebody's to mend.
        return next((s for s in schools if s.id == row.school), next(iter(schools), None))


def _reminder(token: Token, row: AccountRow, school: School, ends: datetime, now: datetime) -> Reminder:
    link = row.platform not in PASTED
    command = f"watcher connect {shlex.quote(row.name)}" + (" --link" if link else "")
    made = Reminder(
        account=row.name,
        platform=row.platform,
        school=school.name,
        owner=token.owner,
        granted_at=token.made_at,
        ends=ends,
        days=max((ends - now).days, 0),
        command=command,
        steps=(),
        timezone=school.timezone,
    )
    return replace(made, steps=_by_link(token) if link else _by_pasting(row))


def _by_link(token: Token) -> tuple[str, ...]:
    return (
        "Make a link with the command below, on the machine where Watcher runs.",
        f"Send it to {token.owner}, or to whoever manages the account now. They open it on their own machine, log in "
        "on the platform themselves, and agree. Nobody gives a password to anybody.",
        "See with “watcher tokens” that the new end is there. Until it is, the old permission goes on being used.",
    )


def _by_pasting(row: AccountRow) -> tuple[str, ...]:
    return (
        f"Have a new one made: {PASTED[row.platform]}.",
        "Run the command below on the machine where Watcher runs, and paste it; it is not shown.",
        "See with “watcher tokens” that the new one is there.",
    )
