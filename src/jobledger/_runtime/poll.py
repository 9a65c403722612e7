"""Work that other processes have left is seen: at once by a wake-up, and by the fallback poll if none comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobledger._runtime.dispatcher import Dispatcher
    from jobledger._store.commit import Door
    from jobledger._store.run import Run


class Poll:
    """Looks with a cheap read, so that idle workers don't keep each other awake with batches that find nothing."""

    def __init__(self, door: Door, reads: Run, dispatcher: Dispatcher) -> None:
        """``reads`` runs what only reads."""
        self._door = door
        self._reads = reads
        self._dispatcher = dispatcher

    async def step(self) -> None:
        """One look."""
        writer_id = self._door.writer_id
        if writer_id is not None:
            room = self._dispatcher.room()
            self._dispatcher.expect(await self._reads(lambda: self._door.store.prospect(writer_id, room)))
