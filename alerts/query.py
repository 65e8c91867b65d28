"""Schools' terms in each platform's own language of search: as few queries as its length allows, one for many schools.

A query's ``place`` stays the same while schools come and go: schools are dealt out by a digest of their id, and a
batch that no longer fits is halved, so that a new school touches one batch and no other school's words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from alerts.school import School
from alerts.term import Term, covers, terms, words

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
_HANDLE_OF_X = re.compile(r"[A-Za-z0-9_]{1,20}")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_TAG = re.compile(r"\w*[^\W\d]\w*")
_OPERATORS = ("and", "or", "not")
# What X cannot tell the language of: too few words, tags, names or pictures alone.
_UNTOLD = ("und", "qht", "qam", "qme")


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
        names = [one.term.text for one in sought if _is_on_x(one.term)]
        parts = (part for name in names for part in (f"@{name}", f"from:{name}", f'url:"{name}/status"'))
        return f"{_either(parts)} -is:retweet"

    def fits(sought: Sequence[Sought]) -> bool:
        return size(write(sought)) <= LONGEST["x"]

    queries: list[Query] = []
    in_order = sorted((s for s in schools if any(map(_is_on_x, terms(s)))), key=lambda school: school.id)
    for place, batch in _dealt(in_order, "", fits):
        for number, piece in enumerate(_pieces(batch, fits)[0]):
            sought = tuple(one for one in piece if _is_on_x(one.term))
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
        spoken = tuple(sorted(set(school.languages))) if platform == "x" else ()
        families.setdefault(spoken, []).append(school)
    for languages, family in sorted(families.items()):

        def write(sought: Sequence[Sought], languages: tuple[str, ...] = languages) -> str:
            return _WRITERS[platform](sought, languages, own)

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
    return any(not _is_own(one.term, own) for one in sought) if platform == "x" else bool(sought)


def _needed(sought: Sequence[Sought]) -> list[Term]:
    """The terms without those that a shorter name beside them covers: who finds that one finds them."""
    every = [one.term for one in sought]
    return [term for term in every if not any(covers(other, term) for other in every)]


def _people(asked: Iterable[Term]) -> dict[str, list[str]]:
    """Each role-holder with the names beside which they are looked for: a trust's CEO beside those of its schools."""
    found: dict[str, list[str]] = {}
    for term in asked:
        if term.kind == "role_holder":
            found.setdefault(term.text, []).extend(term.beside)
    return found


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
    for one in _sought(batch):
        if not fits([one]):
            odd.append(one)
        elif fits([*pieces[-1], one]):
            pieces[-1].append(one)
        else:
            pieces.append([one])
    return [piece for piece in pieces if piece], odd


def _x(sought: Sequence[Sought], languages: tuple[str, ...], own: frozenset[str]) -> str:
    """X: phrases, tags and handles joined by OR; a minus holds for the whole of its brackets, so each has its own."""
    asked = [term for term in _needed(sought) if not _is_own(term, own)]
    parts = [_x_part(term) for term in asked if not term.beside]
    parts += [f"({_phrase(who)} {_either(map(_x_word, names))})" for who, names in _people(asked).items()]
    lone = [term for term in asked if term.kind != "role_holder" and term.beside]
    if lone:
        names = _either(_without(_x_word(term.text), term.unless, " -") for term in lone)
        parts.append(f"({names} {_either(_x_word(word) for term in lone for word in term.beside)})")
    ends = ["-is:retweet"]
    for one in sought:
        if _is_own(one.term, own):
            ends += [f"-from:{one.term.text}", f"-@{one.term.text}"]
    if languages:
        ends.append(_either(f"lang:{code}" for code in (*languages, *_UNTOLD)))
    return " ".join((_either(parts), *dict.fromkeys(ends)))


def _is_on_x(term: Term) -> bool:
    return term.kind == "handle" and _HANDLE_OF_X.fullmatch(term.text) is not None


def _is_own(term: Term, own: frozenset[str]) -> bool:
    return term.kind == "handle" and term.text.casefold() in own


def _x_part(term: Term) -> str:
    if term.kind == "hashtag" and _TAG.fullmatch(term.text):
        return f"#{term.text}"
    if term.kind == "handle" and _HANDLE_OF_X.fullmatch(term.text):
        return f"@{term.text}"
    return _without(_x_word(term.text), term.unless, " -")


def _x_word(text: str) -> str:
    bare = text.isalnum() and text.casefold() not in _OPERATORS
    return text if bare else _phrase(text)


def _reddit(sought: Sequence[Sought], _languages: tuple[str, ...], _own: frozenset[str]) -> str:
    """Reddit: phrases joined by OR, AND and NOT; it knows no tags, so tags and handles are words."""
    asked = _needed(sought)
    parts = [_without(_phrase(term.text), term.unless, " NOT ") for term in asked if not term.beside]
    parts += [f"({_phrase(who)} AND {_either(map(_phrase, names))})" for who, names in _people(asked).items()]
    lone = [term for term in asked if term.kind != "role_holder" and term.beside]
    if lone:
        names = _either(_without(_phrase(term.text), term.unless, " NOT ") for term in lone)
        parts.append(f"({names} AND {_either(_phrase(word) for term in lone for word in term.beside)})")
    return " OR ".join(dict.fromkeys(parts))


def _youtube(sought: Sequence[Sought], _languages: tuple[str, ...], _own: frozenset[str]) -> str:
    """YouTube: phrases joined by a bar, which takes no brackets: what stands together is a query's own phrase."""
    parts = [part for term in _needed(sought) for part in _youtube_parts(term)]
    return "|".join(dict.fromkeys(parts))


def _youtube_parts(term: Term) -> tuple[str, ...]:
    if term.kind == "hashtag" and _TAG.fullmatch(term.text):
        return (f"#{term.text}",)
    if term.kind == "role_holder":
        return tuple(_phrase(f"{term.text} {name}") for name in term.beside)
    return tuple(_phrase(f"{term.text} {word}") for word in _few(term.beside)) or (_phrase(term.text),)


_WRITERS: dict[str, Callable[[Sequence[Sought], tuple[str, ...], frozenset[str]], str]] = {
    "x": _x,
    "reddit": _reddit,
    "youtube": _youtube,
}


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
        left=tuple(left),
    )


def _texts(platform: str, term: Term) -> tuple[str, ...]:
    """The queries that one term takes; a word that must stand beside it is added, as words together mean AND."""
    if term.kind == "hashtag" and _TAG.fullmatch(term.text):
        return (f"#{term.text}",)
    if term.kind == "handle" and platform == "bluesky" and _DOMAIN.fullmatch(term.text):
        return (f"@{term.text}",)
    quoted = term.text if platform == "threads" else _phrase(term.text)
    # Only Mastodon's search leaves out a phrase; elsewhere what is found is judged after fetching.
    unless = term.unless if platform == "mastodon" else ()
    beside = term.beside if term.kind == "role_holder" else _few(term.beside)
    named = beside if platform == "threads" else tuple(w if w.isalnum() else _phrase(w) for w in beside)
    return tuple(_minus(f"{quoted} {word}", unless) for word in named) or (_minus(quoted, unless),)


def _minus(text: str, unless: Iterable[str]) -> str:
    return "".join((text, *(f" -{_phrase(phrase)}" for phrase in unless)))


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
        if one.term.kind != "hashtag" or not _TAG.fullmatch(one.term.text)
    ]
    usable = [[o for o in q if o.term.kind == "hashtag" and _TAG.fullmatch(o.term.text)] for q in queues]
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


# words ----------------------------------------------------------------------------------------------------------------


def size(text: str) -> int:
    """A query's length as the strictest platform counts it: what lies beyond the first plane counts twice."""
    return len(text.encode("utf-16-le")) // 2


def _phrase(text: str) -> str:
    return f'"{text}"'


def _either(parts: Iterable[str]) -> str:
    few = tuple(dict.fromkeys(parts))
    return f"({' OR '.join(few)})" if len(few) > 1 else "".join(few)


def _without(word: str, unless: Iterable[str], sign: str) -> str:
    """A word with the phrases that it must not be part of, in brackets of its own."""
    no = "".join(f"{sign}{_phrase(phrase)}" for phrase in unless)
    return f"({word}{no})" if no else word


def _few(beside: Sequence[str]) -> tuple[str, ...]:
    """The words beside a lone name where each costs a query or a phrase: the town, and "school"."""
    return tuple(dict.fromkeys((beside[0], "school"))) if beside else ()
