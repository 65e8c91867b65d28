"""Which schools and trusts have a digest of their own, and who reads it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from alerts.route import Receiver
from alerts.school import HEAD_ROLES, Person, Register, School


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
    """Who reads the digest: the Head for a school, the chief executive for a trust; each person once."""
    roles = HEAD_ROLES if schools[0].id == scope else ("ceo",)
    found: dict[str, tuple[str, Person]] = {}
    for school in schools:
        for role in roles:
            for person in register.holders(role, school, now.date()):
                found.setdefault(person.id, (role, person))
    why = "The weekly digest goes to whoever leads the school or trust."
    return tuple(Receiver(role=r, person=p.id, name=p.name, address=p.email, why=why) for r, p in found.values())
