"""Incidents, what joins them, and their timeline: what grouping and planning read and write."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, or_, select, update

from alerts.flag import GRAVE, Flag
from alerts.incident import OPEN_STATES, Incident, may_move
from connectors.post import Post
from watcher.errors import RefusedError
from watcher.freshness import PAID
from watcher.store import acts, lasting
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.event import note, note_once
from watcher.store.write import add, insert_once

# Other shelves find here how a line of a timeline is written.
__all__ = ["FAULT", "RECHECK", "IncidentShelf", "Ungrouped", "Unplanned", "incident_of", "note", "note_once"]

# What the key of a blind-spot incident begins with.
FAULT = "blind:"
RECHECK = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Ungrouped:
    """A flag without an incident, with its mention, its school and its post."""

    number: int
    mention: int
    school: str
    flag: Flag
    post: Post
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Unplanned:
    """An incident with news that somebody may have to be told; ``account`` names a source that is blind."""

    number: int
    incident: Incident
    account: str | None


class IncidentShelf:
    """Keeps incidents."""

    def __init__(self, engine: Engine, days: int) -> None:
        self._engine = engine
        self._days = days

    def ungrouped(self, limit: int) -> tuple[Ungrouped, ...]:
        """Flags that wait for an incident: those that no other may swallow first, then the oldest."""
        with reading(self._engine) as connection:
            query = _FLAGS.where(t.flag.c.grouped_at.is_(None), t.flag.c.withdrawn_at.is_(None))
            query = query.order_by(t.flag.c.concern.in_(GRAVE).desc(), t.flag.c.id).limit(limit)
            return tuple(map(_ungrouped_of, connection.execute(query)))

    def flags(self, number: int) -> tuple[Ungrouped, ...]:
        """The flags in an incident that still hold, the first to be found first."""
        with reading(self._engine) as connection:
            query = _FLAGS.where(t.flag.c.incident == number, t.flag.c.withdrawn_at.is_(None)).order_by(t.flag.c.id)
            return tuple(map(_ungrouped_of, connection.execute(query)))

    def get(self, reference: str) -> Unplanned | None:
        """The incident of that reference with its number."""
        with reading(self._engine) as connection:
            row = connection.execute(select(t.incident).where(t.incident.c.reference == reference)).first()
            return None if row is None else unplanned_of(connection, row)

    def open(self, school: str) -> dict[int, Incident]:
        """A school's open incidents, by number."""
        with reading(self._engine) as connection:
            query = select(t.incident).where(t.incident.c.school == school, t.incident.c.state.in_(OPEN_STATES))
            rows = connection.execute(query.where(t.incident.c.account.is_(None)).order_by(t.incident.c.id)).all()
            return {row.id: incident_of(connection, row) for row in rows}

    def start(self, connection: Connection, flag: Ungrouped, incident: Incident, now: datetime) -> int:
        """Write a new incident with its first flag; its number."""
        number = self._insert(connection, incident, None, now)
        self._join(connection, number, flag.number, now)
        self._keys(connection, number, incident.keys)
        note(connection, number, "opened", flag.flag.why, now, self._days)
        return number

    def join(
        self, connection: Connection, number: int, flag: Ungrouped, before: Incident, after: Incident, now: datetime
    ) -> None:
        """Write that a flag joined an incident, with what the incident has become."""
        values = _values(after) | {"delete_after": now + timedelta(days=self._days)}
        if after.news != before.news:
            # News is looked at at once, whatever has been put off: what may wait is decided anew.
            values |= {"plan_due": True, "plan_at": None}
            note(connection, number, after.news[-1], flag.flag.why, now, self._days)
        connection.execute(update(t.incident).where(t.incident.c.id == number).values(**values))
        self._join(connection, number, flag.number, now)
        self._keys(connection, number, after.keys, before.keys)

    def take(self, connection: Connection, number: int, flags: Sequence[int], now: datetime) -> None:
        """Make flags part of an incident by a person's word."""
        for flag in flags:
            self._join(connection, number, flag, now)

    def put(self, connection: Connection, number: int, before: Incident, after: Incident, now: datetime) -> None:
        """Write what an incident has become."""
        values = _values(after) | {"opened_at": after.opened_at, "delete_after": now + timedelta(days=self._days)}
        connection.execute(update(t.incident).where(t.incident.c.id == number).values(**values))
        self._keys(connection, number, after.keys, before.keys)

    def line(self, connection: Connection, number: int, what: str, detail: str, now: datetime, by: str) -> None:
        """Write into the timeline what a person ruled."""
        note(connection, number, what, detail, now, self._days, by=by)

    def end(self, connection: Connection, number: int, now: datetime) -> None:
        """Close an incident that is part of another now."""
        acts.move(connection, number, "resolved", now)

    def holds_post(self, connection: Connection, number: int, flag: Ungrouped) -> bool:
        """Whether another flag on the same post is in the incident already."""
        post = select(t.version.c.post).join(t.mention, t.mention.c.version == t.version.c.id)
        query = (
            select(t.flag.c.id)
            .join(t.mention, t.mention.c.id == t.flag.c.mention)
            .join(t.version, t.version.c.id == t.mention.c.version)
            .where(t.flag.c.incident == number)
            .where(t.version.c.post == post.where(t.mention.c.id == flag.mention).scalar_subquery())
        )
        return connection.execute(query.limit(1)).first() is not None

    def leave(self, connection: Connection, flag: Ungrouped, now: datetime) -> None:
        """Mark a flag that no person is to be told of at once: it goes into the digest alone."""
        connection.execute(update(t.flag).where(t.flag.c.id == flag.number).values(grouped_at=now))

    def _insert(self, connection: Connection, incident: Incident, account: str | None, now: datetime) -> int:
        row = _values(incident) | {"reference": incident.reference, "school": incident.school, "account": account}
        row |= {
            "recipients": list(incident.recipients),
            "about": incident.about,
            "accused": list(incident.accused),
            "opened_at": incident.opened_at,
            "found_at": incident.found_at,
        }
        row |= {"plan_due": True, "delete_after": now + timedelta(days=self._days)}
        number = connection.execute(t.incident.insert().values(**row)).inserted_primary_key
        assert number is not None  # noqa: S101 - both databases give the key of a row just inserted
        return int(number[0])

    def _join(self, connection: Connection, number: int, flag: int, now: datetime) -> None:
        connection.execute(update(t.flag).where(t.flag.c.id == flag).values(incident=number, grouped_at=now))
        self._keep_as_long(connection, number, flag)
        mention = select(t.flag.c.mention).where(t.flag.c.id == flag)
        version = select(t.mention.c.version).where(t.mention.c.id.in_(mention))
        post = select(t.version.c.post).where(t.version.c.id.in_(version))
        # What somebody is told of is looked at again soon, however old it is; but not where each asking is paid.
        soon = now + RECHECK
        later = t.post.c.id.in_(post) & (t.post.c.recheck_at > soon) & t.post.c.platform.not_in(PAID)
        connection.execute(update(t.post).where(later).values(recheck_at=soon))

    def _keep_as_long(self, connection: Connection, number: int, flag: int) -> None:
        """What an incident rests on is kept as long as the incident."""
        gone = connection.scalar(select(t.incident.c.delete_after).where(t.incident.c.id == number))
        if gone is not None:
            lasting.lengthen(connection, lasting.of_flag(flag), gone)

    def _keys(self, connection: Connection, number: int, keys: Sequence[str], old: Sequence[str] = ()) -> None:
        for key in set(keys) - set(old):
            insert_once(connection, t.fingerprint, {"key": key, "incident": number})
        gone = set(old) - set(keys)
        if gone:
            lost = (t.fingerprint.c.incident == number) & t.fingerprint.c.key.in_(gone)
            connection.execute(delete(t.fingerprint).where(lost))

    def unplanned(
        self,
        limit: int,
        leaving: Collection[int] = (),
        only: Collection[int] | None = None,
        now: datetime | None = None,
    ) -> tuple[Unplanned, ...]:
        """Incidents with news, the gravest first, but for some, or of some only; by ``now`` those not put off."""
        with reading(self._engine) as connection:
            query = select(t.incident).where(t.incident.c.plan_due, t.incident.c.state.in_(OPEN_STATES))
            query = query.where(t.incident.c.id.not_in(leaving))
            if now is not None:
                query = query.where(or_(t.incident.c.plan_at.is_(None), t.incident.c.plan_at <= now))
            if only is not None:
                query = query.where(t.incident.c.id.in_(only))
            rows = connection.execute(query.order_by(t.incident.c.severity.desc(), t.incident.c.id).limit(limit))
            return tuple(unplanned_of(connection, row) for row in rows.all())

    def faults(self) -> frozenset[str]:
        """The sources (or whatever else has failed) whose blind-spot incident is open."""
        with reading(self._engine) as connection:
            keys = connection.scalars(select(t.fingerprint.c.key).where(t.fingerprint.c.key.startswith(FAULT)))
            return frozenset(key.removeprefix(FAULT) for key in keys)

    def fault_schools(self) -> dict[str, str]:
        """The school for which each open blind-spot incident stands, by what is blind (the keys of ``faults``)."""
        with reading(self._engine) as connection:
            query = select(t.fingerprint.c.key, t.incident.c.school).where(t.fingerprint.c.key.startswith(FAULT))
            rows = connection.execute(query.join(t.incident, t.incident.c.id == t.fingerprint.c.incident))
            return {row.key.removeprefix(FAULT): row.school for row in rows}

    def start_fault(
        self, account: str, make: Callable[[], Incident], why: str, now: datetime, *, named: str | None = None
    ) -> bool:
        """Open the blind-spot incident of an account unless it is open; whether it was opened.

        ``named`` is its name among the faults where an account has several, for those who look after other schools.
        """
        with writing(self._engine) as connection:
            key = f"{FAULT}{named or account}"
            if connection.scalar(select(t.fingerprint.c.incident).where(t.fingerprint.c.key == key)) is not None:
                return False
            number = self._insert(connection, make(), account, now)
            self._keys(connection, number, [key])
            note(connection, number, "opened", why, now, self._days)
            return True

    def change_fault(self, account: str, why: str, do: Collection[str], now: datetime) -> bool:
        """Note in the open incident of an account another reason, unless it says already one of what there is ``do``.

        Whether it was noted.
        """
        with writing(self._engine) as connection:
            key = t.fingerprint.c.key == f"{FAULT}{account}"
            number = connection.scalar(select(t.fingerprint.c.incident).where(key))
            said = select(t.event.c.detail).where(t.event.c.incident == number)
            said = said.where(t.event.c.what.in_(("opened", "new_reason"))).order_by(t.event.c.id.desc()).limit(1)
            if number is None or (connection.scalar(said) or "").endswith(tuple(do)):
                return False
            note(connection, number, "new_reason", why, now, self._days)
            return True

    def end_fault(self, account: str, now: datetime, why: str = "the source can be read again") -> None:
        """Resolve the blind-spot incident of an account that can be read again."""
        with writing(self._engine) as connection:
            key = t.fingerprint.c.key == f"{FAULT}{account}"
            number = connection.scalar(select(t.fingerprint.c.incident).where(key))
            if number is not None:
                self._set_state(connection, number, "resolved", why, now)

    def set_state(self, reference: str, state: str, why: str, now: datetime, by: str | None = None) -> bool:
        """Move an incident to a state; whether there is such an incident.

        Raises:
            RefusedError: there is no way from where it is to that state, or it would be dismissed without a reason.
        """
        with writing(self._engine) as connection:
            query = select(t.incident.c.id, t.incident.c.state).where(t.incident.c.reference == reference)
            row = connection.execute(query).first()
            if row is None:
                return False
            if not may_move(row.state, state):
                raise RefusedError(f"{reference} is {row.state}; set it to open before it can be {state}")
            if state == "dismissed" and not why.strip():
                raise RefusedError(f"{reference} is dismissed only with a reason")
            self._set_state(connection, row.id, state, why, now, by)
            return True

    def _set_state(
        self, connection: Connection, number: int, state: str, why: str, now: datetime, by: str | None = None
    ) -> None:
        acts.move(connection, number, state, now)
        note_once(connection, number, state, why, now, self._days, by=by)

    def act(self, reference: str, what: str, by: str, to: str | None, why: str, now: datetime) -> Incident:
        """Write what a person did about an incident: ``what`` is one of ``watcher.store.acts.ACTS``.

        ``by`` and ``to`` are ids of persons; who may do it is the caller's to ask, but no accused ever may.

        Raises:
            RefusedError: there is no such incident, it is closed, or it cannot be done now.
        """
        with writing(self._engine) as connection:
            row = connection.execute(select(t.incident).where(t.incident.c.reference == reference)).first()
            if row is None:
                raise RefusedError(f"there is no incident {reference}")
            if acts.do(connection, row, what, by, to, now):
                tells = what in acts.TOLD
                note(connection, row.id, what, why, now, self._days, by=by, passed_to=to, tell_due=tells)
            again = connection.execute(select(t.incident).where(t.incident.c.id == row.id)).one()
            return incident_of(connection, again)

    def heard(self, connection: Connection, number: int, who: str) -> tuple[int, int]:
        """Note that an author (a digest) was heard: how many were by now, and how often this one was again."""
        add(connection, t.voice, {"incident": number, "key": who}, "posts", 1)
        posts = select(t.voice.c.posts).where(t.voice.c.incident == number)
        mine = connection.scalar(posts.where(t.voice.c.key == who)) or 1
        voices = connection.scalar(select(func.count()).select_from(t.voice).where(t.voice.c.incident == number))
        return voices or 1, mine - 1

    def note(self, reference: str, what: str, detail: str, now: datetime) -> None:
        """Write a line into an incident's timeline, unless the newest one says the same."""
        with writing(self._engine) as connection:
            number = connection.scalar(select(t.incident.c.id).where(t.incident.c.reference == reference))
            if number is not None:
                note_once(connection, number, what, detail, now, self._days)

    def tell_again(self, number: int) -> None:
        """Have an incident planned again, because whom to tell has changed."""
        with writing(self._engine) as connection:
            connection.execute(update(t.incident).where(t.incident.c.id == number).values(plan_due=True))


_FLAGS = (
    select(t.flag.c.id, t.flag.c.mention, t.flag.c.body, t.flag.c.at, t.mention.c.school)
    .add_columns(t.version.c.body.label("post"))
    .join(t.mention, t.mention.c.id == t.flag.c.mention)
    .join(t.version, t.version.c.id == t.mention.c.version)
)


def _ungrouped_of(row: Row[Any]) -> Ungrouped:
    """The flag that a row of ``_FLAGS`` holds."""
    post = Post.from_dict(row.post)
    return Ungrouped(number=row.id, mention=row.mention, school=row.school, flag=Flag(**row.body), post=post, at=row.at)


def _values(incident: Incident) -> dict[str, Any]:
    """What may change while an incident is open."""
    return {
        "state": incident.state,
        "concerns": list(incident.concerns),
        "severity": incident.severity,
        "targets": list(incident.targets),
        "last_flag_at": incident.last_flag_at,
        "posts": incident.posts,
        "news": list(incident.news),
        "harm": incident.harm,
        "voices": incident.voices,
        "repeats": incident.repeats,
        "act_by": incident.act_by,
        "chase_at": incident.chase_at,
        "chased": incident.chased,
        "acknowledged_at": incident.acknowledged_at,
        "held_by": incident.held_by,
    }


def unplanned_of(connection: Connection, row: Row[Any]) -> Unplanned:
    """The incident with news that a row holds."""
    return Unplanned(number=row.id, incident=incident_of(connection, row), account=row.account)


def incident_of(connection: Connection, row: Row[Any]) -> Incident:
    """The incident that a row and its fingerprints hold."""
    keys = connection.scalars(select(t.fingerprint.c.key).where(t.fingerprint.c.incident == row.id)).all()
    return Incident(
        reference=row.reference,
        school=row.school,
        state=row.state,
        concerns=tuple(row.concerns),
        severity=row.severity,
        recipients=tuple(row.recipients),
        about=row.about,
        accused=tuple(row.accused),
        targets=tuple(row.targets),
        keys=tuple(keys),
        opened_at=row.opened_at,
        last_flag_at=row.last_flag_at,
        posts=row.posts,
        news=tuple(row.news),
        harm=row.harm,
        voices=row.voices,
        repeats=row.repeats,
        found_at=row.found_at,
        act_by=row.act_by,
        chase_at=row.chase_at,
        chased=row.chased,
        acknowledged_at=row.acknowledged_at,
        closed_at=row.closed_at,
        held_by=row.held_by,
    )
