"""An event loop of a session's own, which sees whether the other end has said something while it stood still."""

from __future__ import annotations

import asyncio
import selectors


class WatchfulLoop(asyncio.SelectorEventLoop):
    """Runs only while its session is asked something."""

    def __init__(self) -> None:
        """Nothing is connected."""
        self._watched = selectors.DefaultSelector()
        super().__init__(self._watched)

    def has_news(self) -> bool:
        """Whether the other end of a connection has said something, or ended it, while this loop stood still."""
        return bool(self._watched.select(0))
