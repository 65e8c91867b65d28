"""The WordPress connector against a real server that speaks its REST API, well and badly."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
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
from connectors.post import Account, Post
from connectors.wordpress import WordpressConnector

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def moment(number: int) -> str:
    return (START + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S")


def article(number: int, changed: int | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "date_gmt": moment(number),
        "modified_gmt": moment(number if changed is None else changed),
        "link": f"https://www.alderbrook.example/{number}/",
        "title": {"rendered": f"Invented post {number}"},
        "content": {"rendered": "<p>Words</p>", "protected": False},
        **fields,
    }


def comment(number: int, when: int | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "post": 1,
        "parent": 0,
        "author": 0,
        "author_name": "A parent",
        "date_gmt": moment(number if when is None else when),
        "content": {"rendered": f"<p>Invented comment {number}</p>"},
        "link": f"https://www.alderbrook.example/1/#comment-{number}",
        **fields,
    }


class School:
    """A small WordPress: posts and comments by REST, sorted, counted and offset as the real one does it."""

    def __init__(self, server: HTTPServer) -> None:
        self.items: dict[str, list[dict[str, Any]]] = {"posts": [], "comments": []}
        self.pretty, self.unknown = True, 404
        self.tags = self.shuffled = False
        self.failing: Response | None = None
        self.asked: list[Request] = []
        server.expect_request(re.compile("/.*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        if self.failing is not None:
            return Response(self.failing.get_data(), self.failing.status_code, self.failing.headers)
        route = request.args.get("rest_route") or request.path.removeprefix("/wp-json")
        if not self.pretty and "rest_route" not in request.args:
            return Response("<html>Here I am</html>", self.unknown, content_type="text/html")
        kind = route.rsplit("/", 1)[1]
        if kind not in self.items:
            return self.json({"code": "rest_no_route", "message": "No route", "data": {"status": 404}}, 404)
        return self.page(request, kind)

    def page(self, request: Request, kind: str) -> Response:
        args = request.args
        by = {"modified": "modified_gmt", "id": "id"}.get(args.get("orderby", ""), "date_gmt")
        found = sorted(self.items[kind], key=lambda item: item[by], reverse=True)
        if self.shuffled:  # a database gives ties in any order, and in another one for the next page
            found = sorted(found, key=lambda item: (item[by], (item["id"] * len(self.asked)) % 7), reverse=True)
        if "search" in args:
            found = [item for item in found if args["search"] in item["title"]["rendered"]]
        if "include" in args:
            found = [item for item in found if str(item["id"]) in args["include"].split(",")]
        start = int(args.get("offset", 0))
        page = found[start : start + int(args["per_page"])]
        answer = self.json([item for item in page if not item.get("hidden")])
        answer.headers["X-WP-Total"] = str(len(found))
        if self.tags:
            answer.set_etag(sha256(answer.get_data()).hexdigest())
            answer.make_conditional(request)
        return answer

    def json(self, value: Any, code: int = 200) -> Response:
        return Response(json.dumps(value), code, content_type="application/json; charset=UTF-8")


@pytest.fixture
def school(httpserver: HTTPServer) -> School:
    return School(httpserver)


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values = {
            "name": "site",
            "platform": "wordpress",
            "target": "https://www.alderbrook.example",
            "base_url": httpserver.url_for("").rstrip("/"),
            "allow_private": True,
        }
        return Account(**{**values, **changes})

    return make


def ids(posts: list[Post]) -> list[str]:
    return [post.id for post in posts]


@pytest.mark.parametrize("name", ["posts", "comments"])
def test_what_wordpress_sends_becomes_what_it_must(school: School, golden: Path, account, drain, name: str) -> None:
    school.items[name] = json.loads((golden / "wordpress" / f"{name}.sent.json").read_text())
    reading = drain(WordpressConnector(), account(reads=(name,), official=True))
    becomes = json.loads((golden / "wordpress" / f"{name}.becomes.json").read_text())
    assert [post.as_dict() for post in reading.posts] == becomes
    assert reading.oddities == []
    assert all(Post.from_dict(post.as_dict(), post.raw) == post for post in reading.posts)


def test_posts_and_comments_are_numbered_apart(school: School, account, drain) -> None:
    school.items = {"posts": [article(5)], "comments": [comment(5, parent=4)]}
    reading = drain(WordpressConnector(), account(reads=("posts", "comments")))
    assert ids(reading.posts) == ["5", "comment-5"]
    assert (reading.posts[1].kind, reading.posts[1].reply_to, reading.posts[1].thread) == ("reply", "comment-4", "1")


def test_a_whole_history_is_drained_and_nothing_published_meanwhile_is_lost(school: School, account, drain) -> None:
    school.items["posts"] = [article(n) for n in range(1, 24)]
    connector = WordpressConnector(page_size=5)
    first = connector.fetch(account(), None)
    school.items["posts"] += [article(n) for n in range(30, 37)]
    rest = drain(connector, account(), first.cursor)
    later = drain(connector, account(), rest.cursor)
    got = ids([*first.posts, *rest.posts, *later.posts])
    assert sorted(map(int, got)) == [*range(1, 24), *range(30, 37)]
    assert (rest.gaps, later.gaps) == ([], [])


def test_what_is_deleted_while_paging_hides_nothing(school: School, account, drain) -> None:
    school.items["posts"] = [article(n) for n in range(1, 21)]
    connector = WordpressConnector(page_size=5)
    first = connector.fetch(account(), None)
    school.items["posts"] = [item for item in school.items["posts"] if item["id"] not in (17, 18, 19)]
    rest = drain(connector, account(), first.cursor)
    assert sorted(map(int, ids([*first.posts, *rest.posts]))) == list(range(1, 21))


def test_an_old_post_that_is_edited_comes_again_and_hides_nothing(school: School, account, drain) -> None:
    school.items["posts"] = [article(n) for n in range(1, 21)]
    connector = WordpressConnector(page_size=5)
    reading = drain(connector, account())
    edited = {"title": {"rendered": "Put right"}}
    school.items["posts"] = [article(n, 100 + n, **edited) for n in range(1, 7)] + school.items["posts"][6:]
    school.items["posts"].append(article(50))
    later = drain(connector, account(), reading.cursor)
    assert sorted(map(int, ids(later.posts))) == [1, 2, 3, 4, 5, 6, 50]
    assert {post.edited_at for post in later.posts if post.id == "1"} == {START + timedelta(minutes=101)}


def test_what_the_site_counts_and_hides_ends_nothing_early(school: School, account, drain) -> None:
    hidden = {4, 5, 6, 7, 8, 9, 10, 13, 16, 17, 21}
    school.items = {
        "posts": [article(n, hidden=n in hidden) for n in range(1, 31)],
        "comments": [comment(n, hidden=n in hidden) for n in range(1, 31)],
    }
    shown = [n for n in range(1, 31) if n not in hidden]
    for read in ("posts", "comments"):
        connector, source = WordpressConnector(page_size=5), account(reads=(read,))
        reading = drain(connector, source)
        assert sorted(int(post.id.removeprefix("comment-")) for post in reading.posts) == shown
        assert reading.gaps == []
        assert drain(connector, source, reading.cursor).posts == []


def test_posts_too_large_to_come_together_come_in_smaller_pages(school: School, account, drain) -> None:
    big = {"content": {"rendered": "<p>Words</p><!--" + "x" * 90_000 + "-->"}}
    school.items["posts"] = [article(n, **big) for n in range(1, 91)]
    reading = drain(WordpressConnector(), account())
    assert sorted(map(int, ids(reading.posts))) == list(range(1, 91))
    sizes = [int(request.args["per_page"]) for request in school.asked]
    assert sizes == [100, *[20] * (len(sizes) - 1)]


def test_many_posts_of_one_second_are_all_read(school: School, account, drain) -> None:
    school.shuffled = True
    school.items["posts"] = [article(n, date_gmt=moment(0), modified_gmt=moment(0)) for n in range(1, 30)]
    reading = drain(WordpressConnector(page_size=5), account())
    assert sorted(map(int, ids(reading.posts))) == list(range(1, 30))


def test_a_comment_that_is_let_through_late_is_found(school: School, account, drain) -> None:
    school.items["comments"] = [comment(n) for n in range(1, 13) if n != 4]
    connector, source = WordpressConnector(page_size=5), account(reads=("comments",))
    reading = drain(connector, source)
    school.items["comments"] += [comment(4), comment(20)]
    later = drain(connector, source, reading.cursor)
    assert sorted(ids(later.posts)) == ["comment-20", "comment-4"]
    assert drain(connector, source, later.cursor).posts == []


def test_an_unchanged_site_is_not_sent_again(school: School, account, drain) -> None:
    school.items["posts"], school.tags = [article(1)], True
    reading = drain(WordpressConnector(), account())
    for _ in range(2):
        reading = drain(WordpressConnector(), account(), reading.cursor)
        assert reading.posts == []
    assert school.asked[-1].headers["If-None-Match"]
    school.items["posts"].append(article(2))
    assert ids(drain(WordpressConnector(), account(), reading.cursor).posts) == ["2"]


@pytest.mark.parametrize("unknown", [404, 200])
def test_a_site_without_pretty_addresses_is_read_and_remembered(school: School, account, drain, unknown: int) -> None:
    school.items["posts"], school.pretty, school.unknown = [article(1)], False, unknown
    reading = drain(WordpressConnector(), account())
    assert ids(reading.posts) == ["1"]
    asked = len(school.asked)
    drain(WordpressConnector(), account(), reading.cursor)
    assert len(school.asked) == asked + 1


def test_words_are_searched_and_other_types_are_read(school: School, account, drain) -> None:
    school.items["posts"] = [article(1), article(2, title={"rendered": "Alderbrook wins"})]
    school.items["news"] = [article(3)]
    search = account(target="news.example/blog/?s=Alderbrook+wins", reads=("search",))
    reading = drain(WordpressConnector(), search)
    assert ids(reading.posts) == ["2"]
    assert reading.posts[0].origin == "news.example/blog"
    assert school.asked[0].path == "/blog/wp-json/wp/v2/posts"
    assert ids(drain(WordpressConnector(post_type="news"), account()).posts) == ["3"]


def test_a_token_goes_by_header(school: School, account, drain) -> None:
    drain(WordpressConnector(), account(token="watcher:abcd efgh"))
    drain(WordpressConnector(), account(token="jwt"))
    assert [request.headers["Authorization"] for request in school.asked] == [
        f"Basic {b64encode(b'watcher:abcd efgh').decode()}",
        "Bearer jwt",
    ]
    assert not any("abcd" in request.url for request in school.asked)


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (Response('{"code": "rest_not_logged_in"}', 401), AuthenticationError, "application password"),
        (Response("<html>Forbidden by firewall</html>", 403), AuthenticationError, "403"),
        (Response('{"code": "rest_no_route"}', 404), AccountNotFoundError, "post_type"),
        (Response("<html>Not found</html>", 404), AccountNotFoundError, "no WordPress REST API"),
        (Response('{"code": "rest_invalid_param"}', 400), PermanentError, "400"),
        (Response("", 429, {"Retry-After": "60"}), RateLimitedError, "pause"),
        (Response("", 503, {"Retry-After": "60"}), RateLimitedError, "pause"),
        (Response("<html>Error establishing a database connection</html>", 500), TransientError, "500"),
        (Response("<html>Hello</html>"), UnexpectedResponseError, "not JSON"),
        (Response('{"code": "x"}'), UnexpectedResponseError, "list"),
        (Response('[{"id": 1, "ti'), UnexpectedResponseError, "not JSON"),
        (Response("[" * 100_000), UnexpectedResponseError, "not JSON"),
        (Response(" " * 7_000_000), UnexpectedResponseError, "more than"),
        (Response("", 302, {"Location": "http://10.0.0.1/"}), RefusedAddressError, None),
    ],
)
def test_bad_answers_have_their_errors_and_the_cursor_stays(
    school: School, account, drain, answer: Response, error: type[Exception], says: str | None
) -> None:
    school.items["posts"] = [article(1)]
    reading = drain(WordpressConnector(), account(token="a:s3cret"))
    school.items["posts"].append(article(2))
    school.failing = answer
    with pytest.raises(error, match=says) as caught:
        WordpressConnector().fetch(account(token="a:s3cret"), reading.cursor)
    assert "s3cret" not in str(caught.value)
    school.failing = None
    assert ids(drain(WordpressConnector(), account(), reading.cursor).posts) == ["2"]


def test_a_site_that_is_no_wordpress_is_named(httpserver: HTTPServer, account) -> None:
    httpserver.expect_request("/wp-json/wp/v2/posts").respond_with_data("<html>404</html>", 404)
    httpserver.expect_request("/").respond_with_data("<html>Home</html>", content_type="text/html")
    with pytest.raises(AccountNotFoundError, match="feed"):
        WordpressConnector().fetch(account(), None)


def test_odd_items_are_set_aside_once_and_the_rest_is_read(school: School, account, drain) -> None:
    odd = [{"id": 7}, {"id": "8", "title": {}}, "text", None, article(9, content={"rendered": 5})]
    school.failing = Response(json.dumps([*odd, article(1, date_gmt="0000-00-00T00:00:00")]))
    reading = drain(WordpressConnector(), account())
    assert ids(reading.posts) == ["1"]
    assert reading.posts[0].created_at is None
    assert [json.loads(one.raw) for one in reading.oddities] == odd
    assert not any("Words" in one.why for one in reading.oddities)
    assert drain(WordpressConnector(), account(), reading.cursor).oddities == []


def test_posts_are_checked_again_and_what_is_gone_is_none(school: School, account, drain) -> None:
    school.items = {"posts": [article(1), article(2)], "comments": [comment(1), comment(2)]}
    source = account(reads=("posts", "comments"))
    reading = drain(WordpressConnector(), source)
    school.items = {"posts": [article(1, 9, title={"rendered": "New"})], "comments": [comment(2)]}
    connector = WordpressConnector()
    assert isinstance(connector, Rechecker)
    now = {before.id: after for before, after in connector.recheck(source, reading.posts)}
    assert now["1"].text == "New\n\nWords"
    assert (now["2"], now["comment-1"]) == (None, None)
    assert now["comment-2"] == next(post for post in reading.posts if post.id == "comment-2")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reads": ("mentions",)}, "no mentions"),
        ({"reads": ("search",)}, "needs words"),
        ({"target": "ftp://x.example"}, None),
    ],
)
def test_what_cannot_be_read_is_refused(school: School, account, changes: dict[str, Any], says: str | None) -> None:
    with pytest.raises(PermanentError, match=says):
        WordpressConnector().fetch(account(**changes), None)
    assert school.asked == []
    with pytest.raises(PermanentError, match="post_type"):
        WordpressConnector(post_type="../users")


def test_a_private_site_is_refused_unless_allowed(school: School, account) -> None:
    with pytest.raises(RefusedAddressError):
        WordpressConnector().fetch(account(allow_private=False), None)
    assert school.asked == []
