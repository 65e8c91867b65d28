"""Whether what a school is looked for by can be looked for: short names, handles, hashtags, words that mean others."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alerts.linking import is_platform, site
from alerts.ordinary import ORDINARY, is_ordinary
from alerts.term import words
from watcher.config import SchoolRow

_LEAST = 3  # letters and digits of a short name
_TAG = re.compile(r"\w*[^\W\d]\w*")
_BARE = re.compile(r"[\w.-]*\w[\w.-]*(?:@[\w-]+(?:\.[\w-]+)+)?")
# Where platforms show a profile, and where in its address the handle stands.
_PROFILE = re.compile(
    r"(?:https?://)?(?:www\.|m\.|mobile\.|old\.)?"
    r"(?:(?:x|twitter|facebook|fb|instagram|threads|tiktok)\.com/|threads\.net/|youtube\.com/(?:c/|user/)?"
    r"|linkedin\.com/(?:company|school|showcase)/|bsky\.app/profile/|reddit\.com/(?:u|user|r)/)"
    r"@?([\w.-]*\w[\w.-]*)/?(?:[?#].*)?",
    re.IGNORECASE,
)
_NO_PROFILE = frozenset(
    ("profile.php", "pages", "groups", "channel", "watch", "hashtag", "search", "home", "p", "explore")
)


def handle_of(text: str) -> str | None:
    """The bare handle in what somebody wrote: with an ``@``, or the address of a profile; ``None`` where there is none.

    ``https://x.com/hillcrest`` and ``@hillcrest`` are ``hillcrest``; ``hillcrest@social.example`` stays.
    """
    text = text.strip()
    found = _PROFILE.fullmatch(text)
    if found is not None:
        return None if found[1].casefold() in _NO_PROFILE else found[1]
    bare = text.removeprefix("@")
    return bare if _BARE.fullmatch(bare) else None


def naming_problems(key: str, school: SchoolRow) -> Iterator[str]:
    """What of a school's terms would bring nothing, or posts about anything; each with its key and what to write."""
    if sum(map(len, words(school.name))) < _LEAST:
        yield f'{key}.name: {school.name!r} names no school; write its full name, such as "Hillcrest Primary School"'
    for number, name in enumerate(school.short_names, 1):
        why = _why_not(name)
        if why:
            yield (
                f"{key}.short_names[{number}]: {name!r} {why}; write what people call this school and no other, "
                'such as "Hillcrest" or "Hillcrest Primary", or leave it out'
            )
    for number, handle in enumerate(school.handles, 1):
        if handle_of(handle) is None:
            yield (
                f"{key}.handles[{number}]: {handle!r} is no handle; write the bare handle, such as "
                '"hillcrestprimary", without address, @ or blanks'
            )
        elif is_ordinary(words(handle_of(handle) or "")):
            yield (
                f"{key}.handles[{number}]: {handle!r} is an ordinary word, found in posts about anything where a "
                'platform has no handles; write one such as "hillcrestprimary"'
            )
    for number, tag in enumerate(school.hashtags, 1):
        yield from _tag(f"{key}.hashtags[{number}]", tag)
    yield from _elsewhere(key, school)
    if school.url is not None and is_platform(next(iter(site(school.url)), "")):
        yield (
            f"{key}.url: {school.url!r} is a platform's, where everybody may have a page; write the address of the "
            "school's own site, or leave it out, and write the profile's name in handles"
        )


def _elsewhere(key: str, school: SchoolRow) -> Iterator[str]:
    """Phrases that would mean another place, and are the school's own name or in posts about anything."""
    own = {words(name): name for name in (*school.short_names, school.name)}
    for number, phrase in enumerate(school.not_about, 1):
        why = _why_not(phrase)
        if words(phrase) in own:
            yield (
                f"{key}.not_about[{number}]: {phrase!r} is the school's own name ({own[words(phrase)]!r}), so nothing "
                f'about it would be found; write what means another place, such as "{phrase.strip()} Road"'
            )
        elif why:
            yield (
                f"{key}.not_about[{number}]: {phrase!r} {why.replace('brings', 'stands in')}, so posts about the "
                'school would be lost; write what means another place, such as "Hillcrest Road" or "Hillcrest, Ohio"'
            )


def _tag(key: str, tag: str) -> Iterator[str]:
    bare = tag.strip().lstrip("#＃")
    if not _TAG.fullmatch(bare):
        joined = "".join(word[:1].upper() + word[1:] for word in re.findall(r"[^\W_]+", bare)) or "HillcrestPrimary"
        joined = joined if _TAG.fullmatch(joined) else "HillcrestPrimary"
        yield f'{key}: {tag!r} is not one word of letters and digits; write one such as "{joined}"'
    elif bare.casefold() in ORDINARY:
        yield f'{key}: {tag!r} is an ordinary word, found in posts about anything; write one such as "HillcrestPrimary"'


def _why_not(name: str) -> str | None:
    spoken = words(name)
    if sum(map(len, spoken)) < _LEAST:
        return f"is shorter than {_LEAST} letters"
    if is_ordinary(spoken):
        return (
            f"is {'an ordinary word' if len(spoken) == 1 else 'made of ordinary words'} and brings posts about anything"
        )
    return None
