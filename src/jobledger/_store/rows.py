"""Between rows and jobs: tuples in the order of the table's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from jobledger._core.beginnings import started as start_of
from jobledger._core.beginnings import submitted
from jobledger._core.job import LANES, Event, EventName, Job, Progress
from jobledger._core.outcome import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FIELDS: Final = Job.__struct_fields__
_LANE: Final = _FIELDS.index("lane")
_HOLDS: Final = _FIELDS.index("holds")
_REASON: Final = _FIELDS.index("reason")
_PROGRESS: Final = _FIELDS.index("progress")
WIDTH: Final = len(_FIELDS)
"""Columns of a row without its payload; the payload is the next."""

_PROGRESS_DECODER: Final = msgspec.json.Decoder(Progress)


def job_of(row: Sequence[Any], begin: int = 0) -> Job:
    """A job from a row, and where in it its columns begin."""
    values = list(row[begin : begin + WIDTH])
    values[_LANE] = LANES[values[_LANE]]
    values[_HOLDS] = bool(values[_HOLDS])
    if values[_REASON] is not None:
        values[_REASON] = Reason(values[_REASON])
    if values[_PROGRESS] is not None:
        values[_PROGRESS] = _PROGRESS_DECODER.decode(values[_PROGRESS])
    return Job(*values)


def progress_text(progress: Progress | None) -> str | None:
    """Progress as the table keeps it."""
    return None if progress is None else msgspec.json.encode(progress).decode()


def inserted(job: Job, payload: bytes) -> tuple[Any, ...]:
    """The parameters of ``insert_job``."""
    return (
        job.key, job.id, job.seq, job.type_id, job.entity, job.priority, job.lane, job.holds, job.submitted_at,
        job.due_at,
        job.eligible_at, job.origin_at, job.run, job.failures, job.losses, job.max_attempts, job.max_losses,
        job.timeout,
        job.dedupe, job.dedupe_until, job.batch, job.trace, job.writer_id, job.fence, job.started_at, job.cancel_at,
        job.ended_at, job.reason, job.error, job.result, progress_text(job.progress), job.version, payload,
    )  # fmt: skip


def saved(job: Job, before: Job) -> tuple[Any, ...]:
    """The parameters of ``save_job``."""
    return (
        job.seq, job.lane, job.holds, job.due_at, job.eligible_at, job.origin_at, job.run, job.failures, job.losses,
        job.writer_id, job.fence, job.started_at, job.cancel_at, job.ended_at, job.reason, job.error, job.result,
        progress_text(job.progress), job.version, job.key, before.version,
    )  # fmt: skip


def started(job: Job, before: Job) -> tuple[Any, ...]:
    """The parameters of ``save_started``."""
    return (job.lane, job.run, job.writer_id, job.fence, job.started_at, job.version, job.key, before.version)


def ended(job: Job, before: Job) -> tuple[Any, ...]:
    """The parameters of ``save_ended``."""
    return (
        job.lane, job.failures, job.losses, job.ended_at, job.reason, job.error, job.result, job.version, job.key,
        before.version,
    )  # fmt: skip


def history_of(job: Job, event: Event) -> tuple[Any, ...]:
    """The parameters of ``add_history``. A start is told late, under its run: no version is below zero."""
    version = -event.run if event.name is EventName.STARTED else job.version
    return (
        job.key, version, event.name, event.at, event.run, event.writer_id, event.reason, event.error, event.micros,
    )  # fmt: skip


def history(job: Job, found: Iterable[Sequence[Any]]) -> tuple[Event, ...]:
    """All that has happened to a job: its rows of the history, and what its own row says.

    A start stands before all else of its run. Jobs of earlier versions have rows for all of it.
    """
    rest = [event_of(row) for row in found]
    starts = {event.run: event for event in rest if event.name is EventName.STARTED}
    latest = start_of(job)
    if latest is not None and latest.run not in starts:
        writers = (event.writer_id for event in rest if event.run == latest.run)
        starts[latest.run] = latest if latest.writer_id is not None else replace(latest, writer_id=next(writers, None))
    events = [submitted(job)]
    for event in rest:
        if event.name in _SAID_BY_ROWS:
            continue
        if event.run in starts:
            events.append(starts.pop(event.run))
        events.append(event)
    return (*events, *starts.values())


_SAID_BY_ROWS: Final = frozenset({EventName.SUBMITTED, EventName.STARTED})


def event_of(row: Sequence[Any]) -> Event:
    """An event from a row of the history."""
    name, at, run, writer_id, reason, error, micros = row
    return Event(EventName(name), at, run, writer_id, None if reason is None else Reason(reason), error, micros)
