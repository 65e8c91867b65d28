"""The ledger in memory, for the simulation of reading: it refuses and sums as the store's does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.tariff import window
from watcher.store.ledger import Cap, Purse


class Twin:
    """The ledger in memory: the same sums as `watcher.store.ledger`, of the period at hand alone."""

    def __init__(self, caps: Sequence[Cap]) -> None:
        self.caps = tuple(caps)
        self.most: Counter[str] = Counter()
        self._holding: dict[tuple[str | None, ...], list[tuple[int, Cap]]] = {}
        self._open: dict[int, tuple[datetime, datetime, int]] = {}

    def spent(self, number: int, now: datetime) -> int:
        """What counts towards a cap now."""
        return self._at(number, now)[2]

    def reserve(self, purse: Purse, wants: Mapping[str, int], now: datetime) -> datetime | list[tuple[int, str]]:
        """Reserve all or none: where it is noted, or when the period of the cap that it would pass ends."""
        key = (purse.app, purse.platform, purse.school, *wants)
        held = self._holding.get(key)
        if held is None:
            held = [(n, cap) for n, cap in enumerate(self.caps) if cap.unit in wants and cap.holds_for(purse)]
            self._holding[key] = held
        for number, cap in held:
            _, end, spent = self._at(number, now)
            if spent + wants[cap.unit] > cap.amount - cap.kept:
                return end
        for number, cap in held:
            self._add(number, wants[cap.unit], now)
        return [(number, cap.unit) for number, cap in held]

    def settle(
        self, noted: Sequence[tuple[int, str]], wants: Mapping[str, int], came: Mapping[str, int], at: datetime
    ) -> None:
        """Write what a reservation of ``at`` came to."""
        for number, unit in noted:
            self._add(number, came.get(unit, 0) - wants[unit], at)
            cap = self.caps[number]
            self.most[cap.key] = max(self.most[cap.key], self._at(number, at)[2] - cap.amount)

    def _at(self, number: int, now: datetime) -> tuple[datetime, datetime, int]:
        known = self._open.get(number)
        if known is None or not known[0] <= now < known[1]:
            known = (*window(self.caps[number].period, now), 0)
            self._open[number] = known
        return known

    def _add(self, number: int, amount: int, now: datetime) -> None:
        start, end, spent = self._at(number, now)
        self._open[number] = (start, end, spent + amount)
