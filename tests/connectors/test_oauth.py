"""What owners grant: each platform's own answers, in their recorded shapes, through the real client over HTTP."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.errors import AuthenticationError, PermanentError, TransientError, UnexpectedResponseError
from connectors.grant import FLOWS, App, Flow, flow_of, renew_at
from connectors.oauth import EndedError, Provider
from connectors.permission import NEEDS
from connectors.post import Account
from connectors.session import close_session, open_session, renew_session

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
APP = App(client_id="app-1", client_secret="s3cret")
BACK = "https://watcher.example/connect/return"
LOCAL = "http://127.0.0.1:8031/connect/return"
VERIFIER = "v" * 64


def account(platform: str, target: str = "@hillcrest", **fields: Any) -> Account:
    given: dict[str, Any] = {"reads": ("posts", "comments", "mentions"), "official": True, "school": "hillcrest"}
    return Account(name=f"hillcrest-{platform}", platform=platform, target=target, **given | fields)


def provider(server: HTTPServer, platform: str, target: str = "@hillcrest", app: App = APP, **fields: Any) -> Provider:
    of = account(platform, target, **fields)
    flow = flow_of(of)
    assert flow is not None
    return Provider(flow, app, of, base_url=server.url_for(""), allow_private=True)


def form(request: Request) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(request.get_data(as_text=True)).items()}


def answers(server: HTTPServer, path: str, *bodies: Any, method: str = "POST", status: int = 200) -> list[Request]:
    """Answer in turn, the last for ever; what was asked."""
    seen: list[Request] = []
    queue = list(bodies)

    def answer(request: Request) -> Response:
        request.get_data()
        seen.append(request)
        body = queue.pop(0) if len(queue) > 1 else queue[0]
        return Response(json.dumps(body), status, content_type="application/json")

    server.expect_request(path, method=method).respond_with_handler(answer)
    return seen


def query(link: str) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(link).query).items()}


@pytest.mark.parametrize("flow", FLOWS.values(), ids=lambda flow: flow.platform)
def test_a_link_asks_for_the_permissions_of_the_reads_and_no_more(flow: Flow) -> None:
    of = account(flow.platform)
    base = "https://social.example" if flow.platform == "mastodon" else None
    link = Provider(flow, APP, of, base_url=base).link("st4te", BACK, VERIFIER)
    asked = query(link)
    assert asked[flow.client] == "app-1"
    assert (asked["state"], asked["redirect_uri"], asked["response_type"]) == ("st4te", BACK, "code")
    assert tuple(asked["scope"].split(flow.separator)) == flow.wanted(of)
    assert "s3cret" not in link
    assert VERIFIER not in link
    assert link.startswith("https://")
    fewer = set(flow.wanted(account(flow.platform, reads=("posts",))))
    assert fewer <= set(flow.wanted(of))


def test_proof_keys_go_where_the_platform_has_them() -> None:
    digest = hashlib.sha256(VERIFIER.encode())
    plain = base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
    for platform in ("youtube", "google_reviews"):
        asked = query(Provider(FLOWS[platform], APP, account(platform)).link("s", BACK, VERIFIER))
        assert (asked["code_challenge"], asked["code_challenge_method"]) == (plain, "S256")
        assert (asked["access_type"], asked["prompt"]) == ("offline", "consent")
    tiktok = Provider(FLOWS["tiktok"], APP, account("tiktok"))
    assert query(tiktok.link("s", LOCAL, VERIFIER))["code_challenge"] == digest.hexdigest()
    assert "code_challenge" not in query(tiktok.link("s", BACK, VERIFIER))
    assert query(Provider(FLOWS["reddit"], APP, account("reddit", "u/hill")).link("s", BACK, VERIFIER))["duration"] == (
        "permanent"
    )


def test_google_grants_for_long_and_is_renewed_with_the_same_refresh_token(httpserver: HTTPServer) -> None:
    youtube = provider(httpserver, "youtube")
    scope = " ".join(FLOWS["youtube"].wanted(account("youtube")))
    fresh = {"access_token": "ya29.a", "expires_in": 3599, "scope": scope, "token_type": "Bearer"}
    asked = answers(httpserver, "/token", fresh | {"refresh_token": "1//r"}, fresh | {"access_token": "ya29.b"})
    answers(
        httpserver,
        "/youtube/v3/channels",
        {"items": [{"snippet": {"title": "Hillcrest Primary"}}]},
        method="GET",
    )
    grant = youtube.exchange("4/c0de", BACK, VERIFIER, NOW)
    assert form(asked[0]) == {
        "grant_type": "authorization_code",
        "code": "4/c0de",
        "redirect_uri": BACK,
        "code_verifier": VERIFIER,
        "client_id": "app-1",
        "client_secret": "s3cret",
    }
    assert (grant.access, grant.refresh, grant.owner) == ("ya29.a", "1//r", "Hillcrest Primary")
    assert grant.expires_at == NOW + timedelta(seconds=3599)
    assert grant.refresh_expires_at is None
    assert grant.lacking == ()
    again = youtube.renew(grant.access, grant.refresh, NOW)
    assert (again.access, again.refresh) == ("ya29.b", "1//r")
    assert form(asked[1])["grant_type"] == "refresh_token"


def test_a_permission_that_was_unticked_is_named(httpserver: HTTPServer) -> None:
    youtube = provider(httpserver, "youtube")
    readonly = "https://www.googleapis.com/auth/youtube.readonly"
    answers(httpserver, "/token", {"access_token": "ya29.a", "expires_in": 3599, "scope": readonly})
    answers(httpserver, "/youtube/v3/channels", {"error": {"code": 403}}, method="GET", status=403)
    grant = youtube.exchange("c", BACK, VERIFIER, NOW)
    assert grant.scopes == (readonly,)
    assert grant.lacking == ("https://www.googleapis.com/auth/youtube.force-ssl",)
    assert grant.owner is None  # not told, and the grant is not lost for it


def _facebook(server: HTTPServer, *, debug: dict[str, Any] | None = None) -> list[Request]:
    asked = answers(
        server,
        "/v26.0/oauth/access_token",
        {"access_token": "EAAshort", "token_type": "bearer", "expires_in": 5000},
        {"access_token": "EAAlong", "token_type": "bearer", "expires_in": 5183944},
    )
    answers(server, "/v26.0/me", {"id": "1", "name": "Jo Moore"}, method="GET")
    pages = [
        {"id": "900", "name": "Elm Grove PTA", "access_token": "EAApta"},
        {"id": "901", "name": "Hillcrest", "username": "hillcrestprimary", "access_token": "EAApage"},
    ]
    answers(server, "/v26.0/me/accounts", {"data": pages, "paging": {"cursors": {"after": "x"}}}, method="GET")
    if debug is not None:
        answers(server, "/v26.0/debug_token", {"data": debug}, method="GET")
    return asked


def test_facebook_gives_the_token_of_the_chosen_page_until_the_consent_ends(httpserver: HTTPServer) -> None:
    ends = NOW + timedelta(days=90)
    debug = {
        "expires_at": 0,
        "data_access_expires_at": int(ends.timestamp()),
        "scopes": ["pages_show_list", "pages_read_engagement"],
        "is_valid": True,
    }
    asked = _facebook(httpserver, debug=debug)
    page = provider(httpserver, "facebook", "https://www.facebook.com/hillcrestprimary/")
    grant = page.exchange("c0de#_", BACK, VERIFIER, NOW)
    assert form(asked[0])["code"] == "c0de"
    assert form(asked[1])["fb_exchange_token"] == "EAAshort"
    assert (grant.access, grant.undo, grant.refresh) == ("EAApage", "EAAlong", None)
    assert (grant.owner, grant.expires_at) == ("Jo Moore", ends)
    assert grant.scopes == ("pages_show_list", "pages_read_engagement")
    assert grant.lacking == ("pages_read_user_content",)


def test_where_meta_tells_no_end_its_own_rule_of_ninety_days_stands(httpserver: HTTPServer) -> None:
    _facebook(httpserver)
    grant = provider(httpserver, "facebook", "901").exchange("c", BACK, VERIFIER, NOW)
    assert grant.expires_at == NOW + timedelta(days=90)


def test_a_page_that_was_not_chosen_is_refused_with_those_that_were(httpserver: HTTPServer) -> None:
    _facebook(httpserver)
    with pytest.raises(AuthenticationError, match="Elm Grove PTA, Hillcrest") as caught:
        provider(httpserver, "facebook", "deneprimary").exchange("c", BACK, VERIFIER, NOW)
    assert "EAA" not in str(caught.value)


def test_instagram_keeps_the_persons_own_token(httpserver: HTTPServer) -> None:
    _facebook(httpserver, debug={"expires_at": int((NOW + timedelta(days=60)).timestamp())})
    grant = provider(httpserver, "instagram").exchange("c", BACK, VERIFIER, NOW)
    assert (grant.access, grant.owner) == ("EAAlong", "Jo Moore")
    assert grant.expires_at is not None
    assert NOW + timedelta(days=59) < grant.expires_at <= NOW + timedelta(days=60)


def test_instagrams_own_login_wraps_its_answer(httpserver: HTTPServer) -> None:
    of = account("instagram", base_url="https://graph.instagram.com")
    flow = flow_of(of)
    assert flow is not None
    assert flow.family == "instagram"
    own = Provider(flow, APP, of, base_url=httpserver.url_for(""), allow_private=True)
    wrapped = {"data": [{"access_token": "IGshort", "user_id": "17", "permissions": "instagram_business_basic"}]}
    answers(httpserver, "/oauth/access_token", wrapped)
    asked = answers(httpserver, "/access_token", {"access_token": "IGlong", "expires_in": 5183944}, method="GET")
    answers(httpserver, "/v26.0/me", {"user_id": "17", "username": "hillcrest"}, method="GET")
    grant = own.exchange("c", BACK, VERIFIER, NOW)
    assert asked[0].args["grant_type"] == "ig_exchange_token"
    assert (grant.access, grant.handle) == ("IGlong", "hillcrest")
    assert grant.lacking == ("instagram_business_manage_comments",)


def test_threads_trades_a_short_token_for_a_long_one_and_renews_it(httpserver: HTTPServer) -> None:
    threads = provider(httpserver, "threads")
    answers(httpserver, "/oauth/access_token", {"access_token": "THshort", "user_id": 314})
    asked = answers(
        httpserver,
        "/access_token",
        {"access_token": "THlong", "token_type": "bearer", "expires_in": 5183944},
        method="GET",
    )
    renewed = answers(
        httpserver, "/refresh_access_token", {"access_token": "THnew", "expires_in": 5183944}, method="GET"
    )
    answers(httpserver, "/v1.0/me", {"id": "314", "username": "hillcrest"}, method="GET")
    grant = threads.exchange("c", BACK, VERIFIER, NOW)
    assert (asked[0].args["grant_type"], asked[0].args["access_token"]) == ("th_exchange_token", "THshort")
    assert (grant.access, grant.owner, grant.refresh) == ("THlong", "hillcrest", None)
    assert grant.expires_at == NOW + timedelta(seconds=5183944)
    assert threads.renew(grant.access, None, NOW).access == "THnew"
    assert renewed[0].args["grant_type"] == "th_refresh_token"


def test_linkedin_tells_both_ends_and_no_name(httpserver: HTTPServer) -> None:
    linkedin = provider(httpserver, "linkedin", "2414183")
    body = {
        "access_token": "AQ1",
        "expires_in": 5184000,
        "refresh_token": "AQr",
        "refresh_token_expires_in": 31536000,
        "scope": "r_organization_social,r_organization_social_feed,rw_organization_admin",
    }
    answers(httpserver, "/oauth/v2/accessToken", body)
    revoked = answers(httpserver, "/oauth/v2/revoke", {})
    grant = linkedin.exchange("c", BACK, VERIFIER, NOW)
    assert (grant.expires_at, grant.refresh_expires_at) == (NOW + timedelta(days=60), NOW + timedelta(days=365))
    assert (grant.owner, grant.lacking) == (None, ())
    linkedin.revoke("AQr")
    assert form(revoked[0]) == {"token": "AQr", "client_id": "app-1", "client_secret": "s3cret"}


def test_tiktok_turns_its_refresh_token_over(httpserver: HTTPServer) -> None:
    tiktok = provider(httpserver, "tiktok")
    first = {
        "access_token": "act.1",
        "expires_in": 86400,
        "open_id": "o",
        "refresh_expires_in": 31536000,
        "refresh_token": "rft.1",
        "scope": "user.info.basic,video.list",
        "token_type": "Bearer",
    }
    asked = answers(httpserver, "/v2/oauth/token/", first, first | {"access_token": "act.2", "refresh_token": "rft.2"})
    answers(
        httpserver, "/v2/user/info/", {"data": {"user": {"open_id": "o", "display_name": "Hillcrest"}}}, method="GET"
    )
    grant = tiktok.exchange("c", BACK, VERIFIER, NOW)
    assert (grant.refresh, grant.owner, grant.scopes) == ("rft.1", "Hillcrest", ("user.info.basic", "video.list"))
    assert form(asked[0])["client_key"] == "app-1"
    assert tiktok.renew("act.1", "rft.1", NOW).refresh == "rft.2"


def test_reddit_takes_the_app_by_header(httpserver: HTTPServer) -> None:
    reddit = provider(httpserver, "reddit", "u/hillcrest")
    body = {"access_token": "ey.r", "token_type": "bearer", "expires_in": 86400, "scope": "identity read history"}
    asked = answers(httpserver, "/api/v1/access_token", body | {"refresh_token": "re"})
    answers(httpserver, "/api/v1/me", {"name": "hillcrest"}, method="GET")
    gone = answers(httpserver, "/api/v1/revoke_token", {}, status=204)
    grant = reddit.exchange("c", BACK, VERIFIER, NOW)
    assert asked[0].authorization is not None
    assert (asked[0].authorization.username, asked[0].authorization.password) == ("app-1", "s3cret")
    assert "client_secret" not in form(asked[0])
    assert (grant.handle, grant.lacking) == ("hillcrest", ("privatemessages",))
    reddit.revoke("re")
    assert form(gone[0]) == {"token": "re"}


def test_a_mastodon_server_makes_an_app_of_its_own(httpserver: HTTPServer) -> None:
    mastodon = provider(httpserver, "mastodon", app=App(client_id=""))
    made = answers(httpserver, "/api/v1/apps", {"id": "5", "client_id": "mid", "client_secret": "msecret"})
    asked = answers(
        httpserver,
        "/oauth/token",
        {
            "access_token": "M1",
            "token_type": "Bearer",
            "scope": "read:accounts read:statuses read:notifications",
            "created_at": 1,
        },
    )
    answers(
        httpserver,
        "/api/v1/accounts/verify_credentials",
        {"acct": "hillcrest", "display_name": "Hillcrest 🏫"},
        method="GET",
    )
    app = mastodon.register(LOCAL, "https://watcher.example")
    assert (app.client_id, app.client_secret) == ("mid", "msecret")
    assert form(made[0])["redirect_uris"] == LOCAL
    assert query(mastodon.link("s", LOCAL, VERIFIER))["client_id"] == "mid"
    grant = mastodon.exchange("c", LOCAL, VERIFIER, NOW)
    assert form(asked[0])["client_secret"] == "msecret"
    assert (grant.owner, grant.handle, grant.expires_at) == ("Hillcrest 🏫", "hillcrest", None)


REFUSALS: list[tuple[int, Any, type[Exception]]] = [
    (400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked. c0de"}, EndedError),
    (200, {"error": "invalid_grant", "error_description": "c0de", "log_id": "1"}, EndedError),
    (400, {"error": {"message": "Session has expired c0de", "type": "OAuthException", "code": 190}}, EndedError),
    (401, {"error": "invalid_client", "error_description": "c0de"}, AuthenticationError),
    (400, {"error_type": "OAuthException", "code": 400, "error_message": "c0de"}, AuthenticationError),
    (400, {"error": {"message": "try later c0de", "type": "OAuthException", "code": 2}}, TransientError),
    (400, {"error": "temporarily_unavailable"}, TransientError),
    (429, {"message": "c0de"}, TransientError),
    (503, {"error": "c0de"}, TransientError),
    (200, {"token": "c0de"}, UnexpectedResponseError),
    (200, {"access_token": "with a\nline c0de"}, UnexpectedResponseError),
    (200, {"access_token": ""}, UnexpectedResponseError),
    (200, ["c0de"], UnexpectedResponseError),
    (403, {"x": "c0de"}, AuthenticationError),
]


@pytest.mark.parametrize(("status", "body", "kind"), REFUSALS)
def test_what_a_refusal_means_and_that_it_quotes_nothing(
    httpserver: HTTPServer, status: int, body: Any, kind: type[Exception]
) -> None:
    answers(httpserver, "/oauth/v2/accessToken", body, status=status)
    with pytest.raises(kind) as caught:
        provider(httpserver, "linkedin", "2414183").exchange("c0de", BACK, VERIFIER, NOW)
    assert "c0de" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("told", [None, "soon", -5, 0, 1e18, float("nan"), {}, True and "nan"])
def test_an_odd_end_is_no_end(httpserver: HTTPServer, told: Any) -> None:
    answers(httpserver, "/oauth/v2/accessToken", {"access_token": "AQ", "expires_in": told})
    assert provider(httpserver, "linkedin", "2414183").exchange("c", BACK, VERIFIER, NOW).expires_at is None


def test_what_cannot_be_renewed_or_taken_back_says_so(httpserver: HTTPServer) -> None:
    with pytest.raises(EndedError):
        provider(httpserver, "linkedin", "2414183").renew("AQ", None, NOW)
    with pytest.raises(PermanentError, match="no way"):
        provider(httpserver, "threads").revoke("TH")
    deleted = answers(httpserver, "/v26.0/me/permissions", {"success": True})
    provider(httpserver, "facebook", "901").revoke("EAAlong")
    assert deleted[0].headers["authorization"] == "Bearer EAAlong"
    assert form(deleted[0])["method"] == "delete"


def test_secrets_show_in_no_repr() -> None:
    assert "s3cret" not in repr(APP)


@pytest.mark.parametrize(
    ("life", "left"),
    [
        (timedelta(hours=1), timedelta(minutes=12)),
        (timedelta(days=10), timedelta(days=2)),
        (timedelta(days=30), timedelta(days=7)),
        (timedelta(days=60), timedelta(days=12)),
    ],
)
def test_a_token_is_renewed_at_four_fifths_of_its_life_or_a_week_ahead(life: timedelta, left: timedelta) -> None:
    assert abs(renew_at(NOW, NOW + life) - (NOW + life - left)) < timedelta(seconds=1)


# Bluesky -------------------------------------------------------------------------------------------------------------


def jwt(**claims: Any) -> str:
    parts = ({"alg": "ES256K"}, claims, "sig")
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)


def session(n: int, days: float = 60) -> dict[str, Any]:
    ends = int((NOW + timedelta(hours=2)).timestamp())
    last = int((NOW + timedelta(days=days)).timestamp())
    access, refresh = jwt(sub="did:plc:hill", exp=ends, n=n), jwt(sub="did:plc:hill", exp=last, n=n)
    return {"did": "did:plc:hill", "handle": "hillcrest.example", "accessJwt": access, "refreshJwt": refresh}


@pytest.fixture
def hill(httpserver: HTTPServer) -> Account:
    return account("bluesky", "@hillcrest.example", base_url=httpserver.url_for("").rstrip("/"), allow_private=True)


XRPC = "/xrpc/com.atproto.server."


def test_an_app_password_opens_a_session_and_is_forgotten(httpserver: HTTPServer, hill: Account) -> None:
    asked = answers(httpserver, f"{XRPC}createSession", session(1))
    renewed = answers(httpserver, f"{XRPC}refreshSession", session(2))
    ended = answers(httpserver, f"{XRPC}deleteSession", {})
    grant = open_session(hill, "abcd-efgh-ijkl-mnop")
    assert asked[0].get_json() == {"identifier": "hillcrest.example", "password": "abcd-efgh-ijkl-mnop"}
    assert grant.access == f"hillcrest.example:{session(1)['accessJwt']}"
    assert grant.expires_at == NOW + timedelta(hours=2)
    assert grant.refresh_expires_at == NOW + timedelta(days=60)
    assert "abcd-efgh" not in repr(grant) + grant.access + (grant.refresh or "")
    after = renew_session(hill, grant.access, grant.refresh or "")
    assert renewed[0].headers["authorization"] == f"Bearer {grant.refresh}"
    assert after.access == f"hillcrest.example:{session(2)['accessJwt']}"
    close_session(hill, after.refresh or "")
    assert ended[0].headers["authorization"] == f"Bearer {after.refresh}"


@pytest.mark.parametrize("typed", ["My-Main-Password1", "hillcrest.example:correct horse", "zbcd-efgh-ijkl", ""])
def test_a_main_password_is_never_sent(httpserver: HTTPServer, hill: Account, typed: str) -> None:
    with pytest.raises(AuthenticationError, match="app password") as caught:
        open_session(hill, typed)
    assert not httpserver.log
    assert not typed or typed not in str(caught.value)


def test_a_session_whose_app_password_was_withdrawn_has_ended(httpserver: HTTPServer, hill: Account) -> None:
    answers(httpserver, f"{XRPC}refreshSession", {"error": "ExpiredToken", "message": "revoked"}, status=400)
    with pytest.raises(EndedError):
        renew_session(hill, "hillcrest.example:x", "y")


def test_a_connector_reads_with_the_session_and_logs_in_nowhere(
    httpserver: HTTPServer, hill: Account, monkeypatch: Callable[..., Any]
) -> None:
    from dataclasses import replace

    from connectors.bluesky import BlueskyConnector

    token = f"hillcrest.example:{session(1)['accessJwt']}"
    own = replace(hill, token=token, reads=("posts",))
    asked = answers(httpserver, "/xrpc/app.bsky.feed.getAuthorFeed", {"feed": []}, method="GET")
    answers(
        httpserver,
        "/xrpc/com.atproto.identity.resolveHandle",
        {"did": "did:plc:hill"},
        method="GET",
    )
    assert BlueskyConnector().fetch(own, None).posts == ()
    assert asked[0].headers["authorization"] == f"Bearer {session(1)['accessJwt']}"
    assert not [request for request, _ in httpserver.log if "createSession" in request.path]


def test_a_session_that_was_withdrawn_asks_for_a_new_connection(httpserver: HTTPServer, hill: Account) -> None:
    from dataclasses import replace

    from connectors.bluesky import BlueskyConnector

    token = f"hillcrest.example:{session(1)['accessJwt']}"
    own = replace(hill, token=token, reads=("mentions",))
    for path in ("app.bsky.notification.listNotifications", "com.atproto.identity.resolveHandle"):
        answers(httpserver, f"/xrpc/{path}", {"error": "ExpiredToken"}, method="GET", status=400)
    with pytest.raises(AuthenticationError, match="connect the account again"):
        BlueskyConnector().fetch(own, None)


@pytest.mark.parametrize("platform", sorted(set(FLOWS) & set(NEEDS)))
def test_a_link_asks_for_all_that_the_reads_are_said_to_need(platform: str) -> None:
    for read in ("posts", "comments", "mentions", "search"):
        asked = {scope.rpartition("/")[2] for scope in FLOWS[platform].wanted(account(platform, reads=(read,)))}
        # Features that an app is granted, and roles that a person holds, are no permissions that a link can ask for.
        needed = {need for need in NEEDS[platform].of(read) if " " not in need and need.islower()}
        assert needed <= asked, read
