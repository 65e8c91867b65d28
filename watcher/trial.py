"""Trying an account for ``watcher doctor``: each read by itself, a few posts at most, and what it may not read."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from alerts.wording import counted
from connectors import approval, permission, registry
from connectors.connector import Connector
from connectors.errors import ConnectorError
from connectors.post import Account, Gap
from watcher.config import AccountRow, Settings
from watcher.enrolment import account_of
from watcher.permission import command
from watcher.terms import base_of

# X charges for each post: to see whether it can be read needs no more than the fewest that it gives.
_FEW: Mapping[str, Mapping[str, Any]] = {"x": {"page_size": 10}}
# These show nothing to anybody without a token; of the reads below only the account's own token shows.
_ALWAYS = frozenset(
    ("x", "facebook", "instagram", "threads", "linkedin", "tiktok", "youtube", "google_reviews", "reddit")
)
_OWN_READS: Mapping[str, frozenset[str]] = {
    "bluesky": frozenset(("mentions",)),
    "mastodon": frozenset(("mentions",)),
}


def approved_by(settings: Settings, today: date) -> frozenset[str]:
    """The platforms whose approval the settings record as given by that day."""
    return approval.granted(((row.platform, row.on) for row in settings.approvals), today)


def off(row: AccountRow, approved: Container[str]) -> str | None:
    """Why an account may not be asked for yet, or ``None``."""
    account = account_of(row)
    needed = approval.missing(account, approved)
    return None if needed is None else approval.told(needed, account.platform)


def _wants_token(account: Account) -> bool:
    """Whether nothing, or not all, of what an account reads can be read without a token.

    Where the operator put an address of their own in between, that may add one.
    """
    if account.base_url is not None and account.platform not in _OWN_READS:
        return False
    return account.platform in _ALWAYS or not _OWN_READS.get(account.platform, frozenset()).isdisjoint(account.reads)


def ungranted(account: Account, *, wholly: bool = False) -> str | None:
    """Why an account that was given no token cannot be read, some of it or ``wholly``, or ``None`` where it can."""
    if (account.token or "").strip() or not _wants_token(account) or (wholly and account.platform in _OWN_READS):
        return None
    how = command(account.platform, base_of(account.name))
    return f"no token: nobody has granted this; run `{how}` (docs/platforms/{account.platform}.md)"


def frugal(row: AccountRow) -> Connector | None:
    """A connector that reads as little as it can, where reading costs money; ``None`` where it does not."""
    few = _FEW.get(row.platform)
    return None if few is None else registry.load(row.platform, {**row.options, **few})


def tried(connector: Connector, account: Account) -> tuple[bool, str]:
    """Whether all reads of an account can be read, and of each what came, or why not and what to grant where."""
    found = list(_each(connector, account))
    said = "; ".join(text for _, text in found)
    never = permission.UNREADABLE.get(account.platform)
    return all(sound for sound, _ in found), f"{said}; {never}" if never else said


def _each(connector: Connector, account: Account) -> Iterator[tuple[bool, str]]:
    for read in account.reads:
        name = f"{read}: " if len(account.reads) > 1 else ""
        alone = replace(account, reads=(read,))
        try:
            page = connector.fetch(alone, None)
        except ConnectorError as error:
            found = permission.lacking(alone, str(error))
            yield False, f"{name}{type(error).__name__}: {error}{f'; {found}' if found else ''}"
        else:
            sound, more = _of_gaps(alone, page.gaps)
            yield sound, f"{name}{counted(len(page.posts), 'post')} on the first page{more}"


def _of_gaps(account: Account, gaps: tuple[Gap, ...]) -> tuple[bool, str]:
    """What a gap tells of a permission: some platforms leave out, without an error, what a token may not see."""
    for gap in gaps:
        found = permission.lacking(account, gap.why)
        if found is not None:
            return False, f", but {gap.why}; {found}"
    return True, ""
