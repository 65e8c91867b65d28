"""Undoes what hides words from a reader, and remembers where every character came from; pure.

Two readings of a text: ``clean`` (characters made plain: for formats) and ``plain`` (evasion undone as well: for
meaning). Both keep, for every character, the code points of the original that it stands for. Linear in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

LIMIT_BYTES = 65_536  # of UTF-8; what lies beyond is not read, and that is said
_EMOJI_SPELLED = 200  # names of emoji added to one text at most: a flood of them says no more than its beginning
_LATIN_SHARE = 0.5  # from this share of Latin letters on, look-alikes of other scripts are taken for disguise

# Letters of other scripts that are drawn like Latin ones (after Unicode's confusables), and stylised ones that the
# compatibility decomposition does not know: small capitals.
_LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕԁһԛԝмтвнкгАЕОРСУХІЈЅТВНКМαοινρυκτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhqwmtbhkrAEOPCYXIJSTBHKMaoivpuktABEZHIKMNOPTYX",
)
_SMALL_CAPITALS = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True))
_PUNCTUATION = {"‘": "'", "’": "'", "ʼ": "'", "`": "'", "´": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-"}
_SQUARED_LETTERS = (0x1F130, 0x1F150, 0x1F170)  # each begins an alphabet of A to Z in boxes or discs
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_LAST_LETTER = 25

_ODD_PLAIN = re.compile(
    r"[^\x00-\x7f]|([^\d\s])\1\1|[A-Za-z][013457@$][A-Za-z013457$@]|(?:^|\W)\$\w|\b\w[ .\-_*]\w[ .\-_*]\w\b"
)
_EMOJI = re.compile("[\u203c\u2049\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]")
_REPEATED = re.compile(r"([^\d\s])\1{2,}")
_SPACED = re.compile(r"(?<!\w)(?:[A-Za-z] (?:[A-Za-z] ){2,}|[A-Za-z]([.\-_*])(?:[A-Za-z]\1)+)[A-Za-z](?!\w)")
_LEET = re.compile(
    r"(?<=[A-Za-z])([013457$])\1?(?=[A-Za-z])|(?<!\w)\$(?=[A-Za-z]{3})|(?<=[a-z])@(?=[a-z]{1,4}(?![\w.@]))"
)
_LEET_LETTERS = str.maketrans("013457$@", "oieastsa")
_TOKEN = re.compile(r"\S+")
_NOT_LEET = re.compile(r"https?:|www\.|[@#]|\S*@\S*\.|(?:year|yr|y|class|form|room|set|ks|p|grade)[1-9]", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """A text as it is read: character ``i`` stands for the original's ``starts[i]`` to ``ends[i]``."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]
    cut: bool = False

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where in the original the non-empty stretch ``start`` to ``end`` of this reading lies."""
        return self.starts[start], self.ends[end - 1]


def clean(text: str) -> Reading:
    """The text with plain characters: no invisible ones, no marks, no disguised letters; at most 64 kB are read."""
    kept, cut = _cap(text)
    if kept.isascii():
        kept = kept.replace("\n", " ").replace("\r", " ").replace("\t", " ")
        if kept.isprintable():
            return Reading(kept, range(len(kept)), range(1, len(kept) + 1), cut)
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for index, character in enumerate(kept):
        folded = _fold(character)
        if not folded and ends:
            ends[-1] = index + 1  # a mark or an invisible character belongs to what it follows
        characters.extend(folded)
        starts.extend([index] * len(folded))
        ends.extend([index + 1] * len(folded))
    return Reading(_unmask("".join(characters)), starts, ends, cut)


def plain(reading: Reading) -> Reading:
    """A clean reading with evasion undone: repeats, spaced letters and digits for letters; emoji become words."""
    if not _ODD_PLAIN.search(reading.text):
        return reading
    reading = _splice(reading, ((m.start() + 2, m.end(), "") for m in _REPEATED.finditer(reading.text)))
    reading = _splice(reading, _spaced_edits(reading.text))
    reading = _splice(reading, _leet_edits(reading.text))
    return _splice(reading, _emoji_edits(reading.text))


def _cap(text: str) -> tuple[str, bool]:
    """The first 64 kB, and whether that is less than the whole; never cut inside a character."""
    if len(text) * 4 <= LIMIT_BYTES:
        return text, False
    encoded = text[: LIMIT_BYTES + 1].encode("utf-8", "surrogatepass")
    if len(encoded) <= LIMIT_BYTES:
        return text, False
    end = LIMIT_BYTES
    while encoded[end] & 0xC0 == 0x80:  # noqa: PLR2004 - a continuation byte of UTF-8
        end -= 1
    return encoded[:end].decode("utf-8", "surrogatepass"), True


@lru_cache(maxsize=8192)
def _fold(character: str) -> str:
    """What one character is read as: nothing, itself, or plain letters."""
    if character in _PUNCTUATION:
        return _PUNCTUATION[character]
    code = ord(character)
    category = unicodedata.category(character)
    if character in "\t\n\r\x0b\x0c\x85" or category in {"Zs", "Zl", "Zp"}:
        return " "
    if category in {"Cc", "Cf", "Cs", "Co", "Mn", "Me"} or code in _SKIN_TONES:
        return ""
    if character in _SMALL_CAPITALS:
        return _SMALL_CAPITALS[character]
    for first in _SQUARED_LETTERS:
        if 0 <= code - first <= _LAST_LETTER:
            return chr(ord("A") + code - first)
    decomposed = "".join(c for c in unicodedata.normalize("NFKD", character) if unicodedata.category(c) != "Mn")
    return decomposed.replace("⁄", "/") if decomposed.replace("⁄", "").isascii() else character


def _unmask(text: str) -> str:
    """Look-alike letters made Latin, where the text is Latin otherwise; a Cyrillic text stays Cyrillic."""
    if text.isascii():
        return text
    letters = sum(map(str.isalpha, text))
    latin = sum(map(str.isascii, filter(str.isalpha, text)))
    return text.translate(_LOOK_ALIKES) if letters and latin >= letters * _LATIN_SHARE else text


def _splice(reading: Reading, edits: Iterable[tuple[int, int, str]]) -> Reading:
    """The reading with each stretch (start, end) replaced: letter by letter where the lengths agree."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    position = 0
    for start, end, replacement in edits:
        pieces += [reading.text[position:start], replacement]
        starts.extend(reading.starts[position:start])
        ends.extend(reading.ends[position:start])
        if len(replacement) == end - start:
            starts.extend(reading.starts[start:end])
            ends.extend(reading.ends[start:end])
        else:
            starts.extend([reading.starts[start]] * len(replacement))
            ends.extend([reading.ends[end - 1]] * len(replacement))
        if not replacement and ends:
            ends[-1] = reading.ends[end - 1]
        position = end
    if not position:
        return reading
    pieces.append(reading.text[position:])
    starts.extend(reading.starts[position:])
    ends.extend(reading.ends[position:])
    return Reading("".join(pieces), starts, ends, reading.cut)


def _spaced_edits(text: str) -> Iterable[tuple[int, int, str]]:
    """Each separator between single letters goes: "k i l l" is read as "kill"."""
    for match in _SPACED.finditer(text):
        for index in range(match.start() + 1, match.end(), 2):
            yield index, index + 1, ""


def _leet_edits(text: str) -> Iterable[tuple[int, int, str]]:
    """Each digit or sign that stands for a letter becomes it, in words that are no handle, link, address or class."""
    for token in _TOKEN.finditer(text):
        word = token.group()
        if word.isalpha() or _NOT_LEET.match(word) or not any(c.islower() for c in word):
            continue
        for match in _LEET.finditer(text, token.start(), token.end()):
            yield match.start(), match.end(), match.group().translate(_LEET_LETTERS)


def _emoji_edits(text: str) -> Iterable[tuple[int, int, str]]:
    """Each emoji becomes its name, twice at most; of a flood only the beginning."""
    seen: Counter[str] = Counter()
    for match in _EMOJI.finditer(text):
        character = match.group()
        seen[character] += 1
        spelled = seen[character] <= 2 and len(seen) <= _EMOJI_SPELLED  # noqa: PLR2004 - once more for emphasis
        name = unicodedata.name(character, "").lower() if spelled else ""
        yield match.start(), match.end(), f" {name} " if name else ""
