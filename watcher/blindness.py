"""Blind spots: sources that cannot be read, or have fallen silent, and mailboxes that take nothing, as incidents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from alerts import incident as grouping
from alerts.incident import Incident
from alerts.policy import Pack
from alerts.school import School
from alerts.wording import counted, long_day
from watcher.habit import LEAST, Silence, silence
from watcher.reference import random_reference
from watcher.remedy import remedy
from watcher.store import Store
from watcher.store.accounts import AccountState
from watcher.terms import MARK, base_of

log = structlog.get_logger(__name__)

# What the key of a silent source begins with, among the faults.
SILENT = "silence of "
_LOOKED_AT = timedelta(hours=1)
# A folder of old files is read once, and brings nothing any more by nature.
NEVER_SILENT = ("archive", "report")


def silent_sources(store: Store) -> tuple[str, ...]:
    """The sources that are read and have fallen silent, as long as nobody has closed the matter."""
    return tuple(sorted(f.removeprefix(SILENT) for f in store.incidents.faults() if f.startswith(SILENT)))


class Faults:
    """Opens and ends the incidents of whatever keeps Watcher from seeing or telling."""

    def __init__(self, store: Store, pack_of: Callable[[str], Pack]) -> None:
        self._store, self._pack_of = store, pack_of
        self._looked_at: datetime | None = None

    def watch(self, now: datetime) -> int:
        """Make a blind source an incident, and end the incident of one that sees again; how many changed.

        What is blind stands in the accounts' own rows, so a crash in between loses nothing: the next round sees it.
        However many queries a search is read as, it is one matter: they share a token and a server.
        """
        states = {state.account.name: state for state in self._store.accounts.all()}
        blind = {base_of(name): name for name, state in reversed(states.items()) if state.blind_since is not None}
        known = self._store.incidents.faults()
        new = sorted(blind.keys() - set(map(base_of, known)))
        for base in new:
            self._open_blind_spot(states[blind[base]], now)
        read = set(map(base_of, states))
        seeing = sorted(name for name in known if base_of(name) in read and base_of(name) not in blind)
        for name in seeing:
            self._store.incidents.end_fault(name, now)
        return len(new) + len(seeing) + self._watch_silence(states, known, now)

    def open(self, what: str, school: School, why: str, now: datetime) -> None:
        """Open the incident of a fault unless it is open."""
        route = self._pack_of(school.pack).route("blind_spot")

        def make() -> Incident:
            return Incident(
                reference=random_reference(),
                school=school.id,
                state="open",
                concerns=("blind_spot",),
                severity=grouping.severity("blind_spot"),
                recipients=route.recipients,
                opened_at=now,
                last_flag_at=now,
            )

        self._store.incidents.start_fault(what, make, why, now)

    def _open_blind_spot(self, state: AccountState, now: datetime) -> None:
        account, school = state.account, self._school_of(state)
        if school is None:
            log.error("blind_without_school", account=account.name)
            return
        found = remedy(account.platform, account.name, state.last_error or "")
        self.open(account.name, school, f"{found.what.rstrip('.')}. {found.do}", now)

    def _school_of(self, state: AccountState) -> School | None:
        schools = self._store.register.all().schools
        named = [s for s in schools if s.id == state.account.school]
        # A search shared by many schools still has to be somebody's to mend.
        return next(iter(named or schools), None)

    def _watch_silence(self, states: dict[str, AccountState], known: frozenset[str], now: datetime) -> int:
        """The same for sources that are read and bring nothing any more, each silence told once; every hour."""
        if self._looked_at is not None and timedelta(0) <= now - self._looked_at < _LOOKED_AT:
            return 0
        self._looked_at = now
        changed = 0
        for name, state in states.items():
            open_now = f"{SILENT}{name}" in known
            found = None if self._cannot_tell(state) else self._silence(state, now)
            if open_now and found is None and not state.failures:
                self._store.incidents.end_fault(f"{SILENT}{name}", now, "the source brings posts again")
                changed += 1
            elif found is not None and not open_now:
                changed += self._tell_of_silence(state, found, now)
        return changed

    def _cannot_tell(self, state: AccountState) -> bool:
        unread = state.failures > 0 or state.last_success_at is None or state.caught_up_at is None
        # One of many queries for a rare word may find nothing for months.
        return unread or state.account.platform in NEVER_SILENT or MARK in state.account.name

    def _silence(self, state: AccountState, now: datetime) -> Silence | None:
        if state.last_new_at is not None and now - state.last_new_at < LEAST:
            return None
        return silence(self._store.posts.times(state.account.name), now)

    def _tell_of_silence(self, state: AccountState, found: Silence, now: datetime) -> bool:
        name, school = state.account.name, self._school_of(state)
        told = self._store.recall(f"silent:{name}")
        since = found.since.isoformat()
        if school is None or (told is not None and told[0] == since):
            return False
        days = max(round(found.usual.total_seconds() / 86400), 1)
        why = (
            f"it is read without an error and has brought nothing since {long_day(found.since, school.timezone)}, "
            f"though before something came every {counted(days, 'day') if days > 1 else 'day'}. Please look at it in a "
            "browser: if the account is still in use, check its target and what the token may read; if it was moved, "
            "write its new name into the settings; if nobody uses it any more, close this matter."
        )
        self.open(f"{SILENT}{name}", school, why, now)
        self._store.remember(f"silent:{name}", since, now)
        return True
