"""A store in which every series exists and every bucket has been hit: the widest scrape that so many types can have."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from jobledger._core.catalog import BOUNDARIES
from jobledger._core.commands import Settle, Submit
from jobledger._core.outcome import Done
from jobledger._core.priority import Priority, Stride
from jobledger._store.contract import Batch, Claim, Declaration, Enlistment, Group
from jobledger._store.open import open_store
from jobledger._types import SECOND, micros

if TYPE_CHECKING:
    from jobledger._core.commands import Command
    from jobledger._store.contract import Committed
    from jobledger._types import Micros

START: Micros = 1_700_000_000 * SECOND
SPANS = (*(micros(bound) for bound in BOUNDARIES), 2 * micros(BOUNDARIES[-1]))
"""One for each bucket."""
BATCH = 500


class Wide:
    """One worker, whose clock jumps: a round of jobs, one of each type and priority, for each bucket."""

    def __init__(self, url: str, types: int) -> None:
        self.now = START
        self._jobs = self._number = 0
        self.store = open_store(url, lambda: self.now, migrating=True, simulated=True)
        names = [f"service.type.{number}" for number in range(types)]
        declared = self.store.declare(tuple(Declaration(name, name) for name in names), types)
        self._types = tuple(type_.type_id for type_ in declared)
        self._writer = self.store.enlist(Enlistment("worker", "here", os.getpid(), BATCH, self._types))

    def round(self, place: int) -> None:
        """Each job waits for the span of this place; executions take all spans in turn."""
        jobs = [self._submit(type_id, priority) for type_id in self._types for priority in Priority]
        for first in range(0, len(jobs), BATCH):
            self._send(*jobs[first : first + BATCH])
        self.now += SPANS[place]
        while claimed := self._send(claim=Claim((Group(self._types, BATCH, Stride()),))).claimed:
            self._send(
                *(
                    Settle(one.job.id, one.job.key, one.job.run, self._writer, Done(), SPANS[(place + n) % len(SPANS)])
                    for n, one in enumerate(claimed)
                )
            )

    def _submit(self, type_id: int, priority: Priority) -> Submit:
        self._jobs += 1
        number = self._jobs
        job_id, trace = f"00000000-0000-7000-8000-{number:012x}", f"00-{number:032x}-{number:016x}-01"
        return Submit(job_id, type_id, b"{}", int(priority), entity=f"entity:{number}", trace=trace)

    def _send(self, *commands: Command, claim: Claim | None = None) -> Committed:
        self._number += 1
        return self.store.commit(Batch(self._writer, self._number, commands, claim))


def fill_wide(url: str, types: int) -> None:
    """Make such a store."""
    wide = Wide(url, types)
    for place in range(len(SPANS)):
        wide.round(place)
    wide.store.sample(0)
    wide.store.close()
