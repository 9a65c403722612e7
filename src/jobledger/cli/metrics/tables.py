"""Metrics for people: the eleven as they stand, and the catalog."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from jobledger._core.catalog import CATALOG, ELEVEN
from jobledger._metrics.histogram import HistogramValue
from jobledger._metrics.process import PROCESS
from jobledger.cli.moments import clock
from jobledger.cli.tables import Column

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.catalog import Instrument
    from jobledger._metrics.family import Family, Value
    from jobledger._metrics.snapshot import Snapshot
    from jobledger.cli.output import Output
    from jobledger.cli.tables import Cell

_ALL: Final = "(all)"
_DIGITS: Final = 3


def show_eleven(out: Output, snapshot: Snapshot) -> None:
    """The eleven: a row in all, and a row per type where there are several."""
    columns: list[Column | str] = [
        "metric",
        "type",
        Column("value", right=True),
        *(Column(one, right=True) for one in ("mean", "p50", "p95")),
    ]
    out.table(columns, (row for instrument in ELEVEN for row in _rows(instrument, snapshot)))
    out.note(f"as of {clock(datetime.fromtimestamp(snapshot.as_of, UTC))}")


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


def _rows(instrument: Instrument, snapshot: Snapshot) -> Iterator[list[Cell]]:
    yield _row(instrument, _ALL, snapshot.value(instrument))
    for type_ in snapshot.types if len(snapshot.types) > 1 else ():
        yield _row(instrument, type_, snapshot.value(instrument, type=type_))


def _row(instrument: Instrument, type_: str, value: Value | None) -> list[Cell]:
    name = instrument.attribute
    if isinstance(value, HistogramValue):
        return [
            name,
            type_,
            f"{value.count:,}",
            *map(_seconds, (value.mean, value.quantile(0.5), value.quantile(0.95))),
        ]
    return [name, type_, "" if value is None else f"{value:,}", "", "", ""]


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.{_DIGITS}g} s"
