"""How Alembic reaches the database: over the connection that the store hands it, or that a developer names."""

from __future__ import annotations

import os

from alembic import context
from sqlalchemy import Connection

from watcher.store.engine import connect
from watcher.store.schema import metadata


def run() -> None:
    """Run the migrations on the given connection, or on ``WATCHER_DATABASE__URL`` for ``alembic revision``."""
    connection = context.config.attributes.get("connection")
    if connection is None:
        with connect(os.environ["WATCHER_DATABASE__URL"]).connect() as made:
            _migrate(made)
        return
    _migrate(connection)


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


run()
