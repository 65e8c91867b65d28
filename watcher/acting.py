"""The commands by which a person takes a matter, hands it over or back, escalates it, and rules what belongs where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watcher.terminal import answering, harmless, say, tell

if TYPE_CHECKING:
    from watcher.store import Store

Reference = Annotated[str, typer.Argument(metavar="WT-…", help="the incident's reference")]
By = Annotated[str, typer.Option(metavar="PERSON", help="who does it: the id of one of [[people]]")]
To = Annotated[str, typer.Option(metavar="PERSON", help="to whom: the id of one of [[people]]")]
MayTo = Annotated[str | None, typer.Option(metavar="PERSON", help="to whom; by default the next in the chain")]
Why = Annotated[str, typer.Option(help="the reason, kept in the timeline; no names, no words of a post")]
MayWhy = Annotated[str, typer.Option(help="anything the timeline should keep; no names, no words of a post")]
ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="the settings, see config.example.toml")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")]
DEFAULT = Path("watcher.toml")


def register(app: typer.Typer) -> None:
    """Add these commands to the others."""
    app.command()(ack)
    app.command("hand-over")(hand_over)
    app.command("hand-back")(hand_back)
    app.command()(escalate)
    app.command()(split)
    app.command()(merge)


def ack(reference: Reference, by: By, why: MayWhy = "", config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Say that a person has a matter in hand: the others are stood down by name, and nobody is chased any more."""
    _act(reference, "acknowledged", by, None, why, config, as_json=as_json)


def hand_over(
    reference: Reference, by: By, to: To, why: Why, config: ConfigFile = DEFAULT, as_json: AsJson = False
) -> None:
    """Hand a matter over to another person, who is told of the whole and asked until they have it."""
    _act(reference, "handed_over", by, to, why, config, as_json=as_json)


def hand_back(reference: Reference, by: By, why: Why, config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """Give a matter back to all who were told of it: nobody has it any more."""
    _act(reference, "handed_back", by, None, why, config, as_json=as_json)


def escalate(
    reference: Reference,
    by: By,
    why: Why,
    to: MayTo = None,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Ask the next in the chain at once, without waiting for the time to run out."""
    _act(reference, "escalated", by, to, why, config, as_json=as_json)


def split(
    reference: Reference,
    post: Annotated[
        list[str], typer.Option(help="a post of it: its number or its address; may be given several times")
    ],
    by: By,
    why: Why,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Say that posts of a matter are one of their own: it holds for good, and for all that follows on them."""
    from watcher import parting
    from watcher.app import pack_of
    from watcher.scheduler import clock

    with answering(as_json=as_json):
        store = _open(config)
        made = parting.split(store, pack_of, _typed(reference), post, by=by, why=why, now=clock())
        _said({"reference": _typed(reference), "split_off": made}, f"{made} is a matter of its own", as_json=as_json)


def merge(
    reference: Reference,
    into: Annotated[str, typer.Argument(metavar="WT-…", help="the incident of which it is to be part")],
    by: By,
    why: Why,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Say that two matters are one: it holds for good, and for all that follows on either."""
    from watcher import parting
    from watcher.app import pack_of
    from watcher.scheduler import clock

    with answering(as_json=as_json):
        store = _open(config)
        parting.merge(store, pack_of, _typed(reference), _typed(into), by=by, why=why, now=clock())
        line = f"{_typed(reference)} is part of {_typed(into)}"
        _said({"reference": _typed(reference), "merged_into": _typed(into)}, line, as_json=as_json)


def _act(reference: str, what: str, by: str, to: str | None, why: str, config: Path, *, as_json: bool) -> None:
    from watcher.app import is_alive
    from watcher.deed import act
    from watcher.scheduler import clock

    with answering(as_json=as_json):
        store, now = _open(config), clock()
        after = act(store, _typed(reference), what, by, to, why, now)
        found = {"reference": after.reference, "state": after.state, "held_by": after.held_by}
        has = f"{after.held_by} has it" if after.state != "open" and after.held_by else "nobody has it yet"
        _said(found, f"{after.reference}: {after.state.replace('_', ' ')}; {has}", as_json=as_json)
    tell(f"The others are told {'now' if is_alive(store, now) else 'when the service next runs'}.")


def _said(found: dict[str, str | None], line: str, *, as_json: bool) -> None:
    if as_json:
        say(found)
    else:
        typer.echo(harmless(line))


def _typed(reference: str) -> str:
    return reference.strip().upper()


def _open(config: Path) -> Store:
    from watcher.app import find_store
    from watcher.config import load

    return find_store(load(config))
