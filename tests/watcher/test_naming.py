"""What a school is looked for by is looked at before anything is paid for it."""

from __future__ import annotations

import pytest

from watcher.config import SchoolRow
from watcher.naming import handle_of, naming_problems
from watcher.terms import school_of


def school(**more: tuple[str, ...] | str) -> SchoolRow:
    return SchoolRow.model_validate({"id": "hill", "name": "Hillcrest Primary School", "pack": "wessex", **more})


def said(**more: tuple[str, ...] | str) -> list[str]:
    return list(naming_problems("schools[2]", school(**more)))


@pytest.mark.parametrize("name", ["the", "school", "The School", "Primary School", "and", "HP", "", "  ", "!!", "a.b"])
def test_a_short_name_that_finds_everything_is_refused_with_what_to_write(name: str) -> None:
    (problem,) = said(short_names=("Hillcrest", name))
    assert problem.startswith(f"schools[2].short_names[2]: {name!r} is ")
    assert 'such as "Hillcrest" or "Hillcrest Primary"' in problem


@pytest.mark.parametrize(
    "name", ["Hillcrest", "HPS", "St Mary's", "Park School", "The Grove", "Ysgol Bryn", "Hillcrest Primary"]
)
def test_a_name_that_somebody_goes_by_is_taken(name: str) -> None:
    assert said(short_names=(name,)) == []


@pytest.mark.parametrize(
    ("written", "bare"),
    [
        ("hillcrest", "hillcrest"),
        ("@hillcrest", "hillcrest"),
        (" @hillcrest ", "hillcrest"),
        ("https://x.com/hillcrest", "hillcrest"),
        ("https://www.facebook.com/hillcrest/?ref=1", "hillcrest"),
        ("https://www.tiktok.com/@hill.crest", "hill.crest"),
        ("bsky.app/profile/hillcrest.bsky.social", "hillcrest.bsky.social"),
        ("hillcrest@social.example", "hillcrest@social.example"),
        ("@hillcrest@social.example", "hillcrest@social.example"),
        ("hillcrest.example", "hillcrest.example"),
    ],
)
def test_an_address_or_a_sign_becomes_the_bare_handle(written: str, bare: str) -> None:
    assert handle_of(written) == bare
    assert said(handles=(written,)) == []
    assert school_of(school(handles=(written,))).handles == (bare,)


@pytest.mark.parametrize(
    "written", ["Hillcrest Primary", "https://blog.example/hill", "https://x.com/hill/status/1", "@", "", "#hill"]
)
def test_what_is_no_handle_is_refused_with_the_right_form(written: str) -> None:
    (problem,) = said(handles=(written,))
    assert problem.startswith(f"schools[2].handles[1]: {written!r} is no handle; write the bare handle")


def test_a_hashtag_is_one_word() -> None:
    assert said(hashtags=("HillcrestPrimary", "#Hillcrest2026", "hillcrest_life")) == []
    assert school_of(school(hashtags=(" #Hillcrest ",))).hashtags == ("Hillcrest",)
    several, hyphen, digits, frequent = said(hashtags=("#hillcrest primary", "hill-crest", "2026", "#school"))
    assert "schools[2].hashtags[1]: '#hillcrest primary' is not one word" in several
    assert 'such as "HillcrestPrimary"' in several
    assert 'such as "HillCrest"' in hyphen
    assert "is not one word" in digits
    assert "is an ordinary word" in frequent


def test_the_schools_own_name_means_no_other_place() -> None:
    named, short = said(
        short_names=("Hillcrest",), not_about=("Hillcrest Road", "hillcrest primary  school", "HILLCREST")
    )
    assert named.startswith("schools[2].not_about[2]: 'hillcrest primary  school' is the school's own name")
    assert short.startswith("schools[2].not_about[3]: 'HILLCREST' is the school's own name ('Hillcrest')")
    assert 'such as "HILLCREST Road"' in short


@pytest.mark.parametrize("phrase", ["School", "Primary School", "a", "", "!!!", "the head"])
def test_a_phrase_that_stands_in_posts_about_anything_means_no_other_place(phrase: str) -> None:
    (problem,) = said(not_about=("Hillcrest Road", phrase))
    assert problem.startswith(f"schools[2].not_about[2]: {phrase!r} is ")
    assert "posts about the school would be lost" in problem
    assert said(not_about=("Ohio", "Hillcrest, Ohio", "Hillcrest High School")) == []


@pytest.mark.parametrize("name", ["", "!!!", " ", "A."])
def test_a_school_without_a_name_is_refused(name: str) -> None:
    (problem,) = said(name=name)
    assert problem.startswith(f"schools[2].name: {name!r} names no school; write its full name")
    assert said(name="The School") == []


@pytest.mark.parametrize("handle", ["the", "@School", "https://x.com/school"])
def test_an_ordinary_word_is_refused_as_a_handle(handle: str) -> None:
    (problem,) = said(handles=(handle,))
    assert problem.startswith(f"schools[2].handles[1]: {handle!r} is an ordinary word")
    assert said(handles=("school@social.example", "Hillcrest")) == []


@pytest.mark.parametrize(
    "url", ["https://www.facebook.com/hillcrest", "https://m.facebook.com", "x.com/hillcrest", "https://youtu.be/"]
)
def test_a_platforms_page_is_no_site_of_the_schools(url: str) -> None:
    (problem,) = said(url=url)
    assert problem.startswith(f"schools[2].url: {url!r} is a platform's")
    assert said(url="https://www.hillcrest.example/home") == []
    assert said(url="https://facebook.com.hillcrest.example") == []
