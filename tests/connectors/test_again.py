"""Posts that are known are asked for again on Facebook Pages and Mastodon servers: edits, deletions, lost rights."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.connector import Rechecker
from connectors.errors import AccountNotFoundError, AuthenticationError, TransientError
from connectors.permission import lacking
from connectors.post import Account, Post
from connectors.registry import load

GONE = {"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request. Object does not exist"}}


class Platform:
    """Answers by path; what is not there is told missing."""

    def __init__(self, server: HTTPServer, missing: Any) -> None:
        self.base = server.url_for("").rstrip("/")
        self.answers: dict[str, Any] = {}
        self.missing = missing
        self.asked: list[str] = []
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        path = request.path.removeprefix("/v26.0")
        self.asked.append(path)
        found = self.answers.get(path)
        if isinstance(found, Response):
            return Response(found.get_data(), found.status_code)
        return Response(json.dumps(found or self.missing), 200 if found else 404, mimetype="application/json")


def account(platform: str, base: str, **changes: Any) -> Account:
    values: dict[str, Any] = {"name": "hill", "platform": platform, "target": "@hillcrest", "token": "s3cret"}
    return Account(**{**values, "official": True, "base_url": base, "allow_private": True, **changes})


def known(platform: str, number: str, kind: str = "post", **fields: Any) -> Post:
    return Post(platform=platform, id=number, kind=kind, text="Before", raw=b"{}", **fields)


@pytest.fixture
def page(httpserver: HTTPServer) -> Platform:
    made = Platform(httpserver, GONE)
    made.answers["/hillcrest"] = {"id": "9"}
    made.answers["/9"] = {"id": "9"}
    return made


def test_what_stands_on_the_page_is_asked_for_again(page: Platform) -> None:
    page.answers["/9_1"] = {"id": "9_1", "message": "After", "created_time": "2026-11-20T08:00:00+0000"}
    page.answers["/1_5"] = {
        "id": "1_5",
        "message": "Before",
        "created_time": "2026-11-20T08:00:00+0000",
        "from": {"id": "9", "name": "Hillcrest"},
    }
    posts = [
        known("facebook", "9_1"),
        known("facebook", "9_2"),
        known("facebook", "1_5", "comment", thread="9_1"),
        known("facebook", "77_3"),
    ]
    connector = load("facebook")
    assert isinstance(connector, Rechecker)
    found = list(connector.recheck(account("facebook", page.base), posts))
    assert [post.id for post, _ in found] == ["9_1", "9_2", "1_5"], "what others wrote elsewhere is left out"
    (_, edited), (_, gone), (_, comment) = found
    assert edited is not None
    assert edited.text == "After"
    assert gone is None
    assert comment is not None
    assert comment.thread == "9_1"
    assert comment.author is not None
    assert comment.author.official
    assert "/77_3" not in page.asked


def test_a_token_that_lost_its_page_deletes_nothing(page: Platform) -> None:
    del page.answers["/9"]
    with pytest.raises(AccountNotFoundError):
        list(load("facebook").recheck(account("facebook", page.base), [known("facebook", "9_2")]))  # type: ignore[attr-defined]


@pytest.fixture
def server(httpserver: HTTPServer) -> Platform:
    made = Platform(httpserver, {"error": "Record not found"})
    made.answers["/api/v1/instance"] = {"uri": "social.example"}
    return made


def status(number: str, text: str) -> dict[str, Any]:
    author = {"id": "900", "acct": "hillcrest"}
    return {"id": number, "content": f"<p>{text}</p>", "account": author, "created_at": "2026-11-20T08:00:00Z"}


def test_a_servers_own_posts_are_asked_for_again(server: Platform) -> None:
    origin = server.base.removeprefix("http://")
    server.answers["/api/v1/statuses/1"] = status("1", "After")
    server.answers["/api/v1/statuses/3"] = {"id": "3", "nonsense": True}
    posts = [known("mastodon", n, origin=origin) for n in ("1", "2", "3")]
    connector = load("mastodon")
    assert isinstance(connector, Rechecker)
    found = list(
        connector.recheck(account("mastodon", server.base), [*posts, known("mastodon", "4", origin="else.example")])
    )
    assert [(post.id, current and current.text) for post, current in found] == [("1", "After"), ("2", None)]
    assert "/api/v1/statuses/4" not in server.asked


@pytest.mark.parametrize(
    ("answer", "error"),
    [(None, AccountNotFoundError), (Response("no", 401), AuthenticationError), (Response("down", 502), TransientError)],
    ids=["gone", "closed", "down"],
)
def test_a_server_that_has_gone_deletes_nothing(
    server: Platform, answer: Response | None, error: type[Exception]
) -> None:
    server.answers["/api/v1/instance"] = answer
    post = known("mastodon", "2", origin=server.base.removeprefix("http://"))
    with pytest.raises(error):
        list(load("mastodon", {"total_s": 5.0}).recheck(account("mastodon", server.base), [post]))  # type: ignore[attr-defined]


FEEDS = {"local": "public", "remote": "public"}


@pytest.mark.parametrize(
    ("feeds", "token", "gaps"),
    [
        (FEEDS, None, 0),
        (None, None, 0),
        ({**FEEDS, "remote": "authenticated"}, None, 1),
        ({**FEEDS, "remote": "disabled"}, "s3cret", 1),
        ({"local": "authenticated", "remote": "authenticated"}, "s3cret", 0),
    ],
    ids=["open", "old server", "half", "half for all", "open with a token"],
)
def test_an_empty_hashtag_feed_is_silence_where_the_door_is_open(
    server: Platform, feeds: dict[str, str] | None, token: str | None, gaps: int
) -> None:
    server.answers["/api/v1/timelines/tag/hill"] = Response("[]", 200)
    if feeds is not None:
        server.answers["/api/v2/instance"] = {"configuration": {"timelines_access": {"hashtag_feeds": feeds}}}
    tag = account("mastodon", server.base, target="#hill", reads=("search",), official=False, token=token)
    page = load("mastodon").fetch(tag, None)
    assert (page.posts, len(page.gaps)) == ((), gaps)
    again = load("mastodon").fetch(tag, page.cursor)
    assert again.gaps == (), "told once"
    assert page.lacks == again.lacks == tuple(gap.why for gap in page.gaps), "said as long as it lasts"
    for why in page.lacks:
        assert "read:statuses" in str(lacking(tag, why))
    server.answers["/api/v1/timelines/tag/hill"] = Response(json.dumps([status("5", "Here")]), 200)
    assert load("mastodon").fetch(tag, again.cursor).lacks == page.lacks, "posts of one kind say nothing of the other"
    server.answers["/api/v2/instance"] = {"configuration": {"timelines_access": {"hashtag_feeds": FEEDS}}}
    assert load("mastodon").fetch(tag, again.cursor).lacks == (), "the door is open again"


@pytest.mark.parametrize(("shut", "token"), [("authenticated", None), ("disabled", "s3cret"), ("disabled", None)])
def test_an_empty_hashtag_feed_on_a_closed_server_is_told_apart_from_silence(
    server: Platform, shut: str, token: str | None
) -> None:
    server.answers["/api/v1/timelines/tag/hill"] = Response("[]", 200)
    closed = {"local": shut, "remote": shut}
    server.answers["/api/v2/instance"] = {"configuration": {"timelines_access": {"hashtag_feeds": closed}}}
    tag = account("mastodon", server.base, target="#hill", reads=("search",), official=False, token=token)
    with pytest.raises(AuthenticationError, match="nobody from outside"):
        load("mastodon").fetch(tag, None)
