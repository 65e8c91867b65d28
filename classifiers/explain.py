"""Which words moved a score: measured by leaving words out and reading what is left; never guessed from weights; pure.

Of a long text the section is found first on which a label hangs, then its clauses, then their words, so that the
number of reads is bounded. A word alone may change nothing where another says the same: so the strongest is left
out first, and the next is measured without it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from classifiers.text import clean, plain
from classifiers.verdict import Span, Verdict

# The logits of all labels for a text.
Score = Callable[[str], Mapping[str, float]]
Range = tuple[int, int]

READS = 60  # of the model for one post, at most
MOST = 3  # stretches shown for one label
_LABELS = 4  # labels that are explained, the surest first
_SECTION = 480  # characters that are read together: about one window of the encoder
_SECTIONS = 8  # into which a longer text is cut at a time
_WORDS = 26  # that are left out one by one; of more the clauses come first
_CLAUSE = (4, 12)  # words in a clause: at least before a conjunction, at most
_POOL = 4  # of the strongest words that are measured again without the one before
_LEAST = 0.3  # logits that a stretch must move
_SHARE = 0.12  # of all that the text moves, that a stretch must move
_PHRASE = 3  # words of a phrase, where no word alone moves anything

_WORD = re.compile(
    r"(?:https?://|www\.)\S+|[^\s.,;:!?()\[\]{}\"…/“”]+(?:[.@&][^\s.,;:!?()\[\]{}\"…/“”]+)*", re.IGNORECASE
)
_EDGE = "'-’‘–—"
_BREAK = re.compile(r"[.,;:!?()…\n]|\s[-–—]\s")
_SENTENCE_END = re.compile(r"[.!?…]+[\s\"')]+|\n+")
_CONJUNCTIONS = frozenset({"and", "but", "because", "so", "or", "when", "who", "which", "while", "then", "if"})
# Words that say nothing alone; beside another they may be shown.
STOP_WORDS = frozenset(
    re.findall(
        r"\S+",
        """
        a about after again all also am an and any are as at be been before being but by can could did do does doing
        don't dont for from get go got had has have having he he's her here him his how i i'd i'll i'm i've if im in
        into is it it's its ive just like me more my no not of off on one or our out over own put say says she she's
        should so some than that that's the their them then there these they they're this those to too up us very was
        we we're were what when where which while who why will with would you you're your yours
        """,
    )
)


@dataclass(frozen=True)
class Word:
    """A word as it is read, and where it lies in the original; ``breaks`` where a clause ends before it."""

    start: int
    end: int
    text: str
    breaks: bool = False

    @property
    def says(self) -> bool:
        """Whether it says something alone."""
        return self.text.casefold() not in STOP_WORDS and any(map(str.isalpha, self.text))


def words(text: str) -> tuple[Word, ...]:
    """The words of a text with evasion undone: "k i l l" is one, and lies where all its letters lie."""
    reading = plain(clean(text))
    found: list[Word] = []
    end = 0
    for start, stop in _stretches(reading.text):
        first, last = reading.original(start, stop)
        breaks = bool(_BREAK.search(text[found[-1].end : first])) if found else True
        if found and first < found[-1].end:
            # The name of one emoji: several words for one character.
            found[-1] = Word(found[-1].start, max(last, end), found[-1].text, found[-1].breaks)
        else:
            found.append(Word(first, last, reading.text[start:stop].replace("’", "'"), breaks))
        end = found[-1].end
    return tuple(found)


def _stretches(text: str) -> Iterator[Range]:
    for match in _WORD.finditer(text):
        start, end = match.span()
        while start < end and text[start] in _EDGE:
            start += 1
        while end > start and text[end - 1] in _EDGE:
            end -= 1
        if start < end:
            yield start, end


def explain(text: str, labels: Sequence[str], score: Score, *, reads: int = READS) -> tuple[Span, ...]:
    """The stretches of ``text`` that moved the labels most; the kind of each is its label, strongest first.

    ``score`` gives the logits of a text, ``labels`` are those to be explained, the most important first. A label that
    no stretch moves has none: it is the whole, or what the text answers, that decides. At most ``reads`` reads.
    """
    # What lies beyond the bytes that are read has moved nothing.
    ends = clean(text).ends
    meter = _Meter(text[: ends[-1]] if ends else "", score, reads)
    found: list[tuple[float, Span]] = []
    for label in labels[:_LABELS]:
        for strength, (start, end) in _label(meter, label):
            found.append((strength, Span(start=start, end=end, kind=label)))
    return tuple(span for _, span in sorted(found, key=lambda item: (-item[0], item[1].start)))


def asked(verdict: Verdict) -> tuple[str, ...]:
    """The labels of a verdict that want explaining: raised, then undecided, each the surest first."""
    return tuple(
        label for group in (verdict.labels, verdict.review) for label in sorted(group, key=lambda n: -verdict.scores[n])
    )


def logit(score: float) -> float:
    """The logit of a score; one that is quite sure has a large one, not an endless one."""
    bounded = min(max(score, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))


@dataclass
class _Meter:
    """Reads a text without some of its words, each variant once, and no more than it may."""

    text: str
    score: Score
    left: int
    known: dict[tuple[Range, frozenset[Range]], Mapping[str, float]] = field(default_factory=dict)

    def read(self, section: Range, gone: Iterable[Range] = ()) -> Mapping[str, float] | None:
        """The logits of a section without the stretches that are gone; ``None`` where no read is left."""
        out = frozenset(gone)
        if (section, out) not in self.known:
            if not self.left:
                return None
            self.left -= 1
            self.known[section, out] = self.score(self._rest(section, out))
        return self.known[section, out]

    def logit(self, label: str, section: Range, gone: Iterable[Range] = ()) -> float | None:
        """One label's logit, as ``read``."""
        said = self.read(section, gone)
        return None if said is None else said[label]

    def _rest(self, section: Range, gone: Iterable[Range]) -> str:
        position, pieces = section[0], []
        for start, end in sorted(gone):
            pieces.append(self.text[position:start])
            position = max(position, end)
        return "".join([*pieces, self.text[position : section[1]]])


def _label(meter: _Meter, label: str) -> list[tuple[float, Range]]:
    """The stretches for one label with the logits that each moves, strongest first."""
    section = _section(meter, label)
    if section is None:
        return []
    inside = [
        Word(word.start + section[0], word.end + section[0], word.text, word.breaks)
        for word in words(meter.text[section[0] : section[1]])
    ]
    base = meter.logit(label, section)
    nothing = meter.logit(label, section, [_range(w) for w in inside])
    if not inside or base is None or nothing is None:
        return []
    least = max(_LEAST, _SHARE * (base - nothing))
    drops = _drops(meter, label, section, _candidates(meter, label, section, inside, base), base)
    chosen = _chosen(meter, label, section, drops, base, least)
    if not chosen:
        return _phrase(meter, label, section, inside, base, least)
    return sorted(_joined(inside, chosen, drops, least), key=lambda item: -item[0])[:MOST]


def _range(word: Word) -> Range:
    return word.start, word.end


def _section(meter: _Meter, label: str) -> Range | None:
    """The part of the text that says the label most by itself, the whole where it is short; or no read was left."""
    section = (0, len(meter.text))
    while section[1] - section[0] > _SECTION:
        parts = _parts(meter.text, section)
        said = [(meter.logit(label, part), part) for part in parts]
        known = [(value, part) for value, part in said if value is not None]
        if len(known) < len(parts):
            return None
        section = max(known, key=lambda item: item[0])[1]
    return section


def _parts(text: str, section: Range) -> list[Range]:
    """Up to eight parts of about the same length, cut at the end of a sentence, or else between words."""
    start, end = section
    number = min(_SECTIONS, max(2, math.ceil((end - start) / (_SECTION * 0.75))))
    size = (end - start) / number
    cuts = [start]
    for index in range(1, number):
        middle = start + round(index * size)
        low, high = max(cuts[-1] + 1, middle - round(size * 0.3)), min(end - 1, middle + round(size * 0.3))
        ends = [match.end() for match in _SENTENCE_END.finditer(text, low, high)]
        blank = text.rfind(" ", low, middle)
        near = min(ends, key=lambda at: abs(at - middle)) if ends else blank + 1 if blank >= 0 else middle
        cuts.append(max(near, cuts[-1] + 1))
    return list(pairwise([*cuts, end]))


def _candidates(meter: _Meter, label: str, section: Range, inside: Sequence[Word], base: float) -> list[Word]:
    """The words that are left out one by one: of a longer section only those of the clauses that count."""
    if len(inside) <= _WORDS:
        return list(inside)
    clauses = _clauses(inside)
    measured = []
    for clause in clauses:
        without = meter.logit(label, section, map(_range, clause))
        if without is not None:
            measured.append((base - without, clause))
    kept: list[Word] = []
    for _, clause in sorted(measured, key=lambda item: -item[0]):
        if kept and len(kept) + len(clause) > _WORDS:
            break
        kept += clause
    return sorted(kept, key=lambda word: word.start)[:_WORDS]


def _clauses(inside: Sequence[Word]) -> list[list[Word]]:
    least, most = _CLAUSE
    clauses: list[list[Word]] = []
    for word in inside:
        conjunction = word.text.casefold() in _CONJUNCTIONS and len(clauses[-1] if clauses else ()) >= least
        if not clauses or word.breaks or conjunction or len(clauses[-1]) >= most:
            clauses.append([])
        clauses[-1].append(word)
    while len(clauses) > _WORDS // 2:
        # The shortest neighbours go together: a flood of commas makes no flood of reads.
        at = min(range(len(clauses) - 1), key=lambda i: len(clauses[i]) + len(clauses[i + 1]))
        clauses[at : at + 2] = [clauses[at] + clauses[at + 1]]
    return clauses


def _drops(meter: _Meter, label: str, section: Range, some: Sequence[Word], base: float) -> dict[Word, float]:
    """What each word moves when it alone is left out."""
    found = {}
    for word in some:
        without = meter.logit(label, section, [_range(word)])
        if without is not None:
            found[word] = base - without
    return found


def _chosen(
    meter: _Meter, label: str, section: Range, drops: Mapping[Word, float], base: float, least: float
) -> dict[Word, float]:
    """The words that move the label one after the other, with what each moves once those before it are gone."""
    pool = sorted((word for word in drops if word.says), key=lambda word: -drops[word])
    chosen: dict[Word, float] = {}
    now = base
    while pool and len(chosen) < MOST + 1:
        tried = []
        for word in pool[: _POOL if chosen else 1]:
            left = meter.logit(label, section, [*map(_range, chosen), _range(word)])
            if left is not None:
                tried.append((now - left, word))
        gain, word = max(tried, key=lambda item: item[0], default=(0.0, pool[0]))
        if gain < least:
            break
        chosen[word] = gain
        now -= gain
        pool.remove(word)
    return chosen


def _phrase(
    meter: _Meter, label: str, section: Range, inside: Sequence[Word], base: float, least: float
) -> list[tuple[float, Range]]:
    """The phrase that moves the label most, where no word alone does."""
    found = []
    for run in _runs(inside)[:_WORDS]:
        without = meter.logit(label, section, map(_range, run))
        if without is not None and base - without >= least and (len(run) > 1 or run[0].says):
            found.append((base - without, (run[0].start, run[-1].end)))
    return [max(found)] if found else []


def _runs(inside: Sequence[Word]) -> list[Sequence[Word]]:
    """Every three words that follow each other in a clause; a shorter clause as a whole."""
    cuts = [index for index, word in enumerate(inside) if word.breaks or not index]
    runs: list[Sequence[Word]] = []
    for start, end in pairwise([*cuts, len(inside)]):
        last = max(start + 1, end - _PHRASE + 1)
        runs += [inside[i : min(i + _PHRASE, end)] for i in range(start, last)]
    return runs


def _joined(
    inside: Sequence[Word], chosen: Mapping[Word, float], drops: Mapping[Word, float], least: float
) -> Iterator[tuple[float, Range]]:
    """Neighbouring words as one stretch, with small words between them and what beside them moves it too."""
    shown = {index for index, word in enumerate(inside) if word in chosen}
    for index in sorted(shown):
        for before, beside in ((index, index - 1), (index + 1, index + 1)):
            parted = not 0 <= beside < len(inside) or inside[before].breaks
            if not parted and drops.get(inside[beside], 0.0) >= least:
                shown.add(beside)
    group: list[int] = []
    for index in sorted(shown):
        if group and not _belong(inside[group[-1] + 1 : index + 1]):
            yield _stretch(inside, group, chosen)
            group = []
        group.append(index)
    yield _stretch(inside, group, chosen)


def _belong(between: Sequence[Word]) -> bool:
    """Whether the last of these words goes on what stands before them: only small words lie between, and no pause."""
    parted = any(word.breaks for word in between) or any(word.says for word in between[:-1])
    return not parted and len(between) <= _PHRASE


def _stretch(inside: Sequence[Word], group: Sequence[int], chosen: Mapping[Word, float]) -> tuple[float, Range]:
    strength = sum(chosen.get(inside[index], 0.0) for index in group)
    return strength, (inside[group[0]].start, inside[group[-1]].end)
