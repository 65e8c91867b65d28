"""Some hundred of the clock jumps that the benchmark makes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def weeks() -> ModuleType:
    """The script: those of ``bench`` are no package, so it is loaded by its file."""
    spec = importlib.util.spec_from_file_location("bench_weeks", ROOT / "bench" / "weeks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", [1, 2])
def test_no_week_is_missed_or_told_twice_however_the_clock_jumps(weeks: ModuleType, tmp_path: Path, seed: int) -> None:
    found = weeks.run(f"sqlite:///{tmp_path}/watcher.db", tmp_path, 150, seed)
    assert found.owed > 20
    assert found.restarts > 0
    assert (found.missed, found.twice, found.written) == (0, 0, found.owed)
