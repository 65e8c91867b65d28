"""Tokens become names: whole words, joined where they belong together."""

import re

from classifiers.names import name_spans


def found(text: str, classes: dict[str, int]) -> list[tuple[str, str]]:
    pieces = list(re.finditer(r"\w+?(?=ley\b)|\w+|[^\w\s]", text))
    originals = [piece.span() for piece in pieces]
    spans = name_spans(text, originals, [classes.get(piece.group(), 0) for piece in pieces])
    return [(span.kind, text[span.start : span.end]) for span in spans]


def test_first_and_last_name_are_one_name() -> None:
    assert found("Well done Ida Quill!", {"Ida": 1, "Quill": 1}) == [("pupil_name", "Ida Quill")]


def test_hyphens_and_apostrophes_stay_inside() -> None:
    text = "see Ada O'Neil-Smith run"
    assert found(text, {"Ada": 1, "O": 1, "Neil": 1, "Smith": 1}) == [("pupil_name", "Ada O'Neil-Smith")]


def test_a_list_is_several_names() -> None:
    classes = {"Ida": 1, "Noor": 1, "Sam": 1}
    assert found("Ida, Noor and Sam", classes) == [("pupil_name", name) for name in ("Ida", "Noor", "Sam")]


def test_a_word_is_never_split_and_takes_its_first_token() -> None:
    assert found("hi Bradley", {"Brad": 1}) == [("pupil_name", "Bradley")]
    assert found("hi Bradley", {"ley": 1}) == []


def test_adults_and_pupils_stay_apart() -> None:
    assert found("Ms Bloom Ida", {"Bloom": 2, "Ida": 1}) == [("adult_name", "Bloom"), ("pupil_name", "Ida")]


def test_a_possessive_is_no_part_of_a_name() -> None:
    assert found("Ida's coat", {"Ida": 1, "'": 1, "s": 1}) == [("pupil_name", "Ida")]


def test_signs_alone_are_no_name() -> None:
    assert found("!! 12", {"!": 1, "12": 1}) == []


def test_who_bears_a_title_is_grown_up() -> None:
    assert found("says Mrs Bloom", {"Bloom": 1}) == [("adult_name", "Bloom")]
    assert found("thanks Dr. Verity Bloom", {"Verity": 1, "Bloom": 2}) == [("adult_name", "Verity Bloom")]
    assert found("we miss Ida", {"Ida": 1}) == [("pupil_name", "Ida")]
