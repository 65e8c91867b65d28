"""What waits to be followed up: promises to make, matters that nobody has answered, acts that others must hear of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select, update

from alerts.incident import OPEN_STATES
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.incidents import Unplanned, unplanned_of
from watcher.synthetic import SCHOOL

_WAITS = (t.incident.c.state == "open") & (t.incident.c.school != SCHOOL)


@dataclass(frozen=True, kw_only=True)
class Act:
    """Something that a person did about an incident, of which the others have not heard yet."""

    number: int
    what: str
    by: str
    to: str | None
    of: Unplanned


class ChaseShelf:
    """Looks for what is to be followed up, and writes when it next is."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def unpromised(self, limit: int) -> tuple[Unplanned, ...]:
        """Matters that nobody has in hand and of which it is not said yet when they are followed up."""
        with reading(self._engine) as connection:
            query = select(t.incident).where(_WAITS, t.incident.c.chase_at.is_(None)).order_by(t.incident.c.id)
            return tuple(unplanned_of(connection, row) for row in connection.execute(query.limit(limit)).all())

    def promise(self, number: int, act_by: datetime, chase_at: datetime) -> None:
        """Write by when somebody must have acted, unless that is known, and when it is next followed up."""
        with writing(self._engine) as connection:
            same = t.incident.c.id == number
            connection.execute(update(t.incident).where(same, t.incident.c.act_by.is_(None)).values(act_by=act_by))
            still = same & (t.incident.c.state == "open") & t.incident.c.chase_at.is_(None)
            connection.execute(update(t.incident).where(still).values(chase_at=chase_at))

    def due(self, now: datetime, limit: int) -> tuple[Unplanned, ...]:
        """Matters whose time has come, the gravest first."""
        with reading(self._engine) as connection:
            query = select(t.incident).where(_WAITS, t.incident.c.chase_at <= now)
            query = query.order_by(t.incident.c.severity.desc(), t.incident.c.chase_at).limit(limit)
            return tuple(unplanned_of(connection, row) for row in connection.execute(query).all())

    def put_off(self, number: int, until: datetime) -> None:
        """Follow an incident up later."""
        with writing(self._engine) as connection:
            waits = (t.incident.c.id == number) & t.incident.c.chase_at.is_not(None)
            connection.execute(update(t.incident).where(waits).values(chase_at=until))

    def acts(self, limit: int) -> tuple[Act, ...]:
        """What persons did of which the others must hear, the oldest first; what has ended meanwhile needs no word."""
        with reading(self._engine) as connection:
            query = select(t.event).where(t.event.c.tell_due).order_by(t.event.c.id).limit(limit)
            found = []
            for row in connection.execute(query).all():
                of = connection.execute(select(t.incident).where(t.incident.c.id == row.incident)).one()
                unplanned = unplanned_of(connection, of)
                found.append(Act(number=row.id, what=row.what, by=row.by, to=row.passed_to, of=unplanned))
            return tuple(found)

    def overdue(self, now: datetime) -> tuple[str, ...]:
        """The references of matters that nobody has answered by the time that the policy gives."""
        late = (t.incident.c.act_by < now) & t.incident.c.acknowledged_at.is_(None)
        query = select(t.incident.c.reference).where(t.incident.c.state.in_(OPEN_STATES), late)
        with reading(self._engine) as connection:
            return tuple(connection.scalars(query.order_by(t.incident.c.act_by)))
