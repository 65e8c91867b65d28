"""Asks TikTok's Display API, version 2, and tells its errors apart; an answer without one says ``ok``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import (
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient, Response, error_for, retry_at

WHAT = "TikTok"
_WINDOW = timedelta(minutes=1)  # TikTok counts requests in a window of that length
_FINE = ("ok", "")


class ScopeError(AuthenticationError):
    """The token lacks a permission for what was asked."""


_LACKS = f"the access token for {WHAT} lacks a permission: grant video.list and user.info.basic and connect again"
_MEANINGS: dict[str, tuple[type[ConnectorError], str]] = {
    "access_token_invalid": (
        AuthenticationError,
        f"the access token for {WHAT} has ended or was withdrawn: connect the account again",
    ),
    "scope_not_authorized": (ScopeError, _LACKS),
    "scope_permission_missed": (ScopeError, _LACKS),
    "internal_error": (TransientError, f"{WHAT} is out of order"),
}


class TikTokApi:
    """TikTok for one call of the connector; ``base`` is the address up to and with ``/v2``."""

    def __init__(self, web: HttpClient, *, base: str, token: str) -> None:
        self._web, self._base, self._token = web, base, token

    def person(self, fields: str) -> dict[str, Any]:
        """The account whose token it is."""
        data = self._data(self._web.get(f"{self._base}/user/info/", headers=self._headers, params={"fields": fields}))
        user = data.get("user")
        if not isinstance(user, dict):
            raise UnexpectedResponseError(f"{WHAT} does not say whose token it is")
        return user

    def videos(self, path: str, fields: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The data of an answer that holds videos.

        Raises:
            ConnectorError: as TikTok's code or status says.
        """
        answer = self._web.post(f"{self._base}/{path}/?fields={fields}", headers=self._headers, json=body)
        data = self._data(answer)
        if data.get("videos") is None and "videos" in data:
            data = {**data, "videos": []}  # so TikTok says that there are none
        if not isinstance(data.get("videos"), list):
            raise UnexpectedResponseError(f"{WHAT} answered without videos")
        return data

    @property
    def _headers(self) -> dict[str, str]:
        return {
            "accept": "application/json",
            **({"authorization": f"Bearer {self._token}"} if self._token else {}),
        }

    def _data(self, answer: Response) -> dict[str, Any]:
        problem = self._refusal(answer)
        if problem is not None:
            raise problem
        body = answer.json()
        data = body.get("data") if isinstance(body, dict) else None
        if not isinstance(data, dict):
            raise UnexpectedResponseError(f"{WHAT} answered JSON of another shape than asked for")
        return data

    def _refusal(self, answer: Response) -> ConnectorError | None:
        """The error that an answer stands for, by its code, else by its status."""
        code, said = _error(answer)
        said = (said.replace(self._token, "…") if self._token else said)[:300]
        told = f" ({said})" if said else ""
        if code == "rate_limit_exceeded":
            again = retry_at(answer.headers) or datetime.now(UTC) + _WINDOW
            return RateLimitedError(f"{WHAT} asks for a pause{told}", again)
        if code in _MEANINGS:
            kind, words = _MEANINGS[code]
            return kind(f"{words}{told}")
        problem = error_for(answer.status, answer.headers, what=WHAT)
        if isinstance(problem, RateLimitedError):
            return RateLimitedError(f"{problem}{told}", problem.retry_at)
        if problem is not None:
            return type(problem)(f"{problem}{told}")
        return PermanentError(f"{WHAT} refuses the request{told}") if code else None


def _error(answer: Response) -> tuple[str, str]:
    """The code of the error in an answer, and code and words together; nothing where it holds none."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return "", ""
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):  # so TikTok's login service writes it
        error = {"code": error, "message": body.get("error_description")}
    if not isinstance(error, dict) or error.get("code") in _FINE:
        return "", ""
    code = str(error.get("code"))[:60]
    words = " ".join(str(error.get("message") or "").split())
    return code, f"{code}: {words}".strip(": ")
