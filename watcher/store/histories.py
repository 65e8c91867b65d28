"""What first readings of sources brought: matters of which nobody was told, and whether all of it has been read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, func, or_, select

from alerts.flag import GRAVE
from alerts.incident import OPEN_STATES
from watcher.store import schema as t
from watcher.store.engine import reading


@dataclass(frozen=True, kw_only=True)
class Found:
    """A grave incident, by number, that only first readings brought: by these accounts, since when it is known.

    ``said_at`` is when the newest of its posts was written.
    """

    number: int
    accounts: frozenset[str]
    found_at: datetime
    said_at: datetime


class HistoryShelf:
    """Looks at first readings; writes nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def untold(self) -> tuple[Found, ...]:
        """Grave incidents that nobody was told of and that rest on nothing but first readings; in four queries."""
        told = select(t.notice.c.id).where(t.notice.c.incident == t.incident.c.id)
        query = select(t.incident.c.id, t.incident.c.concerns, t.incident.c.opened_at, t.incident.c.last_flag_at)
        query = query.where(t.incident.c.plan_due, t.incident.c.state.in_(OPEN_STATES), ~told.exists())
        with reading(self._engine) as connection:
            rows = {row.id: row for row in connection.execute(query) if set(row.concerns) & set(GRAVE)}
            if not rows:
                return ()
            events = select(t.event.c.incident, func.min(t.event.c.at)).where(t.event.c.incident.in_(rows))
            found_at = {row[0]: row[1] for row in connection.execute(events.group_by(t.event.c.incident))}
            first = self._first(connection, rows.keys())
        return tuple(
            Found(
                number=number,
                accounts=accounts,
                found_at=found_at.get(number, rows[number].opened_at),
                said_at=rows[number].last_flag_at,
            )
            for number, accounts in first.items()
        )

    def _first(self, connection: Connection, numbers: Collection[int]) -> dict[int, frozenset[str]]:
        """Those of the incidents that rest on first readings alone, with the accounts that brought them."""
        query = (
            select(t.flag.c.incident, t.sighting.c.account, t.sighting.c.at, t.account.c.name, t.account.c.caught_up_at)
            .join(t.mention, t.mention.c.id == t.flag.c.mention)
            .join(t.sighting, t.sighting.c.version == t.mention.c.version)
            .outerjoin(t.account, t.account.c.name == t.sighting.c.account)
            .where(t.flag.c.incident.in_(numbers))
            .order_by(t.flag.c.id)
        )
        accounts: dict[int, set[str]] = {}
        later: set[int] = set()
        for row in connection.execute(query):
            accounts.setdefault(row.incident, set()).add(row.account)
            if row.name is None or (row.caught_up_at is not None and row.at > row.caught_up_at):
                later.add(row.incident)
        return {number: frozenset(names) for number, names in accounts.items() if number not in later}

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
