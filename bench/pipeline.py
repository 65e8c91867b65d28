"""Posts per second from fetched page to routed incident, and each verb's share of the time.

    python bench/pipeline.py [--posts 5000] [--url sqlite:///…] [--model encoder]

The posts are the project's own invented ones, of the authors who wrote natural streams, each given another id and a
short other ending, so that none is read for free. ``--model patterns`` shows what is left
when the model costs nothing.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alerts.notice import Notice
from classifiers import registry
from connectors.post import Account, Author, Cursor, Page, Post
from watcher.app import pack_of
from watcher.config import Settings, load
from watcher.demo.scenario import settings
from watcher.enrolment import apply
from watcher.journal import begin
from watcher.polling import Poller
from watcher.service import Service
from watcher.store import Store
from watcher.telling import Teller

ROOT = Path(__file__).parents[1]
PAGE = 40
NATURAL = ("M", "Q")
START = datetime(2026, 11, 16, 8, tzinfo=UTC)


def texts() -> list[str]:
    """The invented posts of the authors whose streams are like a school's own: mostly harmless."""
    rows: list[str] = []
    for author in NATURAL:
        file = ROOT / "data" / "schoolposts" / f"schoolposts_train_{author}.jsonl"
        rows += [json.loads(line)["text"] for line in file.read_text(encoding="utf-8").split("\n") if line]
    return rows


def posts(n: int) -> Iterator[Post]:
    """``n`` posts in threads of ten, by many authors, a minute apart."""
    for number, text in zip(range(n), itertools.cycle(texts())):
        yield Post(
            platform="mastodon",
            origin="bench.example",
            id=str(number),
            kind="comment",
            text=f"{text} ({number})",
            url=f"https://bench.example/{number}",
            author=Author(id=str(number % 997), handle=f"u{number % 997}"),
            created_at=START + timedelta(seconds=number),
            thread=str(number // 10 * 10),
            raw=json.dumps({"id": number, "content": text}).encode(),
        )


@dataclass
class Given:
    """A connector whose pages are in memory: what is measured begins with the fetched page."""

    pages: list[Page]

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page."""
        del account
        at = int(cursor.state) if cursor else 0
        return self.pages[at]


@dataclass
class Taken:
    """A channel that takes everything at once: the mail server is not what is measured."""

    n: int = 0

    def send(self, notice: Notice) -> None:
        """Count it."""
        del notice
        self.n += 1


@dataclass
class Shares:
    """Seconds by verb."""

    seconds: dict[str, float] = field(default_factory=dict)

    def of(self, verb: str, do: Callable[[], Any]) -> Any:
        """Run and add."""
        begin = time.perf_counter()
        result = do()
        self.seconds[verb] = self.seconds.get(verb, 0.0) + time.perf_counter() - begin
        return result


def prepare(folder: Path, url: str) -> tuple[Settings, Store]:
    """The demo's five schools on an empty store."""
    file = folder / "watcher.toml"
    file.write_text(settings(1, folder), encoding="utf-8")
    chosen = load(file)
    store = Store(url)
    store.migrate()
    apply(chosen, store, file.name, START)
    return chosen, store


def measure(n: int, url: str, model: str) -> dict[str, Any]:
    """Run ``n`` posts through every verb."""
    shares = Shares()
    with tempfile.TemporaryDirectory() as folder:
        chosen, store = prepare(Path(folder), url.replace("FOLDER", folder))
        all_posts = list(posts(n))
        chunks = [all_posts[i : i + PAGE] for i in range(0, n, PAGE)]
        pages = [Page(posts=tuple(c), cursor=Cursor(state=str(i + 2)), more=True) for i, c in enumerate(chunks)]
        given, taken = Given([Page(posts=(), cursor=Cursor(state="1")), *pages]), Taken()
        service = Service(
            store=store,
            poller=Poller(store, lambda _: given, lambda _: None),
            classifiers=[registry.load(model)],
            pack_of=pack_of,
            teller=Teller(store, chosen, pack_of),
            channel=taken,
        )
        now = START + timedelta(days=1)
        name = next(row.name for row in chosen.accounts if row.official)
        # What is measured is the daily stream, not the first reading of a source, which is told in summaries.
        service.poll(store.accounts.get(name), now - timedelta(hours=1))
        for done in range(len(pages)):
            shares.of("poll", lambda: service.poll(store.accounts.get(name), now))
            for verb in ("match", "classify", "judge", "group", "plan", "deliver"):
                while shares.of(verb, lambda verb=verb: getattr(service, verb)(now)):  # type: ignore[misc]
                    pass
            if done % 25 == 0:
                print(f"  {done * PAGE} of {n} posts", end="\r", file=sys.stderr, flush=True)
        totals = store.views.totals()
        store.close()
    whole = sum(shares.seconds.values())
    return {
        "posts": n,
        "model": model,
        "store": url.partition(":")[0],
        "posts_per_second": round(n / whole, 1),
        "share": {verb: round(s / whole, 3) for verb, s in shares.seconds.items()},
        "totals": totals,
        "mails": taken.n,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=5000)
    parser.add_argument("--url", default="sqlite:///FOLDER/bench.db")
    parser.add_argument("--model", default="encoder")
    chosen = parser.parse_args()
    begin("error")
    print(json.dumps(measure(chosen.posts, chosen.url, chosen.model)))


if __name__ == "__main__":
    main()
