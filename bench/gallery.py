"""Pictures of the mails as people see them: light, dark, on a phone; written to docs/gallery.

Run:  python bench/gallery.py [--to docs/gallery] [--all FOLDER]

Needs Chromium (apt-get install chromium) and the network not at all. The matters, people and schools are invented.
``--all`` draws every concern and pack, light, dark and on a phone, into another folder, to be looked through.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from alerts.digest import Blind, Digest, Line, Past, Speed, Tone
from alerts.excerpt import Excerpt
from alerts.flag import CONCERNS
from alerts.packs import load_pack
from alerts.policy import Pack
from alerts.render import Letter, Matter, Place, digest_mail, incident_mail
from alerts.route import Receiver
from alerts.school import title
from alerts.topic import told
from classifiers.verdict import Span

AT = datetime(2026, 11, 17, 22, 40, tzinfo=UTC)
PACKS = ("wessex", "one_education", "leading_edge", "arden", "wolsey_house")
LINK = "https://watcher.northmere.example"
# Name: width of the window in pixels, and the colours that the reader's program asks for.
VIEWS = {"light": (720, "light"), "dark": (720, "dark"), "phone": (390, "light"), "phone-dark": (390, "dark")}
_QUALITY = 60


class Chromium:
    """A headless browser with one page, spoken to in its own protocol: JSON over two pipes, NUL after each."""

    def __init__(self, program: str, profile: str) -> None:
        to_read, self._out = os.pipe()
        self._in, to_write = os.pipe()
        command = [program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu"]
        command += ["--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars", f"--user-data-dir={profile}"]
        line = f'exec "$@" 3<&{to_read} 4>&{to_write}'
        self._process = subprocess.Popen(
            ["/bin/bash", "-c", line, "bash", *command, "about:blank"],
            pass_fds=(to_read, to_write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._buffer, self._n, self._session = b"", 0, None
        targets = self.call("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = self.call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        self.call("Page.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """What the browser answers to one call."""
        self._n += 1
        said: dict[str, Any] = {"id": self._n, "method": method, "params": params}
        if self._session:
            said["sessionId"] = self._session
        os.write(self._out, json.dumps(said).encode() + b"\0")
        while True:
            while b"\0" not in self._buffer:
                self._buffer += os.read(self._in, 1 << 20)
            one, _, self._buffer = self._buffer.partition(b"\0")
            answer = json.loads(one)
            if answer.get("id") == self._n:
                return dict(answer["result"])

    def picture(self, html: str, width: int, colours: str) -> bytes:
        """A page from top to bottom as WebP."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": colours}])
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        frame = self.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self.call("Page.setDocumentContent", frameId=frame, html=html)
        found = self.call("Runtime.evaluate", expression="document.body.scrollHeight + 'x' + document.body.scrollWidth")
        height, wide = map(int, found["result"]["value"].split("x"))
        if wide > width:
            raise SystemExit(f"the page is {wide} wide in a window of {width}")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        shot = self.call(
            "Page.captureScreenshot", format="webp", quality=_QUALITY, clip=clip, captureBeyondViewport=True
        )
        return base64.b64decode(shot["data"])

    def close(self) -> None:
        """End the browser."""
        self._process.terminate()
        self._process.wait(timeout=20)


def html_of(message: bytes) -> str:
    """The page in a mail."""
    body = message_from_bytes(message, policy=policy.default).get_body(("html",))
    return "" if body is None else str(body.get_content())


def incident(pack: Pack, concern: str, about: str | None = None) -> str:
    """The mail of one matter as the first whom the policy names would get it."""
    route = pack.route(concern, about=about)
    role = next((r for r in route.recipients if r not in ("police", "social_care")), "headteacher")
    shown = Matter(
        reference="WT-7F3KQ2M",
        school="Hillcrest Primary School",
        document=pack.title,
        short=pack.document,
        concerns=(concern,),
        first_at=AT,
        last_at=AT + timedelta(minutes=35),
        link=f"{LINK}/incidents/WT-7F3KQ2M",
        posts=3,
        places=(Place(platform="facebook", url="https://www.facebook.com/hillcrest/posts/81042"),),
        excerpts=(
            Excerpt(
                text="Tom Sample was left in the rain for an hour again. Nobody at that school picks up the phone.",
                spans=(Span(start=0, end=10, kind="pupil_name"),),
                moved=(Span(start=11, end=41, kind="criticism"),),
            ),
        ),
        others=tuple(r for r in route.recipients if r != role),
        about=about,
        likelihoods=("About 8 in 10 posts scored like this are what they are flagged for (82%).",),
    )
    why = f"{pack.document} names the {title(role)}."
    receiver = Receiver(role=role, person="p", name="Erin Example", address="erin@northmere.example", why=why)
    return html_of(incident_mail(shown, receiver, [route], _letter()))


def digest(*, busy: bool) -> str:
    """A week in which something happened, or in which nothing did."""
    calm = Digest(
        scope="Hillcrest Primary School",
        week="2026-W46",
        read=96,
        mentions=31,
        tone=Tone(criticism=2, praise=14, other=15),
        opened=1,
        matters=(_line("WT-4M9XQ7B", "resolved", 3),),
        praise=(Excerpt(text="What a lovely nativity. Thank you to every single member of staff who made it happen!"),),
        before=Past(week="2026-W45", mentions=28, tone=Tone(criticism=4, praise=10, other=14), opened=1),
        year_ago=Past(week="2025-W46", mentions=36, tone=Tone(criticism=6, praise=12, other=18)),
        topics=told({"h": {"Events and performances": 11, "Uniform and appearance": 6, "Staffing": 3}}),
        taken=Speed(matters=1, half_within=50),
        closed=Speed(matters=1, half_within=1500),
        pence=140,
        link=LINK,
    )
    if not busy:
        return html_of(digest_mail(calm, _head(), _letter()))
    matters = (
        _line("WT-7F3KQ2M", "open", 6, overdue=True, posts=41),
        _line("WT-K2C8R5N", "open", 1, concerns=("press",), clause=None),
        _line("WT-4M9XQ7B", "in_progress", 3, concerns=("cyberbullying",), clause="WMAT 9.4"),
        _line("WT-P6T3W8D", "resolved", 4),
    )
    week = Digest(
        scope=calm.scope,
        week=calm.week,
        read=884,
        mentions=173,
        tone=Tone(criticism=96, praise=31, other=46),
        opened=5,
        matters=matters,
        praise=(
            *calm.praise,
            Excerpt(text="Best choir in the county, we were in tears. So proud of all of them."),
        ),
        blind=(Blind(source="hillcrest-page", platform="facebook", since=AT - timedelta(days=4), until=AT),),
        unread={"language": 4, "picture": 9},
        before=calm.before,
        year_ago=calm.year_ago,
        topics=told({"h": {"Buildings and grounds": 61, "Transport and parking": 12, "Food and lunches": 3}}),
        taken=Speed(matters=3, half_within=130),
        closed=Speed(matters=1, half_within=3100),
        pence=670,
        link=LINK,
    )
    return html_of(digest_mail(week, _head(), _letter()))


def _line(reference: str, state: str, days: int, **more: Any) -> Line:
    values: dict[str, Any] = {"concerns": ("criticism",), "clause": "WMAT 8.1.9 ¶2", "posts": 1} | more
    return Line(
        reference=reference,
        school="Hillcrest Primary School",
        state=state,
        opened_at=AT - timedelta(days=days + 2),
        link=f"{LINK}/incidents/{reference}",
        **values,
    )


def _head() -> Receiver:
    return Receiver(role="headteacher", person="p", name="Erin Example", address="erin@northmere.example", why="Head.")


def _letter() -> Letter:
    return Letter(message_id="<gallery@northmere.example>", date=AT, sender="watcher@northmere.example")


def chosen() -> Iterator[tuple[str, str, str]]:
    """What stands in the documentation: a handful of name, view and page."""
    wessex = load_pack("wessex")
    pages = {
        "digest-busy": (digest(busy=True), ("light", "dark", "phone")),
        "digest-calm": (digest(busy=False), ("light", "phone-dark")),
        "conflict": (incident(wessex, "misconduct_allegation", "headteacher"), ("light", "dark", "phone")),
        "grave": (incident(wessex, "self_harm"), ("light", "phone-dark")),
        "criticism": (incident(wessex, "criticism"), ("light", "phone")),
    }
    for name, (html, views) in pages.items():
        for view in views:
            yield name, view, html


def everything() -> Iterator[tuple[str, str, str]]:
    """Every concern of every pack, and what is told past a Head, in every view."""
    for name in PACKS:
        pack = load_pack(name)
        for concern in CONCERNS:
            for about in (None, "headteacher"):
                html = incident(pack, concern, about)
                for view in VIEWS:
                    yield f"{name}-{concern}{'-about-head' if about else ''}", view, html


def main() -> int:
    """Draw the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=Path(__file__).parents[1] / "docs" / "gallery")
    parser.add_argument("--all", type=Path, help="draw every concern and pack into this folder instead")
    asked = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        print("Chromium is not installed: apt-get install chromium", file=sys.stderr)
        return 1
    folder: Path = asked.all or asked.to
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        browser = Chromium(program, profile)
        total = 0
        for name, view, html in everything() if asked.all else chosen():
            image = browser.picture(html, *VIEWS[view])
            (folder / f"{name}-{view}.webp").write_bytes(image)
            total += len(image)
        browser.close()
    print(f"{folder}: {total / 1024:.0f} KiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
