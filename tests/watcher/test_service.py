"""The verbs in a row, on both databases, with fakes at the edges: what a school's people get to see and hear."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from alerts.errors import DeliveryError
from alerts.notice import Notice
from classifiers import registry
from classifiers.classifier import Classifier
from classifiers.errors import ClassifierError
from classifiers.verdict import LABELS, OperatingPoint, Passage, Verdict
from connectors.errors import AuthenticationError, RateLimitedError, TransientError
from connectors.post import Account, Author, Cursor, Page, Post
from watcher.app import pack_of
from watcher.config import HoldingRow, Settings, load
from watcher.enrolment import apply
from watcher.errors import StoreError
from watcher.polling import Poller
from watcher.service import Service
from watcher.store import Store
from watcher.store.incidents import Unplanned
from watcher.telling import Teller

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)  # a Wednesday
SETTINGS = """
[server]
public_url = "https://watcher.example"
[mail]
from = "watcher@it.example"
[alerts]
last_resort = "duty@it.example"
[[trusts]]
id = "northmere"
name = "Northmere Learning Trust"
[[schools]]
id = "hillcrest"
name = "Hillcrest Primary School"
pack = "wessex"
trust = "northmere"
[[schools]]
id = "dene"
name = "Dene Valley Academy"
pack = "one_education"
trust = "northmere"
"""
PEOPLE = {
    "moore": ("headteacher", "hillcrest"),
    "okafor": ("dsl", "hillcrest"),
    "lind": ("chair_of_governors", "hillcrest"),
    "abara": ("headteacher", "dene"),
    "west": ("chair_of_governors", "dene"),
}
TRUST_PEOPLE = {"ray": "ceo", "desk": "it_provider", "noor": "dpo"}


def settings(folder: Path) -> Settings:
    rows = [SETTINGS]
    for name in (*PEOPLE, *TRUST_PEOPLE):
        rows.append(f'[[people]]\nid = "{name}"\nname = "Pat {name.title()}"\nemail = "{name}@x.example"\n')
    for name, (role, school) in PEOPLE.items():
        rows.append(f'[[holdings]]\nperson = "{name}"\nrole = "{role}"\nschool = "{school}"\n')
    for name, role in TRUST_PEOPLE.items():
        rows.append(f'[[holdings]]\nperson = "{name}"\nrole = "{role}"\ntrust = "northmere"\n')
    for school in ("hillcrest", "dene"):
        rows.append(
            f'[[accounts]]\nname = "{school}"\nschool = "{school}"\nplatform = "mastodon"\ntarget = "@{school}"\n'
            f'reads = ["posts", "comments"]\nofficial = true\n'
        )
    file = folder / "watcher.toml"
    file.write_text("\n".join(rows), encoding="utf-8")
    return load(file)


@dataclass
class FakeConnector:
    """Gives pages in turn, or raises what stands there; then nothing more."""

    script: list[Page | Exception] = field(default_factory=list)

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        if not self.script:
            return Page(posts=(), cursor=cursor)
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step


@dataclass
class FakeClassifier:
    """Says of a text what stands in it between braces: ``{threat=0.9}``."""

    name: str = "fake"
    version: str = "1"
    breaks_on: str | None = None
    calls: int = 0

    def classify(self, passages: Sequence[Passage]) -> list[Verdict]:
        self.calls += 1
        if self.breaks_on is not None and any(self.breaks_on in p.text for p in passages):
            raise ClassifierError("cannot read this batch")
        return [self._say(p.text) for p in passages]

    def _say(self, text: str) -> Verdict:
        said = dict(part.split("=") for part in text.partition("{")[2].partition("}")[0].split() if "=" in part)
        scores = {label: float(said.get(label, 0.01)) for label in LABELS}
        points = {label: OperatingPoint(raise_at=0.5, review_at=0.3) for label in LABELS}
        return Verdict(model=self.name, version=self.version, scores=scores, points=points, reason="told so")


@dataclass
class FakeChannel:
    """Keeps what it is given; ``answers`` says for which address it refuses, and how."""

    sent: list[Notice] = field(default_factory=list)
    answers: dict[str, DeliveryError] = field(default_factory=dict)

    def send(self, notice: Notice) -> None:
        if notice.address in self.answers:
            raise self.answers[notice.address]
        self.sent.append(notice)

    def to(self, name: str) -> list[Notice]:
        return [n for n in self.sent if n.address == f"{name}@x.example"]


@dataclass
class House:
    """A service with its edges in hand."""

    store: Store
    service: Service
    connectors: dict[str, FakeConnector]
    classifier: Classifier
    channel: FakeChannel
    settings: Settings

    def bring(self, *posts: Post, account: str = "hillcrest", now: datetime = NOW) -> None:
        """Have an account bring posts, and let the stream run until nothing moves."""
        self.connectors[account].script.append(Page(posts=posts, cursor=Cursor(state="x")))
        self.poll(account, now)
        self.settle(now)

    def poll(self, account: str = "hillcrest", now: datetime = NOW) -> bool:
        return self.service.poll(self.store.accounts.get(account), now)

    def settle(self, now: datetime = NOW) -> None:
        for _ in range(50):
            if not self.service.advance(now) + self.service.deliver(now):
                return
        raise AssertionError("the stream never comes to rest")

    def concerns(self) -> list[tuple[str, ...]]:
        return sorted(i.concerns for i in self.store.views.incidents(limit=100))


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    chosen = settings(tmp_path)
    apply(chosen, store, "watcher.toml", NOW)
    return make(store, chosen)


def make(store: Store, chosen: Settings, classifier: Classifier | None = None) -> House:
    connectors = {row.name: FakeConnector() for row in chosen.accounts}
    reader = classifier or FakeClassifier()
    channel = FakeChannel()
    service = Service(
        store=store,
        poller=Poller(store, lambda account: connectors[account.name], lambda _: None),
        classifiers=[reader],
        pack_of=pack_of,
        teller=Teller(store, chosen, pack_of),
        channel=channel,
    )
    service.begin(NOW)
    return House(store, service, connectors, reader, channel, chosen)


def post(number: int, text: str, **more: object) -> Post:
    values: dict[str, object] = {
        "platform": "mastodon",
        "origin": "social.example",
        "id": str(number),
        "kind": "comment",
        "text": text,
        "url": f"https://social.example/{number}",
        "author": Author(id=f"a{number}", handle=f"user{number}"),
        "created_at": NOW - timedelta(minutes=2),
        "raw": b"{}",
    }
    return Post(**(values | more))  # type: ignore[arg-type]


OWN = post(1, "Our winter fair is on Friday", kind="post", author=Author(id="s", official=True), thread="1")


def under_own(number: int, text: str, **more: object) -> Post:
    return post(number, text, reply_to="1", thread="1", **more)


def body(notice: Notice) -> str:
    part = message_from_bytes(notice.message, policy=policy.default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def test_a_burst_of_angry_comments_is_one_incident_and_one_mail(house: House) -> None:
    house.bring(OWN)
    for start in range(2, 202, 40):
        burst = [
            under_own(n, f"Shut the fair, shame on Hillcrest no {n} {{criticism=0.9}}")
            for n in range(start, start + 40)
        ]
        house.bring(*burst, now=NOW + timedelta(minutes=start))
    incidents = house.store.views.incidents(limit=10)
    assert [(i.concerns, i.posts) for i in incidents] == [(("criticism",), 200)]
    assert [n.address for n in house.channel.sent] == ["moore@x.example"]


def test_a_second_childs_disclosure_is_never_swallowed_by_the_first(house: House) -> None:
    house.bring(OWN, under_own(2, "i cant do this any more {self_harm=0.9}"))
    house.bring(under_own(3, "me too honestly {self_harm=0.9}"), now=NOW + timedelta(minutes=1))
    assert house.concerns() == [("self_harm",), ("self_harm",)]
    assert len({n.subject_of for n in house.channel.to("okafor")}) == 2


def test_a_disclosure_inside_a_storm_stands_alone(house: House) -> None:
    storm = [under_own(n, f"Awful decision {n} {{criticism=0.9}}") for n in range(2, 30)]
    house.bring(OWN, *storm, under_own(30, "nobody would miss me {self_harm=0.8 criticism=0.7}"), *[])
    assert ("criticism",) in house.concerns()
    assert any("self_harm" in c for c in house.concerns())
    assert house.channel.to("okafor")


def test_harmless_posts_tell_nobody(house: House) -> None:
    house.bring(OWN, under_own(2, "See you there"), under_own(3, "Lovely school {praise=0.95}"))
    assert house.concerns() == []
    assert house.channel.sent == []
    assert house.store.counts.between("hillcrest", NOW.date(), NOW.date())["flags:praise"] == 1


def test_an_accusation_of_the_head_goes_past_the_head(house: House) -> None:
    text = "The headteacher, Mrs Moore, slapped my son and then lied about it {criticism=0.9}"
    house.bring(OWN, under_own(2, text))
    assert house.channel.to("moore") == []
    assert house.channel.to("lind")
    assert house.channel.to("ray")
    assert all("slapped" not in body(n) for n in house.channel.sent)


def test_opinion_on_a_decision_of_the_head_goes_the_ordinary_way(house: House) -> None:
    house.bring(OWN, under_own(2, "I think the head is wrong about phones {criticism=0.9}"))
    assert [n.address for n in house.channel.sent] == ["moore@x.example"]
    assert "8.1.9" in body(house.channel.sent[0])


def test_replies_without_a_name_go_past_the_one_whom_the_thread_accuses(house: House) -> None:
    top = post(2, "The headteacher at Hillcrest Primary School stole the trip money {criticism=0.9}", thread="2")
    first = post(3, "He did it to us at Hillcrest Primary School too {criticism=0.9}", reply_to="2", thread="2")
    last = post(4, "Same here, Hillcrest Primary School {criticism=0.9}", reply_to="3")
    house.bring(top)
    house.bring(first)
    house.bring(last)
    assert house.channel.to("moore") == []
    assert {i.about for i in house.store.views.incidents(limit=9)} == {"headteacher"}


def test_whoever_holds_any_role_is_known_by_name_and_not_told_of_themselves(house: House) -> None:
    house.bring(OWN, under_own(2, "Mrs Okafor messages year 6 girls at night {sexual_content=0.9}"))
    assert house.channel.to("okafor") == []
    assert house.channel.to("moore")


def test_an_undecided_threat_brings_no_accusation_to_the_accused(house: House) -> None:
    house.bring(OWN, under_own(2, "The headteacher stole the trip money {criticism=0.9 threat=0.4}"))
    assert house.channel.to("moore") == []
    assert house.channel.to("lind")


def test_a_threat_reaches_the_one_threatened(house: House) -> None:
    house.bring(OWN, under_own(2, "I am coming for the headteacher tomorrow, she will bleed {threat=0.95}"))
    assert house.channel.to("moore")


def test_a_mail_says_who_when_where_and_by_which_clause_and_never_names(house: House) -> None:
    house.bring(OWN, under_own(2, "Tell Elowen Quickley of 4B to go home {cyberbullying=0.9 identifies_pupil=0.9}"))
    for notice in house.channel.sent:
        mail = message_from_bytes(notice.message, policy=policy.default)
        text = body(notice)
        assert "Elowen" not in text + str(mail["Subject"])
        assert "WMAT" in text
        assert "https://social.example/2" in text
        assert "https://watcher.example/incidents/WT-" in text
        assert mail["Message-ID"] == notice.id
    assert {n.role for n in house.channel.sent} >= {"headteacher"}


def test_an_edit_is_a_new_version_and_is_judged_again(house: House) -> None:
    house.bring(OWN, under_own(2, "You did well"))
    assert house.channel.sent == []
    house.bring(under_own(2, "You did badly, shame on the school {criticism=0.9}"), now=NOW + timedelta(minutes=5))
    assert house.store.views.totals()["version"] == 3
    assert house.concerns() == [("criticism",)]
    assert len(house.channel.sent) == 1


def test_the_same_post_again_changes_nothing(house: House) -> None:
    for minute in range(3):
        house.bring(OWN, under_own(2, "Shame {criticism=0.9}"), now=NOW + timedelta(minutes=minute))
    assert house.store.views.totals() == {
        "post": 2, "version": 2, "verdict": 2, "mention": 2, "flag": 1, "incident": 1, "notice": 1,
    }  # fmt: skip


def test_a_post_about_two_schools_is_each_ones_own_matter(house: House) -> None:
    text = "Hillcrest Primary School and Dene Valley Academy are both a disgrace {criticism=0.9}"
    house.bring(OWN, under_own(2, text))
    assert sorted(i.school for i in house.store.views.incidents(limit=10)) == ["dene", "hillcrest"]
    assert {n.address for n in house.channel.sent} == {"moore@x.example", "abara@x.example"}


def test_a_post_that_breaks_the_model_is_set_aside_as_unread_and_holds_up_nobody(store: Store, tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    apply(chosen, store, "watcher.toml", NOW)
    house = make(store, chosen, FakeClassifier(breaks_on="poison"))
    house.bring(OWN, under_own(2, "poison"), under_own(3, "Shame {criticism=0.9}"))
    assert house.concerns() == [("criticism",)]
    for _ in range(5):
        house.settle()
    assert store.posts.waiting() == 0
    assert store.counts.between("hillcrest", NOW.date(), NOW.date())["unread:failed"] == 1


def test_a_new_model_reads_again_without_telling_again(house: House) -> None:
    house.bring(OWN, under_own(2, "Shame {criticism=0.9}"))
    newer = make(house.store, house.settings, FakeClassifier(version="2"))
    newer.settle(NOW + timedelta(hours=1))
    assert house.store.views.totals()["verdict"] == 4
    assert house.concerns() == [("criticism",)]
    assert newer.channel.sent == []


def test_a_dead_token_is_an_incident_for_the_provider_and_ends_by_itself(house: House) -> None:
    house.connectors["hillcrest"].script += [AuthenticationError("the token has expired") for _ in range(2)]
    house.poll(now=NOW)
    house.settle(NOW)
    assert house.concerns() == []
    house.poll(now=NOW + timedelta(minutes=5))
    house.settle(NOW + timedelta(minutes=5))
    assert house.concerns() == [("blind_spot",)]
    assert [n.address for n in house.channel.sent] == ["desk@x.example"]
    assert "token has expired" in body(house.channel.sent[0])
    house.bring(OWN, now=NOW + timedelta(hours=4))
    assert [i.state for i in house.store.views.incidents(limit=5)] == ["resolved"]


def test_a_platforms_own_word_for_when_is_kept(house: House) -> None:
    at = NOW + timedelta(minutes=14)
    house.connectors["hillcrest"].script += [RateLimitedError("slow down", at), RateLimitedError("slow down", None)]
    house.poll()
    assert house.store.accounts.get("hillcrest").next_poll_at == at
    house.poll()
    assert NOW < house.store.accounts.get("hillcrest").next_poll_at < NOW + timedelta(minutes=31)


def test_trouble_backs_off_longer_and_longer(house: House) -> None:
    house.connectors["hillcrest"].script += [TransientError("502") for _ in range(6)]
    waits = []
    for _ in range(6):
        house.poll()
        waits.append((house.store.accounts.get("hillcrest").next_poll_at - NOW).total_seconds())
    assert waits[3] > 2 * waits[0]
    assert max(waits) <= 1800 * 1.2


def test_mail_that_is_not_taken_now_is_sent_later_with_the_same_id(house: House) -> None:
    house.channel.answers["moore@x.example"] = DeliveryError("451 try later", permanent=False)
    house.bring(OWN, under_own(2, "Shame {criticism=0.9}"))
    assert house.channel.sent == []
    assert house.store.notices.pending()[0] == 1
    waiting = house.store.notices.of(house.store.views.incidents(limit=1)[0].reference)[0]
    house.channel.answers.clear()
    house.settle(NOW + timedelta(minutes=20))
    assert [n.id for n in house.channel.sent] == [waiting.id]
    assert house.channel.sent[0].message == waiting.message


def test_mail_that_is_refused_for_good_goes_to_the_next_in_the_chain(house: House) -> None:
    house.channel.answers["moore@x.example"] = DeliveryError("550 no such user", permanent=True)
    house.bring(OWN, under_own(2, "Shame {criticism=0.9}"))
    assert house.channel.sent
    assert house.channel.sent[0].address != "moore@x.example"
    assert house.store.notices.refused_addresses(NOW) == {"moore@x.example"}


def test_a_crash_in_the_middle_of_sending_sends_the_same_mail_again_at_the_next_start(house: House) -> None:
    house.connectors["hillcrest"].script.append(Page(posts=(OWN, under_own(2, "Shame {criticism=0.9}")), cursor=None))
    house.poll()
    while house.service.advance(NOW):
        pass
    tried = house.store.notices.take(NOW, 10)
    again = make(house.store, house.settings)
    again.settle(NOW)
    assert [n.id for n in again.channel.sent] == [n.id for n in tried]


def test_one_digest_a_receiver_and_week_also_across_restarts(house: House) -> None:
    house.bring(OWN, under_own(2, "Shame {criticism=0.9}"), under_own(3, "Best school {praise=0.9}"))
    monday = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
    house.channel.sent.clear()
    for step in range(0, 7 * 24, 5):
        again = make(house.store, house.settings)
        again.service.digest(monday - timedelta(hours=2) + timedelta(hours=step))
        again.settle(monday + timedelta(hours=step))
        house.channel.sent += again.channel.sent
    digests = [(n.address.partition("@")[0], n.subject_of) for n in house.channel.sent if n.reason == "digest"]
    assert len(digests) == len(set(digests))
    assert {d for d in digests if d[1].endswith("W47")} == {
        ("moore", "hillcrest/2026-W47"),
        ("abara", "dene/2026-W47"),
        ("ray", "northmere/2026-W47"),
    }
    text = body(next(n for n in house.channel.sent if n.subject_of == "hillcrest/2026-W47"))
    assert "Shame" not in text
    assert "Best school" in text


def test_a_digest_never_tells_a_head_of_a_matter_about_herself(house: House) -> None:
    house.bring(OWN, under_own(2, "The headteacher Mrs Moore slapped my son, I saw it {criticism=0.9}"))
    about_her = house.store.views.incidents(limit=5)[0]
    assert about_her.about is not None
    monday = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    house.service.digest(NOW)
    house.service.digest(monday)
    house.settle(monday)
    hers = next(n for n in house.channel.to("moore") if n.subject_of == "hillcrest/2026-W47")
    trusts = next(n for n in house.channel.to("ray") if n.subject_of == "northmere/2026-W47")
    assert about_her.reference not in body(hers)
    assert about_her.reference in body(trusts)
    quiet, _ = Teller(house.store, house.settings, pack_of).preview("hillcrest", "2026-W47", monday)
    assert (quiet.flags, quiet.mentions, quiet.opened) == ({}, 1, 0)


def test_praise_beside_an_accusation_tells_the_accused_nothing(house: House) -> None:
    text = "Thank you teachers, best school. Shame the headteacher stole the PTA money {praise=0.9 criticism=0.9}"
    house.bring(OWN, under_own(2, text), under_own(3, "Lovely choir {praise=0.9}"))
    about = [i for i in house.store.views.incidents(limit=5) if i.about]
    assert about
    monday = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    hers, _ = Teller(house.store, house.settings, pack_of).preview("hillcrest", "2026-W47", monday)
    assert [p.text for p in hers.praise] == ["Lovely choir {praise=0.9}"]
    assert hers.flags == {"praise": 1}
    assert hers.tone.criticism == 0


def test_the_accused_stays_the_accused_after_a_promotion(house: House) -> None:
    house.bring(OWN, under_own(2, "The headteacher Mrs Moore slapped my son, I saw it {criticism=0.9}"))
    reference = house.store.views.incidents(limit=5)[0].reference
    promoted = tuple(
        h.model_copy(update={"person": "moore"}) if h.role == "ceo" else h
        for h in house.settings.holdings
        if h.role != "headteacher" or h.school != "hillcrest"
    )
    apply(house.settings.model_copy(update={"holdings": promoted}), house.store, "watcher.toml", NOW)
    monday = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    house.service.digest(monday - timedelta(days=1))
    house.service.digest(monday)
    house.settle(monday)
    assert house.channel.to("moore")
    assert all(reference not in body(n) for n in house.channel.to("moore"))


def test_history_alerts_nobody_but_for_what_may_still_harm_a_child(house: House) -> None:
    old = NOW - timedelta(days=400)
    house.bring(
        OWN,
        under_own(2, "Shame {criticism=0.9}", created_at=old),
        under_own(3, "i want to end it {self_harm=0.9}", created_at=old),
    )
    assert house.concerns() == [("self_harm",)]


def test_one_matter_that_cannot_be_written_keeps_no_other_from_being_told(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = house.service.teller.notices

    def break_on_press(unplanned: Unplanned, now: datetime) -> tuple[Notice, ...]:
        if "press" in unplanned.incident.concerns:
            raise ZeroDivisionError
        return whole(unplanned, now)

    monkeypatch.setattr(house.service.teller, "notices", break_on_press)
    house.bring(OWN, under_own(2, "Reporter here {press=0.9}"), under_own(3, "i want to end it {self_harm=0.9}"))
    assert house.channel.to("okafor")
    monkeypatch.undo()
    house.settle(NOW + timedelta(minutes=1))
    assert house.channel.to("moore")


def test_a_mailbox_that_refuses_is_a_matter_for_the_provider_until_it_takes_mail(house: House) -> None:
    house.channel.answers["moore@x.example"] = DeliveryError("550 no such user", permanent=True)
    house.bring(OWN, under_own(2, "Shame {criticism=0.9}"))
    assert ("blind_spot",) in house.concerns()
    assert any("no such user" in body(n) for n in house.channel.to("desk"))
    house.channel.answers.clear()
    house.bring(under_own(9, "Reporter here {press=0.9}"), now=NOW + timedelta(days=2))
    assert house.channel.to("moore")
    faults = [i for i in house.store.views.incidents(limit=9) if i.concerns == ("blind_spot",)]
    assert [i.state for i in faults] == ["resolved"]


def test_a_digest_says_what_could_not_be_read(house: House) -> None:
    house.bring(OWN)
    house.connectors["hillcrest"].script += [AuthenticationError("the token has expired") for _ in range(3)]
    for hour in range(1, 4):
        house.poll(now=NOW + timedelta(hours=hour))
    house.settle(NOW + timedelta(hours=4))
    house.bring(OWN, now=NOW + timedelta(days=2))
    monday = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    told, _ = Teller(house.store, house.settings, pack_of).preview("hillcrest", "2026-W47", monday)
    assert [(b.source, b.until is not None) for b in told.blind] == [("hillcrest", True)]


def test_no_digest_is_owed_for_the_time_before_the_first_start(house: House) -> None:
    assert house.service.digest(NOW) == 0
    assert house.service.digest(datetime(2026, 11, 23, 8, 0, tzinfo=UTC)) == 3


def test_a_full_disk_stops_the_stream_and_loses_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.connectors["hillcrest"].script.append(Page(posts=(OWN, under_own(2, "Shame {criticism=0.9}")), cursor=None))
    house.poll()

    def full(*_: object) -> None:
        raise StoreError("database or disk is full")

    with monkeypatch.context() as during:
        during.setattr(house.store.matters, "read_all", full)
        assert house.service.advance(NOW) == 0
    house.settle()
    assert house.concerns() == [("criticism",)]


def test_a_school_taken_out_of_the_settings_is_no_longer_judged(house: House) -> None:
    house.connectors["dene"].script.append(Page(posts=(replace(OWN, id="9", thread="9"),), cursor=None))
    house.poll("dene")
    house.service.match(NOW)
    fewer = house.settings.model_copy(
        update={
            "schools": house.settings.schools[:1],
            "holdings": tuple(h for h in house.settings.holdings if h.school != "dene"),
            "accounts": house.settings.accounts[:1],
        }
    )
    apply(fewer, house.store, "watcher.toml", NOW)
    house.settle()
    assert house.concerns() == []


def test_an_account_applied_later_waits_for_the_restart_and_does_not_go_blind(house: House) -> None:
    assert {state.account.name for state in house.service.due(NOW)} == {"hillcrest", "dene"}
    house.service._reads = frozenset({"dene"})
    assert {state.account.name for state in house.service.due(NOW)} == {"dene"}


HOSTILE = {
    "emoji": "🙂" * 20_000,
    "marks": "e" + "\u0301" * 200_000,
    "overrides": "\u202eshame on the school\u202c \u2066x\u2069",
    "nul": "shame\0 on the school",
    "surrogate": "shame \ud800 on the school",
    "markup": "<script>alert(1)</script> {{ 7*7 }} shame on the school\r\nBcc: everyone@x.example",
    "formula": "=cmd|' /C calc'!A0",
    "empty": "",
    "blank": " \t\u200b\u00a0",
    "one word": "a" * 60_000,
    "too long": "shame on the school. " * 5_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_goes_all_the_way_and_holds_up_nobody(store: Store, tmp_path: Path, name: str) -> None:
    chosen = settings(tmp_path)
    apply(chosen, store, "watcher.toml", NOW)
    house = make(store, chosen, registry.load("encoder"))
    begin = time.monotonic()
    hostile = under_own(2, HOSTILE[name], author=Author(id="a2", handle=HOSTILE[name][:50], name=HOSTILE[name][:50]))
    angry = under_own(3, "Two weeks without heating again. Shame on this school, it is a disgrace.")
    house.bring(OWN, hostile, angry)
    # Generous, for a busy machine; what must never come back is a text that takes minutes.
    assert time.monotonic() - begin < 30
    assert store.views.totals()["verdict"] == 3
    assert any("criticism" in concerns for concerns in house.concerns())
    for notice in house.channel.sent:
        mail = message_from_bytes(notice.message, policy=policy.default)
        assert mail["Bcc"] is None
        assert "\u202e" not in body(notice)
        html = mail.get_body(("html",))
        assert html is not None
        assert "<script" not in html.get_content()


def test_an_accusation_in_plain_words_is_a_matter_whatever_the_model_says(house: House) -> None:
    said = "Mrs Moore the headteacher grabbed my lad by the arm and dragged him out. There is a bruise. {praise=0.2}"
    house.bring(OWN, under_own(2, said))
    assert house.concerns() == [("misconduct_allegation",)]
    assert house.channel.to("moore") == []
    assert house.channel.to("lind")
    assert house.channel.to("ray")


def test_a_mailbox_that_others_read_is_passed_over_in_a_conflict_and_the_timeline_says_so(
    store: Store, tmp_path: Path
) -> None:
    chosen = settings(tmp_path)
    people = tuple(p.model_copy(update={"mailbox": "shared"} if p.id == "lind" else {}) for p in chosen.people)
    chosen = chosen.model_copy(update={"people": people})
    apply(chosen, store, "watcher.toml", NOW)
    house = make(store, chosen)
    house.bring(under_own(1, "The head Mrs Moore stole from the school fund {criticism=0.9}"))
    (incident,) = house.store.views.incidents(limit=9)
    view = house.store.views.incident(incident.reference)
    assert view is not None

    assert {n.receiver for n in house.channel.sent} & {"lind", "moore"} == set()
    said = [event.detail for event in view.events if event.what == "passed_over"]
    assert "chair_of_governors: several people read this mailbox" in said
    assert not any("Lind" in detail or "lind" in detail for detail in said)


def test_one_threatened_by_name_is_told_though_many_hold_the_role(store: Store, tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    seats = tuple(HoldingRow(person=one, role="teacher", school="hillcrest") for one in ("noor", "abara"))
    chosen = chosen.model_copy(update={"holdings": (*chosen.holdings, *seats)})
    apply(chosen, store, "watcher.toml", NOW)
    house = make(store, chosen)
    house.bring(under_own(1, "I will find Mrs Noor after lessons and break her legs {threat=0.95}"))

    told = {n.receiver for n in house.channel.sent}
    assert "noor" in told
    assert "abara" not in told
