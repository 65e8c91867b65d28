"""Reads an account on Threads by the Threads API, with the account's own token.

- ``posts``: what the account published, ``/{account}/threads``; what it only reposted is left out.
- ``comments``: the conversations under its newest posts, and the account's own replies to others.
- ``mentions``: public posts that name the account, ``/{account}/mentions``.
- ``search``: public posts that hold words (or, with ``#``, a topic), where the app was granted it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from connectors._edge import asked, items_of, onward, past_page
from connectors._refusal import checked
from connectors._thread import to_post
from connectors._timeline import Walk
from connectors._toot import id_of
from connectors._tour import Find, Item, Reader, State, newest, oldest, take, tour
from connectors._watch import Watch
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient
from connectors.post import Account, Author, Cursor, Gap, Page, Post
from connectors.profile import Profile, fullest, plain

_HOME = "https://graph.threads.net"
_VERSION = re.compile(r"v\d+\.\d+")
_WHAT = "a post of Threads"
_PLAIN_FIELDS = "id,text,username,permalink,timestamp,media_type,media_url,thumbnail_url,is_reply,root_post,replied_to"
_FIELDS = (
    f"{_PLAIN_FIELDS},is_reply_owned_by_me,alt_text,gif_url,link_attachment_url,text_attachment,poll_attachment,"
    "topic_tag,children{id,media_type,media_url,thumbnail_url,alt_text}"
)
_PROFILE_FIELDS = ("id,username,name,threads_biography", "id,username,name")
_FIRST_MOMENT = 1_688_540_400  # seconds since 1970: Threads answers nothing earlier with an error
_INDEX_LAG_S = 86_400  # a search may find a post that much later than it was written
_TARGET = re.compile(r"(?:https?://(?:www\.)?threads\.(?:net|com)/)?@?([A-Za-z0-9._]{1,60})/?(?:\?.*)?")
_JOINED = 25  # requests for one page at most
_LONELY = "the search shows the account's own posts alone: Meta has not granted this app threads_keyword_search"


class ThreadsConnector:
    """Reads one page of one read a call; holds no connection between calls, so threads may share it.

    ``timeout_s`` bounds each step of a request and ``total_s`` the whole; ``page_size`` is how many items a request
    asks for (1 to 100), ``watched_posts`` under how many of the account's newest posts conversations are read.
    ``version`` is the API's, written as ``v1.0``.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        page_size: int = 50,
        version: str = "v1.0",
        watched_posts: int = 25,
    ) -> None:
        if not _VERSION.fullmatch(version):
            raise PermanentError(f"{version[:20]!r} is no version of the Threads API: write it as v1.0")
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size, self._version = min(max(page_size, 1), 100), version
        self._watched_posts = watched_posts

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page, see `Connector.fetch`; a read that fails does not keep the others from being read."""
        if "search" in account.reads and set(account.reads) != {"search"}:
            raise PermanentError(
                f"a search on Threads is an account of its own: its target is what is searched for, "
                f"so account {account.name!r} can have reads = ['search'] alone"
            )
        with self._turn(account) as turn:
            by_name: dict[str, dict[str, Reader]] = {
                "posts": {"posts": turn.posts},
                "comments": {"comments": turn.comments, "replies": turn.replies},
                "mentions": {"mentions": turn.mentions},
                "search": {"search": turn.search},
            }
            readers = {name: reader for read in account.reads for name, reader in by_name.get(read, {}).items()}
            return tour(readers, account.target, cursor)

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Each post as it is now, or ``None`` where it is gone."""
        with self._turn(account) as turn:
            own = turn.own({})
            for post in posts:
                yield post, turn.again(post, own)

    def backfill(self, account: Account, since: datetime, until: datetime, cursor: Cursor | None) -> Page:
        """One page of what the account published from ``since`` up to ``until``."""
        times = {"since": str(int(since.timestamp())), "until": str(int(until.timestamp()) + 1)}
        with self._turn(account) as turn:
            own = turn.own({})
            ask = partial(turn.items, f"{own.id}/threads", times)
            read = partial(to_post, own=own, owned=True)
            return past_page(ask, read, since, until, cursor, who="Threads", what=_WHAT)

    def profile(self, account: Account) -> Profile:
        """What the account says of itself; Threads does not tell whether it is private."""
        with self._turn(account) as turn:
            turn.own({})  # which refuses another account's token
            body, whole = fullest(lambda fields: turn.node("me", {"fields": fields}), *_PROFILE_FIELDS)
        return Profile(
            handle=plain(body.get("username")),
            name=plain(body.get("name")),
            about=plain(body.get("threads_biography")),
            protected=None,
            unseen="" if whole else "Threads did not give the account's description",
        )

    @contextmanager
    def _turn(self, account: Account) -> Iterator[_Turn]:
        allowed = account.base_url if account.allow_private else None
        with HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed) as web:
            base = (account.base_url or _HOME).rstrip("/")
            root = base if _VERSION.fullmatch(base.rpartition("/")[2]) else f"{base}/{self._version}"
            ends = time.monotonic() + self._total_s
            yield _Turn(account, web, root, self._page_size, self._watched_posts, ends)


class _Turn:
    """One call of `ThreadsConnector`."""

    def __init__(self, account: Account, web: HttpClient, root: str, size: int, watched: int, ends: float) -> None:
        self._account, self._web, self._root = account, web, root
        self._size, self._watched, self._ends = size, watched, ends
        self._token = (account.token or "").strip()
        if not self._token and account.base_url is None:  # a proxy of the operator's may add it
            raise AuthenticationError("Threads needs an access token: set the account's token")

    def node(self, path: str, params: Mapping[str, str]) -> Mapping[str, Any]:
        """One object, whose answer was looked at."""
        headers = {"accept": "application/json", **({"authorization": f"Bearer {self._token}"} if self._token else {})}
        answer = self._web.get(f"{self._root}/{path}", headers=headers, params=params)
        body = checked(answer, self._token, "Threads").json()
        if not isinstance(body, dict):
            raise UnexpectedResponseError("Threads answered JSON that is no object")
        return body

    def listed(self, path: str, params: Mapping[str, str], query: Mapping[str, str]) -> Mapping[str, Any]:
        """One page of an edge."""
        body = self.node(path, {"limit": str(self._size), **params, **query})
        if not isinstance(body.get("data"), list):
            raise UnexpectedResponseError("Threads answered a page without data")
        return body

    def items(self, path: str, params: Mapping[str, str], query: Mapping[str, str]) -> Mapping[str, Any]:
        """One page of posts; where an edge does not know every field, it is asked for those that all know."""
        return _with_fields(lambda fields: self.listed(path, {"fields": fields, **params}, query))

    def own(self, state: State) -> Author:
        """The account whose token it is, which must be the one that the target names; asked once."""
        kept, target = state.get("me") or {}, self._account.target.strip()
        official = self._account.official
        if id_of(kept) and kept.get("of") == target:
            return Author(id=str(kept["id"]), handle=kept.get("handle"), official=official)
        body = self.node("me", {"fields": "id,username"})
        number, handle = id_of(body), body.get("username")
        handle = handle if isinstance(handle, str) else None
        if number is None:
            raise UnexpectedResponseError("Threads does not say whose token it is")
        if self._account.reads != ("search",):
            named = _TARGET.fullmatch(target)
            if named is None:
                raise AccountNotFoundError(f"{target[:60]!r} is no account on Threads: write its @handle")
            if named[1].lower() not in ("me", number, (handle or number).lower()):
                raise AccountNotFoundError(
                    f"the token is that of @{handle or number}, not of {target[:60]!r}: Threads lets each account be "
                    "read by its own token only"
                )
        return Author(id=number, handle=handle, official=official)

    def posts(self, state: State) -> tuple[Find, State]:
        """One page of what the account published."""
        return self._walked(state, "threads", owned=True)

    def replies(self, state: State) -> tuple[Find, State]:
        """One page of the account's own replies."""
        return self._walked(state, "replies", owned=True)

    def mentions(self, state: State) -> tuple[Find, State]:
        """One page of the public posts that name the account."""
        return self._walked(state, "mentions", owned=False)

    def search(self, state: State) -> tuple[Find, State]:
        """One page of what a search finds, newest first."""
        own, target = self.own(state), self._account.target.strip()
        walk = Walk.load(state.get("walk", {}))
        if walk.query is None:
            state = {**state, "since": state.get("began"), "began": int(time.time())}
        since = max(int(state["since"]) - _INDEX_LAG_S, _FIRST_MOMENT) if state.get("since") else None
        mode = {"search_mode": "TAG", "q": target[1:]} if target.startswith("#") else {"q": target}
        params = {**mode, "search_type": "RECENT", **({"since": str(since)} if since else {})}
        walk, body = asked(walk, partial(self.items, "keyword_search", params))
        items = items_of(body["data"], partial(to_post, own=own), _WHAT)
        find, step = take(walk, items, onward(body, "Threads") or self._earlier(since, items))
        lonely = _only(items, own)
        if lonely and not state.get("lonely"):
            find.gaps.append(Gap(start=None, end=None, why=_LONELY))
        alone = lonely if items else bool(state.get("lonely"))
        lacks = {"lonely": alone, "lacks": [_LONELY] if alone else []}
        return find, {**state, **self._kept(own), "walk": step.walk.dump(), **lacks}

    def comments(self, state: State) -> tuple[Find, State]:
        """What is new under the next of the posts that wait; an error after the first request waits for the next."""
        found = self._one_post(state)
        for _ in range(_JOINED - 1):
            if found[0].anything or found[0].done or time.monotonic() > self._ends:
                break
            try:
                found = self._one_post(found[1])
            except ConnectorError:
                break
        return found

    def again(self, post: Post, own: Author) -> Post | None:
        """A post as it is now, or ``None`` where it is gone."""
        try:
            item = _with_fields(lambda fields: self.node(quote(post.id, safe=""), {"fields": fields}))
        except AccountNotFoundError:
            # A token that lost its account gets the same answer for everything: then this call fails, too.
            self.node("me", {"fields": "id"})
            return None
        try:
            return to_post(item, own=own, root=post.thread)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
            raise UnexpectedResponseError(f"Threads answered what is no post: {type(exc).__name__}") from None

    def _walked(self, state: State, edge: str, *, owned: bool) -> tuple[Find, State]:
        """One page of an edge of the account, which runs from newest to oldest."""
        own = self.own(state)
        walk, body = asked(Walk.load(state.get("walk", {})), partial(self.items, f"{own.id}/{edge}", {}))
        items = items_of(body["data"], partial(to_post, own=own, owned=owned), _WHAT)
        find, step = take(walk, items, onward(body, "Threads"))
        return find, {**state, **self._kept(own), "walk": step.walk.dump()}

    def _earlier(self, since: int | None, items: list[Item]) -> dict[str, str] | None:
        """What leads on where a search names no next page, but more may lie between it and the last look."""
        end = oldest(items)
        if since is None or len(items) < self._size or end is None or end.timestamp() <= since:
            return None
        return {"until": str(int(end.timestamp()))}

    def _one_post(self, state: State) -> tuple[Find, State]:
        """One page of the posts to watch, or else of the conversation under the next of them that waits."""
        own, watch = self.own(state), Watch(state.get("watch", {}), self._watched)
        if watch.at is None:
            find = self._newest(own, watch)
        else:
            try:
                find = self._under(watch.at, own, watch)
            except AccountNotFoundError as exc:
                why = f"the conversation under post {watch.at} cannot be read: {exc}"
                find = Find(gaps=[Gap(start=None, end=None, why=why)])
                watch.leave()
        find.done = watch.at is None and not watch.query
        return find, {**state, **self._kept(own), "watch": watch.dump()}

    def _newest(self, own: Author, watch: Watch) -> Find:
        """Notes one page of the newest posts; those without replies are left alone."""
        params = {"fields": "id,has_replies,media_type", "limit": str(min(self._size, max(self._watched, 1)))}
        try:
            body = self.listed(f"{own.id}/threads", params, watch.query)
        except PermanentError:
            if not watch.restart():
                raise
            body = self.listed(f"{own.id}/threads", params, {})
        found = [
            (str(one["id"]), "0" if one.get("has_replies") is False else None)
            for one in body["data"]
            if id_of(one) and one.get("media_type") != "REPOST_FACADE"
        ]
        watch.listed(found, onward(body, "Threads"))
        return Find()

    def _under(self, number: str, own: Author, watch: Watch) -> Find:
        """One page of a conversation, of all depths, newest first."""
        ask = partial(self.items, f"{quote(number, safe='')}/conversation", {"reverse": "true"})
        walk, body = asked(watch.walk(), ask)
        items = items_of(body["data"], partial(to_post, own=own, root=number), _WHAT)
        find, step = take(walk, items, onward(body, "Threads"))
        find.posts = watch.fresh(find.posts)
        watch.stepped(step.walk, len(find.posts), newest(items))
        return find

    def _kept(self, own: Author) -> dict[str, Any]:
        return {"me": {"id": own.id, "handle": own.handle, "of": self._account.target.strip()}}


def _with_fields(ask: Callable[[str], Mapping[str, Any]]) -> Mapping[str, Any]:
    try:
        return ask(_FIELDS)
    except PermanentError as exc:
        if "nonexisting field" not in str(exc):
            raise
    return ask(_PLAIN_FIELDS)


def _only(items: list[Item], own: Author) -> bool:
    """Whether all that was found is the account's own."""
    posts = [one for _, one in items if isinstance(one, Post)]
    return bool(posts) and all(post.author is not None and post.author.id == own.id for post in posts)
