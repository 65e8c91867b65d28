"""A session on the AT protocol: opened once by an app password, which is then forgotten, and renewed from then on."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connectors._actor import read_login, read_target
from connectors._xrpc import Login, Session, Sessions, Xrpc, claims
from connectors.errors import AuthenticationError, PermanentError, TransientError
from connectors.grant import Grant
from connectors.http import HttpClient, error_for
from connectors.oauth import EndedError
from connectors.post import Account

_HOME = "https://bsky.social"
_APP_PASSWORD = re.compile(r"[a-z0-9]{4}(?:-[a-z0-9]{4}){3}")
_TOTAL_S = 20.0


def open_session(account: Account, secret: str) -> Grant:
    """The session that an app password opens: ``app-password``, or ``handle:app-password``.

    Raises:
        AuthenticationError: it is no app password, or the server does not accept it.
        ConnectorError: the server cannot be asked.
    """
    login = read_login(replace(account, token=secret), read_target(account.target))
    if login is None or not _APP_PASSWORD.fullmatch(login.password):
        raise AuthenticationError(
            "this is no app password, which looks like abcd-efgh-ijkl-mnop: make one under Settings, Privacy and "
            "security, App passwords. Watcher never takes the account's main password"
        )
    with _web(account) as web:
        body = {"identifier": login.identifier, "password": login.password}
        session = _xrpc(account, web, login).procedure("com.atproto.server.createSession", json=body)
    return _grant(session, login.identifier)


def renew_session(account: Account, access: str, refresh: str) -> Grant:
    """The session that follows on one that is about to end.

    Raises:
        EndedError: its owner has withdrawn the app password, or it was left too long.
        ConnectorError: the server cannot be asked.
    """
    identifier = access.rpartition(":")[0]
    try:
        with _web(account) as web:
            session = _xrpc(account, web, None).procedure("com.atproto.server.refreshSession", token=refresh)
    except AuthenticationError as error:
        raise EndedError("Bluesky does not renew the session: the app password was withdrawn") from error
    return _grant(session, identifier or session.did)


def close_session(account: Account, refresh: str) -> None:
    """End a session at its server.

    Raises:
        PermanentError: the server refuses.
        TransientError: it cannot be reached.
    """
    with _web(account) as web:
        address = f"{_base(account)}/xrpc/com.atproto.server.deleteSession"
        answer = web.post(address, headers={"authorization": f"Bearer {refresh}"})
    problem = error_for(answer.status, answer.headers, what="Bluesky")
    if isinstance(problem, TransientError | PermanentError):
        raise problem


def _grant(session: Session, identifier: str) -> Grant:
    return Grant(
        access=f"{identifier}:{session.access}",
        refresh=session.refresh,
        undo=session.refresh,
        scopes=("app password",),
        owner=f"@{identifier}" if not identifier.startswith("did:") else identifier,
        expires_at=_end(session.access),
        refresh_expires_at=_end(session.refresh),
    )


def _end(token: str) -> datetime | None:
    found: Any = claims(token).get("exp")
    sound = isinstance(found, int) and not isinstance(found, bool) and 0 < found < 10**11
    return datetime.fromtimestamp(found, UTC) if sound else None


def _base(account: Account) -> str:
    return (account.base_url or _HOME).rstrip("/").removesuffix("/xrpc")


def _web(account: Account, seconds: float = _TOTAL_S) -> HttpClient:
    return HttpClient(timeout_s=10, total_s=seconds, allow_private=account.base_url if account.allow_private else None)


def _xrpc(account: Account, web: HttpClient, login: Login | None) -> Xrpc:
    ends = time.monotonic() + _TOTAL_S
    return Xrpc(web, _base(account), login, Sessions(), ends, lambda seconds: _web(account, seconds))
