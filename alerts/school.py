"""The people's side: trusts, schools, persons, the roles they hold and when they are away; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cached_property
from operator import itemgetter
from zoneinfo import ZoneInfo

# The vocabulary of roles; packs, commands and settings use these names, and new ones may only be added.
ROLES = (
    "headteacher",
    "head_of_school",
    "associate_headteacher",
    "deputy_headteacher",
    "ceo",
    "dsl",
    "deputy_dsl",
    "chair_of_governors",
    "chair_of_trustees",
    "governing_body",
    "board_of_trustees",
    "hr",
    "data_lead",
    "dpo",
    "line_manager",
    "leadership_team",
    "it_provider",
    "it_technician",
    "office",
    "trust_central_team",
    "local_authority",
    "police",
    "teacher",
    "duty_teacher",
    "legal",
    "trustee",
    "staff",
    "pupil",
    "ex_pupil",
    "parent",
    "governor",
    "press",
    "public",
    "unknown",
)
# One head, three names: whoever is accused under one of them is accused under all.
HEAD_ROLES = ("headteacher", "head_of_school", "associate_headteacher")
# Kinds of people who never get an automatic notice: they hold no office, or a person must decide to call them.
NEVER_TOLD = ("local_authority", "police", "pupil", "ex_pupil", "parent", "press", "public", "unknown")

# Shared mailboxes and bodies: what is sent there is read by all of these, so none of them may be the accused.
READERS: dict[str, tuple[str, ...]] = {
    "governing_body": ("chair_of_governors", "governor", *HEAD_ROLES),
    "board_of_trustees": ("chair_of_trustees", "trustee", "ceo"),
    "leadership_team": (*HEAD_ROLES, "deputy_headteacher", "dsl"),
    "trust_central_team": ("ceo",),
    "staff": (*HEAD_ROLES, "deputy_headteacher", "dsl", "deputy_dsl", "teacher", "duty_teacher", "line_manager"),
    "teacher": ("staff", "duty_teacher"),
    "duty_teacher": ("staff", "teacher"),
    "governor": ("chair_of_governors", "governing_body"),
    "trustee": ("chair_of_trustees", "board_of_trustees"),
}
# Who is meant when a body is accused.
BODIES: dict[str, tuple[str, ...]] = {
    "governing_body": ("chair_of_governors", "governor"),
    "board_of_trustees": ("chair_of_trustees", "trustee"),
    "leadership_team": (*HEAD_ROLES, "deputy_headteacher", "dsl", "deputy_dsl"),
    "trust_central_team": ("ceo",),
}


def barred(accused: Iterable[str]) -> frozenset[str]:
    """Every role that must not be told when these are accused: theirs, and the mailboxes that they read."""
    persons: set[str] = set()
    for role in accused:
        persons.update((role, *BODIES.get(role, ())))
    if persons & set(HEAD_ROLES):
        persons.update(HEAD_ROLES)
    return frozenset(persons | {body for body, members in READERS.items() if persons & set(members)})


def title(role: str) -> str:
    """A role as people say it: ``chair_of_governors`` is the chair of governors, ``dsl`` the DSL."""
    capitals = {"ceo": "CEO", "dsl": "DSL", "dpo": "DPO", "hr": "HR", "it": "IT"}
    return " ".join(capitals.get(word, word) for word in role.split("_"))


# Whose names are public enough to be looked for, together with the school's name; nobody else's ever are.
PUBLIC_ROLES = (*HEAD_ROLES, "ceo", "chair_of_governors", "chair_of_trustees")


@dataclass(frozen=True, kw_only=True)
class RoleHolder:
    """Somebody who stands for a school in public (``PUBLIC_ROLES``), by name, until a day that counts as well."""

    name: str
    role: str
    end: date

    def __post_init__(self) -> None:
        """Refuse whoever does not stand for the school in public."""
        if self.role not in PUBLIC_ROLES:
            raise ValueError(f"role {self.role!r} is not one of {', '.join(PUBLIC_ROLES)}")


@dataclass(frozen=True, kw_only=True)
class Trust:
    """A trust of several schools."""

    id: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Hours:
    """When somebody is there: days of the week (Monday is 0), from an hour until an hour of local time.

    An end that is not after the start is one of the next morning: night duty from 20:00 until 07:00.
    """

    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    start: time = time(8, 0)
    end: time = time(17, 0)

    @property
    def overnight(self) -> bool:
        """Whether they run into the next day."""
        return self.end <= self.start

    def cover(self, moment: datetime) -> bool:
        """Whether a moment, in local time, lies in them; the end itself does not."""
        day, at = moment.weekday(), moment.time()
        if not self.overnight:
            return day in self.days and self.start <= at < self.end
        return (day in self.days and at >= self.start) or ((day - 1) % 7 in self.days and at < self.end)


@dataclass(frozen=True, kw_only=True)
class Period:
    """A span of days, both counted: a term, or days on which a school is closed."""

    start: date
    end: date
    name: str = ""

    def covers(self, day: date) -> bool:
        """Whether the day lies in it."""
        return self.start <= day <= self.end


@dataclass(frozen=True, kw_only=True)
class Contact:
    """Another way to reach a person than their mail: a channel of the settings, and whom it is to ask for there.

    ``wakes`` says that it rings at night. Secrets are the channel's, never part of this.
    """

    channel: str
    address: str
    wakes: bool = False


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """Who acts for a role for which nobody can act: other roles, in this order, before the chain."""

    role: str
    by: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class School:
    """One school: the names it goes by, where it is, and which policy pack speaks for it.

    ``role_holders`` are looked for by name, only together with the school's name and only until their end;
    ``languages`` (ISO 639 codes such as ``en``) are those in which it is looked for, none meaning all.
    ``corrections`` is what it has agreed to: that what its people say of the models' labels is not kept (``off``), is
    kept to teach a model that reads this school alone (``own``), or also together with other schools' (``pooled``).
    ``nation`` decides the bank holidays; ``hours`` are those in which somebody reads mail, in the terms (none: all the
    year) and not on days ``closed``. ``night`` are the ids of those who may be woken, in their order; none means that
    the school has no night cover. ``chain`` are the roles along which a matter falls for which nobody can act, none
    meaning the house's; ``stand_ins`` come before it, role by role.
    """

    id: str
    name: str
    pack: str
    trust: str | None = None
    short_names: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    hashtags: tuple[str, ...] = ()
    town: str | None = None
    postcode_areas: tuple[str, ...] = ()
    not_about: tuple[str, ...] = ()
    timezone: str = "Europe/London"
    url: str | None = None
    corrections: str = "off"
    role_holders: tuple[RoleHolder, ...] = ()
    languages: tuple[str, ...] = ()
    nation: str = "england"
    hours: Hours = Hours()
    terms: tuple[Period, ...] = ()
    closed: tuple[Period, ...] = ()
    night: tuple[str, ...] = ()
    chain: tuple[str, ...] = ()
    stand_ins: tuple[StandIn, ...] = ()

    def local(self, moment: datetime) -> datetime:
        """A moment as the school's own clock shows it."""
        return moment.astimezone(ZoneInfo(self.timezone))

    def day(self, moment: datetime) -> date:
        """The day that it is at the school: in summer, UTC is still at yesterday for an hour after midnight."""
        return self.local(moment).date()


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who can be told; ``email`` is where.

    ``mailbox`` says whether it is theirs alone (``own``) or one that several read (``shared``); ``read_by`` are the ids
    of those to whom reading it is delegated, ``administered_by`` of those who could open it. ``same_as`` is the id
    under which the same human stands in the register once more. ``hours``, none meaning the school's, and ``contacts``
    are when and how else they can be reached.
    """

    id: str
    name: str
    email: str
    hours: Hours | None = None
    contacts: tuple[Contact, ...] = ()
    mailbox: str = "own"
    read_by: tuple[str, ...] = ()
    administered_by: tuple[str, ...] = ()
    same_as: str | None = None

    @property
    def address(self) -> str:
        """The address as addresses are compared."""
        return self.email.strip().casefold()


@dataclass(frozen=True, kw_only=True)
class Holding:
    """A person holds a role at a school, or at a trust (then for all its schools), from a day until a day.

    ``deputy`` is the id of the person who acts for them in this role while they are away.
    """

    person: str
    role: str
    school: str | None = None
    trust: str | None = None
    start: date | None = None
    end: date | None = None
    deputy: str | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the role is held on that day; both ends count."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@dataclass(frozen=True, kw_only=True)
class Absence:
    """A person cannot act from a day until a day, both counted; ``deputy`` acts for them in whatever role.

    ``why`` says how it is known: from the settings (``file``), an out-of-office reply (``mail``) or a ``person``.
    """

    person: str
    start: date
    end: date
    deputy: str | None = None
    why: str = "file"

    def covers(self, day: date) -> bool:
        """Whether the person is away on that day."""
        return self.start <= day <= self.end


@dataclass(frozen=True, kw_only=True)
class Register:
    """All schools, trusts, people, holdings and absences as they stand."""

    schools: tuple[School, ...] = ()
    trusts: tuple[Trust, ...] = ()
    people: tuple[Person, ...] = ()
    holdings: tuple[Holding, ...] = ()
    absences: tuple[Absence, ...] = ()

    def school(self, school_id: str) -> School:
        """The school of that id.

        Raises:
            KeyError: there is none.
        """
        return self._schools[school_id]

    def person(self, person_id: str) -> Person:
        """The person of that id.

        Raises:
            KeyError: there is none.
        """
        return self._people[person_id]

    def known(self, persons: Iterable[str]) -> tuple[Person, ...]:
        """The people of these ids, without those who are not in the register."""
        return tuple(self._people[one] for one in persons if one in self._people)

    def holders(self, role: str, school: School, day: date) -> tuple[Person, ...]:
        """Who holds the role for the school on that day, through the school itself or through its trust."""
        return self.known(dict.fromkeys(h.person for h in self.held(school) if h.role == role and h.holds_on(day)))

    def roles_of(self, person: str, school: School, day: date) -> tuple[str, ...]:
        """Every role that the person holds for the school on that day."""
        held = {h.role for h in self.held(school) if h.person == person and h.holds_on(day)}
        return tuple(r for r in ROLES if r in held)

    def is_away(self, person: str, day: date) -> bool:
        """Whether the person, under whichever of their hats, has said that they are away on that day."""
        return any(a.covers(day) for hat in self.hats_of(person) for a in self._away.get(hat, ()))

    def hats_of(self, person: str) -> frozenset[str]:
        """Every id under which the human of that id stands in the register, this one among them."""
        return self._hats.get(person) or frozenset((person,))

    def deputies_of(self, person: str, role: str, school: School, day: date) -> tuple[Person, ...]:
        """Who acts for a person in a role on that day: by their absence first, then by the holding, away or not."""
        hats = self.hats_of(person)
        named = [a.deputy for hat in hats for a in self._away.get(hat, ()) if a.covers(day)]
        named += [h.deputy for h in self.held(school) if h.person in hats and h.role == role and h.holds_on(day)]
        return self.known(dict.fromkeys(deputy for deputy in named if deputy and deputy not in hats))

    def is_reachable(self, person: str, school: School, now: datetime) -> bool:
        """Whether a person can be expected to read their mail now: not away, in their hours, no day it is closed."""
        local = school.local(now)
        if self.is_away(person, local.date()):
            return False
        for own in (one.hours for one in self.known((person,)) if one.hours is not None):
            return own.cover(local)
        is_closed = any(p.covers(local.date()) for p in school.closed)
        in_term = not school.terms or any(p.covers(local.date()) for p in school.terms)
        return in_term and not is_closed and school.hours.cover(local)

    def mailmates(self, person: str) -> frozenset[str]:
        """The ids of those who have the same address as a person and are somebody else: it is shared in fact."""
        return frozenset().union(*(self._addresses[p.address] for p in self.known((person,)))) - self.hats_of(person)

    def held(self, school: School) -> Iterable[Holding]:
        """Every holding at the school and its trust, whenever it holds, in the order of the register."""
        own = self._holdings.get(("school", school.id), ())
        trusts = self._holdings.get(("trust", school.trust), ()) if school.trust is not None else ()
        return (holding for _, holding in sorted((*own, *trusts), key=itemgetter(0)))

    @cached_property
    def _schools(self) -> Mapping[str, School]:
        return {school.id: school for school in reversed(self.schools)}

    @cached_property
    def _people(self) -> Mapping[str, Person]:
        return {person.id: person for person in reversed(self.people)}

    @cached_property
    def _holdings(self) -> Mapping[tuple[str, str], tuple[tuple[int, Holding], ...]]:
        found: dict[tuple[str, str], list[tuple[int, Holding]]] = defaultdict(list)
        for n, holding in enumerate(self.holdings):
            if holding.school is not None:
                found["school", holding.school].append((n, holding))
            elif holding.trust is not None:
                found["trust", holding.trust].append((n, holding))
        return {key: tuple(held) for key, held in found.items()}

    @cached_property
    def _away(self) -> Mapping[str, tuple[Absence, ...]]:
        found: dict[str, list[Absence]] = defaultdict(list)
        for absence in self.absences:
            found[absence.person].append(absence)
        return {person: tuple(away) for person, away in found.items()}

    @cached_property
    def _addresses(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = defaultdict(set)
        for person in self.people:
            found[person.address].add(person.id)
        return {address: frozenset(ids) for address, ids in found.items()}

    @cached_property
    def _hats(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for person in self.people:
            if person.same_as is not None:
                one = found.get(person.id, frozenset((person.id,)))
                hats = one | found.get(person.same_as, frozenset((person.same_as,)))
                found.update(dict.fromkeys(hats, hats))
        return found
