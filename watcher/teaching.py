"""What people decide on labels: it takes effect at once, and is kept to teach the model where the school has agreed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.answer import Answer, refused
from alerts.wording import label_phrase
from classifiers.verdict import LABELS
from watcher.correction import Correction, concern_of, corrected, decided, decided_by
from watcher.errors import WatcherError
from watcher.listing import how_seen
from watcher.scheduler import clock
from watcher.store import Store
from watcher.store.corrections import Flagged


@dataclass(frozen=True, kw_only=True)
class Kept:
    """How many corrections were made and kept, and what the school has agreed to."""

    school: str
    agreement: str
    made: int
    kept: int

    def __str__(self) -> str:
        """In words for the person who decided."""
        if not self.made:
            return "no correction: no label of a model stands behind this"
        if self.agreement == "off":
            return (
                "no correction was kept: "
                f'{self.school} has not agreed to that (corrections = "off" in its [[schools]]); the decision stands'
            )
        return f"corrections kept: {self.kept}"


def confirm(store: Store, reference: str, *, right: bool, by: str, now: datetime) -> Kept:
    """Say of all labels that models raised in an incident that they were right, or that they were wrong.

    Raises:
        WatcherError: there is no such incident.
    """
    said = [
        (flagged.mention, decided(flagged.raised, **{"holds" if right else "fails": flagged.raised}))
        for flagged in store.corrections.flagged(reference)
    ]
    return _keep(store, _school_of(store, reference), said, by, now)


def relabel(
    store: Store,
    reference: str,
    *,
    holds: Sequence[str],
    fails: Sequence[str],
    post: str | None,
    by: str,
    now: datetime,
) -> Kept:
    """Say which labels hold for a post of an incident and which do not.

    Both take effect whatever the school agreed to: the matter is judged again. A label that no model had raised there
    goes to the school's policy, so that whoever it names is told; a flag that rests on a label that fails is withdrawn.
    Of each label the last word counts. The incident is closed by the person who decides on it.

    Raises:
        WatcherError: there is no such incident, post or label, or a label is said to hold and to fail.
    """
    school = _school_of(store, reference)
    holds, fails = (tuple(dict.fromkeys(labels)) for labels in (holds, fails))
    _check(holds, fails)
    flagged, place = post_of(store, reference, post)
    decisions = decided(_raised(store, flagged), holds=holds, fails=fails)
    _judge_by(store, flagged, holds, fails, by, now)
    words = [*(f"{label_phrase(label)}: yes" for label in holds), *(f"{label_phrase(label)}: no" for label in fails)]
    store.incidents.note(reference, "corrected", ", ".join(words) + place, now)
    return _keep(store, school, [(flagged.mention, decisions)], by, now)


def answer(store: Store, school: str, flagged: Flagged, given: Answer) -> Kept:
    """Take a triage answer: the case is judged again, and the labels that it names are corrected."""
    decisions = decided_by(given, _raised(store, flagged))
    store.matters.answered(flagged.mention, given)
    if decisions:
        _say(store, flagged, "not_label", (), decisions, given.by, given.at)
    return _keep(store, school, [(flagged.mention, decisions)], given.by, given.at)


def _raised(store: Store, flagged: Flagged) -> tuple[str, ...]:
    """The labels that models raised, with those that stand no longer because a person refused them."""
    no = refused(store.matters.answers(flagged.mention))
    return (*flagged.raised, *(label for label in flagged.withdrawn if label in no and label not in flagged.raised))


def _judge_by(
    store: Store, flagged: Flagged, holds: Sequence[str], fails: Sequence[str], by: str, now: datetime
) -> None:
    """Have the post judged again by what people say of its labels, the last word on each."""
    new = [concern_of(label) for label in holds if label not in flagged.raised]
    _say(store, flagged, "not_label", fails, holds, by, now)
    _say(store, flagged, "concern", new, map(concern_of, fails), by, now)


def _say(
    store: Store, flagged: Flagged, question: str, add: Iterable[str], drop: Iterable[str], by: str, now: datetime
) -> None:
    """Add to what people have answered of the post so far, and take from it; written only where that changes it."""
    said = [given.value for given in store.matters.answers(flagged.mention) if given.question == question]
    before = tuple(name.strip() for name in (said[-1] if said else "").split(",") if name.strip())
    after = corrected(before, add=add, drop=drop)
    if after != before:
        given = Answer(question=question, value=",".join(after), by=by, at=now)
        store.matters.answered(flagged.mention, given)


def _check(holds: Sequence[str], fails: Sequence[str]) -> None:
    if not holds and not fails:
        raise WatcherError("say which label holds (--label) or does not (--not)")
    for label in (*holds, *fails):
        if label not in LABELS:
            raise WatcherError(f"label {label!r} is unknown; known are {', '.join(LABELS)}")
    both = sorted(set(holds) & set(fails))
    if both:
        raise WatcherError(f"{', '.join(both)}: said to hold and not to hold")


def post_of(store: Store, reference: str, post: str | None) -> tuple[Flagged, str]:
    """The post that is meant, by its number in the incident or its address, and how the timeline tells it from others.

    Of one post none need be named.

    Raises:
        WatcherError: there is no such post, or several and none is named.
    """
    found = store.corrections.flagged(reference)
    if not found:
        raise WatcherError(f"{reference} holds no posts")
    names = {str(n): flagged for n, flagged in enumerate(found, 1)}
    names |= {flagged.post.url: flagged for flagged in found if flagged.post.url}
    if post is None and len(found) == 1:
        return found[0], ""
    if post not in names:
        # Whoever asks may be somebody to whom the matter is closed: its posts have numbers.
        shut = how_seen(store, reference, clock()) != "open"
        listed = ", ".join(f"{n}" if shut else f"{n} ({f.post.url or f.post.platform})" for n, f in enumerate(found, 1))
        what = "has several posts" if post is None else f"has no post {post}"
        raise WatcherError(f"{reference} {what}; name one with --post: {listed}")
    number = found.index(names[post]) + 1
    return names[post], f" (post {number})" if len(found) > 1 else ""


def _school_of(store: Store, reference: str) -> str:
    view = store.views.incident(reference, posts=0)
    if view is None:
        raise WatcherError(f"there is no incident {reference}")
    return view.incident.school


def _keep(store: Store, school: str, said: Iterable[tuple[int, Mapping[str, str]]], by: str, now: datetime) -> Kept:
    made = [
        Correction(mention=mention, label=label, decision=decision, by=by, at=now)
        for mention, decisions in said
        for label, decision in decisions.items()
    ]
    agreed = {s.id: s.corrections for s in store.register.all().schools}.get(school, "off")
    kept = store.corrections.keep(made) if agreed != "off" else 0
    return Kept(school=school, agreement=agreed, made=len(made), kept=kept)
