"""People's corrections: kept with the mention that they are about, and gone with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, delete, func, select

from connectors.post import Post
from watcher.correction import Correction, merged
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.posts import Unread, post_of, unread_of
from watcher.store.write import put


@dataclass(frozen=True, kw_only=True)
class Flagged:
    """A post of an incident with its mention's number, and the labels on which models had it flagged there.

    ``withdrawn`` are labels on which a flag of it stood once, and stands no longer.
    """

    mention: int
    post: Post
    raised: tuple[str, ...]
    withdrawn: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """A stored version as a model would read it, the school that corrected it, and what its people said."""

    school: str
    version: Unread
    labels: Mapping[str, bool]


class CorrectionShelf:
    """Keeps corrections; whether a school has agreed is for the caller to know."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def flagged(self, reference: str) -> tuple[Flagged, ...]:
        """The posts of an incident, the first to be flagged first."""
        query = (
            select(t.flag.c.mention, t.flag.c.body.label("flag"), t.flag.c.withdrawn_at)
            .add_columns(t.version.c.body, t.post.c.official)
            .join(t.incident, t.incident.c.id == t.flag.c.incident)
            .join(t.mention, t.mention.c.id == t.flag.c.mention)
            .join(t.version, t.version.c.id == t.mention.c.version)
            .join(t.post, t.post.c.id == t.version.c.post)
            .where(t.incident.c.reference == reference)
            .order_by(t.flag.c.id)
        )
        posts: dict[int, Post] = {}
        raised: dict[int, dict[str, None]] = {}
        gone: dict[int, dict[str, None]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(query):
                posts[row.mention] = post_of(row.body, official=row.official)
                if row.flag["label"] is not None:
                    labels = raised if row.withdrawn_at is None else gone
                    labels.setdefault(row.mention, {})[row.flag["label"]] = None
        return tuple(
            Flagged(mention=n, post=post, raised=tuple(raised.get(n, ())), withdrawn=tuple(gone.get(n, ())))
            for n, post in posts.items()
        )

    def keep(self, corrections: Iterable[Correction]) -> int:
        """Write corrections, each in the place of what was said of its label before; how many were written.

        A mention that has gone meanwhile takes none: a correction does not outlive its post.
        """
        n = 0
        with writing(self._engine) as connection:
            for said in corrections:
                gone = connection.scalar(
                    select(t.version.c.delete_after)
                    .join(t.mention, t.mention.c.version == t.version.c.id)
                    .where(t.mention.c.id == said.mention)
                )
                if gone is None:
                    continue
                row = {"mention": said.mention, "label": said.label, "decision": said.decision, "by": said.by}
                put(connection, t.correction, ("mention", "label"), {**row, "at": said.at, "delete_after": gone})
                n += 1
        return n

    def forget(self, connection: Connection, school: str) -> int:
        """Delete all that a school's people said; how many corrections."""
        of_school = select(t.mention.c.id).where(t.mention.c.school == school)
        return connection.execute(delete(t.correction).where(t.correction.c.mention.in_(of_school))).rowcount

    def counts(self) -> dict[str, int]:
        """How many corrections are kept, by school."""
        query = select(t.mention.c.school, func.count()).select_from(t.correction)
        query = query.join(t.mention, t.mention.c.id == t.correction.c.mention)
        with reading(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(query.group_by(t.mention.c.school))}

    def of(self, schools: Iterable[str]) -> tuple[Corrected, ...]:
        """Every version that people of these schools corrected, oldest first, as a model would read it."""
        query = (
            select(t.correction, t.mention.c.school, t.mention.c.version)
            .join(t.mention, t.mention.c.id == t.correction.c.mention)
            .join(t.version, t.version.c.id == t.mention.c.version)
            # Nothing is learned from a post whose text is not kept any more.
            .where(t.mention.c.school.in_(tuple(schools)), t.version.c.erased.is_(None))
            .order_by(t.mention.c.version, t.mention.c.school)
        )
        said: dict[tuple[int, str], list[Correction]] = {}
        with reading(self._engine) as connection:
            for row in connection.execute(query):
                one = Correction(mention=row.mention, label=row.label, decision=row.decision, by=row.by, at=row.at)
                said.setdefault((row.version, row.school), []).append(one)
            return tuple(
                Corrected(school=school, version=_version(connection, number), labels=merged(rows))
                for (number, school), rows in said.items()
            )


def _version(connection: Connection, number: int) -> Unread:
    columns = select(t.version.c.id, t.version.c.body, t.version.c.tries, t.post.c.official)
    query = columns.join(t.post, t.post.c.id == t.version.c.post).where(t.version.c.id == number)
    return unread_of(connection, connection.execute(query).one())
