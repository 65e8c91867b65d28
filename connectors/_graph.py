"""Asks Facebook's Graph API through facebook-sdk, whose last release is from 2018, and gives back plain JSON objects.

The library is kept from everything in which it errs: the token goes into a header and never into an address, the
version is today's, every answer is checked before the library sees it, and paging is left to the caller.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from connectors._requests import CheckedSession, as_json, translated
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient, Response, error_for, retry_at

with warnings.catch_warnings():
    # facebook/__init__.py holds "\d" in a plain string, which Python 3.12 calls a SyntaxWarning.
    warnings.simplefilter("ignore")
    import facebook

HOME = "https://graph.facebook.com"
_VERSION = re.compile(r"v\d+\.\d+")
_LIMITS = {4, 17, 32, 341, 368, 613, *range(80000, 80015)}
_BAD_TOKENS = {102, 104, 190, 458, 459, 460, 463, 464, 467}
_PERMISSIONS = {3, 10, *range(200, 300)}
_MISSING = {21, 803}
_BROKEN = {1, 2}
_PARAMETER = 100  # anything from a misspelt field to an object that does not exist
_NO_OBJECT = 33  # its subcode
_ONWARD = ("after", "until", "__paging_token", "offset")


class Graph:
    """The Graph API with one account's token, for one thread.

    ``base_url`` may end in a version, which then counts instead of ``version``. ``app_secret`` signs each call
    (``appsecret_proof``), as apps do that require it.
    """

    def __init__(
        self,
        web: HttpClient,
        *,
        token: str | None,
        base_url: str | None = None,
        version: str = "v26.0",
        app_secret: str | None = None,
    ) -> None:
        token = (token or "").strip()
        if not token and base_url is None:  # a proxy of the operator's may add it
            raise AuthenticationError("Facebook needs the page's access token: set the account's token")
        base, _, last = (base_url or HOME).rstrip("/").rpartition("/")
        base, version = (base, last) if _VERSION.fullmatch(last) else ((base_url or HOME).rstrip("/"), version)
        if not _VERSION.fullmatch(version):
            raise PermanentError(f"{version[:20]!r} is no version of the Graph API: write it as v26.0")
        self._token, self._proof = token, _proof(token, app_secret)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        session = CheckedSession(web, prefix=HOME, base_url=base, check=self._checked, headers=headers)
        self._api = facebook.GraphAPI(session=session)
        self._api.version = version

    def page(self, number: str, edge: str, *, token: str | None = None, **params: Any) -> Mapping[str, Any]:
        """One page of an object's edge, such as ``published_posts``, with its ``data`` and ``paging``.

        ``token`` is what `following` said of the page before.

        Raises:
            ConnectorError: as the platform's code or status says.
            UnexpectedResponseError: it is no page.
        """
        given = {**params, **dict(parse_qsl(token or ""))}
        with translated("Facebook"):
            try:
                body: Mapping[str, Any] = self._api.get_connections(number, edge, **given, **self._proof)
            except facebook.GraphAPIError:
                raise UnexpectedResponseError("Facebook answered what its library cannot read") from None
        if not isinstance(body.get("data"), list):
            raise UnexpectedResponseError("Facebook answered a page without data")
        return body

    def _checked(self, answer: Response) -> Response:
        """The answer, where it is a JSON object and no error, whatever status and content type it came with."""
        try:
            value = json.loads(answer.body)
        except (ValueError, RecursionError):
            value = None
        error = value.get("error") if isinstance(value, dict) else None
        if error:
            raise _meant(error if isinstance(error, dict) else {"message": str(error)}, answer, self._token)
        problem = error_for(answer.status, answer.headers, what="Facebook")
        if problem is not None:
            raise problem
        return as_json(answer, "Facebook")


def following(body: Mapping[str, Any]) -> str | None:
    """What leads to the page after this one, as `Graph.page` takes it; ``None`` at the end, which has no ``next``.

    Most edges page by a cursor, some feeds by time. Of the address in ``next`` nothing else is taken.

    Raises:
        UnexpectedResponseError: there is a next page, but nothing that leads to it.
    """
    paging = body.get("paging")
    if not isinstance(paging, dict) or not paging.get("next"):
        return None
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    if after:
        return urlencode({"after": str(after)})
    named = parse_qsl(str(paging["next"]).partition("?")[2])
    onward = urlencode([(name, value) for name, value in named if name in _ONWARD])
    if not onward:
        raise UnexpectedResponseError("Facebook names a next page, but no cursor that leads to it")
    return onward


def _proof(token: str, secret: str | None) -> dict[str, str]:
    if not secret or not token:
        return {}
    return {"appsecret_proof": hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()}


def _meant(error: Mapping[str, Any], answer: Response, token: str) -> ConnectorError:
    """What an ``error`` object means to whoever polls."""
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    said = " ".join(str(error.get("message", "no reason given")).split())
    said = (said.replace(token, "…") if token else said)[:300]
    what = f"Facebook's code {code}: {said}" if code is not None else f"Facebook says: {said}"
    if code in _LIMITS:
        return RateLimitedError(f"Facebook asks for a pause ({what})", _regained(answer.headers))
    if code in _BROKEN or error.get("is_transient") is True:
        return TransientError(f"Facebook is out of order ({what})")
    known = _permanent(code, subcode, said)
    if known is not None:
        return known[0](f"{known[1]} ({what})")
    problem = error_for(answer.status, answer.headers, what="Facebook")
    if isinstance(problem, RateLimitedError):
        return RateLimitedError(f"{problem} ({what})", _regained(answer.headers))
    return type(problem)(f"{problem} ({what})") if problem else PermanentError(f"Facebook refuses the request ({what})")


def _permanent(code: int | None, subcode: int | None, said: str) -> tuple[type[PermanentError], str] | None:
    """The error that a code stands for which only a person can mend, and what to tell that person."""
    if code in _BAD_TOKENS:
        return AuthenticationError, "the page's access token is not valid, make a new one"
    if code in _PERMISSIONS:
        return AuthenticationError, "the page's access token lacks a permission"
    if code in _MISSING or (code == _PARAMETER and (subcode == _NO_OBJECT or "does not exist" in said)):
        return AccountNotFoundError, "no such page or post, or not for this token"
    if code == _PARAMETER and re.search(r"(?i)permission|access|token", said):
        return AuthenticationError, "the page's access token is not enough"
    return None


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _regained(headers: Mapping[str, str]) -> datetime | None:
    """When access comes back, by the usage header's estimate in minutes, else by the ordinary headers."""
    try:
        uses = json.loads(headers.get("x-business-use-case-usage", ""))
        minutes = max(int(use.get("estimated_time_to_regain_access", 0)) for some in uses.values() for use in some)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        minutes = 0
    if not 0 < minutes <= 31 * 24 * 60:
        return retry_at(headers)
    return datetime.now(UTC) + timedelta(minutes=minutes)
