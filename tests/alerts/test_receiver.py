"""From roles to people: never the accused, by role, person or address, and never nobody; all people are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.flag import CONCERNS, GRAVE
from alerts.packs import PACKS, load_pack
from alerts.receiver import Passed, Reach, excluded, reach, receivers
from alerts.route import Receiver
from alerts.school import HEAD_ROLES, NEVER_TOLD, ROLES, Absence, Holding, Person, Register, School, StandIn, Trust

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


def reached(concern: str, reg: Register, pack: str = "wessex", about: str | None = None, **more: Any) -> Reach:
    known = load_pack(pack)
    route = known.route(concern, about=about, target=more.pop("target", None))
    return reach(route, reg.school("hollin"), reg, TODAY, about=about, last_resort=DESK, **more)


def people(reg: Register, **changes: dict[str, Any]) -> Register:
    changed = tuple(replace(p, **changes.get(p.id, {})) for p in reg.people)
    return replace(reg, people=changed)


class TestMailboxes:
    """Conflict routes refuse mailboxes that are shared, delegated or administered by the accused."""

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"mailbox": "shared"}, "shared"),
            ({"read_by": ("fir",)}, "delegated"),
            ({"read_by": ("quill",)}, "read_by_accused"),
            ({"administered_by": ("quill",)}, "administered_by_accused"),
        ],
    )
    def test_the_chairs_mailbox_is_refused_and_the_timeline_can_say_why(
        self, change: dict[str, Any], reason: str
    ) -> None:
        reg = people(register(), brook=change)
        found = reached("misconduct_allegation", reg, about="headteacher")

        assert ids(found.told) == ["ceo"]
        assert Passed(person="brook", role="chair_of_governors", reason=reason) in found.passed

    def test_one_that_somebody_else_administers_is_good(self) -> None:
        reg = people(register(), brook={"administered_by": ("oak",)})

        assert "brook" in ids(told("misconduct_allegation", reg, about="headteacher"))

    def test_two_people_with_one_address_share_it_whatever_is_declared(self) -> None:
        reg = register(brook="board@hollin.example", oak="board@hollin.example")

        assert ids(told("misconduct_allegation", reg, about="headteacher")) == ["ceo"]

    def test_the_head_whose_mail_is_delegated_still_hears_of_a_teacher_and_of_opinion(self) -> None:
        reg = people(register(), quill={"read_by": ("oak",)})

        assert "quill" in ids(told("staff_conduct", reg, about="teacher"))
        assert ids(told("criticism", reg)) == ["quill"]

    def test_but_not_where_the_delegate_is_the_accused(self) -> None:
        reg = people(register(Holding(person="tea", role="teacher", school="hollin")), quill={"read_by": ("tea",)})

        assert "quill" not in ids(told("staff_conduct", reg, about="teacher"))
        assert "quill" in excluded(HOLLIN, reg, TODAY, about="teacher", by_mail=True)
        assert "quill" not in excluded(HOLLIN, reg, TODAY, about="teacher")

    def test_a_last_resort_that_the_accused_administers_is_passed_over(self) -> None:
        reg = Register(
            schools=(HOLLIN,),
            people=(person("quill"), Person(id="d", name="D", email="desk@it.example", administered_by=("quill",))),
            holdings=(Holding(person="quill", role="headteacher", school="hollin"),),
        )

        assert told("misconduct_allegation", reg, about="headteacher") == ()


class TestOneHuman:
    def test_the_accused_is_left_out_under_a_second_name(self) -> None:
        reg = register(Holding(person="twin", role="chair_of_governors", school="hollin"), without=("brook",))
        reg = people(reg, twin={"same_as": "quill"})

        assert "twin" not in ids(told("misconduct_allegation", reg, about="headteacher"))
        assert excluded(HOLLIN, reg, TODAY, about="headteacher") == {"quill", "twin"}

    def test_exclusion_follows_a_person_to_another_school_and_role(self) -> None:
        reg = register(Holding(person="quill", role="dsl", school="else"))
        route = load_pack("wessex").route("self_harm", about="headteacher")
        found = receivers(route, ELSEWHERE, reg, TODAY, about=None, accused=("quill",), last_resort=DESK)

        assert "quill" not in ids(found)

    def test_a_successor_who_was_accused_before_sees_nothing_of_it(self) -> None:
        """The deputy was accused; now they are the Head, and it is to the Head that the matter would go."""
        reg = register(Holding(person="abad", role="headteacher", school="hollin"), without=("quill", "abad"))
        route = load_pack("wessex").route("staff_conduct", about="deputy_headteacher")
        found = receivers(route, HOLLIN, reg, TODAY, about="deputy_headteacher", accused=("abad",), last_resort=DESK)

        assert found
        assert "abad" not in ids(found)
        assert "abad" in excluded(HOLLIN, reg, TODAY, about="deputy_headteacher", accused=("abad",))

    def test_one_who_is_away_is_away_under_every_name(self) -> None:
        reg = people(register(away=("quill",)), fir={"same_as": "quill"})

        assert ids(told("pupil_conduct", reg)) == ["oak"]


class TestDeputies:
    def deputised(self, *more: Holding, away: tuple[str, ...] = ("quill",), **changes: Any) -> Register:
        reg = register(*more, away=away)
        held = tuple(replace(h, deputy="oak") if h.person == "quill" else h for h in reg.holdings)
        return replace(reg, holdings=held, **changes)

    def test_the_deputy_of_the_holding_acts_for_who_is_away(self) -> None:
        (receiver,) = told("criticism", self.deputised())

        assert (receiver.person, receiver.role) == ("oak", "headteacher")
        assert "named you to act for them" in receiver.why

    def test_the_one_named_in_the_absence_goes_before(self) -> None:
        away = (Absence(person="quill", start=TODAY, end=TODAY, deputy="fir"),)

        assert ids(told("criticism", self.deputised(absences=away)))[0] == "fir"

    def test_a_deputy_who_is_away_hands_on_to_theirs(self) -> None:
        away = (
            Absence(person="quill", start=TODAY, end=TODAY, deputy="fir"),
            Absence(person="fir", start=TODAY, end=TODAY, deputy="brook"),
        )
        reg = replace(register(), absences=away)

        assert ids(told("criticism", reg)) == ["brook"]

    def test_deputies_who_name_each_other_end_at_the_chain(self) -> None:
        away = (
            Absence(person="quill", start=TODAY, end=TODAY, deputy="fir"),
            Absence(person="fir", start=TODAY, end=TODAY, deputy="quill"),
        )

        assert ids(told("criticism", replace(register(), absences=away))) == ["abad"]

    def test_the_accuseds_own_deputy_does_not_act_in_what_is_about_them(self) -> None:
        reg = self.deputised(Holding(person="quill", role="ceo", school="hollin"))

        assert "oak" not in ids(told("misconduct_allegation", reg, about="headteacher"))

    def test_a_deputy_who_is_accused_does_not_act(self) -> None:
        reg = self.deputised()

        assert "oak" not in ids(told("staff_conduct", reg, about="deputy_dsl"))


class TestTheDeclaredChain:
    def test_the_schools_own_stand_in_and_chain_replace_the_houses(self) -> None:
        school = replace(HOLLIN, chain=("ceo",), stand_ins=(StandIn(role="dsl", by=("chair_of_governors",)),))
        reg = replace(register(without=("fir",)), schools=(school, ELSEWHERE))
        bare = replace(register(without=("fir", "brook")), schools=(school, ELSEWHERE))

        assert ids(reached("pupil_conduct", reg).told) == ["brook"]
        assert ids(reached("pupil_conduct", bare).told) == ["ceo"]

    def test_a_role_that_nobody_holds_is_noted(self) -> None:
        found = reached("pupil_conduct", register(without=("fir",)))

        assert Passed(person=None, role="dsl", reason="nobody") in found.passed
        assert all(passed.why for passed in found.passed)

    def test_who_is_away_is_noted_unless_told_all_the_same(self) -> None:
        reg = register(away=("fir",))

        assert Passed(person="fir", role="dsl", reason="away") in reached("pupil_conduct", reg).passed
        assert not [p for p in reached("self_harm", reg).passed if p.person == "fir"]


class TestTheOneThreatened:
    def test_is_told_though_away_and_though_a_colleague_of_the_role_is_there(self) -> None:
        two = Holding(person="may", role="headteacher", school="hollin")
        found = reached("threat", register(two, away=("may",)), target="headteacher")

        assert {"quill", "may"} <= set(ids(found.told))

    def test_is_told_by_name_where_the_role_says_nothing(self) -> None:
        tea = Holding(person="tea", role="teacher", school="hollin")
        found = reached("threat", register(tea), targeted=("tea",))

        assert {r.person: r.why for r in found.told}["tea"] == "The threat is aimed at you."

    def test_by_name_is_no_way_round_an_accusation(self) -> None:
        found = reached("threat", register(), about="headteacher", accused=("quill",), targeted=("quill",))

        assert "quill" not in ids(found.told)
        assert not any("in person" in receiver.why for receiver in found.told)

    def test_has_to_be_told_in_person_where_the_accused_reads_their_mail(self) -> None:
        reg = people(register(), fir={"read_by": ("quill",)})
        found = reached("threat", reg, about="headteacher", accused=("quill",), targeted=("fir",))

        assert "fir" not in ids(found.told)
        assert found.told
        assert all("Tell Fir in person, at once" in receiver.why for receiver in found.told)

    def test_only_threats_are_told_for_that_reason(self) -> None:
        assert "oak" not in ids(reached("criticism", register(), targeted=("oak",)).told)


class TestTheSchoolsOwnDay:
    """Half past midnight in July is still yesterday in UTC."""

    AT = datetime(2026, 7, 19, 23, 30, tzinfo=UTC)

    def told_at(self, reg: Register, school: School = HOLLIN) -> list[str]:
        route = load_pack("wessex").route("criticism")
        return ids(receivers(route, school, reg, self.AT, last_resort=DESK))

    def test_an_absence_begins_and_a_seat_ends_at_the_schools_midnight(self) -> None:
        away = Absence(person="quill", start=date(2026, 7, 20), end=date(2026, 7, 20))
        ended = tuple(replace(h, end=date(2026, 7, 19)) if h.person == "quill" else h for h in register().holdings)

        assert self.told_at(replace(register(), absences=(away,))) == ["abad"]
        assert self.told_at(replace(register(), holdings=ended)) == ["abad"]

    def test_by_the_clock_of_the_school_wherever_it_is(self) -> None:
        away = Absence(person="quill", start=date(2026, 7, 20), end=date(2026, 7, 20))
        reykjavik = replace(HOLLIN, timezone="Atlantic/Reykjavik")

        assert self.told_at(replace(register(), absences=(away,)), reykjavik) == ["quill"]

    def test_excluded_counts_by_it_too(self) -> None:
        new = Holding(person="may", role="headteacher", school="hollin", start=date(2026, 7, 20))

        assert "may" in excluded(HOLLIN, register(new), self.AT, about="headteacher")


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
