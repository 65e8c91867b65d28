"""Evasion is undone, offsets are kept, and nothing takes long."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.text import LIMIT_BYTES, Reading, clean, plain

ODD = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "aaabZ 0135$@!..-_\n\t\x00\u0301\u0308\u200b\u202e\u2066\ufeff\ud800\udfffаеоһ𝓴🅰ｋ😂🤡🏽👩\u200d️ﬁ½ᴋ"
        ),
    ),
    max_size=80,
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("k1ll y0urself", "kill yourself"),
        ("k i l l yourself", "kill yourself"),
        ("k.y.s", "kys"),
        ("l\u200bo\u200bs\u200be\u200br", "loser"),
        ("kіll уоu", "kill you"),  # Cyrillic letters among Latin ones
        ("𝓴𝓲𝓵𝓵 𝕪𝕠𝕦", "kill you"),
        ("ｋｉｌｌ", "kill"),
        ("🅺🅸🅻🅻 ⓨⓞⓤ", "KILL you"),
        ("ᴋɪʟʟ", "kill"),
        ("looooooser!!!!!", "looser!!"),
        ("$hut up", "shut up"),
        ("Zoë", "Zoe"),
        ("Zoe\u0301", "Zoe"),
        ("don’t", "don't"),
        ("a\x00b", "ab"),
        ("two\nlines", "two lines"),
        ("nice 🤡🤡🤡", "nice  clown face  clown face "),
    ],
)
def test_evasion_is_undone(written: str, read: str) -> None:
    assert plain(clean(written)).text == read


@pytest.mark.parametrize(
    "kept",
    [
        "Y9 and 9C",
        "yr10",
        "M1 4AB",
        "see @user1x",
        "me@home.example",
        "class5c",
        "U.S. v it",
        "Привет",
        "2nd of 3",
        "7pm",
    ],
)
def test_what_is_no_evasion_stays(kept: str) -> None:
    assert plain(clean(kept)).text == kept


def test_a_stretch_leads_back_to_the_original() -> None:
    text = "🎉 well done Zo\u0301e\u0301 \u200bl0ser"
    reading = plain(clean(text))
    start = reading.text.index("Zoe")
    assert text[slice(*reading.original(start, start + 3))] == "Zo\u0301e\u0301 \u200b".rstrip("\u200b ")
    start = reading.text.index("loser")
    assert text[slice(*reading.original(start, start + 5))] == "l0ser"


@given(ODD)
def test_offsets_are_in_range_and_never_go_back(text: str) -> None:
    for reading in (clean(text), plain(clean(text))):
        assert len(reading.text) == len(reading.starts) == len(reading.ends)
        before = 0
        for start, end in zip(reading.starts, reading.ends, strict=True):
            assert before <= start < end <= len(text)
            before = start


@given(ODD)
def test_a_clean_text_is_clean_already(text: str) -> None:
    once = clean(text).text
    assert clean(once).text == once
    once.encode("utf-8")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_ascii_is_read_as_it_stands(text: str) -> None:
    assert clean(text) == Reading(text, range(len(text)), range(1, len(text) + 1))


def test_hostile_texts_are_read_in_bounded_time(hostile: str) -> None:
    began = time.perf_counter()
    reading = plain(clean(hostile))
    assert time.perf_counter() - began < 2  # takes 0.05 s; a quadratic step takes minutes
    assert reading.cut
    assert len(reading.text.encode()) <= LIMIT_BYTES


def test_the_first_64_kb_are_read_and_no_character_is_cut() -> None:
    assert not clean("x" * LIMIT_BYTES).cut
    assert clean("x" * (LIMIT_BYTES + 1)).cut
    reading = clean("x" + "é" * LIMIT_BYTES)
    assert reading.cut
    assert reading.text == "x" + "e" * ((LIMIT_BYTES - 1) // 2)
