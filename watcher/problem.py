"""Puts what is wrong with the settings into words: the full key, and what to write instead."""

from __future__ import annotations

import difflib
import math
import types
import typing
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

_NO_NUMBER = "must be a plain number, such as 30; nan and inf are none"


def problems_of(error: ValidationError, model: type[BaseModel]) -> tuple[str, ...]:
    """Every problem of a validation, one line each, in the order of their keys."""
    lines = {_line(details, model) for details in error.errors(include_url=False, include_input=False)}
    return tuple(sorted(lines))


def _line(details: ErrorDetails, model: type[BaseModel]) -> str:
    place = _without_union(details["loc"])
    key = full_key(place)
    if details["type"] == "extra_forbidden":
        return f"{key}: unknown key; {_suggestion(place, model)}"
    if details["type"] == "missing":
        return f"{key}: missing; add it"
    return f"{key}: {_message(details)}"


def _message(details: ErrorDetails) -> str:
    if details["type"] == "finite_number":
        return _NO_NUMBER
    message = details["msg"].removeprefix("Value error, ").removeprefix("value is not ")
    return f"{message[:1].lower()}{message[1:]}"


def misfit(value: Any, annotation: Any) -> str | None:
    """Why a value is none of a type, or ``None`` where it is one."""
    if isinstance(value, float) and not math.isfinite(value):
        return _NO_NUMBER
    try:
        TypeAdapter(annotation).validate_python(value, strict=True)
    except ValidationError as error:
        return _message(error.errors(include_url=False, include_input=False)[0])
    return None


def full_key(place: Iterable[int | str]) -> str:
    """``("accounts", 2, "token")`` as ``accounts[3].token``, counted from one as a reader counts."""
    key = ""
    for part in place:
        key += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if key else str(part)
    return key


def _without_union(place: tuple[int | str, ...]) -> tuple[int | str, ...]:
    """The place without the names that pydantic adds for the branch of a union it tried."""
    return tuple(part for part in place if isinstance(part, int) or not (part[:1].isupper() or part in ("str", "int")))


def _suggestion(place: tuple[int | str, ...], model: type[BaseModel]) -> str:
    known = sorted(_keys(place[:-1], model))
    near = difflib.get_close_matches(str(place[-1]), known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"known here are {', '.join(known)}"


def _keys(place: tuple[int | str, ...], model: type[BaseModel]) -> set[str]:
    """The keys that may stand at a place."""
    here: Any = model
    for part in place:
        if isinstance(part, int):
            continue
        fields = {f.alias or name: f for name, f in here.model_fields.items()}
        if part not in fields:
            return set()
        here = _model_in(fields[part].annotation)
        if here is None:
            return set()
    return {f.alias or name for name, f in here.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The table inside ``tuple[Row, ...]`` or ``Row | None``."""
    if (
        isinstance(annotation, type)
        and not isinstance(annotation, types.GenericAlias)
        and issubclass(annotation, BaseModel)
    ):
        return annotation
    for inner in typing.get_args(annotation):
        found = _model_in(inner)
        if found is not None:
            return found
    return None
