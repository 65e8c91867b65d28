"""The commands as an operator and a program meet them: real processes, exit codes, two streams."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from watcher.app import build, open_store
from watcher.config import load
from watcher.enrolment import apply

WATCHER = [sys.executable, "-m", "watcher"]
WHOLE = """
[server]
port = 0
[mail]
channel = "folder"
[alerts]
last_resort = "desk@it.example"
[[schools]]
id = "hill"
name = "Hillcrest Primary School"
pack = "wessex"
[[people]]
id = "jo"
name = "Jo Moore"
email = "jo@hillcrest.example"
[[holdings]]
person = "jo"
role = "headteacher"
school = "hill"
[[accounts]]
name = "news"
school = "hill"
platform = "archive"
target = "imports"
"""


class Ended:
    """How a command ended, and what it said on its two streams."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err
        assert "Traceback" not in err, err

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Command = Callable[..., Ended]


@pytest.fixture(scope="session")
def forks() -> Iterator[subprocess.Popen[str]]:
    """A process that has imported everything, and forks."""
    script = [sys.executable, str(Path(__file__).with_name("forks.py"))]
    with subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as made:
        yield made
        assert made.stdin is not None
        made.stdin.close()


@pytest.fixture
def watcher(forks: subprocess.Popen[str], tmp_path: Path) -> Command:
    """Runs a command in this test's own folder."""
    (tmp_path / "imports").mkdir()

    def run(*argv: str, stdin: str = "", env: dict[str, str] | None = None, cwd: Path = tmp_path) -> Ended:
        streams = {key: str(tmp_path / f".{key}") for key in ("in", "out", "err")}
        Path(streams["in"]).write_text(stdin, encoding="utf-8")
        assert forks.stdin is not None
        assert forks.stdout is not None
        forks.stdin.write(json.dumps({"argv": argv, "cwd": str(cwd), "env": env or {}, **streams}) + "\n")
        forks.stdin.flush()
        code = int(forks.stdout.readline())
        return Ended(code, *(Path(streams[key]).read_text(encoding="utf-8") for key in ("out", "err")))

    return run


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """Settings of one school with one source."""
    file = tmp_path / "watcher.toml"
    file.write_text(WHOLE, encoding="utf-8")
    return file


@pytest.fixture
def change(whole: Path) -> Callable[..., None]:
    """Writes the settings anew, with words swapped and more at the end."""

    def write(swaps: dict[str, str] | None = None, more: str = "") -> None:
        text = WHOLE
        for old, new in (swaps or {}).items():
            assert old in text
            text = text.replace(old, new)
        whole.write_text(text + more, encoding="utf-8")

    return write


@pytest.fixture
def made(whole: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Makes a matter of posts: they are read by the shipped model, judged and grouped; its reference."""

    def make(*posts: Mapping[str, object]) -> str:
        now = datetime.now(UTC)
        monkeypatch.chdir(whole.parent)
        (whole.parent / "imports").mkdir(exist_ok=True)
        (whole.parent / "imports" / "posts.json").write_text(json.dumps(posts), encoding="utf-8")
        settings = load(whole)
        with contextlib.closing(open_store(settings)) as store:
            store.migrate()
            apply(settings, store, "watcher.toml", now)
            service = build(settings, store)
            service.begin(now)
            service.poll(store.accounts.get("news"), now)
            while service.advance(now):
                pass
            return str(store.views.incidents(limit=1)[0].reference)

    return make


@pytest.fixture
def real() -> Command:
    """Runs a command as a process of its own, from the first import on."""

    def run(*argv: str, stdin: bytes = b"", cwd: Path | None = None) -> Ended:
        """The command as a process of its own, from the first import on."""
        done = subprocess.run([*WATCHER, *argv], input=stdin, capture_output=True, cwd=cwd, timeout=60, check=False)
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run
