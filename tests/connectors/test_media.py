"""No connector ever fetches a picture, film or sound: where one lies is told, what lies there is never asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.connector import Connector
from connectors.post import Cursor, Post
from connectors.registry import known
from tests.connectors.test_contract import SOURCES, Source

_TEXT = re.compile(r"Invented post \d+")
# These give no address of a medium that lies elsewhere: a film's own page, or nothing.
_TELL_NONE = ("x", "bluesky", "youtube", "linkedin", "tiktok")
WITH_SERVER = [one for one in SOURCES if one.platform in known()]


def media(base: str) -> dict[str, Any]:
    """A picture in the shape of every platform at once; each connector takes its own and passes over the others'."""
    picture, film = f"{base}/media/picture.jpg", f"{base}/media/film.mp4"
    return {
        "media_attachments": [{"type": "image", "url": picture, "preview_url": picture, "description": "a picture"}],
        "attachments": {"data": [{"type": "photo", "media": {"image": {"src": picture}, "source": film}}]},
        "media_type": "IMAGE",
        "media_url": picture,
        "thumbnail_url": picture,
        "full_picture": picture,
        "gif_url": picture,
        "reviewMediaItems": [{"thumbnailUrl": picture, "videoUrl": film}],
        "url_overridden_by_dest": picture,
        "preview": {"images": [{"source": {"url": picture}}]},
        "embed": {"$type": "app.bsky.embed.external", "external": {"uri": picture, "title": "a picture"}},
        "thumbnails": {"default": {"url": picture}},
        "cover_image_url": picture,
        "embed_link": film,
        "media": [{"kind": "image", "url": picture}],
        "_embedded": {"wp:featuredmedia": [{"source_url": picture, "mime_type": "image/jpeg"}]},
    }


def dressed(value: Any, base: str) -> Any:
    """An answer with a picture at every post in it."""
    if isinstance(value, list):
        return [dressed(one, base) for one in value]
    if isinstance(value, dict):
        found = {key: dressed(one, base) for key, one in value.items()}
        said = [one for one in value.values() if isinstance(one, str) and _TEXT.search(one)]
        if isinstance(value.get("content"), dict) and "rendered" in value["content"]:
            said.append("an article")
        return {**media(base), **found} if said else found
    if isinstance(value, str) and value.startswith("<p>"):
        return f'{value}<img src="{base}/media/picture.jpg" alt="a picture"><video src="{base}/media/film.mp4"></video>'
    return value


def in_feed(body: str, base: str) -> str:
    """A feed with a picture at every entry, beside it and within its text."""
    enclosure = f'<enclosure url="{base}/media/picture.jpg" length="1" type="image/jpeg"/>'
    inside = f'&lt;img src="{base}/media/picture.jpg"&gt;</content>'
    return body.replace("</item>", f"{enclosure}</item>").replace("</content>", inside)


@pytest.fixture(params=WITH_SERVER, ids=lambda one: one.__name__)
def source(request: pytest.FixtureRequest, httpserver: HTTPServer, tmp_path: Path) -> Source:
    """A platform that shows a picture with every post."""
    kind = request.param

    class Pictured(kind):  # type: ignore[misc]
        def answer(self, request: Request) -> Any:
            given = super().answer(request)
            if not isinstance(given, Response):
                return dressed(given, self.base)
            body = given.get_data(as_text=True)
            if given.mimetype == "application/json":
                shown = json.dumps(dressed(json.loads(body), self.base))
            else:
                shown = in_feed(body, self.base)
            headers = {k: v for k, v in given.headers.items() if k.startswith("X-")}
            return Response(shown, given.status_code, headers, mimetype=given.mimetype)

        def put(self, *numbers: int) -> None:
            super().put(*numbers)
            if not self.speaks_http:
                file = self.folder / "posts.jsonl"
                rows = [json.loads(row) for row in file.read_text().splitlines()]
                told = [{"kind": "image", "url": f"{self.base}/media/picture.jpg"}]
                file.write_text("".join(json.dumps(row | {"media": told}) + "\n" for row in rows))

    return Pictured(httpserver, tmp_path)


def everything(connector: Connector, source: Source) -> Iterator[Post]:
    cursor: Cursor | None = None
    for _ in range(9):
        page = connector.fetch(source.account(), cursor)
        yield from page.posts
        cursor = page.cursor
        if not page.more:
            return


def test_where_a_picture_lies_is_told_and_nobody_asks_for_it(source: Source, httpserver: HTTPServer) -> None:
    source.put(1, 2, 3)
    posts = list(everything(source.connector(), source))
    assert len({post.id for post in posts}) == 3
    asked = [request.path for request, _ in httpserver.log]
    assert [path for path in asked if path.startswith("/media/")] == []
    told = [one.url for post in posts for one in post.media]
    assert source.platform in _TELL_NONE or any("/media/" in (address or "") for address in told)


def test_every_platform_is_held_to_it() -> None:
    assert {one.platform for one in WITH_SERVER} == set(known())
