"""The demo as one command: the demo's server, the real service, and where to look."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from rich.console import Console

from watcher.app import run
from watcher.check import check
from watcher.config import load
from watcher.demo.scenario import load as script
from watcher.demo.scenario import settings
from watcher.demo.server import resume
from watcher.errors import ConfigError
from watcher.scheduler import clock

console = Console(stderr=True, highlight=False)


def show(folder: Path, port: int, speed: float) -> None:
    """Run the demo until it is interrupted; a second start goes on where the first ended.

    Raises:
        WatcherError: the folder cannot be written to, or the port is taken.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        server, started_at = resume(folder, clock(), speed)
    except OSError as error:
        raise ConfigError((f"{folder}: {error.strerror or error}; name another folder with --folder",)) from error
    try:
        file = folder / "watcher.toml"
        file.write_text(settings(server.port, folder, started_at, web_port=port), encoding="utf-8")
        chosen = load(file)
        check(chosen)
        last = max(line.at for line in script()) / speed
        over = clock() - started_at > timedelta(seconds=last)

        def ready(address: str) -> None:
            _welcome(address, folder, posts=len(script()), minutes=0 if over else last / 60)

        try:
            run(chosen, file, ready=ready)
        except ConfigError as error:
            if not error.problems[0].startswith("server.port"):
                raise
            raise ConfigError((f"port {port} is taken; name another with --port",)) from error
    finally:
        server.stop()
    console.print("Stopped. The same command goes on where this one ended; everything is in", str(folder))


def _welcome(address: str, folder: Path, posts: int, minutes: float) -> None:
    arriving = f"arrive over about {minutes:.0f} minutes" if minutes else "have all arrived by now"
    console.print(
        f"\n[bold]Watcher demo[/bold]: five invented schools, one for each policy.\n"
        f"{posts} invented posts {arriving}, through real connectors,\n"
        "from a small server on this machine.\n\n"
        f"  Incidents        [bold]{address}/[/bold]\n"
        f"  Is it working?   {address}/sources\n"
        f"  Mail as files    {folder / 'outbox'} (open an .eml with any mail program)\n"
        f"  Settings         {folder / 'watcher.toml'}\n\n"
        "The first incidents are there within a minute. Ctrl-C ends it.\n"
    )
