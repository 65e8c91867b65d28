"""Counts the requests of one reading as they leave, and lets none go that has not been paid for; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from http import HTTPStatus

from connectors.errors import RateLimitedError

_current: ContextVar[Meter | None] = ContextVar("meter", default=None)


class Meter:
    """What one reading may ask for and has asked for, by unit.

    ``unit_of`` names the unit of a request's path; ``allow`` what is paid for already. Where that is used up,
    ``more`` is asked: it pays for more and says how much, or raises what keeps the reading from going on.
    """

    def __init__(
        self,
        unit_of: Callable[[str], str],
        allow: dict[str, int],
        more: Callable[[str], int],
        *,
        most_posts: int | None = None,
    ) -> None:
        """``most_posts`` is how many posts a page may bring at most, where more are not paid for."""
        self._unit_of, self._more = unit_of, more
        self.most_posts = most_posts
        self._allowed = Counter(allow)
        self.spent: Counter[str] = Counter()
        self.answered = 0
        # What the platform itself says is used of what it allows, 1 being all, and when it expects to allow more.
        self.used = 0.0
        self.regained: datetime | None = None

    def count(self, path: str) -> None:
        """One request for this path is about to leave.

        Raises:
            RateLimitedError: it may not.
        """
        if self.used >= 1.0:
            raise RateLimitedError("the platform says that all of what it allows is used for now", self.regained)
        unit = self._unit_of(path)
        if self.spent[unit] >= self._allowed[unit]:
            self._allowed[unit] += self._more(unit)
        self.spent[unit] += 1

    @contextmanager
    def running(self) -> Iterator[Meter]:
        """Every request of this thread is counted here until the end."""
        token = _current.set(self)
        try:
            yield self
        finally:
            _current.reset(token)


def leaving(path: str) -> None:
    """A request is about to leave; where nothing is metered, nothing happens.

    Raises:
        RateLimitedError: it may not.
    """
    meter = _current.get()
    if meter is not None:
        meter.count(path)


def answered(status: int) -> None:
    """The request was answered; only what succeeded can have brought posts that cost something."""
    meter = _current.get()
    if meter is not None and status < HTTPStatus.BAD_REQUEST:
        meter.answered += 1


def used(share: float, regained: datetime | None) -> None:
    """An answer said how much of what the platform allows is used, 1 being all, and when there will be more."""
    meter = _current.get()
    if meter is not None:
        meter.used, meter.regained = share, regained


def brought(kind: str, number: int) -> None:
    """An answer held so many of what a platform may charge for."""
    meter = _current.get()
    if meter is not None:
        meter.spent[kind] += number


def page_size(wanted: int) -> int:
    """How many posts a page may be asked for: as many as are wanted, unless fewer are paid for."""
    meter = _current.get()
    return wanted if meter is None or meter.most_posts is None else min(wanted, meter.most_posts)
