"""The tokens that owners have granted: given to whoever reads, and renewed in time, one renewal at a time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from connectors.errors import AuthenticationError, ConnectorError, TransientError
from connectors.grant import App, Grant, flow_of, renew_at
from connectors.oauth import EndedError, Provider, server_of
from connectors.session import renew_session
from watcher.config import AccountRow, AppRow, Settings
from watcher.enrolment import account_of
from watcher.errors import ConfigError
from watcher.permission import ask
from watcher.seal import Seal, seal_of
from watcher.store import Store
from watcher.store.tokens import Token
from watcher.terms import base_of

log = structlog.get_logger(__name__)

# Days ahead at which the end of a token is announced, the earliest first.
REMINDERS = (30, 7)
ACCESS, REFRESH = "access", "refresh"


@dataclass(frozen=True, kw_only=True)
class Held:
    """What is sealed as an account's access: the token, what takes it back, and the app that a server made for it."""

    access: str = field(repr=False)
    undo: str | None = field(default=None, repr=False)
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)

    def dump(self) -> str:
        """As text to be sealed."""
        return json.dumps({key: value for key, value in asdict(self).items() if value is not None})


class Tokens:
    """Gives each account its token, fresh."""

    def __init__(self, settings: Settings, store: Store, clock: Callable[[], datetime]) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._rows = {row.name: row for row in settings.accounts}
        self._guard = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}

    def current(self, name: str) -> str | None:
        """The token with which an account is read now, or ``None`` where nobody has granted one.

        Raises:
            AuthenticationError: it has ended or was withdrawn; the text says whom to ask for what.
            ConfigError: it cannot be opened with the keys at hand.
        """
        # What is built from the schools' terms is read as several accounts, which share what was granted for one.
        token = self._store.tokens.get(base_of(name))
        if token is None:
            return None
        now = self._clock()
        if self.is_due(token, now):
            token = self._renewed(token, now)
        if token.expires_at is not None and token.expires_at <= now:
            raise AuthenticationError(f"the token ended on {token.expires_at:%d %B %Y}: {self._ask(token)}")
        return opened(self._seal(), token).access

    def granted(self) -> tuple[Token, ...]:
        """Everything that owners have granted, sealed."""
        return self._store.tokens.all()

    def mind(self, now: datetime) -> int:
        """Renew every token whose time has come, whether or not its account is being read; how many were."""
        renewed = 0
        for token in self._store.tokens.all():
            if token.account not in self._rows or not self.is_due(token, now):
                continue
            try:
                renewed += self._renewed(token, now) is not token
            except (ConnectorError, ConfigError) as error:
                log.warning("token_not_renewed", account=token.account, error=type(error).__name__)
        return renewed

    def is_due(self, token: Token, now: datetime) -> bool:
        """Whether it is time to renew a token, and there is something to renew it with."""
        if not self.is_renewable(token):
            return False
        begun = token.refreshed_at or token.made_at
        due = token.expires_at is not None and now >= renew_at(begun, token.expires_at)
        return due or (token.refresh is not None and self._was_refused(token, begun))

    def _was_refused(self, token: Token, since: datetime) -> bool:
        """Whether the platform has refused this very token: some end one before its time, and renew it all the same."""
        return any(
            state.permanent
            and (state.last_error or "").startswith(AuthenticationError.__name__)
            and state.last_attempt_at is not None
            and state.last_attempt_at > since
            for state in self._store.accounts.parts(token.account)
        )

    def is_renewable(self, token: Token) -> bool:
        """Whether a token can be renewed without its owner."""
        row = self._rows.get(token.account)
        return row is not None and renews(row, token)

    def _renewed(self, token: Token, now: datetime) -> Token:
        """The token as it is after renewal, whoever has renewed it."""
        name = token.account
        with self._turn(name):
            newest = self._newest(name)
            if not self.is_due(newest, now):
                return newest
            lease = self._store.tokens.claim(name, now)
            if lease is None:
                return self._meanwhile(newest, now, TransientError("another process renews the token"))
            try:
                # Another process may have renewed it between the look and the claim.
                newest = self._newest(name)
                return self._renew(newest, now) if self.is_due(newest, now) else newest
            except EndedError as error:
                log.warning("grant_ended", account=name)
                raise AuthenticationError(f"{error}: {self._ask(newest)}") from error
            except ConnectorError as error:
                log.warning("token_not_renewed", account=name, error=type(error).__name__)
                return self._meanwhile(newest, now, error)
            finally:
                self._store.tokens.release(name, lease)

    def _newest(self, name: str) -> Token:
        token = self._store.tokens.get(name)
        if token is None:
            raise AuthenticationError(f"the token of {name!r} was deleted: connect the account again")
        return token

    def _renew(self, token: Token, now: datetime) -> Token:
        """Renew at the platform, and write before anybody uses it: the old refresh token may be worth nothing now."""
        name, seal = token.account, self._seal()
        held = opened(seal, token)
        refresh = None if token.refresh is None else seal.open(token.refresh, name, REFRESH)
        grant = self._asked(name, held, refresh, now)
        fresh = renewed(seal, token, held, grant, now)
        if not self._store.tokens.renew(token, fresh):
            # The owner has granted anew, or it was taken back, while the platform was asked.
            return self._store.tokens.get(name) or token
        log.info("token_renewed", account=name)
        return fresh

    def _asked(self, name: str, held: Held, refresh: str | None, now: datetime) -> Grant:
        row = self._rows[name]
        if row.platform == "bluesky":
            return renew_session(account_of(row), held.access, refresh or "")
        return provider_of(self._settings, row, held).renew(held.access, refresh, now)

    def _meanwhile(self, token: Token, now: datetime, why: ConnectorError) -> Token:
        """The old token for as long as it lives."""
        if token.expires_at is None or token.expires_at > now:
            return token
        if isinstance(why, TransientError):
            raise TransientError(f"the token has ended and cannot be renewed just now: {why}") from why
        raise AuthenticationError(f"the token has ended and cannot be renewed: {why}") from why

    def _ask(self, token: Token) -> str:
        row = self._rows.get(token.account)
        return ask(token.owner, row.platform if row else "", token.account)

    def _turn(self, name: str) -> threading.Lock:
        with self._guard:
            return self._turns.setdefault(name, threading.Lock())

    def _seal(self) -> Seal:
        return seal_of(self._settings)


def renews(row: AccountRow, token: Token) -> bool:
    """Whether a platform renews such a token without its owner."""
    flow = flow_of(account_of(row))
    return token.refresh is not None or (flow is not None and flow.renewal is not None)


def sealed(seal: Seal, account: str, held: Held, grant: Grant) -> dict[str, bytes | None]:
    """The sealed columns of what was granted for an account."""
    refresh = None if grant.refresh is None else seal.close(grant.refresh, account, REFRESH)
    return {"access": seal.close(held.dump(), account, ACCESS), "refresh": refresh}


def opened(seal: Seal, token: Token) -> Held:
    """What is sealed in a row.

    Raises:
        ConfigError: the keys at hand do not open it.
    """
    return Held(**json.loads(seal.open(token.access, token.account, ACCESS)))


def renewed(seal: Seal, old: Token, held: Held, grant: Grant, now: datetime) -> Token:
    """The row of a renewed token; what the platform did not say anew stays."""
    kept = replace(held, access=grant.access, undo=grant.undo or held.undo)
    columns = sealed(seal, old.account, kept, grant)
    fresh = replace(
        old,
        access=columns["access"] or b"",
        refresh=columns["refresh"] or old.refresh,
        expires_at=grant.expires_at,
        refresh_expires_at=grant.refresh_expires_at or old.refresh_expires_at,
        refreshed_at=now,
    )
    before, after = final_end(old), final_end(fresh)
    # An end that has moved away is announced again when it comes near; a fixed one that is told anew is not.
    moved = before is None or after is None or after - before > timedelta(days=1)
    return replace(fresh, reminded=None if moved else old.reminded)


def reseal_all(settings: Settings, store: Store) -> int:
    """Seal every token with the key in force; how many were sealed with an earlier one.

    Raises:
        ConfigError: one of them opens with no key at hand; those before it are sealed anew.
    """
    seal, done = seal_of(settings), 0
    for token in store.tokens.all():
        if all(seal.is_fresh(part) for part in (token.access, token.refresh) if part is not None):
            continue
        access = seal.close(seal.open(token.access, token.account, ACCESS), token.account, ACCESS)
        refresh = token.refresh and seal.close(seal.open(token.refresh, token.account, REFRESH), token.account, REFRESH)
        done += store.tokens.renew(token, replace(token, access=access, refresh=refresh))
    return done


def proving(settings: Settings, row: AccountRow) -> dict[str, object]:
    """The secret of the app that a granted token belongs to, with which Meta lets apps sign each call.

    Raises:
        ConfigError: it is named and not there.
    """
    flow = flow_of(account_of(row))
    if flow is None or flow.family != "meta":
        return {}
    for number, app in enumerate(settings.apps, 1):
        if (app.platform, app.name) == (row.platform, row.app) and app.client_secret is not None:
            return {"app_secret": app.client_secret.read(f"apps[{number}].client_secret")}
    return {}


def final_end(token: Token) -> datetime | None:
    """When a person has to act: the end of what renews a token, or of the token where nothing does."""
    return token.expires_at if token.refresh is None else token.refresh_expires_at


def reminder_due(token: Token, renewable: bool, now: datetime) -> int | None:
    """How many days ahead the end is to be announced now, or ``None``; each is announced once.

    What renews itself by its own strength is announced only when that has failed for so long that a person must act.
    """
    ends = final_end(token)
    if ends is None or ends - token.made_at < timedelta(days=REMINDERS[-1]):
        return None
    itself = renewable and token.refresh is None
    marks = [mark for mark in REMINDERS if ends - now <= timedelta(days=mark) and not (itself and mark > REMINDERS[-1])]
    nearest = min(marks, default=None)
    return nearest if nearest is not None and (token.reminded is None or nearest < token.reminded) else None


def app_of(settings: Settings, row: AccountRow) -> tuple[int, AppRow]:
    """The app that an account's owner grants to, with its number in the settings: of the account's own name, or any.

    Raises:
        ConfigError: none is set up.
    """
    found = [(n, app) for n, app in enumerate(settings.apps, 1) if app.platform == row.platform]
    chosen = next((pair for pair in found if pair[1].name == row.app), None)
    if chosen is None:
        name = f' and name = "{row.app}"' if row.app else ""
        raise ConfigError(
            (
                f'apps: none with platform = "{row.platform}"{name}, which account {row.name!r} needs; register an app '
                "there and write its client_id and client_secret under [[apps]], see docs/connect.md",
            )
        )
    return chosen


def provider_of(settings: Settings, row: AccountRow, held: Held | None = None) -> Provider:
    """The authorisation server of an account's platform, with the app of the settings or the one that it made itself.

    Raises:
        ConfigError: no app is set up for it, or its secret is not there.
    """
    account = account_of(row)
    flow = flow_of(account)
    if flow is None:
        raise ConfigError((f"accounts: {row.name!r} is on {row.platform}, where nobody grants anything by a link",))
    if row.platform == "mastodon":
        own = App(client_id=(held and held.client_id) or "", client_secret=held.client_secret if held else None)
        return Provider(flow, own, account, base_url=server_of(account), allow_private=row.allow_private)
    number, app = app_of(settings, row)
    secret = None if app.client_secret is None else app.client_secret.read(f"apps[{number}].client_secret")
    own = App(client_id=app.client_id, client_secret=secret)
    return Provider(flow, own, account, base_url=app.base_url, allow_private=app.allow_private)
