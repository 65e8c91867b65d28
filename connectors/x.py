"""Reads X (formerly Twitter) by its API v2 with an app's bearer token: timelines, mentions, replies, recent search.

- ``posts``: what the target posted, reposts and its own replies among them.
- ``mentions``: posts that name the target.
- ``comments``: others' replies to the target, in conversations that name it, and in those that its newest posts began
  (``conversation_id``, see `_talks`), and posts that quote the target's or link to them, by recent search. One search a
  poll finds them, while asking for each of its posts' conversations and quotes by itself would cost a request each.
- ``mentions`` and ``comments`` together: once each was read to its end, one search brings both, as a reply is mostly a
  mention, too, and would be paid for twice.
- ``search``: the target, verbatim, as the query of a recent search (at most 512 characters).

Recent search reaches back seven days; what is older and unread is reported as a gap. A search whose words change goes
on from where it stood, given its cursor: X is paid by the post, and what was read is not read again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import tweepy

from connectors import _talks, meter
from connectors._backlog import Backlog, Position, page_of_round
from connectors._requests import CheckedSession, as_json, said, translated
from connectors._tweet import Known, Surroundings, born, links_of, read
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient, Response, error_for, retry_at
from connectors.post import Account, Cursor, Gap, Page, Post
from connectors.profile import Profile, plain
from connectors.tariff import MEDIA, POSTS, QUOTED, USERS

_HOST = "https://api.twitter.com"  # a literal inside tweepy; the session answers it from elsewhere
_HOME = "https://api.x.com"
_SEARCHED = timedelta(days=7)
_MOST_KNOWN = 100  # posts that X takes a request
_HANDLE = re.compile(r"(?:https?://(?:www\.)?(?:x|twitter)\.com/)?@?([A-Za-z0-9_]{1,20})/?")
_NUMBER = re.compile(r"[0-9]{1,19}")
_ASKED: dict[str, Any] = {
    "expansions": [
        "author_id",
        "referenced_tweets.id",
        "referenced_tweets.id.author_id",
        "in_reply_to_user_id",
        "attachments.media_keys",
    ],
    "tweet_fields": [
        "attachments",
        "author_id",
        "conversation_id",
        "created_at",
        "edit_controls",
        "edit_history_tweet_ids",
        "entities",
        "in_reply_to_user_id",
        "lang",
        "note_tweet",
        "referenced_tweets",
    ],
    "media_fields": ["alt_text", "media_key", "preview_image_url", "type", "url"],
    "user_fields": ["name", "username"],
}
_ASKED_OF_USER = ("name", "username", "description", "protected", "url", "entities")
_ANSWERS = "answers"  # mentions and replies by one search
_LEAST = {"posts": 5, "mentions": 5, "comments": 10, "search": 10, _ANSWERS: 10}
_PARTED = ("mentions", "comments")
_BY_HANDLE = ("comments", _ANSWERS)
_SEARCHED_FOR = (*_BY_HANDLE, "search")


class _BadRequestError(PermanentError):
    """X does not accept a parameter; ``names`` is its whole answer, in which the parameter may be named."""

    def __init__(self, message: str, names: str) -> None:
        super().__init__(message)
        self.names = names


class XConnector:
    """Reads one X account, or one search, a page a call; holds no connection between calls, so threads may share it.

    ``timeout_s`` bounds each step of a request and ``total_s`` the whole; ``page_size`` is the most posts a request
    may cost (X takes 5 to 100).
    """

    def __init__(self, *, timeout_s: float = 10.0, total_s: float = 30.0, page_size: int = 100) -> None:
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size = page_size

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page, see `Connector.fetch`; a read that fails does not keep the others from being read."""
        stages = _stages(account, cursor)
        place = _continued(account, cursor, Position.of(account, cursor, stages))
        allowed = account.base_url if account.allow_private else None
        with HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed) as web:
            asker = _Asker(account, web, self._page_size)
            place = asker.identified(place)
            return page_of_round(
                place, stages, lambda at: self._page(account, stages, asker, asker.identified(at)), self._timeout_s
            )

    def profile(self, account: Account) -> Profile:
        """What the account says of itself, and whether its posts are protected."""
        allowed = account.base_url if account.allow_private else None
        with HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed) as web:
            user = _Asker(account, web, self._page_size).user(account.target.strip(), *_ASKED_OF_USER)
        return Profile(
            handle=plain(user.get("username")),
            name=plain(user.get("name")),
            about=plain(user.get("description")),
            links=tuple(links_of(user)),
            protected=user.get("protected") is True,
        )

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Each post as it is now, or ``None`` where it is gone or nobody may see it any more; a hundred a request.

        Nothing comes along with them, as that may cost more. An edited post costs a second reading, of its last text.
        """
        allowed = account.base_url if account.allow_private else None
        with HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed) as web:
            asker = _Asker(account, web, self._page_size)
            for start in range(0, len(posts), _MOST_KNOWN):
                known = Known.of(posts[start : start + _MOST_KNOWN])
                while asked := known.waiting:
                    known = known.answered(asked, asker.again(asked))
                yield from known.found()

    def _page(self, account: Account, stages: tuple[str, ...], asker: _Asker, place: Position) -> Page:
        if place.at in _SEARCHED_FOR:
            place = _talks.begun(place)
        body, backlog, gaps = asker.ask(place)
        _count(body)
        items = [item for item in _once(_items(body), backlog.last) if not _is_before(item, backlog.since)]
        owner = place.kept.get("id") if account.official else None
        around = Surroundings.of(body, owner, _talks.own_handles(account))
        posts, oddities = read(items, around)
        place = _talks.noted(place, body, {*around.owners, str(place.kept.get("id"))})
        token = _meta(body).get("next_token")
        after = backlog.advanced(_newest(body, items), str(token) if token else None)
        after = replace(after, last=tuple(filter(None, map(_id, items))) or backlog.last) if token else after
        moved, more = place.stepped(after, stages, drained=not token)
        if not more and place.home is None:
            moved = _joined(moved, stages)
        return Page(posts=tuple(posts), cursor=moved.cursor(), more=more, gaps=tuple(gaps), oddities=tuple(oddities))


class _Asker:
    """tweepy, kept to our rules: asks X on behalf of one account."""

    def __init__(self, account: Account, web: HttpClient, page_size: int) -> None:
        token = (account.token or "").strip()
        if not token and account.base_url is None:  # a proxy of the operator's may add it
            raise AuthenticationError(f"account {account.name!r} needs an app's bearer token of X: set its token")
        for name in ("tweepy", "tweepy.client"):  # at DEBUG it writes the Authorization header
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.INFO))
        self._account, self._token, self._page_size = account, token, page_size
        self._date: datetime | None = None
        self._client = tweepy.Client(token, return_type=dict, wait_on_rate_limit=False)
        self._client.session = CheckedSession(
            web, prefix=_HOST, base_url=account.base_url or _HOME, check=self._checked
        )

    def _checked(self, answer: Response) -> Response:
        """The answer, where it is a JSON object and no error; remembers the server's time."""
        try:
            self._date = parsedate_to_datetime(answer.headers["date"]).replace(tzinfo=UTC)  # HTTP's dates are all GMT
        except (KeyError, ValueError, TypeError):
            self._date = None
        _raise_for(answer, self._token)
        return as_json(answer, "X")

    def _call(self, method: Callable[..., Any], *args: Any, **params: Any) -> Mapping[str, Any]:
        with translated("X"):
            try:
                body: Mapping[str, Any] = method(*args, **params)
            except tweepy.TweepyException as exc:
                raise UnexpectedResponseError(f"X answered what cannot be read ({type(exc).__name__})") from None
        return body

    def identified(self, place: Position) -> Position:
        """The position with the id and handle that the read at hand needs, looked up once and kept."""
        if place.at == "search" or set(place.kept) >= ({"id", "handle"} if place.at in _BY_HANDLE else {"id"}):
            return place
        target = place.target.strip()
        if target.isdecimal() and place.at not in _BY_HANDLE:
            return place.keeping(id=target)
        user = self.user(target, *_ASKED["user_fields"])
        return place.keeping(id=str(user["id"]), handle=str(user.get("username") or target.rpartition("@")[2]))

    def user(self, target: str, *fields: str) -> Mapping[str, Any]:
        """The account of that handle or number."""
        match = _HANDLE.fullmatch(target)
        if match is None:
            raise AccountNotFoundError(f"{target[:60]!r} is no account of X: write @handle, or the numeric id")
        named = {"id": target} if target.isdecimal() else {"username": match[1]}
        body = self._call(self._client.get_user, **named, user_fields=list(fields))
        user = body.get("data")
        if not isinstance(user, dict) or "id" not in user:
            raise _absence(body, f"X knows no account {target[:60]!r}")
        return {"username": match[1], **user}

    def again(self, numbers: Sequence[str]) -> Mapping[str, Any]:
        """What X says now of these posts, and of those that it does not give."""
        body = self._call(self._client.get_tweets, list(numbers), tweet_fields=_ASKED["tweet_fields"])
        _count(body)
        if "data" not in body and not body.get("errors"):
            raise UnexpectedResponseError("X was asked for posts, and says nothing of any")
        return body

    def ask(self, place: Position) -> tuple[Mapping[str, Any], Backlog, list[Gap]]:
        """One page, the backlog that it belongs to, and what X could not give any more.

        X refuses a paging token that it has forgotten, and in a search a mark older than seven days; the round then
        starts anew without it. What it gives again is absorbed by the post's key.
        """
        backlog = place.backlog
        try:
            return self._request(place, backlog), backlog, []
        except _BadRequestError as exc:
            refused = exc
        if backlog.token and "since_id" not in refused.names:
            return self._request(place, Backlog(since=backlog.since)), Backlog(since=backlog.since), []
        if backlog.since is None:
            raise refused
        body = self._request(place, Backlog())
        if place.at not in _SEARCHED_FOR:
            return body, Backlog(), []
        end = self._date - _SEARCHED if self._date else None
        return body, Backlog(), [Gap(start=born(backlog.since), end=end, why="X's search reaches back seven days")]

    def _request(self, place: Position, backlog: Backlog) -> Mapping[str, Any]:
        least = _LEAST[place.at]
        size = min(max(meter.page_size(self._page_size), least), 100)
        params = {**_ASKED, "since_id": backlog.since, "max_results": size}
        client = self._client
        match place.at:
            case "posts":
                return self._call(client.get_users_tweets, place.kept["id"], pagination_token=backlog.token, **params)
            case "mentions":
                return self._call(client.get_users_mentions, place.kept["id"], pagination_token=backlog.token, **params)
            case "comments":
                query = _talks.replies_to(place.kept["handle"], place.kept.get("asked", ()))
            case "answers":
                query = _talks.answers_to(place.kept["handle"], place.kept.get("asked", ()))
            case _:
                query = _talks.widened(self._account, place.kept.get("asked", ()))
        return self._call(client.search_recent_tweets, query, next_token=backlog.token, **params)


def _stages(account: Account, cursor: Cursor | None) -> tuple[str, ...]:
    """What is asked in a round, in order: mentions and replies by one search, once their past was read."""
    parted = [name for name in account.reads if name in _PARTED]
    if len(parted) < len(_PARTED) or _ANSWERS not in Position.of(account, cursor, (*account.reads, _ANSWERS)).backlogs:
        return account.reads
    return (*(name for name in account.reads if name not in _PARTED), _ANSWERS)


def _joined(place: Position, stages: tuple[str, ...]) -> Position:
    """The position after a round in which mentions and replies were read apart: from the next on they are one search.

    It goes on from the earlier of the two marks. Where no mention was found, one that came between the two readings
    is not known to either, so the search begins with all that it reaches.
    """
    if not set(_PARTED) <= set(stages):
        return place
    mentions, comments = (place.backlogs.get(name, Backlog()).since for name in _PARTED)
    numbers = [int(mark) for mark in (mentions, comments) if mark is not None and _NUMBER.fullmatch(mark)]
    since = str(min(numbers)) if numbers and mentions is not None else None
    backlogs = {name: backlog for name, backlog in place.backlogs.items() if name not in _PARTED}
    return replace(place, backlogs={**backlogs, _ANSWERS: Backlog(since=since)})


def _count(body: Mapping[str, Any]) -> None:
    """Tell the meter what an answer holds that X may charge for."""
    includes = body.get("includes")
    parts = {POSTS: body.get("data")}
    if isinstance(includes, dict):
        parts |= {QUOTED: includes.get("tweets"), USERS: includes.get("users"), MEDIA: includes.get("media")}
    for kind, items in parts.items():
        meter.brought(kind, len(items) if isinstance(items, list) else 0)


def _continued(account: Account, cursor: Cursor | None, place: Position) -> Position:
    """The position of a search whose words have changed: it goes on from the mark at which the former words stood.

    What was read then is not paid for again; whoever wants it read again gives no cursor. A round that was under way
    begins anew.
    """
    if cursor is None or place.backlogs or account.reads != ("search",):
        return place
    with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
        before = replace(account, target=json.loads(cursor.state)["target"])
        former = Position.of(before, cursor, account.reads)
        since = former.backlog.since
        if since is not None and _NUMBER.fullmatch(since):
            return replace(place, backlogs={"search": Backlog(since=since)}, kept=former.kept)
    return place


def _raise_for(answer: Response, token: str) -> None:
    """Raises what X's status means; its own words are added, as only they tell which permission or plan is missing."""
    problem = error_for(answer.status, answer.headers, what="X")
    if problem is None:
        return
    words = said(answer, token, "detail", "title")
    match answer.status:
        case 400:
            raise _BadRequestError(f"X refuses the request{words}", answer.body[:4000].decode("utf-8", "replace"))
        case 402:
            raise PermanentError(f"X's credits for this app are used up: buy more in its console{words}")
        case 429:
            capped = b"usage-capped" in answer.body or b"UsageCapExceeded" in answer.body
            # The reset header counts the next quarter of an hour, which does not lift a month's cap.
            raise RateLimitedError(f"X asks for a pause{words}", None if capped else retry_at(answer.headers))
    if isinstance(problem, PermanentError):
        raise type(problem)(f"{problem}{words}")
    raise problem


def _items(body: Mapping[str, Any]) -> list[Any]:
    """The posts of a page; an empty page has none, and says so.

    Raises:
        AccountNotFoundError, AuthenticationError: X answered 200, but gives only the reason why there is nothing.
        UnexpectedResponseError: the page is no page.
    """
    data = body.get("data")
    if isinstance(data, list):
        return data
    if data is None and body.get("errors"):
        raise _absence(body, "X does not give this account's posts")
    if data is None and "result_count" in _meta(body):
        return []
    raise UnexpectedResponseError("X answered a page without posts and without a count")


def _id(item: Any) -> str:
    return str(item.get("id") or "") if isinstance(item, dict) else ""


def _once(items: list[Any], last: Collection[str]) -> Iterator[Any]:
    """Each item once, without those that the page before gave: pages may overlap."""
    given = set(last)
    for item in items:
        number = _id(item)
        if number not in given:
            yield item
        given |= {number} - {""}


def _is_before(item: Any, since: str | None) -> bool:
    """Whether an item was given in an earlier round; X leaves such out, not every stand-in for it does."""
    number = str(item.get("id")) if isinstance(item, dict) else ""
    return since is not None and bool(_NUMBER.fullmatch(number)) and int(number) <= int(since)


def _absence(body: Mapping[str, Any], what: str) -> ConnectorError:
    """What a 200 with ``errors`` and no data means."""
    errors = body.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    kind, why = str(first.get("type", "")), str(first.get("title", "no reason given"))[:80]
    if "not-authorized" in kind:
        return AuthenticationError(f"{what}: it is protected, or the app may not read it ({why})")
    if not first:
        return UnexpectedResponseError(f"{what}, and does not say why")
    return AccountNotFoundError(f"{what}: missing, renamed or suspended ({why})")


def _meta(body: Mapping[str, Any]) -> Mapping[str, Any]:
    meta = body.get("meta")
    return meta if isinstance(meta, dict) else {}


def _newest(body: Mapping[str, Any], items: list[Any]) -> str | None:
    """The highest id of a page, by its own word or by its posts, whichever is higher."""
    named = [str(_meta(body).get("newest_id") or ""), *(str(i.get("id")) for i in items if isinstance(i, dict))]
    return max((number for number in named if _NUMBER.fullmatch(number)), key=int, default=None)
