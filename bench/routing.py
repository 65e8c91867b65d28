"""Whether any generated case tells the accused, leaves out whom a threat names, or reaches nobody; prints JSON.

    python bench/routing.py [--cases 100000] [--first 0]

A case is a concern of a pack with an accused, an author and a target, on a moment, at a school whose people hold roles
by chance: seats that begin and end, deputies, absences, hours, several rows for one human, mailboxes that are shared,
delegated or administered by others, a chain of the school's own. Case n is the same on every machine, so that a run
can be split and gone on with (``--first``). What is right is worked out here once more from the rows alone, without the
code that routes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from random import Random
from zoneinfo import ZoneInfo

from alerts.flag import CONCERNS, GRAVE
from alerts.packs import PACKS, load_pack
from alerts.receiver import Reach, excluded, reach
from alerts.route import Receiver, Route
from alerts.school import (
    BODIES,
    HEAD_ROLES,
    NEVER_TOLD,
    READERS,
    ROLES,
    Absence,
    Contact,
    Holding,
    Hours,
    Person,
    Register,
    School,
    StandIn,
    Trust,
)
from alerts.viewer import HIDDEN, Sight, Viewer, may_see, roles_in

HELD = tuple(role for role in ROLES if role not in NEVER_TOLD)
# Most schools have these; the rest of the roles come by chance.
USUAL = ("headteacher", "dsl", "deputy_dsl", "chair_of_governors", "ceo", "deputy_headteacher", "hr", "dpo")
LAST = Receiver(role="it_provider", person="last_resort", name="Duty", address="duty@it.example", why="")
PEOPLE = 10
LATER = timedelta(days=5)
FAULTS = ("accused told", "accused shown", "target untold", "no recipient", "no clause")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One matter at the first school of a register at a moment, and who is threatened by name."""

    number: int
    pack: str
    register: Register
    at: datetime
    concern: str
    about: str | None
    accused: tuple[str, ...]
    author: str | None
    target: str | None
    targeted: tuple[str, ...]

    @property
    def school(self) -> School:
        """The school whose matter it is."""
        return self.register.schools[0]

    @property
    def day(self) -> date:
        """The day at the school."""
        return self.at.astimezone(ZoneInfo(self.school.timezone)).date()


def case(number: int) -> Case:
    """The case of that number."""
    by = Random(number)
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=by.randrange(2 * 365 * 24 * 60))
    pack = by.choice(PACKS)
    ids = [f"p{n}" for n in range(PEOPLE)]
    return Case(
        number=number,
        pack=pack,
        register=_register(by, pack, ids, at.date()),
        at=at,
        concern="threat" if by.random() < 0.2 else by.choice(CONCERNS),
        about=_about(by),
        accused=tuple(by.sample(ids, by.randint(1, 2))) if by.random() < 0.3 else (),
        author=by.choice(ROLES) if by.random() < 0.4 else None,
        target=by.choice(ROLES) if by.random() < 0.5 else None,
        targeted=tuple(by.sample(ids, by.randint(1, 2))) if by.random() < 0.3 else (),
    )


def _about(by: Random) -> str | None:
    if by.random() < 0.3:
        return None
    return ",".join(dict.fromkeys(by.choices((*USUAL, *ROLES), k=2 if by.random() < 0.15 else 1)))


def _register(by: Random, pack: str, ids: Sequence[str], day: date) -> Register:
    chain = tuple(by.sample(HELD, by.randint(1, 4))) if by.random() < 0.3 else ()
    own = tuple(StandIn(role=r, by=tuple(by.sample(HELD, 2))) for r in by.sample(HELD, 2)) if by.random() < 0.3 else ()
    night = tuple(by.sample(ids, by.randint(1, 3))) if by.random() < 0.4 else ()
    hill = School(id="hill", name="Hill School", pack=pack, trust="vale", chain=chain, stand_ins=own, night=night)
    return Register(
        schools=(hill, School(id="dale", name="Dale School", pack=pack, trust="vale")),
        trusts=(Trust(id="vale", name="Vale Trust"),),
        people=tuple(_person(by, one, ids) for one in ids),
        holdings=tuple(_holding(by, ids, day) for _ in range(by.randint(0, 16))),
        absences=tuple(_absence(by, ids, day) for _ in range(by.randint(0, 5))),
    )


def _person(by: Random, one: str, ids: Sequence[str]) -> Person:
    others = [other for other in ids if other != one]
    place = one if by.random() < 0.85 else by.choice(others)
    address = f"{place}@vale.example"
    return Person(
        id=one,
        name=f"Person {one}",
        email=address.upper() if by.random() < 0.2 else address,
        mailbox="shared" if by.random() < 0.15 else "own",
        read_by=tuple(by.sample(others, 1)) if by.random() < 0.15 else (),
        administered_by=tuple(by.sample(others, 1)) if by.random() < 0.15 else (),
        same_as=by.choice(others) if by.random() < 0.12 else None,
        hours=Hours(days=tuple(range(7)), start=clock(20), end=clock(7)) if by.random() < 0.1 else None,
        contacts=(Contact(channel="sms", address=one, wakes=by.random() < 0.5),) if by.random() < 0.2 else (),
    )


def _holding(by: Random, ids: Sequence[str], day: date) -> Holding:
    where = by.random()
    dated = by.random() < 0.3
    return Holding(
        person=by.choice(ids),
        role=by.choice(USUAL) if by.random() < 0.6 else by.choice(HELD),
        school=None if where < 0.25 else "dale" if where < 0.35 else "hill",
        trust="vale" if where < 0.25 else None,
        start=day + timedelta(days=by.randint(-3, 2)) if dated else None,
        end=day + timedelta(days=by.randint(2, 9) - 3) if dated else None,
        deputy=by.choice(ids) if by.random() < 0.25 else None,
    )


def _absence(by: Random, ids: Sequence[str], day: date) -> Absence:
    start = day + timedelta(days=by.randint(-4, 1))
    deputy = by.choice(ids) if by.random() < 0.4 else None
    return Absence(person=by.choice(ids), start=start, end=start + timedelta(days=by.randint(0, 6)), deputy=deputy)


# What is right, from the rows alone. --------------------------------------------------------------------------------


def humans(register: Register, ids: Iterable[str]) -> frozenset[str]:
    """Every row of the humans behind some rows."""
    found = set(ids)
    while True:
        more = {p.same_as for p in register.people if p.id in found and p.same_as}
        more |= {p.id for p in register.people if p.same_as in found}
        if more <= found:
            return frozenset(found)
        found |= more


def holding(register: Register, school: School, day: date, roles: Iterable[str]) -> set[str]:
    """The ids of all who hold one of the roles."""
    wanted = set(roles)
    return {
        h.person
        for h in register.holdings
        if h.role in wanted
        and (h.start is None or h.start <= day)
        and (h.end is None or day <= h.end)
        and (h.school == school.id or (h.school is None and h.trust == school.trust))
    }


def accused_roles(about: str | None) -> set[str]:
    """The roles that are accused, bodies by their members, the Head by all three names."""
    said = set((about or "").split(",")) - {""}
    said |= {member for role in said for member in BODIES.get(role, ())}
    return said | set(HEAD_ROLES) if said & set(HEAD_ROLES) else said


def faults(of: Case) -> Iterator[str]:
    """What is wrong with how a case is told, as one of :data:`FAULTS`."""
    route = load_pack(of.pack).route(of.concern, about=of.about, target=of.target, author=of.author)
    found = _told(of, route)
    roles = accused_roles(of.about)
    accused = humans(of.register, {*holding(of.register, of.school, of.day, roles), *of.accused})
    if any(_is_theirs(receiver, of, roles, accused) for receiver in found.told):
        yield "accused told"
    # A matter keeps who is accused from the day on which it is opened; seats and absences go on.
    kept = excluded(of.school, of.register, of.at, about=of.about, accused=of.accused)
    after = replace(of, at=of.at + LATER, accused=tuple(sorted(kept)))
    if any(one.person in accused for one in _told(after, route).told):
        yield "accused told"
    if _is_shown(of, kept, accused) or _is_shown(after, kept, accused):
        yield "accused shown"
    if of.concern == "threat" and _is_untold(of, route, found, accused):
        yield "target untold"
    if route.recipients and not any(_can_act(receiver, of) for receiver in found.told):
        yield "no recipient"
    if not (route.clause or route.fallback) or not all(_says_why(receiver, route) for receiver in found.told):
        yield "no clause"


def _told(of: Case, route: Route) -> Reach:
    return reach(
        route,
        of.school,
        of.register,
        of.at,
        about=of.about,
        accused=of.accused,
        targeted=of.targeted,
        last_resort=LAST,
        document=load_pack(of.pack).document,
    )


def _is_theirs(receiver: Receiver, of: Case, roles: set[str], accused: frozenset[str]) -> bool:
    """Whether the accused would learn of it by this mail."""
    if receiver.person == LAST.person:
        return False
    address = receiver.address.casefold()
    sharing = {p.id for p in of.register.people if p.email.casefold() == address}
    person = next(p for p in of.register.people if p.id == receiver.person)
    near = humans(of.register, {*sharing, *person.read_by, *person.administered_by, person.id})
    held = {r for r in ROLES if holding(of.register, of.school, of.day, (r,)) & accused} | roles
    at_body = receiver.person in holding(of.register, of.school, of.day, (receiver.role,))
    body = at_body and bool(set(READERS.get(receiver.role, ())) & held)
    others = sharing - humans(of.register, (receiver.person,))
    several = bool(accused) and (person.mailbox == "shared" or bool(others))
    return bool(near & accused) or body or several


def _is_shown(of: Case, kept: frozenset[str], accused: frozenset[str]) -> bool:
    """Whether one of them could see it at any school, in a mail or as whatever they hold there today on a page."""
    if not accused <= kept or not accused <= excluded(of.register.schools[1], of.register, of.at, accused=kept):
        return True
    sight = Sight(concerns=(of.concern,), about=roles_in(of.about), accused=tuple(kept), told=tuple(kept))
    for school in of.register.schools:
        for person in accused:
            roles = frozenset(r for r in ROLES if person in holding(of.register, school, of.day, (r,)))
            if may_see(Viewer(roles=roles, person=person), sight) != HIDDEN:
                return True
    return False


def _is_untold(of: Case, route: Route, found: Reach, accused: frozenset[str]) -> bool:
    """Whether somebody threatened is neither written to nor told by those who are."""
    if of.target is not None and route.aimed_at is None and not any("threatened" in i for i in route.instructions):
        return True
    aimed = HEAD_ROLES if route.aimed_at in HEAD_ROLES else (route.aimed_at or "",)
    meant = {*holding(of.register, of.school, of.day, aimed), *of.targeted} - accused
    told = {r.person for r in found.told}
    addresses = {r.address.casefold() for r in found.told}
    for person in of.register.people:
        written = person.email.casefold() in addresses or bool(humans(of.register, (person.id,)) & told)
        spoken = all(f"{person.name} " in r.why and "in person, at once" in r.why for r in found.told)
        if person.id in meant and not written and not (found.told and spoken):
            return True
    return False


def _can_act(receiver: Receiver, of: Case) -> bool:
    rows = humans(of.register, (receiver.person,))
    return not any(a.person in rows and a.start <= of.day <= a.end for a in of.register.absences)


def _says_why(receiver: Receiver, route: Route) -> bool:
    """Whether the reason names the clause, or that it is our own rule, the threat, or who is to be woken."""
    named = "house rule" in receiver.why or (route.clause is not None and route.clause in receiver.why)
    return named or "threat is aimed" in receiver.why or "to be woken" in receiver.why


def main() -> None:
    """Count the faults of a run of cases."""
    given = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    given.add_argument("--cases", type=int, default=100_000)
    given.add_argument("--first", type=int, default=0)
    asked = given.parse_args()
    began, counts, wrong = time.monotonic(), Counter[str](), list[tuple[int, str]]()
    for number in range(asked.first, asked.first + asked.cases):
        one = case(number)
        counts["with an accused"] += bool(one.about or one.accused)
        counts["of a grave concern"] += one.concern in GRAVE
        counts["of a threat with a target"] += one.concern == "threat" and bool(one.target or one.targeted)
        wrong += [(number, fault) for fault in faults(one)]
    found = Counter(fault for _, fault in wrong)
    print(
        json.dumps(
            {
                "cases": asked.cases,
                "first": asked.first,
                "seconds": round(time.monotonic() - began, 1),
                **counts,
                "faults": {name: found[name] for name in FAULTS},
                "examples": wrong[:10],
            },
            indent=2,
        )
    )
    raise SystemExit(1 if wrong else 0)


if __name__ == "__main__":
    main()
