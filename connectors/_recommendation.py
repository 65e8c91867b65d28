"""Turns a recommendation of a Facebook Page, as the Graph API sends it, into a review; pure.

Since August 2018 people recommend a page or not; before, they gave one to five stars. Most write nothing besides, so
the text begins with what they chose, in words.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors._html import clean
from connectors._story import as_bytes, direct, written
from connectors.post import Author, Post

Item = Mapping[str, Any]

FIELDS = "created_time,recommendation_type,rating,review_text,reviewer,open_graph_story{id}"
_SITE = "https://www.facebook.com"
_CHOSEN = {"positive": "Recommends", "negative": "Does not recommend"}
_MOST_STARS = 5
_LINK = re.compile(r"https?://[^\s<>\"]+")
_PUNCTUATION = ".,;:!?)]}'’”…"


def to_review(item: Item, *, page: str) -> Post:
    """A recommendation of the page of that name or number; none of them is the school's own word.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a recommendation.
    """
    said = item.get("review_text") or ""
    if not isinstance(said, str):
        raise TypeError("a text of Facebook is a string")
    chosen, words, moment = _chosen(item), clean(said).strip(), _moment(item)
    if not chosen and not words:
        raise ValueError("neither a choice nor words")
    author, story = _author(item), (item.get("open_graph_story") or {}).get("id")
    number = clean(str(story)) if story else _number(page, author, moment)
    return Post(
        platform="facebook",
        id=number,
        kind="review",
        text="\n\n".join(part for part in (chosen, words) if part),
        url=f"{_SITE}/{number if story else f'{page}/reviews'}",
        author=author,
        created_at=moment,
        thread=number,
        links=tuple(dict.fromkeys(direct(found.rstrip(_PUNCTUATION)) for found in _LINK.findall(words))),
        raw=as_bytes(item),
    )


def _chosen(item: Item) -> str:
    """What somebody chose: to recommend or not, and the stars of the time before."""
    kind, stars = item.get("recommendation_type"), item.get("rating")
    known = isinstance(stars, int) and not isinstance(stars, bool) and 1 <= stars <= _MOST_STARS
    parts = (_CHOSEN.get(str(kind).lower()), f"{stars} of {_MOST_STARS} stars" if known else None)
    return ", ".join(part for part in parts if part)


def _moment(item: Item) -> datetime | None:
    story = item.get("open_graph_story") or {}
    told = written(item)
    return told if told is not None else written({"created_time": story.get("start_time")})


def _author(item: Item) -> Author | None:
    """Who wrote it; Facebook leaves out those who have not allowed apps to know."""
    reviewer = item.get("reviewer") or {}
    if not reviewer.get("id"):
        return None
    name = reviewer.get("name")
    return Author(id=clean(str(reviewer["id"])), name=clean(name) if isinstance(name, str) else None)


def _number(page: str, author: Author | None, moment: datetime | None) -> str:
    """An id that stays for one of the old kind, which Facebook gave none: what can be changed is not in it."""
    if moment is None:
        raise ValueError("neither an id nor a time")
    told = f"{page.casefold()} {author.id if author else ''} {moment.timestamp():.0f}"
    return f"rating-{hashlib.blake2s(told.encode('utf-8', 'replace'), digest_size=10).hexdigest()}"
