"""Posts that are looked at again at their source: which are due, and what was found there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, select, update

from alerts.incident import OPEN_STATES
from alerts.wording import long_day, platform_name
from connectors.post import Post
from watcher.freshness import PAID, paid_check
from watcher.store import lasting
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.incidents import note_once
from watcher.store.posts import PostShelf

_ZONE = "Europe/London"


@dataclass(frozen=True, kw_only=True)
class Check:
    """A post to be checked: its newest version, who brought it, and whether an open incident rests on it.

    ``is_paid`` says that each asking costs like a reading, ``severity`` is that of the gravest matter resting on it.
    """

    number: int
    post: Post
    accounts: tuple[str, ...]
    first_seen_at: datetime
    in_matter: bool
    gone_at: datetime | None = None
    rechecked_at: datetime | None = None
    digest: str = ""
    is_paid: bool = False
    severity: int = 0


class RecheckShelf:
    """Keeps when posts are checked again, and what came of it."""

    def __init__(self, engine: Engine, posts: PostShelf, *, days: int, gone_days: int, incident_days: int) -> None:
        self._engine, self._posts = engine, posts
        self._days, self._gone_days, self._incident_days = days, gone_days, incident_days

    def schedule(self, platforms: Collection[str], now: datetime) -> int:
        """Make due the posts of platforms that can be asked now and could not before; how many."""
        never = t.post.c.recheck_at.is_(None) & t.post.c.rechecked_at.is_(None) & t.post.c.gone_at.is_(None)
        with writing(self._engine) as connection:
            free = update(t.post).where(never, t.post.c.platform.in_(set(platforms) - PAID.keys()))
            made_due = connection.execute(free.values(recheck_at=now)).rowcount
            for platform in PAID.keys() & set(platforms):
                young = t.post.c.first_seen_at > now - max(PAID[platform])
                waiting = update(t.post).where(never, t.post.c.platform == platform, young)
                made_due += connection.execute(waiting.values(recheck_at=now)).rowcount
            return made_due

    def due(self, platforms: Collection[str], now: datetime, limit: int) -> tuple[Check, ...]:
        """The posts of these platforms whose time has come, the longest waiting first; others wait for no check."""
        come = t.post.c.recheck_at <= now
        with writing(self._engine) as connection:
            unasked = update(t.post).where(come, t.post.c.platform.not_in(platforms))
            connection.execute(unasked.values(recheck_at=None))
            query = select(t.post).where(come).order_by(t.post.c.recheck_at, t.post.c.id).limit(limit)
            rows = connection.execute(query).all()
            found = self._checks(connection, rows)
            # Of a post about none of our schools only the row is left.
            bare = {row.id for row in rows} - {check.number for check in found}
            connection.execute(update(t.post).where(t.post.c.id.in_(bare)).values(recheck_at=None))
            resting = _severities(connection, [check.number for check in found if check.is_paid])
            for check in found:
                if check.is_paid and check.number not in resting:
                    at = paid_check(check.first_seen_at, PAID[check.post.platform], now)
                    self._next(connection, [check.number], at)
            return tuple(
                replace(check, severity=resting.get(check.number, 0))
                for check in found
                if not check.is_paid or check.number in resting
            )

    def _checks(self, connection: Connection, rows: Sequence[Any]) -> tuple[Check, ...]:
        numbers = [row.id for row in rows]
        versions = select(t.version).where(t.version.c.post.in_(numbers))
        newest = {row.post: row for row in connection.execute(versions.order_by(t.version.c.id))}
        brought: dict[int, list[str]] = {}
        sightings = select(t.version.c.post, t.sighting.c.account).join(
            t.sighting, t.sighting.c.version == t.version.c.id
        )
        sightings = sightings.where(t.version.c.post.in_(numbers))
        for row in connection.execute(sightings.order_by(t.sighting.c.id)):
            brought.setdefault(row.post, []).append(row.account)
        held = set(connection.scalars(in_matters(OPEN_STATES).where(t.version.c.post.in_(numbers))))
        return tuple(
            Check(
                number=row.id,
                post=Post.from_dict(newest[row.id].body, newest[row.id].raw),
                accounts=tuple(dict.fromkeys(brought.get(row.id, ()))),
                first_seen_at=row.first_seen_at,
                in_matter=row.id in held,
                gone_at=row.gone_at,
                rechecked_at=row.rechecked_at,
                digest=newest[row.id].digest,
                is_paid=row.platform in PAID,
            )
            for row in rows
            if row.id in newest
        )

    def put_off(self, checks: Sequence[Check], until: datetime | None) -> None:
        """Ask for these again later, or not any more; nothing else is known of them."""
        with writing(self._engine) as connection:
            self._next(connection, [check.number for check in checks], until)

    def left_out(self, connection: Connection, check: Check, until: datetime | None) -> None:
        """The platform says nothing of this post; it stays as it is and is asked for again."""
        self._next(connection, [check.number], until)

    def _next(self, connection: Connection, numbers: Sequence[int], until: datetime | None) -> None:
        connection.execute(update(t.post).where(t.post.c.id.in_(numbers)).values(recheck_at=until))

    def seen(
        self, connection: Connection, check: Check, current: Post, next_at: datetime | None, now: datetime
    ) -> bool:
        """Write that a post is still there; whether it has changed: then there is a new version, read and judged."""
        values: dict[str, Any] = {"rechecked_at": now, "recheck_at": next_at, "gone_at": None}
        connection.execute(update(t.post).where(t.post.c.id == check.number).values(**values))
        if check.gone_at is not None:
            self._keep_again(connection, check, now)
        if current.content_digest == check.digest:
            return False
        # Whoever brought the post is shown the new version, too: it is matched for each of them.
        kept = [self._posts.keep(connection, name, [current], now, self._days) for name in check.accounts]
        self._tell(connection, check, "edited", "changed", now)
        return any(kept)

    def gone(self, connection: Connection, check: Check, next_at: datetime | None, now: datetime) -> None:
        """Write that a post was deleted at the source: what no matter rests on goes soon, the rest is marked."""
        since = check.gone_at or now
        values = {"rechecked_at": now, "recheck_at": next_at, "gone_at": since}
        connection.execute(update(t.post).where(t.post.c.id == check.number).values(**values))
        if check.gone_at is None:
            self._tell(connection, check, "gone", "deleted", now)
        shorten(connection, [check.number], since + timedelta(days=self._gone_days))

    def _keep_again(self, connection: Connection, check: Check, now: datetime) -> None:
        self._tell(connection, check, "back", "to be seen again", now)
        until = now + timedelta(days=self._days)
        lasting.lengthen(connection, lasting.of_posts([check.number]), until)

    def _tell(self, connection: Connection, check: Check, what: str, how: str, now: datetime) -> None:
        incidents = select(t.flag.c.incident).distinct().join(t.mention, t.mention.c.id == t.flag.c.mention)
        query = incidents.join(t.version, t.version.c.id == t.mention.c.version)
        query = query.where(t.version.c.post == check.number, t.flag.c.incident.is_not(None))
        of = f"{platform_name(check.post.platform)} {check.post.kind}"
        detail = f"a {of} was found {how} at the source on {long_day(now, _ZONE)}"
        for incident in connection.scalars(query).all():
            note_once(connection, incident, what, detail, now, self._incident_days)

    def standing(self) -> tuple[int, int]:
        """How many posts are checked again from time to time, and how many of those kept are gone at the source."""
        with reading(self._engine) as connection:
            query = select(func.count(t.post.c.recheck_at), func.count(t.post.c.gone_at))
            checked, gone = connection.execute(query).one()
            return checked, gone


def in_matters(states: Sequence[str] = ()) -> Any:
    """The posts that incidents rest on, all or those in these states."""
    query = select(t.version.c.post).join(t.mention, t.mention.c.version == t.version.c.id)
    query = query.join(t.flag, t.flag.c.mention == t.mention.c.id)
    if states:
        query = query.join(t.incident, t.incident.c.id == t.flag.c.incident)
        return query.where(t.incident.c.state.in_(states))
    return query.where(t.flag.c.incident.is_not(None))


def _severities(connection: Connection, posts: Sequence[int]) -> dict[int, int]:
    """Of these posts those on which an open matter rests, or one of which mails tell, with the gravest's severity."""
    told = select(t.notice.c.id).where(t.notice.c.incident == t.incident.c.id)
    query = select(t.version.c.post, func.max(t.incident.c.severity))
    query = query.join(t.mention, t.mention.c.version == t.version.c.id)
    query = query.join(t.flag, t.flag.c.mention == t.mention.c.id)
    query = query.join(t.incident, t.incident.c.id == t.flag.c.incident)
    query = query.where(t.version.c.post.in_(posts), t.incident.c.state.in_(OPEN_STATES) | told.exists())
    return {row[0]: row[1] for row in connection.execute(query.group_by(t.version.c.post))}


def shorten(connection: Connection, posts: Sequence[int], until: datetime) -> None:
    """Have everything of these posts go then, unless it goes sooner or a matter rests on the post."""
    held = set(connection.scalars(in_matters().where(t.version.c.post.in_(posts))))
    free = [number for number in posts if number not in held]
    lasting.shorten(connection, lasting.of_posts(free), until)
