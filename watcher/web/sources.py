"""“Is it working?”: every source with how its reading goes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from fastapi import APIRouter
from starlette.responses import HTMLResponse

from connectors import approval
from watcher.blindness import silent_sources
from watcher.pace import Delay, delay
from watcher.remedy import remedy
from watcher.store import Store
from watcher.store.accounts import AccountState
from watcher.store.gaps import Missing
from watcher.store.tokens import Token
from watcher.terms import base_of
from watcher.token import final_end
from watcher.web.marking import clean
from watcher.web.moment import span
from watcher.web.site import Site
from watcher.web.standing import ORDER, standing, summary
from watcher.web.unread import unread_counts

# How far back gaps are shown.
_GAPS = timedelta(days=30)
# Of which posts the real delay is told, and how long a count of it is good for: it reads many posts.
_LOOKED_BACK, _COUNTED_EVERY = timedelta(days=7), timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Source:
    """One source as the page shows it; ``error`` and ``mend`` say what is wrong and what to do.

    ``off`` says which approval it waits for. ``parts`` are the searches, of so many that its row is read as, for which
    it stands because they have the same trouble.
    """

    state: AccountState
    anchor: str
    school: str | None
    standing: str
    every: str
    error: str | None
    mend: str | None
    gaps: tuple[Missing, ...]
    set_aside: int
    token: Token | None = None
    off: str | None
    parts: tuple[Source, ...] = ()
    of: int = 1
    delay: Delay | None = None

    @property
    def title(self) -> str:
        """What it is called where it may stand for several searches."""
        return base_of(self.state.account.name) if self.parts else self.state.account.name


class Delays:
    """How late the posts of each source came in the last seven days, counted anew every few minutes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._counted: tuple[datetime, dict[str, Delay]] | None = None

    def by_account(self, now: datetime) -> dict[str, Delay]:
        """The real delay of each account that brought a post whose time is known."""
        counted = self._counted
        if counted is None or not timedelta(0) <= now - counted[0] < _COUNTED_EVERY:
            every = self._store.posts.delays_of(now - _LOOKED_BACK)
            real = {name: found for name, seconds in every.items() if (found := delay(seconds)) is not None}
            self._counted = counted = (now, real)
        return counted[1]


def router(site: Site) -> APIRouter:
    """The route of the sources."""
    routes, delays = APIRouter(), Delays(site.store)

    @routes.api_route("/sources", methods=["GET", "HEAD"])
    def sources() -> HTMLResponse:
        return _sources(site, delays.by_account(site.clock()))

    return routes


def anchor(account: str) -> str:
    """The place of an account on the page, whatever characters its name is made of."""
    return f"source-{sha256(account.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _sources(site: Site, delays: Mapping[str, Delay]) -> HTMLResponse:
    now, names = site.clock(), site.school_names()
    gaps: dict[str, list[Missing]] = defaultdict(list)
    for missing in site.store.gaps.since(now - _GAPS):
        gaps[missing.account].append(missing)
    set_aside = site.store.accounts.oddities()
    silent = silent_sources(site.store)
    tokens = {token.account: token for token in site.store.tokens.all()}
    found = [
        replace(
            _source(state, standing(state, now, silent), names, gaps.get(state.account.name, []), set_aside),
            token=tokens.get(base_of(state.account.name)),
            delay=delays.get(state.account.name),
        )
        for state in site.store.accounts.all(now)
    ]
    found.sort(key=lambda s: (ORDER.index(s.standing), s.state.account.name.casefold()))
    unsent, oldest = site.store.notices.pending()
    return site.page(
        "sources.html",
        "/sources",
        sources=found,
        troubled=_folded(found, {"blind", "saving", "failing", "late", "silent"}),
        final_end=final_end,
        off=_folded(found, {"off"}),
        summary=summary(source.standing for source in found),
        waiting=site.store.posts.waiting(),
        unread=sum(sum(unread_counts(site, school).values()) for school in names),
        pending=unsent,
        oldest=oldest,
        purged=site.store.purge.last(),
    )


def _folded(found: Sequence[Source], standings: Container[str]) -> list[Source]:
    """Those that stand so; searches of one row with the same trouble as one, the first for all of them."""
    of = Counter(base_of(source.state.account.name) for source in found)
    alike: dict[tuple[str | None, ...], list[Source]] = {}
    for source in found:
        if source.standing in standings:
            key = (base_of(source.state.account.name), source.standing, source.error, source.mend, source.off)
            alike.setdefault(key, []).append(source)
    several = ((group, of[base_of(group[0].state.account.name)]) for group in alike.values())
    return [replace(group[0], parts=tuple(group) if len(group) > 1 else (), of=n) for group, n in several]


def _source(
    state: AccountState, how: str, names: Mapping[str, str], gaps: list[Missing], set_aside: Mapping[str, int]
) -> Source:
    account = state.account
    found = (
        None
        if not state.last_error
        else remedy(account.platform, base_of(account.name), clean(state.last_error), account)
    )
    return Source(
        state=state,
        anchor=anchor(account.name),
        school=None if account.school is None else names.get(account.school, account.school),
        standing=how,
        every=span(timedelta(seconds=state.every_s)),
        error=None if found is None else found.what,
        mend=None if found is None else found.do,
        gaps=tuple(gaps),
        set_aside=set_aside.get(account.name, 0),
        off=None if state.off is None else approval.told(state.off, account.platform),
    )
