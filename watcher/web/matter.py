"""One incident with all that stands behind it, as far as this reader may see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, HTTPException
from starlette.responses import HTMLResponse

from alerts.flag import Flag
from alerts.viewer import HIDDEN, SHUT
from alerts.wording import advice, unread_name
from classifiers.sentence import likelihood
from classifiers.verdict import Verdict
from connectors.post import Post
from watcher.blindness import PART, SILENT
from watcher.listing import arrival
from watcher.store.views import IncidentView, PostView
from watcher.unseen import parts_of
from watcher.web import words
from watcher.web.disclosure import of_matter, of_posts
from watcher.web.marking import Marked, clean, marked, web_address
from watcher.web.site import Site, is_reference, unknown
from watcher.web.sources import anchor

PAGE = 25
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# No incident has more posts than a number of this length.
_DIGITS = 6
_NOT_THERE = "There is no incident with this reference. It may have been deleted when its time was up."


@dataclass(frozen=True, kw_only=True)
class Score:
    """What a model gives one label, in hundredths; ``band`` is ``raised``, ``review`` or nothing."""

    label: str
    percent: int
    band: str


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one model said of a post: the scores that matter and what they mean, the others, or why it read nothing."""

    model: str
    notable: tuple[Score, ...]
    likelihoods: tuple[str, ...]
    others: tuple[Score, ...]
    reason: str
    unread: str | None


@dataclass(frozen=True, kw_only=True)
class Item:
    """A post as the page shows it; ``how`` says how much of its text, ``moved`` which words moved which label."""

    post: Post
    how: str
    author: str
    official: bool
    link: str | None
    address: str
    text: Marked
    moved: tuple[tuple[str, tuple[str, ...]], ...]
    explained: bool
    readings: tuple[Reading, ...]
    flags: tuple[Flag, ...]
    withdrawn: tuple[tuple[Flag, str], ...]
    view: PostView


def router(site: Site) -> APIRouter:
    """The incident's route."""
    routes = APIRouter()

    @routes.api_route("/incidents/{reference}", methods=["GET", "HEAD"])
    def incident(reference: str, skip: str = "0") -> HTMLResponse:
        return _incident(site, reference, _number(skip))

    return routes


def _incident(site: Site, reference: str, skip: int) -> HTMLResponse:
    view = site.store.views.incident(reference, posts=PAGE + 1, skip=skip) if is_reference(reference) else None
    if view is None:
        raise unknown(_NOT_THERE)
    now = site.clock()
    how = of_matter(site.store, view, now)
    if how == HIDDEN:
        # The same words as for a reference that never was: not even that it exists may be told.
        raise unknown(_NOT_THERE)
    if how == SHUT:
        return _closed(site, view)
    names = site.school_names()
    school = names.get(view.incident.school, view.incident.school)
    seen = of_posts(site.store, view.posts[:PAGE], now)
    pseudonyms = _pseudonyms(site.store.views.authors(reference))
    address = f"/incidents/{reference}"
    return site.page(
        "incident.html",
        f"{address}?skip={skip}" if skip else address,
        incident=view.incident,
        account=view.account,
        searches=None if view.account is None else parts_of(site.store, view.account),
        anchor=anchor((view.account or "").removeprefix(SILENT).removeprefix(PART)),
        school=school,
        how=how,
        opening=site.store.openings.active(reference, now),
        items=[_item(post, seen[post.post.key], pseudonyms) for post in view.posts[:PAGE]],
        notices=view.notices,
        events=[(event, *words.event(event.what, event.detail)) for event in view.events],
        advice=advice(view.incident.concerns),
        skip=skip,
        older=f"{address}?skip={skip + PAGE}#posts" if len(view.posts) > PAGE else None,
        newer=f"{address}?skip={max(skip - PAGE, 0)}#posts" if skip else None,
    )


def _closed(site: Site, view: IncidentView) -> HTMLResponse:
    """What is left of a matter that is closed to the reader: its number, and whether it reached anybody."""
    reference = view.incident.reference
    delivery = arrival(tuple(notice.state for notice in view.notices))
    return site.page("closed.html", f"/incidents/{reference}", reference=reference, delivery=delivery)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _DIGITS:
        raise HTTPException(400, "“skip” in the address is a number of posts.")
    return int(text)


def _pseudonyms(authors: tuple[tuple[str, str, str], ...]) -> dict[tuple[str, str, str], str]:
    return {author: f"Author {_letters(n)}" for n, author in enumerate(authors)}


def _letters(n: int) -> str:
    """``A`` to ``Z``, then ``AA`` and on."""
    before, letter = divmod(n, len(_ALPHABET))
    return (_letters(before - 1) if before else "") + _ALPHABET[letter]


def _item(view: PostView, how: str, pseudonyms: Mapping[tuple[str, str, str], str]) -> Item:
    post = view.post
    author = post.author
    official = author is not None and author.official
    named = "Unknown author" if author is None else pseudonyms.get((post.platform, post.origin, author.id), "Author")
    spans = [span for verdict in view.verdicts for span in verdict.spans]
    return Item(
        post=post,
        how=how,
        author="The school’s own account" if official else named,
        official=official,
        link=web_address(post.url),
        address=clean(post.url or ""),
        text=marked(post.text, spans, [span for verdict in view.verdicts for span in verdict.moved or ()]),
        moved=_moved(view),
        explained=any(verdict.moved is not None and verdict.labels + verdict.review for verdict in view.verdicts),
        readings=tuple(_reading(verdict) for verdict in view.verdicts),
        flags=view.flags,
        withdrawn=view.withdrawn,
        view=view,
    )


def _moved(view: PostView) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each label that few words moved, with these words, strongest first."""
    found: dict[str, list[str]] = {}
    for span in (span for verdict in view.verdicts for span in verdict.moved or ()):
        found.setdefault(span.kind, []).append(" ".join(clean(view.post.text[span.start : span.end]).split()))
    return tuple((words.label(label), tuple(dict.fromkeys(said))) for label, said in found.items())


def _reading(verdict: Verdict) -> Reading:
    raised, review = set(verdict.labels), set(verdict.review)
    scores = sorted(verdict.scores.items(), key=lambda item: -item[1])
    rows = [
        Score(
            label=words.label(name),
            percent=round(min(max(score, 0), 1) * 100),
            band="raised" if name in raised else "review" if name in review else "",
        )
        for name, score in scores
    ]
    return Reading(
        model=f"{verdict.model} {verdict.version}",
        notable=tuple(row for row in rows if row.band),
        likelihoods=tuple(likelihood(name, score) for name, score in scores if name in raised | review),
        others=tuple(row for row in rows if not row.band),
        reason=verdict.reason,
        unread=None if verdict.unread is None else unread_name(verdict.unread),
    )
