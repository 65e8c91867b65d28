"""Facebook Pages, replayed by a real server through the real facebook-sdk."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors._recommendation import to_review
from connectors._story import to_comment, to_post
from connectors.connector import Connector
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    RefusedAddressError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.facebook import FacebookConnector, _read
from connectors.post import Account, Cursor, Page, Post

GOLDEN = Path(__file__).parent / "golden" / "facebook"
TOKEN = "EAAsecretpagetoken"
RECORDED = os.environ.get("WATCHER_PAYLOADS")
needs_recorded = pytest.mark.skipif(not RECORDED, reason="WATCHER_PAYLOADS names no folder of recorded answers")


def account(server: HTTPServer, **changes: Any) -> Account:
    values: dict[str, Any] = {
        "name": "alderbrook-facebook",
        "platform": "facebook",
        "target": "100900",
        "reads": ("posts",),
        "base_url": server.url_for("").rstrip("/"),
        "allow_private": True,
        "token": TOKEN,
    }
    return Account(**{**values, **changes})


class Graph:
    """A stand-in for the Graph API: edges by path, each a list of answers of which the last one stays."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[Request] = []
        self.edges: dict[str, list[Any]] = {}
        server.expect_request(re.compile(".*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        answers = self.edges.get(request.path.removeprefix("/v26.0/"), [failed(404, 803, "no such edge")])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Response):
            return answer
        return Response(json.dumps(answer() if callable(answer) else answer), mimetype="application/json")

    def count(self, edge: str) -> int:
        return sum(request.path.endswith(edge) for request in self.asked)


@pytest.fixture
def graph(httpserver: HTTPServer) -> Graph:
    return Graph(httpserver)


def item(number: int, **fields: Any) -> dict[str, Any]:
    moment = datetime(2026, 11, 16, tzinfo=UTC) + timedelta(minutes=number)
    return {
        "id": f"100900_{number}",
        "message": f"Invented post {number}",
        "created_time": moment.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        **fields,
    }


def page(*numbers: int, after: str | None = None, **fields: Any) -> dict[str, Any]:
    paging: dict[str, Any] = {"cursors": {"before": "b", "after": after or "end"}}
    if after:
        paging["next"] = f"https://graph.facebook.com/v26.0/100900/published_posts?limit=2&after={after}"
    return {"data": [item(n, **fields) for n in numbers], "paging": paging}


def failed(status: int, code: int | None, message: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A", **more}
    return Response(json.dumps({"error": error}), status, headers, content_type="application/json; charset=UTF-8")


def drain(source: Account, cursor: Cursor | None = None, **options: Any) -> Iterator[Page]:
    connector = FacebookConnector(**options)
    for _ in range(60):
        got = connector.fetch(source, cursor)
        yield got
        if not got.more:
            return
        cursor = got.cursor
    raise AssertionError("it never ends")


def numbers(pages: list[Page]) -> list[list[int]]:
    return [[int(post.id.split("_")[1]) for post in page.posts] for page in pages]


def test_it_is_a_connector() -> None:
    assert isinstance(FacebookConnector(), Connector)


def test_the_old_library_breaks_no_strict_start() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", "import connectors.facebook"], check=True, timeout=60)


def golden(name: str) -> tuple[Any, Any]:
    sent, becomes = GOLDEN / f"{name}.sent.json", GOLDEN / f"{name}.becomes.json"
    return json.loads(sent.read_text()), json.loads(becomes.read_text())


def as_dicts(page: Page) -> list[dict[str, Any]]:
    return [{k: v for k, v in post.as_dict().items() if k != "sha256"} for post in page.posts]


def test_what_facebook_sends_becomes_posts(graph: Graph, httpserver: HTTPServer) -> None:
    sent, becomes = golden("posts")
    graph.edges["100900/published_posts"] = [sent]
    got = FacebookConnector().fetch(account(httpserver, official=True), None)
    assert as_dicts(got) == becomes
    assert (got.more, got.gaps, got.oddities) == (False, (), ())
    assert [json.loads(post.raw) for post in got.posts] == sent["data"][::-1]


def test_comments_and_replies_stand_in_their_thread(graph: Graph, httpserver: HTTPServer) -> None:
    sent, becomes = golden("comments")
    graph.edges = {"100900/published_posts": [{"data": [{"id": "100900_501"}]}], "100900_501/comments": [sent]}
    pages = list(drain(account(httpserver, official=True, reads=("comments",))))
    assert [post for page in pages for post in as_dicts(page)] == becomes
    asked = graph.asked[-1].args
    assert (asked["filter"], asked["order"]) == ("stream", "reverse_chronological")


def test_the_token_goes_into_the_header_only(graph: Graph, httpserver: HTTPServer) -> None:
    graph.edges["100900/published_posts"] = [page(1)]
    FacebookConnector().fetch(account(httpserver), None)
    (asked,) = graph.asked
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in asked.url
    assert asked.path == "/v26.0/100900/published_posts"
    assert "appsecret_proof" not in asked.args


def test_an_app_secret_signs_each_call_and_is_never_sent(graph: Graph, httpserver: HTTPServer) -> None:
    graph.edges["100900/published_posts"] = [page(1)]
    FacebookConnector(app_secret="hush").fetch(account(httpserver), None)
    expected = hmac.new(b"hush", TOKEN.encode(), hashlib.sha256).hexdigest()
    assert graph.asked[0].args["appsecret_proof"] == expected
    assert "hush" not in graph.asked[0].url


@pytest.mark.parametrize("base", ["", "/proxy"])
def test_the_version_is_an_option_or_the_end_of_the_address(graph: Graph, httpserver: HTTPServer, base: str) -> None:
    root = httpserver.url_for("").rstrip("/") + base
    for source, version in ((f"{root}/v27.0/", "v27.0"), (root, "v25.0")):
        with pytest.raises(AccountNotFoundError):
            FacebookConnector(graph_version="v25.0").fetch(account(httpserver, base_url=source), None)
        assert graph.asked[-1].path == f"{base}/{version}/100900/published_posts"


def test_a_version_that_is_none_is_refused() -> None:
    with pytest.raises(PermanentError, match=r"v26\.0"):
        FacebookConnector(graph_version="26").fetch(Account(name="a", platform="facebook", target="1", token="t"), None)


@pytest.mark.parametrize(
    "target", ["Alderbrook.Academy", "@Alderbrook.Academy", "https://www.facebook.com/Alderbrook.Academy/"]
)
def test_a_page_may_be_written_as_people_write_it(graph: Graph, httpserver: HTTPServer, target: str) -> None:
    graph.edges["Alderbrook.Academy/published_posts"] = [page(1)]
    assert numbers([FacebookConnector().fetch(account(httpserver, target=target), None)]) == [[1]]


@pytest.mark.parametrize("target", ["../me", "two words", "", "..", "https://example.com/a"])
def test_a_target_that_is_no_page_is_refused_unasked(graph: Graph, httpserver: HTTPServer, target: str) -> None:
    with pytest.raises(AccountNotFoundError, match="id or its name"):
        FacebookConnector().fetch(account(httpserver, target=target), None)
    assert graph.asked == []


def test_a_search_cannot_be_had(graph: Graph, httpserver: HTTPServer) -> None:
    with pytest.raises(PermanentError, match="no public search"):
        FacebookConnector().fetch(account(httpserver, reads=("posts", "search")), None)


def test_the_pages_are_followed_to_the_end_and_then_only_news_comes(graph: Graph, httpserver: HTTPServer) -> None:
    source = account(httpserver)
    graph.edges["100900/published_posts"] = [page(6, 5, after="a"), page(4, 3, after="b"), page(2, 1), page(6, 5)]
    first = list(drain(source))
    assert numbers(first) == [[5, 6], [3, 4], [1, 2]]
    assert [request.args.get("after") for request in graph.asked] == [None, "a", "b"]
    second = list(drain(source, first[-1].cursor))
    assert numbers(second) == [[]]
    graph.edges["100900/published_posts"] = [page(9, 8, after="c"), page(7, 6, after="d"), page(5, 4, after="e")]
    third = list(drain(source, second[-1].cursor))
    assert numbers(third) == [[8, 9], [7]]


def test_an_edit_on_the_newest_page_is_a_new_version(graph: Graph, httpserver: HTTPServer) -> None:
    source = account(httpserver)
    edited = page(2, 1)
    edited["data"][1]["message"] = "Invented post 1, mended"
    graph.edges["100900/published_posts"] = [page(2, 1), edited]
    first = FacebookConnector().fetch(source, None)
    second = FacebookConnector().fetch(source, first.cursor)
    assert numbers([second]) == [[1]]
    assert second.posts[0].key == first.posts[0].key
    assert second.posts[0].text.endswith("mended")


def test_asking_again_with_the_same_cursor_gives_the_same(graph: Graph, httpserver: HTTPServer) -> None:
    graph.edges["100900/published_posts"] = [page(4, 3, after="a"), page(2, 1)]
    cursor = FacebookConnector().fetch(account(httpserver), None).cursor
    once = FacebookConnector().fetch(account(httpserver), cursor)
    assert FacebookConnector().fetch(account(httpserver), cursor) == once


def test_an_empty_page_with_a_cursor_is_not_the_end(graph: Graph, httpserver: HTTPServer) -> None:
    graph.edges["100900/published_posts"] = [page(after="a"), page(1)]
    assert numbers(list(drain(account(httpserver)))) == [[1]]
    assert [request.args.get("after") for request in graph.asked] == [None, "a"]


@pytest.mark.parametrize("cursors", [["a", "a"], ["a", "b", "a"]])
def test_a_cursor_that_comes_again_is_an_error_and_not_endless(
    graph: Graph, httpserver: HTTPServer, cursors: list[str]
) -> None:
    graph.edges["100900/published_posts"] = [page(10 - n, after=after) for n, after in enumerate(cursors)]
    with pytest.raises(UnexpectedResponseError, match="circle"):
        list(drain(account(httpserver)))
    assert len(graph.asked) == len(cursors)


def test_a_next_page_without_a_cursor_is_found_in_its_address_or_missed(graph: Graph, httpserver: HTTPServer) -> None:
    address = "https://graph.facebook.com/v11.0/100900/feed?limit=1"
    ways = ["&after=zz&access_token=x", "&since&until=1619389766&__paging_token=enc_A%3D%3D", ""]
    graph.edges["100900/published_posts"] = [
        {"data": [item(9 - n)], "paging": {"next": address + way}} for n, way in enumerate(ways)
    ]
    connector, source = FacebookConnector(), account(httpserver)
    first = connector.fetch(source, None)
    second = connector.fetch(source, first.cursor)
    with pytest.raises(UnexpectedResponseError, match="no cursor"):
        connector.fetch(source, second.cursor)
    assert graph.asked[1].args["after"] == "zz"
    assert (graph.asked[2].args["until"], graph.asked[2].args["__paging_token"]) == ("1619389766", "enc_A==")
    assert not any("access_token" in request.args for request in graph.asked)


def test_a_cursor_that_facebook_forgot_begins_the_round_anew(graph: Graph, httpserver: HTTPServer) -> None:
    expired = failed(400, 100, "(#100) Invalid cursors values")
    graph.edges["100900/published_posts"] = [page(4, 3, after="a"), expired, page(5, 4, after="z"), page(3)]
    assert numbers(list(drain(account(httpserver)))) == [[3, 4], [4, 5], [3]]


def test_a_clock_in_the_future_hides_nothing_that_comes_later(graph: Graph, httpserver: HTTPServer) -> None:
    source = account(httpserver)
    future = item(1, created_time="2099-01-01T00:00:00+0000")
    news = {"data": [future, item(9)], "paging": page(after="a")["paging"]}
    graph.edges["100900/published_posts"] = [{"data": [future, item(2)]}, news, page(8, 2)]
    first = FacebookConnector().fetch(source, None)
    assert numbers([first]) == [[2, 1]]
    assert numbers(list(drain(source, first.cursor)))[0] == [9]


def test_an_item_that_is_no_post_is_set_aside_with_its_bytes(graph: Graph, httpserver: HTTPServer) -> None:
    broken: list[Any] = [{"message": "no id"}, "words", item(3, created_time="soon"), item(4, attachments="none")]
    graph.edges["100900/published_posts"] = [{"data": [item(1), *broken]}]
    got = FacebookConnector().fetch(account(httpserver), None)
    assert numbers([got]) == [[1]]
    assert [json.loads(oddity.raw) for oddity in got.oddities] == broken


def test_mentions_are_posts_that_tag_the_page_and_what_visitors_wrote(graph: Graph, httpserver: HTTPServer) -> None:
    tagged = {"data": [item(1, id="555_1", **{"from": {"id": "555", "name": "Otto Quill"}})]}
    own = item(3, **{"from": {"id": "100900", "name": "Alderbrook Academy"}})
    visitor = item(2, **{"from": {"id": "777", "name": "Ida Brock"}})
    graph.edges = {"100900/tagged": [tagged], "100900/feed": [{"data": [own, visitor]}]}
    source = account(httpserver, official=True, reads=("mentions",))
    pages = list(drain(source))
    assert [[post.id for post in page.posts] for page in pages] == [["555_1"], ["100900_2"]]
    assert not any(post.author and post.author.official for page in pages for post in page.posts)
    assert numbers(list(drain(source, pages[-1].cursor))) == [[]]


def test_where_visitors_posts_cannot_be_had_the_rest_goes_on(graph: Graph, httpserver: HTTPServer) -> None:
    refused = failed(403, 10, "(#10) requires pages_read_user_content")
    graph.edges = {"100900/tagged": [page(1)], "100900/feed": [refused], "100900/published_posts": [page(2)]}
    source = account(httpserver, reads=("mentions", "posts"))
    pages = list(drain(source))
    assert numbers(pages) == [[1], [2]]
    (gap,) = pages[1].gaps
    assert "visitors" in gap.why
    assert "pages_read_user_content" in gap.why
    again = list(drain(source, pages[-1].cursor))
    assert [page.gaps for page in again] == [()], "the same reason is told once"
    assert [page.lacks for page in (*pages[1:], *again)] == [(gap.why,)] * 2, "and said as long as it lasts"
    graph.edges["100900/feed"] = [{"data": []}]
    assert [page.lacks for page in drain(source, again[-1].cursor)] == [()]


def watched(number: int, count: int, updated: str = "2026-11-17T00:00:00+0000") -> dict[str, Any]:
    return {"id": f"100900_{number}", "updated_time": updated, "comments": {"summary": {"total_count": count}}}


def test_only_posts_on_which_something_happened_are_asked_again(graph: Graph, httpserver: HTTPServer) -> None:
    source = account(httpserver, reads=("comments",))
    graph.edges = {
        "100900/published_posts": [{"data": [watched(2, 1), watched(1, 1)]}],
        "100900_2/comments": [page(21)],
        "100900_1/comments": [page(11)],
    }
    first = list(drain(source))
    assert numbers(first) == [[11, 21]]
    assert numbers(list(drain(source, first[-1].cursor))) == [[]]
    assert graph.count("/comments") == 2
    graph.edges["100900/published_posts"] = [{"data": [watched(2, 1), watched(1, 2)]}]
    graph.edges["100900_1/comments"] = [page(12, 11)]
    third = list(drain(source, first[-1].cursor))
    assert numbers(third) == [[12]]
    assert third[-1].posts[0].thread == "100900_1"


def test_comments_in_many_pages_are_read_to_the_end(graph: Graph, httpserver: HTTPServer) -> None:
    source = account(httpserver, reads=("comments",))
    graph.edges = {
        "100900/published_posts": [{"data": [{"id": "100900_1"}]}],
        "100900_1/comments": [page(16, 15, after="a"), page(14, 13, after="b"), page(12, 11), page(17, 16, after="c")],
    }
    first = list(drain(source))
    assert numbers(first) == [[11, 12, 13, 14, 15, 16]]
    assert numbers(list(drain(source, first[-1].cursor))) == [[17]]


def test_comments_oldest_first_are_read_to_the_end_too(graph: Graph, httpserver: HTTPServer) -> None:
    source = account(httpserver, reads=("comments",))
    graph.edges = {
        "100900/published_posts": [{"data": [{"id": "100900_1"}]}],
        "100900_1/comments": [page(11, 12), page(11, 12, after="a"), page(13)],
    }
    first = list(drain(source))
    assert numbers(list(drain(source, first[-1].cursor))) == [[13]]


def test_an_error_among_the_comments_keeps_what_came_before_it(graph: Graph, httpserver: HTTPServer) -> None:
    source = account(httpserver, reads=("comments",))
    graph.edges = {
        "100900/published_posts": [{"data": [{"id": "100900_2"}, {"id": "100900_1"}]}],
        "100900_2/comments": [page(21)],
        "100900_1/comments": [failed(500, 2, "later"), failed(500, 2, "later"), page(11)],
    }
    connector = FacebookConnector()
    first = connector.fetch(source, None)
    assert (numbers([first]), first.more) == ([[21]], True)
    with pytest.raises(TransientError):
        connector.fetch(source, first.cursor)
    assert numbers(list(drain(source, first.cursor))) == [[11]]
    assert graph.count("100900_2/comments") == 1


def test_many_quiet_posts_are_no_endless_call(graph: Graph, httpserver: HTTPServer) -> None:
    graph.edges = {"100900/published_posts": [{"data": [{"id": f"100900_{n}"} for n in range(40)]}]}
    graph.edges |= {f"100900_{n}/comments": [page()] for n in range(40)}
    pages = list(drain(account(httpserver, reads=("comments",))))
    assert [page.more for page in pages] == [True, False]
    assert len(graph.asked) == 41


def test_only_the_newest_posts_are_watched(graph: Graph, httpserver: HTTPServer) -> None:
    graph.edges = {"100900/published_posts": [page(6, 5, after="a"), page(4, 3, after="b")]}
    graph.edges |= {f"100900_{n}/comments": [page(n * 10)] for n in (6, 5, 4)}
    source = account(httpserver, reads=("comments",))
    pages = list(drain(source, watched_posts=3, page_size=2))
    assert numbers(pages) == [[50, 60], [40]]


def test_a_post_deleted_meanwhile_stops_nothing(graph: Graph, httpserver: HTTPServer) -> None:
    gone = failed(400, 100, "Unsupported get request. Object with ID '100900_2' does not exist", error_subcode=33)
    graph.edges = {
        "100900/published_posts": [{"data": [{"id": "100900_2"}, {"id": "100900_1"}]}],
        "100900_2/comments": [gone],
        "100900_1/comments": [page(11)],
    }
    pages = list(drain(account(httpserver, reads=("comments",))))
    assert numbers(pages) == [[11]]
    assert "100900_2" in pages[0].gaps[0].why


def test_the_reads_follow_each_other(graph: Graph, httpserver: HTTPServer) -> None:
    graph.edges = {
        "100900/published_posts": [page(1), {"data": [{"id": "100900_1"}]}],
        "100900_1/comments": [page(11)],
        "100900/tagged": [page(3)],
        "100900/feed": [page()],
    }
    pages = list(drain(account(httpserver, reads=("posts", "comments", "mentions"))))
    assert numbers(pages) == [[1], [11], [3], []]


def test_a_failing_read_blinds_no_other_and_still_fails_aloud(graph: Graph, httpserver: HTTPServer) -> None:
    refused = failed(403, 10, "no permission")
    graph.edges = {"100900/published_posts": [page(1)], "100900/tagged": [refused], "100900/feed": [page()]}
    source = account(httpserver, reads=("posts", "mentions"))
    connector = FacebookConnector()
    first = connector.fetch(source, None)
    with pytest.raises(AuthenticationError):
        connector.fetch(source, first.cursor)
    graph.edges["100900/published_posts"] = [page(2, 1)]
    second = connector.fetch(source, first.cursor)
    assert numbers([first, second]) == [[1], [2]]
    assert second.more
    with pytest.raises(AuthenticationError):
        connector.fetch(source, second.cursor)


ODD: tuple[Any, ...] = (None, -1, 1.5, True, "", "\ud800", [], {}, [None], {"data": [1]}, "2026-11-16T12:30:00", 10**30)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield (*path, key)
        yield from places(below, (*path, key))


@pytest.mark.parametrize("name", ["posts", "comments"])
def test_whatever_stands_anywhere_every_item_is_a_post_or_an_oddity(name: str) -> None:
    items = golden(name)[0]["data"]
    under = {"author": None} if name == "posts" else {"under": "100900_1"}
    to_noun = partial(to_post if name == "posts" else to_comment, owner="100900", **under)
    for path in places(items):
        for odd in ODD:
            changed = copy.deepcopy(items)
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = odd
            posts, oddities = _read(changed, to_noun)
            assert len(posts) + len(oddities) == len(items)
            for post in posts:
                assert Post.from_dict(json.loads(json.dumps(post.as_dict())), post.raw) == post


USED_UP = json.dumps({"100900": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 19}]})
SAYS = f"the token {TOKEN} says"


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (failed(400, 190, SAYS, error_subcode=463), AuthenticationError),
        (failed(401, 102, SAYS), AuthenticationError),
        (failed(403, 10, SAYS), AuthenticationError),
        (failed(403, 200, SAYS), AuthenticationError),
        (failed(403, 299, SAYS), AuthenticationError),
        (failed(400, 100, "(#100) needs either app secret proof or an app token"), AuthenticationError),
        (failed(400, 4, SAYS), RateLimitedError),
        (failed(400, 17, SAYS), RateLimitedError),
        (failed(400, 32, SAYS), RateLimitedError),
        (failed(403, 613, SAYS), RateLimitedError),
        (failed(400, 80001, SAYS), RateLimitedError),
        (failed(429, None, SAYS), RateLimitedError),
        (failed(404, 803, SAYS), AccountNotFoundError),
        (failed(400, 100, "(#100) Object does not exist, or is missing a permission"), AccountNotFoundError),
        (failed(400, 100, "no", error_subcode=33), AccountNotFoundError),
        (failed(500, 1, SAYS), TransientError),
        (failed(200, 2, SAYS), TransientError),
        (failed(400, 999, SAYS, is_transient=True), TransientError),
        (failed(400, 2500, SAYS), PermanentError),
        (failed(200, 2500, SAYS), PermanentError),
        (Response('{"error": "no"}', 200, content_type="application/json"), PermanentError),
        (Response('{"data": []}', 500, content_type="application/json"), TransientError),
        (Response("<html>bad gateway</html>", 502, content_type="text/html"), TransientError),
        (Response("<html>hello</html>", 200, content_type="text/html"), UnexpectedResponseError),
        (Response("", 200, content_type="application/json"), UnexpectedResponseError),
        (Response('{"data": [{"id": "1009', 200, content_type="application/json"), UnexpectedResponseError),
        (Response('[{"data": []}]', 200, content_type="application/json"), UnexpectedResponseError),
        (Response('{"paging": {}}', 200, content_type="application/json"), UnexpectedResponseError),
        (Response("[" * 100_000, 200, content_type="application/json"), UnexpectedResponseError),
        (Response("access_token=abc", 200, content_type="text/plain"), UnexpectedResponseError),
        (Response(b"\x89PNG", 200, content_type="image/png"), UnexpectedResponseError),
        (Response("", 302, {"Location": "http://10.1.2.3/"}), RefusedAddressError),
    ],
)
def test_each_wrong_answer_has_its_error_and_no_error_tells_the_token(
    graph: Graph, httpserver: HTTPServer, answered: Response, expected: type[ConnectorError]
) -> None:
    graph.edges["100900/published_posts"] = [answered]
    with pytest.raises(ConnectorError) as caught:
        FacebookConnector().fetch(account(httpserver), None)
    assert type(caught.value) is expected
    told, seen = "", caught.value if isinstance(caught.value, BaseException) else None
    while seen is not None:
        told, seen = told + str(seen), seen.__cause__ or seen.__context__
    assert TOKEN not in told


def test_json_under_another_content_type_or_none_is_read(graph: Graph, httpserver: HTTPServer) -> None:
    graph.edges["100900/published_posts"] = [
        Response(json.dumps(page(2, after="a")), content_type="text/javascript; charset=UTF-8"),
        nameless(json.dumps(page(1))),
    ]
    assert numbers(list(drain(account(httpserver)))) == [[2], [1]]


def nameless(body: str) -> Response:
    answer = Response(body)
    del answer.headers["Content-Type"]
    return answer


def test_the_usage_header_tells_until_when_to_pause(graph: Graph, httpserver: HTTPServer) -> None:
    graph.edges["100900/published_posts"] = [failed(400, 32, SAYS, {"X-Business-Use-Case-Usage": USED_UP})]
    with pytest.raises(RateLimitedError) as caught:
        FacebookConnector().fetch(account(httpserver), None)
    assert caught.value.retry_at is not None
    assert timedelta(minutes=18) < caught.value.retry_at - datetime.now(UTC) <= timedelta(minutes=19)


@pytest.mark.parametrize("header", ["", "{}", "[]", '{"1": [{"estimated_time_to_regain_access": 0}]}', '{"1": "x"}'])
def test_a_pause_without_an_estimate_has_no_end(graph: Graph, httpserver: HTTPServer, header: str) -> None:
    graph.edges["100900/published_posts"] = [failed(400, 4, SAYS, {"X-Business-Use-Case-Usage": header})]
    with pytest.raises(RateLimitedError) as caught:
        FacebookConnector().fetch(account(httpserver), None)
    assert caught.value.retry_at is None


def test_a_pause_by_status_alone_is_a_pause(graph: Graph, httpserver: HTTPServer) -> None:
    graph.edges["100900/published_posts"] = [Response("slow down", 429, {"Retry-After": "120"})]
    with pytest.raises(RateLimitedError) as caught:
        FacebookConnector().fetch(account(httpserver), None)
    assert caught.value.retry_at is not None


def test_a_server_that_hangs_is_left_in_time(graph: Graph, httpserver: HTTPServer) -> None:
    def hang() -> dict[str, Any]:
        time.sleep(1.5)
        return page(1)

    graph.edges["100900/published_posts"] = [hang]
    began = time.monotonic()
    with pytest.raises(TransientError):
        FacebookConnector(timeout_s=0.3, total_s=0.6).fetch(account(httpserver), None)
    assert time.monotonic() - began < 1.4


def test_an_account_without_a_token_is_told_what_it_lacks() -> None:
    with pytest.raises(AuthenticationError, match="access token"):
        FacebookConnector().fetch(Account(name="a", platform="facebook", target="100900"), None)


def test_a_private_address_needs_the_operators_word(graph: Graph, httpserver: HTTPServer) -> None:
    with pytest.raises(RefusedAddressError):
        FacebookConnector().fetch(account(httpserver, allow_private=False), None)
    assert graph.asked == []


def test_no_log_holds_the_token(graph: Graph, httpserver: HTTPServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    graph.edges["100900/published_posts"] = [page(1)]
    FacebookConnector().fetch(account(httpserver), None)
    assert caplog.records
    assert TOKEN not in caplog.text


def recorded(name: str) -> Any:
    return json.loads((Path(RECORDED or "") / "facebook" / name).read_bytes())


@needs_recorded
def test_the_recorded_feed_is_followed_over_both_its_pages(graph: Graph, httpserver: HTTPServer) -> None:
    pages = [recorded(f"python-facebook__posts_feeds_default_fields_p{n}.json") for n in (1, 2)]
    graph.edges["19292868552/published_posts"] = list(pages)
    got = list(drain(account(httpserver, target="19292868552")))
    assert graph.asked[1].args["after"] == pages[0]["paging"]["cursors"]["after"]
    sent = [entry for body in pages for entry in body["data"]]
    posts = {post.id: post for page in got for post in page.posts}
    assert posts.keys() == {entry["id"] for entry in sent}
    assert not any(page.oddities for page in got)
    for entry in sent:
        post = posts[entry["id"]]
        assert post.text == entry.get("message", entry.get("story", ""))
        assert post.created_at == datetime.fromisoformat(entry["created_time"])
        assert post.url == entry["permalink_url"]
        assert len(post.media) >= len(entry.get("attachments", {}).get("data", ()))
        assert not any("l.facebook.com" in link for link in post.links)


@needs_recorded
def test_the_recorded_posts_and_their_comments_lose_nothing(graph: Graph, httpserver: HTTPServer) -> None:
    posts = recorded("python-facebook__posts_multi_posts_data.json")
    graph.edges["19292868552/published_posts"] = [{"data": list(posts.values())}]
    for number, post in posts.items():
        graph.edges[f"{number}/comments"] = [{"data": post["comments"]["data"]}]
    pages = list(drain(account(httpserver, target="19292868552", reads=("posts", "comments"))))
    sent = [comment for post in posts.values() for comment in post["comments"]["data"]]
    got = {post.id: post for page in pages for post in page.posts if post.kind == "comment"}
    assert got.keys() == {comment["id"] for comment in sent}
    assert all(got[comment["id"]].text == comment["message"] for comment in sent)
    assert all((got[comment["id"]].author is None) == ("from" not in comment) for comment in sent)
    assert not any(page.oddities for page in pages)


@needs_recorded
@pytest.mark.parametrize(
    "name", ["python-facebook__posts_single_post_data.json", "python-facebook__posts_single_post_data_fields.json"]
)
def test_a_recorded_single_post_is_read(graph: Graph, httpserver: HTTPServer, name: str) -> None:
    sent = recorded(name)
    graph.edges["100900/published_posts"] = [{"data": [sent]}]
    (post,) = FacebookConnector().fetch(account(httpserver), None).posts
    assert (post.id, post.text) == (sent["id"], sent["message"])


@needs_recorded
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("python-facebook__error_error_data.json", AccountNotFoundError),
        ("python-facebook__testdata_error.json", AuthenticationError),
    ],
)
def test_recorded_errors_have_their_meaning(
    graph: Graph, httpserver: HTTPServer, name: str, expected: type[ConnectorError]
) -> None:
    graph.edges["100900/published_posts"] = [Response(json.dumps(recorded(name)), 400, mimetype="application/json")]
    with pytest.raises(expected):
        FacebookConnector().fetch(account(httpserver), None)


def rating(number: int, **fields: Any) -> dict[str, Any]:
    moment = datetime(2026, 11, 16, tzinfo=UTC) + timedelta(minutes=number)
    return {
        "created_time": moment.strftime("%Y-%m-%dT%H:%M:%S+0000"),
        "recommendation_type": "positive",
        "review_text": f"Invented review {number}",
        "open_graph_story": {"id": str(40000 + number)},
        **fields,
    }


def ratings(*given: dict[str, Any], after: str | None = None) -> dict[str, Any]:
    return {**page(after=after), "data": list(given)}


@pytest.fixture
def reviewed(graph: Graph) -> Graph:
    """A page that nobody tags and on which nobody writes."""
    graph.edges = {"100900/tagged": [page()], "100900/feed": [page()]}
    return graph


def texts(pages: list[Page]) -> list[str]:
    return [post.text for got in pages for post in got.posts]


def test_recommendations_are_reviews_among_the_mentions(reviewed: Graph, httpserver: HTTPServer) -> None:
    sent, becomes = golden("ratings")
    reviewed.edges["100900/ratings"] = [sent]
    got, end = drain(account(httpserver, official=True, reads=("mentions",)))
    assert as_dicts(got) == becomes
    assert (got.gaps, got.oddities, end.posts) == ((), (), ())
    assert [json.loads(post.raw) for post in got.posts] == sent["data"][::-1]
    asked = next(request.args for request in reviewed.asked if request.path.endswith("/ratings"))
    assert set(asked["fields"].split(",")) == {
        *("created_time", "recommendation_type", "rating", "review_text", "reviewer", "open_graph_story{id}")
    }


def test_recommendations_in_many_pages_come_once_and_edits_again(reviewed: Graph, httpserver: HTTPServer) -> None:
    source = account(httpserver, reads=("mentions",))
    reviewed.edges["100900/ratings"] = [ratings(rating(3), rating(2), after="a"), ratings(rating(1))]
    first = list(drain(source))
    assert sorted(texts(first)) == [f"Recommends\n\nInvented review {n}" for n in (1, 2, 3)]
    reviewed.edges["100900/ratings"] = [ratings(rating(4), rating(3, recommendation_type="negative"), rating(2))]
    cursor, later = first[-1].cursor, []
    for _ in range(12):
        later += list(drain(source, cursor))
        cursor = later[-1].cursor
    assert texts(later) == ["Does not recommend\n\nInvented review 3", "Recommends\n\nInvented review 4"]
    edited = next(post for got in later for post in got.posts)
    assert edited.key in {post.key for got in first for post in got.posts}
    assert reviewed.count("/ratings") == 3, "asked for in one round of twelve"


def test_an_old_rating_without_an_id_keeps_the_one_it_is_given(reviewed: Graph, httpserver: HTTPServer) -> None:
    old = {"created_time": "2018-02-01T08:00:00+0000", "rating": 4, "reviewer": {"id": "71", "name": "Ida Brock"}}
    changed, other = {**old, "rating": 1, "review_text": "Not any more"}, {**old, "reviewer": {"id": "72"}}
    keys = []
    for given in (old, changed, other):
        reviewed.edges["100900/ratings"] = [ratings(given)]
        keys += [post.key for got in drain(account(httpserver, reads=("mentions",))) for post in got.posts]
    assert keys[0] == keys[1]
    assert keys[0] != keys[2]


@pytest.mark.parametrize("code", [12, 100, 803, 2500])
def test_a_page_without_recommendations_is_no_failure(reviewed: Graph, httpserver: HTTPServer, code: int) -> None:
    reviewed.edges["100900/ratings"] = [failed(400, code, f"(#{code}) Reviews are turned off for this Page")]
    reviewed.edges["100900/feed"] = [page(2)]
    (got,) = drain(account(httpserver, reads=("mentions",)))
    assert numbers([got]) == [[2]]
    assert (got.gaps, got.oddities) == ((), ())


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (failed(403, 10, "(#10) requires pages_read_user_content"), "pages_read_user_content"),
        (failed(400, 2500, "Unknown path components: /ratings"), "Unknown path"),
        (failed(500, 2, "later"), "out of order"),
    ],
)
def test_recommendations_that_cannot_be_had_are_told_once_and_stop_nothing(
    reviewed: Graph, httpserver: HTTPServer, refused: Response, why: str
) -> None:
    source = account(httpserver, reads=("mentions",))
    reviewed.edges |= {"100900/ratings": [refused], "100900/feed": [page(2)]}
    (first,) = drain(source)
    assert numbers([first]) == [[2]]
    (gap,) = first.gaps
    assert "the page's recommendations cannot be read" in gap.why
    assert why in gap.why
    cursor, later = first.cursor, []
    for _ in range(13):
        later += list(drain(source, cursor))
        cursor = later[-1].cursor
    assert [got.gaps for got in later] == [()] * 13, "the same reason is told once"
    assert {got.lacks for got in later} == {(gap.why,)}, "and said also in rounds that do not ask"


def test_recommendations_are_asked_for_again_at_once_after_a_failure_that_passes(
    reviewed: Graph, httpserver: HTTPServer
) -> None:
    source = account(httpserver, reads=("mentions",))
    reviewed.edges["100900/ratings"] = [failed(500, 2, "later"), ratings(rating(1))]
    (first,) = drain(source)
    second = list(drain(source, first.cursor))
    assert texts(second) == ["Recommends\n\nInvented review 1"]


def test_a_pause_over_recommendations_is_a_pause(reviewed: Graph, httpserver: HTTPServer) -> None:
    reviewed.edges["100900/tagged"] = [page(1)]
    reviewed.edges["100900/ratings"] = [failed(400, 32, "(#32) Page request limit reached")]
    source = account(httpserver, reads=("mentions",))
    first = FacebookConnector().fetch(source, None)
    with pytest.raises(RateLimitedError):
        FacebookConnector().fetch(source, first.cursor)


def test_whatever_stands_anywhere_a_recommendation_is_a_review_or_an_oddity() -> None:
    items = golden("ratings")[0]["data"]
    for path in places(items):
        for odd in ODD:
            changed = copy.deepcopy(items)
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = odd
            posts, oddities = _read(changed, partial(to_review, page="100900"))
            assert len(posts) + len(oddities) == len(items)
            for post in posts:
                assert Post.from_dict(json.loads(json.dumps(post.as_dict())), post.raw) == post
                assert post.text
                assert post.author is None or not post.author.official


def test_a_recommendation_is_not_asked_for_by_itself(reviewed: Graph, httpserver: HTTPServer) -> None:
    reviewed.edges |= {"100900/ratings": [ratings(rating(1))], "100900": [{"id": "100900"}]}
    source = account(httpserver, official=True, reads=("mentions",))
    (post,) = FacebookConnector().fetch(source, None).posts
    assert list(FacebookConnector().recheck(source, [post])) == []
