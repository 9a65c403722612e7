"""What a job's row says of its history by itself: no event is kept beside it."""

from __future__ import annotations

from jobledger._core.job import Event, EventName, Job


def submitted(job: Job) -> Event:
    """The first transition of a job. Its row says it for good."""
    return Event(EventName.SUBMITTED, job.submitted_at, 0)


def started(job: Job) -> Event | None:
    """The start of its latest run. Its row says it until another run may follow."""
    return None if job.started_at is None else Event(EventName.STARTED, job.started_at, job.run, job.writer_id)
