"""Taking a matter and passing it on, as people meet it on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from watcher.config import load

Command = Callable[..., Any]
NOW = datetime.now(UTC)
SAID = "Hillcrest Primary School is a disgrace. Nobody answers the phone and nobody cares about our children."


@pytest.fixture
def incident(made: Callable[..., str]) -> str:
    """Two posts about a school that are one matter; its reference."""
    return made(
        *(
            {"id": str(n), "text": f"{SAID} {n}", "created_at": NOW.isoformat(), "url": f"https://social.example/{n}"}
            for n in (1, 2)
        )
    )


def test_a_matter_is_taken_handed_over_and_back_split_and_merged(watcher: Command, incident: str, whole: Path) -> None:
    people = [person.id for person in load(whole).people]
    head = people[0]
    taken = watcher("ack", incident.lower(), "--by", head, "--json")
    assert (taken.code, taken.lines[0]["state"], taken.lines[0]["held_by"]) == (0, "acknowledged", head)
    assert "when the service next runs" in taken.err
    assert watcher("hand-back", incident, "--by", head, "--why", "not mine").code == 0
    assert watcher("escalate", incident, "--by", head, "--why", "too big").code == 0
    assert "there is no person" in watcher("hand-over", incident, "--by", head, "--to", "nobody", "--why", "x").err
    assert "there is no person" in watcher("ack", incident, "--by", "nobody").err
    apart = watcher("split", incident, "--post", "2", "--by", head, "--why", "another matter", "--json").lines[0]
    assert apart["reference"] == incident
    done = watcher("merge", apart["split_off"], incident, "--by", head, "--why", "no, the same")
    assert (done.code, done.out.strip()) == (0, f"{apart['split_off']} is part of {incident}")
    assert watcher("incidents", incident, "--set", "dismissed", "--why", "opinion", "--by", head).code == 0
    refused = watcher("ack", incident, "--by", head)
    assert (refused.code, "is dismissed" in refused.err) == (1, True)
