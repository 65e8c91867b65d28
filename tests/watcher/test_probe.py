"""The daily test goes the whole way to a real mail server, leaves no trace, and is missed where it does not arrive."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from fastapi.testclient import TestClient
from pytest_httpserver import HTTPServer

from alerts.email import EmailChannel
from classifiers import registry
from classifiers.classifier import Classifier
from connectors.post import Account
from tests.watcher.test_service import NOW, FakeClassifier, FakeConnector, settings
from watcher.app import _beat, pack_of
from watcher.check import problems
from watcher.config import Imap, Settings
from watcher.enrolment import apply
from watcher.errors import MailboxError
from watcher.health import look
from watcher.mailbox import has_arrived
from watcher.polling import Poller
from watcher.probe import Probe, trouble
from watcher.service import Service
from watcher.store import Store
from watcher.synthetic import SCHOOL
from watcher.telling import Teller
from watcher.web.application import make as pages

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TEXT = "Two weeks without heating, shame on this school {criticism=0.9}"


class Server:
    """A mail server that keeps what it takes, or refuses everything."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.taken.append(envelope.content)
        return self.answer


@pytest.fixture
def smtp() -> Iterator[tuple[Server, int]]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    handler = Server()
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


def asking(tmp_path: Path, **more: Any) -> Settings:
    chosen = settings(tmp_path)
    table = {"school": "hillcrest", "address": "probe@x.example", "hour": 6, "text": TEXT, **more}
    return Settings.model_validate({**chosen.model_dump(by_alias=True), "probe": table})


Made = Callable[..., Service]


@pytest.fixture
def service(store: Store, tmp_path: Path, smtp: tuple[Server, int]) -> Made:
    def made(classifier: Classifier | None = None, **more: Any) -> Service:
        chosen = asking(tmp_path, **more)
        apply(chosen, store, "watcher.toml", NOW)
        found = Service(
            store=store,
            poller=Poller(store, lambda _account: FakeConnector(), lambda _: None),
            classifiers=[classifier or FakeClassifier()],
            pack_of=pack_of,
            teller=Teller(store, chosen, pack_of),
            channel=EmailChannel(host="127.0.0.1", port=smtp[1], security="none", timeout_s=10),
            probe=Probe(store, chosen),
        )
        found.begin(NOW)
        return found

    return made


def run(service: Service, now: datetime) -> None:
    service.probe(now)
    for _ in range(20):
        if not service.advance(now) + service.deliver(now):
            break
    service.probe(now)


def test_every_day_a_post_goes_the_whole_way_and_leaves_no_trace(
    service: Made, store: Store, smtp: tuple[Server, int]
) -> None:
    made = service(registry.load("encoder"), text=None)
    run(made, NOW)
    mail = message_from_bytes(smtp[0].taken[0], policy=policy.default)
    assert mail["To"].addresses[0].addr_spec == "probe@x.example"
    assert "nothing to do" in mail["Subject"]
    body = mail.get_body(("plain",))
    assert body is not None
    assert "NOBODY NEEDS TO DO ANYTHING" in body.get_content()
    assert trouble(store, NOW) is None
    assert set(store.views.totals().values()) == {0}
    assert store.counts.between("hillcrest", NOW.date(), NOW.date()) == {}
    assert store.counts.between(SCHOOL, NOW.date(), NOW.date()) == {}
    run(made, NOW + 2 * HOUR)
    assert len(smtp[0].taken) == 1, "once a day"
    run(made, NOW + DAY)
    assert len(smtp[0].taken) == 2


def test_on_its_way_it_is_nobodys_matter(service: Made, store: Store) -> None:
    made = service()
    made.probe(NOW)
    while made.advance(NOW):
        pass
    assert store.notices.pending()[0] == 1
    assert store.views.incidents(limit=9) == ()
    assert store.views.lines(limit=9) == ()
    assert store.views.tally() == {}
    assert store.views.open_count() == 0
    assert store.views.untold() == ()
    assert look(store, NOW).open_incidents == 0
    assert store.counts.between("hillcrest", NOW.date(), NOW.date()) == {}


def test_it_is_written_at_its_hour_where_the_school_is(service: Made, store: Store) -> None:
    made = service()
    run(made, NOW)
    before = store.recall("probe")
    assert before is not None
    run(made, NOW.replace(hour=5, minute=59) + DAY)
    assert store.recall("probe") == before
    run(made, NOW.replace(hour=6, minute=1) + DAY)
    after = store.recall("probe")
    assert after is not None
    assert after[0]["written"] > before[0]["written"]


def test_mail_that_does_not_leave_in_time_is_told_by_every_other_way(
    service: Made, store: Store, smtp: tuple[Server, int], tmp_path: Path, httpserver: HTTPServer
) -> None:
    store.remember("beat", {}, NOW + 20 * MINUTE)
    smtp[0].answer = "451 try later"
    made = service()
    run(made, NOW)
    assert trouble(store, NOW + 14 * MINUTE) is None
    run(made, NOW + 20 * MINUTE)
    later = NOW + 20 * MINUTE
    assert "451" in (trouble(store, later) or "")
    health = look(store, later)
    assert not health.is_well
    assert any(line.startswith("TEST FAILED") and "451" in line for line in health.lines())
    web = TestClient(
        pages(store, is_alive=lambda: True, ails=lambda: trouble(store, later)), base_url="http://127.0.0.1"
    )
    answer = web.get("/healthz")
    assert (answer.status_code, "did not come through" in answer.json()["why"]) == (503, True)
    httpserver.expect_request("/beat").respond_with_data("ok")
    heart = {"url": httpserver.url_for("/beat"), "every_s": 5, "allow_private": True}
    chosen = Settings.model_validate({**asking(tmp_path).model_dump(by_alias=True), "heartbeat": heart})
    beat = _beat(chosen, store)
    beat(later)
    assert httpserver.log == []
    smtp[0].answer = "250 OK"
    run(made, NOW + 40 * MINUTE)
    assert trouble(store, NOW + 40 * MINUTE) is None, "late, and yet it came"
    beat(NOW + 40 * MINUTE)
    assert len(httpserver.log) == 1
    store.remember("beat", {}, NOW + 40 * MINUTE)
    assert look(store, NOW + 40 * MINUTE).is_well


def test_it_says_where_it_is_stuck_and_tries_again_in_an_hour(service: Made, store: Store) -> None:
    made = service(text="Nothing that anybody would mind")
    run(made, NOW)
    run(made, NOW + 16 * MINUTE)
    assert "raised nothing" in (trouble(store, NOW + 16 * MINUTE) or "")
    first = store.recall("probe")
    run(made, NOW + 2 * HOUR)
    second = store.recall("probe")
    assert first is not None
    assert second is not None
    assert second[0]["written"] > first[0]["written"]
    assert trouble(store, NOW + 2 * HOUR) is not None, "it stays red until one comes through"


def test_a_test_that_is_never_written_is_missed_too(service: Made, store: Store) -> None:
    made = service()
    run(made, NOW)
    assert trouble(store, NOW + 20 * HOUR) is None
    assert "no daily test" in (trouble(store, NOW + DAY) or "")


def test_an_address_that_refuses_it_is_no_matter_of_a_school(
    service: Made, store: Store, smtp: tuple[Server, int]
) -> None:
    smtp[0].answer = "550 5.1.1 no such user"
    made = service()
    run(made, NOW)
    run(made, NOW + 20 * MINUTE)
    assert "no such user" in (trouble(store, NOW + 20 * MINUTE) or "")
    assert store.views.incidents(limit=9) == ()


def test_taken_out_of_the_settings_it_is_forgotten(service: Made, store: Store, tmp_path: Path) -> None:
    made = service(text="Nothing that anybody would mind")
    run(made, NOW)
    assert trouble(store, NOW + HOUR) is not None
    Probe(store, settings(tmp_path)).run(NOW + HOUR)
    assert trouble(store, NOW + HOUR) is None


def test_half_a_table_is_a_problem_that_names_its_key(tmp_path: Path) -> None:
    assert any(p.startswith("probe.address") for p in problems(asking(tmp_path, address=None)))
    assert any(p.startswith("probe.school") for p in problems(asking(tmp_path, school=None)))
    assert any(p.startswith("probe.school") for p in problems(asking(tmp_path, school="nowhere")))
    assert not any(p.startswith("probe") for p in problems(asking(tmp_path)))


@contextmanager
def mailbox(ids: list[str]) -> Iterator[int]:
    """As much of an IMAP server as is asked: it knows the mails of these ids."""

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"* OK ready\r\n")
            while line := self.rfile.readline().decode():
                tag, _, command = line.strip().partition(" ")
                self.wfile.write(self.answer(command).encode() + f"{tag} {self.verdict(command)}\r\n".encode())

        def answer(self, command: str) -> str:
            if command.startswith("CAPABILITY"):
                return "* CAPABILITY IMAP4rev1\r\n"
            if command.startswith("EXAMINE"):
                return "* 1 EXISTS\r\n"
            if command.startswith("SEARCH"):
                return "* SEARCH 1\r\n" if any(f'"{one}"' in command for one in ids) else "* SEARCH\r\n"
            return "* BYE\r\n" if command.startswith("LOGOUT") else ""

        def verdict(self, command: str) -> str:
            wrong = command.startswith("LOGIN") and "right" not in command
            return "NO wrong password" if wrong else "OK done"

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


def test_a_mailbox_is_asked_whether_it_has_arrived(
    service: Made, store: Store, monkeypatch: pytest.MonkeyPatch, smtp: tuple[Server, int]
) -> None:
    monkeypatch.setenv("PROBE_PASSWORD", "right")
    ids: list[str] = []
    with mailbox(ids) as port:
        imap = {"host": "127.0.0.1", "port": port, "security": "none", "username": "probe"}
        made = service(imap={**imap, "password": {"env": "PROBE_PASSWORD"}})
        run(made, NOW)
        assert len(smtp[0].taken) == 1
        run(made, NOW + 16 * MINUTE)
        assert "has not reached the mailbox" in (trouble(store, NOW + 16 * MINUTE) or "")
        ids.append(str(message_from_bytes(smtp[0].taken[0], policy=policy.default)["Message-ID"]))
        run(made, NOW + 20 * MINUTE)
        assert trouble(store, NOW + 20 * MINUTE) is None
        monkeypatch.setenv("PROBE_PASSWORD", "wrong")
        with pytest.raises(MailboxError, match="wrong password"):
            has_arrived(Imap.model_validate({**imap, "password": {"env": "PROBE_PASSWORD"}}), ids[0])
    with pytest.raises(MailboxError):
        has_arrived(Imap.model_validate({**imap, "password": {"env": "PROBE_PASSWORD"}}), ids[0])


def test_no_source_is_needed_for_it(store: Store, service: Made) -> None:
    service()
    assert all(
        isinstance(state.account, Account) and state.account.platform != "synthetic" for state in store.accounts.all()
    )
