"""For how long a post is kept: everything that hangs on it is lengthened, or shortened, together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Table, func, select, update

from watcher.store import schema as t

# A table, and the condition by which its rows are found.
Rows = tuple[Table, Any]
Numbers = Sequence[int] | Select[tuple[int]]


def of_posts(posts: Numbers) -> tuple[Rows, ...]:
    """Everything that is kept of these posts, of all their versions."""
    versions = select(t.version.c.id).where(t.version.c.post.in_(posts))
    mentions = select(t.mention.c.id).where(t.mention.c.version.in_(versions))
    return (*_of(posts, versions, mentions), (t.flag, t.flag.c.mention.in_(mentions)))


def of_flag(flag: int) -> tuple[Rows, ...]:
    """Everything that a flag rests on: the one version of the post, who brought it, and what was said of it."""
    mentions = select(t.flag.c.mention).where(t.flag.c.id == flag)
    versions = select(t.mention.c.version).where(t.mention.c.id.in_(mentions))
    posts = select(t.version.c.post).where(t.version.c.id.in_(versions))
    return (*_of(posts, versions, mentions), (t.flag, t.flag.c.id == flag))


def _of(posts: Numbers, versions: Numbers, mentions: Numbers) -> tuple[Rows, ...]:
    return (
        (t.post, t.post.c.id.in_(posts)),
        (t.version, t.version.c.id.in_(versions)),
        # Whoever is not known to have brought it cannot be asked whether it is still there.
        (t.sighting, t.sighting.c.version.in_(versions)),
        (t.verdict, t.verdict.c.version.in_(versions)),
        (t.mention, t.mention.c.id.in_(mentions)),
        (t.answer, t.answer.c.mention.in_(mentions)),
        (t.correction, t.correction.c.mention.in_(mentions)),
    )


def lengthen(connection: Connection, rows: Iterable[Rows], until: datetime) -> None:
    """Keep these until then, unless they are kept longer."""
    for table, mine in rows:
        shorter = mine & (table.c.delete_after < until)
        connection.execute(update(table).where(shorter).values(delete_after=until))


def shorten(connection: Connection, rows: Iterable[Rows], until: datetime) -> None:
    """Let these go then, unless they go sooner."""
    for table, mine in rows:
        longer = mine & (table.c.delete_after > until)
        connection.execute(update(table).where(longer).values(delete_after=until))


def by_relevance(connection: Connection, version: int, now: datetime, noise_days: int) -> None:
    """Keep a version as long as what is said of it, where it may be about any school; noise goes soon.

    What was noise to the first search that brought it may be a school's own to the next.
    """
    ours = (t.mention.c.version == version) & (t.mention.c.relevance != "no")
    until = connection.scalar(select(func.max(t.mention.c.delete_after)).where(ours))
    mine: tuple[Rows, ...] = (
        (t.version, t.version.c.id == version),
        (t.sighting, t.sighting.c.version == version),
        (t.verdict, t.verdict.c.version == version),
    )
    if until is None:
        shorten(connection, mine, now + timedelta(days=noise_days))
        return
    post = select(t.version.c.post).where(t.version.c.id == version)
    lengthen(connection, ((t.post, t.post.c.id.in_(post)), *mine), until)
