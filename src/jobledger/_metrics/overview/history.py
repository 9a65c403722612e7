"""The past: samples of the totals as a worker left them, and what this process saw itself."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from typing import TYPE_CHECKING, Final

from jobledger._core.catalog import ENQUEUED
from jobledger._core.samples import FINE
from jobledger._metrics.overview.point import Point
from jobledger._types import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from jobledger._core.samples import TotalsAt
    from jobledger._types import Micros

NEAR: Final[Micros] = 2 * FINE * SECOND
"""A sample that is no later than that tells how it was: workers may miss a turn."""
OWN: Final[Micros] = 90 * SECOND
"""How long this process remembers its own looks."""
_MOST: Final = 512
"""Samples that are kept decoded; a day's windows and an hour's picture need some 150."""


class History:
    """Points of the past, each read and decoded once.

    Args:
        read: the first sample at or after an instant.
        point: makes a point of a sample.
    """

    def __init__(self, read: Callable[[Micros], TotalsAt | None], point: Callable[[TotalsAt], Point]) -> None:
        """Nothing is known yet."""
        self._read = read
        self._point = point
        self._instants: list[Micros] = []
        self._points: dict[Micros, tuple[Micros, Point]] = {}
        self._looks: deque[Point] = deque()
        self._nothing_from: Micros | None = None
        self._seen = ""

    def see(self, look: Point, store: str = "") -> bool:
        """Remember what this process has just seen.

        Args:
            look: the totals as they are.
            store: which store that is.

        Returns:
            Whether it is the first look, or one at another store, or at a restored one: a clock or a counter has gone
            back. Then all that was known is forgotten.
        """
        last = self._looks[-1] if self._looks else None
        anew = last is None or store != self._seen or look.at < last.at or look.number(ENQUEUED) < last.number(ENQUEUED)
        self._seen = store
        if anew:
            self._instants.clear()
            self._points.clear()
            self._looks.clear()
        self._nothing_from = None
        self._looks.append(look)
        while look.at - self._looks[0].at > OWN:
            self._looks.popleft()
        return anew

    def first_from(self, at: Micros, before: Micros) -> Point | None:
        """The first point at or after one instant and before another; None if there is none."""
        look = next((look for look in self._looks if look.at >= at), None)
        found = [point for point in (self._sample(at), look) if point is not None and point.at < before]
        return min(found, key=lambda point: point.at, default=None)

    def as_of(self, at: Micros, before: Micros) -> Point | None:
        """How it was at an instant, if anybody looked then."""
        point = self.first_from(at, before)
        return point if point is not None and point.at - at <= NEAR else None

    def was_sampled(self, since: Micros) -> bool:
        """Whether a worker lived at or after an instant: it would have left a sample."""
        return self._sample(since) is not None

    def _sample(self, at: Micros) -> Point | None:
        """The cache knows, for each sample, since when there is no earlier one."""
        place = bisect_left(self._instants, at)
        if place < len(self._instants):
            since, point = self._points[self._instants[place]]
            if since <= at:
                return point
        if self._nothing_from is not None and at >= self._nothing_from:
            return None
        sample = self._read(at)
        if sample is None:
            self._nothing_from = at
            return None
        return self._remember(at, sample)

    def _remember(self, asked: Micros, sample: TotalsAt) -> Point:
        known = self._points.get(sample.at)
        if known is None:
            if len(self._instants) >= _MOST:
                del self._points[self._instants.pop(0)]
            self._instants.insert(bisect_left(self._instants, sample.at), sample.at)
        since, point = known or (asked, self._point(sample))
        self._points[sample.at] = min(since, asked), point
        return point
