"""Which policy pack is in force: the newest that was accepted, while a bad one is refused and somebody hears of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from alerts.errors import PolicyError
from alerts.packs import is_file, load_pack, pack_of_text, read_own
from alerts.policy import Pack, tag
from watcher.blindness import Faults
from watcher.config import Settings
from watcher.errors import ConfigError, StoreError
from watcher.secret import plain
from watcher.serving import Providers
from watcher.store import Store
from watcher.store.migration import standing

log = structlog.get_logger(__name__)

# How the fault of a refused pack is called among the faults.
POLICY = "policy "


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A pack's newest text was refused: every problem, and the version that stays in force."""

    name: str
    problems: tuple[str, ...]
    version: str


def kept_packs(settings: Settings) -> frozenset[str]:
    """The schools' own packs of which an accepted version is kept in the database; looking makes nothing."""
    try:
        store = Store(plain(settings.database.url, "database.url") or "")
        if standing(store.engine) != "current":
            return frozenset()
        names = {school.pack for school in settings.schools}
        return frozenset(name for name in names if store.packs.get(name) is not None)
    except (ConfigError, StoreError):
        return frozenset()


class Packs:
    """The packs in force, by the name or path that the settings give; call it with one to have the pack."""

    def __init__(self, store: Store, clock: Callable[[], datetime], *, keep: bool = True) -> None:
        """``keep`` says whether what is accepted or refused is written down; a command only looks."""
        self._store, self._clock, self._writes = store, clock, keep
        self._found: dict[str, Pack] = {}
        self._texts: dict[str, str | None] = {}
        self._refused: dict[str, Refusal] = {}

    def __call__(self, name: str) -> Pack:
        """The pack in force.

        Raises:
            PolicyError: it is refused, and none was accepted before.
            UnknownNameError: no shipped pack has that name.
        """
        if name not in self._found:
            self._take(name, self._clock())
        return self._found[name]

    def refusals(self) -> tuple[Refusal, ...]:
        """The packs whose newest text was refused."""
        return tuple(self._refused[name] for name in sorted(self._refused))

    def refresh(self, names: Iterable[str], now: datetime) -> bool:
        """Look at the files again; whether another pack than before is in force."""
        before = {name: tag(self(name)) for name in sorted(set(names))}
        for name in before:
            if is_file(name) and self._text(name) != self._texts.get(name):
                self._take(name, now)
        return any(tag(self(name)) != old for name, old in before.items())

    def _text(self, name: str) -> str | None:
        try:
            return read_own(Path(name))
        except PolicyError:
            return None

    def _take(self, name: str, now: datetime) -> None:
        if not is_file(name):
            self._found[name] = load_pack(name)
            return
        try:
            text = read_own(Path(name))
            pack = pack_of_text(Path(name).stem, text)
        except PolicyError as error:
            self._keep(name, error, now)
            return
        self._found[name], self._texts[name] = pack, text
        self._refused.pop(name, None)
        if self._writes:
            self._store.packs.accept(name, pack.version, pack.digest, text, now)

    def _keep(self, name: str, error: PolicyError, now: datetime) -> None:
        """Go on with what was accepted last.

        Raises:
            PolicyError: nothing was.
        """
        kept = self._store.packs.get(name)
        if kept is None or not kept.body:
            raise error
        try:
            self._found[name] = pack_of_text(Path(name).stem, kept.body)
        except PolicyError:
            raise error from None
        self._texts[name] = self._text(name)
        self._refused[name] = Refusal(name=name, problems=error.problems, version=kept.version)
        if not self._writes:
            return
        self._store.packs.refuse(name, "\n".join(error.problems), now)
        log.error("pack_refused", pack=name, problems=list(error.problems), in_force=kept.version)


class Guard:
    """Looks at the packs' files while the service runs, and has the IT provider told of one that is refused."""

    def __init__(self, store: Store, packs: Packs, faults: Faults) -> None:
        self._store, self._packs, self._faults = store, packs, faults

    def watch(self, now: datetime) -> int:
        """Take up what changed, and open or end the matters of refused packs; how much was done."""
        schools = self._store.register.all().schools
        done = int(self._packs.refresh((school.pack for school in schools), now))
        if done:
            self._store.matters.reopen_for({s.id: tag(self._packs(s.pack)) for s in schools})
        refused = {refusal.name: refusal for refusal in self._packs.refusals()}
        gone = tuple(kept.name for kept in self._store.packs.refused() if kept.name not in refused)
        if gone:
            self._store.packs.forget(gone)
        open_ones = self._store.incidents.fault_schools()
        for fault in open_ones:
            if fault.startswith(POLICY) and fault.removeprefix(POLICY).partition("|")[0] not in refused:
                self._store.incidents.end_fault(fault, now, "the policy pack is sound again")
                done += 1
        return done + sum(self._tell(refusal, open_ones, now) for refusal in refused.values())

    def _tell(self, refusal: Refusal, open_ones: dict[str, str], now: datetime) -> int:
        providers = Providers(self._store, self._packs, now)
        using = [school.id for school in providers.schools.values() if school.pack == refusal.name]
        key = f"{POLICY}{refusal.name}"
        told = [school for fault, school in open_ones.items() if fault.partition("|")[0] == key]
        missing = providers.untold(using, told)
        why = (
            f"The policy pack {refusal.name} is refused, and version {refusal.version} stays in force: "
            f"{'; '.join(refusal.problems)}. Correct the file; `watcher policy check {refusal.name}` says when it is "
            "sound."
        )
        for school in missing:
            self._faults.open(key, providers.schools[school], why, now, named=f"{key}|{school}")
        return len(missing)
