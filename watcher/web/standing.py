"""Whether a source is read, told from when it was last tried and how that went."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from alerts.wording import counted
from watcher.store.accounts import AccountState

# A poll that is due for longer than this has been forgotten; a busy minute has not.
_GRACE = timedelta(minutes=5)
# The worst first: the order in which a page shows them.
ORDER = ("blind", "saving", "failing", "late", "silent", "off", "new", "read")


def standing(state: AccountState, now: datetime) -> str:
    """``blind``, ``failing`` (is tried again), ``late`` (nobody tries), ``new`` (never read yet) or ``read``."""
    if state.blind_since is not None or (state.permanent and state.failures):
        return "blind"
    if state.failures:
        return "failing"
    if now - state.next_poll_at > max(_GRACE, timedelta(seconds=state.every_s)):
        return "late"
    return "new" if state.last_success_at is None else "read"


def summary(standings: Iterable[str]) -> str:
    """One sentence on all sources together: the first thing that somebody wants to know."""
    all_of = tuple(standings)
    n = len(all_of)
    if not n:
        return "No source is set up yet"
    blind, others = all_of.count("blind"), n - all_of.count("read")
    if blind:
        return f"{blind} of {counted(n, 'source')} cannot be read"
    if all_of.count("new") == n:
        return "The one source has not been read yet" if n == 1 else f"None of {n} sources has been read yet"
    if others:
        waiting = "waits" if others == 1 else "wait"
        return f"{others} of {counted(n, 'source')} {waiting} to be read"
    return "The one source is read" if n == 1 else f"All {n} sources are read"
