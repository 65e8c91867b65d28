"""`watcher open`: who is in charge of safeguarding opens a matter to the IT provider, for a limited time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from watcher.terminal import answering, harmless, say, stop

if TYPE_CHECKING:
    from alerts.school import School
    from watcher.store import Store
    from watcher.store.views import IncidentView

LONGEST = timedelta(hours=24)
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1)}


def register(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command("open")(open_up)


def open_up(
    reference: Annotated[str, typer.Argument(help="the incident, WT-…")],
    by: Annotated[str, typer.Option(help="whose word it is: the id of the DSL or a deputy of that school")],
    why: Annotated[str | None, typer.Option(help="the reason, kept in the timeline; no names, no words")] = None,
    how_long: Annotated[str, typer.Option("--for", help="how long: 30m, 2h; at most 24h")] = "2h",
    end: Annotated[bool, typer.Option("--end", help="close it again now")] = False,
    config: Annotated[Path, typer.Option("--config", "-c", help="the settings, see config.example.toml")] = Path(
        "watcher.toml"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")] = False,
) -> None:
    """Open a safeguarding or staff matter to the IT provider for a limited time; it closes by itself."""
    from watcher.app import find_store
    from watcher.config import load
    from watcher.scheduler import clock

    with answering(as_json=as_json):
        span = parse_span(how_long)
        if not end and not (why or "").strip():
            stop('--why is missing: say why it is opened, --why "…" (no names, no words of a post)', code=2)
        store, now = find_store(load(config)), clock()
        if end:
            _close(store, reference.strip().upper(), by, now, as_json=as_json)
        else:
            _open(store, reference.strip().upper(), by, str(why).strip(), span, now, as_json=as_json)


def parse_span(text: str) -> timedelta:
    """``30m`` or ``2h`` as a span of time, no longer than a day."""
    found = re.fullmatch(r"([1-9][0-9]{0,3})([mh])", text.strip().lower())
    span = int(found[1]) * _UNITS[found[2]] if found else timedelta(0)
    if not timedelta(0) < span <= LONGEST:
        stop(f"--for {text}: write minutes or hours such as 30m or 2h, at most 24h", code=2)
    return span


def _open(store: Store, reference: str, by: str, why: str, span: timedelta, now: datetime, *, as_json: bool) -> None:
    from alerts.school import title
    from alerts.viewer import is_closed
    from alerts.wording import long_time
    from connectors.post import rfc3339
    from watcher.store.openings import Opening

    view, school, role = _entitled(store, reference, by, now)
    if not is_closed(store.openings.sight(view.incident, now)):
        stop(f"{reference} is not closed to the IT provider; there is nothing to open")
    opening = Opening(by=by, role=role, why=why, at=now, until=now + span)
    until = long_time(opening.until, school.timezone)
    store.openings.open(reference, opening, f"by {by}, the {title(role)}, until {until}: {why}")
    if as_json:
        say({"reference": reference, "opened_by": by, "role": role, "until": rfc3339(opening.until), "why": why})
    else:
        typer.echo(harmless(f"{reference} is open to the IT provider until {until}; then it closes by itself"))


def _close(store: Store, reference: str, by: str, now: datetime, *, as_json: bool) -> None:
    from alerts.school import title

    _, _, role = _entitled(store, reference, by, now)
    ended = store.openings.end(reference, f"by {by}, the {title(role)}", now)
    if as_json:
        say({"reference": reference, "ended": ended})
    else:
        typer.echo(f"{reference} is closed to the IT provider" if ended else f"{reference} was not open")


def _entitled(store: Store, reference: str, by: str, now: datetime) -> tuple[IncidentView, School, str]:
    """The matter, its school and the role in which this person may open it.

    Whoever may not know of a matter learns nothing by asking: the answer is that of a reference that never was.
    """
    from zoneinfo import ZoneInfo

    from alerts.receiver import excluded
    from alerts.viewer import HIDDEN, OPENERS, Viewer, may_see
    from watcher.listing import VIEWER

    view = store.views.incident(reference, posts=0)
    registered = store.register.all()
    school = next((s for s in registered.schools if view is not None and s.id == view.incident.school), None)
    if view is None or school is None:
        _unknown(reference)
    incident, day = view.incident, now.astimezone(ZoneInfo(school.timezone)).date()
    roles = registered.roles_of(by, school, day)
    role = next((role for role in OPENERS if role in roles), None)
    sight = store.openings.sight(incident, now, told=(notice.receiver for notice in view.notices))
    if role is None:
        # Said of every reference alike, so that it tells nothing of this one.
        stop(f"--by {by}: holds neither dsl nor deputy_dsl at the school of {reference}; only they may open it")
    barred = by in excluded(school, registered, day, about=incident.about, accused=incident.accused)
    mine = Viewer(roles=frozenset(roles), person=by)
    if barred or HIDDEN in (may_see(mine, sight), may_see(VIEWER, sight)):
        _unknown(reference)
    return view, school, role


def _unknown(reference: str) -> NoReturn:
    stop(f"there is no incident {reference}")
