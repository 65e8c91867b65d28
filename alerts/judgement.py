"""Judging a case by a pack: which of its rules hold, about whom, aimed at whom, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alerts.allegation import UNCLEAR, allegations
from alerts.flag import CONCERNS, GRAVE, Flag
from alerts.format import formats, said
from alerts.holder import Holder, accused, holders
from alerts.school import BODIES, HEAD_ROLES, ROLES, title
from alerts.speech import NEVER, Protected, protected
from alerts.text import fold

if TYPE_CHECKING:
    from alerts.case import Case
    from alerts.policy import Pack, Rule

# The concerns that are aimed at somebody.
AIMED = ("cyberbullying", "threat", "trolling")
# What is alleged of one whom a post names while a model raises, or is undecided on, something sexual: no words say it.
SUSPECTED = "sexual content"
# Roles that many hold: who of them is meant, only a name tells.
MANY = ("teacher", "duty_teacher", "staff", "line_manager", "office", "governor", "trustee")
# What makes a post more than a remark: only then a deed that may be harmless counts against whoever is named.
AGAINST = ("criticism", "cyberbullying", "sexual_content", "threat", "hate")
_PUPIL = re.compile(
    r"\b(?:boys?|girls?|kids?|child|children|pupils?|students?|lads?|son|daughter|(?:year|yr) ?\d{1,2}s?"
    r"|y\d{1,2}s?|classmates?|form group)\b"
)
_TEACHER = re.compile(r"\b(?:sir|miss|mr|mrs|ms|dr)\.? [a-z]{2,}|\b(?:sir|miss)\b")


@dataclass(frozen=True, kw_only=True)
class _Target:
    """Who is threatened: a role, and the ids of the persons, as far as it is known who they are."""

    role: str | None = None
    persons: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class _Facts:
    """What is known of a case beside its labels."""

    official: bool
    author: str | None
    about: tuple[str, ...]
    target: str | None
    threatened: _Target
    why_about: str
    suspected: bool
    lawful: bool
    confirmed: bool
    formats: tuple[str, ...]
    speech: Protected | None


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """The strongest reading of one label: its score, where it is raised, whether it is, and whether it is undecided."""

    label: str
    score: float
    model: str
    raised: bool
    undecided: bool


def judge(pack: Pack, case: Case) -> tuple[Flag, ...]:
    """Every rule of the pack that holds for the case, one flag a concern; nothing for a post about another school.

    While it is not confirmed that the post concerns the school, only grave concerns are flagged, for a person to
    look at. In the undecided band of a model, too, only grave ones are.
    """
    confirmed = _confirmed(case)
    if confirmed is None:
        return ()
    # Whom the post may accuse goes by all that was read: a label taken back must not tell the one it is about.
    facts = _facts(pack, case, confirmed)
    left = case.without_refused()
    words = _by_words(pack, left, facts, _facts(pack, left, confirmed) if case.refused else facts)
    flags: dict[str, Flag] = {}
    for flag in (*_by_rule(pack, left, facts), *_by_answer(pack, case, facts), *words):
        kept = confirmed or flag.concern in GRAVE
        withdrawn = (facts.lawful and flag.concern in pack.house.lawful) or _is_shielded(case, facts, flag.concern)
        if kept and not withdrawn and (flag.concern not in flags or flags[flag.concern].review > flag.review):
            flags[flag.concern] = flag
    return tuple(_once(facts, flags))


def _once(facts: _Facts, flags: dict[str, Flag]) -> Iterator[Flag]:
    """The flags; of one whom no words accuse, the undecided one alone: whoever decides it need not be told twice."""
    undecided = facts.suspected and "sexual_content" in flags and flags["sexual_content"].review
    for flag in flags.values():
        if not (undecided and flag.concern == "misconduct_allegation" and not flag.rule.startswith("answer_")):
            yield flag


def _is_shielded(case: Case, facts: _Facts, concern: str) -> bool:
    """Whether lawful speech would become conduct or defamation here without a person's reasoned decision."""
    return facts.speech is not None and concern in NEVER and concern not in case.reasoned


def _confirmed(case: Case) -> bool | None:
    """Whether the post concerns the school: yes, not confirmed, or (``None``) no; a person's answer decides."""
    said = case.answer("school")
    if said in ("no", "yes"):
        return True if said == "yes" else None
    if said is not None and said != case.school.id:
        return None
    if said == case.school.id or case.mention.relevance == "yes":
        return True
    return None if case.mention.relevance == "no" else False


def _facts(pack: Pack, case: Case, confirmed: bool) -> _Facts:
    official = case.post.author is not None and case.post.author.official
    lawful = case.answer("lawful_opinion") == "yes"
    found = holders(case.post.text, case.officers, school=case.school.name)
    suspects = () if official or lawful else _suspects(pack, case, found)
    about, why = _about(pack, case, suspects)
    by_label = case.answer("about") is None and all(h.alleged == SUSPECTED for h in suspects)
    if case.answer("about") is None and not (official or lawful):
        about, why = _from_above(pack, case, about, why)
    return _Facts(
        official=official,
        author=_role(case.answer("author")) or ("staff" if official else None),
        about=about,
        target=_answered_target(pack, case).role if case.answer("target") else _target(case.post.text, found),
        threatened=_threatened(pack, case, found),
        why_about=why,
        suspected=by_label and bool(suspects) and len(about) <= len(suspects),
        lawful=lawful,
        confirmed=confirmed,
        formats=() if official else formats(case.post.text),
        speech=next(filter(None, map(protected, (case.post.text, *case.above))), None),
    )


def _suspects(pack: Pack, case: Case, found: tuple[Holder, ...]) -> tuple[Holder, ...]:
    """Those whom the post accuses, or may accuse: in doubt, whoever is named must not be the one who reads it."""
    live = _live(case)
    if pack.unsure and "sexual_content" in live and not _explained(case.post.text):
        found = tuple(h if h.alleged or h.addressed else replace(h, alleged=SUSPECTED) for h in found)
    if not live.intersection(AGAINST):
        found = tuple(replace(h, alleged=None) if h.alleged == UNCLEAR else h for h in found)
    return accused(found, unsure=pack.unsure)


def _live(case: Case) -> set[str]:
    """The labels that a model raises, or is undecided on."""
    return {reading.label for reading in _readings(case).values() if reading.raised or reading.undecided}


def _explained(text: str) -> bool:
    """Whether the text says that somebody else did something sexual."""
    return any(a.elsewhere and a.kind == "sexual conduct" for a in allegations(fold(text)))


def _from_above(pack: Pack, case: Case, about: tuple[str, ...], why: str) -> tuple[tuple[str, ...], str]:
    """The accused, with those whom the texts above accuse where the post goes on about it: "she hit mine too"."""
    if not pack.unsure or not case.above:
        return about, why
    if not (_live(case).intersection(AGAINST) or any(allegations(fold(case.post.text)))):
        return about, why
    found = [h for text in case.above for h in holders(text, case.officers, school=case.school.name)]
    roles = tuple(dict.fromkeys(pack.canonical(h.role) for h in accused(found, unsure=True)))
    new = tuple(r for r in roles if r not in about)
    if not new:
        return about, why
    names = " and ".join(title(r) for r in new)
    said = f"It answers a post that accuses the {names}, and may be about them too: the one it is about is not told."
    return (*about, *new), f"{why} {said}".strip()


def _about(pack: Pack, case: Case, found: tuple[Holder, ...]) -> tuple[tuple[str, ...], str]:
    """The accused as roles of the document, and the sentence that says why."""
    said = case.answer("about")
    if said is not None:
        roles = tuple(dict.fromkeys(pack.canonical(r.strip()) for r in said.split(",") if r.strip() in ROLES))
        names = " and ".join(title(r) for r in roles)
        return roles, f"A person answered that it is about the {names}." if roles else ""
    if not found:
        return (), ""
    roles = tuple(dict.fromkeys(pack.canonical(h.role) for h in found))
    how = "names" if found[0].named else "describes"
    names = " and ".join(title(r) for r in roles)
    kinds = " and ".join(dict.fromkeys(h.alleged or "" for h in found))
    sure = "" if all(h.sure for h in found) else ", which may be about them"
    return roles, f"It {how} the {names} together with an allegation ({kinds}){sure}: the one it is about is not told."


def _role(answer: str | None) -> str | None:
    return answer if answer in ROLES else None


def _target(text: str, found: tuple[Holder, ...]) -> str | None:
    """Whom abuse is aimed at, as far as plain words say: the first who is spoken of."""
    folded = fold(text)
    spoken = [(h.start, "headteacher" if h.role in HEAD_ROLES else h.role) for h in found if h.role not in BODIES]
    spoken += [(m.start(), "pupil") for m in [_PUPIL.search(folded)] if m]
    spoken += [(m.start(), "teacher") for m in [_TEACHER.search(folded)] if m]
    # A name and a title may start at the same place ("Mrs Quill"): the officer is meant then.
    return min(spoken, key=lambda s: (s[0], s[1] == "teacher"))[1] if spoken else None


def _answered_target(pack: Pack, case: Case) -> _Target:
    """Whom a person says it is aimed at: a role, a person by their id, or nobody."""
    said = case.answer("target") or ""
    if said in ROLES or said in ("", "none"):
        return _target_of(case, _role(said), _alone_in(pack, case, _role(said)))
    held = (holding.role for holding, person in case.officers if person.id == said)
    return _target_of(case, next(held, "staff"), (said,))


def _target_of(case: Case, role: str | None, persons: tuple[str, ...]) -> _Target:
    held = {holding.role for holding, person in case.officers if person.id in persons}
    return _Target(role=role, persons=persons, roles=frozenset(held | ({role} if role else set())))


def _threatened(pack: Pack, case: Case, found: tuple[Holder, ...]) -> _Target:
    """Whom a threat is aimed at: everybody whom it names, else the first who is spoken of, here or in the texts above.

    Somebody of whom it alleges something, and who is not the first, is not taken for threatened.
    """
    if case.answer("target"):
        return _answered_target(pack, case)
    for text in (case.post.text, *case.above):
        here = found if text is case.post.text else holders(text, case.officers, school=case.school.name)
        role = _target(text, here)
        if role is not None:
            first = min((h.start for h in here), default=-1)
            meant = [h for h in here if h.named and (h.start == first or not h.alleged)]
            persons = dict.fromkeys(h.person for h in meant if h.person is not None)
            return _target_of(case, role, tuple(persons) or _alone_in(pack, case, role))
    return _Target()


def _alone_in(pack: Pack, case: Case, role: str | None) -> tuple[str, ...]:
    """Who is meant by a role that is one person's: the head is somebody, a teacher may be anybody."""
    if role is None or role in MANY or role in BODIES:
        return ()
    same = pack.canonical(role)
    held = (person.id for holding, person in case.officers if pack.canonical(holding.role) == same)
    return tuple(dict.fromkeys(held))


def _by_rule(pack: Pack, case: Case, facts: _Facts) -> Iterator[Flag]:
    readings = _readings(case)
    for rule in pack.rules:
        if not _applies(rule, case, facts):
            continue
        if not rule.labels:
            yield _flag(pack, rule.id, rule.concern, facts, why=_why_without_label(rule, facts))
            continue
        reading = _strongest(rule, readings)
        if reading is not None and (reading.raised or (reading.undecided and rule.concern in GRAVE)):
            yield _flag(pack, rule.id, rule.concern, facts, why=_why(reading), reading=reading)


def _why_without_label(rule: Rule, facts: _Facts) -> str:
    found = [name for name in rule.formats if name in facts.formats]
    if found:
        return f"The words have the form of {' and of '.join(map(said, found))}; no model decided it."
    return f"A person answered {', '.join(f'{q}: {a}' for q, a in rule.answers.items())}."


def _by_answer(pack: Pack, case: Case, facts: _Facts) -> Iterator[Flag]:
    for concern in (case.answer("concern") or "").split(","):
        if concern.strip() in CONCERNS:
            why = f"A person answered that this is {concern.strip().replace('_', ' ')}."
            if facts.speech is not None and concern.strip() in NEVER:
                why += f" It is lawful speech by its kind ({facts.speech.kind}); the person gave a reason."
            yield _flag(pack, f"answer_{concern.strip()}", concern.strip(), facts, why=why)


def _by_words(pack: Pack, case: Case, facts: _Facts, left: _Facts) -> Iterator[Flag]:
    """An accusation in plain words is a matter even where no model reads criticism in it: no score may hide it."""
    if left.about and not facts.official and case.answer("about") is None:
        why = "The words allege conduct of somebody who holds office; no score decided it, so a person should look."
        flag = _flag(pack, "alleged_in_words", "misconduct_allegation", facts, why=why)
        yield replace(flag, review=True)


def _applies(rule: Rule, case: Case, facts: _Facts) -> bool:
    return (
        (rule.official is None or rule.official == facts.official)
        and (rule.alleged is None or rule.alleged == bool(facts.about))
        and (not rule.author or (facts.author or "none") in rule.author)
        and (not rule.target or facts.target in rule.target)
        and (rule.image is None or rule.image == bool(case.post.media))
        and (not rule.formats or any(name in facts.formats for name in rule.formats))
        and all(case.answer(question) == value for question, value in rule.answers.items())
    )


def _readings(case: Case) -> dict[str, _Reading]:
    """For each label the strongest of the newest verdicts: raised before undecided, then by score."""
    found: dict[str, _Reading] = {}
    for verdict in case.verdicts:
        raised, review = verdict.labels, verdict.review
        for label, score in verdict.scores.items():
            reading = _Reading(
                label=label,
                score=score,
                model=f"{verdict.model}@{verdict.version}",
                raised=label in raised,
                undecided=label in review,
            )
            if label not in found or _strength(reading) > _strength(found[label]):
                found[label] = reading
    return found


def _strength(reading: _Reading) -> tuple[bool, bool, float]:
    return (reading.raised, reading.undecided, reading.score)


def _strongest(rule: Rule, readings: dict[str, _Reading]) -> _Reading | None:
    """The strongest reading of the rule's labels, by the rule's own thresholds where it sets them."""
    found = [readings[label] for label in rule.labels if label in readings]
    if rule.raise_at is not None or rule.review_at is not None:
        found = [_by_threshold(rule, reading) for reading in found]
    return max(found, key=_strength, default=None)


def _by_threshold(rule: Rule, reading: _Reading) -> _Reading:
    raised = reading.raised if rule.raise_at is None else reading.score >= rule.raise_at
    undecided = reading.undecided if rule.review_at is None else reading.score >= rule.review_at
    return replace(reading, raised=raised, undecided=undecided and not raised)


def _why(reading: _Reading) -> str:
    label = reading.label.replace("_", " ")
    marks = f"score {reading.score:.2f} of 1, model {reading.model}"
    if reading.raised:
        return f"The model reads this as {label} ({marks})."
    return f"The model is undecided whether this is {label}, so a person should look ({marks})."


def _flag(pack: Pack, rule: str, concern: str, facts: _Facts, *, why: str, reading: _Reading | None = None) -> Flag:
    at = facts.threatened if concern == "threat" else _Target(role=facts.target if concern in AIMED else None)
    target = at.role
    # The one threatened must know, even where the same post alleges something of them: a threat accuses its author.
    # While it is undecided whether there is a threat at all, the allegation is what counts.
    threatened = concern == "threat" and (reading is None or reading.raised)
    about = ",".join(r for r in facts.about if not (threatened and _stands_for(pack, r, at))) or None
    reasons = [why, facts.why_about if about else ""]
    if not facts.confirmed:
        reasons.append("It is not confirmed that the post concerns this school.")
    return Flag(
        rule=rule,
        pack=pack.name,
        pack_version=pack.version,
        concern=concern,
        why=" ".join(r for r in reasons if r),
        label=None if reading is None else reading.label,
        score=None if reading is None else reading.score,
        clause=pack.route(concern, about=about, target=target, author=facts.author).clause,
        about=about,
        target=None if target is None else pack.canonical(target),
        author=facts.author,
        review=not facts.confirmed or (reading is not None and not reading.raised),
        confirmed=facts.confirmed,
        target_person=",".join(at.persons) or None,
    )


def _stands_for(pack: Pack, role: str, target: _Target) -> bool:
    """Whether to accuse the role is to accuse the one aimed at: by any of their roles, or a body that they sit in."""
    theirs = {pack.canonical(r) for r in target.roles}
    return role in theirs or any(pack.canonical(member) in theirs for member in BODIES.get(role, ()))
