"""The YouTube connector against a real server that speaks its Data API, well and badly."""

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

from connectors._google import quota_day, quota_reset
from connectors._tube import read_target
from connectors.connector import Backfiller, Connector, Rechecker
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.post import Account
from connectors.youtube import YoutubeConnector

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
OWN, VIDEO = "UCalderbrookacademy00001", "aaaaaaaaaa1"


def moment(minutes: int) -> str:
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def film(number: int, **snippet: Any) -> dict[str, Any]:
    words = {"title": f"Invented film {number}", "description": f"About film {number}"}
    return {
        "kind": "youtube#video",
        "id": f"film{number:07}",
        "snippet": {"publishedAt": moment(number), "channelId": OWN, "channelTitle": "Alderbrook", **words, **snippet},
    }


def comment(name: str, minutes: int, text: str = "", parent: str | None = None, **snippet: Any) -> dict[str, Any]:
    body = {
        "textOriginal": text or f"Invented {name}",
        "authorDisplayName": "@nell",
        "authorChannelId": {"value": "UCnell"},
        "publishedAt": moment(minutes),
        "updatedAt": moment(minutes),
        **({"parentId": parent} if parent else {}),
        **snippet,
    }
    return {"kind": "youtube#comment", "id": name, "snippet": body}


def refusal(status: int, reason: str, **more: Any) -> Response:
    error = {"code": status, "message": "s3cret words", "errors": [{"domain": "youtube", "reason": reason}], **more}
    return Response(json.dumps({"error": error}), status, content_type="application/json")


class Tube:
    """A small YouTube: one channel with films, threads and their replies; lists page by offset."""

    def __init__(self, server: HTTPServer) -> None:
        self.films: list[dict[str, Any]] = []
        self.found: list[dict[str, Any]] = []
        self.threads: list[dict[str, Any]] = []
        self.replies: dict[str, list[dict[str, Any]]] = {}
        self.asked: list[Request] = []
        self.failing: dict[str, Response] = {}
        self.forgotten: set[str] = set()
        self.before: Callable[[Request], None] = lambda request: None
        server.expect_request(re.compile("/youtube/v3/.*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        self.before(request)
        path = request.path.rpartition("/")[2]
        if path in self.failing:
            answer = self.failing[path]
            return Response(answer.get_data(), answer.status_code, answer.headers)
        if request.args.get("pageToken") in self.forgotten:
            return refusal(400, "invalidPageToken")
        return getattr(self, path)(request.args)

    def json(self, items: list[Any], **more: Any) -> Response:
        body = {"kind": "youtube#listResponse", "items": items, **more}
        return Response(json.dumps(body), content_type="application/json; charset=UTF-8")

    def paged(self, args: Any, items: list[Any]) -> Response:
        start, size = int(args.get("pageToken", "T0")[1:]), int(args["maxResults"])
        onward = {"nextPageToken": f"T{start + size}"} if start + size < len(items) else {}
        return self.json(items[start : start + size], pageInfo={"totalResults": len(items)}, **onward)

    def channels(self, args: Any) -> Response:
        if args.get("forHandle", "@alderbrook") != "@alderbrook" or args.get("id", OWN) != OWN:
            return Response('{"kind": "youtube#channelListResponse", "pageInfo": {"totalResults": 0}}')
        details = {"relatedPlaylists": {"uploads": "UUown"}}
        return self.json([{"id": OWN, "snippet": {"customUrl": "@alderbrook"}, "contentDetails": details}])

    def playlistItems(self, args: Any) -> Response:  # noqa: N802
        assert args["playlistId"] == "UUown"
        listed = [
            {
                "kind": "youtube#playlistItem",
                "id": f"item-{one['id']}",
                "snippet": {**one["snippet"], "resourceId": {"videoId": one["id"]}},
                "status": {"privacyStatus": one.get("privacy", "public")},
            }
            for one in self.films
        ]
        return self.paged(args, listed)

    def videos(self, args: Any) -> Response:
        wanted = args["id"].split(",")
        return self.json([one for one in [*self.films, *self.found] if one["id"] in wanted])

    def search(self, args: Any) -> Response:
        listed = [
            {
                "kind": "youtube#searchResult",
                "id": {"kind": "youtube#video", "videoId": one["id"]},
                "snippet": {**one["snippet"], "title": "It&#39;s cut", "description": "About …"},
            }
            for one in self.found
        ]
        return self.paged(args, listed)

    def commentThreads(self, args: Any) -> Response:  # noqa: N802
        assert ("videoId" in args) != ("allThreadsRelatedToChannelId" in args)
        return self.paged(args, [self.thread(one) for one in self.threads])

    def thread(self, top: dict[str, Any]) -> dict[str, Any]:
        replies = self.replies.get(top["id"], [])
        snippet = {"channelId": OWN, "videoId": VIDEO, "topLevelComment": top, "totalReplyCount": len(replies)}
        return {"id": top["id"], "snippet": snippet, **({"replies": {"comments": replies[:5]}} if replies else {})}

    def comments(self, args: Any) -> Response:
        if "parentId" in args:
            return self.paged({**args, "maxResults": 4}, self.replies.get(args["parentId"], []))
        wanted = args["id"].split(",")
        there = [*self.threads, *(reply for replies in self.replies.values() for reply in replies)]
        found = [one for one in there if one["id"] in wanted]
        return self.json(found) if len(found) == len(wanted) else refusal(404, "commentNotFound")

    def put(self, *numbers: int) -> None:
        for number in numbers:
            self.films.insert(0, film(number))

    def talk(self, *numbers: int, replies: int = 0) -> None:
        for number in numbers:
            name = f"Ug{number}"
            self.threads.insert(0, comment(name, number))
            self.replies[name] = [comment(f"{name}.{n}", number + n, parent=name) for n in range(replies)]


@pytest.fixture
def tube(httpserver: HTTPServer) -> Tube:
    return Tube(httpserver)


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values = {
            "name": "alderbrook",
            "platform": "youtube",
            "target": "@alderbrook",
            "official": True,
            "token": "AIzas3cret",
            "base_url": httpserver.url_for("").rstrip("/"),
            "allow_private": True,
        }
        return Account(**{**values, **changes})

    return make


@pytest.fixture
def connector() -> YoutubeConnector:
    return YoutubeConnector(timeout_s=2, total_s=4, page_size=5)


def ids(posts: Any) -> list[str]:
    return [post.id for post in posts]


def numbers(posts: Any) -> list[int]:
    return sorted(int(post.id.removeprefix("film")) for post in posts)


@pytest.mark.parametrize(("name", "read"), [("uploads", "posts"), ("comments", "comments")])
def test_golden_pairs(httpserver: HTTPServer, account, golden: Path, connector, name: str, read: str) -> None:
    sent = json.loads((golden / "youtube" / f"{name}.sent.json").read_text())
    for path, body in sent.items():
        httpserver.expect_request(f"/youtube/v3/{path}").respond_with_json(body)
    page = connector.fetch(account(reads=(read,), target=OWN), None)
    becomes = json.loads((golden / "youtube" / f"{name}.becomes.json").read_text())
    if read == "comments":  # without a look-up the channel's own handle is its display name's
        assert page.posts[-1].author.official
    assert [{k: v for k, v in post.as_dict().items() if k != "sha256"} for post in page.posts] == becomes
    assert page.oddities == ()


def test_all_uploads_come_page_by_page_and_then_only_what_is_new(tube: Tube, account, drain, connector) -> None:
    tube.put(*range(1, 24))
    reading = drain(connector, account())
    assert numbers(reading.posts) == list(range(1, 24))
    assert (reading.gaps, reading.oddities) == ([], [])
    assert {(post.author.official, post.author.handle) for post in reading.posts} == {(True, "alderbrook")}
    tube.put(*range(24, 36))
    later = drain(connector, account(), reading.cursor)
    assert numbers(later.posts) == list(range(24, 36))
    asked = len(tube.asked)
    assert drain(connector, account(), later.cursor).posts == []
    assert len(tube.asked) == asked + 1  # one unit for a quiet channel


def test_pages_are_oldest_first_and_the_same_for_the_same_cursor(tube: Tube, account, connector) -> None:
    tube.put(*range(1, 13))
    first = connector.fetch(account(), None)
    assert [int(post.id[4:]) for post in first.posts] == [8, 9, 10, 11, 12]
    assert first.more
    assert connector.fetch(account(), first.cursor) == connector.fetch(account(), first.cursor)


def test_what_comes_or_goes_while_the_backlog_is_read_is_not_lost(tube: Tube, account, drain, connector) -> None:
    tube.put(*range(1, 23))
    first = connector.fetch(account(), None)
    del tube.films[0]  # every later film moves up by one, past the offset
    rest = drain(connector, account(), first.cursor)
    assert numbers([*first.posts, *rest.posts]) == list(range(1, 23))
    tube.put(30, 31)
    assert numbers(drain(connector, account(), rest.cursor).posts) == [30, 31]


def test_a_film_that_is_edited_or_made_public_comes_again_and_private_ones_do_not(
    tube: Tube, account, drain, connector
) -> None:
    tube.put(1, 2, 3)
    tube.films[0]["privacy"], tube.films[1]["privacy"] = "private", "unlisted"
    reading = drain(connector, account())
    assert numbers(reading.posts) == [1]
    tube.films[0]["privacy"] = "public"
    tube.films[2]["snippet"]["title"] = "Other words"
    later = drain(connector, account(), reading.cursor)
    assert sorted(post.text.split("\n")[0] for post in later.posts) == ["Invented film 3", "Other words"]


def test_details_add_the_language_and_their_lack_loses_nothing(tube: Tube, account, drain, connector) -> None:
    tube.put(1)
    tube.films[0]["snippet"]["defaultAudioLanguage"] = "cy"
    assert [post.language for post in drain(connector, account()).posts] == ["cy"]
    tube.failing["videos"] = refusal(403, "forbidden")
    posts = drain(connector, account()).posts
    assert [post.text for post in posts] == ["Invented film 1\n\nAbout film 1"]


def test_a_channel_that_never_had_a_film_is_silent_and_a_closed_one_is_not(
    tube: Tube, account, drain, connector
) -> None:
    tube.failing["playlistItems"] = refusal(404, "playlistNotFound")
    reading = drain(connector, account())
    assert reading.posts == []
    assert drain(connector, account(), reading.cursor).posts == []
    tube.failing["channels"] = Response('{"pageInfo": {"totalResults": 0}}')
    with pytest.raises(AccountNotFoundError, match="spelling"):
        drain(connector, account(), reading.cursor)


def test_threads_and_their_first_replies_come_with_their_places(tube: Tube, account, drain, connector) -> None:
    tube.talk(1, 2, replies=2)
    tube.threads[0]["snippet"]["updatedAt"] = moment(90)
    posts = {post.id: post for post in drain(connector, account(reads=("comments",))).posts}
    assert sorted(posts) == ["Ug1", "Ug1.0", "Ug1.1", "Ug2", "Ug2.0", "Ug2.1"]
    top, reply = posts["Ug2"], posts["Ug2.0"]
    assert (top.kind, top.reply_to, top.thread) == ("comment", VIDEO, VIDEO)
    assert (reply.kind, reply.reply_to, reply.thread) == ("reply", "Ug2", VIDEO)
    assert top.edited_at == START + timedelta(minutes=90)
    assert reply.edited_at is None
    assert reply.url == f"https://www.youtube.com/watch?v={VIDEO}&lc=Ug2.0"


def test_replies_beyond_five_are_read_to_their_end_and_come_once(tube: Tube, account, drain, connector) -> None:
    tube.talk(*range(1, 8))
    tube.talk(50, replies=11)
    asks = account(reads=("comments",))
    reading = drain(connector, asks)
    assert len(reading.posts) == len(set(ids(reading.posts))) == 7 + 12
    tube.replies["Ug50"].insert(0, comment("Ug50.new", 99, parent="Ug50"))
    assert ids(drain(connector, asks, reading.cursor).posts) == ["Ug50.new"]


def test_new_replies_under_older_threads_are_found(tube: Tube, account, drain) -> None:
    tube.talk(*range(1, 40))
    asks, connector = account(reads=("comments",)), YoutubeConnector(page_size=10, watched_threads=30)
    reading = drain(connector, asks)
    tube.replies["Ug12"] = [comment("Ug12.0", 99, parent="Ug12")]
    tube.replies["Ug2"] = [comment("Ug2.0", 99, parent="Ug2")]
    asked = len(tube.asked)
    later = drain(connector, asks, reading.cursor)
    assert ids(later.posts) == ["Ug12.0"]
    assert len(tube.asked) == asked + 3
    wider = drain(YoutubeConnector(page_size=10, watched_threads=400), asks, later.cursor)
    assert ids(wider.posts) == ["Ug2.0"]


def test_an_edited_comment_is_a_new_version(tube: Tube, account, drain, connector) -> None:
    tube.talk(1, replies=1)
    asks = account(reads=("comments",))
    reading = drain(connector, asks)
    tube.threads[0]["snippet"] |= {"textOriginal": "Other words", "updatedAt": moment(60)}
    (later,) = drain(connector, asks, reading.cursor).posts
    assert (later.id, later.text, later.edited_at) == ("Ug1", "Other words", START + timedelta(hours=1))


def test_a_thread_that_goes_before_its_replies_are_read(tube: Tube, account, drain, connector) -> None:
    tube.talk(1, replies=9)
    tube.failing["comments"] = refusal(404, "commentNotFound")
    reading = drain(connector, account(reads=("comments",)))
    assert len(reading.posts) == 6


@pytest.mark.parametrize(("status", "reason"), [(403, "forbidden"), (400, "processingFailure")])
def test_one_thread_that_cannot_be_read_does_not_block_the_others(
    tube: Tube, account, drain, connector, status: int, reason: str
) -> None:
    tube.talk(1, 2, 3, replies=9)
    broken = refusal(status, reason)
    sound = tube.comments
    tube.comments = lambda args: broken if args["parentId"] == "Ug2" else sound(args)  # type: ignore[method-assign]
    asks = account(reads=("comments",))
    reading = drain(connector, asks)
    assert len(reading.posts) == 10 + 6 + 10
    assert [reason in gap.why for gap in reading.gaps] == [True]
    first = connector.fetch(asks, None)
    tube.failing = {"comments": broken, "commentThreads": refusal(401, "authError")}
    with pytest.raises(AuthenticationError, match="expired"):
        connector.fetch(asks, first.cursor)


def test_replies_wait_for_a_server_that_is_out_of_order(tube: Tube, account, drain, connector) -> None:
    tube.talk(1, replies=9)
    first = connector.fetch(account(reads=("comments",)), None)
    tube.failing["comments"] = refusal(500, "backendError")
    with pytest.raises(TransientError):
        connector.fetch(account(reads=("comments",)), first.cursor)
    tube.failing.clear()
    assert len(drain(connector, account(reads=("comments",)), first.cursor).posts) == 4


def test_display_text_is_read_as_html_where_the_original_is_kept_back(tube: Tube, account, drain, connector) -> None:
    shown = {
        "Uga": ("It&#39;s <b>cold</b>&amp;wet<br>very", "It's cold&wet\nvery"),
        "Ugb": ("plain &lt;3 words\nnext", "plain <3 words\nnext"),
        "Ugc": ("", ""),
    }
    tube.threads = [comment(name, 1, textOriginal=None, textDisplay=text) for name, (text, _) in shown.items()]
    posts = drain(connector, account(reads=("comments",))).posts
    assert {post.id: post.text for post in posts} == {name: text for name, (_, text) in shown.items()}
    tube.threads = [comment("Ugd", 1, text="<script>say &amp; do</script>", textDisplay="other")]
    assert [p.text for p in drain(connector, account(reads=("comments",))).posts] == ["<script>say &amp; do</script>"]


def test_comments_that_are_turned_off_are_told_once_and_the_rest_is_read(tube: Tube, account, drain, connector) -> None:
    tube.put(1)
    tube.failing["commentThreads"] = refusal(403, "commentsDisabled")
    asks = account(reads=("comments", "posts"))
    reading = drain(connector, asks)
    assert numbers(reading.posts) == [1]
    assert ["turned off" in gap.why for gap in reading.gaps] == [True]
    assert drain(connector, asks, reading.cursor).gaps == []
    tube.failing.clear()
    tube.talk(7)
    assert ids(drain(connector, asks, reading.cursor).posts) == ["Ug7"]


def test_the_comments_on_one_video(tube: Tube, account, drain, connector) -> None:
    tube.talk(1, 2)
    asks = account(target=f"https://youtu.be/{VIDEO}?t=3", reads=("comments",), official=False)
    reading = drain(connector, asks)
    assert sorted(ids(reading.posts)) == ["Ug1", "Ug2"]
    assert {request.args.get("videoId") for request in tube.asked} == {VIDEO}
    with pytest.raises(PermanentError, match="only the comments"):
        connector.fetch(account(target=f"https://www.youtube.com/watch?v={VIDEO}"), None)
    tube.failing["commentThreads"] = refusal(404, "videoNotFound")
    with pytest.raises(AccountNotFoundError, match="videoNotFound"):
        drain(connector, asks, reading.cursor)


def test_one_read_that_fails_does_not_blind_the_others(tube: Tube, account, drain, connector) -> None:
    tube.put(1)
    tube.failing["commentThreads"] = refusal(403, "forbidden")
    asks = account(reads=("comments", "posts"))
    page = connector.fetch(asks, None)
    assert numbers(page.posts) == [1]
    assert page.more
    with pytest.raises(AuthenticationError, match="owner's token"):
        connector.fetch(asks, page.cursor)


def test_a_search_gives_whole_videos_and_keeps_to_its_units(tube: Tube, account, drain) -> None:
    tube.found = [film(n, channelId="UCother") for n in range(12, 0, -1)]
    asks = account(target="Alderbrook Academy", reads=("search",), official=False)
    connector = YoutubeConnector(page_size=5, search_units_per_day=4)
    reading = drain(connector, asks)
    assert numbers(reading.posts) == list(range(1, 13))
    assert {post.text for post in reading.posts} == {f"Invented film {n}\n\nAbout film {n}" for n in range(1, 13)}
    assert not any(post.author.official for post in reading.posts)
    tube.found.insert(0, film(13))
    later = drain(connector, asks, reading.cursor)
    assert numbers(later.posts) == [13]
    asked = len(tube.asked)
    with pytest.raises(RateLimitedError, match="searches of the day") as caught:
        connector.fetch(asks, later.cursor)
    assert len(tube.asked) == asked
    assert caught.value.retry_at == quota_reset(datetime.now(UTC))
    spent = json.loads(later.cursor.state)
    spent["kept"]["search"]["day"] = "2001-01-01"
    again = connector.fetch(asks, type(later.cursor)(state=json.dumps(spent)))
    assert again.posts == ()


def test_a_search_without_units_leaves_the_other_reads_alone(tube: Tube, account, drain) -> None:
    tube.put(1)
    tube.found = [film(9)]
    reading = drain(YoutubeConnector(search_units_per_day=0), account(reads=("posts", "search")))
    assert numbers(reading.posts) == [1]


def test_a_found_video_that_has_gone_is_left_out(tube: Tube, account, drain, connector) -> None:
    tube.found = [film(1), film(2)]
    tube.videos = lambda args: tube.json([film(2)])  # type: ignore[method-assign]
    asks = account(target="Alderbrook Academy", reads=("search",))
    assert numbers(drain(connector, asks).posts) == [2]
    tube.failing["videos"] = refusal(500, "backendError")
    with pytest.raises(TransientError):
        drain(connector, asks)
    tube.failing["videos"] = refusal(403, "forbidden")
    assert [post.text for post in drain(connector, asks).posts] == ["It's cut\n\nAbout …"] * 2


def test_a_forgotten_page_token_begins_the_walk_anew(tube: Tube, account, drain, connector) -> None:
    tube.put(*range(1, 13))
    first = connector.fetch(account(), None)
    tube.forgotten = {"T5"}
    tube.before = lambda request: tube.forgotten.clear() if len(tube.asked) > 4 else None
    rest = drain(connector, account(), first.cursor)
    assert numbers([*first.posts, *rest.posts]) == list(range(1, 13))
    assert rest.gaps == []


def test_a_page_token_that_is_always_refused_is_a_gap(tube: Tube, account, drain, connector) -> None:
    tube.put(*range(1, 13))
    tube.forgotten = {"T5"}
    reading = drain(connector, account())
    assert numbers(reading.posts) == [8, 9, 10, 11, 12]
    assert ["page tokens" in gap.why for gap in reading.gaps] == [True]
    tube.put(20)
    assert numbers(drain(connector, account(), reading.cursor).posts) == [20]


def test_a_list_without_end_is_left_with_a_gap(tube: Tube, account, drain, connector) -> None:
    tube.put(*range(1, 6))
    tube.paged = lambda args, items: tube.json(items[:5], nextPageToken="T1")  # type: ignore[method-assign]
    reading = drain(connector, account())
    assert numbers(reading.posts) == [1, 2, 3, 4, 5]
    assert len(reading.gaps) == 1
    tube.talk(1, replies=9)
    reading = drain(connector, account(reads=("comments",)), most=90)
    assert len(set(ids(reading.posts))) == 6
    assert any("without end" in gap.why for gap in reading.gaps)


def test_odd_items_are_set_aside_with_their_bytes(tube: Tube, account, drain, connector) -> None:
    tube.talk(1)
    odd = [None, "text", {"id": "Ugx"}, {"id": [], "snippet": {"topLevelComment": {"id": {}, "snippet": []}}}]
    good = tube.thread(tube.threads[0])
    good["replies"] = {"comments": [{"id": "Ug1.9", "snippet": {"textOriginal": 5}}]}
    good["snippet"]["totalReplyCount"] = 1
    tube.commentThreads = lambda args: tube.json([*odd, good])  # type: ignore[method-assign]
    reading = drain(connector, account(reads=("comments",)))
    assert ids(reading.posts) == ["Ug1"]
    assert len(reading.oddities) == 5
    assert json.loads(reading.oddities[0].raw) is None
    assert drain(connector, account(reads=("comments",)), reading.cursor).oddities == []
    tube.playlistItems = lambda args: tube.json([*odd, {"id": "x", "snippet": {"title": []}}])  # type: ignore[method-assign]
    assert len(drain(connector, account()).oddities) == 5


def test_hostile_text_can_be_stored(tube: Tube, account, drain, connector) -> None:
    texts = ["\U0001f600" * 20_000, "\u202eevil", "a\x00b", "\ud800", "<" * 5000, "&#" * 90_000]
    tube.threads = [
        comment(f"Ug{n}", n, textOriginal=None, textDisplay=text, videoId="\ud800", authorDisplayName=text)
        for n, text in enumerate(texts)
    ]
    posts = drain(connector, account(reads=("comments",), target=OWN)).posts
    assert len(posts) == 6
    for post in posts:
        json.dumps(post.as_dict(), ensure_ascii=False).encode()
        assert "\x00" not in post.text


REFUSALS = [
    (403, "quotaExceeded", RateLimitedError, "day's quota"),
    (403, "rateLimitExceeded", RateLimitedError, "pause"),
    (403, "commentsDisabled", PermanentError, "turned off"),
    (403, "forbidden", AuthenticationError, "owner's token"),
    (403, "accessNotConfigured", AuthenticationError, "enable the API"),
    (403, "insufficientPermissions", AuthenticationError, "scope"),
    (403, "ipRefererBlocked", AuthenticationError, "restrictions"),
    (403, "SERVICE_UNAVAILABLE", AuthenticationError, "may not be read"),
    (400, "keyInvalid", AuthenticationError, "API key"),
    (401, "authError", AuthenticationError, "expired"),
    (404, "videoNotFound", AccountNotFoundError, "know the target"),
    (404, "channelNotFound", AccountNotFoundError, "know the target"),
    (400, "invalidPageToken", PermanentError, "page"),
    (400, "processingFailure", TransientError, "out of order"),
    (500, "backendError", TransientError, "out of order"),
    (400, "somethingNew", PermanentError, "refused"),
]


@pytest.mark.parametrize(("status", "reason", "kind", "said"), REFUSALS, ids=[case[1] for case in REFUSALS])
def test_refusals_are_told_apart(tube: Tube, account, connector, status, reason, kind, said) -> None:
    tube.failing["playlistItems"] = refusal(status, reason)
    with pytest.raises(kind, match=said) as caught:
        connector.fetch(account(), None)
    assert isinstance(caught.value, AuthenticationError) == (kind is AuthenticationError)
    assert reason in str(caught.value)
    assert "s3cret" not in str(caught.value)
    if reason == "quotaExceeded":
        assert caught.value.retry_at == quota_reset(datetime.now(UTC))


def info(reason: str, **metadata: str) -> dict[str, Any]:
    return {"details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "metadata": metadata}]}


def test_refusals_in_googles_new_form(tube: Tube, account, connector) -> None:
    tube.failing["playlistItems"] = refusal(400, "badRequest", **info("API_KEY_INVALID"))
    with pytest.raises(AuthenticationError, match="API key"):
        connector.fetch(account(), None)
    daily = info("RATE_LIMIT_EXCEEDED", quota_limit="defaultSearchListPerDayPerProject", quota_limit_value="100")
    tube.failing["playlistItems"] = refusal(429, "rateLimitExceeded", **daily)
    with pytest.raises(RateLimitedError, match="day's quota"):
        connector.fetch(account(), None)
    soon = {"details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "40s"}]}
    tube.failing["playlistItems"] = refusal(429, "rateLimitExceeded", **soon)
    with pytest.raises(RateLimitedError, match="pause") as caught:
        connector.fetch(account(), None)
    assert timedelta(seconds=30) < caught.value.retry_at - datetime.now(UTC) < timedelta(seconds=41)
    tube.failing["playlistItems"] = Response('{"error": "quota"}', 200)
    with pytest.raises(PermanentError):
        connector.fetch(account(), None)


@pytest.mark.parametrize("body", ["[]", '{"answer": 1}', '{"items": {}}', '{"items": [], "nextPageToken": {"a": 1}}'])
def test_answers_of_another_shape_are_refused(tube: Tube, account, connector, body: str) -> None:
    tube.failing["playlistItems"] = Response(body, content_type="application/json")
    with pytest.raises(UnexpectedResponseError):
        connector.fetch(account(), None)


def test_keys_and_tokens_go_by_header_only(tube: Tube, account, connector) -> None:
    connector.fetch(account(), None)
    connector.fetch(account(token="ya29.s3cret"), None)
    key, token = tube.asked[0].headers, tube.asked[-1].headers
    assert (key["X-Goog-Api-Key"], key.get("Authorization")) == ("AIzas3cret", None)
    assert (token["Authorization"], token.get("X-Goog-Api-Key")) == ("Bearer ya29.s3cret", None)
    assert not any("s3cret" in request.url for request in tube.asked)
    with pytest.raises(AuthenticationError, match="API key"):
        connector.fetch(account(token=None, base_url=None), None)


def test_mentions_do_not_exist_and_words_are_no_channel(account, connector) -> None:
    with pytest.raises(PermanentError, match="no list of mentions"):
        connector.fetch(account(reads=("posts", "mentions")), None)
    with pytest.raises(AccountNotFoundError, match="@handle"):
        connector.fetch(account(target="Alderbrook Academy"), None)


def test_recheck_tells_edits_from_deletions(tube: Tube, account, drain, connector) -> None:
    tube.put(1, 2, 3)
    tube.talk(1, 2, 3, replies=1)
    asks = account(reads=("posts", "comments"))
    posts = drain(connector, asks).posts
    same = dict(connector.recheck(asks, posts))
    assert [now.content_digest for now in same.values()] == [post.content_digest for post in same]
    assert [now.author for now in same.values()] == [post.author for post in same]
    assert [(now.thread, now.url) for now in same.values()] == [(post.thread, post.url) for post in same]
    tube.films[0]["status"] = {"privacyStatus": "private"}
    del tube.films[1]
    tube.films[1]["snippet"]["description"] = "Other"
    del tube.threads[0]
    tube.replies["Ug2"][0]["snippet"]["textOriginal"] = "Other"
    now = {post.id: after for post, after in connector.recheck(asks, posts)}
    assert {name for name, after in now.items() if after is None} == {"film0000003", "film0000002", "Ug3"}
    assert now["film0000001"].text.endswith("Other")
    assert now["Ug2.0"].text == "Other"


def test_a_stretch_of_the_past(tube: Tube, account, connector) -> None:
    tube.put(*range(1, 31))
    tube.talk(*range(1, 31))
    asks = account(reads=("posts", "comments"))
    posts, cursor, more = [], None, True
    while more:
        page = connector.backfill(asks, START + timedelta(minutes=12), START + timedelta(minutes=15), cursor)
        posts, cursor, more = [*posts, *page.posts], page.cursor, page.more
    assert sorted(ids(posts)) == ["Ug12", "Ug13", "Ug14", "film0000012", "film0000013", "film0000014"]
    assert not any(request.args.get("pageToken") == "T25" for request in tube.asked)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@alderbrook", {"forHandle": "@alderbrook"}),
        ("alderbrook", {"forHandle": "@alderbrook"}),
        ("https://www.youtube.com/@alderbrook/videos", {"forHandle": "@alderbrook"}),
        (OWN, {"id": OWN}),
        (f"https://m.youtube.com/channel/{OWN}?view=0", {"id": OWN}),
        ("https://youtube.com/user/alderbrook", {"forUsername": "alderbrook"}),
        ("https://www.youtube.com/playlist?list=PL1", {}),
        ("Alderbrook Academy", {}),
    ],
)
def test_targets_are_understood(text: str, expected: dict[str, str]) -> None:
    assert read_target(text).lookup == expected


@pytest.mark.parametrize(
    "text", ["https://youtu.be/{}", "https://www.youtube.com/watch?a=1&v={}&t=2", "youtube.com/shorts/{}"]
)
def test_videos_are_understood(text: str) -> None:
    assert read_target(text.format(VIDEO)).video == VIDEO


def test_the_day_of_the_quota_is_californias() -> None:
    assert quota_reset(datetime(2026, 11, 20, 7, 59, tzinfo=UTC)) == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert quota_reset(datetime(2026, 7, 1, 7, 0, tzinfo=UTC)) == datetime(2026, 7, 2, 7, tzinfo=UTC)
    assert quota_day(datetime(2026, 11, 20, 7, 59, tzinfo=UTC)) == "2026-11-19"


def test_its_powers(connector) -> None:
    assert isinstance(connector, Connector)
    assert isinstance(connector, Rechecker)
    assert isinstance(connector, Backfiller)
