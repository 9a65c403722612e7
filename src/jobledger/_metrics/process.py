"""The numbers of one process: never part of the books, and different in every process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core.catalog import Instrument, Kind
from jobledger._metrics.family import Family, Series
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "jobledger_process_"


def _local(attribute: str, series: str, kind: Kind, text: str) -> Instrument:
    unit = "seconds" if "_seconds" in series else "bytes" if "_bytes" in series else ""
    return Instrument(
        number=0,
        attribute=attribute,
        series=PREFIX + series,
        kind=kind,
        help=text,
        meaning=text,
        unit=unit,
        source="process",
    )


PROCESS: Final = (
    _local("batches", "batches_total", Kind.COUNTER, "Batches that this process committed."),
    _local(
        "commands", "batch_commands_total", Kind.COUNTER, "Commands in those batches; over batches, their mean size."
    ),
    _local(
        "commit_seconds",
        "commit_seconds_total",
        Kind.COUNTER,
        "Time that those commits took; over batches, their mean latency.",
    ),
    _local("start_time", "start_time_seconds", Kind.GAUGE, "Since when this process counts: when it opened the store."),
    _local("slowest_commit", "slowest_commit_seconds", Kind.GAUGE, "The slowest of those commits."),
    _local("loop_lag", "loop_lag_seconds", Kind.GAUGE, "How late the event loop last woke: a handler blocks it."),
    _local("pushes", "pushes_total", Kind.COUNTER, "Pushes of metrics that a collector has taken from this process."),
    _local("push_failures", "push_failures_total", Kind.COUNTER, "Pushes that it could not send."),
    _local("resident_memory", "resident_memory_bytes", Kind.GAUGE, "Memory of this process that is in RAM."),
)
_BY_ATTRIBUTE: Final = {instrument.attribute: instrument for instrument in PROCESS}


def process_families(values: Mapping[str, float]) -> tuple[Family, ...]:
    """This process's numbers as families, in the order of :data:`PROCESS`.

    Args:
        values: by attribute, such as ``batches`` or ``loop_lag``; what is missing is left out. The counters were
            created at the ``start_time``.

    Raises:
        InvalidOption: an attribute is unknown.
    """
    for attribute in values:
        if attribute not in _BY_ATTRIBUTE:
            raise InvalidOption(f"unknown process metric {attribute!r}: use {', '.join(_BY_ATTRIBUTE)}")
    return tuple(
        Family(
            one.series,
            one.kind,
            one.help,
            (Series((), values[one.attribute]),),
            one.unit,
            values.get("start_time") if one.kind is Kind.COUNTER else None,
        )
        for one in PROCESS
        if one.attribute in values
    )
