"""`watcher doctor` on accounts: each read by itself, what is missing, where it is granted, and what nobody can read."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors._linkedin_api import DayLimitError
from connectors._tiktok_api import ScopeError
from connectors.post import Account, Cursor, Page
from watcher.config import load
from watcher.health import try_all
from watcher.polling import Poller
from watcher.store import Store

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

TOKEN = "s3cret-t0ken"
ROWS = """
[models]
classifiers = ["patterns"]
[alerts]
last_resort = "desk@it.example"
[[schools]]
id = "hill"
name = "Hillcrest Primary School"
pack = "wessex"
[[accounts]]
name = "hill"
school = "hill"
platform = "{platform}"
target = "{target}"
reads = {reads}
official = true
owner = "Jo Moore"
base_url = "{url}"
allow_private = true
token = {{ env = "HILL_TOKEN" }}
"""


class Platform:
    """Answers by the end of the path; what is not foreseen is an empty page."""

    def __init__(self, server: HTTPServer) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[Request] = []
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.asked.append(request)
        found = next((one for end, one in self.answers.items() if request.path.endswith(end)), {"data": []})
        status = 403 if "error" in found and "data" not in found else 200
        return Response(json.dumps(found), status, mimetype="application/json")


@pytest.fixture
def platform(httpserver: HTTPServer) -> Platform:
    return Platform(httpserver)


def doctor(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: HTTPServer,
    platform: str,
    target: str,
    *reads: str,
    private: bool = True,
) -> dict[str, Any]:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HILL_TOKEN", TOKEN)
    url = server.url_for("").rstrip("/")
    text = ROWS.format(platform=platform, target=target, reads=json.dumps(list(reads)), url=url)
    text = text if private else text.replace("allow_private = true", "")
    (folder / "watcher.toml").write_text(text, encoding="utf-8")
    row = next(row for row in try_all(load(folder / "watcher.toml"), NOW) if row["what"] == "account hill")
    assert TOKEN not in json.dumps(row)
    return row


def test_the_read_that_lacks_a_permission_is_named_and_hides_no_other(
    platform: Platform, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.answers["/published_posts"] = {
        "data": [{"id": "9_1", "message": "Invented post 1", "created_time": "2026-11-02T08:01:00+0000"}]
    }
    refusal = {"error": {"code": 200, "message": "(#200) Requires pages_read_user_content permission"}}
    platform.answers["/feed"] = refusal
    row = doctor(tmp_path, monkeypatch, httpserver, "facebook", "9", "posts", "mentions")
    assert row["ok"] is False
    assert "posts: 1 post on the first page" in row["detail"]
    assert "mentions: 0 posts on the first page, but" in row["detail"]
    assert "missing permission: pages_read_user_content; granted in" in row["detail"]
    assert "groups" in row["detail"]


def test_a_sound_account_says_how_much_came(
    platform: Platform, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = doctor(tmp_path, monkeypatch, httpserver, "mastodon", "#hillcrest", "posts")
    assert row == {"what": "account hill", "ok": False, "detail": row["detail"]}, "an object is no list"
    platform.answers["/hillcrest"] = []  # type: ignore[assignment]
    assert doctor(tmp_path, monkeypatch, httpserver, "mastodon", "#hillcrest", "posts")["detail"] == (
        "0 posts on the first page"
    )


def test_that_comments_on_tiktok_cannot_be_read_is_said_even_where_all_is_well(
    platform: Platform, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = {"code": "ok", "message": ""}
    platform.answers["/user/info/"] = {"data": {"user": {"open_id": "o", "username": "hillcrest"}}, "error": fine}
    platform.answers["/video/list/"] = {"data": {"videos": [], "has_more": False}, "error": fine}
    row = doctor(tmp_path, monkeypatch, httpserver, "tiktok", "@hillcrest", "posts")
    assert row["ok"] is True
    assert row["detail"].startswith("0 posts on the first page; comments on TikTok cannot be read")
    refused = doctor(tmp_path, monkeypatch, httpserver, "tiktok", "@hillcrest", "posts", "comments")
    assert refused["ok"] is False
    assert "posts: 0 posts" in refused["detail"]
    assert "comments: PermanentError: TikTok gives the comments" in refused["detail"]


def test_a_trial_on_x_costs_as_little_as_it_can(
    platform: Platform, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for end in ("/tweets", "/mentions"):
        platform.answers[end] = {"meta": {"result_count": 0}}
    row = doctor(tmp_path, monkeypatch, httpserver, "x", "12", "posts", "mentions")
    assert row["ok"] is True
    assert {request.args["max_results"] for request in platform.asked if "max_results" in request.args} == {"10"}


def test_what_waits_for_an_approval_is_said_and_nobody_is_asked(
    platform: Platform, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = doctor(tmp_path, monkeypatch, httpserver, "x", "12", "posts", private=False)
    assert row["ok"] is False
    assert row["detail"].startswith("off until X's approval of the use case is recorded")
    assert platform.asked == []


class Refused:
    """A connector that always meets one error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        raise self.error


@pytest.mark.parametrize(
    ("error", "kind"),
    [(ScopeError("lacks a permission"), "AuthenticationError"), (DayLimitError("used up"), "RateLimitedError")],
)
def test_a_platforms_own_kind_of_error_is_noted_by_the_one_that_says_what_to_do(
    tmp_path: Path, error: Exception, kind: str
) -> None:
    now = NOW
    store = Store(f"sqlite:///{tmp_path}/watcher.db")
    store.migrate()
    account = Account(name="hill", platform="rss", target="x")
    with store.writing() as connection:
        store.accounts.put(connection, account, 300, "test", now)
    Poller(store, lambda _: Refused(error), lambda _: None).poll(store.accounts.get("hill"), now)
    assert str(store.accounts.get("hill").last_error).startswith(f"{kind}: ")
    store.close()
