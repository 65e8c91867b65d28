"""Other names for the people of a post: consistent, written alike, and what is said does not hang on a name."""

import pytest

from classifiers.encoder import EncoderClassifier
from classifiers.names import name_spans, titled
from classifiers.neutral import renamed
from classifiers.verdict import Passage, Span


def spans(text: str, **names: str) -> tuple[Span, ...]:
    """Every place of each name, by kind."""
    return tuple(
        Span(start=at, end=at + len(name), kind=kind)
        for kind, listed in names.items()
        for name in listed.split("|")
        for at in range(len(text))
        if text.startswith(name, at)
    )


def test_nobody_named_nothing_to_read_again() -> None:
    passage = Passage(text="The bus was late, ring 01632 960 001.")
    assert renamed(passage, [Span(start=23, end=36, kind="phone")]) == ()


def test_the_same_person_is_called_the_same_and_others_otherwise() -> None:
    text = "Emily Sutcliffe hit Idris. Emily ran, Idris cried."
    found = (*spans(text, pupil_name="Emily Sutcliffe|Idris"), Span(start=27, end=32, kind="pupil_name"))
    assert [passage.text for passage in renamed(Passage(text=text), found)] == [
        "Amina Hassan hit Connor. Amina ran, Connor cried.",
        "Sam Marsh hit Alex. Sam ran, Alex cried.",
        "Ellie Rossi hit Fatima. Ellie ran, Fatima cried.",
    ]


def test_small_letters_stay_small_and_titles_keep_a_surname() -> None:
    text = "mrs pell shouted at emily"
    found = spans(text, adult_name="pell", pupil_name="emily")
    assert renamed(Passage(text=text), found)[1].text == "mrs marsh shouted at alex"


def test_what_is_answered_speaks_of_the_same_people() -> None:
    text = "Emily did it again"
    passage = Passage(text=text, reply_to="Did EMILY push? Emilys bag is here.", official=True, has_image=True)
    made = renamed(passage, spans(text, pupil_name="Emily"))[0]
    assert made == Passage(
        text="Amina did it again", reply_to="Did Amina push? Emilys bag is here.", official=True, has_image=True
    )


def test_more_people_than_names_are_all_renamed() -> None:
    names = ["Ada", "Bo", "Cy", "Di", "Ed", "Flo", "Gus"]
    text = ", ".join(names)
    made = renamed(Passage(text=text), spans(text, pupil_name="|".join(names)))
    assert all(len(passage.text.split(", ")) == len(names) for passage in made)
    assert not any(name in passage.text.split(", ") for passage in made for name in names)


@pytest.mark.parametrize(("before", "is_title"), [("Mr ", True), ("dr ", True), ("the ", False), ("I miss ", False)])
def test_titles(before: str, is_title: bool) -> None:
    assert titled(f"{before}Pell", len(before)) is is_title
    kinds = [s.kind for s in name_spans(f"{before}Pell", [(len(before), len(before) + 4)], bytes([1]))]
    assert kinds == (["adult_name"] if is_title else ["pupil_name"])


WAVERING = "Does {name} Oduya's mum know she is out at the precinct in the middle of a school day"


def test_a_score_near_its_point_hangs_less_on_the_name(encoder: EncoderClassifier) -> None:
    people = ["Kirsty", "Wen", "Aoife", "Zofia", "Ngozi", "Harpreet", "Grace", "Destiny"]
    said = encoder.classify([Passage(text=WAVERING.format(name=name)) for name in people])
    scores = [verdict.scores["identifies_pupil"] for verdict in said]
    alone = [_alone(encoder, WAVERING.format(name=name)) for name in people]
    assert max(scores) - min(scores) < 0.6 * (max(alone) - min(alone))


def _alone(encoder: EncoderClassifier, text: str) -> float:
    """The score of one reading, under no other names."""
    passage = Passage(text=text)
    logits, _ = encoder._logits(passage, encoder._reader.read(passage))
    return float(1 / (1 + 2.718281828 ** -logits[2]))


def test_alone_and_among_others_the_answer_is_the_same(encoder: EncoderClassifier) -> None:
    passages = [Passage(text=WAVERING.format(name=name)) for name in ("Kirsty", "Wen", "Aoife")]
    among = encoder.classify([*passages, Passage(text="The bus leaves at nine. " * 40), *passages])
    fresh = EncoderClassifier(remember=0)
    assert [fresh.classify([passage])[0].scores for passage in passages] == [v.scores for v in among[:3]]
