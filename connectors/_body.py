"""Unpacks the body of an answer in small steps, so that a bomb is noticed before it bursts."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from connectors.errors import UnexpectedResponseError

STEP = 64 * 1024
_GZIP_OR_ZLIB, _BARE = 47, -15  # window bits as zlib names them


class Plain:
    """A body that is not packed."""

    whole = True

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The bytes as they came."""
        yield chunk


class Packed:
    """A gzip or deflate body; every piece that comes out is at most 64 kB, whatever went in."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._inner = zlib.decompressobj(wbits=_GZIP_OR_ZLIB)
        self._started = False

    @property
    def whole(self) -> bool:
        """Whether the packed body came to its end; no byte at all counts as an empty body."""
        return self._inner.eof or not self._started

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The pieces that these further bytes unpack to.

        Raises:
            UnexpectedResponseError: they are not what was announced.
        """
        while chunk:
            if self._inner.eof:  # gzip allows several members in a row; what is no further member is padding
                if not chunk.startswith(b"\x1f\x8b"):
                    return
                self._inner = zlib.decompressobj(wbits=_GZIP_OR_ZLIB)
            yield from self._member(chunk)
            chunk = self._inner.unused_data

    def _member(self, chunk: bytes) -> Iterator[bytes]:
        """One member; zlib may hold back output even when it has taken all input, so ask until it gives less."""
        piece = self._step(chunk)
        yield piece
        while not self._inner.eof and (len(piece) == STEP or self._inner.unconsumed_tail):
            piece = self._step(self._inner.unconsumed_tail)
            yield piece

    def _step(self, chunk: bytes) -> bytes:
        started, self._started = self._started, True
        try:
            return self._inner.decompress(chunk, STEP)
        except zlib.error:
            if started:
                raise UnexpectedResponseError(f"{self._place} answered a packed body that cannot be read") from None
        self._inner = zlib.decompressobj(wbits=_BARE)  # deflate without its wrapper, as some old servers send it
        return self._step(chunk)


def unpacker(encoding: str, place: str) -> Plain | Packed:
    """What unpacks a content encoding; ``place`` names the server in error texts.

    Raises:
        UnexpectedResponseError: an encoding that nobody asked for.
    """
    match encoding.strip().lower():
        case "" | "identity":
            return Plain()
        case "gzip" | "x-gzip" | "deflate":
            return Packed(place)
        case other:
            raise UnexpectedResponseError(f"{place} packed its answer as {other[:30]!r}, which was not asked for")
