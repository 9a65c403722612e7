"""The answers of a commit that happened, read back after its own answer was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from jobledger._core import commands as c
from jobledger._core.decide import Change, Refusal, Refused, Verdict
from jobledger._core.job import ENDED, Job, Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._store.contract import Answer


def recalled(
    command: c.Command, by_id: Callable[[str], Job | None], key_holder: Callable[[int, str], str | None]
) -> Answer:
    """What one command of an applied batch must have come to, from the job as it is now."""
    match command:
        case c.Submit():
            return _submitted(command, by_id, key_holder)
        case c.SubmitAll():
            return tuple(_submitted(item, by_id, key_holder) for item in command.items)
        case c.Settle() | c.Release() | c.Report():
            job = by_id(command.job_id)
            return Refusal(Refused.NOT_FOUND) if job is None else _as_it_is(job)
        case c.Cancel() | c.Replay() | c.Discard():
            return _addressed(command, by_id(command.job_id))
        case c.Count():
            return None
        case _:
            assert_never(command)


def _as_it_is(job: Job) -> Change:
    return Change(job, None, ())


def _submitted(
    command: c.Submit, by_id: Callable[[str], Job | None], key_holder: Callable[[int, str], str | None]
) -> Verdict:
    job = by_id(command.id)
    if job is not None:
        return _as_it_is(job)
    holder = key_holder(command.type_id, command.dedupe) if command.dedupe is not None else None
    return (
        Refusal(Refused.DUPLICATE, job_id=holder) if holder is not None else Refusal(Refused.UNKNOWN, job_id=command.id)
    )


def _addressed(command: c.Addressed, job: Job | None) -> Verdict:
    if job is None:
        return Refusal(Refused.NOT_FOUND)
    match command:
        case c.Cancel():
            won = job.status is Status.CANCELLED or job.cancel_at is not None
            return _as_it_is(job) if won else Refusal(Refused.ALREADY_ENDED, job)
        case c.Replay():
            # Ended again since, or never replayed: the row alone can't tell.
            return Refusal(Refused.UNKNOWN, job, job.id) if job.status in ENDED else _as_it_is(job)
        case c.Discard():
            return _as_it_is(job) if job.status is Status.DISCARDED else Refusal(Refused.NOT_DEAD, job)
        case _:
            assert_never(command)
