"""What a mail may quote of a post: little, cleaned, and with the names masked."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from alerts.flag import QUOTABLE
from classifiers.verdict import Span

LIMIT = 500
# More of a post than this is never looked at: what is quoted comes from the beginning.
_READ = 4_000
# More accents than this on one letter are no language but a way to deface a page.
_MARKS = 3
_MASKS = {
    "pupil_name": "[name]",
    "adult_name": "[name]",
    "handle": "[account]",
    "postcode": "[address]",
    "address": "[address]",
    "phone": "[phone number]",
    "email": "[email address]",
    "class": "[class]",
    "date_of_birth": "[date of birth]",
}
_NAMES = ("pupil_name", "adult_name")
# A stretch that moved the reading is a few words.
_LONGEST_WORDS = 60
_MASKED = re.compile(r"\[[a-z ]+\]")
_LINK = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


@dataclass(frozen=True, kw_only=True)
class Excerpt:
    """A post's text with the spans to be masked, offsets in code points of that very text.

    ``moved`` are the stretches that moved the model's reading, strongest first.
    """

    text: str
    spans: tuple[Span, ...] = ()
    moved: tuple[Span, ...] = ()


def may_quote(concerns: Iterable[str], about: str | None) -> bool:
    """Whether a mail may quote posts of such a matter: only where every concern allows it and nobody is accused."""
    named = tuple(concerns)
    return bool(named) and about is None and all(concern in QUOTABLE for concern in named)


def quotation(excerpt: Excerpt, limit: int = LIMIT) -> str:
    """At most ``limit`` characters of the post, on one line, cut at a word, with names, links and addresses masked."""
    masked = _mask(excerpt.text[:_READ], excerpt.spans)
    return shortened(plain(_MAIL.sub("[email address]", _LINK.sub("[link]", masked))), limit)


def moving_words(excerpt: Excerpt) -> tuple[str, ...]:
    """The words that moved the reading, strongest first, as a mail may quote them; what is only a mask is left out."""
    text = excerpt.text[:_READ]
    names = _names(text, excerpt.spans)
    found: list[str] = []
    for stretch in excerpt.moved:
        inside = (
            Span(start=max(s.start - stretch.start, 0), end=s.end - stretch.start, kind=s.kind)
            for s in excerpt.spans
            if s.start < stretch.end and stretch.start < s.end
        )
        masked = _mask(text[stretch.start : stretch.end], inside, names)
        words = shortened(plain(_MAIL.sub("[email address]", _LINK.sub("[link]", masked))), _LONGEST_WORDS)
        if any(map(str.isalnum, _MASKED.sub("", words))):
            found.append(words)
    return tuple(dict.fromkeys(found))


def plain(text: str) -> str:
    """One line of text that is safe to lay out: no control characters, no change of direction, few marks a letter."""
    kept: list[str] = []
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category[0] == "M" else 0
        if category in ("Cc", "Zl", "Zp"):
            kept.append(" ")
        # The joiners stay, for emoji and for scripts that need them.
        elif (category in ("Cf", "Cs", "Cn") and character not in "\u200c\u200d") or marks > _MARKS:
            continue
        else:
            kept.append(character)
    return " ".join("".join(kept).split())


def shortened(text: str, limit: int) -> str:
    """The text itself, or its beginning up to a word's end with an ellipsis, at most ``limit`` characters in all."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    if not text[limit - 1].isspace() and " " in cut:
        cut = cut[: cut.rindex(" ")]
    return cut.rstrip(" ,;:–-") + "…"


def _names(text: str, spans: Iterable[Span]) -> set[str]:
    found = (text[max(span.start, 0) : span.end].strip() for span in spans if span.kind in _NAMES)
    return {name for name in found if name}


def _mask(text: str, spans: Iterable[Span], names: Iterable[str] = ()) -> str:
    """The text with each span replaced by what it is, and a masked name also wherever else it stands."""
    pieces: list[str] = []
    known = set(names)
    position = 0
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        start, end = max(span.start, position, 0), min(span.end, len(text))
        if start >= end:
            continue
        if span.kind in _NAMES:
            known.add(text[start:end].strip())
        pieces += [text[position:start], _MASKS.get(span.kind, "[removed]")]
        position = end
    masked = "".join([*pieces, text[position:]])
    again = "|".join(re.escape(name) for name in sorted(known, key=len, reverse=True) if name)
    return re.sub(rf"(?<!\w)(?:{again})(?!\w)", "[name]", masked, flags=re.IGNORECASE) if again else masked
