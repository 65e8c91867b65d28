"""Whether the service lives and sees: from the store alone for ``status``, by trying everything for ``doctor``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from alerts.channel import Knocker
from alerts.errors import AlertError
from alerts.viewer import PROVIDER
from alerts.wording import counted
from classifiers.errors import ClassifierError
from connectors.errors import ConnectorError
from connectors.post import Account
from watcher.app import (
    Connectors,
    disk_of,
    find_store,
    is_alive,
    is_made,
    open_channel,
    open_store,
    place_of,
    tokens_at_hand,
)
from watcher.blindness import NEVER_SILENT, PART, lack, parts, silent_sources
from watcher.check import problems
from watcher.config import Settings
from watcher.enrolment import account_of
from watcher.errors import StoreError, WatcherError
from watcher.granted import permissions
from watcher.looking import search_refusal, timeline_refusal
from watcher.permission import ask
from watcher.portrait import profile_rows
from watcher.probe import trouble
from watcher.remedy import remedy
from watcher.store import Store
from watcher.store.accounts import SILENT_AFTER, AccountState
from watcher.terms import Reading, base_of, readings
from watcher.trial import approved_by, frugal, off, tried, ungranted
from watcher.versions import Choice, open_models

# Mail that has waited this long is mail that nobody reads.
LATE = timedelta(seconds=60)
QUIET = timedelta(days=7)
# How far back gaps are told of.
SHOWN = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Health:
    """What ``watcher status`` tells: well only when the service ticks, sources are read and no mail is late.

    ``unread`` was never read, and ``starved`` has waited for its budget, for hours. Of the sources in ``partly`` a part
    cannot be read, with what to do; ``heeded`` are those of them whose matter somebody has closed. ``ahead`` were put
    off by a clock that ran ahead.
    """

    alive: bool
    sources: int
    blind: tuple[str, ...]
    failing: tuple[str, ...]
    waiting_posts: int
    open_incidents: int
    pending_notices: int
    oldest_notice_s: int | None
    refused_addresses: int
    last_purge: datetime | None
    overdue_rows: int
    disk_full: bool = False
    untold: tuple[str, ...] = ()
    probe: str | None = None
    silent: tuple[str, ...] = ()
    saving: tuple[str, ...] = ()
    quiet: tuple[str, ...] = ()
    missing: int = 0
    remedies: dict[str, str] = field(default_factory=dict)
    off: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    starved: tuple[str, ...] = ()
    partly: dict[str, str] = field(default_factory=dict)
    heeded: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    policies: dict[str, str] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Whether nothing needs the operator."""
        late = self.oldest_notice_s is not None and self.oldest_notice_s > LATE.total_seconds()
        trouble = self.blind or late or self.refused_addresses or self.disk_full or self.untold
        # One failed poll is tried again by itself; where most fail, nobody may take silence for quiet.
        most = 2 * len(self.failing) > self.sources - len(self.off)
        unseen = self.policies or self.unread or self.starved or self.ahead or self.partly.keys() - set(self.heeded)
        return self.alive and not (trouble or self.probe or most or unseen)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        plain = asdict(self) | {"well": self.is_well}
        plain["last_purge"] = None if self.last_purge is None else self.last_purge.isoformat()
        return plain

    def lines(self) -> Iterator[str]:
        """For a person, the worst first."""
        if not self.alive:
            yield "NOT RUNNING: no sign of life in the last 30 seconds; start `watcher run`"
        for reference in self.untold:
            yield f"NOBODY TOLD: {reference} has reached nobody; see `watcher incidents {reference}` and the log"
        if self.probe is not None:
            yield f"TEST FAILED: {self.probe}"
        if self.disk_full:
            yield "DISK FULL: less than 5 % is free and polling has stopped; free some room"
        yield from (f"POLICY REFUSED: {name}: {why}" for name, why in self.policies.items())
        for name in self.blind:
            yield f"BLIND: {name} cannot be read; {self.remedies.get(name) or 'see /sources or `watcher doctor`'}"
        for name, why in self.partly.items():
            yield f"{'in part' if name in self.heeded else 'BLIND IN PART'}: {name} is read but for this: {why}"
        if self.ahead:
            yield f"CLOCK: it went backwards, and these wait for the time before: {', '.join(self.ahead)}"
        for name in self.unread:
            yield f"NEVER READ: {name} has not been read once since it was added; see /sources or `watcher doctor`"
        if self.refused_addresses:
            yield f"REFUSED: {self.refused_addresses} addresses do not take our mail"
        if self.oldest_notice_s is not None and self.oldest_notice_s > LATE.total_seconds():
            yield f"MAIL WAITS: {self.pending_notices} notices, the oldest for {self.oldest_notice_s} s"
        for name in self.failing:
            yield f"failing: {name} failed at its last poll and is tried again"
        yield from self._sources()
        for name in self.off:
            yield f"off: {name} waits for its platform's approval to be recorded; see /sources or `watcher doctor`"
        yield f"{'well' if self.is_well else 'not well'}: {self.sources} sources, {self.waiting_posts} posts to read"
        yield f"{self.open_incidents} open incidents, {self.pending_notices} notices to send"

    def _sources(self) -> Iterator[str]:
        """What is no fault of the service and yet may keep something from being seen."""
        for name in self.silent:
            yield f"SILENT: {name} is read without an error and has brought nothing for unusually long; please look"
        for name in self.saving:
            yield f"waits: {name} can be read, and waits for its budget; see `watcher budget`"
        if self.missing:
            stretches = counted(self.missing, "stretch", "stretches")
            yield f"missing: {stretches} of time that a platform did not give; see `watcher gaps`"
        if self.quiet:
            yield f"quiet: read without an error, and nothing new in a week: {', '.join(self.quiet)}"


def look(store: Store, now: datetime) -> Health:
    """What the store tells about the service."""
    states = store.accounts.all(now)
    pending, oldest = store.notices.pending()
    purged = store.purge.last()
    disk = disk_of(store)
    silent = silent_sources(store)
    lacks = {name: lack(found) for name, found in parts(store, states).items()}
    open_faults = {base_of(fault) for fault in store.incidents.faults()} if lacks else set()
    return Health(
        alive=is_alive(store, now),
        sources=len(states),
        blind=tuple(s.account.name for s in states if s.blind_since is not None),
        failing=tuple(s.account.name for s in states if s.failures and s.blind_since is None and not _waits(s)),
        waiting_posts=store.posts.waiting(),
        open_incidents=store.views.open_count(PROVIDER),
        pending_notices=pending,
        oldest_notice_s=None if oldest is None else int((now - oldest).total_seconds()),
        refused_addresses=len(store.notices.refused_addresses(now)),
        last_purge=None if purged is None else purged[0],
        overdue_rows=sum(store.purge.overdue(now - timedelta(hours=24)).values()),
        untold=store.views.untold(PROVIDER),
        probe=trouble(store, now),
        silent=silent,
        saving=tuple(s.account.name for s in states if s.is_saving and s.blind_since is None),
        quiet=tuple(s.account.name for s in states if _is_quiet(s, now) and s.account.name not in silent),
        missing=store.gaps.unfilled(now - SHOWN),
        remedies={
            s.account.name: _mend(s.account, s.last_error) for s in states if s.blind_since is not None and s.last_error
        },
        off=tuple(s.account.name for s in states if s.off is not None),
        unread=tuple(s.account.name for s in states if _is_unread(s, now)),
        starved=tuple(s.account.name for s in states if _is_starved(s, now)),
        partly=lacks,
        heeded=tuple(n for n in lacks if f"{PART}{n}" not in open_faults and store.recall(f"{PART}{n}") is not None),
        ahead=tuple(s.account.name for s in states if s.is_ahead(now)),
        policies={p.name: f"version {p.version} stays in force; {p.refused}" for p in store.packs.refused()},
        disk_full=disk is not None and disk.is_tight(),
    )


def _mend(account: Account, error: str) -> str:
    """What is wrong with a blind source, and what to do."""
    found = remedy(account.platform, base_of(account.name), error, account)
    return f"{found.what.rstrip('.')}. {found.do}"


def _waits(state: AccountState) -> bool:
    """Whether a source is well and waits: for an approval, or for its budget."""
    return state.off is not None or state.is_saving


def _is_unread(state: AccountState, now: datetime) -> bool:
    """Whether a source was never read in all the time that one may fail "for now", and nothing else says why."""
    told = state.off is not None or state.is_saving or state.blind_since is not None
    return not told and state.last_success_at is None and now - state.added_at > SILENT_AFTER


def _is_starved(state: AccountState, now: datetime) -> bool:
    """Whether a source has waited for its budget longer than one may fail "for now"."""
    if state.off is not None or not state.is_saving or state.blind_since is not None:
        return False
    since = state.last_attempt_at or state.added_at
    if state.last_success_at is None:
        since = state.added_at
    elif state.failures > 1:
        # Refused before: it has waited since it was due.
        since = min(since, state.last_success_at + timedelta(seconds=state.every_s))
    return now - since > SILENT_AFTER


def _is_quiet(state: AccountState, now: datetime) -> bool:
    """Whether a source is read without an error and has brought nothing new in a week: quiet, and not blind."""
    read = state.last_success_at is not None and not state.failures and state.off is None
    return read and state.account.platform not in NEVER_SILENT and now - (state.last_new_at or state.added_at) > QUIET


def try_all(settings: Settings, now: datetime) -> Iterator[dict[str, Any]]:
    """Try settings, database, models, mail and every account; a row each, with what to do where one fails.

    Of a search that is read as many, the first is tried. What is looked for is that of the day of ``now``.
    """
    found = tuple(problems(settings))
    yield {"what": "settings", "ok": not found, "detail": "; ".join(found)}
    yield _try("database", lambda: _database(settings))
    yield _try("models", lambda: _models(settings))
    yield _try("mail", lambda: _knock(settings))
    connectors = Connectors(settings, tokens_at_hand(settings))
    first = {reading.key: reading for reading in reversed(tuple(readings(settings, now.date())))}
    approved = approved_by(settings, now.date())
    for reading in reversed(first.values()):
        what = f"account {reading.row.name}"
        row = reading.row
        refusal = timeline_refusal(reading.key, row) or search_refusal(settings, reading.key, row)
        unread = refusal or off(row, approved)
        yield _failed(what, unread) if unread else _account(what, connectors, reading)
        if not unread:
            yield from profile_rows(settings, connectors, reading)
    yield from granted_rows(settings, now)


def _account(what: str, connectors: Connectors, reading: Reading) -> dict[str, Any]:
    """Each read of an account by itself: one that lacks a permission hides no other."""
    try:
        account = connectors.with_token(account_of(reading.row))
        why = ungranted(account, wholly=True)
        if why is not None:
            return _failed(what, why)
        with connectors.by_hand.reading(account):
            ok, detail = tried(frugal(reading.row) or connectors.of(account), account)
    except (WatcherError, ConnectorError) as error:
        return _failed(what, f"{type(error).__name__}: {error}")
    return {"what": what, "ok": ok, "detail": detail}


def granted_rows(settings: Settings, now: datetime) -> Iterator[dict[str, Any]]:
    """A row for each permission that an owner has given: by whom, and whether somebody has to act."""
    tokens = tokens_at_hand(settings)
    if tokens is None:
        return
    for one in permissions(settings, tokens.granted(), now):
        if one.granted is not None:
            end = f", ends {one.ends:%d %B %Y}" if one.ends else ""
            detail = f"{one.state}; given by {one.owner} on {one.granted:%d %B %Y}{end}"
            if not one.is_well:
                detail += f"; {ask(one.owner or 'its owner', one.platform, one.account)}"
            yield {"what": f"permission {one.account}", "ok": one.is_well, "detail": detail}


def _database(settings: Settings) -> str:
    store = open_store(settings)
    if not is_made(store):
        return f"{place_of(store)} is not made yet; `watcher run` makes it"
    find_store(settings)
    return place_of(store)


def _models(settings: Settings) -> str:
    """The models that read, or would read: as chosen in the store where there is one."""
    store = open_store(settings)
    try:
        is_there = is_made(store) and store.is_current()
    except StoreError:
        is_there = False
    found = Choice(settings, store).load() if is_there else open_models(settings)
    return ", ".join(f"{model.name}@{model.version}" for model in found)


def _knock(settings: Settings) -> str:
    channel = open_channel(settings)
    return channel.knock() if isinstance(channel, Knocker) else "this channel can only be tried by sending"


def _failed(what: str, why: str) -> dict[str, Any]:
    return {"what": what, "ok": False, "detail": why}


def _try(what: str, do: Callable[[], str]) -> dict[str, Any]:
    try:
        detail = do()
    except (WatcherError, AlertError, ClassifierError, ConnectorError) as error:
        return _failed(what, f"{type(error).__name__}: {error}")
    return {"what": what, "ok": True, "detail": detail}
