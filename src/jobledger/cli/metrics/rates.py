"""How fast the counters grow, between two looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jobledger._core.catalog import ELEVEN, Kind
from jobledger._metrics.histogram import HistogramValue

if TYPE_CHECKING:
    from jobledger._core.catalog import Instrument
    from jobledger._metrics.snapshot import Snapshot


class Rates:
    """What was counted at the last look, and at the one before."""

    def __init__(self) -> None:
        """Nothing was seen."""
        self._before: tuple[Snapshot, float] | None = None
        self._now: tuple[Snapshot, float] | None = None

    def see(self, snapshot: Snapshot, at: float) -> None:
        """Take a look into account.

        Args:
            snapshot: what it saw.
            at: seconds on a clock that never goes back: the store's may stand still.
        """
        self._before, self._now = self._now, (snapshot, at)

    def of(self, instrument: Instrument, type_: str | None = None) -> float | None:
        """How much a counter grew in a second, or how often a histogram observed; None before the second look."""
        if instrument.kind is Kind.GAUGE or self._before is None or self._now is None:
            return None
        (before, began), (now, ended) = self._before, self._now
        if ended <= began:
            return None
        known = type_ is None or type_ in before.types
        grown = _count(now, instrument, type_) - (_count(before, instrument, type_) if known else 0.0)
        return grown / (ended - began)

    def data(self, snapshot: Snapshot) -> list[dict[str, Any]]:
        """All of them, in all and by type."""
        return [
            {"metric": instrument.attribute, "type": type_, "value": rate}
            for instrument in ELEVEN
            for type_ in (None, *snapshot.types)
            if (rate := self.of(instrument, type_)) is not None
        ]


def _count(snapshot: Snapshot, instrument: Instrument, type_: str | None) -> float:
    value = snapshot.value(instrument) if type_ is None else snapshot.value(instrument, type=type_)
    return value.count if isinstance(value, HistogramValue) else value or 0.0
