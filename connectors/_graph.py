"""Asks Meta's Graph API (Facebook, Instagram) through facebook-sdk, last released in 2018, for plain JSON objects.

The library is kept from everything in which it errs: the token goes into a header and never into an address, the
version is today's, every answer is checked before the library sees it, and paging is left to the caller.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote

from connectors._refusal import LACKS, checked, following
from connectors._requests import CheckedSession, as_json, translated
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient, Response

with warnings.catch_warnings():
    # facebook/__init__.py holds "\d" in a plain string, which Python 3.12 calls a SyntaxWarning.
    warnings.simplefilter("ignore")
    import facebook

__all__ = ["Graph", "following"]

HOME = "https://graph.facebook.com"
_VERSION = re.compile(r"v\d+\.\d+")
_PERMISSION = re.compile(r"[a-z_]{3,60}")


class Graph:
    """The Graph API with one account's token, for one thread.

    ``base_url`` may end in a version, which then counts instead of ``version``. ``app_secret`` signs each call
    (``appsecret_proof``), as apps do that require it; ``what`` is the platform's name in the texts of errors.
    """

    def __init__(
        self,
        web: HttpClient,
        *,
        token: str | None,
        base_url: str | None = None,
        version: str = "v26.0",
        app_secret: str | None = None,
        what: str = "Facebook",
    ) -> None:
        token, self._what = (token or "").strip(), what
        if not token and base_url is None:  # a proxy of the operator's may add it
            raise AuthenticationError(f"{what} needs an access token: set the account's token")
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
        body = self._asked(lambda: self._api.get_connections(quote(number, safe=""), edge, **given, **self._proof))
        if not isinstance(body.get("data"), list):
            raise UnexpectedResponseError(f"{self._what} answered a page without data")
        return body

    def node(self, name: str, **params: Any) -> Mapping[str, Any]:
        """One object by its id, or what a search without an object gives, such as ``ig_hashtag_search``.

        Raises:
            ConnectorError: as the platform's code or status says.
        """
        return self._asked(lambda: self._api.get_object(quote(name, safe=""), **params, **self._proof))

    def still(self, number: str, own: str, **params: Any) -> Mapping[str, Any] | None:
        """One object as it is now, or ``None`` where it is gone; a token that lost ``own`` as well deletes nothing."""
        try:
            return self.node(number, **params)
        except AccountNotFoundError:
            self.node(own, fields="id")
            return None

    def _asked(self, ask: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        try:
            return self._answered(ask)
        except AuthenticationError as refused:
            if LACKS not in str(refused):
                raise
            why = f"{refused}{self._granted()}"
        raise AuthenticationError(why)

    def _granted(self) -> str:
        """What the token may do, as Meta tells of persons' and system users' tokens: for a page's own it is silent."""
        try:
            body = self._answered(lambda: self._api.get_connections("me", "permissions", **self._proof))
        except ConnectorError:
            return ""
        told = body.get("data")
        rows = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        names = [str(one.get("permission")) for one in rows if one.get("status") == "granted"]
        sound = sorted(name for name in names if _PERMISSION.fullmatch(name))[:40]
        return f" (the token has {', '.join(sound)})" if sound else ""

    def _answered(self, ask: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
        with translated(self._what):
            try:
                return ask()
            except facebook.GraphAPIError:
                raise UnexpectedResponseError(f"{self._what} answered what its library cannot read") from None

    def _checked(self, answer: Response) -> Response:
        """The answer, where it is a JSON object and no error, whatever status and content type it came with."""
        return as_json(checked(answer, self._token, self._what), self._what)


def _proof(token: str, secret: str | None) -> dict[str, str]:
    if not secret or not token:
        return {}
    return {"appsecret_proof": hmac.new(secret.encode(), token.encode(), hashlib.sha256).hexdigest()}
