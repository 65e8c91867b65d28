"""Whether an account that is read as the school's own looks like it: open to all, and naming the school."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from alerts.mention import match
from alerts.school import School
from connectors.errors import ConnectorError
from connectors.post import Author, Post
from connectors.profile import Profile, Profiler
from watcher.app import Connectors
from watcher.config import Settings
from watcher.enrolment import account_of
from watcher.errors import WatcherError
from watcher.looking import reads_timeline
from watcher.terms import Reading, school_of


def profile_rows(settings: Settings, connectors: Connectors, reading: Reading) -> Iterator[dict[str, Any]]:
    """A row for `watcher doctor` on an account's profile, where its timeline is read and its platform tells of it."""
    row = reading.row
    school = next((school_of(one) for one in settings.schools if one.id == row.school), None)
    if school is None or not reads_timeline(row):
        return
    try:
        account = connectors.with_token(account_of(row))
        connector = connectors.of(account)
        if not isinstance(connector, Profiler):
            return
        with connectors.by_hand.reading(account):
            found = connector.profile(account)
    except (ConnectorError, WatcherError):
        # The reading itself has said already what is amiss.
        return
    wrong = tuple(doubts(found, school))
    detail = f"warning: {'; '.join(wrong)}" if wrong else f"the profile names {school.name} and is open to all"
    yield {"what": f"profile {row.name}", "ok": True, "detail": detail}


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
