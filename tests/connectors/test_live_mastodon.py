"""The Mastodon connector against a server of another project: mastodon_mock.

It is found on the path or by ``WATCHER_MASTODON_MOCK``; it wants an environment of its own, because its
dependencies are not ours: ``python -m venv V && V/bin/pip install mastodon-mock==0.6.1``.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connectors.mastodon import MastodonConnector
from connectors.post import Account

pytestmark = pytest.mark.live
TOKEN = "mock_token"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    program = os.environ.get("WATCHER_MASTODON_MOCK") or shutil.which("mastodon_mock")
    if not program:
        pytest.skip("mastodon_mock is not installed: name it in WATCHER_MASTODON_MOCK (see this module)")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [program, "serve", "--in-memory", "--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield _ready(f"http://127.0.0.1:{port}", process)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _ready(base: str, process: subprocess.Popen[bytes]) -> str:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert process.poll() is None, "mastodon_mock ended at once"
        try:
            if httpx.get(f"{base}/api/v1/instance", timeout=5).status_code == 200:
                return base
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError("mastodon_mock did not start within a minute")


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
