"""The way back from a platform: exchanges what an account's owner granted, and says in plain words what that is."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from connectors.errors import ConnectorError, TransientError
from watcher.connection import Connections
from watcher.errors import ConfigError, GrantError
from watcher.loopback import PATH, Returned, read_return
from watcher.permission import in_words, take_back
from watcher.web.marking import clean
from watcher.web.site import Site

log = structlog.get_logger(__name__)

_AGAIN = "Open the link that you were sent once more; it is still good."
_ASK = "Ask whoever sent you the link for a new one."


def router(site: Site, connections: Connections | None) -> APIRouter:
    """The one page of people from outside; it shows nothing but what they have granted themselves."""
    routes = APIRouter()

    @routes.get(PATH)
    def come_back(request: Request) -> HTMLResponse:
        try:
            back = read_return(request.url.query)
        except ValueError:
            back = Returned(state="")
        if connections is None:
            return _say(site, 404, "This page is not here", "Nobody can be connected through this address.")
        return _finished(site, connections, back)

    return routes


def _finished(site: Site, connections: Connections, back: Returned) -> HTMLResponse:
    if back.error or not back.code:
        known = connections.refused(back.state, site.clock())
        return (
            _declined(site) if known else _say(site, 400, "This link cannot be used", f"It was not made here. {_ASK}")
        )
    try:
        done = connections.finish(back.state, back.code, site.clock())
    except TransientError:
        return _say(site, 503, "The platform does not answer just now", f"Nothing was granted yet. {_AGAIN}")
    except GrantError as error:
        return _say(site, 400, "This link cannot be used", f"{_sentence(str(error))}. {_ASK}")
    except ConnectorError as error:
        log.warning("not_connected", error=type(error).__name__)
        return _say(site, 400, "This did not work", f"{_sentence(str(error))}. Nothing was kept. {_ASK}")
    except ConfigError:
        log.error("cannot_connect", do="run `watcher check-config`, and look at [secrets] and [[apps]]")
        return _say(site, 500, "Watcher is not set up for this yet", f"Nothing was kept. {_ASK}")
    return site.page(
        "connected.html",
        "",
        done=done,
        granted=tuple(in_words(done.scopes)),
        lacking=tuple(in_words(done.lacking)),
        take_back=take_back(done.platform),
    )


def _declined(site: Site) -> HTMLResponse:
    text = "You did not agree, or closed the platform’s window, and that is all right: Watcher got nothing."
    return _say(site, 200, "Nothing was granted", f"{text} If it was a slip: {_AGAIN[:1].lower()}{_AGAIN[1:]}")


def _say(site: Site, status: int, title: str, text: str) -> HTMLResponse:
    page = site.page("granting.html", "", title=title, text=clean(text))
    page.status_code = status
    return page


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".")
