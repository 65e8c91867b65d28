"""Connects an account: a link for its owner, what comes back from the platform, a pasted secret, and taking it back."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from connectors.errors import AuthenticationError, ConnectorError
from connectors.grant import PASTED, App, Flow, Grant, flow_of
from connectors.oauth import Provider
from connectors.post import Account
from connectors.session import close_session, open_session
from watcher.config import AccountRow, Settings
from watcher.enrolment import account_of
from watcher.errors import BusyLinkError, ConfigError, GrantError
from watcher.permission import command
from watcher.seal import seal_of
from watcher.store import Store
from watcher.store.tokens import LINK_LIVES, TRIES, Invitation, Token
from watcher.token import REFRESH, Held, final_end, opened, provider_of, renews, sealed

log = structlog.get_logger(__name__)

_VERIFIER = "verifier"
_LONGEST = 8000


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link for an account's owner, what it asks for, and until when it is good."""

    account: str
    platform: str
    url: str = field(repr=False)
    redirect: str
    state: str = field(repr=False)
    scopes: tuple[str, ...]
    until: datetime


@dataclass(frozen=True, kw_only=True)
class Connected:
    """What was granted for an account: by whom, what of it, what is missing, and until when."""

    account: str
    platform: str
    target: str
    owner: str
    scopes: tuple[str, ...]
    lacking: tuple[str, ...]
    ends: datetime | None
    renews: bool


@dataclass(frozen=True, kw_only=True)
class Parted:
    """What became of a disconnected account's token at its platform; ``why`` says what is left for a person to do."""

    account: str
    platform: str
    owner: str
    revoked: bool
    why: str = ""


class Connections:
    """Connects and disconnects the accounts of one installation."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._rows = {row.name: row for row in settings.accounts}

    def row(self, name: str) -> AccountRow:
        """An account as the settings have it.

        Raises:
            GrantError: there is none of that name.
        """
        if name not in self._rows:
            known = ", ".join(self._rows) or "none yet"
            raise GrantError(f"there is no account {name!r} in the settings; known are {known}")
        return self._rows[name]

    def begin(self, name: str, redirect: str, now: datetime, owner: str | None = None) -> Link:
        """A link at which the account's owner grants; it is good once, for seven days.

        Raises:
            GrantError: nobody grants anything by a link there, or nobody would know who did.
            ConfigError: no app or no key is set up.
            ConnectorError: the account's own server could not be asked.
        """
        row = self.row(name)
        account, flow = account_of(row), self._flow(row)
        self._may_be_kept(row)
        if flow.whose is None and not (owner or row.owner):
            raise GrantError(f"{row.platform} does not tell who grants: name the person, with --owner")
        seal, provider = seal_of(self._settings), provider_of(self._settings, row)
        kept: dict[str, str | None] = {"verifier": secrets.token_urlsafe(48), "owner": owner}
        if row.platform == "mastodon":
            made = provider.register(redirect, self._settings.server.public_url)
            kept |= {"id": made.client_id, "secret": made.client_secret}
        state = secrets.token_urlsafe(32)
        url = provider.link(state, redirect, str(kept["verifier"]))
        hidden = seal.close(json.dumps(kept), name, _VERIFIER)
        self._store.tokens.invite(state, Invitation(account=name, verifier=hidden, redirect=redirect, made_at=now))
        log.info("link_made", account=name, platform=row.platform)
        return Link(
            account=name,
            platform=row.platform,
            url=url,
            redirect=redirect,
            state=state,
            scopes=flow.wanted(account),
            until=now + LINK_LIVES,
        )

    def finish(self, state: str, code: str, now: datetime) -> Connected:
        """Exchange what the platform sent back, and keep what was granted.

        The link is used up by what is kept; whatever fails before leaves it good, for a number of tries.

        Raises:
            GrantError: the link is not ours, was used, tried too often or is too old, or its account is not here.
            BusyLinkError: the same link is being used at this moment.
            ConnectorError: the platform refuses, or cannot be reached.
            ConfigError: no app or no key is set up any more.
        """
        if not (state and code) or max(len(state), len(code)) > _LONGEST:
            raise GrantError(_STALE)
        invitation = self._store.tokens.take(state, now)
        if invitation is None:
            raise BusyLinkError(_BUSY) if self._store.tokens.invited(state, now) else GrantError(_STALE)
        done = False
        try:
            if invitation.account not in self._rows:
                raise GrantError(_STALE)
            made = self._exchange(self.row(invitation.account), invitation, state, code, now)
            done = True
        finally:
            if not done:
                self._store.tokens.put_back(state)
        return made

    def tries_left(self, state: str, now: datetime) -> int:
        """How often a link may still be tried; 0 where it is not ours, was used, or is too old."""
        invitation = self._store.tokens.invited(state, now) if state and len(state) <= _LONGEST else None
        return 0 if invitation is None or invitation.account not in self._rows else TRIES - invitation.tries

    def refused(self, state: str, now: datetime) -> str | None:
        """The account whose owner declined at the platform, or ``None``; the link stays good."""
        invitation = self._store.tokens.invited(state, now) if state and len(state) <= _LONGEST else None
        return None if invitation is None else invitation.account

    def paste(self, name: str, secret: str, now: datetime, owner: str | None = None) -> Connected:
        """Keep a secret that a person pasted where the platform grants nothing by a link.

        Raises:
            GrantError: the platform grants by a link, or takes no token at all, or the secret is none.
            ConnectorError: the platform does not accept it.
        """
        row, secret = self.row(name), secret.strip()
        if row.platform not in PASTED:
            raise GrantError(self._why_no_link(row) if self._found(row) is None else "it grants by a link")
        self._may_be_kept(row)
        if not secret or len(secret) > _LONGEST or not (secret.isascii() and secret.isprintable()):
            raise GrantError(f"that is no token; paste {PASTED[row.platform]}")
        grant = open_session(account_of(row), secret) if row.platform == "bluesky" else Grant(access=secret)
        if not (grant.owner or owner or row.owner):
            raise GrantError(f"{row.platform} does not tell whose token it is: name the person, with --owner")
        return self._keep(row, grant, None, owner, now)

    def end(self, name: str, *, revoke: bool = True) -> Parted:
        """Take an account's token back at its platform where that can be done, and delete it here in any case.

        Raises:
            GrantError: nobody has granted anything for it.
        """
        token = self._store.tokens.get(name)
        if token is None:
            raise GrantError(f"nothing was granted for {name!r}; `watcher tokens` lists what was")
        why = self._revoked(token) if revoke else "it was not asked to take it back"
        self._store.tokens.drop(name)
        log.info("disconnected", account=name, revoked=not why)
        row = self._rows.get(name)
        platform = row.platform if row else ""
        return Parted(account=name, platform=platform, owner=token.owner, revoked=not why, why=why)

    # ----------------------------------------------------------------------------------------------------------------

    def _exchange(self, row: AccountRow, invitation: Invitation, state: str, code: str, now: datetime) -> Connected:
        kept = json.loads(seal_of(self._settings).open(invitation.verifier, row.name, _VERIFIER))
        own = Held(access="", client_id=kept.get("id"), client_secret=kept.get("secret"))
        provider = provider_of(self._settings, row, own)
        grant = provider.exchange(code, invitation.redirect, kept["verifier"], now)
        self._is_the_targets(row, grant, provider)
        app = None if own.client_id is None else App(client_id=own.client_id, client_secret=own.client_secret)
        return self._keep(row, grant, app, kept.get("owner"), now, by=state)

    def _is_the_targets(self, row: AccountRow, grant: Grant, provider: Provider) -> None:
        """Refuse what another account's owner has granted, where only the target's own token reads it."""
        account, flow = account_of(row), self._flow(row)
        wanted = _handle(account)
        if not flow.is_own or grant.handle is None or wanted is None or wanted == grant.handle.casefold():
            return
        try:
            provider.revoke(grant.undo or grant.refresh or grant.access)
        except ConnectorError:
            log.info("not_taken_back", account=row.name)
        raise AuthenticationError(
            f"this was granted by @{grant.handle[:60]}, and the account is {account.target[:60]!r}: log in to "
            f"{row.platform} as that account first, then open the link once more"
        )

    def _keep(
        self, row: AccountRow, grant: Grant, app: App | None, owner: str | None, now: datetime, by: str | None = None
    ) -> Connected:
        seal = seal_of(self._settings)
        held = Held(
            access=grant.access,
            undo=grant.undo,
            client_id=app.client_id if app else None,
            client_secret=app.client_secret if app else None,
        )
        columns = sealed(seal, row.name, held, grant)
        token = Token(
            account=row.name,
            access=columns["access"] or b"",
            refresh=columns["refresh"],
            owner=_named(owner, grant.owner, row.owner),
            scopes=grant.scopes,
            made_at=now,
            expires_at=grant.expires_at,
            refresh_expires_at=grant.refresh_expires_at,
        )
        if not self._store.tokens.keep(token, now, by=by):
            # Somebody was quicker with the same link, or the account was disconnected meanwhile.
            raise GrantError(_STALE)
        log.info("connected", account=row.name, platform=row.platform)
        return Connected(
            account=row.name,
            platform=row.platform,
            target=account_of(row).target,
            owner=token.owner,
            scopes=token.scopes,
            lacking=grant.lacking,
            ends=final_end(token),
            renews=renews(row, token),
        )

    def _revoked(self, token: Token) -> str:
        """Nothing, where the platform has taken a token back; otherwise what is left for a person to do."""
        row = self._rows.get(token.account)
        if row is None:
            return "its account is not in the settings any more: its owner can take it back on the platform"
        shared = self._shared(row, token)
        if shared:
            return f"{token.owner} granted {shared} too, and the platform would take both back"
        try:
            seal = seal_of(self._settings)
            held = opened(seal, token)
            refresh = None if token.refresh is None else seal.open(token.refresh, token.account, REFRESH)
            if row.platform == "bluesky":
                close_session(account_of(row), refresh or "")
            elif row.platform in PASTED:
                return "it was pasted: delete it where it was made"
            else:
                provider_of(self._settings, row, held).revoke(held.undo or refresh or held.access)
        except (ConnectorError, ConfigError) as error:
            return str(error).splitlines()[-1].strip()
        return ""

    def _shared(self, row: AccountRow, token: Token) -> str | None:
        """Another account whose token would go too: several platforms take all that a person granted back at once."""
        flow = self._found(row)
        if flow is None or flow.family not in ("meta", "google"):
            return None
        for other in self._store.tokens.all():
            near = self._rows.get(other.account)
            same = near is not None and near.name != row.name and near.app == row.app and other.owner == token.owner
            found = self._found(near) if near is not None and same else None
            if found is not None and found.family == flow.family:
                return repr(other.account)
        return None

    def _found(self, row: AccountRow) -> Flow | None:
        return flow_of(account_of(row))

    def _flow(self, row: AccountRow) -> Flow:
        flow = self._found(row)
        if flow is None:
            raise GrantError(self._why_no_link(row))
        return flow

    def _why_no_link(self, row: AccountRow) -> str:
        if row.platform in PASTED:
            return (
                f"{row.platform} grants nothing by a link: run `{command(row.platform, row.name)}` without --link, and "
                f"paste {PASTED[row.platform]}"
            )
        return f"{row.platform} is read without a token that could be granted: there is nothing to connect"

    def _may_be_kept(self, row: AccountRow) -> None:
        """Refuse where what is granted would never be used."""
        if row.token is not None:
            raise GrantError(
                f"the settings give {row.name!r} a token of its own, which would still be used: take token out of "
                "this account in the settings first, and restart the service"
            )


_STALE = (
    "this link is not known here, was used already, was tried too often, or is more than seven days old: ask for a new "
    "one"
)
_BUSY = "this link is being used in another window at this moment: look there first, or try again in some minutes"


def _named(told: str | None, platform: str | None, settings: str | None) -> str:
    """Who granted it: as the operator named the person, and as the platform does."""
    given = (told or "").strip() or None
    if given and platform and given != platform:
        return f"{given} ({platform})"
    return given or platform or settings or "not known"


def _handle(account: Account) -> str | None:
    """The handle that a target names, or ``None`` where it is words, a tag or a place."""
    text = (account.target or "").strip().rstrip("/").casefold()
    if set(account.reads) == {"search"} or " " in text or text.startswith(("#", "r/", "/r/")):
        return None
    text = text.rpartition("/")[2].lstrip("@")
    return text.partition("@")[0] or None
