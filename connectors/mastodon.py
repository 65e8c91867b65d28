"""Reads servers that speak the Mastodon API: an account's posts, the replies to them, mentions, tags and searches.

Boosts are not read: they are other people's words, and as such found by a search. Direct messages are left where they
are; what an author shows to followers only is read where the server shows it to the school's own account.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from connectors._instance import Instance, Target, read_target
from connectors._timeline import Step, Walk, advance, short
from connectors._toot import dump, id_of, read_status
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient, Response
from connectors.post import READS, Account, Cursor, Gap, Oddity, Page, Post
from connectors.profile import Profile, plain

_PAGE_SIZE = 40
_RECENT = 10  # statuses whose replies are read again at every round, whatever their count says
_MOST_GIVEN = 1500  # posts that the reads remember together
_CONTEXT_CUT = 60  # replies that servers show to those without a token
_CONFIDENTIAL = {"direct", "limited"}
_EARLIEST = datetime.min.replace(tzinfo=UTC)

_LINK = re.compile(r"<([^<>]{1,4000})>([^<>]{0,200})")


@dataclass(kw_only=True)
class _Find:
    """What one read brought in one fetch."""

    posts: list[Post] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    done: bool = True

    @property
    def anything(self) -> bool:
        return bool(self.posts or self.oddities or self.gaps)


class MastodonConnector:
    """Reads one page a call; ``target`` is ``@name``, ``name@host``, a profile's address, ``#tag`` or search words."""

    def __init__(self, *, timeout_s: float = 10.0, total_s: float = 30.0, page_size: int | None = None) -> None:
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size = page_size or _PAGE_SIZE

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page of whichever read has something new; every read gets its turn before the poll ends.

        A read that fails does not keep the others from being read: its error is raised once they bring nothing new.

        Raises:
            TransientError, PermanentError, UnexpectedResponseError: see `connectors.errors`.
        """
        target = read_target(account.target)
        with self._server(account, target) as server:
            return _Round(account, target, server, self._page_size, _load(cursor)).page()

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Each post of this server as it is now, or ``None`` where it is gone; other servers' are left out."""
        with self._server(account, read_target(account.target)) as server:
            for post in posts:
                found = _again(server, post) if post.origin == server.origin else None
                if found is not None:
                    yield found

    def profile(self, account: Account) -> Profile:
        """What the account says of itself, and whether it lets only those follow it whom it chooses."""
        target = read_target(account.target)
        with self._server(account, target) as server:
            number = quote(server.account_id(target), safe="")
            return _profile(server.ask_object(f"/api/v1/accounts/{number}"))

    @contextmanager
    def _server(self, account: Account, target: Target) -> Iterator[Instance]:
        base = (account.base_url or target.instance or "").rstrip("/")
        if not base:
            raise PermanentError("which server? write the account as @name@host, or give the server as base_url")
        allowed = base if account.allow_private else None
        with HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed) as client:
            yield Instance(client, base, account.token, time.monotonic() + self._total_s)


def _again(server: Instance, post: Post) -> tuple[Post, Post | None] | None:
    """A post with its current version; nothing where the server's answer is no status that can be read."""
    item = server.status_now(post.id)
    if item is None:
        return post, None
    own = post.author.id if post.author is not None and post.author.official else None
    current = read_status(item, server.origin, own=own, root=post.thread)
    return (post, current) if isinstance(current, Post) and current.id == post.id else None


class _Round:
    """One fetch: goes from read to read until one has something new."""

    def __init__(
        self, account: Account, target: Target, server: Instance, page_size: int, state: dict[str, Any]
    ) -> None:
        self._account, self._target, self._server, self._page_size = account, target, server, page_size
        self._id: str | None = state.get("account")
        wanted = [read for read in READS if read in account.reads]  # comments, which know their thread, before mentions
        self._reads: dict[str, Any] = {read: state.get("reads", {}).get(read, {}) for read in wanted}
        self._given: dict[str, str] = dict(state.get("given", {}))
        self._todo = [read for read in state.get("todo", ()) if read in wanted] or wanted
        self._closed: str | None = state.get("closed")  # what the server keeps from us under a hashtag

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
        return Page(posts=(), cursor=self._cursor(), lacks=self._lacks())

    def _drop_given(self, find: _Find) -> None:
        """Leave out what another read gave already: a reply is often a mention, too."""
        if len(self._reads) == 1 and "comments" not in self._reads:
            return
        find.posts = [post for post in find.posts if self._is_fresh(short(post.id), _mark(post))]

    def _is_fresh(self, key: str, mark: str) -> bool:
        if self._given.get(key) == mark:
            return False
        self._given.pop(key, None)
        self._given[key] = mark
        return True

    def _filled(self, find: _Find) -> Page:
        return Page(
            posts=tuple(sorted(reversed(find.posts), key=lambda post: post.created_at or _EARLIEST)),  # noqa: C414
            cursor=self._cursor(),
            more=bool(self._todo) or not find.done,
            gaps=tuple(find.gaps),
            oddities=tuple(find.oddities),
            lacks=self._lacks(),
        )

    def _lacks(self) -> tuple[str, ...]:
        return () if self._closed is None else (self._closed,)

    def _cursor(self) -> Cursor:
        given = dict(list(self._given.items())[-_MOST_GIVEN:])
        state: dict[str, Any] = {"account": self._id, "todo": self._todo, "reads": self._reads, "given": given}
        if self._closed is not None:
            state["closed"] = self._closed
        return Cursor(state=json.dumps(state, separators=(",", ":")))

    def _read(self, read: str) -> _Find:
        target = self._target
        if target.tag is not None and read in {"posts", "search"}:
            return self._timeline(read, f"/api/v1/timelines/tag/{quote(target.tag, safe='')}", {})
        if self._account.official and target.name is not None and self._id is None:
            self._id = self._server.account_id(target)  # tells the school's own posts from others'
        if read == "search":
            return self._search(read)
        if target.name is None:
            raise PermanentError(f"{read} can be read of an account only: write the target as @name@host")
        if read == "mentions":
            if not self._server.has_token:
                raise AuthenticationError("mentions can be read with the account's own token only: none is set")
            return self._timeline(read, "/api/v1/notifications", {"types[]": "mention"}, unwrap=_mention)
        with_id = self._comments if read == "comments" else self._own_posts
        return self._known_account(with_id)

    def _known_account(self, ask: Callable[[str], _Find]) -> _Find:
        """Ask with the account's id, which is looked up once, and once more where the server has forgotten it."""
        if self._id is not None:
            try:
                return ask(self._id)
            except AccountNotFoundError:
                pass
        self._id = self._server.account_id(self._target)
        return ask(self._id)

    def _own_posts(self, id_: str) -> _Find:
        return self._timeline("posts", _statuses(id_), {"exclude_reblogs": "true"})

    def _timeline(
        self, read: str, path: str, params: dict[str, str], unwrap: Callable[[Any], Any] = lambda item: item
    ) -> _Find:
        """One page of a timeline that is paged by link or id."""
        walk = Walk.load(self._reads[read])
        query = {"limit": str(self._page_size), **params}
        answer = self._server.ask(path, {**query, **(walk.query or {})})
        items = self._server.listed(answer)
        find = _Find()
        # Posts of one kind do not tell that the other kind is shown again.
        if (not items or self._closed) and walk.query is None and self._target.tag is not None:
            closed = self._server.closed_feeds()
            self._closed = None if closed is None else closed.why
            find.gaps += [closed] if closed is not None and self._is_fresh("closed feeds", closed.why) else []
        step = self._take(walk, items, find, *_onward(answer, query, items), unwrap=unwrap)
        self._reads[read] = step.walk.dump()
        return find

    def _search(self, read: str) -> _Find:
        """One page of a search, which is paged by counting."""
        walk = Walk.load(self._reads[read])
        query = {"q": self._target.text, "type": "statuses", "limit": str(self._page_size)}
        answer = self._server.ask("/api/v2/search", {**query, **(walk.query or {})})
        items = self._server.listed(answer, "statuses")
        offset = int((walk.query or {}).get("offset", "0")) + len(items)
        find = _Find()
        step = self._take(walk, items, find, {"offset": str(offset)} if items else None, None)
        self._reads[read] = step.walk.dump()
        return find

    def _take(
        self,
        walk: Walk,
        items: Sequence[Any],
        find: _Find,
        onward: Mapping[str, str] | None,
        fallback: Mapping[str, str] | None,
        unwrap: Callable[[Any], Any] = lambda item: item,
    ) -> Step:
        """Read a page's items, take the fresh ones, and note where the walk goes on."""
        read = [self._status(unwrap(item)) for item in items]
        marks = [(_key(item), _mark(one)) for item, one in zip(items, read, strict=True)]
        step = advance(walk, marks, onward, fallback, full=len(items) >= self._page_size)
        for i in step.fresh:
            one = read[i]
            if isinstance(one, Post):
                find.posts.append(one)
            elif one is not None:
                find.oddities.append(one)
        find.done = step.done
        if step.why_cut:
            oldest = min((p.created_at for p in read if isinstance(p, Post) and p.created_at), default=None)
            find.gaps.append(Gap(start=None, end=oldest, why=step.why_cut))
        return step

    def _status(self, item: Any, root: str | None = None) -> Post | Oddity | None:
        """A status as a post, or nothing where it is a boost or a direct message."""
        if item is None or (isinstance(item, dict) and (item.get("reblog") or item.get("visibility") in _CONFIDENTIAL)):
            return None
        own = self._id if self._account.official else None
        return read_status(item, self._server.origin, own=own, root=root)

    def _comments(self, id_: str) -> _Find:
        """Replies below the account's own statuses: all of them in the first round, later where something moved."""
        state = self._reads["comments"]
        walk, queue = Walk.load(state.get("walk", {})), list(state.get("queue", ()))
        find, walked = _Find(), bool(state.get("walked", False))
        while len(find.posts) < self._page_size and not (self._server.tired and self._server.asked):
            try:
                if queue:
                    self._descend(queue[0], find)
                    queue.pop(0)
                elif not walked:
                    walk, walked = self._queue_statuses(id_, walk, queue)
                else:
                    break
            except ConnectorError:
                if not find.anything:
                    raise
                break  # what came before is given; the next call meets the error again
        find.done = walked and not queue
        self._reads["comments"] = {"walk": walk.dump(), "queue": queue, "walked": walked and not find.done}
        return find

    def _queue_statuses(self, id_: str, walk: Walk, queue: list[str]) -> tuple[Walk, bool]:
        """Note which statuses of the next page have replies to read."""
        query = {"limit": str(self._page_size), "exclude_reblogs": "true"}
        answer = self._server.ask(_statuses(id_), {**query, **(walk.query or {})})
        items = self._server.listed(answer)
        marks = [(_key(item), str(_replies(item))) for item in items]
        front = walk.query is None
        step = advance(walk, marks, *_onward(answer, query, items))
        recent = [i for i, item in enumerate(items) if _replies(item)][: _RECENT if front else 0]
        for i in sorted({*step.fresh, *recent}):
            found = id_of(items[i])
            if found and _replies(items[i]) and not items[i].get("reblog"):
                queue.append(found)
        return step.walk, step.done

    def _descend(self, id_: str, find: _Find) -> None:
        """Read one status's replies; a status that is gone has none."""
        try:
            context = self._server.ask_object(f"/api/v1/statuses/{quote(id_, safe='')}/context")
        except AccountNotFoundError:
            return
        ancestors, descendants = context.get("ancestors", []), context.get("descendants")
        if not isinstance(descendants, list) or not isinstance(ancestors, list):
            raise UnexpectedResponseError("the Mastodon server answered JSON of another shape than asked for")
        root = next((found for found in map(id_of, ancestors) if found), id_)
        for item in descendants:
            one = self._status(item, root)
            if isinstance(one, Post) and self._given.get(short(one.id)) != _mark(one) and not self._is_posts(one):
                find.posts.append(one)
            elif isinstance(one, Oddity) and self._is_fresh(_key(item), "-"):
                find.oddities.append(one)
        if len(descendants) >= _CONTEXT_CUT and not self._server.has_token and self._is_fresh(f"cut:{short(id_)}", ""):
            why = f"the server shows {_CONTEXT_CUT} replies of a thread to those without a token"
            find.gaps.append(Gap(start=None, end=None, why=why))

    def _is_posts(self, one: Post) -> bool:
        """Whether the account wrote this itself, so that the read of its posts brings it."""
        return "posts" in self._reads and one.author is not None and one.author.id == self._id


def _profile(body: Mapping[str, Any]) -> Profile:
    fields = body.get("fields")
    told = [plain(one.get("value")) for one in fields if isinstance(one, dict)] if isinstance(fields, list) else []
    return Profile(
        handle=plain(body.get("acct")),
        name=plain(body.get("display_name")),
        about=" ".join((plain(body.get("note")), *told)),
        links=tuple(word for word in told if word.startswith("http")),
        protected=body.get("locked") is True,
    )


def _statuses(id_: str) -> str:
    return f"/api/v1/accounts/{quote(id_, safe='')}/statuses"


def _onward(
    answer: Response, query: Mapping[str, str], items: Sequence[Any]
) -> tuple[dict[str, str] | None, dict[str, str] | None]:
    """The next page's query as the Link header has it, and the one by the last id.

    Of the link only the query is taken: behind a proxy it names another host, and a token must not go there.
    """
    link = answer.headers.get("link")
    last = next((found for found in map(id_of, reversed(items)) if found), None)
    fallback = {"max_id": last} if last else None
    if link is None:  # some servers have none; one that gives more than was asked for (snac) does not page at all
        return None, fallback if len(items) <= int(query["limit"]) else None
    for address, about in _LINK.findall(link):
        if re.search(r"rel\s*=\s*\"?next\b", about):
            told = dict(parse_qsl(urlsplit(address).query))
            return {key: value for key, value in told.items() if key not in query and key != "access_token"}, fallback
    return None, None


def _mention(item: Any) -> Any:
    """The status of a notification; nothing for one of another kind, which old servers send along."""
    if isinstance(item, dict) and item.get("type", "mention") != "mention":
        return None
    return item.get("status", item) if isinstance(item, dict) else item


def _key(item: Any) -> str:
    found = id_of(item)
    return short(found) if found else f"odd:{short(dump(item))}"


def _mark(one: Post | Oddity | None) -> str:
    return short(one.content_digest) if isinstance(one, Post) else "-"


def _replies(item: Any) -> int:
    """How many replies a status says it has; one that does not say may have some."""
    count = item.get("replies_count", 1) if isinstance(item, dict) else 0
    return count if isinstance(count, int) else 1


def _load(cursor: Cursor | None) -> dict[str, Any]:
    if cursor is None:
        return {}
    try:
        state = json.loads(cursor.state)
    except ValueError:
        return {}
    sound = isinstance(state, dict) and isinstance(state.get("reads"), dict)
    return state if sound else {}  # of another version: begin anew, the store knows what it has
