"""Reads what Meta's graphs (Facebook, Instagram, Threads) answer: a JSON object, an error by its code, a next page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

from connectors import meter
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.http import Response, error_for, retry_at

_LIMITS = {4, 17, 18, 32, 341, 368, 613, *range(80000, 80015)}
_BAD_TOKENS = {102, 104, 190, 458, 459, 460, 463, 464, 467}
_PERMISSIONS = {3, 10, *range(200, 300)}
_MISSING = {21, 24, 803}
_BROKEN = {-2, -1, 1, 2}
_PARAMETER = 100  # anything from a misspelt field to an object that does not exist
_NO_OBJECT = 33  # its subcode
_ONWARD = ("after", "until", "__paging_token", "offset")
_BY_BUSINESS = "x-business-use-case-usage"
_USED = ("x-app-usage", "x-page-usage", _BY_BUSINESS)
_COUNTED = ("call_count", "total_time", "total_cputime")
_MOST_PERCENT, _LONGEST_MIN = 1_000_000, 31 * 24 * 60
# How a missing permission is told apart from a token that is no good.
LACKS = "lacks a permission"


def checked(answer: Response, token: str, what: str) -> Response:
    """The answer, where it holds no error, whatever status it came with; ``what`` names the platform in texts.

    Raises:
        ConnectorError: as the platform's code or status says.
    """
    share = used(answer.headers)
    if share is not None:
        meter.used(share, _estimated(answer.headers))
    try:
        value = json.loads(answer.body)
    except (ValueError, RecursionError):
        value = None
    error = value.get("error") if isinstance(value, dict) else None
    if error:
        raise _meant(error if isinstance(error, dict) else {"message": str(error)}, answer, token, what)
    problem = error_for(answer.status, answer.headers, what=what)
    if problem is not None:
        raise problem
    return answer


def following(body: Mapping[str, Any], what: str = "Facebook") -> str | None:
    """What leads to the page after this one, as a query; ``None`` at the end, which has no ``next``.

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
        raise UnexpectedResponseError(f"{what} names a next page, but no cursor that leads to it")
    return onward


def _meant(error: Mapping[str, Any], answer: Response, token: str, who: str) -> ConnectorError:
    """What an ``error`` object means to whoever polls."""
    code, subcode = _number(error.get("code")), _number(error.get("error_subcode"))
    said = " ".join(str(error.get("message", "no reason given")).split())
    said = (said.replace(token, "…") if token else said)[:300]
    what = f"{who}'s code {code}: {said}" if code is not None else f"{who} says: {said}"
    if code in _LIMITS:
        return RateLimitedError(f"{who} asks for a pause ({what})", _regained(answer.headers))
    if code in _BROKEN or error.get("is_transient") is True:
        return TransientError(f"{who} is out of order ({what})")
    known = _permanent(code, subcode, said, who)
    if known is not None:
        return known[0](f"{known[1]} ({what})")
    problem = error_for(answer.status, answer.headers, what=who)
    if isinstance(problem, RateLimitedError):
        return RateLimitedError(f"{problem} ({what})", _regained(answer.headers))
    return type(problem)(f"{problem} ({what})") if problem else PermanentError(f"{who} refuses the request ({what})")


def _permanent(code: int | None, subcode: int | None, said: str, who: str) -> tuple[type[PermanentError], str] | None:
    """The error that a code stands for which only a person can mend, and what to tell that person."""
    if code in _BAD_TOKENS:
        return AuthenticationError, f"the access token for {who} is not valid, make a new one"
    if code in _PERMISSIONS:
        return AuthenticationError, f"the access token for {who} {LACKS}"
    if code in _MISSING or (code == _PARAMETER and (subcode == _NO_OBJECT or "does not exist" in said)):
        return AccountNotFoundError, "no such account or post, or not for this token"
    if code == _PARAMETER and re.search(r"(?i)permission|\baccess\b|token", said):
        return AuthenticationError, f"the access token for {who} is not enough"
    return None


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def used(headers: Mapping[str, str]) -> float | None:
    """How much of what Meta allows is used, 1 being all, by whichever of its headers says most; ``None`` without one.

    One counts for the app, one for the page, one for the business's object and the kind of call; each in percent.
    """
    found = [share for name in _USED for rows in _rows(headers, name) for share in _percents(rows)]
    return max(found, default=None)


def _rows(headers: Mapping[str, str], name: str) -> list[Mapping[str, Any]]:
    """The objects in a header of usage: the header itself, or what stands in it under the objects' numbers."""
    try:
        said = json.loads(headers.get(name, ""))
    except (ValueError, RecursionError):
        return []
    if not isinstance(said, dict):
        return []
    return [said, *(row for rows in said.values() if isinstance(rows, list) for row in rows if isinstance(row, dict))]


def _percents(row: Mapping[str, Any]) -> Iterator[float]:
    for name in _COUNTED:
        value = row.get(name)
        # Also false for NaN, which JSON as Python reads it may hold.
        if isinstance(value, (int, float)) and 0 <= value <= _MOST_PERCENT:
            yield value / 100


def _estimated(headers: Mapping[str, str]) -> datetime | None:
    """When Meta expects to allow more, by its estimate in minutes; ``None`` where it gives none."""
    told = [row.get("estimated_time_to_regain_access") for row in _rows(headers, _BY_BUSINESS)]
    minutes = max((n for n in told if isinstance(n, (int, float)) and 0 < n <= _LONGEST_MIN), default=0)
    return datetime.now(UTC) + timedelta(minutes=minutes) if minutes else None


def _regained(headers: Mapping[str, str]) -> datetime | None:
    """When access comes back, by the usage header's estimate, else by the ordinary headers."""
    return _estimated(headers) or retry_at(headers)
