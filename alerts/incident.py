"""Flags that are one matter to a person, and the rules by which they become one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

STATES = ("open", "acknowledged", "in_progress", "resolved", "dismissed")
OPEN_STATES = ("open", "acknowledged", "in_progress")


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One matter at one school.

    ``reference`` is random, so that a gap between two tells nothing. ``recipients`` are the roles told and
    ``about`` the accused: flags with others never join. ``keys`` are the fingerprints by which a flag joins.
    ``severity`` runs from 1 (worth knowing) to 5 (a child may come to harm).
    """

    reference: str
    school: str
    state: str
    concerns: tuple[str, ...]
    severity: int
    recipients: tuple[str, ...]
    about: str | None = None
    targets: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    opened_at: datetime
    last_flag_at: datetime
    posts: int = 0


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A flag on its way into an incident, with all that grouping looks at.

    ``mention`` is the store's number of the mention, ``post`` the key of the post, ``thread`` the thread's id (its
    own id where the post stands alone), ``author`` the author's id or ``None``, ``text`` the post's text.
    """

    flag: int
    mention: int
    school: str
    concern: str
    recipients: tuple[str, ...]
    about: str | None
    target: str | None
    post: tuple[str, str, str]
    thread: str
    author: str | None
    text: str
    at: datetime
