"""One server that speaks the Mastodon API: its address, its answers, and what the operator's target means on it."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from connectors._toot import id_of
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    PermanentError,
    RefusedAddressError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient, Response, origin_of
from connectors.post import Gap

_MOST_REQUESTS = 12  # of one fetch, while nothing new is found

_NAME = re.compile(r"@?([\w.-]+)(?:@([A-Za-z0-9.-]+(?::\d+)?))?")
_PROFILE = re.compile(
    r"(https?://[^/]+)/(?:web/)?(?:@|users/)([\w.-]+)(?:@([A-Za-z0-9.-]+(?::\d+)?))?/?", re.IGNORECASE
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the operator's target means: a name (and its host), a tag, or words to search for."""

    text: str
    name: str | None = None
    host: str | None = None
    tag: str | None = None
    instance: str | None = None


class Instance:
    """One Mastodon server: addresses, token, and answers of the right shape."""

    def __init__(self, client: HttpClient, base: str, token: str | None, ends: float) -> None:
        self._client, self._base, self._ends = client, base, ends
        self._headers = {"accept": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
        self.has_token = bool(token)
        self.origin = host_of(base)
        self.asked = 0

    @property
    def tired(self) -> bool:
        """Whether this fetch has asked enough and should give what it has."""
        return self.asked >= _MOST_REQUESTS or time.monotonic() > self._ends - 1

    def ask(self, path: str, params: Mapping[str, Any] | None = None) -> Response:
        """The answer to a GET, its status looked at."""
        self.asked += 1
        answer = self._client.get(self._base + path, headers=self._headers, params=params, ends=self._ends)
        return answer.check("the Mastodon server")

    def ask_object(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer as a JSON object."""
        found = self.ask(path, params).json()
        if not isinstance(found, dict) or "error" in found:
            raise UnexpectedResponseError("the Mastodon server answered JSON of another shape than asked for")
        return found

    def status_now(self, id_: str) -> dict[str, Any] | None:
        """A status as it is now, or ``None`` where it is gone; a server that has moved or shut down deletes nothing."""
        try:
            return self.ask_object(f"/api/v1/statuses/{quote(id_, safe='')}")
        except AccountNotFoundError:
            self.ask_object("/api/v1/instance")
            return None

    def closed_feeds(self) -> Gap | None:
        """What the server keeps from us where it answers an empty list under a hashtag, or ``None`` for silence.

        Servers before Mastodon 4.5, and its relatives, do not tell and close none.

        Raises:
            AuthenticationError: it shows neither its own people's posts under hashtags nor others'.
        """
        found: Any
        try:
            found = self.ask_object("/api/v2/instance")
        except (UnexpectedResponseError, PermanentError):
            return None
        for name in ("configuration", "timelines_access", "hashtag_feeds"):
            found = found.get(name) if isinstance(found, dict) else None
        shown = ("public", "authenticated") if self.has_token else ("public",)
        feeds = found if isinstance(found, dict) else {}
        closed = [name for name in ("local", "remote") if feeds.get(name, "public") not in shown]
        if len(closed) > 1:
            raise AuthenticationError(
                "the server shows its hashtag feeds to nobody from outside: set the token of an account there"
            )
        why = f"the server does not show us {''.join(closed)} posts under hashtags"
        return Gap(start=None, end=None, why=why) if closed else None

    def listed(self, answer: Response, within: str | None = None) -> list[Any]:
        """The list that an answer is, or that it holds by the name of ``within``."""
        found = answer.json()
        if within is not None and isinstance(found, dict):
            found = found.get(within)
        if not isinstance(found, list):
            raise UnexpectedResponseError("the Mastodon server answered JSON of another shape than asked for")
        return found

    def account_id(self, target: Target) -> str:
        """The id of the target on this server.

        Raises:
            AccountNotFoundError: it knows none of that name.
        """
        name, host = target.name or "", target.host
        acct = name if host in {None, self.origin} else f"{name}@{host}"
        looked_up = id_of(self._look_up(acct))
        if looked_up:
            return looked_up
        bare = [] if acct == name else [self._look_up(name)]  # behind a proxy the server's own name is the target's
        for found in (*bare, *self._search(acct)):
            id_ = id_of(found)
            if id_ and _is_named(found, name, host, self.origin):
                return id_
        raise AccountNotFoundError(f"{self.origin} knows no account {target.text[:100]!r}: check the target's spelling")

    def _look_up(self, acct: str) -> Any:
        """The account of exactly this name, or ``None`` where the server knows it, or this way of asking, not."""
        try:
            return self.ask("/api/v1/accounts/lookup", {"acct": acct}).json()
        except (AuthenticationError, RefusedAddressError):
            raise
        except PermanentError:
            return None

    def _search(self, acct: str) -> list[Any]:
        """Accounts of about this name; a server that does not let us search gives none."""
        found: list[Any] = []
        for path, within in (("/api/v1/accounts/search", None), ("/api/v2/search", "accounts")):
            try:
                answer = self.ask(path, {"q": f"@{acct}", "type": "accounts", "limit": 40})
                found += self.listed(answer, within)
            except RefusedAddressError:
                raise
            except PermanentError:
                continue
        return found


def read_target(text: str) -> Target:
    """What the operator's words mean."""
    text = text.strip()
    if text.startswith("#") and len(text) > 1:
        return Target(text=text, tag=text[1:])
    profile, named = _PROFILE.fullmatch(text), _NAME.fullmatch(text)
    if profile:
        return Target(text=text, name=profile[2], host=profile[3] or host_of(profile[1]), instance=profile[1])
    if named:
        host = named[2].lower() if named[2] else None
        return Target(text=text, name=named[1], host=host, instance=f"https://{host}" if host else None)
    return Target(text=text)


def host_of(base: str) -> str:
    """The host of an address, with its port where it is not the usual one."""
    scheme, _, rest = origin_of(base).partition("://")
    usual = ":443" if scheme == "https" else ":80"
    return rest.removesuffix(usual).lower()


def _is_named(found: Any, name: str, host: str | None, origin: str) -> bool:
    """Whether an account is the one that was asked for, and not a namesake on another server."""
    if not isinstance(found, dict):
        return False
    acct = str(found.get("acct") or found.get("username") or "").lower()
    local, _, at = acct.partition("@")
    home = (urlsplit(str(found.get("url") or "")).netloc or origin).lower()
    return local == name.lower() and (host in {at or origin, home} if host else at in {"", origin})
