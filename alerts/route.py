"""A policy's answer for one concern, and the people behind it today; pure."""

from __future__ import annotations

from dataclasses import dataclass

from alerts.school import Contact

# Who looks at a grave concern before it is known which school it is about: one person whom the settings name.
CHECKER = "checker"


@dataclass(frozen=True, kw_only=True)
class Exemption:
    """The clause by which the ordinary route does not hold, and its words."""

    clause: str | None
    text: str


@dataclass(frozen=True, kw_only=True)
class Route:
    """Whom a policy names for one concern: roles, by when, by which clause.

    ``recipients`` are all told; ``alternates`` are those the policy names after "or", asked when none of the
    recipients can act. ``within`` is the policy's own word, ``within_minutes`` this project's reading of it.
    ``fallback`` says that the policy is silent and the rule is this project's, ``clause`` then being ``None``.
    ``ours`` are those of the recipients whom the clause does not name itself (it names a procedure, or they are told
    beside those it names); ``aimed_at`` is the one threatened, who is told for that reason.
    ``due`` is "same working day" or "next working day" where the promise is reckoned so, and ``within_minutes`` then
    only rough. ``record`` are names of what must be written down, ``approver`` the roles without whose written
    approval nobody replies, ``gap`` what the policy does not state and is answered by this project.
    """

    concern: str
    recipients: tuple[str, ...]
    alternates: tuple[str, ...] = ()
    clause: str | None = None
    quotation: str | None = None
    within: str | None = None
    within_minutes: int
    exception: Exemption | None = None
    fallback: bool = False
    instructions: tuple[str, ...] = ()
    digest: bool = False
    ours: tuple[str, ...] = ()
    aimed_at: str | None = None
    due: str | None = None
    record: tuple[str, ...] = ()
    approver: tuple[str, ...] = ()
    gap: str | None = None


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """The person and address behind a role today, and in a sentence why it is they who are told.

    ``contact`` is another way to reach them, where it is to be used instead of their mail.
    """

    role: str
    person: str
    name: str
    address: str
    why: str
    contact: Contact | None = None


def to_checker(route: Route, steps: tuple[str, ...] = ()) -> Route:
    """The route of a concern that may be another school's: to the checker alone, with these steps, by our own rule."""
    return Route(
        concern=route.concern,
        recipients=(CHECKER,),
        within=route.within,
        within_minutes=route.within_minutes,
        fallback=True,
        instructions=steps,
    )
