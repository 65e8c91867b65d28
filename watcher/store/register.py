"""Schools, trusts, people, holdings and absences as rows, each kept by the file and key that wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from sqlalchemy import Connection, Engine, and_, delete, not_, or_, select, update

from alerts.school import Absence, Holding, Person, Register, School, Trust
from connectors.approval import KEEPS, Approval, granted
from watcher.store import schema as t
from watcher.store.engine import reading, writing
from watcher.store.write import put

# What is in force is dated anew by the running service every day; the rows of an installation that is abandoned go.
KEPT_DAYS = 400
# An absence learnt from a mail says something of a person's life: it is kept no longer than it explains anything.
ENDED_DAYS = 30
APPROVAL = "approval"

Noun = School | Trust | Person | Holding | Absence | Approval
_KINDS: dict[str, type[Noun]] = {
    "trust": Trust,
    "school": School,
    "person": Person,
    "holding": Holding,
    "absence": Absence,
    APPROVAL: Approval,
}
# How ``kept_by`` begins where no file keeps a row: an out-of-office reply, or somebody who said it on a page.
BY_OTHERS = ("mail:", "person:")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of the register: what it is, its name, the noun, and the file and key that keep it."""

    kind: str
    name: str
    noun: Noun
    kept_by: str


class RegisterShelf:
    """Keeps the register."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> Register:
        """The register as it stands."""
        with reading(self._engine) as connection:
            found: dict[str, list[Any]] = {kind: [] for kind in _KINDS}
            for row in connection.execute(select(t.entry).order_by(t.entry.c.kind, t.entry.c.name)):
                found[row.kind].append(_noun(row.kind, row.body))
            return Register(
                schools=tuple(found["school"]),
                trusts=tuple(found["trust"]),
                people=tuple(found["person"]),
                holdings=tuple(found["holding"]),
                absences=tuple(found["absence"]),
            )

    def bodies(self, connection: Connection) -> dict[tuple[str, str], tuple[dict[str, Any], str]]:
        """Every row as plain values with who keeps it, by kind and name: what a preview compares with."""
        rows = connection.execute(select(t.entry))
        # Through the noun: a row that an earlier version wrote lacks the keys that came since.
        return {(row.kind, row.name): (body_of(_noun(row.kind, row.body)), row.kept_by) for row in rows}

    def put(self, connection: Connection, entry: Entry, now: datetime) -> None:
        """Write one row."""
        row = {"kind": entry.kind, "name": entry.name, "body": body_of(entry.noun), "kept_by": entry.kept_by}
        put(connection, t.entry, ("kind", "name"), {**row, "delete_after": _until(entry, now)})

    def renew(self, now: datetime) -> None:
        """Date every row anew: what is in force is not past its time, however long ago its file was applied.

        An absence that no file keeps has its own time: nobody would ever take it out.
        """
        passing = t.entry.c.kind == "absence"
        by_others = or_(*(t.entry.c.kept_by.startswith(sign, autoescape=True) for sign in BY_OTHERS))
        with writing(self._engine) as connection:
            lasting = update(t.entry).where(not_(and_(passing, by_others)))
            connection.execute(lasting.values(delete_after=now + timedelta(days=KEPT_DAYS)))

    def remove(self, connection: Connection, kind: str, name: str) -> None:
        """Delete one row."""
        connection.execute(delete(t.entry).where(t.entry.c.kind == kind, t.entry.c.name == name))


def approved(connection: Connection, today: date) -> frozenset[str]:
    """The platforms whose approval of our use is recorded and was given by that day."""
    rows = connection.execute(select(t.entry.c.name, t.entry.c.body).where(t.entry.c.kind == APPROVAL))
    recorded = ((row.name, date.fromisoformat(row.body["on"])) for row in rows)
    return granted(recorded, today)


def keeping(connection: Connection, today: date) -> frozenset[str]:
    """The platforms that have agreed by that day that what a matter rests on is kept as long as the matter."""
    rows = connection.execute(select(t.entry.c.name, t.entry.c.body).where(t.entry.c.kind == APPROVAL))
    agreed = ((row.name, date.fromisoformat(row.body["on"])) for row in rows if row.body.get("keeps") == KEEPS)
    return granted(agreed, today)


def body_of(noun: Noun) -> dict[str, Any]:
    """A noun of the register as plain JSON values."""
    return {key: _plain(value) for key, value in asdict(noun).items()}


def _until(entry: Entry, now: datetime) -> datetime:
    """When a row is to go unless it is dated anew: an absence that no file keeps, soon after it has ended."""
    if isinstance(entry.noun, Absence) and entry.kept_by.startswith(BY_OTHERS):
        ended = datetime.combine(entry.noun.end, time(), tzinfo=UTC)
        return max(ended, now) + timedelta(days=ENDED_DAYS)
    return now + timedelta(days=KEPT_DAYS)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _noun(kind: str, body: Mapping[str, Any]) -> Noun:
    noun: Noun = _made(_KINDS[kind], body)
    return noun


def _made(hint: Any, value: Any) -> Any:
    """Plain JSON values as what a field of a noun holds: nouns in nouns, dates and times, tuples of any of these."""
    if value is None:
        return None
    options = [one for one in get_args(hint) if one is not type(None)]
    if get_origin(hint) in (Union, UnionType):
        return _made(options[0], value)
    if get_origin(hint) is tuple:
        return tuple(_made(options[0], one) for one in value)
    if isinstance(hint, type) and is_dataclass(hint):
        hints = _hints(hint)
        return hint(**{key: _made(hints[key], one) for key, one in value.items()})
    return hint.fromisoformat(value) if hint in (date, time) else value


@cache
def _hints(noun: type) -> Mapping[str, Any]:
    return get_type_hints(noun)
