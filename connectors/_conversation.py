"""What is said under an account's posts on Bluesky: the replies in their threads, and the posts that quote them.

The account's feed is walked; a post whose counts moved, or that is new enough, waits in a queue until its thread and
its quotes were read. Counts tell of direct replies only, so the newest posts' threads are read at every round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors._skeet import dump, uri_of
from connectors._timeline import Walk, advance, short
from connectors._xrpc import BadRequestError, Xrpc
from connectors.errors import AccountNotFoundError, ConnectorError, UnexpectedResponseError
from connectors.post import Gap, Oddity, Post

_MOST_GIVEN = 1500  # posts that the reads of an account remember together
_DEPTH = 80  # levels of a thread in one answer: deeper JSON cannot be read at once
_CUT_FROM = 6  # levels; servers stop at a depth of their own (Bluesky's at ten) with an empty list in place of more
_MOST_LEVELS = 20  # of continuations of one thread
_MOST_QUOTES = 100  # pages of quotes of one post
_MANY_MISSING, _SHARE_MISSING = 10, 5


@dataclass(kw_only=True)
class Find:
    """What one read brought in one fetch."""

    posts: list[Post] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    done: bool = True

    @property
    def anything(self) -> bool:
        """Whether it brought anything at all."""
        return bool(self.posts or self.oddities or self.gaps)

    def lack(self, why: str) -> None:
        """Note a gap whose times are not known."""
        self.gaps.append(Gap(start=None, end=None, why=why))


class Given:
    """Remembers which versions of which posts the reads of an account gave: a reply is often a mention, too."""

    def __init__(self, marks: Mapping[str, str]) -> None:
        self._marks = dict(marks)

    def knows(self, post: Post) -> bool:
        """Whether this version was given."""
        return self._marks.get(short(post.id)) == mark_of(post)

    def is_fresh(self, key: str, mark: str) -> bool:
        """Whether it was not given yet; from now on it was."""
        if self._marks.get(key) == mark:
            return False
        self._marks.pop(key, None)
        self._marks[key] = mark
        return True

    def dump(self) -> dict[str, str]:
        """The newest of it as JSON values."""
        return dict(list(self._marks.items())[-_MOST_GIVEN:])


class Conversation:
    """The replies and quotes of one account in one call; ``state`` is where the last call left off.

    ``view`` reads a post view, or says by ``None`` that it is not ours; ``skips`` says what another read brings.
    """

    def __init__(
        self,
        server: Xrpc,
        given: Given,
        view: Callable[[Any], Post | Oddity | None],
        skips: Callable[[Post], bool],
        page_size: int,
        watched: int,
        state: Mapping[str, Any],
    ) -> None:
        self._server, self._given, self._view, self._skips = server, given, view, skips
        self._page_size, self._watched = page_size, watched
        self._walk, self._walked = Walk.load(state.get("walk", {})), bool(state.get("walked", False))
        self._queue = [list(one) for one in state.get("queue", ())]

    def read(self, did: str) -> Find:
        """Replies and quotes until they fill a page: all in the first round, later where something moved.

        Raises:
            ConnectorError: nothing came before it.
        """
        find = Find()
        while len(find.posts) < self._page_size and not (self._server.tired and self._server.asked):
            try:
                if self._queue:
                    read = self._replies if self._queue[0][0] == "thread" else self._quotes
                    self._queue[0:1] = read(self._queue[0], find)
                elif not self._walked:
                    self._queue_posts(did, find)
                else:
                    break
            except ConnectorError:
                if not find.anything:
                    raise
                break  # what came before is given; the next call meets the error again
        find.done = self._walked and not self._queue
        self._walked = self._walked and not find.done
        return find

    def dump(self) -> dict[str, Any]:
        """The state as JSON values."""
        return {"walk": self._walk.dump(), "queue": self._queue, "walked": self._walked}

    def _queue_posts(self, did: str, find: Find) -> None:
        """Note which posts of the next page of the feed have replies or quotes to read."""
        params = {"actor": did, "filter": "posts_with_replies", "includePins": "false", "limit": self._page_size}
        try:
            query = {**params, **(self._walk.query or {})}
            items, onward = self._server.page("app.bsky.feed.getAuthorFeed", "feed", query)
        except BadRequestError as exc:
            if self._walk.query is None:
                raise
            find.lack(f"replies to older posts are not looked for: {exc}")
            self._walk, self._walked = advance(self._walk, (), None, None).walk, True
            return
        views = [item.get("post") if isinstance(item, dict) and "reason" not in item else None for item in items]
        counts = [(count_of(view, "replyCount"), count_of(view, "quoteCount", 0)) for view in views]
        marks = [(key_of(item), f"{r} {q}") for item, (r, q) in zip(items, counts, strict=True)]
        step = advance(self._walk, marks, onward, None, full=len(items) >= self._page_size)
        moved = [i for i, count in enumerate(counts) if any(count)]
        recent = moved[: self._watched if self._walk.query is None else 0]
        for i in sorted({*(i for i in moved if i in step.fresh), *recent}):
            uri = uri_of(views[i])
            if uri and uri.startswith(f"at://{did}/"):
                self._queue += [["thread", uri, 0]] if counts[i][0] else []
                self._queue += [["quotes", uri, 0, None]] if counts[i][1] else []
        self._walk, self._walked = step.walk, step.done

    def _replies(self, entry: list[Any], find: Find) -> list[list[Any]]:
        """Read the replies below one post, and say where they go deeper; a post that is gone has none."""
        _, uri, level = entry
        try:
            thread = self._thread(uri)
        except AccountNotFoundError:
            return []
        except BadRequestError as exc:
            find.lack(f"the replies to a post cannot be read: {exc}")
            return []
        blocked, deeper, stack = 0, [], [(1, node) for node in _children(thread) or ()]
        self._note_cut(thread, len(stack), find)
        while stack:
            depth, node = stack.pop()
            if isinstance(node, dict) and ("blocked" in node or "notFound" in node):
                blocked += "blocked" in node
                continue
            view = node.get("post") if isinstance(node, dict) else node
            self._add(view, find)
            below = _children(node)
            stack += [(depth + 1, one) for one in below or ()]
            cut = below is None or (not below and depth >= _CUT_FROM)
            if cut and count_of(view, "replyCount", 0) and (onward := uri_of(view)):
                deeper.append(["thread", onward, level + 1])
        if blocked and self._given.is_fresh(f"blocked:{short(uri)}", str(blocked)):
            find.lack(
                f"{blocked} replies of a thread cannot be seen: accounts in it, or the school's, block each other"
            )
        if deeper and level >= _MOST_LEVELS:
            find.lack("a thread is too deep to be read to its end")
            return []
        return deeper

    def _thread(self, uri: str) -> dict[str, Any]:
        """A post's thread, level by level where all of it at once is too much."""
        try:
            return read_thread(self._server, uri, _DEPTH)
        except UnexpectedResponseError:
            return read_thread(self._server, uri, 1)

    def _note_cut(self, thread: dict[str, Any], given: int, find: Find) -> None:
        """Where a server keeps many replies back, that is a gap; a few are those that were deleted or hidden."""
        view = thread.get("post")
        missing = count_of(view, "replyCount", 0) - given
        if missing < _MANY_MISSING or missing * _SHARE_MISSING < missing + given:
            return
        if self._given.is_fresh(f"cut:{short(uri_of(view) or '')}", ""):
            find.lack(f"the server kept back about {missing} replies of a thread")

    def _quotes(self, entry: list[Any], find: Find) -> list[list[Any]]:
        """Read one page of a post's quotes, newest first, and say where they go on, down to those that are known."""
        _, uri, pages, cursor = entry
        try:
            query = {"uri": uri, "limit": self._page_size, "cursor": cursor}
            items, onward = self._server.page("app.bsky.feed.getQuotes", "posts", query)
        except AccountNotFoundError:
            return []
        except BadRequestError as exc:
            find.lack(f"the quotes of a post cannot be read: {exc}")
            return []
        known = [self._add(view, find) for view in items]
        if not items or any(known) or onward is None or onward["cursor"] == cursor:
            return []
        if pages + 1 >= _MOST_QUOTES:
            find.lack("a post has more quotes than are read")
            return []
        return [["quotes", uri, pages + 1, onward["cursor"]]]

    def _add(self, view: Any, find: Find) -> bool:
        """Take a post, unless another read brings it; the answer says whether it was given before."""
        one = self._view(view)
        if isinstance(one, Oddity):
            if self._given.is_fresh(key_of(view), "-"):
                find.oddities.append(one)
        elif one is not None and self._given.knows(one):
            return True
        elif one is not None and not self._skips(one):
            find.posts.append(one)
        return False


def read_thread(server: Xrpc, uri: str, depth: int) -> dict[str, Any]:
    """A post with its replies, as many levels deep; or what stands for one that is blocked or gone.

    Raises:
        AccountNotFoundError: the post is gone.
    """
    body = server.ask("app.bsky.feed.getPostThread", {"uri": uri, "depth": depth, "parentHeight": 0})
    thread = body.get("thread")
    if not isinstance(thread, dict):
        raise UnexpectedResponseError("the server answered JSON of another shape than asked for")
    return thread


def key_of(item: Any) -> str:
    """What tells an item of a timeline from the others: its uri and what became of it there, else its bytes."""
    reason = item.get("reason") if isinstance(item, dict) else None
    found = uri_of(item.get("post", item)) if isinstance(item, dict) else None
    if found is None:
        return f"odd:{short(dump(item))}"
    return short(f"{found} reposted" if isinstance(reason, dict) else found)


def mark_of(one: Post | Oddity | None) -> str:
    """What changes when the content of a post does."""
    return short(one.content_digest) if isinstance(one, Post) else "-"


def count_of(view: Any, name: str, unknown: int = 1) -> int:
    """A count of a view; one that does not say may have some, where ``unknown`` is 1."""
    found = view.get(name, unknown) if isinstance(view, dict) else 0
    return found if isinstance(found, int) else unknown


def _children(node: Any) -> list[Any] | None:
    found = node.get("replies") if isinstance(node, dict) else None
    return found if isinstance(found, list) else None
