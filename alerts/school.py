"""The people's side: trusts, schools, persons, the roles they hold and when they are away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

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
class School:
    """One school: the names it goes by, where it is, and which policy pack speaks for it.

    ``role_holders`` are looked for by name, only together with the school's name and only until their end;
    ``languages`` (ISO 639 codes such as ``en``) are those in which it is looked for, none meaning all.
    ``corrections`` is what it has agreed to: that what its people say of the models' labels is not kept (``off``), is
    kept to teach a model that reads this school alone (``own``), or also together with other schools' (``pooled``).
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


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who can be told; ``email`` is where."""

    id: str
    name: str
    email: str


@dataclass(frozen=True, kw_only=True)
class Holding:
    """A person holds a role at a school, or at a trust (then for all its schools), from a day until a day."""

    person: str
    role: str
    school: str | None = None
    trust: str | None = None
    start: date | None = None
    end: date | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the role is held on that day; both ends count."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@dataclass(frozen=True, kw_only=True)
class Absence:
    """A person cannot act from a day until a day, both counted."""

    person: str
    start: date
    end: date

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
        for school in self.schools:
            if school.id == school_id:
                return school
        raise KeyError(school_id)

    def person(self, person_id: str) -> Person:
        """The person of that id.

        Raises:
            KeyError: there is none.
        """
        for person in self.people:
            if person.id == person_id:
                return person
        raise KeyError(person_id)

    def holders(self, role: str, school: School, day: date) -> tuple[Person, ...]:
        """Who holds the role for the school on that day, through the school itself or through its trust."""
        found = [
            self.person(h.person)
            for h in self.holdings
            if h.role == role
            and h.holds_on(day)
            and (h.school == school.id or (h.school is None and h.trust is not None and h.trust == school.trust))
        ]
        return tuple(dict.fromkeys(found))

    def roles_of(self, person: str, school: School, day: date) -> tuple[str, ...]:
        """Every role that the person holds for the school on that day."""
        return tuple(r for r in ROLES if any(p.id == person for p in self.holders(r, school, day)))

    def is_away(self, person: str, day: date) -> bool:
        """Whether the person has said that they are away on that day."""
        return any(a.person == person and a.covers(day) for a in self.absences)
