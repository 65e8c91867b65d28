"""What a mail shows, what it must never show, and that nobody can smuggle anything into it."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.digest import Blind, Digest, Line, Tone
from alerts.errors import AlertError
from alerts.excerpt import LIMIT, Excerpt, may_quote, quotation
from alerts.flag import CONCERNS, GRAVE, QUOTABLE
from alerts.render import Letter, Matter, Place, digest_mail, incident_mail
from alerts.route import Exemption, Receiver, Route
from alerts.wording import act_phrase, concern_name, happening, how_soon, long_time, role_name
from classifiers.verdict import Span

AT = datetime(2026, 11, 20, 8, 15, tzinfo=UTC)
SAID = "Tom Sample of Year 5 was left in the rain & <b>nobody</b> cared"
HEAD = Receiver(
    role="headteacher", person="erin", name="Erin Example", address="erin@school.example", why="You are Head."
)


def matter(*concerns: str, **changes: Any) -> Matter:
    fields: dict[str, Any] = {
        "reference": "WT-7F3K",
        "school": "Hillcrest Primary",
        "document": "Example Trust, Social Media Policy (2023)",
        "short": "ETSP",
        "concerns": concerns or ("criticism",),
        "first_at": AT,
        "last_at": AT + timedelta(hours=2),
        "link": "https://watcher.trust.example/incidents/WT-7F3K",
        "posts": 3,
        "places": (Place(platform="facebook", url="https://www.facebook.com/hillcrest/posts/1?a=1&b=2"),),
        "excerpts": (Excerpt(text=SAID, spans=(Span(start=0, end=10, kind="pupil_name"),)),),
        "others": ("ceo", "chair_of_governors"),
    }
    return Matter(**{**fields, **changes})


def route(concern: str = "criticism", **changes: Any) -> Route:
    fields: dict[str, Any] = {
        "concern": concern,
        "recipients": ("headteacher",),
        "clause": "8.1.9 ¶2",
        "quotation": "Staff should not respond without express approval.",
        "within": "without unreasonable delay",
        "within_minutes": 480,
        "instructions": ("Do not reply before the Head of School has approved the wording.",),
    }
    return Route(**{**fields, **changes})


def letter(**changes: Any) -> Letter:
    fields: dict[str, Any] = {"message_id": "<abc@trust.example>", "date": AT, "sender": "watcher@trust.example"}
    return Letter(**{**fields, **changes})


def sent(
    shown: Matter, routes: Sequence[Route] | None = None, to: Receiver = HEAD, **outside: Any
) -> tuple[EmailMessage, str, str]:
    """The mail as a mail program reads it, its text, and its HTML."""
    routes = [route(concern) for concern in shown.concerns] if routes is None else routes
    return read(incident_mail(shown, to, routes, letter(**outside)))


def read(raw: bytes) -> tuple[EmailMessage, str, str]:
    mail = BytesParser(policy=policy.default).parsebytes(raw)
    assert isinstance(mail, EmailMessage)
    assert mail.defects == []
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert isinstance(text, EmailMessage)
    assert isinstance(html, EmailMessage)
    return mail, text.get_content(), html.get_content()


class _Words(HTMLParser):
    """What a page shows, and where it would fetch from or lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._hidden += tag in ("style", "title")
        for name, value in attrs:
            if tag == "a" and name == "href":
                self.links.append(value or "")
            elif name in ("src", "srcset", "background", "href", "poster") or (
                name == "style" and "url(" in (value or "")
            ):
                self.fetched.append(f"{tag} {name} {value}")
            assert not name.startswith("on")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("style", "title")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words.append(data)


def page(html: str) -> _Words:
    words = _Words()
    words.feed(html)
    return words


def visible(html: str) -> str:
    return " ".join(" ".join(page(html).words).split())


class TestEveryConcern:
    @pytest.mark.parametrize("concern", CONCERNS)
    def test_subject_and_beginning_are_neutral(self, concern: str) -> None:
        mail, text, html = sent(matter(concern))
        assert mail["Subject"] == (
            f"[Watcher] {concern_name(concern)} – Hillcrest Primary – act without unreasonable delay (WT-7F3K)"
        )
        for beginning in (text[:200], visible(html)[:200]):
            assert not re.search(r"Tom|Sample|rain|http|8\.1\.9|headteacher", beginning)
            assert concern_name(concern).lower() not in beginning.lower()
            assert len(beginning) == 200

    @pytest.mark.parametrize("concern", CONCERNS)
    def test_all_that_a_person_needs_is_there_in_both_versions(self, concern: str) -> None:
        _, text, html = sent(matter(concern))
        for version in (text, visible(html)):
            flat = " ".join(version.split())
            for needed in (
                happening(concern),
                "Friday 20 November 2026, 08:15",
                "Facebook",
                "8.1.9 ¶2 names you, as headteacher",
                "Staff should not respond without express approval.",
                "Example Trust, Social Media Policy (2023)",
                "The policy says “without unreasonable delay”",
                "Do not reply before the Head of School has approved the wording.",
                "Watcher has also told the CEO and the chair of governors.",
                "https://watcher.trust.example/incidents/WT-7F3K",
                "You are Head.",
            ):
                assert needed in flat, needed
        assert "https://www.facebook.com/hillcrest/posts/1?a=1&b=2" in text
        assert "None" not in text + visible(html)

    @pytest.mark.parametrize("concern", CONCERNS)
    def test_only_quotable_concerns_quote(self, concern: str) -> None:
        _, text, html = sent(matter(concern))
        for version in (text, visible(html)):
            assert ("of Year 5 was left in the rain" in version) == (concern in QUOTABLE)
            assert "Tom" not in version
            assert "Sample" not in version

    @pytest.mark.parametrize("concern", [c for c in CONCERNS if c not in QUOTABLE])
    def test_one_concern_that_must_not_quote_silences_all(self, concern: str) -> None:
        for order in (("criticism", concern), (concern, "criticism")):
            _, text, html = sent(matter(*order))
            assert "rain" not in text + html

    @pytest.mark.parametrize("concern", QUOTABLE)
    def test_nothing_is_quoted_where_somebody_is_accused(self, concern: str) -> None:
        _, text, html = sent(matter(concern, about="headteacher"))
        assert "rain" not in text + html

    @pytest.mark.parametrize("concern", GRAVE)
    def test_a_grave_concern_says_whom_to_call(self, concern: str) -> None:
        mail, text, html = sent(matter(concern))
        assert "call 999" in text
        assert "call 999" in visible(html)
        assert mail["Importance"] == "high"

    @pytest.mark.parametrize("concern", ["sexual_content", "indecent_image"])
    def test_what_may_be_an_indecent_image_is_not_linked_and_not_to_be_opened(self, concern: str) -> None:
        _, text, html = sent(matter(concern))
        assert "Do not open, copy" in text
        assert "Do not open, copy" in visible(html)
        assert not any("facebook" in link for link in page(html).links)
        assert "https://www.facebook.com/hillcrest/posts/1" in visible(html)

    @pytest.mark.parametrize("concern", CONCERNS)
    def test_nothing_is_fetched_when_the_mail_is_opened(self, concern: str) -> None:
        _, _, html = sent(matter(concern))
        words = page(html)
        assert words.fetched == []
        assert not words.tags & {"img", "script", "link", "iframe", "video", "form"}
        assert "@import" not in html
        assert "prefers-color-scheme: dark" in html


class TestMatter:
    def test_a_fallback_is_shown_as_ours(self) -> None:
        ours = route("press", clause=None, quotation=None, fallback=True, within=None, within_minutes=1440)
        mail, text, _ = sent(matter("press"), [ours])
        assert "The policy names nobody for this (“Press enquiry”). Watcher’s own rule" in text
        assert "names you, as headteacher" in text
        assert "The policy names no time. Watcher’s own rule: by the next working day." in text
        assert "act by the next working day" in mail["Subject"]

    def test_an_exception_is_explained(self) -> None:
        chair = Receiver(role="chair_of_governors", person="c", name="C", address="c@x.example", why="")
        conflict = route(
            "staff_conduct",
            recipients=("chair_of_governors", "ceo"),
            clause="9.2",
            exception=Exemption(clause="9.2", text="The concern is about the headteacher, who is not told."),
        )
        _, text, _ = sent(matter("staff_conduct", about="headteacher", others=("ceo",)), [conflict], chair)
        assert "ETSP 9.2 names you, as chair of governors, and the CEO, for “Staff conduct online”." in text
        assert "The concern is about the headteacher, who is not told." in text
        assert "told the CEO." in text

    def test_a_deputy_learns_whom_the_clause_names(self) -> None:
        deputy = Receiver(role="deputy_dsl", person="d", name="D", address="d@x.example", why="The DSL is away.")
        _, text, _ = sent(matter("self_harm"), [route("self_harm", recipients=("dsl",))], deputy)
        assert "8.1.9 ¶2 names the DSL, for" in text
        assert "The DSL is away." in text

    @pytest.mark.parametrize("concern", CONCERNS)
    def test_no_mail_asks_for_what_cannot_be_done(self, concern: str) -> None:
        mute = replace(route(concern), instructions=())
        for about in (None, "headteacher"):
            _, text, html = sent(matter(concern, about=about), [mute])
            for version in (text, visible(html)):
                flat = " ".join(version.split())
                assert "Decide what is to be done and by whom, and keep your own note of it" in flat
                assert "opens only on the machine where Watcher runs" in flat
                asked = (
                    "whoever runs Watcher the reference WT-7F3K" if about else "your IT provider to close WT-7F3K in"
                )
                assert asked in flat
                assert not re.search(r"(?i)open the incident|it down there|on the incident’s page|--set", flat)

    def test_whoever_runs_watcher_is_given_the_command_itself(self) -> None:
        us = replace(HEAD, role="it_provider")
        _, text, html = sent(matter("blind_spot", posts=0, places=(), excerpts=()), to=us)
        for version in (text, visible(html)):
            assert 'watcher incidents WT-7F3K --set resolved --why "…"' in version
            assert "your IT provider" not in version

    def test_a_conflict_says_whom_not_to_tell_and_where_the_post_is(self) -> None:
        chair = replace(HEAD, role="chair_of_governors")
        shown = matter("misconduct_allegation", about="headteacher,dsl", others=("ceo",), posts=1)
        _, text, html = sent(shown, to=chair)
        for version in (text, visible(html)):
            flat = " ".join(version.split())
            for needed in (
                "A post alleges misconduct by somebody who works for the school.",
                "It is, or may be, about the headteacher and the DSL, whom Watcher has not told.",
                "Please do not tell them, or anybody who would,",
                "Watcher has also told the CEO.",
                "shows the posts to nobody yet",
                "its address is under “Where”",
                "tell them nothing else of it",
                "That is why it comes to you, as chair of governors, past the usual way.",
                "Nobody has checked whether it is true",
                "you may get one in a year, or none",
                "do not ask around",
                "speak to your local authority’s designated officer (LADO) before you speak to that person",
            ):
                assert needed in flat, needed
            parts = ("What this is", "Who else knows", "Whom not to tell", "The next step", "Where help is", "Why you")
            places = [flat.casefold().index(part.casefold(), 240) for part in parts]
            assert places == sorted(places)
            assert "headteacher" not in flat[:200]
        assert "https://www.facebook.com/hillcrest/posts/1?a=1&b=2" in text

    @pytest.mark.parametrize(
        ("concern", "places", "said"),
        [
            ("criticism", (Place(platform="x", url="https://x.example/1"),) * 2, "their addresses are under"),
            ("criticism", (Place(platform="report"),), "no web address for the post"),
            ("sexual_content", (Place(platform="x", url="https://x.example/1"),), ""),
        ],
    )
    def test_where_the_posts_of_a_conflict_are(self, concern: str, places: tuple[Place, ...], said: str) -> None:
        _, text, _ = sent(matter(concern, about="ceo", places=places))
        assert said in text
        assert ("the post itself" in text or "under “Where”" in text) == bool(said)

    def test_it_is_said_who_can_open_the_page(self) -> None:
        for concern, targets, closed in (
            ("criticism", (), False),
            ("self_harm", (), True),
            ("staff_conduct", (), True),
            ("cyberbullying", ("pupil",), True),
            ("cyberbullying", ("teacher",), False),
        ):
            _, text, _ = sent(matter(concern, targets=targets))
            assert ("unless the DSL opens the matter to them" in text) == closed, (concern, targets)
            assert ("your IT provider can open it" in text) != closed

    def test_where_a_link_says_i_have_it_the_mail_shows_it(self) -> None:
        link = "https://watcher.trust.example/n/abc/def"
        for about in (None, "headteacher"):
            _, text, html = sent(matter("misconduct_allegation", about=about, action=link))
            assert link in text
            assert link in page(html).links
            assert "Say that you have it" in visible(html)
        assert "Say that you have it" not in sent(matter())[1]

    def test_a_matter_about_nobody_asks_for_no_silence(self) -> None:
        _, text, _ = sent(matter())
        assert "do not tell them" not in text
        assert "to nobody yet" not in text

    def test_what_the_clause_has_said_is_not_said_again(self) -> None:
        told = replace(HEAD, why="ETSP 8.1.9 ¶2 names the headteacher.")
        _, text, _ = sent(matter(), to=told)
        assert "names you, as headteacher" in text
        assert "names the headteacher" not in text

    def test_several_concerns_are_one_mail_whose_subject_names_the_worst_and_the_soonest(self) -> None:
        routes = [route("cyberbullying"), route("threat", clause="9.4", within="immediately", within_minutes=5)]
        mail, text, html = sent(matter("threat", "cyberbullying"), routes)
        assert mail["Subject"] == "[Watcher] Threat and more – Hillcrest Primary – act immediately (WT-7F3K)"
        assert "Threat and cyberbullying" in visible(html)
        assert text.index("9.4 names") < text.index("8.1.9 ¶2 names")
        assert text.count("Do not reply before") == 1

    def test_concerns_of_one_clause_are_told_in_one_sentence(self) -> None:
        _, text, _ = sent(matter("criticism", "complaint"))
        assert text.count("8.1.9 ¶2 names you") == 1
        assert "for “Criticism and complaint”." in text

    def test_times_are_the_schools_also_in_summer(self) -> None:
        july = datetime(2026, 7, 3, 22, 40, tzinfo=UTC)
        assert long_time(july, "Europe/London") == "Friday 3 July 2026, 23:40"
        _, text, _ = sent(matter(first_at=july, last_at=july))
        assert "Friday 3 July 2026, 23:40" in text
        assert "until" not in text

    def test_who_else_was_told_is_named_but_not_where_somebody_is_accused(self) -> None:
        named = (("ceo", "Carol Example"), ("chair_of_governors", "Ann Example and Bo Example"))
        _, text, _ = sent(matter(named=named))
        assert "told the CEO (Carol Example) and the chair of governors (Ann Example and Bo Example)." in text
        _, text, _ = sent(matter("misconduct_allegation", about="headteacher", named=named))
        assert "told the CEO and the chair of governors." in text
        assert "Carol" not in text

    def test_nobody_else_was_told(self) -> None:
        assert "Watcher has told nobody else." in sent(matter(others=()))[1]

    def test_many_places_and_posts_are_counted_not_listed(self) -> None:
        places = tuple(Place(platform="x", url=f"https://x.com/a/status/{n}") for n in range(200))
        _, text, html = sent(matter(places=places, posts=200))
        assert text.count("https://x.com/") == 5
        assert "and 195 more" in text
        assert "and 195 more" in visible(html)
        assert "200" in text

    def test_a_place_without_an_address_and_a_scheme_that_is_no_web_address(self) -> None:
        places = (Place(platform="report"), Place(platform="rss", url="javascript:alert(1)"))
        _, text, html = sent(matter(places=places))
        assert "Report by a person" in text
        assert not any(link.startswith("javascript") for link in page(html).links)

    def test_a_blind_source_has_a_note_and_no_posts(self) -> None:
        note = "The source hillcrest-page cannot be read since Tuesday: the token has expired."
        shown = matter("blind_spot", note=note, posts=0, places=(), excerpts=())
        _, text, html = sent(shown)
        assert note in text
        assert note in visible(html)
        assert "Posts:" not in text

    def test_an_uncertain_reading_is_said(self) -> None:
        assert "uncertain" in sent(matter(undecided=True))[1]
        assert "uncertain" not in sent(matter())[1]

    def test_an_incident_without_a_route_is_refused(self) -> None:
        with pytest.raises(AlertError, match="WT-7F3K"):
            incident_mail(matter(), HEAD, [], letter())


class TestEnvelope:
    def test_headers(self) -> None:
        mail, _, _ = sent(matter())
        assert mail["Message-ID"] == "<abc@trust.example>"
        assert mail["Date"].datetime == AT
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["To"].addresses[0].addr_spec == "erin@school.example"
        assert mail["From"] == "Watcher <watcher@trust.example>"
        assert mail["In-Reply-To"] is None

    def test_later_mails_hang_on_the_first(self) -> None:
        mail, text, html = sent(matter(), thread="<first@trust.example>", reason="new_concern")
        assert mail["In-Reply-To"] == mail["References"] == "<first@trust.example>"
        assert mail["Subject"].startswith("[Watcher] New concern: Criticism – ")
        assert "New concern" in text
        assert "New concern" in visible(html)

    def test_a_long_message_id_stays_whole(self) -> None:
        long = f"<{'a' * 26}@{'very-long-label.' * 6}example>"
        raw = incident_mail(matter(), HEAD, [route()], letter(message_id=long, thread=long.replace("a", "b", 1)))
        assert long in raw.decode("ascii")
        assert read(raw)[0]["References"].strip() == long.replace("a", "b", 1)

    def test_the_same_notice_is_the_same_bytes(self) -> None:
        again = [incident_mail(matter(), HEAD, [route()], letter()) for _ in range(2)]
        assert again[0] == again[1]

    def test_it_is_plain_seven_bit_mail_with_crlf(self) -> None:
        raw = incident_mail(matter(school="École Ünïted 🎓"), HEAD, [route()], letter())
        raw.decode("ascii")
        assert b"\n" not in raw.replace(b"\r\n", b"")
        assert max(len(line) for line in raw.split(b"\r\n")) <= 998
        assert "École Ünïted 🎓" in read(raw)[0]["Subject"]

    @pytest.mark.parametrize(
        "evil", ["Erin\r\nBcc: eve@evil.example", "Erin\x00\u2028Bcc: x", '"Erin" <eve@evil.example>,']
    )
    def test_names_cannot_add_headers_or_receivers(self, evil: str) -> None:
        to = Receiver(role="headteacher", person="erin", name=evil, address="erin@school.example", why=evil)
        shown = matter(school=evil, reference=evil)
        mail, _, _ = sent(shown, to=to, sender_name=evil)
        assert mail["Bcc"] is None
        assert [a.addr_spec for a in mail["To"].addresses] == ["erin@school.example"]
        assert [a.addr_spec for a in mail["From"].addresses] == ["watcher@trust.example"]

    @pytest.mark.parametrize("address", ["", "erin", "erin@x.example\r\nBcc: eve@evil.example", "a@b@c", "<>"])
    def test_an_address_that_is_none_is_refused_clearly(self, address: str) -> None:
        to = Receiver(role="headteacher", person="erin", name="Erin", address=address, why="")
        with pytest.raises(AlertError, match="address of the headteacher"):
            sent(matter(), to=to)
        with pytest.raises(AlertError, match="address of the sender"):
            sent(matter(), sender=address)


HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "</mj-text></mjml><mj-include path='/etc/passwd'/>",
    "{{ 7*7 }}{% raw %} ]]> <!-- --> <![CDATA[ &amp;lt; &#x3c; &bogus;",
    "\u202egnp.exe\u202c \ud800 \x00\x1b[31m \ufeff",
    '\'" style="background:url(https://evil.example/x)"',
)


class TestHostileText:
    @pytest.mark.parametrize("evil", HOSTILE)
    def test_nothing_that_a_post_says_becomes_markup(self, evil: str) -> None:
        shown = matter(
            "criticism",
            school=evil,
            document=evil,
            note=evil,
            places=(Place(platform="x", url=f"https://x.com/{evil}"), Place(platform=evil)),
            excerpts=(Excerpt(text=evil),),
        )
        to = Receiver(role="headteacher", person="e", name=evil, address="erin@school.example", why=evil)
        words = page(sent(shown, [route(quotation=evil, instructions=(evil,))], to)[2])
        assert words.fetched == []
        assert not words.tags & {"script", "img", "mj-include"}
        assert "49" not in " ".join(words.words)

    def test_an_odd_character_does_not_stop_a_mail(self) -> None:
        evil = "".join(map(chr, [*range(32), 127, 0x85, 0x2028, 0xD800, 0xDFFF, 0xFFFE, 0x10FFFF]))
        _, text, _ = sent(matter(excerpts=(Excerpt(text=f"begin{evil}end"),)))
        assert "begin" in text
        assert "end" in text

    def test_a_post_of_any_size_is_quoted_in_no_time(self) -> None:
        began = time.monotonic()
        for text in ("a" + "\u0301" * 200_000, "😀" * 20_000, "a" * 2_000_000, "a@" * 100_000, "x " * 500_000):
            assert len(quotation(Excerpt(text=text))) <= LIMIT
        assert time.monotonic() - began < 5

    @settings(max_examples=60, deadline=None)
    @given(st.text(max_size=300), st.text(max_size=60))
    def test_whatever_is_said_the_mail_can_be_read(self, said: str, name: str) -> None:
        shown = matter("press", school=name, excerpts=(Excerpt(text=said),))
        words = page(sent(shown, [route("press")])[2])
        assert words.fetched == []


class TestQuotation:
    def test_names_are_masked_wherever_they_stand(self) -> None:
        said = "Tom Sample again! I told TOM SAMPLE and Tom Samples, mail erin@x.example or see https://x.example/tom"
        words = quotation(Excerpt(text=said, spans=(Span(start=0, end=10, kind="pupil_name"),)))
        assert words == "[name] again! I told [name] and Tom Samples, mail [email address] or see [link]"

    def test_every_kind_of_span_is_masked_also_where_they_overlap(self) -> None:
        said = "Erin Example, 07700 900123, @erin"
        spans = (
            Span(start=5, end=20, kind="phone"),
            Span(start=0, end=12, kind="adult_name"),
            Span(start=14, end=26, kind="phone"),
            Span(start=28, end=99, kind="handle"),
            Span(start=-5, end=-1, kind="other"),
        )
        words = quotation(Excerpt(text=said, spans=spans))
        assert not re.search(r"Erin|Example|07700|900123|erin", words)
        assert words.count("[") == words.count("]")

    def test_it_is_cut_at_a_word(self) -> None:
        words = quotation(Excerpt(text="word " * 400))
        assert len(words) <= LIMIT
        assert words.endswith("word…")
        assert quotation(Excerpt(text="x" * 600)) == "x" * 499 + "…"
        assert quotation(Excerpt(text="y" * 500)) == "y" * 500

    @given(st.text(alphabet="ab \n", max_size=80), st.lists(st.tuples(st.integers(-5, 90), st.integers(-5, 90))))
    def test_no_masked_character_survives(self, said: str, ends: list[tuple[int, int]]) -> None:
        secret = said.replace("a", "Z").replace("b", "Z")
        spans = tuple(Span(start=a, end=b, kind="phone") for a, b in ends)
        kept = [c for i, c in enumerate(secret) if not any(a <= i < b for a, b in ends)]
        assert quotation(Excerpt(text=secret, spans=spans)).replace("[phone number]", "").count("Z") == kept.count("Z")

    def test_who_may_be_quoted(self) -> None:
        assert may_quote(("criticism", "press"), None)
        assert not may_quote(("criticism", "threat"), None)
        assert not may_quote(("criticism",), "headteacher")
        assert not may_quote((), None)


class TestWording:
    def test_every_concern_has_a_name_and_a_sentence(self) -> None:
        assert len({concern_name(concern) for concern in CONCERNS}) == len(CONCERNS)
        assert all(happening(concern).endswith(".") for concern in CONCERNS)
        assert concern_name("a_new_one") == "A new one"

    @pytest.mark.parametrize(
        ("within", "minutes", "words"),
        [
            ("immediately", 5, "act immediately"),
            (None, 5, "act immediately"),
            (None, 60, "act within the hour"),
            (None, 240, "act within 4 hours"),
            (None, 480, "act within the working day"),
            (None, 1440, "act by the next working day"),
            (None, 7200, "act within 5 days"),
            ("quickly and effectively", 1440, "act quickly and effectively"),
        ],
    )
    def test_how_soon(self, within: str | None, minutes: int, words: str) -> None:
        assert act_phrase(route(within=within, within_minutes=minutes)) == words

    def test_ours_is_called_ours(self) -> None:
        assert "the reading is ours" in how_soon(route(within="promptly", within_minutes=1440))
        assert how_soon(route(within="immediately", within_minutes=5)) == "The policy says “immediately”."

    def test_a_role_begins_a_line(self) -> None:
        assert role_name("chair_of_governors") == "Chair of governors"
        assert role_name("dsl") == "DSL"


WEEK = Digest(
    scope="Hillcrest Primary",
    week="2026-W46",
    read=412,
    mentions=38,
    tone=Tone(criticism=5, praise=12, other=21),
    flags={"criticism": 5, "praise": 12},
    opened=2,
    matters=(
        Line(
            reference="WT-OLD",
            school="Hillcrest Primary",
            concerns=("criticism",),
            state="open",
            clause="ETSP 8.1.9 ¶2",
            opened_at=AT - timedelta(days=9),
            overdue=True,
            posts=14,
            link="https://watcher.trust.example/incidents/WT-OLD",
        ),
        Line(
            reference="WT-HAND",
            school="Millbrook Primary",
            concerns=("press", "cyberbullying"),
            state="in_progress",
            clause=None,
            opened_at=AT - timedelta(days=10),
        ),
    ),
    praise=(Excerpt(text="Thank you Mr Sample, a lovely fair", spans=(Span(start=13, end=19, kind="adult_name"),)),),
    blind=(
        Blind(source="hillcrest-page", platform="facebook", since=AT - timedelta(days=8)),
        Blind(source="dene-page", platform="facebook", since=AT - timedelta(days=8), partly=True),
    ),
    unread={"language": 2, "picture": 1},
    link="https://watcher.trust.example/",
)


class TestDigestMail:
    def test_a_quiet_week_says_so_first(self) -> None:
        mail, text, html = read(digest_mail(Digest(scope="Hillcrest Primary", week="2026-W46"), HEAD, letter()))
        assert text.startswith("NOTHING NEEDS YOU")
        assert "Nothing needs you" in visible(html)[:120]
        assert mail["Subject"] == "[Watcher] Week 2026-W46 – Hillcrest Primary"
        assert "Every source could be read" in text
        assert "The links" not in text + visible(html)

    def test_what_needs_somebody_comes_first_and_the_rest_after(self) -> None:
        _, text, html = read(digest_mail(WEEK, HEAD, letter()))
        for version in (text, visible(html)):
            flat = " ".join(version.split())
            assert flat.index("WT-OLD") < flat.index("WT-HAND")
            for needed in (
                "Monday 9 November 2026 to Sunday 15 November 2026",
                "Under ETSP 8.1.9 ¶2, 14 posts",
                "No clause: Watcher’s own rule",
                "Press enquiry and cyberbullying, Millbrook Primary",
                "In progress",
                "412",
                "could not read everything this week",
                "hillcrest-page (Facebook): from Thursday 12 November 2026, 08:15 and still not readable",
                "dene-page (Facebook): in part, from Thursday 12 November 2026, 08:15 and still not readable",
                "2 posts: in a language Watcher does not read",
                "1 post: pictures with little text",
                "Thank you Mr [name], a lovely fair",
                "https://watcher.trust.example/",
                "The links open only on the machine where Watcher runs.",
            ):
                assert needed in flat, needed
        assert text.startswith("1 MATTER NEEDS SOMEBODY")
        assert "OVERDUE" in text
        assert "Sample" not in text + html
        assert page(html).fetched == []

    @pytest.mark.parametrize("evil", HOSTILE)
    def test_hostile_words_stay_words(self, evil: str) -> None:
        week = Digest(
            scope=evil,
            week="2026-W46",
            praise=(Excerpt(text=evil),),
            blind=(Blind(source=evil, platform=evil, since=AT, until=AT),),
            unread={evil: 1},
            flags={evil: 1},
        )
        words = page(read(digest_mail(week, HEAD, letter()))[2])
        assert words.fetched == []
        assert not words.tags & {"script", "img", "mj-include"}


def moved(*words: str, text: str = SAID, spans: tuple[Span, ...] = ()) -> Excerpt:
    found = (Span(start=text.index(w), end=text.index(w) + len(w), kind="criticism") for w in words)
    return Excerpt(text=text, spans=spans or (Span(start=0, end=10, kind="pupil_name"),), moved=tuple(found))


def test_the_mail_says_which_words_moved_it_and_how_sure_it_is() -> None:
    sure = "About 7 in 10 posts scored like this criticise the school (71%)."
    _, text, html = sent(matter(excerpts=(moved("left in the rain", "<b>nobody</b>"),), likelihoods=(sure,)))
    assert "The words that moved it: “left in the rain”, “<b>nobody</b>”" in " ".join(text.split())
    assert f"How sure:  {sure}" in text
    assert sure in html
    assert "&lt;b&gt;nobody&lt;/b&gt;" in html


def test_names_among_the_words_that_moved_it_are_masked() -> None:
    _, text, _ = sent(matter(excerpts=(moved("Sample of Year", "Tom", "left", text=f"{SAID}, Tom Sample"),)))
    assert "The words that moved it: “[name] of Year”, “left”" in " ".join(text.split())


@pytest.mark.parametrize("concern", [c for c in CONCERNS if c not in QUOTABLE])
def test_what_may_not_be_quoted_is_not_quoted_in_words_either(concern: str) -> None:
    _, text, html = sent(matter(concern, excerpts=(moved("left in the rain"),)))
    assert "left in the rain" not in text + html


def test_no_words_of_a_matter_with_an_accused_stand_in_its_mail() -> None:
    _, text, html = sent(matter(about="headteacher", excerpts=(moved("left in the rain"),)))
    assert "left in the rain" not in text + html
