"""Stretches of time that a platform did not give: recorded once, filled page by page, or given up with a reason."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, or_, select, update

from connectors.post import Cursor, Gap, Page
from watcher.store import schema as t
from watcher.store.engine import reading
from watcher.store.posts import PostShelf

# The platform that has just not given it may be tired; a minute later it may give it.
_FIRST = timedelta(minutes=1)
# What was not complained of for this long was well in between.
_WELL = timedelta(days=31)
# What was refused for so many rounds is no slip of the platform's.
_LASTS = 2
# Filling is put off for a day at most, and no clock is exact.
_LONGEST, _SKEW = timedelta(days=1, hours=1), timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Missing:
    """A recorded gap and how its filling goes; ``state`` is ``filled``, ``filling`` or ``open``.

    What has neither beginning nor end is no stretch of time but something that cannot be read at all, such as for
    want of a permission, since ``at`` and until ``seen_at`` at least; its state is ``cannot be read``, or ``can be read
    again`` where Watcher has seen that.
    """

    number: int
    account: str
    gap: Gap
    at: datetime
    fill_at: datetime | None
    cursor: Cursor | None
    tries: int
    filled_at: datetime | None
    fill_why: str | None
    seen_at: datetime | None = None

    @property
    def is_unreadable(self) -> bool:
        """Whether it has no times: not left out once, but unreadable."""
        return self.gap.start is None and self.gap.end is None

    @property
    def state(self) -> str:
        """Whether it was filled, is being filled, stays open, or is no stretch of time at all."""
        if self.is_unreadable:
            return "cannot be read" if self.filled_at is None else "can be read again"
        if self.filled_at is not None:
            return "filled"
        return "filling" if self.fill_at is not None else "open"


class GapShelf:
    """Keeps gaps."""

    def __init__(self, engine: Engine, posts: PostShelf, days: int) -> None:
        self._engine, self._posts, self._days = engine, posts, days

    def record(self, connection: Connection, account: str, gap: Gap, now: datetime) -> None:
        """Write a gap, as one with those that it overlaps and whose filling has not begun."""
        gone = now + timedelta(days=self._days)
        values: dict[str, Any] = {"start": gap.start, "end": gap.end, "why": gap.why, "at": now, "delete_after": gone}
        values |= {"fill_at": now + _FIRST if gap.start is not None else None, "fill_tries": 0, "fill_why": None}
        same = [row for row in self._unbegun(connection, account) if _is_one(row, gap)]
        if not same:
            connection.execute(t.gap.insert().values(account=account, **values))
            return
        if gap.start is not None:
            values["start"] = min(gap.start, *(row.start for row in same))
        ends = [gap.end, *(row.end for row in same)]
        values["end"] = None if None in ends else max(end for end in ends if end is not None)
        if gap.start is None and values["end"] is None:
            values["at"] = self._since_when(same, now)
            del values["fill_tries"]  # which counts how long this has lasted, see `lacks`
        first, *others = (row.id for row in same)
        connection.execute(update(t.gap).where(t.gap.c.id == first).values(**values))
        connection.execute(t.gap.delete().where(t.gap.c.id.in_(others)))

    def _since_when(self, same: list[Row[Any]], now: datetime) -> datetime:
        """Since when something cannot be read that was complained of before; a row is kept so long from the last."""
        lately: list[datetime] = [
            row.at for row in same if now - (row.delete_after - timedelta(days=self._days)) <= _WELL
        ]
        return min([now, *lately])

    def _unbegun(self, connection: Connection, account: str) -> list[Row[Any]]:
        query = select(t.gap).where(t.gap.c.account == account, t.gap.c.filled_at.is_(None))
        return list(connection.execute(query.where(t.gap.c.fill_cursor.is_(None)).order_by(t.gap.c.id)))

    def lacks(self, connection: Connection, account: str, said: Collection[str], now: datetime, *, ends: bool) -> None:
        """Write what an account may not read, as its newest page says; ``ends`` says that a round ended with it.

        The rounds are counted in which it was said: what the page says no more can be read again.
        """
        query = select(t.gap).where(t.gap.c.account == account, t.gap.c.filled_at.is_(None))
        query = query.where(t.gap.c.start.is_(None), t.gap.c.end.is_(None))
        rows = list(connection.execute(query))
        for why in dict.fromkeys(said):
            if not any(row.why == why for row in rows):
                values = {
                    "account": account,
                    "start": None,
                    "end": None,
                    "why": why,
                    "at": now,
                    "fill_tries": int(ends),
                }
                connection.execute(t.gap.insert().values(**values, delete_after=now + timedelta(days=self._days)))
        for row in rows:
            change: dict[str, Any] = {}
            if row.why in said and ends:
                change = {"fill_tries": row.fill_tries + 1, "delete_after": now + timedelta(days=self._days)}
            elif row.why not in said and row.fill_tries:
                change = {"fill_tries": 0, "filled_at": now if row.fill_tries >= _LASTS else None}
            if change:
                connection.execute(update(t.gap).where(t.gap.c.id == row.id).values(**change))

    def lasting(self) -> tuple[Missing, ...]:
        """What accounts that are read may not read, and have said so for two rounds; the oldest first."""
        query = select(t.gap).join(t.account, t.account.c.name == t.gap.c.account)
        query = query.where(t.gap.c.start.is_(None), t.gap.c.end.is_(None), t.gap.c.filled_at.is_(None))
        query = query.where(t.gap.c.fill_tries >= _LASTS, t.account.c.retired_at.is_(None))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(t.gap.c.at, t.gap.c.id)).all()
            return tuple(_missing(row, self._days) for row in rows)

    def wake(self, connection: Connection, now: datetime) -> None:
        """Go on now with what a clock that ran ahead has recorded or put off."""
        ahead = t.gap.c.at > now + _SKEW
        late = t.gap.c.fill_at.is_not(None) & (ahead | (t.gap.c.fill_at > now + _LONGEST))
        connection.execute(update(t.gap).where(late).values(fill_at=now))
        connection.execute(update(t.gap).where(ahead).values(at=now))

    def due(self, now: datetime, limit: int) -> tuple[Missing, ...]:
        """The gaps whose filling goes on now, the longest waiting first; those of accounts that are read."""
        query = select(t.gap).join(t.account, t.account.c.name == t.gap.c.account)
        query = query.where(t.gap.c.fill_at <= now, t.gap.c.filled_at.is_(None), t.account.c.retired_at.is_(None))
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(t.gap.c.fill_at, t.gap.c.id).limit(limit)).all()
            return tuple(_missing(row, self._days) for row in rows)

    def brought(self, connection: Connection, missing: Missing, page: Page, next_at: datetime, now: datetime) -> int:
        """Store a page of what was missing and where to go on; how many versions were new."""
        new = self._posts.keep(connection, missing.account, page.posts, now, self._days)
        lacks = "; ".join(dict.fromkeys(gap.why for gap in page.gaps)) or missing.fill_why
        values: dict[str, Any] = {"fill_tries": 0, "fill_why": lacks}
        if page.more and page.cursor is not None:
            values |= {"fill_cursor": page.cursor.state, "fill_at": next_at}
        elif lacks is not None:
            # The platform has given what it could, and said itself that this was not all.
            values |= {"fill_cursor": None, "fill_at": None}
        else:
            values |= {"fill_cursor": None, "fill_at": None, "filled_at": now}
        connection.execute(update(t.gap).where(t.gap.c.id == missing.number).values(**values))
        return new

    def put_off(self, connection: Connection, missing: Missing, until: datetime, *, tried: bool) -> None:
        """Go on later; ``tried`` counts it as one more try in vain."""
        values = {"fill_at": until, "fill_tries": missing.tries + tried}
        connection.execute(update(t.gap).where(t.gap.c.id == missing.number).values(**values))

    def give_up(self, connection: Connection, missing: Missing, why: str) -> None:
        """Leave a gap open for good, with the reason."""
        values = {"fill_at": None, "fill_cursor": None, "fill_why": why}
        connection.execute(update(t.gap).where(t.gap.c.id == missing.number).values(**values))

    def since(self, moment: datetime) -> tuple[Missing, ...]:
        """The gaps recorded since then, oldest first, also those that were filled.

        What cannot be read counts from the last time that it was complained of.
        """
        timeless = t.gap.c.start.is_(None) & t.gap.c.end.is_(None)
        still = timeless & (t.gap.c.delete_after >= moment + timedelta(days=self._days))
        with reading(self._engine) as connection:
            query = select(t.gap).where(or_(t.gap.c.at >= moment, still))
            rows = connection.execute(query.order_by(t.gap.c.at, t.gap.c.id))
            return tuple(_missing(row, self._days) for row in rows)

    def unfilled(self, since: datetime) -> int:
        """How many gaps recorded since then have times that somebody could look at, and are not filled."""
        timed = or_(t.gap.c.start.is_not(None), t.gap.c.end.is_not(None))
        query = select(func.count()).where(t.gap.c.at >= since, t.gap.c.filled_at.is_(None), timed)
        with reading(self._engine) as connection:
            return connection.scalar(query) or 0


def _is_one(row: Row[Any], gap: Gap) -> bool:
    """Whether a recorded gap and a new one are the same stretch or overlap."""
    if row.start is None or gap.start is None:
        # Since when is unknown, so only the same complaint is the same gap.
        return row.start is None and gap.start is None and row.why == gap.why
    return (row.end is None or gap.start <= row.end) and (gap.end is None or row.start <= gap.end)


def _missing(row: Row[Any], days: int) -> Missing:
    return Missing(
        number=row.id,
        account=row.account,
        gap=Gap(start=row.start, end=row.end, why=row.why),
        at=row.at,
        fill_at=row.fill_at,
        cursor=None if row.fill_cursor is None else Cursor(state=row.fill_cursor),
        tries=row.fill_tries,
        filled_at=row.filled_at,
        fill_why=row.fill_why,
        seen_at=row.delete_after - timedelta(days=days),
    )
