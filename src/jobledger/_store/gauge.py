"""What this process's door has done: numbers of this process only, never part of the books."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator


class DoorGauge:
    """Batches of this process.

    Attributes:
        batches: how many were sent.
        commands: how many commands they held.
        seconds: time spent waiting for them.
        slowest: the longest of them, in seconds.
        began: when it began to count, in seconds since 1970.
    """

    def __init__(self) -> None:
        """Start at zero."""
        self.batches = 0
        self.commands = 0
        self.seconds = 0.0
        self.slowest = 0.0
        self.began = time.time()

    @contextmanager
    def timed(self, commands: int) -> Generator[None]:
        """Time one batch."""
        began = time.perf_counter()
        try:
            yield
        finally:
            elapsed = time.perf_counter() - began
            self.batches += 1
            self.commands += commands
            self.seconds += elapsed
            self.slowest = max(self.slowest, elapsed)
