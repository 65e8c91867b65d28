"""What forums have in common that give their posts topic by topic: lists of topics, sheets of posts; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from connectors.post import Oddity, Post


@dataclass(frozen=True, kw_only=True)
class Place:
    """A forum as its posts name it: its public address, its name in the store, and whether it is the school's."""

    site: str
    origin: str
    official: bool = False


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A topic in a list: ``mark`` changes whenever a post comes or goes, ``last_at`` is when the last was written.

    A ``pinned`` topic stands where its last post does not belong.
    """

    id: str
    mark: str
    last_at: datetime | None
    pinned: bool = False


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One page of topics, the last written in first; ``onward`` is the query of the next page."""

    topics: tuple[Topic, ...]
    onward: Mapping[str, str] | None
    oddities: tuple[Oddity, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One item of a topic: its key, what was read of it (nothing where it is gone), and the topic's title."""

    key: str
    one: Post | Oddity | None
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One page of a topic's posts, oldest first; ``opener`` is the id of the post that opened it."""

    leaves: tuple[Leaf, ...]
    page: int
    pages: int
    opener: str | None


class Software(Protocol):
    """A kind of forum software: where it lists its topics and shows their posts, and how it writes both."""

    NAME: str
    LIST: str
    MOST_LISTED: int | None
    """How many topics its list shows at most, however many there are."""

    def listing_of(self, answer: Any) -> Listing:
        """What a page of the list holds.

        Raises:
            UnexpectedResponseError: it is no such page.
        """
        ...

    def sheet_at(self, topic: str, page: int) -> tuple[str, dict[str, str]]:
        """Path and query of a page of a topic's posts."""
        ...

    def topic_of(self, item: Any) -> str | None:
        """The topic in which a post stands, by what was kept of the post."""
        ...

    def sheet_of(self, answer: Any, place: Place, opener: str | None) -> Sheet:
        """What a page of a topic's posts holds; ``opener`` is the id of its first post where it is known.

        Raises:
            UnexpectedResponseError: it is no such page.
        """
        ...


def dump(item: Any) -> bytes:
    """The bytes that are kept of one item: the same JSON without its white space."""
    try:
        return json.dumps(item, ensure_ascii=True, separators=(",", ":")).encode()
    except RecursionError:
        return b'"nested too deep to be kept"'


def counts(value: Any) -> bool:
    """Whether a value can number something: a whole number above nought."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**15
