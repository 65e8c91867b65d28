"""Reads Reddit by its API: a community's submissions and comments, searches, and what is said to the school's account.

- target ``r/name`` (or ``r/one+two``): ``posts`` are the newest submissions, ``comments`` the newest comments.
- target ``u/name``, the school's own account: ``posts`` are its submissions, ``comments`` all that stands below the
  newest of them, ``mentions`` where its name was written and who answered its comments (with its own token).
- target words, or ``r/name: words``: ``search`` finds submissions; Reddit has no search of comments.

Reddit gives the newest thousand things of a list and no more; what lies between those and the last reading is a gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors._listing import Purse, Reddit, children
from connectors._thing import dump, is_gone, name_of, read_thing
from connectors._timeline import Step, Walk, short
from connectors._tour import Find, Item, Reader, State, newest, oldest, take, tour
from connectors.errors import (
    AccountNotFoundError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient
from connectors.post import Account, Cursor, Gap, Oddity, Page, Post, parse_time, rfc3339
from connectors.profile import Profile, plain

_PAGE_SIZE = 100
_MOST_A_LIST = {"search": 200, "list": 900}  # from here on a list's end is Reddit's, not the community's
_INFO_AT_ONCE = 100
_MOST_MORE = 1000  # comments of one thread that its first answer leaves out
_PLACE = re.compile(r"(?:https?://(?:www\.|old\.|new\.)?reddit\.com)?/?(r|u|user)/([A-Za-z0-9_+-]{1,300})/?")
_WITHIN = re.compile(r"/?r/([A-Za-z0-9_+]{1,300})\s*:\s*(\S.*)", re.DOTALL)
_SAFE_NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is read: a community (or several, joined by ``+``), a user, words, or words within a community."""

    place: str | None = None
    user: str | None = None
    words: str | None = None


def read_target(text: str) -> Target:
    """What a target stands for."""
    text = text.strip()
    if match := _PLACE.fullmatch(text):
        return Target(place=match[2]) if match[1] == "r" else Target(user=match[2])
    if match := _WITHIN.fullmatch(text):
        return Target(place=match[1], words=match[2].strip())
    return Target(words=text)


class RedditConnector:
    """Reads one page a call; threads may share it.

    ``username`` is the Reddit name of whoever runs Watcher: Reddit wants it in the user agent. ``watched_posts`` is
    below how many of its own newest submissions an account's comments are read.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        page_size: int | None = None,
        username: str | None = None,
        watched_posts: int = 25,
    ) -> None:
        if username is not None and not _SAFE_NAME.fullmatch(username.removeprefix("u/")):
            raise PermanentError("username is no Reddit name: write it as u/name or name")
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size = min(max(page_size or _PAGE_SIZE, 1), 100)
        self._watched = min(max(watched_posts, 1), 100)
        who = f"by /u/{username.removeprefix('u/')}" if username else "school safeguarding monitor"
        self._user_agent = f"server:watcher:v0.1 ({who})"
        self._purse = Purse()

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page of whichever read has something new, see `connectors.connector.Connector.fetch`."""
        target = read_target(account.target)
        _check(account, target)
        with self._client(account) as client:
            reddit = Reddit(client, account.base_url, account.token, self._purse)
            readers = _Reads(account, target, reddit, self._page_size, self._watched).readers()
            return tour(readers, account.target, cursor)

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Each post as it stands now; ``None`` where it was deleted by its author or removed from public view."""
        target = read_target(account.target)
        with self._client(account) as client:
            reddit = Reddit(client, account.base_url, account.token, self._purse)
            for start in range(0, len(posts), _INFO_AT_ONCE):
                some = posts[start : start + _INFO_AT_ONCE]
                found, _ = reddit.things("/api/info", {"id": ",".join(post.id for post in some)})
                now = {name_of(thing): read_thing(thing, own=_own(account, target)) for thing in found}
                for post in some:
                    current = now.get(post.id)
                    if not isinstance(current, Oddity):
                        yield post, current

    def profile(self, account: Account) -> Profile:
        """What the school's own account says of itself; Reddit knows no private ones.

        Raises:
            ConnectorError: it cannot be asked for, is suspended, or the target is no user.
        """
        target = read_target(account.target)
        if target.user is None:
            raise PermanentError("a community or a search is nobody's own account: it has no profile")
        _check(account, target)
        with self._client(account) as client:
            reddit = Reddit(client, account.base_url, account.token, self._purse)
            return _profile(reddit.ask(f"/user/{target.user}/about", {}))

    def _client(self, account: Account) -> HttpClient:
        return HttpClient(
            timeout_s=self._timeout_s,
            total_s=self._total_s,
            allow_private=account.base_url if account.allow_private else None,
            user_agent=self._user_agent,
        )


def _profile(answer: Any) -> Profile:
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict) or not plain(data.get("name")):
        raise UnexpectedResponseError("Reddit answered JSON of another shape than an account")
    if data.get("is_suspended") is True:
        raise AccountNotFoundError(f"Reddit has suspended u/{plain(data['name'])}")
    place = data.get("subreddit")
    page = place if isinstance(place, dict) else {}
    return Profile(
        handle=plain(data["name"]), name=plain(page.get("title")), about=plain(page.get("public_description"))
    )


def _own(account: Account, target: Target) -> str | None:
    return target.user.lower() if account.official and target.user else None


def _check(account: Account, target: Target) -> None:
    """Refuse what cannot be read, or must not be.

    Raises:
        PermanentError: says what to write instead.
    """
    if target.user is not None and not account.official:
        raise PermanentError("a person's account is never read: only the school's own, with official = true")
    if not target.words and not target.place and not target.user:
        raise AccountNotFoundError("the target is empty: write r/name, u/name or words to search for")
    for read in account.reads:
        if read == "search" and not target.words:
            raise PermanentError('a search needs words: write the target as "words" or "r/name: words"')
        if read != "search" and target.words:
            raise PermanentError(f"{read} cannot be read of a search: write r/name or u/name as the target")
        if read == "mentions" and target.user is None:
            raise PermanentError("mentions are read of the school's own account: write u/name as the target")


class _Reads:
    """The reads of one account within one fetch."""

    def __init__(self, account: Account, target: Target, reddit: Reddit, size: int, watched: int) -> None:
        self._account, self._target, self._reddit = account, target, reddit
        self._size, self._watched = size, watched
        self._own_name = _own(account, target)

    def readers(self) -> dict[str, Reader]:
        """The reads in their order, each as a function of its state."""
        found: dict[str, Reader] = {}
        place, user = self._target.place, self._target.user
        for read in dict.fromkeys(self._account.reads):
            if read == "search":
                inside = f"/r/{place}" if place else ""
                found[read] = self._list(f"{inside}/search", self._query(), _MOST_A_LIST["search"])
            elif read == "mentions":
                found["mentions"] = self._list("/message/mentions")
                found["answers"] = self._list("/message/comments")
            elif read == "posts":
                found[read] = self._list(f"/user/{user}/submitted" if user else f"/r/{place}/new")
            else:
                found[read] = self._below if user else self._list(f"/r/{place}/comments")
        return found

    def _query(self) -> dict[str, str]:
        query = {"q": self._target.words or "", "sort": "new", "t": "all", "type": "link", "include_over_18": "on"}
        return {**query, "restrict_sr": "on"} if self._target.place else query

    def _list(self, path: str, params: Mapping[str, str] | None = None, most: int = _MOST_A_LIST["list"]) -> Reader:
        query = {"sort": "new"} if path.startswith("/user/") else {}
        return lambda state: self._page_of(state, path, {**query, **(params or {})}, most)

    def _item(self, thing: Any) -> Item:
        return name_of(thing) or f"odd:{short(dump(thing))}", read_thing(thing, own=self._own_name)

    def _page_of(self, state: State, path: str, params: Mapping[str, str], most: int) -> tuple[Find, State]:
        """One page of a list, newest first."""
        walk, count = Walk.load(state.get("walk", {})), int(state.get("count", 0))
        asked = {"limit": str(self._size), **params, **(walk.query or {})}
        things, after = self._reddit.things(path, {**asked, "count": str(count)} if count else asked)
        items = [self._item(thing) for thing in things]
        lost_its_place = not things and bool(walk.query) and count < most
        if lost_its_place and not state.get("restarted"):
            # The thing that "after" names was deleted meanwhile: begin at the front, and pass over what was met.
            front = replace(walk, query={}, asked=()).dump()
            return Find(done=False), {**state, "walk": front, "count": 0, "restarted": True}
        find, step = take(walk, items, {"after": after} if after else None, full=len(things) >= self._size)
        count += len(things)
        top = state.get("top") if walk.query is not None else rfc3339(newest(items))
        low = min(filter(None, (rfc3339(oldest(items)), state.get("low"))), default=None)
        if step.done and _is_cut(walk, step, items, after, count, most, lost_its_place):
            why = f"Reddit gives the newest {count} of this list only: older ones cannot be read"
            find.gaps.append(Gap(start=parse_time(state.get("mark")), end=parse_time(low), why=why))
        if step.done:
            return find, {"walk": step.walk.dump(), "mark": top or state.get("mark")}
        onward = {"walk": step.walk.dump(), "mark": state.get("mark"), "top": top, "low": low, "count": count}
        return find, {**onward, "restarted": True} if state.get("restarted") else onward

    def _below(self, state: State) -> tuple[Find, State]:
        """What stands below the account's own newest submissions: a thread a time, where its count moved."""
        if "queue" not in state:
            things, _ = self._reddit.things(
                f"/user/{self._target.user}/submitted", {"limit": str(self._watched), "sort": "new"}
            )
            state = _queued(things, state)
        find = Find()
        while state["queue"] and len(find.posts) < self._size:
            id_, count = state["queue"][0]
            try:
                marks = self._thread(id_, state["known"].get(id_, {}), find)
            except RateLimitedError:
                if not find.anything:
                    raise
                break
            except AccountNotFoundError:
                marks = {}  # gone meanwhile, and all below it
            except ConnectorError:
                if not find.anything:
                    raise
                break  # what came before is given; the next call meets the error again
            state["queue"] = state["queue"][1:]
            state["known"] = {**state["known"], id_: marks}
            state["counts"] = {**state["counts"], id_: count}
        find.done = not state["queue"]
        return find, {k: v for k, v in state.items() if k != "queue" or v}

    def _thread(self, id_: str, known: Mapping[str, str], find: Find) -> dict[str, str]:
        """Read one thread; its fresh comments go to ``find``, the marks of all come back."""
        answer = self._reddit.ask(f"/comments/{id_}", {"limit": "500", "sort": "new"})
        if not isinstance(answer, list) or len(answer) < 2:  # noqa: PLR2004
            raise UnexpectedResponseError("Reddit answered JSON of another shape than a thread")
        found, waiting, hidden = _flat(children(answer[1])[0])
        for start in range(0, min(len(waiting), _MOST_MORE), _INFO_AT_ONCE):
            names = ",".join(f"t1_{one}" for one in waiting[start : start + _INFO_AT_ONCE])
            found += self._reddit.things("/api/info", {"id": names})[0]
        marks: dict[str, str] = {}
        for thing in found:
            key, one = self._item(thing)
            marks[short(key)] = mark = short(one.content_digest) if isinstance(one, Post) else "-"
            if known.get(short(key)) == mark:
                continue
            if isinstance(one, Post):
                find.posts.append(one)
            elif one is not None:
                find.oddities.append(one)
        if (hidden or len(waiting) > _MOST_MORE) and "cut" not in known:
            find.gaps.append(Gap(start=None, end=None, why="a thread is too long or too deep for Reddit to give whole"))
        return {**marks, "cut": "-"} if hidden or len(waiting) > _MOST_MORE else marks


def _is_cut(
    walk: Walk, step: Step, items: Sequence[Item], after: str | None, count: int, most: int, lost_its_place: bool
) -> bool:
    """Whether a walk came to an end that Reddit set, and not to what was known or to the list's own beginning."""
    if step.why_cut or after is not None:
        return False
    met_what_was_known = any(short(key) in walk.known for key, _ in items)
    return not met_what_was_known and (count >= most or lost_its_place)


def _queued(things: Sequence[Any], state: State) -> State:
    """The state with the threads that moved since the last round; marks of threads too old to be listed go."""
    counts: Mapping[str, Any] = state.get("counts", {})
    listed: dict[str, int] = {}
    for thing in things:
        name = name_of(thing)
        number = thing["data"].get("num_comments", 0) if name and not is_gone(thing["data"]) else 0
        if name and isinstance(number, int):
            listed[name.removeprefix("t3_")] = number
    known = {id_: marks for id_, marks in state.get("known", {}).items() if id_ in listed}
    moved = [[id_, number] for id_, number in listed.items() if number != counts.get(id_, 0)]
    return {"queue": moved, "counts": {k: v for k, v in counts.items() if k in listed}, "known": known}


def _flat(things: Sequence[Any]) -> tuple[list[Any], list[str], bool]:
    """The comments of a tree, the ids of those it leaves out, and whether it has more that it does not name."""
    found: list[Any] = []
    waiting: list[str] = []
    hidden, stack = False, list(reversed(things))
    while stack:
        thing = stack.pop()
        data = thing.get("data") if isinstance(thing, dict) else None
        if isinstance(data, dict) and thing.get("kind") == "more":
            listed = data.get("children")
            names = [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
            waiting += names
            hidden = hidden or not names
            continue
        found.append(thing)
        below = data.get("replies") if isinstance(data, dict) else None
        if isinstance(below, dict):
            stack += reversed(children(below)[0])
    return found, waiting, hidden
