"""The composition root: settings in, a running service out."""

from __future__ import annotations

import functools
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import structlog
import uvicorn

from alerts import registry as channels
from alerts.channel import Channel
from alerts.packs import load_pack
from alerts.policy import Pack
from connectors import approval
from connectors import registry as platforms
from connectors.connector import Connector
from connectors.errors import ConnectorError, PermanentError
from connectors.http import HttpClient
from connectors.post import Account
from watcher import systemd
from watcher.blindness import Faults
from watcher.budget import Budget
from watcher.config import AccountRow, Settings
from watcher.connection import Connections
from watcher.disk import Disk
from watcher.enrolment import CORRECTIONS, apply, renew
from watcher.errors import ConfigError, StoreError
from watcher.following import follower, pace_of
from watcher.outlay import Outlay
from watcher.packs import Guard, Packs
from watcher.polling import Poller
from watcher.probe import Probe, trouble
from watcher.reminding import Reminders
from watcher.reviewing import Reviews
from watcher.scheduler import BEAT_S, Scheduler, clock
from watcher.secret import plain
from watcher.service import Service
from watcher.store import Retention, Store
from watcher.store.migration import standing
from watcher.telling import Teller
from watcher.terms import readings
from watcher.token import Tokens, proving
from watcher.versions import Choice
from watcher.web.application import make

log = structlog.get_logger(__name__)

# A beat older than this, and the service is taken for dead by /healthz and `watcher status`.
DEAD_AFTER = timedelta(seconds=BEAT_S * 6)


def open_store(settings: Settings) -> Store:
    """The store that the settings name; nothing is opened yet.

    Raises:
        ConfigError: the address is a secret that is not there.
        StoreError: the address is no database's.
    """
    keep = settings.retention
    url = plain(settings.database.url, "database.url") or ""
    return Store(url, Retention(**keep.model_dump()))


def find_store(settings: Settings) -> Store:
    """The store that the settings name, which must be there with this version's tables; looking makes nothing.

    Raises:
        ConfigError: the address is a secret that is not there.
        StoreError: it is not there, stands at another version, or cannot be opened.
    """
    store = open_store(settings)
    found = standing(store.engine)
    if found != "current":
        raise StoreError(_NOT_CURRENT[found].format(place=place_of(store)))
    return store


_NOT_CURRENT = {
    "missing": "there is no database at {place}; start `watcher run` first, in the same folder: "
    "relative paths in the settings count from the folder in which a command is started",
    "empty": "the database {place} has no tables yet; start `watcher run` or `watcher migrate` first",
    "older": "the database {place} is older than this version; run `watcher migrate`, or restart the service",
    "newer": "the database {place} was made by a newer Watcher; install that one",
}


def tokens_at_hand(settings: Settings) -> Tokens | None:
    """What owners have granted, where the database is there with this version's tables; looking makes nothing."""
    store = open_store(settings)
    try:
        return Tokens(settings, store, clock) if standing(store.engine) == "current" else None
    except StoreError:
        return None


def owners_gave(settings: Settings) -> frozenset[str]:
    """The accounts whose owners have given a token that is kept in a database file; no server is asked."""
    try:
        tokens = tokens_at_hand(settings) if open_store(settings).file is not None else None
    except StoreError:
        return frozenset()
    return frozenset(token.account for token in tokens.granted()) if tokens else frozenset()


def is_made(store: Store) -> bool:
    """Whether the database is there with tables in it; asking makes nothing.

    Raises:
        StoreError: the database cannot be opened.
    """
    return standing(store.engine) not in ("missing", "empty")


def place_of(store: Store) -> str:
    """Where the store is, for a person; never its password."""
    url = store.engine.url
    return str(Path(url.database or "").absolute()) if store.engine.dialect.name == "sqlite" else url.render_as_string()


def open_channel(settings: Settings) -> Channel:
    """The channel that carries notices.

    Raises:
        ConfigError: its secret is not there.
    """
    mail = settings.mail
    if mail.channel == "folder":
        return channels.load("folder", {"path": mail.folder})
    password = plain(mail.password, "mail.password")
    options = {"host": mail.host, "port": mail.port, "security": mail.security, "username": mail.username}
    return channels.load("email", {**options, "password": password, "timeout_s": mail.timeout_s})


class Connectors:
    """The connectors of all accounts, made when first needed and shared where platform and options are the same."""

    def __init__(self, settings: Settings, tokens: Tokens | None = None) -> None:
        """``tokens`` are what owners have granted, for the accounts whose token the settings do not name."""
        self._settings, self._tokens = settings, tokens
        self._rows = {reading.row.name: reading.row for reading in readings(settings)}
        self._keys = {reading.row.name: reading.key for reading in readings(settings)}
        self._made: dict[str, Connector] = {}
        self._guard = threading.Lock()

    def of(self, account: Account, most: int | None = None) -> Connector:
        """The connector that reads an account; ``most`` is how many posts it may ask for at once, where not all.

        Raises:
            PermanentError: no such platform.
            ConfigError: a secret is not there, or an option is none of the platform's.
        """
        row = self._rows[account.name]
        options = dict(row.options)
        if row.app_secret is not None:
            options["app_secret"] = row.app_secret.read(f"{self._keys[account.name]}.app_secret")
        elif row.token is None:
            options |= proving(self._settings, row)
        if most is not None:
            written = options.get("page_size")
            options["page_size"] = min(written, most) if isinstance(written, int) else most
        shared = f"{account.platform} {sorted(options.items())!r}"
        with self._guard:
            if shared not in self._made:
                self._made[shared] = self._make(row, options)
            return self._made[shared]

    def _make(self, row: AccountRow, options: dict[str, object]) -> Connector:
        try:
            return platforms.load(row.platform, options)
        except TypeError as error:
            raise ConfigError((f"{self._keys[row.name]}.options: {error}",)) from error

    def token_of(self, name: str) -> str | None:
        """The account's token, read from where the settings say, or ``None``.

        Raises:
            ConfigError: it is not there.
        """
        row = self._rows.get(name)
        if row is None:
            # `watcher apply` wrote it while the service ran.
            raise ConfigError((f"accounts: {name!r} came after this service was started; restart it",))
        if row.token is not None:
            return row.token.read(f"{self._keys[name]}.token")
        return None if self._tokens is None else self._tokens.current(name)

    @functools.cached_property
    def by_hand(self) -> Outlay:
        """What pays for readings by a command."""
        return Outlay(self._settings, lambda: _standing(self._settings), clock)

    def with_token(self, account: Account) -> Account:
        """The account with what it is read with.

        Raises:
            AuthenticationError: its permission has ended or was withdrawn.
            ConfigError: its token is not there, or cannot be opened.
        """
        return replace(account, token=self.token_of(account.name))


def _standing(settings: Settings) -> Store | None:
    """The store, where there is one with this version's tables."""
    store = open_store(settings)
    return store if standing(store.engine) == "current" else None


@functools.cache
def pack_of(name: str) -> Pack:
    """The policy pack of that name, or in that file.

    Raises:
        PolicyError: it is refused.
    """
    return load_pack(name)


def build(settings: Settings, store: Store) -> Service:
    """All parts put together; nothing runs yet.

    Raises:
        ConfigError: a secret is not there.
        PolicyError: a policy pack is refused, and none was accepted before.
        ModelNotFoundError: a model's files are missing or broken.
        VersionError: the version that was chosen is not there.
    """
    tokens = Tokens(settings, store, clock)
    connectors = Connectors(settings, tokens)
    packs = Packs(store, clock)
    teller = Teller(store, settings, packs)
    reminders, reviews = Reminders(settings, store, teller), Reviews(settings, store, packs)
    guard = Guard(store, packs, Faults(store, packs))
    choice = Choice(settings, store)
    return Service(
        store=store,
        poller=Poller(store, _approved(connectors, store), connectors.token_of, Budget(settings, store)),
        classifiers=choice.load(),
        newer=choice.newer,
        pack_of=packs,
        teller=teller,
        channel=open_channel(settings),
        criticism_window=timedelta(hours=settings.alerts.criticism_window_h),
        batch=settings.models.batch,
        oldest=timedelta(days=settings.alerts.oldest_days),
        disk=disk_of(store),
        reads=frozenset(reading.row.name for reading in readings(settings)),
        renew=functools.partial(renew, settings, store),
        mind=lambda now: tokens.mind(now) + reminders.remind(now) + guard.watch(now) + reviews.remind(now),
        follow_up=follower(settings, store, teller, packs).follow_up,
        pace=pace_of(settings),
        probe=Probe(store, settings),
    )


def _approved(connectors: Connectors, store: Store) -> Callable[[Account], Connector]:
    """The connector of an account, unless its platform has not approved the use: then nothing may ask through it."""

    def of(account: Account) -> Connector:
        if approval.required(account) is not None:
            needed = store.accounts.get(account.name).off
            if needed is not None:
                raise PermanentError(approval.told(needed, account.platform))
        return connectors.of(account)

    return of


def disk_of(store: Store) -> Disk | None:
    """The disk that an SQLite file lies on; a database server minds its own."""
    file = store.file
    return None if file is None else Disk(file)


def is_alive(store: Store, now: datetime) -> bool:
    """Whether a service has ticked on this store just now."""
    beat = store.recall("beat")
    return beat is not None and abs(now - beat[1]) < DEAD_AFTER


def run(settings: Settings, file: Path, *, ready: Callable[[str], None], apply_rows: bool = True) -> None:
    """Serve until told to stop; ``ready`` gets the address of the pages once they can be opened.

    Raises:
        AlreadyRunningError: another process ticks on this store.
        ConfigError: the port is taken, or a secret is not there.
        ModelNotFoundError: a model's files are missing or broken.
        StoreError: the database cannot be used.
    """
    with closing(open_store(settings)) as store, store.ticking_alone():
        store.migrate()
        if apply_rows:
            for change in apply(settings, store, file.name, clock()):
                if change.kind == CORRECTIONS:
                    log.info("corrections_deleted", school=change.name, what=change.what)
        service = build(settings, store)
        service.begin(clock())
        listening = _listen(settings.server.host, settings.server.port)
        address = _address(settings.server.host, listening)
        pages = make(
            store,
            is_alive=lambda: is_alive(store, clock()),
            public_url=settings.server.public_url,
            connections=Connections(settings, store),
            ails=lambda: trouble(store, clock()),
        )
        server = uvicorn.Server(uvicorn.Config(pages, log_config=None, access_log=False, lifespan="off"))
        scheduler = Scheduler(
            service, tick_s=settings.schedule.tick_s, workers=settings.schedule.workers, beat=_beat(settings, store)
        )
        scheduler.start()
        try:
            with _ending_on_signals():
                ready(address)
                systemd.notify("READY=1")
                server.run(sockets=[listening])
        finally:
            systemd.notify("STOPPING=1")
            scheduler.stop()
            log.info("stopped")


@contextmanager
def _ending_on_signals() -> Iterator[None]:
    """SIGINT and SIGTERM end what runs here cleanly, from the first line to the last."""

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    with _handling(signal.SIGTERM, stop), _handling(signal.SIGINT, stop):
        try:
            yield
        except KeyboardInterrupt:
            log.info("stopping")


@contextmanager
def _handling(number: signal.Signals, handler: Callable[[int, object], None]) -> Iterator[None]:
    old = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, old)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigError(
            (f"server.port: {host}:{port} cannot be used ({os.strerror(error.errno or 0)}); write another port",)
        ) from error
    listening.listen(128)
    return listening


def _address(host: str, listening: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}"


def _beat(settings: Settings, store: Store) -> Callable[[datetime], None]:
    """What happens at each sign of life: systemd hears of it, and now and then an address far away.

    While the daily test has not come through, that address is not called: mail may be what is broken, so it is by its
    silence that the operator hears of it.
    """
    url = plain(settings.heartbeat.url, "heartbeat.url")
    every = timedelta(seconds=settings.heartbeat.every_s)
    own = url if settings.heartbeat.allow_private else None
    client = HttpClient(timeout_s=5, total_s=10, allow_private=own) if url else None
    last: list[datetime] = []

    def beat(now: datetime) -> None:
        systemd.notify("WATCHDOG=1")
        if url is None or client is None or (last and now - last[-1] < every):
            return
        last[:] = [now]
        failed = trouble(store, now)
        if failed is not None:
            log.error("heartbeat_withheld", why=failed)
            return
        try:
            client.get(url).check("the heartbeat's address")
        except ConnectorError as error:
            log.warning("heartbeat_failed", error=str(error))

    return beat
