"""One Mastodon instance: the demo's lines as accounts and statuses, in the shape of the real API (version 4.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from watcher.demo.markup import content, mentioned, tags
from watcher.demo.scenario import Line

# Real ids are milliseconds shifted by 16 bits. These count from a fixed moment, not from the demo's start, so that a
# second start gives every post the id that it had before.
_EPOCH_MS = 1_764_000_000_000
DEFAULT_LIMIT, MAX_LIMIT = 20, 40
_ACCOUNT_MADE = "2022-11-07T00:00:00.000Z"


@dataclass(frozen=True)
class Slice:
    """One page of a timeline, newest first, and whether older posts wait behind it."""

    lines: tuple[Line, ...]
    more: bool


class Instance:
    """What the instance knows at a moment, given as seconds since the demo's start in the script's own time."""

    def __init__(self, lines: Sequence[Line], started_at: datetime, base_url: str, speed: float = 1.0) -> None:
        self.base_url = base_url
        self._started_at = started_at
        self._speed = speed
        self._lines = tuple(line for line in lines if line.via == "mastodon")
        self._ids = {line.id: str((_EPOCH_MS + round(line.at * 1000) << 16) + i) for i, line in enumerate(self._lines)}
        self._by_status = {self._ids[line.id]: line for line in self._lines}
        self._by_row = {line.id: line for line in self._lines}
        handles = dict.fromkeys(line.handle for line in self._lines if line.handle)
        self._accounts = {handle: str(_EPOCH_MS + i << 16) for i, handle in enumerate(handles)}
        self._names = {line.handle: line.name for line in reversed(self._lines)}

    # -- finding ---------------------------------------------------------------------------------------------------

    def status_id(self, line: Line) -> str:
        """The id under which the instance publishes a line."""
        return self._ids[line.id]

    def find(self, status_id: str, elapsed: float) -> Line | None:
        """The line with this status id, once it has been published."""
        line = self._by_status.get(status_id)
        return line if line is not None and line.at <= elapsed else None

    def handle_of(self, account_id: str) -> str | None:
        """The handle of an account id."""
        return next((handle for handle, known in self._accounts.items() if known == account_id), None)

    def knows(self, handle: str) -> bool:
        """Whether anyone of this handle has an account here."""
        return handle in self._accounts

    def visible(self, elapsed: float) -> list[Line]:
        """All lines published so far, oldest first."""
        return [line for line in self._lines if line.at <= elapsed]

    def by_account(self, handle: str, elapsed: float) -> list[Line]:
        """What one account has published, oldest first."""
        return [line for line in self.visible(elapsed) if line.handle == handle]

    def by_tag(self, tag: str, elapsed: float) -> list[Line]:
        """What bears a hashtag, whatever its case, oldest first."""
        wanted = tag.casefold()
        return [line for line in self.visible(elapsed) if wanted in tags(line.text_at(elapsed))]

    def by_words(self, query: str, elapsed: float) -> list[Line]:
        """What holds every word of a query, quoted parts as they stand, oldest first."""
        wanted = [(quoted or word).casefold() for quoted, word in re.findall(r'"([^"]+)"|(\S+)', query)]
        if not wanted:
            return []
        return [line for line in self.visible(elapsed) if all(w in line.text_at(elapsed).casefold() for w in wanted)]

    def mentioning(self, handle: str, elapsed: float) -> list[Line]:
        """What others wrote to an account by its handle, oldest first."""
        wanted = re.compile(rf"(?<![\w/])@{re.escape(handle)}\b", re.IGNORECASE)
        lines = self.visible(elapsed)
        return [line for line in lines if line.handle != handle and wanted.search(line.text_at(elapsed))]

    def slice(self, lines: Iterable[Line], query: Mapping[str, str]) -> Slice:
        """The page that ``max_id``, ``since_id``, ``min_id`` and ``limit`` ask for.

        As on a real instance ``min_id`` gives the page directly after that id, ``since_id`` the newest page after it.
        """
        below, since, above = (_number(query.get(key)) for key in ("max_id", "since_id", "min_id"))
        limit = min(_number(query.get("limit")) or DEFAULT_LIMIT, MAX_LIMIT)
        found = [line for line in lines if self._within(line, below, since, above)]
        found.sort(key=lambda line: int(self._ids[line.id]), reverse=True)
        page = found[-limit:] if above is not None else found[:limit]
        return Slice(tuple(page), len(page) == limit)

    def _within(self, line: Line, below: int | None, since: int | None, above: int | None) -> bool:
        """Whether a line's id lies between the bounds asked for."""
        number = int(self._ids[line.id])
        return (below is None or number < below) and number > max(since or 0, above or 0)

    # -- entities --------------------------------------------------------------------------------------------------

    def status(self, line: Line, elapsed: float) -> dict[str, Any]:
        """A status entity."""
        number, handle = self._ids[line.id], line.handle or ""
        text = line.text_at(elapsed)
        parent = self._by_row.get(line.reply_to or "")
        edit = line.edit_at(elapsed)
        return {
            "id": number,
            "created_at": self._time(line.at),
            "in_reply_to_id": None if parent is None else self._ids[parent.id],
            "in_reply_to_account_id": None if parent is None else self._accounts[parent.handle or ""],
            "sensitive": False,
            "spoiler_text": "",
            "visibility": "public",
            "language": line.language,
            "uri": f"{self.base_url}/users/{handle}/statuses/{number}",
            "url": f"{self.base_url}/@{handle}/{number}",
            "replies_count": sum(other.reply_to == line.id for other in self.visible(elapsed)),
            "reblogs_count": 0,
            "favourites_count": 0,
            "quotes_count": 0,
            "edited_at": None if edit is None else self._time(edit.at),
            "content": content(text, self.base_url, self._accounts),
            "filtered": [],
            "reblog": None,
            "application": None,
            "account": self.account(handle, elapsed),
            "media_attachments": self._media(line),
            "mentions": [self._mention(handle) for handle in mentioned(text, self._accounts)],
            "tags": [{"name": tag, "url": f"{self.base_url}/tags/{tag}"} for tag in tags(text)],
            "emojis": [],
            "quote": None,
            "card": None,
            "poll": None,
        }

    def account(self, handle: str, elapsed: float) -> dict[str, Any]:
        """An account entity."""
        lines = self.by_account(handle, elapsed)
        url = f"{self.base_url}/@{handle}"
        picture = f"{self.base_url}/media/account.png"
        return {
            "id": self._accounts[handle],
            "username": handle,
            "acct": handle,
            "display_name": self._names[handle],
            "locked": False,
            "bot": False,
            "discoverable": True,
            "indexable": True,
            "group": False,
            "created_at": _ACCOUNT_MADE,
            "note": "",
            "url": url,
            "uri": f"{self.base_url}/users/{handle}",
            "avatar": picture,
            "avatar_static": picture,
            "header": picture,
            "header_static": picture,
            "followers_count": 0,
            "following_count": 0,
            "statuses_count": len(lines),
            "last_status_at": self._time(lines[-1].at)[:10] if lines else None,
            "hide_collections": None,
            "emojis": [],
            "roles": [],
            "fields": [],
        }

    def context(self, line: Line, elapsed: float) -> dict[str, Any]:
        """What a status answers, and what answers it, depth first, each branch oldest first."""
        ancestors: list[Line] = []
        parent = self._by_row.get(line.reply_to or "")
        while parent is not None:
            ancestors.insert(0, parent)
            parent = self._by_row.get(parent.reply_to or "")
        lines = self.visible(elapsed)
        return {
            "ancestors": [self.status(other, elapsed) for other in ancestors],
            "descendants": [self.status(other, elapsed) for other in _descendants(line, lines)],
        }

    def notification(self, line: Line, elapsed: float) -> dict[str, Any]:
        """A notification that somebody mentioned the holder of the token."""
        number = self._ids[line.id]
        return {
            "id": number,
            "type": "mention",
            "created_at": self._time(line.at),
            "group_key": f"ungrouped-{number}",
            "account": self.account(line.handle or "", elapsed),
            "status": self.status(line, elapsed),
        }

    def about(self) -> dict[str, Any]:
        """The entity that says which instance this is."""
        return {
            "domain": self.base_url.partition("://")[2],
            "title": "Watcher demo",
            "version": "4.5.0",
            "source_url": "https://github.com/mastodon/mastodon",
            "description": "Invented posts about invented schools.",
            "usage": {"users": {"active_month": len(self._accounts)}},
            "languages": ["en"],
            "configuration": {"urls": {}, "statuses": {"max_characters": 500}},
            "registrations": {"enabled": False, "approval_required": False, "message": None},
            "contact": {"email": "desk@quillmoor.example", "account": None},
            "rules": [],
        }

    def _time(self, at: float) -> str:
        """A moment of the script as the API writes times."""
        moment = self._started_at + timedelta(seconds=at / self._speed)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _media(self, line: Line) -> list[dict[str, Any]]:
        """The picture of a line, where it has one."""
        if not line.has_image:
            return []
        url = f"{self.base_url}/media/{line.id}.png"
        number = str(int(self._ids[line.id]) + 1)
        picture = {"id": number, "type": "image", "url": url, "preview_url": url, "remote_url": None}
        return [picture | {"meta": {}, "description": line.image_alt, "blurhash": None}]

    def _mention(self, handle: str) -> dict[str, str]:
        """A mention entity."""
        url = f"{self.base_url}/@{handle}"
        return {"id": self._accounts[handle], "username": handle, "url": url, "acct": handle}


def _descendants(line: Line, lines: Sequence[Line]) -> list[Line]:
    """All lines below one, depth first."""
    found: list[Line] = []
    for other in lines:
        if other.reply_to == line.id:
            found += [other, *_descendants(other, lines)]
    return found


def _number(text: str | None) -> int | None:
    """A positive number, or ``None`` for anything else, as an instance treats odd parameters."""
    return int(text) if text and text.isascii() and text.isdigit() and int(text) > 0 else None
