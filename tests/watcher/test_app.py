"""The running service as its operator meets it: signs of life, one at a time, a clean end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from watcher import health, systemd
from watcher.demo.scenario import load as script
from watcher.demo.scenario import settings
from watcher.demo.server import DemoServer
from watcher.store import Store


def until(done: Callable[[], object], seconds: float = 45) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def systemd_socket(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(45)
        yield listening


@contextmanager
def running(config: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "watcher", "run", "--config", str(config)]
    with subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()


def write_settings(folder: Path, platform: int, port: int, heartbeat: str) -> Path:
    text = settings(platform, folder, web_port=port)
    beat = f'[heartbeat]\nurl = "{heartbeat}"\nevery_s = 5\nallow_private = true\n'
    file = folder / "watcher.toml"
    file.write_text(f"{text}\n{beat}", encoding="utf-8")
    return file


def answer(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=5) as reply:
            return reply.status, reply.read().decode()
    except OSError:
        return 0, ""


def test_signs_of_life_one_at_a_time_and_a_clean_end(
    tmp_path: Path, systemd_socket: socket.socket, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/beat").respond_with_data("ok")
    port = free_port()
    notify = str(tmp_path / "notify")
    with DemoServer(script(), datetime.now(UTC) - timedelta(minutes=4)) as platform:
        config = write_settings(tmp_path, platform.port, port, httpserver.url_for("/beat"))
        with running(config, NOTIFY_SOCKET=notify) as service:
            assert systemd_socket.recv(100) == b"READY=1"
            until(lambda: answer(f"http://127.0.0.1:{port}/healthz")[0] == 200)
            assert "WT-" in answer_when(f"http://127.0.0.1:{port}/", "WT-")
            until(lambda: any(request.path == "/beat" for request, _ in httpserver.log))
            assert systemd_socket.recv(100) == b"WATCHDOG=1"
            with running(config) as second:
                assert second.wait(30) == 1
                assert second.stderr is not None
                assert "stop it first" in second.stderr.read()
            store = Store(f"sqlite:///{tmp_path}/watcher.db")
            now = datetime.now(UTC)
            assert health.look(store, now).alive
            service.send_signal(signal.SIGTERM)
            assert service.wait(40) == 0
        while (said := systemd_socket.recv(100)) != b"STOPPING=1":
            assert said == b"WATCHDOG=1"
    later = health.look(store, datetime.now(UTC) + timedelta(seconds=31))
    assert not later.alive
    assert not later.is_well
    assert "NOT RUNNING" in next(iter(later.lines()))
    assert json.dumps(later.as_dict())
    store.close()


def answer_when(address: str, part: str) -> str:
    """The page once it shows something."""
    until(lambda: part in answer(address)[1], 60)
    return answer(address)[1]


def test_nobody_listens_where_systemd_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not systemd.notify("READY=1")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not systemd.notify("READY=1")
