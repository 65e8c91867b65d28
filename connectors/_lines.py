"""Reads a file of records from where the last reading ended, one bounded stretch at a time.

JSON Lines and CSV are read by byte offset, so that what is appended is read once; a JSON list is read by number.
A file whose bytes before the offset have changed is another file and is read from its beginning.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

_CHUNK = 4 * 1024 * 1024  # bytes looked at in one go
_LONGEST = 1024 * 1024  # bytes of one record
_KEPT = 64 * 1024  # bytes kept of a record that is too long
_PRINT = 4096  # bytes at the beginning and before the offset by which a file is known again
_LARGEST_LIST = 32 * 1024 * 1024
_NOT_UTF8 = "this is not UTF-8; save the file as UTF-8 (in Excel: CSV UTF-8)"

csv.field_size_limit(_LONGEST)  # one setting for the whole process, and this is its only reader of CSV


@dataclass(frozen=True, kw_only=True)
class Mark:
    """How far a file was read, and how to know it again.

    ``offset`` counts bytes, or items of a JSON list; ``head`` and ``tail`` are digests of the first ``length`` bytes
    and of those before the offset. ``name`` is what the file was called first, ``columns`` a CSV file's header,
    ``listed`` says that it is one JSON list, ``stamp`` is its size and time when it was read to its end, ``told`` a
    digest of the unfinished end that was already given.
    """

    name: str
    offset: int = 0
    line: int = 0
    length: int = 0
    head: str = ""
    tail: str = ""
    columns: tuple[str, ...] = ()
    delimiter: str = ","
    skipping: bool = False
    listed: bool = False
    stamp: tuple[int, int] | None = None
    told: str = ""

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Mark:
        """A mark from what `dump` gave."""
        values = dict(state)
        values["columns"] = tuple(values.get("columns", ()))
        values["stamp"] = tuple(values["stamp"]) if values.get("stamp") else None
        return cls(**values)

    def dump(self) -> dict[str, Any]:
        """The mark as JSON values, defaults left out."""
        plain = Mark(name="")
        return {key: value for key, value in vars(self).items() if key == "name" or value != getattr(plain, key)}


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record, or the reason why it is none, or neither: then it only moves the mark to ``after``."""

    raw: bytes
    line: int
    after: Mark
    value: Any = None
    why: str | None = None


def is_same(file: BinaryIO, mark: Mark, size: int) -> bool:
    """Whether a file still begins with what was read of it."""
    if not mark.length:
        return True
    if size < mark.length or _digest(_at(file, 0, mark.length)) != mark.head:
        return False
    return mark.listed or (size >= mark.offset and _before(file, mark.offset) == mark.tail)


def sealed(file: BinaryIO, mark: Mark) -> Mark:
    """The mark with the digests by which the file is known again."""
    if mark.listed:
        return mark
    length = min(mark.offset, _PRINT)
    return replace(mark, length=length, head=_digest(_at(file, 0, length)), tail=_before(file, mark.offset))


def records(file: BinaryIO, mark: Mark, size: int, *, is_csv: bool, quiet: bool) -> Iterator[Record]:
    """The records of the next stretch; ``quiet`` says that nobody has written to the file lately.

    Only then is an end without a line break given, and the offset stays before it, in case it goes on after all.
    """
    start = _at(file, 0, 4)
    if start[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        if mark.offset < size:
            yield Record(raw=start, line=1, after=replace(mark, offset=size), why=_NOT_UTF8)
    elif not is_csv and _at(file, 0, 1024).removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"[":
        yield from _listed(file, mark, size, quiet=quiet)
    else:
        chunk = _at(file, mark.offset, min(_CHUNK, size - mark.offset))
        stretch = _Stretch(mark, chunk, last=mark.offset + len(chunk) >= size)
        yield from (stretch.rows(quiet=quiet) if is_csv else stretch.lines(quiet=quiet))


class _Stretch:
    """A stretch of a file, cut into lines; keeps count of bytes and lines."""

    def __init__(self, mark: Mark, chunk: bytes, *, last: bool) -> None:
        self._mark, self._chunk, self._last = mark, chunk, last
        self._at = 0  # within the chunk
        self._base = mark.offset
        self._dry = False
        if mark.skipping:
            self._skip()
        elif mark.offset == 0 and chunk.startswith(b"\xef\xbb\xbf"):
            self._at = 3

    def lines(self, *, quiet: bool) -> Iterator[Record]:
        """JSON Lines; an end without a line break is taken where it is a whole object."""
        while (line := self._next()) is not None:
            if line.strip():
                yield self._judged(line)
            else:
                self._mark = self._after()
        rest = self._chunk[self._at :]
        if len(rest) > _LONGEST:
            yield from self._too_long(rest)
        elif self._last and rest.strip():
            value, why = _parsed(rest)
            if why is None:
                self._at, self._mark = len(self._chunk), replace(self._mark, line=self._mark.line + 1)
                yield Record(raw=rest, line=self._mark.line, after=self._after(), value=value)
            elif quiet:
                yield from self._unfinished(rest, None, f"the file ends within a line: {why}")
        yield Record(raw=b"", line=0, after=self._after())

    def rows(self, *, quiet: bool) -> Iterator[Record]:
        """CSV; the first row names the columns."""
        if not self._mark.columns:
            yield from self._header()
            if not self._mark.columns:
                return
        reader = csv.reader(self._decoded(), delimiter=self._mark.delimiter)
        while True:
            begun, before = self._at, self._mark
            try:
                row, why = next(reader, None), None
            except csv.Error as exc:
                row, why = [], str(exc)[:80]
            raw = self._chunk[begun : self._at]
            if row is None:
                break
            if self._dry:  # the row goes on beyond what there is
                self._at, self._mark = begun, before
                break
            if row or why:
                value, bad = self._named(row, raw)
                self._mark = self._after()
                yield Record(raw=raw[:_KEPT], line=before.line + 1, after=self._mark, value=value, why=why or bad)
        yield from self._rest(quiet=quiet)
        yield Record(raw=b"", line=0, after=self._after())

    def _rest(self, *, quiet: bool) -> Iterator[Record]:
        """What is left when no whole row is: too long, or not finished yet."""
        rest = self._chunk[self._at :]
        if len(rest) > _LONGEST:
            yield from self._too_long(rest)
        elif self._last and rest.strip() and quiet:
            row = next(csv.reader(rest.decode(errors="surrogateescape").splitlines(), delimiter=self._mark.delimiter))
            yield from self._unfinished(rest, *self._named(row, rest))

    def _header(self) -> Iterator[Record]:
        line = self._next()
        if line is None:
            return
        text = line.decode(errors="replace")
        delimiter = max(",;\t", key=text.count)
        columns = tuple(name.strip().lower() for name in next(csv.reader([text], delimiter=delimiter), []))
        if {"id", "text"} <= set(columns):
            self._mark = replace(self._after(), columns=columns, delimiter=delimiter)
        else:
            why = "the first line must name the columns, id and text among them"
            after = replace(self._mark, offset=self._base + len(self._chunk))
            yield Record(raw=line[:_KEPT], line=1, after=after, why=why)

    def _next(self) -> bytes | None:
        """The next whole line, or nothing where the chunk ends before its line break."""
        end = self._chunk.find(b"\n", self._at)
        if end < 0:
            return None
        line, self._at = self._chunk[self._at : end + 1], end + 1
        self._mark = replace(self._mark, line=self._mark.line + 1)
        return line

    def _decoded(self) -> Iterator[str]:
        while (line := self._next()) is not None:
            yield line.decode(errors="surrogateescape")
        self._dry = True

    def _judged(self, line: bytes) -> Record:
        value, why = _parsed(line) if len(line) <= _LONGEST else (None, "the line is longer than 1 MB")
        self._mark = self._after()
        return Record(raw=line[:_KEPT], line=self._mark.line, after=self._mark, value=value, why=why)

    def _named(self, row: list[str], raw: bytes) -> tuple[dict[str, str] | None, str | None]:
        """A row as an object by column; empty cells are absent."""
        if not _is_utf8(raw):
            return None, _NOT_UTF8
        columns = self._mark.columns
        if len(row) > len(columns):
            return (
                None,
                f"{len(row)} cells for {len(columns)} columns: quote a cell that holds {self._mark.delimiter!r}",
            )
        return {name: cell for name, cell in zip(columns, row, strict=False) if cell or name == "text"}, None

    def _unfinished(self, rest: bytes, value: Any, why: str | None) -> Iterator[Record]:
        told = _digest(rest)
        if told != self._mark.told:
            self._mark = replace(self._after(), told=told)
            yield Record(raw=rest[:_KEPT], line=self._mark.line + 1, after=self._mark, value=value, why=why)

    def _too_long(self, rest: bytes) -> Iterator[Record]:
        """Go on at the next line break, wherever that is."""
        line = self._mark.line + 1
        end = rest.find(b"\n")
        self._at = len(self._chunk) if end < 0 else self._at + end + 1
        self._mark = replace(self._after(), skipping=end < 0, line=line)
        yield Record(raw=rest[:_KEPT], line=line, after=self._mark, why="the record is longer than 1 MB, or not closed")

    def _skip(self) -> None:
        end = self._chunk.find(b"\n")
        self._at = len(self._chunk) if end < 0 else end + 1
        self._mark = replace(self._after(), skipping=end < 0)

    def _after(self) -> Mark:
        """The mark at the place that is reached."""
        offset = self._base + self._at
        return replace(self._mark, offset=offset, told=self._mark.told if offset == self._mark.offset else "")


def _listed(file: BinaryIO, mark: Mark, size: int, *, quiet: bool) -> Iterator[Record]:
    """One JSON list, read whole."""
    if size > _LARGEST_LIST:
        why = "a JSON list beyond 32 MB; write one object a line instead (JSON Lines)"
        if mark.offset == size:
            return
        yield Record(raw=b"", line=1, after=replace(mark, offset=size), why=why)
        return
    body = _at(file, 0, size)
    known = replace(mark, length=size, head=_digest(body), tail="", listed=True)
    try:
        items = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        if quiet and mark.told != known.head:
            after = replace(mark, told=known.head)
            yield Record(raw=body[:_KEPT], line=1, after=after, why="the JSON list is not closed or not UTF-8")
        return
    for number in range(mark.offset, len(items)):
        raw = json.dumps(items[number]).encode()
        yield Record(raw=raw[:_KEPT], line=number + 1, after=replace(known, offset=number + 1), value=items[number])


def _before(file: BinaryIO, offset: int) -> str:
    """A digest of the bytes just before an offset."""
    length = min(offset, _PRINT)
    return _digest(_at(file, offset - length, length))


def _parsed(line: bytes) -> tuple[Any, str | None]:
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return None, _NOT_UTF8
    except json.JSONDecodeError as exc:
        return None, f"no JSON ({exc.msg} at column {exc.colno})"
    except (ValueError, RecursionError):
        return None, "no JSON that can be read"
    return (value, None) if isinstance(value, dict) else (None, "a line must be one JSON object")


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
