"""A histogram as it is read, and what can be estimated from it."""

from __future__ import annotations

from itertools import accumulate
from math import inf
from typing import TYPE_CHECKING

import msgspec

from jobledger._escape import brief
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self


class HistogramValue(msgspec.Struct, frozen=True, gc=False):
    """What a histogram holds.

    Attributes:
        count: observations.
        sum: their sum, in seconds (in the series' own unit for a series of the users' own).
        buckets: pairs of an upper bound and the number of observations up to it; the last bound is infinite.

    Example:
        >>> HistogramValue.of((1.0, 10.0), [3, 1, 0], 5.0)
        HistogramValue(count=4, sum=5.0, buckets=((1.0, 3), (10.0, 4), (inf, 4)))
    """

    count: int
    sum: float
    buckets: tuple[tuple[float, int], ...]

    @classmethod
    def of(cls, boundaries: tuple[float, ...], counts: Sequence[int], total: float) -> Self:
        """From the observations in each single bucket; the last is for what lies above all boundaries."""
        seen = tuple(accumulate(counts))
        return cls(seen[-1], total, tuple(zip((*boundaries, inf), seen, strict=True)))

    @property
    def mean(self) -> float | None:
        """The mean of all observations, or None before the first."""
        return self.sum / self.count if self.count else None

    def quantile(self, q: float) -> float | None:
        """Estimate a quantile, as PromQL's ``histogram_quantile`` does: by straight lines inside the buckets.

        Args:
            q: from 0 to 1; 0.95 is the 95th percentile.

        Returns:
            Seconds, never above the largest finite boundary; None before the first observation.

        Raises:
            InvalidOption: ``q`` is outside of 0 to 1.

        Source: Prometheus, promql/quantile.go, bucketQuantile.

        Example:
            >>> HistogramValue.of((1.0, 2.0), [0, 4, 0], 6.0).quantile(0.5)
            1.5
        """
        if not _is_share(q):
            raise InvalidOption(f"a quantile is from 0 to 1, not {brief(q)}: the 95th percentile is 0.95")
        if not self.count:
            return None
        return self._interpolated(q * self.count)

    def exceeds(self, q: float) -> bool:
        """Whether a quantile lies above the largest finite boundary, so that :meth:`quantile` is only its lower bound.

        Example:
            >>> HistogramValue.of((1.0, 2.0), [3, 0, 1], 20.0).exceeds(0.95)
            True
        """
        return bool(self.count) and len(self.buckets) > 1 and q * self.count > self.buckets[-2][1]

    def within(self, bound: float) -> int:
        """How many observations were at most a boundary.

        Raises:
            InvalidOption: it is none of the ladder's.

        Example:
            >>> HistogramValue.of((1.0, 2.0), [3, 0, 1], 20.0).within(1)
            3
        """
        for upper, seen in self.buckets:
            if upper == bound:
                return seen
        raise InvalidOption(f"{bound:g} is no boundary of this histogram: use one of its buckets' bounds")

    def _interpolated(self, rank: float) -> float:
        low, below = 0.0, 0
        for bound, seen in self.buckets[:-1]:
            if seen and seen >= rank:
                return low + (bound - low) * (rank - below) / (seen - below)
            low, below = bound, seen
        return low


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1
