"""The Mastodon connector against a server of another project: mastodon_mock.

It is found on the path or by ``WATCHER_MASTODON_MOCK``; it wants an environment of its own, because its
dependencies are not ours: ``python -m venv V && V/bin/pip install mastodon-mock==0.6.1``.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.mastodon import MastodonConnector
from connectors.post import Account
from tests.connectors.live import free_port, ready, running, watched

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
TOKEN = "mock_token"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = os.environ.get("WATCHER_MASTODON_MOCK") or shutil.which("mastodon_mock")
    if not program:
        pytest.skip("mastodon_mock is not installed: run .ci/live, or name it in WATCHER_MASTODON_MOCK")
    port, log = free_port(), tmp_path_factory.mktemp("mastodon") / "log"
    command = [program, "serve", "--in-memory", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    with running(command, log=log) as process:
        yield ready(f"http://127.0.0.1:{port}/api/v1/instance", process, log).removesuffix("/api/v1/instance")


def publish(base: str, text: str, **fields: Any) -> dict[str, Any]:
    answer = httpx.post(
        f"{base}/api/v1/statuses",
        headers={"Authorization": f"Bearer {TOKEN}"},
        json={"status": text, **fields},
        timeout=10,
    )
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def account(base: str, **changes: Any) -> Account:
    values = {"name": "live", "platform": "mastodon", "target": "@testuser", "official": True, "token": TOKEN}
    return Account(**{**values, "base_url": base, "allow_private": True, **changes})


def test_posts_replies_tags_and_searches_are_read_to_the_end(server: str, drain) -> None:
    first = publish(server, "The winter fair opens at nine #hillfair https://hillcrest.example/fair?year=2026")
    for number in range(44):
        publish(server, f"Notice {number} #hillfair")
    connector = MastodonConnector(page_size=20)

    posts = drain(connector, account(server))
    assert len(posts.posts) == len({post.id for post in posts.posts}) >= 45
    fair = next(post for post in posts.posts if post.id == first["id"])
    assert fair.links == ("https://hillcrest.example/fair?year=2026",)
    assert fair.text == "The winter fair opens at nine #hillfair https://hillcrest.example/fair?year=2026"
    assert fair.author is not None
    assert fair.author.official

    tagged = drain(connector, account(server, target="#hillfair", reads=("search",)))
    assert {post.id for post in tagged.posts} == {post.id for post in posts.posts if "#hillfair" in post.text}

    reply = publish(server, "Is there parking?", in_reply_to_id=first["id"])
    answer = publish(server, "Behind the hall", in_reply_to_id=reply["id"])
    replies = drain(connector, account(server, reads=("comments",)))
    assert {(post.id, post.reply_to, post.thread) for post in replies.posts} == {
        (reply["id"], first["id"], first["id"]),
        (answer["id"], reply["id"], first["id"]),
    }

    later = drain(connector, account(server), posts.cursor)
    assert {post.id for post in later.posts} == {reply["id"], answer["id"]}
    assert drain(connector, account(server), later.cursor).posts == []

    found = drain(connector, account(server, target="winter fair", reads=("search",), official=False))
    assert first["id"] in {post.id for post in found.posts}


def test_a_poller_reads_it_over_restarts_and_nothing_comes_twice(server: str, tmp_path: Path) -> None:
    with watched(tmp_path, account(server), MastodonConnector(page_size=10)) as one:
        one.poll()
        before = set(one.versions())
        fresh = {publish(server, f"Bus {number} is late")["id"] for number in range(23)}
        assert one.poll(restarts=True) == 23
        assert set(one.versions()) - before == fresh
        assert one.poll() == 0
        assert one.nothing_came_twice()


def test_a_wrong_name_and_a_wrong_token_are_told_apart(server: str, tmp_path: Path) -> None:
    with watched(tmp_path, account(server, name="none", target="@nobody_at_all"), MastodonConnector()) as one:
        assert one.fail().startswith("AccountNotFoundError")
    wrong = account(server, name="wrong", token="not-the-token", reads=("mentions",))
    with watched(tmp_path, wrong, MastodonConnector()) as one:
        said = one.fail()
        assert said.startswith("AuthenticationError")
        assert "not-the-token" not in said
