"""A forum as an account names it, and the one who asks it, whatever software it runs on."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors._topic import Place
from connectors.errors import AuthenticationError, PermanentError, RefusedAddressError
from connectors.http import HttpClient, Response, error_for, origin_of
from connectors.post import Account

_PARTS = ("/t/", "/c/", "/tag/", "/u/", "/topic/", "/category/", "/user/", "/viewtopic", "/viewforum", "/memberlist")
_SEARCHES = ("/search/threads", "/search.php", "/search")
_WORDS = ("q", "term", "keywords")
_FRONTS = ("/index.php", "/app.php", "/recent", "/latest", "/feed.php", "/feed")


@dataclass(frozen=True, kw_only=True)
class Forum:
    """A forum: where it is asked, its public address, by what name it is known, and the words to search for."""

    address: str
    site: str
    origin: str
    words: str | None

    @classmethod
    def of(cls, account: Account) -> Forum:
        """The forum of an account; ``base_url`` replaces its scheme and host.

        Raises:
            RefusedAddressError: the target is no address of the web.
            PermanentError: it is a part of a forum.
        """
        target = account.target.strip()
        target = target if "://" in target else f"https://{target}"
        try:
            origin_of(target)
            parts = urlsplit(target)
        except ValueError:
            raise RefusedAddressError("a forum's target is its address, with https:// in front") from None
        path = parts.path.rstrip("/")
        if any(part in f"{path}/" for part in _PARTS):
            raise PermanentError(
                "the target is the forum's own address; a single topic or category is read by its feed"
            )
        search = next((one for one in _SEARCHES if path.endswith(one)), None)
        words = _words(parts.query) if search else ""
        path = path.removesuffix(search or "")
        path = path.removesuffix(next((one for one in _FRONTS if path.endswith(one)), "")).removesuffix("/app.php")
        host = (parts.hostname or "").lower() + (f":{parts.port}" if parts.port else "")
        site = f"{parts.scheme.lower()}://{host}{path}"
        base = account.base_url.rstrip("/") + path if account.base_url else site
        return cls(address=base, site=site, origin=host + path, words=words or None)

    def place(self, account: Account) -> Place:
        """The forum as its posts name it."""
        return Place(site=self.site, origin=self.origin, official=account.official)


def _words(query: str) -> str:
    given = parse_qs(query)
    return next((" ".join(given[name][0].split()) for name in _WORDS if name in given), "")


class Desk:
    """Asks one forum; a token goes by header, ``name:secret`` as Basic and anything else as Bearer."""

    def __init__(self, client: HttpClient, forum: Forum, token: str | None) -> None:
        self._client, self._forum, self._token = client, forum, token

    def get(
        self, path: str, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """What the forum answers, where that is a success or "not modified".

        Raises:
            ConnectorError: see `connectors.errors`.
        """
        answer = self._client.get(
            self._forum.address + path, headers={**self._login(), **(headers or {})}, params=params
        )
        problem = error_for(answer.status, answer.headers, what="the forum")
        if isinstance(problem, AuthenticationError):
            raise AuthenticationError(
                f"the forum refused access (HTTP {answer.status}): Watcher reads what it shows to everybody; where it "
                "is for its members only, ask its owner whether and how a service may read it"
            )
        if problem is not None:
            raise problem
        return answer

    def json(self, path: str, params: Mapping[str, str]) -> Any:
        """The JSON that the forum answers.

        Raises:
            ConnectorError: see `connectors.errors`.
        """
        return self.get(path, params, {"accept": "application/json"}).json()

    def _login(self) -> dict[str, str]:
        if not self._token:
            return {}
        basic = b64encode(self._token.encode()).decode()
        return {"authorization": f"Basic {basic}" if ":" in self._token else f"Bearer {self._token}"}
