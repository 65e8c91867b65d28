"""The way back from a platform: exchanges what an account's owner granted, and says in plain words what that is."""

from __future__ import annotations

import re

import structlog
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from connectors.errors import ConnectorError, TransientError
from connectors.oauth import EndedError
from watcher.connection import Connections
from watcher.errors import BusyLinkError, ConfigError, GrantError
from watcher.loopback import PATH, Returned, read_return
from watcher.permission import in_words, take_back
from watcher.web.marking import clean
from watcher.web.site import Site

log = structlog.get_logger(__name__)

_AGAIN = "Open the link that you were sent once more; it is still good."
_ASK = "Ask whoever sent you the link for a new one."
_TELL = "If it does not work then either, send these words to whoever sent you the link."
# The platforms' words for an owner who did not agree; every other is a fault.
_DECLINED = frozenset(("", "access_denied", "user_denied", "user_cancelled_login", "user_cancelled_authorize"))
_WORD = re.compile(r"[A-Za-z0-9_]{1,60}")
_SHOWN_FROM = 3  # tries left, from which on it is said how many


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
        come = _finished if back.code and not back.error else _refused
        return come(site, connections, back)

    return routes


def _finished(site: Site, connections: Connections, back: Returned) -> HTMLResponse:
    try:
        done = connections.finish(back.state, back.code, site.clock())
    except GrantError as error:
        if isinstance(error, BusyLinkError):
            return _say(site, 409, "This link is being used just now", f"{_sentence(str(error))}.")
        return _failed(site, connections, back, 400, "This link cannot be used", f"{_sentence(str(error))}.")
    except TransientError as error:
        why = f"{_sentence(str(error))}. Nothing was granted yet."
        return _failed(site, connections, back, 503, "The platform does not answer just now", why)
    except ConnectorError as error:
        log.warning("not_connected", error=type(error).__name__)
        return _failed(site, connections, back, 400, "This did not work", f"{_why(error)} Nothing was kept.")
    except ConfigError:
        log.error("cannot_connect", do="run `watcher check-config`, and look at [secrets] and [[apps]]")
        why = "Nothing was kept. Tell whoever sent you the link: it is for them to mend."
        return _failed(site, connections, back, 500, "Watcher is not set up for this yet", why, then="Afterwards:")
    return site.page(
        "connected.html",
        "",
        done=done,
        granted=tuple(in_words(done.scopes)),
        lacking=tuple(in_words(done.lacking)),
        take_back=take_back(done.platform),
    )


def _refused(site: Site, connections: Connections, back: Returned) -> HTMLResponse:
    """What is said where the platform sent the owner back without a code: they declined, or something is wrong."""
    if connections.refused(back.state, site.clock()) is None:
        return _say(site, 400, "This link cannot be used", f"It was not made here, or is used up. {_ASK}")
    if back.error in _DECLINED:
        text = "You did not agree, or closed the platform’s window, and that is all right: Watcher got nothing."
        return _say(site, 200, "Nothing was granted", f"{text} If it was a slip: {_AGAIN[:1].lower()}{_AGAIN[1:]}")
    word = f" ({back.error})" if _WORD.fullmatch(back.error) else ""
    why = f"The platform sent you back with an error{word} instead of your permission. Nothing was granted."
    return _failed(site, connections, back, 400, "This did not work", why)


def _failed(
    site: Site, connections: Connections, back: Returned, status: int, title: str, why: str, then: str = ""
) -> HTMLResponse:
    """What went wrong, and whether the same link may be opened again."""
    left = connections.tries_left(back.state, site.clock())
    if not left:
        return _say(site, status, title, f"{why} {_ASK}")
    times = f" {'Once' if left == 1 else f'{left} times'} more at most." if left <= _SHOWN_FROM else ""
    again = f"{then} {_AGAIN[:1].lower()}{_AGAIN[1:]}" if then else _AGAIN
    return _say(site, status, title, f"{why} {again}{times} {_TELL}")


def _why(error: ConnectorError) -> str:
    """What went wrong, for somebody who has only a browser."""
    said = _sentence(str(error))
    if isinstance(error, EndedError):
        return f"{said}: the code with which it sent you back is too old, or was used already."
    if "redirect" in said:
        return (
            f"{said}: it does not know the address to which it sent you back. Whoever sent you the link has to "
            "register that address there first."
        )
    return f"{said}."


def _say(site: Site, status: int, title: str, text: str) -> HTMLResponse:
    page = site.page("granting.html", "", title=title, text=clean(text))
    page.status_code = status
    return page


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".")
