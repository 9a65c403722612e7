"""The store's clock: wall time that never goes back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._types import Micros


class StoreClock:
    """Wall time, but after a jump of the wall clock half as fast until the jump is made good.

    Standing still instead would stop every delay and every retry for as long as the clock had jumped ahead.
    """

    def __init__(self, wall: Callable[[], Micros]) -> None:
        self._wall = wall
        self._seen_wall: Micros = 0
        self._seen_now: Micros = 0

    def at(self, before: Micros) -> Micros:
        """The time of a transaction that finds ``before`` as the last time used."""
        wall = self._wall()
        passed = max(wall - self._seen_wall, 0) // 2
        now = wall if wall >= before else max(before, self._seen_now + passed)
        self._seen_wall, self._seen_now = wall, now
        return now
