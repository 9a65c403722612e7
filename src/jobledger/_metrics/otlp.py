"""All metrics as OpenTelemetry's SDK holds them, for its exporters: cumulative, from the store's beginning.

Source: opentelemetry.io/docs/specs/otel/metrics/data-model. The names are those of the scrape, so that a board or an
alert means the same whichever way the numbers came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from opentelemetry.sdk.metrics import Exemplar
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from jobledger._core.catalog import Kind
from jobledger._metrics.giving_way import giving_way
from jobledger._metrics.histogram import HistogramValue
from jobledger._metrics.messaging import mirrored
from jobledger._metrics.snapshot import Snapshot
from jobledger._version import own_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from jobledger._core.observations import Observation
    from jobledger._core.reads import LedgerRead
    from jobledger._metrics.family import Exemplar as OurExemplar
    from jobledger._metrics.family import Family, Series

_SCOPE: Final = "jobledger"
_UNITS: Final = {"seconds": "s"}
_NANOS: Final = 1_000
"""Nanoseconds of a microsecond."""
_POINTS_AT_ONCE: Final = 100


def metrics_data(
    read: LedgerRead, exemplars: Iterable[Observation], resource: Mapping[str, str], *, messaging: bool
) -> MetricsData:
    """The books of one moment.

    Args:
        read: the books.
        exemplars: observations, read before the books.
        resource: attributes beside those that name the store.
        messaging: some once more, as the conventions for messaging call them.
    """
    snapshot = Snapshot(read, exemplars)
    moment = _Moment(min(read.began_at, read.as_of) * _NANOS, read.as_of * _NANOS)
    families = (*snapshot.families(), *(mirrored(snapshot) if messaging else ()))
    metrics = [moment.metric(family) for family in families if family.series]
    named = {"service.name": "jobledger", "service.instance.id": read.store_id} | dict(resource)
    scope = ScopeMetrics(InstrumentationScope(_SCOPE, own_version()), metrics, "")
    return MetricsData([ResourceMetrics(Resource(named), [scope], "")])


class _Moment(NamedTuple):
    """Since when and when it was counted, in nanoseconds since 1970."""

    start: int
    at: int

    def metric(self, family: Family) -> Metric:
        """All series of one name."""
        unit = _UNITS.get(family.unit, family.unit)
        return Metric(family.name, family.help, unit, self._data(family))

    def _data(self, family: Family) -> Sum | Gauge | Histogram:
        series = giving_way(family.series, _POINTS_AT_ONCE)
        match family.kind:
            case Kind.COUNTER:
                return Sum([self._number(one, self.start) for one in series], AggregationTemporality.CUMULATIVE, True)  # noqa: FBT003 - of the SDK: it only grows
            case Kind.GAUGE:
                return Gauge([self._number(one, 0) for one in series])
            case Kind.HISTOGRAM:
                return Histogram([self._histogram(one) for one in series], AggregationTemporality.CUMULATIVE)

    def _number(self, series: Series, start: int) -> NumberDataPoint:
        assert not isinstance(series.value, HistogramValue)  # noqa: S101 - of a counter or a gauge
        return NumberDataPoint(dict(series.labels), start, self.at, series.value)

    def _histogram(self, series: Series) -> HistogramDataPoint:
        value = series.value
        assert isinstance(value, HistogramValue)  # noqa: S101 - of a histogram
        seen = [count for _, count in value.buckets]
        counts = [count - before for before, count in zip((0, *seen), seen, strict=False)]
        return HistogramDataPoint(
            attributes=dict(series.labels),
            start_time_unix_nano=self.start,
            time_unix_nano=self.at,
            count=value.count,
            sum=value.sum,
            bucket_counts=counts,
            explicit_bounds=[bound for bound, _ in value.buckets[:-1]],
            min=None,  # type: ignore[arg-type] # the books don't keep it, and the protocol has it optional
            max=None,  # type: ignore[arg-type] # as min
            exemplars=[_exemplar(one) for one in series.exemplars if one is not None],
        )


def _exemplar(one: OurExemplar) -> Exemplar:
    labels = dict(one.labels)
    trace_id = labels.pop("trace_id", None)
    return Exemplar(
        labels,
        one.value,
        round(one.at * 1_000_000) * _NANOS,
        None if one.span_id is None else int(one.span_id, 16),
        None if trace_id is None else int(trace_id, 16),
    )
