"""A platform that behaves as badly as real ones do, with the faces of several APIs, over real HTTP.

It knows what it has published, so that a test can say what a reader must have got. Ids rise with time as real ones do;
times are shared by several posts; pages overlap, repeat an item, come in another order or break off; calls fail.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape
from typing import Any

from werkzeug import Request, Response
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

BEGIN = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
FIRST = 1857000000000000000
PAGE = 5
WINDOW = 12  # entries that a feed shows

FAULTS = ("error", "busy", "cut", "html", "overlap", "twice", "shuffled", "blank")


@dataclass
class Item:
    """One published post; its time is to the minute, so that several share one."""

    number: int
    text: str
    made: datetime
    version: int = 1
    gone: bool = False


@dataclass
class Hostile:
    """What is published, and which faults the next answers have."""

    items: list[Item] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    asked: int = 0
    minutes: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def publish(self, count: int, minutes: int) -> None:
        """So many posts more, all within the same minute, after a while."""
        self.minutes += minutes
        for _ in range(count):
            number = len(self.items)
            made = BEGIN + timedelta(minutes=self.minutes)
            self.items.append(Item(number, f"Invented post {number}", made))

    def edit(self, number: int) -> None:
        """Another version of a post."""
        item = self.items[number]
        item.version += 1
        item.text = f"Invented post {number}, version {item.version}"

    def alive(self) -> list[Item]:
        """What can be read now, newest first."""
        return [item for item in reversed(self.items) if not item.gone]

    def page(self, before: int | None, since: int | None, limit: int) -> tuple[list[Item], int | None]:
        """Items older than one and newer than another, newest first, and below which number older ones follow."""
        fault = self.faults[0] if self.faults else ""
        if fault == "blank":
            return [], len(self.items) if before is None else before
        start = before + 2 if before is not None and fault == "overlap" else before
        found = [i for i in self.alive() if start is None or i.number < start]
        found = [i for i in found if since is None or i.number > since]
        shown = found[:limit]
        onward = shown[-1].number if len(found) > limit else None
        if fault == "twice" and shown:
            shown = [*shown, shown[-1]]
        if fault == "shuffled" and len(shown) > 2:
            # The last stays last, as some readers go on from it; what stands above it is in any order.
            head = shown[:-1]
            self.chance.shuffle(head)
            shown = [*head, shown[-1]]
        return shown, onward

    def refusal(self) -> Response | None:
        """The failure that the next answer is, if it is one."""
        fault = self.faults[0] if self.faults else ""
        if fault == "error":
            return Response("<h1>Bad gateway</h1>", 502, content_type="text/html")
        if fault == "busy":
            return Response('{"error":"slow down"}', 429, content_type="application/json")
        if fault == "html":
            return Response("<html>maintenance</html>", 200, content_type="text/html")
        return None


Face = Callable[[Hostile, Request], Any]


def mastodon(platform: Hostile, request: Request) -> Any:
    """Mastodon's accounts and statuses, paged by max_id, with a Link header."""
    if request.path.endswith("/lookup"):
        return {"id": "900", "acct": "alderbrook", "username": "alderbrook"}
    limit = int(request.args.get("limit", 20))
    before = request.args.get("max_id")
    shown, onward = platform.page(int(before) - FIRST if before else None, None, limit)
    body = [
        {
            "id": str(FIRST + item.number),
            "created_at": item.made.isoformat().replace("+00:00", "Z"),
            "in_reply_to_id": None,
            "content": f"<p>{item.text}</p>",
            "url": f"https://school.example/@alderbrook/{item.number}",
            "account": {"id": "900", "acct": "alderbrook", "username": "alderbrook"},
            "replies_count": 0,
        }
        for item in shown
    ]
    answer = Response(json.dumps(body), content_type="application/json")
    if onward is not None:
        answer.headers["Link"] = f'<http://x{request.path}?max_id={FIRST + onward}>; rel="next"'
    return answer


def x(platform: Hostile, request: Request) -> Any:
    """X's user timeline, paged by token, bounded below by since_id."""
    since = request.args.get("since_id")
    token = request.args.get("pagination_token")
    limit = int(request.args.get("max_results", 10))
    shown, onward = platform.page(int(token) if token else None, int(since) - FIRST if since else None, limit)
    meta: dict[str, Any] = {"result_count": len(shown)}
    if shown:
        numbers = [item.number for item in shown]
        meta |= {"newest_id": str(FIRST + max(numbers)), "oldest_id": str(FIRST + min(numbers))}
    if onward is not None:
        meta["next_token"] = str(onward)
    data = [
        {
            "id": str(FIRST + item.number),
            "text": item.text,
            "author_id": "9001",
            "created_at": item.made.isoformat().replace("+00:00", ".000Z"),
            "conversation_id": str(FIRST + item.number),
        }
        for item in shown
    ]
    return {**({"data": data} if data else {}), "meta": meta}


def bluesky(platform: Hostile, request: Request) -> Any:
    """Bluesky's author feed, paged by a cursor that is a time, so that a tie may fall on a page's edge."""
    did = "did:plc:alderbrook"
    if request.path.endswith("resolveHandle"):
        return {"did": did}
    if request.path.endswith("getProfile"):
        return {"did": did, "handle": "alderbrook.example"}
    before = request.args.get("cursor")
    shown, onward = platform.page(int(before) if before else None, None, int(request.args.get("limit", 20)))
    feed = [
        {
            "post": {
                "uri": f"at://{did}/app.bsky.feed.post/{item.number:06d}",
                "cid": f"bafy{item.number}v{item.version}",
                "author": {"did": did, "handle": "alderbrook.example", "displayName": "Alderbrook"},
                "record": {
                    "$type": "app.bsky.feed.post",
                    "text": item.text,
                    "createdAt": item.made.isoformat().replace("+00:00", "Z"),
                },
                "indexedAt": item.made.isoformat().replace("+00:00", "Z"),
                "replyCount": 0,
            }
        }
        for item in shown
    ]
    return {"feed": feed, **({"cursor": str(onward)} if onward is not None else {})}


def rss(platform: Hostile, _request: Request) -> Any:
    """A feed: a window of the newest entries, without pages."""
    shown, _ = platform.page(None, None, WINDOW)  # one that is blank is an empty feed
    entries = "".join(
        f"<item><guid isPermaLink='false'>post-{item.number}</guid><link>https://school.example/{item.number}</link>"
        f"<title>Post {item.number}</title><description>{escape(item.text)}</description>"
        f"<pubDate>{format_datetime(item.made)}</pubDate></item>"
        for item in shown
    )
    body = f'<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>{entries}</channel></rss>'
    return Response(body, content_type="application/rss+xml")


FACES: dict[str, Face] = {"mastodon": mastodon, "x": x, "bluesky": bluesky, "rss": rss}


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: thousands of requests are asked."""


class Server:
    """Serves a hostile platform with one face on loopback."""

    def __init__(self, face: str) -> None:
        self.platform = Hostile()
        self._face = FACES[face]
        self._server: BaseWSGIServer = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The address without a slash."""
        return f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join(timeout=5)
        self._server.server_close()

    def _answer(self, environ: Any, start: Any) -> Sequence[bytes]:
        request = Request(environ)
        platform = self.platform
        platform.asked += 1
        answer = platform.refusal()
        if answer is None:
            made = self._face(platform, request)
            answer = made if isinstance(made, Response) else Response(json.dumps(made), content_type="application/json")
            if platform.faults and platform.faults[0] == "cut":
                answer = Response(answer.get_data()[: len(answer.get_data()) // 2], content_type=answer.content_type)
        if platform.faults:
            platform.faults.pop(0)
        found: Sequence[bytes] = list(answer(environ, start))
        return found
