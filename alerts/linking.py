"""What a link says of a school: whether it leads to the school's own site, or to its profile on a platform."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

# Where everybody has a page: the host alone says nothing of whose it is.
_PLATFORMS = (
    *("x.com", "twitter.com", "t.co", "facebook.com", "fb.com", "fb.me", "instagram.com", "threads.net"),
    *("threads.com", "youtube.com", "youtu.be", "linkedin.com", "tiktok.com", "bsky.app", "bsky.social", "reddit.com"),
    *("redd.it", "mastodon.social", "linktr.ee", "google.com", "goo.gl"),
)


def site(address: str) -> tuple[str, ...]:
    """An address as its host, without ``www.``, and the parts of its path; empty where it is none."""
    try:
        parts = urlsplit(address.strip() if "//" in address else f"//{address.strip()}")
        host = (parts.hostname or "").removeprefix("www.").rstrip(".")
    except ValueError:
        return ()
    path = (unquote(part).casefold() for part in parts.path.split("/"))
    return (host, *(part for part in path if part)) if host else ()


def is_platform(host: str) -> bool:
    """Whether a host is a platform's, on which everybody may have a page."""
    return any(host == name or host.endswith(f".{name}") for name in _PLATFORMS)


def leads_to(links: Iterable[tuple[str, ...]], own: tuple[str, ...], others: Iterable[tuple[str, ...]]) -> str | None:
    """How surely some of the links lead to a school's site among those of other schools: ``sole``, ``shared`` or not.

    What lies below a longer address of another school's is that school's; a platform's bare host is nobody's.
    """
    if not own or (len(own) == 1 and is_platform(own[0])):
        return None
    rivals = tuple(other for other in others if other and _below(other, own))
    mine = [link for link in links if _below(link, own)]
    mine = [link for link in mine if not any(_below(link, rival) for rival in rivals if rival != own)]
    if not mine:
        return None
    return "shared" if own in rivals else "sole"


def names_in(links: Iterable[str]) -> frozenset[str]:
    """The parts of paths in which a profile's name may stand: all on a platform, elsewhere those that begin with @."""
    found: set[str] = set()
    for host, *path in filter(None, map(site, links)):
        found.update(part for part in path if part.startswith("@") or is_platform(host))
    return frozenset(found)


def _below(link: tuple[str, ...], address: tuple[str, ...]) -> bool:
    return link[: len(address)] == address
