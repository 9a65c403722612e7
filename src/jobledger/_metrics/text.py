"""Prometheus text and OpenMetrics, by prometheus-client, from a registry of its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, choose_encoder, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from jobledger._core.catalog import Kind
from jobledger._metrics.histogram import HistogramValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jobledger._metrics.family import Family, Series
    from jobledger._metrics.snapshot import Snapshot

PROMETHEUS_CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
OPENMETRICS_CONTENT_TYPE: Final = openmetrics.CONTENT_TYPE_LATEST
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
    """Prometheus text format 0.0.4 (:data:`PROMETHEUS_CONTENT_TYPE`)."""
    return _encoded(generate_latest, snapshot, process)


def openmetrics_text(snapshot: Snapshot, process: Iterable[Family] = ()) -> bytes:
    """OpenMetrics 1.0 (:data:`OPENMETRICS_CONTENT_TYPE`)."""
    return _encoded(partial(openmetrics.generate_latest), snapshot, process)


def render(accept: str | None, snapshot: Snapshot, process: Iterable[Family] = ()) -> tuple[bytes, str]:
    """The text in the format that a scraper asks for.

    Args:
        accept: the request's Accept header; None, and whatever names neither format, gives Prometheus text.
        snapshot: the metrics of one moment.
        process: families of this process, shown after them.

    Returns:
        The body and its content type.
    """
    encoder, content_type = choose_encoder(accept or "")
    return _encoded(encoder, snapshot, process), content_type


def _encoded(encoder: Callable[[Collector], bytes], snapshot: Snapshot, process: Iterable[Family]) -> bytes:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(LedgerCollector(snapshot, process))
    return encoder(registry)


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
            metric.add_sample(f"{metric.name}_bucket", labels | {"le": floatToGoString(bound)}, seen)
        metric.add_sample(f"{metric.name}_count", labels, value.count)
        metric.add_sample(f"{metric.name}_sum", labels, value.sum)
