"""Turns what X sends (API v2, with expansions) into posts; pure.

- An edited post gets a new id at X; here it keeps the first id of its history, so that an edit is a new version.
- A long post is taken whole from ``note_tweet``; ``t.co`` links are written out; links to a post's own pictures go.
- A repost is kept, as whoever reposted it published it too: it reads ``RT @name: `` and the original's whole text,
  and its thread is the original's, so that it joins the same matter. A quote is a post with a link to the quoted.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors._html import clean
from connectors.post import Author, Media, Oddity, Post

_EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657000, tzinfo=UTC)
_KINDS = {"photo": "image", "animated_gif": "image", "video": "video"}
# The first figure of a media key, for media that X named but did not describe.
_KEY_KINDS = {"3": "image", "16": "image", "7": "video", "13": "video"}
_OWN_PICTURE = re.compile(r"/status/\d+/(?:photo|video)/\d+$")
_REPOST = re.compile(r"^RT @\w+: ")
# What X writes where it found no language: undetermined, only links, only hashtags, only mentions, and so on.
_NO_LANGUAGE = {"und", "zxx", "qam", "qct", "qht", "qme", "qst"}

# Why X does not give a post that it is asked for: deleted or suspended, and protected by its author.
_GONE = ("resource-not-found", "not-authorized-for-resource")
_MOST_EDITS = 3  # readings of one post, should it be edited while it is asked for

Item = Mapping[str, Any]


def born(number: str) -> datetime | None:
    """When X gave out this id, to the second as X writes times; ``None`` for ids from before November 2010."""
    value = int(number)
    if not 1 << 34 < value < 1 << 63:
        return None
    return (_EPOCH + timedelta(milliseconds=value >> 22)).replace(microsecond=0)


@dataclass(frozen=True)
class Surroundings:
    """What came along with a page: users, posts and media by id; ``owners`` are the ids of schools' own accounts."""

    users: Mapping[str, Item]
    tweets: Mapping[str, Item]
    media: Mapping[str, Item]
    owners: Collection[str] = ()

    @classmethod
    def of(cls, body: Item, owner: str | None = None, handles: Collection[str] = ()) -> Surroundings:
        """The surroundings in a page's ``includes``; ``owner`` and ``handles``, in small letters, are schools' own."""
        includes = body.get("includes")
        includes = includes if isinstance(includes, dict) else {}
        users = _indexed(includes.get("users"), "id")
        named = [number for number, user in users.items() if str(user.get("username")).casefold() in handles]
        return cls(
            users,
            _indexed(includes.get("tweets"), "id"),
            _indexed(includes.get("media"), "media_key"),
            named if owner is None else (owner, *named),
        )


def read(items: list[Any], around: Surroundings) -> tuple[list[Post], list[Oddity]]:
    """The posts of a page, oldest first, and the items that could not be understood."""
    posts: list[tuple[int, Post]] = []
    oddities = []
    for item in items:
        try:
            posts.append((int(item["id"]), to_post(item, around)))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
            oddities.append(Oddity(raw=_bytes(item), why=f"not a post of X: {type(exc).__name__}"))
    return [post for _, post in sorted(posts, key=lambda pair: pair[0])], oddities


def to_post(item: Item, around: Surroundings) -> Post:
    """One post, reply or repost.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a post.
    """
    first, replied = _first_id(item), _referenced(item, "replied_to")
    source = around.tweets.get(_referenced(item, "retweeted") or "", item)
    edited = first != item["id"]
    created = _time(item.get("created_at"))
    author = _author(clean(str(item["author_id"])), around) if item.get("author_id") else None
    thread = source.get("conversation_id")
    return Post(
        platform="x",
        id=first,
        kind="reply" if replied or item.get("in_reply_to_user_id") else "post",
        text=_text(item, source),
        url=f"https://x.com/{(author and author.handle) or 'i/web'}/status/{item['id']}",
        author=author,
        language=_language(item),
        created_at=_first_time(first, around) if edited else created,
        edited_at=created if edited else None,
        reply_to=_settled(replied, around),
        thread=_settled(clean(str(thread)), around, item) if thread else None,
        links=tuple(dict.fromkeys(_links(source))),
        media=tuple(_media(source, around)),
        raw=_raw(item, source, around),
    )


def _indexed(values: Any, key: str) -> dict[str, Item]:
    if not isinstance(values, list):
        return {}
    return {str(value[key]): value for value in values if isinstance(value, dict) and key in value}


def _first_id(item: Item) -> str:
    """The id that all versions of a post share: the smallest of its history."""
    own = str(item["id"])
    if not own.isdecimal() or not own.isascii():
        raise ValueError("an id of X is a number")
    return min((str(old) for old in item.get("edit_history_tweet_ids") or [own]), key=int)


def _settled(number: str | None, around: Surroundings, own: Item | None = None) -> str | None:
    """The id under which we know the post of this id, where it is an edited one that came along."""
    other = own if own is not None and own.get("id") == number else around.tweets.get(number or "")
    return _first_id(other) if other is not None else number


def _first_time(first: str, around: Surroundings) -> datetime | None:
    original = around.tweets.get(first)
    return (_time(original.get("created_at")) if original else None) or born(first)


def _referenced(item: Item, kind: str) -> str | None:
    found = (clean(str(ref["id"])) for ref in item.get("referenced_tweets") or () if ref["type"] == kind)
    return next(found, None)


def _author(number: str, around: Surroundings) -> Author:
    user = around.users.get(number, {})
    handle, name = _word(user.get("username")), _word(user.get("name"))
    return Author(id=number, handle=handle, name=name, official=number in around.owners)


def _language(item: Item) -> str | None:
    language = _word(item.get("lang"))
    return None if language in _NO_LANGUAGE else language


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _word(value: Any) -> str | None:
    """A piece of text as a store can hold it, or nothing where X sent something else in its place."""
    return clean(value) if isinstance(value, str) else None


def _whole(item: Item) -> Item:
    """Where text and entities stand: in the note of a long post, else in the item."""
    note = item.get("note_tweet")
    return note if isinstance(note, dict) and note.get("text") else item


def _text(item: Item, source: Item) -> str:
    said_so = _REPOST.match(str(item["text"])) if source is not item else None
    return (said_so[0] if said_so else "") + _written_out(source)


def _written_out(item: Item) -> str:
    """The text as readers see it: links in full, no links to its own pictures, no ``&amp;``."""
    text = _whole(item)["text"]
    if not isinstance(text, str):
        raise TypeError("a text of X is a string")
    for url in _urls(item):
        shown = "" if _is_own_picture(url) else str(url.get("expanded_url") or url["url"])
        text = text.replace(str(url["url"]), shown.replace("&", "&amp;"))
    # X escapes these three signs and no other.
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    text = clean(text)
    return text.rstrip() if item.get("attachments") else text


def _urls(item: Item) -> list[Item]:
    """The links of a post; longest first, as one short link can begin another."""
    entities = _whole(item).get("entities") or item.get("entities") or {}
    found = [url for url in entities.get("urls") or () if url.get("url")]
    return sorted(found, key=lambda url: -len(url["url"]))


def _is_own_picture(url: Item) -> bool:
    return bool(url.get("media_key")) or bool(_OWN_PICTURE.search(str(url.get("expanded_url", ""))))


def _links(item: Item) -> Iterator[str]:
    for url in sorted(_urls(item), key=lambda url: url.get("start") or 0):
        if not _is_own_picture(url):
            yield clean(str(url.get("unwound_url") or url.get("expanded_url") or url["url"]))


def _media(item: Item, around: Surroundings) -> Iterator[Media]:
    for key in (item.get("attachments") or {}).get("media_keys") or ():
        media = around.media.get(str(key), {})
        kind = _KINDS.get(media.get("type", "")) or _KEY_KINDS.get(str(key).partition("_")[0], "other")
        url = _word(media.get("url")) or _word(media.get("preview_image_url"))
        yield Media(kind=kind, url=url, alt=_word(media.get("alt_text")))


def _raw(item: Item, source: Item, around: Surroundings) -> bytes:
    """What X sent for one post: the item, and of what came along only its author, its media and its original."""
    keys = (source.get("attachments") or {}).get("media_keys") or ()
    includes = {
        "users": [around.users[i] for i in (str(item.get("author_id")),) if i in around.users],
        "media": [around.media[str(key)] for key in keys if str(key) in around.media],
        "tweets": [] if source is item else [source],
    }
    return _bytes({"data": item, "includes": {name: values for name, values in includes.items() if values}})


def _bytes(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def links_of(user: Item) -> Iterator[str]:
    """The addresses in an account's profile, as they are and not as X shortens them."""
    entities = user.get("entities")
    for part in entities.values() if isinstance(entities, dict) else ():
        found = part.get("urls") if isinstance(part, dict) else None
        for one in found if isinstance(found, list) else ():
            if isinstance(one, dict) and isinstance(one.get("expanded_url"), str):
                yield one["expanded_url"]


@dataclass(frozen=True)
class Known:
    """Known posts that are asked for again: which ids are still to be asked for, and what X said of the others.

    X gives every version of an edited post an id, and of an id that version; the last id of the history is the newest.
    """

    posts: tuple[Post, ...]
    ids: Mapping[str, Post]
    items: Mapping[str, Item] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    waiting: tuple[str, ...] = ()
    turns: int = 0

    @classmethod
    def of(cls, posts: Sequence[Post]) -> Known:
        """Nothing said yet; what has no id of X's is not asked for."""
        ids = {_newest_known(post): post for post in posts if post.id.isdecimal() and post.id.isascii()}
        return cls(tuple(posts), ids, waiting=tuple(ids))

    def answered(self, asked: Sequence[str], body: Item) -> Known:
        """What is known after an answer; of what it leaves out nothing is concluded."""
        data = body.get("data")
        given = _indexed(data, "id")
        ids, items, later = dict(self.ids), dict(self.items), []
        for number in asked:
            newest = _last_id(given[number]) if number in given else number
            if newest != number and self.turns < _MOST_EDITS:
                ids[newest] = ids.pop(number)
                later.append(newest)
            elif number in given:
                items[number] = given[number]
        return replace(
            self, ids=ids, items=items, gone=self.gone | _absent(body), waiting=tuple(later), turns=self.turns + 1
        )

    def found(self) -> Iterator[tuple[Post, Post | None]]:
        """Each post of which X said something, with its version now, or ``None`` where nobody may see it any more."""
        by_key = {post.key: number for number, post in self.ids.items()}
        for post in self.posts:
            number = by_key.get(post.key, "")
            if number in self.items:
                with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError, OverflowError):
                    yield post, _again(self.items[number], post)
            elif number in self.gone:
                yield post, None


def _newest_known(post: Post) -> str:
    """The id of the version that was read last."""
    number = str(_sent(post).get("data", {}).get("id", ""))
    return number if number.isdecimal() and number.isascii() else post.id


def _sent(post: Post) -> Item:
    """What X sent for a post when it was read, or nothing where that is not known any more."""
    try:
        body = json.loads(post.raw)
    except ValueError:
        return {}
    return body if isinstance(body, dict) and isinstance(body.get("data"), dict) else {}


def _last_id(item: Item) -> str:
    history = [str(number) for number in item.get("edit_history_tweet_ids") or ()]
    return max((number for number in (str(item["id"]), *history) if number.isdecimal()), key=int)


def _absent(body: Item) -> frozenset[str]:
    """The ids that X gives nobody any more, by the errors beside the posts."""
    errors = body.get("errors")
    named = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    gone = (one for one in named if str(one.get("type", "")).rpartition("/")[2] in _GONE)
    return frozenset(str(one.get("resource_id") or one.get("value")) for one in gone)


def _again(item: Item, before: Post) -> Post:
    """A known post as it is now; whom it answers cannot change, and who wrote it was told before."""
    sent = _sent(before)
    now = to_post(item, Surroundings.of(sent))
    media = now.media if sent else before.media
    return replace(now, author=before.author, reply_to=before.reply_to, thread=before.thread, media=media, id=before.id)
