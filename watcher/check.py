"""What no single key can tell: names that must exist, secrets that must be there, doors that must stay shut."""

from __future__ import annotations

import ipaddress
import typing
import zoneinfo
from collections import Counter
from collections.abc import Container, Iterable, Iterator
from datetime import date
from urllib.parse import urlsplit

from alerts.errors import AlertError
from alerts.packs import load_pack
from connectors import approval, registry
from connectors.grant import FLOWS
from watcher.budget import cap_problems
from watcher.caution import cautions
from watcher.config import AccountRow, SchoolRow, Settings
from watcher.enrolment import account_of
from watcher.errors import ConfigError, StoreError
from watcher.looking import look_problems, search_problems, timeline_problems
from watcher.naming import naming_problems
from watcher.problem import misfit
from watcher.reaching import hanging, outside, unreachable
from watcher.seal import seal_problems
from watcher.secret import Secret
from watcher.staffing import staffing_notes, staffing_problems
from watcher.store.engine import connect
from watcher.terms import schools_of
from watcher.trial import approved_by

# It has a key of its own, so that it can be named as a secret.
_OWN_KEY = "app_secret"


def check(settings: Settings, *, kept: Container[str] = ()) -> None:
    """Look at everything that can be checked without a network.

    A bad pack among ``kept`` is no reason to refuse: the version that was accepted last stays in force.

    Raises:
        ConfigError: every problem, each with its full key and what to write instead.
    """
    found = tuple(problems(settings, kept))
    if found:
        raise ConfigError(found)


def problems(settings: Settings, kept: Container[str] = ()) -> Iterator[str]:
    """All problems, in the order of the file."""
    yield from _server(settings)
    yield from _database(settings)
    yield from _mail(settings)
    yield from _probe(settings)
    people = tuple(_people(settings, kept))
    yield from people
    # Who is reached can only be proven where everybody who is named is there.
    yield from outside(settings) if people else unreachable(settings)
    yield from _approvals(settings)
    yield from _apps(settings)
    yield from cap_problems(settings)
    yield from _twice("accounts", (row.name for row in settings.accounts))
    yield from timeline_problems(settings)
    yield from search_problems(settings)
    for number, account in enumerate(settings.accounts, 1):
        yield from account_problems(f"accounts[{number}]", account)
        if account.official and account.school is None:
            yield f"accounts[{number}].school: missing; an official account belongs to a school"
        if account.school is not None:
            yield from _known(f"accounts[{number}].school", account.school, (s.id for s in settings.schools))


def notes(settings: Settings, today: date, granted: Container[str] = ()) -> Iterator[str]:
    """What is no mistake and yet keeps accounts from being read, or a platform's terms from being kept.

    ``granted`` are the accounts whose owners have given a token.
    """
    given = approved_by(settings, today)
    for number, row in enumerate(settings.accounts, 1):
        if row.platform in registry.known():
            needed = approval.missing(account_of(row), given)
            if needed is not None:
                yield f"accounts[{number}] ({row.name}): {approval.told(needed, row.platform)}"
    for number, given_row in enumerate(settings.approvals, 1):
        needless = given_row.platform in registry.known() and given_row.platform not in approval.platforms()
        if needless and not (given_row.keeps and given_row.platform in approval.STORAGE):
            yield f"approvals[{number}].platform: {given_row.platform} needs no approval; it may be left out"
    yield from staffing_notes(settings)
    if not any(True for _ in _people(settings)):
        yield from hanging(settings, today)
    yield from _shared_app(settings, granted)
    yield from cautions(settings, today, granted)


def _shared_app(settings: Settings, granted: Container[str]) -> Iterator[str]:
    """X wants an app for each customer: one that reads for several trusts, or schools of none, is named."""
    customers: dict[str, set[str]] = {}
    for row in settings.accounts:
        if row.platform != "x" or (row.token is None and row.name not in granted):
            continue
        trusts = {school.trust or school.id for school in schools_of(settings, row)}
        # The same token is the same app; what owners gave, and what is said to be of an app, counts by its name.
        if row.token is not None:
            customers.setdefault(f"token {row.token!r}", set()).update(trusts)
        if row.token is None or row.app is not None:
            customers.setdefault(f"app {row.app or ''}", set()).update(trusts)
    for found in sorted({tuple(sorted(trusts)) for trusts in customers.values() if len(trusts) > 1}):
        yield (
            f"accounts: one app of X reads for {', '.join(found)}; X's policy wants an app for each "
            "customer: give each an app, a token and the key app of its own"
        )


def _approvals(settings: Settings) -> Iterator[str]:
    yield from _twice("approvals", (row.platform for row in settings.approvals))
    for number, row in enumerate(settings.approvals, 1):
        yield from _known(f"approvals[{number}].platform", row.platform, registry.known())


def _apps(settings: Settings) -> Iterator[str]:
    """The apps to which owners grant, and the keys that seal what they granted."""
    if settings.secrets.key is not None:
        yield from seal_problems(settings)
    known = tuple(platform for platform in FLOWS if platform != "mastodon")
    seen: set[tuple[str, str | None]] = set()
    for number, row in enumerate(settings.apps, 1):
        key = f"apps[{number}]"
        yield from _known(f"{key}.platform", row.platform, known)
        if (row.platform, row.name) in seen:
            yield f"{key}.name: another app of {row.platform} has the same; give each a name of its own"
        seen.add((row.platform, row.name))
        if row.client_secret is not None:
            yield from _secret(f"{key}.client_secret", row.client_secret)
        if row.base_url is not None:
            yield from _web_address(f"{key}.base_url", row.base_url)


def _server(settings: Settings) -> Iterator[str]:
    host = settings.server.host
    if not _is_loopback(host):
        yield (
            f"server.host: {host!r} is open to others, and there is no login yet; "
            'write "127.0.0.1" and reach it through an SSH tunnel'
        )
    url = settings.heartbeat.url
    if isinstance(url, Secret):
        yield from _secret("heartbeat.url", url)
    elif url is not None:
        yield from _web_address("heartbeat.url", url)


def _probe(settings: Settings) -> Iterator[str]:
    probe = settings.probe
    if probe.school is not None:
        yield from _known("probe.school", probe.school, (school.id for school in settings.schools))
    if probe.school is not None and probe.address is None:
        yield "probe.address: missing; write the address of a mailbox that somebody or something watches"
    if probe.address is not None and probe.school is None:
        yield "probe.school: missing; write the id of a school, by whose policy the test post is judged"
    if probe.imap is not None:
        yield from _secret("probe.imap.password", probe.imap.password)
        if probe.imap.security == "none" and not _is_loopback(probe.imap.host):
            yield 'probe.imap.security: "none" would send the password openly; write "tls"'


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _database(settings: Settings) -> Iterator[str]:
    url = settings.database.url
    if isinstance(url, Secret):
        yield from _secret("database.url", url)
        if url.problem:
            return
        url = url.read("database.url")
    try:
        engine = connect(url)
    except StoreError as error:
        yield str(error)
        return
    if engine.dialect.name == "sqlite" and engine.url.database in (None, "", ":memory:"):
        yield 'database.url: names no file, so nothing would be kept; write "sqlite:///watcher.db"'


def _mail(settings: Settings) -> Iterator[str]:
    mail = settings.mail
    if mail.channel == "smtp":
        if mail.username is not None and mail.password is None:
            yield 'mail.password: missing; write {env = "WATCHER_MAIL_PASSWORD"} and set that variable'
        if mail.username is None and mail.password is not None:
            yield "mail.username: missing; write the name that the password belongs to, or leave the password out"
        if mail.username is not None and mail.security == "none" and not _is_loopback(mail.host):
            yield 'mail.security: "none" would send the password openly; write "starttls" or "tls"'
    if mail.password is not None:
        yield from _secret("mail.password", mail.password)


def _people(settings: Settings, kept: Container[str] = ()) -> Iterator[str]:
    """What is wrong with schools, trusts and people."""
    yield from _twice("trusts", (row.id for row in settings.trusts))
    yield from _twice("schools", (row.id for row in settings.schools))
    yield from _twice("people", (row.id for row in settings.people))
    for number, school in enumerate(settings.schools, 1):
        yield from _school(settings, f"schools[{number}]", school, kept)
    yield from staffing_problems(settings)


def _school(settings: Settings, key: str, school: SchoolRow, kept: Container[str]) -> Iterator[str]:
    if school.trust is not None:
        yield from _known(f"{key}.trust", school.trust, (t.id for t in settings.trusts))
    try:
        zoneinfo.ZoneInfo(school.timezone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        yield f'{key}.timezone: {school.timezone!r} is no time zone; write one such as "Europe/London"'
    yield from naming_problems(key, school)
    try:
        load_pack(school.pack)
    except AlertError as error:
        if school.pack not in kept:
            yield f"{key}.pack: {error}\n  (where a version was accepted before, that one stays in force meanwhile)"


def account_problems(key: str, account: AccountRow) -> Iterator[str]:
    """What keeps one account by itself from being read."""
    yield from _known(f"{key}.platform", account.platform, registry.known())
    yield from _options(key, account)
    yield from look_problems(key, account)
    if account.base_url is not None:
        yield from _web_address(f"{key}.base_url", account.base_url)
    for name, secret in (("token", account.token), ("app_secret", account.app_secret)):
        if secret is not None:
            yield from _secret(f"{key}.{name}", secret)


def _options(key: str, account: AccountRow) -> Iterator[str]:
    """Options that the platform's connector does not take; making one reaches for nothing."""
    if account.platform not in registry.known():
        return
    known = typing.get_type_hints(type(registry.load(account.platform)).__init__)
    public = sorted(name for name in known if name not in (_OWN_KEY, "return"))
    if account.app_secret is not None and _OWN_KEY not in known:
        yield f"{key}.app_secret: {account.platform} takes none; leave it out"
    for name, value in account.options.items():
        if name not in public:
            yield f"{key}.options.{name}: unknown key; known here are {', '.join(public)}"
            continue
        wrong = misfit(value, known[name])
        if wrong:
            yield f"{key}.options.{name}: {wrong}"


def _web_address(key: str, url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        sound = False
    if not sound:
        yield f'{key}: {url!r} is no web address; write one such as "https://example.org"'


def _secret(key: str, secret: Secret) -> Iterator[str]:
    if secret.problem:
        yield f"{key}: {secret.problem}"


def _known(key: str, value: str, known: Iterable[str]) -> Iterator[str]:
    names = tuple(known)
    if value not in names:
        yield f"{key}: {value!r} is unknown; known are {', '.join(names) or 'none yet'}"


def _twice(key: str, names: Iterable[str]) -> Iterator[str]:
    for name, n in Counter(names).items():
        if n > 1:
            yield f"{key}: {name!r} stands there {n} times; each needs a name of its own"
