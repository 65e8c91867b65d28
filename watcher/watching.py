"""`watcher gaps`: which stretches of time platforms did not give, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.post import rfc3339
from watcher.terminal import show, tell

if TYPE_CHECKING:
    from watcher.store import Store
    from watcher.store.gaps import Missing


def register(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command()(gaps)


def gaps(
    config: Annotated[Path, typer.Option("--config", "-c", help="the settings, see config.example.toml")] = Path(
        "watcher.toml"
    ),
    days: Annotated[int, typer.Option(min=1, max=3650, help="how far back to look")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")] = False,
) -> None:
    """Show the stretches of time that a platform did not give, whether they were filled since, or why not.

    What cannot be read at all, such as for a lost permission, is shown with the time since when.
    """
    from datetime import timedelta

    from watcher.app import find_store
    from watcher.config import load
    from watcher.scheduler import clock

    found = list(rows(find_store(load(config)), clock() - timedelta(days=days)))
    if found or as_json:
        show(found, as_json=as_json)
    else:
        tell(f"No platform has left anything out in the last {days} days.")


def rows(store: Store, since: datetime) -> Iterator[dict[str, Any]]:
    """Each gap recorded since then, oldest first; ``kind`` tells stretches of time from what cannot be read at all."""
    for missing in store.gaps.since(since):
        if missing.is_unreadable:
            yield _unreadable(missing)
            continue
        yield {
            "account": missing.account,
            "kind": "missing",
            "from": rfc3339(missing.gap.start),
            "until": rfc3339(missing.gap.end),
            "why": missing.gap.why,
            "state": missing.state,
            "filled_at": rfc3339(missing.filled_at),
            "next_try": rfc3339(missing.fill_at),
            "not_filled_because": missing.fill_why,
        }


def _unreadable(missing: Missing) -> dict[str, Any]:
    """What a source lacks a permission for, or what is not there: no stretch of time, and nothing to be fetched."""
    return {
        "account": missing.account,
        "kind": "cannot be read",
        "since": rfc3339(missing.at),
        "last_seen": rfc3339(missing.seen_at),
        "why": missing.gap.why,
        "state": missing.state,
    }
