"""Whatever the case: nobody accused is told, whoever is threatened is, somebody always is, and by a named rule.

``WATCHER_CASES`` says how many cases are tried (5,000); ``bench/routing.py`` tries 100,000.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from alerts.exclusion import Exclusion

CASES = int(os.environ.get("WATCHER_CASES", "5000"))
PARTS = 10


def _routing() -> ModuleType:
    """The scripts of ``bench`` are no package: load one by its file."""
    spec = importlib.util.spec_from_file_location("bench_routing", Path(__file__).parents[2] / "bench" / "routing.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


routing = _routing()


@pytest.mark.parametrize("part", range(PARTS))
def test_no_generated_case_is_wrong(part: int) -> None:
    wrong = [(n, fault) for n in range(part, CASES, PARTS) for fault in routing.faults(routing.case(n))]

    assert wrong == []


def test_the_cases_are_of_every_kind() -> None:
    cases = [routing.case(n) for n in range(1500)]

    assert {one.pack for one in cases} == set(routing.PACKS)
    assert {one.concern for one in cases} == set(routing.CONCERNS)
    assert {r for one in cases for r in (one.about or "").split(",") if r} == set(routing.ROLES)
    assert {one.author for one in cases} >= set(routing.ROLES)
    assert {one.target for one in cases} >= set(routing.ROLES)
    assert any(one.at.date() != one.day for one in cases)
    assert any(p.same_as for one in cases for p in one.register.people)


@contextmanager
def _blind_to(monkeypatch: pytest.MonkeyPatch, *reasons: str) -> Iterator[None]:
    """Routing as if some reasons not to tell a person were none."""
    real = Exclusion.refusal

    def blind(self: Exclusion, role: str, person: Any) -> str | None:
        reason = real(self, role, person)
        return None if reason in reasons else reason

    with monkeypatch.context() as patch:
        patch.setattr(Exclusion, "refusal", blind)
        yield


@pytest.mark.parametrize("reason", ["accused", "body", "read_by_accused", "administered_by_accused", "shared"])
def test_the_oracle_sees_it_when_a_reason_is_forgotten(reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with _blind_to(monkeypatch, reason):
        assert any("accused told" in set(routing.faults(routing.case(n))) for n in range(3000))


def test_the_oracle_sees_it_when_nobody_is_told_and_when_the_threatened_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = routing.reach

    def nobody(*args: Any, **more: Any) -> Any:
        return replace(real(*args, **more), told=())

    monkeypatch.setattr(routing, "reach", nobody)
    found = {fault for n in range(200) for fault in routing.faults(routing.case(n))}

    assert {"no recipient", "target untold"} <= found
