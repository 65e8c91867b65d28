"""Whether what an account reads may be read, and what is missing for a search to be built from the schools' terms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import EmailStr

from alerts.query import LONGEST, MARK
from watcher.config import AccountRow, Settings
from watcher.naming import handle_of
from watcher.problem import misfit
from watcher.terms import LONGEST_NAME, TERMS, is_shared, is_sought, plan_of, schools_of

# Where a timeline is somebody's own; on sites, feeds and forums it is a publication's.
_PERSONAL = (
    *("x", "facebook", "instagram", "threads", "youtube", "linkedin", "tiktok", "bluesky", "mastodon", "reddit"),
)
# Somebody's own submissions stand under u/name, and in a community that is called u_name.
_USER_OF_REDDIT = re.compile(
    r"(?:https?://(?:www\.|old\.|new\.)?reddit\.com)?/?(?:(?:u|user)/|r/(?:\w+\+)*u_)", re.IGNORECASE
)
# Where servers give out as a feed what one person writes.
_FEED_OF_A_PERSON = re.compile(
    r"//[^/]+/(?:web/)?@[^/]+\.(?:rss|atom|json)(?:$|\?)"  # Mastodon and its kin
    r"|//[^/]+/users/[^/]+(?:\.|/)(?:rss|atom|feed|outbox)"
    r"|//(?:[\w-]+\.)*reddit\.com/+(?:(?:u|user)/|r/(?:\w+\+)*u_)"
    r"|//bsky\.app/profile/[^/]+/rss"
    r"|//(?:[\w-]+\.)*youtube\.com/feeds/videos\.xml\?(?:.*&)?(?:channel_id=|user=|playlist_id=UU)"
    r"|//(?:[\w-]*nitter[\w-]*\.)[^/]+/(?!search)\w+(?:/[\w_]+)?/rss"
    r"|//[^/]+/(?:twitter|x|instagram|facebook|threads|tiktok|bsky|bluesky|mastodon|youtube|reddit)"
    r"/(?:user|profile|channel|acct|account|media|page)/"
    r"|//[^/]+/u/[^/]+(?:/[\w-]+)?\.(?:rss|json)",  # a forum's reader
    re.IGNORECASE,
)
# Signs by which a search brings what one person writes, or what is written to one; a minus before them leaves it out.
_OF_A_PERSON = re.compile(
    r"(?<![\w-])(?<!not )(?P<sign>from|author|retweets_of|list|to|mentions):[\"'@\s]*(?P<who>[\w.:@-]*\w)",
    re.IGNORECASE,
)
_PHRASE = re.compile(r"(?<![:@])\"[^\"]*\"")
_SIGNED = ("x", "mastodon", "bluesky", "reddit")
_VIDEO = re.compile(r"youtu\.be/|youtube\.com/(?:watch\?|shorts/|live/)", re.IGNORECASE)


def reads_timeline(account: AccountRow) -> bool:
    """Whether an account's row has somebody's own timeline, or what is said to them, read."""
    target = (account.target or "").strip()
    if account.platform == "rss":
        return _FEED_OF_A_PERSON.search(target if "//" in target else f"//{target}") is not None
    if account.platform not in _PERSONAL or set(account.reads) <= {"search"} or is_sought(account):
        return False
    match account.platform:
        case "bluesky" | "mastodon":
            return not target.startswith("#")
        case "reddit":
            return _USER_OF_REDDIT.match(target) is not None
        case "youtube":
            return _VIDEO.search(target) is None
    return True


def timeline_refusal(key: str, account: AccountRow) -> str | None:
    """Why an account is not read at all, or ``None``: a person's own never is."""
    if not reads_timeline(account) or account.official:
        return None
    return (
        f"{key}.official: missing; an account is read only where it is the school's own, never a person's: "
        'write official = true, or look for what is said with reads = ["search"]'
    )


def search_refusal(settings: Settings, key: str, account: AccountRow) -> str | None:
    """Why a search is not asked at all, or ``None``: what one person writes is nobody's to look through.

    The school's own handles may stand in it, and any where the account is the school's own and somebody stands for it.
    """
    signed = account.platform in _SIGNED and "search" in account.reads and not is_sought(account)
    if not signed or (account.official and account.owner is not None):
        return None
    own = {(handle_of(one) or one).casefold() for school in schools_of(settings, account) for one in school.handles}
    for found in _OF_A_PERSON.finditer(_PHRASE.sub(" ", account.target or "")):
        if found["who"].casefold() not in own | {one.partition("@")[0] for one in own}:
            return (
                f"{key}.target: {found[0]!r} looks for one person's posts, or for what is said to one, which is never "
                "done; leave it out, or add the handle to the school's handles where it is the school's own"
            )
    return None


def look_problems(key: str, account: AccountRow) -> Iterator[str]:
    """What an account by itself may not read, or cannot look for."""
    refusal = timeline_refusal(key, account)
    if refusal is not None:
        yield refusal
    if MARK in account.name:
        yield f"{key}.name: {MARK!r} is what Watcher writes between a search and its parts; write another character"
    if is_sought(account):
        yield from _sought(key, account)
    elif account.target is None:
        yield (
            f"{key}.target: missing; write what is read there: a handle, an address, a folder, words"
            f' (only a search alone, reads = ["search"], on {", ".join(LONGEST)} can be built from the schools\' terms)'
        )
    elif account.target == TERMS and "search" in account.reads:
        yield (
            f"{key}.target: {TERMS!r} stands for the schools' terms, which only a search alone, "
            f'reads = ["search"], on {", ".join(LONGEST)} can be built from; write the words to look for'
        )
    if account.schools and not is_sought(account):
        yield f"{key}.schools: only for a search that is built from the schools' terms; name the one school with school"


def _sought(key: str, account: AccountRow) -> Iterator[str]:
    if account.platform == "mastodon" and account.base_url is None:
        yield f'{key}.base_url: missing; write on which server is searched, such as "https://mastodon.example"'
    if account.platform == "instagram" and "user_id" not in account.options:
        yield f"{key}.options.user_id: missing; write the number of the Instagram account that searches hashtags"
    if account.school is not None and account.schools:
        yield f"{key}.schools: name either school or schools"
    if len(account.name) > LONGEST_NAME:
        yield f"{key}.name: longer than {LONGEST_NAME} characters, which leaves no room for the parts of the search"


def timeline_problems(settings: Settings) -> Iterator[str]:
    """Accounts of which it is not known who at the school stands for them."""
    for number, account in enumerate(settings.accounts, 1):
        if reads_timeline(account) and account.owner is None:
            yield (
                f"accounts[{number}].owner: missing; write who at the school stands for this account, "
                'such as owner = "Jo Moore, office manager"'
            )


def search_problems(settings: Settings) -> Iterator[str]:
    """What is missing for the searches together: schools, room on the platform, and somebody who checks."""
    schools = [school.id for school in settings.schools]
    for number, account in enumerate(settings.accounts, 1):
        key = f"accounts[{number}]"
        for name in account.schools:
            if name not in schools:
                yield f"{key}.schools: {name!r} is unknown; known are {', '.join(schools) or 'none yet'}"
        refusal = search_refusal(settings, key, account)
        if refusal is not None:
            yield refusal
        if not is_sought(account):
            continue
        made = plan_of(settings, account)
        over = sorted({one.term.text for one, why in made.left if "allows" in why})
        if over:
            yield (
                f"{key}.schools: Instagram allows an account 30 hashtags in seven days, so {', '.join(over)} "
                "would not be looked for; add a search under another Instagram account, each with schools of its own"
            )
        if not made.queries:
            yield f"{key}.target: no school's terms can be looked for on {account.platform}; write [[schools]] first"
    yield from _checker(settings)


def _checker(settings: Settings) -> Iterator[str]:
    checker = settings.alerts.checker
    if checker is None:
        shared = [row.name for row in settings.accounts if is_shared(settings, row)]
        if shared:
            yield (
                f"alerts.checker: missing; {', '.join(shared)} may find what is about another school: write who looks "
                "at a grave concern before the school is known, a person's id or an address"
            )
    elif checker not in {person.id for person in settings.people} and misfit(checker, EmailStr) is not None:
        yield f"alerts.checker: {checker!r} is neither a person's id nor an e-mail address"
