"""Families as prometheus-client writes them and reads them: what our own text is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from jobledger._core.catalog import Kind
from jobledger._metrics.histogram import HistogramValue

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from jobledger._metrics.family import Exemplar as OurExemplar
    from jobledger._metrics.family import Family, Series


def written(families: Sequence[Family], *, openmetrics: bool) -> bytes:
    """Through a registry of its own, as a program with a custom collector would have it."""
    registry = CollectorRegistry()
    registry.register(_Families(families, created=openmetrics))
    generate = generate_openmetrics if openmetrics else generate_latest
    text = generate(registry)
    assert isinstance(text, bytes)
    return text


def parsed(text: bytes, *, openmetrics: bool) -> list[Metric]:
    """By the parser of the format."""
    return list(parse_openmetrics(text.decode()) if openmetrics else parse_text(text.decode()))  # type: ignore[no-untyped-call]


class _Families(Collector):
    """A custom collector of some families; ``_created`` is a matter of OpenMetrics only."""

    def __init__(self, families: Sequence[Family], *, created: bool) -> None:
        self._families = families
        self._created = created

    def collect(self) -> Iterator[Metric]:
        histograms = {family.name for family in self._families if family.kind is Kind.HISTOGRAM}
        for family in self._families:
            stem = family.name.removesuffix("_total") if family.kind is Kind.COUNTER else family.name
            clashes = family.kind is Kind.COUNTER and stem in histograms
            kind, unit = ("unknown", "") if clashes else (family.kind.value, family.unit)
            metric = Metric(family.name if clashes else stem, family.help, kind, unit)
            created = family.created if self._created and kind in {"counter", "histogram"} else None
            for series in family.series:
                _add(metric, family.name, series)
                if created is not None:
                    metric.add_sample(f"{stem}_created", dict(series.labels), created)
            yield metric


def _add(metric: Metric, name: str, series: Series) -> None:
    value, labels = series.value, dict(series.labels)
    if not isinstance(value, HistogramValue):
        metric.add_sample(name, labels, value)
        return
    exemplars = series.exemplars or (None,) * len(value.buckets)
    for (bound, seen), exemplar in zip(value.buckets, exemplars, strict=True):
        le = {"le": floatToGoString(bound)}  # type: ignore[no-untyped-call]
        metric.add_sample(f"{name}_bucket", labels | le, seen, exemplar=_exemplar(exemplar))
    metric.add_sample(f"{name}_count", labels, value.count)
    metric.add_sample(f"{name}_sum", labels, value.sum)


def _exemplar(one: OurExemplar | None) -> Exemplar | None:
    return None if one is None else Exemplar(dict(one.labels), one.value, one.at)
