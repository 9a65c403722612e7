"""The instruments as data: the one list that the books, the text, the docs and the alerts are made from."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Literal, TypeAlias

import msgspec

from jobledger._types import Micros, micros

BOUNDARIES: Final[tuple[float, ...]] = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21600,
    86400,
)  # fmt: skip
"""The ladder of all histograms, in seconds; fixed once per database."""


class Kind(StrEnum):
    """The three kinds of instruments."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


Label: TypeAlias = Literal["type", "priority", "status", "state"]
Source: TypeAlias = Literal["ledger", "probe", "sample", "read", "process"]


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """One metric family.

    Attributes:
        number: its key in the ledger, part of the file format; 0 where the value is not kept there.
        attribute: its name on ``MetricsService.jobs``.
        series: its name on the wire.
        labels: in the order in which they are shown.
        help: one line, as scraped.
        meaning: what exactly is counted, for the reference page.
        source: ``ledger`` (committed with each transition), ``probe`` (an index lookup at read), ``sample``
            (written by upkeep, with its own time) or ``read`` (of the act of reading).
        boundaries: upper bounds in seconds, for a histogram.
    """

    number: int
    attribute: str
    series: str
    kind: Kind
    labels: tuple[Label, ...] = ()
    help: str
    meaning: str = ""
    unit: str = ""
    source: Source = "ledger"
    boundaries: tuple[float, ...] = ()

    @property
    def by_priority(self) -> bool:
        """Whether its series are split by priority."""
        return "priority" in self.labels


_TYPE: Final = ("type",)
_BOTH: Final = ("type", "priority")


def _counter(
    number: int, attribute: str, series: str, text: str, meaning: str, labels: tuple[Label, ...] = _TYPE
) -> Instrument:
    return Instrument(
        number=number, attribute=attribute, series=series, kind=Kind.COUNTER, labels=labels, help=text, meaning=meaning
    )


def _gauge(
    number: int,
    attribute: str,
    series: str,
    text: str,
    meaning: str,
    labels: tuple[Label, ...] = _TYPE,
    source: Source = "ledger",
) -> Instrument:
    unit = "seconds" if series.endswith("_seconds") else ""
    return Instrument(
        number=number, attribute=attribute, series=series, kind=Kind.GAUGE, labels=labels, help=text, meaning=meaning,
        unit=unit, source=source,
    )  # fmt: skip


def _histogram(
    number: int, attribute: str, series: str, text: str, meaning: str, labels: tuple[Label, ...] = _BOTH
) -> Instrument:
    return Instrument(
        number=number, attribute=attribute, series=series, kind=Kind.HISTOGRAM, labels=labels, help=text,
        meaning=meaning,
        unit="seconds", boundaries=BOUNDARIES,
    )  # fmt: skip


CANCELLATIONS: Final = _counter(
    1, "cancellations", "jobs_cancelled_total", "Jobs that ended cancelled.",
    "Jobs that ended cancelled, while queued or in flight.",
)  # fmt: skip
COMPLETIONS: Final = _counter(
    2, "completions", "jobs_completed_total", "Jobs that ended complete.",
    "Jobs that ended complete. A job counts once per life; a replay opens a new life.",
)  # fmt: skip
DEAD_LETTERED: Final = _counter(
    3, "dead_lettered", "jobs_dead_lettered_total", "Entries into the dead-letter queue.",
    "Entries into the dead-letter queue. A replay doesn't take them back.",
)  # fmt: skip
DLQ_SIZE: Final = _gauge(
    4, "dlq_size", "jobs_dlq_size", "Jobs in the dead-letter queue.",
    "Jobs in the dead-letter queue now, over all processes.",
)  # fmt: skip
DURATION: Final = _histogram(
    5, "duration", "jobs_duration_seconds", "From submit, first due time or replay to the end.",
    "From the later of submit and first due time, or from the last replay, to the end: waits and retries included.",
)  # fmt: skip
ENQUEUED: Final = _counter(
    6, "enqueued", "jobs_enqueued_total", "Accepted new jobs.",
    "Accepted new jobs; not the deduplicated ones, not the replays.", _BOTH,
)  # fmt: skip
FAILURES: Final = _counter(
    7, "failures", "jobs_failed_total", "Attempts that failed, timed out or were lost.",
    "Attempts (not jobs) that failed, timed out, or were lost with their worker.",
)  # fmt: skip
PROCESSING: Final = _histogram(
    8, "processing_seconds", "jobs_processing_seconds", "Execution time of attempts, without any waiting.",
    "Execution time of attempts that ended done, failed, timed out or cancelled, by the worker's monotonic clock.",
)  # fmt: skip
QUEUE_DEPTH: Final = _gauge(
    9, "queue_depth", "jobs_queue_depth", "Jobs queued and due.",
    "Jobs queued and due: ready, arrived or parked behind another job of their entity.", _BOTH,
)  # fmt: skip
RETRIES: Final = _counter(
    10, "retries", "jobs_retried_total", "Failed or lost attempts that were put back.",
    "Failed or lost attempts whose job was put back into the queue.",
)  # fmt: skip
WAIT: Final = _histogram(
    11, "wait_duration", "jobs_wait_duration_seconds", "Per start: from eligible to start.",
    "Per start: from the moment when only capacity kept the job waiting (due, and unkeyed or head of its "
    "mailbox) to its start.",
)  # fmt: skip

ELEVEN: Final = (
    CANCELLATIONS, COMPLETIONS, DEAD_LETTERED, DLQ_SIZE, DURATION, ENQUEUED, FAILURES, PROCESSING, QUEUE_DEPTH,
    RETRIES, WAIT,
)  # fmt: skip
"""The instruments of the plan, in alphabetical order of their attributes."""

RUNNING: Final = _gauge(
    12, "running", "jobs_running", "Jobs in processing.", "Jobs whose attempt is running now.", _BOTH
)
SCHEDULED: Final = _gauge(
    13, "scheduled", "jobs_scheduled", "Jobs queued but not due.",
    "Jobs queued but not due: delayed, or in the back-off of a retry.", _BOTH,
)  # fmt: skip
PARKED: Final = _gauge(
    14, "parked", "jobs_parked", "Due jobs behind another job of their entity.",
    "Due jobs that wait behind another job of their entity; part of the queue depth.",
)  # fmt: skip
REPLAYED: Final = _counter(
    15, "replayed", "jobs_replayed_total", "Dead letters replayed.", "Dead letters that were given a new life."
)
DISCARDED: Final = _counter(
    16, "discarded", "jobs_discarded_total", "Dead letters discarded.", "Dead letters ended for good."
)
DEDUPLICATED: Final = _counter(
    17, "deduplicated", "jobs_deduplicated_total", "Submits refused by a held dedupe key.",
    "Submits that a held dedupe key turned into a reference to an existing job.",
)  # fmt: skip
LOST: Final = _counter(
    18, "lost", "jobs_lost_total", "Attempts lost with their worker.", "Attempts whose worker died or was taken over."
)
RELEASED: Final = _counter(
    19, "released", "jobs_released_total", "Attempts put back by a stopping worker.",
    "Attempts put back by a stopping worker; they cost nothing.",
)  # fmt: skip
STALE: Final = _counter(
    20, "stale_settlements", "jobs_stale_settlements_total",
    "Refused results of attempts that no longer own their job.",
    "Results, releases and reports refused because the attempt no longer owned its job. They changed nothing.",
)  # fmt: skip
PRUNED: Final = _counter(
    21, "pruned", "jobs_pruned_total", "Ended jobs forgotten after their retention.",
    "Ended jobs whose rows were removed after their retention; dead letters never are.", ("type", "status"),
)  # fmt: skip
MAILBOX_WAIT: Final = _histogram(
    22, "mailbox_wait", "jobs_mailbox_wait_seconds", "From due to head of its mailbox.",
    "Per keyed job that becomes the head of its mailbox: from its due time to that moment, apart from the wait "
    "for capacity.", _TYPE,
)  # fmt: skip
OLDEST_READY: Final = _gauge(
    0, "oldest_ready", "jobs_oldest_ready_timestamp_seconds", "Since when the oldest ready job is eligible.",
    "The moment since which the longest-waiting ready job is eligible; absent when none waits.", source="probe",
)  # fmt: skip
OLDEST_PARKED: Final = _gauge(
    0, "oldest_parked", "jobs_oldest_parked_timestamp_seconds", "Since when the oldest parked job is due.",
    "The due time of the parked job that is due the longest: so long it waits behind other jobs of its entity; absent "
    "when none is parked.", source="probe",
)  # fmt: skip
OLDEST_RUNNING: Final = _gauge(
    0, "oldest_running", "jobs_oldest_running_timestamp_seconds", "Start of the longest-running attempt.",
    "The start of the longest-running attempt; absent when none runs.", source="probe",
)  # fmt: skip
LAST_COMPLETED: Final = _gauge(
    0, "last_completed", "jobs_last_completed_timestamp_seconds", "When a job of this type last completed.",
    "When a job of this type last completed; absent before the first.", source="probe",
)  # fmt: skip
OVERDUE: Final = _gauge(
    0, "overdue", "jobs_overdue", "Running attempts past their timeout.",
    "Attempts whose code still runs although their timeout has passed: a thread, or a task that swallows cancellation. "
    "Their slot and their mailbox stay held until it stops.", source="probe",
)  # fmt: skip
WORKERS: Final = _gauge(
    0, "workers", "jobs_workers", "Live workers.", "Workers that are registered and not known to be dead.", (), "probe"
)
WORKER_SLOTS: Final = _gauge(
    0, "worker_slots", "jobs_worker_slots", "Slots of live workers, free and used.",
    "Slots of live workers by state: free or used.", ("state",), "probe",
)  # fmt: skip
UNHANDLED: Final = _gauge(
    0, "unhandled", "jobs_unhandled", "Queued jobs that no live worker handles.",
    "Queued jobs of types that no live worker has a handler for.", source="probe",
)  # fmt: skip
ENTITIES_ACTIVE: Final = _gauge(
    0, "entities_active", "jobs_entities_active", "Entities with a job that holds their mailbox.",
    "Entities whose mailbox is held by a job, as last sampled by a worker's upkeep.", (), "sample",
)  # fmt: skip
MAILBOX_DEEPEST: Final = _gauge(
    0, "mailbox_deepest", "jobs_mailbox_deepest", "Parked jobs in the deepest mailbox.",
    "Parked jobs in the deepest mailbox, as last sampled; which entity it is, `jobledger list --lane parked` tells, "
    "never a label.", (), "sample",
)  # fmt: skip
IMBALANCE: Final = _gauge(
    0, "ledger_imbalance", "jobs_ledger_imbalance", "Findings of the last audit by upkeep.",
    "Findings of the last audit that a worker's upkeep ran; anything but 0 is a defect.", (), "sample",
)  # fmt: skip
SAMPLED_AT: Final = _gauge(
    0, "sampled_at", "jobs_sampled_timestamp_seconds", "When upkeep last sampled.",
    "When the sampled gauges (entities, deepest mailbox, imbalance) were written; of several times the earliest.",
    (), "sample",
)  # fmt: skip
AS_OF: Final = _gauge(
    0, "ledger_as_of", "jobs_ledger_as_of_timestamp_seconds", "Time of this read.",
    "The store's time at this read; the only value that differs between two reads of a store at rest.", (), "read",
)  # fmt: skip
UNFOLDED: Final = _gauge(
    0, "ledger_unfolded", "jobs_ledger_unfolded", "Ledger delta rows waiting to be folded.",
    "Delta rows that wait to be folded into the base; they are counted in every value all the same.", (), "read",
)  # fmt: skip
SERIES_OVERFLOWED: Final = _gauge(
    0, "series_overflowed", "jobs_series_overflowed", "Types and own metrics beyond their budget of labels.",
    "Types, and names of your own metrics, that share the label `__other__` because their budget of labels is used "
    "up.", (), "read",
)  # fmt: skip

CATALOG: Final = (
    *ELEVEN, RUNNING, SCHEDULED, PARKED, REPLAYED, DISCARDED, DEDUPLICATED, LOST, RELEASED, STALE, PRUNED, MAILBOX_WAIT,
    OLDEST_READY, OLDEST_PARKED, OLDEST_RUNNING, LAST_COMPLETED, OVERDUE, WORKERS, WORKER_SLOTS, UNHANDLED,
    ENTITIES_ACTIVE, MAILBOX_DEEPEST, IMBALANCE, SAMPLED_AT, AS_OF, UNFOLDED, SERIES_OVERFLOWED,
)  # fmt: skip
BY_NUMBER: Final = {instrument.number: instrument for instrument in CATALOG if instrument.number}

CRITERIA: Final = {
    "job.queue_depth": QUEUE_DEPTH,
    "job.processing_seconds": PROCESSING,
    "job.failures_total": FAILURES,
    "job.dlq_size": DLQ_SIZE,
}
"""The plan's four criteria and the instruments that answer them."""

RESERVED_PREFIXES: Final = ("jobs_", "jobledger_")
USER_NUMBERS: Final = 1000
"""Ledger numbers from here on belong to users' own series."""


def ladder(boundaries: tuple[float, ...]) -> tuple[Micros, ...]:
    """The boundaries as whole microseconds, as the ledger compares them."""
    return tuple(micros(boundary) for boundary in boundaries)
