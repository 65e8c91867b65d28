"""A foreign model, made on the spot: found offline, mapped to our labels, refused with a reason where it is broken."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from classifiers import registry
from classifiers.classifier import Explainer
from classifiers.errors import ClassifierError, ModelNotFoundError, OptionError
from classifiers.huggingface import HuggingFaceClassifier
from classifiers.verdict import LABELS, Passage

onnx = pytest.importorskip("onnx")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "idiot", "bomb", "lovely", "the", "school", "is"]
THEIRS = ["toxic", "violent", "fine"]
MAP = {"toxic": "cyberbullying", "violent": "threat"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model that knows three words; of a text the strongest word counts."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    write(tmp_path / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast", model_max_length=64)
    names = dict(enumerate(THEIRS))
    write(
        tmp_path / "config.json",
        model_type="bert",
        id2label=names,
        label2id={name: i for i, name in names.items()},
        problem_type="multi_label_classification",
        max_position_embeddings=64,
    )
    table = np.full((len(WORDS), 3), -4.0, dtype=np.float32)
    table[4, 0] = table[5, 1] = table[6, 2] = 3.0
    onnx.save(graph(table), str(tmp_path / "model.onnx"))
    return tmp_path


def write(path: Path, **values: object) -> None:
    path.write_text(json.dumps(values))


def graph(table: np.ndarray) -> object:
    nodes = [
        onnx.helper.make_node("Gather", ["table", "input_ids"], ["scores"]),
        onnx.helper.make_node("ReduceMax", ["scores", "axes"], ["logits"], keepdims=0),
    ]
    made = onnx.helper.make_graph(
        nodes,
        "words",
        [onnx.helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, ["batch", "tokens"])],
        [onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", table.shape[1]])],
        [onnx.numpy_helper.from_array(table, "table"), onnx.numpy_helper.from_array(np.array([1]), "axes")],
    )
    return onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)


def test_scores_what_the_map_leads_to(folder: Path) -> None:
    model = HuggingFaceClassifier(str(folder), MAP, name="words", version="3", thresholds={"threat": 0.99})
    abuse, threat, praise = model.classify(
        [Passage(text="the idiot"), Passage(text="bomb the school"), Passage(text="lovely school")]
    )
    assert abuse.labels == ("cyberbullying",)
    assert abuse.scores["cyberbullying"] == pytest.approx(1 / (1 + np.exp(-3)), abs=1e-4)
    assert tuple(abuse.scores) == LABELS
    assert (threat.labels, round(threat.scores["threat"], 2)) == ((), 0.95)
    assert praise.labels == ()
    assert (abuse.model, abuse.version) == ("words", "3")
    assert "abuse" in abuse.reason


def test_a_long_post_is_read_whole(folder: Path) -> None:
    verdict = HuggingFaceClassifier(str(folder), MAP).classify([Passage(text="the school is " * 200 + "idiot")])[0]
    assert verdict.labels == ("cyberbullying",)


def test_a_batch_changes_nothing_and_unread_stays_unread(folder: Path) -> None:
    model = HuggingFaceClassifier(str(folder), MAP)
    posts = [Passage(text="idiot"), Passage(text="", has_image=True), Passage(text="the idiot is the bomb " * 30)]
    together = model.classify(posts)
    assert together == [model.classify([post])[0] for post in posts]
    assert [verdict.unread for verdict in together] == [None, "picture", None]


def test_says_which_words_moved_a_label(folder: Path) -> None:
    model = HuggingFaceClassifier(str(folder), MAP)
    post = Passage(text="the school is the bomb school. the 1diot is lovely")
    verdict = model.classify([post])[0]
    assert isinstance(model, Explainer)
    assert [post.text[span.start : span.end] for span in model.explain(post, verdict)] == ["bomb"]


def test_labels_that_exclude_each_other_sum_to_one(folder: Path) -> None:
    model = HuggingFaceClassifier(
        str(folder), {"toxic": "hate", "violent": "hate", "fine": "praise"}, multi_label=False
    )
    scores = model.classify([Passage(text="the school")])[0].scores
    assert scores["hate"] + scores["praise"] == pytest.approx(1.0, abs=1e-4)
    assert scores["hate"] == pytest.approx(2 / 3, abs=1e-4)


def test_is_found_by_name(folder: Path) -> None:
    model = registry.load("huggingface", {"path": str(folder), "label_map": MAP})
    assert model.name == folder.name


@pytest.mark.parametrize(
    ("label_map", "reason"),
    [({"rude": "threat"}, "no label 'rude'; it has 'toxic'"), ({"toxic": "anger"}, "not anger"), ({}, "not nothing")],
)
def test_a_wrong_label_map_is_refused(folder: Path, label_map: dict[str, str], reason: str) -> None:
    with pytest.raises(ModelNotFoundError, match=reason):
        HuggingFaceClassifier(str(folder), label_map)


@pytest.mark.parametrize("path", ["nowhere", "./nowhere", "models/my/model", "some-school/no-such-model"])
def test_a_missing_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelNotFoundError, match=f"there is no folder '{path}'.* name"):
        HuggingFaceClassifier(path, MAP)
    with pytest.raises(ModelNotFoundError, match="there is no folder"):
        HuggingFaceClassifier(str(tmp_path / "nowhere"), MAP)


def test_a_folder_without_a_model_and_a_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(ModelNotFoundError, match=r"holds no config\.json; name one"):
        HuggingFaceClassifier(str(tmp_path / "empty"), MAP)
    with pytest.raises(ModelNotFoundError, match="is a file; name the folder"):
        HuggingFaceClassifier(str(tmp_path / "model.onnx"), MAP)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"folder": "x"}, "folder: unknown option; known here are path, label_map, name"),
        ({"labelmap": {}}, "labelmap: unknown option; did you mean label_map?"),
        ({"path": None}, "path: must be a text"),
        ({"path": " "}, "path: empty; name a local folder"),
        ({"label_map": ["toxic"]}, "label_map: must be a table in which each name has a text"),
        ({"label_map": {"toxic": 1}}, "label_map: must be a table in which each name has a text"),
        ({"thresholds": {"threat": "high"}}, "thresholds: must be a table in which each name has a number"),
        ({"thresholds": {"threat": 5}}, "thresholds: threat = 5 is no score; write a number from 0 to 1"),
        ({"review": {"anger": 0.5}}, "review: unknown label 'anger'; known are criticism"),
        ({"max_tokens": 3.5}, "max_tokens: must be a whole number"),
        ({"max_tokens": True}, "max_tokens: must be a whole number"),
        ({"max_tokens": 0}, "max_tokens: 0 is too few; write 8 or more"),
        ({"multi_label": "yes"}, "multi_label: must be true or false"),
    ],
)
def test_a_wrong_option_is_said_in_plain_words(folder: Path, options: dict[str, object], says: str) -> None:
    with pytest.raises(OptionError) as caught:
        registry.load("huggingface", {"path": str(folder), "label_map": MAP, **options})
    assert any(problem.startswith(says) for problem in caught.value.problems), caught.value.problems


def test_every_wrong_option_is_said_at_once() -> None:
    with pytest.raises(OptionError) as caught:
        registry.load("huggingface", {"folder": "x", "threshold": 1})
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "folder",
        "threshold",
        "path",
        "label_map",
    ]
    assert str(caught.value).splitlines()[2] == (
        'huggingface: path: missing; write a text, for example path = "models/my-model" and '
        'label_map = { toxic = "cyberbullying" }'
    )


@pytest.mark.parametrize("name", ["patterns", "encoder"])
def test_the_other_models_say_so_too(name: str) -> None:
    says = {"patterns": "pth: unknown option; it takes none", "encoder": "pth: unknown option; did you mean path?"}
    with pytest.raises(OptionError) as caught:
        registry.load(name, {"pth": "x"})
    assert caught.value.problems == (says[name],)
    if name == "encoder":
        with pytest.raises(OptionError, match="encoder: threads: must be a whole number"):
            registry.load(name, {"threads": "two", "path": None})


def test_a_configuration_or_tokenizer_that_is_broken_is_refused_in_plain_words(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{")
    with pytest.raises(ModelNotFoundError, match=r"cannot be loaded: its tokenizer cannot be read; see that"):
        HuggingFaceClassifier(str(folder), MAP)
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelNotFoundError, match=r"cannot be loaded: its configuration cannot be read; see that"):
        HuggingFaceClassifier(str(folder), MAP)


def test_broken_weights_are_refused(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"not a graph")
    with pytest.raises(ModelNotFoundError, match="cannot be loaded"):
        HuggingFaceClassifier(str(folder), MAP)


def test_without_onnx_and_torch_the_reason_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "model.onnx").unlink()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModelNotFoundError, match=r"holds no model\.onnx, and torch is not installed"):
        HuggingFaceClassifier(str(folder), MAP)


def test_a_model_that_breaks_on_a_text_is_a_classifier_error(folder: Path) -> None:
    onnx.save(graph(np.zeros((3, 3), dtype=np.float32)), str(folder / "model.onnx"))  # knows too few words
    with pytest.raises(ClassifierError, match="broke on a text of 5 characters"):
        HuggingFaceClassifier(str(folder), MAP).classify([Passage(text="idiot")])
