"""Finds a classifier by name, and imports it only then."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from classifiers.classifier import Classifier
from classifiers.errors import ModelNotFoundError, OptionError
from classifiers.option import faults

_HOMES = {
    "encoder": "classifiers.encoder:EncoderClassifier",
    "huggingface": "classifiers.huggingface:HuggingFaceClassifier",
    "patterns": "classifiers.patterns:PatternClassifier",
}


def known() -> tuple[str, ...]:
    """The names of all classifiers, sorted."""
    return tuple(sorted(_HOMES))


def load(name: str, options: Mapping[str, Any] | None = None) -> Classifier:
    """A classifier made with its options.

    Raises:
        OptionError: an option is unknown, missing or of another kind.
        ModelNotFoundError: no such classifier, or its files are missing or broken.
    """
    if name not in _HOMES:
        raise ModelNotFoundError(f"classifier {name!r} is unknown; known are {', '.join(known())}")
    module, _, attribute = _HOMES[name].partition(":")
    home = getattr(importlib.import_module(module), attribute)
    wrong = faults(home, options or {})
    if wrong:
        raise OptionError(name, wrong)
    made: Classifier = home(**(options or {}))
    return made
