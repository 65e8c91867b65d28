"""The official ways to help: every concern that has one names it, as an instruction, and the data is whole."""

from __future__ import annotations

import re

import pytest

from alerts.flag import CONCERNS, GRAVE
from alerts.help import MOST, help_for, services

NEEDED = {
    "self_harm": ("116 123", "0800 1111"),
    "child_at_risk": ("social care", "0808 800 5000"),
    "threat": ("999", "101"),
    "sexual_content": ("Report Remove", "Internet Watch Foundation", "CEOP"),
    "indecent_image": ("Internet Watch Foundation", "Report Remove", "CEOP", "never the image"),
    "extremism": ("Prevent", "0800 789 321"),
    "cyberbullying": ("0344 381 4772", "Facebook"),
    "impersonation": ("0344 381 4772", "Facebook"),
    "identifies_pupil": ("0344 381 4772", "Facebook"),
    "underage_account": ("Facebook", "under 13"),
    "contact_with_pupil": ("LADO", "CEOP"),
    "misconduct_allegation": ("LADO",),
    "personal_data": ("0303 123 1113", "72 hours"),
    "foi": ("20 school days",),
    "sar": ("one calendar month",),
}


@pytest.mark.parametrize("concern", NEEDED)
def test_a_concern_has_its_official_way_as_an_instruction(concern: str) -> None:
    said = " ".join(f"{way.do} {way.name}" for way in help_for([concern], ["facebook"]))
    for needed in NEEDED[concern]:
        assert needed in said, needed


def test_every_grave_concern_has_one() -> None:
    assert all(help_for([concern]) for concern in GRAVE)
    assert help_for(["praise"]) == help_for(["criticism"], ["facebook"]) == ()


def test_all_that_a_concern_names_is_known_and_short_enough() -> None:
    for concern in CONCERNS:
        assert len(help_for([concern], ["facebook", "x", "tiktok"])) <= MOST
    for way in services():
        assert way.do.endswith((".", ")"))
        assert way.url == "" or re.fullmatch(r"https://[^\s]+", way.url)
        assert all(re.fullmatch(r"[0-9 ]{3,13}", number) for number in way.phone)
        assert bool(way.checked) == bool(way.source), way.id


def test_a_number_that_is_named_stands_in_the_sentence_that_names_it() -> None:
    for way in services():
        if way.id != "report_remove":
            assert all(number in way.do for number in way.phone), way.id


def test_the_form_is_that_of_the_platform_where_the_post_stands() -> None:
    assert "instagram" in help_for(["underage_account"], ["instagram"])[0].url
    assert [way.name for way in help_for(["impersonation"], ["x", "facebook"])][:2] == ["X", "Facebook"]
    assert "its “Report”" in help_for(["impersonation"], ["mastodon"])[0].do
    assert [way.id for way in help_for(["impersonation"], ["report", "rss"])] == ["posh"]


def test_a_suspected_image_of_a_child_is_never_taken_to_the_platform_by_its_link() -> None:
    for concern in ("sexual_content", "indecent_image"):
        assert not any("facebook" in way.url for way in help_for([concern], ["facebook"]))


def test_each_way_once() -> None:
    ways = help_for(["indecent_image", "sexual_content", "threat"], ["x"])
    assert len({way.id for way in ways}) == len(ways)
