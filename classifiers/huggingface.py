"""Any text classification model of transformers: its ONNX weights without torch, its PyTorch weights with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from classifiers.errors import ClassifierError, ModelNotFoundError, OptionError
from classifiers.explain import asked, explain, logit
from classifiers.patterns import find_spans, unread_reason
from classifiers.sentence import reason
from classifiers.text import clean
from classifiers.verdict import LABELS, OperatingPoint, Passage, Span, Verdict

_ONNX_NAMES = ("model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx")
_MAX_TOKENS, _LEAST_TOKENS = 512, 8
_HUB_NAME = re.compile(r"(?:[\w-][\w.-]*/)?[\w-][\w.-]*")
_ABSENT = (
    "there is no folder {path}, and no model of that name was fetched to this machine before; name a folder that "
    "holds config.json and tokenizer.json, or write offline = false to fetch it from the hub"
)
_UNREACHED = "the hub does not answer, or has no model {path} for everybody; check the name, or name a local folder"


class _Weights(Protocol):
    def logits(self, encoded: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]: ...


class HuggingFaceClassifier:
    """Scores the labels that ``label_map`` takes from the model's own; all others score 0."""

    EXAMPLE: ClassVar[str] = 'path = "models/my-model" and label_map = { toxic = "cyberbullying" }'

    def __init__(
        self,
        path: str,
        label_map: Mapping[str, str],
        *,
        name: str | None = None,
        version: str = "1",
        thresholds: Mapping[str, float] | None = None,
        review: Mapping[str, float] | None = None,
        multi_label: bool | None = None,
        max_tokens: int = _MAX_TOKENS,
        offline: bool = True,
    ) -> None:
        """Load the model in the folder ``path``, or of that hub name (then ``offline=False`` may fetch it).

        Args:
            path: a local folder, or a name such as ``organisation/model``.
            label_map: the model's label to ours, for each that counts.
            name: how verdicts call the model; the folder's name by default.
            version: a new one has every stored post read again.
            thresholds: from which score a label of ours is raised (0.5 by default).
            review: from which score a person should have a look (the threshold by default).
            multi_label: sigmoid (true) or softmax (false); by default what the model's configuration says.
            max_tokens: tokens in a window; longer posts are read in several.
            offline: never ask the hub.

        Raises:
            OptionError: a value is out of range, or a name in ``label_map`` or ``thresholds`` is unknown.
            ModelNotFoundError: the model is missing or broken.
        """
        wrong = [*_out_of_range("thresholds", thresholds), *_out_of_range("review", review)]
        wrong += [*_foreign(label_map), *_short(path, max_tokens)]
        if wrong:
            raise OptionError("huggingface", tuple(wrong))
        self.name = name or Path(path).name
        self.version = version
        self._load(path, offline=offline)
        self._columns = self._mapped(label_map)
        several = getattr(self._config, "problem_type", None) == "multi_label_classification"
        self._sigmoid = several if multi_label is None else multi_label
        limit = getattr(self._config, "max_position_embeddings", max_tokens)
        self._length = max(_LEAST_TOKENS, min(max_tokens, limit, self._tokenizer.model_max_length))
        self._points = _points(self._columns, thresholds or {}, review or {})

    def _load(self, path: str, *, offline: bool) -> None:
        try:
            from transformers import AutoConfig, AutoTokenizer
        except ImportError as error:
            raise ModelNotFoundError("the package transformers is not installed: pip install transformers") from error
        folder = Path(path)
        _look_for(folder, path)
        absent = _ABSENT if offline else _UNREACHED
        with _put_into_words(path, "its configuration", None if folder.is_dir() else absent):
            self._config: Any = AutoConfig.from_pretrained(path, local_files_only=offline)
        with _put_into_words(path, "its tokenizer"):
            self._tokenizer: Any = AutoTokenizer.from_pretrained(path, local_files_only=offline)
        found = next((folder / name for name in _ONNX_NAMES if (folder / name).is_file()), None)
        with _put_into_words(path, "its weights"):
            self._weights: _Weights = _OnnxWeights(found) if found else _TorchWeights(path, offline=offline)

    def _mapped(self, label_map: Mapping[str, str]) -> dict[str, list[int]]:
        """Our labels to the model's columns."""
        known = {str(label): int(index) for index, label in self._config.id2label.items()}
        strange = [theirs for theirs in label_map if theirs not in known]
        if strange:
            has = f"{self.name} has no label {', '.join(map(repr, strange))}; it has {', '.join(map(repr, known))}"
            raise OptionError("huggingface", (f"label_map: {has}",))
        columns: dict[str, list[int]] = {}
        for theirs, ours in label_map.items():
            columns.setdefault(ours, []).append(known[theirs])
        return columns

    def classify(self, passages: Sequence[Passage]) -> list[Verdict]:
        """One verdict a passage, in order; each is read alone, so that a batch changes nothing.

        Raises:
            ClassifierError: the model broke on a passage.
        """
        return [self._verdict(passage) for passage in passages]

    def _verdict(self, passage: Passage) -> Verdict:
        reading = clean(passage.text)
        spans = find_spans(reading)
        unread = unread_reason(passage, reading)
        if unread:
            return Verdict(model=self.name, version=self.version, spans=spans, unread=unread)
        scores = self._scores(reading.text)
        return Verdict(
            model=self.name,
            version=self.version,
            scores=scores,
            points=self._points,
            spans=spans,
            reason=reason(scores, self._points, spans),
            unread="too_long" if reading.cut else None,
        )

    def explain(self, passage: Passage, verdict: Verdict) -> tuple[Span, ...]:
        """The stretches of text that moved the raised and undecided labels most, strongest first; kind is the label.

        Measured by leaving words out, with some sixty reads: for posts that are flagged, not for all.

        Raises:
            ClassifierError: the model broke on what was left.
        """

        def score(text: str) -> dict[str, float]:
            return {label: logit(value) for label, value in self._scores(clean(text).text).items()}

        return explain(passage.text, asked(verdict), score)

    def _scores(self, text: str) -> dict[str, float]:
        """A score for each of our labels; 0 where the model knows none."""
        found = self._probabilities(text)
        scores = dict.fromkeys(LABELS, 0.0)
        for label, columns in self._columns.items():
            together = found[columns].max() if self._sigmoid else found[columns].sum()
            scores[label] = round(min(1.0, float(together)), 6)
        return scores

    def _probabilities(self, text: str) -> NDArray[np.float32]:
        """The highest probability of each of the model's labels over the text's windows."""
        try:
            encoded = self._tokenizer(
                text,
                truncation=True,
                max_length=self._length,
                stride=self._length // 8,
                return_overflowing_tokens=True,
            )
            windows = [
                self._weights.logits({name: np.array([encoded[name][i]], dtype=np.int64) for name in self._names})
                for i in range(len(encoded["input_ids"]))
            ]
        except Exception as error:  # a foreign model may raise anything
            raise ClassifierError(f"{self.name}@{self.version} broke on a text of {len(text)} characters") from error
        best: NDArray[np.float32] = np.max([_normalised(row[0], sigmoid=self._sigmoid) for row in windows], axis=0)
        return best

    @property
    def _names(self) -> list[str]:
        return [name for name in self._tokenizer.model_input_names if name != "special_tokens_mask"]


def _foreign(label_map: Mapping[str, str]) -> Iterator[str]:
    foreign = sorted(set(label_map.values()) - set(LABELS))
    if foreign or not label_map:
        yield f"label_map: must lead to our labels, not {', '.join(foreign) or 'nothing'}: {', '.join(LABELS)}"


def _out_of_range(option: str, scores: Mapping[str, float] | None) -> Iterator[str]:
    for label, score in (scores or {}).items():
        if label not in LABELS:
            yield f"{option}: unknown label {label!r}; known are {', '.join(LABELS)}"
        elif not 0 <= score <= 1:
            yield f"{option}: {label} = {score:g} is no score; write a number from 0 to 1"


def _short(path: str, max_tokens: int) -> Iterator[str]:
    if not path.strip():
        yield "path: empty; name a local folder, or a model of the hub"
    if max_tokens < _LEAST_TOKENS:
        yield f"max_tokens: {max_tokens} is too few; write {_LEAST_TOKENS} or more"


def _look_for(folder: Path, path: str) -> None:
    """Say what is missing where a folder is meant; any other name may be one of the hub."""
    if folder.is_file():
        raise ModelNotFoundError(
            f"{path!r} is a file; name the folder that holds it, with config.json and tokenizer.json"
        )
    if folder.is_dir() and not (folder / "config.json").is_file():
        raise ModelNotFoundError(
            f"the folder {path!r} holds no config.json; name one that transformers has saved a model in"
        )
    if not folder.is_dir() and not _HUB_NAME.fullmatch(path):
        raise ModelNotFoundError(f"there is no folder {path!r}; name one that holds config.json and tokenizer.json")


@contextmanager
def _put_into_words(path: str, what: str, absent: str | None = None) -> Iterator[None]:
    """Have whatever a library raises say which part of the model cannot be loaded and what to look at."""
    try:
        yield
    except ModelNotFoundError:
        raise
    except Exception as error:  # transformers, onnxruntime and torch raise whatever they like
        if absent is not None and isinstance(error, OSError):
            raise ModelNotFoundError(absent.format(path=repr(path))) from error
        raise ModelNotFoundError(
            f"the model {path!r} cannot be loaded: {what} cannot be read; see that its files are whole and "
            "are those of a text classification model of transformers"
        ) from error


class _OnnxWeights:
    """Weights in an ONNX file, run by onnxruntime."""

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._inputs = {said.name for said in self._session.get_inputs()}

    def logits(self, encoded: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        fed = {name: values for name, values in encoded.items() if name in self._inputs}
        found: NDArray[np.float32] = self._session.run(None, fed)[0]
        return found


class _TorchWeights:
    """Weights of PyTorch, run by torch where that is installed."""

    def __init__(self, path: str, *, offline: bool) -> None:
        try:
            import torch
        except ImportError as error:
            raise ModelNotFoundError(
                f"{path!r} holds no model.onnx, and torch is not installed to run other weights: "
                "export the model to ONNX, or pip install torch"
            ) from error
        from transformers import AutoModelForSequenceClassification

        self._torch = torch
        self._model = AutoModelForSequenceClassification.from_pretrained(path, local_files_only=offline).eval()

    def logits(self, encoded: Mapping[str, NDArray[np.int64]]) -> NDArray[np.float32]:
        with self._torch.no_grad():
            tensors = {name: self._torch.from_numpy(values) for name, values in encoded.items()}
            found: NDArray[np.float32] = self._model(**tensors).logits.float().numpy()
        return found


def _normalised(logits: NDArray[np.float32], *, sigmoid: bool) -> NDArray[np.float32]:
    if sigmoid:
        one_by_one: NDArray[np.float32] = np.reciprocal(1 + np.exp(-np.clip(logits, -30, 30)), dtype=np.float32)
        return one_by_one
    powers = np.exp(logits - logits.max())
    together: NDArray[np.float32] = powers / powers.sum()
    return together


def _points(
    labels: Mapping[str, object], thresholds: Mapping[str, float], review: Mapping[str, float]
) -> dict[str, OperatingPoint]:
    points = {}
    for label in LABELS:
        raise_at = thresholds.get(label, 0.5) if label in labels else 1.0
        points[label] = OperatingPoint(raise_at=raise_at, review_at=min(raise_at, review.get(label, raise_at)))
    return points
