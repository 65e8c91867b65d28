"""What moved a flag is measured for what is told and for nothing else, and nobody waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from alerts.notice import Notice
from classifiers.errors import ClassifierError
from classifiers.verdict import LABELS, OperatingPoint, Passage, Span, Verdict
from connectors.post import Account, Author, Cursor, Page, Post
from watcher.app import pack_of
from watcher.config import Settings, load
from watcher.enrolment import apply
from watcher.polling import Poller
from watcher.service import Service
from watcher.store import Store
from watcher.telling import Teller

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)
SETTINGS = """
[mail]
from = "watcher@it.example"
[alerts]
last_resort = "duty@it.example"
[[schools]]
id = "hillcrest"
name = "Hillcrest Primary School"
pack = "wessex"
[[people]]
id = "moore"
name = "Pat Moore"
email = "moore@x.example"
[[holdings]]
person = "moore"
role = "headteacher"
school = "hillcrest"
[[accounts]]
name = "hillcrest"
school = "hillcrest"
platform = "mastodon"
target = "@hillcrest"
reads = ["posts", "comments"]
official = true
"""


@dataclass
class FakeExplainer:
    """Criticism is whatever says "shambles"; says so when asked, or breaks."""

    name: str = "fake"
    version: str = "1"
    breaks: Exception | None = None
    asked: list[Passage] = field(default_factory=list)

    def classify(self, passages: Sequence[Passage]) -> list[Verdict]:
        return [self._say(passage.text) for passage in passages]

    def _say(self, text: str) -> Verdict:
        scores = dict.fromkeys(LABELS, 0.01) | {"criticism": 0.71 if "shambles" in text else 0.01}
        points = {label: OperatingPoint(raise_at=0.5, review_at=0.3) for label in LABELS}
        name = text.find("Ida")
        spans = (Span(start=name, end=name + 3, kind="pupil_name"),) if name >= 0 else ()
        return Verdict(model=self.name, version=self.version, scores=scores, points=points, spans=spans)

    def explain(self, passage: Passage, verdict: Verdict) -> tuple[Span, ...]:
        self.asked.append(passage)
        if self.breaks is not None:
            raise self.breaks
        assert verdict.labels == ("criticism",)
        start = passage.text.index("shambles")
        return (Span(start=start - 6, end=start + 8, kind="criticism"),)


@dataclass
class FakeChannel:
    """Keeps what it is given."""

    sent: list[Notice] = field(default_factory=list)

    def send(self, notice: Notice) -> None:
        self.sent.append(notice)


@dataclass
class House:
    """A service with its edges in hand."""

    store: Store
    model: FakeExplainer
    channel: FakeChannel
    pages: list[Page]
    service: Service

    def bring(self, *texts: str, now: datetime = NOW) -> None:
        self.pages.append(Page(posts=tuple(post(n, text) for n, text in enumerate(texts)), cursor=Cursor(state="x")))
        self.service.poll(self.store.accounts.get("hillcrest"), now)
        self.settle(now)

    def settle(self, now: datetime = NOW) -> None:
        for _ in range(30):
            if not self.service.advance(now) + self.service.deliver(now):
                return
        raise AssertionError("the stream never comes to rest")

    def verdicts(self) -> list[Verdict]:
        (incident,) = self.store.views.incidents(limit=9)
        view = self.store.views.incident(incident.reference)
        assert view is not None
        return [verdict for shown in view.posts for verdict in shown.verdicts]

    def mail(self) -> str:
        message = message_from_bytes(self.channel.sent[0].message, policy=policy.default)
        body = message.get_body(("plain",))
        assert body is not None
        return " ".join(str(body.get_content()).split())


def post(number: int, text: str) -> Post:
    return Post(
        platform="mastodon",
        origin="social.example",
        id=str(number),
        kind="comment",
        text=text,
        author=Author(id=f"a{number}", handle=f"user{number}"),
        created_at=NOW - timedelta(minutes=2),
        raw=b"{}",
        thread="t",
    )


def make(store: Store, chosen: Settings, model: FakeExplainer) -> House:
    pages: list[Page] = []
    channel = FakeChannel()

    class Given:
        def fetch(self, account: Account, cursor: Cursor | None) -> Page:
            return pages.pop(0) if pages else Page(posts=(), cursor=cursor)

    service = Service(
        store=store,
        poller=Poller(store, lambda _: Given(), lambda _: None),
        classifiers=[model],
        pack_of=pack_of,
        teller=Teller(store, chosen, pack_of),
        channel=channel,
    )
    service.begin(NOW)
    return House(store, model, channel, pages, service)


@pytest.fixture
def chosen(store: Store, tmp_path: Path) -> Settings:
    file = tmp_path / "watcher.toml"
    file.write_text(SETTINGS, encoding="utf-8")
    settings = load(file)
    apply(settings, store, "watcher.toml", NOW)
    return settings


@pytest.fixture
def house(store: Store, chosen: Settings) -> House:
    return make(store, chosen, FakeExplainer())


SHAMBLES = "Hillcrest Primary School: Ida's shambles of a queue again"


def test_what_is_flagged_is_explained_once_and_nothing_else(house: House) -> None:
    house.bring(SHAMBLES, "Lovely concert at Hillcrest Primary School", "The bus leaves at nine")
    assert [passage.text for passage in house.model.asked] == [SHAMBLES]
    (verdict,) = house.verdicts()
    assert verdict.moved is not None
    assert [(SHAMBLES[s.start : s.end], s.kind) for s in verdict.moved] == [("Ida's shambles", "criticism")]
    house.settle(NOW + timedelta(minutes=5))
    assert len(house.model.asked) == 1


def test_the_mail_says_the_words_with_names_masked_and_how_sure_it_is(house: House) -> None:
    house.bring(SHAMBLES)
    mail = house.mail()
    assert "The words that moved it: “[name]'s shambles”" in mail
    assert "About 7 in 10 posts scored like this criticise the school (71%)." in mail
    assert "Ida" not in mail


@pytest.mark.parametrize("breaks", [ClassifierError("broke"), RuntimeError("a bug")])
def test_an_explanation_that_fails_stops_no_flag(store: Store, chosen: Settings, breaks: Exception) -> None:
    house = make(store, chosen, FakeExplainer(breaks=breaks))
    house.bring(SHAMBLES)
    assert len(house.channel.sent) == 1
    assert "The words that moved it" not in house.mail()
    assert house.verdicts()[0].moved is None
    assert len(house.model.asked) == 1


def test_a_newer_model_explains_its_own_verdict(house: House, chosen: Settings) -> None:
    house.bring(SHAMBLES)
    newer = make(house.store, chosen, FakeExplainer(version="2"))
    newer.settle(NOW + timedelta(minutes=5))
    assert [passage.text for passage in newer.model.asked] == [SHAMBLES]
    (verdict,) = newer.verdicts()
    assert verdict.version == "2"
    assert verdict.moved
    assert newer.channel.sent == []


def test_an_older_post_is_explained_with_the_text_it_answers(house: House) -> None:
    first = "Hillcrest Primary School is a shambles"
    reply = post(1, "yes, a shambles, Hillcrest Primary School")
    house.pages.append(Page(posts=(post(0, first),), cursor=Cursor(state="x")))
    house.service.poll(house.store.accounts.get("hillcrest"), NOW)
    answered = Post(**{**vars(reply), "reply_to": "0"})
    house.pages.append(Page(posts=(answered,), cursor=Cursor(state="y")))
    house.service.poll(house.store.accounts.get("hillcrest"), NOW)
    house.settle()
    assert {passage.reply_to for passage in house.model.asked} == {None, first}
