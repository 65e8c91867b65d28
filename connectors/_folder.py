"""What lies in an archive's folder: files of records, zip files, and downloads that were unpacked there.

Names alone decide. A file that belongs to a download of a platform is never taken for a file of records, because it may
hold private messages.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from connectors._download import FORMATS
from connectors._html import clean
from connectors._meta_archive import PRIVATE
from connectors.errors import AccountNotFoundError, PermanentError

_RECORDS = {".jsonl", ".ndjson", ".json", ".csv"}
_LOOSE = {".jsonl", ".ndjson", ".csv"}  # beside an unpacked download no platform puts such
_SEEN = _RECORDS | {".zip", ".js", ".html"}
_MOST_FILES = 10_000
_MOST_NAMES = 500_000
_SIGNS = (*(form.sign for form in FORMATS), PRIVATE)


@dataclass(kw_only=True)
class Listing:
    """Files by name below the target, in the order of their names; downloads by the folder that they begin in."""

    files: dict[str, Path] = field(default_factory=dict)
    zips: dict[str, Path] = field(default_factory=dict)
    downloads: dict[str, dict[str, Path]] = field(default_factory=dict)
    single: bool = False


def listing(target: Path) -> Listing:
    """What there is to read.

    Raises:
        AccountNotFoundError: there is no such folder or file.
        PermanentError: it must not be read, or holds too many files.
    """
    try:
        root = target.resolve(strict=True)
        single = root.is_file()
        found = _sorted_out([root] if single else _walk(root), root.parent if single else root)
    except FileNotFoundError:
        raise AccountNotFoundError(f"there is no folder or file {str(target)!r}: check the account's target") from None
    except OSError as exc:
        raise PermanentError(
            f"{str(target)!r} cannot be read ({exc.strerror}): give the service's user access"
        ) from exc
    if len(found.files) > _MOST_FILES:
        raise PermanentError(f"{str(target)!r} holds more than {_MOST_FILES} files: move those away that are read")
    found.single = single
    return found


def opened(path: Path, name: str) -> io.BufferedReader:
    """The file for reading; only a plain file that lies in the folder itself.

    Raises:
        OSError: it is a link that leads out, no plain file, or may not be read.
    """
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


def _walk(root: Path) -> Iterator[Path]:
    def fail(problem: OSError) -> None:
        raise problem  # a folder that is passed over in silence would never be missed

    seen = 0
    for folder, inner, names in os.walk(root, onerror=fail):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        seen += len(names)
        if seen > _MOST_NAMES:
            raise PermanentError(f"{str(root)!r} holds more than {_MOST_NAMES} files: point to a folder of exports")
        yield from (
            Path(folder, name) for name in names if not name.startswith(".") and Path(name).suffix.lower() in _SEEN
        )


def _sorted_out(paths: Iterable[Path], root: Path) -> Listing:
    """Each file to what it belongs to: a download that lies unpacked, else by its ending."""
    named = sorted((path.relative_to(root).as_posix(), path) for path in paths)
    homes = _homes(path.as_posix() for _, path in named)
    found = Listing()
    for name, path in named:
        full, ending = path.as_posix(), path.suffix.lower()
        home = next((home for home in homes if full.startswith(home)), None)
        inside = full.removeprefix(home) if home is not None else full
        if home is not None and ("/" in inside or ending not in _LOOSE | {".zip"}):
            found.downloads.setdefault(home, {})[clean(inside)] = path
        elif ending == ".zip":
            found.zips[clean(name)] = path
        elif ending in _RECORDS or len(named) == 1:
            found.files[clean(name)] = path
    return found


def _homes(names: Iterable[str]) -> list[str]:
    """The folders in which downloads begin, none within another."""
    starts: set[str] = set()
    for name in names:
        begun = [match.start() for sign in _SIGNS if (match := sign.search(name)) is not None]
        if begun:
            starts.add(name[: min(begun)])
    homes: list[str] = []
    for start in sorted(starts, key=len):
        if not any(start.startswith(home) for home in homes):
            homes.append(start)
    return homes
