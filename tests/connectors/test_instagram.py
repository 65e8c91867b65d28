"""Professional Instagram accounts, replayed by a real server through the real facebook-sdk."""

from __future__ import annotations

import copy
import json
import os
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
from connectors._gram import to_comment, to_post
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
from connectors.instagram import InstagramConnector
from connectors.post import Account, Author, Cursor, Page, Post

GOLDEN = Path(__file__).parent / "golden" / "instagram"
TOKEN = "EAAsecretinstagramtoken"
OWN = "17841400000000001"
RECORDED = os.environ.get("WATCHER_PAYLOADS")
needs_recorded = pytest.mark.skipif(not RECORDED, reason="WATCHER_PAYLOADS names no folder of recorded answers")


class Graph:
    """A stand-in for the Graph API: answers by path, each a list of which the last one stays."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[Request] = []
        self.edges: dict[str, list[Any]] = {OWN: [{"id": OWN, "username": "alderbrookacademy"}]}
        server.expect_request(re.compile(".*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        answers = self.edges.get(request.path.removeprefix("/v26.0/"), [failed(400, 100, "no", error_subcode=33)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer) and not isinstance(answer, Response):
            answer = answer(request)
        return answer if isinstance(answer, Response) else Response(json.dumps(answer), mimetype="application/json")

    def count(self, edge: str) -> int:
        return sum(request.path.endswith(edge) for request in self.asked)


@pytest.fixture
def graph(httpserver: HTTPServer) -> Graph:
    return Graph(httpserver)


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values: dict[str, Any] = {
            "name": "alderbrook-instagram",
            "platform": "instagram",
            "target": OWN,
            "reads": ("posts",),
            "official": True,
            "base_url": httpserver.url_for("").rstrip("/"),
            "allow_private": True,
            "token": TOKEN,
        }
        return Account(**{**values, **changes})

    return make


def stamp(number: int) -> str:
    return (datetime(2026, 11, 16, tzinfo=UTC) + timedelta(minutes=number)).strftime("%Y-%m-%dT%H:%M:%S+0000")


def medium(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "caption": f"Invented {number}",
        "media_type": "IMAGE",
        "timestamp": stamp(number),
        **fields,
    }


def comment(number: int, *replies: dict[str, Any], after: str | None = None, **fields: Any) -> dict[str, Any]:
    said = {"id": str(number), "text": f"Invented {number}", "timestamp": stamp(number), "username": "wren", **fields}
    return {**said, **({"replies": paged(*replies, after=after)} if replies else {})}


def paged(*items: Any, after: str | None = None) -> dict[str, Any]:
    paging: dict[str, Any] = {"cursors": {"before": "b", "after": after or "end"}}
    if after:
        paging["next"] = f"https://graph.facebook.com/v26.0/x?access_token=other&after={after}"
    return {"data": list(items), "paging": paging}


def failed(status: int, code: int | None, message: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A", **more}
    return Response(json.dumps({"error": error}), status, headers, content_type="application/json; charset=UTF-8")


def pages(source: Account, cursor: Cursor | None = None, **options: Any) -> Iterator[Page]:
    connector = InstagramConnector(**options)
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
    connector = InstagramConnector()
    assert isinstance(connector, Connector)
    assert isinstance(connector, Rechecker)
    assert isinstance(connector, Backfiller)


def test_what_instagram_sends_becomes_posts(graph: Graph, account: Callable[..., Account]) -> None:
    sent, becomes = golden("media")
    graph.edges[f"{OWN}/media"] = [sent]
    got = InstagramConnector().fetch(account(), None)
    assert as_dicts([got]) == becomes
    assert (got.more, got.gaps, got.oddities) == (False, (), ())
    assert [json.loads(post.raw) for post in got.posts] == sent["data"][::-1]
    (asked,) = graph.asked
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in asked.url


def test_comments_and_replies_stand_in_their_thread(graph: Graph, account: Callable[..., Account]) -> None:
    sent, becomes = golden("comments")
    graph.edges |= {
        f"{OWN}/media": [paged({"id": "17900000000000003", "comments_count": 3})],
        "17900000000000003/comments": [sent],
    }
    assert as_dicts(list(pages(account(reads=("comments",))))) == becomes


def test_a_version_that_knows_no_alt_text_is_asked_without(graph: Graph, account: Callable[..., Account]) -> None:
    unknown = failed(400, 100, "(#100) Tried accessing nonexisting field (alt_text)")
    graph.edges[f"{OWN}/media"] = [unknown, paged(medium(1))]
    assert ids([InstagramConnector().fetch(account(), None)]) == [1]
    assert "alt_text" not in graph.asked[-1].args["fields"]


def test_pages_are_followed_to_the_end_then_only_news_and_edits_come(
    graph: Graph, account: Callable[..., Account]
) -> None:
    news = paged(medium(7), medium(6, caption="mended"), medium(5), after="z")
    graph.edges[f"{OWN}/media"] = [
        paged(medium(6), medium(5), after="a"), paged(after="b"), paged(medium(4)), news,
    ]  # fmt: skip
    first = list(pages(account()))
    assert ids(first) == [5, 6, 4]
    assert [request.args.get("after") for request in graph.asked] == [None, "a", "b"]
    assert not any("access_token" in request.url for request in graph.asked)
    second = list(pages(account(), first[-1].cursor))
    assert ids(second) == [6, 7]
    assert second[0].posts[0].text == "mended"


def test_a_forgotten_cursor_begins_the_walk_anew(graph: Graph, account: Callable[..., Account]) -> None:
    expired = failed(400, 100, "(#100) Invalid cursors values")
    graph.edges[f"{OWN}/media"] = [paged(medium(4), after="a"), expired, paged(medium(4), after="z"), paged(medium(3))]
    assert set(ids(list(pages(account())))) == {3, 4}


def test_a_cursor_in_a_circle_ends_with_a_gap(graph: Graph, account: Callable[..., Account]) -> None:
    graph.edges[f"{OWN}/media"] = [
        paged(medium(9), after="a"),
        paged(medium(8), after="b"),
        paged(medium(7), after="a"),
    ]
    got = list(pages(account()))
    assert ids(got) == [9, 8, 7]
    assert [gap.why for page in got for gap in page.gaps] == ["the server repeats its pages"]


def test_what_is_no_medium_is_set_aside_once(graph: Graph, account: Callable[..., Account]) -> None:
    broken: list[Any] = [{"caption": "no id"}, "words", medium(3, timestamp="soon"), medium(4, caption=["x"])]
    graph.edges[f"{OWN}/media"] = [paged(medium(1), *broken)]
    first = InstagramConnector().fetch(account(), None)
    assert ids([first]) == [1]
    assert [json.loads(oddity.raw) for oddity in first.oddities] == broken
    second = InstagramConnector().fetch(account(), first.cursor)
    assert (second.posts, second.oddities) == ((), ())


def test_only_media_on_which_something_happened_are_asked_again(graph: Graph, account: Callable[..., Account]) -> None:
    old = [{"id": str(900 - n), "comments_count": 1} for n in range(20)]
    graph.edges |= {f"{one['id']}/comments": [paged(comment(10_000 + int(one["id"])))] for one in old}
    graph.edges[f"{OWN}/media"] = [paged(*old, {"id": "1", "comments_count": 0})]
    source = account(reads=("comments",))
    first = list(pages(source))
    assert len(ids(first)) == 20
    assert graph.count("/comments") == 20
    again = list(pages(source, first[-1].cursor))
    assert ids(again) == []
    assert graph.count("/comments") == 20
    for _ in range(5):
        again = list(pages(source, again[-1].cursor))
    assert graph.count("/comments") == 30, "now and then the newest ten are looked at whatever their count says"
    graph.edges[f"{OWN}/media"] = [paged(*old[:15], {"id": "885", "comments_count": 2}, *old[16:])]
    graph.edges["885/comments"] = [paged(comment(20_000), comment(10_885))]
    assert ids(list(pages(source, again[-1].cursor))) == [20_000]


def test_a_reply_to_an_old_comment_is_found_behind_what_is_known(graph: Graph, account: Callable[..., Account]) -> None:
    source = account(reads=("comments",))
    graph.edges |= {
        f"{OWN}/media": [paged({"id": "1", "comments_count": 3})],
        "1/comments": [paged(comment(30), comment(20), after="a"), paged(comment(10))],
    }
    first = list(pages(source))
    assert sorted(ids(first)) == [10, 20, 30]
    graph.edges |= {
        f"{OWN}/media": [paged({"id": "1", "comments_count": 4})],
        "1/comments": [paged(comment(30), comment(20), after="a"), paged(comment(10, comment(40)))],
    }
    (found,) = [post for page in pages(source, first[-1].cursor) for post in page.posts]
    assert (found.id, found.kind, found.reply_to, found.thread) == ("40", "reply", "10", "1")


def test_of_many_comments_none_comes_twice(graph: Graph, account: Callable[..., Account]) -> None:
    source = account(reads=("comments",))
    many = [comment(n) for n in range(400, 150, -1)]

    def answer(request: Request) -> Any:
        start = int(request.args.get("after", 0))
        return paged(*many[start : start + 50], after=str(start + 50) if start + 50 < len(many) else None)

    graph.edges |= {f"{OWN}/media": [lambda _: paged({"id": "1", "comments_count": len(many)})], "1/comments": [answer]}
    first = list(pages(source))
    assert sorted(ids(first)) == list(range(151, 401))
    many.insert(0, comment(401))
    many[-1] = comment(151, comment(402))
    many.append(comment(403))
    second = list(pages(source, first[-1].cursor))
    assert sorted(ids(second)) == [401, 402, 403]


def test_more_replies_than_come_along_are_asked_for(graph: Graph, account: Callable[..., Account]) -> None:
    graph.edges |= {
        f"{OWN}/media": [paged({"id": "1", "comments_count": 4})],
        "1/comments": [paged(comment(10, comment(11), after="r"))],
        "10/replies": [paged(comment(12), after="s"), paged(comment(13))],
    }
    got = list(pages(account(reads=("comments",))))
    assert ids(got) == [10, 11, 12, 13]
    assert {post.reply_to for page in got for post in page.posts} == {"1", "10"}
    assert [request.args["after"] for request in graph.asked[-2:]] == ["r", "s"]


def test_a_medium_deleted_meanwhile_stops_nothing(graph: Graph, account: Callable[..., Account]) -> None:
    graph.edges |= {
        f"{OWN}/media": [paged({"id": "2", "comments_count": 1}, {"id": "1", "comments_count": 1})],
        "1/comments": [paged(comment(11))],
    }
    got = list(pages(account(reads=("comments",))))
    assert ids(got) == [11]
    assert "medium 2" in got[0].gaps[0].why


def test_an_error_among_the_comments_keeps_what_came_before_it(graph: Graph, account: Callable[..., Account]) -> None:
    graph.edges |= {
        f"{OWN}/media": [paged({"id": "2", "comments_count": 1}, {"id": "1", "comments_count": 1})],
        "2/comments": [paged(comment(21))],
        "1/comments": [failed(500, 2, "later"), paged(comment(11))],
    }
    source, connector = account(reads=("comments",)), InstagramConnector()
    first = connector.fetch(source, None)
    assert (ids([first]), first.more) == ([21], True)
    with pytest.raises(TransientError):
        connector.fetch(source, first.cursor)
    assert ids(list(pages(source, first.cursor))) == [11]
    assert graph.count("2/comments") == 1


def test_mentions_are_media_that_tag_the_account(graph: Graph, account: Callable[..., Account]) -> None:
    graph.edges[f"{OWN}/tags"] = [paged(medium(1, username="mill.lane.dad"), medium(2, username="alderbrookacademy"))]
    (page,) = pages(account(reads=("mentions",)))
    assert [(post.author.handle, post.author.official) for post in page.posts if post.author] == [
        ("mill.lane.dad", False),
        ("alderbrookacademy", True),
    ]


def test_what_the_webhook_names_can_be_read(graph: Graph, account: Callable[..., Account]) -> None:
    me = {"id": OWN, "username": "alderbrookacademy"}
    said = {"id": "5", "text": "ask @alderbrookacademy", "timestamp": stamp(5), "media": {"id": "4", "permalink": "x"}}
    answers = [me, {"mentioned_media": medium(4, username="wren"), "id": OWN}, me, {"mentioned_comment": said}]
    graph.edges[OWN] = [*answers, {"id": OWN}]
    connector = InstagramConnector()
    post = connector.mention(account(), media="4")
    assert (post.id, post.kind, post.author and post.author.handle) == ("4", "post", "wren")
    answer = connector.mention(account(), media="4", comment="5")
    assert (answer.id, answer.kind, answer.thread, answer.reply_to) == ("5", "comment", "4", "4")
    assert "mentioned_comment.comment_id(5)" in graph.asked[-1].args["fields"]
    with pytest.raises(UnexpectedResponseError):
        connector.mention(account(official=False), media="4")
    with pytest.raises(AccountNotFoundError, match="no id"):
        connector.mention(account(), media="4){id},x(")


SEARCH: dict[str, Any] = {"target": "#AlderbrookFair", "reads": ("search",)}


def searching(graph: Graph, *bodies: Any, used: list[dict[str, Any]] | None = None) -> None:
    graph.edges |= {
        f"{OWN}/recently_searched_hashtags": [paged(*(used or []))],
        "ig_hashtag_search": [{"data": [{"id": "178"}]}],
        "178/recent_media": list(bodies),
    }


def test_a_hashtag_is_searched_and_its_media_have_no_author(graph: Graph, account: Callable[..., Account]) -> None:
    searching(graph, paged(medium(1), medium(2), after="same"), paged(medium(3), after="same"), paged(medium(4)))
    source = account(**SEARCH)
    first = list(pages(source, user_id=OWN))
    assert sorted(ids(first)) == [1, 2, 3, 4], "the cursor is the same for every page, and leads onward"
    assert {post.author for page in first for post in page.posts} == {None}
    asked = graph.asked[-1].args
    assert (asked["user_id"], asked["after"]) == (OWN, "same")
    assert "username" not in asked["fields"]
    assert not any("#" in request.args for request in graph.asked)
    searching(graph, paged(medium(2), medium(5), medium(1)), used=[{"id": "178"}])
    assert ids(list(pages(source, first[-1].cursor, user_id=OWN))) == [5]
    assert graph.count("ig_hashtag_search") == 1


def test_the_thirty_first_hashtag_is_not_asked_for(graph: Graph, account: Callable[..., Account]) -> None:
    used = [{"id": str(n), "name": f"tag{n}"} for n in range(30)]
    searching(graph, paged(medium(1)), used=used)
    with pytest.raises(PermanentError, match="30 other hashtags"):
        InstagramConnector(user_id=OWN).fetch(account(**SEARCH), None)
    assert graph.count("ig_hashtag_search") == 0
    searching(graph, paged(medium(1)), used=[*used[:29], {"id": "178", "name": "alderbrookfair"}])
    assert ids(list(pages(account(**SEARCH), user_id=OWN))) == [1]


def test_one_hashtag_too_many_keeps_no_other_from_being_read(graph: Graph, account: Callable[..., Account]) -> None:
    used = [{"id": str(n)} for n in range(29)]
    searching(graph, paged(medium(1)), used=[*used, {"name": "known", "id": "178"}])
    source, connector = account(target="#alderbrookfair #known", reads=("search",)), InstagramConnector(user_id=OWN)
    first = connector.fetch(source, None)
    assert (ids([first]), first.more) == ([1], True)
    with pytest.raises(PermanentError, match="#alderbrookfair"):
        connector.fetch(source, first.cursor)


def test_a_hashtag_that_nobody_used_is_told_once(graph: Graph, account: Callable[..., Account]) -> None:
    searching(graph, paged())
    graph.edges["ig_hashtag_search"] = [failed(400, 24, "The requested resource does not exist")]
    first = list(pages(account(**SEARCH), user_id=OWN))
    assert "#AlderbrookFair" in first[0].gaps[0].why
    again = list(pages(account(**SEARCH), first[-1].cursor, user_id=OWN))
    assert [page.gaps for page in again] == [()]
    searching(graph, paged(medium(1)))
    assert ids(list(pages(account(**SEARCH), again[-1].cursor, user_id=OWN))) == [1]


def test_a_day_without_a_look_at_a_hashtag_is_a_gap(graph: Graph, account: Callable[..., Account]) -> None:
    searching(graph, paged(medium(1)))
    first = InstagramConnector(user_id=OWN).fetch(account(**SEARCH), None)
    assert first.cursor is not None
    state = json.loads(first.cursor.state)
    began = datetime.now(UTC) - timedelta(days=3)
    state["reads"]["#AlderbrookFair"]["began"] = began.isoformat()
    later = InstagramConnector(user_id=OWN).fetch(account(**SEARCH), Cursor(state=json.dumps(state)))
    (gap,) = later.gaps
    assert gap.start == began
    assert gap.end is not None
    assert timedelta(hours=47) < gap.end - began < timedelta(hours=49)


@pytest.mark.parametrize(
    "changes",
    [
        {"target": OWN, "reads": ("search",)},
        {"target": "#fair words", "reads": ("search",)},
        {"target": "#fair", "reads": ("posts", "search")},
        {"target": " ".join(f"#tag{n}" for n in range(31)), "reads": ("search",)},
    ],
)
def test_a_search_that_cannot_be_is_refused_unasked(
    graph: Graph, account: Callable[..., Account], changes: dict[str, Any]
) -> None:
    with pytest.raises(PermanentError, match="hashtags"):
        InstagramConnector(user_id=OWN).fetch(account(**changes), None)
    assert graph.asked == []


@pytest.mark.parametrize(
    "target", ["alderbrookacademy", "@AlderbrookAcademy", "https://www.instagram.com/alderbrookacademy/?hl=en"]
)
def test_a_handle_is_looked_up_once(graph: Graph, account: Callable[..., Account], target: str) -> None:
    other = {"id": "1", "instagram_business_account": {"id": "9", "username": "northmere"}}
    graph.edges["me/accounts"] = [
        paged(other, {"id": "2"}, after="n"),
        paged({"instagram_business_account": {"id": OWN, "username": "alderbrookacademy"}, "id": "3"}),
    ]
    graph.edges[f"{OWN}/media"] = [paged(medium(1)), paged(medium(2))]
    first = InstagramConnector().fetch(account(target=target), None)
    second = InstagramConnector().fetch(account(target=target), first.cursor)
    assert ids([first, second]) == [1, 2]
    assert graph.count("me/accounts") == 2
    assert first.posts[0].author == Author(id=OWN, handle="alderbrookacademy", official=True)


def test_a_pages_own_token_leads_to_its_account_too(graph: Graph, account: Callable[..., Account]) -> None:
    graph.edges["me/accounts"] = [failed(400, 100, "(#100) Tried accessing nonexisting field (accounts)")]
    graph.edges["me"] = [{"instagram_business_account": {"id": OWN, "username": "alderbrookacademy"}, "id": "3"}]
    graph.edges[f"{OWN}/media"] = [paged(medium(1))]
    assert ids([InstagramConnector().fetch(account(target="@alderbrookacademy"), None)]) == [1]
    with pytest.raises(AccountNotFoundError, match="@elsewhere"):
        InstagramConnector().fetch(account(target="@elsewhere"), None)
    searching(graph, paged(medium(2)))
    assert ids([InstagramConnector().fetch(account(**SEARCH), None)]) == [2]


@pytest.mark.parametrize("target", ["../me", "two words", "", "https://example.com/a"])
def test_a_target_that_is_no_account_is_refused_unasked(
    graph: Graph, account: Callable[..., Account], target: str
) -> None:
    with pytest.raises(AccountNotFoundError, match="handle"):
        InstagramConnector().fetch(account(target=target), None)
    assert graph.asked == []


def test_posts_are_checked_again(graph: Graph, account: Callable[..., Account]) -> None:
    graph.edges |= {
        f"{OWN}/media": [paged(medium(2), medium(1))],
        f"{OWN}/tags": [paged(medium(3, username="wren"))],
        "1": [medium(1, caption="mended")],
        "10": [comment(10)],
    }
    own = InstagramConnector().fetch(account(), None).posts
    theirs = InstagramConnector().fetch(account(reads=("mentions",)), None).posts
    said = Post(platform="instagram", id="10", kind="comment", text="Invented 10", thread="1")
    found = dict(InstagramConnector().recheck(account(), [*own, *theirs, said]))
    assert {post.id: now and now.text for post, now in found.items()} == {"1": "mended", "2": None, "10": "Invented 10"}


def test_a_token_that_lost_its_account_deletes_nothing(graph: Graph, account: Callable[..., Account]) -> None:
    said = Post(platform="instagram", id="10", kind="comment", text="Invented 10", thread="1")
    graph.edges[OWN] = [{"id": OWN, "username": "x"}, failed(400, 100, "no", error_subcode=33)]
    with pytest.raises(AccountNotFoundError):
        list(InstagramConnector().recheck(account(), [said]))


def test_a_stretch_of_the_past_is_read(graph: Graph, account: Callable[..., Account]) -> None:
    graph.edges[f"{OWN}/media"] = [
        paged(medium(9), medium(8), after="a"), paged(medium(6), medium(4), after="b"), paged(medium(2), after="c"),
    ]  # fmt: skip
    since, until = (datetime(2026, 11, 16, 0, n, tzinfo=UTC) for n in (3, 9))
    got, cursor, connector = [], None, InstagramConnector()
    while True:
        page = connector.backfill(account(), since, until, cursor)
        got.append(page)
        if not page.more:
            break
        cursor = page.cursor
    assert ids(got) == [8, 4, 6]
    assert [request.args.get("after") for request in graph.asked] == [None, "a", "b"]
    assert graph.asked[0].args["since"] == str(int(since.timestamp()))


USED_UP = json.dumps({OWN: [{"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": 19}]})
SAYS = f"the token {TOKEN} says"


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        (failed(400, 190, SAYS, error_subcode=463), AuthenticationError),
        (failed(403, 10, SAYS), AuthenticationError),
        (failed(403, 200, SAYS), AuthenticationError),
        (failed(400, 4, SAYS), RateLimitedError),
        (failed(400, 17, SAYS), RateLimitedError),
        (failed(400, 18, SAYS), RateLimitedError),
        (failed(403, 613, SAYS), RateLimitedError),
        (failed(400, 80002, SAYS), RateLimitedError),
        (failed(400, 100, "no", error_subcode=33), AccountNotFoundError),
        (failed(400, 24, SAYS), AccountNotFoundError),
        (failed(400, -1, SAYS), TransientError),
        (failed(500, 2, SAYS), TransientError),
        (failed(400, 9007, SAYS), PermanentError),
        (failed(400, 100, "(#100) Tried accessing nonexisting field (x)"), PermanentError),
        (Response('{"data": []}', 500, content_type="application/json"), TransientError),
        (Response('{"paging": {}}', 200, content_type="application/json"), UnexpectedResponseError),
        (Response("[" * 100_000, 200, content_type="application/json"), UnexpectedResponseError),
        (Response("x" * 7_000_000, 200, content_type="application/json"), UnexpectedResponseError),
    ],
)
def test_each_wrong_answer_has_its_error_and_no_error_tells_the_token(
    graph: Graph, account: Callable[..., Account], answered: Response, expected: type[ConnectorError]
) -> None:
    graph.edges[f"{OWN}/media"] = [answered]
    with pytest.raises(ConnectorError) as caught:
        InstagramConnector().fetch(account(), None)
    assert type(caught.value) is expected
    assert TOKEN not in str(caught.value)
    assert "Facebook" not in str(caught.value)


def test_the_usage_header_tells_until_when_to_pause(graph: Graph, account: Callable[..., Account]) -> None:
    graph.edges[f"{OWN}/media"] = [failed(400, 80002, SAYS, {"X-Business-Use-Case-Usage": USED_UP})]
    with pytest.raises(RateLimitedError) as caught:
        InstagramConnector().fetch(account(), None)
    assert caught.value.retry_at is not None
    assert timedelta(minutes=18) < caught.value.retry_at - datetime.now(UTC) <= timedelta(minutes=19)


def test_without_a_token_it_says_what_to_do() -> None:
    source = Account(name="a", platform="instagram", target=OWN)
    with pytest.raises(AuthenticationError, match="Instagram needs an access token"):
        InstagramConnector().fetch(source, None)


def test_a_forgotten_cursor_among_the_watched_begins_anew(graph: Graph, account: Callable[..., Account]) -> None:
    expired = failed(400, 100, "Invalid cursors values")
    newest = paged({"id": "2", "comments_count": 1}, after="a")
    graph.edges |= {
        f"{OWN}/media": [
            newest,
            expired,
            newest,
            paged({"id": "1", "comments_count": 1}),
        ],
        "2/comments": [paged(comment(21))],
        "1/comments": [paged(comment(11))],
    }
    assert ids(list(pages(account(reads=("comments",))))) == [21, 11]


ODD: tuple[Any, ...] = (None, -1, 1.5, True, "", "\ud800", [], {}, [None], {"data": [1]}, "2026-11-16T12:30:00", 10**30)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield (*path, key)
        yield from places(below, (*path, key))


@pytest.mark.parametrize("name", ["media", "comments"])
def test_whatever_stands_anywhere_every_item_is_a_post_or_an_oddity(name: str) -> None:
    sent = golden(name)[0]["data"]
    own = Author(id=OWN, handle="alderbrookacademy", official=True)
    read: Any = partial(to_post, own=own, owned=True) if name == "media" else partial(to_comment, under="1", own=own)
    for path in places(sent):
        for odd in ODD:
            changed = copy.deepcopy(sent)
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = odd
            found = items_of(changed, read, "a medium")
            assert len(found) == len(sent)
            for _, one in found:
                if isinstance(one, Post):
                    assert Post.from_dict(json.loads(json.dumps(one.as_dict())), one.raw) == one


# Recorded answers: each file is read below, or has its reason here.
NOT_READ = {
    "python-facebook__hashtags_hashtag_info.json": "a hashtag's name, which is known",
    "python-facebook__hashtags_hashtags_info.json": "hashtags' names, which are known",
    "python-facebook__medias_children.json": "an album's parts come along with the album",
    "python-facebook__stories_stories_default.json": "stories are gone after a day, and are hardly ever text",
    "python-facebook__stories_stories_info.json": "stories",
    "python-facebook__stories_story_info.json": "a story",
    "python-facebook__users_stories.json": "stories",
    "python-facebook__users_content_publish_limit.json": "Watcher publishes nothing",
    "python-facebook__users_live_medias.json": "a live broadcast can be read while it lasts only",
    "restfb__instagram_igmedia-cci.json": "a copyright check of what is being published",
    "restfb__instagram_media-with-boost-ads.json": "advertisements",
    "restfb__instagram_wh-livecomments.json": "a webhook: comments on a live broadcast",
    "restfb__instagram_wh-story_insights.json": "a webhook: numbers of a story",
    "restfb__instagram_wh-comments.json": "a webhook: comments are read by asking",
}
MEDIA = {
    "python-facebook__medias_media_default.json": 1,
    "python-facebook__medias_medias_fields.json": 2,
    "python-facebook__users_medias_p1.json": 2,
    "python-facebook__users_medias_p2.json": 2,
    "restfb__instagram_media-carousel.json": 1,
    "restfb__instagram_media-image.json": 1,
}
OTHERS = {
    "python-facebook__comments_comment_fields.json",
    "python-facebook__comments_replies.json",
    "python-facebook__hashtags_hashtag_top_medias_p1.json",
    "python-facebook__hashtags_hashtag_top_medias_p2.json",
    "python-facebook__users_hashtag_search.json",
    "python-facebook__users_recently_searched_hashtags.json",
    "python-facebook__users_user_fields.json",
    "restfb__instagram_comment.json",
}


def recorded(name: str) -> Any:
    return json.loads((Path(RECORDED or "") / "instagram" / name).read_text())


@needs_recorded
def test_every_recorded_answer_is_read_or_has_its_reason() -> None:
    files = {file.name for file in (Path(RECORDED or "") / "instagram").iterdir()}
    assert files == NOT_READ.keys() | MEDIA.keys() | OTHERS


@needs_recorded
@pytest.mark.parametrize("name", sorted(MEDIA))
def test_recorded_media_are_read(graph: Graph, account: Callable[..., Account], name: str) -> None:
    body = recorded(name)
    sent = body["data"] if isinstance(body.get("data"), list) else [body] if "id" in body else list(body.values())
    graph.edges[f"{OWN}/media"] = [{"data": sent}]
    (page,) = pages(account())
    posts = {post.id: post for post in page.posts}
    assert (len(posts), page.oddities) == (MEDIA[name], ())
    for one in sent:
        post = posts[one["id"]]
        assert (post.text, post.url) == (one.get("caption", ""), one["permalink"])
        assert post.created_at == datetime.fromisoformat(one["timestamp"])
        assert len(post.media) == len(one.get("children", {}).get("data", [one]))
        assert post.author


@needs_recorded
@pytest.mark.parametrize("number", [1, 2])
def test_recorded_hashtag_media_are_read(graph: Graph, account: Callable[..., Account], number: int) -> None:
    body = recorded(f"python-facebook__hashtags_hashtag_top_medias_p{number}.json")
    tag = recorded("python-facebook__users_hashtag_search.json")
    used = recorded("python-facebook__users_recently_searched_hashtags.json")
    graph.edges |= {
        f"{OWN}/recently_searched_hashtags": [used],
        "ig_hashtag_search": [tag],
        f"{tag['data'][0]['id']}/recent_media": [{"data": body["data"]}],
    }
    (page,) = pages(account(target="#developers", reads=("search",)), user_id=OWN)
    assert page.oddities == ()
    assert {post.id: post.text for post in page.posts} == {one["id"]: one.get("caption", "") for one in body["data"]}
    assert all(post.author is None and post.url for post in page.posts)


@needs_recorded
def test_recorded_comments_and_replies_are_read(graph: Graph, account: Callable[..., Account]) -> None:
    one, other = recorded("python-facebook__comments_comment_fields.json"), recorded("restfb__instagram_comment.json")
    replies = recorded("python-facebook__comments_replies.json")["data"]
    whole = {**one, "replies": {"data": replies}}
    handle = recorded("python-facebook__users_user_fields.json")
    graph.edges |= {
        OWN: [handle],
        f"{OWN}/media": [paged({"id": "1", "comments_count": 4})],
        "1/comments": [paged(whole, other)],
    }
    got = {post.id: post for page in pages(account(reads=("comments",))) for post in page.posts}
    assert got.keys() == {one["id"], other["id"], replies[0]["id"], other["replies"]["data"][0]["id"]}
    assert got[one["id"]].author == Author(id=one["username"], handle=one["username"])
    assert got[other["id"]].author == Author(id=other["user"]["id"])
    assert got[replies[0]["id"]].reply_to == one["id"]
    assert {post.text for post in got.values()} >= {one["text"], replies[0]["text"]}
