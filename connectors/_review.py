"""Turns what Google's Business Profile service sends (reviews of a place, the owner's replies) into posts; pure.

A review's text begins with its stars, because many reviews are stars alone and a change of stars is an edit that its
readers see. Google joins its own translation to the comment; only what the person wrote is kept as text.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors._html import clean
from connectors.post import Author, Media, Post

Item = Mapping[str, Any]

ODD = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
_STARS = {"ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5}
_SOUND_ID = re.compile(r"[!-~]{1,400}")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_PUNCTUATION = ".,;:!?)]}'’”…"
_UNPUBLISHED = {"PENDING", "REJECTED"}
# A translation before the comment says where the comment begins; one after it begins with its own mark.
_ORIGINAL_LAST = re.compile(r"\A\(Translated by Google\).*?\n[ \t]*\(Original\)[ \t]*\n?(.*)\Z", re.DOTALL)
_ORIGINAL_FIRST = re.compile(r"\A(.*?)\n[ \t]*\(Translated by Google\)[ \t]*\n?(.*)\Z", re.DOTALL)
_LONGEST_TRANSLATION = 8  # times the original, which leaves room for scripts that say much in few signs
_SHORT = 60


def review_id(item: Item) -> str:
    """The id of a review.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it has none that could be used.
    """
    id_ = item.get("reviewId") or str(item["name"]).rpartition("/")[2]
    if not isinstance(id_, str) or not _SOUND_ID.fullmatch(id_):
        raise ValueError("without a usable id")
    return id_


def to_posts(item: Item, *, place: str, official: bool) -> list[Post]:
    """A review, and the reply of the place's owner where there is one; ``place`` is the place's own name at Google.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a review.
    """
    id_, comment = review_id(item), original(_text(item, "comment"))
    created, updated = moment(item.get("createTime")), moment(item.get("updateTime"))
    stars = _STARS.get(str(item.get("starRating")))
    if stars is None and not comment and "starRating" not in item:
        raise ValueError("neither stars nor words")
    rating = f"{stars} of 5 stars" if stars else ""
    review = Post(
        platform="google_reviews",
        id=id_,
        kind="review",
        text="\n\n".join(part for part in (rating, comment) if part),
        author=_author(item, id_),
        created_at=created,
        edited_at=updated if updated != created else None,
        thread=id_,
        links=_links(comment),
        media=tuple(_media(item)),
        raw=as_bytes({name: value for name, value in item.items() if name != "reviewReply"}),
    )
    return [review, *_reply(item, id_, place, official)]


def original(comment: str) -> str:
    """What the person wrote, without the translation that Google joined to it.

    A "translation" that is far longer than the original is none of Google's, so it is kept: nobody hides words so.
    """
    text = clean(comment).strip()
    last = _ORIGINAL_LAST.match(text)
    if last and last[1].strip():
        written, translated = last[1].strip(), text[: last.start(1)]
    else:
        first = _ORIGINAL_FIRST.match(text)
        if not first or not first[1].strip():
            return text
        written, translated = first[1].strip(), first[2]
    return written if len(translated) <= _LONGEST_TRANSLATION * len(written) + _SHORT else text


def moment(value: Any) -> datetime | None:
    """A time in UTC; one that cannot be read is unknown, which is no reason to lose the review."""
    with contextlib.suppress(ValueError, OverflowError):
        read = datetime.fromisoformat(str(value or ""))
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    return None


def as_bytes(value: Any) -> bytes:
    """An item as it is kept: JSON in ASCII, keys sorted."""
    try:
        return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
    except RecursionError:
        return b'"nested too deep to be kept"'


def _reply(item: Item, review: str, place: str, official: bool) -> list[Post]:
    """The owner's reply; one that Google has not published is not public."""
    reply = item.get("reviewReply")
    if not isinstance(reply, dict) or str(reply.get("reviewReplyState")) in _UNPUBLISHED:
        return []
    text = original(_text(reply, "comment"))
    if not text:
        return []
    return [
        Post(
            platform="google_reviews",
            id=f"{review}/reply",
            kind="reply",
            text=text,
            author=Author(id=place, official=official),
            created_at=moment(reply.get("updateTime")),
            reply_to=review,
            thread=review,
            links=_links(text),
            raw=as_bytes(reply),
        )
    ]


def _author(item: Item, id_: str) -> Author:
    """Who wrote a review. Google gives people no id, and each person has one review of a place: its id stands in."""
    reviewer = item.get("reviewer")
    reviewer = reviewer if isinstance(reviewer, dict) else {}
    name = reviewer.get("displayName")
    shown = clean(name).strip() if isinstance(name, str) and not reviewer.get("isAnonymous") else ""
    return Author(id=f"{id_}/reviewer", name=shown or None)


def _media(item: Item) -> list[Media]:
    found = []
    for one in item.get("reviewMediaItems") or ():
        address = one.get("videoUrl") or one.get("googleUrl") or one.get("thumbnailUrl")
        url = clean(address) if isinstance(address, str) and address.startswith(("https://", "http://")) else None
        found.append(Media(kind="video" if one.get("videoUrl") else "image", url=url))
    return found


def _text(item: Item, name: str) -> str:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"a {name} of Google's is a string")
    return value or ""


def _links(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found.rstrip(_PUNCTUATION) for found in _LINK.findall(text)))
