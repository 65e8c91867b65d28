"""An exported model goes on learning from corrections; needs the extra ``train``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the extra `train` is not installed: training is not tested here")

from classifiers.encoder import EncoderClassifier  # noqa: E402
from classifiers.ngram import BUCKETS, NgramModel  # noqa: E402
from classifiers.training.export import export  # noqa: E402
from classifiers.training.network import Network  # noqa: E402
from classifiers.training.resume import digest, main, network_of  # noqa: E402
from classifiers.verdict import LABELS, Passage  # noqa: E402

SHIPPED = Path(__file__).parents[2] / "classifiers" / "models" / "watcher-minilm"
TEXT = "the dinner queue moved at the speed of a glacier"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the shipped one's shape with weights of chance, and a wide part that says nothing."""
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(3)
    export(Network().eval(), folder / "model.onnx")
    zeros = np.zeros(len(LABELS), dtype=np.float32)
    NgramModel(np.zeros((len(LABELS), BUCKETS), dtype=np.int8), zeros, zeros, np.zeros(BUCKETS, np.float16)).save(
        folder / "ngrams.npz"
    )
    shutil.copyfile(SHIPPED / "tokenizer.json", folder / "tokenizer.json")
    labels = {label: {"deep": 1.0, "wide": 0.0, "bias": 0.0, "raise_at": 0.5, "review_at": 0.4} for label in LABELS}
    card = {"name": "test", "version": "1", "labels": labels, "figures": {"macro_f1": 1}}
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


@pytest.mark.parametrize("quantised", [True, False])
def test_weights_come_back_out_of_an_exported_graph(tmp_path: Path, quantised: bool) -> None:
    torch.manual_seed(4)
    before = Network().eval()
    export(before, tmp_path / "model.onnx", quantised=quantised)
    after = network_of(tmp_path / "model.onnx").state_dict()
    for name, weights in before.state_dict().items():
        if name == "places.weight":
            continue  # only as many as a window has are exported
        step = weights.abs().amax() / (50 if quantised or name == "words.weight" else 1e6)
        assert (weights - after[name]).abs().amax() <= step, name


def test_a_correction_is_learned_and_what_nobody_spoke_of_stays(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = [{"id": f"A{n}", "text": f"{word} soup at noon", "labels": []} for n, word in enumerate(("hot", "cold"))]
    rows.append({"id": "A9", "text": "secret held out words", "labels": ["threat"]})
    (data / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    out = tmp_path / "out"
    out.mkdir()
    before = EncoderClassifier(model).classify([Passage(text=TEXT)])[0].scores
    wanted = {label: before[label] < 0.5 for label in ("criticism", "praise")}
    order = {"start": str(model), "from": "1", "out": str(out), "version": "1-new", "data": str(data)}
    order |= {"left_out": [digest("secret held out words")], "epochs": 6, "rate": 2e-4}
    post = {"text": TEXT, "reply_to": None, "official": False, "has_image": False, "labels": wanted}
    assert main(json.dumps(line) for line in (order, post)) == 0
    said = capsys.readouterr().out
    assert "learning from 3 rows" in said, "what is held out is not rehearsed"
    assert "secret" not in said
    assert TEXT not in said
    taught = EncoderClassifier(out)
    after = taught.classify([Passage(text=TEXT)])[0].scores
    assert taught.version == "1-new"
    for label, holds in wanted.items():
        assert (after[label] > before[label]) is holds, label
    moved = max(abs(after[label] - before[label]) for label in wanted)
    assert max(abs(after[label] - before[label]) for label in LABELS if label not in wanted) < moved
    assert "figures" not in json.loads((out / "card.json").read_text(encoding="utf-8"))


def test_a_model_of_another_kind_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = {"start": str(tmp_path), "from": "1", "out": str(tmp_path), "version": "2", "data": str(tmp_path)}
    assert main([json.dumps(order)]) == 1
    assert "error: " in capsys.readouterr().out
