"""Lays a passage's tokens out as the encoder reads them: in windows, with markers for the two plain facts.

One window is ``[CLS] markers text [SEP] parent [SEP]``. A token's type says which segment it is in (text or parent)
and how its word is written (lower case, Capitalised, CAPITALS), for the vocabulary itself knows lower case only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

LENGTH = 128  # tokens in a window
OVERLAP = 24  # tokens of text that two neighbouring windows share
PARENT = 32  # tokens of the parent that are seen
CLOSE, CLOSE_LEAST, CLOSE_OVERLAP = 40, 10, 16  # tokens of a close look: at most, at least, shared at a hard cut
TYPES = 6  # two segments, three ways of writing a word
SENTENCE_ENDS = frozenset({999, 1012, 1029})  # ! . ?
CLS, SEP, OFFICIAL, IMAGE = 101, 102, 1, 2  # of the BERT vocabulary; the last two are spare entries, [unused0] and on


@dataclass(frozen=True)
class Window:
    """Tokens ``first`` to ``first + count`` of the text, which stand from position ``prefix`` on in ``ids``."""

    ids: tuple[int, ...]
    types: tuple[int, ...]
    pooled: int
    prefix: int
    first: int
    count: int


def shape(text: str, start: int) -> int:
    """How the word that begins at ``start`` is written: 0 lower case, 1 Capitalised, 2 CAPITALS."""
    if start >= len(text) or not text[start].isupper():
        return 0
    return 2 if text[start + 1 : start + 2].isupper() else 1


def cut(
    tokens: Sequence[int], shapes: Sequence[int], *, parent: Sequence[int] = (), official: bool, has_image: bool
) -> Iterator[Window]:
    """The windows of a text, at least one; ``pooled`` tokens from the beginning are the passage's own."""
    markers = (OFFICIAL,) * official + (IMAGE,) * has_image
    head = (CLS, *markers)
    tail = (*parent[:PARENT], SEP) if parent else ()
    room = LENGTH - len(head) - 1 - len(tail)
    first = 0
    while True:
        body = tuple(tokens[first : first + room])
        own = len(head) + len(body) + 1
        types = (0,) * len(head) + tuple(shapes[first : first + room]) + (0,) + (TYPES // 2,) * len(tail)
        yield Window((*head, *body, SEP, *tail), types, own, len(head), first, len(body))
        if first + room >= len(tokens):
            return
        first += room - OVERLAP


def look_closely(
    tokens: Sequence[int], shapes: Sequence[int], *, parent: Sequence[int] = (), official: bool, has_image: bool
) -> Iterator[Window]:
    """A window for every sentence or two: in a long text one sentence drowns among a hundred tokens of others."""
    for first, count in _sentences(tokens):
        end = first + count
        for window in cut(tokens[first:end], shapes[first:end], parent=parent, official=official, has_image=has_image):
            yield replace(window, first=first + window.first)


def _sentences(tokens: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where stretches of 10 to 40 tokens begin and how long they are: to the end of a sentence, where there is one."""
    first = 0
    while first < len(tokens):
        end = min(first + CLOSE, len(tokens))
        ends = (at + 1 for at in range(first + CLOSE_LEAST - 1, end) if tokens[at] in SENTENCE_ENDS)
        stop = next(ends, None)
        yield first, (stop or end) - first
        if end == len(tokens) and stop is None:
            return
        first = stop or end - CLOSE_OVERLAP
