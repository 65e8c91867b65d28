"""The commands about permissions to read: asking an account's owner for one, listing them, taking one back, the key."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.terminal import answering, harmless, say, show, stop, tell

if TYPE_CHECKING:
    from watcher.config import Settings
    from watcher.connection import Connected, Connections, Link

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="the settings, see config.example.toml")]
AsJson = Annotated[bool, typer.Option("--json", help="for programs: JSON on standard output")]
Name = Annotated[str, typer.Argument(help="the account's name in the settings")]
DEFAULT = Path("watcher.toml")
# Registered at platforms that want to know every address to which they send a browser.
PORT = 8031
_PATIENCE_S = 600.0


def register(app: typer.Typer) -> None:
    """Add these commands to the others."""
    app.command()(connect)
    app.command()(tokens)
    app.command()(disconnect)
    app.command()(key)


def connect(
    account: Name,
    config: ConfigFile = DEFAULT,
    link: Annotated[
        bool,
        typer.Option("--link", help="print a link that the account's own administrator opens on their own machine"),
    ] = False,
    paste: Annotated[
        bool, typer.Option("--paste", help="do not listen here: paste the code, or the whole address that came back")
    ] = False,
    owner: Annotated[
        str | None, typer.Option(help="who grants it, where the platform does not tell, such as LinkedIn")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="where this machine listens for the way back")] = PORT,
    redirect: Annotated[
        str | None, typer.Option(help="the address registered at the platform, where it is another (with --paste)")
    ] = None,
    browser: Annotated[bool, typer.Option(help="open the link in this machine's browser")] = True,
    as_json: AsJson = False,
) -> None:
    """Ask an account's owner for the permission to read it; nobody gives a password to anybody. See docs/connect.md."""
    from connectors.grant import PASTED
    from watcher.scheduler import clock

    with answering(as_json=as_json):
        settings, connections = _opened(config)
        row = connections.row(account)
        if link and paste:
            stop("--link or --paste, not both", code=2)
        if row.platform in PASTED and not link:
            _done(connections.paste(account, _secret(PASTED[row.platform]), clock(), owner), as_json=as_json)
        elif link:
            made = connections.begin(account, _public(settings), clock(), owner)
            _show_link(made, as_json=as_json)
        elif paste:
            back = redirect or _way_back(row.platform, port)
            _done(_pasted(connections, connections.begin(account, back, clock(), owner)), as_json=as_json)
        else:
            _done(_listened(connections, account, port, owner, browser=browser), as_json=as_json)


def tokens(
    config: ConfigFile = DEFAULT,
    reseal: Annotated[
        bool, typer.Option("--reseal", help="seal every token with the key in force, so that the previous can go")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List whose permission each account is read with, what it allows, and until when; never a token."""
    from watcher.app import find_store
    from watcher.config import load
    from watcher.granted import permissions
    from watcher.scheduler import clock

    settings = load(config)
    store = find_store(settings)
    if reseal:
        from alerts.wording import counted
        from watcher.token import reseal_all

        tell(f"{counted(reseal_all(settings, store), 'token')} sealed anew with secrets.key")
    rows = list(permissions(settings, store.tokens.all(), clock()))
    show([row.as_dict() if as_json else row.cells() for row in rows], as_json=as_json)


def disconnect(
    account: Name,
    config: ConfigFile = DEFAULT,
    keep_grant: Annotated[
        bool, typer.Option("--keep-grant", help="delete it here only, and do not take it back at the platform")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    as_json: AsJson = False,
) -> None:
    """Take back the permission to read an account: at its platform where that can be done, and here in any case."""
    from watcher.permission import take_back

    _, connections = _opened(config)
    if not yes and not sys.stdin.isatty():
        stop("nothing was deleted: add --yes to disconnect without being asked")
    if not yes and not typer.confirm(f"Disconnect {account}? It will not be read any more.", err=True):
        stop("nothing was deleted")
    done = connections.end(account, revoke=not keep_grant)
    if as_json:
        say({"account": done.account, "owner": done.owner, "revoked": done.revoked, "why_not": done.why or None})
        return
    typer.echo(f"{account}: the token is deleted here.")
    if done.revoked:
        typer.echo("The platform has taken it back too.")
    else:
        typer.echo(harmless(f"At the platform it was not taken back: {done.why}."))
        typer.echo(f"{done.owner} can do so: {take_back(done.platform)}")


def key(as_json: AsJson = False) -> None:
    """Print a fresh key for the settings' table "secrets"; keep it where only the service reads it, and in a safe."""
    from watcher.seal import fresh_key

    made = fresh_key()
    if as_json:
        say({"key": made})
    else:
        typer.echo(made)


def _opened(config: Path) -> tuple[Settings, Connections]:
    from watcher.app import find_store
    from watcher.config import load
    from watcher.connection import Connections
    from watcher.journal import begin

    begin("error")
    settings = load(config)
    return settings, Connections(settings, find_store(settings))


def _secret(what: str) -> str:
    """What a person pastes; at a terminal it is not shown."""
    if sys.stdin.isatty():
        return str(typer.prompt(f"Paste {what}. It is not shown", hide_input=True, err=True))
    return sys.stdin.readline()


def _public(settings: Settings) -> str:
    from urllib.parse import urlsplit

    from watcher.loopback import PATH

    url = settings.server.public_url
    if url is None:
        stop(
            "server.public_url: missing; write the address at which the owner's browser reaches this installation, "
            'such as "https://watcher.example.org", see docs/connect.md'
        )
    if urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1"):
        tell("server.public_url is this machine's own: the link works in a browser on this machine only.")
    return url.rstrip("/") + PATH


def _way_back(platform: str, port: int) -> str:
    from connectors.oauth import SHOWN
    from watcher.loopback import PATH

    return SHOWN if platform == "mastodon" else f"http://127.0.0.1:{port}{PATH}"


def _show_link(made: Link, *, as_json: bool) -> None:
    if as_json:
        shown: dict[str, Any] = {"account": made.account, "platform": made.platform, "link": made.url}
        say(shown | {"redirect": made.redirect, "scopes": list(made.scopes), "until": made.until.isoformat()})
        return
    tell("Send this link to whoever administers the account. They open it on their own machine, log in on the")
    tell(f"platform themselves, and agree. It is good once, until {made.until:%d %B %Y %H:%M} UTC:")
    typer.echo(made.url)


def _pasted(connections: Connections, made: Link) -> Connected:
    from watcher.loopback import read_return
    from watcher.scheduler import clock

    tell("Open this link in a browser, log in on the platform, and agree:")
    tell(f"\n  {made.url}\n")
    tell(
        "Then paste the code that is shown. Where the browser says that it cannot connect, paste the address it shows."
    )
    text = str(typer.prompt("Code or address", err=True)) if sys.stdin.isatty() else sys.stdin.readline()
    text = text.strip()
    if "?" not in text and "code=" not in text:
        return connections.finish(made.state, text, clock())
    back = read_return(text.partition("?")[2].partition("#")[0] or text)
    if back.state != made.state:
        stop("this address belongs to another link; paste the one that came after opening the link above")
    if not back.code:
        stop("nothing was granted at the platform")
    return connections.finish(back.state, back.code, clock())


def _listened(connections: Connections, account: str, port: int, owner: str | None, *, browser: bool) -> Connected:
    import webbrowser

    from watcher.loopback import Listener
    from watcher.scheduler import clock

    with Listener(port) as listener:
        made = connections.begin(account, listener.redirect, clock(), owner)
        tell("Open this link in a browser on this machine, log in on the platform, and agree:")
        tell(f"\n  {made.url}\n")
        if browser and sys.stderr.isatty():
            webbrowser.open(made.url)
        back = listener.wait(made.state, _PATIENCE_S)
    if not back.code:
        stop("nothing was granted at the platform; run the command again when its owner agrees")
    return connections.finish(back.state, back.code, clock())


def _done(done: Connected, *, as_json: bool) -> None:
    from watcher.permission import in_words, take_back

    if as_json:
        ends = None if done.ends is None else done.ends.isoformat()
        row = {"account": done.account, "platform": done.platform, "owner": done.owner, "scopes": list(done.scopes)}
        say(row | {"lacking": list(done.lacking), "ends": ends, "renews_itself": done.renews})
        return
    typer.echo(harmless(f"{done.account} is connected; granted by {done.owner}."))
    for line in in_words(done.scopes):
        typer.echo(harmless(f"  it may {line}"))
    if done.lacking:
        typer.echo(harmless(f"NOT granted: {', '.join(done.lacking)}; what needs it is not read"))
    until = f"{done.ends:%d %B %Y}" if done.ends else "its owner takes it back"
    typer.echo(f"Until {until}{', renewed by Watcher' if done.renews else ''}. {take_back(done.platform)}")
