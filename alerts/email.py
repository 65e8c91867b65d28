"""Mail over SMTP: the outcome of one attempt, told so that the outbox knows whether to try again."""

from __future__ import annotations

import ipaddress
import re
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email import policy
from email.parser import BytesHeaderParser
from email.utils import parseaddr

from alerts.errors import AlertError, DeliveryError
from alerts.notice import Notice

SECURITIES = ("none", "starttls", "tls")
# Answers that speak of us and not of the receiver: bad sequence, log in first, login refused.
_OUR_FAULT = (503, 530, 535)
_PERMANENT_FROM = 500


@dataclass(frozen=True, kw_only=True)
class EmailChannel:
    """Hands notices to one mail server; every attempt is a connection of its own.

    ``security`` is ``starttls`` (refused if the server does not offer it), ``tls`` from the first byte, or ``none``;
    ``ca_file`` names a PEM file where the server's certificate comes from an authority of your own. ``sender`` is
    the address to which failures come back; without it the one in the message's From line. ``timeout_s`` is how
    many seconds the server may be silent.

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

    def __post_init__(self) -> None:
        """Refuse what could not be safe, before the first message waits."""
        if self.security not in SECURITIES:
            raise AlertError(f"security {self.security!r} is not one of {', '.join(SECURITIES)}")
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
            server = self._connect()
            try:
                server.sendmail(sender, [receiver], notice.message)
            finally:
                # The message is taken or it is not: a server that is rude at goodbye changes nothing.
                with suppress(OSError):
                    server.quit()
        except smtplib.SMTPRecipientsRefused as error:
            raise self._refused(*error.recipients[receiver]) from error
        except smtplib.SMTPDataError as error:
            raise self._refused(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPSenderRefused as error:
            said = self._said(error.smtp_code, error.smtp_error)
            raise self._later(f"refuses the sender {sender}: {said}") from error
        except smtplib.SMTPResponseException as error:
            raise self._later(f"answered {self._said(error.smtp_code, error.smtp_error)}") from error
        except OSError as error:
            raise self._later(f"could not be used: {_reason(error)}") from error

    def knock(self) -> str:
        """Connect, encrypt and log in as for a message, and hang up.

        Raises:
            DeliveryError: the server cannot be used now.
        """
        try:
            server = self._connect()
        except smtplib.SMTPResponseException as error:
            raise self._later(f"answered {self._said(error.smtp_code, error.smtp_error)}") from error
        except OSError as error:
            raise self._later(f"could not be used: {_reason(error)}") from error
        with suppress(OSError):
            server.quit()
        return f"mail server {self.host}:{self.port} lets us in"

    def _connect(self) -> smtplib.SMTP:
        """A connection, encrypted and logged in as far as the settings ask for it."""
        context = ssl.create_default_context(cafile=self.ca_file) if self.security != "none" else None
        if self.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout_s, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout_s)
        try:
            if self.security == "starttls":
                server.starttls(context=context)
            if self.username and self.password:
                self._login(server, self.username, self.password)
        except BaseException:
            server.close()
            raise
        return server

    def _login(self, server: smtplib.SMTP, username: str, password: str) -> None:
        # Servers may repeat what they were sent, so neither their words nor the library's error go any further.
        try:
            server.login(username, password)
        except UnicodeError:
            raise self._later("cannot be logged in to: username or password is not plain ASCII") from None
        except smtplib.SMTPAuthenticationError as error:
            raise self._later(f"refuses the login ({error.smtp_code}): check username and password") from None
        except smtplib.SMTPNotSupportedError:
            raise self._later("offers no login: remove username and password, or check host and port") from None

    def _refused(self, code: int, answer: bytes | str) -> DeliveryError:
        """What a refusal of the receiver, or of the message for the receiver, means for the next attempt."""
        said = self._said(code, answer)
        ours = code in _OUR_FAULT or re.search(r"\brelay", said, re.IGNORECASE) is not None
        if code >= _PERMANENT_FROM and not ours:
            return DeliveryError(f"mail server {self.host} refuses the receiver for good: {said}", permanent=True)
        return self._later(f"did not take the message: {said}")

    def _later(self, what: str) -> DeliveryError:
        return DeliveryError(f"mail server {self.host}:{self.port} {what}", permanent=False)

    def _said(self, code: int, answer: bytes | str) -> str:
        """The server's answer as one short line, without the password."""
        text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
        line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return f"{code} {line.replace(self.password, '…') if self.password else line}"[:300]


def _reason(error: OSError) -> str:
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
