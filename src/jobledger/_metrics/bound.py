"""The instruments of the jobs, each with a way to read it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from jobledger._core.catalog import CATALOG, CRITERIA, ELEVEN, Instrument, Kind
from jobledger._metrics.histogram import HistogramValue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping

    from jobledger._metrics.snapshot import Snapshot

Read = TypeVar("Read")


class BoundInstrument(Generic[Read]):
    """One metric, and its value now.

    Attributes:
        instrument: the catalog's entry: all that is said of this metric, as data.

    Example:
        >>> await app.metrics.jobs.dlq_size.read(type="email.send")  # doctest: +SKIP
        3
    """

    __slots__ = ("_snapshot", "instrument")

    def __init__(self, instrument: Instrument, snapshot: Callable[[], Awaitable[Snapshot]]) -> None:
        """Made by :class:`JobMetrics`."""
        self.instrument = instrument
        self._snapshot = snapshot

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}{{{', '.join(self.labels)}}}>"

    @property
    def name(self) -> str:
        """Its name on the wire, such as ``jobs_enqueued_total``."""
        return self.instrument.series

    @property
    def kind(self) -> Kind:
        """Counter, gauge or histogram; each equals its text."""
        return self.instrument.kind

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of its labels, in order."""
        return self.instrument.labels

    @property
    def boundaries(self) -> tuple[float, ...]:
        """Upper bounds in seconds, of a histogram; what :meth:`read` gives has those of its database."""
        return self.instrument.boundaries

    @property
    def help(self) -> str:
        """One line on what it counts."""
        return self.instrument.help

    async def read(self, **labels: str) -> Read:
        """Its value now, over all series that have these labels.

        Args:
            **labels: ``type``, ``priority``, ``status`` or ``state``, as the metric has them; what is not named is
                added up.

        Returns:
            A number, or a :class:`HistogramValue` (seconds). An instant is in seconds since 1970, and None where
            there is none.

        Raises:
            InvalidOption: the metric has no such label, or the label no such value; names what is near.
        """
        snapshot = await self._snapshot()
        return cast("Read", snapshot.value(self.instrument, **labels))


class JobMetrics:
    """The metrics of jobs: eleven, in alphabetical order, and the further ones.

    Iterating gives the eleven.

    Attributes:
        criteria: the four criteria by name, such as ``job.queue_depth``.
    """

    cancellations: BoundInstrument[int]
    completions: BoundInstrument[int]
    dead_lettered: BoundInstrument[int]
    dlq_size: BoundInstrument[int]
    duration: BoundInstrument[HistogramValue]
    enqueued: BoundInstrument[int]
    failures: BoundInstrument[int]
    processing_seconds: BoundInstrument[HistogramValue]
    queue_depth: BoundInstrument[int]
    retries: BoundInstrument[int]
    wait_duration: BoundInstrument[HistogramValue]

    running: BoundInstrument[int]
    scheduled: BoundInstrument[int]
    parked: BoundInstrument[int]
    replayed: BoundInstrument[int]
    discarded: BoundInstrument[int]
    deduplicated: BoundInstrument[int]
    lost: BoundInstrument[int]
    released: BoundInstrument[int]
    stale_settlements: BoundInstrument[int]
    pruned: BoundInstrument[int]
    mailbox_wait: BoundInstrument[HistogramValue]
    oldest_ready: BoundInstrument[float | None]
    oldest_parked: BoundInstrument[float | None]
    oldest_running: BoundInstrument[float | None]
    last_completed: BoundInstrument[float | None]
    overdue: BoundInstrument[int]
    workers: BoundInstrument[int]
    worker_slots: BoundInstrument[int]
    unhandled: BoundInstrument[int]
    entities_active: BoundInstrument[int | None]
    mailbox_deepest: BoundInstrument[int | None]
    ledger_imbalance: BoundInstrument[int | None]
    sampled_at: BoundInstrument[float | None]
    ledger_as_of: BoundInstrument[float | None]
    ledger_unfolded: BoundInstrument[int]
    series_overflowed: BoundInstrument[int]

    def __init__(self, snapshot: Callable[[], Awaitable[Snapshot]]) -> None:
        """Bind the whole catalog to one way of reading."""
        bound: dict[str, BoundInstrument[Any]] = {one.attribute: BoundInstrument(one, snapshot) for one in CATALOG}
        vars(self).update(bound)
        self.criteria: Mapping[str, BoundInstrument[int] | BoundInstrument[HistogramValue]] = MappingProxyType(
            {name: bound[instrument.attribute] for name, instrument in CRITERIA.items()}
        )

    def __iter__(self) -> Iterator[BoundInstrument[int] | BoundInstrument[HistogramValue]]:
        for instrument in ELEVEN:
            yield getattr(self, instrument.attribute)
