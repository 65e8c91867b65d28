"""Lawful speech of the six kinds is never conduct or defamation without a person's reasoned decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from alerts.answer import Answer
from alerts.case import Case
from alerts.mention import Mention
from alerts.packs import PACKS, load_pack
from alerts.school import School
from alerts.speech import NEVER, protected
from classifiers.verdict import LABELS, OperatingPoint, Verdict
from connectors.post import Post

NOW = datetime(2026, 11, 20, tzinfo=UTC)
POINTS = {label: OperatingPoint(raise_at=0.6, review_at=0.3) for label in LABELS}
LAWFUL = [
    ("industrial action", "We are out on strike at Hollin on Tuesday, come and join us"),
    ("industrial action", "Staff were balloted and 94% said yes"),
    ("industrial action", "Picket line from 7am at the main gate, bring a flask"),
    ("industrial action", "TAs striking over pay at our place tomorrow"),
    ("industrial action", "Action short of a strike begins Monday: no emails after four"),
    ("industrial action", "Working to rule until they answer us"),
    ("union", "Our union rep was told to be quiet in a meeting about workload"),
    ("union", "NASUWT members at Hollin have no confidence in the new marking policy"),
    ("union", "Proud to be in the NEU. The head should listen."),
    ("union", "UNISON says the midday staff are owed money"),
    ("election", "I'm standing for parent governor because the board has stopped listening"),
    ("election", "Vote Labour on Thursday, the Tories have starved our school"),
    ("election", "Our local MP came to the gate and the trust would not let her in"),
    ("election", "Polling station in the hall again, kids at home again, and nobody consulted"),
    ("belief", "As a Christian I cannot agree with what the school teaches in RSE"),
    ("belief", "My religious beliefs were laughed at in the staff room"),
    ("belief", "I'm gender-critical and I'd like to be able to say so at work"),
    ("belief", "I believe in God and this assembly was an insult"),
    ("whistleblowing", "I blew the whistle on the exam room and I'd do it again"),
    ("whistleblowing", "I have reported it to Ofsted because nobody here would hear it"),
    ("whistleblowing", "This is a protected disclosure about the fire doors"),
    ("whistleblowing", "Speaking up about ratios got me moved to another site"),
    ("petition", "Petition: keep the sixth form bus. 412 signatures so far"),
    ("petition", "Please sign and share our open letter to the trust"),
    ("petition", "We petitioned the governors in May"),
]


@pytest.mark.parametrize(("kind", "text"), LAWFUL)
def test_the_six_kinds_are_known_by_their_words(kind: str, text: str) -> None:
    found = protected(text)

    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize("hide", [str.upper, lambda text: text.replace("e", "е"), lambda text: text.replace(" ", "  ")])
def test_capitals_and_letters_that_look_alike_hide_nothing(hide: Callable[[str], str]) -> None:
    assert protected(hide("Petition: keep the bus")) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Sir strikes again, another coat lost",
        "It strikes me as odd",
        "That competition was repetitive",
        "We walked in union jack socks",
        "The student union bar is shut",
        "They sang in unison at the concert",
        "The credit union opens at nine",
        "White picket fence round the new garden",
        "The PE teacher lost his whistle",
        "Select committee of year 6 pupils",
        "Mr Churchill is a good teacher",
        "The school lost my daughter's coat and nobody cares",
        "lightning hit the old oak",
        "",
    ],
)
def test_words_that_only_look_like_them_are_ordinary(text: str) -> None:
    assert protected(text) is None


def a_case(text: str, *, scores: dict[str, float], answers: tuple[Answer, ...] = (), pack: str = "wessex") -> Case:
    return Case(
        post=Post(platform="x", id="1", kind="post", text=text),
        school=School(id="hollin", name="Hollin Primary School", pack=pack),
        mention=Mention(school="hollin", relevance="yes", reason="said"),
        verdicts=(Verdict(model="m", version="1", scores=scores, points=POINTS),),
        answers=answers,
    )


def said(question: str, value: str, reason: str | None = None) -> Answer:
    return Answer(question=question, value=value, by="dee", at=NOW, reason=reason)


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("author", ["staff", "teacher", "duty_teacher", "office", "parent"])
def test_no_label_makes_conduct_or_defamation_of_lawful_speech(pack: str, author: str) -> None:
    every = dict.fromkeys(LABELS, 0.99)
    for _, text in LAWFUL:
        flags = load_pack(pack).judge(a_case(text, scores=every, answers=(said("author", author),), pack=pack))

        found = {flag.concern for flag in flags}
        assert not found & set(NEVER), text
        assert found & {"criticism", "misconduct_allegation"}, text


@pytest.mark.parametrize("author", ["staff", "teacher", "office"])
def test_the_same_labels_are_conduct_where_the_words_are_not_lawful_speech(author: str) -> None:
    case = a_case("that boy in 9F stinks", scores={"cyberbullying": 0.9}, answers=(said("author", author),))

    assert "staff_conduct" in {flag.concern for flag in load_pack("wessex").judge(case)}


@pytest.mark.parametrize("concern", NEVER)
@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_person_who_gives_no_reason_makes_none_of_it_either(concern: str, reason: str | None) -> None:
    answers = (said("author", "staff"), said("concern", concern, reason))
    for _, text in LAWFUL:
        flags = load_pack("wessex").judge(a_case(text, scores={"criticism": 0.9}, answers=answers))

        assert {flag.concern for flag in flags} == {"criticism"}, text


@pytest.mark.parametrize("concern", NEVER)
def test_a_persons_reasoned_decision_counts_and_the_matter_says_so(concern: str) -> None:
    case = a_case(LAWFUL[0][1], scores={}, answers=(said("concern", concern, "names a colleague's illness"),))

    (flag,) = load_pack("wessex").judge(case)

    assert flag.concern == concern
    assert "industrial action" in flag.why
    assert "illness" not in flag.why


def test_a_reason_given_once_stands_when_more_is_answered_later() -> None:
    first = said("concern", "staff_conduct", "shares a pupil's file")
    case = a_case("On strike tomorrow", scores={}, answers=(first, said("concern", "staff_conduct,complaint")))

    assert {flag.concern for flag in load_pack("wessex").judge(case)} == {"staff_conduct", "complaint"}


def test_a_decision_taken_back_no_longer_counts() -> None:
    first = said("concern", "staff_conduct", "shares a pupil's file")
    case = a_case("On strike tomorrow", scores={}, answers=(first, said("concern", "none")))

    assert load_pack("wessex").judge(case) == ()


def test_a_reply_under_a_petition_is_as_free() -> None:
    case = a_case("disgraceful, all of them", scores={}, answers=(said("concern", "parent_conduct"),))

    assert load_pack("wessex").judge(replace(case, parent="Petition: keep the bus")) == ()
    assert {flag.concern for flag in load_pack("wessex").judge(case)} == {"parent_conduct"}


def test_what_may_harm_somebody_is_told_whatever_it_stands_beside() -> None:
    for _, text in LAWFUL:
        flags = load_pack("wessex").judge(a_case(text, scores={"threat": 0.9, "self_harm": 0.9}))

        assert {"threat", "self_harm"} <= {flag.concern for flag in flags}, text


@pytest.mark.parametrize("answer", ["Mr Oak is ill", None])
def test_ordinary_conduct_needs_no_reason(answer: str | None) -> None:
    case = a_case("I'll be late, hungover again lol", scores={}, answers=(said("concern", "staff_conduct", answer),))

    assert {flag.concern for flag in load_pack("wessex").judge(case)} == {"staff_conduct"}
