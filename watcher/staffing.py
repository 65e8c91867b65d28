"""What is wrong with the people in the settings: names that must exist, dates and hours in order, who acts for whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from alerts.school import NEVER_TOLD, ROLES
from watcher.config import PeriodRow, SchoolRow, Settings

# Who can be told, and so may hold a role, stand in, or stand in the chain.
_HELD = tuple(role for role in ROLES if role not in NEVER_TOLD)


def staffing_problems(settings: Settings) -> Iterator[str]:
    """What keeps people from being told as the settings mean it, each with its key and what to write instead."""
    people = frozenset(person.id for person in settings.people)
    yield from _people(settings, people)
    yield from _holdings(settings, people)
    for number, away in enumerate(settings.absences, 1):
        key = f"absences[{number}]"
        yield from _known(f"{key}.person", away.person, people)
        if away.end < away.start:
            yield f"{key}.until: {away.end} is before from ({away.start})"
        yield from _deputy(key, away.deputy, away.person, people)
    for number, role in enumerate(settings.alerts.chain, 1):
        yield from _known(f"alerts.chain[{number}]", role, _HELD)
    yield from _stand_ins(settings)
    for number, school in enumerate(settings.schools, 1):
        yield from _calendar(f"schools[{number}]", school)
        for place, person in enumerate(school.night, 1):
            yield from _known(f"schools[{number}].night[{place}]", person, people)


def staffing_notes(settings: Settings) -> Iterator[str]:
    """What may be meant and is worth a look: one human under two names, and schools without others' night cover."""
    same = defaultdict[str, list[str]](list)
    for person in settings.people:
        same[" ".join(person.name.casefold().split())].append(person.id)
    tied = {(person.id, person.same_as) for person in settings.people if person.same_as}
    for ids in same.values():
        if len(ids) > 1 and not any((one, other) in tied for one in ids for other in ids):
            yield (
                f"people: {', '.join(ids)} have the same name; if they are one human, write same_as, so that what is "
                "about them reaches them under neither"
            )
    asleep = [school.id for school in settings.schools if not school.night]
    if 0 < len(asleep) < len(settings.schools):
        yield (
            f"schools: {_some(asleep)} name nobody to be woken (night): what is found after hours waits for the "
            "morning, and mails and pages say so"
        )


def _people(settings: Settings, people: frozenset[str]) -> Iterator[str]:
    for number, person in enumerate(settings.people, 1):
        key = f"people[{number}]"
        for name, ids in (("read_by", person.read_by), ("administered_by", person.administered_by)):
            for one in ids:
                yield from _known(f"{key}.{name}", one, people)
                if one == person.id:
                    yield f"{key}.{name}: {one!r} is the person themselves; name only others"
        if person.same_as is not None:
            yield from _known(f"{key}.same_as", person.same_as, people)
            if person.same_as == person.id:
                yield f"{key}.same_as: {person.id!r} is this row itself; write the id of the other row, or leave it out"


def _holdings(settings: Settings, people: frozenset[str]) -> Iterator[str]:
    schools = frozenset(school.id for school in settings.schools)
    trusts = frozenset(trust.id for trust in settings.trusts)
    for number, row in enumerate(settings.holdings, 1):
        key = f"holdings[{number}]"
        yield from _known(f"{key}.person", row.person, people)
        yield from _known(f"{key}.role", row.role, _HELD)
        if (row.school is None) == (row.trust is None):
            yield f"{key}: name either school or trust"
        if row.school is not None:
            yield from _known(f"{key}.school", row.school, schools)
        if row.trust is not None:
            yield from _known(f"{key}.trust", row.trust, trusts)
        if row.start is not None and row.end is not None and row.end < row.start:
            yield f"{key}.until: {row.end} is before from ({row.start})"
        yield from _deputy(key, row.deputy, row.person, people)


def _deputy(key: str, deputy: str | None, person: str, people: frozenset[str]) -> Iterator[str]:
    if deputy is not None:
        yield from _known(f"{key}.deputy", deputy, people)
        if deputy == person:
            yield f"{key}.deputy: {deputy!r} cannot act for themselves; name somebody else, or leave it out"


def _stand_ins(settings: Settings) -> Iterator[str]:
    schools = frozenset(school.id for school in settings.schools)
    for number, row in enumerate(settings.stand_ins, 1):
        key = f"stand_ins[{number}]"
        yield from _known(f"{key}.role", row.role, _HELD)
        for place, role in enumerate(row.by, 1):
            yield from _known(f"{key}.by[{place}]", role, _HELD)
        if row.role in row.by:
            yield f"{key}.by: {row.role!r} cannot stand in for itself"
        if row.school is not None:
            yield from _known(f"{key}.school", row.school, schools)
    for (role, school), n in Counter((row.role, row.school) for row in settings.stand_ins).items():
        if n > 1:
            where = school or "all schools"
            yield f"stand_ins: {role!r} stands there {n} times for {where}; write all who stand in into one by"


def _calendar(key: str, school: SchoolRow) -> Iterator[str]:
    hours = school.hours
    if hours.end <= hours.start:
        yield f"{key}.hours.until: {hours.end:%H:%M} is not after from ({hours.start:%H:%M})"
    for number, term in enumerate(school.terms, 1):
        if term.end is None:
            yield f"{key}.terms[{number}].until: missing; write the last day of the term"
    for name, periods in (("terms", school.terms), ("closed", school.closed)):
        yield from _ordered(f"{key}.{name}", periods)


def _ordered(key: str, periods: Iterable[PeriodRow]) -> Iterator[str]:
    for number, period in enumerate(periods, 1):
        if period.end is not None and period.end < period.start:
            yield f"{key}[{number}].until: {period.end} is before from ({period.start})"


def _known(key: str, value: str, known: Iterable[str]) -> Iterator[str]:
    if value not in known:
        names = known if isinstance(known, tuple) else sorted(known)
        yield f"{key}: {value!r} is unknown; known are {_some(names) or 'none yet'}"


def _some(names: Iterable[str], most: int = 40) -> str:
    """Names in a sentence, not more than can be read."""
    found = tuple(names)
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")
