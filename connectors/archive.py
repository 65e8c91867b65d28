"""Reads exports and history from files: JSON Lines, JSON lists, CSV, and the downloads that platforms give owners."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from connectors._bundle import Bundle, FolderBundle, ZipBundle, mark_of
from connectors._download import Find, Progress, read_download
from connectors._folder import Listing, listing, opened
from connectors._html import clean
from connectors._lines import Mark, Record, is_same, records, sealed
from connectors._record import read_record
from connectors.errors import PermanentError
from connectors.post import Account, Cursor, Oddity, Page, Post, rfc3339

_PAGE_SIZE = 500
_MOST_FILES, _MOST_DOWNLOADS = 10_000, 500  # that are remembered
_QUIET_S = 30.0  # nobody has written to the file for so long: what it ends with is its end
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class ArchiveConnector:
    """Reads files on this machine; ``target`` is a folder, or one file.

    Files are read in the order of their names and remembered by their bytes: appended lines are read once, a renamed
    file is not read again, a rewritten one is. An unfinished last line waits. Links that lead out of the folder are
    refused. A record has the fields of a post; ``id`` and ``text`` must be there.

    A download that X, Facebook, Instagram or Google Takeout gave an account's owner, as a zip file or unpacked, is
    read too: its public items only, everything else in it stays unopened. ``until`` is a day, such as ``2026-09-01``,
    from which on a download's posts are left to the live platform.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        page_size: int | None = None,
        until: str | None = None,
    ) -> None:
        """``timeout_s`` is taken for the sake of likeness; a page ends early when ``total_s`` is half over.

        Raises:
            PermanentError: ``until`` is no day.
        """
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size = page_size or _PAGE_SIZE
        self._until = _day(until)

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next records, oldest first within the page.

        Raises:
            AccountNotFoundError: there is no such folder or file.
            PermanentError: it must not be read, or holds too many files; the one file is no download or is refused.
        """
        old, known = _load(cursor)
        new: dict[str, Mark] = {}
        find = Find(room=self._page_size, ends=time.monotonic() + self._total_s / 2, until=self._until)
        found = listing(Path(account.target).expanduser())
        for name in found.files:
            find.more = find.more or find.full
            if find.more:
                break
            new[name] = _read(account, name, found.files, old, find)
        reached = dict(known)
        for key, read in _downloads(account, found, known, find):
            find.more = find.more or find.full
            if find.more:
                break
            reached.update(read(key))
        return Page(
            posts=tuple(sorted(find.posts, key=_times)),
            cursor=_dump({**old, **new}, reached),
            more=find.more,
            oddities=tuple(find.oddities),
        )


def _times(post: Post) -> tuple[datetime, datetime]:
    """What posts are sorted by: when they were written, and the versions of one when they were edited."""
    created = post.created_at or _EARLIEST
    return created, post.edited_at or created


def _day(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        day = datetime.fromisoformat(str(text))
    except ValueError:
        raise PermanentError(f"until must be a day such as 2026-09-01, not {str(text)[:40]!r}") from None
    return day.replace(tzinfo=UTC) if day.tzinfo is None else day.astimezone(UTC)


def _downloads(
    account: Account, found: Listing, known: Mapping[str, Progress], find: Find
) -> Iterator[tuple[str, Callable[[str], Mapping[str, Progress]]]]:
    """Each download by its name, with what reads on in it and gives its progress by key."""
    reader = _Downloads(account, found, known, find)
    yield from ((name, reader.unpacked) for name in found.downloads)
    yield from ((name, reader.zipped) for name in found.zips)


class _Downloads:
    """Reads downloads for one page; one that is refused is told of once, and raised where it is the whole target."""

    def __init__(self, account: Account, found: Listing, known: Mapping[str, Progress], find: Find) -> None:
        self._account, self._found, self._known, self._find = account, found, known, find
        # Read under other conditions it gives other posts, so it is read again.
        self._how = f"{'own' if account.official else 'other'}:{rfc3339(find.until) or ''}"

    def unpacked(self, name: str) -> Mapping[str, Progress]:
        """A download in a folder."""
        files, key = self._found.downloads[name], f"folder:{self._how}:{name}"
        return self._kept(clean(Path(name).name) or "the folder", key, FolderBundle(files, opened))

    def zipped(self, name: str) -> Mapping[str, Progress]:
        """A download in a zip file, which is known again by its bytes, whatever it is called."""
        try:
            with opened(self._found.zips[name], name) as file:
                key = f"zip:{self._how}:{mark_of(file)}"
                if key in self._known and self._known[key].done:
                    return {}
                with closing(ZipBundle(file)) as bundle:
                    return self._kept(name, key, bundle)
        except OSError as exc:
            return self._refused(name, f"name:{name}", _refusal(exc))
        except PermanentError as exc:
            return self._refused(name, f"name:{name}", str(exc))

    def _kept(self, name: str, key: str, bundle: Bundle) -> Mapping[str, Progress]:
        try:
            return {key: read_download(bundle, name, self._account, self._known.get(key, Progress()), self._find)}
        except PermanentError as exc:
            return self._refused(name, key, str(exc))

    def _refused(self, name: str, key: str, why: str) -> Mapping[str, Progress]:
        """Tell of a download that is not read.

        Raises:
            PermanentError: there is nothing else to read.
        """
        if self._found.single:
            raise PermanentError(f"{name} is not read: {why}")
        before = self._known.get(key, Progress())
        if why in before.told:
            return {}
        self._find.oddities.append(Oddity(raw=b"", why=f"{name} is not read: {why}"))
        return {key: replace(before, told=(*before.told, why))}


def _read(account: Account, name: str, files: dict[str, Path], old: dict[str, Mark], find: Find) -> Mark:
    """Read on in one file, as far as the page has room."""
    mark = old.get(name)
    try:
        with opened(files[name], name) as file:
            status = os.fstat(file.fileno())
            stamp = (status.st_size, status.st_mtime_ns)
            if mark is not None and mark.stamp == stamp:
                return mark
            if mark is None or not is_same(file, mark, status.st_size):
                mark = _renamed(file, status.st_size, old, files) or Mark(name=name)
            return _read_on(account, file, replace(mark, stamp=None), stamp, find)
    except OSError as exc:
        why = f"{name} is not read: {_refusal(exc)}"
        if mark is None or mark.told != why:
            find.oddities.append(Oddity(raw=b"", why=why))
        return replace(mark or Mark(name=name), told=why)


def _refusal(exc: OSError) -> str:
    if isinstance(exc, PermissionError):
        return "the service's user may not read it"
    return exc.strerror or type(exc).__name__


def _renamed(file: BinaryIO, size: int, old: dict[str, Mark], files: dict[str, Path]) -> Mark | None:
    """The mark of a file that bore another name last time, so that its lines are not read twice."""
    for former, mark in old.items():
        if mark.length and is_same(file, mark, size) and not _is_still_there(former, mark, files):
            return mark
    return None


def _is_still_there(name: str, mark: Mark, files: dict[str, Path]) -> bool:
    if name not in files:
        return False
    try:
        with opened(files[name], name) as file:
            return is_same(file, mark, os.fstat(file.fileno()).st_size)
    except OSError:
        return False


def _read_on(account: Account, file: BinaryIO, mark: Mark, stamp: tuple[int, int], find: Find) -> Mark:
    size, quiet = stamp[0], time.time() - stamp[1] / 1e9 > _QUIET_S
    is_csv = mark.name.lower().endswith(".csv")
    while find.room > 0:
        begun = mark
        for record in records(file, mark, size, is_csv=is_csv, quiet=quiet):
            _take(account, record, mark.name, find)
            mark = record.after
            if find.room <= 0:
                break
        if mark.offset == begun.offset:
            ended = mark.listed or mark.offset >= size or bool(mark.told)
            return replace(sealed(file, mark), stamp=stamp if ended else None)
    find.more = True
    return sealed(file, mark)


def _take(account: Account, record: Record, file: str, find: Find) -> None:
    if record.value is None and record.why is None:
        return
    find.room -= 1
    why = record.why
    if why is None:
        try:
            find.posts.append(read_record(record.value, account, file, record.raw))
        except (ValueError, TypeError, OverflowError, RecursionError) as exc:
            why = str(exc)[:200]
    if why is not None:
        find.oddities.append(Oddity(raw=record.raw, why=f"{file}, line {record.line}: {why}"))


def _load(cursor: Cursor | None) -> tuple[dict[str, Mark], dict[str, Progress]]:
    if cursor is None:
        return {}, {}
    try:
        state = json.loads(cursor.state)
        files = {name: Mark.load(mark) for name, mark in state["files"].items()}
        downloads = {name: Progress.load(one) for name, one in state.get("downloads", {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return {}, {}  # of another version: begin anew, the store knows what it has
    return files, downloads


def _dump(marks: dict[str, Mark], downloads: dict[str, Progress]) -> Cursor:
    files = {name: mark.dump() for name, mark in list(marks.items())[-_MOST_FILES:]}
    state: dict[str, Any] = {"files": files}
    if downloads:
        state["downloads"] = {name: one.dump() for name, one in list(downloads.items())[-_MOST_DOWNLOADS:]}
    return Cursor(state=json.dumps(state, separators=(",", ":")))
