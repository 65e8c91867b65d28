"""What reading a platform costs and how much of it there is, by the platform's own published figures; pure.

Every figure was read on the platform's pages in August to November 2026 and is checked there before it is changed
here. Where a platform publishes none (LinkedIn), the figure is ours and low; an operator may write another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

CALLS, SEARCHES, LOOKUPS, POUNDS = "calls", "searches", "lookups", "micropounds"
# Money is counted in whole millionths of a pound.
MICRO = 1_000_000
# What answers bring and platforms charge for: posts, and what may come along with them: the posts that they answer or
# quote, authors, pictures.
POSTS, QUOTED, USERS, MEDIA = "posts", "quoted", "users", "media"
ALONG = (QUOTED, USERS, MEDIA)
_PACIFIC = ZoneInfo("America/Los_Angeles")
_SPANS = {
    "minute": timedelta(minutes=1),
    "five_minutes": timedelta(minutes=5),
    "quarter_hour": timedelta(minutes=15),
    "hour": timedelta(hours=1),
    "week": timedelta(days=7),
}
PERIODS = (*_SPANS, "day", "pacific_day", "month")
# How often a limit is meant, after the number of calls.
SPOKEN = {
    "minute": "a minute",
    "five_minutes": "in five minutes",
    "quarter_hour": "in a quarter of an hour",
    "hour": "an hour",
    "day": "a day",
    "pacific_day": "a day (of the Pacific coast)",
    "week": "a week",
    "month": "a month",
}


@dataclass(frozen=True, kw_only=True)
class Limit:
    """At most so many of a unit in a period, for everything that reads with one app."""

    unit: str
    amount: int
    period: str


@dataclass(frozen=True, kw_only=True)
class Tariff:
    """How a platform counts: calls by the address asked, limits, and in dollars what is paid for.

    ``units`` are patterns of a request's path with the unit that it counts in, first match; all others are calls.
    ``page_posts`` is how many posts one page brings at most, where posts are paid for, and ``least_posts`` how few may
    be asked for; ``calls`` how many requests are reserved at a time. ``most_along`` is what may come along with a post.
    ``again_after`` are the ages at which a stored post is asked for again where each asking is paid: then only what
    something rests on is, and so that at most ``again_share`` of all posts were paid for twice in thirty days. An age
    of less than a day counts only within the UTC day of the first reading. Empty: asking again costs nothing.
    """

    limits: tuple[Limit, ...]
    calls: int = 4
    units: tuple[tuple[str, str], ...] = ()
    page_posts: int = 0
    least_posts: int = 0
    dollars_post: float = 0.0
    dollars_lookup: float = 0.0
    dollars_user: float = 0.0
    dollars_media: float = 0.0
    most_along: Mapping[str, int] = field(default_factory=dict)
    again_after: tuple[timedelta, ...] = ()
    again_share: float = 0.0

    def unit_of(self, path: str) -> str:
        """The unit that a request for this path counts in."""
        return next((unit for pattern, unit in self.units if re.search(pattern, path)), CALLS)

    def dollars(self, brought: Mapping[str, int]) -> float:
        """What was brought costs, by what it is; look-ups of accounts are among it."""
        prices = {
            POSTS: self.dollars_post,
            QUOTED: self.dollars_post,
            USERS: self.dollars_user,
            MEDIA: self.dollars_media,
            LOOKUPS: self.dollars_lookup,
        }
        return sum(price * brought.get(kind, 0) for kind, price in prices.items())

    def most(self, posts: int, *, along: bool) -> dict[str, int]:
        """All that a page of so many posts can bring, without or with what comes along."""
        return {POSTS: posts, **{kind: number * posts for kind, number in self.most_along.items() if along}}


def _calls(amount: int, period: str) -> tuple[Limit, ...]:
    return (Limit(unit=CALLS, amount=amount, period=period),)


# A platform that is not here publishes no limit and costs nothing: feeds, blogs, archives.
TARIFFS: dict[str, Tariff] = {
    # A post $0.005, an account $0.010; a post is paid once a UTC day, and we count it each time to be safe.
    # X does not say whether the authors, the posts answered or quoted and the pictures that come along are charged
    # for; its price list names them all, so they are counted until the operator knows better. An answer that quotes
    # brings two more posts, three authors in all and four pictures.
    # 300 requests a quarter of an hour is the lowest limit of the reads that Watcher uses.
    "x": Tariff(
        limits=_calls(300, "quarter_hour"),
        calls=1,
        units=((r"/2/users/(?:by/|\d+$)", LOOKUPS),),
        page_posts=100,
        least_posts=10,
        dollars_post=0.005,
        dollars_lookup=0.010,
        dollars_user=0.010,
        dollars_media=0.005,
        most_along={QUOTED: 2, USERS: 3, MEDIA: 4},
        # X lets a post be edited for an hour, and most deletions come within days. The first look is on the day of the
        # first reading, when X charges nothing more; what the other two cost stays within the 2 % that may be paid
        # twice, with room for what two searches bring both.
        again_after=(timedelta(hours=2), timedelta(days=1), timedelta(days=7)),
        again_share=0.015,
    ),
    "youtube": Tariff(
        limits=(*_calls(10_000, "pacific_day"), Limit(unit=SEARCHES, amount=100, period="pacific_day")),
        calls=8,
        units=((r"/v3/search$", SEARCHES),),
    ),
    # Meta's limit for these grows with how many people a page reaches, so no figure stands here: calls are counted,
    # what Meta's answers say of the share in use is obeyed (`connectors.meter`), and the operator may write a cap.
    "facebook": Tariff(limits=(), calls=8),
    "instagram": Tariff(limits=(), calls=8),
    "threads": Tariff(limits=_calls(2_200, "day"), calls=8),
    "linkedin": Tariff(limits=_calls(500, "day"), calls=8),
    "tiktok": Tariff(limits=_calls(600, "minute")),
    "reddit": Tariff(limits=_calls(60, "minute"), calls=8),
    "bluesky": Tariff(limits=_calls(3_000, "five_minutes"), calls=8),
    "mastodon": Tariff(limits=_calls(300, "five_minutes"), calls=8),
    "google_reviews": Tariff(limits=_calls(300, "minute")),
}


def window(period: str, now: datetime) -> tuple[datetime, datetime]:
    """The start and end of the period that ``now`` lies in, in UTC.

    Raises:
        ValueError: no such period.
    """
    if period == "month":
        start = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        return start, (start + timedelta(days=32)).replace(day=1)
    if period in ("day", "pacific_day"):
        zone = _PACIFIC if period == "pacific_day" else UTC
        start = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
        # A day ends at the next midnight there, which twice a year is not 24 hours away.
        return start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC)
    if period not in _SPANS:
        raise ValueError(f"period {period!r} is not one of {', '.join(PERIODS)}")
    span = _SPANS[period]
    since = now.astimezone(UTC) - datetime(2020, 1, 6, tzinfo=UTC)
    start = now.astimezone(UTC) - since % span
    return start, start + span
