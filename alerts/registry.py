"""Finds a channel by name, and imports it only then."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from alerts.channel import Channel
from alerts.errors import UnknownNameError

_HOMES = {
    "email": "alerts.email:EmailChannel",
    "folder": "alerts.folder:FolderChannel",
}


def known() -> tuple[str, ...]:
    """The names of all channels, sorted."""
    return tuple(sorted(_HOMES))


def load(name: str, options: Mapping[str, Any] | None = None) -> Channel:
    """A channel of that name, made with its options (each channel's constructor names its own).

    Raises:
        UnknownNameError: no such channel; the text lists those there are.
        AlertError: the options would not be safe, and what to write instead.
    """
    if name not in _HOMES:
        raise UnknownNameError("channel", name, known())
    module, _, made_by = _HOMES[name].partition(":")
    made: Channel = getattr(importlib.import_module(module), made_by)(**(options or {}))
    return made
