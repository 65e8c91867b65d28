"""Reads a school's own LinkedIn page by the Community Management API, with the token of one of its administrators.

- ``posts``: what the page published, also edits of old posts. What it only reposted, without a word, is left out.
- ``comments``: comments on its newest posts, and the replies to them.
- ``mentions``: LinkedIn's notifications of the page: posts of members that name it, reposts of its posts with words,
  and comments on all of its posts, also old ones. LinkedIn keeps them for 60 days.

LinkedIn lets nobody search, and shows nobody's own timeline: only pages that the token's person administers are read.
Members are known by their URN alone; nobody's profile is looked up.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import unquote

from connectors._backlog import Position
from connectors._edge import items_of
from connectors._linkedin_api import (
    ADMIN,
    BATCH,
    FINDER,
    SOCIAL,
    DayLimitError,
    LinkedInApi,
    encoded,
    following,
    listed,
)
from connectors._linkedin_comments import Comments
from connectors._linkedin_notification import read_notifications
from connectors._linkedin_post import to_comment, to_post
from connectors._timeline import Walk, short
from connectors._tour import Find, Item, Reader, State, oldest, take, tour
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient
from connectors.post import Account, Author, Cursor, Gap, Page, Post, parse_time, rfc3339
from connectors.profile import Profile, linked, plain

_HOME, _PATH = "https://api.linkedin.com", "/rest"
_VERSION = re.compile(r"20\d{4}(?:\.\d{2})?")
_NUMBER = re.compile(r"(?:urn:li:organization:)?(\d{1,20})", re.ASCII)
_BRAND = re.compile(r"urn:li:organizationBrand:\d{1,20}", re.ASCII)
_SITE = re.compile(
    r"(?:https?://)?(?:[a-z]{2,3}\.)?linkedin\.com/(?:company|school|showcase)/([^/?#\s]{1,100})(?:[/?#].*)?"
)
_NAME = re.compile(r"@?([\w&.-]{1,100})")
_WHAT = "a post of LinkedIn"
_MOST_PAGE = 100
_MOST_VERSIONS = 500  # posts whose versions are remembered
_MOST_AGAIN = 2  # times that a walk steps back because posts were deleted under it
_AGAIN = "#"  # stands in a walk's query, is never sent
_JOINED = 25  # requests for one page at most
_BATCH_SIZE = 20


class LinkedinConnector:
    """Reads one page of one read a call; holds no connection between calls, so threads may share it.

    ``target`` is the page's number, URN, address or the name in its address. ``timeout_s`` bounds each step of a
    request and ``total_s`` the whole call; ``page_size`` is how many items a request asks for (2 to 100),
    ``watched_posts`` on how many of the newest posts comments are read. ``api_version`` is LinkedIn's, written as
    ``202608``; LinkedIn serves each for about a year.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        page_size: int = 50,
        watched_posts: int = 25,
        api_version: str = "202608",
    ) -> None:
        if not _VERSION.fullmatch(str(api_version)):
            raise PermanentError(f"{str(api_version)[:20]!r} is no version of LinkedIn's interface: write it as 202608")
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size = min(max(page_size, 2), _MOST_PAGE)
        self._watched_posts, self._version = max(watched_posts, 1), str(api_version)

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page, see `Connector.fetch`; a read that fails does not keep the others from being read."""
        _refuse_search(account)
        with self._turn(account) as turn:
            by_name: dict[str, Reader] = {
                "posts": turn.posts,
                "comments": turn.comments,
                "mentions": turn.notifications,
            }
            readers = {name: by_name[name] for name in account.reads if name in by_name}
            return tour(_resting(readers), account.target, cursor)

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """The page's own posts and all comments as they are now, or ``None`` where gone; others' posts are left out."""
        with self._turn(account) as turn:
            own = turn.own({})
            mine = [post for post in posts if post.kind == "post" and post.author and post.author.id == own.id]
            for start in range(0, len(mine), _BATCH_SIZE):
                yield from turn.posts_again(mine[start : start + _BATCH_SIZE], own)
            for post in posts:
                if post.kind != "post" and post.thread:
                    yield from turn.comment_again(post, own)

    def backfill(self, account: Account, since: datetime, until: datetime, cursor: Cursor | None) -> Page:
        """One page of what the page published from ``since`` up to ``until``; pages may be empty and more wait."""
        with self._turn(account) as turn:
            return turn.past(since, until, cursor)

    def profile(self, account: Account) -> Profile:
        """What the page says of itself, which its administrators may ask for; every page is open to all."""
        with self._turn(account) as turn:
            return turn.profile()

    @contextmanager
    def _turn(self, account: Account) -> Iterator[_Turn]:
        token = (account.token or "").strip()
        if not token and account.base_url is None:  # a proxy of the operator's may add it
            raise AuthenticationError(f"account {account.name!r} needs an access token of LinkedIn: connect it")
        allowed = account.base_url if account.allow_private else None
        with HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed) as web:
            base = (account.base_url or _HOME).rstrip("/").removesuffix(_PATH) + _PATH
            ends = time.monotonic() + self._total_s
            api = LinkedInApi(web, base=base, token=token, version=self._version, ends=ends)
            yield _Turn(account, api, self._page_size, self._watched_posts, ends)


class _Turn:
    """One call of `LinkedinConnector`."""

    def __init__(self, account: Account, api: LinkedInApi, size: int, watched: int, ends: float) -> None:
        self._account, self._api, self._size, self._watched, self._ends = account, api, size, watched, ends
        self._own: Author | None = None
        self._reads_own = False

    def own(self, state: State) -> Author:
        """The page that the target means; a name is looked up once."""
        if self._own is None:
            kept, target = state.get("me") or {}, self._account.target.strip()
            if kept.get("of") == target and isinstance(kept.get("id"), str):
                self._own = Author(**{**_without(kept, "of"), "official": self._account.official})
            else:
                self._own = self._looked_up(target)
        return self._own

    def _looked_up(self, target: str) -> Author:
        if number := _NUMBER.fullmatch(target):
            return Author(id=f"urn:li:organization:{number[1]}", official=self._account.official)
        if _BRAND.fullmatch(target):
            return Author(id=target, official=self._account.official)
        name = _SITE.fullmatch(target) or _NAME.fullmatch(target)
        if name is None:
            raise AccountNotFoundError(f"{target[:60]!r} is no page of LinkedIn: write its number or its address")
        if name[1].isdecimal():
            return Author(id=f"urn:li:organization:{int(name[1])}", official=self._account.official)
        params = {"q": "vanityName", "vanityName": encoded(unquote(name[1]))}
        body = self._api.page("organizations", params, 0, 10, method=FINDER, needs=ADMIN)
        for one in body["elements"]:
            number = one.get("id") if isinstance(one, dict) else None
            if isinstance(number, int) and not isinstance(number, bool):
                handle, shown = one.get("vanityName"), one.get("localizedName")
                return Author(
                    id=f"urn:li:organization:{number}",
                    handle=handle if isinstance(handle, str) else None,
                    name=shown if isinstance(shown, str) else None,
                    official=self._account.official,
                )
        if body["elements"]:
            raise AuthenticationError(
                f"LinkedIn does not tell the number of the page {name[1]!r}: who connected it is no administrator "
                "of it; write the number from the address of the page's admin view as target"
            )
        raise AccountNotFoundError(f"LinkedIn knows no page {name[1]!r}: check its spelling")

    def profile(self) -> Profile:
        """The page's name, description and site."""
        urn = self.own({}).id
        kind = "organizationBrands" if _BRAND.fullmatch(urn) else "organizations"
        body = self._api.ask(f"{kind}/{urn.rpartition(':')[2]}", needs=ADMIN)
        about = plain(body.get("localizedDescription")) or plain(" ".join(_translations(body.get("description"))))
        return Profile(
            handle=plain(body.get("vanityName")),
            name=plain(body.get("localizedName")),
            about=about,
            links=linked(body.get("localizedWebsite")),
        )

    # posts -----------------------------------------------------------------------------------------------------------

    def posts(self, state: State) -> tuple[Find, State]:
        """One page of what the page published, what was changed last first, so that edits of old posts come, too."""
        own, walk = self.own(state), Walk.load(state.get("walk", {}))
        query = walk.query or {}
        start, again = int(query.get("start", 0)), int(query.get(_AGAIN, 0))
        body = self._listed(own, "LAST_MODIFIED", start)
        items = [(_dated(key, one), got) for one, (key, got) in _read(body["elements"], own)]
        keys = [short(key) for key, _ in items]
        if start and again < _MOST_AGAIN and state.get("tail") not in keys:
            # Each page begins with the end of the one before; it does not, so posts were deleted and others moved up.
            back = {"start": str(max(start - self._size, 0)), _AGAIN: str(again + 1)}
            return Find(done=False), {**state, **self._kept(own), "walk": replace(walk, query=back).dump()}
        onward = following(body, start, self._size)
        following_query = None if onward is None else {"start": str(_overlapping(start, onward)), _AGAIN: str(again)}
        find, step = take(walk, items, following_query)
        versions = dict(state.get("versions", {}))
        find.posts = [post for post in find.posts if versions.get(short(post.id)) != short(post.content_digest)]
        versions |= {short(one.id): short(one.content_digest) for _, one in items if isinstance(one, Post)}
        return find, {
            **state,
            **self._kept(own),
            "walk": step.walk.dump(),
            "tail": keys[-1] if keys else state.get("tail"),
            "versions": dict(list(versions.items())[-_MOST_VERSIONS:]),
        }

    def past(self, since: datetime, until: datetime, cursor: Cursor | None) -> Page:
        """One page of the past, newest first."""
        place = Position.of(self._account, cursor, ("posts",))
        own, walk = self.own(dict(place.kept)), Walk.load(place.kept.get("walk", {}))
        start = int((walk.query or {}).get("start", 0))
        body = self._listed(own, "CREATED", start)
        items = [item for _, item in _read(body["elements"], own)]
        onward = following(body, start, self._size)
        find, step = take(walk, items, None if onward is None else {"start": str(_overlapping(start, onward))})
        end = oldest(items)
        more = not step.done and (end is None or end >= since)
        within = [post for post in reversed(find.posts) if post.created_at and since <= post.created_at < until]
        return Page(
            posts=tuple(sorted(within, key=lambda post: post.created_at or since)),
            cursor=place.keeping(walk=step.walk.dump(), **self._kept(own)).cursor() if more else None,
            more=more,
            gaps=tuple(find.gaps),
            oddities=tuple(find.oddities),
        )

    def _listed(self, own: Author, order: str, start: int) -> dict[str, Any]:
        params = {"q": "author", "author": encoded(own.id), "sortBy": order}
        return self._api.page("posts", params, start, self._size, method=FINDER, needs=SOCIAL)

    # comments --------------------------------------------------------------------------------------------------------

    def comments(self, state: State) -> tuple[Find, State]:
        """What is new under the next of the posts that wait; an error after the first request waits for the next."""
        own = self.own(state)
        after = state
        for number in range(_JOINED):
            comments = Comments(self._api, own, after, size=self._size, watched=self._watched)
            try:
                find = comments.step()
            except ConnectorError:
                if not number:
                    raise
                return Find(done=False), after
            after = {**state, **self._kept(own), **comments.dump()}
            if find.anything or find.done or time.monotonic() > self._ends:
                break
        return find, after

    def notifications(self, state: State) -> tuple[Find, State]:
        """One page of the notifications since the last look."""
        own = self.own(state)
        find, after = read_notifications(self._api, own, state, self._size)
        return find, {**after, **self._kept(own)}

    # checked again ---------------------------------------------------------------------------------------------------

    def posts_again(self, posts: Sequence[Post], own: Author) -> Iterator[tuple[Post, Post | None]]:
        """The page's own posts as they are now; what one request for all of them does not give is asked for alone."""
        ids = {"ids": listed(post.id for post in posts)}
        results = self._api.ask("posts", ids, method=BATCH, needs=SOCIAL).get("results")
        if not isinstance(results, dict):
            raise UnexpectedResponseError("LinkedIn answered no posts by their URNs")
        found = {unquote(urn): one for urn, one in results.items()}
        for post in posts:
            try:
                item = found.get(post.id) or self._api.ask(f"posts/{encoded(post.id)}", needs=SOCIAL)
            except AccountNotFoundError:
                self._check(own)
                yield post, None
                continue
            yield post, _sound(partial(to_post, own=own), item)

    def comment_again(self, post: Post, own: Author) -> Iterator[tuple[Post, Post | None]]:
        """A comment or reply as it is now; on other people's posts LinkedIn may refuse that: it is left out then."""
        thread = post.thread or ""
        try:
            item = self._api.comment(thread, post.id)
        except AccountNotFoundError:
            self._check(own)
            yield post, None
        except AuthenticationError:
            self._check(own)
        else:
            parent = post.reply_to if post.kind == "reply" else None
            yield post, _sound(partial(to_comment, own=own, thread=thread, parent=parent), item)

    def _check(self, own: Author) -> None:
        """A token that lost its page gets refusals for everything: then this fails, too, and nothing counts as gone."""
        if not self._reads_own:
            params = {"q": "author", "author": encoded(own.id)}
            self._api.page("posts", params, 0, 1, method=FINDER, needs=SOCIAL)
            self._reads_own = True

    def _kept(self, own: Author) -> State:
        return {"me": {"id": own.id, "handle": own.handle, "name": own.name, "of": self._account.target.strip()}}


def _refuse_search(account: Account) -> None:
    if "search" in account.reads:
        raise PermanentError(
            f"LinkedIn lets nobody search: remove search from the reads of account {account.name!r}, "
            "which can be posts, comments and mentions"
        )


def _resting(readers: Mapping[str, Reader]) -> dict[str, Reader]:
    """The readers, of which each rests for itself where LinkedIn's limit of the day for what it asks is used up.

    LinkedIn limits each resource by itself, so the others go on; where all rest, that is an error like any other.
    """
    rests: list[datetime] = []

    def read(name: str, reader: Reader, state: State) -> tuple[Find, State]:
        until = parse_time(state.get("rest"))
        gaps: list[Gap] = []
        if until is None or until <= datetime.now(UTC):
            try:
                return reader(_without(state, "rest"))
            except DayLimitError as exc:
                if len(readers) == 1 or exc.retry_at is None:
                    raise
                until = exc.retry_at
                why = f"LinkedIn's limit of the day for {name} is used up: they are read after that, none is lost"
                gaps = [Gap(start=datetime.now(UTC), end=until, why=why)]
        rests.append(until)
        if len(rests) == len(readers):
            raise RateLimitedError("LinkedIn's limits of the day are used up for all that is read", min(rests))
        return Find(gaps=gaps), {**state, "rest": rfc3339(until)}

    def bound(name: str, reader: Reader) -> Reader:
        return lambda state: read(name, reader, state)

    return {name: bound(name, reader) for name, reader in readers.items()}


def _read(elements: Sequence[Any], own: Author) -> Iterator[tuple[Any, Item]]:
    """Each element of a list of posts with what was read of it."""
    return zip(elements, items_of(elements, partial(to_post, own=own), _WHAT), strict=True)


def _dated(key: str, element: Any) -> str:
    """A post's key with the time of its last change: one that was edited must not pass for the end of the news."""
    return f"{key}@{element.get('lastModifiedAt')}" if isinstance(element, dict) else key


def _overlapping(start: int, onward: int) -> int:
    """Where the next page is asked to begin: with the last item of this one, so that deletions show."""
    return onward - 1 if onward - 1 > start else onward


def _sound(read: Callable[[Any], Post | None], item: Any) -> Post | None:
    try:
        return read(item)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise UnexpectedResponseError(f"LinkedIn answered what is no post: {type(exc).__name__}") from None


def _translations(text: Any) -> list[str]:
    """A text of LinkedIn's in each of its languages."""
    given = text.get("localized") if isinstance(text, dict) else None
    return [one for one in given.values() if isinstance(one, str)] if isinstance(given, dict) else []


def _without(state: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key != name}
