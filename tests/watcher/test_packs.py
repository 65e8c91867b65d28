"""A school's own policy file while the service runs: edited, broken, mended, and due for review."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from alerts.errors import PolicyError
from alerts.policy import tag
from connectors.connector import Cursor, Page
from tests.watcher.test_service import OWN as OWN_POST
from tests.watcher.test_service import FakeChannel, FakeClassifier, FakeConnector, under_own
from tests.watcher.test_service import settings as in_service
from watcher import health
from watcher.blindness import Faults
from watcher.config import Settings, load
from watcher.enrolment import apply
from watcher.packs import Guard, Packs, kept_packs
from watcher.polling import Poller
from watcher.reviewing import OVERDUE, Reviews, due
from watcher.service import Service
from watcher.store import Store
from watcher.telling import Teller

NOW = datetime(2026, 11, 18, 9, 0, tzinfo=UTC)
OWN = 'extends = "wessex"\nname = "hollin"\nversion = "1.0"\n'
OTHER = '[[routes]]\nid = "press"\nconcerns = ["press"]\nrecipients = ["ceo"]\nclause = "3.1"\n'
BAD = '[[routes]]\nid = "press"\nconcerns = ["press"]\nrecipients = ["janitor"]\nclause = "3.1"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hollin.toml"
    path.write_text(OWN, encoding="utf-8")
    return path


def settings(tmp_path: Path, pack: Path) -> Settings:
    written = tmp_path / "watcher.toml"
    written.write_text(
        '[mail]\nfrom = "watcher@it.example"\n[alerts]\nlast_resort = "last@it.example"\n'
        f'[[schools]]\nid = "hollin"\nname = "Hollin Primary"\npack = "{pack}"\n'
        '[[people]]\nid = "desk"\nname = "Pat Desk"\nemail = "desk@it.example"\n'
        '[[people]]\nid = "head"\nname = "Jo Head"\nemail = "head@hollin.example"\n'
        '[[holdings]]\nperson = "desk"\nrole = "it_provider"\nschool = "hollin"\n'
        '[[holdings]]\nperson = "head"\nrole = "headteacher"\nschool = "hollin"\n',
        encoding="utf-8",
    )
    return load(written)


class TestInForce:
    def test_a_bad_file_leaves_the_last_accepted_version_in_force(self, store: Store, file: Path) -> None:
        before = Packs(store, lambda: NOW)(str(file))
        file.write_text(OWN + BAD, encoding="utf-8")
        packs = Packs(store, lambda: NOW)

        assert packs(str(file)) == before
        (refusal,) = packs.refusals()
        assert "routes 'press': recipients: role 'janitor' is unknown" in "\n".join(refusal.problems)
        assert refusal.version == "1.0"
        found = health.look(store, NOW)
        assert not found.is_well
        assert any(line.startswith("POLICY REFUSED") and "janitor" in line for line in found.lines())

    def test_a_bad_file_is_refused_where_none_was_accepted(self, store: Store, file: Path) -> None:
        file.write_text(BAD, encoding="utf-8")

        with pytest.raises(PolicyError):
            Packs(store, lambda: NOW)(str(file))

    def test_a_file_that_is_gone_is_no_reason_to_stop(self, store: Store, file: Path) -> None:
        before = Packs(store, lambda: NOW)(str(file))
        file.unlink()

        assert Packs(store, lambda: NOW)(str(file)) == before

    def test_an_edit_is_taken_up_while_the_service_runs(self, store: Store, file: Path) -> None:
        packs = Packs(store, lambda: NOW)
        before = tag(packs(str(file)))
        file.write_text(OWN + OTHER, encoding="utf-8")

        assert packs.refresh([str(file)], NOW)
        assert tag(packs(str(file))) != before
        assert not packs.refresh([str(file)], NOW)
        assert packs(str(file)).route("press").recipients == ("ceo",)

    def test_a_command_that_only_looks_writes_nothing(self, store: Store, file: Path) -> None:
        Packs(store, lambda: NOW, keep=False)(str(file))

        assert store.packs.get(str(file)) is None

    def test_settings_know_which_packs_have_an_accepted_version(self, tmp_path: Path, file: Path) -> None:
        written = tmp_path / "watcher.toml"
        written.write_text(
            f'[database]\nurl = "sqlite:///{tmp_path}/w.db"\n'
            f'[[schools]]\nid = "hollin"\nname = "Hollin Primary"\npack = "{file}"\n',
            encoding="utf-8",
        )
        made = load(written)
        assert kept_packs(made) == frozenset()
        own = Store(f"sqlite:///{tmp_path}/w.db")
        own.migrate()
        Packs(own, lambda: NOW)(str(file))
        own.close()

        assert kept_packs(made) == {str(file)}


class TestTheProviderHears:
    def test_a_refused_pack_is_one_matter_until_it_is_mended(self, store: Store, file: Path, tmp_path: Path) -> None:
        apply(settings(tmp_path, file), store, "watcher.toml", NOW)
        packs = Packs(store, lambda: NOW)
        guard = Guard(store, packs, Faults(store, packs))
        assert guard.watch(NOW) == 0
        file.write_text(OWN + BAD, encoding="utf-8")

        assert guard.watch(NOW) == 1
        assert guard.watch(NOW + timedelta(minutes=1)) == 0
        (incident,) = store.views.incidents(limit=10)
        assert (incident.concerns, incident.school) == (("blind_spot",), "hollin")

        file.write_text(OWN + OTHER, encoding="utf-8")
        guard.watch(NOW + timedelta(minutes=2))
        assert store.packs.refused() == ()
        assert store.incidents.faults() == frozenset()


class TestReview:
    @pytest.mark.parametrize(
        ("today", "step"),
        [("2026-06-01", None), ("2026-07-02", 60), ("2026-08-17", 14), ("2026-08-31", 14), ("2026-09-01", OVERDUE)],
    )
    def test_it_is_due_in_steps(self, today: str, step: int | None) -> None:
        assert due(date(2026, 8, 31), date.fromisoformat(today)) == step

    def test_each_step_is_said_once_and_overdue_not_daily(self, store: Store, file: Path, tmp_path: Path) -> None:
        file.write_text(OWN + 'review_on = 2026-12-01\nreview_told = ["headteacher"]\n', encoding="utf-8")
        made = settings(tmp_path, file)
        apply(made, store, "watcher.toml", NOW)
        reviews = Reviews(made, store, Packs(store, lambda: NOW))
        told = [day for day in range(200) if reviews.remind(NOW - timedelta(days=100) + timedelta(days=day))]

        # 60 days ahead, 14 days ahead, and the day after.
        assert told == [53, 99, 114]
        mails = [n for n in store.notices.take(NOW + timedelta(days=365), 10) if n.reason == "review_due"]
        assert {n.address for n in mails} == {"head@hollin.example"}
        assert len({n.id for n in mails}) == 3
        subjects = [message_from_bytes(n.message, policy=policy.default)["Subject"] for n in mails]
        assert sum("is overdue for review" in s for s in subjects) == 1
        assert sum("is due for review on 1 December 2026" in s for s in subjects) == 2


def test_what_an_edited_pack_judges_otherwise_is_judged_anew(store: Store, file: Path, tmp_path: Path) -> None:
    in_service(tmp_path)
    written = (tmp_path / "watcher.toml").read_text(encoding="utf-8").replace('"wessex"', f'"{file}"')
    (tmp_path / "watcher.toml").write_text(written, encoding="utf-8")
    chosen = load(tmp_path / "watcher.toml")
    apply(chosen, store, "watcher.toml", NOW)
    packs = Packs(store, lambda: NOW)
    connector = FakeConnector([Page(posts=(OWN_POST, under_own(2, "{press=0.9}")), cursor=Cursor(state="x"))])
    service = Service(
        store=store,
        poller=Poller(store, lambda _: connector, lambda _: None),
        classifiers=[FakeClassifier()],
        pack_of=packs,
        teller=Teller(store, chosen, packs),
        channel=FakeChannel(),
    )
    guard = Guard(store, packs, service.faults)
    service.poll(store.accounts.get("hillcrest"), NOW)
    service.advance(NOW)
    (before,) = store.views.incidents(limit=10)
    assert before.concerns == ("press",)

    other = '[[rules]]\nid = "press"\nlabels = ["press"]\nconcern = "policy_question"\n'
    file.write_text(OWN + other, encoding="utf-8")
    assert guard.watch(NOW) == 1
    service.advance(NOW)

    concerns = {concern for incident in store.views.incidents(limit=10) for concern in incident.concerns}
    assert "policy_question" in concerns
