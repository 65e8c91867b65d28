"""Reads RSS and Atom feeds: blogs, comment feeds, Google Alerts, forums, video channels.

A feed is a window that moves on, so the cursor keeps a digest of everything in the last window: what is known is
not given again, what was edited is, and a window that shares nothing with the last one leaves a gap.
"""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from connectors._feed import Entry, Feed, read_feed
from connectors.errors import RefusedAddressError
from connectors.http import HttpClient, origin_of
from connectors.post import Account, Author, Cursor, Gap, Page, Post, rfc3339

_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
_MOST_KNOWN = 5000
_FULL = 10  # entries: the smallest window that feeds are known to have
_MOST_LEFT = 300  # entries that have left the window
_LONGEST_TAG = 300
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_SECRET = re.compile(r"(?=(?:[^0-9]*[0-9]){2})[A-Za-z0-9_]{16,}")  # long and with digits: may be a key, not a word


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """What the cursor holds: the server's marks of the last answer, and id → content of what was in it and before.

    The first ``window`` of them were in the last answer itself.
    """

    etag: str | None = None
    modified: str | None = None
    known: dict[str, str] = field(default_factory=dict)
    newest: datetime | None = None
    window: int | None = None


class RssConnector:
    """Reads one feed a call; ``target`` is its address, of which ``base_url`` replaces scheme, host and port.

    A token is sent as ``Authorization``: ``name:password`` as Basic, anything else as Bearer.
    """

    def __init__(self, *, timeout_s: float = 10.0, total_s: float = 30.0, page_size: int | None = None) -> None:
        """``page_size`` is taken for the sake of likeness: a feed comes whole."""
        self._timeout_s, self._total_s, self._page_size = timeout_s, total_s, page_size

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The entries that are new or changed since ``cursor``, oldest first.

        Raises:
            TransientError, PermanentError, UnexpectedResponseError: see `connectors.errors`.
        """
        seen = _load(cursor)
        address = _address(account)
        allowed = address if account.allow_private else None
        with HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed) as client:
            answer = client.get(address, headers=_headers(account, seen)).check("the feed")
        if answer.status == 304:  # noqa: PLR2004
            return Page(posts=(), cursor=cursor)
        feed = read_feed(answer.body, answer.headers.get("content-type", ""), answer.url)
        marks = answer.headers if feed.whole else {}
        return _page(account, feed, seen, marks.get("etag"), marks.get("last-modified"))


def origin(target: str) -> str:
    """The address that names a feed, without what may be secret in it.

    Name, password and query go; a query or a part of the path that may be a key is replaced by a digest, so that
    two feeds of one site stay apart.
    """
    parts = urlsplit(target.strip())
    path = "/".join(_short(part) if _SECRET.fullmatch(part) else part for part in parts.path.split("/"))
    host = (parts.hostname or "").lower() + (f":{parts.port}" if parts.port else "")
    return f"{parts.scheme.lower()}://{host}{path}" + (f"?{_short(parts.query)}" if parts.query else "")


def _origin(account: Account) -> str:
    return origin(account.target if "://" in account.target else _address(account))


def _address(account: Account) -> str:
    """Where the feed is fetched: the target, or its path and query at ``base_url``."""
    target = account.target.strip()
    if account.base_url is None:
        if "://" not in target:
            raise RefusedAddressError("a feed's target is its whole address, with https:// in front")
        return target
    origin_of(account.base_url)
    parts = urlsplit(target)
    rest = f"{parts.path or '/'}" + (f"?{parts.query}" if parts.query else "")
    return account.base_url.rstrip("/") + (rest if rest.startswith("/") else f"/{rest}")


def _headers(account: Account, seen: _Seen) -> dict[str, str]:
    headers = {"accept": _ACCEPT}
    if seen.etag:
        headers["if-none-match"] = seen.etag
    if seen.modified:
        headers["if-modified-since"] = seen.modified
    if account.token:
        basic = ":" in account.token
        headers["authorization"] = (
            f"Basic {b64encode(account.token.encode()).decode()}" if basic else f"Bearer {account.token}"
        )
    return headers


def _page(account: Account, feed: Feed, seen: _Seen, etag: str | None, modified: str | None) -> Page:
    posts = _distinct([_post(account, feed, entry) for entry in reversed(feed.entries)])
    known: dict[str, str] = {}
    for post in posts:
        versions = known.get(_short(post.id))
        known[_short(post.id)] = _mark(post) if versions is None else f"{versions},{_mark(post)}"
    odd = {f"odd:{_short(one.raw)}": "" for one in feed.oddities}
    now_seen = _now(seen, {**known, **odd}, posts, whole=feed.whole)
    now_seen = replace(
        now_seen,
        etag=etag if etag and len(etag) <= _LONGEST_TAG else None,
        modified=modified if modified and len(modified) <= _LONGEST_TAG else None,
    )
    return Page(
        posts=tuple(post for post in posts if _mark(post) not in seen.known.get(_short(post.id), "").split(",")),
        cursor=_dump(now_seen),
        gaps=_gaps(seen, posts) if feed.whole else (),
        oddities=tuple(one for one in feed.oddities if f"odd:{_short(one.raw)}" not in seen.known),
    )


def _now(seen: _Seen, here: dict[str, str], posts: list[Post], *, whole: bool) -> _Seen:
    """What is known after an answer; one that broke off is no window, so a gap is looked for from the one before."""
    if not whole:
        return _Seen(known={**seen.known, **here}, window=seen.window, newest=seen.newest)
    # What has left the window comes back into it where newer entries are deleted.
    left = [(key, mark) for key, mark in seen.known.items() if key not in here][:_MOST_LEFT]
    newest = max((post.created_at for post in posts if post.created_at), default=seen.newest)
    return _Seen(known={**here, **dict(left)}, window=len(here), newest=newest)


def _distinct(posts: list[Post]) -> list[Post]:
    """Oldest first; an id that a careless feed gives to two entries with different links stays with the older one."""
    found: dict[tuple[str, str], Post] = {}
    owner: dict[str, str | None] = {}
    for post in sorted(posts, key=lambda post: post.created_at or _EARLIEST):
        if owner.setdefault(post.id, post.url) != post.url:
            apart = f"{post.id}#{_short(post.url or '')}"
            post = replace(post, id=apart, thread=apart if post.thread == post.id else post.thread)  # noqa: PLW2901
        found.setdefault((post.id, post.content_digest), post)
    return list(found.values())


def _gaps(seen: _Seen, posts: list[Post]) -> tuple[Gap, ...]:
    """A gap where a full window shares nothing with the last one: entries may have come and gone between."""
    window = list(seen.known)[: len(seen.known) if seen.window is None else seen.window]
    before = [key for key in window if not key.startswith("odd:")]
    if seen.window is not None and not before and len(posts) >= _FULL:
        oldest = min((post.created_at for post in posts if post.created_at), default=None)
        why = f"the feed was empty and now holds {len(posts)} entries: others may have come and gone between"
        return (Gap(start=None, end=oldest, why=why),)
    if not before or len(posts) < len(before) or any(_short(post.id) in before for post in posts):
        return ()
    oldest = min((post.created_at for post in posts if post.created_at), default=None)
    why = "the feed holds nothing of what it held last time: entries may have come and gone between"
    if oldest and seen.newest and oldest <= seen.newest:  # renamed entries, or clocks that disagree
        return (Gap(start=None, end=None, why=why),)
    return (Gap(start=seen.newest, end=oldest, why=why),)


def _mark(post: Post) -> str:
    return _short(post.content_digest)


def _post(account: Account, feed: Feed, entry: Entry) -> Post:
    comment = account.reads == ("comments",)
    return Post(
        platform=account.platform,
        origin=_origin(account),
        id=entry.id,
        kind="comment" if comment else "post",
        text=entry.text,
        url=entry.url,
        author=_author(account, feed, entry, official=account.official and not comment),
        language=entry.language,
        created_at=entry.published,
        edited_at=entry.updated,
        reply_to=entry.reply_to,
        thread=entry.reply_to or entry.id,
        links=entry.links,
        media=entry.media,
        raw=entry.raw,
    )


def _author(account: Account, feed: Feed, entry: Entry, *, official: bool) -> Author | None:
    """Who wrote it; where an official feed names nobody, the feed itself did."""
    if entry.author is not None:
        return Author(id=entry.author.id, name=entry.author.name, official=official)
    return Author(id=_origin(account), name=feed.title, official=True) if official else None


def _short(text: str | bytes) -> str:
    data = text if isinstance(text, bytes) else text.encode(errors="replace")
    return hashlib.sha256(data).hexdigest()[:12]


def _load(cursor: Cursor | None) -> _Seen:
    if cursor is None:
        return _Seen()
    try:
        state: dict[str, Any] = json.loads(cursor.state)
        newest = datetime.fromisoformat(state["newest"]) if state["newest"] else None
        window = state.get("window")
        return _Seen(
            etag=state["etag"], modified=state["modified"], known=dict(state["known"]), newest=newest, window=window
        )
    except (ValueError, KeyError, TypeError):
        return _Seen()  # of another version: begin anew, the store knows what it has


def _dump(seen: _Seen) -> Cursor:
    known = dict(list(seen.known.items())[:_MOST_KNOWN])
    state = {"etag": seen.etag, "modified": seen.modified, "known": known, "window": seen.window}
    state["newest"] = rfc3339(seen.newest)
    return Cursor(state=json.dumps(state))
