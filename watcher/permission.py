"""What platforms call permissions, in the words of those who grant them; how each is given, and taken back."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

from connectors.grant import PASTED

_WORDS = {
    "pages_show_list": "see which pages you manage",
    "pages_read_engagement": "read what the page publishes",
    "pages_read_user_content": "read comments and posts by visitors on the page",
    "instagram_basic": "read what the account publishes",
    "instagram_manage_comments": "read comments (Meta’s permission would also allow hiding them; Watcher only reads)",
    "instagram_business_basic": "read what the account publishes",
    "instagram_business_manage_comments": "read comments (it would also allow hiding them; Watcher only reads)",
    "threads_basic": "read what the account publishes",
    "threads_read_replies": "read replies to it",
    "threads_manage_mentions": "read public posts that name it (Watcher only reads)",
    "threads_keyword_search": "search public posts for the school’s name",
    "r_organization_social": "read what the page publishes, and comments on it",
    "r_organization_social_feed": "read comments on the page’s posts",
    "rw_organization_admin": "read the page’s notifications (it would also allow managing it; Watcher only reads)",
    "user.info.basic": "see the account’s name",
    "video.list": "read the list of the account’s public videos",
    "https://www.googleapis.com/auth/youtube.readonly": "read the channel",
    "https://www.googleapis.com/auth/youtube.force-ssl": (
        "read comments (Google’s permission would also allow changes; Watcher only reads)"
    ),
    "https://www.googleapis.com/auth/business.manage": (
        "read reviews of your places (Google’s permission would also allow changes; Watcher only reads)"
    ),
    "identity": "see the account’s name",
    "read": "read public communities",
    "history": "read the account’s own posts",
    "privatemessages": "read mentions and answers (it would also allow reading messages; Watcher asks for none)",
    "read:accounts": "see the account’s name",
    "read:statuses": "read posts that the account can see",
    "read:notifications": "read who mentions the account",
    "read:search": "search public posts",
    "app password": "read as the account does (an app password would also allow posting; Watcher only reads)",
}
_TAKE_BACK = {
    "facebook": "Facebook: Settings and privacy, Settings, Business integrations, Watcher’s app, Remove.",
    "instagram": "Instagram or Facebook: Settings, Apps and websites (or Business integrations), the app, Remove.",
    "threads": "Threads: Settings, Account, Website permissions, the app, Remove.",
    "linkedin": "LinkedIn: Settings, Data privacy, Other applications, Permitted services, the app, Remove.",
    "tiktok": "TikTok: Settings and privacy, Security and permissions, Apps and services permissions, the app, Remove.",
    "youtube": "Google: myaccount.google.com, Security, Your connections to third-party apps, the app, Delete.",
    "google_reviews": "Google: myaccount.google.com, Security, Your connections to third-party apps, the app, Delete.",
    "reddit": "Reddit: Settings, Apps (reddit.com/prefs/apps), Authorized applications, the app, Revoke access.",
    "mastodon": "Your Mastodon server: Preferences, Account, Authorised apps, Watcher, Revoke.",
    "bluesky": "Bluesky: Settings, Privacy and security, App passwords, the one for Watcher, Delete.",
}


def in_words(scopes: Iterable[str]) -> Iterator[str]:
    """What each permission lets Watcher do, each sentence once; one we do not know is named as the platform does."""
    yield from dict.fromkeys(_WORDS.get(scope, f"what the platform calls “{scope}”") for scope in scopes)


def command(platform: str, account: str) -> str:
    """The command by which an account's owner gives the permission to read it: by a link, or a secret to paste."""
    return f"watcher connect {shlex.quote(account)}{'' if platform in PASTED else ' --link'}"


def anew(platform: str, account: str) -> str:
    """What is done to have the permission given again, as a sentence goes on after a colon."""
    if platform in PASTED:
        return (
            f"run “{command(platform, account)}” on the machine where Watcher runs, and paste it; where the settings "
            "give this account a token of its own, put it where they read it from instead, and start Watcher again"
        )
    return f"run “{command(platform, account)}” and have the account’s own administrator open the link that it gives"


def ask(owner: str, platform: str, account: str) -> str:
    """Whom to ask for what, when only a person can help."""
    if platform in PASTED:
        return f"ask {owner} for {PASTED[platform]}, made anew, and paste it: {command(platform, account)}"
    return f"ask {owner} to open a new link: {command(platform, account)}"


def take_back(platform: str) -> str:
    """Where its owner takes a permission back, without anybody's help."""
    return _TAKE_BACK.get(platform, "On the platform itself, in the account’s settings for connected apps.")
