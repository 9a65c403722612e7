"""The totals at one moment by label, and what grew between two of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core import catalog
from jobledger._core.catalog import Kind
from jobledger._core.series import MILLION
from jobledger._metrics.histogram import HistogramValue
from jobledger._types import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobledger._core.catalog import Instrument
    from jobledger._core.deltas import Cell
    from jobledger._types import Micros

KEPT: Final = (
    catalog.COMPLETIONS, catalog.DEAD_LETTERED, catalog.DLQ_SIZE, catalog.ENQUEUED, catalog.FAILURES, catalog.LOST,
    catalog.PARKED, catalog.PROCESSING, catalog.QUEUE_DEPTH, catalog.RETRIES, catalog.RUNNING, catalog.SCHEDULED,
    catalog.STALE, catalog.WAIT,
)  # fmt: skip
"""The instruments that a point holds."""
_NUMBERS: Final = frozenset(one.number for one in KEPT)
_HISTOGRAMS: Final = frozenset(one.number for one in KEPT if one.kind is Kind.HISTOGRAM)


class Point:
    """The totals at one moment, over all priorities; types that share a label are one.

    Args:
        at: the moment.
        cells: the ledger at that moment.
        labels: the label of each type.
        boundaries: the store's ladder, in seconds.
    """

    __slots__ = ("_boundaries", "_counts", "_numbers", "at")

    def __init__(
        self, at: Micros, cells: Mapping[Cell, int], labels: Mapping[int, str], boundaries: tuple[float, ...]
    ) -> None:
        """Add the cells up, in one pass."""
        self.at = at
        self._boundaries = boundaries
        self._numbers: dict[tuple[int, str], int] = {}
        self._counts: dict[tuple[int, str], list[int]] = {}
        for (number, type_id, _, cell), amount in cells.items():
            if number not in _NUMBERS or type_id not in labels:
                continue
            key = number, labels[type_id]
            if number in _HISTOGRAMS:
                counts = self._counts.get(key)
                if counts is None:
                    counts = self._counts[key] = self._empty()
                counts[cell] += amount  # the cell of the sum is -1: the last place
            else:
                self._numbers[key] = self._numbers.get(key, 0) + amount

    def number(self, instrument: Instrument, label: str | None = None) -> int:
        """A counter or gauge of one label, or of all of them together."""
        if label is not None:
            return self._numbers.get((instrument.number, label), 0)
        return sum(amount for (number, _), amount in self._numbers.items() if number == instrument.number)

    def counts(self, instrument: Instrument, label: str | None = None) -> list[int]:
        """A histogram's single buckets, and the sum as the last one."""
        if label is not None:
            return self._counts.get((instrument.number, label)) or self._empty()
        found = [counts for (number, _), counts in self._counts.items() if number == instrument.number]
        return [sum(column) for column in zip(*found, strict=True)] or self._empty()

    def _empty(self) -> list[int]:
        return [0] * (len(self._boundaries) + 2)

    @property
    def boundaries(self) -> tuple[float, ...]:
        """The ladder of the histograms, in seconds."""
        return self._boundaries


class Window:
    """From one point to a later one. A count that fell (a restored backup) has not grown.

    Args:
        then: the earlier point.
        now: the later point.
    """

    __slots__ = ("_now", "_then")

    def __init__(self, then: Point, now: Point) -> None:
        """Nothing is counted yet."""
        self._then = then
        self._now = now

    @property
    def seconds(self) -> float:
        """How long it is."""
        return seconds(self._now.at - self._then.at)

    def grown(self, instrument: Instrument, label: str | None = None) -> int:
        """By how much a counter grew; for a histogram, how often it observed."""
        if instrument.kind is Kind.HISTOGRAM:
            return self.histogram(instrument, label).count
        return max(self._now.number(instrument, label) - self._then.number(instrument, label), 0)

    def rate(self, instrument: Instrument, label: str | None = None) -> float:
        """The same in one second."""
        return self.grown(instrument, label) / self.seconds

    def histogram(self, instrument: Instrument, label: str | None = None) -> HistogramValue:
        """What a histogram saw: the difference of its buckets."""
        pairs = zip(self._now.counts(instrument, label), self._then.counts(instrument, label), strict=True)
        *buckets, total = (max(now - then, 0) for now, then in pairs)
        return HistogramValue.of(self._now.boundaries, buckets, total / MILLION)
