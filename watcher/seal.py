"""Encrypts what is kept of other people's permissions, each for one account only, with keys that can be changed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Iterator, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from watcher.config import Settings
from watcher.errors import ConfigError

_FORM = b"\x01"
_LENGTH, _NAME, _NONCE = 32, 4, 12
_LEAST = len(_FORM) + _NAME + _NONCE
_HOW = 'make one with `watcher key`, and name where it is: {env = "WATCHER_KEY"} or {file = "/run/secrets/key"}'


class Seal:
    """Seals with the first key, opens with any of them; what was sealed for one account opens for no other."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take the keys, 32 bytes each, the one in force first."""
        self._keys = {_name(key): AESGCM(key) for key in keys}
        self._first = _name(keys[0])

    def __repr__(self) -> str:
        return f"Seal({len(self._keys)} keys)"

    def close(self, text: str, account: str, part: str) -> bytes:
        """The text as it may be stored; ``part`` is the column."""
        nonce = secrets.token_bytes(_NONCE)
        sealed = self._keys[self._first].encrypt(nonce, text.encode(), _bound(account, part))
        return _FORM + self._first + nonce + sealed

    def open(self, sealed: bytes, account: str, part: str) -> str:
        """The text again.

        Raises:
            ConfigError: it was sealed with a key that is not here, for another account, or was changed since.
        """
        name = bytes(sealed[1 : 1 + _NAME])
        if len(sealed) < _LEAST or sealed[:1] != _FORM or name not in self._keys:
            raise ConfigError(
                (
                    f"secrets.key: the token of {account!r} was sealed with another key; write that key under "
                    "secrets.previous too, or connect the account again",
                )
            )
        nonce = bytes(sealed[1 + _NAME : _LEAST])
        try:
            return self._keys[name].decrypt(nonce, bytes(sealed[_LEAST:]), _bound(account, part)).decode()
        except (InvalidTag, UnicodeDecodeError):
            raise ConfigError(
                (f"the token of {account!r} was changed in the database, or moved there; connect the account again",)
            ) from None

    def is_fresh(self, sealed: bytes) -> bool:
        """Whether it was sealed with the key in force."""
        return bytes(sealed[1 : 1 + _NAME]) == self._first


def fresh_key() -> str:
    """A new key as text for an environment variable or a file."""
    return base64.b64encode(secrets.token_bytes(_LENGTH)).decode()


def read_key(text: str, key: str) -> bytes:
    """The 32 bytes that a key's text stands for, in base64 or hexadecimal; ``key`` is the settings' own, for the error.

    Raises:
        ConfigError: it is no such key; the error does not show it.
    """
    text = text.strip()
    for read in (bytes.fromhex, lambda t: base64.b64decode(t.replace("-", "+").replace("_", "/"), validate=True)):
        try:
            found = read(text)
        except (ValueError, binascii.Error):
            continue
        if len(found) == _LENGTH:
            return found
    raise ConfigError((f"{key}: is no key of 32 bytes in base64; {_HOW}",))


def seal_of(settings: Settings) -> Seal:
    """The seal whose keys the settings name.

    Raises:
        ConfigError: there is no key, or it is none.
    """
    own = settings.secrets
    if own.key is None:
        raise ConfigError((f"secrets.key: missing, and without it no token is kept; {_HOW}",))
    keys = [read_key(own.key.read("secrets.key"), "secrets.key")]
    for number, old in enumerate(own.previous, 1):
        key = f"secrets.previous[{number}]"
        keys.append(read_key(old.read(key), key))
    return Seal(keys)


def seal_problems(settings: Settings) -> Iterator[str]:
    """What is wrong with the keys that the settings name."""
    own = settings.secrets
    named = (("secrets.key", own.key), *((f"secrets.previous[{n}]", old) for n, old in enumerate(own.previous, 1)))
    for key, secret in named:
        try:
            if secret is not None:
                read_key(secret.read(key), key)
        except ConfigError as error:
            yield from error.problems


def _name(key: bytes) -> bytes:
    """What a key is known by: it tells nothing of the key."""
    return hashlib.sha256(b"watcher key\0" + key).digest()[:_NAME]


def _bound(account: str, part: str) -> bytes:
    return f"watcher\0{account}\0{part}".encode("utf-8", "replace")
