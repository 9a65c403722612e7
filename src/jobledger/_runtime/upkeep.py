"""Duties that any live worker does: takeover, retention, samples."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from jobledger._core.books import balance
from jobledger._runtime import outcome_log
from jobledger._types import micros

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._clock import Clock
    from jobledger._core.decide import Change
    from jobledger._runtime.watch import Watch
    from jobledger._store.commit import Door
    from jobledger._store.run import Run

log = logging.getLogger("jobledger.upkeep")
PRUNE_AT_ONCE = 500
SAMPLE_SECONDS = 10.0
FOLD_SECONDS = 1.0
AUDIT_SECONDS = 60.0
AUDIT_SHARE = 100
"""An audit reads all rows: it takes at most a hundredth of the time."""


class Upkeep:
    """What keeps the store in order while a worker lives."""

    def __init__(
        self,
        door: Door,
        reads: Run,
        audits: Run,
        clock: Clock,
        retention: float,
        watch: Watch,
        look: Callable[[], None],
    ) -> None:
        """Retention in seconds; ``reads`` runs what only reads, ``audits`` what may take long."""
        self._door = door
        self._reads = reads
        self._audits = audits
        self._watch = watch
        self._clock = clock
        self._retention = None if retention == math.inf else micros(retention)
        self._look = look
        self._next_audit = clock.monotonic() + AUDIT_SECONDS

    async def take_over(self) -> None:
        """The jobs of workers that have ended, or have been silent for their whole lease, run elsewhere."""
        asked = self._clock.uptime()
        vitals = await self._reads(self._door.store.vitals)
        silent = self._watch.silent(vitals, asked, self._clock.uptime())
        gone = {vital.writer_id for vital in vitals if vital.ended}.union(silent)
        gone.discard(self._door.writer_id or 0)
        if not gone:
            return
        taken = await self._door.run(lambda: self._door.store.take_over(tuple(sorted(gone))))
        for one in taken:
            if one.changes:
                why = "silent for its whole lease" if one.writer_id in silent else "its process has ended"
                log.warning(
                    "took over %s %d (%s, pid %d; %s): %d job(s) put back, %d dead-lettered",
                    one.kind, one.writer_id, one.host, one.pid, why, len(one.jobs), len(one.dead_lettered),
                )  # fmt: skip
        if taken:
            self._look()  # what was put back, and what was next behind a job that died of it
        await self._tell([change for one in taken for change in one.changes])

    async def _tell(self, changes: list[Change]) -> None:
        """What came of the attempts that were lost: nobody else can say it."""
        names = {one.type_id: one.name for one in await self._reads(self._door.store.types)} if changes else {}
        for change in changes:
            if change.event is not None:
                outcome_log.tell_lost(change.job, names[change.job.type_id], change.event)

    async def fold(self) -> None:
        """Counts that stand beside the ledger go into it, so that reading stays cheap."""
        await self._door.run(self._door.store.fold)

    async def prune(self) -> None:
        """Ended jobs are forgotten after their retention, in small transactions."""
        retention = self._retention
        while retention is not None:
            if await self._door.run(lambda: self._door.store.prune(retention, PRUNE_AT_ONCE)) < PRUNE_AT_ONCE:
                break

    async def sample(self) -> None:
        """The sampled gauges, and now and then an audit."""
        findings: int | None = None
        began = self._clock.monotonic()
        if began >= self._next_audit:
            findings = balance(await self._audits(self._door.store.audit)).findings
            took = self._clock.monotonic() - began
            self._next_audit = began + max(AUDIT_SECONDS, AUDIT_SHARE * took)
            if findings:
                log.error("the books are out of balance: %d finding(s); run `jobledger audit`", findings)
        run = self._audits if self._door.store.samples_beside else self._door.run
        await run(lambda: self._door.store.sample(findings))
