"""Walks through a file of many items, JSON or CSV, from any place in it, holding little more than one item at a time.

A file may be gigabytes long: it is read in stretches, and where the walk stopped is a byte offset to go on from.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

_CHUNK = 64 * 1024
_LONGEST = 4 * 1024 * 1024  # bytes of one item; posts and comments are far shorter
_STEP = 1024 * 1024
_LONGEST_LINE = 1024 * 1024
_KEPT = 64 * 1024
# A whole text, or one that is not closed yet, or a bracket. Possessive: no text is looked at twice.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)
_PLAIN = re.compile(rb'[^\s,:\]}\["{]++')
_BETWEEN = b" \t\r\n,:;"
_COLUMNS, _DEEPEST = 100, 500


class BrokenError(ValueError):
    """The file cannot be read any further."""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Where a walk stands: the byte offset, how many items came before it, and the JSON list it is in, if any.

    ``inner`` says that the list stands within an object, so that others may follow it.
    """

    offset: int = 0
    number: int = 0
    list: str | None = None
    inner: bool = False


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item with its bytes, or why it is none; ``after`` is where to go on."""

    raw: bytes
    after: Spot
    value: Any = None
    why: str | None = None


def json_items(file: BinaryIO, spot: Spot, lists: frozenset[str]) -> Iterator[Item]:
    """The items of the list that the file is, or of those of its lists that ``lists`` names.

    An object without such a list is one item: so some platforms write a list of one. What stands before the first
    bracket, as in ``window.YTD.tweets.part0 = [``, is passed over.

    Raises:
        BrokenError: the file ends within an item, or an item is too long to be one.
    """
    tape = _Tape(file, spot.offset)
    while True:
        if spot.list is None:
            begun = _begin(tape, spot, lists)
            if begun is None:
                return
            if isinstance(begun, Item):
                yield begun
                return
            spot = begun
        byte = tape.peek(_BETWEEN)
        if not byte:
            raise BrokenError("the file ends within its list")
        if byte == b"]":
            tape.at += 1
            spot = replace(spot, list=None, offset=tape.offset)
            continue
        raw = tape.value()
        spot = replace(spot, offset=tape.offset, number=spot.number + 1)
        yield _judged(raw, spot)


def csv_items(file: BinaryIO, spot: Spot) -> Iterator[Item]:
    """The rows of a CSV file as mappings, by the names in its first row in lower case.

    Raises:
        BrokenError: a line is too long to be one.
    """
    file.seek(0)
    lines = _Lines(file)
    columns = [name.strip().lower() for name in next(csv.reader(lines), [])][:_COLUMNS]
    if spot.offset:
        go_to(file, spot.offset)
        lines = _Lines(file, spot.offset)
    reader = csv.reader(lines)
    while True:
        try:
            row, why = next(reader, None), None
        except csv.Error as exc:
            row, why = [], str(exc)[:80]
        raw = lines.taken()
        if row is None:
            return
        spot = replace(spot, offset=lines.offset, number=spot.number + 1)
        if row or why:
            value = dict(zip(columns, row, strict=False))
            yield Item(raw=raw[:_KEPT], after=spot, value=value, why=why or _unreadable(raw))


def go_to(file: BinaryIO, offset: int) -> None:
    """Seek in steps: a packed file has to unpack what lies between, and holds each step whole."""
    if offset < file.tell():
        file.seek(0)
    while file.tell() < offset:
        before = file.tell()
        file.seek(min(offset, before + _STEP))
        if file.tell() == before:
            return  # the file is shorter than it was


class _Tape:
    """A file read forwards, of which only the stretch at hand is held."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        go_to(file, offset)
        self._file, self._base = file, offset
        self._data, self.at = b"", 0

    @property
    def offset(self) -> int:
        """Where the next byte stands in the file."""
        return self._base + self.at

    def grow(self) -> bool:
        """Hold more of the file, without what is done with; false at its end."""
        more = self._file.read(max(_CHUNK, len(self._data) - self.at))
        self._data, self._base, self.at = self._data[self.at :] + more, self._base + self.at, 0
        return bool(more)

    def holds(self, words: frozenset[str]) -> bool:
        """Whether one of the words is a key in the stretch at hand."""
        return any(f'"{word}"'.encode() in self._data for word in words)

    def peek(self, without: bytes) -> bytes:
        """The next byte that is none of these, or nothing at the end."""
        while True:
            rest = self._data[self.at : self.at + _CHUNK]
            left = rest.lstrip(without)
            self.at += len(rest) - len(left)
            if left:
                return left[:1]
            if self.at >= len(self._data) and not self.grow():
                return b""

    def skip_word(self) -> None:
        """Step over a word that is no JSON."""
        found = _PLAIN.match(self._data, self.at + 1)
        self.at = found.end() if found else self.at + 1

    def value(self) -> bytes:
        """The bytes of the JSON value that begins here, and step behind it."""
        while True:
            end = _end(self._data, self.at)
            if end is not None:
                raw, self.at = self._data[self.at : end], end
                return raw
            if len(self._data) - self.at > _LONGEST:
                raise BrokenError("it holds an item of more than 4 MB, which is no post")
            if not self.grow():
                raise BrokenError("the file ends within an item")


class _Lines:
    """A file's lines as text, counted in bytes."""

    def __init__(self, file: BinaryIO, offset: int = 0) -> None:
        self._file, self.offset, self._raw = file, offset, b""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(_LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) >= _LONGEST_LINE:
            raise BrokenError("it holds a line of more than 1 MB")
        self._raw += line
        at, self.offset = self.offset, self.offset + len(line)
        return (line.removeprefix(b"\xef\xbb\xbf") if at == 0 else line).decode(errors="surrogateescape")

    def taken(self) -> bytes:
        """The bytes of the lines since the last call."""
        raw, self._raw = self._raw, b""
        return raw


def _begin(tape: _Tape, spot: Spot, lists: frozenset[str]) -> Spot | Item | None:
    """Where the next list begins; an item, where the whole file is one; nothing at the end."""
    name = ""
    while byte := tape.peek(_BETWEEN):
        if byte == b"[" and (not spot.inner or name in lists):
            tape.at += 1
            return replace(spot, list=name, offset=tape.offset)
        if byte == b"{" and not spot.inner:
            if tape.offset < _CHUNK and not tape.holds(lists):
                raw = tape.value()
                return _judged(raw, replace(spot, offset=tape.offset, number=spot.number + 1, inner=True))
            tape.at += 1
            spot = replace(spot, inner=True)
        elif byte in b"[{":
            tape.value()
        elif byte == b'"':
            name = tape.value().decode(errors="replace").strip('"')
        elif byte in b"}]":
            tape.at += 1
        else:
            tape.at += 1
            while (found := _PLAIN.match(tape._data, tape.at)) is not None:
                tape.at = found.end()
    return None


def _end(data: bytes, at: int) -> int | None:
    """Where the value that begins here ends, or nothing where it goes on beyond the stretch.

    Raises:
        BrokenError: it is nested too deep.
    """
    if data[at : at + 1] not in b'{["':
        found = _PLAIN.match(data, at)
        return found.end() if found and found.end() < len(data) else None
    depth = 0
    for token in _TOKEN.finditer(data, at):
        mark = token[0]
        if mark == b'"':
            return None
        depth += (mark in b"{[") - (mark in b"}]")
        if depth > _DEEPEST:
            raise BrokenError("it holds an item that is nested too deep to be a post")
        if depth == 0:
            return token.end()
    return None


def _judged(raw: bytes, after: Spot) -> Item:
    why = _unreadable(raw)
    if why is None:
        try:
            return Item(raw=raw, after=after, value=json.loads(raw))
        except (ValueError, RecursionError):
            why = "this is no JSON that can be read"
    return Item(raw=raw[:_KEPT], after=after, why=why)


def _unreadable(raw: bytes) -> str | None:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return "this is not UTF-8"
    return None
