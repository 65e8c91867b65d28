"""What a platform says of an account as a whole, where it tells: who it says it is, and whether it is open to all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from connectors.post import Account

_MARKUP = re.compile(r"<[^>]{0,2000}>")
_MOST = 5000  # characters of what an account says of itself that are looked at


@dataclass(frozen=True, kw_only=True)
class Profile:
    """An account's own words: ``about`` is what it says of itself, ``links`` where it points to.

    ``protected`` says that its posts are for those alone whom it lets follow it.
    """

    handle: str
    name: str = ""
    about: str = ""
    links: tuple[str, ...] = ()
    protected: bool = False


@runtime_checkable
class Profiler(Protocol):
    """Can say what an account says of itself."""

    def profile(self, account: Account) -> Profile:
        """The profile of the account that is read.

        Raises:
            ConnectorError: it cannot be asked for.
        """
        ...


def plain(text: object) -> str:
    """What an account says of itself, without the markup that some platforms put around it."""
    return " ".join(_MARKUP.sub(" ", text[:_MOST]).split()) if isinstance(text, str) else ""
