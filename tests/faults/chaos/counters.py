"""The counters of the books beside what was seen: they are equal, and what differs from the file is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from jobledger._core import catalog
from jobledger._core.catalog import Kind
from jobledger._core.job import EventName
from jobledger._metrics.histogram import HistogramValue
from tests.faults.chaos.finding import Finding
from tests.faults.chaos.handlers import DONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.catalog import Instrument
    from tests.faults.chaos.attempts import Attempts
    from tests.faults.chaos.books import Books

EQUAL = "counters equal the ground truth"


class Counter(msgspec.Struct, frozen=True):
    """One counter of one type.

    Attributes:
        counted: what the books say; ``seen``: what happened.
    """

    name: str
    type: str
    counted: int
    seen: int


class Counters:
    """Every counter of a run, type by type.

    Attributes:
        all: the comparisons.
    """

    def __init__(self, books: Books, attempts: Attempts) -> None:
        self._books = books
        self._attempts = attempts
        types = sorted({record.type.name for record in books.records.values()})
        self.all = [counter for type_ in types for counter in self._of(type_)]

    def findings(self) -> Iterator[Finding]:
        """Those that differ."""
        for one in self.all:
            if one.counted != one.seen:
                yield Finding(EQUAL, f"{one.name} of {one.type}: {one.counted} in the books, {one.seen} seen")

    def total(self, name: str) -> tuple[int, int]:
        """Over all types: counted and seen."""
        those = [one for one in self.all if one.name == name]
        return sum(one.counted for one in those), sum(one.seen for one in those)

    def _of(self, type_: str) -> Iterator[Counter]:
        attempts = [one for one in self._attempts.all if one.type == type_]
        ended = [one.ended.outcome for one in attempts if one.ended is not None and not one.was_lost]
        done, lost = ended.count("done"), sum(one.was_lost for one in attempts)
        failing = sum(one in {"raised", "failed"} for one in ended)
        seen = {
            catalog.ENQUEUED: sum(record.type.name == type_ for record in self._books.records.values()),
            catalog.COMPLETIONS: done,
            catalog.FAILURES: failing + lost,
            catalog.RETRIES: self._events(type_, EventName.RETRIED, EventName.LOST),
            catalog.DEAD_LETTERED: self._events(type_, EventName.DEAD_LETTERED),
            catalog.CANCELLATIONS: self._events(type_, EventName.CANCELLED),
            catalog.LOST: lost,
            catalog.RELEASED: self._events(type_, EventName.RELEASED) + sum(one.was_released for one in attempts),
            catalog.REPLAYED: self._events(type_, EventName.REPLAYED),
            catalog.DISCARDED: self._events(type_, EventName.DISCARDED),
            catalog.WAIT: len(attempts),
            catalog.PROCESSING: self._timed(type_),
            catalog.DURATION: self._events(
                type_, EventName.COMPLETED, EventName.CANCELLED, EventName.DEAD_LETTERED
            ),
            catalog.RUNNING: 0,
            catalog.QUEUE_DEPTH: 0,
            catalog.SCHEDULED: 0,
            catalog.PARKED: 0,
        }  # fmt: skip
        for instrument, number in seen.items():
            yield Counter(instrument.attribute, type_, self._counted(instrument, type_), number)
        own = self._books.snapshot.user_value(DONE, Kind.COUNTER, (("type", type_),))
        yield Counter(DONE, type_, round(own) if isinstance(own, int | float) else -1, done)

    def _events(self, type_: str, *names: EventName) -> int:
        those = (record for record in self._books.records.values() if record.type.name == type_)
        return sum(event.name in names for record in those for event in record.history)

    def _timed(self, type_: str) -> int:
        those = (record for record in self._books.records.values() if record.type.name == type_)
        return sum(event.micros is not None for record in those for event in record.history)

    def _counted(self, instrument: Instrument, type_: str) -> int:
        value = self._books.snapshot.value(instrument, type=type_)
        return value.count if isinstance(value, HistogramValue) else round(value or 0)
