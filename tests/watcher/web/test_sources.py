"""“Is it working?”, source by source."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from fastapi.testclient import TestClient

from alerts.incident import Incident
from connectors.post import Account, Gap, Oddity
from watcher.pace import Delay
from watcher.web.moment import at_most
from watcher.web.sources import Delays

if TYPE_CHECKING:
    from tests.watcher.web.conftest import House


def test_all_sources_are_read(house: House, read: Callable[[str], str]) -> None:
    for name in ("one", "two"):
        house.read(house.account(name))
    page = read("/sources")
    assert "All 2 sources are read" in page
    assert "3 minutes ago" in page
    assert "in 2 minutes" in page
    assert "every 5 minutes" in page
    assert "All 2 sources are read" in read("/")


def test_a_blind_source_says_since_when_and_what_to_do(house: House, read: Callable[[str], str]) -> None:
    house.read(house.account("one"))
    account = house.account("two")
    house.read(account, at=house.now - timedelta(hours=5))
    for n in range(3):
        house.store.accounts.failed(
            house.store.accounts.get("two"),
            "AuthenticationError: the token has expired",
            permanent=True,
            next_at=house.now + timedelta(hours=1),
            now=house.now - timedelta(minutes=3 - n),
        )
    page = read("/sources")
    assert "1 of 2 sources cannot be read" in page
    assert "Not read since today at 03:15" in page
    assert "he token has expired" in page
    assert "Make a new one on the platform" in page
    assert "Tried 3 times in vain" in page
    assert "1 of 2 sources cannot be read . What is said there goes unseen." in read("/")


def test_a_source_that_was_never_read_does_not_say_since_when(house: House, read: Callable[[str], str]) -> None:
    house.account("one")
    for _ in range(2):
        house.store.accounts.failed(
            house.store.accounts.get("one"),
            "AuthenticationError: the token has expired",
            permanent=True,
            next_at=house.now + timedelta(hours=1),
            now=house.now,
        )
    page = read("/sources")
    assert "Not read so far." in page
    assert "Not read since" not in page


def test_gaps_and_items_set_aside_are_shown(house: House, read: Callable[[str], str]) -> None:
    gap = Gap(start=house.now - timedelta(days=1), end=None, why="the platform keeps only a day")
    house.read(house.account("one"), gaps=(gap,), oddities=(Oddity(raw=b"??", why="no id"),))
    page = read("/sources")
    assert "1 gap" in page
    assert "From yesterday at 08:15 until now: the platform keeps only a day" in page
    assert "1 item set aside" in page


def test_a_source_that_nobody_tries_is_overdue(house: House, read: Callable[[str], str]) -> None:
    house.read(house.account("one"), at=house.now - timedelta(hours=2))
    page = read("/sources")
    assert "Overdue" in page
    assert "nobody has tried" in page


def test_a_blind_spot_leads_to_its_source(house: House, web: TestClient) -> None:
    house.account("one")
    fault = Incident(
        reference="WT-BLIND",
        school="alderbrook",
        state="open",
        concerns=("blind_spot",),
        severity=3,
        recipients=("it_provider",),
        opened_at=house.now,
        last_flag_at=house.now,
    )
    house.store.incidents.start_fault("one", lambda: fault, "the token has expired", house.now)
    page = web.get("/incidents/WT-BLIND").text
    link = re.search(r'href="/sources(#[^"]+)"', page)
    assert link is not None
    assert f'id="{link.group(1)[1:]}"' in web.get("/sources").text
    assert "he token has expired" in page


def test_searches_of_one_row_with_the_same_trouble_are_one_card(
    house: House, web: TestClient, read: Callable[[str], str]
) -> None:
    names = [f"words~{place}" for place in ("00", "01", "10", "11")]
    for name, error in zip(names, ("the token has expired", "the token has expired", "no such thing", ""), strict=True):
        house.read(house.account(name, None), at=house.now - timedelta(hours=5 if error else 0))
        for n in range(2 if error else 0):
            house.store.accounts.failed(
                house.store.accounts.get(name),
                f"AuthenticationError: {error}",
                permanent=True,
                next_at=house.now + timedelta(hours=1),
                now=house.now - timedelta(minutes=3 - n),
            )
    assert "2 searches of 4 words~00" in read("/sources")
    page = web.get("/sources").text
    assert [card for card in re.findall("<h3>(.*?)</h3>", page) if "words" in card] == ["words", "words~10"]
    fault = Incident(
        reference="WT-BLIND",
        school="alderbrook",
        state="open",
        concerns=("blind_spot",),
        severity=3,
        recipients=("it_provider",),
        opened_at=house.now,
        last_flag_at=house.now,
    )
    house.store.incidents.start_fault("words~01", lambda: fault, "the token has expired", house.now)
    assert "words : 3 of 4 searches cannot be read 3 searches words~00 words~01 words~10" in read("/incidents/WT-BLIND")
    link = re.search(r'href="/sources(#[^"]+)"', web.get("/incidents/WT-BLIND").text)
    assert link is not None
    assert page.count(f'id="{link.group(1)[1:]}"') == 1


def test_what_cannot_be_read_is_no_stretch_of_time(house: House, read: Callable[[str], str]) -> None:
    gap = Gap(start=None, end=None, why="what visitors wrote on the page cannot be read: not allowed")
    house.read(house.account("one"), gaps=(gap,))
    page = read("/sources")
    assert "Since today at 08:12 , cannot be read: what visitors wrote on the page" in page
    assert "until now" not in page


def came(house: House, account: Account, *seconds: float) -> None:
    """Posts that an account brought so long after their publication, once it had been read to its end."""
    for late in seconds:
        at = house.now - timedelta(minutes=30)
        house.read(account, house.post(f"after {late}", created_at=at - timedelta(seconds=late)), at=at)


def test_the_real_delay_of_each_source_is_shown(house: House, read: Callable[[str], str]) -> None:
    one, two, three, four = (house.account(name) for name in ("one", "two", "three", "four"))
    old = house.post("long ago", created_at=house.now - timedelta(days=900))
    for account in (one, two, three, four):
        house.read(account, *([old] if account is one else []), at=house.now - timedelta(hours=2))
    came(house, one, *range(1, 100), 7200)
    came(house, two, 40, 130, 3601)
    came(house, three, -5)
    again = house.store.posts.unmatched(500)[0].post
    house.read(four, again, at=house.now - timedelta(minutes=1))
    page = read("/sources")
    assert "Half within 51 seconds 99 in 100 within 2 hours" in page
    assert "Half within 3 minutes all of 3 posts within 2 hours" in page
    assert "Within 1 second one post" in page
    assert page.count("Not known no new post lately") == 1, "what another source had brought is not counted"
    assert "The real delay is the time from a post’s publication until Watcher had it" in page
    assert "900 days" not in page


def test_a_delay_is_not_counted_anew_at_each_look(house: House) -> None:
    one = house.account("one")
    house.read(one, at=house.now - timedelta(hours=2))
    delays = Delays(house.store)
    assert delays.by_account(house.now) == {}
    came(house, one, 60)
    assert delays.by_account(house.now + timedelta(minutes=4)) == {}
    assert delays.by_account(house.now + timedelta(minutes=6))["one"] == Delay(posts=1, half_s=60, most_s=60)


def test_lengths_are_rounded_up_where_they_are_promised() -> None:
    lengths = {0: "1 second", 59: "59 seconds", 61: "2 minutes", 3600: "1 hour", 3601: "2 hours", 86401: "2 days"}
    assert {seconds: at_most(seconds) for seconds in lengths} == lengths
