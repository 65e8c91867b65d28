"""What holds for every answer, whatever is asked and whatever a post holds."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from connectors.post import Author, Media
from watcher.store import Store
from watcher.web.application import make
from watcher.web.guard import HEADERS

if TYPE_CHECKING:
    from tests.watcher.web.conftest import House


HOSTILE = (
    "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\"> "
    "{{ 7*7 }} </blockquote></details><style>body{display:none}</style> \x00\x1b[31m \ud800 \u202egnp.exe "
    "javascript:alert(1) " + "o" * 400
)


def test_a_hostile_post_is_only_ever_text(house: House, web: TestClient) -> None:
    author = Author(id="<b>x", handle="<script>", name="<img src=x>")
    reference = house.incident(
        HOSTILE,
        author=author,
        url="javascript:alert(1)",
        language='"><script>',
        links=("javascript:alert(2)", "data:text/html,<script>"),
        media=(Media(kind="image", alt="<script>alert(3)</script>"),),
    )
    page = web.get(f"/incidents/{reference}")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert "<img" not in page.text
    assert "<style" not in page.text
    assert "49 " not in page.text
    assert "&lt;script&gt;" in page.text
    for character in ("\x00", "\x1b", "\u202e"):
        assert character not in page.text
    for address in re.findall(r'(?:href|src|action)="([^"]*)"', page.text):
        assert address.startswith(("/", "#", "https://")), address


@pytest.mark.parametrize(
    "text",
    ["😀" * 20_000, "e" + "\u0301" * 200_000, "\u202e" * 5_000, "", " \n\t", "\ud83d" * 300, "x" * 300_000],
    ids=["emoji", "marks", "overrides", "empty", "blank", "surrogates", "endless"],
)
def test_a_post_of_any_shape_gets_a_page_of_bounded_size(house: House, web: TestClient, text: str) -> None:
    reference = house.incident(text)
    page = web.get(f"/incidents/{reference}")
    assert page.status_code == 200
    assert len(page.content) < 400_000


def test_a_source_with_a_hostile_name_and_error_is_only_text(house: House, web: TestClient) -> None:
    account = house.account('<script>alert(1)</script> " onmouseover=x')
    state = house.store.accounts.get(account.name)
    house.store.accounts.failed(state, "X: <img src=x onerror=y>\x00", permanent=True, next_at=house.now, now=house.now)
    page = web.get("/sources").text
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;img" in page


def test_health_tells_machines_whether_it_lives(house: House, web: TestClient) -> None:
    assert (web.get("/healthz").status_code, web.get("/healthz").json()["status"]) == (200, "ok")
    assert web.head("/healthz").status_code == 200
    house.alive = False
    assert (web.get("/healthz").status_code, web.get("/healthz").json()["status"]) == (503, "down")
    assert "Watching has stopped." in web.get("/").text


def test_robots_are_turned_away(web: TestClient) -> None:
    assert web.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"


EVERY = (
    "/",
    "/sources",
    "/healthz",
    "/robots.txt",
    "/static/watcher.css",
    "/static/mark.svg",
    "/nowhere",
    "/incidents",
)


@pytest.mark.parametrize("address", EVERY)
def test_every_answer_is_sealed(web: TestClient, address: str) -> None:
    answer = web.get(address, follow_redirects=False)
    for name, value in HEADERS.items():
        assert answer.headers.get_list(name) == [value]


def test_every_route_is_for_reading_only(house: House, web: TestClient) -> None:
    routes = [route for route in house.app().routes if isinstance(route, APIRoute)]
    assert all(route.methods <= {"GET", "HEAD"} for route in routes)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = web.request(method, "/")
        assert answer.status_code == 405
        assert "for reading only" in answer.text


def test_reading_changes_nothing(house: House, web: TestClient) -> None:
    reference = house.incident()
    house.tell(reference, state="pending")
    before = dump(house)
    for address in (*EVERY, f"/incidents/{reference}"):
        web.get(address)
        web.head(address)
    assert dump(house) == before


def dump(house: House) -> list[str]:
    raw = house.store.engine.raw_connection()
    try:
        return list(raw.driver_connection.iterdump())  # type: ignore[union-attr]
    finally:
        raw.close()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil.example", "[::1].evil"])
def test_a_host_of_another_name_is_refused(web: TestClient, host: str) -> None:
    answer = web.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "This address is not Watcher’s" in answer.text


@pytest.mark.parametrize("host", ["localhost", "localhost:8030", "127.0.0.1:1", "[::1]:8030", "[::1]", "LOCALHOST."])
def test_loopback_is_answered_under_all_its_names(web: TestClient, host: str) -> None:
    assert web.get("/healthz", headers={"Host": host}).status_code == 200


def test_the_name_that_mails_lead_to_is_answered(house: House) -> None:
    with TestClient(
        house.app(public_url="https://watcher.school.example:8443/"), base_url="http://localhost"
    ) as client:
        assert client.get("/healthz", headers={"Host": "watcher.school.example"}).status_code == 200


def test_a_fault_of_ours_is_told_in_plain_words_and_sealed(house: House, web: TestClient) -> None:
    def broken() -> bool:
        raise RuntimeError("a post's text")

    app = make(house.store, is_alive=broken, clock=lambda: house.now)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        answer = client.get("/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "a post's text" not in answer.text
    assert answer.headers["Content-Security-Policy"] == HEADERS["Content-Security-Policy"]


def test_a_store_that_cannot_be_read_is_told_in_plain_words(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'empty.db'}")
    app = make(store, is_alive=lambda: store.recall("beat") is not None)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        page, health = client.get("/"), client.get("/healthz")
    store.close()
    assert page.status_code == health.status_code == 503
    assert "The database cannot be read just now" in page.text
    assert health.json() == {"status": "down", "why": "the database cannot be read"}


def test_no_page_holds_script_or_style_of_its_own_or_anything_from_elsewhere(house: House, web: TestClient) -> None:
    reference = house.incident("Harmless words", url=None)
    for address in ("/", f"/incidents/{reference}", "/sources", "/nowhere"):
        page = web.get(address).text
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|http-equiv|https?://(?!localhost)", page), address
        assert page.startswith("<!DOCTYPE html>")
        assert '<html lang="en-GB">' in page
        assert len(re.findall(r"<h1", page)) == 1
        assert "Skip to the content" in page
