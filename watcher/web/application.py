"""The pages as one application, sealed against everything that is not a reader of this house."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from watcher.connection import Connections
from watcher.errors import StoreError
from watcher.scheduler import clock as machine_clock
from watcher.store import Store
from watcher.web import connect, health, inbox, matter, sources, unread
from watcher.web.guard import Guard, hosts, seal
from watcher.web.site import Site, problem

log = structlog.get_logger(__name__)

_TITLES = {400: "This address cannot be used", 404: "This page is not here", 405: "This cannot be done here"}
_TEXTS = {
    404: "The address may be mistyped, or what stood here was deleted when its time was up.",
    405: "These pages are for reading only; nothing can be changed through them.",
}


def make(
    store: Store,
    *,
    is_alive: Callable[[], bool],
    public_url: str | None = None,
    clock: Callable[[], datetime] = machine_clock,
    zone: str = "Europe/London",
    connections: Connections | None = None,
    ails: Callable[[], str | None] = lambda: None,
) -> FastAPI:
    """The pages over a store; no request changes anything but an owner's way back from a platform.

    ``is_alive`` says whether the service ticks; ``public_url`` is the address that mails lead to, whose name is then
    answered beside loopback's; ``zone`` is the time zone of the pages. ``ails`` says what is wrong with the daily test.
    ``connections`` takes what owners have granted.
    """
    site = Site(store=store, is_alive=is_alive, clock=clock, zone=zone, ails=ails)
    app = FastAPI(title="Watcher", openapi_url=None, docs_url=None, redoc_url=None)
    for part in (inbox, matter, sources, unread, health):
        app.include_router(part.router(site))
    app.include_router(connect.router(site, connections))
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_middleware(Guard, hosts=hosts(public_url), refusal=_strange_host)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(StoreError, _no_store)
    app.add_exception_handler(Exception, _broken)
    return app


def _strange_host() -> HTMLResponse:
    return problem(
        400,
        "This address is not Watcher’s",
        "Open the address that Watcher prints when it starts, or the one in “server.public_url” of its settings.",
    )


def _refused(_: Request, error: Exception) -> HTMLResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    given = error.detail if isinstance(error, HTTPException) else ""
    # Starlette's own words ("Not Found") tell a reader less than ours.
    text = given if given.endswith(".") else _TEXTS.get(status, "Go back and try another way.")
    return problem(status, _TITLES.get(status, "This did not work"), text)


def _no_store(request: Request, error: Exception) -> HTMLResponse:
    log.error("page_without_store", path=request.url.path, error=str(error))
    return problem(
        503,
        "The database cannot be read just now",
        "Load this page again in a minute. If it lasts, run “watcher doctor” on the machine that Watcher runs on.",
    )


def _broken(request: Request, error: Exception) -> HTMLResponse:
    log.error("page_broken", path=request.url.path, error=type(error).__name__)
    answer = problem(
        500,
        "Something went wrong on our side",
        "Nothing was lost, and watching goes on. Load the page again; if it stays like this, tell whoever looks after "
        "Watcher, with the time and this page’s address.",
    )
    # This answer is made outside the guard.
    seal(answer.headers)
    return answer
