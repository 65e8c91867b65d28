"""One message to one receiver, with a named reason; pure."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime

REASONS = (
    "opened",
    "new_concern",
    "new_target",
    "more_severe",
    "chased",
    "digest",
    "blind_spot",
    "summary",
    "token_ends",
    "review_due",
    "said_again",
    "escalated",
    "stood_down",
    "handed_over",
    "handed_back",
)
STATES = ("pending", "sent", "failed")


@dataclass(frozen=True, kw_only=True)
class Notice:
    """A finished message that waits to be sent, or was: its id is the mail's Message-ID, and never changes.

    Notices of several incidents that share one mail (reason ``summary``) have its Message-ID and their incident's
    reference as their ids.

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


def mail_of(notice: Notice) -> str:
    """The Message-ID of the mail that carries a notice: its own, or the one it shares in a summary of several."""
    return f"{notice.id.partition('>')[0]}>" if notice.reason == "summary" else notice.id


def notice_id(subject_of: str, receiver: str, reason: str, sequence: int = 0) -> str:
    """The id that the same notice has every time it is made: 26 plain characters that give nothing away."""
    parts = json.dumps([subject_of, receiver, reason, sequence], ensure_ascii=True).encode()
    return base64.b32encode(hashlib.sha256(parts).digest()[:16]).decode("ascii").rstrip("=").lower()


def message_id(notice: str, domain: str) -> str:
    """The Message-ID of the notice of that id, ``<id@domain>``; a repeat is recognised by it.

    Raises:
        ValueError: the domain could not stand in a header.
    """
    ascii_domain = domain.encode("idna").decode("ascii")
    if not ascii_domain or not all(c.isalnum() or c in ".-" for c in ascii_domain):
        raise ValueError(f"domain {domain!r} cannot stand in a Message-ID; write one like watcher.example.org")
    return f"<{notice}@{ascii_domain}>"
