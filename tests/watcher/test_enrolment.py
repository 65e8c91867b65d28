"""Settings become rows: with a preview that writes nothing, once and for all, and gone when the file says so."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerts.school import Absence, Contact, Holding, Hours, Period, Register, StandIn
from watcher.config import Settings, load
from watcher.enrolment import Change, account_of, apply, preview
from watcher.errors import ConfigError
from watcher.roster import register_of
from watcher.store import Store
from watcher.store.register import Entry

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


FULL = """
[alerts]
chain = ["headteacher", "ceo"]
[[stand_ins]]
role = "dsl"
by = ["headteacher"]
[[stand_ins]]
role = "dsl"
by = ["deputy_dsl", "ceo"]
school = "hill"
[[schools]]
id = "hill"
name = "Hillcrest Primary School"
pack = "wessex"
nation = "scotland"
hours = { days = ["fri", "mon"], from = "07:30", until = "16:15" }
terms = [{ name = "Autumn", from = 2026-09-02, until = 2026-12-18 }]
closed = [{ name = "Training", from = 2026-10-05 }]
night = ["jo"]
[[schools]]
id = "dale"
name = "Dale Primary School"
pack = "wessex"
[[people]]
id = "jo"
name = "Jo Moore"
email = "jo@hillcrest.example"
mailbox = "shared"
read_by = ["al"]
administered_by = ["al"]
hours = { from = "20:00", until = "07:00" }
contacts = [{ channel = "sms", address = "jo", wakes = true }]
[[people]]
id = "al"
name = "Al Reed"
email = "al@hillcrest.example"
same_as = "jo"
[[holdings]]
person = "jo"
role = "dsl"
school = "hill"
deputy = "al"
[[absences]]
person = "jo"
from = 2026-12-21
until = 2027-01-02
deputy = "al"
"""


def test_hours_terms_contacts_deputies_and_the_chain_come_back_as_they_were_written(
    tmp_path: Path, store: Store
) -> None:
    settings = written(tmp_path, FULL)
    apply(settings, store, "watcher.toml", NOW)
    register = store.register.all()

    assert register == Register(**{f.name: _sorted(getattr(register_of(settings), f.name)) for f in fields(register)})
    assert preview(settings, store, NOW) == ()
    hill, dale = register.school("hill"), register.school("dale")
    assert hill.hours == Hours(days=(0, 4), start=time(7, 30), end=time(16, 15))
    assert hill.closed == (Period(start=date(2026, 10, 5), end=date(2026, 10, 5), name="Training"),)
    assert (hill.nation, hill.night, hill.chain) == ("scotland", ("jo",), ("headteacher", "ceo"))
    assert hill.stand_ins == (StandIn(role="dsl", by=("deputy_dsl", "ceo")),)
    assert dale.stand_ins == (StandIn(role="dsl", by=("headteacher",)),)
    jo = register.person("jo")
    assert jo.contacts == (Contact(channel="sms", address="jo", wakes=True),)
    assert jo.hours is not None
    assert jo.hours.overnight
    assert register.hats_of("jo") == {"jo", "al"}


def _sorted(nouns: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(sorted(nouns, key=lambda noun: getattr(noun, "id", "")))


def test_what_a_mail_or_a_person_wrote_stays_when_the_file_is_applied(
    settings: Settings, tmp_path: Path, store: Store
) -> None:
    apply(settings, store, "watcher.toml", NOW)
    away = Absence(person="jo", start=date(2026, 11, 23), end=date(2026, 11, 27), why="mail")
    seat = Holding(person="jo", role="dsl", school="hill")
    with store.writing() as connection:
        for kind, noun, kept_by in (("absence", away, "mail:<a@b.example>"), ("holding", seat, "person:jo")):
            entry = Entry(kind=kind, name=f"jo/{kind}", noun=noun, kept_by=kept_by)
            store.register.put(connection, entry, NOW)

    assert apply(settings, store, "watcher.toml", NOW) == ()
    assert away in store.register.all().absences
    assert seat in store.register.all().holdings

    fewer = TEXT[: TEXT.index("[[people]]")] + TEXT[TEXT.index("[[accounts]]") :]
    gone = apply(written(tmp_path, fewer), store, "watcher.toml", NOW)
    assert {("absence", "jo/absence"), ("holding", "jo/holding"), ("person", "jo")} <= set(brief(gone))
    after = store.register.all()
    assert (after.absences, after.holdings) == ((), ())


def test_an_absence_that_a_mail_told_of_goes_a_month_after_its_end_and_a_seat_stays(
    settings: Settings, store: Store
) -> None:
    apply(settings, store, "watcher.toml", NOW)
    away = Absence(person="jo", start=date(2026, 11, 23), end=date(2026, 11, 27), why="mail")
    seat = Holding(person="jo", role="dsl", school="hill")
    with store.writing() as connection:
        store.register.put(connection, Entry(kind="absence", name="a", noun=away, kept_by="mail:<a@b>"), NOW)
        store.register.put(connection, Entry(kind="holding", name="h", noun=seat, kept_by="person:jo"), NOW)

    for day, kept in ((NOW + timedelta(days=30), True), (NOW + timedelta(days=45), False)):
        store.register.renew(day)
        store.purge.purge(day)
        assert (away in store.register.all().absences) is kept
        assert seat in store.register.all().holdings
    # The file's own absence of December is the file's to take out.
    assert any(absence.start == date(2026, 12, 21) for absence in store.register.all().absences)
