"""Flags that want explaining, and the words that moved them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, select, text, update

from alerts.flag import Flag
from classifiers.verdict import Span, Verdict
from watcher.store import schema as t
from watcher.store.engine import reading
from watcher.store.matters import spans_body, verdicts_of
from watcher.store.posts import Unread, unread_of


@dataclass(frozen=True, kw_only=True)
class Unexplained:
    """A version with flags that somebody is told of, its verdicts that were not explained, and the labels flagged."""

    flags: tuple[int, ...]
    version: Unread
    verdicts: tuple[Verdict, ...]
    labels: frozenset[str]


class ExplanationShelf:
    """Keeps which words moved a label."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def waiting(self, limit: int) -> tuple[Unexplained, ...]:
        """Versions of at most ``limit`` flags that want explaining, the newest first."""
        query = (
            select(t.flag.c.id, t.flag.c.body, t.mention.c.version)
            .join(t.mention, t.mention.c.id == t.flag.c.mention)
            .join(t.version, t.version.c.id == t.mention.c.version)
            .where(text(t.UNEXPLAINED), t.version.c.erased.is_(None))
            .order_by(t.flag.c.id.desc())
            .limit(limit)
        )
        with reading(self._engine) as connection:
            found: dict[int, dict[int, Flag]] = {}
            for row in connection.execute(query):
                found.setdefault(row.version, {})[row.id] = Flag(**row.body)
            return tuple(self._one(connection, version, flags) for version, flags in found.items())

    def _one(self, connection: Connection, version: int, flags: Mapping[int, Flag]) -> Unexplained:
        columns = select(t.version.c.id, t.version.c.body, t.version.c.tries, t.post.c.official)
        query = columns.join(t.post, t.post.c.id == t.version.c.post).where(t.version.c.id == version)
        return Unexplained(
            flags=tuple(flags),
            version=unread_of(connection, connection.execute(query).one()),
            verdicts=tuple(v for v in verdicts_of(connection, version) if v.moved is None),
            labels=frozenset(flag.label for flag in flags.values() if flag.label is not None),
        )

    def explained(
        self,
        connection: Connection,
        waiting: Unexplained,
        moved: Mapping[tuple[str, str], tuple[Span, ...]],
        now: datetime,
    ) -> None:
        """Write what moved the verdicts of each (model, version), and that the flags want explaining no more."""
        for (model, model_version), spans in moved.items():
            same = (
                (t.verdict.c.version == waiting.version.number)
                & (t.verdict.c.classifier == model)
                & (t.verdict.c.model_version == model_version)
            )
            connection.execute(update(t.verdict).where(same).values(moved=spans_body(spans)))
        connection.execute(update(t.flag).where(t.flag.c.id.in_(waiting.flags)).values(explained_at=now))
