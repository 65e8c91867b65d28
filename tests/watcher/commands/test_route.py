"""`watcher route` to the letter, and the help."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.flag import CONCERNS
from alerts.packs import PACKS
from alerts.school import ROLES
from watcher import __version__

Command = Callable[..., Any]


def test_help_names_every_command(watcher: Command) -> None:
    said = watcher("--help").out
    for name in (
        *("demo", "run", "apply", "poll", "classify", "route", "incidents", "digest", "purge", "status"),
        *("check-config", "doctor", "migrate"),
    ):
        assert re.search(rf"^\W*{name} ", said, re.MULTILINE), name
        assert "--help" in watcher(name, "--help").out


def test_the_version_is_told(watcher: Command) -> None:
    done = watcher("--version")
    assert (done.code, done.out) == (0, f"watcher {__version__}\n")


def test_an_unknown_command_or_option_is_said_with_exit_code_2(watcher: Command) -> None:
    assert watcher("pol").code == 2
    assert watcher("route", "--nope").code == 2


ROUTE_KEYS = ["recipients", "alternates", "clause", "within", "within_minutes", "exception", "fallback"]


def route(watcher: Command, *argv: str) -> Any:
    done = watcher("route", *argv, "--json")
    assert (done.code, done.err, done.out.count("\n")) == (0, "", 1)
    assert done.out.isascii()
    return json.loads(done.out)


def test_route_is_one_line_of_the_fixed_keys_and_works_in_an_empty_folder(real: Command, tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    done = real("route", "--policy", "wessex", "--concern", "misconduct_allegation", "--about", "headteacher", "--json",
                cwd=folder)  # fmt: skip
    assert (done.code, done.err, done.out.count("\n")) == (0, "", 1)
    said = json.loads(done.out)
    assert list(said) == [*ROUTE_KEYS, "instructions", "digest"]
    assert said["recipients"] == ["ceo"] or said["recipients"]
    assert "headteacher" not in said["recipients"] + said["alternates"]
    assert set(said["exception"]) == {"clause", "text"}
    assert said["exception"]["clause"] == said["clause"] == "9.2"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("policy", PACKS)
def test_route_answers_every_concern_of_every_pack(watcher: Command, policy: str) -> None:
    for concern in CONCERNS:
        said = route(watcher, "--policy", policy, "--concern", concern)
        assert set(said) == {*ROUTE_KEYS, "instructions", "digest"}, concern
        assert isinstance(said["within_minutes"], int)
        assert said["fallback"] is (said["clause"] is None)
        assert set(said["recipients"]) | set(said["alternates"]) <= set(ROLES)
        assert bool(said["recipients"]) != (concern == "praise")
        assert said["digest"] is (concern == "praise") or concern != "praise"


def test_the_head_has_three_names(watcher: Command) -> None:
    for policy in PACKS:
        said = [
            route(watcher, "--policy", policy, "--concern", "misconduct_allegation", "--about", name)
            for name in ("headteacher", "head_of_school", "associate_headteacher")
        ]
        assert said[0]["recipients"] == said[1]["recipients"] == said[2]["recipients"]
        assert not {"headteacher", "head_of_school", "associate_headteacher"} & set(said[0]["recipients"])


def test_the_target_of_a_threat_is_always_told(watcher: Command) -> None:
    for policy in PACKS:
        said = route(watcher, "--policy", policy, "--concern", "threat", "--target", "teacher")
        assert "teacher" in said["recipients"]


@pytest.mark.parametrize(
    ("argv", "listed"),
    [
        (("--policy", "wesex", "--concern", "threat"), PACKS),
        (("--policy", "", "--concern", "threat"), PACKS),
        (("--policy", "wessex", "--concern", "thret"), CONCERNS),
        (("--policy", "wessex", "--concern", "threat", "--about", "haed"), ROLES),
        (("--policy", "wessex", "--concern", "threat", "--target", "haed"), ROLES),
        (("--policy", "wessex", "--concern", "threat", "--author", "haed"), ROLES),
    ],
)
def test_route_lists_the_valid_names_for_an_unknown_one(
    watcher: Command, argv: tuple[str, ...], listed: tuple[str, ...]
) -> None:
    done = watcher("route", *argv, "--json")
    assert (done.code, done.out) == (2, "")
    assert all(name in done.err for name in listed)


def test_route_takes_a_packs_file_and_refuses_a_bad_one_with_words(watcher: Command, tmp_path: Path) -> None:
    assert watcher("route", "--policy", "nowhere.toml", "--concern", "threat").code == 2
    (tmp_path / "own.toml").write_text("this is no TOML", encoding="utf-8")
    done = watcher("route", "--policy", "own.toml", "--concern", "threat", "--json")
    assert (done.code, done.out) == (2, "")
    assert "is not TOML" in done.err
    assert watcher("route", "--policy", "wessex", "--concern", "threat", "--about", "").code == 2
