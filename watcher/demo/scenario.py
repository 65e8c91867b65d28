"""The demo's script: what is posted when, and the settings with which Watcher reads it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

# What stands in watcher.toml for the values that are known only when the demo starts.
_SERVER = "http://127.0.0.1:0"
_DATABASE = '"sqlite:///watcher.db"'
_OUTBOX = '"outbox"'
_WEB = "http://127.0.0.1:8030"
_WEB_PORT = "port = 8030"
_ABSENCE = ("2026-01-05", "2026-01-09")


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A later text of a line: from when (seconds after the start), and the labels that it then bears."""

    at: float
    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One post of the script, visible from ``at`` seconds after the start.

    ``via`` is ``mastodon`` or ``rss``; ``source`` is what carries it, ``account:``, ``tag:``, ``search:`` or
    ``feed:`` and a school's id; ``school`` is the school it is about, ``None`` for look-alikes. ``labels``,
    ``story`` and ``note`` say what its writer meant; no reader of the demo's server ever sees them.
    """

    id: str
    at: float
    school: str | None
    via: str
    source: str
    handle: str | None
    name: str
    official: bool
    kind: str
    title: str | None
    text: str
    language: str
    reply_to: str | None
    has_image: bool
    image_alt: str | None
    labels: tuple[str, ...]
    story: str | None
    note: str
    edits: tuple[Edit, ...]

    @property
    def carried_for(self) -> str:
        """The id of the school whose account, hashtag, search words or feed brings this line."""
        return self.source.partition(":")[2]

    def edit_at(self, elapsed: float) -> Edit | None:
        """The newest edit that has happened ``elapsed`` seconds after the start."""
        return next((edit for edit in reversed(self.edits) if edit.at <= elapsed), None)

    def text_at(self, elapsed: float) -> str:
        """What the line says ``elapsed`` seconds after the start."""
        edit = self.edit_at(elapsed)
        return self.text if edit is None else edit.text


def load() -> tuple[Line, ...]:
    """The whole script, in the order of publication."""
    text = (files(__package__) / "posts.jsonl").read_text(encoding="utf-8")
    return tuple(_line(json.loads(row)) for row in text.split("\n") if row)


def _line(row: dict[str, Any]) -> Line:
    """One row of posts.jsonl as a line of the script."""
    author = row.pop("author")
    edits = tuple(Edit(at=e["at"], text=e["text"], labels=tuple(e["labels"])) for e in row.pop("edits", ()))
    labels, title = tuple(row.pop("labels")), row.pop("title", None)
    return Line(
        handle=author["handle"],
        name=author["name"],
        official=author["official"],
        labels=labels,
        title=title,
        edits=edits,
        **row,
    )


def settings(port: int, folder: Path | str, started_at: datetime | None = None, *, web_port: int = 8030) -> str:
    """The demo's settings as TOML.

    ``port`` is the demo server's, ``web_port`` that of Watcher's own pages; the database and the outbox lie in
    ``folder``. The absence of one designated lead covers the week around ``started_at``.
    """
    place = Path(folder).absolute().as_posix()
    text = (files(__package__) / "watcher.toml").read_text(encoding="utf-8")
    text = text.replace(_WEB_PORT, f"port = {web_port}").replace(_WEB, f"http://127.0.0.1:{web_port}")
    text = text.replace(_SERVER, f"http://127.0.0.1:{port}")
    # A JSON string of this kind is a TOML string too, quotes and backslashes in the path included.
    text = text.replace(_DATABASE, json.dumps(f"sqlite:///{place}/watcher.db", ensure_ascii=False))
    text = text.replace(_OUTBOX, json.dumps(f"{place}/outbox", ensure_ascii=False))
    if started_at is not None:
        day = started_at.date()
        for placeholder, moved in zip(_ABSENCE, (day - timedelta(days=3), day + timedelta(days=4)), strict=True):
            text = text.replace(placeholder, moved.isoformat())
    return text
