"""A real authorisation server on loopback, at the addresses of YouTube's, and an owner who uses it by browser."""

from __future__ import annotations

import base64
import contextlib
import io
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from werkzeug.serving import make_server

from watcher.config import Settings, load
from watcher.seal import fresh_key

with warnings.catch_warnings(record=True):
    # The server's own library warns of its next version, whatever the filters say.
    import oidc_provider_mock

_PATHS = {"/o/oauth2/v2/auth": "/oauth2/authorize", "/token": "/oauth2/token"}
SETTINGS = """
[server]
public_url = "https://watcher.example"
[mail]
from = "watcher@it.example"
[alerts]
last_resort = "duty@it.example"
[secrets]
key = {{ file = "{key}" }}
[[schools]]
id = "hillcrest"
name = "Hillcrest Primary School"
pack = "wessex"
[[people]]
id = "desk"
name = "Pat Desk"
email = "desk@it.example"
[[holdings]]
person = "desk"
role = "it_provider"
school = "hillcrest"
[[apps]]
platform = "youtube"
client_id = "client-1"
client_secret = {{ file = "{secret}" }}
base_url = "{base}"
allow_private = true
[[accounts]]
name = "hillcrest-youtube"
school = "hillcrest"
platform = "youtube"
target = "@hillcrestprimary"
reads = ["posts"]
official = true
owner = "Sam Okafor"
"""


@dataclass
class Authority:
    """The server's address, what it was asked for tokens, and what to do instead of answering."""

    url: str
    asked: list[dict[str, str]] = field(default_factory=list)
    instead: Callable[[], tuple[str, bytes] | None] = lambda: None

    def agree(self, link: str, *, deny: bool = False, sub: str = "jo") -> dict[str, str]:
        """Open a link as its owner does, and log in; what the browser would bring back."""
        form = {"action": "deny"} if deny else {"sub": sub}
        with httpx.Client() as browser:
            assert browser.get(link).status_code == 200
            answer = browser.post(link, data=form)
        assert answer.status_code == 302, answer.text
        found = parse_qs(urlsplit(answer.headers["location"]).query)
        return {key: values[0] for key, values in found.items()}

    def withdraw(self, sub: str = "jo") -> None:
        """Take everything back at the platform, as an owner may at any time."""
        httpx.post(f"{self.url}/users/{sub}/revoke-tokens").raise_for_status()


@contextlib.contextmanager
def authority() -> Iterator[Authority]:
    """The server, running."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inner = oidc_provider_mock.app()
    made = Authority(url="")

    def outer(environ: dict[str, Any], start: Any) -> Any:
        path = environ["PATH_INFO"]
        environ["PATH_INFO"] = _PATHS.get(path, path)
        if path == "/token":
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
            made.asked.append(form)
            if form.get("grant_type") == "refresh_token":
                # Its library takes a renewal with the app's name and secret in the header only; Google takes both.
                pair = f"{form['client_id']}:{form['client_secret']}".encode()
                environ["HTTP_AUTHORIZATION"] = f"Basic {base64.b64encode(pair).decode()}"
            instead = made.instead()
            if instead is not None:
                start(instead[0], [("Content-Type", "application/json")])
                return [instead[1]]
            environ["wsgi.input"] = io.BytesIO(body)
        query = dict(parse_qs(environ.get("QUERY_STRING", "")))
        if "scope" in query:
            # It knows the scopes of OpenID only, and its library warns of itself wherever an identity is asked for.
            query["scope"] = ["email"]
            environ["QUERY_STRING"] = urlencode(query, doseq=True)
        return inner(environ, start)

    server = make_server("127.0.0.1", 0, outer, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def settings(
    folder: Path, base: str = "http://127.0.0.1:9", more: str = "", swap: dict[str, str] | None = None
) -> Settings:
    """The settings of one school whose channel is read by its owner's leave."""
    return load(written(folder, base, more, swap))


def written(folder: Path, base: str = "http://127.0.0.1:9", more: str = "", swap: dict[str, str] | None = None) -> Path:
    """The same as a file."""
    key, secret = folder / "key", folder / "secret"
    if not key.exists():
        key.write_text(fresh_key(), encoding="utf-8")
        secret.write_text("client-s3cret", encoding="utf-8")
    text = SETTINGS.format(key=key, secret=secret, base=base) + more
    for old, new in (swap or {}).items():
        assert old in text
        text = text.replace(old, new)
    file = folder / "watcher.toml"
    file.write_text(text, encoding="utf-8")
    return file
