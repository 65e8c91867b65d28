"""The web client's rules as a ``requests`` session, for libraries that insist on asking through one.

tweepy and facebook-sdk set no time-out, follow redirects anywhere, unpack without bound and put secrets into the
texts of their exceptions. Here their session only *looks* like ``requests``: every call goes through `HttpClient`,
so time-outs, the total deadline, size caps and checked addresses are the very same as everywhere else.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import responses as _reasons
from http.cookiejar import DefaultCookiePolicy

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from connectors.errors import AuthenticationError, PermanentError, UnexpectedResponseError
from connectors.http import HttpClient, Response, origin_of

Check = Callable[[Response], Response]
# What a library may say to the server; its own user agent and its wish for brotli stay here.
_PASSED = ("authorization", "accept")


class CheckedSession(requests.Session):
    """Answers a library's calls to ``prefix`` from ``base_url``, and nothing else.

    ``check`` sees each answer before the library does: it returns it, mended where the library would stumble, or
    raises what it means. ``headers`` go with every call. One session is for one thread.
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        prefix: str,
        base_url: str,
        check: Check,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__()
        # The environment's netrc would replace the token, its proxy would undo the address check.
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers.update(headers or {})
        self.adapters.clear()
        self.mount(prefix, _Bridge(client, prefix, base_url, check))


class _Bridge(BaseAdapter):
    """Carries one request of the library to the web client, and the answer back."""

    def __init__(self, client: HttpClient, prefix: str, base_url: str, check: Check) -> None:
        super().__init__()
        self._client, self._check = client, check
        self._prefix, self._base_url = prefix.rstrip("/"), base_url.rstrip("/")

    def send(  # type: ignore[override]  # time-outs, proxies and the like are the web client's, not the library's
        self, request: requests.PreparedRequest, **_options: object
    ) -> requests.Response:
        if request.method != "GET" or request.url is None:
            raise PermanentError(f"Watcher only reads: {request.method} is never sent")
        url = self._base_url + request.url[len(self._prefix) :]
        sent = {name.lower(): _text(value) for name, value in request.headers.items()}
        answer = self._client.get(url, headers={name: sent[name] for name in _PASSED if name in sent})
        if origin_of(answer.url) != origin_of(url):
            raise UnexpectedResponseError(f"{origin_of(url)} sent its reader on to {origin_of(answer.url)}")
        return _dressed(self._check(answer), request)

    def close(self) -> None:
        self._client.close()


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _dressed(answer: Response, request: requests.PreparedRequest) -> requests.Response:
    """The web client's answer in the clothes of ``requests``."""
    dressed = requests.Response()
    dressed.status_code = answer.status
    dressed.reason = _reasons.get(answer.status, "")
    # The body is unpacked already, and its length is another one now.
    kept = {k: v for k, v in answer.headers.items() if k not in ("content-encoding", "content-length")}
    dressed.headers = CaseInsensitiveDict(kept)
    dressed.encoding = "utf-8"
    dressed.url = answer.url
    dressed.request = request
    dressed._content = answer.body
    dressed._content_consumed = True  # type: ignore[attr-defined]
    return dressed


def as_json(answer: Response, what: str) -> Response:
    """The answer as plain ASCII JSON under the right content type, whatever type the server named.

    Raises:
        UnexpectedResponseError: it is no JSON object: an error page, a list, or cut off.
    """
    value = answer.json()
    if not isinstance(value, dict):
        raise UnexpectedResponseError(f"{what} answered JSON that is no object but a {type(value).__name__}")
    headers = {**answer.headers, "content-type": "application/json"}
    return dataclasses.replace(answer, headers=headers, body=json.dumps(value).encode())


def said(answer: Response, secret: str, *keys: str) -> str:
    """What the server says of an error under the first of these keys, as " (…)", cut short and without the secret."""
    try:
        value = answer.json()
    except UnexpectedResponseError:
        return ""
    found = next((value[k] for k in keys if isinstance(value.get(k), str)), "") if isinstance(value, dict) else ""
    words = " ".join(found.replace(secret, "…").split() if secret else found.split())
    return f" ({words[:300]})" if words else ""


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns what ``requests`` itself refuses into our errors; its texts quote headers, so they are not chained.

    Raises:
        AuthenticationError: the token cannot be a header.
        PermanentError: the address cannot be asked.
    """
    try:
        yield
    except (requests.exceptions.InvalidHeader, UnicodeEncodeError):
        raise AuthenticationError(f"the token for {what} holds signs that no token has: copy it again") from None
    except requests.RequestException as exc:
        raise PermanentError(f"{what} cannot be asked ({type(exc).__name__}): check target and base_url") from None
