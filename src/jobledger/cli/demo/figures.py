"""Numbers of one snapshot, by type."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from jobledger._core import catalog
from jobledger._metrics.histogram import HistogramValue

if TYPE_CHECKING:
    from jobledger._core.catalog import Instrument
    from jobledger._metrics.snapshot import Snapshot


def count(snapshot: Snapshot, instrument: Instrument, type_name: str) -> int:
    """A counter, a gauge, or the observations of a histogram, over all priorities of a type."""
    value = snapshot.value(instrument, type=type_name)
    return value.count if isinstance(value, HistogramValue) else int(value or 0)


class Figures(msgspec.Struct, frozen=True):
    """How far the jobs of one type are."""

    queued: int
    scheduled: int
    running: int
    done: int
    dead: int
    cancelled: int
    retried: int

    @property
    def ended(self) -> int:
        """Jobs that are through."""
        return self.done + self.dead + self.cancelled

    @property
    def open(self) -> int:
        """Jobs that are not."""
        return self.queued + self.scheduled + self.running

    @classmethod
    def of(cls, snapshot: Snapshot, type_name: str) -> Figures:
        """Read them from the books."""
        return cls(
            queued=count(snapshot, catalog.QUEUE_DEPTH, type_name),
            scheduled=count(snapshot, catalog.SCHEDULED, type_name),
            running=count(snapshot, catalog.RUNNING, type_name),
            done=count(snapshot, catalog.COMPLETIONS, type_name),
            dead=count(snapshot, catalog.DEAD_LETTERED, type_name),
            cancelled=count(snapshot, catalog.CANCELLATIONS, type_name),
            retried=count(snapshot, catalog.RETRIES, type_name),
        )
