"""Reads on in one download: only the files with public items, one page at a time, from exactly where it stopped.

Files are chosen by their names. What no format asks for is neither opened nor decompressed, so private messages stay
unread even where they are broken, encrypted or a bomb.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, BinaryIO

from connectors._bundle import Bundle, reading_problem
from connectors._export import ODD, Format, Owner
from connectors._items import BrokenError, Item, Spot, csv_items, json_items
from connectors._meta_archive import FACEBOOK, INSTAGRAM
from connectors._takeout import TAKEOUT
from connectors._x_archive import X
from connectors.errors import PermanentError
from connectors.post import Account, Oddity, Post

FORMATS = (X, INSTAGRAM, FACEBOOK, TAKEOUT)
_ENDINGS = (".js", ".json", ".csv", ".html")
_LARGEST_ABOUT = 1024 * 1024
_MOST_BESIDE = 16 * 1024 * 1024  # signs of long posts held at once; a whole archive's are far fewer
_KEPT = 64 * 1024
_UNPROVEN = (
    "it does not tell whom its posts were shown to: Watcher reads it only where the account is the school's own "
    "(official = true) and its posts are public"
)


@dataclass(kw_only=True)
class Find:
    """What one fetch has gathered, how much room its page has, and by when it ends (by the monotonic clock)."""

    room: int
    ends: float
    until: datetime | None = None
    posts: list[Post] = field(default_factory=list)
    oddities: list[Oddity] = field(default_factory=list)
    more: bool = False

    @property
    def full(self) -> bool:
        """Whether no further item may be read."""
        return self.room <= 0 or time.monotonic() > self.ends


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a download was read: each part's stamp and spot, by name, and what was told of it already.

    ``done`` says that nothing is left in it, as long as its bytes stay the same.
    """

    parts: Mapping[str, tuple[str, Spot | None]] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    done: bool = False

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> Progress:
        """Progress from what `dump` gave."""
        parts = {
            name: (
                str(stamp),
                None if spot is None else Spot(offset=spot[0], number=spot[1], list=spot[2], inner=spot[3]),
            )
            for name, (stamp, spot) in state.get("parts", {}).items()
        }
        return cls(parts=parts, told=tuple(state.get("told", ())), done=bool(state.get("done")))

    def dump(self) -> dict[str, Any]:
        """The progress as JSON values; a part that is done has no spot."""
        parts = {
            name: [stamp, None if spot is None else [spot.offset, spot.number, spot.list, spot.inner]]
            for name, (stamp, spot) in self.parts.items()
        }
        told = {"told": list(self.told)} if self.told else {}
        return {"parts": parts, **told, **({"done": True} if self.done else {})}


def recognised(names: Iterable[str]) -> Format | None:
    """Whose download it is, by the names in it: whose signs are most."""
    found = dict.fromkeys((form.platform for form in FORMATS), 0)
    for name in names:
        for form in FORMATS:
            found[form.platform] += form.sign.search(name) is not None
    best = max(FORMATS, key=lambda form: found[form.platform])
    return best if found[best.platform] else None


def read_download(bundle: Bundle, name: str, account: Account, progress: Progress, find: Find) -> Progress:
    """Read on in one download, as far as the page has room; ``name`` is what people call it.

    Raises:
        PermanentError: it is none that Watcher knows, is refused, or must be asked for again in another form.
    """
    every = sorted(bundle.names())
    names = [one for one in every if one.endswith(_ENDINGS)]
    form = recognised(names or every)
    if form is None:
        raise PermanentError("it is no download of X, Facebook, Instagram or Google Takeout that Watcher knows")
    kinds = {one: kind for one in names if (kind := form.kind(one)) is not None}
    parts = [one for kind in form.posts for one in kinds if kinds[one] == kind]
    if not parts and form.other is not None and any(form.other[0].search(one) for one in names):
        raise PermanentError(form.other[1])
    if not all(_is_done(progress, one, bundle) for one in parts):
        for part in parts:
            bundle.check(part)
        progress = _Reading(bundle, name, form, names, account, progress, find).whole(parts)
    return replace(progress, done=all(_is_done(progress, one, bundle) for one in parts))


def _is_done(progress: Progress, part: str, bundle: Bundle) -> bool:
    stamp, spot = progress.parts.get(part, ("", Spot()))
    return spot is None and stamp == bundle.stamp(part)


class _Reading:
    """One call's reading of one download."""

    def __init__(
        self,
        bundle: Bundle,
        name: str,
        form: Format,
        names: list[str],
        account: Account,
        progress: Progress,
        find: Find,
    ) -> None:
        self._bundle, self._name, self._form, self._names = bundle, name, form, names
        self._account, self._progress, self._find = account, progress, find

    def whole(self, parts: list[str]) -> Progress:
        """All parts, in their order, until the page is full."""
        owner = self._owner()
        why = owner.hidden or (None if owner.public or owner.official else _UNPROVEN)
        if why is not None:
            self._tell(why)
            return self._progress
        owner = replace(owner, beside=dict(self._beside()))
        for part in parts:
            if _is_done(self._progress, part, self._bundle):
                continue
            if self._find.full and self._find.posts:
                self._find.more = True
                break
            self._part(part, owner)
        return self._progress

    def _part(self, part: str, owner: Owner) -> None:
        stamp = self._bundle.stamp(part)
        known, spot = self._progress.parts.get(part, (stamp, Spot()))
        spot = Spot() if known != stamp or spot is None else spot
        try:
            with self._bundle.open(part) as file:
                for item in _items(file, part, spot, self._form):
                    self._take(part, item, owner)
                    self._reached(part, stamp, item.after)
                    if self._find.full:
                        self._find.more = True
                        return
        except Exception as exc:
            self._failed(part, exc)
            if isinstance(exc, OSError):
                return  # it may be given the right to read it
        self._reached(part, stamp, None)

    def _failed(self, part: str, exc: Exception) -> None:
        """Say why a part cannot be read any further; what came before it is good.

        Raises:
            Exception: it is a fault of this programme.
        """
        if isinstance(exc, PermanentError):
            why: str | None = str(exc)
        elif isinstance(exc, BrokenError):
            why = f"{part} is read only in part: {exc}"
        else:
            why = reading_problem(exc, part)
        if why is None:
            raise exc
        self._tell(why)

    def _take(self, part: str, item: Item, owner: Owner) -> None:
        """The posts of one item, or why it gives none."""
        why, kind = item.why, self._form.kind(part) or ""
        if why is None:
            try:
                for post in self._form.posts[kind](item.value, item.raw, owner):
                    if self._find.until is None or post.created_at is None or post.created_at < self._find.until:
                        self._find.posts.append(post)
                        self._find.room -= 1
            except ODD as exc:
                why = f"not an item of {self._form.platform}'s download: {type(exc).__name__}"
        if why is not None:
            self._find.room -= 1
            told = f"{self._name}, {part}, item {item.after.number}: {why}"
            self._find.oddities.append(Oddity(raw=item.raw[:_KEPT], why=told))

    def _reached(self, part: str, stamp: str, spot: Spot | None) -> None:
        self._progress = replace(self._progress, parts={**self._progress.parts, part: (stamp, spot)})

    def _tell(self, why: str) -> None:
        """Set a reason aside, once."""
        if why not in self._progress.told:
            self._find.oddities.append(Oddity(raw=b"", why=f"{self._name}: {why}"))
            self._progress = replace(self._progress, told=(*self._progress.told, why))

    def _owner(self) -> Owner:
        form = self._form
        proven = form.proven is None or any(form.proven.search(name) for name in self._names)
        owner = Owner(account=self._account.name, official=self._account.official, public=proven)
        for row in form.about if form.owner is not None else ():
            for pattern in row:
                for name in (one for one in self._names if pattern.search(one)):
                    owner = self._told_by(name, owner)
                if owner.id is not None:
                    break
        return owner

    def _told_by(self, name: str, owner: Owner) -> Owner:
        """What a small file says of the owner; one that cannot be read says nothing."""
        try:
            with self._bundle.open(name) as file:
                body = file.read(_LARGEST_ABOUT)
                return self._form.owner(name, body, owner) if self._form.owner is not None else owner
        except Exception as exc:
            if not isinstance(exc, (*ODD, PermanentError)) and reading_problem(exc, name) is None:
                raise
        return owner

    def _beside(self) -> Iterator[tuple[str, Any]]:
        """What the parts that are looked through first say about items of the others."""
        left = _MOST_BESIDE
        for kind, read in self._form.beside.items():
            for part in (one for one in self._names if self._form.kind(one) == kind):
                for item in self._sound(part):
                    try:
                        found = read(item.value)
                    except ODD:
                        continue  # it is told of where the part itself is read
                    if found is not None and left > 0:
                        left -= len(item.raw)
                        yield found

    def _sound(self, part: str) -> Iterator[Item]:
        try:
            with self._bundle.open(part) as file:
                yield from (item for item in _items(file, part, Spot(), self._form) if item.why is None)
        except Exception as exc:
            self._failed(part, exc)


def _items(file: BinaryIO, part: str, spot: Spot, form: Format) -> Iterator[Item]:
    return csv_items(file, spot) if part.endswith(".csv") else json_items(file, spot, form.lists)
