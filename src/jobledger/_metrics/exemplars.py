"""Exemplars in their places: of all observations in a bucket, the last."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final, TypeAlias

from jobledger._core.catalog import BY_NUMBER, ladder
from jobledger._metrics.family import Exemplar
from jobledger._types import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jobledger._core.observations import Observation
    from jobledger._metrics.family import Labels
    from jobledger._metrics.points import Points

EXEMPLAR_JOBS: Final = 200
"""Jobs, each of those that ended, died and run, that a scrape looks at for exemplars: a millisecond's work."""
Places: TypeAlias = "dict[tuple[str, Labels], tuple[Exemplar | None, ...]]"
"""By name and labels, one place for each bucket."""


def placed(observations: Iterable[Observation], points: Points, boundaries: tuple[float, ...]) -> Places:
    """Put observations into their buckets, by the rule by which the ledger counts them."""
    bounds = ladder(boundaries)
    buckets: dict[tuple[str, Labels], list[Exemplar | None]] = {}
    for one in sorted(observations, key=lambda one: (one.at, one.job_id)):
        instrument = BY_NUMBER[one.number]
        series = instrument.series, points.labels_of(instrument, one.type_id, one.priority)
        bucket = buckets.setdefault(series, [None] * (len(bounds) + 1))
        bucket[bisect_left(bounds, one.amount)] = _exemplar(one)
    return {series: tuple(bucket) for series, bucket in buckets.items()}


def _exemplar(one: Observation) -> Exemplar:
    job = ("job_id", one.job_id)
    labels = (job,) if one.trace_id is None else (job, ("trace_id", one.trace_id))
    return Exemplar(labels, seconds(one.amount), seconds(one.at), one.span_id)
