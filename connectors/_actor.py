"""What the operator's target, token and cursor mean to a service of the AT protocol."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from connectors._xrpc import Login
from connectors.errors import AuthenticationError, PermanentError
from connectors.post import Account, Cursor

_ACTOR = re.compile(
    r"(?:https?://[^/\s]+/profile/)?@?"
    r"(?:(?P<did>did:(?:plc|web):[A-Za-z0-9._:%-]{1,250})|(?P<handle>(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]{0,62}))/?"
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the operator's target means: an account by DID or handle, a tag, or words to search for."""

    text: str
    did: str | None = None
    handle: str | None = None
    tag: str | None = None

    @property
    def actor(self) -> str | None:
        """The account, as the API takes it."""
        return self.did or self.handle

    @property
    def query(self) -> str:
        """What a search for it asks.

        Raises:
            PermanentError: it is a DID, which nobody writes into a post.
        """
        if self.did is not None:
            raise PermanentError("a search for mentions needs the handle: write the target as @handle")
        return f"@{self.handle}" if self.handle is not None else self.text


def read_target(text: str) -> Target:
    """What the operator's words mean."""
    text = text.strip()
    if text.startswith("#") and len(text) > 1 and " " not in text:
        return Target(text=text, tag=text[1:])
    match = _ACTOR.fullmatch(text)
    if match is None:
        return Target(text=text)
    return Target(text=text, did=match["did"], handle=match["handle"].lower() if match["handle"] else None)


def read_login(account: Account, target: Target) -> Login | None:
    """Who logs in: the token is an app password of the target, or ``handle:app-password``.

    Raises:
        AuthenticationError: it does not say whose it is.
    """
    token = (account.token or "").strip()
    if not token:
        return None
    identifier, _, password = token.rpartition(":")
    identifier = identifier.strip().lstrip("@") or target.actor or ""
    if not identifier:
        raise AuthenticationError("whose app password is it? write the account's token as handle:app-password")
    return Login(identifier=identifier, password=password.strip())


def load(account: Account, cursor: Cursor | None) -> dict[str, Any]:
    """The state of a cursor; of another version or another target it is none, and the store knows what it has."""
    state = state_of(cursor) if cursor is not None else {}
    sound = isinstance(state.get("reads"), dict) and state.get("target") == account.target.strip()
    return state if sound else {}


def state_of(cursor: Cursor) -> dict[str, Any]:
    """What a cursor holds, whosever it is."""
    try:
        state = json.loads(cursor.state)
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}
