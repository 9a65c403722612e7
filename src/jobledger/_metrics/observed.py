"""What a read finds beside the ledger: index probes, workers, samples, and the read itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from jobledger._core import catalog
from jobledger._core.labels import OVERFLOW
from jobledger._types import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jobledger._core.catalog import Instrument
    from jobledger._core.reads import LedgerRead, Probe
    from jobledger._metrics.family import Labels
    from jobledger._types import Micros

Seen: TypeAlias = dict["Labels", "int | float"]

_LATEST: Final = frozenset({catalog.LAST_COMPLETED.series})
"""Of several instants the last one counts; of the others the first, since they say what is oldest."""
_SAMPLED: Final = (catalog.ENTITIES_ACTIVE, catalog.MAILBOX_DEEPEST, catalog.IMBALANCE)
_DEPTHS: Final = frozenset({catalog.QUEUE_DEPTH.number, catalog.SCHEDULED.number})


def observed(read: LedgerRead) -> dict[str, Seen]:
    """The gauges that the ledger doesn't keep, by name; what is not known has no series."""
    free = max(read.slots - read.used, 0)
    seen: dict[str, Seen] = {
        catalog.WORKERS.series: {(): read.workers},
        catalog.WORKER_SLOTS.series: {(("state", "free"),): free, (("state", "used"),): read.used},
        catalog.UNHANDLED.series: _unhandled(read),
        catalog.AS_OF.series: {(): seconds(read.as_of)},
        catalog.UNFOLDED.series: {(): read.unfolded},
        catalog.SERIES_OVERFLOWED.series: {(): _overflowed(read)},
    }
    for instrument in _SAMPLED:
        value = read.samples.get(instrument.attribute)
        seen[instrument.series] = {} if value is None else {(): value}
    seen[catalog.SAMPLED_AT.series] = {} if read.sampled_at is None else {(): seconds(read.sampled_at)}
    return seen | _probed(read)


def merged(instrument: Instrument, values: list[int | float]) -> int | float | None:
    """Several series as one: instants don't add up, everything else does. None when there are none."""
    if not values:
        return None
    if instrument.series in _LATEST:
        return max(values)
    return min(values) if instrument.series.endswith("_timestamp_seconds") else sum(values)


def _unhandled(read: LedgerRead) -> Seen:
    labels = {type_.type_id: type_.label for type_ in read.types}
    unhandled: Seen = {(("type", label),): 0 for label in labels.values()}
    for (number, type_id, _, _), amount in read.cells.items():
        if number in _DEPTHS and type_id in labels and type_id not in read.handled:
            unhandled[("type", labels[type_id]),] += amount
    return unhandled


def _overflowed(read: LedgerRead) -> int:
    types = sum(type_.label == OVERFLOW for type_ in read.types)
    own = {one.name for one in read.user_series if any(value == OVERFLOW for _, value in one.labels)}
    return types + len(own)


def _probed(read: LedgerRead) -> dict[str, Seen]:
    labels = {type_.type_id: type_.label for type_ in read.types}
    found: dict[str, Seen] = {}
    overdue: Seen = {}
    for probe in read.probes:
        key = (("type", labels[probe.type_id]),)
        overdue[key] = overdue.get(key, 0) + probe.overdue
        for instrument, at in _instants(probe):
            series = found.setdefault(instrument.series, {})
            if at is not None:
                known = [series[key]] if key in series else []
                series[key] = merged(instrument, [*known, seconds(at)]) or 0.0
    return found | {catalog.OVERDUE.series: overdue}


def _instants(probe: Probe) -> Iterator[tuple[Instrument, Micros | None]]:
    yield catalog.OLDEST_READY, probe.oldest_ready
    yield catalog.OLDEST_PARKED, probe.oldest_parked
    yield catalog.OLDEST_RUNNING, probe.oldest_running
    yield catalog.LAST_COMPLETED, probe.last_completed
