"""All metrics at one moment: what every face reads and renders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core.catalog import CATALOG, Instrument, Kind
from jobledger._core.series import BEYOND, BEYOND_HELP
from jobledger._metrics.exemplars import placed
from jobledger._metrics.family import Family, Series
from jobledger._metrics.giving_way import giving_way
from jobledger._metrics.histogram import HistogramValue
from jobledger._metrics.observed import merged, observed
from jobledger._metrics.points import Points
from jobledger._metrics.selection import checked, matching
from jobledger._types import seconds
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from jobledger._core.observations import Observation
    from jobledger._core.reads import LedgerRead
    from jobledger._metrics.family import Labels, Value

_SERIES_AT_ONCE: Final = 100
USER_HELP = "Counted by this application's own code, committed with its jobs."


class Snapshot:
    """The metrics of one moment.

    Args:
        read: the books, as a store gives them.
        exemplars: observations of the histograms, read before the books.

    Attributes:
        as_of: the store's time of this read, in seconds since 1970.
        boundaries: this store's ladder of upper bounds, in seconds.
        types: the labels of all known types, sorted.

    Example:
        >>> from jobledger._core.catalog import QUEUE_DEPTH
        >>> from jobledger._core.reads import LedgerRead
        >>> empty = LedgerRead(0, {}, (), (), (), 0, 0, 0, frozenset(), {}, None, (1.0,))
        >>> Snapshot(empty).value(QUEUE_DEPTH)
        0
    """

    def __init__(self, read: LedgerRead, exemplars: Iterable[Observation] = ()) -> None:
        """Add the books up."""
        self.as_of = seconds(read.as_of)
        self.boundaries = read.boundaries
        self.types = tuple(sorted({type_.label for type_ in read.types}))
        self._read = read
        self._points = Points(read)
        self._observed = observed(read)
        self._exemplars = placed(exemplars, self._points, read.boundaries)

    def value(self, instrument: Instrument, /, **labels: str) -> Value | None:
        """One value, over all series that have these labels.

        Args:
            instrument: from the catalog.
            **labels: ``type``, ``priority``, ``status`` or ``state``, as the instrument has them; what is not named
                is added up (of instants the oldest counts, or the last for ``last_completed``).

        Returns:
            A whole number for counters and gauges of the ledger, a :class:`HistogramValue`, or seconds since 1970;
            None where a probe or a sample has nothing to tell.

        Raises:
            InvalidOption: the instrument has no such label, or the label no such value.
        """
        wanted = checked(instrument, labels, self._read.types)
        if instrument.source == "ledger":
            series = self._points.series(instrument.series)
            return self._points.total(instrument.series, matching(series, wanted))
        table = self._observed.get(instrument.series, {})
        return merged(instrument, [table[found] for found in matching(table, wanted)])

    def by_type(self, instrument: Instrument, /) -> dict[str, Value]:
        """A ledger instrument's values by the label of the type: for each what :meth:`value` gives."""
        series: dict[str, list[Labels]] = {label: [] for label in self.types}
        for labels in self._points.series(instrument.series):
            series.setdefault(labels[0][1], []).append(labels)
        return {label: self._points.total(instrument.series, tuple(found)) for label, found in series.items()}

    def quantile(self, instrument: Instrument, q: float, /, **labels: str) -> float | None:
        """An estimated quantile of a histogram, over all series that have these labels.

        Args:
            instrument: a histogram of the catalog.
            q: from 0 to 1.
            **labels: as for :meth:`value`.

        Returns:
            Seconds; None before the first observation.

        Raises:
            InvalidOption: it is no histogram, ``q`` is outside of 0 to 1, or a label is unknown.
        """
        value = self.value(instrument, **labels)
        if not isinstance(value, HistogramValue):
            raise InvalidOption(f"{instrument.series} is a {instrument.kind}: only a histogram has quantiles")
        return value.quantile(q)

    def user_value(self, name: str, kind: Kind, labels: Labels, /) -> Value:
        """A value of the users' own, over all series of the name that have these labels; zero before the first."""
        if self._points.user_names.get(name) is not kind:
            return (
                HistogramValue.of(self.boundaries, [0] * (len(self.boundaries) + 1), 0.0)
                if kind is Kind.HISTOGRAM
                else 0
            )
        return self._points.total(name, matching(self._points.series(name), dict(labels)))

    def families(self) -> tuple[Family, ...]:
        """Everything, in the catalog's order and then the users' own by name; series sorted by their labels."""
        return (*map(self._family, CATALOG), *self._user_families())

    def _family(self, instrument: Instrument) -> Family:
        name = instrument.series
        series = (
            self._ledger_series(name)
            if instrument.source == "ledger"
            else tuple(Series(labels, value) for labels, value in sorted(self._observed.get(name, {}).items()))
        )
        return Family(name, instrument.kind, instrument.help, series, instrument.unit)

    def _user_families(self) -> Iterator[Family]:
        texts = {one.name: one.help for one in self._read.user_series} | dict.fromkeys(BEYOND.values(), BEYOND_HELP)
        for name, kind in sorted(self._points.user_names.items()):
            yield Family(name, kind, texts[name] or USER_HELP, self._ledger_series(name))

    def _ledger_series(self, name: str) -> tuple[Series, ...]:
        value, exemplars = self._points.value, self._exemplars
        return tuple(
            Series(labels, value(name, labels), exemplars.get((name, labels), ()))
            for labels in giving_way(self._points.series(name), _SERIES_AT_ONCE)
        )
