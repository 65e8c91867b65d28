"""Whose matter a source is: the schools that it serves, and those who look after Watcher there."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from alerts.policy import Pack
from alerts.receiver import receivers
from alerts.route import Receiver
from alerts.school import Register, School
from watcher.store import Store
from watcher.store.accounts import AccountState

# Who is told where nobody can be; which address that is makes no difference to whose matter it is.
_NOBODY = Receiver(role="it_provider", person="nobody", name="", address="", why="Nobody else can be told.")


def served(state: AccountState, schools: tuple[School, ...]) -> tuple[School, ...]:
    """The schools that a source is read for: its own, those whose terms its search is built from, or all."""
    account = state.account
    wanted = {account.school} if account.school is not None else set(account.schools)
    # What names no school that is still watched has to be somebody's to mend all the same.
    return tuple(school for school in schools if school.id in wanted) or schools


def reachable(store: Store, now: datetime) -> Register:
    """The register without the people whose address has refused our mail: the next in the chain is told."""
    register = store.register.all()
    refused = store.notices.refused_addresses(now)
    gone = {p.id for p in register.people if p.email in refused}
    return replace(register, holdings=tuple(h for h in register.holdings if h.person not in gone))


class Providers:
    """Who is told at each school today that a source cannot be read."""

    def __init__(self, store: Store, pack_of: Callable[[str], Pack], now: datetime) -> None:
        self._pack_of, self._now = pack_of, now
        self._register = reachable(store, now)
        self.schools = {school.id: school for school in self._register.schools}
        self._found: dict[str, frozenset[str]] = {}

    def of(self, school: str) -> frozenset[str]:
        """The addresses of those who are told at a school; none where it is not watched any more."""
        if school not in self._found:
            known = self.schools.get(school)
            self._found[school] = frozenset() if known is None else self._told(known)
        return self._found[school]

    def covers(self, one: str, other: str) -> bool:
        """Whether everybody who is told at the other school is told of what is told at the one."""
        return one == other or (one in self.schools and self.of(other) <= self.of(one))

    def untold(self, schools: Iterable[str], told: Iterable[str]) -> tuple[str, ...]:
        """As few of the schools as tell everybody at all of them, but for those whom the schools in ``told`` tell."""
        covering, chosen = list(told), list[str]()
        for school in sorted(schools, key=lambda school: (-len(self.of(school)), school)):
            if not any(self.covers(one, school) for one in covering):
                covering.append(school)
                chosen.append(school)
        return tuple(chosen)

    def needed(self, school: str, schools: Iterable[str]) -> bool:
        """Whether a matter that stands for a school still tells somebody at one of these."""
        return any(self.covers(school, other) for other in schools)

    def _told(self, school: School) -> frozenset[str]:
        pack = self._pack_of(school.pack)
        route = pack.route("blind_spot")
        found = receivers(route, school, self._register, self._now, last_resort=_NOBODY, document=pack.document)
        return frozenset(receiver.address.casefold() for receiver in found)
