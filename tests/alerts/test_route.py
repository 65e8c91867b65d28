"""Laws of routing: the accused is never named, the one threatened always is, and nobody is left without a reader."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.errors import UnknownNameError
from alerts.flag import CONCERNS, GRAVE
from alerts.packs import PACKS, load_pack
from alerts.school import BODIES, HEAD_ROLES, NEVER_TOLD, READERS, ROLES

MAYBE_ROLE = st.none() | st.sampled_from(ROLES)


def persons(accused: str) -> set[str]:
    """Every role by which the accused may be known."""
    meant = {accused, *BODIES.get(accused, ())}
    return meant | set(HEAD_ROLES) if meant & set(HEAD_ROLES) else meant


@pytest.mark.parametrize("name", PACKS)
def test_the_accused_is_never_named_and_somebody_always_is(name: str) -> None:
    pack = load_pack(name)
    for concern, about in itertools.product(CONCERNS, ROLES):
        route = pack.route(concern, about=about)
        named = set(route.recipients) | set(route.alternates)

        assert not named & persons(about), (concern, about)
        assert not {body for body in named if persons(about) & set(READERS.get(body, ()))}, (concern, about)
        assert not named & set(NEVER_TOLD), (concern, about)
        assert bool(route.recipients) != (concern == "praise"), (concern, about)


@pytest.mark.parametrize("name", PACKS)
@settings(max_examples=150, deadline=None)
@given(concern=st.sampled_from(CONCERNS), about=MAYBE_ROLE, target=MAYBE_ROLE, author=MAYBE_ROLE)
def test_every_combination_has_a_sound_answer(
    name: str, concern: str, about: str | None, target: str | None, author: str | None
) -> None:
    route = load_pack(name).route(concern, about=about, target=target, author=author)

    assert bool(route.recipients) or concern == "praise"
    assert len(set(route.recipients)) == len(route.recipients)
    assert not set(route.recipients) & set(route.alternates)
    assert route.fallback == (route.clause is None)
    assert about is None or not (set(route.recipients) | set(route.alternates)) & persons(about)
    assert concern not in GRAVE or route.within_minutes == 5


@pytest.mark.parametrize("name", PACKS)
def test_a_target_removes_nobody(name: str) -> None:
    pack = load_pack(name)
    for concern, target, author in itertools.product(CONCERNS, ROLES, (None, "staff", "pupil", "parent")):
        without = pack.route(concern, author=author)
        aimed = pack.route(concern, target=target, author=author)

        assert set(without.recipients) <= set(aimed.recipients), (concern, target, author)


@pytest.mark.parametrize("name", PACKS)
@pytest.mark.parametrize("author", [None, *ROLES])
def test_a_threat_reaches_the_one_threatened(name: str, author: str | None) -> None:
    pack = load_pack(name)
    for target in ROLES:
        route = pack.route("threat", target=target, author=author)
        if target in NEVER_TOLD:
            assert any("told by a person" in said for said in route.instructions)
        else:
            assert pack.canonical(target) in route.recipients
            assert route.aimed_at == pack.canonical(target)


def test_only_a_threat_adds_its_target() -> None:
    assert "teacher" not in load_pack("wessex").route("cyberbullying", target="teacher").recipients


def test_one_who_is_threatened_and_accused_at_once_is_left_to_a_person() -> None:
    route = load_pack("wessex").route("threat", about="dsl", target="dsl")

    assert route.recipients == ("headteacher",)
    assert any("threatened and accused at once" in said for said in route.instructions)


@pytest.mark.parametrize("head", HEAD_ROLES)
def test_the_head_is_one_person_under_three_names(head: str) -> None:
    for name, own in (("wessex", "headteacher"), ("arden", "associate_headteacher"), ("wolsey_house", "headteacher")):
        pack = load_pack(name)

        assert pack.route("criticism").recipients[0] == own
        assert not set(pack.route("criticism", about=head).recipients) & set(HEAD_ROLES)
        assert pack.route("threat", target=head).recipients.count(own) == 1


class TestWessexAboutTheHead:
    def test_the_chair_and_the_ceo_are_told_by_the_conflict_clause(self) -> None:
        route = load_pack("wessex").route("criticism", about="headteacher")

        assert route.recipients == ("chair_of_governors", "ceo")
        assert route.clause == "9.2"
        assert not route.fallback
        assert route.exception is not None
        assert route.exception.clause == "9.2"
        assert "Chair of Local Governors and the CEO" in route.exception.text

    def test_the_accused_is_no_longer_the_one_who_approves_replies(self) -> None:
        said = " ".join(load_pack("wessex").route("criticism", about="headteacher").instructions)

        assert "approval of the Head of School" not in said
        assert "Do not tell, copy or show this to the headteacher" in said

    def test_a_child_at_risk_still_reaches_the_dsl(self) -> None:
        route = load_pack("wessex").route("child_at_risk", about="headteacher")

        assert route.recipients == ("chair_of_governors", "ceo", "dsl")
        assert route.ours == ("dsl",)

    def test_head_and_chair_accused_together_leave_the_ceo(self) -> None:
        route = load_pack("wessex").route("misconduct_allegation", about="headteacher,chair_of_governors")

        assert route.recipients == ("ceo",)


class TestSilentPolicies:
    @pytest.mark.parametrize("name", ["arden", "wolsey_house", "leading_edge"])
    def test_a_concern_about_the_head_uses_the_house_rule_and_says_so(self, name: str) -> None:
        route = load_pack(name).route("misconduct_allegation", about="headteacher")

        assert route.recipients == ("chair_of_governors",)
        assert route.clause is None
        assert route.fallback
        assert route.exception is not None
        assert route.exception.clause is None
        assert "house rule" in route.exception.text

    @pytest.mark.parametrize("name", PACKS)
    def test_the_chair_is_judged_by_somebody_above_or_beside(self, name: str) -> None:
        trust = name in ("wessex", "arden", "leading_edge")
        route = load_pack(name).route("misconduct_allegation", about="chair_of_governors")

        assert route.recipients == (("chair_of_trustees",) if trust else ("headteacher",))
        assert route.fallback

    def test_an_accused_who_is_not_the_only_one_named_is_just_left_out(self) -> None:
        route = load_pack("wessex").route("cyberbullying", about="dsl")

        assert route.recipients == ("headteacher",)
        assert route.clause == "11.1, 11.2"
        assert route.exception is not None

    @pytest.mark.parametrize("name", PACKS)
    def test_the_it_provider_gets_it_matters_only(self, name: str) -> None:
        routes = (load_pack(name).route(concern) for concern in CONCERNS)
        told = {r.concern for r in routes if "it_provider" in (*r.recipients, *r.alternates)}

        assert told <= {"blind_spot", "inappropriate_content"}


class TestSpeeds:
    @pytest.mark.parametrize(
        ("name", "concern", "within", "minutes"),
        [
            ("one_education", "criticism", "immediately", 5),
            ("wolsey_house", "criticism", "without unreasonable delay", 480),
            ("arden", "staff_conduct", "promptly", 1440),
            ("wessex", "cyberbullying", "quickly", 1440),
            ("wessex", "criticism", None, 1440),
            ("wessex", "self_harm", None, 5),
            ("leading_edge", "threat", None, 5),
        ],
    )
    def test_the_policys_word_has_our_minutes(self, name: str, concern: str, within: str | None, minutes: int) -> None:
        route = load_pack(name).route(concern)

        assert (route.within, route.within_minutes) == (within, minutes)


def test_praise_goes_to_the_digest_alone() -> None:
    for name in PACKS:
        route = load_pack(name).route("praise", about="headteacher")

        assert route.recipients == ()
        assert route.digest


@pytest.mark.parametrize(
    ("what", "given"),
    [
        ("concern", {"concern": "gossip"}),
        ("role", {"concern": "criticism", "about": "janitor"}),
        ("role", {"concern": "criticism", "target": "janitor"}),
        ("role", {"concern": "criticism", "author": "janitor"}),
    ],
)
def test_an_unknown_name_lists_the_valid_ones(what: str, given: dict[str, str]) -> None:
    with pytest.raises(UnknownNameError) as caught:
        load_pack("wessex").route(**given)

    assert caught.value.what == what
    assert caught.value.known == (CONCERNS if what == "concern" else ROLES)
    assert caught.value.known[0] in str(caught.value)


def test_an_unknown_pack_lists_the_valid_ones() -> None:
    with pytest.raises(UnknownNameError) as caught:
        load_pack("westeros")

    assert caught.value.known == PACKS
