"""How much of a matter a page may show while nobody can log in and the reader is taken for the IT provider."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from alerts.viewer import PROVIDER, Sight, Viewer, may_see, roles_in
from watcher.store import Store
from watcher.store.views import IncidentView, PostView

# Whoever reads these pages, or types a command: what accuses them is not there, in no list and in no count.
READER = PROVIDER
VIEWER = Viewer(roles=frozenset(PROVIDER))


def disclosure(concerns: Iterable[str], about: str | None, targets: Iterable[str] = (), *, opened: bool = False) -> str:
    """How much may be shown: ``open``, text ``folded`` or ``withheld``, ``closed`` but for its number, ``hidden``."""
    sight = Sight(concerns=tuple(concerns), about=roles_in(about), targets=tuple(targets), opened=opened)
    return may_see(VIEWER, sight)


def of_matter(store: Store, view: IncidentView, now: datetime) -> str:
    """How much may be shown of an incident now."""
    return may_see(VIEWER, store.openings.sight(view.incident, now))


def of_posts(store: Store, posts: Iterable[PostView], now: datetime) -> dict[tuple[str, str, str], str]:
    """How much may be shown of each post, in whatever matter it stands: one that is closed elsewhere is closed here."""
    sights = store.openings.sights((view.post.key for view in posts), now)
    return {key: may_see(VIEWER, sight) for key, sight in sights.items()}
