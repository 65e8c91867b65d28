"""A disk that fills up: polling stops in time, and what is past its time can still be deleted."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.post import Account, Page, Post
from watcher.disk import BALLAST, Disk
from watcher.errors import StoreError
from watcher.store import Store

GIB = 2**30
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("total", "free", "tight"),
    [(100 * GIB, 6 * GIB, False), (100 * GIB, 4 * GIB, False), (100 * GIB, GIB, True), (10 * GIB, GIB, False)],
)
def test_little_is_a_small_share_and_a_small_number(tmp_path: Path, total: int, free: int, tight: bool) -> None:
    assert Disk(tmp_path / "w.db", usage=lambda _: (total, total - free, free)).is_tight() is tight


def test_the_ballast_is_laid_once_and_thrown_once(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "w.db", usage=lambda _: (100 * GIB, 0, 100 * GIB))
    disk.prepare()
    disk.prepare()
    assert (tmp_path / "w.db.ballast").stat().st_blocks * 512 >= BALLAST
    assert disk.throw_ballast()
    assert not disk.throw_ballast()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 40 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("a small disk needs the right to mount one (root)")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_loses_nothing_stays_sound_and_can_be_purged(small_disk: Path) -> None:
    file = small_disk / "w.db"
    store = Store(f"sqlite:///{file}")
    store.migrate()
    disk = Disk(file)
    disk.prepare()
    account = Account(name="a", platform="rss", target="x")
    with store.writing() as connection:
        store.accounts.put(connection, account, 60, "test", NOW)
    kept = []

    def bring() -> None:
        for n in range(100_000):
            post = Post(platform="rss", id=str(n), kind="post", text="x" * 1000, raw=os.urandom(40_000))
            store.accounts.succeeded(store.accounts.get("a"), Page(posts=(post,), cursor=None), NOW, 10)
            kept.append(post.id)

    def fill() -> None:
        """Take the last free page, so that even deleting finds no room."""
        for _ in range(100_000):
            store.remember(os.urandom(8).hex(), os.urandom(20_000).hex(), NOW)

    for use in (bring, fill):
        with pytest.raises(StoreError, match="full"):
            use()
    assert store.views.totals()["version"] == len(kept) > 0
    assert disk.throw_ballast()
    assert store.purge.purge(NOW + timedelta(days=11))["version"] == len(kept)
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    store.close()
