"""A school's account on TikTok, replayed by a real server."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors._edge import items_of
from connectors._tiktok_video import to_post
from connectors.connector import Backfiller, Connector, Rechecker
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.post import Account, Author, Cursor, Page, Post
from connectors.tiktok import TiktokConnector

GOLDEN = Path(__file__).parent / "golden" / "tiktok"
TOKEN = "act.secrettoken"
OPEN_ID = "723f24d7-e717-40f8-a2b6-cb8464cd23b4"
OWN = Author(id=OPEN_ID, handle="hillcrestprimary", name="Hillcrest Primary", official=True)


class Api:
    """A stand-in for TikTok: answers by path, each a list of which the last one stays."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[Request] = []
        self.paths: dict[str, list[Any]] = {"user/info": [person()]}
        server.expect_request(re.compile(".*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        answers = self.paths.get(request.path.removeprefix("/v2/").rstrip("/"), [failed(404, "not_found", "no")])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer) and not isinstance(answer, Response):
            answer = answer(request)
        return answer if isinstance(answer, Response) else Response(json.dumps(answer), mimetype="application/json")

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(request.get_data()) for request in self.asked if request.method == "POST"]


@pytest.fixture
def api(httpserver: HTTPServer) -> Api:
    return Api(httpserver)


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values: dict[str, Any] = {
            "name": "hillcrest-tiktok",
            "platform": "tiktok",
            "target": "@hillcrestprimary",
            "official": True,
            "base_url": httpserver.url_for("").rstrip("/"),
            "allow_private": True,
            "token": TOKEN,
        }
        return Account(**{**values, **changes})

    return make


def fine(data: Any) -> dict[str, Any]:
    return {"data": data, "error": {"code": "ok", "message": "", "log_id": "20261116"}}


def person(**changes: Any) -> dict[str, Any]:
    user = {"open_id": OPEN_ID, "display_name": "Hillcrest Primary", "username": "hillcrestprimary", **changes}
    return fine({"user": {name: value for name, value in user.items() if value is not None}})


def failed(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    error = {"code": code, "message": message, "log_id": "20261116"}
    return Response(json.dumps({"data": {}, "error": error}), status, headers, content_type="application/json")


def second(number: int) -> int:
    return int((datetime(2026, 11, 16, tzinfo=UTC) + timedelta(minutes=number)).timestamp())


def video(number: int, **fields: Any) -> dict[str, Any]:
    said = {"id": str(number), "title": f"Invented {number}", "video_description": f"Invented {number}"}
    address = f"https://www.tiktok.com/@hillcrestprimary/video/{number}?utm_campaign=key"
    return {**said, "create_time": second(number), "share_url": address, "comment_count": 2, **fields}


def listed(*videos: Any, cursor: int = 0, more: bool = False) -> dict[str, Any]:
    return fine({"videos": list(videos), "cursor": cursor, "has_more": more})


def timeline(videos: list[dict[str, Any]]) -> Callable[[Request], Any]:
    """A list that is paged by times, as TikTok does."""

    def answer(request: Request) -> Any:
        asked = json.loads(request.get_data())
        older = [one for one in videos if one["create_time"] * 1000 < asked.get("cursor", 10**14)]
        given = older[: asked["max_count"]]
        return listed(*given, cursor=given[-1]["create_time"] * 1000 if given else 0, more=len(older) > len(given))

    return answer


def pages(source: Account, cursor: Cursor | None = None, **options: Any) -> Iterator[Page]:
    connector = TiktokConnector(**options)
    for _ in range(60):
        got = connector.fetch(source, cursor)
        yield got
        if not got.more:
            return
        cursor = got.cursor
    raise AssertionError("it never ends")


def ids(got: list[Page]) -> list[int]:
    return [int(post.id) for page in got for post in page.posts]


def golden(name: str) -> tuple[Any, Any]:
    sent, becomes = GOLDEN / f"{name}.sent.json", GOLDEN / f"{name}.becomes.json"
    return json.loads(sent.read_text()), json.loads(becomes.read_text())


def as_dicts(got: list[Page]) -> list[dict[str, Any]]:
    return [{k: v for k, v in post.as_dict().items() if k != "sha256"} for page in got for post in page.posts]


def test_it_reads_rechecks_and_reaches_back() -> None:
    connector = TiktokConnector()
    assert isinstance(connector, Connector)
    assert isinstance(connector, Rechecker)
    assert isinstance(connector, Backfiller)


def test_what_tiktok_sends_becomes_posts_with_their_counts(api: Api, account: Callable[..., Account]) -> None:
    sent, becomes = golden("videos")
    api.paths["video/list"] = [sent]
    got = TiktokConnector().fetch(account(), None)
    assert as_dicts([got]) == becomes
    assert (got.more, got.gaps, got.oddities) == (False, (), ())
    assert [json.loads(post.raw)["comment_count"] for post in got.posts] == [3, 3, 3]
    assert {request.headers["Authorization"] for request in api.asked} == {f"Bearer {TOKEN}"}
    assert not any(TOKEN in request.url for request in api.asked)
    assert api.bodies == [{"max_count": 20}]
    assert "comment_count" in api.asked[1].args["fields"]


def test_an_account_whose_handle_tiktok_does_not_tell(api: Api, account: Callable[..., Account]) -> None:
    sent, becomes = golden("closed")
    denied = failed(401, "scope_not_authorized", "The user did not authorize the scope")
    api.paths |= {"user/info": [denied, person(username=None)], "video/list": [sent]}
    assert as_dicts([TiktokConnector().fetch(account(), None)]) == becomes
    assert api.asked[1].args["fields"] == "open_id,display_name"


@pytest.mark.parametrize(
    ("read", "says"),
    [("comments", "comments on videos to nobody but researchers"), ("mentions", "no mentions"), ("search", "search")],
)
def test_what_cannot_be_read_is_said_plainly(api: Api, account: Callable[..., Account], read: str, says: str) -> None:
    with pytest.raises(PermanentError, match=says) as caught:
        TiktokConnector().fetch(account(reads=("posts", read)), None)
    assert "hillcrest-tiktok" in str(caught.value)
    assert api.asked == []


def test_pages_are_followed_to_the_end_then_only_news_and_edits_come(api: Api, account: Callable[..., Account]) -> None:
    videos = [video(n) for n in range(50, 0, -1)]
    api.paths["video/list"] = [timeline(videos)]
    first = list(pages(account()))
    assert sorted(ids(first)) == list(range(1, 51))
    videos[:0] = [video(52), video(51)]
    videos[3] = video(49, title="mended", video_description="mended", comment_count=900)
    videos[4] = video(48, comment_count=900)
    got = list(pages(account(), first[-1].cursor))
    assert sorted(ids(got)) == [49, 51, 52], "a count alone makes no new version"
    assert len([request for request in api.asked if request.path == "/v2/user/info/"]) == 1


def test_videos_of_one_second_at_the_end_of_a_page_are_not_lost(api: Api, account: Callable[..., Account]) -> None:
    same = second(3)
    api.paths["video/list"] = [
        timeline([video(5), video(4, create_time=same), video(3), video(2, create_time=same), video(1)])
    ]
    got = list(pages(account(), page_size=3))
    assert sorted(ids(got)) == [1, 2, 3, 4, 5]


def test_a_short_or_empty_page_is_no_end_while_more_waits(api: Api, account: Callable[..., Account]) -> None:
    api.paths["video/list"] = [
        listed(video(9), cursor=9000, more=True),
        listed(cursor=8000, more=True),
        fine({"videos": None, "cursor": 7000, "has_more": True}),
        listed(video(6)),
    ]
    got = list(pages(account()))
    assert sorted(ids(got)) == [6, 9]
    assert [body.get("cursor") for body in api.bodies] == [None, 10_000, 9000, 8000]


def test_a_cursor_in_a_circle_ends_with_a_gap(api: Api, account: Callable[..., Account]) -> None:
    api.paths["video/list"] = [listed(video(9), cursor=9000, more=True)]
    got = list(pages(account()))
    assert ids(got) == [9]
    assert [gap.why for page in got for gap in page.gaps] == ["the server repeats its pages"]


def test_what_is_no_video_is_set_aside_once(api: Api, account: Callable[..., Account]) -> None:
    broken: list[Any] = [{"title": "no id"}, "words", video(3, title=["x"]), video(4, id=True)]
    api.paths["video/list"] = [listed(video(1), *broken)]
    first = TiktokConnector().fetch(account(), None)
    assert ids([first]) == [1]
    assert [json.loads(oddity.raw) for oddity in first.oddities] == broken
    again = TiktokConnector().fetch(account(), first.cursor)
    assert (again.posts, again.oddities) == ((), ())


@pytest.mark.parametrize(
    "target",
    ["HillcrestPrimary", "@hillcrestprimary", OPEN_ID, "https://www.tiktok.com/@hillcrestprimary?lang=en"],
)
def test_an_account_may_be_written_as_people_write_it(api: Api, account: Callable[..., Account], target: str) -> None:
    api.paths["video/list"] = [listed(video(1))]
    assert ids([TiktokConnector().fetch(account(target=target), None)]) == [1]


@pytest.mark.parametrize(
    ("target", "says"), [("@northmere", "is that of @hillcrestprimary"), ("two words", "no account of TikTok")]
)
def test_anybody_elses_account_is_not_read(api: Api, account: Callable[..., Account], target: str, says: str) -> None:
    with pytest.raises(AccountNotFoundError, match=says):
        TiktokConnector().fetch(account(target=target), None)
    assert len(api.asked) == 1


def test_a_token_that_became_another_accounts_is_noticed(api: Api, account: Callable[..., Account]) -> None:
    other = video(2, share_url="https://www.tiktok.com/@somebody.else/video/2")
    api.paths["video/list"] = [listed(video(1)), listed(other)]
    first = TiktokConnector().fetch(account(), None)
    with pytest.raises(AccountNotFoundError, match=r"is that of @somebody\.else"):
        TiktokConnector().fetch(account(), first.cursor)


SAYS = f"the token {TOKEN} says"


@pytest.mark.parametrize(
    ("answered", "expected", "says"),
    [
        (failed(401, "access_token_invalid", SAYS), AuthenticationError, "connect the account again"),
        (failed(200, "access_token_invalid", SAYS), AuthenticationError, "connect the account again"),
        (failed(401, "scope_not_authorized", SAYS), AuthenticationError, r"video\.list"),
        (failed(400, "scope_permission_missed", SAYS), AuthenticationError, r"video\.list"),
        (failed(429, "rate_limit_exceeded", SAYS), RateLimitedError, "pause"),
        (failed(500, "internal_error", SAYS), TransientError, "out of order"),
        (failed(200, "internal_error", SAYS), TransientError, "out of order"),
        (failed(400, "invalid_params", SAYS), PermanentError, "invalid_params"),
        (failed(200, "something_new", SAYS), PermanentError, "something_new"),
        (Response('{"data": {"videos": []}}', 500, content_type="application/json"), TransientError, "out of order"),
        (Response("<html>bad gateway</html>", 502, content_type="text/html"), TransientError, "out of order"),
        (Response("<html>hello</html>", 200, content_type="text/html"), UnexpectedResponseError, "not JSON"),
        (Response('{"data": {"videos": [{"id": "1', 200), UnexpectedResponseError, "not JSON"),
        (Response('[{"data": {}}]', 200), UnexpectedResponseError, "another shape"),
        (Response('{"data": {"videos": {"id": "1"}}}', 200), UnexpectedResponseError, "without videos"),
        (Response('{"data": {}}', 200), UnexpectedResponseError, "without videos"),
        (Response('{"data": {"videos": [], "has_more": true}}', 200), UnexpectedResponseError, "not where"),
        (Response("[" * 100_000, 200), UnexpectedResponseError, "not JSON"),
        (Response("x" * 7_000_000, 200), UnexpectedResponseError, "more than"),
        (Response("", 302, {"Location": "http://10.1.2.3/"}), UnexpectedResponseError, "leads nowhere"),
    ],
)
def test_each_wrong_answer_has_its_error_and_no_error_tells_the_token(
    api: Api, account: Callable[..., Account], answered: Response, expected: type[ConnectorError], says: str
) -> None:
    api.paths["video/list"] = [answered]
    with pytest.raises(ConnectorError, match=says) as caught:
        TiktokConnector().fetch(account(), None)
    assert isinstance(caught.value, expected)
    assert TOKEN not in str(caught.value)


def test_a_pause_lasts_as_long_as_tiktoks_window_or_as_it_says(api: Api, account: Callable[..., Account]) -> None:
    for headers, seconds in ((None, 60), ({"Retry-After": "300"}, 300)):
        api.paths["video/list"] = [failed(429, "rate_limit_exceeded", "slow down", headers)]
        with pytest.raises(RateLimitedError) as caught:
            TiktokConnector().fetch(account(), None)
        assert caught.value.retry_at is not None
        left = caught.value.retry_at - datetime.now(UTC)
        assert timedelta(seconds=seconds - 10) < left <= timedelta(seconds=seconds)


@pytest.mark.parametrize("user", [{}, {"open_id": ""}, {"open_id": 5}, None])
def test_a_token_of_nobody_is_an_error(api: Api, account: Callable[..., Account], user: Any) -> None:
    api.paths["user/info"] = [fine({"user": user})]
    with pytest.raises(UnexpectedResponseError, match="whose token"):
        TiktokConnector().fetch(account(), None)


def test_a_token_that_is_no_header_is_an_error(api: Api, account: Callable[..., Account]) -> None:
    with pytest.raises(ConnectorError) as caught:
        TiktokConnector().fetch(account(token="a\nb–c"), None)
    assert "b–c" not in str(caught.value)


def test_without_a_token_it_says_what_to_do() -> None:
    with pytest.raises(AuthenticationError, match="needs an access token"):
        TiktokConnector().fetch(Account(name="a", platform="tiktok", target="@a"), None)


def test_videos_are_checked_again_twenty_at_a_time(api: Api, account: Callable[..., Account]) -> None:
    posts = [to_post(video(n), own=OWN) for n in range(1, 26)]
    stranger = to_post(video(99), own=Author(id="another"))

    def answer(request: Request) -> Any:
        asked = json.loads(request.get_data())["filters"]["video_ids"]
        return fine({"videos": [video(int(n), title="mended") for n in asked if n != "7"]})

    api.paths["video/query"] = [answer]
    found = dict(TiktokConnector().recheck(account(), [*posts, stranger]))
    assert len(found) == 25
    assert [post.id for post, now in found.items() if now is None] == ["7"]
    assert [len(body["filters"]["video_ids"]) for body in api.bodies] == [20, 5]


def test_another_accounts_token_deletes_nothing(api: Api, account: Callable[..., Account]) -> None:
    api.paths |= {"user/info": [person(open_id="another")], "video/query": [fine({"videos": []})]}
    assert list(TiktokConnector().recheck(account(), [to_post(video(1), own=OWN)])) == []


def test_a_stretch_of_the_past_is_read_from_its_end(api: Api, account: Callable[..., Account]) -> None:
    api.paths["video/list"] = [timeline([video(n) for n in range(60, 0, -1)])]
    since, until = (datetime(2026, 11, 16, 0, n, tzinfo=UTC) for n in (20, 45))
    got, cursor, connector = [], None, TiktokConnector()
    while True:
        page = connector.backfill(account(), since, until, cursor)
        got.append(page)
        if not page.more:
            break
        cursor = page.cursor
    assert sorted(ids(got)) == list(range(20, 45))
    assert api.bodies[0]["cursor"] == second(45) * 1000 + 1000
    assert len(api.bodies) == 2


ODD: tuple[Any, ...] = (None, -1, 1.5, True, "", "\ud800", [], {}, [None], "https://[x", 10**30)


@pytest.mark.parametrize("name", ["videos", "closed"])
def test_whatever_stands_anywhere_every_item_is_a_post_or_an_oddity(name: str) -> None:
    sent = golden(name)[0]["data"]["videos"]
    read: Any = partial(to_post, own=OWN)
    for number, one in enumerate(sent):
        for key in one:
            for odd in ODD:
                changed = copy.deepcopy(sent)
                changed[number][key] = odd
                found = items_of(changed, read, "a video")
                assert len(found) == len(sent)
                for _, post in found:
                    if isinstance(post, Post):
                        assert Post.from_dict(json.loads(json.dumps(post.as_dict())), post.raw) == post


def test_no_answer_was_recorded_for_tiktok(payloads: Path) -> None:
    """Should one ever be, it belongs into a table of what is read and what is not, as for the other platforms."""
    assert not (payloads / "tiktok").exists()
