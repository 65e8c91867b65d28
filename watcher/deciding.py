"""`watcher mentions`: which posts wait for a person to say which school they are about, and how it is said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.terminal import answering, harmless, say, sheet, show, stop, tell

if TYPE_CHECKING:
    from watcher.store import Store
    from watcher.store.mentions import MentionView

NONE = "none"
_REFERENCE = "WT-"
_HIDDEN, _CLOSED = "hidden", "closed"
_DIGITS = 18  # that both databases take as a number


def register(app: typer.Typer) -> None:
    """Add the command to the others."""
    app.command()(mentions)


def mentions(
    which: Annotated[
        str | None, typer.Argument(metavar="[NUMBER]", help="one mention's number, or an incident's reference")
    ] = None,
    unclear: Annotated[bool, typer.Option("--unclear", help="only those that wait for a person's word")] = False,
    school: Annotated[str | None, typer.Option(help="only those of this school")] = None,
    about: Annotated[
        list[str] | None,
        typer.Option(help='the school that the post is about, several times for several, or "none"'),
    ] = None,
    by: Annotated[str | None, typer.Option(help="who says so; by default who is logged in on this machine")] = None,
    limit: Annotated[int, typer.Option(min=1)] = 100,
    config: Annotated[Path, typer.Option("--config", "-c", help="the settings, see config.example.toml")] = Path(
        "watcher.toml"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")] = False,
) -> None:
    """List which schools posts are about, and why; show one with its text; or say which school one is about."""
    from watcher.app import find_store
    from watcher.config import load

    with answering(as_json=as_json):
        _mentions(find_store(load(config)), which, unclear, school, about, by, limit, as_json=as_json)


def _mentions(
    store: Store,
    which: str | None,
    unclear: bool,
    school: str | None,
    about: list[str] | None,
    by: str | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """List, show or decide, as it was asked."""
    if about:
        if which is None:
            stop("which one? watcher mentions NUMBER --about SCHOOL; the numbers: watcher mentions --unclear", code=2)
        _decide(store, which, about, by, as_json=as_json)
    elif which is not None and not which.upper().startswith(_REFERENCE):
        _show_one(store, which, as_json=as_json)
    else:
        incident = which.upper() if which is not None else None
        found = store.mentions.listed(limit=limit, school=school, unclear=unclear, incident=incident)
        levels = _levels(store, found)
        seen = [(one, levels[one.number]) for one in found if levels[one.number] != _HIDDEN]
        # Not even by which school, or among which other posts, a closed one is found is told.
        if school is not None:
            seen = [(one, how) for one, how in seen if how != _CLOSED]
        show([_seen(one, how) if as_json else _short(one, how) for one, how in seen], as_json=as_json)


def _show_one(store: Store, which: str, *, as_json: bool) -> None:
    one = _one(store, which)
    how = _levels(store, [one])[one.number]
    row = _seen(one, how)
    if how in ("open", "folded"):
        row["text"] = one.post.text
    if as_json:
        say(row)
        return
    for line in sheet({**row, "answer": _short(one, how)["answer"]}):
        typer.echo(harmless(line))


def _levels(store: Store, found: Sequence[MentionView]) -> dict[int, str]:
    """How much of each mention whoever types a command may see, by its number."""
    from alerts.viewer import may_see
    from watcher.listing import VIEWER
    from watcher.scheduler import clock

    sights = store.openings.sights((one.post.key for one in found), clock())
    return {one.number: may_see(VIEWER, sights[one.post.key]) for one in found}


def _seen(one: MentionView, how: str) -> dict[str, Any]:
    """A mention as plain values, as much of it as may be shown."""
    row = row_of(one)
    if how != _CLOSED:
        return row
    # What is waited for is said all the same: it can be answered by whoever knows the post from the mail.
    empty: dict[str, Any] = dict.fromkeys(row)
    return empty | {"number": one.number, "brought_by": [], "concerns": [], "closed_to": "it_provider"}


def _decide(store: Store, which: str, about: Sequence[str], by: str | None, *, as_json: bool) -> None:
    """Write the answer, and say what becomes of it."""
    from watcher.app import is_alive
    from watcher.learning import who
    from watcher.scheduler import clock

    known = [school.id for school in store.register.all().schools]
    for name in about:
        if name not in (*known, NONE):
            stop(f'--about {name}: no such school; known are {", ".join(known) or "none yet"}, or "{NONE}"', code=2)
    if NONE in about and len(about) > 1:
        stop(f"--about {NONE} stands alone: the post is about a school, or about none", code=2)
    schools = tuple(dict.fromkeys(name for name in about if name != NONE))
    now = clock()
    said: dict[str, None] = {}
    for one in _meant(store, which):
        said.update(dict.fromkeys(store.mentions.decide(one.number, schools, who(by), now)))
    if as_json:
        say({"about": list(schools), "judged_again": list(said)})
    else:
        typer.echo(f"about {', '.join(schools) or 'none of the schools'}; judged again for {', '.join(said)}")
    tell(f"The policy judges it {'now' if is_alive(store, now) else 'when the service next runs'}.")


def _meant(store: Store, which: str) -> Iterator[MentionView]:
    """The mention of that number, or every post of an incident."""
    if not which.upper().startswith(_REFERENCE):
        yield _one(store, which)
        return
    found = store.mentions.listed(limit=1000, incident=which.upper())
    levels = _levels(store, found)
    found = tuple(one for one in found if levels[one.number] != _HIDDEN)
    if not found:
        stop(f"there is no incident {which}, or nothing rests on it any more")
    yield from found


def _one(store: Store, which: str) -> MentionView:
    found = store.mentions.get(int(which)) if which.isascii() and which.isdigit() and len(which) < _DIGITS else None
    if found is None or _levels(store, [found])[found.number] == _HIDDEN:
        stop(f"there is no mention {which}; see watcher mentions --unclear")
    return found


def row_of(one: MentionView) -> dict[str, Any]:
    """A mention as plain values, without the post's text and author."""
    from connectors.post import rfc3339

    said = one.answer
    return {
        "number": one.number,
        "school": one.school,
        "relevance": one.relevance,
        "reason": one.reason,
        "platform": one.post.platform,
        "url": one.post.url,
        "said_at": rfc3339(one.post.created_at),
        "found_at": rfc3339(one.at),
        "brought_by": list(one.accounts),
        "concerns": list(one.concerns),
        "answer": None if said is None else {"about": said.value, "by": said.by, "at": rfc3339(said.at)},
    }


def _short(one: MentionView, how: str) -> dict[str, Any]:
    """What of a mention fits a terminal."""
    row = _seen(one, how)
    answer = row["answer"]
    keys = ("number", "school", "relevance", "reason", "platform", "url", "concerns")
    said = None if answer is None else f"{answer['about']} ({answer['by']})"
    if how == _CLOSED:
        said = "closed to you"
    return {**{key: row[key] for key in keys}, "answer": said}
