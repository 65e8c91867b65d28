"""Turns a matter or a digest into the finished mail that waits in the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import lru_cache
from urllib.parse import urlsplit

import css_inline
import mrml
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from alerts import sheet, wording
from alerts.digest import Digest
from alerts.errors import AlertError
from alerts.excerpt import LIMIT, Excerpt, may_quote, moving_words, plain, quotation, shortened
from alerts.flag import GRAVE
from alerts.help import help_for
from alerts.letter import Letter, envelope
from alerts.reminder import Reminder
from alerts.route import Receiver, Route
from alerts.school import title
from alerts.update import Update
from alerts.viewer import Sight, is_closed, roles_in

# A caller finds the mail's outside beside what it shows.
__all__ = [
    "Letter",
    "Matter",
    "Place",
    "digest_mail",
    "incident_mail",
    "probe_mail",
    "reminder_mail",
    "review_mail",
    "summary_mail",
    "update_mail",
]

# As many places and excerpts as fit on a phone.
_PLACES = 5
_EXCERPTS = 3
_MOVED = 6
# What must not be opened by a slip of the thumb.
_NEVER_LINKED = ("indecent_image", "sexual_content")
_UPDATES = {
    "new_concern": "New concern",
    "new_target": "Somebody else is aimed at",
    "more_severe": "More serious than before",
    "chased": "Still waiting",
    "said_again": "Said again",
    "escalated": "Nobody has answered yet",
    "handed_over": "Handed over to you",
    "handed_back": "Handed back",
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where something was said: the platform, and the address of the post where there is one."""

    platform: str
    url: str | None = None


@dataclass(frozen=True, kw_only=True)
class Matter:
    """What an incident's mail shows.

    ``document`` is the policy's full name, ``short`` how it is cited. ``concerns`` are the most serious first.
    ``others`` are the roles that were told beside the receiver, ``named`` who holds them; ``targets`` those aimed at.
    ``note`` is a fact of our own (which source is blind since when), never a word of a post. ``undecided`` says that
    the model was not sure, ``likelihoods`` are sentences that say how sure it was. ``action`` is the address by which
    the receiver says that they have it.
    """

    reference: str
    school: str
    document: str
    short: str
    concerns: tuple[str, ...]
    first_at: datetime
    last_at: datetime
    link: str
    posts: int = 1
    places: tuple[Place, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    others: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()
    about: str | None = None
    note: str = ""
    undecided: bool = False
    likelihoods: tuple[str, ...] = ()
    timezone: str = "Europe/London"
    action: str | None = None
    targets: tuple[str, ...] = ()


def incident_mail(matter: Matter, receiver: Receiver, routes: Sequence[Route], letter: Letter) -> bytes:
    """The finished message that tells one receiver of an incident: text and HTML, subject and beginning neutral.

    ``routes`` are those of the matter's concerns, in any order. Posts are quoted only where every concern allows it
    and nobody is accused, whatever the matter holds.

    Raises:
        AlertError: sender or receiver is no address that mail can be sent to, or the matter has no route.
    """
    if not routes:
        raise AlertError(f"incident {matter.reference} has no route to tell of")
    shown = _shown(matter, receiver, routes, letter)
    subject = _subject(matter, routes, letter)
    urgent = any(concern in GRAVE for concern in matter.concerns)
    template = "conflict" if shown["accused"] else "incident"
    return envelope(letter, receiver, subject, _text(template, shown), _html(template, shown), urgent=urgent)


def summary_mail(
    matters: Sequence[tuple[Matter, Sequence[Route]]], receiver: Receiver, letter: Letter, *, capped: bool = False
) -> bytes:
    """The finished message that tells one receiver of several incidents found in the history of a new source.

    ``capped`` says that they are what the day had no room for instead. Each matter has its reference, its concerns,
    how soon to act and its page; no post is quoted.

    Raises:
        AlertError: sender or receiver is no address that mail can be sent to, or a matter has no route.
    """
    if not matters or not all(routes for _, routes in matters):
        raise AlertError("a summary needs matters, each with a route")
    soonest = min((route for _, routes in matters for route in routes), key=lambda route: route.within_minutes)
    schools = list(dict.fromkeys(matter.school for matter, _ in matters))
    school = schools[0] if len(schools) == 1 else f"{len(schools)} schools"
    concerns = list(dict.fromkeys(concern for matter, _ in matters for concern in matter.concerns))
    shown = {
        "school": school,
        "schools": len(schools),
        "number": len(matters),
        "capped": capped,
        "advice": wording.advice(concerns),
        "lines": [_entry(matter, receiver, routes) for matter, routes in matters],
        "closings": wording.closing_lines(receiver.role, [plain(matter.reference) for matter, _ in matters]),
        "why": list(dict.fromkeys([receiver.why])),
    }
    act = wording.act_phrase(soonest)
    where = "together" if capped else "in the history of a new source"
    subject = f"[Watcher] {len(matters)} matters {where} – {plain(school)} – {act}"
    urgent = any(concern in GRAVE for concern in concerns)
    return envelope(letter, receiver, subject, _text("summary", shown), _html("summary", shown), urgent=urgent)


def _entry(matter: Matter, receiver: Receiver, routes: Sequence[Route]) -> dict[str, object]:
    """One incident of a summary."""
    soonest = min(routes, key=lambda route: route.within_minutes)
    accused = wording.discretion(matter.about)
    return {
        "matter": matter,
        "places": [wording.platform_name(p.platform) for p in dict.fromkeys(matter.places)][:1],
        "soon": wording.how_soon(soonest),
        "discretion": accused,
        "page": wording.page_line(receiver.role, accused=bool(accused), closed=_is_closed(matter)),
        "grounds": [sentence for sentence, _ in _grounds(matter, receiver, [soonest])],
    }


def update_mail(update: Update, receiver: Receiver, letter: Letter) -> bytes:
    """The finished message with word of a matter that the receiver knows of; nothing of the matter itself.

    Raises:
        AlertError: sender or receiver is no address that mail can be sent to.
    """
    subject = f"[Watcher] {plain(update.headline)} – {plain(update.school)} ({plain(update.reference)})"
    shown = {"update": update, "why": receiver.why}
    return envelope(letter, receiver, subject, _text("update", shown), _html("update", shown), urgent=update.urgent)


def reminder_mail(reminder: Reminder, receiver: Receiver, letter: Letter) -> bytes:
    """The finished message that a permission to read ends soon, and what to do.

    Raises:
        AlertError: sender or receiver is no address that mail can be sent to.
    """
    left = "today" if reminder.days < 1 else f"in {wording.counted(reminder.days, 'day')}"
    platform = wording.platform_name(reminder.platform)
    day = wording.long_day(reminder.ends, reminder.timezone)
    subject = f"[Watcher] Permission to read {plain(reminder.account)} ends on {day} – {plain(reminder.school)}"
    shown = {"reminder": reminder, "left": left, "platform": platform, "why": receiver.why}
    return envelope(letter, receiver, subject, _text("reminder", shown), _html("reminder", shown))


def review_mail(
    document: str, version: str, said: str, due: date, today: date, receiver: Receiver, letter: Letter
) -> bytes:
    """The finished message that a policy is due for review, or overdue; ``said`` is what it says of its review.

    Raises:
        AlertError: sender or receiver is no address that mail can be sent to.
    """
    over = due < today
    left = "is overdue for review" if over else f"is due for review on {due:%-d %B %Y}"
    shown: dict[str, object] = {"document": document, "version": version, "said": said, "left": left, "over": over}
    shown |= {"due": f"{due:%-d %B %Y}", "why": receiver.why}
    subject = f"[Watcher] {plain(document)} {left}"
    return envelope(letter, receiver, subject, _text("review", shown), _html("review", shown))


def probe_mail(at: datetime, timezone: str, receiver: Receiver, letter: Letter) -> bytes:
    """The finished message of the daily test, which nobody has to act on.

    Raises:
        AlertError: sender or receiver is no address that mail can be sent to.
    """
    shown: dict[str, object] = {"at": wording.long_time(at, timezone), "why": receiver.why}
    subject = "[Watcher] Daily test – nothing to do"
    return envelope(letter, receiver, subject, _text("probe", shown), _html("probe", shown))


def digest_mail(digest: Digest, receiver: Receiver, letter: Letter) -> bytes:
    """The finished message with one week of one school or trust.

    Raises:
        AlertError: sender or receiver is no address that mail can be sent to.
    """
    subject = f"[Watcher] Week {digest.week} – {plain(digest.scope)}"
    page = sheet.shown(digest)
    return envelope(letter, receiver, subject, _text("digest", page), _html("digest", page))


def _subject(matter: Matter, routes: Sequence[Route], letter: Letter) -> str:
    concern = wording.concern_name(matter.concerns[0])
    if len(matter.concerns) > 1:
        concern += " and more"
    if letter.reason in _UPDATES:
        concern = f"{_UPDATES[letter.reason]}: {concern}"
    first = min(routes, key=lambda route: route.within_minutes)
    return f"[Watcher] {concern} – {plain(matter.school)} – {wording.act_phrase(first)} ({plain(matter.reference)})"


def _shown(matter: Matter, receiver: Receiver, routes: Sequence[Route], letter: Letter) -> dict[str, object]:
    """All that the templates show, decided here so that they decide nothing."""
    quotable = may_quote((*matter.concerns, *(route.concern for route in routes)), matter.about)
    linked = not any(concern in _NEVER_LINKED for concern in matter.concerns)
    accused = wording.subject_line(matter.about)
    addresses = sum(p.url is not None for p in matter.places)
    soonest = sorted(routes, key=lambda route: route.within_minutes)
    return {
        "matter": matter,
        "update": _UPDATES.get(letter.reason),
        "places": [
            (wording.platform_name(p.platform), p.url, linked and _is_web(p.url)) for p in matter.places[:_PLACES]
        ],
        "more_places": max(len(matter.places) - _PLACES, 0),
        "excerpts": _quotations(matter.excerpts, LIMIT) if quotable else [],
        "moved": _moved(matter.excerpts) if quotable else [],
        "likelihoods": matter.likelihoods[:_EXCERPTS],
        "advice": wording.advice(matter.concerns),
        "help": help_for(matter.concerns, [p.platform for p in matter.places]),
        "grounds": _grounds(matter, receiver, soonest),
        "why": _why(receiver, routes),
        "soon": list(dict.fromkeys(wording.how_soon(route) for route in soonest[:1])),
        "steps": list(dict.fromkeys(step for route in soonest for step in route.instructions))
        or [wording.first_step(plain(matter.reference))],
        "accused": accused,
        "silence": wording.silence_line(),
        "hat": f", as {title(receiver.role)}",
        "page": wording.page_line(receiver.role, accused=bool(accused), closed=_is_closed(matter)),
        "posts": wording.post_line(addresses, open_it=linked) if accused and matter.posts else "",
        "closing": wording.closing_line(receiver.role, plain(matter.reference), accused=bool(accused)),
        "others": wording.told_list(matter.others, {} if accused else dict(matter.named)),
    }


def _is_closed(matter: Matter) -> bool:
    """Whether the IT provider sees no more of it than that it is there."""
    about = roles_in(matter.about)
    return is_closed(Sight(concerns=matter.concerns, about=about, targets=matter.targets))


def _quotations(excerpts: Sequence[Excerpt], room: int) -> list[str]:
    """The first few excerpts, which share the room; one that is empty once cleaned is left out."""
    some = excerpts[:_EXCERPTS]
    return [words for excerpt in some if (words := quotation(excerpt, room // len(some)))]


def _moved(excerpts: Sequence[Excerpt]) -> list[str]:
    """The words that moved the reading of what is quoted, a few of them."""
    return list(dict.fromkeys(words for excerpt in excerpts[:_EXCERPTS] for words in moving_words(excerpt)))[:_MOVED]


def _grounds(matter: Matter, receiver: Receiver, routes: Iterable[Route]) -> list[tuple[str, str]]:
    """For each ground once: the sentence that says whom it names for what, and the policy's words."""
    alike: dict[Route, list[str]] = {}
    for route in routes:
        # Two concerns that rest on the same words of the policy are told in one sentence.
        ground = replace(route, concern="", instructions=(), within=None, within_minutes=0)
        alike.setdefault(ground, []).append(route.concern)
    return [(_ground(matter, receiver, route, names), route.quotation or "") for route, names in alike.items()]


def _ground(matter: Matter, receiver: Receiver, route: Route, concerns: Iterable[str]) -> str:
    what = f"“{wording.concern_names(concerns)}”"
    whom = _whom(receiver, route)
    exception = f" {route.exception.text}" if route.exception else ""
    if route.fallback or route.clause is None:
        ours = "Watcher’s own rule, which can be changed, names"
        return f"The policy names nobody for this ({what}). {ours} {whom}.{exception}"
    return f"{matter.short} {route.clause} names {whom}, for {what}.{exception}"


def _why(receiver: Receiver, routes: Iterable[Route]) -> str:
    """Why it is they who are told, where the grounds have not said it: they stand in for somebody, say."""
    named = any(receiver.role in route.recipients for route in routes)
    return "" if named and receiver.why.endswith(f"names the {title(receiver.role)}.") else receiver.why


def _whom(receiver: Receiver, route: Route) -> str:
    if receiver.role not in route.recipients:
        return wording.listed(f"the {title(role)}" for role in route.recipients)
    others = wording.listed(f"the {title(role)}" for role in route.recipients if role != receiver.role)
    return f"you, as {title(receiver.role)}" + (f", and {others}" if others else "")


def _text(template: str, shown: dict[str, object]) -> str:
    return _templates().get_template(f"{template}.txt").render(shown)


def _html(template: str, shown: dict[str, object]) -> str:
    markup = _templates().get_template(f"{template}.mjml").render(shown)
    try:
        # No fonts: the default would be fetched from a stranger at every opening.
        page = mrml.to_html(markup, render_options=mrml.RenderOptions(disable_comments=False, fonts={})).content
        return _inliner().inline(page)
    except (OSError, ValueError, css_inline.InlineError) as error:
        raise AlertError(f"the {template} mail could not be laid out: {type(error).__name__}") from error


@lru_cache(maxsize=1)
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("alerts"),
        autoescape=select_autoescape(["mjml"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_writable,
    )
    templates.filters |= {
        "concern": wording.concern_name,
        "happening": wording.happening,
        "long_time": wording.long_time,
        "long_day": wording.long_day,
        "platform": wording.platform_name,
        "state": wording.state_name,
        "unread": wording.unread_name,
        "plain": plain,
        "address": _address_line,
        "concerns": wording.concern_names,
        "ground": lambda line: f"Under {line.clause}" if line.clause else "No clause: Watcher’s own rule",
        "gap": sheet.gap,
        "short_day": wording.short_day,
    }
    return templates


def _writable(value: object) -> object:
    """A value as it may stand in a mail: whatever a platform sent, no control or direction character gets through."""
    if not isinstance(value, str) or (value.isascii() and value.isprintable()):
        return value
    # The class is kept: what a template has escaped already stays escaped.
    return type(value)("".join(c if c == "\n" or plain(c) else " " if c.isspace() else "" for c in value))


@lru_cache(maxsize=1)
def _inliner() -> css_inline.CSSInliner:
    return css_inline.CSSInliner(keep_style_tags=True, keep_at_rules=True, load_remote_stylesheets=False)


def _address_line(url: str) -> str:
    """A link as people read it: where it leads comes first, and a long end is left out."""
    return shortened(plain(url).removeprefix("https://").removeprefix("http://").removeprefix("www."), 60)


def _is_web(url: str | None) -> bool:
    """Whether an address may become a link: http and https only, so that no platform can hand us a script."""
    if url is None or not url.isprintable():
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
