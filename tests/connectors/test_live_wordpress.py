"""The WordPress connector against a real WordPress on a real MariaDB: posts, comments, edits, 304, closed doors.

It needs Debian's packages `wordpress`, `mariadb-server`, `php-cli` and `php-mysql` (`.ci/live` installs them).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.post import Account
from connectors.rss import RssConnector
from connectors.wordpress import WordpressConnector
from tests.connectors.live import START_S, free_port, ready, running, watched

pytestmark = [pytest.mark.live, pytest.mark.timeout(900)]
_SITE = Path(__file__).parent / "sites" / "wordpress_site.php"
_SHIPPED = Path("/usr/share/wordpress")
_CONFIG = """<?php
define('DB_NAME', 'site'); define('DB_USER', 'root'); define('DB_PASSWORD', ''); define('DB_HOST', '127.0.0.1:{db}');
define('DB_CHARSET', 'utf8mb4'); define('DB_COLLATE', ''); $table_prefix = 'wp_';
define('WP_HOME', '{address}'); define('WP_SITEURL', '{address}'); define('WP_ENVIRONMENT_TYPE', 'local');
define('WP_HTTP_BLOCK_EXTERNAL', true); define('DISABLE_WP_CRON', true); define('AUTOMATIC_UPDATER_DISABLED', true);
{salts}
if (!defined('ABSPATH')) {{ define('ABSPATH', __DIR__ . '/'); }}
require_once ABSPATH . 'wp-settings.php';
"""
_SALTS = ("AUTH_KEY", "SECURE_AUTH_KEY", "LOGGED_IN_KEY", "NONCE_KEY")
_CLOSED = """<?php
add_filter('rest_authentication_errors', function ($error) {
    $closed = get_option('closed') && !is_user_logged_in();
    return $closed ? new WP_Error('rest_not_logged_in', 'Members only', array('status' => 401)) : $error;
});
"""


class Site:
    def __init__(self, address: str, log: Path) -> None:
        self.address, self._log = address, log

    def seed(self, do: str, **values: Any) -> dict[str, Any]:
        answer = httpx.post(f"{self.address}/seed/", json={"do": do, **values}, timeout=120)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def write(self, *titles: str, content: str = "<p>Invented</p>", ago: int = 3600) -> list[str]:
        return [str(id_) for id_ in self.seed("posts", titles=titles, content=content, ago=ago)["posts"]]

    def answers(self, status: int) -> int:
        """How often the site answered so, by its own log."""
        return len(re.findall(rf"(?m)^{status} GET ", self._log.read_text(errors="replace")))

    def account(self, **changes: Any) -> Account:
        values: dict[str, Any] = {"name": "live", "platform": "wordpress", "target": self.address}
        return Account(**{**values, "reads": ("posts", "comments"), "allow_private": True, **changes})

    @contextlib.contextmanager
    def option(self, name: str, value: str, after: str) -> Iterator[None]:
        self.seed("option", name=name, value=value)
        try:
            yield
        finally:
            self.seed("option", name=name, value=after)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    programs = {name: shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") for name in ("php", "mariadbd")}
    if None in programs.values() or not _SHIPPED.is_dir() or not shutil.which("mariadb-install-db"):
        pytest.skip("WordPress, MariaDB or PHP is not installed: run .ci/live")
    folder = tmp_path_factory.mktemp("wordpress")
    with _database(str(programs["mariadbd"]), folder) as db:
        port, log = free_port(), folder / "php.log"
        address, root = f"http://127.0.0.1:{port}", folder / "site"
        shutil.copytree(_SHIPPED, root, ignore=shutil.ignore_patterns("wp-config.php"))
        salts = "".join(f"define('{name}', 'invented {name}');" for name in _SALTS)
        (root / "wp-config.php").write_text(_CONFIG.format(db=db, address=address, salts=salts))
        (root / "wp-content" / "mu-plugins").mkdir(exist_ok=True)
        (root / "wp-content" / "mu-plugins" / "closed.php").write_text(_CLOSED)
        env = {
            "PATH": os.environ["PATH"],
            "SITE_ROOT": str(root),
            "SITE_LOG": str(folder / "asked.log"),
            "PHP_CLI_SERVER_WORKERS": "3",
        }
        php = [str(programs["php"]), "-d", "display_errors=0"]
        subprocess.run(
            [*php, str(_SITE), "install", address], env=env, check=True, capture_output=True, timeout=START_S
        )
        command = [*php, "-S", f"127.0.0.1:{port}", "-t", str(root), str(_SITE)]
        with running(command, log=log, env=env) as process:
            ready(f"{address}/wp-json/", process, log)
            yield Site(address, folder / "asked.log")


@contextlib.contextmanager
def _database(program: str, folder: Path) -> Iterator[int]:
    data, log, port = folder / "data", folder / "mariadb.log", free_port()
    user = ["--user=root"] if os.geteuid() == 0 else []
    make = [
        "mariadb-install-db",
        "--no-defaults",
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
        *user,
    ]
    subprocess.run(make, check=True, capture_output=True, timeout=START_S)
    socket = folder / "s"
    command = [program, "--no-defaults", *user, f"--datadir={data}", f"--socket={socket}", f"--port={port}"]
    command += ["--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"]
    with running(command, log=log) as process:
        create = [
            "mariadb",
            "--no-defaults",
            "-uroot",
            f"--socket={socket}",
            "-e",
            "CREATE DATABASE IF NOT EXISTS site",
        ]
        until = time.monotonic() + START_S
        while subprocess.run(create, capture_output=True, check=False).returncode:
            assert process.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < until, "MariaDB did not start"
            time.sleep(0.3)
        yield port


def test_a_site_is_read_to_its_end_over_restarts_and_nothing_comes_twice(site: Site, tmp_path: Path) -> None:
    numbers = site.write(*[f"Notice {n}" for n in range(23)])
    comments = site.seed("comments", post=numbers[0], texts=[f"Comment {n}" for n in range(12)])["comments"]
    (reply,) = site.seed("comments", post=numbers[0], parent=comments[3], texts=["Quite so"])["comments"]
    with watched(tmp_path, site.account(), WordpressConnector(page_size=5)) as one:
        one.poll(restarts=True)
        stored = {id_: versions[-1] for id_, versions in one.versions().items()}
        assert {*numbers, *(f"comment-{n}" for n in (*comments, reply))} <= set(stored)
        answer = stored[f"comment-{reply}"]
        assert (answer.kind, answer.reply_to, answer.thread) == ("reply", f"comment-{comments[3]}", numbers[0])
        assert stored[numbers[1]].text == "Notice 1\n\nInvented"
        assert str(stored[numbers[1]].url).startswith(f"{site.address}/notice-1")

        new = site.write("Snow", content='<p>Closed. <a href="https://hill.example/snow">More</a></p>', ago=60)
        (late,) = site.seed("comments", post=new[0], texts=["Thank you"])["comments"]
        assert one.poll(restarts=True) == 2
        snow = one.versions()[new[0]][-1]
        assert (snow.text, snow.links) == ("Snow\n\nClosed. More", ("https://hill.example/snow",))
        assert f"comment-{late}" in one.versions()
        assert one.poll() == 0
        assert one.nothing_came_twice()
        assert one.store.accounts.gaps(one.now.replace(year=2000)) == ()
        assert one.store.accounts.oddities() == {}


def test_an_edit_becomes_a_version_and_what_is_deleted_is_known_as_gone(site: Site, tmp_path: Path) -> None:
    kept, trashed = site.write("Term dates", "A mistake")
    first, second = site.seed("comments", post=kept, texts=["Really?", "Rude words"])["comments"]
    with watched(tmp_path, site.account(), WordpressConnector(page_size=20)) as one:
        one.poll()
        time.sleep(1.1)  # WordPress counts changes by the second
        site.seed("edit", post=kept, content="<p>Term ends on Thursday</p>")
        site.seed("trash", post=trashed)
        site.seed("delete_comment", comment=second)
        assert one.poll() == 1
        versions = one.versions()[kept]
        assert [post.text for post in versions] == ["Term dates\n\nInvented", "Term dates\n\nTerm ends on Thursday"]
        assert versions[1].edited_at is not None
        now = one.recheck()
        assert (now[trashed], now[f"comment-{second}"]) == (None, None)
        same = now[kept]
        assert same is not None
        assert same.content_digest == versions[1].content_digest
        assert now[f"comment-{first}"] is not None


def test_a_comment_that_is_let_through_late_is_read(site: Site, tmp_path: Path) -> None:
    (post,) = site.write("Uniform")
    (held,) = site.seed("comments", post=post, texts=["Held back"], approved=0)["comments"]
    shown = site.seed("comments", post=post, texts=["Too dear", "Too blue"])["comments"]
    with watched(tmp_path, site.account(reads=("comments",)), WordpressConnector(page_size=20)) as one:
        one.poll()
        assert f"comment-{held}" not in one.versions()
        assert {f"comment-{n}" for n in shown} <= set(one.versions())
        site.seed("approve", comment=held)
        assert one.poll() == 1
        assert f"comment-{held}" in one.versions()


def test_what_has_not_changed_is_answered_by_304(site: Site, tmp_path: Path) -> None:
    """WordPress itself marks its feeds only; a proxy or plug-in in front of it may mark its REST answers, too."""
    site.write("Netball", "Choir")
    account = site.account(platform="rss", target=f"{site.address}/feed/", reads=("posts",))
    with watched(tmp_path, account, RssConnector()) as one:
        assert one.poll() >= 2
        before = site.answers(304)
        assert one.poll() == 0
        assert site.answers(304) == before + 1
        time.sleep(1.1)
        site.seed("posts", titles=["Chess"], content="<p>On Monday</p>", ago=0)
        assert one.poll() >= 1
        assert "Chess" in "".join(post.text for versions in one.versions().values() for post in versions)


def test_a_site_for_its_members_wants_a_password_and_takes_the_right_one(site: Site, tmp_path: Path) -> None:
    (post,) = site.write("Within these walls")
    with site.option("closed", "1", ""):
        with watched(tmp_path, site.account(name="none"), WordpressConnector()) as one:
            assert "AuthenticationError: the WordPress site refused access (HTTP 401)" in one.fail()
        with watched(tmp_path, site.account(name="wrong", token="office:wrong wrong"), WordpressConnector()) as one:
            said = one.fail()
            assert "AuthenticationError" in said
            assert "wrong wrong" not in said
        right = site.seed("password")["password"]
        with watched(tmp_path, site.account(name="right", token=f"office:{right}"), WordpressConnector()) as one:
            one.poll()
            assert post in one.versions()


def test_a_site_with_plain_links_is_read_all_the_same(site: Site, tmp_path: Path) -> None:
    (post,) = site.write("Plain")
    with (
        site.option("permalink_structure", "", "/%postname%/"),
        watched(tmp_path, site.account(), WordpressConnector()) as one,
    ):
        one.poll()
        assert post in one.versions()
        assert one.poll() == 0


def test_types_and_questions_that_the_site_does_not_know_say_what_to_do(site: Site, tmp_path: Path) -> None:
    with watched(tmp_path, site.account(reads=("posts",)), WordpressConnector(post_type="sermons")) as one:
        assert one.fail().endswith("check the option post_type")
    with watched(
        tmp_path, site.account(name="odd", reads=("posts",)), WordpressConnector(post_type="categories")
    ) as one:
        one.poll()  # a category is no post: set aside
        assert one.store.accounts.oddities() == {"odd": 1}
        assert one.fail() == "PermanentError: the WordPress site refused the request (HTTP 400)"
