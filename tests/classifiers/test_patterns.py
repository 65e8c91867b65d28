"""Formats are found where they stand, and what cannot be read is said to be unread."""

import time

import pytest

from classifiers.language import is_readable
from classifiers.patterns import PatternClassifier, find_spans, unread_reason
from classifiers.text import clean
from classifiers.verdict import Passage


def spans(text: str) -> list[tuple[str, str]]:
    return [(span.kind, text[span.start : span.end]) for span in find_spans(clean(text))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("lives in Y9 somewhere", [("class", "Y9")]),
        ("Well done Ida, 9C!", [("class", "9C")]),
        ("she is in Year 9", [("class", "Year 9")]),
        ("yr10 is feral", [("class", "yr10")]),
        ("Saoirse, 5 Rowan", [("class", "5 Rowan")]),
        ("he starts in Reception", [("class", "Reception")]),
        ("wait at Reception please", []),
        ("our 11SW girls", [("class", "11SW")]),
        ("10PM for 5K fun, 4G signal, £6 A4", []),
        ("he is at SW1A 2AA now", [("postcode", "SW1A 2AA")]),
        ("come to m14 6xq", [("postcode", "m14 6xq")]),
        ("take the m1 2nd exit", []),
        ("ring 07700 900318 or +44 7700 900318", [("phone", "07700 900318"), ("phone", "+44 7700 900318")]),
        ("write to nia@borderecho.example today", [("email", "nia@borderecho.example")]),
        ("ask @lexi.skates_skel.", [("handle", "@lexi.skates_skel")]),
        ("on @head@school.example", [("handle", "@head@school.example")]),
        ("add me, saskia.pell10, year 9", [("handle", "saskia.pell10"), ("class", "year 9")]),
        ("DOB 04/03/2013", [("date_of_birth", "04/03/2013")]),
        ("born on 3rd of May 2012 in the taxi", [("date_of_birth", "3rd of May 2012")]),
        ("lives at 16 Cutler Street", [("address", "16 Cutler Street")]),
        ("a 10 minute drive", []),
        ("meet at 9 marsh lane", [("address", "9 marsh lane")]),
        ("🎉𝟵𝗖 won\u0301 🎉 in Year\u200b 4", [("class", "𝟵𝗖"), ("class", "Year\u200b 4")]),
        ("Nothing here to see", []),
    ],
)
def test_formats_are_found_in_the_original(text: str, found: list[tuple[str, str]]) -> None:
    assert spans(text) == found


def test_hostile_texts_take_bounded_time(hostile: str) -> None:
    began = time.perf_counter()
    PatternClassifier().classify([Passage(text=hostile)])
    assert time.perf_counter() - began < 4


@pytest.mark.parametrize(
    "seed", ["1", "a.", "0 ", "a_", "1 a ", "flat 1 ", "A ", "born ", "SW1", "+44", "a@", "@a.", "9C"]
)
def test_patterns_are_linear(seed: str) -> None:
    began = time.perf_counter()
    find_spans(clean(seed * (60_000 // len(seed))))
    assert time.perf_counter() - began < 4


@pytest.mark.parametrize(
    "text",
    [
        "ffs",
        "kys",
        "wallahi this detention system is a joke walaal",
        "higher english reading paper wis aboot sheep. SHEEP. twelve marks o sheep",
        "😂😂😂",
        "inshallah i pass biology, mashallah if i get a 6",
        "well done Oliwier Nowak-Grzyb from all of us x",
        "#WorldBookDay #SallowParkPrimary",
        "??",
        "Da iawn everyone, lovely concert at Ysgol Cwm Brwyn",
        "la la la la de da is all they sing in year 2",
    ],
)
def test_slang_dialect_and_emoji_are_read(text: str) -> None:
    assert unread_reason(Passage(text=text), clean(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "Czy ktoś wie, o której zaczyna się zebranie rodziców w czwartek?",
        "Oes rhywun yn gwybod am faint o'r gloch mae'r bws yn gadael fory?",
        "Franchement c'est honteux, l'école demande encore de l'argent aux parents",
        "yaar bas ab jeene ka dil nahi karta. school mein koi baat tak nahi karta mujh se",
        "ما شاء الله على ابننا في الصف السابع",
        "Дякую за інформацію, ми прийдемо завтра",
        "明天学校放假吗",
    ],
)
def test_other_languages_are_unread(text: str) -> None:
    assert unread_reason(Passage(text=text), clean(text)) == "language"


@pytest.mark.parametrize(
    ("text", "image", "reason"),
    [
        ("", True, "picture"),
        ("\u200b \n", True, "picture"),
        ("😍😍", True, "picture"),
        ("", False, "empty"),
        (" \x00", False, "empty"),
    ],
)
def test_pictures_without_words_are_unread(text: str, image: bool, reason: str) -> None:
    verdict = PatternClassifier().classify([Passage(text=text, has_image=image)])[0]
    assert verdict.unread == reason
    assert verdict.labels == ()


def test_formats_that_tell_a_pupil_raise_the_score() -> None:
    told, untold = PatternClassifier().classify(
        [Passage(text="Ike, Y9, DOB 04/03/2013, 16 Cutler Street"), Passage(text="Is it raining?")]
    )
    assert told.scores["identifies_pupil"] > 0.5 > untold.scores["identifies_pupil"] == 0.0
    assert "date of birth" in told.reason


@pytest.mark.parametrize(
    "text",
    [
        "Jutro przyniosę nóż do tej budy i zabiję dyrektora, zobaczycie",
        "Mañana llevaré algo a la reunión y no lo olvidarán, señores",
        "Yarın kapıda bekleyeceğim, müdür görür gününü",
    ],
)
def test_what_is_written_with_foreign_letters_is_not_taken_for_english(text: str) -> None:
    assert not is_readable(text)


@pytest.mark.parametrize(
    "text", ["Café and crêpes after the fête, 5 Chloë!", "naïve résumé of my fiancé lol", "Zoë 🙂"]
)
def test_english_may_have_accents(text: str) -> None:
    assert is_readable(text)
