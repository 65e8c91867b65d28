"""Asks a mailbox by IMAP whether one mail has arrived; reads nothing else and changes nothing."""

from __future__ import annotations

import imaplib
import re
import ssl

from watcher.config import Imap
from watcher.errors import ConfigError, MailboxError

# A Message-ID goes into a command between quotes: what could end them never gets there.
_SOUND = re.compile(r"<[A-Za-z0-9.@_+-]+>")


def has_arrived(mailbox: Imap, mail: str) -> bool:
    """Whether a mail with this Message-ID lies in the mailbox's folder.

    Raises:
        MailboxError: the mailbox cannot be asked; it says why.
    """
    if not _SOUND.fullmatch(mail):
        raise MailboxError("the mail's own id cannot be searched for")
    try:
        password = mailbox.password.read("probe.imap.password")
        with _open(mailbox) as server:
            server.login(mailbox.username, password)
            status, _ = server.select(f'"{mailbox.folder}"', readonly=True)
            if status != "OK":
                raise MailboxError(f"there is no folder {mailbox.folder!r} in it")
            _, found = server.search(None, "HEADER", "Message-ID", f'"{mail}"')
            return bool(found and found[0] and found[0].split())
    except (imaplib.IMAP4.error, OSError, UnicodeError) as error:
        raise MailboxError(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
    except ConfigError as error:
        raise MailboxError(str(error)) from error


def _open(mailbox: Imap) -> imaplib.IMAP4:
    if mailbox.security == "tls":
        context = ssl.create_default_context()
        return imaplib.IMAP4_SSL(mailbox.host, mailbox.port, ssl_context=context, timeout=mailbox.timeout_s)
    return imaplib.IMAP4(mailbox.host, mailbox.port, timeout=mailbox.timeout_s)
