"""The list of incidents, newest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from alerts.incident import OPEN_STATES, STATES
from connectors.post import parse_time, rfc3339
from watcher.listing import arrival
from watcher.store.views import IncidentLine, ShutLine
from watcher.web import words
from watcher.web.disclosure import READER
from watcher.web.site import Site, is_reference, unknown
from watcher.web.standing import standing, summary

PAGE = 30
_INCOMPLETE = "This address is not complete. Begin again with the newest incidents."
# Closed to whoever reads these pages: counted above the list, by what became of their messages, with their own page.
SHUT, _MOST = "confidential", 5_000
_WORST = ("failed", "none", "pending", "some", "sent")
_VIEWS = {"all": STATES, "open": OPEN_STATES, "closed": tuple(s for s in STATES if s not in OPEN_STATES)}


@dataclass(frozen=True, kw_only=True)
class Row:
    """An incident as the list shows it."""

    line: IncidentLine
    school: str
    told: str
    delivery: str


@dataclass(frozen=True, kw_only=True)
class Shut:
    """A matter that is closed to the reader: its number, and what became of the messages about it."""

    reference: str
    delivery: str


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One way to look at the list, with its address and how many incidents it holds."""

    name: str
    address: str
    count: int
    current: bool


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the address asks for: a school or all, which states, and from where on."""

    school: str
    state: str
    before: tuple[datetime, str] | None

    def address(self, **changes: str) -> str:
        """The address of the same list with something changed."""
        asked = {"school": self.school, "state": "" if self.state == "all" else self.state} | changes
        query = urlencode({key: value for key, value in asked.items() if value})
        return f"/?{query}" if query else "/"


def router(site: Site) -> APIRouter:
    """The list's routes."""
    routes = APIRouter()

    @routes.api_route("/", methods=["GET", "HEAD"])
    def incidents(school: str = "", state: str = "all", before: str = "", after: str = "") -> HTMLResponse:
        return _shut(site, after) if state == SHUT else _list(site, school, state, before)

    @routes.api_route("/incidents", methods=["GET", "HEAD"])
    def elsewhere() -> RedirectResponse:
        return RedirectResponse("/", 308)

    return routes


def _list(site: Site, school: str, state: str, before: str) -> HTMLResponse:
    names = site.school_names()
    now = site.clock()
    tally = site.store.views.tally(READER, now)
    names |= {found: found for found, _ in tally if found not in names}
    choice = _choice(school, state or "all", before, names)
    lines = site.store.views.lines(
        limit=PAGE + 1,
        before=choice.before,
        school=choice.school or None,
        states=_VIEWS[choice.state],
        not_about=READER,
        unclosed=now,
    )
    shut = site.store.views.shut(now, limit=_MOST, not_about=READER)
    arrived = Counter(arrival(line.notices) for line in shut)
    standings = [standing(account, now) for account in site.store.accounts.all(now)]
    shown = lines[:PAGE]
    return site.page(
        "incidents.html",
        choice.address(before=before),
        rows=[_row(line, names) for line in shown],
        # Not even of which school they are is told, so they are counted over all, and on the first page.
        shut=[] if choice.school or choice.before else sorted(arrived.items(), key=lambda one: _WORST.index(one[0])),
        closed=len(shut),
        tabs=_tabs(choice, tally, len(shut)),
        schools=names,
        choice=choice,
        older=choice.address(before=_position(shown[-1])) if len(lines) > PAGE else None,
        sources=summary(standings),
        blind=standings.count("blind"),
    )


def _shut(site: Site, after: str) -> HTMLResponse:
    """The list of the matters that are closed to the reader."""
    if after and not is_reference(after):
        raise HTTPException(400, _INCOMPLETE)
    now = site.clock()
    choice = Choice(school="", state=SHUT, before=None)
    lines = site.store.views.shut(now, limit=PAGE + 1, not_about=READER, after=after)
    return site.page(
        "confidential.html",
        choice.address(after=after),
        rows=[_shut_row(line) for line in lines[:PAGE]],
        tabs=_tabs(choice, site.store.views.tally(READER, now), site.store.views.shut_count(now, READER)),
        first=choice.address() if after else None,
        more=choice.address(after=lines[PAGE - 1].reference) if len(lines) > PAGE else None,
    )


def _shut_row(line: ShutLine) -> Shut:
    return Shut(reference=line.reference, delivery=arrival(line.notices))


def _choice(school: str, state: str, before: str, names: Mapping[str, str]) -> Choice:
    if school and school not in names:
        raise unknown("There is no school of that name here. Choose one from the list of incidents.")
    if state not in _VIEWS:
        raise HTTPException(400, "“state” in the address can be all, open, closed or confidential.")
    at, _, reference = before.partition("~")
    try:
        position = (parse_time(at), reference) if before else None
    except (ValueError, OverflowError) as error:
        raise HTTPException(400, _INCOMPLETE) from error
    if position is None or position[0] is None:
        return Choice(school=school, state=state, before=None)
    if not is_reference(reference):
        raise HTTPException(400, _INCOMPLETE)
    return Choice(school=school, state=state, before=(position[0], reference))


def _position(line: IncidentLine) -> str:
    return f"{rfc3339(line.last_flag_at)}~{line.reference}"


def _tabs(choice: Choice, tally: Mapping[tuple[str, str], int], shut: int) -> list[Tab]:
    mine = {key: n for key, n in tally.items() if choice.school in {"", key[0]}}
    tabs = [
        Tab(
            name=name.capitalize(),
            address=choice.address(state="" if name == "all" else name),
            count=_sum(mine, states),
            current=choice.state == name,
        )
        for name, states in _VIEWS.items()
    ]
    if not shut and choice.state != SHUT:
        return tabs
    address = Choice(school="", state=SHUT, before=None).address()
    return [*tabs, Tab(name=SHUT.capitalize(), address=address, count=shut, current=choice.state == SHUT)]


def _sum(tally: Mapping[tuple[str, str], int], states: Iterable[str]) -> int:
    wanted = frozenset(states)
    return sum(n for (_, state), n in tally.items() if state in wanted)


def _row(line: IncidentLine, names: Mapping[str, str]) -> Row:
    told, delivery = words.told(line.told)
    return Row(line=line, school=names.get(line.school, line.school), told=told, delivery=delivery)
