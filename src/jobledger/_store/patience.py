"""How often the door tries a store that can't be written, and what it says of that."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

log = logging.getLogger("jobledger.door")
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0


class Patience:
    """Pauses that grow while nothing can be written, and one word for each change of state, not for each try."""

    def __init__(self) -> None:
        """Nothing is wrong."""
        self._pause = _FIRST_PAUSE
        self._trouble: str | None = None

    @property
    def is_fresh(self) -> bool:
        """Whether there was no pause since something was written."""
        return self._pause == _FIRST_PAUSE

    def refresh(self) -> None:
        """The next pause is a short one."""
        self._pause = _FIRST_PAUSE

    async def rest(self) -> None:
        """A pause before it is tried again, longer each time."""
        await asyncio.sleep(self._pause)
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)

    def failed(self, what: str, error: Exception) -> None:
        """Say so, if that is new."""
        trouble = f"{error!r}"
        if trouble != self._trouble:
            log.warning("%s: %s", what, error)
        self._trouble = trouble

    def succeeded(self) -> None:
        """It was written; say so, if that is new."""
        self.refresh()
        if self._trouble is not None:
            log.warning("the store can be written again")
        self._trouble = None
