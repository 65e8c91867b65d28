"""What every channel owes, run over all of them; and how mail reads what a server answers."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from alerts import registry
from alerts.channel import Channel
from alerts.email import EmailChannel
from alerts.errors import AlertError, DeliveryError, UnknownNameError
from alerts.folder import FolderChannel, file_name
from alerts.notice import Notice, message_id, notice_id

# A certificate and key for localhost that serve these tests and nothing else.
LOOPBACK = str(Path(__file__).with_name("loopback.pem"))
SECRET = "correct-horse-battery"


def message(text: str = "Something was said.") -> bytes:
    mail = EmailMessage(policy=policy.SMTP)
    mail["From"] = "Watcher <watcher@trust.example>"
    mail["To"] = "erin@school.example"
    mail["Subject"] = "[Watcher] A matter (WT-7F3K)"
    mail["Message-ID"] = message_id(notice_id("WT-7F3K", "erin", "opened"), "trust.example")
    mail.set_content(text + "\n.\n..a line that begins with dots\nü – end\n", cte="quoted-printable")
    return mail.as_bytes()


def notice(**changes: Any) -> Notice:
    fields = {
        "id": notice_id("WT-7F3K", "erin", "opened"),
        "subject_of": "WT-7F3K",
        "receiver": "erin",
        "address": "erin@school.example",
        "role": "headteacher",
        "reason": "opened",
        "message": message(),
        "created_at": datetime(2026, 11, 20, 8, 15, tzinfo=UTC),
    }
    return Notice(**{**fields, **changes})


class Inbox:
    """A mail server's mind: what it has taken, and how it answers."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.rcpt = self.mail = self.data = "250 OK"
        self.drop = False

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.mail

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.drop:
            assert server.transport is not None
            server.transport.abort()
            return "250 never heard"
        if self.data.startswith("250"):
            self.taken.append(envelope)
        return self.data


def _accepts(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    return AuthResult(success=data.password == SECRET.encode(), handled=False)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


_SAYS = {"EHLO": "250-hello\r\n250 STARTTLS", "STARTTLS": "220 go", "DATA": "354 go", "QUIT": "221 bye"}


@dataclass
class Script:
    """How a server misbehaves: where it drips (what, how often), is silent, or reads nothing; and what it took."""

    greeting: str = "220 hello"
    drip_at: str | None = None
    drip: bytes = b"220-wait\r\n"
    every_s: float = 0.05
    silent_at: str | None = None
    slow: bool = False
    security: str = "none"
    taken: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def serve(self, client: socket.socket) -> None:
        """One conversation."""
        with suppress(OSError):
            if self.security == "tls":
                client = self.encrypted(client)
            self.say(client, "greeting", self.greeting)
            lines = client.makefile("rb")
            while line := lines.readline():
                verb = line.split()[0].decode().upper()
                self.say(client, verb, _SAYS.get(verb, "250 OK"))
                if verb == "STARTTLS":
                    client = self.encrypted(client)
                    lines = client.makefile("rb")
                if verb == "DATA":
                    if self.slow:
                        self.over.wait(20)
                    while lines.readline() not in (b".\r\n", b""):
                        pass
                    self.taken += 1
                    self.say(client, ".", "250 taken")
        client.close()

    def say(self, client: socket.socket, where: str, words: str) -> None:
        while where == self.drip_at and not self.over.wait(self.every_s):
            client.sendall(self.drip)
        if where == self.silent_at:
            self.over.wait(20)
        if not words:
            raise OSError("nothing to say")
        client.sendall(words.encode() + b"\r\n")

    @staticmethod
    def encrypted(client: socket.socket) -> socket.socket:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(LOOPBACK)
        return context.wrap_socket(client, server_side=True)


@contextmanager
def talking(script: Script) -> Iterator[int]:
    """A server on loopback that keeps to the script for one conversation; its port."""

    def accept() -> None:
        with suppress(OSError):
            client, _ = listener.accept()
            script.serve(client)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        listener.settimeout(20)
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            script.over.set()
            thread.join(20)
            assert not thread.is_alive()


Serve = Callable[..., tuple[Inbox, int]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts real mail servers on loopback and stops them."""
    running: list[Controller] = []

    def start(*, tls: str = "none", login: bool = False) -> tuple[Inbox, int]:
        inbox = Inbox()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(LOOPBACK)
        options: dict[str, Any] = {}
        if tls == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        if tls == "tls":
            options["ssl_context"] = context
        if login:
            options |= {
                "authenticator": _accepts,
                "auth_required": tls == "starttls",
                "auth_require_tls": tls == "starttls",
            }
        port = free_port()
        controller = Controller(inbox, hostname="127.0.0.1", port=port, **options)
        controller.start()
        running.append(controller)
        return inbox, port

    yield start
    for controller in running:
        controller.stop()


def mailer(port: int, **options: Any) -> EmailChannel:
    return EmailChannel(**{"host": "127.0.0.1", "port": port, "security": "none", "timeout_s": 5.0, **options})


class FakeChannel:
    """A channel in memory: takes everything until it is told to refuse."""

    def __init__(self) -> None:
        self.taken: dict[str, bytes] = {}
        self.refuses: bool | None = None

    def send(self, notice: Notice) -> None:
        if self.refuses is not None:
            raise DeliveryError("the fake refuses", permanent=self.refuses)
        self.taken[notice.id] = notice.message


class Bench:
    """One channel with what it has handed over, and a way to make its other side fail for a while."""

    def __init__(self, channel: Channel, arrived: Callable[[], list[bytes]], fail: Callable[[], None]) -> None:
        self.channel, self.arrived, self.fail = channel, arrived, fail


@pytest.fixture(params=["fake", "folder", "email"])
def bench(request: pytest.FixtureRequest, tmp_path: Path, serve: Serve) -> Bench:
    if request.param == "fake":
        fake = FakeChannel()
        return Bench(fake, lambda: list(fake.taken.values()), lambda: setattr(fake, "refuses", False))
    if request.param == "folder":
        folder = tmp_path / "outbox"

        def block() -> None:
            folder.write_text("a file where the folder should be")

        return Bench(FolderChannel(folder), lambda: [f.read_bytes() for f in sorted(folder.glob("*.eml"))], block)
    inbox, port = serve()
    taken = inbox.taken
    return Bench(
        mailer(port),
        lambda: list({e.original_content or b"": None for e in taken}),
        lambda: setattr(inbox, "rcpt", "451 4.3.0 later"),
    )


class TestEveryChannel:
    def test_fulfils_the_protocol(self, bench: Bench) -> None:
        assert isinstance(bench.channel, Channel)

    def test_hands_the_message_over_byte_for_byte(self, bench: Bench) -> None:
        sent = notice()
        bench.channel.send(sent)
        assert bench.arrived() == [sent.message]

    def test_a_repeat_is_recognisable(self, bench: Bench) -> None:
        bench.channel.send(notice())
        bench.channel.send(notice())
        ids = {BytesParser(policy=policy.default).parsebytes(m)["Message-ID"] for m in bench.arrived()}
        assert ids == {message_id(notice().id, "trust.example")}

    def test_a_passing_failure_is_to_be_tried_again_and_tells_nothing_of_the_message(self, bench: Bench) -> None:
        bench.fail()
        with pytest.raises(DeliveryError) as caught:
            bench.channel.send(notice(message=message("the words of a post")))
        assert caught.value.permanent is False
        assert "words of a post" not in str(caught.value)
        assert bench.arrived() == []


class TestMail:
    def test_the_envelope_names_sender_and_receiver(self, serve: Serve) -> None:
        inbox, port = serve()
        mailer(port).send(notice())
        mailer(port, sender="bounces@trust.example").send(notice())
        assert [e.mail_from for e in inbox.taken] == ["watcher@trust.example", "bounces@trust.example"]
        assert inbox.taken[0].rcpt_tos == ["erin@school.example"]

    @pytest.mark.parametrize(
        "answer",
        [
            "550 5.1.1 <erin@school.example>: Recipient address rejected: User unknown in virtual mailbox table",
            "550 5.1.1 no such mailbox",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound",
            "551 5.1.6 the mailbox has moved",
            "553 5.1.3 bad address syntax",
            "550 5.2.1 the account is disabled",
            "550 sorry, no mailbox here by that name (#5.1.1)",
            "550 No such user here",
            "550 Requested action not taken: mailbox unavailable",
            "550 unknown user",
            "550 the account that you tried to reach does not exist",
            "553 mailbox disabled",
        ],
    )
    def test_a_mailbox_that_does_not_exist_is_refused_for_good(self, serve: Serve, answer: str) -> None:
        inbox, port = serve()
        inbox.rcpt = answer
        with pytest.raises(DeliveryError, match=answer[:3]) as caught:
            mailer(port).send(notice())
        assert caught.value.permanent is True
        assert "correct the address" in str(caught.value)

    @pytest.mark.parametrize(
        ("answer", "look"),
        [
            ("451 4.3.0 try later", "log"),
            ("421 4.3.2 going down", "log"),
            ("452 4.2.2 over quota", "make room"),
            ("552 5.2.2 mailbox full", "make room"),
            ("552 quota exceeded", "make room"),
            ("550 5.2.2 mailbox full", "make room"),
            ("530 5.7.0 log in first", "password"),
            ("550 authentication required: user unknown", "password"),
            ("554 5.7.1 Relay access denied", "own server"),
            ("550 relaying disabled, no such user", "own server"),
            ("550 5.1.1 not our user: relay denied", "own server"),
            ("550 5.7.1 our reputation service refuses you", "SPF"),
            ("550 5.7.26 unauthenticated sender does not pass DMARC", "own server"),
            ("554 5.7.1 blocked using a list", "SPF"),
            ("554 no such user", "SPF"),
            ("554 5.1.1 no such user", "log"),
            ("550 mailbox unavailable: your IP is on a blocklist", "SPF"),
            ("550 5.1.8 the domain does not exist", "log"),
            ("553 5.1.7 bad reverse path", "log"),
            ("550 sender domain does not exist", "own server"),
            ("550 5.4.1 Recipient address rejected: Access denied", "SPF"),
            ("550 not now", "log"),
            ("500 what?", "log"),
        ],
    )
    def test_any_other_refusal_may_end_and_says_what_to_look_at(self, serve: Serve, answer: str, look: str) -> None:
        inbox, port = serve()
        inbox.rcpt = answer
        with pytest.raises(DeliveryError, match=answer[:3]) as caught:
            mailer(port).send(notice())
        assert caught.value.permanent is False
        assert look in str(caught.value).partition(" – ")[2]
        assert inbox.taken == []

    def test_words_in_the_address_are_no_reason(self, serve: Serve) -> None:
        inbox, port = serve()
        inbox.rcpt = "550 <no-such-user@school.example> not now"
        with pytest.raises(DeliveryError) as caught:
            mailer(port).send(notice(address="no-such-user@school.example"))
        assert caught.value.permanent is False
        inbox.rcpt = "550 5.1.1 <relay@school.example> unknown"
        with pytest.raises(DeliveryError) as caught:
            mailer(port).send(notice(address="relay@school.example"))
        assert caught.value.permanent is True

    @pytest.mark.parametrize(
        "answer",
        [
            "554 5.6.0 refused",
            "452 4.3.1 disk full",
            "550 5.1.1 no such user",
            "550 5.7.1 spam",
            "554 5.7.1 message rejected",
            "552 5.3.4 too big",
            "552 5.2.2 mailbox full",
            "550 mailbox unavailable",
        ],
    )
    def test_a_refused_message_says_nothing_of_the_mailbox(self, serve: Serve, answer: str) -> None:
        inbox, port = serve()
        inbox.data = answer
        with pytest.raises(DeliveryError, match=answer[:3]) as caught:
            mailer(port).send(notice())
        assert caught.value.permanent is False
        assert " – " in str(caught.value)

    def test_a_refused_sender_is_not_the_receivers_fault(self, serve: Serve) -> None:
        inbox, port = serve()
        for answer in ("550 5.7.1 not you", "550 5.1.1 no such user", "553 5.1.8 unknown"):
            inbox.mail = answer
            with pytest.raises(DeliveryError, match=rf"refuses the sender .*: {answer[:3]}") as caught:
                mailer(port).send(notice())
            assert caught.value.permanent is False

    def test_a_connection_dropped_after_data_is_tried_again(self, serve: Serve) -> None:
        inbox, port = serve()
        inbox.drop = True
        with pytest.raises(DeliveryError) as caught:
            mailer(port).send(notice())
        assert caught.value.permanent is False

    def test_no_server(self) -> None:
        with pytest.raises(DeliveryError, match="could not be used") as caught:
            mailer(free_port()).send(notice())
        assert caught.value.permanent is False

    def test_a_server_that_says_nothing(self) -> None:
        with closing(socket.socket()) as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            with pytest.raises(DeliveryError, match="timed out") as caught:
                mailer(silent.getsockname()[1], timeout_s=0.2).send(notice())
        assert caught.value.permanent is False

    @pytest.mark.parametrize(
        "script",
        [
            Script(greeting="554 5.7.1 no service for you"),
            Script(greeting="550 5.1.1 no such user"),
            Script(greeting="421 too many connections"),
            Script(greeting=""),
        ],
        ids=["554", "550", "421", "hangs up"],
    )
    def test_a_server_that_does_not_want_us_at_all(self, script: Script) -> None:
        with talking(script) as port, pytest.raises(DeliveryError, match=script.greeting[:3] or "closed") as caught:
            mailer(port).send(notice())
        assert caught.value.permanent is False

    @pytest.mark.parametrize("security", ["none", "tls", "starttls"])
    @pytest.mark.parametrize("dripping", ["greeting", "EHLO", "DATA", "."])
    @pytest.mark.parametrize("drop", [b"250-wait\r\n", b"2"], ids=["lines", "bytes"])
    def test_a_server_that_drips_is_left_when_the_time_is_up(self, security: str, dripping: str, drop: bytes) -> None:
        script = Script(drip_at=dripping, drip=drop, security=security)
        with talking(script) as port:
            began = time.monotonic()
            channel = mailer(port, host="localhost", security=security, ca_file=LOOPBACK, total_s=0.5, timeout_s=0.4)
            with pytest.raises(DeliveryError, match="timed out") as caught:
                channel.send(notice())
            assert time.monotonic() - began < 1.5
        assert caught.value.permanent is False

    def test_a_dripping_server_does_not_hold_up_a_knock(self) -> None:
        began = time.monotonic()
        with talking(Script(drip_at="greeting")) as port, pytest.raises(DeliveryError, match="timed out"):
            mailer(port, total_s=0.3).knock()
        assert time.monotonic() - began < 1.5

    def test_a_handshake_that_never_ends(self) -> None:
        began = time.monotonic()
        with talking(Script(drip_at="greeting")) as port, pytest.raises(DeliveryError):
            mailer(port, security="tls", total_s=0.3).send(notice())
        silent = socket.create_server(("127.0.0.1", 0))
        with closing(silent), pytest.raises(DeliveryError, match="timed out"):
            mailer(silent.getsockname()[1], security="tls", total_s=0.3).send(notice())
        assert time.monotonic() - began < 1.5

    def test_an_answer_without_end_fills_no_memory(self) -> None:
        script = Script(drip_at="greeting", drip=b"220-" + b"x" * 900 + b"\r\n", every_s=0)
        with talking(script) as port, pytest.raises(DeliveryError, match="no end") as caught:
            mailer(port).send(notice())
        assert caught.value.permanent is False

    @pytest.mark.parametrize("dripping", ["QUIT", None])
    def test_once_the_message_is_taken_the_goodbye_is_short(
        self, dripping: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("alerts.email._GOODBYE_S", 0.2)
        script = Script(drip_at=dripping, silent_at="QUIT")
        with talking(script) as port:
            began = time.monotonic()
            mailer(port).send(notice())
            assert time.monotonic() - began < 1.5
        assert script.taken == 1

    def test_a_server_that_takes_the_message_too_slowly(self) -> None:
        script = Script(slow=True)
        began = time.monotonic()
        with talking(script) as port, pytest.raises(DeliveryError, match="timed out"):
            mailer(port, total_s=0.5, timeout_s=0.4).send(
                notice(message=b"From: a@b.example\r\n\r\n" + b"x" * 30_000_000)
            )
        assert time.monotonic() - began < 3

    def test_no_time_at_all_cannot_be_meant(self) -> None:
        for name in ("total_s", "timeout_s"):
            for value in (0, -1, float("nan")):
                with pytest.raises(AlertError, match="total_s"):
                    mailer(25, **{name: value})

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_encrypted_with_a_login(self, serve: Serve, security: str) -> None:
        inbox, port = serve(tls=security, login=security == "starttls")
        login = {"username": "watcher", "password": SECRET} if security == "starttls" else {}
        mailer(port, host="localhost", security=security, ca_file=LOOPBACK, **login).send(notice())
        assert len(inbox.taken) == 1

    def test_a_certificate_that_nobody_vouches_for_is_refused(self, serve: Serve) -> None:
        inbox, port = serve(tls="starttls")
        with pytest.raises(DeliveryError, match="certificate") as caught:
            mailer(port, security="starttls").send(notice())
        assert caught.value.permanent is False
        assert inbox.taken == []

    def test_starttls_is_never_done_without(self, serve: Serve) -> None:
        inbox, port = serve(tls="none")
        with pytest.raises(DeliveryError, match="STARTTLS"):
            mailer(port, security="starttls").send(notice())
        assert inbox.taken == []

    def test_a_server_that_requires_starttls_and_gets_none(self, serve: Serve) -> None:
        _, port = serve(tls="starttls")
        with pytest.raises(DeliveryError, match="530") as caught:
            mailer(port).send(notice())
        assert caught.value.permanent is False

    def test_a_refused_login_is_not_the_receivers_fault_and_keeps_the_password(self, serve: Serve) -> None:
        _, port = serve(login=True)
        with pytest.raises(DeliveryError, match="refuses the login") as caught:
            mailer(port, username="watcher", password="wr0ng-secret").send(notice())
        assert caught.value.permanent is False
        assert "wr0ng-secret" not in f"{caught.value!r} {caught.value.__cause__!r}"

    def test_a_password_that_cannot_be_sent_is_told_without_it(self, serve: Serve) -> None:
        _, port = serve(login=True)
        with pytest.raises(DeliveryError, match="ASCII") as caught:
            mailer(port, username="watcher", password="pässword").send(notice())
        assert "pässword" not in str(caught.value)

    def test_a_server_that_repeats_the_password_does_not_make_us_repeat_it(self, serve: Serve) -> None:
        inbox, port = serve(login=True)
        inbox.rcpt = f"451 odd {SECRET}"
        with pytest.raises(DeliveryError) as caught:
            mailer(port, username="watcher", password=SECRET).send(notice())
        assert SECRET not in str(caught.value)

    def test_no_password_in_the_clear_except_to_this_machine(self) -> None:
        with pytest.raises(AlertError, match="starttls"):
            mailer(25, host="mail.school.example", username="watcher", password=SECRET)
        for host in ("localhost", "127.0.0.1", "::1"):
            assert SECRET not in repr(mailer(25, host=host, username="watcher", password=SECRET))

    @pytest.mark.parametrize(
        "options", [{"security": "ssl"}, {"username": "watcher"}, {"password": SECRET}], ids=["security", "name", "pw"]
    )
    def test_settings_that_cannot_be_meant(self, options: dict[str, str]) -> None:
        with pytest.raises(AlertError) as caught:
            mailer(25, **options)
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize(
        "address", ["", "erin", "@school.example", "erin@school.example\r\nRCPT TO:<eve@evil.example>", "a b@c.example"]
    )
    def test_an_address_that_is_none(self, serve: Serve, address: str) -> None:
        inbox, port = serve()
        with pytest.raises(DeliveryError, match="address") as caught:
            mailer(port).send(notice(address=address))
        assert caught.value.permanent is True
        assert inbox.taken == []

    def test_an_international_domain(self, serve: Serve) -> None:
        inbox, port = serve()
        mailer(port).send(notice(address="erin@bücher.example"))
        assert inbox.taken[0].rcpt_tos == ["erin@xn--bcher-kva.example"]


class TestFolder:
    def test_a_repeat_is_the_same_file(self, tmp_path: Path) -> None:
        channel = FolderChannel(tmp_path / "a" / "outbox")
        channel.send(notice())
        channel.send(notice())
        channel.send(notice(id=notice_id("WT-7F3K", "erin", "more_severe", 1)))
        names = sorted(f.name for f in (tmp_path / "a" / "outbox").iterdir())
        assert len(names) == 2
        assert all(name.startswith("2026-11-20-WT-7F3K-headteacher-") and name.endswith(".eml") for name in names)

    def test_a_name_cannot_leave_the_folder(self) -> None:
        odd = file_name(notice(subject_of="../../etc/hillcrest/2026-W46", role="é\x00/..", id="<\ud800@x>"))
        assert "/" not in odd
        assert odd.isascii()
        assert odd.startswith("2026-11-20-etc-hillcrest-2026-W46-")

    def test_the_file_is_for_its_owner_and_can_be_read_as_mail(self, tmp_path: Path) -> None:
        FolderChannel(tmp_path).send(notice())
        [file] = tmp_path.glob("*.eml")
        assert file.stat().st_mode & 0o077 == 0
        mail = BytesParser(policy=policy.default).parsebytes(file.read_bytes())
        assert mail["Subject"] == "[Watcher] A matter (WT-7F3K)"
        assert b"\r\n" in file.read_bytes()

    def test_what_cannot_be_written_leaves_nothing_behind(self, tmp_path: Path) -> None:
        (tmp_path / file_name(notice())).mkdir()
        with pytest.raises(DeliveryError, match="outbox folder"):
            FolderChannel(tmp_path).send(notice())
        assert [f.name for f in tmp_path.iterdir()] == [file_name(notice())]


class TestRegistry:
    def test_every_known_channel_loads_by_name(self, tmp_path: Path) -> None:
        options: dict[str, dict[str, Any]] = {
            "folder": {"path": tmp_path},
            "email": {"host": "localhost", "port": 25, "security": "none"},
        }
        assert registry.known() == tuple(sorted(options))
        for name in registry.known():
            assert isinstance(registry.load(name, options[name]), Channel)

    def test_an_unknown_channel_lists_the_known(self) -> None:
        with pytest.raises(UnknownNameError, match="email, folder"):
            registry.load("pigeon")


class TestIds:
    def test_the_same_notice_has_the_same_id_and_no_other_has(self) -> None:
        assert notice_id("WT-1", "erin", "opened", 0) == notice_id("WT-1", "erin", "opened")
        others = {
            notice_id("WT-1", "erin", "opened"),
            notice_id("WT-1", "erin", "opened", 1),
            notice_id("WT-1", "dan", "opened"),
            notice_id("WT-1e", "rin", "opened"),
            notice_id("WT-1", "erin", "chased"),
        }
        assert len(others) == 5
        assert all("erin" not in i and i.isalnum() and i.isascii() for i in others)

    def test_a_domain_that_could_break_a_header_is_refused(self) -> None:
        assert message_id("abc", "bücher.example") == "<abc@xn--bcher-kva.example>"
        for domain in ("", "a b", "evil.example>\r\nBcc: x@y.example"):
            with pytest.raises(ValueError):
                message_id("abc", domain)
