"""From what the encoder says of each token to the names in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from classifiers.verdict import Span

KINDS = {1: "pupil_name", 2: "adult_name"}  # the encoder's classes; 0 is everything else
_JOINED = re.compile(r"[ '’\-]{0,2}")
# Who bears a title is grown up, whatever stands around the name. "miss" in small letters is more often the verb.
_TITLE = re.compile(r"\b(?:(?i:mrs?|ms|mx|dr|prof)\.?|Miss|MISS|Sir|Madam|Dame|Coach) $")
_LONGEST_TITLE = 8


def name_spans(text: str, originals: Sequence[tuple[int, int]], classes: Sequence[int]) -> tuple[Span, ...]:
    """The names in ``text``, whose tokens lie at ``originals`` and were given ``classes``; a word is never split."""
    found: list[Span] = []
    for start, end, kind in _words(text, originals, classes):
        last = found[-1] if found else None
        if titled(text, start):
            kind = "adult_name"  # noqa: PLW2901
        if last and last.kind == kind and _JOINED.fullmatch(text[last.end : start]):
            found[-1] = Span(start=last.start, end=end, kind=kind)
        else:
            found.append(Span(start=start, end=end, kind=kind))
    return tuple(found)


def titled(text: str, start: int) -> bool:
    """Whether a title (Mr, Dr, Coach) stands before what begins at ``start``."""
    return _TITLE.search(text, max(0, start - _LONGEST_TITLE), start) is not None


def _words(text: str, originals: Sequence[tuple[int, int]], classes: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    """Words that begin with a token of a name, as (start, end, kind), in order."""
    number, words = 0, []
    for index, (start, _) in enumerate(originals):
        before = originals[index - 1][1] if index else 0
        if start != before or not text[start - 1 : start].isalnum() or not text[start : start + 1].isalnum():
            number += 1
        words.append(number)
    for _, group in groupby(range(len(originals)), key=words.__getitem__):
        tokens = list(group)
        start, end = originals[tokens[0]][0], originals[tokens[-1]][1]
        kind = KINDS.get(classes[tokens[0]])
        possessive = text[start:end] in {"s", "S"} and text[start - 1 : start] in {"'", "’"}
        if kind and not possessive and any(map(str.isalpha, text[start:end])):
            yield start, end, kind
