"""From what a store tells to figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jobledger._core import catalog
from jobledger._core.headline import headline
from jobledger._core.job import Lane
from jobledger._core.outcome import Reason
from jobledger._metrics.overview import figures
from jobledger._types import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobledger._core.overview import FailingRead, GoneWorker, HolderRead, OverviewRead, WorkerRead
    from jobledger._metrics.histogram import HistogramValue
    from jobledger._metrics.observed import Seen
    from jobledger._metrics.overview.point import Point, Window
    from jobledger._types import Micros

_HOLDING: Final[Mapping[Lane, figures.HolderState]] = {Lane.PROCESSING: "running", Lane.SCHEDULED: "back-off"}
_USUAL: Final = frozenset({Reason.PROCESSING, Reason.MAX_ATTEMPTS})
"""Reasons that say no more than that the handler failed."""
_QUANTILES: Final = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def books(read: OverviewRead) -> figures.Books:
    """Whether they balance."""
    ledger = read.ledger
    findings = ledger.samples.get(catalog.IMBALANCE.attribute)
    audited = None if findings is None or ledger.sampled_at is None else ledger.as_of - ledger.sampled_at
    return figures.Books(findings, None if audited is None else max(seconds(audited), 0.0), ledger.unfolded)


def worker(read: WorkerRead, now: Micros, labels: Mapping[int, str]) -> figures.Worker:
    """One worker. A lease of nothing is none: it is never silent."""
    beat = None if read.beat_at is None else max(now - read.beat_at, 0)
    silent = beat is not None and 0 < read.lease < beat
    return figures.Worker(
        read.writer_id, read.host, read.pid, "ended" if read.ended else "silent" if silent else "live",
        max(seconds(now - read.started_at), 0.0), None if beat is None else seconds(beat), seconds(read.lease),
        read.slots, read.running, _longest(read, now, labels),
    )  # fmt: skip


def _longest(read: WorkerRead, now: Micros, labels: Mapping[int, str]) -> figures.Longest | None:
    job = read.longest
    if job is None:
        return None
    ran, timeout = max(now - job.started_at, 0), job.timeout
    return figures.Longest(
        job.id, _label(labels, job.type_id), job.entity, seconds(ran), None if timeout is None else seconds(timeout),
        timeout is not None and ran > timeout,
    )  # fmt: skip


def gone(read: GoneWorker, now: Micros) -> figures.Gone:
    """One that was there."""
    return figures.Gone(read.writer_id, read.host, read.pid, max(seconds(now - read.died_at), 0.0))


def mailboxes(read: OverviewRead, labels: Mapping[int, str]) -> tuple[figures.Mailbox, ...]:
    """The deepest ones."""
    ended = frozenset(one.writer_id for one in read.workers if one.ended)
    return tuple(
        figures.Mailbox(
            box.entity, box.parked, None if box.holder is None else _holder(box.holder, read, ended, labels)
        )
        for box in read.mailboxes
    )


def _holder(
    read: HolderRead, seen: OverviewRead, ended: frozenset[int], labels: Mapping[int, str]
) -> figures.Holder:  # fmt: skip
    now, handled = seen.ledger.as_of, seen.ledger.handled
    state: figures.HolderState = "lost" if read.writer_id in ended else _HOLDING.get(read.lane, "ready")
    since = read.started_at if read.lane is Lane.PROCESSING else read.eligible_at
    span = read.due_at - now if read.lane is Lane.SCHEDULED else now - (now if since is None else since)
    return figures.Holder(
        read.id, _label(labels, read.type_id), state, max(seconds(span), 0.0), read.writer_id, read.type_id in handled,
        read.failures, read.max_attempts, headline(read.error) or None,
    )  # fmt: skip


def failing(read: tuple[FailingRead, ...], labels: Mapping[int, str]) -> tuple[figures.Failing, ...]:
    """Those that failed alike together; what most of them say comes first."""
    found: dict[tuple[str, str, str | None], list[FailingRead]] = {}
    for one in read:
        reason = None if one.reason is None or one.reason in _USUAL else one.reason.value
        found.setdefault((_label(labels, one.type_id), headline(one.error), reason), []).append(one)
    told = [
        figures.Failing(
            label, error, reason, sum(job.lane is Lane.FAILED for job in jobs),
            sum(job.lane is not Lane.FAILED for job in jobs), jobs[0].id,
        )
        for (label, error, reason), jobs in found.items()
    ]  # fmt: skip
    return tuple(sorted(told, key=lambda one: -(one.dead + one.retrying)))


class Counted:
    """Figures by type.

    Args:
        now: the totals as they are.
        window: the time that paces and spreads are of.
        observed: what was found beside the ledger.
    """

    def __init__(self, now: Point, window: Window | None, observed: Mapping[str, Seen]) -> None:
        """Nothing is counted yet."""
        self._now = now
        self._window = window
        self._observed = observed

    def of(self, label: str | None) -> figures.TypeFigures:
        """Those of one type, or of all."""
        window = self._window
        return figures.TypeFigures(
            label,
            self._depth(label),
            None if window is None else _pace(window, label),
            None if window is None else _spread(window.histogram(catalog.WAIT, label)),
            None if window is None else _spread(window.histogram(catalog.PROCESSING, label)),
            self._age(catalog.OLDEST_READY, label),
            self._age(catalog.OLDEST_PARKED, label),
            self._age(catalog.OLDEST_RUNNING, label),
            int(sum(self._seen(catalog.OVERDUE, label))),
            int(sum(self._seen(catalog.UNHANDLED, label))),
        )

    def _depth(self, label: str | None) -> figures.Depth:
        number = self._now.number
        parked = number(catalog.PARKED, label)
        return figures.Depth(
            number(catalog.QUEUE_DEPTH, label) - parked, parked, number(catalog.SCHEDULED, label),
            number(catalog.RUNNING, label), number(catalog.DLQ_SIZE, label),
        )  # fmt: skip

    def _age(self, instrument: catalog.Instrument, label: str | None) -> float | None:
        oldest = min(self._seen(instrument, label), default=None)
        return None if oldest is None else max(seconds(self._now.at) - oldest, 0.0)

    def _seen(self, instrument: catalog.Instrument, label: str | None) -> Iterator[float]:
        for labels, value in self._observed.get(instrument.series, {}).items():
            if label is None or labels == (("type", label),):
                yield value


def _pace(window: Window, label: str | None) -> figures.Pace:
    counters = (
        catalog.ENQUEUED, catalog.COMPLETIONS, catalog.FAILURES, catalog.RETRIES, catalog.LOST, catalog.DEAD_LETTERED,
    )  # fmt: skip
    return figures.Pace(*(window.rate(one, label) for one in counters))


def _spread(value: HistogramValue) -> figures.Spread:
    found = {name: value.quantile(q) for name, q in _QUANTILES.items()}
    above = tuple(name for name, q in _QUANTILES.items() if value.exceeds(q))
    return figures.Spread(value.count, found["p50"], found["p95"], found["p99"], above)


def _label(labels: Mapping[int, str], type_id: int) -> str:
    return labels.get(type_id, f"type {type_id}")
