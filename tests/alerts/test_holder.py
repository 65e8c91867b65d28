"""Who is named or described, and whether conduct is alleged of them; all posts and people are invented."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.holder import accused, holders
from alerts.school import Holding, Person

OFFICERS = tuple(
    (Holding(person=person, role=role, school="hollin"), Person(id=person, name=name, email=f"{person}@hollin.example"))
    for person, role, name in (
        ("quill", "headteacher", "Mrs Jemima Quill"),
        ("brook", "chair_of_governors", "Tom Brook"),
        ("abad", "deputy_headteacher", "Núria Abad-Rius"),
    )
)


def roles(text: str, *, unsure: bool = True) -> list[str]:
    return [holder.role for holder in accused(holders(text, OFFICERS), unsure=unsure)]


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("The head stole the PTA money", "headteacher"),
        ("our headmistress is a liar", "headteacher"),
        ("the head teacher was drunk at sports day", "headteacher"),
        ("Head of School assaulted a pupil", "headteacher"),
        ("The principal fiddled the attendance figures", "headteacher"),
        ("Thieving head!", "headteacher"),
        ("Jemima Quill is having an affair with the caretaker", "headteacher"),
        ("MRS QUILL COVERED IT ALL UP", "headteacher"),
        ("J. Quill lied to Ofsted", "headteacher"),
        ("Quill nicked it, ask anyone", "headteacher"),
        ("#SackMrsQuill she fiddled the SATs", "headteacher"),
        ("@jemima_quill lied to us", "headteacher"),
        ("My son was hit by the head", "headteacher"),
        ("Parents were lied to by Mrs Quill", "headteacher"),
        ("Mrs Quill came into the hall. She grabbed a child by the arm", "headteacher"),
        ("I told the head she is a racist", "headteacher"),
        ("The head is bullying staff out of the school", "headteacher"),
        ("The head hired his own wife as business manager", "headteacher"),
        ("We have lodged a formal grievance against the headteacher", "headteacher"),
        ("The head turned a blind eye to bullying", "headteacher"),
        ("Tom Brook pocketed the fundraising cash", "chair_of_governors"),
        ("the chair of governors is corrupt", "chair_of_governors"),
        ("the governors are corrupt", "governing_body"),
        ("Nuria Abad-Rius smells of vodka every morning", "deputy_headteacher"),
        ("the deputy head has been messaging year 9 girls", "deputy_headteacher"),
        ("Our CEO is a fraud", "ceo"),
        ("the safeguarding lead shredded the records", "dsl"),
        ("a teacher slapped my lad", "teacher"),
    ],
)
def test_a_holder_together_with_an_allegation_is_accused(text: str, role: str) -> None:
    assert role in roles(text, unsure=False)


@pytest.mark.parametrize(
    "text",
    [
        "The head is clueless about phones",
        "Mrs Quill never answers an email, useless",
        "the headteacher's decision to scrap the trip is disgraceful",
        "A boy hit my daughter and the head did nothing",
        "My son was punched and the head ignored it",
        "kids in year 5 keep hitting him and Mrs Quill just shrugs",
        "Complained to the head about bullying, no reply",
        "Reported racist abuse to the head, nothing done",
        "The head ignores racism",
        "He got hit on the head by a ball",
        "a blow to the head and nobody rang me",
        "head of maths is useless",
        "The head hit the nail on the head",
        "I was drunk when I read the head's letter",
        "a kid hit the head teacher",
        "head lice again! somebody nicked the nit comb",
        "somebody stole my bike outside school",
        "The school lied to us",
    ],
)
def test_opinion_and_other_peoples_deeds_accuse_no_head(text: str) -> None:
    assert "headteacher" not in roles(text)


def test_only_the_one_it_is_said_of_is_accused() -> None:
    assert roles("Told the head that a teacher slapped my lad") == ["teacher"]


def test_those_joined_by_and_are_accused_together_the_head_first() -> None:
    assert roles("The chair of governors and Mrs Quill covered it up") == ["headteacher", "chair_of_governors"]


def test_one_who_may_be_meant_counts_only_where_doubt_does() -> None:
    text = "Drunk at the fair again. Mrs Quill should be ashamed."

    assert roles(text) == ["headteacher"]
    assert roles(text, unsure=False) == []


def test_a_name_is_told_from_a_title() -> None:
    (by_name,) = holders("Tom Brook lied", OFFICERS)
    (by_title,) = holders("the chair of governors lied", OFFICERS)

    assert (by_name.named, by_title.named) == (True, False)
    assert by_name.alleged == "lying"


def test_a_stranger_of_another_name_is_nobody() -> None:
    assert holders("Jemima Quilliam and Brookes stole it", OFFICERS) == ()


@pytest.mark.parametrize(
    "text",
    [
        "the head hit " * 6000,
        "\u0301" * 200_000,
        "told " * 20_000,
        "#" * 60_000,
        "mrs " * 20_000,
        "\x00\u202e" * 30_000,
        "\ud800 the head lied",
    ],
)
def test_hostile_text_is_read_without_an_error(text: str) -> None:
    assert isinstance(accused(holders(text, OFFICERS), unsure=True), tuple)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_any_text_at_all_is_read(text: str) -> None:
    for holder in holders(text, OFFICERS):
        assert 0 <= holder.start < holder.end
