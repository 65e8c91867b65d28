"""The shipped policy packs, and the reading of these and of a school's own file that extends one of them."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from alerts.errors import PolicyError, UnknownNameError
from alerts.packs.form import Form
from alerts.policy import Pack

PACKS = ("wessex", "arden", "wolsey_house", "one_education", "leading_edge")
HOUSE = "house"


def load_pack(name_or_path: str | Path) -> Pack:
    """A shipped pack by its name, or a school's own by the path of its TOML file.

    Raises:
        UnknownNameError: no shipped pack has that name; the valid ones are listed.
        PolicyError: the file cannot be read, or breaks a rule; every problem is named at once.
    """
    if not is_file(name_or_path):
        return shipped(str(name_or_path))
    path = Path(name_or_path)
    return pack_of_text(path.stem, read_own(path))


def is_file(name_or_path: str | Path) -> bool:
    """Whether this is the path of a school's own file, not the name of a shipped pack."""
    text = str(name_or_path)
    return isinstance(name_or_path, Path) or text.endswith(".toml") or "/" in text or "\\" in text


def pack_of_text(name: str, text: str) -> Pack:
    """The pack that a school's own text describes; ``name`` is what its problems are told under.

    Raises:
        PolicyError: it is not TOML, or breaks a rule; every problem is named at once.
    """
    try:
        return _pack(name, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(name, (f"{name}: is not TOML: {error}",)) from error


@cache
def shipped(name: str) -> Pack:
    """The shipped pack of that name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in PACKS:
        raise UnknownNameError("policy pack", name, PACKS)
    return _pack(name, _document(name))


def _pack(name: str, document: dict[str, Any]) -> Pack:
    """The pack of a document and of all that it stands on, nearest first."""
    layers = [document]
    while (parent := layers[-1].get("extends")) is not None:
        if parent not in (*PACKS, HOUSE) or len(layers) > len(PACKS):
            raise PolicyError(name, (f"extends: {parent!r} is no shipped pack; write one of {', '.join(PACKS)}",))
        layers.append(_document(parent))
    if layers[-1].get("name") != HOUSE:
        layers.append(_document(HOUSE))
    return Form(name, layers).pack()


def _document(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def read_own(path: Path) -> str:
    """The text of a school's own file.

    Raises:
        PolicyError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise PolicyError(
            path.stem, (f"{path}: cannot be read ({error.strerror or error}); write the path of a file",)
        ) from error
    except UnicodeDecodeError as error:
        raise PolicyError(path.stem, (f"{path}: is not TOML: {error}",)) from error
