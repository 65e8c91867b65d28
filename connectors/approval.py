"""Which use of which platform the platform itself must approve first, why, and how to ask; pure.

A reading that needs an approval is off until the operator has recorded it (``[[approvals]]``). What a platform merely
keeps a token from doing by itself, such as reading another organisation's page, needs no record: there the platform
refuses, and `connectors.permission` says what is missing.

And for how long a platform lets anybody keep what was read there without fetching it again, and who may agree to more.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from connectors.post import Account

# What a platform may agree to beyond its own limit: that what a matter rests on is kept with it.
KEEPS = "as long as the matter"


@dataclass(frozen=True, kw_only=True)
class Approval:
    """A platform's agreement to the use that Watcher makes of it: who recorded it, of which day, where it is kept.

    ``keeps`` says that it also agreed to what a matter rests on being kept as long as the matter.
    """

    platform: str
    by: str
    on: date
    reference: str
    keeps: str | None = None


@dataclass(frozen=True, kw_only=True)
class Storage:
    """How long after it was last fetched a platform lets a post be kept: an account's ``own``, and what others wrote.

    ``authors`` is the limit for who the others are, where that is shorter; ``None`` is no limit. ``source`` names the
    platform's page. What is fetched again begins anew.
    """

    own: timedelta | None
    others: timedelta
    source: str
    authors: timedelta | None = None


# As their pages were known in November 2026; whoever owns the app checks them there.
STORAGE: dict[str, Storage] = {
    "youtube": Storage(
        own=timedelta(days=30), others=timedelta(days=30), source="YouTube's API Services Developer Policies"
    ),
    "google_reviews": Storage(
        own=timedelta(days=30), others=timedelta(days=30), source="Google's Business Profile API policies"
    ),
    "linkedin": Storage(
        own=None,
        others=timedelta(hours=48),
        authors=timedelta(hours=24),
        source="LinkedIn's Data Storage Requirements",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """An approval that a platform wants: its ``name``, for ``what`` it is, ``why``, and what to ``do`` to get it."""

    name: str
    what: str
    why: str
    do: str


def _always(_: Account) -> bool:
    return True


_RULES: dict[str, tuple[Requirement, Callable[[Account], bool]]] = {
    "x": (
        Requirement(
            name="X's approval of the use case",
            what="everything that is read from X",
            why="X's developer policy allows only the use that was described to X and approved",
            do="describe in X's developer console what Watcher does and for which schools, and wait for X's agreement",
        ),
        _always,
    ),
    "reddit": (
        Requirement(
            name="Reddit's approval under its Responsible Builder Policy",
            what="everything that is read from Reddit",
            why="Reddit approves each use before its interface is read, and wants a contract for a commercial one",
            do="ask through Reddit's developer support form, and wait for the answer",
        ),
        _always,
    ),
    "linkedin": (
        Requirement(
            name="LinkedIn's approval of the app for the Community Management API",
            what="everything that is read from LinkedIn",
            why="LinkedIn reviews the company and the use before an app may read a page",
            do="ask for the product Community Management API in LinkedIn's developer portal, and wait for the review",
        ),
        _always,
    ),
    "tiktok": (
        Requirement(
            name="TikTok's app review",
            what="everything that is read from TikTok",
            why="TikTok reviews each app and its use before video.list may be asked of a real account",
            do="hand the app in for review at developers.tiktok.com, and say truly what Watcher is for",
        ),
        _always,
    ),
    "google_reviews": (
        Requirement(
            name="Google's approval of the project for the Business Profile APIs",
            what="reviews of the school's places",
            why="Google gives a project no quota before its access form is approved",
            do="send Google's access request form, and wait until the project's quota is above 0",
        ),
        _always,
    ),
    "facebook": (
        Requirement(
            name="Meta's App Review for Page Public Content Access",
            what="a Facebook Page that is not the school's own (official = false)",
            why="Meta lets a page be read by its own people's token; any other page is public content, and reviewed",
            do="ask for the feature Page Public Content Access under App Review in Meta's developer site",
        ),
        lambda account: not account.official,
    ),
    "instagram": (
        Requirement(
            name="Meta's App Review for Instagram Public Content Access",
            what="hashtags on Instagram",
            why="Meta lets hashtags be searched only with the feature Instagram Public Content Access",
            do="ask for that feature under App Review in Meta's developer site",
        ),
        lambda account: "search" in account.reads,
    ),
    "threads": (
        Requirement(
            name="Meta's App Review for threads_keyword_search",
            what="searches on Threads",
            why="until Meta has granted it, a search answers with the account's own posts alone, without an error",
            do="ask for threads_keyword_search under App Review in Meta's developer site",
        ),
        lambda account: "search" in account.reads,
    ),
}


def platforms() -> tuple[str, ...]:
    """The platforms of which some or all reading must be approved, sorted."""
    return tuple(sorted(_RULES))


def rule(platform: str) -> Requirement | None:
    """What a platform wants approved, or ``None``."""
    return _RULES[platform][0] if platform in _RULES else None


def required(account: Account) -> Requirement | None:
    """The approval that reading this account needs, or ``None``.

    What the operator allowed on a private network is a test server or a proxy, and no platform.
    """
    requirement, applies = _RULES.get(account.platform, (None, None))
    is_own_server = account.base_url is not None and account.allow_private
    return requirement if applies is not None and not is_own_server and applies(account) else None


def in_words(limit: timedelta) -> str:
    """A limit as people say it: up to three days in hours."""
    hours = int(limit.total_seconds() // 3600)
    return f"{hours} hours" if hours <= 3 * 24 else f"{hours // 24} days"


def granted(recorded: Iterable[tuple[str, date]], today: date) -> frozenset[str]:
    """The platforms that have approved by today, of records with the day of the answer: a later one is none yet."""
    return frozenset(platform for platform, on in recorded if on <= today)


def missing(account: Account, approved: Container[str]) -> Requirement | None:
    """The approval that an account still waits for, given the platforms whose approval is recorded."""
    return None if account.platform in approved else required(account)


def told(requirement: Requirement, platform: str) -> str:
    """In one sentence why an account is off, and what to do; for the operator."""
    do = requirement.do[:1].upper() + requirement.do[1:]
    return (
        f"off until {requirement.name} is recorded: {requirement.why}. {do}; "
        f'then write [[approvals]] with platform = "{platform}", by, on and reference, and apply '
        f"(docs/platforms/{platform}.md)"
    )
