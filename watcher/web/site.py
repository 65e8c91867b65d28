"""What all pages share: the store, the time, and how a template becomes an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import HTTPException
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

import watcher
from alerts import wording
from watcher.store import Store
from watcher.web import moment, words
from watcher.web.marking import clean

_LONGEST_REFERENCE = 20
_ENVIRONMENT = Environment(
    loader=PackageLoader("watcher.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.globals.update(
    begin=words.begin, clean=clean, moment=moment, words=words, wording=wording, version=watcher.__version__
)


@dataclass(frozen=True, kw_only=True)
class Site:
    """What a page is made from; ``zone`` is the time zone of the pages, ``ails`` tells of a daily test that failed."""

    store: Store
    is_alive: Callable[[], bool]
    clock: Callable[[], datetime]
    zone: str = "Europe/London"
    ails: Callable[[], str | None] = lambda: None

    def page(self, template: str, here: str, **values: Any) -> HTMLResponse:
        """A page; ``here`` is its own address, for the link that loads it again."""
        shared = {"now": self.clock(), "zone": self.zone, "alive": self.is_alive(), "here": here}
        return HTMLResponse(_render(template, shared | values))

    def school_names(self) -> dict[str, str]:
        """The schools' names by id, in the order of the alphabet."""
        schools = self.store.register.all().schools
        return {s.id: s.name for s in sorted(schools, key=lambda s: s.name.casefold())}


def is_reference(text: str) -> bool:
    """Whether this could be an incident's reference; what could not is never asked of a database."""
    return 0 < len(text) <= _LONGEST_REFERENCE and text.isascii() and text.isprintable()


def problem(status: int, title: str, text: str) -> HTMLResponse:
    """A page that says in plain words what is wrong and where to go; it needs no store."""
    return HTMLResponse(_render("problem.html", {"title": title, "text": text, "here": None}), status)


def unknown(text: str) -> HTTPException:
    """What to raise where an address leads nowhere; the text tells the reader why."""
    return HTTPException(404, text)


def _render(template: str, values: dict[str, Any]) -> str:
    text = _ENVIRONMENT.get_template(template).render(values)
    # A lone surrogate that came in by a way not foreseen must not take the page down.
    return text.encode("utf-8", "replace").decode()
