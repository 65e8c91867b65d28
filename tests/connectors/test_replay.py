"""Recorded answers of real feeds and Mastodon servers, replayed by a real server.

They hold public posts of real people, so nothing of them is shown in a message or copied into the repository.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.errors import UnexpectedResponseError
from connectors.mastodon import MastodonConnector
from connectors.post import Account
from connectors.rss import RssConnector

POSTS_OF_FEEDS = {
    "feedjira__sample_feeds_AmazonWebServicesBlog.xml": 10,
    "feedjira__sample_feeds_FeedjiraBlog.xml": 1,
    "feedjira__sample_feeds_Permalinks.xml": 4,
    "feedjira__sample_feeds_SamRuby.xml": 20,
    "feedjira__sample_feeds_TenderLovemaking.xml": 10,
    "feedjira__sample_feeds_a10.xml": 5,
    "feedjira__sample_feeds_atom_simple_single_entry.xml": 1,
    "feedjira__sample_feeds_itunes.xml": 3,
}


def here(server: HTTPServer, platform: str, target: str, **changes: Any) -> Account:
    base = server.url_for("").rstrip("/")
    return Account(name="replay", platform=platform, target=target, base_url=base, allow_private=True, **changes)


def test_every_recorded_feed_becomes_posts_or_a_counted_error(httpserver: HTTPServer, payloads: Path, drain) -> None:
    files = sorted((payloads / "feeds").glob("*.xml"))
    assert len(files) >= 30
    posts, errors = {}, []
    for file in files:
        body = file.read_bytes()
        told = re.search(rb"Header:\s*Content-type:\s*([^\n]+)", body)
        kind = told[1].decode().strip() if told else "application/xml"
        httpserver.clear()
        httpserver.expect_request("/feed").respond_with_response(Response(body, headers={"Content-Type": kind}))
        source = here(httpserver, "rss", "https://feed.example/feed")
        try:
            reading = drain(RssConnector(), source)
        except UnexpectedResponseError as exc:
            errors.append(f"{file.name}: {exc}")
            continue
        posts[file.name] = len(reading.posts)
        assert drain(RssConnector(), source, reading.cursor).posts == [], file.name
        assert all(post.raw for post in reading.posts), file.name
    assert {name: posts[name] for name in POSTS_OF_FEEDS} == POSTS_OF_FEEDS
    assert len(errors) <= 2, errors


def test_google_alerts_and_enclosures_of_recorded_feeds(httpserver: HTTPServer, payloads: Path, drain) -> None:
    body = (payloads / "feeds" / "feedjira__sample_feeds_itunes.xml").read_bytes()
    httpserver.expect_request("/feed").respond_with_data(body, content_type="application/xml")
    posts = drain(RssConnector(), here(httpserver, "rss", "https://feed.example/feed")).posts
    assert {medium.kind for post in posts for medium in post.media} >= {"audio"}
    assert all(post.created_at is not None for post in posts)


def readable(statuses: list[dict[str, Any]]) -> set[str]:
    """The ids of those that are neither boosts nor direct messages."""
    return {one["id"] for one in statuses if not one.get("reblog") and one["visibility"] != "direct"}


class Recorded:
    """Serves recorded bodies under the paths that the connector asks for."""

    def __init__(self, server: HTTPServer, payloads: Path) -> None:
        self.exchanges: dict[str, list[dict[str, Any]]] = {
            file.name: json.loads(file.read_text())["recorded"] for file in (payloads / "mastodon").glob("*.json")
        }
        self.answers: dict[str, tuple[Any, dict[str, str]]] = {}
        server.expect_request(re.compile("/api/.*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        for part, (body, headers) in self.answers.items():
            if part in request.path:
                return Response(json.dumps([] if "max_id" in request.args else body), headers=headers)
        return Response('{"error": "Record not found"}', 404)

    def bodies(self, pattern: str) -> list[tuple[Any, dict[str, str]]]:
        return [
            (exchange["response"]["body"], exchange["response"]["headers"])
            for exchanges in self.exchanges.values()
            for exchange in exchanges
            if re.search(pattern, exchange["request"]["url"]) and exchange["response"]["status"] == 200
        ]


@pytest.fixture
def recorded(httpserver: HTTPServer, payloads: Path) -> Recorded:
    return Recorded(httpserver, payloads)


def test_every_recorded_status_becomes_a_post(httpserver: HTTPServer, recorded: Recorded, drain) -> None:
    single = [body for body, _ in recorded.bodies(r"/api/v1/statuses/\d+$")]
    assert len(single) >= 5
    author = single[0]["account"]
    recorded.answers = {"/lookup": (author, {}), "/statuses": (single, {})}
    reading = drain(MastodonConnector(), here(httpserver, "mastodon", f"@{author['username']}"))
    assert {post.id for post in reading.posts} == readable(single)
    assert reading.oddities == []
    assert all(post.created_at and post.author and post.text is not None for post in reading.posts)


def test_a_recorded_timeline_with_its_link_header(httpserver: HTTPServer, recorded: Recorded, drain) -> None:
    ((body, headers),) = recorded.bodies(r"/accounts/\d+/statuses")
    recorded.answers = {"/lookup": (body[0]["account"], {}), "/statuses": (body, {"link": headers["link"]})}
    source = here(httpserver, "mastodon", "@" + body[0]["account"]["username"], official=True)
    reading = drain(MastodonConnector(page_size=5), source)
    assert [post.id for post in reading.posts] == [status["id"] for status in reversed(body)]
    assert all(post.author.official for post in reading.posts)
    assert drain(MastodonConnector(page_size=5), source, reading.cursor).posts == []


def test_a_recorded_thread(httpserver: HTTPServer, recorded: Recorded, drain) -> None:
    ((context, _),) = recorded.bodies(r"/context$")
    ((timeline, _),) = recorded.bodies(r"/accounts/\d+/statuses")
    status = {**timeline[0], "replies_count": 1}
    recorded.answers = {"/lookup": (status["account"], {}), "/context": (context, {}), "/accounts": ([status], {})}
    source = here(httpserver, "mastodon", "@" + status["account"]["username"], reads=("comments",))
    reading = drain(MastodonConnector(), source)
    assert {post.id for post in reading.posts} == readable(context["descendants"])
    assert reading.oddities == []
    assert all(post.kind == "reply" and post.reply_to for post in reading.posts)


def test_recorded_notifications(httpserver: HTTPServer, recorded: Recorded, drain: Callable[..., Any]) -> None:
    bodies = recorded.bodies(r"/notifications\?")
    assert bodies
    for body, _ in bodies:
        recorded.answers = {"/notifications": (body, {})}
        reading = drain(MastodonConnector(), here(httpserver, "mastodon", "@x", reads=("mentions",), token="t"))
        assert {post.id for post in reading.posts} == readable(
            [item["status"] for item in body if item["type"] == "mention"]
        )
        assert reading.oddities == []


def test_recorded_answers_of_another_shape_are_refused(httpserver: HTTPServer, recorded: Recorded) -> None:
    for body, _ in recorded.bodies(r"/api/v./instance|verify_credentials|/policy|/source$"):
        recorded.answers = {"/lookup": ({"id": "1", "acct": "x"}, {}), "/statuses": (body, {})}
        with pytest.raises(UnexpectedResponseError):
            MastodonConnector().fetch(here(httpserver, "mastodon", "@x"), None)
