"""Reads forums that run on Discourse, by their JSON: first posts of topics, answers to them, and searches.

A hit of a search holds a part of its text only, so that the whole post is asked for; posts that were read by lists
need no second call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import quote

from connectors._timeline import Walk, advance, short
from connectors._tour import Find, Item, Reader, State, oldest, take
from connectors._utterance import dump, id_of, key_of, read_utterance
from connectors._venue import Forum
from connectors.errors import AccountNotFoundError, AuthenticationError, ConnectorError, UnexpectedResponseError
from connectors.http import HttpClient, Response, error_for
from connectors.post import Account, Gap, Oddity, Post

_WINDOW = 50  # older versions look for the posts of so many numbers, however many of these are public
_WHOLE_AT_ONCE = 20  # hits of a search of which the whole text is fetched in one call
_GONE = ("not_found", "invalid_access", "deleted")


def is_discourse(answer: Any) -> bool:
    """Whether an answer is a list of posts as Discourse gives it."""
    return isinstance(answer, Mapping) and isinstance(answer.get("latest_posts"), list)


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


class DiscourseReads:
    """The reads of one account within one fetch; topics and answers stand in one list, which is read once."""

    def __init__(self, account: Account, forum: Forum, discourse: Discourse, history: int) -> None:
        self._account, self._forum, self._history = account, forum, history
        self.discourse = discourse

    def readers(self) -> dict[str, Reader]:
        """The reads, each as a function of its state."""
        found: dict[str, Reader] = {}
        kinds = tuple(read for read in ("posts", "comments") if read in self._account.reads)
        if kinds:
            found["+".join(kinds)] = partial(self._latest, kinds)
        if "search" in self._account.reads:
            found["search"] = self._search
        return found

    def recheck(self, posts: Sequence[Post]) -> Iterator[tuple[Post, Post | None]]:
        """Each post as it stands now; ``None`` where the forum shows it no longer."""
        for post in posts:
            item = self.discourse.single(f"/posts/by_number/{quote(post.id, safe='/')}.json")
            now = item and self._item(_titled(item, post))[1]
            if not isinstance(now, Oddity):
                yield post, now or None

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
        if step.done and _is_again(walk, listed):
            why = "the forum gives its newest posts again, whichever are asked for: older ones were not read"
            find.gaps.append(Gap(start=None, end=low, why=why))
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


def _is_again(walk: Walk, listed: Sequence[Any]) -> bool:
    """Whether a page of older posts was asked for, and one of newer posts came: a cache may not look at the query."""
    asked = int((walk.query or {}).get("before", "0"))
    numbers = [number for number in map(id_of, listed) if number]
    return bool(asked) and len(numbers) > 1 and min(numbers) >= asked


def _earlier(moment: datetime | None, before: str | None) -> datetime | None:
    known = datetime.fromisoformat(before) if before else None
    return min(filter(None, (moment, known)), default=None)


def _titled(item: Mapping[str, Any], known: Post) -> Mapping[str, Any]:
    """A single post with its topic's title, which only lists give; of a known one it is the first line."""
    if item.get("topic_title") or item.get("post_number") != 1 or "\n\n" not in known.text:
        return item
    return {**item, "topic_title": known.text.partition("\n\n")[0]}
