"""Why a source is blind may change while its matter is open: then the matter says so, and what to do now."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import structlog

from watcher.remedy import Remedy, remedy
from watcher.store import Store
from watcher.store.accounts import AccountState
from watcher.terms import base_of

log = structlog.get_logger(__name__)


class Reasons:
    """Writes into the open matters of blind sources what has come to be wrong with them since."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # What is to be done, as each source's matters say it, lest the store be asked for it every round.
        self._told: dict[str, frozenset[str]] = {}

    def watch(self, now: datetime) -> int:
        """Note in each open matter that something else is to be done than it says; how many matters.

        What passes by itself is nothing new: a platform is out of order for an hour, and the token is as dead as
        before. Of the many queries that a search is read as, any whose reason is told already speaks for all.
        """
        blind: dict[str, list[Remedy]] = defaultdict(list)
        for state in self._store.accounts.all():
            if state.blind_since is not None and state.permanent:
                blind[base_of(state.account.name)].append(_mend(state))
        self._told = {base: said for base, said in self._told.items() if base in blind}
        changed = {base: ways for base, ways in blind.items() if self._told.get(base) != _to_do(ways)}
        noted = 0
        for name in self._store.incidents.faults() if changed else ():
            ways = changed.get(base_of(name))
            if ways and self._store.incidents.change_fault(name, told(ways[0]), _to_do(ways), now):
                log.info("blind_for_another_reason", account=name)
                noted += 1
        self._told |= {base: _to_do(ways) for base, ways in changed.items()}
        return noted


def told(found: Remedy) -> str:
    """What is wrong and what to do, as one line."""
    return f"{found.what.rstrip('.')}. {found.do}"


def _to_do(ways: list[Remedy]) -> frozenset[str]:
    return frozenset(way.do for way in ways)


def _mend(state: AccountState) -> Remedy:
    account = state.account
    return remedy(account.platform, base_of(account.name), state.last_error or "", account)
