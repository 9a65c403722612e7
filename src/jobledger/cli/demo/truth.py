"""The ledger against the witnesses: each number counted twice, by ways that don't know each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from jobledger._core import catalog
from jobledger._core.catalog import Kind
from jobledger.cli.demo.answers import Heard
from jobledger.cli.demo.figures import count
from jobledger.cli.demo.handlers import ATTEMPTS, LINES_READ, MEASURE, WATCH
from jobledger.cli.demo.witness import Saw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.catalog import Instrument
    from jobledger._metrics.snapshot import Snapshot
    from jobledger.cli.demo.answers import Answers
    from jobledger.cli.demo.sightings import Fates


class Compared(msgspec.Struct, frozen=True):
    """One number, as the ledger counted it and as it was seen.

    Attributes:
        seen: what handlers and callers saw.
    """

    type: str
    series: str
    counted: int
    seen: int

    @property
    def equal(self) -> bool:
        """Whether both agree."""
        return self.counted == self.seen


def compare(snapshot: Snapshot, fates: Fates, answers: Answers, unseen: int = 0) -> tuple[Compared, ...]:
    """All series that handlers and callers can speak about.

    Args:
        snapshot: the ledger.
        fates: what handlers saw, and what became of it.
        answers: what callers were answered.
        unseen: starts of files' jobs that were lost before their handler began; no handler can have seen them, so
            their number is that of the histories.
    """
    series = (
        Compared(type_name, instrument.series, count(snapshot, instrument, type_name), seen)
        for type_name, hidden in ((MEASURE, unseen), (WATCH, 0))
        for instrument, seen in _seen(type_name, fates, answers, hidden)
    )
    counted = snapshot.user_value(LINES_READ, Kind.COUNTER, ())
    lines = sum(sighting.lines for sighting in fates.of(MEASURE, Saw.RETURNED))
    return (*series, Compared(MEASURE, LINES_READ, counted if isinstance(counted, int) else -1, lines))


def _seen(type_name: str, fates: Fates, answers: Answers, unseen: int) -> Iterator[tuple[Instrument, int]]:
    returned = len(fates.of(type_name, Saw.RETURNED))
    stopped = len(fates.of(type_name, Saw.STOPPED))
    raised = fates.of(type_name, Saw.RAISED)
    died = sum(sighting.attempt == ATTEMPTS for sighting in raised)
    lost = sum(sighting.type == type_name for sighting in fates.lost) + unseen
    cancelled = stopped + answers.heard(type_name, Heard.CANCELLED)
    replayed, discarded = answers.heard(type_name, Heard.REPLAYED), answers.heard(type_name, Heard.DISCARDED)
    accepted = answers.heard(type_name, Heard.ACCEPTED)
    yield catalog.CANCELLATIONS, cancelled
    yield catalog.COMPLETIONS, returned
    yield catalog.DEAD_LETTERED, died
    yield catalog.DLQ_SIZE, died - replayed - discarded
    yield catalog.DURATION, returned + died + cancelled
    yield catalog.ENQUEUED, accepted
    yield catalog.FAILURES, len(raised) + lost
    yield catalog.PROCESSING, returned + len(raised) + stopped
    yield catalog.QUEUE_DEPTH, accepted + replayed - returned - died - cancelled
    yield catalog.RETRIES, len(raised) - died + lost
    yield catalog.WAIT, len(fates.of(type_name, *Saw)) + lost
    yield catalog.DEDUPLICATED, answers.heard(type_name, Heard.DUPLICATE)
    yield catalog.REPLAYED, replayed
    yield catalog.DISCARDED, discarded
    yield catalog.LOST, lost
    yield catalog.RELEASED, 0
    yield catalog.STALE, 0
