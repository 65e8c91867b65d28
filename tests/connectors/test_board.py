"""Whatever moves in a forum while it is read topic by topic: no visible post is skipped, and none comes twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors._board import Board
from connectors._topic import Leaf, Listing, Place, Sheet, Topic
from connectors._tour import State
from connectors.errors import AccountNotFoundError, ConnectorError, TransientError
from connectors.post import Post

START = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
PLACE = Place(site="https://forum.example", origin="forum.example")


class Restless:
    """A forum in memory that writes, hides, deletes and fails between any two questions; a clock of its own."""

    NAME, LIST, MOST_LISTED = "restless", "/list", None

    def __init__(self, dice: random.Random) -> None:
        self.dice, self.clock, self.next = dice, 0, 1
        self.topics: dict[str, list[int]] = {}
        self.times: dict[int, int] = {}
        self.hidden: set[int] = set()
        self.written: set[int] = set()
        self.quiet = False
        self.size = dice.choice((2, 3, 5))

    def step(self) -> None:
        """Something happens in the forum."""
        self.clock += self.dice.choice((0, 0, 1, 30, 200))
        what = self.dice.random()
        topic = self.dice.choice(list(self.topics)) if self.topics and what > 0.15 else str(len(self.topics) + 1)
        posts = self.topics.setdefault(topic, [])
        if what < 0.75 or not posts:
            for _ in range(self.dice.choice((1, 1, 1, 2, 7))):
                posts.append(self.next)
                self.times[self.next] = self.clock
                self.written.add(self.next)
                self.next += 1
        elif what < 0.85 and len(posts) > 2:
            # Not the last: that takes a topic back in the list, perhaps to where nobody looks any more.
            gone = self.dice.choice(posts[1:-1])
            posts.remove(gone)
            self.written.discard(gone)
        elif what < 0.9 and len(posts) > 1:
            hidden = self.dice.choice(posts[1:])
            self.hidden.add(hidden)
            self.written.discard(hidden)

    def ask(self, path: str, params: Mapping[str, str]) -> Any:
        if not self.quiet:
            if self.dice.random() < 0.3:
                self.step()
            if self.dice.random() < 0.1:
                raise TransientError("not now")
        page = int(params.get("page", 1))
        if path == self.LIST:
            found = sorted((t for t in self.topics if self.topics[t]), key=lambda t: -max(self.topics[t]))
            return page, found[(page - 1) * self.size : page * self.size], page * self.size < len(found)
        posts = self.topics.get(path, [])
        pages = max(1, -(-len(posts) // self.size))
        if page > pages or not posts:
            raise AccountNotFoundError("no such page")
        return path, posts[(page - 1) * self.size : page * self.size], page, pages, posts[0]

    def listing_of(self, answer: Any) -> Listing:
        page, found, more = answer
        topics = tuple(
            Topic(id=t, mark=f"{max(self.topics[t])}:{len(self.topics[t])}", last_at=self.at(max(self.topics[t])))
            for t in found
        )
        return Listing(topics=topics, onward={"page": str(page + 1)} if more else None)

    def sheet_at(self, topic: str, page: int) -> tuple[str, dict[str, str]]:
        return topic, {"page": str(page)}

    def topic_of(self, item: Any) -> str | None:
        return None

    def sheet_of(self, answer: Any, place: Place, opener: str | None) -> Sheet:
        _topic, posts, page, pages, first = answer
        leaves = tuple(Leaf(key=str(n), one=None if n in self.hidden else self.post(n)) for n in posts)
        return Sheet(leaves=leaves, page=page, pages=pages, opener=str(first))

    def post(self, number: int) -> Post:
        return Post(platform="forum", id=str(number), kind="comment", text=str(number), created_at=self.at(number))

    def at(self, number: int) -> datetime:
        return START + timedelta(seconds=self.times[number])


@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_skipped_and_nothing_comes_twice(seed: int) -> None:
    dice = random.Random(seed)
    forum = Restless(dice)
    for _ in range(dice.randrange(12)):
        forum.step()
    board = Board(forum, forum.ask, PLACE, wanted=lambda _: True, history=100_000)
    given: Counter[int] = Counter()
    state: State = {}
    for _ in range(300):
        if dice.random() < 0.2:
            forum.step()
        try:
            find, after = board.read(state)
        except ConnectorError:
            continue
        if dice.random() < 0.05:
            continue  # killed before it was saved
        state = after
        given.update(int(post.id) for post in find.posts)
        assert find.gaps == []
    forum.quiet = True
    for _ in range(3):
        find, state = board.read(state)
        given.update(int(post.id) for post in find.posts)
        while not find.done:
            find, state = board.read(state)
            given.update(int(post.id) for post in find.posts)
    assert forum.written <= set(given)
    assert max(given.values(), default=1) == 1
