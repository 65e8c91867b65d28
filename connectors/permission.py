"""Which permission a platform's refusal means, by platform and read, and where it is granted: one table; pure.

Platforms that name it are believed; of those that only say that one is missing (Meta's codes 10 and 200 to 299 often
do), it is what the read needs and the token has not, as far as the platform tells what the token has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from connectors.grant import FLOWS, Flow, flow_of
from connectors.post import Account

_ADVANCED = "App Review in Meta's developer site"
# Whoever administers an account is seldom the one who runs Watcher.
_LINK = "`watcher connect ACCOUNT --link`"
_META_LOGIN = f"the Facebook login of the page's own administrator ({_LINK}); for other organisations' pages also"
_GOOGLE_CONSOLE = "the Google Cloud console, APIs & Services"


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What a platform's reads need, under ``""`` what all of them do, and ``where`` it is granted."""

    where: str
    reads: Mapping[str, tuple[str, ...]]

    def of(self, read: str) -> tuple[str, ...]:
        """The permissions that one read needs."""
        return tuple(dict.fromkeys((*self.reads.get("", ()), *self.reads.get(read, ()))))

    def of_all(self, reads: Iterable[str]) -> tuple[str, ...]:
        """The permissions that several reads need together, each once; without reads, those of every one."""
        return tuple(dict.fromkeys(name for read in (tuple(reads) or self.reads) for name in self.of(read)))


@dataclass(frozen=True, kw_only=True)
class Lack:
    """A permission that is missing, and where it is granted."""

    permission: str
    where: str

    def __str__(self) -> str:
        """For the operator."""
        return f"missing permission: {self.permission}; granted in {self.where}"


# What a feature of the platform's, and no owner's grant, allows besides.
_BESIDES: Mapping[str, Mapping[str, tuple[str, ...]]] = {"instagram": {"search": ("Instagram Public Content Access",)}}


def _asked(flow: Flow, where: str) -> Needs:
    """What owners are asked for, by the names that people know: Google's without their address."""
    reads = {read: tuple(scope.rpartition("/")[2] for scope in scopes) for read, scopes in flow.scopes.items()}
    return Needs(where=where, reads={**reads, **_BESIDES.get(flow.platform, {})})


# Where owners grant by a link, the permissions are those that the link asks for.
_WHERE: Mapping[str, str] = {
    "facebook": f"{_META_LOGIN} {_ADVANCED}",
    "instagram": f"{_META_LOGIN} {_ADVANCED}",
    "threads": f"the account's own login at Threads ({_LINK}); for mentions and searches also {_ADVANCED}",
    "linkedin": f"LinkedIn's window for the page's own administrator ({_LINK})",
    "tiktok": f"TikTok's window for the account's owner ({_LINK}), after TikTok's app review",
    "youtube": f"the channel owner's Google login ({_LINK}), or for a key {_GOOGLE_CONSOLE}",
    "google_reviews": f"the Google login of an owner or manager of the place ({_LINK})",
    "reddit": f"Reddit's window for the account's owner ({_LINK}), after Reddit has approved the app",
    "mastodon": f"the account's own login on its server ({_LINK}), or its Preferences, Development, the app's scopes",
}
NEEDS: Mapping[str, Needs] = {
    **{platform: _asked(FLOWS[platform], where) for platform, where in _WHERE.items()},
    "bluesky": Needs(
        where="the account on Bluesky: Settings, Privacy and security, App passwords",
        reads={"mentions": ("the target's own app password",), "search": ("an app password, as handle:app-password",)},
    ),
    "x": Needs(
        where="X's developer console",
        reads={"": ("an app in a project whose access level holds this read",)},
    ),
    "forum": Needs(where="the forum's Admin, API, New key", reads={"": ("a key with the scope Global, read-only",)}),
    "wordpress": Needs(
        where="the site's Users, the user for Watcher, Application Passwords", reads={"": ("an application password",)}
    ),
}


def needs_of(account: Account) -> Needs | None:
    """What an account's reads need: by its own login where it has one, or ``None`` where nothing is granted."""
    needs, flow = NEEDS.get(account.platform), flow_of(account)
    if needs is None or flow is None or flow is FLOWS.get(account.platform):
        return needs
    return _asked(flow, needs.where)


# Of each platform: what a refusal says, and the permission that it means; without one, what the read needs.
# A name in the words themselves, where there is one, is the first group.
_SAID: Mapping[str, tuple[tuple[str, str], ...]] = {
    "x": (
        (r"protected", "the account's own consent: it is protected, and no app may read it"),
        (r"attached to a Project", "a project: in the console, move the app into one"),
        (r"Application-Only is forbidden", "a user's token with tweet.read and users.read instead of the app's"),
        (r"oauth1 app permissions", "Read, under the app's User authentication settings"),
        (r"access level|subset of|not (?:permitted|authorized)|HTTP 403", ""),
    ),
    "linkedin": (
        (r"permission (\w+ \(in older apps \w+\))", ""),
        (r"permission (\w+)", ""),
        (r"no administrator of", "the role of administrator (super or content admin) of the page"),
    ),
    "google_reviews": (
        (r"no quota", "a quota above 0: Google's access request form must be approved"),
        (r"not switched on", "the Google My Business API, enabled in the project"),
        (r"\(scope\) missing|PERMISSION_DENIED|HTTP 403", ""),
    ),
    "youtube": (
        (r"not switched on", "YouTube Data API v3, enabled in the project of the key or token"),
        (r"restrictions must allow", "the key's restrictions: they must allow YouTube Data API v3 and this server"),
        (r"only its owner's token", "the token of the channel's owner, with youtube.force-ssl"),
        (r"\(scope\) missing", ""),
    ),
    "reddit": ((r"permission '(\w+)'", ""),),
    "tiktok": ((r"lacks a permission|HTTP 403", ""),),
    "mastodon": (
        (r"own token only", "the account's own token with read:notifications"),
        (r"does not show us \w+ posts under hashtags", "a token of an account on that server, with read:statuses"),
        (r"hashtag feeds to nobody from outside", "a token of an account on that server, with read:statuses"),
        (r"HTTP 403", ""),
    ),
    "bluesky": (
        (r"whose app password|lets nobody search|lets this account not search", ""),
        (r"own app password", ""),
    ),
    "forum": ((r"refused access", ""),),
    "wordpress": ((r"refused access", ""),),
}
_META = (
    (r"has not granted this app (\w+)", ""),
    (r"lacks a permission|is not enough|HTTP 403", ""),
)
_FEATURES = ("Page Public Content Access", "Instagram Public Content Access")
_META_NAME = re.compile(r"\b(?:pages|instagram|threads|ads|business)_[a-z_]{3,60}\b")
# What `connectors._graph` adds of a token's permissions.
_GRANTED = re.compile(r"\(the token has ([a-z_, ]*)\)")
# What no token lets anybody read here, though people expect it; said wherever an account is tried.
UNREADABLE: Mapping[str, str] = {
    "tiktok": "comments on TikTok cannot be read: TikTok gives them to researchers alone, so let people report them",
    "facebook": "groups, private profiles and searches cannot be read on Facebook by anybody",
    "linkedin": "what is said on LinkedIn without naming the page cannot be read",
}


def lacking(account: Account, said: str) -> Lack | None:
    """The permission whose lack a refusal (or a gap's reason) tells of, or ``None`` where it tells of something else.

    Of several reads of one account, the first that needs more than all do is taken: try one read at a time.
    """
    needs = needs_of(account)
    if needs is None:
        return None
    meta = account.platform in ("facebook", "instagram", "threads")
    for pattern, means in _META if meta else _SAID.get(account.platform, ()):
        match = re.search(pattern, said)
        if match:
            named = match[1] if match.re.groups else _named(said) if meta else ""
            permission = named or means or " and ".join(_ungranted(needs, account, said))
            return Lack(permission=permission, where=needs.where)
    return None


def _named(said: str) -> str:
    """The permissions that Meta's own words name: any one of them is enough."""
    words = _GRANTED.sub("", said)
    found = [*_META_NAME.findall(words), *(feature for feature in _FEATURES if feature in words)]
    return " or ".join(dict.fromkeys(found))


def _ungranted(needs: Needs, account: Account, said: str) -> tuple[str, ...]:
    """What the account's reads need and the token has not, as far as the platform told; else all that they need."""
    wanted = needs.of_all(account.reads)
    told = _GRANTED.search(said)
    has = {name.strip() for name in told[1].split(",")} if told else set()
    return tuple(name for name in wanted if name not in has) or wanted
