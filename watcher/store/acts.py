"""What a person does about an incident, as it changes its row: take it, hand it on or back, escalate it, end it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, update

from alerts.incident import OPEN_STATES
from watcher.errors import RefusedError
from watcher.store import schema as t

ACTS = ("acknowledged", "in_progress", "resolved", "dismissed", "handed_over", "handed_back", "escalated", "reopened")
# Of these the others must hear: somebody has it, it is yours now, nobody has it.
TOLD = ("acknowledged", "handed_over", "handed_back")
_STATES = {"handed_over": "open", "handed_back": "open", "escalated": "open", "reopened": "open"}
_WAITING: dict[str, Any] = {"acknowledged_at": None, "held_by": None, "chase_at": None, "chased": 0}


def do(connection: Connection, row: Row[Any], what: str, by: str, to: str | None, now: datetime) -> bool:
    """Change the row as the act asks; whether anything changed.

    Raises:
        RefusedError: it cannot be done now.
    """
    if what not in ACTS:
        raise RefusedError(f"{what!r} cannot be done about an incident; known are {', '.join(ACTS)}")
    if {by, to} & set(row.accused):
        raise RefusedError(f"{row.reference} is not open to you" if by in row.accused else f"not to {to}")
    if row.state not in OPEN_STATES and what != "reopened":
        if row.state == what:
            return False
        raise RefusedError(f'{row.reference} is {row.state}; watcher incidents {row.reference} --set open --why "…"')
    values = _taken(row, by) if what == "acknowledged" else _passed(row, what, to, now)
    if values is None:
        return False
    move(connection, row.id, _STATES.get(what, what), now, by)
    if values:
        connection.execute(update(t.incident).where(t.incident.c.id == row.id).values(**values))
    return True


def _taken(row: Row[Any], by: str) -> dict[str, Any] | None:
    """Nothing beyond the state; ``None`` where this person has it already."""
    if row.state == "open":
        return {"held_by": by}
    if row.held_by in (None, by):
        return None if row.held_by == by else {"held_by": by}
    raise RefusedError(f"{row.held_by} has {row.reference} already; they can hand it over to you")


def _passed(row: Row[Any], what: str, to: str | None, now: datetime) -> dict[str, Any] | None:
    if what == "handed_over":
        if to is None:
            raise RefusedError(f"to whom? watcher hand-over {row.reference} --to PERSON")
        return {**_WAITING, "held_by": to}
    if what == "handed_back":
        if row.held_by is None:
            raise RefusedError(f"nobody has {row.reference}, so nobody can hand it back")
        return dict(_WAITING)
    if what == "escalated":
        # The first step, to ask those again who were told, has been taken by the person.
        return {**_WAITING, "held_by": to, "chased": max(row.chased, 1), "chase_at": now}
    return {}


def move(connection: Connection, number: int, state: str, now: datetime, by: str | None = None) -> None:
    """Write an incident's state and what follows from it: who is asked no more, and what nothing joins any more."""
    row = t.incident.c.id == number
    values: dict[str, Any] = {"state": state, "closed_at": None}
    if state == "open":
        values |= _WAITING
    else:
        values["chase_at"] = None
        first = row & t.incident.c.acknowledged_at.is_(None)
        connection.execute(update(t.incident).where(first).values(acknowledged_at=now))
    if state in ("acknowledged", "in_progress") and by is not None:
        connection.execute(update(t.incident).where(row & t.incident.c.held_by.is_(None)).values(held_by=by))
    if state not in OPEN_STATES:
        values["closed_at"] = now
        connection.execute(delete(t.fingerprint).where(t.fingerprint.c.incident == number))
    connection.execute(update(t.incident).where(row).values(**values))
