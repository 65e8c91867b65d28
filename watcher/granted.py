"""Whose permission each account is read with, and until when: for the commands, the pages and the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.grant import PASTED, flow_of
from watcher.config import AccountRow, Settings
from watcher.enrolment import account_of
from watcher.errors import ConfigError
from watcher.seal import seal_of
from watcher.store.tokens import Token
from watcher.token import final_end, opened, renews

SOON = timedelta(days=30)
_URGENT = timedelta(days=7)
_CLOSED = "cannot be opened"


@dataclass(frozen=True, kw_only=True)
class Granted:
    """How it stands with one account's permission; ``ends`` is when a person must act, ``state`` says it in words."""

    account: str
    platform: str
    owner: str | None
    scopes: tuple[str, ...]
    granted: datetime | None
    ends: datetime | None
    renewed: datetime | None
    renews: bool
    state: str

    @property
    def is_well(self) -> bool:
        """Whether nobody has to act within the week."""
        return not self.state.startswith(("ended", "ends within a week", _CLOSED))

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; nothing of the token itself."""
        return {
            "account": self.account,
            "platform": self.platform,
            "owner": self.owner,
            "scopes": list(self.scopes),
            "granted": _iso(self.granted),
            "ends": _iso(self.ends),
            "last_refreshed": _iso(self.renewed),
            "renews_itself": self.renews,
            "state": self.state,
        }

    def cells(self) -> dict[str, Any]:
        """For a table that a person reads."""
        return {
            "account": self.account,
            "platform": self.platform,
            "owner": self.owner,
            "scopes": ", ".join(scope.rpartition("/")[2] for scope in self.scopes) or None,
            "granted": _day(self.granted),
            "ends": _day(self.ends),
            "last_refreshed": _day(self.renewed),
            "state": self.state,
        }


def permissions(settings: Settings, tokens: tuple[Token, ...], now: datetime) -> Iterator[Granted]:
    """Every account that has a token or could be granted one, in the order of the settings, then what is left over."""
    known = {token.account: token for token in tokens}
    closed = _closed(settings, tokens)
    for number, row in enumerate(settings.accounts, 1):
        token = known.pop(row.name, None)
        if row.token is not None:
            yield _bare(row, f"kept in the settings (accounts[{number}].token): its end is not known here")
        elif token is not None:
            yield _granted(token, row, now, closed.get(row.name))
        elif row.platform in PASTED or flow_of(account_of(row)) is not None:
            yield _bare(row, "nothing granted")
    for token in known.values():
        yield _granted(token, None, now)


def _closed(settings: Settings, tokens: tuple[Token, ...]) -> dict[str, str]:
    """Why tokens cannot be opened with the keys at hand: none can without a key, others were sealed with another."""
    found: dict[str, str] = {}
    if not tokens:
        return found
    try:
        seal = seal_of(settings)
    except ConfigError as error:
        return {token.account: f"{_CLOSED}: {'; '.join(error.problems)}" for token in tokens}
    for token in tokens:
        try:
            opened(seal, token)
        except ConfigError as error:
            found[token.account] = f"{_CLOSED}: {'; '.join(error.problems)}"
    return found


def _granted(token: Token, row: AccountRow | None, now: datetime, closed: str | None = None) -> Granted:
    itself = row is not None and renews(row, token)
    state = closed or standing(token, now, renews=itself)
    return Granted(
        account=token.account,
        platform=row.platform if row else "",
        owner=token.owner,
        scopes=token.scopes,
        granted=token.made_at,
        ends=final_end(token),
        renewed=token.refreshed_at,
        renews=itself,
        state=state if row else "its account is not in the settings any more",
    )


def _bare(row: AccountRow, state: str) -> Granted:
    return Granted(
        account=row.name,
        platform=row.platform,
        owner=None,
        scopes=(),
        granted=None,
        ends=None,
        renewed=None,
        renews=False,
        state=state,
    )


def standing(token: Token, now: datetime, *, renews: bool) -> str:
    """In a few words how it stands with a token; its end is when a person must act."""
    ends = final_end(token)
    if ends is None:
        return "well: no end is known, its owner can take it back at any time"
    if ends <= now:
        return "ended"
    if renews and token.refresh is None and ends - now > _URGENT:
        return "well: it renews itself"
    if ends - now <= _URGENT:
        return "ends within a week"
    return "ends within 30 days" if ends - now <= SOON else "well"


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _day(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment:%Y-%m-%d %H:%M}"
