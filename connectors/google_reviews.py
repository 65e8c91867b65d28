"""Reads the reviews of a school's own verified place by Google's Business Profile API, with its owner's OAuth token.

``posts`` are the reviews and the school's replies to them; what is read is the place, so there is nothing else to
read. The order is by the last change, newest first; replies, which do not count as a change of the review, are
noticed on the newest ``watched_reviews``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from connectors._backlog import Backlog, Position
from connectors._google import Google, next_token
from connectors._leg import MOST_DEPTH, Leg
from connectors._review import ODD, as_bytes, moment, to_posts
from connectors._timeline import short
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    PermanentError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient
from connectors.post import Account, Cursor, Gap, Oddity, Page, Post

_HOME, _PATH = "https://mybusiness.googleapis.com", "/v4"
_WHAT = "Google's Business Profile service"
_MOST = 50  # reviews that it gives a request
_PLACE = re.compile(r"/?(accounts/[\w-]{1,80}/locations/[\w-]{1,80})/?(?:reviews/?)?", re.ASCII)
_REVIEW = re.compile(r"\w[\w.~+=-]{0,399}", re.ASCII)
_STAGES = ("reviews",)


class GoogleReviewsConnector:
    """Reads one place, a page a call; ``target`` is ``accounts/NUMBER/locations/NUMBER``; threads may share it.

    ``timeout_s`` bounds each step of a request and ``total_s`` the whole call; ``page_size`` is how many reviews a
    request asks for, at most 50; ``watched_reviews`` (at most 400) on how many of the newest reviews new replies of
    the school are looked for at every poll.
    """

    def __init__(
        self, *, timeout_s: float = 10.0, total_s: float = 30.0, page_size: int = _MOST, watched_reviews: int = 100
    ) -> None:
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size = min(max(page_size, 1), _MOST)
        self._watched = min(max(watched_reviews, 0), MOST_DEPTH // 2)  # a review and its reply are two

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page, see `Connector.fetch`."""
        return self._page(account, cursor, None)

    def backfill(self, account: Account, since: datetime, until: datetime, cursor: Cursor | None) -> Page:
        """One page of the reviews and replies written from ``since`` up to ``until``; pages may be empty."""
        page = self._page(account, cursor, since.astimezone(UTC))
        within = [post for post in page.posts if post.created_at and since <= post.created_at < until]
        return replace(page, posts=tuple(within))

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Each review or reply as it is now, or ``None`` where it was taken away; a request for each review."""
        place = _place_of(account)
        with self._web(account) as web:
            google = self._google(account, web)
            seen: dict[str, dict[str, Post]] = {}
            for post in posts:
                thread = post.thread or post.id
                if thread not in seen:
                    seen[thread] = _now(google, place, thread, account.official)
                yield post, seen[thread].get(post.id)

    def _page(self, account: Account, cursor: Cursor | None, since: datetime | None) -> Page:
        if "search" in account.reads:
            why = f"Google lets nobody search reviews: set the reads of account {account.name!r} to posts"
            raise PermanentError(why)
        place, at = _place_of(account), Position.of(account, cursor, _STAGES)
        params = {"pageSize": self._page_size, "orderBy": "updateTime desc"}
        with self._web(account) as web:
            google = self._google(account, web)
            leg = Leg.load(at.kept.get("leg", {}))
            body, leg = leg.page(lambda query: google.ask(f"{place}/reviews", {**params, **query}))
        items = _items(body)
        read = [_read(item, place, account.official) for item in items]
        flat = [one for group in read for one in group]
        marks = [_mark(one) for one in flat]
        leg, step = leg.taken(marks, next_token(body or {}, _WHAT), depth=0 if since else 2 * self._watched)
        done = step.done
        if since is not None and _is_past(items, since):
            leg, done = Leg(), True
        refused = "Google refuses its own page tokens; what is older was not given"
        cut = refused if body is None else step.why_cut
        found = [flat[i] for i in step.fresh]
        posts = [one for one in found if isinstance(one, Post)]
        oldest = min((post.created_at for post in posts if post.created_at), default=None)
        moved, more = at.keeping(leg=leg.dump()).stepped(Backlog(), _STAGES, drained=done)
        return Page(
            posts=tuple(sorted(reversed(posts), key=_time)),  # noqa: C414
            cursor=moved.cursor(),
            more=more,
            gaps=(Gap(start=None, end=oldest, why=cut),) if cut else (),
            oddities=tuple(one for one in found if isinstance(one, Oddity)),
        )

    def _web(self, account: Account) -> HttpClient:
        allowed = account.base_url if account.allow_private else None
        return HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed)

    def _google(self, account: Account, web: HttpClient) -> Google:
        if not (account.token or "").strip() and account.base_url is None:  # a proxy of the operator's may add it
            raise AuthenticationError(f"account {account.name!r} needs the place's OAuth token: connect it")
        base = (account.base_url or _HOME).rstrip("/").removesuffix(_PATH) + _PATH
        ends = time.monotonic() + self._total_s
        return Google(web, what=_WHAT, base=base, token=account.token, ends=ends, keys=False)


def _place_of(account: Account) -> str:
    match = _PLACE.fullmatch(account.target.strip())
    if match is None:
        raise AccountNotFoundError(
            f"{account.target[:60]!r} is no place of Google's: write it as accounts/NUMBER/locations/NUMBER"
        )
    return match[1]


def _now(google: Google, place: str, review: str, official: bool) -> dict[str, Post]:
    """A review and its reply as they are now, by id; nothing where it is gone."""
    if not _REVIEW.fullmatch(review):
        return {}
    try:
        item = google.ask(f"{place}/reviews/{review}", {})
    except AccountNotFoundError:
        return {}
    try:
        return {post.id: post for post in to_posts(item, place=place, official=official)}
    except ODD:
        raise UnexpectedResponseError(f"{_WHAT} answered a review that cannot be read") from None


def _items(body: dict[str, Any] | None) -> list[Any]:
    """The reviews of a page; a place without any answers an empty object.

    Raises:
        UnexpectedResponseError: the answer is no page of reviews.
    """
    items = (body or {}).get("reviews", [])
    strange = bool(body) and not {"reviews", "averageRating", "totalReviewCount", "nextPageToken"} & (body or {}).keys()
    if not isinstance(items, list) or strange:
        raise UnexpectedResponseError(f"{_WHAT} answered JSON of another shape than asked for")
    return items


def _read(item: Any, place: str, official: bool) -> Sequence[Post | Oddity]:
    """A review and its reply in the order in which a walk meets them, or the item set aside."""
    try:
        return to_posts(item, place=place, official=official)[::-1]
    except ODD as exc:
        return [Oddity(raw=as_bytes(item), why=f"not a review of Google's: {type(exc).__name__}")]


def _mark(one: Post | Oddity) -> tuple[str, str]:
    if isinstance(one, Oddity):
        return f"odd:{short(one.raw)}", "-"
    return short(one.id), short(one.content_digest)


def _is_past(items: list[Any], since: datetime) -> bool:
    """Whether every review of a page was last changed before ``since``; the order is by that time."""
    times = [moment(item.get("updateTime")) for item in items if isinstance(item, dict)]
    return bool(times) and all(when is not None and when < since for when in times)


def _time(post: Post) -> float:
    return post.created_at.timestamp() if post.created_at else 0.0
