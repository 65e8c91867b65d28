"""What reading may cost: every request is paid for in the ledger before it leaves, and no cap is ever passed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from connectors.meter import Meter
from connectors.post import Account, Page
from connectors.tariff import ALONG, CALLS, LOOKUPS, MICRO, POSTS, POUNDS, SEARCHES, SPOKEN, TARIFFS, Tariff, window
from watcher.config import AccountRow, CapRow, Settings
from watcher.errors import SpentError
from watcher.pace import LOOKED_BACK, Pace, forecast, stretch
from watcher.store import Store, Transaction
from watcher.store.accounts import AccountState
from watcher.store.ledger import Cap, Purse, Refusal, Spent
from watcher.terms import readings

# How often it is worked out anew how far the money reaches.
_FRESH = timedelta(minutes=10)
_MONTH = timedelta(days=30)
# A period that lasts this many seconds or longer is spent with an eye on its end.
_LONG = 23 * 3600
# Where each server counts for itself, an app is a server.
_BY_SERVER = ("mastodon", "bluesky", "forum", "wordpress")


@dataclass(kw_only=True)
class Bill:
    """One reading's reservations, by unit, and the meter that counted it; unsettled it counts as spent.

    ``along`` says whether what comes along with posts is charged for; ``caps`` are those that hold for it.
    """

    purse: Purse
    tariff: Tariff
    pounds_per_dollar: float
    along: bool = True
    caps: tuple[Cap, ...] = ()
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
            found[POUNDS] = self.price({**spent, POSTS: max(posts, spent.get(POSTS, 0))})
        return found

    def price(self, brought: Mapping[str, int]) -> int:
        """What was brought costs, in millionths of a pound, rounded up."""
        counted = {kind: number for kind, number in brought.items() if self.along or kind not in ALONG}
        return -int(-self.tariff.dollars(counted) * self.pounds_per_dollar * MICRO // 1)

    def most(self, posts: int) -> int:
        """The price of the dearest page of so many posts, and of the look-up before it."""
        return self.price({**self.tariff.most(posts, along=self.along), LOOKUPS: 1})


class Budget:
    """Pays for readings out of the caps that platforms set and the operator wrote."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._rows = {reading.row.name: reading.row for reading in readings(settings)}
        # Where replies are read by themselves, mentions beside them are not what a school must hear of first.
        read = self._rows.values()
        answered = (row for row in read if row.official and "comments" in row.reads)
        self._answered = {_place(row.platform, row.target or "") for row in answered}
        self._zones = {school.id: school.timezone for school in settings.schools}
        self._rate, self._along = settings.budget.pounds_per_dollar, settings.budget.count_along
        self.caps = tuple(caps_of(settings))
        self._guard = threading.Lock()
        self._known: dict[tuple[object, ...], tuple[datetime, float]] = {}

    def _is_own(self, account: Account) -> bool:
        """Whether it is read for what is said to a school itself: that keeps its pace, and is paid for first.

        Most replies are mentions, too: where nothing else reads an official account's replies, its mentions count.
        """
        if not account.official:
            return False
        if not {"comments", "search"}.isdisjoint(account.reads):
            return True
        return "mentions" in account.reads and _place(account.platform, account.target) not in self._answered

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
    def reading(self, account: Account, now: datetime, *, again: int | None = None) -> Iterator[Bill | None]:
        """Everything asked inside is paid for beforehand; ``None`` where the platform counts nothing.

        ``again`` is how many known posts are asked for: they come alone, and after all that is new.

        Raises:
            SpentError: a cap leaves nothing for it; with when its period ends.
        """
        if not is_counted(account):
            yield None
            return
        tariff = TARIFFS[account.platform]
        bill = Bill(
            purse=self.purse_of(account),
            tariff=tariff,
            pounds_per_dollar=self._rate,
            along=self._along and again is None,
            caps=self.caps if self._is_own(account) and again is None else self._beside_own(now),
        )
        most = self._reserve_page(bill, now) if again is None else self._reserve_known(bill, again, now)
        allow = {CALLS: tariff.calls}
        if tariff.dollars_lookup:
            allow[LOOKUPS] = 1
        bill.meter = Meter(tariff.unit_of, allow, lambda unit: self._more(bill, unit, now), most_posts=most)
        with bill.meter.running():
            yield bill

    def _more(self, bill: Bill, unit: str, now: datetime) -> int:
        """Pay for more of a unit in the middle of a reading."""
        if unit == LOOKUPS:
            self._reserve(bill, {POUNDS: bill.price({LOOKUPS: 1}), CALLS: 1}, now)
            return 1
        amount = 1 if unit == SEARCHES else bill.tariff.calls
        wants = {unit: amount}
        if bill.meter is not None and bill.meter.most_posts and bill.meter.spent[POSTS]:
            # What was paid for is here; whoever asks again must pay for another page.
            wants[POUNDS] = bill.most(bill.meter.most_posts)
        self._reserve(bill, wants, now)
        return amount

    def _reserve_page(self, bill: Bill, now: datetime) -> int | None:
        """Pay for a page of as many posts as the budget allows; how many, or ``None`` where posts cost nothing."""
        tariff = bill.tariff
        if not tariff.dollars_post:
            self._reserve(bill, {CALLS: tariff.calls}, now)
            return None
        posts = tariff.page_posts
        while True:
            try:
                self._reserve(bill, {CALLS: tariff.calls, POUNDS: bill.most(posts)}, now)
            except SpentError:
                if posts <= tariff.least_posts:
                    raise
                posts = max(posts // 3, tariff.least_posts)
            else:
                return posts

    def _reserve_known(self, bill: Bill, posts: int, now: datetime) -> int | None:
        """Pay for known posts that are asked for again; how many, or ``None`` where posts cost nothing."""
        paid = bool(bill.tariff.dollars_post)
        self._reserve(bill, {CALLS: bill.tariff.calls, **({POUNDS: bill.price({POSTS: posts})} if paid else {})}, now)
        return posts if paid else None

    def room_again(self, account: Account, now: datetime) -> int | None:
        """How many posts may be paid for a second time now without passing the platform's share of the last month.

        ``None`` where asking again costs nothing.
        """
        tariff = TARIFFS.get(account.platform)
        if tariff is None or not tariff.again_after:
            return None
        app = self.purse_of(account).app
        rows = [row for row in self._store.ledger.since(now - _MONTH) if row.app == app and row.unit == POUNDS]
        room = int(sum(row.posts for row in rows) * tariff.again_share) - sum(row.again for row in rows)
        return max(room, 0)

    def _reserve(self, bill: Bill, wants: dict[str, int], now: datetime) -> None:
        found = self._store.ledger.reserve(bill.purse, wants, bill.caps, now)
        if isinstance(found, Refusal):
            raise SpentError(words_of(found), found.until)
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
            if unit == POUNDS and not total:
                # Nothing came and nothing was paid; most readings are so, and money is kept in mind for a year.
                self._store.ledger.drop(connection, numbers)
                continue
            self._store.ledger.drop(connection, numbers[1:])
            again = max(posts - new, 0)
            self._store.ledger.settle(connection, numbers[0], total, now, posts=posts, again=again)

    def pace(self, state: AccountState, now: datetime) -> Pace:
        """How an account is read from now on."""
        account = state.account
        metered, own = account.platform in TARIFFS, self._is_own(account)
        factor = self._stretch(account, own, now) if metered else 1.0
        others, alone = (1.0, factor) if own else (factor, 1.0)
        return Pace(every_s=state.every_s, own=own, metered=metered, stretch=others, own_stretch=alone)

    def has_room(self, account: Account, now: datetime) -> bool:
        """Whether what is left lasts at the usual pace, so that something else may be paid from it."""
        if account.platform not in TARIFFS:
            return True
        purse = self.purse_of(account)
        money = (cap for cap in self.caps if cap.unit == POUNDS and cap.holds_for(purse))
        return self._stretch(account, False, now) <= 1.0 and all(self._lasts(cap, now) for cap in money)

    def zone_of(self, account: Account) -> str:
        """The time zone of the account's school."""
        return self._zones.get(account.school or "", "Europe/London")

    def _stretch(self, account: Account, own: bool, now: datetime) -> float:
        purse = self.purse_of(account)
        caps = [cap for cap in self.caps if cap.unit != POUNDS and cap.holds_for(purse)]
        return self._remembered(
            ("stretch", purse.app, purse.school, own),
            now,
            lambda: max((self._needed(cap, own, now) for cap in caps), default=1.0),
        )

    def _needed(self, cap: Cap, own: bool, now: datetime) -> float:
        """By how much accounts under a cap must slow down, by what a reading of each cost in the last day.

        A day's or a month's cap must last until its end; a shorter one is whole again before anybody would notice.
        """
        start, end = window(cap.period, now)
        costs = {row.account: row.amount / row.calls for row in self._since(now) if row.unit == cap.unit}
        rates = {True: 0.0, False: 0.0}
        for state in self._store.accounts.all():
            if cap.holds_for(self.purse_of(state.account)):
                rates[self._is_own(state.account)] += costs.get(state.account.name, 0.0) / state.every_s
        left, seconds = float(cap.amount), (end - start).total_seconds()
        if seconds >= _LONG:
            left, seconds = cap.amount - self._store.ledger.spent(cap, now), (end - now).total_seconds()
        if own:
            return stretch(left=left, seconds=seconds, own=0.0, others=rates[True])
        return stretch(left=left, seconds=seconds, own=rates[True], others=rates[False])

    def _lasts(self, cap: Cap, now: datetime) -> bool:
        """Whether the money lasts until the period's end, as it is spent now."""
        left = cap.amount - self._store.ledger.spent(cap, now)
        return self._a_second(cap, now, own=False) * (window(cap.period, now)[1] - now).total_seconds() <= left

    def _beside_own(self, now: datetime) -> tuple[Cap, ...]:
        """The caps for what is not the schools' own: of money, what their own accounts will need is kept back.

        To slow down saves no money, as the same posts come later; so what comes second stops before what comes first.
        """
        return tuple(replace(cap, kept=self._kept(cap, now)) if cap.unit == POUNDS else cap for cap in self.caps)

    def _kept(self, cap: Cap, now: datetime) -> int:
        left = (window(cap.period, now)[1] - now).total_seconds()
        return min(int(self._a_second(cap, now, own=True) * left), cap.amount)

    def _a_second(self, cap: Cap, now: datetime, *, own: bool) -> float:
        """What is spent of a cap a second, by the last week: by the schools' own accounts, or by all."""

        def made() -> float:
            names = {s.account.name for s in self._store.accounts.all() if self._is_own(s.account)} if own else None
            rows = self._store.ledger.since(now - LOOKED_BACK)
            mine = (row for row in rows if names is None or row.account in names)
            spent = sum(row.amount for row in mine if row.unit == cap.unit and cap.holds_for(_purse(row)))
            told = forecast(spent, self._store.ledger.first(), now)
            return 0.0 if told.is_early else told.a_second

        return self._remembered(("spent", cap.key, cap.app, cap.platform, cap.school, own), now, made)

    def _remembered(self, key: tuple[object, ...], now: datetime, make: Callable[[], float]) -> float:
        with self._guard:
            known = self._known.get(key)
            if known is not None and timedelta(0) <= now - known[0] < _FRESH:
                return known[1]
        made = make()
        with self._guard:
            self._known[key] = (now, made)
        return made

    def _since(self, now: datetime) -> Sequence[Spent]:
        return self._store.ledger.since(now - timedelta(days=1))


def is_counted(account: Account) -> bool:
    """Whether readings of an account are counted; a server of the operator's own keeps limits of its own."""
    return account.platform in TARIFFS and not (account.allow_private and account.platform in _BY_SERVER)


def _place(platform: str, target: str) -> tuple[str, str]:
    """What is read, however its handle is written."""
    return platform, target.strip().rstrip("/").rpartition("/")[2].removeprefix("@").casefold()


def _purse(row: Spent) -> Purse:
    return Purse(app=row.app, platform=row.platform, account=row.account, school=row.school)


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
    for platform in sorted({platform for platform in apps.values() if TARIFFS[platform].dollars_post}):
        # One school's or one app's cap holds beside the platform's: only a cap on all of it takes its place.
        if not any(_is_whole(cap) and cap.platform == platform for cap in written):
            amount = int(settings.budget.monthly_pounds * MICRO)
            yield Cap(unit=POUNDS, amount=amount, period="month", key="budget.monthly_pounds", platform=platform)
    for number, cap in enumerate(written, 1):
        yield from _written(f"budget.caps[{number}]", cap)


def _is_whole(row: CapRow) -> bool:
    """Whether a cap bounds the money of a whole platform."""
    return row.monthly_pounds is not None and row.school is None and row.app is None


def cap_problems(settings: Settings) -> Iterator[str]:
    """What is wrong with the caps that the operator wrote: one that bounds nothing is worse than none."""
    schools, seen = {school.id for school in settings.schools}, set[tuple[str, str | None, str | None]]()
    apps = {row.app for row in settings.accounts} - {None}
    for number, row in enumerate(settings.budget.caps, 1):
        key = f"budget.caps[{number}]"
        tariff = TARIFFS.get(row.platform)
        if tariff is None:
            yield f"{key}.platform: {row.platform!r} is not one that counts; those are {', '.join(sorted(TARIFFS))}"
        elif row.monthly_pounds is not None and not tariff.dollars_post:
            yield f"{key}.monthly_pounds: reading {row.platform} costs no money; write calls_per_day"
        if row.school is not None and row.school not in schools:
            yield f"{key}.school: {row.school!r} is unknown; known are {', '.join(sorted(schools)) or 'none yet'}"
        if row.app is not None and row.app not in apps:
            yield f"{key}.app: {row.app!r} is the app of no account; write the same name as `app` of an account"
        if (row.monthly_pounds, row.calls_per_day, row.searches_per_day) == (None, None, None):
            yield f"{key}: bounds nothing; write monthly_pounds, calls_per_day or searches_per_day"
        place = (row.platform, row.app, row.school)
        if place in seen:
            yield f"{key}: the same platform, app and school stand in an earlier cap; write them into one"
        seen.add(place)


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
        beside = f" but for the £{cap.kept / MICRO:.2f} that the schools' own accounts need" if cap.kept else ""
        of = f"£{spent:.2f} of £{all_of:.2f}, {cap.key}"
        return f"the month's budget is used up{beside} ({of}): raise it there, or {again}"
    return f"{refusal.spent} of {cap.amount} {cap.unit} {SPOKEN[cap.period]} are used ({cap.key}): {again}"
