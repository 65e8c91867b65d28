"""Who must not be told of a matter: the accused under all their hats, their bodies, and the mailboxes they read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from alerts.school import BODIES, HEAD_ROLES, NEVER_TOLD, READERS, Person, Register, School

# Among those who hold no office of their own, a colleague who reads the Head's mail is no conflict of interest.
_NO_OFFICE = ("staff", "teacher", "duty_teacher")


@dataclass(frozen=True, kw_only=True)
class Exclusion:
    """Whom and what one matter at one school is kept from on one day.

    ``named`` are the accused as roles, ``roles`` those roles and the bodies that their holders read, ``held`` every
    role that they hold; ``persons`` are their ids under all their hats, ``addresses`` where those are written to.
    ``conflict`` says that somebody of the school's or trust's people is accused, ``strict`` that they hold an office,
    or that the policy's conflict rule is what the route follows.
    """

    register: Register
    named: frozenset[str]
    roles: frozenset[str]
    held: frozenset[str]
    persons: frozenset[str]
    addresses: frozenset[str]
    conflict: bool
    strict: bool

    def shuts(self, person: Person) -> bool:
        """Whether somebody is the accused, or gets mail where the accused does."""
        return person.id in self.persons or person.address in self.addresses

    def refusal(self, role: str, person: Person) -> str | None:
        """Why a holder of a role must not be told by mail, as one of :data:`REFUSALS`; ``None`` where they may be."""
        if person.id in self.persons:
            return "accused"
        if role in self.roles:
            return "body"
        if person.address in self.addresses or self.persons & self._readers(person):
            return "read_by_accused"
        if self.persons & self._hats(person.administered_by):
            return "administered_by_accused"
        if self.conflict and (person.mailbox == "shared" or self.register.mailmates(person.id)):
            return "shared"
        return "delegated" if self.strict and person.read_by else None

    def refusal_as(self, roles: Iterable[str], person: Person) -> str | None:
        """The same for somebody who is told as themselves, whatever roles they hold: each of them may be a body."""
        return next((r for r in (self.refusal(role, person) for role in ("", *roles)) if r is not None), None)

    def _readers(self, person: Person) -> frozenset[str]:
        return self._hats((*person.read_by, *self.register.mailmates(person.id)))

    def _hats(self, persons: Iterable[str]) -> frozenset[str]:
        return frozenset(hat for person in persons for hat in self.register.hats_of(person))


# Why somebody who holds a role is not told, in words that a timeline can show.
REFUSALS = {
    "accused": "it is about them",
    "body": "the accused reads what is sent to this role",
    "read_by_accused": "the accused can read this mailbox",
    "administered_by_accused": "the accused administers this mailbox",
    "shared": "several people read this mailbox",
    "delegated": "reading this mailbox is delegated to somebody else",
    "away": "they are away today",
    "nobody": "nobody holds the role today",
}


def exclusion(
    school: School,
    register: Register,
    today: date | datetime,
    *,
    about: str | None = None,
    accused: Iterable[str] = (),
    by_conflict: bool = False,
) -> Exclusion:
    """What a matter is kept from; ``about`` are roles, joined by commas, ``accused`` ids of persons.

    A moment is the day that it is at the school. ``by_conflict`` says that the route follows a conflict rule.
    """
    day = school.day(today) if isinstance(today, datetime) else today
    said = {r.strip() for r in (about or "").split(",") if r.strip()}
    named = said | {member for role in said for member in BODIES.get(role, ())}
    if named & set(HEAD_ROLES):
        named |= set(HEAD_ROLES)
    known = {p.id for role in named for p in register.holders(role, school, day)} | set(accused)
    persons = frozenset(hat for person in known for hat in register.hats_of(person))
    held = {role for person in persons for role in register.roles_of(person, school, day)}
    bodies = {body for body, members in READERS.items() if (named | held) & set(members)}
    ours = (named | held) - set(NEVER_TOLD)
    return Exclusion(
        register=register,
        named=frozenset(named),
        roles=frozenset(named | bodies),
        held=frozenset(named | held),
        persons=persons,
        addresses=frozenset(p.address for p in register.known(persons)),
        conflict=bool(ours or persons or by_conflict),
        strict=bool(ours - set(_NO_OFFICE)) or by_conflict,
    )
