"""What the settings allow and an operator should know: nothing here keeps the service from starting."""

from __future__ import annotations

import os
import stat
from collections.abc import Container, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from alerts.ordinary import is_ordinary
from alerts.term import words
from alerts.wording import platform_name
from alerts.writing import LANGUAGES_OF_X
from connectors import approval, permission, registry
from connectors.errors import RefusedAddressError
from connectors.http import is_public, origin_of
from connectors.post import Account
from connectors.tariff import TARIFFS
from watcher.config import AccountRow, Settings
from watcher.enrolment import account_of
from watcher.problem import full_key
from watcher.secret import Secret
from watcher.terms import is_answers, is_sought, plan_of, schools_of
from watcher.trial import ungranted

# X asks that what was deleted there goes here, too, and Watcher seldom sees it: so it keeps nothing of X for long.
_X_DAYS = 30
# A role-holder's time that ended this long ago was forgotten rather than just over.
_LONG = timedelta(days=30)
_OTHERS = stat.S_IRGRP | stat.S_IROTH
_BY_ADDRESS = ("rss", "wordpress", "forum")
# Names that are never those of a public host.
_INSIDE = ("localhost", "local", "internal", "lan", "home.arpa", "intranet")


def cautions(settings: Settings, today: date, granted: Container[str] = ()) -> Iterator[str]:
    """All of them, each with its key; ``granted`` are the accounts whose owners have given a token."""
    yield from _approvals(settings, today)
    names = {(row.platform, row.name) for row in settings.apps} | {(c.platform, c.app) for c in settings.budget.caps}
    for number, row in enumerate(settings.accounts, 1):
        if row.platform not in registry.known():
            continue
        key = f"accounts[{number}]"
        if row.token is None and row.name not in granted:
            why = ungranted(account_of(row))
            if why is not None:
                yield f"{key} ({row.name}): {why}"
        if row.app is not None and (row.platform, row.app) not in names:
            yield (
                f"{key}.app: no [[apps]] and no [[budget.caps]] of {row.platform} is called {row.app!r}; "
                "write the name of one, or leave it out"
            )
        yield from _unreadable(key, account_of(row))
    yield from _kept(settings)
    yield from _limits(settings, today)
    yield from _ended(settings, today)
    yield from _alike(settings)
    yield from _not_sought(settings, today)
    yield from _twice_read(settings)
    yield from _open_files(settings)


def _approvals(settings: Settings, today: date) -> Iterator[str]:
    for number, row in enumerate(settings.approvals, 1):
        if row.on > today:
            yield (
                f"approvals[{number}].on: {row.on} is in the future; until that day {row.platform} counts as not "
                "approved. Write the day of the platform's answer"
            )
        if row.keeps is not None and row.platform not in approval.STORAGE:
            yield f"approvals[{number}].keeps: {row.platform} has no storage limit that is known; it may be left out"


def _unreadable(key: str, account: Account) -> Iterator[str]:
    """What can never be read as it is written, whatever the platform answers."""
    never = [read for read in account.reads if read != "posts"]
    if account.platform == "tiktok" and never:
        yield (
            f"{key}.reads: {', '.join(never)} cannot be read on TikTok, and the account is not read at all; "
            f'write reads = ["posts"] ({permission.UNREADABLE["tiktok"]})'
        )
    if account.platform == "archive" and not Path(account.target).expanduser().exists():
        yield f"{key}.target: there is no folder or file {account.target!r} yet; make it, or write where it is"
    if account.platform in _BY_ADDRESS:
        yield from _closed(key, account)


def _closed(key: str, account: Account) -> Iterator[str]:
    """An address that Watcher never talks to, so that nobody can point it at what lies behind a firewall."""
    where = "target" if account.base_url is None else "base_url"
    address = (account.base_url or account.target).strip()
    if account.platform != "rss" and "://" not in address:
        address = f"https://{address}"
    try:
        origin_of(address)
    except RefusedAddressError as error:
        yield f"{key}.{where}: {error}; write the address as the browser shows it, with https:// in front"
        return
    host = (urlsplit(address).hostname or "").rstrip(".")
    is_number = ":" in host or host.rpartition(".")[2].isdigit()
    inside = not is_public(host) if is_number else any(host == name or host.endswith(f".{name}") for name in _INSIDE)
    if inside and not account.allow_private:
        yield (
            f"{key}.{where}: {host} is on a private network, where Watcher reads nothing; write a public address, "
            "or allow_private = true where this very address is meant"
        )


def _kept(settings: Settings) -> Iterator[str]:
    """X wants deletions honoured, of which Watcher sees few there: what it keeps of X has to go soon by itself."""
    own = (approval.required(account_of(row)) for row in settings.accounts if row.platform == "x")
    days = settings.retention.posts_days
    if days > _X_DAYS and any(own):
        yield (
            f"retention.posts_days: {days} days, and of X's posts only those that matters rest on are looked at "
            "again, three times within a week, as each asking is paid; what else was deleted at X stays until then. X "
            "asks that it goes within 24 hours of X's or the author's word, otherwise as soon as possible: write "
            f"{_X_DAYS} or less (docs/platforms/x.md, Deletions and storage)"
        )


def _limits(settings: Settings, today: date) -> Iterator[str]:
    """The storage limits of platforms that are in force, and what agreement is recorded."""
    agreed = {row.platform: number for number, row in enumerate(settings.approvals, 1) if row.keeps and row.on <= today}
    for platform in sorted({row.platform for row in settings.accounts} & approval.STORAGE.keys()):
        rule = approval.STORAGE[platform]
        covered = "every post" if rule.own is not None else "what others than the school wrote"
        names = "" if rule.authors is None else f", and its author {approval.in_words(rule.authors)} after"
        goes = f"{covered} goes {approval.in_words(rule.others)} after it was last fetched{names} ({rule.source})"
        if platform in agreed:
            yield (
                f"approvals[{agreed[platform]}].keeps: {platform}: {goes}; but what a matter rests on stays as long as "
                "the matter, as recorded here"
            )
        else:
            yield (
                f"retention: {platform}: {goes}; of a matter the reference, the reasons and the scores stay, without "
                f'the text. Where {platform_name(platform)} agreed to more, write keeps = "{approval.KEEPS}" into its '
                f"[[approvals]] (docs/platforms/{platform}.md)"
            )


def _ended(settings: Settings, today: date) -> Iterator[str]:
    for number, school in enumerate(settings.schools, 1):
        for place, holder in enumerate(school.role_holders, 1):
            if holder.end + _LONG < today:
                yield (
                    f"schools[{number}].role_holders[{place}].until: {holder.end} is long past, so {holder.name} is "
                    "not looked for any more; write who holds the role now, or take the entry out"
                )


# what is looked for ---------------------------------------------------------------------------------------------------


def _alike(settings: Settings) -> Iterator[str]:
    """Schools that nothing tells apart, and names that nothing but the town makes a school's."""
    seen: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = {}
    for number, school in enumerate(settings.schools, 1):
        name, town = words(school.name), words(school.town or "")
        first = seen.setdefault((name, town), school.id)
        if first != school.id:
            yield (
                f"schools[{number}].name: {school.name!r} is called like {first!r} and is in the same town, so posts "
                "that name one count for both; write the name as the other does not bear it, or take one entry out"
            )
        if name and not town and is_ordinary(name):
            yield (
                f"schools[{number}].town: missing; {school.name!r} is made of ordinary words and tells of the school "
                "only beside its town: write it"
            )


def _not_sought(settings: Settings, today: date) -> Iterator[str]:
    """Terms that no query holds, and languages by which X cannot be asked."""
    untold: set[str] = set()
    for number, row in enumerate(settings.accounts, 1):
        if not is_sought(row):
            continue
        left = plan_of(settings, row, today).left
        long = sorted({one.term.text for one, why in left if why.startswith("longer")})
        if long:
            yield (
                f"accounts[{number}].target: {', '.join(repr(text) for text in long)} cannot be looked for on "
                f"{row.platform}, which takes no query of that length; write something shorter"
            )
        if row.platform == "x" and not is_answers(row):
            untold.update(school.id for school in schools_of(settings, row))
    for number, school in enumerate(settings.schools, 1):
        codes = sorted(set(school.languages) - LANGUAGES_OF_X)
        if codes and school.id in untold:
            yield (
                f"schools[{number}].languages: X cannot tell {', '.join(codes)} and is not asked for it, so posts in "
                "it are found by tags, handles, or where X cannot tell the language at all; leave languages out to "
                "look in all of them"
            )


def _twice_read(settings: Settings) -> Iterator[str]:
    """Accounts that read the same, and searches written by hand beside one that Watcher builds and pays for."""
    seen: dict[tuple[str, ...], tuple[int, AccountRow]] = {}
    for number, row in enumerate(settings.accounts, 1):
        if is_sought(row):
            continue
        for read in row.reads:
            place = (row.platform, (row.target or "").strip().removeprefix("@").casefold(), row.base_url or "", read)
            first, other = seen.setdefault(place, (number, row))
            if first != number:
                yield (
                    f"accounts[{number}].target: {row.target!r} is read by accounts[{first}] ({other.name}) already, "
                    "so each post is asked for, and where posts cost, paid for twice; keep one of them"
                )
                break
        yield from _beside_built(settings, f"accounts[{number}]", row)


def _beside_built(settings: Settings, key: str, row: AccountRow) -> Iterator[str]:
    tariff = TARIFFS.get(row.platform)
    if "search" not in row.reads or tariff is None or not tariff.dollars_post:
        return
    mine = {school.id for school in schools_of(settings, row)}
    for other in settings.accounts:
        built = other.platform == row.platform and is_sought(other) and not is_answers(other)
        if built and mine & {school.id for school in schools_of(settings, other)}:
            yield (
                f"{key}.target: {other.name} looks for the same schools by their terms, and a post that both find is "
                "paid for twice; leave this search out, or write in it what no term of the schools finds"
            )
            return


# secrets --------------------------------------------------------------------------------------------------------------


def _open_files(settings: Settings) -> Iterator[str]:
    """Files with a secret that other users of this machine can read."""
    if os.name == "nt":  # where the mode says nothing of who may read
        return
    told: set[str] = set()
    for place, secret in _secrets(settings):
        if secret.file is None or secret.file in told:
            continue
        told.add(secret.file)
        try:
            mode = Path(secret.file).stat().st_mode
        except OSError:
            continue
        if mode & _OTHERS:
            yield (
                f"{full_key(place)}: other users of this machine can read {secret.file}; "
                f"let the service's user alone: chmod 600 {secret.file}"
            )


def _secrets(value: Any, place: tuple[int | str, ...] = ()) -> Iterator[tuple[tuple[int | str, ...], Secret]]:
    """Each secret that the settings name, with its place."""
    if isinstance(value, Secret):
        yield place, value
    elif isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            yield from _secrets(getattr(value, name), (*place, field.alias or name))
    elif isinstance(value, tuple):
        for number, one in enumerate(value):
            yield from _secrets(one, (*place, number))
