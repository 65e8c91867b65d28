"""Which permission a refusal means: by the platform's own words, else by what the read needs and the token has not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.errors import AuthenticationError, ConnectorError
from connectors.grant import FLOWS
from connectors.permission import NEEDS, UNREADABLE, lacking
from connectors.post import Account
from connectors.registry import known, load

TOKEN = "s3cret-token"


def account(platform: str, read: str = "posts", **changes: Any) -> Account:
    values: dict[str, Any] = {"name": "hill", "platform": platform, "target": "@hillcrest", "reads": (read,)}
    return Account(**{**values, "official": True, "token": TOKEN, **changes})


def refused(server: HTTPServer, of: Account, *answers: Response, options: dict[str, Any] | None = None) -> str:
    """What the connector says when the platform answers so, the last answer for ever."""
    left = list(answers)

    def answer(request: Request) -> Response:
        given = left.pop(0) if len(left) > 1 else left[0]
        return Response(given.get_data(), given.status_code, given.headers)

    server.expect_request(re.compile(".*")).respond_with_handler(answer)
    asked = {"base_url": server.url_for("").rstrip("/"), "allow_private": True}
    with pytest.raises(ConnectorError) as caught:
        load(of.platform, options).fetch(Account(**{**vars(of), **asked}), None)
    assert TOKEN not in str(caught.value)
    return str(caught.value)


def said(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, mimetype="application/json")


def meta(code: int, message: str, status: int = 403) -> Response:
    return said({"error": {"code": code, "message": message, "type": "OAuthException"}}, status)


def missing_in(of: Account, words: str) -> str:
    found = lacking(of, words)
    assert found is not None, words
    assert str(found) == f"missing permission: {found.permission}; granted in {found.where}"
    return found.permission


META = [
    ("facebook", "posts", 10, "(#10) This endpoint requires the 'pages_read_engagement' permission or the 'Page Public "
     "Content Access' feature.", "pages_read_engagement or Page Public Content Access"),
    ("facebook", "comments", 200, "(#200) Requires pages_read_user_content permission", "pages_read_user_content"),
    ("instagram", "posts", 10, "(#10) Application does not have permission for this action",
     "instagram_basic and pages_show_list and pages_read_engagement"),
    ("threads", "posts", 10, "(#10) To use it, your use of this endpoint must be reviewed", "threads_basic"),
]  # fmt: skip


@pytest.mark.parametrize(("platform", "read", "code", "message", "permission"), META)
def test_metas_codes_10_and_200_name_the_permission_or_what_the_read_needs(
    httpserver: HTTPServer, platform: str, read: str, code: int, message: str, permission: str
) -> None:
    of = account(platform, read, target="100900" if platform == "facebook" else "17841400000000001")
    if platform == "threads":
        of = account(platform, read, target="me")
    assert missing_in(of, refused(httpserver, of, meta(code, message))) == permission


@pytest.mark.parametrize("platform", ["facebook", "instagram"])
def test_meta_is_asked_what_the_token_has_so_that_what_it_lacks_is_known(httpserver: HTTPServer, platform: str) -> None:
    granted = said(
        {
            "data": [
                {"permission": "pages_show_list", "status": "granted"},
                {"permission": "instagram_basic", "status": "granted"},
                {"permission": "pages_read_engagement", "status": "declined"},
                {"permission": "<b>odd", "status": "granted"},
                "odd",
            ]
        }
    )
    of = account(platform, target="17841400000000001")
    words = refused(httpserver, of, meta(200, "(#200) Permissions error"), granted)
    assert "(the token has instagram_basic, pages_show_list)" in words
    assert missing_in(of, words) == "pages_read_engagement"


def test_a_token_that_has_ended_lacks_no_permission(httpserver: HTTPServer) -> None:
    of = account("facebook", target="100900")
    words = refused(httpserver, of, meta(190, "Error validating access token: Session has expired", 400))
    assert "is not valid" in words
    assert lacking(of, words) is None


_PROBLEMS = "https://api.twitter.com/2/problems"
X = [
    ("client-forbidden", "When authenticating requests to the X API v2 endpoints, you must use keys and tokens from a "
     "developer App that is attached to a Project.", "a project"),
    ("unsupported-authentication", "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint.",
     "tweet.read"),
    ("client-forbidden", "You currently have access to a subset of X API V2 endpoints. If you need access to this "
     "endpoint, you may need a different access level.", "access level holds this read"),
    ("oauth1-permissions", "Your client app is not configured with the appropriate oauth1 app permissions for this "
     "endpoint.", "Read, under the app's User authentication settings"),
    ("", "Forbidden", "access level holds this read"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "detail", "permission"), X)
def test_xs_403_is_told_apart_by_its_words(httpserver: HTTPServer, kind: str, detail: str, permission: str) -> None:
    of = account("x", target="12")
    problem = {"title": "Forbidden", "detail": detail, "type": f"{_PROBLEMS}/{kind}"}
    assert permission in missing_in(of, refused(httpserver, of, said(problem, 403)))


def test_an_account_of_x_that_is_protected_is_said(httpserver: HTTPServer) -> None:
    of = account("x", target="12")
    kind = f"{_PROBLEMS}/not-authorized-for-resource"
    words = refused(httpserver, of, said({"errors": [{"type": kind, "title": "Authorization Error"}]}))
    assert "consent" in missing_in(of, words)


def google(reason: str, message: str = "") -> Response:
    return said({"error": {"code": 403, "message": message, "errors": [{"reason": reason}]}}, 403)


@pytest.mark.parametrize(
    ("platform", "read", "answer", "permission"),
    [
        ("youtube", "comments", google("insufficientPermissions"), "youtube.readonly and youtube.force-ssl"),
        ("youtube", "posts", google("accessNotConfigured"), "YouTube Data API v3, enabled in the project"),
        ("youtube", "posts", google("ipRefererBlocked"), "the key's restrictions"),
        ("google_reviews", "posts", google("ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "business.manage"),
        ("google_reviews", "posts", google("SERVICE_DISABLED"), "Google My Business API"),
        ("google_reviews", "posts", google("PERMISSION_DENIED"), "business.manage"),
        ("linkedin", "posts", said({"code": "ACCESS_DENIED", "message": "Not enough permissions"}, 403),
         "r_organization_social"),
        ("tiktok", "posts", said({"error": {"code": "scope_not_authorized", "message": "The user did not authorize the "
                                            "scope required"}}, 401), "user.info.basic and video.list"),
        ("mastodon", "posts", said({"error": "This action is outside the authorized scopes"}, 403),
         "read:accounts and read:statuses"),
        ("forum", "posts", said({}, 403), "Global, read-only"),
        ("wordpress", "posts", said({}, 401), "application password"),
    ],
)  # fmt: skip
def test_the_others_by_their_own_words(
    httpserver: HTTPServer, platform: str, read: str, answer: Response, permission: str
) -> None:
    targets = {
        "google_reviews": "accounts/100/locations/200",
        "linkedin": "2414183",
        "forum": "https://forum.hillcrest.example",
        "wordpress": "https://www.hillcrest.example",
    }
    of = account(platform, read, target=targets.get(platform, "@hillcrest"))
    if platform == "forum":
        of = account(platform, read, target=targets[platform], token="me:key-of-mine")
    assert permission in missing_in(of, refused(httpserver, of, answer))


def test_reddit_names_the_scope_of_what_was_asked() -> None:
    words = (
        "Reddit refused access (HTTP 403): the token needs the permission 'privatemessages' and must be the account's"
    )
    assert missing_in(account("reddit", "mentions"), words) == "privatemessages"


@pytest.mark.parametrize(
    ("platform", "read", "permission"),
    [("mastodon", "mentions", "read:notifications"), ("bluesky", "mentions", "app password")],
)
def test_what_needs_the_accounts_own_token_says_so_before_anybody_is_asked(
    httpserver: HTTPServer, platform: str, read: str, permission: str
) -> None:
    target = "hillcrest.example" if platform == "bluesky" else "@hillcrest"
    of = account(platform, read, target=target, token=None)
    asked = said({"id": "9", "acct": "hillcrest", "did": "did:plc:hillcrest"})
    assert permission in missing_in(of, refused(httpserver, of, asked))


def test_a_gap_that_only_a_permission_explains_counts_as_well() -> None:
    why = "the search shows the account's own posts alone: Meta has not granted this app threads_keyword_search"
    assert missing_in(account("threads", "search"), why) == "threads_keyword_search"


@pytest.mark.parametrize("platform", [name for name in known() if name in NEEDS])
def test_what_is_no_matter_of_permissions_stays_so(platform: str) -> None:
    for words in ("the server asks for a pause (HTTP 429)", "time-out", "the target is gone (HTTP 404)", ""):
        assert lacking(account(platform), words) is None


def test_the_table_says_what_owners_are_asked_for() -> None:
    for platform, flow in FLOWS.items():
        for read in ("posts", "comments", "mentions", "search"):
            asked = {scope.rpartition("/")[2] for scope in flow.wanted(account(platform, read))}
            needed = set(NEEDS[platform].of(read)) - {"Instagram Public Content Access"}
            assert needed <= asked | {"history"}, (platform, read)


def test_every_platform_that_can_refuse_stands_in_the_table() -> None:
    assert set(NEEDS) == set(known()) - {"rss", "archive"}
    assert "comments" in UNREADABLE["tiktok"]


def test_it_is_an_error_of_the_token_still(httpserver: HTTPServer, drain: Callable[..., Any]) -> None:
    httpserver.expect_request(re.compile(".*")).respond_with_handler(lambda _: meta(10, "(#10) No"))
    of = account("facebook", target="100900", base_url=httpserver.url_for("").rstrip("/"), allow_private=True)
    with pytest.raises(AuthenticationError):
        drain(load("facebook"), of)


@pytest.mark.parametrize("platform", sorted(FLOWS))
def test_what_an_accounts_own_administrator_grants_is_asked_for_by_a_link(platform: str) -> None:
    where = NEEDS[platform].where
    assert "`watcher connect ACCOUNT --link`" in where
    assert where.count("watcher connect") == where.count("--link")
