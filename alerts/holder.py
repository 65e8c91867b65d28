"""Which public role-holder a text names or describes, and what it alleges of them; pure.

A post that alleges something of the Head must not be brought to the Head. So a name or a title counts in every form
in which people write it, and an allegation near it counts as one about them; an opinion on a decision does not.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from alerts.allegation import COMPLAINT, Allegation, allegations
from alerts.school import HEAD_ROLES, Holding, Person
from alerts.text import fold

# Titles, the longer before the shorter. "the head" alone is a person only where no part of a body, no department and
# no other noun follows ("hit him on the head", "head of maths", "head lice").
TITLES: tuple[tuple[str, str], ...] = (
    ("deputy_dsl", r"deputy (?:dsl|(?:designated )?safeguarding lead)"),
    ("dsl", r"dsl|(?:designated )?safeguarding (?:lead|officer|governor)"),
    ("hr", r"head of hr|hr (?:lead|manager|director|officer|department|team)"),
    ("data_lead", r"data (?:lead|manager)"),
    ("dpo", r"dpo|data protection officer"),
    (
        "deputy_headteacher",
        r"(?:deputy|assistant|vice)[ -](?:head[ -]?(?:teacher|master|mistress)?|principal)|(?:the"
        r"|our) deputy|dep(?:uty)? ht",
    ),
    (
        "chair_of_trustees",
        r"chair(?:man|woman|person)? of (?:the )?(?:board of )?(?:trust board|trustees"
        r"|trust|board)",
    ),
    (
        "chair_of_governors",
        r"chair(?:man|woman|person)? of (?:the )?(?:local )?(?:board of )?(?:governors|governance"
        r"|governing (?:body|board)|govs)|chair gov(?:ernor)?",
    ),
    ("board_of_trustees", r"(?:board of )?trustees|trust board"),
    ("governing_body", r"(?:board of )?governors|governing (?:body|board)"),
    ("ceo", r"ceo|chief exec(?:utive)?(?: officer)?"),
    (
        "headteacher",
        r"(?:exec(?:utive)? )?head[ -]?(?:teach?e?a?r(?:s(?= an? ))?|teech?er|techer|teahcer|master|mistress|miss)"
        r"|head of (?:the )?(?:whole )?school|principal|princip[ae]l|executive head|y? ?b?pennaeth"
        r"|prifathro|prifathrawes"
        r"|boss of (?:the|this|our|that) school|who(?:ever)? runs (?:the|this|our|that) school"
        r"|(?:man|woman|person) in charge of (?:the|this|our|that) school"
        r"|(?:the|our|ur|that|this|your|new|old|acting|interim|current) ht(?! ?(?:\d|break|holiday|club|week))"
        r"|ht(?='s | (?:is|was|has|who|stole|lied|lies|hit|said|did)\b)"
        r"|(?:the|our|ur|that|this|her|his|their|your|new|old|a|which|acting|interim|current|so-called|school) head"
        r"(?![ -]?(?:of|girl|boy|lice|louse|injur\w*|start|ache|band|phones?|butt\w*|office|chef"
        r"|coach|count|teach\w*|tech\w*|teec\w*|masters?|mistress|on|shot|wound|lines?|first|height|space"
        r"|spin|board|rest|scarf|torch)\b)"
        r"|(?:(?<=thieving )|(?<=lying )|(?<=corrupt )|(?<=racist )|(?<=sexist )|(?<=crooked )"
        r"|(?<=drunk )|(?<=drunken )|(?<=bent ))head",
    ),
    ("line_manager", r"line manager"),
    ("it_technician", r"it (?:technician|manager|coordinator)"),
    ("trustee", r"trustee"),
    ("governor", r"governor"),
    ("leadership_team", r"slt|(?:senior )?leadership(?: team)?|senior leaders"),
    ("teacher", r"teachers?|teaching assistants?|tutor|head of \w+|sen(?:d)?co"),
    (
        "staff",
        r"(?:members? of )?staff|caretaker|site (?:manager|team)|receptionist|(?:lunchtime"
        r"|midday) supervisors?"
        r"|dinner lad(?:y|ies)"
        r"|office lad(?:y|ies)|bursar|business manager",
    ),
)
# "#SackTheHead": run together, so that no word stands alone.
_HASHTAG = re.compile(
    r"#\w{0,30}?(?:head_?(?:teacher|master|mistress)|principal|(?:the|our)_?head(?!ache|line|phone))\w{0,30}"
)
_TITLE = re.compile(r"\b(?:" + "|".join(f"(?P<{role}>{words})" for role, words in TITLES) + r")(?!\w)")
# Parts of the body, not persons: "on the head", "a blow to the head".
_BODY = re.compile(
    r"(?:\b(?:on|in|round|around|over|off|against|inside|above)|\b(?:blow|kick|punch|bang|knock"
    r"|shot|injury|hit|bump)s? to) $"
)
# Said to them, not of them: "told the head that …", "complained to the head", "asked Mrs Quill to act".
_ADDRESSED = re.compile(
    r"\b(?:told|tell|telling|asked|asking|ask|emailed|email|messaged|rang|called|phoned|informed"
    r"|inform|contact(?:ed)?|thank(?:s to)?|dear|hi|hello"
    r"|(?:complain\w*|report\w*|spoke|speak|spoken|talk\w*|wr[io]te|written|went|go|gone|apologi[sz]ed"
    r"|letter|email|said|taken?|took|it|this) "
    r"(?:\w+ ){0,3}?(?:to|with))(?: (?:the|our))? $"
)
_HONORIFIC = (
    r"(?:mr|mrs|ms|miss|mx|dr|sir|dame|lady|lord|prof|professor|rev|revd|reverend|father|sister|mister|madam|coach"
    r"|head|headteacher|principal)"
)
# What letters are written as to hide a name: "M00re", "Mo*re".
_LEET = {"a": "a4@", "b": "b8", "e": "e3", "g": "g9", "i": "i1!l|", "l": "l1|", "o": "o0", "s": "s5$", "t": "t7+"}
# Names that are no person's: shared mailboxes and firms count only when they are named in full.
_SHARED = re.compile(
    r"\b(?:office|team|body|board|school|academy|primary|college|trust|trustees|governors?|support|services?|desk"
    r"|helpdesk|it|ltd|limited|technology|technologies|reception|safeguarding|central|admin|hr|staff|leadership|slt"
    r"|council|authority|solicitors?|teacher|dsl|dpo)\b"
)
# Surnames that are ordinary words: alone they name nobody.
_WORDS = frozenset(
    re.findall(
        r"\w+",
        "bell best bird black book brown bush butcher carpenter church clay cook cross day dean "
        "drew dyer early english "
        "field fields fish fisher ford forest fox frost gold good grant gray green grey hall hand "
        "hardy hill hope house "
        "hunt hunter joy king kind knight lake lane law little long lord love low major man march "
        "marsh mason may mills "
        "moor moon new noble north page park parks penny pike place pond poole pope price pride "
        "queen rain read ready "
        "reed rich rose royal savage sharp shepherd short silver singer small smart snow south "
        "speed spring stone storm "
        "street strong summer summers swan swift taylor thatcher town walker wall ward waters way "
        "weeks wells west white "
        "wild will wise wood woods wright young youth will mark grace faith an ali the head teach",
    )
)
_PRONOUN = re.compile(
    r"\b(?:he|she|they|him|her|his|hers|their|himself|herself|who|he's|she's|they're|man|woman"
    r"|bloke|guy|cow|git|idiot)\b"
)
_SENTENCE = re.compile(r"[.!?]+(?:\s|$)|\n+")
# What joins two who do the same: "the head and Mr Brook stole it".
_JOINED = re.compile(r"(?:'s)?[\s,]*(?:and|&|/|,|or|plus|aka|\()?[\s,]*(?:the |our |his |her |their )?")
# What may stand between an allegation and the one it is about: "assaulted … by the", "thieving cow of a".
_BY = re.compile(r"[^.!?]{0,80}\b(?:by|from) (?:(?:the|our|this|that|a|her|his|their) )?")
_NEXT = re.compile(_BY.pattern + r"| ?(?:\w+ of (?:a|an) )?(?:the |our )?")
# Whose route is most unlike the ordinary one counts first.
_RANK = {role: n + 1 for n, (role, _) in enumerate(TITLES)} | dict.fromkeys((*HEAD_ROLES, "ceo"), 0)
SHORT = 3  # letters of a name that is too short to be looked for inside other words
REACH = 100  # code points between an allegation and the one whom it names after it
CARRY = 2  # sentences over which "he" or "she" still means the one named before


@dataclass(frozen=True, kw_only=True)
class Holder:
    """A role-holder whom a text names or describes.

    ``named`` says that it is by name; ``alleged`` is the kind of conduct alleged of them, or ``None``; ``sure`` is
    false where the allegation may be about somebody else; ``addressed`` says that they are only spoken to ("told the
    head"); ``start`` and ``end`` are where the folded text has them; ``person`` is the id of the one who is named.
    """

    role: str
    named: bool
    start: int
    end: int
    alleged: str | None = None
    sure: bool = False
    addressed: bool = False
    person: str | None = None


def holders(text: str, officers: Iterable[tuple[Holding, Person]] = (), *, school: str = "") -> tuple[Holder, ...]:
    """Everybody in a role whom the text names or describes, in its order, with what is alleged of them.

    ``school`` is the school's name: a surname that is a word of it names nobody when it stands alone.
    """
    folded = fold(text)
    besides = frozenset(re.findall(r"\w+", fold(school)))
    by_name = _by_name(folded, tuple(officers), besides)
    found = sorted((*_by_title(folded), *by_name), key=lambda h: (h.start, not h.named))
    if not found:
        return ()
    reading = _Reading(folded, found)
    for allegation in allegations(folded):
        reading.attribute(allegation)
    return tuple(reading.found)


def accused(found: Iterable[Holder], *, unsure: bool) -> tuple[Holder, ...]:
    """Those of whom something is alleged, each role once, the most senior first.

    ``unsure`` says whether an allegation that may be about somebody else counts.
    """
    first: dict[str, Holder] = {}
    for holder in found:
        if holder.alleged is not None and (holder.sure or unsure):
            first.setdefault(holder.role, holder)
    return tuple(sorted(first.values(), key=lambda h: _RANK.get(h.role, len(_RANK))))


class _Reading:
    """A folded text with the holders in it, while allegations are attributed to them."""

    def __init__(self, folded: str, found: list[Holder]) -> None:
        self.folded = folded
        self.found = [
            replace(h, addressed=_ADDRESSED.search(folded[max(0, h.start - 60) : h.start]) is not None) for h in found
        ]
        self.starts = [h.start for h in found]
        self.sentences = [0, *(m.end() for m in _SENTENCE.finditer(folded))]
        self.pronouns = [m.start() for m in _PRONOUN.finditer(folded)]

    def attribute(self, allegation: Allegation) -> None:
        """Note the allegation on those whom it is, or may be, about."""
        follower = self._follower(allegation)
        if follower is not None:
            self._note(follower, allegation.kind, sure=not allegation.weak)
        elif not allegation.elsewhere and allegation.kind != COMPLAINT:
            self._from_before(allegation)

    def _follower(self, allegation: Allegation) -> int | None:
        """Who follows closely: "assaulted by the head", "the thieving head"."""
        n = bisect_left(self.starts, allegation.end)
        if n == len(self.found) or self.starts[n] - allegation.end > REACH:
            return None
        gap = self.folded[allegation.end : self.starts[n]]
        told = _BY if allegation.elsewhere else _NEXT
        if not told.fullmatch(gap):
            return None
        # One person holds several roles: the last of those who stand there leads back to them all.
        return bisect_right(self.starts, self.starts[n]) - 1

    def _from_before(self, allegation: Allegation) -> None:
        sentence = self._sentence(allegation.start)
        last = bisect_left(self.starts, allegation.start) - 1
        pronoun = bisect_left(self.pronouns, allegation.start) - 1
        # The end counts: the full stop of "Mrs. Quill" is no end of a sentence for her.
        here = last >= 0 and self.found[last].end > self.sentences[sentence]
        spoken = pronoun >= 0 and self.pronouns[pronoun] >= self.sentences[sentence]
        if spoken and (not here or self.pronouns[pronoun] > self.found[last].end):
            meant = bisect_left(self.starts, self.pronouns[pronoun]) - 1
            if meant >= 0 and sentence - self._sentence(self.starts[meant]) <= CARRY:
                return self._note(meant, allegation.kind, sure=not allegation.weak)
        if here:
            if not self.found[last].addressed:
                self._note(last, allegation.kind, sure=not allegation.weak)
            return None
        return None if allegation.weak else self._from_around(allegation, sentence)

    def _from_around(self, allegation: Allegation, sentence: int) -> None:
        """Nobody is named before it in its sentence: it may be about any who is named close by."""
        low = self.sentences[max(0, sentence - 2)]
        high = self.sentences[sentence + 3] if sentence + 3 < len(self.sentences) else len(self.folded)
        near = range(bisect_left(self.starts, low), bisect_left(self.starts, high))
        for n in near[:8]:
            if not self.found[n].addressed:
                self._note(n, allegation.kind, sure=False)

    def _note(self, n: int, kind: str, *, sure: bool) -> None:
        """Note it on one, and on those joined to them by "and"."""
        while True:
            holder = self.found[n]
            if holder.alleged is None or (sure and not holder.sure):
                self.found[n] = replace(holder, alleged=kind, sure=sure)
            if n == 0 or not _JOINED.fullmatch(self.folded, min(self.found[n - 1].end, holder.start), holder.start):
                return
            n -= 1

    def _sentence(self, position: int) -> int:
        return bisect_right(self.sentences, position) - 1


def _by_title(folded: str) -> Iterator[Holder]:
    for match in _TITLE.finditer(folded):
        role = match.lastgroup or ""
        before = folded[max(0, match.start() - 12) : match.start()]
        if not (role == "headteacher" and match.group().endswith("head") and _BODY.search(before)):
            yield Holder(role=role, named=False, start=match.start(), end=match.end())
    for match in _HASHTAG.finditer(folded):
        yield Holder(role="headteacher", named=False, start=match.start(), end=match.end())


def _by_name(folded: str, officers: tuple[tuple[Holding, Person], ...], besides: frozenset[str]) -> Iterator[Holder]:
    seen: set[tuple[int, str, str]] = set()
    for holding, person in officers:
        pattern = _name_pattern(person.name, besides)
        for match in pattern.finditer(folded) if pattern is not None else ():
            one = (match.start(), holding.role, person.id)
            if one not in seen:
                seen.add(one)
                yield Holder(role=holding.role, named=True, start=match.start(), end=match.end(), person=person.id)


@lru_cache(maxsize=4096)
def _name_pattern(name: str, besides: frozenset[str] = frozenset()) -> re.Pattern[str] | None:
    """Every way in which people write a name: in full, with a title, with an initial, run together, surname alone."""
    plain = re.sub(r"\([^)]*\)", " ", fold(name))
    words = [w.strip("-'") for w in re.findall(r"[\w'-]+", plain) if w.strip("-'")]
    words = words if _SHARED.search(plain) else [w for w in words if not re.fullmatch(_HONORIFIC, w)]
    if not words:
        return None
    if _SHARED.search(plain):
        ways = [r"\s+".join(map(re.escape, words))] if len(words) > 1 else []
    else:
        ways = list(_ways(words, besides))
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(dict.fromkeys(ways))})(?![^\W_])") if ways else None


def _ways(words: list[str], besides: frozenset[str]) -> Iterator[str]:
    """The ways of a person's name; ``words`` hold no title."""
    parts = [p for p in re.split("-", words[-1]) if len(p) > 1]
    last, first = _spelt(words[-1]), _spelt(words[0])
    surnames = dict.fromkeys((last, *map(_spelt, parts)))
    yield r"[\s_.]*".join(map(_spelt, words))
    yield rf"{first}\s+(?:{'|'.join(surnames)})s?"
    titled = dict.fromkeys((*surnames, *(_spelt(w) for w in words if len(w) > 1)))
    yield rf"{_HONORIFIC}\.?[\s_]?(?:{'|'.join(titled)})s?"
    yield rf"{re.escape(words[0][0])}\.?\s?(?:{'|'.join(surnames)})"
    known = [w for w in (words[-1], *parts) if w not in _WORDS and w not in besides]
    tagged = [re.escape(w.replace("-", "").replace("'", "")) for w in known if len(w) > SHORT]
    if tagged:
        after = r"(?:_?(?:out|must|lie|liar|thief|gate|resign|head|is|should)\w*)?"
        yield rf"[#@]\w{{0,40}}?(?:{'|'.join(tagged)})s?{after}"
    yield from (rf"[#@]\w{{0,40}}?{_HONORIFIC}_?{w}\w{{0,40}}" for w in tagged)
    yield from (_spelt(w) for w in known if len(w) > SHORT or w == words[-1])


def _spelt(word: str) -> str:
    """One word as people spell or hide it: apostrophe and hyphen may be missing or a blank, letters may be digits."""
    inner = len(word) > SHORT
    spelt = [_letter(c, hidden=inner and n > 0) for n, c in enumerate(word)]
    return "".join(spelt)


def _letter(letter: str, *, hidden: bool) -> str:
    if letter in "'-":
        return r"['`\s-]?"
    if not hidden or not letter.isalpha():
        return re.escape(letter)
    return f"[{re.escape(_LEET.get(letter, letter))}*]"
