"""Reads a Facebook Page by the Graph API with the page's access token.

- ``posts``: what the page published, ``/{page}/published_posts``. Edits among its newest page of posts are noticed.
- ``comments``: comments and replies on the page's newest posts, ``/{post}/comments``. A post whose time of update
  and count of comments stand still is not asked again.
- ``mentions``: posts that tag the page, ``/{page}/tagged``, recommendations of it, ``/{page}/ratings``, and what
  visitors wrote on it, from ``/{page}/feed``. Where the token may not read one of the latter two, that is reported
  once as a gap and the rest goes on; a page whose recommendations are switched off has none.

Facebook has no public search. Comments on others' posts are not read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from connectors._backlog import Backlog, Position, page_of_round
from connectors._graph import Graph, following
from connectors._news import Memory, Step, sign_of
from connectors._recommendation import FIELDS, to_review
from connectors._story import as_bytes, page_of, to_comment, to_post, to_profile
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    RefusedAddressError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient
from connectors.post import Account, Author, Cursor, Gap, Oddity, Page, Post
from connectors.profile import Profile, fullest

_EDGES = {"posts": "published_posts", "mentions": "tagged", "ratings": "ratings", "wall": "feed"}
# What others leave on the page itself, each with its name where it cannot be had.
_LEFT = {"ratings": "the page's recommendations", "wall": "what visitors wrote on the page"}
# Recommendations are few, and each asking counts against the page's limit: they are asked for in one round of so many.
_REST = 12
_GONE = re.compile(r"(?i)deprecat|unknown path")
_ATTACHED = "title,description,type,url,unshimmed_url,target,media"
_POST_FIELDS = (
    "id,message,story,from,created_time,updated_time,permalink_url,status_type,"
    f"attachments{{media_type,{_ATTACHED},subattachments{{media_type,{_ATTACHED}}}}}"
)
_COMMENT_FIELDS = (
    "id,message,from,created_time,permalink_url,parent{id},attachment{type,title,description,url,target,media}"
)
_PROFILE_FIELDS = ("name,username,about,description,website,is_published", "name,username,about,website")
_WATCH_FIELDS = "id,updated_time,comments.filter(stream).limit(0).summary(true)"
_TARGET = re.compile(
    r"(?:https?://(?:[a-z-]+\.)?(?:facebook|fb)\.com/)?(?:profile\.php\?id=)?@?([A-Za-z0-9._-]{1,80})/?"
)
_JOINED = 25  # requests for one page at most
_BOTH_COMMENTS = ("comments", "comments")
_POSTS_KNOWN, _COMMENTS_KNOWN = 200, 50


class FacebookConnector:
    """Reads one Facebook Page, about a page a call; holds no connection between calls, so threads may share it.

    ``timeout_s`` bounds each step of a request and ``total_s`` the whole; ``page_size`` is how many items a request
    asks for (1 to 100), ``watched_posts`` on how many of the page's newest posts comments are read.
    ``graph_version`` is written as ``v26.0``; ``app_secret`` is for apps that require an app secret proof.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        page_size: int = 50,
        graph_version: str = "v26.0",
        app_secret: str | None = None,
        watched_posts: int = 50,
    ) -> None:
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size = min(max(page_size, 1), 100)
        self._version, self._app_secret = graph_version, app_secret
        self._watched_posts = watched_posts

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page, see `Connector.fetch`; a read that fails does not keep the others from being read."""
        stages = _stages(account)
        place = Position.of(account, cursor, stages)
        with self._graph(account) as graph:

            def ask(at: Position) -> Page:
                return _Turn(account, stages, at, graph, self._page_size).page(self._watched_posts)

            page = self._gathered(account, stages, place, ask)
        kept = Position.of(account, page.cursor, stages).kept
        return replace(page, lacks=tuple(kept[at] for at in _LEFT if at in stages and kept.get(at)))

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """What stands on the page itself as it is now, or ``None`` where it is gone; others' pages are left out."""
        with self._graph(account) as graph:
            own = str(graph.node(_page_name(account), fields="id").get("id"))
            for post in posts:
                under = post.id if post.kind == "post" else post.thread or ""
                if post.kind != "review" and page_of(under) == own:
                    fields = _POST_FIELDS if post.kind == "post" else _COMMENT_FIELDS
                    item = graph.still(post.id, own, fields=fields)
                    yield post, None if item is None else _current(item, post, own if account.official else None)

    def profile(self, account: Account) -> Profile:
        """What the page says of itself, and whether it is published."""
        with self._graph(account) as graph:
            body, whole = fullest(lambda fields: graph.node(_page_name(account), fields=fields), *_PROFILE_FIELDS)
        return to_profile(body, whole=whole)

    @contextmanager
    def _graph(self, account: Account) -> Iterator[Graph]:
        allowed = account.base_url if account.allow_private else None
        with HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed) as web:
            yield Graph(
                web, token=account.token, base_url=account.base_url, version=self._version, app_secret=self._app_secret
            )

    def _gathered(
        self, account: Account, stages: tuple[str, ...], place: Position, ask: Callable[[Position], Page]
    ) -> Page:
        """Pages joined until they hold something; the comments on many posts until they fill a page.

        An error after the first request waits for the next call, as what came before it is good.
        """
        began = time.monotonic()
        page = page_of_round(place, stages, ask, self._timeout_s)
        for _ in range(_JOINED - 1):
            onward = Position.of(account, page.cursor, stages)
            full = len(page.posts) >= self._page_size or (page.posts and (place.at, onward.at) != _BOTH_COMMENTS)
            if not page.more or full or time.monotonic() - began > self._total_s:
                break
            try:
                page = _joined(page, page_of_round(onward, stages, ask, self._timeout_s))
            except ConnectorError:
                break
            place = onward
        return page


def _current(item: Mapping[str, Any], before: Post, owner: str | None) -> Post:
    try:
        if before.kind == "post":
            return to_post(item, author=before.author, owner=owner)
        return to_comment(item, under=before.thread or "", owner=owner)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise UnexpectedResponseError(f"Facebook answered what is no post: {type(exc).__name__}") from None


def _joined(first: Page, second: Page) -> Page:
    posts = sorted((*first.posts, *second.posts), key=_moment)
    return Page(
        posts=tuple(posts),
        cursor=second.cursor,
        more=second.more,
        gaps=(*first.gaps, *second.gaps),
        oddities=(*first.oddities, *second.oddities),
    )


def _moment(post: Post) -> float:
    return post.created_at.timestamp() if post.created_at else 0.0


def _stages(account: Account) -> tuple[str, ...]:
    """The edges that an account's reads ask, in order; what is left on the page are stages of their own."""
    if "search" in account.reads:
        raise PermanentError(f"Facebook has no public search: remove it from the reads of account {account.name!r}")
    return tuple(stage for name in account.reads for stage in ((name, *_LEFT) if name == "mentions" else (name,)))


def _page_name(account: Account) -> str:
    match = _TARGET.fullmatch(account.target.strip())
    if match is None or not match[1].strip("."):
        raise AccountNotFoundError(f"{account.target[:60]!r} is no Facebook Page: write its id or its name")
    return match[1]


class _Turn:
    """One call of `FacebookConnector.fetch`."""

    def __init__(self, account: Account, stages: tuple[str, ...], place: Position, graph: Graph, size: int) -> None:
        self._account, self._stages, self._place = account, stages, place
        self._graph, self._size = graph, size
        self._page_name = _page_name(account)
        self._known: dict[str, dict[str, str]] = dict(place.kept.get("known", {}))

    def page(self, watched_posts: int) -> Page:
        """One page of the stage at hand."""
        match self._place.at:
            case "comments":
                return self.comments(watched_posts)
            case "ratings" if self._rounds % _REST:
                return self._moved(Backlog(), drained=True, ratings=self._place.kept.get("ratings"), fresh={})
            case "ratings" | "wall":
                return self.left()
            case _:
                return self.posts()

    def posts(self) -> Page:
        """One page of what the page published, of what tags it, or of what was left on it."""
        step = self._step(
            self._page_name,
            _EDGES[self._place.at],
            self._place.backlog,
            self._post,
            key=self._place.at,
            fields=FIELDS if self._place.at == "ratings" else _POST_FIELDS,
        )
        return self._stepped(step)

    def left(self) -> Page:
        """One page of recommendations, or of what visitors wrote; where that cannot be had, the reads go on without."""
        at, told = self._place.at, None
        try:
            return self.posts()
        except RateLimitedError:
            raise
        except ConnectorError as exc:
            if not self._is_switched_off(exc):
                told = f"{_LEFT[at]} cannot be read: {exc}"
            again = {} if isinstance(exc, PermanentError) else {"rounds": self._rounds}
        page = self._moved(Backlog(), drained=True, fresh={}, **{at: told}, **again)
        if told is None or self._place.kept.get(at) == told:
            return page
        return replace(page, gaps=(Gap(start=None, end=None, why=told),))

    def comments(self, watched: int) -> Page:
        """One page of the posts to watch, or else of the comments on the next of them that waits."""
        watch = dict(self._place.kept.get("watch", {}))
        if "waiting" not in watch:
            return self._listed(watch, watched)
        number, sign = watch["waiting"][0]
        backlog = Backlog(**{**watch["page"], "seen": tuple(watch["page"]["seen"])}) if "page" in watch else Backlog()
        try:
            step = self._step(
                number,
                "comments",
                backlog,
                self._comment(number),
                key=number,
                fields=_COMMENT_FIELDS,
                filter="stream",
                order="reverse_chronological",
            )
        except AccountNotFoundError as exc:
            gap = Gap(start=None, end=None, why=f"the comments on post {number} cannot be read: {exc}")
            return replace(self._after_post(watch, number, sign), gaps=(gap,))
        if step.drained:
            self._remember(number, step)
            page = self._after_post(watch, number, sign)
        else:
            watch["page"] = asdict(step.backlog)
            page = self._moved(self._place.backlog, drained=False, watch=watch, fresh=dict(step.fresh))
        return replace(page, posts=step.posts, oddities=step.oddities)

    def _listed(self, watch: dict[str, Any], watched: int) -> Page:
        """Notes one page of the newest posts, those on which something happened to be asked afterwards."""
        found: list[list[Any]] = watch.pop("found", [])
        size = min(self._size, max(watched, 1))
        body, backlog = self._asked(
            self._page_name, "published_posts", self._place.backlog, fields=_WATCH_FIELDS, limit=size
        )
        seen = {number for number, _ in found}
        found += [
            [str(i["id"]), sign_of(i)]
            for i in body["data"]
            if isinstance(i, dict) and i.get("id") and str(i["id"]) not in seen
        ]
        token = following(body) if len(found) < watched else None
        backlog = backlog.advanced(None, token)
        if token:
            return self._moved(backlog, drained=False, watch={**watch, "found": found})
        found = found[:watched]
        signs = watch.get("signs", {})
        waiting = [[number, sign] for number, sign in found if sign is None or signs.get(number) != sign]
        listed = {number for number, _ in found}
        kept_signs = {number: sign for number, sign in signs.items() if number in listed}
        self._known = {key: known for key, known in self._known.items() if key in listed or key in _EDGES}
        state: dict[str, Any] = {"signs": kept_signs, **({"waiting": waiting} if waiting else {})}
        return self._moved(backlog, drained=not waiting, watch=state, fresh={})

    def _after_post(self, watch: dict[str, Any], number: str, sign: str | None) -> Page:
        """The page that ends one post's comments, and with the last post the read."""
        watch.pop("page", None)
        watch["waiting"] = watch["waiting"][1:]
        watch["signs"] = {**watch["signs"], **({number: sign} if sign else {})}
        drained = not watch["waiting"]
        if drained:
            del watch["waiting"]
        return self._moved(Backlog(), drained=drained, watch=watch, fresh={})

    def _step(
        self,
        number: str,
        edge: str,
        backlog: Backlog,
        read: Callable[[Mapping[str, Any]], Post],
        *,
        key: str,
        **params: str,
    ) -> Step:
        """Asks for one page of an edge; the edge is drained at its end, or where what is known begins."""
        body, backlog = self._asked(number, edge, backlog, limit=self._size, **params)
        posts, oddities = _read(body["data"], read)
        memory = Memory(known=self._known.get(key, {}), fresh=self._place.kept.get("fresh", {}), most=_POSTS_KNOWN)
        token = None if memory.ends(body["data"], posts) else following(body)
        return memory.step(posts, oddities, backlog.advanced(None, token), wanted=self._wanted)

    def _asked(self, number: str, edge: str, backlog: Backlog, **params: Any) -> tuple[Mapping[str, Any], Backlog]:
        """One page of an edge with the backlog that it belongs to: a cursor that Facebook forgot begins it anew."""
        try:
            return self._graph.page(number, edge, token=backlog.token, **params), backlog
        except AuthenticationError:
            raise
        except PermanentError:
            if not backlog.token:
                raise
        return self._graph.page(number, edge, **params), Backlog()

    def _remember(self, key: str, step: Step) -> None:
        most = _POSTS_KNOWN if key in _EDGES else _COMMENTS_KNOWN
        self._known[key] = dict(list(step.known.items())[:most])

    def _stepped(self, step: Step) -> Page:
        if step.drained:
            self._remember(self._place.at, step)
        page = self._moved(step.backlog, drained=step.drained, fresh={} if step.drained else dict(step.fresh))
        return replace(page, posts=step.posts, oddities=step.oddities)

    def _moved(self, backlog: Backlog, *, drained: bool, **kept: Any) -> Page:
        """An empty page whose cursor stands after this step."""
        if self._place.at in _LEFT:
            kept = {self._place.at: None, **kept}
        if self._place.at == "ratings" and drained:
            kept = {"rounds": self._rounds + 1, **kept}
        place = self._place.keeping(known=self._known, **kept)
        moved, more = place.stepped(backlog, self._stages, drained=drained)
        return Page(posts=(), cursor=moved.cursor(), more=more)

    @property
    def _rounds(self) -> int:
        """How many rounds were over recommendations."""
        return int(self._place.kept.get("rounds", 0))

    def _is_switched_off(self, exc: ConnectorError) -> bool:
        """Whether a page has no recommendations at all, which is its owner's choice and no failure."""
        if self._place.at != "ratings" or isinstance(exc, (AuthenticationError, RefusedAddressError)):
            return False
        return isinstance(exc, PermanentError) and not _GONE.search(str(exc))

    def _wanted(self, post: Post) -> bool:
        """Whether a post belongs to the read at hand: what the page itself wrote on its own wall is no visitor's."""
        return self._place.at != "wall" or post.author is None or post.author.id != page_of(post.id)

    def _post(self, item: Mapping[str, Any]) -> Post:
        """A post of the edge at hand; its author is the page, where only the page can be."""
        if self._place.at == "ratings":
            return to_review(item, page=self._page_name)
        own = page_of(str(item["id"])) if self._place.at != "mentions" else None
        owner = own or (self._page_name if self._page_name.isdecimal() else None)
        author = Author(id=own, official=self._account.official) if own and self._place.at == "posts" else None
        return to_post(item, author=author, owner=owner if self._account.official else None)

    def _comment(self, under: str) -> Callable[[Mapping[str, Any]], Post]:
        owner = page_of(under) if self._account.official else None
        return lambda item: to_comment(item, under=under, owner=owner)


def _read(items: list[Any], read: Callable[[Mapping[str, Any]], Post]) -> tuple[list[Post], list[Oddity]]:
    """The posts of a page, oldest first, and the items that could not be understood."""
    posts, oddities = [], []
    for item in items:
        try:
            posts.append(read(item))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
            oddities.append(Oddity(raw=as_bytes(item), why=f"not a post of Facebook: {type(exc).__name__}"))
    # Newest first is Facebook's order; the sort is stable, so those of one second or without a time keep theirs.
    posts.reverse()
    return sorted(posts, key=_moment), oddities
