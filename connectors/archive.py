"""Reads exports and history from files: JSON Lines, JSON lists and CSV, dropped in a folder."""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from connectors._lines import Mark, Record, is_same, records, sealed
from connectors._record import read_record
from connectors.errors import AccountNotFoundError, PermanentError
from connectors.post import Account, Cursor, Oddity, Page, Post

_PAGE_SIZE = 500
_ENDINGS = {".jsonl", ".ndjson", ".json", ".csv"}
_MOST_FILES = 10_000
_QUIET_S = 30.0  # nobody has written to the file for so long: what it ends with is its end
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(kw_only=True)
class _Find:
    """What one fetch has gathered, and whether the page is full."""

    room: int
    posts: list[Post] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    more: bool = False


class ArchiveConnector:
    """Reads files on this machine; ``target`` is a folder, or one file.

    Files are read in the order of their names and remembered by their bytes: appended lines are read once, a renamed
    file is not read again, a rewritten one is. An unfinished last line waits. Links that lead out of the folder are
    refused. A record has the fields of a post; ``id`` and ``text`` must be there.
    """

    def __init__(self, *, timeout_s: float = 10.0, total_s: float = 30.0, page_size: int | None = None) -> None:
        """``timeout_s`` is taken for the sake of likeness; a page ends early when ``total_s`` is half over."""
        self._timeout_s, self._total_s = timeout_s, total_s
        self._page_size = page_size or _PAGE_SIZE

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next records, oldest first within the page.

        Raises:
            AccountNotFoundError: there is no such folder or file.
            PermanentError: it must not be read, or holds too many files.
        """
        old = _load(cursor)
        new: dict[str, Mark] = {}
        find = _Find(room=self._page_size)
        ends = time.monotonic() + self._total_s / 2
        files = _listing(Path(account.target).expanduser())
        for name in files:
            find.more = find.more or find.room <= 0 or time.monotonic() > ends
            if find.more:
                break
            new[name] = _read(account, name, files, old, find)
        return Page(
            posts=tuple(sorted(find.posts, key=lambda post: post.created_at or _EARLIEST)),
            cursor=_dump({**old, **new}),
            more=find.more,
            oddities=tuple(find.oddities),
        )


def _listing(target: Path) -> dict[str, Path]:
    """The files to read in the order of their names, which begin below the folder."""
    try:
        root = target.resolve(strict=True)
        if root.is_file():
            return {root.name: root}
        found = {path.relative_to(root).as_posix(): path for path in _walk(root)}
    except FileNotFoundError:
        raise AccountNotFoundError(f"there is no folder or file {str(target)!r}: check the account's target") from None
    except OSError as exc:
        raise PermanentError(
            f"{str(target)!r} cannot be read ({exc.strerror}): give the service's user access"
        ) from exc
    if len(found) > _MOST_FILES:
        raise PermanentError(f"{str(target)!r} holds more than {_MOST_FILES} files: move those away that are read")
    return dict(sorted(found.items()))


def _walk(root: Path) -> Iterator[Path]:
    def fail(problem: OSError) -> None:
        raise problem  # a folder that is passed over in silence would never be missed

    for folder, inner, names in os.walk(root, onerror=fail):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        yield from (
            Path(folder, name) for name in names if not name.startswith(".") and Path(name).suffix.lower() in _ENDINGS
        )


def _read(account: Account, name: str, files: dict[str, Path], old: dict[str, Mark], find: _Find) -> Mark:
    """Read on in one file, as far as the page has room."""
    mark = old.get(name)
    try:
        with _opened(files[name], name) as file:
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


def _opened(path: Path, name: str) -> BinaryIO:
    """The file for reading; only a plain file that lies in the folder itself."""
    root = path
    for _ in Path(name).parts:
        root = root.parent
    real = path.resolve(strict=True)
    if not real.is_relative_to(root):
        raise OSError(errno.ELOOP, "it is a link that leads out of the folder")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(real, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is no plain file")
    return os.fdopen(descriptor, "rb")


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
        with _opened(files[name], name) as file:
            return is_same(file, mark, os.fstat(file.fileno()).st_size)
    except OSError:
        return False


def _read_on(account: Account, file: BinaryIO, mark: Mark, stamp: tuple[int, int], find: _Find) -> Mark:
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


def _take(account: Account, record: Record, file: str, find: _Find) -> None:
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


def _load(cursor: Cursor | None) -> dict[str, Mark]:
    if cursor is None:
        return {}
    try:
        return {name: Mark.load(state) for name, state in json.loads(cursor.state)["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}  # of another version: begin anew, the store knows what it has


def _dump(marks: dict[str, Mark]) -> Cursor:
    files = {name: mark.dump() for name, mark in list(marks.items())[-_MOST_FILES:]}
    return Cursor(state=json.dumps({"files": files}, separators=(",", ":")))
