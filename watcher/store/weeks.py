"""What a week brought, read for the digest and the page of what went unread: rows in, nouns out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Engine, Select, delete, func, or_, select, update

from alerts.incident import OPEN_STATES, STATES, Incident
from classifiers.verdict import Verdict
from connectors.post import Post
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.incidents import incident_of
from watcher.store.matters import count, day_of, unread_by_all, verdicts_by_version, verdicts_of

# A post counts for the day on which it was written, and may be found before that day begins in UTC.
_UNREAD_SLACK = timedelta(days=1)
_BATCH = 200
_CLOSED = tuple(state for state in STATES if state not in OPEN_STATES)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one account spent, and how many posts that brought; ``school`` is ``None`` where several share it."""

    account: str
    school: str | None
    amount: int
    posts: int


@dataclass(frozen=True, kw_only=True)
class UnreadView:
    """A post that no model could read, and why."""

    post: Post
    why: str


class WeekShelf:
    """Reads of a stretch of days, and what has to be taken out of the counts before its rows go."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def matters(self, school: str, start: datetime, end: datetime) -> tuple[Incident, ...]:
        """A school's incidents that were opened before the end and are open still, or had news or were closed since."""
        c = t.incident.c
        lively = or_(c.state.in_(OPEN_STATES), c.last_flag_at >= start, c.closed_at >= start)
        query = select(t.incident).where(c.school == school, c.opened_at < end, lively)
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(c.opened_at, c.reference)).all()
            return tuple(incident_of(connection, row) for row in rows)

    def accusing(self, school: str) -> tuple[Incident, ...]:
        """All of a school's incidents with an accused, whenever they were."""
        query = select(t.incident).where(t.incident.c.school == school, t.incident.c.about.is_not(None))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(t.incident.c.id)).all()
            return tuple(incident_of(connection, row) for row in rows)

    def texts(self, school: str, start: date, end: date, leaving: Sequence[str]) -> Iterator[str]:
        """What others than the school wrote about it from a day until a day, but for the posts of these incidents."""
        query: Select[Any] = (
            select(t.version.c.post, t.version.c.body, t.mention.c.at)
            .join(t.mention, t.mention.c.version == t.version.c.id)
            .join(t.post, t.post.c.id == t.version.c.post)
            .where(t.mention.c.school == school, t.mention.c.relevance == "yes", ~t.post.c.official)
            .where(t.mention.c.at >= datetime.combine(start, time.min, UTC) - _UNREAD_SLACK)
            .where(t.mention.c.id.not_in(_behind(leaving)))
            .order_by(t.version.c.id.desc())
        )
        known: set[int] = set()
        with reading(self._engine) as connection:
            for row in connection.execute(query):
                # The newest version speaks for its post.
                if row.post in known:
                    continue
                known.add(row.post)
                post = Post.from_dict(row.body)
                if start <= day_of(post, row.at) <= end:
                    yield post.text

    def brought(self, references: Sequence[str], start: datetime, end: datetime) -> dict[str, int]:
        """How many readings of these incidents' posts were paid for between, by account: found, or asked for again."""
        versions = select(t.mention.c.version).where(t.mention.c.id.in_(_behind(references)))
        found = (
            select(t.sighting.c.account, t.sighting.c.at, t.version.c.post, t.post.c.rechecked_at)
            .join(t.version, t.version.c.id == t.sighting.c.version)
            .join(t.post, t.post.c.id == t.version.c.post)
            .where(t.version.c.id.in_(versions))
        )
        counts: Counter[str] = Counter()
        again: set[int] = set()
        with reading(self._engine) as connection:
            for row in connection.execute(found.order_by(t.sighting.c.id)):
                counts[row.account] += start <= row.at < end
                if row.rechecked_at is not None and start <= row.rechecked_at < end and row.post not in again:
                    again.add(row.post)
                    counts[row.account] += 1
        return dict(counts)

    def spent(self, unit: str, start: datetime, end: datetime) -> tuple[Cost, ...]:
        """What each account spent of a unit between."""
        c = t.spend.c
        amount = func.sum(func.coalesce(c.settled, c.reserved)).label("amount")
        posts = func.coalesce(func.sum(c.posts), 0).label("posts")
        query = select(c.account, c.school, amount, posts).where(c.unit == unit, c.at >= start, c.at < end)
        with reading(self._engine) as connection:
            rows = connection.execute(query.group_by(c.account, c.school).order_by(c.account, c.school)).all()
        return tuple(
            Cost(account=row.account, school=row.school, amount=int(row.amount), posts=int(row.posts)) for row in rows
        )

    def forget_accused(self, now: datetime) -> int:
        """Take out of the counts what posts behind an accusation counted, as they go: later nobody can tell them apart.

        Without this, the week that an accused person's digest never showed would show the next year. How many went.
        """
        gone = 0
        with writing(self._engine) as connection:
            _keep_together(connection, now)
        while True:
            with writing(self._engine) as connection:
                rows = connection.execute(_accusing_and_past(now).limit(_BATCH)).all()
                for what, (school, day) in _counted(connection, [row.id for row in rows]):
                    count(connection, school, day, what, -1)
                connection.execute(delete(t.mention).where(t.mention.c.id.in_([row.id for row in rows])))
            gone += len(rows)
            if len(rows) < _BATCH:
                return gone

    def counts_in(self, references: Sequence[str], start: date, end: date) -> dict[str, int]:
        """What the roll-up counted for these incidents' posts from a day until a day, under the same names."""
        with reading(self._engine) as connection:
            numbers = connection.scalars(_behind(references)).all()
            found = _counted(connection, numbers)
            return dict(Counter(what for what, (_, day) in found if start <= day <= end))

    def blind(self, start: datetime, end: datetime) -> tuple[tuple[str, datetime, datetime | None], ...]:
        """The sources for which a blind-spot matter stood at any time between, since when, and until when if closed.

        A matter stands under one school for all whom its provider looks after: whose source it is, its account tells.
        """
        ended = (
            select(func.max(t.event.c.at))
            .where(t.event.c.incident == t.incident.c.id, t.event.c.what.in_(_CLOSED))
            .scalar_subquery()
        )
        query = select(t.incident.c.account, t.incident.c.opened_at, t.incident.c.state, ended.label("ended")).where(
            t.incident.c.account.is_not(None), t.incident.c.opened_at < end
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(t.incident.c.opened_at)).all()
        found = (
            (row.account, row.opened_at, None if row.state in OPEN_STATES else row.ended or row.opened_at)
            for row in rows
        )
        return tuple(one for one in found if one[2] is None or one[2] >= start)

    def praise(self, school: str, start: date, end: date, limit: int) -> tuple[tuple[Post, tuple[Verdict, ...]], ...]:
        """The newest posts that are praise of a school and nothing else, written from a day until a day."""
        other = t.flag.alias("other")
        more = select(other.c.id).where(other.c.mention == t.mention.c.id, other.c.concern != "praise")
        query: Select[Any] = (
            select(t.version.c.id, t.version.c.body, t.mention.c.at)
            .join(t.mention, t.mention.c.version == t.version.c.id)
            .join(t.flag, t.flag.c.mention == t.mention.c.id)
            .where(t.flag.c.concern == "praise", t.flag.c.withdrawn_at.is_(None), t.mention.c.school == school)
            .where(t.version.c.erased.is_(None))
            .where(~more.exists())
            .order_by(t.flag.c.id.desc())
            .limit(limit * 20)
        )
        found: list[tuple[Post, tuple[Verdict, ...]]] = []
        with reading(self._engine) as connection:
            for row in connection.execute(query).all():
                post = Post.from_dict(row.body)
                if len(found) < limit and start <= day_of(post, row.at) <= end:
                    found.append((post, verdicts_of(connection, row.id)))
        return tuple(found)

    def unread(self, school: str, start: date, end: date, limit: int) -> tuple[UnreadView, ...]:
        """A sample of the posts about a school, written from a day until a day, that no model could read.

        The sample is the same whenever it is drawn, and does not favour any source, language or hour. What names
        somebody in office is not looked for here: the caller leaves it out.
        """
        query: Select[Any] = (
            select(t.version.c.id, t.version.c.body, t.version.c.sha256, t.mention.c.at)
            .join(t.mention, t.mention.c.version == t.version.c.id)
            .join(t.verdict, t.verdict.c.version == t.version.c.id)
            .where(t.verdict.c.unread.is_not(None), t.mention.c.school == school, t.mention.c.relevance != "no")
            .where(t.version.c.erased.is_(None))
            .where(t.mention.c.at >= datetime.combine(start, time.min, UTC) - _UNREAD_SLACK)
            .distinct()
        )
        found: list[tuple[str, UnreadView]] = []
        with reading(self._engine) as connection:
            for row in connection.execute(query).all():
                post = Post.from_dict(row.body)
                why = unread_by_all(verdicts_of(connection, row.id))
                if why is not None and start <= day_of(post, row.at) <= end:
                    # By digest of the post: a draw of lots that comes out the same every time.
                    found.append(
                        (sha256(f"{school}/{row.sha256}".encode()).hexdigest(), UnreadView(post=post, why=why))
                    )
        return tuple(view for _, view in sorted(found, key=lambda drawn: drawn[0])[:limit])

    def found_at(self, references: Sequence[str]) -> dict[str, datetime]:
        """When each incident was opened here, however old its posts were by then."""
        query = (
            select(t.incident.c.reference, func.min(t.event.c.at))
            .join(t.event, t.event.c.incident == t.incident.c.id)
            .where(t.incident.c.reference.in_(references))
            .group_by(t.incident.c.reference)
        )
        with reading(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(query)}


def _behind(references: Sequence[str]) -> Select[Any]:
    """The mentions that have a flag in one of these incidents, withdrawn or not."""
    return (
        select(t.flag.c.mention)
        .join(t.incident, t.incident.c.id == t.flag.c.incident)
        .where(t.incident.c.reference.in_(references))
        .distinct()
    )


def _keep_together(connection: Connection, now: datetime) -> None:
    """Keep a post's other flags as long as the post that an accusation rests on: they are counted and go together."""
    until = select(t.mention.c.delete_after).where(t.mention.c.id == t.flag.c.mention).scalar_subquery()
    other = t.flag.alias("other")
    accusing = select(other.c.mention).join(t.incident, t.incident.c.id == other.c.incident)
    accusing = accusing.where(t.incident.c.about.is_not(None))
    early = (t.flag.c.delete_after < now) & t.flag.c.mention.in_(accusing)
    connection.execute(update(t.flag).where(early, until >= now).values(delete_after=until))


def _accusing_and_past(now: datetime) -> Select[Any]:
    """The mentions behind an accusation that are about to go, by themselves or with what they hang on."""
    past = [table.c.delete_after < now for table in (t.mention, t.version, t.post, t.incident)]
    return (
        select(t.mention.c.id)
        .join(t.version, t.version.c.id == t.mention.c.version)
        .join(t.post, t.post.c.id == t.version.c.post)
        .join(t.flag, t.flag.c.mention == t.mention.c.id)
        .join(t.incident, t.incident.c.id == t.flag.c.incident)
        .where(t.incident.c.about.is_not(None), or_(*past))
        .distinct()
        .order_by(t.mention.c.id)
    )


def _counted(connection: Connection, mentions: Sequence[int]) -> Iterator[tuple[str, tuple[str, date]]]:
    """What the roll-up counts for some mentions, once for each: its name, and the school and day it counts for.

    Every flag of such a post counts, in whatever matter: a praise counted beside a hidden accusation would tell of it.
    """
    query = select(t.mention, t.version.c.body).join(t.version, t.version.c.id == t.mention.c.version)
    flags = select(t.flag.c.mention, t.flag.c.concern).where(t.flag.c.withdrawn_at.is_(None))
    rows = connection.execute(query.where(t.mention.c.id.in_(mentions))).all()
    said = verdicts_by_version(connection, [row.version for row in rows])
    place = {row.id: (row.school, day_of(Post.from_dict(row.body), row.at)) for row in rows}
    for row in rows:
        yield f"mentions:{row.relevance}", place[row.id]
        why = unread_by_all(said.get(row.version, ()))
        if why is not None:
            yield f"unread:{why}", place[row.id]
    for row in connection.execute(flags.where(t.flag.c.mention.in_(mentions))):
        yield f"flags:{row.concern}", place[row.mention]
