"""What to do where a source cannot be read: in plain words, by the kind of error and the platform; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.grant import FLOWS, PASTED
from connectors.permission import NEEDS, lacking, needs_of
from connectors.post import Account
from watcher.permission import anew

# What the errors of connectors say of a token that is no good, and of one that lacks a permission. Their own words
# stand before the platform's, so whichever comes first counts: a platform may name a permission in any refusal.
_DEAD = (
    r"HTTP 401|not known|not valid|not accept|expired|has ended|ended on|ended the session|withdrawn|taken back|deleted"
)
_PERMISSION = (
    r"HTTP 403|permission|scope|may not|not allowed|protected|administrator|not grant|forbidden|quota|approv"
    r"|restrictions|not switched on|not enough|community is|must allow|lets (?:nobody|this account not) search"
)
_REFUSED = re.compile(rf"(?P<token>{_DEAD})|(?P<permission>{_PERMISSION})", re.IGNORECASE)
_SEALED = re.compile(r"was sealed with another key|was changed in the database")
_NEW_TOKEN = {
    "x": "Make a new bearer token in X’s developer portal, under the app’s keys,",
    "youtube": "Make a new API key in the Google Cloud console,",
    "bluesky": "Make a new app password under “Privacy and security” of the account on Bluesky,",
    "wordpress": "Have the site’s administrator make a new application password,",
    "forum": "Have the forum’s administrator make a new read-only key,",
}
_MEND = {
    "RefusedAddressError": (
        "The address leads to a private network or is no web address. If it is meant, write allow_private = true for "
        "this account; otherwise correct the address."
    ),
    "PermanentError": "This does not mend itself. Check this account in the settings and on the platform.",
    "ConfigError": (
        "Mend the settings, or the secret that they name, as it is said here, and start Watcher again; “watcher "
        "check-config” shows whether they are sound."
    ),
    "SpentError": (
        "The source itself is well: it waits for the budget. Raise the cap that is named here, or wait; "
        "“watcher budget” shows what uses it up."
    ),
    "RateLimitedError": "Nothing to do: the platform asks for a pause, and reading goes on after it.",
    "TransientError": "Nothing to do for now: it is tried again. If it lasts for hours, see if the platform works.",
    "UnexpectedResponseError": (
        "The platform answered something that Watcher does not understand. Nothing is skipped. If it lasts, tell the "
        "makers of Watcher."
    ),
}
_OTHER = "It is tried again. If it lasts, look into the log of the service."


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """What is wrong with a source, without technical names, and what to do about it.

    ``kind`` is ``token``, ``permission``, ``account``, ``budget``, ``pause`` or ``other``.
    """

    kind: str
    what: str
    do: str


def remedy(platform: str, account: str, error: str, of: Account | None = None) -> Remedy:
    """What to do about the last error of an account, as its row holds it (``AuthenticationError: the token …``).

    With the account itself, ``of``, the permissions named are those that its own reads need.
    """
    name, colon, rest = error.partition(": ")
    if not colon or not name.isidentifier():
        return Remedy(kind="other", what=error, do=_OTHER)
    # The problems of settings come as lines under a heading.
    rest = " ".join(rest.split()).removeprefix("the settings have problems: ")
    if name == "AuthenticationError":
        refused = _REFUSED.search(rest)
        if refused is not None and refused["permission"]:
            own = of or Account(name=account, platform=platform, target="", reads=())
            return Remedy(kind="permission", what=rest, do=_permission(own, rest))
        return Remedy(kind="token", what=rest, do=_token(platform, account))
    if name == "ConfigError" and _SEALED.search(rest):
        return Remedy(kind="token", what=rest, do=_unsealed(platform, account, is_moved="another key" not in rest))
    if name == "AccountNotFoundError":
        return Remedy(kind="account", what=rest, do=_account(platform))
    kind = {"SpentError": "budget", "RateLimitedError": "pause"}.get(name, "other")
    return Remedy(kind=kind, what=rest if name in _MEND else error, do=_MEND.get(name, _OTHER))


def unread(account: Account, why: str) -> Remedy:
    """What to do where a source can be read but for a part, for want of a permission, as its connector says."""
    return Remedy(kind="permission", what=" ".join(why.split()), do=_permission(account, why))


def _token(platform: str, account: str) -> str:
    refused = "The platform does not accept the token: it is not known, has expired or was taken back."
    if platform in PASTED:
        return f"{refused} {_NEW_TOKEN[platform]} then {anew(platform, account)}."
    link = f"{anew(platform, account)}."
    if platform in FLOWS and platform not in _NEW_TOKEN:
        return (
            f"{refused} Make a new one on the platform: {link} One made by hand is copied again to where the settings "
            "read it from; then start Watcher again."
        )
    if platform not in NEEDS:
        return (
            "The site does not accept the token, or shows this to nobody who is not logged in. Ask whoever keeps the "
            "site for an address that is public, and correct the target."
        )
    made = _NEW_TOKEN.get(platform, "Make a new one on the platform,")
    by_hand = f"{refused} {made} put it where the settings read it from, and start Watcher again."
    return f"{by_hand} If the channel’s owner has granted it: {link}" if platform in FLOWS else by_hand


def _permission(account: Account, said: str) -> str:
    needs = needs_of(account)
    if needs is None:
        return (
            "The site does not let Watcher read this. Open its address in a browser; if it opens there, ask whoever "
            "keeps the site to let Watcher read it, otherwise correct the target."
        )
    lack = lacking(account, said) if account.reads else None
    named = lack.permission if lack else ", ".join(needs.of_all(account.reads))
    again = ""
    if account.platform in FLOWS:
        again = f" Then {anew(account.platform, account.name)}."
    elif account.platform in PASTED:
        again = f" Where that makes a new one: {anew(account.platform, account.name)}."
    wanted = f" It needs {named}; granted in {needs.where}." if named else ""
    return f"The platform does not let this token read this.{wanted}{again}"


def _unsealed(platform: str, account: str, *, is_moved: bool) -> str:
    again = f"have it granted anew: {anew(platform, account)}"
    if is_moved:
        return f"The token kept here was changed or moved, and cannot be opened: {again}."
    return (
        "The token kept here was sealed with another key than the settings name now. Write that key under "
        f"secrets.previous and start Watcher again (“watcher tokens --reseal” then seals it anew), or {again}."
    )


def _account(platform: str) -> str:
    closed = "made private or closed" if platform in ("x", "instagram", "tiktok", "threads") else "moved or closed"
    return (
        f"The platform does not know this target: it was renamed, {closed}, or is spelt differently. Open it in a "
        "browser, ask the school, and correct the target in the settings, or take the account out."
    )
