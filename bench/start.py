"""How long ``watcher demo`` takes to its pages and to its first incident: ``python bench/start.py``; one JSON object.

The demo runs in an empty folder, on this environment as it is installed; the page is asked every 50 milliseconds.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def seconds_until(part: str, address: str, begin: float, limit: float = 120) -> float:
    """When the page first holds a text, in seconds since ``begin``."""
    while time.monotonic() - begin < limit:
        try:
            with urllib.request.urlopen(address, timeout=5) as page:
                if part in page.read().decode():
                    return round(time.monotonic() - begin, 2)
        except OSError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"{address} did not show {part!r} within {limit} s")


def main() -> None:
    """Start, wait, stop, print."""
    port = free_port()
    address = f"http://127.0.0.1:{port}/"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "watcher", "demo", "--folder", folder, "--port", str(port)]
        begin = time.monotonic()
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as demo:
            pages = seconds_until("Incidents", address, begin)
            incident = seconds_until("/incidents/WT-", address, begin)
            stopping = time.monotonic()
            demo.send_signal(signal.SIGINT)
            code = demo.wait(60)
        stopped = round(time.monotonic() - stopping, 2)
    said = {"pages_s": pages, "first_incident_s": incident, "stop_s": stopped, "exit_code": code}
    print(json.dumps(said))


if __name__ == "__main__":
    main()
