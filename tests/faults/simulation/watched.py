"""What handlers see of themselves, written down as it happens."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jobledger.errors import AttemptStopped
from tests.faults.simulation.process import current

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger import Context
    from tests.faults.simulation.process import Process


@dataclass
class Sight:
    """One execution of one job, from its handler's first act to its last.

    Attributes:
        attempt: as the handler was told.
        children: what it has left to be submitted with its completion.
        answer: how it will say that it ended, if it returns.
        is_deaf: it does not stop when it is asked to.
        outcome: done, raised, retried, failed, cancels or stopped; None while its code runs, or if it was killed.
    """

    job_id: str
    run: int
    type: str
    entity: str | None
    fence: int
    attempt: int
    writer_id: int
    process: Process
    children: list[str] = field(default_factory=list)
    answer: str = "done"
    is_deaf: bool = False
    outcome: str | None = None

    def __str__(self) -> str:
        return f"{self.type} {self.job_id[:8]} run {self.run} in {self.process}"


@contextmanager
def watched(ctx: Context) -> Iterator[Sight]:
    """Stand beside an attempt; whatever ends it goes on its way."""
    process = current()
    sight = _begun(ctx, process)
    chronicle = process.machine.chronicle
    chronicle.began(sight)
    outcome = "raised"
    try:
        yield sight
        outcome = sight.answer
    except (asyncio.CancelledError, AttemptStopped):
        outcome = "stopped"
        raise
    finally:
        chronicle.ended(sight, outcome)


def _begun(ctx: Context, process: Process) -> Sight:
    """A handler is not told which run of its job it is, nor whose."""
    assert process.node is not None
    running = process.node._dispatcher.running.values()
    job = next(attempt.job for attempt in running if attempt.context is ctx)
    return Sight(job.id, job.run, ctx.type, job.entity, job.fence, ctx.attempt, job.writer_id or 0, process)
