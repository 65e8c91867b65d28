"""What owners have granted: sealed tokens with whose they are and until when, and the links that ask for them."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, select, text, update

from watcher.store import schema as t
from watcher.store.accounts import of_account
from watcher.store.engine import reading, writing
from watcher.store.write import put

# A link is good for so long, and once; what fails may be tried again, so often.
LINK_LIVES = timedelta(days=7)
TRIES = 10
# Who breaks off in the middle of a try holds up the next no longer: it is more than all that a try asks may take.
_TRY = timedelta(minutes=3)
# Whoever renews a token and breaks off holds up the others for no longer than this.
_LEASE = timedelta(seconds=60)
_LOCK = 0x746F_6B65_6E


@dataclass(frozen=True, kw_only=True)
class Token:
    """What an owner granted for one account; ``access`` and ``refresh`` are sealed."""

    account: str
    access: bytes = field(repr=False)
    refresh: bytes | None = field(default=None, repr=False)
    owner: str
    scopes: tuple[str, ...] = ()
    made_at: datetime
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    refreshed_at: datetime | None = None
    reminded: int | None = None


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """A link that was made for an account's owner; ``verifier`` is sealed, ``tries`` is how often it was tried."""

    account: str
    verifier: bytes = field(repr=False)
    redirect: str
    made_at: datetime
    tries: int = 0


class TokenShelf:
    """Keeps tokens and invitations."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, account: str) -> Token | None:
        """What was granted for an account, or ``None``."""
        with reading(self._engine) as connection:
            row = connection.execute(select(t.token).where(t.token.c.account == account)).first()
            return None if row is None else _token(row)

    def all(self) -> tuple[Token, ...]:
        """Everything that was granted, by account."""
        with reading(self._engine) as connection:
            return tuple(_token(row) for row in connection.execute(select(t.token).order_by(t.token.c.account)))

    def keep(self, token: Token, now: datetime, *, by: str | None = None) -> bool:
        """Write what was granted anew in place of what there was; the account is read at once.

        ``by`` is the state of the link by which it was granted, which is used up in the same transaction. Whether it
        was written: nothing is where that link was used already, or deleted.
        """
        with writing(self._engine) as connection:
            if by is not None:
                unused = (t.invitation.c.state == digest(by)) & t.invitation.c.used_at.is_(None)
                if connection.execute(update(t.invitation).where(unused).values(used_at=now)).rowcount != 1:
                    return False
            put(connection, t.token, ("account",), _row(token))
            connection.execute(update(t.account).where(of_account(token.account)).values(next_poll_at=now))
            return True

    def renew(self, old: Token, new: Token) -> bool:
        """Write a renewed token in one transaction, unless the row was replaced or deleted meanwhile."""
        same = (t.token.c.account == old.account) & (t.token.c.access == old.access)
        with writing(self._engine) as connection:
            return connection.execute(update(t.token).where(same).values(**_row(new))).rowcount == 1

    def reminded(self, token: Token, days: int) -> None:
        """Note how many days ahead the end of this token was announced."""
        same = (t.token.c.account == token.account) & (t.token.c.access == token.access)
        with writing(self._engine) as connection:
            connection.execute(update(t.token).where(same).values(reminded=days))

    def drop(self, account: str) -> bool:
        """Delete what was granted for an account, and its open links; whether there was anything."""
        with writing(self._engine) as connection:
            connection.execute(delete(t.invitation).where(t.invitation.c.account == account))
            return connection.execute(delete(t.token).where(t.token.c.account == account)).rowcount > 0

    # renewing is one's business at a time ----------------------------------------------------------------------------

    def claim(self, account: str, now: datetime) -> str | None:
        """Take the right to renew an account's token, as what gives it back; ``None`` where another process holds it.

        It holds for a minute at most.
        """
        key, lease = _lease(account), secrets.token_hex(16)
        with writing(self._engine) as connection:
            _alone(connection)
            at = connection.scalar(select(t.fact.c.at).where(t.fact.c.key == key))
            if at is not None and timedelta(0) <= now - at < _LEASE:
                return None
            put(connection, t.fact, ("key",), {"key": key, "value": {"lease": lease}, "at": now})
            return lease

    def release(self, account: str, lease: str) -> None:
        """Give the right to renew back; nothing is done where its minute was over and somebody else has taken it."""
        same = t.fact.c.key == _lease(account)
        with writing(self._engine) as connection:
            _alone(connection)
            held = connection.scalar(select(t.fact.c.value).where(same))
            if held is not None and held.get("lease") == lease:
                connection.execute(delete(t.fact).where(same))

    # links -----------------------------------------------------------------------------------------------------------

    def invite(self, state: str, invitation: Invitation) -> None:
        """Keep a link by the digest of its secret state: the database alone lets nobody use it."""
        values: dict[str, Any] = {
            "state": digest(state),
            "account": invitation.account,
            "verifier": invitation.verifier,
        }
        values |= {"redirect": invitation.redirect, "made_at": invitation.made_at, "used_at": None}
        with writing(self._engine) as connection:
            made = t.invitation.insert().values(**values, delete_after=invitation.made_at + LINK_LIVES)
            connection.execute(made)

    def invited(self, state: str, now: datetime) -> Invitation | None:
        """The link of that state where it may still be used; trying it is `take`."""
        with reading(self._engine) as connection:
            row = connection.execute(select(t.invitation).where(*_usable(state, now))).first()
            return None if row is None else _invitation(row)

    def take(self, state: str, now: datetime) -> Invitation | None:
        """Try a link: whoever comes first gets it, nobody else until it is put back; `keep` uses it up."""
        c = t.invitation.c
        free = c.tried_at.is_(None) | (c.tried_at <= now - _TRY) | (c.tried_at > now)
        with writing(self._engine) as connection:
            tried = update(t.invitation).where(*_usable(state, now), free).values(tries=c.tries + 1, tried_at=now)
            if connection.execute(tried).rowcount != 1:
                return None
            row = connection.execute(select(t.invitation).where(c.state == digest(state))).one()
            return _invitation(row)

    def put_back(self, state: str) -> None:
        """Let a link be tried again, because nothing was kept."""
        with writing(self._engine) as connection:
            same = t.invitation.c.state == digest(state)
            connection.execute(update(t.invitation).where(same).values(tried_at=None))


def digest(state: str) -> str:
    """What a link's state is kept as."""
    return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()


def _usable(state: str, now: datetime) -> tuple[Any, ...]:
    c = t.invitation.c
    young = c.made_at > now - LINK_LIVES, c.made_at <= now
    return c.state == digest(state), c.used_at.is_(None), c.tries < TRIES, *young


def _lease(account: str) -> str:
    return f"renewal:{digest(account)[:32]}"


def _alone(connection: Connection) -> None:
    """On PostgreSQL one claim at a time; SQLite's writing transactions are alone already."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def _row(token: Token) -> dict[str, Any]:
    return {
        "account": token.account,
        "access": token.access,
        "refresh": token.refresh,
        "owner": token.owner,
        "scopes": list(token.scopes),
        "made_at": token.made_at,
        "expires_at": token.expires_at,
        "refresh_expires_at": token.refresh_expires_at,
        "refreshed_at": token.refreshed_at,
        "reminded": token.reminded,
    }


def _token(row: Row[Any]) -> Token:
    values = dict(row._mapping)
    return Token(**values | {"access": bytes(row.access), "scopes": tuple(row.scopes)})


def _invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        account=row.account,
        verifier=bytes(row.verifier),
        redirect=row.redirect,
        made_at=row.made_at,
        tries=row.tries,
    )
