"""`watcher digest`: printed, as JSON, and opened as a page."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Command = Callable[..., Any]


def browser(folder: Path, code: int = 0) -> dict[str, str]:
    """A browser that notes what it is asked to open."""
    program = folder / "browser.sh"
    program.write_text(f'#!/bin/sh\necho "$1" > "{folder}/opened"\nexit {code}\n', encoding="utf-8")
    program.chmod(0o700)
    return {"BROWSER": f"{program} %s", "TMPDIR": str(folder)}


def test_the_preview_is_a_page_of_this_users_own_and_is_opened(watcher: Command, whole: Path, tmp_path: Path) -> None:
    assert watcher("apply", "--yes").code == 0
    done = watcher("digest", "--school", "hill", "--week", "2026-W46", "--preview", env=browser(tmp_path))
    assert done.code == 0
    written = Path(done.out.strip())
    assert (tmp_path / "opened").read_text(encoding="utf-8").strip() == written.as_uri()
    page = written.read_text(encoding="utf-8")
    assert "Nothing needs you" in page
    assert "Monday 9 November 2026 to Sunday 15 November 2026" in page
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_without_a_browser_the_page_is_named_all_the_same(watcher: Command, whole: Path, tmp_path: Path) -> None:
    assert watcher("apply", "--yes").code == 0
    done = watcher("digest", "--school", "hill", "--preview", env=browser(tmp_path, code=1))
    assert done.code == 0
    assert Path(done.out.strip()).exists()
    assert "open that file yourself" in done.err


def test_it_opens_or_prints_for_programs_but_not_both(watcher: Command, whole: Path) -> None:
    done = watcher("digest", "--school", "hill", "--preview", "--json")
    assert (done.code, done.out) == (2, "")
    assert "give one of them" in done.err


def test_a_school_or_week_that_is_none_opens_nothing(watcher: Command, whole: Path, tmp_path: Path) -> None:
    assert watcher("apply", "--yes").code == 0
    for argv in (("--school", "mill"), ("--school", "hill", "--week", "2026-W60")):
        done = watcher("digest", *argv, "--preview", env=browser(tmp_path))
        assert (done.code, done.out) == (1, "")
    assert not (tmp_path / "opened").exists()


def test_programs_get_the_week_and_what_it_is_compared_with(watcher: Command, whole: Path) -> None:
    assert watcher("apply", "--yes").code == 0
    week = watcher("digest", "--school", "hill", "--week", "2026-W46", "--json").lines[0]
    assert (week["year_ago"], week["topics"], week["pence"], week["praise"]) == (None, [], None, [])


def test_what_is_closed_to_the_provider_has_its_number_alone(
    watcher: Command, made: Callable[..., str], tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    said = "I want to kill myself, I can't go back to Hillcrest Primary School any more"
    url = "https://social.example/1"
    reference = made({"id": "1", "text": said, "created_at": now.isoformat(), "url": url})
    year, week, _ = now.isocalendar()
    argv = ("digest", "--school", "hill", "--week", f"{year}-W{week:02}")
    found = watcher(*argv, "--json").lines[0]
    assert found["matters"] == [{"reference": reference, "shut": True}]
    assert "self_harm" not in found["flags"]
    text = watcher(*argv).out
    page = Path(watcher(*argv, "--preview", env=browser(tmp_path)).out.strip()).read_text(encoding="utf-8")
    for shown in (text, page):
        assert reference in shown
        assert "losed to you" in shown
        assert "self-harm" not in shown.lower()
