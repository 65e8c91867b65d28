"""A dead token and a lacking permission are two things, on every platform; and what to do names the right ones."""

from __future__ import annotations

import json
import re
import shlex
from datetime import timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from connectors.errors import AuthenticationError, ConnectorError
from connectors.grant import FLOWS, PASTED
from connectors.permission import NEEDS
from connectors.post import Account
from connectors.registry import known
from tests.connectors.test_contract import OVER_HTTP, Source
from tests.watcher import granting
from tests.watcher.test_service import NOW, House, make, settings
from watcher.connection import Connections
from watcher.enrolment import apply
from watcher.health import look
from watcher.permission import command
from watcher.remedy import remedy
from watcher.store import Store


def commands(text: str) -> list[str]:
    """The commands that a text tells people to type."""
    return re.findall(r"“(watcher connect [^”]+)”", text)


PLATFORMS = [kind for kind in OVER_HTTP if kind.platform in known()]


def refusal(kind: type[Source], server: HTTPServer, folder: Path, answer: Response) -> tuple[Account, str]:
    """What stands in an account's row after its platform answered so."""
    source = kind(server, folder)
    source.put(1)
    source.broken = answer
    with pytest.raises(ConnectorError) as caught:
        source.connector(timeout_s=3.0, total_s=6.0).fetch(source.account(), None)
    assert isinstance(caught.value, AuthenticationError)
    return source.account(), f"AuthenticationError: {caught.value}"


@pytest.mark.parametrize("kind", PLATFORMS, ids=lambda kind: kind.platform)
@pytest.mark.parametrize("body", ["{}", "", '{"message": "no permission, your scope may not"}'])
def test_a_401_is_a_dead_token_on_every_platform(
    kind: type[Source], body: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    of, error = refusal(kind, httpserver, tmp_path, Response(body, 401, content_type="application/json"))
    found = remedy(of.platform, of.name, error, of)
    assert found.kind == "token", error
    assert "does not accept the token" in found.do
    assert commands(found.do) == ([] if of.platform == "rss" else [command(of.platform, "hill")])


@pytest.mark.parametrize("kind", PLATFORMS, ids=lambda kind: kind.platform)
@pytest.mark.parametrize("body", ["{}", ""])
def test_a_403_is_a_lacking_permission_on_every_platform(
    kind: type[Source], body: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    of, error = refusal(kind, httpserver, tmp_path, Response(body, 403, content_type="application/json"))
    found = remedy(of.platform, of.name, error, of)
    # Without a session Bluesky lets nobody read anything, so a refusal comes at the login: of the app password.
    assert found.kind == ("token" if of.platform == "bluesky" else "permission"), error
    assert commands(found.do) == ([] if of.platform == "rss" else [command(of.platform, "hill")])
    named = found.kind == "permission" and of.platform != "rss"
    assert not named or any(name in found.do for name in NEEDS[of.platform].of_all(of.reads))


SAID = {
    "token": "AuthenticationError: the token has expired",
    "permission": "AuthenticationError: (HTTP 403) no",
    "other key": "ConfigError: secrets.key: the token of 'hill' was sealed with another key",
    "moved": "ConfigError: the token of 'hill' was changed in the database, or moved there",
}


@pytest.mark.parametrize("platform", sorted({*FLOWS, *PASTED}))
def test_the_command_that_a_remedy_names_is_accepted(platform: str, httpserver: HTTPServer, tmp_path: Path) -> None:
    base = httpserver.url_for("").rstrip("/")
    app = f'[[apps]]\nplatform = "{platform}"\nclient_id = "c"\nclient_secret = {{ file = "{tmp_path / "secret"}" }}\n'
    target = {"mastodon": "hill@social.example", "bluesky": "hill.example"}.get(platform, "@hill")
    more = (
        f'[[accounts]]\nname = "hill"\nschool = "hillcrest"\nplatform = "{platform}"\ntarget = "{target}"\n'
        f'owner = "Kim Bell"\nbase_url = "{base}"\nallow_private = true\n'
    )
    chosen = granting.settings(tmp_path, more=more if platform in {"youtube", "mastodon", *PASTED} else app + more)
    httpserver.expect_request("/api/v1/apps").respond_with_json({"client_id": "1", "client_secret": "s"})
    session = {"accessJwt": "a", "refreshJwt": "r", "handle": "hill.example", "did": "did:plc:1"}
    httpserver.expect_request("/xrpc/com.atproto.server.createSession").respond_with_json(session)
    lite = Store(f"sqlite:///{tmp_path / 'lite.db'}")
    lite.migrate()
    apply(chosen, lite, "watcher.toml", NOW)
    connections = Connections(chosen, lite)
    for what, error in SAID.items():
        (typed,) = commands(remedy(platform, "hill", error).do)
        program, verb, account, *options = shlex.split(typed)
        assert (program, verb) == ("watcher", "connect")
        if options == ["--link"]:
            assert connections.begin(account, "https://watcher.example/back", NOW).account == "hill", what
        else:
            assert (options, platform in PASTED) == ([], True), "the command asks for a secret there, and nowhere else"
            assert connections.paste(account, "abcd-efgh-ijkl-mnop", NOW).account == "hill", what
    lite.close()


@pytest.mark.parametrize("platform", sorted(PASTED))
def test_a_secret_that_is_pasted_is_pasted_again_or_put_where_the_settings_have_it(platform: str) -> None:
    said = remedy(platform, "hill", "AuthenticationError: the token has expired").do
    assert "and paste it; where the settings give this account a token of its own" in said
    assert "--link" not in said
    assert "Make a new one on the platform" not in said


def graph(code: int, status: int) -> tuple[dict[str, object], int]:
    return {"error": {"code": code, "message": "the user has no permission any more", "type": "OAuthException"}}, status


CODES = [
    *[(name, *graph(190, 400), "token") for name in ("facebook", "instagram", "threads")],
    *[(name, *graph(code, 403), "permission") for name in ("facebook", "instagram", "threads") for code in (10, 200)],
    ("tiktok", {"error": {"code": "access_token_invalid", "message": "scope"}}, 401, "token"),
    ("tiktok", {"error": {"code": "scope_not_authorized", "message": "the token"}}, 401, "permission"),
    ("linkedin", {"serviceErrorCode": 65601, "message": "permission revoked", "status": 401}, 401, "token"),
    ("linkedin", {"serviceErrorCode": 100, "message": "Not enough permissions", "status": 403}, 403, "permission"),
    ("youtube", {"error": {"code": 400, "errors": [{"reason": "keyInvalid"}]}}, 400, "token"),
    ("youtube", {"error": {"code": 401, "errors": [{"reason": "authError"}]}}, 401, "token"),
    ("youtube", {"error": {"code": 403, "errors": [{"reason": "insufficientPermissions"}]}}, 403, "permission"),
    ("youtube", {"error": {"code": 403, "errors": [{"reason": "ipRefererBlocked"}]}}, 403, "permission"),
    ("google_reviews", {"error": {"code": 401, "status": "UNAUTHENTICATED"}}, 401, "token"),
    ("google_reviews", {"error": {"code": 403, "status": "PERMISSION_DENIED"}}, 403, "permission"),
    ("mastodon", {"error": "The access token was revoked"}, 401, "token"),
    ("mastodon", {"error": "This action is outside the authorized scopes"}, 403, "permission"),
    ("reddit", {"reason": "private", "error": 403}, 403, "permission"),
]


@pytest.mark.parametrize(("platform", "body", "status", "kind"), CODES)
def test_a_platforms_own_codes_go_before_its_words(
    platform: str, body: object, status: int, kind: str, httpserver: HTTPServer, tmp_path: Path
) -> None:
    source = next(one for one in PLATFORMS if one.platform == platform)
    answer = Response(json.dumps(body), status, content_type="application/json")
    of, error = refusal(source, httpserver, tmp_path, answer)
    assert remedy(platform, of.name, error, of).kind == kind, error


@pytest.mark.parametrize("platform", sorted(FLOWS))
def test_the_permissions_named_are_those_that_the_link_asks_for(platform: str) -> None:
    for reads in (("posts",), ("comments",), ("mentions", "search")):
        of = Account(name="hill", platform=platform, target="@hillcrest", reads=reads)
        asked = [scope.rpartition("/")[2] for scope in FLOWS[platform].wanted(of)]
        assert set(asked) <= set(NEEDS[platform].of_all(reads))
        said = remedy(platform, "hill", "AuthenticationError: (HTTP 403) no", of).do
        assert all(name in said for name in asked), said


def test_instagrams_own_login_has_its_own_permissions() -> None:
    of = Account(name="hill", platform="instagram", target="me", base_url="https://graph.instagram.com")
    assert "instagram_business_basic" in remedy("instagram", "hill", "AuthenticationError: lacks a permission", of).do


def test_a_name_with_a_blank_can_be_typed_as_it_stands() -> None:
    said = remedy("facebook", "our page", "AuthenticationError: it has expired").do
    assert "watcher connect 'our page' --link" in said


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("secrets.key: the token of 'hill' was sealed with another key; write that key", "secrets.previous"),
        ("the token of 'hill' was changed in the database, or moved there; connect", "changed or moved"),
    ],
)
def test_a_token_that_no_key_opens_says_so(error: str, says: str) -> None:
    found = remedy("facebook", "hill", f"ConfigError: {error}")
    assert found.kind == "token"
    assert says in found.do
    assert "watcher connect hill --link" in found.do
    assert "check-config" not in found.do


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    chosen = settings(tmp_path)
    apply(chosen, store, "watcher.toml", NOW)
    return make(store, chosen)


def fail(house: House, error: str, minutes: int, *, permanent: bool = True) -> list[str]:
    """The reasons that the open matter tells of, after two more polls that failed so."""
    now = NOW + timedelta(minutes=minutes)
    for _ in range(2):
        state = house.store.accounts.get("hillcrest")
        house.store.accounts.failed(state, error, permanent=permanent, next_at=now + timedelta(hours=1), now=now)
    house.settle(now)
    (row,) = house.store.views.incidents(limit=5)
    view = house.store.views.incident(row.reference)
    assert view is not None
    return [event.detail for event in view.events if event.what in ("opened", "new_reason")]


def test_an_open_matter_says_what_to_do_when_its_reason_changes(house: House) -> None:
    gone, dead = "AccountNotFoundError: there is no @hillcrest", "AuthenticationError: the token has expired"
    assert len(fail(house, gone, 1)) == 1
    assert len(fail(house, gone, 2)) == 1
    assert len(fail(house, "TransientError: 502", 3, permanent=False)) == 1, "what passes is no new reason"
    first, second = fail(house, dead, 4)
    assert "renamed" in first
    assert "the token has expired" in second
    assert "watcher connect hillcrest --link" in second
    assert len(fail(house, dead.replace("expired", "expired (log 77)"), 5)) == 2
    assert len(fail(make(house.store, house.settings), dead, 6)) == 2, "a service started anew does not say it again"
    assert any("has expired" in line for line in look(house.store, NOW).lines() if line.startswith("BLIND"))
