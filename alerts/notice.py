"""One message to one receiver, with a named reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

REASONS = ("opened", "new_concern", "new_target", "more_severe", "chased", "digest", "blind_spot", "summary")
STATES = ("pending", "sent", "failed")


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A finished message that waits to be sent, or was: its id is the mail's Message-ID, and never changes.

    ``subject_of`` is an incident's reference, or a digest's ``school-or-trust/week``. ``message`` is the finished
    MIME message with fixed Message-ID and Date.
    """

    id: str
    subject_of: str
    receiver: str
    address: str
    role: str
    reason: str
    sequence: int = 0
    message: bytes = field(default=b"", repr=False)
    state: str = "pending"
    created_at: datetime
    sent_at: datetime | None = None
    retry_at: datetime | None = None
    attempts: int = 0
    last_error: str | None = None
