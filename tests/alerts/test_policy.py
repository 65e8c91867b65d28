"""Packs as files: how they are read, what is refused, and how a school's own file stands on a shipped one."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerts.errors import PolicyError, UnknownNameError
from alerts.flag import CONCERNS
from alerts.packs import PACKS, load_pack
from alerts.packs.comparing import compare, shadowed
from alerts.packs.explaining import explain
from alerts.policy import PolicyPack, tag
from alerts.school import barred

HEAD = 'name = "hollin"\nversion = "1.0"\n'


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "hollin.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path: Path, text: str) -> str:
    with pytest.raises(PolicyError) as caught:
        load_pack(write(tmp_path, text))
    assert caught.value.pack == "hollin"
    return "\n".join(caught.value.problems)


@pytest.mark.parametrize("name", PACKS)
def test_a_shipped_pack_is_sound(name: str) -> None:
    pack = load_pack(name)

    assert pack.name == name
    assert pack.approved
    assert isinstance(pack, PolicyPack)
    assert all(row.quotation for row in pack.rows if row.clause is not None)


def test_a_path_may_be_given_as_text(tmp_path: Path) -> None:
    path = write(tmp_path, f'extends = "wessex"\n{HEAD}')

    assert load_pack(str(path)) == load_pack(path)


class TestASchoolsOwnFile:
    def test_it_stands_on_a_shipped_pack(self, tmp_path: Path) -> None:
        pack = load_pack(write(tmp_path, f'extends = "wessex"\n{HEAD}'))

        assert pack.name == "hollin"
        assert pack.document == "WMAT"
        assert pack.route("criticism") == load_pack("wessex").route("criticism")

    def test_a_row_of_its_own_comes_first(self, tmp_path: Path) -> None:
        own = '[[routes]]\nid = "press"\nconcerns = ["press"]\nrecipients = ["ceo", "office"]\nclause = "3.1"\n'
        pack = load_pack(write(tmp_path, f'extends = "wessex"\n{HEAD}{own}'))

        assert pack.route("press").recipients == ("ceo", "office")
        assert pack.route("press").clause == "3.1"

    def test_a_row_with_a_known_id_replaces_it(self, tmp_path: Path) -> None:
        own = (
            '[[routes]]\nid = "adverse_criticism"\nconcerns = ["criticism", "complaint"]\n'
            'recipients = ["deputy_headteacher"]\nclause = "8.1.9 ¶2"\n'
        )
        pack = load_pack(write(tmp_path, f'extends = "wessex"\n{HEAD}{own}'))

        assert pack.route("criticism").recipients == ("deputy_headteacher",)
        assert [row.id for row in pack.rows].count("adverse_criticism") == 1

    def test_our_minutes_can_be_changed(self, tmp_path: Path) -> None:
        pack = load_pack(write(tmp_path, f'extends = "one_education"\n{HEAD}[speeds]\nimmediately = 15\n'))

        assert pack.route("criticism").within_minutes == 15

    def test_the_fallback_can_be_changed(self, tmp_path: Path) -> None:
        own = '[[conflicts]]\nabout = ["headteacher"]\nrecipients = ["ceo"]\nalways = true\ntext = "As agreed."\n'
        pack = load_pack(write(tmp_path, f'extends = "arden"\n{HEAD}{own}'))

        assert pack.route("misconduct_allegation", about="headteacher").recipients == ("ceo",)

    def test_a_decimal_version_is_a_draft(self, tmp_path: Path) -> None:
        assert not load_pack(write(tmp_path, 'extends = "wessex"\nname = "hollin"\nversion = "1.1"\n')).approved

    def test_it_may_stand_on_the_house_alone(self, tmp_path: Path) -> None:
        text = f'{HEAD}title = "Hollin"\ndocument = "Hollin"\n'
        pack = load_pack(write(tmp_path, text))

        assert pack.route("self_harm").recipients == ("dsl", "headteacher")
        assert pack.route("self_harm").fallback


class TestFaults:
    def test_all_are_named_at_once_with_rule_and_key(self, tmp_path: Path) -> None:
        said = problems(
            tmp_path,
            f'extends = "wessex"\n{HEAD}colour = "red"\n'
            '[[routes]]\nid = "one"\nconcerns = ["gossip"]\nrecipients = ["janitor", "police"]\n'
            '[[routes]]\nid = "two"\nconcerns = ["press"]\nrecipients = ["ceo"]\nclause = "1"\nwithin = "soon"\nx = 1\n'
            '[[rules]]\nid = "three"\nlabels = ["rudeness"]\nconcern = "press"\nofficial = "no"\n',
        )

        assert "hollin: key 'colour' is unknown" in said
        assert "routes 'one': concerns: concern 'gossip' is unknown" in said
        assert "routes 'one': recipients: role 'janitor' is unknown" in said
        assert "routes 'one': recipients: 'police' never gets an automatic notice" in said
        assert "routes 'one': clause is missing" in said
        assert "routes 'two': within: 'soon' has no minutes; known are immediately" in said
        assert "routes 'two': key 'x' is unknown" in said
        assert "rules 'three': labels: label 'rudeness' is unknown" in said
        assert "rules 'three': official must be true or false" in said

    @pytest.mark.parametrize("role", ["police", "local_authority", "pupil", "press"])
    def test_some_are_never_told_automatically(self, tmp_path: Path, role: str) -> None:
        said = problems(
            tmp_path,
            f'extends = "wessex"\n{HEAD}[[routes]]\nid = "a"\nconcerns = ["press"]\nrecipients = ["ceo"]\n'
            f'alternates = ["{role}"]\nclause = "1"\n',
        )

        assert f"alternates: '{role}' never gets an automatic notice" in said

    def test_a_rule_id_is_used_once(self, tmp_path: Path) -> None:
        rule = '[[rules]]\nid = "a"\nlabels = ["press"]\nconcern = "press"\n'

        assert "rules 'a': id is used twice" in problems(tmp_path, f'extends = "wessex"\n{HEAD}{rule}{rule}')

    def test_a_concern_may_not_lose_its_route(self, tmp_path: Path) -> None:
        own = (
            '[[routes]]\nid = "house_praise"\nconcerns = ["praise"]\nrecipients = []\nfallback = true\ndigest = true\n'
            'when = { author = ["parent"] }\n'
        )

        assert "concern 'praise' has no route that holds for everybody" in problems(
            tmp_path, f'extends = "wessex"\n{HEAD}{own}'
        )

    def test_a_clause_and_a_fallback_exclude_each_other(self, tmp_path: Path) -> None:
        own = '[[routes]]\nid = "a"\nconcerns = ["press"]\nrecipients = ["ceo"]\nclause = "1"\nfallback = true\n'

        assert "there can be no clause" in problems(tmp_path, f'extends = "wessex"\n{HEAD}{own}')

    def test_the_accused_may_not_be_their_own_judge(self, tmp_path: Path) -> None:
        own = '[[conflicts]]\nabout = ["ceo"]\nrecipients = ["ceo"]\ntext = "…"\n'

        assert "'ceo' is the accused" in problems(tmp_path, f'extends = "wessex"\n{HEAD}{own}')

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("routes = 3\n", "routes: must be written as [[routes]]"),
            ("speeds = 3\n", "speeds: must be written as [speeds]"),
            ("[speeds]\nimmediately = 0\n", "'immediately' must be a whole number of minutes"),
            ("version = 2\n", "version must be a text"),
            ('unsure = "maybe"\n', "unsure must be one of conflict, ordinary"),
            ('head = "ceo"\n', "head must be one of headteacher"),
            ("[[routes]]\nid = 3\n", "id must be a text"),
            ('[[rules]]\nid = "r"\nconcern = "press"\n', "labels or answers must say what the rule looks at"),
            ('[[rules]]\nid = "r"\nconcern = "press"\nlabels = ["press"]\nraise_at = 2\n', "raise_at must be a number"),
            ('[[rules]]\nid = "r"\nconcern = "press"\nanswers = { mood = "bad" }\n', "key 'mood' is unknown"),
        ],
    )
    def test_each_says_what_to_write(self, tmp_path: Path, text: str, said: str) -> None:
        head = 'name = "hollin"\n' + ("" if text.startswith("version") else 'version = "1.0"\n')

        assert said in problems(tmp_path, f'extends = "wessex"\n{head}{text}')

    def test_a_file_that_is_not_toml_is_refused(self, tmp_path: Path) -> None:
        assert "is not TOML" in problems(tmp_path, "name = ")

    def test_a_file_that_is_not_there_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(PolicyError, match="cannot be read"):
            load_pack(tmp_path / "none.toml")

    def test_a_parent_that_nobody_knows_is_refused(self, tmp_path: Path) -> None:
        assert "'westeros' is no shipped pack" in problems(tmp_path, f'extends = "westeros"\n{HEAD}')

    def test_a_name_is_not_taken_for_a_path(self) -> None:
        with pytest.raises(UnknownNameError):
            load_pack("hollin")


class TestWhatAPackSaysBesideItsRoutes:
    def test_nobody_replies_without_the_written_approval_of_those_whom_the_clause_names(self) -> None:
        assert load_pack("wessex").route("criticism").approver == ("headteacher",)
        assert load_pack("wolsey_house").route("press").approver == ("headteacher",)
        assert load_pack("one_education").route("press").approver == ()

    @pytest.mark.parametrize("name", PACKS)
    @pytest.mark.parametrize("about", ["headteacher", "ceo", "chair_of_governors", "dsl", "headteacher,ceo"])
    def test_nobody_approves_a_reply_about_themselves(self, name: str, about: str) -> None:
        pack = load_pack(name)
        for concern in CONCERNS:
            ordinary, route = pack.route(concern), pack.route(concern, about=about)
            assert not set(route.approver) & barred(pack.accused(about))
            assert bool(route.approver) >= bool(ordinary.approver), concern

    def test_a_promise_in_working_days_says_so(self) -> None:
        assert load_pack("wolsey_house").route("criticism").due == "same working day"
        assert load_pack("arden").route("staff_conduct").due == "next working day"
        assert load_pack("wessex").route("self_harm").due is None
        assert load_pack("one_education").route("criticism").due is None

    def test_an_edited_pack_of_the_same_version_has_another_tag(self, tmp_path: Path) -> None:
        one = load_pack(write(tmp_path, f'extends = "wessex"\n{HEAD}'))
        same = load_pack(write(tmp_path, f'# a comment\nextends = "wessex"\n{HEAD}'))
        other = load_pack(write(tmp_path, f'extends = "wessex"\n{HEAD}[speeds]\nimmediately = 15\n'))

        assert tag(one) == tag(same)
        assert tag(one) != tag(other)
        assert tag(one).startswith("hollin@1.0+")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('review_on = "soon"\n', "review_on must be a day without quotes"),
            ('review_told = ["police"]\n', "review_told: 'police' never gets an automatic notice"),
            ('[[gaps]]\nid = "g"\ntext = "Not stated."\n', "gaps 'g': concerns or about must say"),
            ('[[gaps]]\nid = "g"\ntext = "x"\nconcerns = ["gossip"]\n', "concern 'gossip' is unknown"),
            ('[[routes]]\nid = "a"\nconcerns = ["press"]\nrecipients = ["ceo"]\nclause = "1"\nrecord = ["mood"]\n',
             "routes 'a': record: record 'mood' is unknown"),
            ('[speeds]\npromptly = "soon"\n', '"same working day" or "next working day"'),
        ],
    )  # fmt: skip
    def test_each_fault_says_what_to_write(self, tmp_path: Path, text: str, said: str) -> None:
        assert said in problems(tmp_path, f'extends = "wessex"\n{HEAD}{text}')


def test_two_packs_are_compared_on_every_concern() -> None:
    found = compare(load_pack("wessex"), load_pack("one_education"))

    assert {d.concern for d in found if not d.case} == set(CONCERNS)
    criticism = next(d for d in found if d.concern == "criticism" and not d.case)
    assert {"clause", "within"} <= set(criticism.keys)
    assert all(not d.keys for d in compare(load_pack("wessex"), load_pack("wessex")))


def test_a_row_that_can_never_be_reached_is_found(tmp_path: Path) -> None:
    own = '[[routes]]\nid = "a"\nconcerns = ["press", "sar"]\nrecipients = ["ceo"]\nclause = "1"\n'
    late = '[[routes]]\nid = "b"\nconcerns = ["press"]\nrecipients = ["office"]\nclause = "2"\n'

    assert [row.id for row in shadowed(load_pack(write(tmp_path, f'extends = "arden"\n{HEAD}{own}{late}')))] == ["b"]
    assert shadowed(load_pack("wessex")) == ()


def test_a_decision_is_explained_step_by_step() -> None:
    steps = {s.what: s.said for s in explain(load_pack("arden"), "criticism", about="headteacher", author="staff")}

    assert "only for" in explain(load_pack("arden"), "criticism")[0].said
    assert steps["told"] == "chair_of_governors"
    assert "Associate Headteacher is not stated" in steps["not stated"]
    assert "associate" in steps["never told"]
