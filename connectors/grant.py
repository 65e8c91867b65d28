"""What an account's owner grants, and how each platform is asked for it: addresses, permissions, rules; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from connectors.post import Account

_LONG = timedelta(days=14)
_AHEAD = timedelta(days=7)
_SHARE = 0.8
_GRAPH, _GRAPH_VERSION = "https://graph.facebook.com", "v26.0"
_META = f"{_GRAPH}/{_GRAPH_VERSION}"


@dataclass(frozen=True, kw_only=True)
class App:
    """What the operator registered at a platform."""

    client_id: str
    client_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What an owner has granted; ``refresh`` renews it and ``undo`` takes it back, where that is another token.

    ``owner`` is whom the platform names, ``handle`` the account it is for. A time that is ``None`` is not known or
    never comes.
    """

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    undo: str | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    owner: str | None = None
    handle: str | None = None
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Whose:
    """Where a platform says whose a token is, and the way to the name and the handle in its answer."""

    url: str
    name: tuple[str | int, ...]
    handle: tuple[str | int, ...] = ()
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Flow:
    """How one platform lets an owner grant, renew and take back.

    ``scopes`` are the permissions always asked for (under ``""``) and those of each read. ``lasting`` and ``renewal``
    are grant types that trade a short-lived token for a long one, or a long one for a fresh one. ``family`` names what
    is taken back at once; ``is_own`` says that only the target's own token reads it.
    """

    platform: str
    family: str
    authorize: str
    token: str
    scopes: Mapping[str, tuple[str, ...]]
    separator: str = " "
    pkce: Literal["", "S256", "hex"] = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    client: str = "client_id"
    basic: bool = False
    lasting: tuple[str, str] | None = None
    renewal: tuple[str, str] | None = None
    revoke: str | None = None
    whose: Whose | None = None
    is_own: bool = False

    def wanted(self, account: Account) -> tuple[str, ...]:
        """The permissions that an account's reads need, each once."""
        asked = [self.scopes.get("", ()), *(self.scopes.get(read, ()) for read in account.reads)]
        return tuple(dict.fromkeys(scope for some in asked for scope in some))


# Pasted, not granted by a link: what to write, and where it comes from.
PASTED: Mapping[str, str] = {
    "bluesky": "the app password (Settings, Privacy and security, App passwords), or handle:app-password",
    "x": "the app's bearer token (X developer console, Keys and tokens)",
    "forum": "the forum's read-only key, as username:key",
    "wordpress": "the application password, as name:password",
}

_FACEBOOK = Flow(
    platform="facebook",
    family="meta",
    authorize=f"https://www.facebook.com/{_GRAPH_VERSION}/dialog/oauth",
    token=f"{_META}/oauth/access_token",
    scopes={
        "": ("pages_show_list", "pages_read_engagement"),
        "comments": ("pages_read_user_content",),
        "mentions": ("pages_read_user_content",),
    },
    separator=",",
    lasting=(f"{_META}/oauth/access_token", "fb_exchange_token"),
    revoke=f"{_META}/me/permissions",
    whose=Whose(url=f"{_META}/me", query={"fields": "id,name"}, name=("name",)),
)
_INSTAGRAM = Flow(
    platform="instagram",
    family="meta",
    authorize=_FACEBOOK.authorize,
    token=_FACEBOOK.token,
    scopes={
        "": ("instagram_basic", "pages_show_list", "pages_read_engagement"),
        "comments": ("instagram_manage_comments",),
        "mentions": ("instagram_manage_comments",),
    },
    separator=",",
    lasting=_FACEBOOK.lasting,
    revoke=_FACEBOOK.revoke,
    whose=_FACEBOOK.whose,
)
_INSTAGRAM_LOGIN = Flow(
    platform="instagram",
    family="instagram",
    authorize="https://www.instagram.com/oauth/authorize",
    token="https://api.instagram.com/oauth/access_token",  # noqa: S106
    scopes={
        "": ("instagram_business_basic",),
        "comments": ("instagram_business_manage_comments",),
        "mentions": ("instagram_business_manage_comments",),
    },
    separator=",",
    lasting=("https://graph.instagram.com/access_token", "ig_exchange_token"),
    renewal=("https://graph.instagram.com/refresh_access_token", "ig_refresh_token"),
    whose=Whose(
        url=f"https://graph.instagram.com/{_GRAPH_VERSION}/me",
        query={"fields": "user_id,username"},
        name=("username",),
        handle=("username",),
    ),
    is_own=True,
)
_THREADS = Flow(
    platform="threads",
    family="threads",
    authorize="https://threads.net/oauth/authorize",
    token="https://graph.threads.net/oauth/access_token",  # noqa: S106
    scopes={
        "": ("threads_basic",),
        "comments": ("threads_read_replies",),
        "mentions": ("threads_manage_mentions",),
        "search": ("threads_keyword_search",),
    },
    separator=",",
    lasting=("https://graph.threads.net/access_token", "th_exchange_token"),
    renewal=("https://graph.threads.net/refresh_access_token", "th_refresh_token"),
    whose=Whose(
        url="https://graph.threads.net/v1.0/me",
        query={"fields": "id,username"},
        name=("username",),
        handle=("username",),
    ),
    is_own=True,
)
_LINKEDIN = Flow(
    platform="linkedin",
    family="linkedin",
    authorize="https://www.linkedin.com/oauth/v2/authorization",
    token="https://www.linkedin.com/oauth/v2/accessToken",  # noqa: S106
    scopes={
        "": ("r_organization_social",),
        "comments": ("r_organization_social_feed",),
        "mentions": ("rw_organization_admin",),
    },
    revoke="https://www.linkedin.com/oauth/v2/revoke",
)
_TIKTOK = Flow(
    platform="tiktok",
    family="tiktok",
    authorize="https://www.tiktok.com/v2/auth/authorize/",
    token="https://open.tiktokapis.com/v2/oauth/token/",  # noqa: S106
    scopes={"": ("user.info.basic", "video.list")},
    separator=",",
    # TikTok wants the challenge in hexadecimal, and of programs on a person's own machine only.
    pkce="hex",
    client="client_key",
    revoke="https://open.tiktokapis.com/v2/oauth/revoke/",
    whose=Whose(
        url="https://open.tiktokapis.com/v2/user/info/",
        query={"fields": "open_id,display_name"},
        name=("data", "user", "display_name"),
    ),
)
_GOOGLE = "https://www.googleapis.com/auth/"
_YOUTUBE = Flow(
    platform="youtube",
    family="google",
    authorize="https://accounts.google.com/o/oauth2/v2/auth",
    token="https://oauth2.googleapis.com/token",  # noqa: S106
    scopes={"": (f"{_GOOGLE}youtube.readonly",), "comments": (f"{_GOOGLE}youtube.force-ssl",)},
    pkce="S256",
    extra={"access_type": "offline", "prompt": "consent"},
    revoke="https://oauth2.googleapis.com/revoke",
    whose=Whose(
        url="https://www.googleapis.com/youtube/v3/channels",
        query={"part": "snippet", "mine": "true"},
        name=("items", 0, "snippet", "title"),
    ),
)
_REVIEWS = Flow(
    platform="google_reviews",
    family="google",
    authorize=_YOUTUBE.authorize,
    token=_YOUTUBE.token,
    scopes={"": (f"{_GOOGLE}business.manage",)},
    pkce="S256",
    extra=_YOUTUBE.extra,
    revoke=_YOUTUBE.revoke,
    whose=Whose(
        url="https://mybusinessaccountmanagement.googleapis.com/v1/accounts", name=("accounts", 0, "accountName")
    ),
)
_REDDIT = Flow(
    platform="reddit",
    family="reddit",
    authorize="https://www.reddit.com/api/v1/authorize",
    token="https://www.reddit.com/api/v1/access_token",  # noqa: S106
    scopes={"": ("identity", "read"), "posts": ("history",), "mentions": ("privatemessages",)},
    extra={"duration": "permanent"},
    basic=True,
    revoke="https://www.reddit.com/api/v1/revoke_token",
    whose=Whose(url="https://oauth.reddit.com/api/v1/me", name=("name",), handle=("name",)),
    is_own=True,
)
# Addresses that begin with a stroke are the account's own server's.
_MASTODON = Flow(
    platform="mastodon",
    family="mastodon",
    authorize="/oauth/authorize",
    token="/oauth/token",  # noqa: S106
    scopes={
        "": ("read:accounts", "read:statuses"),
        "mentions": ("read:notifications",),
        "search": ("read:search",),
    },
    pkce="S256",
    revoke="/oauth/revoke",
    whose=Whose(url="/api/v1/accounts/verify_credentials", name=("display_name",), handle=("acct",)),
    is_own=True,
)
FLOWS: Mapping[str, Flow] = {
    flow.platform: flow
    for flow in (
        *(_FACEBOOK, _INSTAGRAM, _THREADS, _LINKEDIN, _TIKTOK),
        *(_YOUTUBE, _REVIEWS, _REDDIT, _MASTODON),
    )
}


def flow_of(account: Account) -> Flow | None:
    """How an account's platform is asked, or ``None`` where nobody can grant anything by a link."""
    if account.platform == "instagram" and "graph.instagram.com" in (account.base_url or ""):
        return _INSTAGRAM_LOGIN
    return FLOWS.get(account.platform)


def renew_at(begun: datetime, ends: datetime) -> datetime:
    """When a token is renewed: at four fifths of its life, a long one a week ahead at the latest."""
    at = begun + (ends - begun) * _SHARE
    return min(at, ends - _AHEAD) if ends - begun > _LONG else at
