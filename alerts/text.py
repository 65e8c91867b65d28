"""Text made plain for comparing: small letters, no accents, bounded length."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

LONGEST = 65_536  # code points read; nobody writes longer posts
_BLANKS = re.compile(r"[^\S\n]+")


def fold(text: str) -> str:
    """The text in small letters, without accents and typographic quotes, one space at a time; linear in its length."""
    plain = "".join(_plain(c) for c in text[:LONGEST])
    return _BLANKS.sub(" ", plain.replace("’", "'").replace("‘", "'").casefold())


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    # One character at a time: normalising a run of 200,000 combining marks at once takes a minute.
    return "".join(c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c))
