"""The table of recorded answers is complete: each file is replayed by a test that exists, or has its reason."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
TABLE = HERE.parent.parent / "docs" / "recorded.md"
_ROW = re.compile(
    r"\| (?P<file>\S+\.(?:jsonl?|xml)) \| (?:`(?P<module>\w+\.py)::(?P<test>\w+)`)? ?\| ?(?P<why>.*?) ?\|"
)
# These tests walk over their whole folder and name no file.
_WALKING = {"test_recorded_mastodon.py"}


def rows() -> dict[str, re.Match[str]]:
    """Each row of the table by folder and file."""
    found: dict[str, re.Match[str]] = {}
    folder = ""
    for line in TABLE.read_text().splitlines():
        if line.startswith("## "):
            folder = line[3:]
        elif line.startswith("| ") and not line.startswith("| file"):
            row = _ROW.fullmatch(line)
            assert row is not None, line
            key = f"{folder}/{row['file']}"
            assert key not in found, f"{key} stands in the table twice"
            found[key] = row
    return found


def test_every_recorded_file_stands_in_the_table_and_nothing_else_does(payloads: Path) -> None:
    files = {str(file.relative_to(payloads)) for file in payloads.glob("*/*")}
    assert files == rows().keys()


@pytest.mark.parametrize("key", rows())
def test_a_row_names_a_test_that_replays_the_file_or_a_reason(key: str) -> None:
    row = rows()[key]
    if not row["module"]:
        assert len(row["why"].split()) >= 2
        return
    assert not row["why"]
    source = (HERE / row["module"]).read_text()
    assert row["test"] in {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    if row["module"] in _WALKING:
        return
    stem = Path(row["file"]).stem
    parts = stem.split("__", 1)[1].split("_")
    names = {stem, *("_".join(parts[n:]) for n in range(min(4, len(parts))))}
    numbered = {re.sub(r"\d+$", "{number}", stem), re.sub(r"\d+$", "{n}", stem)}
    assert any(name in source for name in names | numbered), f"{row['module']} does not name it"


def test_the_count_in_the_table_is_right() -> None:
    found = rows().values()
    read = sum(bool(row["module"]) for row in found)
    said = f"Of {len(found)} files, {read} are read and {len(found) - read} have a reason."
    assert said in TABLE.read_text()
