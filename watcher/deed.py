"""What a person may do about a matter, and doing it: to take it, hand it over or back, escalate it, end it."""

from __future__ import annotations

from datetime import datetime

from alerts.flag import GRAVE
from alerts.incident import Incident
from alerts.receiver import excluded
from alerts.school import NEVER_TOLD, Register, School
from watcher.errors import RefusedError
from watcher.store import Store

# Whoever looks after Watcher: what concerns a child's safety or somebody's conduct is not theirs.
_PROVIDERS = ("it_provider", "it_technician")
_NEEDS_WHY = ("handed_over", "handed_back", "escalated", "resolved", "dismissed", "reopened")


def act(store: Store, reference: str, what: str, by: str, to: str | None, why: str, now: datetime) -> Incident:
    """Do something about an incident in a person's name; ``by`` and ``to`` are ids of people in the settings.

    Raises:
        RefusedError: it is not theirs to do, or cannot be done now; the sentence tells nothing of the matter.
    """
    incident, school, register = known(store, reference)
    check_by(store, incident, school, register, by, now)
    if to is not None:
        _check_to(incident, school, register, to, now)
    if what in _NEEDS_WHY and not why.strip():
        raise RefusedError('say why, without names or words of a post: --why "…"; the timeline keeps it')
    return store.incidents.act(reference, what, by, to, why.strip(), now)


def known(store: Store, reference: str) -> tuple[Incident, School, Register]:
    """The incident of that reference with its school and everybody in the register.

    Raises:
        RefusedError: there is none, or its school is watched no more.
    """
    view = store.views.incident(reference, posts=0)
    register = store.register.all()
    school = None if view is None else next((s for s in register.schools if s.id == view.incident.school), None)
    if view is None or school is None:
        raise RefusedError(f"there is no incident {reference}")
    return view.incident, school, register


def check_by(store: Store, incident: Incident, school: School, register: Register, by: str, now: datetime) -> None:
    """Refuse whoever the matter was not brought to, and whoever must not know of it: with the same words for both.

    Raises:
        RefusedError: it is not theirs.
    """
    if all(person.id != by for person in register.people):
        raise RefusedError(f"there is no person {by!r} in the settings; --by takes the id of one of [[people]]")
    day = school.day(now)
    shut = excluded(school, register, day, about=incident.about, accused=incident.accused)
    told = {n.receiver for n in store.notices.of(incident.reference)} | {incident.held_by}
    hats = register.hats_of(by)
    held = {role for hat in hats for role in register.roles_of(hat, school, day)}
    if hats & shut or not (hats & told or held & set(incident.recipients)):
        raise RefusedError(
            f"{by} cannot do this about {incident.reference}: it is for those to whom Watcher has brought it, "
            "who can hand it over to somebody else"
        )


def _check_to(incident: Incident, school: School, register: Register, to: str, now: datetime) -> None:
    """Refuse to give a matter to whoever must not have it, or could do nothing about it."""
    person = next((p for p in register.people if p.id == to), None)
    if person is None:
        raise RefusedError(f"there is no person {to!r} in the settings; --to takes the id of one of [[people]]")
    day = school.day(now)
    shut = excluded(school, register, day, about=incident.about, accused=incident.accused, by_mail=True)
    offices = set(register.roles_of(to, school, day)) - set(NEVER_TOLD)
    if incident.about is not None or set(incident.concerns) & set(GRAVE):
        offices -= set(_PROVIDERS)
    if register.hats_of(to) & shut or not offices:
        raise RefusedError(f"{incident.reference} cannot be given to {to}; choose somebody else")
    if register.is_away(to, day):
        raise RefusedError(f"{to} is away today; choose somebody who is there")
