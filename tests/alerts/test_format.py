"""Plain forms of words: what has one, and what only speaks of such things; all posts are invented."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alerts.answer import Answer
from alerts.case import Case
from alerts.errors import PolicyError
from alerts.flag import CONCERNS, Flag
from alerts.format import FORMATS, formats, said
from alerts.mention import Mention
from alerts.packs import PACKS, load_pack
from alerts.school import School
from classifiers.verdict import OperatingPoint, Verdict
from connectors.post import Author, Media, Post

HITS = [
    ("foi", "This is a Freedom of Information request: how many supply days in 2025?"),
    ("foi", "Please treat this as an FOI request for the cost of the new gates"),
    ("foi", "@HollinSchool FOI: how many exclusions last year"),
    ("foi", "Under the Freedom of Information Act 2000 please send me the minutes of the May meeting"),
    ("foi", "I request the following under FOI - spend on taxis 2024-25"),
    ("foi", "I am submitting an FOI request about the sale of the field"),
    ("foi", "FREEDOM OF INFORMATION REQUEST: total cost of consultants"),
    ("foi", "I'd like to see the contract. I make this request under the Freedom of Information Act."),
    ("foi", "We want the air test results under the Environmental Information Regulations"),
    ("dp_complaint", "You have breached GDPR by reading my email out in class"),
    ("dp_complaint", "This is a clear breach of data protection"),
    ("dp_complaint", "I've reported you to the ICO"),
    ("dp_complaint", "We're taking this to the Information Commissioner"),
    ("dp_complaint", "Consider this a data protection complaint"),
    ("dp_complaint", "I want to complain about how the school handled my son's personal data"),
    ("complaint", "Please accept this as a formal complaint."),
    ("complaint", "I wish to make a formal complaint about the trip"),
    ("complaint", "I am making an official complaint, and this is it"),
    ("complaint", "We would like to raise a stage 2 complaint"),
    ("complaint", "I have now lodged a formal complaint with the governors"),
    ("complaint", "I'm formally complaining about the coach on Friday"),
    ("contact_with_pupil", "The maths teacher added my daughter on Snapchat"),
    ("contact_with_pupil", "Mr Harrow messages year 9 girls on insta"),
    ("contact_with_pupil", "sir followed me back on instagram lol"),
    ("contact_with_pupil", "my son got a friend request from his teacher"),
    ("contact_with_pupil", "Why is a teaching assistant texting my daughter via WhatsApp at night"),
    ("contact_with_pupil", "Miss Ore gave us her personal number"),
    ("copyright", "You used my photo on the prospectus without any credit or payment"),
    ("copyright", "This infringes my copyright, take it down"),
    ("copyright", "DMCA notice sent to your host today"),
    ("underage_account", "Half the class, and my 9 year old has a secret TikTok account too"),
    ("underage_account", "i'm 10 and this is my new account"),
    ("underage_account", "Year 5s have their own snapchat"),
    ("confidential_information", "Here's the leaked staff email, make of it what you will"),
    ("confidential_information", "Screenshots of the confidential governors' minutes below"),
    ("illegal_activity", "selling elf bars behind the gym dm me"),
    ("illegal_activity", "got fake ids £20 snap me"),
]
NEAR = [
    # foi: the news of one, another's, a lesson on it
    "FOI going in tonight on what they spent on the new sign.",
    "I've put in an FOI on how many teachers have left since 2022",
    "It took a freedom of information to find out my child's class had no qualified teacher",
    "The county's answer to our FOI on school transport: 41 pages",
    "Year 10 learned about the Freedom of Information Act today",
    "FOI training for governors is on Monday",
    # data protection: training, somebody else's
    "GDPR training for all staff this Wednesday",
    "Our data protection complaint form is on the website",
    "The ICO fined a hospital last week",
    "I reported Facebook to the ICO",
    "Tesco had a data breach again",
    # complaint: none, praise, somebody else's
    "No complaints from us after six years",
    "can't complain about the place at all",
    "I'm making a formal complaint to the bus company",
    "I've lodged a formal complaint with the council about the road",
    "The complaint I made last term was dealt with properly",
    "The complaints policy gives ten days",
    "ten pages of complaints and not one about the food",
    # contact: ordinary ways, grown-ups, the school's own
    "The teacher messaged me on Class Dojo about his reading",
    "Her teacher followed up with my son after the trip",
    "sir added my son to the football team",
    "My daughter follows the school on Instagram",
    "Miss Ore talks to us like adults",
    "The teacher put year 9 girls on the school facebook page",
    "Teachers should not be friends with pupils online, says the new guidance",
    # copyright
    "Copyright is on the year 8 computing plan",
    "You posted a photo of my son without my permission",
    "Don't copy my homework",
    # age
    "My 9 year old has a lovely teacher",
    "My 14 year old has a TikTok account",
    "Year 5 have a trip on Friday, photos on the school's page",
    "He's 10 and this is his favourite book",
    # confidential, illegal
    "The minutes of the governors' meeting are on the website",
    "Here's the letter about the trip",
    "The school has banned vapes, dm me if you have questions",
    "PTA selling cakes on Friday, message me",
    "got weed all over the allotment",
    "",
]


@pytest.mark.parametrize(("name", "text"), HITS)
def test_a_plain_form_of_words_is_known(name: str, text: str) -> None:
    assert name in formats(text)


@pytest.mark.parametrize("text", NEAR)
def test_what_only_speaks_of_such_things_has_none(text: str) -> None:
    assert formats(text) == ()


def test_long_and_hostile_texts_are_read_in_time() -> None:
    for text in ("a " * 30_000, "foi " * 16_000, "i have " * 9_000 + "x", "teacher " * 8_000, "year 5 " * 9_000):
        begun = time.process_time()
        assert formats(f"{text}. Please accept this as a formal complaint.") == ("complaint",), "read to its end"
        assert time.process_time() - begun < 3, "takes 0.03 s; a quadratic step takes minutes"


def judge(text: str, pack: str = "wessex", *, official: bool = False, **more: str) -> dict[str, Flag]:
    author = Author(id="1", handle="hollin", official=True) if official else None
    case = Case(
        post=Post(platform="x", id="1", kind="post", text=text, author=author),
        school=School(id="hollin", name="Hollin Primary School", pack=pack),
        mention=Mention(school="hollin", relevance="yes", reason="said"),
        answers=tuple(
            Answer(question=q, value=v, by="dee", at=datetime(2026, 11, 20, tzinfo=UTC)) for q, v in more.items()
        ),
    )
    return {flag.concern: flag for flag in load_pack(pack).judge(case)}


@pytest.mark.parametrize("pack", PACKS)
def test_each_form_is_a_concern_in_every_pack_and_says_why(pack: str) -> None:
    for name, text in HITS:
        flag = judge(text, pack)[name]

        assert flag.label is None, text
        assert said(name) in flag.why, text
    assert {name for name, _ in HITS} == set(FORMATS) <= set(CONCERNS)


@pytest.mark.parametrize("name", FORMATS)
def test_the_schools_own_posts_have_none(name: str) -> None:
    text = next(text for known, text in HITS if known == name)

    assert judge(text, official=True) == {}


def test_lawful_opinion_withdraws_a_complaint_and_leaves_a_request() -> None:
    both = "Please accept this as a formal complaint. FOI: what did the sign cost?"

    assert set(judge(both)) == {"complaint", "foi"}
    assert set(judge(both, lawful_opinion="yes")) == {"foi"}


def test_a_complaint_about_the_head_goes_where_one_about_the_head_goes() -> None:
    flag = judge("I am making a formal complaint against the headteacher, who hit my son")["complaint"]
    route = load_pack("wessex").route("complaint", about=flag.about)

    assert "headteacher" not in route.recipients
    assert "chair_of_governors" in route.recipients


def test_a_pack_that_asks_for_an_unknown_form_is_refused_with_pack_rule_and_key(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    head = 'extends = "wessex"\nname = "own"\ntitle = "Own"\nversion = "1.0"\ndocument = "Own"\n'
    file.write_text(head + '[[rules]]\nid = "odd"\nconcern = "foi"\nformats = ["fio"]\n')

    with pytest.raises(PolicyError) as error:
        load_pack(str(file))

    assert all(word in str(error.value) for word in ("own", "odd", "formats", "fio"))


@pytest.mark.parametrize(
    ("media", "text", "concern"),
    [
        (True, "that girl in year 9, look", "indecent_image"),
        (False, "that girl in year 9, look", None),
        (True, "look at the state of that", None),
    ],
)
def test_sexual_content_about_a_pupil_with_a_picture_is_a_suspected_indecent_image(
    media: bool, text: str, concern: str | None
) -> None:
    points = {"sexual_content": OperatingPoint(raise_at=0.6, review_at=0.3)}
    case = Case(
        post=Post(
            platform="x",
            id="1",
            kind="post",
            text=text,
            media=(Media(kind="image", url="https://x.example/1.jpg"),) if media else (),
        ),
        school=School(id="hollin", name="Hollin Primary School", pack="wessex"),
        mention=Mention(school="hollin", relevance="yes", reason="said"),
        verdicts=(Verdict(model="m", version="1", scores={"sexual_content": 0.4}, points=points),),
    )

    found = {flag.concern for flag in load_pack("wessex").judge(case)}

    assert found == ({"sexual_content"} | ({concern} if concern else set()))
