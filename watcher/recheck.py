"""Checking again: what was stored is asked for at its source, so that edits are read and deletions are honoured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import structlog

from connectors.connector import Rechecker
from connectors.errors import ConnectorError, RateLimitedError, TransientError
from connectors.post import Page, Post
from watcher.errors import ConfigError
from watcher.freshness import check_after, check_at
from watcher.polling import Poller
from watcher.store import Store
from watcher.store.accounts import AccountState
from watcher.store.rechecks import Check

log = structlog.get_logger(__name__)

# As many as one request of the most generous platforms takes.
BATCH = 100
_SOON, _LATER = timedelta(hours=1), timedelta(hours=12)
# A post that is gone is asked for once a day until it is deleted here: a platform may have been wrong.
_GONE = timedelta(days=1)
_GIVEN_UP = timedelta(days=8)
# Where each asking is paid, what there was no room for is let be after this long.
_LET_BE = timedelta(days=10)


class Checker:
    """Looks at stored posts again, a batch an account, never at the cost of reading what is new."""

    def __init__(self, store: Store, poller: Poller) -> None:
        self._store, self._poller = store, poller
        self._let_go_at: datetime | None = None

    def begin(self, now: datetime) -> int:
        """Make due what could not be asked for before; how many posts."""
        return self._store.rechecks.schedule(self._askable(self._store.accounts.all(now)).keys(), now)

    def check(self, now: datetime, limit: int = 5 * BATCH, going: Callable[[], bool] = lambda: True) -> int:
        """Ask again for the posts whose time has come, a batch an account, while ``going``; how many were asked for."""
        states = self._store.accounts.all(now)
        askable = self._askable(states)
        groups: dict[str, list[Check]] = {}
        unasked: list[Check] = []
        for check in self._store.rechecks.due(askable.keys(), now, limit):
            state = _asker(check, askable.get(check.post.platform, ()))
            if state is None:
                unasked.append(check)
            else:
                groups.setdefault(state.account.name, []).append(check)
        if unasked:
            # Nobody reads that place any more, so nobody may ask.
            self._store.rechecks.put_off(unasked, None)
        by_name = {state.account.name: state for state in states}
        asked = 0
        for name, checks in groups.items():
            if going():
                asked += self._ask(by_name[name], self._affordable(by_name[name], checks, now), now)
        return asked

    def _affordable(self, state: AccountState, checks: Sequence[Check], now: datetime) -> Sequence[Check]:
        """A batch of them; where each asking is paid, those that are free today and the gravest that there is room for.

        The others wait for room; what has waited too long is let be.
        """
        room = self._poller.room_again(state.account, now)
        if room is None:
            return checks[:BATCH]
        free = [check for check in checks if _is_free(check, now)]
        late = [check for check in checks if check not in free and now - check.first_seen_at > _LET_BE]
        paid = [check for check in checks if check not in free and check not in late]
        paid.sort(key=lambda check: -check.severity)
        self._store.rechecks.put_off(late, None)
        self._store.rechecks.put_off(paid[room:], now + _LATER)
        return [*free, *paid[:room]][:BATCH]

    def _askable(self, states: Sequence[AccountState]) -> dict[str, list[AccountState]]:
        """For each platform the accounts through which its posts can be asked for, the schools' own first."""
        found: dict[str, list[AccountState]] = {}
        for state in sorted(states, key=lambda s: not s.account.official):
            try:
                connector = self._poller.connector_of(state.account)
            except (ConnectorError, ConfigError, KeyError):
                continue
            if isinstance(connector, Rechecker):
                found.setdefault(state.account.platform, []).append(state)
        return found

    def _ask(self, state: AccountState, checks: Sequence[Check], now: datetime) -> int:
        if not checks:
            return 0
        if state.blind_since is not None or state.failures:
            # What cannot be read cannot be checked either, and nothing is deleted because a token has ended.
            self._store.rechecks.put_off(checks, now + _SOON)
            return len(checks)
        if not self._poller.has_room(state, now):
            self._store.rechecks.put_off(checks, now + _LATER)
            return len(checks)
        found: dict[tuple[str, str, str], Post | None] = {}
        failure: ConnectorError | ConfigError | None = None
        bill = None
        try:
            account = self._poller.with_token(state)
            connector = self._poller.connector_of(account)
            with self._poller.paying(account, now, again=len(checks)) as bill:
                if isinstance(connector, Rechecker):
                    for before, current in connector.recheck(account, [check.post for check in checks]):
                        found[before.key] = current
        except (ConnectorError, ConfigError) as error:
            failure = error
            log.warning("recheck_failed", account=state.account.name, error=type(error).__name__)
        page, new = _bought(checks, found, now)
        with self._store.writing() as connection:
            edited = gone = 0
            for check in checks:
                if check.post.key not in found:
                    self._store.rechecks.left_out(connection, check, _again(check, failure, now))
                elif (current := found[check.post.key]) is None:
                    self._store.rechecks.gone(connection, check, _until_deleted(check, now), now)
                    gone += 1
                else:
                    edited += self._store.rechecks.seen(connection, check, current, _next(check, now), now)
            self._poller.settle(connection, bill, page if found or failure is None else None, new, now)
        log.info("rechecked", account=state.account.name, asked=len(checks), edited=edited, gone=gone)
        return len(checks)

    def let_go(self, now: datetime) -> int:
        """Keep within the platforms' storage limits, once an hour; how many versions lost their text or author."""
        if self._let_go_at is not None and timedelta(0) <= now - self._let_go_at < _SOON:
            return 0
        self._let_go_at = now
        done = self._store.storage.honour(now)
        if done:
            log.info("storage_limits", erased=done)
        return done


def _asker(check: Check, states: Sequence[AccountState]) -> AccountState | None:
    """The account to ask through: one that brought the post; a school's own before others."""
    return next((state for state in states if state.account.name in check.accounts), None)


def _age(check: Check, now: datetime) -> timedelta:
    said = check.post.created_at
    return now - (check.first_seen_at if said is None or said > now else said)


def _is_free(check: Check, now: datetime) -> bool:
    """Whether a platform that charges for a post once in a UTC day has charged for it today."""
    return (check.rechecked_at or check.first_seen_at).astimezone(UTC).date() == now.astimezone(UTC).date()


def _next(check: Check, now: datetime) -> datetime | None:
    of = check.post
    return check_at(of.platform, of.id, check.first_seen_at, _age(check, now), now, in_matter=check.in_matter)


def _again(check: Check, failure: Exception | None, now: datetime) -> datetime | None:
    """When a post of which nothing was said is asked for again."""
    if failure is not None and check.is_paid and now - check.first_seen_at > _LET_BE:
        return None
    if isinstance(failure, RateLimitedError) and failure.retry_at is not None:
        return min(max(failure.retry_at, now + timedelta(minutes=1)), now + timedelta(days=1))
    if isinstance(failure, TransientError):
        return now + _SOON
    if check.is_paid:
        return now + _LATER if failure is not None else _next(check, now)
    return now + max(_LATER, check_after(_age(check, now), check.post.id))


def _until_deleted(check: Check, now: datetime) -> datetime | None:
    if check.is_paid:
        # Once more, as a platform may have been wrong; it costs nothing where it was right.
        return None if check.gone_at is not None else now + _GONE
    return None if check.gone_at is not None and now - check.gone_at > _GIVEN_UP else now + _GONE


def _bought(checks: Sequence[Check], found: dict[tuple[str, str, str], Post | None], now: datetime) -> tuple[Page, int]:
    """The posts that an asking brought, as the ledger counts them, and how many of them count as new.

    Where each post is paid they were paid for twice, but for those of which the platform charges nothing today.
    """
    counted = any(check.is_paid for check in checks)
    keys = {check.post.key for check in checks if not (counted and _is_free(check, now))}
    posts = tuple(post for key, post in found.items() if post is not None and key in keys)
    return Page(posts=posts, cursor=None), 0 if counted else len(posts)
