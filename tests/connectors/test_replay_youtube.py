"""Recorded answers of YouTube, replayed by a real server; every file has its noun or the reason why it has none.

They hold public posts of real people, so nothing of them is shown in a message or copied into the repository.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.errors import AuthenticationError, UnexpectedResponseError
from connectors.post import Account
from connectors.youtube import YoutubeConnector

ACTIVITY = "activities.list names an upload without its video's id; the uploads playlist is read instead"
RATING = "lists what the token's owner has rated, which is private"
WRITTEN = "answers a request that writes; Watcher writes nothing"

NOT_READ = {
    "activities_activities_by_channel_p1": ACTIVITY,
    "activities_activities_by_channel_p2": ACTIVITY,
    "activities_activities_by_mine_p1": ACTIVITY,
    "activities_activities_by_mine_p2": ACTIVITY,
    "channels_update_resp": WRITTEN,
    "playlist_items_insert_response": WRITTEN,
    "videos_get_rating_response": RATING,
    "videos_insert_response": WRITTEN,
}
CHANNELS = {"channels_info": 1, "channels_info_multiple": 2}
ERRORS = {"apidata_error_permission_resp": AuthenticationError}
PLAYLISTS = {
    "playlist_items_playlist_items_filter_video": 1,
    "playlist_items_playlist_items_multi": 2,
    "playlist_items_playlist_items_paged_1": 10,
    "playlist_items_playlist_items_paged_2": 3,
    "playlist_items_playlist_items_single": 1,
}
VIDEOS = {
    "videos_videos_chart_paged_1": 5,
    "videos_videos_chart_paged_2": 3,
    "videos_videos_info_multi": 2,
    "videos_videos_info_single": 1,
    "videos_videos_myrating_paged_1": 2,
    "videos_videos_myrating_paged_2": 1,
}
FIRST = "python-youtube__"


def read(payloads: Path, name: str) -> Any:
    return json.loads((payloads / "youtube" / f"{FIRST}{name}.json").read_text())


class Recorded:
    """Serves recorded bodies, a list by the page token that leads to each."""

    def __init__(self, server: HTTPServer) -> None:
        self.bodies: dict[str, dict[str | None, Any]] = {}
        server.expect_request(re.compile("/youtube/v3/.*")).respond_with_handler(self)

    def __call__(self, request: Request) -> Response:
        path = request.path.rpartition("/")[2]
        bodies = self.bodies.get(path)
        if bodies is None:
            return Response(json.dumps({"kind": f"youtube#{path}", "items": []}))
        body = bodies[request.args.get("pageToken")]
        return Response(json.dumps(body), body.get("error", {}).get("code", 200), content_type="application/json")


@pytest.fixture
def recorded(httpserver: HTTPServer) -> Recorded:
    return Recorded(httpserver)


def here(server: HTTPServer, **changes: Any) -> Account:
    values = {"name": "replay", "platform": "youtube", "target": "UC_x5XG1OV2P6uZZ5FSM9Ttw", "token": "key"}
    base = server.url_for("").rstrip("/")
    return Account(**{**values, "base_url": base, "allow_private": True, **changes})


def test_every_recorded_file_is_read_or_has_its_reason(payloads: Path) -> None:
    files = {file.stem.removeprefix(FIRST) for file in (payloads / "youtube").glob("*.json")}
    assert files == {*NOT_READ, *CHANNELS, *ERRORS, *PLAYLISTS, *VIDEOS}


def whole(posts: Any, items: list[dict[str, Any]]) -> None:
    """Each post says what its item says, in full."""
    of = {item["snippet"].get("resourceId", {}).get("videoId", item["id"]): item["snippet"] for item in items}
    assert {post.id for post in posts} == set(of)
    for post in posts:
        snippet = of[post.id]
        words = [part.strip() for part in (snippet["title"], snippet["description"]) if part.strip()]
        assert post.text == "\n\n".join(words)
        assert post.created_at.isoformat().replace("+00:00", "Z") == snippet["publishedAt"].replace(".000Z", "Z")
        assert (post.author.id, post.author.name) == (snippet["channelId"], snippet["channelTitle"].strip())
        assert post.language == (snippet.get("defaultLanguage") or snippet.get("defaultAudioLanguage"))
        assert all(link in post.text for link in post.links)
        assert bool(post.links) == ("http" in post.text)
        assert post.media[0].kind == "video"
        assert post.raw


@pytest.mark.parametrize("name", [*PLAYLISTS, *VIDEOS])
def test_recorded_lists_of_videos(httpserver: HTTPServer, recorded: Recorded, payloads: Path, drain, name: str) -> None:
    body = read(payloads, name)
    body.pop("nextPageToken", None)
    recorded.bodies = {"channels": {None: read(payloads, "channels_info")}, "playlistItems": {None: body}}
    if name in VIDEOS:
        recorded.bodies["videos"] = {None: body}
    reading = drain(YoutubeConnector(), here(httpserver))
    whole(reading.posts, body["items"])
    assert len(reading.posts) == {**PLAYLISTS, **VIDEOS}[name]
    assert (reading.gaps, reading.oddities) == ([], [])
    assert drain(YoutubeConnector(), here(httpserver), reading.cursor).posts == []


def test_a_recorded_list_with_its_page_token(httpserver: HTTPServer, recorded: Recorded, payloads: Path, drain) -> None:
    first, second = (read(payloads, f"playlist_items_playlist_items_paged_{n}") for n in (1, 2))
    channel = {None: read(payloads, "channels_info_multiple")}
    recorded.bodies = {"channels": channel, "playlistItems": {None: first, first["nextPageToken"]: second}}
    source = here(httpserver, official=True)
    reading = drain(YoutubeConnector(), source)
    whole(reading.posts, [*first["items"], *second["items"]])
    own = channel[None]["items"][0]["id"]
    assert {post.author.official for post in reading.posts} == {post.author.id == own for post in reading.posts}
    assert drain(YoutubeConnector(), source, reading.cursor).posts == []


@pytest.mark.parametrize("name", CHANNELS)
def test_recorded_channels_name_their_uploads(
    httpserver: HTTPServer, recorded: Recorded, payloads: Path, drain, name: str
) -> None:
    body = read(payloads, name)
    recorded.bodies = {"channels": {None: body}}
    cursor = drain(YoutubeConnector(), here(httpserver)).cursor
    found = json.loads(cursor.state)["kept"]["channel"]
    assert found["id"] == body["items"][0]["id"]
    assert found["uploads"] == "UU" + found["id"][2:]
    assert len(body["items"]) == CHANNELS[name]


@pytest.mark.parametrize("name", ERRORS)
def test_recorded_errors(httpserver: HTTPServer, recorded: Recorded, payloads: Path, name: str) -> None:
    recorded.bodies = {"channels": {None: read(payloads, name)}}
    with pytest.raises(ERRORS[name]):
        YoutubeConnector().fetch(here(httpserver), None)


@pytest.mark.parametrize("name", [name for name, why in NOT_READ.items() if why is WRITTEN])
def test_recorded_answers_that_are_no_list_are_refused(
    httpserver: HTTPServer, recorded: Recorded, payloads: Path, name: str
) -> None:
    channel = {None: read(payloads, "channels_info")}
    recorded.bodies = {"channels": channel, "playlistItems": {None: read(payloads, name)}}
    with pytest.raises(UnexpectedResponseError):
        YoutubeConnector().fetch(here(httpserver), None)


@pytest.mark.parametrize("name", [name for name, why in NOT_READ.items() if why in (ACTIVITY, RATING)])
def test_recorded_items_that_are_no_videos_are_set_aside(
    httpserver: HTTPServer, recorded: Recorded, payloads: Path, drain, name: str
) -> None:
    body = read(payloads, name)
    body.pop("nextPageToken", None)
    recorded.bodies = {"channels": {None: read(payloads, "channels_info")}, "playlistItems": {None: body}}
    reading = drain(YoutubeConnector(), here(httpserver))
    assert reading.posts == []
    assert len(reading.oddities) == len(body["items"])
