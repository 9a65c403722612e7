"""A worker: the dispatcher and its duties, started and stopped together."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from jobledger._config import POLL_SECONDS, REFRESH_SECONDS
from jobledger._runtime.context import Stop
from jobledger._runtime.lag import LagWatch
from jobledger._runtime.lifecycle import Duty
from jobledger._runtime.poll import Poll
from jobledger._runtime.upkeep import SAMPLE_SECONDS, Upkeep
from jobledger.errors import WorkerStuck

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from jobledger._clock import Clock
    from jobledger._runtime.dispatcher import Dispatcher
    from jobledger._store.commit import Door
    from jobledger._store.run import Run

log = logging.getLogger("jobledger.worker")
_STOP_SECONDS = 5.0
"""How long code that was asked to stop gets, at the end of the grace time."""


class Node:
    """Runs jobs in this process until it is stopped."""

    def __init__(
        self,
        door: Door,
        dispatcher: Dispatcher,
        audits: Run,
        refresh: Callable[[], Awaitable[None]],
        clock: Clock,
        *,
        retention: float,
    ) -> None:
        """Put the duties together."""
        self._door = door
        self._dispatcher = dispatcher
        upkeep = Upkeep(door, audits, clock, retention, dispatcher.look)
        poll = Poll(door, dispatcher.look)
        self.lag = LagWatch(dispatcher.running)
        self._duties = (
            Duty("poll", POLL_SECONDS, poll.step),
            Duty("takeover", 1.0, upkeep.take_over),
            Duty("retention", 60.0, upkeep.prune),
            Duty("types", REFRESH_SECONDS, refresh),
            Duty("samples", SAMPLE_SECONDS, upkeep.sample),
            Duty("recovery", 1.0, self._recover),
        )
        self._stopping = False
        self._hurried = False
        self._patience: asyncio.Future[None] | None = None

    async def start(self) -> None:
        """Become a worker, take over what dead ones left, and begin to claim."""
        await self._door.reenlist()
        self._door.claimer = self._dispatcher
        for duty in self._duties:
            duty.start()
        self.lag.start()
        self._dispatcher.look()

    async def stop(self, grace: float) -> None:
        """Claim nothing more, let running jobs end for ``grace`` seconds, then stop and release them.

        Raises:
            WorkerStuck: code still runs after that; its jobs are not released, and this process should end.
        """
        self._stopping = True
        dispatcher = self._dispatcher
        dispatcher.hold()
        quiet = False
        try:
            quiet = await self._ended(0.0 if self._hurried else grace)
            if not quiet:
                dispatcher.stop_all(Stop.RELEASE)
                quiet = await self._ended(_STOP_SECONDS)
        finally:
            left = [attempt.job.id for attempt in dispatcher.running.values()] + dispatcher.unsettled
            if left or not quiet:
                self._door.keep()
            await self._shut()
        if left or not quiet:
            raise WorkerStuck(left)

    async def _shut(self) -> None:
        for duty in self._duties:
            await duty.stop()
        self.lag.stop()
        self._dispatcher.shut()
        self._door.claimer = None

    @property
    def ended(self) -> Mapping[str, int]:
        """What came of this process's attempts so far, by transition: completed, retried, released and so on."""
        return self._dispatcher.ended

    def hurry(self) -> None:
        """The second signal: no more waiting for running code. While it gets its grace time, that is over."""
        self._hurried = True
        if self._patience is not None and not self._patience.done():
            self._patience.set_result(None)

    async def _ended(self, seconds: float) -> bool:
        """Not by asyncio.timeout: in Python 3.11.2 that raises the wrong error in a task that was cancelled itself."""
        quiet = asyncio.ensure_future(self._quiet())
        self._patience = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait({quiet, self._patience}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return quiet.done()
        finally:
            self._patience = None
            quiet.cancel()

    async def _quiet(self) -> None:
        await self._door.through()  # a claim may be on its way
        await self._dispatcher.idle.wait()

    async def _recover(self) -> None:
        """After a fence: once the old code has stopped, this process comes back as a new worker."""
        if self._dispatcher.lost and not self._stopping and not self._dispatcher.running:
            log.warning("coming back as a new worker")
            self._dispatcher.resume()
