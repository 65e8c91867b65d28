"""What an account says of itself, asked over HTTP; and a search on X whose words change. All of it is invented."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.bluesky import BlueskyConnector
from connectors.errors import AccountNotFoundError
from connectors.mastodon import MastodonConnector
from connectors.post import Account, Cursor
from connectors.profile import Profile, Profiler
from connectors.x import XConnector


def account(server: HTTPServer, platform: str, target: str, **more: Any) -> Account:
    base = server.url_for("/").rstrip("/")
    values: dict[str, Any] = {"token": "tok", "official": True, **more}
    return Account(name="own", platform=platform, target=target, base_url=base, allow_private=True, **values)


def test_x_tells_name_description_links_and_whether_it_is_protected(httpserver: HTTPServer) -> None:
    user = {
        "id": "7",
        "name": "Hollin Primary",
        "username": "hollinprimary",
        "description": "Our school  in Tolbeck",
        "protected": True,
        "url": "https://t.co/x",
        "entities": {"url": {"urls": [{"expanded_url": "https://www.hollin.example"}, "odd"]}, "description": {}},
    }
    httpserver.expect_request("/2/users/by/username/hollinprimary").respond_with_json({"data": user})
    connector = XConnector()
    assert isinstance(connector, Profiler)
    assert connector.profile(account(httpserver, "x", "@hollinprimary")) == Profile(
        handle="hollinprimary",
        name="Hollin Primary",
        about="Our school in Tolbeck",
        links=("https://www.hollin.example",),
        protected=True,
    )


def test_x_says_that_there_is_no_such_account(httpserver: HTTPServer) -> None:
    missing = {
        "errors": [{"title": "Not Found Error", "type": "https://api.twitter.com/2/problems/resource-not-found"}]
    }
    httpserver.expect_request("/2/users/by/username/gone").respond_with_json(missing)
    with pytest.raises(AccountNotFoundError, match="missing, renamed or suspended"):
        XConnector().profile(account(httpserver, "x", "gone"))


def test_mastodon_tells_note_and_fields_without_markup(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/v1/accounts/lookup").respond_with_json({"id": "9", "acct": "hollin"})
    body = {
        "id": "9",
        "acct": "hollin",
        "display_name": "Hollin",
        "note": "<p>Primary <b>School</b>, Tolbeck</p>",
        "locked": False,
        "fields": [{"name": "Site", "value": '<a href="x">https://www.hollin.example</a>'}, "odd"],
    }
    httpserver.expect_request("/api/v1/accounts/9").respond_with_json(body)
    found = MastodonConnector().profile(account(httpserver, "mastodon", "@hollin"))
    assert found == Profile(
        handle="hollin",
        name="Hollin",
        about="Primary School , Tolbeck https://www.hollin.example",
        links=("https://www.hollin.example",),
        protected=False,
    )


def test_bluesky_tells_name_and_description(httpserver: HTTPServer) -> None:
    body = {"did": "did:plc:abc", "handle": "hollin.example", "displayName": "Hollin Primary", "description": None}
    httpserver.expect_request("/xrpc/com.atproto.identity.resolveHandle").respond_with_json({"did": "did:plc:abc"})
    httpserver.expect_request("/xrpc/app.bsky.actor.getProfile").respond_with_json(body)
    found = BlueskyConnector().profile(account(httpserver, "bluesky", "@hollin.example", token=None))
    assert found == Profile(handle="hollin.example", name="Hollin Primary")


def test_a_search_on_x_goes_on_from_where_it_stood_when_its_words_change(httpserver: HTTPServer) -> None:
    asked: list[dict[str, str]] = []

    def search(request: Request) -> Response:
        asked.append(dict(request.args))
        first = int(request.args.get("since_id", "100"))
        posts = [{"id": str(first + 1), "text": "words", "author_id": "1", "created_at": "2026-11-20T08:00:00Z"}]
        page = {"data": posts, "meta": {"result_count": 1, "newest_id": str(first + 1)}}
        return Response(json.dumps(page), content_type="application/json")

    httpserver.expect_request("/2/tweets/search/recent").respond_with_handler(search)
    old, new = (
        account(httpserver, "x", words, official=False, reads=("search",)) for words in ('"Dene"', '"Dene" OR a')
    )
    connector = XConnector()
    cursor = connector.fetch(old, None).cursor
    page = connector.fetch(new, cursor)
    assert [page.posts[0].id, asked[1]["query"], asked[1]["since_id"]] == ["102", '"Dene" OR a', "101"]
    assert "since_id" not in asked[0]
    connector.fetch(new, page.cursor)
    assert asked[2]["since_id"] == "102"
    connector.fetch(new, Cursor(state="no JSON"))
    assert "since_id" not in asked[3], "what cannot be read begins anew"
