"""Settings become rows: with a preview that writes nothing, once and for all, and gone when the file says so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from watcher.config import Settings, load
from watcher.enrolment import Change, account_of, apply, preview
from watcher.errors import ConfigError
from watcher.store import Store

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
TEXT = """
[[trusts]]
id = "northmere"
name = "Northmere Trust"
[[schools]]
id = "hill"
name = "Hillcrest Primary School"
pack = "wessex"
trust = "northmere"
short_names = ["Hillcrest"]
[[people]]
id = "jo"
name = "Jo Moore"
email = "jo@hillcrest.example"
[[holdings]]
person = "jo"
role = "headteacher"
school = "hill"
from = 2025-09-01
[[absences]]
person = "jo"
from = 2026-12-21
until = 2027-01-02
[[accounts]]
name = "news"
school = "hill"
platform = "rss"
target = "https://www.hillcrest.example/feed"
token = { env = "NEWS_TOKEN" }
"""
ALL = [
    ("trust", "northmere"),
    ("school", "hill"),
    ("person", "jo"),
    ("holding", "jo/headteacher/hill/2025-09-01"),
    ("absence", "jo/2026-12-21"),
    ("account", "news"),
]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return written(tmp_path, TEXT)


def written(folder: Path, text: str) -> Settings:
    file = folder / "watcher.toml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def brief(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(change.kind, change.name) for change in changes]


def test_all_is_new_where_there_is_no_store_yet(settings: Settings) -> None:
    changes = preview(settings, None)
    assert brief(changes) == ALL
    assert {change.action for change in changes} == {"add"}


def test_a_preview_writes_nothing_and_applying_twice_changes_nothing(settings: Settings, store: Store) -> None:
    assert brief(preview(settings, store)) == brief(preview(settings, store)) == ALL
    assert brief(apply(settings, store, "watcher.toml", NOW)) == ALL
    assert preview(settings, store) == ()
    assert apply(settings, store, "watcher.toml", NOW) == ()
    register = store.register.all()
    assert register.schools[0].short_names == ("Hillcrest",)
    assert register.holdings[0].start == date(2025, 9, 1)
    assert register.absences[0].end == date(2027, 1, 2)
    assert store.accounts.get("news").kept_by == "watcher.toml: accounts[1]"
    assert store.accounts.get("news").account.token is None


def test_what_changes_is_named_field_by_field(settings: Settings, store: Store, tmp_path: Path) -> None:
    apply(settings, store, "watcher.toml", NOW)
    text = TEXT.replace("Jo Moore", "Jo Muir").replace("jo@", "head@").replace('pack = "wessex"', 'pack = "arden"')
    changed = written(tmp_path, text.replace("/feed", "/rss"))
    assert preview(changed, store) == (
        Change(action="change", kind="school", name="hill", what="pack"),
        Change(action="change", kind="person", name="jo", what="email, name"),
        Change(action="change", kind="account", name="news"),
    )
    apply(changed, store, "watcher.toml", NOW)
    assert store.register.all().people[0].email == "head@hillcrest.example"
    assert store.accounts.get("news").account.target.endswith("/rss")


def test_what_left_the_file_leaves_the_store_last(settings: Settings, store: Store, tmp_path: Path) -> None:
    apply(settings, store, "watcher.toml", NOW)
    empty = written(tmp_path, "")
    changes = preview(empty, store)
    assert {change.action for change in changes} == {"remove"}
    assert sorted(brief(changes)) == sorted(ALL)
    apply(empty, store, "watcher.toml", NOW)
    assert (store.accounts.all(), store.register.all().schools) == ((), ())
    back = apply(settings, store, "watcher.toml", NOW + timedelta(days=1))
    assert brief(back) == ALL
    assert [state.account.name for state in store.accounts.all()] == ["news"]


def test_a_token_is_read_on_request_only(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    row = settings.accounts[0]
    monkeypatch.delenv("NEWS_TOKEN", raising=False)
    assert account_of(row).token is None
    with pytest.raises(ConfigError, match=r"accounts\[1\]\.token: the environment variable NEWS_TOKEN is not set"):
        account_of(row, "accounts[1]", with_token=True)
    monkeypatch.setenv("NEWS_TOKEN", "s3cret")
    account = account_of(row, "accounts[1]", with_token=True)
    assert account.token == "s3cret"
    assert "s3cret" not in repr(account)
