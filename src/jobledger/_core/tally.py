"""What one attempt counts for itself: kept back until its job is complete, dropped if it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core.catalog import Kind
from jobledger._core.commands import UserDelta
from jobledger._core.series import MAX_AMOUNT, MILLION, millionths, series_labels, series_name
from jobledger.errors import InvalidOption

if TYPE_CHECKING:
    from typing import TypeAlias

MAX_OBSERVATIONS: Final = 10_000
"""Observations that one attempt may hand to its commit."""

Key: TypeAlias = "tuple[str, tuple[tuple[str, str], ...]]"


class TallyCounter:
    """A counter of the users' own, inside a handler."""

    __slots__ = ("_counts", "_key")

    def __init__(self, key: Key, counts: dict[Key, int]) -> None:
        """Made by :meth:`UserMetrics.counter`."""
        self._key = key
        self._counts = counts

    def inc(self, n: float = 1) -> None:
        """Add ``n``, at least 0, once the job is complete. Adding 0 makes the series visible.

        Raises:
            InvalidOption: ``n`` is negative, not finite, or the attempt has counted too much.
        """
        total = self._counts.get(self._key, 0) + millionths(n, f"{self._key[0]}.inc")
        if total > MAX_AMOUNT * MILLION:
            raise InvalidOption(f"{self._key[0]}: one attempt may count at most {MAX_AMOUNT:,}")
        self._counts[self._key] = total


class TallyHistogram:
    """A histogram of the users' own, inside a handler."""

    __slots__ = ("_key", "_observations")

    def __init__(self, key: Key, observations: list[UserDelta]) -> None:
        """Made by :meth:`UserMetrics.histogram`."""
        self._key = key
        self._observations = observations

    def observe(self, value: float) -> None:
        """See one value, at least 0, once the job is complete.

        Raises:
            InvalidOption: the value is negative or not finite, or the attempt has observed too many.
        """
        name, labels = self._key
        if len(self._observations) >= MAX_OBSERVATIONS:
            raise InvalidOption(
                f"{name}: one attempt may observe at most {MAX_OBSERVATIONS:,} values; sum them up first"
            )
        self._observations.append(UserDelta(name, Kind.HISTOGRAM.value, labels, millionths(value, f"{name}.observe")))


class UserMetrics:
    """The counts of one attempt.

    They are committed together with the job's completion: a retried attempt never counts twice, and what a
    dead-lettered job counted is dropped.

    Example:
        >>> metrics = UserMetrics()
        >>> metrics.counter("emails_sent_total", template="welcome").inc(2)
        >>> metrics.histogram("email_bytes").observe(1024)
        >>> [(delta.name, delta.amount) for delta in metrics.drain()]
        [('emails_sent_total', 2000000), ('email_bytes', 1024000000)]
    """

    __slots__ = ("_counts", "_observations")

    def __init__(self) -> None:
        """Nothing counted yet."""
        self._counts: dict[Key, int] = {}
        self._observations: list[UserDelta] = []

    def counter(self, name: str, /, **labels: str) -> TallyCounter:
        """A counter of your own.

        Args:
            name: a Prometheus name that ends in ``_total``; ``jobs_`` and ``jobledger_`` are reserved.
            **labels: text, from a small set of values: beyond 200 series of a name all others are ``__other__``.

        Raises:
            InvalidOption: says which rule is broken.
        """
        return TallyCounter((series_name(name, Kind.COUNTER), series_labels(labels)), self._counts)

    def histogram(self, name: str, /, **labels: str) -> TallyHistogram:
        """A histogram of your own, on the store's one ladder of boundaries (.001 to 86,400 by default).

        Args:
            name: a Prometheus name that ends in its unit, such as ``_seconds``.
            **labels: as for a counter.

        Raises:
            InvalidOption: says which rule is broken.
        """
        return TallyHistogram((series_name(name, Kind.HISTOGRAM), series_labels(labels)), self._observations)

    def drain(self) -> tuple[UserDelta, ...]:
        """Take what was counted, each counter once, and begin again."""
        counted = [UserDelta(name, Kind.COUNTER.value, labels, n) for (name, labels), n in self._counts.items()]
        drained = (*counted, *self._observations)
        self._counts.clear()
        self._observations.clear()
        return drained
