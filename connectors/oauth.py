"""Asks a platform for what an owner granted: the link, the exchange of its code, renewal, and taking it back."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit

from connectors._instance import read_target
from connectors._meta import page_of, proof, until
from connectors.errors import (
    AuthenticationError,
    ConnectorError,
    PermanentError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.grant import App, Flow, Grant
from connectors.http import HttpClient, Response, error_for
from connectors.post import Account

# Mastodon shows the code on a page of its own instead of sending the browser on.
SHOWN = "urn:ietf:wg:oauth:2.0:oob"
_TOKEN = re.compile(r"[!-~]{1,8000}")
_WORD = re.compile(r"[A-Za-z_]{1,60}")
_LONGEST_S = 10 * 366 * 86400
_ENDED = {"invalid_grant", "invalid_token", "access_token_expired", "refresh_token_expired"}
_APP = {"invalid_client", "unauthorized_client", "invalid_client_key", "invalid_client_secret"}
_LATER = {"temporarily_unavailable", "server_error", "slow_down", "internal_error"}
_META_ENDED = 190
_META_LATER = (1, 2, 4, 17, 341)


class EndedError(AuthenticationError):
    """The owner has taken it back, or its time is over: only a new grant helps."""


class Provider:
    """One platform's authorisation server, for one account.

    ``base_url`` takes the place of the platform's own addresses (a proxy, a test), or is the account's server.
    """

    def __init__(
        self, flow: Flow, app: App, account: Account, *, base_url: str | None = None, allow_private: bool = False
    ) -> None:
        self._flow, self._app, self._account = flow, app, account
        self._base = base_url.rstrip("/") if base_url else None
        self._allow = base_url if allow_private else None
        self._what = account.platform

    def register(self, redirect: str, website: str | None = None) -> App:
        """The app that an account's own server makes on request, as Mastodon's do.

        Raises:
            ConnectorError: the server makes none.
        """
        form = {"client_name": "Watcher", "redirect_uris": redirect, "scopes": " ".join(self._wanted())}
        body = self._answer(self._post("/api/v1/apps", form | ({"website": website} if website else {})))
        number, secret = body.get("client_id"), body.get("client_secret")
        if not (isinstance(number, str) and isinstance(secret, str)):
            raise UnexpectedResponseError(f"{self._what} made no app")
        self._app = App(client_id=number, client_secret=secret)
        return self._app

    def link(self, state: str, redirect: str, verifier: str) -> str:
        """The address at which the owner logs in and grants."""
        query = {self._flow.client: self._app.client_id, "response_type": "code", "redirect_uri": redirect}
        query |= {"scope": self._flow.separator.join(self._wanted()), "state": state, **self._flow.extra}
        if self._proves(redirect):
            method = "S256"
            query |= {"code_challenge": _challenge(verifier, self._flow.pkce), "code_challenge_method": method}
        return f"{self._at(self._flow.authorize)}?{urlencode(query)}"

    def exchange(self, code: str, redirect: str, verifier: str, now: datetime) -> Grant:
        """What the code stands for, made to last where the platform offers it, with whose it is.

        Raises:
            ConnectorError: the platform refuses the code or the app, or cannot be reached.
        """
        form = {"grant_type": "authorization_code", "code": code.removesuffix("#_"), "redirect_uri": redirect}
        if self._proves(redirect):
            form["code_verifier"] = verifier
        body = self._answer(self._post(self._flow.token, form, app=True))
        grant = self._read(body, now)
        if self._flow.lasting:
            url, kind = self._flow.lasting
            longer = self._read(self._answer(self._traded(url, kind, grant.access)), now)
            grant = replace(grant, access=longer.access, expires_at=longer.expires_at)
        owner, handle = self._whose(grant.access)
        grant = replace(grant, owner=owner, handle=handle)
        if self._flow.family == "meta":
            grant = self._meta(grant, now)
        wanted = self._wanted()
        return replace(grant, lacking=tuple(scope for scope in wanted if scope not in grant.scopes))

    def renew(self, access: str, refresh: str | None, now: datetime) -> Grant:
        """A fresh token for one that is about to end; a new refresh token comes with it or the old one stays.

        Raises:
            EndedError: the owner has to grant anew.
            ConnectorError: it cannot be renewed now.
        """
        if self._flow.renewal:
            url, kind = self._flow.renewal
            return self._read(self._answer(self._traded(url, kind, access)), now)
        if not refresh:
            raise EndedError(f"{self._what} gave nothing to renew this with")
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        found = self._read(self._answer(self._post(self._flow.token, form, app=True)), now)
        return replace(found, refresh=found.refresh or refresh)

    def revoke(self, token: str) -> None:
        """Take a token back at the platform.

        Raises:
            PermanentError: the platform offers no way, or refuses.
            TransientError: it cannot be reached.
        """
        if self._flow.revoke is None:
            raise PermanentError(f"{self._what} offers no way to take a token back from here")
        if self._flow.family == "meta":
            form = {"method": "delete", **proof(self._app, token)}
            answer = self._post(self._flow.revoke, form, headers={"authorization": f"Bearer {token}"})
        else:
            answer = self._post(self._flow.revoke, {"token": token}, app=True)
        problem = error_for(answer.status, answer.headers, what=self._what)
        if problem is not None:
            raise problem

    # what is sent and read -------------------------------------------------------------------------------------------

    def _wanted(self) -> tuple[str, ...]:
        return self._flow.wanted(self._account)

    def _proves(self, redirect: str) -> bool:
        """Whether a proof key goes along: TikTok takes one from programs on a person's own machine only."""
        local = urlsplit(redirect).hostname in ("127.0.0.1", "localhost", "::1")
        return self._flow.pkce == "S256" or (self._flow.pkce == "hex" and local)

    def _at(self, url: str) -> str:
        if self._base is None:
            if url.startswith("/"):
                raise PermanentError("which server? write the account as @name@host, or give it a base_url")
            return url
        parts = urlsplit(url)
        return self._base + parts.path

    def _client(self) -> HttpClient:
        return HttpClient(timeout_s=10, total_s=20, allow_private=self._allow)

    def _post(
        self, url: str, form: Mapping[str, str], *, app: bool = False, headers: Mapping[str, str] | None = None
    ) -> Response:
        sent = {"accept": "application/json", **(headers or {})}
        given = dict(form)
        if app and self._flow.basic:
            pair = f"{self._app.client_id}:{self._app.client_secret or ''}"
            sent["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        elif app:
            given[self._flow.client] = self._app.client_id
            if self._app.client_secret:
                given["client_secret"] = self._app.client_secret
        with self._client() as web:
            return web.post(self._at(url), headers=sent, data=given)

    def _traded(self, url: str, kind: str, token: str) -> Response:
        """One token for another, in Meta's way: by a GET, or as a form where the app's own id is wanted too."""
        if kind == "fb_exchange_token":
            return self._post(url, {"grant_type": kind, kind: token}, app=True)
        query = {"grant_type": kind, "access_token": token}
        if kind.endswith("_exchange_token"):
            query["client_secret"] = self._app.client_secret or ""
        return self.get(url, query)

    def get(self, url: str, query: Mapping[str, str], token: str | None = None) -> Response:
        """The answer to a question, asked with a token where one is given."""
        headers = {"accept": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
        with self._client() as web:
            return web.get(self._at(url), headers=headers, params=query)

    def ask(self, url: str, query: Mapping[str, str], token: str) -> dict[str, Any]:
        """The JSON object that answers a question.

        Raises:
            ConnectorError: there is none.
        """
        return self._answer(self.get(url, query, token))

    def _answer(self, answer: Response) -> dict[str, Any]:
        """The JSON object of an answer that is no error."""
        problem = error_for(answer.status, answer.headers, what=self._what)
        if isinstance(problem, TransientError):
            raise problem
        try:
            body = answer.json()
        except UnexpectedResponseError:
            if problem is not None:
                raise problem from None
            raise
        if not isinstance(body, dict):
            raise UnexpectedResponseError(f"{self._what} answered JSON of another shape than a token's")
        if body.get("error") or body.get("error_type") or problem is not None:
            raise _meant(body, self._what) or problem or UnexpectedResponseError(f"{self._what} refused")
        return body

    def _read(self, body: Mapping[str, Any], now: datetime) -> Grant:
        """The grant in a token's answer; Instagram wraps it in a list."""
        listed = body.get("data")
        if isinstance(listed, list) and listed and isinstance(listed[0], dict):
            body = listed[0]
        access, refresh = body.get("access_token"), body.get("refresh_token")
        if not isinstance(access, str) or not _TOKEN.fullmatch(access):
            raise UnexpectedResponseError(f"{self._what} answered without a token")
        told = body.get("scope") or body.get("permissions")
        scopes = told if isinstance(told, list) else re.split(r"[ ,]+", told) if isinstance(told, str) else []
        later = body.get("refresh_token_expires_in", body.get("refresh_expires_in"))
        return Grant(
            access=access,
            refresh=refresh if isinstance(refresh, str) and _TOKEN.fullmatch(refresh) else None,
            scopes=tuple(str(scope)[:200] for scope in scopes if scope) or self._wanted(),
            expires_at=_after(body.get("expires_in"), now),
            refresh_expires_at=_after(later, now),
        )

    def _whose(self, token: str) -> tuple[str | None, str | None]:
        """Whose token it is, as far as the platform tells; a grant is not lost because it does not."""
        asked = self._flow.whose
        if asked is None:
            return None, None
        try:
            body = self.ask(asked.url, {**asked.query, **self._proof(token)}, token)
        except ConnectorError:
            return None, None
        handle = _inside(body, asked.handle) if asked.handle else None
        return _inside(body, asked.name) or handle, handle

    def _proof(self, token: str) -> dict[str, str]:
        return proof(self._app, token) if self._flow.family == "meta" else {}

    def _meta(self, grant: Grant, now: datetime) -> Grant:
        """The token of the chosen page, or the person's own; with what was granted and when Meta lets it end."""
        person = grant.access
        kept = replace(grant, undo=person)
        if self._flow.platform == "facebook":
            kept = replace(kept, access=page_of(self, self._app, self._account.target, person), expires_at=None)
        scopes, ends = until(self, self._app, kept.access, kept.expires_at, now)
        return replace(kept, scopes=scopes or kept.scopes, expires_at=ends)


def server_of(account: Account) -> str | None:
    """The server that an account on Mastodon belongs to, as far as the settings tell."""
    return account.base_url or read_target(account.target or "").instance


def _challenge(verifier: str, kind: str) -> str:
    digest = hashlib.sha256(verifier.encode())
    if kind == "hex":
        return digest.hexdigest()
    return base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()


def _after(seconds: Any, now: datetime) -> datetime | None:
    """The time that lies so many seconds ahead, or ``None`` where none is told, or an odd one."""
    try:
        number = float(seconds)
    except (TypeError, ValueError):
        return None
    return now + timedelta(seconds=number) if 0 < number < _LONGEST_S else None


def _inside(body: Any, way: tuple[str | int, ...]) -> str | None:
    """The text at the end of a way through JSON, or ``None``."""
    for step in way:
        if isinstance(step, int):
            body = body[step] if isinstance(body, list) and len(body) > step else None
        else:
            body = body.get(step) if isinstance(body, dict) else None
    return body.strip()[:200] if isinstance(body, str) and body.strip() else None


def _meant(body: Mapping[str, Any], what: str) -> ConnectorError | None:
    """The error that an answer names; never its description, which may quote what was sent."""
    said = body.get("error", body.get("error_type"))
    code = body.get("code")
    if isinstance(said, dict):
        code, said = said.get("code"), said.get("type") or said.get("code")
    word = said if isinstance(said, str) and _WORD.fullmatch(said) else ""
    told = f" ({word or code})" if word or isinstance(code, int) else ""
    if word.lower() in _ENDED or code == _META_ENDED:
        return EndedError(f"{what} does not accept it any more{told}")
    if word.lower() in _APP:
        return AuthenticationError(f"{what} does not accept the app: check its client_id and client_secret{told}")
    if word.lower() in _LATER or code in _META_LATER:
        return TransientError(f"{what} is out of order{told}")
    if code in (HTTPStatus.NOT_FOUND,) or not word:
        return None
    return AuthenticationError(f"{what} refuses{told}")
