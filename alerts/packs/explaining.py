"""Why a pack names whom it names: each step of one decision, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from alerts.policy import Pack
from alerts.record import in_words
from alerts.route import Route
from alerts.row import Row, When
from alerts.school import barred, title


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step: what was asked, and what came of it."""

    what: str
    said: str


def explain(
    pack: Pack, concern: str, *, about: str | None = None, target: str | None = None, author: str | None = None
) -> tuple[Step, ...]:
    """The steps by which the pack answers a concern.

    Raises:
        UnknownNameError: a concern or role that nobody knows.
    """
    chosen = pack.row(concern, about=about, target=target, author=author)
    route = pack.route(concern, about=about, target=target, author=author)
    steps = [
        Step(what=f"row {row.id} passed over", said=condition(row.when, pack.house.groups))
        for row in _before(pack, concern, chosen)
    ]
    steps.append(Step(what=f"row {chosen.id} holds", said=_row(pack, chosen)))
    steps += _accused(pack, route, about)
    steps += _answer(route)
    return tuple(steps)


def _before(pack: Pack, concern: str, chosen: Row) -> Iterator[Row]:
    for row in pack.rows:
        if row is chosen:
            return
        if concern in row.concerns:
            yield row


def condition(when: When, groups: Mapping[str, tuple[str, ...]]) -> str:
    """A row's condition in words; a whole group is named, not counted out."""
    parts = [
        f"{name} {' or '.join(_grouped(roles, groups))}"
        for name, roles in (("about", when.about), ("target", when.target), ("author", when.author))
        if roles
    ]
    return f"only for {'; '.join(parts)}" if parts else "for everybody"


def _grouped(roles: tuple[str, ...], groups: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    for name, members in sorted(groups.items(), key=lambda group: -len(group[1])):
        if set(members) <= set(roles):
            return (f"@{name}", *(role for role in roles if role not in members))
    return roles


def _row(pack: Pack, row: Row) -> str:
    where = f"{pack.document} {row.clause}" if row.clause else "house rule, the policy is silent"
    told = ", ".join(row.recipients) or "nobody: it goes to the weekly digest"
    return f"{where}: {told} ({condition(row.when, pack.house.groups)})"


def _accused(pack: Pack, route: Route, about: str | None) -> Iterator[Step]:
    accused = pack.accused(about)
    if not accused:
        yield Step(what="nobody accused", said="the ordinary route holds")
        return
    names = ", ".join(title(role) for role in accused)
    yield Step(what="never told", said=f"{names}, and {', '.join(sorted(barred(accused)))}: it is about them")
    if route.exception is not None:
        clause = f"{pack.document} {route.exception.clause}" if route.exception.clause else "house rule"
        yield Step(what="exception", said=f"{clause}: {route.exception.text}")


def _answer(route: Route) -> Iterator[Step]:
    yield Step(what="told", said=", ".join(route.recipients) or "nobody: it goes to the weekly digest")
    for what, roles in (
        ("or else", route.alternates),
        ("not named by the clause", route.ours),
        ("replies approved by", route.approver),
    ):
        if roles:
            yield Step(what=what, said=", ".join(roles))
    if route.aimed_at is not None:
        yield Step(what="threatened, so told", said=route.aimed_at)
    if route.gap is not None:
        yield Step(what="not stated", said=f"{route.gap} What is done instead is our rule, not the policy's.")
    yield Step(what="by when", said=by_when(route))
    if route.quotation:
        yield Step(what="the policy's words", said=f"“{route.quotation}”")
    for record in in_words(route.record):
        yield Step(what="to be recorded", said=record)
    for order in route.instructions:
        yield Step(what="to do", said=order)


def by_when(route: Route) -> str:
    """The policy's own word, and how it is read here."""
    ours = route.due or f"{route.within_minutes} minutes"
    return f"“{route.within}”, which we read as {ours}" if route.within else f"no speed is stated; ours: {ours}"
