"""What can go wrong while a platform is read, told apart by what the caller should do next; pure."""

from __future__ import annotations

from datetime import datetime


class ConnectorError(Exception):
    """A platform could not be read; the text never holds a token or a post."""


class TransientError(ConnectorError):
    """It may work later: back off and poll again."""


class RateLimitedError(TransientError):
    """The platform asks for a pause; ``retry_at`` is its own word for how long, or ``None``."""

    def __init__(self, message: str, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.retry_at = retry_at


class PermanentError(ConnectorError):
    """It will not work until a person changes something."""


class AuthenticationError(PermanentError):
    """The token is missing, wrong, expired, or lacks a permission."""


class AccountNotFoundError(PermanentError):
    """The platform does not know the target."""


class RefusedAddressError(PermanentError):
    """The address leads to a private network, or is no web address at all."""


class UnexpectedResponseError(ConnectorError):
    """The platform answered something that cannot be read; the cursor does not move."""
