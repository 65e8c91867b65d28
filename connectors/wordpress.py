"""Reads a WordPress site by its REST API: posts, their edits, and comments; free, and mostly without a token.

``target`` is the site's address. ``posts`` come by their last change, so that edits of old ones are seen; ``comments``
are those that the site shows. ``search`` reads the posts that hold the words of ``?s=``, as in WordPress's own search
addresses: ``https://news.example/?s=Hillcrest+Primary``.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

from connectors._article import dump, number_of, read_item
from connectors._timeline import Walk, short
from connectors._tour import Find, Item, Reader, State, marks_of, oldest, take, tour
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    PermanentError,
    RefusedAddressError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient, Response, error_for, origin_of
from connectors.post import Account, Cursor, Gap, Oddity, Page, Post

_PAGE_SIZE = 100  # WordPress gives no more at once
_LEAST_PAGE = 4  # built pages can be so large that a hundred of them pass the web client's cap
_MOST_SEEN = 5000  # posts whose version is remembered
_LATE_PAGES = 3  # read beyond what is known when the site counts more comments than came
_LONGEST_TAG = 300
_NOT_MODIFIED, _NOT_FOUND = 304, 404
_POST_TYPE = re.compile(r"[a-z0-9_-]{1,40}")


@dataclass(frozen=True, kw_only=True)
class Site:
    """A site: where it is asked, by what name it is known, and the words to search for."""

    address: str
    origin: str
    words: str | None

    @classmethod
    def of(cls, account: Account) -> Site:
        """The site of an account; ``base_url`` replaces its scheme and host.

        Raises:
            RefusedAddressError: the target is no address of the web.
        """
        target = account.target.strip()
        target = target if "://" in target else f"https://{target}"
        try:
            origin_of(target)
            parts = urlsplit(target)
        except ValueError:
            raise RefusedAddressError("a WordPress site's target is its address, with https:// in front") from None
        path = parts.path.rstrip("/")
        host = (parts.hostname or "").lower() + (f":{parts.port}" if parts.port else "")
        base = (account.base_url or f"{parts.scheme}://{parts.netloc}").rstrip("/")
        words = " ".join(parse_qs(parts.query).get("s", [""])[0].split())
        return cls(address=base + path, origin=host + path, words=words or None)


class WordpressConnector:
    """Reads one page a call; threads may share it.

    ``post_type`` is the REST name of what the site's news are, where these are no ordinary posts. A token is
    ``name:application password``, needed only where the site shows its REST API to nobody else.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        page_size: int | None = None,
        post_type: str = "posts",
    ) -> None:
        if not _POST_TYPE.fullmatch(post_type):
            raise PermanentError("post_type is the name in the site's REST API, such as posts or news")
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size = min(max(page_size or _PAGE_SIZE, 2), _PAGE_SIZE)
        self._post_type = post_type

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page of whichever read has something new, see `connectors.connector.Connector.fetch`."""
        site = Site.of(account)
        with self._client(account) as client:
            reads = _Reads(account, site, _Rest(client, site, account.token), self._page_size)
            return tour(reads.readers(self._post_type), account.target, cursor)

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Each post as it stands now; ``None`` where the site shows it no longer."""
        site = Site.of(account)
        with self._client(account) as client:
            rest = _Rest(client, site, account.token)
            for kind in ("comments", self._post_type):
                some = [post for post in posts if post.id.startswith("comment-") == (kind == "comments")]
                for start in range(0, len(some), _PAGE_SIZE):
                    yield from _rechecked(rest, account, site, kind, some[start : start + _PAGE_SIZE])

    def _client(self, account: Account) -> HttpClient:
        allowed = Site.of(account).address if account.allow_private else None
        return HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed)


def _rechecked(
    rest: _Rest, account: Account, site: Site, kind: str, posts: Sequence[Post]
) -> Iterable[tuple[Post, Post | None]]:
    numbers = ",".join(post.id.removeprefix("comment-") for post in posts)
    query = {"include": numbers, "per_page": str(_PAGE_SIZE), **_embed(kind)}
    answer = rest.ask(f"/wp/v2/{kind}", query)
    comment = kind == "comments"
    found = [read_item(item, site.origin, comment=comment, official=account.official) for item in rest.listed(answer)]
    if any(isinstance(one, Oddity) for one in found):
        raise UnexpectedResponseError("the WordPress site answered a post that cannot be read")
    now = {one.id: one for one in found if isinstance(one, Post)}
    for post in posts:
        yield post, now.get(post.id)


def _embed(kind: str) -> dict[str, str]:
    return {} if kind == "comments" else {"_embed": "author,wp:featuredmedia"}


class _Rest:
    """Asks one site's REST API, by pretty addresses or, where the site has none, by ``?rest_route=``."""

    def __init__(self, client: HttpClient, site: Site, token: str | None) -> None:
        self._client, self._site = client, site
        self._headers = {"accept": "application/json"}
        if token:
            basic = ":" in token
            login = f"Basic {b64encode(token.encode()).decode()}" if basic else f"Bearer {token}"
            self._headers["authorization"] = login
        self.plain = False

    def ask(self, route: str, query: Mapping[str, str], etag: str | None = None) -> Response:
        """What the site answers, or 304 where nothing changed since the answer that ``etag`` marks.

        Raises:
            ConnectorError: see `connectors.errors`.
        """
        answer = self._get(route, query, etag)
        if not self.plain and (_is_unknown(answer) or _is_web_page(answer)):
            self.plain = True
            plainly = self._get(route, query, etag)
            if _is_web_page(answer) and _is_web_page(plainly):
                self.plain = False  # a site that shows a page for everything, for now perhaps
                return answer
            if plainly.status == _NOT_FOUND or _is_web_page(plainly):
                raise AccountNotFoundError(
                    f"{origin_of(self._site.address)} shows no WordPress REST API: check the address, or read its feed"
                )
            answer = plainly
        problem = error_for(answer.status, answer.headers, what="the WordPress site")
        if isinstance(problem, AuthenticationError):
            raise AuthenticationError(
                f"the WordPress site refused access (HTTP {answer.status}): where it shows its REST API to its users "
                "only, give an application password as token, name:password"
            )
        if isinstance(problem, AccountNotFoundError) and _code(answer) == "rest_no_route":
            raise AccountNotFoundError("the WordPress site has no posts of that type: check the option post_type")
        if problem is not None:
            raise problem
        return answer

    def _get(self, route: str, query: Mapping[str, str], etag: str | None) -> Response:
        headers = {**self._headers, "if-none-match": etag} if etag else self._headers
        if self.plain:
            return self._client.get(f"{self._site.address}/", headers=headers, params={"rest_route": route, **query})
        return self._client.get(f"{self._site.address}/wp-json{route}", headers=headers, params=query)

    def listed(self, answer: Response) -> list[Any]:
        """The items of an answer.

        Raises:
            UnexpectedResponseError: it is no list.
        """
        value = answer.json()
        if not isinstance(value, list):
            raise UnexpectedResponseError("the WordPress site answered JSON of another shape than a list")
        return value


def _is_web_page(answer: Response) -> bool:
    """Whether a page for people came: sites with plain links often show one at any address."""
    return answer.status < 300 and answer.body.lstrip()[:1] == b"<"  # noqa: PLR2004


def _is_unknown(answer: Response) -> bool:
    """Whether a web server, not WordPress itself, knows no such address."""
    return answer.status == _NOT_FOUND and _code(answer) is None


def _code(answer: Response) -> str | None:
    """WordPress's own name for an error, which tells its answer from a web server's."""
    try:
        value = answer.json()
    except UnexpectedResponseError:
        return None
    return str(value["code"]) if isinstance(value, dict) and "code" in value else None


def _total(answer: Response) -> int | None:
    told = answer.headers.get("x-wp-total", "")
    return int(told) if told.isdecimal() and len(told) < 12 else None  # noqa: PLR2004


class _Reads:
    """The reads of one account within one fetch."""

    def __init__(self, account: Account, site: Site, rest: _Rest, size: int) -> None:
        self._account, self._site, self._rest, self._size = account, site, rest, size

    def readers(self, post_type: str) -> dict[str, Reader]:
        """The reads in their order, each as a function of its state.

        Raises:
            PermanentError: a read that WordPress does not have.
        """
        found: dict[str, Reader] = {}
        for read in dict.fromkeys(self._account.reads):
            if read == "mentions":
                raise PermanentError("a WordPress site has no mentions: remove them from the account's reads")
            if read == "search" and not self._site.words:
                raise PermanentError("a search needs words: write the target as https://site.example/?s=the+words")
            words = {"search": self._site.words or ""} if read == "search" else {}
            found[read] = partial(self._page_of, "comments" if read == "comments" else post_type, words)
        return found

    def _page_of(self, kind: str, words: Mapping[str, str], state: State) -> tuple[Find, State]:
        """One page, newest first.

        Pages are counted, so that what is published while they are read shifts them on, and what is deleted shifts
        them back: each page begins with the last item of the one before, and where that is not there, one page is
        read again. A page may hold less than was asked for: WordPress counts what it must hide, and then leaves it out.
        """
        walk = Walk.load(state.get("walk", {}))
        front, offset = walk.query is None, int((walk.query or {}).get("offset", "0"))
        self._rest.plain = bool(state.get("plain"))
        size = min(self._size, int(state.get("size", self._size)))
        query, etag = self._query(kind, words, walk, offset), state.get("etag") if front else None
        answer, size = self._asked(kind, query, size, etag)
        if answer.status == _NOT_MODIFIED:
            return Find(), state
        items = self._items(answer, kind)
        keys = [key for key, _ in items]
        if offset and "back" not in state and state.get("last") not in keys:
            again = replace(walk, query={"offset": str(max(offset - size, 0))})
            return Find(done=False), {**state, "walk": again.dump(), "back": offset}
        onward = {"offset": str(offset + size - 1)} if _more(answer, offset, len(items), size) else None
        find, step = take(walk, items, onward)
        if onward is None and offset and len(keys) > 1 and keys[-1] == state.get("last"):
            why = "the site gives the same page again, whichever is asked for: what is older was not read"
            find.gaps.append(Gap(start=None, end=oldest(items), why=why))
        after: State = {**state, **self._marks(answer, front), "last": keys[-1] if keys else state.get("last")}
        if size < self._size:
            after["size"] = size
        after["seen"] = _unseen(find, state.get("seen", {}))
        after["came"] = int(state.get("came", 0)) + len(find.posts)
        if offset >= int(after.get("back", 0)):
            after.pop("back", None)
        if not step.done:
            return find, {**after, "walk": step.walk.dump()}
        if onward and kind == "comments" and _is_short(after, answer):
            # A comment that was let through late stands among older ones.
            find.done, met = False, {**walk.met, **marks_of(items)}
            deeper = replace(walk, met=met, asked=(), query=onward)
            return find, {**after, "walk": deeper.dump(), "late": int(after.get("late", 0)) + 1}
        return find, _ended(after, step.walk, _total(answer), same_order=bool(walk.known) or kind == "comments")

    def _asked(self, kind: str, query: Mapping[str, str], size: int, etag: str | None) -> tuple[Response, int]:
        """The answer, and of how many items it is: of fewer than wished where so many make too large a one."""
        while True:
            try:
                return self._rest.ask(f"/wp/v2/{kind}", {**query, "per_page": str(size)}, etag), size
            except UnexpectedResponseError:
                if size <= _LEAST_PAGE:
                    raise
                size = max(size // 5, _LEAST_PAGE)

    def _query(self, kind: str, words: Mapping[str, str], walk: Walk, offset: int) -> dict[str, str]:
        """Comments and a history by number, which no two share; what is new in posts by last change, for the edits."""
        order = "modified" if walk.known and kind != "comments" else "id"
        query = {"orderby": order, "order": "desc", "offset": str(offset)}
        return {**query, **words, **_embed(kind)}

    def _items(self, answer: Response, kind: str) -> list[Item]:
        comment, official, origin = kind == "comments", self._account.official, self._site.origin
        return [
            (_key(item, kind), read_item(item, origin, comment=comment, official=official))
            for item in self._rest.listed(answer)
        ]

    def _marks(self, answer: Response, front: bool) -> dict[str, Any]:
        """What is kept of the answer: how the site is asked, and the mark of its front page."""
        marks: State = {"plain": True} if self._rest.plain else {}
        etag = answer.headers.get("etag", "")
        return {**marks, "etag": etag} if front and 0 < len(etag) <= _LONGEST_TAG else marks


def _more(answer: Response, offset: int, count: int, size: int) -> bool:
    """Whether older items wait: by the site's own count, or where it has none, until a page is empty."""
    total = _total(answer)
    return count > 0 if total is None else offset + size < total


def _is_short(state: State, answer: Response) -> bool:
    """Whether the site counts more new comments than came in this round, and it is worth while to look further."""
    before, now = state.get("total"), _total(answer)
    if not isinstance(before, int) or now is None:
        return False
    return int(state.get("late", 0)) < _LATE_PAGES and int(state["came"]) < now - before


def _ended(state: State, walk: Walk, total: int | None, *, same_order: bool) -> State:
    """What is kept between rounds; the mark of a front page holds for the order in which it was asked only."""
    names = ("plain", "size", "seen", "etag") if same_order else ("plain", "size", "seen")
    kept: State = {name: state[name] for name in names if name in state}
    return {**kept, "walk": walk.dump(), "total": state.get("total") if total is None else total}


def _unseen(find: Find, seen: Mapping[str, str]) -> dict[str, str]:
    """Leaves in ``find`` what was not given yet in this version; what was given comes back, the newest last."""
    given = dict(seen)
    fresh: list[Post] = []
    for post in find.posts:
        key, mark = short(post.id), short(post.content_digest)
        if given.pop(key, None) != mark:
            fresh.append(post)
        given[key] = mark
    find.posts = fresh
    return dict(list(given.items())[-_MOST_SEEN:])


def _key(item: Any, kind: str) -> str:
    """What an item is known by: a post that was changed counts as another, so that what lies below it is read."""
    number = number_of(item)
    if number is None:
        return f"odd:{short(dump(item))}"
    return str(number) if kind == "comments" else f"{number}@{item.get('modified_gmt')}"
