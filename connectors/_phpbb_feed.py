"""Reads a phpBB forum by the feed of its newest posts: a window that moves on, and leaves a gap where it moves far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from connectors._feed import Feed, read_feed
from connectors._phpbb import numbers, read_entry
from connectors._timeline import Walk, short
from connectors._topic import Leaf, Place
from connectors._tour import Find, Item, State, newest, oldest, take
from connectors._venue import Desk
from connectors.errors import AccountNotFoundError, AuthenticationError, UnexpectedResponseError
from connectors.post import Gap, Oddity, Post, parse_time, rfc3339

ADDRESSES = ("/feed.php", "/app.php/feed")
_NOT_MODIFIED = 304
_LONGEST_TAG = 300


class Bulletin:
    """Reads one forum's feed; ``wanted`` says which posts the account is about."""

    def __init__(self, desk: Desk, place: Place, *, wanted: Callable[[Leaf], bool]) -> None:
        self._desk, self._place, self._wanted = desk, place, wanted

    def find_out(self) -> None:
        """See whether this is a phpBB forum with feeds.

        Raises:
            AccountNotFoundError: it is none, or has its feeds switched off.
            ConnectorError: it cannot be said.
        """
        self._asked({})

    def read(self, state: State) -> tuple[Find, State]:
        """The window as it is now: what is new or changed in it, and a gap where it shares nothing with the last."""
        feed, after = self._asked(state)
        if feed is None:
            return Find(), state
        walk = Walk.load(state.get("walk", {}))
        items = self._items(feed)
        find, step = take(walk, items, None)
        find.posts = [post for post in find.posts if self._wanted(_leaf(post))]
        keys = [short(key) for key, _ in items]
        if walk.known and keys and not any(key in walk.known for key in keys):
            why = "the feed holds nothing of what it held last time: posts may have come and gone between"
            find.gaps.append(Gap(start=parse_time(state.get("newest")), end=oldest(items), why=why))
        latest = newest(items)
        after["newest"] = rfc3339(latest) if latest else state.get("newest")
        return find, {**after, "walk": step.walk.dump()}

    def recheck(self, posts: Sequence[Post]) -> Iterator[tuple[Post, Post | None]]:
        """Each post as its topic's feed shows it; ``None`` where that holds older posts, and not this one.

        Nothing is said of what is older than the feed, nor where the forum has no feeds of topics.

        Raises:
            ConnectorError: the forum cannot be read.
        """
        topics: dict[str, list[Post]] = {}
        for post in posts:
            topic, _ = numbers(post.url or "")
            if topic:
                topics.setdefault(topic, []).append(post)
        for topic, some in topics.items():
            try:
                feed = _feed_of(self._desk, f"/app.php/feed/topic/{topic}", {})[0]
            except (AccountNotFoundError, AuthenticationError, UnexpectedResponseError):
                self._asked({})  # a forum that is gone as a whole deletes nothing
                continue
            items = self._items(feed) if feed else []
            shown = {one.id: one for _, one in items if isinstance(one, Post)}
            start = oldest(items)
            for post in some:
                if post.id in shown:
                    yield post, _as_known(shown[post.id], post)
                elif start and post.created_at and post.created_at > start:
                    yield post, None

    def _items(self, feed: Feed) -> list[Item]:
        items: list[Item] = []
        for entry in feed.entries:
            post = read_entry(entry, self._place)
            odd = Oddity(raw=entry.raw, why="an entry that leads to no post of the forum")
            items.append((post.id if post else f"odd:{short(entry.raw)}", post or odd))
        return [*items, *((f"odd:{short(one.raw)}", one) for one in feed.oddities)]

    def _asked(self, state: State) -> tuple[Feed | None, State]:
        """The feed, nothing where it has not changed, and what is kept of how it was asked."""
        known = state.get("at")
        missing: AccountNotFoundError | None = None
        for at in [known] if known in ADDRESSES else ADDRESSES:
            try:
                feed, marks = _feed_of(self._desk, at, state if at == known else {})
            except AccountNotFoundError as exc:
                missing = exc
                continue
            return feed, {"at": at, **marks}
        raise AccountNotFoundError(
            "the phpBB forum shows no feed: its owner can switch feeds on (Administration, Feed settings)"
        ) from missing


def _feed_of(desk: Desk, at: str, state: State) -> tuple[Feed | None, State]:
    headers = {"accept": "application/atom+xml, application/xml;q=0.9, */*;q=0.1"}
    for name, header in (("etag", "if-none-match"), ("modified", "if-modified-since")):
        if state.get(name):
            headers[header] = state[name]
    answer = desk.get(at, headers=headers)
    if answer.status == _NOT_MODIFIED:
        return None, {}
    feed = read_feed(answer.body, answer.headers.get("content-type", ""), answer.url)
    if feed.entries and not any(any(numbers(entry.url or entry.id)) for entry in feed.entries):
        raise AccountNotFoundError("the feed at this address is none of a phpBB forum")
    marks = {"etag": answer.headers.get("etag", ""), "modified": answer.headers.get("last-modified", "")}
    return feed, {name: value for name, value in marks.items() if feed.whole and 0 < len(value) <= _LONGEST_TAG}


def _as_known(now: Post, known: Post) -> Post:
    """A post of a topic's feed, which names no forum's part, with the kind by which it is known already."""
    return replace(now, kind=known.kind, reply_to=known.reply_to, thread=known.thread)


def _leaf(post: Post) -> Leaf:
    return Leaf(key=post.id, one=post)
