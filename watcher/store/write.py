"""The few ways in which a row is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_once(connection: Connection, table: Table, values: Mapping[str, Any]) -> Any:
    """Insert a row unless an equal key is there; the new row's ``id``, or ``None`` where it was there already."""
    statement = _insert(connection, table).values(**values).on_conflict_do_nothing()
    if "id" not in table.c:
        return 1 if connection.execute(statement).rowcount > 0 else None
    return connection.execute(statement.returning(table.c.id)).scalar()


def put(connection: Connection, table: Table, key: Sequence[str], values: Mapping[str, Any]) -> None:
    """Insert a row, or give the row of the same key the new values."""
    statement = _insert(connection, table).values(**values)
    new = {name: value for name, value in values.items() if name not in key}
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=new))


def put_all(connection: Connection, table: Table, key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """``put`` for many rows, all with the same columns and none twice with the same key, in one statement."""
    if not rows:
        return
    statement = _insert(connection, table)
    new = {name: statement.excluded[name] for name in rows[0] if name not in key}
    written = statement.on_conflict_do_update(index_elements=list(key), set_=new)
    connection.execute(written, [dict(row) for row in rows])


def add(connection: Connection, table: Table, key: Mapping[str, Any], column: str, difference: int) -> None:
    """Change a counter by a difference, making it where there is none."""
    statement = _insert(connection, table).values(**key, **{column: difference})
    changed = {column: table.c[column] + difference}
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=changed))


def _insert(connection: Connection, table: Table) -> Any:
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)
