"""Room on the disk: polling stops before it is gone, and a ballast is there to throw off when it is.

SQLite needs room even to delete, so a full disk could never be purged without it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

BALLAST = 16 * 2**20
# Less than this share of the disk free, and less than this many bytes: no more is fetched.
SHARE = 0.05
BYTES = 2 * 2**30


class Disk:
    """The disk that a database file lies on."""

    def __init__(self, database: Path, usage: Callable[[Path], tuple[int, int, int]] = shutil.disk_usage) -> None:
        self._folder = database.absolute().parent
        self._ballast = Path(f"{database}.ballast")
        self._usage = usage

    def prepare(self) -> None:
        """Lay the ballast, where there is room for it."""
        if self.is_tight() or (self._ballast.exists() and self._ballast.stat().st_size >= BALLAST):
            return
        try:
            # Written out, for a file with holes would give nothing back.
            self._ballast.write_bytes(b"\x5a" * BALLAST)
        except OSError as error:
            self._ballast.unlink(missing_ok=True)
            log.warning("no_ballast", error=error.strerror)

    def is_tight(self) -> bool:
        """Whether so little is free that fetching must stop."""
        total, _, free = self._usage(self._folder)
        return free < BYTES and free < total * SHARE

    def throw_ballast(self) -> bool:
        """Give the ballast's room back, so that deleting can go on; whether there was any."""
        if not self._ballast.exists():
            return False
        self._ballast.unlink()
        log.error("ballast_thrown", folder=str(self._folder))
        return True
