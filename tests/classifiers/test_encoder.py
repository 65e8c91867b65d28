"""The shipped model: loads from its folder alone, reads posts whole, and finds what a person would find."""

import json
import re
import shutil
from pathlib import Path

import pytest

from classifiers.encoder import SHIPPED, EncoderClassifier
from classifiers.errors import ModelNotFoundError
from classifiers.verdict import LABELS, Passage, Verdict

DATA = Path(__file__).parents[2] / "data" / "schoolposts"
BLAND = "The bus leaves at nine and the office is open until four. "


def read(encoder: EncoderClassifier, text: str, **more: object) -> Verdict:
    return encoder.classify([Passage(text=text, **more)])[0]


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("The head lied to parents about the budget and the whole school is badly run. Resign.", "criticism"),
        ("nobody likes you hugo, you fat ugly loser, delete your account", "cyberbullying"),
        ("Well done Saoirse Quill, 5 Rowan, on your diving badge!", "identifies_pupil"),
        ("i'm bringing a knife to school tomorrow and i will stab him at the gate", "threat"),
        ("i want to kill myself, i can't do this any more", "self_harm"),
        (
            "Please send me a copy of all the personal data you hold about my son, this is a subject access request",
            "sar",
        ),
        ("Reporter from the Echo here, could we interview a parent about the closure?", "press"),
        ("Is this fake account pretending to be the school? Someone made a second page with our logo", "impersonation"),
        ("Best school ever, amazing teachers, thank you for everything you did for my daughter", "praise"),
    ],
)
def test_plain_cases_are_raised(encoder: EncoderClassifier, text: str, label: str) -> None:
    assert label in read(encoder, text).labels


@pytest.mark.parametrize(
    "text",
    [
        "Is the inset day still Monday?",
        "Football fixtures moved to Thursday, bring shin pads.",
        "Non-uniform day is on Friday 😀",
        "the bus was late again lol",
        "Happy half term everyone",
    ],
)
def test_harmless_posts_stay_quiet(encoder: EncoderClassifier, text: str) -> None:
    verdict = read(encoder, text)
    assert (verdict.labels, verdict.unread) == ((), None)


@pytest.mark.parametrize(
    "text", ["k1ll y0urself", "k i l l y o u r s e l f", "kіll уоursеlf", "𝓴𝓲𝓵𝓵 𝔂𝓸𝓾𝓻𝓼𝓮𝓵𝓯", "k\u200bill your\u200bself"]
)
def test_evasion_changes_no_score(encoder: EncoderClassifier, text: str) -> None:
    written = read(encoder, "kill yourself" if " " in text and "k i" not in text else "killyourself")
    assert read(encoder, text).scores == pytest.approx(written.scores, abs=0.001)


@pytest.mark.parametrize(
    ("needle", "label"),
    [
        ("I want to kill myself, I can't do this any more.", "self_harm"),
        ("I'm bringing a knife to school tomorrow and i will stab him at the gate.", "threat"),
    ],
)
@pytest.mark.parametrize("before", [0, 20, 60])
def test_a_long_post_is_read_whole(encoder: EncoderClassifier, needle: str, label: str, before: int) -> None:
    verdict = read(encoder, BLAND * before + needle + " " + BLAND * (60 - before))
    assert label in verdict.labels + verdict.review


def test_what_lies_beyond_64_kb_is_said_to_be_unread(encoder: EncoderClassifier) -> None:
    verdict = read(encoder, "kill yourself " + "x" * 70_000)
    assert verdict.unread == "too_long"
    assert tuple(verdict.scores) == LABELS


def test_hostile_texts_are_answered(encoder: EncoderClassifier, hostile: str) -> None:
    verdict = read(encoder, hostile)
    assert verdict.unread
    assert all(0 <= span.start < span.end <= len(hostile) for span in verdict.spans)


def guide(kind: str) -> list[tuple[str, str]]:
    """The examples of the annotation guide, which no row repeats: (label, text)."""
    found, label, part = [], "", ""
    for line in (DATA / "LABELS.md").read_text(encoding="utf-8").split("\n"):
        if line.startswith("## "):
            label, part = line[3:].strip(), ""
        elif line in {"Positive", "Near miss", "Tie-breaks"}:
            part = line
        elif part == kind and label in LABELS and (match := re.match(r'- "(.*)"', line)):
            found.append((label, match.group(1)))
    return found


def test_the_guide_is_mostly_followed(encoder: EncoderClassifier) -> None:
    positives, misses = guide("Positive"), guide("Near miss")
    found = [label in read(encoder, text).labels for label, text in positives]
    wrong = [label in read(encoder, text).labels for label, text in misses]
    assert len(found) == len(wrong) == 36
    assert sum(found) >= 28
    assert sum(wrong) <= 4


def test_names_are_marked_in_the_original(encoder: EncoderClassifier) -> None:
    text = "🎉🎉 Well done Saoirse Quill from 9C, says Mrs Bloom 🎉"
    found = {(span.kind, text[span.start : span.end]) for span in read(encoder, text).spans}
    assert {("pupil_name", "Saoirse Quill"), ("class", "9C"), ("adult_name", "Bloom")} <= found


def test_what_was_answered_is_not_what_is_said(encoder: EncoderClassifier) -> None:
    abuse = "nobody likes you hugo, you fat ugly loser, delete your account"
    assert "cyberbullying" not in read(encoder, "Thanks, that was a lovely evening", reply_to=abuse).labels


def test_a_verdict_explains_itself(encoder: EncoderClassifier) -> None:
    verdict = read(encoder, "nobody likes you hugo, you fat ugly loser, delete your account")
    assert verdict.reason.startswith("Reads as abuse of someone")
    assert tuple(verdict.points) == LABELS


def test_one_thread_says_the_same(encoder: EncoderClassifier) -> None:
    posts = [Passage(text=f"{BLAND} {number}") for number in range(5)]
    assert EncoderClassifier(threads=1).classify(posts) == encoder.classify(posts)


def test_the_card_fits_the_model_and_the_size_is_small() -> None:
    card = json.loads((SHIPPED / "card.json").read_text(encoding="utf-8"))
    for said in card["labels"].values():
        assert 0 < said["review_at"] <= said["raise_at"] < 1
    assert list(card["labels"]) == list(LABELS)
    assert sum(path.stat().st_size for path in SHIPPED.iterdir()) < 30_000_000
    readme = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert str(card["figures"]["macro_f1"]) in readme


@pytest.mark.parametrize("broken", ["card.json", "tokenizer.json", "ngrams.npz", "model.onnx"])
@pytest.mark.parametrize("content", [None, b"{}"])
def test_a_broken_model_stops_the_start(tmp_path: Path, broken: str, content: bytes | None) -> None:
    for path in SHIPPED.glob("*.*"):
        if path.name != broken:
            (tmp_path / path.name).symlink_to(path)
        elif content is not None:
            (tmp_path / path.name).write_bytes(content)
    with pytest.raises(ModelNotFoundError, match="cannot be loaded"):
        EncoderClassifier(tmp_path)


def test_a_model_elsewhere_is_loaded(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path / "mine")
    assert EncoderClassifier(str(tmp_path / "mine")).name == "watcher-minilm"
