"""Posts, their versions and who brought them: what polling writes, matching and reading take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, func, select, update

from connectors.post import Post, parse_time
from watcher.freshness import check_at
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.write import insert_once

ABOVE = 8  # posts that are followed upwards from a reply


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A stored version of a post, the accounts that brought it, and whether it answers a school's own post."""

    number: int
    post: Post
    accounts: tuple[str, ...] = ()
    sightings: tuple[int, ...] = ()
    answers_official: bool = False


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A stored version that the models have not read, with the text that it answers where that is known."""

    number: int
    post: Post
    parent: str | None
    tries: int


class PostShelf:
    """Keeps posts and versions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, connection: Connection, account: str, posts: Sequence[Post], now: datetime, days: int) -> int:
        """Store what an account brought, in the caller's transaction; how many versions were new."""
        gone = now + timedelta(days=days)
        return sum(self._keep_one(connection, account, post, now, gone) for post in posts)

    def _keep_one(self, connection: Connection, account: str, post: Post, now: datetime, gone: datetime) -> int:
        row = {"platform": post.platform, "origin": post.origin, "post_id": post.id}
        official = bool(post.author and post.author.official)
        age = now - min(post.created_at or now, now)
        again = check_at(post.platform, post.id, now, age, now)
        fresh = {"first_seen_at": now, "delete_after": gone, "recheck_at": again}
        number = insert_once(connection, t.post, {**row, "thread": post.thread, "official": official, **fresh})
        if number is None:
            number = connection.scalar(select(t.post.c.id).where(_is(post.platform, post.origin, post.id)))
            if official:
                # A search may have brought it first, without knowing whose it is.
                connection.execute(update(t.post).where(t.post.c.id == number).values(official=True))
            if self._keep_shut(connection, number, account, now, gone):
                return 0
        body = post.as_dict()
        values = {"post": number, "digest": post.content_digest, "body": body, "raw": post.raw, "sha256": post.sha256}
        version = insert_once(connection, t.version, {**values, "seen_at": now, "tries": 0, "delete_after": gone})
        new = version is not None
        if version is None:
            same = (t.version.c.post == number) & (t.version.c.digest == post.content_digest)
            version = connection.scalar(select(t.version.c.id).where(same))
        sighting = {"version": version, "account": account, "at": now, "delete_after": gone}
        insert_once(connection, t.sighting, sighting)
        return int(new)

    def _keep_shut(self, connection: Connection, number: Any, account: str, now: datetime, gone: datetime) -> bool:
        """Whether nothing of a post may be kept any more; then only that this account brought it is written."""
        if connection.scalar(select(t.post.c.shut_at).where(t.post.c.id == number)) is None:
            return False
        version = connection.scalar(select(func.max(t.version.c.id)).where(t.version.c.post == number))
        if version is not None:
            sighting = {"version": version, "account": account, "at": now, "delete_after": gone}
            insert_once(connection, t.sighting, sighting)
        return True

    def unmatched(self, limit: int) -> tuple[Seen, ...]:
        """Versions that an account brought since they were last matched, oldest first."""
        with reading(self._engine) as connection:
            waiting = select(t.sighting.c.version).where(t.sighting.c.matched_at.is_(None)).distinct().limit(limit)
            numbers = sorted(connection.scalars(waiting))
            return tuple(self._seen(connection, number) for number in numbers)

    def _seen(self, connection: Connection, number: int) -> Seen:
        body = connection.scalars(select(t.version.c.body).where(t.version.c.id == number)).one()
        rows = connection.execute(select(t.sighting.c.id, t.sighting.c.account).where(t.sighting.c.version == number))
        found = rows.all()
        post = Post.from_dict(body)
        return Seen(
            number=number,
            post=post,
            accounts=tuple(row.account for row in found),
            sightings=tuple(row.id for row in found),
            answers_official=self._answers_official(connection, post),
        )

    def _answers_official(self, connection: Connection, post: Post) -> bool:
        """Whether the post stands under one that a school's own account wrote."""
        above = {i for i in (post.reply_to, post.thread) if i and i != post.id}
        if not above:
            return False
        owned = select(t.post.c.id).where(
            t.post.c.platform == post.platform,
            t.post.c.origin == post.origin,
            t.post.c.post_id.in_(above),
            t.post.c.official,
        )
        return connection.execute(owned.limit(1)).first() is not None

    def unread(self, limit: int, backlog: int = 0) -> tuple[Unread, ...]:
        """Versions that wait for the models, oldest first; those numbered up to ``backlog`` let the others go first."""
        with reading(self._engine) as connection:
            columns = select(t.version.c.id, t.version.c.body, t.version.c.tries, t.post.c.official)
            query = columns.join(t.post, t.post.c.id == t.version.c.post).where(t.version.c.read_by.is_(None))
            query = query.order_by(t.version.c.id)
            found = list(connection.execute(query.where(t.version.c.id > backlog).limit(limit)))
            if backlog and len(found) < limit:
                found += connection.execute(query.where(t.version.c.id <= backlog).limit(limit - len(found)))
            return tuple(unread_of(connection, row) for row in found)

    def delays(self, since: datetime, limit: int = 5000) -> tuple[tuple[str, float], ...]:
        """How many seconds after its publication each post seen since then was stored, newest first, by platform.

        What an account's first readings brought was there before Watcher looked, and says nothing of a delay.
        """
        v, p, s, a = t.version.c, t.post.c, t.sighting.c, t.account.c
        query = (
            select(p.platform, p.first_seen_at, v.body)
            .join(t.version, v.post == p.id)
            .join(t.sighting, s.version == v.id)
            .join(t.account, (a.name == s.account) & (a.caught_up_at < p.first_seen_at))
            .where(p.first_seen_at >= since, v.seen_at == p.first_seen_at)
            .order_by(p.id.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        said = ((row.platform, row.first_seen_at, Post.from_dict(row.body).created_at) for row in rows)
        return tuple((name, (seen - made).total_seconds()) for name, seen, made in said if made is not None)

    def delays_of(self, since: datetime, each: int = 200, limit: int = 20_000) -> dict[str, list[float]]:
        """The same by account, for its newest posts: of what came last, ``limit`` in all, at most ``each``."""
        v, p, s, a = t.version.c, t.post.c, t.sighting.c, t.account.c
        place = func.row_number().over(partition_by=s.account, order_by=s.id.desc()).label("place")
        last = select(s.id).where(s.at >= since).order_by(s.id.desc()).limit(limit).subquery()
        # Whoever brought a post first tells how late it came: others may have looked for something else.
        newest = (
            select(s.account, p.first_seen_at, s.version, place)
            .join(last, last.c.id == s.id)
            .join(t.version, v.id == s.version)
            .join(t.post, (p.id == v.post) & (p.first_seen_at == s.at))
            .join(t.account, (a.name == s.account) & (a.caught_up_at < p.first_seen_at))
            .subquery()
        )
        query = select(newest.c.account, newest.c.first_seen_at, v.body).join(newest, newest.c.version == v.id)
        found: dict[str, list[float]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(query.where(newest.c.place <= each).order_by(newest.c.place)):
                made = parse_time(row.body.get("created_at"))
                if made is not None:
                    found.setdefault(row.account, []).append((row.first_seen_at - made).total_seconds())
        return found

    def times(self, account: str, limit: int = 200) -> tuple[datetime, ...]:
        """When the newest posts that an account brought were published, or first seen where that is unknown."""
        query = (
            select(t.version.c.body, t.version.c.seen_at)
            .join(t.sighting, t.sighting.c.version == t.version.c.id)
            .where(t.sighting.c.account == account)
            .order_by(t.sighting.c.id.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return tuple(parse_time(row.body.get("created_at")) or row.seen_at for row in rows)

    def newest(self) -> int:
        """The number of the version that was stored last; 0 where there is none."""
        with reading(self._engine) as connection:
            return connection.scalar(select(func.max(t.version.c.id))) or 0

    def expect(self, read_by: str) -> int:
        """Put every version that other models read back into the queue; how many."""
        with writing(self._engine) as connection:
            # What has no text any more keeps what was said of it.
            stale = t.version.c.read_by.is_not(None) & (t.version.c.read_by != read_by) & t.version.c.erased.is_(None)
            return connection.execute(update(t.version).where(stale).values(read_by=None, tries=0)).rowcount

    def waiting(self) -> int:
        """How many versions wait for the models."""
        with reading(self._engine) as connection:
            return connection.scalar(select(func.count()).where(t.version.c.read_by.is_(None))) or 0


def unread_of(connection: Connection, row: Any) -> Unread:
    """The version that a row (id, body, tries, official) holds, with the newest text of what it answers."""
    post = post_of(row.body, official=row.official)
    body = None if post.reply_to is None else _newest_body(connection, post, post.reply_to)
    return Unread(number=row.id, post=post, parent=None if body is None else str(body["text"]), tries=row.tries)


def post_of(body: Mapping[str, Any], *, official: bool) -> Post:
    """The stored post, as the school's own where any account knows it as that: a search does not know whose it is."""
    post = Post.from_dict(body)
    if official and post.author is not None and not post.author.official:
        return replace(post, author=replace(post.author, official=True))
    return post


def texts_above(connection: Connection, post: Post) -> tuple[str, ...]:
    """The newest texts of the posts that it stands under, nearest first, as far as they are kept."""
    found: dict[str, str] = {}
    above = post.reply_to
    while above is not None and above != post.id and above not in found and len(found) < ABOVE:
        body = _newest_body(connection, post, above)
        found[above] = "" if body is None else str(body["text"])
        above = None if body is None else Post.from_dict(body).reply_to
    if post.thread is not None and post.thread != post.id and post.thread not in found:
        body = _newest_body(connection, post, post.thread)
        found[post.thread] = "" if body is None else str(body["text"])
    return tuple(text for text in found.values() if text)


def _newest_body(connection: Connection, beside: Post, post_id: str) -> Mapping[str, Any] | None:
    """The newest stored version of another post of the same place."""
    query = (
        select(t.version.c.body)
        .join(t.post, t.post.c.id == t.version.c.post)
        .where(_is(beside.platform, beside.origin, post_id))
        .order_by(t.version.c.id.desc())
        .limit(1)
    )
    body: Mapping[str, Any] | None = connection.scalar(query)
    return body


def _is(platform: str, origin: str, post_id: str) -> Any:
    return (t.post.c.platform == platform) & (t.post.c.origin == origin) & (t.post.c.post_id == post_id)
