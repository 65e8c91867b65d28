"""The pages in a real browser: nothing of a post runs, nothing comes from elsewhere, nothing breaks the layout."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from connectors.post import Author, Media

if TYPE_CHECKING:
    from tests.watcher.web.conftest import House

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed (apt-get install chromium)")
HOSTILE = (
    "<script>document.title='pwned'</script><img src=x onerror=\"document.title='pwned'\">"
    "<a href=\"javascript:document.title='pwned'\">x</a><svg onload=\"document.title='pwned'\">"
    "</blockquote></details></article><style>body{display:none}</style><iframe src=https://else.example></iframe>"
    "<meta http-equiv=refresh content='0;url=https://else.example'> \x00 \u202eesrever \ud800 "
)


class Chromium:
    """A headless browser with one page, spoken to in its own protocol: JSON over two pipes, NUL after each."""

    def __init__(self, program: str, profile: Path) -> None:
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        command = [program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"]
        command += ["--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars", f"--user-data-dir={profile}"]
        # The protocol wants file descriptors 3 and 4; a shell gives them without a fork in this threaded process.
        line = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", line, "bash", *command, "about:blank"],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer = b""
        self._n = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(t["targetId"] for t in targets if t["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Ask for one thing and wait for the answer."""
        self._n += 1
        message: dict[str, Any] = {"id": self._n, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._n:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _receive(self, timeout_s: float = 60) -> dict[str, Any]:
        end = time.monotonic() + timeout_s
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(end - time.monotonic(), 0))
            data = os.read(self._in, 1 << 20) if ready else b""
            if not data:
                raise TimeoutError("the browser does not answer")
            self._buffer += data
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)

    def screen(self, width: int, height: int = 900, theme: str = "light") -> None:
        """The window's size and theme from now on."""
        mobile = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        features = [{"name": "prefers-color-scheme", "value": theme}]
        self.call("Emulation.setEmulatedMedia", features=features)

    def open(self, address: str) -> None:
        """Load a page and wait until it stands."""
        self.events.clear()
        self.call("Page.navigate", url=address)
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._receive())

    def run(self, script: str) -> Any:
        """The value of an expression on the page."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def picture(self, file: Path) -> None:
        """The whole page as a picture."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        file.write_bytes(base64.b64decode(shot["data"]))

    def close(self) -> None:
        """End the browser."""
        os.close(self._out)
        self._process.terminate()
        self._process.wait(20)
        os.close(self._in)


@contextmanager
def serving(house: House) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(house.app(), port=0, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    browser = Chromium(str(PROGRAM), tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


def hostile(house: House) -> tuple[str, ...]:
    """A house in which everything that a stranger may write is hostile; the pages that show it."""
    name = "<img src=x onerror=document.title='pwned'>" + "W" * 300
    house.read(house.account(name))
    state = house.store.accounts.get(name)
    house.store.accounts.failed(state, HOSTILE + "E" * 500, permanent=True, next_at=house.now, now=house.now)
    texts = (HOSTILE + "o" * 5_000, "😀" * 20_000, HOSTILE + "\u0301" * 100_000, "\u202e" + "בוקר טוב " * 50)
    made = [
        house.incident(
            text,
            "threat" if n == 2 else "criticism",
            author=Author(id=HOSTILE, handle=HOSTILE, name=HOSTILE),
            url="javascript:document.title='pwned'",
            links=("javascript:document.title='pwned'", "https://else.example/" + "l" * 900),
            media=(Media(kind="image", url="https://else.example/x.png", alt=HOSTILE + "a" * 900),),
        )
        for n, text in enumerate(texts)
    ]
    house.open_up(made[2])
    made.append(house.incident(HOSTILE, "self_harm"))
    return ("/", "/?state=confidential", "/sources", "/nowhere", *(f"/incidents/{reference}" for reference in made))


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark"), (320, "light")])
def test_hostile_posts_neither_run_nor_call_out_nor_break_the_page(
    house: House, chromium: Chromium, width: int, theme: str
) -> None:
    chromium.screen(width, theme=theme)
    with serving(house) as address:
        for page in hostile(house):
            chromium.open(address + page)
            chromium.run("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert chromium.run("document.title").endswith("– Watcher"), page
            assert chromium.run("document.documentElement.scrollWidth") == width, page
            assert chromium.run("document.querySelectorAll('script, iframe, img, style, [style]').length") == 0, page
            assert chromium.run("getComputedStyle(document.body).display") == "flex", page
            links = chromium.run("[...document.querySelectorAll('a')].map(a => a.protocol)")
            assert set(links) <= {"http:", "https:"}, page
            assert asked(chromium) <= {address}, page


def asked(chromium: Chromium) -> set[str]:
    """Every origin that the page has called."""
    calls = [e["params"]["request"]["url"] for e in chromium.events if e.get("method") == "Network.requestWillBeSent"]
    return {"/".join(url.split("/")[:3]) for url in calls}


def test_a_fold_opens_without_a_script_by_keyboard_alone(house: House, chromium: Chromium) -> None:
    reference = house.incident("Words that weigh", "self_harm")
    house.open_up(reference)
    chromium.screen(390)
    with serving(house) as address:
        chromium.call("Emulation.setScriptExecutionDisabled", value=True)
        try:
            chromium.open(f"{address}/incidents/{reference}")
            visible = "document.querySelector('.sensitive .words').checkVisibility()"
            assert chromium.run(visible) is False
            chromium.run("document.querySelector('.sensitive summary').focus()")
            for kind in ("keyDown", "keyUp"):
                enter = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
                chromium.call("Input.dispatchKeyEvent", type=kind, **enter)
            assert chromium.run(visible) is True
        finally:
            chromium.call("Emulation.setScriptExecutionDisabled", value=False)


def test_the_pages_look_is_applied_under_their_own_policy(house: House, chromium: Chromium) -> None:
    house.incident()
    with serving(house) as address:
        grounds = []
        for theme in ("light", "dark"):
            chromium.screen(1280, theme=theme)
            chromium.open(address)
            grounds.append(chromium.run("getComputedStyle(document.body).backgroundColor"))
            assert [e for e in chromium.events if e.get("method") == "Log.entryAdded"] == []
        assert grounds == ["rgb(251, 250, 246)", "rgb(16, 25, 29)"]


def test_everything_that_can_be_used_is_reached_by_the_tab_key_and_shows_it(house: House, chromium: Chromium) -> None:
    house.incident()
    chromium.screen(1280)
    with serving(house) as address:
        chromium.open(address)
        n = chromium.run("document.querySelectorAll('a, select, button').length")
        reached = []
        for _ in range(n):
            for kind in ("rawKeyDown", "keyUp"):
                chromium.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
            shown = "getComputedStyle(document.activeElement).boxShadow"
            reached.append((chromium.run("document.activeElement.textContent.trim()"), chromium.run(shown)))
    assert reached[0][0] == "Skip to the content"
    assert len({text for text, _ in reached}) == n
    assert all(shadow != "none" for _, shadow in reached[1:])
