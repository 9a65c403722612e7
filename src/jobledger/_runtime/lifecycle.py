"""One shape for every background duty: a step that is repeated until it is stopped."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from jobledger.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger("jobledger.duty")
_LONGEST_PAUSE = 2.0
"""Of what is repeated more often than that: a store that is back must not wait for long to be noticed."""


class Duty:
    """Repeats ``step`` every ``seconds`` until stopped; an error is logged and tried again, later each time.

    Args:
        name: for the log.
        seconds: the pause between steps.
        step: what to do.
    """

    def __init__(self, name: str, seconds: float, step: Callable[[], Awaitable[None]]) -> None:
        """Not started."""
        self.name = name
        self._seconds = seconds
        self._step = step
        self._task: asyncio.Task[None] | None = None
        self._pause: asyncio.Future[None] | None = None
        self._nudged = False
        self._trouble: str | None = None

    def start(self) -> None:
        """Begin; a second start does nothing."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._loop(), name=f"jobledger {self.name}")

    def nudge(self) -> None:
        """Take the next step now, or right after the one that is going on."""
        self._nudged = True
        self._end_pause()

    async def stop(self) -> None:
        """End, and wait for the end; a second stop does nothing."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _loop(self) -> None:
        pause = self._seconds
        while True:
            self._nudged = False
            try:
                await self._step()
                pause = self._seconds
                self._worked()
            except Exception as error:  # noqa: BLE001 - whatever it is, it is said, and the next step may work
                if isinstance(error, StoreError) and error.is_final:
                    log.info("%s ends: %s", self.name, error)  # the door says it aloud, and ends this worker
                    return
                self._failed(error, pause)
                pause = max(min(max(pause * 2, 0.5), _LONGEST_PAUSE), self._seconds)
            await self._rest(pause)

    def _failed(self, error: Exception, pause: float) -> None:
        """One word for each change of state: the same failure again is worth no line."""
        if self._trouble != repr(error):
            trace = None if isinstance(error, StoreError) else error  # that one says what is wrong, and where
            log.warning("%s failed, again in %.1f s: %s", self.name, pause, error, exc_info=trace)
        self._trouble = repr(error)

    def _worked(self) -> None:
        if self._trouble is not None:
            log.warning("%s works again", self.name)
        self._trouble = None

    async def _rest(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._pause = loop.create_future()
        timer = loop.call_later(0 if self._nudged else seconds, self._end_pause)
        try:
            await self._pause
        finally:
            timer.cancel()

    def _end_pause(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)
