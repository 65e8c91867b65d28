"""Terms in the search language of platforms that join several by OR, and what each platform knows as a sign."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from alerts.term import Term, covers

_HANDLE_OF_X = re.compile(r"[A-Za-z0-9_]{1,20}")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_TAG = re.compile(r"\w*[^\W\d]\w*")
_OPERATORS = ("and", "or", "not")
# The languages that X says it can tell (its page on search operators); it refuses a search for any other.
_LANGUAGES = """
am ar bg bn bo ca ckb cs cy da de dv el en es et eu fa fi fr gu he hi ht hu hy in is it iw ja ka km kn ko lo lt lv ml
mr my ne nl no or pa pl ps pt ro ru sd si sk sl sr sv ta te th tl tr ug uk ur vi zh
"""
LANGUAGES_OF_X = frozenset(_LANGUAGES.split())
# What X cannot tell the language of: too few words. (Its codes for posts of tags or names alone, qht and qam, are on
# no page of its API; what such posts are found by, tags and handles, is therefore asked for in all languages.)
_UNTOLD = "und"


def is_tag(term: Term) -> bool:
    """Whether a platform that knows hashtags knows this one."""
    return term.kind == "hashtag" and _TAG.fullmatch(term.text) is not None


def is_on_x(term: Term) -> bool:
    """Whether a term is a handle as X has them."""
    return term.kind == "handle" and _HANDLE_OF_X.fullmatch(term.text) is not None


def is_sign(term: Term, platform: str) -> bool:
    """Whether a platform can be asked for a tag or handle as such; elsewhere it is a word like any other."""
    if term.kind == "handle" and platform == "bluesky":
        return _DOMAIN.fullmatch(term.text) is not None
    return (is_tag(term) and platform != "reddit") or (is_on_x(term) and platform == "x")


def _needed(sought: Sequence[Term], platform: str) -> list[Term]:
    """The terms without those that a shorter name beside them covers: who finds that one finds them.

    What the platform knows as a sign needs nothing beside it.
    """
    every = [replace(term, beside=(), unless=()) if is_sign(term, platform) else term for term in sought]
    return [term for term in every if not any(covers(other, term) for other in every)]


def _people(asked: Iterable[Term]) -> dict[str, list[str]]:
    """Each role-holder with the names beside which they are looked for: a trust's CEO beside those of its schools."""
    found: dict[str, list[str]] = {}
    for term in asked:
        if term.kind == "role_holder":
            found.setdefault(term.text, []).extend(term.beside)
    return found


def _x(sought: Sequence[Term], languages: tuple[str, ...], own: frozenset[str]) -> str:
    """X: phrases, tags and handles joined by OR; a minus holds for the whole of its brackets, so each has its own."""
    asked = [term for term in _needed(sought, "x") if not is_own(term, own)]
    parts = _x_parts([term for term in asked if not (languages and is_sign(term, "x"))])
    if languages and parts:
        spoken = f"{either(parts)} {either(f'lang:{code}' for code in (*languages, _UNTOLD))}"
        signs = [_x_part(term) for term in asked if is_sign(term, "x")]
        parts = [*signs, f"({spoken})"] if signs else [spoken]
    elif languages:
        parts = [_x_part(term) for term in asked]
    ends = ["-is:retweet"]
    for term in sought:
        if is_own(term, own):
            ends += [f"-from:{term.text}", f"-@{term.text}"]
    return " ".join((either(parts), *dict.fromkeys(ends)))


def _x_parts(asked: Sequence[Term]) -> list[str]:
    parts = [_x_part(term) for term in asked if not term.beside]
    parts += [f"({phrase(who)} {either(map(_x_word, names))})" for who, names in _people(asked).items()]
    lone = [term for term in asked if term.kind != "role_holder" and term.beside]
    if lone:
        names = either(_without(_x_word(term.text), term.unless, " -") for term in lone)
        parts.append(f"({names} {either(_x_word(word) for term in lone for word in term.beside)})")
    return parts


def is_own(term: Term, own: frozenset[str]) -> bool:
    """Whether a term is a handle that the school's own account reads already."""
    return term.kind == "handle" and term.text.casefold() in own


def _x_part(term: Term) -> str:
    if is_sign(term, "x"):
        return f"{'#' if term.kind == 'hashtag' else '@'}{term.text}"
    return _without(_x_word(term.text), term.unless, " -")


def _x_word(text: str) -> str:
    bare = text.isalnum() and text.casefold() not in _OPERATORS
    return text if bare else phrase(text)


def _reddit(sought: Sequence[Term], _languages: tuple[str, ...], _own: frozenset[str]) -> str:
    """Reddit: phrases joined by OR, AND and NOT; it knows no tags, so tags and handles are words."""
    asked = _needed(sought, "reddit")
    parts = [_without(phrase(term.text), term.unless, " NOT ") for term in asked if not term.beside]
    parts += [f"({phrase(who)} AND {either(map(phrase, names))})" for who, names in _people(asked).items()]
    lone = [term for term in asked if term.kind != "role_holder" and term.beside]
    if lone:
        names = either(_without(phrase(term.text), term.unless, " NOT ") for term in lone)
        parts.append(f"({names} AND {either(phrase(word) for term in lone for word in term.beside)})")
    return " OR ".join(dict.fromkeys(parts))


def _youtube(sought: Sequence[Term], _languages: tuple[str, ...], _own: frozenset[str]) -> str:
    """YouTube: phrases joined by a bar, which takes no brackets: what stands together is a query's own phrase."""
    parts = [part for term in _needed(sought, "youtube") for part in _youtube_parts(term)]
    return "|".join(dict.fromkeys(parts))


def _youtube_parts(term: Term) -> tuple[str, ...]:
    if is_sign(term, "youtube"):
        return (f"#{term.text}",)
    if term.kind == "role_holder":
        return tuple(phrase(f"{term.text} {name}") for name in term.beside)
    return tuple(phrase(f"{term.text} {word}") for word in few(term.beside)) or (phrase(term.text),)


WRITERS: dict[str, Callable[[Sequence[Term], tuple[str, ...], frozenset[str]], str]] = {
    "x": _x,
    "reddit": _reddit,
    "youtube": _youtube,
}


def size(text: str) -> int:
    """A query's length as the strictest platform counts it: what lies beyond the first plane counts twice."""
    return len(text.encode("utf-16-le")) // 2


def phrase(text: str) -> str:
    """Words that must stand together."""
    return f'"{text}"'


def either(parts: Iterable[str]) -> str:
    """Any of the parts, in brackets where there are several."""
    few = tuple(dict.fromkeys(parts))
    return f"({' OR '.join(few)})" if len(few) > 1 else "".join(few)


def _without(word: str, unless: Iterable[str], sign: str) -> str:
    """A word with the phrases that it must not be part of, in brackets of its own."""
    no = "".join(f"{sign}{phrase(one)}" for one in unless)
    return f"({word}{no})" if no else word


def few(beside: Sequence[str]) -> tuple[str, ...]:
    """The words beside a lone name where each costs a query or a phrase: the town, and "school"."""
    return tuple(dict.fromkeys((beside[0], "school" if "school" in beside else beside[-1]))) if beside else ()
