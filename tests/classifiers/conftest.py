"""The shipped model, loaded once, and a classifier made of a word list."""

import pytest

from classifiers.encoder import EncoderClassifier
from classifiers.errors import ClassifierError
from classifiers.verdict import LABELS, Passage, Span, Verdict

HOSTILE = {
    "marks": "a" + "\u0301" * 200_000,
    "emoji": "😂🤡" * 10_000,
    "many emoji": "".join(chr(0x1F300 + i % 700) for i in range(20_000)),
    "right to left": "\u202e\u2066abc" * 40_000,
    "nul": "\x00" * 200_000,
    "surrogates": "\ud800" * 200_000,
    "spaced": "a b " * 50_000,
    "dotted": "a." * 100_000,
    "leet": "k1" * 100_000,
    "one word": "x" * 200_000,
    "dollars": "$" * 200_000,
}


@pytest.fixture(params=HOSTILE)
def hostile(request: pytest.FixtureRequest) -> str:
    """A text longer than is read, made to be slow."""
    return HOSTILE[request.param]


class WordClassifier:
    """A fake: a label is raised where its own name occurs; "explode" breaks the batch."""

    name = "words"
    version = "7"

    def classify(self, passages: list[Passage]) -> list[Verdict]:
        if any("explode" in passage.text for passage in passages):
            raise ClassifierError("exploded")
        return [self._verdict(passage.text) for passage in passages]

    def _verdict(self, text: str) -> Verdict:
        if not text:
            return Verdict(model=self.name, version=self.version, unread="empty")
        found = [label for label in LABELS if label in text]
        starts = sorted((text.index(label), len(label)) for label in found)
        return Verdict(
            model=self.name,
            version=self.version,
            scores={label: 1.0 if label in found else 0.0 for label in LABELS},
            spans=tuple(Span(start=start, end=start + length, kind="other") for start, length in starts),
        )


@pytest.fixture
def words() -> WordClassifier:
    return WordClassifier()


@pytest.fixture(scope="session")
def encoder() -> EncoderClassifier:
    return EncoderClassifier()
