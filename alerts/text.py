"""Text made plain for comparing: small letters, no accents, no look-alikes of other alphabets, bounded length."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 65_536  # code points read; nobody writes longer posts
_BLANKS = re.compile(r"[^\S\n]+")
# Letters of other alphabets that look like Latin ones, and hyphens that look like "-".
_ALIKE = str.maketrans(
    "ктмасеіјорѕухԁһӏԛԝАВЕЗІЈКМНОРСТУХЅԌԚԜαιορνυκτχΑΒΕΖΗΙΚΜΝΟΡΤΥΧıɑɡ\u2010\u2011\u2012",
    "ktmaceijopsyxdhlqwABE3IJKMHOPCTYXSGQWaiopvuktxABEZHIKMNOPTYXiag---",
)


def fold(text: str) -> str:
    """The text in small letters, without accents, look-alikes, invisible marks and typographic quotes; linear."""
    plain = "".join(_plain(c) for c in text[:LONGEST])
    return _BLANKS.sub(" ", plain.replace("’", "'").replace("‘", "'").casefold())


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    # One character at a time: normalising a run of 200,000 combining marks at once takes a minute.
    if unicodedata.category(character) == "Cf":
        return ""
    apart = unicodedata.normalize("NFKD", character)
    return "".join(c for c in apart if not unicodedata.combining(c)).translate(_ALIKE)
