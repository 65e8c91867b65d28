"""Reading by hand, by a command, is paid from the same caps as the service's own readings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from connectors.post import Account, Page
from connectors.tariff import TARIFFS
from watcher.budget import Budget, is_counted
from watcher.config import Settings
from watcher.errors import StoreError
from watcher.store import Store

_SEEN = Page(posts=(), cursor=None)
_NO_LEDGER = (
    "account {name!r} is not read: what it costs is counted in the database, and there is none of this version yet; "
    "run `watcher migrate` first"
)


class Outlay:
    """Pays for what commands read; without a store there is nothing to count in, so what has a price or a cap waits."""

    def __init__(self, settings: Settings, find: Callable[[], Store | None], clock: Callable[[], datetime]) -> None:
        self._settings, self._find, self._clock = settings, find, clock
        self._budget: Budget | None = None
        self._store: Store | None = None
        self._looked = False

    @contextmanager
    def reading(self, account: Account) -> Iterator[None]:
        """Everything asked inside is reserved beforehand and settled at the end, whatever came of it.

        Raises:
            SpentError: a cap leaves nothing for it.
            StoreError: the store is there and cannot be used; or there is none, and reading costs money or has a cap.
        """
        # What counts nothing needs no store, which may be broken just when the doctor is asked.
        budget, store = self._open() if is_counted(account) else (None, None)
        if budget is None or store is None:
            if self._is_bounded(account):
                raise StoreError(_NO_LEDGER.format(name=account.name))
            yield
            return
        try:
            with self._paid(budget, store, account):
                yield
        finally:
            store.close()  # its connections; the next reading opens new ones

    @contextmanager
    def _paid(self, budget: Budget, store: Store, account: Account) -> Iterator[None]:
        now = self._clock()
        page = None
        with budget.reading(account, now) as bill:
            try:
                yield
                page = _SEEN
            finally:
                with store.writing() as connection:
                    budget.settle(connection, bill, page, 0, now)

    def _is_bounded(self, account: Account) -> bool:
        """Whether an account's readings may not go uncounted: they cost money, or the operator wrote a cap for them.

        An address of the operator's own is a test server or a proxy: there only a written budget counts.
        """
        if not is_counted(account):
            return False
        budget, priced = self._settings.budget, TARIFFS[account.platform].dollars_post > 0
        if any(cap.platform == account.platform for cap in budget.caps):
            return True
        return priced and (account.base_url is None or "monthly_pounds" in budget.model_fields_set)

    def _open(self) -> tuple[Budget | None, Store | None]:
        if not self._looked:
            self._looked = True
            self._store = self._find()
            self._budget = None if self._store is None else Budget(self._settings, self._store)
        return self._budget, self._store
