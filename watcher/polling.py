"""Polling: one page of one account, with whatever can go wrong turned into when to come back."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from connectors.connector import Connector
from connectors.errors import ConnectorError, PermanentError, RateLimitedError, TransientError
from connectors.post import Account, Page
from watcher.budget import Bill, Budget
from watcher.errors import ConfigError
from watcher.pace import NO_MORE, brake
from watcher.store import Store, Transaction
from watcher.store.accounts import BLIND_AFTER, AccountState

log = structlog.get_logger(__name__)

_PROBE = timedelta(hours=1)
_LONGEST = timedelta(minutes=30)
# How long a source rests whose platform says that what it allows is used, but not until when: limits are an hour's.
_REST, _LONGEST_REST = timedelta(minutes=15), timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Polled:
    """How one poll went: new versions, and whether more waits."""

    new: int = 0
    more: bool = False


class Poller:
    """Reads accounts, one page a call."""

    def __init__(
        self,
        store: Store,
        connector_of: Callable[[Account], Connector],
        token_of: Callable[[str], str | None],
        budget: Budget | None = None,
    ) -> None:
        """Put the parts together; without a budget nothing is counted."""
        self._store = store
        self._budget = budget
        self.connector_of = connector_of
        self._token_of = token_of
        self._resting: dict[str, datetime] = {}

    def poll(self, state: AccountState, now: datetime) -> Polled:
        """Read one page and store it with its cursor; errors are noted with when to try again.

        Raises:
            StoreError: nothing was written.
        """
        name = state.account.name
        bill: Bill | None = None
        try:
            account = self.with_token(state)
            with self.paying(account, now) as bill:
                page = self.connector_of(account).fetch(account, state.cursor)
        except (ConnectorError, ConfigError) as error:
            return self._failed(state, error, now, bill)
        new = self._store.accounts.succeeded(
            state,
            page,
            now,
            self._store.retention.posts_days,
            next_in=lambda new: self._pause(state, new, now) * _brake(bill),
            also=lambda connection, new: self.settle(connection, bill, page, new, now),
        )
        log.info("polled", account=name, posts=len(page.posts), new=new, more=page.more, gaps=len(page.gaps))
        return Polled(new=new, more=page.more)

    def with_token(self, state: AccountState) -> Account:
        """The account with what the platform lets it read with.

        Raises:
            ConfigError: it is not there.
        """
        return replace(state.account, token=self._token_of(state.account.name))

    def has_room(self, state: AccountState, now: datetime) -> bool:
        """Whether reading what is new leaves enough of the budget for looking at what is old."""
        return self._budget is None or self._budget.has_room(state.account, now)

    def paying(
        self, account: Account, now: datetime, *, again: int | None = None
    ) -> AbstractContextManager[Bill | None]:
        """Everything asked inside is paid for beforehand; ``again`` is how many known posts are asked for.

        Raises:
            RateLimitedError: a cap leaves nothing for it, or the platform said that it has given nearly all it will.
        """
        until = self._resting.get(account.name)
        if until is not None and now < until:
            raise RateLimitedError("the platform says that nearly all of what it allows is used for now", until)
        return self._budget.reading(account, now, again=again) if self._budget else nullcontext()

    def room_again(self, account: Account, now: datetime) -> int | None:
        """How many known posts may be paid for a second time now; ``None`` where that is not counted."""
        return self._budget.room_again(account, now) if self._budget else None

    def settle(self, connection: Transaction, bill: Bill | None, page: Page | None, new: int, now: datetime) -> None:
        """Write what a reading came to, in the transaction that stores what it brought."""
        if self._budget is not None:
            self._budget.settle(connection, bill, page, new, now)
        if bill is not None:
            self._rest(bill, now)

    def _rest(self, bill: Bill, now: datetime) -> None:
        """Leave an account alone for a while where its platform says that nearly all of what it allows is used."""
        self._resting.pop(bill.purse.account, None)
        if bill.meter is not None and bill.meter.used >= NO_MORE:
            self._resting[bill.purse.account] = min(bill.meter.regained or now + _REST, now + _LONGEST_REST)

    def _pause(self, state: AccountState, new: int, now: datetime) -> timedelta:
        """The time until an account is read again, by the clock where its school is."""
        if self._budget is None:
            return timedelta(seconds=state.every_s)
        local = now.astimezone(ZoneInfo(self._budget.zone_of(state.account)))
        return self._budget.pace(state, now).interval(local, new)

    def _failed(
        self, state: AccountState, error: ConnectorError | ConfigError, now: datetime, bill: Bill | None
    ) -> Polled:
        permanent = isinstance(error, (PermanentError, ConfigError))
        next_at = next_try(state, error, now)
        self._store.accounts.failed(
            state,
            f"{_kind(error)}: {error}",
            permanent=permanent,
            next_at=next_at,
            now=now,
            also=lambda connection, _new: self.settle(connection, bill, None, 0, now),
        )
        log.warning("poll_failed", account=state.account.name, error=type(error).__name__, next_at=next_at.isoformat())
        return Polled()


def _brake(bill: Bill | None) -> float:
    return 1.0 if bill is None or bill.meter is None else brake(bill.meter.used)


def _kind(error: Exception) -> str:
    """The name that says what to do: a platform's own kind of error goes by the one that it refines."""
    homes = ("connectors.errors", "watcher.errors")
    return next((kind.__name__ for kind in type(error).__mro__ if kind.__module__ in homes), type(error).__name__)


def next_try(state: AccountState, error: Exception, now: datetime) -> datetime:
    """When to try again: at the platform's own word, in an hour for what a person must mend, else ever later."""
    every = timedelta(seconds=state.every_s)
    if isinstance(error, RateLimitedError) and error.retry_at is not None:
        # A platform's clock may be wrong: not at once, and not next year.
        return min(max(error.retry_at, now + timedelta(seconds=1)), now + timedelta(days=1))
    if not isinstance(error, TransientError) and state.failures + 1 >= BLIND_AFTER:
        return now + max(_PROBE, every)
    longer: timedelta = min(every * int(2 ** min(state.failures, 6)), max(_LONGEST, every))
    return now + longer * random.uniform(0.8, 1.2)  # noqa: S311 - jitter keeps sources apart, it guards nothing
