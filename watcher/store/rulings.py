"""What persons said belongs together or apart: by fingerprint, and for good."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, Engine, select, update

from alerts.incident import Ruling
from watcher.store import schema as t
from watcher.store.write import put


class RulingShelf:
    """Keeps rulings; they go with nothing and are never purged, for they name nobody."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def of(self, connection: Connection, keys: Iterable[str]) -> tuple[Ruling, ...]:
        """What was said of these keys, in their order."""
        asked = tuple(keys)
        query = select(t.ruling).where(t.ruling.c.key.in_(asked))
        found = {row.key: Ruling(key=row.key, mark=row.mark, apart=row.apart) for row in connection.execute(query)}
        return tuple(found[key] for key in asked if key in found)

    def rule(self, connection: Connection, keys: Iterable[str], mark: str, now: datetime, *, apart: bool) -> None:
        """Say of these keys that they are one matter, or one apart from all others; the newest word counts."""
        for key in keys:
            put(connection, t.ruling, ("key",), {"key": key, "mark": mark, "apart": apart, "at": now})

    def unite(self, connection: Connection, mark: str, into: str) -> None:
        """Let what was one matter be part of another, apart from others no more."""
        same = t.ruling.c.mark == mark
        connection.execute(update(t.ruling).where(same).values(mark=into, apart=False))
