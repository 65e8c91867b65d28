"""The service and the demo as processes: one at a time, cleanly ended, going on."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

WATCHER = [sys.executable, "-m", "watcher"]


Command = Callable[..., Any]
Change = Callable[..., None]


@contextlib.contextmanager
def service(*argv: str, cwd: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running command that serves pages, with its address."""
    with subprocess.Popen([*WATCHER, *argv], cwd=cwd, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = ""
        try:
            for line in process.stderr:
                said += line
                found = re.search(r"http://127\.0\.0\.1:\d+", line)
                if found:
                    break
            else:
                raise AssertionError(said)
            threading.Thread(target=process.stderr.read, daemon=True).start()
            yield process, found[0]
        finally:
            process.kill()


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=10) as answer:
        return str(answer.read().decode())


def test_run_serves_is_alone_and_ends_cleanly(watcher: Command, whole: Path, change: Change) -> None:
    with service("run", cwd=whole.parent) as (process, address):
        assert "Watcher" in get(address)
        deadline = time.monotonic() + 20
        while watcher("status").code and time.monotonic() < deadline:
            time.sleep(0.2)
        assert json.loads(get(f"{address}/healthz"))
        assert watcher("status", "--json").lines[0]["well"] is True
        second = watcher("run")
        assert second.code == 1
        assert "another Watcher process ticks on" in second.err
        change({'name = "news"': 'name = "new"'})
        assert "restart it" in watcher("apply", "--yes").err
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    with service("run", cwd=whole.parent) as (process, address):
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_run_says_what_keeps_it_from_starting(watcher: Command, whole: Path, change: Change) -> None:
    assert "there is no such file" in watcher("run", "--config", "nowhere.toml").err
    change(more='[models.options.encoder]\npath = "nowhere"\n')
    done = watcher("run")
    assert done.code == 1
    assert "the model in nowhere cannot be loaded" in done.err
    change(more='[models.options.encoder]\npth = "nowhere"\n')
    assert "models.options.encoder.pth: unknown option; did you mean path?" in watcher("run").err
    change({"port = 0": 'host = "0.0.0.0"'})
    assert "server.host: '0.0.0.0' is open to others" in watcher("run").err


def test_run_says_that_the_port_is_taken(watcher: Command, whole: Path, change: Change) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        change({"port = 0": f"port = {port}"})
        done = watcher("run")
    assert done.code == 1
    assert f"server.port: 127.0.0.1:{port} cannot be used (Address already in use)" in done.err


def test_the_demo_shows_incidents_ends_with_ctrl_c_and_goes_on_without_doubling(
    watcher: Command, tmp_path: Path
) -> None:
    argv = ("demo", "--port", "0", "--speed", "20")
    seen: list[set[str]] = []
    for _ in range(2):
        with service(*argv, cwd=tmp_path) as (process, address):
            deadline = time.monotonic() + 60
            while not (found := set(re.findall(r"/incidents/([\w-]+)", get(address)))) and time.monotonic() < deadline:
                time.sleep(0.2)
            seen.append(found)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
    assert seen[0], "no incident within a minute"
    listed = [
        row["reference"] for row in watcher("incidents", "--config", "demo/watcher.toml", "--all", "--json").lines
    ]
    assert seen[0] <= set(listed)
    assert len(listed) == len(set(listed))
    shown = watcher("incidents", listed[0].lower(), "--config", "demo/watcher.toml")
    assert shown.code == 0
    assert shown.out.startswith(f"reference      {listed[0]}\n")
    assert listed[0] in watcher("incidents", "--config", "demo/watcher.toml", "--all").out
    closing = ("incidents", listed[0].lower(), "--config", "demo/watcher.toml", "--set")
    assert watcher(*closing, "mended").code == 2
    assert watcher(*closing, "resolved").code == 2
    assert watcher(*closing, "resolved", "--why", "spoken with the family").code == 0
    after = watcher("incidents", listed[0], "--config", "demo/watcher.toml", "--json").lines[0]
    assert after["state"] == "resolved"
    assert after["timeline"][-1]["detail"] == "spoken with the family"
    mails = [path.read_bytes() for path in (tmp_path / "demo" / "outbox").glob("*.eml")]
    ids = [re.search(rb"(?im)^message-id:\s*(\S+)", mail) for mail in mails]
    assert mails
    assert len({found[1] for found in ids if found}) == len(mails)


def test_the_demo_says_that_its_port_is_taken(watcher: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = watcher("demo", "--port", str(taken.getsockname()[1]))
    assert done.code == 1
    assert "name another with --port" in done.err


def test_the_demo_says_that_its_folder_cannot_be_used(watcher: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = watcher("demo", "--folder", "file")
    assert done.code == 1
    assert "--folder" in done.err
