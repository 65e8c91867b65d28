"""Column types that keep times in UTC and any text storable on both databases, and the columns many tables share."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, Dialect, ForeignKey, Index, Integer, MetaData, Text, text
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


def number() -> Column[int]:
    """A row's number, given by the database."""
    return Column("id", Integer, primary_key=True, autoincrement=True)


def owner(name: str, target: str, *, nullable: bool = False) -> Column[Any]:
    """The row of another table that this one belongs to, and goes with."""
    return Column(name, ForeignKey(f"{target}.id", ondelete="CASCADE"), nullable=nullable, index=True)


def dated() -> Column[datetime]:
    """Every row that holds personal data says at insert when it is to go."""
    return Column("delete_after", UtcTime, nullable=False, index=True)


def waiting(table: str, column: str, condition: str) -> Index:
    """A partial index: a verb finds what waits for it without reading what is done."""
    where = text(condition)
    return Index(f"ix_{table}_waiting", column, sqlite_where=where, postgresql_where=where)
