"""How long a supervisor waits for its workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MARGIN_SECONDS: Final = 10.0
"""What a worker gets beyond its grace time: running code is asked to stop, and its jobs are put back."""
READY_SECONDS: Final = 120.0
"""What a successor gets to become ready: it may import much, and wait for a migration."""


@dataclass(frozen=True)
class Patience:
    """Seconds.

    Attributes:
        grace: what running jobs get to end after the first signal.
        margin: what a worker gets beyond that, and after a second signal.
        ready: what a successor gets to become ready; any other worker that takes longer is told of.
    """

    grace: float
    margin: float = MARGIN_SECONDS
    ready: float = READY_SECONDS

    @property
    def stop(self) -> float:
        """From the first signal to the end."""
        return self.grace + self.margin
