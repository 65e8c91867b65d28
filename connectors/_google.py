"""Asks Google's JSON interfaces (YouTube Data, Business Profile) and tells their errors apart.

Google names an error by a reason, in an old form (``quotaExceeded``) or a new one (``API_KEY_INVALID``); the HTTP
status alone would make a used-up quota, comments that are turned off and a missing permission the same 403.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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

_DAY = {"quotaexceeded", "dailylimitexceeded"}
_PAUSE = {"ratelimitexceeded", "userratelimitexceeded", "concurrentlimitexceeded", "resourceexhausted"}
_MISSING = {
    "channelclosed",
    "channelnotfound",
    "channelsuspended",
    "commentnotfound",
    "commentthreadnotfound",
    "notfound",
    "playlistnotfound",
    "videonotfound",
}
_BROKEN = {"backenderror", "internalerror"}
# What a person has to mend, in the order in which it is looked for: the plain "forbidden" often comes beside another.
_MENDED: tuple[tuple[frozenset[str], str], ...] = (
    (
        frozenset({"keyinvalid", "keyexpired", "apikeyinvalid", "apikeyexpired"}),
        "does not accept the API key: make a new one in the Google Cloud console",
    ),
    (
        frozenset({"accessnotconfigured", "servicedisabled"}),
        "is not switched on for the project of this key or token: enable the API in the Google Cloud console",
    ),
    (
        frozenset(
            {
                "iprefererblocked",
                "apikeyhttpreferrerblocked",
                "apikeyipaddressblocked",
                "apikeyserviceblocked",
                "apikeyandroidappblocked",
                "apikeyiosappblocked",
            }
        ),
        "refuses the API key from here: its restrictions must allow this API and this server's address",
    ),
    (
        frozenset({"autherror", "accesstokenexpired", "accesstokentypeunsupported", "credentialsmissing"}),
        "does not accept the token, or it has expired: connect the account again",
    ),
    (
        frozenset({"dailylimitexceededunreg"}),
        "was asked without a key: set the account's token",
    ),
    (
        frozenset({"insufficientpermissions", "accesstokenscopeinsufficient"}),
        "finds a permission (scope) missing in the token: connect the account again and grant it",
    ),
    (
        frozenset({"forbidden", "channelforbidden", "playlistforbidden", "playlistitemsnotaccessible"}),
        "does not let this key or token read the target: only its owner's token may, or it is private",
    ),
)
_REASON = re.compile(r"[A-Za-z_]{1,60}")
_TOKEN = re.compile(r"[!-~]{1,4000}")
_PAGE_TOKEN = re.compile(r"page[ _]?token", re.IGNORECASE)
_DELAY = re.compile(r"(\d{1,7})(?:\.\d+)?s")


class PageTokenError(PermanentError):
    """Google does not know the page token any more; the walk has to begin anew."""


class StumbleError(TransientError):
    """Google failed over this very question; asked again it may answer, or never."""


class ClosedError(PermanentError):
    """Comments are turned off there."""


class MissingError(AccountNotFoundError):
    """Google does not know the target; ``reason`` is its own word for what is missing, in lower case."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class Google:
    """One of Google's interfaces with one account's key or token, for one thread and one fetch.

    ``what`` names it in errors; ``ends`` is the moment of the monotonic clock by which all calls must be over.
    """

    def __init__(
        self, client: HttpClient, *, what: str, base: str, token: str | None, ends: float, keys: bool = True
    ) -> None:
        self._client, self._what, self._base, self._ends = client, what, base.rstrip("/"), ends
        self._headers = {"accept": "application/json", **_credential((token or "").strip(), keys=keys)}

    def ask(self, path: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON object that answers a GET.

        Raises:
            PageTokenError, ClosedError, MissingError, StumbleError: see there.
            ConnectorError: as Google's reason or the status says.
        """
        answer = self._client.get(f"{self._base}/{path}", headers=self._headers, params=params, ends=self._ends)
        error = _error_in(answer.body)
        if error is not None:
            raise meant(error, answer, self._what)
        problem = error_for(answer.status, answer.headers, what=self._what)
        if problem is not None:
            raise problem
        body = answer.json()
        if not isinstance(body, dict):
            raise UnexpectedResponseError(f"{self._what} answered JSON of another shape than asked for")
        return body


def meant(error: Mapping[str, Any], answer: Response, what: str, now: datetime | None = None) -> ConnectorError:
    """What an ``error`` object means to whoever polls; its text holds Google's reason and nothing else of it."""
    now = now or datetime.now(UTC)
    reasons = list(_reasons(error))
    named = {reason.replace("_", "").lower() for reason in reasons}
    status = _status(error, answer)
    why = f"({reasons[0] if reasons else 'no reason given'}, HTTP {status})"
    if status == HTTPStatus.BAD_REQUEST and _PAGE_TOKEN.search(str(error.get("message", ""))):
        named.add("invalidpagetoken")
    known = _pause(error, named, status, answer, what, now) or _named(named, what)
    if known is None:
        known = error_for(status, answer.headers, what=what, now=now) or PermanentError(f"{what} refused the request")
    known.args = (f"{known} {why}",)
    return known


def _named(named: set[str], what: str) -> ConnectorError | None:
    """The error that Google's reasons stand for, where no pause mends it."""
    if "commentsdisabled" in named:
        return ClosedError(f"{what} says that comments are turned off there")
    if "invalidpagetoken" in named:
        return PageTokenError(f"{what} does not know the page any more")
    missing = sorted(named & _MISSING, key=lambda reason: (reason == "notfound", reason))
    if missing:
        return MissingError(f"{what} does not know the target: check its name or address", missing[0])
    if "processingfailure" in named:
        return StumbleError(f"{what} is out of order: it could not process the question")
    if named & _BROKEN:
        return TransientError(f"{what} is out of order")
    said = next((said for reasons, said in _MENDED if named & reasons), None)
    return AuthenticationError(f"{what} {said}") if said else None


def next_token(body: Mapping[str, Any], what: str) -> str | None:
    """The token that names the page after this one, or ``None`` at the end.

    Raises:
        UnexpectedResponseError: there is one, but none that could be sent.
    """
    token = body.get("nextPageToken")
    if not token:
        return None
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise UnexpectedResponseError(f"{what} names a next page that cannot be asked for")
    return token


def quota_reset(now: datetime) -> datetime:
    """The next midnight in California, at which Google's daily quotas begin anew."""
    here = now.astimezone(_california())
    return (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def quota_day(now: datetime) -> str:
    """The day by which Google's daily quotas count, ``2026-11-20``."""
    return now.astimezone(_california()).date().isoformat()


def _california() -> ZoneInfo | timezone:
    try:
        return ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:  # a machine without zone data; an hour late in summer
        return timezone(timedelta(hours=-8))


def _credential(token: str, *, keys: bool) -> dict[str, str]:
    """The header of an OAuth token, which Google begins with ``ya29.``, or else of an API key; never an address."""
    if not token:
        return {}
    if keys and not token.startswith("ya29."):
        return {"x-goog-api-key": token}
    return {"authorization": f"Bearer {token}"}


def _error_in(body: bytes) -> Mapping[str, Any] | None:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    error = value.get("error") if isinstance(value, dict) else None
    if not error:
        return None
    return error if isinstance(error, dict) else {"status": str(error)}


def _reasons(error: Mapping[str, Any]) -> Iterator[str]:
    """Google's words for what is wrong: the most exact ones first."""
    for key in ("errors", "details"):
        listed = error.get(key)
        for one in listed if isinstance(listed, list) else ():
            reason = one.get("reason") if isinstance(one, dict) else None
            if isinstance(reason, str) and _REASON.fullmatch(reason):
                yield reason
    status = error.get("status")
    if isinstance(status, str) and _REASON.fullmatch(status):
        yield status


def _status(error: Mapping[str, Any], answer: Response) -> int:
    """The HTTP status; where an error came with 200, the code within."""
    code = error.get("code")
    within = code if isinstance(code, int) and code >= HTTPStatus.BAD_REQUEST else HTTPStatus.BAD_REQUEST
    return answer.status if answer.status >= HTTPStatus.BAD_REQUEST else int(within)


def _pause(
    error: Mapping[str, Any], named: set[str], status: int, answer: Response, what: str, now: datetime
) -> ConnectorError | None:
    """The pause that Google wants and until when, or that a person must ask for a quota, or nothing."""
    if not named & (_DAY | _PAUSE) and status != HTTPStatus.TOO_MANY_REQUESTS:
        return None
    told = _details(error)
    metadata = [one["metadata"] for one in told if isinstance(one.get("metadata"), dict)]
    if any(str(one.get("quota_limit_value")) == "0" for one in metadata):
        return AuthenticationError(f"{what} has granted this project no quota: ask for access by Google's form")
    daily = named & _DAY or any("PerDay" in str(one.get("quota_limit")) for one in metadata)
    if daily or "per day" in str(error.get("message", "")):
        return RateLimitedError(f"{what} says that the day's quota of this project is used up", quota_reset(now))
    delays = [_DELAY.fullmatch(str(one.get("retryDelay"))) for one in told]
    until = next((now + timedelta(seconds=int(delay[1])) for delay in delays if delay), None)
    return RateLimitedError(f"{what} asks for a pause", retry_at(answer.headers, now) or until)


def _details(error: Mapping[str, Any]) -> list[dict[str, Any]]:
    listed = error.get("details")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
