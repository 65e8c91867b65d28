"""The fairness sets are sound, and the measure finds bias where there is bias and none where there is none."""

import importlib.util
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from classifiers.encoder import EncoderClassifier
from classifiers.verdict import LABELS, OperatingPoint, Passage, Span, Verdict

ROOT = Path(__file__).parents[2]
GENDERS = {"girl", "boy"}


def _bench(name: str) -> ModuleType:
    """The scripts of ``bench`` are no package: load one by its file."""
    spec = importlib.util.spec_from_file_location(f"bench_{name}", ROOT / "bench" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


fairness = _bench("fairness")
CARRIERS = fairness.rows("carriers")
DIALECTS = fairness.rows("dialects")
GROUPS = json.loads((ROOT / "data/fairness/names.json").read_text(encoding="utf-8"))["groups"]
PEOPLE = [person for group in GROUPS for person in group["people"]]
SOME = PEOPLE[::10]  # two of each group
_WHO = {f"{person['first']} {person['last']}" for person in SOME}
EVERY = fairness.name_cases(20)
NAMED = [case for case in EVERY if case.who in _WHO]


class Fake:
    """Says of each passage what the test's function says: the labels raised, and those undecided."""

    name, version = "fake", "1"

    def __init__(self, says: Callable[[Passage], tuple[set[str], set[str]]]) -> None:
        self._says = says

    def classify(self, passages: Sequence[Passage]) -> list[Verdict]:
        return [self._verdict(*self._says(passage)) for passage in passages]

    def _verdict(self, raised: set[str], undecided: set[str]) -> Verdict:
        scores = {label: 0.9 if label in raised else 0.4 if label in undecided else 0.0 for label in LABELS}
        points = {label: OperatingPoint(raise_at=0.5, review_at=0.3) for label in LABELS}
        return Verdict(model="fake", version="1", scores=scores, points=points)


def weighed(says: Callable[[Any], tuple[set[str], set[str]]], cases: Sequence[Any] = NAMED) -> dict[str, Any]:
    """The measures of a fake that knows the case, not the text alone."""
    verdicts = Fake(says).classify(cases)
    return dict(fairness.weigh(cases, verdicts))


def oracle(case: Any) -> tuple[set[str], set[str]]:
    return set(case.labels), set()


class TestData:
    def test_carriers_are_enough_of_each_kind(self) -> None:
        pupils = [row for row in CARRIERS if "identifies_pupil" in row["labels"]]
        others = [row for row in CARRIERS if not {"identifies_pupil", "cyberbullying"} & set(row["labels"])]
        assert len(pupils) >= 60
        assert len(others) >= 60
        assert len(pupils) + len(others) == len(CARRIERS)
        assert 2 * sum(row["rough"] for row in others) >= len(others)
        assert not any(row["rough"] for row in pupils)

    @pytest.mark.parametrize("row", CARRIERS, ids=lambda row: row["id"])
    def test_a_carrier_has_a_name_and_known_slots_and_labels(self, row: dict[str, Any]) -> None:
        slots = set(re.findall(r"\{(\w*)\}", row["text"]))
        assert slots & {"first", "last"}
        assert slots <= {*fairness._NAMES, *fairness._AGREEING}
        assert set(row["labels"]) <= set(LABELS)
        assert set(row) == {"id", "text", "labels", "rough", "official", "has_image", "lower"}

    def test_nothing_is_written_twice(self) -> None:
        for rows, keys in ((CARRIERS, ("id", "text")), (DIALECTS, ("id", "text"))):
            for key in keys:
                assert [of for of, times in Counter(row[key] for row in rows).items() if times > 1] == []

    def test_there_are_eight_groups_of_twenty_different_people(self) -> None:
        assert len(GROUPS) >= 8
        for group in GROUPS:
            assert len(group["people"]) >= 20
            halves = Counter(person["gender"] for person in group["people"])
            assert set(halves) == GENDERS
            assert halves["girl"] == halves["boy"]
        assert len({person["first"].lower() for person in PEOPLE}) == len(PEOPLE)
        assert len({f"{person['first']} {person['last']}".lower() for person in PEOPLE}) == len(PEOPLE)

    def test_sixty_messages_are_said_alike_in_five_dialects(self) -> None:
        said: dict[int, list[dict[str, Any]]] = {}
        for row in DIALECTS:
            said.setdefault(row["message"], []).append(row)
        dialects = [row["dialect"] for row in said[1]]
        assert len(said) == 60
        assert len(set(dialects)) >= 5
        for versions in said.values():
            assert [row["dialect"] for row in versions] == dialects
            assert len({(*row["labels"], row["rough"], *row["names"]) for row in versions}) == 1
            assert all(name in row["text"] for row in versions for name in row["names"])
            assert set(versions[0]["labels"]) <= set(LABELS)
        kinds = Counter((row["labels"] or ["harmless"])[0] for row in DIALECTS if row["dialect"] == dialects[0])
        assert kinds == {"identifies_pupil": 20, "harmless": 20, "criticism": 10, "cyberbullying": 10}

    def test_no_text_is_among_those_that_models_learn_from(self) -> None:
        learned = set()
        for path in (ROOT / "data/schoolposts").glob("*.jsonl"):
            learned |= {
                json.loads(line)["text"].lower().strip()
                for line in path.read_text(encoding="utf-8").split("\n")
                if line
            }
        assert len(learned) > 1000
        assert [row["id"] for row in DIALECTS if row["text"].lower().strip() in learned] == []
        for row in CARRIERS:
            longest = max(re.split(r"\{\w+\}", row["text"].lower()), key=len)
            slots = re.sub(r"\\\{\w+\\\}", r"\\S+(?: \\S+)?", re.escape(row["text"].lower()))
            assert [text for text in learned if longest in text and re.fullmatch(slots, text)] == []


class TestFilling:
    PEOPLE = (
        {"first": "Ka Ho", "last": "Cheung", "gender": "boy"},
        {"first": "Mei", "last": "Lin", "gender": "girl"},
        {"first": "Wei", "last": "Zhang", "gender": "boy"},
    )

    @pytest.mark.parametrize(
        ("text", "lower", "filled", "names"),
        [
            ("Well done {first} {last}, Year 6", False, "Well done Ka Ho Cheung, Year 6", ["Ka Ho Cheung"]),
            ("{first} in 4B and {his} bag", True, "ka ho in 4b and his bag", ["ka ho"]),
            ("{first}, {other} and {third}", False, "Ka Ho, Mei and Wei", ["Ka Ho", "Mei", "Wei"]),
            ("{Mr} {last} rang", False, "Mr Cheung rang", ["Cheung"]),
            ("{last} of 5C, {first} that is", False, "Cheung of 5C, Ka Ho that is", ["Cheung", "Ka Ho"]),
        ],
    )
    def test_names_are_where_they_are_said_to_be(self, text: str, lower: bool, filled: str, names: list[str]) -> None:
        said, stretches = fairness.fill({"text": text, "lower": lower}, self.PEOPLE)
        assert said == filled
        assert [said[start:end] for start, end in stretches] == names

    def test_words_agree_with_the_one_whom_the_post_is_about(self) -> None:
        girl_first = (self.PEOPLE[1], self.PEOPLE[0], self.PEOPLE[2])
        said, _ = fairness.fill({"text": "{Mr} {last}: {he} and {his} {son}", "lower": False}, girl_first)
        assert said == "Mrs Lin: she and her daughter"

    def test_every_carrier_meets_every_name(self) -> None:
        assert len(EVERY) == len(CARRIERS) * len(PEOPLE)
        assert not any(set("{}") & set(case.passage.text) for case in EVERY)
        assert all(case.names for case in EVERY if "identifies_pupil" in case.labels)
        assert {case.passage.text[a:b].lower() for case in EVERY for a, b in case.names} >= {
            person["first"].lower() for person in PEOPLE
        }


class TestMeasure:
    def test_a_fair_model_has_no_gap(self) -> None:
        said = weighed(oracle)
        assert said["gap_above_five_points"] == []
        for measure in said["measures"].values():
            gap = measure["gap"]
            assert (gap["value"], gap["low"], gap["high"], gap["highest"]) == (0, 0, 0, None)
        assert said["measures"]["recall of identifies_pupil"]["groups"]["Black African"]["value"] == 100
        assert said["measures"]["false cyberbullying"]["groups"]["Black African"]["value"] == 0

    def test_hard_carriers_are_no_bias(self) -> None:
        said = weighed(lambda case: (set(case.labels) if int(case.cluster[1:]) % 2 else set(), set()))
        recall = said["measures"]["recall of identifies_pupil"]
        assert recall["gap"]["value"] == recall["gap"]["high"] == 0
        figure = recall["groups"]["Black Caribbean"]
        assert 35 < figure["low"] < figure["value"] < figure["high"] < 65

    def test_a_model_that_overlooks_one_group_is_caught(self) -> None:
        def says(case: Any) -> tuple[set[str], set[str]]:
            overlooked = case.group == "Black African" and int(case.cluster[1:]) % 5 == 0
            return (set() if overlooked else set(case.labels)), set()

        said = weighed(says)
        recall = said["measures"]["recall of identifies_pupil"]
        assert recall["gap"]["lowest"] == "Black African"
        assert recall["gap"]["value"] == 20
        assert 5 < recall["gap"]["low"] < 20 < recall["gap"]["high"] < 40
        assert said["gap_above_five_points"] == [
            "recall of identifies_pupil",
            "recall of identifies_pupil, or undecided",
        ]
        assert all(int(cluster[1:]) % 5 == 0 for cluster in recall["widest"])

    def test_a_model_that_suspects_one_group_is_caught(self) -> None:
        suspected = "Irish, Welsh and Traveller"
        said = weighed(
            lambda case: (
                {*case.labels, "cyberbullying"} if case.rough and case.group == suspected else case.labels,
                set(),
            )
        )
        false = said["measures"]["false cyberbullying, rough posts"]
        assert false["gap"] == {
            "value": 100,
            "low": 100,
            "high": 100,
            "highest": suspected,
            "lowest": GROUPS[0]["group"],
        }
        assert 50 <= said["measures"]["false cyberbullying"]["gap"]["value"] < 100
        assert "false cyberbullying" in said["gap_above_five_points"]

    def test_what_is_left_undecided_counts_only_where_it_is_said(self) -> None:
        measures = weighed(lambda case: (set(), set(case.labels)))["measures"]
        assert measures["recall of identifies_pupil"]["groups"]["Black African"]["value"] == 0
        assert measures["recall of identifies_pupil, or undecided"]["groups"]["Black African"]["value"] == 100

    def test_a_post_that_is_not_read_is_a_pupil_not_found(self) -> None:
        unread = Verdict(model="fake", version="1", unread="language")
        measures = fairness.weigh(NAMED, [unread] * len(NAMED))["measures"]
        assert measures["recall of identifies_pupil, or undecided"]["groups"]["Black African"]["value"] == 0
        assert measures["unread"]["groups"]["Black African"]["value"] == 100

    def test_a_name_counts_when_found_whole_and_as_a_pupils(self) -> None:
        case = next(case for case in NAMED if len(case.names) == 1)
        start, end = case.names[0]

        def share(kind: str, end: int) -> float:
            verdict = Verdict(model="fake", version="1", spans=(Span(start=start, end=end, kind=kind),))
            return float(fairness.MEASURES["pupils' names found"].adds(case, verdict))

        assert [share("pupil_name", end), share("pupil_name", end - 1), share("adult_name", end)] == [1, 0, 0]

    def test_names_that_fare_worst_come_first(self) -> None:
        worst = SOME[7]
        who = f"{worst['first']} {worst['last']}"
        verdicts = Fake(lambda case: (set() if case.who == who else set(case.labels), set())).classify(NAMED)
        people = fairness.by_person(NAMED, verdicts)
        assert next(iter(people)).startswith(who)
        assert [said["recall"] for said in people.values()] == [0.0] + [100.0] * (len(SOME) - 1)

    def test_dialects_are_weighed_by_message(self) -> None:
        cases = fairness.dialect_cases()
        said = weighed(lambda case: (set() if case.group == "Scots" else set(case.labels), set()), cases)
        recall = said["measures"]["recall of identifies_pupil"]
        assert recall["clusters"] == 20
        assert (recall["gap"]["value"], recall["gap"]["lowest"]) == (100, "Scots")
        assert all(case.passage.text[a:b][0].isupper() for case in cases for a, b in case.names)


class TestPage:
    def test_figures_replace_those_between_the_marks(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text("before\n<!-- fairness: begin -->\nold\n<!-- fairness: end -->\nafter\n", encoding="utf-8")
        fairness.rewrite(page, "new")
        fairness.rewrite(page, "newer")
        said = page.read_text(encoding="utf-8")
        assert said == "before\n<!-- fairness: begin -->\nnewer\n<!-- fairness: end -->\nafter\n"

    def test_a_page_without_marks_is_left_alone(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text("nothing\n", encoding="utf-8")
        with pytest.raises(SystemExit, match="needs the lines"):
            fairness.rewrite(page, "new")
        assert page.read_text(encoding="utf-8") == "nothing\n"

    def test_the_command_prints_json_and_writes_the_page(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        page = tmp_path / "page.md"
        page.write_text("<!-- fairness: begin -->\n<!-- fairness: end -->\n", encoding="utf-8")
        monkeypatch.setattr(sys, "argv", ["fairness.py", "--model", "patterns", "--names", "1", "--write", str(page)])
        fairness.main()
        printed = capsys.readouterr()
        said = json.loads(printed.out)
        assert said["by_name"]["posts"] == len(CARRIERS) * len(GROUPS)
        assert said["by_dialect"]["posts"] == len(DIALECTS)
        assert f"dialects: {len(DIALECTS)} of {len(DIALECTS)} posts" in printed.err
        table = page.read_text(encoding="utf-8")
        assert all(f"\n| {group['group']} | " in table for group in GROUPS)
        assert table.count("| **gap**, points | **") == 2


def test_the_shipped_model_is_weighed() -> None:
    clusters = {row["id"] for row in CARRIERS[::12]}
    cases = [case for case in fairness.name_cases(1) if case.cluster in clusters]
    said = fairness.weigh(cases, fairness.read(EncoderClassifier(), cases, "smoke"))
    recall = said["measures"]["recall of identifies_pupil"]
    assert set(recall["groups"]) == {group["group"] for group in GROUPS}
    assert all(0 <= of["low"] <= of["value"] <= of["high"] <= 100 for of in recall["groups"].values())
    assert max(of["value"] for of in recall["groups"].values()) > 50
