"""What reading may cost: every request is paid for in the ledger before it leaves, and no cap is ever passed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from connectors.errors import RateLimitedError
from connectors.meter import Meter
from connectors.post import Account, Page
from connectors.tariff import CALLS, LOOKUPS, POUNDS, SEARCHES, TARIFFS, Tariff, window
from watcher.config import AccountRow, CapRow, Settings
from watcher.pace import Pace, stretch
from watcher.store import Store, Transaction
from watcher.store.accounts import AccountState
from watcher.store.ledger import Cap, Purse, Refusal, Spent
from watcher.terms import readings

MICRO = 1_000_000
# How often it is worked out anew how far the money reaches.
_FRESH = timedelta(minutes=10)
# Where each server counts for itself, an app is a server.
_BY_SERVER = ("mastodon", "bluesky", "forum", "wordpress")


@dataclass(kw_only=True)
class Bill:
    """One reading's reservations, by unit, and the meter that counted it; unsettled it counts as spent."""

    purse: Purse
    tariff: Tariff
    pounds_per_dollar: float
    rows: dict[str, list[int]] = field(default_factory=dict)
    meter: Meter | None = None

    def amounts(self, posts: int) -> dict[str, int]:
        """What the reading came to, in each reserved unit, having brought so many posts."""
        spent = self.meter.spent if self.meter else {}
        found = {unit: spent.get(unit, 0) for unit in self.rows}
        if LOOKUPS in spent and CALLS in found:
            # A look-up is a request too, and counts towards the limit of requests.
            found[CALLS] += spent[LOOKUPS]
        if POUNDS in self.rows:
            found[POUNDS] = micropounds(self.tariff, posts, spent.get(LOOKUPS, 0), self.pounds_per_dollar)
        return found


def micropounds(tariff: Tariff, posts: int, lookups: int, pounds_per_dollar: float) -> int:
    """The price of so many posts and look-ups, in millionths of a pound, rounded up."""
    return -int(-tariff.dollars(posts, lookups) * pounds_per_dollar * MICRO // 1)


class Budget:
    """Pays for readings out of the caps that platforms set and the operator wrote."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._rows = {reading.row.name: reading.row for reading in readings(settings)}
        self._zones = {school.id: school.timezone for school in settings.schools}
        self._rate = settings.budget.pounds_per_dollar
        self.caps = tuple(caps_of(settings))
        self._guard = threading.Lock()
        self._stretches: dict[str, tuple[datetime, float]] = {}

    def purse_of(self, account: Account) -> Purse:
        """Who pays for an account's readings."""
        row = self._rows.get(account.name)
        return Purse(
            app=app_of(row) if row else account.platform,
            platform=account.platform,
            account=account.name,
            school=account.school,
        )

    @contextmanager
    def reading(self, account: Account, now: datetime) -> Iterator[Bill | None]:
        """Everything asked inside is paid for beforehand; ``None`` where the platform counts nothing.

        Raises:
            RateLimitedError: a cap leaves nothing for it; with when its period ends.
        """
        tariff = TARIFFS.get(account.platform)
        if tariff is None:
            yield None
            return
        bill = Bill(purse=self.purse_of(account), tariff=tariff, pounds_per_dollar=self._rate)
        wants = {CALLS: tariff.calls}
        if tariff.dollars_post:
            wants[POUNDS] = micropounds(tariff, tariff.page_posts, 1, self._rate)
        self._reserve(bill, wants, now)
        allow = {CALLS: tariff.calls}
        if tariff.dollars_lookup:
            allow[LOOKUPS] = 1
        bill.meter = Meter(tariff.unit_of, allow, lambda unit: self._more(bill, unit, now))
        with bill.meter.running():
            yield bill

    def _more(self, bill: Bill, unit: str, now: datetime) -> int:
        """Pay for more of a unit in the middle of a reading."""
        if unit == LOOKUPS:
            price = micropounds(bill.tariff, 0, 1, self._rate)
            self._reserve(bill, {POUNDS: price, CALLS: 1}, now)
            return 1
        amount = 1 if unit == SEARCHES else bill.tariff.calls
        self._reserve(bill, {unit: amount}, now)
        return amount

    def _reserve(self, bill: Bill, wants: dict[str, int], now: datetime) -> None:
        found = self._store.ledger.reserve(bill.purse, wants, self.caps, now)
        if isinstance(found, Refusal):
            raise RateLimitedError(words_of(found), found.until)
        for unit, row in found.items():
            bill.rows.setdefault(unit, []).append(row)

    def settle(self, connection: Transaction, bill: Bill | None, page: Page | None, new: int, now: datetime) -> None:
        """Write what a reading came to, in the transaction that stores what it brought or how it failed.

        A reading that failed after the platform had answered may have been charged for a page that nobody saw: it
        stays reserved, which counts as spent.
        """
        if bill is None:
            return
        if page is None and bill.meter is not None and bill.meter.answered and POUNDS in bill.rows:
            return
        posts = len(page.posts) if page else 0
        for unit, total in bill.amounts(posts).items():
            numbers = bill.rows[unit]
            for number in numbers[1:]:
                self._store.ledger.settle(connection, number, 0, now)
            again = max(posts - new, 0)
            self._store.ledger.settle(connection, numbers[0], total, now, posts=posts, again=again)

    def pace(self, state: AccountState, now: datetime) -> Pace:
        """How an account is read from now on."""
        account = state.account
        metered = account.platform in TARIFFS
        own = account.official and "comments" in account.reads
        factor = self._stretch(self.purse_of(account), now) if metered and not own else 1.0
        return Pace(every_s=state.every_s, own=own, metered=metered, stretch=factor)

    def zone_of(self, account: Account) -> str:
        """The time zone of the account's school."""
        return self._zones.get(account.school or "", "Europe/London")

    def _stretch(self, purse: Purse, now: datetime) -> float:
        with self._guard:
            known = self._stretches.get(purse.app)
            if known is not None and timedelta(0) <= now - known[0] < _FRESH:
                return known[1]
        made = max((self._needed(cap, now) for cap in self._long(purse)), default=1.0)
        with self._guard:
            self._stretches[purse.app] = (now, made)
        return made

    def _long(self, purse: Purse) -> Iterator[Cap]:
        """The caps that pacing can keep: those of a day or longer; a minute's is kept by waiting for the next."""
        return (cap for cap in self.caps if cap.holds_for(purse) and cap.period in ("day", "pacific_day", "month"))

    def _needed(self, cap: Cap, now: datetime) -> float:
        """By how much the accounts under a cap must slow down, by what a reading of each cost in the last day."""
        end = window(cap.period, now)[1]
        costs = {row.account: row.amount / row.calls for row in self._since(now) if row.unit == cap.unit}
        own = others = 0.0
        for state in self._store.accounts.all():
            if not cap.holds_for(self.purse_of(state.account)) or state.account.name not in costs:
                continue
            rate = costs[state.account.name] / state.every_s
            if state.account.official and "comments" in state.account.reads:
                own += rate
            else:
                others += rate
        left = cap.amount - self._store.ledger.spent(cap, now)
        return stretch(left=left, seconds=(end - now).total_seconds(), own=own, others=others)

    def _since(self, now: datetime) -> Sequence[Spent]:
        return self._store.ledger.since(now - timedelta(days=1))


def app_of(row: AccountRow) -> str:
    """The app whose quota an account uses: as written, else the platform, and its server where servers count alone."""
    if row.app is not None:
        return f"{row.platform}:{row.app}"
    server = urlsplit(row.base_url or "").hostname if row.platform in _BY_SERVER else None
    return f"{row.platform}:{server}" if server else row.platform


def caps_of(settings: Settings) -> Iterator[Cap]:
    """The platforms' own limits for each app in use, and what the operator wrote; money has a cap in any case."""
    apps = {app_of(row): row.platform for row in settings.accounts if row.platform in TARIFFS}
    written = settings.budget.caps
    for app, platform in sorted(apps.items()):
        tariff = TARIFFS[platform]
        for limit in tariff.limits:
            yield Cap(unit=limit.unit, amount=limit.amount, period=limit.period, key=f"{platform}'s own limit", app=app)
        capped = any(cap.platform == platform and cap.monthly_pounds is not None for cap in written)
        if tariff.dollars_post and not capped:
            amount = int(settings.budget.monthly_pounds * MICRO)
            yield Cap(unit=POUNDS, amount=amount, period="month", key="budget.monthly_pounds", platform=platform)
    for number, cap in enumerate(written, 1):
        yield from _written(f"budget.caps[{number}]", cap)


def _written(key: str, row: CapRow) -> Iterator[Cap]:
    app = f"{row.platform}:{row.app}" if row.app is not None else None
    for unit, amount, period, name in (
        (POUNDS, row.monthly_pounds, "month", "monthly_pounds"),
        (CALLS, row.calls_per_day, "day", "calls_per_day"),
        (SEARCHES, row.searches_per_day, "pacific_day", "searches_per_day"),
    ):
        if amount is not None:
            of = int(amount * MICRO) if unit == POUNDS else int(amount)
            full = f"{key}.{name}"
            yield Cap(unit=unit, amount=of, period=period, key=full, app=app, platform=row.platform, school=row.school)


def words_of(refusal: Refusal) -> str:
    """Why a reading is not made, for the person who can change it."""
    cap, again = refusal.cap, f"read again from {refusal.until:%d %B %H:%M} UTC"
    if cap.unit == POUNDS:
        spent, all_of = refusal.spent / MICRO, cap.amount / MICRO
        return f"the month's budget is used up (£{spent:.2f} of £{all_of:.2f}, {cap.key}): raise it there, or {again}"
    period = cap.period.replace("_", " ").replace("pacific ", "")
    return f"{refusal.spent} of {cap.amount} {cap.unit} a {period} are used ({cap.key}): {again}"
