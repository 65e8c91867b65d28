"""Whether a source is read, told from when it was last tried and how that went."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from datetime import datetime, timedelta

from alerts.wording import counted
from watcher.store.accounts import AccountState

# A poll that is due for longer than this has been forgotten; a busy minute has not.
_GRACE = timedelta(minutes=5)
# The worst first: the order in which a page shows them.
ORDER = ("blind", "saving", "failing", "late", "silent", "off", "new", "read")


def standing(state: AccountState, now: datetime, silent: Container[str] = ()) -> str:
    """``off`` (waits for its platform's approval), ``saving`` (waits for its budget), ``blind``, ``failing`` (is tried

    again), ``late`` (nobody tries), ``new`` (never read yet), ``silent`` (one of these: read, and brings nothing any
    more) or ``read``.
    """
    late = now - state.next_poll_at > max(_GRACE, timedelta(seconds=state.every_s)) or state.is_ahead(now)
    grounds = {
        "off": state.off is not None,
        "saving": state.is_saving,
        "blind": state.blind_since is not None or (state.permanent and state.failures > 0),
        "failing": state.failures > 0,
        "late": late,
        "new": state.last_success_at is None,
        "silent": state.account.name in silent,
    }
    return next((name for name, holds in grounds.items() if holds), "read")


def summary(standings: Iterable[str]) -> str:
    """One sentence on all sources together: the first thing that somebody wants to know."""
    all_of = tuple(standings)
    off, silent = all_of.count("off"), all_of.count("silent")
    seen = tuple("read" if one == "silent" else one for one in all_of if one != "off")
    parts = [_summary(seen)] if seen or not off else []
    if silent:
        parts.append(f"{silent} {'has' if silent == 1 else 'have'} fallen silent")
    if off:
        waiting = f"{off} {'is' if off == 1 else 'are'} off until an approval is recorded"
        parts.append(waiting if parts else f"{counted(off, 'source')}: {waiting}")
    return "; ".join(parts)


def _summary(all_of: Sequence[str]) -> str:
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
