"""Matters that are closed to the IT provider: which they are, and which are open to them for now, by whose word."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Text, and_, or_, select, tuple_, type_coerce, update

from alerts.incident import Incident
from alerts.viewer import CLOSED, OF_PUPILS, PUPILS, Sight, is_closed, roles_in
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.incidents import note

_CONCERNS = {"hate": "discrimination"}
# What a model only may have read is a matter where it would be grave.
_DOUBTED = ("self_harm", "threat", "extremism", "sexual_content")
Key = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Opening:
    """A closed matter shown to the IT provider until then, by whose word, in which role, and why."""

    by: str
    role: str
    why: str
    at: datetime
    until: datetime


class OpeningShelf:
    """Keeps what was opened to the IT provider; everything ends by itself."""

    def __init__(self, engine: Engine, days: int) -> None:
        self._engine, self._days = engine, days

    def open(self, reference: str, opening: Opening, said: str) -> None:
        """Write an opening, and the line ``said`` into the matter's timeline."""
        with writing(self._engine) as connection:
            number = connection.scalar(select(t.incident.c.id).where(t.incident.c.reference == reference))
            row = {"incident": number, "role": opening.role, "by": opening.by, "why": opening.why, "at": opening.at}
            gone = opening.at + timedelta(days=self._days)
            connection.execute(t.opening.insert().values(**row, until=opening.until, delete_after=gone))
            note(connection, int(number or 0), "opened_up", said, opening.at, self._days)

    def end(self, reference: str, said: str, now: datetime) -> bool:
        """End what is open of a matter now; whether anything was."""
        with writing(self._engine) as connection:
            number = connection.scalar(select(t.incident.c.id).where(t.incident.c.reference == reference))
            still = (t.opening.c.incident == number) & (t.opening.c.until > now)
            ended = connection.execute(update(t.opening).where(still).values(until=now)).rowcount
            if ended and number is not None:
                note(connection, number, "shut_again", said, now, self._days)
            return bool(ended)

    def active(self, reference: str, now: datetime) -> Opening | None:
        """By whose word a matter is open now, the longest to last, or ``None``."""
        query = select(t.opening).join(t.incident, t.incident.c.id == t.opening.c.incident)
        query = query.where(t.incident.c.reference == reference, t.opening.c.until > now, t.opening.c.at <= now)
        with reading(self._engine) as connection:
            row = connection.execute(query.order_by(t.opening.c.until.desc()).limit(1)).first()
        return None if row is None else Opening(by=row.by, role=row.role, why=row.why, at=row.at, until=row.until)

    def sight(self, incident: Incident, now: datetime, told: Iterable[str] = ()) -> Sight:
        """What of a matter decides who may see it."""
        return Sight(
            concerns=incident.concerns,
            about=roles_in(incident.about),
            accused=incident.accused,
            targets=incident.targets,
            told=tuple(told),
            opened=self.active(incident.reference, now) is not None,
        )

    def sights(self, posts: Iterable[Key], now: datetime) -> dict[Key, Sight]:
        """The same of posts (platform, origin, id), by all that was ever flagged or read of any version, anywhere.

        A post is open where each closed matter that rests on it is.
        """
        keys = tuple(dict.fromkeys(posts))
        found = {key: Sight() for key in keys}
        with reading(self._engine) as connection:
            for row in connection.execute(_flagged(keys, now)):
                key, flag = (row.platform, row.origin, row.post_id), row.flag
                one = Sight(
                    concerns=(flag["concern"],),
                    about=roles_in(flag.get("about")),
                    targets=tuple(filter(None, (flag.get("target"),))),
                    opened=row.opened is not None,
                )
                found[key] = _both(found.get(key, Sight()), one)
            for key, concerns in _read(connection, keys):
                before = found.get(key, Sight())
                found[key] = replace(before, concerns=tuple(dict.fromkeys((*before.concerns, *concerns))))
        return found


def _both(one: Sight, other: Sight) -> Sight:
    """Two matters on one post as one: what only the first opens is not open."""
    first = one.opened or not is_closed(one)
    second = other.opened or not is_closed(other)
    return Sight(
        concerns=tuple(dict.fromkeys((*one.concerns, *other.concerns))),
        about=tuple(dict.fromkeys((*one.about, *other.about))),
        targets=tuple(dict.fromkeys((*one.targets, *other.targets))),
        opened=first and second and (one.opened or other.opened),
    )


def _flagged(keys: Sequence[Key], now: datetime) -> Any:
    active = select(t.opening.c.id).where(t.opening.c.incident == t.flag.c.incident, t.opening.c.until > now)
    return (
        select(t.post.c.platform, t.post.c.origin, t.post.c.post_id, t.flag.c.body.label("flag"))
        .add_columns(active.correlate(t.flag).limit(1).scalar_subquery().label("opened"))
        .join(t.version, t.version.c.post == t.post.c.id)
        .join(t.mention, t.mention.c.version == t.version.c.id)
        .join(t.flag, t.flag.c.mention == t.mention.c.id)
        .where(_among(keys))
        .order_by(t.flag.c.id)
    )


def _read(connection: Connection, keys: Sequence[Key]) -> Iterable[tuple[Key, tuple[str, ...]]]:
    """What models say of posts, as concerns: what they raise, and of what is grave what they are undecided on."""
    query = (
        select(t.post.c.platform, t.post.c.origin, t.post.c.post_id, t.verdict.c.body)
        .join(t.version, t.version.c.post == t.post.c.id)
        .join(t.verdict, t.verdict.c.version == t.version.c.id)
        .where(_among(keys))
    )
    for row in connection.execute(query):
        points = row.body["points"]
        read = {label: score for label, score in row.body["scores"].items() if label in points}
        raised = [label for label, score in read.items() if score >= points[label][0]]
        doubted = [label for label in _DOUBTED if label in read and read[label] >= points[label][1]]
        concerns = dict.fromkeys(_CONCERNS.get(label, label) for label in (*raised, *doubted))
        yield (row.platform, row.origin, row.post_id), tuple(concerns)


def _among(keys: Sequence[Key]) -> ColumnElement[bool]:
    return tuple_(t.post.c.platform, t.post.c.origin, t.post.c.post_id).in_(list(keys))


def closed(now: datetime) -> ColumnElement[bool]:
    """The condition that an incident is closed to the IT provider now."""
    concerns = type_coerce(t.incident.c.concerns, Text)
    targets = type_coerce(t.incident.c.targets, Text)
    of_pupil = or_(targets == "[]", *(targets.contains(f'"{pupil}"') for pupil in PUPILS))
    shut = or_(
        t.incident.c.about.is_not(None),
        *(concerns.contains(f'"{concern}"') for concern in CLOSED),
        and_(concerns.contains(f'"{OF_PUPILS}"'), of_pupil),
    )
    opened = select(t.opening.c.id).where(t.opening.c.incident == t.incident.c.id, t.opening.c.until > now)
    return and_(shut, ~opened.exists())
