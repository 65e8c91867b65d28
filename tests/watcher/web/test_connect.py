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
from watcher.store.tokens import TRIES, Token
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


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (("400 Bad Request", b'{"error": "invalid_grant"}'), 400, "too old, or was used already"),
        (("400 Bad Request", b'{"error": "redirect_uri_mismatch"}'), 400, "has to register that address there"),
        (("401 Unauthorized", b'{"error": "invalid_client"}'), 400, "does not accept the app"),
        (("200 OK", b"<html>"), 400, "This did not work"),
        (("200 OK", b"{}"), 400, "without a token"),
        (("500 Internal Server Error", b"{}"), 503, "does not answer just now"),
    ],
)
def test_what_fails_before_anything_is_kept_leaves_the_link_good(
    house: House, google: Authority, answer: tuple[str, bytes], status: int, says: str
) -> None:
    link = house.link()
    google.instead = lambda: answer
    found, text = house.come(**google.agree(link))
    assert (found, says in text) == (status, True), text
    assert "Open the link that you were sent once more; it is still good" in text
    assert "Ask whoever sent you the link for a new one" not in text
    google.instead = lambda: None
    back = google.agree(link)
    assert house.come(**back)[0] == 200
    assert "used already" in house.come(**back)[1]


def test_a_network_that_is_down_leaves_the_link_good(
    house: House, google: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = house.link()
    rows = house.settings.apps
    dead = [row.model_copy(update={"base_url": "http://127.0.0.1:9"}) for row in rows]
    monkeypatch.setattr(house.connections, "_settings", house.settings.model_copy(update={"apps": tuple(dead)}))
    status, text = house.come(**google.agree(link))
    assert (status, "it is still good" in text) == (503, True)
    monkeypatch.undo()
    assert house.come(**google.agree(link))[0] == 200


def test_a_link_is_not_tried_for_ever_nor_beyond_its_time(house: House, google: Authority) -> None:
    link = house.link()
    google.instead = lambda: ("400 Bad Request", b'{"error": "invalid_grant"}')
    said = [house.come(**google.agree(link))[1] for _ in range(TRIES)]
    assert all("it is still good" in text for text in said[:-1])
    assert ["times more at most" in text or "Once more at most" in text for text in said[-5:]] == [
        *(False, True, True, True, False)
    ]
    assert "Ask whoever sent you the link for a new one" in said[-1]
    google.instead = lambda: None
    asked = len(google.asked)
    assert house.come(**google.agree(link))[0] == 400
    assert len(google.asked) == asked, "the platform is not asked any more"
    other = house.link()
    google.instead = lambda: ("400 Bad Request", b'{"error": "invalid_grant"}')
    house.come(**google.agree(other))
    house.now = NOW + timedelta(days=7, minutes=1)
    google.instead = lambda: None
    status, text = house.come(**google.agree(other))
    assert (status, "seven days" in text) == (400, True)


def test_an_installation_that_is_mended_takes_the_same_link(house: House, google: Authority, tmp_path: Path) -> None:
    link, key = house.link(), (tmp_path / "key").read_text(encoding="utf-8")
    (tmp_path / "key").write_text("", encoding="utf-8")
    status, text = house.come(**google.agree(link))
    assert (status, "it is for them to mend" in text) == (500, True)
    (tmp_path / "key").write_text(key, encoding="utf-8")
    assert house.come(**google.agree(link))[0] == 200


def test_two_windows_with_one_link_do_not_use_it_at_once(house: House, google: Authority) -> None:
    link = house.link()
    state = re.findall(r"state=([\w-]+)", link)[0]
    assert house.store.tokens.take(state, NOW) is not None
    status, text = house.come(**google.agree(link))
    assert (status, "another window" in text) == (409, True)
    # Whoever broke off in the middle of it, as in a crash, holds nobody up for longer than some minutes.
    house.now = NOW + timedelta(minutes=4)
    assert house.come(**google.agree(link))[0] == 200


def test_a_link_whose_account_was_disconnected_meanwhile_brings_nothing_back(house: House, google: Authority) -> None:
    back = google.agree(house.link())

    def disconnect() -> None:
        house.store.tokens.drop(NAME)

    google.instead = disconnect
    assert house.come(**back)[0] == 400
    assert house.store.tokens.get(NAME) is None


def test_an_error_of_the_platforms_is_not_taken_for_a_refusal(house: House, google: Authority) -> None:
    link = house.link()
    state = re.findall(r"state=([\w-]+)", link)[0]
    status, text = house.come(state=state, error="invalid_scope")
    assert (status, "with an error (invalid_scope)" in text) == (400, True)
    assert "You did not agree" not in text
    assert "script" not in house.come(state=state, error="<script>alert(1)</script>")[1]
    assert house.come(state=state, error="user_cancelled_login")[0] == 200
    assert house.come(**google.agree(link))[0] == 200
