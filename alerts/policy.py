"""A policy pack: which concern a label means, and whom the policy names for it, by when and by which clause."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, runtime_checkable

from alerts.case import Case
from alerts.errors import UnknownNameError
from alerts.flag import CONCERNS, GRAVE, Flag
from alerts.judgement import judge
from alerts.route import Exemption, Route
from alerts.school import HEAD_ROLES, NEVER_TOLD, ROLES, barred, title


@runtime_checkable
class PolicyPack(Protocol):
    """Judges cases by one policy."""

    def judge(self, case: Case) -> tuple[Flag, ...]:
        """Every rule of the pack that holds for the case, as flags."""
        ...


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
    ``clause`` is ``None`` where the rule is this project's own.
    """

    about: tuple[str, ...]
    recipients: tuple[str, ...]
    text: str
    alternates: tuple[str, ...] = ()
    clause: str | None = None
    within: str | None = None
    always: bool = False
    instructions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a policy's routing table.

    ``instructions`` always hold; ``ordinary`` are those that hold only while the row's own recipients are told
    (who must approve a reply, for instance). ``ours`` are the recipients whom the clause itself does not name.
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

    ``speeds`` are minutes by the policy's word, with ``grave`` and ``silent`` for where it has none; ``keep`` are the
    concerns in which the others whom the policy names are told beside those who stand in for the accused; ``chain``
    is who is left when nobody else is; ``lawful`` are the concerns that a lawful opinion withdraws.
    """

    speeds: Mapping[str, int]
    keep: tuple[str, ...]
    chain: tuple[str, ...]
    lawful: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What a route says of who is told, while it is being made."""

    recipients: tuple[str, ...]
    alternates: tuple[str, ...]
    clause: str | None
    within: str | None
    exception: Exemption | None = None
    instructions: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    aimed_at: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pack:
    """One policy, read and checked: its head, its rules and its rows, the school's own before the house's.

    A whole ``version`` is an approved one. ``head`` is the role by which the document calls the Head. ``unsure`` says
    whether an allegation that may be about a named role-holder, but need not, takes the conflict route.
    """

    name: str
    title: str
    version: str
    review: str
    document: str
    head: str
    unsure: bool
    rules: tuple[Rule, ...]
    rows: tuple[Row, ...]
    conflicts: tuple[Conflict, ...]
    house: House

    @property
    def approved(self) -> bool:
        """Whether this is an approved version, not a draft."""
        return self.version.partition(".")[2].strip("0") == ""

    def judge(self, case: Case) -> tuple[Flag, ...]:
        """Every rule of the pack that holds for the case, as flags; see :func:`alerts.judgement.judge`."""
        return judge(self, case)

    def route(
        self, concern: str, *, about: str | None = None, target: str | None = None, author: str | None = None
    ) -> Route:
        """Whom the policy names for a concern.

        ``about`` is the accused (several are joined by commas): they, and whoever reads what they read, are never
        named. ``target`` is the one aimed at, ``author`` a kind of author.

        Raises:
            UnknownNameError: a concern or role that nobody knows.
        """
        _known("concern", (concern,), CONCERNS)
        accused = self.accused(about)
        _known("role", (r for r in (target, author) if r is not None), ROLES)
        aimed = None if target is None else self.canonical(target)
        row = self._row(concern, accused, aimed, author)
        told = self._told(row, concern, accused)
        if concern == "threat" and aimed is not None:
            told = self._with_target(told, aimed, barred(accused))
        return self._finish(concern, row, told)

    def accused(self, about: str | None) -> tuple[str, ...]:
        """The accused as roles of this document: one role, or several joined by commas.

        Raises:
            UnknownNameError: a role that nobody knows.
        """
        roles = tuple(r.strip() for r in (about or "").split(",") if r.strip())
        _known("role", roles, ROLES)
        return tuple(dict.fromkeys(self.canonical(r) for r in roles))

    def canonical(self, role: str) -> str:
        """The name that this document has for a role: the Head has three."""
        return self.head if role in HEAD_ROLES else role

    def _row(self, concern: str, accused: tuple[str, ...], target: str | None, author: str | None) -> Row:
        for row in self.rows:
            if concern in row.concerns and row.when.holds(accused, target, author):
                return row
        raise UnknownNameError("concern", concern, CONCERNS)

    def _told(self, row: Row, concern: str, accused: tuple[str, ...]) -> _Told:
        recipients = self._names(row.recipients)
        ordinary = _Told(
            recipients=recipients,
            alternates=self._names(row.alternates),
            clause=row.clause,
            within=row.within,
            instructions=(*row.ordinary, *row.instructions),
            ours=self._names(row.ours),
        )
        banned = barred(accused)
        if not accused or not recipients:
            return ordinary
        left = tuple(r for r in recipients if r not in banned)
        for conflict in (*row.exceptions, *self.conflicts):
            about = self._names(conflict.about)
            if any(role in about for role in accused) and (conflict.always or not left):
                others = left if concern in self.house.keep else ()
                stand_in = self._stand_in(row, conflict, accused, others)
                if stand_in is not None:
                    return stand_in
        return self._left_over(ordinary, left, banned, accused)

    def _stand_in(
        self, row: Row, conflict: Conflict, accused: tuple[str, ...], others: tuple[str, ...]
    ) -> _Told | None:
        banned = barred(accused)
        named = [r for r in self._names(conflict.recipients) if r not in banned]
        spare = [r for r in self._names(conflict.alternates) if r not in banned]
        if not named and spare:
            named, spare = spare[:1], spare[1:]
        if not named:
            return None
        recipients = tuple(dict.fromkeys((*named, *others)))
        return _Told(
            recipients=recipients,
            alternates=tuple(r for r in spare if r not in recipients),
            clause=conflict.clause,
            within=conflict.within or row.within,
            exception=Exemption(clause=conflict.clause, text=conflict.text),
            instructions=(*conflict.instructions, *row.instructions, _not_to(accused)),
            ours=tuple(r for r in others if r not in named),
        )

    def _left_over(
        self, ordinary: _Told, left: tuple[str, ...], banned: frozenset[str], accused: tuple[str, ...]
    ) -> _Told:
        """The ordinary route without the accused; where nobody is left, the first of the chain who is not accused."""
        alternates = tuple(r for r in ordinary.alternates if r not in banned)
        if left == ordinary.recipients:
            return replace(ordinary, alternates=alternates)
        chain = tuple(r for r in self._names(self.house.chain) if r not in banned)
        names = " and ".join(title(r) for r in accused)
        return replace(
            ordinary,
            recipients=left or chain[:1],
            alternates=alternates if left else (),
            clause=ordinary.clause if left else None,
            exception=Exemption(clause=None, text=f"The concern is about the {names}, who is therefore not told."),
            instructions=(*ordinary.instructions, _not_to(accused)),
        )

    def _with_target(self, told: _Told, target: str, banned: frozenset[str]) -> _Told:
        """The same, with the one threatened among those told, or with word that a person must see to it."""
        recipients, name = told.recipients, title(target)
        if target in NEVER_TOLD:
            order = f"See to it at once that whoever is threatened ({name}) is told by a person and is safe."
        elif target in banned:
            order = f"The {name} is threatened and accused at once: a person decides how they are warned."
        else:
            recipients = tuple(dict.fromkeys((*recipients, target)))
            order = f"The threat is aimed at the {name}, who is therefore told: see to it that they are safe."
        return replace(
            told,
            recipients=recipients,
            alternates=tuple(r for r in told.alternates if r not in recipients),
            instructions=(*told.instructions, order),
            aimed_at=target if target in recipients else None,
        )

    def _finish(self, concern: str, row: Row, told: _Told) -> Route:
        return Route(
            concern=concern,
            recipients=told.recipients,
            alternates=told.alternates,
            clause=told.clause,
            quotation=row.quotation if told.clause == row.clause else None,
            within=told.within,
            within_minutes=self._minutes(concern, row, told.within),
            exception=told.exception,
            fallback=told.clause is None,
            instructions=tuple(dict.fromkeys(told.instructions)),
            digest=row.digest,
            ours=tuple(r for r in told.ours if r in told.recipients),
            aimed_at=told.aimed_at,
        )

    def _minutes(self, concern: str, row: Row, within: str | None) -> int:
        speeds = self.house.speeds
        minutes = speeds[within] if within else row.within_minutes or speeds["silent"]
        return min(minutes, speeds["grave"]) if concern in GRAVE else minutes

    def _names(self, roles: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.canonical(r) for r in roles))


def _not_to(accused: Iterable[str]) -> str:
    names = " or ".join(dict.fromkeys(title(r) for r in accused))
    return f"Do not tell, copy or show this to the {names}: it is about them."


def _known(what: str, names: Iterable[str], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise UnknownNameError(what, name, known)
