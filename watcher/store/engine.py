"""Opens SQLite or PostgreSQL so that both behave alike, and holds the lock that lets only one process tick."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import filelock
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from watcher.errors import AlreadyRunningError, StoreError

# Any 64-bit number will do; this one spells "watcher1".
_ADVISORY_LOCK = 0x7761746368657231
# Remembered with a connection: its last transaction took something out that must not stay in a log.
_SWEEP = "sweep"


def connect(url: str) -> Engine:
    """An engine for ``sqlite:///file`` or ``postgresql://…``; nothing is opened before the first use.

    Raises:
        StoreError: the address is not one of the two.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("database.url is no database address; write sqlite:///watcher.db") from error
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed.render_as_string(hide_password=False))
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_size=8)
    raise StoreError(f"database.url: {parsed.get_backend_name()!r} is not supported; use sqlite or postgresql")


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": 60, "check_same_thread": False}, pool_size=8)

    @event.listens_for(engine, "connect")
    def prepare(raw: Any, record: Any) -> None:
        # The driver's own transactions begin late and DEFERRED; ours are begun below.
        raw.isolation_level = None
        cursor = raw.cursor()
        # What is deleted is overwritten with zeros: some of it nobody may keep, not even where no table shows it.
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        # Whoever wrote before may have been killed between the two.
        record.info[_SWEEP] = True

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once when another writes in between,
        # whatever the time-out: so every one that will write takes its lock at the start.
        writing = connection.get_execution_options().get("writing")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


@contextlib.contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that only reads, in one snapshot.

    Raises:
        StoreError: the database cannot be read.
    """
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    except SQLAlchemyError as error:
        raise StoreError(_words(error)) from error


@contextlib.contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes all of it or nothing.

    Raises:
        StoreError: nothing was written.
    """
    try:
        with engine.connect().execution_options(writing=True) as connection:
            with connection.begin():
                yield connection
            if connection.info.get(_SWEEP):
                _sweep(connection)
    except SQLAlchemyError as error:
        raise StoreError(_words(error)) from error


def sweep_after(connection: Connection) -> None:
    """Have what this transaction takes out leave SQLite's log of changes, too, as soon as it is committed."""
    connection.info[_SWEEP] = connection.dialect.name == "sqlite"


def _sweep(connection: Connection) -> None:
    """Write the log of changes into the file and empty it; while somebody reads on, the next write tries again."""
    # What was written is written: nothing that fails here may say otherwise.
    with contextlib.suppress(sqlite3.Error), contextlib.closing(connection.connection.cursor()) as raw:
        raw.execute("PRAGMA busy_timeout=2000")
        connection.info[_SWEEP] = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] != 0
        raw.execute("PRAGMA busy_timeout=60000")


def _words(error: SQLAlchemyError) -> str:
    """The driver's own words, without the statement and its values, which may hold a post."""
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {str(cause).splitlines()[0] if str(cause) else 'no details'}"


@contextlib.contextmanager
def ticking_alone(engine: Engine) -> Iterator[None]:
    """Holds the right to tick: a file lock beside SQLite, an advisory lock on PostgreSQL.

    Raises:
        AlreadyRunningError: another process holds it.
        StoreError: the database cannot be reached.
    """
    if engine.dialect.name == "sqlite":
        with _file_lock(Path(engine.url.database or "watcher.db")):
            yield
        return
    with _advisory_lock(engine):
        yield


@contextlib.contextmanager
def _advisory_lock(engine: Engine) -> Iterator[None]:
    try:
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    except SQLAlchemyError as error:
        raise StoreError(f"the database cannot be opened: {_words(error)}") from error
    with connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_LOCK}):
            raise AlreadyRunningError("another Watcher process ticks on this database; stop it first")
        try:
            yield
        finally:
            # A server that has gone has let go of the lock by itself.
            with contextlib.suppress(SQLAlchemyError):
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_LOCK})


@contextlib.contextmanager
def _file_lock(database: Path) -> Iterator[None]:
    lock = filelock.FileLock(f"{database}.lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise AlreadyRunningError(f"another Watcher process ticks on {database}; stop it first") from error
    except OSError as error:
        raise StoreError(f"{lock.lock_file} cannot be written ({error.strerror or error})") from error
    try:
        yield
    finally:
        lock.release()
