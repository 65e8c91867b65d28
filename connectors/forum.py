"""Reads forums that run on Discourse, Misago, NodeBB or phpBB: what opens a topic, what answers it, and searches.

``target`` is the forum's address; ``posts`` are the posts that open a topic, ``comments`` all others. ``search`` reads
what holds the words of the forum's own search address: ``https://forum.example/search?q=Hillcrest``. Which software
a forum runs on is found out by asking, and kept in the cursor. Other software is read by its feeds, with platform
``rss``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors import _misago, _nodebb
from connectors._board import Board
from connectors._discourse import Discourse, DiscourseReads, is_discourse
from connectors._phpbb_feed import Bulletin
from connectors._topic import Leaf, Software
from connectors._tour import Reader, tour
from connectors._venue import Desk, Forum
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.http import HttpClient
from connectors.post import Account, Cursor, Page, Post

_BOARDS: Mapping[str, Software] = {_misago.NAME: _misago, _nodebb.NAME: _nodebb}
SOFTWARE = ("discourse", *_BOARDS, "phpbb")


class ForumConnector:
    """Reads one page a call; threads may share it.

    A token is needed only where a forum is for its members: for Discourse ``username:API key``, for NodeBB a user's
    API token, for phpBB ``name:password``. ``history_posts`` is how many of the newest posts a new account reads back.
    ``software`` is one of ``discourse``, ``misago``, ``nodebb`` and ``phpbb`` where it shall not be found out.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 10.0,
        total_s: float = 30.0,
        page_size: int | None = None,
        history_posts: int = 1000,
        software: str | None = None,
    ) -> None:
        """``page_size`` is taken for the sake of likeness: the forum decides."""
        if software is not None and software.lower() not in SOFTWARE:
            raise PermanentError(f"software is one of {', '.join(SOFTWARE)}, or left out")
        self._timeout_s, self._total_s, self._page_size = timeout_s, total_s, page_size
        self._history_posts = max(history_posts, 1)
        self._software = software.lower() if software else None
        self._found: dict[str, str] = {}  # what each forum that was read runs on

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """The next page of whichever read has something new, see `connectors.connector.Connector.fetch`."""
        forum = Forum.of(account)
        _refuse(account, forum)
        known = _software_of(cursor)
        with self._client(account, forum) as client:
            asked = _Asked(account, forum, client, self._history_posts)
            software = self._found[forum.address] = self._software or known or asked.found_out()
            # What another software was read by means nothing to this one.
            page = tour(asked.readers(software), account.target, cursor if software == known else None)
        return _marked(page, software)

    def recheck(self, account: Account, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Each post as it stands now; ``None`` where the forum shows it no longer."""
        forum = Forum.of(account)
        with self._client(account, forum) as client:
            asked = _Asked(account, forum, client, self._history_posts)
            software = self._software or self._found.get(forum.address) or asked.found_out()
            yield from asked.recheck(software, posts)

    def _client(self, account: Account, forum: Forum) -> HttpClient:
        allowed = forum.address if account.allow_private else None
        return HttpClient(timeout_s=self._timeout_s, total_s=self._total_s, allow_private=allowed)


class _Asked:
    """One forum within one call, whatever it runs on."""

    def __init__(self, account: Account, forum: Forum, client: HttpClient, history: int) -> None:
        self._account, self._history = account, history
        self._desk = Desk(client, forum, account.token)
        self._discourse = DiscourseReads(account, forum, Discourse(client, forum, account.token), history)
        self._place, self._words = forum.place(account), (forum.words or "").casefold().split()

    def readers(self, software: str) -> dict[str, Reader]:
        """The reads of the account, each as a function of its state."""
        if software == "discourse":
            return self._discourse.readers()
        board = self._bulletin() if software == "phpbb" else self._board(software)
        return {"+".join(sorted(set(self._account.reads))): board.read}

    def recheck(self, software: str, posts: Sequence[Post]) -> Iterable[tuple[Post, Post | None]]:
        """Each post as the forum shows it now."""
        if software == "discourse":
            return self._discourse.recheck(posts)
        return self._bulletin().recheck(posts) if software == "phpbb" else self._board(software).recheck(posts)

    def found_out(self) -> str:
        """The software that the forum runs on.

        Raises:
            ConnectorError: it is none of those that can be read, or does not say.
        """
        problems: list[ConnectorError] = []
        for software in SOFTWARE:
            try:
                self._try(software)
            except RateLimitedError:
                raise
            except ConnectorError as exc:
                if isinstance(exc, TransientError) and exc.__cause__ is not None:
                    raise  # no answer at all: the next question would wait as long
                problems.append(exc)
            else:
                return software
        raise _worst(problems)

    def _try(self, software: str) -> None:
        match software:
            case "discourse":
                if not is_discourse(self._discourse.discourse.ask("/posts.json")):
                    raise UnexpectedResponseError("the forum answered JSON of another shape than a list of posts")
            case "phpbb":
                self._bulletin().find_out()
            case _:
                board = _BOARDS[software]
                board.listing_of(self._desk.json(board.LIST, {}))

    def _board(self, software: str) -> Board:
        return Board(_BOARDS[software], self._desk.json, self._place, wanted=self._is_wanted, history=self._history)

    def _bulletin(self) -> Bulletin:
        return Bulletin(self._desk, self._place, wanted=self._is_wanted)

    def _is_wanted(self, leaf: Leaf) -> bool:
        """Whether one of the account's reads is about a post; a search also finds it by its topic's title."""
        if not isinstance(leaf.one, Post):
            return False
        if ("posts" if leaf.one.kind == "post" else "comments") in self._account.reads:
            return True
        if "search" not in self._account.reads:
            return False
        said = f"{leaf.title}\n{leaf.one.text}".casefold()
        return all(word in said for word in self._words)


def _refuse(account: Account, forum: Forum) -> None:
    """Refuse reads that forums do not have.

    Raises:
        PermanentError: it is one of these.
    """
    if "mentions" in account.reads:
        raise PermanentError("a forum has no public mentions: read its posts and comments, or search it")
    if "search" in account.reads and not forum.words:
        raise PermanentError("a search needs words: write the target as https://forum.example/search?q=the+words")


def _worst(problems: Sequence[ConnectorError]) -> ConnectorError:
    """What went wrong when all were asked: who is ill or closes the door says more than who knows no such address."""
    for kind in (TransientError, AuthenticationError, UnexpectedResponseError):
        for problem in problems:
            if isinstance(problem, kind):
                return problem
    if all(isinstance(problem, AccountNotFoundError) for problem in problems):
        return AccountNotFoundError(
            "the forum answers neither as Discourse, Misago and NodeBB do nor as phpBB with its feeds switched on: "
            "check the address, or read its feed with platform rss"
        )
    return next(problem for problem in problems if not isinstance(problem, AccountNotFoundError))


def _software_of(cursor: Cursor | None) -> str | None:
    """What the cursor was read by; before there were others, it was Discourse."""
    state = _state(cursor)
    told = state.get("software", "discourse" if "reads" in state else None)
    return told if told in SOFTWARE else None


def _state(cursor: Cursor | None) -> dict[str, Any]:
    try:
        state = json.loads(cursor.state) if cursor is not None else {}
    except ValueError:
        return {}
    return state if isinstance(state, dict) else {}


def _marked(page: Page, software: str) -> Page:
    """The page with the software in its cursor, so that it is found out once only."""
    state = json.dumps({**_state(page.cursor), "software": software}, separators=(",", ":"))
    return Page(posts=page.posts, cursor=Cursor(state=state), more=page.more, gaps=page.gaps, oddities=page.oddities)
