"""Stored posts are looked at again: edits are read and judged, deletions honoured, and nothing goes by mistake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from connectors import meter
from connectors.errors import AuthenticationError, ConnectorError, RateLimitedError
from connectors.post import Account, Cursor, Page, Post
from connectors.tariff import POSTS, POUNDS, TARIFFS
from tests.watcher.test_service import NOW, OWN, FakeConnector, House, make, post, settings, under_own
from watcher import freshness
from watcher.budget import Budget
from watcher.config import load
from watcher.enrolment import apply
from watcher.freshness import check_after, paid_check
from watcher.polling import Poller
from watcher.recheck import Checker
from watcher.store import Store
from watcher.store import schema as t
from watcher.store.engine import reading

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Source(FakeConnector):
    """A platform that can be asked again: what it says of a post by id; what is not named is as it was."""

    now: dict[str, Post | None] = field(default_factory=dict)
    silent_on: frozenset[str] = frozenset()
    breaks: ConnectorError | None = None
    after: int = 0
    asked: list[list[str]] = field(default_factory=list)

    def recheck(self, _account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        self.asked.append([p.id for p in posts])
        for n, one in enumerate(posts):
            if self.breaks is not None and n >= self.after:
                raise self.breaks
            if one.id not in self.silent_on:
                yield one, self.now.get(one.id, one)


@dataclass
class Again:
    """A house whose sources can be asked again."""

    house: House
    source: Source
    store: Store

    def at(self, moment: datetime) -> None:
        self.house.service.recheck(moment)
        self.house.settle(moment)

    def row(self, post_id: str) -> tuple[datetime | None, datetime | None, datetime | None]:
        with reading(self.store.engine) as connection:
            query = select(t.post.c.gone_at, t.post.c.rechecked_at, t.post.c.recheck_at)
            found = connection.execute(query.where(t.post.c.post_id == post_id)).first()
        assert found is not None
        return found[0], found[1], found[2]

    def is_kept(self, post_id: str) -> bool:
        with reading(self.store.engine) as connection:
            return connection.execute(select(t.post.c.id).where(t.post.c.post_id == post_id)).first() is not None


@pytest.fixture
def again(store: Store, tmp_path: Path) -> Again:
    chosen = settings(tmp_path)
    apply(chosen, store, "watcher.toml", NOW)
    house = make(store, chosen)
    source = Source()
    house.connectors["hillcrest"] = source
    return Again(house, source, store)


def test_an_edit_becomes_a_version_of_its_own_that_is_judged_like_any_other(again: Again) -> None:
    again.house.bring(OWN, under_own(2, "See you there"))
    assert again.house.concerns() == []
    again.source.now["2"] = under_own(2, "I will burn it down on Friday {threat=0.9}", edited_at=NOW + HOUR)
    again.at(NOW + DAY)
    assert again.house.concerns() == [("threat",)]
    assert again.house.channel.sent
    assert again.store.views.totals()["version"] == 3


def test_an_edit_of_a_post_in_a_matter_stands_in_its_timeline_with_both_texts(again: Again) -> None:
    again.house.bring(OWN, under_own(2, "Shame on you {criticism=0.9}"))
    again.source.now["2"] = under_own(2, "Shame on you all {criticism=0.9}")
    again.at(NOW + 2 * HOUR)
    view = again.store.views.incident(again.store.views.incidents(limit=5)[0].reference)
    assert view is not None
    assert [e.detail for e in view.events if e.what == "edited"] == [
        "a Mastodon comment was found changed at the source on Wednesday 18 November 2026"
    ]
    assert {p.post.text for p in view.posts} == {"Shame on you {criticism=0.9}", "Shame on you all {criticism=0.9}"}


def test_what_was_deleted_at_the_source_goes_after_a_week_unless_a_matter_rests_on_it(again: Again) -> None:
    again.house.bring(OWN, under_own(2, "See you there"), under_own(3, "Shame {criticism=0.9}"))
    again.source.now |= {"2": None, "3": None}
    again.at(NOW + DAY)
    assert again.row("2")[0] == again.row("3")[0] == NOW + DAY
    view = again.store.views.incident(again.store.views.incidents(limit=5)[0].reference)
    assert view is not None
    said = next(e.detail for e in view.events if e.what == "gone")
    assert "deleted at the source on Thursday 19 November 2026" in said
    assert [p.gone_at for p in view.posts] == [NOW + DAY]
    again.house.service.purge(NOW + 7 * DAY)
    assert again.is_kept("2")
    again.house.service.purge(NOW + 9 * DAY)
    assert not again.is_kept("2")
    assert again.is_kept("3")
    again.store.incidents.set_state(view.incident.reference, "resolved", "settled", NOW + 10 * DAY)
    again.house.service.purge(NOW + 60 * DAY)
    assert again.is_kept("3"), "a matter that is closed and kept keeps its evidence"
    again.house.service.purge(NOW + 400 * DAY)
    assert not again.is_kept("3")


def test_a_post_that_comes_back_within_the_week_stays(again: Again) -> None:
    again.house.bring(OWN, under_own(2, "See you there"))
    again.source.now["2"] = None
    again.at(NOW + DAY)
    del again.source.now["2"]
    again.at(NOW + 3 * DAY)
    assert again.row("2")[0] is None
    again.house.service.purge(NOW + 30 * DAY)
    assert again.is_kept("2")


@pytest.mark.parametrize(
    "error", [AuthenticationError("the token has expired"), RateLimitedError("slow down", NOW + 30 * HOUR)]
)
def test_a_page_that_may_not_be_asked_deletes_nothing(again: Again, error: ConnectorError) -> None:
    again.house.bring(OWN, under_own(2, "See you there"))
    again.source.now |= {"1": None, "2": None}
    again.source.breaks = error
    again.at(NOW + DAY)
    assert again.row("2")[:2] == (None, None)
    due = again.row("2")[2]
    assert due is not None
    assert due > NOW + DAY
    assert len(again.source.asked) == 1
    again.at(NOW + DAY + timedelta(minutes=30))
    assert len(again.source.asked) == 1


def test_what_was_answered_before_a_reading_broke_is_kept(again: Again) -> None:
    again.house.bring(OWN, under_own(2, "See you there"), under_own(3, "Me too"))
    again.source.now |= {"1": None, "2": None, "3": None}
    again.source.breaks, again.source.after = RateLimitedError("slow down", None), 1
    again.at(NOW + DAY)
    gone = [number for number in ("1", "2", "3") if again.row(number)[0] is not None]
    assert gone == again.source.asked[0][:1]


def test_a_source_that_is_blind_is_not_asked(again: Again) -> None:
    again.house.bring(OWN, under_own(2, "See you there"))
    again.source.script.append(AuthenticationError("the token has expired"))
    again.house.poll(now=NOW + HOUR)
    again.source.now["2"] = None
    again.at(NOW + DAY)
    assert again.source.asked == []
    assert again.row("2")[0] is None


def test_of_what_a_platform_leaves_out_nothing_is_concluded(again: Again) -> None:
    again.house.bring(OWN, under_own(2, "See you there"))
    again.source.silent_on = frozenset({"2"})
    again.at(NOW + DAY)
    assert again.row("2")[:2] == (None, None)
    assert again.row("1")[1] == NOW + DAY


def test_who_brought_a_post_is_shown_its_new_version_too(again: Again) -> None:
    both = post(5, "Hillcrest Primary School and Dene Valley Academy play on Friday")
    again.house.bring(both)
    again.house.bring(both, account="dene")
    again.source.now["5"] = replace(both, text=both.text + " {criticism=0.9}. Shame on both")
    again.at(NOW + DAY)
    assert {i.school for i in again.store.views.incidents(limit=5)} == {"hillcrest", "dene"}


def test_posts_of_platforms_that_cannot_be_asked_wait_for_nothing(again: Again) -> None:
    again.house.connectors["hillcrest"] = FakeConnector()
    again.house.bring(OWN, under_own(2, "See you there"))
    again.at(NOW + DAY)
    assert again.row("2")[2] is None
    again.house.connectors["hillcrest"] = again.source
    again.house.service.begin(NOW + 2 * DAY)
    again.at(NOW + 2 * DAY)
    assert again.row("2")[1] == NOW + 2 * DAY


def test_a_post_in_an_open_matter_is_looked_at_more_often_than_others(again: Again) -> None:
    again.house.bring(OWN, under_own(2, "See you there"), under_own(3, "Shame {criticism=0.9}"))
    for hours in range(24, 73, 4):
        again.at(NOW + hours * HOUR)
    asked = [number for batch in again.source.asked for number in batch]
    assert asked.count("3") > 3 * asked.count("2") > 0


def test_it_is_batched_and_goes_easy_on_a_platform(again: Again) -> None:
    again.house.bring(OWN, *(under_own(n, f"Well done {n}") for n in range(2, 252)))
    again.at(NOW + DAY)
    assert [len(batch) for batch in again.source.asked] == [100]
    again.at(NOW + DAY)
    again.at(NOW + DAY)
    assert sum(len(batch) for batch in again.source.asked) == 251
    assert len({number for batch in again.source.asked for number in batch}) == 251


def test_the_fresher_the_sooner_and_spread_out() -> None:
    ages = [timedelta(hours=1), timedelta(days=3), timedelta(days=20), timedelta(days=300)]
    pauses = [check_after(age, "x") for age in ages]
    assert pauses == sorted(pauses)
    assert max(check_after(timedelta(days=300), str(n)) for n in range(2000)) < timedelta(days=30)
    assert len({check_after(timedelta(hours=1), str(n)) for n in range(100)}) > 50
    assert check_after(ages[1], "x", in_matter=True) < check_after(ages[1], "x") / 10


@contextmanager
def platform_is(name: str, house: House) -> Iterator[None]:
    """Have the posts of the house come from another platform."""
    with house.store.writing() as connection:
        connection.execute(t.account.update().where(t.account.c.name == "hillcrest").values(platform=name))
        body = connection.scalar(select(t.account.c.body).where(t.account.c.name == "hillcrest"))
        assert body is not None
        connection.execute(
            t.account.update().where(t.account.c.name == "hillcrest").values(body=body | {"platform": name})
        )
    yield


def test_what_google_has_not_refreshed_for_30_days_goes_or_loses_its_text(again: Again) -> None:
    def film(number: int, text: str) -> Post:
        return under_own(number, text, platform="youtube", origin="")

    with platform_is("youtube", again.house):
        own = replace(OWN, platform="youtube", origin="")
        again.house.bring(own, film(2, "Nice"), film(3, "Lovely"), film(4, "Shame {criticism=0.9}"))
        again.at(NOW + DAY)
        again.source.silent_on = frozenset({"3", "4"})
        for days in range(2, 40):
            again.at(NOW + days * DAY)
        again.house.service.purge(NOW + 40 * DAY)
    assert [number for number in ("2", "3", "4") if again.is_kept(number)] == ["2", "4"]
    again.house.service.purge(NOW + 40 * DAY)


def test_a_page_of_nothing_changes_nothing(again: Again) -> None:
    again.source.script.append(Page(posts=(), cursor=Cursor(state="x")))
    again.house.poll()
    assert again.house.service.recheck(NOW + DAY) == 0
    assert again.source.asked == []


# where each asking is paid --------------------------------------------------------------------------------------------


@dataclass
class Paid(Source):
    """X, which charges for each post that it gives."""

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        page = super().fetch(account, cursor)
        meter.leaving("/2/tweets/search/recent")
        meter.answered(200)
        meter.brought(POSTS, len(page.posts))
        return page

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        meter.leaving("/2/tweets")
        for before, current in super().recheck(account, posts):
            meter.brought(POSTS, int(current is not None))
            yield before, current


@dataclass
class OnX:
    """A house that reads X, with its ledger, and what checks its posts."""

    house: House
    source: Paid
    checker: Checker
    poller: Poller

    def bring(self, *posts: Post, now: datetime = NOW) -> None:
        self.source.script.append(Page(posts=posts, cursor=Cursor(state="x")))
        self.poller.poll(self.house.store.accounts.get("hillcrest"), now)
        self.house.settle(now)

    def asked(self) -> list[str]:
        return sorted(number for batch in self.source.asked for number in batch)

    def spent(self) -> tuple[int, int, int]:
        """Posts, posts paid for twice, and millionths of a pound."""
        rows = [row for row in self.house.store.ledger.since(NOW - 40 * DAY) if row.unit == POUNDS]
        return sum(row.posts for row in rows), sum(row.again for row in rows), sum(row.amount for row in rows)


def tweets(start: int, number: int, text: str = "See you there") -> list[Post]:
    return [under_own(n, f"{text} {n}", platform="x", origin="") for n in range(start, start + number)]


def on_x(store: Store, folder: Path, more: str = "") -> OnX:
    settings(folder)
    file = folder / "watcher.toml"
    file.write_text(file.read_text().replace('platform = "mastodon"', 'platform = "x"') + more)
    chosen = load(file)
    apply(chosen, store, "watcher.toml", NOW)
    house, source = make(store, chosen), Paid()
    poller = Poller(store, lambda _: source, lambda _: None, Budget(chosen, store))
    return OnX(house, source, Checker(store, poller), poller)


def test_on_x_only_what_something_rests_on_is_asked_for_again_on_three_days_at_most(
    store: Store, tmp_path: Path
) -> None:
    x = on_x(store, tmp_path)
    x.bring(replace(OWN, platform="x", origin=""), *tweets(2, 200), *tweets(900, 1, "Shame {criticism=0.9}"))
    for hours in (*range(30), *range(30, 24 * 12, 8)):
        x.checker.check(NOW + hours * HOUR)
    assert x.asked() == ["900"] * 3
    assert len(x.source.asked) == 3
    posts, again, pounds = x.spent()
    assert (posts, again) == (204, 2), "on the day of the reading X charges nothing more"
    assert pounds <= (204 + 3) * 4000


def test_on_x_a_deletion_and_an_edit_are_found(store: Store, tmp_path: Path) -> None:
    x = on_x(store, tmp_path)
    angry = tweets(900, 2, "Shame {criticism=0.9}")
    x.bring(replace(OWN, platform="x", origin=""), *tweets(2, 200), *angry)
    x.source.now |= {"900": None, "901": replace(angry[1], text="All well now", edited_at=NOW + HOUR)}
    x.checker.check(NOW + 4 * HOUR)
    x.house.settle(NOW + 4 * HOUR)
    view = store.views.incident(store.views.incidents(limit=5)[0].reference)
    assert view is not None
    assert sorted(event.what for event in view.events if event.what in ("gone", "edited")) == ["edited", "gone"]
    assert {p.post.text for p in view.posts if p.post.id == "900"} == {angry[0].text}
    for days in range(1, 40):
        x.checker.check(NOW + days * DAY)
    assert x.asked().count("900") == 2, "what is gone is asked for once more"


def test_on_x_no_more_are_paid_for_twice_than_the_share_allows_and_the_gravest_come_first(
    store: Store, tmp_path: Path
) -> None:
    x = on_x(store, tmp_path)
    x.bring(replace(OWN, platform="x", origin=""), *tweets(2, 200))
    x.bring(*tweets(900, 60, "Shame {criticism=0.9}"), *tweets(990, 2, "burn {threat=0.9}"), now=NOW + 12 * HOUR)
    for hours in (*range(12, 48), *range(48, 24 * 12, 6)):
        x.checker.check(NOW + hours * HOUR)
    posts, again, _ = x.spent()
    assert again / posts <= TARIFFS["x"].again_share
    assert again == 3
    assert {"990", "991"} <= set(x.asked())
    assert all(row is None for row in waiting(store)), "what there was no room for is let be"


def test_on_x_nothing_is_asked_for_again_out_of_what_new_posts_need(store: Store, tmp_path: Path) -> None:
    x = on_x(store, tmp_path, "[budget]\nmonthly_pounds = 1.5\ncount_along = false\n")
    x.bring(replace(OWN, platform="x", origin=""), *tweets(2, 90), *tweets(900, 1, "Shame {criticism=0.9}"))
    for day in range(1, 4):
        x.bring(*tweets(1000 * day, 90), now=NOW + day * DAY)
    before = len(x.source.asked)
    x.checker.check(NOW + 7 * DAY + 2 * HOUR)
    assert len(x.source.asked) == before
    assert x.spent()[2] <= 1_500_000


def test_on_x_the_posts_of_before_are_not_all_asked_for_when_the_service_starts(store: Store, tmp_path: Path) -> None:
    x = on_x(store, tmp_path)
    x.bring(replace(OWN, platform="x", origin=""), *tweets(2, 5))
    with store.writing() as connection:
        connection.execute(t.post.update().values(recheck_at=None))
    assert store.rechecks.schedule(["x"], NOW + 30 * DAY) == 0
    assert store.rechecks.schedule(["x"], NOW + DAY) == 6
    x.checker.check(NOW + DAY)
    assert x.asked() == []


def waiting(store: Store) -> list[datetime | None]:
    with reading(store.engine) as connection:
        return list(connection.scalars(select(t.post.c.recheck_at)))


def test_the_day_of_the_reading_ends_at_midnight_in_utc() -> None:
    ages = TARIFFS["x"].again_after
    morning, evening = NOW.replace(hour=9, minute=20), NOW.replace(hour=21, minute=40)
    assert paid_check(morning, ages, morning) == NOW.replace(hour=12, minute=0)
    assert paid_check(evening, ages, evening) == (evening + DAY + HOUR).replace(minute=0)
    assert paid_check(morning, ages, morning + 8 * DAY) is None


def spoken(pause: timedelta) -> str:
    """A length of time as the page writes it."""
    for unit, name in ((DAY, "day"), (HOUR, "hour")):
        if pause >= unit and not pause % unit:
            return name if pause == unit else f"{pause // unit} {name}s"
    raise AssertionError(pause)


def test_the_page_has_the_ages_and_intervals_that_are_in_force() -> None:
    docs = Path(__file__).parents[2] / "docs"
    page = (docs / "watching.md").read_text()
    rows = [tuple(c.strip() for c in line.strip("|\n").split("|")) for line in page.splitlines() if line[:1] == "|"]
    ages = {timedelta(days=1): "a day", timedelta(days=7): "a week", timedelta(days=30): "a month"}
    expected = [(f"up to {ages[limit]} old", spoken(pause)) for limit, pause in freshness._AGES]
    late = spoken(freshness._IN_OLD_MATTER).replace("12", "twelve")
    expected.insert(0, ("an open matter rests on it", f"{spoken(freshness._IN_MATTER)}, after a week {late}"))
    expected.append(("older", spoken(freshness._OLD)))
    start = rows.index(("post", "asked again about every"))
    assert rows[start + 2 : start + 2 + len(expected)] == [
        (age, pause.replace("7 days", "week")) for age, pause in expected
    ]
    other = (docs / "platforms.md").read_text()
    assert "(watching.md#stored-posts-are-looked-at-again)" in other
    assert "## Stored posts are looked at again\n" in page
    assert "| age of the post |" not in other, "one table, in one place"
