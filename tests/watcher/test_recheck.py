"""Stored posts are looked at again: edits are read and judged, deletions honoured, and nothing goes by mistake."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from connectors.errors import AuthenticationError, ConnectorError, RateLimitedError
from connectors.post import Account, Cursor, Page, Post
from tests.watcher.test_service import NOW, OWN, FakeConnector, House, make, post, settings, under_own
from watcher.enrolment import apply
from watcher.freshness import check_after
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
        connection.execute(
            t.account.update().where(t.account.c.name == "hillcrest").values(body=body | {"platform": name})
        )
    yield


def test_what_google_has_not_refreshed_for_30_days_goes_unless_a_matter_rests_on_it(again: Again) -> None:
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
