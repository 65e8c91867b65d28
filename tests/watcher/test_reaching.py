"""check-config proves who is reached, and names what is wrong with people; all schools and people are invented."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from alerts.flag import CONCERNS
from watcher.check import notes, problems
from watcher.config import Settings
from watcher.reaching import hanging, outside, unreachable

DAY = date(2026, 11, 20)
SEATS = ("headteacher", "deputy_headteacher", "dsl", "chair_of_governors")


def settings(last: str | None = "duty@it.example", seats: tuple[str, ...] = SEATS, **more: Any) -> Settings:
    people = [{"id": r.replace("_", "-"), "name": r.title(), "email": f"{r}@hill.example"} for r in seats]
    held = [{"person": r.replace("_", "-"), "role": r, "school": "hill"} for r in seats]
    given = {
        "schools": [{"id": "hill", "name": "Hill School", "pack": "wessex"}],
        "people": people,
        "holdings": held,
        "alerts": {"last_resort": last} if last else {},
    }
    return Settings(**{**given, **more})


def with_person(found: Settings, person: str, **changes: Any) -> Settings:
    people = tuple(p.model_copy(update=changes if p.id == person else {}) for p in found.people)
    return found.model_copy(update={"people": people})


class TestTheProof:
    def test_holds_for_a_school_with_people_and_a_last_resort_outside(self) -> None:
        assert not list(unreachable(settings(), DAY))
        assert not list(hanging(settings(), DAY))

    def test_holds_for_a_school_of_nobody_and_of_one(self) -> None:
        assert not list(unreachable(settings(seats=()), DAY))
        assert not list(unreachable(settings(seats=("headteacher",)), DAY))
        assert not list(hanging(settings(seats=("headteacher",)), DAY))

    def test_says_which_concern_of_which_school_reaches_nobody_when_who_is_accused(self) -> None:
        """The Head is alone and can read the last resort: whatever is about them would reach nobody."""
        desk = {"id": "desk", "name": "Desk", "email": "duty@it.example", "read_by": ["headteacher"]}
        alone = settings(seats=("headteacher",))
        people = (*(p.model_dump() for p in alone.people), desk)
        (said,) = unreachable(settings(seats=("headteacher",), people=people), DAY)

        assert said.startswith("schools[1] (hill): criticism, complaint, misconduct_allegation")
        assert f"and {len(CONCERNS) - 1 - 5} more reach nobody when Headteacher (headteacher) is accused" in said
        assert said.endswith("write one outside every school and trust")

    def test_counts_the_last_resort_that_an_accused_technician_has_for_their_own(self) -> None:
        desk = {"id": "tom", "name": "Tom", "email": "duty@it.example"}
        held = ({"person": "tom", "role": "it_technician", "school": "hill"},)
        (said,) = unreachable(settings(seats=(), people=(desk,), holdings=held), DAY)

        assert "when Tom (tom) is accused" in said

    def test_a_seat_that_has_ended_reaches_nobody_and_that_is_noted(self) -> None:
        ended = ({"person": "headteacher", "role": "headteacher", "school": "hill", "until": "2026-11-19"},)
        found = settings(seats=("headteacher",), holdings=ended)

        (said,) = hanging(found, DAY)
        assert "criticism" in said
        assert "reach alerts.last_resort alone; write who else" in said
        assert not list(hanging(found, date(2026, 11, 19)))

    def test_notes_where_all_mailboxes_are_such_that_a_conflict_is_not_told_there(self) -> None:
        found = settings()
        for person in found.people:
            found = with_person(found, person.id, mailbox="shared")
        (said,) = hanging(found, DAY)

        assert "alone when Headteacher (headteacher)" in said
        assert not list(unreachable(found, DAY))

    def test_is_not_begun_where_names_are_wrong(self) -> None:
        held = ({"person": "nobody", "role": "headteacher", "school": "hill"},)
        found = settings(holdings=held)

        assert [p for p in problems(found) if p.startswith("holdings[1].person: 'nobody' is unknown")]
        assert list(notes(found, DAY)) == []


class TestTheLastResort:
    def test_is_required(self) -> None:
        (said,) = outside(settings(last=None))
        assert said.startswith("alerts.last_resort: missing")

    @pytest.mark.parametrize(
        ("address", "school", "said"),
        [
            ("head2@hill.example", {}, "at the domain of 'headteacher' (headteacher)"),
            ("duty@mail.hill.example", {}, "at the domain of 'headteacher' (headteacher)"),
            ("duty@school.example", {"url": "https://www.school.example/news"}, "at the site of hill"),
            ("HEADTEACHER@hill.example", {}, "belongs to 'headteacher' (headteacher)"),
        ],
    )
    def test_is_no_address_of_the_school(self, address: str, school: dict[str, str], said: str) -> None:
        schools = [{"id": "hill", "name": "Hill School", "pack": "wessex", **school}]
        (problem,) = outside(settings(last=address, schools=schools))

        assert said in problem
        assert problem.endswith("write an address outside every school and trust")

    def test_may_be_the_providers_and_at_a_mail_service_that_governors_use_too(self) -> None:
        chair = {"id": "gov", "name": "Gov", "email": "gov@gmail.com"}
        seats = (
            {"person": "gov", "role": "chair_of_governors", "school": "hill"},
            {"person": "it", "role": "it_provider", "school": "hill"},
        )
        desk = {"id": "it", "name": "It", "email": "desk@it.example"}

        assert not list(outside(settings(last="duty@gmail.com", people=[chair, desk], holdings=seats)))
        assert not list(outside(settings(last="duty@it.example", people=[chair, desk], holdings=seats)))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"alerts": {"last_resort": "d@it.example", "chain": ["haed"]}}, "alerts.chain[1]: 'haed' is unknown"),
        ({"stand_ins": [{"role": "police", "by": ["dsl"]}]}, "stand_ins[1].role: 'police' is unknown"),
        ({"stand_ins": [{"role": "dsl", "by": ["dsl"]}]}, "stand_ins[1].by: 'dsl' cannot stand in for itself"),
        ({"stand_ins": [{"role": "dsl", "by": ["ceo"], "school": "x"}]}, "stand_ins[1].school: 'x' is unknown"),
        ({"stand_ins": [{"role": "dsl", "by": ["ceo"]}] * 2}, "stand_ins: 'dsl' stands there 2 times for all schools"),
        ({"absences": [{"person": "dsl", "from": DAY, "until": DAY, "deputy": "x"}]}, "absences[1].deputy: 'x' is un"),
        (
            {"holdings": [{"person": "dsl", "role": "dsl", "school": "hill", "deputy": "dsl"}]},
            "holdings[1].deputy: 'dsl' cannot act for themselves",
        ),
    ],
)
def test_what_names_nobody_is_refused_with_its_key(more: dict[str, Any], said: str) -> None:
    assert [p for p in problems(settings(**more)) if p.startswith(said)]


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ({"read_by": ("x",)}, "people[3].read_by: 'x' is unknown"),
        ({"administered_by": ("dsl",)}, "people[3].administered_by: 'dsl' is the person themselves"),
        ({"same_as": "x"}, "people[3].same_as: 'x' is unknown"),
        ({"same_as": "dsl"}, "people[3].same_as: 'dsl' is this row itself"),
    ],
)
def test_what_a_person_says_of_their_mailbox_is_checked(person: dict[str, Any], said: str) -> None:
    assert [p for p in problems(with_person(settings(), "dsl", **person)) if p.startswith(said)]


@pytest.mark.parametrize(
    ("school", "said"),
    [
        ({"night": ["x"]}, "schools[1].night[1]: 'x' is unknown"),
        ({"hours": {"from": "17:00", "until": "08:00"}}, "schools[1].hours.until: 08:00 is not after from (17:00)"),
        ({"terms": [{"from": DAY}]}, "schools[1].terms[1].until: missing"),
        ({"closed": [{"from": DAY, "until": date(2026, 1, 1)}]}, "schools[1].closed[1].until: 2026-01-01 is before"),
    ],
)
def test_what_a_school_says_of_its_days_is_checked(school: dict[str, Any], said: str) -> None:
    schools = [{"id": "hill", "name": "Hill School", "pack": "wessex", **school}]
    assert [p for p in problems(settings(schools=schools)) if p.startswith(said)]


def test_two_of_one_name_are_pointed_out_unless_they_are_said_to_be_one() -> None:
    twins = [
        {"id": "a", "name": "Jo Moore", "email": "a@x.example"},
        {"id": "b", "name": "jo  moore", "email": "b@x.example"},
    ]

    assert [
        note for note in notes(settings(seats=(), people=twins), DAY) if note.startswith("people: a, b have the same")
    ]
    twins[1]["same_as"] = "a"
    assert not list(notes(settings(seats=(), people=twins), DAY))


def test_a_school_without_night_cover_is_pointed_out_where_others_have_it() -> None:
    schools = [{"id": i, "name": f"{i} School", "pack": "wessex"} for i in ("hill", "dale")]
    schools[0]["night"] = ["dsl"]  # type: ignore[assignment]

    assert [n for n in notes(settings(schools=schools), DAY) if n.startswith("schools: dale name nobody to be woken")]
