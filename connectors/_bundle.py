"""A download's files, in a zip file or unpacked in a folder: named, never extracted, opened one by one.

A zip file from elsewhere is hostile until shown otherwise: what is encrypted, links elsewhere, names a place outside
of itself or is packed like a bomb is refused with what to do. What is not asked for is never decompressed.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from connectors.errors import PermanentError

_MOST_MEMBERS = 100_000
_LARGEST_READ = 32 * 1024 * 1024  # bytes that the list of members may take
_LARGEST_MEMBER = 2 * 1024**3
_SMALL = 16 * 1024 * 1024
_MOST_PACKED = 200  # times; lists of posts are packed to a tenth or so
_EDGE = 64 * 1024
_DRIVE = re.compile(r"[A-Za-z]:")
_AGAIN = "ask the platform for a new download"
# Whatever a broken or hostile file makes of the library.
_BROKEN = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OverflowError,
    IndexError,
    ValueError,
    struct.error,
    zlib.error,
)
# What a member that is broken makes of it while it is read.
_TORN = (zipfile.BadZipFile, NotImplementedError, EOFError, zlib.error)


class Bundle(Protocol):
    """The files of one download."""

    def names(self) -> Iterable[str]:
        """The names of all files, with slashes."""
        ...

    def stamp(self, name: str) -> str:
        """What changes when the file's content does."""
        ...

    def check(self, name: str) -> None:
        """Whether a file may be opened.

        Raises:
            PermanentError: it is refused; the text says why.
        """
        ...

    def open(self, name: str) -> BinaryIO:
        """One file to read from; it can be told to seek.

        Raises:
            PermanentError: it is refused; the text says why.
            OSError: it cannot be read.
        """
        ...


class ZipBundle:
    """A download as a zip file."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the list of members.

        Raises:
            PermanentError: it is no whole zip file, or is refused; the text says why.
        """
        self._file = _Guarded(file)
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._twice: set[str] = set()
        try:
            self._zip = zipfile.ZipFile(self._file, "r")
            self._list()
        except _BROKEN as exc:
            self.close()
            raise PermanentError(f"it is no zip file, or not whole: {_AGAIN}") from exc
        except PermanentError:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _list(self) -> None:
        found = self._zip.infolist()
        if len(found) > _MOST_MEMBERS:
            raise PermanentError(f"it holds more than {_MOST_MEMBERS} files: unpack it and point to the folder")
        for member in found:
            _refuse_name(member)
            name = member.filename.replace("\\", "/")
            self._twice |= {name} & self._members.keys()
            self._members[name] = member

    def names(self) -> Iterable[str]:
        """The names of all files, with slashes."""
        return [name for name in self._members if not name.endswith("/")]

    def stamp(self, name: str) -> str:
        """What changes when the file's content does: its check sum and size."""
        member = self._members[name]
        return f"{member.CRC:08x}-{member.file_size}"

    def check(self, name: str) -> None:
        """Whether a member may be opened.

        Raises:
            PermanentError: it is encrypted, there twice, packed in an unusual way, or a bomb.
        """
        if name in self._twice:
            raise PermanentError(f"it holds {name} twice: {_AGAIN}")
        _refuse_content(self._members[name], name)

    def open(self, name: str) -> BinaryIO:
        """One member; its bytes are decompressed as they are read.

        Raises:
            PermanentError: it is refused; the text says why.
        """
        self.check(name)
        try:
            return cast(BinaryIO, self._zip.open(self._members[name]))
        except _BROKEN as exc:
            raise PermanentError(f"{name} in it is broken: {_AGAIN}") from exc


def mark_of(file: BinaryIO) -> str:
    """A digest by which a zip file is known again, whatever it is called: of its size, its begin and its end."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    begin = file.read(4096)
    file.seek(max(0, size - _EDGE))
    return hashlib.sha256(begin + file.read(_EDGE) + str(size).encode()).hexdigest()[:16]


class FolderBundle:
    """A download that lies unpacked; ``files`` are its files by name, ``opened`` opens one of them safely."""

    def __init__(self, files: Mapping[str, Path], opened: Callable[[Path, str], BinaryIO]) -> None:
        self._files, self._opened = files, opened

    def names(self) -> Iterable[str]:
        """The names of all files, with slashes."""
        return self._files.keys()

    def stamp(self, name: str) -> str:
        """What changes when the file's content does: its size and time."""
        try:
            status = self._files[name].stat()
        except OSError:
            return "gone"
        return f"{status.st_size}-{status.st_mtime_ns}"

    def check(self, name: str) -> None:
        """Any file may be opened; whether it can is seen then."""

    def open(self, name: str) -> BinaryIO:
        """One file.

        Raises:
            OSError: it cannot be read, or is a link that leads out of the folder.
        """
        return self._opened(self._files[name], name)


class _Guarded(io.BufferedReader):
    """A file of which nobody reads a huge stretch at once, as the list of members may ask for."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(io.FileIO(os.dup(file.fileno()), "rb"))

    def read(self, size: int | None = -1, /) -> bytes:
        """As any file, up to a bound; to the end only the library's look at the last few bytes asks for.

        Raises:
            zipfile.BadZipFile: more is asked for.
        """
        if size is not None and size > _LARGEST_READ:
            raise zipfile.BadZipFile("its list of members is too long")
        return super().read(size)


def _refuse_name(member: zipfile.ZipInfo) -> None:
    """Refuse a zip file for a member that lies outside of it, or is a link: no platform makes such."""
    name = member.orig_filename.replace("\\", "/")
    if name.startswith("/") or _DRIVE.match(name) or ".." in name.split("/") or "\0" in name:
        raise PermanentError(f"it names a file outside of itself ({name[:60]!r}), so it is refused: {_AGAIN}")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise PermanentError(f"it holds a link ({name[:60]!r}), so it is refused: {_AGAIN}")


def _refuse_content(member: zipfile.ZipInfo, name: str) -> None:
    if member.flag_bits & 0x1:
        raise PermanentError("it is encrypted: unpack it with its password and point to the folder")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise PermanentError(f"{name} in it is packed in an unusual way: {_AGAIN}")
    packed = max(member.compress_size, 1)
    if member.file_size > _LARGEST_MEMBER or (member.file_size > _SMALL and member.file_size > _MOST_PACKED * packed):
        raise PermanentError(f"{name} in it would unpack to {member.file_size} bytes, as bombs do, so it is refused")


def reading_problem(exc: Exception, name: str) -> str | None:
    """What to say of an error while a file was being read; nothing where it is no such error."""
    if isinstance(exc, OSError):
        return f"{name} cannot be read: {exc.strerror or type(exc).__name__}"
    return f"{name} in it is broken: {_AGAIN}" if isinstance(exc, _TORN) else None
