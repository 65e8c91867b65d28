"""A policy pack: which concern a label means, and whom the policy names for it, by when and by which clause."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Protocol, runtime_checkable

from alerts.case import Case
from alerts.errors import UnknownNameError
from alerts.flag import CONCERNS, GRAVE, Flag
from alerts.judgement import judge
from alerts.route import Exemption, Route
from alerts.row import Conflict, Gap, House, Row, Rule, When
from alerts.school import HEAD_ROLES, NEVER_TOLD, ROLES, barred, title

# A caller finds the parts beside the whole.
__all__ = ["Conflict", "Gap", "House", "Pack", "PolicyPack", "Row", "Rule", "When", "tag"]


@runtime_checkable
class PolicyPack(Protocol):
    """Judges cases by one policy."""

    def judge(self, case: Case) -> tuple[Flag, ...]:
        """Every rule of the pack that holds for the case, as flags."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What a route says of who is told, while it is being made."""

    recipients: tuple[str, ...]
    alternates: tuple[str, ...]
    clause: str | None
    within: str | None
    quotation: str | None = None
    exception: Exemption | None = None
    instructions: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    aimed_at: str | None = None
    approver: tuple[str, ...] = ()
    record: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pack:
    """One policy, read and checked: its head, its rules and its rows, the school's own before the house's.

    A whole ``version`` is an approved one. ``head`` is the role by which the document calls the Head. ``unsure`` says
    whether an allegation that may be about a named role-holder, but need not, takes the conflict route. ``review`` is
    what the document says of its review, ``review_on`` the day by which it is due and ``review_told`` who is reminded;
    ``digest`` is of all that the pack rests on.
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
    gaps: tuple[Gap, ...] = ()
    review_on: date | None = None
    review_told: tuple[str, ...] = ("headteacher",)
    digest: str = field(default="", compare=False)

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
        return self._finish(concern, row, told, accused)

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

    def row(
        self, concern: str, *, about: str | None = None, target: str | None = None, author: str | None = None
    ) -> Row:
        """The row by which a concern is routed: the first that fits.

        Raises:
            UnknownNameError: a concern or role that nobody knows.
        """
        return self._row(concern, self.accused(about), None if target is None else self.canonical(target), author)

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
            quotation=row.quotation,
            instructions=(*row.ordinary, *row.instructions),
            ours=self._names(row.ours),
            approver=self._names(row.approver),
            record=row.record,
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
            quotation=conflict.quotation,
            approver=self._approver(row, conflict, named, banned),
            record=tuple(dict.fromkeys((*conflict.record, *row.record))),
            exception=Exemption(clause=conflict.clause, text=conflict.text),
            instructions=(*conflict.instructions, *row.instructions, _not_to(accused)),
            ours=tuple(r for r in others if r not in named),
        )

    def _approver(self, row: Row, conflict: Conflict, named: list[str], banned: frozenset[str]) -> tuple[str, ...]:
        """Who approves a reply where the ordinary approver may be the one it is about: those who stand in."""
        wanted = self._names(conflict.approver or (named if row.approver else ()))
        return tuple(role for role in wanted if role not in banned)

    def _left_over(
        self, ordinary: _Told, left: tuple[str, ...], banned: frozenset[str], accused: tuple[str, ...]
    ) -> _Told:
        """The ordinary route without the accused; where nobody is left, the first of the chain who is not accused."""
        alternates = tuple(r for r in ordinary.alternates if r not in banned)
        chain = tuple(r for r in self._names(self.house.chain) if r not in banned)
        approver = tuple(r for r in ordinary.approver if r not in banned)
        if ordinary.approver and not approver:
            approver = left or chain[:1]
        ordinary = replace(ordinary, approver=approver)
        if left == ordinary.recipients:
            return replace(ordinary, alternates=alternates)
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

    def _finish(self, concern: str, row: Row, told: _Told, accused: tuple[str, ...]) -> Route:
        return Route(
            concern=concern,
            recipients=told.recipients,
            alternates=told.alternates,
            clause=told.clause,
            quotation=told.quotation if told.clause is not None else None,
            within=told.within,
            within_minutes=self._minutes(concern, row, told.within),
            due=self._day(concern, row, told.within),
            exception=told.exception,
            fallback=told.clause is None,
            instructions=tuple(dict.fromkeys(told.instructions)),
            digest=row.digest,
            ours=tuple(r for r in told.ours if r in told.recipients),
            aimed_at=told.aimed_at,
            approver=told.approver,
            record=told.record,
            gap=self._gap(concern, told, accused),
        )

    def _gap(self, concern: str, told: _Told, accused: tuple[str, ...]) -> str | None:
        """What the policy leaves unstated here, or ``None``; the narrowest sentence first."""
        found = sorted(
            (gap for gap in self.gaps if gap.holds(concern, accused)),
            key=lambda gap: (not gap.about, not gap.concerns),
        )
        if told.clause is None:
            return found[0].text if found else f"{self.document} does not state who is told of this."
        return next((gap.text for gap in found if gap.concerns and not gap.about), None)

    def _minutes(self, concern: str, row: Row, within: str | None) -> int:
        speeds = self.house.speeds
        minutes = speeds[within] if within else row.within_minutes or speeds["silent"]
        return min(minutes, speeds["grave"]) if concern in GRAVE else minutes

    def _day(self, concern: str, row: Row, within: str | None) -> str | None:
        """The working day by which it is due; ``None`` where it is minutes."""
        if concern in GRAVE or (within is None and row.within_minutes is not None):
            return None
        return self.house.days.get(within or "silent")

    def _names(self, roles: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.canonical(r) for r in roles))


def tag(pack: Pack) -> str:
    """The mark of a pack's version and content: any other has its schools' mentions judged again."""
    return f"{pack.name}@{pack.version}+{pack.digest[:12]}" if pack.digest else f"{pack.name}@{pack.version}"


def _not_to(accused: Iterable[str]) -> str:
    names = " or ".join(dict.fromkeys(title(r) for r in accused))
    return f"Do not tell, copy or show this to the {names}: it is about them."


def _known(what: str, names: Iterable[str], known: tuple[str, ...]) -> None:
    for name in names:
        if name not in known:
            raise UnknownNameError(what, name, known)
