"""Commands keep closed doors closed, and the DSL opens one for a limited time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.watcher.web.conftest import House
from watcher.app import open_store
from watcher.config import load
from watcher.enrolment import apply

Command = Callable[..., Any]
NOW = datetime.now(UTC)
PEOPLE = """
[[people]]
id = "sam"
name = "Sam Vale"
email = "dsl@hillcrest.example"
[[people]]
id = "kit"
name = "Kit Dale"
email = "dsl@dene.example"
[[holdings]]
person = "sam"
role = "dsl"
school = "alderbrook"
[[holdings]]
person = "kit"
role = "deputy_dsl"
school = "hill"
[[holdings]]
person = "jo"
role = "headteacher"
school = "alderbrook"
[[schools]]
id = "alderbrook"
name = "Alderbrook Academy"
pack = "wessex"
"""
SECRET = "Words that nobody here reads"


@pytest.fixture
def house(whole: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """The tests' house of invented posts, over the database of these settings."""
    monkeypatch.chdir(whole.parent)
    whole.write_text(whole.read_text() + PEOPLE)
    settings = load(whole)
    with contextlib.closing(open_store(settings)) as store:
        store.migrate()
        apply(settings, store, "watcher.toml", NOW)
        made = House.__new__(House)
        made.store, made.now, made.n, made.alive = store, NOW, 0, True
        yield made


def shown(watcher: Command, *argv: str) -> str:
    said = watcher(*argv)
    return str(said.out + said.err)


def test_a_list_has_the_number_and_the_delivery_of_what_is_closed(watcher: Command, house: House) -> None:
    plain, grave = house.incident("The gate is a shambles"), house.incident(SECRET, "self_harm")
    hidden = house.incident("They read our mail", "threat", about="it_provider")
    rows = {row["reference"]: row for row in watcher("incidents", "--json").lines}
    assert set(rows) == {plain, grave}
    assert (rows[plain]["concerns"], rows[plain]["school"]) == (["criticism"], "alderbrook")
    told = {key: value for key, value in rows[grave].items() if value}
    assert told == {"reference": grave, "closed_to": "it_provider", "delivery": "no message yet"}
    (one,) = watcher("incidents", grave, "--json").lines
    assert one == {"reference": grave, "closed_to": "it_provider", "delivery": "no message yet"}
    table = shown(watcher, "incidents", "--all")
    assert grave in table
    assert "self_harm" not in table
    for argv in (("incidents", hidden), ("incidents", hidden, "--set", "resolved", "--why", "x")):
        assert f"there is no incident {hidden}" in shown(watcher, *argv)
    assert shown(watcher, "mentions", hidden) == shown(watcher, "mentions", "WT-NEVER")
    assert house.store.views.incident(hidden).incident.state == "open"  # type: ignore[union-attr]


def test_mentions_show_nothing_of_a_closed_post(watcher: Command, house: House) -> None:
    house.incident("The gate is a shambles")
    house.incident(SECRET, "threat")
    rows = watcher("mentions", "--json").lines
    assert sorted(row["url"] is None for row in rows) == [False, True]
    (closed,) = (row for row in rows if row["url"] is None)
    assert {key: value for key, value in closed.items() if value} == {
        "number": closed["number"],
        "closed_to": "it_provider",
    }
    for said in (shown(watcher, "mentions", str(closed["number"])), shown(watcher, "mentions")):
        assert SECRET not in said
        assert "threat" not in said
    assert len(watcher("mentions", "--school", "alderbrook", "--json").lines) == 1


def opened(watcher: Command, reference: str, by: str = "sam", **options: str) -> Any:
    given = {"--for": "2h", "--why": "to read the address out"} | {f"--{k}": v for k, v in options.items()}
    return watcher("open", reference, "--by", by, *(part for pair in given.items() for part in pair), "--json")


def test_the_dsl_of_that_school_opens_it_for_a_limited_time(watcher: Command, house: House) -> None:
    reference = house.incident(SECRET, "threat")
    (done,) = opened(watcher, reference.lower()).lines
    assert (done["reference"], done["opened_by"], done["role"]) == (reference, "sam", "dsl")
    until = datetime.fromisoformat(done["until"])
    assert timedelta(hours=1, minutes=58) < until - datetime.now(UTC) <= timedelta(hours=2)
    (row,) = watcher("incidents", reference, "--json").lines
    assert row["concerns"] == ["threat"]
    assert row["open_until"] == done["until"]
    (line,) = (event for event in row["timeline"] if event["what"] == "opened_up")
    assert "by sam, the DSL, until" in line["detail"]
    assert "to read the address out" in line["detail"]
    numbers = [row["number"] for row in watcher("mentions", reference, "--json").lines]
    assert SECRET in shown(watcher, "mentions", str(numbers[0]))
    assert watcher("open", reference, "--by", "sam", "--end").code == 0
    assert watcher("incidents", reference, "--json").lines[0].get("concerns") is None


@pytest.mark.parametrize("by", ["jo", "kit", "nobody"])
def test_nobody_but_the_dsl_of_that_school_opens_it(watcher: Command, house: House, by: str) -> None:
    reference = house.incident(SECRET, "threat")
    refused = opened(watcher, reference, by)
    assert refused.code == 1
    assert "holds neither dsl nor deputy_dsl" in refused.out
    assert watcher("incidents", reference, "--json").lines[0].get("concerns") is None


def test_nobody_opens_what_is_about_themselves_or_was_not_brought_to_them(watcher: Command, house: House) -> None:
    for about in ("dsl", "headteacher", "it_provider"):
        reference = house.incident(SECRET, "misconduct_allegation", about=about)
        assert "there is no incident" in opened(watcher, reference).out, about
    assert "nothing to open" in opened(watcher, house.incident("Shambles")).out


@pytest.mark.parametrize("span", ["0h", "25h", "2", "two hours", "1d", ""])
def test_how_long_is_said_in_minutes_or_hours_up_to_a_day(watcher: Command, house: House, span: str) -> None:
    done = watcher("open", "WT-1", "--by", "sam", "--for", span, "--why", "x")
    assert done.code == 2
    assert "at most 24h" in done.err
    assert watcher("open", "WT-1", "--by", "sam").code == 2


def test_status_counts_nothing_that_accuses_the_reader(watcher: Command, house: House) -> None:
    house.incident(SECRET, "threat")
    house.incident("They read our mail", "threat", about="it_provider")
    assert watcher("status", "--json").lines[0]["open_incidents"] == 1
