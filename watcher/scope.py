"""Which schools and trusts have a digest of their own, and who reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from alerts.receiver import stand_ins
from alerts.route import Receiver
from alerts.school import HEAD_ROLES, Person, Register, School, title

# Who may read of all the schools of a trust; who looks after Watcher reads no digest, at a school either.
_OF_TRUST = ("ceo", "chair_of_trustees", "board_of_trustees", "trust_central_team")
_PROVIDERS = ("it_provider", "it_technician")
_WHY = "The weekly digest goes to whoever leads the school or trust."


def scopes(register: Register) -> Iterator[tuple[str, tuple[School, ...]]]:
    """Every school by itself, and every trust with all of its schools."""
    for school in register.schools:
        yield school.id, (school,)
    for trust in register.trusts:
        schools = tuple(s for s in register.schools if s.trust == trust.id)
        if schools and all(s.id != trust.id for s in register.schools):
            yield trust.id, schools


def trust_name(register: Register, trust: str) -> str:
    """A trust's name."""
    return next((t.name for t in register.trusts if t.id == trust), trust)


def leaders(scope: str, schools: Sequence[School], register: Register, now: datetime) -> tuple[Receiver, ...]:
    """Who reads the digest: the Head for a school, the chief executive for a trust; each person once.

    Where nobody holds that role today, the first who stands in for it along the chain; whoever acts for a Head or
    chief executive who is away reads it beside them.
    """
    of_school = schools[0].id == scope
    roles = HEAD_ROLES if of_school else ("ceo",)
    found = _holders(roles, schools, register, now)
    if found:
        return _receivers([*found, *_deputies(found, schools, register, now)], _WHY)
    for other in stand_ins(roles[0], schools[0]):
        able = other not in _PROVIDERS if of_school else other in _OF_TRUST
        acting = _holders((other,), schools, register, now) if able else []
        present = [(r, p) for r, p in acting if not register.is_away(p.id, schools[0].day(now))]
        if present:
            return _receivers(present, f"{_WHY} Nobody is {title(roles[0])} today, and the {title(other)} stands in.")
    return ()


def _holders(
    roles: Sequence[str], schools: Sequence[School], register: Register, now: datetime
) -> list[tuple[str, Person]]:
    held = (
        (role, person)
        for school in schools
        for role in roles
        for person in register.holders(role, school, school.day(now))
    )
    return list({person.id: (role, person) for role, person in reversed(list(held))}.values())[::-1]


def _deputies(
    found: Sequence[tuple[str, Person]], schools: Sequence[School], register: Register, now: datetime
) -> Iterator[tuple[str, Person]]:
    for school in schools:
        day = school.day(now)
        for role, person in found:
            if register.is_away(person.id, day):
                yield from ((role, deputy) for deputy in register.deputies_of(person.id, role, school, day))


def _receivers(found: Sequence[tuple[str, Person]], why: str) -> tuple[Receiver, ...]:
    first: dict[str, Receiver] = {}
    for role, person in found:
        first.setdefault(
            person.id, Receiver(role=role, person=person.id, name=person.name, address=person.email, why=why)
        )
    return tuple(first.values())
