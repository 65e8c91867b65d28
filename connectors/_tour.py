"""One round through an account's reads: each gets its turn, a failing one blinds no other, nothing comes twice.

Every read is a function from its own state (JSON values) to what it found and its state after that; the cursor holds
the states of all, whose turn it still is in this round, and what was given already.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors._timeline import Step, Walk, advance, short
from connectors.errors import ConnectorError, RateLimitedError
from connectors.post import Cursor, Gap, Oddity, Page, Post

_VERSION = 1
_MOST_GIVEN = 1500  # posts that several reads remember together
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(kw_only=True)
class Find:
    """What one read brought in one fetch, newest first; ``done`` says that the read is drained in this round."""

    posts: list[Post] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    done: bool = True

    @property
    def anything(self) -> bool:
        """Whether it brought what the caller must be given."""
        return bool(self.posts or self.oddities or self.gaps)


State = dict[str, Any]
Reader = Callable[[State], tuple[Find, State]]


def tour(readers: Mapping[str, Reader], owner: str, cursor: Cursor | None) -> Page:
    """The first news of the reads whose turn it is, or an empty page where none has any.

    ``owner`` names what is read; a cursor of another owner or version begins anew.

    Raises:
        RateLimitedError: the platform asks for a pause.
        ConnectorError: what a read met, as soon as the others bring nothing new.
    """
    return _Tour(readers, owner, _load(cursor, owner)).page()


class _Tour:
    def __init__(self, readers: Mapping[str, Reader], owner: str, state: State) -> None:
        self._readers, self._owner = readers, owner
        self._states: dict[str, State] = {name: dict(state.get("reads", {}).get(name, {})) for name in readers}
        self._given: dict[str, str] = dict(state.get("given", {}))
        self._todo = [name for name in state.get("todo", ()) if name in readers] or list(readers)

    def page(self) -> Page:
        problem: ConnectorError | None = None
        rested = [name for name in self._readers if name not in self._todo]
        for name in [*self._todo, *rested]:
            if name in rested and problem is None:
                break
            try:
                find, self._states[name] = self._readers[name](self._states[name])
            except RateLimitedError:
                raise
            except ConnectorError as exc:
                problem = problem or exc
                continue
            if find.done and name in self._todo:
                self._todo.remove(name)
            find.posts = [post for post in find.posts if self._is_fresh(post)]
            if find.anything or not find.done:
                return self._filled(find)
        if problem is not None:
            raise problem
        return Page(posts=(), cursor=self._cursor(), lacks=self._lacks())

    def _is_fresh(self, post: Post) -> bool:
        """Whether no other read gave this version: an answer to the school often mentions it, too."""
        if len(self._readers) == 1:
            return True
        key, mark = short(post.id), short(post.content_digest)
        if self._given.get(key) == mark:
            return False
        self._given.pop(key, None)
        self._given[key] = mark
        return True

    def _filled(self, find: Find) -> Page:
        find.posts.reverse()  # of two of one moment, the later one comes first in what platforms give
        return Page(
            posts=tuple(sorted(find.posts, key=lambda post: post.created_at or _EARLIEST)),
            cursor=self._cursor(),
            more=bool(self._todo) or not find.done,
            gaps=tuple(find.gaps),
            oddities=tuple(find.oddities),
            lacks=self._lacks(),
        )

    def _lacks(self) -> tuple[str, ...]:
        """What the reads cannot have at present, as each keeps it in its state."""
        return tuple(why for name in self._readers for why in self._states[name].get("lacks", ()))

    def _cursor(self) -> Cursor:
        given = dict(list(self._given.items())[-_MOST_GIVEN:])
        state = {"v": _VERSION, "of": self._owner, "todo": self._todo, "reads": self._states, "given": given}
        return Cursor(state=json.dumps(state, separators=(",", ":")))


Item = tuple[str, Post | Oddity | None]


def take(
    walk: Walk, items: Sequence[Item], onward: Mapping[str, str] | None, *, full: bool = True
) -> tuple[Find, Step]:
    """What a page of a walk brings, and the step it makes; an item is its key and what was read of it.

    ``onward`` is the query of the next page, ``None`` where there is none; see `connectors._timeline.advance`.
    """
    marks = list(_marks(items))
    step = advance(walk, marks, onward, None, full=full)
    find = Find(done=step.done)
    for i in step.fresh:
        one = items[i][1]
        if isinstance(one, Post):
            find.posts.append(one)
        elif one is not None:
            find.oddities.append(one)
    if step.why_cut:
        find.gaps.append(Gap(start=None, end=oldest(items), why=step.why_cut))
    return find, step


def oldest(items: Sequence[Item]) -> datetime | None:
    """When the oldest post of a page was written."""
    return min((one.created_at for _, one in items if isinstance(one, Post) and one.created_at), default=None)


def newest(items: Sequence[Item]) -> datetime | None:
    """When the newest post of a page was written."""
    return max((one.created_at for _, one in items if isinstance(one, Post) and one.created_at), default=None)


def marks_of(items: Sequence[Item]) -> dict[str, str]:
    """The items as a walk remembers them: short keys with what stands for their versions."""
    return dict(_marks(items))


def _marks(items: Sequence[Item]) -> Iterator[tuple[str, str]]:
    for key, one in items:
        yield short(key), _mark(one)


def _mark(one: Post | Oddity | None) -> str:
    return short(one.content_digest) if isinstance(one, Post) else "-"


def _load(cursor: Cursor | None, owner: str) -> State:
    try:
        state = json.loads(cursor.state) if cursor is not None else {}
    except ValueError:
        return {}
    if not isinstance(state, dict) or state.get("v") != _VERSION or state.get("of") != owner:
        return {}  # of another version or target: begin anew, the store knows what it has
    return state if isinstance(state.get("reads"), dict) else {}
