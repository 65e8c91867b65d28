"""Every recorded answer of Mastodon servers, replayed over HTTP and compared field by field with what was sent.

The posts are those of real people, so no message of a failed test shows one of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.errors import UnexpectedResponseError
from connectors.mastodon import MastodonConnector
from connectors.post import Account, Post

PERSON = "a person's own card: Watcher keeps no more of an author than a status says"
SERVER = "what a server says of itself: the connector asks for no more than whether it speaks this API"
# Each recorded exchange by what its address ends in: how it is read, or why it is not.
READ = {
    r"/api/v1/statuses/\d+": "status",
    r"/api/v1/statuses/\d+/context": "context",
    r"/api/v1/accounts/\d+/statuses\?.*": "timeline",
    r"/api/v1/notifications\?.*": "notifications",
    r"/api/v1/accounts/\d+": "owner",
}
NOT_READ = {
    r"/api/v1/accounts/verify_credentials": PERSON,
    r"/api/v./instance/": SERVER,
    r"/api/v2/notifications/policy": "which notifications a person has muted, which is private",
    r"/api/v1/notifications/\d+": "one notification by itself: they are read as a list",
    r"/api/v1/statuses/\d+/source": "the words as they were typed: the status says them as they are shown",
    r"/api/v1/statuses/\d+/history": "former versions: Watcher keeps those that it has seen itself",
    r"/api/v1/trends/tags": "which hashtags many people use: Watcher reads those that the school names",
}
KINDS = {"image": "image", "gifv": "video", "video": "video", "audio": "audio"}
ORIGIN = "localhost"


def exchanges(payloads: Path) -> list[tuple[str, str, Any, dict[str, str]]]:
    """File, address, body and headers of every exchange."""
    return [
        (file.name, re.sub(r"^https?://[^/]+", "", one["request"]["url"]), *answer(one["response"]))
        for file in sorted((payloads / "mastodon").glob("*.json"))
        for one in json.loads(file.read_text())["recorded"]
    ]


def answer(response: dict[str, Any]) -> tuple[Any, dict[str, str]]:
    return response["body"], response["headers"]


def read_as(payloads: Path, how: str) -> list[Any]:
    patterns = [pattern for pattern, kind in READ.items() if kind == how]
    return [body for _, path, body, _ in exchanges(payloads) if re.fullmatch(patterns[0], path)]


def here(server: HTTPServer, target: str, **changes: Any) -> Account:
    base = server.url_for("").rstrip("/")
    return Account(name="replay", platform="mastodon", target=target, base_url=base, allow_private=True, **changes)


def serve(server: HTTPServer, bodies: Mapping[str, Any]) -> None:
    """Gives a body for the first part of a path that fits, and nothing beyond the first page."""

    def reply(request: Request) -> Response:
        for part, body in bodies.items():
            if part in request.path:
                return Response(json.dumps([] if "max_id" in request.args else body), mimetype="application/json")
        return Response('{"error": "Record not found"}', 404)

    server.expect_request(re.compile("/api/.*")).respond_with_handler(reply)


class Words(HTMLParser):
    """The text of a status without its white space, and the links that are no mention and no hashtag."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.links = "", []
        self.feed(source)
        self.close()

    def handle_data(self, data: str) -> None:
        self.text += "".join(data.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and not {"mention", "hashtag"} & set((given.get("class") or "").split()):
            self.links.append(given.get("href"))


def check(post: Post, item: dict[str, Any], *, root: str | None = None) -> None:
    """Every field, each under its own name in the message."""
    words, who, poll = Words(item["content"]), item["account"], item.get("poll") or {}
    options = "".join("-" + "".join(one["title"].split()) for one in poll.get("options", ()))
    handle = who["acct"] if "@" in who["acct"] else f"{who['acct']}@"
    edited = item.get("edited_at")
    pairs = {
        "text": "".join(post.text.split()) == "".join(item["spoiler_text"].split()) + words.text + options,
        "author": post.author is not None
        and (post.author.id, post.author.name) == (who["id"], who["display_name"].strip() or None),
        "handle": post.author is not None and (post.author.handle or "").startswith(handle),
        "written": post.created_at == datetime.fromisoformat(item["created_at"]),
        "edited": post.edited_at == (datetime.fromisoformat(edited) if edited else None),
        "in UTC": all(t is None or t.tzinfo is UTC for t in (post.created_at, post.edited_at)),
        "language": post.language == item["language"],
        "kind": post.kind == ("reply" if item["in_reply_to_id"] else "post"),
        "reply_to": post.reply_to == item["in_reply_to_id"],
        "thread": post.thread == (root or item["in_reply_to_id"] or item["id"]),
        "links": list(post.links) == list(dict.fromkeys(words.links)),
        "media": [(m.kind, m.url, m.alt) for m in post.media]
        == [(KINDS.get(m["type"], "other"), m["url"], m.get("description")) for m in item["media_attachments"]],
        "url": post.url == item["url"],
        "raw": json.loads(post.raw) == item,
    }
    assert not [name for name, right in pairs.items() if not right]


def readable(statuses: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Those that are neither boosts nor direct messages."""
    return {one["id"]: one for one in statuses if not one.get("reblog") and one["visibility"] != "direct"}


def test_every_recorded_status_is_whole(httpserver: HTTPServer, payloads: Path, drain: Any) -> None:
    single = read_as(payloads, "status")
    author = single[0]["account"]
    serve(httpserver, {"/lookup": author, "/statuses": single})
    reading = drain(MastodonConnector(), here(httpserver, f"@{author['username']}", official=True))
    posts, sent = {post.id: post for post in reading.posts}, readable(single)
    assert (posts.keys(), reading.oddities) == (sent.keys(), [])
    for number, item in sent.items():
        check(posts[number], item)
        assert posts[number].author.official == (item["account"]["id"] == author["id"])
    shown = [item for item in sent.values() if item["media_attachments"]]
    assert shown
    assert any(item["edited_at"] for item in sent.values())
    assert any(Words(item["content"]).links for item in sent.values())


def test_the_recorded_timeline_is_whole(httpserver: HTTPServer, payloads: Path, drain: Any) -> None:
    (body,) = read_as(payloads, "timeline")
    serve(httpserver, {"/lookup": body[0]["account"], "/statuses": body})
    reading = drain(MastodonConnector(), here(httpserver, "@" + body[0]["account"]["username"]))
    assert [post.id for post in reading.posts] == [item["id"] for item in reversed(body)]
    for post, item in zip(reading.posts, reversed(body), strict=True):
        check(post, item)


def test_the_recorded_thread_is_whole(httpserver: HTTPServer, payloads: Path, drain: Any) -> None:
    (context,) = read_as(payloads, "context")
    first = {**read_as(payloads, "timeline")[0][0], "replies_count": 1}
    first["id"] = context["descendants"][0]["in_reply_to_id"]
    serve(httpserver, {"/lookup": first["account"], "/context": context, "/accounts": [first]})
    source = here(httpserver, "@" + first["account"]["username"], reads=("comments",))
    root = next((one["id"] for one in context["ancestors"]), first["id"])
    posts, sent = {p.id: p for p in drain(MastodonConnector(), source).posts}, readable(context["descendants"])
    assert posts.keys() == sent.keys() != set()
    for number, item in sent.items():
        check(posts[number], item, root=root)


def test_the_recorded_notifications_are_whole(httpserver: HTTPServer, payloads: Path, drain: Any) -> None:
    found = read_as(payloads, "notifications")
    assert sum(map(len, found)) >= 1
    for body in found:
        httpserver.clear()
        serve(httpserver, {"/notifications": body})
        reading = drain(MastodonConnector(), here(httpserver, "@x", reads=("mentions",), token="t"))
        sent = readable([one["status"] for one in body if one["type"] == "mention"])
        assert {post.id for post in reading.posts} == sent.keys()
        for post in reading.posts:
            check(post, sent[post.id])


def test_the_recorded_owners_are_found(httpserver: HTTPServer, payloads: Path, drain: Any) -> None:
    for owner in read_as(payloads, "owner"):
        httpserver.clear()
        serve(httpserver, {"/lookup": owner, f"/accounts/{owner['id']}/statuses": []})
        reading = drain(MastodonConnector(), here(httpserver, "@" + owner["username"]))
        assert reading.posts == []
        assert f"/accounts/{owner['id']}/statuses" in httpserver.log[-1][0].path


def test_recorded_answers_that_are_not_read_never_become_posts(httpserver: HTTPServer, payloads: Path) -> None:
    """A former version has a text, but no id; the others have neither."""
    checked = 0
    for _, path, body, _ in exchanges(payloads):
        if not any(re.fullmatch(pattern, path) for pattern in NOT_READ):
            continue
        httpserver.clear()
        serve(httpserver, {"/lookup": {"id": "1", "acct": "x"}, "/statuses": body})
        checked += 1
        try:
            page = MastodonConnector().fetch(here(httpserver, "@x"), None)
        except UnexpectedResponseError:
            continue
        assert page.posts == ()
        assert len(page.oddities) == len({json.dumps(one, sort_keys=True) for one in body})
    assert checked >= 10


def test_every_recorded_exchange_is_read_or_has_its_reason(payloads: Path) -> None:
    patterns = [*READ, *NOT_READ]
    unused = set(patterns)
    for file, path, _, _ in exchanges(payloads):
        fitting = [pattern for pattern in patterns if re.fullmatch(pattern, path)]
        assert len(fitting) == 1, (file, urlsplit(path).path)
        unused -= set(fitting)
    assert unused == set()
