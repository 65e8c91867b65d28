"""The outside of a mail: headers, both versions of the body, and the bytes that wait in the outbox."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from alerts.errors import AlertError
from alerts.excerpt import plain
from alerts.route import Receiver
from alerts.school import title


@dataclass(frozen=True, kw_only=True)
class Letter:
    """The outside of a mail: fixed when the notice is made, so that a repeat is recognisable.

    ``thread`` is the Message-ID of the incident's first notice to this receiver; ``reason`` is the notice's.
    """

    message_id: str
    date: datetime
    sender: str
    sender_name: str = "Watcher"
    thread: str | None = None
    reason: str = "opened"


def envelope(letter: Letter, receiver: Receiver, subject: str, text: str, html: str, *, urgent: bool = False) -> bytes:
    """The finished message, the same bytes whenever it is made from the same things.

    Raises:
        AlertError: sender or receiver is no address that mail can be sent to.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = _address(letter.sender_name, letter.sender, "the sender")
    message["To"] = _address(receiver.name, receiver.address, f"the {title(receiver.role)}")
    message["Subject"] = plain(subject)
    message["Date"] = letter.date
    message["Message-ID"] = letter.message_id
    if letter.thread is not None and letter.thread != letter.message_id:
        message["In-Reply-To"] = letter.thread
        message["References"] = letter.thread
    message["Auto-Submitted"] = "auto-generated"
    if urgent:
        message["Importance"] = "high"
    message.set_content(text, cte="quoted-printable")
    message.add_alternative(html, subtype="html", cte="quoted-printable")
    # The library draws it by lot; a notice made twice must be the same bytes twice.
    message.set_boundary(f"=_{hashlib.sha256(letter.message_id.encode()).hexdigest()[:32]}")
    return message.as_bytes()


def _address(name: str, address: str, whose: str) -> Address:
    """The address for a header; a name keeps nothing that could end the header."""
    try:
        return Address(display_name=plain(name), addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise AlertError(f"the address of {whose} is not one that mail can be sent to; correct it") from error
