"""The forum connector against a real Misago with a real PostgreSQL: topics, answers, edits, deletions, restarts.

Misago is found by ``WATCHER_MISAGO_PYTHON``, the Python of an environment that it is installed in (`.ci/live` makes
one); its dependencies are not ours.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.forum import ForumConnector
from connectors.post import Account
from tests.connectors.live import free_port, ready, running, watched
from tests.watcher.conftest import cluster

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
_SITE = Path(__file__).parent / "sites" / "misago_site.py"


class Site:
    def __init__(self, address: str) -> None:
        self.address = address

    def seed(self, do: str, **values: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self.address}/seed/", json={"do": do, **values}, timeout=60)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def account(self, **changes: Any) -> Account:
        values: dict[str, Any] = {"name": "live", "platform": "forum", "target": self.address}
        return Account(**{**values, "reads": ("posts", "comments"), "allow_private": True, **changes})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    python = os.environ.get("WATCHER_MISAGO_PYTHON")
    if not python or not shutil.which(python):
        pytest.skip("Misago is not installed: run .ci/live, or name its Python in WATCHER_MISAGO_PYTHON")
    folder = tmp_path_factory.mktemp("misago")
    for parent in (folder, *folder.parents):
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)  # PostgreSQL's user must reach its folder
    base = folder / "postgres"
    base.mkdir()
    with cluster(base) as address:
        port, log = free_port(), folder / "log"
        env = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "SITE_DB_USER": "watcher",
            "SITE_DB_PORT": address.rpartition(":")[2],
            "SITE_MEDIA": str(folder),
        }
        with running([python, str(_SITE), str(port)], log=log, env=env) as process:
            yield Site(ready(f"http://127.0.0.1:{port}/api/threads/", process, log).removesuffix("/api/threads/"))


def test_topics_and_answers_are_read_over_restarts_and_nothing_comes_twice(site: Site, tmp_path: Path) -> None:
    with watched(tmp_path, site.account(), ForumConnector()) as one:
        one.poll()
        before = set(one.versions())
        made = site.seed("thread", title="The winter fair", text='Who can help? <a href="https://hill.example/a">A</a>')
        answers = [site.seed("reply", thread=made["thread"], text=f"Answer {n}") for n in range(3)]
        long = site.seed("thread", title="Lost gloves", text="A red pair")
        many = site.seed("many", thread=long["thread"], texts=[f"Not mine {n}" for n in range(60)])
        assert one.poll(restarts=True) == 65
        stored = {id_: versions[-1] for id_, versions in one.versions().items() if id_ not in before}
        assert set(stored) == {
            *map(str, (made["post"], long["post"], *many["posts"], *(answer["post"] for answer in answers)))
        }
        fair, answer = stored[str(made["post"])], stored[str(answers[0]["post"])]
        assert (fair.kind, fair.text) == ("post", "The winter fair\n\nWho can help? A")
        assert fair.links == ("https://hill.example/a",)
        assert fair.author is not None
        assert fair.author.handle == "oak_parent"
        assert fair.created_at is not None
        assert (answer.kind, answer.text, answer.reply_to, answer.thread) == ("comment", "Answer 0", fair.id, fair.id)
        shown = httpx.get(str(answer.url), timeout=60)
        assert (shown.status_code, "#post-" in shown.headers["location"]) == (302, True)

        late = site.seed("reply", thread=long["thread"], text="Found them, thank you")
        new = site.seed("thread", title="Parking", text="On the yellow lines again")
        assert one.poll(restarts=True) == 2
        assert {str(late["post"]), str(new["post"])} <= set(one.versions())
        assert one.poll() == 0
        assert one.nothing_came_twice()
        assert one.store.accounts.gaps(one.now.replace(year=2000)) == ()
        assert one.store.accounts.oddities() == {}


def test_an_edit_becomes_a_version_and_what_is_deleted_is_known_as_gone(site: Site, tmp_path: Path) -> None:
    made = site.seed("thread", title="Homework", text="Too much of it")
    kept, hidden, deleted = (site.seed("reply", thread=made["thread"], text=f"Words {n}") for n in range(3))
    lost = site.seed("thread", title="A mistake", text="Wrong forum")
    with watched(tmp_path, site.account(), ForumConnector()) as one:
        one.poll()
        site.seed("edit", post=kept["post"], text="Better words")
        site.seed("hide", post=hidden["post"])
        site.seed("delete", post=deleted["post"])
        site.seed("delete_thread", thread=lost["thread"])
        # What the last pages show of an edit comes with the next answer in its topic; all others by a check.
        site.seed("reply", thread=made["thread"], text="The last word")
        one.poll()
        versions = one.versions()[str(kept["post"])]
        assert [post.text for post in versions] == ["Words 0", "Better words"]
        assert versions[1].edited_at is not None
        now = one.recheck()
        assert now[str(made["post"])] is not None
        assert {now[str(gone["post"])] for gone in (hidden, deleted, lost)} == {None}
        again = now[str(kept["post"])]
        assert again is not None
        assert again.content_digest == versions[1].content_digest


def test_a_search_brings_what_holds_the_words(site: Site, tmp_path: Path) -> None:
    made = site.seed("thread", title="Alderbrook gates", text="Always shut")
    answer = site.seed("reply", thread=made["thread"], text="Not in the morning")
    site.seed("thread", title="Buses", text="Late")
    other = site.seed("thread", title="Cakes", text="As sold at ALDERBROOK on Friday")
    account = site.account(target=f"{site.address}/search/threads/?q=alderbrook", reads=("search",))
    with watched(tmp_path, account, ForumConnector()) as one:
        one.poll()
        assert set(one.versions()) == {str(made["post"]), str(answer["post"]), str(other["post"])}


def test_an_address_without_a_forum_is_said_to_have_none(site: Site, tmp_path: Path) -> None:
    with watched(tmp_path, site.account(target=f"{site.address}/elsewhere"), ForumConnector()) as one:
        assert one.fail().startswith("AccountNotFoundError: the forum answers neither as Discourse")
