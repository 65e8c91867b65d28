"""`watcher policy`: show, check, diff and explain, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alerts.flag import CONCERNS
from alerts.packs import PACKS
from tests.watcher.commands.test_open import house
from tests.watcher.web.conftest import House

__all__ = ["house"]

Command = Callable[..., Any]


def rows(said: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said.splitlines()]


@pytest.mark.parametrize("name", PACKS)
def test_a_pack_is_shown_within_eighty_columns(watcher: Command, name: str) -> None:
    done = watcher("policy", "show", name, "--full")

    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    for said in ("concern", "clause", "Not stated, so the house answers:", "quotation", "record"):
        assert said in done.out


def test_a_pack_is_shown_to_programs_as_a_whole(watcher: Command) -> None:
    (said,) = rows(watcher("policy", "show", "wessex", "--json").out)

    assert {c for row in said["rows"] for c in row["concerns"]} == set(CONCERNS)
    assert said["gaps"]
    assert said["speeds"]["promptly"] == "next working day"
    assert next(row for row in said["rows"] if row["id"] == "adverse_criticism")["approver"] == ["headteacher"]


def test_check_names_what_has_no_route_of_its_own(watcher: Command) -> None:
    done = watcher("policy", "check", "--json")

    assert done.code == 0
    found = {row["pack"]: row for row in rows(done.out)}
    assert set(found) == set(PACKS)
    assert "foi" in found["wessex"]["without_route"]
    assert found["arden"]["review_on"] == "2024-12-20"


def test_check_refuses_a_bad_pack_with_pack_rule_and_key(watcher: Command, tmp_path: Path) -> None:
    path = tmp_path / "hollin.toml"
    path.write_text('extends = "wessex"\nversion = "1.0"\n[[routes]]\nid = "a"\nconcerns = ["gossip"]\n')
    done = watcher("policy", "check", str(path))

    assert done.code == 1
    assert "hollin: routes 'a': concerns: concern 'gossip' is unknown" in " ".join(done.out.split())


def test_diff_compares_two_packs_on_every_concern(watcher: Command) -> None:
    done = watcher("policy", "diff", "wessex", "arden")
    assert max(map(len, done.out.splitlines())) <= 80
    found = rows(watcher("policy", "diff", "wessex", "arden", "--json").out)

    assert {row["concern"] for row in found} == set(CONCERNS)
    conflict = next(r for r in found if r["concern"] == "staff_conduct" and r["case"] == {"about": "headteacher"})
    assert [route["clause"] for route in conflict["routes"]] == ["9.2", None]


def test_explain_tells_each_step(watcher: Command) -> None:
    done = watcher("policy", "explain", "arden", "misconduct_allegation", "--about", "headteacher")

    assert done.code == 0
    assert max(map(len, done.out.splitlines())) <= 80
    for said in ("never told", "told: chair_of_governors", "not stated", "our rule, not the policy"):
        assert said in done.out


def test_explain_needs_a_concern(watcher: Command) -> None:
    assert watcher("policy", "explain", "arden").code == 2
    assert watcher("policy", "explain", "arden", "gossip", "--json").code != 0


def test_an_incident_is_explained_by_rule_row_and_notice(watcher: Command, house: House) -> None:
    plain, grave = house.incident("The gate is a shambles"), house.incident("Not for these eyes", "self_harm")
    hidden = house.incident("They read our mail", "threat", about="it_provider")

    (said,) = rows(watcher("policy", "explain", plain.lower(), "--json").out)
    steps = {step["what"]: step["said"] for step in said["steps"]}
    assert said["concern"] == "criticism"
    assert steps["told"] == "headteacher"
    assert steps["raised by"].startswith("rule ")
    assert "shambles" not in str(said)
    shut = watcher("policy", "explain", grave)
    assert (shut.code, shut.out) == (1, "")
    assert "closed to the IT provider" in shut.err
    assert f"there is no incident {hidden}" in watcher("policy", "explain", hidden).err
