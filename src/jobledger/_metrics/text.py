"""Prometheus text and OpenMetrics, by prometheus-client, from a registry of its own."""

from __future__ import annotations

from math import isinf
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from jobledger._core.catalog import Kind
from jobledger._metrics.accept import OPENMETRICS, TEXT, wants_openmetrics
from jobledger._metrics.histogram import HistogramValue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobledger._metrics.family import Family, Series
    from jobledger._metrics.snapshot import Snapshot

_TOTAL: Final = "_total"


class LedgerCollector(Collector):
    """A custom collector of prometheus-client over one snapshot.

    Args:
        snapshot: the metrics of one moment.
        process: families of this process, shown after them.

    Example:
        >>> registry = CollectorRegistry()
        >>> registry.register(LedgerCollector(snapshot))  # doctest: +SKIP
    """

    def __init__(self, snapshot: Snapshot, process: Iterable[Family] = ()) -> None:
        """Keep the families."""
        self._families = (*snapshot.families(), *process)

    def collect(self) -> Iterator[Metric]:
        """All families, in order; no ``_created`` samples, since the books don't begin with a process."""
        histograms = {family.name for family in self._families if family.kind is Kind.HISTOGRAM}
        for family in self._families:
            yield _metric(family, clashes=family.name.removesuffix(_TOTAL) in histograms)


def prometheus_text(snapshot: Snapshot, process: Iterable[Family] = ()) -> bytes:
    """Prometheus text, format 0.0.4; its content type is :data:`TEXT`."""
    return generate_latest(_registry(snapshot, process))


def openmetrics_text(snapshot: Snapshot, process: Iterable[Family] = ()) -> bytes:
    """OpenMetrics 1.0; its content type is :data:`OPENMETRICS`."""
    encode, _ = choose_encoder(OPENMETRICS)
    return encode(_registry(snapshot, process))


def render(accept: str | None, snapshot: Snapshot, process: Iterable[Family] = ()) -> tuple[bytes, str]:
    """The text in the format that a scraper asks for.

    Args:
        accept: the request's Accept header; None, and whatever names neither format, gives Prometheus text.
        snapshot: the metrics of one moment.
        process: families of this process, shown after them.

    Returns:
        The body and its content type.
    """
    if wants_openmetrics(accept):
        return openmetrics_text(snapshot, process), OPENMETRICS
    return prometheus_text(snapshot, process), TEXT


def _registry(snapshot: Snapshot, process: Iterable[Family]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(LedgerCollector(snapshot, process))
    return registry


def _metric(family: Family, *, clashes: bool) -> Metric:
    match family.kind:
        case Kind.COUNTER if clashes and family.name.endswith(_TOTAL):
            # In OpenMetrics a counter x_total and a histogram x would both be the family x.
            return _plain(Metric(family.name, family.help, "unknown"), family)
        case Kind.COUNTER:
            stem = family.name.removesuffix(_TOTAL)
            return _plain(Metric(stem, family.help, "counter", family.unit), family)
        case Kind.GAUGE:
            return _plain(Metric(family.name, family.help, "gauge", family.unit), family)
        case Kind.HISTOGRAM:
            metric = Metric(family.name, family.help, "histogram", family.unit)
            for series in family.series:
                _add_histogram(metric, series)
            return metric


def _plain(metric: Metric, family: Family) -> Metric:
    for series in family.series:
        if not isinstance(series.value, HistogramValue):
            metric.add_sample(family.name, dict(series.labels), series.value)
    return metric


def _add_histogram(metric: Metric, series: Series) -> None:
    value, labels = series.value, dict(series.labels)
    if isinstance(value, HistogramValue):
        for bound, seen in value.buckets:
            metric.add_sample(
                f"{metric.name}_bucket", labels | {"le": "+Inf" if isinf(bound) else repr(float(bound))}, seen
            )
        metric.add_sample(f"{metric.name}_count", labels, value.count)
        metric.add_sample(f"{metric.name}_sum", labels, value.sum)
