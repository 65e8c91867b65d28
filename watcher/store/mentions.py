"""Mentions as a person meets them: which wait for a word on whose they are, and what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, func, select, update

from alerts.answer import Answer
from connectors.post import Post
from watcher.store import lasting
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.incidents import note
from watcher.store.matters import active_flags, answers_of, count, day_of
from watcher.store.posts import post_of
from watcher.store.write import insert_once

_SAID = "a person said so"


@dataclass(frozen=True, kw_only=True)
class MentionView:
    """A post version as it concerns one school, with a person's last word on whose it is, and its open flags."""

    number: int
    version: int
    school: str
    relevance: str
    reason: str
    at: datetime
    post: Post
    answer: Answer | None
    concerns: tuple[str, ...]
    accounts: tuple[str, ...]


class MentionShelf:
    """Keeps what people say of whose a post is."""

    def __init__(self, engine: Engine, days: int, noise_days: int, incidents_days: int) -> None:
        self._engine = engine
        self._days, self._noise_days, self._incidents_days = days, noise_days, incidents_days

    def listed(
        self, *, limit: int, school: str | None = None, unclear: bool = False, incident: str | None = None
    ) -> tuple[MentionView, ...]:
        """Mentions, newest first; ``unclear`` are those that wait for a person's word, ``incident`` is a reference."""
        query = _all().order_by(t.mention.c.id.desc()).limit(limit)
        if school is not None:
            query = query.where(t.mention.c.school == school)
        if unclear:
            query = query.where(_waits())
        if incident is not None:
            flagged = select(t.flag.c.mention).join(t.incident, t.incident.c.id == t.flag.c.incident)
            query = query.where(t.mention.c.id.in_(flagged.where(t.incident.c.reference == incident)))
        with reading(self._engine) as connection:
            return tuple(_view(connection, row) for row in connection.execute(query).all())

    def get(self, number: int) -> MentionView | None:
        """One mention, or ``None``."""
        with reading(self._engine) as connection:
            row = connection.execute(_all().where(t.mention.c.id == number)).first()
            return None if row is None else _view(connection, row)

    def waiting(self) -> int:
        """How many mentions wait for a person to say whose they are."""
        with reading(self._engine) as connection:
            return connection.scalar(select(func.count()).select_from(t.mention).where(_waits())) or 0

    def brought(
        self, accounts: Sequence[str], school: str, since: datetime, limit: int
    ) -> tuple[tuple[Post, str | None], ...]:
        """The posts that these accounts have brought since then, newest first, each as it was last.

        With each, whether it concerns the school: ``yes``, ``no``, ``unclear``, or ``None`` where nothing points to it.
        """
        v, m = t.version.c, t.mention.c
        seen = select(t.sighting.c.version).where(t.sighting.c.account.in_(accounts), t.sighting.c.at >= since)
        query = (
            select(v.post, v.body, m.relevance)
            .outerjoin(t.mention, (m.version == v.id) & (m.school == school))
            .where(v.id.in_(seen))
            .order_by(v.id.desc())
            .limit(limit)
        )
        found: dict[int, tuple[Post, str | None]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(query):
                if row.post not in found:
                    found[row.post] = (Post.from_dict(row.body), row.relevance)
        return tuple(found.values())

    def decide(self, number: int, schools: Sequence[str], by: str, now: datetime) -> tuple[str, ...]:
        """Write which schools the post is about, none where there are none; the schools of which that was said.

        It is said of the mention itself, of the schools that are named, and of every other that is still unclear:
        each is judged again by its own policy, and the matters that rest on it note who said so.
        """
        with writing(self._engine) as connection:
            one = connection.execute(_all().where(t.mention.c.id == number)).one()
            rows = {row.school: row for row in connection.execute(_all().where(t.mention.c.version == one.version))}
            post = post_of(one.body, official=one.official)
            for school in schools:
                if school not in rows:
                    self._add(connection, one.version, school, post, now)
            rows = {row.school: row for row in connection.execute(_all().where(t.mention.c.version == one.version))}
            asked = [
                row for row in rows.values() if row.id == number or row.school in schools or row.relevance == "unclear"
            ]
            for row in asked:
                self._say(connection, row, schools, post, by, now)
            # What is about a school is kept as any such post, what is about none of ours is not ours to keep.
            lasting.by_relevance(connection, one.version, now, self._noise_days)
            return tuple(row.school for row in asked)

    def _add(self, connection: Connection, version: int, school: str, post: Post, now: datetime) -> None:
        row = {"version": version, "school": school, "relevance": "yes", "reason": _SAID, "at": now}
        insert_once(connection, t.mention, {**row, "delete_after": now + timedelta(days=self._days)})
        count(connection, school, day_of(post, now), "mentions:yes", 1)

    def _say(
        self, connection: Connection, row: Row[Any], schools: Sequence[str], post: Post, by: str, now: datetime
    ) -> None:
        ours = row.school in schools
        value = row.school if ours else (schools[0] if schools else "no")
        gone = now + timedelta(days=self._days)
        answer = {"mention": row.id, "question": "school", "value": value, "by": by, "at": now}
        connection.execute(t.answer.insert().values(**answer, delete_after=gone))
        after = "yes" if ours else "no"
        changed = {"relevance": after, "reason": _SAID, "judged_at": None}
        connection.execute(update(t.mention).where(t.mention.c.id == row.id).values(**changed))
        if row.relevance != after:
            count(connection, row.school, day_of(post, now), f"mentions:{row.relevance}", -1)
            count(connection, row.school, day_of(post, now), f"mentions:{after}", 1)
        said = f"{by} said that the post is about {', '.join(schools) or 'none of the schools'}"
        rests = select(t.flag.c.incident).where(t.flag.c.mention == row.id, t.flag.c.incident.is_not(None)).distinct()
        for incident in connection.scalars(rests).all():
            note(connection, incident, "answered", said, now, self._incidents_days)


def _all() -> Select[Any]:
    return (
        select(t.mention, t.version.c.body, t.post.c.official)
        .join(t.version, t.version.c.id == t.mention.c.version)
        .join(t.post, t.post.c.id == t.version.c.post)
    )


def _waits() -> Any:
    answered = select(t.answer.c.id).where(t.answer.c.mention == t.mention.c.id, t.answer.c.question == "school")
    return (t.mention.c.relevance == "unclear") & ~answered.exists()


def _view(connection: Connection, row: Row[Any]) -> MentionView:
    said = [answer for answer in answers_of(connection, row.id) if answer.question == "school"]
    brought = select(t.sighting.c.account).where(t.sighting.c.version == row.version).order_by(t.sighting.c.id)
    return MentionView(
        number=row.id,
        version=row.version,
        school=row.school,
        relevance=row.relevance,
        reason=row.reason,
        at=row.at,
        post=post_of(row.body, official=row.official),
        answer=said[-1] if said else None,
        concerns=tuple(dict.fromkeys(flag.concern for flag in active_flags(connection, row.id).values())),
        accounts=tuple(connection.scalars(brought)),
    )
