"""Reads YouTube by its Data API v3, with an API key or the channel owner's OAuth token.

- ``posts``: the channel's public videos, by the playlist of its uploads; details of new ones by ``videos.list``.
- ``comments``: comment threads about the channel and on its videos, and their replies: five come with a thread, the
  rest by ``comments.list``. New replies are noticed under the newest ``watched_threads`` threads. Where the target is
  a video's address, the comments on that video.
- ``search``: the target as the words of ``search.list``, which has a small daily quota of its own, see
  ``search_units_per_day``. YouTube searches videos only, never comments.

Everything costs one unit a request, of 10,000 a day for the whole Google project; a search costs one of 100.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from connectors._backlog import Backlog, Position, page_of_round
from connectors._film import Channel, is_hidden, to_replies
from connectors._google import ClosedError, Google, MissingError, PageTokenError, StumbleError, quota_day, quota_reset
from connectors._leg import MOST_DEPTH, Leg
from connectors._timeline import Step, short
from connectors._tube import (
    detailed,
    gaps_of,
    items_of,
    key_of,
    look_up,
    mark_of,
    owner_of,
    profile_of,
    read_film,
    read_target,
    read_threads,
    rechecked,
    thread_mark,
    time_of,
    token_of,
    total_of,
    zulu,
)
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
)
from connectors.http import HttpClient
from connectors.post import Account, Cursor, Gap, Oddity, Page, Post
from connectors.profile import Profile

_HOME, _PATH = "https://www.googleapis.com", "/youtube/v3"
_MOST_FILMS, _MOST_THREADS = 50, 100  # that YouTube gives a request
_MOST_GIVEN = 1500  # posts that are remembered, so that none comes twice
_MOST_REPLY_PAGES = 50  # of one thread
_MOST_STUMBLES = 3  # over one thread


@dataclass(frozen=True, kw_only=True)
class _Options:
    """What the constructor was given."""

    page_size: int | None
    watched: int
    searches: int


@dataclass(frozen=True, kw_only=True)
class _Past:
    """The stretch of the past that is asked for."""

    since: datetime
    until: datetime


class YoutubeConnector:
    """Reads one YouTube channel, one video's comments or one search, about a page a call; threads may share it.

    ``target`` is ``@handle``, a channel's id or address, a video's address, or words to search for. ``timeout_s``
    bounds each step of a request and ``total_s`` the whole call; ``page_size`` is how many items a request asks for
    (at most 50 videos, 100 comments). ``watched_threads`` (at most 400) is under how many of the newest comments new
    replies are looked for at every poll, a unit a hundred. ``search_units_per_day`` is how many of the project's 100
    searches a day this account may use; the day ends at midnight in California.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        page_size: int | None = None,
        watched_threads: int = 200,
        search_units_per_day: int = 48,
    ) -> None:
        self._timeout_s, self._total_s = timeout_s, total_s
        self._options = _Options(
            page_size=None if page_size is None else max(page_size, 1),
            watched=min(max(watched_threads, 0), MOST_DEPTH),
            searches=max(search_units_per_day, 0),
        )

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page, see `Connector.fetch`; a read that fails does not keep the others from being read."""
        return self._page(account, cursor, None)

    def backfill(self, account: Account, since: datetime, until: datetime, cursor: Cursor | None) -> Page:
        """One page of what was published from ``since`` up to ``until``; pages may be empty and more wait.

        YouTube lists newest first, so what is newer than ``until`` is passed over, a unit a page.
        """
        past = _Past(since=since.astimezone(UTC), until=until.astimezone(UTC))
        page = self._page(account, cursor, past)
        within = [post for post in page.posts if post.created_at and past.since <= post.created_at < past.until]
        return replace(page, posts=tuple(within))

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Each post as it is now, or ``None`` where it is gone or no longer public; a unit for 50 of them."""
        films = [post for post in posts if post.kind == "post"]
        comments = [post for post in posts if post.kind != "post"]
        with self._google(account) as google:
            for path, part, kind in (("videos", "snippet,status", films), ("comments", "snippet", comments)):
                for start in range(0, len(kind), _MOST_FILMS):
                    yield from rechecked(google, path, part, kind[start : start + _MOST_FILMS])

    def profile(self, account: Account) -> Profile:
        """What the channel says of itself, and whether it is private; a unit."""
        with self._google(account) as google:
            return profile_of(google, account.target, read_target(account.target))

    def _page(self, account: Account, cursor: Cursor | None, past: _Past | None) -> Page:
        stages = _stages(account)
        place = Position.of(account, cursor, stages)
        with self._google(account) as google:
            turn = partial(_Turn, account, stages, google=google, options=self._options, past=past)
            return page_of_round(place, stages, lambda at: turn(place=at).page(), self._timeout_s)

    @contextlib.contextmanager
    def _google(self, account: Account) -> Iterator[Google]:
        if not (account.token or "").strip() and account.base_url is None:  # a proxy of the operator's may add it
            raise AuthenticationError(f"account {account.name!r} needs an API key of YouTube: set its token")
        base = (account.base_url or _HOME).rstrip("/").removesuffix(_PATH) + _PATH
        allowed = account.base_url if account.allow_private else None
        with HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed) as web:
            ends = time.monotonic() + self._total_s
            yield Google(web, what="YouTube", base=base, token=account.token, ends=ends)


class _Turn:
    """One call: a page of the read at hand."""

    def __init__(
        self,
        account: Account,
        stages: tuple[str, ...],
        place: Position,
        google: Google,
        options: _Options,
        past: _Past | None,
    ) -> None:
        self._account, self._stages, self._place = account, stages, place
        self._google, self._options, self._past = google, options, past
        self._read = place.at
        self._target = read_target(account.target)
        self._legs: dict[str, Any] = dict(place.kept.get("legs", {}))
        self._given: dict[str, str] = dict(place.kept.get("given", {}))
        self._queue: list[list[Any]] = list(place.kept.get("queue", ()))
        self._kept: dict[str, Any] = {}

    def page(self) -> Page:
        """One page of the read at hand."""
        match self._read:
            case "posts":
                return self._uploads()
            case "comments":
                return self._replies() if self._queue else self._comments()
            case _:
                return self._search()

    # posts and search ------------------------------------------------------------------------------------------------

    def _uploads(self) -> Page:
        """One page of the channel's videos; a channel that never had any has no such playlist."""
        if self._target.video is not None:
            raise PermanentError("of a single video only the comments can be read: set reads to comments")
        own, fresh = self._channel()
        params = {"part": "snippet,contentDetails,status", "playlistId": own.uploads, "maxResults": self._films()}
        try:
            body, leg = self._asked("playlistItems", params)
        except MissingError as exc:
            if exc.reason != "playlistnotfound":
                raise
            if not fresh:
                self._look_up()
            return self._moved(Leg(walk=replace(self._leg.walk, query=None)), done=True)
        return self._listed(body, leg, own, keep=True)

    def _search(self) -> Page:
        """One page of a search, while the day's units last."""
        now = datetime.now(UTC)
        used = self._place.kept.get("search", {})
        spent = used["spent"] if used.get("day") == quota_day(now) else 0
        if spent >= self._options.searches:
            if len(self._stages) == 1:
                why = f"account {self._account.name!r} has used its {self._options.searches} searches of the day"
                raise RateLimitedError(why, quota_reset(now))
            return self._moved(self._leg, done=True)
        self._kept["search"] = {"day": quota_day(now), "spent": spent + 1}
        params = {"part": "snippet", "type": "video", "order": "date", "maxResults": self._films()}
        params |= {"q": self._account.target.strip(), "safeSearch": "none"}
        if self._past is not None:
            params |= {"publishedAfter": zulu(self._past.since), "publishedBefore": zulu(self._past.until)}
        body, leg = self._asked("search", params)
        return self._listed(body, leg, self._own(), keep=False)

    def _listed(self, body: dict[str, Any] | None, leg: Leg, own: Channel | None, *, keep: bool) -> Page:
        """The page that a list of videos makes; ``keep`` says that its own words are whole and its order is exact."""
        items = items_of(body)
        read = [None if is_hidden(item) else read_film(item, own) for item in items]
        marks = [(key_of(item), mark_of(one) if keep else "found") for item, one in zip(items, read, strict=True)]
        leg, step = leg.taken(marks, token_of(body), total=total_of(body) if keep else None)
        fresh = [(items[i], one) for i in step.fresh if (one := read[i]) is not None]
        posts = [one for _, one in fresh if isinstance(one, Post)]
        oddities = [one for _, one in fresh if isinstance(one, Oddity)]
        leg, done = self._ended(leg, step, [one for one in read if isinstance(one, Post)])
        gaps = gaps_of(step, body, read)
        return self._moved(
            leg, done=done, posts=detailed(self._google, posts, own, keep=keep), oddities=oddities, gaps=gaps
        )

    def _films(self) -> int:
        return min(self._options.page_size or _MOST_FILMS, _MOST_FILMS)

    # comments --------------------------------------------------------------------------------------------------------

    def _comments(self) -> Page:
        """One page of threads; what they hold beyond five replies is queued."""
        own = None if self._target.video else self._own()
        size = min(self._options.page_size or _MOST_THREADS, _MOST_THREADS)
        params = {"part": "snippet,replies", "order": "time", "textFormat": "html", "maxResults": size}
        try:
            body, leg = self._asked("commentThreads", {**params, **self._target.threads(own)})
        except ClosedError as exc:
            return self._closed(str(exc))
        self._kept["closed"] = None
        return self._threads(body, leg, own)

    def _threads(self, body: dict[str, Any] | None, leg: Leg, own: Channel | None) -> Page:
        items = items_of(body)
        read = read_threads(items, own, official=self._account.official)
        marks = [
            (key_of(item), "-" if isinstance(one, Oddity) else thread_mark(one))
            for item, one in zip(items, read, strict=True)
        ]
        leg, step = leg.taken(marks, token_of(body), depth=0 if self._past else self._options.watched)
        posts: list[Post] = []
        oddities: list[Oddity] = []
        for one in (read[i] for i in step.fresh):
            if isinstance(one, Oddity):
                oddities.append(one)
                continue
            posts += one.posts
            oddities += one.oddities
            if one.cut:
                self._queue.append([one.id, one.video, None, 0])
        tops = [one.posts[0] for one in read if not isinstance(one, Oddity)]
        leg, done = self._ended(leg, step, tops)
        gaps = gaps_of(step, body, tops)
        return self._moved(leg, done=done, posts=posts, oddities=oddities, gaps=gaps)

    def _replies(self) -> Page:
        """One page of the replies to the thread that waits longest; one that is gone has none."""
        id_, video, token, pages = self._queue[0]
        own = None if self._target.video else self._own()
        params = {"part": "snippet", "parentId": id_, "maxResults": _MOST_THREADS, "textFormat": "html"}
        try:
            body = self._google.ask("comments", {**params, **({"pageToken": token} if token else {})})
        except (AccountNotFoundError, PageTokenError) as exc:
            gone = isinstance(exc, AccountNotFoundError) or not token
            self._queue[0] = [id_, video, None, pages + 1]
            return self._after_replies(over=gone or pages >= _MOST_REPLY_PAGES)
        except (PermanentError, StumbleError) as exc:
            return self._unreadable(exc, own)
        items = items_of(body)
        owner = own or owner_of(items[0] if items else None, official=self._account.official)
        posts, oddities = to_replies(items, owner, video=video, parent=id_)
        onward = token_of(body)
        self._queue[0] = [id_, video, onward, pages + 1]
        stuck = onward is not None and (onward == token or pages + 1 >= _MOST_REPLY_PAGES)
        why = "YouTube gives the replies to one comment without end; not all were read"
        gaps = [Gap(start=None, end=None, why=why)] if stuck else []
        return self._after_replies(over=onward is None or stuck, posts=posts, oddities=oddities, gaps=gaps)

    def _unreadable(self, exc: ConnectorError, own: Channel | None) -> Page:
        """One thread that cannot be read must not keep the others from it, unless none can be: that is raised."""
        with contextlib.suppress(ClosedError):
            self._google.ask("commentThreads", {"part": "id", "maxResults": 1, **self._target.threads(own)})
        id_, video, _, pages = self._queue.pop(0)
        if isinstance(exc, StumbleError) and pages < _MOST_STUMBLES:
            self._queue.append([id_, video, None, pages + 1])
            told = []
        else:
            told = [Gap(start=None, end=None, why=f"the replies to one comment cannot be read: {exc}")]
        return self._after_replies(over=False, gaps=told)

    def _after_replies(self, *, over: bool, **found: Any) -> Page:
        if over:
            self._queue.pop(0)
        return self._moved(self._leg, done=self._leg.walk.query is None, **found)

    def _closed(self, why: str) -> Page:
        """Comments that are turned off are told once, and looked at again at every poll."""
        gaps = [] if self._place.kept.get("closed") == why else [Gap(start=None, end=None, why=why)]
        self._kept["closed"] = why
        return self._moved(self._leg, done=True, gaps=gaps)

    # the channel -----------------------------------------------------------------------------------------------------

    def _channel(self) -> tuple[Channel, bool]:
        """The channel with its playlist, and whether it was looked up just now; once is enough."""
        known = self._place.kept.get("channel")
        if known is not None:
            return Channel(**known, official=self._account.official), False
        return self._look_up(), True

    def _own(self) -> Channel | None:
        """The channel whose posts are the school's own; a search for words has none."""
        known = "channel" in self._place.kept
        if self._target.channel is not None and not known:
            return Channel(id=self._target.channel, official=self._account.official)
        return None if self._read == "search" and not known else self._channel()[0]

    def _look_up(self) -> Channel:
        found = look_up(self._google, self._account.target, self._target, official=self._account.official)
        self._kept["channel"] = {"id": found.id, "handle": found.handle, "uploads": found.uploads}
        return found

    @property
    def _leg(self) -> Leg:
        return Leg.load(self._legs.get(self._read, {}))

    def _asked(self, path: str, params: Mapping[str, Any]) -> tuple[dict[str, Any] | None, Leg]:
        return self._leg.page(lambda query: self._google.ask(path, {**params, **query}))

    def _ended(self, leg: Leg, step: Step, posts: list[Post]) -> tuple[Leg, bool]:
        """The leg, ended where a look into the past has come past its beginning."""
        times = [post.created_at for post in posts if post.created_at is not None]
        if self._past is not None and times and max(times) < self._past.since:
            return Leg(), True
        return leg, step.done

    def _is_fresh(self, key: str, mark: str) -> bool:
        """Whether this version was not given yet: the newest replies come with their thread and in its list."""
        if self._given.get(key) == mark:
            return False
        self._given.pop(key, None)
        self._given[key] = mark
        return True

    def _moved(
        self,
        leg: Leg,
        *,
        done: bool,
        posts: Iterable[Post] = (),
        oddities: Iterable[Oddity] = (),
        gaps: Iterable[Gap] = (),
    ) -> Page:
        """The page whose cursor stands after this step; a read is done when nothing waits in its queue either."""
        fresh = [post for post in posts if self._is_fresh(short(post.id), short(post.content_digest))]
        unread = [one for one in oddities if self._is_fresh(f"odd:{short(one.raw)}", "-")]
        place = self._place.keeping(
            **self._kept,
            legs={**self._legs, self._read: leg.dump()},
            given=dict(list(self._given.items())[-_MOST_GIVEN:]),
            queue=self._queue,
        )
        drained = done and not (self._read == "comments" and self._queue)
        moved, more = place.stepped(Backlog(), self._stages, drained=drained)
        return Page(
            posts=tuple(sorted(reversed(fresh), key=time_of)),  # noqa: C414
            cursor=moved.cursor(),
            more=more,
            gaps=tuple(gaps),
            oddities=tuple(unread),
        )


def _stages(account: Account) -> tuple[str, ...]:
    if "mentions" in account.reads:
        raise PermanentError(
            f"YouTube has no list of mentions: remove it from the reads of account {account.name!r}, "
            "and make a search for the school's name an account of its own"
        )
    return account.reads
