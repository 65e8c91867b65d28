"""The shipped model: a small encoder in eight bits beside n-grams, both averaged, read by onnxruntime alone.

Windows of like length are read side by side, in a way that no verdict depends on what else is in the batch.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from classifiers.batch import Answer, Runner, batches
from classifiers.errors import ModelNotFoundError
from classifiers.explain import asked, explain
from classifiers.known import Key, Known, Said
from classifiers.names import name_spans
from classifiers.neutral import renamed, wavers
from classifiers.ngram import NgramModel
from classifiers.patterns import find_spans, unread_reason
from classifiers.sentence import reason
from classifiers.text import Reading, clean, plain
from classifiers.verdict import LABELS, OperatingPoint, Passage, Span, Verdict
from classifiers.window import Window, cut, look_closely, shape

SHIPPED = Path(__file__).parent / "models" / "watcher-minilm"
_THREADS = 2
_ROUND = 64  # posts made ready together: enough for batches of like length
_REMEMBERED = 2048  # texts whose answer is kept: about 3 MB
_PARENT_CHARACTERS = 1000  # more than the encoder's 32 tokens of the parent ever need
_OUT_OF_CONTEXT = 1.0  # taken off the logit of a sentence that is read without its neighbours: it misleads more often
_RENAMED_WINDOWS = 8  # a longer text says too much for a name to decide, and would take four times as long
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


@dataclass(slots=True)
class _Look:
    """A passage made ready: its formats, why it cannot be read (or not whole), its tokens and by what it is known."""

    passage: Passage
    spans: tuple[Span, ...]
    unread: str | None
    tokens: Tokens | None = None
    key: Key | None = None


@dataclass(slots=True)
class _Job:
    """A text to be read: its windows, of which the first ``whole`` cover it and the others are closer looks."""

    passage: Passage
    tokens: Tokens
    windows: list[Window]
    whole: int


# For each batch of windows the places of these, and what waits for their answers.
_Heard = list[tuple[list[int], Callable[[], list[Answer]]]]


@dataclass(slots=True)
class _Round:
    """Passages that are being read: what is known of their texts, what is read now, and who waits for the answers."""

    looks: list[_Look]
    known: dict[Key, Said]
    jobs: dict[Key, _Job]
    heard: _Heard


class EncoderClassifier:
    """Reads all twelve labels and the names in a passage; safe to share between threads."""

    def __init__(self, path: str | Path | None = None, *, threads: int = _THREADS, remember: int = _REMEMBERED) -> None:
        """Load the model in the folder ``path`` (the shipped one by default), so that a broken one stops the start.

        ``remember`` is the number of texts whose answer is kept, for when they are posted again.

        Raises:
            ModelNotFoundError: a file of the model is missing or broken.
        """
        folder = Path(path) if path else SHIPPED
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._known = Known(remember)
        try:
            self._card = Card.load(folder / "card.json")
            self._reader = TokenReader(folder / "tokenizer.json")
            self._ngrams = NgramModel.load(folder / "ngrams.npz")
            self._runner = Runner(folder / "model.onnx")
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
        """One verdict a passage, in order; each is read whole, and its answer never depends on the others.

        Texts that are the same once evasion is undone, with the same parent and flags, are read once.

        Raises:
            ClassifierError: the model broke on a passage.
        """
        found: list[Verdict] = []
        begun: _Round | None = None
        for begin in range(0, len(passages), _ROUND):
            # The next posts are made ready while the model reads these: it holds no lock of Python's.
            begun, before = self._begin(passages[begin : begin + _ROUND]), begun
            found += self._end(before) if before else ()
        return found + (self._end(begun) if begun else [])

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

    def _begin(self, passages: Sequence[Passage]) -> _Round:
        """Make the passages ready and have the model begin with the windows of all texts that are not known yet."""
        looks = [self._look(passage) for passage in passages]
        known: dict[Key, Said] = {}
        jobs: dict[Key, _Job] = {}
        for look in looks:
            if look.key is None or look.tokens is None or look.key in known or look.key in jobs:
                continue
            said = self._known.get(look.key)
            if said is None:
                jobs[look.key] = _job(look.passage, look.tokens)
            else:
                known[look.key] = said
        return _Round(looks, known, jobs, self._heard([w for job in jobs.values() for w in job.windows]))

    def _heard(self, windows: Sequence[Window]) -> _Heard:
        """For each batch the places of its windows, and what waits for its answers; with one thread they are there."""
        heard: _Heard = []
        for places in batches(windows, self._runner.most):
            batch = [windows[place] for place in places]
            if self._pool and len(windows) > 1:
                heard.append((places, self._pool.submit(self._runner.run, batch).result))
            else:
                heard.append((places, partial(list, self._runner.run(batch))))
        return heard

    def _end(self, begun: _Round) -> list[Verdict]:
        jobs = begun.jobs.values()
        wide = [self._wide_logits(job) for job in jobs]  # while the model reads
        ready = self._answers(sum(len(job.windows) for job in jobs), begun.heard)
        said = [
            self._said(job, list(islice(ready, len(job.windows))), logits)
            for job, logits in zip(jobs, wide, strict=True)
        ]
        for key, final in zip(begun.jobs, self._evened([*jobs], said), strict=True):
            begun.known[key] = final
            self._known.keep(key, final)
        return [self._verdict(look, begun.known[look.key] if look.key else None) for look in begun.looks]

    def _evened(self, jobs: Sequence[_Job], said: Sequence[Said]) -> list[Said]:
        """The same answers, those that the names in a text may decide evened out over other names."""
        others = [self._others(job, of) for job, of in zip(jobs, said, strict=True)]
        readings = iter(self._read([job for names in others for job in names]))
        return [
            replace(of, logits=np.mean([of.logits, *(one.logits for one in islice(readings, len(names)))], axis=0))
            for of, names in zip(said, others, strict=True)
        ]

    def _others(self, job: _Job, said: Said) -> list[_Job]:
        """The text under other names, where these might decide what is said of it."""
        if (
            not any(said.classes)
            or len(job.windows) > _RENAMED_WINDOWS
            or not wavers(dict(zip(LABELS, said.logits, strict=True)), self._card.points)
        ):
            return []
        spans = name_spans(job.passage.text, job.tokens.originals, said.classes)
        return [_job(other, self._reader.read(other)) for other in renamed(job.passage, spans)]

    def _read(self, jobs: Sequence[_Job]) -> list[Said]:
        """What is said of each text as it stands, all windows read side by side."""
        windows = [window for job in jobs for window in job.windows]
        answers = self._answers(len(windows), self._heard(windows))
        return [self._said(job, list(islice(answers, len(job.windows))), self._wide_logits(job)) for job in jobs]

    @staticmethod
    def _answers(count: int, heard: _Heard) -> Iterator[Answer]:
        """The answers to so many windows, in the windows' order."""
        answers: list[Answer | None] = [None] * count
        for places, wait in heard:
            for place, answer in zip(places, wait(), strict=True):
                answers[place] = answer
        return iter([answer for answer in answers if answer is not None])

    def _look(self, passage: Passage) -> _Look:
        reading = clean(passage.text)
        spans = find_spans(reading)
        unread = unread_reason(passage, reading)
        if unread:
            return _Look(passage, spans, unread)
        tokens = self._reader.read(passage, reading)
        key = (tokens.reading.text, passage.reply_to, passage.official, passage.has_image)
        return _Look(passage, spans, "too_long" if reading.cut else None, tokens, key)

    def _verdict(self, look: _Look, said: Said | None) -> Verdict:
        if look.tokens is None or said is None:
            return Verdict(model=self.name, version=self.version, spans=look.spans, unread=look.unread)
        scores = dict(zip(LABELS, _sigmoid(said.logits), strict=True))
        spans = _joined(look.spans, name_spans(look.passage.text, look.tokens.originals, said.classes))
        return Verdict(
            model=self.name,
            version=self.version,
            scores=scores,
            points=self._card.points,
            spans=spans,
            reason=reason(scores, self._card.points, spans),
            unread=look.unread,
        )

    def _logits(self, passage: Passage, tokens: Tokens) -> tuple[NDArray[np.float64], bytes]:
        """The highest calibrated logit of each label over all looks at the text, and a class for each token."""
        job = _job(passage, tokens)
        answers: list[Answer] = []
        for window in job.windows:
            answers += self._runner.run([window])
        said = self._said(job, answers, self._wide_logits(job))
        return said.logits, said.classes

    def _wide_logits(self, job: _Job) -> list[NDArray[np.float32]]:
        """What the n-grams say of the text of each window."""
        official, image = job.passage.official, job.passage.has_image
        return [
            self._ngrams.logits(_stretch(job.tokens, window), official=official, has_image=image)
            for window in job.windows
        ]

    def _said(self, job: _Job, answers: Sequence[Answer], wide: Sequence[NDArray[np.float32]]) -> Said:
        best = np.full(len(LABELS), -_ODD_LOGIT)
        classes = np.zeros(len(job.tokens.ids), dtype=np.uint8)
        for number, (window, (deep, names)) in enumerate(zip(job.windows, answers, strict=True)):
            logits = self._deep * deep + self._wide * wide[number] + self._bias
            best = np.maximum(best, logits if number < job.whole else logits - _OUT_OF_CONTEXT)
            if number < job.whole:
                stretch = names[window.prefix : window.prefix + window.count]
                classes[window.first : window.first + window.count] = stretch.argmax(-1)
        return Said(best, classes.tobytes())


def _job(passage: Passage, tokens: Tokens) -> _Job:
    """All looks at a text: its windows, and where these are several, its sentences."""
    markers = {"official": passage.official, "has_image": passage.has_image}
    whole = list(cut(tokens.ids, tokens.shapes, parent=tokens.parent, **markers))
    close = look_closely(tokens.ids, tokens.shapes, parent=tokens.parent, **markers) if len(whole) > 1 else ()
    return _Job(passage, tokens, [*whole, *close], len(whole))


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
