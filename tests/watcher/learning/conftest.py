"""A trust with a model whose versions read differently, so that what people say of them and switching can be seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerts.notice import Notice
from classifiers.classifier import Classifier
from classifiers.verdict import LABELS, OperatingPoint, Passage, Verdict
from connectors.post import Account, Author, Cursor, Page, Post
from watcher.app import pack_of
from watcher.classification import Reader
from watcher.config import Settings, load
from watcher.enrolment import apply
from watcher.polling import Poller
from watcher.service import Service
from watcher.store import Store
from watcher.telling import Teller

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
PEOPLE = {"moore": "headteacher", "okafor": "dsl", "lind": "chair_of_governors", "desk": "it_provider"}


@dataclass
class FakeClassifier:
    """Its version raises the labels that a text gives it: ``[1:criticism 2:threat *:praise]``; ``?`` cannot be read."""

    version: str = "1"
    name: str = "fake"

    def classify(self, passages: Sequence[Passage]) -> list[Verdict]:
        return [self._say(passage.text) for passage in passages]

    def _say(self, text: str) -> Verdict:
        if text.startswith("?"):
            return Verdict(model=self.name, version=self.version, unread="language")
        said = {
            label for version, label in re.findall(r"(\S+):(\w+)", text) if version.strip("[") in (self.version, "*")
        }
        scores = {label: 0.9 if label in said else 0.01 for label in LABELS}
        points = {label: OperatingPoint(raise_at=0.5, review_at=0.3) for label in LABELS}
        return Verdict(model=self.name, version=self.version, scores=scores, points=points, reason="told so")


@dataclass
class Empty:
    """A platform that has nothing unless it was given something."""

    pages: list[Page] = field(default_factory=list)

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        return self.pages.pop(0) if self.pages else Page(posts=(), cursor=cursor)


@dataclass
class Outbox:
    """Keeps what is sent."""

    sent: list[Notice] = field(default_factory=list)

    def send(self, notice: Notice) -> None:
        self.sent.append(notice)


@dataclass
class House:
    """A service whose next models are put into ``choose``."""

    store: Store
    settings: Settings
    service: Service
    outbox: Outbox
    sources: dict[str, Empty]
    choose: list[Sequence[Classifier]]
    now: datetime = NOW

    def bring(self, *posts: Post, school: str = "hill") -> None:
        self.poll(*posts, school=school)
        self.settle()

    def poll(self, *posts: Post, school: str = "hill") -> None:
        self.sources[school].pages.append(Page(posts=posts, cursor=Cursor(state="x")))
        self.service.poll(self.store.accounts.get(school), self.now)

    def settle(self) -> None:
        """Let the stream run until nothing moves, a minute later."""
        self.now += timedelta(minutes=1)
        for _ in range(50):
            if not self.service.advance(self.now) + self.service.deliver(self.now):
                return
        raise AssertionError("the stream never comes to rest")

    def switch(self, version: str) -> None:
        self.choose.append([FakeClassifier(version)])
        self.settle()

    def reader(self, version: str) -> Reader:
        """The verb classify by itself, with another version."""
        return Reader(self.store, [FakeClassifier(version)])

    def told(self) -> list[str]:
        """Who was told since this was asked last."""
        found = [notice.address.partition("@")[0] for notice in self.outbox.sent]
        self.outbox.sent.clear()
        return found

    def reference(self) -> str:
        return self.store.views.incidents(limit=1)[0].reference


def post(number: int, text: str, **more: object) -> Post:
    values: dict[str, object] = {
        "platform": "mastodon",
        "origin": "social.example",
        "id": str(number),
        "kind": "comment",
        "text": f"Hillcrest Primary School: {text}" if text[:1] != "?" else text,
        "url": f"https://social.example/{number}",
        "author": Author(id=f"author-{number}", handle="gentle.heron"),
        "created_at": NOW,
        "raw": b"{}",
    }
    return Post(**(values | more))  # type: ignore[arg-type]


def written(folder: Path, **schools: str) -> Settings:
    """Settings of schools, each with what it agreed to, kept in a folder."""
    names = {"hill": "Hillcrest Primary School", "dene": "Dene Valley Academy", "mill": "Mill Lane School"}
    rows = [
        f'[alerts]\nlast_resort = "duty@it.example"\n[models]\nfolder = "{folder}/models"\n'
        f'[database]\nurl = "sqlite:///{folder}/watcher.db"\n'
    ]
    for school, agreed in schools.items():
        rows.append(f'[[schools]]\nid = "{school}"\nname = "{names[school]}"\npack = "wessex"\n')
        rows.append(f'corrections = "{agreed}"\n' if agreed else "")
    for name in PEOPLE:
        rows.append(f'[[people]]\nid = "{name}"\nname = "Pat {name.title()}"\nemail = "{name}@x.example"\n')
    for school in schools:
        for name, role in PEOPLE.items():
            rows.append(f'[[holdings]]\nperson = "{name}"\nrole = "{role}"\nschool = "{school}"\n')
        rows.append(
            f'[[accounts]]\nname = "{school}"\nschool = "{school}"\nplatform = "mastodon"\ntarget = "@{school}"\n'
        )
        rows.append('reads = ["posts", "comments"]\nofficial = true\n')
    file = folder / "watcher.toml"
    file.write_text("".join(rows), encoding="utf-8")
    return load(file)


Make = Callable[..., House]


@pytest.fixture
def make(store: Store, tmp_path: Path) -> Make:
    """Makes a house of schools with what each agreed to: ``make(hill="own")``."""

    def build(version: str = "1", **schools: str) -> House:
        chosen = written(tmp_path, **(schools or {"hill": ""}))
        apply(chosen, store, "watcher.toml", NOW)
        sources = {row.name: Empty() for row in chosen.accounts}
        outbox, choose = Outbox(), list[Sequence[Classifier]]()
        service = Service(
            store=store,
            poller=Poller(store, lambda account: sources[account.name], lambda _: None),
            classifiers=[FakeClassifier(version)],
            pack_of=pack_of,
            teller=Teller(store, chosen, pack_of),
            channel=outbox,
            newer=lambda: choose.pop(0) if choose else None,
        )
        service.begin(NOW)
        return House(store, chosen, service, outbox, sources, choose)

    return build


@pytest.fixture
def write() -> Callable[..., Post]:
    """Makes a post about the school: ``write(1, "[1:criticism] so cold")``."""
    return post


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of schools with what each agreed to."""
    return lambda **schools: written(tmp_path, **schools)
