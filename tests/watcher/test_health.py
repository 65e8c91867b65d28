"""What `watcher status` and `watcher doctor` tell, and when they call for the operator."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from alerts.channel import Knocker
from alerts.email import EmailChannel
from alerts.errors import DeliveryError
from alerts.folder import FolderChannel
from connectors.post import Account, Page
from watcher.config import Settings, load
from watcher.health import Health, look, try_all
from watcher.store import Store

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
WELL = Health(
    alive=True,
    sources=2,
    blind=(),
    failing=(),
    waiting_posts=0,
    open_incidents=3,
    pending_notices=1,
    oldest_notice_s=5,
    refused_addresses=0,
    last_purge=NOW,
    overdue_rows=0,
)


def test_well_is_when_nothing_needs_the_operator() -> None:
    assert WELL.is_well
    assert WELL.as_dict()["well"] is True
    assert next(WELL.lines()).startswith("well: 2 sources")
    assert replace(WELL, failing=("news",)).is_well, "one failed poll is tried again by itself"


@pytest.mark.parametrize(
    ("trouble", "line"),
    [
        ({"alive": False}, "NOT RUNNING"),
        ({"blind": ("news",)}, "BLIND: news"),
        ({"refused_addresses": 2}, "REFUSED: 2"),
        ({"oldest_notice_s": 61}, "MAIL WAITS: 1 notices, the oldest for 61 s"),
        ({"disk_full": True}, "DISK FULL"),
    ],
)
def test_whatever_needs_the_operator_is_said_first(trouble: dict[str, Any], line: str) -> None:
    health = replace(WELL, **trouble)
    assert not health.is_well
    assert next(health.lines()).startswith(line)
    assert any(said.startswith("not well") for said in health.lines())


def test_a_look_at_the_store(store: Store) -> None:
    account = Account(name="news", platform="rss", target="https://hill.example/feed")
    with store.writing() as connection:
        for name in ("news", "other"):
            store.accounts.put(connection, replace(account, name=name), 300, "test", NOW)
    assert look(store, NOW).alive is False
    store.remember("beat", 1, NOW)
    assert look(store, NOW).is_well
    assert not look(store, NOW + timedelta(hours=1)).is_well, "a beat of an hour ago is no sign of life"
    store.accounts.failed(store.accounts.get("news"), "gone", permanent=True, next_at=NOW, now=NOW)
    assert look(store, NOW).failing == ("news",)
    for _ in range(2):
        store.accounts.failed(store.accounts.get("news"), "gone", permanent=True, next_at=NOW, now=NOW)
    found = look(store, NOW)
    assert (found.blind, found.failing, found.sources, found.is_well) == (("news",), (), 2, False)


@pytest.mark.parametrize(("failing", "off", "well"), [(11, 0, True), (12, 0, False), (18, 0, False), (11, 2, False)])
def test_it_is_not_well_where_most_sources_fail(failing: int, off: int, well: bool) -> None:
    names = tuple(f"s{n}" for n in range(failing))
    health = replace(WELL, sources=22, failing=names, off=("o",) * off)
    assert health.is_well == well
    lines = list(health.lines())
    assert "failing: s0 failed at its last poll and is tried again" in lines
    assert f"{'well' if well else 'not well'}: 22 sources, 0 posts to read" in lines


def alone(store: Store) -> None:
    """One source, added now, and a service that lives."""
    account = Account(name="news", platform="rss", target="https://hill.example/feed")
    with store.writing() as connection:
        store.accounts.put(connection, account, 300, "test", NOW)


def after(store: Store, hours: float) -> Health:
    now = NOW + timedelta(hours=hours)
    store.remember("beat", 1, now)
    return look(store, now)


def test_a_source_that_is_never_read_is_not_well(store: Store) -> None:
    alone(store)
    assert after(store, 1).is_well
    found = after(store, 2.1)
    assert not found.is_well
    assert next(found.lines()).startswith("NEVER READ: news")


def test_a_source_that_waits_for_its_budget_for_hours_is_not_well(store: Store) -> None:
    alone(store)
    for name in ("other", "third"):
        with store.writing() as connection:
            store.accounts.put(connection, replace(store.accounts.get("news").account, name=name), 300, "test", NOW)
        store.accounts.succeeded(store.accounts.get(name), Page(posts=(), cursor=None), NOW, 180)
    spent = "SpentError: 1000 of 1000 calls a day are used"
    at = NOW + timedelta(hours=5)
    store.accounts.succeeded(store.accounts.get("news"), Page(posts=(), cursor=None), NOW, 180)
    store.accounts.failed(store.accounts.get("third"), spent, permanent=False, next_at=at, now=NOW)
    assert (after(store, 1).is_well, after(store, 1).saving) == (True, ("third",))
    found = after(store, 2.1)
    assert (found.is_well, found.starved) == (False, ("third",))
    assert "waits: third can be read, and waits for its budget; see `watcher budget`" in found.lines()
    store.accounts.succeeded(store.accounts.get("third"), Page(posts=(), cursor=None), at, 180)
    assert after(store, 5.1).is_well


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "imports").mkdir()
    file = tmp_path / "watcher.toml"
    text = """
    [models]
    classifiers = ["patterns"]
    [[accounts]]
    name = "old"
    platform = "archive"
    target = "imports"
    [[accounts]]
    name = "gone"
    platform = "archive"
    target = "nowhere"
    """
    file.write_text(text, encoding="utf-8")
    return load(file)


def test_the_doctor_tries_all_and_one_failure_hides_no_other(settings: Settings, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    rows = {row["what"]: row for row in try_all(settings, NOW)}
    assert [what for what, row in rows.items() if not row["ok"]] == ["account gone"]
    assert "nowhere" in rows["account gone"]["detail"]
    assert "`watcher run` makes it" in rows["database"]["detail"]
    assert str(tmp_path / "outbox") in rows["mail"]["detail"]
    assert sorted(tmp_path.iterdir()) == before, "looking makes nothing"
    (tmp_path / "outbox").write_text("a file where the folder should be", encoding="utf-8")
    (tmp_path / "watcher.db").write_bytes(b"surely no database at all" * 100)
    bad = [row["what"] for row in try_all(settings, NOW) if not row["ok"]]
    assert bad == ["database", "mail", "account gone"]


class _Silent:
    """Takes mail, and would remember if there was any."""

    def __init__(self) -> None:
        self.taken = 0

    async def handle_DATA(self, _server: Any, _session: Any, _envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.taken += 1
        return "250 OK"


@pytest.fixture
def mail_server() -> Iterator[tuple[_Silent, int]]:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    handler = _Silent()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


def test_a_knock_goes_as_far_as_one_can_without_sending(mail_server: tuple[_Silent, int], tmp_path: Path) -> None:
    handler, port = mail_server
    mailer = EmailChannel(host="127.0.0.1", port=port, security="none", timeout_s=5)
    folder = FolderChannel(tmp_path / "deep" / "outbox")
    assert isinstance(mailer, Knocker)
    assert isinstance(folder, Knocker)
    assert str(port) in mailer.knock()
    assert handler.taken == 0
    assert "outbox" in folder.knock()
    assert list(tmp_path.iterdir()) == []


def test_a_knock_says_why_nothing_could_be_sent(mail_server: tuple[_Silent, int], tmp_path: Path) -> None:
    _, port = mail_server
    with pytest.raises(DeliveryError, match="STARTTLS"):
        EmailChannel(host="127.0.0.1", port=port, timeout_s=5).knock()
    with pytest.raises(DeliveryError, match="offers no login"):
        EmailChannel(host="127.0.0.1", port=port, security="none", username="me", password="s3cret").knock()
    with pytest.raises(DeliveryError, match="could not be used"):
        EmailChannel(host="127.0.0.1", port=1, security="none", timeout_s=5).knock()
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DeliveryError, match="is no folder"):
        FolderChannel(tmp_path / "file" / "outbox").knock()
