"""What a new source's history holds: nobody is told of each old thing, and nothing that may harm a child is lost."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from alerts.email import EmailChannel
from alerts.errors import DeliveryError
from alerts.notice import mail_of
from connectors.post import Cursor, Page
from tests.watcher.test_service import NOW, OWN, House, body, make, settings, under_own
from watcher.enrolment import apply
from watcher.store import Store

OLD = NOW - timedelta(days=400)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    chosen = settings(tmp_path)
    apply(chosen, store, "watcher.toml", NOW)
    return make(store, chosen)


def page(house: House, *numbers: int, more: bool = False, text: str = "i want to end it {self_harm=0.9}") -> None:
    posts = tuple(under_own(n, f"{text} {n}", created_at=OLD + timedelta(days=n)) for n in numbers)
    house.connectors["hillcrest"].script.append(Page(posts=(OWN, *posts), cursor=Cursor(state="x"), more=more))


def test_live_concerns_in_a_history_are_incidents_and_one_mail_a_receiver(house: House) -> None:
    page(house, 2, 3, 4)
    house.poll()
    house.settle()
    incidents = house.store.views.incidents(limit=9)
    assert [i.concerns for i in incidents] == [("self_harm",)] * 3
    by_address = [n.address for n in house.channel.sent]
    assert len(by_address) == len(set(by_address)), "nobody gets two"
    assert "okafor@x.example" in by_address
    mail = house.channel.to("okafor")[0]
    said = message_from_bytes(mail.message, policy=policy.default)
    assert said["Subject"].startswith("[Watcher] 3 matters in the history of a new source – Hillcrest Primary School")
    assert said["Message-ID"] == mail_of(mail)
    for incident in incidents:
        assert incident.reference in body(mail)
        assert f"https://watcher.example/incidents/{incident.reference}" in body(mail)
        told = house.store.notices.of(incident.reference)
        assert {(n.reason, n.state) for n in told} == {("summary", "sent")}
    assert "Risk of self-harm" in body(mail)
    assert "999" in body(mail)
    assert "i want to end it" not in body(mail)
    house.settle(NOW + timedelta(hours=1))
    assert len(house.channel.sent) == len(by_address)


def test_one_matter_alone_is_told_as_any_other(house: House) -> None:
    page(house, 2)
    house.poll()
    house.settle()
    assert [n.reason for n in house.channel.to("okafor")] == ["opened"]


def test_it_waits_for_the_end_of_the_history_and_no_longer_than_four_minutes(house: House) -> None:
    page(house, 2, more=True)
    page(house, 3, more=True)
    page(house, 4)
    house.poll(now=NOW)
    house.settle(NOW)
    assert house.channel.sent == []
    assert house.store.views.untold() == ()
    house.poll(now=NOW + 2 * MINUTE)
    house.settle(NOW + 2 * MINUTE)
    assert house.channel.sent == []
    house.settle(NOW + 4 * MINUTE)
    assert [n.reason for n in house.channel.to("okafor")] == ["summary"]
    house.poll(now=NOW + 16 * MINUTE)
    house.settle(NOW + 16 * MINUTE)
    assert [n.reason for n in house.channel.to("okafor")] == ["summary", "opened"]


def test_the_end_of_the_history_releases_it_at_once(house: House) -> None:
    page(house, 2, more=True)
    page(house, 3)
    house.poll(now=NOW)
    house.settle(NOW)
    house.poll(now=NOW + MINUTE)
    house.settle(NOW + MINUTE)
    assert [n.reason for n in house.channel.to("okafor")] == ["summary"]


def test_what_was_said_just_now_waits_for_no_history(house: House) -> None:
    fresh = under_own(5, "i want to end it tonight {self_harm=0.9}", created_at=NOW - MINUTE)
    house.connectors["hillcrest"].script.append(Page(posts=(OWN, fresh), cursor=Cursor(state="x"), more=True))
    house.poll(now=NOW)
    house.settle(NOW)
    assert [n.reason for n in house.channel.to("okafor")] == ["opened"]


def test_what_comes_after_the_first_reading_waits_for_nothing(house: House) -> None:
    house.poll(now=NOW)
    page(house, 2, 3)
    house.poll(now=NOW + MINUTE)
    house.settle(NOW + MINUTE)
    assert [n.reason for n in house.channel.to("okafor")] == ["opened", "opened"]


def test_nobody_is_told_again_of_what_a_summary_told(house: House) -> None:
    page(house, 2, 3)
    house.poll()
    house.settle()
    later = under_own(9, "still feel like it {self_harm=0.95}", author=under_own(2, "").author)
    house.bring(later, now=NOW + timedelta(hours=1))
    assert sorted(i.posts for i in house.store.views.incidents(limit=9)) == [1, 2]
    assert [n.reason for n in house.channel.to("okafor")] == ["summary"]


def test_a_summary_that_is_not_taken_is_sent_again_whole_and_once(house: House) -> None:
    house.channel.answers["okafor@x.example"] = DeliveryError("451 try later", permanent=False)
    page(house, 2, 3, 4)
    house.poll()
    house.settle()
    assert house.channel.to("okafor") == []
    house.channel.answers.clear()
    house.settle(NOW + 20 * MINUTE)
    assert len(house.channel.to("okafor")) == 1
    assert house.store.notices.pending()[0] == 0


def test_a_summary_that_is_refused_for_good_goes_to_the_next_in_the_chain_for_each_matter(house: House) -> None:
    house.channel.answers["okafor@x.example"] = DeliveryError("550 no such user", permanent=True)
    page(house, 2, 3)
    house.poll()
    house.settle()
    for incident in house.store.views.incidents(limit=9):
        if incident.concerns == ("self_harm",):
            told = house.store.notices.of(incident.reference)
            assert any(n.state == "sent" and n.address != "okafor@x.example" for n in told)


def test_what_else_waits_is_told_while_a_history_is_read(house: House) -> None:
    house.bring(account="dene")
    page(house, *range(2, 60), more=True)
    house.poll(now=NOW)
    house.settle(NOW)
    angry = under_own(900, "Shame on Dene Valley Academy {criticism=0.9}")
    house.bring(angry, account="dene", now=NOW + MINUTE)
    assert [n.address for n in house.channel.sent] == ["abara@x.example"]


class _Taking:
    """A mail server that keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        self.taken.append(envelope.content)
        return "250 OK"


@pytest.fixture
def smtp() -> Iterator[tuple[_Taking, int]]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    handler = _Taking()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


def test_one_mail_a_receiver_leaves_over_smtp(house: House, smtp: tuple[_Taking, int]) -> None:
    handler, port = smtp
    house.service._channel = EmailChannel(host="127.0.0.1", port=port, security="none", timeout_s=10)
    page(house, 2, 3, 4)
    house.poll()
    house.settle()
    to = [message_from_bytes(mail, policy=policy.default)["To"].addresses[0].addr_spec for mail in handler.taken]
    assert len(to) == len(set(to))
    assert "okafor@x.example" in to
