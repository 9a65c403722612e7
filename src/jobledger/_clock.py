"""Time, chance and identity: everything that isn't a function of its inputs comes from here."""

from __future__ import annotations

import random
import time
from typing import Protocol

import uuid_utils


class Clock(Protocol):
    """What the runtime asks of the world; a simulation brings its own."""

    def now(self) -> int:
        """Wall time in microseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; for durations only."""
        ...

    def sample(self) -> float:
        """A uniform random number in [0, 1)."""
        ...

    def new_id(self) -> str:
        """A fresh UUIDv7 as text."""
        ...


class SystemClock:
    """The real clock, the system's chance and real ids."""

    def __init__(self, seed: int | None = None) -> None:
        """Take a seed to make the jitter repeatable."""
        self._random = random.Random(seed)  # noqa: S311 - jitter and fairness, not secrets

    def now(self) -> int:
        """Wall time in microseconds since 1970."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    def sample(self) -> float:
        """A uniform random number in [0, 1)."""
        return self._random.random()

    def new_id(self) -> str:
        """A fresh UUIDv7 as text."""
        return str(uuid_utils.uuid7())
