"""The tables, and the column types that keep times in UTC and any text storable on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator


class UtcTime(TypeDecorator[datetime]):
    """An aware time in UTC; SQLite keeps it without its zone and gets it back here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC, on SQLite without the zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time needs a zone before it is stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Back to an aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class AnyText(TypeDecorator[str]):
    """Text in which NUL and lone surrogates, which PostgreSQL refuses, are written as escapes."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Escape what could not be stored."""
        if value is None:
            return None
        return value.replace("\0", "\\u0000").encode("utf-8", "backslashreplace").decode()


class Json(TypeDecorator[Any]):
    """Plain values as ASCII JSON in a text column: holds every code point on both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """To JSON, keys sorted, so that equal values are equal texts."""
        return None if value is None else json.dumps(value, sort_keys=True)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Back to plain values."""
        return None if value is None else json.loads(value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True, autoincrement=True)


def _owner(name: str, target: str, *, nullable: bool = False) -> Column[Any]:
    return Column(name, ForeignKey(f"{target}.id", ondelete="CASCADE"), nullable=nullable, index=True)


def _dated() -> Column[datetime]:
    """Every row that holds personal data says at insert when it is to go."""
    return Column("delete_after", UtcTime, nullable=False, index=True)


def _waiting(table: str, column: str, condition: str) -> Index:
    """A partial index: a verb finds what waits for it without reading what is done."""
    where = text(condition)
    return Index(f"ix_{table}_waiting", column, sqlite_where=where, postgresql_where=where)


# Only what somebody is told of is explained.
UNEXPLAINED = "explained_at IS NULL AND withdrawn_at IS NULL AND incident IS NOT NULL"

# Schools, trusts, people, holdings and absences, as nouns in JSON; ``kept_by`` names the file and key that keeps a row.
entry = Table(
    "entry",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("body", Json, nullable=False),
    Column("kept_by", Text, nullable=False),
    _dated(),
)

account = Table(
    "account",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("school", String(200), index=True),
    Column("platform", String(40), nullable=False),
    Column("body", Json, nullable=False),
    Column("kept_by", Text, nullable=False),
    Column("every_s", Integer, nullable=False),
    Column("added_at", UtcTime, nullable=False),
    Column("cursor", Text),
    Column("next_poll_at", UtcTime, nullable=False, index=True),
    Column("last_attempt_at", UtcTime),
    Column("last_success_at", UtcTime),
    Column("failures", Integer, nullable=False, default=0),
    Column("last_error", AnyText),
    Column("permanent", Boolean, nullable=False, default=False),
    Column("blind_since", UtcTime),
    Column("retired_at", UtcTime),
)

gap = Table(
    "gap",
    metadata,
    _id(),
    Column("account", String(200), nullable=False, index=True),
    Column("start", UtcTime),
    Column("end", UtcTime),
    Column("why", AnyText, nullable=False),
    Column("at", UtcTime, nullable=False),
    _dated(),
)

oddity = Table(
    "oddity",
    metadata,
    _id(),
    Column("account", String(200), nullable=False, index=True),
    Column("sha256", String(64), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("why", AnyText, nullable=False),
    Column("at", UtcTime, nullable=False),
    _dated(),
    UniqueConstraint("account", "sha256"),
)

post = Table(
    "post",
    metadata,
    _id(),
    Column("platform", String(40), nullable=False),
    Column("origin", AnyText, nullable=False),
    Column("post_id", AnyText, nullable=False),
    Column("thread", AnyText),
    Column("official", Boolean, nullable=False),
    Column("first_seen_at", UtcTime, nullable=False),
    _dated(),
    UniqueConstraint("platform", "origin", "post_id"),
)

version = Table(
    "version",
    metadata,
    _id(),
    _owner("post", "post"),
    Column("digest", String(64), nullable=False),
    Column("body", Json, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("seen_at", UtcTime, nullable=False),
    Column("read_by", Text),
    Column("tries", Integer, nullable=False, default=0),
    _dated(),
    UniqueConstraint("post", "digest"),
    _waiting("version", "id", "read_by IS NULL"),
)

# Which account brought which version: a post may be brought by the searches of several schools.
sighting = Table(
    "sighting",
    metadata,
    _id(),
    _owner("version", "version"),
    Column("account", String(200), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("matched_at", UtcTime),
    _dated(),
    UniqueConstraint("version", "account"),
    _waiting("sighting", "version", "matched_at IS NULL"),
)

verdict = Table(
    "verdict",
    metadata,
    _id(),
    _owner("version", "version"),
    Column("classifier", String(100), nullable=False),
    Column("model_version", String(100), nullable=False),
    Column("body", Json, nullable=False),
    # The stretches that moved the labels, measured for what is flagged; NULL where that was not done.
    Column("moved", Json),
    Column("unread", String(40), index=True),
    Column("at", UtcTime, nullable=False),
    _dated(),
    UniqueConstraint("version", "classifier", "model_version"),
)

mention = Table(
    "mention",
    metadata,
    _id(),
    _owner("version", "version"),
    Column("school", String(200), nullable=False),
    Column("relevance", String(10), nullable=False),
    Column("reason", AnyText, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("judged_at", UtcTime),
    Column("judged_pack", String(200)),
    _dated(),
    UniqueConstraint("version", "school"),
    Index("ix_mention_school_at", "school", "at"),
    _waiting("mention", "version", "judged_at IS NULL"),
)

answer = Table(
    "answer",
    metadata,
    _id(),
    _owner("mention", "mention"),
    Column("question", String(40), nullable=False),
    Column("value", AnyText, nullable=False),
    Column("by", AnyText, nullable=False),
    Column("at", UtcTime, nullable=False),
    _dated(),
)

# What a person said of a label on one post version, where the school has agreed that it be kept. It hangs on the
# mention, and so goes with the post and with the school; of the post and its author it holds nothing.
correction = Table(
    "correction",
    metadata,
    _id(),
    _owner("mention", "mention"),
    Column("label", String(40), nullable=False),
    Column("decision", String(20), nullable=False),
    Column("by", AnyText, nullable=False),
    Column("at", UtcTime, nullable=False),
    _dated(),
    UniqueConstraint("mention", "label"),
)

incident = Table(
    "incident",
    metadata,
    _id(),
    Column("reference", String(20), nullable=False, unique=True),
    Column("school", String(200), nullable=False),
    Column("state", String(20), nullable=False),
    Column("concerns", Json, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("recipients", Json, nullable=False),
    Column("about", Text),
    Column("accused", Json, nullable=False),
    Column("targets", Json, nullable=False),
    Column("account", String(200)),
    Column("opened_at", UtcTime, nullable=False),
    Column("last_flag_at", UtcTime, nullable=False),
    Column("posts", Integer, nullable=False),
    Column("news", Json, nullable=False),
    Column("plan_due", Boolean, nullable=False),
    _dated(),
    Index("ix_incident_last_flag_at", "last_flag_at", "reference"),
    Index("ix_incident_school_last_flag_at", "school", "last_flag_at"),
    _waiting("incident", "id", "plan_due"),
)

# The fingerprints of what is open; they go when the incident closes, so that nothing joins it any more.
fingerprint = Table(
    "fingerprint",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("incident", ForeignKey("incident.id", ondelete="CASCADE"), primary_key=True, index=True),
)

flag = Table(
    "flag",
    metadata,
    _id(),
    _owner("mention", "mention"),
    Column("pack", String(100), nullable=False),
    Column("pack_version", String(40), nullable=False),
    Column("rule", String(100), nullable=False),
    Column("input", String(64), nullable=False),
    Column("concern", String(40), nullable=False),
    Column("body", Json, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("withdrawn_at", UtcTime),
    Column("withdrawn_why", AnyText),
    Column("grouped_at", UtcTime),
    Column("explained_at", UtcTime),
    _owner("incident", "incident", nullable=True),
    _dated(),
    UniqueConstraint("mention", "pack", "pack_version", "rule", "input"),
    _waiting("flag", "id", "grouped_at IS NULL AND withdrawn_at IS NULL"),
    Index("ix_flag_unexplained", "id", sqlite_where=text(UNEXPLAINED), postgresql_where=text(UNEXPLAINED)),
)

event = Table(
    "event",
    metadata,
    _id(),
    _owner("incident", "incident"),
    Column("at", UtcTime, nullable=False),
    Column("what", String(40), nullable=False),
    Column("detail", AnyText, nullable=False),
    _dated(),
)

notice = Table(
    "notice",
    metadata,
    Column("id", String(200), primary_key=True),
    _owner("incident", "incident", nullable=True),
    Column("subject_of", String(200), nullable=False),
    Column("receiver", AnyText, nullable=False),
    Column("address", AnyText, nullable=False),
    Column("role", String(40), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("state", String(10), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("sent_at", UtcTime),
    Column("retry_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", AnyText),
    _dated(),
    UniqueConstraint("subject_of", "receiver", "reason", "sequence"),
    _waiting("notice", "retry_at", "state = 'pending'"),
)

# Counts for pages and digests, changed by difference in the transaction that changes what they count.
rollup = Table(
    "rollup",
    metadata,
    Column("school", String(200), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("what", String(60), primary_key=True),
    Column("n", Integer, nullable=False),
)

# One value a key: when the service last ticked, when the last purge ran and what it deleted.
fact = Table(
    "fact",
    metadata,
    Column("key", String(100), primary_key=True),
    Column("value", Json, nullable=False),
    Column("at", UtcTime, nullable=False),
)
