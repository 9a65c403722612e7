"""Three families once more, as OpenTelemetry's conventions for messaging call them. The numbers are the same.

Source: opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics, whose status is "development". They have no
words for waiting, depth and dead letters, which is why these names are an extra and not the only ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core.catalog import ENQUEUED, PROCESSING, WAIT, Kind
from jobledger._metrics.family import Family, Series
from jobledger._metrics.histogram import HistogramValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobledger._metrics.family import Labels, Value
    from jobledger._metrics.snapshot import Snapshot

SENT: Final = "messaging.client.sent.messages"
CONSUMED: Final = "messaging.client.consumed.messages"
PROCESSED: Final = "messaging.process.duration"
_MESSAGES: Final = "{message}"


def mirrored(snapshot: Snapshot) -> tuple[Family, ...]:
    """Accepted jobs as messages sent, starts as messages consumed, and execution times; all by type."""
    starts = {label: _observations(value) for label, value in snapshot.by_type(WAIT).items()}
    return (
        Family(SENT, Kind.COUNTER, ENQUEUED.help, _series(snapshot.by_type(ENQUEUED), "submit"), _MESSAGES),
        Family(CONSUMED, Kind.COUNTER, "Starts of attempts.", _series(starts, "process"), _MESSAGES),
        Family(PROCESSED, Kind.HISTOGRAM, PROCESSING.help, _series(snapshot.by_type(PROCESSING), "process"), "seconds"),
    )


def _observations(value: Value) -> Value:
    """A start is observed once, with its wait."""
    return value.count if isinstance(value, HistogramValue) else 0


def _series(values: Mapping[str, Value], operation: str) -> tuple[Series, ...]:
    return tuple(Series(_labels(label, operation), value) for label, value in sorted(values.items()))


def _labels(type_label: str, operation: str) -> Labels:
    return (
        ("messaging.destination.name", type_label),
        ("messaging.operation.name", operation),
        ("messaging.system", "jobledger"),
    )
