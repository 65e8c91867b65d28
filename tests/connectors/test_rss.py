"""The feed connector against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.errors import AuthenticationError, RefusedAddressError, UnexpectedResponseError
from connectors.post import Account, Cursor
from connectors.rss import RssConnector, origin

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)


class Feed:
    """A feed of which tests change the window; newest first, as feeds are."""

    def __init__(self, server: HTTPServer, path: str = "/feed") -> None:
        self.items: list[tuple[str, str]] = []
        self.asked: list[Request] = []
        self.etag: str | None = None
        server.expect_request(path).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        if self.etag and request.headers.get("If-None-Match") == self.etag:
            return Response(status=304)
        items = "".join(
            f"<item><guid>{id_}</guid><title>{text}</title><link>https://h.example/{id_}</link>"
            f"<pubDate>{START + timedelta(minutes=int(id_)):%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
            for id_, text in reversed(self.items)
        )
        headers = {"ETag": self.etag, "Last-Modified": "Fri, 20 Nov 2026 08:00:00 GMT"} if self.etag else {}
        body = f"<rss version='2.0'><channel><title>Hillcrest</title>{items}</channel></rss>"
        return Response(body, headers=headers, content_type="application/rss+xml")


@pytest.fixture
def feed(httpserver: HTTPServer) -> Feed:
    return Feed(httpserver)


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values = {
            "name": "hillcrest-blog",
            "platform": "rss",
            "target": "https://hillcrest.example/feed",
            "base_url": httpserver.url_for("").rstrip("/"),
            "allow_private": True,
        }
        return Account(**{**values, **changes})

    return make


def test_a_feed_becomes_posts_oldest_first(feed: Feed, account) -> None:
    feed.items = [("1", "one"), ("2", "two")]
    page = RssConnector().fetch(account(official=True), None)
    assert [(post.id, post.text, post.kind) for post in page.posts] == [("1", "one", "post"), ("2", "two", "post")]
    assert page.posts[0].origin == "https://hillcrest.example/feed"
    assert page.posts[0].created_at == START + timedelta(minutes=1)
    assert page.posts[0].author is not None
    assert page.posts[0].author.official
    assert page.posts[0].author.name == "Hillcrest"
    assert not page.more


def test_only_what_is_new_or_edited_comes_again(feed: Feed, account) -> None:
    feed.items = [("1", "one"), ("2", "two")]
    page = RssConnector().fetch(account(), None)
    assert RssConnector().fetch(account(), page.cursor).posts == ()
    feed.items = [("1", "one, edited"), ("2", "two"), ("3", "three")]
    later = RssConnector().fetch(account(), page.cursor)
    assert [(post.id, post.text) for post in later.posts] == [("1", "one, edited"), ("3", "three")]
    again = RssConnector().fetch(account(), page.cursor)
    assert again.posts == later.posts


def test_an_unchanged_feed_is_not_sent_again(feed: Feed, account) -> None:
    feed.items, feed.etag = [("1", "one")], 'W/"abc"'
    page = RssConnector().fetch(account(), None)
    later = RssConnector().fetch(account(), page.cursor)
    assert (later.posts, later.cursor) == ((), page.cursor)
    assert feed.asked[1].headers["If-Modified-Since"] == "Fri, 20 Nov 2026 08:00:00 GMT"


def test_a_window_that_moved_on_leaves_a_gap(feed: Feed, account) -> None:
    feed.items = [("1", "one"), ("2", "two")]
    page = RssConnector().fetch(account(), None)
    feed.items = [("8", "eight"), ("9", "nine")]
    later = RssConnector().fetch(account(), page.cursor)
    assert len(later.posts) == 2
    assert [(gap.start, gap.end) for gap in later.gaps] == [
        (START + timedelta(minutes=2), START + timedelta(minutes=8))
    ]
    feed.items = [("9", "nine"), ("10", "ten")]
    assert RssConnector().fetch(account(), later.cursor).gaps == ()


def test_a_feed_that_shrinks_or_grows_leaves_none(feed: Feed, account) -> None:
    feed.items = [("1", "one"), ("2", "two")]
    page = RssConnector().fetch(account(), None)
    feed.items = []
    assert RssConnector().fetch(account(), page.cursor).gaps == ()
    feed.items = [("7", "seven")]
    assert RssConnector().fetch(account(), page.cursor).gaps == ()


def test_a_comments_feed_gives_comments_that_the_school_did_not_write(feed: Feed, account) -> None:
    feed.items = [("1", "one")]
    post = RssConnector().fetch(account(reads=("comments",), official=True), None).posts[0]
    assert post.kind == "comment"
    assert post.author is None


def test_two_entries_with_one_id_are_both_given_and_stay_given(httpserver: HTTPServer, account) -> None:
    items = "".join(f"<item><guid>same</guid><title>{t}</title><link>https://h.example/{t}</link></item>" for t in "ab")
    httpserver.expect_request("/feed").respond_with_data(f"<rss version='2.0'><channel>{items}</channel></rss>")
    page = RssConnector().fetch(account(), None)
    assert {post.text for post in page.posts} == {"a", "b"}
    assert len({post.id for post in page.posts}) == 2
    assert RssConnector().fetch(account(), page.cursor).posts == ()


def test_an_oddity_is_told_once(httpserver: HTTPServer, account) -> None:
    body = "<rss version='2.0'><channel><item></item><item><guid>1</guid><title>x</title></item></channel></rss>"
    httpserver.expect_request("/feed").respond_with_data(body)
    page = RssConnector().fetch(account(), None)
    assert (len(page.posts), len(page.oddities)) == (1, 1)
    assert RssConnector().fetch(account(), page.cursor).oddities == ()


def test_entries_of_the_future_or_without_date_are_not_lost(httpserver: HTTPServer, account) -> None:
    body = (
        "<rss version='2.0'><channel><item><guid>1</guid><title>x</title><pubDate>Fri, 20 Nov 2099 08:00:00 GMT"
        "</pubDate></item><item><guid>2</guid><title>y</title></item></channel></rss>"
    )
    httpserver.expect_request("/feed").respond_with_data(body)
    page = RssConnector().fetch(account(), None)
    assert [post.id for post in page.posts] == ["2", "1"]
    assert RssConnector().fetch(account(), page.cursor).posts == ()


@pytest.mark.parametrize(("token", "header"), [("abc", "Bearer abc"), ("name:pw", "Basic bmFtZTpwdw==")])
def test_a_token_is_sent(feed: Feed, account, token: str, header: str) -> None:
    RssConnector().fetch(account(token=token), None)
    assert feed.asked[0].headers["Authorization"] == header


def test_path_and_query_of_the_target_are_kept_at_the_base_url(httpserver: HTTPServer, account) -> None:
    httpserver.expect_request("/proxy/f.php", query_string={"f": "12"}).respond_with_data("<rss version='2.0'/>")
    base = httpserver.url_for("/proxy")
    assert RssConnector().fetch(account(target="https://f.example/f.php?f=12", base_url=base), None).posts == ()
    assert RssConnector().fetch(account(target="f.php?f=12", base_url=base), None).posts == ()


def test_a_target_without_scheme_says_what_to_write() -> None:
    with pytest.raises(RefusedAddressError, match="https://"):
        RssConnector().fetch(Account(name="a", platform="rss", target="hillcrest.example/feed"), None)


def test_a_private_feed_is_refused_unless_allowed(feed: Feed, account) -> None:
    with pytest.raises(RefusedAddressError, match="allow_private"):
        RssConnector().fetch(account(allow_private=False), None)
    assert feed.asked == []


def test_a_login_page_is_no_feed(httpserver: HTTPServer, account) -> None:
    httpserver.expect_request("/feed").respond_with_data("<!doctype html><html>Log in</html>", content_type="text/html")
    with pytest.raises(UnexpectedResponseError, match="web page"):
        RssConnector().fetch(account(), None)
    httpserver.clear()
    httpserver.expect_request("/feed").respond_with_data("no", 401)
    with pytest.raises(AuthenticationError):
        RssConnector().fetch(account(), None)


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ("https://Hillcrest.example/feed/", "https://hillcrest.example/feed/"),
        ("https://user:pw@hillcrest.example:8443/feed", "https://hillcrest.example:8443/feed"),
        ("https://hillcrest.example/news-and-events-2026/feed", "https://hillcrest.example/news-and-events-2026/feed"),
    ],
)
def test_the_origin_is_the_feeds_address(target: str, named: str) -> None:
    assert origin(target) == named


def test_the_origin_never_holds_a_secret_and_tells_feeds_of_one_site_apart() -> None:
    alert = origin("https://www.google.com/alerts/feeds/01234567890123456789/9876543210987654321")
    assert "0123456789" not in alert
    assert alert != origin("https://www.google.com/alerts/feeds/01234567890123456789/1111111111111111111")
    one, two = origin("https://f.example/feed.php?f=1&key=s3cret"), origin("https://f.example/feed.php?f=2&key=s3cret")
    assert "s3cret" not in one + two
    assert one != two


def test_golden_pairs(httpserver: HTTPServer, golden: Path, account) -> None:
    for sent in sorted((golden / "rss").glob("*.sent.xml")):
        httpserver.clear()
        httpserver.expect_request("/feed").respond_with_data(sent.read_bytes(), content_type="application/atom+xml")
        page = RssConnector().fetch(account(), None)
        becomes = json.loads(sent.with_name(sent.name.replace(".sent.xml", ".becomes.json")).read_text())
        assert [post.as_dict() for post in page.posts] == becomes, sent.name


def test_a_cursor_of_another_version_begins_anew(feed: Feed, account) -> None:
    feed.items = [("1", "one")]
    for state in ("{}", "nonsense", "[]", '{"etag": 1, "modified": 1, "known": 5, "newest": null}'):
        assert len(RssConnector().fetch(account(), Cursor(state=state)).posts) == 1
