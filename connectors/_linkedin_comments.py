"""Reads the comments on a LinkedIn page's newest posts, and the replies to them, one request after the other.

How many comments a post has is asked for many posts at once; posts on which nothing has changed are left alone, all
but the newest few. LinkedIn's order of comments is its own, so a post's comments are read to their end each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import unquote

from connectors._edge import items_of, take_widely
from connectors._linkedin_api import BATCH, FEED, FINDER, SOCIAL, LinkedInApi, encoded, following, listed
from connectors._linkedin_post import comment_urn, replies_of, to_comment, to_post
from connectors._timeline import short
from connectors._tour import Find, State, newest
from connectors._watch import Watch, sign_of
from connectors.errors import (
    AccountNotFoundError,
    PermanentError,
    RefusedAddressError,
    UnexpectedResponseError,
)
from connectors.post import Author, Gap, Oddity, Post

_RECENT = 3  # posts that are asked whatever their number of comments says: calls are counted by the day
_MOST_LISTED = 20  # pages of posts, should all of them be drafts
_MOST_REPLY_PAGES = 50  # of one comment
_MOST_TRIED = 3  # other posts, where one is refused
_MOST_TOLD = 1000  # replies that are remembered
_ODD = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)


class Comments:
    """Where the comments of a page stand; made from what `dump` gave, or from nothing."""

    def __init__(self, api: LinkedInApi, own: Author, state: Mapping[str, Any], *, size: int, watched: int) -> None:
        self._api, self._own, self._size, self._watched = api, own, size, watched
        self._watch = Watch(state.get("watch", {}), watched, recent=_RECENT)
        self._queue: list[list[Any]] = [list(one) for one in state.get("queue", ())]
        self._nested: dict[str, int] = dict(state.get("nested", {}))
        self._counts: dict[str, int] = dict(state.get("counts", {}))
        self._told: dict[str, str] = dict(state.get("told", {}))
        self._closed: list[str] = list(state.get("closed", ()))

    def dump(self) -> State:
        """The state as JSON values."""
        return {
            "watch": self._watch.dump(),
            "queue": self._queue,
            "nested": self._nested,
            "counts": dict(list(self._counts.items())[-_MOST_TOLD:]),
            "told": dict(list(self._told.items())[-_MOST_TOLD:]),
            "closed": self._closed[-self._watched :],
        }

    def step(self) -> Find:
        """What one more request brings (two, while posts are listed)."""
        if self._queue:
            find = self._replies()
        elif self._watch.at is None:
            find = self._listed()
        else:
            find = self._under(self._watch.at)
        find.done = self._watch.at is None and not self._watch.query and not self._queue
        return find

    def _listed(self) -> Find:
        """Notes one page of the newest posts with the numbers of their comments."""
        start, size = int(self._watch.query.get("start", 0)), min(self._size, max(self._watched, 1))
        params = {"q": "author", "author": encoded(self._own.id), "sortBy": "CREATED"}
        body = self._api.page("posts", params, start, size, method=FINDER, needs=SOCIAL)
        found = [urn for urn in (_watched(one, self._own) for one in body["elements"]) if urn]
        counts = self._counted(found)
        self._nested = {} if start == 0 else self._nested
        for urn, (count, top) in counts.items():
            if isinstance(count, int) and isinstance(top, int):
                self._nested[urn] = max(count - top, 0)
        onward = following(body, start, size)
        more = onward is not None and start < onward < _MOST_LISTED * size
        signs = [(urn, sign_of(counts.get(urn, (None, None))[0])) for urn in found]
        self._watch.listed(signs, {"start": str(onward)} if more else None)
        return Find()

    def _counted(self, posts: list[str]) -> dict[str, tuple[Any, Any]]:
        """The numbers of comments in all and of those that answer no other, by post, where they are told."""
        if not posts:
            return {}
        try:
            body = self._api.ask("socialMetadata", {"ids": listed(posts)}, method=BATCH, needs=FEED)
        except RefusedAddressError:
            raise
        except (PermanentError, UnexpectedResponseError):
            return {}  # then all of them are read, and what is wrong shows there
        results = body.get("results")
        found = {}
        for urn, one in (results if isinstance(results, dict) else {}).items():
            summary = one.get("commentSummary") if isinstance(one, dict) else None
            if isinstance(summary, dict):
                found[unquote(urn)] = (summary.get("count"), summary.get("topLevelCount"))
        return found

    def _under(self, post: str) -> Find:
        """One page of the comments on a post."""
        walk = self._watch.walk()
        start = int((walk.query or {}).get("start", 0))
        try:
            body = self._api.comments(post, start, self._size)
        except PermanentError as exc:
            self._check(exc, post)
            self._watch.leave()
            return self._unread(post, f"the comments on post {post} cannot be read: {exc}")
        items = items_of(body["elements"], partial(to_comment, own=self._own, thread=post), "a comment of LinkedIn")
        onward = following(body, start, self._size)
        find, walk = take_widely(walk, items, None if onward is None else {"start": str(onward)})
        find.posts = self._watch.fresh(find.posts)
        self._closed = [one for one in self._closed if one != post]
        self._await(post, body["elements"], last=walk.query is None)
        self._watch.stepped(walk, len(find.posts), newest(items))
        return find

    def _await(self, post: str, elements: list[Any], *, last: bool) -> None:
        """Queue those comments on a page whose replies are new; where a comment tells no number, its post's counts."""
        nested = self._nested.get(post)
        changed = nested is None or (nested > 0 and self._counts.get(short(post)) != nested)
        for one in elements:
            urn, count = comment_urn(one), replies_of(one)
            if urn is None or count == 0:
                continue
            if changed if count is None else self._counts.get(short(urn)) != count:
                self._queue.append([urn, post, 0, 0])
            if count is not None:
                self._counts[short(urn)] = count
        if last and nested is not None:
            self._counts[short(post)] = nested

    def _replies(self) -> Find:
        """One page of the replies to the comment that waits longest; one that is gone has none."""
        urn, post, start, pages = self._queue[0]
        try:
            body = self._api.comments(urn, start, self._size)
        except AccountNotFoundError:
            self._queue.pop(0)
            return Find()
        except PermanentError as exc:
            self._check(exc, urn, post)
            self._queue.pop(0)
            return self._unread(urn, f"the replies to one comment on post {post} cannot be read: {exc}")
        parent = urn.rpartition(",")[2].rstrip(")")
        read = partial(to_comment, own=self._own, thread=post, parent=parent)
        find = Find()
        for _, one in reversed(items_of(body["elements"], read, "a reply of LinkedIn")):
            if one is not None and self._is_fresh(one):
                (find.posts if isinstance(one, Post) else find.oddities).append(one)  # type: ignore[arg-type]
        onward = following(body, start, self._size)
        if onward is None:
            self._queue.pop(0)
        elif onward <= start or pages >= _MOST_REPLY_PAGES:
            self._queue.pop(0)
            find.gaps.append(Gap(start=None, end=None, why="LinkedIn repeats its pages of replies; not all were read"))
        else:
            self._queue[0] = [urn, post, onward, pages + 1]
        return find

    def _check(self, exc: PermanentError, *refused: str) -> None:
        """Raise what a refusal was, unless LinkedIn does give the comments on another post: then it is this one's own.

        A post that is gone is no refusal.
        """
        if isinstance(exc, AccountNotFoundError):
            return
        state = self._watch.dump()
        others = (*refused[1:], *(waiting[0] for waiting in state["waiting"]), *state["signs"])
        if isinstance(exc, RefusedAddressError) or not self._gives_any([urn for urn in others if urn != refused[0]]):
            raise exc

    def _gives_any(self, urns: list[str]) -> bool:
        """Whether LinkedIn gives the comments on one of these posts; of many only the first are tried."""
        for urn in urns[:_MOST_TRIED]:
            try:
                self._api.comments(urn, 0, 1)
            except PermanentError:
                continue
            return True
        return False

    def _unread(self, urn: str, why: str) -> Find:
        """What cannot be read is told once."""
        told = urn in self._closed
        self._closed = [*(one for one in self._closed if one != urn), urn]
        return Find(gaps=[] if told else [Gap(start=None, end=None, why=why)])

    def _is_fresh(self, one: Post | Oddity) -> bool:
        """Whether this version of a reply was not given yet."""
        key, mark = (one.id, one.content_digest) if isinstance(one, Post) else (f"odd:{short(one.raw)}", "-")
        if self._told.get(short(key)) == short(mark):
            return False
        self._told.pop(short(key), None)
        self._told[short(key)] = short(mark)
        return True


def _watched(item: Any, own: Author) -> str | None:
    """The URN of a post on which people may comment, as far as the page's list tells."""
    try:
        post = to_post(item, own=own)
    except _ODD:
        return None
    return post.id if post is not None else None
