"""How long to wait before a worker that ended is started again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 30.0
CALM_SECONDS: Final = 60.0
"""A worker that lived this long was no failed start."""


class Backoff:
    """The pauses of one place: 0.5 s at most, then twice as much each time, up to 30 s.

    A pause is between half of that and all of it, so that workers that fell together don't start together.

    Args:
        sample: a uniform random number in [0, 1), at each call.

    Example:
        >>> backoff = Backoff(lambda: 0.5)
        >>> [backoff.after(lived) for lived in (3.0, 0.1, 0.1, 3600.0)]
        [0.375, 0.75, 1.5, 0.375]
    """

    def __init__(self, sample: Callable[[], float]) -> None:
        """Nothing has ended yet."""
        self._sample = sample
        self._limit = FIRST_SECONDS

    def after(self, lived: float) -> float:
        """The pause, in seconds, after a worker that lived so many seconds."""
        limit = FIRST_SECONDS if lived >= CALM_SECONDS else self._limit
        self._limit = min(2 * limit, LONGEST_SECONDS)
        return limit * (1 + self._sample()) / 2
