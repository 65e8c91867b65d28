"""A storm of posts on one matter with one disclosure by a child inside it: who is written to, how often, how soon.

    python bench/storm.py [--posts 10000] [--url sqlite:///…|postgresql://…]

The day is simulated minute by minute: the posts (invented, half of them under the school's own post, half elsewhere
and by name, some reposts) come over six hours, and every verb of the service runs after each minute as it does in the
house, with the pace and the follow-up of the default settings. A fake model reads the labels out of the text and a fake
channel keeps the mails, so that what is measured is what Watcher decides. Progress goes to standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from alerts.notice import Notice, mail_of  # noqa: E402
from classifiers.verdict import LABELS, OperatingPoint, Passage, Verdict  # noqa: E402
from connectors.post import Account, Author, Cursor, Page, Post  # noqa: E402
from watcher.app import open_store, pack_of  # noqa: E402
from watcher.config import load  # noqa: E402
from watcher.enrolment import apply  # noqa: E402
from watcher.following import follower, pace_of  # noqa: E402
from watcher.journal import begin  # noqa: E402
from watcher.polling import Poller  # noqa: E402
from watcher.service import Service  # noqa: E402
from watcher.store import Store  # noqa: E402
from watcher.telling import Teller  # noqa: E402

START = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
HOURS = 6
MINUTE = timedelta(minutes=1)
CHILD = "child"
SETTINGS = """
[server]
public_url = "https://watcher.example"
[database]
url = "{url}"
[mail]
from = "watcher@it.example"
[alerts]
last_resort = "duty@it.example"
[[schools]]
id = "hillcrest"
name = "Hillcrest Primary School"
pack = "wessex"
[[accounts]]
name = "hillcrest"
school = "hillcrest"
platform = "mastodon"
target = "@hillcrest"
reads = ["posts", "comments"]
official = true
"""
PEOPLE = {"moore": "headteacher", "okafor": "dsl", "lind": "chair_of_governors", "ray": "ceo", "hale": "deputy_dsl"}


class Script:
    """A source that gives what was put there, once."""

    def __init__(self) -> None:
        self.page: tuple[Post, ...] = ()

    def fetch(self, account: Account, cursor: Cursor | None) -> Page:
        """What waits."""
        waiting, self.page = self.page, ()
        return Page(posts=waiting, cursor=Cursor(state=account.name))


class Told:
    """A model that says of a text what stands in it between braces."""

    name, version = "told", "1"

    def classify(self, passages: Sequence[Passage]) -> list[Verdict]:
        """One verdict a passage."""
        return [self._say(passage.text) for passage in passages]

    def _say(self, text: str) -> Verdict:
        said = dict(part.split("=") for part in text.partition("{")[2].partition("}")[0].split())
        scores = {label: float(said.get(label, 0.01)) for label in LABELS}
        points = {label: OperatingPoint(raise_at=0.5, review_at=0.3) for label in LABELS}
        return Verdict(model=self.name, version=self.version, scores=scores, points=points, reason="told so")


class Outbox:
    """A channel that keeps each mail with the moment at which it left."""

    def __init__(self) -> None:
        self.now = START
        self.sent: list[tuple[datetime, Notice]] = []

    def send(self, notice: Notice) -> None:
        """Keep it."""
        self.sent.append((self.now, notice))


def posts(count: int) -> Iterator[tuple[datetime, Post]]:
    """The storm, oldest first, with the disclosure a third of the way into it."""
    step = timedelta(hours=HOURS) / count
    for n in range(count):
        at = START + n * step
        if n == count // 3:
            yield at, _post(CHILD, "nobody would miss me if i was gone tonight {self_harm=0.93 criticism=0.6}", at, "0")
        here = n % 2 == 0
        text = f"This decision is a disgrace, shame on you, number {n % (count // 2)} {{criticism=0.9}}"
        yield at, _post(str(n + 1), text if here else f"Hillcrest Primary School: {text}", at, "0" if here else None)


def _post(number: str, text: str, at: datetime, thread: str | None) -> Post:
    return Post(
        platform="mastodon",
        origin="social.example",
        id=number,
        kind="comment" if thread else "post",
        text=text,
        url=f"https://social.example/{number}",
        author=Author(id=f"a{number}", handle=f"user{number}"),
        reply_to=thread,
        thread=thread or number,
        created_at=at,
        raw=b"{}",
    )


def house(store: Store, file: Path) -> tuple[Service, Script, Outbox]:
    """The service with fakes at its edges."""
    settings, script, outbox = load(file), Script(), Outbox()
    apply(settings, store, file.name, START)
    teller = Teller(store, settings, pack_of)
    service = Service(
        store=store,
        poller=Poller(store, lambda _account: script, lambda _name: None),
        classifiers=[Told()],
        pack_of=pack_of,
        teller=teller,
        channel=outbox,
        follow_up=follower(settings, store, teller, pack_of).follow_up,
        pace=pace_of(settings),
    )
    service.begin(START)
    return service, script, outbox


def measure(count: int, url: str = "sqlite:///FOLDER/storm.db") -> dict[str, Any]:
    """Let the storm pass, and count."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "watcher.toml"
        rows = [SETTINGS.replace("{url}", url.replace("FOLDER", folder))]
        for name, role in PEOPLE.items():
            rows.append(f'[[people]]\nid = "{name}"\nname = "Pat {name.title()}"\nemail = "{name}@x.example"\n')
            rows.append(f'[[holdings]]\nperson = "{name}"\nrole = "{role}"\nschool = "hillcrest"\n')
        file.write_text("\n".join(rows), encoding="utf-8")
        store = open_store(load(file))
        store.migrate()
        service, script, outbox = house(store, file)
        began = time.perf_counter()
        disclosed = _pass(count, service, script, outbox)
        found = _count(store, outbox, disclosed)
        store.close()
    return (
        {"store": url.partition(":")[0], "load": round(os.getloadavg()[0], 1), "posts": count}
        | found
        | {"seconds": round(time.perf_counter() - began, 1)}
    )


def _pass(count: int, service: Service, script: Script, outbox: Outbox) -> datetime:
    """The simulated day, a minute at a time, and an hour after it; when the disclosure was stored."""
    waiting = list(posts(count))
    own = Author(id="school", handle="hillcrest", official=True)
    first = _post("0", "From Monday the gate opens at nine", START, None)
    script.page = (Post(**{**{f: getattr(first, f) for f in first.__dataclass_fields__}, "author": own}),)
    disclosed, place = START, 0
    for minute in range((HOURS + 1) * 60):
        outbox.now = now = START + (minute + 1) * MINUTE
        late = next((n for n in range(place, len(waiting)) if waiting[n][0] > now), len(waiting))
        come, place = tuple(post for _, post in waiting[place:late]), late
        if any(post.id == CHILD for post in come):
            disclosed = now
        script.page = (*script.page, *come)
        service.poll(service.store.accounts.get("hillcrest"), now)
        while service.advance(now) + service.deliver(now):
            pass
        if minute % 60 == 0:
            print(f"{place} of {len(waiting)} posts, {len(outbox.sent)} mails", file=sys.stderr, flush=True)
    return disclosed


def _count(store: Store, outbox: Outbox, disclosed: datetime) -> dict[str, Any]:
    incidents = store.views.incidents(limit=1000)
    child = {i.reference for i in incidents if "self_harm" in i.concerns}
    storm = [i for i in incidents if i.reference not in child]
    hours: Counter[tuple[str, int]] = Counter()
    for at, notice in outbox.sent:
        if notice.subject_of not in child:
            hours[notice.receiver, int((at - START) / timedelta(hours=1))] += 1
    alone = [at for at, n in outbox.sent if n.subject_of in child and n.reason == "opened" and mail_of(n) == n.id]
    return {
        "incidents_of_the_storm": len(storm),
        "posts_in_it": max((i.posts for i in storm), default=0),
        "voices": max((i.voices for i in storm), default=0),
        "severity": max((i.severity for i in storm), default=0),
        "mails_for_the_storm": sum(hours.values()),
        "most_mails_an_hour_a_person": max(hours.values(), default=0),
        "incidents_of_the_child": len(child),
        "posts_with_the_child": sum(i.posts for i in incidents if i.reference in child),
        "minutes_until_the_child_is_heard": (min(alone) - disclosed) / MINUTE if alone else None,
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--posts", type=int, default=10_000)
    parser.add_argument("--url", default="sqlite:///FOLDER/storm.db")
    chosen = parser.parse_args()
    begin("error")
    print(json.dumps(measure(chosen.posts, chosen.url), indent=1))


if __name__ == "__main__":
    main()
