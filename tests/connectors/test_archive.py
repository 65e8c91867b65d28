"""Archives: appended, renamed, rewritten and broken files, and links that lead out of the folder."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.archive import ArchiveConnector
from connectors.errors import AccountNotFoundError
from connectors.post import Account, Author, Cursor, Media, Post


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "exports"
    made.mkdir()
    return made


@pytest.fixture
def account(folder: Path) -> Callable[..., Account]:
    def make(**changes: Any) -> Account:
        return Account(**{"name": "history", "platform": "archive", "target": str(folder), **changes})

    return make


def lines(*ids: object, text: str = "text") -> str:
    return "".join(json.dumps({"id": str(id_), "text": f"{text} {id_}"}) + "\n" for id_ in ids)


def long_ago(path: Path) -> None:
    os.utime(path, (time.time() - 3600, time.time() - 3600))


def test_json_lines_become_posts(folder: Path, account, drain) -> None:
    record = {
        "id": 7, "text": "A\u0000B", "created_at": "2026-11-20T09:00:00+01:00", "kind": "comment",
        "url": "https://h.example/7",
        "author": {"id": "9", "handle": "@ann", "name": "Ann", "official": False}, "reply_to": "6", "language": "en",
        "links": ["https://a.example", "javascript:x"],
        "media": [{"kind": "image", "url": "https://h.example/i.jpg", "alt": "x"}],
    }  # fmt: skip
    (folder / "a.jsonl").write_text(json.dumps(record) + "\n")
    post = drain(ArchiveConnector(), account(official=True)).posts[0]
    assert (post.id, post.text, post.kind, post.reply_to, post.thread) == ("7", "A\ufffdB", "comment", "6", "6")
    assert post.created_at == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert post.author == Author(id="9", handle="@ann", name="Ann", official=False)
    assert post.links == ("https://a.example",)
    assert post.media == (Media(kind="image", url="https://h.example/i.jpg", alt="x"),)
    assert json.loads(post.raw) == record
    assert (post.platform, post.origin) == ("archive", "history/a.jsonl")


def test_what_watcher_writes_it_reads_again(folder: Path, account, drain) -> None:
    post = Post(
        platform="x", id="1", kind="reply", text="t", author=Author(id="2", handle="h"), reply_to="0", thread="0",
        created_at=datetime(2026, 11, 20, 8, tzinfo=UTC), media=(Media(kind="video", url="https://v.example/1"),),
    )  # fmt: skip
    (folder / "a.jsonl").write_text(json.dumps(post.as_dict()) + "\n")
    again = drain(ArchiveConnector(), account()).posts[0]
    assert {**again.as_dict(), "sha256": None} == {**post.as_dict(), "sha256": None}
    assert again.key == post.key


def test_csv_becomes_posts(folder: Path, account, drain) -> None:
    (folder / "a.csv").write_text(
        "\ufeffID,Text,created_at,author_handle,official,links\r\n"
        '1,"Said ""hello"",\r\nthen left",2026-11-20 08:00,@ann,,https://a.example;https://b.example\r\n'
        '2,He is 5" tall,2026-11-20T08:01:00Z,,,\r\n'
        "\r\n3,three,,,,\r\n"
    )
    posts = drain(ArchiveConnector(), account()).posts
    assert [(post.id, post.text) for post in posts] == [
        ("3", "three"),
        ("1", 'Said "hello",\r\nthen left'),
        ("2", 'He is 5" tall'),
    ]
    assert posts[1].author == Author(id="ann", handle="@ann")
    assert posts[1].links == ("https://a.example", "https://b.example")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_delimiters_are_told_by_the_header(folder: Path, account, drain, delimiter: str) -> None:
    (folder / "a.csv").write_text(f"id{delimiter}text\n1{delimiter}one\n")
    assert [post.text for post in drain(ArchiveConnector(), account()).posts] == ["one"]


def test_a_json_list_becomes_posts_and_a_longer_one_again(folder: Path, account, drain) -> None:
    path = folder / "a.json"
    path.write_text(json.dumps([{"id": "1", "text": "a"}, {"id": "2"}, {"id": "3", "text": "c"}], indent=1))
    reading = drain(ArchiveConnector(page_size=2), account())
    assert [post.id for post in reading.posts] == ["1", "3"]
    assert "line 2: text is missing" in reading.oddities[0].why
    assert drain(ArchiveConnector(), account(), reading.cursor).posts == []
    path.write_text(json.dumps([{"id": "1", "text": "a"}, {"id": "4", "text": "d"}]))
    assert [post.id for post in drain(ArchiveConnector(), account(), reading.cursor).posts] == ["1", "4"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv"])
def test_appended_lines_are_read_once(folder: Path, account, drain, name: str) -> None:
    path = folder / name
    head = "id,text\n" if name.endswith("csv") else ""
    make = (lambda *ids: "".join(f"{i},text {i}\n" for i in ids)) if head else lines
    path.write_text(head + make(1, 2))
    reading = drain(ArchiveConnector(), account())
    assert [post.id for post in reading.posts] == ["1", "2"]
    assert drain(ArchiveConnector(), account(), reading.cursor).posts == []
    with path.open("a") as file:
        file.write(make(3))
    reading = drain(ArchiveConnector(), account(), reading.cursor)
    assert [post.id for post in reading.posts] == ["3"]
    (folder / f"b{path.suffix}").write_text(head + make(4))
    assert [post.id for post in drain(ArchiveConnector(), account(), reading.cursor).posts] == ["4"]


def test_pages_hold_no_more_than_asked_for_and_give_everything(folder: Path, account, drain) -> None:
    (folder / "a.jsonl").write_text(lines(*range(1200)))
    (folder / "b.jsonl").write_text(lines(*range(1200, 1300)))
    page = ArchiveConnector().fetch(account(), None)
    assert (len(page.posts), page.more) == (500, True)
    assert ArchiveConnector().fetch(account(), None) == page
    reading = drain(ArchiveConnector(), account())
    assert sorted(int(post.id) for post in reading.posts) == list(range(1300))


def test_a_rewritten_file_is_read_again(folder: Path, account, drain) -> None:
    path = folder / "a.jsonl"
    path.write_text(lines(1, 2))
    reading = drain(ArchiveConnector(), account())
    path.write_text(lines(8, 9, 10))
    assert [post.id for post in drain(ArchiveConnector(), account(), reading.cursor).posts] == ["8", "9", "10"]
    path.write_text(lines(1))
    assert [post.id for post in drain(ArchiveConnector(), account(), reading.cursor).posts] == ["1"]


def test_a_rotated_file_keeps_its_place_and_its_origin(folder: Path, account, drain) -> None:
    path = folder / "posts.jsonl"
    path.write_text(lines(1, 2))
    reading = drain(ArchiveConnector(), account())
    with path.open("a") as file:
        file.write(lines(3))
    path.rename(folder / "posts-2026.jsonl")
    path.write_text(lines(4))
    later = drain(ArchiveConnector(), account(), reading.cursor)
    assert [(post.id, post.origin) for post in later.posts] == [
        ("3", "history/posts.jsonl"),
        ("4", "history/posts.jsonl"),
    ]
    assert drain(ArchiveConnector(), account(), later.cursor).posts == []


def test_two_archives_with_the_same_ids_stay_apart(folder: Path, account, drain) -> None:
    (folder / "a.jsonl").write_text(lines(1))
    (folder / "inner").mkdir()
    (folder / "inner" / "a.jsonl").write_text(lines(1))
    posts = drain(ArchiveConnector(), account()).posts + drain(ArchiveConnector(), account(name="other")).posts
    assert len({post.key for post in posts}) == 4


def test_an_unfinished_last_line_waits(folder: Path, account, drain) -> None:
    path = folder / "a.jsonl"
    path.write_text(lines(1) + '{"id": "2", "te')
    reading = drain(ArchiveConnector(), account())
    assert [post.id for post in reading.posts] == ["1"]
    assert reading.oddities == []
    path.write_text(lines(1) + '{"id": "2", "text": "two"}')
    reading = drain(ArchiveConnector(), account(), reading.cursor)
    assert [post.id for post in reading.posts] == ["2"]
    path.write_text(lines(1) + '{"id": "2", "text": "two"}\n' + lines(3))
    assert [post.id for post in drain(ArchiveConnector(), account(), reading.cursor).posts] == ["3"]


def test_an_unfinished_row_waits_until_nobody_writes_any_more(folder: Path, account, drain) -> None:
    path = folder / "a.csv"
    path.write_text("id,text\n1,one\n2,tw")
    reading = drain(ArchiveConnector(), account())
    assert [post.id for post in reading.posts] == ["1"]
    long_ago(path)
    reading = drain(ArchiveConnector(), account(), reading.cursor)
    assert [post.text for post in reading.posts] == ["tw"]
    assert drain(ArchiveConnector(), account(), reading.cursor).posts == []
    path.write_text("id,text\n1,one\n2,two\n")
    assert [post.text for post in drain(ArchiveConnector(), account(), reading.cursor).posts] == ["two"]


def test_a_line_that_stays_unfinished_is_set_aside_once(folder: Path, account, drain) -> None:
    path = folder / "a.jsonl"
    path.write_text('{"id": "2", "te')
    long_ago(path)
    reading = drain(ArchiveConnector(), account())
    assert "line 1: the file ends within a line" in reading.oddities[0].why
    assert drain(ArchiveConnector(), account(), reading.cursor).oddities == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"nonsense", "no JSON"),
        (b"[1, 2]", "one JSON object"),
        (b'{"text": "x"}', "id is missing"),
        (b'{"id": "1"}', "text is missing"),
        (b'{"id": "1", "text": 5}', "text is missing"),
        (b'{"id": "1", "text": "x", "kind": "tweet"}', "kind must be one of"),
        (b'{"id": "1", "text": "x", "created_at": "yesterday"}', "created_at must be a time"),
        (b'{"id": "1", "text": "x", "author": 5}', "author must be"),
        (b'{"id": "1", "text": "x", "author": {"id": "1", "official": "maybe"}}', "official must be"),
        (b'{"id": {"a": 1}, "text": "x"}', "id must be a text"),
        (b'{"id": "1", "text": "x", "media": [{"kind": "gif"}]}', "medium's kind"),
        (b'{"id": "1", "text": "x", "links": 7}', "links must be a list"),
        (b'{"id": "1", "text": "\xff"}', "not UTF-8"),
        (b"[" * 100_000, "no JSON"),
        (b'{"id": "1", "text": "' + b"x" * 1_100_000 + b'"}', "longer than 1 MB"),
    ],
)
def test_a_bad_line_is_set_aside_with_its_number_and_the_rest_goes_on(
    folder: Path, account, drain, line: bytes, why: str
) -> None:
    (folder / "a.jsonl").write_bytes(lines(1).encode() + line + b"\n" + lines(3).encode())
    reading = drain(ArchiveConnector(), account())
    assert [post.id for post in reading.posts] == ["1", "3"]
    assert [one.why.startswith("a.jsonl, line 2: ") and why in one.why for one in reading.oddities] == [True]
    assert reading.oddities[0].raw[:100] == (line + b"\n")[:100]
    assert len(reading.oddities[0].raw) <= 65536


def test_a_line_without_end_is_passed_over_in_bounded_steps(folder: Path, account, drain) -> None:
    (folder / "a.jsonl").write_bytes(b"x" * 9_000_000 + b"\n" + lines(2).encode())
    reading = drain(ArchiveConnector(), account())
    assert [post.id for post in reading.posts] == ["2"]
    assert len(reading.oddities) == 1


def test_bad_rows_are_set_aside(folder: Path, account, drain) -> None:
    (folder / "a.csv").write_bytes(b"id,text\n1,a,b,c\n2,\xff\n,no id\n4,four\n")
    reading = drain(ArchiveConnector(), account())
    assert [post.id for post in reading.posts] == ["4"]
    assert ["4 cells for 2 columns" in reading.oddities[0].why, "UTF-8" in reading.oddities[1].why] == [True, True]
    assert reading.oddities[2].why == "a.csv, line 4: id is missing"


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("a.csv", b"number,words\n1,one\n", "must name the columns"),
        ("a.csv", "id,text\n1,one\n".encode("utf-16"), "save the file as UTF-8"),
        ("a.json", b'[{"id": "1"', "not closed"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_once(
    folder: Path, account, drain, name: str, body: bytes, why: str
) -> None:
    path = folder / name
    path.write_bytes(body)
    long_ago(path)
    (folder / "z.jsonl").write_text(lines(9))
    reading = drain(ArchiveConnector(), account())
    assert [post.id for post in reading.posts] == ["9"]
    assert [why in one.why for one in reading.oddities] == [True]
    assert drain(ArchiveConnector(), account(), reading.cursor).oddities == []
    path.write_bytes(b'[{"id": "1", "text": "a"}]' if name == "a.json" else b"id,text\n1,one\n")
    assert [post.id for post in drain(ArchiveConnector(), account(), reading.cursor).posts] == ["1"]


def test_links_that_lead_out_of_the_folder_are_refused_once(folder: Path, account, drain, tmp_path: Path) -> None:
    (tmp_path / "secret.jsonl").write_text(lines(1))
    (folder / "a.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (folder / "b.jsonl").write_text(lines(2))
    (folder / "c.jsonl").symlink_to(folder / "b.jsonl")
    (folder / "d.jsonl").symlink_to(folder / "nowhere.jsonl")
    os.mkfifo(folder / "e.jsonl")
    (folder / "elsewhere").symlink_to(tmp_path)
    reading = drain(ArchiveConnector(), account())
    assert {post.id for post in reading.posts} == {"2"}
    assert ["leads out" in one.why or "plain file" in one.why or "No such" in one.why for one in reading.oddities] == [
        True
    ] * 3
    assert drain(ArchiveConnector(), account(), reading.cursor).oddities == []


def test_other_files_are_left_alone(folder: Path, account, drain) -> None:
    for name in (".hidden.jsonl", "notes.txt", "a.jsonl.part", "a.exe"):
        (folder / name).write_text(lines(1))
    reading = drain(ArchiveConnector(), account())
    assert (reading.posts, reading.oddities) == ([], [])


def test_one_file_can_be_the_target(folder: Path, account, drain) -> None:
    path = folder / "a.ndjson"
    path.write_text(lines(1))
    (folder / "b.ndjson").write_text(lines(2))
    assert [post.id for post in drain(ArchiveConnector(), account(target=str(path))).posts] == ["1"]


def test_a_missing_folder_is_named(account) -> None:
    with pytest.raises(AccountNotFoundError, match="no folder or file '/nowhere/at/all'"):
        ArchiveConnector().fetch(account(target="/nowhere/at/all"), None)


def test_an_empty_folder_has_nothing(account, drain) -> None:
    assert drain(ArchiveConnector(), account()).posts == []


def test_the_schools_own_posts_are_official(folder: Path, account, drain) -> None:
    (folder / "a.jsonl").write_text(
        '{"id": "1", "text": "x", "author": "school"}\n{"id": "2", "text": "x", "author": "ann", "kind": "comment"}\n'
    )
    posts = drain(ArchiveConnector(), account(official=True)).posts
    assert [post.author.official for post in posts] == [True, False]


def test_a_cursor_of_another_version_begins_anew(folder: Path, account, drain) -> None:
    (folder / "a.jsonl").write_text(lines(1))
    for state in ("{}", "nonsense", '{"files": [1]}', '{"files": {"a": {"surprise": 1}}}'):
        assert len(drain(ArchiveConnector(), account(), Cursor(state=state)).posts) == 1


def test_golden_pair(folder: Path, account, drain, golden: Path) -> None:
    (folder / "export.csv").write_bytes((golden / "archive" / "export.sent.csv").read_bytes())
    posts = drain(ArchiveConnector(), account(official=True)).posts
    assert [post.as_dict() for post in posts] == json.loads((golden / "archive" / "export.becomes.json").read_text())
