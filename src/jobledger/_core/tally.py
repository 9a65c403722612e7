"""What one attempt counts for itself: kept back until its job is complete, dropped if it is not."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from jobledger._core.catalog import Kind
from jobledger._core.commands import UserDelta
from jobledger._core.help_texts import HelpTexts
from jobledger._core.series import MAX_AMOUNT, MILLION, millionths, namespace_prefix, series_labels, series_name
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

    __slots__ = ("_counts", "_help", "_known", "_observations", "_prefix")

    def __init__(self, known: HelpTexts | None = None) -> None:
        """Nothing counted yet; ``known`` are the texts of the whole process."""
        self._counts: dict[Key, int] = {}
        self._observations: list[UserDelta] = []
        self._help: dict[str, str] = {}
        self._known = HelpTexts() if known is None else known
        self._prefix = ""

    def namespace(self, prefix: str) -> UserMetrics:
        """The same counts, by names that share a prefix.

        Args:
            prefix: a word such as ``billing``: then ``invoices_total`` is ``billing_invoices_total``.

        Raises:
            InvalidOption: it is no Prometheus name, or it is reserved.

        Example:
            >>> metrics = UserMetrics()
            >>> billing = metrics.namespace("billing")
            >>> billing.counter("invoices_total", "Invoices that were charged.", plan="pro").inc()
            >>> [(delta.name, delta.help) for delta in metrics.drain()]
            [('billing_invoices_total', 'Invoices that were charged.')]
        """
        inside = copy(self)
        inside._prefix += namespace_prefix(prefix)  # noqa: SLF001 - it is one of this class
        return inside

    def counter(self, name: str, help: str = "", /, **labels: str) -> TallyCounter:  # noqa: A002 - as scrapers call it
        """A counter of your own.

        Args:
            name: a Prometheus name that ends in ``_total``; ``jobs_`` and ``jobledger_`` are reserved.
            help: one line that says what it counts, as scraped; the first that a process has for a name stays.
            **labels: text, from a small set of values: beyond 200 series of a name all others are ``__other__``.

        Raises:
            InvalidOption: says which rule is broken.
        """
        return TallyCounter(self._key(name, Kind.COUNTER, help, labels), self._counts)

    def histogram(self, name: str, help: str = "", /, **labels: str) -> TallyHistogram:  # noqa: A002 - as for a counter
        """A histogram of your own, on the store's one ladder of boundaries (.001 to 86,400 by default).

        Args:
            name: a Prometheus name that ends in its unit, such as ``_seconds``.
            help: as for a counter.
            **labels: as for a counter.

        Raises:
            InvalidOption: says which rule is broken.
        """
        return TallyHistogram(self._key(name, Kind.HISTOGRAM, help, labels), self._observations)

    def drain(self) -> tuple[UserDelta, ...]:
        """Take what was counted, each counter once, and begin again."""
        if not self._counts and not self._observations:
            return ()
        counted = [UserDelta(name, Kind.COUNTER.value, labels, n) for (name, labels), n in self._counts.items()]
        drained = tuple(
            replace(one, help=self._help[one.name]) if one.name in self._help else one
            for one in (*counted, *self._observations)
        )
        self._counts.clear()
        self._observations.clear()
        return drained

    def _key(self, name: str, kind: Kind, text: str, labels: dict[str, str]) -> Key:
        full = series_name(name, kind, self._prefix)
        if known := self._known.of(full, text):
            self._help[full] = known
        return full, series_labels(labels)
