"""`watcher digest`: one week of a school or trust as its leader would read it, printed or opened; nothing is sent."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import webbrowser
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watcher import terminal
from watcher.terminal import stop, tell, trouble

if TYPE_CHECKING:
    from datetime import datetime

_DEFAULT = Path("watcher.toml")


def register(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command()(digest)


def digest(
    school: Annotated[str, typer.Option(help="the school's or trust's id")],
    config: Annotated[Path, typer.Option("--config", "-c", help="the settings, see config.example.toml")] = _DEFAULT,
    week: Annotated[str | None, typer.Option(help="such as 2026-W46; by default last week")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="write it as a page and open that in the browser")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")] = False,
) -> None:
    """Print the weekly digest of a school or trust, or open it as its leader sees it; sends nothing."""
    from dataclasses import asdict

    from alerts.excerpt import quotation
    from watcher.app import find_store, pack_of
    from watcher.config import load
    from watcher.scheduler import clock
    from watcher.telling import Teller

    if preview and as_json:
        stop("--preview opens a page and --json prints for programs: give one of them", code=2)
    with terminal.answering(as_json=as_json):
        settings = load(config)
        found, mail = Teller(find_store(settings), settings, pack_of).preview(school, week, clock())
    if as_json:
        # What may be quoted, and no more of it: the mail masks names, and so does this.
        praise = [quotation(excerpt) for excerpt in found.praise]
        matters = [{"reference": m.reference, "shut": True} if m.shut else asdict(m) for m in found.matters]
        sys.stdout.write(json.dumps({**asdict(found), "praise": praise, "matters": matters}, default=_written) + "\n")
    elif preview:
        _open(_body(mail, "html"), f"{school} {found.week}")
    else:
        typer.echo(_body(mail, "plain"))


def _body(mail: bytes, kind: str) -> str:
    body = message_from_bytes(mail, policy=policy.default).get_body((kind,))
    return "" if body is None else str(body.get_content())


def _open(page: str, name: str) -> None:
    """Write the page where only this user can read it, and open it; say where it is in any case."""
    plain = "".join(c if c.isalnum() or c == "-" else "-" for c in name)[:60]
    try:
        # Its name is not to be guessed, and the file is this user's alone.
        handle, path = tempfile.mkstemp(prefix=f"watcher-digest-{plain}-", suffix=".html")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(page)
    except OSError as error:
        stop(f"the page could not be written: {trouble(error)}")
    typer.echo(path)
    try:
        opened = webbrowser.open(Path(path).as_uri())
    except (OSError, webbrowser.Error):
        opened = False
    if not opened:
        tell("No browser could be opened here: open that file yourself. Delete it when you have read it.")


def _written(value: datetime) -> str:
    return str(value)
