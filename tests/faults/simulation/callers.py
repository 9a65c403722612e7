"""Those who submit, cancel, replay and discard, from whatever process; what they hear is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobledger import AlreadyEnded
from jobledger._core.job import Status
from jobledger.errors import (
    CommitUnknown,
    Duplicate,
    JobEnded,
    NotDead,
    NotEnded,
    NotFound,
    NotOpen,
    OutcomeUnknown,
    StoreError,
)

if TYPE_CHECKING:
    from jobledger.jobs import JobService
    from tests.faults.simulation.plan import Ticket
    from tests.faults.simulation.process import Process


COUNTED = "simulated_counted_total"


async def submit(process: Process, ticket: Ticket) -> None:
    """Send a ticket, and write down what came of it."""
    chronicle = process.machine.chronicle
    submitted = chronicle.sent(ticket, process)
    try:
        ids = await _sent(_jobs(process), ticket)
    except Duplicate as error:
        chronicle.answered(submitted, "accepted", ((error.job_id, False),))
    except (OutcomeUnknown, CommitUnknown):
        chronicle.answered(submitted, "unknown")
    except (StoreError, NotOpen):
        chronicle.answered(submitted, "refused")
    else:
        chronicle.answered(submitted, "accepted", tuple((str(one), one.created) for one in ids))
        if ticket.cancel_after is not None:
            process.machine.later(ticket.cancel_after, "cancel", str(ids[0]))
    _opens_anew(process)


async def _sent(jobs: JobService, ticket: Ticket) -> list[Any]:
    if len(ticket.payloads) == 1:
        return [await jobs.submit(ticket.type, ticket.payloads[0], **ticket.options)]
    return await jobs.submit(ticket.type, list(ticket.payloads), **ticket.options)


async def ask(process: Process, verb: str, job_id: str) -> None:
    """Cancel, replay or discard a job, wait for it, or count something."""
    chronicle = process.machine.chronicle
    asked = chronicle.asks(verb, job_id, process)
    try:
        answer = await _asked(process, verb, job_id)
    except (OutcomeUnknown, CommitUnknown):
        answer = "unknown"
    except (StoreError, NotOpen):
        answer = "refused"
    except NotDead as error:
        answer = str(error.status)
    except NotFound:
        answer = "not found"
    chronicle.told(asked, answer)
    _opens_anew(process)


async def _asked(process: Process, verb: str, job_id: str) -> str:
    assert process.app is not None
    jobs = process.app.jobs
    match verb:
        case "count":
            await process.app.metrics.inc(COUNTED)
        case "wait":
            return await _waited(jobs, job_id)
        case "cancel":
            answer = await jobs.cancel(job_id)
            return str(answer.status) if isinstance(answer, AlreadyEnded) else type(answer).__name__.lower()
        case "replay":
            await jobs.replay(job_id)
        case _:
            await jobs.discard(job_id)
    return "done"


async def _waited(jobs: JobService, job_id: str) -> str:
    try:
        await jobs.result(job_id, wait=2.0)
    except JobEnded as error:
        return str(error.status)
    except NotEnded:
        return "not ended"
    return str(Status.COMPLETE)


def _opens_anew(process: Process) -> None:
    """A store that has failed for good is so until the App is opened anew: the client ends, and another one begins."""
    door = process.app._door if process.app is not None else None
    if process.role == "client" and door is not None and door.broken is not None:
        process.machine.ask_to_leave(process)


def _jobs(process: Process) -> JobService:
    assert process.app is not None
    return process.app.jobs
