"""The daily test: one synthetic post goes the whole way to a real mailbox; where it does not, nobody trusts silence."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from alerts.letter import Letter
from alerts.mention import Source
from alerts.notice import Notice, message_id, notice_id
from alerts.render import probe_mail
from alerts.route import Receiver
from alerts.school import School
from connectors.post import Author, Post
from watcher.config import Settings
from watcher.errors import MailboxError
from watcher.mailbox import has_arrived
from watcher.store import Store
from watcher.store.incidents import Unplanned
from watcher.store.probes import Way
from watcher.synthetic import ACCOUNT, PLATFORM, SCHOOL, TEXT

log = structlog.get_logger(__name__)

KEY = "probe"
# After a test that failed the next is not waited for until tomorrow.
_AGAIN = timedelta(hours=1)
SOURCE = Source(account=ACCOUNT, school=SCHOOL, read="comments", official=True)


class Probe:
    """Writes the test post each day, looks for it on its way, and notes when it has not come through by its time."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._table = store, settings.probe
        self._sender = settings.mail.sender

    @property
    def is_on(self) -> bool:
        """Whether the settings ask for a test."""
        return self._table.school is not None and self._table.address is not None

    def school(self) -> School | None:
        """The school by whose policy the test post is judged, under a name of its own that nobody is shown."""
        schools = self._store.register.all().schools
        found = next((school for school in schools if school.id == self._table.school), None)
        return None if found is None or not self.is_on else replace(found, id=SCHOOL, trust=None)

    def run(self, now: datetime) -> None:
        """Write the test post when its hour has come; before its time is up, see how far it has come."""
        found = self._store.recall(KEY)
        fact = found[0] if found is not None else {}
        if not self.is_on:
            if fact:
                self._store.remember(KEY, {}, now)
                self._store.probes.clear()
            return
        if not fact or _time(fact["written"]) < self._due(now) or _time(fact["written"]) > now:
            self._write(now)
        elif fact["sent"] is None:
            self._look(fact, now)

    def _due(self, now: datetime) -> datetime:
        """The newest moment at which a test was to be written."""
        school = self.school()
        local = now.astimezone(ZoneInfo(school.timezone if school else "Europe/London"))
        today = datetime.combine(local.date(), time(self._table.hour), tzinfo=local.tzinfo)
        return today if today <= local else today - timedelta(days=1)

    def _write(self, now: datetime) -> None:
        post = Post(
            platform=PLATFORM,
            origin="watcher",
            id=f"probe-{now:%Y%m%dT%H%M%S}",
            kind="comment",
            text=self._table.text or TEXT,
            author=Author(id="watcher", name="Watcher"),
            created_at=now,
            raw=b"{}",
        )
        self._store.probes.put(post, now)
        within = timedelta(minutes=self._table.within_m)
        fact = {
            "written": now.isoformat(),
            "due_by": (now + within).isoformat(),
            "next_by": (self._due(now) + timedelta(days=1) + within + _AGAIN).isoformat(),
            "sent": None,
            "why": None,
        }
        self._store.remember(KEY, fact, now)
        log.info("probe_written")

    def _look(self, fact: dict[str, Any], now: datetime) -> None:
        way = self._store.probes.way()
        lacks = way.lacks or self._not_there(way)
        if not lacks:
            self._store.probes.clear()
            self._store.remember(KEY, fact | {"sent": (way.sent_at or now).isoformat(), "why": None}, now)
            log.info("probe_arrived")
            return
        if now <= _time(fact["due_by"]):
            return
        if fact["why"] is not None and now >= _time(fact["due_by"]) + _AGAIN and not (way.waits or way.sent_at):
            self._write(now)
            fact = (self._store.recall(KEY) or (fact, now))[0]
        elif fact["why"] != lacks:
            log.error("probe_failed", why=lacks)
        self._store.remember(KEY, fact | {"why": lacks}, now)

    def _not_there(self, way: Way) -> str:
        """Why a mail that was sent has not arrived, where its mailbox can be asked; empty where all is well."""
        if self._table.imap is None or way.mail is None:
            return ""
        try:
            return (
                "" if has_arrived(self._table.imap, way.mail) else "the mail was sent and has not reached the mailbox"
            )
        except MailboxError as error:
            return f"the mail was sent, and the mailbox could not be asked: {error}"

    def notices(self, unplanned: Unplanned, now: datetime) -> tuple[Notice, ...]:
        """The test's own mail, to the operator and nobody else."""
        reference, school = unplanned.incident.reference, self.school()
        if school is None or self._store.notices.planned(reference):
            return ()
        receiver = Receiver(
            role="it_provider",
            person=ACCOUNT,
            name="Watcher’s operator",
            address=str(self._table.address),
            why="The settings name this address under [probe].",
        )
        own = message_id(notice_id(reference, ACCOUNT, "opened"), self._sender.partition("@")[2])
        letter = Letter(message_id=own, date=now.replace(microsecond=0), sender=self._sender)
        return (
            Notice(
                id=own,
                subject_of=reference,
                receiver=ACCOUNT,
                address=receiver.address,
                role=receiver.role,
                reason="opened",
                message=probe_mail(now, school.timezone, receiver, letter),
                created_at=now,
            ),
        )


def trouble(store: Store, now: datetime) -> str | None:
    """What is wrong with the daily test, or ``None`` where all is well or none is asked for."""
    found = store.recall(KEY)
    fact = found[0] if found is not None else {}
    if not fact:
        return None
    if fact["sent"] is None and (fact["why"] is not None or now > _time(fact["due_by"])):
        why = fact["why"] or "nobody has looked for it"
        return f"the daily test post of {_time(fact['written']):%d %B %H:%M} UTC did not come through: {why}"
    if now > _time(fact["next_by"]):
        return f"no daily test post was written since {_time(fact['written']):%d %B %H:%M} UTC"
    return None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
