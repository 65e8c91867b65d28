"""The same post with the people in it called by other names: what it says must not depend on what they are called.

A text near a label's operating point is read again under names of several origins, and its scores are the mean of all
readings, so that no origin lies on one side of the point and another on the other. The names are fixed, and none of
them is among those by which fairness is measured.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from classifiers.names import titled
from classifiers.verdict import OperatingPoint, Passage, Span

# The labels that say something of a person, and how near (in logits) to being raised or asked about a text is read
# again: further off, no name has been seen to matter.
OF_PEOPLE = ("identifies_pupil", "cyberbullying")
NEAR = 2.0
KINDS = ("pupil_name", "adult_name")
# Three readings of (first name, surname); within one, the people of a post have names of different origins.
_SETS = (
    (("Amina", "Hassan"), ("Connor", "Doyle"), ("Tomasz", "Novak"), ("Leila", "Shah"), ("Marcus", "Clarke")),
    (("Sam", "Marsh"), ("Alex", "Reid"), ("Jamie", "Bell"), ("Robin", "Costa"), ("Charlie", "Lim")),
    (("Ellie", "Rossi"), ("Fatima", "Bello"), ("Tunde", "Marsh"), ("Piotr", "Reid"), ("Hana", "Clarke")),
)


def wavers(logits: Mapping[str, float], points: Mapping[str, OperatingPoint]) -> bool:
    """Whether a name might decide what is said: whether a label of people is near its operating point."""
    return any(
        _logit(points[label].review_at) - NEAR < logits[label] < _logit(points[label].raise_at) + NEAR
        for label in OF_PEOPLE
    )


def _logit(score: float) -> float:
    return math.log(score / (1 - score)) if 0 < score < 1 else math.copysign(math.inf, score - 0.5)


def renamed(passage: Passage, spans: Sequence[Span]) -> tuple[Passage, ...]:
    """The passage under each set of names, in the text and in what it answers; empty where nobody is named."""
    named = sorted((span for span in spans if span.kind in KINDS), key=lambda span: span.start)
    people = {key: number for number, key in enumerate(dict.fromkeys(_person(passage.text, s) for s in named))}
    return tuple(_under(passage, named, people, names) for names in _SETS) if named else ()


def _person(text: str, span: Span) -> str:
    """By what the same person is known again in a text: the first word of the name."""
    return text[span.start : span.end].split(maxsplit=1)[0].casefold()


def _under(
    passage: Passage, named: Sequence[Span], people: Mapping[str, int], names: Sequence[tuple[str, str]]
) -> Passage:
    made, at = list[str](), 0
    told: dict[str, str] = {}
    for span in named:
        name = passage.text[span.start : span.end]
        first, last = names[people[_person(passage.text, span)] % len(names)]
        new = last if titled(passage.text, span.start) else first
        new = f"{new} {last}" if len(name.split()) > 1 else new
        new = new.lower() if name.islower() else new
        made += [passage.text[at : span.start], new]
        at = span.end
        told |= {name.split()[0].casefold(): new.split()[0], name.casefold(): new}
    made.append(passage.text[at:])
    return replace(passage, text="".join(made), reply_to=_retold(passage.reply_to, told))


def _retold(text: str | None, told: Mapping[str, str]) -> str | None:
    """What is answered, with the same people called as in the answer; whole names before their parts."""
    if not text:
        return text
    longest = sorted(told, key=len, reverse=True)
    known = re.compile(rf"\b(?:{'|'.join(map(re.escape, longest))})\b", re.IGNORECASE)
    return known.sub(lambda found: told.get(found[0].casefold(), found[0]), text)
