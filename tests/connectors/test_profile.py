"""What an account says of itself, asked over HTTP; and a search on X whose words change. All of it is invented."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.bluesky import BlueskyConnector
from connectors.errors import AccountNotFoundError, AuthenticationError, ConnectorError, PermanentError
from connectors.facebook import FacebookConnector
from connectors.instagram import InstagramConnector
from connectors.linkedin import LinkedinConnector
from connectors.mastodon import MastodonConnector
from connectors.post import Account, Cursor
from connectors.profile import Profile, Profiler
from connectors.reddit import RedditConnector
from connectors.threads import ThreadsConnector
from connectors.tiktok import TiktokConnector
from connectors.x import XConnector
from connectors.youtube import YoutubeConnector


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


@pytest.mark.parametrize(("privacy", "protected"), [("public", False), ("private", True), (None, None)])
def test_youtube_tells_title_description_and_privacy(
    httpserver: HTTPServer, privacy: str | None, protected: bool | None
) -> None:
    item: dict[str, Any] = {
        "kind": "youtube#channel",
        "id": "UCabcdefgh",
        "snippet": {"title": "Hollin Primary", "description": "Our  school", "customUrl": "@hollinprimary"},
    }
    if privacy:
        item["status"] = {"privacyStatus": privacy}
    httpserver.expect_oneshot_request(
        "/youtube/v3/channels", query_string={"part": "snippet,status", "forHandle": "@hollinprimary"}
    ).respond_with_json({"items": [item]})
    found = YoutubeConnector().profile(account(httpserver, "youtube", "@hollinprimary"))
    assert found == Profile(handle="hollinprimary", name="Hollin Primary", about="Our school", protected=protected)


def test_youtube_says_that_there_is_no_such_channel_or_that_a_video_is_none(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/youtube/v3/channels").respond_with_json({"kind": "youtube#channelListResponse"})
    for target in ("@gone", "https://youtu.be/abcdefghijk", "two words"):
        with pytest.raises(AccountNotFoundError, match=r"no channel"):
            YoutubeConnector().profile(account(httpserver, "youtube", target))


def test_a_page_on_facebook_tells_its_texts_site_and_whether_it_is_published(httpserver: HTTPServer) -> None:
    body = {
        "id": "77",
        "name": "Hollin Primary",
        "username": "hollinprimary",
        "about": "A school",
        "description": "in Tolbeck",
        "website": "https://www.hollin.example",
        "is_published": False,
    }
    httpserver.expect_request("/v26.0/hollinprimary").respond_with_json(body)
    found = FacebookConnector().profile(account(httpserver, "facebook", "hollinprimary"))
    assert found == Profile(
        handle="hollinprimary",
        name="Hollin Primary",
        about="A school in Tolbeck",
        links=("https://www.hollin.example",),
        protected=True,
    )


def meta_refusing(field: str, body: dict[str, Any]) -> Any:
    """Meta, which knows no such field."""

    def answer(request: Request) -> Response:
        if field in request.args["fields"].split(","):
            error = {"message": f"(#100) Tried accessing nonexisting field ({field})", "code": 100}
            return Response(json.dumps({"error": error}), status=400, content_type="application/json")
        return Response(json.dumps(body), content_type="application/json")

    return answer


def test_what_meta_does_not_give_of_a_profile_is_said(httpserver: HTTPServer) -> None:
    page = {"id": "77", "name": "Hollin Primary", "about": "A school"}
    httpserver.expect_request("/v26.0/hollin").respond_with_handler(meta_refusing("is_published", page))
    found = FacebookConnector().profile(account(httpserver, "facebook", "hollin"))
    assert (found.name, found.about, found.protected) == ("Hollin Primary", "A school", None)
    assert "long description" in found.unseen
    gram = {"id": "1789", "username": "hollin"}
    httpserver.expect_request("/v26.0/1789").respond_with_handler(meta_refusing("biography", gram))
    one = InstagramConnector().profile(account(httpserver, "instagram", "1789"))
    assert one == Profile(handle="hollin", unseen="Instagram did not give the account's description")


def test_instagram_tells_name_biography_and_site(httpserver: HTTPServer) -> None:
    body = {
        "id": "1789",
        "username": "hollinprimary",
        "name": "Hollin",
        "biography": "Hollin Primary,\nTolbeck",
        "website": "https://www.hollin.example/",
    }
    httpserver.expect_request("/v26.0/1789").respond_with_json(body)
    found = InstagramConnector().profile(account(httpserver, "instagram", "1789"))
    assert found == Profile(
        handle="hollinprimary",
        name="Hollin",
        about="Hollin Primary, Tolbeck",
        links=("https://www.hollin.example/",),
    )


def test_threads_tells_name_and_biography_and_not_whether_it_is_private(httpserver: HTTPServer) -> None:
    body = {"id": "12", "username": "hollin", "name": "Hollin Primary", "threads_biography": "Tolbeck"}
    httpserver.expect_request("/v1.0/me").respond_with_json(body)
    found = ThreadsConnector().profile(account(httpserver, "threads", "@hollin"))
    assert found == Profile(handle="hollin", name="Hollin Primary", about="Tolbeck", protected=None)
    with pytest.raises(AccountNotFoundError, match="token is that of @hollin"):
        ThreadsConnector().profile(account(httpserver, "threads", "@another"))


def test_tiktok_tells_its_name_and_says_what_the_token_may_not_read(httpserver: HTTPServer) -> None:
    def person(request: Request) -> Response:
        asked = request.args["fields"].split(",")
        if not allowed and {"username", "bio_description"} & set(asked):
            error = {"code": "scope_not_authorized", "message": "no"}
            return Response(json.dumps({"error": error}), status=401, content_type="application/json")
        every = {
            "open_id": "o-1",
            "display_name": "Hollin Primary",
            "username": "hollin",
            "bio_description": "Tolbeck",
        }
        user = {field: every[field] for field in asked}
        answer = {"data": {"user": user}, "error": {"code": "ok"}}
        return Response(json.dumps(answer), content_type="application/json")

    httpserver.expect_request("/v2/user/info/").respond_with_handler(person)
    allowed = True
    found = TiktokConnector().profile(account(httpserver, "tiktok", "@hollin"))
    assert found == Profile(handle="hollin", name="Hollin Primary", about="Tolbeck", protected=None)
    allowed = False
    found = TiktokConnector().profile(account(httpserver, "tiktok", "@hollin"))
    assert (found.name, found.about, "user.info.profile" in found.unseen) == ("Hollin Primary", "", True)


def test_reddit_tells_title_and_description_of_a_user_and_of_nothing_else(httpserver: HTTPServer) -> None:
    data: dict[str, Any] = {"name": "hollin", "subreddit": {"title": "Hollin Primary", "public_description": "Tolbeck"}}
    httpserver.expect_request("/user/hollin/about").respond_with_handler(
        lambda _: Response(json.dumps({"kind": "t2", "data": data}), content_type="application/json")
    )
    own = account(httpserver, "reddit", "u/hollin")
    assert RedditConnector().profile(own) == Profile(handle="hollin", name="Hollin Primary", about="Tolbeck")
    data["subreddit"] = None
    assert RedditConnector().profile(own) == Profile(handle="hollin")
    data["is_suspended"] = True
    with pytest.raises(AccountNotFoundError, match="suspended u/hollin"):
        RedditConnector().profile(own)
    with pytest.raises(PermanentError, match="nobody's own"):
        RedditConnector().profile(account(httpserver, "reddit", "r/hollin"))
    with pytest.raises(PermanentError, match="never read"):
        RedditConnector().profile(account(httpserver, "reddit", "u/hollin", official=False))


@pytest.mark.parametrize(
    ("about", "target", "path"),
    [
        ({"localizedDescription": "In Tolbeck"}, "123", "/rest/organizations/123"),
        ({"description": {"localized": {"en_GB": "In", "cy_GB": "Tolbeck"}}}, "123", "/rest/organizations/123"),
        ({"localizedDescription": "In Tolbeck"}, "urn:li:organizationBrand:9", "/rest/organizationBrands/9"),
    ],
)
def test_linkedin_tells_name_description_and_site(
    httpserver: HTTPServer, about: dict[str, Any], target: str, path: str
) -> None:
    body = {"id": 123, "vanityName": "hollin", "localizedName": "Hollin Primary", **about}
    httpserver.expect_request(path).respond_with_json({**body, "localizedWebsite": "https://www.hollin.example"})
    found = LinkedinConnector().profile(account(httpserver, "linkedin", target))
    assert found == Profile(
        handle="hollin", name="Hollin Primary", about="In Tolbeck", links=("https://www.hollin.example",)
    )


def test_linkedin_names_the_permission_that_a_page_needs_for_it(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/rest/organizations/123").respond_with_json({"message": "no"}, status=403)
    with pytest.raises(AuthenticationError, match="rw_organization_admin"):
        LinkedinConnector().profile(account(httpserver, "linkedin", "123"))


ALL = {
    "bluesky": (BlueskyConnector, "@hollin.example"),
    "facebook": (FacebookConnector, "hollin"),
    "instagram": (InstagramConnector, "1789"),
    "linkedin": (LinkedinConnector, "123"),
    "mastodon": (MastodonConnector, "@hollin"),
    "reddit": (RedditConnector, "u/hollin"),
    "threads": (ThreadsConnector, "@hollin"),
    "tiktok": (TiktokConnector, "@hollin"),
    "x": (XConnector, "@hollin"),
    "youtube": (YoutubeConnector, "@hollin"),
}


@pytest.mark.parametrize("platform", sorted(ALL))
@pytest.mark.parametrize("body", [[], {}, {"data": {"user": 7}, "items": [7]}, {"error": {"code": 190}}])
def test_odd_answers_are_no_profile_and_break_nothing(httpserver: HTTPServer, platform: str, body: Any) -> None:
    made, target = ALL[platform]
    connector = made(timeout_s=2.0)
    assert isinstance(connector, Profiler)
    httpserver.expect_request(re.compile(".*")).respond_with_json(body)
    with contextlib.suppress(ConnectorError):
        found = connector.profile(account(httpserver, platform, target))
        assert (found.name, found.about, found.links) == ("", "", ())


RECORDED = {
    "python-facebook__pages_single_default_page.json": ("facebook", "/v26.0/own", "own", ("about", "website")),
    "python-facebook__pages_multi_default_fields.json": ("facebook", "/v26.0/own", "own", ("about", "website")),
    "python-facebook__users_user_fields.json": ("instagram", "/v26.0/1", "1", ("biography", "website")),
    "restfb__threads_basic-profile.json": ("threads", "/v1.0/me", "me", ("threads_biography", "website")),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_pages_and_accounts_say_who_they_are(httpserver: HTTPServer, payloads: Path, name: str) -> None:
    platform, path, target, (about, site) = RECORDED[name]
    answer = json.loads((payloads / platform / name).read_bytes())
    for body in answer.values() if "multi" in name else [answer]:
        httpserver.clear()
        httpserver.expect_request(path).respond_with_json(body)
        found = ALL[platform][0]().profile(account(httpserver, platform, target))
        told = (found.handle, found.name, found.about, found.links)
        words = " ".join(" ".join(str(body.get(field, "")) for field in (about, "description")).split())
        assert told == (body["username"], body["name"], words, tuple(filter(None, [body.get(site)])))


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
