"""The lines of an incident's timeline, as they are written."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from watcher.store import schema as t


def note(
    connection: Connection,
    incident: int,
    what: str,
    detail: str,
    now: datetime,
    days: int,
    *,
    by: str | None = None,
    passed_to: str | None = None,
    tell_due: bool = False,
) -> None:
    """Write one line of an incident's timeline; ``tell_due`` where the others still have to hear of it."""
    row = {"incident": incident, "at": now, "what": what, "detail": detail, "by": by, "passed_to": passed_to}
    row |= {"tell_due": tell_due, "delete_after": now + timedelta(days=days)}
    connection.execute(t.event.insert().values(**row))


def note_once(
    connection: Connection, incident: int, what: str, detail: str, now: datetime, days: int, *, by: str | None = None
) -> None:
    """``note``, unless the newest line says the same: what somebody says twice happened once."""
    newest = select(t.event.c.what, t.event.c.detail).where(t.event.c.incident == incident)
    row = connection.execute(newest.order_by(t.event.c.id.desc()).limit(1)).first()
    if row is None or (row.what, row.detail) != (what, detail):
        note(connection, incident, what, detail, now, days, by=by)
