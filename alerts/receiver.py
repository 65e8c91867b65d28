"""From the roles that a route names to the people who hold them today, never the accused, never nobody; pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from alerts.exclusion import REFUSALS, Exclusion, exclusion
from alerts.flag import GRAVE
from alerts.night import night
from alerts.route import Receiver, Route
from alerts.school import HEAD_ROLES, Person, Register, School, title

# Who stands in for whom when nobody holds a role, or all who hold it are away: ours, in this order; a school's own
# ``stand_ins`` replace them role by role, and its ``chain`` the chain.
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


@dataclass(frozen=True, kw_only=True)
class Passed:
    """Somebody who holds a role on the way and is not told, or (``person`` is ``None``) a role that nobody holds.

    ``reason`` is one of :data:`alerts.exclusion.REFUSALS`; ``aimed`` says that they are who is threatened.
    """

    person: str | None
    role: str
    reason: str
    aimed: bool = False

    @property
    def why(self) -> str:
        """The reason in words."""
        return REFUSALS[self.reason]


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Who is told of a matter, and who was passed over on the way, each once."""

    told: tuple[Receiver, ...]
    passed: tuple[Passed, ...]


@dataclass(kw_only=True)
class _Search:
    """Who may be told of one matter at one school on one day, and who has been found so far."""

    school: School
    register: Register
    today: date
    shut: Exclusion
    found: dict[str, Receiver] = field(default_factory=dict)
    passed: dict[tuple[str | None, str], Passed] = field(default_factory=dict)

    def holders(self, role: str, *, aimed: bool = False) -> tuple[Person, ...]:
        """Everybody who holds the role today and may be told, whatever the Head is called here."""
        names = HEAD_ROLES if role in HEAD_ROLES else (role,)
        people = dict.fromkeys(p for name in names for p in self.register.holders(name, self.school, self.today))
        if not people:
            self.pass_over(None, role, "nobody")
        return tuple(p for p in people if self.may_be_told(role, p, aimed=aimed))

    def may_be_told(self, role: str, person: Person, *, aimed: bool = False) -> bool:
        """Whether nothing speaks against telling somebody by mail; if something does, that is noted."""
        refusal = self.shut.refusal(role, person)
        if refusal is not None:
            self.pass_over(person.id, role, refusal, aimed=aimed)
        return refusal is None

    def present(self, role: str) -> tuple[Person, ...]:
        """Those of the holders who are not away today."""
        return self.here(self.holders(role), role)

    def here(self, people: Iterable[Person], role: str) -> tuple[Person, ...]:
        """Those of some people who are not away today; of the others that is noted."""
        found = tuple(people)
        away = [p.id for p in found if self.register.is_away(p.id, self.today)]
        for person in away:
            self.pass_over(person, role, "away")
        return tuple(p for p in found if p.id not in away)

    def deputies(self, role: str, holder: Person) -> tuple[Person, ...]:
        """Who acts for a holder who is away; the deputies' own deputies where they are away, too."""
        named: tuple[Person, ...] = (holder,)
        seen = {holder.id}
        while named:
            asked = (d for one in named for d in self.register.deputies_of(one.id, role, self.school, self.today))
            named = tuple(d for d in dict.fromkeys(asked) if d.id not in seen and self.may_be_told(role, d))
            seen.update(deputy.id for deputy in named)
            present = self.here(named, role)
            if present:
                return present
        return ()

    def pass_over(self, person: str | None, role: str, reason: str, *, aimed: bool = False) -> None:
        """Note that somebody is not told; that it is about them counts before anything else."""
        known = self.passed.get((person, role))
        if known is None or aimed:
            self.passed[person, role] = Passed(person=person, role=role, reason=reason, aimed=aimed)

    def tell(self, role: str, people: Iterable[Person], why: str) -> None:
        """Add people, each human and each address once."""
        for person in people:
            hats = self.register.hats_of(person.id)
            if not any(receiver.person in hats for receiver in self.found.values()):
                self.found.setdefault(
                    person.address,
                    Receiver(role=role, person=person.id, name=person.name, address=person.email, why=why),
                )

    def is_here(self, receiver: Receiver) -> bool:
        """Whether somebody who is told can act on it today."""
        return not self.register.is_away(receiver.person, self.today)

    def reach(self, last: tuple[Receiver, ...] = ()) -> Reach:
        """What was found; whoever is threatened and cannot be written to has to be told by those who can."""
        taken = self.found
        told = (*taken.values(), *(one for one in last if one.address.strip().casefold() not in taken))
        hats = {hat for receiver in told for hat in self.register.hats_of(receiver.person)}
        passed = tuple(p for p in self.passed.values() if p.person not in hats)
        spoken = sorted({p.person for p in passed if p.aimed and p.person and p.reason not in ("accused", "away")})
        names = " and ".join(self.register.person(one).name for one in spoken)
        if names:
            told = tuple(replace(r, why=f"{r.why} {_IN_PERSON.format(names=names)}") for r in told)
        return Reach(told=told, passed=passed)


_IN_PERSON = "Tell {names} in person, at once: they are threatened, and others can read their mail."


def receivers(
    route: Route,
    school: School,
    register: Register,
    today: date | datetime,
    *,
    about: str | None = None,
    accused: Iterable[str] = (),
    targeted: Iterable[str] = (),
    last_resort: Receiver | tuple[Receiver, ...],
    document: str = "",
) -> tuple[Receiver, ...]:
    """The people to tell; see :func:`reach`, which also says who was passed over."""
    return reach(
        route,
        school,
        register,
        today,
        about=about,
        accused=accused,
        targeted=targeted,
        last_resort=last_resort,
        document=document,
    ).told


def reach(
    route: Route,
    school: School,
    register: Register,
    today: date | datetime,
    *,
    about: str | None = None,
    accused: Iterable[str] = (),
    targeted: Iterable[str] = (),
    last_resort: Receiver | tuple[Receiver, ...],
    document: str = "",
) -> Reach:
    """The people to tell, each once, with the reason in a sentence; never the accused, never nobody.

    ``today`` is a day, or a moment, which is the day that it is at the school. ``about`` is the accused as a role
    (several joined by commas), ``accused`` the ids of accused persons; whoever holds an accused role, or can be read
    by them, is told under none of their roles, and a matter about one of the school's own people goes to no mailbox
    that several read. ``targeted`` are the ids of those threatened. A role that nobody can act for today falls to the
    deputy of who is away, then to the policy's alternates, then to a stand-in, then along the chain, then to
    ``last_resort`` (addresses of the operator's choice, the first that is not the accused's). In grave matters those
    away are told as well; where they are the only ones, so is the last resort; and, of a moment at
    which none of them is there, those named to be woken. ``document`` is the short name of the
    policy. Nobody is told only of a route without recipients, or where every address of the last resort is the
    accused's.
    """
    day = school.day(today) if isinstance(today, datetime) else today
    by_conflict = route.exception is not None
    shut = exclusion(school, register, day, about=about, accused=accused, by_conflict=by_conflict)
    search = _Search(school=school, register=register, today=day, shut=shut)
    for role in route.recipients:
        _tell(search, role, route, document)
    _tell_targeted(search, route, targeted)
    if isinstance(today, datetime) and route.concern in GRAVE and search.found:
        _wake(search, today)
    if route.recipients and not any(search.is_here(receiver) for receiver in search.found.values()):
        return search.reach(_last(search, last_resort, _named(route, route.recipients[0], document)))
    return search.reach()


def excluded(
    school: School,
    register: Register,
    today: date | datetime,
    *,
    about: str | None = None,
    accused: Iterable[str] = (),
    by_mail: bool = False,
) -> frozenset[str]:
    """The ids of all persons who must neither be told of the matter nor see it, at whichever school they are.

    ``by_mail`` adds those who may see it themselves, but whose mailbox is not safe from the accused.
    """
    shut = exclusion(school, register, today, about=about, accused=accused)
    unsafe = {p.id for p in register.people if by_mail and shut.refusal("", p) is not None}
    return shut.persons | unsafe | {p.id for p in register.people if shut.shuts(p)}


def stand_ins(role: str, school: School) -> tuple[str, ...]:
    """The roles that act for a role for which nobody can, in order: the school's own for it, then its chain."""
    own = {one.role: one.by for one in school.stand_ins}
    names = HEAD_ROLES if role in HEAD_ROLES else (role,)
    first = next((own[name] for name in names if name in own), STAND_INS.get(role, ()))
    return tuple(dict.fromkeys((*first, *(school.chain or CHAIN))))


def _tell(search: _Search, role: str, route: Route, document: str) -> None:
    """Tell those who hold a role, or who acts for them."""
    named = _named(route, role, document)
    aimed = role == route.aimed_at
    able = search.holders(role, aimed=aimed)
    present = search.here(able, role)
    # Whoever is threatened is told, away or not, also where a colleague of the same role is there.
    search.tell(role, able if aimed else present, f"{named}.")
    if present:
        return
    if route.concern in GRAVE:
        search.tell(role, able, f"{named}; away today, and told because the matter is grave.")
    acting = [(holder, search.deputies(role, holder)) for holder in able]
    for holder, deputies in acting:
        search.tell(role, deputies, f"{named}; {holder.name} is away today and named you to act for them.")
    if not any(deputies for _, deputies in acting):
        _stand_in(search, role, route, named, away=bool(able))


def _tell_targeted(search: _Search, route: Route, targeted: Iterable[str]) -> None:
    """Tell those threatened by name, whatever they are, unless they are accused as well."""
    if route.concern != "threat":
        return
    for person in search.register.known(targeted):
        roles = search.register.roles_of(person.id, search.school, search.today)
        role = next(iter(roles), "staff")
        refusal = search.shut.refusal_as(roles, person)
        if refusal is not None:
            search.pass_over(person.id, role, refusal, aimed=True)
        else:
            search.tell(role, (person,), "The threat is aimed at you.")


def _wake(search: _Search, now: datetime) -> None:
    """Tell those whom the school names to be woken, where nobody who is told can be expected to read it now."""
    if not any(search.register.is_reachable(r.person, search.school, now) for r in search.found.values()):
        for woken in night(search.school, search.register, now, shut=search.shut):
            search.tell(woken.role, search.register.known((woken.person,)), woken.why)


def _stand_in(search: _Search, role: str, route: Route, named: str, *, away: bool) -> None:
    """Tell the first who can act for a role for which nobody can: the policy's "or", then the chain."""
    gone = "everyone who holds it is away today" if away else "nobody who may be told holds it today"
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
    juniors = {junior for accused in search.shut.held for junior in JUNIORS.get(accused, ())}
    return tuple(sorted(stand_ins(role, search.school), key=lambda other: other in juniors))


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
        if is_safe(choice, search.shut):
            return (replace(choice, why=why),)
    return ()


def is_safe(last: Receiver, shut: Exclusion) -> bool:
    """Whether an address of the last resort is none that the accused can read."""
    address = last.address.strip().casefold()
    owners = (p for p in shut.register.people if p.address == address)
    by_accused = ("accused", "read_by_accused", "administered_by_accused")
    return (
        last.person not in shut.persons
        and address not in shut.addresses
        and not any(shut.refusal("", owner) in by_accused for owner in owners)
    )
