"""The counters of the books beside the histories, type by type."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from jobledger._core import catalog
from jobledger._core.catalog import Kind
from jobledger._core.job import EventName
from jobledger._core.outcome import Reason
from jobledger._metrics.histogram import HistogramValue
from tests.faults.chaos.finding import Finding
from tests.faults.simulation.handlers import DONE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.catalog import Instrument
    from jobledger._core.job import Event
    from tests.faults.simulation.books import Books
    from tests.faults.simulation.chronicle import Chronicle

EQUAL = "counters equal what happened"


def counted(books: Books, chronicle: Chronicle) -> Iterator[Finding]:
    """Counters that differ."""
    for type_ in sorted({books.type_of(job) for job in books.jobs.values()}):
        jobs = [job for job in books.jobs.values() if books.type_of(job) == type_]
        events = [event for job in jobs for event in books.history[job.id]]
        for instrument, seen in _seen(len(jobs), events).items():
            value = _value(books, instrument, type_)
            if value != seen:
                yield Finding(EQUAL, f"{instrument.attribute} of {type_}: {value} in the books, {seen} seen")
        own = books.snapshot.user_value(DONE, Kind.COUNTER, (("type", type_),))
        done = sum(event.name is EventName.COMPLETED for event in events)
        if round(own if isinstance(own, int | float) else 0) != done:
            yield Finding(EQUAL, f"{DONE} of {type_}: {own} in the books, {done} seen")
        yield from _deduplicated(books, chronicle, type_)


def _seen(jobs: int, events: list[Event]) -> dict[Instrument, int]:
    names = Counter(event.name for event in events)
    lost = sum(event.name is EventName.LOST or event.reason is Reason.WORKER_LOST for event in events)
    failing = sum(event.name is EventName.CANCELLED and event.reason is not None for event in events)
    retries = names[EventName.RETRIED] + names[EventName.LOST]
    ended = names[EventName.COMPLETED] + names[EventName.CANCELLED] + names[EventName.DEAD_LETTERED]
    return {
        catalog.ENQUEUED: jobs,
        catalog.COMPLETIONS: names[EventName.COMPLETED],
        catalog.FAILURES: retries + names[EventName.DEAD_LETTERED] + failing,
        catalog.RETRIES: retries,
        catalog.DEAD_LETTERED: names[EventName.DEAD_LETTERED],
        catalog.CANCELLATIONS: names[EventName.CANCELLED],
        catalog.LOST: lost,
        catalog.RELEASED: names[EventName.RELEASED] + sum(map(_was_released_cancelled, events)),
        catalog.REPLAYED: names[EventName.REPLAYED],
        catalog.DISCARDED: names[EventName.DISCARDED],
        catalog.WAIT: names[EventName.STARTED],
        catalog.PROCESSING: sum(event.micros is not None for event in events),
        catalog.DURATION: ended,
        catalog.RUNNING: 0,
        catalog.QUEUE_DEPTH: 0,
        catalog.SCHEDULED: 0,
        catalog.PARKED: 0,
    }


def _was_released_cancelled(event: Event) -> bool:
    """Asked to stop twice over: it ends cancelled, and without an execution time."""
    ran = event.writer_id is not None and event.micros is None
    return event.name is EventName.CANCELLED and ran and event.reason is None


def _deduplicated(books: Books, chronicle: Chronicle, type_: str) -> Iterator[Finding]:
    """Each answer that names another job is counted once; of what nobody was answered, perhaps."""
    those = [one for one in chronicle.submits.values() if one.ticket.type == type_]
    told = sum(not created for one in those for _, created in one.jobs)
    perhaps = sum("dedupe" in one.ticket.options and one.answer in {None, "unknown"} for one in those)
    value = _value(books, catalog.DEDUPLICATED, type_)
    if not told <= value <= told + perhaps:
        yield Finding(EQUAL, f"deduplicated of {type_}: {value} in the books, {told} to {told + perhaps} seen")


def _value(books: Books, instrument: Instrument, type_: str) -> int:
    value = books.snapshot.value(instrument, type=type_)
    return value.count if isinstance(value, HistogramValue) else round(value or 0)
