"""What all of Watcher's mails share: who sends them, their outside, where a matter's page is, and the last resort."""

from __future__ import annotations

from datetime import datetime

from alerts.letter import Letter
from alerts.notice import message_id, notice_id
from alerts.route import Receiver
from watcher.config import Settings


class Letterhead:
    """Writes the outside of mails as the settings say."""

    def __init__(self, settings: Settings) -> None:
        self._sender = settings.mail.sender
        self._domain = settings.mail.sender.partition("@")[2]
        server = settings.server
        self.url = (server.public_url or f"http://{server.host}:{server.port}").rstrip("/")
        self.last_resort = Receiver(
            role="it_provider",
            person="last_resort",
            name="Watcher’s operator",
            address=settings.alerts.last_resort or settings.mail.sender,
            why="Nobody else can be told.",
        )

    def letter(self, subject: str, receiver: Receiver, reason: str, sequence: int, at: datetime) -> Letter:
        """The outside of one notice's mail: the same whenever it is made, so that a repeat is recognisable."""
        own = notice_id(subject, receiver.person, reason, sequence)
        return Letter(
            message_id=message_id(own, self._domain), date=at.replace(microsecond=0), sender=self._sender, reason=reason
        )

    def link(self, reference: str) -> str:
        """Where an incident's page is."""
        return f"{self.url}/incidents/{reference}"
