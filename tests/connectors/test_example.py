"""The thirteenth platform of `docs/connectors.md`: written to a file, registered, and held to the contract."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors import registry
from connectors.connector import Connector, Rechecker
from connectors.errors import (
    AccountNotFoundError,
    AuthenticationError,
    ConnectorError,
    PermanentError,
    RateLimitedError,
    TransientError,
    UnexpectedResponseError,
)
from connectors.post import Account

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "connectors.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def contract() -> ModuleType:
    """The contract's own functions, which take any source."""
    spec = importlib.util.spec_from_file_location(
        "contract_of_connectors", Path(__file__).with_name("test_contract.py")
    )
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


@pytest.fixture
def noticeboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The page's file on a disk, and its line among the platforms."""
    (tmp_path / "noticeboard.py").write_text(BLOCKS[0], encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    line = ast.literal_eval("{" + BLOCKS[1] + "}")
    assert line == {"noticeboard": "connectors.noticeboard:NoticeboardConnector"}
    for name, home in line.items():
        monkeypatch.setitem(registry._HOMES, name, home.removeprefix("connectors."))
    yield "noticeboard"
    sys.modules.pop("noticeboard", None)


@pytest.fixture
def source(contract: ModuleType, noticeboard: str, httpserver: HTTPServer, tmp_path: Path) -> Any:
    """The page's own stand-in for the platform."""
    scope: dict[str, Any] = {"Any": Any, "Account": Account, "Request": Request}
    scope |= {"Source": contract.Source, "moment": contract.moment}
    exec(BLOCKS[2], scope)
    return scope["NoticeboardSource"](httpserver, tmp_path)


def test_it_is_known_by_its_one_line(noticeboard: str) -> None:
    assert noticeboard in registry.known()
    made = registry.load(noticeboard, {"page_size": 3})
    assert isinstance(made, Connector)
    assert isinstance(made, Rechecker)


@pytest.mark.parametrize(
    "law",
    [
        "test_it_is_a_connector_and_making_it_takes_time_outs_and_asks_nobody",
        "test_posts_are_whole_and_each_page_is_oldest_first",
        "test_a_page_is_given_again_for_the_same_cursor",
        "test_a_source_that_hangs_is_left_in_time",
        "test_a_private_address_is_asked_only_where_the_operator_allowed_it",
        "test_a_redirect_to_a_private_address_is_refused",
        "test_a_gzip_bomb_is_refused_before_it_bursts",
    ],
)
def test_it_keeps_the_laws(contract: ModuleType, source: Any, law: str) -> None:
    getattr(contract, law)(source)


@pytest.mark.parametrize(
    "law",
    [
        "test_everything_comes_once_and_then_nothing_more",
        "test_what_is_new_comes_alone",
        "test_a_source_without_posts_has_none",
        "test_threads_may_share_it",
        "test_a_cursor_of_another_version_begins_anew",
    ],
)
def test_it_loses_and_doubles_nothing(contract: ModuleType, source: Any, drain: Callable[..., Any], law: str) -> None:
    getattr(contract, law)(source, drain)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Response("no", 401), AuthenticationError),
        (Response("no", 404), AccountNotFoundError),
        (Response("slow down", 429), RateLimitedError),
        (Response("<html>Down</html>", 503, content_type="text/html"), TransientError),
        (Response('{"notices": [{"id": 1, "te', 200, content_type="application/json"), UnexpectedResponseError),
        (Response("", 200, content_type="application/json"), UnexpectedResponseError),
    ],
    ids=["401", "404", "429", "503", "truncated", "empty"],
)
def test_its_errors_are_told_apart(
    contract: ModuleType, source: Any, drain: Callable[..., Any], answer: Response, error: type[ConnectorError]
) -> None:
    contract.test_bad_answers_become_errors_without_secrets_and_cost_nothing(source, drain, answer, error)


def test_a_slow_drip_is_left_in_time(contract: ModuleType, source: Any, raw_server: Callable[..., str]) -> None:
    contract.test_a_slow_drip_is_left_in_time(source, raw_server)


def test_an_odd_notice_is_set_aside_and_an_edit_comes_again(source: Any, drain: Callable[..., Any]) -> None:
    source.put(1, 2)
    reading = drain(source.connector(), source.account())
    source.items[2] = "Invented post 2, edited"
    again = drain(source.connector(), source.account(), reading.cursor)
    assert "Invented post 2, edited" in {post.text for post in again.posts}
    source.answer = lambda request: {"notices": [{"id": 9}, "odd"], "next": None}
    odd = drain(source.connector(), source.account(), again.cursor)
    assert len(odd.oddities) == 2
    assert odd.posts == []


def test_what_was_taken_down_is_told_from_a_key_that_was_withdrawn(source: Any) -> None:
    source.put(1)
    connector, account = source.connector(), source.account()
    (post,) = connector.fetch(account, None).posts
    source.broken = Response("gone", 404)
    assert list(connector.recheck(account, [post])) == [(post, None)]
    source.broken = Response("no", 403)
    with pytest.raises(AuthenticationError):
        list(connector.recheck(account, [post]))
    source.broken = Response(json.dumps({"id": 1, "text": "Edited", "written": "2026-11-20T08:00:00Z"}), 200)
    ((_, current),) = connector.recheck(account, [post])
    assert current.text == "Edited"


def test_it_refuses_what_it_cannot_read(noticeboard: str) -> None:
    account = Account(name="board", platform=noticeboard, target="northmere", reads=("search",))
    with pytest.raises(PermanentError, match="nothing but posts"):
        registry.load(noticeboard).fetch(account, None)
    with pytest.raises(AuthenticationError, match="key"):
        registry.load(noticeboard).fetch(Account(name="board", platform=noticeboard, target="northmere"), None)


def test_nothing_of_the_page_is_out_of_reach() -> None:
    assert len(BLOCKS) == 3
    for path in re.findall(r"`((?:connectors|tests|docs)/[\w/.]+\.(?:py|md))`", PAGE):
        if "noticeboard" not in path and "NAME" not in path:
            assert (ROOT / path).exists(), path
