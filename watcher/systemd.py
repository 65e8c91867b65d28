"""Tells systemd that the service is ready and alive, where systemd asks for it."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> bool:
    """Send one state (``READY=1``, ``WATCHDOG=1``, ``STOPPING=1``); whether anybody listens.

    Source: sd_notify(3).
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address or not hasattr(socket, "AF_UNIX"):
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.connect(address)
            sender.sendall(state.encode())
        except OSError:
            return False
    return True
