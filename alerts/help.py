"""The official ways to help and removal in the United Kingdom, by concern, as instructions; read from one data file."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib.resources import files
from typing import Any

from alerts.wording import listed, platform_name

_FILE = "help_uk.toml"
_PLATFORM, _AGE = "platform", "platform_age"
# Where nothing can be asked of a platform: our own files and reports, and sites that somebody runs for themselves.
_NO_FORM = ("report", "archive", "mailbox", "rss", "wordpress", "forum")
# So much can be read by somebody who has to act.
MOST = 5


@dataclass(frozen=True, kw_only=True)
class Help:
    """One way to help: what to do, as an instruction, and where; ``checked`` is ``None`` where nobody compared it."""

    id: str
    name: str
    do: str
    phone: tuple[str, ...] = ()
    email: str = ""
    url: str = ""
    checked: date | None = None
    source: str = ""


def help_for(concerns: Iterable[str], platforms: Iterable[str] = ()) -> tuple[Help, ...]:
    """The ways for these concerns, the gravest concern's first, each once and not more than can be read.

    The platforms are those where the posts stand: each has its own form by which it is asked to take a post down.
    """
    services, by_concern, _ = _data()
    wanted = dict.fromkeys(service for concern in concerns for service in by_concern.get(concern, ()))
    where = tuple(dict.fromkeys(platforms))
    found: list[Help] = []
    for service in wanted:
        if service in (_PLATFORM, _AGE):
            found += _forms(service, where)
        else:
            found.append(services[service])
    return tuple(found[:MOST])


def services() -> tuple[Help, ...]:
    """All that the data file names, but for the platforms' forms."""
    return tuple(service for service in _data()[0].values() if service.do)


def _forms(service: str, platforms: Iterable[str]) -> list[Help]:
    """One instruction for the forms of the platforms that have any; the others are reported in the app itself."""
    known = _data()[2]
    ways: list[Help] = []
    without: list[str] = []
    for platform in platforms:
        if platform in _NO_FORM:
            continue
        row = known.get(platform, {})
        url = row.get("age" if service == _AGE else "report") or row.get("report")
        if not url:
            without.append(platform_name(platform))
            continue
        asked = "close the account of a child under 13" if service == _AGE else "take down what breaks its rules"
        do = f"Ask {platform_name(platform)} to {asked}, by its own form."
        checked = row.get("age_checked" if service == _AGE else "checked")
        ways.append(Help(id=service, name=platform_name(platform), do=do, url=url, checked=checked))
    if without and not ways:
        where = listed(dict.fromkeys(without))
        ways.append(Help(id=service, name=where, do=f"Report the post where it stands ({where}), by its “Report”."))
    return ways


@lru_cache(maxsize=1)
def _data() -> tuple[Mapping[str, Help], Mapping[str, tuple[str, ...]], Mapping[str, Mapping[str, Any]]]:
    raw = tomllib.loads(files(__package__).joinpath(_FILE).read_text(encoding="utf-8"))
    services = {row["id"]: Help(**row | {"phone": tuple(row["phone"])}) for row in raw["services"]}
    return services, {concern: tuple(ids) for concern, ids in raw["concerns"].items()}, raw["platforms"]
