"""What a matter says of the source behind it: which of its queries cannot be read, since when, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alerts import wording
from watcher.remedy import remedy
from watcher.store import Store
from watcher.store.accounts import AccountState
from watcher.store.views import IncidentView
from watcher.terms import base_of


@dataclass(frozen=True, kw_only=True)
class Parts:
    """A row of the settings as it is read: of so many queries these are blind; ``name`` is the row's."""

    name: str
    blind: tuple[AccountState, ...]
    of: int

    @property
    def is_several(self) -> bool:
        """Whether the row is read as more than one query."""
        return self.of > 1

    def counted(self) -> str:
        """How many of the queries cannot be read, in words."""
        return f"{len(self.blind)} of {self.of} searches cannot be read"


def parts_of(store: Store, account: str) -> Parts:
    """All queries of the row to which an account belongs."""
    base = base_of(account)
    states = tuple(state for state in store.accounts.all() if base_of(state.account.name) == base)
    return Parts(name=base, blind=tuple(s for s in states if s.blind_since is not None), of=len(states))


def note(store: Store, view: IncidentView, zone: str) -> str:
    """What a mail says of the source of a matter, with what to do; empty where no source is behind it."""
    if view.account is None:
        return ""
    try:
        state = store.accounts.get(view.account)
    except KeyError:
        # No source, but mail that an address does not take.
        return f"{view.account[:1].upper()}{view.account[1:]}: {view.events[0].detail if view.events else ''}"
    parts = parts_of(store, view.account)
    platform = wording.platform_name(state.account.platform)
    if not parts.is_several:
        return f"Source: {view.account} ({platform}); not read {_since((state,), zone)}.{_trouble(state)}"
    names = ", ".join(one.account.name for one in parts.blind)
    listed = f": {names}" if names else ""
    head = f"Source: {parts.name} ({platform}); {parts.counted()}{listed}; not read {_since(parts.blind, zone)}."
    return f"{head}{''.join(dict.fromkeys(map(_trouble, parts.blind)))}"


def _since(states: Iterable[AccountState], zone: str) -> str:
    read = [state.last_success_at for state in states]
    known = [moment for moment in read if moment is not None]
    return f"since {wording.long_time(min(known), zone)}" if known and len(known) == len(read) else "so far"


def _trouble(state: AccountState) -> str:
    """What is wrong and what to do, of the whole row: its queries share token and server."""
    if not state.last_error:
        return ""
    found = remedy(state.account.platform, base_of(state.account.name), state.last_error, state.account)
    return f" {found.what.rstrip('.')}. {found.do}"
