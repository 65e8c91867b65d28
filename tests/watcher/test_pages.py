"""The pages about platforms: one each, the same sections in the same order, examples that work, nothing left unsaid."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from connectors.registry import known
from watcher.check import check, notes
from watcher.config import load

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "platforms"
OVERVIEW = (ROOT / "docs" / "platforms.md").read_text(encoding="utf-8")
SECTIONS = [
    "What Watcher reads",
    "What cannot be read",
    "Permissions and token",
    "Limits and cost",
    "Terms",
    "Deletions and storage",
    "How to tell that it works",
    "Example account",
]
HOUSE = """
[retention]
posts_days = 30
[alerts]
last_resort = "desk@it.example"
checker = "desk@it.example"
[[schools]]
id = "{school}"
name = "Hillcrest Primary School"
pack = "wessex"
"""


def page(platform: str) -> str:
    return (PAGES / f"{platform}.md").read_text(encoding="utf-8")


def section(platform: str, title: str) -> str:
    return re.split(r"(?m)^## ", page(platform))[1 + SECTIONS.index(title)]


def test_every_platform_has_a_page_and_no_page_is_of_none() -> None:
    assert {file.stem for file in PAGES.glob("*.md")} == set(known())


@pytest.mark.parametrize("platform", known())
def test_every_page_has_the_same_sections_in_the_same_order(platform: str) -> None:
    assert re.findall(r"(?m)^## (.*)$", page(platform)) == SECTIONS
    for title in SECTIONS:
        assert len(section(platform, title)) > len(title) + 60, title


@pytest.mark.parametrize("platform", known())
def test_the_terms_say_what_is_forbidden_and_what_watcher_does_not_do(platform: str) -> None:
    rows = [line for line in section(platform, "Terms").splitlines() if line.startswith("| ")]
    assert len(rows) >= 4
    assert all(line.count("|") == 3 and all(cell.strip() for cell in line.split("|")[1:3]) for line in rows)


def test_the_terms_of_x_answer_each_thing_that_x_forbids() -> None:
    terms = section("x", "Terms").lower()
    for forbidden in (
        *("surveillance", "background checks", "inferring sensitive traits", "one app for all customers"),
        "approved beforehand",
    ):
        assert forbidden in terms


@pytest.mark.parametrize("platform", known())
def test_the_example_accounts_are_sound(platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", section(platform, "Example account"), re.DOTALL)
    assert blocks
    text = "\n".join(blocks)
    assert f'platform = "{platform}"' in text
    for name in re.findall(r'env = "(\w+)"', text):
        monkeypatch.setenv(name, "s3cret")
    (tmp_path / "secret").write_text("s3cret", encoding="utf-8")
    (tmp_path / "secret").chmod(0o600)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "imports" / "alderbrook").mkdir(parents=True)
    text = re.sub(r'file = "[^"]+"', f'file = "{(tmp_path / "secret").as_posix()}"', text)
    school = re.search(r'school = "(\w+)"', text)
    assert school is not None
    fenced = re.findall(r"```toml\n(.*?)```", page(platform), re.DOTALL)
    # Where a page shows the same approval again with more that was agreed to, the plain one comes first.
    approval = next((block for block in fenced if "[[approvals]]" in block), "")
    file = tmp_path / "watcher.toml"
    file.write_text(f"{HOUSE.format(school=school[1])}{text}\n{approval}", encoding="utf-8")
    settings = load(file)
    check(settings)
    told = [note for note in notes(settings, date(2026, 11, 20)) if not note.startswith(f"retention: {platform}: ")]
    assert told == []
    file.write_text(HOUSE.format(school=school[1]) + text, encoding="utf-8")
    waits = any("off until" in note for note in notes(load(file), date(2026, 11, 20)))
    assert not waits or approval, "a page whose example waits for an approval says how it is recorded"


def test_the_overview_links_every_page_and_answers_what_the_policies_name() -> None:
    assert set(re.findall(r"\(platforms/(\w+)\.md\)", OVERVIEW)) == set(known())
    named = OVERVIEW.split("## All platforms")[0]
    for word in ("X", "Facebook", "Instagram", "LinkedIn", "YouTube", "TikTok", "blogs", "forums such as NetMums"):
        assert f"**{word}**" in named


@pytest.mark.parametrize(
    "place",
    [
        "Facebook groups",
        "WhatsApp",
        "NetMums",
        "Snapchat",
        "Nextdoor",
        "Private accounts",
        "TikTok comments",
    ],
)
def test_where_nobody_can_read_is_said_plainly(place: str) -> None:
    closed = OVERVIEW.split("## Where nobody can read")[1]
    assert any(line.startswith("|") and place in line for line in closed.splitlines())
    assert "watcher route" in closed


def test_what_a_person_reports_goes_the_whole_way(tmp_path: Path) -> None:
    """The record that the page tells to write is one that Watcher reads."""
    from connectors.post import Account
    from connectors.registry import load as connector

    (line,) = re.findall(r"```json\n\s*(\{.*\})\n", OVERVIEW)
    (tmp_path / "reports.jsonl").write_text(line + "\n", encoding="utf-8")
    (post,) = connector("archive").fetch(Account(name="reports", platform="archive", target=str(tmp_path)), None).posts
    assert (post.kind, post.created_at is not None) == ("report", True)
    assert "Hillcrest" in post.text
