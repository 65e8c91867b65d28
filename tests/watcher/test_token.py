"""What owners grant, sealed in both databases, used where the settings name no token, and renewed in time."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import structlog
from pytest_httpserver import HTTPServer
from sqlalchemy import event, select, update
from werkzeug import Request, Response

from alerts.errors import PolicyError
from connectors.errors import AuthenticationError, TransientError
from connectors.grant import Grant
from tests.watcher.granting import Authority, authority, settings
from watcher import health
from watcher.app import Connectors, pack_of
from watcher.check import problems
from watcher.config import Settings
from watcher.connection import Connected, Connections
from watcher.enrolment import apply
from watcher.errors import ConfigError, GrantError
from watcher.granted import permissions
from watcher.polling import Poller
from watcher.reminding import Reminders
from watcher.seal import Seal, fresh_key, read_key, seal_of
from watcher.store import Store
from watcher.store import schema as t
from watcher.store.tokens import Token
from watcher.telling import Teller
from watcher.token import ACCESS, REMINDERS, Held, Tokens, opened, reseal_all, sealed

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BACK = "https://watcher.example/connect/return"
NAME = "hillcrest-youtube"
SECRETS = ("client-s3cret", "acc3ss", "refr3sh")


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def google() -> Iterator[Authority]:
    with authority() as made:
        yield made


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with its tables, made once."""
    file = tmp_path_factory.mktemp("template") / "watcher.db"
    made = Store(f"sqlite:///{file}")
    made.migrate()
    made.close()
    return file


@pytest.fixture
def lite(template: Path, tmp_path: Path) -> Iterator[Store]:
    """A store of a test's own, where the kind of database makes no difference."""
    made = Store(f"sqlite:///{shutil.copy(template, tmp_path / 'lite.db')}")
    event.listen(made.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
    yield made
    made.close()


def enrolled(made: Settings, store: Store) -> Settings:
    apply(made, store, "watcher.toml", NOW - timedelta(days=1))
    return made


def connected(google: Authority, made: Settings, store: Store, now: datetime = NOW) -> Connected:
    connections = Connections(made, store)
    link = connections.begin(NAME, BACK, now)
    back = google.agree(link.url)
    return connections.finish(back["state"], back["code"], now)


def put(made: Settings, store: Store, **fields: Any) -> Token:
    """A row as a grant would have written it."""
    name = fields.pop("account", NAME)
    grant = Grant(access=fields.pop("access", "acc3ss"), refresh=fields.pop("refresh", None))
    columns = sealed(seal_of(made), name, Held(access=grant.access), grant)
    given: dict[str, Any] = {"owner": "Jo Moore", "made_at": NOW}
    token = Token(account=name, access=columns["access"] or b"", refresh=columns["refresh"], **given | fields)
    store.tokens.keep(token, NOW)
    return token


# sealing -------------------------------------------------------------------------------------------------------------


def key() -> bytes:
    return read_key(fresh_key(), "secrets.key")


def test_what_is_sealed_opens_for_its_own_account_and_part_only() -> None:
    seal = Seal([key()])
    sealed_text = seal.close("acc3ss", "one", "access")
    assert b"acc3ss" not in sealed_text
    assert seal.open(sealed_text, "one", "access") == "acc3ss"
    assert seal.close("acc3ss", "one", "access") != sealed_text
    for account, part in (("two", "access"), ("one", "refresh")):
        with pytest.raises(ConfigError, match="changed in the database, or moved"):
            seal.open(sealed_text, account, part)
    for place in range(len(sealed_text)):
        changed = bytearray(sealed_text)
        changed[place] ^= 1
        with pytest.raises(ConfigError):
            seal.open(bytes(changed), "one", "access")
    with pytest.raises(ConfigError):
        seal.open(b"", "one", "access")


def test_keys_are_changed_without_losing_what_the_old_one_sealed() -> None:
    old, new = key(), key()
    sealed_text = Seal([old]).close("acc3ss", "one", "access")
    assert Seal([new, old]).open(sealed_text, "one", "access") == "acc3ss"
    assert not Seal([new, old]).is_fresh(sealed_text)
    with pytest.raises(ConfigError, match=r"secrets\.key: .*another key.*secrets\.previous"):
        Seal([new]).open(sealed_text, "one", "access")


@pytest.mark.parametrize(
    "text",
    ["", "short", "z" * 44, fresh_key()[:-6], "ab" * 31],
    ids=["empty", "short", "no base64", "cut off", "odd hexadecimal"],
)
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(ConfigError, match="32 bytes") as caught:
        read_key(text, "secrets.key")
    assert not text or text not in str(caught.value)


def test_a_key_may_be_written_in_base64_or_hexadecimal() -> None:
    text = fresh_key()
    assert len(read_key(text, "k")) == 32
    assert read_key(read_key(text, "k").hex(), "k") == read_key(text + "\n", "k")


def test_settings_without_a_key_keep_no_token(tmp_path: Path, lite: Store, google: Authority) -> None:
    made = enrolled(settings(tmp_path, google.url), lite)
    with pytest.raises(ConfigError, match=r"secrets\.key: missing.*watcher key"):
        Connections(made.model_copy(update={"secrets": type(made.secrets)()}), lite).begin(NAME, BACK, NOW)


# connecting ----------------------------------------------------------------------------------------------------------


def test_an_owner_grants_by_a_link_and_the_account_is_read_with_it(
    tmp_path: Path, store: Store, google: Authority, clock: Clock
) -> None:
    made = enrolled(settings(tmp_path, google.url), store)
    done = connected(google, made, store)
    assert (done.account, done.owner, done.ends, done.renews) == (NAME, "Sam Okafor", None, True)
    assert google.asked[0]["grant_type"] == "authorization_code"
    assert len(google.asked[0]["code_verifier"]) >= 43
    connectors = Connectors(made, Tokens(made, store, clock))
    token = connectors.token_of(NAME)
    assert token
    row = store.tokens.get(NAME)
    assert row is not None
    assert (row.owner, row.made_at, row.expires_at) == ("Sam Okafor", NOW, NOW + timedelta(hours=1))
    assert row.refresh is not None
    assert token.encode() not in row.access
    assert token not in repr(row) + repr(done)
    assert store.accounts.get(NAME).next_poll_at == NOW  # what was blind looks again at once


def test_a_link_is_good_once(tmp_path: Path, store: Store, google: Authority) -> None:
    made = enrolled(settings(tmp_path, google.url), store)
    connections = Connections(made, store)
    back = google.agree(connections.begin(NAME, BACK, NOW).url)
    connections.finish(back["state"], back["code"], NOW)
    with pytest.raises(GrantError, match="used already"):
        connections.finish(back["state"], back["code"], NOW)
    with pytest.raises(GrantError):
        connections.finish("guessed", "code", NOW)
    with pytest.raises(GrantError):
        connections.finish("", "code", NOW)


def test_a_link_is_good_for_seven_days(tmp_path: Path, store: Store, google: Authority) -> None:
    made = enrolled(settings(tmp_path, google.url), store)
    connections = Connections(made, store)
    link = connections.begin(NAME, BACK, NOW)
    back = google.agree(link.url)
    with pytest.raises(GrantError, match="seven days"):
        connections.finish(back["state"], back["code"], NOW + timedelta(days=7, seconds=1))
    assert link.until == NOW + timedelta(days=7)
    assert store.purge.purge(NOW + timedelta(days=8))["invitation"] == 1


def test_of_two_browsers_with_one_link_one_is_served(tmp_path: Path, store: Store, google: Authority) -> None:
    made = enrolled(settings(tmp_path, google.url), store)
    link = Connections(made, store).begin(NAME, BACK, NOW)
    back = google.agree(link.url)

    def finish(_: int) -> bool:
        try:
            Connections(made, store).finish(back["state"], back["code"], NOW)
        except GrantError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(finish, range(4))) == 1
    assert len(google.asked) == 1


def test_a_platform_out_of_reach_leaves_the_link_good(tmp_path: Path, lite: Store, google: Authority) -> None:
    made = enrolled(settings(tmp_path, google.url), lite)
    connections = Connections(made, lite)
    back = google.agree(connections.begin(NAME, BACK, NOW).url)
    google.instead = lambda: ("503 Service Unavailable", b"{}")
    with pytest.raises(TransientError):
        connections.finish(back["state"], back["code"], NOW)
    google.instead = lambda: None
    assert connections.finish(back["state"], back["code"], NOW).account == NAME


def test_an_owner_who_declines_may_open_the_link_again(tmp_path: Path, lite: Store, google: Authority) -> None:
    made = enrolled(settings(tmp_path, google.url), lite)
    connections = Connections(made, lite)
    link = connections.begin(NAME, BACK, NOW)
    assert google.agree(link.url, deny=True)["error"] == "access_denied"
    assert connections.refused(link.state, NOW) == NAME
    assert connections.refused("guessed", NOW) is None
    again = google.agree(link.url)
    assert connections.finish(again["state"], again["code"], NOW).account == NAME


def test_the_database_alone_holds_no_link_and_no_token(tmp_path: Path, store: Store, google: Authority) -> None:
    made = enrolled(settings(tmp_path, google.url), store)
    link = Connections(made, store).begin(NAME, BACK, NOW)
    back = google.agree(link.url)
    Connections(made, store).finish(back["state"], back["code"], NOW)
    token = opened(seal_of(made), store.tokens.get(NAME) or pytest.fail("no row")).access
    with store.engine.connect() as connection:
        rows = [*connection.execute(select(t.token)), *connection.execute(select(t.invitation))]
    held = "".join(repr([bytes(v) if isinstance(v, memoryview) else v for v in row]) for row in rows)
    for secret in (link.state, token, google.asked[0]["code_verifier"], back["code"], "client-s3cret"):
        assert secret not in held


def test_nothing_secret_is_logged_or_shown(tmp_path: Path, lite: Store, google: Authority, clock: Clock) -> None:
    made = enrolled(settings(tmp_path, google.url), lite)
    with structlog.testing.capture_logs() as logs:
        done = connected(google, made, lite)
        clock.now = NOW + timedelta(minutes=50)
        Tokens(made, lite, clock).current(NAME)
    row = lite.tokens.get(NAME)
    assert row is not None
    held = opened(seal_of(made), row)
    shown = [repr(row), repr(done), repr(held), repr(made), json.dumps(logs, default=str), repr(seal_of(made))]
    shown += [json.dumps(p.as_dict()) for p in permissions(made, lite.tokens.all(), NOW)]
    secrets = [held.access, (tmp_path / "key").read_text(), "client-s3cret", google.asked[1]["refresh_token"]]
    assert not [secret for secret in secrets for text in shown if secret in text]
    assert {"link_made", "connected", "token_renewed"} <= {log["event"] for log in logs}


def test_a_row_moved_to_another_account_opens_nothing(
    tmp_path: Path, lite: Store, google: Authority, clock: Clock
) -> None:
    more = '[[accounts]]\nname = "dene"\nschool = "hillcrest"\nplatform = "youtube"\ntarget = "@dene"\n'
    made = enrolled(settings(tmp_path, google.url, more), lite)
    connected(google, made, lite)
    with lite.writing() as connection:
        connection.execute(update(t.token).values(account="dene"))
    with pytest.raises(ConfigError, match="moved"):
        Tokens(made, lite, clock).current("dene")


def test_an_account_with_a_token_in_the_settings_is_not_connected(tmp_path: Path, lite: Store) -> None:
    made = settings(tmp_path, swap={'owner = "Sam': f'token = {{ file = "{tmp_path / "key"}" }}\nowner = "Sam'})
    with pytest.raises(GrantError, match="token of its own"):
        Connections(made, lite).begin(NAME, BACK, NOW)


def test_what_cannot_be_connected_says_what_to_do(tmp_path: Path, lite: Store) -> None:
    more = (
        "".join(
            f'[[accounts]]\nname = "{name}"\nschool = "hillcrest"\nplatform = "{name}"\ntarget = "{target}"\n'
            for name, target in (
                ("rss", "https://x.example/feed"),
                ("x", "@hill"),
                ("linkedin", "1"),
                ("threads", "@hill"),
            )
        )
        + '[[apps]]\nplatform = "linkedin"\nclient_id = "l"\n'
    )
    connections = Connections(settings(tmp_path, more=more), lite)
    for name, words in (
        ("nobody", "no account 'nobody'.*hillcrest-youtube"),
        ("rss", "nothing to connect"),
        ("x", "without --link, and paste the app's bearer token"),
        ("linkedin", "--owner"),
    ):
        with pytest.raises(GrantError, match=words):
            connections.begin(name, BACK, NOW)
    with pytest.raises(ConfigError, match=r'apps: none with platform = "threads".*client_id'):
        connections.begin("threads", BACK, NOW)


def test_a_pasted_secret_is_kept_for_whoever_is_named(tmp_path: Path, lite: Store, clock: Clock) -> None:
    more = '[[accounts]]\nname = "x"\nschool = "hillcrest"\nplatform = "x"\ntarget = "@hill"\n'
    made = enrolled(settings(tmp_path, more=more), lite)
    connections = Connections(made, lite)
    with pytest.raises(GrantError, match="--owner"):
        connections.paste("x", "AAAAbearer", NOW)
    for bad in ("", "  ", "two words\x00", "ü"):
        with pytest.raises(GrantError, match="no token"):
            connections.paste("x", bad, NOW, "Kim Bell")
    done = connections.paste("x", " AAAAbearer\n", NOW, "Kim Bell")
    assert (done.owner, done.ends) == ("Kim Bell", None)
    assert Tokens(made, lite, clock).current("x") == "AAAAbearer"
    assert not connections.end("x").revoked


def test_another_accounts_owner_is_refused(tmp_path: Path, lite: Store, httpserver: HTTPServer) -> None:
    base = httpserver.url_for("").rstrip("/")
    more = (
        f'[[apps]]\nplatform = "threads"\nclient_id = "t"\nclient_secret = {{ file = "{tmp_path / "secret"}" }}\n'
        f'base_url = "{base}"\nallow_private = true\n'
        '[[accounts]]\nname = "threads"\nschool = "hillcrest"\nplatform = "threads"\ntarget = "@HillcrestPrimary"\n'
        "official = true\n"
    )
    made = enrolled(settings(tmp_path, more=more), lite)
    httpserver.expect_request("/oauth/access_token").respond_with_json({"access_token": "THs"})
    httpserver.expect_request("/access_token").respond_with_json({"access_token": "THl", "expires_in": 5183944})
    whose = ["jo.private", "hillcrestprimary"]
    httpserver.expect_request("/v1.0/me").respond_with_handler(
        lambda _: Response(json.dumps({"id": "1", "username": whose.pop(0)}), content_type="application/json")
    )
    connections = Connections(made, lite)
    link = connections.begin("threads", BACK, NOW)
    with pytest.raises(AuthenticationError, match=r"granted by @jo\.private"):
        connections.finish(link.state, "code", NOW)
    assert lite.tokens.get("threads") is None
    again = connections.begin("threads", BACK, NOW)
    assert connections.finish(again.state, "code", NOW).owner == "hillcrestprimary"


# renewing ------------------------------------------------------------------------------------------------------------


def test_a_token_is_renewed_before_its_end_and_written_before_its_use(
    tmp_path: Path, store: Store, google: Authority, clock: Clock
) -> None:
    made = enrolled(settings(tmp_path, google.url), store)
    connected(google, made, store)
    tokens = Tokens(made, store, clock)
    first = tokens.current(NAME)
    clock.now = NOW + timedelta(minutes=47)
    assert tokens.current(NAME) == first
    clock.now = NOW + timedelta(minutes=49)
    second = tokens.current(NAME)
    assert second
    assert second != first
    row = store.tokens.get(NAME)
    assert row is not None
    assert opened(seal_of(made), row).access == second
    assert (row.refreshed_at, row.made_at) == (clock.now, NOW)
    assert row.expires_at == clock.now + timedelta(hours=1)
    assert [asked["grant_type"] for asked in google.asked] == ["authorization_code", "refresh_token"]
    assert tokens.current(NAME) == second


def test_many_readers_at_once_renew_once(tmp_path: Path, store: Store, google: Authority, clock: Clock) -> None:
    made = enrolled(settings(tmp_path, google.url), store)
    connected(google, made, store)
    clock.now = NOW + timedelta(minutes=55)
    together = threading.Barrier(6)
    # Two processes, in each three threads.
    keepers = [Tokens(made, store, clock), Tokens(made, store, clock)]

    def read(n: int) -> str | None:
        together.wait()
        return keepers[n % 2].current(NAME)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(read, range(6)))
    assert [asked["grant_type"] for asked in google.asked].count("refresh_token") == 1


def rotating(server: HTTPServer, *answers: dict[str, Any] | int) -> list[str]:
    """A platform each of whose refresh tokens is good once; what came."""
    queue, seen = list(answers), []

    def answer(request: Request) -> Response:
        seen.append(request.form["refresh_token"])
        step = queue.pop(0)
        body, status = ({"error": "server_error"}, step) if isinstance(step, int) else (step, 200)
        return Response(json.dumps(body), status, content_type="application/json")

    server.expect_request("/v2/oauth/token/").respond_with_handler(answer)
    return seen


def tiktok(tmp_path: Path, server: HTTPServer) -> str:
    return (
        f'[[apps]]\nplatform = "tiktok"\nclient_id = "t"\nclient_secret = {{ file = "{tmp_path / "secret"}" }}\n'
        f'base_url = "{server.url_for("").rstrip("/")}"\nallow_private = true\n'
        '[[accounts]]\nname = "tiktok"\nschool = "hillcrest"\nplatform = "tiktok"\ntarget = "@hill"\nofficial = true\n'
    )


def test_a_refresh_token_that_turns_over_is_never_lost(
    tmp_path: Path, store: Store, httpserver: HTTPServer, clock: Clock
) -> None:
    made = enrolled(settings(tmp_path, more=tiktok(tmp_path, httpserver)), store)
    day = {"expires_in": 86400, "refresh_expires_in": 31536000}
    seen = rotating(
        httpserver,
        {"access_token": "a2", "refresh_token": "r2", **day},
        503,
        {"access_token": "a3", "refresh_token": "r3", **day},
    )
    put(made, store, account="tiktok", access="a1", refresh="r1", expires_at=NOW + timedelta(days=1))
    tokens = Tokens(made, store, clock)
    clock.now = NOW + timedelta(hours=20)
    assert tokens.current("tiktok") == "a2"
    clock.now += timedelta(hours=20)
    # The platform is out of order: the old one is used for as long as it lives.
    assert tokens.current("tiktok") == "a2"
    # A process that broke off after the claim holds up nobody for more than a minute.
    lease = store.tokens.claim("tiktok", clock.now)
    assert lease is not None
    assert Tokens(made, store, clock).current("tiktok") == "a2"
    clock.now += timedelta(minutes=2)
    assert Tokens(made, store, clock).current("tiktok") == "a3"
    assert seen == ["r1", "r2", "r2"]
    row = store.tokens.get("tiktok")
    assert row is not None
    assert row.refresh_expires_at == clock.now + timedelta(days=365)


def test_a_lease_that_ran_out_is_given_back_by_nobody_but_its_holder(store: Store) -> None:
    first = store.tokens.claim("tiktok", NOW)
    second = store.tokens.claim("tiktok", NOW + timedelta(minutes=2))
    assert first is not None
    assert second is not None
    # The first comes back late from a slow platform, while the second is still asking.
    store.tokens.release("tiktok", first)
    assert store.tokens.claim("tiktok", NOW + timedelta(minutes=2, seconds=5)) is None
    store.tokens.release("tiktok", second)
    assert store.tokens.claim("tiktok", NOW + timedelta(minutes=2, seconds=6)) is not None


def test_a_token_that_has_ended_waits_for_a_platform_that_is_out_of_order(
    tmp_path: Path, lite: Store, httpserver: HTTPServer, clock: Clock
) -> None:
    made = enrolled(settings(tmp_path, more=tiktok(tmp_path, httpserver)), lite)
    rotating(httpserver, 503)
    put(made, lite, account="tiktok", refresh="r1", expires_at=NOW + timedelta(days=1))
    clock.now = NOW + timedelta(days=2)
    with pytest.raises(TransientError, match="cannot be renewed just now"):
        Tokens(made, lite, clock).current("tiktok")


def test_what_its_owner_withdrew_says_whom_to_ask_for_what(
    tmp_path: Path, lite: Store, google: Authority, clock: Clock
) -> None:
    made = enrolled(settings(tmp_path, google.url), lite)
    connected(google, made, lite)
    google.withdraw()
    clock.now = NOW + timedelta(minutes=50)
    with pytest.raises(AuthenticationError, match=f"ask Sam Okafor to open a new link: watcher connect {NAME} --link"):
        Tokens(made, lite, clock).current(NAME)
    # A new grant mends it.
    connected(google, made, lite, clock.now)
    assert Tokens(made, lite, clock).current(NAME)


def test_what_nobody_can_renew_ends_and_says_so(tmp_path: Path, lite: Store, clock: Clock) -> None:
    made = enrolled(settings(tmp_path), lite)
    put(made, lite, expires_at=NOW + timedelta(days=60))
    tokens = Tokens(made, lite, clock)
    clock.now = NOW + timedelta(days=59)
    assert tokens.current(NAME) == "acc3ss"
    clock.now = NOW + timedelta(days=61)
    with pytest.raises(AuthenticationError, match="ended on 19 January 2027: ask Jo Moore"):
        tokens.current(NAME)


def test_an_owner_who_grants_anew_during_a_renewal_wins(
    tmp_path: Path, lite: Store, google: Authority, clock: Clock
) -> None:
    made = enrolled(settings(tmp_path, google.url), lite)
    connected(google, made, lite)

    def meanwhile() -> None:
        google.instead = lambda: None
        put(made, lite, access="anew", expires_at=NOW + timedelta(days=9))

    google.instead = meanwhile
    clock.now = NOW + timedelta(minutes=50)
    assert Tokens(made, lite, clock).current(NAME) == "anew"


def test_minding_renews_what_no_reading_has_renewed(
    tmp_path: Path, lite: Store, google: Authority, clock: Clock
) -> None:
    made = enrolled(settings(tmp_path, google.url), lite)
    connected(google, made, lite)
    tokens = Tokens(made, lite, clock)
    assert tokens.mind(NOW) == 0
    assert tokens.mind(NOW + timedelta(minutes=50)) == 1
    google.withdraw()
    assert tokens.mind(NOW + timedelta(minutes=110)) == 0  # told by the account's own reading


def test_keys_are_changed_while_tokens_are_kept(tmp_path: Path, store: Store, clock: Clock) -> None:
    made = enrolled(settings(tmp_path), store)
    put(made, store, refresh="refr3sh")
    old = (tmp_path / "key").rename(tmp_path / "old")
    previous = f'{{ file = "{tmp_path / "key"}" }}\nprevious = [{{ file = "{old}" }}]'
    new = settings_with_new_key(tmp_path, previous)
    assert Tokens(new, store, clock).current(NAME) == "acc3ss"
    assert reseal_all(new, store) == 1
    assert reseal_all(new, store) == 0
    alone = new.model_copy(update={"secrets": new.secrets.model_copy(update={"previous": ()})})
    assert Tokens(alone, store, clock).current(NAME) == "acc3ss"
    with pytest.raises(ConfigError, match="another key"):
        Tokens(made_with(new, old), store, clock).current(NAME)


def settings_with_new_key(tmp_path: Path, key: str) -> Settings:
    (tmp_path / "key").write_text(fresh_key(), encoding="utf-8")
    return settings(tmp_path, swap={f'{{ file = "{tmp_path / "key"}" }}': key})


def made_with(made: Settings, file: Path) -> Settings:
    first = made.secrets.key
    assert first is not None
    key = first.model_copy(update={"file": str(file)})
    return made.model_copy(update={"secrets": made.secrets.model_copy(update={"key": key, "previous": ()})})


# reminding and taking back -------------------------------------------------------------------------------------------


def mails(store: Store) -> list[Any]:
    return [
        message_from_bytes(n.message, policy=policy.default) for n in store.notices.take(NOW.replace(year=2099), 99)
    ]


def test_the_provider_is_reminded_thirty_and_seven_days_ahead_once_each(tmp_path: Path, store: Store) -> None:
    made = enrolled(settings(tmp_path), store)
    put(made, store, expires_at=NOW + timedelta(days=60), made_at=NOW - timedelta(days=1))
    reminders = Reminders(made, store, Teller(store, made, pack_of))
    assert [reminders.remind(NOW + timedelta(days=d)) for d in (0, 29, 30, 31, 52, 53, 54, 60, 61)] == [
        *(0, 0, 1, 0, 0, 1, 0, 0, 0)
    ]
    first, second = mails(store)
    assert first["to"] == "Pat Desk <desk@it.example>"
    assert "Permission to read hillcrest-youtube ends on Tuesday 19 January 2027" in first["subject"]
    text = " ".join(first.get_body(("plain",)).get_content().split())
    assert "watcher connect hillcrest-youtube --link" in text
    assert "that Jo Moore gave on Thursday 19 November 2026" in text
    assert "in 30 days" in text
    assert "in 7 days" in second.get_body(("plain",)).get_content()
    assert "acc3ss" not in first.as_string() + second.as_string()


def test_a_reminder_that_a_crash_cut_short_is_told_once(tmp_path: Path, lite: Store) -> None:
    made = enrolled(settings(tmp_path), lite)
    put(made, lite, expires_at=NOW + timedelta(days=29), made_at=NOW - timedelta(days=31))
    reminders = Reminders(made, lite, Teller(lite, made, pack_of))
    assert reminders.remind(NOW) == 1
    with lite.writing() as connection:
        connection.execute(update(t.token).values(reminded=None))
    assert reminders.remind(NOW + timedelta(minutes=1)) == 0
    assert len(mails(lite)) == 1


def test_what_watcher_renews_itself_is_announced_only_when_that_fails(
    tmp_path: Path, lite: Store, httpserver: HTTPServer
) -> None:
    more = '[[accounts]]\nname = "threads"\nschool = "hillcrest"\nplatform = "threads"\ntarget = "@hill"\n'
    made = enrolled(settings(tmp_path, more=more), lite)
    put(made, lite, account="threads", expires_at=NOW + timedelta(days=60))
    # Its end is another's than its token's: hours there, a year here.
    put(
        made,
        lite,
        refresh="refr3sh",
        expires_at=NOW + timedelta(hours=1),
        refresh_expires_at=NOW + timedelta(days=365),
    )
    reminders = Reminders(made, lite, Teller(lite, made, pack_of))
    assert [reminders.remind(NOW + timedelta(days=d)) for d in (1, 31, 52, 53, 334, 335, 358)] == [0, 0, 0, 1, 0, 1, 1]


DESKS = """
[[people]]
id = "dora"
name = "Dora Fell"
email = "dora@fell.example"
[[holdings]]
person = "dora"
role = "it_provider"
school = "fell"
"""


def shared(row: str) -> str:
    """Three schools more, of which Dora looks after Fell and Pat after the others, and an account for several."""
    schools = "".join(f'[[schools]]\nid = "{n.lower()}"\nname = "{n} School"\npack = "wessex"\n' for n in WITH_FELL)
    pat = "".join(f'[[holdings]]\nperson = "desk"\nrole = "it_provider"\nschool = "{n}"\n' for n in ("dene", "tarn"))
    return f'{schools}{DESKS}{pat}[[accounts]]\nname = "words"\nplatform = "threads"\n{row}\n'


WITH_FELL = ("Dene", "Fell", "Tarn")


@pytest.mark.parametrize(
    ("row", "heads"),
    [
        (
            'reads = ["search"]\nschools = ["dene", "fell", "tarn"]',
            {"desk@it.example": "Dene School and Tarn School", "dora@fell.example": "Fell School"},
        ),
        (
            'reads = ["search"]',
            {"desk@it.example": "Dene School, Hillcrest Primary School and Tarn School", "dora@fell.example": "Fell"},
        ),
        ('reads = ["posts"]\ntarget = "@fell"\nschool = "fell"', {"dora@fell.example": "Fell School"}),
    ],
)
def test_all_who_look_after_the_schools_of_a_shared_account_are_reminded_once_each(
    tmp_path: Path, store: Store, row: str, heads: dict[str, str]
) -> None:
    made = enrolled(settings(tmp_path, more=shared(row)), store)
    put(made, store, account="words", expires_at=NOW + timedelta(days=29), made_at=NOW - timedelta(days=31))
    reminders = Reminders(made, store, Teller(store, made, pack_of))
    assert reminders.remind(NOW) == 0, "Watcher renews it; only the last week is told"
    assert reminders.remind(NOW + timedelta(days=23)) == len(heads)
    assert reminders.remind(NOW + timedelta(days=24)) == 0
    told = {mail["to"].addresses[0].addr_spec: mail["subject"].rpartition(" – ")[2] for mail in mails(store)}
    assert told.keys() == heads.keys()
    for address, schools in heads.items():
        assert told[address].startswith(schools)


def test_of_many_schools_a_reminder_names_three_and_counts_the_others(tmp_path: Path, lite: Store) -> None:
    more = "".join(f'[[schools]]\nid = "s{n}"\nname = "School {n}"\npack = "wessex"\n' for n in range(9))
    row = '[[accounts]]\nname = "words"\nplatform = "threads"\nreads = ["search"]\n'
    held = "".join(f'[[holdings]]\nperson = "desk"\nrole = "it_provider"\nschool = "s{n}"\n' for n in range(9))
    made = enrolled(settings(tmp_path, more=more + held + row), lite)
    put(made, lite, account="words", expires_at=NOW + timedelta(days=5), made_at=NOW - timedelta(days=55))
    assert Reminders(made, lite, Teller(lite, made, pack_of)).remind(NOW) == 1
    assert "School 0, School 1 and 7 more" in mails(lite)[0]["subject"]


def test_a_school_whose_policy_is_broken_keeps_nobody_else_from_being_reminded(tmp_path: Path, lite: Store) -> None:
    made = enrolled(settings(tmp_path, more=shared('reads = ["search"]')), lite)
    put(made, lite, account="words", expires_at=NOW + timedelta(days=5), made_at=NOW - timedelta(days=55))
    broken = {school.id: school.pack for school in lite.register.all().schools if school.id == "fell"}

    class Broken(Teller):
        def to_provider(self, school: Any, *given: Any) -> Iterator[Any]:
            if school.id in broken:
                raise PolicyError("wessex", ("no such rule",))
            return super().to_provider(school, *given)

    reminders = Reminders(made, lite, Broken(lite, made, pack_of))
    assert (reminders.remind(NOW), reminders.remind(NOW + timedelta(hours=1))) == (1, 0)
    broken.clear()
    assert reminders.remind(NOW + timedelta(hours=2)) == 1, "as soon as it is mended, the one who was left is told"
    assert reminders.remind(NOW + timedelta(hours=3)) == 0
    assert len(mails(lite)) == 2


def test_what_is_granted_anew_is_announced_anew(tmp_path: Path, lite: Store) -> None:
    made = enrolled(settings(tmp_path), lite)
    reminders = Reminders(made, lite, Teller(lite, made, pack_of))
    for turn in range(2):
        start = NOW + timedelta(days=40 * turn)
        put(made, lite, expires_at=start + timedelta(days=60), made_at=start)
        assert reminders.remind(start + timedelta(days=31)) == 1
    assert REMINDERS == (30, 7)


def test_the_state_of_every_permission_is_told(tmp_path: Path, lite: Store) -> None:
    more = (
        f'[[accounts]]\nname = "x"\nschool = "hillcrest"\nplatform = "x"\ntarget = "@h"\n'
        f'token = {{ file = "{tmp_path / "key"}" }}\n'
        '[[accounts]]\nname = "threads"\nschool = "hillcrest"\nplatform = "threads"\ntarget = "@h"\n'
        '[[accounts]]\nname = "news"\nschool = "hillcrest"\nplatform = "rss"\ntarget = "https://x.example/f"\n'
    )
    made = enrolled(settings(tmp_path, more=more), lite)
    put(made, lite, expires_at=NOW + timedelta(days=20), scopes=("a/b",))
    put(made, lite, account="left", expires_at=NOW)
    rows = {p.account: p for p in permissions(made, lite.tokens.all(), NOW)}
    assert rows[NAME].state == "ends within 30 days"
    assert rows[NAME].as_dict()["ends"] == "2026-12-10T12:00:00+00:00"
    assert rows[NAME].cells()["scopes"] == "b"
    assert "accounts[2].token" in rows["x"].state
    assert rows["threads"].state == "nothing granted"
    assert "not in the settings" in rows["left"].state
    assert "news" not in rows


def test_disconnecting_takes_back_at_the_platform_and_deletes(
    tmp_path: Path, store: Store, google: Authority, httpserver: HTTPServer
) -> None:
    made = enrolled(settings(tmp_path, httpserver.url_for("").rstrip("/")), store)
    seen: list[str] = []
    httpserver.expect_request("/revoke", method="POST").respond_with_handler(
        lambda request: seen.append(request.form["token"]) or Response("{}", content_type="application/json")
    )
    put(made, store, refresh="refr3sh")
    connections = Connections(made, store)
    done = connections.end(NAME)
    assert (done.revoked, done.owner, seen) == (True, "Jo Moore", ["refr3sh"])
    assert store.tokens.get(NAME) is None
    with pytest.raises(GrantError, match="nothing was granted"):
        connections.end(NAME)


def test_a_platform_that_does_not_answer_keeps_no_token_here(tmp_path: Path, lite: Store) -> None:
    made = enrolled(settings(tmp_path), lite)
    put(made, lite, refresh="refr3sh")
    done = Connections(made, lite).end(NAME)
    assert not done.revoked
    assert "no answer" in done.why
    assert lite.tokens.get(NAME) is None


def test_one_persons_other_accounts_are_not_taken_back_with_it(
    tmp_path: Path, lite: Store, httpserver: HTTPServer
) -> None:
    more = (
        '[[accounts]]\nname = "second"\nschool = "hillcrest"\nplatform = "youtube"\ntarget = "@dene"\nofficial = true\n'
    )
    made = enrolled(settings(tmp_path, httpserver.url_for("").rstrip("/"), more), lite)
    put(made, lite, refresh="refr3sh")
    put(made, lite, account="second", refresh="refr3sh")
    done = Connections(made, lite).end(NAME)
    assert not done.revoked
    assert "'second' too" in done.why
    assert not httpserver.log


def test_apps_and_keys_are_checked_without_a_network(tmp_path: Path) -> None:
    more = (
        '[[apps]]\nplatform = "snapchat"\nclient_id = "c"\n'
        '[[apps]]\nplatform = "threads"\nclient_id = "c"\nclient_secret = { env = "NOT_SET_ANYWHERE" }\n'
        '[[apps]]\nplatform = "threads"\nclient_id = "d"\nbase_url = "nonsense"\n'
    )
    made = settings(tmp_path, more=more)
    (tmp_path / "key").write_text("weak", encoding="utf-8")
    found = "\n".join(problems(made))
    for words in (
        "secrets.key: is no key of 32 bytes",
        "apps[2].platform: 'snapchat' is unknown",
        "apps[3].client_secret: the environment variable NOT_SET_ANYWHERE",
        "apps[4].name: another app of threads",
        "apps[4].base_url: 'nonsense'",
    ):
        assert words in found
    assert "weak" not in found


def test_a_grant_of_meta_signs_the_calls_with_its_apps_secret(tmp_path: Path, lite: Store, clock: Clock) -> None:
    more = (
        f'[[apps]]\nplatform = "facebook"\nclient_id = "c"\nclient_secret = {{ file = "{tmp_path / "secret"}" }}\n'
        '[[accounts]]\nname = "page"\nschool = "hillcrest"\nplatform = "facebook"\ntarget = "hill"\nofficial = true\n'
    )
    made = enrolled(settings(tmp_path, more=more), lite)
    put(made, lite, account="page")
    connectors = Connectors(made, Tokens(made, lite, clock))
    account = connectors.with_token(lite.accounts.get("page").account)
    assert account.token == "acc3ss"
    assert connectors.of(account)._app_secret == "client-s3cret"  # type: ignore[attr-defined]


def test_what_is_written_over_keeps_its_reminder_only_while_its_end_stands(tmp_path: Path, store: Store) -> None:
    made = enrolled(settings(tmp_path), store)
    token = put(made, store, expires_at=NOW + timedelta(days=9))
    store.tokens.reminded(token, 30)
    row = store.tokens.get(NAME)
    assert row is not None
    assert row.reminded == 30
    assert store.tokens.renew(row, replace(row, reminded=None))
    assert not store.tokens.renew(replace(row, access=b"other"), row)
    assert seal_of(made).open(row.access, NAME, ACCESS)


def test_the_doctor_says_whose_permission_ends_and_whom_to_ask(tmp_path: Path, lite: Store) -> None:
    made = enrolled(settings(tmp_path, more=f'[database]\nurl = "{lite.engine.url}"\n'), lite)
    put(made, lite, expires_at=NOW + timedelta(days=5), made_at=NOW - timedelta(days=55))
    (row,) = health.granted_rows(made, NOW)
    assert (row["what"], row["ok"]) == (f"permission {NAME}", False)
    assert "ends within a week; given by Jo Moore on 26 September 2026, ends 25 November 2026" in row["detail"]
    assert row["detail"].endswith(f"ask Jo Moore to open a new link: watcher connect {NAME} --link")
    assert [row["ok"] for row in health.granted_rows(made, NOW - timedelta(days=20))] == [True]
    assert not list(health.granted_rows(settings(tmp_path, more='[database]\nurl = "sqlite:///none.db"\n'), NOW))


def test_a_withdrawn_permission_is_a_blind_spot_that_names_whom_to_ask(
    tmp_path: Path, lite: Store, google: Authority, clock: Clock
) -> None:
    made = enrolled(settings(tmp_path, google.url), lite)
    connected(google, made, lite)
    google.withdraw()
    clock.now = NOW + timedelta(minutes=50)
    connectors = Connectors(made, Tokens(made, lite, clock))
    poller = Poller(lite, connectors.of, connectors.token_of)
    for _ in range(3):
        poller.poll(lite.accounts.get(NAME), clock.now)
    state = lite.accounts.get(NAME)
    assert state.blind_since is not None
    assert state.last_error is not None
    assert state.last_error.startswith("AuthenticationError: ")
    assert state.last_error.endswith(f"ask Sam Okafor to open a new link: watcher connect {NAME} --link")


def test_a_token_that_the_platform_ended_before_its_time_is_renewed(
    tmp_path: Path, lite: Store, httpserver: HTTPServer, clock: Clock
) -> None:
    made = enrolled(settings(tmp_path, more=tiktok(tmp_path, httpserver)), lite)
    rotating(httpserver, {"access_token": "a2", "refresh_token": "r2", "expires_in": 86400})
    put(made, lite, account="tiktok", access="a1", refresh="r1", expires_at=NOW + timedelta(days=1))
    tokens = Tokens(made, lite, clock)
    clock.now = NOW + timedelta(hours=1)
    assert tokens.current("tiktok") == "a1"
    for why, token in (("TransientError: busy", "a1"), ("AuthenticationError: has ended", "a2")):
        permanent = why.startswith("Auth")
        state = lite.accounts.get("tiktok")
        lite.accounts.failed(state, why, permanent=permanent, next_at=clock.now, now=clock.now)
        clock.now += timedelta(minutes=5)
        assert tokens.current("tiktok") == token
    assert tokens.current("tiktok") == "a2"


SEARCH = (
    '[[accounts]]\nname = "skies"\nplatform = "bluesky"\nreads = ["search"]\ntarget = "terms"\n'
    '[[accounts]]\nname = "other"\nschool = "hillcrest"\nplatform = "bluesky"\ntarget = "hill.example"\n'
)


def searched(tmp_path: Path, store: Store) -> tuple[Settings, str]:
    """A search that is read as a query of its own, with what was granted for it; and how the query is called."""
    made = enrolled(settings(tmp_path, more=SEARCH), store)
    (part,) = [s.account.name for s in store.accounts.all() if s.account.name.startswith("skies~")]
    return made, part


def test_a_new_grant_wakes_every_query_that_is_read_by_it(tmp_path: Path, store: Store) -> None:
    made, part = searched(tmp_path, store)
    late = NOW + timedelta(days=1)
    for name in (part, "other"):
        store.accounts.failed(
            store.accounts.get(name), "AuthenticationError: no", permanent=True, next_at=late, now=NOW
        )
    put(made, store, account="skies", expires_at=NOW + timedelta(days=1))
    assert store.accounts.get(part).next_poll_at == NOW
    assert store.accounts.get("other").next_poll_at == late
    assert [s.account.name for s in store.accounts.parts("skies")] == [part]
    assert store.accounts.parts("ski") == store.accounts.parts("ski_s") == store.accounts.parts("%") == ()


def test_a_token_that_ended_before_its_time_is_renewed_for_a_search_that_is_read_as_queries(
    tmp_path: Path, store: Store, clock: Clock
) -> None:
    made, part = searched(tmp_path, store)
    token = put(made, store, account="skies", refresh="r1", expires_at=NOW + timedelta(days=1))
    tokens = Tokens(made, store, clock)
    clock.now = NOW + timedelta(hours=1)
    assert not tokens.is_due(token, clock.now)
    state = store.accounts.get(part)
    store.accounts.failed(state, "AuthenticationError: has ended", permanent=True, next_at=clock.now, now=clock.now)
    assert tokens.is_due(token, clock.now)


def test_whom_to_ask_for_a_secret_that_is_pasted(tmp_path: Path, lite: Store, clock: Clock) -> None:
    made = enrolled(settings(tmp_path, more=SEARCH + f'[database]\nurl = "{lite.engine.url}"\n'), lite)
    put(made, lite, account="other", made_at=NOW - timedelta(days=9), expires_at=NOW - timedelta(days=1))
    with pytest.raises(AuthenticationError) as caught:
        Tokens(made, lite, clock).current("other")
    (row,) = health.granted_rows(made, NOW)
    for said in (str(caught.value), row["detail"]):
        assert said.endswith(
            "ask Jo Moore for the app password (Settings, Privacy and security, App passwords), or "
            "handle:app-password, made anew, and paste it: watcher connect other"
        )


def test_an_app_that_is_not_accepted_costs_no_reading_before_the_end(
    tmp_path: Path, lite: Store, google: Authority, clock: Clock
) -> None:
    made = enrolled(settings(tmp_path, google.url), lite)
    connected(google, made, lite)
    google.instead = lambda: ("401 Unauthorized", b'{"error": "invalid_client"}')
    tokens = Tokens(made, lite, clock)
    clock.now = NOW + timedelta(minutes=55)
    assert tokens.current(NAME)
    clock.now = NOW + timedelta(minutes=65)
    with pytest.raises(AuthenticationError, match="cannot be renewed: youtube does not accept the app"):
        tokens.current(NAME)


def test_a_token_that_no_key_opens_is_not_well(tmp_path: Path, lite: Store) -> None:
    made = enrolled(settings(tmp_path), lite)
    put(made, lite, expires_at=None)
    (well,) = permissions(made, lite.tokens.all(), NOW)
    assert well.is_well
    (tmp_path / "key").write_text(fresh_key())
    (other,) = permissions(made, lite.tokens.all(), NOW)
    assert other.state.startswith("cannot be opened")
    assert "sealed with another key" in other.state
    assert "secrets.previous" in other.state
    assert not other.is_well
    (tmp_path / "key").unlink()
    (without,) = permissions(made, lite.tokens.all(), NOW)
    assert "cannot be opened: secrets.key" in without.state


def test_a_source_whose_token_no_key_opens_says_so_as_blind(tmp_path: Path, lite: Store, clock: Clock) -> None:
    made = enrolled(settings(tmp_path), lite)
    put(made, lite, expires_at=None)
    (tmp_path / "key").write_text(fresh_key())
    with pytest.raises(ConfigError) as caught:
        Tokens(made, lite, clock).current(NAME)
    for _ in range(2):
        lite.accounts.failed(
            lite.accounts.get(NAME), f"ConfigError: {caught.value}", permanent=True, next_at=NOW, now=NOW
        )
    (line,) = [line for line in health.look(lite, NOW).lines() if line.startswith("BLIND")]
    assert "sealed with another key" in line
    assert "secrets.previous" in line
    assert f"watcher connect {NAME} --link" in line
    assert "check-config" not in line
