"""Settings: the example is whole, and every problem is told at once with its key and what to write instead."""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

from watcher.check import check, notes
from watcher.config import AccountRow, Settings, load, schema
from watcher.errors import ConfigError
from watcher.terms import is_sought

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "config.example.toml"


def write(folder: Path, text: str) -> Path:
    file = folder / "watcher.toml"
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        check(load(write(folder, text)))
    return caught.value.problems


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The example with its secrets in place."""
    for name in re.findall(r'env = "(\w+)"', EXAMPLE.read_text(encoding="utf-8")):
        monkeypatch.setenv(name, "https://beat.example/x" if name.endswith("URL") else "s3cret")
    token = tmp_path / "page_token"
    token.write_text("s3cret\n", encoding="utf-8")
    text = EXAMPLE.read_text(encoding="utf-8").replace("/run/secrets/facebook_page_token", token.as_posix())
    return write(tmp_path, text)


def test_the_example_is_sound(secrets: Path) -> None:
    settings = load(secrets)
    check(settings)
    assert [s.id for s in settings.schools] == ["hillcrest"]


def test_neither_the_example_nor_the_page_on_x_pays_for_a_post_twice(secrets: Path, tmp_path: Path) -> None:
    settings = load(secrets)
    page = (ROOT / "docs" / "platforms" / "x.md").read_text(encoding="utf-8")
    example = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)[-1]
    others = [row for row in settings.accounts if row.platform != "x"]
    rows = tuple(AccountRow.model_validate(row) for row in tomllib.loads(example)["accounts"])
    for chosen in (settings, settings.model_copy(update={"accounts": (*others, *rows)})):
        assert any(is_sought(row) and row.platform == "x" for row in chosen.accounts)
        assert not [
            note for note in notes(chosen, date(2026, 11, 20)) if "paid for twice" in note or "read by accounts" in note
        ]


def test_the_example_holds_every_key() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")

    def keys(table: dict[str, object], name: str) -> set[str]:
        properties = table.get("properties")
        assert isinstance(properties, dict)
        return {f"{name}.{key}" for key in properties}

    made = schema()
    wanted: set[str] = set()
    for top, spec in made["properties"].items():
        reference = json.dumps(spec)
        name = re.search(r"#/\$defs/(\w+)", reference)
        assert name is not None, top
        wanted |= keys(made["$defs"][name[1]], top)
    section = ""
    found: set[str] = set()
    for line in text.splitlines():
        header = re.match(r"(?:# )?\[+(\w+)", line)
        section = header[1] if header else section
        key = re.match(r"#? ?(\w+) = ", line)
        if key:
            found.add(f"{section}.{key[1]}")
        nested = re.match(r"(?:# )?\[+(\w+)\.(\w+)", line)
        if nested:
            found.add(f"{nested[1]}.{nested[2]}")
    assert wanted - found == set()


def test_the_published_schema_is_the_programs_own() -> None:
    published = json.loads((ROOT / "docs" / "config.schema.json").read_text(encoding="utf-8"))
    assert published == json.loads(json.dumps(schema()))


def test_all_problems_come_at_once_with_their_full_keys(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
        [server]
        prot = 80
        port = "many"
        [[accounts]]
        name = "a"
        platform = "rss"
        target = "x"
        [[accounts]]
        name = "b"
        platfrom = "rss"
        target = "x"
        reads = ["everything"]
        token = "written openly"
        """,
    )
    text = "\n".join(found)
    assert "server.prot: unknown key; did you mean port?" in text
    assert "server.port: " in text
    assert "accounts[2].platfrom: unknown key; did you mean platform?" in text
    assert "accounts[2].platform: missing" in text
    assert "accounts[2].reads[1]: " in text
    assert "accounts[2].token: " in text
    assert "written openly" not in text


def test_names_that_do_not_exist_are_named_with_those_that_do(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
        [server]
        host = "0.0.0.0"
        [[schools]]
        id = "hill"
        name = "Hill"
        pack = "wessx"
        trust = "none"
        timezone = "Europe/Lundon"
        [[people]]
        id = "jo"
        name = "Jo"
        email = "jo@x.example"
        [[holdings]]
        person = "jon"
        role = "haed"
        school = "hill"
        [[holdings]]
        person = "jo"
        role = "police"
        [[absences]]
        person = "jo"
        from = 2026-01-02
        until = 2026-01-01
        [[accounts]]
        name = "a"
        platform = "friendster"
        target = "x"
        school = "mill"
        base_url = "ftp://x"
        token = {env = "NOT_SET_ANYWHERE"}
        [[accounts]]
        name = "a"
        platform = "rss"
        target = "x"
        official = true
        """,
    )
    text = "\n".join(found)
    for part in (
        "server.host: '0.0.0.0' is open to others",
        "alerts.last_resort: missing",
        "schools[1].pack: ",
        "schools[1].trust: 'none' is unknown",
        "schools[1].timezone: ",
        "holdings[1].person: 'jon' is unknown; known are jo",
        "holdings[1].role: 'haed' is unknown",
        "holdings[2].role: 'police' is unknown",
        "holdings[2]: name either school or trust",
        "absences[1].until: 2026-01-01 is before from",
        "accounts[1].platform: 'friendster' is unknown",
        "accounts[1].school: 'mill' is unknown",
        "accounts[1].base_url: ",
        "accounts[1].token: the environment variable NOT_SET_ANYWHERE is not set",
        "accounts[2].school: missing",
        "accounts: 'a' stands there 2 times",
    ):
        assert part in text, part


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[server", "not valid TOML"),
        ("\udcff", "cannot be read as UTF-8"),
        (None, "no such file"),
    ],
)
def test_a_file_that_is_no_settings_says_so(tmp_path: Path, text: str | None, part: str) -> None:
    file = tmp_path / "watcher.toml"
    if text is not None:
        file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=part):
        load(file)


def test_the_environment_speaks_louder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHER_SERVER__PORT", "8041")
    assert load(write(tmp_path, "[server]\nport = 8040\n")).server.port == 8041


def test_secrets_are_read_late_and_never_shown(secrets: Path) -> None:
    settings = load(secrets)
    token = settings.accounts[2].token
    assert token is not None
    assert token.read("accounts[3].token") == "s3cret"
    assert "s3cret" not in repr(settings) + settings.model_dump_json()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_loopback_is_allowed(tmp_path: Path, host: str) -> None:
    check(load(write(tmp_path, f'[server]\nhost = "{host}"\n')))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "watcher.example.org", ""])
def test_anything_else_is_refused(tmp_path: Path, host: str) -> None:
    assert any("server.host" in line for line in problems(tmp_path, f'[server]\nhost = "{host}"\n'))


def test_settings_cannot_be_changed_in_passing() -> None:
    with pytest.raises(Exception, match="frozen"):
        Settings().server.port = 1  # type: ignore[misc]
