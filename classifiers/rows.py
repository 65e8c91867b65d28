"""Labelled posts as lines of JSON, read strictly: what cannot be measured is named by file and line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from classifiers.errors import ClassifierError
from classifiers.verdict import LABELS, Passage

_OPTIONAL = (
    ("official", bool, "true or false"),
    ("reply_to", str, "a string or null"),
    ("has_image", bool, "true or false"),
)
_SHOWN = 5  # bad lines that are named; the others are counted


class RowError(ClassifierError):
    """A file of labelled posts cannot be used; every bad line is named, none is quoted."""


@dataclass(frozen=True, kw_only=True)
class LabelledPassage:
    """One row: what is read, and the truth of it; ``names`` are stretches, ``None`` where nobody marked them."""

    line: int
    id: str
    passage: Passage
    labels: tuple[str, ...]
    pupils: frozenset[tuple[int, int]] | None
    adults: frozenset[tuple[int, int]] | None


class _BadRowError(Exception):
    """A line that is no row; the text says what to write instead."""


def read_labelled(path: Path) -> tuple[LabelledPassage, ...]:
    """All rows of a file, in order; blank lines are skipped.

    A row holds ``text`` and ``labels`` ([] where nothing applies), and may hold ``id``, ``reply_to`` (the text that it
    answers, or the ``id`` of that row in the same file), ``official`` (or ``author_role``, or ``author`` with
    ``official`` in it), ``has_image``, ``names`` (of pupils) and ``adult_names``; other keys are left alone.

    Raises:
        RowError: a line is no row, or the file holds no rows or no labels.
        OSError: the file cannot be read.
    """
    parsed = [(number, _parsed(line)) for number, line in _lines(path)]
    raws = [raw for _, raw in parsed if isinstance(raw, dict)]
    texts = {str(raw["id"]): raw["text"] for raw in raws if isinstance(raw.get("text"), str) and "id" in raw}
    rows: list[LabelledPassage] = []
    problems: list[str] = []
    for number, raw in parsed:
        try:
            rows.append(_row(number, raw, texts))
        except _BadRowError as error:
            problems.append(f"{path}:{number}: {error}")
    if raws and len(raws) == len(parsed) and not any("labels" in raw for raw in raws):
        raise RowError(
            f"{path} has no labels, so nothing can be measured: give each row "
            f'"labels", a list of {", ".join(LABELS)}, or [] where nothing applies'
        )
    if problems:
        more = len(problems) - _SHOWN
        raise RowError("\n".join([*problems[:_SHOWN], *([f"and {more} more bad lines"] if more > 0 else [])]))
    if not rows:
        raise RowError(f"{path} holds no rows")
    return tuple(rows)


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.removeprefix(b"\xef\xbb\xbf").strip():
                yield number, line.removeprefix(b"\xef\xbb\xbf")


def _parsed(line: bytes) -> dict[str, Any] | _BadRowError:
    try:
        raw = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return _BadRowError("not valid UTF-8; save the file as UTF-8")
    except RecursionError:
        return _BadRowError("nested too deeply to be read")
    except ValueError as error:
        return _BadRowError(f"not valid JSON: {error}")
    return raw if isinstance(raw, dict) else _BadRowError("a row is one JSON object with text and labels")


def passage_of(raw: Mapping[str, Any], texts: Mapping[str, str] = MappingProxyType({})) -> Passage:
    """What a model sees of a row; ``texts`` are those of its file by id, for what it answers."""
    author, above, official = raw.get("author"), raw.get("reply_to"), raw.get("official")
    if official is None:
        official = author.get("official") if isinstance(author, dict) else raw.get("author_role") == "official"
    return Passage(
        text=str(raw["text"]),
        reply_to=None if above is None else texts.get(str(above), str(above)),
        official=bool(official),
        has_image=bool(raw.get("has_image")),
    )


def _row(number: int, raw: dict[str, Any] | _BadRowError, texts: Mapping[str, str]) -> LabelledPassage:
    if isinstance(raw, _BadRowError):
        raise raw
    text = _checked(raw, "text", str, "a string")
    labels = _names(raw, "labels")
    if labels is None:
        raise _BadRowError("labels is missing; write [] where nothing applies")
    unknown = [label for label in labels if label not in LABELS]
    if unknown:
        raise _BadRowError(f"unknown label {', '.join(map(repr, unknown))}; known are {', '.join(LABELS)}")
    for key, wanted, words in _OPTIONAL:
        if raw.get(key) is not None:
            _checked(raw, key, wanted, words)
    pupils, adults = _stretches(text, _names(raw, "names")), _stretches(text, _names(raw, "adult_names"))
    return LabelledPassage(
        line=number,
        id=str(raw.get("id", number)),
        passage=passage_of(raw, texts),
        labels=tuple(label for label in LABELS if label in labels),
        pupils=_outside(pupils, adults),
        adults=_outside(adults, pupils),
    )


def _checked(raw: dict[str, Any], key: str, wanted: type, words: str) -> Any:
    if key not in raw:
        raise _BadRowError(f"{key} is missing")
    if not isinstance(raw[key], wanted):
        raise _BadRowError(f"{key} must be {words}")
    return raw[key]


def _names(raw: dict[str, Any], key: str) -> list[str] | None:
    found = raw.get(key)
    if found is None:
        return None
    if not isinstance(found, list) or not all(isinstance(name, str) and name for name in found):
        raise _BadRowError(f"{key} must be a list of strings")
    return found


def _stretches(text: str, names: list[str] | None) -> frozenset[tuple[int, int]] | None:
    """Where the names stand: each wherever it is a word of its own, and once where it is part of a longer one."""
    if names is None:
        return None
    found: set[tuple[int, int]] = set()
    for name in sorted(names, key=len, reverse=True):
        places = [match.span() for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)]
        if not places:
            start = text.find(name)
            if start < 0:
                raise _BadRowError("a name does not stand in the text; write names exactly as the text does")
            places = [(start, start + len(name))]
        # "Ida" inside "Ida Bloom" is no name beside it.
        found |= {(a, b) for a, b in places if not any(c <= a and b <= d for c, d in found)}
    return frozenset(found)


def _outside(
    these: frozenset[tuple[int, int]] | None, others: frozenset[tuple[int, int]] | None
) -> frozenset[tuple[int, int]] | None:
    """The stretches that are no part of a longer one of the other kind: a pupil Ida, beside Mrs Ida Bloom."""
    if these is None:
        return None
    return frozenset(
        (a, b) for a, b in these if not any(c <= a and b <= d and (a, b) != (c, d) for c, d in others or ())
    )
