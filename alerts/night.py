"""Who can be woken at a school outside its hours."""

from __future__ import annotations

from datetime import datetime

from alerts.exclusion import Exclusion, exclusion
from alerts.route import Receiver
from alerts.school import Register, School


def night(school: School, register: Register, now: datetime, *, shut: Exclusion | None = None) -> tuple[Receiver, ...]:
    """Who may be woken of a matter now, in the school's order: by another channel first, then another person.

    Each contact that rings at night is one receiver; a person without one is reached by mail, which is said. ``shut``
    is whom the matter is kept from: none of those is woken, and a matter with an accused is told by mail alone, as no
    other channel is safe for it. Nor is anybody who is away.
    """
    day = school.day(now)
    barred = shut or exclusion(school, register, day)
    found: list[Receiver] = []
    for person in register.known(school.night):
        roles = register.roles_of(person.id, school, day)
        if register.is_away(person.id, day) or barred.refusal_as(roles, person) is not None:
            continue
        role = next(iter(roles), "staff")
        waking = () if barred.conflict else tuple(contact for contact in person.contacts if contact.wakes)
        for contact in waking or (None,):
            by = f"by {contact.channel}" if contact else "by mail"
            why = f"It is outside hours, and {school.name} names {person.name} to be woken ({by})."
            found.append(
                Receiver(role=role, person=person.id, name=person.name, address=person.email, why=why, contact=contact)
            )
    return tuple(found)
