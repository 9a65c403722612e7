"""Numbers of one snapshot, by type."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING, Final

import msgspec

from jobledger._core import catalog
from jobledger._metrics.histogram import HistogramValue

if TYPE_CHECKING:
    from jobledger._core.catalog import Instrument
    from jobledger._metrics.snapshot import Snapshot

_LOOKS: Final = 20
"""A rate is that of so many looks."""


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


class Pace:
    """How fast jobs end.

    Attributes:
        elapsed: seconds from the beginning to the last look.
    """

    def __init__(self) -> None:
        """Now is the beginning."""
        self.elapsed = 0.0
        self._began = time.perf_counter()
        self._window: deque[tuple[float, int]] = deque(maxlen=_LOOKS)

    def of(self, ended: int) -> float:
        """Jobs per second, when so many have ended by now."""
        self.elapsed = time.perf_counter() - self._began
        self._window.append((self.elapsed, ended))
        since, before = self._window[0]
        return (ended - before) / (self.elapsed - since) if self.elapsed > since else 0.0
