"""Reads forums that run on Discourse, by their JSON: first posts of topics, answers to them, and searches.

``target`` is the forum's address; ``posts`` are the posts that open a topic, ``comments`` all others. ``search`` reads
what holds the words of ``q``, as in the forum's own search addresses: ``https://forum.example/search?q=Hillcrest``.
Other forum software is read by its feeds, with platform ``rss``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from connectors._timeline import Walk, advance, short
from connectors._tour import Find, Item, Reader, State, oldest, take, tour
from connectors._utterance import dump, id_of, key_of, read_utterance
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RefusedAddressError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient, Response, error_for, origin_of
from connectors.post import Account, Cursor, Gap, Oddity, Page, Post

_WINDOW = 50  # older versions look for the posts of so many numbers, however many of these are public
_WHOLE_AT_ONCE = 20  # hits of a search of which the whole text is fetched in one call
_GONE = ("not_found", "invalid_access", "deleted")


@dataclass(frozen=True, kw_only=True)
class Forum:
    """A forum: where it is asked, its public address, by what name it is known, and the words to search for."""

    address: str
    site: str
    origin: str
    words: str | None

    @classmethod
    def of(cls, account: Account) -> Forum:
        """The forum of an account; ``base_url`` replaces its scheme and host.

        Raises:
            RefusedAddressError: the target is no address of the web.
            PermanentError: it is a part of a forum.
        """
        target = account.target.strip()
        target = target if "://" in target else f"https://{target}"
        try:
            origin_of(target)
            parts = urlsplit(target)
        except ValueError:
            raise RefusedAddressError("a forum's target is its address, with https:// in front") from None
        path = parts.path.rstrip("/")
        if f"{path}/".startswith(("/t/", "/c/", "/tag/", "/u/")):
            raise PermanentError(
                "the target is the forum's own address; a single topic or category is read by its feed"
            )
        words = " ".join(parse_qs(parts.query).get("q", [""])[0].split()) if path.endswith("/search") else ""
        path = path.removesuffix("/search")
        host = (parts.hostname or "").lower() + (f":{parts.port}" if parts.port else "")
        site = f"{parts.scheme.lower()}://{host}{path}"
        base = account.base_url.rstrip("/") + path if account.base_url else site
        return cls(address=base, site=site, origin=host + path, words=words or None)


class ForumConnector:
    """Reads one page a call; threads may share it.

    A token is ``username:API key``, needed only where the forum is for its members. ``history_posts`` is how many of
    the newest posts a new account reads back.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        page_size: int | None = None,
        history_posts: int = 1000,
    ) -> None:
        """``page_size`` is taken for the sake of likeness: the forum decides."""
        self._timeout_s, self._total_s, self._page_size = timeout_s, total_s, page_size
        self._history_posts = max(history_posts, 1)

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page of whichever read has something new, see `connectors.connector.Connector.fetch`."""
        forum = Forum.of(account)
        readers = _Reads(account, forum, self._history_posts)
        chosen = readers.chosen()
        with self._client(account, forum) as client:
            readers.discourse = Discourse(client, forum, account.token)
            return tour(chosen, account.target, cursor)

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Each post as it stands now; ``None`` where the forum shows it no longer."""
        forum = Forum.of(account)
        with self._client(account, forum) as client:
            discourse = Discourse(client, forum, account.token)
            for post in posts:
                item = discourse.single(f"/posts/by_number/{quote(post.id, safe='/')}.json")
                now = item and read_utterance(_titled(item, post), forum.site, forum.origin, official=account.official)
                if not isinstance(now, Oddity):
                    yield post, now or None

    def _client(self, account: Account, forum: Forum) -> HttpClient:
        allowed = forum.address if account.allow_private else None
        return HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed)


def _titled(item: Mapping[str, Any], known: Post) -> Mapping[str, Any]:
    """A single post with its topic's title, which only lists give; of a known one it is the first line."""
    if item.get("topic_title") or item.get("post_number") != 1 or "\n\n" not in known.text:
        return item
    return {**item, "topic_title": known.text.partition("\n\n")[0]}


class Discourse:
    """Asks one forum."""

    def __init__(self, client: HttpClient, forum: Forum, token: str | None) -> None:
        self._client, self._forum = client, forum
        self._headers = {"accept": "application/json"}
        if token:
            name, _, key = token.rpartition(":")
            self._headers |= {"api-key": key, **({"api-username": name} if name else {})}

    def ask(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The JSON object that the forum answers.

        Raises:
            ConnectorError: see `connectors.errors`.
        """
        answer = self._get(path, params)
        problem = error_for(answer.status, answer.headers, what="the forum")
        if problem is not None:
            raise _told(problem, answer)
        return _object(answer)

    def single(self, path: str) -> dict[str, Any] | None:
        """One post, or ``None`` where the forum says that it is deleted or shown no longer.

        Raises:
            ConnectorError: see `connectors.errors`.
        """
        answer = self._get(path, None)
        if answer.status in (403, 404, 410) and _error_type(answer) in _GONE:
            return None
        problem = error_for(answer.status, answer.headers, what="the forum")
        if problem is not None:
            raise _told(problem, answer)
        return _object(answer)

    def _get(self, path: str, params: Mapping[str, str] | None) -> Response:
        return self._client.get(self._forum.address + path, headers=self._headers, params=params)


def _object(answer: Response) -> dict[str, Any]:
    value = answer.json()
    if not isinstance(value, dict):
        raise UnexpectedResponseError("the forum answered JSON of another shape than an object")
    return value


def _error_type(answer: Response) -> str | None:
    """Discourse's own name for an error, which tells its answer from a web server's."""
    try:
        value = answer.json()
    except UnexpectedResponseError:
        return None
    return str(value.get("error_type")) if isinstance(value, dict) else None


def _told(problem: ConnectorError, answer: Response) -> ConnectorError:
    if isinstance(problem, AuthenticationError):
        return AuthenticationError(
            f"the forum refused access (HTTP {answer.status}): where it is for its members only, ask its owner for a "
            "read-only API key and give it as token, username:key"
        )
    if isinstance(problem, AccountNotFoundError) and _error_type(answer) is None:
        return AccountNotFoundError(
            "the forum does not answer as Discourse does: check the address, or read its feed with platform rss"
        )
    return problem


class _Reads:
    """The reads of one account within one fetch."""

    discourse: Discourse

    def __init__(self, account: Account, forum: Forum, history: int) -> None:
        self._account, self._forum, self._history = account, forum, history

    def chosen(self) -> dict[str, Reader]:
        """The reads, each as a function of its state; topics and answers stand in one list, which is read once.

        Raises:
            PermanentError: a read that forums do not have.
        """
        reads = self._account.reads
        if "mentions" in reads:
            raise PermanentError("a forum has no public mentions: read its posts and comments, or search it")
        if "search" in reads and not self._forum.words:
            raise PermanentError("a search needs words: write the target as https://forum.example/search?q=the+words")
        found: dict[str, Reader] = {}
        kinds = tuple(read for read in ("posts", "comments") if read in reads)
        if kinds:
            found["+".join(kinds)] = partial(self._latest, kinds)
        if "search" in reads:
            found["search"] = self._search
        return found

    def _item(self, item: Any) -> Item:
        read = read_utterance(item, self._forum.site, self._forum.origin, official=self._account.official)
        return key_of(item) or f"odd:{short(dump(item))}", read

    def _latest(self, kinds: Sequence[str], state: State) -> tuple[Find, State]:
        """One page of the newest posts of the whole forum."""
        walk, count = Walk.load(state.get("walk", {})), int(state.get("count", 0))
        listed = self.discourse.ask("/posts.json", walk.query).get("latest_posts")
        if not isinstance(listed, list):
            raise UnexpectedResponseError("the forum answered JSON of another shape than a list of posts")
        items = [self._item(item) for item in listed]
        find, step = take(walk, items, _before(walk, listed))
        count += len(listed)
        low = _earlier(oldest(items), state.get("low"))
        if not walk.known and not step.done and count >= self._history:
            why = f"a new account reads back the newest {count} posts of a forum only"
            find.done = True
            find.gaps.append(Gap(start=None, end=low, why=why))
            step = advance(walk, [(short(key), "-") for key, _ in items], None, None)
        find.posts = [post for post in find.posts if ("posts" if post.kind == "post" else "comments") in kinds]
        if step.done:
            return find, {"walk": step.walk.dump()}
        return find, {"walk": step.walk.dump(), "count": count, "low": low.isoformat() if low else None}

    def _search(self, state: State) -> tuple[Find, State]:
        """One page of hits, or the whole posts of the hits that wait: a hit itself holds a part of the text only."""
        if not state.get("queue"):
            return self._hits(state)
        find, queue = Find(), list(state["queue"])
        for number, title in queue[:_WHOLE_AT_ONCE]:
            try:
                item = self.discourse.single(f"/posts/{number}.json")
            except ConnectorError:
                if not find.anything:
                    raise
                break  # what came before is given; the next call meets the error again
            queue.pop(0)
            one = None if item is None else self._item({"topic_title": title, **item})[1]
            if isinstance(one, Post):
                find.posts.append(one)
            elif one is not None:
                find.oddities.append(one)
        walk = Walk.load(state.get("walk", {}))
        find.done = not queue and walk.query is None
        return find, {**state, "queue": queue}

    def _hits(self, state: State) -> tuple[Find, State]:
        walk = Walk.load(state.get("walk", {}))
        answer = self.discourse.ask("/search.json", {"q": f"{self._forum.words} order:latest", **(walk.query or {})})
        hits, told = answer.get("posts", []), answer.get("grouped_search_result")
        if not isinstance(hits, list):
            raise UnexpectedResponseError("the forum answered JSON of another shape than hits of a search")
        page = int((walk.query or {}).get("page", "1"))
        more = isinstance(told, dict) and bool(told.get("more_full_page_results")) and bool(hits)
        titles = _titles(answer.get("topics"))
        found = [(number, titles.get(hit.get("topic_id"), "")) for hit in hits if (number := id_of(hit))]
        marks = [(short(str(number)), "-") for number, _ in found]
        step = advance(walk, marks, {"page": str(page + 1)} if more else None, None)
        fresh = [found[i] for i in step.fresh]
        return Find(done=step.done and not fresh), {"walk": step.walk.dump(), "queue": fresh}


def _titles(topics: Any) -> dict[Any, str]:
    """The titles of the topics in which hits stand, by the topics' numbers."""
    listed = topics if isinstance(topics, list) else []
    return {id_of(one): str(one["title"]) for one in listed if id_of(one) and one.get("title")}


def _before(walk: Walk, listed: Sequence[Any]) -> dict[str, str] | None:
    """The query of the next page: below the lowest number of this one, or one window further where that is no step."""
    asked = int((walk.query or {}).get("before", "0"))
    lowest = min((number for number in map(id_of, listed) if number), default=asked)
    onward = lowest if lowest != asked else asked - _WINDOW
    return {"before": str(onward)} if onward > 1 else None


def _earlier(moment: datetime | None, before: str | None) -> datetime | None:
    known = datetime.fromisoformat(before) if before else None
    return min(filter(None, (moment, known)), default=None)
