"""The Bluesky connector against a real network: directory, data server and app view, with PostgreSQL and Redis.

`.ci/live bluesky` installs @atproto/dev-env with Node 22 and names both in ``WATCHER_BLUESKY_MODULES`` and
``WATCHER_NODE``.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.bluesky import BlueskyConnector
from connectors.post import Account
from tests.connectors.live import START_S, free_port, ready, running, watched
from tests.watcher.conftest import cluster

pytestmark = [pytest.mark.live, pytest.mark.timeout(1200)]
_SITE = Path(__file__).parent / "sites" / "bluesky_site.mjs"
_PASSWORD = "not-a-secret-1"


class Network:
    """The network, spoken to as its users' programs do; everybody has an account and a session."""

    def __init__(self, pds: str) -> None:
        self.pds = pds
        self._sessions: dict[str, dict[str, str]] = {}

    def call(self, method: str, who: str | None = None, **body: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self._sessions[who]['accessJwt']}"} if who else {}
        answer = httpx.post(f"{self.pds}/xrpc/{method}", json=body, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else {}

    def ask(self, method: str, who: str, **query: Any) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self._sessions[who]['accessJwt']}"}
        answer = httpx.get(f"{self.pds}/xrpc/{method}", params=query, headers=headers, timeout=60)
        return answer.json() if answer.status_code == 200 else {}

    def join(self, handle: str) -> None:
        body = {"handle": handle, "email": f"{handle}@example.test", "password": _PASSWORD}
        self._sessions[handle] = self.call("com.atproto.server.createAccount", **body)
        until(lambda: "did" in self.ask("app.bsky.actor.getProfile", handle, actor=handle))

    def did(self, who: str) -> str:
        return self._sessions[who]["did"]

    def app_password(self, who: str) -> str:
        return str(self.call("com.atproto.server.createAppPassword", who, name=f"watcher{time.time_ns()}")["password"])

    def post(self, who: str, text: str, **fields: Any) -> dict[str, str]:
        record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": _now(), **fields}
        made = self.call(
            "com.atproto.repo.createRecord", who, repo=self.did(who), collection="app.bsky.feed.post", record=record
        )
        return {"uri": made["uri"], "cid": made["cid"]}

    def reply(self, who: str, text: str, root: dict[str, str], parent: dict[str, str]) -> dict[str, str]:
        return self.post(who, text, reply={"root": root, "parent": parent})

    def delete(self, who: str, post: dict[str, str]) -> None:
        rkey = post["uri"].rsplit("/", 1)[1]
        self.call("com.atproto.repo.deleteRecord", who, repo=self.did(who), collection="app.bsky.feed.post", rkey=rkey)

    def is_shown(self, post: dict[str, str], who: str) -> bool:
        return bool(self.ask("app.bsky.feed.getPosts", who, uris=post["uri"]).get("posts"))

    def account(self, who: str, **changes: Any) -> Account:
        values: dict[str, Any] = {"name": "live", "platform": "bluesky", "target": f"@{who}", "official": True}
        values |= {"token": self.app_password(who), "base_url": self.pds, "allow_private": True}
        return Account(**{**values, **changes})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + 60
    while not true():
        assert time.monotonic() < ends, "the network did not show it within a minute"
        time.sleep(0.3)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    node, modules = os.environ.get("WATCHER_NODE"), os.environ.get("WATCHER_BLUESKY_MODULES")
    redis = shutil.which("redis-server")
    if not node or not modules or not redis or not Path(modules, "@atproto", "dev-env").is_dir():
        pytest.skip("the Bluesky network is not installed: run `. .ci/live bluesky`")
    folder = tmp_path_factory.mktemp("bluesky")
    for parent in (folder, *folder.parents):
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)  # PostgreSQL's user must reach its folder
    base = folder / "postgres"
    base.mkdir()
    store, ports = free_port(), [str(free_port()) for _ in range(4)]
    command = [redis, "--port", str(store), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with cluster(base) as database, running(command, log=folder / "redis.log"):
        env = {
            "PATH": f"{Path(node).parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "DB_POSTGRES_URL": f"{database}/postgres",
            "DB_POSTGRES_SCHEMA": "dev",
            "REDIS_HOST": f"127.0.0.1:{store}",
            "LOG_ENABLED": "false",
        }
        log = folder / "network.log"
        with running([node, str(_SITE), modules, *ports], log=log, env=env, cwd=folder) as process:
            pds = ready(f"http://localhost:{ports[1]}/xrpc/_health", process, log).removesuffix("/xrpc/_health")
            ends = time.monotonic() + START_S
            while "ready" not in log.read_text():
                assert process.poll() is None, log.read_text()[-2000:]
                assert time.monotonic() < ends, "the network did not start"
                time.sleep(0.3)
            made = Network(pds)
            made.join("hillcrest.test")
            made.join("oakparent.test")
            yield made


def test_posts_replies_quotes_and_mentions_are_read_over_restarts(network: Network, tmp_path: Path) -> None:
    first = network.post("hillcrest.test", "The winter fair opens at nine")
    posts = [first, *(network.post("hillcrest.test", f"Notice {n}") for n in range(23))]
    reply = network.reply("oakparent.test", "Is there parking?", first, first)
    answer = network.reply("hillcrest.test", "Behind the hall", first, reply)
    quote = network.post("oakparent.test", "See you there", embed={"$type": "app.bsky.embed.record", "record": first})
    mention = network.post(
        "oakparent.test",
        "Thank you @hillcrest.test",
        facets=[
            {
                "index": {"byteStart": 10, "byteEnd": 25},
                "features": [{"$type": "app.bsky.richtext.facet#mention", "did": network.did("hillcrest.test")}],
            }
        ],
    )
    until(lambda: network.is_shown(mention, "hillcrest.test"))
    account = network.account("hillcrest.test", reads=("posts", "comments", "mentions"))
    with watched(tmp_path, account, BlueskyConnector(page_size=10)) as one:
        one.poll(restarts=True)
        stored = {id_: versions[-1] for id_, versions in one.versions().items()}
        assert {post["uri"] for post in (*posts, reply, answer, quote, mention)} == set(stored)
        parking = stored[reply["uri"]]
        assert (parking.kind, parking.text, parking.reply_to, parking.thread) == (
            "reply",
            "Is there parking?",
            first["uri"],
            first["uri"],
        )
        assert parking.author is not None
        assert parking.author.handle == "oakparent.test"
        assert one.poll() == 0
        late = network.reply("oakparent.test", "And for prams?", first, answer)
        new = network.post("hillcrest.test", "Snow: closed today")
        until(lambda: network.is_shown(new, "hillcrest.test") and network.is_shown(late, "hillcrest.test"))
        assert one.poll(restarts=True) == 2
        assert {late["uri"], new["uri"]} <= set(one.versions())
        assert one.nothing_came_twice()
        assert one.store.accounts.gaps(one.now.replace(year=2000)) == ()
        assert one.store.accounts.oddities() == {}


def test_what_is_deleted_is_known_as_gone(network: Network, tmp_path: Path) -> None:
    kept, lost = network.post("oakparent.test", "Kept"), network.post("oakparent.test", "Lost")
    until(lambda: network.is_shown(lost, "oakparent.test"))
    with watched(tmp_path, network.account("oakparent.test"), BlueskyConnector()) as one:
        one.poll()
        network.delete("oakparent.test", lost)
        until(lambda: not network.is_shown(lost, "oakparent.test"))
        now = one.recheck()
        assert now[lost["uri"]] is None
        assert now[kept["uri"]] is not None


def test_a_search_brings_what_holds_the_words(network: Network, tmp_path: Path) -> None:
    hits = [network.post("oakparent.test", f"The Alderbrook bus is late {n}") for n in range(3)]
    network.post("oakparent.test", "The train is not")
    until(lambda: network.is_shown(hits[-1], "oakparent.test"))
    token = f"hillcrest.test:{network.app_password('hillcrest.test')}"
    account = network.account("hillcrest.test", target="Alderbrook bus", reads=("search",), token=token, official=False)
    with watched(tmp_path, account, BlueskyConnector()) as one:
        one.poll()
        assert set(one.versions()) == {hit["uri"] for hit in hits}
        assert one.poll() == 0


def test_wrong_passwords_and_unknown_accounts_are_told_apart(network: Network, tmp_path: Path) -> None:
    wrong = network.account("hillcrest.test", name="wrong", token="abcd-abcd-abcd-abcd", reads=("mentions",))
    with watched(tmp_path, wrong, BlueskyConnector()) as one:
        said = one.fail()
        assert said.startswith("AuthenticationError")
        assert "abcd" not in said
    with watched(
        tmp_path, network.account("hillcrest.test", name="none", target="@nobody.test"), BlueskyConnector()
    ) as one:
        assert one.fail().startswith("AccountNotFoundError")
