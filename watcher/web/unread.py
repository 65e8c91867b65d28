"""“What could not be read”: how much of the last week no model could read, and a sample for a person to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from alerts.holder import holders
from alerts.school import Register, School
from alerts.viewer import OPEN, may_see
from connectors.post import Post
from watcher.handing import officers_of
from watcher.store.weeks import UnreadView
from watcher.web.disclosure import VIEWER
from watcher.web.marking import Marked, marked, web_address
from watcher.web.site import Site

_WEEK = timedelta(days=7)
_SAMPLE = 10  # posts a school and week: few enough that somebody does read them
_DRAWN = 60  # drawn before those are left out that are not for this page


@dataclass(frozen=True, kw_only=True)
class Item:
    """One post of the sample; ``post`` carries text and media, never shown with its author."""

    post: Post
    why: str
    text: Marked
    link: str | None
    moved: tuple[tuple[str, tuple[str, ...]], ...] = ()  # nothing was read, so nothing is explained
    explained: bool = False


@dataclass(frozen=True, kw_only=True)
class Part:
    """One school's week: how many posts went unread by reason, and the sample."""

    school: str
    counts: tuple[tuple[str, int], ...]
    items: tuple[Item, ...]


def router(site: Site) -> APIRouter:
    """The page's route."""
    routes = APIRouter()

    @routes.api_route("/unread", methods=["GET", "HEAD"])
    def unread() -> HTMLResponse:
        return _unread(site)

    return routes


def unread_counts(site: Site, school: str) -> dict[str, int]:
    """How many posts about a school nobody could read in the last seven days, by reason."""
    last = site.clock().date()
    counts = site.store.counts.between(school, last - _WEEK, last)
    return {what.removeprefix("unread:"): n for what, n in counts.items() if what.startswith("unread:") and n > 0}


def _unread(site: Site) -> HTMLResponse:
    register = site.store.register.all()
    parts = [_part(site, school, register) for school in sorted(register.schools, key=lambda s: s.name.casefold())]
    return site.page("unread.html", "/unread", schools=[part for part in parts if part.counts], sample=_SAMPLE)


def _part(site: Site, school: School, register: Register) -> Part:
    today = site.clock().date()
    officers = officers_of(school, register, today)
    drawn = site.store.weeks.unread(school.id, today - _WEEK, today, _DRAWN)
    # What names somebody in office may accuse them: nobody can tell, so it is not laid before whoever happens by.
    free = [view for view in drawn if not holders(view.post.text, officers, school=school.name)]
    sights = site.store.openings.sights((view.post.key for view in free), site.clock())
    free = [view for view in free if may_see(VIEWER, sights[view.post.key]) == OPEN]
    return Part(
        school=school.name,
        counts=tuple(sorted(unread_counts(site, school.id).items())),
        items=tuple(_item(view) for view in free[:_SAMPLE]),
    )


def _item(view: UnreadView) -> Item:
    return Item(post=view.post, why=view.why, text=marked(view.post.text), link=web_address(view.post.url))
