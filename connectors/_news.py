"""What is new on one page of an edge of Facebook's: its posts beside what is remembered of the edge; pure.

What is remembered are short digests of ids with short digests of contents, newest first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors._backlog import Backlog
from connectors._story import written
from connectors.post import Oddity, Post


@dataclass(frozen=True, kw_only=True)
class Step:
    """One page of one edge: its new or changed posts, the backlog after it, and whether the edge is drained.

    ``known`` is what is remembered of the edge when it is drained, ``fresh`` of this round until then.
    """

    posts: tuple[Post, ...]
    oddities: tuple[Oddity, ...]
    backlog: Backlog
    drained: bool
    known: Mapping[str, str]
    fresh: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What is remembered of an edge: from earlier rounds, and from the pages of this one, at most ``most`` of these."""

    known: Mapping[str, str]
    fresh: Mapping[str, str]
    most: int

    def ends(self, items: Sequence[Any], posts: Sequence[Post]) -> bool:
        """Whether what is known begins on this page, so that nothing new lies behind it."""
        return _newest_first(items) and any(short(post.id) in self.known for post in posts)

    def step(
        self,
        posts: Sequence[Post],
        oddities: Sequence[Oddity],
        backlog: Backlog,
        *,
        wanted: Callable[[Post], bool],
    ) -> Step:
        """The step of a page with these posts, oldest first; ``backlog`` is the one after it."""
        now = {short(post.id): post.content_digest[:8] for post in reversed(posts)}
        fresh = {**self.fresh, **now}
        return Step(
            posts=tuple(p for p in posts if wanted(p) and self.known.get(short(p.id)) != now[short(p.id)]),
            oddities=tuple(oddities),
            backlog=backlog,
            drained=backlog.token is None,
            known={**fresh, **{name: value for name, value in self.known.items() if name not in fresh}},
            fresh=dict(list(fresh.items())[: self.most]),
        )


def short(number: str) -> str:
    """A short digest of an id."""
    return hashlib.blake2s(number.encode("utf-8", "replace"), digest_size=5).hexdigest()


def sign_of(item: Mapping[str, Any]) -> str | None:
    """What changes when something happens on a post: time of update and count of comments, where both are told."""
    comments = item.get("comments")
    summary = comments.get("summary") if isinstance(comments, dict) else None
    count = summary.get("total_count") if isinstance(summary, dict) else None
    return None if count is None or not item.get("updated_time") else f"{item['updated_time']} {count}"


def _newest_first(items: Sequence[Any]) -> bool:
    """Whether a page runs from newest to oldest, so that what is known ends it."""
    try:
        times = [moment for moment in map(written, items) if moment is not None]
    except (TypeError, ValueError, AttributeError, OverflowError):
        return False
    return times == sorted(times, reverse=True)
