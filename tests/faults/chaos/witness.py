"""What handlers see of themselves, written down as it happens."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from jobledger.errors import AttemptStopped
from tests.faults.chaos.lines import Ended, Enlisted, Started

if TYPE_CHECKING:
    from collections.abc import Generator

    from jobledger import Context
    from jobledger._core.job import Job
    from jobledger._runtime.node import Node
    from jobledger._store.contract import Enlistment, Store
    from tests.faults.chaos.journal import Journal


class Sight:
    """One attempt, while it runs.

    Attributes:
        run: the job's start that this is.
        children: what it has left to be submitted.
        answer: how it will say it ended, if it returns.
    """

    def __init__(self, run: int) -> None:
        self.run = run
        self.children: list[str] = []
        self.answer = "done"


class Witness:
    """Writes down each attempt's start and end.

    Attributes:
        node: the worker of this process, once it is there.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.node: Node | None = None

    def listen(self, store: Store) -> None:
        """Write down every writer that this process becomes."""
        really_enlist = store.enlist

        def enlist(enlistment: Enlistment) -> int:
            writer = really_enlist(enlistment)
            self._journal.write(Enlisted(writer, os.getpid()))
            return writer

        store.enlist = enlist  # type: ignore[method-assign]

    @contextmanager
    def attempt(self, ctx: Context) -> Generator[Sight]:
        """Stand beside an attempt; whatever ends it goes on its way."""
        job = self._claimed(ctx.job_id)
        pid, writer = os.getpid(), job.writer_id or 0
        self._journal.write(Started(job.id, job.run, ctx.type, job.entity, job.fence, writer, pid, now()))
        sight, outcome = Sight(job.run), "raised"
        try:
            yield sight
            outcome = sight.answer
        except (asyncio.CancelledError, AttemptStopped):
            outcome = "stopped"
            raise
        finally:
            self._journal.write(Ended(job.id, job.run, pid, outcome, now(), tuple(sight.children)))

    def _claimed(self, job_id: str) -> Job:
        """The row as this process has claimed it: a handler is not told which run of its job it is."""
        assert self.node is not None
        running = list(self.node._dispatcher.running.values())
        return next(attempt.job for attempt in running if attempt.job.id == job_id)


def now() -> int:
    """Nanoseconds on the clock that all processes share."""
    return time.monotonic_ns()
