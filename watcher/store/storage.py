"""For how long platforms let posts be kept: what was not fetched again in time loses its text and author, or goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

from sqlalchemy import Connection, Engine, case, func, select, update

from alerts.wording import platform_name
from connectors.approval import STORAGE, in_words
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.incidents import note_once
from watcher.store.rechecks import in_matters, shorten
from watcher.store.register import keeping

_BATCH = 200


class StorageShelf:
    """Keeps within the platforms' own limits; what an owner's own download brought was not read there, and stays."""

    def __init__(self, engine: Engine, *, incident_days: int) -> None:
        self._engine, self._incident_days = engine, incident_days

    def honour(self, now: datetime) -> int:
        """Take out what is past its platform's limit; how many versions lost their text or author.

        What no matter rests on goes as a whole at the next purge. What the models have not read waits for them.
        """
        done = 0
        for platform, rule in STORAGE.items():
            for official, limit in ((True, rule.own), (False, rule.others)):
                if limit is not None:
                    done += self._all(self._erase, platform, official, limit, now)
                    self._expire(platform, official, now - limit, now)
            if rule.authors is not None:
                done += self._all(self._unname, platform, False, rule.authors, now)
        return done

    def _all(self, some: Any, platform: str, official: bool, limit: timedelta, now: datetime) -> int:
        done = 0
        while True:
            with writing(self._engine) as connection:
                query = _past(platform, official, now - limit).limit(_BATCH)
                if platform in keeping(connection, now.date()):
                    query = query.where(t.post.c.id.not_in(in_matters()))
                found: int = some(connection, query, limit, now)
            done += found
            if found < _BATCH:
                return done

    def _erase(self, connection: Connection, query: Any, limit: timedelta, now: datetime) -> int:
        rows = connection.execute(query.where(t.version.c.erased.is_(None))).all()
        for row in rows:
            name = platform_name(row.body["platform"])
            why = f"{name} lets nobody keep this longer than {in_words(limit)} after it was fetched"
            empty(connection, row.id, bare(row.body), why, now)
            self._tell(connection, row.id, f"the text of a {name} {row.body['kind']} is not kept any more: {why}", now)
        return len(rows)

    def _tell(self, connection: Connection, version: int, why: str, now: datetime) -> None:
        """Say in the matters that rest on a version why its text is gone, and take it out of the copies of mails."""
        query = select(t.flag.c.incident).join(t.mention, t.mention.c.id == t.flag.c.mention).distinct()
        query = query.where(t.mention.c.version == version, t.flag.c.incident.is_not(None))
        incidents = connection.scalars(query).all()
        for incident in incidents:
            note_once(connection, incident, "erased", why, now, self._incident_days)
        sent = (t.notice.c.incident.in_(incidents)) & (t.notice.c.state == "sent")
        for row in connection.execute(select(t.notice.c.id, t.notice.c.message).where(sent)).all():
            copy = without_text(row.message, why)
            connection.execute(update(t.notice).where(t.notice.c.id == row.id).values(message=copy))

    def _unname(self, connection: Connection, query: Any, _limit: timedelta, now: datetime) -> int:
        rows = connection.execute(query.where(t.version.c.unnamed_at.is_(None))).all()
        for row in rows:
            # What the platform sent names the author, too.
            changed = {"body": row.body | {"author": None}, "raw": b"", "unnamed_at": now}
            connection.execute(update(t.version).where(t.version.c.id == row.id).values(**changed))
        return len(rows)

    def _expire(self, platform: str, official: bool, before: datetime, now: datetime) -> None:
        """Let go what is past the limit and no matter rests on."""
        unread = select(t.version.c.post).where(t.version.c.read_by.is_(None))
        stale = select(t.post.c.id).where(
            t.post.c.platform == platform,
            t.post.c.official == official,
            _fetched() < before,
            t.post.c.delete_after >= now,
            t.post.c.id.in_(_read_there(platform)),
            t.post.c.id.not_in(in_matters()),
            t.post.c.id.not_in(unread),
        )
        with reading(self._engine) as connection:
            numbers = connection.scalars(stale).all()
        for start in range(0, len(numbers), _BATCH):
            with writing(self._engine) as connection:
                shorten(connection, numbers[start : start + _BATCH], now - timedelta(seconds=1))


def _read_there(platform: str) -> Any:
    """The posts that were read at a platform, and those of which nobody knows any more who brought them."""
    query = select(t.version.c.post).outerjoin(t.sighting, t.sighting.c.version == t.version.c.id)
    query = query.outerjoin(t.account, t.account.c.name == t.sighting.c.account)
    return query.where((t.account.c.platform == platform) | t.account.c.name.is_(None))


def _fetched() -> Any:
    """When a post was last there to be fetched: what is gone at the source was not fetched when that was found."""
    last = func.coalesce(t.post.c.rechecked_at, t.post.c.first_seen_at)
    return case((t.post.c.gone_at.is_not(None), t.post.c.gone_at), else_=last)


def _past(platform: str, official: bool, before: datetime) -> Any:
    """The versions that were last fetched before then; an older version could be fetched until a newer one came."""
    later = t.version.alias("later")
    newer = select(func.min(later.c.seen_at)).where(later.c.post == t.version.c.post, later.c.id > t.version.c.id)
    replaced = newer.correlate(t.version).scalar_subquery()
    newest = replaced.is_(None) & (_fetched() < before) & (t.version.c.seen_at < before)
    return (
        select(t.version.c.id, t.version.c.body)
        .join(t.post, t.post.c.id == t.version.c.post)
        .where(t.post.c.platform == platform, t.post.c.official == official, t.post.c.id.in_(_read_there(platform)))
        .where(t.version.c.read_by.is_not(None), (replaced < before) | newest)
        .order_by(t.version.c.id)
    )


def empty(connection: Connection, version: int, body: dict[str, Any], why: str, now: datetime) -> None:
    """Leave of a version only this body, and of what models said of it what says nothing of its words."""
    changed = {"body": body, "raw": b"", "erased": why, "unnamed_at": now}
    connection.execute(update(t.version).where(t.version.c.id == version).values(**changed))
    # Scores and labels stay; where in the text they come from says nothing without it.
    mine = t.verdict.c.version == version
    for row in connection.execute(select(t.verdict.c.id, t.verdict.c.body).where(mine)).all():
        left = row.body | {"spans": []}
        connection.execute(update(t.verdict).where(t.verdict.c.id == row.id).values(body=left, moved=[]))


def bare(body: dict[str, Any]) -> dict[str, Any]:
    """What is left of a post: where and when it stood, what kind it was, and what it answered."""
    author = body.get("author")
    media: Sequence[dict[str, Any]] = body.get("media") or ()
    return body | {
        "text": "",
        "author": author if author and author.get("official") else None,
        "links": [],
        "media": [{"kind": one["kind"], "url": None, "alt": None} for one in media],
    }


def without_text(message: bytes, why: str) -> bytes:
    """The copy of a mail that was sent, with its head, and in place of what it quoted the reason why that is gone."""
    mail = message_from_bytes(message, policy=policy.default)
    mail.clear_content()
    mail.set_content(f"This copy is not kept any more, as {why}. The mail itself was sent as it was.\n")
    return mail.as_bytes()
