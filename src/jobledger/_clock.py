"""Time, chance and identity: everything that isn't a function of its inputs comes from here."""

from __future__ import annotations

import random
import time
from typing import Protocol

import uuid_utils

_UPTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux's own; on macOS the monotonic clock counts sleep as well."""


class Clock(Protocol):
    """What the runtime asks of the world; a simulation brings its own."""

    def now(self) -> int:
        """Wall time in microseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; for durations only."""
        ...

    def uptime(self) -> float:
        """Seconds that never go back and also count while the machine sleeps; for leases."""
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

    def uptime(self) -> float:
        """Seconds that never go back; where the system can say so, also those in which the machine slept."""
        return time.clock_gettime(_UPTIME) if _UPTIME is not None else time.monotonic()

    def sample(self) -> float:
        """A uniform random number in [0, 1)."""
        return self._random.random()

    def new_id(self) -> str:
        """A fresh UUIDv7 as text."""
        return str(uuid_utils.uuid7())
