"""What can go wrong in the running of the house."""

from __future__ import annotations

from connectors.errors import RateLimitedError


class WatcherError(Exception):
    """Something that the operator must know or mend."""


class ConfigError(WatcherError):
    """The settings are wrong; ``problems`` hold every one, each with its full key and what to write instead."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("the settings have problems:\n" + "\n".join(f"  {line}" for line in problems))
        self.problems = problems


class StoreError(WatcherError):
    """Nothing was written; the verb runs again."""


class RefusedError(WatcherError):
    """What a person asks for is not theirs to do, or cannot be done now; nothing was changed."""


class SpentError(RateLimitedError):
    """What the operator lets reading cost, or the platform lets it use, is used up until ``retry_at``."""


class AlreadyRunningError(WatcherError):
    """Another process ticks on this store."""


class MailboxError(WatcherError):
    """A mailbox cannot be asked whether a mail has arrived."""


class VersionError(WatcherError):
    """A version of the model is not there, or may not be used here."""


class TrainingError(WatcherError):
    """A new version could not be made; nothing has changed."""


class GrantError(WatcherError):
    """An account could not be connected; nothing was kept."""


class BusyLinkError(GrantError):
    """The same link is being used by another browser at this moment."""
