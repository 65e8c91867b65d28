"""What a school goes by, as terms, each with what must stand beside it and what it must not be part of; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from alerts.ordinary import is_ordinary
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
# So many characters of names stand beside a role-holder in one term; a school of more names has more terms.
_MOST_BESIDE = 160
_WORD = re.compile(r"[^\W_]+")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\"“”„\\]+")


@dataclass(frozen=True, kw_only=True)
class Term:
    """One thing that a school is looked for by.

    ``text`` is a name, a tag without ``#``, a handle without ``@``, or a role-holder's name. One of ``beside`` must
    stand in the post as well, where there are any, except where a platform knows the tag or handle as such; ``unless``
    are the phrases that mean something else. ``until`` is the last day on which it is looked for, ``None`` where there
    is none.
    """

    kind: str
    text: str
    beside: tuple[str, ...] = ()
    unless: tuple[str, ...] = ()
    until: date | None = None


def terms(school: School, today: date | None = None) -> tuple[Term, ...]:
    """Everything the school is looked for by on that day, each once; without a day, also what was until a past one."""
    found: dict[tuple[str, str, tuple[str, ...]], Term] = {}
    for term in (*_names(school), *_tags(school), *_role_holders(school)):
        known = term.until is None or today is None or today <= term.until
        if known and words(term.text):
            # A person may hold two roles: the later end is when the name goes.
            key = (term.kind, term.text.casefold(), term.beside if term.kind == "role_holder" else ())
            before = found.get(key)
            if before is None or (before.until or date.max) < (term.until or date.max):
                found[key] = term
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
    for way in _ways((school.name,)):
        yield _named("name", way, school, _beside(school, way) if is_ordinary(words(way)) else ())
    for way in _ways(school.short_names):
        yield _named("short_name", way, school, _beside(school, way) if _is_lone(way) else ())


def _is_lone(name: str) -> bool:
    """Whether a name does not say itself that it is a school's."""
    spoken = words(name)
    telling = len(spoken) > 1 and not _TELLING.isdisjoint(spoken)
    return not telling or is_ordinary(spoken)


def _beside(school: School, name: str) -> tuple[str, ...]:
    """What must stand beside a name that anything may bear; beside ordinary words school matters tell nothing."""
    town, spoken = _town(school), words(name)
    if town and is_ordinary(spoken):
        return town
    return tuple(dict.fromkeys((*town, *(word for word in CONTEXT if word not in spoken))))


def _named(kind: str, text: str, school: School, beside: tuple[str, ...]) -> Term:
    """A name with the phrases that it is no part of: those that hold it, and for a lone name all others, too."""
    spoken = words(text)
    unless = (_clean(phrase) for phrase in school.not_about)
    kept = tuple(p for p in unless if words(p) and words(p) != spoken and (beside or within(spoken, words(p))))
    return Term(kind=kind, text=text, beside=beside, unless=tuple(dict.fromkeys(kept)))


def _tags(school: School) -> Iterator[Term]:
    """Tags and handles; one that is a brief name, too, is no more than that where a platform knows no such thing."""
    brief = {"".join(words(name)) for name in (*filter(_is_lone, school.short_names), *_town(school))}
    signs = [("hashtag", _clean(tag).lstrip("#")) for tag in school.hashtags]
    signs += [("handle", _clean(handle).lstrip("@")) for handle in school.handles]
    for kind, text in signs:
        if "".join(words(text)) in brief or is_ordinary(words(text)):
            yield _named(kind, text, school, _beside(school, text))
        else:
            yield Term(kind=kind, text=text)


def _role_holders(school: School) -> Iterator[Term]:
    """The public role-holders, never alone: beside the shortest of the school's names, which stand in the longer."""
    names = tuple(_ways((*school.short_names, school.name)))
    spoken = {name: words(name) for name in names}
    shortest = tuple(
        n for n in names if not any(spoken[o] != spoken[n] and within(spoken[o], spoken[n]) for o in names)
    )
    for holder in school.role_holders:
        for beside in _in_parts(shortest):
            yield Term(kind="role_holder", text=_clean(holder.name), beside=beside, until=holder.end)


def _in_parts(names: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """The names in parts that leave room for a role-holder's in one query."""
    part: list[str] = []
    for name in names:
        if part and sum(map(len, part)) + len(name) > _MOST_BESIDE:
            yield tuple(part)
            part = []
        part.append(name)
    if part:
        yield tuple(part)


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
