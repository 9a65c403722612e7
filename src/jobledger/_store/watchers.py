"""Who waits for the next change of a job."""

from __future__ import annotations

import asyncio


class Watchers:
    """Futures of callers, by job; they end at the next change that this process makes to it."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    def add(self, job_id: str) -> asyncio.Future[None]:
        """One more waits."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(job_id, []).append(future)
        return future

    def drop(self, job_id: str, future: asyncio.Future[None]) -> None:
        """One waits no longer."""
        waiting = self._waiting.get(job_id, [])
        if future in waiting:
            waiting.remove(future)
        if not waiting:
            self._waiting.pop(job_id, None)

    def wake(self, job_id: str) -> None:
        """The job has changed."""
        for future in self._waiting.pop(job_id, ()):
            if not future.done():
                future.set_result(None)
