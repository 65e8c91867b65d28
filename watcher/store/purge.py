"""Deletes what is past its time, and says how much of what."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine, Table, delete, func, select

from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.weeks import WeekShelf
from watcher.store.write import put

# Children before parents, so that each is counted by itself and not swept along unseen.
_ORDER = (
    t.notice,
    t.untold,
    t.event,
    t.opening,
    t.correction,
    t.answer,
    t.flag,
    t.verdict,
    t.mention,
    t.sighting,
    t.version,
    t.post,
    t.incident,
    t.gap,
    t.spend,
    t.invitation,
    t.oddity,
    t.entry,
)
# Small enough that a batch of deletions fits into the ballast: SQLite overwrites what it deletes, page by page.
_BATCH = 200
_KEY = "purge"


class PurgeShelf:
    """Deletes by date."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def purge(self, now: datetime) -> dict[str, int]:
        """Delete every row past its time, in short transactions; how many of each table."""
        WeekShelf(self._engine).forget_accused(now)
        report = {table.name: self._empty(table, now) for table in _ORDER}
        with writing(self._engine) as connection:
            put(connection, t.fact, ("key",), {"key": _KEY, "value": report, "at": now})
        return report

    def _empty(self, table: Table, now: datetime) -> int:
        gone = 0
        key = table.primary_key.columns.values()[-1]
        while True:
            with writing(self._engine) as connection:
                some = connection.scalars(select(key).where(table.c.delete_after < now).limit(_BATCH)).all()
                past = (key.in_(some)) & (table.c.delete_after < now)
                gone += connection.execute(delete(table).where(past)).rowcount
            if len(some) < _BATCH:
                return gone

    def overdue(self, now: datetime) -> dict[str, int]:
        """How many rows are past their time and still there, by table: nothing where the purge has run."""
        with reading(self._engine) as connection:
            late = {
                table.name: connection.scalar(select(func.count()).where(table.c.delete_after < now)) or 0
                for table in _ORDER
            }
            return {name: n for name, n in late.items() if n}

    def last(self) -> tuple[datetime, dict[str, int]] | None:
        """When the last purge ran and what it deleted."""
        with reading(self._engine) as connection:
            row = connection.execute(select(t.fact.c.at, t.fact.c.value).where(t.fact.c.key == _KEY)).first()
            return None if row is None else (row.at, row.value)
