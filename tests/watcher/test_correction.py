"""People's corrections: kept only with consent, gone with their post, on both databases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import MetaData, delete, func, select

import watcher.store
from alerts.answer import Answer
from alerts.flag import Flag
from alerts.incident import Incident
from alerts.mention import Mention
from classifiers.verdict import Verdict
from connectors.post import Account, Author, Cursor, Page, Post
from watcher.config import Settings, load
from watcher.correction import HELD_OUT, Correction, concern_of, decided, decided_by, is_held_out, merged
from watcher.enrolment import Change, apply, preview
from watcher.store import Store
from watcher.store import schema as t
from watcher.store.engine import connect
from watcher.store.matters import Judgement

NOW = datetime(2026, 11, 20, 8, 15, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def post(number: int, text: str = "The boiler is broken again", **more: object) -> Post:
    values: dict[str, object] = {
        "platform": "rss",
        "origin": "hill.example",
        "id": f"p{number}",
        "kind": "post",
        "text": text,
        "created_at": NOW,
        "author": Author(id="a-secret-author", handle="gentle.heron"),
        "raw": b"<entry/>",
    }
    return Post(**(values | more))  # type: ignore[arg-type]


def matter(store: Store, *posts: Post, schools: tuple[str, ...] = ("hill",), reference: str = "WT-TEST234") -> None:
    """Posts, read and judged, each flagged as criticism; the first school's flags are in one incident."""
    with store.writing() as connection:
        store.accounts.put(connection, Account(name="hill", platform="rss", target="x", school="hill"), 300, "", NOW)
    page = Page(posts=posts, cursor=Cursor(state="c"))
    store.accounts.succeeded(store.accounts.get("hill"), page, NOW, 180)
    for seen in store.posts.unmatched(100):
        mentions = [Mention(school=school, relevance="yes", reason="its name") for school in schools]
        with store.writing() as connection:
            store.matters.matched(connection, seen, mentions, NOW)
    for unread in store.posts.unread(100):
        with store.writing() as connection:
            verdict = Verdict(model="m", version="1", scores={"criticism": 0.9})
            store.matters.read(connection, unread, [verdict], "m@1", NOW)
    flag = Flag(rule="r", pack="w", pack_version="1", concern="criticism", why="so", label="criticism", score=0.9)
    for waiting in store.matters.unjudged(100):
        with store.writing() as connection:
            said = Judgement(number=waiting.number, flags=(flag,), pack="w@1", input="i")
            store.matters.judged(connection, waiting, said, NOW)
    made = Incident(
        reference=reference,
        school=schools[0],
        state="open",
        concerns=("criticism",),
        severity=2,
        recipients=("headteacher",),
        opened_at=NOW,
        last_flag_at=NOW,
        posts=1,
    )
    with store.writing() as connection:
        first, *others = [w for w in store.incidents.ungrouped(100) if w.school == schools[0]]
        number = store.incidents.start(connection, first, made, NOW)
        for flagged in others:
            store.incidents.join(connection, number, flagged, made, made, NOW)


def said(store: Store, label: str = "criticism", decision: str = "dismissed", at: datetime = NOW) -> list[Correction]:
    return [
        Correction(mention=flagged.mention, label=label, decision=decision, by="pat", at=at)
        for flagged in store.corrections.flagged("WT-TEST234")
    ]


def rows(store: Store) -> int:
    with store.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(t.correction)) or 0


# What people say -----------------------------------------------------------------------------------------------------


def test_a_decision_knows_what_a_model_had_raised() -> None:
    assert decided(("criticism", "threat"), holds=["criticism", "hate"], fails=["threat"]) == {
        "criticism": "confirmed",
        "hate": "relabelled",
        "threat": "dismissed",
    }


def test_an_answer_confirms_or_gives_the_labels_of_the_concerns_it_names() -> None:
    def answer(question: str, value: str) -> Answer:
        return Answer(question=question, value=value, by="pat", at=NOW)

    assert decided_by(answer("concern", "threat, discrimination,copyright"), ["threat"]) == {
        "threat": "confirmed",
        "hate": "relabelled",
    }
    assert decided_by(answer("about", "headteacher"), ["threat"]) == {}
    assert [concern_of(label) for label in ("hate", "threat")] == ["discrimination", "threat"]


def test_the_last_word_counts() -> None:
    first = Correction(mention=1, label="threat", decision="relabelled", by="a", at=NOW)
    last = Correction(mention=1, label="threat", decision="dismissed", by="b", at=LATER)
    assert merged([last, first]) == {"threat": False}
    assert (first.holds, last.holds) == (True, False)


def test_a_fifth_of_the_posts_is_held_out_and_stays_so() -> None:
    held = [n for n in range(2000) if is_held_out(("x", "", str(n)))]
    assert abs(len(held) - 2000 / HELD_OUT) < 80
    assert held[:3] == [n for n in range(held[2] + 1) if is_held_out(("x", "", str(n)))]


# What is kept --------------------------------------------------------------------------------------------------------


def test_corrections_come_back_as_a_model_would_read_the_post(store: Store) -> None:
    matter(store, post(1, "Is it true?"), post(2, "It is", reply_to="p1"))
    assert [f.raised for f in store.corrections.flagged("WT-TEST234")] == [("criticism",), ("criticism",)]
    assert store.corrections.keep(said(store)) == 2
    assert store.corrections.keep(said(store, decision="confirmed", at=LATER)[:1]) == 1
    assert store.corrections.counts() == {"hill": 2}
    found = store.corrections.of(["hill"])
    assert [(one.school, one.version.post.text, one.version.parent) for one in found] == [
        ("hill", "Is it true?", None),
        ("hill", "It is", "Is it true?"),
    ]
    assert [one.labels for one in found] == [{"criticism": True}, {"criticism": False}]
    assert store.corrections.of(["dene"]) == ()


def test_nothing_of_the_author_or_the_text_is_in_a_correction(store: Store) -> None:
    matter(store, post(1))
    store.corrections.keep(said(store))
    with store.engine.connect() as connection:
        row = connection.execute(select(t.correction)).one()._asdict()
    assert set(row) == {"id", "mention", "label", "decision", "by", "at", "delete_after"}
    assert "author" not in str(row)
    assert "boiler" not in str(row)


def test_a_correction_dies_with_its_post(store: Store) -> None:
    matter(store, post(1))
    store.corrections.keep(said(store))
    with store.writing() as connection:
        connection.execute(delete(t.post))
    assert rows(store) == 0


def test_a_correction_is_purged_with_its_post_and_not_before(store: Store) -> None:
    matter(store, post(1))
    store.corrections.keep(said(store))
    with store.engine.connect() as connection:
        gone = connection.scalar(select(t.version.c.delete_after))
    assert gone is not None
    assert store.purge.purge(gone)["correction"] == 0
    assert rows(store) == 1
    assert store.purge.purge(gone + timedelta(seconds=1))["correction"] == 1
    assert rows(store) == 0


def test_a_correction_goes_with_its_own_schools_mention_and_leaves_the_others(store: Store) -> None:
    matter(store, post(1), schools=("hill", "dene"))
    with store.engine.connect() as connection:
        numbers = dict(connection.execute(select(t.mention.c.school, t.mention.c.id)).all())  # type: ignore[arg-type]
    for number in numbers.values():
        store.corrections.keep([Correction(mention=number, label="sar", decision="relabelled", by="pat", at=NOW)])
    with store.writing() as connection:
        connection.execute(delete(t.mention).where(t.mention.c.school == "hill"))
    assert store.corrections.counts() == {"dene": 1}


def test_a_correction_of_what_has_gone_is_not_kept(store: Store) -> None:
    matter(store, post(1))
    late = said(store)
    with store.writing() as connection:
        connection.execute(delete(t.post))
    assert store.corrections.keep(late) == 0


def test_a_correction_is_kept_as_long_as_a_later_incident_keeps_its_post(store: Store) -> None:
    matter(store, post(1))
    store.corrections.keep(said(store))
    with store.engine.connect() as connection:
        dates = connection.execute(
            select(t.correction.c.delete_after, t.version.c.delete_after)
            .select_from(t.correction)
            .join(t.mention, t.mention.c.id == t.correction.c.mention)
            .join(t.version, t.version.c.id == t.mention.c.version)
        ).one()
    assert dates[0] == dates[1]
    assert dates[0] > NOW + timedelta(days=300)


# Consent -------------------------------------------------------------------------------------------------------------

SCHOOL = '[[schools]]\nid = "{id}"\nname = "{id} school"\npack = "wessex"\n'


def settings(folder: Path, **schools: str) -> Settings:
    text = "".join(
        SCHOOL.format(id=name) + (f'corrections = "{agreed}"\n' if agreed else "") for name, agreed in schools.items()
    )
    file = folder / "watcher.toml"
    file.write_text(text, encoding="utf-8")
    return load(file)


def test_no_school_has_agreed_unless_it_says_so(tmp_path: Path) -> None:
    assert settings(tmp_path, hill="").schools[0].corrections == "off"


@pytest.mark.parametrize("after", [{"hill": "off"}, {"dene": "pooled"}], ids=["withdrawn", "off-boarded"])
def test_what_was_kept_is_deleted_when_a_school_withdraws_or_leaves(
    store: Store, tmp_path: Path, after: dict[str, str]
) -> None:
    matter(store, post(1))
    apply(settings(tmp_path, hill="own"), store, "watcher.toml", NOW)
    store.corrections.keep(said(store))
    assert preview(settings(tmp_path, hill="pooled"), store)[0].kind == "school"
    apply(settings(tmp_path, hill="own"), store, "watcher.toml", NOW)
    assert rows(store) == 1
    changed = settings(tmp_path, **after)
    expected = Change(
        action="remove",
        kind="corrections",
        name="hill",
        what="1 deleted: the school does not agree that they are kept",
    )
    assert expected in preview(changed, store)
    assert rows(store) == 1, "a preview deletes nothing"
    assert expected in apply(changed, store, "watcher.toml", NOW)
    assert rows(store) == 0
    assert preview(changed, store) == ()


def test_a_register_of_an_earlier_version_needs_no_change(store: Store, tmp_path: Path) -> None:
    chosen = settings(tmp_path, hill="")
    apply(chosen, store, "watcher.toml", NOW)
    with store.writing() as connection:
        body = connection.scalar(select(t.entry.c.body))
        del body["corrections"]
        connection.execute(t.entry.update().values(body=body))
    assert preview(chosen, store) == ()
    assert store.register.all().schools[0].corrections == "off"


# The tables of an earlier version ------------------------------------------------------------------------------------


def test_a_store_of_the_first_version_is_brought_up_with_its_rows(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(watcher.store.__file__).parent / "migrations"))
    engine = connect(url)
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    written_before(url)
    old = Store(url)
    assert not old.is_current()
    old.migrate()
    assert old.is_current()
    totals = old.views.totals()
    assert (totals["post"], totals["version"], totals["mention"]) == (1, 1, 1)
    unread = old.posts.unread(10)
    assert [one.post.text for one in unread] == ["The boiler is broken again"]
    said = Correction(mention=1, label="criticism", decision="relabelled", by="pat", at=NOW)
    assert old.corrections.keep([said]) == 1
    assert [one.labels for one in old.corrections.of(["hill"])] == [{"criticism": True}]
    old.close()


def written_before(url: str) -> None:
    """Rows as the first version wrote them, without a word of what came later."""
    engine = connect(url)
    first = MetaData()
    first.reflect(engine)
    kept = {"delete_after": LATER + timedelta(days=100)}
    number = {"platform": "rss", "origin": "hill.example", "post_id": "p1"}
    rows = {
        "post": {**number, "official": False, "first_seen_at": NOW},
        "version": {
            "post": 1, "digest": "d", "body": json.dumps(post(1).as_dict()), "raw": b"x", "sha256": "s", "seen_at": NOW,
            "tries": 0,
        },
        "mention": {"version": 1, "school": "hill", "relevance": "yes", "reason": "its name", "at": NOW},
    }  # fmt: skip
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        for name, row in rows.items():
            connection.execute(first.tables[name].insert().values(**row, **kept))
    engine.dispose()
