"""Single observations of the histograms, found again in the rows of the jobs that they were made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from jobledger._core import catalog
from jobledger._core.deltas import NO_PRIORITY
from jobledger._core.job import Lane
from jobledger._core.trace import span_id, trace_id
from jobledger._types import Micros

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.catalog import Instrument


class Latest(msgspec.Struct, frozen=True, gc=False):
    """A job that started or ended lately, and what its observations were made of.

    Attributes:
        keyed: it has an entity.
        elapsed: execution time of the attempt that ended it; None if it runs, or if something else ended it.
    """

    job_id: str
    type_id: int
    priority: int
    lane: Lane
    keyed: bool
    due_at: Micros
    eligible_at: Micros | None
    origin_at: Micros
    run: int
    started_at: Micros | None
    ended_at: Micros | None
    trace: str | None
    elapsed: Micros | None


class Observation(msgspec.Struct, frozen=True, gc=False):
    """One time span that a histogram has seen.

    Attributes:
        number: of the instrument.
        priority: -1 where the instrument is not split by it.
        amount: the time span in microseconds.
        at: when it was observed.
        trace_id: of the submit, where the submit had one; ``span_id``, too.
    """

    number: int
    type_id: int
    priority: int
    amount: Micros
    at: Micros
    job_id: str
    trace_id: str | None
    span_id: str | None = None


def observations(job: Latest) -> Iterator[Observation]:
    """What the last attempt of a job, and its end, were seen with; each was counted by ``decide``.

    Only what the row still tells is found: a job that was put back after its start has another ``eligible_at`` by now.
    """
    if job.ended_at is not None and job.lane is not Lane.DISCARDED:
        yield _observation(catalog.DURATION, job, job.ended_at - job.origin_at, job.ended_at)
        if job.elapsed is not None:
            yield _observation(catalog.PROCESSING, job, job.elapsed, job.ended_at)
    told = job.lane is Lane.PROCESSING or job.elapsed is not None
    if told and job.started_at is not None and job.eligible_at is not None:
        yield _observation(catalog.WAIT, job, job.started_at - job.eligible_at, job.started_at)
        if job.keyed and job.run == 1:
            yield _observation(catalog.MAILBOX_WAIT, job, job.eligible_at - job.due_at, job.eligible_at)


def _observation(instrument: Instrument, job: Latest, amount: Micros, at: Micros) -> Observation:
    priority = job.priority if instrument.by_priority else NO_PRIORITY
    return Observation(
        instrument.number, job.type_id, priority, max(amount, 0), at, job.job_id, trace_id(job.trace),
        span_id(job.trace),
    )  # fmt: skip
