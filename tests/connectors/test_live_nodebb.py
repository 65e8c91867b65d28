"""The forum connector against a real NodeBB with a real Redis: topics, answers, edits, deletions, closed doors.

`.ci/live nodebb` installs it and names its folder in ``WATCHER_NODEBB``. The version is an old one: the last that a
package registry has.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.errors import AuthenticationError
from connectors.forum import ForumConnector
from connectors.post import Account
from tests.connectors.live import free_port, ready, running, watched

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
_SITE = Path(__file__).parent / "sites" / "nodebb_site.js"
# These two load their pictures from elsewhere.
_LOADING = ("nodebb-plugin-emoji-extended", "nodebb-plugin-emoji-one")


class Site:
    def __init__(self, address: str, seed: str) -> None:
        self.address, self._seed = address, seed
        # Members write as often as they like.
        self.seed("settings", postDelay=0, initialPostDelay=0, newbiePostDelay=0)
        self.member = self.seed("member", name="oakparent")["uid"]

    def seed(self, do: str, **values: Any) -> dict[str, Any]:
        answer = httpx.post(self._seed, json={"do": do, **values}, timeout=60)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def topic(self, title: str, text: str) -> dict[str, Any]:
        return self.seed("topic", uid=self.member, title=title, text=text)

    def reply(self, topic: int, text: str, to: int | None = None) -> str:
        return str(self.seed("reply", uid=self.member, topic=topic, text=text, to=to)["post"])

    def account(self, **changes: Any) -> Account:
        values: dict[str, Any] = {"name": "live", "platform": "forum", "target": self.address}
        return Account(**{**values, "reads": ("posts", "comments"), "allow_private": True, **changes})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    package, node, redis = os.environ.get("WATCHER_NODEBB"), shutil.which("node"), shutil.which("redis-server")
    if not package or not node or not redis or not Path(package, "node_modules").is_dir():
        pytest.skip("NodeBB is not installed: run `. .ci/live nodebb`")
    folder = tmp_path_factory.mktemp("nodebb")
    forum, store, port, seed = folder / "forum", free_port(), free_port(), free_port()
    shutil.copytree(package, forum, ignore=shutil.ignore_patterns("node_modules"))
    (forum / "node_modules").symlink_to(Path(package, "node_modules"))
    (forum / "public" / "uploads" / "sounds").mkdir(parents=True, exist_ok=True)
    shutil.copy(_SITE, forum / "site.js")
    command = [redis, "--port", str(store), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with running(command, log=folder / "redis.log"):
        _set_up(node, forum, port, store)
        log = folder / "log"
        with running([node, "site.js", str(seed)], log=log, cwd=forum) as process:
            address = f"http://127.0.0.1:{port}"
            ready(f"{address}/api/recent", process, log)
            yield Site(address, f"http://127.0.0.1:{seed}/")


def _set_up(node: str, forum: Path, port: int, store: int) -> None:
    admin = {"username": "admin", "password": "not-a-secret-1", "password:confirm": "not-a-secret-1"}
    values = {"url": f"http://127.0.0.1:{port}", "port": port, "secret": "not-a-secret", "database": "redis"}
    values |= {"redis:host": "127.0.0.1", "redis:port": store, "redis:database": 0}
    values |= {f"admin:{name}": value for name, value in {**admin, "email": "admin@example.test"}.items()}
    command = [node, "app.js", f"--setup={json.dumps(values)}"]
    made = subprocess.run(command, cwd=forum, capture_output=True, text=True, timeout=300, check=False)
    assert "Setup Completed" in made.stdout, (made.stdout + made.stderr)[-2000:]
    subprocess.run(["redis-cli", "-p", str(store), "zrem", "plugins:active", *_LOADING], check=True)
    config = forum / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "bind_address": "127.0.0.1"}))


def test_topics_and_answers_are_read_over_restarts_and_nothing_comes_twice(site: Site, tmp_path: Path) -> None:
    with watched(tmp_path, site.account(), ForumConnector()) as one:
        one.poll()
        before = set(one.versions())
        fair = site.topic("The winter fair", "Who can help? See [the list](https://hill.example/a) & *come*")
        first = site.reply(fair["topic"], "I can bring a cake")
        second = site.reply(fair["topic"], "With nuts?", to=int(first))
        gloves = site.topic("Lost gloves", "A red pair")
        many = [site.reply(gloves["topic"], f"Those are not mine {n}") for n in range(60)]
        topics = [str(site.topic(f"Notice number {n}", "Please read this")["post"]) for n in range(25)]
        assert one.poll(restarts=True) == 89
        stored = {id_: versions[-1] for id_, versions in one.versions().items() if id_ not in before}
        assert set(stored) == {str(fair["post"]), str(gloves["post"]), first, second, *many, *topics}
        opener, cake, nuts = stored[str(fair["post"])], stored[first], stored[second]
        assert (opener.kind, opener.text) == ("post", "The winter fair\n\nWho can help? See the list & come")
        assert opener.links == ("https://hill.example/a",)
        assert opener.author is not None
        assert (opener.author.handle, opener.author.id) == ("oakparent", str(site.member))
        assert (cake.kind, cake.reply_to, cake.thread) == ("comment", opener.id, opener.id)
        assert (nuts.kind, nuts.reply_to, nuts.thread) == ("reply", first, opener.id)
        assert httpx.get(opener.url or "", follow_redirects=True, timeout=60).status_code == 200
        assert one.poll() == 0
        late = site.reply(gloves["topic"], "Found them")
        assert one.poll(restarts=True) == 1
        assert late in one.versions()
        assert one.nothing_came_twice()
        assert one.store.accounts.gaps(one.now.replace(year=2000)) == ()
        assert one.store.accounts.oddities() == {}


def test_what_is_written_while_a_backlog_is_read_is_not_lost(site: Site, tmp_path: Path) -> None:
    with watched(tmp_path, site.account(), ForumConnector()) as one:
        one.poll()
        before = set(one.versions())
        long = site.topic("Sports day", "Bring a hat")
        written = [str(long["post"]), *(site.reply(long["topic"], f"Reply number {n}") for n in range(45))]
        rounds = iter(range(3))

        def more() -> None:
            if next(rounds, None) is not None:
                written.append(site.reply(long["topic"], "One more reply"))
                written.append(str(site.topic("A new topic", "Said in between")["post"]))

        one.poll(restarts=True, between=more)
        one.poll()
        assert set(one.versions()) - before == set(written)
        assert one.nothing_came_twice()


def test_edits_become_versions_and_deleted_posts_are_gone(site: Site, tmp_path: Path) -> None:
    with watched(tmp_path, site.account(), ForumConnector()) as one:
        club = site.topic("Chess club", "On Mondays in the hall")
        answers = [site.reply(club["topic"], f"Answer number {n}") for n in range(3)]
        closed = site.topic("Closed topic", "Soon to be deleted")
        one.poll()
        site.seed("edit", uid=site.member, post=club["post"], text="On Tuesdays in the hall")
        site.seed("remove", post=int(answers[0]))
        site.seed("purge", post=int(answers[1]))
        site.seed("remove_topic", topic=closed["topic"])
        gone = one.check_again()
        assert gone == {answers[0], answers[1], str(closed["post"])}
        texts = [version.text for version in one.versions()[str(club["post"])]]
        assert texts == ["Chess club\n\nOn Mondays in the hall", "Chess club\n\nOn Tuesdays in the hall"]
        edited = one.versions()[str(club["post"])][-1]
        assert edited.edited_at is not None


def test_a_pinned_topic_hides_nothing(site: Site, tmp_path: Path) -> None:
    rules = site.topic("The rules", "Be kind to others")
    site.seed("pin", topic=rules["topic"])
    with watched(tmp_path, site.account(), ForumConnector()) as one:
        one.poll()
        assert str(rules["post"]) in one.versions()
        new = site.topic("After the rules", "Is this read?")
        assert one.poll() == 1
        assert str(new["post"]) in one.versions()


def test_a_search_keeps_what_holds_the_words(site: Site, tmp_path: Path) -> None:
    hit = site.topic("Alderbrook bus", "It was late again")
    site.topic("Another bus", "It was on time")
    account = site.account(target=f"{site.address}/search?term=alderbrook&in=titlesposts", reads=("search",))
    with watched(tmp_path, account, ForumConnector()) as one:
        one.poll()
        assert set(one.versions()) == {str(hit["post"])}


def test_a_forum_that_closes_to_visitors_is_told_from_silence_and_from_deletion(site: Site, tmp_path: Path) -> None:
    with watched(tmp_path, site.account(), ForumConnector()) as one:
        one.poll()
        site.seed("guests", read=False)
        try:
            with pytest.raises(AuthenticationError, match="members only"):
                one.recheck()
            assert one.fail().startswith("AuthenticationError")
        finally:
            site.seed("guests", read=True)
        one.poll()
        assert None not in one.recheck().values()


def test_an_address_without_a_forum(site: Site, tmp_path: Path) -> None:
    with watched(tmp_path, site.account(target=f"{site.address}/elsewhere"), ForumConnector()) as one:
        assert one.fail().startswith("AccountNotFoundError")
