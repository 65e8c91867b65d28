"""One server of the AT protocol: its XRPC calls, the session that an app password opens, and what its errors mean."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient, Response, error_for, origin_of

_MOST_REQUESTS = 12  # of one fetch, while nothing new is found
_MEND = "make a new app password (Settings, Privacy and security, App passwords) and set it as the token"
_GONE = re.compile(r"(?:Account|Repo)(?:Takedown|Takendown|Deactivated|Suspended|NotFound)|(?:Actor|Handle)?NotFound")
_NOT_FOUND = re.compile(r"not found|unable to resolve|could not (?:find|resolve|locate)", re.IGNORECASE)
_NOT_OFFERED = {"MethodNotImplemented", "XRPCNotSupported"}
_BLOCKS = {"BlockedActor", "BlockedByActor"}
_STALE = {"ExpiredToken", "InvalidToken"}


class BadRequestError(PermanentError):
    """The server does not accept a parameter, such as a cursor."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """Whose session is opened, and by which app password."""

    identifier: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Session:
    """An open session: whose it is, the token for calls (some two hours), and the one that renews it (months)."""

    did: str
    access: str = field(repr=False)
    refresh: str = field(repr=False)


def given(token: str) -> Session | None:
    """The session that a token is by itself, where it is a session's and no app password; renewing is another's."""
    did = claims(token).get("sub")
    return Session(did=did, access=token, refresh="") if isinstance(did, str) else None


def claims(token: str) -> dict[str, Any]:
    """What a session's token says of itself, unproved; nothing where it is another kind of secret."""
    parts = token.split(".")
    if len(parts) != 3 or not token.startswith("eyJ"):  # noqa: PLR2004
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


class Sessions:
    """The open sessions, shared by threads: Bluesky lets an account log in only a hundred times a day or so."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._turns: dict[str, threading.Lock] = {}
        self.open: dict[str, Session] = {}

    @contextmanager
    def turn(self, key: str, ends: float) -> Iterator[None]:
        """Alone with one login's session, until ``ends`` on the monotonic clock at the latest."""
        with self._guard:
            turn = self._turns.setdefault(key, threading.Lock())
        if not turn.acquire(timeout=max(ends - time.monotonic(), 0)):
            raise TransientError("another reading of this account is still logging in")
        try:
            yield
        finally:
            turn.release()


class Xrpc:
    """Asks one server on behalf of one account, with its session where there is a login."""

    def __init__(
        self,
        client: HttpClient,
        base: str,
        login: Login | None,
        sessions: Sessions,
        ends: float,
        make_client: Callable[[float], HttpClient],
    ) -> None:
        """``make_client`` makes a client that may take so many seconds, for logging in."""
        self._client, self._make_client = client, make_client
        self._base = base.rstrip("/").removesuffix("/xrpc")
        self._login, self._sessions, self._ends = login, sessions, ends
        secret = f"{self._base}\n{login.identifier}\n{login.password}" if login else ""
        self._key = hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
        self._given = given(login.password) if login else None
        self.asked = 0

    @property
    def logged_in(self) -> bool:
        """Whether the calls go with a session."""
        return self._login is not None

    @property
    def tired(self) -> bool:
        """Whether this fetch has asked enough and should give what it has."""
        return self.asked >= _MOST_REQUESTS or time.monotonic() > self._ends - 1

    def whose(self) -> str | None:
        """The DID of the account that is logged in."""
        session = self._session()
        return session.did if session else None

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON object that a query answers; a session that ran out is renewed once.

        Raises:
            ConnectorError: as the server's error or status says.
            UnexpectedResponseError: it is no JSON object.
        """
        session = self._session()
        answer = self._get(method, params, session)
        if session is not None and _is_stale(answer):
            answer = self._get(method, params, self._renewed(session))
        problem = _problem(answer, method, logged_in=self.logged_in)
        if problem is not None:
            raise problem
        return _object(answer)

    def page(self, method: str, name: str, params: Mapping[str, Any]) -> tuple[list[Any], dict[str, str] | None]:
        """The list that an answer holds by a name, and what to ask in addition for the page after it.

        Raises:
            ConnectorError: as for `ask`.
        """
        body = self.ask(method, params)
        found, cursor = body.get(name), body.get("cursor")
        if not isinstance(found, list):
            raise UnexpectedResponseError("the server answered JSON of another shape than asked for")
        return found, {"cursor": cursor} if isinstance(cursor, str) and cursor else None

    def _get(self, method: str, params: Mapping[str, Any], session: Session | None) -> Response:
        self.asked += 1
        headers = {"accept": "application/json"}
        if session is not None:
            headers["authorization"] = f"Bearer {session.access}"
        return self._client.get(f"{self._base}/xrpc/{method}", headers=headers, params=params, ends=self._ends)

    def _session(self) -> Session | None:
        if self._login is None or self._given is not None:
            return self._given
        with self._sessions.turn(self._key, self._ends):
            if self._key not in self._sessions.open:
                self._sessions.open[self._key] = self._opened(self._login)
            return self._sessions.open[self._key]

    def _renewed(self, stale: Session) -> Session:
        """The session after a renewal, by whichever thread came first; where it cannot be renewed, a new one."""
        if stale is self._given:
            raise AuthenticationError("Bluesky has ended the session, or it was withdrawn: connect the account again")
        with self._sessions.turn(self._key, self._ends):
            current = self._sessions.open.get(self._key)
            if current is not None and current is not stale:
                return current
            self._sessions.open.pop(self._key, None)
            try:
                session = self.procedure("com.atproto.server.refreshSession", token=stale.refresh)
            except RateLimitedError:
                raise
            except PermanentError:
                if self._login is None:
                    raise
                session = self._opened(self._login)
            self._sessions.open[self._key] = session
            return session

    def _opened(self, login: Login) -> Session:
        body = {"identifier": login.identifier, "password": login.password}
        return self.procedure("com.atproto.server.createSession", json=body)

    def procedure(self, method: str, *, json: Any = None, token: str | None = None) -> Session:
        """The session that one of the two session calls answers; the call keeps to what is left of the fetch's time.

        Raises:
            ConnectorError: the server opens none.
        """
        headers = {"accept": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
        with self._make_client(max(self._ends - time.monotonic(), 0.05)) as client:
            answer = client.post(f"{self._base}/xrpc/{method}", headers=headers, json=json)
        problem = _login_problem(answer, method)
        if problem is not None:
            raise problem
        body = _object(answer)
        did, access, refresh = (body.get(name) for name in ("did", "accessJwt", "refreshJwt"))
        if not (isinstance(did, str) and isinstance(access, str) and isinstance(refresh, str)):
            raise UnexpectedResponseError("the server opened a session without tokens")
        return Session(did=did, access=access, refresh=refresh)


def _object(answer: Response) -> dict[str, Any]:
    found = answer.json()
    if not isinstance(found, dict):
        raise UnexpectedResponseError("the server answered JSON of another shape than asked for")
    return found


def _said(answer: Response) -> tuple[str, str]:
    """The error's name and its words, which may quote a post and are shown to nobody."""
    try:
        found = answer.json()
    except UnexpectedResponseError:
        return "", ""
    body = found if isinstance(found, dict) else {}
    name = body.get("error")
    known = name if isinstance(name, str) and re.fullmatch(r"[A-Za-z]{1,60}", name) else ""
    return known, str(body.get("message") or "")


def _is_stale(answer: Response) -> bool:
    refused = answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED}
    return answer.status == HTTPStatus.UNAUTHORIZED or (refused and _said(answer)[0] in _STALE)


def _problem(answer: Response, method: str, *, logged_in: bool) -> ConnectorError | None:
    """What an answer to a query means to whoever polls, or ``None`` for success."""
    what = f"Bluesky at {origin_of(answer.url)}"
    problem = error_for(answer.status, answer.headers, what=what)
    if problem is None or isinstance(problem, RateLimitedError):
        return problem
    name, words = _said(answer)
    told = f" ({name})" if name else ""
    if name in _NOT_OFFERED or answer.status == HTTPStatus.NOT_IMPLEMENTED:
        return PermanentError(f"{what} does not offer {method}: check base_url")
    if isinstance(problem, TransientError):
        return problem
    if answer.status == HTTPStatus.FORBIDDEN and method.endswith("searchPosts"):
        return AuthenticationError(f"{what} {_no_search(logged_in=logged_in)}{told}")
    return _refusal(answer.status, what, name, words) or type(problem)(f"{problem}{told}")


def _refusal(status: int, what: str, name: str, words: str) -> ConnectorError | None:
    """What an error's name or words mean, where they say more than the status."""
    if name in _STALE:
        return AuthenticationError(f"{what} refused its own session ({name}): {_MEND}")
    if name in _BLOCKS:
        return PermanentError(f"{what}: the target and the account that reads block each other ({name})")
    if _GONE.fullmatch(name) or _NOT_FOUND.search(words):
        told = f" ({name})" if name else ""
        return AccountNotFoundError(f"{what} does not give the target: misspelt, deactivated or taken down{told}")
    if status == HTTPStatus.BAD_REQUEST:
        return BadRequestError(f"{what} refused the request ({name or status})")
    return None


def _no_search(*, logged_in: bool) -> str:
    if logged_in:
        return "lets this account not search: leave base_url out, or set the account's own server (not public.api)"
    return "lets nobody search without a login: set the token to handle:app-password"


def _login_problem(answer: Response, method: str) -> ConnectorError | None:
    what = f"Bluesky at {origin_of(answer.url)}"
    problem = error_for(answer.status, answer.headers, what=what)
    if problem is None or isinstance(problem, RateLimitedError | TransientError):
        name = "" if problem is None else _said(answer)[0]
        return PermanentError(f"{what} does not offer {method}: check base_url") if name in _NOT_OFFERED else problem
    name = _said(answer)[0]
    told = f" ({name})" if name else ""
    if name == "AuthFactorTokenRequired":
        return AuthenticationError(f"{what} wants a code sent by e-mail, so this is the main password: {_MEND}")
    if _GONE.fullmatch(name):
        return AuthenticationError(f"{what}: the account that logs in was deactivated or taken down{told}")
    if name in _NOT_OFFERED or isinstance(problem, AccountNotFoundError):
        return AccountNotFoundError(
            f"{what} opens no sessions: leave base_url out, or set the account's own server{told}"
        )
    if isinstance(problem, PermanentError):
        return AuthenticationError(f"{what} does not accept handle and app password{told}: {_MEND}")
    return problem
