"""Reads the videos of a school's own TikTok account by the Display API, with the token of the account itself.

``posts`` are its public videos: caption, address, and the numbers of likes, comments, shares and views when they were
read. **Comments cannot be read**: TikTok gives the number of comments on a video, but their words only to researchers
of non-profit institutions (Research API). It lets nobody else search either, and tells of no mentions. What people say
on TikTok about a school reaches Watcher only when somebody reports it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from connectors._edge import items_of
from connectors._tiktok_api import ScopeError, TikTokApi
from connectors._tiktok_video import FIELDS, handle_of, to_post, video_id
from connectors._timeline import Walk, advance, short
from connectors._tour import Find, Item, State, oldest, tour
from connectors.errors import AccountNotFoundError, AuthenticationError, PermanentError, UnexpectedResponseError
from connectors.http import HttpClient
from connectors.post import Account, Author, Cursor, Gap, Oddity, Page, Post
from connectors.profile import Profile, fullest, plain

_HOME, _PATH = "https://open.tiktokapis.com", "/v2"
_MOST = 20  # videos that TikTok gives a request
_TARGET = re.compile(r"(?:(?:https?://)?(?:www\.)?tiktok\.com/)?@?([\w.-]{1,80})/?(?:\?.*)?", re.ASCII)
_WHAT = "a video of TikTok"
_PROFILE_FIELDS = ("open_id,display_name,username,bio_description", "open_id,display_name")
_TIE = 1000  # milliseconds: TikTok's times are whole seconds, so the second at a page's end is asked for once more
_ODD = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
_UNREADABLE = {
    "comments": "gives the comments on videos to nobody but researchers: only their number is known",
    "mentions": "tells of no mentions",
    "search": "lets nobody but researchers search",
}


class TiktokConnector:
    """Reads one page of the account's videos a call; holds no connection between calls, so threads may share it.

    ``target`` is the account's ``@handle`` or address; the token must be its own. ``timeout_s`` bounds each step of a
    request and ``total_s`` each request; ``page_size`` is how many videos a request asks for (2 to 20).
    """

    def __init__(self, *, timeout_s: float = 10.0, total_s: float = 30.0, page_size: int = _MOST) -> None:
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size = min(max(page_size, 2), _MOST)

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page, see `Connector.fetch`.

        Raises:
            PermanentError: also where the account asks for what TikTok does not give: comments, mentions, search.
        """
        for read in account.reads:
            if read in _UNREADABLE:
                raise PermanentError(
                    f"TikTok {_UNREADABLE[read]}; set the reads of account {account.name!r} to posts alone, "
                    "and let people report what they see there"
                )
        with self._turn(account) as turn:
            return tour({"posts": turn.posts}, account.target, cursor)

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Each video as it is now, or ``None`` where it is gone or no longer public; one request for 20 of them."""
        with self._turn(account) as turn:
            own = turn.own({})
            mine = [post for post in posts if post.author is not None and post.author.id == own.id]
            for start in range(0, len(mine), _MOST):
                yield from turn.again(mine[start : start + _MOST], own)

    def backfill(self, account: Account, since: datetime, until: datetime, cursor: Cursor | None) -> Page:
        """One page of the videos published from ``since`` up to ``until``."""
        with self._turn(account) as turn:
            return turn.past(since, until, cursor)

    def profile(self, account: Account) -> Profile:
        """What the account says of itself; TikTok does not tell whether it is private."""
        with self._turn(account) as turn:
            return turn.profile()

    @contextmanager
    def _turn(self, account: Account) -> Iterator[_Turn]:
        token = (account.token or "").strip()
        if not token and account.base_url is None:  # a proxy of the operator's may add it
            raise AuthenticationError(f"account {account.name!r} needs an access token of TikTok: connect it")
        allowed = account.base_url if account.allow_private else None
        with HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed) as web:
            base = (account.base_url or _HOME).rstrip("/").removesuffix(_PATH) + _PATH
            yield _Turn(account, TikTokApi(web, base=base, token=token), self._page_size)


class _Turn:
    """One call of `TiktokConnector`."""

    def __init__(self, account: Account, api: TikTokApi, size: int) -> None:
        self._account, self._api, self._size = account, api, size
        self._target = account.target.strip()

    def posts(self, state: State) -> tuple[Find, State]:
        """One page of the account's videos, newest first."""
        own, walk = self.own(state), Walk.load(state.get("walk", {}))
        body = self._page(walk.query)
        self._check(body, own)
        find, walk = _taken(walk, body, own)
        return find, {**state, "me": self._kept(own), "walk": walk.dump()}

    def past(self, since: datetime, until: datetime, cursor: Cursor | None) -> Page:
        """One page of the past; TikTok can be asked for what is older than a moment."""
        state = _loaded(cursor)
        own, walk = self.own(state), Walk.load(state.get("walk", {}))
        body = self._page(walk.query or {"cursor": str(_millis(until) + _TIE)})
        self._check(body, own)
        find, walk = _taken(walk, body, own)
        end = min((post.created_at for post in find.posts if post.created_at), default=None)
        more = not find.done and (end is None or end >= since)
        within = [post for post in reversed(find.posts) if post.created_at and since <= post.created_at < until]
        return Page(
            posts=tuple(sorted(within, key=lambda post: post.created_at or since)),
            cursor=Cursor(state=json.dumps({"me": self._kept(own), "walk": walk.dump()})) if more else None,
            more=more,
            gaps=tuple(find.gaps),
            oddities=tuple(find.oddities),
        )

    def again(self, posts: Sequence[Post], own: Author) -> Iterator[tuple[Post, Post | None]]:
        """These videos as they are now; TikTok leaves out those that are gone."""
        body = self._api.videos("video/query", FIELDS, {"filters": {"video_ids": [post.id for post in posts]}})
        found = {}
        for item in body["videos"]:
            try:
                found[video_id(item)] = to_post(item, own=own)
            except _ODD as exc:
                raise UnexpectedResponseError(f"TikTok answered what is no video: {type(exc).__name__}") from None
        for post in posts:
            yield post, found.get(post.id)

    def own(self, state: State) -> Author:
        """The account whose token it is, which must be the one that the target names; asked once."""
        kept = state.get("me") or {}
        if kept.get("of") == self._target and isinstance(kept.get("id"), str):
            return Author(
                id=kept["id"], handle=kept.get("handle"), name=kept.get("name"), official=self._account.official
            )
        try:
            person = self._api.person("open_id,display_name,username")
        except ScopeError:  # the handle needs a permission of its own; a video's address tells it as well
            person = self._api.person("open_id,display_name")
        number, handle, name = (person.get(field) for field in ("open_id", "username", "display_name"))
        if not isinstance(number, str) or not number:
            raise UnexpectedResponseError("TikTok does not say whose token it is")
        handle = handle if isinstance(handle, str) and handle else None
        own = Author(id=number, handle=handle, name=name if isinstance(name, str) else None)
        self._compare(handle, own)
        return Author(id=own.id, handle=own.handle, name=own.name, official=self._account.official)

    def profile(self) -> Profile:
        """The account's name, and its description where the token may read it."""
        own = self.own({})
        body, whole = fullest(self._api.person, *_PROFILE_FIELDS)
        return Profile(
            handle=own.handle or "",
            name=plain(body.get("display_name")),
            about=plain(body.get("bio_description")),
            protected=None,
            unseen="" if whole else "its description cannot be read without the permission user.info.profile",
        )

    def _compare(self, handle: str | None, own: Author) -> None:
        """Refuse a token that is another account's, as far as TikTok tells."""
        named = _TARGET.fullmatch(self._target)
        if named is None:
            raise AccountNotFoundError(f"{self._target[:60]!r} is no account of TikTok: write its @handle")
        if named[1] != own.id and handle is not None and named[1].lower() != handle.lower():
            raise AccountNotFoundError(
                f"the token is that of @{handle}, not of {self._target[:60]!r}: TikTok lets each account be read "
                "by its own token only"
            )

    def _check(self, body: Mapping[str, Any], own: Author) -> None:
        """The videos' addresses must name the target, too: the token may have been changed since it was asked."""
        for handle in filter(None, map(handle_of, body["videos"])):
            self._compare(handle, own)

    def _page(self, query: Mapping[str, str] | None) -> dict[str, Any]:
        asked = {"max_count": self._size, **({"cursor": int(query["cursor"])} if query else {})}
        return self._api.videos("video/list", FIELDS, asked)

    def _kept(self, own: Author) -> State:
        return {"id": own.id, "handle": own.handle, "name": own.name, "of": self._target}


def _taken(walk: Walk, body: Mapping[str, Any], own: Author) -> tuple[Find, Walk]:
    """What a page brings, and the walk after it.

    TikTok may give fewer videos than asked for, or none, although more wait: only ``has_more`` says so.
    """
    items: list[Item] = items_of(body["videos"], partial(to_post, own=own), _WHAT)
    onward = fallback = None
    if body.get("has_more") is True:
        at = body.get("cursor")
        if not isinstance(at, int) or isinstance(at, bool) or at <= 0:
            raise UnexpectedResponseError("TikTok says that more videos wait, but not where")
        onward, fallback = {"cursor": str(at + _TIE)}, {"cursor": str(at)}
    marks = [(short(key), short(one.content_digest) if isinstance(one, Post) else "-") for key, one in items]
    step = advance(walk, marks, onward, fallback)
    find = Find(done=step.done)
    for i in step.fresh:
        one = items[i][1]
        if isinstance(one, Post):
            find.posts.append(one)
        elif isinstance(one, Oddity):
            find.oddities.append(one)
    if step.why_cut:
        find.gaps.append(Gap(start=None, end=oldest(items), why=step.why_cut))
    return find, step.walk


def _loaded(cursor: Cursor | None) -> State:
    try:
        state = json.loads(cursor.state) if cursor is not None else {}
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}


def _millis(when: datetime) -> int:
    return int(when.timestamp() * 1000)
