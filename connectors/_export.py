"""What a platform's download of an account is to Watcher: which files are read, which only tell whose it is; pure.

Everything that no pattern names stays unread: nobody opens the other files, so nothing private can get in by mistake.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.post import Post

ODD = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
_SHORT = 32


@dataclass(frozen=True, kw_only=True)
class Owner:
    """Whose download it is, as far as it tells; ``account`` is the name of the Watcher account that reads it.

    ``hidden`` says why nothing in it is public. ``public`` says that the download itself proves that its posts are.
    ``beside`` is what other files say about single posts, by a key of the platform's own.
    """

    account: str
    official: bool = False
    id: str | None = None
    handle: str | None = None
    name: str | None = None
    public: bool = True
    hidden: str | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Format:
    """One platform's download: how it is known by its names, and what is read of it.

    - ``sign`` matches a name that only such a download holds, from where the download begins.
    - ``parts`` are the files that may be opened, by kind, in the order of reading; ``posts`` turns an item of a kind,
      with its bytes, into posts, and ``lists`` names the JSON lists within.
    - ``beside`` gives a key and a value, or nothing, for an item of a part that is looked through before the others.
    - ``about`` are the small files that ``owner`` is read from: of each row the first that tells an id is enough.
    - ``proven`` matches a name that shows that all posts are public, where that is not a matter of course.
    - ``other`` tells the look of a download that has to be asked for again, and what to say.
    """

    platform: str
    sign: re.Pattern[str]
    parts: Mapping[str, re.Pattern[str]]
    posts: Mapping[str, Callable[[Any, bytes, Owner], Sequence[Post]]]
    owner: Callable[[str, bytes, Owner], Owner] | None = None
    about: tuple[tuple[re.Pattern[str], ...], ...] = ()
    lists: frozenset[str] = frozenset()
    beside: Mapping[str, Callable[[Any], tuple[str, Any] | None]] = field(default_factory=dict)
    proven: re.Pattern[str] | None = None
    other: tuple[re.Pattern[str], str] | None = None

    def kind(self, name: str) -> str | None:
        """The kind of a part, by its name; nothing where it must not be opened."""
        return next((kind for kind, pattern in self.parts.items() if pattern.search(name)), None)


def each_text(value: Any, change: Callable[[str], str]) -> Any:
    """The same JSON value with every text in it changed, names included."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [each_text(one, change) for one in value]
    if isinstance(value, dict):
        return {change(name): each_text(one, change) for name, one in value.items()}
    return value


def derived(*facts: Any) -> str:
    """An id for an item whose own id the download keeps back: the same in every download of the same item."""
    text = json.dumps(facts, ensure_ascii=True, sort_keys=True)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()[:_SHORT]


def whole(body: bytes) -> Any:
    """A small JSON file, or one in JavaScript's clothes: ``window.YTD.account.part0 = [...]``.

    Raises:
        ValueError: it is neither.
    """
    text = body.decode("utf-8-sig")
    opened = min((at for at in (text.find("["), text.find("{")) if at >= 0), default=0)
    try:
        return json.loads(text[opened:].rstrip().rstrip(";"))
    except RecursionError:
        raise ValueError("nested too deep") from None
