"""What a policy pack is made of: rules from labels to concerns, rows of the routing table, conflicts, and gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# What a promise in working days may say, with the minutes that it is at most where no calendar is at hand.
WORKING_DAYS = {"same working day": 480, "next working day": 1440}


@dataclass(frozen=True, kw_only=True)
class When:
    """Under which accused, target and author a row holds; an empty tuple asks for nothing, ``none`` is: not given."""

    about: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    author: tuple[str, ...] = ()

    @property
    def asks(self) -> bool:
        """Whether the row holds only for some."""
        return bool(self.about or self.target or self.author)

    def holds(self, accused: tuple[str, ...], target: str | None, author: str | None) -> bool:
        """Whether the row holds for these."""
        return (
            (not self.about or any(role in self.about for role in accused or ("none",)))
            and (not self.target or (target or "none") in self.target)
            and (not self.author or (author or "none") in self.author)
        )


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """Who is told when the concern is about one whom the policy would otherwise tell.

    ``always`` says that it holds for every concern about them, not only where they would have been told.
    ``clause`` is ``None`` where the rule is this project's own. ``approver`` are the roles that approve a reply instead
    of those whom it is about.
    """

    about: tuple[str, ...]
    recipients: tuple[str, ...]
    text: str
    alternates: tuple[str, ...] = ()
    clause: str | None = None
    within: str | None = None
    always: bool = False
    instructions: tuple[str, ...] = ()
    quotation: str | None = None
    approver: tuple[str, ...] = ()
    record: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a policy's routing table.

    ``instructions`` always hold; ``ordinary`` are those that hold only while the row's own recipients are told
    (who must approve a reply, for instance). ``ours`` are the recipients whom the clause itself does not name.
    ``record`` are names of what must be written down (see :mod:`alerts.record`), ``approver`` the roles without whose
    written approval nobody replies.
    """

    id: str
    concerns: tuple[str, ...]
    recipients: tuple[str, ...]
    alternates: tuple[str, ...] = ()
    clause: str | None = None
    quotation: str | None = None
    within: str | None = None
    within_minutes: int | None = None
    when: When = When()
    exceptions: tuple[Conflict, ...] = ()
    instructions: tuple[str, ...] = ()
    ordinary: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    digest: bool = False
    record: tuple[str, ...] = ()
    approver: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Gap:
    """What a policy does not state, in a sentence: for concerns, for those it is about, or for both together."""

    id: str
    text: str
    concerns: tuple[str, ...] = ()
    about: tuple[str, ...] = ()

    def holds(self, concern: str, accused: tuple[str, ...]) -> bool:
        """Whether the policy is silent here; a gap that names nobody holds where nobody is accused, too."""
        return (not self.concerns or concern in self.concerns) and (
            not self.about or any(role in self.about for role in accused)
        )


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Which labels, under which conditions, raise which concern.

    ``official`` and ``alleged`` are ``None`` where it does not matter; ``alleged`` asks for a named or described
    role-holder together with an allegation. ``image`` asks whether a picture or film hangs on the post (``None``: it
    does not matter), ``formats`` for plain forms of words (see :mod:`alerts.format`), any of which is enough.
    ``raise_at`` and ``review_at`` replace the model's operating point.
    """

    id: str
    concern: str
    labels: tuple[str, ...] = ()
    official: bool | None = None
    alleged: bool | None = None
    target: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    image: bool | None = None
    formats: tuple[str, ...] = ()
    raise_at: float | None = None
    review_at: float | None = None


@dataclass(frozen=True, kw_only=True)
class House:
    """This project's own settings, on which every pack stands and which a school's file may replace.

    ``speeds`` are minutes by the policy's word, with ``grave`` and ``silent`` for where it has none; ``days`` say of
    the words that are reckoned in working days which day that is, and their minutes are then rough. ``keep`` are the
    concerns in which the others whom the policy names are told beside those who stand in for the accused; ``chain``
    is who is left when nobody else is; ``lawful`` are the concerns that a lawful opinion withdraws; ``groups`` are the
    names that stand for several kinds of people.
    """

    speeds: Mapping[str, int]
    keep: tuple[str, ...]
    chain: tuple[str, ...]
    lawful: tuple[str, ...]
    days: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
