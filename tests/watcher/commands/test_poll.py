"""`watcher poll` to the letter, on every platform."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

WATCHER = [sys.executable, "-m", "watcher"]
TOKEN = "s3cret-t0ken"
START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
POST_KEYS = {
    *("platform", "origin", "id", "kind", "url", "author", "text", "language", "created_at", "edited_at"),
    *("reply_to", "thread", "links", "media", "sha256"),
}


Command = Callable[..., Any]


def stamp(number: int, form: str) -> str:
    return (START + timedelta(minutes=number)).strftime(form)


def rss(request: Request, items: list[int], base: str) -> Response:
    body = "".join(
        f"<item><guid>{n}</guid><title>Invented post {n}</title>"
        f"<pubDate>{stamp(n, '%a, %d %b %Y %H:%M:%S GMT')}</pubDate></item>"
        for n in items
    )
    return Response(f"<rss version='2.0'><channel>{body}</channel></rss>", mimetype="application/rss+xml")


def mastodon(request: Request, items: list[int], base: str) -> Any:
    account, made = {"id": "9", "acct": "hillcrest"}, "%Y-%m-%dT%H:%M:%SZ"
    if request.path.endswith("/lookup"):
        return account
    if request.path.endswith("/context"):
        told = int(request.path.split("/")[-2])
        reply = {"id": f"{1000 + told}", "content": f"<p>Reply to {told}</p>", "account": {"id": "7", "acct": "pat"}}
        return {
            "ancestors": [],
            "descendants": [{**reply, "in_reply_to_id": f"{told}", "created_at": stamp(told, made)}],
        }
    below, limit = int(request.args.get("max_id", 10**9)), int(request.args["limit"])
    found = [n for n in items if n < below][:limit]
    return [
        {"id": f"{n}", "content": f"<p>Invented post {n}</p>", "account": account, "created_at": stamp(n, made)}
        for n in found
    ]


def x(request: Request, items: list[int], base: str) -> Any:
    if "/by/username/" in request.path:
        return {"data": {"id": "9", "name": "Hillcrest", "username": "hillcrest"}}
    start, size = int(request.args.get("pagination_token", 0)), int(request.args["max_results"])
    data = [
        {"id": f"{1857000000000000000 + n}", "text": f"Invented post {n}", "author_id": "9",
         "created_at": stamp(n, "%Y-%m-%dT%H:%M:%S.000Z")}
        for n in items[start : start + size]
    ]  # fmt: skip
    meta: dict[str, Any] = {"result_count": len(data)}
    if start + size < len(items):
        meta["next_token"] = str(start + size)
    return {"data": data, "meta": meta}


def facebook(request: Request, items: list[int], base: str) -> Any:
    if not request.path.endswith("/published_posts"):
        return {"id": "9", "name": "Hillcrest"}
    start, size = int(request.args.get("after", 0)), int(request.args["limit"])
    data = [
        {"id": f"9_{n}", "message": f"Invented post {n}", "created_time": stamp(n, "%Y-%m-%dT%H:%M:%S+0000")}
        for n in items[start : start + size]
    ]
    paging: dict[str, Any] = {"cursors": {"after": str(start + size)}}
    if start + size < len(items):
        paging["next"] = f"{base}{request.path}?after={start + size}"
    return {"data": data, "paging": paging}


TARGETS = {"rss": "https://www.hillcrest.example/feed", "mastodon": "@hillcrest", "x": "@hillcrest", "facebook": "9"}
PLATFORMS = {"rss": rss, "mastodon": mastodon, "x": x, "facebook": facebook}
PAGED = [name for name in PLATFORMS if name != "rss"]


class Platform:
    """A server that speaks one platform's language, until it is told to break."""

    def __init__(self, server: HTTPServer, name: str) -> None:
        self.base = server.url_for("").rstrip("/")
        self.items = list(range(13, 0, -1))
        self.tokens: list[str] = []
        self.asked = 0
        self.breaks: Callable[[int], Response | None] = lambda asked: None
        self.name = name
        server.expect_request(re.compile(".*")).respond_with_handler(self._answer)

    def _answer(self, request: Request) -> Response:
        self.asked += 1
        self.tokens.append(request.headers.get("Authorization", ""))
        broken = self.breaks(self.asked)
        if broken is not None:
            return broken
        said = PLATFORMS[self.name](request, self.items, self.base)
        return said if isinstance(said, Response) else Response(json.dumps(said), mimetype="application/json")


@pytest.fixture(params=list(PLATFORMS))
def platform(request: pytest.FixtureRequest, httpserver: HTTPServer, tmp_path: Path) -> Platform:
    """One platform, and settings that hold nothing but accounts, of which only one is sound."""
    made = Platform(httpserver, request.param)
    settings(tmp_path, request.param, made.base)
    return made


def settings(folder: Path, platform: str, base: str, more: str = "allow_private = true") -> None:
    text = f"""
    [[accounts]]
    name = "another"
    school = "nowhere"
    platform = "myspace"
    target = "x"
    token = {{ env = "NOT_SET_ANYWHERE" }}
    [[accounts]]
    name = "hill"
    school = "hillcrest"
    platform = "{platform}"
    target = "{TARGETS[platform]}"
    reads = ["posts"]
    official = true
    base_url = "{base}"
    token = {{ env = "HILL_TOKEN" }}
    options = {{ page_size = 5 }}
    {more}
    """
    (folder / "watcher.toml").write_text(text, encoding="utf-8")


def poll(watcher: Command, *argv: str) -> Any:
    done = watcher("poll", "--config", "watcher.toml", "--account", "hill", "--json", *argv, env={"HILL_TOKEN": TOKEN})
    assert TOKEN not in done.out + done.err
    assert done.out.isascii()
    return done


def posts_then_error(done: Any) -> tuple[list[int], dict[str, Any]]:
    """The numbers of the posts that came, and the line that says why no more did."""
    assert done.code == 1
    *posts, error = done.lines
    assert all(set(post) == POST_KEYS for post in posts)
    assert isinstance(error["error"], str)
    assert error["error"]
    return sorted(int(post["text"].split()[-1]) for post in posts), error


def test_poll_gives_every_post_with_every_field_and_leaves_nothing_behind(
    watcher: Command, platform: Platform, tmp_path: Path
) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    done = poll(watcher)
    assert (done.code, done.err) == (0, "")
    assert sorted(int(post["text"].split()[-1]) for post in done.lines) == list(range(1, 14))
    for post in done.lines:
        assert set(post) == POST_KEYS
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", post["created_at"])
        assert post["edited_at"] is post["reply_to"] is None
        assert re.fullmatch(r"[0-9a-f]{64}", post["sha256"])
        assert post["author"] is None or set(post["author"]) == {"id", "handle", "name", "official"}
    assert {path.name for path in tmp_path.iterdir()} - {".in", ".out", ".err"} == before
    again = poll(watcher)
    assert again.lines == done.lines, "no cursor moved"


def test_poll_without_json_is_for_people(watcher: Command, platform: Platform) -> None:
    done = watcher("poll", "--account", "hill", env={"HILL_TOKEN": TOKEN})
    assert (done.code, len(done.out.splitlines())) == (0, 13)
    assert "2026-11-02T08:01:00Z  post     " in done.out


def test_a_private_address_is_refused_unless_allowed(watcher: Command, platform: Platform, tmp_path: Path) -> None:
    text = (tmp_path / "watcher.toml").read_text(encoding="utf-8").replace("allow_private = true", "")
    (tmp_path / "watcher.toml").write_text(text, encoding="utf-8")
    found, error = posts_then_error(poll(watcher))
    assert (found, platform.asked) == ([], 0)
    assert "allow_private" in error["error"]


def test_a_redirect_to_another_private_address_is_refused(watcher: Command, platform: Platform) -> None:
    platform.breaks = lambda asked: Response("", 302, {"Location": "http://127.0.0.1:9/inside"})
    found, error = posts_then_error(poll(watcher))
    assert found == []
    assert error["type"] == "RefusedAddressError"


@pytest.mark.parametrize(
    "answer",
    [
        Response("slow down", 429, {"Retry-After": "600"}),
        Response("<html>Down</html>", 503, content_type="text/html"),
        Response('{"data": [{"id": "1", "te', content_type="application/json"),
        Response('{"errors": [{"title": "Unavailable", "detail": "x"}], "error": {"message": "x", "code": 1}}',
                 content_type="application/json"),
    ],
    ids=["429", "503", "truncated", "errors"],
)  # fmt: skip
def test_poll_ends_with_one_line_that_says_why(watcher: Command, platform: Platform, answer: Response) -> None:
    platform.breaks = lambda asked: Response(answer.get_data(), answer.status_code, answer.headers)
    found, error = posts_then_error(poll(watcher))
    assert found == []
    assert set(error) == {"error", "type"}


@pytest.mark.parametrize("platform", PAGED, indirect=True)
def test_what_came_before_the_failure_is_given(watcher: Command, platform: Platform) -> None:
    whole = poll(watcher)
    assert whole.code == 0
    needed, platform.asked = platform.asked, 0
    platform.breaks = lambda asked: Response("slow down", 429) if asked >= needed - 1 else None
    found, _ = posts_then_error(poll(watcher))
    assert 5 <= len(found) < 13


@pytest.mark.parametrize("platform", ["mastodon"], indirect=True)
def test_the_replies_to_many_posts_fit_into_few_pages(watcher: Command, platform: Platform, tmp_path: Path) -> None:
    text = (tmp_path / "watcher.toml").read_text(encoding="utf-8").replace('["posts"]', '["posts", "comments"]')
    (tmp_path / "watcher.toml").write_text(text, encoding="utf-8")
    done = poll(watcher)
    assert (done.code, done.err) == (0, "")
    kinds = [post["kind"] for post in done.lines]
    assert (kinds.count("post"), len(kinds)) == (13, 26)
    needed, platform.asked = platform.asked, 0
    platform.breaks = lambda asked: Response("slow down", 429) if asked >= needed - 1 else None
    assert len(posts_then_error(poll(watcher))[0]) >= 23, "one reply that cannot be read costs no other"


@pytest.mark.parametrize("platform", PAGED, indirect=True)
def test_max_pages_is_held_and_said(watcher: Command, platform: Platform) -> None:
    done = poll(watcher, "--max-pages", "1")
    assert (done.code, len(done.lines)) == (0, 5)
    assert "stopped after 1 pages" in done.err
    assert poll(watcher, "--max-pages", "0").code == 2


@pytest.mark.parametrize("platform", ["x", "facebook"], indirect=True)
def test_a_platform_that_leads_in_a_circle_ends_with_an_error(watcher: Command, platform: Platform) -> None:
    item = {"id": "1857000000000000001", "text": "Invented post 1", "created_at": "2026-11-02T08:01:00.000Z"}
    story = {"id": "9_1", "message": "Invented post 1", "created_time": "2026-11-02T08:01:00+0000"}
    said = {
        "x": {"data": [item | {"author_id": "9"}], "meta": {"result_count": 1, "next_token": "again"}},
        "facebook": {
            "data": [story],
            "paging": {"cursors": {"after": "again"}, "next": f"{platform.base}/x?after=again"},
        },
    }[platform.name]
    first = 2 if platform.name == "x" else 1
    platform.breaks = lambda asked: Response(json.dumps(said), mimetype="application/json") if asked >= first else None
    found, _ = posts_then_error(poll(watcher, "--max-pages", "1000"))
    assert found == [1]
    assert platform.asked < 30


def test_poll_reads_an_archive_and_hostile_text_steers_no_terminal(watcher: Command, whole: Path) -> None:
    record = {"id": "1", "text": "a\u001b[31mb\u202ec\0 café", "created_at": "2026-11-01T10:00:00+02:00"}
    (whole.parent / "imports" / "a.jsonl").write_text(json.dumps(record) + "\n", encoding="utf-8")
    done = watcher("poll", "--account", "news", "--json")
    assert (done.code, [set(post) for post in done.lines]) == (0, [POST_KEYS])
    assert done.lines[0]["created_at"] == "2026-11-01T08:00:00Z"
    assert done.out.isascii()
    plain = watcher("poll", "--account", "news")
    assert plain.out.endswith("café\n")
    assert plain.out.strip().isprintable()


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (("--account", "nope"), "known are news"),
        (("--account", "news", "--config", "nowhere.toml"), "there is no such file"),
    ],
)
def test_what_poll_cannot_begin_is_an_error_line_too(
    watcher: Command, whole: Path, argv: tuple[str, ...], part: str
) -> None:
    found, error = posts_then_error(watcher("poll", "--json", *argv))
    assert part in error["error"]
    assert found == []
    plain = watcher("poll", *argv)
    assert (plain.code, plain.out) == (1, "")
    assert part in plain.err


def test_poll_says_which_of_the_accounts_own_settings_is_wrong(
    watcher: Command, httpserver: HTTPServer, tmp_path: Path
) -> None:
    settings(tmp_path, "x", "nonsense", 'app_secret = { file = "nowhere" }')
    done = watcher("poll", "--account", "hill", "--json")
    _, error = posts_then_error(done)
    for part in (
        "accounts[2].base_url",
        "accounts[2].token: the environment variable HILL_TOKEN",
        "accounts[2].app_secret",
    ):
        assert part in error["error"]
    assert "myspace" not in error["error"], "other accounts are no business of this one"


def test_ctrl_c_ends_a_poll_with_what_came_so_far(httpserver: HTTPServer, tmp_path: Path) -> None:
    made = Platform(httpserver, "mastodon")
    settings(tmp_path, "mastodon", made.base)
    waiting = threading.Event()

    def hang(asked: int) -> None:
        if asked == 3:
            waiting.set()
            time.sleep(1.5)

    made.breaks = hang
    with subprocess.Popen(
        [*WATCHER, "poll", "--account", "hill", "--json"],
        cwd=tmp_path, env={**os.environ, "HILL_TOKEN": TOKEN}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert waiting.wait(20)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert len(out.splitlines()) == 5
    assert b"Traceback" not in err
