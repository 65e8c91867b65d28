"""The forum connector against servers that answer as Misago, NodeBB and phpBB do, and as they do on a bad day."""

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

from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.forum import ForumConnector
from connectors.post import Account, Cursor, Post

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SHEET, LIST = 4, 3


class Board:
    """A small forum of topics with numbered posts, in the words of one software; a test speaks to it in numbers."""

    software = ""

    def __init__(self, server: HTTPServer) -> None:
        self.topics: dict[int, list[int]] = {}
        self.texts: dict[int, str] = {}
        self.hidden: set[int] = set()
        self.edited: set[int] = set()
        self.failing: dict[str, Response] = {}
        self.asked: list[Request] = []
        self.before: Callable[[Request], None] | None = None
        server.expect_request(re.compile("/.*")).respond_with_handler(self._answer)

    def write(self, topic: int, *numbers: int) -> None:
        self.topics.setdefault(topic, []).extend(numbers)
        self.texts |= {number: f"Invented post {number}" for number in numbers}

    def newest_first(self) -> list[int]:
        return sorted((topic for topic in self.topics if self.topics[topic]), key=lambda t: -max(self.topics[t]))

    def _answer(self, request: Request) -> Response:
        self.asked.append(request)
        if self.before is not None:
            self.before(request)
        for part, answer in self.failing.items():
            if re.search(part, request.path):
                return Response(answer.get_data(), answer.status_code, answer.headers)
        value = self.answer(request)
        return value if isinstance(value, Response) else Response(json.dumps(value), mimetype="application/json")

    def answer(self, request: Request) -> Any:
        raise NotImplementedError

    def paths(self) -> list[str]:
        return [request.path for request in self.asked]


def missing() -> Response:
    return Response("<html>Not found</html>", 404)


class Misago(Board):
    software = "misago"

    def answer(self, request: Request) -> Any:
        if request.path == "/api/threads/":
            return self.listing(int(request.args.get("start", 10**9)))
        found = re.fullmatch(r"/api/threads/(\d+)/posts/", request.path)
        if found is None or not self.topics.get(int(found[1])):
            return Response('{"detail": "Not found."}', 404, mimetype="application/json")
        topic, page = int(found[1]), int(request.args.get("page", 1))
        posts = self.topics[topic]
        step = SHEET - 1  # the last post of a page is the first of the next
        pages = max(1, -(-(len(posts) - 1) // step))
        if page > pages:
            return missing()
        some = posts[(page - 1) * step : (page - 1) * step + SHEET]
        held = {"results": [self.post(topic, n) for n in some], "page": page, "pages": pages}
        return {"id": topic, "title": f"Topic {topic}", "post_set": held}

    def listing(self, start: int) -> dict[str, Any]:
        found = [topic for topic in self.newest_first() if max(self.topics[topic]) <= start]
        results = [
            {
                "id": topic,
                "title": f"Topic {topic}",
                "replies": len(self.topics[topic]) - 1,
                "last_post": max(self.topics[topic]),
                "last_post_on": said(max(self.topics[topic])),
                "weight": 0,
            }
            for topic in found[:LIST]
        ]
        return {"results": results, "next": max(self.topics[found[LIST]]) if len(found) > LIST else None}

    def post(self, topic: int, n: int) -> dict[str, Any]:
        hidden = n in self.hidden
        return {
            "id": n,
            "poster": {"id": 3, "username": "oak"},
            "poster_name": "oak",
            "content": None if hidden else f"<p>{self.texts[n]}</p>",
            "is_hidden": hidden,
            "posted_on": said(n),
            "updated_on": said(n + 1),
            "edits": 1 if n in self.edited else 0,
            "api": {"index": f"/api/threads/{topic}/posts/{n}/"},
            "url": {"index": f"/t/topic/{topic}/post/{n}/"},
        }


class Nodebb(Board):
    software = "nodebb"

    def answer(self, request: Request) -> Any:
        page = int(request.args.get("page", 1))
        if request.path == "/api/recent":
            found = self.newest_first()
            topics = [
                {
                    "tid": topic,
                    "titleRaw": f"Topic {topic}",
                    "postcount": len(self.topics[topic]),
                    "lastposttime": millis(max(self.topics[topic])),
                    "teaserPid": max(self.topics[topic]),
                }
                for topic in found[(page - 1) * LIST : page * LIST]
            ]
            return {"topics": topics, "pagination": self.pages(page, len(found), LIST)}
        found_topic = re.fullmatch(r"/api/topic/(\d+)", request.path)
        posts = self.topics.get(int(found_topic[1]), []) if found_topic else []
        if not posts or (page - 1) * SHEET >= len(posts):
            return Response('"not-found"', 404, mimetype="application/json")
        topic = int(found_topic[1]) if found_topic else 0
        some = [self.post(topic, n) for n in posts[(page - 1) * SHEET : page * SHEET]]
        told = {"tid": topic, "mainPid": posts[0], "titleRaw": f"Topic {topic}", "posts": some}
        return {**told, "pagination": self.pages(page, len(posts), SHEET)}

    def pages(self, page: int, count: int, size: int) -> dict[str, int]:
        return {"currentPage": page, "pageCount": max(1, -(-count // size))}

    def post(self, topic: int, n: int) -> dict[str, Any]:
        return {
            "pid": n,
            "tid": topic,
            "uid": 3,
            "user": {"uid": 3, "username": "oak"},
            "content": f"<p>{self.texts[n]}</p>",
            "timestamp": millis(n),
            "edited": millis(n + 1) if n in self.edited else 0,
            "deleted": int(n in self.hidden),
        }


def said(number: int) -> str:
    return (START + timedelta(minutes=number)).isoformat()


def millis(number: int) -> int:
    return int((START + timedelta(minutes=number)).timestamp() * 1000)


@pytest.fixture(params=[Misago, Nodebb], ids=lambda kind: kind.software)
def board(request: pytest.FixtureRequest, httpserver: HTTPServer) -> Board:
    made: Board = request.param(httpserver)
    return made


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values = {"name": "forum", "platform": "forum", "target": "https://forum.example"}
        values |= {"reads": ("posts", "comments"), "base_url": httpserver.url_for("").rstrip("/")}
        return Account(**{**values, "allow_private": True, **changes})

    return make


def numbers(posts: list[Post]) -> list[int]:
    return sorted(int(post.id) for post in posts)


def test_what_is_new_comes_once_and_alone_wherever_it_stands(board: Board, account, drain) -> None:
    board.write(1, *range(1, 12))
    board.write(2, 20)
    reading = drain(ForumConnector(), account())
    assert numbers(reading.posts) == [*range(1, 12), 20]
    for topic, new in ((1, [30]), (2, list(range(31, 45))), (3, [45]), (1, list(range(50, 70)))):
        board.write(topic, *new)
        reading = drain(ForumConnector(), account(), reading.cursor)
        assert numbers(reading.posts) == new
    assert (drain(ForumConnector(), account(), reading.cursor).posts, reading.gaps) == ([], [])


def test_the_software_is_found_out_once(board: Board, account, drain) -> None:
    board.write(1, 1)
    reading = drain(ForumConnector(), account())
    assert json.loads(reading.cursor.state)["software"] == board.software
    board.asked.clear()
    drain(ForumConnector(), account(), reading.cursor)
    assert board.paths() == [{"misago": "/api/threads/", "nodebb": "/api/recent"}[board.software]]
    board.asked.clear()
    connector = ForumConnector(software=board.software)
    posts = drain(connector, account()).posts
    assert "/posts.json" not in board.paths()
    connector = ForumConnector()
    drain(connector, account(), reading.cursor)
    list(connector.recheck(account(), posts))
    assert "/posts.json" not in board.paths()


def test_a_cursor_of_other_software_is_begun_anew(board: Board, account, drain) -> None:
    board.write(1, 1, 2)
    old = Cursor(state=json.dumps({"v": 1, "of": "https://forum.example", "reads": {}, "software": "phpbb"}))
    assert numbers(drain(ForumConnector(software=board.software), account(), old).posts) == [1, 2]


def test_who_opens_a_topic_is_told_apart_from_who_answers(board: Board, account, drain) -> None:
    board.write(1, *range(1, 10))
    posts = {post.id: post for post in drain(ForumConnector(), account()).posts}
    assert (posts["1"].kind, posts["1"].text, posts["1"].thread) == ("post", "Topic 1\n\nInvented post 1", "1")
    assert {(posts[str(n)].kind, posts[str(n)].reply_to, posts[str(n)].thread) for n in range(2, 10)} == {
        ("comment", "1", "1")
    }
    assert numbers(drain(ForumConnector(), account(reads=("posts",))).posts) == [1]
    assert numbers(drain(ForumConnector(), account(reads=("comments",))).posts) == list(range(2, 10))


def test_a_search_finds_words_in_texts_and_titles(board: Board, account, drain) -> None:
    board.write(1, 1, 2)
    board.write(77, 3, 4)
    board.write(5, 5)
    board.texts[2] = "Nothing at HILLCREST on Friday"
    found = account(target="https://forum.example/search?q=hillcrest+friday", reads=("search",))
    assert numbers(drain(ForumConnector(), found).posts) == [2]
    titled = account(target="https://forum.example/search?term=topic+77", reads=("search",))
    reading = drain(ForumConnector(), titled)
    assert numbers(reading.posts) == [3, 4]
    board.write(77, 9)
    assert numbers(drain(ForumConnector(), titled, reading.cursor).posts) == [9]


def test_what_is_written_while_it_is_read_is_not_lost(board: Board, account, drain) -> None:
    for topic in range(1, 9):
        board.write(topic, topic * 10)
    fresh = iter(range(200, 260))

    def meanwhile(request: Request) -> None:
        if len(board.asked) % 3 == 0 and len(board.asked) < 60:
            number = next(fresh)
            board.write(number % 8 + 1, number)

    board.before = meanwhile
    reading = drain(ForumConnector(), account())
    board.before = None
    later = drain(ForumConnector(), account(), reading.cursor)
    assert numbers([*reading.posts, *later.posts]) == sorted(board.texts)
    assert (reading.gaps, later.gaps) == ([], [])


def test_posts_that_vanish_while_pages_are_read_hide_no_others(board: Board, account, drain) -> None:
    board.write(1, *range(1, 15))

    def meanwhile(request: Request) -> None:
        if len(board.asked) == 6:
            for number in (3, 4, 5):
                board.topics[1].remove(number)

    board.before = meanwhile
    reading = drain(ForumConnector(), account())
    later = drain(ForumConnector(), account(), reading.cursor)
    assert {*numbers(reading.posts), *numbers(later.posts)} >= {1, 2, *range(6, 15)}


def test_a_topic_that_shrinks_below_its_last_page_is_read_from_the_front(board: Board, account, drain) -> None:
    board.write(1, *range(1, 15))
    reading = drain(ForumConnector(), account())
    board.topics[1] = [1, 2]
    board.write(1, 40)
    assert numbers(drain(ForumConnector(), account(), reading.cursor).posts) == [40]


def test_pages_that_are_promised_and_never_shown_leave_a_gap(httpserver: HTTPServer, account, drain) -> None:
    board = Nodebb(httpserver)
    board.write(1, 1)
    board.pages = lambda page, count, size: {"currentPage": page, "pageCount": 1 if size == LIST else 3}  # type: ignore[method-assign]
    reading = drain(ForumConnector(), account())
    assert (numbers(reading.posts), len(reading.gaps)) == ([1], 1)


def test_an_edit_on_a_page_that_is_read_again_becomes_a_version(board: Board, account, drain) -> None:
    board.write(1, 1, 2)
    reading = drain(ForumConnector(), account())
    board.texts[2], board.edited = "Put right", {2}
    board.write(1, 3)
    posts = drain(ForumConnector(), account(), reading.cursor).posts
    assert [(post.id, post.text) for post in posts] == [("2", "Put right"), ("3", "Invented post 3")]
    assert posts[0].edited_at == START + timedelta(minutes=3)


def test_a_new_account_reads_back_so_far_and_says_so(board: Board, account, drain) -> None:
    for topic in range(1, 11):
        board.write(topic, topic * 10, topic * 10 + 1)
    reading = drain(ForumConnector(history_posts=6), account())
    assert numbers(reading.posts) == [80, 81, 90, 91, 100, 101]
    ((start, end),) = [(gap.start, gap.end) for gap in reading.gaps]
    assert start is None
    assert START + timedelta(minutes=71) <= end <= START + timedelta(minutes=81)
    board.write(1, 200)
    later = drain(ForumConnector(history_posts=6), account(), reading.cursor)
    assert 200 in numbers(later.posts)
    assert later.gaps == []


def test_a_list_that_ends_too_early_leaves_a_gap(httpserver: HTTPServer, account, drain) -> None:
    board = Nodebb(httpserver)
    for topic in range(1, 202):
        board.write(topic, topic)
    shown = board.newest_first
    board.newest_first = lambda: shown()[:200]  # type: ignore[method-assign]
    connector = ForumConnector(software="nodebb", history_posts=10_000)
    reading = drain(connector, account(), most=400)
    assert numbers(reading.posts) == list(range(2, 202))
    assert [(gap.start, gap.end) for gap in reading.gaps] == [(None, START + timedelta(minutes=2))]


def test_a_topic_that_cannot_be_read_blinds_nobody_to_the_others(board: Board, account, drain) -> None:
    board.write(1, 1)
    board.write(2, 2)
    bad = {"misago": "/api/threads/2/", "nodebb": "/api/topic/2$"}[board.software]
    board.failing[bad] = Response("<html>Oops</html>", 500)
    reading = drain(ForumConnector(), account())
    assert numbers(reading.posts) == [1]
    board.write(1, 3)
    reading = drain(ForumConnector(), account(), reading.cursor)
    assert numbers(reading.posts) == [3]
    board.failing.clear()
    reading = drain(ForumConnector(), account(), reading.cursor)
    assert (numbers(reading.posts), reading.gaps) == ([2], [])
    board.failing[bad] = Response("<html>Oops</html>", 500)
    board.write(2, 5)
    gaps = []
    for _ in range(12):
        reading = drain(ForumConnector(), account(), reading.cursor)
        gaps += reading.gaps
    assert ["a topic of the forum" in gap.why for gap in gaps] == [True]


def test_when_the_whole_forum_is_down_the_cursor_stays(board: Board, account, drain) -> None:
    board.write(1, 1)
    reading = drain(ForumConnector(), account())
    board.write(1, 2)
    first = ForumConnector().fetch(account(), reading.cursor)
    assert first.more
    board.failing["/api/"] = Response("<html>Bad gateway</html>", 502)
    with pytest.raises(TransientError):
        ForumConnector().fetch(account(), first.cursor)
    board.failing["/api/"] = Response("", 429, {"Retry-After": "9"})
    with pytest.raises(RateLimitedError):
        ForumConnector().fetch(account(), first.cursor)
    board.failing.clear()
    assert numbers(drain(ForumConnector(), account(), first.cursor).posts) == [2]


def test_a_topic_that_was_closed_or_removed_between_is_left_out(board: Board, account, drain) -> None:
    board.write(1, 1)
    board.write(2, 2)
    bad = {"misago": "/api/threads/2/", "nodebb": "/api/topic/2$"}[board.software]
    board.failing[bad] = Response('"not-authorized"', 403)
    assert numbers(drain(ForumConnector(), account()).posts) == [1]


def test_hidden_posts_are_nothing_and_come_when_they_are_shown(board: Board, account, drain) -> None:
    board.write(1, 1, 2, 3)
    board.hidden = {2}
    reading = drain(ForumConnector(), account())
    assert numbers(reading.posts) == [1, 3]
    board.hidden.clear()
    board.write(1, 4)
    assert numbers(drain(ForumConnector(), account(), reading.cursor).posts) == [2, 4]


def test_odd_items_are_set_aside_once(httpserver: HTTPServer, account, drain) -> None:
    board = Misago(httpserver)
    board.write(1, 1)
    odd = [{"id": "x"}, None, {"id": 8, "content": 5}, {"id": 9}]
    real = board.post

    def answer(request: Request) -> Any:
        if request.path == "/api/threads/":
            listing = board.listing(10**9)
            return {**listing, "results": [*listing["results"], "text"]}
        held = {"results": [real(1, 1), *odd], "page": 1, "pages": 1}
        return {"title": "Topic 1", "post_set": held}

    board.answer = answer  # type: ignore[method-assign]
    reading = drain(ForumConnector(software="misago"), account())
    assert numbers(reading.posts) == [1]
    assert len(reading.oddities) == 5
    assert not any("Invented" in one.why for one in reading.oddities)
    assert drain(ForumConnector(), account(), reading.cursor).oddities == []


def test_posts_are_checked_again(board: Board, account, drain) -> None:
    board.write(1, *range(1, 12))
    board.write(2, 20)
    reading = drain(ForumConnector(), account())
    board.texts[2], board.hidden = "Put right", {3}
    board.topics[1].remove(9)
    del board.topics[2]
    now = {before.id: after for before, after in ForumConnector().recheck(account(), reading.posts)}
    assert {id_ for id_, after in now.items() if after is None} == {"3", "9", "20"}
    assert now["2"].text == "Put right"
    kept = next(post for post in reading.posts if post.id == "1")
    assert now["1"].content_digest == kept.content_digest


def test_a_forum_that_closes_its_doors_deletes_nothing(board: Board, account, drain) -> None:
    board.write(1, 1)
    posts = drain(ForumConnector(), account()).posts
    for answer in (Response("<html>Log in</html>", 403), Response("<html>moved</html>", 404)):
        board.failing["/"] = answer
        with pytest.raises(PermanentError):
            list(ForumConnector(software=board.software).recheck(account(), posts))


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (Response("<html>Not found</html>", 404), AccountNotFoundError, "neither as Discourse.*platform rss"),
        (Response("<html>Log in</html>", 401), AuthenticationError, "members only"),
        (Response("<html>Hello</html>"), UnexpectedResponseError, "not JSON"),
        (Response('{"latest_posts": [{"id'), UnexpectedResponseError, "not JSON"),
        (Response("{}"), UnexpectedResponseError, "list of posts"),
        (Response("", 503), TransientError, "503"),
        (Response("", 400), PermanentError, "400"),
    ],
)
def test_what_is_no_forum_is_told_as_such(
    httpserver: HTTPServer, account, answer: Response, error: type[Exception], says: str
) -> None:
    httpserver.expect_request(re.compile("/.*")).respond_with_response(answer)
    with pytest.raises(error, match=says):
        ForumConnector().fetch(account(token="s3:cret"), None)


def test_a_door_that_is_closed_says_more_than_an_address_that_nobody_knows(board: Board, account) -> None:
    board.failing["/api/"] = Response('{"detail": "Log in"}', 401)
    with pytest.raises(AuthenticationError):
        ForumConnector().fetch(account(), None)


def test_a_nodebb_that_shows_visitors_nothing_is_closed_and_not_empty(httpserver: HTTPServer, account, drain) -> None:
    board = Nodebb(httpserver)
    board.write(1, 1, 2)
    reading, connector = drain(ForumConnector(), account()), ForumConnector(software="nodebb")
    empty = {"topics": [], "topicCount": 0, "pagination": {"currentPage": 1, "pageCount": 1}}
    board.failing["/api/topic"] = Response('"not-authorized"', 401, mimetype="application/json")
    board.failing["/api/recent"] = Response(json.dumps({**empty, "categories": []}), mimetype="application/json")
    with pytest.raises(AuthenticationError, match="members only"):
        connector.fetch(account(), reading.cursor)
    with pytest.raises(AuthenticationError, match="members only"):
        list(connector.recheck(account(), reading.posts))
    board.failing["/api/recent"] = Response(
        json.dumps({**empty, "categories": [{"cid": "4", "name": "Comments"}]}), mimetype="application/json"
    )
    assert connector.fetch(account(), reading.cursor).posts == ()
    assert [now for _, now in connector.recheck(account(), reading.posts)] == [None, None]


def test_software_that_nobody_knows_is_refused() -> None:
    with pytest.raises(PermanentError, match="discourse, misago, nodebb, phpbb"):
        ForumConnector(software="vbulletin")


def test_a_token_goes_by_header_only(httpserver: HTTPServer, account, drain) -> None:
    board = Nodebb(httpserver)
    board.write(1, 1)
    drain(ForumConnector(software="nodebb"), account(token="t0ken"))
    assert {request.headers["Authorization"] for request in board.asked} == {"Bearer t0ken"}
    assert not any("t0ken" in request.url for request in board.asked)


@pytest.mark.parametrize("name", ["misago", "nodebb"])
def test_what_a_forum_sends_becomes_what_it_must(
    httpserver: HTTPServer, golden: Path, account, drain, name: str
) -> None:
    sent = json.loads((golden / "forum" / f"{name}.sent.json").read_text())
    for path, value in sent.items():
        httpserver.expect_request(path).respond_with_json(value)
    reading = drain(ForumConnector(), account(official=True))
    becomes = json.loads((golden / "forum" / f"{name}.becomes.json").read_text())
    assert sorted((post.as_dict() for post in reading.posts), key=lambda one: int(one["id"])) == becomes
    assert (reading.gaps, reading.oddities) == ([], [])
