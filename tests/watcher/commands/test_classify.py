"""`watcher classify` to the letter."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from classifiers.verdict import LABELS, SPAN_KINDS

WATCHER = [sys.executable, "-m", "watcher"]


Command = Callable[..., Any]


def passage(identity: Any, text: str, **more: Any) -> bytes:
    return json.dumps({"id": identity, "text": text, "official": False, "has_image": False, **more}).encode() + b"\n"


def test_classify_answers_line_for_line_whatever_stands_there(real: Command) -> None:
    texts = {
        "emoji": "😀" * 20_000,
        "marks": "e" + "\u0301" * 200_000,
        "half a pair": "\ud800 x",
        "nul": "\0 call 07700 900123",
        "astral": "😀👩‍👧 e\u0301 \u202ecall\u202c 07700 900123 or mail a.person@mail.example",
        "nothing": "",
        "foreign": "Добрый день, уважаемые родители и ученики нашей школы",
    }
    given = b"".join(passage(name, text) for name, text in texts.items())
    bad = [b"", b"{", b"[1]", b'{"id": "x"}', b'{"id": "x", "text": 5}', b'{"id": "x", "text": "\xff"}', b"[" * 50_000]
    given += b"\n".join(bad) + b"\n"
    given += passage("last", "fine", reply_to="who?", platform="x", kind="comment", unheard_of=[1]).rstrip(b"\n")
    done = real("classify", stdin=given)
    assert (done.code, done.err) == (1, "")
    assert done.out.isascii()
    assert [said.get("id", said.get("line")) for said in done.lines] == [*texts, *range(9, 15), "last"]
    for said in done.lines:
        if "error" in said:
            assert set(said) == {"line", "error"}
            continue
        assert list(said) == ["id", "labels", "review", "scores", "spans", "unread", "model"]
        assert set(said["scores"]) == set(LABELS)
        assert all(0 <= score <= 1 for score in said["scores"].values())
        assert set(said["labels"]) | set(said["review"]) <= set(LABELS)
        assert not set(said["labels"]) & set(said["review"])
        assert re.fullmatch(r"[^@]+@[^@]+", said["model"])
        assert all(span["kind"] in SPAN_KINDS for span in said["spans"])
        assert all(0 <= span["start"] < span["end"] <= len(texts.get(said["id"], "fine")) for span in said["spans"])
    said = {line.get("id"): line for line in done.lines}
    assert said["nothing"]["unread"]
    assert said["foreign"]["unread"]
    found = {span["kind"]: texts["astral"][span["start"] : span["end"]] for span in said["astral"]["spans"]}
    assert found["phone"] == "07700 900123"
    assert found["email"] == "a.person@mail.example"


def test_a_line_without_end_costs_neither_memory_nor_the_next_line(real: Command) -> None:
    given = passage("first", "x") + b"y" * 40_000_000 + b"\n" + passage("long", "x" * 5_000_000) + b"z" * 17_000_000
    done = real("classify", "--model", "patterns", stdin=given)
    assert done.code == 1
    first, bad, long, last = done.lines
    assert (first["id"], long["id"], long["unread"]) == ("first", "long", "too_long")
    assert (bad["line"], last["line"]) == (2, 4)
    assert "longer than" in bad["error"]


def test_classify_says_nothing_about_nothing(real: Command) -> None:
    done = real("classify")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_classify_imports_neither_web_nor_store() -> None:
    code = (
        "import json, sys, watcher.cli as c\n"
        "sys.argv = ['watcher', 'classify', '--model', 'patterns']\n"
        "try: c.main()\n"
        "except SystemExit: pass\n"
        "json.dump(sorted({n.partition('.')[0] for n in sys.modules} | set(sys.modules)), sys.stdout)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=passage(1, "x"), capture_output=True, check=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    strangers = {"fastapi", "starlette", "uvicorn", "sqlalchemy", "alembic", "apscheduler", "jinja2", "httpx", "tweepy"}
    assert not loaded & {*strangers, "watcher.store", "watcher.web", "watcher.app", "transformers"}


def test_classify_leaves_quietly_when_nobody_reads_on_or_the_operator_stops_it() -> None:
    """The thread that waits for standard input must not hold up the end, nor turn it into a crash."""
    command = [*WATCHER, "classify", "--model", "patterns"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(passage(1, "x"))
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == 1
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130
        assert process.stderr.read() == b""
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(passage(1, "x"))
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(passage(2, "x"))
        process.stdin.flush()
        assert process.wait(10) == 1
        assert process.stderr.read() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_classify_says_when_it_cannot_write() -> None:
    command = [*WATCHER, "classify", "--model", "patterns"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, input=passage(1, "x"), stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (1, b"watcher: No space left on device\n")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--model", "nope"), "classifier 'nope' is unknown; known are encoder"),
        (("--options", "{"), "--options must be one JSON object such as"),
        (("--options", '{"pth": 1}'), "encoder: pth: unknown option; did you mean path?"),
        (("--options", "[1]"), "--options must be one JSON object such as"),
    ],
)
def test_classify_says_what_is_wrong_with_the_model(watcher: Command, argv: tuple[str, ...], says: str) -> None:
    done = watcher("classify", *argv)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"watcher: {says}")


def test_explain_adds_the_reason_and_the_words_that_moved_it(watcher: Command) -> None:
    said = "the office is open, and i'm bringing a kn1fe to school tomorrow to stab him at the gate"
    given = passage("harm", said) + passage("none", "Non-uniform day is on Friday") + b"{\n"
    done = watcher("classify", "--explain", stdin=given.decode())
    assert done.code == 1
    harm, none, bad = done.lines
    assert "threat" in harm["reason"]
    threat = [moved for moved in harm["moved"] if moved["label"] == "threat"]
    assert threat
    assert all(said[moved["start"] : moved["end"]] == moved["text"] for moved in threat)
    assert any("kn1fe" in moved["text"] or "stab" in moved["text"] for moved in threat)
    assert none["moved"] == []
    assert set(bad) == {"line", "error"}
    formats = watcher("classify", "--explain", "--model", "patterns", stdin=passage(1, "Year 9").decode())
    assert formats.lines[0]["moved"] == []
