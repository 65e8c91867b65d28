"""Incidents as rows for a terminal or a program: never the text of a post, never an author.

Whoever types a command is taken for the IT provider: of what is closed to them a row has the number and whether the
messages arrived, of what accuses them there is no row.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from alerts.incident import OPEN_STATES, Incident
from alerts.viewer import HIDDEN, SHUT, Viewer, may_see
from alerts.viewer import PROVIDER as READER
from connectors.post import rfc3339
from watcher.store import Store
from watcher.store.views import IncidentView

VIEWER = Viewer(roles=frozenset(READER))
_ARRIVAL = {
    "sent": "delivered",
    "some": "delivered, but not to every address",
    "pending": "on its way",
    "failed": "not delivered",
    "none": "no message yet",
}


def incidents(store: Store, *, every: bool, limit: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Incidents, newest first; only open ones unless every one is asked for. Those closed to the reader come last."""
    states = None if every else OPEN_STATES
    n = 0
    for incident in store.views.incidents(limit=limit, states=states, not_about=READER, unclosed=now):
        n += 1
        yield _row(incident)
    for line in store.views.shut(now, limit=limit - n, not_about=READER) if limit > n else ():
        yield _closed(line.reference, line.notices)


def one(store: Store, reference: str, now: datetime) -> Iterator[dict[str, Any]]:
    """One incident with where its posts are, who was told, and its timeline; however its reference is typed."""
    view = store.views.incident(reference.strip().upper())
    if view is None or (how := sight_of(store, view, now)) == HIDDEN:
        return
    if how == SHUT:
        yield {"reference": view.incident.reference, **_delivery(tuple(n.state for n in view.notices))}
        return
    row = _row(view.incident)
    seen = store.openings.sights((post.post.key for post in view.posts), now)
    shown = [post.post for post in view.posts if may_see(VIEWER, seen[post.post.key]) not in (SHUT, HIDDEN)]
    row["where"] = [post.url for post in shown if post.url]
    row["notices"] = [
        {"role": n.role, "reason": n.reason, "state": n.state, "sent_at": rfc3339(n.sent_at)} for n in view.notices
    ]
    row["timeline"] = [{"at": rfc3339(e.at), "what": e.what, "detail": e.detail} for e in view.events]
    opened = store.openings.active(view.incident.reference, now)
    if opened is not None:
        row["open_until"] = rfc3339(opened.until)
    yield row


def sight_of(store: Store, view: IncidentView, now: datetime) -> str:
    """How much of an incident whoever types a command may see now."""
    return may_see(VIEWER, store.openings.sight(view.incident, now))


def how_seen(store: Store, reference: str, now: datetime) -> str:
    """The same by reference; ``hidden`` also where there is no such incident."""
    view = store.views.incident(reference.strip().upper(), posts=0)
    return HIDDEN if view is None else sight_of(store, view, now)


def arrival(states: tuple[str, ...]) -> str:
    """What became of the messages about a matter: ``sent``, ``some``, ``pending``, ``failed`` or ``none``."""
    if "pending" in states:
        return "pending"
    if "sent" in states:
        return "some" if "failed" in states else "sent"
    return "failed" if states else "none"


def short(row: dict[str, Any]) -> dict[str, Any]:
    """What of a row fits a terminal."""
    keys = ("reference", "school", "state", "concerns", "recipients", "posts", "opened_at")
    if row["opened_at"] is None:
        return {key: row[key] for key in keys} | {"state": f"closed to you: {row['delivery']}", "concerns": None}
    return {key: row[key] for key in keys} | {"opened_at": row["opened_at"][:16].replace("T", " ") + "Z"}


def _delivery(states: tuple[str, ...]) -> dict[str, Any]:
    return {"closed_to": READER[0], "delivery": _ARRIVAL[arrival(states)]}


def _closed(reference: str, states: tuple[str, ...]) -> dict[str, Any]:
    """A row with nothing in it but the number and the delivery; programs find every key."""
    empty = dict.fromkeys(("school", "state", "severity", "about", "posts", "opened_at", "last_flag_at"))
    return {"reference": reference, **empty, "concerns": [], "recipients": [], **_delivery(states)}


def _row(incident: Incident) -> dict[str, Any]:
    return {
        "reference": incident.reference,
        "school": incident.school,
        "state": incident.state,
        "concerns": list(incident.concerns),
        "severity": incident.severity,
        "recipients": list(incident.recipients),
        "about": incident.about,
        "posts": incident.posts,
        "opened_at": rfc3339(incident.opened_at),
        "last_flag_at": rfc3339(incident.last_flag_at),
    }
