"""Whether a post is about a school: yes, no or unclear, always with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from urllib.parse import urlsplit

from alerts.place import PLACES
from alerts.school import RoleHolder, School, title
from alerts.term import Term
from alerts.text import fold
from connectors.post import Post

RELEVANCES = ("yes", "no", "unclear")
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
_TYPES = ("primary", "infant", "infants", "junior", "juniors", "high", "secondary", "academy", "college", "school")
_POSTCODE = re.compile(r"\b([a-z]{1,2}\d[a-z\d]?) ?\d[a-z]{2}\b")
_TAG = re.compile(r"#(\w+)")
_HANDLE = re.compile(r"(?<![\w.])@([\w.-]*\w)")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
_WORD = re.compile(r"[^\W_]+")
# What may stand between a school's name and the place it is said to be in: "Oakfield School, in Ohio".
_LINKING = frozenset(("in", "near", "at", "of", "the", "school", "academy", "primary", "high", "elementary", "college"))
_SAYING = frozenset(("in", "near", "of"))
_REACH = 4


@dataclass(frozen=True, kw_only=True)
class Mention:
    """One post version as it concerns one school; flags, incidents, rights and retention hang on it."""

    school: str
    relevance: str
    reason: str

    def __post_init__(self) -> None:
        """Refuse a relevance that no verb could read."""
        if self.relevance not in RELEVANCES:
            raise ValueError(f"relevance {self.relevance!r} is not one of {', '.join(RELEVANCES)}")


@dataclass(frozen=True, kw_only=True)
class Source:
    """The account that brought a post, and by which read: ``posts``, ``comments``, ``mentions`` or ``search``.

    ``school`` is ``None`` for an account that several schools share; ``official`` says that the school owns it.
    """

    account: str
    school: str | None = None
    read: str = "posts"
    official: bool = False


@dataclass(frozen=True, kw_only=True)
class _Read:
    """The words of a post, in order, and what else names a school: tags, handles, hosts, postcodes.

    ``parted`` are the words before which a comma or a bracket stands, ``places`` is where each word stands.
    """

    words: tuple[str, ...]
    parted: frozenset[int]
    places: dict[str, list[int]]
    tags: frozenset[str]
    handles: frozenset[str]
    hosts: frozenset[str]
    postcodes: frozenset[str]
    schoolish: bool

    def find(self, phrase: Sequence[str]) -> list[int]:
        """Where the phrase starts."""
        size = len(phrase)
        return [n for n in self.places.get(phrase[0], ()) if self.words[n : n + size] == tuple(phrase)] if size else []

    def holds(self, name: str) -> bool:
        """Whether the words of the name stand together somewhere."""
        return any(self.find(way) for way in _ways(name))


@dataclass(kw_only=True)
class _Hits:
    """Where a school is named in full and briefly, which other name covers a place, and which town it is said to be in.

    ``doubtful`` says that it is the full name that is said to be elsewhere.
    """

    full: list[range] = field(default_factory=list)
    short: list[range] = field(default_factory=list)
    covered: str | None = None
    elsewhere: str | None = None
    doubtful: bool = False


def match(post: Post, schools: Sequence[School], *, sources: Sequence[Source] = ()) -> tuple[Mention, ...]:
    """The mention of each school that the post concerns, or that its sources say it may concern.

    The school's own account decides by itself; otherwise the text, the author's handle and the links do. A school
    that nothing points to is left out, so that the same post may be brought again by another source.
    """
    read = _read(post)
    mentions = (_mention(post, read, school, schools, tuple(sources)) for school in schools)
    return tuple(mention for mention in mentions if mention is not None)


def finders(post: Post, terms: Iterable[Term]) -> tuple[Term, ...]:
    """Those of the terms by which a search would have found the post, as far as its own words tell."""
    read = _read(post)
    return tuple(term for term in terms if _finds(term, read))


def _finds(term: Term, read: _Read) -> bool:
    if term.kind == "handle":
        return _squash(term.text.split("@")[0]) in read.handles
    if term.kind == "hashtag":
        return _squash(term.text) in read.tags
    beside = not term.beside or any(read.holds(word) for word in term.beside)
    return beside and read.holds(term.text) and not any(read.holds(phrase) for phrase in term.unless)


def _mention(
    post: Post, read: _Read, school: School, schools: Sequence[School], sources: tuple[Source, ...]
) -> Mention | None:
    own = [s for s in sources if s.school == school.id]
    day = None if post.created_at is None else post.created_at.date()
    said = _by_account(post, own) or _by_handle(post, read, school) or _by_text(read, school, schools, day)
    if said is None or (said[0] == "unclear" and own):
        found = _by_source(post, school, own, sources)
        said = found if said is None or (found is not None and found[0] == "yes") else said
    if said is None or (said[0] == "no" and not own):
        return None
    return Mention(school=school.id, relevance=said[0], reason=said[1])


def _by_account(post: Post, own: Iterable[Source]) -> tuple[str, str] | None:
    """What the school's own accounts say without a look at the text."""
    if post.author is not None and post.author.official and any(s.official for s in own):
        return "yes", "posted by the school's own account"
    reasons = {
        "posts": "posted on the school's own account",
        "comments": "written under the school's own account",
        "mentions": "mentions the school's own account",
    }
    return next((("yes", reasons[s.read]) for s in own if s.official and s.read in reasons), None)


def _by_handle(post: Post, read: _Read, school: School) -> tuple[str, str] | None:
    """What handles and links say: nobody else goes by the school's."""
    handles = {_squash(h) for h in school.handles}
    if post.author is not None and post.author.handle and _squash(post.author.handle.split("@")[0]) in handles:
        return "yes", "written by the school's handle"
    if handles & read.handles:
        return "yes", "names the school's handle"
    if school.url is not None and _host(school.url) in read.hosts:
        return "yes", "links to the school's site"
    return None


def _by_text(read: _Read, school: School, schools: Sequence[School], said: date | None) -> tuple[str, str] | None:
    """What the words say, written on that day."""
    hits = _hits(read, school, schools)
    if hits.full:
        return "yes", "names the school in full"
    tagged = bool(_tags(school) & read.tags)
    other = hits.covered or next((phrase for phrase in school.not_about if read.holds(phrase)), None)
    if other is not None and (tagged or hits.short or hits.elsewhere is None):
        return "no", f"names “{other}”, which is not the school"
    if tagged:
        return "yes", "carries the school's hashtag"
    if hits.short:
        return _by_short_name(read, school, schools, said)
    if hits.elsewhere is None:
        return None
    return "unclear" if hits.doubtful else "no", f"names a school in {hits.elsewhere.title()}"


def _by_short_name(read: _Read, school: School, schools: Sequence[School], said: date | None) -> tuple[str, str]:
    if _is_placed(read, school):
        return "yes", "names the school briefly, together with its town or postcode"
    holder = next((h for h in school.role_holders if _stands_for(h, read, said)), None)
    if holder is not None:
        return "yes", f"names the school briefly, together with its {title(holder.role)}"
    rivals = [s for s in schools if s.id != school.id and _shares_name(s, school)]
    if any(_is_placed(read, rival) for rival in rivals):
        return "no", "names a school of the same name in another town"
    if read.schoolish and rivals:
        return "unclear", "names two schools that go by the same short name"
    if read.schoolish:
        return "yes", "names the school briefly and speaks of school matters"
    return "unclear", "holds the school's short name alone"


def _by_source(post: Post, school: School, own: Sequence[Source], sources: Sequence[Source]) -> tuple[str, str] | None:
    """What is left to go by when the text names nobody: where the post was found."""
    found = [s for s in own if s.read != "search"]
    site = post.origin if _is_address(post.origin, sources) else ""
    address = _words(" ".join((site, *post.links)))
    named = any(_within(way, address) for name in (school.name, *school.short_names) for way in _ways(name))
    if found and named:
        return "yes", f"from {found[0].account}, whose address names the school"
    if found and post.kind == "review":
        return "yes", f"a review from {found[0].account}, which is kept for this school"
    if own:
        return "unclear", f"brought by {own[0].account}, but names no school"
    if any(s.official and s.school is None for s in sources):
        return "unclear", "from an account that several schools share, and names none of them"
    return None


def _is_address(origin: str, sources: Sequence[Source]) -> bool:
    """Whether an origin is a site's or feed's address; an archive's is the account's own name, which proves nothing."""
    first = origin.partition("/")[0]
    return first not in {s.account for s in sources} and ("." in first or "://" in origin)


def _hits(read: _Read, school: School, schools: Sequence[School]) -> _Hits:
    """Where the school is named, without what belongs to another name or is said to be in another place."""
    hits = _Hits()
    taken = [(name, r) for name in school.not_about for r in _ranges(read, name)]
    taken += [(s.name, r) for s in schools if s.id != school.id for r in _ranges(read, s.name)]
    for names, into in ((_full_names(school), hits.full), (school.short_names, hits.short)):
        for found in (r for name in names for r in _ranges(read, name)):
            cover = next((n for n, r in taken if r.start <= found.start and found.stop <= r.stop and r != found), None)
            place = _place_after(read, found, school)
            if cover is None and place is None:
                into.append(found)
            hits.covered, hits.elsewhere = hits.covered or cover, hits.elsewhere or place
            hits.doubtful = hits.doubtful or (place is not None and into is hits.full)
    return hits


def _place_after(read: _Read, found: range, school: School) -> str | None:
    """The other place that follows a name closely: "Oakfield School, Ohio"."""
    own = set(_words(school.town or ""))
    for n in range(found.stop, min(found.stop + _REACH, len(read.words))):
        for size in (2, 1):
            place = " ".join(read.words[n : n + size])
            said = n in read.parted or read.words[n - 1] in _SAYING
            if said and place in PLACES and not own & set(place.split()):
                return place
        if read.words[n] not in _LINKING:
            return None
    return None


def _is_placed(read: _Read, school: School) -> bool:
    area = tuple(a.casefold().replace(" ", "") for a in school.postcode_areas)
    return bool((school.town and read.holds(school.town)) or (area and any(p.startswith(area) for p in read.postcodes)))


def _stands_for(holder: RoleHolder, read: _Read, day: date | None) -> bool:
    """Whether the post names somebody who stood for the school when it was written."""
    return read.holds(holder.name) and (day is None or day <= holder.end)


def _shares_name(other: School, school: School) -> bool:
    return bool({_squash(n) for n in other.short_names} & {_squash(n) for n in school.short_names})


def _full_names(school: School) -> tuple[str, ...]:
    """The name, the name without a last "School", and short names that say what kind of school it is."""
    words = school.name.split()
    stem = words[:-1]
    stems = [" ".join(stem)] if len(stem) > 1 and stem[-1].casefold() in _TYPES else []
    kinds = [n for n in school.short_names if len(n.split()) > 1 and n.split()[-1].casefold() in _TYPES]
    return tuple(dict.fromkeys((school.name, *stems, *kinds)))


def _tags(school: School) -> set[str]:
    return {_squash(n) for n in (*school.hashtags, *school.handles, school.name, *school.short_names)}


def _ranges(read: _Read, name: str) -> Iterator[range]:
    for way in _ways(name):
        yield from (range(n, n + len(way)) for n in read.find(way))


@lru_cache(maxsize=4096)
def _ways(name: str) -> tuple[tuple[str, ...], ...]:
    """The ways in which a name is written: "St Mary's", "St Marys", "Saint Mary's"."""
    plain = _words(name)
    joined = _words(re.sub(r"['’]", "", name))
    return tuple(dict.fromkeys(way for way in (plain, joined) if way))


def _words(text: str) -> tuple[str, ...]:
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


def _within(phrase: tuple[str, ...], words: tuple[str, ...]) -> bool:
    return any(words[n : n + len(phrase)] == phrase for n in range(len(words) - len(phrase) + 1))


def _squash(name: str) -> str:
    return "".join(_WORD.findall(fold(name)))


def _host(address: str) -> str:
    try:
        host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.")


def _read(post: Post) -> _Read:
    alts = " ".join(m.alt for m in post.media if m.alt)
    text = f"{post.text}\n{alts}" if alts else post.text
    spaced = _TAG.sub(lambda m: f" {_CAMEL.sub(' ', m.group(1))} ", text)
    folded = fold(spaced)
    words = _words(spaced)
    places: dict[str, list[int]] = {}
    for n, word in enumerate(words):
        places.setdefault(word, []).append(n)
    paths = {_squash(part) for link in post.links for part in link.split("/")[3:]}
    return _Read(
        words=words,
        parted=_parted(spaced),
        places=places,
        tags=frozenset(_squash(tag) for tag in _TAG.findall(text)),
        handles=frozenset({_squash(h.split("@")[0]) for h in _HANDLE.findall(text)} | paths) - {""},
        hosts=frozenset(_host(link) for link in post.links) - {""},
        postcodes=frozenset(m.group(1) for m in _POSTCODE.finditer(folded)),
        schoolish=_SCHOOLISH.search(folded) is not None,
    )
