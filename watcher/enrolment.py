"""Writes schools, people and accounts from the settings into the store: with a preview, and idempotently."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from alerts.school import Absence, Holding, Trust
from connectors.approval import Approval
from connectors.post import Account
from watcher.config import AccountRow, Settings
from watcher.roster import full_school_of, person_of
from watcher.secret import Secret
from watcher.store import Store, Transaction
from watcher.store.accounts import AccountState
from watcher.store.engine import reading
from watcher.store.register import APPROVAL, BY_OTHERS, Entry, body_of
from watcher.terms import TERMS, Reading, ancestors, readings

# The kind of a change that deletes what a school's people said of labels.
CORRECTIONS = "corrections"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One row that applying would add, change or remove; ``what`` lists the fields that differ."""

    action: str
    kind: str
    name: str
    what: str = ""


def entries(settings: Settings, file: str) -> Iterator[Entry]:
    """The settings' rows as nouns, each with the file and key that keep it."""
    for n, row in enumerate(settings.trusts, 1):
        yield Entry(kind="trust", name=row.id, noun=Trust(**row.model_dump()), kept_by=f"{file}: trusts[{n}]")
    for n, school in enumerate(settings.schools, 1):
        noun = full_school_of(school, settings)
        yield Entry(kind="school", name=school.id, noun=noun, kept_by=f"{file}: schools[{n}]")
    for n, person in enumerate(settings.people, 1):
        yield Entry(kind="person", name=person.id, noun=person_of(person), kept_by=f"{file}: people[{n}]")
    for n, holding in enumerate(settings.holdings, 1):
        held = Holding(**holding.model_dump())
        name = "/".join(str(p) for p in (held.person, held.role, held.school or held.trust, held.start or ""))
        yield Entry(kind="holding", name=name, noun=held, kept_by=f"{file}: holdings[{n}]")
    for n, absence in enumerate(settings.absences, 1):
        away = Absence(**absence.model_dump())
        name = f"{away.person}/{away.start}"
        yield Entry(kind="absence", name=name, noun=away, kept_by=f"{file}: absences[{n}]")
    for n, row_of in enumerate(settings.approvals, 1):
        given = Approval(**row_of.model_dump())
        yield Entry(kind=APPROVAL, name=given.platform, noun=given, kept_by=f"{file}: approvals[{n}]")


def account_of(row: AccountRow, key: str = "accounts", *, with_token: bool = False) -> Account:
    """The account that a row of the settings describes; its token is read only on request.

    Raises:
        ConfigError: the token is not where the settings say.
    """
    token = row.token.read(f"{key}.token") if with_token and isinstance(row.token, Secret) else None
    values = row.model_dump(exclude={"token", "app_secret", "app", "every_s", "options", "schools", "owner"})
    return Account(**{**values, "target": row.target or TERMS}, token=token)


def _read_as(reading: Reading) -> Account:
    """The account as it is stored: a search that is built for several schools says for which."""
    shared = reading.query is not None and reading.row.school is None
    return replace(account_of(reading.row), schools=reading.query.batch if reading.query and shared else ())


def preview(settings: Settings, store: Store | None, now: datetime | None = None) -> tuple[Change, ...]:
    """What ``apply`` would change, in the order of the file, removals last; without a store yet, everything is new.

    What is built from the schools' terms is built for the day of ``now``; without one, as if nobody's time had ended.

    Raises:
        StoreError: the store cannot be read.
    """
    accounts = tuple(readings(settings, now.date() if now else None))
    if store is None:
        return _changes(settings, accounts, {}, {})
    with reading(store.engine) as connection:
        old = store.register.bodies(connection)
    changes = _changes(settings, accounts, old, {state.account.name: state for state in store.accounts.all()})
    return (*changes, *_lapsed(settings, store))


def _changes(
    settings: Settings,
    accounts: Sequence[Reading],
    old: dict[tuple[str, str], tuple[dict[str, Any], str]],
    states: dict[str, AccountState],
) -> tuple[Change, ...]:
    found = [*_entry_changes(settings, old)]
    for one in accounts:
        row = one.row
        state = states.pop(row.name, None)
        if state is None:
            found.append(Change(action="add", kind="account", name=row.name))
        elif state.account != _read_as(one) or state.every_s != _every(row, settings):
            found.append(Change(action="change", kind="account", name=row.name))
    found += [Change(action="remove", kind="account", name=name) for name in states]
    return tuple(found)


def _lapsed(settings: Settings, store: Store) -> Iterator[Change]:
    """What was kept of people's corrections, of schools that do not agree to it any more, or are here no longer."""
    agreed = {row.id for row in settings.schools if row.corrections != "off"}
    for school, n in sorted(store.corrections.counts().items()):
        if school not in agreed:
            what = f"{n} deleted: the school does not agree that they are kept"
            yield Change(action="remove", kind=CORRECTIONS, name=school, what=what)


def _entry_changes(settings: Settings, old: dict[tuple[str, str], tuple[dict[str, Any], str]]) -> Iterator[Change]:
    left = dict(old)
    written: set[tuple[str, str]] = set()
    for entry in entries(settings, ""):
        written.add((entry.kind, entry.name))
        before = left.pop((entry.kind, entry.name), None)
        after = body_of(entry.noun)
        if before is None:
            yield Change(action="add", kind=entry.kind, name=entry.name)
        elif before[0] != after:
            what = ", ".join(sorted(key for key in after if before[0].get(key) != after[key]))
            yield Change(action="change", kind=entry.kind, name=entry.name, what=what)
    # What a mail or a person wrote is not the file's to remove, unless those whom it is about are gone.
    for (kind, name), (body, kept_by) in left.items():
        if not kept_by.startswith(BY_OTHERS) or _stranded(body, written):
            yield Change(action="remove", kind=kind, name=name)


def _stranded(body: Mapping[str, Any], written: Container[tuple[str, str]]) -> bool:
    """Whether a row names a person, school or trust that the file does not hold any more."""
    named = ((kind, body.get(kind)) for kind in ("person", "school", "trust"))
    return any(name is not None and (kind, name) not in written for kind, name in named)


def apply(settings: Settings, store: Store, file: str, now: datetime) -> tuple[Change, ...]:
    """Write everything in one transaction; what was changed. Applying twice changes nothing the second time.

    Raises:
        StoreError: nothing was written.
    """
    changes = preview(settings, store, now)
    with store.writing() as connection:
        for entry in entries(settings, file):
            store.register.put(connection, entry, now)
        for account in readings(settings, now.date()):
            _put(connection, settings, store, account, f"{file}: {account.key}", now)
        for change in changes:
            if change.kind == CORRECTIONS:
                store.corrections.forget(connection, change.name)
            elif change.action == "remove" and change.kind == "account":
                store.accounts.retire(connection, change.name, now)
            elif change.action == "remove":
                store.register.remove(connection, change.kind, change.name)
    return changes


def renew(settings: Settings, store: Store, now: datetime) -> int:
    """Bring the queries that are built from terms up to the day: whose time has ended is looked for no more.

    How many changed; nothing else is written.
    """
    states = {state.account.name: state for state in store.accounts.all()}
    wanted = {r.row.name: r for r in readings(settings, now.date()) if r.query is not None}
    every = {r.row.name for r in readings(settings) if r.query is not None}
    stale = [r for name, r in wanted.items() if name in states and states[name].account != _read_as(r)]
    gone = [name for name in every - wanted.keys() if name in states]
    with store.writing() as connection:
        for one in stale:
            _put(connection, settings, store, one, states[one.row.name].kept_by, now)
        for name in gone:
            store.accounts.retire(connection, name, now)
    return len(stale) + len(gone)


def _put(
    connection: Transaction, settings: Settings, store: Store, account: Reading, kept_by: str, now: datetime
) -> None:
    """Write one account; a search that is built from terms goes on where it, or the one it was part of, stood."""
    row, every = account.row, _every(account.row, settings)
    if account.query is None:
        store.accounts.put(connection, _read_as(account), every, kept_by, now)
    else:
        heir_of = tuple(ancestors(row.name))
        store.accounts.put_search(connection, _read_as(account), every, kept_by, now, heir_of=heir_of)


def _every(row: AccountRow, settings: Settings) -> int:
    return row.every_s or settings.schedule.poll_every_s
