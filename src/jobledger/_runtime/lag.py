"""A handler that blocks the event loop is seen and named."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobledger._runtime.attempt import Attempt

log = logging.getLogger("jobledger.worker")
_TICK = 0.25
_WARN_AFTER = 1.0


class LagWatch:
    """A thread that notices when the loop no longer ticks, and looks which task holds it.

    Attributes:
        latest: how late the loop last woke, in seconds.
    """

    def __init__(self, running: Mapping[int, Attempt]) -> None:
        """Not started."""
        self.latest = 0.0
        self._running = running
        self._ended = threading.Event()
        self._ticked = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to tick and to watch."""
        self._loop = asyncio.get_running_loop()
        self._ticked = time.monotonic()
        self._tick()
        threading.Thread(target=self._watch, name="jobledger lag", daemon=True).start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()

    def stalled(self) -> float:
        """Seconds since the loop last ran, beyond what is usual."""
        return max(time.monotonic() - self._ticked - _TICK, 0.0)

    def _tick(self) -> None:
        self._ticked = time.monotonic()
        if self._loop is not None and not self._ended.is_set():
            self._loop.call_later(_TICK, self._tick)

    def _watch(self) -> None:
        warned = False
        while not self._ended.wait(_TICK):
            self.latest = stalled = self.stalled()
            if stalled > _WARN_AFTER and not warned:
                log.warning(
                    "the event loop has not run for %.1f s: %s blocks it; use a plain def handler or a thread",
                    stalled,
                    self._culprit(),
                )
            warned = stalled > _WARN_AFTER

    def _culprit(self) -> str:
        task = asyncio.current_task(self._loop) if self._loop is not None else None
        for attempt in list(self._running.values()):
            if attempt.task is task and task is not None:
                return f"the handler of {attempt.registration.name!r} (job {attempt.job.id})"
        return "something other than a handler"
