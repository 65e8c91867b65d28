"""Who can be woken at a school outside its hours, and what a school says that wakes nobody."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from alerts.exclusion import exclusion
from alerts.help import services
from alerts.route import Receiver
from alerts.school import Register, School

# The lines that answer at any hour, as the data file of official help names them.
_CRISIS = ("childline", "samaritans")


def crisis_lines() -> tuple[str, ...]:
    """Whom anybody can ring at any hour: 999 first."""
    by_id = {service.id: service for service in services()}
    lines = (f"{by_id[one].name} {by_id[one].phone[0]}" for one in _CRISIS)
    return ("999 if somebody is in danger now", *lines)


def has_cover(school: School) -> bool:
    """Whether the school has named anybody who may be woken."""
    return bool(school.night)


def night(
    school: School,
    register: Register,
    now: datetime,
    *,
    about: str | None = None,
    accused: Iterable[str] = (),
) -> tuple[Receiver, ...]:
    """Who may be woken of a matter now, in the school's order: another channel first, then another person.

    Each contact that rings at night is one receiver; a person without one is reached by mail, which is said. Nobody
    who is away, accused, or whose mailbox the accused can read, is woken; a conflict is never told by another channel,
    so that of a matter with an accused only mail is left.
    """
    day = school.day(now)
    shut = exclusion(school, register, day, about=about, accused=accused)
    found: list[Receiver] = []
    for person in register.known(school.night):
        if register.is_away(person.id, day) or shut.refusal("", person) is not None:
            continue
        role = next(iter(register.roles_of(person.id, school, day)), "staff")
        waking = () if shut.conflict else tuple(contact for contact in person.contacts if contact.wakes)
        for contact in waking or (None,):
            by = f"by {contact.channel}" if contact else "by mail, as nothing that rings is named for them"
            why = f"{school.name} names {person.name} to be woken at night ({by})."
            found.append(
                Receiver(role=role, person=person.id, name=person.name, address=person.email, why=why, contact=contact)
            )
    return tuple(found)


def cover_line(school: School) -> str | None:
    """What a school without night cover says on its pages, its report form and to its DSL; ``None`` where it has any.

    Watcher reads at night; where nobody can be woken, that has to be known before somebody relies on it.
    """
    if has_cover(school):
        return None
    hours = school.hours
    return (
        f"Nobody at {school.name} is woken at night or reads this outside {hours.start:%H:%M} to {hours.end:%H:%M} on "
        f"working days. If it cannot wait: {'; '.join(crisis_lines())}."
    )
