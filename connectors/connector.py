"""The protocol that every platform fulfils; extra powers are protocols of their own, by ``isinstance``; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from connectors.post import Account, Cursor, Page, Post


@runtime_checkable
class Connector(Protocol):
    """Reads one platform, one page a call."""

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page after ``cursor``, or the first page where it is ``None``.

        The cursor that comes back may be saved together with the posts at once: everything up to it has been
        given. ``more`` says that calling again now brings more. Calling again with the same cursor is harmless.

        Raises:
            TransientError: the platform is slow, broken or asks for a pause.
            PermanentError: token, permission, target or address is wrong.
            UnexpectedResponseError: the page could not be read.
        """
        ...


@runtime_checkable
class Rechecker(Protocol):
    """Can ask again for posts that are known."""

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Each post with its current version, or with ``None`` where it was deleted at the source."""
        ...


@runtime_checkable
class Backfiller(Protocol):
    """Can read a stretch of the past."""

    def backfill(self, account: Account, since: datetime, until: datetime, cursor: Cursor | None) -> Page:
        """One page of what was published from ``since`` up to ``until``."""
        ...
