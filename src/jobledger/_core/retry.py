"""When a failed attempt is tried again."""

from __future__ import annotations

from typing import Final

import msgspec

from jobledger._types import Micros, OnRetry, micros

DEFAULT_MAX_ATTEMPTS: Final = 10
DEFAULT_MAX_LOSSES: Final = 3


class RetryPolicy(msgspec.Struct, frozen=True):
    """Exponential back-off with full jitter.

    Attributes:
        base: seconds before the second attempt, at most.
        factor: growth per failed attempt.
        cap: seconds that no wait exceeds.
        on_retry: ``"block"`` keeps the entity's mailbox closed during the back-off (order is kept, for minutes
            if need be); ``"step-aside"`` lets the entity's next job go first.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (full jitter).

    Example:
        >>> RetryPolicy().delay(failures=3, sample=0.5)
        2000000
    """

    base: float = 1.0
    factor: float = 2.0
    cap: float = 600.0
    on_retry: OnRetry = "block"

    def delay(self, failures: int, sample: float) -> Micros:
        """Microseconds to wait after the given number of failed attempts; ``sample`` is uniform in [0, 1)."""
        exponent = min(failures - 1, 64)
        try:
            longest = self.base * self.factor**exponent
        except OverflowError:
            longest = self.cap
        return micros(min(self.cap, longest) * sample)
