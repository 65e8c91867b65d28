"""Whether a post is about a school: yes, no or unclear, always with the reason; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from alerts.linking import leads_to, site
from alerts.ordinary import is_ordinary
from alerts.place import PLACES
from alerts.school import RoleHolder, School, title
from alerts.spoken import Spoken, is_schoolish, spoken, squash, ways, within, words_of
from alerts.term import Term
from connectors.post import Post

RELEVANCES = ("yes", "no", "unclear")
_TYPES = ("primary", "infant", "infants", "junior", "juniors", "high", "secondary", "academy", "college", "school")
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


@dataclass(kw_only=True)
class _Hits:
    """Where a school is named in full and briefly, which other name covers a place, and which town it is said to be in.

    ``plain`` is where ordinary words stand that are its name; ``rival`` is the other school whose name covers a place;
    ``doubtful`` says that it is the full name that is said to be elsewhere.
    """

    full: list[range] = field(default_factory=list)
    short: list[range] = field(default_factory=list)
    plain: list[range] = field(default_factory=list)
    covered: str | None = None
    rival: School | None = None
    elsewhere: str | None = None
    doubtful: bool = False


def match(post: Post, schools: Sequence[School], *, sources: Sequence[Source] = ()) -> tuple[Mention, ...]:
    """The mention of each school that the post concerns, or that its sources say it may concern.

    The school's own account decides by itself; otherwise the text, the author's handle and the links do. A school
    that nothing points to is left out, so that the same post may be brought again by another source.
    """
    read = spoken(post)
    mentions = (_mention(post, read, school, schools, tuple(sources)) for school in schools)
    return tuple(mention for mention in mentions if mention is not None)


def finders(post: Post, terms: Iterable[Term]) -> tuple[Term, ...]:
    """Those of the terms by which a search would have found the post, as far as its own words tell."""
    read = spoken(post)
    return tuple(term for term in terms if _finds(term, read))


def _finds(term: Term, read: Spoken) -> bool:
    if term.kind == "handle":
        return squash(term.text.split("@")[0]) in read.handles
    if term.kind == "hashtag":
        return squash(term.text) in read.tags
    beside = not term.beside or any(read.holds(word) for word in term.beside)
    return beside and read.holds(term.text) and not any(read.holds(phrase) for phrase in term.unless)


def _mention(
    post: Post, read: Spoken, school: School, schools: Sequence[School], sources: tuple[Source, ...]
) -> Mention | None:
    own = [s for s in sources if s.school == school.id]
    day = None if post.created_at is None else post.created_at.date()
    said = _by_account(post, own) or _by_handle(post, read, school)
    said = said or _by_link(read, school, schools) or _by_text(read, school, schools, day)
    said = said or _by_link(read, school, schools, surely=False)
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


def _by_handle(post: Post, read: Spoken, school: School) -> tuple[str, str] | None:
    """What handles say: nobody else goes by the school's."""
    handles = {squash(h) for h in school.handles}
    if post.author is not None and post.author.handle and squash(post.author.handle.split("@")[0]) in handles:
        return "yes", "written by the school's handle"
    if handles & read.handles:
        return "yes", "names the school's handle"
    return None


def _by_link(read: Spoken, school: School, schools: Sequence[School], *, surely: bool = True) -> tuple[str, str] | None:
    """What links say: to a page of the school's own site, or, less surely, to a site that several schools have."""
    if school.url is None or not read.links:
        return None
    others = (site(s.url) for s in schools if s.id != school.id and s.url is not None)
    found = leads_to(read.links, site(school.url), others)
    if surely:
        return ("yes", "links to the school's site") if found == "sole" else None
    return ("unclear", "links to a site that several schools share") if found == "shared" else None


def _by_text(read: Spoken, school: School, schools: Sequence[School], said: date | None) -> tuple[str, str] | None:
    """What the words say, written on that day."""
    hits = _hits(read, school, schools)
    if hits.full:
        return "yes", "names the school in full"
    tagged = _tags(school) & read.tags
    brief = {squash(n) for n in school.short_names}
    apart = hits.covered is None and hits.elsewhere is None
    if tagged and (apart or hits.short or not tagged <= brief):
        return "yes", "carries the school's hashtag"
    if hits.short or (apart and brief & read.tags):
        return _by_short_name(read, school, schools, said, hits)
    sure = _by_place_or_person(read, school, said) if hits.plain else None
    return sure or _by_another(read, school, hits)


def _by_another(read: Spoken, school: School, hits: _Hits) -> tuple[str, str] | None:
    """What is said where every name of the school is a part of another, or said to be elsewhere."""
    if hits.elsewhere is not None:
        return "unclear" if hits.doubtful else "no", f"names a school in {hits.elsewhere.title()}"
    other = hits.covered or _phrase(read, school)
    return None if other is None else ("no", f"names “{other}”, which is not the school")


def _by_short_name(
    read: Spoken, school: School, schools: Sequence[School], said: date | None, hits: _Hits
) -> tuple[str, str]:
    """What is said where the school is named briefly, and not only as a part of another name."""
    sure = _by_place_or_person(read, school, said)
    if hits.rival is not None and (sure is None or _is_placed(read, hits.rival)):
        # "St Mary's Academy is shut, shame on St Mary's" speaks of one school, unless something tells of the other.
        why = f"names “{hits.rival.name}”, which is not the school"
        return ("no", why) if sure is None else ("unclear", f"{why}, and the school briefly as well")
    rivals = [s for s in schools if s.id != school.id and _shares_name(s, school)]
    if sure is None and any(_is_placed(read, rival) for rival in rivals):
        return "no", "names a school of the same name in another town"
    return sure or _by_matters(read, school, bool(rivals), hits)


def _by_matters(read: Spoken, school: School, shared: bool, hits: _Hits) -> tuple[str, str]:
    """What is said where nothing but school matters stands beside a brief name, which others may share."""
    other = _phrase(read, school)
    # A road beside the school's name is a road; a town or another school may be whose matters these are.
    harmless = hits.covered is not None and not is_schoolish(hits.covered)
    if other is not None and not (read.schoolish and harmless):
        return "unclear", f"names “{other}”, which is not the school, and the school briefly as well"
    if read.schoolish and shared:
        return "unclear", "names two schools that go by the same short name"
    if read.schoolish:
        return "yes", "names the school briefly and speaks of school matters"
    return "unclear", "holds the school's short name alone"


def _by_place_or_person(read: Spoken, school: School, said: date | None) -> tuple[str, str] | None:
    """What makes a brief name surely the school's: where it is, or who stands for it."""
    if _is_placed(read, school):
        return "yes", "names the school briefly, together with its town or postcode"
    holder = next((h for h in school.role_holders if _stands_for(h, read, said)), None)
    return None if holder is None else ("yes", f"names the school briefly, together with its {title(holder.role)}")


def _phrase(read: Spoken, school: School) -> str | None:
    """The first phrase in the post that means something else than the school."""
    return next((phrase for phrase in school.not_about if read.holds(phrase)), None)


def _by_source(post: Post, school: School, own: Sequence[Source], sources: Sequence[Source]) -> tuple[str, str] | None:
    """What is left to go by when the text names nobody: where the post was found."""
    found = [s for s in own if s.read != "search"]
    site = post.origin if _is_address(post.origin, sources) else ""
    address = words_of(" ".join((site, *post.links)))
    named = any(within(way, address) for name in (school.name, *school.short_names) for way in ways(name))
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


def _hits(read: Spoken, school: School, schools: Sequence[School]) -> _Hits:
    """Where the school is named, without what belongs to another name or is said to be in another place."""
    hits = _Hits()
    taken: list[tuple[str, School | None, range]]
    taken = [(name, None, r) for name in school.not_about for r in _ranges(read, name)]
    taken += [(s.name, s, r) for s in schools if s.id != school.id for r in _ranges(read, s.name)]
    for name, into in _named(school, hits):
        for found in _ranges(read, name):
            over = ((n, s) for n, s, r in taken if r.start <= found.start and found.stop <= r.stop and r != found)
            cover, rival = next(over, (None, None))
            place = _place_after(read, found, school)
            if cover is None and place is None:
                into.append(found)
            hits.covered, hits.elsewhere = hits.covered or cover, hits.elsewhere or place
            hits.rival = hits.rival or rival
            hits.doubtful = hits.doubtful or (place is not None and into is hits.full)
    return hits


def _named(school: School, hits: _Hits) -> Iterator[tuple[str, list[range]]]:
    """Each of the school's names with where its places are kept: a full one of ordinary words alone names nobody."""
    full = _full_names(school)
    yield from ((name, hits.plain if is_ordinary(words_of(name)) else hits.full) for name in full)
    yield from ((name, hits.short) for name in school.short_names)


def _place_after(read: Spoken, found: range, school: School) -> str | None:
    """The other place that follows a name closely: "Oakfield School, Ohio"."""
    own = set(words_of(school.town or ""))
    for n in range(found.stop, min(found.stop + _REACH, len(read.words))):
        for size in (2, 1):
            place = " ".join(read.words[n : n + size])
            said = n in read.parted or read.words[n - 1] in _SAYING
            if said and place in PLACES and not own & set(place.split()):
                return place
        if read.words[n] not in _LINKING:
            return None
    return None


def _is_placed(read: Spoken, school: School) -> bool:
    area = tuple(a.casefold().replace(" ", "") for a in school.postcode_areas)
    return bool((school.town and read.holds(school.town)) or (area and any(p.startswith(area) for p in read.postcodes)))


def _stands_for(holder: RoleHolder, read: Spoken, day: date | None) -> bool:
    """Whether the post names somebody who stood for the school when it was written."""
    return read.holds(holder.name) and (day is None or day <= holder.end)


def _shares_name(other: School, school: School) -> bool:
    return bool({squash(n) for n in other.short_names} & {squash(n) for n in school.short_names})


def _full_names(school: School) -> tuple[str, ...]:
    """The name, the name without a last "School", and short names that say what kind of school it is."""
    words = school.name.split()
    stem = words[:-1]
    stems = [" ".join(stem)] if len(stem) > 1 and stem[-1].casefold() in _TYPES else []
    kinds = [n for n in school.short_names if len(n.split()) > 1 and n.split()[-1].casefold() in _TYPES]
    return tuple(dict.fromkeys((school.name, *stems, *kinds)))


def _tags(school: School) -> set[str]:
    """What is the school's own as a hashtag; a brief name with # before it is anybody's, as it is without."""
    full = (name for name in _full_names(school) if not is_ordinary(words_of(name)))
    return {squash(n) for n in (*school.hashtags, *school.handles, *full)} - {""}


def _ranges(read: Spoken, name: str) -> Iterator[range]:
    for way in ways(name):
        yield from (range(n, n + len(way)) for n in read.find(way))
