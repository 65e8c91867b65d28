"""How much of a matter a page may show while nobody can log in and the reader is taken for the IT provider."""

from __future__ import annotations

from collections.abc import Iterable

from alerts.flag import GRAVE

# Whoever reads these pages: a matter that accuses them is not there, in no list and in no count.
READER = ("it_provider", "it_technician")
# Looking at it may itself be an offence, so not even a person with every right reads it here.
_NEVER = ("sexual_content", "indecent_image")

OPEN, FOLDED, WITHHELD, RESTRICTED, HIDDEN = "open", "folded", "withheld", "restricted", "hidden"


def disclosure(concerns: Iterable[str], about: str | None) -> str:
    """How much may be shown: ``open``, text ``folded`` or ``withheld``, ``restricted`` to what and when, ``hidden``."""
    accused = accused_of(about)
    if any(role in READER for role in accused):
        return HIDDEN
    if accused:
        return RESTRICTED
    named = tuple(concerns)
    if any(concern in _NEVER for concern in named):
        return WITHHELD
    return FOLDED if any(concern in GRAVE for concern in named) else OPEN


def accused_of(about: str | None) -> tuple[str, ...]:
    """The accused roles, which an incident joins by commas."""
    return tuple(role.strip() for role in (about or "").split(",") if role.strip())
