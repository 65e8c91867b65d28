"""The daily test post in the store: put in as polled, looked for along its way, and taken out without a trace."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select

from connectors.post import Post
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.posts import PostShelf
from watcher.synthetic import ACCOUNT, PLATFORM, SCHOOL


@dataclass(frozen=True, kw_only=True)
class Way:
    """How far the test post has come: ``sent_at`` with the mail's id once a mail server took it, else what it lacks."""

    lacks: str
    sent_at: datetime | None = None
    mail: str | None = None
    waits: bool = False


class ProbeShelf:
    """Keeps the test post for as long as it is on its way."""

    def __init__(self, engine: Engine, posts: PostShelf) -> None:
        self._engine, self._posts = engine, posts

    def put(self, post: Post, now: datetime) -> None:
        """Write a test post as polling would; the one before is gone."""
        with writing(self._engine) as connection:
            _clear(connection)
            self._posts.keep(connection, ACCOUNT, [post], now, days=2)

    def clear(self) -> None:
        """Take out the test post and all that was made of it."""
        with writing(self._engine) as connection:
            _clear(connection)

    def way(self) -> Way:
        """How far it has come, and where it is stuck."""
        with reading(self._engine) as connection:
            versions = select(t.version.c.id, t.version.c.read_by).join(t.post, t.post.c.id == t.version.c.post)
            versions = versions.where(t.post.c.platform == PLATFORM)
            version = connection.execute(versions).first()
            if version is None:
                return Way(lacks="it is not in the database")
            query = select(t.mention.c.id, t.mention.c.judged_at).where(t.mention.c.version == version.id)
            mention = connection.execute(query).first()
            if mention is None:
                return Way(lacks="it was not matched to a school")
            if version.read_by is None:
                return Way(lacks="the models have not read it")
            if mention.judged_at is None:
                return Way(lacks="the policy has not judged it")
            return _told(connection, mention.id)


def _told(connection: Connection, mention: int) -> Way:
    flags = connection.execute(select(t.flag.c.incident).where(t.flag.c.mention == mention)).all()
    if not flags:
        return Way(lacks="the models raised nothing on its text; write another as probe.text")
    if all(flag.incident is None for flag in flags):
        return Way(lacks="no matter was made of it: the policy of probe.school names nobody for it")
    notice = connection.execute(
        select(t.notice).join(t.incident, t.incident.c.id == t.notice.c.incident).where(t.incident.c.school == SCHOOL)
    ).first()
    if notice is None:
        return Way(lacks="no mail was written")
    if notice.state == "sent":
        return Way(lacks="", sent_at=notice.sent_at, mail=notice.id)
    why = notice.last_error or "no try was made"
    return Way(lacks=f"the mail was not taken: {why}", waits=notice.state == "pending")


def _clear(connection: Connection) -> None:
    connection.execute(delete(t.incident).where(t.incident.c.school == SCHOOL))
    connection.execute(delete(t.post).where(t.post.c.platform == PLATFORM))
