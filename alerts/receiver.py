"""From the roles that a route names to the people who hold them today, never the accused, never nobody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from alerts.flag import GRAVE
from alerts.route import Receiver, Route
from alerts.school import BODIES, HEAD_ROLES, READERS, Person, Register, School, title

# Who stands in for whom when nobody holds a role, or all who hold it are away: ours, in this order.
STAND_INS: dict[str, tuple[str, ...]] = {
    "dsl": ("deputy_dsl",),
    "deputy_dsl": ("dsl",),
    "it_technician": ("it_provider",),
    "it_provider": ("it_technician",),
    "data_lead": ("dpo",),
    "dpo": ("data_lead",),
    "chair_of_trustees": ("board_of_trustees", "ceo"),
    "board_of_trustees": ("chair_of_trustees", "ceo"),
    "chair_of_governors": ("governing_body", "ceo", "chair_of_trustees"),
    "governing_body": ("chair_of_governors", "ceo", "chair_of_trustees"),
    "ceo": ("chair_of_trustees",),
    "trust_central_team": ("ceo",),
    "duty_teacher": ("teacher",),
    "teacher": ("line_manager",),
    "trustee": ("chair_of_trustees",),
    "governor": ("chair_of_governors",),
}
CHAIN = (
    "headteacher",
    "deputy_headteacher",
    "chair_of_governors",
    "ceo",
    "chair_of_trustees",
    "dsl",
    "governing_body",
    "board_of_trustees",
)


# Those who work for somebody should not have to act when it is about them.
JUNIORS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(HEAD_ROLES, ("deputy_headteacher", "dsl", "deputy_dsl")),
    "dsl": ("deputy_dsl",),
}


@dataclass(kw_only=True)
class _Search:
    """Who may be told of one matter at one school on one day, and who has been found so far."""

    school: School
    register: Register
    today: date
    roles: frozenset[str]
    accused_roles: frozenset[str]
    persons: frozenset[str]
    addresses: frozenset[str]
    found: dict[str, Receiver] = field(default_factory=dict)

    def holders(self, role: str) -> tuple[Person, ...]:
        """Everybody who holds the role today and is not the accused, whatever the Head is called here."""
        names = HEAD_ROLES if role in HEAD_ROLES else (role,)
        people = (p for name in names for p in self.register.holders(name, self.school, self.today))
        return tuple(dict.fromkeys(p for p in people if self.may_be_told(role, p)))

    def may_be_told(self, role: str, person: Person) -> bool:
        """Whether neither the role, nor the person, nor the address is the accused's."""
        return role not in self.roles and person.id not in self.persons and _address(person) not in self.addresses

    def present(self, role: str) -> tuple[Person, ...]:
        """Those of the holders who are not away today."""
        return tuple(p for p in self.holders(role) if not self.register.is_away(p.id, self.today))

    def tell(self, role: str, people: Iterable[Person], why: str) -> None:
        """Add people, each person and each address once."""
        for person in people:
            known = any(r.person == person.id for r in self.found.values())
            if not known:
                self.found.setdefault(
                    _address(person),
                    Receiver(role=role, person=person.id, name=person.name, address=person.email, why=why),
                )


def receivers(
    route: Route,
    school: School,
    register: Register,
    today: date,
    *,
    about: str | None = None,
    accused: Iterable[str] = (),
    last_resort: Receiver | tuple[Receiver, ...],
    document: str = "",
) -> tuple[Receiver, ...]:
    """The people to tell, each once, with the reason in a sentence; never the accused, never nobody.

    ``about`` is the accused as a role (several joined by commas), ``accused`` the ids of accused persons; whoever
    holds an accused role, or shares an address with them, is told under none of their roles. A role that nobody can
    act for today falls to the policy's alternates, then to a stand-in, then to ``last_resort`` (addresses of the
    operator's choice, the first that is not the accused's). In grave matters those away are told as well.
    ``document`` is the short name of the policy. Empty only for a route without recipients, or where every address
    of the last resort is the accused's.
    """
    search = _search(school, register, today, about, accused)
    for role in route.recipients:
        named = _named(route, role, document)
        present = search.present(role)
        if present:
            search.tell(role, present, f"{named}.")
            continue
        if route.concern in GRAVE:
            search.tell(role, search.holders(role), f"{named}; away today, and told because the matter is grave.")
        _stand_in(search, role, route, named)
    if route.recipients and not search.found:
        return _last(search, last_resort, _named(route, route.recipients[0], document))
    return tuple(search.found.values())


def excluded(
    school: School, register: Register, today: date, *, about: str | None = None, accused: Iterable[str] = ()
) -> frozenset[str]:
    """The ids of all persons who must neither be told of the matter nor see it."""
    search = _search(school, register, today, about, accused)
    return search.persons | {p.id for p in register.people if _address(p) in search.addresses}


def _search(school: School, register: Register, today: date, about: str | None, accused: Iterable[str]) -> _Search:
    named = {r.strip() for r in (about or "").split(",") if r.strip()}
    roles = named | {member for role in named for member in BODIES.get(role, ())}
    if roles & set(HEAD_ROLES):
        roles |= set(HEAD_ROLES)
    persons = frozenset({p.id for r in roles for p in register.holders(r, school, today)} | set(accused))
    held = {role for person in persons for role in register.roles_of(person, school, today)}
    mailboxes = {body for body, members in READERS.items() if (roles | held) & set(members)}
    return _Search(
        school=school,
        register=register,
        today=today,
        roles=frozenset(roles | mailboxes),
        accused_roles=frozenset(roles | held),
        persons=persons,
        addresses=frozenset(_address(p) for p in register.people if p.id in persons),
    )


def _stand_in(search: _Search, role: str, route: Route, named: str) -> None:
    """Tell the first who can act for a role for which nobody can: the policy's "or", then the chain."""
    gone = "everyone who holds it is away today" if search.holders(role) else "nobody who may be told holds it today"
    for other in route.alternates:
        people = search.present(other)
        if people:
            why = f"{named} or the {title(other)}; as {gone}, the {title(other)} at {search.school.name} is told."
            return search.tell(other, people, why)
    for other in _chain(search, role):
        people = search.present(other)
        if people:
            why = f"{named}, but {gone} at {search.school.name}: the {title(other)} stands in by the house rule."
            return search.tell(other, people, why)
    return None


def _chain(search: _Search, role: str) -> tuple[str, ...]:
    """Who may stand in, in order; those who work for the accused come last."""
    juniors = {junior for accused in search.accused_roles for junior in JUNIORS.get(accused, ())}
    order = dict.fromkeys((*STAND_INS.get(role, ()), *CHAIN))
    return tuple(sorted(order, key=lambda other: other in juniors))


def _named(route: Route, role: str, document: str) -> str:
    if role == route.aimed_at:
        return f"The threat is aimed at the {title(role)}"
    if route.clause is None:
        return f"No clause of the policy names anyone; the house rule names the {title(role)}"
    clause = f"{document} {route.clause}".strip()
    if role in route.ours:
        return f"{clause} applies, and by the house's reading the {title(role)} is told"
    return f"{clause} names the {title(role)}"


def _last(search: _Search, last_resort: Receiver | tuple[Receiver, ...], named: str) -> tuple[Receiver, ...]:
    why = f"{named}, but nobody at {search.school.name} can be told today: the last resort is told."
    choices = last_resort if isinstance(last_resort, tuple) else (last_resort,)
    for choice in choices:
        if choice.person not in search.persons and choice.address.strip().casefold() not in search.addresses:
            return (replace(choice, why=why),)
    return ()


def _address(person: Person) -> str:
    return person.email.strip().casefold()
