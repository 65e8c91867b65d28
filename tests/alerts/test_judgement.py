"""Judging: which rules hold for a case, about whom, aimed at whom; all posts and people are invented."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.answer import Answer
from alerts.case import Case
from alerts.flag import GRAVE, Flag
from alerts.mention import Mention
from alerts.packs import PACKS, load_pack
from alerts.school import Holding, Person, School
from classifiers.verdict import LABELS, OperatingPoint, Verdict
from connectors.post import Author, Post

NOW = datetime(2026, 11, 20, tzinfo=UTC)
POINTS = {label: OperatingPoint(raise_at=0.6, review_at=0.3) for label in LABELS}
OFFICERS = tuple(
    (Holding(person=person, role=role, school="hollin"), Person(id=person, name=name, email=f"{person}@hollin.example"))
    for person, role, name in (
        ("quill", "headteacher", "Mrs Jemima Quill"),
        ("brook", "chair_of_governors", "Tom Brook"),
        ("fir", "dsl", "Dee Fir"),
    )
)


def case(
    text: str,
    scores: dict[str, float],
    *,
    official: bool = False,
    relevance: str = "yes",
    answers: dict[str, str] | None = None,
    pack: str = "wessex",
    parent: str | None = None,
    thread: tuple[str, ...] = (),
) -> Case:
    author = Author(id="1", handle="hollin", official=True) if official else Author(id="2")
    return Case(
        post=Post(platform="x", id="1", kind="post", text=text, author=author),
        school=School(id="hollin", name="Hollin Primary School", pack=pack),
        mention=Mention(school="hollin", relevance=relevance, reason="said"),
        verdicts=(Verdict(model="m", version="1", scores=scores, points=POINTS),),
        answers=tuple(Answer(question=q, value=v, by="dee", at=NOW) for q, v in (answers or {}).items()),
        officers=OFFICERS,
        parent=parent,
        thread=thread,
    )


def judge(text: str, scores: dict[str, float], pack: str = "wessex", **more: object) -> dict[str, Flag]:
    return {flag.concern: flag for flag in load_pack(pack).judge(case(text, scores, **more))}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("label", "concern"),
    [
        ("criticism", "criticism"),
        ("cyberbullying", "cyberbullying"),
        ("identifies_pupil", "identifies_pupil"),
        ("threat", "threat"),
        ("hate", "discrimination"),
        ("self_harm", "self_harm"),
        ("extremism", "extremism"),
        ("sexual_content", "sexual_content"),
        ("sar", "sar"),
        ("press", "press"),
        ("impersonation", "impersonation"),
        ("praise", "praise"),
    ],
)
@pytest.mark.parametrize("pack", PACKS)
def test_a_label_at_its_operating_point_raises_its_concern(pack: str, label: str, concern: str) -> None:
    flags = judge("a plain text", {label: 0.6}, pack)

    assert set(flags) == {concern}
    flag = flags[concern]
    assert (flag.label, flag.score, flag.review, flag.pack) == (label, 0.6, False, pack)
    assert flag.clause == load_pack(pack).route(concern, target=flag.target, author=flag.author).clause
    assert "0.60" in flag.why


@pytest.mark.parametrize("label", LABELS)
def test_in_the_undecided_band_only_grave_concerns_are_flagged_for_review(label: str) -> None:
    flags = judge("a plain text", {label: 0.45})

    assert set(flags) == ({label} & set(GRAVE))
    assert all(flag.review and "undecided" in flag.why for flag in flags.values())


def test_below_the_band_there_is_nothing() -> None:
    assert judge("a plain text", dict.fromkeys(LABELS, 0.29)) == {}


def test_the_stronger_of_two_models_counts() -> None:
    weak, strong = (
        Verdict(model=m, version="1", scores={"threat": s}, points=POINTS) for m, s in (("a", 0.4), ("b", 0.9))
    )
    both = Case(
        post=Post(platform="x", id="1", kind="post", text="t"),
        school=School(id="hollin", name="Hollin", pack="wessex"),
        mention=Mention(school="hollin", relevance="yes", reason="said"),
        verdicts=(strong, weak),
    )

    (flag,) = load_pack("wessex").judge(both)

    assert flag.score == 0.9
    assert not flag.review


class TestTheSchool:
    def test_another_schools_post_is_no_matter(self) -> None:
        assert judge("text", {"threat": 0.9}, relevance="no") == {}

    def test_an_unconfirmed_one_is_a_matter_only_when_grave(self) -> None:
        flags = judge("text", {"threat": 0.9, "criticism": 0.9}, relevance="unclear")

        assert set(flags) == {"threat"}
        assert flags["threat"].review
        assert "not confirmed" in flags["threat"].why

    @pytest.mark.parametrize(("answer", "concerns"), [("yes", {"criticism"}), ("hollin", {"criticism"}), ("no", set())])
    def test_a_persons_answer_decides(self, answer: str, concerns: set[str]) -> None:
        assert set(judge("text", {"criticism": 0.9}, relevance="unclear", answers={"school": answer})) == concerns


class TestAbout:
    def test_an_allegation_against_the_named_head_takes_the_conflict_route(self) -> None:
        flags = judge("Mrs Quill has pocketed the fair money", {"criticism": 0.9})

        assert set(flags) == {"misconduct_allegation"}
        flag = flags["misconduct_allegation"]
        assert (flag.about, flag.clause) == ("headteacher", "9.2")
        assert "names the headteacher" in flag.why
        assert "pocketed" not in flag.why

    def test_all_flags_of_the_post_keep_the_accused_out(self) -> None:
        flags = judge("The head hit Ivo Marsh in 4B", {"criticism": 0.9, "identifies_pupil": 0.9, "cyberbullying": 0.7})
        pack = load_pack("wessex")

        assert set(flags) == {"misconduct_allegation", "identifies_pupil", "cyberbullying"}
        for flag in flags.values():
            route = pack.route(flag.concern, about=flag.about, target=flag.target, author=flag.author)
            assert "headteacher" not in route.recipients

    def test_opinion_on_a_decision_stays_criticism(self) -> None:
        flags = judge("The head has no idea, scrapping the trip is a disgrace", {"criticism": 0.9})

        assert flags["criticism"].about is None
        assert flags["criticism"].clause == "8.1.9 ¶2"

    def test_when_it_may_be_about_the_head_the_conflict_clause_is_used(self) -> None:
        flags = judge("Drunk again at the fair. Mrs Quill should be ashamed.", {"criticism": 0.9})

        assert flags["misconduct_allegation"].clause == "9.2"
        assert "may be about them" in flags["misconduct_allegation"].why

    def test_a_pack_may_ask_for_certainty(self, tmp_path: Path) -> None:
        path = tmp_path / "own.toml"
        path.write_text('extends = "wessex"\nname = "own"\nversion = "1.0"\nunsure = "ordinary"\n', encoding="utf-8")
        unsure = case("Drunk again at the fair. Mrs Quill should be ashamed.", {"criticism": 0.9})

        assert [flag.concern for flag in load_pack(path).judge(unsure)] == ["criticism"]

    def test_in_arden_the_head_is_the_associate_headteacher(self) -> None:
        flags = judge("Mrs Quill lied to Ofsted", {"criticism": 0.9}, "arden")

        assert flags["misconduct_allegation"].about == "associate_headteacher"

    def test_an_answer_says_whom_it_is_about(self) -> None:
        flags = judge("they are at it again", {"criticism": 0.9}, answers={"about": "ceo"})

        assert flags["misconduct_allegation"].about == "ceo"

    def test_an_answer_says_that_nobody_is_accused(self) -> None:
        flags = judge("The head lied to us", {"criticism": 0.9}, answers={"about": "no"})

        assert set(flags) == {"criticism"}
        assert flags["criticism"].about is None

    def test_a_deed_that_may_be_harmless_counts_only_against_a_post_that_blames(self) -> None:
        assert judge("Mrs Quill hugged my son", {"criticism": 0.9})["misconduct_allegation"].about == "headteacher"
        assert judge("Mrs Quill hugged my son", {"praise": 0.9})["praise"].about is None

    @pytest.mark.parametrize("pack", PACKS)
    def test_the_dsl_named_in_a_sexual_matter_is_not_told_of_it(self, pack: str) -> None:
        flag = judge("Dee Fir and that photo of year 6", {"sexual_content": 0.5}, pack)["sexual_content"]
        route = load_pack(pack).route(flag.concern, about=flag.about, target=flag.target, author=flag.author)

        assert flag.about == "dsl"
        assert route.recipients
        assert "dsl" not in route.recipients
        assert "may be about them" in flag.why

    def test_whom_no_words_accuse_is_one_undecided_matter_and_not_two(self) -> None:
        flags = judge("Mrs Quill is not fit to lead that school", {"sexual_content": 0.4, "criticism": 0.9})

        assert set(flags) == {"sexual_content"}
        assert flags["sexual_content"].about == "headteacher"
        sure = judge("Mrs Quill is not fit to lead that school", {"sexual_content": 0.9, "criticism": 0.9})
        assert set(sure) == {"sexual_content", "misconduct_allegation"}

    @pytest.mark.parametrize(
        "text", ["I told Dee Fir about the messages", "A boy groped my daughter and the head has the report"]
    )
    def test_one_who_was_only_told_of_a_sexual_matter_is_told(self, text: str) -> None:
        assert judge(text, {"sexual_content": 0.9})["sexual_content"].about is None


class TestAbove:
    ACCUSES = "The headteacher stole the trip money"

    @pytest.mark.parametrize("text", ["He did exactly the same to us", "She hit my son too", "disgusting"])
    @pytest.mark.parametrize("label", ["criticism", "cyberbullying"])
    @pytest.mark.parametrize("pack", PACKS)
    def test_a_reply_without_a_name_is_about_whom_the_text_above_accuses(
        self, pack: str, label: str, text: str
    ) -> None:
        flags = judge(text, {label: 0.9}, pack, parent=self.ACCUSES)
        head = load_pack(pack).head

        assert flags["misconduct_allegation"].about == head
        for flag in flags.values():
            route = load_pack(pack).route(flag.concern, about=flag.about, target=flag.target, author=flag.author)
            assert head not in route.recipients
            assert "answers a post that accuses" in flag.why
            assert "stole" not in flag.why

    def test_so_is_one_further_down(self) -> None:
        flags = judge("same here", {"criticism": 0.9}, parent="He did it to us too", thread=(self.ACCUSES,))

        assert flags["misconduct_allegation"].about == "headteacher"

    def test_one_that_accuses_somebody_else_keeps_both_out(self) -> None:
        flags = judge("and Tom Brook lied", {"criticism": 0.9}, parent=self.ACCUSES)

        assert flags["misconduct_allegation"].about == "chair_of_governors,headteacher"

    def test_a_reply_that_blames_nobody_takes_nothing_over(self) -> None:
        flags = judge("the staff are lovely", {"praise": 0.9}, parent=self.ACCUSES)

        assert flags["praise"].about is None

    def test_a_reply_under_an_opinion_is_an_opinion(self) -> None:
        flags = judge("agreed, disgraceful", {"criticism": 0.9}, parent="The head is wrong about phones")

        assert set(flags) == {"criticism"}

    def test_a_persons_answer_stands(self) -> None:
        flags = judge("same", {"criticism": 0.9}, parent=self.ACCUSES, answers={"about": "no"})

        assert set(flags) == {"criticism"}


class TestTarget:
    @pytest.mark.parametrize(
        ("text", "target"),
        [
            ("the head is a fat old trout", "headteacher"),
            ("Mrs Quill is a fat old trout", "headteacher"),
            ("Mr Harrow walks like a duck", "teacher"),
            ("that boy in year 5 stinks", "pupil"),
            ("what a clown", None),
        ],
    )
    def test_abuse_is_aimed_at_the_first_who_is_spoken_of(self, text: str, target: str | None) -> None:
        flag = judge(text, {"cyberbullying": 0.9})["cyberbullying"]

        assert (flag.target, flag.about) == (target, None)

    def test_the_threatened_head_is_told_even_when_the_post_alleges_something_of_them(self) -> None:
        flags = judge("The head is a thief and I will break her legs", {"threat": 0.9, "criticism": 0.9})
        threat = flags["threat"]
        route = load_pack("wessex").route("threat", about=threat.about, target=threat.target)

        assert flags["misconduct_allegation"].about == "headteacher"
        assert threat.target == "headteacher"
        assert "headteacher" in route.recipients

    def test_while_a_threat_is_undecided_the_one_accused_is_not_told(self) -> None:
        threat = judge("The head stole the trip money", {"threat": 0.4, "criticism": 0.9})["threat"]
        route = load_pack("wessex").route("threat", about=threat.about, target=threat.target)

        assert (threat.review, threat.about) == (True, "headteacher")
        assert "headteacher" not in route.recipients
        assert route.recipients

    def test_an_answer_names_the_target(self) -> None:
        assert judge("soon", {"threat": 0.9}, answers={"target": "dsl"})["threat"].target == "dsl"

    @pytest.mark.parametrize(
        ("text", "persons"),
        [
            ("I will break Tom Brook's legs", "brook"),
            ("someone should stab mrs quill tonight", "quill"),
            ("I'm coming for the head", "quill"),
            ("I know where Dee Fir lives and where Tom Brook drinks", "fir,brook"),
            ("Miss Harrow had better watch out", None),
            ("that boy in year 5 is dead", None),
            ("all of you are dead", None),
        ],
    )
    def test_a_threat_knows_which_persons_it_names(self, text: str, persons: str | None) -> None:
        assert judge(text, {"threat": 0.9})["threat"].target_person == persons

    @pytest.mark.parametrize("pack", PACKS)
    def test_the_one_threatened_is_told_under_any_role_and_in_any_body_that_the_post_accuses(self, pack: str) -> None:
        text = "Governors are thieves and liars. I will burn Tom Brook's house down"
        threat = judge(text, {"threat": 0.9, "criticism": 0.9}, pack)["threat"]
        route = load_pack(pack).route("threat", about=threat.about, target=threat.target)

        assert threat.target_person == "brook"
        assert "chair_of_governors" in route.recipients

    def test_one_who_is_accused_beside_the_one_threatened_is_not_told(self) -> None:
        text = "I will kill Mrs Quill. Tom Brook stole the trip money"
        threat = judge(text, {"threat": 0.9, "criticism": 0.9})["threat"]
        route = load_pack("wessex").route("threat", about=threat.about, target=threat.target)

        assert (threat.target_person, threat.about) == ("quill", "chair_of_governors")
        assert "headteacher" in route.recipients
        assert "chair_of_governors" not in route.recipients

    def test_whoever_the_text_above_names_is_threatened_by_a_reply_that_names_nobody(self) -> None:
        threat = judge("somebody should burn it down with her in it", {"threat": 0.9}, parent="Dee Fir is our new lead")

        assert (threat["threat"].target, threat["threat"].target_person) == ("dsl", "fir")

    @pytest.mark.parametrize(
        ("answer", "target", "person"),
        [
            ("brook", "chair_of_governors", "brook"),
            ("headteacher", "headteacher", "quill"),
            ("teacher", "teacher", None),
            ("oak", "staff", "oak"),
            ("none", None, None),
        ],
    )
    def test_a_person_may_be_answered_as_the_target(self, answer: str, target: str | None, person: str | None) -> None:
        threat = judge("Dee Fir is dead", {"threat": 0.9}, answers={"target": answer})["threat"]

        assert (threat.target, threat.target_person) == (target, person)

    def test_an_insult_threatens_nobody(self) -> None:
        assert judge("Tom Brook is a clown", {"cyberbullying": 0.9})["cyberbullying"].target_person is None


class TestAuthor:
    def test_an_official_post_that_identifies_a_pupil_breaks_the_schools_own_rules(self) -> None:
        flags = judge("Well done Ivo Marsh, 4B!", {"identifies_pupil": 0.9, "praise": 0.9}, official=True)

        assert set(flags) == {"official_post_breach"}
        assert flags["official_post_breach"].author == "staff"

    def test_a_member_of_staff_who_abuses_somebody_raises_staff_conduct_too(self) -> None:
        flags = judge("that boy in 9F is a stinking rat", {"cyberbullying": 0.9}, answers={"author": "staff"})

        assert {"cyberbullying", "staff_conduct"} <= set(flags)

    def test_the_opinion_of_a_member_of_staff_is_opinion_until_a_person_says_otherwise(self) -> None:
        said = {"author": "staff"}

        assert set(judge("this place is a joke", {"criticism": 0.9}, answers=said)) == {"criticism"}
        decided = judge("this place is a joke", {"criticism": 0.9}, answers={**said, "concern": "staff_conduct"})
        assert set(decided) == {"criticism", "staff_conduct"}


class TestAnswers:
    def test_lawful_opinion_withdraws_what_is_opinion_and_nothing_else(self) -> None:
        scores = {"criticism": 0.9, "identifies_pupil": 0.9}

        assert set(judge("The head lied", scores, answers={"lawful_opinion": "yes"})) == {"identifies_pupil"}

    def test_a_child_at_risk_is_added(self) -> None:
        flag = judge("text", {}, answers={"child_at_risk": "yes"})["child_at_risk"]

        assert flag.clause == "9.1"
        assert flag.label is None

    def test_a_concern_is_added(self) -> None:
        flags = judge("text", {"criticism": 0.9}, answers={"concern": "complaint"})

        assert set(flags) == {"criticism", "complaint"}
        assert flags["complaint"].rule == "answer_complaint"


def test_a_pack_may_set_its_own_operating_point(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    rule = '[[rules]]\nid = "threat"\nlabels = ["threat"]\nconcern = "threat"\nraise_at = 0.95\nreview_at = 0.2\n'
    path.write_text(f'extends = "wessex"\nname = "own"\nversion = "1.0"\n{rule}', encoding="utf-8")

    (flag,) = load_pack(path).judge(case("text", {"threat": 0.9}))

    assert flag.review


class TestRefused:
    """A person says that a label does not hold."""

    def test_no_rule_holds_by_a_label_that_a_person_refused(self) -> None:
        scores = {"self_harm": 0.9, "criticism": 0.9}
        assert set(judge("this is it", scores)) == {"self_harm", "criticism"}
        assert set(judge("this is it", scores, answers={"not_label": "self_harm"})) == {"criticism"}
        assert judge("this is it", scores, answers={"not_label": "self_harm,criticism"}) == {}
        assert set(judge("this is it", scores, answers={"not_label": ""})) == {"self_harm", "criticism"}

    def test_a_rule_that_holds_by_another_label_stands(self) -> None:
        scores = {"criticism": 0.9, "cyberbullying": 0.7}
        before = judge("The headteacher slapped my son", scores)["misconduct_allegation"]
        after = judge("The headteacher slapped my son", scores, answers={"not_label": "criticism"})
        assert (before.label, after["misconduct_allegation"].label) == ("criticism", "cyberbullying")

    def test_a_refused_label_never_tells_the_one_whom_the_words_accuse(self) -> None:
        post, scores = "Mrs Quill is a monster", {"criticism": 0.9, "press": 0.9}
        before = judge(post, scores)
        after = judge(post, scores, answers={"not_label": "criticism"})
        assert {concern: flag.about for concern, flag in before.items()} == {
            "misconduct_allegation": "headteacher",
            "press": "headteacher",
        }
        assert {concern: flag.about for concern, flag in after.items()} == {"press": "headteacher"}
