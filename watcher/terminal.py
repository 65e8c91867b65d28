"""What a person reads in a terminal: rows as a table, one thing as a sheet, and nothing that steers the terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NoReturn

# What a pipe or a file gets: wide enough that no cell of ours is cut.
_UNBOUND = 240
_USAGE = 2  # the exit code of a command that was called wrongly
# Whether a program reads the answer: then what is wrong is JSON, too.
_TO_PROGRAM: ContextVar[bool] = ContextVar("to_program", default=False)


def stop(message: str, code: int = 1) -> NoReturn:
    """Say what is wrong and end."""
    if _TO_PROGRAM.get():
        say({"error": message, "type": "UsageError" if code == _USAGE else "WatcherError"})
    else:
        tell(f"watcher: {message}")
    raise SystemExit(code)


@contextmanager
def answering(*, as_json: bool) -> Iterator[None]:
    """A command's work: for programs, what is wrong is an object with ``error`` and ``type`` on standard output."""
    from alerts.errors import AlertError
    from connectors.errors import ConnectorError
    from watcher.errors import WatcherError

    if not as_json:
        yield
        return
    kept = _TO_PROGRAM.set(True)
    try:
        yield
    except (WatcherError, AlertError, ConnectorError) as error:
        _end(str(error), error)
    except OSError as error:
        _end(trouble(error), error)
    finally:
        _TO_PROGRAM.reset(kept)


def _end(message: str, error: Exception) -> NoReturn:
    say({"error": message, "type": type(error).__name__})
    raise SystemExit(1) from None


def say(value: Any) -> None:
    """One JSON value as one ASCII line."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def tell(line: str) -> None:
    """A line for a person, on standard error."""
    sys.stderr.write(harmless(line) + "\n")
    sys.stderr.flush()


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Rows as JSON Lines, or as a table."""
    if not as_json:
        print_table(rows)
        return
    for row in rows:
        say(row)


def harmless(text: str) -> str:
    """The text without what would steer a terminal or turn the reading direction: platforms may send anything."""
    return "\n".join(
        "".join(character if character.isprintable() else " " for character in line) for line in text.split("\n")
    )


def trouble(error: OSError) -> str:
    """What the machine refused, in its own words."""
    what = error.strerror or type(error).__name__
    return what if error.filename is None else f"{error.filename}: {what}"


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of the same keys as a table that fits the terminal; long words are folded, none is cut."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for key in rows[0] if rows else ("nothing",):
        table.add_column(key.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console(width=None if sys.stdout.isatty() else _UNBOUND, highlight=False, markup=False).print(table)


def sheet(row: Mapping[str, Any]) -> Iterator[str]:
    """One thing, a line a key; what is a list of things itself follows with a line each."""
    for key, value in row.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            yield f"{key.replace('_', ' ')}:"
            yield from ("  " + "  ".join(_words(part) for part in item.values()) for item in value)
        else:
            yield f"{key.replace('_', ' '):14} {_words(value)}"


def _words(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return harmless(", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value))


def _cell(value: Any) -> Any:
    from rich.text import Text

    return Text(_words(value))
