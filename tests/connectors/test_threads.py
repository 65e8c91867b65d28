"""Accounts on Threads, replayed by a real server."""

from __future__ import annotations

import copy
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors._edge import items_of
from connectors._thread import to_post
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
from connectors.post import Account, Author, Cursor, Page, Post
from connectors.threads import ThreadsConnector

GOLDEN = Path(__file__).parent / "golden" / "threads"
TOKEN = "THsecrettoken"
OWN = "26000000000000001"
RECORDED = os.environ.get("WATCHER_PAYLOADS")
needs_recorded = pytest.mark.skipif(not RECORDED, reason="WATCHER_PAYLOADS names no folder of recorded answers")


class Api:
    """A stand-in for the Threads API: answers by path, each a list of which the last one stays."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[Request] = []
        self.edges: dict[str, list[Any]] = {"me": [{"id": OWN, "username": "alderbrookacademy"}]}
        server.expect_request(re.compile(".*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        answers = self.edges.get(request.path.removeprefix("/v1.0/"), [failed(400, 100, "no", error_subcode=33)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer) and not isinstance(answer, Response):
            answer = answer(request)
        return answer if isinstance(answer, Response) else Response(json.dumps(answer), mimetype="application/json")

    def count(self, edge: str) -> int:
        return sum(request.path.endswith(edge) for request in self.asked)


@pytest.fixture
def api(httpserver: HTTPServer) -> Api:
    return Api(httpserver)


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values: dict[str, Any] = {
            "name": "alderbrook-threads",
            "platform": "threads",
            "target": "@alderbrookacademy",
            "reads": ("posts",),
            "official": True,
            "base_url": httpserver.url_for("").rstrip("/"),
            "allow_private": True,
            "token": TOKEN,
        }
        return Account(**{**values, **changes})

    return make


def stamp(number: int) -> str:
    return (datetime(2026, 11, 16, tzinfo=UTC) + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S+0000")


def thread(number: int, **fields: Any) -> dict[str, Any]:
    said = {"id": str(number), "text": f"Invented {number}", "username": "wren", "media_type": "TEXT_POST"}
    return {**said, "timestamp": stamp(number), **fields}


def reply(number: int, to: int, root: int = 1, **fields: Any) -> dict[str, Any]:
    return thread(number, is_reply=True, replied_to={"id": str(to)}, root_post={"id": str(root)}, **fields)


def paged(*items: Any, after: str | None = None) -> dict[str, Any]:
    paging: dict[str, Any] = {"cursors": {"before": "b", "after": after or "end"}}
    if after:
        paging["next"] = f"https://graph.threads.net/v1.0/x?access_token=other&after={after}"
    return {"data": list(items), "paging": paging}


def failed(status: int, code: int | None, message: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    error = {"message": message, "type": "THApiException", "code": code, "fbtrace_id": "A", **more}
    return Response(json.dumps({"error": error}), status, headers, content_type="application/json; charset=UTF-8")


def pages(source: Account, cursor: Cursor | None = None, **options: Any) -> Iterator[Page]:
    connector = ThreadsConnector(**options)
    for _ in range(60):
        got = connector.fetch(source, cursor)
        yield got
        if not got.more:
            return
        cursor = got.cursor
    raise AssertionError("it never ends")


def ids(got: list[Page]) -> list[int]:
    return [int(post.id) for page in got for post in page.posts]


def golden(name: str) -> tuple[Any, Any]:
    sent, becomes = GOLDEN / f"{name}.sent.json", GOLDEN / f"{name}.becomes.json"
    return json.loads(sent.read_text()), json.loads(becomes.read_text())


def as_dicts(got: list[Page]) -> list[dict[str, Any]]:
    return [{k: v for k, v in post.as_dict().items() if k != "sha256"} for page in got for post in page.posts]


def test_it_reads_rechecks_and_reaches_back() -> None:
    connector = ThreadsConnector()
    assert isinstance(connector, Connector)
    assert isinstance(connector, Rechecker)
    assert isinstance(connector, Backfiller)


def test_what_threads_sends_becomes_posts(api: Api, account: Callable[..., Account]) -> None:
    sent, becomes = golden("posts")
    api.edges[f"{OWN}/threads"] = [sent]
    got = ThreadsConnector().fetch(account(), None)
    assert as_dicts([got]) == becomes
    assert (got.more, got.gaps, got.oddities) == (False, (), ())
    assert [json.loads(post.raw) for post in got.posts] == sent["data"][:0:-1]
    assert {request.headers["Authorization"] for request in api.asked} == {f"Bearer {TOKEN}"}
    assert not any(TOKEN in request.url for request in api.asked)


def test_a_conversation_stands_in_its_thread(api: Api, account: Callable[..., Account]) -> None:
    sent, becomes = golden("conversation")
    api.edges |= {
        f"{OWN}/threads": [paged({"id": "18100000000000003", "has_replies": True}, {"id": "5", "has_replies": False})],
        "18100000000000003/conversation": [sent],
        f"{OWN}/replies": [paged(sent["data"][0])],
    }
    assert as_dicts(list(pages(account(reads=("comments",))))) == becomes, "the account's own reply comes once"
    assert api.count("5/conversation") == 0
    (asked,) = [request for request in api.asked if request.path.endswith("/conversation")]
    assert asked.args["reverse"] == "true"


def test_an_edge_that_knows_fewer_fields_is_asked_for_fewer(api: Api, account: Callable[..., Account]) -> None:
    unknown = failed(400, 100, "Tried accessing nonexisting field (text_attachment)")
    api.edges[f"{OWN}/threads"] = [unknown, paged(thread(1))]
    assert ids([ThreadsConnector().fetch(account(), None)]) == [1]
    assert "text_attachment" not in api.asked[-1].args["fields"]


def test_pages_are_followed_to_the_end_then_only_news_and_edits_come(api: Api, account: Callable[..., Account]) -> None:
    api.edges[f"{OWN}/threads"] = [
        paged(thread(6), thread(5), after="a"), paged(after="b"), paged(thread(4)),
        paged(thread(7), thread(6, text="mended"), thread(5), after="z"),
    ]  # fmt: skip
    first = list(pages(account()))
    assert ids(first) == [5, 6, 4]
    assert [request.args.get("after") for request in api.asked[1:]] == [None, "a", "b"]
    assert not any("access_token" in request.url for request in api.asked)
    second = list(pages(account(), first[-1].cursor))
    assert ids(second) == [6, 7]
    assert second[0].posts[0].text == "mended"
    assert api.count("/me") == 1, "whose token it is was asked once"


@pytest.mark.parametrize(
    "target",
    ["AlderbrookAcademy", "@alderbrookacademy", OWN, "me", "https://www.threads.net/@alderbrookacademy",
     "https://www.threads.com/@alderbrookacademy?hl=en"],
)  # fmt: skip
def test_an_account_may_be_written_as_people_write_it(api: Api, account: Callable[..., Account], target: str) -> None:
    api.edges[f"{OWN}/threads"] = [paged(thread(1))]
    assert ids([ThreadsConnector().fetch(account(target=target), None)]) == [1]


@pytest.mark.parametrize(
    ("target", "says"), [("@northmere", "is that of @alderbrookacademy"), ("two words", "no account on Threads")]
)
def test_anybody_elses_account_is_not_read(api: Api, account: Callable[..., Account], target: str, says: str) -> None:
    with pytest.raises(AccountNotFoundError, match=says):
        ThreadsConnector().fetch(account(target=target), None)
    assert len(api.asked) == 1


def test_a_cursor_in_a_circle_ends_with_a_gap(api: Api, account: Callable[..., Account]) -> None:
    api.edges[f"{OWN}/threads"] = [paged(thread(9 - n), after=after) for n, after in enumerate("aba")]
    got = list(pages(account()))
    assert ids(got) == [9, 8, 7]
    assert [gap.why for page in got for gap in page.gaps] == ["the server repeats its pages"]


def test_what_is_no_post_is_set_aside_once(api: Api, account: Callable[..., Account]) -> None:
    broken: list[Any] = [{"text": "no id"}, "words", thread(3, timestamp="soon"), thread(4, text=["x"])]
    api.edges[f"{OWN}/threads"] = [paged(thread(1), *broken)]
    first = ThreadsConnector().fetch(account(), None)
    assert ids([first]) == [1]
    assert [json.loads(oddity.raw) for oddity in first.oddities] == broken
    second = ThreadsConnector().fetch(account(), first.cursor)
    assert (second.posts, second.oddities) == ((), ())


def test_conversations_in_many_pages_are_read_to_the_end(api: Api, account: Callable[..., Account]) -> None:
    many = [reply(n, 1) for n in range(300, 140, -1)]

    def answer(request: Request) -> Any:
        start = int(request.args.get("after", 0))
        return paged(*many[start : start + 50], after=str(start + 50) if start + 50 < len(many) else None)

    api.edges |= {
        f"{OWN}/threads": [paged({"id": "1", "has_replies": True})],
        "1/conversation": [answer],
        f"{OWN}/replies": [paged()],
    }
    source = account(reads=("comments",))
    first = list(pages(source))
    assert sorted(ids(first)) == list(range(141, 301))
    many[:0] = [reply(302, 150), reply(301, 1)]
    assert ids(list(pages(source, first[-1].cursor))) == [301, 302]


def test_only_the_newest_posts_are_watched_and_a_deleted_one_stops_nothing(
    api: Api, account: Callable[..., Account]
) -> None:
    listed = [{"id": str(n), "has_replies": True} for n in (4, 3, 2)]
    api.edges |= {
        f"{OWN}/threads": [paged(*listed[:2], after="a"), paged(*listed[2:])],
        "3/conversation": [paged(reply(31, 3, 3))],
        "2/conversation": [paged(reply(21, 2, 2))],
        f"{OWN}/replies": [paged()],
    }
    got = list(pages(account(reads=("comments",)), watched_posts=2))
    assert ids(got) == [31]
    assert "post 4" in got[0].gaps[0].why
    assert api.count("2/conversation") == 0


def test_a_missing_permission_blinds_no_other_read_and_is_told(api: Api, account: Callable[..., Account]) -> None:
    api.edges |= {f"{OWN}/threads": [paged(thread(1))], f"{OWN}/mentions": [failed(403, 10, "no permission")]}
    source, connector = account(reads=("mentions", "posts")), ThreadsConnector()
    first = connector.fetch(source, None)
    assert (ids([first]), first.more) == ([1], True)
    with pytest.raises(AuthenticationError, match="lacks a permission"):
        connector.fetch(source, first.cursor)


def test_mentions_are_others_posts_that_name_the_account(api: Api, account: Callable[..., Account]) -> None:
    api.edges[f"{OWN}/mentions"] = [
        paged(thread(2, username="AlderbrookAcademy"), reply(1, 9, 8), thread(0, username=None))
    ]
    (page,) = pages(account(reads=("mentions",)))
    assert [post.author and post.author.official for post in page.posts] == [None, False, True]
    assert (page.posts[1].kind, page.posts[1].reply_to, page.posts[1].thread) == ("reply", "9", "8")


SEARCH: dict[str, Any] = {"target": "Alderbrook Academy", "reads": ("search",)}


def test_a_search_is_newest_first_and_goes_on_where_it_was(api: Api, account: Callable[..., Account]) -> None:
    api.edges["keyword_search"] = [paged(thread(3), thread(2), after="a"), paged(thread(1))]
    source = account(**SEARCH)
    first = list(pages(source, page_size=2))
    assert ids(first) == [2, 3, 1]
    asked = api.asked[1].args
    assert (asked["q"], asked["search_type"], "since" in asked) == ("Alderbrook Academy", "RECENT", False)
    now = int(time.time())
    late = [thread(n, timestamp=datetime.fromtimestamp(now - 600 + n, UTC).isoformat()) for n in (9, 8, 7, 6)]
    api.edges["keyword_search"] = [{"data": late[:2]}, {"data": [late[1], late[2]]}, {"data": [late[3], thread(3)]}]
    second = list(pages(source, first[-1].cursor, page_size=2))
    assert sorted(ids(second)) == [6, 7, 8, 9], "a full page that names no next one is gone on with by its times"
    assert [request.args.get("until") for request in api.asked[3:]] == [None, str(now - 592), str(now - 593)]
    assert abs(int(api.asked[3].args["since"]) - (now - 86_400)) < 60


def test_a_topic_is_searched_by_its_sign(api: Api, account: Callable[..., Account]) -> None:
    api.edges["keyword_search"] = [paged(thread(1))]
    assert ids(list(pages(account(target="#Northmere", reads=("search",))))) == [1]
    assert (api.asked[-1].args["q"], api.asked[-1].args["search_mode"]) == ("Northmere", "TAG")


def test_a_search_that_meta_has_not_granted_is_told_once(api: Api, account: Callable[..., Account]) -> None:
    mine = thread(1, username="alderbrookacademy")
    api.edges["keyword_search"] = [paged(mine), paged(mine), paged(), paged(thread(2), mine)]
    source, told, lacks, cursor = account(**SEARCH), [], [], None
    for _ in range(4):
        page = ThreadsConnector().fetch(source, cursor)
        told.append([gap.why for gap in page.gaps])
        lacks.append(page.lacks)
        cursor = page.cursor
    assert [len(gaps) for gaps in told] == [1, 0, 0, 0]
    assert "threads_keyword_search" in told[0][0]
    assert lacks == [(told[0][0],)] * 3 + [()], "said as long as it lasts"


def test_a_search_is_an_account_of_its_own(api: Api, account: Callable[..., Account]) -> None:
    with pytest.raises(PermanentError, match="search"):
        ThreadsConnector().fetch(account(reads=("posts", "search")), None)
    assert api.asked == []


def test_posts_are_checked_again(api: Api, account: Callable[..., Account]) -> None:
    api.edges |= {f"{OWN}/threads": [paged(thread(2), thread(1))], "1": [thread(1, text="mended")], "7": [reply(7, 1)]}
    own = ThreadsConnector().fetch(account(), None).posts
    said = to_post(reply(7, 1), own=None)
    assert said is not None
    found = dict(ThreadsConnector().recheck(account(), [*own, said]))
    assert {post.id: now and now.text for post, now in found.items()} == {"1": "mended", "2": None, "7": "Invented 7"}
    again = found[said]
    assert again is not None
    assert again.content_digest == said.content_digest


def test_a_token_that_lost_its_account_deletes_nothing(api: Api, account: Callable[..., Account]) -> None:
    said = Post(platform="threads", id="7", kind="reply", text="Invented 7", thread="1")
    api.edges["me"] = [{"id": OWN, "username": "alderbrookacademy"}, failed(401, 190, "ended")]
    with pytest.raises(AuthenticationError):
        list(ThreadsConnector().recheck(account(), [said]))


def test_a_stretch_of_the_past_is_read(api: Api, account: Callable[..., Account]) -> None:
    api.edges[f"{OWN}/threads"] = [
        paged(thread(9), thread(8), after="a"), paged(thread(6), thread(4), after="b"), paged(thread(2), after="c"),
    ]  # fmt: skip
    since, until = (datetime(2026, 11, 16, 0, n, tzinfo=UTC) for n in (3, 9))
    got, cursor, connector = [], None, ThreadsConnector()
    while True:
        page = connector.backfill(account(), since, until, cursor)
        got.append(page)
        if not page.more:
            break
        cursor = page.cursor
    assert ids(got) == [8, 4, 6]
    assert api.asked[1].args["since"] == str(int(since.timestamp()))


@pytest.mark.parametrize("base", ["", "/proxy"])
def test_the_version_is_an_option_or_the_end_of_the_address(
    api: Api, account: Callable[..., Account], httpserver: HTTPServer, base: str
) -> None:
    root = httpserver.url_for("").rstrip("/") + base
    for source, version in ((f"{root}/v2.0/", "v2.0"), (root, "v1.1")):
        with pytest.raises(AccountNotFoundError):
            ThreadsConnector(version="v1.1").fetch(account(base_url=source), None)
        assert api.asked[-1].path == f"{base}/{version}/me"
    with pytest.raises(PermanentError, match=r"v1\.0"):
        ThreadsConnector(version="1")


SAYS = f"the token {TOKEN} says"
USED_UP = json.dumps({OWN: [{"type": "threads", "call_count": 100, "estimated_time_to_regain_access": 19}]})


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (failed(401, 190, SAYS, error_subcode=463), AuthenticationError),
        (failed(403, 10, SAYS), AuthenticationError),
        (failed(403, 200, SAYS), AuthenticationError),
        (failed(400, 4, SAYS), RateLimitedError),
        (failed(400, 17, SAYS), RateLimitedError),
        (failed(400, 32, SAYS), RateLimitedError),
        (failed(403, 613, SAYS), RateLimitedError),
        (failed(400, 100, SAYS, error_subcode=33), AccountNotFoundError),
        (failed(500, 2, SAYS), TransientError),
        (failed(500, 1, SAYS, is_transient=True), TransientError),
        (failed(400, 2500, SAYS), PermanentError),
        (Response("slow down", 429, {"Retry-After": "120"}), RateLimitedError),
        (Response('{"data": []}', 500, content_type="application/json"), TransientError),
        (Response("<html>bad gateway</html>", 502, content_type="text/html"), TransientError),
        (Response("<html>hello</html>", 200, content_type="text/html"), UnexpectedResponseError),
        (Response('{"data": [{"id": "1', 200, content_type="application/json"), UnexpectedResponseError),
        (Response('[{"data": []}]', 200, content_type="application/json"), UnexpectedResponseError),
        (Response('{"data": {"id": "1"}}', 200, content_type="application/json"), UnexpectedResponseError),
        (Response("[" * 100_000, 200, content_type="application/json"), UnexpectedResponseError),
        (Response("x" * 7_000_000, 200, content_type="application/json"), UnexpectedResponseError),
        (Response("", 302, {"Location": "http://10.1.2.3/"}), RefusedAddressError),
    ],
)
def test_each_wrong_answer_has_its_error_and_no_error_tells_the_token(
    api: Api, account: Callable[..., Account], answered: Response, expected: type[ConnectorError]
) -> None:
    api.edges[f"{OWN}/threads"] = [answered]
    with pytest.raises(ConnectorError) as caught:
        ThreadsConnector().fetch(account(), None)
    assert type(caught.value) is expected
    assert TOKEN not in str(caught.value)
    assert not re.search("Facebook|Instagram", str(caught.value))


def test_the_usage_header_tells_until_when_to_pause(api: Api, account: Callable[..., Account]) -> None:
    api.edges[f"{OWN}/threads"] = [failed(400, 4, SAYS, {"X-Business-Use-Case-Usage": USED_UP})]
    with pytest.raises(RateLimitedError) as caught:
        ThreadsConnector().fetch(account(), None)
    assert caught.value.retry_at is not None
    assert timedelta(minutes=18) < caught.value.retry_at - datetime.now(UTC) <= timedelta(minutes=19)


@pytest.mark.parametrize("body", [{}, {"id": [], "username": "x"}, {"id": "1", "username": 5}])
def test_a_token_of_nobody_is_an_error(api: Api, account: Callable[..., Account], body: Any) -> None:
    api.edges["me"] = [body]
    with pytest.raises(ConnectorError):
        ThreadsConnector().fetch(account(), None)


def test_a_token_that_is_no_header_is_an_error(api: Api, account: Callable[..., Account]) -> None:
    with pytest.raises(ConnectorError) as caught:
        ThreadsConnector().fetch(account(token="a\nb–c"), None)
    assert "b–c" not in str(caught.value)


def test_without_a_token_it_says_what_to_do() -> None:
    with pytest.raises(AuthenticationError, match="Threads needs an access token"):
        ThreadsConnector().fetch(Account(name="a", platform="threads", target="@a"), None)


def test_a_forgotten_cursor_among_the_watched_begins_anew(api: Api, account: Callable[..., Account]) -> None:
    expired = failed(400, 100, "Invalid cursors values")
    newest = paged({"id": "2", "has_replies": True}, after="a")
    api.edges |= {
        f"{OWN}/threads": [
            newest,
            expired,
            newest,
            paged({"id": "1", "has_replies": True}),
        ],
        "2/conversation": [paged(reply(21, 2, 2))],
        "1/conversation": [paged(reply(11, 1))],
        f"{OWN}/replies": [paged()],
    }
    assert ids(list(pages(account(reads=("comments",))))) == [21, 11]


ODD: tuple[Any, ...] = (None, -1, 1.5, True, "", "\ud800", [], {}, [None], {"data": [1]}, "2026-11-16T12:30:00", 10**30)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield (*path, key)
        yield from places(below, (*path, key))


@pytest.mark.parametrize("name", ["posts", "conversation"])
def test_whatever_stands_anywhere_every_item_is_a_post_or_an_oddity(name: str) -> None:
    sent = golden(name)[0]["data"]
    read: Any = partial(to_post, own=Author(id=OWN, handle="alderbrookacademy", official=True), root="1")
    for path in places(sent):
        for odd in ODD:
            changed = copy.deepcopy(sent)
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = odd
            found = items_of(changed, read, "a post")
            assert len(found) == len(sent)
            for _, one in found:
                if isinstance(one, Post):
                    assert Post.from_dict(json.loads(json.dumps(one.as_dict())), one.raw) == one


# Recorded answers: each file is read below, or has its reason here.
NOT_READ = {
    "restfb__threads_media-container-error.json": "what comes of publishing, which Watcher does not do",
    "restfb__threads_media-with-location.json": "a place, which is no post: it has neither text nor time",
}
READ = {
    "restfb__threads_basic-list-reply.json",
    "restfb__threads_basic-profile.json",
    "restfb__threads_basic-reply.json",
}


def recorded(name: str) -> Any:
    return json.loads((Path(RECORDED or "") / "threads" / name).read_text())


@needs_recorded
def test_every_recorded_answer_is_read_or_has_its_reason() -> None:
    files = {file.name for file in (Path(RECORDED or "") / "threads").iterdir()}
    assert files == NOT_READ.keys() | READ


@needs_recorded
def test_recorded_replies_of_a_recorded_account_are_read(api: Api, account: Callable[..., Account]) -> None:
    profile, body = recorded("restfb__threads_basic-profile.json"), recorded("restfb__threads_basic-list-reply.json")
    number = body["data"][0]["root_post"]["id"]
    api.edges = {
        "me": [profile],
        f"{profile['id']}/threads": [paged({"id": number, "has_replies": True})],
        f"{number}/conversation": [body],
        f"{profile['id']}/replies": [paged()],
    }
    (page, *rest) = pages(account(target=f"@{profile['username']}", reads=("comments",)))
    assert ids(rest) == []
    assert page.oddities == ()
    assert sorted(post.text for post in page.posts) == sorted(one["text"] for one in body["data"])
    for post in page.posts:
        assert (post.kind, post.reply_to, post.thread) == ("reply", number, number)
        assert post.created_at == datetime(2024, 1, 1, 18, 20, tzinfo=UTC)


@needs_recorded
def test_a_recorded_reply_is_read(api: Api, account: Callable[..., Account]) -> None:
    sent = recorded("restfb__threads_basic-reply.json")
    api.edges[f"{OWN}/mentions"] = [paged(sent)]
    (page,) = pages(account(reads=("mentions",)))
    (post,) = page.posts
    assert (post.id, post.text, post.kind) == (sent["id"], sent["text"], "reply")
    assert post.reply_to == sent["replied_to"]["id"]
