"""That a permission to read ends soon: what the IT provider is told, and what there is to do; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Reminder:
    """A permission that ends; ``owner`` gave it, ``steps`` are what to do, ``command`` the one to run first."""

    account: str
    platform: str
    school: str
    owner: str
    granted_at: datetime
    ends: datetime
    days: int
    command: str
    steps: tuple[str, ...]
    timezone: str = "Europe/London"
