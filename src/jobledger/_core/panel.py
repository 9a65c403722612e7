"""What a panel of the dashboard is, and the words that its queries are made of.

A query is a template of PromQL in the manner of ``str.format``, as the expressions of the alerts are: it names
instruments by their attributes in the catalog, a process's own as ``process.…``, and the labels of a scrape as
``per_store``. Words with ``$`` are variables of the dashboard.
:mod:`jobledger._metrics.dashboard` fills the templates in.

All targets that show one store say the same. So a query takes, for each series of a store, the greatest that any
target shows, and only then adds up: a second target, or a new one in the place of an old one, counts nothing twice.
"""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

import msgspec

from jobledger._core.alerts import Alert
from jobledger._core.catalog import CATALOG, Instrument

if TYPE_CHECKING:
    from collections.abc import Iterable

Shape: TypeAlias = Literal["lines", "stack", "number", "heatmap"]
Unit: TypeAlias = Literal["count", "per second", "seconds", "share", "bytes"]

_RECENT: Final = "$__rate_interval"
"""As many seconds as a rate needs for one pixel, by Grafana's reckoning: at least four scrapes."""
_SLOWEST: Final = 0.99


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One query of a panel.

    Attributes:
        expr: a template of PromQL.
        legend: what a line is called, in Grafana's manner: ``{{type}}`` is the value of a label.
        exemplars: whether the jobs behind the buckets are to be shown.
    """

    expr: str
    legend: str
    exemplars: bool = False


class Panel(msgspec.Struct, frozen=True, kw_only=True):
    """One panel.

    Attributes:
        title: a few words.
        shape: how it is drawn; a ``number`` shows the last value only.
        unit: of all its values.
        queries: what it shows.
        note: what to see in it, beside the meaning of its instruments.
        alerts: those that look at the same; their runbooks are linked.
        width: in columns, of 24.
        levels: values from which on a number is green, orange or red, the lowest first; without a value it is the
            colour of everything below.
        empty: what a number says if there is no value.
    """

    title: str
    shape: Shape = "lines"
    unit: Unit = "count"
    queries: tuple[Query, ...]
    note: str = ""
    alerts: tuple[Alert, ...] = ()
    width: int = 8
    levels: tuple[tuple[float | None, str], ...] = ()
    empty: str = ""

    @property
    def reads(self) -> tuple[Instrument, ...]:
        """The instruments of the catalog that its queries name, in the catalog's order."""
        named = {field for query in self.queries for field in fields_of(query.expr)}
        return tuple(one for one in CATALOG if one.attribute in named)


class Row(msgspec.Struct, frozen=True):
    """Panels under one question."""

    title: str
    panels: tuple[Panel, ...]


def fields_of(template: str) -> frozenset[str]:
    """What a template names, without what follows a dot.

    Example:
        >>> sorted(fields_of("sum {by_type} ({wait_duration.count})"))
        ['by_type', 'wait_duration']
    """
    return frozenset((field or "").partition(".")[0] for _, field, _, _ in Formatter().parse(template)) - {""}


def of_store(expr: str) -> str:
    """Of what several targets say about one store, one."""
    return f"max {{per_store}} ({expr})"


def summed(expr: str, *labels: str) -> str:
    """The sum over stores, for each value of the labels."""
    by = f" by ({', '.join(labels)})" if labels else ""
    return f"sum{by} ({of_store(expr)})"


def now(attribute: str, *labels: str) -> str:
    """A gauge, added up."""
    return summed(f"{{{attribute}}}", *labels)


def rate(attribute: str, *labels: str, window: str = _RECENT) -> str:
    """How many there are of a counter in a second."""
    return summed(f"rate({{{attribute}}}[{window}])", *labels)


def increase(attribute: str, *labels: str) -> str:
    """How many there were of a counter."""
    return summed(f"increase({{{attribute}}}[{_RECENT}])", *labels)


def quantile(share: float, attribute: str, *labels: str) -> str:
    """Of a histogram, what a share of the observations does not exceed."""
    buckets = summed(f"rate({{{attribute}.bucket}}[{_RECENT}])", "le", *labels)
    return f"histogram_quantile({share:g}, {buckets})"


def quantiles(attribute: str) -> tuple[Query, ...]:
    """The usual three; the exemplars are the same for all, so one query asks for them."""
    return tuple(
        Query(expr=quantile(share, attribute), legend=f"p{share * 100:g}", exemplars=share == _SLOWEST)
        for share in (0.5, 0.95, _SLOWEST)
    )


def age(attribute: str) -> str:
    """How long ago an instant of a type was, by the store's own time of the same read."""
    return f"max by (type) ({{ledger_as_of}} - ignoring (type) group_right {{{attribute}}})"


def by_type(expr: str) -> tuple[Query, ...]:
    """One line for each type."""
    return (Query(expr=expr, legend="{{type}}"),)


def lines(exprs: Iterable[tuple[str, str]]) -> tuple[Query, ...]:
    """A line for each expression, with its name."""
    return tuple(Query(expr=expr, legend=legend) for legend, expr in exprs)
