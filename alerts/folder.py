"""A folder of .eml files instead of a mail server: for a first look, and for a machine without mail."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from alerts.errors import DeliveryError
from alerts.notice import Notice


class FolderChannel:
    """Writes each notice as one file that any mail program opens; a repeat writes the same file again."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)

    def send(self, notice: Notice) -> None:
        """Write the message whole or not at all.

        Raises:
            DeliveryError: the folder cannot be written to; later it may be.
        """
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self._path / file_name(notice), notice.message)
        except OSError as error:
            raise self._later(error.strerror or type(error).__name__) from error

    def knock(self) -> str:
        """See whether the folder, or the nearest one above it that is there, can be written to.

        Raises:
            DeliveryError: it cannot.
        """
        whole = self._path.absolute()
        place = next(place for place in (whole, *whole.parents) if place.exists())
        if not place.is_dir():
            raise self._later(f"{place} is no folder")
        if not os.access(place, os.W_OK | os.X_OK):
            raise self._later(f"{place} is closed to us")
        return f"mails become files in {whole}"

    def _later(self, why: str) -> DeliveryError:
        return DeliveryError(
            f"the outbox folder {self._path} cannot be written to ({why}): "
            "see that it is a folder, that Watcher may write there and that the disk has room",
            permanent=False,
        )


def file_name(notice: Notice) -> str:
    """``2026-11-20-WT-7F3K-headteacher-<digest of the notice's id>.eml``: the same for a repeat, and no names in it."""
    digest = hashlib.sha256(notice.id.encode("ascii", "backslashreplace")).hexdigest()[:10]
    # Only plain characters and no path: a reference or a role comes from settings and may hold anything.
    words = (re.sub(r"[^A-Za-z0-9_]+", "-", part).strip("-")[:60] for part in (notice.subject_of, notice.role))
    return "-".join([f"{notice.created_at:%Y-%m-%d}", *filter(None, words), digest]) + ".eml"


def _write(target: Path, content: bytes) -> None:
    """Puts the file in place in one step, on the disk before it shows, readable by its owner only."""
    handle, name = tempfile.mkstemp(prefix=".", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    _settle(target.parent)


def _settle(folder: Path) -> None:
    """Asks that the name, too, survives a power cut; some systems cannot do so for a folder."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
