"""The forum connector against a real server that speaks Discourse's JSON, as its newer and older versions do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.connector import Rechecker
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    PermanentError,
    RateLimitedError,
    RefusedAddressError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.forum import ForumConnector
from connectors.post import Account, Post

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def utterance(id_: int, topic: int = 41, number: int | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "topic_id": topic,
        "post_number": id_ if number is None else number,
        "topic_slug": "uniform",
        "topic_title": "Uniform",
        "post_type": 1,
        "username": "oak",
        "user_id": 3,
        "cooked": f"<p>Invented post {id_}</p>",
        "created_at": (START + timedelta(minutes=id_)).isoformat().replace("+00:00", "Z"),
        "version": 1,
        **fields,
    }


class Discourse:
    """A small forum: its newest posts by number, a search with parts of texts, single posts."""

    def __init__(self, server: HTTPServer) -> None:
        self.posts: list[dict[str, Any]] = []
        self.gone: set[int] = set()
        self.window: int | None = None
        self.most = 50
        self.failing: dict[str, Response] = {}
        self.asked: list[Request] = []
        server.expect_request(re.compile("/.*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        for part, answer in self.failing.items():
            if part in request.path:
                return Response(answer.get_data(), answer.status_code, answer.headers)
        if request.path == "/posts.json":
            return self.json({"latest_posts": self.latest(request)})
        if request.path == "/search.json":
            return self.search(request)
        if match := re.fullmatch(r"/posts/(?:by_number/)?([0-9/]+)\.json", request.path):
            return self.single(match[1])
        return self.json({"errors": ["Not found"], "error_type": "not_found"}, 404)

    def latest(self, request: Request) -> list[dict[str, Any]]:
        before = int(request.args.get("before", 0))
        newest_first = sorted(self.posts, key=lambda one: -one["id"])
        if self.window is None:
            return [one for one in newest_first if not before or one["id"] < before][: self.most]
        top = before or max(one["id"] for one in self.posts)
        return [one for one in newest_first if top - self.window < one["id"] <= top and not one.get("secret")]

    def search(self, request: Request) -> Response:
        words, page = request.args["q"].removesuffix(" order:latest"), int(request.args.get("page", 1))
        hits = [one for one in sorted(self.posts, key=lambda one: -one["id"]) if words in one["cooked"]]
        part = [
            {"id": one["id"], "topic_id": one["topic_id"], "post_number": one["post_number"], "blurb": "Inv…"}
            for one in hits[(page - 1) * 3 : page * 3]
        ]
        topics = [{"id": 41, "title": "Uniform", "slug": "uniform"}]
        return self.json(
            {"posts": part, "topics": topics, "grouped_search_result": {"more_full_page_results": len(hits) > page * 3}}
        )

    def single(self, which: str) -> Response:
        topic, _, number = which.rpartition("/")
        for one in self.posts:
            if one["id"] not in self.gone and (
                (one["topic_id"], one["post_number"]) == (int(topic), int(number))
                if topic
                else one["id"] == int(number)
            ):
                return self.json({name: value for name, value in one.items() if name != "topic_title"})
        return self.json({"errors": ["Not found"], "error_type": "not_found"}, 404)

    def json(self, value: Any, code: int = 200) -> Response:
        return Response(json.dumps(value), code, content_type="application/json; charset=utf-8")


@pytest.fixture
def forum(httpserver: HTTPServer) -> Discourse:
    return Discourse(httpserver)


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values = {
            "name": "forum",
            "platform": "forum",
            "target": "https://forum.example",
            "reads": ("posts", "comments"),
            "base_url": httpserver.url_for("").rstrip("/"),
            "allow_private": True,
        }
        return Account(**{**values, **changes})

    return make


def ids(posts: list[Post]) -> list[str]:
    return [post.id for post in posts]


def numbers(posts: list[Post]) -> list[int]:
    return sorted(int(post.id.split("/")[1]) for post in posts)


@pytest.mark.parametrize("name", ["latest", "topic"])
def test_what_discourse_sends_becomes_what_it_must(
    httpserver: HTTPServer, golden: Path, account, drain, name: str
) -> None:
    sent = json.loads((golden / "forum" / f"{name}.sent.json").read_text())
    lowest = str(min(one["id"] for one in sent["latest_posts"]))
    httpserver.expect_request("/posts.json", query_string={}).respond_with_json(sent)
    httpserver.expect_request("/posts.json", query_string={"before": lowest}).respond_with_json({"latest_posts": []})
    httpserver.expect_request("/posts.json").respond_with_json({"latest_posts": []})
    page = ForumConnector().fetch(account(official=True), None)
    becomes = json.loads((golden / "forum" / f"{name}.becomes.json").read_text())
    assert [post.as_dict() for post in page.posts] == becomes
    assert page.oddities == ()
    assert all(Post.from_dict(post.as_dict(), post.raw) == post for post in page.posts)


@pytest.mark.parametrize("window", [None, 50])
def test_a_backlog_is_drained_before_the_mark_moves(forum: Discourse, account, drain, window: int | None) -> None:
    forum.window = window
    forum.posts = [utterance(n) for n in range(1, 124)]
    first = ForumConnector().fetch(account(), None)
    assert first.more
    forum.posts += [utterance(n) for n in range(124, 200)]
    rest = drain(ForumConnector(), account(), first.cursor)
    later = drain(ForumConnector(), account(), rest.cursor)
    assert numbers([*first.posts, *rest.posts, *later.posts]) == list(range(1, 200))
    assert (rest.gaps, later.gaps) == ([], [])
    assert drain(ForumConnector(), account(), later.cursor).posts == []


def test_an_older_forum_whose_windows_are_empty_is_read_on(forum: Discourse, account, drain) -> None:
    forum.window = 50
    forum.posts = [utterance(n) for n in range(1, 11)]
    reading = drain(ForumConnector(), account())
    forum.posts += [utterance(n, secret=True) for n in range(11, 250)]
    forum.posts += [utterance(250), utterance(251), utterance(40)]
    later = drain(ForumConnector(), account(), reading.cursor)
    assert numbers(later.posts) == [40, 250, 251]
    assert later.gaps == []


def test_a_new_account_reads_back_so_far_and_says_so(forum: Discourse, account, drain) -> None:
    forum.posts = [utterance(n) for n in range(1, 400)]
    connector = ForumConnector(history_posts=100)
    reading = drain(connector, account())
    assert numbers(reading.posts) == list(range(300, 400))
    assert [(gap.start, gap.end) for gap in reading.gaps] == [(None, START + timedelta(minutes=300))]
    forum.posts += [utterance(n) for n in range(400, 700)]
    later = drain(connector, account(), reading.cursor)
    assert numbers(later.posts) == list(range(400, 700))
    assert later.gaps == []


def test_topics_and_answers_are_told_apart(forum: Discourse, account, drain) -> None:
    forum.posts = [utterance(1, number=1), utterance(2, number=2), utterance(3, number=3, reply_to_post_number=2)]
    assert ids(drain(ForumConnector(), account(reads=("posts",))).posts) == ["41/1"]
    answers = drain(ForumConnector(), account(reads=("comments",))).posts
    assert [(post.id, post.kind, post.reply_to, post.thread) for post in answers] == [
        ("41/2", "comment", "41/1", "41/1"),
        ("41/3", "reply", "41/2", "41/1"),
    ]


def test_an_edit_among_the_newest_comes_again(forum: Discourse, account, drain) -> None:
    forum.posts = [utterance(1), utterance(2)]
    reading = drain(ForumConnector(), account())
    forum.posts[1] = utterance(2, cooked="<p>Put right</p>", version=2, updated_at="2026-11-20T10:00:00Z")
    (post,) = drain(ForumConnector(), account(), reading.cursor).posts
    assert (post.text, post.edited_at) == ("Put right", datetime(2026, 11, 20, 10, tzinfo=UTC))


def test_a_search_brings_whole_posts_with_their_titles(forum: Discourse, account, drain) -> None:
    forum.posts = [utterance(n, number=n) for n in range(1, 9)]
    forum.gone = {5}
    found = account(target="https://forum.example/search?q=Invented+post", reads=("search",))
    reading = drain(ForumConnector(), found)
    assert numbers(reading.posts) == [1, 2, 3, 4, 6, 7, 8]
    assert next(post.text for post in reading.posts if post.id == "41/1") == "Uniform\n\nInvented post 1"
    assert reading.posts[0].url.startswith("https://forum.example/t/uniform/41/")
    asked = len(forum.asked)
    forum.posts.append(utterance(9))
    assert ids(drain(ForumConnector(), found, reading.cursor).posts) == ["41/9"]
    assert len(forum.asked) - asked == 2


def test_a_pause_in_the_middle_of_a_search_loses_nothing(forum: Discourse, account, drain) -> None:
    forum.posts = [utterance(n) for n in (1, 2, 3)]
    found = account(target="forum.example/search?q=Invented", reads=("search",))
    first = ForumConnector().fetch(found, None)
    assert first.more
    forum.failing["/posts/2.json"] = Response("", 429, {"Retry-After": "5"})
    some = ForumConnector().fetch(found, first.cursor)
    assert ids(some.posts) == ["41/3"]
    with pytest.raises(RateLimitedError):
        ForumConnector().fetch(found, some.cursor)
    forum.failing.clear()
    assert numbers(drain(ForumConnector(), found, some.cursor).posts) == [1, 2]


def test_a_token_goes_by_header(forum: Discourse, account, drain) -> None:
    drain(ForumConnector(), account(token="watcher:k3y"))
    assert forum.asked[0].headers["Api-Key"] == "k3y"
    assert forum.asked[0].headers["Api-Username"] == "watcher"
    assert not any("k3y" in request.url for request in forum.asked)


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (Response('{"errors": ["log in"], "error_type": "not_logged_in"}', 403), AuthenticationError, "members only"),
        (Response("<html>Forbidden</html>", 403), AuthenticationError, "403"),
        (Response("<html>Not found</html>", 404), AccountNotFoundError, "platform rss"),
        (Response('{"error_type": "rate_limit"}', 429, {"Retry-After": "30"}), RateLimitedError, "pause"),
        (Response("<html>Bad gateway</html>", 502), TransientError, "502"),
        (Response("<html>Hello</html>"), UnexpectedResponseError, "not JSON"),
        (Response("[]"), UnexpectedResponseError, "object"),
        (Response('{"latest_posts": {}}'), UnexpectedResponseError, "list of posts"),
        (Response('{"latest_posts": [{"id'), UnexpectedResponseError, "not JSON"),
        (Response(" " * 7_000_000), UnexpectedResponseError, "more than"),
        (Response("", 302, {"Location": "http://10.0.0.1/"}), RefusedAddressError, None),
    ],
)
def test_bad_answers_have_their_errors_and_the_cursor_stays(
    forum: Discourse, account, drain, answer: Response, error: type[Exception], says: str | None
) -> None:
    forum.posts = [utterance(1)]
    reading = drain(ForumConnector(), account(token="a:s3cret"))
    forum.posts.append(utterance(2))
    forum.failing["/posts"] = answer
    with pytest.raises(error, match=says) as caught:
        ForumConnector().fetch(account(token="a:s3cret"), reading.cursor)
    assert "s3cret" not in str(caught.value)
    forum.failing.clear()
    assert ids(drain(ForumConnector(), account(), reading.cursor).posts) == ["41/2"]


def test_odd_posts_are_set_aside_once_and_the_rest_is_read(forum: Discourse, account, drain) -> None:
    odd = [{"id": 7}, "text", None, utterance(8, cooked=5), utterance(9, topic_id="../1")]
    forum.failing["/posts"] = Response(json.dumps({"latest_posts": [*odd, utterance(1, created_at="soon")]}))
    page = ForumConnector().fetch(account(), None)
    assert ids(page.posts) == ["41/1"]
    assert page.posts[0].created_at is None
    assert [json.loads(one.raw) for one in page.oddities] == odd
    assert not any("Invented" in one.why for one in page.oddities)
    assert drain(ForumConnector(), account(), page.cursor).oddities == []


def test_posts_are_checked_again_and_what_is_gone_is_none(forum: Discourse, account, drain) -> None:
    forum.posts = [utterance(n) for n in range(1, 5)]
    reading = drain(ForumConnector(), account())
    forum.gone = {2}
    forum.posts[2] = utterance(3, hidden=True)
    forum.posts[3] = utterance(4, cooked="<p>Put right</p>")
    connector = ForumConnector()
    assert isinstance(connector, Rechecker)
    now = {before.id: after for before, after in connector.recheck(account(), reading.posts)}
    assert now["41/1"].content_digest == next(post for post in reading.posts if post.id == "41/1").content_digest
    assert (now["41/2"], now["41/3"], now["41/4"].text) == (None, None, "Put right")


def test_a_forum_that_closes_its_doors_deletes_nothing(forum: Discourse, account, drain) -> None:
    forum.posts = [utterance(1)]
    reading = drain(ForumConnector(), account())
    for answer in (Response('{"error_type": "not_logged_in"}', 403), Response("<html>moved</html>", 404)):
        forum.failing["/posts"] = answer
        with pytest.raises(PermanentError):
            list(ForumConnector().recheck(account(), reading.posts))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reads": ("mentions",)}, "no public mentions"),
        ({"reads": ("search",)}, "needs words"),
        ({"target": "https://forum.example/t/uniform/41"}, "its feed"),
        ({"target": "https://forum.example/u/oak"}, "own address"),
        ({"target": "ftp://forum.example"}, None),
    ],
)
def test_what_cannot_be_read_is_refused(forum: Discourse, account, changes: dict[str, Any], says: str | None) -> None:
    with pytest.raises(PermanentError, match=says):
        ForumConnector().fetch(account(**changes), None)
    assert forum.asked == []


def test_a_private_forum_is_refused_unless_allowed(forum: Discourse, account) -> None:
    with pytest.raises(RefusedAddressError):
        ForumConnector().fetch(account(allow_private=False), None)
    assert forum.asked == []
