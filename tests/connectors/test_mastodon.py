"""The Mastodon connector against a real server that speaks its API, well and badly."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors._instance import read_target
from connectors.connector import Connector
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    PermanentError,
    RateLimitedError,
    RefusedAddressError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.mastodon import MastodonConnector
from connectors.post import Account, Cursor, Media

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SCHOOL, PARENT = {"id": "900", "acct": "alderbrook", "username": "alderbrook"}, {"id": "7", "acct": "ann@other.example"}


def status(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "created_at": (START + timedelta(minutes=number)).isoformat().replace("+00:00", "Z"),
        "in_reply_to_id": None,
        "content": f"<p>Invented post {number}</p>",
        "url": f"https://school.example/@alderbrook/{number}",
        "account": SCHOOL,
        "replies_count": 0,
        **fields,
    }


class School:
    """A small Mastodon server: one account, its statuses, replies, notifications and tags."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.statuses: list[dict[str, Any]] = []
        self.replies: dict[str, list[dict[str, Any]]] = {}
        self.notifications: list[dict[str, Any]] = []
        self.links = True
        self.asked: list[Request] = []
        self.failing: dict[str, Response] = {}
        server.expect_request(re.compile("/api/.*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        for part, answer in self.failing.items():
            if part in request.path:
                return Response(answer.get_data(), answer.status_code, answer.headers)
        return self.found(request)

    def found(self, request: Request) -> Response:
        path = request.path
        if path == "/api/v1/accounts/lookup" and request.args["acct"] == "alderbrook":
            return self.json(SCHOOL)
        if path == "/api/v1/accounts/900/statuses" or path.startswith("/api/v1/timelines/tag/"):
            return self.paged(request, self.statuses)
        if path == "/api/v1/notifications":
            return self.paged(request, self.notifications)
        if path == "/api/v2/search" and request.args.get("type") == "statuses":
            offset = int(request.args.get("offset", 0))
            return self.json({"statuses": self.statuses[offset : offset + int(request.args["limit"])], "accounts": []})
        if path.endswith("/context"):
            return self.json({"ancestors": [], "descendants": self.replies.get(path.split("/")[4], [])})
        return self.json({"error": "Record not found"}, 404)

    def paged(self, request: Request, items: list[dict[str, Any]]) -> Response:
        ids = [item["id"] for item in items]
        start = ids.index(request.args["max_id"]) + 1 if "max_id" in request.args else 0
        page = items[start : start + int(request.args["limit"])]
        answer = self.json(page)
        if self.links and page:
            more = start + len(page) < len(items)
            onward = (
                f'<https://proxied.example{request.path}?limit=9&max_id={page[-1]["id"]}>; rel="next", ' if more else ""
            )
            answer.headers["Link"] = (
                f'{onward}<https://proxied.example{request.path}?min_id={page[0]["id"]}>; rel="prev"'
            )
        return answer

    def json(self, value: Any, code: int = 200) -> Response:
        return Response(json.dumps(value), code, content_type="application/json; charset=utf-8")

    def post(self, *numbers: int, **fields: Any) -> None:
        for number in numbers:
            self.statuses.insert(0, status(number, **fields))


@pytest.fixture
def school(httpserver: HTTPServer) -> School:
    return School(httpserver)


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values = {
            "name": "alderbrook",
            "platform": "mastodon",
            "target": "@alderbrook",
            "official": True,
            "base_url": httpserver.url_for("").rstrip("/"),
            "allow_private": True,
        }
        return Account(**{**values, **changes})

    return make


@pytest.fixture
def connector() -> MastodonConnector:
    return MastodonConnector(timeout_s=2, total_s=4, page_size=5)


def ids(posts: list[Any]) -> list[str]:
    return [post.id for post in posts]


def test_golden_pair(httpserver: HTTPServer, school: School, account, golden: Path, connector) -> None:
    school.statuses = json.loads((golden / "mastodon" / "statuses.sent.json").read_text())
    page = connector.fetch(account(), None)
    becomes = json.loads((golden / "mastodon" / "statuses.becomes.json").read_text())
    place = f"localhost:{httpserver.port}"
    assert [post.as_dict() for post in page.posts] == json.loads(json.dumps(becomes).replace("HOST", place))
    assert [json.loads(post.raw) for post in reversed(page.posts)] == school.statuses


@pytest.mark.parametrize("links", [True, False])
def test_the_whole_timeline_comes_page_by_page_and_then_only_what_is_new(
    school: School, account, drain, connector, links
) -> None:
    school.links = links
    school.post(*range(1, 24))
    reading = drain(connector, account())
    assert sorted(ids(reading.posts), key=int) == [str(n) for n in range(1, 24)]
    assert all(post.author.official for post in reading.posts)
    assert reading.gaps == []
    school.post(*range(24, 36))
    later = drain(connector, account(), reading.cursor)
    assert sorted(ids(later.posts)) == [str(n) for n in range(24, 36)]
    asked = len(school.asked)
    assert drain(connector, account(), later.cursor).posts == []
    assert len(school.asked) == asked + 1


def test_each_page_is_oldest_first_and_its_cursor_can_be_saved_at_once(school: School, account, connector) -> None:
    school.post(*range(1, 13))
    first = connector.fetch(account(), None)
    assert ids(first.posts) == ["8", "9", "10", "11", "12"]
    assert first.more
    second = connector.fetch(account(), first.cursor)
    assert ids(second.posts) == ["3", "4", "5", "6", "7"]
    assert connector.fetch(account(), first.cursor).posts == second.posts
    json.loads(first.cursor.state)


def test_what_comes_while_the_backlog_is_read_is_not_lost(school: School, account, drain, connector) -> None:
    school.post(*range(1, 13))
    first = connector.fetch(account(), None)
    school.post(50, 51)
    rest = drain(connector, account(), first.cursor)
    last = drain(connector, account(), rest.cursor)
    assert sorted(map(int, ids([*first.posts, *rest.posts, *last.posts]))) == [*range(1, 13), 50, 51]


def test_ids_that_are_no_numbers_and_out_of_order(school: School, account, drain, connector) -> None:
    names = ["zz", "a1", "M-9", "0x", "17", "q", "b", "aa", "9", "k"]
    school.statuses = [status(n, id=name) for n, name in enumerate(names)]
    reading = drain(connector, account())
    assert sorted(ids(reading.posts)) == sorted(names)
    school.statuses.insert(3, status(99, id="late"))
    assert ids(drain(connector, account(), reading.cursor).posts) == ["late"]


def test_an_edit_comes_again(school: School, account, drain, connector) -> None:
    school.post(1, 2)
    reading = drain(connector, account())
    school.statuses[1] = status(1, content="<p>Other words</p>", edited_at="2026-11-20T09:00:00Z")
    later = drain(connector, account(), reading.cursor).posts
    assert [(post.id, post.text) for post in later] == [("1", "Other words")]
    assert later[0].edited_at == datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_an_id_that_an_edit_changes_is_still_the_same_status(school: School, account, drain, connector) -> None:
    """As snac numbers statuses: by the second of the last change, then by what stays."""
    first, second = "17952086863ca96f501d1cf785874a63d1dffe1309", "1795208731cc2b11f2911c1086481a2f8f5475abc4"
    school.statuses = [status(2, id=second, in_reply_to_id=first), status(1, id=first)]
    reading = drain(connector, account())
    later = f"1795209999{first[10:]}"
    school.statuses[0] = status(2, id=second, in_reply_to_id=later)
    school.statuses[1] = status(1, id=later, content="<p>Other words</p>")
    again = drain(connector, account(), reading.cursor).posts
    assert [post.text for post in again] == ["Other words"]
    assert again[0].id in ids(reading.posts)
    assert {post.reply_to for post in reading.posts} == {None, again[0].id}


def test_replies_below_the_schools_posts_come_with_their_thread(school: School, account, drain, connector) -> None:
    school.post(1, 2, replies_count=1)
    school.post(3)
    school.replies = {
        "1": [status(10, in_reply_to_id="1", account=PARENT), status(11, in_reply_to_id="10", account=PARENT)],
        "2": [status(12, in_reply_to_id="2", account=PARENT)],
    }
    reading = drain(connector, account(reads=("comments",)))
    assert sorted((p.id, p.kind, p.reply_to, p.thread) for p in reading.posts) == [
        ("10", "reply", "1", "1"),
        ("11", "reply", "10", "1"),
        ("12", "reply", "2", "2"),
    ]
    assert {post.author.handle for post in reading.posts} == {"ann@other.example"}
    assert not any(post.author.official for post in reading.posts)
    school.replies["1"].append(status(13, in_reply_to_id="11", account=PARENT))
    assert ids(drain(connector, account(reads=("comments",)), reading.cursor).posts) == ["13"]
    assert not any("/statuses/3/" in request.path for request in school.asked)


def test_replies_to_old_posts_are_found_by_their_count(school: School, account, drain) -> None:
    school.post(*range(1, 31), replies_count=1)
    connector = MastodonConnector(page_size=40)
    reading = drain(connector, account(reads=("comments",)))
    school.statuses[-1]["replies_count"] = 2
    school.replies["1"] = [status(99, in_reply_to_id="1", account=PARENT)]
    assert ids(drain(connector, account(reads=("comments",)), reading.cursor).posts) == ["99"]


def test_a_cut_thread_is_told_once(school: School, account, drain, connector) -> None:
    school.post(1, replies_count=60)
    school.replies["1"] = [status(100 + n, in_reply_to_id="1", account=PARENT) for n in range(60)]
    reading = drain(connector, account(reads=("comments",)))
    assert (len(reading.posts), len(reading.gaps)) == (60, 1)
    assert drain(connector, account(reads=("comments",)), reading.cursor).gaps == []


def mention(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(5000 + number),
        "type": "mention",
        "account": PARENT,
        "status": status(number, account=PARENT, **fields),
    }


def test_mentions_come_with_a_token_and_other_notifications_do_not(school: School, account, drain, connector) -> None:
    school.notifications = [mention(n) for n in range(12, 0, -1)]
    school.notifications.insert(2, {"id": "1", "type": "follow", "account": PARENT})
    reading = drain(connector, account(reads=("mentions",), token="s3cret"))
    assert sorted(map(int, ids(reading.posts))) == list(range(1, 13))
    assert reading.oddities == []
    assert {request.headers["Authorization"] for request in school.asked} == {"Bearer s3cret"}
    with pytest.raises(AuthenticationError, match="token"):
        drain(connector, account(reads=("mentions",)))


def test_a_reply_that_is_a_mention_too_comes_once(school: School, account, drain, connector) -> None:
    school.post(1, replies_count=1)
    school.replies["1"] = [status(10, in_reply_to_id="1", account=PARENT)]
    school.notifications = [mention(10, in_reply_to_id="1")]
    reading = drain(connector, account(reads=("posts", "comments", "mentions"), token="t"))
    assert sorted(ids(reading.posts)) == ["1", "10"]


def test_tags_and_searches(school: School, account, drain, connector) -> None:
    school.post(*range(1, 13))
    for target in ("#Winter Fair", "winter fair"):
        reading = drain(connector, account(target=target, reads=("search",), official=False))
        assert sorted(map(int, ids(reading.posts))) == list(range(1, 13))
        assert drain(connector, account(target=target, reads=("search",), official=False), reading.cursor).posts == []
    assert any(request.path == "/api/v1/timelines/tag/Winter Fair" for request in school.asked)
    with pytest.raises(PermanentError, match="of an account only"):
        connector.fetch(account(target="winter fair", official=False), None)


def test_boosts_and_direct_messages_are_left(school: School, account, drain, connector) -> None:
    school.post(1)
    school.post(2, reblog=status(77, account=PARENT))
    school.post(3, visibility="direct")
    school.post(4, visibility="private")
    school.post(5, visibility="unlisted")
    reading = drain(connector, account())
    assert (ids(reading.posts), reading.oddities) == (["1", "4", "5"], [])


def test_an_odd_item_is_set_aside_with_its_bytes_and_the_cursor_moves(
    school: School, account, drain, connector
) -> None:
    odd = [
        {"id": "90"},
        "text",
        None,
        {"id": "91", "content": 5, "account": SCHOOL},
        {"id": {}, "content": "", "account": SCHOOL},
    ]
    school.post(1)
    school.statuses = [*odd, *school.statuses]
    school.links = False
    school.paged = lambda request, items: school.json(items)  # type: ignore[method-assign]
    reading = drain(connector, account())
    assert ids(reading.posts) == ["1"]
    assert [json.loads(one.raw) for one in reading.oddities] == [odd[0], "text", odd[3], odd[4]]
    assert drain(connector, account(), reading.cursor).oddities == []


def test_hostile_text_is_kept_and_can_be_stored(school: School, account, drain, connector) -> None:
    texts = ["\U0001f600" * 20_000, "\u202eevil", "a\x00b", "\ud800", "e" + "\u0301" * 200_000, "<" * 5000]
    school.statuses = [status(n, content=text) for n, text in enumerate(texts)]
    begun = time.process_time()
    posts = drain(connector, account()).posts
    assert time.process_time() - begun < 10
    assert len(posts) == 6
    for post in posts:
        post.text.encode()
        assert "\x00" not in post.text


def test_a_clock_in_the_future_loses_nothing(school: School, account, drain, connector) -> None:
    school.post(1)
    school.post(2, created_at="2999-01-01T00:00:00Z")
    school.post(3, created_at="soon")
    reading = drain(connector, account())
    assert sorted(ids(reading.posts)) == ["1", "2", "3"]
    school.post(4)
    assert ids(drain(connector, account(), reading.cursor).posts) == ["4"]


def test_an_empty_page_with_a_link_is_passed_over(httpserver: HTTPServer, account, drain, connector) -> None:
    path = "/api/v1/accounts/900/statuses"
    httpserver.expect_request("/api/v1/accounts/lookup").respond_with_json(SCHOOL)
    onward = {"Link": f'<http://x.example{path}?max_id=5>; rel="next"'}
    httpserver.expect_request(
        path, query_string={"limit": "5", "exclude_reblogs": "true", "max_id": "5"}
    ).respond_with_json([status(4)])
    httpserver.expect_request(
        path, query_string={"limit": "5", "exclude_reblogs": "true", "max_id": "4"}
    ).respond_with_json([])
    httpserver.expect_request(path, query_string={"limit": "5", "exclude_reblogs": "true"}).respond_with_json(
        [], headers=onward
    )
    reading = drain(connector, account())
    assert (ids(reading.posts), reading.gaps) == (["4"], [])


@pytest.mark.parametrize("numbers", [[9, 8, 7], []])
def test_a_cursor_that_repeats_comes_to_an_end_with_a_gap(
    httpserver: HTTPServer, account, drain, connector, numbers
) -> None:
    httpserver.expect_request("/api/v1/accounts/lookup").respond_with_json(SCHOOL)
    onward = {"Link": '<http://x.example/?max_id=7>; rel="next"'}
    answers = [status(n) for n in numbers]
    httpserver.expect_request("/api/v1/accounts/900/statuses").respond_with_json(answers, headers=onward)
    reading = drain(connector, account())
    assert sorted(map(int, ids(reading.posts))) == sorted(numbers)
    assert len(reading.gaps) == 1
    assert reading.pages < 15


def test_a_server_that_gives_new_links_to_the_same_page_for_ever_is_left(
    httpserver: HTTPServer, account, drain, connector
) -> None:
    httpserver.expect_request("/api/v1/accounts/lookup").respond_with_json(SCHOOL)
    count = iter(range(1000, 9999))

    def answer(request: Request) -> Response:
        headers = {"Link": f'<http://x.example/?max_id={next(count)}>; rel="next"'}
        return Response(json.dumps([status(1)]), headers=headers)

    httpserver.expect_request("/api/v1/accounts/900/statuses").respond_with_handler(answer)
    reading = drain(connector, account())
    assert ids(reading.posts) == ["1"]
    assert reading.pages < 15


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X-RateLimit-Reset": "2999-01-01T00:00:00Z"}, "cut"),
        ({"Retry-After": "60"}, "soon"),
        ({}, None),
    ],
)
def test_a_rate_limit_is_told_with_its_end_and_not_tried_again(
    school: School, account, connector, headers, expected
) -> None:
    school.failing["statuses"] = Response("Throttled", 429, headers)
    with pytest.raises(RateLimitedError) as caught:
        connector.fetch(account(reads=("posts", "comments")), None)
    assert (caught.value.retry_at is None) == (expected is None)
    assert len([request for request in school.asked if "statuses" in request.path]) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("<html>Bad gateway</html>", 502, content_type="text/html"), TransientError),
        (Response('[{"id": "1", "cont', 200, content_type="application/json"), UnexpectedResponseError),
        (Response("<html>Hello</html>", 200, content_type="text/html"), UnexpectedResponseError),
        (Response('{"error": "oops"}', 200), UnexpectedResponseError),
        (Response("null", 200), UnexpectedResponseError),
        (Response("", 200), UnexpectedResponseError),
        (Response('{"error": "invalid token"}', 401), AuthenticationError),
        (Response('{"error": "forbidden"}', 403), AuthenticationError),
        (Response('{"error": "gone"}', 410), AccountNotFoundError),
        (Response("", 302, {"Location": "http://169.254.169.254/"}), RefusedAddressError),
    ],
)
def test_bad_answers_have_their_errors_and_the_cursor_stays(
    school: School, account, drain, connector, answer, error
) -> None:
    school.post(1)
    reading = drain(connector, account())
    school.post(2)
    school.failing["statuses"] = answer
    with pytest.raises(error):
        connector.fetch(account(), reading.cursor)
    school.failing.clear()
    assert ids(drain(connector, account(), reading.cursor).posts) == ["2"]


def test_a_read_that_fails_does_not_starve_the_others(school: School, account, connector) -> None:
    school.post(*range(1, 8))
    school.failing["notifications"] = Response('{"error": "missing scope"}', 403)
    everything = account(reads=("mentions", "posts"), token="t")
    got: list[str] = []
    cursor: Cursor | None = None
    for number in (8, 9, 10):
        for _ in range(9):
            try:
                page = connector.fetch(everything, cursor)
            except AuthenticationError:
                break
            got, cursor = [*got, *ids(page.posts)], page.cursor
            assert page.more  # so that the error comes at the end of every poll
        else:
            raise AssertionError("the failing read was never told")
        school.post(number)
    assert sorted(map(int, got)) == list(range(1, 10))


def test_an_account_that_is_not_there_is_named(school: School, account, connector) -> None:
    with pytest.raises(AccountNotFoundError, match="'@nobody'"):
        connector.fetch(account(target="@nobody"), None)


def test_a_server_that_gives_everything_at_once_is_asked_once(school: School, account, drain, connector) -> None:
    school.post(*range(1, 13))
    school.paged = lambda request, items: school.json(items)  # type: ignore[method-assign]
    reading = drain(connector, account())
    assert (len(reading.posts), reading.gaps, reading.pages) == (12, [], 1)


def test_servers_without_lookup_are_searched(httpserver: HTTPServer, account, connector) -> None:
    namesakes = [{"id": "1", "acct": "alderbrook@elsewhere.example"}, {"id": "2", "acct": "alderbrook-fans"}, SCHOOL]
    httpserver.expect_request("/api/v1/accounts/lookup").respond_with_data("", 404)
    httpserver.expect_request("/api/v1/accounts/search").respond_with_data("", 404)
    httpserver.expect_request("/api/v2/search").respond_with_json({"accounts": namesakes})
    httpserver.expect_request("/api/v1/accounts/900/statuses").respond_with_json([])
    assert connector.fetch(account(), None).posts == ()


def test_an_account_that_moved_to_a_new_id_is_looked_up_again(school: School, account, drain, connector) -> None:
    school.post(1)
    state = json.dumps({"account": "899", "reads": {}})
    assert ids(drain(connector, account(), Cursor(state=state)).posts) == ["1"]


def test_the_account_is_looked_up_once(school: School, account, drain, connector) -> None:
    school.post(1)
    reading = drain(connector, account())
    drain(connector, account(), reading.cursor)
    assert len([request for request in school.asked if "lookup" in request.path]) == 1


def test_a_token_shows_in_no_error(school: School, account, connector) -> None:
    for code in (400, 401, 404, 429, 500):
        school.failing["lookup"] = Response("s3cret", code)
        with pytest.raises(Exception, match=r"HTTP|knows no") as caught:
            connector.fetch(account(token="s3cret"), None)
        assert "s3cret" not in str(caught.value)


def test_a_hanging_server_takes_no_longer_than_the_total(raw_server, account) -> None:
    address = raw_server(lambda connection: time.sleep(2))
    begun = time.monotonic()
    with pytest.raises(TransientError):
        MastodonConnector(timeout_s=0.5, total_s=1).fetch(
            account(base_url=address, reads=("posts", "comments", "search")), None
        )
    assert time.monotonic() - begun < 2.5


def test_a_private_server_is_refused_unless_allowed(school: School, account, connector) -> None:
    with pytest.raises(RefusedAddressError):
        connector.fetch(account(allow_private=False), None)
    assert school.asked == []


@pytest.mark.parametrize(
    ("text", "name", "host", "instance"),
    [
        ("@hill", "hill", None, None),
        ("hill@m.example", "hill", "m.example", "https://m.example"),
        ("@hill@M.example", "hill", "m.example", "https://m.example"),
        ("https://m.example/@hill", "hill", "m.example", "https://m.example"),
        ("https://m.example/users/hill/", "hill", "m.example", "https://m.example"),
        ("https://m.example/@hill@other.example", "hill", "other.example", "https://m.example"),
        ("hill school", None, None, None),
    ],
)
def test_targets_are_understood(text: str, name: str | None, host: str | None, instance: str | None) -> None:
    target = read_target(text)
    assert (target.name, target.host, target.instance) == (name, host, instance)


def test_a_target_without_server_says_what_to_write(connector) -> None:
    with pytest.raises(PermanentError, match="base_url"):
        connector.fetch(Account(name="a", platform="mastodon", target="@hill"), None)


def test_it_is_a_connector_and_its_media_are_named(school: School, account, drain, connector) -> None:
    assert isinstance(connector, Connector)
    school.post(
        1, media_attachments=[{"type": "audio", "url": "https://f.example/a.mp3", "description": "A bell"}, "odd"]
    )
    assert drain(connector, account()).posts[0].media == (
        Media(kind="audio", url="https://f.example/a.mp3", alt="A bell"),
    )
