"""Mail over SMTP: the outcome of one attempt, told so that the outbox knows whether to try again."""

from __future__ import annotations

import io
import ipaddress
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any

from alerts.errors import AlertError, DeliveryError
from alerts.notice import Notice

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

SECURITIES = ("none", "starttls", "tls")
# The answers with which a server may say that a mailbox does not exist or is closed for good.
_NO_MAILBOX = (550, 551, 553)
_LOGIN_FIRST, _FULL, _REFUSED = (530, 535), (452, 552), 554
# The status that says what is wrong: at the beginning, or in brackets or after a hash as older servers write it.
_STATUS = re.compile(r"(?:^|[\[(#])\s*([245]\.\d{1,3}\.\d{1,3})\b(?!\.\d)")
# 5.1: something is wrong with an address (7 to 9: with the sender's, or on the way); 5.2.1: the mailbox is disabled.
_MAILBOX_STATUS = re.compile(r"5\.1\.(?![789]$)\d+|5\.2\.1")
_MAILBOX_WORDS = re.compile(
    r"no such (?:user|mailbox|recipient|address|person)|(?:unknown|invalid) (?:user|recipient|mailbox|local.part)"
    r"|(?:user|recipient|mailbox|account|address) (?:is )?(?:unknown|not found|unavailable|disabled|inactive|suspended)"
    r"|(?:does not|doesn.t) exist|disabled",
    re.IGNORECASE,
)
# Words by which an answer speaks of us, whatever else it says.
_RELAY = re.compile(r"\brelay|\bsender\b", re.IGNORECASE)
_LOGIN = re.compile(r"\bauth\b|\bauthenticat|\blog.?in\b", re.IGNORECASE)
_DISTRUST = re.compile(
    r"spam|virus|block|black.?list|polic|reputation|\bspf\b|dkim|dmarc|denied|banned|\bdns|\brbl\b|\bip\b|client host",
    re.IGNORECASE,
)
# What the operator should look at, by the kind of answer.
_SEE_LOGIN = "it wants a login: check username, password and security"
_SEE_RELAY = "it does not carry our mail there: check the sender, the login, and that host and port are your own server"
_SEE_FULL = "the mailbox is full or takes no more: ask the receiver to make room"
_SEE_TRUST = "it mistrusts our mail: check the sender's SPF, DKIM and DMARC, block lists, and the mail server's log"
_SEE_LOG = "look into the mail server's log"
# An answer longer than this has no end; a goodbye gets this many seconds, for the message is taken by then.
_ANSWER = 100_000
_GOODBYE_S = 2.0


@dataclass(frozen=True, kw_only=True)
class EmailChannel:
    """Hands notices to one mail server; every attempt is a connection of its own.

    ``security`` is ``starttls`` (refused if the server does not offer it), ``tls`` from the first byte, or ``none``;
    ``ca_file`` names a PEM file where the server's certificate comes from an authority of your own. ``sender`` is
    the address to which failures come back; without it the one in the message's From line. ``timeout_s`` is how
    many seconds the server may be silent, ``total_s`` how many a whole delivery may take, however busy the server
    seems (finding the server's address by its name comes before and is bounded by the machine's own resolver).

    Raises:
        AlertError: a password would cross the network in the clear, or a setting cannot be meant.
    """

    host: str
    port: int
    security: str = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sender: str | None = None
    ca_file: str | None = None
    timeout_s: float = 30.0
    total_s: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what could not be safe, before the first message waits."""
        if self.security not in SECURITIES:
            raise AlertError(f"security {self.security!r} is not one of {', '.join(SECURITIES)}")
        if not (self.timeout_s > 0 and self.total_s > 0):
            raise AlertError("timeout_s and total_s are seconds and must be more than 0")
        if bool(self.username) != bool(self.password):
            raise AlertError("a login needs both username and password; give both or neither")
        if self.password and self.security == "none" and not _is_loopback(self.host):
            raise AlertError(f'the password would go to {self.host} unencrypted; write security = "starttls" or "tls"')

    def send(self, notice: Notice) -> None:
        """Hand the finished message to the server, byte for byte.

        Raises:
            DeliveryError: not taken; ``permanent`` only where the server refused this receiver for good.
        """
        receiver = _plain_address(notice.address)
        sender = self.sender or _from_line(notice.message)
        try:
            with self._connected() as server:
                server.sendmail(sender, [receiver], notice.message)
        except smtplib.SMTPRecipientsRefused as error:
            raise self._refused(receiver, *error.recipients[receiver]) from error
        except smtplib.SMTPDataError as error:
            raise self._later("did not take the message", error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPSenderRefused as error:
            raise self._later(f"refuses the sender {sender}", error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPResponseException as error:
            raise self._later("does not let us in", error.smtp_code, error.smtp_error) from error
        except (OSError, UnicodeError) as error:
            raise self._unusable(error) from error

    def knock(self) -> str:
        """Connect, encrypt and log in as for a message, and hang up.

        Raises:
            DeliveryError: the server cannot be used now.
        """
        try:
            with self._connected():
                return f"mail server {self.host}:{self.port} lets us in"
        except smtplib.SMTPResponseException as error:
            raise self._later("does not let us in", error.smtp_code, error.smtp_error) from error
        except (OSError, UnicodeError) as error:
            raise self._unusable(error) from error

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        """A connection, encrypted and logged in as far as the settings ask for it, and closed whatever happens."""
        context = ssl.create_default_context(cafile=self.ca_file) if self.security != "none" else None
        patience = _Patience(self.timeout_s, self.total_s)
        if self.security == "tls":
            server: smtplib.SMTP = _PatientTls(self.host, self.port, patience=patience, context=context)
        else:
            server = _Patient(self.host, self.port, patience=patience)
        try:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.username and self.password:
                self._login(server, self.username, self.password)
            yield server
        finally:
            # The message is taken or it is not: a server that is rude or slow at goodbye changes nothing.
            patience.end_within(_GOODBYE_S)
            with suppress(OSError):
                server.quit()
            server.close()

    def _login(self, server: smtplib.SMTP, username: str, password: str) -> None:
        # Servers may repeat what they were sent, so neither their words nor the library's error go any further.
        try:
            server.login(username, password)
        except UnicodeError:
            raise self._unusable("username or password is not plain ASCII") from None
        except smtplib.SMTPAuthenticationError as error:
            raise self._unusable(f"it refuses the login ({error.smtp_code}): check username and password") from None
        except smtplib.SMTPNotSupportedError:
            raise self._unusable("it offers no login: remove username and password, or check host and port") from None

    def _refused(self, receiver: str, code: int, answer: bytes | str) -> DeliveryError:
        """What a refusal of the receiver means: for good only where it plainly says that there is no such mailbox."""
        said = self._said(code, answer)
        # The address itself may hold any word, and says nothing of why.
        if _no_such_mailbox(code, said.replace(receiver, "")):
            what = f"mail server {self.host} knows no such mailbox, or has closed it (correct the address): {said}"
            return DeliveryError(what, permanent=True)
        return self._later("did not take the receiver now", code, answer)

    def _later(self, what: str, code: int, answer: bytes | str) -> DeliveryError:
        """A refusal that may end: what it was, the server's words, and what to look at."""
        said = self._said(code, answer)
        return DeliveryError(
            f"mail server {self.host}:{self.port} {what}: {said} – {_look_at(code, said)}", permanent=False
        )

    def _unusable(self, why: Exception | str) -> DeliveryError:
        words = why if isinstance(why, str) else _reason(why)
        return DeliveryError(f"mail server {self.host}:{self.port} could not be used: {words}", permanent=False)

    def _said(self, code: int, answer: bytes | str) -> str:
        """The server's answer as one short line, without the password."""
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return f"{code} {line.replace(self.password, '…') if self.password else line}"[:300]


class _Patience:
    """How long a delivery may still take, and how long a server may be silent meanwhile."""

    def __init__(self, silence_s: float, total_s: float) -> None:
        self._silence_s = silence_s
        self._total_s = total_s
        self._end = time.monotonic() + total_s

    def end_within(self, seconds: float) -> None:
        """Bring the end nearer."""
        self._end = min(self._end, time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds until the next answer must have come.

        Raises:
            TimeoutError: the whole has taken too long.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"timed out: not done within {self._total_s:g} s")
        return min(left, self._silence_s)


class _Answers(io.RawIOBase):
    """What the server says, read with as much time as is left at each reading."""

    def __init__(self, sock: socket.socket, patience: _Patience) -> None:
        super().__init__()
        self._sock = sock
        self._patience = patience
        self.room = _ANSWER

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._sock.settimeout(self._patience.left())
        try:
            size = self._sock.recv_into(buffer)
        except TimeoutError:
            # Which time is up: that of the whole, or that of one silence?
            self._patience.left()
            raise
        self.room -= size
        if self.room < 0:
            raise OSError("the server's answer has no end")
        return size


class _Patient(smtplib.SMTP):
    """SMTP of which every step, and all of them together, have an end."""

    def __init__(self, host: str, port: int, *, patience: _Patience, **options: Any) -> None:
        self._patience = patience
        self._answers: _Answers | None = None
        super().__init__(host, port, timeout=patience.left(), **options)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        failed: OSError = OSError("the host's name has no address")
        for *_, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            try:
                return socket.create_connection((str(address[0]), port), self._patience.left())
            except OSError as error:
                failed = error
        raise failed

    def getreply(self) -> tuple[int, bytes]:
        """The server's next answer."""
        if self.file is None and self.sock is not None:
            self._answers = _Answers(self.sock, self._patience)
            self.file = io.BufferedReader(self._answers)
        if self._answers is not None:
            self._answers.room = _ANSWER
        answer = super().getreply()
        if self.sock is not None:
            # What may come next is a handshake, which takes the socket's own time.
            self.sock.settimeout(self._patience.left())
        return answer

    def send(self, s: ReadableBuffer | str) -> None:
        """Hand all of it to the server, a part at a time."""
        rest = memoryview(s.encode(self.command_encoding) if isinstance(s, str) else s)
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        try:
            while rest:
                self.sock.settimeout(self._patience.left())
                rest = rest[self.sock.send(rest) :]
        except OSError:
            self.close()
            raise


class _PatientTls(smtplib.SMTP_SSL, _Patient):
    """The same, encrypted from the first byte."""

    def __init__(self, host: str, port: int, *, patience: _Patience, context: ssl.SSLContext | None) -> None:
        self._patience = patience
        self._answers = None
        smtplib.SMTP_SSL.__init__(self, host, port, timeout=patience.left(), context=context)


def _no_such_mailbox(code: int, said: str) -> bool:
    if code not in _NO_MAILBOX or _RELAY.search(said):
        return False
    status = _STATUS.search(said[4:])
    if status:
        return _MAILBOX_STATUS.fullmatch(status[1]) is not None
    return _MAILBOX_WORDS.search(said) is not None and not (_DISTRUST.search(said) or _LOGIN.search(said))


def _look_at(code: int, said: str) -> str:
    """What the operator should look at, for an answer in the server's words."""
    status = _STATUS.search(said[4:])
    of = status[1][2:] if status else ""
    if code in _LOGIN_FIRST or _LOGIN.search(said):
        return _SEE_LOGIN
    if _RELAY.search(said):
        return _SEE_RELAY
    if of == "2.2" or (code in _FULL and not of):
        return _SEE_FULL
    if of.startswith("7.") or _DISTRUST.search(said) or (code == _REFUSED and not of):
        return _SEE_TRUST
    return _SEE_LOG


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"


def _plain_address(address: str) -> str:
    """The address as every mail server understands it: the domain in ASCII, no room for a second command."""
    local, at, domain = address.rpartition("@")
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode("ascii")
    plain = f"{local}{at}{domain}"
    if not (local and domain and plain.isascii() and plain.isprintable()) or re.search(r"[\s<>]", plain):
        raise DeliveryError("the receiver's address is not one that mail can be sent to; correct it", permanent=True)
    return plain


def _from_line(message: bytes) -> str:
    headers = BytesHeaderParser(policy=policy.default).parsebytes(message)
    return parseaddr(str(headers.get("From", "")))[1]
