"""Answering what a matter is, as an operator meets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

Command = Callable[..., Any]
NOW = datetime.now(UTC)
POST = {
    "id": "1",
    "text": "Petition: Hillcrest Primary School is a disgrace. Nobody answers the phone and nobody cares.",
    "created_at": NOW.isoformat(),
    "url": "https://social.example/1",
}


@pytest.fixture
def incident(made: Callable[..., str]) -> str:
    """One opinion about a school, read by the shipped model and made an incident; its reference."""
    return made(POST)


def test_without_an_answer_it_asks_and_lawful_opinion_comes_first(watcher: Command, incident: str) -> None:
    asked = watcher("answer", incident.lower())
    rows = watcher("answer", incident, "--json").lines

    assert asked.code == 0
    assert asked.out.startswith("lawful opinion, no action: ")
    assert [row["question"] for row in rows][:2] == ["lawful_opinion", "about"]
    assert all(row["answered"] is None for row in rows)
    assert "Petition" not in asked.out + asked.err


def test_an_answer_is_kept_and_says_who_will_now_be_told(watcher: Command, incident: str) -> None:
    done = watcher("answer", incident, "--about", "headteacher", "--by", "pat", "--why", "it is about her manner")

    assert done.code == 0
    assert "answered for 1 post by pat" in done.out
    assert "withdrawn: Criticism" in done.out
    assert "will now be told: Chair of governors and CEO (Allegation about conduct; WMAT 9.2)" in done.out
    assert "judges it again when the service next runs" in done.err
    said = next(row for row in watcher("answer", incident, "--json").lines if row["question"] == "about")
    assert (said["answered"]["value"], said["answered"]["by"]) == ("headteacher", "pat")
    assert said["answered"]["why"] == "it is about her manner"


def test_lawful_opinion_ends_the_matter(watcher: Command, incident: str) -> None:
    without = watcher("answer", incident, "--lawful-opinion")
    done = watcher("answer", incident, "--lawful-opinion", "--why", "fair comment", "--json")

    assert (without.code, "--why" in without.err) == (1, True)
    (said,) = done.lines
    assert (said["state"], said["told_now"], said["stands"]) == ("dismissed", [], [])
    assert watcher("incidents", incident, "--json").lines[0]["state"] == "dismissed"


def test_lawful_speech_becomes_conduct_only_with_a_reason(watcher: Command, incident: str) -> None:
    without = watcher("answer", incident, "--author", "parent", "--concern", "parent_conduct")
    done = watcher("answer", incident, "--concern", "parent_conduct", "--why", "names a child's illness", "--json")

    assert (without.code, "petition" in without.err) == (1, True)
    assert [told["concern"] for told in done.lines[0]["told_now"]] == ["parent_conduct"]


@pytest.mark.parametrize(
    ("given", "code", "words"),
    [
        (("--about", "heady"), 2, "known are headteacher"),
        (("--target", "nobody"), 2, "the people jo"),
        (("--child-at-risk", "perhaps"), 2, "yes, no"),
        (("--post", "7", "--author", "parent"), 1, "no post 7"),
        (("--by", "jo", "--about", "none"), 0, ""),
    ],
)
def test_what_cannot_be_meant_says_what_can(
    watcher: Command, incident: str, given: tuple[str, ...], code: int, words: str
) -> None:
    done = watcher("answer", incident, *given)

    assert done.code == code
    assert words in done.err


def test_an_unknown_incident_is_said_to_a_program_too(watcher: Command, incident: str) -> None:
    done = watcher("answer", "WT-NONE", "--author", "parent", "--json")

    assert done.code == 1
    assert done.lines == [{"error": "there is no incident WT-NONE", "type": "WatcherError"}]
