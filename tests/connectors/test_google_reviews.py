"""The Google reviews connector against a real server that speaks the Business Profile API, well and badly."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors._review import original
from connectors.connector import Backfiller, Connector, Rechecker
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.google_reviews import GoogleReviewsConnector
from connectors.post import Account

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
PLACE = "accounts/100/locations/200"


def moment(minutes: int) -> str:
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def review(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "name": f"{PLACE}/reviews/Ab{number}",
        "reviewId": f"Ab{number}",
        "reviewer": {"displayName": "Nell Harbottle"},
        "starRating": "THREE",
        "comment": f"Invented review {number}",
        "createTime": moment(number),
        "updateTime": moment(number),
        **fields,
    }


class Place:
    """A small Business Profile service with one place; the newest change comes first."""

    def __init__(self, server: HTTPServer) -> None:
        self.reviews: list[dict[str, Any]] = []
        self.asked: list[Request] = []
        self.failing: Response | None = None
        self.forgotten: set[str] = set()
        server.expect_request(re.compile("/v4/.*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        if self.failing is not None:
            return Response(self.failing.get_data(), self.failing.status_code, self.failing.headers)
        if request.args.get("pageToken") in self.forgotten:
            return refusal(400, "INVALID_ARGUMENT", "Invalid page token")
        if request.path == f"/v4/{PLACE}/reviews":
            assert request.args["orderBy"] == "updateTime desc"
            return self.page(request)
        found = [one for one in self.reviews if request.path == f"/v4/{one['name']}"]
        return self.json(found[0]) if found else refusal(404, "NOT_FOUND", "s3cret words")

    def page(self, request: Request) -> Response:
        listed = sorted(self.reviews, key=lambda one: one["updateTime"], reverse=True)
        start, size = int(request.args.get("pageToken", "T0")[1:]), int(request.args["pageSize"])
        onward = {"nextPageToken": f"T{start + size}"} if start + size < len(listed) else {}
        body = {"reviews": listed[start : start + size], "averageRating": 3.2, "totalReviewCount": len(listed)}
        return self.json({**body, **onward} if listed else {})

    def json(self, value: Any) -> Response:
        return Response(json.dumps(value), content_type="application/json; charset=UTF-8")

    def put(self, *numbers: int, **fields: Any) -> None:
        self.reviews += [review(number, **fields) for number in numbers]


def refusal(code: int, status: str, message: str = "s3cret words", **details: Any) -> Response:
    error = {"code": code, "message": message, "status": status, **({"details": [details]} if details else {})}
    return Response(json.dumps({"error": error}), code, content_type="application/json")


@pytest.fixture
def place(httpserver: HTTPServer) -> Place:
    return Place(httpserver)


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values = {
            "name": "alderbrook-reviews",
            "platform": "google_reviews",
            "target": PLACE,
            "official": True,
            "token": "s3cret",
            "base_url": httpserver.url_for("").rstrip("/"),
            "allow_private": True,
        }
        return Account(**{**values, **changes})

    return make


@pytest.fixture
def connector() -> GoogleReviewsConnector:
    return GoogleReviewsConnector(timeout_s=2, total_s=4, page_size=5)


def ids(posts: Any) -> list[str]:
    return sorted(post.id for post in posts)


def names(*numbers: int) -> list[str]:
    return sorted(f"Ab{number}" for number in numbers)


def test_golden_pair(httpserver: HTTPServer, account, golden: Path, connector) -> None:
    sent = json.loads((golden / "google_reviews" / "reviews.sent.json").read_text())
    httpserver.expect_request(f"/v4/{PLACE}/reviews").respond_with_json(sent)
    page = connector.fetch(account(), None)
    becomes = json.loads((golden / "google_reviews" / "reviews.becomes.json").read_text())
    assert [{k: v for k, v in post.as_dict().items() if k != "sha256"} for post in page.posts] == becomes
    assert (page.more, page.oddities) == (False, ())


def test_all_reviews_come_and_then_only_what_is_new(place: Place, account, drain, connector) -> None:
    place.put(*range(1, 24))
    reading = drain(connector, account())
    assert ids(reading.posts) == names(*range(1, 24))
    place.put(*range(24, 31))
    later = drain(connector, account(), reading.cursor)
    assert ids(later.posts) == names(*range(24, 31))
    assert {request.headers["Authorization"] for request in place.asked} == {"Bearer s3cret"}
    assert not any("s3cret" in request.url for request in place.asked)


def test_a_place_without_reviews_answers_an_empty_object(place: Place, account, drain, connector) -> None:
    reading = drain(connector, account())
    assert reading.posts == []
    place.put(1)
    assert ids(drain(connector, account(), reading.cursor).posts) == ["Ab1"]


def test_edits_and_replies_come_alone(place: Place, account, drain, connector) -> None:
    place.put(*range(1, 13))
    reading = drain(connector, account())
    place.reviews[2] |= {"starRating": "ONE", "updateTime": moment(90)}
    place.reviews[4]["reviewReply"] = {"comment": "Thank you", "updateTime": moment(95)}
    later = drain(connector, account(), reading.cursor)
    edited, reply = later.posts
    assert (edited.id, edited.text[:14], edited.kind) == ("Ab3", "1 of 5 stars\n\n", "review")
    assert edited.edited_at == START + timedelta(minutes=90)
    assert (reply.id, reply.kind, reply.reply_to, reply.author.official) == ("Ab5/reply", "reply", "Ab5", True)
    place.reviews[4]["reviewReply"]["comment"] = "Thank you all"
    assert ids(drain(connector, account(), later.cursor).posts) == ["Ab5/reply"]


def test_a_reply_that_is_not_published_is_not_public(place: Place, account, drain, connector) -> None:
    place.put(1, reviewReply={"comment": "Thank you", "updateTime": moment(5), "reviewReplyState": "PENDING"})
    reading = drain(connector, account())
    assert ids(reading.posts) == ["Ab1"]
    place.reviews[0]["reviewReply"]["reviewReplyState"] = "APPROVED"
    assert ids(drain(connector, account(), reading.cursor).posts) == ["Ab1/reply"]


@pytest.mark.parametrize(
    ("comment", "written"),
    [
        ("(Translated by Google) Good\n\n(Original)\nDa iawn", "Da iawn"),
        ("Da iawn\n\n(Translated by Google)\nVery good", "Da iawn"),
        ("Da\n\niawn\n\n(Translated by Google)\nVery\n\ngood", "Da\n\niawn"),
        ("Only English", "Only English"),
        ("He said (Translated by Google) is a joke", "He said (Translated by Google) is a joke"),
        ("(Translated by Google) and nothing else", "(Translated by Google) and nothing else"),
        ("", ""),
        (
            "ok\n\n(Translated by Google)\n" + "hidden " * 40,
            "ok\n\n(Translated by Google)\n" + ("hidden " * 40).strip(),
        ),
    ],
)
def test_the_translation_is_cut_off_and_nothing_can_be_hidden_in_it(comment: str, written: str) -> None:
    assert original(comment) == written


def test_the_cut_takes_time_in_proportion() -> None:
    begun = time.process_time()
    for text in ("\n" * 400_000, "(Translated by Google)" + "\n " * 200_000, "a\n(Translated by Googl" * 30_000):
        original(text + "x")
    assert time.process_time() - begun < 3


def test_a_forgotten_page_token_begins_anew_and_at_last_is_a_gap(place: Place, account, drain, connector) -> None:
    place.put(*range(1, 13))
    first = connector.fetch(account(), None)
    place.forgotten = {"T5"}
    reading = drain(connector, account(), first.cursor)
    assert ["page tokens" in gap.why for gap in reading.gaps] == [True]
    place.forgotten = set()
    rest = drain(connector, account(), first.cursor)
    assert ids([*first.posts, *rest.posts]) == names(*range(1, 13))


def test_odd_items_are_set_aside(place: Place, account, drain, connector) -> None:
    odd = [None, "text", {"reviewId": ["x"]}, review(8, comment=5), {"reviewId": "Ab9"}]
    place.page = lambda request: place.json({"reviews": [*odd, review(1)]})  # type: ignore[method-assign]
    reading = drain(connector, account())
    assert ids(reading.posts) == ["Ab1"]
    assert len(reading.oddities) == 5
    assert drain(connector, account(), reading.cursor).oddities == []


REFUSALS = [
    (refusal(401, "UNAUTHENTICATED", reason="ACCESS_TOKEN_EXPIRED"), AuthenticationError, "expired"),
    (refusal(403, "PERMISSION_DENIED", reason="ACCESS_TOKEN_SCOPE_INSUFFICIENT"), AuthenticationError, "scope"),
    (refusal(403, "PERMISSION_DENIED", reason="SERVICE_DISABLED"), AuthenticationError, "enable the API"),
    (refusal(403, "PERMISSION_DENIED"), AuthenticationError, "may not be read"),
    (refusal(404, "NOT_FOUND"), AccountNotFoundError, "know the target"),
    (refusal(429, "RESOURCE_EXHAUSTED"), RateLimitedError, "pause"),
    (
        refusal(429, "RESOURCE_EXHAUSTED", reason="RATE_LIMIT_EXCEEDED", metadata={"quota_limit_value": "0"}),
        AuthenticationError,
        "Google's form",
    ),
    (refusal(400, "FAILED_PRECONDITION"), PermanentError, "refused"),
    (refusal(503, "UNAVAILABLE"), TransientError, "out of order"),
    (Response('{"places": []}'), UnexpectedResponseError, "another shape"),
    (Response('{"reviews": {}}'), UnexpectedResponseError, "another shape"),
]


@pytest.mark.parametrize(("answer", "kind", "said"), REFUSALS)
def test_refusals_are_told_apart(place: Place, account, connector, answer, kind, said) -> None:
    place.failing = answer
    with pytest.raises(kind, match=said) as caught:
        connector.fetch(account(), None)
    assert "s3cret" not in str(caught.value)


def test_what_cannot_be_read_says_what_to_write(account, connector) -> None:
    with pytest.raises(AccountNotFoundError, match="accounts/NUMBER/locations/NUMBER"):
        connector.fetch(account(target="Alderbrook Academy"), None)
    with pytest.raises(PermanentError, match="search reviews"):
        connector.fetch(account(reads=("search",)), None)
    with pytest.raises(AuthenticationError, match="OAuth token"):
        connector.fetch(account(token=None, base_url=None), None)


def test_recheck_tells_edits_from_deletions(place: Place, account, drain, connector) -> None:
    place.put(1, 2, 3, reviewReply={"comment": "Thank you", "updateTime": moment(5)})
    posts = drain(connector, account()).posts
    assert all(now == post for post, now in connector.recheck(account(), posts))
    del place.reviews[0], place.reviews[0]["reviewReply"]
    place.reviews[1]["comment"] = "Other"
    now = {post.id: after for post, after in connector.recheck(account(), posts)}
    assert {name for name, after in now.items() if after is None} == {"Ab1", "Ab1/reply", "Ab2/reply"}
    assert now["Ab3"].text == "3 of 5 stars\n\nOther"


def test_a_stretch_of_the_past(place: Place, account, connector) -> None:
    place.put(*range(1, 31))
    posts, cursor, more = [], None, True
    while more:
        page = connector.backfill(account(), START + timedelta(minutes=12), START + timedelta(minutes=15), cursor)
        posts, cursor, more = [*posts, *page.posts], page.cursor, page.more
    assert ids(posts) == names(12, 13, 14)
    assert len(place.asked) == 5


def test_its_powers(connector) -> None:
    assert isinstance(connector, Connector)
    assert isinstance(connector, Rechecker)
    assert isinstance(connector, Backfiller)
