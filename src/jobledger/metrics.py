"""MetricsService: the books, read."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from jobledger._core.books import Audit, balance
from jobledger._core.labels import label
from jobledger._metrics.accept import OPENMETRICS, TEXT, wants_openmetrics
from jobledger._metrics.bound import JobMetrics
from jobledger._metrics.coalesced import Coalesced
from jobledger._metrics.exemplars import EXEMPLAR_JOBS
from jobledger._metrics.process import process_families
from jobledger._metrics.snapshot import Snapshot
from jobledger._metrics.text import openmetrics_text, prometheus_text
from jobledger._metrics.user import Ledger, Namespace, namespace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from jobledger._core.commands import UserDelta
    from jobledger._core.observations import Observation
    from jobledger._core.reads import AuditRead, LedgerRead

__all__ = ["MetricsService"]


def _nothing() -> dict[str, float]:
    return {}


async def _none(_: int) -> tuple[Observation, ...]:
    return ()


class MetricsService:
    """Facts about jobs: the same from every process, and unchanged by a crash.

    Args:
        read_ledger: reads the books.
        read_audit: reads the books, the rows and the structure, from one snapshot.
        count: commits counts of the users' own.
        process: this process's own numbers, by attribute of :data:`jobledger._metrics.process.PROCESS`.
        read_exemplars: reads observations of so many of the latest jobs.

    Attributes:
        jobs: the eleven metrics of jobs and the further ones, each with ``await .read(**labels)``.

    Example:
        >>> async with app:  # doctest: +SKIP
        ...     await app.metrics.jobs.dlq_size.read(type="email.send")
        ...     (await app.metrics.jobs.wait_duration.read()).quantile(0.95)
        ...     (await app.metrics.audit()).balanced
    """

    def __init__(
        self,
        read_ledger: Callable[[], Awaitable[LedgerRead]],
        read_audit: Callable[[], Awaitable[AuditRead]],
        count: Callable[[tuple[UserDelta, ...]], Awaitable[None]],
        process: Callable[[], Mapping[str, float]] = _nothing,
        read_exemplars: Callable[[int], Awaitable[tuple[Observation, ...]]] = _none,
    ) -> None:
        """Keep the ways to the books; nothing is read before it is asked for."""
        self._read_ledger = read_ledger
        self._read_audit = read_audit
        self._process = process
        self._read_exemplars = read_exemplars
        self._texts = {
            openmetrics: Coalesced(partial(self._rendered, openmetrics=openmetrics)) for openmetrics in (False, True)
        }
        self._ledger = Ledger(count, self.snapshot)
        self._user = Namespace("", self._ledger)
        self.jobs = JobMetrics(self.snapshot)

    @staticmethod
    def label(text: str) -> str:
        """What a text becomes as the value of a label; see :func:`jobledger._core.labels.label`."""
        return label(text)

    async def snapshot(self) -> Snapshot:
        """All metrics at one moment; read several values from one snapshot, and they fit together."""
        return await asyncio.to_thread(Snapshot, await self._read_ledger())

    async def text(self, *, openmetrics: bool = False) -> bytes:
        """All metrics as Prometheus text (format 0.0.4) or OpenMetrics (1.0, with exemplars).

        Rendered off the event loop, and one at a time: those who ask while one is being made share the next one.
        """
        return await self._texts[openmetrics].get()

    async def render(self, accept: str | None) -> tuple[bytes, str]:
        """All metrics in the format that a scraper's Accept header asks for, and the content type.

        Args:
            accept: None, and whatever names neither format, gives Prometheus text.
        """
        openmetrics = wants_openmetrics(accept)
        return await self.text(openmetrics=openmetrics), OPENMETRICS if openmetrics else TEXT

    async def audit(self) -> Audit:
        """Check that the books balance, from one snapshot, while work goes on.

        It counts the rows of all jobs that are kept, so it costs more than a read.
        """
        return await asyncio.to_thread(balance, await self._read_audit())

    def namespace(self, name: str) -> Namespace:
        """Metrics of your own under a prefix: ``namespace("billing")`` holds ``billing_…``.

        Raises:
            InvalidOption: it is no Prometheus name, or it is reserved (``jobs``, ``jobledger``).
        """
        return namespace(name, self._ledger)

    async def inc(self, name: str, n: float = 1, /, **labels: str) -> None:
        """Add to a counter of your own, in a commit of its own; durable when this returns.

        Inside a handler use ``ctx.metrics``: that commits with the job, so a retried attempt doesn't count twice.

        Args:
            name: a Prometheus name that ends in ``_total``.
            n: how much, at least 0.
            **labels: text, from a small set of values.

        Raises:
            InvalidOption: a name is invalid or reserved, or ``n`` is negative or not finite.

        Example:
            >>> await app.metrics.inc("emails_sent_total", 1, template="welcome")  # doctest: +SKIP
        """
        await self._user.counter(name, **labels).inc(n)

    async def observe(self, name: str, value: float, /, **labels: str) -> None:
        """Let a histogram of your own see a value, in a commit of its own; durable when this returns.

        Args:
            name: a Prometheus name that ends in its unit, such as ``_seconds``.
            value: at least 0.
            **labels: text, from a small set of values.

        Raises:
            InvalidOption: a name is invalid or reserved, or the value is negative or not finite.

        Example:
            >>> await app.metrics.observe("invoice_bytes", 48_213, plan="pro")  # doctest: +SKIP
        """
        await self._user.histogram(name, **labels).observe(value)

    async def _rendered(self, *, openmetrics: bool) -> bytes:
        # Before the books: then each of them is counted there.
        exemplars = await self._read_exemplars(EXEMPLAR_JOBS) if openmetrics else ()
        read, process = await self._read_ledger(), process_families(self._process())
        render = openmetrics_text if openmetrics else prometheus_text
        # In a thread: thousands of series take a while, and handlers run in this loop.
        return await asyncio.to_thread(lambda: render(Snapshot(read, exemplars), process))
