"""`watcher answer`: what is asked of a matter in triage, what a person answers, and what that changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.terminal import answering, harmless, say, stop, tell

if TYPE_CHECKING:
    from watcher.store import Store
    from watcher.triage import Asked, Outcome, Said


def register(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command()(answer)


def answer(
    reference: Annotated[str, typer.Argument(help="the incident, WT-…")],
    lawful_opinion: Annotated[
        bool | None,
        typer.Option("--lawful-opinion/--not-lawful-opinion", help="lawful opinion, no action; with --why"),
    ] = None,
    about: Annotated[
        list[str] | None, typer.Option(metavar="ROLE", help='whom it is about, several times for several, or "none"')
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="ROLE|PERSON", help='at whom it is aimed: a role, a person\'s id, or "none"')
    ] = None,
    author: Annotated[str | None, typer.Option(metavar="KIND", help="what kind of person wrote it: a role")] = None,
    child_at_risk: Annotated[str | None, typer.Option(metavar="yes|no", help="is a child at risk?")] = None,
    concern: Annotated[
        list[str] | None, typer.Option(help='what else it is, several times for several; "none" takes that back')
    ] = None,
    why: Annotated[str | None, typer.Option(help="why you say so; kept in the timeline, so no words of a post")] = None,
    post: Annotated[
        str | None, typer.Option(help="only of this post of the incident: its number or its address")
    ] = None,
    by: Annotated[str | None, typer.Option(help="who says so; by default who is logged in on this machine")] = None,
    config: Annotated[Path, typer.Option("--config", "-c", help="the settings, see config.example.toml")] = Path(
        "watcher.toml"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")] = False,
) -> None:
    """Answer what a matter is: about whom, at whom, by whom, is a child at risk, or lawful opinion and no action.

    Without an answer it says what would be asked. Every answer has the matter judged again by the school's policy.
    """
    from watcher.app import find_store
    from watcher.config import load
    from watcher.learning import who
    from watcher.listing import how_seen
    from watcher.scheduler import clock
    from watcher.triage import Said

    said = Said(
        by=who(by),
        why=why.strip() if why is not None and why.strip() else None,
        lawful_opinion=lawful_opinion,
        about=_names(about),
        target=target,
        author=author,
        child_at_risk=child_at_risk,
        concerns=_names(concern),
    )
    with answering(as_json=as_json):
        store = find_store(load(config))
        if how_seen(store, reference, clock()) == "hidden":
            stop(f"there is no incident {reference.strip().upper()}")
        if said.is_empty:
            _ask(store, reference.strip().upper(), as_json=as_json)
        else:
            _take(store, reference.strip().upper(), said, post, as_json=as_json)


def _names(given: list[str] | None) -> tuple[str, ...]:
    """Every name that was given, also where several stand in one option with commas between."""
    return tuple(dict.fromkeys(name.strip() for part in given or () for name in part.split(",") if name.strip()))


def _ask(store: Store, reference: str, *, as_json: bool) -> None:
    from dataclasses import replace

    from watcher.listing import how_seen
    from watcher.scheduler import clock
    from watcher.triage import questions

    shut = how_seen(store, reference, clock()) == "closed"
    # What was answered tells whom it is about.
    for asked in (replace(one, said=None) if shut else one for one in questions(store, reference)):
        if as_json:
            say(_row(asked))
            continue
        first = "lawful opinion, no action: " if asked.question == "lawful_opinion" else ""
        typer.echo(f"{first}{asked.words}\n    watcher answer {reference} {asked.how}")
        if asked.said is not None:
            given = asked.said
            reason = f": {given.reason}" if given.reason else ""
            typer.echo(harmless(f"    answered {given.value}, by {given.by} on {given.at:%d %B %Y %H:%M} UTC{reason}"))
    if not as_json:
        tell(f"Another school's, or nobody's: watcher mentions {reference} --about SCHOOL, or none")


def _row(asked: Asked) -> dict[str, Any]:
    from connectors.post import rfc3339

    given = asked.said
    said = None
    if given is not None:
        said = {"value": given.value, "by": given.by, "at": rfc3339(given.at), "why": given.reason}
    return {"question": asked.question, "asked": asked.words, "how": asked.how, "answered": said}


def _take(store: Store, reference: str, said: Said, post: str | None, *, as_json: bool) -> None:
    from watcher.app import is_alive, pack_of
    from watcher.listing import how_seen
    from watcher.scheduler import clock
    from watcher.triage import Triage, UnknownAnswerError

    now = clock()
    shut = how_seen(store, reference, now) == "closed"
    try:
        outcome = Triage(store=store, pack_of=pack_of).take(reference, said, now, post)
    except UnknownAnswerError as error:
        stop(str(error), code=2)
    # Whoever types a command learns nothing of what is closed to them, nor of what an answer has just closed.
    if shut or how_seen(store, reference, now) == "closed":
        if as_json:
            say({"incident": outcome.reference, "by": said.by, "closed_to": "it_provider"})
        else:
            typer.echo(
                harmless(f"{outcome.reference}: answered by {said.by}; what follows is told to its people alone")
            )
    elif as_json:
        say(_outcome(outcome, said))
    else:
        _print(outcome, said)
    if as_json:
        return
    tell(f"The policy judges it again {'now' if is_alive(store, now) else 'when the service next runs'}.")


def _print(outcome: Outcome, said: Said) -> None:
    from alerts.wording import concern_name, counted

    of = counted(outcome.posts, "post")
    typer.echo(harmless(f"{outcome.reference}: answered for {of} by {said.by}"))
    for concern in outcome.withdrawn:
        typer.echo(f"  withdrawn: {concern_name(concern)}")
    for told in outcome.new:
        typer.echo(harmless(f"  will now be told: {told}"))
    for told in outcome.stands:
        typer.echo(harmless(f"  stands as it was: {told}"))
    if not outcome.new and not outcome.stands:
        typer.echo("  nobody is told: nothing of it is a concern of the policy now")
    if outcome.became is not None:
        typer.echo(f"  the matter is {outcome.became}")
    if outcome.kept.made:
        tell(str(outcome.kept))


def _outcome(outcome: Outcome, said: Said) -> dict[str, Any]:
    def row(told: Any) -> dict[str, Any]:
        keys = ("concern", "clause", "within")
        return {key: getattr(told, key) for key in keys} | {
            "told": list(told.roles),
            "threatened": list(told.threatened),
        }

    return {
        "incident": outcome.reference,
        "by": said.by,
        "posts": outcome.posts,
        "withdrawn": list(outcome.withdrawn),
        "told_now": [row(told) for told in outcome.new],
        "stands": [row(told) for told in outcome.stands],
        "state": outcome.became,
        "corrections_kept": outcome.kept.kept,
    }
