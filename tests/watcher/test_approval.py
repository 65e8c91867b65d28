"""What a platform must approve first is off until the operator has recorded it, and everybody is told so."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors import approval
from connectors.errors import PermanentError
from watcher.app import build, open_store
from watcher.check import check, notes
from watcher.config import Settings, load
from watcher.enrolment import apply, preview
from watcher.errors import ConfigError
from watcher.health import look, try_all
from watcher.reading import read
from watcher.store import Store
from watcher.web.application import make

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TEXT = """
[database]
url = "sqlite:///{folder}/watcher.db"
[retention]
posts_days = 30
[models]
classifiers = ["patterns"]
[alerts]
last_resort = "desk@it.example"
[[trusts]]
id = "northmere"
name = "Northmere Trust"
[[schools]]
id = "hill"
name = "Hillcrest Primary School"
pack = "wessex"
trust = "northmere"
[[schools]]
id = "dene"
name = "Dene Valley Academy"
pack = "wessex"
[[accounts]]
name = "hill-x"
school = "hill"
platform = "x"
target = "@hillcrest"
official = true
owner = "Jo Moore"
token = {{ env = "HILL_X" }}
[[accounts]]
name = "hill-test"
school = "hill"
platform = "x"
target = "@hillcrest"
official = true
owner = "Jo Moore"
base_url = "http://127.0.0.1:9"
allow_private = true
[[accounts]]
name = "news"
school = "hill"
platform = "archive"
target = "{folder}"
"""
APPROVED = """
[[approvals]]
platform = "x"
by = "Chris Ray"
on = 2026-11-19
reference = "case 12"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HILL_X", "s3cret")
    return tmp_path


def settings(folder: Path, more: str = "") -> Settings:
    file = folder / "watcher.toml"
    file.write_text(TEXT.format(folder=folder.as_posix()) + more, encoding="utf-8")
    return load(file)


def applied(folder: Path, more: str = "") -> tuple[Settings, Store]:
    made = settings(folder, more)
    store = open_store(made)
    store.migrate()
    apply(made, store, "watcher.toml", NOW)
    return made, store


def test_such_an_account_is_never_due_until_the_approval_is_a_row(folder: Path) -> None:
    _, store = applied(folder)
    assert {state.account.name for state in store.accounts.due(NOW)} == {"hill-test", "news"}
    off = store.accounts.get("hill-x").off
    assert off is not None
    assert "X" in off.name
    changes = preview(settings(folder, APPROVED), store)
    assert [(c.action, c.kind, c.name) for c in changes] == [("add", "approval", "x")]
    applied(folder, APPROVED)
    assert "hill-x" in {state.account.name for state in store.accounts.due(NOW)}
    assert store.accounts.get("hill-x").off is None
    assert preview(settings(folder, APPROVED), store) == ()
    assert len(store.register.all().schools) == 2, "an approval is a row among the others"
    applied(folder)
    assert store.accounts.get("hill-x").off is not None, "who takes the record away switches it off"


def test_nothing_else_asks_through_it_either(folder: Path) -> None:
    made, store = applied(folder)
    service = build(made, store)
    accounts = {state.account.name: state.account for state in store.accounts.all()}
    with pytest.raises(PermanentError, match="off until X's approval"):
        service.poller.connector_of(accounts["hill-x"])
    assert service.poller.connector_of(accounts["hill-test"]) is not None
    assert {state.account.name for state in service.due(NOW)} == {"hill-test", "news"}


def test_it_is_off_and_no_blind_spot(folder: Path) -> None:
    made, store = applied(folder)
    for _ in range(3):
        store.accounts.failed(store.accounts.get("hill-x"), "gone", permanent=True, next_at=NOW, now=NOW)
    store.remember("beat", 1, NOW)
    found = look(store, NOW)
    assert (found.off, found.blind, found.failing) == (("hill-x",), (), ())
    assert found.is_well
    assert any(line.startswith("off: hill-x") for line in found.lines())
    assert found.as_dict()["off"] == ("hill-x",)
    assert build(made, store).watch_sources(NOW) == 0


def test_the_page_of_sources_says_what_it_waits_for(folder: Path) -> None:
    _, store = applied(folder)
    later = NOW + timedelta(days=2)
    pages = make(store, is_alive=lambda: True, clock=lambda: later)
    page = TestClient(pages, base_url="http://127.0.0.1").get("/sources").text
    assert "1 is off until an approval is recorded" in page
    assert "Off until the platform has approved the use" in page
    assert "approval of the use case" in page
    assert "let people report it" in page


def test_check_config_warns_and_refuses_nothing_that_worked(folder: Path) -> None:
    made = settings(folder)
    check(made)
    (note,) = notes(made, NOW.date())
    assert note.startswith("accounts[1] (hill-x): off until X's approval of the use case is recorded")
    for part in ("[[approvals]]", 'platform = "x"', "docs/platforms/x.md"):
        assert part in note
    assert list(notes(settings(folder, APPROVED), NOW.date())) == []


def test_an_approval_of_a_day_to_come_is_none_until_then(folder: Path) -> None:
    coming = APPROVED.replace("2026-11-19", "2026-11-21")
    made, store = applied(folder, coming)
    assert {state.account.name for state in store.accounts.due(NOW)} == {"hill-test", "news"}
    for day, is_off in ((NOW, True), (NOW + timedelta(days=1), False)):
        # Whatever the machine's clock says: who reads, who tells of it and who shows it see the same day.
        assert ("hill-x" not in {state.account.name for state in store.accounts.due(day)}) is is_off
        assert ("hill-x" in {state.account.name for state in store.accounts.all(day) if state.off}) is is_off
        assert (store.accounts.get("hill-x", day).off is not None) is is_off
        assert ("hill-x" in look(store, day).off) is is_off
    assert "hill-x" in {state.account.name for state in store.accounts.due(NOW + timedelta(days=1))}
    check(made)
    off, future = notes(made, NOW.date())
    assert off.startswith("accounts[1] (hill-x): off until")
    assert future.startswith("approvals[1].on: 2026-11-21 is in the future; until that day x counts as not approved")
    assert list(notes(made, NOW.date() + timedelta(days=1))) == []
    (row,) = (row for row in try_all(made, NOW) if row["what"] == "account hill-x")
    assert (row["ok"], "off until X's approval" in row["detail"]) == (False, True)


def test_whoever_asks_through_it_waits_for_that_day_too(folder: Path) -> None:
    made, store = applied(folder, APPROVED.replace("2026-11-19", "2999-01-01"))
    account = store.accounts.get("hill-x")
    assert account.off is not None
    with pytest.raises(PermanentError, match="off until X's approval"):
        build(made, store).poller.connector_of(account.account)


def test_a_record_of_nothing_or_of_nobody_is_said(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"approvals\[1\].by"):
        settings(folder, APPROVED.replace("Chris Ray", ""))
    twice = settings(folder, APPROVED + APPROVED + APPROVED.replace('"x"', '"myspace"'))
    with pytest.raises(ConfigError) as caught:
        check(twice)
    assert "approvals[3].platform: 'myspace' is unknown" in str(caught.value)
    assert "'x' stands there 2 times" in str(caught.value)
    needless = list(notes(settings(folder, APPROVED + APPROVED.replace('"x"', '"rss"')), NOW.date()))
    assert needless == ["approvals[2].platform: rss needs no approval; it may be left out"]


OF_ANOTHER = """
[[accounts]]
name = "dene-x"
school = "dene"
platform = "x"
target = "@dene"
official = true
owner = "Sam Okafor"
token = {{ env = "{name}" }}
"""


def test_one_app_of_x_for_two_customers_is_named(folder: Path) -> None:
    (note,) = notes(settings(folder, APPROVED + OF_ANOTHER.format(name="HILL_X")), NOW.date())
    assert "one app of X reads for dene, northmere" in note
    assert list(notes(settings(folder, APPROVED + OF_ANOTHER.format(name="HOME")), NOW.date())) == []


def test_a_reading_by_hand_stays_possible_and_says_so(folder: Path) -> None:
    made = settings(folder, '[[accounts]]\nname = "by-hand"\nplatform = "tiktok"\ntarget = "@x"\nreads = ["search"]\n')
    heard: list[str] = []
    with pytest.raises(PermanentError, match="researchers"):
        list(read(made, "by-hand", 1, note=heard.append))
    assert len(heard) == 1
    assert "read by hand" in heard[0]
    assert "TikTok's app review" in heard[0]


def test_by_hand_one_page_of_ten_posts_is_read_before_the_approval(
    folder: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server at home needs no approval, so that this one does is made believe."""
    asked: list[Request] = []

    def search(request: Request) -> Response:
        asked.append(request)
        numbers = [str(2_000_000_000_000_000_000 - 100 * len(asked) - n) for n in range(25)]
        data = [{"id": number, "text": f"invented {number}", "author_id": "7"} for number in numbers]
        meta = {"result_count": 25, "newest_id": numbers[0], "next_token": f"page{len(asked)}"}
        return Response(json.dumps({"data": data, "meta": meta}), mimetype="application/json")

    httpserver.expect_request("/2/tweets/search/recent").respond_with_handler(search)
    base = httpserver.url_for("/").rstrip("/")
    row = f'[[accounts]]\nname = "by-hand"\nplatform = "x"\ntarget = "a"\nreads = ["search"]\nbase_url = "{base}"\n'
    made, heard = settings(folder, row + 'allow_private = true\ntoken = { env = "HOME" }\n'), list[str]()
    assert len(list(read(made, "by-hand", 2, note=heard.append))) == 50, "with the approval, all that was asked for"
    asked.clear()
    monkeypatch.setattr(approval, "missing", lambda _account, _approved: approval.rule("x"))
    assert len(list(read(made, "by-hand", 5, note=heard.append))) == 10
    assert [request.args["max_results"] for request in asked] == ["10"]
    assert "one page of 10 posts at most" in heard[1]
