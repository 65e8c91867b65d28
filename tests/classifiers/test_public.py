"""Public sets: read as their files say, and no set goes into weights that its licence does not allow."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from classifiers.training.public import FREE, NAME_SETS, SETS, PublicRow, rows_of

BY_NAME = {entry.name: entry for entry in (*SETS, *NAME_SETS)}


def written(folder: Path, name: str, rows: list[dict[str, object]]) -> Path:
    with gzip.open(folder / f"{name}.jsonl.gz", mode="wt", encoding="utf-8") as lines:
        lines.write("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_sets_without_a_free_licence_are_not_free() -> None:
    assert not BY_NAME["tweeteval_offensive"].free
    assert not BY_NAME["tweeteval_hate"].free
    assert all(entry.licence in FREE for entry in BY_NAME.values() if entry.free)
    assert sum(entry.free for entry in BY_NAME.values()) == 13


def test_the_official_validation_split_is_never_learned_from(tmp_path: Path) -> None:
    rows = [
        {"text": "to learn", "label": "hate", "split": "train"},
        {"text": "to judge", "label": "not-hate", "split": "val"},
    ]
    folder = written(tmp_path, "tweeteval_hate", rows)
    assert rows_of(folder, BY_NAME["tweeteval_hate"]) == [PublicRow("to learn", 1)]
    assert rows_of(folder, BY_NAME["tweeteval_hate"], held_out=True) == [PublicRow("to judge", 0)]


def test_answers_that_lie_deeper_are_found_and_users_and_links_are_masked(tmp_path: Path) -> None:
    rows = [
        {"text": "@ann look https://x.example/1 ", "labels": {"sexist": 1}, "split": "train"},
        {"text": "[USER] no [URL]", "labels": {"sexist": 0}, "split": "train"},
        {"text": "  ", "labels": {"sexist": 0}, "split": "train"},
        {"text": "nobody knows", "labels": {"sexist": None}, "split": "train"},
    ]
    folder = written(tmp_path, "edos", rows)
    assert rows_of(folder, BY_NAME["edos"]) == [PublicRow("@user look http", 1), PublicRow("@user no http", 0)]


def test_names_are_joined_and_handles_masked(tmp_path: Path) -> None:
    row = {
        "tokens": ["@ann", "saw", "Ida", "Quill", "in", "Leeds", "with", "Sam"],
        "tags": ["B-PER", "O", "B-PER", "I-PER", "O", "B-LOC", "O", "B-PER"],
        "split": "train",
    }
    (read,) = rows_of(written(tmp_path, "broad_twitter_ner", [row]), BY_NAME["broad_twitter_ner"])
    assert [read.text[a:b] for a, b in read.persons or ()] == ["Ida Quill", "Sam"]
    assert [read.text[a:b] for a, b in read.masked] == ["@ann"]


def test_a_folder_without_the_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"edos\.jsonl\.gz"):
        rows_of(tmp_path, BY_NAME["edos"])
