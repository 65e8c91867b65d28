"""What a person reads: whole words, and nothing that steers the terminal."""

from __future__ import annotations

import pytest

from watcher.terminal import harmless, print_table, sheet

HOSTILE = "a\x1b[31mb\u202ec\0d\u2028e\ud800"


def test_nothing_steers_the_terminal() -> None:
    assert harmless(HOSTILE).isprintable()
    assert harmless("two\nlines and ünïcödé 😀") == "two\nlines and ünïcödé 😀"


def test_a_table_cuts_no_word(capsys: pytest.CaptureFixture[str]) -> None:
    long = "w" * 100
    print_table([{"name_of": long, "on": True, "who": ["x", "y"], "none": None, "odd": HOSTILE, "mark": "[bold]"}])
    out = capsys.readouterr().out
    head, row = out.splitlines()
    assert head.split() == ["name", "of", "on", "who", "none", "odd", "mark"]
    assert long in row
    assert "x, y" in row
    assert "[bold]" in row
    assert out.replace("\n", "").isprintable()


def test_an_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([])
    assert capsys.readouterr().out.strip() == "nothing"


def test_a_sheet_is_a_line_a_key() -> None:
    row = {
        "state": "open",
        "opened_at": None,
        "empty": [],
        "notices": [{"role": "dsl", "why": HOSTILE}, {"role": "hr"}],
    }
    lines = list(sheet(row))
    assert [line.split()[0] for line in lines] == ["state", "opened", "empty", "notices:", "dsl", "hr"]
    assert all(line.isprintable() for line in lines)
