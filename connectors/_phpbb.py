"""Turns the entries of a phpBB forum's feed into posts; pure.

A feed names forum and subject in one line and puts a line of statistics under each post: both are taken apart. A
post is known by its number, its topic by ``t`` and the topic's number, where the address holds one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from connectors._topic import Place, counts
from connectors.post import Author, Post

if TYPE_CHECKING:
    from connectors._feed import Entry

_SEPARATOR = " • "
_ANSWER = "Re: "  # phpBB writes it in every language
_STATISTICS = re.compile(r"[^\n]*\b\d{1,2}[:.]\d{2}\b[^\n]*|[^\n]*\b\d{4}\b[^\n]*")


def read_entry(entry: Entry, place: Place) -> Post | None:
    """One post, or nothing where the entry leads to none."""
    topic, number = numbers(entry.url or entry.id)
    if number is None and topic is None:
        return None
    subject, text = _parted(entry)
    answers = subject.startswith(_ANSWER)
    thread = f"t{topic}" if topic else None
    profile = next((link for link in entry.links if "memberlist." in link and "viewprofile" in link), None)
    if profile or entry.author:
        text = _without_statistics(text, entry.author, told=profile is not None)
    return Post(
        platform="forum",
        origin=place.origin,
        id=number or f"t{topic}",
        kind="comment" if answers else "post",
        text=text if answers else "\n\n".join(part for part in (subject, text) if part),
        url=entry.url,
        author=_author(entry.author, profile),
        created_at=entry.published,
        edited_at=entry.updated,
        reply_to=thread if answers else None,
        thread=thread or (None if answers else number),
        links=tuple(link for link in entry.links if link != profile),
        media=entry.media,
        raw=entry.raw,
    )


def numbers(address: str) -> tuple[str | None, str | None]:
    """Topic and post that an address of a phpBB forum leads to."""
    try:
        parts = urlsplit(address)
        query = parse_qs(parts.query, max_num_fields=50)
    except ValueError:
        return None, None
    if not parts.path.endswith(("/viewtopic.php", "viewtopic.php")):
        return None, None
    return _number(query, "t"), _number(query, "p") or _number({"p": [parts.fragment[1:]]}, "p")


def _number(query: Mapping[str, list[str]], name: str) -> str | None:
    told = query.get(name, [""])[0]
    return told if told.isdecimal() and len(told) < 16 and counts(int(told)) else None  # noqa: PLR2004


def _parted(entry: Entry) -> tuple[str, str]:
    """Subject and text; a feed of the whole forum puts the forum's part before the subject."""
    head, _, rest = entry.text.partition("\n\n")
    if "\n" in head or not rest:
        return "", entry.text
    return head.rpartition(_SEPARATOR)[2].strip() if _SEPARATOR in head else head.strip(), rest


def _without_statistics(text: str, author: Author | None, *, told: bool) -> str:
    """The text without the line "Statistics: Posted by NAME — DATE" that phpBB puts under it."""
    before, _, last = text.rpartition("\n\n")
    name = author.name if author else None
    is_statistics = name is not None and name in last and "—" in last and _STATISTICS.fullmatch(last) is not None
    return before if is_statistics and (told or before) else text


def _author(author: Author | None, profile: str | None) -> Author | None:
    """Who wrote it, by the number of the profile where the feed links to one."""
    if author is None:
        return None
    user = parse_qs(urlsplit(profile or "").query).get("u", [""])[0]
    return replace(author, id=user if user.isdecimal() else author.id, handle=author.name, name=None)
