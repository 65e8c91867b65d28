"""Recorded answers of Facebook's and Instagram's Graph API and of Threads, through facebook-sdk over HTTP, by fields.

What must come out is worked out from what was sent, without the connectors' own readers. The posts are those of real
people, so no message of a failed test shows one of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.errors import AccountNotFoundError, AuthenticationError, ConnectorError
from connectors.facebook import FacebookConnector
from connectors.instagram import InstagramConnector
from connectors.post import Account, Post
from connectors.threads import ThreadsConnector

FEED = ("python-facebook__posts_feeds_default_fields_p1.json", "python-facebook__posts_feeds_default_fields_p2.json")
POSTS = {
    **dict.fromkeys(FEED, 5),
    "python-facebook__posts_multi_posts_data.json": 2,
    "python-facebook__posts_single_post_data.json": 1,
    "python-facebook__posts_single_post_data_fields.json": 1,
    "restfb__json_post-with-empty-comments.json": 1,
}
COMMENTS = {
    "python-facebook__comments_create_resp.json": 1,
    "python-facebook__posts_multi_posts_data.json": 16,
    "restfb__v2_9_comment-reactions.json": 1,
}
RATINGS = {"restfb__v3_1_opengraphrating-recommendation.json": 1}
ERRORS: dict[str, type[ConnectorError]] = {
    "python-facebook__error_error_data.json": AccountNotFoundError,
    "python-facebook__testdata_error.json": AuthenticationError,
}
FILM = "a film by itself: a Page's films come as its posts, from published_posts"
PHOTO = "a picture by itself: a Page's pictures come as its posts, from published_posts"
PAGE = "a Page's own card or picture, which holds no post: what it says of itself is read in test_profile.py"
HOOK = "a webhook, which needs a door open to the internet: the same is read by asking"
FACEBOOK_NOT_READ = {
    **dict.fromkeys((f"python-facebook__live_videos_live_video{n}.json" for n in ("_default", "_fields")), FILM),
    **dict.fromkeys((f"python-facebook__live_videos_live_videos{n}.json" for n in ("_default", "_fields")), FILM),
    **dict.fromkeys((f"python-facebook__videos_video{n}_default.json" for n in ("_info", "s_info")), FILM),
    **dict.fromkeys((f"python-facebook__videos_video{n}_fields.json" for n in ("_info", "s_info")), FILM),
    **dict.fromkeys((f"python-facebook__photos_photo{n}_default.json" for n in ("_info", "s_info")), PHOTO),
    **dict.fromkeys((f"python-facebook__photos_photo{n}_fields.json" for n in ("_info", "s_info")), PHOTO),
    **dict.fromkeys((f"python-facebook__pictures_{n}.json" for n in ("multi_pictures", "single_picture")), PAGE),
    "python-facebook__pages_multi_default_fields.json": PAGE,
    "python-facebook__pages_single_default_page.json": PAGE,
    "python-facebook__pages_search_pages.json": "a search for Pages: Watcher reads those that the school names",
    "restfb__v2_8_post-multishare.json": "the parts of an advertisement, asked by a field that Watcher never names",
    **dict.fromkeys(
        (
            f"restfb__webhook_{name}.json"
            for name in (
                "feed-album-add", "feed-comment-add-with-photo", "feed-comment-edited-with-video", "feed-event-add",
                "feed-like-remove-25", "feed-photo-edited", "feed-post-add-25", "feed-post-unhide",
                "feed-reaction-edit", "feed-share-unhide", "feed-status-edited-photos", "feed-video-add",
                "feed-video-mute", "mention-comment-add", "ratings-like-add-25", "ratings-rating-add-25",
                "ratings-reaction-add",
            )
        ),
        HOOK,
    ),
}  # fmt: skip
MEDIA = {
    "python-facebook__medias_media_default.json": 1,
    "python-facebook__medias_medias_fields.json": 2,
    "python-facebook__users_medias_p1.json": 2,
    "python-facebook__users_medias_p2.json": 2,
    "restfb__instagram_media-carousel.json": 1,
    "restfb__instagram_media-image.json": 1,
    "python-facebook__hashtags_hashtag_top_medias_p1.json": 25,
    "python-facebook__hashtags_hashtag_top_medias_p2.json": 25,
}
KINDS = {
    "photo": "image",
    "video": "video",
    "link": "other",
    "IMAGE": "image",
    "VIDEO": "video",
    "CAROUSEL_ALBUM": "other",
}


def sent(payloads: Path, platform: str, name: str) -> Any:
    return json.loads((payloads / platform / name).read_bytes())


def nodes(body: Any) -> list[dict[str, Any]]:
    """The objects of an answer: a page's, one by itself, or several by their ids."""
    if isinstance(body.get("data"), list):
        return list(body["data"])
    return [body] if "id" in body else list(body.values())


def here(server: HTTPServer, platform: str, target: str, **changes: Any) -> Account:
    base = server.url_for("").rstrip("/")
    values = {"name": "replay", "platform": platform, "target": target, "token": "EAAreplayed", "base_url": base}
    return Account(**{**values, "allow_private": True, **changes})


def serve(server: HTTPServer, edges: Mapping[str, Any]) -> list[Request]:
    """Answers each edge with what was recorded; a page after the first is asked for by its cursor."""
    asked: list[Request] = []

    def answer(request: Request) -> Response:
        asked.append(request)
        path = re.sub(r"^/v\d+\.\d+/", "", request.path)
        after = request.args.get("after")
        body = edges.get(f"{path}?{after}" if after else path)
        if body is None:
            body = {"error": {"message": "no such edge", "type": "OAuthException", "code": 803}}
        return Response(json.dumps(body), 400 if "error" in body else 200, mimetype="application/json")

    server.expect_request(re.compile(".*")).respond_with_handler(answer)
    return asked


def moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)


def addresses(text: str) -> list[str]:
    """The links of a text, found by words instead of by a pattern."""
    words = (word[word.find("http") :] for word in text.split() if "http://" in word or "https://" in word)
    return list(dict.fromkeys(word.rstrip(".,;:!?)]}'’”…") for word in words))


def same(pairs: Mapping[str, bool]) -> None:
    """Every field holds; otherwise the names of those that do not, and never what they hold."""
    assert not [name for name, right in pairs.items() if not right]


def check_post(post: Post, item: dict[str, Any]) -> None:
    """One post of a Page."""
    text = item.get("message", item.get("story", ""))
    attached = item.get("attachments", {}).get("data", [])
    shown = [part for one in attached for part in one.get("subattachments", {}).get("data", [one])]
    shared = [part["unshimmed_url"] for part in shown if part["media_type"] == "link"]
    alts = [[part[k].strip() for k in ("title", "description") if part.get(k)] for part in shown]
    own = item["id"].partition("_")[0]
    writer = item.get("from", {"id": own})
    same(
        {
            "text": post.text == text,
            "author": post.author is not None and post.author.id == writer["id"],
            "author's name": post.author is not None and post.author.name == writer.get("name"),
            "written": post.created_at == moment(item["created_time"]),
            "in UTC": post.created_at is not None and post.created_at.tzinfo is UTC,
            "url": post.url == item.get("permalink_url", f"https://www.facebook.com/{item['id']}"),
            "kind": (post.kind, post.reply_to, post.thread) == ("post", None, item["id"]),
            "links": list(post.links) == list(dict.fromkeys([*addresses(text), *shared])),
            "media": [(m.kind, m.url) for m in post.media]
            == [(KINDS[part["media_type"]], part["media"]["image"]["src"]) for part in shown],
            "alt": [m.alt for m in post.media]
            == ["\n".join(dict.fromkeys(word for word in one if word != text.strip())) or None for one in alts],
            "raw": json.loads(post.raw) == item,
        }
    )


@pytest.mark.parametrize("name", POSTS)
def test_every_recorded_post_of_a_page_is_whole(httpserver: HTTPServer, payloads: Path, drain: Any, name: str) -> None:
    items = nodes(sent(payloads, "facebook", name))
    owner = items[0]["id"].partition("_")[0]
    serve(httpserver, {f"{owner}/published_posts": {"data": items}})
    source = here(httpserver, "facebook", owner, official=True)
    reading = drain(FacebookConnector(), source)
    assert (len(reading.oddities), reading.gaps) == (0, [])
    posts = {post.id: post for post in reading.posts}
    assert len(posts) == len(reading.posts) == len(items) == POSTS[name]
    for item in items:
        check_post(posts[item["id"]], item)
        author = posts[item["id"]].author
        assert author is not None
        assert author.official == ("from" not in item and "_" in item["id"])
    assert drain(FacebookConnector(), source, reading.cursor).posts == []


def test_the_recorded_pages_of_posts_lead_on_as_they_were_sent(
    httpserver: HTTPServer, payloads: Path, drain: Any
) -> None:
    first, second = (sent(payloads, "facebook", name) for name in FEED)
    owner, after = first["data"][0]["id"].partition("_")[0], first["paging"]["cursors"]["after"]
    edge = f"{owner}/published_posts"
    asked = serve(httpserver, {edge: first, f"{edge}?{after}": second})
    reading = drain(FacebookConnector(page_size=5), here(httpserver, "facebook", owner))
    assert [post.id for post in reading.posts] != []
    assert {post.id for post in reading.posts} == {one["id"] for one in (*first["data"], *second["data"])}
    assert all("access_token" not in request.args for request in asked)


@pytest.mark.parametrize("name", COMMENTS)
def test_every_recorded_comment_on_a_page_is_whole(
    httpserver: HTTPServer, payloads: Path, drain: Any, name: str
) -> None:
    found = nodes(sent(payloads, "facebook", name))
    under = {one["id"]: one["comments"]["data"] for one in found if "comments" in one} or {"19_7": found}
    owner = next(iter(under)).partition("_")[0]
    listed = [{"id": number, "updated_time": "2026-11-20T08:00:00+0000"} for number in under]
    edges = {f"{number}/comments": {"data": comments} for number, comments in under.items()}
    serve(httpserver, {f"{owner}/published_posts": {"data": listed}, **edges})
    reading = drain(FacebookConnector(), here(httpserver, "facebook", owner, reads=("comments",)))
    assert (len(reading.oddities), reading.gaps) == (0, [])
    posts = {post.id: post for post in reading.posts}
    items = [(number, item) for number, comments in under.items() for item in comments]
    assert len(posts) == len(items) == COMMENTS[name]
    for number, item in items:
        post, writer = posts[item["id"]], item.get("from")
        same(
            {
                "text": post.text == item["message"],
                "author": (None if post.author is None else (post.author.id, post.author.name))
                == (None if writer is None else (writer["id"], writer["name"])),
                "written": post.created_at == (moment(item["created_time"]) if "created_time" in item else None),
                "kind": (post.kind, post.reply_to, post.thread) == ("comment", number, number),
                "links": list(post.links) == addresses(item["message"]),
                "raw": json.loads(post.raw) == item,
            }
        )


@pytest.mark.parametrize("name", RATINGS)
def test_every_recorded_recommendation_is_a_review(
    httpserver: HTTPServer, payloads: Path, drain: Any, name: str
) -> None:
    item = sent(payloads, "facebook", name)
    edges = {"100900/tagged": {"data": []}, "100900/ratings": {"data": [item]}, "100900/feed": {"data": []}}
    serve(httpserver, edges)
    source = here(httpserver, "facebook", "100900", official=True, reads=("mentions",))
    reading = drain(FacebookConnector(), source)
    assert (len(reading.oddities), reading.gaps) == (0, [])
    (post,) = reading.posts
    chosen = {"positive": "Recommends", "negative": "Does not recommend"}[item["recommendation_type"]]
    same(
        {
            "kind": (post.kind, post.reply_to, post.thread) == ("review", None, post.id),
            "id": post.id == item["open_graph_story"]["id"],
            "text": post.text == f"{chosen}, {item['rating']} of 5 stars",
            "author": post.author is None and "reviewer" not in item,
            "written": post.created_at == moment(item["created_time"]),
            "url": post.url == f"https://www.facebook.com/{item['open_graph_story']['id']}",
            "links": post.links == (),
            "raw": json.loads(post.raw) == item,
        }
    )
    assert drain(FacebookConnector(), source, reading.cursor).posts == []


@pytest.mark.parametrize("name", ERRORS)
def test_recorded_errors_have_their_meaning(httpserver: HTTPServer, payloads: Path, name: str) -> None:
    serve(httpserver, {"100900/published_posts": sent(payloads, "facebook", name)})
    with pytest.raises(ERRORS[name]):
        FacebookConnector().fetch(here(httpserver, "facebook", "100900"), None)


@pytest.mark.parametrize("name", FACEBOOK_NOT_READ)
def test_recorded_answers_of_other_endpoints_never_become_comments(
    httpserver: HTTPServer, payloads: Path, name: str
) -> None:
    """They are no page, or their items are set aside; a Page's own card has an id, but neither time nor words."""
    body = sent(payloads, "facebook", name)
    listed = [{"id": "100900_1", "updated_time": "2026-11-20T08:00:00+0000"}]
    serve(httpserver, {"100900/published_posts": {"data": listed}, "100900_1/comments": body})
    source = here(httpserver, "facebook", "100900", reads=("comments",))
    try:
        page = FacebookConnector().fetch(source, None)
    except ConnectorError:
        return
    assert all((post.text, post.author, post.created_at) == ("", None, None) for post in page.posts)


@pytest.mark.parametrize("name", MEDIA)
def test_every_recorded_medium_of_instagram_is_whole(
    httpserver: HTTPServer, payloads: Path, drain: Any, name: str
) -> None:
    items = nodes(sent(payloads, "instagram", name))
    own = "17841400000000001"
    tag = sent(payloads, "instagram", "python-facebook__users_hashtag_search.json")
    edges = {
        f"{own}/media": {"data": items},
        f"{own}/recently_searched_hashtags": {"data": []},
        "ig_hashtag_search": tag,
        f"{tag['data'][0]['id']}/recent_media": {"data": items},
    }
    serve(httpserver, edges)
    searched = "hashtag" in name
    target = {"target": "#invented", "reads": ("search",)} if searched else {"target": own, "official": True}
    reading = drain(InstagramConnector(user_id=own), here(httpserver, "instagram", **target))
    assert (len(reading.oddities), reading.gaps) == (0, [])
    posts = {post.id: post for post in reading.posts}
    assert len(posts) == len(items) == MEDIA[name]
    for item in items:
        check_medium(posts[item["id"]], item, None if searched else own)


def check_medium(post: Post, item: dict[str, Any], own: str | None) -> None:
    text = item.get("caption", "")
    parts = item.get("children", {}).get("data", [item])
    said = [(one.get("media_type", ""), one.get("media_url", "")) for one in parts]
    # Where the recording holds a stand-in instead of an address, there is none to keep.
    shown = [(KINDS.get(kind, "other"), url if url.startswith("http") else None) for kind, url in said]
    owner = item.get("owner", {}).get("id", own)
    same(
        {
            "text": post.text == text,
            "author": (post.author and post.author.id) == owner,
            "handle": post.author is None or "username" not in item or post.author.handle == item["username"],
            "official": post.author is None or post.author.official == (owner == own),
            "written": post.created_at == (moment(item["timestamp"]) if "timestamp" in item else None),
            "url": post.url == item["permalink"],
            "kind": (post.kind, post.reply_to, post.thread) == ("post", None, item["id"]),
            "links": list(post.links) == addresses(text),
            "media": [(m.kind, m.url) for m in post.media] == shown,
            "raw": json.loads(post.raw) == item,
        }
    )


def test_recorded_comments_of_instagram_are_whole(httpserver: HTTPServer, payloads: Path, drain: Any) -> None:
    one = sent(payloads, "instagram", "python-facebook__comments_comment_fields.json")
    other = sent(payloads, "instagram", "restfb__instagram_comment.json")
    one["replies"] = {"data": sent(payloads, "instagram", "python-facebook__comments_replies.json")["data"]}
    own = sent(payloads, "instagram", "python-facebook__users_user_fields.json")
    edges = {
        own["id"]: own,
        f"{own['id']}/media": {"data": [{"id": "1", "comments_count": 4}]},
        "1/comments": {"data": [one, other]},
    }
    serve(httpserver, edges)
    reading = drain(InstagramConnector(), here(httpserver, "instagram", own["id"], reads=("comments",)))
    found = [(top, answer) for top in (one, other) for answer in (None, *top["replies"]["data"])]
    assert len(reading.posts) == len(found) == 4
    posts = {post.id: post for post in reading.posts}
    for top, answer in found:
        item = answer or top
        post = posts[item["id"]]
        names = (item.get("username"), item.get("user", {}).get("id"))
        same(
            {
                "text": post.text == item.get("text", ""),
                "author": (post.author is None) == (names == (None, None)),
                "handle": post.author is None or post.author.handle == names[0],
                "written": post.created_at == (moment(item["timestamp"]) if "timestamp" in item else None),
                "kind": post.kind == ("reply" if answer else "comment"),
                "reply_to": (post.reply_to, post.thread) == (top["id"] if answer else "1", "1"),
            }
        )


def test_recorded_replies_on_threads_are_whole(httpserver: HTTPServer, payloads: Path, drain: Any) -> None:
    own = sent(payloads, "threads", "restfb__threads_basic-profile.json")
    items = sent(payloads, "threads", "restfb__threads_basic-list-reply.json")["data"]
    items.append(sent(payloads, "threads", "restfb__threads_basic-reply.json"))
    items = [{**item, "id": f"1800000000000000{n}"} for n, item in enumerate(items)]  # they were given one id for all
    serve(httpserver, {"me": own, f"{own['id']}/mentions": {"data": items}})
    source = here(httpserver, "threads", "@" + own["username"], reads=("mentions",))
    posts = {post.id: post for post in drain(ThreadsConnector(), source).posts}
    assert len(posts) == len(items) == 4
    for item in items:
        post = posts[item["id"]]
        same(
            {
                "text": post.text == item["text"],
                "written": post.created_at == moment(item["timestamp"]),
                "kind": post.kind == "reply",
                "reply_to": post.reply_to == item["replied_to"]["id"],
                "thread": post.thread == item["root_post"]["id"],
                "raw": json.loads(post.raw) == item,
            }
        )


def test_every_recorded_file_of_facebook_is_read_or_has_its_reason(payloads: Path) -> None:
    files = {file.name for file in (payloads / "facebook").iterdir()}
    assert files == {*POSTS, *COMMENTS, *RATINGS, *ERRORS, *FACEBOOK_NOT_READ}
