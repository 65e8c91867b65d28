"""What YouTube's targets and lists mean: where to look, which items are on a page, and how they are told apart."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connectors._film import (
    ODD,
    Channel,
    Thread,
    as_bytes,
    film_id,
    is_hidden,
    odd,
    to_channel,
    to_comment,
    to_film,
    to_thread,
)
from connectors._google import Google, next_token
from connectors._timeline import Step, short
from connectors.errors import AccountNotFoundError, PermanentError, UnexpectedResponseError
from connectors.post import Gap, Oddity, Post
from connectors.profile import Profile, plain

_SITE = r"(?:https?://)?(?:(?:www|m)\.)?youtube\.com/"
_CHANNEL = re.compile(rf"(?:{_SITE}(?:channel/)?)?(UC[A-Za-z0-9_-]{{8,40}})(?:[/?#].*)?")
_HANDLE = re.compile(rf"(?:{_SITE}(?:c/)?)?@?([\w.·-]{{1,100}})(?:[/?#].*)?")
_PLACES = {"embed", "feed", "live", "playlist", "results", "shorts", "watch", "www.youtube.com", "youtube.com"}
_USER = re.compile(rf"{_SITE}user/([\w.-]{{1,100}})(?:[/?#].*)?")
_VIDEO = re.compile(
    rf"(?:{_SITE}(?:watch\?(?:[^#]*&)?v=|shorts/|live/)|(?:https?://)?youtu\.be/)([A-Za-z0-9_-]{{6,20}})(?:[/?&#].*)?"
)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What the operator's target means: how to look a channel up, or the id of one video."""

    lookup: Mapping[str, str] = field(default_factory=dict)
    channel: str | None = None
    video: str | None = None

    def threads(self, own: Channel | None) -> dict[str, str]:
        """How to ask for the target's threads; ``own`` is the channel, where it is one."""
        if self.video is not None:
            return {"videoId": self.video}
        return {"allThreadsRelatedToChannelId": own.id if own else ""}


def read_target(text: str) -> Target:
    """What the operator's words mean; plain words without spaces are taken for a handle."""
    text = text.strip()
    if video := _VIDEO.fullmatch(text):
        return Target(video=video[1])
    if channel := _CHANNEL.fullmatch(text):
        return Target(lookup={"id": channel[1]}, channel=channel[1])
    if user := _USER.fullmatch(text):
        return Target(lookup={"forUsername": user[1]})
    handle = _HANDLE.fullmatch(text)
    if handle and handle[1].lower() not in _PLACES:
        return Target(lookup={"forHandle": f"@{handle[1]}"})
    return Target()


def look_up(google: Google, text: str, target: Target, *, official: bool) -> Channel:
    """The channel that a target means.

    Raises:
        AccountNotFoundError: YouTube knows none of that name, or it is no name of a channel.
    """
    try:
        return to_channel(_channel(google, text, target, "snippet,contentDetails"), official=official)
    except ODD:
        raise UnexpectedResponseError("YouTube answered a channel that cannot be read") from None


def profile_of(google: Google, text: str, target: Target) -> Profile:
    """What the channel that a target means says of itself.

    Raises:
        AccountNotFoundError: YouTube knows none of that name, or it is no name of a channel.
    """
    item = _channel(google, text, target, "snippet,status")
    snippet, status = (item.get(part) if isinstance(item, dict) else None for part in ("snippet", "status"))
    if not isinstance(snippet, dict):
        raise UnexpectedResponseError("YouTube answered a channel that cannot be read")
    private = status.get("privacyStatus") if isinstance(status, dict) else None
    return Profile(
        handle=plain(snippet.get("customUrl")).removeprefix("@"),
        name=plain(snippet.get("title")),
        about=plain(snippet.get("description")),
        protected=private == "private" if private else None,
    )


def _channel(google: Google, text: str, target: Target, part: str) -> Any:
    """A channel as YouTube describes it."""
    if not target.lookup:
        raise AccountNotFoundError(f"{text[:60]!r} is no channel of YouTube: write @handle, or the channel's address")
    items = items_of(google.ask("channels", {"part": part, **target.lookup}))
    if not items:
        raise AccountNotFoundError(f"YouTube knows no channel {text[:60]!r}: check its spelling")
    return items[0]


def owner_of(item: Any, *, official: bool) -> Channel | None:
    """The channel on whose video a thread or comment stands: the school's own, where the account is official."""
    snippet = item.get("snippet") if isinstance(item, dict) else None
    id_ = snippet.get("channelId") if isinstance(snippet, dict) else None
    return Channel(id=id_, official=official) if isinstance(id_, str) else None


def read_threads(items: list[Any], own: Channel | None, *, official: bool) -> list[Thread | Oddity]:
    """The threads of a list in YouTube's order, those that cannot be understood set aside in their places."""
    read: list[Thread | Oddity] = []
    for item in items:
        try:
            read.append(to_thread(item, own or owner_of(item, official=official)))
        except ODD as exc:
            read.append(odd(item, "thread", exc))
    return read


def items_of(body: dict[str, Any] | None) -> list[Any]:
    """The items of a list; YouTube leaves them out where there are none.

    Raises:
        UnexpectedResponseError: the answer is no list.
    """
    if body is None:
        return []
    is_list = "pageInfo" in body or str(body.get("kind")).endswith("ListResponse")
    items = body.get("items", [] if is_list else None)
    if not isinstance(items, list):
        raise UnexpectedResponseError("YouTube answered JSON of another shape than asked for")
    return items


def token_of(body: dict[str, Any] | None) -> str | None:
    """What names the page after this one."""
    return next_token(body or {}, "YouTube")


def total_of(body: dict[str, Any] | None) -> int | None:
    """How many items the whole list has, by its own word."""
    info = (body or {}).get("pageInfo")
    total = info.get("totalResults") if isinstance(info, dict) else None
    return total if isinstance(total, int) else None


def read_film(item: Any, own: Channel | None) -> Post | Oddity | None:
    """A video as a post; nothing where an item of a list is about something else, such as a channel."""
    try:
        if isinstance(item.get("id"), dict) and "videoId" not in item["id"]:
            return None
        return to_film(item, own)
    except ODD as exc:
        return odd(item, "video", exc)


def detailed(google: Google, posts: list[Post], own: Channel | None, *, keep: bool) -> list[Post]:
    """The same videos with their whole description and language, by ``videos.list``.

    What is not given there stays as it was listed with ``keep``, and is left out without: a search lists videos for a
    while after they have gone.
    """
    if not posts:
        return []
    try:
        items = items_of(google.ask("videos", {"part": "snippet", "id": ",".join(post.id for post in posts)}))
    except (PermanentError, UnexpectedResponseError):
        return posts
    found = {one.id: one for one in (read_film(item, own) for item in items) if isinstance(one, Post)}
    return [found.get(post.id, post) for post in posts if keep or post.id in found]


def key_of(item: Any) -> str:
    """What an item of a list is remembered by: its video, else its own id, else its bytes."""
    found = film_id(item) or (item.get("id") if isinstance(item, dict) else None)
    return short(found) if isinstance(found, str) and found else f"odd:{short(as_bytes(item))}"


def mark_of(one: Post | Oddity | None) -> str:
    """What changes when an item of a list does."""
    return short(one.content_digest) if isinstance(one, Post) else "-"


def thread_mark(thread: Thread) -> str:
    """What changes when a thread's comment is edited, or a reply comes, goes or is edited."""
    return short(" ".join([str(thread.replies), *(post.content_digest for post in thread.posts)]))


def gaps_of(step: Step, body: dict[str, Any] | None, read: Iterable[Any]) -> list[Gap]:
    """What is missing where a walk was cut short."""
    why = "YouTube refuses its own page tokens; what is older was not given" if body is None else step.why_cut
    if not why:
        return []
    oldest = min((one.created_at for one in read if isinstance(one, Post) and one.created_at), default=None)
    return [Gap(start=None, end=oldest, why=why)]


def time_of(post: Post) -> float:
    """What posts are sorted by; those without a time come first."""
    return post.created_at.timestamp() if post.created_at else 0.0


def zulu(moment: datetime) -> str:
    """A time in UTC as YouTube takes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def rechecked(google: Google, path: str, part: str, posts: Sequence[Post]) -> Iterator[tuple[Post, Post | None]]:
    """One request's worth of posts; where YouTube refuses all because one is gone, each half is asked for itself."""
    params = {"part": part, "id": ",".join(post.id for post in posts)}
    try:
        items = items_of(google.ask(path, params if path == "videos" else {**params, "textFormat": "html"}))
    except AccountNotFoundError:
        half = len(posts) // 2
        if not half:
            yield posts[0], None
            return
        yield from rechecked(google, path, part, posts[:half])
        yield from rechecked(google, path, part, posts[half:])
        return
    found = {item["id"]: item for item in items if isinstance(item, dict) and isinstance(item.get("id"), str)}
    for post in posts:
        yield post, _current(found.get(post.id), post)


def _current(item: Any, post: Post) -> Post | None:
    """The version of a post that an item holds; one that cannot be read stands for the version that is known."""
    if item is None or is_hidden(item):
        return None
    try:
        if post.kind == "post":
            now = to_film(item, None)
        else:
            parent = post.reply_to if post.kind == "reply" else None
            within = post.thread if parent is not None and post.thread != parent else None
            now = to_comment(item, None, video=within if parent else post.reply_to, parent=parent)
    except ODD:
        return post
    same = post.author is not None and now.author is not None and post.author.id == now.author.id
    return replace(now, author=post.author) if same else now
