"""Recorded answers of Bluesky, replayed by a real server.

They hold public posts of real people, so nothing of them is shown in a message or copied into the repository.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from connectors.bluesky import BlueskyConnector
from connectors.errors import UnexpectedResponseError
from connectors.post import Account, Post

# What each recorded answer is read as; the feeds of a list and of a generator have the shape of an author's feed.
READ = {
    "atproto__test_data_thread_view_post_with_embed_media.json": "thread",
    "bskyr__f_feedfeed.json": "feed",
    "bskyr__f_get_list_feed.json": "feed",
    "bskyr__f_getposts.json": "posts",
    "bskyr__f_postthread.json": "thread",
    "bskyr__i_resolveh.json": "did",
}
NOT_READ = {
    "bskyr__a_profile.json": "profiles of persons: Watcher keeps no more of an author than a post says",
    "bskyr__a_search.json": "a search for accounts: Watcher never looks for persons",
}
DID = "did:plc:replayed"


def body_of(file: Path) -> Any:
    told = json.loads(file.read_text())
    return told["recorded"][0]["response"]["body"] if "recorded" in told else told


def account(server: HTTPServer, target: str = DID, **changes: Any) -> Account:
    base = server.url_for("").rstrip("/")
    return Account(name="replay", platform="bluesky", target=target, base_url=base, allow_private=True, **changes)


def serve(server: HTTPServer, method: str, body: Any) -> None:
    server.expect_request(f"/xrpc/{method}").respond_with_data(json.dumps(body), content_type="application/json")


def views_of(name: str, body: Any) -> list[dict[str, Any]]:
    """The post views that an answer holds."""
    match READ[name]:
        case "feed":
            return [entry["post"] for entry in body["feed"]]
        case "thread":
            return [body["thread"]["post"]]
        case _:
            return list(body["posts"])


def check(post: Post, sent: dict[str, Any]) -> None:
    """Everything that the connector promises of a post."""
    record, author = sent["record"], sent["author"]
    assert post.text == record["text"]
    assert (post.author.id, post.author.handle, post.author.name) == (
        author["did"],
        author["handle"],
        author["displayName"].strip() or None,
    )
    assert post.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z") == record["createdAt"]
    assert post.language == record["langs"][0]
    assert post.url == f"https://bsky.app/profile/{author['did']}/post/{sent['uri'].rpartition('/')[2]}"
    assert post.reply_to == record.get("reply", {}).get("parent", {}).get("uri")
    assert post.thread == record.get("reply", {}).get("root", {}).get("uri", sent["uri"])
    marked = [f for one in record.get("facets", ()) for f in one["features"] if f["$type"].endswith("#link")]
    assert {feature["uri"] for feature in marked} <= set(post.links)
    shown = sent.get("embed", {}).get("media", sent.get("embed", {})).get("images", ())
    assert [(m.url, m.alt) for m in post.media if m.kind == "image"] == [
        (one["fullsize"], one["alt"].strip() or None) for one in shown
    ]
    card = record.get("embed", {}).get("external")
    assert card is None or card["uri"] in post.links
    assert json.loads(post.raw) == sent


def test_every_recorded_answer_is_read_or_has_a_reason(payloads: Path) -> None:
    files = {file.name for file in (payloads / "bluesky").iterdir()}
    assert files == {*READ, *NOT_READ}


@pytest.mark.parametrize("name", [name for name, kind in READ.items() if kind != "did"])
def test_every_recorded_post_is_whole(httpserver: HTTPServer, payloads: Path, drain, name: str) -> None:
    sent = views_of(name, body_of(payloads / "bluesky" / name))
    assert sent
    serve(httpserver, "app.bsky.feed.getAuthorFeed", {"feed": [{"post": view} for view in sent]})
    reading = drain(BlueskyConnector(page_size=100), account(httpserver))
    assert (reading.oddities, reading.gaps) == ([], [])
    posts = {post.id: post for post in reading.posts}
    assert posts.keys() == {view["uri"] for view in sent}
    for view in sent:
        check(posts[view["uri"]], view)
    assert drain(BlueskyConnector(page_size=100), account(httpserver), reading.cursor).posts == []


@pytest.mark.parametrize("name", [name for name, kind in READ.items() if kind == "feed"])
def test_recorded_feeds_are_followed_as_they_were_sent(httpserver: HTTPServer, payloads: Path, drain, name) -> None:
    body = body_of(payloads / "bluesky" / name)
    pages = {body.get("cursor"): {"feed": []}, None: body}

    def answer(request: Any) -> Response:
        return Response(json.dumps(pages[request.args.get("cursor")]), content_type="application/json")

    httpserver.expect_request("/xrpc/app.bsky.feed.getAuthorFeed").respond_with_handler(answer)
    reading = drain(BlueskyConnector(page_size=10), account(httpserver))
    assert {post.id for post in reading.posts} == {entry["post"]["uri"] for entry in body["feed"]}
    assert reading.gaps == []


@pytest.mark.parametrize("name", [name for name, kind in READ.items() if kind == "thread"])
def test_recorded_threads(httpserver: HTTPServer, payloads: Path, drain, name: str) -> None:
    body = body_of(payloads / "bluesky" / name)
    view = body["thread"]["post"]
    serve(httpserver, "app.bsky.feed.getAuthorFeed", {"feed": [{"post": {**view, "replyCount": 1}}]})
    serve(httpserver, "app.bsky.feed.getPostThread", body)
    reads = account(httpserver, target=view["author"]["did"], reads=("comments",))
    reading = drain(BlueskyConnector(), reads)
    assert (reading.posts, reading.oddities, reading.gaps) == ([], [], [])


def test_recorded_posts_and_handles(httpserver: HTTPServer, payloads: Path) -> None:
    name = "bskyr__f_getposts.json"
    body, found = body_of(payloads / "bluesky" / name), body_of(payloads / "bluesky" / "bskyr__i_resolveh.json")
    serve(httpserver, "com.atproto.identity.resolveHandle", found)
    serve(httpserver, "app.bsky.feed.getAuthorFeed", {"feed": [{"post": one} for one in body["posts"]]})
    serve(httpserver, "app.bsky.feed.getPosts", body)
    source, connector = account(httpserver, target="@school.example", official=True), BlueskyConnector()
    page = connector.fetch(source, None)
    assert json.loads(page.cursor.state)["did"] == found["did"]
    assert list(connector.recheck(source, page.posts)) == [(post, post) for post in page.posts]


def test_recorded_answers_of_another_shape_are_refused(httpserver: HTTPServer, payloads: Path) -> None:
    for name in NOT_READ:
        httpserver.clear()
        serve(httpserver, "app.bsky.feed.getAuthorFeed", body_of(payloads / "bluesky" / name))
        with pytest.raises(UnexpectedResponseError):
            BlueskyConnector().fetch(account(httpserver), None)
