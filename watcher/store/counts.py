"""Counts for pages and digests: read from the roll-up, never from the posts."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Engine, func, select

from watcher.store import schema as t
from watcher.store.engine import reading


class CountShelf:
    """Reads the roll-up."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def between(self, school: str, start: date, end: date) -> dict[str, int]:
        """What was counted for a school from a day until a day, both counted: ``mentions:yes``, ``flags:threat`` …"""
        with reading(self._engine) as connection:
            query = (
                select(t.rollup.c.what, func.sum(t.rollup.c.n))
                .where(t.rollup.c.school == school, t.rollup.c.day.between(start.isoformat(), end.isoformat()))
                .group_by(t.rollup.c.what)
            )
            return {row[0]: int(row[1]) for row in connection.execute(query) if row[1]}
