"""The outbox: finished messages, whether they were tried, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, select, update

from alerts.flag import GRAVE
from alerts.incident import OPEN_STATES
from alerts.notice import Notice, mail_of
from alerts.plan import Held, Planned
from alerts.receiver import Passed
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.event import note
from watcher.store.write import insert_once

# How long a try may hang before another may be made; longer than any channel's total time-out.
LEASE = timedelta(minutes=5)
BELIEVED = timedelta(days=1)


class NoticeShelf:
    """Keeps notices; it is the log that planning asks (``alerts.plan.NoticeLog``)."""

    def __init__(self, engine: Engine, days: int) -> None:
        self._engine = engine
        self._days = days

    def keep(
        self,
        incident: int,
        news: Sequence[str],
        notices: Sequence[Notice],
        now: datetime,
        held: Sequence[Held] = (),
        passed: Sequence[Passed] = (),
    ) -> None:
        """Write the notices of an incident and, unless there is more by now, that its news were dealt with.

        What is ``held`` back is written with its reason, and the incident is planned again when the first may go. Who
        was ``passed`` over stands in the timeline once, by role and with the reason.
        """
        with writing(self._engine) as connection:
            for told_not in dict.fromkeys(f"{one.role}: {one.why}" for one in passed if one.person is not None):
                self._pass(connection, incident, told_not, now)
            self._tell(connection, incident, notices, now)
            for one in held:
                self._hold(connection, incident, one, now)
            same = t.incident.c.id == incident
            more = len(connection.scalars(select(t.incident.c.news).where(same)).one()) > len(news)
            later = None if more else min((one.until for one in held), default=None)
            connection.execute(update(t.incident).where(same).values(plan_due=more or bool(held), plan_at=later))

    def follow(self, incident: int, notices: Sequence[Notice], what: str, chase_at: datetime, now: datetime) -> None:
        """Write one step of following an incident up, unless somebody has taken it meanwhile, and when the next is due.

        ``what`` names the step in the timeline.
        """
        with writing(self._engine) as connection:
            waits = (t.incident.c.id == incident) & (t.incident.c.state == "open") & (t.incident.c.chase_at <= now)
            values = {"chased": t.incident.c.chased + 1, "chase_at": chase_at}
            if connection.execute(update(t.incident).where(waits).values(**values)).rowcount:
                note(connection, incident, "followed_up", what, now, self._days)
                self._tell(connection, incident, notices, now)

    def tell_act(self, event: int, incident: int, notices: Sequence[Notice], now: datetime) -> None:
        """Write what the others hear of something that a person did, and that they were told of it."""
        with writing(self._engine) as connection:
            connection.execute(update(t.event).where(t.event.c.id == event).values(tell_due=False))
            self._tell(connection, incident, notices, now)

    def _tell(self, connection: Connection, incident: int, notices: Sequence[Notice], now: datetime) -> None:
        urgent = bool(notices) and _is_grave(connection, incident)
        for notice in notices:
            if self._insert(connection, incident, notice, now, urgent=urgent):
                note(connection, incident, "told", f"{notice.role} ({notice.reason})", now, self._days)

    def _pass(self, connection: Connection, incident: int, detail: str, now: datetime) -> None:
        said = (t.event.c.incident == incident) & (t.event.c.what == "passed_over") & (t.event.c.detail == detail)
        if connection.execute(select(t.event.c.id).where(said).limit(1)).first() is None:
            note(connection, incident, "passed_over", detail, now, self._days)

    def _hold(self, connection: Connection, incident: int, held: Held, now: datetime) -> None:
        receiver = held.intent.receiver
        row = {"incident": incident, "person": receiver.person, "role": receiver.role, "reason": held.reason}
        row |= {"sequence": held.intent.sequence, "until": held.until, "at": now}
        row |= {"delete_after": now + timedelta(days=self._days)}
        if insert_once(connection, t.untold, row) is not None:
            why = f"{receiver.role} ({held.reason} until {held.until:%Y-%m-%d %H:%M} UTC)"
            note(connection, incident, "held_back", why, now, self._days)

    def mails_since(self, receiver: str, since: datetime) -> int:
        """How many mails of ordinary matters were written for a person since then."""
        query = select(t.notice.c.id, t.notice.c.reason).where(t.notice.c.receiver == receiver)
        query = query.where(t.notice.c.created_at >= since, ~t.notice.c.urgent, t.notice.c.incident.is_not(None))
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
            return len({row.id.partition(">")[0] if row.reason == "summary" else row.id for row in rows})

    def released(self, now: datetime) -> dict[str, frozenset[int]]:
        """For each person whose summary is due the incidents that it tells of: all that the daily cap held back."""
        query = select(t.untold.c.person, t.untold.c.incident, t.untold.c.until)
        query = query.join(t.incident, t.incident.c.id == t.untold.c.incident)
        query = query.where(t.untold.c.reason == "capped", t.incident.c.plan_due, t.incident.c.state.in_(OPEN_STATES))
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        due = {row.person for row in rows if row.until <= now}
        return {person: frozenset(r.incident for r in rows if r.person == person) for person in due}

    def add(self, notice: Notice, now: datetime) -> bool:
        """Write a notice that belongs to no incident, once; whether it is new."""
        with writing(self._engine) as connection:
            return self._insert(connection, None, notice, now)

    def _insert(
        self, connection: Connection, incident: int | None, notice: Notice, now: datetime, *, urgent: bool = False
    ) -> bool:
        row: dict[str, Any] = {
            "id": notice.id,
            "incident": incident,
            "subject_of": notice.subject_of,
            "receiver": notice.receiver,
        }
        row |= {"address": notice.address, "role": notice.role, "reason": notice.reason, "state": "pending"}
        row |= {"sequence": notice.sequence, "message": notice.message, "created_at": now, "retry_at": now}
        row |= {"urgent": urgent, "attempts": 0, "delete_after": now + timedelta(days=self._days)}
        same = [t.notice.c[key] == row[key] for key in ("subject_of", "receiver", "reason", "sequence")]
        if connection.execute(select(t.notice.c.id).where(*same)).first() is not None:
            return False
        return insert_once(connection, t.notice, row) is not None

    def planned(self, incident: str) -> tuple[Planned, ...]:
        """All notices of the incident of that reference, pending, sent or failed."""
        return tuple(
            Planned(receiver=notice.receiver, reason=notice.reason, sequence=notice.sequence, at=notice.created_at)
            for notice in self.of(incident)
        )

    def of(self, subject: str) -> tuple[Notice, ...]:
        """What was planned so far about an incident or digest, oldest first."""
        with reading(self._engine) as connection:
            query = select(t.notice).where(t.notice.c.subject_of == subject).order_by(t.notice.c.created_at)
            return tuple(notice_of(row) for row in connection.execute(query))

    def take(self, now: datetime, limit: int) -> tuple[Notice, ...]:
        """The notices whose time has come, each marked as tried before it is; of those that share a mail one.

        Grave matters' come first, however many others wait.
        """
        with writing(self._engine) as connection:
            due = select(t.notice).where(t.notice.c.state == "pending", t.notice.c.retry_at <= now)
            order = (t.notice.c.urgent.desc(), t.notice.c.retry_at, t.notice.c.id)
            rows = connection.execute(due.order_by(*order).limit(limit)).all()
            mails = {mail_of(notice): notice for notice in map(notice_of, reversed(rows))}
            for notice in mails.values():
                tried = {"attempts": notice.attempts + 1, "retry_at": now + LEASE}
                connection.execute(update(t.notice).where(_same_mail(notice)).values(**tried))
            return tuple(reversed(mails.values()))

    def release(self, now: datetime) -> int:
        """Make every waiting notice due: called at the start, when no try can be under way; how many wait."""
        with writing(self._engine) as connection:
            waiting = t.notice.c.state == "pending"
            return connection.execute(update(t.notice).where(waiting).values(retry_at=now)).rowcount

    def sent(self, notice: Notice, now: datetime) -> None:
        """Mark a notice that the other side has taken."""
        self._end(notice, {"state": "sent", "sent_at": now, "last_error": None}, "sent", notice.role, now)

    def put_off(self, notice: Notice, why: str, retry_at: datetime) -> None:
        """Note that a try failed and when the next one is due."""
        with writing(self._engine) as connection:
            connection.execute(update(t.notice).where(_same_mail(notice)).values(last_error=why, retry_at=retry_at))

    def failed(self, notice: Notice, why: str, now: datetime) -> None:
        """Mark a notice that no further try would bring to its receiver; its incident is planned again."""
        self._end(notice, {"state": "failed", "last_error": why}, "undelivered", f"{notice.role}: {why}", now)
        with writing(self._engine) as connection:
            incidents = select(t.notice.c.incident).where(_same_mail(notice), t.notice.c.incident.is_not(None))
            connection.execute(update(t.incident).where(t.incident.c.id.in_(incidents)).values(plan_due=True))

    def _end(self, notice: Notice, values: dict[str, Any], what: str, detail: str, now: datetime) -> None:
        with writing(self._engine) as connection:
            same = _same_mail(notice)
            connection.execute(update(t.notice).where(same).values(**values))
            for incident in connection.scalars(select(t.notice.c.incident).where(same)).all():
                if incident is not None:
                    note(connection, incident, what, detail, now, self._days)

    def refused_addresses(self, now: datetime) -> frozenset[str]:
        """Addresses that a mail server refused within the last day and that nothing was delivered to since.

        A refusal is believed for a day only: a server's bad hour must not cost a school its safeguarding lead.
        """
        with reading(self._engine) as connection:
            query = select(t.notice.c.address, t.notice.c.state, func.max(t.notice.c.created_at).label("at"))
            lately = t.notice.c.created_at > now - BELIEVED
            query = query.where(t.notice.c.state.in_(("failed", "sent")), lately).group_by(
                t.notice.c.address, t.notice.c.state
            )
            newest: dict[str, tuple[datetime, str]] = {}
            for row in connection.execute(query):
                newest[row.address] = max(newest.get(row.address, (row.at, row.state)), (row.at, row.state))
            return frozenset(address for address, (_, state) in newest.items() if state == "failed")

    def pending(self) -> tuple[int, datetime | None]:
        """How many notices wait to be sent, and since when the oldest does."""
        with reading(self._engine) as connection:
            query = select(func.count(), func.min(t.notice.c.created_at)).where(t.notice.c.state == "pending")
            count, oldest = connection.execute(query).one()
            return count, oldest


def _is_grave(connection: Connection, incident: int) -> bool:
    concerns = connection.scalar(select(t.incident.c.concerns).where(t.incident.c.id == incident))
    return bool(set(concerns or ()) & set(GRAVE))


def _same_mail(notice: Notice) -> Any:
    """The rows of all notices that go out in one mail: for most it is one."""
    if notice.reason != "summary":
        return t.notice.c.id == notice.id
    return (t.notice.c.reason == "summary") & t.notice.c.id.startswith(mail_of(notice), autoescape=True)


def notice_of(row: Row[Any]) -> Notice:
    """The notice that a row holds."""
    return Notice(
        id=row.id,
        subject_of=row.subject_of,
        receiver=row.receiver,
        address=row.address,
        role=row.role,
        reason=row.reason,
        sequence=row.sequence,
        message=row.message,
        state=row.state,
        created_at=row.created_at,
        sent_at=row.sent_at,
        retry_at=row.retry_at,
        attempts=row.attempts,
        last_error=row.last_error,
    )
