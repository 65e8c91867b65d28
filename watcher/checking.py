"""Who is told of a grave concern while it is not confirmed which school it is about: one checker, named beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from alerts.incident import Incident
from alerts.receiver import excluded
from alerts.route import CHECKER, Receiver, Route, to_checker
from alerts.school import Register, School
from watcher.config import Settings


def is_unconfirmed(incident: Incident) -> bool:
    """Whether an incident waits for somebody to say which school it is about."""
    return incident.recipients == (CHECKER,)


class Checker:
    """Finds the one person who looks first."""

    def __init__(self, settings: Settings, last_resort: Receiver) -> None:
        self._named = settings.alerts.checker
        self._last_resort = last_resort

    def instead(
        self,
        routes: Iterable[Route],
        by_policy: Sequence[Receiver],
        incident: Incident,
        school: School,
        register: Register,
        now: datetime,
    ) -> tuple[tuple[Route, ...], tuple[Receiver, ...]]:
        """The routes and the one receiver of an incident that may be another school's.

        Where the settings name no checker, it is the first whom the school's own policy names; where the checker is
        away, takes no mail, or may be the one accused, the last resort.
        """
        steps = (
            f"Find out whether the post is about {school.name}; then say so (--about {school.id}), and the people are "
            "told whom its policy names. If it is about another of your schools, give that one's id.",
            "Nobody else has been told. If somebody may be in danger now, do not wait: act as your policy says.",
        )
        why = f"It is not confirmed that the post concerns {school.name}; "
        one = self._receiver(by_policy, incident, school, register, now)
        return tuple(to_checker(route, steps) for route in routes), tuple(
            replace(receiver, role=CHECKER, why=f"{why}{receiver.why}") for receiver in one
        )

    def _receiver(
        self, by_policy: Sequence[Receiver], incident: Incident, school: School, register: Register, now: datetime
    ) -> tuple[Receiver, ...]:
        if self._named is None:
            return tuple(replace(one, why="you are asked to look first.") for one in by_policy[:1])
        day = school.day(now)
        shut = excluded(school, register, day, about=incident.about, accused=incident.accused, by_mail=True)
        closed = {person.email.casefold() for person in register.people if person.id in shut}
        person = next((p for p in register.people if p.id == self._named), None)
        address = person.email if person else self._named
        away = person is not None and register.is_away(person.id, day)
        if "@" in address and address.casefold() not in closed and not away:
            name = person.name if person else "The checker"
            why = "the settings name you to look first."
            return (Receiver(role=CHECKER, person=self._named, name=name, address=address, why=why),)
        if self._last_resort.address.casefold() in closed:
            return ()
        return (replace(self._last_resort, why="whom the settings name to look first cannot be told today."),)
