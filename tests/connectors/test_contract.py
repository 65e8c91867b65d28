"""What every connector promises, held against each of them and against the fake that other tests may use."""

from __future__ import annotations

import json
import re
import socket
import time
import tracemalloc
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.connector import Connector
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    RateLimitedError,
    RefusedAddressError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient
from connectors.post import KINDS, Account, Cursor, Page, Post
from connectors.registry import known, load

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TOKEN = "s3cret-token"


class Source:
    """A platform that the contract fills; items are numbers, newest first, with a text each."""

    platform = ""
    speaks_http = True

    def __init__(self, server: HTTPServer, folder: Path) -> None:
        self.items: dict[int, str] = {}
        self.broken: Response | Callable[[], None] | None = None
        self.asked = 0
        self.base = server.url_for("").rstrip("/")
        self.prepare(server, folder)

    def prepare(self, server: HTTPServer, folder: Path) -> None:
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def connector(self, **options: Any) -> Connector:
        return load(self.platform, options)

    def account(self, **changes: Any) -> Account:
        values: dict[str, Any] = {"name": "hill", "platform": self.platform, "target": "@hillcrest", "token": TOKEN}
        return Account(**{**values, "base_url": self.base, "allow_private": True, **changes})

    def put(self, *numbers: int) -> None:
        for number in numbers:
            self.items[number] = f"Invented post {number}"

    def newest_first(self) -> list[tuple[int, str]]:
        return sorted(self.items.items(), reverse=True)

    def answer(self, request: Request) -> Any:
        raise NotImplementedError

    def _answer(self, request: Request) -> Response:
        self.asked += 1
        if isinstance(self.broken, Response):
            return Response(self.broken.get_data(), self.broken.status_code, self.broken.headers)
        if self.broken is not None:
            self.broken()
        answer = self.answer(request)
        return answer if isinstance(answer, Response) else Response(json.dumps(answer), mimetype="application/json")


def moment(number: int, form: str) -> str:
    return (START + timedelta(minutes=number)).strftime(form)


class RssSource(Source):
    platform = "rss"

    def account(self, **changes: Any) -> Account:
        return super().account(**{"target": "https://hillcrest.example/feed", **changes})

    def answer(self, request: Request) -> Any:
        items = "".join(
            f"<item><guid>{n}</guid><title>{text}</title>"
            f"<pubDate>{moment(n, '%a, %d %b %Y %H:%M:%S GMT')}</pubDate></item>"
            for n, text in self.newest_first()
        )
        return Response(f"<rss version='2.0'><channel>{items}</channel></rss>", mimetype="application/rss+xml")


class MastodonSource(Source):
    platform = "mastodon"

    def answer(self, request: Request) -> Any:
        account = {"id": "9", "acct": "hillcrest"}
        if request.path.endswith("/lookup"):
            return account
        below = int(request.args.get("max_id", 10**9))
        found = [(n, text) for n, text in self.newest_first() if n < below][: int(request.args["limit"])]
        return [
            {
                "id": str(n),
                "content": f"<p>{text}</p>",
                "account": account,
                "created_at": moment(n, "%Y-%m-%dT%H:%M:%SZ"),
            }
            for n, text in found
        ]


class XSource(Source):
    platform = "x"
    first = 1857000000000000000

    def answer(self, request: Request) -> Any:
        if "/by/username/" in request.path:
            return {"data": {"id": "9", "name": "Hillcrest", "username": "hillcrest"}}
        since = int(request.args.get("since_id", 0)) - self.first
        start, size = int(request.args.get("pagination_token", 0)), int(request.args["max_results"])
        newer = [(n, text) for n, text in self.newest_first() if n > since]
        found = newer[start : start + size]
        meta: dict[str, Any] = {"result_count": len(found)}
        if found:
            meta |= {"newest_id": str(self.first + found[0][0]), "oldest_id": str(self.first + found[-1][0])}
        if start + size < len(newer):
            meta["next_token"] = str(start + size)
        data = [
            {
                "id": str(self.first + n),
                "text": text,
                "author_id": "9",
                "created_at": moment(n, "%Y-%m-%dT%H:%M:%S.000Z"),
            }
            for n, text in found
        ]
        return {"data": data, "meta": meta} if data else {"meta": meta}


class FacebookSource(Source):
    platform = "facebook"

    def account(self, **changes: Any) -> Account:
        return super().account(**{"target": "100900", **changes})

    def answer(self, request: Request) -> Any:
        if not request.path.endswith("/published_posts"):
            return {"id": "100900", "name": "Hillcrest"}
        start, size = int(request.args.get("after", 0)), int(request.args["limit"])
        found = self.newest_first()
        data = [
            {"id": f"100900_{n}", "message": text, "created_time": moment(n, "%Y-%m-%dT%H:%M:%S+0000")}
            for n, text in found[start : start + size]
        ]
        paging = {"cursors": {"after": str(start + size)}}
        if start + size < len(found):
            paging["next"] = f"https://graph.facebook.com{request.path}?after={start + size}"
        return {"data": data, "paging": paging}


class RedditSource(Source):
    platform = "reddit"

    def account(self, **changes: Any) -> Account:
        return super().account(**{"target": "r/hillcrest", **changes})

    def answer(self, request: Request) -> Any:
        start, size = int(request.args.get("after", "t3_0")[3:]), int(request.args["limit"])
        older = [(n, text) for n, text in self.newest_first() if n < (start or 10**9)]
        children = [
            {
                "kind": "t3",
                "data": {
                    "id": str(n),
                    "title": text,
                    "selftext": "",
                    "author": "parent",
                    "created_utc": (START + timedelta(minutes=n)).timestamp(),
                    "permalink": f"/r/hillcrest/comments/{n}/invented/",
                },
            }
            for n, text in older[:size]
        ]
        after = f"t3_{older[size - 1][0]}" if len(older) > size else None
        return {"kind": "Listing", "data": {"after": after, "dist": len(children), "children": children}}


class InstagramSource(Source):
    platform = "instagram"

    def account(self, **changes: Any) -> Account:
        return super().account(**{"target": "17841400000000001", **changes})

    def answer(self, request: Request) -> Any:
        if not request.path.endswith("/media"):
            return {"id": "17841400000000001", "username": "hillcrest"}
        start, size = int(request.args.get("after", 0)), int(request.args["limit"])
        found = self.newest_first()
        data = [
            {"id": f"179{n:014}", "caption": text, "timestamp": moment(n, "%Y-%m-%dT%H:%M:%S+0000")}
            for n, text in found[start : start + size]
        ]
        paging = {"cursors": {"after": str(start + size)}}
        if start + size < len(found):
            paging["next"] = f"https://graph.facebook.com{request.path}?after={start + size}"
        return {"data": data, "paging": paging}


class WordpressSource(Source):
    platform = "wordpress"

    def account(self, **changes: Any) -> Account:
        return super().account(**{"target": "https://www.hillcrest.example", **changes})

    def answer(self, request: Request) -> Any:
        start, size = int(request.args["offset"]), int(request.args["per_page"])
        items = [
            {
                "id": n,
                "date_gmt": moment(n, "%Y-%m-%dT%H:%M:%S"),
                "modified_gmt": moment(n, "%Y-%m-%dT%H:%M:%S"),
                "link": f"https://www.hillcrest.example/{n}",
                "title": {"rendered": "News"},
                "content": {"rendered": f"<p>{text}</p>"},
            }
            for n, text in self.newest_first()[start : start + size]
        ]
        return Response(json.dumps(items), mimetype="application/json", headers={"X-WP-Total": str(len(self.items))})


class ThreadsSource(Source):
    platform = "threads"

    def answer(self, request: Request) -> Any:
        if not request.path.endswith("/threads"):
            return {"id": "26001", "username": "hillcrest"}
        start, size = int(request.args.get("after", 0)), int(request.args["limit"])
        found = self.newest_first()
        data = [
            {"id": f"181{n:014}", "text": text, "timestamp": moment(n, "%Y-%m-%dT%H:%M:%S+0000")}
            for n, text in found[start : start + size]
        ]
        paging = {"cursors": {"after": str(start + size)}}
        if start + size < len(found):
            paging["next"] = f"https://graph.threads.net{request.path}?after={start + size}"
        return {"data": data, "paging": paging}


class YoutubeSource(Source):
    platform = "youtube"

    def answer(self, request: Request) -> Any:
        if request.path.endswith("/channels"):
            return {"items": [{"id": "UChillcrest", "snippet": {"customUrl": "@hillcrest"}}]}
        found = [
            {
                "kind": "youtube#video",
                "id": f"film{n:06}",
                "snippet": {"channelId": "UChillcrest", "title": text, "publishedAt": moment(n, "%Y-%m-%dT%H:%M:%SZ")},
            }
            for n, text in self.newest_first()
        ]
        if request.path.endswith("/videos"):
            return {"items": [one for one in found if one["id"] in request.args["id"].split(",")]}
        start, size = int(request.args.get("pageToken", 0)), int(request.args["maxResults"])
        for one in found:
            one["snippet"]["resourceId"] = {"videoId": one["id"]}
        body = {"items": found[start : start + size], "pageInfo": {"totalResults": len(found)}}
        return {**body, "nextPageToken": str(start + size)} if start + size < len(found) else body


class GoogleReviewsSource(Source):
    platform = "google_reviews"

    def account(self, **changes: Any) -> Account:
        return super().account(**{"target": "accounts/100/locations/200", **changes})

    def answer(self, request: Request) -> Any:
        start, size = int(request.args.get("pageToken", 0)), int(request.args["pageSize"])
        found = [
            {
                "reviewId": f"Ab{n}",
                "starRating": "FIVE",
                "comment": text,
                "createTime": moment(n, "%Y-%m-%dT%H:%M:%SZ"),
                "updateTime": moment(n, "%Y-%m-%dT%H:%M:%SZ"),
            }
            for n, text in self.newest_first()
        ]
        body = {"reviews": found[start : start + size]} if found else {}
        return {**body, "nextPageToken": str(start + size)} if start + size < len(found) else body


class BlueskySource(Source):
    platform = "bluesky"

    def account(self, **changes: Any) -> Account:
        return super().account(**{"target": "hillcrest.example", **changes})

    def answer(self, request: Request) -> Any:
        did = "did:plc:hillcrest"
        if request.path.endswith("Session"):
            return {"did": did, "handle": "hillcrest.example", "accessJwt": "a", "refreshJwt": "r"}
        if request.path.endswith("resolveHandle"):
            return {"did": did}
        start, size = int(request.args.get("cursor", 0)), int(request.args["limit"])
        found = self.newest_first()
        feed = [
            {
                "post": {
                    "uri": f"at://{did}/app.bsky.feed.post/{n}",
                    "author": {"did": did, "handle": "hillcrest.example"},
                    "record": {"text": text, "createdAt": moment(n, "%Y-%m-%dT%H:%M:%S.000Z")},
                }
            }
            for n, text in found[start : start + size]
        ]
        return {"feed": feed, **({"cursor": str(start + size)} if start + size < len(found) else {})}


class LinkedinSource(Source):
    platform = "linkedin"

    def account(self, **changes: Any) -> Account:
        return super().account(**{"target": "2414183", **changes})

    def answer(self, request: Request) -> Any:
        start, size = int(request.args["start"]), int(request.args["count"])
        found = self.newest_first()
        written = int(START.timestamp() * 1000)
        elements = [
            {
                "id": f"urn:li:share:{n}",
                "author": "urn:li:organization:2414183",
                "commentary": text,
                "publishedAt": written + 60_000 * n,
                "lastModifiedAt": written + 60_000 * n,
            }
            for n, text in found[start : start + size]
        ]
        links = [{"rel": "next", "href": f"/rest/posts?q=author&start={start + size}&count={size}"}]
        return {
            "elements": elements,
            "paging": {"start": start, "count": size, "links": links if start + size < len(found) else []},
        }


class TiktokSource(Source):
    platform = "tiktok"

    def answer(self, request: Request) -> Any:
        if request.path.endswith("/user/info/"):
            user = {"open_id": "open-1", "display_name": "Hillcrest", "username": "hillcrest"}
            return {"data": {"user": user}, "error": {"code": "ok", "message": "", "log_id": "1"}}
        asked = json.loads(request.get_data())
        written = int(START.timestamp())
        found = [
            {"id": str(n), "create_time": written + 60 * n, "title": text, "comment_count": 3}
            for n, text in self.newest_first()
            if (written + 60 * n) * 1000 < asked.get("cursor", 10**14)
        ]
        given = found[: asked["max_count"]]
        data = {
            "videos": given,
            "cursor": given[-1]["create_time"] * 1000 if given else 0,
            "has_more": len(found) > len(given),
        }
        return {"data": data, "error": {"code": "ok", "message": "", "log_id": "1"}}


class ForumSource(Source):
    platform = "forum"

    def account(self, **changes: Any) -> Account:
        return super().account(**{"target": "https://forum.hillcrest.example", **changes})

    def answer(self, request: Request) -> Any:
        before = int(request.args.get("before", 10**9))
        return {
            "latest_posts": [
                {
                    "id": n,
                    "topic_id": n,
                    "post_number": 1,
                    "topic_title": "News",
                    "cooked": f"<p>{text}</p>",
                    "username": "parent",
                    "created_at": moment(n, "%Y-%m-%dT%H:%M:%S.000Z"),
                }
                for n, text in self.newest_first()
                if n < before
            ][:5]
        }


class MisagoSource(Source):
    platform = "forum"

    def account(self, **changes: Any) -> Account:
        return super().account(**{"target": "https://misago.hillcrest.example", **changes})

    def answer(self, request: Request) -> Any:
        if request.path == "/api/threads/":
            start = int(request.args.get("start", 10**9))
            found = [n for n, _ in self.newest_first() if n <= start]
            threads = [
                {
                    "id": n,
                    "title": "News",
                    "replies": 0,
                    "last_post": n,
                    "last_post_on": moment(n, "%Y-%m-%dT%H:%M:%SZ"),
                }
                for n in found[:5]
            ]
            return {"results": threads, "subcategories": [], "next": found[5] if len(found) > 5 else None}
        path = re.fullmatch(r"/api/threads/(\d+)/posts/", request.path)
        if path is None:
            return Response("<html>Not found</html>", 404)
        n = int(path[1])
        post = {
            "id": n,
            "poster_name": "parent",
            "content": f"<p>{self.items[n]}</p>",
            "posted_on": moment(n, "%Y-%m-%dT%H:%M:%SZ"),
            "api": {"index": f"/api/threads/{n}/posts/{n}/"},
        }
        return {"id": n, "title": "News", "post_set": {"results": [post], "page": 1, "pages": 1}}


class NodebbSource(Source):
    platform = "forum"

    def account(self, **changes: Any) -> Account:
        return super().account(**{"target": "https://nodebb.hillcrest.example", **changes})

    def answer(self, request: Request) -> Any:
        page = int(request.args.get("page", 1))
        found = self.newest_first()
        if request.path == "/api/recent":
            topics = [
                {"tid": n, "titleRaw": "News", "postcount": 1, "lastposttime": millis(n)}
                for n, _ in found[(page - 1) * 5 : page * 5]
            ]
            return {"topics": topics, "pagination": {"currentPage": page, "pageCount": -(-len(found) // 5) or 1}}
        path = re.fullmatch(r"/api/topic/(\d+)", request.path)
        if path is None:
            return Response('"not-found"', 404, mimetype="application/json")
        n = int(path[1])
        post = {"pid": n, "tid": n, "content": f"<p>{self.items[n]}</p>", "timestamp": millis(n), "deleted": 0}
        return {"tid": n, "mainPid": n, "titleRaw": "News", "posts": [post], "pagination": {"pageCount": 1}}


def millis(number: int) -> int:
    return int((START + timedelta(minutes=number)).timestamp() * 1000)


class PhpbbSource(Source):
    platform = "forum"

    def account(self, **changes: Any) -> Account:
        return super().account(**{"target": "https://phpbb.hillcrest.example", **changes})

    def answer(self, request: Request) -> Any:
        if request.path != "/feed.php":
            return Response("<html>Not found</html>", 404)
        at = f"{self.base}/viewtopic.php"
        entries = "".join(
            f"<entry><author><name>parent</name></author><published>{moment(n, '%Y-%m-%dT%H:%M:%S+00:00')}</published>"
            f"<id>{at}?t={n}&amp;p={n}#p{n}</id><title type='html'>General • News</title>"
            f"<link href='{at}?t={n}&amp;p={n}#p{n}'/><content type='html'>{text}</content></entry>"
            for n, text in self.newest_first()
        )
        body = f"<feed xmlns='http://www.w3.org/2005/Atom'><title>Forum</title>{entries}</feed>"
        return Response(body, mimetype="application/atom+xml")


class ArchiveSource(Source):
    platform = "archive"
    speaks_http = False

    def prepare(self, server: HTTPServer, folder: Path) -> None:
        self.folder = folder

    def account(self, **changes: Any) -> Account:
        return Account(**{"name": "hill", "platform": "archive", "target": str(self.folder), **changes})

    def put(self, *numbers: int) -> None:
        with (self.folder / "posts.jsonl").open("a") as file:
            for n in sorted(numbers):
                record = {"id": str(n), "text": f"Invented post {n}", "created_at": moment(n, "%Y-%m-%dT%H:%M:%SZ")}
                file.write(json.dumps(record) + "\n")


class FakeConnector:
    """A platform in memory: gives what it was given, in pages, and keeps every promise."""

    def __init__(self, posts: list[Post], page_size: int) -> None:
        self._posts, self._page_size = posts, page_size

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        start = int(cursor.state) if cursor and cursor.state.isdigit() else 0
        end = start + self._page_size
        more = end < len(self._posts)
        posts = tuple(self._posts[start:end])
        return Page(posts=posts, cursor=Cursor(state=str(min(end, len(self._posts)))), more=more)


class FakeSource(Source):
    platform = "fake"
    speaks_http = False

    def prepare(self, server: HTTPServer, folder: Path) -> None:
        self.posts: list[Post] = []

    def connector(self, **options: Any) -> Connector:
        return FakeConnector(self.posts, options.get("page_size", 5))

    def put(self, *numbers: int) -> None:
        for n in sorted(numbers):
            created, text = START + timedelta(minutes=n), f"Invented post {n}"
            post = Post(platform="fake", id=str(n), kind="post", text=text, created_at=created, raw=text.encode())
            self.posts.append(post)


SOURCES = [
    RssSource,
    GoogleReviewsSource,
    YoutubeSource,
    MastodonSource,
    XSource,
    FacebookSource,
    InstagramSource,
    ThreadsSource,
    RedditSource,
    WordpressSource,
    BlueskySource,
    LinkedinSource,
    TiktokSource,
    ForumSource,
    MisagoSource,
    NodebbSource,
    PhpbbSource,
    ArchiveSource,
    FakeSource,
]
OVER_HTTP = [kind for kind in SOURCES if kind.speaks_http]


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Libraries and authorities are loaded once a process: on a busy machine that may take longer than a call may."""
    for name in known():
        load(name)
    with HttpClient() as client:
        client._transport()


@pytest.fixture
def source(request: pytest.FixtureRequest, httpserver: HTTPServer, tmp_path: Path) -> Source:
    made: Source = request.param(httpserver, tmp_path)
    return made


every_source = pytest.mark.parametrize("source", SOURCES, indirect=True, ids=lambda kind: kind.platform)
every_source_over_http = pytest.mark.parametrize("source", OVER_HTTP, indirect=True, ids=lambda kind: kind.platform)


def numbers(posts: list[Post]) -> list[int]:
    return sorted(int(post.text.rsplit(" ", 1)[1]) for post in posts)


def test_every_platform_that_is_known_is_held_to_the_contract() -> None:
    assert {kind.platform for kind in SOURCES} == {*known(), "fake"}


@every_source
def test_it_is_a_connector_and_making_it_takes_time_outs_and_asks_nobody(source: Source) -> None:
    assert isinstance(source.connector(timeout_s=1.0, total_s=2.0), Connector)
    assert source.asked == 0


@every_source
def test_everything_comes_once_and_then_nothing_more(source: Source, drain: Callable[..., Any]) -> None:
    source.put(*range(1, 14))
    reading = drain(source.connector(page_size=5), source.account())
    assert numbers(reading.posts) == list(range(1, 14))
    assert len({post.key for post in reading.posts}) == 13
    assert (reading.gaps, reading.oddities) == ([], [])
    again = drain(source.connector(page_size=5), source.account(), reading.cursor)
    assert again.posts == []


@every_source
def test_what_is_new_comes_alone(source: Source, drain: Callable[..., Any]) -> None:
    source.put(*range(1, 8))
    reading = drain(source.connector(page_size=5), source.account())
    for new in ([8], [9, 10, 11, 12, 13, 14, 15], [16]):
        source.put(*new)
        reading = drain(source.connector(page_size=5), source.account(), reading.cursor)
        assert numbers(reading.posts) == new


@every_source
def test_a_source_without_posts_has_none(source: Source, drain: Callable[..., Any]) -> None:
    reading = drain(source.connector(), source.account())
    assert reading.posts == []
    source.put(1)
    assert numbers(drain(source.connector(), source.account(), reading.cursor).posts) == [1]


@every_source
def test_posts_are_whole_and_each_page_is_oldest_first(source: Source) -> None:
    source.put(*range(1, 14))
    page = source.connector(page_size=5).fetch(source.account(official=True), None)
    times = [post.created_at for post in page.posts]
    assert times == sorted(times)
    for post in page.posts:
        assert post.platform == source.platform
        assert post.kind in KINDS
        assert post.created_at is not None
        assert post.created_at.utcoffset() == timedelta(0)
        assert post.raw
        assert TOKEN.encode() not in post.raw
        json.dumps(post.as_dict())


@every_source
def test_a_page_is_given_again_for_the_same_cursor(source: Source) -> None:
    """A crash after the fetch repeats it: nothing may hang on the connector's memory."""
    source.put(*range(1, 14))
    account, cursor = source.account(), None
    for _ in range(20):
        one, two = (source.connector(page_size=5).fetch(account, cursor) for _ in range(2))
        assert [post.as_dict() for post in one.posts] == [post.as_dict() for post in two.posts]
        assert one.more == two.more
        assert one.cursor is not None
        cursor = Cursor(state=json.loads(json.dumps(one.cursor.state)))
        if not one.more:
            return
    raise AssertionError("it never ends")


@every_source
def test_threads_may_share_it(source: Source, drain: Callable[..., Any]) -> None:
    source.put(*range(1, 14))
    connector = source.connector(page_size=5)
    with ThreadPoolExecutor(4) as pool:
        readings = list(pool.map(lambda _: drain(connector, source.account()), range(4)))
    assert [numbers(reading.posts) for reading in readings] == [list(range(1, 14))] * 4


@every_source
def test_a_cursor_of_another_version_begins_anew(source: Source, drain: Callable[..., Any]) -> None:
    """Nobody can mend a cursor by hand, and the store absorbs what comes twice."""
    source.put(1, 2)
    for state in ("\x00 nonsense {", "{}", "[]", ""):
        assert numbers(drain(source.connector(), source.account(), Cursor(state=state)).posts) == [1, 2]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("no", 401), AuthenticationError),
        (Response("no", 404), AccountNotFoundError),
        (Response("slow down", 429), RateLimitedError),
        (Response("<html>Bad gateway</html>", 502, content_type="text/html"), TransientError),
        (Response("<html>Down</html>", 503, content_type="text/html"), TransientError),
        (Response('{"data": [{"id": "1", "te', 200, content_type="application/json"), UnexpectedResponseError),
        (Response("<!doctype html><html>Log in</html>", 200, content_type="text/html"), UnexpectedResponseError),
        (Response("", 200, content_type="application/json"), UnexpectedResponseError),
    ],
    ids=["401", "404", "429", "502 HTML", "503 HTML", "truncated", "HTML with 200", "empty"],
)
@every_source_over_http
def test_bad_answers_become_errors_without_secrets_and_cost_nothing(
    source: Source, drain: Callable[..., Any], answer: Response, error: type[ConnectorError]
) -> None:
    source.put(1)
    reading = drain(source.connector(), source.account())
    source.put(2)
    source.broken, asked = answer, source.asked
    with pytest.raises(error) as caught:
        source.connector(total_s=5.0).fetch(source.account(), reading.cursor)
    assert TOKEN not in str(caught.value)
    assert source.asked - asked <= 4
    source.broken = None
    assert numbers(drain(source.connector(), source.account(), reading.cursor).posts) == [2]


@every_source_over_http
def test_a_source_that_hangs_is_left_in_time(source: Source) -> None:
    source.broken = lambda: time.sleep(1.2)
    connector = source.connector(timeout_s=0.3, total_s=0.8)
    begun = time.monotonic()
    with pytest.raises(TransientError):
        connector.fetch(source.account(), None)
    assert time.monotonic() - begun < 3


@every_source_over_http
def test_a_private_address_is_asked_only_where_the_operator_allowed_it(source: Source) -> None:
    with pytest.raises(RefusedAddressError):
        source.connector().fetch(source.account(allow_private=False), None)
    assert source.asked == 0


@every_source_over_http
def test_a_redirect_to_a_private_address_is_refused(source: Source) -> None:
    source.broken = Response("", 302, {"Location": "http://169.254.169.254/latest/meta-data/"})
    with pytest.raises(ConnectorError) as caught:
        source.connector().fetch(source.account(), None)
    assert isinstance(caught.value, RefusedAddressError | UnexpectedResponseError)


@every_source_over_http
def test_a_gzip_bomb_is_refused_before_it_bursts(source: Source) -> None:
    bomb = zlib.compressobj(9, wbits=31)
    body = b"".join(bomb.compress(b" " * 1_000_000) for _ in range(100)) + bomb.flush()
    source.broken = Response(body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
    tracemalloc.start()
    try:
        with pytest.raises(ConnectorError):
            source.connector().fetch(source.account(), None)
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
    finally:
        tracemalloc.stop()


@every_source_over_http
def test_a_slow_drip_is_left_in_time(source: Source, raw_server: Callable[..., str]) -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n")
        for _ in range(200):
            connection.sendall(b" ")
            time.sleep(0.05)

    connector, account = source.connector(timeout_s=0.5, total_s=0.8), source.account(base_url=raw_server(drip))
    begun = time.monotonic()
    with pytest.raises(TransientError):
        connector.fetch(account, None)
    assert time.monotonic() - begun < 5
