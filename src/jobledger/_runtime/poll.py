"""The fallback poll: what other processes have committed is seen even if no wake-up comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._store.commit import Door


class Poll:
    """Looks whether another process has committed; cheap, and never needed for what this process does itself."""

    def __init__(self, door: Door, look: Callable[[], None]) -> None:
        """Remember nothing seen yet."""
        self._door = door
        self._look = look
        self._seen: int | None = None

    async def step(self) -> None:
        """One look."""
        changed = await self._door.run(self._door.store.changed)
        if changed != self._seen:
            self._seen = changed
            self._look()
