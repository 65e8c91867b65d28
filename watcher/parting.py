"""What a person says is one matter, or several: flags change incidents, and what follows on them goes the same way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts import incident as matters
from alerts.incident import Candidate, Incident, Ruling
from alerts.policy import Pack
from watcher.deed import check_by, known
from watcher.errors import RefusedError
from watcher.grouping import Grouper
from watcher.handing import candidate_of
from watcher.reference import random_reference
from watcher.store import Store
from watcher.store.incidents import Ungrouped, Unplanned
from watcher.teaching import post_of

# What strangers share; of a grave matter no stranger's post ever becomes part.
_STRANGERS = ("thread", "text")


def split(
    store: Store,
    pack_of: Callable[[str], Pack],
    reference: str,
    posts: Sequence[str],
    *,
    by: str,
    why: str,
    now: datetime,
) -> str:
    """Make posts of an incident, by number or address, a matter of their own; its reference.

    What follows on them, and on nothing that stays, goes with them from now on.

    Raises:
        RefusedError: it is not theirs to say, nothing would be left, or no reason is given.
        WatcherError: there is no such post.
    """
    old = _one(store, reference, by, why, now)
    chosen = {post_of(store, reference, post)[0].post.key for post in posts}
    placed = _placed(store, pack_of, old, now)
    apart = [(flag, c) for flag, c in placed if c.post in chosen]
    rest = [(flag, c) for flag, c in placed if c.post not in chosen]
    if not apart or not rest:
        raise RefusedError(f"{reference} would be left without a post; it is a matter of its own already")
    staying = {key for _, c in rest for key in matters.fingerprints(c)}
    keys = [k for k in dict.fromkeys(k for _, c in apart for k in matters.fingerprints(c)) if k not in staying]
    mark = random_reference()
    rulings = tuple(Ruling(key=key, mark=mark, apart=True) for key in keys)
    before = old.incident
    made = _of([replace(c, rulings=rulings) for _, c in apart], mark)
    made = replace(made, accused=before.accused, found_at=before.found_at, act_by=before.act_by, news=("opened",))
    left = _of([c for _, c in rest], reference)
    after = replace(
        before,
        concerns=left.concerns,
        targets=left.targets,
        severity=left.severity,
        harm=left.harm,
        posts=left.posts,
        keys=tuple(key for key in before.keys if key not in keys),
    )
    with store.writing() as connection:
        store.rulings.rule(connection, keys, mark, now, apart=True)
        number = store.incidents.start(connection, apart[0][0], made, now)
        store.incidents.take(connection, number, [flag.number for flag, _ in apart[1:]], now)
        store.incidents.put(connection, old.number, before, after, now)
        for line in ((old.number, f"{mark} was split off: {why}"), (number, f"split off {reference}: {why}")):
            store.incidents.line(connection, line[0], "split", line[1], now, by)
    return mark


def merge(
    store: Store, pack_of: Callable[[str], Pack], one: str, into: str, *, by: str, why: str, now: datetime
) -> None:
    """Make an incident part of another; what follows on either is one matter from now on.

    Raises:
        RefusedError: it is not theirs to say, they are the same, or not the same people may know of both.
    """
    if one == into:
        raise RefusedError(f"{one} is one matter already")
    first, second = _one(store, one, by, why, now), _one(store, into, by, why, now)
    a, b = first.incident, second.incident
    if (a.school, a.about, set(a.recipients)) != (b.school, b.about, set(b.recipients)):
        raise RefusedError(f"{one} and {into} cannot be one matter: not the same people may know of both")
    grave = a.is_grave or b.is_grave
    placed = [*_placed(store, pack_of, first, now), *_placed(store, pack_of, second, now)]
    found = dict.fromkeys(key for _, c in placed for key in matters.fingerprints(c))
    keys = [key for key in found if not (grave and key.partition(":")[0] in _STRANGERS)]
    with store.writing() as connection:
        marks = list(dict.fromkeys(ruling.mark for ruling in store.rulings.of(connection, found)))
        mark = marks[0] if marks else into
        for other in marks:
            store.rulings.unite(connection, other, mark)
        store.rulings.rule(connection, keys, mark, now, apart=False)
        ruled = Ruling(key="", mark=mark).kept_as
        kept = [key for key in (*a.keys, *b.keys, *keys) if key.partition(":")[0] not in ("apart", "alone")]
        kept = [key for key in kept if not (grave and key.partition(":")[0] in _STRANGERS)]
        store.incidents.put(connection, second.number, b, _both(a, b, (ruled, *kept)), now)
        store.incidents.take(connection, second.number, [flag.number for flag, _ in placed], now)
        store.incidents.line(connection, second.number, "merged", f"{one} is part of it: {why}", now, by)
        store.incidents.line(connection, first.number, "merged", f"it is part of {into}: {why}", now, by)
        store.incidents.end(connection, first.number, now)


def _both(a: Incident, b: Incident, keys: Iterable[str]) -> Incident:
    """The second incident with the first in it: as grave as the worse, as far as the one that is less far."""
    waits = a.state == "open" and b.state != "open"
    promises = [at for at in (a.act_by, b.act_by) if at is not None]
    both = replace(
        b,
        concerns=tuple(dict.fromkeys((*b.concerns, *a.concerns))),
        targets=tuple(dict.fromkeys((*b.targets, *a.targets))),
        severity=max(a.severity, b.severity),
        harm=max(a.harm or a.severity, b.harm or b.severity),
        voices=a.voices + b.voices,
        repeats=max(a.repeats, b.repeats),
        posts=a.posts + b.posts,
        opened_at=min(a.opened_at, b.opened_at),
        last_flag_at=max(a.last_flag_at, b.last_flag_at),
        act_by=min(promises, default=None),
        keys=tuple(dict.fromkeys(keys)),
    )
    return matters.waiting_again(both) if waits else both


def _of(candidates: Sequence[Candidate], reference: str) -> Incident:
    """The incident that these flags make."""
    made, seen = matters.opened(candidates[0], reference), {candidates[0].post}
    for candidate in candidates[1:]:
        made = matters.joined(made, candidate, new_post=candidate.post not in seen)
        seen.add(candidate.post)
    return replace(made, posts=len(seen))


def _one(store: Store, reference: str, by: str, why: str, now: datetime) -> Unplanned:
    """The open incident of that reference, where this person may say what belongs to it."""
    incident, school, register = known(store, reference)
    check_by(store, incident, school, register, by, now)
    if not why.strip():
        raise RefusedError('say why, without names or words of a post: --why "…"; the timeline keeps it')
    found = store.incidents.get(reference)
    if found is None or found.account is not None or not incident.is_open:
        raise RefusedError(f"{reference} is closed, or rests on no post: nothing can be split off it or be part of it")
    return found


def _placed(
    store: Store, pack_of: Callable[[str], Pack], of: Unplanned, now: datetime
) -> list[tuple[Ungrouped, Candidate]]:
    """The incident's flags, each as it was placed."""
    grouper = Grouper(store, pack_of, window=matters.WINDOW, oldest=timedelta.max)
    schools = {school.id: school for school in store.register.all().schools}
    flags = store.incidents.flags(of.number)
    routes = ((flag, grouper.route_of(flag, schools)) for flag in flags)
    return [(flag, candidate_of(flag, route, now)) for flag, route in routes if route is not None]
