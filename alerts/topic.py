"""What people spoke about, by words alone: topics of school life, counted so that a small number names nobody; pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Below this many posts a topic's count is not told.
LEAST = 5
# More of a post than this is not looked at: what it is about stands at the beginning.
_READ = 4_000
# Topic: its words; a star stands for any ending.
_WORDS = {
    "Uniform and appearance": "uniform* blazer* tie ties skirt* trousers trainers haircut* hairstyle* piercing* makeup",
    "Behaviour and sanctions": (
        "behaviou?r detention* isolation suspen* exclusion* excluded expel* sanction* discipline"
    ),
    "Bullying between pupils": "bully* bullies bullied cyberbull* picked?on",
    "Special needs and inclusion": (
        "send?support send?provision send?pupil* send?team* senco ehcp* sen autis* adhd dyslexi* inclusion "
        "accessib* special?needs"
    ),
    "Teaching and homework": "lesson* homework curriculum teaching phonics maths reading spelling* textbook*",
    "Exams and results": "exam exams examination* gcse* sats a?level* btec* results grade* mocks ofsted league?table*",
    "Staffing": "supply?teacher* staffing vacanc* resign* recruit* understaffed strike* new?head* staff?turnover",
    "Food and lunches": "lunch* dinner?lady dinners canteen menu* meal* food packed?lunch* snack* allerg*",
    "Transport and parking": "bus buses parking parked traffic drop?off pick?up minibus* crossing",
    "Buildings and grounds": "building* heating boiler* toilet* roof leak* playground* classroom* raac mould",
    "Money and donations": "donation* fundrais* fee fees cost costs voucher* budget* parentpay contribution*",
    "Events and performances": (
        "concert* nativity choir fair fete assembl* performance* sports?day school?play prom bake?sale"
    ),
    "Trips and clubs": "trip* residential* excursion* club clubs after?school breakfast?club museum",
    "Sport": "football netball rugby cricket hockey athletics tournament* pe?lesson* pe?kit",
    "Admissions and places": "admission* catchment oversubscribed appeal* open?day* open?evening* waiting?list",
    "Communication with families": "newsletter* email* letter letters app reply replied communicat* parents?evening*",
    "Attendance and closures": "attendance absence* fined fines truan* snow closure* inset holiday*",
    "Phones and technology": "phone phones smartphone* tablet* ipad* laptop* wifi chromebook*",
    "Health and wellbeing": "wellbeing mental?health anxi* counsell* nurse illness sick covid headlice nits first?aid",
    "Changes to the school": "merger* academ* takeover consultation rebuild* expansion trust?join*",
}


def _pattern(words: str) -> re.Pattern[str]:
    parts = (re.escape(w).replace(r"\*", r"\w*").replace(r"\?", r"[\s\-’']?") for w in words.split())
    return re.compile(rf"\b(?:{'|'.join(parts)})\b")


# ``behaviou?r`` is spelt in two ways rather than in two words.
_PATTERNS = {topic: _pattern(words.replace("behaviou?r", "behaviour behavior")) for topic, words in _WORDS.items()}
TOPICS = tuple(_PATTERNS)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """How many posts spoke of a topic: ``posts`` is ``None`` where they were fewer than five.

    ``more`` says that there were a few more, which are not counted because they could be computed otherwise.
    """

    name: str
    posts: int | None
    more: bool = False

    @property
    def said(self) -> str:
        """The count as people read it: ``12``, ``12 or more``, ``<5``."""
        if self.posts is None:
            return f"<{LEAST}"
        return f"{self.posts:,}" + (" or more" if self.more else "")


def topics(text: str) -> tuple[str, ...]:
    """The topics that a text speaks of, none or several, each once."""
    some = text[:_READ].casefold()
    return tuple(topic for topic, pattern in _PATTERNS.items() if pattern.search(some))


def tally(texts: Iterable[str]) -> Counter[str]:
    """How many of the texts speak of each topic; one that speaks of several counts for each."""
    return Counter(topic for text in texts for topic in topics(text))


def told(by_school: Mapping[str, Mapping[str, int]]) -> tuple[Topic, ...]:
    """The topics of some schools together as they may be told, the most spoken of first.

    Where some schools have fewer than five posts on a topic, those are left out of its sum, so that nobody who knows
    the other schools' counts can subtract them; posts about no topic are not counted anywhere, and a post may count
    for several, so that no count follows from the others and the total.
    """
    found = [_one(name, [counts.get(name, 0) for counts in by_school.values()]) for name in TOPICS]
    shown = [topic for topic in found if topic is not None]
    return tuple(sorted(shown, key=lambda topic: (-(topic.posts or 0), TOPICS.index(topic.name))))


def _one(name: str, counts: Iterable[int]) -> Topic | None:
    some = [n for n in counts if n > 0]
    if not some:
        return None
    large = sum(n for n in some if n >= LEAST)
    return Topic(name=name, posts=large or None, more=bool(large) and large != sum(some))
