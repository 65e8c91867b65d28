"""What schools are looked for by, and each platform's queries; all schools, towns and people are invented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from alerts.mention import finders
from alerts.query import LONGEST, MOST_HASHTAGS, Plan, plan
from alerts.school import RoleHolder, School
from alerts.term import Term, covers, terms, words
from alerts.writing import size
from connectors.post import Post

TODAY = date(2026, 11, 20)
HOLLIN = School(
    id="hollin",
    name="Hollin Primary School",
    pack="wessex",
    short_names=("Hollin", "Hollin Primary"),
    handles=("@hollinprimary",),
    hashtags=("#HollinLife",),
    town="Tolbeck",
    not_about=("Hollin Road", "Hollin, Ohio", "holly bush"),
    role_holders=(
        RoleHolder(name="Ada Birk", role="headteacher", end=date(2027, 8, 31)),
        RoleHolder(name="Lew Orme", role="chair_of_governors", end=date(2026, 11, 19)),
    ),
)
DENE = School(id="dene", name="Dene Valley Academy", pack="arden", short_names=("Dene",), town="Tolbeck")


def kinds(found: tuple[Term, ...]) -> dict[str, list[str]]:
    return {kind: [t.text for t in found if t.kind == kind] for kind in ("name", "short_name", "hashtag", "handle")}


def asked(platform: str, *schools: School, today: date = TODAY, own: tuple[str, ...] = ()) -> list[str]:
    return [query.text for query in plan(platform, schools, today, own=own).queries]


def test_a_school_goes_by_its_names_tags_handles_and_who_stands_for_it() -> None:
    assert kinds(terms(HOLLIN, TODAY)) == {
        "name": ["Hollin Primary School"],
        "short_name": ["Hollin", "Hollin Primary"],
        "hashtag": ["HollinLife"],
        "handle": ["hollinprimary"],
    }
    [head] = [term for term in terms(HOLLIN, TODAY) if term.kind == "role_holder"]
    assert (head.text, head.beside, head.until) == ("Ada Birk", ("Hollin",), date(2027, 8, 31))


def test_a_lone_short_name_needs_the_town_or_school_matters_beside_it() -> None:
    lone, telling = (term for term in terms(HOLLIN, TODAY) if term.kind == "short_name")
    assert lone.beside[:2] == ("Tolbeck", "school")
    assert lone.unless == ("Hollin Road", "Hollin Ohio", "holly bush")
    assert (telling.beside, telling.unless) == ((), ())


@pytest.mark.parametrize(("day", "known"), [(date(2026, 11, 19), True), (date(2026, 11, 20), False)])
def test_a_role_holder_is_looked_for_until_the_last_day(day: date, known: bool) -> None:
    for platform in ("x", "reddit", "youtube", "bluesky", "mastodon", "threads"):
        text = " ".join(asked(platform, HOLLIN, today=day))
        assert ("Lew Orme" in text) is known, platform
        assert "Ada Birk" in text


def test_a_role_holder_is_never_looked_for_without_the_schools_name() -> None:
    for platform in LONGEST:
        for query in plan(platform, [HOLLIN, DENE], TODAY).queries:
            for found in re.finditer("Ada Birk", query.text):
                assert re.match(r'[" ]*(AND )?\(?"?Hollin', query.text[found.end() :]), (platform, query.text)


def test_only_those_who_stand_for_a_school_in_public_can_be_looked_for() -> None:
    with pytest.raises(ValueError, match="role 'teacher' is not one of headteacher"):
        RoleHolder(name="Ada Birk", role="teacher", end=TODAY)


def test_the_later_end_counts_where_somebody_holds_two_roles() -> None:
    both = (
        RoleHolder(name="Ada Birk", role="ceo", end=date(2028, 1, 1)),
        RoleHolder(name="ADA BIRK", role="headteacher", end=date(2027, 1, 1)),
    )
    school = School(id="s", name="Dene Academy", pack="arden", role_holders=both)
    assert [t.until for t in terms(school, TODAY) if t.kind == "role_holder"] == [date(2028, 1, 1)]


def test_x_gets_one_query_with_brackets_of_its_own_for_what_means_something_else() -> None:
    [query] = asked("x", HOLLIN, DENE)
    assert query == (
        '("Dene Valley Academy" OR "Hollin Primary" OR #HollinLife OR @hollinprimary OR ("Ada Birk" Hollin) OR '
        '((Dene OR (Hollin -"Hollin Road" -"Hollin Ohio" -"holly bush")) '
        "(Tolbeck OR school OR academy OR pupils OR parents OR teacher OR headteacher))) -is:retweet"
    )
    assert size(query) <= 512


def test_what_the_schools_own_account_reads_is_not_paid_for_again() -> None:
    [query] = asked("x", HOLLIN, own=("hollinprimary",))
    assert "OR @hollinprimary" not in query
    assert query.endswith("-is:retweet -from:hollinprimary -@hollinprimary")
    assert asked("x", School(id="s", name="—", pack="arden", handles=("hollinprimary",)), own=("hollinprimary",)) == [
        ""
    ]


def test_languages_keep_what_x_cannot_tell() -> None:
    english = School(id="a", name="Dene Academy", pack="arden", languages=("en", "pl"))
    [query] = asked("x", english)
    assert query == '"Dene Academy" (lang:en OR lang:pl OR lang:und) -is:retweet'
    assert len(asked("x", english, HOLLIN)) == 2, "a school of other languages has a query of its own"


def test_tags_and_handles_are_asked_for_in_all_languages() -> None:
    # What holds nothing but a tag or a name has a language of X's own, by which no search of its API is known to ask.
    [query] = asked("x", replace(HOLLIN, role_holders=(), short_names=(), languages=("en", "cy")))
    assert query == (
        '(#HollinLife OR @hollinprimary OR ("Hollin Primary School" (lang:cy OR lang:en OR lang:und))) -is:retweet'
    )
    bare = School(id="s", name="—", pack="arden", hashtags=("HollinLife",), languages=("en",))
    assert asked("x", bare) == ["#HollinLife -is:retweet"]


def test_a_language_that_x_does_not_know_is_not_asked_for() -> None:
    school = School(id="a", name="Dene Academy", pack="arden", languages=("gd", "en", "zzz"))
    assert asked("x", school) == ['"Dene Academy" (lang:en OR lang:und) -is:retweet']
    assert asked("x", replace(school, languages=("gd", "ga"))) == ['"Dene Academy" -is:retweet']


def test_more_phrases_than_a_query_holds_leave_no_name_out() -> None:
    many = replace(HOLLIN, not_about=tuple(f"Hollin Street Number {n}" for n in range(60)))
    for platform in ("x", "reddit", "mastodon"):
        made = plan(platform, [many], TODAY)
        assert [one.term.text for one, _ in made.left] == [], platform
        assert all(size(query.text) <= LONGEST[platform] for query in made.queries)
        lone = [query for query in made.queries if '"Hollin Street Number 0"' in query.text]
        assert lone, platform
        assert all("school" in query.text or "Tolbeck" in query.text for query in lone)
        assert {one.term.text for query in lone for one in query.sought} >= {"Hollin"}


_TREES = "Alder Birch Cedar Damson Elder Fir Gorse Hazel Ivy Juniper Kelp Larch Maple Nettle Oak Pine Quince Rowan"
_TREES += " Sallow Teasel Ulmus Vetch Willow Yew"


def test_of_a_school_of_many_names_the_head_is_looked_for_beside_each() -> None:
    names = tuple(f"{word} School" for word in _TREES.split())
    names += tuple(f"Great {name}" for name in names) + tuple(f"{name[:-7]} Park Academy" for name in names)
    spoken = tuple(name for name in names if not name.startswith("Great"))
    school = replace(HOLLIN, short_names=names * 2, not_about=())
    for platform in ("x", "reddit", "youtube"):
        made = plan(platform, [school], TODAY)
        assert made.left == (), platform
        assert all(size(query.text) <= LONGEST[platform] for query in made.queries)
        beside = {
            name for q in made.queries for one in q.sought if one.term.text == "Ada Birk" for name in one.term.beside
        }
        assert set(spoken) <= beside
        for name in spoken:
            assert any("Ada Birk" in query.text and name in query.text for query in made.queries), (platform, name)


@pytest.mark.parametrize("handle", ["Hollin", "hol-lin", "Tolbeck", "the"])
def test_a_handle_that_anything_may_bear_is_no_bare_word_where_handles_are_unknown(handle: str) -> None:
    school = School(
        id="s", name="Elm Vale School", pack="arden", short_names=("Hollin",), handles=(handle,), town="Tolbeck"
    )
    for platform in ("bluesky", "mastodon", "reddit", "threads", "youtube"):
        for text in asked(platform, school):
            assert text.strip('"') != handle, platform
            for one in re.findall(rf'"{handle}"(?! (?:AND|school|Tolbeck))', text):
                assert "AND" in text, (platform, text, one)
    assert f"@{handle}" in asked("x", school)[0] or "-" in handle
    plain = replace(school, handles=("elmvale",))
    assert '"elmvale"' in asked("bluesky", plain)


def test_a_hashtag_that_is_a_short_name_is_no_bare_word_on_reddit() -> None:
    school = School(id="s", name="Elm Vale School", pack="arden", short_names=("Hollin",), hashtags=("Hollin",))
    [query] = asked("reddit", school)
    assert query.startswith('"Elm Vale School" OR ("Hollin" AND ("school" OR ')
    assert "#Hollin" in asked("bluesky", school)


def test_a_name_of_ordinary_words_is_looked_for_beside_the_town() -> None:
    school = School(id="s", name="The Primary School", pack="arden", town="Tolbeck")
    assert asked("x", school) == ['("The Primary School" Tolbeck) -is:retweet']
    assert asked("bluesky", school) == ['"The Primary School" Tolbeck']
    [text] = asked("x", replace(school, town=None))
    assert text == '("The Primary School" (academy OR pupils OR parents OR teacher OR headteacher)) -is:retweet'


def test_reddit_and_youtube_take_many_schools_too() -> None:
    [query] = asked("reddit", HOLLIN, DENE)
    assert '("Hollin" NOT "Hollin Road" NOT "Hollin Ohio" NOT "holly bush")' in query
    assert '("Ada Birk" AND "Hollin")' in query
    [query] = asked("youtube", HOLLIN, DENE)
    assert '"Hollin Primary"|#HollinLife' in query
    assert "(" not in query


def test_platforms_without_or_are_asked_for_each_term() -> None:
    assert set(asked("bluesky", HOLLIN)) - {""} == {
        '"Hollin Primary"',
        '"Hollin" Tolbeck',
        '"Hollin" school',
        "#HollinLife",
        '"hollinprimary"',
        '"Ada Birk" Hollin',
    }
    assert '"Hollin" school -"Hollin Road" -"Hollin Ohio" -"holly bush"' in asked("mastodon", HOLLIN)
    assert "Hollin Primary" in asked("threads", HOLLIN)
    domain = School(id="s", name="Dene Academy", pack="arden", handles=("dene.example",))
    assert "@dene.example" in asked("bluesky", domain)


def test_what_two_schools_share_is_asked_once() -> None:
    first = School(id="a", name="St Mary's Primary School", pack="arden", short_names=("St Mary's School",))
    second = School(id="b", name="St Mary's Academy", pack="arden", short_names=("St Mary's School",))
    for platform in ("bluesky", "x"):
        assert sum(text.count('"St Mary\'s School"') for text in asked(platform, first, second)) == 1
    shared = next(q for q in plan("bluesky", [first, second], TODAY).queries if q.text == '"St Mary\'s School"')
    assert shared.batch == ("a", "b")


def test_instagram_gives_each_school_a_hashtag_before_any_gets_two() -> None:
    many = [
        School(id=f"s{n:02}", name=f"School {n}", pack="arden", hashtags=(f"First{n}", f"Second{n}")) for n in range(20)
    ]
    made = plan("instagram", many, TODAY)
    [query] = made.queries
    assert len(query.text.split()) == MOST_HASHTAGS
    assert {f"#First{n}" for n in range(20)} <= set(query.text.split())
    assert sorted(one.term.text for one, why in made.left if "thirty" in why or "30" in why) == sorted(
        f"Second{n}" for n in range(10, 20)
    )
    assert all("hashtags only" in why for one, why in made.left if one.term.kind != "hashtag")


def test_what_no_query_can_hold_is_said() -> None:
    long = School(id="s", name="Hollin " * 200 + "School", pack="arden", short_names=("Dene School",))
    for platform in ("x", "reddit", "youtube", "bluesky", "mastodon", "threads"):
        made = plan(platform, [long], TODAY)
        assert [one.term.kind for one, why in made.left if "longer than" in why] == ["name"], platform
        assert any("Dene School" in query.text for query in made.queries)


def test_an_unknown_platform_is_refused() -> None:
    with pytest.raises(ValueError, match="platform 'linkedin' is not one of x, "):
        plan("linkedin", [HOLLIN], TODAY)


def test_of_two_equal_names_one_covers_the_other() -> None:
    name, short = (Term(kind=kind, text="Dene Academy") for kind in ("name", "short_name"))
    assert (covers(name, short), covers(short, name)) == (True, False)
    twice = School(id="s", name="Dene Academy", pack="arden", short_names=("Dene Academy",))
    assert asked("x", twice) == ['"Dene Academy" -is:retweet']


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("Hollin Primary is closed", ["short_name", "short_name"]),
        ("Hollin in Tolbeck", ["short_name"]),
        ("Hollin pupils on Hollin Road", []),
        ("#hollinlife", ["hashtag"]),
        ("thanks @HollinPrimary", ["handle"]),
        ("Ada Birk runs", []),
        ("Ada Birk of Hollin runs", ["role_holder"]),
        ("nothing", []),
    ],
)
def test_which_terms_have_found_a_post(text: str, kinds: list[str]) -> None:
    post = Post(platform="x", id="1", kind="post", text=text)
    found = [term.kind for term in finders(post, terms(HOLLIN, TODAY)) if term.text != "Hollin Primary School"]
    # "Hollin" stands beside "primary", which is none of the words that a search asks for.
    assert found == (kinds if text != "Hollin Primary is closed" else ["short_name"])


# laws -----------------------------------------------------------------------------------------------------------------

# A school is many fields: to make a failing list of them smaller takes longer than to read it.
LAW = settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
_PLACES = ("Oak", "Rowan Hill", "St Mary's", "Łąka", "Ysgol y Bryn", "Élan 7", "Quay-side", "Dene", "a", "Or", "Not")
_KINDS = ("", " School", " Primary School", " Academy")


@st.composite
def schools(draw: st.DrawFn) -> list[School]:
    made = []
    for number in range(draw(st.integers(1, 7))):
        place = draw(st.sampled_from(_PLACES))
        squashed = "".join(words(place)).title()
        holders = draw(st.lists(st.sampled_from(["Ada Birk", "Lew Orme", "Ivo Quill"]), max_size=2, unique=True))
        made.append(
            School(
                id=f"s{number}-{draw(st.integers(0, 99))}",
                name=place + draw(st.sampled_from(_KINDS)),
                pack="arden",
                short_names=tuple(draw(st.lists(st.sampled_from([place, f"{place} School", "OPS"]), max_size=3))),
                hashtags=(squashed,) if draw(st.booleans()) else (),
                handles=(draw(st.sampled_from([f"{number}_school", "a.example", "me@social.example"])),),
                town=draw(st.sampled_from([None, "Tolbeck", "Castle Mouth"])),
                not_about=tuple(
                    draw(st.lists(st.sampled_from([f"{place} Road", "Ohio", f"{place}, Ohio"]), max_size=3))
                ),
                role_holders=tuple(
                    RoleHolder(name=name, role="ceo", end=TODAY + timedelta(days=draw(st.integers(-2, 2))))
                    for name in holders
                ),
                languages=draw(st.sampled_from([(), (), ("en",), ("pl", "en")])),
            )
        )
    return made


@LAW
@given(schools(), st.randoms(use_true_random=False))
def test_every_term_of_every_school_is_in_some_query_and_no_query_is_too_long(
    made: list[School], random: object
) -> None:
    shuffled = sorted(made, key=lambda school: hash((school.id, random)))
    for platform in LONGEST:
        found = plan(platform, made, TODAY)
        assert found == plan(platform, shuffled, TODAY), "in whatever order, and however often"
        assert all(size(query.text) <= LONGEST[platform] for query in found.queries)
        places = [query.place for query in found.queries]
        assert len(places) == len(set(places))
        known = {(one.school, one.term) for query in found.queries for one in query.sought}
        known |= {(one.school, one.term) for one, _ in found.left}
        assert known == {(s.id, term) for s in made for term in terms(s, TODAY)}
        _holds_its_words(found)


def _holds_its_words(found: Plan) -> None:
    """Every term that is not left out stands in its query, or a shorter one that covers it does."""
    for query in found.queries:
        spoken = words(query.text)
        for one in query.sought:
            shorter = [o.term for o in query.sought if covers(o.term, one.term)]
            alone = [one.term, *shorter] if query.platform in ("x", "reddit", "youtube", "instagram") else []
            candidates = alone or [
                term for term in _family(found, one.school) if term == one.term or covers(term, one.term)
            ]
            assert any(set(words(term.text)) <= set(spoken) for term in candidates), (query.text, one.term)


def _family(found: Plan, school: str) -> list[Term]:
    return [one.term for query in found.queries for one in query.sought if one.school == school]


@LAW
@given(schools(), st.data())
def test_what_finds_a_school_alone_finds_it_among_others(made: list[School], data: st.DataObject) -> None:
    school = data.draw(st.sampled_from(made))
    term = data.draw(st.sampled_from(terms(school, TODAY)))
    spoken = [
        _PREFIX.get(term.kind, "") + term.text,
        *(term.beside[:1]),
        data.draw(st.sampled_from(["", "Tolbeck", "Oak"])),
    ]
    text = " ".join(spoken)
    for platform, finds in (("x", _x_finds), ("reddit", _reddit_finds)):
        alone = any(finds(query.text, text) for query in plan(platform, [school], TODAY).queries if query.text)
        among = any(finds(query.text, text) for query in plan(platform, made, TODAY).queries if query.text)
        assert among or not alone, (platform, text)
        if not any(set(words(phrase)) <= set(words(text)) for phrase in school.not_about):
            assert alone, (platform, text, term)


@LAW
@given(schools())
def test_a_new_school_touches_the_batch_that_it_joins_and_no_other(made: list[School]) -> None:
    *before, new = made
    for platform in ("x", "reddit", "youtube"):
        old = {query.place: query for query in plan(platform, before, TODAY).queries}
        for query in plan(platform, made, TODAY).queries:
            if new.id in query.batch:
                continue
            same = old.get(query.place)
            # Either untouched, or a part of the batch that the new school has made too large.
            assert same == query or any(set(query.batch) <= set(o.batch) for o in old.values()), (platform, query)


_PREFIX = {"hashtag": "#", "handle": "@"}
_TOKEN = re.compile(r'-?"[^"]*"|[()]|[^\s()"]+')


def _tokens(query: str) -> Iterator[str]:
    # A minus before a bracket is not allowed on X; it would show here as a word of its own.
    yield from _TOKEN.findall(query)


class _Reader:
    """Reads a query as the platform does, and says whether it finds a text."""

    def __init__(self, query: str, text: str) -> None:
        self._tokens = list(_tokens(query))
        self._at = 0
        self._spoken = words(text)

    def finds(self) -> bool:
        found = self._any()
        assert self._at == len(self._tokens), "brackets that do not close"
        return found

    def _peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _any(self) -> bool:
        found = self._all()
        while self._peek() == "OR":
            self._take()
            right = self._all()
            found = found or right
        return found

    def _all(self) -> bool:
        found = self._one()
        while self._peek() not in (None, ")", "OR"):
            negated = self._peek() == "NOT"
            if self._peek() in ("AND", "NOT"):
                self._take()
            right = self._one()
            found = found and (not right if negated else right)
        return found

    def _one(self) -> bool:
        token = self._take()
        assert token not in (")", "OR", "AND", "NOT", "-"), token
        if token == "(":
            found = self._any()
            assert self._take() == ")"
            return found
        if token.startswith("-"):
            return not self._holds(token[1:])
        return self._holds(token)

    def _holds(self, token: str) -> bool:
        if token == "is:retweet":
            return False
        if token.startswith("lang:"):
            return True
        phrase = words(token)
        assert phrase, token
        size_of = len(phrase)
        return any(self._spoken[n : n + size_of] == phrase for n in range(len(self._spoken) - size_of + 1))


def _x_finds(query: str, text: str) -> bool:
    return _Reader(query, text).finds()


def _reddit_finds(query: str, text: str) -> bool:
    return _Reader(query, text).finds()
