"""What a platform says of an account as a whole, where it tells: who it says it is, and if it is open to all; pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from connectors.errors import AccountNotFoundError, PermanentError, RefusedAddressError
from connectors.post import Account

_MARKUP = re.compile(r"<[^>]{0,2000}>")
_MOST = 5000  # characters of what an account says of itself that are looked at


@dataclass(frozen=True, kw_only=True)
class Profile:
    """An account's own words: ``about`` is what it says of itself, ``links`` where it points to.

    ``protected`` says that its posts are for those alone whom it lets follow it, ``None`` that its platform does not
    tell; ``unseen`` what of it could not be read, and why.
    """

    handle: str
    name: str = ""
    about: str = ""
    links: tuple[str, ...] = ()
    protected: bool | None = False
    unseen: str = ""


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


def linked(*addresses: object) -> tuple[str, ...]:
    """Those of what stands where an address may stand that are one."""
    return tuple(one for one in map(plain, addresses) if one)


def fullest(ask: Callable[[str], Mapping[str, Any]], *lists: str) -> tuple[Mapping[str, Any], bool]:
    """What a platform answers to the first list of fields that it gives, and whether that was the very first.

    Raises:
        ConnectorError: it gives none of them; why not the first is told.
    """
    refused: PermanentError | None = None
    for fields in lists:
        try:
            return ask(fields), refused is None
        except (AccountNotFoundError, RefusedAddressError):
            raise
        except PermanentError as error:
            refused = refused or error
    raise refused or PermanentError("nothing was asked for")
