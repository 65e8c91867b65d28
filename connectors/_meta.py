"""What Meta's logins need besides: the token of the chosen page, and when Meta lets a token end."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from connectors.errors import AuthenticationError, ConnectorError, PermanentError
from connectors.grant import App

_HOME = "https://graph.facebook.com/v26.0"
_MOST_PAGES = 20
_TARGET = re.compile(r"(?:https?://(?:www\.|m\.)?facebook\.com/)?@?(?:pages/)?(?:[^/?#]+-)?([^/?#@-]+)/?(?:[?#].*)?")
# Meta ends its users' consent to the use of their data after this long, whatever a token says of itself.
_CONSENT = timedelta(days=90)


class Asks(Protocol):
    """Whatever puts a question to the Graph API."""

    def ask(self, url: str, query: Mapping[str, str], token: str) -> dict[str, Any]:
        """The JSON object that answers it."""
        ...


def proof(app: App, token: str) -> dict[str, str]:
    """The proof that the app's own secret is at hand, which Meta lets apps demand of every call."""
    if not app.client_secret:
        return {}
    return {"appsecret_proof": hmac.new(app.client_secret.encode(), token.encode(), hashlib.sha256).hexdigest()}


def page_of(asks: Asks, app: App, target: str, person: str) -> str:
    """The token of the page that a target names, out of those that the person manages.

    Raises:
        AuthenticationError: the person manages no such page, or did not choose it.
    """
    seen: list[str] = []
    for page in _pages(asks, app, person):
        token = page.get("access_token")
        if _is_target(page, target) and isinstance(token, str) and token.isascii() and token.isprintable():
            return token
        seen.append(str(page.get("name") or page.get("id"))[:80])
    managed = f"only {', '.join(seen[:5])}" if seen else "no page at all"
    raise AuthenticationError(
        f"whoever granted this manages, or has chosen, {managed}, and not the page {target[:80]!r}: it has to be "
        "chosen in Facebook's window"
    )


def until(
    asks: Asks, app: App, token: str, told: datetime | None, now: datetime
) -> tuple[tuple[str, ...], datetime | None]:
    """What a token was granted, and when it ends: by its own time or by that of the person's consent."""
    try:
        secret = f"{app.client_id}|{app.client_secret or ''}"
        data = asks.ask(f"{_HOME}/debug_token", {"input_token": token}, secret).get("data")
    except ConnectorError:
        data = None
    found = data if isinstance(data, dict) else {}
    ends = [_moment(found.get(key)) for key in ("expires_at", "data_access_expires_at")]
    times = [moment for moment in (told, *ends) if moment is not None and moment > now]
    if ends[1] is None:
        times.append(now + _CONSENT)
    scopes = found.get("scopes")
    named = tuple(str(scope)[:200] for scope in scopes) if isinstance(scopes, list) else ()
    return named, min(times, default=None)


def _pages(asks: Asks, app: App, person: str) -> Iterator[Mapping[str, Any]]:
    query = {"fields": "id,name,username,link,access_token", "limit": "100", **proof(app, person)}
    for _ in range(_MOST_PAGES):
        body = asks.ask(f"{_HOME}/me/accounts", query, person)
        listed = body.get("data")
        yield from (page for page in listed if isinstance(page, dict)) if isinstance(listed, list) else ()
        paging = body.get("paging")
        cursors = paging.get("cursors") if isinstance(paging, dict) and paging.get("next") else None
        after = cursors.get("after") if isinstance(cursors, dict) else None
        if not isinstance(after, str) or after == query.get("after"):
            return
        query["after"] = after
    raise PermanentError("whoever granted this manages more pages than Watcher looks through")


def _is_target(page: Mapping[str, Any], target: str) -> bool:
    match = _TARGET.fullmatch(target.strip())
    wanted = {target.strip().casefold(), match[1].casefold() if match else ""} - {""}
    link = str(page.get("link") or "").rstrip("/").rpartition("/")[2]
    return bool(
        wanted & {str(page.get(key)).casefold() for key in ("id", "username", "name")}
        | wanted & {link.casefold()} - {""}
    )


def _moment(seconds: Any) -> datetime | None:
    """A time told in seconds since 1970; nought is Meta's word for never."""
    if not isinstance(seconds, int) or isinstance(seconds, bool) or not 0 < seconds < 10**11:
        return None
    return datetime.fromtimestamp(seconds, UTC)
