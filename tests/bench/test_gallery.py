"""The gallery in the documentation is whole, small, and of the mails as they are."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def gallery() -> ModuleType:
    """The script: those of ``bench`` are no package, so it is loaded by its file."""
    spec = importlib.util.spec_from_file_location("bench_gallery", ROOT / "bench" / "gallery.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_picture_is_there_and_shown(gallery: ModuleType) -> None:
    drawn = {f"{name}-{view}.webp" for name, view, _ in gallery.chosen()}
    files = {file.name: file.stat().st_size for file in (ROOT / "docs" / "gallery").iterdir()}
    assert set(files) == drawn
    assert sum(files.values()) < 1_500_000
    shown = set(re.findall(r"gallery/([\w-]+\.webp)", (ROOT / "docs" / "digest.md").read_text(encoding="utf-8")))
    assert shown == drawn


def test_the_pages_are_those_that_are_meant(gallery: ModuleType) -> None:
    pages = {name: html for name, _, html in gallery.chosen()}
    assert "Nothing needs you" in pages["digest-calm"]
    assert "2 matters need somebody, 1 overdue" in pages["digest-busy"]
    assert "Whom not to tell" in pages["conflict"]
    assert "call 999" in pages["grave"]
    assert "[name] was left" in pages["criticism"]
