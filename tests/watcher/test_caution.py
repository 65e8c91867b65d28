"""What is no mistake is said all the same: by check-config, with its key and what to do."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest

from connectors.approval import KEEPS
from watcher.check import check, notes, problems
from watcher.config import Settings, load
from watcher.errors import ConfigError
from watcher.health import try_all

TODAY = date(2026, 11, 20)
HEAD = """
[database]
url = "sqlite:///{folder}/watcher.db"
[models]
classifiers = ["patterns"]
[alerts]
last_resort = "desk@it.example"
checker = "desk@it.example"
[[schools]]
id = "hill"
name = "Hillcrest Primary School"
pack = "wessex"
"""
ACCOUNT = """
[[accounts]]
name = "{name}"
school = "hill"
platform = "{platform}"
target = "{target}"
official = true
owner = "Jo Moore"
{more}
"""


def settings(folder: Path, *rows: str) -> Settings:
    file = folder / "watcher.toml"
    file.write_text("".join((HEAD.format(folder=folder.as_posix()), *rows)), encoding="utf-8")
    return load(file)


def account(platform: str, more: str = "", target: str = "@hillcrest", name: str = "hill-one") -> str:
    return ACCOUNT.format(name=name, platform=platform, target=target, more=more)


def noted(folder: Path, *rows: str) -> list[str]:
    made = settings(folder, *rows)
    check(made)
    return list(notes(made, TODAY))


def test_an_account_that_nobody_has_granted_is_noted_until_somebody_has(tmp_path: Path) -> None:
    rows = (
        account("facebook"),
        account("bluesky", name="sky"),
        account("mastodon", 'base_url = "https://m.example"', name="m"),
    )
    (note,) = noted(tmp_path, *rows)
    assert note == (
        "accounts[1] (hill-one): no token: nobody has granted this; run `watcher connect hill-one --link` "
        "(docs/platforms/facebook.md)"
    )
    assert list(notes(settings(tmp_path, *rows), TODAY, granted={"hill-one"})) == []
    (mentions,) = noted(tmp_path, account("bluesky", 'reads = ["posts", "mentions"]', name="hill sky"))
    assert "`watcher connect 'hill sky'`" in mentions, "a password is pasted, there is no link"


def test_a_proxy_of_the_operators_may_hold_the_token(tmp_path: Path) -> None:
    (limit,) = noted(tmp_path, account("youtube", 'base_url = "https://proxy.example"', "@hillcrest"))
    assert limit.startswith("retention: youtube")


def test_doctor_says_it_instead_of_asking(tmp_path: Path) -> None:
    rows = {
        row["what"]: row
        for row in try_all(settings(tmp_path, account("facebook")), datetime.combine(TODAY, time(), UTC))
    }
    found = rows["account hill-one"]
    assert not found["ok"]
    assert found["detail"].startswith("no token: nobody has granted this; run `watcher connect hill-one --link`")


def test_an_app_that_nothing_names_is_noted(tmp_path: Path) -> None:
    toot = account("mastodon", 'app = "nope"\nbase_url = "https://social.example"')
    (note,) = noted(tmp_path, toot)
    assert note.startswith("accounts[1].app: no [[apps]] and no [[budget.caps]] of mastodon is called 'nope'")
    assert noted(tmp_path, toot, '[[budget.caps]]\nplatform = "mastodon"\napp = "nope"\ncalls_per_day = 9\n') == []


@pytest.mark.parametrize("reads", ['["posts", "comments"]', '["mentions"]', '["search"]'])
def test_what_tiktok_gives_nobody_is_noted(tmp_path: Path, reads: str) -> None:
    found = noted(tmp_path, account("tiktok", f"reads = {reads}"))
    (note,) = (note for note in found if note.startswith("accounts[1].reads"))
    assert "cannot be read on TikTok" in note
    assert 'write reads = ["posts"]' in note


def test_an_archive_that_is_not_there_is_noted(tmp_path: Path) -> None:
    there, gone = (account("archive", target=(tmp_path / name).as_posix()) for name in ("", "gone"))
    (note,) = noted(tmp_path, gone)
    assert note.startswith("accounts[1].target: there is no folder or file")
    assert noted(tmp_path, there) == []


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1/feed",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.5:8080/feed",
        "http://[::1]/feed",
        "http://2130706433/feed",
        "http://localhost/feed",
        "http://metadata.google.internal/computeMetadata/v1/",
    ],
)
def test_an_address_that_is_never_read_is_noted(tmp_path: Path, target: str) -> None:
    (note,) = noted(tmp_path, account("rss", target=target))
    assert note.startswith("accounts[1].target: ")
    assert "allow_private = true" in note
    assert noted(tmp_path, account("rss", "allow_private = true", target)) == []


def test_what_is_no_address_is_noted_and_a_public_one_is_not(tmp_path: Path) -> None:
    (note,) = noted(tmp_path, account("rss", target="file:///etc/passwd"))
    assert "only http and https addresses are read" in note
    public = ("https://8.8.8.8/feed", "https://blog.example/feed", "https://localhost.example/feed")
    assert [note for target in public for note in noted(tmp_path, account("rss", target=target))] == []
    assert noted(tmp_path, account("wordpress", target="blog.example")) == []


def test_a_role_that_ended_long_ago_is_noted(tmp_path: Path) -> None:
    holder = 'role_holders = [{{ name = "Ada Hill", role = "headteacher", until = {until} }}]\n'
    (note,) = noted(tmp_path, holder.format(until="2025-08-31"))
    assert note.startswith("schools[1].role_holders[1].until: 2025-08-31 is long past, so Ada Hill is not looked for")
    assert noted(tmp_path, holder.format(until="2026-11-10")) == []


def test_a_secret_that_others_can_read_is_noted(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret", encoding="utf-8")
    row = account("rss", f'token = {{ file = "{secret.as_posix()}" }}', "https://blog.example/feed")
    for mode in (0o644, 0o640, 0o604):
        secret.chmod(mode)
        (note,) = noted(tmp_path, row)
        assert note.startswith("accounts[1].token: other users of this machine can read")
        assert f"chmod 600 {secret}" in note
        assert "s3cret" not in note
    secret.chmod(0o600)
    assert noted(tmp_path, row) == []


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_what_is_no_number_is_refused_in_plain_words(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(tmp_path, f"[budget]\npounds_per_dollar = {value}\n[mail]\ntimeout_s = {value}\n")
    assert [problem.partition(";")[0] for problem in caught.value.problems] == [
        "budget.pounds_per_dollar: must be a plain number, such as 30",
        "mail.timeout_s: must be a plain number, such as 30",
    ]
    made = settings(tmp_path, account("rss", f"options = {{ timeout_s = {value} }}", "https://blog.example/feed"))
    (problem,) = problems(made)
    assert problem.startswith("accounts[1].options.timeout_s: must be a plain number")


def test_posts_of_x_that_are_kept_for_long_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HILL_X", "s3cret")
    row = account("x", 'token = { env = "HILL_X" }')
    (note,) = (note for note in noted(tmp_path, row) if note.startswith("retention"))
    assert note.startswith("retention.posts_days: 180 days, and of X's posts only those that matters rest on")
    assert "24 hours" in note
    assert "docs/platforms/x.md" in note
    assert not any("posts_days" in note for note in noted(tmp_path, "[retention]\nposts_days = 30\n", row))


def test_what_storage_limit_is_in_force_is_told_and_what_was_agreed(tmp_path: Path) -> None:
    agreed = '[[approvals]]\nplatform = "{}"\nby = "Pat"\non = 2026-11-01\nreference = "case 1"\nkeeps = "{}"\n'
    row = account("linkedin", "", "2414183")
    (note,) = (note for note in noted(tmp_path, row) if note.startswith("retention"))
    assert "48 hours after it was last fetched, and its author 24 hours after" in note
    assert "docs/platforms/linkedin.md" in note
    (kept,) = (note for note in noted(tmp_path, agreed.format("linkedin", KEEPS), row) if "48 hours" in note)
    assert kept.startswith("approvals[1].keeps: linkedin")
    assert "stays as long as the matter" in kept
    needless = noted(tmp_path, agreed.format("youtube", KEEPS), account("youtube", "", "@hillcrest"))
    assert not any("may be left out" in note for note in needless)
    odd = noted(tmp_path, agreed.format("x", KEEPS), row)
    assert any(note.startswith("approvals[1].keeps: x has no storage limit") for note in odd)
    with pytest.raises(ConfigError, match="keeps"):
        settings(tmp_path, agreed.format("linkedin", "for ever"))


SECOND = """
[[schools]]
id = "{id}"
name = "{name}"
pack = "wessex"
{more}
"""
SEARCH = """
[[accounts]]
name = "{name}"
platform = "{platform}"
reads = ["search"]
{more}
"""


def test_a_school_that_is_called_like_another_in_the_same_town_is_noted(tmp_path: Path) -> None:
    same = SECOND.format(id="again", name="HILLCREST primary school", more="")
    (note,) = noted(tmp_path, same)
    assert note.startswith("schools[2].name: 'HILLCREST primary school' is called like 'hill'")
    assert noted(tmp_path, SECOND.format(id="again", name="Hillcrest Primary School", more='town = "Tolbeck"')) == []


def test_a_name_of_ordinary_words_wants_a_town(tmp_path: Path) -> None:
    (note,) = noted(tmp_path, SECOND.format(id="plain", name="The School", more=""))
    assert note.startswith("schools[2].town: missing; 'The School' is made of ordinary words")
    assert noted(tmp_path, SECOND.format(id="plain", name="The School", more='town = "Tolbeck"')) == []


def test_what_no_query_holds_is_noted_and_what_can_be_split_is_not(tmp_path: Path) -> None:
    sky = SEARCH.format(name="sky", platform="reddit", more="")
    many = ", ".join(f'"Tarn Street Number {number}"' for number in range(30))
    fits = SECOND.format(id="tarn", name="Tarn School", more=f'short_names = ["Tarn"]\nnot_about = [{many}]')
    long = SECOND.format(id="long", name="Hollin " * 90, more="")
    (note,) = (note for note in noted(tmp_path, fits, long, sky) if "query" in note)
    assert note.startswith("accounts[1].target: 'Hollin Hollin")
    assert note.endswith("cannot be looked for on reddit, which takes no query of that length; write something shorter")
    assert not any("query" in note for note in noted(tmp_path, fits, sky))


def test_languages_that_x_cannot_tell_are_noted_where_x_is_searched(tmp_path: Path) -> None:
    gaelic = SECOND.format(id="gd", name="Sgoil Tarn", more='languages = ["gd", "en", "zzz"]')
    (note,) = (note for note in noted(tmp_path, gaelic, SEARCH.format(name="x", platform="x", more="")) if "gd" in note)
    assert note.startswith("schools[2].languages: X cannot tell gd, zzz and is not asked for it")
    assert not any("gd" in note for note in noted(tmp_path, gaelic))
    welsh = gaelic.replace('"gd", "en", "zzz"', '"cy"')
    assert not any("languages" in n for n in noted(tmp_path, welsh, SEARCH.format(name="x", platform="x", more="")))


def test_what_two_accounts_read_alike_is_noted(tmp_path: Path) -> None:
    first, second = (account("mastodon", 'base_url = "https://m.example"', name=name) for name in ("one", "two"))
    (note,) = noted(tmp_path, first, second.replace("@hillcrest", "Hillcrest"))
    assert note.startswith("accounts[2].target: 'Hillcrest' is read by accounts[1] (one) already")
    comments = second.replace("base_url", 'reads = ["comments"]\nbase_url')
    assert noted(tmp_path, first, comments) == []
    assert noted(tmp_path, first, second.replace("m.example", "n.example")) == []


def test_a_search_beside_one_that_is_built_and_paid_for_is_noted(tmp_path: Path) -> None:
    built = SEARCH.format(name="terms", platform="x", more='schools = ["hill"]')
    literal = 'target = "Hillcrest Primary"\nschool = "{school}"'
    rows = built, SEARCH.format(name="mine", platform="x", more=literal.format(school="hill"))
    (note,) = (note for note in noted(tmp_path, *rows) if "paid for twice" in note)
    assert note.startswith("accounts[2].target: terms looks for the same schools by their terms")
    other = SECOND.format(id="dene", name="Dene School", more="")
    others = SEARCH.format(name="mine", platform="x", more=literal.format(school="dene"))
    assert not any("paid for twice" in note for note in noted(tmp_path, other, built, others))
    free = SEARCH.format(name="mine", platform="bluesky", more=literal.format(school="hill"))
    assert not any("paid for twice" in note for note in noted(tmp_path, built.replace('"x"', '"bluesky"'), free))


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        ('school = "hill"\ntarget = "Hill"', 'school = "dene"\ntarget = "Dene"', True),
        ('school = "hill"\ntarget = "Hill"\napp = "a"', 'school = "dene"\ntarget = "Dene"\napp = "b"', False),
        ('schools = ["hill", "dene"]', 'school = "dene"\ntarget = "Dene"\napp = "b"', True),
        ('target = "Hill OR Dene"', 'school = "dene"\ntarget = "Dene"\napp = "b"', True),
        ('schools = ["hill"]', 'schools = ["hill"]\napp = "b"', False),
    ],
)
def test_one_app_of_x_for_two_customers_is_noted_for_searches_and_grants_too(
    tmp_path: Path, first: str, second: str, shared: bool
) -> None:
    dene = SECOND.format(id="dene", name="Dene School", more="")
    rows = (SEARCH.format(name=name, platform="x", more=more) for name, more in (("a", first), ("b", second)))
    made = settings(tmp_path, dene, *rows)
    granted = list(notes(made, TODAY, granted={"a", "b"}))
    assert any("one app of X reads for dene, hill" in note for note in granted) is shared
    assert not any("one app of X" in note for note in notes(made, TODAY))
