"""The page to which a platform sends an account's owner back, and what the other pages say of permissions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.watcher.granting import Authority, authority, settings
from watcher.connection import Connections
from watcher.enrolment import apply
from watcher.seal import seal_of
from watcher.store import Store
from watcher.store.tokens import Token
from watcher.token import opened
from watcher.web.application import make

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BACK = "https://watcher.example/connect/return"
NAME = "hillcrest-youtube"


@pytest.fixture
def google() -> Iterator[Authority]:
    with authority() as made:
        yield made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path}/watcher.db")
    made.migrate()
    yield made
    made.close()


class House:
    """Pages over a store, and links for their owner."""

    def __init__(self, folder: Path, store: Store, google: Authority) -> None:
        self.settings = settings(folder, google.url)
        apply(self.settings, store, "watcher.toml", NOW)
        self.store, self.connections, self.now = store, Connections(self.settings, store), NOW
        pages = make(
            store,
            is_alive=lambda: True,
            public_url="https://watcher.example",
            clock=lambda: self.now,
            connections=self.connections,
        )
        self.browser = TestClient(pages, base_url="https://watcher.example")

    def link(self) -> str:
        return self.connections.begin(NAME, BACK, self.now).url

    def come(self, **query: str) -> tuple[int, str]:
        answer = self.browser.get("/connect/return", params=query)
        return answer.status_code, " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


@pytest.fixture
def house(tmp_path: Path, store: Store, google: Authority) -> House:
    return House(tmp_path, store, google)


def test_an_owner_reads_what_they_granted_until_when_and_how_to_take_it_back(house: House, google: Authority) -> None:
    back = google.agree(house.link())
    status, text = house.come(**back)
    assert status == 200
    for words in (
        "Thank you: it is connected",
        "YouTube, @hillcrestprimary",
        "Granted by Sam Okafor",
        "Until You take it back",
        "myaccount.google.com",
        "It never posts",
    ):
        assert words in text
    token = opened(seal_of(house.settings), house.store.tokens.get(NAME) or pytest.fail("no row")).access
    for secret in (token, back["code"], back["state"], "client-s3cret"):
        assert secret not in text
    # A page for somebody from outside leads to no other page of this house.
    raw = house.browser.get("/connect/return", params=back).text
    assert 'href="/"' not in raw
    assert "/sources" not in raw


def test_the_page_is_sealed_like_every_other_and_answers_no_strange_host(house: House, google: Authority) -> None:
    answer = house.browser.get("/connect/return", params=google.agree(house.link()))
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert house.browser.get("/connect/return", headers={"host": "evil.example"}).status_code == 400
    assert house.browser.post("/connect/return").status_code == 405
    assert house.browser.head("/connect/return").status_code == 405


def test_a_link_that_was_used_or_guessed_says_what_to_do(house: House, google: Authority) -> None:
    back = google.agree(house.link())
    assert house.come(**back)[0] == 200
    for query in (back, {"state": "guessed", "code": "x"}, {}, {"code": "x"}, {"state": "s" * 9000, "code": "x"}):
        status, text = house.come(**query)
        assert status == 400
        assert "Ask whoever sent you the link for a new one" in text
    assert house.browser.get("/connect/return?" + "&".join(f"a{n}=1" for n in range(99))).status_code == 400


def test_who_declines_is_thanked_and_may_come_back(house: House, google: Authority) -> None:
    link = house.link()
    state = re.findall(r"state=([\w-]+)", link)[0]
    status, text = house.come(state=state, error="access_denied")
    assert (status, "Nothing was granted" in text) == (200, True)
    assert house.come(state="guessed", error="access_denied<script>")[0] == 400
    assert house.come(**google.agree(link))[0] == 200


def test_a_platform_out_of_reach_is_tried_again_by_the_same_link(house: House, google: Authority) -> None:
    back = google.agree(house.link())
    google.instead = lambda: ("502 Bad Gateway", b"<html>")
    status, text = house.come(**back)
    assert (status, "the link that you were sent once more" in text) == (503, True)
    google.instead = lambda: None
    assert house.come(**back)[0] == 200


def test_a_refusal_names_no_secret(house: House, google: Authority) -> None:
    back = google.agree(house.link())
    google.instead = lambda: ("400 Bad Request", b'{"error": "invalid_grant", "error_description": "bad %s"}')
    status, text = house.come(state=back["state"], code="c0de<b>")
    assert status == 400
    assert "Nothing was kept" in text
    assert "c0de" not in text


def test_an_installation_that_lost_its_key_keeps_nothing(house: House, google: Authority, tmp_path: Path) -> None:
    back = google.agree(house.link())
    (tmp_path / "key").write_text("", encoding="utf-8")
    status, text = house.come(**back)
    assert (status, "not set up for this yet" in text) == (500, True)
    assert "secrets.key" not in text


def test_pages_without_connections_take_nothing(store: Store) -> None:
    browser = TestClient(make(store, is_alive=lambda: True), base_url="http://localhost")
    assert browser.get("/connect/return?state=s&code=c").status_code == 404


def test_the_sources_say_by_whose_leave_and_until_when(house: House) -> None:
    house.store.tokens.keep(
        Token(account=NAME, access=b"x", owner="Jo <b>Moore</b>", made_at=NOW, expires_at=NOW + timedelta(days=60)), NOW
    )
    page = house.browser.get("/sources").text
    assert "Read by leave of Jo &lt;b&gt;Moore" in page
    assert "it ends" in page
    assert "19 January" in page
