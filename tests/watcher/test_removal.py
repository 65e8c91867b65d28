"""What nobody may keep: gone from every table and byte of the database, and no later reading brings it back."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from alerts.answer import Answer
from alerts.notice import Notice
from connectors.post import Author, Cursor, Media, Page, Post
from tests.watcher.conftest import _binaries
from tests.watcher.test_service import NOW, OWN, House, make, settings, under_own
from watcher.enrolment import apply
from watcher.store import Store
from watcher.store import schema as t
from watcher.store.engine import reading
from watcher.store.rechecks import Check

WORDS = "quagmire lanterns beneath the pavilion stairs"
SECRETS = ("quagmire", "pavilion stairs", "lantern-pic", "wordy-alt", "deep-link", "quag_author", "Quentin Agmire")


def shown(number: int, label: str, text: str = WORDS, **more: object) -> Post:
    given: dict[str, object] = {
        "author": Author(id="quag_author", handle="quag_author", name="Quentin Agmire"),
        "media": (Media(kind="image", url="https://media.example/lantern-pic.jpg", alt="a wordy-alt picture"),),
        "links": ("https://else.example/deep-link",),
        "raw": f'{{"text": "{text}", "pic": "https://media.example/lantern-pic.jpg", "u": "quag_author"}}'.encode(),
    }
    return under_own(number, f"{text} {{{label}}}", **(given | more))


@pytest.fixture
def house(store: Store, tmp_path: Path) -> House:
    chosen = settings(tmp_path)
    apply(chosen, store, "watcher.toml", NOW)
    return make(store, chosen)


@pytest.fixture
def everything(store: Store, tmp_path: Path) -> Callable[[], bytes]:
    """Every byte of the database: SQLite's files as they lie there, PostgreSQL as a dump."""

    def read() -> bytes:
        if store.file is not None:
            return b"".join(file.read_bytes() for file in store.file.parent.glob(f"{store.file.name}*"))
        programs = _binaries()
        assert programs is not None
        url = store.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        dump = [str(programs / "pg_dump"), "--inserts", url]
        return subprocess.run(dump, check=True, capture_output=True).stdout

    return read


def holding(everything: Callable[[], bytes], *secrets: str) -> set[str]:
    """Which of these stand in the database, as they are or in the forms in which a database writes bytes."""
    found = everything()
    forms = {secret: (secret.encode(), secret.encode().hex().encode()) for secret in secrets or SECRETS}
    return {secret for secret, written in forms.items() if any(form in found for form in written)}


def rows(house: House, post_id: str) -> list[Any]:
    query = select(t.version).join(t.post, t.post.c.id == t.version.c.post).where(t.post.c.post_id == post_id)
    with reading(house.store.engine) as connection:
        return list(connection.execute(query.order_by(t.version.c.id)))


def stored(house: House, post: Post, now: Any = NOW) -> None:
    """Bring a post and leave it there unread."""
    house.connectors["hillcrest"].script.append(Page(posts=(post,), cursor=Cursor(state="x")))
    house.poll(now=now)


@pytest.mark.parametrize("score", ["sexual_content=0.9", "sexual_content=0.4"])
def test_sexual_content_raised_or_undecided_leaves_address_time_and_digest_alone(
    house: House,
    everything: Callable[[], bytes],
    score: str,
) -> None:
    house.bring(OWN)
    stored(house, shown(3, score))
    assert holding(everything) == set(SECRETS), "the search would find it"
    house.settle()
    assert holding(everything) == set()
    ((kept,), said) = rows(house, "3"), shown(3, score)
    assert (kept.digest, kept.sha256, kept.raw) == (said.content_digest, said.sha256, b"")
    assert (kept.body["url"], kept.body["created_at"]) == ("https://social.example/3", said.as_dict()["created_at"])
    assert kept.erased
    assert house.concerns() == [("sexual_content",)]
    assert "removed" in {e.what for e in the(house).events} or kept.erased
    assert [n for n in house.channel.sent if b"quagmire" in n.message] == []
    assert house.channel.sent


def the(house: House, number: int = 0) -> Any:
    view = house.store.views.incident(house.store.views.incidents(limit=5)[number].reference)
    assert view is not None
    return view


def answered(house: House, question: str, value: str, now: Any = NOW, reference: str | None = None) -> None:
    flagged = house.store.corrections.flagged(reference or house.store.views.incidents(limit=5)[0].reference)[0]
    house.store.matters.answered(flagged.mention, Answer(question=question, value=value, by="p", at=now))
    house.settle(now)


@pytest.mark.parametrize("concern", ["indecent_image", "sexual_content", "protected_identity"])
def test_what_triage_finds_is_removed_with_waiting_mails_and_copies(
    house: House,
    everything: Callable[[], bytes],
    concern: str,
) -> None:
    house.bring(OWN, shown(3, "criticism=0.9"))
    before = [n for n in house.channel.sent if b"quagmire" in n.message]
    assert before, "what is only criticised is quoted"
    waiting = before[0]
    with house.store.writing() as connection:
        connection.execute(update(t.notice).where(t.notice.c.id == waiting.id).values(state="pending"))
    reference = the(house).incident.reference
    house.channel.sent.clear()
    answered(house, "concern", concern)
    assert holding(everything) == set()
    assert not [n for n in house.channel.sent if b"quagmire" in n.message or b"lantern-pic" in n.message]
    again: list[Notice] = [n for n in house.store.notices.of(reference) if n.id == waiting.id]
    assert [n.id for n in again] == [waiting.id], "the mail that waited is written anew under its own Message-ID"
    assert concern in {c for named in house.concerns() for c in named}


def test_no_later_reading_brings_it_back(house: House, everything: Callable[[], bytes]) -> None:
    first = shown(3, "sexual_content=0.9")
    house.bring(OWN, first)
    later = NOW + timedelta(hours=1)
    house.bring(first, now=later)
    house.bring(shown(3, "sexual_content=0.9", "quagmire lanterns, edited"), now=later + timedelta(hours=1))
    (kept,) = rows(house, "3")
    check = Check(
        number=kept.post,
        post=Post.from_dict(kept.body),
        accounts=("hillcrest",),
        first_seen_at=NOW,
        in_matter=True,
        digest=kept.digest,
    )
    with house.store.writing() as connection:
        house.store.rechecks.seen(connection, check, replace(first, text="quagmire and more"), None, later)
    house.settle(later)
    assert holding(everything) == set()
    assert len(rows(house, "3")) == 1
    assert house.concerns() == [("sexual_content",)]


def test_every_version_goes_and_what_embeds_it_and_what_was_set_aside(
    house: House,
    everything: Callable[[], bytes],
) -> None:
    house.bring(OWN, shown(3, "criticism=0.1", "quagmire lanterns, first"))
    house.bring(under_own(4, "quite so", raw=b'{"above": "quagmire lanterns, first {criticism=0.1}"}'))
    house.bring(shown(3, "sexual_content=0.9"), now=NOW + timedelta(minutes=5))
    assert holding(everything) == set()
    assert [row.body["text"] for row in rows(house, "4")] == ["quite so"]
    assert len(rows(house, "3")) == 2


def test_of_a_report_by_a_person_the_reporter_stays(house: House) -> None:
    reporter = Author(id="pat", name="Pat Reporter")
    house.bring(OWN, shown(3, "sexual_content=0.9", kind="report", author=reporter))
    (kept,) = rows(house, "3")
    assert kept.body["author"]["name"] == "Pat Reporter"
    assert kept.body["text"] == ""


def test_the_accused_stays_the_accused_when_it_is_judged_again_without_its_text(
    house: House,
) -> None:
    house.bring(OWN, shown(3, "sexual_content=0.9", "Mrs Okafor messages year 6 girls at night"))
    before = sorted((i.about, i.concerns) for i in house.store.views.incidents(limit=9))
    assert any(about for about, _ in before)
    told = {n.address for n in house.channel.sent}
    house.channel.sent.clear()
    answered(house, "child_at_risk", "yes")
    after = sorted((i.about, i.concerns) for i in house.store.views.incidents(limit=9))
    assert {about for about, _ in after} == {about for about, _ in before}
    assert {i.state for i in house.store.views.incidents(limit=9)} == {"open"}
    assert {n.address for n in house.channel.sent} <= told


def test_other_schools_mentions_of_the_post_lose_it_too(house: House, everything: Callable[[], bytes]) -> None:
    store = house.store
    house.bring(OWN)
    stored(house, shown(3, "sexual_content=0.9", f"{WORDS} at Hillcrest"))
    house.service.match(NOW)
    with store.writing() as connection:
        version = connection.scalar(select(t.version.c.id).order_by(t.version.c.id.desc()))
        row = {"version": version, "school": "elsewhere", "relevance": "yes", "reason": f"it says: {WORDS}"}
        connection.execute(t.mention.insert().values(**row, at=NOW, delete_after=NOW + timedelta(days=9)))
    house.settle()
    assert holding(everything) == set()
    with reading(store.engine) as connection:
        reasons = connection.scalars(select(t.mention.c.reason).where(t.mention.c.school == "elsewhere")).all()
    assert reasons == ["The content of the post was removed; what was read of it before stands."]
