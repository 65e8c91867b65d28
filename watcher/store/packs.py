"""The schools' own policy files as they were last accepted, and what was refused since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Engine, String, Table, Text, select, update

from watcher.store.column import AnyText, UtcTime, metadata
from watcher.store.engine import reading, writing
from watcher.store.write import put

# One row a pack: of a shipped one only when its review was last announced.
pack = Table(
    "pack",
    metadata,
    Column("name", AnyText, primary_key=True),
    Column("version", String(40), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("body", AnyText, nullable=False),
    Column("accepted_at", UtcTime, nullable=False),
    Column("refused", AnyText),
    Column("refused_at", UtcTime),
    Column("reminded", Text),
)


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A pack's text as it was last accepted, and why a newer one was refused, if it was."""

    name: str
    version: str
    digest: str
    body: str
    accepted_at: datetime
    refused: str | None = None
    refused_at: datetime | None = None


class PackShelf:
    """Keeps accepted packs by the name that the settings give them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def get(self, name: str) -> Accepted | None:
        """A pack as it was last accepted, or ``None``."""
        with reading(self._engine) as connection:
            row = connection.execute(select(pack).where(pack.c.name == name)).first()
            return None if row is None else _accepted(row)

    def refused(self) -> tuple[Accepted, ...]:
        """The packs whose newest text was refused, by name."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(pack).where(pack.c.refused.is_not(None)).order_by(pack.c.name))
            return tuple(_accepted(row) for row in rows)

    def accept(self, name: str, version: str, digest: str, body: str, now: datetime) -> None:
        """Keep a text that is in force from now on; nothing is refused any more."""
        new = {"name": name, "version": version, "digest": digest, "body": body}
        with writing(self._engine) as connection:
            old = connection.execute(select(pack).where(pack.c.name == name)).first()
            same = old is not None and (old.digest, old.body) == (digest, body)
            at = old.accepted_at if old is not None and same else now
            put(connection, pack, ("name",), new | {"accepted_at": at, "refused": None, "refused_at": None})

    def refuse(self, name: str, why: str, now: datetime) -> None:
        """Note that the newest text of an accepted pack is refused, since when it first was."""
        with writing(self._engine) as connection:
            known = (pack.c.name == name) & (pack.c.refused.is_(None))
            connection.execute(update(pack).where(known).values(refused_at=now))
            connection.execute(update(pack).where(pack.c.name == name).values(refused=why))

    def forget(self, names: tuple[str, ...]) -> None:
        """End the refusal of packs that no school uses any more."""
        with writing(self._engine) as connection:
            changed = update(pack).where(pack.c.name.in_(names)).values(refused=None, refused_at=None)
            connection.execute(changed)

    def reminded(self, name: str) -> str | None:
        """What was last announced of a pack's review, or ``None``."""
        with reading(self._engine) as connection:
            return connection.scalar(select(pack.c.reminded).where(pack.c.name == name))

    def remind(self, name: str, version: str, digest: str, said: str, now: datetime) -> None:
        """Note what was announced of a pack's review."""
        with writing(self._engine) as connection:
            if connection.scalar(select(pack.c.name).where(pack.c.name == name)) is None:
                new = {"name": name, "version": version, "digest": digest, "body": "", "accepted_at": now}
                put(connection, pack, ("name",), new)
            connection.execute(update(pack).where(pack.c.name == name).values(reminded=said))


def _accepted(row: object) -> Accepted:
    keys = ("name", "version", "digest", "body", "accepted_at", "refused", "refused_at")
    return Accepted(**{key: getattr(row, key) for key in keys})
