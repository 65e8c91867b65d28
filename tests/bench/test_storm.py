"""A storm with a child's disclosure inside it: one incident, few mails, and the child is heard at once."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]


def _storm() -> ModuleType:
    spec = importlib.util.spec_from_file_location("storm", ROOT / "bench" / "storm.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules["storm"] = made
    spec.loader.exec_module(made)
    return made


def test_a_storm_of_a_thousand_posts_is_one_incident_and_a_child_in_it_is_heard_alone() -> None:
    found = _storm().measure(1000)
    assert found["incidents_of_the_storm"] == 1
    assert found["posts_in_it"] >= 1000
    assert found["most_mails_an_hour_a_person"] <= 3
    assert found["incidents_of_the_child"] == 1
    assert found["posts_with_the_child"] == 1
    assert found["minutes_until_the_child_is_heard"] <= 5
    # Reach alone makes it weigh more, never as much as the child.
    assert found["severity"] == 3
