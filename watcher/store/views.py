"""What pages, commands and mails show: incidents with all that stands behind them, and totals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, bindparam, func, not_, or_, select, tuple_

from alerts.flag import Flag
from alerts.incident import OPEN_STATES, Incident
from alerts.mention import Mention
from alerts.notice import Notice
from classifiers.verdict import Verdict
from connectors.post import Post
from watcher.store import schema as t
from watcher.store.engine import reading
from watcher.store.incidents import incident_of
from watcher.store.matters import verdicts_of
from watcher.store.notices import notice_of
from watcher.store.openings import closed
from watcher.store.posts import post_of
from watcher.synthetic import SCHOOL

# The daily test is a matter to nobody.
_REAL = t.incident.c.school != SCHOOL


@dataclass(frozen=True, kw_only=True)
class PostView:
    """A post version in an incident: what was said of it, what is flagged, and whether a newer version is known."""

    post: Post
    seen_at: datetime
    mention: Mention
    verdicts: tuple[Verdict, ...]
    flags: tuple[Flag, ...]
    withdrawn: tuple[tuple[Flag, str], ...]
    superseded: bool
    gone_at: datetime | None = None
    erased: str | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """One line of an incident's timeline."""

    at: datetime
    what: str
    detail: str
    by: str | None = None


@dataclass(frozen=True, kw_only=True)
class IncidentView:
    """An incident with its posts (newest first, at most as many as were asked for), its notices and its timeline."""

    incident: Incident
    account: str | None
    posts: tuple[PostView, ...]
    notices: tuple[Notice, ...]
    events: tuple[Event, ...]


@dataclass(frozen=True, kw_only=True)
class ShutLine:
    """A matter that is closed to whoever reads the list: its number, and the state of each of its notices."""

    reference: str
    notices: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class IncidentLine:
    """An incident as a list shows it; ``told`` is the role and the state of each of its notices."""

    reference: str
    school: str
    state: str
    concerns: tuple[str, ...]
    severity: int
    about: str | None
    account: str | None
    opened_at: datetime
    last_flag_at: datetime
    posts: int
    told: tuple[tuple[str, str], ...]


class ViewShelf:
    """Reads for people; writes nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def incidents(
        self,
        *,
        limit: int,
        before: tuple[datetime, str] | None = None,
        school: str | None = None,
        states: Iterable[str] | None = None,
        not_about: Iterable[str] = (),
        unclosed: datetime | None = None,
    ) -> tuple[Incident, ...]:
        """Incidents, newest first; ``before`` is the last flag's time and the reference of the last one seen.

        ``not_about`` and ``unclosed`` as in ``lines``.
        """
        query = select(t.incident).order_by(t.incident.c.last_flag_at.desc(), t.incident.c.reference.desc())
        query = query.where(_REAL, *_accusing_none(not_about), *_unclosed(unclosed))
        if before is not None:
            position = tuple_(t.incident.c.last_flag_at, t.incident.c.reference)
            query = query.where(position < tuple_(*(_bound(before))))
        if school is not None:
            query = query.where(t.incident.c.school == school)
        if states is not None:
            query = query.where(t.incident.c.state.in_(tuple(states)))
        with reading(self._engine) as connection:
            rows = connection.execute(query.limit(limit)).all()
            return tuple(incident_of(connection, row) for row in rows)

    def lines(
        self,
        *,
        limit: int,
        before: tuple[datetime, str] | None = None,
        school: str | None = None,
        states: Iterable[str] | None = None,
        not_about: Iterable[str] = (),
        unclosed: datetime | None = None,
    ) -> tuple[IncidentLine, ...]:
        """Incidents for a list, newest first, in two queries however many; see ``incidents`` for ``before``.

        ``not_about`` leaves out the incidents that accuse one of these roles, ``unclosed`` those that are closed to
        the IT provider at that time.
        """
        query = select(t.incident).order_by(t.incident.c.last_flag_at.desc(), t.incident.c.reference.desc())
        query = query.where(_REAL, *_accusing_none(not_about), *_unclosed(unclosed))
        if before is not None:
            query = query.where(tuple_(t.incident.c.last_flag_at, t.incident.c.reference) < tuple_(*(_bound(before))))
        if school is not None:
            query = query.where(t.incident.c.school == school)
        if states is not None:
            query = query.where(t.incident.c.state.in_(tuple(states)))
        with reading(self._engine) as connection:
            rows = connection.execute(query.limit(limit)).all()
            told = self._told(connection, [row.id for row in rows])
            return tuple(_line(row, told.get(row.id, ())) for row in rows)

    def _told(self, connection: Connection, incidents: list[int]) -> dict[int, tuple[tuple[str, str], ...]]:
        query = select(t.notice.c.incident, t.notice.c.role, t.notice.c.state)
        query = query.where(t.notice.c.incident.in_(incidents)).order_by(t.notice.c.created_at, t.notice.c.id)
        found: dict[int, tuple[tuple[str, str], ...]] = {}
        for row in connection.execute(query):
            found[row.incident] = (*found.get(row.incident, ()), (row.role, row.state))
        return found

    def tally(self, not_about: Iterable[str] = (), unclosed: datetime | None = None) -> dict[tuple[str, str], int]:
        """How many incidents there are by school and state; ``not_about`` and ``unclosed`` as in ``lines``."""
        query = select(t.incident.c.school, t.incident.c.state, func.count())
        query = query.where(_REAL, *_accusing_none(not_about), *_unclosed(unclosed))
        with reading(self._engine) as connection:
            rows = connection.execute(query.group_by(t.incident.c.school, t.incident.c.state))
            return {(row[0], row[1]): row[2] for row in rows}

    def shut(
        self, now: datetime, *, limit: int, not_about: Iterable[str] = (), after: str = ""
    ) -> tuple[ShutLine, ...]:
        """The matters that are closed to the IT provider, by their number, which is drawn by lot and tells nothing."""
        query = select(t.incident.c.id, t.incident.c.reference).where(_REAL, closed(now), *_accusing_none(not_about))
        query = query.where(t.incident.c.reference > after).order_by(t.incident.c.reference).limit(limit)
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
            told = self._told(connection, [row.id for row in rows]) if rows else {}
        return tuple(
            ShutLine(reference=row.reference, notices=tuple(state for _, state in told.get(row.id, ()))) for row in rows
        )

    def shut_count(self, now: datetime, not_about: Iterable[str] = ()) -> int:
        """How many matters are closed to the IT provider."""
        query = select(func.count()).select_from(t.incident).where(_REAL, closed(now), *_accusing_none(not_about))
        with reading(self._engine) as connection:
            return connection.scalar(query) or 0

    def authors(self, reference: str) -> tuple[tuple[str, str, str], ...]:
        """Who wrote an incident's posts (platform, origin, author's id), each once, the first to be flagged first."""
        query = (
            select(t.version.c.id, t.version.c.body)
            .join(t.mention, t.mention.c.version == t.version.c.id)
            .join(t.flag, t.flag.c.mention == t.mention.c.id)
            .join(t.incident, t.incident.c.id == t.flag.c.incident)
            .where(t.incident.c.reference == reference)
            .order_by(t.flag.c.id)
        )
        with reading(self._engine) as connection:
            bodies = {row.id: row.body for row in connection.execute(query)}
        found = ((b["platform"], b.get("origin") or "", b["author"]["id"]) for b in bodies.values() if b.get("author"))
        return tuple(dict.fromkeys(found))

    def incident(self, reference: str, posts: int = 200, skip: int = 0) -> IncidentView | None:
        """One incident with what stands behind it, or ``None`` where there is no such reference.

        Of its posts at most ``posts`` are read, the newest ``skip`` of them left out.
        """
        with reading(self._engine) as connection:
            row = connection.execute(select(t.incident).where(t.incident.c.reference == reference)).first()
            if row is None:
                return None
            return IncidentView(
                incident=incident_of(connection, row),
                account=row.account,
                posts=self._posts(connection, row.id, posts, skip),
                notices=self._notices(connection, row.id),
                events=self._events(connection, row.id),
            )

    def _posts(self, connection: Connection, incident: int, limit: int, skip: int) -> tuple[PostView, ...]:
        newest = func.max(t.flag.c.id)
        mentions = select(t.flag.c.mention).where(t.flag.c.incident == incident).group_by(t.flag.c.mention)
        numbers = connection.scalars(mentions.order_by(newest.desc()).limit(limit).offset(skip)).all()
        query = (
            select(t.mention, t.version.c.body, t.version.c.seen_at, t.version.c.post, t.post.c.official)
            .add_columns(t.post.c.gone_at, t.version.c.erased)
            .join(t.version, t.version.c.id == t.mention.c.version)
            .join(t.post, t.post.c.id == t.version.c.post)
            .where(t.mention.c.id.in_(numbers))
        )
        rows = {row.id: row for row in connection.execute(query)}
        return tuple(self._post(connection, rows[number], incident) for number in numbers if number in rows)

    def _post(self, connection: Connection, row: Row[Any], incident: int) -> PostView:
        query = select(t.flag.c.body, t.flag.c.withdrawn_why)
        mine = (t.flag.c.mention == row.id) & (t.flag.c.incident == incident)
        flags = connection.execute(query.where(mine).order_by(t.flag.c.id)).all()
        later = select(t.version.c.id).where(t.version.c.post == row.post, t.version.c.id > row.version)
        return PostView(
            post=post_of(row.body, official=row.official),
            seen_at=row.seen_at,
            mention=Mention(school=row.school, relevance=row.relevance, reason=row.reason),
            verdicts=verdicts_of(connection, row.version),
            flags=tuple(Flag(**f.body) for f in flags if f.withdrawn_why is None),
            withdrawn=tuple((Flag(**f.body), f.withdrawn_why) for f in flags if f.withdrawn_why is not None),
            superseded=connection.execute(later.limit(1)).first() is not None,
            gone_at=row.gone_at,
            erased=row.erased,
        )

    def _notices(self, connection: Connection, incident: int) -> tuple[Notice, ...]:
        query = select(t.notice).where(t.notice.c.incident == incident).order_by(t.notice.c.created_at)
        return tuple(notice_of(row) for row in connection.execute(query))

    def _events(self, connection: Connection, incident: int) -> tuple[Event, ...]:
        query = select(t.event).where(t.event.c.incident == incident).order_by(t.event.c.id)
        return tuple(Event(at=row.at, what=row.what, detail=row.detail, by=row.by) for row in connection.execute(query))

    def school_of(self, notice: str) -> str | None:
        """The school whose incident a notice tells of."""
        query = select(t.incident.c.school).join(t.notice, t.notice.c.incident == t.incident.c.id)
        with reading(self._engine) as connection:
            return connection.scalar(query.where(t.notice.c.id == notice))

    def untold(self, not_about: Iterable[str] = ()) -> tuple[str, ...]:
        """The open incidents of which nobody was ever told: there should be none; ``not_about`` as in ``lines``."""
        notices = select(t.notice.c.id).where(t.notice.c.incident == t.incident.c.id)
        unplanned = (t.incident.c.state.in_(OPEN_STATES), ~t.incident.c.plan_due, _REAL)
        query = select(t.incident.c.reference).where(*unplanned, *_accusing_none(not_about))
        with reading(self._engine) as connection:
            return tuple(connection.scalars(query.where(~notices.exists()).order_by(t.incident.c.id)))

    def open_count(self, not_about: Iterable[str] = ()) -> int:
        """How many incidents are open; ``not_about`` as in ``lines``."""
        with reading(self._engine) as connection:
            query = select(func.count()).select_from(t.incident).where(t.incident.c.state.in_(OPEN_STATES), _REAL)
            query = query.where(*_accusing_none(not_about))
            return connection.scalar(query) or 0

    def totals(self) -> dict[str, int]:
        """How many posts, versions, verdicts, mentions, flags, incidents and notices are stored."""
        with reading(self._engine) as connection:
            tables = (t.post, t.version, t.verdict, t.mention, t.flag, t.incident, t.notice)
            return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables}


def _accusing_none(roles: Iterable[str]) -> list[ColumnElement[bool]]:
    """The condition that an incident's accused, which may be several joined by commas, are none of these."""
    about = t.incident.c.about
    others = [~about.contains(role, autoescape=True) for role in roles]
    return [or_(about.is_(None), and_(*others))] if others else []


def _unclosed(at: datetime | None) -> list[ColumnElement[bool]]:
    """The condition that an incident is not closed to the IT provider at that time."""
    return [] if at is None else [not_(closed(at))]


def _line(row: Row[Any], told: tuple[tuple[str, str], ...]) -> IncidentLine:
    return IncidentLine(
        reference=row.reference,
        school=row.school,
        state=row.state,
        concerns=tuple(row.concerns),
        severity=row.severity,
        about=row.about,
        account=row.account,
        opened_at=row.opened_at,
        last_flag_at=row.last_flag_at,
        posts=row.posts,
        told=told,
    )


def _bound(before: tuple[datetime, str]) -> tuple[Any, Any]:
    at = bindparam("before_at", before[0], type_=t.UtcTime())
    return at, bindparam("before_reference", before[1])
