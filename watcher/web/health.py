"""What machines ask: is it alive, and may it be indexed."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import JSONResponse, PlainTextResponse

from watcher.errors import StoreError
from watcher.web.site import Site


def router(site: Site) -> APIRouter:
    """The routes for machines."""
    routes = APIRouter()

    @routes.api_route("/healthz", methods=["GET", "HEAD"])
    def health() -> JSONResponse:
        return _health(site)

    @routes.api_route("/robots.txt", methods=["GET", "HEAD"])
    def robots() -> PlainTextResponse:
        return PlainTextResponse("User-agent: *\nDisallow: /\n")

    return routes


def _health(site: Site) -> JSONResponse:
    """200 while the service ticks, 503 when it does not, its database cannot be read or the daily test has failed."""
    try:
        ails = site.ails()
        if site.is_alive() and ails is None:
            return JSONResponse({"status": "ok"})
        why = "the service has not ticked just now; see its log" if ails is None else ails
    except StoreError:
        why = "the database cannot be read"
    return JSONResponse({"status": "down", "why": why}, 503)
