"""What first readings of sources brought: matters of which nobody was told, and whether all of it has been read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, or_, select

from alerts.flag import GRAVE
from alerts.incident import OPEN_STATES
from watcher.store import schema as t
from watcher.store.engine import reading
from watcher.store.incidents import Unplanned, unplanned_of


@dataclass(frozen=True, kw_only=True)
class Found:
    """A grave incident that only first readings brought, by these accounts, and since when it is known."""

    unplanned: Unplanned
    accounts: frozenset[str]
    found_at: datetime


class HistoryShelf:
    """Looks at first readings; writes nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def untold(self) -> tuple[Found, ...]:
        """Grave incidents that nobody was told of and that rest on nothing but first readings, the gravest first."""
        told = select(t.notice.c.id).where(t.notice.c.incident == t.incident.c.id)
        query = select(t.incident).where(t.incident.c.plan_due, t.incident.c.state.in_(OPEN_STATES), ~told.exists())
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(t.incident.c.severity.desc(), t.incident.c.id)).all()
            found = (self._found(connection, row) for row in rows if set(row.concerns) & set(GRAVE))
            return tuple(one for one in found if one is not None)

    def _found(self, connection: Connection, row: Row[Any]) -> Found | None:
        unplanned = unplanned_of(connection, row)
        brought = (
            select(t.sighting.c.account, t.sighting.c.at, t.account.c.name, t.account.c.caught_up_at)
            .join(t.mention, t.mention.c.version == t.sighting.c.version)
            .join(t.flag, t.flag.c.mention == t.mention.c.id)
            .outerjoin(t.account, t.account.c.name == t.sighting.c.account)
            .where(t.flag.c.incident == unplanned.number)
        )
        rows = connection.execute(brought).all()
        first = (r.name is not None and (r.caught_up_at is None or r.at <= r.caught_up_at) for r in rows)
        if not rows or not all(first):
            return None
        opened = select(func.min(t.event.c.at)).where(t.event.c.incident == unplanned.number)
        found_at = connection.scalar(opened) or unplanned.incident.opened_at
        return Found(unplanned=unplanned, accounts=frozenset(r.account for r in rows), found_at=found_at)

    def is_read(self, accounts: Collection[str]) -> bool:
        """Whether these accounts' first readings have come to their end, and all that they brought was judged."""
        with reading(self._engine) as connection:
            reading_on = t.account.c.name.in_(accounts) & t.account.c.caught_up_at.is_(None)
            if connection.execute(select(t.account.c.name).where(reading_on).limit(1)).first() is not None:
                return False
            brought = select(t.sighting.c.version).join(t.account, t.account.c.name == t.sighting.c.account)
            mine = brought.where(t.account.c.name.in_(accounts), t.sighting.c.at <= t.account.c.caught_up_at)
            unmatched = mine.where(t.sighting.c.matched_at.is_(None))
            unread = select(t.version.c.id).where(t.version.c.read_by.is_(None), t.version.c.id.in_(mine))
            unjudged = select(t.mention.c.id).where(t.mention.c.judged_at.is_(None), t.mention.c.version.in_(mine))
            open_flag = t.flag.c.grouped_at.is_(None) & t.flag.c.withdrawn_at.is_(None)
            ungrouped = select(t.flag.c.id).join(t.mention, t.mention.c.id == t.flag.c.mention)
            ungrouped = ungrouped.where(open_flag, t.mention.c.version.in_(mine))
            waits = or_(*(query.limit(1).exists() for query in (unmatched, unread, unjudged, ungrouped)))
            return not connection.scalar(select(waits))
