"""Finds a platform's connector by name, and imports it only then."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from connectors.connector import Connector
from connectors.errors import PermanentError

_HOMES = {
    "archive": "connectors.archive:ArchiveConnector",
    "bluesky": "connectors.bluesky:BlueskyConnector",
    "facebook": "connectors.facebook:FacebookConnector",
    "forum": "connectors.forum:ForumConnector",
    "google_reviews": "connectors.google_reviews:GoogleReviewsConnector",
    "instagram": "connectors.instagram:InstagramConnector",
    "linkedin": "connectors.linkedin:LinkedinConnector",
    "mastodon": "connectors.mastodon:MastodonConnector",
    "reddit": "connectors.reddit:RedditConnector",
    "rss": "connectors.rss:RssConnector",
    "threads": "connectors.threads:ThreadsConnector",
    "tiktok": "connectors.tiktok:TiktokConnector",
    "wordpress": "connectors.wordpress:WordpressConnector",
    "x": "connectors.x:XConnector",
    "youtube": "connectors.youtube:YoutubeConnector",
}


def known() -> tuple[str, ...]:
    """The names of all platforms, sorted."""
    return tuple(sorted(_HOMES))


def load(platform: str, options: Mapping[str, Any] | None = None) -> Connector:
    """A connector for the platform, made with its options (each connector's constructor names its own).

    Raises:
        PermanentError: no such platform; the text lists those there are.
    """
    if platform not in _HOMES:
        raise PermanentError(f"platform {platform!r} is unknown; known are {', '.join(known())}")
    module, _, name = _HOMES[platform].partition(":")
    made: Connector = getattr(importlib.import_module(module), name)(**(options or {}))
    return made
