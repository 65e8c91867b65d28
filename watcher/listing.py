"""Incidents as rows for a terminal or a program: never the text of a post, never an author."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alerts.incident import OPEN_STATES, Incident
from connectors.post import rfc3339
from watcher.store import Store


def incidents(store: Store, *, every: bool, limit: int) -> Iterator[dict[str, Any]]:
    """Incidents, newest first; only open ones unless every one is asked for."""
    for incident in store.views.incidents(limit=limit, states=None if every else OPEN_STATES):
        yield _row(incident)


def one(store: Store, reference: str) -> Iterator[dict[str, Any]]:
    """One incident with where its posts are, who was told, and its timeline; however its reference is typed."""
    view = store.views.incident(reference.strip().upper())
    if view is None:
        return
    row = _row(view.incident)
    row["where"] = [post.post.url for post in view.posts if post.post.url]
    row["notices"] = [
        {"role": n.role, "reason": n.reason, "state": n.state, "sent_at": rfc3339(n.sent_at)} for n in view.notices
    ]
    row["timeline"] = [{"at": rfc3339(e.at), "what": e.what, "detail": e.detail} for e in view.events]
    yield row


def short(row: dict[str, Any]) -> dict[str, Any]:
    """What of a row fits a terminal."""
    keys = ("reference", "school", "state", "concerns", "recipients", "posts", "opened_at")
    return {key: row[key] for key in keys} | {"opened_at": row["opened_at"][:16].replace("T", " ") + "Z"}


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
