"""Who may see how much of a matter: the accused nothing, the IT provider of safeguarding and staff next to nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from alerts.school import BODIES, barred

# Those who run Watcher and see to it that it works; what is safeguarding or staff is none of their business.
PROVIDER = ("it_provider", "it_technician")
# Who may open a closed matter to them, for a limited time.
OPENERS = ("dsl", "deputy_dsl")
# Safeguarding, whatever the post says; cyberbullying where it is a pupil's, or may be.
SAFEGUARDING = ("self_harm", "child_at_risk", "threat", "sexual_content", "indecent_image", "extremism")
STAFF_MATTERS = ("misconduct_allegation", "staff_conduct", "contact_with_pupil")
CLOSED = (*SAFEGUARDING, *STAFF_MATTERS, "illegal_activity", "protected_identity")
OF_PUPILS = "cyberbullying"
PUPILS = ("pupil", "ex_pupil")
# Looking at it may itself be an offence, so not even a person with every right reads it here.
NEVER_SHOWN = ("sexual_content", "indecent_image", "protected_identity")

# How much a viewer sees, from nothing on: it is not there; its number and whether the messages arrived; all but the
# posts' text; all, the text behind a fold; all.
HIDDEN, SHUT, WITHHELD, FOLDED, OPEN = "hidden", "closed", "withheld", "folded", "open"


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Somebody in front of a page or a terminal: the roles held at the matter's school, and who it is where known."""

    roles: frozenset[str]
    person: str | None = None

    @property
    def is_provider(self) -> bool:
        """Whether they hold no role but the IT provider's."""
        return bool(self.roles) and self.roles <= set(PROVIDER)


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What of a matter, or of a post in all its matters, decides who may see it.

    ``about`` are the accused roles, ``accused`` the persons behind them, ``told`` the persons who were told of it;
    ``opened`` says that it is open to the IT provider for now.
    """

    concerns: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    accused: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    opened: bool = False


def may_see(viewer: Viewer, of: Sight) -> str:
    """How much of it the viewer may see: ``hidden``, ``closed``, ``withheld``, ``folded`` or ``open``.

    A matter that accuses somebody is seen by nobody who holds the accused role or reads its mailboxes, and beside the
    provider's roles only by those who were told.
    """
    if viewer.person in of.accused or not viewer.roles or viewer.roles & _accused(of.about):
        return HIDDEN
    if viewer.is_provider and is_closed(of) and not of.opened:
        return SHUT
    if of.about and not viewer.is_provider and viewer.person not in of.told:
        return HIDDEN
    if any(concern in NEVER_SHOWN for concern in of.concerns):
        return WITHHELD
    return FOLDED if any(concern in SAFEGUARDING for concern in of.concerns) else OPEN


def is_closed(of: Sight) -> bool:
    """Whether it is closed to the IT provider's roles: safeguarding, or a matter of staff."""
    if of.about or any(concern in CLOSED for concern in of.concerns):
        return True
    return OF_PUPILS in of.concerns and is_of_pupil(of.targets)


def is_of_pupil(targets: Collection[str]) -> bool:
    """Whether abuse is aimed at a pupil, or at nobody knows whom."""
    return not targets or any(target in PUPILS for target in targets)


def roles_in(about: str | None) -> tuple[str, ...]:
    """The accused roles, which an incident joins by commas."""
    return tuple(role.strip() for role in (about or "").split(",") if role.strip())


def _accused(about: Iterable[str]) -> frozenset[str]:
    """Everybody who is accused, or reads what the accused reads."""
    roles = tuple(about)
    members = (member for role in roles for member in BODIES.get(role, ()))
    return barred((*roles, *members))
