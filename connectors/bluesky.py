"""Reads Bluesky, or another service of the AT protocol, with an account's app password or without any login.

- ``posts``: what the target posted, its replies and reposts among them.
- ``comments``: replies below the target's posts, and posts that quote them.
- ``mentions``: posts that name, answer or quote the target, by its notifications; needs its own app password.
- ``search``: posts with the target's words, tag or ``@handle``; Bluesky lets only those search who are logged in.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connectors._actor import Target, load, read_login, read_target, state_of
from connectors._conversation import Conversation, Find, Given, key_of, mark_of, read_thread
from connectors._skeet import dump, is_withheld, read_repost, read_view, speaks_of, uri_of
from connectors._timeline import Step, Walk, advance, short
from connectors._xrpc import BadRequestError, Sessions, Xrpc
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient
from connectors.post import READS, Account, Cursor, Gap, Oddity, Page, Post, parse_time, rfc3339
from connectors.profile import Profile, plain

_HOME, _PUBLIC = "https://bsky.social", "https://public.api.bsky.app"
_AT_ONCE = 25  # posts that getPosts gives in one answer
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_POST, _REPOST, _REASONS = "app.bsky.feed.post", "app.bsky.feed.defs#reasonRepost", ("mention", "reply", "quote")

Read = Callable[[Any], Post | Oddity | None]


@dataclass(frozen=True, kw_only=True)
class _Source:
    """What is asked for a read: the method, its list's name, its parameters, and how an item is read."""

    method: str
    name: str
    params: Mapping[str, Any]
    read: Read


class BlueskyConnector:
    """Reads one page a call; ``target`` is a handle, a DID, a profile's address, ``#tag`` or search words.

    The account's token is an app password, or ``handle:app-password`` where the target is no account or another one.
    Sessions are kept between calls and shared by threads. ``watched_posts`` are the newest posts whose replies and
    quotes are read at every round, whatever their counts say; ``search_pages`` bounds the first round of a search.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        page_size: int = 50,
        watched_posts: int = 10,
        search_pages: int = 20,
    ) -> None:
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size = min(max(page_size, 1), 100)
        self._watched, self._search_pages = watched_posts, max(search_pages, 1)
        self._sessions = Sessions()

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page of whichever read has something new; every read gets its turn before the poll ends.

        A read that fails does not keep the others from being read: its error is raised once they bring nothing new.

        Raises:
            TransientError, PermanentError, UnexpectedResponseError: see `connectors.errors`.
        """
        with self._round(account, load(account, cursor)) as work:
            return work.page()

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterator[tuple[Post, Post | None]]:
        """Each post with its current version, or with ``None`` where it is gone at the source.

        A post that can no longer be seen but may still be there (a block, a repost) is left out.
        """
        asked = [post for post in posts if f"/{_POST}/" in post.id and "#" not in post.id]
        own = {"did": _official_of(asked)} if account.official else {}
        for start in range(0, len(asked), _AT_ONCE):
            with self._round(account, own) as work:
                yield from work.current(asked[start : start + _AT_ONCE])

    def backfill(self, account: Account, since: datetime, until: datetime, cursor: Cursor | None) -> Page:
        """One page of what was published from ``since`` up to ``until``; replies and quotes come with `fetch` only."""
        state = state_of(cursor) if cursor else {}
        with self._round(account, {"did": state.get("did")}) as work:
            return work.past(since, until, state)

    def profile(self, account: Account) -> Profile:
        """What the account says of itself; Bluesky knows no protected ones."""
        with self._round(account, {}) as work:
            return work.profile()

    def _round(self, account: Account, state: dict[str, Any]) -> _Round:
        target, ends = read_target(account.target), time.monotonic() + self._total_s
        login = read_login(account, target)
        base = account.base_url or (_HOME if login else _PUBLIC)
        allowed = base if account.allow_private else None

        def client(total_s: float) -> HttpClient:
            return HttpClient(timeout_s=self._timeout_s, total_s=total_s, allow_private=allowed)

        web = client(self._total_s)
        server = Xrpc(web, base, login, self._sessions, ends, client)
        return _Round(account, target, web, server, (self._page_size, self._watched, self._search_pages), state)


class _Round:
    """One call: goes from read to read until one has something new."""

    def __init__(
        self,
        account: Account,
        target: Target,
        web: HttpClient,
        server: Xrpc,
        bounds: tuple[int, int, int],
        state: dict[str, Any],
    ) -> None:
        self._account, self._target, self._web, self._server = account, target, web, server
        self._page_size, self._watched, self._search_pages = bounds
        self._did: str | None = target.did or state.get("did")
        wanted = [read for read in READS if read in account.reads]  # comments, which know their thread, before mentions
        self._reads: dict[str, Any] = {read: state.get("reads", {}).get(read, {}) for read in wanted}
        self._given = Given(state.get("given", {}))
        self._todo = [read for read in state.get("todo", ()) if read in wanted] or wanted

    def __enter__(self) -> _Round:
        return self

    def __exit__(self, *_: object) -> None:
        self._web.close()

    def page(self) -> Page:
        """The first news, or an empty page when every read was asked and has none."""
        problem: ConnectorError | None = None
        rested = [read for read in self._reads if read not in self._todo]
        for read in [*self._todo, *rested]:
            if read in rested and problem is None:
                break
            try:
                find = self._read(read)
            except RateLimitedError:
                raise
            except ConnectorError as exc:
                problem = problem or exc
                continue
            if find.done and read in self._todo:
                self._todo.remove(read)
            self._drop_given(find)
            if find.anything or not find.done:
                return self._filled(find)
        if problem is not None:
            raise problem
        return Page(posts=(), cursor=self._cursor())

    def profile(self) -> Profile:
        """The target's profile."""
        body = self._server.ask("app.bsky.actor.getProfile", {"actor": self._actor()})
        name, about = plain(body.get("displayName")), plain(body.get("description"))
        return Profile(handle=plain(body.get("handle")), name=name, about=about)

    def current(self, posts: Sequence[Post]) -> Iterator[tuple[Post, Post | None]]:
        """Up to 25 posts with their current versions."""
        try:
            own = self._own()
        except AccountNotFoundError:  # the posts are still there when the target's handle means nobody any more
            own = None
        views, _ = self._server.page("app.bsky.feed.getPosts", "posts", {"uris": [post.id for post in posts]})
        found = {uri: view for view in views if (uri := uri_of(view))}
        for post in posts:
            if post.id in found:
                now = read_view(found[post.id], own=own)
                if is_withheld(found[post.id], logged_in=True, own=own):
                    yield post, None
                elif isinstance(now, Post):
                    yield post, now
            elif self._is_gone(post.id):
                yield post, None

    def past(self, since: datetime, until: datetime, state: Mapping[str, Any]) -> Page:
        """One page of the past of the reads that have pages of time, one read after the other."""
        reads = [read for read in self._reads if read != "comments"]
        at, token = state.get("past", 0), state.get("cursor")
        if not isinstance(at, int) or not 0 <= at < len(reads):
            return Page(posts=(), cursor=None)
        source = self._source(reads[at])
        span = {"since": rfc3339(since), "until": rfc3339(until)} if reads[at] == "search" else {}
        query = {**source.params, **span, "limit": self._page_size, "cursor": token}
        found, onward = self._server.page(source.method, source.name, query)
        items = [source.read(item) for item in found]
        posts = [one for one in items if isinstance(one, Post)]
        times = [post.created_at for post in posts if post.created_at]
        over = onward is None or onward["cursor"] == token or not items or (bool(times) and max(times) < since)
        after = {"did": self._did, "past": at + over, **({} if over or onward is None else onward)}
        return Page(
            posts=_oldest_first(post for post in posts if post.created_at and since <= post.created_at < until),
            cursor=Cursor(state=json.dumps(after)),
            more=at + over < len(reads),
            oddities=tuple(one for one in items if isinstance(one, Oddity)),
        )

    def _is_gone(self, uri: str) -> bool:
        """Whether a post that was not given is deleted, and not only hidden from this reader by a block."""
        try:
            thread = read_thread(self._server, uri, 0)
        except AccountNotFoundError:
            return True
        return thread.get("notFound") is True

    def _drop_given(self, find: Find) -> None:
        """Leave out what another read gave already."""
        if len(self._reads) > 1 or "comments" in self._reads:
            find.posts = [post for post in find.posts if self._given.is_fresh(short(post.id), mark_of(post))]

    def _filled(self, find: Find) -> Page:
        return Page(
            posts=_oldest_first(reversed(find.posts)),
            cursor=self._cursor(),
            more=bool(self._todo) or not find.done,
            gaps=tuple(find.gaps),
            oddities=tuple(find.oddities),
        )

    def _cursor(self) -> Cursor:
        state = {"target": self._target.text, "did": self._did, "todo": self._todo, "reads": self._reads}
        return Cursor(state=json.dumps({**state, "given": self._given.dump()}, separators=(",", ":")))

    def _read(self, read: str) -> Find:
        """Ask for one read, and once more where the target's handle has come to mean another account."""
        before = self._did
        try:
            return self._asked(read)
        except AccountNotFoundError:
            if before is None or self._target.handle is None:
                raise
            self._did = None
            if self._actor() == before:
                raise
        return self._asked(read)

    def _asked(self, read: str) -> Find:
        return self._comments() if read == "comments" else self._timeline(read, self._source(read))

    def _source(self, read: str) -> _Source:
        if read == "search":
            self._own()  # tells the school's own posts from others'
            params: dict[str, Any] = {"q": self._target.query, "sort": "latest"}
            return _Source(method="app.bsky.feed.searchPosts", name="posts", params=params, read=self._hit)
        did = self._actor()
        if read == "posts":
            params = {"actor": did, "filter": "posts_with_replies", "includePins": "false"}
            return _Source(method="app.bsky.feed.getAuthorFeed", name="feed", params=params, read=self._entry)
        if not self._server.logged_in:
            raise AuthenticationError("mentions are read with the account's own app password: set the account's token")
        if self._server.whose() != did:
            raise AuthenticationError(
                "only the target's own app password shows its mentions: this is another account's"
            )
        params = {"reasons": list(_REASONS), "priority": "false"}
        method = "app.bsky.notification.listNotifications"
        return _Source(method=method, name="notifications", params=params, read=self._notice)

    def _comments(self) -> Find:
        did, state = self._actor(), self._reads["comments"]
        talk = Conversation(
            self._server, self._given, self._view, self._is_posts, self._page_size, self._watched, state
        )
        find = talk.read(did)
        self._reads["comments"] = talk.dump()
        return find

    def _actor(self) -> str:
        """The DID of the target, which is looked up once: it stays when the handle changes."""
        if self._did is None:
            if self._target.handle is None:
                why = "write the target as a whole handle, such as hillcrest.bsky.social, or as a DID"
                raise PermanentError(f"only a search can do with words or a tag: {why}")
            found = self._looked_up(self._target.handle).get("did")
            if not isinstance(found, str) or not found.startswith("did:"):
                raise UnexpectedResponseError("the server knows the handle, but gives no DID for it")
            self._did = found
        return self._did

    def _looked_up(self, handle: str) -> Mapping[str, Any]:
        """What is known of a handle; where its domain does not answer for it just now, the service may still know."""
        try:
            return self._server.ask("com.atproto.identity.resolveHandle", {"handle": handle})
        except AuthenticationError:
            raise
        except PermanentError:
            return self._server.ask("app.bsky.actor.getProfile", {"actor": handle})

    def _own(self) -> str | None:
        """The DID of the school's own account, where the target is that."""
        return self._actor() if self._account.official and self._target.actor else None

    def _timeline(self, read: str, source: _Source) -> Find:
        """One page of a timeline; one that the server does not let us go on with ends in a gap."""
        state, find = self._reads[read], Find()
        walk, pages, oldest = Walk.load(state), int(state.get("pages", 0)), parse_time(state.get("oldest"))
        query = {**source.params, "limit": self._page_size, **(walk.query or {})}
        try:
            items, onward = self._server.page(source.method, source.name, query)
        except BadRequestError as exc:
            if walk.query is None:
                raise
            find.gaps.append(Gap(start=None, end=oldest, why=f"the server gives no older pages: {exc}"))
            self._reads[read] = advance(walk, (), None, None).walk.dump()
            return find
        # Bluesky asks not to take from its search in bulk, so the first round does not go back for ever.
        enough = read == "search" and not walk.known and pages + 1 >= self._search_pages and onward is not None
        step, seen = self._take(walk, items, find, None if enough else onward, source.read)
        oldest = min((moment for moment in (seen, oldest) if moment), default=None)
        why = "older finds of the first search are not read" if enough else step.why_cut
        if why:
            find.gaps.append(Gap(start=None, end=oldest, why=why))
        kept = {} if step.done else {"pages": pages + 1, "oldest": rfc3339(oldest)}
        self._reads[read] = {**step.walk.dump(), **kept}
        return find

    def _take(
        self, walk: Walk, items: Sequence[Any], find: Find, onward: Mapping[str, str] | None, read_item: Read
    ) -> tuple[Step, datetime | None]:
        """Read a page's items and take the fresh ones; also the time of its oldest post."""
        read = [read_item(item) for item in items]
        marks = [(key_of(item), mark_of(one)) for item, one in zip(items, read, strict=True)]
        step = advance(walk, marks, onward, None, full=len(items) >= self._page_size)
        for i in step.fresh:
            one = read[i]
            if isinstance(one, Post):
                find.posts.append(one)
            elif one is not None:
                find.oddities.append(one)
        find.done = step.done
        return step, min((one.created_at for one in read if isinstance(one, Post) and one.created_at), default=None)

    def _view(self, view: Any) -> Post | Oddity | None:
        """A post view as a post, or nothing where it is not ours to read."""
        own = self._did if self._account.official else None
        if is_withheld(view, logged_in=self._server.logged_in, own=own):
            return None
        return read_view(view, own=own)

    def _entry(self, item: Any) -> Post | Oddity | None:
        """An entry of the author's feed: a post, or a repost."""
        if not isinstance(item, dict) or "post" not in item:
            return Oddity(raw=dump(item), why="an entry of a feed without a post")
        reason = item.get("reason")
        if not isinstance(reason, dict) or reason.get("$type") != _REPOST:
            return self._view(item["post"])
        withheld = self._view(item["post"]) is None
        return None if withheld else read_repost(item, own=self._did if self._account.official else None)

    def _notice(self, item: Any) -> Post | Oddity | None:
        """The post of a notification; nothing for one of another kind, which old servers send along."""
        if isinstance(item, dict):
            record = item.get("record")
            kind = record.get("$type", _POST) if isinstance(record, dict) else _POST
            if item.get("reason") not in _REASONS or kind != _POST:
                return None
        return self._view(item)

    def _hit(self, view: Any) -> Post | Oddity | None:
        """A find of a search; small servers find by letters alone, so that names and tags are looked at again."""
        if uri_of(view) and (self._target.tag or self._target.handle):
            target = self._target
            did = self._did if target.handle else None
            if not speaks_of(view, did=did, handle=target.handle, tag=target.tag):
                return None
        return self._view(view)

    def _is_posts(self, one: Post) -> bool:
        """Whether the account wrote this itself, so that the read of its posts brings it."""
        return "posts" in self._reads and one.author is not None and one.author.id == self._did


def _official_of(posts: Iterable[Post]) -> str | None:
    """The DID of the school's own account by its stored posts: it stays when the handle changes."""
    return next((post.author.id for post in posts if post.author is not None and post.author.official), None)


def _oldest_first(posts: Iterable[Post]) -> tuple[Post, ...]:
    return tuple(sorted(posts, key=lambda post: post.created_at or _EARLIEST))
