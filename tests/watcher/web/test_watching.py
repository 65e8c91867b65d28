"""What was edited, deleted, left out or has fallen silent, as the pages tell it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from alerts.incident import Incident
from connectors.post import Gap
from watcher.blindness import SILENT

if TYPE_CHECKING:
    from tests.watcher.web.conftest import House

DAY = timedelta(days=1)


def test_a_post_that_is_gone_is_marked_and_its_day_stands_in_the_timeline(
    house: House, read: Callable[[str], str]
) -> None:
    reference = house.incident("The new gate policy is a shambles.")
    check = house.store.rechecks.due(["facebook"], house.now + DAY, 10)[0]
    with house.store.writing() as connection:
        house.store.rechecks.gone(connection, check, None, house.now)
    page = read(f"/incidents/{reference}")
    assert "Deleted at the source. This was found on" in page
    assert "shambles" in page, "it stays as evidence"
    assert "A Facebook comment was found deleted at the source on Friday 20 November 2026" in page


def test_an_edit_stands_in_the_timeline(house: House, read: Callable[[str], str]) -> None:
    reference = house.incident("The new gate policy is a shambles.")
    check = house.store.rechecks.due(["facebook"], house.now + DAY, 10)[0]
    with house.store.writing() as connection:
        edited = house.post("It is fine now", id=check.post.id)
        house.store.rechecks.seen(connection, check, edited, house.now, house.now)
    assert "Changed at the source A Facebook comment was found changed" in read(f"/incidents/{reference}")


def test_each_gap_says_what_becomes_of_it(house: House, read: Callable[[str], str]) -> None:
    gap = Gap(start=house.now - DAY, end=house.now - DAY / 2, why="the platform keeps only a day")
    house.read(house.account("one"), gaps=(gap,))
    assert "Watcher is fetching it." in read("/sources")
    with house.store.writing() as connection:
        left_out = house.store.gaps.since(house.now - DAY)[0]
        house.store.gaps.give_up(connection, left_out, "tried 5 times in vain; last: 502")
    assert "It stays missing: tried 5 times in vain; last: 502." in read("/sources")


def test_nothing_because_it_is_quiet_looks_unlike_nothing_because_it_is_blind(
    house: House, read: Callable[[str], str]
) -> None:
    house.read(house.account("quiet"))
    house.read(house.account("blind", platform="rss"))
    for error in ("AuthenticationError: the token has expired",) * 2:
        state = house.store.accounts.get("blind")
        house.store.accounts.failed(state, error, permanent=True, next_at=house.now + DAY, now=house.now)
    house.read(house.account("saving"))
    state = house.store.accounts.get("saving")
    why = "SpentError: the month's budget is used up"
    house.store.accounts.failed(state, why, permanent=False, next_at=house.now + DAY, now=house.now)
    page = read("/sources")
    assert "Is read quiet: nothing has come yet" in page
    assert "Cannot be read what comes is not seen" in page
    assert "Waits for its budget" in page
    assert "Raise the cap" in page


def test_a_silent_source_asks_for_a_look(house: House, read: Callable[[str], str]) -> None:
    house.read(house.account("one"))
    fault = Incident(
        reference="WT-STILL",
        school="alderbrook",
        state="open",
        concerns=("blind_spot",),
        severity=3,
        recipients=("it_provider",),
        opened_at=house.now,
        last_flag_at=house.now,
    )
    house.store.incidents.start_fault(f"{SILENT}one", lambda: fault, "nothing since July", house.now)
    page = read("/sources")
    assert "Fallen silent" in page
    assert "Please look at it in a browser" in page
    assert "The one source is read; 1 has fallen silent" in page
