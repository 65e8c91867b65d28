"""Reads a professional Instagram account by the Graph API, with the token of the account's own people.

- ``posts``: what the account published, ``/{account}/media`` (stories, which are gone after a day, are not read).
- ``comments``: comments and replies on its newest media. Media whose number of comments stands still are left alone.
- ``mentions``: media in which others tagged the account, ``/{account}/tags``. Mentions in captions and comments come
  by Instagram's webhook only, one id at a time: `InstagramConnector.mention` reads what such an id stands for.
- ``search``: what is published under hashtags (the target is ``#one #two``): the last 24 hours, without authors.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from connectors._edge import all_known, asked, items_of, onward, past_page, take_widely
from connectors._gram import PROFILE_FIELDS, to_comment, to_post, to_profile
from connectors._graph import Graph
from connectors._hashtag import MOST_HASHTAGS, read_hashtag
from connectors._timeline import Walk
from connectors._toot import id_of
from connectors._tour import Find, Reader, State, newest, take, tour
from connectors._watch import Watch, sign_of
from connectors.errors import (
    AccountNotFoundError,
    ConnectorError,
    PermanentError,
    RefusedAddressError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient
from connectors.post import Account, Author, Cursor, Gap, Page, Post
from connectors.profile import Profile, fullest

_MEDIUM, _COMMENT = "a medium of Instagram", "a comment of Instagram"
_PARTS = "id,media_type,media_url,thumbnail_url"
_SHARED_FIELDS = f"id,caption,media_type,media_url,permalink,timestamp,username,children{{{_PARTS}}}"
_OWN_FIELDS = f"{_SHARED_FIELDS},thumbnail_url,owner{{id}},alt_text"
_PLAIN_FIELDS = f"{_SHARED_FIELDS},thumbnail_url,owner{{id}}"
_ANSWER_FIELDS = "id,text,timestamp,username,from,user,parent_id,hidden"
_REPLIES_ASKED, _MOST_REPLY_PAGES = 50, 40
_COMMENT_FIELDS = f"{_ANSWER_FIELDS},replies.limit({_REPLIES_ASKED}){{{_ANSWER_FIELDS}}}"
_ID = re.compile(r"\d{1,40}")
_NAME = re.compile(r"(?:https?://(?:www\.)?instagram\.com/)?@?([A-Za-z0-9._]{1,40})/?(?:\?.*)?")
_TAG = re.compile(r"#(\w{1,100})")
_MENTIONED = b'"media":'  # stands in what is kept of a comment on another's medium only, as only there it is asked for
# An answer deleted and another one written leave the number as it was: that is looked for in one round of six only, as
# each of the newest media costs a request.
_REST = 6
_JOINED = 25  # requests for one page at most
_MOST_PAGES = 5  # of the token's own Facebook pages, while a handle is looked up


class InstagramConnector:
    """Reads one page of one read a call; holds no connection between calls, so threads may share it.

    ``timeout_s`` bounds each step of a request and ``total_s`` the whole; ``page_size`` is how many items a request
    asks for (1 to 100), ``watched_posts`` on how many of the account's newest media comments are read.
    ``graph_version`` is written as ``v26.0``; ``app_secret`` is for apps that require an app secret proof;
    ``user_id`` is the Instagram account in whose name hashtags are searched.
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
        user_id: str | None = None,
    ) -> None:
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size = min(max(page_size, 1), 100)
        self._version, self._app_secret = graph_version, app_secret
        self._watched_posts, self._user_id = watched_posts, user_id

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page, see `Connector.fetch`; a read that fails does not keep the others from being read."""
        tags = _tags(account)
        with self._graph(account) as graph:
            turn = self._turn(account, graph)
            readers: dict[str, Reader] = {f"#{tag}": partial(turn.hashtag, tag) for tag in tags}
            by_name: dict[str, Reader] = {
                "posts": turn.posts,
                "comments": turn.comments,
                "mentions": turn.tagged,
            }
            readers |= {name: by_name[name] for name in account.reads if name in by_name}
            return tour(readers, account.target, cursor)

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Own media and the comments on them as they are now; others' media cannot be asked for, and are left out."""
        with self._graph(account) as graph:
            turn = self._turn(account, graph)
            own = turn.named({})
            for post in posts:
                if post.kind != "post" or (post.author is not None and own.id == post.author.id):
                    yield post, turn.again(post, own)

    def backfill(self, account: Account, since: datetime, until: datetime, cursor: Cursor | None) -> Page:
        """One page of what the account published from ``since`` up to ``until``."""
        times = {"since": str(int(since.timestamp())), "until": str(int(until.timestamp()) + 1)}
        with self._graph(account) as graph:
            turn = self._turn(account, graph)
            own = turn.own({})
            ask = partial(turn.media, own.id, times)
            read = partial(to_post, own=own, owned=True)
            return past_page(ask, read, since, until, cursor, who="Instagram", what=_MEDIUM)

    def mention(self, account: Account, *, media: str, comment: str | None = None) -> Post:
        """What the ``mentions`` webhook tells by id: a medium whose caption names the account, or a comment under it.

        Raises:
            AccountNotFoundError: it is gone, or its author keeps it private.
            UnexpectedResponseError: the answer cannot be read.
        """
        if not _ID.fullmatch(media) or not _ID.fullmatch(comment or "0"):
            raise AccountNotFoundError("this is no id of a medium or comment on Instagram")
        with self._graph(account) as graph:
            turn = self._turn(account, graph)
            return turn.mentioned(media, comment)

    def profile(self, account: Account) -> Profile:
        """What the account says of itself; professional accounts are open to all."""
        with self._graph(account) as graph:
            number = self._turn(account, graph).own({}).id
            return to_profile(*fullest(lambda fields: graph.node(number, fields=fields), *PROFILE_FIELDS))

    def _turn(self, account: Account, graph: Graph) -> _Turn:
        return _Turn(account, graph, self._page_size, self._watched_posts, self._user_id, self._total_s)

    @contextmanager
    def _graph(self, account: Account) -> Iterator[Graph]:
        allowed = account.base_url if account.allow_private else None
        with HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed) as web:
            yield Graph(
                web,
                token=account.token,
                base_url=account.base_url,
                version=self._version,
                app_secret=self._app_secret,
                what="Instagram",
            )


def _tags(account: Account) -> list[str]:
    """The hashtags of a search; an account that is searched is not read in other ways, as its target is no account."""
    if "search" not in account.reads:
        return []
    words = account.target.split()
    found = [match[1] for match in map(_TAG.fullmatch, words) if match]
    if len(found) != len(words) or not found or set(account.reads) != {"search"}:
        raise PermanentError(
            f"Instagram can be searched for hashtags only: write them as the target of account {account.name!r}, "
            "such as '#hillcrestprimary #hillcrestpta', with reads = ['search'] alone"
        )
    tags = list({tag.lower(): tag for tag in found}.values())
    if len(tags) > MOST_HASHTAGS:
        raise PermanentError(f"Instagram allows {MOST_HASHTAGS} hashtags in seven days; {len(tags)} are written")
    return tags


class _Turn:
    """One call of `InstagramConnector`."""

    def __init__(
        self, account: Account, graph: Graph, size: int, watched: int, user_id: str | None, total_s: float
    ) -> None:
        self._account, self._graph, self._size, self._watched = account, graph, size, watched
        self._target = user_id or account.target.strip()
        self._ends = time.monotonic() + total_s

    def posts(self, state: State) -> tuple[Find, State]:
        """One page of what the account published."""
        own = self.own(state)
        read = partial(to_post, own=own, owned=True)
        return self._walked(state, own, partial(self.media, own.id, {}), read)

    def tagged(self, state: State) -> tuple[Find, State]:
        """One page of the media in which others tagged the account."""
        own = self.named(state)

        def ask(query: dict[str, str]) -> Mapping[str, Any]:
            return self._graph.page(own.id, "tags", fields=_SHARED_FIELDS, limit=self._size, **query)

        return self._walked(state, own, ask, partial(to_post, own=own))

    def comments(self, state: State) -> tuple[Find, State]:
        """What is new on the next of the media that wait; an error after the first request waits for the next call."""
        found = self._one_medium(state)
        for _ in range(_JOINED - 1):
            if found[0].anything or found[0].done or time.monotonic() > self._ends:
                break
            try:
                found = self._one_medium(found[1])
            except ConnectorError:
                break
        return found

    def _one_medium(self, state: State) -> tuple[Find, State]:
        """One page of the media to watch, or else of the comments on the next of them that waits."""
        own, watch = self.named(state), Watch(state.get("watch", {}), self._watched, rest=_REST)
        if watch.at is None:
            find = self._listed(own, watch)
        else:
            try:
                find = self._under(watch.at, own, watch)
            except AccountNotFoundError as exc:
                gap = Gap(start=None, end=None, why=f"the comments on medium {watch.at} cannot be read: {exc}")
                find = Find(gaps=[gap])
                watch.leave()
        find.done = watch.at is None and not watch.query
        return find, {**state, "me": self._kept(own), "watch": watch.dump()}

    def hashtag(self, tag: str, state: State) -> tuple[Find, State]:
        """One page of what is published under a hashtag."""
        own = self.own(state, alone=True)
        find, after = read_hashtag(self._graph, own.id, tag, state, self._size)
        return find, {**after, "me": self._kept(own)}

    def media(self, number: str, params: Mapping[str, str], query: dict[str, str]) -> Mapping[str, Any]:
        """One page of the account's media; versions of the API that know no ``alt_text`` are asked without it."""
        ask = partial(self._graph.page, number, "media", limit=self._size, **{**params, **query})
        return self._with_alt(lambda fields: ask(fields=fields))

    def again(self, post: Post, own: Author) -> Post | None:
        """A post as it is now, or ``None`` where it is gone."""
        under = post.thread or post.id
        try:
            if post.kind == "post":
                item = self._with_alt(lambda fields: self._graph.node(post.id, fields=fields))
                return _sound(partial(to_post, own=own, owned=True), item)
            if _MENTIONED in post.raw:
                return self.mentioned(under, post.id)
            item = self._graph.node(post.id, fields=_ANSWER_FIELDS)
            return _sound(partial(to_comment, under=under, own=own), item)
        except AccountNotFoundError:
            # A token that lost its account gets the same answer for everything: then this call fails, too.
            self._graph.node(own.id, fields="id")
            return None

    def mentioned(self, media: str, comment: str | None) -> Post:
        """The medium or comment that the webhook named."""
        own = self.named({})
        if comment is None:
            body = self._graph.node(own.id, fields=f"mentioned_media.media_id({media}){{{_SHARED_FIELDS}}}")
            return _sound(partial(to_post, own=own), body.get("mentioned_media"))
        fields = f"mentioned_comment.comment_id({comment}){{id,text,timestamp,media{{id,permalink}}}}"
        item = self._graph.node(own.id, fields=fields).get("mentioned_comment")
        return _sound(partial(to_comment, under=media, own=own), item)

    def own(self, state: State, *, alone: bool = False) -> Author:
        """The account that is read, as far as its target tells; a handle is looked up once.

        ``alone`` takes the only account that the token knows, where the target names none.
        """
        kept = state.get("me") or {}
        if kept.get("of") == self._target and id_of(kept):
            return Author(id=str(kept["id"]), handle=kept.get("handle"), official=self._account.official)
        if _ID.fullmatch(self._target):
            return Author(id=self._target, official=self._account.official)
        name = _NAME.fullmatch(self._target)
        if name is None and not alone:
            text = self._target[:60]
            raise AccountNotFoundError(f"{text!r} is no Instagram account: write its number or its @handle")
        return self._looked_up(name[1] if name else None)

    def named(self, state: State) -> Author:
        """The account with its handle, by which its answers among others' comments are known."""
        own = self.own(state)
        if own.handle or not own.official:
            return own
        found = self._graph.node(own.id, fields="username").get("username")
        return Author(id=own.id, handle=found if isinstance(found, str) else None, official=True)

    def _looked_up(self, name: str | None) -> Author:
        """The account of that handle (or the only one) among those that the token may read."""
        found = list(self._within_reach())
        for number, handle in found:
            if name.lower() == (handle or "").lower() if name else len(found) == 1:
                return Author(id=number, handle=handle, official=self._account.official)
        if name is None:
            raise PermanentError("in whose name are hashtags searched? give the Instagram account's number as user_id")
        raise AccountNotFoundError(f"the token reaches no Instagram account @{name}: check target and token")

    def _within_reach(self) -> Iterator[tuple[str, str | None]]:
        """The Instagram accounts of a person's Facebook pages, or of the page whose token it is."""
        fields = "instagram_business_account{id,username}"
        pages: list[Any] = []
        query: dict[str, str] = {}
        try:
            for _ in range(_MOST_PAGES):
                body = self._graph.page("me", "accounts", fields=fields, limit=100, **query)
                pages += body["data"]
                query = onward(body, "Instagram") or {}
                if not query:
                    break
        except RefusedAddressError:
            raise
        except PermanentError as exc:
            pages = [_tried(lambda: self._graph.node("me", fields=fields), exc)]
        for page in pages:
            found = page.get("instagram_business_account") if isinstance(page, dict) else None
            number = id_of(found)
            if number and isinstance(found, dict):
                handle = found.get("username")
                yield number, handle if isinstance(handle, str) else None

    def _walked(
        self, state: State, own: Author, ask: Callable[[dict[str, str]], Mapping[str, Any]], read: Any
    ) -> tuple[Find, State]:
        """One page of an edge that runs from newest to oldest."""
        walk, body = asked(Walk.load(state.get("walk", {})), ask)
        find, step = take(walk, items_of(body["data"], read, _MEDIUM), onward(body, "Instagram"))
        return find, {**state, "me": self._kept(own), "walk": step.walk.dump()}

    def _listed(self, own: Author, watch: Watch) -> Find:
        """Notes one page of the newest media with their numbers of comments."""
        size = min(self._size, max(self._watched, 1))
        ask = partial(self._graph.page, own.id, "media", fields="id,comments_count", limit=size)
        try:
            body = ask(**watch.query)
        except PermanentError:
            if not watch.restart():
                raise
            body = ask()
        found = [(str(one["id"]), sign_of(one.get("comments_count"))) for one in body["data"] if id_of(one)]
        watch.listed(found, onward(body, "Instagram"))
        return Find()

    def _under(self, number: str, own: Author, watch: Watch) -> Find:
        """One page of the comments on a medium, with all the replies to them."""

        def ask(query: dict[str, str]) -> Mapping[str, Any]:
            return self._graph.page(number, "comments", fields=_COMMENT_FIELDS, limit=min(self._size, 50), **query)

        walk, body = asked(watch.walk(), ask)
        gaps: list[Gap] = []
        flat = [one for comment in body["data"] for one in self._flat(comment, gaps)]
        items = items_of(flat, partial(to_comment, under=number, own=own), _COMMENT)
        query, known = onward(body, "Instagram"), all_known(walk, items)
        find, walk = take_widely(walk, items, query, stop=known and bool(items) and not watch.missing)
        find.posts = watch.fresh(find.posts)
        find.gaps = [*gaps, *find.gaps]
        watch.stepped(walk, len(find.posts), newest(items))
        return find

    def _flat(self, comment: Any, gaps: list[Gap]) -> Iterator[Any]:
        """A comment, and the replies to it, newest first as far as Instagram says."""
        yield comment
        replies = comment.get("replies") if isinstance(comment, dict) else None
        number = id_of(comment)
        pages = 0
        while isinstance(replies, dict) and number:
            data = replies.get("data")
            for one in data if isinstance(data, list) else ():
                yield {**one, "parent_id": one.get("parent_id") or number} if isinstance(one, dict) else one
            query = onward(replies, "Instagram")
            if not query:
                return
            pages += 1
            if pages > _MOST_REPLY_PAGES:
                gaps.append(Gap(start=None, end=None, why=f"comment {number} has more replies than can be read"))
                return
            replies = self._graph.page(number, "replies", fields=_ANSWER_FIELDS, limit=_REPLIES_ASKED, **query)

    def _kept(self, own: Author) -> dict[str, Any]:
        return {"id": own.id, "handle": own.handle, "of": self._target}

    def _with_alt(self, ask: Callable[[str], Mapping[str, Any]]) -> Mapping[str, Any]:
        try:
            return ask(_OWN_FIELDS)
        except PermanentError as exc:
            if "alt_text" not in str(exc):
                raise
        return ask(_PLAIN_FIELDS)


def _tried(ask: Callable[[], Any], problem: PermanentError) -> Any:
    """What another way of asking gives; where that fails too, the first way's problem counts."""
    try:
        return ask()
    except PermanentError:
        raise problem from None


def _sound(read: Callable[[Any], Post], item: Any) -> Post:
    try:
        return read(item)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise UnexpectedResponseError(f"Instagram answered what is no post: {type(exc).__name__}") from None
