"""What is a format and not a meaning: postcodes, phone numbers, handles, years, forms, dates of birth, addresses; pure.

Every pattern is linear in the text: repetitions are bounded, and each can begin only where a word begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from classifiers.language import is_readable, says_something
from classifiers.text import Reading, clean
from classifiers.verdict import LABELS, Passage, Span, Verdict

_AREAS = (
    "A[BL]|B[ABDHLNRST]?|C[ABFHMORTVW]|D[ADEGHLNTY]|E[CHNX]?|F[KY]|G[LUY]?|H[ADGPRSUX]|I[GMPV]|JE|K[ATWY]|L[ADELNSU]?|"
    "M[EKL]?|N[EGNPRW]?|O[LX]|P[AEHLOR]|R[GHM]|S[AEGKLMNOPRSTWY]?|T[ADFNQRSW]|UB|W[ACDFNRSV]?|YO|ZE"
)
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|"
    "oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_DATE = (
    r"(?:\d{1,2}[/.\-]\d{1,2}[/.\-](?:\d{4}|\d{2})|\d{4}-\d{2}-\d{2}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?(?:{_MONTHS})\b,?(?: \d{{4}}\b| '?\d{{2}}\b)?"
    rf"|(?:{_MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}}\b)?)"
)
_ROADS = (
    "Street|St|Road|Rd|Lane|Ln|Avenue|Ave|Drive|Close|Court|Crescent|Cres|Gardens|Gdns|Grove|Place|Terrace|Square|"
    "Walk|Row|Mews|Rise|Parade|Croft|Fold|Way|View|Hill"
)
_PLAIN_ROADS = "street|road|rd|lane|avenue|ave|close|crescent|drive|gardens|grove|terrace|mews"
_TREES = (
    "Acorn|Alder|Ash|Aspen|Beech|Birch|Cedar|Cherry|Chestnut|Elder|Elm|Hawthorn|Hazel|Holly|Juniper|Larch|Lime|Maple|"
    "Oak|Pine|Poplar|Rowan|Spruce|Sycamore|Willow|Yew|Badger|Falcon|Fox|Hedgehog|Kestrel|Kingfisher|Otter|Owl|Puffin|"
    "Robin|Skylark|Sparrow|Squirrel|Swallow|Swift|Wren"
)

_ANY_CASE = re.IGNORECASE
# The kind and its pattern; a group called "span" is the stretch itself. What comes first wins where two overlap.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "email",
        re.compile(r"(?<![\w.+\-@])[\w.+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){0,4}\.[A-Za-z]{2,24}\b"),
    ),
    (
        "handle",
        re.compile(r"(?<![\w@./])@[A-Za-z0-9_](?:[\w.\-]{0,62}\w)?(?:@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,4})?"),
    ),
    (
        "handle",
        re.compile(
            r"\b(?:snap(?:chat)?|insta(?:gram)?|ig|sc|discord|tiktok|add me)(?: is|:|,|;)? {0,2}"
            r"(?=[\w.]{0,30}[\d_])(?P<span>[a-z][\w.]{2,28}\w)\b",
            _ANY_CASE,
        ),
    ),
    ("handle", re.compile(r"(?<![\w.#/@])[a-z]{2,20}[._][a-z_]{1,20}\d{1,4}(?![\w./])")),
    (
        "date_of_birth",
        re.compile(
            r"\b(?:d\.?o\.?b\.?|date of birth|born(?: on)?|birth ?date|birthday)(?: is| was| on)?"
            rf"[\s:=,\-(]{{0,3}}(?P<span>{_DATE})",
            _ANY_CASE,
        ),
    ),
    ("postcode", re.compile(rf"\b(?:{_AREAS})(?:\d[A-HJKMNP-Y]|\d{{1,2}}) ?\d[ABD-HJLNP-UW-Z]{{2}}\b")),
    (
        "postcode",  # in small letters "m1 2nd" would pass for one
        re.compile(rf"\b(?:{_AREAS})(?:\d[a-hjkmnp-y]|\d{{1,2}}) \d(?!st|nd|rd|th)[abd-hjlnp-uw-z]{{2}}\b", _ANY_CASE),
    ),
    ("phone", re.compile(r"(?<![\w+.])(?:\+44[ \-]?(?:\(0\))?|\(?0)(?:[ \-()]{0,2}\d){9,10}(?![\d\w])")),
    (
        "address",
        re.compile(
            r"\b(?:[Ff]lat \d{1,3}[A-Za-z]?,? )?\d{1,3}[A-Za-z]?,? "
            rf"(?:[A-Z][\w'\-]{{1,20}} ){{1,3}}(?:{_ROADS})\b"
        ),
    ),
    (
        "address",
        re.compile(
            r"\b(?:flat \d{1,3}[a-z]?,? )?\d{1,3}[a-z]? (?!(?:minutes?|mins?|miles?|hours?|beds?|doors?) )"
            rf"[a-z'\-]{{3,20}} (?:{_PLAIN_ROADS})\b",
            _ANY_CASE,
        ),
    ),
    (
        "class",
        re.compile(
            r"\b(?:years?|yrs?|y|class|form|tutor group) ?(?:1[0-3]|[1-9])(?:[A-Z]{1,2}\d?|[a-z])?"
            r"(?![\w%£/]|[.:]\d)",
            _ANY_CASE,
        ),
    ),
    (
        "class",  # "9C", "11SW", yet not "5K", "4G" or "10PM"
        re.compile(
            r"(?<![\w.£$/:\-])(?:1[0-3]|[1-9])"
            r"(?!(?:[DKGXPM]|AM|PM|GB|KG|KM|MB|TV|ST|ND|RD|TH|HD|CM|MM|ML|HR|OZ)\b)[A-Z]{1,2}\d?(?![\w%/])"
        ),
    ),
    ("class", re.compile(rf"\b(?:1[0-3]|[1-9]) (?:{_TREES})\b|\b(?:{_TREES})s? [Cc]lass\b|\b[Cc]lass (?:{_TREES})\b")),
    (
        "class",  # the class, not the desk at the entrance
        re.compile(
            r"(?<!at )(?<!the )(?<!main )(?<!to )\bReception\b(?! (?:desk|staff|office|area|phone|is|opens|closes))"
        ),
    ),
    (
        "class",
        re.compile(
            r"\b(?:[Ss]ixth [Ff]orm|[LU]6|YR|Y(?:ea)?r ?R|[Nn]ursery class|[Rr]eception class|"
            r"[LUlu](?:pp|ow)er [Ss]ixth)\b"
        ),
    ),
)

# How much each format alone says that a pupil can be told from the post: a rule of thumb, not a measurement.
_TELLING = {"date_of_birth": 0.5, "address": 0.3, "phone": 0.2, "class": 0.2, "handle": 0.1, "email": 0.1}


def find_spans(reading: Reading) -> tuple[Span, ...]:
    """All formats in a clean reading, where they lie in the original; none overlap, in order."""
    taken: list[tuple[int, int, str]] = []
    for kind, pattern in _PATTERNS:
        group = "span" if "span" in pattern.groupindex else 0
        found = [(*match.span(group), kind) for match in pattern.finditer(reading.text)]
        taken = _merged(taken, found)
    return tuple(_spans(reading, taken))


def _merged(taken: list[tuple[int, int, str]], found: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Both lists in order, without those of ``found`` that overlap one of ``taken``."""
    if not found or not taken:
        return taken or found
    kept, index = [], 0
    for span in found:
        while index < len(taken) and taken[index][1] <= span[0]:
            index += 1
        if index == len(taken) or taken[index][0] >= span[1]:
            kept.append(span)
    return sorted(taken + kept)


def _spans(reading: Reading, found: Sequence[tuple[int, int, str]]) -> Iterator[Span]:
    for begin, finish, kind in found:
        start, end = reading.original(begin, finish)
        yield Span(start=start, end=end, kind=kind)


def unread_reason(passage: Passage, reading: Reading) -> str | None:
    """Why nothing can be said of the passage (``picture``, ``empty``, ``language``), or None."""
    if not reading.text.strip():
        return "picture" if passage.has_image else "empty"
    if passage.has_image and not says_something(reading.text):
        return "picture"
    return None if is_readable(reading.text) else "language"


class PatternClassifier:
    """Finds formats alone: spans, and from them a guess whether a pupil is identified; it knows no meaning."""

    name = "patterns"
    version = "1"

    def classify(self, passages: Sequence[Passage]) -> list[Verdict]:
        """One verdict a passage; every label but ``identifies_pupil`` scores 0."""
        return [self._read(passage) for passage in passages]

    def _read(self, passage: Passage) -> Verdict:
        reading = clean(passage.text)
        spans = find_spans(reading)
        unread = unread_reason(passage, reading)
        if unread:
            return Verdict(model=self.name, version=self.version, spans=spans, unread=unread)
        scores = dict.fromkeys(LABELS, 0.0)
        harmless = 1.0
        for kind in {span.kind for span in spans}:
            harmless *= 1 - _TELLING.get(kind, 0.0)
        scores["identifies_pupil"] = round(1 - harmless, 4)
        kinds = ", ".join(sorted({span.kind.replace("_", " ") for span in spans}))
        return Verdict(
            model=self.name,
            version=self.version,
            scores=scores,
            spans=spans,
            reason=f"The text holds: {kinds}." if kinds else "The text holds no personal details of a known format.",
            unread="too_long" if reading.cut else None,
        )
