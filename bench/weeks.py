"""Digests over clocks that jump, restarts and time zones: is any week missed, is any told twice?

Run:  python bench/weeks.py --jumps 10000 [--seed 1] [--store sqlite:///… | postgresql://…]

The real store and the real teller; time goes by in steps of some hours, and at each step the clock that the service
sees may be wrong by up to sixty days either way, the process may end in the middle of writing, or start anew. At the
end every week that passed must have exactly one notice for each leader of each school and trust.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alerts.digest import digest_subject, due_at, weeks_due
from watcher.app import pack_of
from watcher.config import Settings, load
from watcher.enrolment import apply
from watcher.scope import leaders, scopes
from watcher.store import Store
from watcher.telling import Teller

START = datetime(2025, 9, 1, 6, tzinfo=UTC)
# In the south, far in the west, by a half hour, and at home: clocks change there on other days, or never.
ZONES = ("Europe/London", "Pacific/Auckland", "America/St_Johns", "Asia/Kolkata")
_STEP = timedelta(hours=5)
_FARTHEST_S = 60 * 86400


@dataclass(frozen=True)
class Result:
    """What came of it: owed and written notices, those missing, and those written twice."""

    jumps: int
    restarts: int
    cut_short: int
    owed: int
    written: int
    missed: int
    twice: int


def run(url: str, folder: Path, jumps: int, seed: int = 1) -> Result:
    """Let that many jumps go by over a store of its own."""
    draw = random.Random(seed)
    settings = _settings(folder)
    store = Store(url)
    store.migrate()
    apply(settings, store, "watcher.toml", START)
    teller = Teller(store, settings, pack_of)
    new: Counter[str] = Counter()
    restarts = cut_short = 0
    true = START
    _write(store, teller, true, new, None)
    for _ in range(jumps):
        true += _STEP * draw.random() * 2
        wrong = timedelta(seconds=draw.choice((0, 0, draw.uniform(-3600, 3600), draw.uniform(-1, 1) * _FARTHEST_S)))
        stop_after = draw.choice((None, None, None, 0, 1, 2))
        cut_short += _write(store, teller, true + wrong, new, stop_after)
        if draw.random() < 0.05:
            restarts += 1
            store.close()
            store = Store(url)
            teller = Teller(store, settings, pack_of)
    # The clock is right at last, and the process lives: what is owed by then is written.
    _write(store, teller, true, new, None)
    owed = set(_owed(store, true))
    written = {notice.id for subject in {s for s, _ in owed} for notice in store.notices.of(subject)}
    missed = [pair for pair in owed if pair[1] not in {n.receiver for n in store.notices.of(pair[0])}]
    twice = sum(n > 1 for n in new.values())
    store.close()
    return Result(jumps, restarts, cut_short, len(owed), len(written), len(missed), twice)


def _write(store: Store, teller: Teller, now: datetime, new: Counter[str], stop_after: int | None) -> bool:
    """One round as the service does it; whether it was cut short after so many notices."""
    for place, notice in enumerate(teller.digests(now)):
        if place == stop_after:
            return True
        if store.notices.add(notice, now):
            new[f"{notice.subject_of} {notice.receiver}"] += 1
    return False


def _owed(store: Store, now: datetime) -> list[tuple[str, str]]:
    """Each week that fell due since the start, for each leader of each school and trust."""
    register = store.register.all()
    found = []
    for scope, schools in scopes(register):
        zone = schools[0].timezone
        week = weeks_due(START, zone, None)[-1]
        while True:
            following = weeks_due(due_at(week, zone) + timedelta(days=8), zone, week)
            week = following[-1]
            if due_at(week, zone) > now:
                break
            found += [(digest_subject(scope, week), r.person) for r in leaders(scope, schools, register, now)]
    return found


def _settings(folder: Path) -> Settings:
    rows = ['[mail]\nfrom = "watcher@it.example"\n[alerts]\nlast_resort = "desk@it.example"']
    rows.append('[[trusts]]\nid = "northmere"\nname = "Northmere Learning Trust"')
    rows.append('[[people]]\nid = "ray"\nname = "Pat Ray"\nemail = "ray@x.example"')
    rows.append('[[holdings]]\nperson = "ray"\nrole = "ceo"\ntrust = "northmere"')
    for number, zone in enumerate(ZONES):
        rows.append(
            f'[[schools]]\nid = "s{number}"\nname = "School {number}"\npack = "wessex"\ntrust = "northmere"\n'
            f'timezone = "{zone}"'
        )
        rows.append(f'[[people]]\nid = "h{number}"\nname = "Pat Head"\nemail = "h{number}@x.example"')
        rows.append(f'[[holdings]]\nperson = "h{number}"\nrole = "headteacher"\nschool = "s{number}"')
    file = folder / "watcher.toml"
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return load(file)


def main() -> int:
    """Run and print; exit code 1 where a week was missed or told twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jumps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", help="an empty database; by default a file that is thrown away")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        began = time.monotonic()
        found = run(chosen.store or f"sqlite:///{place}/watcher.db", Path(place), chosen.jumps, chosen.seed)
        print(f"{found}  {time.monotonic() - began:.0f} s")
    return 1 if found.missed or found.twice or found.owed != found.written else 0


if __name__ == "__main__":
    sys.exit(main())
