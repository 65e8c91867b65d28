"""What a week brought, read for the digest and the page of what went unread: rows in, nouns out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine, Select, func, select

from alerts.incident import OPEN_STATES, STATES
from classifiers.verdict import Verdict
from connectors.post import Post
from watcher.store import schema as t
from watcher.store.engine import reading
from watcher.store.matters import day_of, unread_by_all, verdicts_of

# A post counts for the day on which it was written, and may be found before that day begins in UTC.
_UNREAD_SLACK = timedelta(days=1)
_CLOSED = tuple(state for state in STATES if state not in OPEN_STATES)


@dataclass(frozen=True, kw_only=True)
class UnreadView:
    """A post that no model could read, and why."""

    post: Post
    why: str


class WeekShelf:
    """Reads of a stretch of days; writes nothing."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def counts_in(self, references: Sequence[str], start: date, end: date) -> dict[str, int]:
        """What the roll-up counted for these incidents' posts from a day until a day, under the same names."""
        found: Counter[str] = Counter()
        mentions: set[int] = set()
        inside = (
            select(t.flag.c.mention)
            .join(t.incident, t.incident.c.id == t.flag.c.incident)
            .where(t.incident.c.reference.in_(references))
        )
        # Every flag of such a post, in whatever matter: a praise counted beside a hidden accusation would tell of it.
        query = (
            select(t.flag.c.concern, t.mention.c.id, t.mention.c.relevance, t.version.c.body, t.mention.c.at)
            .join(t.mention, t.mention.c.id == t.flag.c.mention)
            .join(t.version, t.version.c.id == t.mention.c.version)
            .where(t.mention.c.id.in_(inside), t.flag.c.withdrawn_at.is_(None))
        )
        with reading(self._engine) as connection:
            for row in connection.execute(query):
                if not start <= day_of(Post.from_dict(row.body), row.at) <= end:
                    continue
                found[f"flags:{row.concern}"] += 1
                if row.id not in mentions:
                    mentions.add(row.id)
                    found[f"mentions:{row.relevance}"] += 1
        return dict(found)

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
