"""The Reddit connector against a real server that speaks its API, well and badly."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors._thing import read_thing
from connectors.connector import Rechecker
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.post import Account, Cursor, Post
from connectors.reddit import RedditConnector, Target, read_target

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


def submission(number: int, **fields: Any) -> dict[str, Any]:
    data = {
        "id": f"p{number}",
        "title": f"Invented post {number}",
        "selftext": "",
        "selftext_html": None,
        "author": "parent_1",
        "author_fullname": "t2_p1",
        "created_utc": (START + timedelta(minutes=number)).timestamp(),
        "edited": False,
        "is_self": True,
        "num_comments": 0,
        "permalink": f"/r/northmere/comments/p{number}/invented/",
        **fields,
    }
    return {"kind": "t3", "data": data}


def comment(number: int, thread: str = "p1", parent: str | None = None, **fields: Any) -> dict[str, Any]:
    data = {
        "id": f"c{number}",
        "body": f"Invented comment {number}",
        "author": "parent_2",
        "created_utc": (START + timedelta(minutes=number)).timestamp(),
        "edited": False,
        "parent_id": parent or f"t3_{thread}",
        "link_id": f"t3_{thread}",
        "permalink": f"/r/northmere/comments/{thread}/invented/c{number}/",
        "replies": "",
        **fields,
    }
    return {"kind": "t1", "data": data}


def listing(things: list[Any], after: str | None = None) -> dict[str, Any]:
    return {"kind": "Listing", "data": {"after": after, "dist": len(things), "children": things}}


class Community:
    """A small Reddit: lists by path, newest first, threads, tokens, and what goes wrong."""

    def __init__(self, server: HTTPServer) -> None:
        self.lists: dict[str, list[dict[str, Any]]] = {}
        self.threads: dict[str, list[dict[str, Any]]] = {}
        self.most = 1000
        self.failing: dict[str, Response] = {}
        self.headers: dict[str, str] = {}
        self.tokens = ["access-1", "access-2"]
        self.asked: list[Request] = []
        self.logins: list[Request] = []
        server.expect_request(re.compile("/.*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:  # noqa: PLR0911
        if request.path == "/api/v1/access_token":
            self.logins.append(request)
            return self.json({"access_token": self.tokens[len(self.logins) - 1], "expires_in": 86400})
        self.asked.append(request)
        for part, answer in self.failing.items():
            if part in request.path:
                return Response(answer.get_data(), answer.status_code, answer.headers)
        if request.path == "/api/info":
            names = request.args["id"].split(",")
            known = [one for things in (*self.lists.values(), *self.threads.values()) for one in things]
            return self.json(listing([one for one in known if f"{one['kind']}_{one['data']['id']}" in names]))
        if request.path.startswith("/comments/"):
            thread = request.path.rsplit("/", 1)[1]
            return self.json([listing([submission(1)]), listing(self.threads[thread])])
        if request.path not in self.lists:
            return self.json({"message": "Not Found", "error": 404}, 404)
        things = self.lists[request.path][: self.most]
        names = [f"{one['kind']}_{one['data']['id']}" for one in things]
        start = 0
        if "after" in request.args:
            if request.args["after"] not in names:
                return self.json(listing([]))
            start = names.index(request.args["after"]) + 1
        end = start + int(request.args["limit"])
        return self.json(listing(things[start:end], names[end - 1] if end < len(names) else None))

    def json(self, value: Any, code: int = 200) -> Response:
        return Response(json.dumps(value), code, self.headers, content_type="application/json; charset=UTF-8")

    def put(self, path: str, *things: dict[str, Any]) -> None:
        for thing in things:
            self.lists.setdefault(path, []).insert(0, thing)


@pytest.fixture
def reddit(httpserver: HTTPServer) -> Community:
    return Community(httpserver)


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(target: str = "r/northmere", **changes: Any) -> Account:
        base = httpserver.url_for("").rstrip("/")
        values = {"name": "a", "platform": "reddit", "target": target, "base_url": base, "allow_private": True}
        return Account(**{**values, "token": "s3cret", **changes})

    return make


def ids(posts: list[Post]) -> list[str]:
    return [post.id for post in posts]


def minutes(gap_time: datetime | None) -> float | None:
    return None if gap_time is None else (gap_time - START).total_seconds() / 60


@pytest.mark.parametrize("name", ["submissions", "comments"])
def test_what_reddit_sends_becomes_what_it_must(
    httpserver: HTTPServer, golden: Path, account, drain, name: str
) -> None:
    sent = json.loads((golden / "reddit" / f"{name}.sent.json").read_text())
    asked = account(sent["account"]["target"], reads=tuple(sent["account"]["reads"]))
    path = "/r/northmere/" + ("new" if name == "submissions" else "comments")
    httpserver.expect_request(path).respond_with_json(sent["answer"])
    reading = drain(RedditConnector(), asked)
    becomes = golden / "reddit" / f"{name}.becomes.json"
    assert [post.as_dict() for post in reading.posts] == json.loads(becomes.read_text())
    assert reading.oddities == []
    assert all(Post.from_dict(post.as_dict(), post.raw) == post for post in reading.posts)


def test_every_request_says_who_asks_and_wants_raw_json(reddit: Community, account, drain) -> None:
    reddit.put("/r/northmere/new", submission(1))
    drain(RedditConnector(username="u/watcher_it"), account())
    (request,) = reddit.asked
    assert request.headers["User-Agent"] == "server:watcher:v0.1 (by /u/watcher_it)"
    assert request.headers["Authorization"] == "Bearer s3cret"
    assert request.args["raw_json"] == "1"
    with pytest.raises(PermanentError, match="Reddit name"):
        RedditConnector(username="someone\r\nX: y")


def test_a_backlog_is_drained_before_the_mark_moves(reddit: Community, account, drain) -> None:
    reddit.put("/r/northmere/new", *(submission(n) for n in range(1, 8)))
    connector = RedditConnector(page_size=3)
    reading = drain(connector, account())
    assert sorted(ids(reading.posts)) == [f"t3_p{n}" for n in range(1, 8)]
    reddit.put("/r/northmere/new", *(submission(n) for n in range(10, 20)))
    first = connector.fetch(account(), reading.cursor)
    assert first.more
    reddit.put("/r/northmere/new", submission(20))
    rest = drain(connector, account(), first.cursor)
    assert sorted(ids([*first.posts, *rest.posts])) == [f"t3_p{n}" for n in range(10, 20)]
    assert ids(drain(connector, account(), rest.cursor).posts) == ["t3_p20"]


def test_a_list_that_ends_at_reddits_limit_leaves_a_gap(reddit: Community, account, drain) -> None:
    reddit.put("/r/northmere/comments", comment(1), comment(2))
    connector, source = RedditConnector(), account(reads=("comments",))
    reading = drain(connector, source)
    assert reading.gaps == []
    reddit.put("/r/northmere/comments", *(comment(n) for n in range(100, 1200)))
    later = drain(connector, source, reading.cursor)
    assert len(later.posts) == 1000
    assert [(minutes(gap.start), minutes(gap.end)) for gap in later.gaps] == [(2, 200)]
    assert drain(connector, source, later.cursor).gaps == []


def test_a_short_list_whose_known_things_are_gone_leaves_none(reddit: Community, account, drain) -> None:
    reddit.put("/r/northmere/new", submission(1))
    reading = drain(RedditConnector(), account())
    reddit.lists["/r/northmere/new"] = [submission(2)]
    later = drain(RedditConnector(), account(), reading.cursor)
    assert (ids(later.posts), later.gaps) == (["t3_p2"], [])


def test_a_place_that_is_deleted_while_paging_loses_nothing(reddit: Community, account, drain) -> None:
    path = "/r/northmere/new"
    reddit.put(path, *(submission(n) for n in range(1, 10)))
    connector = RedditConnector(page_size=3)
    first = connector.fetch(account(), None)
    reddit.lists[path] = [one for one in reddit.lists[path] if one["data"]["id"] != "p7"]
    rest = drain(connector, account(), first.cursor)
    assert sorted(ids([*first.posts, *rest.posts])) == [f"t3_p{n}" for n in range(1, 10)]
    assert rest.gaps == []


def test_an_edit_among_the_newest_comes_again(reddit: Community, account, drain) -> None:
    reddit.put("/r/northmere/new", submission(1), submission(2))
    reading = drain(RedditConnector(), account())
    reddit.lists["/r/northmere/new"][0] = submission(2, selftext="More.", edited=START.timestamp() + 600)
    (post,) = drain(RedditConnector(), account(), reading.cursor).posts
    assert (post.text, post.edited_at) == ("Invented post 2\n\nMore.", START + timedelta(minutes=10))


def test_searches_run_everywhere_or_within_a_community(reddit: Community, account, drain) -> None:
    reddit.put("/search", submission(1))
    reddit.put("/r/northmere+uk/search", submission(2))
    everywhere = account('"Hillcrest Primary"', reads=("search",))
    assert ids(drain(RedditConnector(), everywhere).posts) == ["t3_p1"]
    assert ids(drain(RedditConnector(), account("r/northmere+uk: Hillcrest", reads=("search",))).posts) == ["t3_p2"]
    first, second = (dict(request.args) for request in reddit.asked)
    assert (first["q"], first["sort"], first["include_over_18"]) == ('"Hillcrest Primary"', "new", "on")
    assert "restrict_sr" not in first
    assert (second["q"], second["restrict_sr"]) == ("Hillcrest", "on")


def test_the_schools_own_posts_and_all_that_stands_below_them(reddit: Community, account, drain) -> None:
    own = submission(1, author="Hillcrest_School", num_comments=4)
    reddit.put("/user/hillcrest_school/submitted", own, submission(2, author="Hillcrest_School"))
    nested = comment(11, replies=listing([comment(12, parent="t1_c11", author="Hillcrest_School")]))
    left_out = {"kind": "more", "data": {"count": 1, "name": "t1_c13", "id": "c13", "children": ["c13"]}}
    reddit.threads = {"p1": [nested, comment(14, body="[removed]"), left_out], "more": [comment(13)]}
    source = account("u/hillcrest_school", reads=("posts", "comments"), official=True)
    reading = drain(RedditConnector(), source)
    assert ids(reading.posts) == ["t3_p1", "t3_p2", "t1_c11", "t1_c12", "t1_c13"]
    assert [post.author.official for post in reading.posts] == [True, True, False, True, False]
    assert [post.kind for post in reading.posts[2:]] == ["comment", "reply", "comment"]
    assert {post.thread for post in reading.posts[2:]} == {"t3_p1"}
    asked = len(reddit.asked)
    assert drain(RedditConnector(), source, reading.cursor).posts == []
    assert not any(request.path.startswith("/comments/") for request in reddit.asked[asked:])
    own["data"]["num_comments"] = 5
    reddit.threads["p1"].append(comment(15))
    assert ids(drain(RedditConnector(), source, reading.cursor).posts) == ["t1_c15"]


def test_a_thread_that_reddit_cuts_is_told_once(reddit: Community, account, drain) -> None:
    own = submission(1, num_comments=9)
    reddit.put("/user/hillcrest/submitted", own)
    reddit.threads = {"p1": [comment(11), {"kind": "more", "data": {"count": 0, "id": "_", "children": []}}]}
    source = account("u/hillcrest", reads=("comments",), official=True)
    reading = drain(RedditConnector(), source)
    assert (ids(reading.posts), len(reading.gaps)) == (["t1_c11"], 1)
    own["data"]["num_comments"] = 10
    assert drain(RedditConnector(), source, reading.cursor).gaps == []


def test_mentions_and_answers_come_and_private_messages_do_not(reddit: Community, account, drain) -> None:
    private = {"kind": "t4", "data": {"id": "m1", "body": "Not for Watcher", "author": "x"}}
    named = {"context": "/r/northmere/comments/p9/invented/c21/?context=3", "link_id": None, "permalink": None}
    reddit.put("/message/mentions", comment(21, **named), private)
    reddit.put("/message/comments", comment(21, **named), comment(22, parent="t1_c3"))
    source = account("u/hillcrest", reads=("mentions",), official=True)
    reading = drain(RedditConnector(), source)
    assert ids(reading.posts) == ["t1_c21", "t1_c22"]
    assert reading.oddities == []
    assert reading.posts[0].thread == "t3_p9"
    assert reading.posts[0].url == "https://www.reddit.com/r/northmere/comments/p9/invented/c21/"


def test_a_read_that_fails_does_not_starve_the_others(reddit: Community, account) -> None:
    reddit.put("/user/hillcrest/submitted", submission(1))
    reddit.failing["/message/"] = Response('{"message": "Forbidden", "error": 403}', 403)
    source = account("u/hillcrest", reads=("mentions", "posts"), official=True)
    page = RedditConnector().fetch(source, None)
    assert ids(page.posts) == ["t3_p1"]
    assert page.more
    with pytest.raises(AuthenticationError, match=r"privatemessages.*account's own"):
        RedditConnector().fetch(source, page.cursor)


def test_an_app_gets_its_token_once_and_a_new_one_when_it_is_refused(reddit: Community, account, drain) -> None:
    reddit.put("/r/northmere/new", submission(1))
    connector, source = RedditConnector(), account(token="app-id:app-secret")
    drain(connector, source)
    drain(connector, source)
    (login,) = reddit.logins
    assert b64decode(login.headers["Authorization"].removeprefix("Basic ")) == b"app-id:app-secret"
    assert login.form["grant_type"] == "client_credentials"
    reddit.failing["/r/"] = Response("", 401)
    with pytest.raises(AuthenticationError, match="expired"):
        connector.fetch(source, None)
    assert [request.headers["Authorization"] for request in reddit.asked[-2:]] == ["Bearer access-1", "Bearer access-2"]


def test_a_refresh_token_is_used_where_there_is_one(reddit: Community, account, drain) -> None:
    reddit.put("/r/northmere/new", submission(1))
    drain(RedditConnector(), account(token="app-id:app-secret:refresh-9"))
    assert dict(reddit.logins[0].form) == {"grant_type": "refresh_token", "refresh_token": "refresh-9"}


@pytest.mark.parametrize("answer", [Response("", 401), Response('{"error": "invalid_grant"}', 400), Response("{}")])
def test_an_app_that_gets_no_token_says_what_to_check(httpserver: HTTPServer, account, answer: Response) -> None:
    httpserver.expect_request("/api/v1/access_token", method="POST").respond_with_response(answer)
    with pytest.raises(AuthenticationError, match="id and secret") as caught:
        RedditConnector().fetch(account(token="app-id:app-secret"), None)
    assert "app-secret" not in str(caught.value)


def test_without_a_token_nothing_is_asked(reddit: Community, account) -> None:
    with pytest.raises(AuthenticationError, match="token"):
        RedditConnector().fetch(account(token=None), None)
    assert reddit.asked == []


def test_no_call_is_made_when_none_is_left(reddit: Community, account) -> None:
    reddit.put("/r/northmere/new", submission(1), submission(2))
    reddit.headers = {"X-Ratelimit-Remaining": "0.0", "X-Ratelimit-Reset": "120", "X-Ratelimit-Used": "100"}
    connector = RedditConnector(page_size=1)
    page = connector.fetch(account(), None)
    assert ids(page.posts) == ["t3_p2"]
    with pytest.raises(RateLimitedError) as caught:
        connector.fetch(account(), page.cursor)
    assert timedelta(seconds=60) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=120)
    assert len(reddit.asked) == 1


def test_a_refusal_for_too_many_calls_names_its_end(reddit: Community, account) -> None:
    reddit.failing["/r/"] = Response("", 429, {"X-Ratelimit-Reset": "300"})
    with pytest.raises(RateLimitedError) as caught:
        RedditConnector().fetch(account(), None)
    assert caught.value.retry_at > datetime.now(UTC) + timedelta(seconds=200)


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (Response('{"reason": "private", "message": "Forbidden", "error": 403}', 403), AuthenticationError, "private"),
        (Response('{"reason": "banned", "error": 404}', 404), AccountNotFoundError, "closed"),
        (Response('{"message": "Forbidden", "error": 403}', 403), AuthenticationError, "permission 'read'"),
        (Response("<html>whoa there, pardner!</html>", 403), AuthenticationError, "approved"),
        (Response('{"message": "Unauthorized", "error": 401}', 401), AuthenticationError, "new one"),
        (Response("", 302, {"Location": "/subreddits/search?q=northmere"}), AccountNotFoundError, "no community"),
        (Response("<html>Our CDN was unable to reach our servers</html>", 503), TransientError, "503"),
        (Response('{"kind": "t5", "data": {}}'), UnexpectedResponseError, "listing"),
        (Response('{"kind": "Listing", "data": {"children": {}}}'), UnexpectedResponseError, "listing"),
        (Response('[{"kind": "Listing"}]'), UnexpectedResponseError, "listing"),
        (Response('{"kind": "Listing", "da'), UnexpectedResponseError, "JSON"),
        (Response(" " * 7_000_000), UnexpectedResponseError, "more than"),
    ],
)
def test_bad_answers_have_their_errors(reddit: Community, account, answer, error, says) -> None:
    reddit.failing["/r/"] = answer
    reddit.lists["/subreddits/search"] = []
    reddit.failing["/subreddits"] = Response(json.dumps(listing([])))
    with pytest.raises(error, match=says) as caught:
        RedditConnector().fetch(account(), None)
    assert "s3cret" not in str(caught.value)


def test_odd_things_are_set_aside_once_and_the_rest_is_read(reddit: Community, account, drain) -> None:
    odd = [
        {"kind": "t3", "data": {"id": "p7"}},
        {"kind": "t5", "data": {"id": "abc"}},
        {"kind": "t3", "data": submission(8)["data"] | {"id": "../8"}},
        {"kind": "t1", "data": None},
        "text",
        None,
    ]
    for thing in odd:
        reddit.put("/r/northmere/new", submission(1))
        reddit.lists["/r/northmere/new"] = [submission(1)]
        httpless = read_thing(thing, own=None)
        assert not isinstance(httpless, Post)
    reddit.failing["/r/"] = Response(json.dumps(listing([*odd, submission(1)])))
    reading = drain(RedditConnector(), account())
    assert ids(reading.posts) == ["t3_p1"]
    assert [json.loads(one.raw) for one in reading.oddities] == odd
    assert "Invented" not in " ".join(one.why for one in reading.oddities)
    assert drain(RedditConnector(), account(), reading.cursor).oddities == []


def test_posts_are_checked_again_and_what_is_gone_is_none(reddit: Community, account, drain) -> None:
    reddit.put("/r/northmere/new", *(submission(n) for n in range(1, 6)))
    reading = drain(RedditConnector(), account())
    reddit.lists["/r/northmere/new"] = [
        submission(1),
        submission(2, selftext="[deleted]", author="[deleted]"),
        submission(3, removed_by_category="moderator"),
        submission(4, selftext="New words"),
    ]
    connector = RedditConnector()
    assert isinstance(connector, Rechecker)
    now = {before.id: after for before, after in connector.recheck(account(), reading.posts)}
    assert now["t3_p1"] == next(post for post in reading.posts if post.id == "t3_p1")
    assert now["t3_p4"].text == "Invented post 4\n\nNew words"
    assert [now[f"t3_p{n}"] for n in (2, 3, 5)] == [None, None, None]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("r/northmere", Target(place="northmere")),
        ("https://www.reddit.com/r/northmere/", Target(place="northmere")),
        ("/r/northmere+uk", Target(place="northmere+uk")),
        ("u/hillcrest", Target(user="hillcrest")),
        ("https://old.reddit.com/user/hillcrest", Target(user="hillcrest")),
        ("r/northmere: Hillcrest", Target(place="northmere", words="Hillcrest")),
        ('"Hillcrest Primary" -Ohio', Target(words='"Hillcrest Primary" -Ohio')),
    ],
)
def test_targets_are_understood(text: str, target: Target) -> None:
    assert read_target(text) == target


@pytest.mark.parametrize(
    ("target", "changes", "says"),
    [
        ("u/somebody", {}, "official = true"),
        ("r/northmere", {"reads": ("mentions",)}, "u/name"),
        ("r/northmere", {"reads": ("search",)}, "needs words"),
        ("Hillcrest", {"reads": ("posts",)}, "r/name"),
        (" ", {}, "empty"),
    ],
)
def test_what_must_not_or_cannot_be_read_is_refused(reddit: Community, account, target, changes, says) -> None:
    with pytest.raises(PermanentError, match=says):
        RedditConnector().fetch(account(target, **changes), None)
    assert reddit.asked == []


def test_a_server_that_escapes_once_more_is_understood(reddit: Community, account, drain) -> None:
    twice = submission(
        1, title="Tea &amp; cake", selftext="a", selftext_html="&lt;p&gt;Bring &amp;amp; share&lt;/p&gt;"
    )
    reddit.put("/r/northmere/new", twice)
    assert drain(RedditConnector(), account()).posts[0].text == "Tea & cake\n\nBring & share"


def test_a_cursor_of_another_target_begins_anew(reddit: Community, account, drain) -> None:
    reddit.put("/r/northmere/new", submission(1))
    reading = drain(RedditConnector(), account())
    reddit.put("/r/southmere/new", submission(1))
    assert ids(drain(RedditConnector(), account("r/southmere"), reading.cursor).posts) == ["t3_p1"]
    assert ids(drain(RedditConnector(), account(), Cursor(state="{")).posts) == ["t3_p1"]


def recorded(payloads: Path) -> dict[str, dict[str, Any]]:
    return {
        file.name: json.loads(file.read_text())["recorded"][0] for file in sorted((payloads / "reddit").glob("*.json"))
    }


# Each recorded answer: how it is read, or why it is not.
READ = {
    "praw__TestInbox.test_comment_replies.json": ("u/<own>", ("mentions",), "/message/comments", "t1"),
    "praw__TestSubredditListings.test_new.json": ("r/askreddit", ("posts",), "/r/askreddit/new", "t3"),
}
UNREAD = {
    "praw__TestRedditors.test_partial_redditors.json": "profiles of people, which Watcher never asks for",
}


def test_every_recorded_answer_is_read_or_has_a_reason(httpserver: HTTPServer, payloads: Path, account, drain) -> None:
    answers = recorded(payloads)
    assert set(answers) == set(READ) | set(UNREAD)
    for file, (target, reads, path, kind) in READ.items():
        body = answers[file]["response"]["body"]
        httpserver.clear()
        httpserver.expect_request(path).respond_with_json(body)
        httpserver.expect_request(re.compile("/.*")).respond_with_json(listing([]))
        source = account(target.replace("<own>", "hillcrest"), reads=reads, official=True)
        page = RedditConnector().fetch(source, None)
        assert page.oddities == (), file
        things = sorted((one["data"] for one in body["data"]["children"]), key=lambda one: one["created_utc"])
        assert {post.id for post in page.posts} == {f"{kind}_{one['id']}" for one in things}
        for post in page.posts:
            thing = next(one for one in things if post.id == f"{kind}_{one['id']}")
            assert post.author.handle == thing["author"], file
            assert post.created_at == datetime.fromtimestamp(thing["created_utc"], UTC), file
            assert post.text.startswith(thing["title"].strip() if kind == "t3" else thing["body"].strip()[:5]), file
            assert post.url.startswith("https://www.reddit.com/r/"), file
            assert (post.kind, post.reply_to) == (
                ("post", None)
                if kind == "t3"
                else ("reply" if "t1_" in thing["parent_id"] else "comment", thing["parent_id"])
            )
            assert post.thread.startswith("t3_"), file
