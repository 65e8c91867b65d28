"""`watcher policy`: a pack as a table, what of it has no route, two packs side by side, and why one decision fell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.terminal import answering, harmless, say, stop

if TYPE_CHECKING:
    from alerts.packs.comparing import Difference
    from alerts.policy import Conflict, Pack
    from alerts.row import Row

AsJson = Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")]
ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="the settings, see config.example.toml")]
PackName = Annotated[str, typer.Argument(metavar="PACK", help="a shipped pack's name, or a pack's file")]
DEFAULT = Path("watcher.toml")
# Readable on the narrowest terminal that anybody still has.
WIDTH = 80
_WIDTHS = (24, 21, 21, 10)  # of a table's four columns: the longest names of concerns and roles fit

policy = typer.Typer(help="Show, check, compare and explain policy packs.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands to the others."""
    app.add_typer(policy, name="policy")


@policy.command("show")
def show_pack(
    pack: PackName,
    full: Annotated[bool, typer.Option("--full", help="with quotations, records and what to do")] = False,
    as_json: AsJson = False,
) -> None:
    """Print a pack as a table: which concern goes to whom, when, by which clause, and what is not stated."""
    from alerts.packs import load_pack

    with answering(as_json=as_json):
        found = load_pack(pack)
        if as_json:
            say(_whole(found))
            return
        version = f"{found.version} ({'approved' if found.approved else 'draft'})"
        _lines([f"{found.title}", f"version {version}; review: {found.review or 'not stated'}", ""])
        _table([_short(row, found.house.groups) for row in found.rows])
        _lines(["", "Where the concern is about one whom the policy would otherwise tell:"])
        _table([_conflict(conflict) for conflict in _conflicts(found)])
        _lines(["", "Not stated, so the house answers:", *(f"- {gap.text}{_where(gap)}" for gap in found.gaps)])
        if full:
            for row in found.rows:
                _lines(["", *_sheet(_plain(row))])


@policy.command("check")
def check_packs(
    packs: Annotated[list[str] | None, typer.Argument(metavar="[PACK]...", help="names or files; else all")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="check the packs of these settings")] = None,
    as_json: AsJson = False,
) -> None:
    """Find what is wrong with packs, and concerns without a route; exit code 1 where a pack is refused."""
    rows = [_checked(name) for name in _names(packs, config)]
    if as_json:
        for row in rows:
            say(row)
    else:
        for row in rows:
            _lines(_told(row))
    raise SystemExit(0 if all(row["ok"] for row in rows) else 1)


@policy.command("diff")
def diff(one: PackName, other: PackName, as_json: AsJson = False) -> None:
    """Compare two packs on every concern, also where somebody is accused, aimed at, or known to have written it."""
    from alerts.packs import load_pack
    from alerts.packs.comparing import compare

    with answering(as_json=as_json):
        first, second = load_pack(one), load_pack(other)
        found = compare(first, second)
    if as_json:
        for difference in found:
            say(_compared(difference, first.name, second.name))
        return
    _table([_side(difference, first.name, second.name) for difference in found])


@policy.command("explain")
def explain_one(
    what: Annotated[str, typer.Argument(metavar="PACK|WT-…", help="a pack, or an incident's reference")],
    concern: Annotated[str | None, typer.Argument(help="with a pack: what the matter is")] = None,
    about: Annotated[str | None, typer.Option(help="the role that is accused")] = None,
    target: Annotated[str | None, typer.Option(help="the role aimed at")] = None,
    author: Annotated[str | None, typer.Option(help="the kind of person who wrote it")] = None,
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Explain one decision step by step: which row, which was passed over and why, who is never told, by when."""
    with answering(as_json=as_json):
        if what.upper().startswith("WT-"):
            found = list(_of_incident(what.upper(), config))
        elif concern is None:
            stop("name the concern, too: watcher policy explain PACK CONCERN; `watcher policy show` lists them", code=2)
        else:
            from alerts.packs import load_pack

            found = [_explained(load_pack(what), concern, about, target, author)]
    for one in found:
        if as_json:
            say(one)
        else:
            given = ", ".join(f"{key} {one[key]}" for key in ("about", "target", "author") if one[key])
            _lines([f"{one['concern']} by {one['pack']}" + (f" ({given})" if given else ""), *_steps(one["steps"]), ""])


def _explained(pack: Pack, concern: str, about: str | None, target: str | None, author: str | None) -> dict[str, Any]:
    from dataclasses import asdict

    from alerts.packs.explaining import explain

    steps = explain(pack, concern, about=about, target=target, author=author)
    return {
        "pack": f"{pack.name} {pack.version}",
        "concern": concern,
        "about": about,
        "target": target,
        "author": author,
        "steps": [asdict(step) for step in steps],
    }


def _of_incident(reference: str, config: Path) -> Iterator[dict[str, Any]]:
    """The decision behind each concern of an incident: the rule that held, then the pack's steps, by roles alone."""
    from alerts.viewer import HIDDEN, SHUT
    from watcher.app import find_store
    from watcher.config import load
    from watcher.listing import sight_of
    from watcher.packs import Packs
    from watcher.scheduler import clock

    store = find_store(load(config))
    view = store.views.incident(reference)
    schools = {school.id: school for school in store.register.all().schools}
    how = HIDDEN if view is None else sight_of(store, view, clock())
    if view is None or how == HIDDEN or view.incident.school not in schools:
        stop(f"there is no incident {reference}; `watcher incidents --all` lists them")
    if how == SHUT:
        stop(f"{reference} is closed to the IT provider: the DSL may open it for a limited time with `watcher open`")
    school = schools[view.incident.school]
    pack, seen = Packs(store, clock, keep=False)(school.pack), set()
    flags = [flag for post in view.posts for flag in post.flags]
    asked = [(f.concern, f.target, f.author, f"rule {f.rule} of {f.pack} {f.pack_version}") for f in flags]
    asked += [(c, None, None, "opened") for c in view.incident.concerns if c not in {a[0] for a in asked}]
    for concern, target, author, rule in asked:
        if (concern, target, author) in seen:
            continue
        seen.add((concern, target, author))
        one = _explained(pack, concern, view.incident.about, target, author)
        told = [{"what": f"notice to {n.role}", "said": f"{n.reason}: {n.state}"} for n in view.notices]
        yield one | {"steps": [{"what": "raised by", "said": rule}, *one["steps"], *told]}


def _names(packs: Sequence[str] | None, config: Path | None) -> list[str]:
    from alerts.packs import PACKS
    from watcher.config import load

    if config is not None:
        return list(dict.fromkeys([*(packs or ()), *(school.pack for school in load(config).schools)]))
    return list(packs or PACKS)


def _checked(name: str) -> dict[str, Any]:
    from alerts.errors import AlertError, PolicyError
    from alerts.packs import load_pack
    from alerts.packs.comparing import shadowed, silent

    try:
        pack = load_pack(name)
    except AlertError as error:
        problems = error.problems if isinstance(error, PolicyError) else (str(error),)
        return {"pack": name, "ok": False, "problems": list(problems)}
    return {
        "pack": name,
        "ok": True,
        "problems": [],
        "version": pack.version,
        "approved": pack.approved,
        "review_on": None if pack.review_on is None else pack.review_on.isoformat(),
        "without_route": list(silent(pack)),
        "never_reached": [row.id for row in shadowed(pack)],
    }


def _told(row: Mapping[str, Any]) -> Iterator[str]:
    if not row["ok"]:
        yield f"{row['pack']}: REFUSED"
        yield from (f"  {problem}" for problem in row["problems"])
        return
    yield f"{row['pack']}: sound, version {row['version']} ({'approved' if row['approved'] else 'draft'})"
    yield f"  review: {row['review_on'] or 'no day stated'}"
    yield f"  without a route of its own, answered by the house: {', '.join(row['without_route']) or 'none'}"
    if row["never_reached"]:
        yield f"  rows that can never be reached: {', '.join(row['never_reached'])}"


def _short(row: Row, groups: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    from alerts.packs.explaining import condition

    told = ", ".join(row.recipients) or "weekly digest"
    told += f" or {', '.join(row.alternates)}" if row.alternates else ""
    return {
        "concern": ", ".join(row.concerns),
        "told": told,
        "when": condition(row.when, groups).removeprefix("only for ").replace("for everybody", "-"),
        "clause": "; ".join(part for part in (row.clause or "ours", row.within) if part),
    }


def _conflicts(pack: Pack) -> tuple[Conflict, ...]:
    return (*(conflict for row in pack.rows for conflict in row.exceptions), *pack.conflicts)


def _conflict(conflict: Conflict) -> dict[str, str]:
    return {
        "about": ", ".join(conflict.about),
        "told instead": ", ".join(conflict.recipients),
        "or": ", ".join(conflict.alternates) or "-",
        "clause": conflict.clause or "ours",
    }


def _where(gap: Any) -> str:
    return f" ({', '.join(gap.concerns)})" if gap.concerns else ""


def _plain(row: Row) -> dict[str, Any]:
    from dataclasses import asdict

    return {key: value for key, value in asdict(row).items() if value not in (None, (), "", False)}


def _whole(pack: Pack) -> dict[str, Any]:
    from dataclasses import asdict

    from alerts.policy import tag

    head = ("name", "title", "version", "approved", "document", "review")
    whole = {key: getattr(pack, key) for key in head}
    day = None if pack.review_on is None else pack.review_on.isoformat()
    speeds = dict(pack.house.speeds) | dict(pack.house.days)
    return whole | {
        "review_on": day,
        "review_told": list(pack.review_told),
        "tag": tag(pack),
        "speeds": speeds,
        **{part: [asdict(one) for one in getattr(pack, part)] for part in ("rows", "conflicts", "gaps", "rules")},
    }


def _case(difference: Difference) -> str:
    return ", ".join(f"{key} {value}" for key, value in difference.case.items())


def _answer(route: Any) -> str:
    told = ", ".join(route.recipients) or "weekly digest"
    told += f" or {', '.join(route.alternates)}" if route.alternates else ""
    speed = f", {route.within}" if route.within else ""
    return f"{told} ({route.clause or 'ours'}{speed})"


def _side(difference: Difference, one: str, other: str) -> dict[str, str]:
    concern = difference.concern + (f" ({_case(difference)})" if difference.case else "")
    same = " ".join(difference.keys) or "same"
    return {
        "concern": concern,
        f"1 {one}": _answer(difference.one),
        f"2 {other}": _answer(difference.other),
        "differs in": same,
    }


def _compared(difference: Difference, one: str, other: str) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "concern": difference.concern,
        "case": dict(difference.case),
        "differs_in": list(difference.keys),
        "packs": [one, other],
        "routes": [asdict(difference.one), asdict(difference.other)],
    }


def _steps(steps: Sequence[Mapping[str, str]]) -> Iterator[str]:
    yield from _sheet([(step["what"], step["said"]) for step in steps])


def _sheet(pairs: Mapping[str, Any] | Sequence[tuple[str, Any]]) -> Iterator[str]:
    import textwrap

    for key, value in pairs.items() if isinstance(pairs, Mapping) else pairs:
        said = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
        first = f"  {key.replace('_', ' ')}: "
        yield from textwrap.wrap(said, WIDTH, initial_indent=first, subsequent_indent="      ") or [first]


def _lines(lines: Sequence[str] | Iterator[str]) -> None:
    import textwrap

    for line in lines:
        for part in textwrap.wrap(harmless(line), WIDTH, subsequent_indent="    ") or [""]:
            typer.echo(part)


def _table(rows: Sequence[Mapping[str, str]]) -> None:
    """Rows as a table of at most 80 columns; long cells are folded between words, none is cut."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1, 1, 0))
    for key, width in zip(rows[0] if rows else ("nothing",), _WIDTHS, strict=False):
        table.add_column(key, overflow="fold", width=width)
    for row in rows:
        table.add_row(*(harmless(value) for value in row.values()))
    Console(width=WIDTH, highlight=False, markup=False).print(table)
