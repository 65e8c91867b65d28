"""Asks Reddit's API: tokens fetched and renewed, its own count of calls obeyed, its errors said in plain words."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    RateLimitedError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient, Response, error_for, origin_of

API, LOGIN = "https://oauth.reddit.com", "https://www.reddit.com"
_LEAST_LIFE_S = 60.0  # a token that ends sooner is not begun with
_REASONS = {
    "private": "the community is private: Watcher reads what is public",
    "banned": "Reddit has closed this community",
    "quarantined": "the community is quarantined: its content is not shown to services",
    "gold_only": "the community is for paying members only",
}
_SCOPES = {"/user/": "history", "/message/": "privatemessages"}


@dataclass(frozen=True)
class _Held:
    token: str
    ends: float


class Purse:
    """Access tokens by the credentials that they were fetched with, and until when Reddit wants no more calls.

    It holds them in memory only; threads may share it.
    """

    def __init__(self) -> None:
        self._held: dict[str, _Held] = {}
        self._paused: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def token(self, key: str) -> str | None:
        """The access token, unless there is none or it ends within a minute."""
        with self._lock:
            held = self._held.get(key)
        return held.token if held and held.ends - time.monotonic() > _LEAST_LIFE_S else None

    def keep(self, key: str, token: str, life_s: float) -> None:
        """Hold a token for as long as it lives."""
        with self._lock:
            self._held[key] = _Held(token, time.monotonic() + life_s)

    def drop(self, key: str) -> None:
        """Forget a token that was refused."""
        with self._lock:
            self._held.pop(key, None)

    def paused(self, key: str) -> datetime | None:
        """Until when Reddit said that no call is left, where that lies ahead."""
        with self._lock:
            until = self._paused.get(key)
        return until if until and until > datetime.now(UTC) else None

    def note(self, key: str, headers: Mapping[str, str]) -> None:
        """Take down what an answer says of the calls that are left."""
        with contextlib.suppress(KeyError, ValueError, OverflowError):
            if float(headers["x-ratelimit-remaining"]) < 1:
                seconds = min(max(float(headers["x-ratelimit-reset"]), 0.0), 3600.0)
                with self._lock:
                    self._paused[key] = datetime.now(UTC) + timedelta(seconds=seconds)


class Reddit:
    """One account's way to the API within one fetch.

    ``token`` is an access token, or what lasts: ``id:secret`` of an app (app-only), or ``id:secret:refresh token``.
    """

    def __init__(self, client: HttpClient, base_url: str | None, token: str | None, purse: Purse) -> None:
        if not token:
            raise AuthenticationError("Reddit is read with a token only: give the account one, see docs/platforms")
        self._client, self._token, self._purse = client, token, purse
        self._api = (base_url or API).rstrip("/")
        self._login = (base_url or LOGIN).rstrip("/")
        self._key = hashlib.sha256(f"{self._api} {token}".encode(errors="replace")).hexdigest()

    def things(self, path: str, params: Mapping[str, Any]) -> tuple[list[Any], str | None]:
        """The things of one page of a listing, in Reddit's order, and the mark of the next page.

        Raises:
            ConnectorError: see `connectors.errors`.
        """
        return children(self.ask(path, params))

    def ask(self, path: str, params: Mapping[str, Any]) -> Any:
        """The JSON that Reddit answers.

        Raises:
            ConnectorError: see `connectors.errors`.
        """
        until = self._purse.paused(self._key)
        if until is not None:
            raise RateLimitedError("Reddit allows no more calls in this stretch of time", until)
        query = {**params, "raw_json": 1}
        answer = self._get(path, query)
        if answer.status == 401 and ":" in self._token:  # noqa: PLR2004
            self._purse.drop(self._key)
            answer = self._get(path, query)
        self._purse.note(self._key, answer.headers)
        if urlsplit(answer.url).path.startswith("/subreddits/search"):
            raise AccountNotFoundError("Reddit knows no community of that name: check the target")
        if origin_of(answer.url) != origin_of(self._api):
            raise UnexpectedResponseError(f"Reddit sent its reader on to {origin_of(answer.url)}")
        problem = error_for(answer.status, answer.headers, what="Reddit")
        if problem is not None:
            raise _told(problem, answer, path)
        return answer.json()

    def _get(self, path: str, query: Mapping[str, Any]) -> Response:
        headers = {"authorization": f"Bearer {self._access()}", "accept": "application/json"}
        return self._client.get(self._api + path, headers=headers, params=query)

    def _access(self) -> str:
        if ":" not in self._token:
            return self._token
        held = self._purse.token(self._key)
        if held is None:
            held, life_s = self._fetched()
            self._purse.keep(self._key, held, life_s)
        return held

    def _fetched(self) -> tuple[str, float]:
        id_, _, rest = self._token.partition(":")
        secret, _, refresh = rest.partition(":")
        form = {"grant_type": "client_credentials"}
        if refresh:
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
        basic = base64.b64encode(f"{id_}:{secret}".encode()).decode()
        address = f"{self._login}/api/v1/access_token"
        answer = self._client.post(address, headers={"authorization": f"Basic {basic}"}, data=form)
        problem = error_for(answer.status, answer.headers, what="Reddit's login")
        if problem is not None and answer.status not in (400, 401, 403):
            raise problem
        value = answer.json() if problem is None else {}
        token = value.get("access_token") if isinstance(value, dict) else None
        if not isinstance(token, str) or not token:
            raise AuthenticationError("Reddit gives no token for this app: check its id and secret, or connect it anew")
        life_s = value.get("expires_in")
        return token, float(life_s) if isinstance(life_s, int | float) else 3600.0


def children(value: Any) -> tuple[list[Any], str | None]:
    """The things of a listing and the mark of its next page.

    Raises:
        UnexpectedResponseError: it is no listing.
    """
    data = value.get("data") if isinstance(value, dict) and value.get("kind") == "Listing" else None
    if not isinstance(data, dict) or not isinstance(data.get("children"), list):
        raise UnexpectedResponseError("Reddit answered JSON of another shape than a listing")
    after = data.get("after")
    return data["children"], after if isinstance(after, str) and after else None


def _told(problem: ConnectorError, answer: Response, path: str) -> ConnectorError:
    """The same error with Reddit's own reason, where it gives one that we know."""
    if isinstance(problem, RateLimitedError):
        return problem
    try:
        value = answer.json()
    except UnexpectedResponseError:
        value = None
    reason = _REASONS.get(str(value.get("reason"))) if isinstance(value, dict) else None
    if reason:
        return type(problem)(reason)
    if not isinstance(problem, AuthenticationError):
        return problem
    scope = next((name for part, name in _SCOPES.items() if path.startswith(part)), "read")
    if answer.status == 401:  # noqa: PLR2004
        return AuthenticationError("Reddit's token has expired or was withdrawn: get a new one (HTTP 401)")
    return AuthenticationError(
        f"Reddit refused access (HTTP {answer.status}): the token needs the permission {scope!r}"
        + (" and must be the account's own, not the app's" if scope == "privatemessages" else "")
        + ", and Reddit must have approved the app"
    )
