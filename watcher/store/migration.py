"""Brings a database from any earlier version to this one, by Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from watcher.errors import StoreError

_FOLDER = Path(__file__).parent / "migrations"

Standing = Literal["missing", "empty", "older", "current", "newer"]


def upgrade(engine: Engine) -> None:
    """Apply every migration that the database lacks, in one transaction.

    Raises:
        StoreError: the database cannot be opened, or a newer Watcher has changed it.
    """
    try:
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(f"the database was made by a newer Watcher; install that one ({error})") from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise StoreError(f"the database cannot be opened: {str(cause).splitlines()[0]}") from error


def current(engine: Engine) -> str | None:
    """The migration that the database stands at; ``None`` where it is empty.

    Raises:
        StoreError: the database cannot be opened.
    """
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise StoreError(f"the database cannot be opened: {str(cause).splitlines()[0]}") from error


def standing(engine: Engine) -> Standing:
    """How the database stands to this version of Watcher; asking makes no file and no table.

    Raises:
        StoreError: the database cannot be opened.
    """
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return "missing"
    at = current(engine)
    if at is None:
        return "empty"
    if at == head():
        return "current"
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    return "older" if at in known else "newer"


def head() -> str | None:
    """The newest migration that this version of Watcher knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    # A percent sign in the path would be read as interpolation.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
