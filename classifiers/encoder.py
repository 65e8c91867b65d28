"""The shipped model: a small encoder in eight bits beside n-grams, both averaged, read by onnxruntime alone.

It reads one window of one passage at a time, so that a verdict never depends on what else is in the batch.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from classifiers.errors import ClassifierError, ModelNotFoundError
from classifiers.explain import asked, explain
from classifiers.names import name_spans
from classifiers.ngram import NgramModel
from classifiers.patterns import find_spans, unread_reason
from classifiers.sentence import reason
from classifiers.text import Reading, clean, plain
from classifiers.verdict import LABELS, OperatingPoint, Passage, Span, Verdict
from classifiers.window import Window, cut, look_closely, shape

SHIPPED = Path(__file__).parent / "models" / "watcher-minilm"
_THREADS = 2
_PARENT_CHARACTERS = 1000  # more than the encoder's 32 tokens of the parent ever need
_OUT_OF_CONTEXT = 1.0  # taken off the logit of a sentence that is read without its neighbours: it misleads more often
_ODD_LOGIT = 30.0  # beyond it a sigmoid is 0 or 1


@dataclass(frozen=True)
class Tokens:
    """A passage's tokens: where each lies in the original, how its word is written, and the parent's tokens."""

    reading: Reading
    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    shapes: tuple[int, ...]
    originals: tuple[tuple[int, int], ...]
    parent: tuple[int, ...]


class TokenReader:
    """Turns passages into tokens, with evasion undone and offsets kept."""

    def __init__(self, path: Path) -> None:
        """Load the tokenizer from its ``tokenizer.json``."""
        self._tokenizer = Tokenizer.from_file(str(path))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def read(self, passage: Passage, reading: Reading | None = None) -> Tokens:
        """The passage's tokens; ``reading`` is its text made clean, where that is known already."""
        read = plain(reading or clean(passage.text))
        encoded = self._tokenizer.encode(read.text, add_special_tokens=False)
        shapes: list[int] = []
        for start, _ in encoded.offsets:
            inside = start > 0 and bool(shapes) and read.text[start - 1].isalnum()
            shapes.append(shapes[-1] if inside else shape(read.text, start))
        offsets = tuple(encoded.offsets)
        originals = tuple(read.original(start, end) for start, end in offsets)
        parent = self._ids(passage.reply_to[:_PARENT_CHARACTERS]) if passage.reply_to else ()
        return Tokens(read, tuple(encoded.ids), offsets, tuple(shapes), originals, parent)

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer.encode(plain(clean(text)).text, add_special_tokens=False).ids)


@dataclass(frozen=True)
class Blend:
    """How the two parts' logits of one label become one calibrated logit."""

    deep: float
    wide: float
    bias: float


@dataclass(frozen=True)
class Card:
    """What the model's ``card.json`` says: its name and version, and per label its blend and operating point."""

    name: str
    version: str
    blends: Mapping[str, Blend]
    points: Mapping[str, OperatingPoint]

    @classmethod
    def load(cls, path: Path) -> Card:
        """The card at ``path``; a label of ours that it does not know is a KeyError."""
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        labels = {label: raw["labels"][label] for label in LABELS}
        return cls(
            name=str(raw["name"]),
            version=str(raw["version"]),
            blends={label: Blend(said["deep"], said["wide"], said["bias"]) for label, said in labels.items()},
            points={
                label: OperatingPoint(raise_at=said["raise_at"], review_at=said["review_at"])
                for label, said in labels.items()
            },
        )


class EncoderClassifier:
    """Reads all twelve labels and the names in a passage; safe to share between threads."""

    def __init__(self, path: str | Path | None = None, *, threads: int = _THREADS) -> None:
        """Load the model in the folder ``path`` (the shipped one by default), so that a broken one stops the start.

        Raises:
            ModelNotFoundError: a file of the model is missing or broken.
        """
        folder = Path(path) if path else SHIPPED
        self._threads = max(1, threads)
        try:
            self._card = Card.load(folder / "card.json")
            self._reader = TokenReader(folder / "tokenizer.json")
            self._ngrams = NgramModel.load(folder / "ngrams.npz")
            self._session = _session(folder / "model.onnx")
        except Exception as error:  # onnxruntime and tokenizers raise bare Exceptions
            raise ModelNotFoundError(f"the model in {folder} cannot be loaded: {error}") from error
        blends = [self._card.blends[label] for label in LABELS]
        self._deep = np.array([blend.deep for blend in blends])
        self._wide = np.array([blend.wide for blend in blends])
        self._bias = np.array([blend.bias for blend in blends])

    @property
    def name(self) -> str:
        """The model's name, from its card."""
        return self._card.name

    @property
    def version(self) -> str:
        """The model's version, from its card."""
        return self._card.version

    def classify(self, passages: Sequence[Passage]) -> list[Verdict]:
        """One verdict a passage, in order; each is read alone, whole, and by all its windows.

        Raises:
            ClassifierError: the model broke on a passage.
        """
        if min(self._threads, len(passages)) <= 1:
            return [self._verdict(passage) for passage in passages]
        with ThreadPoolExecutor(self._threads) as pool:
            return list(pool.map(self._verdict, passages))

    def explain(self, passage: Passage, verdict: Verdict) -> tuple[Span, ...]:
        """The stretches of text that moved the raised and undecided labels most, strongest first; kind is the label.

        Measured by leaving words out, with some sixty reads: for posts that are flagged, not for all.

        Raises:
            ClassifierError: the model broke on what was left.
        """

        def score(text: str) -> dict[str, float]:
            left = replace(passage, text=text)
            logits, _ = self._logits(left, self._reader.read(left))
            return dict(zip(LABELS, logits.tolist(), strict=True))

        return explain(passage.text, asked(verdict), score)

    def _verdict(self, passage: Passage) -> Verdict:
        reading = clean(passage.text)
        spans = find_spans(reading)
        unread = unread_reason(passage, reading)
        if unread:
            return Verdict(model=self.name, version=self.version, spans=spans, unread=unread)
        tokens = self._reader.read(passage, reading)
        logits, classes = self._logits(passage, tokens)
        scores = dict(zip(LABELS, _sigmoid(logits), strict=True))
        spans = _joined(spans, name_spans(passage.text, tokens.originals, classes))
        return Verdict(
            model=self.name,
            version=self.version,
            scores=scores,
            points=self._card.points,
            spans=spans,
            reason=reason(scores, self._card.points, spans),
            unread="too_long" if reading.cut else None,
        )

    def _logits(self, passage: Passage, tokens: Tokens) -> tuple[NDArray[np.float64], list[int]]:
        """The highest calibrated logit of each label over all looks at the text, and a class for each token."""
        markers = {"official": passage.official, "has_image": passage.has_image}
        best = np.full(len(LABELS), -_ODD_LOGIT)
        classes = [0] * len(tokens.ids)
        windows = list(cut(tokens.ids, tokens.shapes, parent=tokens.parent, **markers))
        for window in windows:
            logits, names = self._blended(tokens, window, markers)
            best = np.maximum(best, logits)
            stretch = names[window.prefix : window.prefix + window.count]
            classes[window.first : window.first + window.count] = stretch.argmax(-1).tolist()
        if len(windows) > 1:
            for window in look_closely(tokens.ids, tokens.shapes, parent=tokens.parent, **markers):
                best = np.maximum(best, self._blended(tokens, window, markers)[0] - _OUT_OF_CONTEXT)
        return best, classes

    def _blended(
        self, tokens: Tokens, window: Window, markers: Mapping[str, bool]
    ) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
        """One window's calibrated logits, and three logits a token for names."""
        deep, names = self._run(window)
        wide = self._ngrams.logits(
            _stretch(tokens, window), official=markers["official"], has_image=markers["has_image"]
        )
        return self._deep * deep + self._wide * wide + self._bias, names

    def _run(self, window: Window) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        pool = np.zeros(len(window.ids), dtype=np.float32)
        pool[: window.pooled] = 1.0 / window.pooled
        fed = {"ids": np.array(window.ids), "types": np.array(window.types), "pool": pool}
        try:
            labels, names = self._session.run(["labels", "names"], fed)
        except Exception as error:  # onnxruntime raises bare Exceptions
            raise ClassifierError(
                f"{self.name}@{self.version} broke on a window of {len(window.ids)} tokens"
            ) from error
        return labels[0], names


def _session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # Two passages side by side with one thread each suffer less from a busy machine than one with two threads.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        str(path),
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion"],  # 20 % faster in eight bits without it
    )


def _stretch(tokens: Tokens, window: Window) -> str:
    """The text that the window's tokens stand for; all of it where one window holds all."""
    if window.count == len(tokens.ids):
        return tokens.reading.text
    start, end = tokens.offsets[window.first][0], tokens.offsets[window.first + window.count - 1][1]
    return tokens.reading.text[start:end]


def _sigmoid(logits: NDArray[np.float64]) -> Iterator[float]:
    bounded = np.clip(logits, -_ODD_LOGIT, _ODD_LOGIT)
    return (round(float(score), 6) for score in 1 / (1 + np.exp(-bounded)))


def _joined(formats: Sequence[Span], names: Sequence[Span]) -> tuple[Span, ...]:
    """Formats and names in order; a name inside a format (a handle, an address) is part of it."""
    free = [name for name in names if not any(name.start < f.end and f.start < name.end for f in formats)]
    return tuple(sorted([*formats, *free], key=lambda span: (span.start, span.end)))
