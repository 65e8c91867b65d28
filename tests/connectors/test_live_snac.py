"""The Mastodon connector against a real server of the fediverse: snac, which speaks a part of Mastodon's API.

`.ci/live snac` brings it and names it in ``WATCHER_SNAC``. It has no pages, no Link headers and no search, and deletes
nothing through that API.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from connectors.mastodon import MastodonConnector
from connectors.post import Account
from tests.connectors.live import free_port, ready, running, watched

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
_BREAKS = 3  # it resets a connection now and then, after an edit above all


class Server:
    """The server, spoken to as its members' programs do; both members have an account and a token."""

    def __init__(self, program: str, folder: Path, port: int, passwords: dict[str, str]) -> None:
        self._program, self._folder, self._port = program, folder, port
        self.address = f"http://localhost:{port}"
        self.tokens = {who: self._token(who, password) for who, password in passwords.items()}

    def _token(self, who: str, password: str) -> str:
        form = {"content-type": "application/x-www-form-urlencoded"}
        token = self._send(
            "POST", "/oauth/x-snac-get-token", urlencode({"login": who, "passwd": password}).encode(), form
        )
        assert re.fullmatch(r"[0-9a-f]{32}", token), token[:200]
        return token

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> str:
        """A request in one piece: the server breaks off where the body comes in a packet of its own."""
        own = {"host": f"localhost:{self._port}", "connection": "close", "content-length": str(len(body))}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in {**own, **headers}.items())]
        with socket.create_connection(("127.0.0.1", self._port), timeout=30) as line:
            line.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            with line.makefile("rb") as answer:
                head, _, told = answer.read().partition(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0], head
        return told.decode()

    def write(self, who: str, method: str, path: str, **body: Any) -> dict[str, Any]:
        headers = {"content-type": "application/json", "authorization": f"Bearer {self.tokens[who]}"}
        answer = self._send(method, f"/api/v1/statuses{path}", json.dumps(body).encode(), headers)
        return dict(json.loads(answer)) if answer.startswith("{") else {}

    def post(self, who: str, text: str, **fields: Any) -> dict[str, Any]:
        return self.write(who, "POST", "", status=text, visibility="public", **fields)

    def notes(self, who: str, texts: list[str]) -> None:
        for text in texts:
            command = [self._program, "note", str(self._folder), who, text]
            subprocess.run(command, check=True, capture_output=True, timeout=30)

    def ask(self, who: str, path: str) -> Any:
        headers = {"authorization": f"Bearer {self.tokens[who]}"}
        return httpx.get(f"{self.address}/api/v1{path}", headers=headers, timeout=30).json()

    def account(self, **changes: Any) -> Account:
        values: dict[str, Any] = {"name": "live", "platform": "mastodon", "target": "@hillcrest", "official": True}
        values |= {"token": self.tokens["hillcrest"], "base_url": self.address, "allow_private": True}
        return Account(**{**values, **changes})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    program = os.environ.get("WATCHER_SNAC")
    if not program or not os.access(program, os.X_OK):
        pytest.skip("snac is not installed: run `. .ci/live snac`")
    folder, port, log = tmp_path / "snac", free_port(), tmp_path / "log"
    told = f"127.0.0.1\n{port}\nlocalhost:{port}\n\nadmin@example.test\n"
    subprocess.run([program, "init", str(folder)], input=told.encode(), check=True, capture_output=True)
    config = folder / "server.json"
    config.write_text(config.read_text().replace('"protocol": "https"', '"protocol": "http"'))
    passwords = {}
    for who in ("hillcrest", "oakparent"):
        command = [program, "adduser", str(folder), who]
        made = subprocess.run(command, stdin=subprocess.DEVNULL, check=True, capture_output=True, text=True)
        found = re.search(r"password is (\S+)", made.stdout)
        assert found, made.stdout
        passwords[who] = found[1]
    with running([program, "httpd", str(folder)], log=log) as process:
        ready(f"http://localhost:{port}/api/v1/instance", process, log)
        yield Server(program, folder, port, passwords)


def until(true: Callable[[], object]) -> None:
    ends = time.monotonic() + 90
    while not true():
        assert time.monotonic() < ends, "the server did not show it within a minute and a half"
        time.sleep(0.5)


def test_posts_and_tags_are_read_over_restarts_and_nothing_comes_twice(server: Server, tmp_path: Path) -> None:
    fair = "The winter fair opens at nine #hillfair https://hill.example/a?b=c"
    server.notes("hillcrest", [fair, *(f"Notice {n} #hillfair" for n in range(54))])
    with watched(tmp_path, server.account(), MastodonConnector()) as one:
        assert one.poll(restarts=True, breaks=_BREAKS) == 55
        post = next(versions[0] for versions in one.versions().values() if versions[0].text == fair)
        assert post.links == ("https://hill.example/a?b=c",)
        assert post.author is not None
        assert post.author.official
        assert post.author.handle == f"hillcrest@localhost:{server.address.rpartition(':')[2]}"
        server.notes("hillcrest", [f"Later {n}" for n in range(5)])
        assert one.poll(restarts=True, breaks=_BREAKS) == 5
        assert one.poll(breaks=_BREAKS) == 0
        assert one.nothing_came_twice()
        assert one.store.accounts.gaps(one.now.replace(year=2000)) == ()
        assert one.store.accounts.oddities() == {}
    tag = server.account(name="tag", target="#hillfair", reads=("search",), official=False)
    with watched(tmp_path, tag, MastodonConnector(page_size=20)) as one:
        assert one.poll(restarts=True, breaks=_BREAKS) == 55
        assert one.poll(breaks=_BREAKS) == 0
        assert one.nothing_came_twice()


def test_replies_and_mentions_are_read_once_and_an_edit_is_a_version(server: Server, tmp_path: Path) -> None:
    opener = server.post("hillcrest", "The winter fair opens at nine")
    server.post("oakparent", "@hillcrest Is there parking?", in_reply_to_id=opener["id"])
    context = f"/statuses/{opener['id']}/context"
    until(lambda: server.ask("hillcrest", context)["descendants"] and server.ask("hillcrest", "/notifications"))
    account = server.account(reads=("posts", "comments", "mentions"))
    with watched(tmp_path, account, MastodonConnector()) as one:
        assert one.poll(breaks=_BREAKS) == 2
        stored = {versions[0].kind: versions[0] for versions in one.versions().values()}
        assert (stored["post"].text, stored["post"].url) == ("The winter fair opens at nine", opener["uri"])
        assert stored["reply"].text.endswith("Is there parking?")
        assert stored["reply"].reply_to == stored["reply"].thread == stored["post"].id
        assert one.poll(breaks=_BREAKS) == 0

        server.write("hillcrest", "PUT", f"/{opener['id']}", status="The winter fair opens at ten")
        assert one.poll(breaks=_BREAKS) == 1
        texts = [version.text for version in one.versions()[stored["post"].id]]
        assert texts == ["The winter fair opens at nine", "The winter fair opens at ten"]
        assert one.versions()[stored["post"].id][-1].edited_at is not None
        assert one.check_again() == set()


def test_a_wrong_name_and_a_wrong_token_are_told_apart(server: Server, tmp_path: Path) -> None:
    with watched(tmp_path, server.account(name="none", target="@nobody"), MastodonConnector()) as one:
        assert one.fail().startswith("AccountNotFoundError")
    wrong = server.account(name="wrong", token="not-the-token", reads=("mentions",))
    with watched(tmp_path, wrong, MastodonConnector()) as one:
        said = one.fail()
        assert said.startswith("AuthenticationError")
        assert "not-the-token" not in said
