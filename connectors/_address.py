"""Which network addresses Watcher may talk to: public ones, and the exact origin that the operator allowed."""

from __future__ import annotations

import ipaddress
import queue
import socket
import threading
from typing import Any
from urllib.parse import urlsplit

from connectors.errors import RefusedAddressError, TransientError

_DEFAULT_PORTS = {"http": 80, "https": 443}

# What `is_global` of the oldest supported Python still lets through, or what hides a second address inside.
_HIDDEN_4 = [ipaddress.IPv4Network(n) for n in ("192.0.0.0/24", "192.88.99.0/24", "100.64.0.0/10", "240.0.0.0/4")]
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")  # leaves out mapped, NAT64, unique local, link-local and multicast
_HIDDEN_6 = [ipaddress.IPv6Network(n) for n in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
# ISATAP (RFC 5214) writes an IPv4 address behind these bits, under any prefix; the other two are its "global" bits.
_TUNNEL = 0x5EFE
_TUNNEL_BITS = 0xFCFFFFFF


def origin_of(url: str) -> str:
    """Scheme, host and port of a web address as ``https://host:443``: what may be allowed, and what may be shown.

    Raises:
        RefusedAddressError: it is no address of the web.
    """
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        raise RefusedAddressError("this is no address of the web: host or port cannot be read") from None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise RefusedAddressError(f"only http and https addresses are read, not {scheme[:20] or 'one without either'}")
    if not host or "\\" in parts.netloc:  # browsers take the backslash for a slash, others for a part of the name
        raise RefusedAddressError("this address of the web names no host")
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}:{_DEFAULT_PORTS[scheme] if port is None else port}"


def is_public(address: str) -> bool:
    """Whether a numeric address lies in the public internet and hides no other address inside."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if not found.is_global or found.is_multicast:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in net for net in _HIDDEN_4)
    if int(found) >> 32 & _TUNNEL_BITS == _TUNNEL:
        return False
    return found in _GLOBAL_6 and not any(found in net for net in _HIDDEN_6)


def resolve_public(host: str, port: int, *, allow_private: bool = False, timeout_s: float = 10.0) -> tuple[str, ...]:
    """The numeric addresses of a host, all of them checked; connect to one of these and to nothing else.

    ``allow_private`` is for the exact origin that the operator wrote, and for no other.

    Raises:
        RefusedAddressError: one of them is private, local, reserved, or hides another address.
        TransientError: the name could not be resolved now.
    """
    found = _look_up(host, port, timeout_s)
    if not allow_private and not all(is_public(address) for address in found):
        raise RefusedAddressError(
            f"{host[:100]} leads to a private or reserved address; "
            "if it is meant, write its origin as base_url with allow_private = true"
        )
    return found


def _look_up(host: str, port: int, timeout_s: float) -> tuple[str, ...]:
    """The addresses of a name, or the number that the host is, however it is written."""
    try:
        if ":" in host:
            return (str(ipaddress.IPv6Address(host)),)
        if _ends_in_a_number(host):
            return (socket.inet_ntoa(socket.inet_aton(host)),)
        if not all(host.removesuffix(".").split(".")):
            raise ValueError("a name without letters between two dots")
    except (ValueError, OSError):
        raise RefusedAddressError(f"{host[:100]} is no host name") from None
    return _ask_resolver(host, port, timeout_s)


def _ask_resolver(host: str, port: int, timeout_s: float) -> tuple[str, ...]:
    """Resolve in a thread that can be left behind, because the system's resolver knows no deadline."""
    answer: queue.Queue[list[Any] | OSError | UnicodeError] = queue.Queue()

    def ask() -> None:
        try:
            answer.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except (OSError, UnicodeError) as exc:
            answer.put(exc)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    try:
        got = answer.get(timeout=max(timeout_s, 0.001))
    except queue.Empty:
        raise TransientError(f"the name {host[:100]} was not resolved within {timeout_s:.0f} s") from None
    if isinstance(got, UnicodeError):
        raise RefusedAddressError(f"{host[:100]} is no host name") from None
    if isinstance(got, OSError) or not got:
        raise TransientError(f"the name {host[:100]} could not be resolved")
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in got))


def _ends_in_a_number(host: str) -> bool:
    """Whether the host can only be a number, as the URL standard puts it; such a one is never looked up as a name."""
    last = host.rstrip(".").rpartition(".")[2]
    return last.isdigit() or last.lower().startswith("0x")
