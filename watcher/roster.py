"""The settings' rows of people and schools as the nouns of the register."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from alerts.school import Absence, Contact, Holding, Hours, Period, Person, Register, School, StandIn, Trust
from watcher.config import HoursRow, PeriodRow, PersonRow, SchoolRow, Settings
from watcher.terms import school_of

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def person_of(row: PersonRow) -> Person:
    """The person that a row describes."""
    plain = row.model_dump(exclude={"hours", "contacts"})
    contacts = tuple(Contact(**contact.model_dump()) for contact in row.contacts)
    return Person(**plain, hours=hours_of(row.hours) if row.hours else None, contacts=contacts)


def full_school_of(row: SchoolRow, settings: Settings) -> School:
    """The school that a row describes, with its hours and the chain that the settings declare for it."""
    return replace(
        school_of(row),
        hours=hours_of(row.hours),
        terms=_periods(row.terms),
        closed=_periods(row.closed),
        chain=settings.alerts.chain,
        stand_ins=_stand_ins(row.id, settings),
    )


def register_of(settings: Settings) -> Register:
    """The register as the settings have it, before anything is stored."""
    return Register(
        schools=tuple(full_school_of(row, settings) for row in settings.schools),
        trusts=tuple(Trust(**row.model_dump()) for row in settings.trusts),
        people=tuple(person_of(row) for row in settings.people),
        holdings=tuple(Holding(**row.model_dump()) for row in settings.holdings),
        absences=tuple(Absence(**row.model_dump()) for row in settings.absences),
    )


def hours_of(row: HoursRow) -> Hours:
    """The hours that a row describes."""
    return Hours(days=tuple(sorted({_DAYS.index(day) for day in row.days})), start=row.start, end=row.end)


def _periods(rows: Iterable[PeriodRow]) -> tuple[Period, ...]:
    return tuple(Period(name=row.name, start=row.start, end=row.end or row.start) for row in rows)


def _stand_ins(school: str, settings: Settings) -> tuple[StandIn, ...]:
    """What is declared for the school alone goes before what holds for all."""
    rows = sorted(settings.stand_ins, key=lambda row: row.school is None)
    found = {row.role: row.by for row in reversed(rows) if row.school in (None, school)}
    return tuple(StandIn(role=role, by=by) for role, by in sorted(found.items()))
