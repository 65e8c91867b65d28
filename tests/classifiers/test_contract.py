"""What holds for every classifier, the fake among them."""

import threading

import pytest

from classifiers import registry
from classifiers.classifier import Classifier
from classifiers.errors import ModelNotFoundError
from classifiers.verdict import LABELS, SPAN_KINDS, Passage

POSTS = [
    Passage(text="Is the inset day still Monday?"),
    Passage(text="Well done Saoirse Quill, 5 Rowan, on your diving badge! 🎉🎉", official=True, has_image=True),
    Passage(text="delete your account hugo even your dog is embarrassed"),
    Passage(text="", has_image=True),
    Passage(text=""),
    Passage(text="same here tbh", reply_to="Two weeks without a working boiler and the answer is 'wear layers'."),
    Passage(text="Czy ktoś wie, o której zaczyna się zebranie rodziców w czwartek?"),
    Passage(text="the site manager is a lump and his wife should know it " * 40),
    Passage(text="k1ll y0urself 𝕝𝕠𝕤𝕖𝕣 \u202eabc\u202c \x00 \ud800"),
    Passage(text="🐐🐐 sir you carried us 🐐"),
]


@pytest.fixture(params=["words", "patterns", "encoder"])
def classifier(request: pytest.FixtureRequest) -> Classifier:
    return registry.load("patterns") if request.param == "patterns" else request.getfixturevalue(request.param)


def test_is_a_classifier_with_a_name_and_a_version(classifier: Classifier) -> None:
    assert isinstance(classifier, Classifier)
    assert classifier.name
    assert classifier.version


def test_gives_one_verdict_a_passage_in_order(classifier: Classifier) -> None:
    verdicts = classifier.classify(POSTS)
    assert len(verdicts) == len(POSTS)
    assert [classifier.classify([post])[0] for post in POSTS] == verdicts
    assert classifier.classify(POSTS[::-1]) == verdicts[::-1]
    assert {(verdict.model, verdict.version) for verdict in verdicts} == {(classifier.name, classifier.version)}


def test_no_passages_give_no_verdicts(classifier: Classifier) -> None:
    assert classifier.classify([]) == []


def test_scores_are_all_labels_in_order_or_none_where_unread(classifier: Classifier) -> None:
    for verdict in classifier.classify(POSTS):
        assert all(0.0 <= score <= 1.0 for score in verdict.scores.values())
        assert tuple(verdict.scores) == (() if verdict.unread else LABELS)
        assert not set(verdict.labels) & set(verdict.review)


def test_spans_lie_in_the_text_and_never_overlap(classifier: Classifier) -> None:
    for post, verdict in zip(POSTS, classifier.classify(POSTS), strict=True):
        end = 0
        for span in verdict.spans:
            assert end <= span.start < span.end <= len(post.text)
            assert span.kind in SPAN_KINDS
            end = span.end


def test_a_batch_changes_nothing(classifier: Classifier) -> None:
    alone = {post.text: classifier.classify([post])[0] for post in POSTS}
    for size in (2, 3, 7):
        for begin in range(0, len(POSTS), size):
            batch = POSTS[begin : begin + size]
            for post, verdict in zip(batch, classifier.classify(batch), strict=True):
                single = classifier.classify([post])[0]
                assert verdict.labels == single.labels
                assert verdict.scores == pytest.approx(single.scores, abs=0.001)
    assert alone[POSTS[0].text].unread is None


def test_may_be_shared_between_threads(classifier: Classifier) -> None:
    expected, found = classifier.classify(POSTS), []
    threads = [threading.Thread(target=lambda: found.append(classifier.classify(POSTS))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_an_unknown_name_says_which_are_known() -> None:
    with pytest.raises(ModelNotFoundError, match="encoder, huggingface, patterns"):
        registry.load("oracle")
