"""Asks LinkedIn's versioned REST interface: headers, Rest.li's own signs in addresses, pages, and what refusals mean.

Brackets and commas of ``List(…)`` and ``(start:…,end:…)`` must stand in the address as they are, and every sign of a
URN must be escaped, so addresses are put together here and not by the web client.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote

from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient, Response, error_for, retry_at

WHAT = "LinkedIn"
FINDER, BATCH = "FINDER", "BATCH_GET"
# Permissions, as a missing one is named.
SOCIAL, ADMIN = "r_organization_social", "rw_organization_admin"
FEED = "r_organization_social_feed (in older apps r_organization_social)"
_PROTOCOL = "2.0.0"
_VERSIONS = ("NONEXISTENT_VERSION", "VERSION_MISSING")
_DAY = re.compile(r"\bDAY\b")
_NUMBER = re.compile(r"\d{1,9}")


class DayLimitError(RateLimitedError):
    """One resource was asked as often as LinkedIn allows in a day; ``retry_at`` is midnight in UTC."""


class LinkedInApi:
    """LinkedIn for one call of the connector; ``ends`` is the moment of the monotonic clock by which it must be over.

    ``base`` is the address up to and with ``/rest``; ``version`` is written as ``202608``.
    """

    def __init__(self, web: HttpClient, *, base: str, token: str, version: str, ends: float) -> None:
        self._web, self._base, self._ends = web, base, ends
        self._token, self._version = token, version

    def ask(
        self, path: str, params: Mapping[str, str] | None = None, *, method: str | None = None, needs: str = ""
    ) -> dict[str, Any]:
        """One object; values of ``params`` are written as Rest.li wants them, see `encoded` and `listed`.

        ``method`` is Rest.li's name for the kind of request, ``needs`` the permission to name where it is missing.

        Raises:
            ConnectorError: as LinkedIn's status and code say.
        """
        headers = {
            "accept": "application/json",
            "linkedin-version": self._version,
            "x-restli-protocol-version": _PROTOCOL,
            **({"x-restli-method": method} if method else {}),
            **({"authorization": f"Bearer {self._token}"} if self._token else {}),
        }
        query = "&".join(f"{name}={value}" for name, value in (params or {}).items())
        answer = self._web.get(f"{self._base}/{path}?{query}".rstrip("?"), headers=headers, ends=self._ends)
        problem = self._refusal(answer, needs)
        if problem is not None:
            raise problem
        body = answer.json()
        if not isinstance(body, dict):
            raise UnexpectedResponseError(f"{WHAT} answered JSON that is no object")
        return body

    def page(
        self, path: str, params: Mapping[str, str], start: int, count: int, *, method: str | None = None, needs: str
    ) -> dict[str, Any]:
        """One page of a list, whose ``elements`` are a list."""
        paged = {**params, "start": str(start), "count": str(count)}
        body = self.ask(path, paged, method=method, needs=needs)
        if not isinstance(body.get("elements"), list):
            raise UnexpectedResponseError(f"{WHAT} answered a page without elements")
        return body

    def comments(self, urn: str, start: int, count: int) -> dict[str, Any]:
        """One page of the comments on a post, or of the replies to a comment."""
        return self.page(f"socialActions/{encoded(urn)}/comments", {}, start, count, needs=FEED)

    def comment(self, under: str, number: str) -> dict[str, Any]:
        """One comment or reply, by the URN of what it stands under."""
        return self.ask(f"socialActions/{encoded(under)}/comments/{encoded(number)}", needs=FEED)

    def _refusal(self, answer: Response, needs: str) -> ConnectorError | None:
        """The error that an answer stands for; its text holds LinkedIn's own reason, never the token."""
        problem = error_for(answer.status, answer.headers, what=WHAT)
        if problem is None:
            return None
        code, said = _reason(answer)
        told = (said.replace(self._token, "…") if self._token else said)[:300]
        told = f" ({told})" if told else ""
        if answer.status == HTTPStatus.UPGRADE_REQUIRED or code in _VERSIONS:
            return PermanentError(
                f"{WHAT} does not serve version {self._version} of its interface (any more): "
                f"set the account's option api_version to a newer one{told}"
            )
        if isinstance(problem, RateLimitedError):
            return _limit(answer, said, told)
        if isinstance(problem, AuthenticationError):
            return AuthenticationError(f"the access token for {WHAT} {_lack(answer.status, needs)}{told}")
        if isinstance(problem, AccountNotFoundError):
            problem = AccountNotFoundError(f"{WHAT} knows no such page, post or comment, or not for this token")
        return type(problem)(f"{problem}{told}")


def encoded(text: str) -> str:
    """A URN or word as it must stand in an address."""
    return quote(text, safe="")


def listed(urns: Iterable[str]) -> str:
    """Several URNs as one value."""
    return f"List({','.join(encoded(urn) for urn in urns)})"


def following(body: Mapping[str, Any], start: int, count: int) -> int | None:
    """Where the page after this one begins, by LinkedIn's link, its total, or because the page is full.

    A page may hold fewer items than it was asked for although more wait: then LinkedIn's link or total says so.
    """
    paging = body.get("paging")
    paging = paging if isinstance(paging, dict) else {}
    named = _linked(paging.get("links"))
    if named is not None:
        return named
    given, total, size = len(body["elements"]), _count(paging.get("total")), _count(paging.get("count"))
    if given and (given >= min(count, size or count) or start + given < total):
        return start + given
    return None


def _linked(links: Any) -> int | None:
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict) and link.get("rel") == "next":
            found = parse_qs(str(link.get("href")).partition("?")[2]).get("start", [""])[0]
            if _NUMBER.fullmatch(found):
                return int(found)
    return None


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _reason(answer: Response) -> tuple[str, str]:
    """LinkedIn's code for a refusal, and code and words together."""
    try:
        body = json.loads(answer.body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    code = str(body.get("code") or body.get("serviceErrorCode") or "")[:60]
    words = " ".join(str(body.get("message") or "").split())
    return code, f"{code}: {words}".strip(": ")


def _lack(status: int, needs: str) -> str:
    if status != HTTPStatus.FORBIDDEN:
        return "has ended or was withdrawn: connect the account again"
    lacks = f"it lacks the permission {needs}, or " if needs else ""
    return f"may not read this: {lacks}who connected it is no administrator of the page (any more)"


def _limit(answer: Response, said: str, told: str) -> RateLimitedError:
    if not _DAY.search(said):
        return RateLimitedError(f"{WHAT} asks for a pause (HTTP {answer.status}){told}", retry_at(answer.headers))
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    why = f"{WHAT}'s limit for today is used up; it begins anew at midnight UTC{told}"
    return DayLimitError(why, retry_at(answer.headers) or midnight)
