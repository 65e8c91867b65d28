"""Known posts of X are asked for again: edits, deletions, what comes of odd answers, and what it costs."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from connectors.connector import Rechecker
from connectors.errors import AuthenticationError, ConnectorError, RateLimitedError, UnexpectedResponseError
from connectors.meter import Meter
from connectors.post import Post
from connectors.tariff import CALLS, POSTS, TARIFFS, USERS
from connectors.x import XConnector
from tests.connectors.test_x import FIRST, GOLDEN, X, account, tweet

PROBLEMS = "https://api.twitter.com/2/problems"


@pytest.fixture
def x(httpserver: HTTPServer) -> X:
    return X(httpserver)


def absent(number: int, kind: str) -> dict[str, Any]:
    return {"resource_id": str(FIRST + number), "value": str(FIRST + number), "type": f"{PROBLEMS}/{kind}"}


def read(x: X, server: HTTPServer, *items: dict[str, Any], **includes: Any) -> list[Post]:
    """The posts as a timeline brings them first."""
    x.answers.append({"data": list(items), "includes": includes, "meta": {"result_count": len(items)}})
    return list(XConnector().fetch(account(server), None).posts)


def again(server: HTTPServer, posts: list[Post]) -> dict[int, Post | None]:
    connector = XConnector()
    assert isinstance(connector, Rechecker)
    return {int(before.id) - FIRST: now for before, now in connector.recheck(account(server), posts)}


def test_what_is_there_as_it_was_is_the_same_post_and_costs_one_of_each(x: X, httpserver: HTTPServer) -> None:
    x.answers = [json.loads((GOLDEN / "timeline.sent.json").read_text())]
    posts = list(XConnector().fetch(account(httpserver, official=True), None).posts)
    x.answers.append({"data": [json.loads(post.raw)["data"] for post in posts]})
    meter = Meter(TARIFFS["x"].unit_of, {CALLS: 1}, lambda _: 1)
    with meter.running():
        found = list(XConnector().recheck(account(httpserver), posts))
    assert [before for before, _ in found] == posts
    for before, now in found:
        assert now is not None
        assert (now.key, now.content_digest, now.author) == (before.key, before.content_digest, before.author)
    assert (meter.spent[POSTS], meter.spent[USERS], meter.spent[CALLS]) == (len(posts), 0, 1)
    asked = x.asked[-1]
    assert asked.path == "/2/tweets"
    assert asked.args.get("expansions") is None, "what comes along may cost more"


def test_deleted_suspended_and_protected_posts_are_gone(x: X, httpserver: HTTPServer) -> None:
    posts = read(x, httpserver, tweet(1), tweet(2), tweet(3))
    errors = [absent(1, "resource-not-found"), absent(2, "not-authorized-for-resource")]
    x.answers.append({"data": [tweet(3)], "errors": errors})
    found = again(httpserver, posts)
    assert (found[1], found[2]) == (None, None)
    assert found[3] is not None


def test_all_gone_is_no_error(x: X, httpserver: HTTPServer) -> None:
    posts = read(x, httpserver, tweet(1))
    x.answers.append({"errors": [absent(1, "resource-not-found")]})
    assert again(httpserver, posts) == {1: None}


def test_an_edited_post_is_read_in_its_last_version(x: X, httpserver: HTTPServer) -> None:
    posts = read(x, httpserver, tweet(1, edit_history_tweet_ids=[str(FIRST + 1)]), tweet(2))
    history = [str(FIRST + 1), str(FIRST + 9)]
    x.answers.append({"data": [tweet(1, edit_history_tweet_ids=history), tweet(2)]})
    x.answers.append({"data": [tweet(9, edit_history_tweet_ids=history, text="What I meant to say")]})
    found = again(httpserver, posts)
    now = found[1]
    assert now is not None
    assert (now.id, now.text) == (posts[0].id, "What I meant to say")
    assert now.edited_at is not None
    assert [request.args["ids"] for request in x.asked[-2:]] == [f"{FIRST + 1},{FIRST + 2}", str(FIRST + 9)]
    x.answers.append({"data": [tweet(9, edit_history_tweet_ids=history, text="What I meant to say")]})
    assert again(httpserver, [now])[1] == now, "from then on its last version is asked for, once"


def test_of_what_x_leaves_out_or_garbles_nothing_is_concluded(x: X, httpserver: HTTPServer) -> None:
    posts = read(x, httpserver, tweet(1), tweet(2), tweet(3))
    garbled = {"id": str(FIRST + 2), "text": None, "created_at": 5}
    x.answers.append({"data": [garbled], "errors": [absent(3, "disallowed-resource"), "odd", {"type": 7}]})
    assert again(httpserver, posts) == {}


def test_a_post_that_is_edited_for_ever_is_asked_for_a_few_times_only(x: X, httpserver: HTTPServer) -> None:
    posts = read(x, httpserver, tweet(1))
    for number in range(1, 20):
        history = [str(FIRST + n) for n in range(1, number + 2)]
        x.answers.append({"data": [tweet(number, edit_history_tweet_ids=history)]})
    before = len(x.asked)
    assert again(httpserver, posts)[1] is not None
    assert len(x.asked) - before <= 4


def test_more_than_a_hundred_go_in_several_requests(x: X, httpserver: HTTPServer) -> None:
    (post,) = read(x, httpserver, tweet(1))
    posts = [replace(post, id=str(FIRST + n), raw=b"") for n in range(1, 131)]
    x.answers += [{"data": [tweet(n) for n in range(1, 101)]}, {"data": [tweet(n) for n in range(101, 131)]}]
    assert len(again(httpserver, posts)) == 130


def test_a_post_without_an_id_of_x_is_not_asked_for(x: X, httpserver: HTTPServer) -> None:
    assert again(httpserver, []) == {}
    odd = Post(platform="x", id="from-an-archive", kind="post", text="Hello")
    assert list(XConnector().recheck(account(httpserver), [odd])) == []
    assert x.asked == []


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("{}", 401, mimetype="application/json"), AuthenticationError),
        (Response("{}", 429, {"x-rate-limit-reset": "1795000000"}, mimetype="application/json"), RateLimitedError),
        ({"meta": {}}, UnexpectedResponseError),
    ],
)
def test_what_cannot_be_asked_deletes_nothing(
    x: X, httpserver: HTTPServer, answer: Any, error: type[ConnectorError]
) -> None:
    posts = read(x, httpserver, tweet(1))
    x.answers.append(answer)
    with pytest.raises(error):
        again(httpserver, posts)
