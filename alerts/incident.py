"""Flags that are one matter to a person, and the rules by which they become one; pure."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerts.flag import GRAVE, OPINION

STATES = ("open", "acknowledged", "in_progress", "resolved", "dismissed")
OPEN_STATES = ("open", "acknowledged", "in_progress")
# From which state an incident may go to which; to stay where it is may always be said again.
TRANSITIONS: dict[str, tuple[str, ...]] = {
    "open": ("acknowledged", "in_progress", "resolved", "dismissed"),
    "acknowledged": ("open", "in_progress", "resolved", "dismissed"),
    "in_progress": ("open", "acknowledged", "resolved", "dismissed"),
    "resolved": ("open",),
    "dismissed": ("open",),
}
# How long after its last flag a burst of opinion about one school is still the same burst.
WINDOW = timedelta(hours=24)
# Fewer letters than this are said by many people independently ("well done"), so they are no repost.
REPOST_LETTERS = 20
# A repost is recognised by its beginning; reading more than this of a post would only cost time.
_READ = 20_000
# The nearest ground first: what a person ruled, the very post, the same author in the same thread, the thread, the
# text, the school.
_NEARNESS = ("apart", "ruled", "post", "own", "thread", "text", "school")
_RULED = ("apart", "ruled")
# So many people saying it, or one saying it so often, makes a matter weigh more; but only a child makes it weigh most.
MANY_VOICES, OFTEN = 20, 3
_MOST_BY_REACH = 4
# A storm's own threads and texts are remembered up to so many: what it is known by longer ago joins by the school.
_MOST_KEYS = 2000
_SEVERITY = {
    "self_harm": 5,
    "child_at_risk": 5,
    "indecent_image": 5,
    "sexual_content": 4,
    "threat": 4,
    "extremism": 4,
    "illegal_activity": 4,
    "protected_identity": 4,
    "misconduct_allegation": 3,
    "contact_with_pupil": 3,
    "cyberbullying": 3,
    "discrimination": 3,
    "identifies_pupil": 3,
    "personal_data": 3,
    "confidential_information": 3,
    "blind_spot": 3,
    "praise": 1,
    "policy_question": 1,
    "account_request": 1,
    "copyright": 1,
}
# Concerns that do harm to the one aimed at, and more so to a child.
_HARMFUL = ("threat", "sexual_content", "extremism", "cyberbullying", "discrimination", "trolling", "defamation")


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One matter at one school.

    ``reference`` is random, so that a gap between two tells nothing. ``recipients`` are the roles told and
    ``about`` the accused: flags with others never join. ``accused`` are the ids of the persons who held that role when
    the incident was opened: they stay the accused whatever they hold later. ``keys`` are the fingerprints by which a
    flag joins.
    ``severity`` runs from 1 (worth knowing) to 5 (a child may come to harm); ``harm`` is that of its worst flag alone,
    before ``voices`` (how many people said it) and ``repeats`` (how often one of them said it again) are weighed in.
    ``news`` is what has happened so far that its people must hear of, oldest first: a notice's sequence is the position
    in it.

    ``found_at`` is when Watcher knew of it, ``act_by`` by when the policy asks for somebody to have acted, ``chase_at``
    when it is next followed up (``None``: somebody has it, or it is closed) and ``chased`` how many steps of following
    up it has had. ``held_by`` is the id of the person who has it.
    """

    reference: str
    school: str
    state: str
    concerns: tuple[str, ...]
    severity: int
    recipients: tuple[str, ...]
    about: str | None = None
    accused: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    opened_at: datetime
    last_flag_at: datetime
    posts: int = 0
    news: tuple[str, ...] = ("opened",)
    harm: int | None = None
    voices: int = 1
    repeats: int = 0
    found_at: datetime | None = None
    act_by: datetime | None = None
    chase_at: datetime | None = None
    chased: int = 0
    acknowledged_at: datetime | None = None
    closed_at: datetime | None = None
    held_by: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act on it."""
        return self.state in OPEN_STATES

    @property
    def is_grave(self) -> bool:
        """Whether any of its concerns is one that strangers' posts never join."""
        return any(family(concern) == "grave" for concern in self.concerns)


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """A person's word on what is known by a key: it belongs to one matter (``mark``), or ``apart`` from all others."""

    key: str
    mark: str
    apart: bool = False

    @property
    def kept_as(self) -> str:
        """The key by which an incident is the one that was meant."""
        return f"{'apart' if self.apart else 'ruled'}:{self.mark}"


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A flag on its way into an incident, with all that grouping looks at.

    ``mention`` is the store's number of the mention, ``post`` the key of the post, ``thread`` the thread's id (its
    own id where the post stands alone), ``author`` the author's id or ``None``, ``text`` the post's text. ``rulings``
    are what persons have said of its fingerprints.
    """

    flag: int
    mention: int
    school: str
    concern: str
    recipients: tuple[str, ...]
    about: str | None
    target: str | None
    post: tuple[str, str, str]
    thread: str
    author: str | None
    text: str
    at: datetime
    rulings: tuple[Ruling, ...] = ()

    @property
    def set_apart(self) -> tuple[Ruling, ...]:
        """By which words of persons it belongs to nothing but what they meant; the first counts."""
        apart = [ruling for ruling in self.rulings if ruling.apart]
        return tuple(ruling for ruling in apart if ruling.mark == apart[0].mark)


def family(concern: str) -> str:
    """How a concern groups: ``grave`` (same author and thread), ``opinion`` (also same school) or ``ordinary``."""
    if concern in GRAVE:
        return "grave"
    return "opinion" if concern in OPINION else "ordinary"


def may_move(before: str, after: str) -> bool:
    """Whether an incident may go from a state to another."""
    return after == before or after in TRANSITIONS.get(before, ())


def weighed(harm: int, voices: int, repeats: int) -> int:
    """The severity of a matter whose worst flag weighs ``harm``, by how many said it and how often one of them did.

    Reach and repetition make a matter weigh one more, never so much as a child who may come to harm.
    """
    louder = voices >= MANY_VOICES or repeats >= OFTEN
    return max(harm, min(harm + louder, _MOST_BY_REACH))


def severity(concern: str, target: str | None = None, about: str | None = None) -> int:
    """How much harm a matter may do, from 1 (worth knowing) to 5 (a child may come to harm); a child weighs most."""
    worst = _SEVERITY.get(concern, 2)
    if target == "pupil" and concern in _HARMFUL:
        worst += 1
    if about is not None:
        worst = max(worst, 3)
    return min(worst, 5)


def ordered(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The order in which flags are grouped: oldest first, and of one post its grave flags before the others.

    So a post that is a threat and an insult becomes one matter, even where the insult alone would join a storm.
    """
    return tuple(sorted(candidates, key=lambda c: (c.at, c.post, family(c.concern) != "grave", c.flag)))


def fingerprints(candidate: Candidate) -> tuple[str, ...]:
    """The keys by which the flag can join an open incident, the nearest first: digests, prefixed with their kind.

    That opinion also joins by school is no key: an older incident may still be open when a new burst begins.
    """
    apart = candidate.set_apart
    if apart:
        return tuple(dict.fromkeys((apart[0].kept_as, *(ruling.key for ruling in apart))))
    kept = dict.fromkeys(ruling.kept_as for ruling in candidate.rulings)
    return (*kept, *_grounds(candidate))


def _grounds(candidate: Candidate) -> tuple[str, ...]:
    """The keys of what a post is, whatever a person has ruled."""
    kind = family(candidate.concern)
    platform, origin, _ = candidate.post
    thread = candidate.thread or candidate.post[2]
    keys = [_key("post", candidate, *candidate.post)]
    if candidate.author:
        keys.append(_key("own", candidate, platform, origin, thread, candidate.author))
    if kind == "grave":
        return tuple(keys)
    keys.append(_key("thread", candidate, platform, origin, thread))
    words = _words(candidate.text)
    if sum(map(str.isalpha, words)) >= REPOST_LETTERS:
        keys.append(_key("text", candidate, words))
    return tuple(keys)


def join(candidate: Candidate, incidents: Iterable[Incident], window: timedelta = WINDOW) -> Incident | None:
    """The open incident that the flag belongs to, or ``None`` when it is a matter of its own.

    Among several the nearest ground decides, then the incident that was flagged last.
    """
    keys = fingerprints(candidate)
    best: tuple[int, float, str] | None = None
    found: Incident | None = None
    for incident in incidents:
        nearness = _nearness(candidate, keys, incident, window)
        if nearness is None:
            continue
        rank = (nearness, -incident.last_flag_at.timestamp(), incident.reference)
        if best is None or rank < best:
            best, found = rank, incident
    return found


def opened(candidate: Candidate, reference: str) -> Incident:
    """A new incident with this flag as its first; ``reference`` is random and given by the caller."""
    return Incident(
        reference=reference,
        school=candidate.school,
        state="open",
        concerns=(candidate.concern,),
        severity=severity(candidate.concern, candidate.target, candidate.about),
        harm=severity(candidate.concern, candidate.target, candidate.about),
        recipients=candidate.recipients,
        about=candidate.about,
        targets=(candidate.target,) if candidate.target else (),
        keys=(*fingerprints(candidate), _alone(candidate, reference)),
        opened_at=candidate.at,
        last_flag_at=candidate.at,
        posts=1,
    )


def joined(
    incident: Incident, candidate: Candidate, *, new_post: bool = True, voices: int = 0, repeats: int = 0
) -> Incident:
    """The incident with this flag in it; ``new_post`` is false when another flag of the same post is in it already.

    A matter of one author remembers its posts, so there a post is never counted twice; a storm does not. ``voices``
    are those heard by now, ``repeats`` how often this one has spoken again. Where somebody has a matter in hand and a
    grave thing is said again, it waits for an answer once more.
    """
    counts = new_post and _key("post", candidate, *candidate.post) not in incident.keys
    concerns = _with(incident.concerns, candidate.concern)
    harm = max(_harm(incident), severity(candidate.concern, candidate.target, candidate.about))
    heard, again = max(incident.voices, voices), max(incident.repeats, repeats)
    after = replace(
        incident,
        concerns=concerns,
        harm=harm,
        voices=heard,
        repeats=again,
        severity=max(incident.severity, weighed(harm, heard, again)),
        targets=_with(incident.targets, candidate.target),
        keys=_keys_after(incident, candidate, concerns),
        opened_at=min(incident.opened_at, candidate.at),
        last_flag_at=max(incident.last_flag_at, candidate.at),
        posts=incident.posts + counts,
    )
    said_again = counts and incident.state != "open" and family(candidate.concern) == "grave"
    reason = news(incident, after) or ("said_again" if said_again else None)
    after = after if reason is None else replace(after, news=(*incident.news, reason))
    return waiting_again(after) if reason is not None and family(candidate.concern) == "grave" else after


def waiting_again(incident: Incident) -> Incident:
    """The incident as one that nobody has in hand."""
    return replace(incident, state="open", acknowledged_at=None, held_by=None, chase_at=None, chased=0)


def news(before: Incident | None, after: Incident) -> str | None:
    """Why the incident's people must hear of it (again): the reason of a notice, or ``None`` when nothing is new."""
    if before is None:
        return "opened"
    if set(after.concerns) - set(before.concerns):
        return "new_concern"
    if set(after.targets) - set(before.targets):
        return "new_target"
    # That it has become louder is no news; that it weighs more than loudness explains is.
    louder = weighed(_harm(before), after.voices, after.repeats)
    worse = _harm(after) > _harm(before) or after.severity > max(before.severity, louder)
    return "more_severe" if worse else None


def _harm(incident: Incident) -> int:
    """What the worst flag weighs; an incident of an older version has kept the whole alone."""
    return incident.severity if incident.harm is None else incident.harm


def _nearness(candidate: Candidate, keys: tuple[str, ...], incident: Incident, window: timedelta) -> int | None:
    """The position in ``_NEARNESS`` of the nearest ground on which the flag joins, or ``None``."""
    if not incident.is_open or not _same_circle(candidate, incident):
        return None
    held = set(incident.keys)
    for key in keys:
        if key in held:
            return _NEARNESS.index(key.partition(":")[0])
    return _NEARNESS.index("school") if _same_burst(candidate, incident, window) else None


def _same_burst(candidate: Candidate, incident: Incident, window: timedelta) -> bool:
    """Whether both are opinion about one school at one time."""
    opinion = family(candidate.concern) == "opinion" and any(family(c) == "opinion" for c in incident.concerns)
    if candidate.set_apart or any(key.partition(":")[0] == "apart" for key in incident.keys):
        return False
    timely = incident.opened_at - window <= candidate.at <= incident.last_flag_at + window
    return opinion and timely and not incident.is_grave


def _same_circle(candidate: Candidate, incident: Incident) -> bool:
    """Whether exactly the same people may know of both."""
    return (
        candidate.school == incident.school
        and candidate.about == incident.about
        and set(candidate.recipients) == set(incident.recipients)
    )


def _keys_after(incident: Incident, candidate: Candidate, concerns: tuple[str, ...]) -> tuple[str, ...]:
    """The keys once the flag is in: a grave matter stays shut to strangers, a matter of many is no longer one's own."""
    keys = (*incident.keys, *fingerprints(candidate))
    if any(family(concern) == "grave" for concern in concerns):
        keys = _only(keys, (*_RULED, "post", "own"))
    elif _alone(candidate, incident.reference) not in incident.keys:
        keys = _only(keys, (*_RULED, "thread", "text"))
    keys = tuple(dict.fromkeys(keys))
    if len(keys) <= _MOST_KEYS:
        return keys
    ruled = _only(keys, _RULED)
    return tuple(dict.fromkeys((*ruled, *keys[-_MOST_KEYS:])))


def _only(keys: tuple[str, ...], kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(key for key in keys if key.partition(":")[0] in kinds)


def _alone(candidate: Candidate, reference: str) -> str:
    """The mark of an incident whose posts all come from one author (where that is unknown: are one post)."""
    platform, origin, post = candidate.post
    who = ("author", candidate.author) if candidate.author else ("post", post)
    return _key("alone", candidate, reference, platform, origin, *who)


def _key(kind: str, candidate: Candidate, *parts: str) -> str:
    """A digest of the parts for those who may know, so that equal keys never cross from one circle to another."""
    circle = [candidate.school, sorted(set(candidate.recipients)), candidate.about]
    # JSON in ASCII: parts cannot run into each other, and a lone surrogate of a platform does no harm.
    digest = hashlib.sha256(json.dumps([kind, circle, parts], ensure_ascii=True).encode())
    return f"{kind}:{digest.hexdigest()[:40]}"


def _words(text: str) -> str:
    """The letters and digits of a text, one space between words: links, marks, case and punctuation do not count."""
    text = re.sub(r"\b(?:https?://|www\.)\S+", " ", text[:_READ])
    # Marks go before normalising: a run of them would take time that grows with the square of its length.
    bare = "".join(c for c in text if not unicodedata.combining(c))
    plain = unicodedata.normalize("NFKD", bare).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c)).split())


def _with(values: tuple[str, ...], value: str | None) -> tuple[str, ...]:
    return values if value is None or value in values else (*values, value)
