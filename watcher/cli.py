"""The commands. Each imports what it needs when it runs, so that a quick one starts quickly."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watcher import (
    acting,
    answering,
    connecting,
    deciding,
    learning,
    opening,
    policing,
    reporting,
    seeking,
    spending,
    terminal,
    watching,
)
from watcher.terminal import say, show, stop, tell

if TYPE_CHECKING:
    from watcher.config import Settings
    from watcher.store import Store

app = typer.Typer(
    name="watcher",
    help="Watches schools' social media and brings each matter to the person whom the school's policy names.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
learning.register(app)
reporting.register(app)
spending.register(app)
seeking.register(app)
deciding.register(app)
acting.register(app)
answering.register(app)
connecting.register(app)
watching.register(app)
opening.register(app)
policing.register(app)
ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="the settings, see config.example.toml")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")]
DEFAULT = Path("watcher.toml")


def _tell_version(asked: bool) -> None:
    if asked:
        from watcher import __version__

        typer.echo(f"watcher {__version__}")
        raise typer.Exit


@app.callback(help=app.info.help)
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="say which version this is")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run a command; what the operator can mend is said in words, on standard error, with exit code 1."""
    from alerts.errors import AlertError
    from classifiers.errors import ClassifierError
    from connectors.errors import ConnectorError
    from watcher.errors import WatcherError

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that lacks a character shows its number; half of a surrogate pair is no reason to break off.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except (WatcherError, AlertError, ClassifierError, ConnectorError) as error:
        stop(str(error))
    except OSError as error:
        stop(terminal.trouble(error))
    except KeyboardInterrupt:
        stop("interrupted", code=130)


def _settings(config: Path) -> Settings:
    from watcher.config import load

    return load(config)


def _store(settings: Settings) -> Store:
    """The store of these settings, with its tables as this version needs them; to look at it makes none."""
    from watcher.app import find_store

    return find_store(settings)


def _logs(level: str = "info") -> None:
    from watcher.journal import begin

    begin(level)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="where the demo keeps its database and outbox")] = Path("demo"),
    port: Annotated[int, typer.Option(help="where its pages are served")] = 8030,
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="how fast its four minutes pass")] = 1.0,
) -> None:
    """Show the main job on five invented schools: real connectors, a real database, mail as files."""
    from watcher.demo.show import show as show_demo

    _logs("warning")
    show_demo(folder, port, speed)


@app.command()
def run(config: ConfigFile = DEFAULT) -> None:
    """Run the service: poll, judge, tell, and serve the pages."""
    from watcher.app import owners_gave
    from watcher.app import run as serve
    from watcher.check import check, notes
    from watcher.packs import kept_packs
    from watcher.scheduler import clock

    _logs()
    settings = _settings(config)
    check(settings, kept=kept_packs(settings))
    for note in notes(settings, clock().date(), granted=owners_gave(settings)):
        tell(f"note: {note}")
    serve(settings, config, ready=lambda address: tell(f"Watcher runs; its pages are at {address}"))


@app.command()
def apply(
    config: ConfigFile = DEFAULT,
    preview: Annotated[bool, typer.Option("--preview", help="show what would change and change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: AsJson = False,
) -> None:
    """Write schools, people and accounts from the settings into the store, after a preview."""
    from alerts.wording import counted
    from watcher import enrolment
    from watcher.app import find_store, is_alive, is_made, open_store
    from watcher.check import check
    from watcher.scheduler import clock

    settings = _settings(config)
    check(settings)
    store = open_store(settings)
    made = is_made(store)
    if made and not preview:
        store.migrate()
    changes = enrolment.preview(settings, find_store(settings) if made else None, clock())
    if as_json:
        say([{"action": c.action, "kind": c.kind, "name": c.name, "fields": c.what} for c in changes])
    else:
        for change in changes:
            typer.echo(f"{change.action:7} {change.kind:8} {change.name}  {change.what}".rstrip())
        typer.echo(counted(len(changes), "change") if changes else "nothing to change")
    if preview or not changes:
        return
    if not yes and not sys.stdin.isatty():
        stop("nothing was written: add --yes to apply without being asked")
    if not yes and not typer.confirm("Apply?", err=True):
        stop("nothing was written")
    store.migrate()
    enrolment.apply(settings, store, config.name, clock())
    learning.tell_barred(settings, store)
    if is_alive(store, clock()) and any(change.kind == "account" for change in changes):
        tell("A service runs on this store: restart it, so that it reads the accounts as they are now.")


@app.command()
def poll(
    account: Annotated[str, typer.Option(help="the account's name in the settings")],
    config: ConfigFile = DEFAULT,
    max_pages: Annotated[int, typer.Option(min=1, help="stop after this many pages")] = 10,
    as_json: AsJson = False,
) -> None:
    """Read one account from its beginning and print its posts; stores nothing, moves no cursor."""
    from connectors.errors import ConnectorError
    from watcher.errors import WatcherError
    from watcher.reading import brief, read

    _logs("error")
    try:
        for post in read(_settings(config), account, max_pages, note=tell):
            if as_json:
                say(post.as_dict())
            else:
                typer.echo(terminal.harmless(brief(post)))
    except (ConnectorError, WatcherError) as error:
        if as_json:
            say({"error": str(error), "type": type(error).__name__})
            raise SystemExit(1) from None
        stop(str(error))


@app.command()
def route(
    policy: Annotated[str, typer.Option(help="a shipped pack's name, or a pack's file")],
    concern: Annotated[str, typer.Option(help="what the matter is")],
    about: Annotated[str | None, typer.Option(help="the role that is accused")] = None,
    target: Annotated[str | None, typer.Option(help="the role aimed at")] = None,
    author: Annotated[str | None, typer.Option(help="the kind of person who wrote it")] = None,
    as_json: AsJson = False,
) -> None:
    """Say whom a policy names for a concern, by when and by which clause; needs no database."""
    from dataclasses import asdict

    from alerts.errors import AlertError
    from alerts.packs import load_pack

    if about is not None and not about.strip(" ,"):
        stop("--about: names no role; leave it out where nobody is accused", code=2)
    try:
        found = load_pack(policy).route(concern, about=about, target=target, author=author)
    except AlertError as error:
        stop(str(error), code=2)
    answer = asdict(found)
    keys = ("recipients", "alternates", "clause", "within", "within_minutes", "exception", "fallback")
    shown = {key: answer[key] for key in (*keys, "instructions", "digest")}
    if as_json:
        say(shown)
        return
    for key, value in shown.items():
        typer.echo(f"{key:15} {', '.join(value) if isinstance(value, (list, tuple)) else value}")


@app.command()
def incidents(
    config: ConfigFile = DEFAULT,
    reference: Annotated[str | None, typer.Argument(help="show this one with its notices and timeline")] = None,
    every: Annotated[bool, typer.Option("--all", help="closed ones too")] = False,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    state: Annotated[str | None, typer.Option("--set", help="move this one to a state")] = None,
    why: Annotated[
        str | None, typer.Option(help="the reason, kept in the timeline; no names, no words of a post")
    ] = None,
    verdict: Annotated[
        str | None, typer.Option(help="with --set: was the model right or wrong to raise these labels?")
    ] = None,
    by: Annotated[str | None, typer.Option(help="who says so; by default who is logged in on this machine")] = None,
    as_json: AsJson = False,
) -> None:
    """List incidents, newest first, show one, or note what became of it; never the text of a post."""
    from watcher import listing
    from watcher.scheduler import clock

    if verdict is not None and (state is None or verdict not in ("right", "wrong")):
        stop("--verdict is right or wrong, and goes with --set: what became of the matter?", code=2)
    store = _store(_settings(config))
    if reference is not None and listing.how_seen(store, reference, clock()) == "hidden":
        stop(f"there is no incident {reference}")
    if state is not None:
        _set_state(store, reference, state, why, by)
    if verdict is not None and reference is not None:
        learning.note_verdict(store, reference, right=verdict == "right", by=by)
    if reference is None:
        rows = list(listing.incidents(store, every=every, limit=limit, now=clock()))
        show(rows if as_json else [*map(listing.short, rows)], as_json=as_json)
        return
    found = next(listing.one(store, reference, clock()), None)
    if found is None:
        stop(f"there is no incident {reference}")
    if as_json:
        say(found)
    else:
        for line in terminal.sheet(found):
            typer.echo(line)


def _set_state(store: Store, reference: str | None, state: str, why: str | None, by: str | None) -> None:
    """Note what became of an incident; a reason is asked for, so that the timeline can answer for it."""
    from alerts.incident import STATES
    from watcher.scheduler import clock

    if state not in STATES:
        stop(f"--set {state}: no such state; known are {', '.join(STATES)}", code=2)
    if reference is None or not (why or "").strip():
        stop('name the incident and the reason: watcher incidents WT-… --set resolved --why "…"', code=2)
    if not store.incidents.set_state(reference.upper(), state, str(why), clock(), by=learning.who(by)):
        stop(f"there is no incident {reference}")


@app.command()
def purge(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Delete what is past its time, and say how much of what."""
    from watcher.scheduler import clock

    report = _store(_settings(config)).purge.purge(clock())
    if as_json:
        say(report)
    else:
        for name, n in report.items():
            typer.echo(f"{name:10} {n}")


@app.command()
def status(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Say whether the service lives and sees; exit code 0 only when all is well."""
    from watcher import health
    from watcher.scheduler import clock

    found = health.look(_store(_settings(config)), clock())
    if as_json:
        say(found.as_dict())
    else:
        for line in found.lines():
            typer.echo(line)
    raise SystemExit(0 if found.is_well else 1)


@app.command("check-config")
def check_config(
    config: ConfigFile = DEFAULT,
    schema: Annotated[bool, typer.Option("--schema", help="print the JSON Schema for editors and end")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at the settings without a network; every problem at once, each with its key and what to write."""
    from alerts.wording import counted
    from watcher.app import owners_gave
    from watcher.check import check, notes
    from watcher.config import schema as json_schema
    from watcher.errors import ConfigError
    from watcher.scheduler import clock

    if schema:
        typer.echo(json.dumps(json_schema(), indent=2))
        return
    try:
        settings = _settings(config)
        check(settings)
    except ConfigError as error:
        if not as_json:
            raise
        say({"ok": False, "problems": list(error.problems)})
        raise SystemExit(1) from None
    found = list(notes(settings, clock().date(), granted=owners_gave(settings)))
    if as_json:
        say({"ok": True, "problems": [], **({"notes": found} if found else {})})
    else:
        schools, accounts = counted(len(settings.schools), "school"), counted(len(settings.accounts), "account")
        typer.echo(f"{config}: {schools}, {accounts}, no problems")
        for note in found:
            typer.echo(f"note: {note}")


@app.command()
def doctor(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Try everything that the service needs: database, models, mail server, and every account once."""
    from watcher import health
    from watcher.scheduler import clock

    _logs("error")
    rows = list(health.try_all(_settings(config), clock()))
    show(rows, as_json=as_json)
    raise SystemExit(0 if all(row["ok"] for row in rows) else 1)


@app.command()
def migrate(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Bring the database's tables to this version."""
    from watcher.app import open_store, place_of

    with terminal.answering(as_json=as_json):
        store = open_store(_settings(config))
        store.migrate()
    if as_json:
        say({"migrated": True, "database": place_of(store)})
    else:
        typer.echo("the tables are those of this version")
