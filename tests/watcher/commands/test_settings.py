"""What the commands say of settings and stores, sound and broken."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

Command = Callable[..., Any]
Change = Callable[..., None]


def test_check_config_needs_no_file_of_its_own_and_makes_none(watcher: Command, whole: Path) -> None:
    done = watcher("check-config")
    assert (done.code, done.err) == (0, "")
    assert watcher("check-config", "--json").lines == [{"ok": True, "problems": []}]
    assert not list(whole.parent.glob("watcher.db*"))


def test_check_config_tells_keys_types_secrets_and_options_at_once(
    watcher: Command, whole: Path, change: Change
) -> None:
    change(
        {"port = 0": 'port = "many"\nprot = 1'},
        'token = { env = "NOT_SET_ANYWHERE" }\n[database]\nurl = { file = "nowhere" }\n',
    )
    done = watcher("check-config", "--json")
    text = "\n".join(done.lines[0]["problems"])
    assert (done.code, done.lines[0]["ok"]) == (1, False)
    for key in ("server.port: ", "server.prot: ", "accounts[1].token: ", "database.url: the file nowhere"):
        assert key in text
    assert text in watcher("check-config").err.replace("\n  ", "\n")


def test_check_config_knows_each_platforms_options(watcher: Command, whole: Path, change: Change) -> None:
    change(more='app_secret = { env = "HOME" }\noptions = { page_sise = 5, timeout_s = "long", total_s = 5 }\n')
    assert watcher("check-config", "--json").lines[0]["problems"] == [
        "accounts[1].app_secret: archive takes none; leave it out",
        "accounts[1].options.page_sise: unknown key; known here are page_size, timeout_s, total_s, until",
        "accounts[1].options.timeout_s: input should be a valid number",
    ]


def test_check_config_prints_the_schema_without_any_file(watcher: Command) -> None:
    done = watcher("check-config", "--schema")
    assert done.code == 0
    assert json.loads(done.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_wrong_word_in_the_environment_is_said(watcher: Command, whole: Path) -> None:
    done = watcher("check-config", env={"WATCHER_MAIL": "folder"})
    assert done.code == 1
    assert "mail" in done.err
    assert watcher("check-config", env={"WATCHER_MAIL__FORM": "x"}).err.strip().endswith("did you mean from?")


def test_a_database_that_keeps_nothing_is_refused(watcher: Command, whole: Path, change: Change) -> None:
    change(more='[database]\nurl = "sqlite://"\n')
    assert "database.url: names no file" in watcher("check-config").err


LOOKS = (("status",), ("incidents",), ("digest", "--school", "hill"), ("purge",))


def test_a_look_at_a_store_that_is_not_there_makes_none(watcher: Command, whole: Path) -> None:
    for look in LOOKS:
        done = watcher(*look)
        assert (done.code, done.out) == (1, "")
        assert f"there is no database at {whole.parent / 'watcher.db'}" in done.err
    assert not list(whole.parent.glob("watcher.db*"))


def test_a_store_of_another_kind_or_age_is_said_in_words(watcher: Command, whole: Path) -> None:
    database = whole.parent / "watcher.db"
    database.write_bytes(b"surely no database at all" * 100)
    for look in (*LOOKS, ("migrate",), ("run",), ("apply", "--yes")):
        done = watcher(*look)
        assert (done.code, done.out) == (1, "")
        assert "file is not a database" in done.err
    database.unlink()
    database.mkdir()
    assert "unable to open database file" in watcher("migrate").err
    database.rmdir()
    assert watcher("migrate").code == 0
    with contextlib.closing(sqlite3.connect(database)) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
        raw.commit()
    for look in (*LOOKS, ("migrate",), ("run",), ("apply", "--yes"), ("apply", "--preview")):
        done = watcher(*look)
        assert done.code == 1
        assert "newer Watcher" in done.err
    assert [row["ok"] for row in watcher("doctor", "--json").lines if row["what"] == "database"] == [False]


def test_an_unreachable_server_is_said_without_its_password(watcher: Command, whole: Path, change: Change) -> None:
    change(more='[database]\nurl = "postgresql://me:s3cret@127.0.0.1:1/x"\n')
    for look in (*LOOKS, ("migrate",), ("run",), ("apply", "--yes")):
        done = watcher(*look)
        assert done.code == 1
        assert "the database cannot be opened" in done.err
        assert "s3cret" not in done.err


def test_the_commands_are_the_same_on_a_database_server(watcher: Command, change: Change, fresh_postgres: str) -> None:
    change(more=f'[database]\nurl = "{fresh_postgres}"\n')
    for look in LOOKS:
        assert "has no tables yet" in watcher(*look).err
    assert len(watcher("apply", "--preview", "--json").lines[0]) == 4
    assert "has no tables yet" in watcher("status").err, "a preview makes none"
    assert watcher("apply", "--yes").code == 0
    assert watcher("apply", "--yes").out == "nothing to change\n"
    assert watcher("status", "--json").lines[0]["sources"] == 1
    assert watcher("purge").code == watcher("migrate").code == watcher("digest", "--school", "hill").code == 0


def test_a_program_hears_what_became_of_the_tables(watcher: Command, whole: Path, change: Callable[..., None]) -> None:
    done = watcher("migrate", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.lines == [{"migrated": True, "database": str(whole.parent / "watcher.db")}]
    gone = watcher("digest", "--school", "mill", "--json")
    assert (gone.code, gone.err) == (1, "")
    assert gone.lines[0]["type"] == "ConfigError"
    assert "known are" in gone.lines[0]["error"]
    change(more='[database]\nurl = "sqlite:////nowhere/at/all/watcher.db"\n')
    lost = watcher("migrate", "--json")
    assert (lost.code, set(lost.lines[0])) == (1, {"error", "type"})


def test_migrate_may_be_called_twice(watcher: Command, whole: Path) -> None:
    for _ in range(2):
        done = watcher("migrate")
        assert (done.code, done.err) == (0, "")


def test_apply_previews_asks_writes_once_and_removes(watcher: Command, whole: Path, change: Change) -> None:
    database = whole.parent / "watcher.db"
    first = watcher("apply", "--preview", "--json")
    assert [(c["action"], c["kind"], c["name"]) for c in first.lines[0]] == [
        ("add", "school", "hill"),
        ("add", "person", "jo"),
        ("add", "holding", "jo/headteacher/hill/"),
        ("add", "account", "news"),
    ]
    refused = watcher("apply")
    assert refused.code == 1
    assert "--yes" in refused.err
    assert not database.exists(), "neither a preview nor a refusal writes"
    assert watcher("apply", "--yes").code == 0
    second = watcher("apply", "--yes")
    assert (second.code, second.out) == (0, "nothing to change\n")
    assert watcher("apply", "--preview", "--json").lines == [[]]
    change({"Jo Moore": "Jo Muir", 'name = "news"': 'name = "old news"'})
    seen = watcher("apply", "--preview").out
    assert seen.splitlines() == [
        "change  person   jo  name",
        "add     account  old news",
        "remove  account  news",
        "3 changes",
    ]
    assert watcher("apply", "--preview").out == seen, "a preview changes nothing"
    assert watcher("apply", "--yes", "--json").code == 0
    assert watcher("apply", "--preview", "--json").lines == [[]]
    assert watcher("status", "--json").lines[0]["sources"] == 1


def test_apply_refuses_settings_with_problems(watcher: Command, whole: Path, change: Change) -> None:
    change({'person = "jo"': 'person = "jon"'})
    done = watcher("apply", "--yes")
    assert done.code == 1
    assert "holdings[1].person: 'jon' is unknown; known are jo" in done.err


def test_looks_at_an_empty_store(watcher: Command, whole: Path) -> None:
    assert watcher("apply", "--yes").code == 0
    assert watcher("incidents", "--json").out == ""
    assert watcher("incidents").code == 0
    missing = watcher("incidents", "WT-0000")
    assert (missing.code, missing.out) == (1, "")
    assert "there is no incident WT-0000" in missing.err
    report = watcher("purge", "--json").lines[0]
    assert set(report.values()) == {0}
    shown = watcher("digest", "--school", "hill")
    assert shown.code == 0
    assert "Hillcrest Primary School" in shown.out
    week = watcher("digest", "--school", "hill", "--week", "2026-W46", "--json").lines[0]
    assert (week["scope"], week["week"]) == ("Hillcrest Primary School", "2026-W46")
    for argv in (("--school", "mill"), ("--school", "hill", "--week", "2026-W99"), ("--school", "hill", "--week", "x")):
        done = watcher("digest", *argv)
        assert (done.code, done.out) == (1, "")
        assert done.err


def test_status_is_well_only_while_a_service_ticks(watcher: Command, whole: Path) -> None:
    assert watcher("apply", "--yes").code == 0
    done = watcher("status", "--json")
    assert (done.code, done.lines[0]["alive"], done.lines[0]["well"]) == (1, False, False)
    assert "NOT RUNNING" in watcher("status").out


def test_doctor_tries_everything_and_makes_nothing(watcher: Command, whole: Path, change: Change) -> None:
    rows = {row["what"]: row for row in watcher("doctor", "--json").lines}
    assert list(rows) == ["settings", "database", "models", "mail", "account news"]
    assert all(row["ok"] for row in rows.values())
    assert not list(whole.parent.glob("watcher.db*"))
    (whole.parent / "imports").rmdir()
    change(more='[models.options.encoder]\npth = "x"\n')
    done = watcher("doctor", "--json")
    bad = {row["what"] for row in done.lines if not row["ok"]}
    assert (done.code, bad) == (1, {"models", "account news"})
