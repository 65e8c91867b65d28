"""What an HTTP status means to whoever polls, and when the server wants to be asked again."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)

_LONGEST_PAUSE = timedelta(days=31)
_RESETS = ("retry-after", "x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
_EPOCH_FROM = 1e9  # seconds: no pause is thirty years long, so what is larger counts from 1970
_LONGEST_DATE = 60
_FAMILY = 100  # statuses of one meaning share their first digit
_SUCCESS, _REDIRECT, _CLIENT = 2, 3, 4
_UNKNOWN = (AccountNotFoundError, "does not know the target: check its name or address")
_SLOW = (TransientError, "was too slow")
# A dead token (401) and a lacking permission (403) are mended in different ways, so their words differ.
_MEANINGS: Mapping[int, tuple[type[ConnectorError], str]] = {
    401: (AuthenticationError, "refused access: the token is missing, not known, expired or was taken back"),
    403: (AuthenticationError, "refused access: this may not be read, or not with this token"),
    404: _UNKNOWN,
    410: _UNKNOWN,
    408: _SLOW,
    425: _SLOW,
}


def error_for(
    status: int, headers: Mapping[str, str], *, what: str = "the server", now: datetime | None = None
) -> ConnectorError | None:
    """The error that a status stands for, or ``None`` for success and 304; ``what`` names the server in its text."""
    names = {name.lower(): value for name, value in headers.items()}
    if status // _FAMILY == _SUCCESS or status == HTTPStatus.NOT_MODIFIED:
        return None
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.SERVICE_UNAVAILABLE and "retry-after" in names):
        return RateLimitedError(f"{what} asks for a pause (HTTP {status})", retry_at(names, now))
    kind, said = _meaning(status)
    return kind(f"{what} {said} (HTTP {status})")


def _meaning(status: int) -> tuple[type[ConnectorError], str]:
    if status in _MEANINGS:
        return _MEANINGS[status]
    if status // _FAMILY == _CLIENT:
        return PermanentError, "refused the request"
    if status // _FAMILY > _CLIENT:
        return TransientError, "is out of order"
    return UnexpectedResponseError, "answered with what leads nowhere"


def retry_at(headers: Mapping[str, str], now: datetime | None = None) -> datetime | None:
    """When the server wants to be asked again, by Retry-After or a rate limit's reset, or ``None``.

    A time beyond 31 days is no honest answer and is cut to that.
    """
    names, now = {name.lower(): value for name, value in headers.items()}, now or datetime.now(UTC)
    for name in _RESETS:
        moment = _moment(names.get(name, "").strip(), now)
        if moment is not None:
            return min(moment, now + _LONGEST_PAUSE)
    return None


def _moment(text: str, now: datetime) -> datetime | None:
    """Seconds from now, seconds since 1970, an HTTP date or an ISO time, as an aware time in UTC."""
    if not text or len(text) > _LONGEST_DATE:
        return None
    with contextlib.suppress(ValueError, OverflowError):
        return _counted(float(text), now)
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            moment = read(text)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return None


def _counted(seconds: float, now: datetime) -> datetime | None:
    if not math.isfinite(seconds) or seconds < 0:
        return None
    if seconds > _EPOCH_FROM:
        return datetime.fromtimestamp(seconds, UTC)
    return now + timedelta(seconds=seconds)
