"""X, replayed by a real server through the real tweepy."""

from __future__ import annotations

import copy
import json
import logging
import os
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors._tweet import Surroundings, read
from connectors.connector import Connector
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.meter import Meter
from connectors.post import Account, Cursor, Page, Post
from connectors.x import XConnector

GOLDEN = Path(__file__).parent / "golden" / "x"
TOKEN = "AAAAsecret-bearer-token"
RECORDED = os.environ.get("WATCHER_PAYLOADS")
needs_recorded = pytest.mark.skipif(not RECORDED, reason="WATCHER_PAYLOADS names no folder of recorded answers")
FIRST = 1857000000000000000


def account(server: HTTPServer, **changes: Any) -> Account:
    values: dict[str, Any] = {
        "name": "alderbrook-x",
        "platform": "x",
        "target": "@AlderbrookAcad",
        "reads": ("posts",),
        "base_url": server.url_for("").rstrip("/"),
        "allow_private": True,
        "token": TOKEN,
    }
    return Account(**{**values, **changes})


def tweet(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(FIRST + number),
        "text": f"Invented post {number}",
        "author_id": "9002",
        "created_at": "2026-11-16T12:00:00.000Z",
        "conversation_id": str(FIRST + number),
        **fields,
    }


def page(*numbers: int, token: str | None = None) -> dict[str, Any]:
    meta: dict[str, Any] = {"result_count": len(numbers)}
    if numbers:
        meta |= {"newest_id": str(FIRST + max(numbers)), "oldest_id": str(FIRST + min(numbers))}
    if token:
        meta["next_token"] = token
    return {**({"data": [tweet(n) for n in numbers]} if numbers else {}), "meta": meta}


class X:
    """A stand-in for X: knows one user, answers everything else from a list, in order, and remembers what was asked."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[Request] = []
        self.answers: list[Any] = []
        self.user: Any = {"data": {"id": "9001", "name": "Alderbrook Academy", "username": "AlderbrookAcad"}}
        server.expect_request(re.compile(".*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        is_user = re.fullmatch(r"/2/users/(by/username/\w+|\d+)", request.path)
        answer = self.user if is_user else self.answers.pop(0)
        if isinstance(answer, Response):
            return answer
        return Response(json.dumps(answer() if callable(answer) else answer), mimetype="application/json")

    @property
    def pages(self) -> list[Request]:
        return [request for request in self.asked if request.args.get("tweet.fields")]


@pytest.fixture
def x(httpserver: HTTPServer) -> X:
    return X(httpserver)


def drain(account: Account, cursor: Cursor | None = None) -> Iterator[Page]:
    connector = XConnector()
    for _ in range(50):
        got = connector.fetch(account, cursor)
        yield got
        if not got.more:
            return
        cursor = got.cursor
    raise AssertionError("it never ends")


def numbers(pages: list[Page]) -> list[list[int]]:
    return [[int(post.id) - FIRST for post in page.posts] for page in pages]


def test_it_is_a_connector() -> None:
    assert isinstance(XConnector(), Connector)


def test_what_x_sends_becomes_posts(x: X, httpserver: HTTPServer) -> None:
    x.answers = [json.loads((GOLDEN / "timeline.sent.json").read_text())]
    got = XConnector().fetch(account(httpserver, official=True), None)
    expected = json.loads((GOLDEN / "timeline.becomes.json").read_text())
    assert [{k: v for k, v in post.as_dict().items() if k != "sha256"} for post in got.posts] == expected
    assert got.oddities == ()
    assert not got.more


def test_raw_holds_the_item_with_its_author_and_nothing_of_its_neighbours(x: X, httpserver: HTTPServer) -> None:
    x.answers = [json.loads((GOLDEN / "timeline.sent.json").read_text())]
    posts = XConnector().fetch(account(httpserver), None).posts
    raw = json.loads(posts[0].raw)
    assert raw["data"]["id"] == posts[0].id
    assert [user["id"] for user in raw["includes"]["users"]] == ["9001"]
    assert [media["media_key"][0] for media in raw["includes"]["media"]] == ["3", "7"]
    assert json.loads(posts[-1].raw)["includes"]["tweets"][0]["id"] == "1857000000000000100"


def test_the_right_addresses_are_asked_with_the_token_in_the_header_only(x: X, httpserver: HTTPServer) -> None:
    x.answers = [page(1), page(2), page(3), page(4)]
    list(drain(account(httpserver, reads=("posts", "mentions", "comments", "search"))))
    assert [request.path for request in x.asked] == [
        "/2/users/by/username/AlderbrookAcad",
        "/2/users/9001/tweets",
        "/2/users/9001/mentions",
        "/2/tweets/search/recent",
        "/2/tweets/search/recent",
    ]
    assert x.asked[3].args["query"] == (
        '((to:AlderbrookAcad OR @AlderbrookAcad) is:reply OR url:"AlderbrookAcad/status") '
        "-from:AlderbrookAcad -is:retweet"
    )
    assert x.asked[4].args["query"] == "@AlderbrookAcad"
    for request in x.asked:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert TOKEN not in request.url
    for field in ("note_tweet", "edit_history_tweet_ids", "conversation_id", "referenced_tweets", "entities", "lang"):
        assert field in x.asked[1].args["tweet.fields"].split(",")


@pytest.mark.parametrize("target", ["AlderbrookAcad", "@AlderbrookAcad", "https://x.com/AlderbrookAcad"])
def test_a_handle_may_be_written_as_people_write_it(x: X, httpserver: HTTPServer, target: str) -> None:
    x.answers = [page(1)]
    XConnector().fetch(account(httpserver, target=target), None)
    assert x.asked[0].path == "/2/users/by/username/AlderbrookAcad"


def test_a_numeric_target_costs_no_look_up(x: X, httpserver: HTTPServer) -> None:
    x.answers = [page(1)]
    XConnector().fetch(account(httpserver, target="9001"), None)
    assert [request.path for request in x.asked] == ["/2/users/9001/tweets"]


@pytest.mark.parametrize("target", ["../../evil", "two words", "", "@", "https://example.com/a"])
def test_a_target_that_is_no_handle_is_refused_before_anything_is_asked(
    x: X, httpserver: HTTPServer, target: str
) -> None:
    with pytest.raises(AccountNotFoundError, match="@handle"):
        XConnector().fetch(account(httpserver, target=target), None)
    assert x.asked == []


def test_the_backlog_is_drained_before_the_mark_moves(x: X, httpserver: HTTPServer) -> None:
    x.answers = [page(6, 5, token="t1"), page(4, 3, token="t2"), page(2, 1), page(), page(8, 7)]
    source = account(httpserver)
    first = list(drain(source))
    assert numbers(first) == [[5, 6], [3, 4], [1, 2]]
    assert [page.more for page in first] == [True, True, False]
    second = list(drain(source, first[-1].cursor))
    assert numbers(second) == [[]]
    third = list(drain(source, second[-1].cursor))
    assert numbers(third) == [[7, 8]]
    asked = [(r.args.get("pagination_token"), r.args.get("since_id")) for r in x.pages]
    mark = str(FIRST + 6)
    assert asked == [(None, None), ("t1", None), ("t2", None), (None, mark), (None, mark)]


def test_a_new_round_in_pages_keeps_its_old_mark_until_the_last(x: X, httpserver: HTTPServer) -> None:
    x.answers = [page(1), page(5, 4, token="t1"), page(3, 2), page()]
    source = account(httpserver)
    cursor = XConnector().fetch(source, None).cursor
    pages = list(drain(source, cursor))
    list(drain(source, pages[-1].cursor))
    assert [r.args.get("since_id") for r in x.pages] == [None, str(FIRST + 1), str(FIRST + 1), str(FIRST + 5)]


def test_asking_again_with_the_same_cursor_gives_the_same(x: X, httpserver: HTTPServer) -> None:
    x.answers = [page(2, token="t"), page(1), page(1)]
    cursor = XConnector().fetch(account(httpserver), None).cursor
    once = XConnector().fetch(account(httpserver), cursor)
    assert XConnector().fetch(account(httpserver), cursor) == once


def test_an_empty_page_with_a_token_is_not_the_end(x: X, httpserver: HTTPServer) -> None:
    x.answers = [page(token="t1"), page(1)]
    assert numbers(list(drain(account(httpserver)))) == [[], [1]]


@pytest.mark.parametrize("tokens", [["a", "a"], ["a", "b", "a"]])
def test_a_token_that_comes_again_is_an_error_and_not_endless(x: X, httpserver: HTTPServer, tokens: list[str]) -> None:
    x.answers = [page(10 - n, token=token) for n, token in enumerate(tokens)]
    with pytest.raises(UnexpectedResponseError, match="circle"):
        list(drain(account(httpserver)))
    assert len(x.pages) == len(tokens)


def test_ids_out_of_order_are_put_in_order(x: X, httpserver: HTTPServer) -> None:
    answer = page(3, 9, 5)
    del answer["meta"]["newest_id"]
    x.answers = [answer, page()]
    pages = list(drain(account(httpserver)))
    assert numbers(pages) == [[3, 5, 9]]
    list(drain(account(httpserver), pages[-1].cursor))
    assert x.pages[-1].args["since_id"] == str(FIRST + 9)


def test_an_edit_is_a_new_version_of_the_same_post(x: X, httpserver: HTTPServer) -> None:
    edit = tweet(7, text="Invented post, mended", edit_history_tweet_ids=[str(FIRST + 1), str(FIRST + 7)])
    x.answers = [page(1), {"data": [edit], "meta": {"result_count": 1}}]
    (first,) = XConnector().fetch(account(httpserver), None).posts
    (second,) = XConnector().fetch(account(httpserver), None).posts
    assert first.key == second.key
    assert first.content_digest != second.content_digest
    assert first.edited_at is None
    assert second.edited_at == datetime(2026, 11, 16, 12, tzinfo=UTC)


def test_an_item_that_is_no_post_is_set_aside_with_its_bytes(x: X, httpserver: HTTPServer) -> None:
    broken: list[Any] = [{"id": str(FIRST + 2)}, {"id": "../x", "text": "no id"}, "words", tweet(3, created_at="soon")]
    x.answers = [{"data": [tweet(1), *broken], "meta": {"result_count": 5}}]
    got = XConnector().fetch(account(httpserver), None)
    assert numbers([got]) == [[1]]
    assert [json.loads(oddity.raw) for oddity in got.oddities] == broken
    assert got.cursor is not None


ODD: tuple[Any, ...] = (None, -1, 1.5, True, "", "\ud800", [], {}, [None], {"a": 1}, "2026-11-16T12:30:00", 10**30)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield (*path, key)
        yield from places(below, (*path, key))


def test_whatever_stands_anywhere_every_item_is_a_post_or_an_oddity() -> None:
    sent = json.loads((GOLDEN / "timeline.sent.json").read_text())
    for path in places(sent):
        for odd in ODD:
            changed = copy.deepcopy(sent)
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = odd
            items = changed["data"] if isinstance(changed["data"], list) else []
            posts, oddities = read(items, Surroundings.of(changed, "9001"))
            assert len(posts) + len(oddities) == len(items)
            for post in posts:
                assert Post.from_dict(json.loads(json.dumps(post.as_dict())), post.raw) == post


def test_hostile_text_passes_through_but_for_what_no_store_can_hold(x: X, httpserver: HTTPServer) -> None:
    texts = ["\U0001f600" * 20_000, "\u202egnihton\u0000\ud800", "e" + "\u0301" * 200_000]
    x.answers = [{"data": [tweet(n, text=text) for n, text in enumerate(texts)], "meta": {"result_count": 3}}]
    kept = [texts[0], "\u202egnihton\ufffd\ufffd", texts[2]]
    assert [post.text for post in XConnector().fetch(account(httpserver), None).posts] == kept


def test_a_changed_target_begins_anew(x: X, httpserver: HTTPServer) -> None:
    x.answers = [page(1), page(2)]
    cursor = XConnector().fetch(account(httpserver), None).cursor
    XConnector().fetch(account(httpserver, target="@OtherSchool"), cursor)
    assert x.asked[2].path == "/2/users/by/username/OtherSchool"
    assert x.pages[-1].args.get("since_id") is None


def test_a_cursor_that_cannot_be_read_begins_anew(x: X, httpserver: HTTPServer) -> None:
    x.answers = [page(1)]
    assert numbers([XConnector().fetch(account(httpserver), Cursor(state='{"v": 1, "target": 3'))]) == [[1]]


def refusal(name: str) -> Response:
    body = {
        "errors": [{"parameters": {name: ["1"]}, "message": f"'{name}' must be newer"}],
        "title": "Invalid Request",
        "type": "https://api.twitter.com/2/problems/invalid-request",
    }
    return Response(json.dumps(body), 400, mimetype="application/problem+json")


def test_a_search_whose_mark_is_too_old_starts_anew_and_reports_the_gap(x: X, httpserver: HTTPServer) -> None:
    source = account(httpserver, reads=("search",), target="Alderbrook")
    x.answers = [page(1), refusal("since_id"), page(9)]
    cursor = XConnector().fetch(source, None).cursor
    got = XConnector().fetch(source, cursor)
    assert numbers([got]) == [[9]]
    (gap,) = got.gaps
    assert gap.start == datetime(2024, 11, 14, 9, 57, 56, tzinfo=UTC)
    assert gap.end is not None
    assert abs(datetime.now(UTC) - timedelta(days=7) - gap.end) < timedelta(minutes=2)
    assert "seven days" in gap.why


def test_a_paging_token_that_x_forgot_begins_the_round_anew(x: X, httpserver: HTTPServer) -> None:
    source = account(httpserver)
    x.answers = [page(1), page(5, token="t1"), refusal("pagination_token"), page(6, 5, token="t9"), page(4)]
    cursor = XConnector().fetch(source, None).cursor
    pages = list(drain(source, cursor))
    assert numbers(pages) == [[5], [5, 6], [4]]
    assert [r.args.get("since_id") for r in x.pages][1:] == [str(FIRST + 1)] * 4


def test_a_query_that_x_refuses_says_so(x: X, httpserver: HTTPServer) -> None:
    x.answers = [refusal("query")]
    with pytest.raises(PermanentError, match="Invalid Request"):
        XConnector().fetch(account(httpserver, reads=("search",), target="("), None)


def test_a_failing_read_blinds_no_other_and_still_fails_aloud(x: X, httpserver: HTTPServer) -> None:
    source = account(httpserver, reads=("posts", "mentions", "search"))

    def forbidden() -> Response:
        return answer(403, PROBLEM)

    x.answers = [page(1), forbidden(), page(1), page(2), forbidden(), page(3, 2), forbidden(), page(3), page()]
    connector = XConnector()
    first = connector.fetch(source, None)
    second = connector.fetch(source, first.cursor)
    assert numbers([first, second]) == [[1], [2]], "posts, and then search in the place of mentions"
    third = connector.fetch(source, second.cursor)
    assert numbers([third]) == [[2, 3]]
    assert third.more
    with pytest.raises(AuthenticationError):
        connector.fetch(source, third.cursor)


def test_a_missing_user_is_a_200_with_errors(x: X, httpserver: HTTPServer) -> None:
    x.user = {
        "errors": [
            {
                "value": "AlderbrookAcad",
                "detail": "Could not find user with username: [AlderbrookAcad].",
                "title": "Not Found Error",
                "type": "https://api.twitter.com/2/problems/resource-not-found",
            }
        ]
    }
    with pytest.raises(AccountNotFoundError, match="AlderbrookAcad"):
        XConnector().fetch(account(httpserver), None)


@pytest.mark.parametrize(
    ("problem", "expected"),
    [("resource-not-found", AccountNotFoundError), ("not-authorized-for-resource", AuthenticationError)],
)
def test_a_page_of_errors_alone_is_no_empty_page(
    x: X, httpserver: HTTPServer, problem: str, expected: type[ConnectorError]
) -> None:
    x.answers = [{"errors": [{"title": "No", "type": f"https://api.twitter.com/2/problems/{problem}"}]}]
    with pytest.raises(expected):
        XConnector().fetch(account(httpserver), None)


@pytest.mark.parametrize("body", [{}, {"data": {"id": "1"}}, {"meta": {}}, {"errors": ["?"]}])
def test_a_page_that_is_no_page_is_unexpected(x: X, httpserver: HTTPServer, body: Any) -> None:
    x.answers = [body]
    with pytest.raises(UnexpectedResponseError):
        XConnector().fetch(account(httpserver), None)


def answer(status: int, body: Any, **headers: str) -> Response:
    kind = "text/html" if isinstance(body, str) else "application/json"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(body if isinstance(body, str) else json.dumps(body), status, named, content_type=kind)


PROBLEM = {"title": "Unauthorized", "detail": f"Token {TOKEN} is not known", "type": "about:blank"}


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (answer(401, PROBLEM), AuthenticationError),
        (answer(403, PROBLEM), AuthenticationError),
        (answer(402, {"title": "CreditsDepleted", "detail": "no credits"}), PermanentError),
        (answer(404, PROBLEM), AccountNotFoundError),
        (answer(404, [PROBLEM]), AccountNotFoundError),
        (answer(429, [PROBLEM]), RateLimitedError),
        (answer(429, "<html>slow down</html>"), RateLimitedError),
        (answer(500, [1, 2]), TransientError),
        (answer(503, "<html>over capacity</html>"), TransientError),
        (answer(200, "<html>maintenance</html>"), UnexpectedResponseError),
        (answer(200, '{"data": [{"id": "18570'), UnexpectedResponseError),
        (answer(200, ""), UnexpectedResponseError),
        (answer(200, [1, 2]), UnexpectedResponseError),
        (answer(400, "[" * 100_000), PermanentError),
        (answer(302, "", Location="http://10.1.2.3/2/users"), PermanentError),
    ],
)
def test_each_wrong_answer_has_its_error_and_no_error_tells_the_token(
    x: X, httpserver: HTTPServer, answered: Response, expected: type[ConnectorError]
) -> None:
    x.answers = [answered]
    with pytest.raises(ConnectorError) as caught:
        XConnector().fetch(account(httpserver), None)
    assert type(caught.value) is expected or (expected is PermanentError and isinstance(caught.value, expected))
    told, error = "", caught.value
    seen: BaseException | None = error
    while seen is not None:
        told, seen = told + str(seen), seen.__cause__ or seen.__context__
    assert TOKEN not in told


def test_a_pause_with_a_reset_header_tells_until_when(x: X, httpserver: HTTPServer) -> None:
    reset = int(time.time()) + 600
    x.answers = [answer(429, PROBLEM, x_rate_limit_reset=str(reset))]
    with pytest.raises(RateLimitedError) as caught:
        XConnector().fetch(account(httpserver), None)
    assert caught.value.retry_at == datetime.fromtimestamp(reset, UTC)
    assert len(x.pages) == 1


@pytest.mark.parametrize("headers", [{}, {"x_rate_limit_reset": "soon"}])
def test_a_pause_without_one_does_not(x: X, httpserver: HTTPServer, headers: dict[str, str]) -> None:
    x.answers = [answer(429, PROBLEM, **headers)]
    with pytest.raises(RateLimitedError) as caught:
        XConnector().fetch(account(httpserver), None)
    assert caught.value.retry_at is None
    assert len(x.pages) == 1


def test_a_used_up_month_is_not_over_in_a_quarter_of_an_hour(x: X, httpserver: HTTPServer) -> None:
    capped = {"title": "UsageCapExceeded", "type": "https://api.twitter.com/2/problems/usage-capped"}
    x.answers = [answer(429, capped, x_rate_limit_reset=str(int(time.time()) + 600))]
    with pytest.raises(RateLimitedError) as caught:
        XConnector().fetch(account(httpserver), None)
    assert caught.value.retry_at is None


def test_a_server_that_hangs_is_left_in_time(x: X, httpserver: HTTPServer) -> None:
    def hang() -> dict[str, Any]:
        time.sleep(1.5)
        return page(1)

    x.answers = [hang]
    began = time.monotonic()
    with pytest.raises(TransientError):
        XConnector(timeout_s=0.3, total_s=0.6).fetch(account(httpserver), None)
    assert time.monotonic() - began < 1.4


def test_an_account_without_a_token_is_told_what_it_lacks() -> None:
    with pytest.raises(AuthenticationError, match="bearer token"):
        XConnector().fetch(Account(name="a", platform="x", target="@a"), None)


def test_a_token_with_a_line_break_inside_is_refused_unseen(x: X, httpserver: HTTPServer) -> None:
    with pytest.raises(AuthenticationError) as caught:
        XConnector().fetch(account(httpserver, token="AAA\nsecret"), None)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_no_log_holds_the_token(x: X, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("tweepy").setLevel(logging.DEBUG)
    logging.getLogger("tweepy.client").setLevel(logging.DEBUG)
    x.answers = [page(1)]
    XConnector().fetch(account(httpserver), None)
    assert caplog.records, "nothing was logged at all, so nothing was shown"
    assert TOKEN not in caplog.text


def replayed(name: str) -> list[dict[str, Any]]:
    """The pages in a recorded file, whichever of the three shapes it has."""
    text = (Path(RECORDED or "") / "x" / name).read_bytes().decode("utf-8")
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    body = json.loads(text)
    return [exchange["response"]["body"] for exchange in body["recorded"]] if "recorded" in body else [body]


@needs_recorded
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("tweepy__test_asyncclient_search_recent_tweets.json", "search"),
        ("tweepy__test_asyncclient_get_users_tweets.json", "posts"),
        ("tweepy__test_asyncclient_get_list_tweets.json", "posts"),
        ("python-twitter__searches_search_tweets_for_nyc.json", "search"),
        ("python-twitter__timeline_timeline_reverse_chronological.json", "posts"),
        ("twarc-csv__noflat.jsonl", "search"),
        ("twarc-csv__two_tweets.jsonl", "mentions"),
        ("twarc-csv__cotweet.jsonl", "posts"),
        ("twarc-csv__edited_after.jsonl", "posts"),
    ],
)
def test_recorded_pages_lose_no_post(x: X, httpserver: HTTPServer, name: str, what: str) -> None:
    for sent in replayed(name):
        items = sent["data"]
        items = items if isinstance(items, list) else [items]
        meta = {key: value for key, value in sent.get("meta", {}).items() if key != "next_token"}
        x.answers = [{**sent, "data": items, "meta": meta}]
        got = XConnector().fetch(account(httpserver, target="9001", reads=(what,)), None)
        assert got.oddities == ()
        assert {post.id for post in got.posts} == {min(i.get("edit_history_tweet_ids") or [i["id"]]) for i in items}
        by_url = {post.url.rsplit("/", 1)[1]: post for post in got.posts if post.url}
        for item in items:
            check_against(by_url[item["id"]], item)


def check_against(post: Post, item: dict[str, Any]) -> None:
    kinds = [ref["type"] for ref in item.get("referenced_tweets", ())]
    assert post.kind == ("reply" if "replied_to" in kinds or "in_reply_to_user_id" in item else "post")
    assert (post.author is not None) == ("author_id" in item)
    assert "&amp;" not in post.text
    named = (item.get("entities") or {}).get("urls") or ()
    if "retweeted" not in kinds:
        assert not [url["url"] for url in named if url["url"] in post.text]
        assert len(post.media) == len((item.get("attachments") or {}).get("media_keys", ()))
    if "created_at" in item and not post.edited_at:
        assert post.created_at == datetime.fromisoformat(item["created_at"])


@needs_recorded
def test_a_recorded_edit_keeps_its_first_id_and_both_times(x: X, httpserver: HTTPServer) -> None:
    (sent,) = replayed("twarc-csv__edited_after.jsonl")
    x.answers = [{**sent, "meta": {"result_count": 1}}]
    posts = XConnector().fetch(account(httpserver, target="9001"), None).posts
    first, second = sent["data"][0]["edit_history_tweet_ids"]
    assert {post.id for post in posts} == {first}
    assert posts[0].created_at == datetime(2022, 10, 3, 17, 57, 1, tzinfo=UTC)
    assert posts[0].edited_at == datetime(2022, 10, 3, 17, 57, 11, tzinfo=UTC)
    assert second in (posts[0].url or "")


@needs_recorded
def test_the_recorded_user_is_found(x: X, httpserver: HTTPServer) -> None:
    x.user = replayed("tweepy__test_asyncclient_get_user.json")[0]
    x.answers = [page(1)]
    XConnector().fetch(account(httpserver, target="@Twitter"), None)
    assert x.asked[1].path == f"/2/users/{x.user['data']['id']}/tweets"


def test_mentions_and_replies_are_one_search_once_their_past_is_read(x: X, httpserver: HTTPServer) -> None:
    source = account(httpserver, reads=("posts", "mentions", "comments"), official=True)
    x.answers = [page(1), page(2, 5), page(4)]
    first = list(drain(source))
    assert numbers(first) == [[1], [2, 5], [4]]
    x.answers = [page(), page(7, 6)]
    second = list(drain(source, first[-1].cursor))
    assert numbers(second) == [[], [6, 7]]
    assert [request.path for request in x.asked[-2:]] == ["/2/users/9001/tweets", "/2/tweets/search/recent"]
    asked = x.asked[-1].args
    assert asked["query"] == (
        '(to:AlderbrookAcad OR @AlderbrookAcad OR url:"AlderbrookAcad/status") -from:AlderbrookAcad -is:retweet'
    )
    assert asked["since_id"] == str(FIRST + 4), "the earlier of the two marks, so that nothing lies between"
    x.answers = [page(), page(8)]
    third = list(drain(source, second[-1].cursor))
    assert numbers(third) == [[], [8]]
    assert x.asked[-1].args["since_id"] == str(FIRST + 7)


def test_where_no_mention_was_found_the_one_search_begins_with_all_it_reaches(x: X, httpserver: HTTPServer) -> None:
    source = account(httpserver, reads=("mentions", "comments"))
    x.answers = [page(), page(4)]
    first = list(drain(source))
    x.answers = [page(4, 3)]
    second = list(drain(source, first[-1].cursor))
    assert numbers(second) == [[3, 4]]
    assert "since_id" not in x.asked[-1].args


def test_a_search_for_the_schools_own_handles_knows_whose_posts_are_theirs(x: X, httpserver: HTTPServer) -> None:
    words = "(@AlderbrookAcad OR from:AlderbrookAcad OR @DeneSch OR from:DeneSch) -is:retweet -from:Elsewhere"
    source = account(httpserver, reads=("search",), target=words, official=True)
    users = [("1", "denesch"), ("2", "somebody"), ("3", "Elsewhere")]
    given = {
        "data": [tweet(int(number), author_id=number) for number, _ in users],
        "includes": {"users": [{"id": number, "username": name, "name": name} for number, name in users]},
        "meta": {"result_count": 3, "newest_id": str(FIRST + 3)},
    }
    x.answers = [given]
    posts = XConnector().fetch(source, None).posts
    assert [post.author is not None and post.author.official for post in posts] == [True, False, False]


def test_a_page_is_no_larger_than_what_is_paid_for_and_what_came_along_is_counted(x: X, httpserver: HTTPServer) -> None:
    x.answers = [{**page(1), "includes": {"users": [{"id": "9002", "username": "pat", "name": "Pat"}]}}]
    counted = Meter(lambda path: "calls", {"calls": 5}, lambda unit: 0, most_posts=33)
    with counted.running():
        XConnector().fetch(account(httpserver, reads=("search",)), None)
    assert x.asked[0].args["max_results"] == "33"
    assert counted.spent == {"calls": 1, "posts": 1, "quoted": 0, "users": 1, "media": 0}


def quote() -> dict[str, Any]:
    """A long post that quotes the school's without naming it."""
    short, shown = "https://t.co/q", f"https://twitter.com/AlderbrookAcad/status/{FIRST + 1}"
    entities = {"urls": [{"start": 0, "end": 14, "url": short, "expanded_url": shown}]}
    whole = "Invented words that go on and on. " * 12 + short
    return tweet(
        8,
        text=f"{whole[:270]}… {short}",
        note_tweet={"text": whole, "entities": entities},
        entities=entities,
        referenced_tweets=[{"type": "quoted", "id": str(FIRST + 1)}],
    )


@pytest.mark.parametrize("reads", [("comments",), ("mentions", "comments")])
def test_quotes_of_the_schools_posts_come_whole_by_the_search_for_replies(
    x: X, httpserver: HTTPServer, reads: tuple[str, ...]
) -> None:
    given = {"data": [quote(), tweet(7, in_reply_to_user_id="9001", conversation_id=str(FIRST + 1))]}
    x.answers = [page(2)] * (len(reads) - 1) + [{**given, "meta": {"result_count": 2}}]
    replied, quoted = list(drain(account(httpserver, reads=reads)))[-1].posts
    assert (replied.kind, replied.thread) == ("reply", str(FIRST + 1))
    assert (quoted.kind, quoted.author and quoted.author.id, quoted.thread) == ("post", "9002", str(FIRST + 8))
    assert len(quoted.text) > 400
    assert quoted.links == (f"https://twitter.com/AlderbrookAcad/status/{FIRST + 1}",)
    assert 'url:"AlderbrookAcad/status"' in x.asked[-1].args["query"]
    assert sum(request.path.endswith("/search/recent") for request in x.asked) == 1, (
        "quotes cost no search of their own"
    )


def test_a_longest_handle_still_fits_the_search(x: X, httpserver: HTTPServer) -> None:
    x.user["data"]["username"] = "A" * 20
    x.answers = [page(1)]
    XConnector().fetch(account(httpserver, reads=("comments",)), None)
    assert len(x.asked[-1].args["query"]) <= 512


def own(number: int, **fields: Any) -> dict[str, Any]:
    """A post of the school's own, by which a conversation begins."""
    return tweet(number, author_id="9001", **fields)


def asked_for(x: X) -> list[int]:
    """The conversations that the last search asked for."""
    return [int(n) - FIRST for n in re.findall(r"conversation_id:(\d+)", x.asked[-1].args["query"])]


@pytest.mark.parametrize("reads", [("posts", "comments"), ("posts", "mentions", "comments")])
def test_who_answers_an_answer_without_the_schools_name_is_found_by_the_conversation(
    x: X, httpserver: HTTPServer, reads: tuple[str, ...]
) -> None:
    posts = {"data": [own(5), own(3), own(4, conversation_id="77")], "meta": {"result_count": 3}}
    deep = tweet(9, conversation_id=str(FIRST + 3), in_reply_to_user_id="9003", text="no handle in it")
    x.answers = [posts, *[page()] * (len(reads) - 2), {"data": [deep], "meta": {"result_count": 1}}]
    source = account(httpserver, reads=reads, official=True)
    first = list(drain(source))
    assert [(post.text, post.kind, post.thread) for post in first[-1].posts] == [
        ("no handle in it", "reply", str(FIRST + 3))
    ]
    assert asked_for(x) == [5, 3], "the newest first; a conversation that others began is not the school's"
    x.answers = [{"data": [own(12)], "meta": {"result_count": 1}}, page()]
    list(drain(source, first[-1].cursor))
    assert asked_for(x) == [12, 5, 3]
    asked = x.asked[-1].args["query"]
    assert asked.endswith("-from:AlderbrookAcad -is:retweet")
    assert asked.index("conversation_id") < asked.index(")")


def test_conversations_are_known_by_the_answers_where_the_schools_posts_are_not_read(
    x: X, httpserver: HTTPServer
) -> None:
    edited = own(8, conversation_id=str(FIRST + 6), edit_history_tweet_ids=[str(FIRST + 6), str(FIRST + 8)])
    repost = own(7, referenced_tweets=[{"type": "retweeted", "id": "1"}])
    x.answers = [{**page(9), "includes": {"tweets": [edited, repost, tweet(5), "nonsense"]}}]
    source = account(httpserver, reads=("comments",))
    first = list(drain(source))
    assert asked_for(x) == []
    x.answers = [page()]
    list(drain(source, first[-1].cursor))
    assert asked_for(x) == [6]


def test_the_query_holds_as_many_conversations_as_fit_and_stays_the_same_over_its_pages(
    x: X, httpserver: HTTPServer
) -> None:
    x.user["data"]["username"] = "A" * 20
    posts = {"data": [own(n) for n in range(40, 0, -1)], "meta": {"result_count": 40}}
    # Their own post comes along with the second page: it waits for the next round.
    along = {**page(60, token="p2"), "includes": {"tweets": [own(50)]}}
    x.answers = [posts, along, page(59)]
    list(drain(account(httpserver, reads=("posts", "comments"))))
    first, second = (request.args["query"] for request in x.asked[-2:])
    assert first == second, "a next page belongs to the query that named it"
    assert 512 - len(" OR conversation_id:1857000000000000040") < len(first) <= 512
    assert asked_for(x) == list(range(40, 40 - len(asked_for(x)), -1))
    assert len(asked_for(x)) >= 8


def test_a_post_that_was_not_known_when_the_mark_passed_it_has_its_early_answers_read(
    x: X, httpserver: HTTPServer
) -> None:
    source = account(httpserver, reads=("posts", "comments"), official=True)
    x.answers = [{"data": [own(1)], "meta": {"result_count": 1}}, page(20)]
    first = list(drain(source))
    # It was posted after the posts were read, and before the search.
    x.answers = [{"data": [own(10)], "meta": {"result_count": 1}}, page(15)]
    second = list(drain(source, first[-1].cursor))
    assert x.asked[-1].args["since_id"] == str(FIRST + 10)
    assert numbers(second) == [[10], [15]]
    x.answers = [page(), page()]
    list(drain(source, second[-1].cursor))
    assert asked_for(x) == [10, 1]


def test_a_shared_search_follows_the_schools_conversations_as_far_as_its_length_allows(
    x: X, httpserver: HTTPServer
) -> None:
    words = '(@AlderbrookAcad OR from:AlderbrookAcad OR url:"AlderbrookAcad/status") -is:retweet'
    source = account(httpserver, reads=("search",), target=words, official=True)
    users = {"includes": {"users": [{"id": "9001", "username": "alderbrookacad", "name": "A"}]}}
    x.answers = [{"data": [own(5), tweet(4)], "meta": {"result_count": 2, "newest_id": str(FIRST + 5)}, **users}]
    first = list(drain(source))
    assert x.asked[-1].args["query"] == words
    x.answers = [page()]
    list(drain(source, first[-1].cursor))
    assert asked_for(x) == [5]
    assert x.asked[-1].args["since_id"] == str(FIRST + 5), "what others were sent is not paid for again"
    full = words.replace("(@", "(" + " OR ".join(f"@School{n:014}" for n in range(18)) + " OR @")
    x.answers = [page()]
    XConnector().fetch(replace(source, target=full), first[-1].cursor)
    assert x.asked[-1].args["query"] == full


def test_other_searches_stay_as_they_are_written(x: X, httpserver: HTTPServer) -> None:
    source = account(httpserver, reads=("search",), target="(hillcrest) -is:retweet")
    x.answers = [page(1), page()]
    first = list(drain(source))
    list(drain(source, first[-1].cursor))
    assert x.asked[-1].args["query"] == "(hillcrest) -is:retweet"
