"""Metrics for people: the eleven as they stand, and the catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from jobledger._core.catalog import CATALOG, ELEVEN
from jobledger._metrics.histogram import HistogramValue
from jobledger._metrics.process import PROCESS
from jobledger.cli.moments import clock
from jobledger.cli.tables import Column, Sheet

if TYPE_CHECKING:
    from jobledger._core.catalog import Instrument
    from jobledger._metrics.family import Family, Value
    from jobledger._metrics.snapshot import Snapshot
    from jobledger.cli.metrics.rates import Rates
    from jobledger.cli.output import Output
    from jobledger.cli.tables import Cell

_ALL: Final = "(all)"
_DIGITS: Final = 3


def show_eleven(out: Output, snapshot: Snapshot) -> None:
    """The eleven: a row in all, and a row per type where there are several."""
    out.sheet(eleven(snapshot, snapshot.types))
    out.note(f"as of {clock(datetime.fromtimestamp(snapshot.as_of, UTC))}")


def eleven(snapshot: Snapshot, types: tuple[str, ...], rates: Rates | None = None) -> Sheet:
    """The eleven as a table.

    Args:
        snapshot: the numbers.
        types: to have rows of their own, if there are several.
        rates: how fast the counters grow, for a column of its own.
    """
    columns: list[Column | str] = ["metric", *(["type"] if types else []), Column("value", right=True)]
    columns += [] if rates is None else [Column("per s", right=True)]
    columns += [Column(name, right=True, spare=at) for at, name in enumerate(("p95", "p50", "mean"), 1)][::-1]
    rows = [
        [instrument.attribute, *([label] if types else []), *_cells(instrument, type_, snapshot, rates)]
        for instrument in ELEVEN
        for label, type_ in ((_ALL, None), *((one, one) for one in types if len(types) > 1))
    ]
    return Sheet(columns, rows)


def show_catalog(out: Output) -> None:
    """Every metric and its meaning."""
    if out.as_json:
        out.data([*CATALOG, *PROCESS])
        return
    rows = [
        [one.series, one.kind, ", ".join(one.labels), one.source, one.meaning or one.help]
        for one in (*CATALOG, *PROCESS)
    ]
    out.table(["series", "kind", "labels", "source", Column("meaning", folds=True)], rows)


def snapshot_data(snapshot: Snapshot) -> dict[str, Any]:
    """All metrics of one moment as data."""
    return {"as_of": snapshot.as_of, "families": [_family(family) for family in snapshot.families()]}


def _family(family: Family) -> dict[str, Any]:
    series = [{"labels": dict(one.labels), "value": _plain(one.value)} for one in family.series]
    return {"name": family.name, "kind": family.kind, "help": family.help, "unit": family.unit, "series": series}


def _plain(value: Value) -> Any:  # noqa: ANN401 - a number or a histogram, as JSON
    """JSON has no infinity: the last bucket's bound is the text that Prometheus uses."""
    if not isinstance(value, HistogramValue):
        return value
    buckets = {("+Inf" if bound == float("inf") else repr(float(bound))): seen for bound, seen in value.buckets}
    return {"count": value.count, "sum": value.sum, "buckets": buckets}


def _cells(instrument: Instrument, type_: str | None, snapshot: Snapshot, rates: Rates | None) -> list[Cell]:
    value = snapshot.value(instrument) if type_ is None else snapshot.value(instrument, type=type_)
    rate = [] if rates is None else [_rate(rates.of(instrument, type_))]
    if isinstance(value, HistogramValue):
        times = (value.mean, value.quantile(0.5), value.quantile(0.95))
        return [f"{value.count:,}", *rate, *map(_seconds, times)]
    return ["" if value is None else f"{value:,}", *rate, "", "", ""]


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:,.1f}"


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.{_DIGITS}g} s"
