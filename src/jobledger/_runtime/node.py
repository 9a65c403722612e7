"""A worker: the dispatcher and its duties, started and stopped together."""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from jobledger._config import POLL_SECONDS, REFRESH_SECONDS
from jobledger._runtime.context import Stop
from jobledger._runtime.lag import LagWatch
from jobledger._runtime.lifecycle import Duty
from jobledger._runtime.liveness import RENEWALS, Liveness
from jobledger._runtime.poll import Poll
from jobledger._runtime.upkeep import FOLD_SECONDS, SAMPLE_SECONDS, Upkeep
from jobledger._runtime.watch import Watch
from jobledger._store.prompt import Prompt
from jobledger.errors import WorkerStuck

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping

    from jobledger._clock import Clock
    from jobledger._runtime.dispatcher import Dispatcher
    from jobledger._runtime.push import Pusher
    from jobledger._store.commit import Door
    from jobledger._store.run import Run
    from jobledger.errors import StoreError

log = logging.getLogger("jobledger.worker")
_TAKEOVER_SECONDS = 1.0
_FENCE_SECONDS = 0.25
"""How late, at most, a worker sees that its lease has lapsed."""
_STOP_SECONDS = 5.0
"""How long code that was asked to stop gets, at the end of the grace time and after a fence."""


class Node:
    """Runs jobs in this process until it is stopped."""

    def __init__(
        self,
        door: Door,
        dispatcher: Dispatcher,
        reads: Run,
        audits: Run,
        refresh: Callable[[], Awaitable[None]],
        clock: Clock,
        *,
        retention: float,
        lease: float,
        pusher: Pusher | None = None,
    ) -> None:
        """Put the duties together."""
        self._door = door
        self._dispatcher = dispatcher
        reads, audits = door.guarded(reads), door.guarded(audits)
        pause = min(_TAKEOVER_SECONDS, lease / RENEWALS)
        upkeep = Upkeep(door, reads, audits, clock, retention, Watch(pause), dispatcher.look)
        self._poll = Duty("poll", POLL_SECONDS, Poll(door, reads, dispatcher).step)
        self.lag = LagWatch(dispatcher.running)
        self.pusher = pusher
        self._liveness = Liveness(self._renew, lease, self.lag.stalled, self._doubt, clock.uptime)
        self._duties = (
            self._poll,
            Duty("takeover", pause, upkeep.take_over),
            Duty("retention", 60.0, upkeep.prune),
            Duty("fold", FOLD_SECONDS, upkeep.fold),
            Duty("types", REFRESH_SECONDS, refresh),
            Duty("samples", SAMPLE_SECONDS, upkeep.sample),
            Duty("recovery", 1.0, self._recover),
            *([Duty("push", pusher.pause, pusher.step)] if pusher is not None else ()),
            *([Duty("self-fence", min(_FENCE_SECONDS, pause), self._fence)] if door.store.may_be_cut_off else ()),
        )
        self._lapsed: int | None = None
        self._stopping = False
        self._hurried = False
        self._patience: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._host: asyncio.Task[object] | None = None
        self._interrupted = False
        self._why: StoreError | WorkerStuck | None = None
        self._clock = clock
        self._lost_at: float | None = None

    async def start(self) -> None:
        """Become a worker, take over what dead ones left, and begin to claim."""
        self._loop = asyncio.get_running_loop()
        await self._listen(on=True)
        await self._door.reenlist()
        self._door.claimer = self._dispatcher
        self._liveness.start()
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
            quiet = await self._ended(0.0 if self._hurried or self._door.broken or self._why else grace)
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

    @contextmanager
    def attended(self) -> Generator[None]:
        """Around the block that keeps this worker: it is interrupted when the worker can't go on, and told why.

        As a task group does it: by a cancellation, which is taken back here.

        Raises:
            StoreError: why nothing can be written any more.
            WorkerStuck: others have its jobs now, but their code here does not stop: this process should end.
        """
        host = self._host = asyncio.current_task()
        before = host.cancelling() if host else 0
        try:
            yield
        except BaseException as error:
            if self._taken_back(before) and isinstance(error, asyncio.CancelledError) and self._why:
                raise self._why from None
            raise
        else:
            self._taken_back(before)
        finally:
            self._host = None
        if why := self._why or self._door.broken:
            raise why

    def _interrupt(self, why: StoreError | WorkerStuck) -> None:
        if self._host is not None and not self._interrupted and not self._stopping:
            self._why = why
            self._interrupted = self._host.cancel()

    def _taken_back(self, before: int) -> bool:
        """Whether the block was interrupted, and by nobody else."""
        interrupted, self._interrupted = self._interrupted, False
        return interrupted and self._host is not None and self._host.uncancel() <= before

    async def _shut(self) -> None:
        for duty in self._duties:
            await duty.stop()
        if self.pusher is not None:
            self.pusher.stop()
        self.lag.stop()
        self._liveness.stop()
        await self._listen(on=False)
        await self._dispatcher.shut()
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

    def _renew(self) -> None:
        writer_id = self._door.writer_id
        if writer_id is not None:
            self._door.store.renew(writer_id)

    async def _listen(self, *, on: bool) -> None:
        store = self._door.store
        if isinstance(store, Prompt):
            await store.listen_here(self._woken if on else None)
        else:
            await self._door.run(lambda: store.listen(self._heard if on else None))

    def _heard(self, types: frozenset[int]) -> None:
        self._soon(lambda: self._woken(types))

    def _woken(self, types: frozenset[int]) -> None:
        """New jobs of a type that there is room for are worth a batch; of anything else the poll sees whether it is."""
        if types.isdisjoint(self._dispatcher.room().types):
            self._poll.nudge()
        else:
            self._dispatcher.look()

    def _doubt(self) -> None:
        """Others may have taken over: the next batch tells, so make one."""
        self._soon(self._dispatcher.look)

    def _soon(self, call: Callable[[], None]) -> None:
        with suppress(RuntimeError):  # the loop has closed, and a thread was late
            if self._loop is not None:
                self._loop.call_soon_threadsafe(call)

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
        if self._door.broken:
            self._interrupt(self._door.broken)
        elif not self._dispatcher.lost or self._stopping:
            self._lost_at = None
        elif self._dispatcher.running:
            self._wait_for_old_code()
        else:
            await self._leave_lapsed()
            log.warning("coming back as a new worker")
            self._liveness.begin()
            self._dispatcher.resume()

    def _wait_for_old_code(self) -> None:
        """Others run its jobs, or soon will: what can't be stopped here ends with the process, not when it likes."""
        now = self._clock.monotonic()
        self._lost_at = self._lost_at or now
        if now - self._lost_at > _STOP_SECONDS:
            self._interrupt(WorkerStuck([attempt.job.id for attempt in self._dispatcher.running.values()]))

    async def _fence(self) -> None:
        """Cut off from a store that others reach: they will run these jobs, so this process must not."""
        if self._liveness.has_lapsed() and not self._dispatcher.lost and not self._stopping:
            log.error("the lease could not be renewed in time: this worker stops its jobs, others may get them")
            self._lapsed = self._door.writer_id
            self._dispatcher.fenced()

    async def _leave_lapsed(self) -> None:
        """Unless somebody has fenced it already, the writer whose lease had lapsed is left behind, once that works."""
        if self._lapsed is not None and self._lapsed == self._door.writer_id:
            if self._dispatcher.unsettled:
                self._door.keep()
            await self._door.reenlist()
        self._lapsed = None
