"""The tables of following up: what persons ruled, who was heard in a matter, and who was not told yet and why."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Integer, String, Table, UniqueConstraint

from watcher.store.column import AnyText, UtcTime, dated, metadata, number, owner

# What somebody split or merged by hand: it holds for good, whatever the fingerprints say.
ruling = Table(
    "ruling",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("mark", String(60), nullable=False, index=True),
    Column("apart", Boolean, nullable=False),
    Column("at", UtcTime, nullable=False),
)

# Who was heard in a matter, as a digest, and in how many posts: it goes with the matter.
voice = Table(
    "voice",
    metadata,
    Column("incident", ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True),
    Column("key", String(40), primary_key=True),
    Column("posts", Integer, nullable=False),
)

# Who was not told of some news of a matter yet, by which reason, and until when.
untold = Table(
    "untold",
    metadata,
    number(),
    owner("incident", "incident"),
    Column("person", AnyText, nullable=False),
    Column("role", String(40), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("until", UtcTime, nullable=False),
    Column("at", UtcTime, nullable=False),
    dated(),
    UniqueConstraint("incident", "person", "reason", "sequence"),
)
