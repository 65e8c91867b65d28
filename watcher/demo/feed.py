"""The demo's feeds: reviews, blog and forum entries about one school as RSS 2.0."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

from watcher.demo.scenario import Line

NEWEST = 50
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom">\n'
    "<channel>\n"
)


def feed(
    lines: Sequence[Line], school: str, *, started_at: datetime, elapsed: float, base_url: str, speed: float = 1.0
) -> str | None:
    """The feed of a school as it stands ``elapsed`` seconds into the script, newest first, or ``None`` if it has none.

    A school has a feed from the first moment, even while nothing has been published in it.
    """
    carried = [line for line in lines if line.via == "rss" and line.carried_for == school]
    if not carried:
        return None
    shown = sorted((line for line in carried if line.at <= elapsed), key=lambda line: line.at, reverse=True)[:NEWEST]
    title = school.replace("_", " ").title()
    channel = (
        f"<title>Reviews and mentions: {escape(title)}</title>\n<link>{base_url}/feeds/{school}.xml</link>\n"
        f"<description>What is said about {escape(title)} elsewhere</description>\n<language>en-gb</language>\n"
    )

    def moment(at: float) -> datetime:
        return started_at + timedelta(seconds=at / speed)

    items = "".join(_item(line, moment(line.at), _edited(line, elapsed, moment), elapsed, base_url) for line in shown)
    return f"{_HEAD}{channel}{items}</channel>\n</rss>\n"


def _edited(line: Line, elapsed: float, moment: Callable[[float], datetime]) -> datetime | None:
    """When the text that stands now was written, if it is not the first one."""
    edit = line.edit_at(elapsed)
    return None if edit is None else moment(edit.at)


def _item(line: Line, published: datetime, edited: datetime | None, elapsed: float, base_url: str) -> str:
    """One entry; its text is HTML, so it is escaped twice: once as a text, once as part of an XML document."""
    parts = [] if line.title is None else [f"<title>{escape(line.title)}</title>"]
    parts += [
        f"<link>{base_url}/feeds/entry/{line.id}</link>",
        f'<guid isPermaLink="false">urn:watcher-demo:{line.id}</guid>',
        f"<pubDate>{format_datetime(published)}</pubDate>",
        f"<dc:creator>{escape(line.name)}</dc:creator>",
        f"<description>{escape(f'<p>{escape(line.text_at(elapsed))}</p>')}</description>",
    ]
    if line.kind == "review":
        parts.append("<category>review</category>")
    if edited is not None:
        parts.append(f"<atom:updated>{edited.isoformat()}</atom:updated>")
    return "<item>" + "".join(parts) + "</item>\n"
