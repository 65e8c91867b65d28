"""How the keys of a pack's tables are read: each gives a value or a fault that says what to write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alerts.school import NEVER_TOLD, ROLES

Table = Mapping[str, Any]


class Reader:
    """The layers of one pack, nearest first; faults are collected, not raised."""

    def __init__(self, name: str, layers: list[dict[str, Any]]) -> None:
        self.name = name
        self.layers = layers
        self.problems: list[str] = []
        self.groups: dict[str, tuple[str, ...]] = {}

    def _fault(self, where: str, what: str) -> None:
        self.problems.append(f"{self.name}: {where}: {what}" if where else f"{self.name}: {what}")

    def _keys(self, where: str, table: Table, known: Iterable[str]) -> None:
        for key in table:
            if key not in tuple(known):
                self._fault(where, f"key {key!r} is unknown; known are {', '.join(known)}")

    def _text(self, where: str, table: Table, key: str, *, needed: bool = False) -> str | None:
        value = table.get(key)
        if value is None and not needed:
            return None
        if not isinstance(value, str) or not value.strip():
            self._fault(where, f'{key} must be a text, such as {key} = "…"')
            return None
        return value

    def _flag(self, where: str, table: Table, key: str) -> bool | None:
        value = table.get(key)
        if value is not None and not isinstance(value, bool):
            self._fault(where, f"{key} must be true or false")
            return None
        return value

    def _number(self, where: str, table: Table, key: str, low: float, high: float) -> float | None:
        value = table.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self._fault(where, f"{key} must be a number from {low:g} to {high:g}")
            return None
        return value

    def _strings(self, where: str, table: Table, key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            self._fault(where, f"{key} must be a list of texts")
            return ()
        return tuple(value)

    def _names(self, where: str, table: Table, key: str, what: str, known: tuple[str, ...]) -> tuple[str, ...]:
        """A list of names out of a vocabulary, groups (``@staff``) written out."""
        found: list[str] = []
        for name in self._strings(where, table, key):
            if name.startswith("@") and name[1:] in self.groups:
                found.extend(self.groups[name[1:]])
            elif name in known:
                found.append(name)
            else:
                self._fault(where, f"{key}: {what} {name!r} is unknown; known are {', '.join(known)}")
        return tuple(dict.fromkeys(found))

    def _told(self, where: str, table: Table, key: str) -> tuple[str, ...]:
        roles = self._names(where, table, key, "role", ROLES)
        for role in roles:
            if role in NEVER_TOLD:
                self._fault(
                    where, f"{key}: {role!r} never gets an automatic notice; name the person who decides to call them"
                )
        return roles

    def _tables(self, key: str) -> list[tuple[str, Table]]:
        """Every table of that name with where it stands: the nearest layer first, one id only once."""
        found: dict[str, tuple[str, Table]] = {}
        for layer in self.layers:
            seen: set[str] = set()
            tables = layer.get(key, [])
            if not isinstance(tables, list) or not all(isinstance(t, dict) for t in tables):
                self._fault(key, f"must be written as [[{key}]]")
                continue
            for number, table in enumerate(tables, 1):
                name = str(table.get("id", f"{layer.get('name', '')} {number}"))
                where = f"{key} {name!r}" if "id" in table else f"{key} {number}"
                if name in seen:
                    self._fault(where, "id is used twice")
                seen.add(name)
                found.setdefault(name, (where, table))
        return list(found.values())

    def _merged(self, key: str) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for layer in reversed(self.layers):
            table = layer.get(key, {})
            if isinstance(table, dict):
                merged.update(table)
            else:
                self._fault(key, f"must be written as [{key}]")
        return merged

    def _lists(self, key: str, known: tuple[str, ...] = ROLES) -> dict[str, tuple[str, ...]]:
        table = self._merged(key)
        self.groups = {}
        return {name: self._names(key, table, name, "role", known) for name in table}
