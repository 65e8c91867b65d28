"""Reads one account from its beginning, for a person who wants to see what comes; stores nothing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

from connectors import approval
from connectors.errors import UnexpectedResponseError
from connectors.post import Cursor, Page, Post, rfc3339
from watcher.app import Connectors, tokens_at_hand
from watcher.check import account_problems
from watcher.config import AccountRow, Settings
from watcher.enrolment import account_of
from watcher.errors import ConfigError
from watcher.looking import search_refusal
from watcher.scheduler import clock
from watcher.terms import base_of, readings
from watcher.trial import approved_by

# To see whether a token works needs no more, and more than that is the use that the platform has not agreed to.
_UNAPPROVED = 10


def read(settings: Settings, name: str, max_pages: int, note: Callable[[str], None]) -> Iterator[Post]:
    """The account's posts page by page until the platform's end, each version once; ``note`` hears what is amiss.

    Where the platform has not approved the use yet, it is one page of ten posts at most.

    Raises:
        ConfigError: there is no such account, or it is not set up rightly.
        ConnectorError: the platform could not be read, or a cap leaves nothing for it; what came before has been given.
        StoreError: what it may cost cannot be counted.
    """
    key, row = _named(settings, name)
    refusal = search_refusal(settings, key, row)
    found = (*account_problems(key, row), *(() if refusal is None else (refusal,)))
    if found:
        raise ConfigError(found)
    connectors = Connectors(settings, tokens_at_hand(settings))
    account = connectors.with_token(account_of(row))
    needed = approval.missing(account, approved_by(settings, clock().date()))
    if needed is not None:
        told = approval.told(needed, account.platform)
        note(f"read by hand, one page of {_UNAPPROVED} posts at most; for the service this account is {told}")
        with connectors.by_hand.reading(account):
            page = connectors.of(account, most=_UNAPPROVED).fetch(account, None)
        yield from itertools.islice(_new(page, set()), _UNAPPROVED)
        _tell(page, note)
        return
    connector = connectors.of(account)
    seen: set[tuple[str, str, str, str]] = set()
    cursor: Cursor | None = None
    places = {cursor}
    for turn in range(max_pages):
        with connectors.by_hand.reading(account):
            page = connector.fetch(account, cursor)
        yield from _new(page, seen)
        _tell(page, note)
        if not page.more:
            return
        cursor = page.cursor
        if cursor in places:
            raise UnexpectedResponseError(f"account {name!r}: the platform leads in a circle after {turn + 1} pages")
        places.add(cursor)
        if turn == max_pages - 1:
            note(f"stopped after {max_pages} pages, more waits; raise --max-pages")


def _named(settings: Settings, name: str) -> tuple[str, AccountRow]:
    """The account of that name, or the one query by which it is read."""
    read = tuple(readings(settings))
    several = [r for r in read if base_of(r.row.name) == name]
    found = [r for r in read if r.row.name == name] or several
    if len(found) == 1:
        return found[0].key, found[0].row
    if found:
        names = ", ".join(r.row.name for r in found)
        raise ConfigError((f"{found[0].key}: {name!r} is read as {len(found)} searches; name one of {names}",))
    row = next(((f"accounts[{n}]", r) for n, r in enumerate(settings.accounts, 1) if r.name == name), None)
    if row is not None:
        return row
    known = ", ".join(r.name for r in settings.accounts) or "none"
    raise ConfigError((f"accounts: {name!r} is unknown; known are {known}",))


def brief(post: Post) -> str:
    """A post as one line for a person."""
    who = (post.author and (post.author.handle or post.author.name)) or "-"
    return f"{rfc3339(post.created_at) or '-'}  {post.kind:7}  {who}: {' '.join(post.text.split())}"


def _new(page: Page, seen: set[tuple[str, str, str, str]]) -> Iterator[Post]:
    for post in page.posts:
        version = (*post.key, post.content_digest)
        if version not in seen:
            seen.add(version)
            yield post


def _tell(page: Page, note: Callable[[str], None]) -> None:
    for gap in page.gaps:
        note(f"gap from {gap.start or 'the beginning'} to {gap.end or 'now'}: {gap.why}")
    for oddity in page.oddities:
        note(f"set aside: {oddity.why} ({len(oddity.raw)} bytes)")
