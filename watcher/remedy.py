"""What to do where a source cannot be read: in plain words, by the kind of error and the platform; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

# What the errors of connectors say where it is a permission, and not the token, that is missing.
_PERMISSION = re.compile(
    r"permission|scope|may not|not allowed|protected|administrator|not grant|forbidden|quota|approv", re.IGNORECASE
)
# The page's own administrator opens a link that `watcher connect` gives; nobody hands over a password.
_CONNECTED = ("facebook", "instagram", "threads", "linkedin", "tiktok", "google_reviews", "reddit", "mastodon")
_NEW_TOKEN = {
    "x": "Make a new bearer token in X’s developer portal, under the app’s keys,",
    "youtube": "Make a new API key in the Google Cloud console, or have the channel’s owner connect it anew,",
    "bluesky": "Make a new app password under “Privacy and security” of the account on Bluesky,",
    "wordpress": "Have the site’s administrator make a new application password,",
    "forum": "Have the forum’s administrator make a new read-only key,",
}
_PERMISSIONS = {
    "facebook": "pages_read_engagement and pages_read_user_content, and a Page role for whoever connects it",
    "instagram": "instagram_basic, instagram_manage_comments and pages_read_engagement",
    "threads": "threads_basic and threads_read_replies, for searches also threads_keyword_search",
    "linkedin": "r_organization_social and the administrator’s role on the page",
    "tiktok": "video.list and user.info.basic",
    "youtube": "youtube.force-ssl, granted by the channel’s owner",
    "google_reviews": "business.manage, granted by somebody who manages the place",
    "reddit": "read, history and privatemessages, and Reddit’s approval of the use",
    "mastodon": "read:statuses, read:accounts, read:notifications and read:search",
    "x": "access of its app to this read, and an account that is not protected",
    "wordpress": "that the site lets its REST API be read",
    "forum": "the scope “Global, read-only”",
    "bluesky": "an app password of the account itself",
}
_MEND = {
    "RefusedAddressError": (
        "The address leads to a private network or is no web address. If it is meant, write allow_private = true for "
        "this account; otherwise correct the address."
    ),
    "PermanentError": "This does not mend itself. Check this account in the settings and on the platform.",
    "ConfigError": "Run “watcher check-config”: it says which key of the settings to change.",
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


def remedy(platform: str, account: str, error: str) -> Remedy:
    """What to do about the last error of an account, as its row holds it (``AuthenticationError: the token …``)."""
    name, colon, rest = error.partition(": ")
    if not colon or not name.isidentifier():
        return Remedy(kind="other", what=error, do=_OTHER)
    if name == "AuthenticationError":
        if _PERMISSION.search(rest) and "expired" not in rest:
            return Remedy(kind="permission", what=rest, do=_permission(platform, account))
        return Remedy(kind="token", what=rest, do=_token(platform, account))
    if name == "AccountNotFoundError":
        return Remedy(kind="account", what=rest, do=_account(platform))
    kind = {"SpentError": "budget", "RateLimitedError": "pause"}.get(name, "other")
    return Remedy(kind=kind, what=rest if name in _MEND else error, do=_MEND.get(name, _OTHER))


def _token(platform: str, account: str) -> str:
    refused = "The platform refuses the token."
    if platform in _CONNECTED:
        return (
            f"{refused} Make a new one on the platform: run “watcher connect {account}” and have the account’s own "
            "administrator open the link that it gives. One made by hand goes where the settings read it from; then "
            "start Watcher again."
        )
    made = _NEW_TOKEN.get(platform, "Make a new one on the platform,")
    return f"{refused} {made} put it where the settings read it from, and start Watcher again."


def _permission(platform: str, account: str) -> str:
    needed = _PERMISSIONS.get(platform)
    wanted = f" It needs {needed}." if needed else ""
    again = f" Then connect it anew: “watcher connect {account}”." if platform in _CONNECTED else ""
    return f"The platform knows the token and does not let it read this.{wanted}{again}"


def _account(platform: str) -> str:
    closed = "made private or closed" if platform in ("x", "instagram", "tiktok", "threads") else "moved or closed"
    return (
        f"The platform does not know this target: it was renamed, {closed}, or is spelt differently. Open it in a "
        "browser, ask the school, and correct the target in the settings, or take the account out."
    )
