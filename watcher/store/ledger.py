"""The ledger: what calls may cost is reserved before them, what they did is settled with what they brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, Select, delete, func, select, text, update

from connectors.tariff import POUNDS, window
from watcher.store import schema as t
from watcher.store.engine import reading, writing

# Money is looked back on for a year; calls only for as long as a limit counts them.
_KEPT = {POUNDS: timedelta(days=400)}
_KEPT_CALLS = timedelta(days=9)
_LOCK = 0x6C65_6467


@dataclass(frozen=True, kw_only=True)
class Cap:
    """At most ``amount`` of a unit in a period: of one app, or of everything that these conditions name.

    ``kept`` is the part of it that is not for this purse, but for what comes first.
    """

    unit: str
    amount: int
    period: str
    key: str
    app: str | None = None
    platform: str | None = None
    school: str | None = None
    kept: int = 0

    def holds_for(self, purse: Purse) -> bool:
        """Whether what this purse pays counts towards the cap."""
        return all(
            wanted in (None, has)
            for wanted, has in ((self.app, purse.app), (self.platform, purse.platform), (self.school, purse.school))
        )


@dataclass(frozen=True, kw_only=True)
class Purse:
    """Who pays: the app whose quota it is, for which account and school."""

    app: str
    platform: str
    account: str
    school: str | None = None


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A cap that a reservation would pass, how much of it is spent, and when its period ends."""

    cap: Cap
    spent: int
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What one account spent of one unit in a period, and what came of it."""

    app: str
    platform: str
    account: str
    school: str | None
    unit: str
    amount: int
    calls: int
    posts: int
    again: int


class LedgerShelf:
    """Keeps what is spent."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def reserve(
        self, purse: Purse, wants: Mapping[str, int], caps: Sequence[Cap], now: datetime
    ) -> dict[str, int] | Refusal:
        """Reserve an amount of each unit, all or none, in a transaction of its own: a row's number for each unit.

        Two readers that ask at once are served one after the other, so that together they cannot pass a cap either.
        """
        with writing(self._engine) as connection:
            _alone(connection)
            for cap in caps:
                if cap.unit not in wants or not cap.holds_for(purse):
                    continue
                start, end = window(cap.period, now)
                spent = _sum(connection, cap, start)
                if spent + wants[cap.unit] > cap.amount - cap.kept:
                    return Refusal(cap=cap, spent=spent, until=end)
            return {unit: _insert(connection, purse, unit, amount, now) for unit, amount in wants.items()}

    def settle(
        self, connection: Connection, row: int, amount: int, now: datetime, *, posts: int = 0, again: int = 0
    ) -> None:
        """Write what a reservation came to, in the transaction that stores what the call brought."""
        values = {"settled": amount, "settled_at": now, "posts": posts, "again": again}
        connection.execute(update(t.spend).where(t.spend.c.id == row, t.spend.c.settled.is_(None)).values(**values))

    def drop(self, connection: Connection, rows: Sequence[int]) -> None:
        """Take out reservations that another of the same reading was settled for, too."""
        if rows:
            connection.execute(delete(t.spend).where(t.spend.c.id.in_(rows)))

    def spent(self, cap: Cap, now: datetime) -> int:
        """What counts towards a cap in the period at hand: what is settled, and all that never was."""
        with reading(self._engine) as connection:
            return _sum(connection, cap, window(cap.period, now)[0])

    def first(self) -> datetime | None:
        """When the ledger begins, or ``None`` while it is empty."""
        with reading(self._engine) as connection:
            found: datetime | None = connection.scalar(select(func.min(t.spend.c.at)))
            return found

    def since(self, start: datetime) -> tuple[Spent, ...]:
        """What each account spent of each unit from then on."""
        c = t.spend.c
        amounts = (
            func.sum(func.coalesce(c.settled, c.reserved)).label("amount"),
            func.count().label("calls"),
            func.coalesce(func.sum(c.posts), 0).label("posts"),
            func.coalesce(func.sum(c.again), 0).label("again"),
        )
        by = (c.app, c.platform, c.account, c.school, c.unit)
        query = select(*by, *amounts).where(c.at >= start).group_by(*by).order_by(*by)
        with reading(self._engine) as connection:
            return tuple(Spent(**{**row, "amount": int(row["amount"])}) for row in connection.execute(query).mappings())


def _alone(connection: Connection) -> None:
    """On PostgreSQL one reservation at a time; SQLite's writing transactions are alone already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def sum_of(cap: Cap, start: datetime) -> Select[int]:
    """The query for what counts towards a cap from then on."""
    c = t.spend.c
    query = select(func.coalesce(func.sum(func.coalesce(c.settled, c.reserved)), 0))
    query = query.where(c.unit == cap.unit, c.at >= start)
    for column, value in ((c.app, cap.app), (c.platform, cap.platform), (c.school, cap.school)):
        if value is not None:
            query = query.where(column == value)
    return query


def _sum(connection: Connection, cap: Cap, start: datetime) -> int:
    return int(connection.scalars(sum_of(cap, start)).one())


def _insert(connection: Connection, purse: Purse, unit: str, amount: int, now: datetime) -> int:
    row = {"app": purse.app, "platform": purse.platform, "account": purse.account, "school": purse.school}
    gone = now + _KEPT.get(unit, _KEPT_CALLS)
    values = {**row, "unit": unit, "reserved": amount, "at": now, "delete_after": gone}
    made = connection.execute(t.spend.insert().values(**values)).inserted_primary_key
    return int(made[0]) if made is not None else 0
