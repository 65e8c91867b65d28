"""Times, sentences and texts by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from classifiers.verdict import Span
from watcher.web.disclosure import disclosure
from watcher.web.marking import SHOWN, clean, marked, web_address
from watcher.web.moment import relative, short, span
from watcher.web.standing import summary

if TYPE_CHECKING:
    pass


NOW = datetime(2026, 11, 20, 8, 15, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (NOW, "just now"),
        (NOW + timedelta(seconds=3), "in a moment"),
        (NOW - timedelta(seconds=40), "40 seconds ago"),
        (NOW - timedelta(minutes=1), "1 minute ago"),
        (NOW + timedelta(minutes=2), "in 2 minutes"),
        (NOW - timedelta(hours=3), "3 hours ago"),
        (NOW - timedelta(hours=13), "yesterday at 19:15"),
        (datetime(2026, 7, 1, 8, 0, tzinfo=UTC), "1 July at 09:00"),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "31 December 2025 at 23:30"),
    ],
)
def test_times_are_said_as_people_say_them(moment: datetime, said: str) -> None:
    assert relative(moment, NOW, "Europe/London") == said


def test_yesterday_is_the_schools_yesterday() -> None:
    late = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert short(late, late + timedelta(hours=1), "Europe/London") == "today at 00:30"


@pytest.mark.parametrize(("seconds", "said"), [(1, "1 second"), (90, "1 minute"), (7200, "2 hours"), (90000, "1 day")])
def test_lengths_are_said_in_their_largest_unit(seconds: int, said: str) -> None:
    assert span(timedelta(seconds=seconds)) == said


@pytest.mark.parametrize(
    ("standings", "said"),
    [
        (["read"] * 15, "All 15 sources are read"),
        (["blind", "blind"] + ["read"] * 13, "2 of 15 sources cannot be read"),
        (["failing", "read"], "1 of 2 sources waits to be read"),
        (["new", "new"], "None of 2 sources has been read yet"),
        (["read"], "The one source is read"),
        ([], "No source is set up yet"),
    ],
)
def test_one_sentence_says_how_all_sources_are(standings: list[str], said: str) -> None:
    assert summary(standings) == said


def test_marks_stay_in_place_whatever_else_is_cleaned() -> None:
    text = "a\x00\u202eb Leo\u0301\u0301\u0301\u0301\u0301 c"
    found = marked(text, [Span(start=5, end=13, kind="pupil_name"), Span(start=6, end=9, kind="other")])
    assert [(p.text, p.kind) for p in found.shown] == [
        ("a��b ", None),
        ("Leo\u0301\u0301\u0301", "pupil_name"),
        (" c", None),
    ]


def test_a_long_text_is_folded_between_words_and_nothing_is_lost() -> None:
    text = "words and more " * 400
    found = marked(text, [Span(start=SHOWN - 20, end=SHOWN + 20, kind="other")])
    assert "".join(p.text for p in (*found.shown, *found.folded)) == text
    assert found.shown[-1].text.endswith(" ")
    assert sum(len(p.text) for p in found.folded) == found.folded_length


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "javascript:alert(1)",
        " https://a.example",
        "java\nscript:x",
        "data:text/html,x",
        "//a.example",
        "https://a.example/\u202eexe",
        'https://a.example/"x',
        "https://" + "a" * 3000,
        "ftp://a.example",
    ],
)
def test_only_web_addresses_become_links(address: str | None) -> None:
    assert web_address(address) is None


def test_a_web_address_stays_as_it_is() -> None:
    assert web_address("https://a.example/ä?q=1#x") == "https://a.example/ä?q=1#x"


def test_clean_keeps_what_languages_and_emoji_need() -> None:
    text = "👩‍👧 שלום\u200f नमस्ते\nCafe\u0301"
    assert clean(text) == text


def test_disclosure_shuts_before_it_opens() -> None:
    assert disclosure(("criticism",), None) == "open"
    assert disclosure(("criticism", "threat"), None) == "closed"
    assert disclosure(("criticism", "threat"), None, opened=True) == "folded"
    assert disclosure(("threat", "indecent_image"), None, opened=True) == "withheld"
    assert disclosure(("criticism",), "dsl") == "closed"
    assert disclosure(("criticism",), "dsl, it_provider") == "hidden"
    assert disclosure(("criticism",), "dsl, it_provider", opened=True) == "hidden"
