"""The download that Google Takeout gives a channel's owner, turned into posts; pure.

Read are YouTube's public videos and the owner's comments, and reviews: those of the school's own place (Business
Profile) and those that the owner wrote (Maps). Private and unlisted videos, what was written under them, histories,
searches, live chats, subscriptions, playlists and every other product stay unread. Each item is brought into the shape
of Google's own interfaces first, so that it has the same id and the same text by both ways.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connectors._export import Format, Owner, derived
from connectors._film import Channel, to_comment, to_film
from connectors._gram import links
from connectors._html import clean, web_address
from connectors._review import to_posts
from connectors.post import Author, Post

_STARS = ("ONE", "TWO", "THREE", "FOUR", "FIVE")
_LANGUAGE = (
    "its files are named in another language: set the Google account's language to English, then ask for it again"
)


def _video(row: Mapping[str, str], raw: bytes, owner: Owner) -> list[Post]:
    if row["privacy"].strip().lower() != "public":
        return []
    channel = row.get("channel id") or owner.id
    item = {
        "kind": "youtube#video",
        "id": row["video id"],
        "snippet": {
            "channelId": channel,
            "channelTitle": owner.name,
            "title": row.get("video title (original)"),
            "description": row.get("video description (original)"),
            "publishedAt": row.get("video publish timestamp") or row.get("video create timestamp"),
            "defaultAudioLanguage": row.get("video audio language"),
        },
    }
    return [replace(to_film(item, Channel(id=str(channel or ""), official=owner.official)), raw=raw)]


def _comment(row: Mapping[str, str], raw: bytes, owner: Owner) -> list[Post]:
    """A comment on a public video, or on a channel's post; what stands under a hidden video is as hidden."""
    id_, video, page = row["comment id"], row.get("video id") or "", row.get("post id") or ""
    if video in owner.beside or not (video or page):
        return []
    above = id_.rpartition(".")[0]
    parent = row.get("top-level comment id") or above or row.get("parent comment id") or None
    channel = row.get("channel id") or owner.id
    item = {
        "id": id_,
        "snippet": {
            "textOriginal": _said(row["comment text"]),
            "publishedAt": row.get("comment create timestamp"),
            "parentId": parent if parent != id_ else None,
            "videoId": video,
            "authorChannelId": {"value": channel},
            "authorDisplayName": owner.name,
        },
    }
    post = replace(to_comment(item, Channel(id=str(channel or ""), official=owner.official)), raw=raw)
    if video:
        return [post]
    return [replace(post, reply_to=post.reply_to or page, thread=page)]


def _said(cell: str) -> str:
    """A comment's words: JSON objects in a row, or ``{"takeoutSegments": [...]}``, or plain text in older ones."""
    if not cell.lstrip().startswith("{"):
        return clean(cell)
    try:
        parts = json.loads(f"[{cell}]")
    except (ValueError, RecursionError):
        return clean(cell)
    segments = [one for part in parts for one in (part.get("takeoutSegments") or [part])]
    return clean("".join(str(one.get("text") or "") for one in segments))


def _review(item: Mapping[str, Any], _raw: bytes, owner: Owner) -> list[Post]:
    """A review of the school's own place, and the reply to it."""
    place = str(item.get("name") or "").partition("/reviews/")[0] or owner.account
    return to_posts(item, place=place, official=owner.official)


def _written(item: Mapping[str, Any], raw: bytes, owner: Owner) -> list[Post]:
    """A review that the owner wrote of any place."""
    facts = item["properties"]
    given, words = facts.get("five_star_rating_published"), clean(str(facts.get("review_text_published") or "")).strip()
    stars = _STARS.index(given) + 1 if given in _STARS else int(given or 0)
    where, at = str((facts.get("location") or {}).get("name") or ""), str(facts["date"])
    if not stars and not words:
        return []
    id_ = derived("google_reviews", at, where, words)
    post = Post(
        platform="google_reviews",
        origin=owner.account,
        id=id_,
        kind="review",
        text="\n\n".join(part for part in (f"{stars} of 5 stars" if stars else "", words) if part),
        url=web_address(str(facts.get("google_maps_url") or "")),
        author=Author(id=owner.id or owner.account, name=owner.name, official=owner.official),
        created_at=datetime.fromisoformat(at).astimezone(UTC),
        thread=id_,
        links=links(words),
        raw=raw,
    )
    return [post]


def _hidden(row: Any) -> tuple[str, Any] | None:
    """A video that is not public, so that nothing under it is read either."""
    return (row["video id"], True) if row["privacy"].strip().lower() != "public" else None


def _owner(_name: str, body: bytes, owner: Owner) -> Owner:
    """The channel's id and name, by ``channel.csv``; where there are several, each row of a part tells its own."""
    head, _, rest = body.decode("utf-8-sig", "replace").partition("\n")
    columns = [one.strip().lower() for one in head.split(",")]
    rows = [line for line in rest.splitlines() if line.strip()]
    if len(rows) != 1 or "channel id" not in columns:
        return owner
    cells = rows[0].split(",")
    title = columns.index("channel title (original)") if "channel title (original)" in columns else None
    plain = len(cells) == len(columns) and '"' not in rows[0]
    id_ = cells[columns.index("channel id")].strip()
    return replace(owner, id=id_ or None, name=clean(cells[title].strip()) if plain and title is not None else None)


TAKEOUT = Format(
    platform="youtube",
    sign=re.compile(
        r"(?:^|(?<=/))(?:Takeout/|archive_browser\.html$|YouTube and YouTube Music/|video metadata/videos[^/]*\.csv$"
        r"|history/(?:watch|search)-history\.(?:json|html)$|my-comments/)"
    ),
    parts={
        "videos": re.compile(r"(?:^|/)video[ -]metadata/videos(?:\(\d+\))?\.csv$", re.IGNORECASE),
        "comments": re.compile(
            r"(?:^|/)(?:YouTube and YouTube Music|comments)/comments(?:\(\d+\))?\.csv$", re.IGNORECASE
        ),
        "reviews": re.compile(r"(?:^|/)Google (?:My )?Business(?: Profile)?/(?:.+/)?reviews?[^/]*\.json$"),
        "written": re.compile(r"(?:^|/)Maps(?: \(your places\))?/Reviews\.json$"),
    },
    lists=frozenset(("reviews", "features")),
    posts={"videos": _video, "comments": _comment, "reviews": _review, "written": _written},
    owner=_owner,
    about=((re.compile(r"(?:^|/)channels/channel\.csv$"),),),
    beside={"videos": _hidden},
    other=(
        re.compile(r"(?:^|/)(?:YouTube (?!and YouTube Music/)[^/]+/.+\.csv|my-comments/[^/]+\.html)$"),
        _LANGUAGE,
    ),
)
