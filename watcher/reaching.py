"""Proves that every concern of every school reaches a living address, whoever of its people is the accused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from urllib.parse import urlsplit

from alerts.errors import AlertError
from alerts.flag import CONCERNS, GRAVE
from alerts.packs import load_pack
from alerts.policy import Pack
from alerts.receiver import reach
from alerts.route import Receiver, Route
from alerts.school import Person, Register, School
from watcher.config import Settings
from watcher.roster import register_of

# Those who hold these are no part of the school or trust: their address may be the last resort.
_OPERATORS = ("it_provider", "it_technician")
# Nor is the domain of these the school's or trust's.
_OUTSIDE = (*_OPERATORS, "dpo", "legal")
# Anybody may have an address there: it says nothing of whose it is.
_PUBLIC_MAIL = (
    *(
        "gmail.com",
        "googlemail.com",
        "outlook.com",
        "hotmail.com",
        "hotmail.co.uk",
        "live.com",
        "live.co.uk",
        "msn.com",
    ),
    *("yahoo.com", "yahoo.co.uk", "icloud.com", "me.com", "aol.com", "btinternet.com", "sky.com", "proton.me"),
)
_LAST = "last_resort"
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What becomes of some concerns at a school when a person is accused (``None``: nobody), in a role or in none.

    ``told`` are the ids of those whom they reach; the last resort is one of them where it is all that is left.
    """

    school: School
    accused: Person | None
    about: str | None
    concerns: tuple[str, ...]
    told: tuple[str, ...]


def unreachable(settings: Settings, today: date | None = None) -> Iterator[str]:
    """What keeps a concern from reaching anybody, in the order of the file; settings that name nothing unknown only.

    ``today`` is by default the day it is at each school.
    """
    yield from outside(settings)
    if settings.alerts.last_resort is None:
        return
    for number, outcomes in _by_school(settings, today):
        lost = [one for one in outcomes if not one.told]
        for accused, those in _by_accused(lost):
            yield (
                f"schools[{number}] ({those[0].school.id}): {_concerns(those)} reach nobody when {accused} is accused: "
                "alerts.last_resort is an address that they can read; write one outside every school and trust"
            )


def hanging(settings: Settings, today: date | None = None) -> Iterator[str]:
    """At which schools only the last resort is left, which is no mistake, yet no place for a school's matters.

    A school of one person is not told what it knows: there, whatever is about them can only go outside.
    """
    if settings.alerts.last_resort is None or not settings.holdings:
        return
    for number, outcomes in _by_school(settings, today):
        people = {person for one in outcomes for person in one.told} - {_LAST}
        alone = [one for one in outcomes if one.told == (_LAST,) and (one.accused is None or len(people) > 1)]
        if not alone:
            continue
        plain = [one for one in alone if one.accused is None]
        when = "" if plain else " when " + _some(name for name, _ in _by_accused(alone)) + " is accused"
        yield (
            f"schools[{number}] ({alone[0].school.id}): {_concerns(plain or alone)} reach alerts.last_resort "
            f"alone{when}; write who else holds a role of the chain, from when, and with a mailbox of their own"
        )


def outside(settings: Settings) -> Iterator[str]:
    """What keeps the last resort from being an address outside every school and trust."""
    last = settings.alerts.last_resort
    if last is None:
        if settings.schools:
            yield (
                "alerts.last_resort: missing; write the address that is told when nobody else can be, "
                "outside every school and trust"
            )
        return
    own = {p.id for p in settings.people if p.email.casefold() == last.casefold()}
    inside = [h for h in settings.holdings if h.person in own and h.role not in _OPERATORS]
    for holding in inside:
        yield (
            f"alerts.last_resort: {last} belongs to {holding.person!r} ({holding.role}), "
            "who may be the accused; write an address outside every school and trust"
        )
    domain = last.rpartition("@")[2].casefold()
    if not inside and domain not in _PUBLIC_MAIL:
        whose = next((why for known, why in _domains(settings) if _within(domain, known)), None)
        if whose is not None:
            yield f"alerts.last_resort: {last} is {whose}; write an address outside every school and trust"


def _domains(settings: Settings) -> Iterator[tuple[str, str]]:
    """Every domain that is a school's or trust's, with a few words that say by what."""
    for school in settings.schools:
        host = (urlsplit(school.url).hostname or "") if school.url else ""
        if host:
            yield host.removeprefix("www."), f"at the site of {school.id} ({host})"
    roles = defaultdict[str, set[str]](set)
    for holding in settings.holdings:
        roles[holding.person].add(holding.role)
    for person in settings.people:
        domain = person.email.rpartition("@")[2].casefold()
        held = sorted(roles[person.id])
        if held and not any(role in _OUTSIDE for role in held) and domain not in _PUBLIC_MAIL:
            yield domain, f"at the domain of {person.id!r} ({held[0]})"


def _within(domain: str, known: str) -> bool:
    return domain == known or domain.endswith(f".{known}")


def _by_school(settings: Settings, today: date | None) -> Iterator[tuple[int, list[Outcome]]]:
    """For each school, with its number in the file, what becomes of its concerns."""
    register = register_of(settings)
    last = Receiver(role="it_provider", person=_LAST, name="", address=settings.alerts.last_resort or "", why="")
    packs: dict[str, _Routes] = {}
    for number, school in enumerate(register.schools, 1):
        routes = packs.get(school.pack)
        if routes is None:
            try:
                routes = packs[school.pack] = _Routes(load_pack(school.pack))
            except AlertError:
                continue  # The version that was accepted last stays in force; that the file is bad is said elsewhere.
        day = today or school.day(datetime.now(UTC))
        yield number, list(outcomes_at(school, register, routes.groups, day, last))


class _Routes:
    """A pack's answers, each asked for once: concerns that go the same way are proven together."""

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self.groups = cache(self._groups)

    def _groups(self, about: str | None) -> tuple[tuple[Route, tuple[str, ...]], ...]:
        found: dict[tuple[object, ...], tuple[Route, list[str]]] = {}
        for concern in CONCERNS:
            route = self._pack.route(concern, about=about)
            if route.recipients:
                key = (route.recipients, route.alternates, route.exception is None, concern in GRAVE)
                found.setdefault(key, (route, []))[1].append(concern)
        return tuple((route, tuple(concerns)) for route, concerns in found.values())


def outcomes_at(
    school: School,
    register: Register,
    groups: Callable[[str | None], Sequence[tuple[Route, Sequence[str]]]],
    day: date,
    last: Receiver,
) -> Iterator[Outcome]:
    """What becomes of each group of concerns at one school when nobody, and when any one person, is accused.

    ``groups`` are, for the accused as roles, the routes that differ with the concerns that go by each.
    """
    for accused, about in ((None, None), *_accusations(school, register, day, last)):
        persons = () if accused is None else (accused.id,)
        for route, concerns in groups(about):
            found = reach(route, school, register, day, about=about, accused=persons, last_resort=last)
            yield Outcome(
                school=school,
                accused=accused,
                about=about,
                concerns=tuple(concerns),
                told=tuple(receiver.person for receiver in found.told),
            )


def _accusations(school: School, register: Register, day: date, last: Receiver) -> Iterator[tuple[Person, str]]:
    """Everybody who makes a difference at a school, as each of their roles and as all of them.

    Whoever neither holds a role there, nor acts for somebody who does, nor can read their mail, changes nothing.
    """
    for person in _near(school, register, last):
        roles = register.roles_of(person.id, school, day)
        yield from ((person, about) for about in dict.fromkeys((*roles, ",".join(roles) or "staff")))


def _near(school: School, register: Register, last: Receiver) -> tuple[Person, ...]:
    seats = register.held(school)
    found = dict.fromkeys(one for seat in seats for one in (seat.person, seat.deputy) if one)
    found |= dict.fromkeys(a.deputy for a in register.absences if a.person in found and a.deputy)
    found |= dict.fromkeys(p.id for p in register.people if p.address == last.address.strip().casefold())
    readers = (o for p in register.known(tuple(found)) for o in (*p.read_by, *p.administered_by))
    found |= dict.fromkeys((*readers, *(mate for one in found for mate in register.mailmates(one))))
    return register.known(dict.fromkeys(hat for one in found for hat in sorted(register.hats_of(one))))


def _by_accused(outcomes: Iterable[Outcome]) -> list[tuple[str, list[Outcome]]]:
    """Outcomes by who is accused, in words."""
    found = defaultdict[str, list[Outcome]](list)
    for one in outcomes:
        if one.accused is None:
            found["nobody"].append(one)
        else:
            found[f"{one.accused.name} ({one.accused.id})"].append(one)
    return list(found.items())


def _concerns(outcomes: Iterable[Outcome]) -> str:
    concerns = {concern for one in outcomes for concern in one.concerns}
    return _some(c for c in CONCERNS if c in concerns)


def _some(names: Iterable[str]) -> str:
    found = tuple(dict.fromkeys(names))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more
