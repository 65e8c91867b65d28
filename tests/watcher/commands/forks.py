"""Runs the real commands in forked processes, so that a test need not wait for imports: a line of JSON in
(arguments, folder, environment, files for the three streams), the exit code out."""

from __future__ import annotations

import json
import os
import signal
import sys
from typing import Any

import connectors.archive
import connectors.facebook
import connectors.mastodon
import connectors.rss
import connectors.x
import watcher.app
import watcher.check
import watcher.cli
import watcher.enrolment
import watcher.health
import watcher.listing
import watcher.reading

assert all((connectors.archive, connectors.facebook, connectors.mastodon, connectors.rss, connectors.x))
assert all((watcher.app, watcher.check, watcher.enrolment, watcher.health, watcher.listing, watcher.reading))


def child(order: dict[str, Any]) -> None:
    """Become the command; never comes back."""
    for number, (name, flags) in enumerate(
        ((order["in"], os.O_RDONLY), *((order[key], os.O_WRONLY | os.O_CREAT | os.O_TRUNC) for key in ("out", "err")))
    ):
        os.dup2(os.open(name, flags), number)
    os.chdir(order["cwd"])
    os.environ.update(order["env"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["watcher", *order["argv"]]
    code = 1
    try:
        watcher.cli.main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def serve() -> None:
    """Fork on demand until the input ends."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    serve()
