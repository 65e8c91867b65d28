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


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Siân O'Rourke", "Sian ORourke stole the trip money"),
        ("Siân O'Rourke", "Mrs O Rourke hit my son"),
        ("Zoë Smith-Jones", "Mrs Smith Jones stole the money"),
        ("Zoë Smith-Jones", "Mrs Smith stole the money"),
        ("Zoë Smith-Jones", "Zoe Smith stole the money"),
        ("Zoë Smith-Jones", "Smithjones lied to Ofsted"),
        ("Nguyễn Văn An", "Mr Nguyen hit a child"),
        ("Jordan Moore", "Mrs Moores a thief"),
        ("Jordan Moore", "#SackMoore for stealing the money"),
        ("Jordan Moore", "#MooreOut she stole the money"),
        ("Jordan Moore", "J0rdan M00re stole the money"),
        ("Jordan Moore", "Jordan Mo*re stole the money"),
        ("Jordan Moore", "Jordan Mооre stole the money"),
        ("Jan Whittle (school safeguarding)", "Mrs Whittle slapped my son"),
        ("Jan Hill", "Miss Hill slapped my son"),
        ("Northmere Office", "Northmere office stole the money"),
    ],
)
def test_a_name_is_known_in_the_spellings_of_those_who_accuse(name: str, text: str) -> None:
    holder = (Holding(person="a", role="dsl", school="hollin"), Person(id="a", name=name, email="a@hollin.example"))

    assert [(h.role, h.named) for h in accused(holders(text, (holder,)), unsure=False)] == [("dsl", True)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Jan Hill", "they cheated on the hill run"),
        ("Jan Hill", "#HillcrestPrimary pupils stole the show and the money"),
        ("Tom Hollin", "Hollin lied to us"),
        ("Northmere Office", "the office stole the money"),
        ("Head Teacher", "a stolen teacher mug"),
    ],
)
def test_ordinary_words_and_the_schools_own_name_are_nobodys_name(name: str, text: str) -> None:
    holder = (Holding(person="a", role="hr", school="hollin"), Person(id="a", name=name, email="a@hollin.example"))

    assert not any(h.named for h in holders(text, (holder,), school="Hollin Primary"))


@pytest.mark.parametrize(
    "text",
    [
        "The hеadteacher stole the money",
        "HEAD\u200bTEACHER STOLE OUR MONEY",
        "head-teacher stole the money",
        "Headteecher stole the money",
        "The HT stole the money",
        "The boss of the school stole the money",
        "the head teachers a liar",
        "#SackTheHead she stole the money",
        "Headmistress is having it off with a dad",
        "Mae'r pennaeth wedi dwyn arian",
        "The headteacher kissed a year 11 girl",
        "The headteacher exposed himself",
        "The headteacher strangled a child",
        "The headteacher spanked my boy",
        "The headteacher bit a pupil",
        "The headteacher threw a chair at my kid",
        "The headteacher filmed girls in the changing room",
        "The headteacher watches porn in his office",
        "The headteacher is a predator",
        "p3do headteacher",
        "The headteacher is claiming expenses for his holiday",
        "The headteacher took the trip money",
        "the headteacher smokes weed at work",
        "The headteacher fabricated the minutes",
        "The headteacher hid the report",
        "The headteacher told staff to keep quiet",
        "The headteacher has been suspended",
        "The headteacher refused my son his inhaler",
        "The headteacher left a reception child locked out",
        "The headteacher picks on SEN kids",
        "The headteacher hates travellers",
        "The headteacher has wandering hands",
        "The headteacher signed off fake invoices",
        "The headteacher is off his head in school",
    ],
)
def test_plain_words_for_the_head_and_for_what_they_did_accuse(text: str) -> None:
    assert roles(text, unsure=False) == ["headteacher"]


@pytest.mark.parametrize(
    "text",
    [
        "Mrs Quill traumatised my son",
        "The head screamed at a year 4",
        "Mrs Quill came in. She cornered a pupil",
        "the head is such a creep",
    ],
)
def test_a_deed_that_may_be_harmless_accuses_only_where_doubt_counts(text: str) -> None:
    assert (roles(text), roles(text, unsure=False)) == (["headteacher"], [])


@pytest.mark.parametrize(
    "text",
    [
        "I think the head is wrong about phones",
        "shame on the head for cancelling the trip",
        "The head never answers emails",
        "The head excluded my son for a haircut",
        "Mrs Quill ignored my daughter's plan",
        "The head sacked half the staff",
        "the head moved my child to another class without a word",
        "Mrs Quill helped my son read",
        "back after HT and the gate is still broken, they lied",
        "The head is an idiot",
    ],
)
def test_running_a_school_badly_is_no_allegation(text: str) -> None:
    assert "headteacher" not in roles(text)


def test_one_who_holds_two_roles_is_accused_under_both() -> None:
    person = Person(id="a", name="Ola Fenn", email="a@hollin.example")
    two = tuple((Holding(person="a", role=r, school="hollin"), person) for r in ("headteacher", "dsl"))

    assert {h.role for h in accused(holders("My son was slapped by Mr Fenn", two), unsure=False)} == {
        "headteacher",
        "dsl",
    }


@pytest.mark.parametrize(
    "text",
    [
        "The new head shook my son's hand and called him by his brother's name",
        "the head hid it well, but she was proud",
        "The head robbed the kids of a proper sports day",
        "The head has stolen the joy out of learning",
        "the head hits the same note every assembly",
        "The head doctored nothing and changed nothing",
        "The head buried the bad news on page nine",
        "The head embarrassed the kids with that singing",
        "would it have killed the head to ring? It would have killed them to answer",
        "we left the head's meeting and I could have murdered a curry",
    ],
)
def test_idioms_that_hold_an_alleging_word_allege_nothing(text: str) -> None:
    assert roles(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "The head robbed the PTA of money",
        "The head stole our money",
        "The head buried the report",
        "The head shook my son",
        "The head hits pupils",
        "The head could have killed my son, she punched him",
    ],
)
def test_the_same_words_allege_where_they_mean_it(text: str) -> None:
    assert roles(text) == ["headteacher"]


def test_a_name_says_whose_it_is() -> None:
    two = tuple(
        (Holding(person=n, role="teacher", school="hollin"), Person(id=n, name=name, email=f"{n}@hollin.example"))
        for n, name in (("a", "Ann Moore"), ("b", "Ben Moore"))
    )

    assert {h.person for h in holders("Mr Moore will pay for this", two)} == {"a", "b"}
    assert {h.person for h in holders("Ben Moore will pay for this", two) if h.named} >= {"b"}
