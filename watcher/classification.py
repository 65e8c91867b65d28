"""The verb classify: the models read what waits, and give way to another version of theirs when one is chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog

from classifiers.classifier import Classifier
from classifiers.errors import ClassifierError
from classifiers.verdict import Passage, Verdict
from watcher.handing import passage_of
from watcher.store import Store
from watcher.store.posts import Unread

log = structlog.get_logger(__name__)

# A post that the models cannot read three times in a row is set aside, counted and shown as unread.
TRIES = 3


class Reader:
    """Has the models read the stored versions, a batch at a time."""

    def __init__(
        self,
        store: Store,
        classifiers: Sequence[Classifier],
        *,
        batch: int = 64,
        newer: Callable[[], Sequence[Classifier] | None] = lambda: None,
    ) -> None:
        """Take the models; ``newer`` gives others when they have been chosen since it was asked last."""
        self._store = store
        self._classifiers = tuple(classifiers)
        self._batch = batch
        self._newer = newer
        self._backlog = 0

    @property
    def read_by(self) -> str:
        """The mark of what these models have read: another version of any has every stored version read again."""
        return ";".join(f"{c.name}@{c.version}" for c in self._classifiers)

    @property
    def classifiers(self) -> tuple[Classifier, ...]:
        """The models that read now."""
        return self._classifiers

    def begin(self) -> int:
        """Put back into the queue what other models read; how many.

        All that is stored by now lets what comes later go first: nobody waits for an alert while history is read.
        """
        self._backlog = self._store.posts.newest()
        return self._store.posts.expect(self.read_by)

    def take_up(self) -> None:
        """Go over to other models where somebody has chosen them since."""
        fresh = self._newer()
        if fresh is None:
            return
        self._classifiers = tuple(fresh)
        log.info("model_switched", model=self.read_by, to_read_again=self.begin())

    def classify(self, now: datetime, limit: int | None = None) -> int:
        """Have the models read what waits; how many versions were read."""
        waiting = self._store.posts.unread(limit or self._batch, self._backlog)
        if not waiting:
            return 0
        passages = [passage_of(unread) for unread in waiting]
        try:
            read = self._read(passages)
        except ClassifierError as error:
            log.warning("batch_unread", size=len(waiting), error=type(error).__name__)
            return sum(self._classify_alone(unread, now) for unread in waiting)
        with self._store.writing() as connection:
            self._store.matters.read_all(connection, list(zip(waiting, read, strict=True)), self.read_by, now)
        return len(waiting)

    def _read(self, passages: Sequence[Passage]) -> list[tuple[Verdict, ...]]:
        """The verdicts of every model, passage by passage."""
        columns = [classifier.classify(passages) for classifier in self._classifiers]
        return list(zip(*columns, strict=True))

    def _classify_alone(self, unread: Unread, now: datetime) -> int:
        """Read one version by itself, so that one bad post never holds up the others."""
        try:
            verdicts = self._read([passage_of(unread)])[0]
        except ClassifierError:
            if self._store.matters.failed_to_read(unread) < TRIES:
                return 0
            verdicts = tuple(Verdict(model=c.name, version=c.version, unread="failed") for c in self._classifiers)
            log.error("post_set_aside", version=unread.number)
        with self._store.writing() as connection:
            self._store.matters.read(connection, unread, verdicts, self.read_by, now)
        return 1
