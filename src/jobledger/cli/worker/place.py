"""One of the places that a supervisor keeps filled with a worker."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger.cli.worker.announcer import Announcer
    from jobledger.cli.worker.backoff import Backoff
    from jobledger.cli.worker.child import Child
    from jobledger.cli.worker.patience import Patience


class Place:
    """A worker lives here; when it ends, another one is started, later each time.

    Args:
        start: starts a worker; raises OSError if the system refuses.
        announcer: is told.
        backoff: how long to wait.
        patience: how long a worker may take.
        stopping: done when no worker should be started any more.

    Attributes:
        child: the worker that lives here, or the last one that did.
    """

    def __init__(
        self,
        start: Callable[[], Child],
        announcer: Announcer,
        backoff: Backoff,
        patience: Patience,
        stopping: asyncio.Future[None],
    ) -> None:
        """Nobody lives here yet."""
        self.child: Child | None = None
        self._start = start
        self._announcer = announcer
        self._backoff = backoff
        self._patience = patience
        self._stopping = stopping
        self._moved_in: asyncio.Future[None] | None = None

    async def keep(self) -> None:
        """Keep a worker here, until all are stopping and it has ended."""
        last: Child | None = None
        while not self._stopping.done():
            if self.child is last:  # and no successor came meanwhile
                try:
                    self.child = self._start()
                except OSError as error:
                    pause = self._backoff.after(0.0)
                    self._announcer.unstartable(error, pause)
                    await self._rest(pause)
                    continue
            last = await self._end()
            if not self._stopping.done():
                pause = self._backoff.after(last.lived)
                self._announcer.restarting(last, pause)
                await self._rest(pause)

    async def replace(self) -> str | Child | None:
        """Start a successor; only when it is ready, the worker that lives here is asked to stop, and waited for.

        Returns:
            None if that went well. Else why not, in words, or the successor that ended; then nothing has changed here.
        """
        try:
            new = self._start()
        except OSError as error:
            return f"a worker can't be started: {error}"
        await _first(new.ready, new.ended, timeout=self._patience.ready)
        if self._stopping.done():
            return "all are stopping"
        if new.ended.done():
            return new
        if not new.ready.done():
            new.dismiss(self._patience.stop)
            return f"worker {new.pid} was not ready after {self._patience.ready:g} s"
        await self._hand_over(new)
        return None

    async def _hand_over(self, new: Child) -> None:
        old, self.child = self.child, new
        if self._moved_in is not None and not self._moved_in.done():
            self._moved_in.set_result(None)
        if old is None or old.ended.done():
            self._announcer.replaced(None, new)
            return
        old.dismiss(self._patience.stop)
        self._announcer.replaced(old, new)
        await asyncio.wait([old.ended])

    async def _end(self) -> Child:
        """Wait until a worker has ended and no successor lives here."""
        ended: Child | None = None
        while (child := self.child) is not None and child is not ended:
            await asyncio.wait([child.ended])
            ended = child
        assert ended is not None  # noqa: S101 - the place was filled before
        return ended

    async def _rest(self, seconds: float) -> None:
        self._moved_in = asyncio.get_running_loop().create_future()
        await _first(self._moved_in, self._stopping, timeout=seconds)


async def _first(*events: asyncio.Future[Any], timeout: float) -> None:
    await asyncio.wait(events, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
