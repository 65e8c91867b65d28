"""A post's text made safe to lay out, with what the models marked in it kept in its place."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from classifiers.verdict import Span

# So many characters of a post stand on the page at once; the rest waits behind a fold.
SHOWN = 1_500
# More than this of one post is read on the platform; the page says how much is missing.
MOST = 64_000
# More accents than this on one letter are no language but a way to deface a page.
_MARKS = 3
# Overrides turn text round so that it reads as something else; the softer marks are needed by real languages.
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e")
_SAFE_ADDRESS = re.compile(r"https?://[^\s\x00-\x20\x7f<>\"'\\^`{|}]+", re.IGNORECASE)
_LONGEST_ADDRESS = 2_000


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A stretch of text; ``kind`` says what the models took it for, ``None`` where nothing.

    ``moved`` marks words that moved the models' reading.
    """

    text: str
    kind: str | None = None
    moved: bool = False


@dataclass(frozen=True, kw_only=True)
class Marked:
    """A text in pieces: those shown at once, those behind a fold, and how many characters are left out."""

    shown: tuple[Piece, ...]
    folded: tuple[Piece, ...]
    left_out: int
    folded_length: int

    @property
    def kinds(self) -> tuple[str, ...]:
        """What was marked, each kind once."""
        return tuple(dict.fromkeys(p.kind for p in (*self.shown, *self.folded) if p.kind))


def marked(text: str, spans: Iterable[Span] = (), moved: Iterable[Span] = ()) -> Marked:
    """The text in pieces; of spans that overlap the first counts. What moved the reading may lie across spans."""
    kept = text[:MOST]
    fold = _fold(kept)
    pieces = tuple(_with_moved(_pieces(kept, spans), moved))
    shown, folded = _cut(pieces, fold)
    return Marked(
        shown=_clean(shown), folded=_clean(folded), left_out=len(text) - len(kept), folded_length=len(kept) - fold
    )


def clean(text: str) -> str:
    """The text without what could harm a page: controls, overrides and towers of accents become or lose marks."""
    out: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category[0] == "M" else 0
        if marks > _MARKS:
            continue
        harmful = category == "Cs" or character in _OVERRIDES or (category == "Cc" and character not in "\n\t")
        out.append("\ufffd" if harmful else character)
    return "".join(out)


def web_address(address: str | None) -> str | None:
    """The address if a browser may be sent there: http or https, without blanks or quotes; otherwise ``None``."""
    if address is None or len(address) > _LONGEST_ADDRESS or not _SAFE_ADDRESS.fullmatch(address):
        return None
    return address if clean(address) == address else None


def _fold(text: str) -> int:
    """Where the fold lies: a little text more is shown at once, a cut falls between words where there are any."""
    if len(text) <= SHOWN * 4 // 3:
        return len(text)
    space = text.rfind(" ", SHOWN - 80, SHOWN)
    return SHOWN if space < 0 else space + 1


def _pieces(text: str, spans: Iterable[Span]) -> Iterator[Piece]:
    position = 0
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        start, end = max(span.start, 0), min(span.end, len(text))
        if start < position or start >= end:
            continue
        yield Piece(text=text[position:start])
        yield Piece(text=text[start:end], kind=span.kind)
        position = end
    yield Piece(text=text[position:])


def _with_moved(pieces: Iterable[Piece], moved: Iterable[Span]) -> Iterator[Piece]:
    """The pieces cut once more where words that moved the reading begin and end."""
    stretches = [(span.start, span.end) for span in moved]
    position = 0
    for piece in pieces:
        start, end = position, position + len(piece.text)
        position = end
        cuts = sorted({start, end, *(at for stretch in stretches for at in stretch if start < at < end)})
        for a, b in pairwise(cuts):
            inside = any(first <= a and b <= last for first, last in stretches)
            yield Piece(text=piece.text[a - start : b - start], kind=piece.kind, moved=inside)


def _cut(pieces: Iterable[Piece], fold: int) -> tuple[list[Piece], list[Piece]]:
    before: list[Piece] = []
    after: list[Piece] = []
    position = 0
    for piece in pieces:
        at = min(max(fold - position, 0), len(piece.text))
        before.append(replace(piece, text=piece.text[:at]))
        after.append(replace(piece, text=piece.text[at:]))
        position += len(piece.text)
    return before, after


def _clean(pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    return tuple(replace(piece, text=clean(piece.text)) for piece in pieces if piece.text)
