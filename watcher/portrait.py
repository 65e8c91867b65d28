"""Whether an account that is read as the school's own looks like it: open to all, and naming the school."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alerts.mention import match
from alerts.school import School
from alerts.wording import platform_name
from connectors import permission
from connectors.errors import ConnectorError
from connectors.post import Author, Post
from connectors.profile import Profile, Profiler
from watcher.app import Connectors
from watcher.config import Settings
from watcher.enrolment import account_of
from watcher.errors import WatcherError
from watcher.looking import reads_timeline
from watcher.terms import Reading, school_of

_LOOK = "Look in a browser whether it is the school's own and open to all"


def profile_rows(settings: Settings, connectors: Connectors, reading: Reading) -> Iterator[dict[str, Any]]:
    """A row for `watcher doctor` on the profile of an account whose timeline is read: whether it looks like the

    school's own, or why that cannot be told.
    """
    row = reading.row
    school = next((school_of(one) for one in settings.schools if one.id == row.school), None)
    if school is None or not reads_timeline(row):
        return
    try:
        account = connectors.with_token(account_of(row))
        connector = connectors.of(account)
        if not isinstance(connector, Profiler):
            yield _row(row.name, _untold(row.platform))
            return
        with connectors.by_hand.reading(account):
            found = connector.profile(account)
    except (ConnectorError, WatcherError) as error:
        lack = permission.lacking(account_of(row), str(error)) if isinstance(error, ConnectorError) else None
        more = f"; {lack}" if lack else ""
        why = f"{type(error).__name__}: {error}{more}"
        yield _row(row.name, f"warning: the profile could not be read: {why}. {_LOOK}")
        return
    yield _row(row.name, _judged(found, school, row.platform))


def _row(name: str, detail: str) -> dict[str, Any]:
    """Nothing that is said of a profile keeps its account from being read."""
    return {"what": f"profile {name}", "ok": True, "detail": detail}


def _untold(platform: str) -> str:
    return f"cannot be checked: {platform_name(platform)} does not tell what an account says of itself. {_LOOK}"


def _judged(found: Profile, school: School, platform: str) -> str:
    """What is said of a profile that was read."""
    wrong = tuple(doubts(found, school))
    said = [f"warning: {'; '.join(wrong)}" if wrong else f"the profile names {school.name}"]
    if found.protected is None:
        said.append(f"whether it is open to all cannot be checked: {platform_name(platform)} does not tell")
    elif not wrong:
        said[0] += " and is open to all"
    if found.unseen:
        said.append(found.unseen)
    return "; ".join(said)


def doubts(profile: Profile, school: School) -> Iterator[str]:
    """Why an account may be none of the school's, in words for the one who wrote that it is."""
    if profile.protected:
        yield "the profile is protected, as a private person's may be: the school's own is open to all"
    said = Post(
        platform="profile",
        id="profile",
        kind="post",
        text=f"{profile.name}\n{profile.about}",
        author=Author(id="profile", handle=profile.handle or None),
        links=profile.links,
    )
    if not any(mention.relevance == "yes" for mention in match(said, (school,))):
        yield f"the profile does not name {school.name}: make sure that the account is the school's own"
