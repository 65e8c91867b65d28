"""How to read a forum topic by topic: which topics have something new, and what in them is new.

A round goes through the list of topics, the last written in first, until it meets what was there before the last
round; each topic that has changed is read from its end backwards. What moves while it is read is met again in the
next round, because a round counts from the newest post that was there when it began.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors._timeline import short
from connectors._topic import Leaf, Listing, Place, Sheet, Software, Topic
from connectors._tour import Find, State
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.post import Gap, Oddity, Post, rfc3339

Ask = Callable[[str, Mapping[str, str]], Any]

_OVERLAP = timedelta(minutes=2)  # a post may be shown later than one that was written after it
_MOST_KNOWN = 5000  # posts whose version is remembered
_MOST_TOPICS = 600
_MOST_SHEETS = 60  # of one topic, when its posts are checked again
_MOST_ROUNDS = 8
_MOST_SHRUNK = 3  # times that a page is gone when it is asked for
_TRIES = 10  # rounds in which a topic that cannot be read is tried again


class Board:
    """Reads one forum; ``ask`` gives the JSON at a path, ``wanted`` says which posts the account is about.

    ``history`` is how many posts a new account reads back.
    """

    def __init__(
        self, software: Software, ask: Ask, place: Place, *, wanted: Callable[[Leaf], bool], history: int
    ) -> None:
        self._software, self._ask, self._place = software, ask, place
        self._wanted, self._history = wanted, history

    def read(self, state: State) -> tuple[Find, State]:
        """One page: of the list, or of a topic that has something new."""
        after: State = {"known": {}, "marks": {}, "topics": {}, "queue": [], "later": [], "rounds": [], **state}
        for name in ("known", "marks", "topics", "round"):
            if name in after:
                after[name] = dict(after[name])
        for name in ("queue", "later"):
            after[name] = [dict(entry) for entry in after[name]]
        find = self._sheet(after) if after["queue"] else self._list(after)
        find.done = not after["queue"] and after.get("round", {}).get("onward") is None
        if find.done:
            _finish(after)
        return find, after

    def _list(self, state: State) -> Find:
        round_ = state.setdefault("round", {"onward": {}, "listed": 0, "asked": [], "given": 0, "top": None})
        begins = not round_["asked"]
        query, since = round_["onward"] or {}, _moment(state.get("since"))
        listing = self._listing(query)
        times = [topic.last_at for topic in listing.topics if topic.last_at]
        if begins:
            round_["top"] = rfc3339(max(times, default=since))
            state["queue"], state["later"] = state["later"], []
        floor = since - _OVERLAP if since else None
        waiting = {entry["topic"]: entry for entry in state["queue"]}
        for topic in listing.topics:
            if _is_due(topic, state["marks"], floor) and topic.id in waiting:
                _from_its_end(waiting[topic.id])  # more was written there while it waited
            elif _is_due(topic, state["marks"], floor):
                state["queue"].append(_entry(topic, state))
        for topic in reversed(listing.topics):
            _remember(state["marks"], topic.id, topic.mark, _MOST_TOPICS)
        find = Find(oddities=list(_unknown(listing.oddities, state["known"])))
        round_["listed"] += len(listing.topics)
        round_["asked"].append(short(repr(sorted(query.items()))))
        met = floor is not None and any(
            not topic.pinned and topic.last_at is not None and topic.last_at < floor for topic in listing.topics
        )
        round_["onward"] = None if met or listing.onward is None else dict(listing.onward)
        why = None if met else self._why_cut(round_, listing)
        if why:
            round_["onward"] = None
            find.gaps.append(Gap(start=since, end=min(times, default=None), why=why))
        return find

    def _listing(self, query: Mapping[str, str]) -> Listing:
        return self._software.listing_of(self._ask(self._software.LIST, query))

    def _why_cut(self, round_: State, listing: Listing) -> str | None:
        """Why older topics that may have changed cannot be read."""
        if listing.onward is None:
            most = self._software.MOST_LISTED
            return f"the forum lists its newest {most} topics only" if most and round_["listed"] >= most else None
        if short(repr(sorted(listing.onward.items()))) in round_["asked"]:
            return "the forum repeats its list of topics"
        return None

    def _sheet(self, state: State) -> Find:
        entry, since = state["queue"][0], _moment(state.get("since"))
        try:
            sheet = self._software.sheet_of(
                self._ask(*self._software.sheet_at(entry["topic"], entry["page"])), self._place, entry.get("opener")
            )
        except (AccountNotFoundError, AuthenticationError):
            return self._gone(state)
        except RateLimitedError:
            raise
        except (TransientError, UnexpectedResponseError):
            return self._put_off(state)
        if entry["page"] > 1 and not sheet.leaves:
            return self._gone(state)
        floor = _moment(entry["floor"])
        find, round_ = self._fresh(sheet, state, floor), state["round"]
        read = entry["last"] if _turn(state["queue"], sheet, old=_is_old(sheet, floor)) else entry["read"]
        _remember(state["topics"], entry["topic"], [sheet.opener, sheet.pages, read], _MOST_TOPICS)
        round_["given"] += len(sheet.leaves)
        waits = state["queue"] or round_["onward"] is not None
        if since is None and waits and round_["given"] >= self._history:
            find.gaps.append(_cut(entry, state["queue"], sheet, self._history))
            state["queue"], round_["onward"], round_["cut"] = [], None, True
        return find

    def _gone(self, state: State) -> Find:
        """A topic is there no longer, or shorter than it was."""
        entry = state["queue"][0]
        if entry["page"] > 1 and entry["shrunk"] < _MOST_SHRUNK:
            entry.update(page=1, first=1, shrunk=entry["shrunk"] + 1)
            return Find()
        state["queue"].pop(0)
        if entry["page"] == 1:
            return Find()
        why = "the forum does not show all pages of a topic"
        return Find(gaps=[Gap(start=_moment(state.get("since")), end=_moment(entry["last"]), why=why)])

    def _put_off(self, state: State) -> Find:
        """Leave a topic that cannot be read for a later round, so that it blinds nobody to the others.

        Raises:
            ConnectorError: the whole forum cannot be read.
        """
        self._listing({})
        entry = state["queue"].pop(0)
        entry["tries"] += 1
        if entry["tries"] < _TRIES:
            state["later"].append(entry)
            return Find()
        why = "a topic of the forum could not be read, again and again"
        return Find(gaps=[Gap(start=_moment(state.get("since")), end=_moment(entry.get("last")), why=why)])

    def _fresh(self, sheet: Sheet, state: State, floor: datetime | None) -> Find:
        """What of a sheet was not given yet in this version, newest first."""
        find, known = Find(), state["known"]
        for leaf in reversed(sheet.leaves):
            key, mark = _mark(leaf)
            before = known.get(key)
            _remember(known, key, mark, _MOST_KNOWN)
            forgotten = before is None and len(known) >= _MOST_KNOWN and _is_before(leaf, floor)
            if before == mark or forgotten:
                continue
            if isinstance(leaf.one, Oddity):
                find.oddities.append(leaf.one)
            elif leaf.one is not None and self._wanted(leaf):
                find.posts.append(leaf.one)
        return find

    def recheck(self, posts: Sequence[Post]) -> Iterator[tuple[Post, Post | None]]:
        """Each post as it stands now, ``None`` where its topic shows it no longer; nothing where nobody can tell.

        Raises:
            ConnectorError: the forum cannot be read.
        """
        topics: dict[str, dict[str, Post]] = {}
        for post in posts:
            with contextlib.suppress(ValueError, RecursionError):
                topic = self._software.topic_of(json.loads(post.raw))
                if topic is not None:
                    topics.setdefault(topic, {})[post.id] = post
        for topic, some in topics.items():
            yield from self._rechecked(topic, some)

    def _rechecked(self, topic: str, wanted: dict[str, Post]) -> Iterator[tuple[Post, Post | None]]:
        page, opener = 1, None
        while wanted and page <= _MOST_SHEETS:
            sheet = self._shown(topic, page, opener)
            opener = sheet.opener if sheet else None
            for leaf in sheet.leaves if sheet else ():
                if leaf.key in wanted and not isinstance(leaf.one, Oddity):
                    yield wanted.pop(leaf.key), leaf.one
                else:
                    wanted.pop(leaf.key, None)  # nobody can tell
            page += 1
            if sheet is None or page > sheet.pages:
                yield from ((post, None) for post in wanted.values())
                return

    def _shown(self, topic: str, page: int, opener: str | None) -> Sheet | None:
        """A page of a topic, or nothing where the forum, which answers, shows the topic to nobody."""
        try:
            return self._software.sheet_of(self._ask(*self._software.sheet_at(topic, page)), self._place, opener)
        except (AccountNotFoundError, AuthenticationError):
            self._listing({})
            return None


def _entry(topic: Topic, state: State) -> State:
    """A topic to be read: from its last page on, where it is known how many there were, else from its first.

    It is read back to what was there when it was read before. One that is new may have been missed by the rounds
    before, where it moved to the list's front behind their back, so that it is read back beyond them.
    """
    opener, pages, read = state["topics"].get(topic.id, (None, 1, None))
    back = _moment(read or next(iter(state["rounds"]), None))
    return {
        "topic": topic.id,
        "page": pages,
        "first": pages,
        "pages": pages,
        "shrunk": 0,
        "tries": 0,
        "opener": opener,
        "last": rfc3339(topic.last_at),
        "read": read,
        "floor": rfc3339(back - _OVERLAP) if back else None,
    }


def _from_its_end(entry: State) -> None:
    entry.update(page=entry["pages"], first=entry["pages"])


def _is_due(topic: Topic, marks: Mapping[str, str], floor: datetime | None) -> bool:
    """Whether a topic has something new; one that was never met is so where it was written in since."""
    known = marks.get(topic.id)
    if known is not None:
        return known != topic.mark
    return floor is None or topic.last_at is None or topic.last_at >= floor


def _turn(queue: list[State], sheet: Sheet, *, old: bool) -> bool:
    """Go on to the page of the topic that is to be read next; whether it has been read, and the next topic comes.

    Where more pages follow the one asked for first, it is read once more on the way back from the end: what goes
    while a topic is read moves all that follows towards its front.
    """
    entry = queue[0]
    entry.update(opener=sheet.opener, tries=0)
    if entry["page"] == entry["first"] < sheet.pages:
        entry.update(page=sheet.pages, first=None)
    elif old or entry["page"] == 1:
        queue.pop(0)
        return True
    else:
        entry["page"] -= 1
    return False


def _is_old(sheet: Sheet, floor: datetime | None) -> bool:
    """Whether everything on a page was there before; one that shows no post says nothing."""
    shown = [leaf for leaf in sheet.leaves if isinstance(leaf.one, Post)]
    return bool(shown) and all(_is_before(leaf, floor) for leaf in shown)


def _is_before(leaf: Leaf, floor: datetime | None) -> bool:
    one = leaf.one
    return isinstance(one, Post) and floor is not None and one.created_at is not None and one.created_at < floor


def _cut(entry: State, queue: Sequence[State], sheet: Sheet, history: int) -> Gap:
    """What a new account does not read back: the rest of this topic, and the topics after it."""
    times = [leaf.one.created_at for leaf in sheet.leaves if isinstance(leaf.one, Post) and leaf.one.created_at]
    unread = [_moment(one["last"]) for one in queue if one["topic"] != entry["topic"]]
    rest = times[:1] if entry in queue else []
    end = max([*rest, *filter(None, unread)], default=_moment(entry["last"]))
    return Gap(start=None, end=end, why=f"a new account reads back the newest {history} posts of a forum only")


def _finish(state: State) -> None:
    """End a round: the next one counts from when this one began."""
    round_ = state.pop("round", {})
    if round_.get("top"):
        before = round_["top"] if round_.get("cut") else state.get("since")
        state["rounds"] = [*state["rounds"], before][-_MOST_ROUNDS:]
        state["since"] = round_["top"]


def _mark(leaf: Leaf) -> tuple[str, str]:
    if isinstance(leaf.one, Post):
        return short(leaf.key), short(leaf.one.content_digest)
    return short(leaf.key) if leaf.key else _odd_key(leaf.one), "-"


def _odd_key(one: Oddity | None) -> str:
    return f"odd:{short(one.raw)}" if one is not None else "odd:"


def _unknown(oddities: Sequence[Oddity], known: dict[str, str]) -> Iterator[Oddity]:
    for one in oddities:
        if _odd_key(one) not in known:
            _remember(known, _odd_key(one), "-", _MOST_KNOWN)
            yield one


def _remember(memory: dict[str, Any], key: str, value: Any, most: int) -> None:
    """Put something at the end of a memory, and forget what lies longest in it."""
    memory.pop(key, None)
    memory[key] = value
    while len(memory) > most:
        del memory[next(iter(memory))]


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
