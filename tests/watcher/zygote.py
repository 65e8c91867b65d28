"""Forks the real service again and again, so that a kill test need not wait for imports: a config file a line in,
a process number a line out. Each child runs the very function behind ``watcher run``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import alerts.email
import alerts.render
import connectors.mastodon
import connectors.rss
import watcher.app
import watcher.check
import watcher.cli
import watcher.config
import watcher.journal

assert all((alerts.email, alerts.render, connectors.mastodon, connectors.rss, watcher.app, watcher.check))


def child(config: str, journal: str) -> None:
    """Become the service; never comes back."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(0)
    sys.argv = ["watcher", "run", "--config", config]
    code = 0
    try:
        watcher.cli.main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    os._exit(code)


def serve() -> None:
    """Fork on demand until the input ends."""
    # The kernel takes the dead away by itself.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        config = line.strip()
        pid = os.fork()
        if pid == 0:
            child(config, str(Path(config).with_suffix(".log")))
        print(pid, flush=True)


if __name__ == "__main__":
    serve()
