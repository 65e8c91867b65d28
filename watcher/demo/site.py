"""What the demo's server answers: the Mastodon API of one instance, the feeds, and a page for every post."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlencode

from watcher.demo.feed import feed
from watcher.demo.instance import Instance
from watcher.demo.scenario import Line

_PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNsaGj4DwAFhAKAjM1mJgAAAABJRU5ErkJggg=="
)
_PAGE_POLICY = "default-src 'none'"


@dataclass(frozen=True)
class Answer:
    """What one request gets: status, bytes, their type, and further headers."""

    status: int
    body: bytes
    type: str = "application/json; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ask:
    """One request: its path, its query, the bearer token it brought, and the moment in the script."""

    path: str
    query: dict[str, str]
    token: str | None
    elapsed: float


def token(handle: str) -> str:
    """The bearer token with which an account's notifications are read; nothing in the demo is secret."""
    return f"demo-{handle}"


class Site:
    """From a request to its answer."""

    def __init__(self, posts: Sequence[Line], started_at: datetime, base_url: str, speed: float) -> None:
        self._posts, self._started_at, self._base_url, self._speed = posts, started_at, base_url, speed
        self._instance = Instance(posts, started_at, base_url, speed)
        self._routes: list[tuple[re.Pattern[str], Callable[[Ask, str], Answer]]] = [
            (re.compile(pattern), route)
            for pattern, route in (
                (r"/api/v2/()instance", self._about),
                (r"/api/v1/accounts/()lookup", self._lookup),
                (r"/api/v1/accounts/(\d+)", self._account),
                (r"/api/v1/accounts/(\d+)/statuses", self._account_statuses),
                (r"/api/v1/statuses/(\d+)", self._status),
                (r"/api/v1/statuses/(\d+)/context", self._context),
                (r"/api/v1/timelines/tag/([^/]+)", self._tag),
                (r"/api/v2/()search", self._search),
                (r"/api/v1/()notifications", self._notifications),
                (r"/feeds/([a-z_]+)\.xml", self._feed),
                (r"/feeds/entry/([a-z0-9-]+)", self._entry_page),
                (r"/@\w+/(\d+)", self._status_page),
                (r"/media/([a-z0-9-]+)\.png", self._picture),
            )
        ]

    def answer(self, ask: Ask) -> Answer:
        """The answer to a request, 404 where there is nothing of that name."""
        for pattern, route in self._routes:
            if found := pattern.fullmatch(ask.path):
                return route(ask, unquote(found.group(1)))
        return _missing()

    def _about(self, _ask: Ask, _: str) -> Answer:
        return _json(self._instance.about())

    def _lookup(self, ask: Ask, _: str) -> Answer:
        handle = ask.query.get("acct", "").removeprefix("@").partition("@")[0]
        return _json(self._instance.account(handle, ask.elapsed)) if self._instance.knows(handle) else _missing()

    def _account(self, ask: Ask, account_id: str) -> Answer:
        handle = self._instance.handle_of(account_id)
        return _missing() if handle is None else _json(self._instance.account(handle, ask.elapsed))

    def _account_statuses(self, ask: Ask, account_id: str) -> Answer:
        handle = self._instance.handle_of(account_id)
        if handle is None:
            return _missing()
        lines = self._instance.by_account(handle, ask.elapsed)
        if _true(ask.query.get("exclude_replies")):
            lines = [line for line in lines if line.reply_to is None]
        if _true(ask.query.get("only_media")):
            lines = [line for line in lines if line.has_image]
        return self._timeline(ask, [] if _true(ask.query.get("pinned")) else lines)

    def _status(self, ask: Ask, status_id: str) -> Answer:
        line = self._instance.find(status_id, ask.elapsed)
        return _missing() if line is None else _json(self._instance.status(line, ask.elapsed))

    def _context(self, ask: Ask, status_id: str) -> Answer:
        line = self._instance.find(status_id, ask.elapsed)
        return _missing() if line is None else _json(self._instance.context(line, ask.elapsed))

    def _tag(self, ask: Ask, tag: str) -> Answer:
        return self._timeline(ask, self._instance.by_tag(tag, ask.elapsed))

    def _search(self, ask: Ask, _: str) -> Answer:
        found: dict[str, list[Any]] = {"accounts": [], "statuses": [], "hashtags": []}
        if ask.query.get("type", "statuses") == "statuses":
            lines = self._instance.by_words(ask.query.get("q", ""), ask.elapsed)
            offset = ask.query.get("offset", "")
            skipped = int(offset) if offset.isascii() and offset.isdigit() else 0
            newest_first = sorted(lines, key=lambda line: int(self._instance.status_id(line)), reverse=True)
            page = self._instance.slice(newest_first[skipped:], ask.query)
            found["statuses"] = [self._instance.status(line, ask.elapsed) for line in page.lines]
        return _json(found)

    def _notifications(self, ask: Ask, _: str) -> Answer:
        handle = (ask.token or "").removeprefix("demo-")
        if not self._instance.knows(handle) or ask.token != token(handle):
            return _json({"error": "The access token is invalid"}, 401)
        wanted = ask.query.get("types[]", "mention") == "mention"
        lines = self._instance.mentioning(handle, ask.elapsed) if wanted else []
        return self._timeline(ask, lines, self._instance.notification)

    def _timeline(
        self, ask: Ask, lines: Iterable[Line], shape: Callable[[Line, float], dict[str, Any]] | None = None
    ) -> Answer:
        """One page of lines with the Link header that leads to the next and the previous one."""
        page = self._instance.slice(lines, ask.query)
        entities = [(shape or self._instance.status)(line, ask.elapsed) for line in page.lines]
        kept = {key: value for key, value in ask.query.items() if key not in ("max_id", "min_id", "since_id")}
        links = []
        if entities and page.more:
            links.append(f'<{self._link(ask, kept | {"max_id": entities[-1]["id"]})}>; rel="next"')
        if entities:
            links.append(f'<{self._link(ask, kept | {"min_id": entities[0]["id"]})}>; rel="prev"')
        return _json(entities, headers={"Link": ", ".join(links)} if links else {})

    def _link(self, ask: Ask, query: Mapping[str, str]) -> str:
        """The address of another page of the same timeline."""
        return f"{self._base_url}{ask.path}?{urlencode(query)}"

    def _feed(self, ask: Ask, school: str) -> Answer:
        text = feed(
            self._posts,
            school,
            started_at=self._started_at,
            elapsed=ask.elapsed,
            base_url=self._base_url,
            speed=self._speed,
        )
        return _missing() if text is None else Answer(200, text.encode(), "application/rss+xml; charset=utf-8")

    def _entry_page(self, ask: Ask, row: str) -> Answer:
        line = next((line for line in self._posts if line.id == row and line.via == "rss"), None)
        return _page(line, ask.elapsed)

    def _status_page(self, ask: Ask, status_id: str) -> Answer:
        return _page(self._instance.find(status_id, ask.elapsed), ask.elapsed)

    def _picture(self, _ask: Ask, _name: str) -> Answer:
        return Answer(200, _PIXEL, "image/png")


def _true(value: str | None) -> bool:
    """Whether a query's value means yes."""
    return value in ("true", "1", "on")


def _json(entity: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """An entity as an answer."""
    return Answer(status, json.dumps(entity, ensure_ascii=False).encode(), headers=headers or {})


def _missing() -> Answer:
    """What an instance answers where there is nothing."""
    return _json({"error": "Record not found"}, 404)


def _page(line: Line | None, elapsed: float) -> Answer:
    """The page on which a person reads one post of the demo."""
    if line is None or line.at > elapsed:
        return _missing()
    heading = html.escape(line.title or line.name)
    picture = f"<p><em>Picture: {html.escape(line.image_alt or 'no description')}</em></p>" if line.has_image else ""
    body = (
        f'<!doctype html><html lang="{line.language}"><head><meta charset="utf-8">'
        f"<title>{heading} (invented)</title></head><body><main><h1>{heading}</h1>"
        f"<p>{html.escape(line.text_at(elapsed))}</p>{picture}"
        f"<p>By {html.escape(line.name)}. An invented post of the demo.</p></main></body></html>"
    )
    return Answer(200, body.encode(), "text/html; charset=utf-8", {"Content-Security-Policy": _PAGE_POLICY})
