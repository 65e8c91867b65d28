"""What a school says that wakes nobody at night: on its pages, its report form and to its DSL."""

from __future__ import annotations

from alerts.help import services
from alerts.school import School

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
