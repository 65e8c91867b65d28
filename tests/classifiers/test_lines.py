"""JSON Lines in, JSON Lines out, whatever comes in."""

import io
import json
import os
import subprocess
import sys
import threading

import pytest

from classifiers.lines import read_lines
from classifiers.verdict import LABELS

KEYS = ["id", "labels", "review", "scores", "spans", "unread", "model"]


def run(text: str, classifier: object) -> tuple[int, list[dict]]:
    out = io.StringIO()
    code = read_lines(io.StringIO(text), out, classifier)
    assert out.getvalue().isascii()
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def passage(identity: object, text: str, **more: object) -> str:
    return json.dumps({"id": identity, "text": text, **more})


def test_answers_each_line_in_order(words) -> None:
    lines = [
        passage(f"p{i}", "a threat" if i % 3 == 0 else "nothing", official=False, has_image=True) for i in range(50)
    ]
    code, answers = run("\n".join(lines) + "\n", words)
    assert code == 0
    assert [answer["id"] for answer in answers] == [f"p{i}" for i in range(50)]
    assert [answer["labels"] for answer in answers] == [["threat"] if i % 3 == 0 else [] for i in range(50)]


def test_an_answer_has_exactly_the_fixed_keys(words) -> None:
    _, [answer] = run(passage("é", "the threat", platform="x", kind="post", reply_to=None, extra=[1]), words)
    assert list(answer) == KEYS
    assert answer["id"] == "é"
    assert tuple(answer["scores"]) == LABELS
    assert answer["spans"] == [{"start": 4, "end": 10, "kind": "other"}]
    assert answer["unread"] is None
    assert answer["model"] == "words@7"


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("{", "not valid JSON"),
        ("[1]", "expected one JSON object a line, got a list"),
        ("null", "got null"),
        ('{"id": "1"}', "missing key 'text'"),
        ('{"text": "x"}', "missing key 'id'"),
        ("{}", "missing key 'id' and 'text'"),
        ('{"id": "1", "text": null}', "'text' must be a string, got null"),
        ('{"id": "1", "text": 5}', "'text' must be a string, got a number"),
        ('{"id": ["1"], "text": "x"}', "'id' must be a string or a whole number, got a list"),
        ('{"id": "1", "text": "x", "official": "yes"}', "'official' must be true or false, got a string"),
        ('{"id": "1", "text": "x", "has_image": 1}', "'has_image' must be true or false, got a number"),
        ('{"id": "1", "text": "x", "reply_to": {}}', "'reply_to' must be a string, got an object"),
        ('{"id": "1", "text": NaN}', "not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"id": "1", "text": "\udcff"}', "not valid UTF-8"),
    ],
)
def test_a_bad_line_is_answered_in_its_place_and_the_rest_goes_on(words, line: str, error: str) -> None:
    code, answers = run(f"{passage('a', 'x')}\n\n{line}\n{passage('b', 'x')}", words)
    assert code == 1
    assert [answer.get("id") for answer in answers] == ["a", None, "b"]
    assert list(answers[1]) == ["line", "error"]
    assert answers[1]["line"] == 3
    assert error in answers[1]["error"]


def test_an_unread_passage_scores_nothing(words) -> None:
    _, [answer] = run(passage(1, ""), words)
    assert answer["id"] == 1
    assert answer["unread"] == "empty"
    assert answer["scores"] == dict.fromkeys(LABELS, 0.0)
    assert answer["labels"] == answer["review"] == []


def test_lone_surrogates_and_nul_in_escapes_are_text(words) -> None:
    code, [answer] = run('{"id": "\\ud800", "text": "\\u0000 \\udfff threat"}', words)
    assert code == 0
    assert answer["id"] == "\ud800"
    assert answer["spans"] == [{"start": 4, "end": 10, "kind": "other"}]


def test_a_passage_that_breaks_the_model_costs_one_answer(words) -> None:
    code, answers = run("\n".join(passage(i, "explode" if i == 2 else "x") for i in range(5)), words)
    assert code == 1
    assert [answer.get("id", answer.get("line")) for answer in answers] == [0, 1, 3, 3, 4]
    assert answers[2] == {"line": 3, "error": "could not be read: exploded"}


def test_empty_input_is_no_error(words) -> None:
    assert run("", words) == (0, [])
    assert run("\n \n", words) == (0, [])


def test_whoever_waits_for_an_answer_gets_it(words) -> None:
    there, here = os.pipe(), os.pipe()
    with (
        os.fdopen(there[0]) as asked,
        os.fdopen(there[1], "w") as ask,
        os.fdopen(here[0]) as answers,
        os.fdopen(here[1], "w") as answered,
    ):
        thread = threading.Thread(target=read_lines, args=(asked, answered, words))
        thread.start()
        for number in range(3):
            ask.write(passage(number, "x") + "\n")
            ask.flush()
            assert json.loads(answers.readline())["id"] == number
        ask.close()
        thread.join(timeout=10)
        assert not thread.is_alive()


def test_a_broken_input_is_raised_after_the_answers_so_far(words) -> None:
    class Torn(io.StringIO):
        def readline(self, size: int | None = -1, /) -> str:
            if self.tell():
                raise OSError("gone")
            return super().readline(size)

    out = io.StringIO()
    with pytest.raises(OSError, match="gone"):
        read_lines(Torn(passage(1, "x") + "\n" + passage(2, "x")), out, words)
    assert json.loads(out.getvalue())["id"] == 1


def test_reading_lines_imports_neither_web_nor_store_nor_transformers() -> None:
    code = (
        "import sys, classifiers.lines, classifiers.encoder\n"
        "heavy = {'transformers', 'torch', 'sqlalchemy', 'fastapi', 'httpx', 'watcher', 'alerts', 'connectors'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
