"""The Bluesky connector against a real server that speaks the AT protocol's API, well and badly."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors._skeet import read_view
from connectors.bluesky import BlueskyConnector
from connectors.connector import Backfiller, Connector, Rechecker
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
from connectors.post import Account, Cursor

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
PASSWORD = "abcd-s3cr-et12-wxyz"
SCHOOL, PARENT = "did:plc:alderbrook1", "did:plc:parent1"
HANDLES = {SCHOOL: "alderbrook.example", PARENT: "ann.example"}
DIDS = {handle: did for did, handle in HANDLES.items()}


def uri(number: int | str, did: str = SCHOOL) -> str:
    return f"at://{did}/app.bsky.feed.post/{number}"


def view(number: int, text: str | None = None, did: str = SCHOOL, **fields: Any) -> dict[str, Any]:
    moment = (START + timedelta(minutes=number)).isoformat().replace("+00:00", "Z")
    record = {
        "$type": "app.bsky.feed.post",
        "text": f"Invented post {number}" if text is None else text,
        "createdAt": moment,
        "langs": ["en"],
        **fields.pop("record", {}),
    }
    author = {"did": did, "handle": HANDLES[did], "labels": []}
    counts = {"replyCount": 0, "quoteCount": 0, "labels": []}
    return {
        "uri": uri(number, did),
        "cid": "c",
        "author": author,
        "record": record,
        "indexedAt": moment,
        **counts,
        **fields,
    }


def answer_to(parent: str, root: str) -> dict[str, Any]:
    return {"reply": {"root": {"uri": root, "cid": "c"}, "parent": {"uri": parent, "cid": "c"}}}


def reply(number: int, parent: str, root: str, **fields: Any) -> dict[str, Any]:
    return view(number, did=fields.pop("did", PARENT), record=answer_to(parent, root), **fields)


def node(post: dict[str, Any], *replies: dict[str, Any]) -> dict[str, Any]:
    return {"$type": "app.bsky.feed.defs#threadViewPost", "post": post, "replies": list(replies)}


def error(status: int, name: str, message: str = "", **headers: str) -> Response:
    return Response(
        json.dumps({"error": name, "message": message}), status, headers, content_type="application/json; charset=utf-8"
    )


class Server:
    """A small Bluesky: one school's feed, threads, quotes, notifications, a search, and sessions that run out."""

    def __init__(self, server: HTTPServer) -> None:
        self.feed: list[Any] = []
        self.threads: dict[str, Any] = {}
        self.quotes: dict[str, list[Any]] = {}
        self.notifications: list[Any] = []
        self.found: list[Any] = []
        self.posts: dict[str, Any] = {}
        self.failing: dict[str, Response] = {}
        self.asked: list[Request] = []
        self.access, self.refresh, self.sessions = "access-0", "refresh-0", 0
        server.expect_request(re.compile("/xrpc/.*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        method = request.path.removeprefix("/xrpc/")
        if method in self.failing:
            failed = self.failing[method]
            return Response(failed.get_data(), failed.status_code, failed.headers)
        if method.startswith("com.atproto.server."):
            return self.opened(request) if method.endswith("createSession") else self.renewed(request)
        token = request.headers.get("Authorization")
        if token and token != f"Bearer {self.access}":
            return error(400, "ExpiredToken", "Token has expired")
        return self.query(method, request)

    def opened(self, request: Request) -> Response:
        body = json.loads(request.get_data())
        if body["password"] != PASSWORD:
            return error(401, "AuthenticationRequired", "Invalid identifier or password")
        return self.session(DIDS.get(body["identifier"], body["identifier"]))

    def renewed(self, request: Request) -> Response:
        if request.headers["Authorization"] != f"Bearer {self.refresh}":
            return error(400, "ExpiredToken", "Token has been revoked")
        return self.session(SCHOOL)

    def session(self, did: str) -> Response:
        self.sessions += 1
        self.access, self.refresh = f"access-{self.sessions}", f"refresh-{self.sessions}"
        return self.json({"did": did, "handle": HANDLES[did], "accessJwt": self.access, "refreshJwt": self.refresh})

    def query(self, method: str, request: Request) -> Response:
        args = request.args
        lists = {
            "app.bsky.feed.getAuthorFeed": ("feed", self.feed),
            "app.bsky.feed.searchPosts": ("posts", self.found),
            "app.bsky.feed.getQuotes": ("posts", self.quotes.get(args.get("uri", ""), [])),
            "app.bsky.notification.listNotifications": ("notifications", self.notifications),
        }
        if method in lists:
            return self.paged(*lists[method], args)
        if method == "com.atproto.identity.resolveHandle" and args["handle"] in DIDS:
            return self.json({"did": DIDS[args["handle"]]})
        if method == "app.bsky.feed.getPostThread" and args["uri"] in self.threads:
            return self.json({"thread": self.threads[args["uri"]]})
        if method == "app.bsky.feed.getPosts":
            return self.json({"posts": [self.posts[one] for one in args.getlist("uris") if one in self.posts]})
        return error(
            400, *(("NotFound", "Post not found") if "uri" in args else ("InvalidRequest", "Unable to resolve handle"))
        )

    def paged(self, name: str, items: list[Any], args: Any) -> Response:
        start, size = int(args.get("cursor", 0)), int(args["limit"])
        more = {"cursor": str(start + size)} if start + size < len(items) else {}
        return self.json({name: items[start : start + size], **more})

    def json(self, value: Any) -> Response:
        return Response(json.dumps(value), content_type="application/json; charset=utf-8")

    def put(self, *numbers: int, **fields: Any) -> None:
        for number in numbers:
            self.feed.insert(0, {"post": view(number, **fields)})

    def count(self, method: str) -> int:
        return sum(request.path.endswith(method) for request in self.asked)


@pytest.fixture
def bluesky(httpserver: HTTPServer) -> Server:
    return Server(httpserver)


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values = {
            "name": "alderbrook",
            "platform": "bluesky",
            "target": "@alderbrook.example",
            "official": True,
            "base_url": httpserver.url_for("").rstrip("/"),
            "allow_private": True,
            "token": PASSWORD,
        }
        return Account(**{**values, **changes})

    return make


@pytest.fixture
def connector() -> BlueskyConnector:
    return BlueskyConnector(timeout_s=5, total_s=10, page_size=5)


def numbers(posts: Any) -> list[int]:
    return sorted(int(post.id.rpartition("/")[2]) for post in posts)


@pytest.mark.parametrize(("name", "reads"), [("feed", ("posts",)), ("thread", ("comments",))])
def test_golden_pairs(bluesky: Server, account, golden: Path, connector, name: str, reads: tuple[str, ...]) -> None:
    sent = json.loads((golden / "bluesky" / f"{name}.sent.json").read_text())
    if name == "feed":
        bluesky.feed = sent["feed"]
    else:
        bluesky.feed, bluesky.threads = [sent["thread"]], {sent["thread"]["post"]["uri"]: sent["thread"]}
    page = connector.fetch(account(reads=reads), None)
    becomes = json.loads((golden / "bluesky" / f"{name}.becomes.json").read_text())
    assert [post.as_dict() for post in page.posts] == becomes
    assert len(page.gaps) == (name == "thread")
    assert page.oddities == ()


def test_its_powers() -> None:
    assert isinstance(BlueskyConnector(), Connector)
    assert isinstance(BlueskyConnector(), Rechecker)
    assert isinstance(BlueskyConnector(), Backfiller)


def test_the_whole_feed_comes_page_by_page_and_then_only_what_is_new(bluesky, account, drain, connector) -> None:
    bluesky.put(*range(1, 24))
    reading = drain(connector, account())
    assert numbers(reading.posts) == list(range(1, 24))
    assert all(post.author.official for post in reading.posts)
    assert (reading.gaps, reading.oddities) == ([], [])
    bluesky.put(*range(24, 36))
    later = drain(connector, account(), reading.cursor)
    assert numbers(later.posts) == list(range(24, 36))
    asked = len(bluesky.asked)
    assert drain(connector, account(), later.cursor).posts == []
    assert len(bluesky.asked) == asked + 1


def test_what_comes_while_the_backlog_is_read_is_not_lost(bluesky, account, drain, connector) -> None:
    bluesky.put(*range(1, 13))
    first = connector.fetch(account(), None)
    assert numbers(first.posts) == [8, 9, 10, 11, 12]
    assert first.more
    assert connector.fetch(account(), first.cursor).posts == connector.fetch(account(), first.cursor).posts
    bluesky.put(50, 51)
    rest = drain(connector, account(), first.cursor)
    last = drain(connector, account(), rest.cursor)
    given = {post.id for post in (*first.posts, *rest.posts, *last.posts)}
    assert given == {uri(n) for n in [*range(1, 13), 50, 51]}


def test_one_session_serves_all_calls_and_threads_and_is_renewed(bluesky, account, drain, connector) -> None:
    bluesky.put(*range(1, 13))
    with ThreadPoolExecutor(4) as pool:
        readings = list(pool.map(lambda _: drain(connector, account()), range(4)))
    assert [numbers(reading.posts) for reading in readings] == [list(range(1, 13))] * 4
    assert bluesky.count("createSession") == 1
    bluesky.access = "another"
    bluesky.put(13)
    assert numbers(drain(connector, account(), readings[0].cursor).posts) == [13]
    assert (bluesky.count("createSession"), bluesky.count("refreshSession")) == (1, 1)
    bluesky.access = bluesky.refresh = "another"
    bluesky.put(14)
    assert numbers(drain(connector, account(), readings[0].cursor).posts) == [13, 14]
    assert bluesky.count("createSession") == 2


def test_tokens_go_by_header_and_show_nowhere(bluesky, account, connector, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bluesky.put(1)
    page = connector.fetch(account(), None)
    assert all(PASSWORD not in request.url and "access-" not in request.url for request in bluesky.asked)
    assert bluesky.asked[-1].headers["Authorization"] == "Bearer access-1"
    for secret in (PASSWORD, "access-1", "refresh-1"):
        assert secret not in caplog.text + page.cursor.state + repr(account())
        assert secret.encode() not in page.posts[0].raw


def test_without_a_token_the_feed_is_read_without_a_session(bluesky, account, connector) -> None:
    bluesky.put(1)
    assert numbers(connector.fetch(account(token=None), None).posts) == [1]
    assert not any("Authorization" in request.headers for request in bluesky.asked)


@pytest.mark.parametrize(
    ("failed", "expected", "words"),
    [
        (error(401, "AuthenticationRequired", "Invalid identifier"), AuthenticationError, "make a new app password"),
        (error(401, "AuthFactorTokenRequired"), AuthenticationError, "main password"),
        (error(401, "AccountTakedown"), AuthenticationError, "taken down"),
        (error(404, "XRPCNotSupported"), PermanentError, "own server"),
        (error(429, "RateLimitExceeded", **{"ratelimit-reset": "4102444800"}), RateLimitedError, "pause"),
        (Response("[]", 200, content_type="application/json"), UnexpectedResponseError, "shape"),
        (Response('{"did": 5}', 200, content_type="application/json"), UnexpectedResponseError, "tokens"),
        (Response("", 302, {"Location": "http://10.1.2.3/"}), UnexpectedResponseError, "leads nowhere"),
    ],
)
def test_why_nobody_could_log_in_is_told(bluesky, account, connector, failed, expected, words) -> None:
    bluesky.failing["com.atproto.server.createSession"] = failed
    with pytest.raises(expected, match=words) as caught:
        connector.fetch(account(), None)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        (error(400, "InvalidRequest", "Profile not found"), AccountNotFoundError),
        (error(400, "AccountDeactivated", "Account is deactivated"), AccountNotFoundError),
        (error(400, "AccountTakedown", "Account has been suspended"), AccountNotFoundError),
        (error(400, "BlockedActor"), PermanentError),
        (error(400, "ExpiredToken"), AuthenticationError),
        (error(401, "AuthMissing"), AuthenticationError),
        (error(403, "Forbidden"), AuthenticationError),
        (error(501, "MethodNotImplemented"), PermanentError),
        (error(502, "UpstreamFailure"), TransientError),
        (error(500, "InternalServerError"), TransientError),
        (Response("<html>Forbidden</html>", 403, content_type="text/html"), AuthenticationError),
        (Response("[" * 100_000, 200, content_type="application/json"), UnexpectedResponseError),
        (Response('{"posts": []}', 200, content_type="application/json"), UnexpectedResponseError),
        (Response('{"feed": {}}', 200, content_type="application/json"), UnexpectedResponseError),
        (Response(b"{" + b" " * 7_000_000, 200, content_type="application/json"), UnexpectedResponseError),
        (Response("", 302, {"Location": "http://10.1.2.3/"}), RefusedAddressError),
    ],
)
def test_each_wrong_answer_has_its_error(bluesky, account, connector, failed: Response, expected) -> None:
    bluesky.failing["app.bsky.feed.getAuthorFeed"] = failed
    with pytest.raises(ConnectorError) as caught:
        connector.fetch(account(), None)
    assert isinstance(caught.value, expected)
    assert not isinstance(caught.value, AuthenticationError) or expected is AuthenticationError
    assert PASSWORD not in str(caught.value)
    assert "access-" not in str(caught.value)


def test_a_pause_ends_when_the_server_says(bluesky, account, connector) -> None:
    reset = datetime.now(UTC) + timedelta(minutes=4)
    headers = {"ratelimit-limit": "3000", "ratelimit-remaining": "0", "ratelimit-reset": str(int(reset.timestamp()))}
    bluesky.failing["app.bsky.feed.getAuthorFeed"] = error(429, "RateLimitExceeded", "Rate Limit Exceeded", **headers)
    with pytest.raises(RateLimitedError) as caught:
        connector.fetch(account(), None)
    assert caught.value.retry_at is not None
    assert abs(caught.value.retry_at - reset) < timedelta(seconds=2)


def test_a_server_that_hangs_while_logging_in_is_left_in_time(bluesky, account) -> None:
    bluesky.session = lambda did: time.sleep(1.2)  # type: ignore[assignment, method-assign]
    begun = time.monotonic()
    with pytest.raises(TransientError):
        BlueskyConnector(timeout_s=0.3, total_s=0.6).fetch(account(), None)
    assert time.monotonic() - begun < 1.1


def test_replies_and_quotes_come_with_their_thread(bluesky, account, drain, connector) -> None:
    bluesky.put(1, 2, replyCount=1)
    bluesky.put(3)
    bluesky.put(4, quoteCount=1)
    first = reply(10, uri(1), uri(1), replyCount=1)
    bluesky.threads[uri(1)] = node(view(1, replyCount=1), node(first, node(reply(11, first["uri"], uri(1)))))
    bluesky.threads[uri(2)] = node(view(2, replyCount=1), node(reply(12, uri(2), uri(2))))
    quote = {"embed": {"$type": "app.bsky.embed.record", "record": {"uri": uri(4), "cid": "c"}}}
    bluesky.quotes[uri(4)] = [view(n, did=PARENT, record=quote) for n in range(40, 20, -1)]
    reading = drain(connector, account(reads=("comments",)))
    replies = {(p.id, p.reply_to, p.thread) for p in reading.posts if p.kind == "reply"}
    assert replies == {
        (uri(10, PARENT), uri(1), uri(1)),
        (uri(11, PARENT), uri(10, PARENT), uri(1)),
        (uri(12, PARENT), uri(2), uri(2)),
    }
    quotes = [post for post in reading.posts if post.kind == "post"]
    assert numbers(quotes) == list(range(21, 41))
    assert {post.links for post in quotes} == {(f"https://bsky.app/profile/{SCHOOL}/post/4",)}
    assert not any(post.author.official for post in reading.posts)
    assert not any(request.args.get("uri") == uri(3) for request in bluesky.asked)
    bluesky.threads[uri(2)]["replies"][0]["replies"] = [node(reply(13, uri(12, PARENT), uri(2)))]
    bluesky.quotes[uri(4)].insert(0, view(41, did=PARENT, record=quote))
    assert numbers(drain(connector, account(reads=("comments",)), reading.cursor).posts) == [13, 41]


def test_replies_to_old_posts_are_found_by_their_count(bluesky, account, drain) -> None:
    bluesky.put(*range(1, 31), replyCount=1)
    connector = BlueskyConnector(page_size=40)
    reading = drain(connector, account(reads=("comments",)))
    bluesky.feed[-1]["post"]["replyCount"] = 2
    bluesky.threads[uri(1)] = node(view(1), node(reply(99, uri(1), uri(1))))
    assert numbers(drain(connector, account(reads=("comments",)), reading.cursor).posts) == [99]


def test_a_thread_deeper_than_an_answer_is_followed(bluesky, account, drain, connector) -> None:
    bluesky.put(1, replyCount=1)
    parent = 1
    for number in (10, 20, 30):
        above = uri(parent, SCHOOL if parent == 1 else PARENT)
        one = node(reply(number, above, uri(1), replyCount=number < 30))
        if number < 30:
            del one["replies"]
        bluesky.threads[above] = node(view(parent, replyCount=1), one)
        parent = number
    assert numbers(drain(connector, account(reads=("comments",))).posts) == [10, 20, 30]


def test_a_thread_that_the_server_cuts_at_ten_levels_is_followed(bluesky, account, drain, connector) -> None:
    """Bluesky's server gives ten levels whatever is asked for, and then an empty list."""
    bluesky.put(1, replyCount=1)
    chain = [view(1, replyCount=1)]
    for number in range(10, 33):
        chain.append(reply(number, chain[-1]["uri"], uri(1), replyCount=int(number < 32)))
    for start in range(len(chain)):
        tree: list[dict[str, Any]] = []
        for post in reversed(chain[start : start + 11]):
            tree = [node(post, *tree)]
        bluesky.threads[chain[start]["uri"]] = tree[0]
    reading = drain(BlueskyConnector(page_size=50), account(reads=("comments",)))
    assert numbers(reading.posts) == list(range(10, 33))
    assert (bluesky.count("getPostThread"), reading.gaps) == (3, [])


def test_a_thread_too_large_for_one_answer_is_read_level_by_level(bluesky, account, drain, connector) -> None:
    bluesky.put(1, replyCount=1)
    shallow = node(view(1, replyCount=1), node(reply(10, uri(1), uri(1))))
    answer = bluesky.json
    bluesky.threads[uri(1)] = shallow

    def large(value: Any) -> Response:
        deep = "thread" in value and bluesky.asked[-1].args["depth"] != "1"
        return Response(b'{"thread": "' + b"x" * 7_000_000) if deep else answer(value)

    bluesky.json = large  # type: ignore[method-assign]
    assert numbers(drain(connector, account(reads=("comments",))).posts) == [10]


def test_what_a_server_keeps_back_of_a_thread_is_a_gap_told_once(bluesky, account, drain, connector) -> None:
    bluesky.put(1, replyCount=40)
    blocked = {"$type": "app.bsky.feed.defs#blockedPost", "uri": uri(9, PARENT), "blocked": True}
    bluesky.threads[uri(1)] = node(view(1, replyCount=40), node(reply(10, uri(1), uri(1))), blocked)
    reading = drain(connector, account(reads=("comments",)))
    assert numbers(reading.posts) == [10]
    assert sorted(gap.why.split(" ")[0] for gap in reading.gaps) == ["1", "the"]
    assert drain(connector, account(reads=("comments",)), reading.cursor).gaps == []


def test_a_thread_that_is_refused_holds_up_no_other(bluesky, account, drain, connector) -> None:
    bluesky.put(1, 2, replyCount=1)
    bluesky.threads[uri(1)] = node(view(1), node(reply(10, uri(1), uri(1))))
    query = bluesky.query

    def refusing(method: str, request: Request) -> Response:
        return error(400, "InvalidRequest") if request.args.get("uri") == uri(2) else query(method, request)

    bluesky.query = refusing  # type: ignore[method-assign]
    reading = drain(connector, account(reads=("comments",)))
    assert (numbers(reading.posts), len(reading.gaps)) == ([10], 1)


def notice(number: int, reason: str = "mention", **fields: Any) -> dict[str, Any]:
    return {**view(number, did=PARENT, **fields), "reason": reason, "isRead": False}


def test_mentions_replies_and_quotes_come_by_notification(bluesky, account, drain, connector) -> None:
    bluesky.notifications = [notice(n, ("mention", "reply", "quote")[n % 3]) for n in range(12, 0, -1)]
    like = {**notice(90, "like"), "record": {"$type": "app.bsky.feed.like", "subject": {"uri": uri(1), "cid": "c"}}}
    bluesky.notifications[3:3] = [like, {**notice(91, "follow"), "record": {"$type": "app.bsky.graph.follow"}}]
    reading = drain(connector, account(reads=("mentions",)))
    assert numbers(reading.posts) == list(range(1, 13))
    assert reading.oddities == []
    assert bluesky.asked[-1].args.getlist("reasons") == ["mention", "reply", "quote"]
    bluesky.notifications.insert(0, notice(13))
    assert numbers(drain(connector, account(reads=("mentions",)), reading.cursor).posts) == [13]


def test_mentions_need_the_targets_own_password(bluesky, account, connector) -> None:
    with pytest.raises(AuthenticationError, match="set the account's token"):
        connector.fetch(account(reads=("mentions",), token=None), None)
    with pytest.raises(AuthenticationError, match="another account"):
        connector.fetch(account(reads=("mentions",), token=f"ann.example:{PASSWORD}"), None)


def test_a_reply_that_is_a_mention_too_comes_once(bluesky, account, drain, connector) -> None:
    bluesky.put(1, replyCount=1)
    bluesky.threads[uri(1)] = node(
        view(1), node(reply(10, uri(1), uri(1)), node(reply(2, uri(10), uri(1), did=SCHOOL)))
    )
    bluesky.put(2, record=answer_to(uri(10), uri(1)))
    bluesky.notifications = [notice(10, "reply", record=answer_to(uri(1), uri(1)))]
    reading = drain(connector, account(reads=("posts", "comments", "mentions")))
    assert numbers(reading.posts) == [1, 2, 10]


def test_a_read_that_fails_blinds_no_other(bluesky, account, connector) -> None:
    bluesky.put(1)
    bluesky.notifications = [notice(5)]
    bluesky.failing["app.bsky.feed.getAuthorFeed"] = error(500, "InternalServerError")
    both = account(reads=("posts", "mentions"))
    page = connector.fetch(both, None)
    assert numbers(page.posts) == [5]
    with pytest.raises(TransientError):
        connector.fetch(both, page.cursor)
    del bluesky.failing["app.bsky.feed.getAuthorFeed"]
    assert numbers(connector.fetch(both, page.cursor).posts) == [1]


def test_searches_by_words_are_drained_and_go_on(bluesky, account, drain, connector) -> None:
    bluesky.found = [view(n, did=PARENT) for n in range(12, 0, -1)]
    source = account(target='"Alderbrook Academy"', reads=("search",), official=False, token=f"ann.example:{PASSWORD}")
    reading = drain(connector, source)
    assert numbers(reading.posts) == list(range(1, 13))
    assert {request.args["q"] for request in bluesky.asked if "q" in request.args} == {'"Alderbrook Academy"'}
    bluesky.found.insert(0, view(13, did=PARENT))
    assert numbers(drain(connector, source, reading.cursor).posts) == [13]
    with pytest.raises(PermanentError, match="only a search"):
        connector.fetch(account(target="Alderbrook Academy", token=None), None)
    with pytest.raises(AuthenticationError, match="handle:app-password"):
        connector.fetch(account(target="Alderbrook Academy", reads=("search",)), None)


def test_the_first_search_does_not_go_back_for_ever_and_says_so(bluesky, account, drain) -> None:
    bluesky.found = [view(n, did=PARENT) for n in range(30, 0, -1)]
    connector = BlueskyConnector(page_size=5, search_pages=2)
    source = account(target="fair", reads=("search",), token=f"ann.example:{PASSWORD}")
    reading = drain(connector, source)
    assert numbers(reading.posts) == list(range(21, 31))
    assert [gap.end for gap in reading.gaps] == [START + timedelta(minutes=21)]
    bluesky.found[0:0] = [view(n, did=PARENT) for n in range(59, 30, -1)]
    later = drain(connector, source, reading.cursor)
    assert (numbers(later.posts), later.gaps) == (list(range(31, 60)), [])


def test_tags_and_names_are_looked_at_again(bluesky, account, drain, connector) -> None:
    shown = "Look, 🦉 @alderbrook.example!"
    start = len("Look, 🦉 ".encode())
    facet = {"$type": "app.bsky.richtext.facet#mention", "did": SCHOOL}
    named = {"facets": [{"index": {"byteStart": start, "byteEnd": start + 19}, "features": [facet]}]}
    bluesky.found = [
        view(6, shown, did=PARENT, record=named),
        view(5, "I like @Alderbrook.example", did=PARENT),
        view(4, "alderbrook.example is down", did=PARENT),
        view(3, "The #WinterFair is on", did=PARENT),
        view(2, "tagged", did=PARENT, record={"tags": ["winterfair"]}),
        view(1, "winterfair", did=PARENT),
    ]
    token = f"ann.example:{PASSWORD}"
    assert numbers(drain(connector, account(reads=("search",), token=token)).posts) == [5, 6]
    tagged = account(target="#winterfair", reads=("search",), official=False, token=token)
    assert numbers(drain(connector, tagged).posts) == [2, 3]


def test_a_search_without_login_says_what_to_do(bluesky, account, connector) -> None:
    bluesky.failing["app.bsky.feed.searchPosts"] = Response("<html>403 Forbidden</html>", 403, content_type="text/html")
    with pytest.raises(AuthenticationError, match="handle:app-password"):
        connector.fetch(account(target="fair", reads=("search",), token=None), None)
    with pytest.raises(AuthenticationError, match="leave base_url out"):
        connector.fetch(account(target="fair", reads=("search",), token=f"ann.example:{PASSWORD}"), None)


def test_pages_that_the_server_refuses_are_a_gap_with_its_end(bluesky, account, drain, connector) -> None:
    bluesky.put(*range(1, 13))
    first = connector.fetch(account(), None)
    bluesky.failing["app.bsky.feed.getAuthorFeed"] = error(400, "InvalidRequest", "Malformed cursor")
    page = connector.fetch(account(), first.cursor)
    assert [gap.end for gap in page.gaps] == [START + timedelta(minutes=8)]
    assert not page.more
    bluesky.failing.clear()
    bluesky.put(13)
    assert numbers(drain(connector, account(), page.cursor).posts) == [13]


def test_an_old_page_that_is_refused_does_not_keep_replies_from_being_read(bluesky, account, drain, connector) -> None:
    bluesky.put(*range(1, 9), replyCount=1)
    bluesky.threads[uri(8)] = node(view(8), node(reply(10, uri(8), uri(8))))
    query = bluesky.query

    def refusing(method: str, request: Request) -> Response:
        return error(400, "InvalidRequest") if "cursor" in request.args else query(method, request)

    bluesky.query = refusing  # type: ignore[method-assign]
    reading = drain(connector, account(reads=("comments",)))
    assert (numbers(reading.posts), len(reading.gaps)) == ([10], 1)


def test_a_circle_of_pages_ends_in_a_gap(bluesky, account, drain, connector) -> None:
    bluesky.put(*range(1, 6))
    bluesky.paged = lambda name, items, args: bluesky.json({name: items, "cursor": "same"})  # type: ignore[method-assign]
    reading = drain(connector, account())
    assert (numbers(reading.posts), len(reading.gaps)) == ([1, 2, 3, 4, 5], 1)


def test_reposts_are_posts_of_whoever_reposted(bluesky, account, drain, connector) -> None:
    reason = {
        "$type": "app.bsky.feed.defs#reasonRepost",
        "by": {"did": SCHOOL, "handle": HANDLES[SCHOOL]},
        "indexedAt": "2026-11-20T12:00:00Z",
    }
    bluesky.feed = [{"post": view(2, did=PARENT), "reason": reason}, {"post": view(1), "reason": reason}]
    bluesky.put(3)
    reading = drain(connector, account())
    assert {(p.id, p.author.id, p.text, p.thread) for p in reading.posts} == {
        (uri(3), SCHOOL, "Invented post 3", uri(3)),
        (f"{uri(2, PARENT)}#{SCHOOL}", SCHOOL, "RT @ann.example: Invented post 2", uri(2, PARENT)),
    }


def test_odd_items_are_set_aside_once_with_their_bytes(bluesky, account, drain, connector) -> None:
    other = view(8)
    other["author"] = {"did": PARENT, "handle": "ann.example"}
    odd = [{"post": {"uri": uri(9)}}, "text", None, {"post": view(7, record={"text": 5})}, {"post": other}]
    bluesky.put(1)
    bluesky.feed = [*odd, *bluesky.feed]
    reading = drain(BlueskyConnector(page_size=10), account())
    assert numbers(reading.posts) == [1]
    kept = [json.loads(one.raw) for one in reading.oddities]
    assert kept == [odd[0]["post"], "text", None, odd[3]["post"], other]
    assert drain(connector, account(), reading.cursor).oddities == []


@pytest.mark.parametrize(
    ("label", "token", "given"),
    [
        ({"val": "!no-unauthenticated", "src": PARENT}, None, []),
        ({"val": "!no-unauthenticated", "src": PARENT}, f"ann.example:{PASSWORD}", [1]),
        ({"val": "!no-unauthenticated", "src": PARENT, "neg": True}, None, [1]),
        ({"val": "!hide", "src": "did:plc:moderators"}, None, []),
        ({"val": "!hide", "src": PARENT}, None, [1]),
        ({"val": "spam", "src": "did:plc:moderators"}, None, [1]),
    ],
)
def test_what_the_author_or_the_platform_withdrew_is_not_read(
    bluesky, account, drain, connector, label, token, given
) -> None:
    one = view(1, did=PARENT)
    one["author"]["labels"] = [label]
    bluesky.found = [one]
    source = account(target="fair", reads=("search",), official=False, token=token)
    reading = drain(connector, source)
    assert (numbers(reading.posts), reading.oddities) == (given, [])


def test_an_edit_comes_again(bluesky, account, drain, connector) -> None:
    bluesky.put(1, 2)
    reading = drain(connector, account())
    bluesky.feed[1]["post"]["record"]["text"] = "Other words"
    bluesky.feed[0]["post"]["likeCount"] = 9
    assert [post.text for post in drain(connector, account(), reading.cursor).posts] == ["Other words"]


def test_recheck_tells_edits_deletions_and_blocks_apart(bluesky, account, drain, connector) -> None:
    bluesky.put(*range(1, 31))
    posts = drain(connector, account()).posts
    bluesky.posts = {uri(n): view(n) for n in range(3, 31)}
    bluesky.posts[uri(3)]["record"]["text"] = "Other words"
    bluesky.threads[uri(2)] = {"$type": "app.bsky.feed.defs#blockedPost", "uri": uri(2), "blocked": True}
    now = {numbers([old])[0]: new for old, new in connector.recheck(account(), posts)}
    assert now.keys() == {1, *range(3, 31)}
    assert now[1] is None
    assert now[3].text == "Other words"
    assert now[3].author.official
    assert {n for n, new in now.items() if n > 3 and new.text != f"Invented post {n}"} == set()
    assert bluesky.count("getPosts") == 2


@pytest.mark.parametrize("name", ["HandleNotFound", "InvalidRequest"])
def test_recheck_goes_on_when_the_handle_means_nobody_any_more(bluesky, account, drain, connector, name) -> None:
    bluesky.put(1)
    own = drain(connector, account()).posts
    bluesky.posts = {uri(1): view(1), uri(2, PARENT): view(2, did=PARENT)}
    for method in ("com.atproto.identity.resolveHandle", "app.bsky.actor.getProfile"):
        bluesky.failing[method] = error(400, name, "Profile not found")
    others = (read_view(view(2, did=PARENT), own=None),)
    assert [new == old for old, new in connector.recheck(account(), own)] == [True]
    assert [new == old for old, new in connector.recheck(account(), others)] == [True]


def test_backfill_reads_a_stretch_of_the_past(bluesky, account, connector) -> None:
    bluesky.put(*range(1, 31))
    bluesky.notifications = [notice(n) for n in range(40, 0, -1)]
    since, until, posts, cursor = START + timedelta(minutes=12), START + timedelta(minutes=22), [], None
    for _ in range(30):
        page = connector.backfill(account(reads=("posts", "comments", "mentions")), since, until, cursor)
        posts, cursor = [*posts, *page.posts], page.cursor
        if not page.more:
            break
    assert not page.more
    assert {post.id for post in posts} == {uri(n, did) for n in range(12, 22) for did in (SCHOOL, PARENT)}
    assert len(posts) == 20
    assert bluesky.count("resolveHandle") == 1


def test_a_handle_that_moved_to_another_account_is_found_again(bluesky, account, drain, connector) -> None:
    bluesky.put(1)
    page = connector.fetch(account(), None)
    old = json.loads(page.cursor.state)
    query = bluesky.query

    def moved(method: str, request: Request) -> Response:
        gone = request.args.get("actor") == "did:plc:old"
        return error(400, "InvalidRequest", "Profile not found") if gone else query(method, request)

    bluesky.query = moved  # type: ignore[method-assign]
    cursor = Cursor(state=json.dumps({**old, "did": "did:plc:old", "reads": {"posts": {}}}))
    assert numbers(drain(connector, account(), cursor).posts) == [1]


def test_a_cursor_of_another_target_begins_anew(bluesky, account, drain, connector) -> None:
    bluesky.put(1)
    reading = drain(connector, account())
    assert numbers(drain(connector, account(target=SCHOOL), reading.cursor).posts) == [1]
    assert numbers(drain(connector, account(target="https://bsky.app/profile/alderbrook.example")).posts) == [1]


@pytest.mark.parametrize("target", ["@alderbrook", "alderbrook academy", "@"])
def test_a_target_that_is_no_account_is_told_what_to_write(bluesky, account, connector, target: str) -> None:
    with pytest.raises(ConnectorError, match="handle"):
        connector.fetch(account(target=target, token=None), None)


def test_a_handle_whose_domain_is_silent_is_known_to_the_service(bluesky, account, connector) -> None:
    bluesky.put(1)
    bluesky.failing["com.atproto.identity.resolveHandle"] = error(400, "InvalidRequest", "Unable to resolve handle")
    bluesky.failing["app.bsky.actor.getProfile"] = bluesky.json({"did": SCHOOL, "handle": HANDLES[SCHOOL]})
    page = connector.fetch(account(), None)
    assert [post.author.official for post in page.posts] == [True]


def test_an_unknown_handle_is_told(bluesky, account, connector) -> None:
    with pytest.raises(AccountNotFoundError, match="misspelt"):
        connector.fetch(account(target="@nobody.example", token=None), None)


def test_a_private_address_needs_the_operators_word(bluesky, account, connector) -> None:
    with pytest.raises(RefusedAddressError):
        connector.fetch(account(allow_private=False), None)
    assert bluesky.asked == []
