"""Every recorded page of X, replayed through tweepy over HTTP and compared field by field with what was sent.

What must come out is worked out here in another way than the connector does it: links are put in by their offsets,
not by searching for them. The posts are those of real people, so no message of a failed test shows one of them.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.errors import AccountNotFoundError, UnexpectedResponseError
from connectors.post import Account, Post
from connectors.x import XConnector

PAGES = {
    "python-twitter__searches_search_tweets_for_nyc.json": ("search", 10),
    "python-twitter__timeline_timeline_reverse_chronological.json": ("posts", 5),
    "tweepy__test_asyncclient_get_list_tweets.json": ("posts", 97),
    "tweepy__test_asyncclient_get_tweet.json": ("mentions", 1),
    "tweepy__test_asyncclient_get_users_tweets.json": ("posts", 2),
    "tweepy__test_asyncclient_search_recent_tweets.json": ("search", 10),
    "twarc-csv__cotweet.jsonl": ("posts", 1),
    "twarc-csv__edited_after.jsonl": ("posts", 1),
    "twarc-csv__noflat.jsonl": ("search", 100),
    "twarc-csv__two_tweets.jsonl": ("mentions", 1),
}
USERS = {"tweepy__test_asyncclient_get_user.json", "python-twitter__user_user_resp.json"}
COUNTS = "a count of posts, which Watcher never buys: it holds none"
PEOPLE = "a list of persons: Watcher never asks who follows, likes or is called something"
NOT_READ = {
    "python-twitter__tweet_tweet_liking_users_resp.json": PEOPLE,
    "python-twitter__tweet_tweet_retweed_users_resp.json": PEOPLE,
    "python-twitter__tweet_tweets_counts_all_resp.json": COUNTS,
    "python-twitter__user_block_user_resp.json": "answers a request that writes; Watcher writes nothing",
    "python-twitter__user_following_resp.json": PEOPLE,
    "python-twitter__user_search_users_resp.json": PEOPLE,
    "tweepy__test_asyncclient_get_all_tweets_count.json": COUNTS,
    "tweepy__test_asyncclient_get_liking_users.json": PEOPLE,
    "twarc-csv__counts.jsonl": COUNTS,
    "twarc-csv__lists.jsonl": "lists of accounts, not posts",
    "twarc-csv__users.jsonl": PEOPLE,
}
PICTURE = re.compile(r"/status/\d+/(photo|video)/\d+$")
KINDS = {"photo": "image", "animated_gif": "image", "video": "video"}


def bodies(payloads: Path, name: str) -> list[dict[str, Any]]:
    text = (payloads / "x" / name).read_bytes().decode("utf-8")
    if name.endswith(".jsonl"):
        return [json.loads(line) for line in text.split("\n") if line.strip()]
    body = json.loads(text)
    return [one["response"]["body"] for one in body["recorded"]] if "recorded" in body else [body]


def here(server: HTTPServer, **changes: Any) -> Account:
    values = {"name": "replay", "platform": "x", "target": "9001", "token": "t", "official": True}
    return Account(**{**values, "base_url": server.url_for("").rstrip("/"), "allow_private": True, **changes})


def serve(server: HTTPServer, body: Any) -> list[Request]:
    """Gives the page for whatever is asked, and nothing after it."""
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        onward = request.args.get("pagination_token") or request.args.get("next_token") or request.args.get("since_id")
        return Response(json.dumps({"meta": {"result_count": 0}} if onward else body), mimetype="application/json")

    server.expect_request(re.compile(".*")).respond_with_handler(answer)
    return asked


class Expected:
    """What one recorded item must become."""

    def __init__(self, item: dict[str, Any], body: dict[str, Any]) -> None:
        included = body.get("includes", {})
        self.item = item
        self.users = {one["id"]: one for one in included.get("users", ())}
        self.tweets = {one["id"]: one for one in included.get("tweets", ())}
        self.media = {one["media_key"]: one for one in included.get("media", ())}
        self.refs = {ref["type"]: ref["id"] for ref in item.get("referenced_tweets", ())}
        self.source = self.tweets.get(self.refs.get("retweeted", ""), item)

    def first(self, number: str | None) -> str | None:
        """The first id in the history of the post with this id, where that came along."""
        known = {**self.tweets, self.item["id"]: self.item}.get(number or "", {})
        return min(known.get("edit_history_tweet_ids") or [number], key=int) if number else None

    @property
    def urls(self) -> list[dict[str, Any]]:
        return sorted(self.source.get("entities", {}).get("urls", ()), key=lambda url: url["start"])

    @staticmethod
    def is_picture(url: dict[str, Any]) -> bool:
        return "media_key" in url or bool(PICTURE.search(url["expanded_url"]))

    @property
    def text(self) -> str:
        sent, parts, at = self.source["text"], [], 0
        for url in self.urls:
            assert sent[url["start"] : url["end"]] == url["url"]
            parts += [unescaped(sent[at : url["start"]]), "" if self.is_picture(url) else url["expanded_url"]]
            at = url["end"]
        text = "".join([*parts, unescaped(sent[at:])])
        text = text.rstrip() if "attachments" in self.source else text
        if self.source is self.item:
            return text
        return self.item["text"].partition(": ")[0] + ": " + text

    @property
    def links(self) -> tuple[str, ...]:
        found = [url.get("unwound_url") or url["expanded_url"] for url in self.urls if not self.is_picture(url)]
        return tuple(dict.fromkeys(found))

    @property
    def shown(self) -> list[tuple[str, str | None, str | None]]:
        found = [self.media.get(key, {}) for key in self.source.get("attachments", {}).get("media_keys", ())]
        return [(KINDS[m["type"]], m.get("url") or m.get("preview_image_url"), m.get("alt_text")) for m in found if m]

    def check(self, post: Post) -> None:
        """Every field, each under its own name in the message."""
        item, author = self.item, self.users.get(self.item.get("author_id", ""), {})
        language = item.get("lang")
        made = datetime.fromisoformat(item["created_at"]) if "created_at" in item else None
        is_reply = "replied_to" in self.refs or "in_reply_to_user_id" in item
        same = {
            "text": post.text == self.text,
            "id": post.id == self.first(item["id"]),
            "kind": post.kind == ("reply" if is_reply else "post"),
            "author": (None if post.author is None else (post.author.id, post.author.handle, post.author.name))
            == ((item["author_id"], author.get("username"), author.get("name")) if "author_id" in item else None),
            "written": made is None or made.astimezone(UTC) in (post.created_at, post.edited_at),
            "in UTC": all(t is None or t.tzinfo is UTC for t in (post.created_at, post.edited_at)),
            "language": post.language == (language if language and len(language) == 2 else None),
            "reply_to": post.reply_to == self.first(self.refs.get("replied_to")),
            "thread": post.thread == self.first(self.source.get("conversation_id")),
            "links": post.links == self.links,
            "media": not self.shown or [(m.kind, m.url, m.alt) for m in post.media] == self.shown,
            "count of media": len(post.media) == len(self.source.get("attachments", {}).get("media_keys", ())),
            "raw": json.loads(post.raw)["data"] == item,
            "url": (post.url or "").endswith("/status/" + item["id"]),
        }
        assert not [name for name, right in same.items() if not right]


def unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@pytest.mark.parametrize("name", PAGES)
def test_every_recorded_post_is_whole(httpserver: HTTPServer, payloads: Path, drain: Any, name: str) -> None:
    what, count = PAGES[name]
    checked = 0
    for body in bodies(payloads, name):
        httpserver.clear()
        items = body["data"] if isinstance(body["data"], list) else [body["data"]]
        serve(httpserver, {**body, "data": items})
        source = here(httpserver, reads=(what,))
        reading = drain(XConnector(), source)
        assert (len(reading.oddities), reading.gaps) == (0, [])
        posts = {post.id: post for post in reading.posts}
        expected = [Expected(item, body) for item in items]
        assert len(posts) == len(reading.posts) == len({one.first(one.item["id"]) for one in expected})
        for one in expected:
            one.check(posts[one.first(one.item["id"]) or ""])
        checked += len(items)
        assert drain(XConnector(), source, reading.cursor).posts == []
    assert checked == count


def test_what_the_recorded_pages_hold_is_enough_to_show_each_field(payloads: Path) -> None:
    """Otherwise the comparison above would hold for empty fields alone."""
    found: dict[str, int] = dict.fromkeys(("media", "alt", "links", "replies", "reposts", "languages", "edits"), 0)
    for name in PAGES:
        for body in bodies(payloads, name):
            for item in body["data"] if isinstance(body["data"], list) else [body["data"]]:
                one = Expected(item, body)
                found["media"] += bool(one.shown)
                found["alt"] += any(alt for _, _, alt in one.shown)
                found["links"] += bool(one.links)
                found["replies"] += "replied_to" in one.refs
                found["reposts"] += one.source is not item
                found["languages"] += len(item.get("lang", "")) == 2
                found["edits"] += one.first(item["id"]) != item["id"]
    assert found.pop("alt") == 0  # the recordings name no alt text: a golden pair shows it instead
    assert min(found.values()) >= 1, found


@pytest.mark.parametrize("name", sorted(USERS))
def test_recorded_users_are_found(httpserver: HTTPServer, payloads: Path, name: str) -> None:
    (body,) = bodies(payloads, name)
    httpserver.expect_request(re.compile("/2/users/by/username/.*")).respond_with_json(body)
    httpserver.expect_request(re.compile("/2/users/.*")).respond_with_json({"meta": {"result_count": 0}})
    page = XConnector().fetch(here(httpserver, target=f"@{body['data']['username']}"), None)
    assert page.posts == ()
    assert httpserver.log[-1][0].path == f"/2/users/{body['data']['id']}/tweets"


@pytest.mark.parametrize("name", NOT_READ)
def test_recorded_answers_of_other_endpoints_never_become_posts(
    httpserver: HTTPServer, payloads: Path, drain: Any, name: str
) -> None:
    """A person, a list or a count has no text: it is set aside, or the page is refused."""
    for body in bodies(payloads, name):
        httpserver.clear()
        serve(httpserver, body)
        try:
            reading = drain(XConnector(), here(httpserver))
        except (UnexpectedResponseError, AccountNotFoundError):
            continue
        assert reading.posts == []
        assert reading.oddities


def test_every_recorded_file_is_read_or_has_its_reason(payloads: Path) -> None:
    files = {file.name for file in (payloads / "x").iterdir()}
    assert files == {*PAGES, *USERS, *NOT_READ}
