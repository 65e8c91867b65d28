"""Which schools a post is about, and why; all schools and posts are invented."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.mention import RELEVANCES, Mention, Source, match
from alerts.school import RoleHolder, School
from connectors.post import Author, Media, Post

HOLLIN = School(
    id="hollin",
    name="Hollin Primary School",
    pack="wessex",
    short_names=("Hollin",),
    handles=("hollinprimary",),
    hashtags=("HollinLife",),
    town="Tolbeck",
    postcode_areas=("QB3",),
    not_about=("Hollin Lakes", "River Hollin"),
    url="https://www.hollin.example",
)
MARY = School(id="mary", name="St Mary's Primary School", pack="arden", short_names=("St Mary's",), town="Castermouth")
MARIE = School(id="marie", name="St Mary's Academy", pack="arden", short_names=("St Mary's",), town="Harrowick")
SCHOOLS = (HOLLIN, MARY, MARIE)
SEARCH = Source(account="words", school="hollin", read="search")


def post(text: str, **more: object) -> Post:
    return Post(platform="x", id="1", kind=str(more.pop("kind", "post")), text=text, **more)  # type: ignore[arg-type]


def said(text: str, *sources: Source, school: str = "hollin", **more: object) -> str | None:
    found = match(post(text, **more), SCHOOLS, sources=sources)
    return next((mention.relevance for mention in found if mention.school == school), None)


@pytest.mark.parametrize(
    "text",
    [
        "Hollin Primary School is closed",
        "HOLLIN PRIMARY is closed",
        "Hóllin Primary School’s gate",
        "so sad about #HollinPrimarySchool",
        "so sad about #hollinprimaryschool",
        "what a day #HollinLife",
        "ask @HollinPrimary",
        "ask @hollinprimary@school.example",
        "the uniform at Hollin is dear",
        "Year 4 at Hollin are singing",
        "Hollin in Tolbeck is lovely",
        "opposite Hollin, QB3 4ZZ",
        "Hollin's teachers are great",
    ],
)
def test_a_text_that_names_the_school_is_about_it(text: str) -> None:
    assert said(text) == "yes"
    assert said(text, SEARCH) == "yes"


@pytest.mark.parametrize(
    "text", ["Hollinwood Primary School", "the weather", "Broadhollin school", "holly in the primary school"]
)
def test_other_words_are_not_its_name(text: str) -> None:
    assert said(text) is None


def test_a_short_name_alone_is_unclear() -> None:
    assert said("lovely walk round Hollin today") == "unclear"


@pytest.mark.parametrize("text", ["Hollin Lakes for parents and pupils", "the River Hollin by the school is high"])
def test_what_only_sounds_like_the_school_is_not_it(text: str) -> None:
    assert said(text, SEARCH) == "no"
    assert said(text) is None


def test_a_look_alike_beside_the_full_name_does_not_hide_it() -> None:
    assert said("Hollin Primary School walked round Hollin Lakes") == "yes"


class TestOtherPlaces:
    @pytest.mark.parametrize("text", ["Hollin, Ohio", "Hollin School in Leeds", "Hollin school (Texas) is closed"])
    def test_a_school_elsewhere_is_not_ours(self, text: str) -> None:
        assert said(text, SEARCH) in ("no", "unclear")
        assert said(text) in (None, "unclear")

    def test_a_trip_is_no_other_place(self) -> None:
        assert said("Hollin Primary School London trip was great") == "yes"

    def test_a_school_may_be_in_a_place_of_the_list(self) -> None:
        leeds = School(id="o", name="Oakfield School", pack="arden", town="Leeds")

        (mention,) = match(post("Oakfield School, Leeds"), (leeds,))

        assert mention.relevance == "yes"


class TestSameShortName:
    def test_the_town_decides(self) -> None:
        assert said("St Marys in Harrowick", school="marie") == "yes"
        assert said("St Marys in Harrowick", school="mary") is None

    def test_without_a_town_both_are_unclear(self) -> None:
        assert said("parents at St Mary’s are angry", school="mary") == "unclear"
        assert said("parents at St Mary’s are angry", school="marie") == "unclear"

    def test_the_full_name_decides(self) -> None:
        assert said("Saint Mary's Academy is shut", school="marie") == "yes"
        assert said("Saint Mary's Academy is shut", school="mary") is None

    def test_both_may_be_named(self) -> None:
        found = match(post("Hollin Primary School played St Mary's Academy"), SCHOOLS)

        assert {m.school: m.relevance for m in found} == {"hollin": "yes", "marie": "yes"}


class TestSources:
    @pytest.mark.parametrize("read", ["posts", "comments", "mentions"])
    def test_the_schools_own_account_decides_by_itself(self, read: str) -> None:
        assert said("lovely", Source(account="page", school="hollin", read=read, official=True)) == "yes"

    def test_its_own_comment_thread_may_name_another_school_too(self) -> None:
        own = Source(account="page", school="hollin", read="comments", official=True)

        assert said("as at St Mary's Academy", own, school="marie") == "yes"

    def test_a_search_that_finds_no_name_is_unclear(self) -> None:
        assert said("lovely", SEARCH) == "unclear"

    def test_an_official_search_does_not_decide(self) -> None:
        assert said("lovely", Source(account="page", school="hollin", read="search", official=True)) == "unclear"

    def test_an_account_that_schools_share_is_unclear_for_each(self) -> None:
        found = match(post("lovely"), SCHOOLS, sources=(Source(account="trust", read="comments", official=True),))

        assert {m.school: m.relevance for m in found} == dict.fromkeys(("hollin", "mary", "marie"), "unclear")

    def test_a_shared_account_is_decided_by_a_name(self) -> None:
        found = match(post("Hollin Primary School, shame"), (HOLLIN,), sources=(Source(account="t", official=True),))

        assert [m.relevance for m in found] == ["yes"]

    def test_a_feed_whose_address_names_the_school_is_about_it(self) -> None:
        feed = Source(account="reviews", school="hollin", read="posts")

        assert said("One star.", feed, origin="https://reviews.example/hollin-primary-school") == "yes"
        assert said("One star.", feed, origin="https://reviews.example/page") == "unclear"

    @pytest.mark.parametrize(
        "origin", ["hollin-primary-school/export.csv", "hollin-primary-school", "old-hollin/a.csv"]
    )
    def test_an_archive_that_is_called_after_the_school_is_not_all_about_it(self, origin: str) -> None:
        archive = Source(account="hollin-primary-school", school="hollin", read="posts")

        assert said("A rainy walk.", archive, origin=origin) == "unclear"
        assert said("Hollin Primary School is closed", archive, origin=origin) == "yes"

    def test_an_archive_of_the_schools_own_account_is_about_it(self) -> None:
        archive = Source(account="hollin-primary-school", school="hollin", read="posts", official=True)

        assert said("A rainy walk.", archive, origin="hollin-primary-school/export.csv") == "yes"

    def test_a_review_from_a_page_kept_for_the_school_is_about_it(self) -> None:
        feed = Source(account="reviews", school="hollin", read="posts")

        assert said("One star.", feed, kind="review") == "yes"
        assert said("One star.", SEARCH, kind="review") == "unclear"


class TestBeyondTheText:
    def test_the_schools_handle_as_author(self) -> None:
        assert said("lovely", author=Author(id="1", handle="HollinPrimary@school.example")) == "yes"

    def test_a_link_to_the_schools_site(self) -> None:
        assert said("see this", links=("https://hollin.example/news/1",)) == "yes"
        assert (
            said("see this", links=("https://hollin.example.evil.test/", "http://[", "https://other.example")) is None
        )

    def test_the_words_of_a_picture(self) -> None:
        assert said("", media=(Media(kind="image", alt="the gate of Hollin Primary School"),)) == "yes"


def test_every_mention_gives_its_reason() -> None:
    found = match(post("Hollin Primary School"), SCHOOLS, sources=(SEARCH,))

    assert found == (Mention(school="hollin", relevance="yes", reason="names the school in full"),)


@pytest.mark.parametrize(
    "text",
    [
        "hollin " * 9000,
        "\u0301" * 200_000,
        "#a" * 30_000,
        "@" * 60_000,
        "😀" * 20_000,
        "\x00\u202e" * 30_000,
        "\ud800 Hollin",
    ],
)
def test_hostile_text_is_read_without_an_error(text: str) -> None:
    assert all(m.relevance in RELEVANCES for m in match(post(text), SCHOOLS, sources=(SEARCH,)))


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=200), name=st.text(min_size=1, max_size=30))
def test_any_text_and_any_name_is_read(text: str, name: str) -> None:
    odd = School(id="odd", name=name, pack="arden", short_names=(name,), hashtags=(name,), not_about=(text,), town=name)

    assert all(m.reason for m in match(post(text), (odd,), sources=(Source(account="a", school="odd", read="search"),)))


class TestApart:
    """A name that stands apart from a phrase that means something else."""

    ROAD = School(
        id="hill",
        name="Hillcrest Primary School",
        pack="wessex",
        short_names=("Hillcrest", "Oak Grove"),
        hashtags=("HillcrestPrimary",),
        town="Northmere",
        postcode_areas=("QX",),
        not_about=("Hillcrest Road", "Hillcrest High School", "Ohio"),
        role_holders=(RoleHolder(name="Jordan Moore", role="headteacher", end=date(2030, 1, 1)),),
    )

    def about(self, text: str, *others: School) -> str | None:
        found = match(post(text), (self.ROAD, *others), sources=(Source(account="words", read="search"),))
        return next((mention.relevance for mention in found if mention.school == "hill"), None)

    @pytest.mark.parametrize(
        ("text", "relevance"),
        [
            ("gun at Hillcrest, Hillcrest Road, Northmere QX1 2AB pupils running", "yes"),
            ("Jordan Moore, head of Hillcrest, hit a pupil on Hillcrest Road", "yes"),
            ("pupils of Hillcrest fight on Hillcrest Road", "yes"),
            ("I will kill myself tomorrow at hillcrest, walking down hillcrest road", "unclear"),
            ("Hillcrest High School beat Hillcrest, say parents", "unclear"),
            ("Hillcrest pupils win in Ohio", "unclear"),
            ("#HillcrestPrimary lockdown, police on Hillcrest Road now", "yes"),
            ("#hillcrestprimary lockdown, police on Hillcrest Road now", "yes"),
            ("pupils fight on Hillcrest Road in Northmere", None),
            ("pupils of Hillcrest High School in Northmere", None),
        ],
    )
    def test_it_is_judged_by_what_stands_beside_it(self, text: str, relevance: str | None) -> None:
        assert self.about(text) == relevance

    @pytest.mark.parametrize(
        ("text", "relevance"),
        [
            ("Hillcrest Academy parents: shame on Hillcrest", None),
            ("Hillcrest Academy pupils fought at Hillcrest in Northmere", "yes"),
            ("Hillcrest Academy in Southdene against Hillcrest of Northmere", "unclear"),
        ],
    )
    def test_beside_another_schools_full_name_it_is_that_school_unless_more_is_said(
        self, text: str, relevance: str | None
    ) -> None:
        other = School(id="a", name="Hillcrest Academy", pack="arden", short_names=("Hillcrest",), town="Southdene")
        assert self.about(text, other) == relevance

    @pytest.mark.parametrize(
        ("text", "relevance"),
        [
            ("#Hillcrest is lovely in autumn", "unclear"),
            ("#OakGrove is lovely in autumn", "unclear"),
            ("#oakgrove is lovely in autumn", "unclear"),
            ("#oakgrove teachers are great", "yes"),
            ("#Hillcrest in Northmere", "yes"),
            ("so sad #hillcrestprimaryschool", "yes"),
        ],
    )
    def test_a_brief_name_is_no_surer_for_being_a_hashtag(self, text: str, relevance: str) -> None:
        assert self.about(text) == relevance

    def test_a_hashtag_that_the_school_says_is_its_own_may_be_its_brief_name(self) -> None:
        school = School(
            id="p", name="Park Grove School", pack="arden", short_names=("Park Grove",), hashtags=("parkgrove",)
        )
        school = replace(school, not_about=("Park Grove Hotel",))
        assert [m.relevance for m in match(post("#parkgrove sings"), (school,))] == ["yes"]
        assert match(post("#parkgrove Park Grove Hotel"), (school,)) == ()


class TestLinks:
    TRUST = "https://www.trust.example/schools"
    ROWAN = School(id="rowan", name="Rowan School", pack="arden", url=f"{TRUST}/rowan/")
    TARN = School(id="tarn", name="Tarn School", pack="arden", url=f"{TRUST}/tarn")

    def about(self, link: str, *schools: School) -> dict[str, str]:
        return {
            m.school: m.relevance for m in match(post("see this", links=(link,)), schools or (self.ROWAN, self.TARN))
        }

    def test_schools_that_share_a_host_are_told_apart_by_the_path(self) -> None:
        assert self.about(f"{self.TRUST}/rowan/news/1") == {"rowan": "yes"}
        assert self.about("http://TRUST.example/Schools/Tarn") == {"tarn": "yes"}
        assert self.about(f"{self.TRUST}/rowanberry") == {}
        assert self.about("https://www.trust.example/jobs") == {}

    def test_what_lies_below_another_schools_address_is_that_schools(self) -> None:
        lead = School(id="lead", name="Lead School", pack="arden", url="https://trust.example")
        assert self.about(f"{self.TRUST}/rowan/a", self.ROWAN, lead) == {"rowan": "yes"}
        assert self.about("https://trust.example/jobs", self.ROWAN, lead) == {"lead": "yes"}

    def test_a_site_that_schools_share_names_none_of_them(self) -> None:
        first, second = (School(id=i, name=f"{i} Vale School", pack="arden", url="https://t.example") for i in "ab")
        assert self.about("https://t.example/x", first, second) == {"a": "unclear", "b": "unclear"}

    def test_a_platforms_host_is_nobodys(self) -> None:
        page = School(id="p", name="Elm Vale School", pack="arden", url="https://www.facebook.com/elmvale")
        bare = School(id="b", name="Ash Vale School", pack="arden", url="https://facebook.com/")
        assert self.about("https://www.facebook.com/elmvale/posts/1", page, bare) == {"p": "yes"}
        assert self.about("https://www.facebook.com/otherthing", page, bare) == {}

    def test_a_handle_stands_in_a_platforms_address_and_not_in_any(self) -> None:
        school = School(id="p", name="Elm Vale School", pack="arden", handles=("elmvale",))
        assert self.about("https://www.tiktok.com/@elmvale/video/1", school) == {"p": "yes"}
        assert self.about("https://social.example/@elmvale", school) == {"p": "yes"}
        assert self.about("https://houses.example/for-sale/elmvale", school) == {}


class TestOrdinaryName:
    PLAIN = School(id="plain", name="The Primary School", pack="arden", town="Tolbeck")

    @pytest.mark.parametrize(
        ("text", "relevance"),
        [
            ("parents of the primary school are angry", []),
            ("The Primary School in Tolbeck is closed", ["yes"]),
            ("so proud of #ThePrimarySchool", []),
        ],
    )
    def test_it_names_the_school_only_beside_its_town(self, text: str, relevance: list[str]) -> None:
        assert [m.relevance for m in match(post(text), (self.PLAIN,))] == relevance
