"""Turns what LinkedIn sends (posts, comments, notifications) into posts; pure.

A post is known by its URN, a comment by its number, which is the same by whatever way it is found. A poll's question
and answers are part of the text; the preview of a linked page is a medium of kind ``other`` with its title.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from connectors._html import clean, web_address
from connectors._toot import dump
from connectors.post import Author, Media, Post

Item = Mapping[str, Any]

_FEED = "https://www.linkedin.com/feed/update/"
_URN = re.compile(r"urn:li:[A-Za-z]{1,40}:[\w-]{1,80}", re.ASCII)
_COMMENT = re.compile(r"(?:urn:li:)?comment:\((?:urn:li:)?([A-Za-z]{1,40}:\d{1,30}),(\d{1,30})\)", re.ASCII)
_DIGITS = re.compile(r"\d{1,30}", re.ASCII)
_SEEN_BY_ALL = ("PUBLIC", "LOGGED_IN")
_KINDS = {"image": "image", "video": "video"}
# LinkedIn's "little" text: escaped signs, @[name](urn) and {hashtag|\#|tag}.
_LITTLE = re.compile(
    r"\\(?P<sign>[|{}@\[\]()<>#\\*_~])"
    r"|@\[(?P<name>(?:\\.|[^\]\\]){0,200})\]\(urn:li:[^)\s]{1,120}\)"
    r"|\{hashtag\|\\?(?P<hash>[#＃])\|(?P<tag>(?:\\.|[^}\\]){1,200})\}",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_LINK = re.compile(r"https?://[^\s<>\"]+")
_PUNCTUATION = ".,;:!?)]}'’”…"


def to_post(item: Item, *, own: Author) -> Post | None:
    """A post; ``None`` where it is a draft, not for everybody, or only repeats another's without a word.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a post.
    """
    urn = _urn(item["id"])
    if item.get("lifecycleState", "PUBLISHED") != "PUBLISHED" or item.get("visibility", "PUBLIC") not in _SEEN_BY_ALL:
        return None
    content, reshared = _map(item, "content"), _map(item, "reshareContext")
    text = "\n\n".join(part for part in (little_text(_word(item, "commentary")).strip(), _poll(content)) if part)
    if reshared and not text and not content:
        return None
    created = moment(item.get("publishedAt")) or moment(item.get("createdAt"))
    edited = _map(item, "lifecycleStateInfo").get("isEditedByAuthor") is True
    shared = _some_urn(reshared.get("parent")) or _some_urn(reshared.get("root"))
    return Post(
        platform="linkedin",
        id=urn,
        kind="post",
        text=text,
        url=_FEED + urn,
        author=_author(item.get("author"), own),
        created_at=created,
        edited_at=moment(item.get("lastModifiedAt")) if edited else None,
        thread=urn,
        links=_links(text, _map(content, "article").get("source"), _FEED + shared if shared else None),
        media=tuple(_media(content)),
        raw=dump(item),
    )


def to_comment(item: Item, *, own: Author, thread: str, parent: str | None = None) -> Post:
    """A comment on the post ``thread``, or a reply where it answers another comment, such as ``parent``.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a comment.
    """
    urn = comment_urn(item)
    named = _COMMENT.fullmatch(urn) if urn else None
    number = _number(item.get("id")) or (named[2] if named else None)
    if number is None:
        raise ValueError("without a usable id")
    answered = _answered(item) or (parent if parent != number else None)
    text = clean(_word(_map(item, "message"), "text")).strip()
    created, changed = (moment(_map(item, name).get("time")) for name in ("created", "lastModified"))
    attached: list[Item] = [one for one in item.get("content") or () if isinstance(one, dict)]
    return Post(
        platform="linkedin",
        id=number,
        kind="reply" if answered else "comment",
        text=text,
        url=f"{_FEED}{thread}" + (f"?commentUrn={quote(urn, safe='')}" if urn else ""),
        author=_author(item.get("actor") or _map(item, "created").get("actor"), own),
        created_at=created,
        edited_at=changed if changed != created else None,
        reply_to=answered or thread,
        thread=thread,
        links=_links(text, *(one.get("url") for one in attached if one.get("type") != "IMAGE")),
        media=tuple(_pictures(attached)),
        raw=dump(item),
    )


def to_mention(note: Item, *, own: Author) -> Post | None:
    """The post of somebody else that a notification tells of; ``None`` for a repost without a word, or one's own.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the notification has not the shape of one.
    """
    said = _map(_map(note, "decoratedGeneratedActivity"), "share")
    if not said and note["action"] == "SHARE_MENTION":
        said = _map(note, "decoratedSourcePost")
    urn = _urn(said.get("entity") or note.get("generatedActivity") or note.get("sourcePost"))
    text, owner = clean(_word(said, "text")).strip(), _author(said.get("owner"), own)
    if (owner is not None and owner.id == own.id) or (note["action"] != "SHARE_MENTION" and not text):
        return None
    source = source_of(note)
    return Post(
        platform="linkedin",
        id=urn,
        kind="post",
        text=text,
        url=_FEED + urn,
        author=owner,
        created_at=moment(note.get("lastModifiedAt")),
        thread=urn,
        links=_links(text, _FEED + source if source and source != urn else None),
        raw=dump(note),
    )


def to_noted_comment(note: Item, *, own: Author) -> Post:
    """A comment as far as its notification tells it, for where the comment itself may not be read.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the notification tells of no comment.
    """
    said = _map(_map(note, "decoratedGeneratedActivity"), "comment")
    where = comment_of(note)
    if where is None:
        raise ValueError("without a usable id")
    item = {
        "id": where[1],
        "commentUrn": f"urn:li:comment:({where[0]},{where[1]})",
        "actor": said.get("owner"),
        "message": {"text": said.get("text")},
        "created": {"time": note.get("lastModifiedAt")},
    }
    return to_comment(item, own=own, thread=source_of(note) or where[0])


def comment_of(note: Item) -> tuple[str, str] | None:
    """The URN of what a notified comment stands under, and the comment's number."""
    said = _map(_map(note, "decoratedGeneratedActivity"), "comment")
    for urn in (said.get("entity"), note.get("generatedActivity")):
        found = _COMMENT.fullmatch(urn) if isinstance(urn, str) else None
        if found:
            return f"urn:li:{found[1]}", found[2]
    return None


def source_of(note: Item) -> str | None:
    """The URN of the page's post that a notification is about, as the list of posts has it, where it is told."""
    return _some_urn(_map(note, "decoratedSourcePost").get("entity")) or _some_urn(note.get("sourcePost"))


def comment_urn(item: Any) -> str | None:
    """The URN by which replies to a comment are asked for, or ``None`` where it tells none."""
    for name in ("commentUrn", "$URN"):
        urn = item.get(name) if isinstance(item, dict) else None
        if isinstance(urn, str) and _COMMENT.fullmatch(urn):
            return urn
    return None


def replies_of(item: Any) -> int | None:
    """How many replies a comment has, ``None`` where it does not tell; a reply has none."""
    if not isinstance(item, dict) or item.get("parentComment"):
        return 0
    summary = item.get("commentsSummary")
    summary = summary if isinstance(summary, dict) else {}
    for name in ("aggregatedTotalComments", "totalFirstLevelComments"):
        count = summary.get(name)
        if isinstance(count, int) and not isinstance(count, bool):
            return count
    return None


def little_text(text: str) -> str:
    """LinkedIn's notation of a post's text as its readers see it."""
    return clean(_LITTLE.sub(_shown, text))


def moment(value: Any) -> datetime | None:
    """Milliseconds since 1970 in UTC; what cannot be read is unknown, which is no reason to lose the post."""
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _shown(found: re.Match[str]) -> str:
    if found["sign"]:
        return found["sign"]
    words = found["hash"] + found["tag"] if found["hash"] else found["name"]
    return _ESCAPED.sub(r"\1", words)


def _poll(content: Item) -> str:
    """The question of a poll and its answers, one a line."""
    poll = _map(content, "poll")
    answers = [_word(one, "text") for one in poll.get("options") or () if isinstance(one, dict)]
    lines = [_word(poll, "question"), *(f"- {answer}" for answer in answers if answer)]
    return clean("\n".join(line for line in lines if line))


def _media(content: Item) -> Iterator[Media]:
    """Pictures, films and documents, of which LinkedIn gives no address, and the preview of a linked page."""
    many = _map(content, "multiImage").get("images") or ()
    cards = [_map(one, "media") for one in _map(content, "carousel").get("cards") or ()]
    for one in (_map(content, "media"), *many, *cards):
        if one:
            kind = _KINDS.get(str(one.get("id")).removeprefix("urn:li:").partition(":")[0], "other")
            yield Media(kind=kind, alt=clean(_word(one, "altText") or _word(one, "title")).strip() or None)
    article = _map(content, "article")
    if article:
        title = clean(_word(article, "title")).strip()
        yield Media(kind="other", url=web_address(_word(article, "source")), alt=title or None)


def _pictures(attached: list[Item]) -> Iterator[Media]:
    for one in attached:
        if one.get("type") == "IMAGE":
            yield Media(kind="image", url=web_address(_word(one, "url")))


def _author(urn: Any, own: Author) -> Author | None:
    """Who wrote an item: the page itself, or somebody of whom LinkedIn tells the URN alone."""
    found = _some_urn(urn)
    if found is None:
        return None
    return own if found == own.id else Author(id=found)


def _answered(item: Item) -> str | None:
    found = _COMMENT.fullmatch(str(item.get("parentComment") or ""))
    return found[2] if found else None


def _links(text: str, *others: Any) -> tuple[str, ...]:
    """The addresses that belong to an item, those outside its text first."""
    found = [one for one in others if isinstance(one, str)]
    found += [match.rstrip(_PUNCTUATION) for match in _LINK.findall(text)]
    addresses = (web_address(one) for one in found)
    return tuple(dict.fromkeys(address for address in addresses if address))


def _map(item: Item, name: str) -> Item:
    value = item.get(name)
    if value is not None and not isinstance(value, dict):
        raise TypeError(f"{name} that is no object")
    return value or {}


def _word(item: Item, name: str) -> str:
    value = item.get(name)
    if value is not None and not isinstance(value, str):
        raise TypeError(f"{name} that is no text")
    return value or ""


def _urn(value: Any) -> str:
    found = _some_urn(value)
    if found is None:
        raise ValueError("without a usable id")
    return found


def _some_urn(value: Any) -> str | None:
    return value if isinstance(value, str) and _URN.fullmatch(value) else None


def _number(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) if _DIGITS.fullmatch(str(value)) else None
