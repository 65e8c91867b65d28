"""The words that moved a score: found where they stand, few, and worth more than any others of the same number."""

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from classifiers.classifier import Explainer
from classifiers.encoder import EncoderClassifier
from classifiers.explain import MOST, READS, explain, logit, words
from classifiers.patterns import PatternClassifier
from classifiers.text import clean, plain
from classifiers.verdict import LABELS, Passage, Span, Verdict

DATA = Path(__file__).parents[2] / "data" / "schoolposts"
BLAND = "The bus leaves at nine and the office is open until four. "


def said(text: str, spans: tuple[Span, ...], label: str = "threat") -> list[str]:
    return [text[span.start : span.end] for span in spans if span.kind == label]


def heavy(weights: Mapping[str, float], label: str = "threat") -> Callable[[str], dict[str, float]]:
    """A fake model that reads as ours does: each word of its list adds to the logit, once."""

    def score(text: str) -> dict[str, float]:
        read = plain(clean(text)).text.lower()
        return dict.fromkeys(LABELS, -4.0) | {label: -4.0 + sum(w for n, w in weights.items() if n in read)}

    return score


def test_finds_the_words_strongest_first() -> None:
    text = "See you later, the sword lies here and the club stays there"
    assert said(text, explain(text, ["threat"], heavy({"sword": 2.0, "club": 4.0}))) == ["club", "sword"]


def test_neighbours_are_one_stretch_and_small_words_never_stand_alone() -> None:
    text = "so i will burn the place down, honestly"
    found = said(text, explain(text, ["threat"], heavy({"burn": 3.0, "place": 2.0, "will": 1.0})))
    assert found == ["will burn the place"]
    assert explain(text, ["threat"], heavy({"will": 3.0}))[0].end > text.index("will") + 4


def test_what_moves_little_is_not_shown() -> None:
    text = "the sword lies beside a feather"
    assert said(text, explain(text, ["threat"], heavy({"sword": 5.0, "feather": 0.4}))) == ["sword"]
    assert explain(text, ["threat"], heavy({"feather": 0.2})) == ()


def test_at_most_a_few_stretches_a_label() -> None:
    text = "sword, club, axe, spear, pike, bow, sling, dart"
    found = explain(text, ["threat"], heavy(dict.fromkeys(text.split(", "), 2.0)))
    assert len(found) == MOST


def test_one_of_two_that_say_the_same_does_not_hide_the_other() -> None:
    def either(text: str) -> dict[str, float]:
        return {"threat": 4.0 if "sword" in text or "sabre" in text else -4.0}

    text = "a sword here and there a sabre too"
    assert "sword" in " ".join(said(text, explain(text, ["threat"], either))) or explain(text, ["threat"], either) == ()
    both = {"sword": 3.0, "sabre": 3.0}
    assert sorted(said(text, explain(text, ["threat"], heavy(both)))) == ["sabre", "sword"]


def test_where_no_word_alone_counts_the_phrase_is_shown() -> None:
    def phrase(text: str) -> dict[str, float]:
        return {"threat": -4.0 if "three o clock" not in text else 2.0 - ("see" not in text)}

    text = "we see you, three o clock"
    found = said(text, explain(text, ["threat"], phrase))
    assert found
    assert "three" in found[0]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("we will k i l l that dog", "k i l l"),
        ("we will k1ll that dog", "k1ll"),
        ("we will kіⅼl that dog", "kіⅼl"),
        ("we will k\u200bi\u200bll that dog", "k\u200bi\u200bll"),
        ("we will kiiiiillll that dog", "kiiiiillll"),
        ("we will 𝓴𝓲𝓵𝓵 that dog", "𝓴𝓲𝓵𝓵"),
        ("👩‍👧😀 we will k-i-l-l that dog", "k-i-l-l"),
    ],
)
def test_evasion_points_to_the_original(text: str, shown: str) -> None:
    assert said(text, explain(text, ["threat"], heavy({"kil": 5.0, "kiill": 5.0}))) == [shown]


def test_an_emoji_is_one_word() -> None:
    text = "everyone 🔪 on her post"
    assert [text[w.start : w.end] for w in words(text)] == ["everyone", "🔪", "on", "her", "post"]
    assert said(text, explain(text, ["threat"], heavy({"hocho": 5.0}))) == ["🔪"]


@pytest.mark.parametrize("before", [0, 40, 400])
def test_a_long_text_costs_no_more_reads(before: int) -> None:
    text = BLAND * before + "Bring the sword tomorrow. " + BLAND * (400 - before)
    read = []
    score = heavy({"sword": 5.0})
    found = explain(text, ["threat", "hate"], lambda t: read.append(len(t)) or score(t))
    assert said(text, found) == ["sword"]
    assert len(read) <= READS
    assert sum(read) < 4 * len(text)


def test_many_labels_and_words_cost_no_more_reads() -> None:
    text = ", ".join(f"w{n}ord and some" for n in range(200))
    read = []
    score = heavy({"w7": 5.0})
    explain(text, LABELS, lambda t: read.append(t) or score(t))
    assert len(read) <= READS


@pytest.mark.parametrize("text", ["", " ", "...", "!!!", "7", "of the"])
def test_nothing_to_leave_out_is_no_error(text: str) -> None:
    assert explain(text, ["threat"], heavy({})) == ()


def test_hostile_texts_end_soon(hostile: str) -> None:
    began = time.monotonic()
    spans = explain(hostile, ["threat"], lambda text: {"threat": float(len(text))})
    assert all(0 <= span.start < span.end <= len(hostile) for span in spans)
    assert time.monotonic() - began < 20


def test_logits_end() -> None:
    assert logit(0.5) == 0.0
    assert logit(1.0) == pytest.approx(-logit(0.0), abs=1e-4)
    assert logit(1.0) < 14


# the shipped model ---------------------------------------------------------------------------------------------------


def read(encoder: EncoderClassifier, text: str, **more: object) -> tuple[Verdict, tuple[Span, ...]]:
    passage = Passage(text=text, **more)
    verdict = encoder.classify([passage])[0]
    return verdict, encoder.explain(passage, verdict)


def test_who_can_explain(encoder: EncoderClassifier) -> None:
    assert isinstance(encoder, Explainer)
    assert not isinstance(PatternClassifier(), Explainer)


@pytest.mark.parametrize(
    ("text", "label", "word"),
    [
        ("i'm bringing a knife to school tomorrow and i will stab him at the gate", "threat", "stab"),
        ("i want to kill myself, i can't do this any more", "self_harm", "myself"),
        ("I k i l l e d an hour waiting, now i want to kill myself", "self_harm", "myself"),
        ("there is a bomb in the science block, it goes off at 11", "threat", "bomb"),
        ("Reporter from the Echo here, could we interview a parent about the closure?", "press", "Reporter"),
        ("The weather was fine and the teachers were amazing, thank you", "praise", "amazing"),
        (BLAND * 20 + "I want to kill myself, I can't do this any more. " + BLAND * 20, "self_harm", "myself"),
    ],
)
def test_the_word_on_which_a_label_hangs_is_found(encoder: EncoderClassifier, text: str, label: str, word: str) -> None:
    verdict, spans = read(encoder, text)
    assert label in verdict.labels + verdict.review
    assert any(word in stretch for stretch in said(text, spans, label)), said(text, spans, label)


def test_only_what_is_raised_or_undecided_is_explained(encoder: EncoderClassifier) -> None:
    assert read(encoder, "Football fixtures moved to Thursday, bring shin pads.")[1] == ()
    verdict, spans = read(encoder, "Best school ever, amazing teachers, thank you for everything")
    assert {span.kind for span in spans} <= {*verdict.labels, *verdict.review}
    assert read(encoder, "")[1] == ()


def flagged(encoder: EncoderClassifier, per_author: int) -> Iterator[tuple[str, Passage, Verdict]]:
    """Of every author the first posts in which the model raises what is so."""
    for path in sorted(DATA.glob("schoolposts_train_*.jsonl")):
        found = 0
        for line in path.read_text(encoding="utf-8").split("\n"):
            row = json.loads(line) if line else {"labels": [], "text": ""}
            if not row["labels"] or not 8 <= len(row["text"].split()) <= 22:
                continue
            passage = Passage(text=row["text"], reply_to=row.get("reply_to"), has_image=row["has_image"])
            verdict = encoder.classify([passage])[0]
            if set(row["labels"]) & set(verdict.labels) and found < per_author:
                found += 1
                yield path.stem[-1], passage, verdict
            if found == per_author:
                break


def fall(
    encoder: EncoderClassifier, passage: Passage, verdict: Verdict, label: str, gone: list[tuple[int, int]]
) -> float:
    """By how much a label's logit falls when stretches are left out."""
    text = passage.text
    for start, end in sorted(gone, reverse=True):
        text = text[:start] + text[end:]
    left = encoder.classify([replace(passage, text=text)])[0]
    return logit(verdict.scores[label]) - logit(left.scores.get(label, 0.0))


def test_leaving_out_what_was_found_lowers_the_score_more_than_leaving_out_other_words(
    encoder: EncoderClassifier,
) -> None:
    chance = random.Random(5)
    found, others, authors = [], [], set()
    for author, passage, verdict in flagged(encoder, 3):
        label = max(verdict.labels, key=lambda name: verdict.scores[name])
        spans = [span for span in encoder.explain(passage, verdict) if span.kind == label]
        if not spans:
            continue
        all_words = words(passage.text)
        shown = [w for w in all_words if any(s.start <= w.start and w.end <= s.end for s in spans)]
        assert len(shown) < len(all_words)

        found.append(fall(encoder, passage, verdict, label, [(s.start, s.end) for s in spans]))
        other = chance.sample(all_words, len(shown))
        others.append(fall(encoder, passage, verdict, label, [(w.start, w.end) for w in other]))
        authors.add(author)
    assert len(found) >= 40
    assert len(authors) >= 12
    assert sum(found) / len(found) > 2 * sum(others) / len(others)
    assert sum(f > o for f, o in zip(found, others, strict=True)) >= 0.85 * len(found)
