"""What is true: nouns in, nouns out, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from watcher.store import schema as t
from watcher.store.accounts import AccountShelf
from watcher.store.chases import ChaseShelf
from watcher.store.corrections import CorrectionShelf
from watcher.store.counts import CountShelf
from watcher.store.engine import connect, reading, ticking_alone, writing
from watcher.store.explanations import ExplanationShelf
from watcher.store.gaps import GapShelf
from watcher.store.histories import HistoryShelf
from watcher.store.incidents import IncidentShelf
from watcher.store.ledger import LedgerShelf
from watcher.store.matters import MatterShelf
from watcher.store.mentions import MentionShelf
from watcher.store.migration import current, head, upgrade
from watcher.store.notices import NoticeShelf
from watcher.store.openings import OpeningShelf
from watcher.store.packs import PackShelf
from watcher.store.posts import PostShelf
from watcher.store.probes import ProbeShelf
from watcher.store.purge import PurgeShelf
from watcher.store.rechecks import RecheckShelf
from watcher.store.register import RegisterShelf
from watcher.store.rulings import RulingShelf
from watcher.store.storage import StorageShelf
from watcher.store.tokens import TokenShelf
from watcher.store.views import ViewShelf
from watcher.store.weeks import WeekShelf
from watcher.store.write import put

# What a verb passes from shelf to shelf; it never looks inside.
Transaction = Connection


@dataclass(frozen=True, kw_only=True)
class Retention:
    """For how many days each kind of thing is kept; our own defaults, for no policy states any."""

    posts_days: int = 180
    noise_days: int = 7
    incidents_days: int = 365
    notices_days: int = 365
    gone_days: int = 7


class Store:
    """One database and its shelves; opening it touches nothing."""

    def __init__(self, url: str, retention: Retention | None = None) -> None:
        keep = retention or Retention()
        self.retention = keep
        self.engine = connect(url)
        self.register = RegisterShelf(self.engine)
        self.posts = PostShelf(self.engine)
        self.packs = PackShelf(self.engine)
        self.probes = ProbeShelf(self.engine, self.posts)
        self.rechecks = RecheckShelf(
            self.engine,
            self.posts,
            days=keep.posts_days,
            gone_days=keep.gone_days,
            incident_days=keep.incidents_days,
        )
        self.gaps = GapShelf(self.engine, self.posts, keep.posts_days)
        self.accounts = AccountShelf(self.engine, self.posts, self.gaps)
        self.matters = MatterShelf(self.engine, keep.posts_days, keep.noise_days)
        self.mentions = MentionShelf(self.engine, keep.posts_days, keep.noise_days, keep.incidents_days)
        self.explanations = ExplanationShelf(self.engine)
        self.histories = HistoryShelf(self.engine)
        self.incidents = IncidentShelf(self.engine, keep.incidents_days)
        self.rulings = RulingShelf(self.engine)
        self.chases = ChaseShelf(self.engine)
        self.notices = NoticeShelf(self.engine, keep.notices_days)
        self.openings = OpeningShelf(self.engine, keep.incidents_days)
        self.corrections = CorrectionShelf(self.engine)
        self.counts = CountShelf(self.engine)
        self.ledger = LedgerShelf(self.engine)
        self.tokens = TokenShelf(self.engine)
        self.purge = PurgeShelf(self.engine)
        self.storage = StorageShelf(self.engine, incident_days=keep.incidents_days)
        self.views = ViewShelf(self.engine)
        self.weeks = WeekShelf(self.engine)

    @property
    def file(self) -> Path | None:
        """The file of an SQLite database, or ``None``."""
        url = self.engine.url
        return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None

    def migrate(self) -> None:
        """Bring the tables to this version of Watcher.

        Raises:
            StoreError: the database cannot be opened or is newer than this version.
        """
        upgrade(self.engine)

    def is_current(self) -> bool:
        """Whether the tables are those of this version of Watcher."""
        return current(self.engine) == head()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Transaction]:
        """One transaction over several shelves."""
        with writing(self.engine) as connection:
            yield connection

    @contextlib.contextmanager
    def ticking_alone(self) -> Iterator[None]:
        """Holds the right to tick.

        Raises:
            AlreadyRunningError: another process holds it.
        """
        with ticking_alone(self.engine):
            yield

    def remember(self, key: str, value: Any, now: datetime) -> None:
        """Keep one fact about the service itself."""
        with writing(self.engine) as connection:
            put(connection, t.fact, ("key",), {"key": key, "value": value, "at": now})

    def recall(self, key: str) -> tuple[Any, datetime] | None:
        """A fact and when it was written, or ``None``."""
        with reading(self.engine) as connection:
            row = connection.execute(select(t.fact.c.value, t.fact.c.at).where(t.fact.c.key == key)).first()
            return None if row is None else (row.value, row.at)

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()
