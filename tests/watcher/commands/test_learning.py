"""Correcting labels, teaching and switching, as an operator meets them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from classifiers.encoder import SHIPPED

Command = Callable[..., Any]
Change = Callable[..., None]
NOW = datetime.now(UTC)
POST = {
    "id": "1",
    "text": "Hillcrest Primary School is a disgrace. Nobody answers the phone and nobody cares about our children.",
    "created_at": NOW.isoformat(),
    "url": "https://social.example/1",
}


@pytest.fixture
def incident(made: Callable[..., str], change: Change) -> str:
    """A school that agreed, one post about it, read by the shipped model and made an incident; its reference."""
    change({'pack = "wessex"': 'pack = "wessex"\ncorrections = "own"'})
    return made(POST)


def test_a_matter_is_closed_with_a_verdict_on_the_model_and_relabelled(watcher: Command, incident: str) -> None:
    closing = ("incidents", incident, "--set", "dismissed", "--why", "fair comment")
    assert watcher("incidents", incident, "--verdict", "wrong").code == 2
    assert watcher(*closing, "--verdict", "perhaps").code == 2
    done = watcher(*closing, "--verdict", "wrong", "--by", "pat", "--json")
    assert (done.code, done.lines[0]["state"]) == (0, "dismissed")
    assert "corrections kept: 1" in done.err
    said = watcher("correct", incident.lower(), "--not", "criticism", "--label", "press", "--json").lines[0]
    assert (said["school"], said["made"], said["kept"]) == ("hill", 2, 2)
    told = watcher("correct", incident, "--not", "self_harm").err
    assert "The policy judges it again when the service next runs." in told
    events = [line["detail"] for line in watcher("incidents", incident, "--json").lines[0]["timeline"]]
    assert events[-2:] == ["press enquiry: yes, criticism: no", "self-harm: no"]
    assert watcher("correct", incident).code == 1
    assert "label 'rude' is unknown" in watcher("correct", incident, "--label", "rude").err
    assert "there is no incident WT-NONE" in watcher("correct", "wt-none", "--label", "press").err


def test_consent_taken_back_deletes_what_was_kept_and_says_so(watcher: Command, incident: str, change: Change) -> None:
    assert watcher("correct", incident, "--label", "criticism").out == "corrections kept: 1\n"
    change()
    before = "remove  corrections hill  1 deleted: the school does not agree that they are kept"
    assert before in watcher("apply", "--preview").out
    assert before in watcher("apply", "--yes").out
    assert watcher("apply", "--yes").out == "nothing to change\n"
    done = watcher("correct", incident, "--label", "criticism")
    assert done.code == 0
    assert "no correction was kept: hill has not agreed" in done.out
    assert "hill has not agreed that corrections are kept" in watcher("train", "--with-corrections").err


def test_versions_are_listed_chosen_and_deleted(watcher: Command, incident: str, whole: Path, change: Change) -> None:
    base = json.loads((SHIPPED / "card.json").read_text(encoding="utf-8"))["version"]
    folder = whole.parent / "models" / "2-a"
    shutil.copytree(SHIPPED, folder)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    figures = {"macro_f1": 0.5, "false_alarms_per_1000": 12.0}
    compared = {"rows": 9, "old": {"version": base, **figures}, "new": {"version": "2-a", **figures}}
    card |= {"version": "2-a", "taught": {"at": "2026-11-19T10:00:00Z", "schools": {"hill": 4}}, "compared": compared}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    assert watcher("models", "use", base).out == f"version {base} is in force already; nothing was changed\n"
    rows = watcher("models", "--json").lines
    assert [(row["version"], row["in_force"], row["corrections"]) for row in rows] == [
        (base, True, {}),
        ("2-a", False, {"hill": 4}),
    ]
    assert rows[1]["figures"]["macro_f1"] == 0.5
    assert "hill (4)" in watcher("models").out
    done = watcher("models", "use", "2-a")
    assert (done.code, done.out) == (0, "version 2-a is chosen\n")
    assert "nobody is told again of what is known" in done.err
    again = watcher("models", "use", "2-a")
    assert (again.code, again.out) == (0, "version 2-a is in force already; nothing was changed\n")
    assert again.err == ""
    assert [row["in_force"] for row in watcher("models", "--json").lines] == [False, True]
    assert "2-a" in {row["what"]: row for row in watcher("doctor", "--json").lines}["models"]["detail"]
    change()
    assert "Version 2-a is not used: it learned from corrections of hill" in watcher("apply", "--yes").err
    assert [row["in_force"] for row in watcher("models", "--json").lines] == [True, False]
    assert watcher("models", "remove", "2-a").code == 1
    assert watcher("models", "use", base).code == 0
    assert watcher("models", "remove", "2-a").code == 0
    assert not folder.exists()
    assert f"there is no version 2-a; there are {base}" in watcher("models", "use", "2-a").err


def test_training_says_what_it_needs(watcher: Command, incident: str) -> None:
    assert watcher("train").code == 2
    assert "there is no school mill; there are hill" in watcher("train", "--with-corrections", "--school", "mill").err
    assert watcher("train", "--with-corrections").code == 1
