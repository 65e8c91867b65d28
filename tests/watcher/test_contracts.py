"""The rules of who may import whom name every module that they are about, so that a new one is not forgotten."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGES = ("connectors", "classifiers", "alerts", "watcher")


def contract(start: str) -> dict[str, Any]:
    """The contract whose name begins so."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (one,) = [one for one in found if one["name"].startswith(start)]
    return dict(one)


def modules(*packages: str) -> dict[str, Path]:
    """The modules on disk by name; a package goes by its ``__init__``."""
    files = [file for package in packages for file in (ROOT / package).rglob("*.py")]
    return {".".join(f.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): f for f in files}


def test_a_module_says_that_it_is_pure_exactly_where_it_is_held_to_it() -> None:
    says = {
        name
        for name, file in modules(*PACKAGES).items()
        if re.search(r"\bpure\b", ast.get_docstring(ast.parse(file.read_text())) or "", re.IGNORECASE)
    }
    held = contract("Pure stays pure")["source_modules"]
    assert len(held) == len(set(held))
    assert sorted(held) == sorted(says)


def test_alerts_are_kept_from_every_neighbour_but_those_that_are_named() -> None:
    free = {"connectors", "connectors.post", "connectors.http", "classifiers", "classifiers.verdict"}
    kept = contract("Alerts know of their neighbours")["forbidden_modules"]
    neighbours = modules("connectors", "classifiers")
    # A package stands for what is in it.
    whole = {name for name in kept if neighbours[name].name == "__init__.py"}
    single = {name for name in neighbours if name not in free and name.rpartition(".")[0] not in whole}
    assert len(kept) == len(set(kept))
    assert sorted(kept) == sorted(single)
