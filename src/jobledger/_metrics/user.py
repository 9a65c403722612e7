"""The users' own metrics, outside of a handler: each count is a commit of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from jobledger._core.catalog import Kind
from jobledger._core.commands import UserDelta
from jobledger._core.help_texts import HelpTexts
from jobledger._core.series import millionths, namespace_prefix, series_labels, series_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jobledger._metrics.family import Labels, Value
    from jobledger._metrics.histogram import HistogramValue
    from jobledger._metrics.snapshot import Snapshot


class Ledger:
    """How users' metrics reach the books and come back: two injected functions, and what the metrics mean."""

    __slots__ = ("count", "help_texts", "snapshot")

    def __init__(
        self, count: Callable[[tuple[UserDelta, ...]], Awaitable[None]], snapshot: Callable[[], Awaitable[Snapshot]]
    ) -> None:
        """Keep both."""
        self.count = count
        self.snapshot = snapshot
        self.help_texts = HelpTexts()


class _UserSeries:
    """One series of the users' own."""

    __slots__ = ("_ledger", "help", "labels", "name")
    _kind: Kind

    def __init__(self, name: str, labels: Labels, help: str, ledger: Ledger) -> None:  # noqa: A002 - as the attribute
        self.name = name
        self.labels = labels
        self.help = help
        self._ledger = ledger

    async def _book(self, value: float, what: str) -> None:
        amount = millionths(value, f"{self.name}.{what}")
        await self._ledger.count((UserDelta(self.name, self._kind.value, self.labels, amount, self.help),))

    async def _read(self) -> Value:
        return (await self._ledger.snapshot()).user_value(self.name, self._kind, self.labels)


class UserCounter(_UserSeries):
    """A counter of your own.

    Attributes:
        name: its full name, as scraped.
        help: what it counts, as scraped.
        labels: names and values, sorted.
    """

    __slots__ = ()
    _kind = Kind.COUNTER

    async def inc(self, n: float = 1) -> None:
        """Add ``n``, at least 0; durable when this returns. Adding 0 makes the series visible.

        Raises:
            InvalidOption: ``n`` is negative or not finite.
        """
        await self._book(n, "inc")

    async def read(self) -> int | float:
        """The value now, over all series that have these labels; zero before the first count."""
        return cast("int | float", await self._read())


class UserHistogram(_UserSeries):
    """A histogram of your own, on the store's one ladder of boundaries.

    Attributes:
        name: its full name, as scraped.
        help: what it measures, as scraped.
        labels: names and values, sorted.
    """

    __slots__ = ()
    _kind = Kind.HISTOGRAM

    async def observe(self, value: float) -> None:
        """See one value, at least 0; durable when this returns.

        Raises:
            InvalidOption: the value is negative or not finite.
        """
        await self._book(value, "observe")

    async def read(self) -> HistogramValue:
        """What it holds now, over all series that have these labels; empty before the first observation."""
        return cast("HistogramValue", await self._read())


class Namespace:
    """Metrics of your own that share a prefix.

    Example:
        >>> billing = app.metrics.namespace("billing")  # doctest: +SKIP
        >>> invoices = billing.counter("invoices_total", "Invoices that were charged.", plan="pro")  # doctest: +SKIP
        >>> await invoices.inc()  # doctest: +SKIP
    """

    __slots__ = ("_ledger", "_prefix")

    def __init__(self, prefix: str, ledger: Ledger) -> None:
        """Made by :meth:`jobledger.metrics.MetricsService.namespace`."""
        self._prefix = prefix
        self._ledger = ledger

    def counter(self, name: str, help: str = "", /, **labels: str) -> UserCounter:  # noqa: A002 - as scrapers call it
        """A counter of your own.

        Args:
            name: without the namespace's prefix; it ends in ``_total``.
            help: one line that says what it counts, as scraped; the first that a process has for a name stays.
            **labels: text, from a small set of values: beyond 200 series of a name all others are ``__other__``.

        Raises:
            InvalidOption: says which rule is broken.
        """
        full = series_name(name, Kind.COUNTER, self._prefix)
        return UserCounter(full, series_labels(labels), self._ledger.help_texts.of(full, help), self._ledger)

    def histogram(self, name: str, help: str = "", /, **labels: str) -> UserHistogram:  # noqa: A002 - as for a counter
        """A histogram of your own.

        Args:
            name: without the namespace's prefix; it ends in its unit, such as ``_seconds`` or ``_bytes``.
            help: as for a counter.
            **labels: as for a counter.

        Raises:
            InvalidOption: says which rule is broken.
        """
        full = series_name(name, Kind.HISTOGRAM, self._prefix)
        return UserHistogram(full, series_labels(labels), self._ledger.help_texts.of(full, help), self._ledger)


def namespace(prefix: str, ledger: Ledger) -> Namespace:
    """A namespace, once its prefix was checked.

    Raises:
        InvalidOption: it is no Prometheus name, or it is reserved.
    """
    return Namespace(namespace_prefix(prefix), ledger)
