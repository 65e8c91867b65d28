"""The Bluesky connector against a real network: directory, data server and app view, with PostgreSQL and Redis.

`.ci/live bluesky` installs @atproto/dev-env with Node 22 and names both in ``WATCHER_BLUESKY_MODULES`` and
``WATCHER_NODE``.
"""

from __future__ import annotations

import base64
import itertools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
_POST = "app.bsky.feed.post"
_NUMBERS = itertools.count(1)
_PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)


class Network:
    """The network, spoken to as its users' programs do; everybody has an account and a session."""

    def __init__(self, pds: str, view: str) -> None:
        self.pds, self.view = pds, view
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

    def join(self, name: str) -> str:
        """A new account, with a number to its name, as the tests share the network."""
        handle = f"{name}{next(_NUMBERS)}.test"
        body = {"handle": handle, "email": f"{handle}@example.test", "password": _PASSWORD}
        self._sessions[handle] = self.call("com.atproto.server.createAccount", **body)
        until(lambda: "did" in self.ask("app.bsky.actor.getProfile", handle, actor=handle))
        return handle

    def did(self, who: str) -> str:
        return self._sessions[who]["did"]

    def app_password(self, who: str) -> str:
        return str(self.call("com.atproto.server.createAppPassword", who, name=f"watcher{time.time_ns()}")["password"])

    def make(self, who: str, kind: str, **fields: Any) -> dict[str, str]:
        """A new record of a kind, such as a block."""
        record = {"$type": kind, "createdAt": _now(), **fields}
        made = self.call("com.atproto.repo.createRecord", who, repo=self.did(who), collection=kind, record=record)
        return {"uri": made["uri"], "cid": made["cid"]}

    def post(self, who: str, text: str, **fields: Any) -> dict[str, str]:
        return self.make(who, _POST, text=text, **fields)

    def reply(self, who: str, text: str, root: dict[str, str], parent: dict[str, str]) -> dict[str, str]:
        return self.post(who, text, reply={"root": root, "parent": parent})

    def quote(self, who: str, text: str, quoted: dict[str, str]) -> dict[str, str]:
        return self.post(who, text, embed={"$type": "app.bsky.embed.record", "record": quoted})

    def mention(self, who: str, whom: str, text: str) -> dict[str, str]:
        """A post that begins with the handle of an account, and names it."""
        feature = {"$type": "app.bsky.richtext.facet#mention", "did": self.did(whom)}
        index = {"byteStart": 0, "byteEnd": len(whom) + 1}
        return self.post(who, f"@{whom} {text}", facets=[{"index": index, "features": [feature]}])

    def picture(self, who: str) -> dict[str, Any]:
        """An uploaded picture, as records refer to it."""
        headers = {"authorization": f"Bearer {self._sessions[who]['accessJwt']}", "content-type": "image/png"}
        answer = httpx.post(f"{self.pds}/xrpc/com.atproto.repo.uploadBlob", content=_PNG, headers=headers, timeout=60)
        return dict(answer.raise_for_status().json()["blob"])

    def edit(self, who: str, post: dict[str, str], text: str, **fields: Any) -> None:
        """Write a record anew, as programs may, though Bluesky's own app does not."""
        record = {"$type": _POST, "text": text, "createdAt": _now(), **fields}
        rkey = post["uri"].rsplit("/", 1)[1]
        self.call("com.atproto.repo.putRecord", who, repo=self.did(who), collection=_POST, rkey=rkey, record=record)

    def delete(self, who: str, post: dict[str, str]) -> None:
        rkey, kind = post["uri"].rsplit("/", 1)[1], post["uri"].rsplit("/", 2)[1]
        self.call("com.atproto.repo.deleteRecord", who, repo=self.did(who), collection=kind, rkey=rkey)

    def shown(self, post: dict[str, str], who: str) -> dict[str, Any] | None:
        """A post as the app view shows it."""
        found = self.ask("app.bsky.feed.getPosts", who, uris=post["uri"]).get("posts")
        return dict(found[0]) if found else None

    def is_shown(self, post: dict[str, str], who: str) -> bool:
        return self.shown(post, who) is not None

    def account(self, who: str, **changes: Any) -> Account:
        values: dict[str, Any] = {"name": "live", "platform": "bluesky", "target": f"@{who}", "official": True}
        values |= {"token": self.app_password(who), "base_url": self.pds, "allow_private": True}
        return Account(**{**values, **changes})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def until(true: Callable[[], object]) -> None:
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
            yield Network(pds, f"http://localhost:{ports[2]}")


@dataclass(frozen=True, kw_only=True)
class People:
    """A school and a parent, new in every test."""

    school: str
    parent: str


@pytest.fixture
def people(network: Network) -> People:
    return People(school=network.join("hillcrest"), parent=network.join("oakparent"))


def test_posts_replies_quotes_and_mentions_are_read_over_restarts(
    network: Network, people: People, tmp_path: Path
) -> None:
    school, parent = people.school, people.parent
    first = network.post(school, "The winter fair opens at nine")
    posts = [first, *(network.post(school, f"Notice {n}") for n in range(23))]
    reply = network.reply(parent, "Is there parking?", first, first)
    answer = network.reply(school, "Behind the hall", first, reply)
    quote = network.quote(parent, "See you there", first)
    mention = network.mention(parent, school, "thank you")
    until(lambda: network.is_shown(mention, school))
    account = network.account(school, reads=("posts", "comments", "mentions"))
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
        assert parking.author.handle == parent
        assert one.poll() == 0
        late = network.reply(parent, "And for prams?", first, answer)
        new = network.post(school, "Snow: closed today")
        until(lambda: network.is_shown(new, school) and network.is_shown(late, school))
        assert one.poll(restarts=True) == 2
        assert {late["uri"], new["uri"]} <= set(one.versions())
        assert one.nothing_came_twice()
        assert one.store.accounts.gaps(one.now.replace(year=2000)) == ()
        assert one.store.accounts.oddities() == {}


def test_a_backlog_is_drained_while_more_is_written(network: Network, people: People, tmp_path: Path) -> None:
    school, parent = people.school, people.parent
    opener = network.post(school, "Sports day is on Friday")
    until(lambda: network.is_shown(opener, school))
    account = network.account(school, reads=("posts", "comments", "mentions"))
    with watched(tmp_path, account, BlueskyConnector(page_size=10)) as one:
        assert one.poll() == 1
        written = [network.post(school, f"Race {n}") for n in range(25)]
        written += [network.mention(parent, school, f"question {n}") for n in range(25)]
        written += [network.reply(parent, f"Reply {n}", opener, opener) for n in range(25)]
        written += [network.quote(parent, f"Quote {n}", opener) for n in range(25)]
        until(lambda: network.is_shown(written[-1], school))
        pages = itertools.count(1)

        def more() -> None:
            if next(pages) <= 5:
                written.append(network.post(school, f"Later {len(written)}"))
                written.append(network.mention(parent, school, f"later {len(written)}"))
                written.append(network.reply(parent, f"Later {len(written)}", opener, opener))
                until(lambda: network.is_shown(written[-1], school))

        one.poll(restarts=True, between=more)
        one.poll(restarts=True)
        assert set(one.versions()) == {opener["uri"], *(post["uri"] for post in written)}
        assert one.nothing_came_twice()
        assert one.poll() == 0
        assert one.store.accounts.gaps(one.now.replace(year=2000)) == ()


def test_a_deep_thread_is_read_to_its_end(network: Network, people: People, tmp_path: Path) -> None:
    school, parent = people.school, people.parent
    opener = network.post(school, "Where is the lost property?")
    chain = [opener]
    for n in range(24):
        chain.append(network.reply((parent, school)[n % 2], f"Level {n}", opener, chain[-1]))
    until(lambda: network.is_shown(chain[-1], school))
    with watched(tmp_path, network.account(school, reads=("comments",)), BlueskyConnector()) as one:
        one.poll()
        assert {post["uri"] for post in chain[1:]} == set(one.versions())
        stored = one.versions()[chain[-1]["uri"]][0]
        assert (stored.reply_to, stored.thread) == (chain[-2]["uri"], opener["uri"])


def test_what_is_deleted_is_known_as_gone(network: Network, people: People, tmp_path: Path) -> None:
    school, parent = people.school, people.parent
    kept, lost = network.post(school, "Kept"), network.post(school, "Lost")
    reply = network.reply(parent, "Also lost", kept, kept)
    until(lambda: network.is_shown(reply, school))
    account = network.account(school, reads=("posts", "comments"))
    with watched(tmp_path, account, BlueskyConnector()) as one:
        assert one.poll() == 3
        assert one.check_again() == set()
        network.delete(school, lost)
        network.delete(parent, reply)
        until(lambda: not network.is_shown(lost, school) and not network.is_shown(reply, school))
        assert one.check_again() == {lost["uri"], reply["uri"]}
        assert one.recheck()[kept["uri"]] is not None
        assert one.poll() == 0


def test_a_post_that_is_written_anew_becomes_a_version(network: Network, people: People, tmp_path: Path) -> None:
    school, parent = people.school, people.parent
    post = network.post(school, "The fair opens at nine")
    reply = network.reply(parent, "See you there", post, post)
    until(lambda: network.is_shown(reply, school))
    account = network.account(school, reads=("posts", "comments", "mentions"))
    with watched(tmp_path, account, BlueskyConnector()) as one:
        assert one.poll() == 2
        network.edit(school, post, "The fair opens at ten")
        link = {"root": post, "parent": post}
        network.edit(parent, reply, "I cannot come", reply=link)
        until(lambda: "cannot" in str(network.shown(reply, school)))
        one.check_again()
        assert [version.text for version in one.versions()[post["uri"]]] == [
            "The fair opens at nine",
            "The fair opens at ten",
        ]
        assert [version.text for version in one.versions()[reply["uri"]]] == ["See you there", "I cannot come"]
        one.poll()
        assert sum(map(len, one.versions().values())) == 4


def test_pictures_links_and_languages_are_read_as_they_were_posted(
    network: Network, people: People, tmp_path: Path
) -> None:
    school = people.school
    text = "Größe zählt 🎪 hillcrest.example/fa..."
    start = text.encode().index(b"hillcrest.")
    link = {"$type": "app.bsky.richtext.facet#link", "uri": "https://hillcrest.example/fair/2026"}
    facet = {"index": {"byteStart": start, "byteEnd": len(text.encode())}, "features": [link]}
    images = {
        "$type": "app.bsky.embed.images",
        "images": [{"alt": "A tent before a school", "image": network.picture(school)}],
    }
    made = network.post(school, text, langs=["de", "en"], facets=[facet], embed=images)
    until(lambda: network.is_shown(made, school))
    with watched(tmp_path, network.account(school), BlueskyConnector()) as one:
        one.poll()
        post = one.versions()[made["uri"]][0]
        assert (post.text, post.language, post.links) == (text, "de", ("https://hillcrest.example/fair/2026",))
        assert [(image.kind, image.alt) for image in post.media] == [("image", "A tent before a school")]
        assert (post.media[0].url or "").startswith(("http://", "https://"))
        assert post.created_at is not None
        assert abs(post.created_at - datetime.now(UTC)) < timedelta(minutes=10)


def test_reposts_are_read_once_and_are_not_the_original(network: Network, people: People, tmp_path: Path) -> None:
    school, parent = people.school, people.parent
    original = network.post(parent, "The choir was lovely")
    own = network.post(school, "The choir sings at six")
    for post in (original, own):
        repost = network.make(school, "app.bsky.feed.repost", subject=post)
    until(lambda: network.ask("app.bsky.feed.getRepostedBy", school, uri=own["uri"]).get("repostedBy"))
    with watched(tmp_path, network.account(school), BlueskyConnector()) as one:
        one.poll()
        texts = sorted(versions[-1].text for versions in one.versions().values())
        assert texts == [f"RT @{parent}: The choir was lovely", "The choir sings at six"]
        assert repost["uri"] not in one.versions()
        assert one.poll() == 0
        assert one.check_again() == set()


def test_a_search_brings_what_holds_the_words(network: Network, people: People, tmp_path: Path) -> None:
    school, parent = people.school, people.parent
    hits = [network.post(parent, f"The Alderbrook bus is late {n}") for n in range(23)]
    network.post(parent, "The train is not")
    until(lambda: network.is_shown(hits[-1], parent))
    token = f"{school}:{network.app_password(school)}"
    account = network.account(school, target="Alderbrook bus", reads=("search",), token=token, official=False)
    with watched(tmp_path, account, BlueskyConnector(page_size=10)) as one:
        one.poll(restarts=True)
        assert set(one.versions()) == {hit["uri"] for hit in hits}
        late = network.post(parent, "No Alderbrook bus at all")
        until(lambda: network.is_shown(late, parent))
        assert one.poll() == 1
        assert one.poll() == 0
        assert one.nothing_came_twice()


def test_a_search_for_a_tag_or_a_handle_keeps_only_what_bears_it(
    network: Network, people: People, tmp_path: Path
) -> None:
    school, parent = people.school, people.parent
    tagged = network.post(parent, "Wet again #alderweek")
    longer = network.post(parent, "Dry again #alderweekend")
    named = network.mention(parent, school, "is the gate open?")
    network.post(parent, f"write to office@{school}.example")
    last = network.post(parent, "alderweek without a sign")
    until(lambda: network.is_shown(last, parent))
    token = f"{school}:{network.app_password(school)}"
    changes = {"reads": ("search",), "token": token, "official": False}
    for name, target, hits in (("tag", "#alderweek", {tagged["uri"]}), ("handle", f"@{school}", {named["uri"]})):
        with watched(tmp_path, network.account(school, name=name, target=target, **changes), BlueskyConnector()) as one:
            one.poll()
            assert set(one.versions()) == hits
    assert longer["uri"] not in hits


def test_without_a_login_posts_replies_quotes_and_finds_are_read_and_mentions_are_not(
    network: Network, people: People, tmp_path: Path
) -> None:
    school, parent = people.school, people.parent
    post = network.post(school, "Term begins on the fourth of Birchmonth")
    reply, quote = network.reply(parent, "So early?", post, post), network.quote(parent, "Look", post)
    until(lambda: network.is_shown(quote, parent))
    open_ = {"token": None, "base_url": network.view}
    account = network.account(school, reads=("posts", "comments"), **open_)
    with watched(tmp_path, account, BlueskyConnector()) as one:
        one.poll()
        assert set(one.versions()) == {post["uri"], reply["uri"], quote["uri"]}
        network.delete(parent, reply)
        until(lambda: not network.is_shown(reply, parent))
        assert one.check_again() == {reply["uri"]}
    search = network.account(school, name="search", target="Birchmonth", reads=("search",), official=False, **open_)
    with watched(tmp_path, search, BlueskyConnector()) as one:
        one.poll()
        assert set(one.versions()) == {post["uri"]}
    mentions = network.account(school, name="mentions", reads=("mentions",), **open_)
    with watched(tmp_path, mentions, BlueskyConnector()) as one:
        assert one.fail().startswith("AuthenticationError: mentions are read with the account's own app password")


def test_history_is_filled_by_its_times(network: Network, people: People, tmp_path: Path) -> None:
    school = people.school
    first, second, third = (
        network.post(school, f"Notice of {day}", createdAt=f"2026-03-0{day}T09:00:00.000Z") for day in (1, 2, 3)
    )
    until(lambda: network.is_shown(third, school))
    span = datetime(2026, 3, 2, tzinfo=UTC), datetime(2026, 3, 3, tzinfo=UTC)
    found, cursor = [], None
    for _ in range(10):
        page = BlueskyConnector(page_size=1).backfill(network.account(school), *span, cursor)
        found += [post.id for post in page.posts]
        cursor = page.cursor
        if not page.more:
            break
    assert found == [second["uri"]]
    assert first["uri"] != third["uri"]


def test_a_block_is_no_deletion(network: Network, people: People, tmp_path: Path) -> None:
    school, parent = people.school, people.parent
    post = network.post(school, "A notice")
    reply = network.reply(parent, "A reply", post, post)
    until(lambda: network.is_shown(reply, school))
    with watched(tmp_path, network.account(school, reads=("posts", "comments")), BlueskyConnector()) as one:
        assert one.poll() == 2
        network.make(parent, "app.bsky.graph.block", subject=network.did(school))
        profile = "app.bsky.actor.getProfile"
        until(lambda: network.ask(profile, school, actor=parent).get("viewer", {}).get("blockedBy"))
        assert one.check_again() == set()
        assert one.poll() == 0
        # The app view leaves such a reply out of the thread without a word, so that no gap can be told.
        assert network.ask("app.bsky.feed.getPostThread", school, uri=post["uri"])["thread"]["replies"] == []


def test_a_new_handle_is_the_same_account_and_a_closed_one_is_told(
    network: Network, people: People, tmp_path: Path
) -> None:
    school = people.school
    reader = network.join("reader")
    post = network.post(school, "Before")
    until(lambda: network.is_shown(post, school))
    account = network.account(school, token=f"{reader}:{network.app_password(reader)}")
    with watched(tmp_path, account, BlueskyConnector()) as one:
        assert one.poll() == 1
        network.call("com.atproto.identity.updateHandle", school, handle=f"new-{school}")
        after = network.post(school, "After")
        until(lambda: f"new-{school}" in str(network.shown(after, reader)))
        assert one.poll() == 1
        assert {versions[-1].author.handle for versions in one.versions().values() if versions[-1].author} >= {
            f"new-{school}"
        }
        network.call("com.atproto.server.deactivateAccount", school)
        until(lambda: not network.is_shown(after, reader))
        assert one.fail().startswith("AccountNotFoundError")
        assert set(one.recheck().values()) == {None}


def test_a_profile_tells_whose_account_it_is(network: Network, people: People) -> None:
    rkey, kind = "self", "app.bsky.actor.profile"
    record = {"$type": kind, "displayName": "Hillcrest Primary", "description": "In Oakfield"}
    did, school = network.did(people.school), people.school
    network.call("com.atproto.repo.putRecord", school, repo=did, collection=kind, rkey=rkey, record=record)
    until(lambda: network.ask("app.bsky.actor.getProfile", school, actor=school).get("displayName"))
    profile = BlueskyConnector().profile(network.account(school))
    assert (profile.handle, profile.name, profile.about) == (school, "Hillcrest Primary", "In Oakfield")


def test_wrong_passwords_and_unknown_accounts_are_told_apart(network: Network, people: People, tmp_path: Path) -> None:
    school, parent = people.school, people.parent
    wrong = network.account(school, name="wrong", token="abcd-abcd-abcd-abcd", reads=("mentions",))
    with watched(tmp_path, wrong, BlueskyConnector()) as one:
        said = one.fail()
        assert said.startswith("AuthenticationError")
        assert "abcd" not in said
    token = f"{school}:{network.app_password(school)}"
    unknown = network.account(school, name="none", target="@nobody.test", token=token)
    with watched(tmp_path, unknown, BlueskyConnector()) as one:
        assert one.fail().startswith("AccountNotFoundError")
    others = network.account(parent, name="others", token=token, reads=("mentions",))
    with watched(tmp_path, others, BlueskyConnector()) as one:
        assert "only the target's own app password" in one.fail()
