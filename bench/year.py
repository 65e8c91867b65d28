"""How often a simulated school year brings a chair of governors a conflict mail that is mere opinion.

    python bench/year.py [--years 2000] [--labels] [--hard] [--misled] [--show] [--write docs/benchmarks.md]

A year is 195 school days at one school: opinions of the school, one in twenty of which speaks of the Head (in
``data/schoolposts`` it is one in forty), and one storm over a decision of the Head, in which half do; ``--hard``: one
in five, and all. Opinions are rows
of ``data/schoolposts`` that have the label criticism alone, and ``HELD_OUT`` of ``bench/opinions.py`` under every name
(``--misled``: its other lists too, by which the words were mended); rows that allege something are left out by hand
(``ALLEGED``). Each is read by the shipped model (``--labels``: has the labels that people gave it),
judged by a pack, and grouped as the service groups. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from alerts import incident as grouping
from alerts.case import Case
from alerts.holder import holders
from alerts.incident import Candidate, Incident
from alerts.mention import Mention
from alerts.packs import load_pack
from alerts.policy import Pack
from alerts.school import HEAD_ROLES, Holding, Person, School
from bench.opinions import HEADS, HELD_OUT, MENDED_BY
from classifiers.verdict import LABELS, OperatingPoint, Passage, Verdict
from connectors.post import Post

ROOT = Path(__file__).parents[1]
MOST = 2  # conflict mails of mere opinion that a chair may get in a year
OPINIONS_A_YEAR = 150
# Of opinions, and of a storm: how many speak of the Head. In ``data/schoolposts`` it is one in forty.
ABOUT_THE_HEAD, IN_A_STORM = 0.05, 0.5
HARD_ABOUT_THE_HEAD, HARD_IN_A_STORM = 0.2, 1.0
STORM_POSTS = 60
# Rows that speak of the Head, have the label criticism alone, and allege something all the same: read one by one.
ALLEGED = ("P125", "I196", "AE534", "W453", "D036")
SCHOOL = School(id="hollin", name="Hollin Primary School", pack="wessex")
OFFICERS = tuple(
    (Holding(person=name, role=role, school="hollin"), Person(id=name, name=title, email=f"{name}@hollin.example"))
    for name, role, title in (
        ("quill", "headteacher", "Mrs Jemima Quill"),
        ("brook", "chair_of_governors", "Tom Brook"),
        ("fir", "dsl", "Dee Fir"),
    )
)
_BEGAN = datetime(2026, 9, 1, 8, tzinfo=UTC)
_DAYS = 195
_BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """One opinion: its text, what it answers, whether it speaks of the Head, and where it is from."""

    text: str
    above: str | None
    of_head: bool
    source: str


@dataclass(frozen=True, kw_only=True)
class Judged:
    """An opinion that takes the conflict route to the chair: by which concern, about whom, and who is told."""

    opinion: Opinion
    concern: str
    about: str
    recipients: tuple[str, ...]


def opinions(*, misled: bool = False) -> tuple[Opinion, ...]:
    """Every opinion of the pool: the rows and the invented ones under every name."""
    texts = (*HELD_OUT, *MENDED_BY) if misled else HELD_OUT
    rows = [
        Opinion(text=row["text"], above=row.get("reply_to"), of_head=_of_head(row["text"]), source=str(row["id"]))
        for file in sorted((ROOT / "data" / "schoolposts").glob("*.jsonl"))
        for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())
        if row["labels"] == ["criticism"] and row["id"] not in ALLEGED
    ]
    invented = [
        Opinion(text=_filled(text, head), above=None, of_head=True, source="invented")
        for text in texts
        for head in HEADS
    ]
    return (*rows, *invented)


def _filled(text: str, head: str) -> str:
    said = text.format(head=head)
    return said[0].upper() + said[1:]


def _of_head(text: str) -> bool:
    return any(holder.role in HEAD_ROLES for holder in holders(text, OFFICERS, school=SCHOOL.name))


def by_labels(pool: Sequence[Opinion]) -> list[Verdict]:
    """The verdicts of a model that reads as people do."""
    points = {label: OperatingPoint(raise_at=0.5, review_at=0.3) for label in LABELS}
    scores = {label: 0.9 if label == "criticism" else 0.01 for label in LABELS}
    return [Verdict(model="people", version="1", scores=scores, points=points) for _ in pool]


def by_model(pool: Sequence[Opinion]) -> list[Verdict]:
    """The verdicts of the shipped model."""
    from classifiers import registry

    reader = registry.load("encoder", {})
    read: list[Verdict] = []
    for n in range(0, len(pool), _BATCH):
        read.extend(reader.classify([Passage(text=o.text, reply_to=o.above) for o in pool[n : n + _BATCH]]))
    return read


def conflicts(pack: Pack, pool: Sequence[Opinion], verdicts: Sequence[Verdict]) -> dict[int, tuple[Judged, ...]]:
    """Which opinions, by their place in the pool, would be brought to the chair because somebody may be accused."""
    found: dict[int, tuple[Judged, ...]] = {}
    for n, (opinion, verdict) in enumerate(zip(pool, verdicts, strict=True)):
        case = Case(
            post=Post(platform="facebook", id=str(n), kind="comment", text=opinion.text),
            school=replace(SCHOOL, pack=pack.name),
            mention=Mention(school="hollin", relevance="yes", reason="said"),
            verdicts=(verdict,),
            officers=OFFICERS,
            parent=opinion.above,
        )
        judged = tuple(_to_chair(pack, opinion, case))
        if judged:
            found[n] = judged
    return found


def _to_chair(pack: Pack, opinion: Opinion, case: Case) -> Iterator[Judged]:
    for flag in pack.judge(case):
        told = pack.route(flag.concern, about=flag.about, target=flag.target, author=flag.author).recipients
        if flag.about is not None and "chair_of_governors" in told:
            yield Judged(opinion=opinion, concern=flag.concern, about=flag.about, recipients=told)


def year(
    draw: random.Random, pool: Sequence[Opinion], found: Mapping[int, tuple[Judged, ...]], *, hard: bool = False
) -> int:
    """How many conflict mails the chair gets in one year of mere opinion."""
    share, in_storm = (HARD_ABOUT_THE_HEAD, HARD_IN_A_STORM) if hard else (ABOUT_THE_HEAD, IN_A_STORM)
    of_head = [n for n, opinion in enumerate(pool) if opinion.of_head]
    others = [n for n, opinion in enumerate(pool) if not opinion.of_head]
    incidents: list[Incident] = []
    said: list[tuple[datetime, int, str]] = []
    for k in range(_poisson(draw, OPINIONS_A_YEAR)):
        n = draw.choice(of_head if draw.random() < share else others)
        said.append((_BEGAN + timedelta(days=draw.uniform(0, _DAYS)), n, f"own-{k}"))
    storm = _BEGAN + timedelta(days=draw.uniform(5, _DAYS - 5))
    for k in range(STORM_POSTS):
        # Half of a storm stands under the school's own post, half wherever people write.
        thread = "storm" if k % 2 else f"storm-{k}"
        n = draw.choice(of_head if draw.random() < in_storm else others)
        said.append((storm + timedelta(hours=draw.expovariate(1 / 12)), n, thread))
    for k, (at, n, thread) in enumerate(sorted(said)):
        for judged in found.get(n, ()):
            _place(incidents, judged, f"{k}", thread, at)
    return sum(len(one.news) for one in incidents)


def _place(incidents: list[Incident], judged: Judged, post: str, thread: str, at: datetime) -> None:
    candidate = Candidate(
        flag=1,
        mention=1,
        school="hollin",
        concern=judged.concern,
        recipients=judged.recipients,
        about=judged.about,
        target=None,
        post=("facebook", "", post),
        thread=thread,
        author=f"author-{post}",
        text=judged.opinion.text,
        at=at,
    )
    into = grouping.join(candidate, incidents)
    if into is None:
        incidents.append(grouping.opened(candidate, f"WT-{len(incidents)}"))
    else:
        incidents[incidents.index(into)] = grouping.joined(into, candidate)


def _poisson(draw: random.Random, mean: float) -> int:
    """How many, where each comes by itself."""
    limit, n, left = math.exp(-mean), 0, draw.random()
    while left > limit:
        n, left = n + 1, left * draw.random()
    return n


def simulate(
    pack: Pack, pool: Sequence[Opinion], verdicts: Sequence[Verdict], years: int, *, hard: bool = False
) -> dict[str, Any]:
    """Many years, and how many mails each brought."""
    found = conflicts(pack, pool, verdicts)
    draw = random.Random(7)
    mails = sorted(year(draw, pool, found, hard=hard) for _ in range(years))
    of_head = [n for n, opinion in enumerate(pool) if opinion.of_head]
    invented = [n for n in of_head if pool[n].source == "invented"]
    rows = [n for n in of_head if pool[n].source != "invented"]
    return {
        "years": years,
        "mails_a_year": round(sum(mails) / years, 3),
        "years_with": {str(k): mails.count(k) for k in sorted(set(mails))},
        "share_of_years_within": round(sum(m <= MOST for m in mails) / years, 4),
        "most_in_a_year": mails[-1],
        "opinions_of_the_head": {
            "invented": [sum(n in found for n in invented), len(invented)],
            "rows": [sum(n in found for n in rows), len(rows)],
        },
        "opinions_of_others": [
            sum(n in found for n in range(len(pool)) if not pool[n].of_head),
            len(pool) - len(of_head),
        ],
        "by_concern": dict(Counter(judged.concern for one in found.values() for judged in one)),
    }


def line(said: Mapping[str, Any], *, by: str) -> str:
    """One row of the table in ``docs/benchmarks.md``."""
    of_head, others = said["opinions_of_the_head"], said["opinions_of_others"]
    return (
        f"| {by} | {said['years']:,} | **{said['mails_a_year']}** | {100 * said['share_of_years_within']:.1f} % "
        f"| {said['most_in_a_year']} | {of_head['invented'][0]} of {of_head['invented'][1]:,} "
        f"| {of_head['rows'][0]} of {of_head['rows'][1]:,} | {others[0]} of {others[1]:,} |"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, print, and write the row where it belongs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--years", type=int, default=2000)
    parser.add_argument("--pack", default="wessex")
    parser.add_argument("--labels", action="store_true", help="by the labels that people gave, not by the model")
    parser.add_argument("--hard", action="store_true", help="a year in which far more is said of the Head")
    parser.add_argument("--misled", action="store_true", help="with the opinions by which the words were mended")
    parser.add_argument("--show", action="store_true", help="print the opinions that were taken for allegations")
    parser.add_argument("--write", type=Path, help="put the row into this page, between its marks")
    chosen = parser.parse_args(arguments)
    pool, pack = opinions(misled=chosen.misled), load_pack(chosen.pack)
    verdicts = by_labels(pool) if chosen.labels else by_model(pool)
    if chosen.show:
        for n, judged in conflicts(pack, pool, verdicts).items():
            print(pool[n].source, judged[0].concern, judged[0].about, pool[n].text, sep="\t", file=sys.stderr)
    said = simulate(pack, pool, verdicts, chosen.years, hard=chosen.hard)
    print(json.dumps(said, indent=1))
    if chosen.write:
        by = "the labels that people gave" if chosen.labels else "the shipped model"
        by += ", a hard year" if chosen.hard else ""
        _put(chosen.write, line(said, by=by + (", every opinion" if chosen.misled else "")))


def _put(page: Path, row: str) -> None:
    """Put the row in the place of the one that begins alike."""
    lines = page.read_text(encoding="utf-8").splitlines()
    begins = row.split("|")[1]
    place = next(n for n, text in enumerate(lines) if text.startswith(f"|{begins}|"))
    lines[place] = row
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
