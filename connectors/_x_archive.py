"""The archive that X gives an account's owner (``data/tweets.js`` and others), turned into posts; pure.

Read are the posts, replies and reposts, and the whole text of long posts. Direct messages, likes, advertising,
contacts, deleted posts, posts to circles and communities and all else stay unopened. Each item is brought into the
shape of X's API first, so that a post has the same id and the same text by both ways.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connectors._export import Format, Owner, each_text, whole
from connectors._html import clean
from connectors._tweet import Surroundings, born, to_post
from connectors.post import Author, Post, rfc3339

_PROTECTED = "the account is protected, so none of its posts is public"
_MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec"
_TIME = re.compile(
    r"[A-Z][a-z]{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) (\d{2}) (\d{2}):(\d{2}):(\d{2}) \+0000 (\d{4})"
)
_CUT = re.compile(r"(?:…|\.\.\.)?\s*(?:https?://t\.co/\w+\s*)?$")
_LEAST = 20  # signs that a cut post and its whole text must share
_LATIN = re.compile(r"[0-9]{1,19}")


def _posts(item: Any, raw: bytes, owner: Owner) -> Sequence[Post]:
    """The post of one item of ``tweets.js``; nothing where a later version of it follows.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of a post.
    """
    item = each_text(item, clean)
    tweet = item.get("tweet", item)
    text = tweet.get("full_text") or tweet["text"]
    number = str(tweet["id_str"])
    if not _LATIN.fullmatch(number):
        raise ValueError("an id of X is a number")
    history = _history(tweet) or [number]
    if int(number) < max(map(int, history)):
        return []  # a later version of it is in the archive too
    note = owner.beside.get(_second(tweet.get("created_at")) or "")
    data = _as_sent(tweet, number, text, note if _is_whole(note, text) else None, owner)
    user = {"id": owner.id, "username": owner.handle, "name": owner.name}
    around = Surroundings(
        users={owner.id: user} if owner.id else {},
        tweets={},
        media={one["media_key"]: one for one in _media(tweet)},
        owners=(owner.id,) if owner.official and owner.id else (),
    )
    post = to_post(data, around)
    author = post.author or Author(id=owner.account, handle=owner.handle, official=owner.official)
    thread = post.thread or post.reply_to or post.id
    return [replace(post, author=author, raw=raw, thread=thread)]


def _as_sent(tweet: Mapping[str, Any], number: str, text: str, note: Any, owner: Owner) -> dict[str, Any]:
    """An item of the archive as X's API sends it."""
    answered = tweet.get("in_reply_to_status_id_str")
    entities = tweet.get("entities") or {}
    shown = [*(entities.get("media") or ()), *((tweet.get("extended_entities") or {}).get("media") or ())]
    pictures = [{"url": one["url"], "media_key": "own"} for one in shown if one.get("url")]
    created = _second(tweet.get("created_at")) or rfc3339(born(number))
    return {
        "id": number,
        "text": text,
        **({"author_id": owner.id} if owner.id else {}),
        **({"created_at": created} if created else {}),
        "edit_history_tweet_ids": _history(tweet) or [number],
        "entities": {"urls": [*(entities.get("urls") or ()), *pictures]},
        **({"note_tweet": {"text": note["text"], "entities": {"urls": [*note["urls"], *pictures]}}} if note else {}),
        **({"in_reply_to_user_id": tweet["in_reply_to_user_id_str"]} if tweet.get("in_reply_to_user_id_str") else {}),
        "referenced_tweets": [{"type": "replied_to", "id": answered}] if answered else [],
        "lang": tweet.get("lang"),
        "attachments": {"media_keys": [one["media_key"] for one in _media(tweet)]} if shown else None,
    }


def _history(tweet: Mapping[str, Any]) -> list[str]:
    """The ids of all versions of an edited post."""
    info = tweet.get("edit_info") or {}
    edited = info.get("edit") or {}
    control = edited.get("editControlInitial") or info.get("initial") or {}
    known = [*(control.get("editTweetIds") or ()), *filter(None, [edited.get("initialTweetId")])]
    return [str(one) for one in known if _LATIN.fullmatch(str(one))]


def _media(tweet: Mapping[str, Any]) -> list[dict[str, Any]]:
    shown = (tweet.get("extended_entities") or tweet.get("entities") or {}).get("media") or ()
    found = []
    for one in shown:
        address = one.get("media_url_https") or one.get("media_url")
        key = str(one.get("id_str") or address)
        said = one.get("ext_alt_text")
        found.append({"media_key": key, "type": one.get("type", ""), "url": address, "alt_text": said})
    return found


def _note(item: Any) -> tuple[str, Any] | None:
    """A long post's whole text, by the second in which it was written: the archive joins the two by nothing else."""
    note = each_text(item["noteTweet"], clean)
    core = note["core"]
    urls = [
        {
            "url": one.get("shortUrl") or one.get("url"),
            "expanded_url": one.get("expandedUrl") or one.get("expanded_url"),
        }
        for one in core.get("urls") or ()
    ]
    moment = datetime.fromisoformat(note["createdAt"]).astimezone(UTC).replace(microsecond=0)
    return moment.isoformat(), {"text": core["text"], "urls": urls}


def _is_whole(note: Any, text: str) -> bool:
    """Whether a long text is that of this post, which shows only its beginning."""
    if note is None:
        return False
    begin = _plain(_CUT.sub("", text))[:200]
    return len(begin) >= _LEAST and _plain(note["text"]).startswith(begin)


def _plain(text: str) -> str:
    text = re.sub(r"https?://\S+", "", text)
    return "".join(text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").split())


def _second(text: Any) -> str | None:
    """A time in RFC 3339: ``Sat Nov 19 21:12:51 +0000 2022``, whatever language the server speaks."""
    found = _TIME.fullmatch(str(text))
    if found is None:
        return None
    month, day, hour, minute, second, year = found.groups()
    moment = datetime(
        int(year), _MONTHS.index(month) // 3 + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
    )
    return moment.isoformat()


def _owner(name: str, body: bytes, owner: Owner) -> Owner:
    """Whose archive it is, by ``manifest.js``, which holds no e-mail address, else by ``account.js``."""
    told = whole(body)
    if name.endswith("protected-history.js"):
        steps = [one["protectedHistory"] for one in told]
        last: dict[str, Any] = max(steps, key=lambda step: str(step.get("protectedAt")), default={})
        is_hidden = str(last.get("action")).lower() == "protect"
        return replace(owner, hidden=_PROTECTED) if is_hidden else owner
    if name.endswith("manifest.js"):
        user = told.get("userInfo") or {}
        return _named(owner, user.get("accountId"), user.get("userName"), user.get("displayName"))
    user = told[0]["account"]
    return _named(owner, user.get("accountId"), user.get("username"), user.get("accountDisplayName"))


def _named(owner: Owner, id_: Any, handle: Any, name: Any) -> Owner:
    return replace(
        owner,
        id=str(id_) if id_ else owner.id,
        handle=clean(str(handle)) if handle else owner.handle,
        name=clean(str(name)) if name else owner.name,
    )


X = Format(
    platform="x",
    sign=re.compile(
        r"(?:^|(?<=/))data/(?:manifest|account|tweets?(?:-part\d+)?|tweet-headers|direct-messages?\S*)\.js$"
    ),
    parts={
        "tweets": re.compile(r"(?:^|/)data/tweets?(?:-part\d+)?\.js$"),
        "notes": re.compile(r"(?:^|/)data/note-tweets?(?:-part\d+)?\.js$"),
    },
    posts={"tweets": _posts},
    owner=_owner,
    about=(
        (re.compile(r"(?:^|/)data/manifest\.js$"), re.compile(r"(?:^|/)data/account\.js$")),
        (re.compile(r"(?:^|/)data/protected-history\.js$"),),
    ),
    beside={"notes": _note},
)
