"""Versions of the model: the one that the settings name and those taught here, which is in force, who may use which."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from alerts.school import School
from classifiers import registry
from classifiers.classifier import Classifier
from classifiers.errors import ClassifierError, OptionError
from watcher.config import Settings
from watcher.errors import ConfigError, VersionError
from watcher.store import Store

log = structlog.get_logger(__name__)

ENCODER = "encoder"
# What a version's card says of how it was taught, and the store's fact of which one was chosen.
TAUGHT, COMPARED = "taught", "compared"
_FACT = "model_version"


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version: its folder, how many corrections of which school it learned from, and its figures.

    ``compared`` holds the figures of this version and of the one it was shown beside, on the same rows.
    """

    name: str
    folder: Path
    is_base: bool = False
    made_at: str | None = None
    taught: Mapping[str, int] = field(default_factory=dict)
    compared: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)


def base(settings: Settings) -> Version:
    """The version that the settings name, or that Watcher came with; no correction has gone into it.

    Raises:
        VersionError: it has no card that can be read.
    """
    from classifiers.encoder import SHIPPED

    folder = Path(settings.models.options.get(ENCODER, {}).get("path") or SHIPPED)
    return _read(folder, is_base=True)


def known(settings: Settings) -> tuple[Version, ...]:
    """Every version that is here: the base, then those taught here, the oldest first.

    Raises:
        VersionError: the base has no card that can be read.
    """
    return (base(settings), *taught_here(settings))


def taught_here(settings: Settings) -> tuple[Version, ...]:
    """The versions that learned from corrections, the oldest first; one that is being made is none yet.

    Raises:
        VersionError: one has a card that cannot be read.
    """
    folder = Path(settings.models.folder)
    cards = folder.glob("[!.]*/card.json") if folder.is_dir() else ()
    return tuple(sorted((_read(card.parent) for card in cards), key=lambda v: (v.made_at or "", v.name)))


def find(settings: Settings, name: str) -> Version:
    """The version of that name.

    Raises:
        VersionError: there is none.
    """
    versions = known(settings)
    for version in versions:
        if version.name == name:
            return version
    raise VersionError(f"there is no version {name}; there are {', '.join(v.name for v in versions)}")


def _read(folder: Path, *, is_base: bool = False) -> Version:
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        taught = card.get(TAUGHT, {})
        return Version(
            name=str(card["version"]),
            folder=folder,
            is_base=is_base,
            made_at=taught.get("at"),
            taught=dict(taught.get("schools", {})),
            compared=card.get(COMPARED, {}),
            figures=card.get("figures", {}),
        )
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise VersionError(f"{folder / 'card.json'} cannot be read ({type(error).__name__}: {error})") from error


def refusal(version: Version, schools: Sequence[School]) -> str | None:
    """Why this version may not read the posts of these schools, or ``None`` where it may."""
    agreed = {school.id: school.corrections for school in schools}
    for name in version.taught:
        if name not in agreed:
            return f"it learned from corrections of {name}, which is not watched here"
        if agreed[name] == "off":
            return f"it learned from corrections of {name}, which does not agree to that (any more)"
        others = sorted(agreed.keys() - {name})
        if agreed[name] == "own" and others:
            return (
                f'it learned from corrections that {name} keeps to itself (corrections = "own"), '
                f"and {_names(others)} would be read by it too"
            )
    return None


def _names(ids: Sequence[str]) -> str:
    return ", ".join(ids) if len(ids) <= 3 else f"{', '.join(ids[:2])} and {len(ids) - 2} more"  # noqa: PLR2004


def in_force(settings: Settings, store: Store) -> Version:
    """The version that reads, or would read if the service ran: the chosen one where it may be used, else the base.

    Raises:
        VersionError: the chosen one, or the base, is not there.
    """
    chosen = _chosen(store)
    if chosen is None:
        return base(settings)
    version = find(settings, chosen)
    return base(settings) if refusal(version, store.register.all().schools) else version


def _chosen(store: Store) -> str | None:
    found = store.recall(_FACT)
    return None if found is None else found[0]["chosen"]


def is_chosen(settings: Settings, store: Store, name: str) -> bool:
    """Whether a version is the chosen one and in force, so that to choose it would change nothing.

    Raises:
        VersionError: the chosen one, or the base, is not there.
    """
    chosen = _chosen(store)
    if ENCODER not in settings.models.classifiers or name != (chosen or base(settings).name):
        return False
    return in_force(settings, store).name == name


def use(settings: Settings, store: Store, name: str, now: datetime) -> Version:
    """Choose a version; a running service goes over to it at its next turn, another at its start.

    Raises:
        VersionError: there is no such version, or it may not be used here.
        ModelNotFoundError: its files are broken.
    """
    version = find(settings, name)
    if ENCODER not in settings.models.classifiers:
        raise VersionError(f'models.classifiers names no "{ENCODER}", so none of its versions reads anything')
    why = refusal(version, store.register.all().schools)
    if why is not None:
        raise VersionError(f"version {name} may not be used: {why}")
    _open(ENCODER, settings, version.folder)
    store.remember(_FACT, {"chosen": None if version.is_base else version.name}, now)
    return version


def remove(settings: Settings, store: Store, name: str) -> None:
    """Delete a version that was taught here.

    Raises:
        VersionError: there is no such version, it is in force, or it was not made here.
    """
    version = find(settings, name)
    if version.is_base:
        raise VersionError(f"version {name} was not taught here; it stays")
    if _chosen(store) == name:
        raise VersionError(f"version {name} is chosen; first `watcher models use {base(settings).name}`")
    shutil.rmtree(version.folder)


def barred(settings: Settings, store: Store) -> tuple[tuple[Version, str], ...]:
    """The versions taught here that may not be used (any more), each with the reason."""
    schools = store.register.all().schools
    found = ((version, refusal(version, schools)) for version in taught_here(settings))
    return tuple((version, why) for version, why in found if why is not None)


def open_models(settings: Settings, folder: Path | None = None) -> list[Classifier]:
    """The classifiers, loaded and ready; ``folder`` holds the encoder's version where another than the base is chosen.

    Raises:
        ConfigError: an option is none of the model's.
        ModelNotFoundError: a model's files are missing or broken.
    """
    return [_open(name, settings, folder) for name in settings.models.classifiers]


def _open(name: str, settings: Settings, folder: Path | None) -> Classifier:
    options = dict(settings.models.options.get(name, {}))
    if name == ENCODER and folder is not None:
        options["path"] = str(folder)
    return load(name, options)


def load(name: str, options: Mapping[str, Any]) -> Classifier:
    """A classifier made with the options that the settings give it.

    Raises:
        ConfigError: an option is none of the model's.
        ModelNotFoundError: there is no such classifier, or its files are missing or broken.
    """
    try:
        return registry.load(name, options)
    except OptionError as error:
        raise ConfigError(tuple(f"models.options.{name}.{problem}" for problem in error.problems)) from error


class Choice:
    """The models as chosen in the store; asks it whether others have been chosen since."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._taken: tuple[str | None, str | None] = (None, None)

    def load(self) -> list[Classifier]:
        """The models to begin with.

        Raises:
            ConfigError: an option is none of the model's.
            VersionError: the chosen version is not there.
            ModelNotFoundError: a model's files are missing or broken.
        """
        self._taken = self._now()
        return open_models(self._settings, self._folder())

    def newer(self) -> list[Classifier] | None:
        """The models now chosen, where they are others than those given last; one that is broken is left alone.

        Raises:
            StoreError: the store cannot be read.
        """
        now = self._now()
        if now == self._taken:
            return None
        self._taken = now
        try:
            return open_models(self._settings, self._folder())
        except (VersionError, ClassifierError, ConfigError) as error:
            log.error("model_not_switched", version=now[0], error=str(error))
            return None

    def _now(self) -> tuple[str | None, str | None]:
        """Which version is chosen, and why it may not be used."""
        chosen = _chosen(self._store) if ENCODER in self._settings.models.classifiers else None
        if chosen is None:
            return None, None
        try:
            version = find(self._settings, chosen)
        except VersionError:
            return chosen, None
        return chosen, refusal(version, self._store.register.all().schools)

    def _folder(self) -> Path | None:
        chosen, why = self._taken
        if chosen is None:
            return None
        if why is not None:
            log.warning("model_refused", version=chosen, why=why, instead=base(self._settings).name)
            return None
        return find(self._settings, chosen).folder
