"""Connecting an account from the command line: the link, the pasted code, the listener, the list, and the end."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.watcher.granting import Authority, authority, written
from watcher import connecting
from watcher.app import find_store
from watcher.config import load
from watcher.connection import Connections
from watcher.scheduler import clock
from watcher.seal import read_key

if TYPE_CHECKING:
    from tests.watcher.commands.conftest import Command

NAME = "hillcrest-youtube"
ON_X = """
[[accounts]]
name = "x"
school = "hillcrest"
platform = "x"
target = "@hill"
official = true
owner = "Kim"
"""


@pytest.fixture
def google() -> Iterator[Authority]:
    with authority() as made:
        yield made


@pytest.fixture
def house(tmp_path: Path, google: Authority, watcher: Command) -> Path:
    file = written(tmp_path, google.url)
    assert watcher("migrate").code == 0
    assert watcher("apply", "--yes").code == 0
    return file


def link_of(running: subprocess.Popen[str]) -> str:
    """The link that a command at work prints for a person."""
    said = ""
    for line in running.stderr or ():
        said += line
        if found := re.findall(r"http\S+auth\?\S+", line):
            return str(found[0])
    pytest.fail(said or "it said nothing")


def test_a_key_is_fresh_each_time(watcher: Command) -> None:
    first, second = watcher("key"), watcher("key")
    assert first.out != second.out
    assert len(read_key(first.out, "key")) == 32


def test_a_link_for_the_owner_stands_alone_on_standard_output(house: Path, watcher: Command, google: Authority) -> None:
    made = watcher("connect", NAME, "--link")
    assert made.code == 0
    assert made.out.startswith(f"{google.url}/o/oauth2/v2/auth?")
    assert made.out.count("\n") == 1
    assert "It is good once, until" in made.err
    for_programs = watcher("connect", NAME, "--link", "--json").lines[0]
    assert for_programs["redirect"] == "https://watcher.example/connect/return"
    assert for_programs["scopes"] == ["https://www.googleapis.com/auth/youtube.readonly"]
    assert set(for_programs) == {"account", "platform", "link", "redirect", "scopes", "until"}


@pytest.mark.parametrize("form", ["code", "address"])
def test_a_code_or_an_address_is_pasted(
    house: Path, google: Authority, form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(house.parent)
    settings = load(house)
    connections = Connections(settings, find_store(settings))
    made = connections.begin(NAME, connecting._way_back("youtube", 8031), clock())
    assert "redirect_uri=http%3A%2F%2F127.0.0.1%3A8031%2Fconnect%2Freturn" in made.url
    back = google.agree(made.url)
    address = f"http://127.0.0.1:8031/connect/return?state={back['state']}&code={back['code']}#_"
    monkeypatch.setattr("sys.stdin", io.StringIO(f" {back['code'] if form == 'code' else address} \n"))
    connecting._done(connecting._pasted(connections, made), as_json=True)
    said = capsys.readouterr()
    done = json.loads(said.out.splitlines()[-1])
    assert (done["account"], done["owner"], done["renews_itself"]) == (NAME, "Sam Okafor", True)
    assert made.url in said.err
    assert back["code"] not in said.out + said.err


def test_an_address_of_another_link_is_refused(
    house: Path, google: Authority, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(house.parent)
    settings = load(house)
    connections = Connections(settings, find_store(settings))
    for typed, words in (
        ("state=other&code=x", "another link"),
        ("state={}&error=access_denied", "nothing was granted"),
    ):
        made = connections.begin(NAME, "http://127.0.0.1:8031/connect/return", clock())
        monkeypatch.setattr("sys.stdin", io.StringIO(f"http://x/?{typed.format(made.state)}\n"))
        with pytest.raises(SystemExit):
            connecting._pasted(connections, made)
        assert words in capsys.readouterr().err


def test_the_browser_comes_back_to_this_machine(house: Path, google: Authority, watcher: Command) -> None:
    command = [sys.executable, "-m", "watcher", "connect", NAME, "--port", "0", "--no-browser"]
    with subprocess.Popen(
        command, cwd=house.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as running:
        link = link_of(running)
        redirect = httpx.QueryParams(link.partition("?")[2])["redirect_uri"]
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/connect/return", redirect)
        # Whoever else knocks is sent away, and changes nothing.
        assert httpx.get(redirect, params={"state": "guessed", "code": "x"}).status_code == 404
        assert httpx.get(redirect, headers={"host": "evil.example:1"}).status_code == 404
        answer = httpx.get(redirect, params=google.agree(link))
        out, err = running.communicate(timeout=60)
    assert "You can close this window" in answer.text
    assert running.returncode == 0, err
    assert "hillcrest-youtube is connected; granted by Sam Okafor" in out
    assert "NOT granted: https://www.googleapis.com/auth/youtube.readonly" in out
    assert "myaccount.google.com" in out
    listed = watcher("tokens", "--json").lines[0]
    assert (listed["owner"], listed["ends"], listed["renews_itself"]) == ("Sam Okafor", None, True)
    assert "well" in watcher("tokens").out
    gone = watcher("disconnect", NAME, "--yes", "--json").lines[0]
    assert (gone["account"], gone["revoked"]) == (NAME, False)
    assert watcher("tokens", "--json").lines[0]["state"] == "nothing granted"
    assert watcher("disconnect", NAME, "--yes").code == 1


def test_what_is_amiss_is_said_in_words(house: Path, watcher: Command, tmp_path: Path, google: Authority) -> None:
    assert "known are hillcrest-youtube" in watcher("connect", "nobody").err
    assert watcher("connect", NAME, "--link", "--paste").code == 2
    assert "add --yes" in watcher("disconnect", NAME).err
    written(tmp_path, google.url, swap={'public_url = "https://watcher.example"\n': ""})
    assert "server.public_url: missing" in watcher("connect", NAME, "--link").err
    written(tmp_path, google.url, swap={f'[secrets]\nkey = {{ file = "{tmp_path / "key"}" }}\n': ""})
    assert "secrets.key: missing" in watcher("connect", NAME, "--link").err
    written(tmp_path, google.url, swap={'platform = "youtube"\nclient_id': 'platform = "reddit"\nclient_id'})
    assert 'apps: none with platform = "youtube"' in watcher("connect", NAME, "--link").err


def test_a_program_hears_what_is_amiss_as_json(house: Path, watcher: Command) -> None:
    gone = watcher("connect", "nobody", "--json")
    assert (gone.code, gone.err) == (1, "")
    [said] = gone.lines
    assert (set(said), said["type"]) == ({"error", "type"}, "GrantError")
    assert "known are hillcrest-youtube" in said["error"]
    wrong = watcher("connect", NAME, "--link", "--paste", "--json")
    assert (wrong.code, wrong.lines) == (2, [{"error": "--link or --paste, not both", "type": "UsageError"}])
    [made] = watcher("key", "--json").lines
    assert len(base64.b64decode(made["key"])) == 32
    notes = watcher("check-config", "--json").lines[0]["notes"]
    assert [note for note in notes if note.startswith(f"accounts[1] ({NAME}): no token")], notes


def test_a_bearer_token_is_pasted_and_shown_nowhere(
    house: Path, watcher: Command, google: Authority, tmp_path: Path
) -> None:
    written(tmp_path, google.url, ON_X)
    done = watcher("connect", "x", "--owner", "Kim Bell", stdin="AAAAbearer\n")
    assert done.code == 0
    assert "granted by Kim Bell" in done.out
    assert "AAAAbearer" not in done.out + done.err + watcher("tokens").out + watcher("tokens", "--json").out
    assert "grants nothing by a link" in watcher("connect", "x", "--link").err
    ended = watcher("disconnect", "x", "--yes")
    assert "delete it where it was made" in ended.out


def test_changing_the_key_keeps_what_was_granted(
    house: Path, watcher: Command, google: Authority, tmp_path: Path
) -> None:
    written(tmp_path, google.url, ON_X)
    assert watcher("connect", "x", stdin="AAAAbearer\n").code == 0
    old = (tmp_path / "key").rename(tmp_path / "old")
    (tmp_path / "key").write_text(watcher("key").out, encoding="utf-8")
    assert "another key" in watcher("tokens", "--reseal").err
    place = f'key = {{ file = "{tmp_path / "key"}" }}\n'
    written(tmp_path, google.url, ON_X, {place: f'{place}previous = [{{ file = "{old}" }}]\n'})
    assert "1 token sealed anew" in watcher("tokens", "--reseal").err
    assert "0 tokens sealed anew" in watcher("tokens", "--reseal").err
