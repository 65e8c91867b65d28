"""Both databases for every test that stores: SQLite in a file, PostgreSQL in a cluster of the tests' own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from watcher.store import Store


def _binaries() -> Path | None:
    """Where PostgreSQL's server programs lie."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    config = shutil.which("pg_config")
    if config:
        found = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)
        places.append(Path(found.stdout.strip()))
    return next((place for place in places if (place / "initdb").exists()), None)


def _as_owner(command: list[str]) -> list[str]:
    """The server refuses to run as root, so root lends the command to another user."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[str]:
    """A running PostgreSQL on a free port of this machine; gives the address without a database's name."""
    programs = _binaries()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: `apt-get install postgresql` (.ci/run does)")
    data = folder / "data"
    folder.chmod(0o777)
    port = _free_port()
    make = [str(programs / "initdb"), "-D", str(data), "-U", "watcher", "-A", "trust", "--no-sync"]
    subprocess.run(_as_owner(make), check=True, capture_output=True, cwd="/")
    # What a test kills is Watcher; the server itself may be quick and careless about its disk.
    options = (
        f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=200"
    )
    start = [str(programs / "pg_ctl"), "-D", str(data), "-o", options, "-w", "-l", f"{data}/log", "start"]
    subprocess.run(_as_owner(start), check=True, capture_output=True, cwd="/")
    try:
        yield f"postgresql://watcher@127.0.0.1:{port}"
    finally:
        stop = [str(programs / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop"]
        subprocess.run(_as_owner(stop), check=False, capture_output=True, cwd="/")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("postgres")
    for parent in (folder, *folder.parents):
        # The server's user must be able to reach its folder under the tests' private one.
        if parent.is_relative_to("/tmp") and parent != Path("/tmp"):
            parent.chmod(parent.stat().st_mode | 0o055)
    with cluster(folder) as address:
        yield address


@pytest.fixture
def fresh_postgres(postgres: str) -> str:
    """The address of an empty database of this test's own."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{postgres}/{name}"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/watcher.db"
    return str(request.getfixturevalue("fresh_postgres"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """A store with its tables, once of each kind."""
    made = Store(url)
    made.migrate()
    yield made
    made.close()
