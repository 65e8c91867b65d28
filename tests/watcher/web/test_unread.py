"""“What could not be read”: counted, and a sample laid before a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from alerts.mention import Mention
from alerts.school import Holding, Person
from classifiers.verdict import LABELS, Verdict
from connectors.post import Account, Post
from watcher.store.register import Entry

if TYPE_CHECKING:
    from tests.watcher.web.conftest import House


@pytest.fixture
def account(house: House) -> Account:
    return house.account("one")


def _unreadable(house: House, account: Account, post: Post, why: str | None = "language") -> None:
    """Stores a post as the service does: seen, matched, read by a model that gives up (or not)."""
    house.read(account, post)
    store = house.store
    with store.writing() as connection:
        for seen in store.posts.unmatched(10):
            mention = Mention(school="alderbrook", relevance="yes", reason="it names the school")
            store.matters.matched(connection, seen, [mention], house.now)
    with store.writing() as connection:
        for waiting in store.posts.unread(10):
            scores = {} if why else dict.fromkeys(LABELS, 0.01)
            verdict = Verdict(model="m", version="1", unread=why, scores=scores)
            store.matters.read(connection, waiting, [verdict], "m@1", house.now)


def test_nothing_unread_is_said_plainly(house: House, account: Account, read: Callable[[str], str]) -> None:
    _unreadable(house, account, house.post("Is the inset day on Monday?"), None)
    assert "Every post of the last seven days could be read" in read("/unread")
    assert "samples to look at" not in read("/sources")


def test_unread_posts_are_counted_and_sampled(house: House, account: Account, read: Callable[[str], str]) -> None:
    _unreadable(house, account, house.post("Nie wiem, czy szkoła jutro jest otwarta"))
    _unreadable(house, account, house.post("See you on Monday"), None)
    page = read("/unread")
    assert "Alderbrook Academy" in page
    assert "Nie wiem, czy szkoła jutro jest otwarta" in page
    assert "See you on Monday" not in page
    assert "Pinfold" not in page
    assert "Jo Bloggsworth" not in page
    assert "samples to look at" in read("/sources")


def test_a_sample_is_small_and_the_same_every_time(house: House, account: Account, read: Callable[[str], str]) -> None:
    for n in range(25):
        _unreadable(house, account, house.post(f"Nie wiem, czy jutro jest szkoła numer {n:03}"))
    first, again = read("/unread"), read("/unread")
    shown = [n for n in range(25) if f"numer {n:03}" in first]
    assert len(shown) == 10
    assert shown == [n for n in range(25) if f"numer {n:03}" in again]
    assert " 25 " in f" {' '.join(first.split())} "


def test_what_names_somebody_in_office_is_counted_and_not_shown(
    house: House, account: Account, read: Callable[[str], str]
) -> None:
    head = Person(id="orla", name="Orla Quillfeather", email="head@alderbrook.example")
    with house.store.writing() as connection:
        for kind, name, noun in (
            ("person", "orla", head),
            ("holding", "orla/headteacher", Holding(person="orla", role="headteacher", school="alderbrook")),
        ):
            house.store.register.put(connection, Entry(kind=kind, name=name, noun=noun, kept_by="t"), house.now)
    _unreadable(house, account, house.post("Pani Quillfeather znowu krzyczy na dzieci w szkole, nie wiem co robić"))
    page = read("/unread")
    assert "Alderbrook Academy" in page
    assert "Quillfeather" not in page
