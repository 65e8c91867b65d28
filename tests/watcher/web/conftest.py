"""A house of invented schools and posts, and a reader in front of its pages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import event

from alerts.flag import Flag
from alerts.incident import Incident, severity
from alerts.mention import Mention
from alerts.notice import Notice, notice_id
from alerts.school import School
from classifiers.verdict import LABELS, OperatingPoint, Span, Verdict
from connectors.post import Account, Author, Page, Post
from watcher.store import Store
from watcher.store.incidents import Ungrouped
from watcher.store.matters import Judgement, Unjudged
from watcher.store.openings import Opening
from watcher.store.register import Entry
from watcher.web.application import make

NOW = datetime(2026, 11, 20, 8, 15, 2, tzinfo=UTC)
SCHOOLS = (
    School(id="alderbrook", name="Alderbrook Academy", pack="wessex"),
    School(id="pinfold", name="Pinfold Lane Primary", pack="arden"),
)


class House:
    """A store with invented schools, which tests fill through the shelves' own methods."""

    def __init__(self, url: str) -> None:
        self.store = Store(url)
        # Nothing here has to outlast a power cut.
        if url.startswith("sqlite"):
            event.listen(self.store.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        self.store.migrate()
        self.now = NOW
        self.n = 0
        with self.store.writing() as connection:
            for school in SCHOOLS:
                entry = Entry(kind="school", name=school.id, noun=school, kept_by="watcher.toml")
                self.store.register.put(connection, entry, NOW)
        self.alive = True

    def app(self, **options: object) -> FastAPI:
        return make(self.store, is_alive=lambda: self.alive, clock=lambda: NOW, **options)  # type: ignore[arg-type]

    def account(
        self, name: str = "facebook of alderbrook", school: str | None = "alderbrook", **fields: str
    ) -> Account:
        account = Account(
            name=name, platform=fields.get("platform", "facebook"), target="alderbrook", school=school, official=True
        )
        with self.store.writing() as connection:
            self.store.accounts.put(connection, account, 300, "watcher.toml accounts[1]", NOW - timedelta(hours=3))
        return account

    def read(self, account: Account, *posts: Post, at: datetime = NOW - timedelta(minutes=3), **page: object) -> None:
        state = self.store.accounts.get(account.name)
        self.store.accounts.succeeded(state, Page(posts=posts, cursor=None, **page), at, 180)  # type: ignore[arg-type]

    def post(self, text: str, **fields: object) -> Post:
        self.n += 1
        given = {
            "platform": "facebook",
            "id": f"p{self.n}",
            "kind": "comment",
            "url": f"https://facebook.example/p{self.n}",
            "author": Author(id="u1", handle="angry_parent_9", name="Jo Bloggsworth"),
            "created_at": NOW - timedelta(minutes=40),
        } | fields
        return Post(text=text, **given)  # type: ignore[arg-type]

    def flagged(
        self,
        post: Post,
        *concerns: str,
        about: str | None = None,
        target: str | None = None,
        spans: tuple[Span, ...] = (),
        moved: tuple[Span, ...] | None = None,
    ) -> Ungrouped:
        """Bring one post all the way to its flags; the first of them, not yet grouped."""
        self.read(self.account(), post)
        seen = self.store.posts.unmatched(10)[0]
        mention = Mention(school="alderbrook", relevance="yes", reason="a comment under the school’s own post")
        with self.store.writing() as connection:
            self.store.matters.matched(connection, seen, [mention], NOW)
        unread = self.store.posts.unread(10)[0]
        verdict = Verdict(
            model="encoder",
            version="1.0",
            scores={label: 0.93 if label == "criticism" else 0.34 if label == "hate" else 0.02 for label in LABELS},
            points={label: OperatingPoint(raise_at=0.6, review_at=0.3) for label in LABELS},
            spans=spans,
            moved=moved,
        )
        with self.store.writing() as connection:
            self.store.matters.read(connection, unread, [verdict], "encoder@1.0", NOW)
        flags = tuple(
            Flag(
                rule=f"rule-{concern}",
                pack="wessex",
                pack_version="1.0",
                concern=concern,
                why="It speaks ill of the school.",
                label="criticism",
                score=0.93,
                clause="9.2",
                about=about,
                target=target,
            )
            for concern in concerns
        )
        waiting = self.store.matters.unjudged(10)[0]
        said = Judgement(number=waiting.number, flags=flags, pack="wessex@1.0", input=f"in{self.n}")
        self.judged(waiting, said, NOW)
        return self.store.incidents.ungrouped(10)[0]

    def incident(
        self,
        text: str = "The new gate policy is a shambles.",
        *concerns: str,
        about: str | None = None,
        target: str | None = None,
        spans: tuple[Span, ...] = (),
        moved: tuple[Span, ...] | None = None,
        **fields: object,
    ) -> str:
        """One post and the incident it opens; its reference."""
        named = concerns or ("criticism",)
        post = self.post(text, **fields)
        flag = self.flagged(post, *named, about=about, target=target, spans=spans, moved=moved)
        reference = f"WT-{self.n:05}"
        incident = Incident(
            reference=reference,
            school="alderbrook",
            state="open",
            concerns=named,
            severity=severity(named[0]),
            recipients=("headteacher",),
            about=about,
            targets=() if target is None else (target,),
            opened_at=NOW - timedelta(minutes=40),
            last_flag_at=NOW - timedelta(minutes=40) + timedelta(seconds=self.n),
            posts=1,
        )
        with self.store.writing() as connection:
            self.number = self.store.incidents.start(connection, flag, incident, NOW - timedelta(minutes=2))
        for other in self.store.incidents.ungrouped(10):
            self.join(self.number, other, incident, incident)
        return reference

    def judged(self, waiting: Unjudged, said: Judgement, now: datetime) -> None:
        """Write what a pack said."""
        with self.store.writing() as connection:
            self.store.matters.judged(connection, waiting, said, now)

    def join(self, number: int, flag: Ungrouped, before: Incident, after: Incident) -> None:
        """Have a flag join an incident."""
        with self.store.writing() as connection:
            self.store.incidents.join(connection, number, flag, before, after, NOW)

    def open_up(self, reference: str, hours: int = 2) -> None:
        """Open a closed matter to the IT provider, as the DSL does."""
        opening = Opening(
            by="s.vale", role="dsl", why="to check the address", at=NOW, until=NOW + timedelta(hours=hours)
        )
        self.store.openings.open(reference, opening, "by s.vale, the DSL: to check the address")

    def tell(self, reference: str, role: str = "headteacher", state: str = "sent") -> None:
        notice = Notice(
            id=notice_id(reference, role, "opened"),
            subject_of=reference,
            receiver=f"person-{role}",
            address=f"{role}@alderbrook.example",
            role=role,
            reason="opened",
            created_at=NOW,
        )
        self.store.notices.keep(self.number, ("opened",), [notice], NOW)
        if state == "sent":
            self.store.notices.sent(notice, NOW - timedelta(minutes=1))
        elif state == "failed":
            self.store.notices.failed(notice, "550 no such mailbox", NOW)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(f"sqlite:///{tmp_path}/watcher.db")
    yield made
    made.store.close()


@pytest.fixture
def either_house(url: str) -> Iterator[House]:
    """A house once on each database."""
    made = House(url)
    yield made
    made.store.close()


@pytest.fixture
def web(house: House) -> Iterator[TestClient]:
    with TestClient(house.app(), base_url="http://localhost:8030", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def read(web: TestClient) -> Callable[[str], str]:
    """What a reader reads at an address: the page without its marks, on one line."""
    return lambda address: " ".join(re.sub(r"<[^>]+>", " ", web.get(address).text).split())
