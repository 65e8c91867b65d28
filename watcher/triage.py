"""What a person is asked of a matter, and what their answers change: lawful opinion first, for most of it is just that.

An answer has every post that it is said of judged again by the school's own policy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.answer import Answer
from alerts.flag import CONCERNS, Flag
from alerts.incident import Incident
from alerts.policy import Pack
from alerts.route import Route, to_checker
from alerts.school import ROLES, Person, Register, School
from alerts.speech import NEVER, protected
from alerts.wording import concern_name, listed, role_name
from watcher.correction import corrected
from watcher.errors import WatcherError
from watcher.handing import case_of
from watcher.store import Store
from watcher.store.corrections import Flagged
from watcher.store.matters import Unjudged
from watcher.teaching import Kept, answer, post_of

NONE = "none"
# What is asked, in this order, and how it is answered at a terminal.
ASKED: tuple[tuple[str, str, str], ...] = (
    ("lawful_opinion", "Is it lawful opinion, and nothing need be done?", '--lawful-opinion --why "…"'),
    ("about", "Whom is it about? Whoever is accused is not told.", "--about ROLE (several times for several), or none"),
    ("target", "At whom is it aimed? Whoever is threatened is told.", "--target ROLE or PERSON, or none"),
    ("child_at_risk", "Is a child at risk?", "--child-at-risk yes, or no"),
    ("author", "What kind of person wrote it?", "--author KIND"),
    ("concern", "What else is it?", "--concern CONCERN (several times for several), or none"),
)


class UnknownAnswerError(WatcherError):
    """An answer that nobody could mean; the message names those that are known."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question about a matter, how it is answered, and what was answered last, by whom, when and why."""

    question: str
    words: str
    how: str
    said: Answer | None


@dataclass(frozen=True, kw_only=True)
class Said:
    """A person's answers to several questions, and why; ``None`` where they say nothing of it."""

    by: str
    why: str | None = None
    lawful_opinion: bool | None = None
    about: tuple[str, ...] = ()
    target: str | None = None
    author: str | None = None
    child_at_risk: str | None = None
    concerns: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is answered at all."""
        rest = (self.about, self.target, self.author, self.child_at_risk, self.concerns)
        return self.lawful_opinion is None and not any(rest)


@dataclass(frozen=True, kw_only=True)
class Told:
    """One concern as the policy now has it: whom it names, by which clause, and the names of those threatened."""

    concern: str
    roles: tuple[str, ...]
    clause: str | None
    within: str | None
    threatened: tuple[str, ...] = ()

    def __str__(self) -> str:
        """In words."""
        to = listed([*map(role_name, self.roles), *self.threatened]) or "nobody now, the weekly digest"
        by = self.clause or "no clause: the house rule"
        return f"{to} ({concern_name(self.concern)}; {by}{f', {self.within}' if self.within else ''})"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What answers change: which concerns are withdrawn, who is told now, what stands, and what becomes of the matter.

    ``became`` is the state into which the matter was moved, or ``None``.
    """

    reference: str
    posts: int
    withdrawn: tuple[str, ...]
    new: tuple[Told, ...]
    stands: tuple[Told, ...]
    became: str | None
    kept: Kept


def questions(store: Store, reference: str) -> tuple[Asked, ...]:
    """What would be asked of a matter, "lawful opinion, no action" first, with what was answered last.

    Raises:
        WatcherError: there is no such incident.
    """
    _incident(store, reference)
    given = [a for one in store.corrections.flagged(reference) for a in store.matters.answers(one.mention)]
    newest = {a.question: a for a in sorted(given, key=lambda a: a.at)}
    return tuple(Asked(question=q, words=words, how=how, said=newest.get(q)) for q, words, how in ASKED)


@dataclass(frozen=True, kw_only=True)
class Triage:
    """Takes answers: writes them, and says what they change."""

    store: Store
    pack_of: Callable[[str], Pack]

    def take(self, reference: str, said: Said, now: datetime, post: str | None = None) -> Outcome:
        """Write the answers about every post of a matter, or about one, and what becomes of the matter.

        Raises:
            UnknownAnswerError: a role, person or concern that nobody knows.
            WatcherError: there is no such incident or post, a reason is missing, or it is not theirs to answer.
        """
        incident, register = _incident(self.store, reference), self.store.register.all()
        school = _school(register, incident)
        lawful = self.pack_of(school.pack).house.lawful
        _check(said, register, lawful)
        _refuse_accused(incident, said.by, register)
        every = self.store.corrections.flagged(reference)
        chosen = every if post is None else (post_of(self.store, reference, post)[0],)
        if not chosen:
            raise WatcherError(f"{reference} holds no posts: there is nothing to judge again")
        _ask_reason(said, chosen)
        before = self._flags(every, school, register, now)
        reopened = self._takes_back(said, chosen, lawful)
        kept = self._write(chosen, incident, replace(said, lawful_opinion=False) if reopened else said, now)
        after = self._flags(every, school, register, now)
        words = f"{_words(said, now)}{'' if post is None or len(every) == 1 else ' (one post)'}, by {said.by}"
        self.store.incidents.note(reference, "answered", f"{words}: {said.why}" if said.why else words, now)
        became = self._settle(incident, said, before, after, reopened=reopened, now=now)
        return self._outcome(incident, (school, register), before, after, became, kept, len(chosen))

    def _flags(
        self, posts: Sequence[Flagged], school: School, register: Register, now: datetime
    ) -> dict[int, tuple[Flag, ...]]:
        """What the policy says of each post now."""
        pack = self.pack_of(school.pack)
        known: Mapping[int, Unjudged] = self.store.matters.known([one.mention for one in posts])
        return {n: tuple(pack.judge(case_of(one, school, register, now))) for n, one in known.items()}

    def _takes_back(self, said: Said, posts: Sequence[Flagged], lawful: Sequence[str]) -> bool:
        """Whether what was called lawful opinion is something else by these answers: the last word counts."""
        if said.lawful_opinion is not None or not _is_conduct(said, lawful):
            return said.lawful_opinion is False
        return any(_newest(self.store, one, "lawful_opinion") == "yes" for one in posts)

    def _write(self, posts: Sequence[Flagged], incident: Incident, said: Said, now: datetime) -> Kept:
        kept = Kept(school=incident.school, agreement="off", made=0, kept=0)
        for one in posts:
            for given in _answers(said, _newest(self.store, one, "concern") or "", now):
                done = answer(self.store, incident.school, one, given)
                kept = replace(done, made=kept.made + done.made, kept=kept.kept + done.kept)
        return kept

    def _settle(
        self,
        incident: Incident,
        said: Said,
        before: Mapping[int, tuple[Flag, ...]],
        after: Mapping[int, tuple[Flag, ...]],
        *,
        reopened: bool,
        now: datetime,
    ) -> str | None:
        """Close a matter on which nothing rests any more, and open one again that was closed as lawful opinion."""
        left = any(_belongs(flag, incident) for flags in after.values() for flag in flags)
        rested = any(_belongs(flag, incident) for flags in before.values() for flag in flags)
        if reopened and left and incident.state == "dismissed":
            return self._move(incident, "open", f"not lawful opinion alone, by {said.by}", now)
        if left or not incident.is_open or not (rested or said.lawful_opinion):
            return None
        if said.lawful_opinion:
            return self._move(incident, "dismissed", f"lawful opinion, no action: {said.why} (by {said.by})", now)
        what = "goes on as another matter" if any(after.values()) else "nothing rests on it any more"
        return self._move(incident, "resolved", f"answered by {said.by}: {what}", now)

    def _move(self, incident: Incident, state: str, why: str, now: datetime) -> str:
        self.store.incidents.set_state(incident.reference, state, why, now)
        return state

    def _outcome(
        self,
        incident: Incident,
        where: tuple[School, Register],
        before: Mapping[int, tuple[Flag, ...]],
        after: Mapping[int, tuple[Flag, ...]],
        became: str | None,
        kept: Kept,
        posts: int,
    ) -> Outcome:
        school, register = where
        was = {_told(self.pack_of(school.pack), f, register): f.concern for fs in before.values() for f in fs}
        now = {_told(self.pack_of(school.pack), f, register): f.concern for fs in after.values() for f in fs}
        return Outcome(
            reference=incident.reference,
            posts=posts,
            withdrawn=tuple(dict.fromkeys(c for c in was.values() if c not in now.values())),
            new=tuple(told for told in now if told not in was),
            stands=tuple(told for told in now if told in was),
            became=became,
            kept=kept,
        )


def _told(pack: Pack, flag: Flag, register: Register) -> Told:
    route: Route = pack.route(flag.concern, about=flag.about, target=flag.target, author=flag.author)
    route = route if flag.confirmed else to_checker(route)
    names = {person.id: person.name for person in register.people}
    ids = (flag.target_person or "").split(",") if flag.concern == "threat" else []
    return Told(
        concern=flag.concern,
        roles=route.recipients,
        clause=f"{pack.document} {route.clause}" if route.clause else None,
        within=route.within,
        threatened=tuple(names[one] for one in ids if one in names),
    )


def _belongs(flag: Flag, incident: Incident) -> bool:
    """Whether a flag is one on which this matter rests."""
    return flag.concern in incident.concerns and flag.about == incident.about


def _incident(store: Store, reference: str) -> Incident:
    view = store.views.incident(reference, posts=0)
    if view is None:
        raise WatcherError(f"there is no incident {reference}")
    return view.incident


def _school(register: Register, incident: Incident) -> School:
    for school in register.schools:
        if school.id == incident.school:
            return school
    raise WatcherError(
        f"{incident.reference} is about the school {incident.school!r}, which is in the settings no more"
    )


def _newest(store: Store, one: Flagged, question: str) -> str | None:
    said = [given.value for given in store.matters.answers(one.mention) if given.question == question]
    return said[-1] if said else None


def _answers(said: Said, concerns: str, now: datetime) -> Iterator[Answer]:
    """One answer for each question that was answered; ``concerns`` is what was said of concerns before."""
    values: dict[str, str | None] = {
        "lawful_opinion": None if said.lawful_opinion is None else ("yes" if said.lawful_opinion else "no"),
        "about": ",".join(said.about) or None,
        "target": said.target,
        "author": said.author,
        "child_at_risk": said.child_at_risk,
        "concern": _concerns(said, concerns),
    }
    for question, value in values.items():
        if value is not None:
            yield Answer(question=question, value=value, by=said.by, at=now, reason=said.why)


def _concerns(said: Said, before: str) -> str | None:
    if not said.concerns:
        return None
    listed_before = tuple(name.strip() for name in before.split(",") if name.strip() in CONCERNS)
    return NONE if NONE in said.concerns else ",".join(corrected(listed_before, add=said.concerns, drop=()))


def _words(said: Said, now: datetime) -> str:
    """What was answered, for the timeline."""
    given = [f"{a.question.replace('_', ' ')}: {a.value}" for a in _answers(said, "", now)]
    return "; ".join(given).replace("lawful opinion: yes", "lawful opinion, no action")


def _is_conduct(said: Said, lawful: Sequence[str]) -> bool:
    """Whether the answers say that somebody is accused, or name what lawful opinion is not."""
    return bool(set(said.about) - {NONE} or set(said.concerns) & set(lawful))


def _check(said: Said, register: Register, lawful: Sequence[str]) -> None:
    """Refuse what nobody could mean."""
    if said.is_empty:
        raise UnknownAnswerError("nothing is answered")
    for option, names, known in (
        ("--about", said.about, (*ROLES, NONE)),
        ("--author", filter(None, (said.author,)), ROLES),
        ("--concern", said.concerns, (*CONCERNS, NONE)),
        ("--child-at-risk", filter(None, (said.child_at_risk,)), ("yes", "no")),
    ):
        for name in names:
            if name not in known:
                raise UnknownAnswerError(f"{option} {name}: unknown; known are {', '.join(known)}")
    people = [person.id for person in register.people]
    if said.target is not None and said.target not in (*ROLES, NONE, *people):
        known_people = f"the people {', '.join(people)}, " if people else ""
        raise UnknownAnswerError(f"--target {said.target}: unknown; known are {known_people}{', '.join(ROLES)}, {NONE}")
    for option, several in (("--about", said.about), ("--concern", said.concerns)):
        if NONE in several and len(several) > 1:
            raise UnknownAnswerError(f"{option} {NONE} stands alone")
    if said.lawful_opinion and _is_conduct(said, lawful):
        raise UnknownAnswerError("it is lawful opinion, or it is about somebody's conduct: answer one of them")


def _ask_reason(said: Said, posts: Sequence[Flagged]) -> None:
    """A decision that nothing is done, or that lawful speech is conduct, is a reasoned one."""
    if said.why is not None and said.why.strip():
        return
    if said.lawful_opinion:
        raise WatcherError('say why nothing need be done: --lawful-opinion --why "…"')
    named = [concern for concern in said.concerns if concern in NEVER]
    for one in posts if named else ():
        speech = protected(one.post.text)
        if speech is not None:
            what = f"it is lawful speech by its kind ({speech.kind}), and becomes {concern_name(named[0])}"
            raise WatcherError(f'{what.capitalize()} only by a reasoned decision: say why with --why "…"')


def _refuse_accused(incident: Incident, by: str, register: Register) -> None:
    """Nobody answers about a matter that is about themselves."""
    if any(person.id in incident.accused and _is(person, by) for person in register.people):
        raise WatcherError(f"{incident.reference} is not open to you")


def _is(person: Person, who: str) -> bool:
    return who.strip().casefold() in {name.strip().casefold() for name in (person.id, person.name, person.email)}
