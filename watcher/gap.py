"""Filling gaps: what a platform did not give when it was time is asked for once more, page by page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from connectors.connector import Backfiller
from connectors.errors import ConnectorError, RateLimitedError
from watcher.errors import ConfigError
from watcher.polling import Poller
from watcher.store import Store, Transaction
from watcher.store.accounts import AccountState
from watcher.store.gaps import Missing

log = structlog.get_logger(__name__)

TRIES = 5
_PAUSE = timedelta(minutes=10)
_LATER = timedelta(hours=1)
# What has not been filled by then never ends; reading on would only use up the budget.
_LONGEST = timedelta(days=7)
_NEVER = "this platform gives nothing of the past"


class Filler:
    """Fills gaps, one page of each at a time, never at the cost of reading what is new."""

    def __init__(self, store: Store, poller: Poller) -> None:
        self._store, self._poller = store, poller

    def fill(self, now: datetime, limit: int = 20, going: Callable[[], bool] = lambda: True) -> int:
        """Go on with the gaps whose time has come, while ``going``; how many pages were read."""
        states = {state.account.name: state for state in self._store.accounts.all(now)}
        due = self._store.gaps.due(now, limit)
        return sum(self._fill(one, states[one.account], now) for one in due if one.account in states and going())

    def _fill(self, missing: Missing, state: AccountState, now: datetime) -> int:
        try:
            connector = self._poller.connector_of(state.account)
        except (ConnectorError, ConfigError, KeyError):
            self._later(missing, now + _LATER)
            return 0
        if not isinstance(connector, Backfiller) or missing.gap.start is None:
            self._give_up(missing, _NEVER)
            return 0
        if now - missing.at > _LONGEST:
            self._give_up(missing, missing.fill_why or "it could not be filled within a week")
            return 0
        if state.failures or not self._poller.has_room(state, now):
            # A source that cannot be read, or whose budget is short, gives nothing of the past either.
            self._later(missing, now + _LATER)
            return 0
        return self._page(missing, connector, state, now)

    def _page(self, missing: Missing, connector: Backfiller, state: AccountState, now: datetime) -> int:
        since, until = missing.gap.start or missing.at, missing.gap.end or missing.at
        bill = None
        try:
            account = self._poller.with_token(state)
            with self._poller.paying(account, now) as bill:
                page = connector.backfill(account, since, until, missing.cursor)
        except (ConnectorError, ConfigError) as error:
            # What it came to and what it cost are written together, or neither is.
            with self._store.writing() as connection:
                self._failed(connection, missing, error, now)
                self._poller.settle(connection, bill, None, 0, now)
            return 0
        if page.more and page.cursor is not None and page.cursor == missing.cursor:
            # A platform that repeats its page brings no more by being asked again.
            stuck = replace(missing.gap, why="the platform repeats one page of it")
            page = replace(page, cursor=None, more=False, gaps=(*page.gaps, stuck))
        with self._store.writing() as connection:
            new = self._store.gaps.brought(connection, missing, page, now, now)
            self._store.accounts.set_aside(connection, missing.account, page, now)
            self._poller.settle(connection, bill, page, new, now)
        log.info("filled", account=missing.account, posts=len(page.posts), new=new, more=page.more)
        return 1

    def _failed(
        self, connection: Transaction, missing: Missing, error: ConnectorError | ConfigError, now: datetime
    ) -> None:
        gaps = self._store.gaps
        log.warning("fill_failed", account=missing.account, error=type(error).__name__)
        if isinstance(error, RateLimitedError):
            until = min(max(error.retry_at or now, now + _PAUSE), now + timedelta(days=1))
            gaps.put_off(connection, missing, until, tried=False)
        elif missing.tries + 1 >= TRIES:
            log.info("gap_stays", account=missing.account)
            gaps.give_up(connection, missing, f"tried {TRIES} times in vain; last: {error}")
        else:
            gaps.put_off(connection, missing, now + _PAUSE * 2**missing.tries, tried=True)

    def _later(self, missing: Missing, until: datetime) -> None:
        with self._store.writing() as connection:
            self._store.gaps.put_off(connection, missing, until, tried=False)

    def _give_up(self, missing: Missing, why: str) -> None:
        log.info("gap_stays", account=missing.account)
        with self._store.writing() as connection:
            self._store.gaps.give_up(connection, missing, why)
