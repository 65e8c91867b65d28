"""Reads what Instagram shows under a hashtag, within its limit of 30 different hashtags in seven days.

Instagram gives what was published in the last 24 hours, in no order, without authors. Its cursor may be the same for
every page and still lead onward, so pages are told apart by counting them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from connectors._edge import all_known, asked, items_of, onward, take_widely
from connectors._gram import to_post
from connectors._graph import Graph
from connectors._timeline import Walk
from connectors._toot import id_of
from connectors._tour import Find, State
from connectors.errors import AccountNotFoundError, PermanentError
from connectors.post import Gap, parse_time, rfc3339

MOST_HASHTAGS = 30
_WINDOW = timedelta(hours=24)
_FIELDS = "id,caption,media_type,media_url,permalink,timestamp,children{id,media_type,media_url}"


def read_hashtag(graph: Graph, user: str, tag: str, state: State, size: int) -> tuple[Find, State]:
    """One page of the recent media under a hashtag, asked in the name of the account ``user``, and the state after it.

    Raises:
        PermanentError: 30 other hashtags were searched in the last seven days.
    """
    walk, state, gaps = Walk.load(state.get("walk", {})), dict(state), []
    if walk.query is None:
        try:
            state["id"] = _admitted(graph, user, tag, state.get("id"))
        except AccountNotFoundError:
            return _unknown(tag, state)
        gaps, state["began"] = _missed(state.get("began")), rfc3339(datetime.now(UTC))
        state["unknown"] = False
    number = str(state["id"])

    def ask(query: dict[str, str]) -> Any:
        return graph.page(number, "recent_media", user_id=user, fields=_FIELDS, limit=min(size, 50), **query)

    walk, body = asked(walk, ask)
    items = items_of(body["data"], lambda item: to_post(item, own=None), "a medium of Instagram")
    count = int((walk.query or {}).get("#", "0")) + 1
    stop = bool(items) and all_known(walk, items)
    find, walk = take_widely(walk, items, onward(body, "Instagram", count=count), stop=stop)
    find.gaps = [*gaps, *find.gaps]
    return find, {**state, "walk": walk.dump()}


def _admitted(graph: Graph, user: str, tag: str, number: str | None) -> str:
    """The hashtag's id, where asking for it does not pass the limit."""
    body = graph.page(user, "recently_searched_hashtags", fields="id,name", limit=MOST_HASHTAGS)
    listed = [one for one in body["data"] if isinstance(one, dict)]
    known = {str(one.get("id")) for one in listed} | {f"#{one.get('name')}".lower() for one in listed}
    if len(listed) >= MOST_HASHTAGS and number not in known and f"#{tag}".lower() not in known:
        raise PermanentError(
            f"#{tag} is not searched: this Instagram account has searched {MOST_HASHTAGS} other hashtags in seven "
            "days, which is the most Instagram allows; search fewer, or under another account"
        )
    if number:
        return number
    found = graph.node("ig_hashtag_search", user_id=user, q=tag).get("data")
    first = id_of(found[0]) if isinstance(found, list) and found else None
    if first is None:
        raise AccountNotFoundError(f"Instagram knows no hashtag #{tag}")
    return first


def _unknown(tag: str, state: State) -> tuple[Find, State]:
    """A hashtag that nobody used yet is quiet, not wrong; it is told once, as it may be a slip of the pen."""
    why = f"Instagram knows no hashtag #{tag} yet, or does not let it be searched"
    told = [] if state.get("unknown") else [Gap(start=None, end=None, why=why)]
    return Find(gaps=told), {**state, "unknown": True, "id": None, "began": None, "walk": {}}


def _missed(began: str | None) -> list[Gap]:
    """What was published longer than 24 hours ago, and after the last look."""
    last, now = parse_time(began), datetime.now(UTC)
    if last is None or now - last <= _WINDOW:
        return []
    return [Gap(start=last, end=now - _WINDOW, why="Instagram shows what a hashtag brought in the last 24 hours only")]
