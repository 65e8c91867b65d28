"""Tells the IT provider ahead when a permission to read ends that only a person can give anew."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from alerts.errors import AlertError
from alerts.letter import Letter
from alerts.notice import Notice
from alerts.reminder import Reminder
from alerts.render import reminder_mail
from alerts.route import Receiver
from alerts.school import School
from alerts.wording import listed
from connectors.grant import PASTED
from watcher.config import AccountRow, Settings
from watcher.permission import command
from watcher.serving import served
from watcher.store import Store
from watcher.store.tokens import Token
from watcher.telling import Teller
from watcher.terms import base_of
from watcher.token import final_end, reminder_due, renews

log = structlog.get_logger(__name__)

REASON = "token_ends"
# So many schools are named in a reminder; of more, the rest are counted.
_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class _Told:
    """One who is told, with the outside of the mail, and for which of the schools."""

    receiver: Receiver
    letter: Letter
    schools: tuple[School, ...]


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
        schools = self._schools(row)
        if not schools:
            log.error("reminder_without_school", account=token.account)
            return 0
        shown = _reminder(token, row, ends, now)
        told, whole = self._told(token, _subject(token, ends), schools, days, now)
        new = 0
        for one in told:
            try:
                new += self._write(shown, one, _subject(token, ends), days, now)
            except AlertError as error:
                whole = False
                log.error("reminder_not_written", account=token.account, error=type(error).__name__)
        if whole:
            # After the notices: a crash in between repeats them, and each has a place of its own only once.
            self._store.tokens.reminded(token, days)
        return new

    def _told(
        self, token: Token, subject: str, schools: Sequence[School], days: int, now: datetime
    ) -> tuple[tuple[_Told, ...], bool]:
        """Those who look after Watcher at any of the schools, each address once, and whether all could be found."""
        found: dict[str, _Told] = {}
        whole = True
        for school in schools:
            try:
                those = tuple(self._teller.to_provider(school, subject, REASON, days, now))
            except AlertError as error:
                # One school's broken pack keeps nobody else from being told.
                whole = False
                log.error("reminder_not_written", account=token.account, error=type(error).__name__)
                continue
            for receiver, letter in those:
                before = found.get(receiver.address.casefold())
                one = before or _Told(receiver=receiver, letter=letter, schools=())
                found[receiver.address.casefold()] = replace(one, schools=(*one.schools, school))
        return tuple(found.values()), whole

    def _write(self, shown: Reminder, told: _Told, subject: str, days: int, now: datetime) -> bool:
        shown = replace(shown, school=_names(told.schools), timezone=told.schools[0].timezone)
        notice = Notice(
            id=told.letter.message_id,
            subject_of=subject,
            receiver=told.receiver.person,
            address=told.receiver.address,
            role=told.receiver.role,
            reason=REASON,
            sequence=days,
            message=reminder_mail(shown, told.receiver, told.letter),
            created_at=now,
        )
        return self._store.notices.add(notice, now)

    def _schools(self, row: AccountRow) -> tuple[School, ...]:
        """The schools that go unseen without this permission: however many queries the account is read as, of all."""
        schools = self._store.register.all().schools
        states = [state for state in self._store.accounts.all() if base_of(state.account.name) == row.name]
        wanted = {school.id for state in states for school in served(state, schools)}
        if not states:
            # Not read at present, or not yet: as the settings have it.
            wanted = {row.school} if row.school is not None else set(row.schools)
        # What names no school that is still watched has to be somebody's to mend all the same.
        return tuple(school for school in schools if school.id in wanted) or schools


def _subject(token: Token, ends: datetime) -> str:
    named = hashlib.sha256(token.account.encode("utf-8", "replace")).hexdigest()[:16]
    return f"token:{named}/{ends.date().isoformat()}"


def _names(schools: Sequence[School]) -> str:
    """The schools of one who is told, in a few words."""
    more = len(schools) - _NAMED
    names = [school.name for school in schools[:_NAMED]]
    return listed([*names, f"{more} more"] if more > 0 else names)


def _reminder(token: Token, row: AccountRow, ends: datetime, now: datetime) -> Reminder:
    """What is the same for everybody who is told; the schools are named to each by themselves."""
    link = row.platform not in PASTED
    made = Reminder(
        account=row.name,
        platform=row.platform,
        school="",
        owner=token.owner,
        granted_at=token.made_at,
        ends=ends,
        days=max((ends - now).days, 0),
        command=command(row.platform, row.name),
        steps=(),
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
