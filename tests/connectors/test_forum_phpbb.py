"""The forum connector against a server that gives a phpBB forum's feeds."""

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

from connectors.errors import AccountNotFoundError, PermanentError
from connectors.forum import ForumConnector
from connectors.post import Account

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


class Phpbb:
    """A board whose feeds hold its five newest posts."""

    def __init__(self, server: HTTPServer, at: str = "/feed.php") -> None:
        self.posts: dict[int, tuple[int, str, str]] = {}
        self.at, self.asked = at, []
        self.topic_feeds = True
        self.open = True
        server.expect_request(re.compile("/.*")).respond_with_handler(self)

    def write(self, *numbers: int, topic: int = 1, subject: str = "Re: Dinners") -> None:
        for number in numbers:
            self.posts[number] = (topic, subject, f"Invented post {number}")

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        topic = re.fullmatch(r"/app\.php/feed/topic/(\d+)", request.path)
        if not self.open or not (request.path == self.at or (topic and self.topic_feeds)):
            return Response("<html>The required feed is not available.</html>", 404)
        numbers = [n for n in sorted(self.posts, reverse=True) if not topic or self.posts[n][0] == int(topic[1])]
        if topic and not numbers:
            return Response("<html>The requested topic does not exist.</html>", 404)
        seen = f'W/"{hash(tuple(self.posts.items()))}"'
        if request.headers.get("If-None-Match") == seen:
            return Response(status=304)
        entries = "".join(self.entry(n, "" if topic else "General • ") for n in numbers[:5])
        body = f"<feed xmlns='http://www.w3.org/2005/Atom'><title>Board</title>{entries}</feed>"
        return Response(body, mimetype="application/atom+xml", headers={"ETag": seen})

    def entry(self, n: int, part: str) -> str:
        topic, subject, text = self.posts[n]
        when = (START + timedelta(minutes=n)).isoformat()
        link = f"https://board.example/viewtopic.php?t={topic}&amp;p={n}#p{n}"
        return (
            f"<entry><author><name>oak</name></author><published>{when}</published><updated>{when}</updated>"
            f"<id>{link}</id><link href='{link}'/><title type='html'><![CDATA[{part}{subject}]]></title>"
            f"<content type='html'><![CDATA[{text}]]></content></entry>"
        )


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values = {"name": "board", "platform": "forum", "target": "https://board.example"}
        values |= {"reads": ("posts", "comments"), "base_url": httpserver.url_for("").rstrip("/")}
        return Account(**{**values, "allow_private": True, **changes})

    return make


def test_what_a_board_sends_becomes_what_it_must(httpserver: HTTPServer, golden: Path, account, drain) -> None:
    sent = (golden / "forum" / "phpbb.sent.xml").read_text()
    httpserver.expect_request("/feed.php").respond_with_data(sent, content_type="application/atom+xml; charset=UTF-8")
    found = account(target="https://forum.example/index.php", official=True)
    reading = drain(ForumConnector(software="phpbb"), found)
    becomes = json.loads((golden / "forum" / "phpbb.becomes.json").read_text())
    assert sorted((post.as_dict() for post in reading.posts), key=lambda one: int(one["id"])) == becomes
    assert (reading.gaps, reading.oddities) == ([], [])


@pytest.mark.parametrize("at", ["/feed.php", "/app.php/feed"])
def test_new_posts_come_once_and_edits_again(httpserver: HTTPServer, account, drain, at: str) -> None:
    board = Phpbb(httpserver, at)
    board.write(1, subject="Dinners")
    board.write(2, 3)
    reading = drain(ForumConnector(), account())
    assert [(post.id, post.kind, post.reply_to, post.thread) for post in reading.posts] == [
        ("1", "post", None, "t1"),
        ("2", "comment", "t1", "t1"),
        ("3", "comment", "t1", "t1"),
    ]
    board.asked.clear()
    reading = drain(ForumConnector(), account(), reading.cursor)
    assert (reading.posts, [request.path for request in board.asked]) == ([], [at])
    board.write(4)
    board.posts[2] = (1, "Re: Dinners", "Put right")
    reading = drain(ForumConnector(), account(), reading.cursor)
    assert [(post.id, post.text) for post in reading.posts] == [("2", "Put right"), ("4", "Invented post 4")]
    assert reading.gaps == []


def test_a_window_that_moved_far_leaves_a_gap(httpserver: HTTPServer, account, drain) -> None:
    board = Phpbb(httpserver)
    board.write(*range(1, 6))
    reading = drain(ForumConnector(), account())
    board.write(*range(6, 20))
    reading = drain(ForumConnector(), account(), reading.cursor)
    assert [post.id for post in reading.posts] == ["15", "16", "17", "18", "19"]
    ((start, end),) = [(gap.start, gap.end) for gap in reading.gaps]
    assert (start, end) == (START + timedelta(minutes=5), START + timedelta(minutes=15))


def test_a_search_keeps_what_holds_the_words(httpserver: HTTPServer, account, drain) -> None:
    board = Phpbb(httpserver)
    board.write(1, 2, 3)
    board.posts[2] = (1, "Re: Dinners", "Alderbrook again")
    found = account(target="https://board.example/search.php?keywords=alderbrook", reads=("search",))
    assert [post.id for post in drain(ForumConnector(), found).posts] == ["2"]


def test_posts_are_checked_again_as_far_as_feeds_reach(httpserver: HTTPServer, account, drain) -> None:
    board = Phpbb(httpserver)
    board.write(*range(1, 6))
    reading = drain(ForumConnector(), account())
    board.write(6, 7)
    del board.posts[4]
    board.posts[5] = (1, "Re: Dinners", "Put right")
    now = {before.id: after for before, after in ForumConnector().recheck(account(), reading.posts)}
    assert set(now) == {"2", "3", "4", "5"}
    assert now["4"] is None
    assert (now["5"].text, now["5"].kind) == ("Put right", "comment")
    kept = next(post for post in reading.posts if post.id == "3")
    assert now["3"].content_digest == kept.content_digest
    board.topic_feeds = False
    assert list(ForumConnector().recheck(account(), reading.posts)) == []
    board.open = False
    with pytest.raises(PermanentError):
        list(ForumConnector(software="phpbb").recheck(account(), reading.posts))


def test_a_board_without_feeds_says_what_to_do(httpserver: HTTPServer, account) -> None:
    Phpbb(httpserver).open = False
    with pytest.raises(AccountNotFoundError, match="can switch feeds on"):
        ForumConnector(software="phpbb").fetch(account(), None)


def test_a_feed_of_other_software_is_none_of_a_board(httpserver: HTTPServer, account) -> None:
    body = "<rss version='2.0'><channel><item><guid>1</guid><link>https://a.example/1</link></item></channel></rss>"
    httpserver.expect_request("/feed.php").respond_with_data(body, content_type="application/rss+xml")
    httpserver.expect_request(re.compile("/.*")).respond_with_data("<html>No</html>", 404)
    with pytest.raises(AccountNotFoundError, match="neither as Discourse"):
        ForumConnector().fetch(account(), None)
