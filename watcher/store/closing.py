"""The table of closed matters that somebody in charge of safeguarding has opened for a limited time."""

from __future__ import annotations

from sqlalchemy import Column, String, Table

from watcher.store.column import AnyText, UtcTime, dated, metadata, number, owner

# A matter that is closed to the IT provider, shown to them until then: it ends by itself.
opening = Table(
    "opening",
    metadata,
    number(),
    owner("incident", "incident"),
    Column("role", String(40), nullable=False),
    Column("by", AnyText, nullable=False),
    Column("why", AnyText, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("until", UtcTime, nullable=False, index=True),
    dated(),
)
