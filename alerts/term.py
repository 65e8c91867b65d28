"""What a school goes by, as terms to look for, each with what must stand beside it and what it must not be part of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from alerts.school import School

KINDS = ("name", "short_name", "hashtag", "handle", "role_holder")
# Beside one of these a short name that anything may bear ("Oakfield") is a school's.
CONTEXT = ("school", "academy", "pupils", "parents", "teacher", "headteacher")
# Words by which a name says itself that it is a school's.
_TELLING = frozenset(
    (
        *("school", "schools", "academy", "college", "primary", "infant", "infants", "junior", "juniors", "high"),
        *("secondary", "nursery", "grammar", "ysgol"),
    )
)
_WORD = re.compile(r"[^\W_]+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\"“”„\\]+")


@dataclass(frozen=True, kw_only=True)
class Term:
    """One thing that a school is looked for by.

    ``text`` is a name, a tag without ``#``, a handle without ``@``, or a role-holder's name. One of ``beside`` must
    stand in the post as well, where there are any; ``unless`` are the phrases that mean something else. ``until`` is
    the last day on which it is looked for, ``None`` where there is none.
    """

    kind: str
    text: str
    beside: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    until: date | None = None


def terms(school: School, today: date | None = None) -> tuple[Term, ...]:
    """Everything the school is looked for by on that day, each once; without a day, also what was until a past one."""
    found: dict[tuple[str, str], Term] = {}
    for term in (*_names(school), *_tags(school), *_role_holders(school)):
        known = term.until is None or today is None or today <= term.until
        if known and words(term.text):
            # A person may hold two roles: the later end is when the name goes.
            before = found.get((term.kind, term.text.casefold()))
            if before is None or (before.until or date.max) < (term.until or date.max):
                found[(term.kind, term.text.casefold())] = term
    return tuple(found.values())


def words(text: str) -> tuple[str, ...]:
    """The words of a phrase in small letters, as they are compared."""
    return tuple(word.casefold() for word in _WORD.findall(text))


def within(phrase: tuple[str, ...], longer: tuple[str, ...]) -> bool:
    """Whether the words of a phrase stand together in a longer one."""
    return any(longer[n : n + len(phrase)] == phrase for n in range(len(longer) - len(phrase) + 1))


def covers(term: Term, other: Term) -> bool:
    """Whether every post that the other term finds is found by this one, too; of two equal names one covers."""
    if term.beside or term.unless or not {term.kind, other.kind} <= {"name", "short_name"}:
        return False
    spoken, longer = words(term.text), words(other.text)
    if spoken != longer or other.beside or other.unless:
        return within(spoken, longer)
    return (term.kind, term.text) < (other.kind, other.text)


def _names(school: School) -> Iterator[Term]:
    yield from (_named("name", way, school, ()) for way in _ways((school.name,)))
    for way in _ways(school.short_names):
        spoken = words(way)
        telling = len(spoken) > 1 and not _TELLING.isdisjoint(spoken)
        beside = () if telling else tuple(dict.fromkeys((*_town(school), *CONTEXT)))
        yield _named("short_name", way, school, beside)


def _named(kind: str, text: str, school: School, beside: tuple[str, ...]) -> Term:
    """A name with the phrases that it is no part of: those that hold it, and for a lone name all others, too."""
    spoken = words(text)
    unless = (_clean(phrase) for phrase in school.not_about)
    kept = tuple(p for p in unless if words(p) and words(p) != spoken and (beside or within(spoken, words(p))))
    return Term(kind=kind, text=text, beside=beside, unless=tuple(dict.fromkeys(kept)))


def _tags(school: School) -> Iterator[Term]:
    yield from (Term(kind="hashtag", text=_clean(tag).lstrip("#")) for tag in school.hashtags)
    yield from (Term(kind="handle", text=_clean(handle).lstrip("@")) for handle in school.handles)


def _role_holders(school: School) -> Iterator[Term]:
    """The public role-holders, never alone: beside the shortest of the school's names, which stand in the longer."""
    names = tuple(_ways((*school.short_names, school.name)))
    spoken = {name: words(name) for name in names}
    shortest = tuple(
        n for n in names if not any(spoken[o] != spoken[n] and within(spoken[o], spoken[n]) for o in names)
    )
    for holder in school.role_holders:
        yield Term(kind="role_holder", text=_clean(holder.name), beside=shortest, until=holder.end)


def _town(school: School) -> tuple[str, ...]:
    return (_clean(school.town),) if school.town and words(school.town) else ()


def _ways(names: Iterable[str]) -> Iterator[str]:
    """Each name, and without its apostrophes where it has any: "St Mary's", "St Marys"."""
    seen: set[str] = set()
    for name in map(_clean, names):
        for way in (name, re.sub(r"['’]", "", name)):
            if words(way) and way.casefold() not in seen:
                seen.add(way.casefold())
                yield way


def _clean(text: str) -> str:
    """One line without quotes, which would end a phrase, and without commas, which no search reads."""
    return " ".join(_UNPRINTABLE.sub(" ", text).replace(",", " ").replace("’", "'").split())
