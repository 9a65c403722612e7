"""The ledger against the witness: each number counted twice, by ways that don't know each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from jobledger._core import catalog
from jobledger._core.catalog import Kind
from jobledger.cli.demo.figures import count
from jobledger.cli.demo.handlers import ATTEMPTS, LINES_READ, MEASURE, WATCH
from jobledger.cli.demo.witness import Heard, Saw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.catalog import Instrument
    from jobledger._metrics.snapshot import Snapshot
    from jobledger.cli.demo.witness import Witness


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


def compare(snapshot: Snapshot, witness: Witness) -> tuple[Compared, ...]:
    """All series that the witness can speak about."""
    series = (
        Compared(type_name, instrument.series, count(snapshot, instrument, type_name), seen)
        for type_name in (MEASURE, WATCH)
        for instrument, seen in _seen(type_name, witness)
    )
    counted = snapshot.user_value(LINES_READ, Kind.COUNTER, ())
    lines = sum(sighting.lines for sighting in witness.of(MEASURE, Saw.RETURNED))
    return (*series, Compared(MEASURE, LINES_READ, counted if isinstance(counted, int) else -1, lines))


def _seen(type_name: str, witness: Witness) -> Iterator[tuple[Instrument, int]]:
    returned = len(witness.of(type_name, Saw.RETURNED))
    stopped = len(witness.of(type_name, Saw.STOPPED))
    raised = witness.of(type_name, Saw.RAISED)
    died = sum(sighting.attempt == ATTEMPTS for sighting in raised)
    cancelled = stopped + witness.heard(type_name, Heard.CANCELLED)
    replayed, discarded = witness.heard(type_name, Heard.REPLAYED), witness.heard(type_name, Heard.DISCARDED)
    accepted = witness.heard(type_name, Heard.ACCEPTED)
    yield catalog.CANCELLATIONS, cancelled
    yield catalog.COMPLETIONS, returned
    yield catalog.DEAD_LETTERED, died
    yield catalog.DLQ_SIZE, died - replayed - discarded
    yield catalog.DURATION, returned + died + cancelled
    yield catalog.ENQUEUED, accepted
    yield catalog.FAILURES, len(raised)
    yield catalog.PROCESSING, returned + len(raised) + stopped
    yield catalog.QUEUE_DEPTH, accepted + replayed - returned - died - cancelled
    yield catalog.RETRIES, len(raised) - died
    yield catalog.WAIT, len(witness.of(type_name, *Saw))
    yield catalog.DEDUPLICATED, witness.heard(type_name, Heard.DUPLICATE)
    yield catalog.REPLAYED, replayed
    yield catalog.DISCARDED, discarded
