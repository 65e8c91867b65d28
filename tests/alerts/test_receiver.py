"""From roles to people: never the accused, by role, person or address, and never nobody; all people are invented."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.flag import CONCERNS, GRAVE
from alerts.packs import PACKS, load_pack
from alerts.receiver import excluded, receivers
from alerts.route import Receiver
from alerts.school import HEAD_ROLES, NEVER_TOLD, ROLES, Absence, Holding, Person, Register, School, Trust

TODAY = date(2026, 11, 20)
HOLLIN = School(id="hollin", name="Hollin Primary School", pack="wessex", trust="vale")
ELSEWHERE = School(id="else", name="Elm School", pack="wessex", trust="vale")
DESK = Receiver(role="it_provider", person="desk", name="Service desk", address="desk@it.example", why="")
NAMES = {
    "quill": "headteacher",
    "abad": "deputy_headteacher",
    "fir": "dsl",
    "oak": "deputy_dsl",
    "brook": "chair_of_governors",
}


def person(name: str, email: str | None = None) -> Person:
    return Person(id=name, name=name.title(), email=email or f"{name}@hollin.example")


def register(*more: Holding, away: tuple[str, ...] = (), without: tuple[str, ...] = (), **emails: str) -> Register:
    holdings = [Holding(person=n, role=r, school="hollin") for n, r in NAMES.items() if n not in without]
    holdings.append(Holding(person="ceo", role="ceo", trust="vale"))
    people = dict.fromkeys([*NAMES, "ceo", *(h.person for h in more)])
    return Register(
        schools=(HOLLIN, ELSEWHERE),
        trusts=(Trust(id="vale", name="Vale Trust"),),
        people=tuple(person(name, emails.get(name)) for name in people),
        holdings=(*holdings, *more),
        absences=tuple(Absence(person=p, start=TODAY, end=TODAY) for p in away),
    )


def told(concern: str, reg: Register, pack: str = "wessex", about: str | None = None) -> tuple[Receiver, ...]:
    route = load_pack(pack).route(concern, about=about)
    document = load_pack(pack).document
    return receivers(route, HOLLIN, reg, TODAY, about=about, last_resort=DESK, document=document)


def ids(found: tuple[Receiver, ...]) -> list[str]:
    return [receiver.person for receiver in found]


class TestWhoIsTold:
    def test_the_holder_of_the_role_by_the_clause(self) -> None:
        (receiver,) = told("criticism", register())

        assert (receiver.role, receiver.person, receiver.address) == ("headteacher", "quill", "quill@hollin.example")
        assert receiver.why == "WMAT 8.1.9 ¶2 names the headteacher."

    def test_a_trusts_officer_through_the_trust(self) -> None:
        assert ids(told("staff_conduct", register())) == ["quill", "ceo"]

    def test_one_who_holds_two_roles_is_told_once(self) -> None:
        twice = Holding(person="quill", role="dsl", school="hollin")

        assert ids(told("cyberbullying", register(twice, without=("fir",)))) == ["quill"]

    def test_two_people_of_one_address_are_told_once(self) -> None:
        shared = register(quill="office@hollin.example", fir="OFFICE@hollin.example")

        assert ids(told("cyberbullying", shared)) == ["quill"]

    def test_the_head_by_whatever_name_the_register_has(self) -> None:
        reg = register(Holding(person="may", role="head_of_school", school="hollin"), without=("quill",))

        assert ids(told("criticism", reg)) == ["may"]
        assert ids(told("criticism", reg, "arden")) == ["may"]

    def test_where_the_clause_names_a_procedure_the_reason_says_so(self) -> None:
        (receiver,) = told("self_harm", register())

        assert receiver.why == "WMAT 9.1 applies, and by the house's reading the DSL is told."

    def test_where_no_clause_does_the_house_rule_is_named(self) -> None:
        assert "No clause of the policy names anyone" in told("press", register())[0].why

    def test_the_one_threatened_is_told_for_that_reason(self) -> None:
        route = load_pack("leading_edge").route("threat", target="headteacher")
        found = receivers(route, HOLLIN, register(), TODAY, last_resort=DESK, document="LEAP")

        assert {r.person: r.why for r in found}["quill"] == "The threat is aimed at the headteacher."


class TestStandIns:
    def test_a_role_that_nobody_holds_falls_to_the_deputy(self) -> None:
        (receiver,) = told("pupil_conduct", register(without=("fir",)))

        assert receiver.person == "oak"
        assert "nobody who may be told holds it today" in receiver.why
        assert "the deputy DSL stands in" in receiver.why

    def test_one_who_is_away_too(self) -> None:
        (receiver,) = told("criticism", register(away=("quill",)))

        assert receiver.person == "abad"
        assert "away today" in receiver.why

    def test_the_policys_or_comes_before_the_chain(self) -> None:
        (receiver,) = told("criticism", register(away=("quill",)), "arden")

        assert receiver.person == "fir"
        assert receiver.why.startswith("Arden 12.1 names the associate headteacher or the DSL")

    def test_in_a_grave_matter_those_away_are_told_as_well(self) -> None:
        assert ids(told("self_harm", register(away=("fir",)))) == ["fir", "oak"]

    def test_the_last_resort_is_told_when_nobody_else_can_be(self) -> None:
        (receiver,) = told("criticism", Register(schools=(HOLLIN,)))

        assert (receiver.person, receiver.address) == ("desk", "desk@it.example")
        assert "the last resort is told" in receiver.why

    def test_a_last_resort_that_is_the_accuseds_own_is_passed_over(self) -> None:
        route = load_pack("wessex").route("criticism", about="headteacher")
        own = Receiver(role="office", person="o", name="Office", address="QUILL@hollin.example", why="")
        reg = Register(
            schools=(HOLLIN,),
            people=(person("quill"),),
            holdings=(Holding(person="quill", role="headteacher", school="hollin"),),
        )
        found = receivers(route, HOLLIN, reg, TODAY, about="headteacher", last_resort=(own, DESK))

        assert ids(found) == ["desk"]

    def test_praise_is_nobodys_notice(self) -> None:
        assert told("praise", register()) == ()


class TestTheAccused:
    def test_a_second_hat_does_not_bring_them_back(self) -> None:
        reg = register(Holding(person="quill", role="ceo", school="hollin"))

        assert "quill" not in ids(told("misconduct_allegation", reg, about="headteacher"))

    def test_a_shared_address_does_not_bring_them_back(self) -> None:
        reg = register(quill="head@hollin.example", brook="Head@hollin.example ")

        assert ids(told("misconduct_allegation", reg, about="headteacher")) == ["ceo"]

    def test_a_body_that_they_sit_on_is_not_told(self) -> None:
        reg = register(Holding(person="gov", role="governing_body", school="hollin"), without=("brook",))
        found = told("misconduct_allegation", reg, "wolsey_house", about="headteacher")

        assert "gov" not in ids(found)
        assert found

    def test_a_named_person_may_be_accused(self) -> None:
        route = load_pack("wessex").route("misconduct_allegation", about="teacher")
        found = receivers(route, HOLLIN, register(), TODAY, about="teacher", accused=("quill",), last_resort=DESK)

        assert ids(found) == ["brook", "ceo"]

    def test_those_who_work_for_the_accused_stand_in_last(self) -> None:
        reg = register(without=("brook",))

        assert ids(told("misconduct_allegation", reg, "wolsey_house", about="headteacher")) == ["ceo"]

    def test_two_accused_are_both_left_out(self) -> None:
        assert ids(told("misconduct_allegation", register(), about="headteacher,chair_of_governors")) == ["ceo"]

    def test_excluded_names_all_who_must_not_see(self) -> None:
        reg = register(brook="quill@hollin.example")

        assert excluded(HOLLIN, reg, TODAY, about="associate_headteacher") == {"quill", "brook"}
        assert excluded(HOLLIN, reg, TODAY) == frozenset()


HELD = [role for role in ROLES if role not in NEVER_TOLD]
HOLDINGS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(HELD)), max_size=14)


@settings(max_examples=600, deadline=None)
@given(
    pack=st.sampled_from(PACKS),
    concern=st.sampled_from(CONCERNS),
    about=st.none() | st.sampled_from(ROLES),
    target=st.none() | st.sampled_from(ROLES),
    held=HOLDINGS,
    away=st.sets(st.integers(0, 5)),
    addresses=st.lists(st.integers(0, 4), min_size=6, max_size=6),
)
def test_nobody_accused_is_told_and_somebody_always_is(
    pack: str,
    concern: str,
    about: str | None,
    target: str | None,
    held: list[tuple[int, str]],
    away: set[int],
    addresses: list[int],
) -> None:
    people = tuple(Person(id=f"p{n}", name=f"P {n}", email=f"a{addresses[n]}@x.example") for n in range(6))
    reg = Register(
        schools=(HOLLIN,),
        people=people,
        holdings=tuple(Holding(person=f"p{n}", role=role, school="hollin") for n, role in held),
        absences=tuple(Absence(person=f"p{n}", start=TODAY, end=TODAY) for n in away),
    )
    route = load_pack(pack).route(concern, about=about, target=target)
    found = receivers(route, HOLLIN, reg, TODAY, about=about, last_resort=DESK)
    meant = set(HEAD_ROLES) if about in HEAD_ROLES else {about}
    accused = {f"p{n}" for n, role in held if role in meant}
    theirs = {p.email for p in people if p.id in accused}

    assert not accused & set(ids(found))
    assert not theirs & {receiver.address for receiver in found}
    assert bool(found) == bool(route.recipients)
    assert len({receiver.address for receiver in found}) == len(found)
    assert all(receiver.why for receiver in found)
    if concern not in GRAVE:
        assert not any(r.person in {f"p{n}" for n in away} for r in found)


@pytest.mark.parametrize("concern", GRAVE)
def test_a_grave_matter_always_reaches_somebody_present(concern: str) -> None:
    found = told(concern, register(away=("fir", "quill")))

    assert set(ids(found)) - {"fir", "quill"}
