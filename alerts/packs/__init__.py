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
    text = str(name_or_path)
    if isinstance(name_or_path, str) and not text.endswith(".toml") and "/" not in text and "\\" not in text:
        return shipped(text)
    return _pack(Path(text).stem, _own(Path(text)))


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


def _own(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PolicyError(
            path.stem, (f"{path}: cannot be read ({error.strerror or error}); write the path of a file",)
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PolicyError(path.stem, (f"{path}: is not TOML: {error}",)) from error
