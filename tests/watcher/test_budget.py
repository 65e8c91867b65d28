"""Nothing is asked of a platform that the ledger has not paid for, on both databases, with a real connector."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from werkzeug import Request, Response

from connectors import meter, registry
from connectors.errors import RateLimitedError
from connectors.post import Account
from connectors.tariff import CALLS, MICRO, PERIODS, POUNDS, SEARCHES, SPOKEN, TARIFFS
from watcher.budget import Bill, Budget, cap_problems, caps_of, words_of
from watcher.check import problems
from watcher.config import Settings, load
from watcher.enrolment import apply
from watcher.errors import SpentError, StoreError
from watcher.outlay import Outlay
from watcher.polling import Poller
from watcher.seeking import report_of
from watcher.spending import accounts, caps, delays, schools
from watcher.store import Store
from watcher.store import schema as t
from watcher.store.ledger import Cap, Purse, Refusal, sum_of

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
_PURSE = Purse(app="x", platform="x", account="search", school="hillcrest")


def _cap(
    amount: int, *, unit: str = CALLS, period: str = "day", app: str | None = "x", school: str | None = None
) -> Cap:
    return Cap(unit=unit, amount=amount, period=period, key="a test's", app=app, school=school)


def _reserve(store: Store, amount: int, cap: Cap, at: datetime = NOW, purse: Purse = _PURSE) -> bool:
    return not isinstance(store.ledger.reserve(purse, {cap.unit: amount}, [cap], at), Refusal)


def test_a_reservation_counts_until_it_is_settled(store: Store) -> None:
    cap = _cap(10)
    made = store.ledger.reserve(_PURSE, {CALLS: 8}, [cap], NOW)
    assert not isinstance(made, Refusal)
    assert store.ledger.spent(cap, NOW) == 8
    assert not _reserve(store, 3, cap)
    with store.writing() as connection:
        store.ledger.settle(connection, made[CALLS], 2, NOW)
    assert store.ledger.spent(cap, NOW) == 2
    assert _reserve(store, 8, cap)
    assert not _reserve(store, 1, cap)


def test_what_was_never_settled_counts_as_spent_after_a_crash(store: Store) -> None:
    cap = _cap(10)
    store.ledger.reserve(_PURSE, {CALLS: 10}, [cap], NOW)
    again = Store(store.engine.url.render_as_string(hide_password=False))
    refusal = again.ledger.reserve(_PURSE, {CALLS: 1}, [cap], NOW + timedelta(hours=5))
    again.close()
    assert isinstance(refusal, Refusal)
    assert (refusal.spent, refusal.until) == (10, datetime(2026, 11, 19, tzinfo=UTC))


def test_settling_twice_changes_nothing(store: Store) -> None:
    cap = _cap(10)
    made = store.ledger.reserve(_PURSE, {CALLS: 4}, [cap], NOW)
    assert not isinstance(made, Refusal)
    for amount in (3, 1):
        with store.writing() as connection:
            store.ledger.settle(connection, made[CALLS], amount, NOW)
    assert store.ledger.spent(cap, NOW) == 3


def test_a_new_period_begins_with_nothing_spent(store: Store) -> None:
    cap = _cap(1)
    assert _reserve(store, 1, cap)
    assert not _reserve(store, 1, cap, NOW.replace(hour=23, minute=59))
    assert _reserve(store, 1, cap, NOW + timedelta(days=1))


def test_caps_of_an_app_and_of_a_school_hold_each_by_itself(store: Store) -> None:
    other = Purse(app="x", platform="x", account="other", school="dene")
    of_app, of_school = _cap(5), _cap(2, app=None, school="hillcrest")
    assert not isinstance(store.ledger.reserve(_PURSE, {CALLS: 2}, [of_app, of_school], NOW), Refusal)
    assert isinstance(store.ledger.reserve(_PURSE, {CALLS: 1}, [of_app, of_school], NOW), Refusal)
    assert not isinstance(store.ledger.reserve(other, {CALLS: 3}, [of_app, of_school], NOW), Refusal)
    assert isinstance(store.ledger.reserve(other, {CALLS: 1}, [of_app, of_school], NOW), Refusal)


def test_a_refused_unit_takes_the_others_with_it(store: Store) -> None:
    caps = [_cap(10), _cap(0, unit=POUNDS, period="month")]
    assert isinstance(store.ledger.reserve(_PURSE, {CALLS: 1, POUNDS: 5}, caps, NOW), Refusal)
    assert store.ledger.spent(caps[0], NOW) == 0


def test_many_readers_at_once_cannot_pass_a_cap_together(store: Store) -> None:
    cap = _cap(20)
    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda _: _reserve(store, 3, cap), range(24)))
    assert sum(got) == 6
    assert store.ledger.spent(cap, NOW) == 18


@pytest.mark.parametrize("names", [{"app": "x"}, {"platform": "x"}, {"platform": "x", "school": "hillcrest"}])
def test_sums_are_found_by_index_whatever_a_cap_names(store: Store, names: dict[str, str]) -> None:
    cap = Cap(unit=CALLS, amount=1, period="day", key="a test's", **names)
    row = {"account": "search", "unit": CALLS, "reserved": 1, "delete_after": NOW}
    many = [
        {**row, "app": f"app{n % 50}", "platform": f"p{n % 20}", "at": NOW - timedelta(minutes=n)} for n in range(4000)
    ]
    with store.engine.begin() as connection:
        connection.execute(t.spend.insert(), many)
        words = sum_of(cap, NOW).compile(store.engine, compile_kwargs={"literal_binds": True})
        if store.engine.dialect.name == "postgresql":
            connection.exec_driver_sql("ANALYZE spend")
            plan = connection.exec_driver_sql(f"EXPLAIN {words}").fetchall()
        else:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}").fetchall()
    assert "ix_spend_" in str(plan), plan


def test_a_reading_that_brought_nothing_leaves_no_row_of_money(
    store: Store, tmp_path: Path, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/2/tweets/search/recent").respond_with_json({"meta": {"result_count": 0}})
    poller, _ = _poller(_settings(tmp_path, httpserver.url_for("/"), "monthly_pounds = 10.0"), store)
    for n in range(3):
        poller.poll(store.accounts.get("search"), NOW + timedelta(hours=n))
    of = {row.unit: (row.amount, row.calls) for row in store.ledger.since(NOW - timedelta(hours=1))}
    assert of == {CALLS: (3, 3)}


def test_reading_by_hand_is_paid_from_the_same_caps(
    store: Store, tmp_path: Path, httpserver: HTTPServer, x: _X
) -> None:
    settings = _settings(tmp_path, httpserver.url_for("/"), '[[budget.caps]]\nplatform = "x"\ncalls_per_day = 2')
    account = Account(name="search", platform="x", target="x", reads=("search",))
    outlay = Outlay(settings, lambda: store, lambda: NOW)
    for _ in range(2):
        with outlay.reading(account):
            meter.leaving("/2/tweets/search/recent")
            meter.brought("posts", 10)
    with pytest.raises(SpentError, match="calls_per_day"), outlay.reading(account):
        raise AssertionError("it must not get here")
    of = {row.unit: row.amount for row in store.ledger.since(NOW - timedelta(hours=1))}
    assert of == {CALLS: 2, POUNDS: pytest.approx(2 * 10 * 0.005 * 0.8 * MICRO, abs=4)}


_HAND = Account(name="search", platform="x", target="x", reads=("search",))
_TEST_SERVER = replace(_HAND, base_url="http://127.0.0.1:9", allow_private=True)
_CAP = '[[budget.caps]]\nplatform = "{}"\ncalls_per_day = 2'


@pytest.mark.parametrize(
    ("budget", "account"),
    [
        ("", _HAND),
        ("monthly_pounds = 0.0", _HAND),
        ("monthly_pounds = 0.0", _TEST_SERVER),
        (_CAP.format("x"), _TEST_SERVER),
        (_CAP.format("mastodon"), replace(_HAND, platform="mastodon")),
    ],
)
def test_without_a_ledger_nothing_is_read_that_has_a_price_or_a_cap(
    tmp_path: Path, budget: str, account: Account
) -> None:
    outlay = Outlay(_settings(tmp_path, "https://x.example", budget), lambda: None, lambda: NOW)
    with pytest.raises(StoreError, match="run `watcher migrate` first"), outlay.reading(account):
        raise AssertionError("it must not get here")


@pytest.mark.parametrize("account", [replace(_HAND, platform="mastodon"), replace(_HAND, platform="rss"), _TEST_SERVER])
def test_without_a_ledger_what_costs_nothing_and_test_servers_can_be_read(tmp_path: Path, account: Account) -> None:
    outlay = Outlay(_settings(tmp_path, "https://x.example", ""), lambda: None, lambda: NOW)
    with outlay.reading(account):
        meter.leaving("/2/tweets/search/recent")


_MENTIONS = """
[[accounts]]
name = "own"
school = "hillcrest"
platform = "x"
target = "@hillcrest"
reads = ["posts", "mentions"]
official = true
owner = "Jo"
token = { env = "WATCHER_TEST_X" }
"""
_ANSWERS = _MENTIONS.replace('"own"', '"answers"').replace("@h", "https://x.com/H").replace('"mentions"', '"comments"')


@pytest.mark.parametrize(("beside", "own"), [("", True), (_ANSWERS, False)])
def test_mentions_keep_their_pace_where_nothing_else_reads_a_schools_replies(
    store: Store, tmp_path: Path, beside: str, own: bool
) -> None:
    settings = _settings(tmp_path, "https://x.example")
    with (tmp_path / "watcher.toml").open("a", encoding="utf-8") as file:
        file.write(_MENTIONS + beside)
    settings = load(tmp_path / "watcher.toml")
    apply(settings, store, "watcher.toml", NOW)
    budget = Budget(settings, store)
    pace = budget.pace(store.accounts.get("own"), NOW)
    assert pace.own is own
    night = datetime(2026, 11, 20, 2, tzinfo=UTC)
    assert pace.interval(night, 0).total_seconds() == pace.every_s * (1 if own else 3)
    if beside:
        assert budget.pace(store.accounts.get("answers"), NOW).own, "replies are never slowed"


_PAGE = """
[[accounts]]
name = "page"
school = "hillcrest"
platform = "facebook"
target = "100900"
reads = ["posts"]
official = true
owner = "Jo"
base_url = "{url}"
allow_private = true
token = {{ env = "WATCHER_TEST_X" }}
every_s = 600
"""


def _page(folder: Path, url: str, store: Store, calls: int = 9000) -> tuple[Poller, Budget]:
    """A page of Facebook, of which so many calls a day may be made."""
    _settings(folder, url, _CAP.format("facebook").replace("= 2", f"= {calls}"))
    with (folder / "watcher.toml").open("a", encoding="utf-8") as file:
        file.write(_PAGE.format(url=url.rstrip("/")))
    settings = load(folder / "watcher.toml")
    apply(settings, store, "watcher.toml", NOW)
    budget = Budget(settings, store)
    return Poller(store, lambda a: registry.load("facebook"), lambda name: "token", budget), budget


def test_calls_to_facebook_are_counted_and_can_be_capped(store: Store, tmp_path: Path, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v26.0/100900/published_posts").respond_with_json({"data": []})
    poller, budget = _page(tmp_path, httpserver.url_for("/"), store, calls=30)
    noon = NOW.replace(hour=12)
    for n in range(40):
        poller.poll(store.accounts.get("page"), noon + timedelta(minutes=10 * n))
    (cap,) = (cap for cap in budget.caps if cap.platform == "facebook")
    assert 20 < store.ledger.spent(cap, noon) == len(httpserver.log) <= 30
    assert "calls_per_day" in str(store.accounts.get("page").last_error)
    assert list(cap_problems(load(tmp_path / "watcher.toml"))) == []


@pytest.mark.parametrize(("percent", "factor"), [(79, 1), (80, 2), (92, 4)])
@pytest.mark.parametrize("header", ["X-App-Usage", "X-Business-Use-Case-Usage"])
def test_a_page_slows_down_when_meta_says_that_most_is_used(
    store: Store, tmp_path: Path, httpserver: HTTPServer, header: str, percent: int, factor: int
) -> None:
    said: Any = {"call_count": 3, "total_time": percent, "total_cputime": 1}
    if "Business" in header:
        said = {"100900": [{"type": "pages", **said, "estimated_time_to_regain_access": 0}]}
    usage = {header: json.dumps(said)}
    httpserver.expect_request("/v26.0/100900/published_posts").respond_with_json({"data": []}, headers=usage)
    poller, _ = _page(tmp_path, httpserver.url_for("/"), store)
    noon = NOW.replace(hour=12)
    poller.poll(store.accounts.get("page"), noon)
    assert store.accounts.get("page").next_poll_at == noon + timedelta(seconds=600 * factor)


def test_a_page_rests_when_meta_says_that_nearly_all_is_used(
    store: Store, tmp_path: Path, httpserver: HTTPServer
) -> None:
    usage = {"X-App-Usage": json.dumps({"call_count": 97})}
    httpserver.expect_request("/v26.0/100900/published_posts").respond_with_json({"data": []}, headers=usage)
    poller, _ = _page(tmp_path, httpserver.url_for("/"), store)
    noon = NOW.replace(hour=12)
    poller.poll(store.accounts.get("page"), noon)
    asked = len(httpserver.log)
    poller.poll(store.accounts.get("page"), noon + timedelta(minutes=1))
    state = store.accounts.get("page")
    assert len(httpserver.log) == asked, "also where a backlog waits, nothing is asked"
    assert str(state.last_error).startswith("RateLimitedError: the platform says that nearly all")
    assert state.next_poll_at == noon + timedelta(minutes=15)
    poller.poll(state, noon + timedelta(minutes=16))
    assert len(httpserver.log) > asked


# with a real connector -----------------------------------------------------------------------------------------------

_TOML = """
[mail]
from = "watcher@it.example"
[alerts]
last_resort = "duty@it.example"
[budget]
pounds_per_dollar = 0.80
{budget}
[[schools]]
id = "hillcrest"
name = "Hillcrest Primary School"
pack = "wessex"
[[schools]]
id = "dene"
name = "Dene Valley Academy"
pack = "wessex"
[[accounts]]
name = "search"
platform = "x"
target = '"Hillcrest Primary"'
reads = ["search"]
base_url = "{url}"
allow_private = true
token = {{ env = "WATCHER_TEST_X" }}
every_s = 600
"""


def _settings(folder: Path, url: str, budget: str = "monthly_pounds = 1.0") -> Settings:
    file = folder / "watcher.toml"
    file.write_text(_TOML.format(url=url.rstrip("/"), budget=budget), encoding="utf-8")
    return load(file)


class _X:
    """X's recent search: so many new posts a page, newest first, and how often it was asked."""

    def __init__(self, posts: int) -> None:
        self.posts, self.asked, self.given = posts, 0, 0
        self.broken = False

    def __call__(self, request: Request) -> Response:
        self.asked += 1
        if self.broken:
            return Response('{"data": "nonsense"}', mimetype="application/json")
        self.given += self.posts
        first = 2_000_000_000_000_000_000 + self.given
        data = [
            {
                "id": str(first - n),
                "text": f"Hillcrest Primary {first - n}",
                "author_id": "7",
                "edit_history_tweet_ids": [],
            }
            for n in range(self.posts)
        ]
        body = {"data": data, "meta": {"result_count": self.posts, "newest_id": str(first)}}
        return Response(json.dumps(body), mimetype="application/json")


@pytest.fixture
def x(httpserver: HTTPServer) -> _X:
    made = _X(posts=10)
    httpserver.expect_request("/2/tweets/search/recent").respond_with_handler(made)
    return made


def _poller(settings: Settings, store: Store) -> tuple[Poller, Budget]:
    apply(settings, store, "watcher.toml", NOW)
    budget = Budget(settings, store)
    return Poller(store, lambda a: registry.load("x"), lambda name: "token", budget), budget


def _money(budget: Budget) -> Cap:
    return next(cap for cap in budget.caps if cap.unit == POUNDS)


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_TEST_X", "token")


def test_a_reading_is_paid_by_what_it_brought(store: Store, tmp_path: Path, httpserver: HTTPServer, x: _X) -> None:
    poller, budget = _poller(_settings(tmp_path, httpserver.url_for("/")), store)
    poller.poll(store.accounts.get("search"), NOW)
    # Ten posts at $0.005, and a dollar at 80 pence.
    assert store.ledger.spent(_money(budget), NOW) == pytest.approx(10 * 0.005 * 0.8 * MICRO, abs=2)


def test_the_cap_is_never_passed_and_the_source_says_why_it_waits(
    store: Store, tmp_path: Path, httpserver: HTTPServer, x: _X
) -> None:
    poller, budget = _poller(_settings(tmp_path, httpserver.url_for("/")), store)
    for n in range(60):
        poller.poll(store.accounts.get("search"), NOW + timedelta(minutes=n))
    assert store.ledger.spent(_money(budget), NOW) <= 1.0 * MICRO
    assert 10 < x.asked < 26, "about 25 pages of ten posts cost a pound, and a page's most is kept free"
    state = store.accounts.get("search")
    assert "budget is used up" in str(state.last_error)
    assert "budget.monthly_pounds" in str(state.last_error)
    asked = x.asked
    poller.poll(store.accounts.get("search"), NOW + timedelta(days=14))
    assert x.asked == asked + 1, "a new month, a new budget"
    assert store.accounts.get("search").last_error is None


def test_a_page_that_could_not_be_read_counts_as_spent(
    store: Store, tmp_path: Path, httpserver: HTTPServer, x: _X
) -> None:
    poller, budget = _poller(_settings(tmp_path, httpserver.url_for("/")), store)
    x.broken = True
    poller.poll(store.accounts.get("search"), NOW)
    assert store.ledger.spent(_money(budget), NOW) >= 10 * 0.005 * 0.8 * MICRO


def test_a_server_that_never_answered_costs_nothing(store: Store, tmp_path: Path) -> None:
    poller, budget = _poller(_settings(tmp_path, "http://127.0.0.1:9"), store)
    poller.poll(store.accounts.get("search"), NOW)
    assert store.ledger.spent(_money(budget), NOW) == 0


def test_a_caps_school_and_app_are_the_operators(store: Store, tmp_path: Path, httpserver: HTTPServer, x: _X) -> None:
    written = '[[budget.caps]]\nplatform = "x"\ncalls_per_day = 3\nmonthly_pounds = 500.0'
    poller, budget = _poller(_settings(tmp_path, httpserver.url_for("/"), written), store)
    assert [cap.key for cap in budget.caps if cap.unit == POUNDS] == ["budget.caps[1].monthly_pounds"]
    for n in range(6):
        poller.poll(store.accounts.get("search"), NOW + timedelta(minutes=n))
    assert x.asked == 3
    assert "budget.caps[1].calls_per_day" in str(store.accounts.get("search").last_error)


def test_paid_twice_is_counted(store: Store, tmp_path: Path, httpserver: HTTPServer, x: _X) -> None:
    poller, _ = _poller(_settings(tmp_path, httpserver.url_for("/")), store)
    poller.poll(store.accounts.get("search"), NOW)
    x.given = 0
    with store.writing() as connection:
        connection.execute(t.account.update().values(cursor=None))
    poller.poll(store.accounts.get("search"), NOW + timedelta(minutes=10))
    row = next(row for row in accounts(store, NOW + timedelta(hours=1)) if row["unit"] == "pounds")
    assert (row["posts"], row["paid_twice"], row["readings"]) == (20, 10, 2)
    with store.engine.connect() as connection:
        assert connection.scalars(select(t.spend.c.settled_at)).all().count(None) == 0


def test_the_report_says_what_each_school_costs_and_what_the_month_will(
    store: Store, tmp_path: Path, httpserver: HTTPServer, x: _X
) -> None:
    poller, budget = _poller(_settings(tmp_path, httpserver.url_for("/"), "monthly_pounds = 100.0"), store)
    for n in range(5):
        poller.poll(store.accounts.get("search"), NOW + timedelta(hours=n))
    later = NOW + timedelta(hours=5)
    row = next(row for row in caps(budget, store, later) if row["unit"] == "pounds")
    assert row["spent"] == pytest.approx(0.20)
    # Five readings of 4 pence in five hours, and 297 hours of November are left.
    assert row["forecast"] == pytest.approx(0.20 + 0.04 * 297, rel=0.02)
    shared = list(schools(store, ["hillcrest", "dene"], later))
    assert [entry["pounds"] for entry in shared] == [0.1, 0.1]
    assert list(delays(store, later)) == [], "an invented post without a time tells no delay"


@pytest.mark.parametrize("passed", [timedelta(minutes=20), timedelta(hours=5), timedelta(days=3)])
def test_budget_and_terms_foretell_the_same_from_the_first_hour_on(
    store: Store, tmp_path: Path, httpserver: HTTPServer, x: _X, passed: timedelta
) -> None:
    settings = _settings(tmp_path, httpserver.url_for("/"), "monthly_pounds = 1000.0")
    poller, budget = _poller(settings, store)
    poller.poll(store.accounts.get("search"), NOW)
    now = NOW + passed
    of_month = next(row for row in caps(budget, store, now) if row["unit"] == "pounds")
    queries = report_of(settings, settings.schools[0], store, now)["queries"]
    of_search = next(row for row in queries if row["account"] == "search")["pounds_a_month"]
    left = (datetime(2026, 12, 1, tzinfo=UTC) - now) / timedelta(days=30)
    assert of_search > 0.3
    assert of_month["forecast"] - of_month["spent"] == pytest.approx(of_search * left, abs=0.02)


def test_what_one_platform_spends_is_not_taken_for_anothers(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TARIFFS, "reddit", replace(TARIFFS["reddit"], dollars_post=0.01))
    settings = _settings(tmp_path, "https://x.example")
    other = settings.accounts[0].model_copy(update={"name": "other", "platform": "reddit"})
    _, budget = _poller(settings.model_copy(update={"accounts": (*settings.accounts, other)}), store)
    for hours in (0, 30):
        store.ledger.reserve(_PURSE, {POUNDS: 15 * MICRO}, [], NOW + timedelta(hours=hours))
    accounts_of = {state.account.platform: state.account for state in store.accounts.all()}
    now = NOW + timedelta(hours=48)
    assert not budget.has_room(accounts_of["x"], now)
    assert budget.has_room(accounts_of["reddit"], now)


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ("five_minutes", "9 of 9 calls in five minutes are used"),
        ("quarter_hour", "9 of 9 calls in a quarter of an hour are used"),
        ("day", "9 of 9 calls a day are used"),
        ("pacific_day", "9 of 9 calls a day (of the Pacific coast) are used"),
    ],
)
def test_a_refusal_is_said_as_people_say_it(period: str, said: str) -> None:
    refusal = Refusal(cap=_cap(9, period=period), spent=9, until=NOW)
    assert words_of(refusal) == f"{said} (a test's): read again from 18 November 10:00 UTC"
    assert SPOKEN.keys() == set(PERIODS)


def test_requests_that_will_not_last_slow_the_search_down(
    store: Store, tmp_path: Path, httpserver: HTTPServer, x: _X
) -> None:
    settings = _settings(tmp_path, httpserver.url_for("/"), '[[budget.caps]]\nplatform = "x"\ncalls_per_day = 22')
    poller, _ = _poller(settings, store)
    state = store.accounts.get("search")
    poller.poll(state, NOW)
    # One every ten minutes would be 78 more until midnight; the 21 that are left last at a quarter of that.
    assert Budget(settings, store).pace(state, NOW + timedelta(hours=1)).stretch == pytest.approx(3.7, rel=0.1)


def test_money_is_not_saved_by_reading_the_same_posts_later(
    store: Store, tmp_path: Path, httpserver: HTTPServer, x: _X
) -> None:
    settings = _settings(tmp_path, httpserver.url_for("/"), "monthly_pounds = 6.0")
    poller, _ = _poller(settings, store)
    state = store.accounts.get("search")
    for n in range(26):
        poller.poll(state, NOW + timedelta(hours=n))
    later = Budget(settings, store)
    assert later.pace(state, NOW + timedelta(hours=26)).stretch == 1.0
    assert not later.has_room(state.account, NOW + timedelta(hours=26)), "£1 a day does not last for eleven more"
    assert later.has_room(state.account, NOW + timedelta(days=12)), "a new month begins with all of it"


def _with_own(folder: Path, url: str, budget: str) -> Settings:
    """The search, and beside it the school's own account whose replies are read."""
    settings = _settings(folder, url, budget)
    changes = {"name": "own", "official": True, "reads": ("comments",), "school": "hillcrest", "every_s": 300}
    own = settings.accounts[0].model_copy(update={**changes, "owner": "Jo Moore", "target": "@hillcrest"})
    return settings.model_copy(update={"accounts": (*settings.accounts, own)})


def test_what_the_schools_own_accounts_will_need_is_kept_back(
    store: Store, tmp_path: Path, httpserver: HTTPServer, x: _X
) -> None:
    httpserver.expect_request("/2/users/by/username/hillcrest").respond_with_json({"data": {"id": "9001"}})
    poller, _ = _poller(_with_own(tmp_path, httpserver.url_for("/"), "monthly_pounds = 10.0"), store)
    for n in range(50):
        poller.poll(store.accounts.get("own"), NOW + timedelta(hours=n))
    later = NOW + timedelta(hours=50)
    fresh, _ = _poller(_with_own(tmp_path, httpserver.url_for("/"), "monthly_pounds = 10.0"), store)
    fresh.poll(store.accounts.get("search"), later)
    assert "that the schools' own accounts need" in str(store.accounts.get("search").last_error)
    asked = x.asked
    fresh.poll(store.accounts.get("own"), later)
    assert x.asked == asked + 1, "the school's own account goes on"


def test_of_those_that_wait_for_the_same_moment_the_one_read_longest_ago_comes_first(
    store: Store, tmp_path: Path
) -> None:
    apply(_with_own(tmp_path, "https://x.example", ""), store, "watcher.toml", NOW)
    for last, expected in (({"own": 1, "search": 2}, ["own", "search"]), ({"own": 2, "search": 1}, ["search", "own"])):
        with store.writing() as connection:
            for name, minutes in last.items():
                values = {"next_poll_at": NOW, "last_success_at": NOW - timedelta(hours=1) + timedelta(minutes=minutes)}
                connection.execute(t.account.update().where(t.account.c.name == name).values(**values))
        assert [state.account.name for state in store.accounts.due(NOW)] == expected
    with store.writing() as connection:
        connection.execute(t.account.update().where(t.account.c.name == "own").values(last_success_at=None))
    assert [state.account.name for state in store.accounts.due(NOW)] == ["own", "search"]


def test_own_accounts_beyond_a_limit_all_wait_a_little(store: Store, tmp_path: Path, httpserver: HTTPServer) -> None:
    x = _X(posts=0)
    httpserver.expect_request("/2/tweets/search/recent").respond_with_handler(x)
    httpserver.expect_request("/2/users/by/username/hillcrest").respond_with_json({"data": {"id": "9001"}})
    settings = _with_own(tmp_path, httpserver.url_for("/"), '[[budget.caps]]\nplatform = "x"\ncalls_per_day = 84')
    poller, _ = _poller(settings, store)
    for n in range(3):
        poller.poll(store.accounts.get("own"), NOW + timedelta(seconds=n))
    later = NOW + timedelta(hours=1)
    # Every five minutes would be 156 more until midnight, and a look-up at first; half of that is left.
    pace = Budget(settings, store).pace(store.accounts.get("own"), later)
    assert pace.own
    assert pace.own_stretch > 1.9
    assert pace.interval(later, 0) > timedelta(minutes=9)


def test_what_comes_along_with_posts_is_counted_unless_the_operator_knows_better(
    store: Store, tmp_path: Path, httpserver: HTTPServer
) -> None:
    post = {"id": "2000000000000000001", "text": "Hillcrest Primary", "author_id": "7", "edit_history_tweet_ids": []}
    includes = {
        "users": [{"id": "7", "name": "Pat", "username": "pat"}, {"id": "8", "name": "Sam", "username": "sam"}],
        "tweets": [{**post, "id": "2000000000000000000"}],
        "media": [{"media_key": "3_1", "type": "photo"}],
    }
    body = {"data": [post], "includes": includes, "meta": {"result_count": 1, "newest_id": post["id"]}}
    httpserver.expect_request("/2/tweets/search/recent").respond_with_json(body)
    for along, dollars in (("true", 2 * 0.005 + 2 * 0.010 + 0.005), ("false", 0.005)):
        written = f"monthly_pounds = 20.0\ncount_along = {along}"
        poller, budget = _poller(_settings(tmp_path, httpserver.url_for("/"), written), store)
        before = store.ledger.spent(_money(budget), NOW)
        poller.poll(store.accounts.get("search"), NOW)
        assert store.ledger.spent(_money(budget), NOW) - before == pytest.approx(dollars * 0.8 * MICRO, abs=2)


def test_a_small_rest_of_the_budget_buys_a_small_page(
    store: Store, tmp_path: Path, httpserver: HTTPServer, x: _X
) -> None:
    sizes: list[int] = []
    x.posts = 50

    def give(request: Request) -> Response:
        sizes.append(int(request.args["max_results"]))
        return x(request)

    httpserver.clear()
    httpserver.expect_request("/2/tweets/search/recent").respond_with_handler(give)
    poller, budget = _poller(_settings(tmp_path, httpserver.url_for("/"), "monthly_pounds = 5.4"), store)
    for n in range(32):
        poller.poll(store.accounts.get("search"), NOW + timedelta(seconds=n))
    assert sizes[0] == 100
    assert sizes[-1] <= 11
    assert 4.8 * MICRO < store.ledger.spent(_money(budget), NOW) <= 5.4 * MICRO


def test_youtubes_searches_are_counted_apart(tmp_path: Path, store: Store) -> None:
    settings = _settings(tmp_path, "https://x.example")
    youtube = settings.accounts[0].model_copy(update={"platform": "youtube", "name": "tube"})
    budget = Budget(settings.model_copy(update={"accounts": (youtube,)}), store)
    account = _account(youtube.name)
    with budget.reading(account, NOW) as bill:
        assert isinstance(bill, Bill)
        assert bill.meter is not None
        for _ in range(3):
            bill.meter.count("/youtube/v3/search")
    with store.writing() as connection:
        budget.settle(connection, bill, None, 0, NOW)
    of = {row.unit: row.amount for row in store.ledger.since(NOW - timedelta(hours=1))}
    assert of == {SEARCHES: 3, CALLS: 0}


def test_the_hundredth_search_is_the_last_of_the_day(tmp_path: Path, store: Store) -> None:
    settings = _settings(tmp_path, "https://x.example")
    youtube = settings.accounts[0].model_copy(update={"platform": "youtube", "name": "tube"})
    budget = Budget(settings.model_copy(update={"accounts": (youtube,)}), store)
    with budget.reading(_account("tube"), NOW) as bill:
        assert bill is not None
        assert bill.meter is not None
        for _ in range(100):
            bill.meter.count("/youtube/v3/search")
        with pytest.raises(RateLimitedError, match="searches") as refused:
            bill.meter.count("/youtube/v3/search")
    assert refused.value.retry_at == datetime(2026, 11, 19, 8, tzinfo=UTC)
    assert bill.meter.spent[SEARCHES] == 100


def _account(name: str) -> Account:
    return Account(name=name, platform="youtube", target="@x", reads=("search",))


def test_money_has_a_cap_even_where_none_is_written(tmp_path: Path) -> None:
    found = [cap for cap in caps_of(_settings(tmp_path, "https://x.example", "")) if cap.unit == POUNDS]
    assert [(cap.amount, cap.key) for cap in found] == [(50 * MICRO, "budget.monthly_pounds")]


_ROWS = {
    'platform = "x"\nschool = "hillcrest"\nmonthly_pounds = 0.05': (),
    'platform = "x"\nschool = "hillcrst"\nmonthly_pounds = 0.05': ("budget.caps[1].school: 'hillcrst' is unknown",),
    'platform = "twitter"\nmonthly_pounds = 5': ("budget.caps[1].platform: 'twitter' is not one that counts",),
    'platform = "x"': ("budget.caps[1]: bounds nothing",),
    'platform = "x"\napp = "second"\ncalls_per_day = 5': ("budget.caps[1].app: 'second' is the app of no account",),
    'platform = "bluesky"\nmonthly_pounds = 5': ("budget.caps[1].monthly_pounds: reading bluesky costs no money",),
}


@pytest.mark.parametrize(("row", "said"), _ROWS.items())
def test_a_cap_that_bounds_nothing_is_refused(tmp_path: Path, row: str, said: tuple[str, ...]) -> None:
    settings = _settings(tmp_path, "https://x.example", f"[[budget.caps]]\n{row}")
    found = tuple(problem for problem in problems(settings) if problem.startswith("budget"))
    assert len(found) == len(said)
    assert all(problem.startswith(start) for problem, start in zip(found, said, strict=True))


def test_two_caps_on_the_same_thing_are_refused(tmp_path: Path) -> None:
    row = '[[budget.caps]]\nplatform = "x"\nmonthly_pounds = 5\n'
    found = [problem for problem in problems(_settings(tmp_path, "https://x.example", row * 2)) if "budget" in problem]
    assert len(found) == 1
    assert "stand in an earlier cap" in found[0]


@pytest.mark.parametrize("part", ['school = "hillcrest"', 'app = "second"'])
def test_a_cap_on_a_part_takes_no_platforms_place(tmp_path: Path, part: str) -> None:
    row = f'monthly_pounds = 0.1\n[[budget.caps]]\nplatform = "x"\n{part}\nmonthly_pounds = 0.05'
    found = {
        cap.key: cap.amount for cap in caps_of(_settings(tmp_path, "https://x.example", row)) if cap.unit == POUNDS
    }
    assert found == {"budget.monthly_pounds": MICRO // 10, "budget.caps[1].monthly_pounds": MICRO // 20}
