"""An invented month of posts about invented schools, for the simulation of reading."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from alerts.school import School

START = datetime(2026, 10, 1, tzinfo=UTC)
HOURS = (1, 0.5, 0.3, 0.2, 0.2, 0.4, 1.5, 5, 8, 4, 4, 4.5, 5, 4.5, 5, 8, 8, 7, 6.5, 6, 6, 5, 4, 2)
DAYS = (1.0, 1.0, 1.0, 1.0, 0.9, 0.45, 0.45)
HALF_TERM = (date(2026, 10, 26), date(2026, 10, 30))
# Posts a school day: what accounts say, what is answered to them, what names them, what names the school alone.
RATES = {
    "x": (1.0, 0.8, 0.3, 0.15),
    "facebook": (1.2, 2.0, 0.2, 0),
    "instagram": (0.6, 1.0, 0.1, 0),
    "youtube": (0.05, 0.1, 0, 0.01),
    "reddit": (0, 0, 0, 0.02),
    "bluesky": (0, 0, 0, 0.03),
    "mastodon": (0, 0, 0, 0.01),
}
HAVE = {"x": 0.7, "facebook": 0.85, "instagram": 0.5, "youtube": 0.25}
_FIRST = "Alder Ash Beck Birch Bourne Brook Carr Castle Clay Cliff Dale Deep Elm Fair Fern Ford Glen Green Hart Hazel"
_LAST = "bridge bury by cliffe combe den dale field ford gate ham hill hurst ley mere ness port ridge shaw thorpe wick"
_KINDS = ("Primary School", "Primary School", "Primary School", "Academy", "High School", "C of E Primary School")


@dataclass(frozen=True, kw_only=True)
class Item:
    """An invented post: when, on which platform, of which kind, and the schools that it concerns."""

    at: float
    platform: str
    kind: str
    schools: tuple[str, ...]
    named: bool = False
    storm: bool = False


def schools(number: int, rng: random.Random) -> list[School]:
    """So many invented schools, each with a name, a short name, and seven in ten with a handle on X."""
    found: dict[str, School] = {}
    while len(found) < number:
        place = rng.choice(_FIRST.split()) + rng.choice(_LAST.split())
        kind = rng.choice(_KINDS)
        if place in found:
            continue
        handle = (place + "".join(word[0] for word in kind.split()),) if rng.random() < HAVE["x"] else ()
        short = f"{place} {kind.removesuffix(' School')}"
        found[place] = School(
            id=place.lower(), name=f"{place} {kind}", pack="wessex", short_names=(short,), handles=handle
        )
    return list(found.values())


class Traffic:
    """Invented posts: a Poisson stream a school, platform and kind, by the hour, the weekday and half-term.

    Two storms: 600 posts in five hours on a Friday night about one school, and 1,500 in eight hours about five.
    """

    def __init__(self, every: Sequence[School], days: int, rng: random.Random) -> None:
        self._rng, self._days = rng, days
        self.members = {p: [s.id for s in every if rng.random() < share] for p, share in HAVE.items()}
        self.members["x"] = [s.id for s in every if s.handles]
        self.all = [s.id for s in every]

    def posts(self) -> list[Item]:
        """All of them, in order."""
        found = [item for platform, rates in RATES.items() for item in self._of(platform, rates)]
        found += self._storm(8, 18, 5, 600, self.members["x"][:1])
        found += self._storm(20, 12, 8, 1500, self.members["x"][1:6])
        return sorted((i for i in found if i.at < self._days * 86400), key=lambda item: item.at)

    def _of(self, platform: str, rates: Sequence[float]) -> Iterator[Item]:
        kinds = zip(("said", "answer", "mention", "named"), rates, strict=True)
        for kind, rate in ((kind, rate) for kind, rate in kinds if rate):
            members = self.all if kind == "named" else self.members[platform]
            for day in range(self._days):
                when = START + timedelta(days=day)
                holiday = 0.35 if HALF_TERM[0] <= when.date() <= HALF_TERM[1] else 1.0
                for _ in range(self._poisson(len(members) * rate * DAYS[when.weekday()] * holiday)):
                    hour = self._rng.choices(range(24), HOURS)[0]
                    yield self._item(day * 86400 + (hour + self._rng.random()) * 3600, platform, kind, members)

    def _item(self, at: float, platform: str, kind: str, members: Sequence[str]) -> Item:
        concerns = [self._rng.choice(members)]
        if kind == "named" and self._rng.random() < 0.03:
            concerns.append(self._rng.choice(members))
        named = kind == "named" or self._rng.random() < 0.3
        return Item(at=at, platform=platform, kind=kind, schools=tuple(concerns), named=named)

    def _storm(self, day: int, hour: int, hours: int, number: int, about: Sequence[str]) -> Iterator[Item]:
        for _ in range(number):
            at = day * 86400 + hour * 3600 + self._rng.random() * hours * 3600
            kind = self._rng.choice(("answer", "mention", "named"))
            yield replace(self._item(at, "x", kind, about), storm=True)

    def _poisson(self, mean: float) -> int:
        return max(round(self._rng.gauss(mean, mean**0.5)), 0)
