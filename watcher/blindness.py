"""Blind spots as incidents: sources that cannot be read, wholly or in part, or are silent, and dead mailboxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import structlog

from alerts import incident as grouping
from alerts.digest import Blind
from alerts.incident import Incident
from alerts.policy import Pack
from alerts.query import MARK
from alerts.school import Register, School
from alerts.wording import counted, long_day
from watcher.habit import LEAST, Silence, silence
from watcher.reference import random_reference
from watcher.remedy import remedy, unread
from watcher.serving import Providers, served
from watcher.store import Store
from watcher.store.accounts import AccountState
from watcher.store.gaps import Missing
from watcher.terms import base_of

log = structlog.get_logger(__name__)

# What the key of a silent source begins with, among the faults.
SILENT = "silence of "
# The same of a source that can be read but for a part, such as for want of a permission.
PART = "part of "
_LOOKED_AT = timedelta(hours=1)
# A folder of old files is read once, and brings nothing any more by nature.
NEVER_SILENT = ("archive", "report")


def silent_sources(store: Store) -> tuple[str, ...]:
    """The sources that are read and have fallen silent, as long as nobody has closed the matter."""
    silent = (f.removeprefix(SILENT) for f in store.incidents.faults() if f.startswith(SILENT))
    return tuple(sorted({base_of(name) for name in silent}))


# What of a source's queries cannot be read, each with the query that lacks it.
Parts = Sequence[tuple[AccountState, Missing]]


def parts(store: Store, states: Iterable[AccountState]) -> dict[str, Parts]:
    """The sources of which a part cannot be read for want of a permission, and has not been for two rounds."""
    by_name = {state.account.name: state for state in states if state.off is None}
    found: dict[str, list[tuple[AccountState, Missing]]] = defaultdict(list)
    for one in store.gaps.lasting():
        if one.account in by_name:
            found[base_of(one.account)].append((by_name[one.account], one))
    return dict(found)


def lack(found: Parts) -> str:
    """What of a source cannot be read, and what to do, as one line."""
    ways = [unread(replace(s.account, name=base_of(s.account.name)), one.gap.why) for s, one in found]
    what = "; ".join(dict.fromkeys(way.what.rstrip(".") for way in ways))
    return f"{what}. {' '.join(dict.fromkeys(way.do for way in ways))}"


def blind_times(
    store: Store, schools: Collection[str], register: Register, start: datetime, end: datetime
) -> tuple[Blind, ...]:
    """What of these schools could not be read at some time between, whether or not it can be again.

    A source that several schools share is named for each, whichever of them its matter stands under; the searches that
    one row is read as are one source.
    """
    states = store.accounts.all()
    mine = [s for s in states if any(school.id in schools for school in served(s, register.schools))]
    platforms = {base_of(state.account.name): state.account.platform for state in mine}
    found: dict[str, list[tuple[datetime, datetime | None]]] = {}
    for state in mine:
        if state.blind_since is not None and state.blind_since < end:
            found.setdefault(base_of(state.account.name), []).append((state.blind_since, None))
    # Of what is blind now, the sources themselves say which of a row's searches are.
    now = {base_of(state.account.name) for state in states if state.blind_since is not None}
    for source, since, until in store.weeks.blind(start, end):
        if base_of(source) in platforms and (until is not None or base_of(source) not in now):
            found.setdefault(base_of(source), []).append((since, until))
    own = {state.account.name for state in mine}
    for source, gap in store.accounts.gaps(start):
        if source in own and gap.start is not None and gap.start < end and (gap.end or end) > start:
            found.setdefault(base_of(source), []).append((gap.start, gap.end))
    whole = tuple(
        Blind(source=source, platform=platforms[source], since=since, until=until)
        for source, times in sorted(found.items())
        for since, until in _joined(times)
    )
    return (*whole, *_in_part(store, mine, start, end))


def _in_part(store: Store, mine: Iterable[AccountState], start: datetime, end: datetime) -> Iterator[Blind]:
    """What of these sources could not be read in part at some time between."""
    of = {state.account.name: state for state in mine if state.off is None}
    lasting = store.gaps.lasting()
    ended = (one for one in store.gaps.since(start) if one.is_unreadable and one.filled_at is not None)
    found: dict[str, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    for one in (*lasting, *ended):
        if one.account in of and one.at < end and (one.filled_at is None or one.filled_at >= start):
            found[base_of(one.account)].append((one.at, one.filled_at))
    platforms = {base_of(name): state.account.platform for name, state in of.items()}
    for source, times in sorted(found.items()):
        for since, until in _joined(times):
            yield Blind(source=source, platform=platforms[source], since=since, until=until, partly=True)


def _joined(times: Collection[tuple[datetime, datetime | None]]) -> Iterator[tuple[datetime, datetime | None]]:
    """The same stretches of time, those that overlap as one, in order."""
    since: datetime | None = None
    until: datetime | None = None
    for start, end in sorted(times, key=lambda pair: pair[0]):
        if since is not None and until is not None and start > until:
            yield since, until
            since = None
        if since is None:
            since, until = start, end
        else:
            until = None if until is None or end is None else max(until, end)
    if since is not None:
        yield since, until


class Faults:
    """Opens and ends the incidents of whatever keeps Watcher from seeing or telling."""

    def __init__(self, store: Store, pack_of: Callable[[str], Pack]) -> None:
        self._store, self._pack_of = store, pack_of
        self._looked_at: datetime | None = None

    def watch(self, now: datetime) -> int:
        """Make a blind source an incident, and end the incident of one that sees again; how many changed.

        What is blind stands in the accounts' own rows, so a crash in between loses nothing: the next round sees it.
        However many queries a search is read as, they share a token and a server: it is one matter for each of those
        who look after the schools that it can no longer look for, and none for anybody else.
        """
        states = self._awake(now)
        blind: dict[str, list[AccountState]] = {}
        for name, state in states.items():
            if state.blind_since is not None:
                blind.setdefault(base_of(name), []).append(state)
        known = self._store.incidents.fault_schools()
        read = set(map(base_of, states))
        seeing = sorted(name for name in known if base_of(name) in read and base_of(name) not in blind)
        for name in seeing:
            self._store.incidents.end_fault(name, now)
        providers = Providers(self._store, self._pack_of, now) if blind else None
        changed = sum(self._watch_blind(blind[base], known, providers, now) for base in sorted(blind) if providers)
        changed += len(seeing) + self._watch_parts(states, known, now)
        return changed + self._watch_silence(states, frozenset(known), now)

    def open(self, what: str, school: School, why: str, now: datetime, *, named: str | None = None) -> None:
        """Open the incident of a fault unless it is open; ``named`` tells several of one fault apart."""
        route = self._pack_of(school.pack).route("blind_spot")

        def make() -> Incident:
            return Incident(
                reference=random_reference(),
                school=school.id,
                state="open",
                concerns=("blind_spot",),
                severity=grouping.severity("blind_spot"),
                recipients=route.recipients,
                opened_at=now,
                last_flag_at=now,
            )

        self._store.incidents.start_fault(what, make, why, now, named=named)

    def _awake(self, now: datetime) -> dict[str, AccountState]:
        """The accounts by name; those that a clock which ran ahead has put off are woken."""
        states = self._store.accounts.all(now)
        if any(state.is_ahead(now) for state in states):
            log.warning("clock_ran_ahead", woken=self._store.accounts.wake(now))
            states = self._store.accounts.all(now)
        return {state.account.name: state for state in states}

    def _watch_blind(
        self, parts: list[AccountState], known: Mapping[str, str], providers: Providers, now: datetime
    ) -> int:
        """Have everybody told whose schools the blind queries of one row serve, and end what concerns nobody now."""
        base = base_of(parts[0].account.name)
        every = tuple(providers.schools.values())
        first = {s.id: state for state in reversed(parts) for s in served(state, every)}
        if not first:
            log.error("blind_without_school", account=base)
            return 0
        mine = {name: school for name, school in known.items() if base_of(name) == base}
        over = sorted(name for name, school in mine.items() if not providers.needed(school, first))
        for name in over:
            self._store.incidents.end_fault(name, now, "what is read for this school can be read")
        told = {name: school for name, school in mine.items() if name not in over}
        missing = providers.untold(first, told.values())
        for school in missing:
            account = first[school].account
            found = remedy(account.platform, base, first[school].last_error or "", account)
            self._open_for(account.name, providers.schools[school], f"{found.what.rstrip('.')}. {found.do}", told, now)
        return len(over) + len(missing)

    def _watch_parts(self, states: Mapping[str, AccountState], known: Mapping[str, str], now: datetime) -> int:
        """The same for sources of which a part cannot be read: posts there are as unseen as those of a blind one."""
        lasting = parts(self._store, states.values())
        over = [n for n in sorted(known) if n.startswith(PART) and base_of(n).removeprefix(PART) not in lasting]
        for name in over:
            self._store.incidents.end_fault(name, now, "all that is read of the source can be read again")
        providers = Providers(self._store, self._pack_of, now) if lasting else None
        changed = sum(self._watch_part(b, lasting[b], known, providers, now) for b in sorted(lasting) if providers)
        return changed + len(over)

    def _watch_part(
        self, base: str, found: Parts, known: Mapping[str, str], providers: Providers, now: datetime
    ) -> int:
        """Have everybody told of a source's part; what somebody has closed, knowing, is not opened for the same."""
        told = {name: school for name, school in known.items() if base_of(name) == f"{PART}{base}"}
        before = self._store.recall(f"{PART}{base}")
        fresh = before is None or any(one.gap.why not in before[0] or one.at > before[1] for _, one in found)
        if not told and not fresh:
            return 0
        why, every = lack(found), tuple(providers.schools.values())
        first = {school.id: state for state, _ in reversed(found) for school in served(state, every)}
        over = sorted(name for name, school in told.items() if not providers.needed(school, first))
        for name in over:
            self._store.incidents.end_fault(name, now, "what is read for this school can be read")
        told = {name: school for name, school in told.items() if name not in over}
        missing = providers.untold(first, told.values())
        noted = [self._store.incidents.change_fault(name, why, (why,), now) for name in told] if fresh else []
        for school in missing:
            self._open_for(f"{PART}{base}", providers.schools[school], why, told, now)
        if fresh:
            self._store.remember(f"{PART}{base}", sorted({one.gap.why for _, one in found}), now)
        return len(over) + len(missing) + sum(noted)

    def _open_for(self, what: str, school: School, why: str, told: dict[str, str], now: datetime) -> None:
        """Open one of the matters of a fault: the first goes by its name, any other by that of its school, too."""
        named = what if not told else f"{base_of(what)}{MARK}@{_short(school.id)}"
        self.open(what, school, why, now, named=named)
        told[named] = school.id

    def _watch_silence(self, states: dict[str, AccountState], known: frozenset[str], now: datetime) -> int:
        """The same for sources that are read and bring nothing any more, each silence told once; every hour."""
        if self._looked_at is not None and timedelta(0) <= now - self._looked_at < _LOOKED_AT:
            return 0
        self._looked_at = now
        changed, told = 0, {name: base_of(name.removeprefix(SILENT)) for name in known if name.startswith(SILENT)}
        for name, state in states.items():
            open_now = name in told.values()
            found = None if self._cannot_tell(state) else self._silence(state, now)
            if open_now and found is None and not state.failures:
                for fault in (fault for fault, source in told.items() if source == name):
                    self._store.incidents.end_fault(fault, now, "the source brings posts again")
                changed += 1
            elif found is not None and not open_now:
                changed += self._tell_of_silence(state, found, now)
        return changed

    def _cannot_tell(self, state: AccountState) -> bool:
        unread = state.failures > 0 or state.last_success_at is None or state.caught_up_at is None
        # One of many queries for a rare word may find nothing for months.
        return unread or state.account.platform in NEVER_SILENT or MARK in state.account.name

    def _silence(self, state: AccountState, now: datetime) -> Silence | None:
        if state.last_new_at is not None and now - state.last_new_at < LEAST:
            return None
        return silence(self._store.posts.times(state.account.name), now)

    def _tell_of_silence(self, state: AccountState, found: Silence, now: datetime) -> bool:
        name, since = state.account.name, found.since.isoformat()
        before = self._store.recall(f"silent:{name}")
        providers = Providers(self._store, self._pack_of, now)
        schools = {school.id for school in served(state, tuple(providers.schools.values()))}
        if not schools or (before is not None and before[0] == since):
            return False
        told: dict[str, str] = {}
        for school in providers.untold(schools, ()):
            place = providers.schools[school]
            self._open_for(f"{SILENT}{name}", place, _unheard(found, place), told, now)
        self._store.remember(f"silent:{name}", since, now)
        return True


def _unheard(found: Silence, school: School) -> str:
    """What is told of a source that is read and brings nothing any more."""
    zone = school.timezone
    days = max(round(found.usual.total_seconds() / 86400), 1)
    return (
        f"it is read without an error and has brought nothing since {long_day(found.since, zone)}, "
        f"though before something came every {counted(days, 'day') if days > 1 else 'day'}. Please look at it in a "
        "browser: if the account is still in use, check its target and what the token may read; if it was moved, "
        "write its new name into the settings; if nobody uses it any more, close this matter."
    )


def _short(school: str) -> str:
    """A school's id in few characters, whatever it is made of: keys of faults are short."""
    return sha256(school.encode("utf-8", "replace")).hexdigest()[:10]
