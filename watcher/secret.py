"""A secret as the settings name it: where it is, never what it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from watcher.errors import ConfigError
from watcher.problem import full_key


class Secret(BaseModel):
    """``{env = "NAME"}`` or ``{file = "path"}``; the value is read only when it is used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Secret:
        if (self.env is None) == (self.file is None):
            raise ValueError('name one place: {env = "NAME"} or {file = "path"}')
        return self

    @property
    def problem(self) -> str | None:
        """Why the secret cannot be read and what to do, or ``None`` when it can."""
        if self.env is not None:
            return None if os.environ.get(self.env) else f"the environment variable {self.env} is not set; set it"
        try:
            text = Path(str(self.file)).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return f"the file {self.file} cannot be read; create it, readable by the service alone"
        return None if text else f"the file {self.file} is empty; write the secret into it"

    def read(self, key: str) -> str:
        """The secret itself; ``key`` is the settings' full key, for the error.

        Raises:
            ConfigError: it is not where the settings say.
        """
        if self.problem is not None:
            raise ConfigError((f"{key}: {self.problem}",))
        if self.env is not None:
            return os.environ[self.env]
        return Path(str(self.file)).read_text(encoding="utf-8").strip()


def lacking(value: Any, place: tuple[int | str, ...] = ()) -> Iterator[str]:
    """What is wrong with the secrets named anywhere in settings that may not be sound otherwise."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from lacking(item, (*place, number))
    elif isinstance(value, dict) and set(value) in ({"env"}, {"file"}):
        try:
            found = Secret.model_validate(value).problem
        except ValidationError:
            return
        if found:
            yield f"{full_key(place)}: {found}"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from lacking(item, (*place, key))


def plain(value: str | Secret | None, key: str) -> str | None:
    """A value that may be written openly or named as a secret.

    Raises:
        ConfigError: the secret is not where the settings say.
    """
    return value.read(key) if isinstance(value, Secret) else value
