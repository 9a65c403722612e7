"""One shape for every background duty: a step that is repeated until it is stopped."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = logging.getLogger("jobledger.duty")
_LONGEST_PAUSE = 30.0


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

    def start(self) -> None:
        """Begin; a second start does nothing."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._loop(), name=f"jobledger {self.name}")

    async def stop(self) -> None:
        """End, and wait for the end; a second stop does nothing."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _loop(self) -> None:
        pause = self._seconds
        while True:
            try:
                await self._step()
                pause = self._seconds
            except Exception as error:
                log.warning("%s failed, again in %.1f s: %s", self.name, pause, error, exc_info=error)
                pause = min(max(pause * 2, 0.5), _LONGEST_PAUSE)
            await asyncio.sleep(pause)
