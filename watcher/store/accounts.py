"""Accounts and how their reading goes: cursors, due times, failures, gaps and oddities."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, func, or_, select, update

from alerts.query import MARK
from connectors.approval import Requirement, missing
from connectors.permission import lacking
from connectors.post import Account, Cursor, Gap, Page
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.gaps import GapShelf
from watcher.store.posts import PostShelf
from watcher.store.register import approved
from watcher.store.write import insert_once

# What else is written in the transaction of a poll that brought so many new versions.
Also = Callable[[Connection, int], None]
# Two permanent errors in a row, and nobody may take silence for quiet any more.
BLIND_AFTER = 2
# How the last error of a source begins that waits for its budget.
SPENT = "SpentError:"
# A source that fails "for now" all this time is as blind as one whose token is dead.
SILENT_AFTER = timedelta(hours=2)
# A platform may ask for a pause of a day, and a budget may stretch an interval a hundredfold, by night threefold more.
_LONGEST_PAUSE, _STRETCHED = timedelta(days=1, hours=1), 300
_SKEW = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class AccountState:
    """An account (without its token) and how its reading goes.

    ``off`` is the approval of the platform that it waits for: until that is recorded, nobody asks for it.
    """

    account: Account
    every_s: int
    kept_by: str
    added_at: datetime
    cursor: Cursor | None
    next_poll_at: datetime
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    failures: int
    last_error: str | None
    permanent: bool
    blind_since: datetime | None
    caught_up_at: datetime | None = None
    last_new_at: datetime | None = None
    off: Requirement | None = None

    @property
    def is_saving(self) -> bool:
        """Whether it is not read only because what reading may cost is used up."""
        return self.failures > 0 and (self.last_error or "").startswith(SPENT)

    def is_ahead(self, now: datetime) -> bool:
        """Whether a clock that ran ahead has put its next reading off: it was dealt with at a time still to come.

        Or it is put off for longer than any pause lasts.
        """
        written = max(moment for moment in (self.added_at, self.last_attempt_at) if moment is not None)
        pause = max(_LONGEST_PAUSE, timedelta(seconds=min(self.every_s * _STRETCHED, 10**9)))
        return self.next_poll_at > now and (written > now + _SKEW or self.next_poll_at > now + pause)


_TIMES = ("added_at", "last_attempt_at", "last_success_at", "last_new_at", "caught_up_at", "blind_since")


class AccountShelf:
    """Keeps accounts."""

    def __init__(self, engine: Engine, posts: PostShelf, gaps: GapShelf) -> None:
        self._engine = engine
        self._posts = posts
        self._gaps = gaps

    def put(self, connection: Connection, account: Account, every_s: int, kept_by: str, now: datetime) -> None:
        """Write an account; its cursor stays unless it now reads something else."""
        body = _body(account)
        old = connection.execute(select(t.account.c.body).where(t.account.c.name == account.name)).first()
        values: dict[str, Any] = {"school": account.school, "platform": account.platform, "body": body}
        values |= {"kept_by": kept_by, "every_s": every_s, "retired_at": None}
        if old is None:
            fresh = {"failures": 0, "permanent": False, "next_poll_at": now, "added_at": now}
            connection.execute(t.account.insert().values(name=account.name, **values, **fresh))
            return
        if any(old.body[key] != body[key] for key in ("platform", "target", "reads", "base_url")):
            values |= {"cursor": None, "next_poll_at": now, "caught_up_at": None}
        connection.execute(update(t.account).where(t.account.c.name == account.name).values(**values))

    def put_search(
        self,
        connection: Connection,
        account: Account,
        every_s: int,
        kept_by: str,
        now: datetime,
        *,
        heir_of: Sequence[str] = (),
    ) -> None:
        """Write a search that is built from terms: it keeps its cursor when its words change, as it goes on from there.

        A new one goes on where the first of ``heir_of`` that is still read stands: it was part of that one.
        """
        active = select(t.account).where(t.account.c.retired_at.is_(None))
        rows = (connection.execute(active.where(t.account.c.name == name)).first() for name in (account.name, *heir_of))
        old = next((row for row in rows if row is not None), None)
        self.put(connection, account, every_s, kept_by, now)
        values: dict[str, Any] = {"cursor": None, "caught_up_at": None, "next_poll_at": now}
        if old is not None and (old.platform, old.body["base_url"]) == (account.platform, account.base_url):
            if old.name == account.name and old.body["target"] == account.target:
                return
            values = {"cursor": old.cursor, "caught_up_at": old.caught_up_at}
        connection.execute(update(t.account).where(t.account.c.name == account.name).values(**values))

    def retire(self, connection: Connection, name: str, now: datetime) -> None:
        """Stop reading an account; what it brought stays until its time."""
        connection.execute(update(t.account).where(t.account.c.name == name).values(retired_at=now))

    def all(self, now: datetime | None = None) -> tuple[AccountState, ...]:
        """Every account that is read, by name; ``now`` says which approvals count, by default the clock does."""
        with reading(self._engine) as connection:
            query = select(t.account).where(t.account.c.retired_at.is_(None)).order_by(t.account.c.name)
            given = _given(connection, now)
            return tuple(_state(row, given) for row in connection.execute(query))

    def get(self, name: str, now: datetime | None = None) -> AccountState:
        """One account, as ``all`` gives it.

        Raises:
            KeyError: there is none of that name.
        """
        with reading(self._engine) as connection:
            row = connection.execute(select(t.account).where(t.account.c.name == name)).first()
            if row is None:
                raise KeyError(name)
            return _state(row, _given(connection, now))

    def parts(self, name: str) -> tuple[AccountState, ...]:
        """An account as it is read: itself, or each of the queries that are built for it from the schools' terms."""
        with reading(self._engine) as connection:
            read = (t.account.c.retired_at.is_(None), of_account(name))
            given = _given(connection, None)
            rows = connection.execute(select(t.account).where(*read).order_by(t.account.c.name))
            return tuple(_state(row, given) for row in rows)

    def wake(self, now: datetime) -> int:
        """Make due what a clock that ran ahead has put off, and set its times right; how many accounts.

        Times that are still to come would hide for as long that a source fails, or has fallen silent.
        """
        ahead = [state for state in self.all(now) if state.is_ahead(now)]
        with writing(self._engine) as connection:
            for state in ahead:
                wrong = {name for name in _TIMES if (moment := getattr(state, name)) is not None and moment > now}
                values = {**dict.fromkeys(wrong, now), "next_poll_at": now}
                query = update(t.account).where(t.account.c.name == state.account.name)
                connection.execute(query.values(**values))
            self._gaps.wake(connection, now)
        return len(ahead)

    def due(self, now: datetime) -> tuple[AccountState, ...]:
        """The accounts whose time has come, the longest waiting first, without those that wait for an approval.

        Where many wait for the same moment, as after a cap, the one that was read longest ago comes first: otherwise
        the same ones would use up the next period, too.
        """
        with reading(self._engine) as connection:
            query = select(t.account).where(t.account.c.retired_at.is_(None), t.account.c.next_poll_at <= now)
            given = _given(connection, now)
            order = (t.account.c.next_poll_at, t.account.c.last_success_at.asc().nulls_first())
            states = [_state(row, given) for row in connection.execute(query.order_by(*order))]
            return tuple(state for state in states if state.off is None)

    def succeeded(
        self,
        state: AccountState,
        page: Page,
        now: datetime,
        days: int,
        *,
        next_in: Callable[[int], timedelta] | None = None,
        also: Also | None = None,
    ) -> int:
        """Store a page with its cursor, gaps and oddities in one transaction; how many versions were new.

        ``next_in`` says from that number when the account is read again; ``also`` writes in the same transaction.
        """
        name = state.account.name
        with writing(self._engine) as connection:
            new = self._posts.keep(connection, name, page.posts, now, days)
            for gap in page.gaps:
                self._gaps.record(connection, name, _since_last(gap, state), now)
            self._gaps.lacks(connection, name, _lacks(state.account, page), now, ends=not page.more)
            self._set_aside(connection, name, page, now)
            values: dict[str, Any] = {"last_attempt_at": now, "last_success_at": now, "failures": 0}
            values |= {"last_error": None, "permanent": False, "blind_since": None}
            values["cursor"] = None if page.cursor is None else page.cursor.state
            pause = next_in(new) if next_in else timedelta(seconds=state.every_s)
            values["next_poll_at"] = now if page.more else now + pause
            if new:
                values["last_new_at"] = now
            if state.caught_up_at is None and not page.more:
                values["caught_up_at"] = now
            connection.execute(update(t.account).where(t.account.c.name == name).values(**values))
            if also is not None:
                also(connection, new)
            return new

    def _set_aside(self, connection: Connection, name: str, page: Page, now: datetime) -> None:
        for oddity in page.oddities:
            digest = hashlib.sha256(oddity.raw).hexdigest()
            row = {"account": name, "sha256": digest, "raw": oddity.raw[:65536], "why": oddity.why, "at": now}
            insert_once(connection, t.oddity, {**row, "delete_after": now + timedelta(days=30)})

    def set_aside(self, connection: Connection, name: str, page: Page, now: datetime) -> None:
        """Keep the items of a page that could not be understood, in the caller's transaction."""
        self._set_aside(connection, name, page, now)

    def failed(
        self,
        state: AccountState,
        why: str,
        *,
        permanent: bool,
        next_at: datetime,
        now: datetime,
        also: Also | None = None,
    ) -> bool:
        """Note that a poll failed; whether the account has just gone blind."""
        failures = state.failures + 1 if state.permanent == permanent else 1
        silent = now - (state.last_success_at or state.added_at) > SILENT_AFTER
        blind = state.blind_since is None and (silent or (permanent and failures >= BLIND_AFTER))
        values: dict[str, Any] = {"last_attempt_at": now, "failures": failures, "last_error": why}
        values |= {"permanent": permanent, "next_poll_at": next_at}
        if blind:
            values["blind_since"] = now
        with writing(self._engine) as connection:
            connection.execute(update(t.account).where(t.account.c.name == state.account.name).values(**values))
            if also is not None:
                also(connection, 0)
        return blind

    def gaps(self, since: datetime) -> tuple[tuple[str, Gap], ...]:
        """The stretches of time, recorded since then, that platforms have not given, each with its account."""
        return tuple((m.account, m.gap) for m in self._gaps.since(since) if m.filled_at is None)

    def oddities(self) -> dict[str, int]:
        """How many items are set aside, for each account that has any."""
        with reading(self._engine) as connection:
            query = select(t.oddity.c.account, func.count()).group_by(t.oddity.c.account)
            return {row[0]: row[1] for row in connection.execute(query)}

    def names(self, connection: Connection) -> Iterable[str]:
        """The names of all accounts that are read."""
        return connection.scalars(select(t.account.c.name).where(t.account.c.retired_at.is_(None))).all()


def _given(connection: Connection, now: datetime | None) -> frozenset[str]:
    """The platforms that have approved by a moment; where none is named this asks the clock, and nothing else does."""
    return approved(connection, (now or datetime.now(UTC)).date())


def of_account(name: str) -> ColumnElement[bool]:
    """The rows of an account as the settings name it, however many queries it is read as."""
    start, c = f"{name}{MARK}", t.account.c
    # Compared letter by letter: in a pattern, a name's own signs would mean something.
    return or_(c.name == name, func.substr(c.name, 1, len(start)) == start)


def _lacks(account: Account, page: Page) -> frozenset[str]:
    """What a page says cannot be read for want of a permission, and what else it says so of."""
    said = (*page.lacks, *(gap.why for gap in page.gaps if gap.start is None and gap.end is None))
    return frozenset(why for why in said if lacking(account, why) is not None)


def _since_last(gap: Gap, state: AccountState) -> Gap:
    """A gap that reaches back no further than the last reading: what was there then has been read."""
    last = state.last_success_at
    if gap.start is not None or gap.end is None or state.caught_up_at is None or last is None or last >= gap.end:
        return gap
    return replace(gap, start=last)


def _body(account: Account) -> dict[str, Any]:
    body = asdict(account)
    body.pop("token")
    body["reads"], body["schools"] = list(account.reads), list(account.schools)
    return body


def _state(row: Row[Any], given: frozenset[str]) -> AccountState:
    body = dict(row.body)
    body["reads"], body["schools"] = tuple(body["reads"]), tuple(body.get("schools", ()))
    account = Account(**body)
    off = missing(account, given)
    return AccountState(
        account=account,
        off=off,
        every_s=row.every_s,
        kept_by=row.kept_by,
        added_at=row.added_at,
        cursor=None if row.cursor is None else Cursor(state=row.cursor),
        next_poll_at=row.next_poll_at,
        last_attempt_at=row.last_attempt_at,
        last_success_at=row.last_success_at,
        failures=0 if off else row.failures,
        last_error=row.last_error,
        permanent=row.permanent,
        # Nobody asks for what is off, so it is neither blind nor silent, whatever it was before.
        blind_since=None if off else row.blind_since,
        caught_up_at=None if off else row.caught_up_at,
        last_new_at=row.last_new_at,
    )
