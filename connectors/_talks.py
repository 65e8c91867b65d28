"""The conversations under an account's own newest posts, as terms of the searches that bring its replies on X; pure.

Who answers another's answer may leave the account's name out. X's ``conversation_id:`` finds it all the same, by the
search that is made anyway: that costs no request more, and nothing is paid for twice. As many conversations are asked
for as the query's length leaves room for, the newest first.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors._backlog import Position
from connectors.post import Account

_LONGEST = 512  # characters of a query
_MOST = 10
_NUMBER = re.compile(r"[0-9]{1,19}")
_FROM = re.compile(r"(?<![\w-])from:(\w{1,20})")
_SHARED = re.compile(r"(\([^()]+)(\) -is:retweet)")
_DAY = 86_400_000 << 22  # in X's ids, whose upper bits are milliseconds


def own_handles(account: Account) -> frozenset[str]:
    """The handles that the school's own search asks the posts of, in small letters."""
    own = account.official and account.reads == ("search",)
    return frozenset(name.casefold() for name in _FROM.findall(account.target)) if own else frozenset()


def replies_to(handle: str, talks: Sequence[str]) -> str:
    """The query for what answers a handle, stands in its conversations, or links to its posts."""
    return _widened(
        f"((to:{handle} OR @{handle}", f") is:reply OR {_quoting(handle)}) -from:{handle} -is:retweet", talks
    )


def answers_to(handle: str, talks: Sequence[str]) -> str:
    """The query for all of that, and for what names the handle without answering anything."""
    return _widened(f"(to:{handle} OR @{handle} OR {_quoting(handle)}", f") -from:{handle} -is:retweet", talks)


def widened(account: Account, talks: Sequence[str]) -> str:
    """A search's own words; the search that several schools' handles share gets their conversations, too."""
    parts = _SHARED.fullmatch(account.target) if own_handles(account) else None
    return account.target if parts is None else _widened(parts[1], parts[2], talks)


def _widened(head: str, tail: str, talks: Sequence[str]) -> str:
    for number in talks:
        term = f" OR conversation_id:{number}"
        if len(head) + len(term) + len(tail) > _LONGEST:
            break
        head += term
    return head + tail


def _quoting(handle: str) -> str:
    """Whatever links to one of the handle's posts: a quote does by its nature, on x.com as on twitter.com."""
    return f'url:"{handle}/status"'


def begun(place: Position) -> Position:
    """The position with the conversations that the round at hand asks for: they stay the same until its last page.

    A post that came before the mark, but was not known yet when that was reached, may have answers before the mark: the
    round then goes back to it. A search that several share brings the posts themselves; it does not go back, as all
    that came since for the others would be paid for a second time.
    """
    if place.backlog.token is not None:
        return place
    talks, before, since = place.kept.get("talks", ()), place.kept.get("asked"), place.backlog.since
    if since is not None and before is not None and place.at != "search" and _NUMBER.fullmatch(since):
        late = [int(n) for n in talks if n not in before and 0 < int(since) - int(n) < _DAY]
        if late:
            backlog = replace(place.backlog, since=str(min(late)))
            place = replace(place, backlogs={**place.backlogs, place.at: backlog})
    return place.keeping(asked=list(talks)) if talks or before else place


def noted(place: Position, body: Mapping[str, Any], owners: Collection[str]) -> Position:
    """The position that also knows the conversations which the owners' posts in an answer began, newest first."""
    known = place.kept.get("talks", ())
    found = {*known, *(str(item["conversation_id"]) for item in _tweets(body) if _begins(item, owners))}
    newest = sorted(found, key=int, reverse=True)[:_MOST]
    return place.keeping(talks=newest) if newest != list(known) else place


def _tweets(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    includes = body.get("includes")
    along = includes.get("tweets") if isinstance(includes, dict) else None
    for items in (body.get("data"), along):
        yield from (item for item in (items if isinstance(items, list) else ()) if isinstance(item, dict))


def _begins(item: Mapping[str, Any], owners: Collection[str]) -> bool:
    """Whether a post is one of the owners' that a conversation begins with; an edit keeps its first version's."""
    talk, history, along = (
        item.get(name) for name in ("conversation_id", "edit_history_tweet_ids", "referenced_tweets")
    )
    if str(item.get("author_id")) not in owners or not _NUMBER.fullmatch(str(talk)):
        return False
    versions = [item.get("id"), *(history if isinstance(history, list) else ())]
    parts = along if isinstance(along, list) else []
    return talk in versions and not any(isinstance(one, dict) and one.get("type") == "retweeted" for one in parts)
