"""A post as its words stand in order, and what else in it names somebody: tags, handles, links, postcodes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from alerts.linking import names_in, site
from alerts.text import fold
from connectors.post import Post

# Words that make a lone short name a school's: "the uniform at Oakfield".
_SCHOOLISH = re.compile(
    r"\b(?:schools?|academy|academies|college|primary|infants?|juniors?|nursery|pre-?school"
    r"|sixth form\w*|head ?teachers?"
    r"|head of \w+|the head|principal|teachers?|teaching|pupils?|students?|parents?|parents' evening"
    r"|year \d{1,2}s?|yr \d"
    r"|y\d{1,2}|\d{1,2}[a-z]|reception|class(?:es|room)?|lessons?|governors?|uniform|blazers?"
    r"|ties?|pe kit|homework|ofsted"
    r"|sats|gcses?|a-levels?|mocks|assembly|playground|canteen|dinner lad(?:y|ies)|detention"
    r"|exclu(?:ded|sion)|suspended"
    r"|isolation|inset|half[- ]term|term dates|school run|open evening|sen(?:d|co)?|staff|trust|ysgol|szkol\w*|ecole)\b"
)
_POSTCODE = re.compile(r"\b([a-z]{1,2}\d[a-z\d]?) ?\d[a-z]{2}\b")
_TAG = re.compile(r"#(\w+)")
_HANDLE = re.compile(r"(?<![\w.])@([\w.-]*\w)")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """The words of a post, in order, and what else names a school: tags, handles, links, postcodes.

    ``parted`` are the words before which a comma or a bracket stands, ``places`` is where each word stands.
    """

    words: tuple[str, ...]
    parted: frozenset[int]
    places: dict[str, list[int]]
    tags: frozenset[str]
    handles: frozenset[str]
    links: tuple[tuple[str, ...], ...]
    postcodes: frozenset[str]
    schoolish: bool

    def find(self, phrase: Sequence[str]) -> list[int]:
        """Where the phrase starts."""
        size = len(phrase)
        return [n for n in self.places.get(phrase[0], ()) if self.words[n : n + size] == tuple(phrase)] if size else []

    def holds(self, name: str) -> bool:
        """Whether the words of the name stand together somewhere."""
        return any(self.find(way) for way in ways(name))


@lru_cache(maxsize=4096)
def ways(name: str) -> tuple[tuple[str, ...], ...]:
    """The ways in which a name is written: "St Mary's", "St Marys", "Saint Mary's"."""
    plain = words_of(name)
    joined = words_of(re.sub(r"['’]", "", name))
    return tuple(dict.fromkeys(way for way in (plain, joined) if way))


def words_of(text: str) -> tuple[str, ...]:
    """The words of a text, folded; a possessive "'s" is left out, "Saint" is "st"."""
    return tuple("st" if word == "saint" else word for word in _WORD.findall(_plain(text)))


def _parted(text: str) -> frozenset[int]:
    """Which words of the text follow a comma or an opening bracket."""
    plain = _plain(text)
    return frozenset(
        n
        for n, m in enumerate(_WORD.finditer(plain))
        if plain[max(0, m.start() - 2) : m.start()].strip()[-1:] in (",", "(")
    )


def _plain(text: str) -> str:
    return re.sub(r"'s\b|'", "", fold(text))


def is_schoolish(text: str) -> bool:
    """Whether a text speaks of what belongs to a school."""
    return _SCHOOLISH.search(fold(text)) is not None


def within(phrase: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether the phrase stands somewhere in the words."""
    return any(words[n : n + len(phrase)] == phrase for n in range(len(words) - len(phrase) + 1))


def squash(name: str) -> str:
    """A name as a tag or handle has it: without blanks and marks."""
    return "".join(_WORD.findall(fold(name)))


def spoken(post: Post) -> Spoken:
    """The post, read."""
    alts = " ".join(m.alt for m in post.media if m.alt)
    text = f"{post.text}\n{alts}" if alts else post.text
    spaced = _TAG.sub(lambda m: f" {_CAMEL.sub(' ', m.group(1))} ", text)
    folded = fold(spaced)
    words = words_of(spaced)
    places: dict[str, list[int]] = {}
    for n, word in enumerate(words):
        places.setdefault(word, []).append(n)
    profiles = {squash(name) for name in names_in(post.links)}
    return Spoken(
        words=words,
        parted=_parted(spaced),
        places=places,
        tags=frozenset(squash(tag) for tag in _TAG.findall(text)),
        handles=frozenset({squash(h.split("@")[0]) for h in _HANDLE.findall(text)} | profiles) - {""},
        links=tuple(filter(None, map(site, post.links))),
        postcodes=frozenset(m.group(1) for m in _POSTCODE.finditer(folded)),
        schoolish=_SCHOOLISH.search(folded) is not None,
    )
