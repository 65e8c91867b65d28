"""Passages as lines of JSON in, verdicts as lines of JSON out: what ``watcher classify`` does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from queue import Empty, Queue
from threading import Thread
from typing import Any, TextIO

from classifiers.classifier import Classifier, Explainer
from classifiers.errors import ClassifierError
from classifiers.verdict import LABELS, Passage, Verdict

_LONGEST = 16_000_000  # characters of one line; far more than any post, far less than a machine's memory
_NOT_UTF8 = re.compile("[\ud800-\udfff]")
_CHUNK = 16  # lines answered together at most: enough to keep the model busy
_AHEAD = 64  # lines read ahead at most
_DIGITS = 4


class _BadLineError(Exception):
    """A line that is no passage; the text says what to write instead."""


@dataclass(frozen=True)
class _Entry:
    """One input line: its number, and the passage with its id, or what is wrong with it."""

    number: int
    id: Any = None
    passage: Passage | None = None
    error: str = ""


@dataclass(frozen=True)
class _End:
    """The end of the input, or what broke it off."""

    error: Exception | None = None


def read_lines(stream_in: TextIO, stream_out: TextIO, classifier: Classifier, *, why: bool = False) -> int:
    """Answer each line of ``stream_in`` with one line on ``stream_out``, in order; blank lines are skipped.

    A line that is no passage is answered with ``{"line": n, "error": "…"}`` and the rest goes on. With ``why`` each
    answer also holds the reason, and of a post with a raised or undecided label the words that moved it.

    Returns:
        The exit code: 1 where any line was bad, else 0.
    """
    code = 0
    for chunk in _chunks(stream_in):
        for said in _answers(chunk, classifier, why=why):
            code |= "error" in said
            stream_out.write(json.dumps(said, ensure_ascii=True, allow_nan=False) + "\n")
        stream_out.flush()
    return code


def _chunks(stream: TextIO) -> Iterator[list[_Entry]]:
    """What has arrived, up to 16 lines: whoever writes one line and waits gets the answer at once."""
    waiting: Queue[_Entry | _End] = Queue(_AHEAD)
    Thread(target=_fill, args=(stream, waiting), daemon=True).start()
    end: _End | None = None
    while end is None:
        chunk, end = _arrived(waiting)
        if chunk:
            yield chunk
    if end.error:
        raise end.error


def _arrived(waiting: Queue[_Entry | _End]) -> tuple[list[_Entry], _End | None]:
    chunk: list[_Entry] = []
    while len(chunk) < _CHUNK:
        try:
            entry = waiting.get(block=not chunk)
        except Empty:
            break
        if isinstance(entry, _End):
            return chunk, entry
        chunk.append(entry)
    return chunk, None


def _fill(stream: TextIO, waiting: Queue[_Entry | _End]) -> None:
    try:
        for number, line in enumerate(_lines(stream), start=1):
            if line is None:
                waiting.put(_Entry(number, error=f"the line is longer than {_LONGEST} characters"))
            elif line.strip():
                waiting.put(_entry(number, line))
        waiting.put(_End())
    except Exception as error:  # the thread that answers raises it
        waiting.put(_End(error))


def _lines(stream: TextIO) -> Iterator[str | None]:
    """The lines, and nothing in the place of one that is too long to be held."""
    while line := stream.readline(_LONGEST + 1):
        if len(line) <= _LONGEST or line.endswith("\n"):
            yield line
            continue
        while (rest := stream.readline(_LONGEST)) and not rest.endswith("\n"):
            pass
        yield None


def _entry(number: int, line: str) -> _Entry:
    try:
        raw = _parsed(line.removeprefix("\ufeff"))
        return _Entry(number, raw["id"], _passage(raw))
    except _BadLineError as error:
        return _Entry(number, error=str(error))


def _parsed(line: str) -> dict[str, Any]:
    if _NOT_UTF8.search(line):
        raise _BadLineError("not valid UTF-8")  # as "surrogateescape" hands such bytes on
    try:
        raw = json.loads(line, parse_constant=_refuse)
    except RecursionError as error:
        raise _BadLineError("the line is nested too deeply to be read") from error
    except ValueError as error:
        raise _BadLineError(f"not valid JSON: {error}") from error
    if not isinstance(raw, dict):
        raise _BadLineError(f"expected one JSON object a line, got {_kind(raw)}")
    missing = [key for key in ("id", "text") if key not in raw]
    if missing:
        raise _BadLineError(f"missing key {' and '.join(map(repr, missing))}")
    return raw


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _passage(raw: dict[str, Any]) -> Passage:
    identity = raw["id"]
    if isinstance(identity, bool) or not isinstance(identity, str | int):
        raise _BadLineError(f"'id' must be a string or a whole number, got {_kind(identity)}")
    return Passage(
        text=_checked(raw, "text", str, ""),
        reply_to=None if raw.get("reply_to") is None else _checked(raw, "reply_to", str, ""),
        official=_checked(raw, "official", bool, False),
        has_image=_checked(raw, "has_image", bool, False),
    )


def _checked(raw: dict[str, Any], key: str, wanted: type, default: Any) -> Any:
    value = raw.get(key, default)
    if not isinstance(value, wanted):
        name = {str: "a string", bool: "true or false"}[wanted]
        raise _BadLineError(f"{key!r} must be {name}, got {_kind(value)}")
    return value


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _answers(chunk: list[_Entry], classifier: Classifier, *, why: bool) -> Iterator[dict[str, Any]]:
    passages = [entry.passage for entry in chunk if entry.passage is not None]
    verdicts = iter(_classified(passages, classifier))
    for entry in chunk:
        if entry.passage is None:
            yield {"line": entry.number, "error": entry.error}
            continue
        verdict = next(verdicts)
        if isinstance(verdict, ClassifierError):
            yield {"line": entry.number, "error": f"could not be read: {verdict}"}
        else:
            more = _why(entry.passage, verdict, classifier) if why else {}
            yield answer(entry.id, verdict) | more


def _why(passage: Passage, verdict: Verdict, classifier: Classifier) -> dict[str, Any]:
    """The reason and the words that moved each label, strongest first; ``None`` where they could not be measured."""
    try:
        spans = classifier.explain(passage, verdict) if isinstance(classifier, Explainer) else ()
    except ClassifierError:
        return {"reason": verdict.reason, "moved": None}
    moved = [{"start": s.start, "end": s.end, "label": s.kind, "text": passage.text[s.start : s.end]} for s in spans]
    return {"reason": verdict.reason, "moved": moved}


def _classified(passages: list[Passage], classifier: Classifier) -> list[Verdict | ClassifierError]:
    """All verdicts; where the batch fails, each passage alone, so that one bad passage costs one answer."""
    try:
        return [*classifier.classify(passages)]
    except ClassifierError as error:
        if len(passages) == 1:
            return [error]
        return [said for passage in passages for said in _classified([passage], classifier)]


def answer(identity: Any, verdict: Verdict) -> dict[str, Any]:
    """A verdict as the fixed JSON object; all twelve scores, 0 where the passage could not be read."""
    return {
        "id": identity,
        "labels": list(verdict.labels),
        "review": list(verdict.review),
        "scores": {label: round(verdict.scores.get(label, 0.0), _DIGITS) for label in LABELS},
        "spans": [{"start": span.start, "end": span.end, "kind": span.kind} for span in verdict.spans],
        "unread": verdict.unread,
        "model": f"{verdict.model}@{verdict.version}",
    }
