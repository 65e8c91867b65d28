"""A school's page on LinkedIn, replayed by a real server."""

from __future__ import annotations

import copy
import json
import random
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
from connectors._linkedin_post import little_text, to_comment, to_mention, to_post
from connectors.connector import Backfiller, Connector, Rechecker
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    RefusedAddressError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.linkedin import LinkedinConnector
from connectors.post import Account, Author, Cursor, Page, Post

GOLDEN = Path(__file__).parent / "golden" / "linkedin"
TOKEN = "AQXsecrettoken"
ORG = "urn:li:organization:2414183"
NOTES = "organizationalEntityNotifications"
DAY = "Resource level throttle APPLICATION DAY limit for calls to this resource is reached."


class Api:
    """A stand-in for LinkedIn: answers by path, each a list of which the last one stays."""

    def __init__(self, server: HTTPServer) -> None:
        self.asked: list[Request] = []
        self.paths: dict[str, list[Any]] = {"socialMetadata": [failed(403, "ACCESS_DENIED", "no")], NOTES: [paged()]}
        server.expect_request(re.compile(".*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        answers = self.paths.get(request.path.removeprefix("/rest/"), [failed(404, "NOT_FOUND", "no")])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer) and not isinstance(answer, Response):
            answer = answer(request)
        return answer if isinstance(answer, Response) else Response(json.dumps(answer), mimetype="application/json")

    def count(self, path: str) -> int:
        return sum(request.path == f"/rest/{path}" for request in self.asked)


@pytest.fixture
def api(httpserver: HTTPServer) -> Api:
    return Api(httpserver)


@pytest.fixture
def account(httpserver: HTTPServer) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        values: dict[str, Any] = {
            "name": "hillcrest-linkedin",
            "platform": "linkedin",
            "target": "2414183",
            "reads": ("posts",),
            "official": True,
            "base_url": httpserver.url_for("").rstrip("/"),
            "allow_private": True,
            "token": TOKEN,
        }
        return Account(**{**values, **changes})

    return make


def millis(number: int) -> int:
    return int((datetime(2026, 11, 16, tzinfo=UTC) + timedelta(minutes=number)).timestamp() * 1000)


def share(number: int, changed: int | None = None, **fields: Any) -> dict[str, Any]:
    said = {"id": f"urn:li:share:{number}", "author": ORG, "commentary": f"Invented {number}"}
    times = {"publishedAt": millis(number), "lastModifiedAt": millis(number if changed is None else changed)}
    return {**said, **times, "lifecycleState": "PUBLISHED", "visibility": "PUBLIC", **fields}


def comment(number: int, post: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "commentUrn": f"urn:li:comment:(urn:li:activity:{post},{number})",
        "actor": "urn:li:person:wren",
        "message": {"text": f"Said {number}"},
        "created": {"time": millis(number)},
        "lastModified": {"time": millis(number)},
        **fields,
    }


def note(number: int, action: str = "SHARE_MENTION", when: int = 0, **said: Any) -> dict[str, Any]:
    entity = {"entity": f"urn:li:share:{number}", "owner": "urn:li:person:wren", "text": f"Named {number}", **said}
    return {
        "notificationId": number,
        "action": action,
        "lastModifiedAt": millis(when),
        "decoratedGeneratedActivity": {"share": entity},
    }


def commented(number: int, action: str = "COMMENT") -> dict[str, Any]:
    said = {"entity": f"urn:li:comment:(urn:li:activity:1,{number})", "owner": "urn:li:person:wren", "text": "As noted"}
    return {
        "notificationId": 9000 + number,
        "action": action,
        "lastModifiedAt": millis(number),
        "decoratedSourcePost": {"entity": "urn:li:share:1"},
        "decoratedGeneratedActivity": {"comment": said},
    }


def paged(*items: Any, onward: int | None = None, **paging: Any) -> dict[str, Any]:
    links = [] if onward is None else [{"rel": "next", "href": f"/rest/x?q=author&start={onward}&count=2"}]
    return {"elements": list(items), "paging": {"start": 0, "count": 50, "links": links, **paging}}


def sliced(items: list[Any]) -> Callable[[Request], Any]:
    """A list that is paged by numbers, as LinkedIn does; it may change between two pages."""

    def answer(request: Request) -> Any:
        start, size = int(request.args["start"]), int(request.args["count"])
        more = start + size if start + size < len(items) else None
        return paged(*items[start : start + size], onward=more, count=size)

    return answer


def failed(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> Response:
    body = {"status": status, "serviceErrorCode": 100, "code": code, "message": message}
    return Response(json.dumps(body), status, headers, content_type="application/json")


def counts(**numbers: tuple[int, int]) -> dict[str, Any]:
    results = {
        f"urn:li:share:{name[1:]}": {"commentSummary": {"count": n, "topLevelCount": top}}
        for name, (n, top) in numbers.items()
    }
    return {"results": results, "statuses": {}, "errors": {}}


def pages(source: Account, cursor: Cursor | None = None, **options: Any) -> Iterator[Page]:
    connector = LinkedinConnector(**options)
    for _ in range(80):
        got = connector.fetch(source, cursor)
        yield got
        if not got.more:
            return
        cursor = got.cursor
    raise AssertionError("it never ends")


def ids(got: list[Page]) -> list[int]:
    return [int(post.id.rpartition(":")[2]) for page in got for post in page.posts]


def golden(name: str) -> tuple[Any, Any]:
    sent, becomes = GOLDEN / f"{name}.sent.json", GOLDEN / f"{name}.becomes.json"
    return json.loads(sent.read_text()), json.loads(becomes.read_text())


def as_dicts(got: list[Page]) -> list[dict[str, Any]]:
    return [{k: v for k, v in post.as_dict().items() if k != "sha256"} for page in got for post in page.posts]


def test_it_reads_rechecks_and_reaches_back() -> None:
    connector = LinkedinConnector()
    assert isinstance(connector, Connector)
    assert isinstance(connector, Rechecker)
    assert isinstance(connector, Backfiller)


# posts -----------------------------------------------------------------------------------------------------------


def test_what_linkedin_sends_becomes_posts(api: Api, account: Callable[..., Account]) -> None:
    sent, becomes = golden("posts")
    api.paths["posts"] = [sent]
    got = LinkedinConnector().fetch(account(), None)
    assert as_dicts([got]) == becomes
    assert (got.more, got.gaps, got.oddities) == (False, (), ())
    (asked,) = api.asked
    assert asked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert asked.headers["LinkedIn-Version"] == "202608"
    assert asked.headers["X-Restli-Protocol-Version"] == "2.0.0"
    assert b"author=urn%3Ali%3Aorganization%3A2414183" in asked.query_string, "each sign of a URN is escaped"
    assert asked.args["sortBy"] == "LAST_MODIFIED"
    assert TOKEN not in asked.url


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (r"Fees \(2027\) \| \#1 \*new\*", "Fees (2027) | #1 *new*"),
        ("With @[Northmere \\[Trust\\]](urn:li:organization:9) today", "With Northmere [Trust] today"),
        (r"{hashtag|\#|Northmere} {hashtag|#|Fair}", "#Northmere #Fair"),
        ("plain #tag, a@b.example and @[unfinished](x)", "plain #tag, a@b.example and @[unfinished](x)"),
        ("C:\\new \\n stays", "C:\\new \\n stays"),
        ("@[" * 20_000, "@[" * 20_000),
    ],
)
def test_linkedins_notation_is_read_as_its_readers_see_it(written: str, shown: str) -> None:
    assert little_text(written) == shown


def test_an_edit_of_an_old_post_comes_and_does_not_end_the_news(api: Api, account: Callable[..., Account]) -> None:
    api.paths["posts"] = [sliced([share(n) for n in range(4, 0, -1)])]
    first = list(pages(account(), page_size=2))
    assert sorted(ids(first)) == [1, 2, 3, 4]
    changed = share(1, changed=8, commentary="mended", lifecycleStateInfo={"isEditedByAuthor": True})
    after = [share(9), changed, *(share(n) for n in (7, 6, 5, 4, 3, 2))]
    api.paths["posts"] = [sliced(after)]
    second = list(pages(account(), first[-1].cursor, page_size=2))
    assert sorted(ids(second)) == [1, 5, 6, 7, 9], "an old post at the end of a page is not the end of what is new"
    (edited,) = [post for page in second for post in page.posts if post.id == "urn:li:share:1"]
    assert (edited.text, edited.edited_at) == ("mended", datetime(2026, 11, 16, 0, 8, tzinfo=UTC))


def test_a_change_that_readers_do_not_see_brings_nothing(api: Api, account: Callable[..., Account]) -> None:
    api.paths["posts"] = [paged(share(2), share(1)), paged(share(1, changed=5), share(2))]
    first = list(pages(account()))
    assert ids(list(pages(account(), first[-1].cursor))) == []


def test_a_post_deleted_between_two_pages_hides_no_other(api: Api, account: Callable[..., Account]) -> None:
    items = [share(n) for n in range(12, 0, -1)]
    api.paths["posts"] = [sliced(items)]
    connector, source, cursor, got = LinkedinConnector(page_size=4), account(), None, []
    for number in range(20):
        page = connector.fetch(source, cursor)
        got.append(page)
        cursor = page.cursor
        if number == 0:
            del items[0:2]
        if number == 2:
            del items[1]
        if not page.more:
            break
    assert sorted(ids(got)) == list(range(1, 13))
    assert [gap for page in got for gap in page.gaps] == []


def _change(posts: dict[int, dict[str, Any]], chance: random.Random, now: int) -> None:
    """Publish, edit or delete a post; several may happen in the same moment."""
    kind = chance.random()
    if kind < 0.55 or not posts:
        number = 1000 + len(posts) + 100 * now
        posts[number] = share(number, changed=now)
    elif kind < 0.8:
        number = chance.choice(list(posts))
        posts[number] = share(number, changed=now, commentary=f"mended at {now}")
    else:
        del posts[chance.choice(list(posts))]


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_lost_or_doubled_while_posts_come_change_and_go(
    api: Api, account: Callable[..., Account], seed: int
) -> None:
    chance, posts = random.Random(seed), {n: share(n) for n in range(1, 60)}
    given: dict[str, str] = {}
    connector, cursor, drains = LinkedinConnector(page_size=chance.choice([10, 20])), None, 2
    for step in range(200):
        api.paths["posts"] = [sliced(sorted(posts.values(), key=lambda post: (-post["lastModifiedAt"], post["id"])))]
        page = connector.fetch(account(), cursor)
        cursor = page.cursor
        for post in page.posts:
            assert given.get(post.id) != post.text, "a version came twice"
            given[post.id] = post.text
        for _ in range(chance.choice([0, 0, 1, 2]) if step < 30 else 0):
            _change(posts, chance, 100 + step // 2)
        drains -= step >= 30 and not page.more
        if not drains:
            break
    assert {post["id"]: post["commentary"] for post in posts.values()}.items() <= given.items()


def test_pages_are_followed_by_link_by_total_or_because_they_are_full(
    api: Api, account: Callable[..., Account]
) -> None:
    """A page may hold fewer posts than asked for, or none, although more wait."""
    api.paths["posts"] = [
        paged(share(9), share(8), onward=3),
        paged(share(8), onward=6),
        paged(onward=9),
        paged(share(7), total=11),
        paged(share(7), share(6), count=2),
        paged(share(6)),
    ]
    got = list(pages(account(), page_size=3))
    assert sorted(ids(got)) == [6, 7, 8, 9]
    assert [gap for page in got for gap in page.gaps] == []


def test_pages_in_a_circle_end_with_a_gap(api: Api, account: Callable[..., Account]) -> None:
    api.paths["posts"] = [paged(share(9), share(8), onward=3), paged(share(8), share(7), onward=3)]
    got = list(pages(account()))
    assert sorted(ids(got)) == [7, 8, 9]
    assert len([gap for page in got for gap in page.gaps]) == 1


def test_what_is_no_post_is_set_aside_once(api: Api, account: Callable[..., Account]) -> None:
    broken: list[Any] = [{"commentary": "no id"}, "words", share(3, commentary=["x"]), share(4, content="x")]
    api.paths["posts"] = [paged(share(1), *broken)]
    first = LinkedinConnector().fetch(account(), None)
    assert ids([first]) == [1]
    assert [json.loads(oddity.raw) for oddity in first.oddities] == broken
    second = LinkedinConnector().fetch(account(), first.cursor)
    assert (second.posts, second.oddities) == ((), ())


def test_only_what_everybody_may_see_is_read(api: Api, account: Callable[..., Account]) -> None:
    api.paths["posts"] = [
        paged(
            share(5),
            share(4, visibility="CONNECTIONS"),
            share(3, visibility="LOGGED_IN"),
            share(2, visibility="CONTAINER"),
            share(1, lifecycleState="DRAFT"),
        )
    ]
    assert ids(list(pages(account()))) == [3, 5]


# the page --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "target",
    ["2414183", ORG, "https://www.linkedin.com/company/2414183/admin/", "linkedin.com/school/2414183"],
)
def test_a_page_may_be_written_as_a_number(api: Api, account: Callable[..., Account], target: str) -> None:
    api.paths["posts"] = [paged(share(1))]
    (page,) = pages(account(target=target))
    author = page.posts[0].author
    assert author is not None
    assert (author.id, author.official, api.count("organizations")) == (ORG, True, 0)


@pytest.mark.parametrize(
    "target",
    [
        "hillcrest-primary",
        "@hillcrest-primary",
        "https://www.linkedin.com/school/hillcrest-primary/?viewAsMember=true",
        "https://uk.linkedin.com/company/hillcrest-primary",
    ],
)
def test_a_page_may_be_written_by_its_name(api: Api, account: Callable[..., Account], target: str) -> None:
    found = {"id": 2414183, "vanityName": "hillcrest-primary", "localizedName": "Hillcrest Primary"}
    api.paths |= {"organizations": [paged(found)], "posts": [paged(share(1))]}
    page, last = pages(account(target=target, reads=("posts", "mentions")))
    assert page.posts[0].author == Author(id=ORG, handle="hillcrest-primary", name="Hillcrest Primary", official=True)
    assert api.asked[0].args["vanityName"] == "hillcrest-primary"
    list(pages(account(target=target, reads=("posts", "mentions")), last.cursor))
    assert api.count("organizations") == 2, "it is looked up once for each read"


@pytest.mark.parametrize(
    ("target", "answer", "error", "says"),
    [
        ("two words", paged(), AccountNotFoundError, "write its number"),
        ("https://www.linkedin.com/in/somebody", paged(), AccountNotFoundError, "no page of LinkedIn"),
        ("nobody", paged(), AccountNotFoundError, "knows no page"),
        ("other", paged({"vanityName": "other"}), AuthenticationError, "no administrator"),
    ],
)
def test_a_page_that_cannot_be_read_is_told(
    api: Api, account: Callable[..., Account], target: str, answer: Any, error: type[ConnectorError], says: str
) -> None:
    api.paths["organizations"] = [answer]
    with pytest.raises(error, match=says):
        LinkedinConnector().fetch(account(target=target), None)


def test_there_is_no_search(api: Api, account: Callable[..., Account]) -> None:
    with pytest.raises(PermanentError, match="lets nobody search"):
        LinkedinConnector().fetch(account(reads=("posts", "search")), None)
    assert api.asked == []


def test_a_version_is_written_as_linkedin_writes_it() -> None:
    with pytest.raises(PermanentError, match="202608"):
        LinkedinConnector(api_version="v1")


def test_the_version_and_the_address_are_options(api: Api, account: Callable[..., Account]) -> None:
    api.paths["posts"] = [paged(share(1))]
    source = account(base_url=f"{account().base_url}/rest/")
    assert ids(list(pages(source, api_version="202611"))) == [1]
    assert api.asked[0].headers["LinkedIn-Version"] == "202611"


# comments --------------------------------------------------------------------------------------------------------


def under(post: int) -> str:
    return f"socialActions/urn:li:share:{post}/comments"


def answers_to(number: int, post: int = 1) -> str:
    return f"socialActions/urn:li:comment:(urn:li:activity:{post},{number})/comments"


COMMENTS: dict[str, Any] = {"reads": ("comments",)}


def test_comments_and_replies_stand_in_their_thread(api: Api, account: Callable[..., Account]) -> None:
    sent, becomes = golden("comments")
    first = sent["comments"]["elements"][0]["commentUrn"]
    api.paths |= {
        "posts": [paged(share(1, id=sent["under"]))],
        "socialMetadata": [counts(n7260000000000000006=(4, 2))],
        f"socialActions/{sent['under']}/comments": [sent["comments"]],
        f"socialActions/{first}/comments": [sent["replies"]],
    }
    got = list(pages(account(**COMMENTS)))
    assert sorted(as_dicts(got), key=lambda post: post["id"]) == becomes
    assert b"ids=List(urn%3Ali%3Ashare%3A7260000000000000006)" in api.asked[1].query_string
    assert api.asked[3].full_path.count("(") <= 1, "the brackets of a URN are escaped, those of a list are not"
    assert list(as_dicts(list(pages(account(**COMMENTS), got[-1].cursor)))) == []


def test_posts_whose_comments_stand_still_are_left_alone(api: Api, account: Callable[..., Account]) -> None:
    many = [share(n) for n in range(8, 0, -1)]
    told = {f"n{n}": (1, 1) for n in range(1, 8)}
    api.paths |= {"posts": [paged(*many)], "socialMetadata": [counts(**told, n8=(0, 0))]}
    api.paths |= {under(n): [paged(comment(n, n, commentsSummary={"totalFirstLevelComments": 0}))] for n in range(1, 8)}
    first = list(pages(account(**COMMENTS)))
    assert sorted(ids(first)) == list(range(1, 8))
    assert api.count(under(8)) == 0
    asked = len(api.asked)
    api.paths["socialMetadata"] = [counts(**{**told, "n1": (2, 2)}, n8=(0, 0))]
    api.paths[under(1)] = [paged(comment(11), comment(1))]
    assert ids(list(pages(account(**COMMENTS), first[-1].cursor))) == [11]
    again = {request.path for request in api.asked[asked:] if request.path.endswith("/comments")}
    assert again == {f"/rest/{under(n)}" for n in (7, 6, 1)}


def test_comments_in_many_pages_and_in_any_order_are_read_to_the_end(api: Api, account: Callable[..., Account]) -> None:
    many = [comment(n, commentsSummary={"totalFirstLevelComments": 0}) for n in (*range(200, 300), *range(100, 200))]
    api.paths |= {"posts": [paged(share(1))], "socialMetadata": [counts(n1=(200, 200))], under(1): [sliced(many)]}
    first = list(pages(account(**COMMENTS)))
    assert sorted(ids(first)) == list(range(100, 300))
    many.insert(150, comment(301))
    api.paths |= {"socialMetadata": [counts(n1=(201, 201))], answers_to(301): [paged()]}
    assert ids(list(pages(account(**COMMENTS), first[-1].cursor))) == [301]


def test_new_replies_to_an_old_comment_are_found(api: Api, account: Callable[..., Account]) -> None:
    one: dict[str, Any] = {"commentsSummary": {"aggregatedTotalComments": 1}}
    api.paths |= {
        "posts": [paged(share(1))],
        "socialMetadata": [counts(n1=(2, 1)), counts(n1=(3, 1))],
        under(1): [paged(comment(5, **one)), paged(comment(5, commentsSummary={"aggregatedTotalComments": 2}))],
        answers_to(5): [paged(comment(6)), paged(comment(7), comment(6))],
    }
    first = list(pages(account(**COMMENTS)))
    assert ids(first) == [5, 6]
    second = list(pages(account(**COMMENTS), first[-1].cursor))
    assert ids(second) == [7]
    (reply,) = second[-1].posts or second[0].posts
    assert (reply.kind, reply.reply_to, reply.thread) == ("reply", "5", "urn:li:share:1")


def test_replies_are_asked_for_where_only_the_post_tells_that_there_are_any(
    api: Api, account: Callable[..., Account]
) -> None:
    api.paths |= {
        "posts": [paged(share(1))],
        "socialMetadata": [counts(n1=(3, 2))],
        under(1): [paged(comment(5), comment(4))],
        answers_to(5): [paged()],
        answers_to(4): [paged(comment(6))],
    }
    first = list(pages(account(**COMMENTS)))
    assert sorted(ids(first)) == [4, 5, 6]
    asked = api.count(answers_to(4))
    assert ids(list(pages(account(**COMMENTS), first[-1].cursor))) == []
    assert api.count(answers_to(4)) == asked


def test_without_counts_each_watched_post_is_read(api: Api, account: Callable[..., Account]) -> None:
    none: dict[str, Any] = {"commentsSummary": {"totalFirstLevelComments": 0}}
    api.paths |= {
        "posts": [paged(*(share(n) for n in range(6, 0, -1)))],
        **{under(n): [paged(comment(n, **none))] for n in range(1, 7)},
    }
    assert sorted(ids(list(pages(account(**COMMENTS), watched_posts=5)))) == [2, 3, 4, 5, 6]


def test_one_post_that_cannot_be_read_keeps_no_other_from_it_and_is_told_once(
    api: Api, account: Callable[..., Account]
) -> None:
    none: dict[str, Any] = {"commentsSummary": {"totalFirstLevelComments": 0}}
    api.paths |= {
        "posts": [paged(share(3), share(2), share(1))],
        under(3): [failed(403, "ACCESS_DENIED", "closed")],
        under(2): [paged(comment(20, 2, **none))],
    }
    first = list(pages(account(**COMMENTS)))
    assert ids(first) == [20]
    told = [gap.why for page in first for gap in page.gaps]
    assert len(told) == 2
    assert "urn:li:share:3" in told[0]
    assert "urn:li:share:1" in told[1]
    second = list(pages(account(**COMMENTS), first[-1].cursor))
    assert [gap for page in second for gap in page.gaps] == []


def test_a_missing_permission_for_all_comments_is_an_error(api: Api, account: Callable[..., Account]) -> None:
    denied = failed(403, "ACCESS_DENIED", "Not enough permissions to access: socialActionsV2.GET_ALL.20260801")
    api.paths |= {"posts": [paged(share(2), share(1))], under(2): [denied], under(1): [denied]}
    with pytest.raises(AuthenticationError, match="r_organization_social_feed"):
        list(pages(account(**COMMENTS)))


def test_a_missing_permission_blinds_no_other_read_and_is_told(api: Api, account: Callable[..., Account]) -> None:
    api.paths |= {"posts": [paged(share(1))], NOTES: [failed(403, "ACCESS_DENIED", "no")]}
    source, connector = account(reads=("mentions", "posts")), LinkedinConnector()
    first = connector.fetch(source, None)
    assert (ids([first]), first.more) == ([1], True)
    with pytest.raises(AuthenticationError, match="rw_organization_admin"):
        connector.fetch(source, first.cursor)


# notifications ---------------------------------------------------------------------------------------------------

MENTIONS: dict[str, Any] = {"reads": ("mentions",)}


def test_notifications_become_posts_and_comments(api: Api, account: Callable[..., Account]) -> None:
    sent, becomes = golden("notifications")
    reply = golden("comments")[0]["replies"]["elements"][1]
    api.paths |= {
        NOTES: [sent],
        "socialActions/urn:li:activity:7260000000000000906/comments/7261000000000000004": [reply],
    }
    got = list(pages(account(**MENTIONS)))
    assert as_dicts(got) == becomes
    assert as_dicts(got)[0] == golden("comments")[1][3], "the same comment by either way"
    assert b"actions=List(COMMENT," in api.asked[0].query_string
    assert "timeRange" not in api.asked[0].args


def test_later_looks_ask_for_what_came_since_and_take_nothing_twice(api: Api, account: Callable[..., Account]) -> None:
    api.paths[NOTES] = [paged(note(1), note(2)), paged(note(3), note(2))]
    first = list(pages(account(**MENTIONS)))
    assert sorted(ids(first)) == [1, 2]
    assert ids(list(pages(account(**MENTIONS), first[-1].cursor))) == [3]
    found = re.search(rb"timeRange=\(start:(\d+),end:(\d+)\)", api.asked[1].query_string)
    assert found is not None
    assert timedelta(minutes=59) < timedelta(milliseconds=int(found[2]) - int(found[1])) < timedelta(minutes=61)


def test_notifications_in_many_pages(api: Api, account: Callable[..., Account]) -> None:
    many = [note(n) for n in range(1, 121)]
    api.paths[NOTES] = [sliced(many)]
    assert sorted(ids(list(pages(account(**MENTIONS))))) == list(range(1, 121))


def test_a_page_of_many_comments_is_read_in_parts(api: Api, account: Callable[..., Account]) -> None:
    api.paths[NOTES] = [paged(*(commented(n) for n in range(1, 26)))]
    api.paths |= {f"socialActions/urn:li:activity:1/comments/{n}": [comment(n)] for n in range(1, 26)}
    got = list(pages(account(**MENTIONS)))
    assert [len(page.posts) for page in got] == [10, 10, 5]
    assert sorted(ids(got)) == list(range(1, 26))
    asked = [request.path for request in api.asked if "/comments/" in request.path]
    assert len(asked) == len(set(asked)) == 25
    assert ids(list(pages(account(**MENTIONS), got[-1].cursor))) == []


def test_a_comment_that_may_not_be_read_is_taken_from_its_notification(
    api: Api, account: Callable[..., Account]
) -> None:
    api.paths |= {
        NOTES: [paged(commented(5), commented(6), commented(7, "COMMENT_DELETE"))],
        "socialActions/urn:li:activity:1/comments/5": [failed(403, "ACCESS_DENIED", "no")],
    }
    (page,) = pages(account(**MENTIONS))
    (post,) = page.posts
    assert (post.id, post.text, post.kind, post.thread) == ("5", "As noted", "comment", "urn:li:share:1")


def test_a_comment_comes_once_by_its_post_and_its_notification(api: Api, account: Callable[..., Account]) -> None:
    one = comment(5, commentsSummary={"totalFirstLevelComments": 0})
    api.paths |= {
        "posts": [paged(share(1))],
        under(1): [paged(one)],
        NOTES: [paged(commented(5))],
        "socialActions/urn:li:activity:1/comments/5": [one],
    }
    assert ids(list(pages(account(reads=("comments", "mentions"))))) == [5]


def test_a_version_that_knows_fewer_notifications_is_asked_for_fewer(api: Api, account: Callable[..., Account]) -> None:
    api.paths[NOTES] = [failed(400, "ILLEGAL_ARGUMENT", "actions"), paged(note(1))]
    assert ids(list(pages(account(**MENTIONS)))) == [1]
    assert b"List(COMMENT,SHARE_MENTION)" in api.asked[-1].query_string


def test_what_is_older_than_sixty_days_is_a_gap(api: Api, account: Callable[..., Account]) -> None:
    api.paths[NOTES] = [paged(note(1))]
    (first,) = pages(account(**MENTIONS))
    assert first.cursor is not None
    state = json.loads(first.cursor.state)
    state["reads"]["mentions"]["began"] = "2026-01-10T00:00:00Z"
    got = LinkedinConnector().fetch(account(**MENTIONS), Cursor(state=json.dumps(state)))
    (gap,) = got.gaps
    assert gap.start == datetime(2026, 1, 10, tzinfo=UTC)
    assert gap.end is not None
    assert timedelta(days=59) < datetime.now(UTC) - gap.end < timedelta(days=61)


# errors ----------------------------------------------------------------------------------------------------------

SAYS = f"the token {TOKEN} says"


@pytest.mark.parametrize(
    ("answered", "expected", "says"),
    [
        (failed(401, "EXPIRED_ACCESS_TOKEN", SAYS), AuthenticationError, "connect the account again"),
        (failed(401, "REVOKED_ACCESS_TOKEN", SAYS), AuthenticationError, "withdrawn"),
        (failed(403, "ACCESS_DENIED", SAYS), AuthenticationError, "r_organization_social"),
        (failed(404, "RESOURCE_NOT_FOUND", SAYS), AccountNotFoundError, "no such page"),
        (failed(426, "NONEXISTENT_VERSION", SAYS), PermanentError, "api_version"),
        (failed(400, "VERSION_MISSING", SAYS), PermanentError, "api_version"),
        (failed(400, "ILLEGAL_ARGUMENT", SAYS), PermanentError, "ILLEGAL_ARGUMENT"),
        (failed(429, "TOO_MANY_REQUESTS", SAYS), RateLimitedError, "pause"),
        (failed(500, "INTERNAL_SERVER_ERROR", SAYS), TransientError, "out of order"),
        (Response('{"elements": []}', 500, content_type="application/json"), TransientError, "out of order"),
        (Response("<html>bad gateway</html>", 502, content_type="text/html"), TransientError, "out of order"),
        (Response("<html>hello</html>", 200, content_type="text/html"), UnexpectedResponseError, "not JSON"),
        (Response('{"elements": [{"id": "1', 200), UnexpectedResponseError, "not JSON"),
        (Response('[{"elements": []}]', 200), UnexpectedResponseError, "no object"),
        (Response('{"elements": {"id": "1"}}', 200), UnexpectedResponseError, "without elements"),
        (Response("[" * 100_000, 200), UnexpectedResponseError, "not JSON"),
        (Response("x" * 7_000_000, 200), UnexpectedResponseError, "more than"),
        (Response("", 302, {"Location": "http://10.1.2.3/"}), RefusedAddressError, "10"),
    ],
)
def test_each_wrong_answer_has_its_error_and_no_error_tells_the_token(
    api: Api, account: Callable[..., Account], answered: Response, expected: type[ConnectorError], says: str
) -> None:
    api.paths["posts"] = [answered]
    with pytest.raises(ConnectorError, match=says) as caught:
        LinkedinConnector().fetch(account(), None)
    assert type(caught.value) is expected
    assert TOKEN not in str(caught.value)


def test_the_limit_of_the_day_ends_at_midnight_utc(api: Api, account: Callable[..., Account]) -> None:
    api.paths["posts"] = [failed(429, "TOO_MANY_REQUESTS", DAY)]
    with pytest.raises(RateLimitedError, match="midnight UTC") as caught:
        LinkedinConnector().fetch(account(), None)
    again = caught.value.retry_at
    assert again is not None
    assert (again.hour, again.minute) == (0, 0)
    assert timedelta(0) < again - datetime.now(UTC) <= timedelta(days=1)


def test_a_pause_that_linkedin_names_is_kept(api: Api, account: Callable[..., Account]) -> None:
    api.paths["posts"] = [failed(429, "TOO_MANY_REQUESTS", "slow down", {"Retry-After": "120"})]
    with pytest.raises(RateLimitedError) as caught:
        LinkedinConnector().fetch(account(), None)
    assert caught.value.retry_at is not None
    assert timedelta(seconds=110) < caught.value.retry_at - datetime.now(UTC) <= timedelta(seconds=120)


def test_a_resource_whose_day_is_used_up_rests_alone_and_is_told_once(
    api: Api, account: Callable[..., Account]
) -> None:
    api.paths |= {"posts": [paged(share(1))], NOTES: [failed(429, "TOO_MANY_REQUESTS", DAY)]}
    source = account(reads=("posts", "mentions"))
    first = list(pages(source))
    assert ids(first) == [1]
    (gap,) = [gap for page in first for gap in page.gaps]
    assert "mentions" in gap.why
    api.paths["posts"] = [paged(share(2), share(1))]
    second = list(pages(source, first[-1].cursor))
    assert (ids(second), [gap for page in second for gap in page.gaps]) == ([2], [])
    assert api.count(NOTES) == 1, "it is not asked again before midnight"
    api.paths["posts"] = [failed(429, "TOO_MANY_REQUESTS", DAY)]
    third = list(pages(source, second[-1].cursor))
    assert ["posts" in gap.why for page in third for gap in page.gaps] == [True]
    with pytest.raises(RateLimitedError, match="for all that is read") as caught:
        list(pages(source, third[-1].cursor))
    assert caught.value.retry_at is not None


def test_a_token_that_is_no_header_is_an_error(api: Api, account: Callable[..., Account]) -> None:
    with pytest.raises(ConnectorError) as caught:
        LinkedinConnector().fetch(account(token="a\nb–c"), None)
    assert "b–c" not in str(caught.value)


def test_without_a_token_it_says_what_to_do() -> None:
    with pytest.raises(AuthenticationError, match="needs an access token"):
        LinkedinConnector().fetch(Account(name="a", platform="linkedin", target="1"), None)


# checked again, and the past -------------------------------------------------------------------------------------


def test_posts_and_comments_are_checked_again(api: Api, account: Callable[..., Account]) -> None:
    own = Author(id=ORG, official=True)
    posts = [post for n in (1, 2, 3) if (post := to_post(share(n), own=own))]
    said = [to_comment(comment(n), own=own, thread="urn:li:share:1", parent="9") for n in (6, 7)]
    foreign = to_mention(note(5), own=own)
    assert foreign is not None
    api.paths |= {
        "posts": [{"results": {"urn%3Ali%3Ashare%3A1": share(1, commentary="mended")}, "errors": {}}, paged()],
        "posts/urn:li:share:2": [share(2)],
        "socialActions/urn:li:share:1/comments/6": [comment(6)],
    }
    found = dict(LinkedinConnector().recheck(account(), [*posts, *said, foreign]))
    now = {post.id.rpartition(":")[2]: one and one.text for post, one in found.items()}
    assert now == {"1": "mended", "2": "Invented 2", "3": None, "6": "Said 6", "7": None}
    again = found[said[0]]
    assert again is not None
    assert again.content_digest == said[0].content_digest
    assert api.count("posts") == 2, "whether the token still reads the page was asked once"


def test_a_token_that_lost_its_page_deletes_nothing(api: Api, account: Callable[..., Account]) -> None:
    said = Post(platform="linkedin", id="7", kind="comment", text="Said 7", thread="urn:li:share:1")
    api.paths["posts"] = [failed(403, "ACCESS_DENIED", "no")]
    with pytest.raises(AuthenticationError):
        list(LinkedinConnector().recheck(account(), [said]))


def test_a_stretch_of_the_past_is_read(api: Api, account: Callable[..., Account]) -> None:
    api.paths["posts"] = [sliced([share(n) for n in range(12, 0, -1)])]
    since, until = (datetime(2026, 11, 16, 0, n, tzinfo=UTC) for n in (4, 10))
    got, cursor, connector = [], None, LinkedinConnector(page_size=4)
    while True:
        page = connector.backfill(account(), since, until, cursor)
        got.append(page)
        if not page.more:
            break
        cursor = page.cursor
    assert sorted(ids(got)) == [4, 5, 6, 7, 8, 9]
    assert {request.args["sortBy"] for request in api.asked} == {"CREATED"}
    assert int(api.asked[-1].args["start"]) < 10, "older pages are not asked for"


# whatever comes --------------------------------------------------------------------------------------------------

ODD: tuple[Any, ...] = (None, -1, 1.5, True, "", "\ud800", [], {}, [None], {"time": [1]}, "urn:li:share:1", 10**30)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in inner:
        yield (*path, key)
        yield from places(below, (*path, key))


OWN = Author(id=ORG, official=True)
READERS: dict[str, tuple[Callable[[Any], list[Any]], Any]] = {
    "posts": (lambda sent: sent["elements"], partial(to_post, own=OWN)),
    "comments": (
        lambda sent: [*sent["comments"]["elements"], *sent["replies"]["elements"]],
        partial(to_comment, own=OWN, thread="urn:li:share:1"),
    ),
    "notifications": (lambda sent: sent["elements"][:3], partial(to_mention, own=OWN)),
}


@pytest.mark.parametrize("name", READERS)
def test_whatever_stands_anywhere_every_item_is_a_post_or_an_oddity(name: str) -> None:
    elements, read = READERS[name]
    sent = elements(golden(name)[0])
    for path in places(sent):
        for odd in ODD:
            changed = copy.deepcopy(sent)
            inner = changed
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = odd
            found = items_of(changed, read, "a post")
            assert len(found) == len(sent)
            for _, one in found:
                if isinstance(one, Post):
                    assert Post.from_dict(json.loads(json.dumps(one.as_dict())), one.raw) == one


def test_no_answer_was_recorded_for_linkedin(payloads: Path) -> None:
    """Should one ever be, it belongs into a table of what is read and what is not, as for the other platforms."""
    assert not (payloads / "linkedin").exists()
