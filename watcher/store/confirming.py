"""What becomes of a checker's matter once it is known whether it is about the school."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, select, update

from alerts.answer import Answer
from alerts.flag import Flag
from watcher.store import acts
from watcher.store import schema as t
from watcher.store.incidents import note_once

CONFIRMED = "it is confirmed that the post concerns the school: whom its policy names is told of it as a new matter"
REFUSED = "a person said that the post is not about this school"


def is_refused(answers: Sequence[Answer], school: str) -> bool:
    """Whether a person's last word is that the post is not about the school."""
    said = [answer.value for answer in answers if answer.question == "school"]
    return bool(said) and said[-1] not in (school, "yes")


def is_answered(connection: Connection, mention: int) -> bool:
    """Whether a person has said which school the post is about: nothing that is found later says it better."""
    said = select(t.answer.c.id).where(t.answer.c.mention == mention, t.answer.c.question == "school")
    return connection.execute(said.limit(1)).first() is not None


def regroup(connection: Connection, number: int, flag: Flag, now: datetime, days: int) -> None:
    """Have a flag whose school is confirmed by now grouped anew: until then only the checker knew of it."""
    same = t.flag.c.id == number
    incident = connection.scalar(select(t.flag.c.incident).where(same))
    fresh = {"body": asdict(flag), "grouped_at": None, "incident": None, "explained_at": None}
    connection.execute(update(t.flag).where(same).values(**fresh))
    if incident is not None:
        close_if_bare(connection, incident, "resolved", CONFIRMED, now, days)


def close_if_bare(connection: Connection, incident: int, state: str, why: str, now: datetime, days: int) -> None:
    """Close an incident on which no flag rests any more."""
    left = select(t.flag.c.id).where(t.flag.c.incident == incident, t.flag.c.withdrawn_at.is_(None))
    if connection.execute(left.limit(1)).first() is not None:
        return
    acts.move(connection, incident, state, now)
    connection.execute(update(t.incident).where(t.incident.c.id == incident).values(plan_due=False))
    note_once(connection, incident, state, why, now, days)
