"""The commands about models: what one reads and is worth, what people correct in it, teaching and choosing one."""

from __future__ import annotations

import getpass
import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from watcher.terminal import harmless, say, show, stop, tell, trouble

if TYPE_CHECKING:
    from watcher.comparison import Comparison
    from watcher.config import Settings
    from watcher.store import Store
    from watcher.versions import Version

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="the settings, see config.example.toml")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")]
By = Annotated[str | None, typer.Option(help="who says so; by default who is logged in on this machine")]
DEFAULT = Path("watcher.toml")
_SHOWN = 20
_QUOTED = 80

models = typer.Typer(help="List the versions of the model with their figures; switch between them; delete one.")


def register(app: typer.Typer) -> None:
    """Add these commands to the others."""
    app.command()(classify)
    app.command()(evaluate)
    app.command()(correct)
    app.command()(train)
    app.add_typer(models, name="models")


def classify(
    model: Annotated[str, typer.Option(help="encoder, patterns, or huggingface")] = "encoder",
    options: Annotated[str, typer.Option(help="the model's options as a JSON object")] = "{}",
    explain: Annotated[bool, typer.Option("--explain", help="also the reason, and the words that moved it")] = False,
) -> None:
    """Read JSON Lines on standard input and write one verdict a line; imports neither web nor store."""
    from classifiers import registry
    from classifiers.lines import read_lines

    reader = registry.load(model, _parsed(options))
    if sys.stdin is None or sys.stdout is None:
        stop("classify reads standard input and writes standard output; one of them is closed")
    # A byte that is no UTF-8 spoils its own line, not the run.
    lines = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="surrogateescape", newline="\n")
    try:
        code = read_lines(lines, sys.stdout, reader, why=explain)
    except KeyboardInterrupt:
        _leave(130)
    except BrokenPipeError:
        _leave(1)
    except OSError as error:
        tell(f"watcher: {trouble(error)}")
        _leave(1)
    raise SystemExit(code)


def _parsed(options: str) -> dict[str, Any]:
    try:
        found = json.loads(options)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        such = '{"path": "models/my-model"}'
        stop(f"--options must be one JSON object such as '{such}', not {options[:_QUOTED]!r}")
    return found


def _leave(code: int) -> NoReturn:
    """End at once: a thread may still wait for standard input, and an orderly end would wait for that thread."""
    os._exit(code)


def evaluate(
    file: Annotated[Path, typer.Argument(help="labelled posts as JSON Lines: text, labels, and more")],
    config: Annotated[Path | None, typer.Option("--config", "-c", help="the settings that name classifiers")] = None,
    classifier: Annotated[str | None, typer.Option(help="one of the settings, or a version taught here")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="where the report goes")] = None,
    plot_file: Annotated[Path | None, typer.Option("--plot", help="where the plot goes, an SVG")] = None,
) -> None:
    """Measure a classifier on labelled posts; prints the report, and writes it as JSON and as a plot."""
    from watcher import evaluation
    from watcher.config import load
    from watcher.journal import begin

    begin("error")
    evaluation.check_places(file, *(place for place in (json_file, plot_file) if place))
    settings = load(config or DEFAULT) if config or DEFAULT.exists() else None
    said, name = evaluation.measure_file(file, settings, classifier, tell)
    for line in evaluation.lines(said.report):
        typer.echo(harmless(line))
    places = [json_file or Path(f"{file.stem}.{name}.json"), plot_file or Path(f"{file.stem}.{name}.svg")]
    evaluation.keep(said, *places)
    tell(f"written: {places[0]}, {places[1]}")


def _open(config: Path) -> tuple[Settings, Store]:
    from watcher.app import find_store
    from watcher.config import load

    settings = load(config)
    return settings, find_store(settings)


def who(by: str | None) -> str:
    """Who says so: as given, or whoever is logged in on this machine."""
    if by is not None and by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return "operator"


def note_verdict(store: Store, reference: str, *, right: bool, by: str | None) -> None:
    """Say of an incident's labels that the model was right or wrong, and whether that was kept."""
    from watcher.scheduler import clock
    from watcher.teaching import confirm

    tell(str(confirm(store, reference.strip().upper(), right=right, by=who(by), now=clock())))


def tell_barred(settings: Settings, store: Store) -> None:
    """Say which versions may not be used any more since a school has changed its mind."""
    from watcher import versions

    for version, why in versions.barred(settings, store):
        tell(f"Version {version.name} is not used: {why}. To delete it: watcher models remove {version.name}")


def correct(
    reference: Annotated[str, typer.Argument(help="the incident, WT-…")],
    label: Annotated[list[str] | None, typer.Option(help="a label that holds; may be given several times")] = None,
    fails: Annotated[
        list[str] | None, typer.Option("--not", help="a label that does not hold; may be given several times")
    ] = None,
    post: Annotated[str | None, typer.Option(help="which post of the incident: its number or its address")] = None,
    by: By = None,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Say which labels hold for a post and which do not: the policy judges it again, and the model may learn."""
    from dataclasses import asdict

    from watcher.app import is_alive
    from watcher.scheduler import clock
    from watcher.teaching import relabel

    _, store = _open(config)
    now = clock()
    kept = relabel(
        store,
        reference.strip().upper(),
        holds=label or (),
        fails=fails or (),
        post=post,
        by=who(by),
        now=now,
    )
    if as_json:
        say(asdict(kept))
    else:
        typer.echo(str(kept))
    when = "now" if is_alive(store, now) else "when the service next runs"
    tell(
        f"The policy judges it again {when}. A flag on a label that does not hold is withdrawn; the matter stays open."
    )


def train(
    with_corrections: Annotated[
        bool, typer.Option("--with-corrections", help="learn from what people said of the model's labels")
    ] = False,
    school: Annotated[str | None, typer.Option(help="learn from this school's corrections alone")] = None,
    held_out: Annotated[
        Path | None, typer.Option(help="labelled posts (JSON Lines) to compare on; by default the demo's")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="the labelled posts to rehearse; by default data/schoolposts")
    ] = None,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Make a new version of the model, and show it beside the one in force; nothing switches to it by itself."""
    from watcher import training, versions
    from watcher.scheduler import clock

    if not with_corrections:
        stop("say --with-corrections; the shipped weights are made by `make train` in a clone", code=2)
    settings, store = _open(config)
    made = training.teach(
        settings,
        store,
        clock(),
        school=school,
        held_out=held_out or training.DEMO,
        data=data or training.DATA,
        say=tell,
    )
    why = versions.refusal(made.version, store.register.all().schools)
    if as_json:
        say({"version": made.version.name, "folder": str(made.version.folder), **made.comparison.as_dict()})
    else:
        _show_comparison(made.comparison)
    if why is not None:
        tell(f"Version {made.version.name} may not be used here: {why}.")
    else:
        tell(f"Nothing has switched. To switch: watcher models use {made.version.name}")


def _show_comparison(comparison: Comparison) -> None:
    from alerts.wording import counted
    from watcher.comparison import table

    show(table(comparison), as_json=False)
    for change in comparison.changes[:_SHOWN]:
        what = {True: "better", False: "worse"}[change.gain > 0] if change.gain else "as good"
        before, after = (", ".join(labels) or "nothing" for labels in (change.before, change.after))
        typer.echo(harmless(f"{what:8} {change.name}: {before} -> {after}"))
    left = len(comparison.changes) - _SHOWN
    if left > 0:
        typer.echo(f"and {counted(left, 'more row that', 'more rows that')} changed")


@models.callback(invoke_without_command=True)
def _list(context: typer.Context, config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """List the versions of the model with their figures, and which is in force."""
    if context.invoked_subcommand is not None:
        return
    from watcher import versions
    from watcher.errors import VersionError

    settings, store = _open(config)
    schools = store.register.all().schools
    try:
        current = versions.in_force(settings, store).name
    except VersionError as error:
        current = None
        tell(f"watcher: {error}")
    rows = [
        _row(version, in_force=version.name == current, refusal=versions.refusal(version, schools))
        for version in versions.known(settings)
    ]
    show(rows if as_json else [*map(_short, rows)], as_json=as_json)


def _row(version: Version, *, in_force: bool, refusal: str | None) -> dict[str, Any]:
    beside = version.compared.get("old", {})
    return {
        "version": version.name,
        "in_force": in_force,
        "made_at": version.made_at,
        "corrections": dict(version.taught),
        "figures": version.compared.get("new") or dict(version.figures) or None,
        "compared_with": beside or None,
        "rows": version.compared.get("rows"),
        "may_not_be_used": refusal,
        "folder": str(version.folder),
    }


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """What of a version fits a terminal; its figures are on the rows on which it was compared when it was made."""
    figures, old = row["figures"] or {}, row["compared_with"] or {}
    beside = f"{old['version']}: {old['macro_f1']}, {old['false_alarms_per_1000']}" if old else "its own validation"
    alarms = figures.get("false_alarms_per_1000", figures.get("false_alarms_per_1000_harmless"))
    return {
        "version": row["version"],
        "in_force": row["in_force"],
        "made": (row["made_at"] or "-")[:16].replace("T", " "),
        "corrections_of": ", ".join(f"{school} ({n})" for school, n in row["corrections"].items()),
        "macro_F1": figures.get("macro_f1"),
        "false_alarms_per_1,000": alarms,
        "beside": beside,
        "note": row["may_not_be_used"] or "",
    }


@models.command()
def use(version: str, config: ConfigFile = DEFAULT) -> None:
    """Switch to a version, or back; stored posts are read again, and nobody is told again of what is known."""
    from watcher import versions
    from watcher.app import is_alive
    from watcher.scheduler import clock

    settings, store = _open(config)
    if versions.is_chosen(settings, store, version):
        typer.echo(f"version {version} is in force already; nothing was changed")
        return
    chosen = versions.use(settings, store, version, clock())
    when = "The running service goes over to it now" if is_alive(store, clock()) else "The service begins with it"
    typer.echo(f"version {chosen.name} is chosen")
    tell(f"{when}, and reads all stored posts again with it; nobody is told again of what is known.")


@models.command()
def remove(version: str, config: ConfigFile = DEFAULT) -> None:
    """Delete a version that was taught here."""
    from watcher import versions

    settings, store = _open(config)
    versions.remove(settings, store, version)
    typer.echo(f"version {version} is deleted")
