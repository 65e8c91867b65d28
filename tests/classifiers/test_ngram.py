"""Hashed features are the same everywhere, and the model survives being stored."""

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from classifiers.ngram import BUCKETS, NgramModel, features


@given(st.text(st.characters(exclude_categories=["Cs"])), st.booleans(), st.booleans())
def test_features_are_distinct_buckets_in_order(text: str, official: bool, image: bool) -> None:
    buckets, values = features(text, official=official, has_image=image)
    assert (np.diff(buckets) > 0).all()
    assert ((buckets >= 0) & (buckets < BUCKETS)).all()
    assert len(buckets) == len(values)
    assert (values >= 1).all()


def test_features_never_change() -> None:
    buckets, values = features("Bad bad school", official=True, has_image=False)
    assert (len(buckets), int(buckets.sum()), round(float(values.sum()), 3)) == (49, 6176465, 56.625)


def test_writing_and_spacing_do_not_matter_but_markers_do() -> None:
    plain = features("Do Better", official=False, has_image=False)[0]
    assert plain.tolist() == features("  do\tbetter ", official=False, has_image=False)[0].tolist()
    marked = features("Do Better", official=True, has_image=True)[0]
    assert len(set(marked.tolist()) - set(plain.tolist())) == 2


def test_a_stored_model_says_the_same(tmp_path: Path) -> None:
    chance = np.random.default_rng(5)
    model = NgramModel(
        chance.integers(-127, 127, (12, BUCKETS)).astype(np.int8),
        chance.random(12).astype(np.float32),
        chance.random(12).astype(np.float32),
        chance.random(BUCKETS).astype(np.float16),
    )
    model.save(tmp_path / "ngrams.npz")
    again = NgramModel.load(tmp_path / "ngrams.npz")
    said = model.logits("who writes these papers", official=False, has_image=True)
    assert said.shape == (12,)
    assert again.logits("who writes these papers", official=False, has_image=True).tolist() == said.tolist()
    assert np.isfinite(model.logits("", official=False, has_image=False)).all()
