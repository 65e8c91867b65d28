"""What may stand in a classifier's options: every fault in plain words, before anything is loaded."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_WORDS = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    Path: "a text",
}


def faults(made: type, options: Mapping[str, Any]) -> tuple[str, ...]:
    """Each fault in the options of a class that is made with them: a key that it lacks or does not know, or a value.

    A class may say in ``EXAMPLE`` what its options look like; it is shown where one is missing.
    """
    known = inspect.signature(made).parameters
    hints = typing.get_type_hints(made.__init__) if known else {}  # type: ignore[misc]
    found = [f"{key}: {_unknown(key, known)}" for key in options if key not in known]
    found += [f"{key}: {wrong}" for key in known if key in options and (wrong := misfit(options[key], hints[key]))]
    example = getattr(made, "EXAMPLE", None)
    such = f", for example {example}" if example else ""
    found += [
        f"{key}: missing; write {' or '.join(_kinds(hints[key]))}{such}"
        for key, parameter in known.items()
        if parameter.default is parameter.empty and key not in options
    ]
    return tuple(found)


def misfit(value: Any, hint: Any) -> str | None:
    """What a value should be, where it is none of a type; ``None`` where it is one."""
    return None if _fits(value, hint) else f"must be {' or '.join(_kinds(hint))}"


def _unknown(key: str, known: Mapping[str, object]) -> str:
    import difflib  # only once something is wrong

    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    if near:
        return f"unknown option; did you mean {near[0]}?"
    return f"unknown option; known here are {', '.join(known)}" if known else "unknown option; it takes none"


def _fits(value: Any, hint: Any) -> bool:
    if isinstance(hint, types.UnionType):
        return any(_fits(value, inner) for inner in typing.get_args(hint))
    if typing.get_origin(hint) is Mapping:
        key, inner = typing.get_args(hint)
        return isinstance(value, Mapping) and all(_fits(k, key) and _fits(v, inner) for k, v in value.items())
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, (int, float) if hint is float else hint)


def _kinds(hint: Any) -> Iterator[str]:
    """What may be written for a type, in words; that it may be left out is not said."""
    if isinstance(hint, types.UnionType):
        yield from dict.fromkeys(kind for inner in typing.get_args(hint) for kind in _kinds(inner))
    elif typing.get_origin(hint) is Mapping:
        yield f"a table in which each name has {' or '.join(_kinds(typing.get_args(hint)[1]))}"
    elif hint is not types.NoneType:
        yield _WORDS[hint]
