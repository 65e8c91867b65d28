"""What people decide on labels: it takes effect at once, and is kept to teach the model where the school has agreed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.answer import Answer
from classifiers.verdict import LABELS
from watcher.correction import Correction, concern_of, decided, decided_by
from watcher.errors import WatcherError
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

    A label that no model had raised there goes to the school's policy as a person's answer, so that whoever it names is
    told. What fails is noted; the incident is closed by the person who decides on it.

    Raises:
        WatcherError: there is no such incident, post or label, or a label is said to hold and to fail.
    """
    school = _school_of(store, reference)
    _check(holds, fails)
    flagged = _post_of(store, reference, post)
    new = [label for label in holds if label not in flagged.raised]
    if new:
        _answer(store, flagged, new, by, now)
    words = [*(f"{label}: yes" for label in holds), *(f"{label}: no" for label in fails)]
    store.incidents.note(reference, "corrected", ", ".join(words), now)
    return _keep(store, school, [(flagged.mention, decided(flagged.raised, holds=holds, fails=fails))], by, now)


def answer(store: Store, school: str, flagged: Flagged, given: Answer) -> Kept:
    """Take a triage answer: the case is judged again, and the labels that it names are corrected."""
    store.matters.answered(flagged.mention, given)
    return _keep(store, school, [(flagged.mention, decided_by(given, flagged.raised))], given.by, given.at)


def _answer(store: Store, flagged: Flagged, labels: Iterable[str], by: str, now: datetime) -> None:
    """Add these labels' concerns to what people have answered of the post so far."""
    before = [a.value for a in store.matters.answers(flagged.mention) if a.question == "concern"]
    concerns = [*(before[-1].split(",") if before else ()), *map(concern_of, labels)]
    value = ",".join(dict.fromkeys(concern.strip() for concern in concerns))
    store.matters.answered(flagged.mention, Answer(question="concern", value=value, by=by, at=now))


def _check(holds: Sequence[str], fails: Sequence[str]) -> None:
    if not holds and not fails:
        raise WatcherError("say which label holds (--label) or does not (--not)")
    for label in (*holds, *fails):
        if label not in LABELS:
            raise WatcherError(f"label {label!r} is unknown; known are {', '.join(LABELS)}")
    both = sorted(set(holds) & set(fails))
    if both:
        raise WatcherError(f"{', '.join(both)}: said to hold and not to hold")


def _post_of(store: Store, reference: str, post: str | None) -> Flagged:
    """The post that is meant, by its number in the incident or its address; of one post none need be named."""
    found = store.corrections.flagged(reference)
    if not found:
        raise WatcherError(f"{reference} holds no posts")
    names = {str(n): flagged for n, flagged in enumerate(found, 1)}
    names |= {flagged.post.url: flagged for flagged in found if flagged.post.url}
    if post is None and len(found) == 1:
        return found[0]
    if post not in names:
        listed = ", ".join(f"{n} ({f.post.url or f.post.platform})" for n, f in enumerate(found, 1))
        what = "has several posts" if post is None else f"has no post {post}"
        raise WatcherError(f"{reference} {what}; name one with --post: {listed}")
    return names[post]


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
