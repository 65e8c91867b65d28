"""Schools' terms in each platform's own language of search: as few queries as its length allows; pure.

A query's ``place`` stays the same while schools come and go: schools are dealt out by a digest of their id, and a
batch that no longer fits is halved, so that a new school touches one batch and no other school's words.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from alerts.school import School
from alerts.term import Term, covers, terms, words
from alerts.writing import LANGUAGES_OF_X, WRITERS, either, few, is_on_x, is_own, is_sign, is_tag, phrase, size

# The most characters of one query. X and Reddit publish theirs; the others are ours, well below what is accepted.
LONGEST = {
    "x": 512,
    "reddit": 512,
    "youtube": 500,
    "bluesky": 250,
    "mastodon": 250,
    "threads": 250,
    "instagram": 30 * 101,
}
MOST_HASHTAGS = 30
# Eight characters a school are fewer than any name takes with what stands around it: more need not be tried.
_MOST_TOGETHER = 512 // 8
_JOINED = ("x", "reddit", "youtube")


# Between the name of an account and the place of one of its queries.
MARK = "~"


@dataclass(frozen=True, kw_only=True)
class Sought:
    """One term of one school."""

    school: str
    term: Term


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked of a platform in one search; ``place`` tells it from the platform's others, also tomorrow.

    ``text`` is empty where nothing of it is looked for any more. ``batch`` are all schools that have a part in it.
    """

    platform: str
    place: str
    text: str
    sought: tuple[Sought, ...]
    batch: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A platform's queries, and the terms that cannot be looked for there, each with why."""

    queries: tuple[Query, ...]
    left: tuple[tuple[Sought, str], ...] = ()


def plan(platform: str, schools: Sequence[School], today: date, *, own: Collection[str] = ()) -> Plan:
    """The queries by which these schools are looked for on a platform, in an order of their own.

    Which school is in which query does not depend on the day: whose time has come is left out of the text alone.
    ``own`` are the schools' handles on X whose posts and mentions are read by their own accounts, in small letters:
    a search does not pay for them again.

    Raises:
        ValueError: the platform cannot be searched.
    """
    if platform not in LONGEST:
        raise ValueError(f"platform {platform!r} is not one of {', '.join(LONGEST)}")
    by_id = {school.id: school for school in sorted(schools, key=lambda school: school.id)}
    if platform == "instagram":
        made = _hashtags(by_id.values())
    elif platform in _JOINED:
        made = _joined(platform, tuple(by_id.values()), today, frozenset(own))
    else:
        made = _single(platform, tuple(by_id.values()), today)
    return replace(made, left=tuple((one, why) for one, why in made.left if _is_live(one, today)))


def _is_live(one: Sought, today: date) -> bool:
    return one.term.until is None or today <= one.term.until


def answers(schools: Iterable[School]) -> Plan:
    """The searches on X that bring what the schools' own handles say and all that is said to them, many in each.

    Who answers a post on X names its author, so that naming finds the replies, too; who quotes one links to it, and
    X compares addresses word by word, on x.com as on twitter.com.
    """

    def write(sought: Sequence[Sought]) -> str:
        names = [one.term.text for one in sought if is_on_x(one.term)]
        parts = (part for name in names for part in (f"@{name}", f"from:{name}", f'url:"{name}/status"'))
        return f"{either(parts)} -is:retweet"

    def fits(sought: Sequence[Sought]) -> bool:
        return size(write(sought)) <= LONGEST["x"]

    queries: list[Query] = []
    in_order = sorted((s for s in schools if any(map(is_on_x, terms(s)))), key=lambda school: school.id)
    for place, batch in _dealt(in_order, "", fits):
        for number, piece in enumerate(_pieces(batch, fits)[0]):
            sought = tuple(one for one in piece if is_on_x(one.term))
            ids = tuple(dict.fromkeys(one.school for one in sought))
            where = place if not number else f"{place}.{number + 1}"
            if sought:
                queries.append(Query(platform="x", place=where, text=write(sought), sought=sought, batch=ids))
    return Plan(queries=tuple(queries))


# several schools in one query -----------------------------------------------------------------------------------------


def _joined(platform: str, schools: Sequence[School], today: date, own: frozenset[str]) -> Plan:
    queries: list[Query] = []
    left: list[tuple[Sought, str]] = []
    families: dict[tuple[str, ...], list[School]] = {}
    for school in schools:
        spoken = tuple(sorted(LANGUAGES_OF_X.intersection(school.languages))) if platform == "x" else ()
        families.setdefault(spoken, []).append(school)
    for languages, family in sorted(families.items()):

        def write(sought: Sequence[Sought], languages: tuple[str, ...] = languages) -> str:
            return WRITERS[platform]([one.term for one in sought], languages, own)

        def fits(sought: Sequence[Sought], write: Callable[[Sequence[Sought]], str] = write) -> bool:
            return size(write(sought)) <= LONGEST[platform]

        for place, batch in _dealt(family, "".join(f"{code}." for code in languages), fits):
            pieces, odd = _pieces(batch, fits)
            left += [(one, f"longer than the {LONGEST[platform]} characters of a query") for one in odd]
            for number, piece in enumerate(pieces):
                live = [one for one in piece if _is_live(one, today)]
                text = write(live) if _positive(live, platform, own) else ""
                where = place if not number else f"{place}.{number + 1}"
                ids = tuple(dict.fromkeys(one.school for one in piece))
                queries.append(Query(platform=platform, place=where, text=text, sought=tuple(live), batch=ids))
    return Plan(queries=tuple(queries), left=tuple(left))


def _positive(sought: Sequence[Sought], platform: str, own: frozenset[str]) -> bool:
    """Whether anything is left to ask for once what is read elsewhere is left out."""
    return any(not is_own(one.term, own) for one in sought) if platform == "x" else bool(sought)


def _sought(schools: Iterable[School]) -> list[Sought]:
    return [Sought(school=school.id, term=term) for school in schools for term in terms(school)]


def _dealt(
    schools: Sequence[School], place: str, fits: Callable[[Sequence[Sought]], bool], depth: int = 0
) -> Iterator[tuple[str, Sequence[School]]]:
    """The schools in batches that fit, halved by the next bit of their ids' digests until they do."""
    if len(schools) <= 1 or (len(schools) <= _MOST_TOGETHER and fits(_sought(schools))):
        if schools:
            yield place, schools
        return
    for bit in "01":
        yield from _dealt([s for s in schools if _bit(s.id, depth) == bit], f"{place}{bit}", fits, depth + 1)


def _bit(school: str, depth: int) -> str:
    number = int.from_bytes(hashlib.sha256(school.encode()).digest())
    return "1" if number >> (255 - depth) & 1 else "0"


def _pieces(
    batch: Sequence[School], fits: Callable[[Sequence[Sought]], bool]
) -> tuple[list[list[Sought]], list[Sought]]:
    """A batch's terms as they go into one query, or into several where one school has too many for one."""
    pieces: list[list[Sought]] = [[]]
    odd: list[Sought] = []
    for whole in _sought(batch):
        one = _fitted(whole, fits)
        if one is None:
            odd.append(whole)
        elif fits([*pieces[-1], one]):
            pieces[-1].append(one)
        else:
            pieces.append([one])
    return [piece for piece in pieces if piece], odd


def _fitted(one: Sought, fits: Callable[[Sequence[Sought]], bool]) -> Sought | None:
    """The term with as many of the phrases that it leaves out as a query holds; what is found is judged in any case."""
    unless = one.term.unless
    for size_of in range(len(unless), -1, -1):
        less = one if size_of == len(unless) else replace(one, term=replace(one.term, unless=unless[:size_of]))
        if fits([less]):
            return less
    return None


# one term a query -----------------------------------------------------------------------------------------------------


def _single(platform: str, schools: Sequence[School], today: date) -> Plan:
    """A query a term, where words cannot be joined by OR; what several schools go by is asked once."""
    found: dict[str, tuple[list[Sought], bool]] = {}
    left: list[tuple[Sought, str]] = []
    for school in schools:
        needed = terms(school)
        for term in needed:
            one = Sought(school=school.id, term=term)
            by = next((other for other in needed if covers(other, term)), term)
            for text in _texts(platform, by):
                if size(text) > LONGEST[platform]:
                    left.append((one, f"longer than the {LONGEST[platform]} characters of a query"))
                    continue
                sought, live = found.get(text, ([], False))
                found[text] = ([*sought, one], live or _is_live(one, today))
    return Plan(
        queries=tuple(
            Query(
                platform=platform,
                place=_name_of(text),
                text=text if live else "",
                sought=tuple(one for one in sought if _is_live(one, today)),
                batch=tuple(dict.fromkeys(one.school for one in sought)),
            )
            for text, (sought, live) in sorted(found.items())
        ),
        left=tuple(dict.fromkeys(left)),
    )


def _texts(platform: str, term: Term) -> tuple[str, ...]:
    """The queries that one term takes; a word that must stand beside it is added, as words together mean AND."""
    if is_sign(term, platform):
        return (f"{'#' if term.kind == 'hashtag' else '@'}{term.text}",)
    quoted = term.text if platform == "threads" else phrase(term.text)
    # Only Mastodon's search leaves out a phrase; elsewhere what is found is judged after fetching.
    unless = term.unless if platform == "mastodon" else ()
    beside = term.beside if term.kind == "role_holder" else few(term.beside)
    named = beside if platform == "threads" else tuple(w if w.isalnum() else phrase(w) for w in beside)
    return tuple(_minus(f"{quoted} {word}", unless) for word in named) or (_minus(quoted, unless),)


def _minus(text: str, unless: Iterable[str]) -> str:
    """The words without as many of the phrases as there is room for."""
    for one in unless:
        longer = f"{text} -{phrase(one)}"
        text = longer if size(longer) <= LONGEST["mastodon"] else text
    return text


def _name_of(text: str) -> str:
    """A name for a query that a person can read and that no other query has."""
    slug = "-".join(words(text))[:40].strip("-")
    return f"{slug}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"


# hashtags alone -------------------------------------------------------------------------------------------------------


def _hashtags(schools: Iterable[School]) -> Plan:
    """Instagram: hashtags alone, thirty of them for an account; each school's first come before any school's next."""
    queues = [_sought([school]) for school in schools]
    tags: dict[str, list[Sought]] = {}
    left = [
        (one, "Instagram can be searched for hashtags only")
        for queue in queues
        for one in queue
        if not is_tag(one.term)
    ]
    usable = [[o for o in q if is_tag(o.term)] for q in queues]
    for turn in range(max(map(len, usable), default=0)):
        for one in (queue[turn] for queue in usable if turn < len(queue)):
            if one.term.text.casefold() in tags or len(tags) < MOST_HASHTAGS:
                tags.setdefault(one.term.text.casefold(), []).append(one)
            else:
                left.append((one, f"Instagram allows an account {MOST_HASHTAGS} hashtags in seven days"))
    sought = tuple(one for same in tags.values() for one in same)
    ids = tuple(dict.fromkeys(one.school for one in sought))
    text = " ".join(f"#{same[0].term.text}" for same in tags.values())
    whole = (Query(platform="instagram", place="", text=text, sought=sought, batch=ids),) if tags else ()
    return Plan(queries=whole, left=tuple(left))
