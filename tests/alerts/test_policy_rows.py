"""Every row of the five documents' routing tables, proven from the packs."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from alerts.flag import CONCERNS
from alerts.packs import PACKS, load_pack
from alerts.packs.explaining import condition
from alerts.policy import Pack

TABLE = Path(__file__).parent.parent / "policy_rows.csv"
# The documents' tables as they were read, and digests of every four words in a row of the documents' own texts.
READ = TABLE.parent / "policy_tables.md"
WORDS = json.loads((TABLE.parent / "policy_words.json").read_text(encoding="ascii"))
ROWS = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("row", ROWS, ids=[f"{r['document']}: {r['row']}" for r in ROWS])
def test_the_pack_routes_as_the_document_says(row: dict[str, str]) -> None:
    given = {key: row[key] or None for key in ("about", "target", "author")}
    route = load_pack(row["document"]).route(row["concern"], **given)

    assert route.recipients == tuple(row["recipients"].split())
    assert route.alternates == tuple(row["alternates"].split())
    assert route.clause == (row["clause"] or None)
    assert route.within == (row["within"] or None)
    assert route.fallback == (row["clause"] == "")
    assert any(row["instruction"] in said for said in ("", *route.instructions))
    assert (route.quotation or "") == row["quotation"]
    assert " ".join(route.record) == row["record"]
    assert " ".join(route.approver) == row["approver"]
    assert (route.gap or "") == row["gap"]
    assert ("" if route.exception is None else route.exception.text) == row["exception"]


@pytest.mark.parametrize("row", ROWS, ids=[f"{r['document']}: {r['row']}" for r in ROWS])
def test_the_row_holds_under_the_documents_condition(row: dict[str, str]) -> None:
    pack = load_pack(row["document"])
    given = {key: row[key] or None for key in ("about", "target", "author")}

    assert condition(pack.row(row["concern"], **given).when, pack.house.groups) == row["condition"]


def read_rows() -> Iterator[tuple[str, str]]:
    """Every row of the tables as they were read: the document and the row's first cell."""
    document = ""
    for line in READ.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            document = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith("| concern |"):
            yield document, line.split(" | ")[0].removeprefix("| ")


def test_no_row_that_was_read_is_missing() -> None:
    proven = {(row["document"], row["source"]) for row in ROWS}
    read = list(read_rows())

    assert len(read) == 61
    assert set(read) == proven


def test_what_no_policy_states_is_a_gap_that_names_the_fallback_as_ours() -> None:
    gaps = [row for row in ROWS if row["clause"] == ""]

    assert {(r["document"], r["about"]) for r in gaps} == {
        *(("arden", role) for role in ("associate_headteacher", "ceo")),
        ("wolsey_house", "headteacher"),
        *(("leading_edge", role) for role in ("headteacher", "dsl")),
    }
    for row in gaps:
        route = load_pack(row["document"]).route(row["concern"], about=row["about"])
        assert route.fallback
        assert "not stated" in str(route.gap)


@pytest.mark.parametrize("name", PACKS)
def test_every_concern_that_the_house_answers_is_a_gap_of_the_pack(name: str) -> None:
    pack = load_pack(name)
    for concern in CONCERNS:
        route = pack.route(concern)
        stated = [gap for gap in pack.gaps if concern in gap.concerns]
        assert route.clause is not None or stated, concern


@pytest.mark.parametrize("name", PACKS)
def test_every_row_that_rests_on_a_clause_says_what_is_recorded(name: str) -> None:
    assert [row.id for row in load_pack(name).rows if row.clause is not None and not row.record] == []


def quotations(pack: Pack) -> Iterator[str]:
    conflicts = [*pack.conflicts, *(exception for row in pack.rows for exception in row.exceptions)]
    yield from (row.quotation for row in pack.rows if row.quotation is not None)
    yield from (conflict.quotation for conflict in conflicts if conflict.quotation is not None)


@pytest.mark.parametrize("name", PACKS)
def test_every_quotation_is_short_and_stands_in_the_document(name: str) -> None:
    known = base64.b64decode(WORDS[name])
    digests = {known[at : at + 4] for at in range(0, len(known), 4)}
    for quotation in quotations(load_pack(name)):
        assert len(quotation.split()) <= 45, quotation
        for part in quotation.split("…"):
            words = re.findall(r"[a-z0-9]+", part.lower().replace("’", "").replace("'", ""))
            assert len(words) >= 4, part
            for at in range(len(words) - 3):
                four = " ".join(words[at : at + 4])
                assert hashlib.sha256(four.encode()).digest()[:4] in digests, four


@pytest.mark.parametrize(("name", "about", "clause"), [("wessex", "headteacher", "9.2"),
                                                       ("one_education", "headteacher", "6.24")])  # fmt: skip
def test_a_conflict_route_quotes_its_own_clause(name: str, about: str, clause: str) -> None:
    route = load_pack(name).route("criticism", about=about)

    assert route.clause == clause
    assert "Headteacher" in str(route.quotation)
    assert route.quotation != load_pack(name).route("criticism").quotation


@pytest.mark.parametrize("name", PACKS)
def test_every_row_of_a_pack_that_rests_on_a_clause_is_in_the_table(name: str) -> None:
    proven = {row["clause"] for row in ROWS if row["document"] == name}
    # Duties that name a person, though the routing tables of the documents do not list them as concerns.
    duties = {"8.1.1, 8.1.2", "5.1, 5.2", "7.2", "9.1"}
    written = {row.clause for row in load_pack(name).rows if row.clause is not None}

    assert written - proven <= duties


@pytest.mark.parametrize("name", PACKS)
def test_the_users_page_shows_every_row_of_the_pack(name: str) -> None:
    page = (TABLE.parent.parent / "docs" / "policies.md").read_text(encoding="utf-8")
    section = page.partition(f"\n## {name}\n")[2].partition("\n## ")[0].splitlines()

    for row in load_pack(name).rows:
        if row.clause is not None:
            shown = f"| {', '.join(row.recipients)} | {', '.join(row.alternates) or '–'} | {row.clause} |"
            assert any(line.startswith(f"| {', '.join(row.concerns)} |") and shown in line for line in section), row.id
