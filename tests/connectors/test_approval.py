"""Which readings a platform must approve first, held to the table in `docs/platforms.md`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from connectors.approval import STORAGE, missing, platforms, required, rule, told
from connectors.post import Account
from connectors.registry import known

ROOT = Path(__file__).parents[2]
ACCOUNT = Account(name="hill", platform="x", target="@hillcrest", school="hillcrest", official=True)


@pytest.mark.parametrize("platform", ["x", "reddit", "linkedin", "tiktok", "google_reviews"])
@pytest.mark.parametrize("reads", [("posts",), ("comments",), ("search",)])
def test_everything_of_these_platforms_waits(platform: str, reads: tuple[str, ...]) -> None:
    found = required(replace(ACCOUNT, platform=platform, reads=reads))
    assert found is not None
    assert found == rule(platform)
    sentence = told(found, platform)
    for part in (found.name, found.why, "[[approvals]]", f'platform = "{platform}"', f"docs/platforms/{platform}.md"):
        assert part in sentence


@pytest.mark.parametrize(
    ("platform", "reads", "official", "waits"),
    [
        ("facebook", ("posts", "comments", "mentions"), True, False),
        ("facebook", ("posts",), False, True),
        ("instagram", ("posts", "comments", "mentions"), True, False),
        ("instagram", ("search",), False, True),
        ("threads", ("posts", "comments", "mentions"), True, False),
        ("threads", ("search",), False, True),
        *((name, ("posts",), False, False) for name in ("rss", "wordpress", "forum", "mastodon", "bluesky", "archive")),
        ("youtube", ("posts", "comments"), True, False),
    ],
)
def test_what_a_school_may_read_of_its_own_waits_for_nobody(
    platform: str, reads: tuple[str, ...], official: bool, waits: bool
) -> None:
    account = replace(ACCOUNT, platform=platform, reads=reads, official=official)
    assert (required(account) is not None) == waits


def test_a_recorded_approval_holds_for_its_own_platform_alone() -> None:
    assert missing(ACCOUNT, {"x"}) is None
    assert missing(ACCOUNT, {"reddit"}) is not None
    assert missing(ACCOUNT, frozenset()) is not None


def test_a_test_server_of_the_operators_own_needs_none() -> None:
    assert required(replace(ACCOUNT, base_url="http://127.0.0.1:8099", allow_private=True)) is None
    assert required(replace(ACCOUNT, base_url="https://proxy.example")) is not None, "a proxy reads X all the same"
    assert required(replace(ACCOUNT, allow_private=True)) is not None


def test_the_table_names_known_platforms_and_the_pages_say_the_same() -> None:
    assert set(platforms()) < set(known())
    for platform in known():
        page = (ROOT / "docs" / "platforms" / f"{platform}.md").read_text(encoding="utf-8")
        assert ("[[approvals]]" in page) == (platform in {*platforms(), *STORAGE}), platform
