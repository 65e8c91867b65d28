r"""The downloads that Facebook and Instagram give an account's owner, in JSON, turned into posts; pure.

Read are posts, reels and comments. Messages, stories, archived and deleted posts, groups, likes, searches, contacts,
advertising and all else stay unopened. Both write UTF-8 as if it were Latin-1 (``caf\u00c3\u00a9``), which is mended.
The downloads keep most ids back: where there is none, a digest of what the item says stands in, and the origin is the
name of Watcher's account, so that it never meets an id of the live platform.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from connectors._export import Format, Owner, derived, each_text, whole
from connectors._gram import links
from connectors._html import clean, web_address
from connectors.post import Author, Media, Post

Item = Mapping[str, Any]

_WRONG = re.compile("[\u00c2-\u00f4][\u0080-\u00bf]{1,3}")
_GRAPH_ID = re.compile(r"[0-9]{15,19}")
_KINDS = {"image": "jpg jpeg png gif webp heic", "video": "mp4 mov webm m4v", "audio": "mp3 m4a aac ogg wav"}
_FOR_ALL = {"public", "everyone", "everybody"}
_JSON_WANTED = "this download is made of web pages: ask for it again in the format JSON"
# What stands on somebody else's wall or in a group, whose readers the download does not tell.
_ELSEWHERE = re.compile(r" (?:wrote on .+ timeline|posted (?:something )?in .+)\.?$")


def mended(value: Any) -> Any:
    """The same value with every text read as the UTF-8 that it was; texts that are none stay as they are."""
    return each_text(value, lambda text: clean(_WRONG.sub(_mend, text)))


def _mend(found: re.Match[str]) -> str:
    try:
        return found[0].encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return found[0]


def _facebook_post(item: Any, raw: bytes, owner: Owner) -> Sequence[Post]:
    """A post of Facebook's download; nothing where it was not for everybody.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of one.
    """
    item = mended(item)
    facts = _facts(item)
    if not _is_public(item, facts) or _ELSEWHERE.search(str(item.get("title") or "")):
        return []
    words = [str(one["post"]) for one in facts if one.get("post")]
    text = "\n\n".join(words) or str(item.get("title") or "")
    attached = _attached(item)
    if not text and not attached:
        raise ValueError("neither text nor picture")
    edited = next((one["update_timestamp"] for one in facts if one.get("update_timestamp")), None)
    id_ = derived("facebook", "post", item["timestamp"], text, _names(attached))
    said = _Said(platform="facebook", kind="post", id=id_, text=text, at=item["timestamp"], edited=edited)
    return [_post(said, owner, raw, attached)]


def _facebook_comment(item: Any, raw: bytes, owner: Owner) -> Sequence[Post]:
    """A comment; the download names neither the post nor its id, only "… commented on …'s post.".

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of one.
    """
    item = mended(item)
    facts = _facts(item)
    comment = next((one["comment"] for one in facts if isinstance(one.get("comment"), dict)), None)
    if comment is None:
        raise ValueError("no comment in it")
    attached, text, title = _attached(item), str(comment.get("comment") or ""), str(item.get("title") or "")
    # A group's members may be its only readers.
    if comment.get("group") or not _is_public(item, facts) or not (text or attached):
        return []
    at = comment.get("timestamp") or item["timestamp"]
    kind = "reply" if " replied to " in title else "comment"
    said = _Said(platform="facebook", kind=kind, id=derived("facebook", "comment", at, text, title), text=text, at=at)
    return [_post(said, replace(owner, name=str(comment.get("author") or "") or owner.name), raw, attached)]


def _instagram_post(item: Any, raw: bytes, owner: Owner) -> Sequence[Post]:
    """A post or reel of Instagram's download; nothing where it was not for everybody.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of one.
    """
    item = mended(item)
    labels = _labels(item)
    if not _is_public(item, [labels]):
        return []
    media = [one for one in item.get("media") or () if isinstance(one, dict)]
    first = media[0] if media else {}
    text = str(item.get("title") or labels.get("Caption") or (first.get("title") if len(media) == 1 else "") or "")
    at = item.get("creation_timestamp") or item.get("timestamp") or first["creation_timestamp"]
    if not text and not media:
        raise ValueError("neither text nor picture")
    attached = [{"media": one} for one in media]
    id_ = _graph_id(item) or derived("instagram", "post", at, text, _names(attached))
    said = _Said(platform="instagram", kind="post", id=id_, text=text, at=at, url=labels.get("URL"))
    return [_post(said, owner, raw, attached)]


def _instagram_comment(item: Any, raw: bytes, owner: Owner) -> Sequence[Post]:
    """A comment; whose post it stands under is told by name, which post is not.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: the item has not the shape of one.
    """
    item = mended(item)
    labels, told = _labels(item), item.get("string_map_data")
    facts = {name: one for name, one in told.items() if isinstance(one, dict)} if isinstance(told, dict) else {}
    old: Item = next(iter(item.get("string_list_data") or ()), {})
    text = (facts.get("Comment") or {}).get("value") or labels.get("Comment") or old.get("value")
    at = (facts.get("Time") or {}).get("timestamp") or item.get("timestamp") or old.get("timestamp")
    under = (facts.get("Media Owner") or {}).get("value") or labels.get("Media Owner") or item.get("title") or ""
    if not isinstance(text, str) or not at:
        raise ValueError("a comment without text or time")
    if not owner.official and str(under).lower() != str(owner.handle).lower():
        return []  # the other account may be private
    id_ = _graph_id(item) or derived("instagram", "comment", at, text, under)
    return [_post(_Said(platform="instagram", kind="comment", id=id_, text=text, at=at), owner, raw, [])]


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What one item says, before it is a post; times in seconds since 1970."""

    platform: str
    kind: str
    id: str
    text: str
    at: Any
    edited: Any = None
    url: Any = None


def _post(said: _Said, owner: Owner, raw: bytes, attached: Sequence[Item]) -> Post:
    shared = [one["external_context"] for one in attached if isinstance(one.get("external_context"), dict)]
    named = (web_address(str(one.get("url") or "")) for one in shared)
    id_ = owner.id or owner.handle or owner.name or owner.account
    return Post(
        platform=said.platform,
        origin=owner.account if said.id.startswith("sha256:") else "",
        id=said.id,
        kind=said.kind,
        text=said.text.strip(),
        url=web_address(str(said.url or "")),
        author=Author(id=id_, handle=owner.handle, name=owner.name, official=owner.official),
        created_at=_moment(said.at),
        edited_at=_moment(said.edited) if said.edited else None,
        thread=said.id,
        links=tuple(dict.fromkeys([*links(said.text), *(address for address in named if address)])),
        media=tuple(_pictures(attached, said.text)),
        raw=raw,
    )


def _facts(item: Item) -> list[Item]:
    return [one for one in item.get("data") or () if isinstance(one, dict)]


def _is_public(item: Item, facts: Sequence[Item]) -> bool:
    """Whether nothing says that an item was for some people only."""
    for one in (item, *facts):
        for name in ("audience", "privacy", "Audience", "Privacy"):
            said = one.get(name)
            said = said.get("value") if isinstance(said, dict) else said
            if said is not None and str(said).strip().lower() not in _FOR_ALL:
                return False
    return True


def _labels(item: Item) -> dict[str, Any]:
    """The facts of the newer form, ``label_values``, by label."""
    rows = item.get("label_values")
    found: dict[str, Any] = {}
    for one in rows if isinstance(rows, list) else ():
        if isinstance(one, dict) and one.get("label"):
            found.setdefault(str(one["label"]), one.get("href") or one.get("value"))
    return found


def _graph_id(item: Item) -> str | None:
    """The id by which the live platform knows the item, where the download tells it."""
    number = str(item.get("fbid") or "")
    return number if _GRAPH_ID.fullmatch(number) else None


def _moment(seconds: Any) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)


def _attached(item: Item) -> list[Item]:
    groups = (group.get("data") or () for group in item.get("attachments") or ())
    return [one for group in groups for one in group if isinstance(one, dict)]


def _names(attached: Sequence[Item]) -> list[str]:
    """What the pictures are called, without the folders, which differ from one download to the next."""
    found = (str((one.get("media") or {}).get("uri") or "").rpartition("/")[2] for one in attached)
    return sorted(name for name in found if name)


def _pictures(attached: Sequence[Item], text: str) -> Iterator[Media]:
    """The pictures and films: files of the download, so without an address; their description is read."""
    for one in attached:
        media = one.get("media")
        if not isinstance(media, dict) or not media.get("uri"):
            continue
        ending = str(media["uri"]).lower().rpartition(".")[2]
        kind = next((kind for kind, endings in _KINDS.items() if ending in endings.split()), "other")
        said = (str(media.get(name) or "").strip() for name in ("title", "description"))
        alt = "\n".join(dict.fromkeys(words for words in said if words and words != text.strip()))
        yield Media(kind=kind, alt=alt or None)


def _instagram_owner(_name: str, body: bytes, owner: Owner) -> Owner:
    """The handle, the name and whether the account is private; nothing else of that file is kept."""
    user = mended(whole(body))["profile_user"][0]
    facts = user.get("string_map_data") or {}
    told = {key: str((facts.get(key) or {}).get("value") or "") for key in ("Username", "Name", "Private Account")}
    is_private = told["Private Account"].lower() in {"true", "yes"}
    return replace(
        owner,
        handle=told["Username"] or owner.handle,
        name=told["Name"] or owner.name,
        public=told["Private Account"].lower() in {"false", "no"},
        hidden="the account is private, so none of its posts is public" if is_private else None,
    )


# What only holds private messages, of either platform.
PRIVATE = re.compile(
    r"(?:^|(?<=/))(?:messages/(?:inbox|archived_threads|filtered_threads|message_requests|e2ee_cutover)/"
    r"|message_\d+\.json$|messages\.json$)"
)

FACEBOOK = Format(
    platform="facebook",
    sign=re.compile(
        r"(?:^|(?<=/))(?:your_facebook_activity/|your_activity_across_facebook/|this_profile's_activity_across_facebook/"
        r"|posts/(?:your_posts|profile_posts)[^/]*\.(?:json|html)$|comments_and_reactions/)"
    ),
    parts={
        "posts": re.compile(
            r"(?:^|/)posts/(?:your_posts(?:__check_ins__photos_and_videos)?|profile_posts)(?:_\d+)?\.json$"
        ),
        "comments": re.compile(r"(?:^|/)(?:comments_and_reactions|comments)/comments\.json$"),
    },
    lists=frozenset(("comments_v2", "comments")),
    proven=re.compile(r"(?!)"),  # nothing in it tells a Page from a person's profile for certain
    posts={"posts": _facebook_post, "comments": _facebook_comment},
    other=(re.compile(r"(?:^|/)(?:posts|comments_and_reactions)/[^/]+\.html$"), _JSON_WANTED),
)

INSTAGRAM = Format(
    platform="instagram",
    sign=re.compile(
        r"(?:^|(?<=/))(?:your_instagram_activity/|(?:content|media)/(?:posts_\d+|reels|stories|archived_posts)\.(?:json|html)$"
        r"|comments/(?:post_comments|reels_comments)[^/]*\.(?:json|html)$|followers_and_following/)"
    ),
    parts={
        "posts": re.compile(r"(?:^|/)(?:content|media)/posts(?:_\d+)?\.json$"),
        "reels": re.compile(r"(?:^|/)(?:content|media)/(?:reels|igtv_videos)(?:_\d+)?\.json$"),
        "comments": re.compile(r"(?:^|/)comments/(?:post_comments|reels_comments)(?:_\d+)?\.json$"),
    },
    lists=frozenset(
        ("ig_posts", "ig_reels_media", "ig_igtv_media", "comments_media_comments", "comments_reels_comments")
    ),
    proven=re.compile(r"(?!)"),  # its file about the owner tells
    posts={"posts": _instagram_post, "reels": _instagram_post, "comments": _instagram_comment},
    owner=_instagram_owner,
    about=((re.compile(r"(?:^|/)(?:personal|account)_information/personal_information\.json$"),),),
    other=(re.compile(r"(?:^|/)(?:content|media|comments)/[^/]+\.html$"), _JSON_WANTED),
)
